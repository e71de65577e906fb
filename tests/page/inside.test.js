/**
 * The section "How it works": padding changes naive results, and does not change masked results.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { init, loadModel } from 'padless';
import { words } from '../../web/words.js';
import { screenshots, site } from './site.js';

const state = site({ path: 'web/#inside?text=Guten%20Tag&padding=3', shown: '#whole tr' });

/** @param {string} id */
const text = (id) => state.page.locator(`#${id}`).textContent();
/** Cells of a row of a table. @param {string} id @param {number} row */
const cells = (id, row) => state.page.locator(`#${id} tbody tr`).nth(row).locator('td').allTextContents();
/** The header of the first row of the table of positions. */
const cellsHeader = () => state.page.locator('#positions th').first().textContent();
/** @param {number} value */
const pad = (value) => state.page.locator('#steps').fill(String(value));

test('padding anywhere changes no bit of the masked score and costs no step, but changes the naive score and costs steps', async () => {
  const { page } = state;
  await page.locator('#sentence').fill('Guten Morgen');
  const model = await loadModel('web/models/langid-gru/langid-gru.int8.safetensors', { simd: 'baseline' });
  const { score = 0 } = model.predict('Guten Morgen');
  const bits = [];
  for (const side of ['end', 'front', 'middle'])
    for (const value of [0, 1, 7, 24, 48]) {
      await page.check(`#side [value=${side}]`);
      await pad(value);
      assert.equal(await text('count'), String(value));
      const masks = (await page.locator('#row li').allTextContents()).map((cell) => (cell.startsWith('…') ? cell : cell.at(-1)));
      const at = { end: 12, front: 0, middle: 6 }[side];
      // The middle of long padding is not shown.
      const padding = value > 9 ? `00000…+${value - 8}000` : '0'.repeat(value);
      assert.equal(masks.join(''), '1'.repeat(at ?? 0) + padding + '1'.repeat(12 - (at ?? 0)));
      bits.push(await text('bits'), await text('bits-without'));
      assert.equal(await text('same'), 'the same');
      assert.equal(await text('differs'), value ? 'different' : 'the same');
      const steps = await page.locator('#whole td:last-child').allTextContents();
      assert.deepEqual(steps.slice(-3), ['24', '24', String(24 + 2 * value)]);
    }
  assert.equal(new Set(bits).size, 1);
  const shown = new DataView(new ArrayBuffer(4));
  shown.setUint32(0, parseInt(bits[0] ?? '', 16));
  assert.ok(Math.abs(shown.getFloat32(0) - score) < 1e-5);
});

test('masked mean, maximum and softmax equal those of the text without padding; the naive ones include the padding', async () => {
  const { page } = state;
  await pad(5);
  for (const feature of ['0', '7']) {
    await page.selectOption('#feature', feature);
    const values = (await cells('positions', 3)).map((value) => Number(value.replace('−', '-')));
    assert.equal(values.length, 14);
    const pools = await Promise.all([0, 1, 2].map((row) => cells('pools', row)));
    for (const [alone, masked] of pools) assert.equal(masked, alone);
    const mean = (/** @type {number[]} */ list) => list.reduce((a, b) => a + b, 0) / list.length;
    const number = (/** @type {string} */ shown) => Number(shown.replace('−', '-'));
    assert.ok(Math.abs(number(pools[0][1]) - mean(values.slice(0, 9))) < 2e-3);
    assert.ok(Math.abs(number(pools[0][2]) - mean(values)) < 2e-3);
    assert.equal(number(pools[1][1]), Math.max(...values.slice(0, 9)));
    assert.equal(number(pools[1][2]), Math.max(...values));
    const masked = (await cells('positions', 4)).map(Number);
    const naive = (await cells('positions', 5)).map(Number);
    assert.deepEqual(masked.slice(9), [0, 0, 0, 0, 0]);
    assert.ok(naive.slice(9).every((share) => share > 0));
    for (const shares of [masked, naive]) assert.ok(Math.abs(shares.reduce((a, b) => a + b, 0) - 1) < 0.01);
  }
});

test('the feature that is shown first has a maximum that naive padding changes', async () => {
  const [alone, masked, naive] = await cells('pools', 1);
  assert.equal(masked, alone);
  assert.notEqual(naive, alone);
});

test('the aligned backward pass starts at the last character, and its states equal those without padding', async () => {
  const { page } = state;
  await page.locator('#sentence').fill('abc');
  await pad(2);
  assert.deepEqual(await page.locator('#passes figcaption .hint').allTextContents(), [
    'reads · → · → c → b → a',
    'reads c → b → a',
  ]);
  assert.match((await text('worst')) ?? '', /^Largest difference: naive 0\.\d*[1-9]\d*, aligned 0\.$/);
  assert.deepEqual(await cells('states', 2), ['0', '0', '0']);
  assert.ok((await cells('states', 1)).every((difference) => difference !== '0'));
  // Compute h = tanh(value + h / 2) by hand, from the last character to the first.
  const pl = await init();
  const values = (await cells('positions', 3)).slice(0, 3).map((value) => Number(value.replace('−', '-')));
  let h = 0;
  const states = values.map(() => 0);
  for (let t = 2; t >= 0; t--) states[t] = h = pl.activate({ data: [values[t] + h / 2], shape: [1] }, 'tanh').data[0];
  (await cells('states', 0)).forEach((shown, t) => assert.ok(Math.abs(Number(shown.replace('−', '-')) - states[t]) < 3e-3));
});

test('the backward pass is drawn step by step, by arrow keys or as an animation', async () => {
  const { page } = state;
  await page.locator('#sentence').fill('abc');
  await pad(2);
  const visited = () =>
    page.locator('#passes svg').evaluateAll((all) => all.map((svg) => svg.querySelectorAll('.same, .differs').length));
  assert.deepEqual(await visited(), [5, 3]);
  await page.focus('#beat');
  await page.keyboard.press('Home');
  assert.deepEqual(await visited(), [0, 0]);
  await page.keyboard.press('ArrowRight');
  assert.deepEqual(await visited(), [1, 1]);
  assert.equal(await page.locator('#passes svg >> nth=0 >> .now .token').textContent(), '0');
  assert.equal(await page.locator('#passes svg >> nth=1 >> .now .token').textContent(), 'c');
  await page.screenshot({ path: `${screenshots}passes.png`, fullPage: true });
  await page.focus('#play');
  await page.keyboard.press('Enter');
  assert.equal(await text('play'), 'Pause');
  await page.waitForFunction(() => document.getElementById('play')?.textContent === 'Play');
  assert.deepEqual(await visited(), [5, 3]);
});

test('the trace shows for each layer which positions the mask changed', async () => {
  await pad(0);
  assert.deepEqual(await cells('trace', 1), ['[1, 9, 192]', 'nothing']);
  await pad(3);
  assert.deepEqual(await cells('trace', 0), ['[1, 12, 32]', '3 of 12 positions']);
  assert.deepEqual(await cells('trace', 1), ['[1, 12, 192]', '12 of 12 positions']);
  assert.deepEqual(await cells('trace', 2), ['[1, 192]', 'the vector']);
});

test('an empty sentence gives a hint, and characters of other scripts are shown', async () => {
  const { page } = state;
  await page.locator('#sentence').fill('');
  await page.waitForSelector('#inside-empty:not([hidden])');
  assert.equal(await page.locator('#whole').isVisible(), false);
  for (const sentence of ['สวัสดี', 'שלום', '👩‍👩‍👧', '\ud800 ', 'é'.normalize('NFD')]) {
    await page.locator('#sentence').fill(sentence);
    await page.waitForSelector('#whole');
    await page.waitForFunction((n) => document.querySelectorAll('#row li').length === n, [...sentence.normalize('NFC')].length + 3);
    assert.equal(await text('same'), 'the same');
  }
  assert.equal(await page.locator('#error').isVisible(), false);
});

test('for the tagger, the table shows the word whose score naive padding changes most, and the mask keeps its bits', async () => {
  const { page } = state;
  await page.evaluate(() => (location.hash = '#inside?model=tagger&text=Sam%20can%20open%20the%20can&padding=4'));
  await page.waitForFunction(() => document.querySelector('#row bdi')?.textContent === 'Sam');
  assert.match(
    (await page.locator('#whole thead').textContent()) ?? '',
    /(Sam|can|open|the): (noun|verb|determiner|auxiliary|proper noun)/,
  );
  assert.equal(await text('same'), 'the same');
  assert.equal(await text('differs'), 'different');
  assert.equal(await text('bits'), await text('bits-without'));
  assert.deepEqual((await page.locator('#whole td:last-child').allTextContents()).slice(-3), ['10', '10', '18']);
  assert.equal(await page.locator('#passes svg >> nth=1 >> .same').count(), 5);
  assert.equal(await cellsHeader(), 'Word');
  // Where the naive pass is right, too, the page says why.
  assert.equal(await text('worst'), `Largest difference: naive 0, aligned 0. ${words.en.worstZero}`);
  await page.check('#side [value=front]');
  assert.equal(await text('worst'), `Largest difference: naive 0, aligned 0. ${words.en.worstFront}`);
  await pad(0);
  assert.equal(await text('worst'), 'Largest difference: naive 0, aligned 0.');
  // A new text keeps the model.
  await page.locator('#sentence').fill('They saw a saw');
  await page.waitForFunction(() => document.querySelector('#row bdi')?.textContent === 'They');
});

test('right-to-left text does not reverse the caption of the backward pass', async () => {
  const { page } = state;
  await page.locator('#sentence').fill('שלום');
  await pad(2);
  await page.waitForFunction(() => document.querySelectorAll('#row li').length === 6);
  const places = await page
    .locator('#passes figcaption .hint')
    .evaluateAll((all) =>
      all.map((caption) => [...caption.querySelectorAll('bdi')].map((token) => token.getBoundingClientRect().left)),
    );
  const order = await page.locator('#passes figcaption .hint').allTextContents();
  assert.deepEqual(order, ['reads · → · → ם → ו → ל → ש', 'reads ם → ו → ל → ש']);
  for (const lefts of places)
    assert.deepEqual(
      lefts,
      [...lefts].sort((a, b) => a - b),
    );
});

test('on a phone, the drawing is scrolled to the padding, where the naive pass starts, and follows the steps', async () => {
  const { page } = state;
  await page.setViewportSize({ width: 360, height: 640 });
  await page.locator('#sentence').fill('How are you today');
  await pad(12);
  await page.locator('#play').scrollIntoViewIfNeeded();
  const seen = (/** @type {string} */ selector) =>
    page
      .locator(selector)
      .evaluateAll(
        (all) =>
          all.map((element) => element.getBoundingClientRect()).filter(({ left, right }) => left >= 0 && right <= innerWidth)
            .length,
      );
  await page.waitForFunction(() => (document.getElementById('passes')?.parentElement?.scrollLeft ?? 0) > 0);
  // The captions stay in sight.
  assert.equal(await seen('#passes figcaption'), 2);
  assert.ok((await seen('#passes svg >> nth=0 >> .pad')) >= 4);
  // Step through the pass up to the second letter of the text.
  await page.focus('#beat');
  await page.keyboard.press('Home');
  assert.ok((await seen('#passes svg >> nth=0 >> .pad')) >= 4);
  for (let i = 0; i < 28; i++) await page.keyboard.press('ArrowRight');
  assert.equal(await page.locator('#passes svg >> nth=0 >> .now .token').textContent(), 'o');
  assert.ok((await seen('#passes svg >> nth=0 >> .now')) === 1);
  // The control and the drawing fit on the screen together.
  const [control, drawing] = await Promise.all(['#beat', '#passes'].map((id) => page.locator(id).boundingBox()));
  assert.ok((drawing?.y ?? 0) + (drawing?.height ?? 0) - (control?.y ?? 0) < 500);
});

test('a long text is cut, and the page says so', async () => {
  await state.page.locator('#sentence').fill('How are you today, and where do you go?');
  await state.page.waitForSelector('#inside-cut:not([hidden])');
  assert.equal(await text('inside-cut'), 'Here, only the first 17 tokens of the text are used.');
});

test('in a wide window, no table is cut off', async () => {
  const { page } = state;
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.locator('#sentence').fill('How are you today, and where');
  await pad(48);
  await page.waitForFunction(() => document.querySelectorAll('#positions tr:first-child td').length === 26);
  const cut = await page
    .locator('#inside .wide')
    .evaluateAll((all) =>
      all.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map(({ textContent }) => textContent),
    );
  assert.deepEqual(cut, []);
});

test('in print, no table is cut off', async () => {
  const { page } = state;
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 720, height: 1000 });
  const cut = await page
    .locator('#inside table')
    .evaluateAll((all) => all.filter((table) => table.getBoundingClientRect().right > innerWidth).map(({ id }) => id));
  assert.deepEqual(cut, []);
});
