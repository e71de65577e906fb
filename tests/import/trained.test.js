/**
 * Models trained on real text, run on real and on hostile sentences, from text to answer: tests/models/keras-files/train_models.py says what
 * they are and which data they were trained on.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel } from 'padless';
import { fromKeras } from 'padless/import';
import { decode } from '../close.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../models/keras-files/', import.meta.url);
/** @type {Record<string, any>} */
const trained = JSON.parse(readFileSync(new URL('trained.json', folder), 'utf8'));

for (const [name, { file, tokenizer, keras, labels, texts, shape, data }] of Object.entries(trained)) {
  const load = () =>
    fromKeras(new URL(file, folder), {
      simd,
      labels,
      ...(tokenizer && { tokenizer: readFileSync(new URL(tokenizer, folder), 'utf8') }),
    });
  const expected = decode(data);
  const [, K] = shape;

  test(`${name}, trained on real text, answers each sentence as Keras ${keras} does`, async () => {
    const model = await load();
    const [output] = model.outputsOf(texts);
    assert.deepEqual(output.shape, shape);
    texts.forEach((/** @type {string} */ text, /** @type {number} */ b) => {
      for (let k = b * K; k < (b + 1) * K; k++)
        assert.ok(
          Math.abs(output.data[k] - expected[k]) <= 1e-5,
          `${JSON.stringify(text.slice(0, 60))}: ${output.data[k]}, Keras has ${expected[k]}`,
        );
    });
  });

  test(`${name}, saved and loaded, gives the same answer for each sentence alone`, async () => {
    const model = await loadModel((await load()).save(), { simd });
    texts.forEach((/** @type {string} */ text, /** @type {number} */ b) => {
      const answer = model.predict(text);
      const row = expected.subarray(b * K, (b + 1) * K);
      // A single sigmoid is a score and not a class.
      assert.deepEqual(Object.keys(answer.scores ?? {}), labels);
      assert.equal(answer.label, K > 1 ? labels[row.indexOf(Math.max(...row))] : undefined, text);
      assert.ok(Math.abs(Object.values(answer.scores ?? {})[0] - row[0]) <= 1e-5, JSON.stringify(answer));
    });
  });
}
