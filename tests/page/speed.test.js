/**
 * The section "Speed": times padless in this browser, and other libraries if they are installed.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { overflow, screenshots, site } from './site.js';

const state = site({ path: 'web/#speed', shown: '#masked-name[data-label]' });
const tensorflow = existsSync(new URL('../bench/peers/node_modules/@tensorflow/tfjs-backend-wasm', import.meta.url));

/** The times of a case by engine: measured here, and of the reference. @typedef {{ name: string, rows: Record<string, [here: string, reference: string]> }} Case */

/** @returns {Promise<Case[]>} */
const shown = () =>
  state.page.locator('#speeds tbody').evaluateAll((groups) =>
    groups.map((group) => {
      const rows = [.../** @type {NodeListOf<HTMLElement>} */ (group.querySelectorAll('tr[data-engine]'))];
      const texts = rows.map((row) => [row.dataset.engine, [2, 3].map((i) => row.children[i].textContent)]);
      return { name: group.querySelector('.case')?.textContent ?? '', rows: Object.fromEntries(texts) };
    }),
  );

/** Starts the measurement by keyboard, and waits for its end. */
async function measure() {
  const { page } = state;
  await page.focus('#measure');
  await page.keyboard.press('Enter');
  /** @param {string} status @param {number} timeout */
  const says = (status, timeout) =>
    page.waitForFunction((text) => document.getElementById('speed-status')?.textContent?.startsWith(text), status, { timeout });
  await says('Measuring 1 of 5: Language model, 40 characters', 10_000);
  assert.ok(await page.locator('#speed-progress').isVisible());
  await says('Measuring 5 of 5: BiLSTM, 256 units', 90_000);
  assert.ok(await page.locator('#speed-progress').evaluate((bar) => /** @type {HTMLProgressElement} */ (bar).value >= 4));
  await says('Measured.', 90_000);
  assert.equal(await page.locator('#speed-progress').isVisible(), false);
  return shown();
}

/** @param {string} id */
const seen = async (id) => ((await state.page.locator(`#${id}`).isVisible()) ? state.page.locator(`#${id}`).textContent() : null);

/** Asserts that an engine's time is followed by its ratio to the time of padless's faster build. @param {Case[]} cases @param {string} engine @param {0 | 1} column */
function assertRatios(cases, engine, column) {
  for (const { name, rows } of cases) {
    assert.equal(engine in rows, name.startsWith('BiLSTM'), name);
    if (!(engine in rows)) continue;
    const numbers = /^([\d.,]+) ms \(([\d.,]+)×\)$/.exec(rows[engine][column])?.slice(1) ?? [];
    const [time, ratio] = numbers.map((text) => Number(text.replace(',', '')));
    const ours = Math.min(parseFloat(rows.relaxed[column]), parseFloat(rows.baseline[column]));
    // The shown times have three digits, and the shown ratio has two.
    assert.ok(Math.abs(time / ours / ratio - 1) < 0.07, `${rows[engine][column]} beside ${ours} ms`);
  }
}

test('before a measurement, the page shows bars and times of the reference, and its browser and machine', async () => {
  const cases = await shown();
  assert.equal(cases.length, 5);
  for (const { name, rows } of cases) {
    assert.match(name, /^(Language model, \d+ characters|BiLSTM, \d+ units, \d+ steps)$/);
    assert.deepEqual(Object.keys(rows).slice(0, 2), ['relaxed', 'baseline']);
    for (const [here, reference] of Object.values(rows)) {
      assert.equal(here, '—');
      assert.match(reference, /^[\d.,]+ ms/);
    }
  }
  for (const engine of ['onnxruntime-web', 'TensorFlow.js']) assertRatios(cases, engine, 1);
  assert.match((await seen('speed-reference')) ?? '', /Chromium \d+, on two cores of a shared server \(.+\), \w+ 20\d\d/);
  const widths = await state.page
    .locator('#speeds tbody:last-child .before')
    .evaluateAll((bars) =>
      bars.map((bar) => ({ width: bar.firstElementChild?.clientWidth ?? 0, cut: bar.classList.contains('cut') })),
    );
  const times = Object.values(cases[4].rows).map(([, reference]) => parseFloat(reference));
  assert.equal(widths.length, 4);
  const { width } = widths[0];
  for (const [i, time] of times.entries())
    if (widths[i].cut) assert.ok(time / times[0] > widths[i].width / width);
    else assert.ok(Math.abs(widths[i].width / width - time / times[0]) < 0.1, `${widths[i].width} beside ${width}`);
});

test('the page times the models in both builds, and the BiLSTMs in onnxruntime-web', async () => {
  const cases = await measure();
  for (const { name, rows } of cases) {
    assert.match(name, /^(Language model, \d+ characters|BiLSTM, \d+ units, \d+ steps) [\d,]+ tokens a second$/);
    for (const engine of ['relaxed', 'baseline']) assert.match(rows[engine][0], /^[\d.]+ ms$/);
  }
  assertRatios(cases, 'onnxruntime-web', 0);
  const [, difference] = /^onnxruntime-web.* between the answers: (\d\.\de-\d+)\.$/.exec((await seen('peer-note')) ?? '') ?? [];
  assert.ok(Number(difference) < 1e-6, difference);
  // Four times as many units take more time.
  assert.ok(parseFloat(cases[4].rows.baseline[0]) > parseFloat(cases[2].rows.baseline[0]));
  await state.page.screenshot({ path: `${screenshots}speed.png`, fullPage: true });
});

test(
  'TensorFlow.js with its WebAssembly backend gives the same answers, under the policy of the page',
  { skip: tensorflow ? false : 'TensorFlow.js is not installed: make peers' },
  async () => {
    assertRatios(await measure(), 'TensorFlow.js', 0);
    assert.match(
      (await seen('peer-note')) ?? '',
      /^onnxruntime-web, TensorFlow\.js \(wasm\): .* between the answers: \d\.\de-\d+\.$/,
    );
    assert.equal(await seen('peer-missing'), null);
    const { page } = state;
    await page.setViewportSize({ width: 360, height: 740 });
    assert.ok((await overflow(page)) <= 0);
    assert.ok(await page.locator('#speeds').evaluate((table) => table.scrollWidth <= (table.parentElement?.clientWidth ?? 0)));
  },
);

test('without the other libraries, the page times padless and says how to install them', async () => {
  await state.page.route('**/packages/**', (route) => route.fulfill({ status: 404 }));
  const cases = await measure();
  for (const { rows } of cases) assert.match(rows.baseline[0], /^[\d.]+ ms$/);
  for (const { rows } of cases.slice(2)) assert.equal(rows['TensorFlow.js'][0], 'not served');
  assert.equal(await seen('peer-note'), null);
  assert.equal(
    await seen('peer-missing'),
    'Not served beside this page: onnxruntime-web, TensorFlow.js. In padless’s repository, make peers fetches what is missing and make demo serves it.',
  );
});
