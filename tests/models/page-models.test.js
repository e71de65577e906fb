/** The models that come with the page: Keras's own answers, and what padding may not change. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel } from 'padless';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');

for (const name of ['langid']) {
  const file = new URL(`../../web/models/${name}/${name}.safetensors`, import.meta.url);
  const golden = JSON.parse(readFileSync(new URL(`./${name}-keras.json`, import.meta.url), 'utf8'));
  const model = await loadModel(file, { simd });

  test(`${name}: ${golden.cases.length} texts give Keras ${golden.keras}'s ids and probabilities`, () => {
    for (const { text, ids, label, labels, probabilities } of golden.cases) {
      assert.deepEqual([...(model.text?.encode(text).ids ?? [])], ids, text);
      const expected = probabilities.flat();
      const { data } = model.run([ids])[0];
      assert.equal(data.length, expected.length, text);
      expected.forEach((/** @type {number} */ p, /** @type {number} */ i) => {
        const what = golden.labels[i % golden.labels.length];
        assert.ok(Math.abs(data[i] - p) <= Math.max(1e-5, 1e-5 * p), `${text}: ${what} ${data[i]}, Keras ${p}`);
      });
      const answer = model.predict(text);
      if (label) assert.equal(answer.label, label, text);
      else
        assert.deepEqual(
          answer.tags?.map((tag) => tag.label),
          labels,
          text,
        );
    }
  });

  test(`${name}: a text has the same bits alone and in a batch of any lengths`, () => {
    const texts = golden.cases.map((/** @type {any} */ { text }) => text);
    const together = model.predict(texts);
    texts.forEach((/** @type {string} */ text, /** @type {number} */ i) =>
      assert.deepEqual(together[i], model.predict(text), text),
    );
  });

  test(`${name}: padding anywhere and junk under it change no bit and visit no step`, () => {
    const ids = [...(model.text?.encode('Padding never changes an answer.').ids ?? [])];
    /** The answer, without the steps that are padding. @param {number[]} row @param {number[]} [mask] */
    const run = (row, mask) => {
      const before = model.stats.steps;
      const { data, shape } = model.run([row], mask && { mask: [mask] })[0];
      const K = golden.labels.length;
      const kept = shape.length === 2 || !mask ? data : data.filter((_, i) => mask[Math.floor(i / K)]);
      return { bits: [...new Uint32Array(kept.buffer, kept.byteOffset, kept.length)], steps: model.stats.steps - before };
    };
    const alone = run(ids);
    assert.equal(alone.steps, 2 * ids.length);
    const junk = Array(37).fill(-7);
    const none = junk.map(() => 0);
    const all = ids.map(() => 1);
    const mid = ids.length >> 1;
    assert.deepEqual(run([...ids, ...junk], [...all, ...none]), alone);
    assert.deepEqual(run([...junk, ...ids], [...none, ...all]), alone);
    assert.deepEqual(
      run([...ids.slice(0, mid), ...junk, ...ids.slice(mid)], [...all.slice(0, mid), ...none, ...all.slice(mid)]),
      alone,
    );
  });
}
