/** The language model that the page runs: Keras's own answers, absurd input, and memory that comes back. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel } from 'padless';
import { bits } from '../close.js';

const simd = process.env.PADLESS_SIMD ?? 'auto';
const file = new URL('../../web/models/langid/langid.safetensors', import.meta.url);
const golden = JSON.parse(readFileSync(new URL('./langid-keras.json', import.meta.url), 'utf8'));
const model = await loadModel(file, { simd });

test(`${golden.cases.length} texts give Keras ${golden.keras}'s ids and probabilities`, () => {
  for (const { text, ids, label, probabilities } of golden.cases) {
    assert.deepEqual([...model.text.encode(text).ids], ids, text);
    const { scores, label: ours } = model.predict(text);
    golden.labels.forEach((name, k) => {
      const tolerance = Math.max(1e-5, 1e-5 * probabilities[k]);
      assert.ok(
        Math.abs(scores[name] - probabilities[k]) <= tolerance,
        `${text}: ${name} ${scores[name]}, Keras ${probabilities[k]}`,
      );
    });
    assert.equal(ours, label, text);
  }
});

test('a text has the same bits alone and in a batch of any lengths', () => {
  const texts = golden.cases.map(({ text }) => text);
  const together = model.predict(texts);
  texts.forEach((text, i) => assert.deepEqual(together[i], model.predict(text), text));
});

test('padding anywhere and junk under it change no bit and visit no step', () => {
  const { ids } = model.text.encode('Padding never changes an answer.');
  const steps = () => model.stats.steps;
  let before = steps();
  const alone = bits(model.run([ids])[0].data);
  const visited = steps() - before;
  assert.equal(visited, 2 * ids.length);
  const junk = Array(37).fill(-7);
  const mid = ids.length >> 1;
  for (const [row, mask] of [
    [
      [...ids, ...junk],
      [...Array(ids.length).fill(1), ...junk.map(() => 0)],
    ],
    [
      [...junk, ...ids],
      [...junk.map(() => 0), ...Array(ids.length).fill(1)],
    ],
    [
      [...ids.subarray(0, mid), ...junk, ...ids.subarray(mid)],
      [...Array(mid).fill(1), ...junk.map(() => 0), ...Array(ids.length - mid).fill(1)],
    ],
  ]) {
    before = steps();
    assert.deepEqual(bits(model.run([row], { mask: [mask] })[0].data), alone);
    assert.equal(steps() - before, visited);
  }
});

test('a greeting is enough in the languages that people try first', () => {
  const greetings = {
    'Guten Morgen': 'de',
    'Good morning': 'en',
    Bonjour: 'fr',
    'Buenos días': 'es',
    'Доброе утро': 'ru',
    早上好: 'zh-Hans',
    こんにちは: 'ja',
    안녕하세요: 'ko',
  };
  const answers = Object.fromEntries(Object.keys(greetings).map((text) => [text, model.predict(text).label]));
  assert.deepEqual(answers, greetings);
});

test('an empty text, a lone surrogate and a megabyte get an answer, and the memory comes back', () => {
  const empty = model.predict('');
  assert.equal(empty.tokens, 0);
  assert.ok(Number.isFinite(empty.score));
  assert.equal(model.predict('\ud800').tokens, 1);
  model.predict('b'.repeat(1000));
  const { memory } = model.stats;
  assert.equal(model.predict('a'.repeat(1 << 20)).truncated, true);
  assert.equal(model.stats.memory, memory);
  model.run([new Int32Array(300000).fill(5)]);
  assert.ok(model.stats.memory < 2 * memory + (1 << 25), `${model.stats.memory} bytes after a long text, ${memory} before`);
  assert.deepEqual(model.predict('Guten Morgen'), model.predict('Guten Morgen'));
  assert.deepEqual(model.predict([]), []);
});
