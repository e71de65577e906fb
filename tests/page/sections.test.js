/**
 * The page's sections, its address, its languages, and its accessibility.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { words } from '../../web/words.js';
import { overflow, screenshots, site } from './site.js';

const state = site({
  path: 'web/#try?text=',
  focus: '#text',
  prepare: async (page) => {
    await page.addInitScript({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
  },
});
const sections = ['try', 'inside', 'yours', 'speed', 'documentation'];

test('each link of the header leads to its section, and the address then holds the section and the state', async () => {
  const { page } = state;
  await page.locator('#text').fill('Hallo');
  for (const id of sections) {
    await page.click(`nav a[href="#${id}"]`);
    await page.waitForFunction((name) => location.hash.startsWith(`#${name}?`) && location.hash.includes('text=Hallo'), id);
    assert.ok(await page.locator(`#${id}`).evaluate((section) => section.getBoundingClientRect().top < innerHeight), id);
  }
  await page.goto(`${state.server.url}web/#speed?padding=5`);
  await page.reload();
  await page.waitForFunction(() => scrollY > 500);
  await page.waitForFunction(() => Math.abs(document.getElementById('speed')?.getBoundingClientRect().top ?? 1e9) < innerHeight);
});

test('all sections share the text, the padding and the side', async () => {
  const { page } = state;
  await page.locator('#proof-text').fill('Guten Morgen, wie geht es Ihnen?');
  await page.waitForSelector('#masked-name[data-label=de]');
  await page.locator('#text').scrollIntoViewIfNeeded();
  await page.waitForFunction(() => /** @type {any} */ (document.getElementById('text')).value.startsWith('Guten Morgen'));
  await page.waitForSelector('#answer li:first-child[data-label=de]');
  await page.locator('#text').fill('Buongiorno');
  await page.locator('#sentence').scrollIntoViewIfNeeded();
  await page.waitForFunction(() => /** @type {any} */ (document.getElementById('sentence')).value === 'Buongiorno');
  await page.waitForFunction(() => document.querySelector('#row bdi')?.textContent === 'B');
  await page.check('#side [value=front]');
  await page.locator('#steps').fill('3');
  await page.locator('#proof-text').scrollIntoViewIfNeeded();
  await page.waitForFunction(() => /** @type {any} */ (document.getElementById('proof-text')).value === 'Buongiorno');
  assert.equal(await page.locator('#proof-padding').inputValue(), '3');
  assert.deepEqual(await page.locator('#proof-row span').evaluateAll((all) => all.slice(0, 4).map(({ className }) => className)), [
    'pad',
    'pad',
    'pad',
    '',
  ]);
});

test('a copied link restores text, model, padding and side', async () => {
  const { page, server } = state;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(server.url).origin });
  await page.evaluate(() => (location.hash = '#inside?text=a%26b%20%2B%20%D8%A7%0Ac&model=tagger&padding=7&side=middle'));
  await page.waitForFunction(() => document.querySelector('#row bdi')?.textContent === 'a');
  const links = [];
  for (const [button, section] of [
    ['#inside [data-copy=link]', 'inside'],
    ['#choose [data-copy=link]', 'try'],
    ['#proof [data-copy=link]', 'proof'],
  ]) {
    await page.locator(button).focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction((selector) => document.querySelector(selector)?.textContent === 'Copied.', button);
    links.push(await page.evaluate(() => navigator.clipboard.readText()));
    assert.match(links.at(-1) ?? '', new RegExp(`#${section}\\?`));
  }
  for (const link of links) {
    const other = await state.browser.newPage({ serviceWorkers: 'block' });
    await other.goto(link);
    await other.waitForFunction(() => document.getElementById('proof-count')?.textContent === '7');
    const shown = await other.evaluate(() => {
      const value = (/** @type {string} */ selector) => /** @type {any} */ (document.querySelector(selector)).value;
      return [value('#proof-text'), value('#steps'), value('#side :checked'), value('#models :checked')];
    });
    assert.deepEqual(shown, ['a&b + ا\nc', '7', 'middle', 'tagger']);
    await other.close();
  }
});

test('a link leaves out a text that is too long for it, and the button says so', async () => {
  const { page, server } = state;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(server.url).origin });
  await page.locator('#text').fill('a'.repeat(1001));
  await page.click('#choose [data-copy=link]');
  await page.waitForFunction(() => /without the text/.test(document.querySelector('#choose [data-copy=link]')?.textContent ?? ''));
  assert.ok((await page.evaluate(() => navigator.clipboard.readText())).length < 200);
});

test('invalid values in the address are replaced by the defaults', async () => {
  const { page } = state;
  await page.evaluate(() => (location.hash = '#proof?padding=-3&side=left&model=__proto__'));
  await page.waitForFunction(() => document.getElementById('proof-count')?.textContent === '12');
  assert.equal(await page.locator('#models :checked').inputValue(), 'langid');
  await page.evaluate(() => (location.hash = '#%E0%A4%A?padding=1e9'));
  assert.equal(await page.locator('#error').isVisible(), false);
});

test('the HTML contains the English texts of words.js', () => {
  const html = readFileSync(new URL('../../web/index.html', import.meta.url), 'utf8');
  const found = [...html.matchAll(/data-say="(\w+)"[^>]*>([^<]*)</g)];
  assert.ok(found.length > 60);
  for (const [, word, text] of found)
    assert.equal(text.replace(/\s+/g, ' ').trim(), words.en[/** @type {keyof typeof words.en} */ (word)], word);
  for (const [tag, word] of html.matchAll(/<[^>]*data-say-label="(\w+)"[^>]*>/g))
    assert.ok(tag.includes(`aria-label="${words.en[/** @type {keyof typeof words.en} */ (word)]}"`), word);
});

test('a click switches the whole page to Chinese, and a reload keeps the language', async () => {
  const { page } = state;
  await page.keyboard.type('Guten Morgen, wie geht es');
  await page.click('#languages [lang=zh-Hans]');
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-Hans');
  assert.equal(await page.title(), words['zh-Hans'].title);
  assert.match((await page.locator('#answer').textContent()) ?? '', /^德语/);
  assert.equal(await page.locator('#examples button').first().textContent(), '德语');
  const left = await page.evaluate(
    (en) => {
      const texts = document.evaluate('//body//text()', document, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE);
      return Array.from({ length: texts.snapshotLength }, (_, i) => texts.snapshotItem(i)?.textContent?.trim() ?? '').filter(
        (text) => en.includes(text),
      );
    },
    Object.values(words.en).filter((text) => !Object.values(words['zh-Hans']).includes(text)),
  );
  assert.deepEqual(left, []);
  await page.reload();
  await page.waitForSelector('#about:not(:empty)');
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-Hans');
  await page.click('#languages [lang=en]');
  assert.match((await page.locator('#about').textContent()) ?? '', /languages/);
});

test('the Chinese texts call a bit 比特', () => {
  for (const [word, text] of Object.entries(words['zh-Hans'])) assert.doesNotMatch(text, /各位|每一位/, word);
});

test('a browser that prefers Chinese shows the page in Chinese', async () => {
  const page = await state.browser.newPage({ locale: 'zh-CN' });
  await page.goto(`${state.server.url}web/`);
  await page.waitForFunction(() => document.documentElement.lang === 'zh-Hans');
  await page.close();
});

test('every text that the page uses exists, every text is used, and both languages have the same placeholders', () => {
  const web = fileURLToPath(new URL('../../web/', import.meta.url));
  const html = readFileSync(`${web}index.html`, 'utf8');
  const sources = readdirSync(web).filter((name) => /\.(js|html)$/.test(name) && name !== 'words.js');
  const all = sources.map((name) => readFileSync(web + name, 'utf8')).join('\n');
  for (const word of Object.keys(words.en)) assert.match(all, new RegExp(`['"]${word}['"]`), word);
  for (const [, word] of html.matchAll(/data-say(?:-label)?="(\w+)"/g)) assert.ok(Object.hasOwn(words.en, word), word);
  const places = (/** @type {string} */ text) => (text.match(/\{\w+\}/g) ?? []).sort().join();
  for (const [word, text] of Object.entries(words.en))
    assert.equal(places(words['zh-Hans'][/** @type {keyof typeof words.en} */ (word)]), places(text), word);
});

/** The violations that axe-core finds in the page. */
const violations = () =>
  state.page.evaluate(async () => {
    const found = await /** @type {any} */ (window).axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      resultTypes: ['violations'],
    });
    return found.violations.flatMap((/** @type {any} */ { id: rule, nodes }) =>
      nodes.map((/** @type {any} */ node) => `${rule}: ${node.html.slice(0, 120)} ${node.any[0]?.message ?? ''}`),
    );
  });

/** Fills all sections. @param {string} text */
async function showAll(text) {
  const { page } = state;
  await page.setInputFiles('#files', fileURLToPath(new URL('../../web/models/langid/langid.safetensors', import.meta.url)));
  await page.waitForSelector('#yours-box:not([hidden])');
  await page.locator('#yours-text').fill('Guten Tag');
  await page.waitForSelector('#yours-answer li');
  await page.locator('#sentence').fill(text);
  await page.waitForSelector('#whole tr');
  await page.locator('#text').scrollIntoViewIfNeeded();
  await page.waitForSelector('#heat:not([hidden])');
}

for (const language of ['en', 'zh-Hans'])
  test(`axe-core finds no violation in light and dark mode (${language})`, async () => {
    const { page } = state;
    await page.click(`#languages [lang=${language}]`);
    // The text is in two languages, so that the heat map has both colours.
    await showAll('Good morning to all of you. Goede morgen, hoe gaat het');
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await violations(), [], colorScheme);
      await page.screenshot({ path: `${screenshots}page-${colorScheme}-${language}.png`, fullPage: true });
    }
  });

test('in the accessibility tree every control and group has a name, and three elements are live regions', async () => {
  const { page } = state;
  await page.goto(`${state.server.url}web/#inside?text=How%20are%20you%20today`);
  await page.reload();
  await Promise.all(['#masked-name[data-label]', '#whole tr'].map((shown) => page.waitForSelector(shown)));
  const tree = await page.locator('body').ariaSnapshot();
  const roles = [...tree.matchAll(/^ *- '?(button|link|textbox|slider|radio|combobox|group|region|navigation)\b(.*)$/gm)];
  for (const [line, role, rest] of roles) assert.match(rest, /^ "[^"]/, `${role}: ${line}`);
  const count = (/** @type {string} */ wanted) => roles.filter(([, role]) => role === wanted).length;
  assert.deepEqual([count('textbox'), count('slider'), count('radio')], [3, 3, 6], tree);
  for (const named of ['group "Masked padless"', 'group "Naive no mask"', 'group "Five lines of code"', 'slider "Padding": "12"'])
    assert.ok(tree.includes(`- ${named}`), named);
  // Screen readers announce a slider's value themselves, so the number beside it must not be a live region.
  const live = '[role=status], [role=log], [aria-live], output:not([aria-hidden])';
  assert.deepEqual(await page.locator(live).evaluateAll((all) => all.map(({ id }) => id)), [
    'heard',
    'yours-status',
    'speed-status',
  ]);
});

for (const language of ['en', 'zh-Hans'])
  test(`a window of 360 pixels needs no sideways scrolling (${language})`, async () => {
    const { page } = state;
    await page.setViewportSize({ width: 360, height: 740 });
    await page.click(`#languages [lang=${language}]`);
    await showAll('Good morning to all of you');
    assert.ok((await overflow(page)) <= 0);
    assert.ok(await page.locator('nav').evaluate((nav) => nav.scrollWidth <= nav.clientWidth));
    await page.screenshot({ path: `${screenshots}page-narrow-${language}.png`, fullPage: true });
  });

test('on a phone, the copy button does not cover the code', async () => {
  const { page } = state;
  await page.setViewportSize({ width: 360, height: 640 });
  const [button, first] = await page.evaluate(() => {
    const lines = document.createRange();
    lines.selectNodeContents(/** @type {Node} */ (document.querySelector('#code code')));
    return [document.querySelector('[data-copy=code]')?.getBoundingClientRect().bottom ?? NaN, lines.getBoundingClientRect().top];
  });
  assert.ok(button <= first, `${button} ${first}`);
});

test('on touch screens, controls are at least 44 pixels high', async () => {
  const { page, browser, server } = state;
  const phone = await browser.newPage({
    ...{ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true },
    ...{ locale: 'en', serviceWorkers: 'block' },
  });
  await phone.goto(`${server.url}web/`);
  await phone.waitForSelector('#masked-name[data-label]');
  const small = await phone.evaluate(() =>
    [...document.querySelectorAll('button, select, textarea, input[type=range], fieldset label, .button, nav a')]
      .filter((control) => control.checkVisibility())
      .filter((control) => control.getBoundingClientRect().height < 43.9)
      .map((control) => `${control.outerHTML.slice(0, 80)} ${control.getBoundingClientRect().height}`),
  );
  assert.deepEqual(small, []);
  await phone.close();
  await page.bringToFront();
});
