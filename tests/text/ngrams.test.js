/** Unit `ngrams`: the ids of the trainer, offsets, long texts, and sessions. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ArgumentError, createModel, loadModel, ModelFileError, UnsupportedError } from 'padless';
import { prepareText, TextVectorizer } from 'padless/text';
import { Int8Weight } from '../../js/file/int8-weights.js';
import { random } from '../random.js';
import { says } from '../says.js';

const golden = JSON.parse(readFileSync(new URL('ngrams.json', import.meta.url), 'utf8'));
/** @type {import('padless').TextSettings} */
const settings = {
  unit: 'ngrams',
  normalization: 'NFC',
  case: 'lower',
  ngrams: { rows: golden.rows, hashes: 2, unspaced: { max: 3, ranges: golden.unspaced } },
};

test('before the code of a rare setting is fetched, settings say how to fetch it', async () => {
  // A module of its own, which nobody has given the code; padless/text has.
  const alone = await import(/** @type {any} */ ('../../js/text/vectorizer.js?alone'));
  const vocabulary = ['', '<unk>'];
  for (const rare of [settings, { unit: 'split', vocabulary }, { unit: 'text', vocabulary }, { vocabulary, parts: { width: 1 } }]) {
    const read = () => new alone.TextVectorizer(rare).encode('a');
    assert.throws(read, says(UnsupportedError, /await prepareText\(settings\)/));
  }
  await alone.prepareText(settings);
  assert.ok(new alone.TextVectorizer(settings).encode('a').ids.length);
});

await prepareText(settings);
const vectorizer = new TextVectorizer(settings);
const { choice, integer, uniform, weights } = random();

test(`the trainer's ids of ${golden.cases.length} texts`, () => {
  for (const { text, count, sha256, first } of golden.cases) {
    const ids = [...vectorizer.encode(text).ids];
    assert.deepEqual([ids.length, ids.slice(0, 8)], [count, first], text);
    assert.equal(createHash('sha256').update(ids.join(' ')).digest('hex').slice(0, 32), sha256, text);
  }
});

/** What the n-grams of a text cover, for one hash. @param {string} text @param {object} [ngrams] @param {object} [more] */
const covered = (text, ngrams, more) => {
  const one = new TextVectorizer({ ...settings, ngrams: { ...settings.ngrams, rows: 1 << 20, hashes: 1, ...ngrams }, ...more });
  const { ids, offsets } = one.encode(text);
  return Array.from(ids, (_, i) => text.slice(offsets[2 * i], offsets[2 * i + 1]));
};

test('n-grams of a word, with borders, and the word; offsets are what they cover of the text', () => {
  assert.deepEqual(covered('Ab', { max: 2 }), ['A', 'A', 'Ab', 'b', 'b', 'Ab']);
  assert.deepEqual(covered('ab', { max: 4 }), ['a', 'ab', 'ab', 'a', 'ab', 'ab', 'b', 'b']);
  assert.deepEqual(covered('abc', { min: 3, max: 3, word: false }), ['ab', 'abc', 'bc']);
  assert.deepEqual(covered('- 1,250 -- 😀!!', { max: 2 }), ['-', '1', ',', '250', '--', '😀', '!!']);
  assert.deepEqual(covered('日本x', { max: 2 }), ['日', '日本', '本', 'x', 'x', 'x', 'x']);
  assert.deepEqual(covered('xe\u0301', { max: 1, word: false }), ['x', 'e\u0301']);
  assert.deepEqual(covered('', {}), []);
});

test('the same word has the same ids, however it is written', () => {
  /** @param {string} text */
  const ids = (text) => [...vectorizer.encode(text).ids];
  assert.deepEqual(ids('E\u0301TÉ'), ids('été'));
  assert.deepEqual(ids('a\n b'), ids('a b'));
  assert.deepEqual(ids('12 😀😀'), ids('7 🎉'));
  assert.notDeepEqual(ids('12'), ids('1 2'));
  assert.notDeepEqual(ids('ab'), ids('ba'));
});

test('two hashes of an n-gram are two ids of the same row; maxlen cuts between n-grams', () => {
  const two = vectorizer.encode('hello');
  const one = new TextVectorizer({ ...settings, ngrams: { ...settings.ngrams, rows: golden.rows, hashes: 1 } }).encode('hello');
  assert.deepEqual(
    [...two.ids].filter((_, i) => i % 2 === 0),
    [...one.ids],
  );
  const cut = new TextVectorizer({ ...settings, maxlen: 5 }).encode('hello');
  assert.equal(cut.truncated, true);
  assert.deepEqual([...cut.ids], [...two.ids.slice(0, 4)]);
  assert.equal(new TextVectorizer({ ...settings, maxlen: two.ids.length }).encode('hello').truncated, false);
});

test('absurd texts: lone surrogates, a megabyte of letters, of marks, of words', () => {
  assert.equal(vectorizer.encode('\ud800').ids.length, 2);
  const short = new TextVectorizer({ ...settings, maxlen: 1000 });
  for (const text of ['x'.repeat(1 << 20), `e${'\u0301'.repeat(1 << 20)}`, 'été '.repeat(1 << 18)]) {
    const { ids, truncated } = short.encode(text);
    assert.deepEqual([ids.length, truncated], [1000, true]);
  }
  // Truncated, the ids are the first ones of the whole text, wherever it is cut: in a word, behind signs, among marks.
  for (const text of [
    'x'.repeat(40_000),
    `${'-'.repeat(30_000)}${'y'.repeat(30_000)}`,
    `e${'\u0301'.repeat(30_000)}`,
    '日'.repeat(30_000),
  ]) {
    const whole = vectorizer.encode(text);
    const { ids, offsets } = short.encode(text);
    assert.deepEqual([ids.length, [...ids]], [1000, [...whole.ids.subarray(0, 1000)]]);
    assert.deepEqual([...offsets], [...whole.offsets.subarray(0, 2000)]);
  }
  const words = 'ein Wort, '.repeat(5000);
  assert.equal(vectorizer.encode(words).ids.length, 5000 * vectorizer.encode('ein Wort, ').ids.length);
});

test('settings that make no sense are refused, with what was expected', () => {
  for (const [ngrams, message] of /** @type {[any, RegExp][]} */ ([
    [undefined, /ngrams: rows is not a whole number from 1/],
    [{ rows: 0 }, /rows/],
    [{ rows: 8, hashes: 0 }, /hashes/],
    [{ rows: 8, min: 3, max: 2 }, /min and max/],
    [{ rows: 8, border: '' }, /border is not one character/],
    [{ rows: 8, word: 1 }, /word is not true or false/],
    [{ rows: 8, unspaced: { max: 3, ranges: [[1]] } }, /unspaced/],
  ]))
    assert.throws(() => new TextVectorizer({ ...settings, ngrams }), says(ModelFileError, message));
  assert.throws(
    () => new TextVectorizer({ ...settings, truncation: 'pre' }),
    says(ModelFileError, /truncation is "pre", expected one of post/),
  );
  assert.throws(() => vectorizer.decode([1]), says(UnsupportedError, /several ids/));
  assert.throws(() => vectorizer.idOf('a'), says(UnsupportedError, /several ids/));
});

/** A bag of n-grams over 300 rows. @param {object} [output] */
const bag = (output) =>
  createModel({
    architecture: {
      class_name: 'Sequential',
      config: {
        name: 'bag',
        layers: [
          { class_name: 'InputLayer', config: { name: 'ids', batch_shape: [null, null] } },
          { class_name: 'Embedding', config: { name: 'embedding', input_dim: 300, output_dim: 7 } },
          { class_name: 'padless>MaskedSqrtN', config: { name: 'pooling' } },
          { class_name: 'Dense', config: { name: 'dense', units: 3, activation: 'softmax' } },
        ],
      },
    },
    weights: (root) => weights(root),
    text: { ...settings, ngrams: { rows: 300, hashes: 2 }, maxlen: 4000 },
    outputs: [{ name: 'language', kind: 'class', labels: ['a', 'b', 'c'], ...output }],
  });

test('a session gives the bits of predict() after every edit', async () => {
  const model = await bag();
  const session = model.session();
  const parts = ['word ', 'é', 'e\u0301', ' ', '\n', 'Straße', '日本', '1', '23', '😀', '. ', 'нет ', '\u0301', '-'];
  let text = '';
  for (let i = 0; i < 400; i++) {
    const at = integer(0, text.length);
    const removed = uniform() < 0.4 ? integer(0, 6) : 0;
    text = text.slice(0, at) + (uniform() < 0.7 ? choice(parts) : '') + text.slice(at + removed);
    assert.deepEqual(session.update(text), model.predict(text), JSON.stringify(text));
  }
});

test('the sum over sqrt(n) of the rows; none: the bias alone', async () => {
  const model = await bag();
  const [table, kernel, bias] = model.root.listWeights().map(({ layer, spec }) => layer.weight(spec.name).data);
  for (const text of ['', 'x', 'Ein Satz aus Wörtern.']) {
    const ids = model.text?.encode(text).ids ?? [];
    const h = Array.from(
      { length: 7 },
      (_, d) => [...ids].reduce((sum, id) => sum + table[7 * id + d], 0) / Math.sqrt(ids.length || 1),
    );
    const z = Array.from({ length: 3 }, (_, k) => Math.exp(h.reduce((sum, x, d) => sum + x * kernel[3 * d + k], bias[k])));
    const { scores } = model.predict(text);
    ['a', 'b', 'c'].forEach((label, k) =>
      assert.ok(Math.abs((scores?.[label] ?? 0) - z[k] / (z[0] + z[1] + z[2])) < 1e-6, `${text}: ${label}`),
    );
  }
});

test('predict() answers among the labels that are allowed, or weighs them', async () => {
  const model = await bag();
  const { scores = {} } = model.predict('hello');
  const two = model.predict('hello', { labels: ['a', 'c'] });
  assert.equal(two.scores?.b, 0);
  assert.ok(Math.abs((two.scores?.a ?? 0) - scores.a / (scores.a + scores.c)) < 1e-6);
  assert.equal(two.label, scores.a >= scores.c ? 'a' : 'c');
  const weighed = model.predict(['hello'], { labels: { a: 1, b: 3 } })[0];
  assert.ok(Math.abs((weighed.scores?.b ?? 0) - (3 * scores.b) / (scores.a + 3 * scores.b)) < 1e-6);
  assert.throws(() => model.predict('x', { labels: ['d'] }), says(ArgumentError, /labels: "d" is not one of a, b, c/));
  assert.throws(() => model.predict('x', { labels: [] }), says(ArgumentError, /no label has a weight above 0/));
  assert.throws(() => model.predict('x', { labels: { a: -1 } }), says(ArgumentError, /weight of "a" is -1/));
});

test('a session answers among the labels that are allowed', async () => {
  const model = await bag();
  const options = { labels: { a: 1, b: 3 } };
  const session = model.session(options);
  // The second answer is that of an incremental run, the third that of a run which computes nothing.
  for (const text of ['hell', 'hello', 'hello']) assert.deepEqual(session.update(text), model.predict(text, options));
  assert.throws(() => model.session({ labels: ['d'] }), says(ArgumentError, /labels: "d" is not one of a, b, c/));
});

test('an output with a threshold says whether its answer is certain', async () => {
  const { score = 0, certain } = (await bag()).predict('hello');
  assert.equal(certain, undefined);
  for (const threshold of [0, 0.4, 0.6, 1]) {
    const answer = (await bag({ threshold })).predict('hello');
    assert.equal(answer.certain, (answer.score ?? 0) >= threshold, `${score}`);
  }
  await assert.rejects(bag({ threshold: 2 }), says(ModelFileError, /threshold is 2, expected 0 to 1/));
});

/** @param {import('padless').Weight} weight */
const asFloats = ({ shape, data }) => ({ shape, data });

test('a packed ternary table is read and written back, byte for byte; a broken one is named', async () => {
  const model = await bag();
  const table = model.root.listWeights()[0].layer;
  const int8 = Int8Array.from({ length: 300 * 7 }, () => integer(-1, 1));
  const [scale, rows] = [new Float32Array(7).fill(0.25), Uint8Array.from({ length: 300 }, () => integer(0, 255))];
  table.weights.set('embeddings', new Int8Weight([300, 7], int8, scale, rows, true));
  const bytes = model.save();
  const again = await loadModel(bytes);
  // Summed without looking up its rows, as the same values in float32 are summed one by one.
  const floats = await createModel({
    architecture: model.settings.architecture,
    weights: () => new Map(again.root.listWeights().map(({ path, layer, spec }) => [path, asFloats(layer.weight(spec.name))])),
    text: model.settings.text,
    outputs: model.settings.outputs,
  });
  const texts = ['', 'x', 'Ein Satz aus Wörtern.', 'und '.repeat(300)];
  const [expected] = floats.outputsOf(texts);
  again.outputsOf(texts)[0].data.forEach((value, i) => assert.ok(Math.abs(value - expected.data[i]) < 1e-6, `${i}`));
  texts.forEach((text, i) => assert.deepEqual(again.predict(text), again.predict(texts)[i]));
  const weight = again.root.listWeights()[0].layer.weight('embeddings');
  assert.deepEqual([...(weight.int8 ?? [])], [...int8]);
  assert.deepEqual(again.save(), bytes);
  assert.ok(bytes.length < 420 + 300 + 2200, `${bytes.length} bytes`);
  // The packed bytes are the first U8 tensor.
  const header = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)))),
  );
  assert.deepEqual(header['embedding.embeddings'].shape, [420]);
  const at = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)) + header['embedding.embeddings'].data_offsets[0];
  bytes[at + 3] = 243;
  await assert.rejects(loadModel(bytes), says(ModelFileError, /embedding\.embeddings: byte 3 is 243, expected 0 to 242/));
});
