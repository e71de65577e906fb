/** Text settings beyond the vocabulary: separators of several characters, a map of characters, start and end tokens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, ModelFileError, PadlessError } from 'padless';
import { TextVectorizer } from 'padless/text';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { choice, integer, seed, weights } = random();

/** The tokens of a text, each with its part of the text. @param {TextVectorizer} vectorizer @param {string} text */
function tokensOf(vectorizer, text) {
  const { ids, offsets } = vectorizer.encode(text);
  return Array.from(ids, (id, i) => [vectorizer.vocabulary[id], text.slice(offsets[2 * i], offsets[2 * i + 1])]);
}

test('a separator of several characters splits as in Keras 2.15, which first replaces filtered characters by the separator', () => {
  for (const [split, filters, text, words] of /** @type {[string, string, string, string[]][]} */ ([
    [', ', '|', 'a, b, c', ['a', 'b', 'c']],
    [', ', '|', 'a,b, c,, d', ['a,b', 'c,', 'd']],
    [', ', '|', 'x|, y', ['x', 'y']],
    [', ', '|', 'a ,b', ['a ,b']],
    [', ', '|', '||a|,| b', ['a', ',', ' b']],
    ['--', '!', 'x--y---z!-w', ['x', 'y', '-z', '-w']],
    ['aa', '!', 'xaayaaaz!aw', ['x', 'y', 'az', 'aw']],
  ])) {
    const vocabulary = ['', ...new Set(words)];
    const vectorizer = new TextVectorizer({ unit: 'split', split, filters, vocabulary, unknown: null });
    const tokens = tokensOf(vectorizer, text);
    assert.deepEqual(
      tokens.map(([word]) => word),
      words,
      text,
    );
    for (const [word, piece] of tokens) assert.ok(piece === word || piece.includes('!'), `${word} ${piece}`);
  }
});

test('a map replaces a character by one, several or no characters before the lookup', () => {
  const map = { ё: 'е', æ: 'ae', '\u05f3': '', 1: '5', '\n': ' ' };
  const characters = new TextVectorizer({ vocabulary: ['', '<unk>', 'е', 'a', 'e', '5', ' '], map, case: 'lower' });
  assert.deepEqual(tokensOf(characters, 'Ёæ\u05f31\n?'), [
    ['е', 'Ё'],
    ['a', 'æ'],
    ['e', 'æ'],
    ['5', '1'],
    [' ', '\n'],
    ['<unk>', '?'],
  ]);
  assert.equal(characters.idOf('Ё'), 2);
  const words = new TextVectorizer({ unit: 'split', vocabulary: ['', '<unk>', 'ae', 'b'], map: { ...map, x: ' ' } });
  assert.deepEqual(tokensOf(words, 'æxb\nb'), [
    ['ae', 'æ'],
    ['b', 'b'],
    ['b', 'b'],
  ]);
  // A separator that the map turns into a letter does not split words.
  const joined = new TextVectorizer({ unit: 'word', vocabulary: ['', '<unk>', 'axb'], map: { ' ': 'x' } });
  assert.deepEqual(tokensOf(joined, 'a b'), [['axb', 'a b']]);
});

test('each text gets its start and end tokens, also if it is truncated', () => {
  const vocabulary = ['', '<unk>', '<s>', '</s>', 'a', 'b'];
  const around = { vocabulary, start: 2, end: 3 };
  const text = new TextVectorizer(around);
  const { ids, mask, lengths, starts } = text.encodeBatch(['ab', '']);
  assert.deepEqual([...ids], [2, 4, 5, 3, 2, 3, 0, 0]);
  assert.deepEqual([...mask], [1, 1, 1, 1, 1, 1, 0, 0]);
  assert.deepEqual(
    [[...lengths], [...starts]],
    [
      [4, 2],
      [1, 1],
    ],
  );
  const cut = new TextVectorizer({ ...around, length: 4, padding: 'pre', truncation: 'pre' });
  assert.deepEqual([...cut.encodeBatch(['aab']).ids], [2, 4, 5, 3]);
  assert.deepEqual([...cut.encodeBatch(['b']).ids], [0, 2, 5, 3]);
  assert.deepEqual([...new TextVectorizer({ vocabulary, start: 2, maxlen: 2 }).encodeBatch(['ab']).ids], [2, 4]);
  const first = new TextVectorizer({ vocabulary: ['<s>', '<unk>', 'a'], pad: null, start: 0 });
  assert.deepEqual([...first.encodeBatch(['a']).ids], [0, 2]);
});

test('start and end tokens get no tags; a session answers as predict() does', async () => {
  const layer = (/** @type {string} */ class_name, /** @type {any} */ config) => ({
    class_name,
    config: { name: class_name.toLowerCase(), ...config },
  });
  const architecture = {
    class_name: 'Sequential',
    config: {
      name: 'model',
      layers: [
        layer('InputLayer', { batch_shape: [null, null] }),
        layer('Embedding', { input_dim: 6, output_dim: 3 }),
        layer('LSTM', { units: 2, return_sequences: true }),
      ],
    },
  };
  const vocabulary = ['', '<unk>', '<s>', '</s>', 'a', 'b'];
  const outputs = [{ name: 'tags', kind: /** @type {const} */ ('tags'), labels: ['x', 'y'] }];
  for (const padding of /** @type {const} */ (['post', 'pre'])) {
    const text = { vocabulary, start: 2, end: 3, padding, map: { c: 'ab' } };
    const model = await createModel({ architecture, weights, text, outputs, simd });
    const answer = model.predict('bc');
    const [{ data }] = model.run([[2, 5, 4, 5, 3]]);
    assert.deepEqual(
      answer.tags?.map(({ score, start, end }) => [score, start, end]),
      [1, 2, 3].map((t, i) => [Math.max(...data.subarray(2 * t, 2 * t + 2)), Math.min(i, 1), Math.min(i, 1) + 1]),
    );
    assert.equal(answer.tokens, 3);
    assert.deepEqual(model.predict(['', 'bc'])[1], answer);
    const session = model.session();
    let typed = '';
    for (let edit = 0; edit < 60; edit++) {
      const at = integer(0, typed.length);
      typed = typed.slice(0, at) + choice(['a', 'b', 'c', '?', 'abc', '']) + typed.slice(at + integer(0, 1));
      assert.deepEqual(session.update(typed), model.predict(typed), `${JSON.stringify(typed)} (PADLESS_SEED=${seed})`);
    }
  }
});

test('a maxlen above the length has no effect', () => {
  for (const truncation of /** @type {const} */ (['post', 'pre'])) {
    const reader = new TextVectorizer({ vocabulary: ['', '', 'a', 'b'], length: 3, maxlen: 9, truncation });
    assert.deepEqual(tokensOf(reader, 'aab').length, 3);
    const { ids, shape, rows } = reader.encodeBatch(['aabb']);
    assert.deepEqual([...ids], truncation === 'post' ? [2, 2, 3] : [2, 3, 3]);
    assert.deepEqual([shape, rows[0].truncated], [[1, 3], true]);
  }
});

test('a character is normalised together with up to 32 marks that follow it', () => {
  const reader = new TextVectorizer({ vocabulary: ['', '', 'a', '\u00e1'], normalization: 'NFC' });
  // U+0334 does not combine with the letter; the acute accent after any number of them does.
  for (const [others, id] of [
    [0, 3],
    [30, 3],
    [31, 3],
    [32, 2],
  ])
    assert.equal(reader.encode(`a${'\u0334'.repeat(others)}\u0301`).ids[0], id, `${others + 1} marks`);
});

test('invalid settings are refused, and the message contains the value', () => {
  const vocabulary = ['', '<unk>', 'a'];
  for (const [settings, said] of /** @type {[any, RegExp][]} */ ([
    ...[0, 65_537].map((length) => [
      { length, maxlen: 5 },
      new RegExp(`^text: length is ${length}, expected an integer from 1 to 65536, or null$`),
    ]),
    [{ split: 3 }, /split is 3, expected a string or null/],
    [{ map: ['a'] }, /map is \["a"\], expected \{ character: string \}/],
    [{ map: { ab: 'c' } }, /map is \{"ab":"c"\}, .* \("ab" becomes "c"\)/],
    [{ map: { a: 1 } }, /"a" becomes 1/],
    [{ start: 3 }, /start is 3, the vocabulary has 3 entries/],
    [{ end: -1 }, /end is -1/],
    [{ start: 1, end: 2, maxlen: 2 }, /maxlen is 2, start and end take 2 of it/],
    [{ unit: 'ngrams', ngrams: { rows: 9 }, map: { a: 'b' } }, /^text: unit ngrams has no map$/],
    [{ unit: 'ngrams', ngrams: { rows: 9 }, start: 1 }, /^text: start is 1, the vocabulary has 0 entries$/],
  ]))
    assert.throws(() => new TextVectorizer({ vocabulary, ...settings }), says(ModelFileError, said));
  for (const [settings, type] of [
    [null, 'null'],
    ['x', 'string'],
  ])
    assert.throws(
      () => new TextVectorizer(/** @type {any} */ (settings)),
      says(ModelFileError, new RegExp(`^text: expected settings, got ${type}$`)),
    );
});

test('invalid settings of the tokens of a Keras layer are refused', () => {
  const ngrams = { scheme: 'keras', split: 'whitespace', words: ['a'], first: 0, unknown: 1 };
  /** @param {any} more @param {any} [beside] */
  const make = (more, beside) => new TextVectorizer({ unit: 'ngrams', ngrams: { ...ngrams, ...more }, ...beside });
  assert.deepEqual([...make({}).encode('a b').ids], [1, 0]);
  assert.deepEqual([...make({}).encode(' ').ids], []);
  for (const text of ['a', '']) assert.equal(make({ split: null }).encode(text).ids.length, 1);
  assert.equal(make({ unknown: 2 ** 31 - 2 }).size, 2 ** 31 - 1);
  for (const [more, beside, said] of /** @type {[any, any, RegExp][]} */ ([
    [{ split: 'words' }, {}, /split is not 'whitespace', 'character' or null$/],
    [{ remove: 5 }, {}, /remove is not a string$/],
    [{ widths: [] }, {}, /widths is not a list of integers from 1 to 64$/],
    [{ widths: [65] }, {}, /widths is not/],
    [{ words: 'a' }, {}, /words is not a list of strings or integers$/],
    [{ first: 2 ** 31 - 1 }, {}, /first and unknown are not integers from 0 on$/],
    [{ unknown: 2 ** 31 - 1 }, {}, /first and unknown are not integers from 0 on$/],
    [{}, { pad: -1 }, /pad is not an integer from 0 on, nor null$/],
    [{}, { pad: null, mask: false, length: 3 }, /pad is null; where padding is data \(mask: false\) it needs an id$/],
    [{}, { case: 'lower' }, /scheme 'keras' needs case 'lower-ascii' or null, and no normalization$/],
    [{}, { normalization: 'NFC' }, /scheme 'keras' needs case 'lower-ascii' or null, and no normalization$/],
  ]))
    assert.throws(() => make(more, beside), says(ModelFileError, said));
});

/** The paths to all values in a value. @param {any} value @returns {string[][]} */
const paths = (value) =>
  typeof value === 'object' && value
    ? Object.keys(value).flatMap((key) => [[key], ...paths(value[key]).map((path) => [key, ...path])])
    : [];

test('settings with a value of another type at any place are read or refused with a PadlessError', () => {
  const vocabulary = ['', '<unk>', '<s>', '</s>', 'a'];
  const words = { words: ['a', 'b'], first: 1, unknown: 1, salt: [1, 2], method: 'hash', masked: { token: 'b', index: 0 } };
  for (const settings of [
    { unit: 'split', vocabulary, split: ' ', filters: '!', remove: 'x', map: { b: 'a' }, start: 2, end: 3, pad: 0, unknown: 1 },
    { vocabulary, length: 5, maxlen: 4, mask: false, padding: 'pre', truncation: 'pre', normalization: 'NFC', case: 'lower' },
    { unit: 'word', locale: 'en', vocabulary, parts: { width: 4, endings: [1], beginnings: [2] } },
    {
      unit: 'ngrams',
      ngrams: { rows: 9, hashes: 1, min: 1, max: 2, border: '_', word: true, unspaced: { max: 2, ranges: [[1, 2]] } },
    },
    { unit: 'ngrams', ngrams: { scheme: 'fasttext', words: ['a'], buckets: 9, kept: [1, 5], min: 1, max: 2, wordGrams: 2 } },
    { unit: 'ngrams', pad: 0, ngrams: { scheme: 'keras', split: 'whitespace', remove: '!', widths: [1, 2], ...words } },
  ]) {
    assert.ok(new TextVectorizer(/** @type {any} */ (settings)).encode('a b').ids.length > 0);
    for (const path of paths(settings))
      for (const wrong of [
        { toString: 1 },
        { toString: 1, length: 2 },
        [{ toString: 1 }],
        [null],
        null,
        5,
        -1,
        'x',
        {},
        [],
        true,
      ]) {
        /** @type {any} */
        const changed = structuredClone(settings);
        path.slice(0, -1).reduce((part, key) => part[key], changed)[path[path.length - 1]] = wrong;
        try {
          const reader = new TextVectorizer(changed);
          reader.encode('ab a b!');
          reader.encodeBatch(['ab', '']);
        } catch (error) {
          assert.ok(error instanceof PadlessError, `${path.join('.')}: ${JSON.stringify(wrong)}: ${error}`);
        }
      }
  }
});
