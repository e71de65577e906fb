/** The language model of the page: greetings, text in no language, unusual input, and memory that is released. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadModel } from 'padless';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const file = new URL('../../web/models/langid/langid.safetensors', import.meta.url);
const model = await loadModel(file, { simd });

/** @param {string} name */
const lines = (name) =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean);
/** @param {string} text */
const labelOf = (text) => model.predict(text).label;

test('greetings in common languages get the right language', () => {
  const greetings = {
    hello: 'en',
    thanks: 'en',
    'Good morning': 'en',
    Hallo: 'de',
    'danke!': 'de',
    'Guten Morgen': 'de',
    hola: 'es',
    'Buenos días': 'es',
    ciao: 'it',
    'grazie mille': 'it',
    merci: 'fr',
    Bonjour: 'fr',
    привет: 'ru',
    спасибо: 'ru',
    早上好: 'zh-Hans',
    日本語: 'ja',
    こんにちは: 'ja',
    안녕하세요: 'ko',
  };
  assert.deepEqual(Object.fromEntries(Object.keys(greetings).map((text) => [text, labelOf(text)])), greetings);
});

test('at least 140 of 150 everyday messages get the right label, and 54 of 60 inputs in no language get und', () => {
  const messages = lines('langid-messages.tsv').map((line) => line.split('\t'));
  const right = messages.filter(([text, label]) => labelOf(text) === label).length;
  assert.ok(messages.length === 150 && right >= 140, `${right} of ${messages.length}`);
  const none = lines('langid-no-language.txt');
  const found = none.filter((text) => labelOf(text) === 'und').length;
  assert.ok(none.length === 60 && found >= 54, `${found} of ${none.length}`);
});

test('the file is at most 300 kB gzipped, and does not grow when the model is saved', () => {
  const bytes = readFileSync(file);
  const { length } = gzipSync(bytes, { level: 9 });
  assert.ok(length <= 300_000, `${length} bytes`);
  const again = model.save();
  assert.deepEqual(model.root.listWeights().length, 3);
  assert.ok(again.length < bytes.length + 4096, `${again.length} bytes`);
});

test('a clear text is certain, a single letter is not; with given labels, one of them is the answer', () => {
  assert.equal(model.predict('Guten Morgen, wie geht es Ihnen heute?').certain, true);
  assert.equal(model.predict('a').certain, false);
  const { label = '', scores = {} } = model.predict('hallo', { labels: ['nl', 'fr'] });
  assert.equal(label, 'nl');
  assert.ok(Math.abs(scores.nl + scores.fr - 1) < 1e-6 && scores.de === 0);
});

test('an empty text, a lone surrogate and a megabyte get an answer, and the memory is released', () => {
  const empty = model.predict('');
  assert.equal(empty.tokens, 0);
  assert.ok(Number.isFinite(empty.score));
  assert.equal(model.predict('\ud800').tokens, 2);
  model.predict('b'.repeat(3000));
  const { memory } = model.stats;
  assert.equal(model.predict('a'.repeat(1 << 20)).truncated, true);
  assert.equal(model.stats.memory, memory);
  assert.deepEqual(model.predict('Guten Morgen'), model.predict('Guten Morgen'));
  assert.deepEqual(model.predict([]), []);
});

test('a session gives the bits of predict() while a text is typed', () => {
  const session = model.session();
  const text = 'Guten Morgen, wie geht es Ihnen heute? Mir geht es gut.';
  for (let i = 1; i <= text.length; i++) assert.deepEqual(session.update(text.slice(0, i)), model.predict(text.slice(0, i)));
});
