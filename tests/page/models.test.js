/**
 * The section "Try": the user chooses a model by mouse, keyboard or address; the page fetches it when it is first chosen.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { loadModel } from 'padless';
import { intentsZh } from '../../web/intents-zh.js';
import { shipped } from '../../web/shipped.js';
import { words as pageWords } from '../../web/words.js';
import { launch } from './chromium.js';
import { overflow, screenshots, site } from './site.js';

const state = site({
  path: 'web/#try?text=',
  prepare: async (page) => {
    await page.addInitScript({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
  },
});

const radio = (/** @type {string} */ id) => state.page.locator(`#models [value=${id}]`);
const about = (/** @type {RegExp} */ text) =>
  state.page.waitForFunction((source) => new RegExp(source).test(document.getElementById('about')?.textContent ?? ''), text.source);

/** The models that the page has fetched. */
const fetched = () =>
  state.page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      // The pattern does not match langid-gru.int8, the model of the first screen.
      .map(({ name }) => /\/(\w+)\.safetensors$/.exec(name)?.[1])
      .filter(Boolean),
  );

test('a click on a model fetches it, keeps the text and answers it', async () => {
  const { page } = state;
  const text = 'Sam can’t open the can.';
  await page.locator('#text').fill(text);
  assert.deepEqual(await fetched(), ['langid']);
  await page.locator('#models label').nth(1).click();
  await page.waitForSelector('#answer mark');
  assert.equal(await page.locator('#text').inputValue(), text);
  assert.deepEqual(await fetched(), ['langid', 'tagger']);
  await addressed('model=tagger');
  assert.match((await page.locator('#about').textContent()) ?? '', /^English, 17 parts of speech, /);
  assert.equal(await page.locator('#card').getAttribute('href'), 'models/tagger/README.md');
  assert.equal(await page.locator('#heat').isVisible(), false);

  await page.locator('#models label').nth(0).click();
  await page.waitForSelector('#answer li:first-child[data-label]');
  await page.locator('#models label').nth(1).click();
  await page.waitForSelector('#answer mark');
  // The tagger is not fetched again.
  assert.deepEqual(await fetched(), ['langid', 'tagger']);
  await page.screenshot({ path: `${screenshots}try-tagger.png`, fullPage: true });
});

test('the answer shows each word with its tag, and the box colours the word', async () => {
  const { page } = state;
  const model = await loadModel('web/models/tagger/tagger.safetensors');
  await radio('tagger').check();
  await about(/parts of speech/);
  for (const text of [
    'We record a new record every week.',
    'Her quick answer surprised everyone,\n\nand nobody answered quickly.',
  ]) {
    await page.locator('#text').fill('');
    await page.waitForSelector('#answer .hint');
    await page.locator('#text').pressSequentially(text);
    const tags = (model.predict(text).outputs?.pos.tags ?? []).filter(({ label }) => label !== 'PUNCT');
    const words = tags.map(({ start, end }) => text.slice(start, end));
    // Wait for the answer to the last key.
    await page.waitForFunction((all) => document.querySelector('.under')?.textContent?.replace('\u200b', '') === all, text);
    assert.deepEqual(
      await page.locator('#answer .tagged mark').allTextContents(),
      words.map((word, i) => word + tags[i].label),
    );
    const under = page.locator('.under span');
    assert.deepEqual(await under.allTextContents(), words);
    // The coloured copy has the size and font of the box.
    assert.ok(
      await page.evaluate(() => {
        const [box, copy] = [document.getElementById('text'), document.querySelector('.under')];
        const style = (/** @type {Element | null} */ element) => {
          const { font, padding, letterSpacing, whiteSpace, overflowWrap } = getComputedStyle(/** @type {Element} */ (element));
          return JSON.stringify([font, padding, letterSpacing, whiteSpace, overflowWrap]);
        };
        return style(box) === style(copy) && box?.clientWidth === copy?.clientWidth && box?.scrollHeight === copy?.scrollHeight;
      }),
    );
  }
  // Screen readers read the word and its tag separately.
  assert.match(await page.locator('#answer .tagged').ariaSnapshot(), /Her\s+PRON/);
  // Several tags share a colour, so the legend lists every tag.
  assert.match((await page.locator('#answer .legend:not(.names)').textContent()) ?? '', /NOUN noun.*VERB verb.*ADJ adjective/);
  await page.waitForFunction(() => /^Her: pronoun, quick: adjective, /.test(document.getElementById('heard')?.textContent ?? ''));
});

test('names are listed below the tagged text, each with its kind', async () => {
  const { page } = state;
  await radio('tagger').check();
  await page.locator('#text').fill('We flew to New York in 2019.');
  await page.waitForFunction(() => document.querySelector('#answer .names')?.textContent === 'New York place');
  assert.equal(await page.locator('#answer .names').getAttribute('aria-label'), 'Names');
  await page.locator('#text').fill('We flew.');
  await page.waitForFunction(() => !document.querySelector('#answer .names'));
});

test('the tagger gives the words of the examples their grammatical parts of speech', async () => {
  const model = await loadModel('web/models/tagger/tagger.safetensors');
  const tagged = shipped.tagger.examples.map(([, text]) =>
    (model.predict(text).outputs?.pos.tags ?? []).map(({ label }) => label).join(' '),
  );
  assert.deepEqual(tagged, [
    'PROPN AUX VERB DET NOUN PUNCT',
    'PRON VERB DET ADJ NOUN DET NOUN PUNCT',
    'PRON ADJ NOUN VERB PRON PUNCT CCONJ PRON VERB ADV PUNCT',
    'ADP NUM PROPN PROPN VERB ADP PROPN ADP PROPN PUNCT',
  ]);
});

test('in the Chinese interface, parts of speech and intents have Chinese names, and the question says that the text is English', async () => {
  const { page } = state;
  await page.click('#languages [lang=zh-Hans]');
  await radio('tagger').check();
  await page.locator('#text').fill('Sam can’t open the can.');
  await page.waitForSelector('#answer mark');
  assert.deepEqual(await page.locator('#answer .tagged mark b').allTextContents(), [
    '专有名词',
    '助动词',
    '动词',
    '限定词',
    '名词',
  ]);
  assert.match((await page.locator('#question').textContent()) ?? '', /英语/);
  await radio('intents').check();
  await page.locator('#text').fill('will it rain tomorrow');
  await page.waitForFunction(() => document.querySelector('#answer .name')?.textContent === '天气');
  assert.match((await page.locator('#question').textContent()) ?? '', /英语/);
  const model = await loadModel('web/models/intents/intents.safetensors');
  const labels = (model.outputs[0].labels ?? []).filter((label) => label !== 'oos');
  assert.deepEqual([...intentsZh.keys()].sort(), [...labels].sort());
});

test('in dark mode, the colours of the tags differ from the background and from each other', async () => {
  const { page } = state;
  await page.emulateMedia({ colorScheme: 'dark' });
  const colours = await page.evaluate(() => {
    const context = /** @type {CanvasRenderingContext2D} */ (
      document.createElement('canvas').getContext('2d', { willReadFrequently: true })
    );
    return [0, 1, 2, 3, 4, 5].map((i) => {
      const mark = document.createElement('mark');
      mark.className = `tag-${i}`;
      document.getElementById('answer')?.append(mark);
      context.fillStyle = getComputedStyle(mark).backgroundColor;
      context.fillRect(0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    });
  });
  const card = [0x1d, 0x23, 0x21];
  for (const [i, a] of colours.entries())
    for (const b of [card, ...colours.slice(i + 1)]) assert.ok(Math.hypot(...a.map((c, k) => c - b[k])) > 45, `${a} and ${b}`);
});

test('the coloured copy scrolls with the box', async () => {
  const { page } = state;
  await radio('tagger').check();
  await page.locator('#text').fill('We record a new record every week.\n'.repeat(12));
  await page.waitForFunction(() => document.querySelectorAll('.under span').length > 70);
  await page.locator('#text').evaluate((box) => (box.scrollTop = 150));
  await page.waitForFunction(() => document.querySelector('.under')?.scrollTop === document.getElementById('text')?.scrollTop);
  const asHigh = () =>
    page.evaluate(() => document.querySelector('.under')?.scrollHeight === document.getElementById('text')?.scrollHeight);
  assert.ok(await asHigh());
  // Only the beginning of a long text is copied.
  await page.locator('#text').fill('We record a new record every week.\n'.repeat(400));
  await page.waitForFunction(() => document.querySelectorAll('.under span').length > 400);
  assert.ok(await asHigh());
});

test('the colours are under their words with and without a scroll bar, in text of either direction', async (t) => {
  const browser = await launch({ ignoreDefaultArgs: ['--hide-scrollbars'] });
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 361, height: 740 }, deviceScaleFactor: 1.1, serviceWorkers: 'block' });
  page.setDefaultTimeout(30_000);
  await page.goto(`${state.server.url}web/#try?model=tagger&text=`);
  await page.waitForSelector('#about:not(:empty)');
  for (const [text, scrolls] of /** @type {[string, boolean][]} */ ([
    ['The dog said so.\nשלום עולם', false],
    ['שלום עולם\nThe dog said so.', false],
    ['The dog said so.\nשלום עולם\n'.repeat(5), true],
    ['שלום עולם\nThe dog said so.\n'.repeat(5), true],
  ])) {
    await page.locator('#text').fill(text);
    await page.waitForFunction(
      (words) => document.querySelectorAll('.under span').length === words,
      (text.match(/[\p{L}]+/gu) ?? []).length,
    );
    const { box, copy, room, hebrew, english } = await page.evaluate(() => {
      const place = (/** @type {Element} */ element) => {
        const { left, right, top, bottom } = element.getBoundingClientRect();
        return { left, right, top, bottom };
      };
      const [around, under] = ['text', 'under'].map(
        (name) => /** @type {HTMLElement} */ (document.querySelector(`#${name}, .${name}`)),
      );
      const spans = [...under.querySelectorAll('span')];
      const of = (/** @type {string} */ word) => place(/** @type {Element} */ (spans.find((span) => span.textContent === word)));
      return {
        ...{ box: place(around), copy: place(under), hebrew: of('שלום'), english: of('The') },
        room: [around, under].map(({ clientLeft, clientWidth, scrollHeight }) => [clientLeft, clientWidth, scrollHeight]),
      };
    });
    assert.deepEqual(copy, box);
    assert.deepEqual(room[1], room[0]);
    const bar = box.right - box.left - room[0][1];
    assert.equal(bar > 10, scrolls);
    const rightToLeft = text.startsWith('ש');
    // Each side has 1 pixel of border and 12 of padding; the direction of the first letter decides on which side the scroll bar is.
    assert.ok(Math.abs(box.right - hebrew.right - 13 - (scrolls && !rightToLeft ? bar - 2 : 0)) < 1, `${box.right - hebrew.right}`);
    assert.ok(Math.abs(english.left - box.left - 13 - (scrolls && rightToLeft ? bar - 2 : 0)) < 1, `${english.left - box.left}`);
  }
});

test('while an input method composes, the colours move with their words', async () => {
  const { page } = state;
  const session = await page.context().newCDPSession(page);
  await radio('tagger').check();
  const under = () => page.evaluate(() => [...document.querySelectorAll('.under span')].map((span) => span.textContent).join(' '));
  const copied = () => page.evaluate(() => document.querySelector('.under')?.textContent?.replace('\u200b', ''));
  await page.locator('#text').fill('Sam can open the can.');
  await page.waitForFunction(() => document.querySelectorAll('.under span').length === 5);
  await page.locator('#text').evaluate((box) => /** @type {HTMLTextAreaElement} */ (box).setSelectionRange(5, 5));
  const compose = (/** @type {string} */ text) =>
    session.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
  for (const reading of ['h', 'hu', 'hua']) {
    await compose(reading);
    await page.waitForFunction((text) => document.querySelector('.under')?.textContent?.includes(text), reading);
    assert.equal(await copied(), `Sam c${reading}an open the can.`);
    assert.equal(await under(), 'Sam open the can');
  }
  // After the composition is cancelled, the colours are as before.
  await compose('');
  await page.waitForFunction(() => document.querySelectorAll('.under span').length === 5);
  assert.equal(await copied(), 'Sam can open the can.');
  assert.equal(await under(), 'Sam can open the can');
});

test('the answer of the intents is the name of the intent, and the heat map shows the words', async () => {
  const { page } = state;
  await radio('intents').check();
  await about(/151 answers/);
  const buttons = await page.locator('#examples button').all();
  const expected = ['book flight', 'translate', 'card declined', 'weather', 'reminder update', 'out of scope'];
  assert.equal(buttons.length, expected.length);
  for (const [i, button] of buttons.entries()) {
    await button.click();
    await page.waitForFunction((name) => document.querySelector('#answer .name')?.textContent === name, expected[i]);
  }
  // An answer that is more likely wrong than right is shown as such, even where it passes the model's threshold.
  const model = await loadModel('web/models/intents/intents.safetensors');
  const texts = ['the cat sat on the mat', 'text', 'a red house', 'nobody came', 'seven of them', 'x'];
  const unsure = texts.find((each) => (model.predict(each).score ?? 1) < 0.5);
  await page.locator('#text').fill(unsure ?? '');
  await page.waitForFunction((said) => document.querySelector('#answer .unsure')?.textContent === said, pageWords.en.notSure);
  const text = 'who won the election of 1912';
  await page.locator('#text').fill(text);
  await page.waitForFunction((shown) => document.getElementById('heat-text')?.textContent === shown, text);
  assert.equal(await page.locator('#answer .unsure').count(), 0);
  assert.equal(await page.locator('#heat-text').textContent(), text);
  assert.deepEqual(await page.locator('#heat-text span').allTextContents(), text.split(' '));
  assert.match((await page.locator('#heat-title').textContent()) ?? '', /^Which words/);
  await page.screenshot({ path: `${screenshots}try-intents.png`, fullPage: true });
});

/** Waits until the fragment of the address contains this. @param {string} part */
const addressed = (part) => state.page.waitForFunction((text) => location.hash.includes(text), part);

test('arrow keys choose a model; a reload restores it with its text, and "How it works" shows it', async () => {
  const { page } = state;
  await page.locator('#text').fill('will it rain');
  await radio('langid').focus();
  await page.keyboard.press('ArrowRight');
  await about(/parts of speech/);
  await page.keyboard.press('ArrowRight');
  await about(/151 answers/);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('value')), 'intents');
  await addressed('model=intents');
  await page.reload();
  await about(/151 answers/);
  assert.equal(await radio('intents').isChecked(), true);
  assert.equal(await page.locator('#text').inputValue(), 'will it rain');
  await page.click('nav a[href="#inside"]');
  await page.waitForSelector('#whole tr');
  assert.deepEqual(await page.locator('#row li:not(.pad, .gap) bdi').allTextContents(), ['will', 'it', 'rain']);
  assert.match((await page.locator('#row-model').textContent()) ?? '', /Intent, one cell for each of its words/);
  await page.locator('nav a[href="#try"]').click();
  assert.equal(await radio('intents').isChecked(), true);
  assert.deepEqual(await fetched(), ['intents']);
});

test('while a model loads, the page says so in its language, other sections keep it chosen, and the user may choose another', async () => {
  const { page } = state;
  const answer = page.locator('#answer');
  const says = (/** @type {string} */ text) =>
    page.waitForFunction((expected) => document.getElementById('answer')?.textContent === expected, text);
  let release = () => {};
  const gate = new Promise((resolve) => (release = () => resolve(undefined)));
  await page.route('**/tagger.safetensors', async (route) => {
    await gate;
    await route.continue();
  });
  await radio('tagger').check();
  await says('Loading the model…');
  await page.click('#languages [lang=zh-Hans]');
  await says('正在加载模型…');
  await page.click('#languages [lang=en]');
  // Visit another section by address, and go back.
  await page.evaluate(() => (location.hash = '#inside'));
  assert.ok(await radio('tagger').isChecked());
  await page.goBack();
  assert.ok(await radio('tagger').isChecked());
  await says('Loading the model…');
  await radio('langid').check();
  await page.locator('#text').fill('Guten Morgen, wie geht es Ihnen heute?');
  await page.waitForSelector('#answer li:first-child[data-label=de]');
  const before = await answer.textContent();
  const came = page.waitForResponse(/tagger\.safetensors/);
  release();
  await (await came).finished();
  await page.waitForTimeout(100);
  assert.equal(await answer.textContent(), before);
  await radio('tagger').check();
  await page.waitForSelector('#answer mark');
});

test('a model that could not be loaded gives an error in the language of the page, and a click loads it again', async () => {
  const { page } = state;
  await page.route('**/tagger.safetensors', (route) => route.fulfill({ body: 'nothing' }));
  await page.locator('#text').fill('Sam can’t open the can.');
  await radio('tagger').check();
  await page.waitForSelector('#error:not([hidden])');
  await page.click('#languages [lang=zh-Hans]');
  assert.equal(await page.locator('#answer').textContent(), '模型无法加载。');
  assert.match((await page.locator('#error-text').textContent()) ?? '', /^出错了：/);
  await page.unroute('**/tagger.safetensors');
  await radio('tagger').click();
  await page.waitForSelector('#answer mark');
  await page.waitForSelector('#error', { state: 'hidden' });
});

test('a broken model gives an error, and the other models still answer', async () => {
  const { page } = state;
  await page.route('**/tagger.safetensors', (route) => route.fulfill({ body: 'nothing' }));
  await radio('tagger').check();
  await page.waitForSelector('#error:not([hidden])');
  await page.locator('#text').fill('remind me to call my mother');
  await radio('intents').check();
  await page.waitForFunction(() => document.querySelector('#answer .name')?.textContent === 'reminder update');
  await page.waitForSelector('#error', { state: 'hidden' });
});

test('in forced colours, the chosen language and model differ from the others, tags have names, and the heat map keeps its colours', async () => {
  const { page } = state;
  await page.emulateMedia({ forcedColors: 'active' });
  await page.locator('#text').fill('Good morning to all of you. Goede morgen, hoe gaat het');
  await page.waitForSelector('#heat:not([hidden])');
  /** @param {string} selector @param {string} property */
  const each = (selector, property) =>
    page
      .locator(selector)
      .evaluateAll((all, name) => all.map((element) => getComputedStyle(element).getPropertyValue(name)), property);
  for (const [selector, property, kinds] of /** @type {[string, string, number][]} */ ([
    ['#languages button', 'border-top-color', 2],
    ['#models label', 'background-color', 2],
  ])) {
    const [chosen, ...others] = await each(selector, property);
    assert.equal(new Set([chosen, ...others]).size, kinds, selector);
    assert.ok(!others.includes(chosen), selector);
  }
  const heats = await each('#heat-text .for', 'background-color');
  assert.ok(new Set(heats).size > 5, heats.join(' '));
  await radio('tagger').check();
  await page.waitForSelector('#answer mark');
  // In forced colours, the text of the coloured copy would be visible: it is hidden.
  assert.equal(await page.locator('.under').isVisible(), false);
  assert.ok((await page.locator('#answer mark b').allTextContents()).includes('NOUN'));
  await page.screenshot({ path: `${screenshots}try-forced.png`, fullPage: true });
});

test('for each model, axe-core finds nothing and 360 pixels need no sideways scrolling, in both languages, light and dark', async () => {
  const { page } = state;
  await page.setViewportSize({ width: 360, height: 740 });
  for (const [id, text] of [
    ['tagger', 'Well, in 2019 we flew from Berlin to New York twice.'],
    ['intents', 'book me a flight from boston to tokyo'],
  ])
    for (const language of ['en', 'zh-Hans']) {
      await page.click(`#languages [lang=${language}]`);
      await radio(id).check();
      await page.waitForSelector('#about:not(:empty)');
      await page.locator('#text').fill(text);
      await page.waitForSelector(id === 'tagger' ? '#answer mark' : '#heat:not([hidden])');
      for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
        await page.emulateMedia({ colorScheme });
        assert.ok((await overflow(page)) <= 0);
        const found = await page.evaluate(async () => {
          const { violations } = await /** @type {any} */ (window).axe.run(document, { resultTypes: ['violations'] });
          return violations.flatMap((/** @type {any} */ { id: rule, nodes }) =>
            nodes.map((/** @type {any} */ node) => `${rule}: ${node.html.slice(0, 120)}`),
          );
        });
        assert.deepEqual(found, [], `${id}, ${language}, ${colorScheme}`);
      }
    }
});
