/** Unit `ngrams`: the same ids as in the trainer, offsets, long texts, and sessions. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ArgumentError, createModel, loadModel, ModelFileError, UnsupportedError } from 'padless';
import { prepareText, TextVectorizer } from 'padless/text';
import { Int8Weight } from '../../js/file/int8-weights.js';
import { borderFrom, chunksOf } from '../../js/text/boundaries.js';
import { NGrams } from '../../js/text/ngrams.js';
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

test('until the code of a rare setting is fetched, an error says how to fetch it', async () => {
  // The query makes this another instance of the module, in which the code is not fetched yet. In padless/text it is.
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

test(`${golden.cases.length} texts have the same ids as in the trainer`, () => {
  for (const { text, count, sha256, first } of golden.cases) {
    const ids = [...vectorizer.encode(text).ids];
    assert.deepEqual([ids.length, ids.slice(0, 8)], [count, first], text);
    assert.equal(createHash('sha256').update(ids.join(' ')).digest('hex').slice(0, 32), sha256, text);
  }
});

/** The part of the text that each n-gram covers, with one hash per n-gram. @param {string} text @param {object} [ngrams] @param {object} [more] */
const covered = (text, ngrams, more) => {
  const one = new TextVectorizer({ ...settings, ngrams: { ...settings.ngrams, rows: 1 << 20, hashes: 1, ...ngrams }, ...more });
  const { ids, offsets } = one.encode(text);
  return Array.from(ids, (_, i) => text.slice(offsets[2 * i], offsets[2 * i + 1]));
};

test('a word gives its n-grams, with borders, and itself; offsets are the part of the text that each covers', () => {
  assert.deepEqual(covered('Ab', { max: 2 }), ['A', 'A', 'Ab', 'b', 'b', 'Ab']);
  assert.deepEqual(covered('ab', { max: 4 }), ['a', 'ab', 'ab', 'a', 'ab', 'ab', 'b', 'b']);
  assert.deepEqual(covered('abc', { min: 3, max: 3, word: false }), ['ab', 'abc', 'bc']);
  assert.deepEqual(covered('- 1,250 -- 😀!!', { max: 2 }), ['-', '1', ',', '250', '--', '😀', '!!']);
  assert.deepEqual(covered('日本x', { max: 2 }), ['日', '日本', '本', 'x', 'x', 'x', 'x']);
  for (const mark of ['\u0300', '\u0301']) assert.deepEqual(covered(`xe${mark}`, { max: 1, word: false }), ['x', `e${mark}`]);
  assert.deepEqual(covered('', {}), []);
});

test('a text is read in the Unicode form and case of the settings', () => {
  const idsOf = (/** @type {string} */ text, /** @type {any} */ more) => [
    ...new TextVectorizer({ ...settings, ...more }).encode(text).ids,
  ];
  for (const text of ['été', 'e\u0301te\u0300', '\u212b\u2126', 'ﬁx\u00b2\u00a0\u00bd', '각', 'abc', '\ufdfa'.repeat(300)])
    for (const normalization of /** @type {const} */ (['NFC', 'NFD', 'NFKC', 'NFKD']))
      assert.deepEqual(idsOf(text, { normalization }), idsOf(text.normalize(normalization), { normalization: null }), text);
  const read = (/** @type {any} */ fold) => (/** @type {string} */ text) => idsOf(text, { case: fold });
  assert.deepEqual(read('lower-ascii')('AZÄ'), read(null)('azÄ'));
  assert.deepEqual(read('lower')('AZÄ'), read(null)('azä'));
});

test('case, Unicode form, white space, digits and the choice of emoji do not change the ids', () => {
  /** @param {string} text */
  const ids = (text) => [...vectorizer.encode(text).ids];
  assert.deepEqual(ids('E\u0301TÉ'), ids('été'));
  assert.deepEqual(ids('a\n b'), ids('a b'));
  assert.deepEqual(ids('12 😀😀'), ids('7 🎉'));
  // Signs of ASCII differ from each other, and those beyond it that are no punctuation do not.
  assert.deepEqual(ids('\u0080'), ids('€'));
  assert.notDeepEqual(ids('\u007f'), ids('€'));
  assert.notDeepEqual(ids('12'), ids('1 2'));
  assert.notDeepEqual(ids('ab'), ids('ba'));
});

test('four or more combining marks in a row are left out; the letters under them and shorter runs keep their ids', () => {
  const marks = '\u0337\u0322\u0301\u0308';
  const decorated = Array.from('Größe', (letter, i) => letter + marks.repeat(i + 1)).join('');
  const ids = (/** @type {string} */ text) => [...vectorizer.encode(text).ids];
  assert.deepEqual(ids(`${decorated} ${decorated}`), ids('Größe Größe'));
  assert.deepEqual(covered(`a${marks}b`, { max: 1, word: false }), [`a${marks}`, 'b']);
  // A decomposed letter of polytonic Greek has three marks.
  assert.deepEqual(ids('ᾧ'.normalize('NFD')), ids('ᾧ'));
  assert.notDeepEqual(ids('a\u0337\u0322\u031b'), ids('a'));
  // Marks of other scripts stay.
  assert.notDeepEqual(ids(`ש${'\u05b0'.repeat(5)}`), ids('ש'));
  assert.deepEqual(ids(`e${marks.repeat(1 << 18)}`), ids('e'));
});

test('an n-gram with two hashes gives two ids; maxlen cuts between n-grams', () => {
  const two = vectorizer.encode('hello');
  const one = new TextVectorizer({ ...settings, ngrams: { ...settings.ngrams, rows: golden.rows, hashes: 1 } }).encode('hello');
  assert.deepEqual(
    [...two.ids].filter((_, i) => i % 2 === 0),
    [...one.ids],
  );
  for (let maxlen = 1; maxlen <= two.ids.length; maxlen++) {
    const cut = new TextVectorizer({ ...settings, maxlen }).encode('hello');
    assert.deepEqual([[...cut.ids], cut.truncated], [[...two.ids.slice(0, maxlen - (maxlen % 2))], maxlen < two.ids.length]);
  }
});

test('lone surrogates and megabytes of letters, marks and words are read', () => {
  assert.equal(vectorizer.encode('\ud800').ids.length, 2);
  const short = new TextVectorizer({ ...settings, maxlen: 1000 });
  for (const text of ['x'.repeat(1 << 20), `e${'\u0591'.repeat(1 << 20)}`, 'été '.repeat(1 << 18)]) {
    const { ids, truncated } = short.encode(text);
    assert.deepEqual([ids.length, truncated], [1000, true]);
  }
  // The ids of a truncated text are the first ids of the whole text, whether it is cut in a word, after signs or among marks.
  for (const text of [
    'x'.repeat(40_000),
    `${'-'.repeat(30_000)}${'y'.repeat(30_000)}`,
    `e${'\u0591'.repeat(30_000)}`,
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

for (const maxlen of [100, 20_000])
  test(`of a long word whose n-grams are cut, only the beginning is read: ${maxlen} ids`, () => {
    const reader = new NGrams({ rows: 9 }, { normalization: 'NFC', case: null });
    let read = 0;
    /** @type {typeof chunksOf} */
    const counted = (text, form) => {
      read += text.length;
      return chunksOf(text, form);
    };
    const { ids, truncated } = reader.encode('e\u0301'.repeat(1 << 17), maxlen, { chunksOf: counted, borderFrom });
    assert.deepEqual([ids.length, truncated], [maxlen, true]);
    assert.ok(read > 0 && read < 1 << 16, `${read} of ${1 << 18} code units`);
  });

test('invalid settings are refused, and the message says what was expected', () => {
  for (const [ngrams, message] of /** @type {[any, RegExp][]} */ ([
    [undefined, /ngrams: rows is not an integer from 1/],
    [{ rows: 0 }, /rows/],
    [{ rows: 8, hashes: 0 }, /hashes/],
    [{ rows: 8, min: 3, max: 2 }, /min and max/],
    [{ rows: 8, border: '' }, /border is not one character/],
    [{ rows: 8, word: 1 }, /word is not true or false/],
    [{ rows: 8, unspaced: { max: 3, ranges: [[1]] } }, /unspaced/],
  ]))
    assert.throws(() => new TextVectorizer({ ...settings, ngrams }), says(ModelFileError, message));
  for (const [more, message] of /** @type {[object, RegExp][]} */ ([
    [{ mask: false }, /ngrams: mask is false; only scheme keras has an id for padding$/],
    [{ pad: 0 }, /ngrams: pad is not null; only scheme keras has an id for padding$/],
  ]))
    assert.throws(() => new TextVectorizer({ ...settings, ...more }), says(ModelFileError, message));
  assert.throws(
    () => new TextVectorizer({ ...settings, truncation: 'pre' }),
    says(ModelFileError, /truncation is "pre", expected one of post/),
  );
  assert.throws(() => vectorizer.decode([1]), says(UnsupportedError, /several ids/));
  assert.throws(() => vectorizer.idOf('a'), says(UnsupportedError, /several ids/));
});

/** A bag-of-n-grams model whose embedding has 300 rows. @param {object} [output] */
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
  const parts = [
    'word ',
    'é',
    'e\u0301',
    ' ',
    '\n',
    'Straße',
    '日本',
    '1',
    '23',
    '😀',
    '. ',
    'нет ',
    '\u0301',
    '\u0337\u0322\u031b',
    '-',
  ];
  let text = '';
  for (let i = 0; i < 400; i++) {
    const at = integer(0, text.length);
    const removed = uniform() < 0.4 ? integer(0, 6) : 0;
    text = text.slice(0, at) + (uniform() < 0.7 ? choice(parts) : '') + text.slice(at + removed);
    assert.deepEqual(session.update(text), model.predict(text), JSON.stringify(text));
  }
});

test('predict() of one text, which reads it without offsets, gives the answer of predict() of several', async () => {
  const model = await bag();
  const texts = [
    '',
    'a',
    'élève',
    'e\u0301le\u0300ve',
    '\u01b0\u031b',
    'İ ǅ',
    'Ein Satz, 2 Wörter.',
    '日本',
    'word '.repeat(400),
    'b '.repeat(9000),
  ];
  const answers = model.predict(texts);
  const offsets = model.text?.encode('élève').offsets;
  assert.deepEqual(
    texts.map((text) => model.predict(text)),
    answers,
  );
  assert.ok(answers[8].truncated && answers[9].truncated && answers[8].tokens === 4000);
  assert.deepEqual(model.text?.encode('élève').offsets, offsets);
});

test('writing into the mask of a trace does not change later answers', async () => {
  const model = await bag();
  const answer = model.predict('Ein Satz, 2 Wörter.');
  const [{ before }] = model.trace('Ein Satz, 2 Wörter.');
  before[0].mask?.fill(0);
  assert.deepEqual(model.predict('Ein Satz, 2 Wörter.'), answer);
});

test('the model sums the n rows of a text and divides by sqrt(n); without n-grams the answer is that of the bias', async () => {
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

test('predict() chooses among the given labels, or weights them', async () => {
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
  assert.deepEqual(model.predict('hello', { labels: { a: 1, b: 0, c: 1 } }), two);
  assert.throws(() => model.predict('x', { labels: { a: -1 } }), says(ArgumentError, /weight of "a" is -1/));
});

test('a session chooses among the given labels, or weights them', async () => {
  const model = await bag();
  const options = { labels: { a: 1, b: 3 } };
  const session = model.session(options);
  // The second update is incremental, and the third has nothing to compute.
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

test('a packed ternary table is loaded and saved with the same bytes; the error for a broken one names it', async () => {
  const model = await bag();
  const table = model.root.listWeights()[0].layer;
  const int8 = Int8Array.from({ length: 300 * 7 }, () => integer(-1, 1));
  const [scale, rows] = [new Float32Array(7).fill(0.25), Uint8Array.from({ length: 300 }, () => integer(0, 255))];
  table.weights.set('embeddings', new Int8Weight([300, 7], int8, scale, rows, true));
  const bytes = model.save();
  const again = await loadModel(bytes);
  // Compare with the same values in float32.
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
