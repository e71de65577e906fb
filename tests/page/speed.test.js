/**
 * Speed: this browser, now, beside others where they are installed.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { overflow, screenshots, site } from './site.js';

const state = site({ path: 'web/#speed', shown: '#masked-name[data-label]' });
const tensorflow = existsSync(new URL('../bench/peers/node_modules/@tensorflow/tfjs-backend-wasm', import.meta.url));

/** Measures, by the keyboard. @returns {Promise<{ head: string[], rows: string[][] }>} */
async function measure() {
  const { page } = state;
  await page.focus('#measure');
  await page.keyboard.press('Enter');
  /** @param {string} status @param {number} timeout */
  const says = (status, timeout) =>
    page.waitForFunction((text) => document.getElementById('speed-status')?.textContent === text, status, { timeout });
  await says('Measuring…', 10_000);
  await says('Measured.', 90_000);
  const texts = (/** @type {string} */ rows) =>
    page.locator(`#speeds ${rows}`).evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent ?? '')));
  return { head: (await texts('thead tr'))[0], rows: await texts('tbody tr') };
}

/** @param {string} id */
const seen = async (id) => ((await state.page.locator(`#${id}`).isVisible()) ? state.page.locator(`#${id}`).textContent() : null);

/** A peer's column: what the page ships is not compared. @param {string[][]} rows @param {number} column */
function assertRatios(rows, column) {
  for (const row of rows) {
    const [time, ratio] =
      /^([\d.,]+) ms \(([\d.,]+)×\)$/
        .exec(row[column])
        ?.slice(1)
        .map((text) => Number(text.replace(',', ''))) ?? [];
    if (!row[0].startsWith('BiLSTM')) {
      assert.equal(row[column], '—');
      continue;
    }
    const ours = Math.min(parseFloat(row[1]), parseFloat(row[2]));
    // Of what is shown, to three and to two digits.
    assert.ok(Math.abs(time / ours / ratio - 1) < 0.07, `${row[column]} beside ${ours} ms`);
  }
}

test('the models are timed in both builds, and beside onnxruntime-web', async () => {
  const { head, rows } = await measure();
  assert.equal(rows.length, 5);
  for (const [name, relaxed, baseline] of rows) {
    assert.match(name, /^(Language model, \d+ characters|BiLSTM, \d+ units, \d+ steps)$/);
    for (const time of [relaxed, baseline]) assert.match(time, /^[\d.]+ ms$/);
  }
  for (const row of rows) assert.match(row[3], /^[\d,]+$/);
  assert.equal(head[4], 'onnxruntime-web');
  assertRatios(rows, 4);
  const [, difference] = /^onnxruntime-web.* between the answers: (\d\.\de-\d+)\.$/.exec((await seen('peer-note')) ?? '') ?? [];
  assert.ok(Number(difference) < 1e-6, difference);
  // Four times the units are more work.
  assert.ok(parseFloat(rows[4][2]) > parseFloat(rows[2][2]));
  await state.page.screenshot({ path: `${screenshots}speed.png`, fullPage: true });
});

test(
  'TensorFlow.js computes the same with its WebAssembly backend, under the policy of the page',
  { skip: tensorflow ? false : 'TensorFlow.js is not installed: make peers' },
  async () => {
    const { head, rows } = await measure();
    assert.equal(head[5], 'TensorFlow.js (wasm)');
    assertRatios(rows, 5);
    assert.match(
      (await seen('peer-note')) ?? '',
      /^onnxruntime-web, TensorFlow\.js \(wasm\): .* between the answers: \d\.\de-\d+\.$/,
    );
    assert.equal(await seen('peer-missing'), null);
    const { page } = state;
    await page.setViewportSize({ width: 360, height: 740 });
    assert.ok((await overflow(page)) <= 0);
  },
);

test('without the others, the page says how they are brought, and times padless', async () => {
  await state.page.route('**/packages/**', (route) => route.fulfill({ status: 404 }));
  const { head, rows } = await measure();
  assert.deepEqual(head, ['Model and text', 'Relaxed SIMD', 'Fixed-order SIMD', 'Tokens a second']);
  assert.equal(rows.length, 5);
  assert.equal(await seen('peer-note'), null);
  assert.equal(
    await seen('peer-missing'),
    'Not served beside this page: onnxruntime-web, TensorFlow.js. In padless’s repository, make peers fetches what is missing and make demo serves it.',
  );
});
