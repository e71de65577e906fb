/**
 * The first screen: one text, one slider for padding, a masked and a naive answer.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadModel } from 'padless';
import { toInt8 } from 'padless/import';
import { defaults } from '../../web/state.js';
import { words } from '../../web/words.js';
import { bundle } from '../bundle.js';
import { importMap, servePages } from '../pages.js';
import { screenshots, site } from './site.js';

const state = site({ shown: '#masked-name[data-label]' });

/** The model of the first screen. */
const file = 'web/models/langid-gru/langid-gru.int8.safetensors';

/** @param {string} id */
const text = async (id) => (await state.page.locator(`#${id}`).textContent()) ?? '';
const labels = () =>
  state.page.locator('.winner').evaluateAll((all) => all.map((each) => /** @type {HTMLElement} */ (each).dataset.label));
/** Moves the slider. @param {number} value */
async function pad(value) {
  await state.page.locator('#proof-padding').fill(String(value));
  await state.page.waitForFunction((n) => document.getElementById('proof-count')?.textContent === String(n), value);
}
/** Types a text, and waits for its answer. @param {string} value */
async function type(value) {
  const before = await text('proof-row');
  await state.page.locator('#proof-text').fill(value);
  await state.page.waitForFunction((row) => document.getElementById('proof-row')?.textContent !== row, before);
}

for (const [width, height] of [
  [1280, 800],
  [360, 640],
])
  test(`at ${width} x ${height}, headline, text, slider and both answers are visible without scrolling`, async () => {
    const { page } = state;
    await page.setViewportSize({ width, height });
    for (const language of ['en', 'zh-Hans']) {
      await page.click(`#languages [lang=${language}]`);
      await page.waitForSelector('#proof-range span');
      for (const id of ['headline', 'proof-text', 'proof-padding', 'proof-range', 'masked', 'naive']) {
        const { x, y, width: w, height: h } = /** @type {any} */ (await page.locator(`#${id}`).boundingBox());
        assert.ok(x >= 0 && y >= 0 && x + w <= width && y + h <= height, `${id} of ${language} ends at ${x + w}, ${y + h}`);
      }
      // Of the names under the slider, those are seen that are not cut.
      const named = await page.locator('#proof-range > span').evaluateAll((all) =>
        all.map((segment) => {
          const [box, name] = [segment, segment.children[0]].map((each) => each.getBoundingClientRect());
          const { scrollWidth, clientWidth } = segment.children[0];
          const whole = name.left >= box.left && name.right <= box.right && scrollWidth <= clientWidth;
          return name.top < box.bottom ? whole : null;
        }),
      );
      assert.ok(named.includes(true) && !named.includes(false), named.join());
      const [masked, naive] = await Promise.all(['masked', 'naive'].map((id) => page.locator(`#${id}`).boundingBox()));
      assert.equal(masked?.y, naive?.y);
      await page.screenshot({ path: `${screenshots}proof-${width}-${language}.png` });
    }
    assert.equal(await page.evaluate(() => scrollY), 0);
  });

test('the first text has a high score without padding, the same bits masked, and another language naively', async () => {
  const { page } = state;
  const model = await loadModel(file, { simd: 'baseline' });
  const { label, score = 0 } = model.predict(defaults.text);
  assert.ok(score > 0.95);
  assert.equal(await page.locator('#proof-text').inputValue(), defaults.text);
  const [masked, naive] = await labels();
  assert.equal(masked, label);
  assert.notEqual(naive, label);
  assert.deepEqual([await text('masked-name'), await text('naive-name')], ['English', 'Polish']);
  assert.deepEqual([await text('masked-score'), await text('naive-score')], ['99.9%', '99.2%']);
  assert.equal(await text('masked-same'), words.en.proofSame);
  assert.equal(await text('naive-same'), words.en.proofDiffers);
  assert.equal(await text('verdict'), 'Naive code reads the padding as text and says Polish. The text is the same.');
  // The masked run visits 17 steps in each direction; the naive run also visits 12 steps of padding.
  assert.deepEqual([await text('masked-steps'), await text('naive-steps')], ['34 steps computed', '58 steps computed']);
});

test('at every padding chosen by keyboard, the masked bits equal those without padding, and the range names the naive answer', async () => {
  const { page } = state;
  const model = await loadModel(file, { simd: 'baseline' });
  const { ids } = /** @type {any} */ (model.text).encode(defaults.text);
  await page.waitForSelector('#proof-range span');
  const ranges = await page
    .locator('#proof-range > span')
    .evaluateAll((all) => all.map((span) => /** @type {HTMLElement} */ (span).title.match(/(\d+) to (\d+).*: (.*)/)?.slice(1)));
  await page.focus('#proof-padding');
  await page.keyboard.press('Home');
  assert.equal(await text('verdict'), words.en.proofNone);
  assert.equal(await text('naive-same'), words.en.proofSame);
  const bits = await text('masked-bits');
  for (let n = 1; n <= 48; n++) {
    await page.keyboard.press('ArrowRight');
    assert.equal(await text('proof-count'), String(n));
    assert.equal(await text('masked-bits'), bits);
    assert.notEqual(await text('naive-bits'), bits);
    const row = [...ids, ...new Array(n).fill(0)];
    const { data } = model.run([row], { mask: [row.map(() => 1)] })[0];
    assert.equal((await labels())[1], model.outputs[0].labels?.[data.indexOf(Math.max(...data))], `${n} steps`);
    const [, , name] = ranges.find(([from, to] = []) => n >= Number(from) && n <= Number(to)) ?? [];
    assert.equal(name, await text('naive-name'));
  }
  assert.equal(ranges[0]?.[2], 'English');
  assert.equal(ranges.at(-1)?.[1], '48');
});

test('if naive padding does not change the language, the page explains what it changed', async () => {
  const { page } = state;
  await type('I would like a cup of coffee, please.');
  await pad(3);
  assert.match(await text('verdict'), /^Naive code still says English, but its score has dropped from .* to .*%\.$/);
  // Scores that agree to one decimal are shown with more digits.
  await type('صباح الخير، كيف حالك اليوم؟');
  await pad(9);
  const [, before, after] =
    /^Naive code still says Arabic, but its score has dropped from (.*)% to (.*)%\.$/.exec(await text('verdict')) ?? [];
  assert.ok(Number(before) > Number(after), `${before} ${after}`);
  // Find a word whose score naive padding raises, and a word whose score is low without padding.
  const model = await loadModel(file);
  const found = ['Buenos', 'Hallo', 'Bonjour', 'merci', 'Obrigado', 'tack', 'ja', 'ciao', 'hola'].flatMap((word) =>
    [1, 2, 4, 8].map((n) => {
      const { ids } = /** @type {any} */ (model.text).encode(word);
      const row = [...ids, ...new Array(n).fill(0)];
      const [alone, naive] = [model.run([[...ids]]), model.run([row], { mask: [row.map(() => 1)] })].map(([{ data }]) => data);
      const best = alone.indexOf(Math.max(...alone));
      return { word, n, higher: naive.indexOf(Math.max(...naive)) === best && naive[best] > alone[best], score: alone[best] };
    }),
  );
  const higher = found.find((each) => each.higher && each.score >= 0.5);
  const unsure = found.find(({ score }) => score < 0.5);
  assert.ok(higher && unsure);
  await type(higher.word);
  await pad(higher.n);
  assert.match(await text('verdict'), /^Naive code is more confident, .* padding is no evidence\./);
  await type(unsure.word);
  await pad(unsure.n);
  assert.match(await text('verdict'), /^Not sure: .*, so neither answer means much: try a longer text\.$/);
  assert.equal(await page.locator('#answers.guess').count(), 1);
  // A longer text would not help here: the model has read 512 characters of code.
  await type('for (let i = 0; i < n; i++) { sum += a[i]; } '.repeat(40));
  assert.match(await text('verdict'), /^Not sure: 512 characters .* mix languages, or be in none that the model has learned\.$/);
  await page.click('#languages [lang=zh-Hans]');
  assert.match(await text('verdict'), /^不能确定：只看文本，512 个字符，.*不是模型学过的语言。$/);
  await page.click('#languages [lang=en]');
  await type('2026 😀');
  assert.equal(await text('verdict'), words.en.proofNoLetters);
  await page.locator('#proof-text').fill('  ');
  await page.waitForFunction((said) => document.getElementById('verdict')?.textContent === said, words.en.proofEmpty);
  await type('a word');
  await page.locator('#proof-text').fill('');
  await page.waitForFunction((said) => document.getElementById('verdict')?.textContent === said, words.en.proofEmpty);
  assert.equal(await page.locator('#answers').isVisible(), false);
  await type('Guten Morgen, wie geht es Ihnen?');
  assert.equal(await page.locator('#answers').isVisible(), true);
});

test('unusual texts have the same masked bits: right-to-left text, emoji, a lone surrogate, markup, a very long text', async () => {
  const { page } = state;
  for (const value of ['صباح الخير، كيف حالك اليوم؟', '👩‍👩‍👧🇨🇳', '\ud800', '\u202eabc', '<img src=x onerror=alert(1)>']) {
    await type(value);
    await page.waitForFunction(() => document.getElementById('masked-same')?.className === 'same');
    assert.equal(await text('masked-same'), words.en.proofSame);
  }
  // Set the value directly, because Playwright would log the long text.
  await page.evaluate(() => {
    const box = /** @type {HTMLTextAreaElement} */ (document.getElementById('proof-text'));
    box.value = 'Good morning to all of you. '.repeat(1000);
    box.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await page.waitForFunction(() => document.getElementById('proof-row')?.className === 'long', undefined, { timeout: 60_000 });
  assert.equal(await text('masked-same'), words.en.proofSame);
  assert.equal(await page.locator('#error').isVisible(), false);
  // Of a long row, both ends.
  assert.match(await text('proof-row'), /^Good␣morning.*…/);
  assert.equal(await page.locator('#proof-row > :last-child.pad').count(), 1);
  assert.equal(await page.locator('#proof-row img').count(), 0);
});

test('screen readers announce the answers after the user has stopped moving the slider', async () => {
  const { page } = state;
  await pad(0);
  await pad(20);
  await page.waitForFunction(() =>
    /^Masked: English\. Naive: Polish\. Naive code/.test(document.getElementById('heard')?.textContent ?? ''),
  );
});

test('buttons copy the install command and the code, and the copied code runs', async (t) => {
  const { page, server } = state;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(server.url).origin });
  await page.click('[data-copy=install]');
  await page.waitForFunction(() => document.querySelector('[data-copy=install]')?.textContent === 'Copied.');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'npm i padless');
  await page.waitForFunction(() => document.querySelector('[data-copy=install]')?.textContent === 'Copy');
  await page.click('[data-copy=code]');
  await page.waitForFunction(() => document.querySelector('[data-copy=code]')?.textContent === 'Copied.');
  const code = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(code.split('\n').length, 5);
  const pages = await servePages(
    {
      '/index.html': `<!doctype html><title>code</title>${importMap()}<textarea>Guten Morgen, wie geht es Ihnen?</textarea><script type="module" src="code.js"></script>`,
      '/code.js': code,
    },
    { '/js/': 'js/', '/': 'web/models/langid/' },
  );
  t.after(pages.close);
  const other = await state.browser.newPage({ serviceWorkers: 'block' });
  const logged = other.waitForEvent('console', { predicate: (message) => message.type() === 'log' });
  await other.goto(`${pages.url}/index.html`);
  assert.equal((await (await logged).args()[0].jsonValue()).label, 'de');
  await other.close();
});

test('the bundle is no larger than the page says', async () => {
  const { outputFiles } = await bundle();
  const first = outputFiles.filter(({ path }) => /stdin\.js$/.test(path));
  assert.equal(first.length, 1);
  const bytes = gzipSync(first[0].contents, { level: 9 }).length;
  const [, named] = /^(\d+) kB/.exec(words.en.facts57) ?? [];
  assert.ok(bytes <= Number(named) * 1000, `${bytes} bytes`);
});

test('the model of the first screen is the recurrent language model in int8', async () => {
  assert.deepEqual(readFileSync(file), Buffer.from(toInt8(await loadModel('web/models/langid-gru/langid-gru.safetensors'))));
});
