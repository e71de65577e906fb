/**
 * The page's tabs and languages: by click and by keyboard, told to a screen reader, without a fault that axe-core knows.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { words } from '../../web/words.js';
import { overflow, screenshots, site } from './site.js';

const state = site({
  prepare: async (page) => {
    await page.addInitScript({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
  },
});
const panels = ['try', 'inside', 'yours', 'speed'];

const open = async () =>
  (await state.page.locator('[role=tabpanel]:not([hidden])').evaluateAll((all) => all.map(({ id }) => id))).join();

test('each tab opens by a click, and the address remembers it', async () => {
  const { page } = state;
  for (const id of [...panels].reverse()) {
    await page.click(`#tab-${id}`);
    assert.equal(await open(), id);
    assert.equal(await page.locator('[aria-selected=true]').getAttribute('id'), `tab-${id}`);
  }
  await page.click('#tab-yours');
  await page.reload();
  await page.waitForSelector('#about:not(:empty)');
  assert.equal(await open(), 'yours');
});

test('arrow keys, Home and End go from tab to tab, and round', async () => {
  const { page } = state;
  // Past the models to the tabs.
  await page.locator('#text').press('Shift+Tab');
  await page.keyboard.press('Shift+Tab');
  // One of them is in the order of the keys, not four.
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'tab-try');
  /** @type {[string, string][]} */
  const keys = [
    ['ArrowRight', 'inside'],
    ['ArrowRight', 'yours'],
    ['End', 'speed'],
    ['ArrowRight', 'try'],
    ['ArrowLeft', 'speed'],
    ['Home', 'try'],
  ];
  for (const [key, id] of keys) {
    await page.keyboard.press(key);
    assert.equal(await open(), id);
    assert.equal(await page.evaluate(() => document.activeElement?.id), `tab-${id}`);
  }
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('value')), 'langid');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'text');
});

test('the link from Try leads to Look inside', async () => {
  const { page } = state;
  await page.keyboard.type('Hallo');
  await page.click('#reads a');
  await page.waitForSelector('#inside:not([hidden])');
  assert.equal(await open(), 'inside');
});

test('Chinese is a click away, remembered, and leaves no word in English', async () => {
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

test('a browser that prefers Chinese gets it', async () => {
  const page = await state.browser.newPage({ locale: 'zh-CN' });
  await page.goto(`${state.server.url}web/`);
  await page.waitForFunction(() => document.documentElement.lang === 'zh-Hans');
  await page.close();
});

test('every word that the page asks for is there, none in vain, with the same places to fill in both languages', () => {
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

for (const language of ['en', 'zh-Hans'])
  test(`axe-core finds nothing in any tab, light or dark: ${language}`, async () => {
    const { page } = state;
    await page.click(`#languages [lang=${language}]`);
    await page.click('#tab-yours');
    await page.setInputFiles('#files', fileURLToPath(new URL('../../web/models/langid/langid.safetensors', import.meta.url)));
    await page.waitForSelector('#yours-box:not([hidden])');
    await page.locator('#yours-text').fill('Guten Tag');
    await page.waitForSelector('#yours-answer li');
    for (const id of panels) {
      await page.click(`#tab-${id}`);
      if (id === 'try') {
        // Of two languages, so that both colours are there.
        await page.locator('#text').fill('Good morning to all of you. Goede morgen, hoe gaat het');
        await page.waitForSelector('#heat:not([hidden])');
      }
      for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
        await page.emulateMedia({ colorScheme });
        const found = await page.evaluate(async () => {
          const { violations } = await /** @type {any} */ (window).axe.run(document, {
            runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
            resultTypes: ['violations'],
          });
          return violations.flatMap((/** @type {any} */ { id: rule, nodes }) =>
            nodes.map((/** @type {any} */ node) => `${rule}: ${node.html.slice(0, 120)} ${node.any[0]?.message ?? ''}`),
          );
        });
        assert.deepEqual(found, [], `${id}, ${colorScheme}`);
        if ((language === 'en') === (colorScheme === 'light'))
          await page.screenshot({ path: `${screenshots}${id}-${colorScheme}-${language}.png`, fullPage: true });
      }
    }
  });

test('360 pixels wide: no tab scrolls sideways, in either language', async () => {
  const { page } = state;
  await page.setViewportSize({ width: 360, height: 740 });
  for (const language of ['en', 'zh-Hans']) {
    await page.click(`#languages [lang=${language}]`);
    for (const id of panels) {
      await page.click(`#tab-${id}`);
      if (id === 'inside') await page.locator('#steps').fill('24');
      assert.ok((await overflow(page)) <= 0, `${id}, ${language}`);
      assert.ok(await page.locator('#tabs').evaluate((tabs) => tabs.scrollWidth <= tabs.clientWidth), language);
      if (language === 'en') await page.screenshot({ path: `${screenshots}${id}-narrow.png`, fullPage: true });
    }
  }
});
