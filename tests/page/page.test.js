/**
 * The section "Try" with the language model, in headless Chromium.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from 'padless';
import { words } from '../../web/words.js';
import { overflow, screenshots, site } from './site.js';

const state = site({ path: 'web/#try?text=', focus: '#text' });

const first = () => state.page.locator('#answer li').first();
/** Waits until the best answer is this label. @param {string | null} label */
const answered = (label) => state.page.waitForSelector(`#answer li:first-child[data-label="${label}"]`);

test('the answer to German text is German', async () => {
  const { page } = state;
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'text');
  await page.keyboard.type('Guten Morgen, wie geht es Ihnen heute?');
  await answered('de');
  assert.match((await first().textContent()) ?? '', /^German/);
  assert.equal(await page.locator('#answer li').count(), 5);
  assert.match((await page.locator('#time').textContent()) ?? '', /^\d+\.\d ms$/);
  assert.ok(
    await page
      .locator('.bar span')
      .first()
      .evaluate((fill) => fill.clientWidth > 50),
  );
  await page.screenshot({ path: `${screenshots}try.png`, fullPage: true });
});

test('the answer is computed at every keystroke, and each computation adds a bar to the plot', async () => {
  const { page } = state;
  let previous = (await page.locator('#answer').textContent()) ?? '';
  for (const key of 'Danke') {
    await page.keyboard.type(key);
    await page.waitForFunction((text) => document.getElementById('answer')?.textContent !== text, previous);
    previous = (await page.locator('#answer').textContent()) ?? '';
  }
  assert.equal(await page.locator('#plot-bars rect').count(), 5);
  assert.match((await page.locator('#plot-text').textContent()) ?? '', /^Last 5: median \d+\.\d ms, at most \d+\.\d ms\.$/);
});

test('the answer to each example is its language', async () => {
  const { page } = state;
  const buttons = await page.locator('#examples button').all();
  assert.equal(buttons.length, 10);
  for (const button of buttons) {
    await button.click();
    await answered(await button.getAttribute('data-label'));
  }
});

test('an empty box, a lone surrogate and a megabyte get an answer', async () => {
  const { page } = state;
  assert.match((await page.locator('#answer').textContent()) ?? '', /Type or paste/);
  for (const value of ['\ud800', 'a'.repeat(1 << 20), '']) {
    await page.evaluate(
      (given) =>
        new Promise((resolve) => {
          const box = /** @type {HTMLTextAreaElement} */ (document.getElementById('text'));
          const answer = /** @type {HTMLElement} */ (document.getElementById('answer'));
          box.value = given === 'lone' ? '\ud800' : given;
          const observer = new MutationObserver(() => {
            observer.disconnect();
            resolve(undefined);
          });
          observer.observe(answer, { childList: true });
          box.dispatchEvent(new Event('input'));
        }),
      value === '\ud800' ? 'lone' : value,
    );
    assert.equal(await page.locator('#answer li').count(), value ? 5 : 0);
    assert.equal(await page.locator('#cut').isVisible(), value.length > 512);
  }
  assert.match((await page.locator('#answer').textContent()) ?? '', /Type or paste/);
  assert.equal(await page.locator('#error').isVisible(), false);
});

test('ids, mask and padding are shown as the model gets them', async () => {
  const { page } = state;
  const { text } = await loadModel('web/models/langid/langid.safetensors');
  const { ids = [], offsets = [] } = text?.encode('Tag') ?? {};
  await page.locator('#text').fill('Tag');
  await page.waitForSelector('#tokens li.pad');
  const covered = 'Tag'.slice(offsets[6], offsets[7]);
  assert.deepEqual(await page.locator('#tokens li').nth(3).locator('bdi, span').allTextContents(), [covered, String(ids[3]), '1']);
  const steps = 8 * Math.floor(ids.length / 8 + 1);
  assert.deepEqual(await page.locator('#tokens li.pad').allTextContents(), new Array(steps - ids.length).fill('·00'));
  assert.match((await page.locator('#reads-hint').textContent()) ?? '', new RegExp(`n-gram, id, mask.* a batch of ${steps} steps`));
});

test('a long text shows its first 64 tokens', async () => {
  const { page } = state;
  await page.locator('#text').fill('ab '.repeat(50));
  await page.waitForSelector('#reads:not([hidden])');
  assert.equal(await page.locator('#tokens li:not(.pad, .gap)').count(), 64);
  // A gap stands for the tokens that are not shown.
  assert.deepEqual(await page.locator('#tokens .gap').allTextContents(), ['…+736']);
  assert.match((await page.locator('#tokens').textContent()) ?? '', /…\+736(·00)+$/);
  assert.match((await page.locator('#more').textContent()) ?? '', /64 of 800/);
});

test('of a long text, only the part that the model reads is segmented and shown', async () => {
  const { page } = state;
  await page.evaluate(() => {
    const { segment } = Intl.Segmenter.prototype;
    Object.assign(window, { longest: 0 });
    Intl.Segmenter.prototype.segment = function (text) {
      Object.assign(window, { longest: Math.max(/** @type {any} */ (window).longest, text.length) });
      return segment.call(this, text);
    };
  });
  // The second text is one letter with 20,000 combining marks, which are read: they are none of U+0300 to U+036F.
  const { text: reader } = await loadModel('web/models/langid/langid.safetensors');
  let most = 0;
  for (const text of ['ab '.repeat(40_000), `a${'\u0591'.repeat(20_000)}`]) {
    const read = Math.max(...(reader?.encode(text).offsets ?? []));
    most = Math.max(most, read);
    await page.locator('#text').fill('');
    await page.waitForSelector('#heat', { state: 'hidden' });
    await page.locator('#text').fill(text);
    await page.waitForSelector('#heat:not([hidden])');
    const shown = (await page.locator('#heat-text').textContent()) ?? '';
    assert.ok(text.startsWith(shown) && shown.length === read && read < 4000, `${shown.length} characters, ${read} read`);
  }
  const longest = await page.evaluate(() => /** @type {any} */ (window).longest);
  assert.ok(longest > 0 && longest <= most, `${longest} characters`);
});

test("the contributions in the heat map add up to the logarithm of the answer's odds", async () => {
  const { page } = state;
  const text = 'Guten Tag, Käse';
  const model = await loadModel('web/models/langid/langid.safetensors');
  const { label = '', scores = {} } = model.predict(text);
  const [p, q] = Object.values(scores).sort((a, b) => b - a);
  await page.locator('#text').fill(text);
  await answered(label);
  // The heat map of a text of more than a hundred tokens appears when the user has paused.
  await page.waitForSelector('#heat:not([hidden])');
  const said = /= (-?[\d.]+)\.$/.exec((await page.locator('#heat-sum').textContent()) ?? '')?.[1];
  assert.ok(Math.abs(Number(said) - Math.log(p / q)) < 0.01, `${said}, expected ${Math.log(p / q)}`);
  const spans = page.locator('#heat-text span');
  // No n-gram contains white space.
  assert.equal((await spans.allTextContents()).join(''), text.replaceAll(' ', ''));
  const shares = await spans.evaluateAll((all) => all.map((span) => Number(span.title.replace('−', '-'))));
  const added = /add up to (-?[\d.]+);/.exec((await page.locator('#heat-sum').textContent()) ?? '')?.[1];
  assert.ok(Math.abs(shares.reduce((all, share) => all + share, 0) - Number(added)) < 0.02, added);
});

test('screen readers announce the answer once, after the user has stopped typing', async () => {
  const { page } = state;
  await page.evaluate(() => {
    const heard = /** @type {HTMLElement} */ (document.getElementById('heard'));
    /** @type {any} */ (window).heard = [];
    new MutationObserver(() => /** @type {any} */ (window).heard.push(heard.textContent)).observe(heard, { childList: true });
  });
  await page.keyboard.type('Guten Morgen, wie geht es', { delay: 5 });
  await page.waitForFunction(() => /** @type {any} */ (window).heard.length > 0);
  assert.match((await page.evaluate(() => /** @type {any} */ (window).heard)).join('|'), /^German, \d+%$/);
  assert.equal(await page.locator('#answer[aria-live], #answer [aria-live]').count(), 0);
});

test('a window of 360 pixels needs no sideways scrolling', async () => {
  const { page } = state;
  await page.setViewportSize({ width: 360, height: 740 });
  assert.ok((await overflow(page)) <= 0);
  for (const button of await page.locator('#examples button').all()) {
    await button.click();
    await answered(await button.getAttribute('data-label'));
    assert.ok((await overflow(page)) <= 0);
    assert.ok(
      await page.evaluate(() => [...document.querySelectorAll('.score')].every((score) => score.scrollWidth <= score.clientWidth)),
    );
  }
  await page.screenshot({ path: `${screenshots}try-narrow.png`, fullPage: true });
});

test('the page is dark if the user prefers dark pages', async () => {
  const { page } = state;
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.notEqual(await background(), light);
  await page.locator('#examples button').nth(4).click();
  await answered('hi');
  await page.screenshot({ path: `${screenshots}try-dark.png`, fullPage: true });
});

test('while an input method composes, the answer stays; the committed text gets an answer', async () => {
  const { page } = state;
  const session = await page.context().newCDPSession(page);
  await page.keyboard.type('这个国家的人们');
  await answered('zh-Hans');
  const before = await page.locator('#answer').textContent();
  for (const reading of ['h', 'hu', 'hua'])
    await session.send('Input.imeSetComposition', { text: reading, selectionStart: reading.length, selectionEnd: reading.length });
  await page.waitForTimeout(200);
  assert.match(await page.locator('#text').inputValue(), /hua$/);
  assert.equal(await page.locator('#answer').textContent(), before);
  await session.send('Input.insertText', { text: '說漢語' });
  await page.waitForFunction((old) => document.getElementById('answer')?.textContent !== old, before);
  assert.equal(await page.locator('#text').inputValue(), '这个国家的人们說漢語');
});

test('pasted text gets an answer: a word pasted into a sentence, and a long text that replaces everything', async () => {
  const { page, server } = state;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(server.url).origin });
  const paste = async (/** @type {string} */ text) => {
    await page.evaluate((given) => navigator.clipboard.writeText(given), text);
    await page.keyboard.press('Control+V');
  };
  await page.keyboard.type('Guten , wie geht es Ihnen?');
  for (let i = 0; i < ', wie geht es Ihnen?'.length; i++) await page.keyboard.press('ArrowLeft');
  await paste('Morgen');
  await answered('de');
  assert.equal(await page.locator('#text').inputValue(), 'Guten Morgen, wie geht es Ihnen?');
  await page.keyboard.press('Control+A');
  await paste('Good morning to all of you, and welcome. '.repeat(5_000));
  await page.waitForFunction(() => document.querySelector('#answer li')?.getAttribute('data-label') === 'en', undefined, {
    timeout: 60_000,
  });
  assert.ok((await page.locator('#text').inputValue()).length > 200_000);
  assert.equal(await page.locator('#cut').isVisible(), true);
  // An n-gram of a character is two ids, and a character begins several n-grams.
  const [, read] = /first (\d+) characters/.exec(await page.locator('#cut').innerText()) ?? [];
  assert.ok(Number(read) > 1000 && Number(read) < 4000, read);
});

test('the page shows how much it has downloaded', async () => {
  const { page } = state;
  await page.waitForFunction(() =>
    /^Downloaded so far: [\d.]+ [kM]B in \d+ files\.$/.test(document.getElementById('bytes')?.textContent ?? ''),
  );
  const [, size, unit] = /: ([\d.]+) ([kM])B/.exec((await page.locator('#bytes').textContent()) ?? '') ?? [];
  const kilobytes = Number(size) * (unit === 'M' ? 1000 : 1);
  // The page has downloaded two models and little else.
  assert.ok(kilobytes > 300 && kilobytes < 1300, `${kilobytes} kB`);
});

test("the browser's Undo and a button restore the text that an example replaced", async () => {
  const { page } = state;
  const box = page.locator('#text');
  await page.keyboard.type('my own words');
  await page.locator('#examples button').nth(0).focus();
  await page.keyboard.press('Enter');
  await answered('de');
  // The focus stays on the button.
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'German');
  await box.focus();
  await page.keyboard.press('Control+Z');
  assert.equal(await box.inputValue(), 'my own words');
  for (const nth of [1, 2]) await page.locator('#examples button').nth(nth).click();
  await answered('el');
  await page.click('#undo');
  assert.equal(await box.inputValue(), 'my own words');
  await answered('en');
  assert.equal(await page.locator('#undo').isVisible(), false);
  // After the user has edited the example, it cannot be undone.
  await page.locator('#examples button').nth(0).click();
  await box.focus();
  await page.keyboard.type('!');
  assert.equal(await page.locator('#undo').isVisible(), false);
});

test('on a phone, the answer is close enough to the box to be visible above the keyboard', async () => {
  const { page } = state;
  await page.setViewportSize({ width: 360, height: 640 });
  await page.locator('#text').fill('Guten Morgen');
  await answered('de');
  for (const [box, answer] of [
    ['#text', '#answer li:first-child'],
    ['#proof-text', '#naive-score'],
  ]) {
    const [from, to] = await Promise.all([box, answer].map((selector) => page.locator(selector).boundingBox()));
    // The on-screen keyboard leaves about half of the 640 pixels.
    assert.ok(
      (to?.y ?? 0) + (to?.height ?? 0) - (from?.y ?? 0) < 310,
      `${box}: ${(to?.y ?? 0) + (to?.height ?? 0) - (from?.y ?? 0)}`,
    );
  }
  assert.match((await page.locator('meta[name=viewport]').getAttribute('content')) ?? '', /interactive-widget=resizes-content/);
});

test('the facts about the model are in the box of its answer', async () => {
  assert.ok(await state.page.locator('#answered #about').count());
});

test('the page shows an error for a broken model', async () => {
  const { page } = state;
  await page.route('**/*.safetensors', (route) => route.fulfill({ body: 'nothing' }));
  await page.reload();
  await page.waitForSelector('#error:not([hidden])');
  assert.match((await page.locator('#error-text').textContent()) ?? '', /^Something went wrong: ./);
});

test('the page explains a failed download, and "Try again" repeats it', async () => {
  const { page, complaints } = state;
  await page.route('**/*.safetensors', (route) => route.abort());
  await page.reload();
  await page.waitForSelector('#error:not([hidden])');
  assert.equal(await page.locator('#error-text').textContent(), words.en.offlineError);
  // Each part of the page that waits for the model says so for itself.
  await page.waitForFunction((text) => document.getElementById('answer')?.textContent === text, words.en.noModel);
  await page.unroute('**/*.safetensors');
  await page.focus('#retry');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#about:not(:empty)');
  await page.locator('#text').fill('Guten Morgen, wie geht es Ihnen?');
  await answered('de');
  assert.equal(await page.locator('#error').isVisible(), false);
  // Chromium itself logs the downloads that failed.
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !/net::ERR_FAILED/.test(text)));
});
