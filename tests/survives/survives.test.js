/** The comparison of web/docs/survives.md: its forms, and the engines that are installed for tests. `make survives` runs all engines. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { onnxruntime, padless } from './engines.js';
import { forms, survive, T, texts } from './forms.js';

/** Replaces the measurement of times. @returns {Promise<Record<string, number>>} */
const untimed = async () => ({ alone: 1, end: 1 });

test('each form contains the text in order, and has the length of a padded row unless it is alone', () => {
  for (const text of texts)
    for (const [form, rows] of Object.entries(forms)) {
      const [row] = rows(text);
      assert.equal(row.length, form === 'alone' ? text.length : T);
      assert.deepEqual(
        row.filter((id) => id !== 0),
        text,
      );
    }
});

test('padding changes no bit of padless', async () => {
  const { change } = await survive('padless', await padless(), untimed);
  assert.deepEqual(change, { end: 0, front: 0, middle: 0, batch: 0 });
});

test('onnxruntime-web ignores padding at the end by lengths, reads it elsewhere, and in int8 depends on the other rows', async () => {
  const float = (await survive('float', await onnxruntime('float32'), untimed)).change;
  assert.deepEqual([float.end, float.batch], [0, 0]);
  assert.ok(Number(float.front) > 0.01 && Number(float.middle) > 0.01);
  const int8 = (await survive('int8', await onnxruntime('int8'), untimed)).change;
  assert.ok(Number(int8.batch) > 1e-4);
});

test('the page has a row for each engine', () => {
  const page = readFileSync(new URL('../../web/docs/survives.md', import.meta.url), 'utf8');
  for (const engine of [
    'padless',
    'TF.js',
    'onnxruntime-web 1.30, float',
    'onnxruntime-web 1.30, int8',
    'Keras 3',
    'PyTorch',
    'LiteRT.js',
  ])
    assert.ok(page.includes(`\n| ${engine}`), engine);
  assert.match(page, /\n\| padless (\| \*\*0\*\* ){4}\|/);
});
