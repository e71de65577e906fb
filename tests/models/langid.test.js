/** The language model of the page: greetings, absurd input, and memory that is released. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from 'padless';

const simd = process.env.PADLESS_SIMD ?? 'auto';
const file = new URL('../../web/models/langid-gru/langid.safetensors', import.meta.url);
const model = await loadModel(file, { simd });

test('greetings in common languages get their language', () => {
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

test('an empty text, a lone surrogate and a megabyte get an answer, and the memory is released', () => {
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
