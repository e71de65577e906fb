/**
 * Keras's Tokenizer and TextVectorization: comparison with their ids (make_text_goldens.py), offsets, and broken tokenizers.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ArgumentError, ModelFileError, UnsupportedError } from 'padless';
import { fromKeras } from 'padless/import';
import { TextVectorizer } from 'padless/text';
import { withoutLookups } from '../../js/import/text-layers.js';
import { textSettings } from '../../js/import/tokenizer.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { keras, texts, cases } = JSON.parse(readFileSync(new URL('text-goldens.json', import.meta.url), 'utf8'));
const embedding = { class_name: 'Embedding', config: { name: 'embedding', input_dim: 10_000, output_dim: 2 } };
/** The vocabularies that a file stores beside the architecture: none. */
const nothing = { vocabularies: new Map(), idf: new Map() };
const sequential = (/** @type {any[]} */ ...layers) => ({ class_name: 'Sequential', config: { name: 'model', layers } });

for (const { name, tokenizer, layer, ids } of cases) {
  test(`${name}: texts get the ids of Keras ${keras}, and the text between the offsets of a token is its text`, () => {
    const settings = tokenizer
      ? textSettings(tokenizer, sequential(embedding))
      : withoutLookups(sequential(layer, embedding), nothing).text;
    const text = new TextVectorizer(/** @type {any} */ (settings));
    texts.forEach((/** @type {string} */ source, /** @type {number} */ i) => {
      const row = text.encode(source);
      const padded = text.length === null ? [...row.ids] : [...text.encodeBatch([source]).ids];
      // TensorFlow pads an empty row to one step.
      const expected = layer && ids[i].length === 1 && ids[i][0] === 0 && padded.length === 0 ? [] : ids[i];
      assert.deepEqual(padded, expected, JSON.stringify(source));
      let before = 0;
      row.ids.forEach((id, t) => {
        const [start, end] = row.offsets.subarray(2 * t, 2 * t + 2);
        assert.ok(before <= start && start < end && end <= source.length);
        // A letter whose lower case has two code points gives two tokens with the same offsets.
        before = start;
        if (id === text.unknown) return;
        const { vocabulary, remove = '', case: fold } = text.settings;
        const removed = [...source.slice(start, end)].filter((char) => !remove.includes(char)).join('');
        const cased = fold === 'lower-ascii' ? removed.replace(/[A-Z]/g, (char) => char.toLowerCase()) : removed;
        // The lower case of a sigma depends on its neighbours.
        const plain = (/** @type {string} */ word) => word.toLowerCase().replaceAll('ς', 'σ');
        if (fold === 'lower')
          assert.ok(plain(cased).includes(plain(vocabulary[id])), `${JSON.stringify(cased)} ${JSON.stringify(vocabulary[id])}`);
        else assert.equal(cased, vocabulary[id]);
      });
    });
  });
}

test('a tokenizer may split at several characters', () => {
  const config = { word_index: { 'a,b': 1, c: 3 }, split: ', ', filters: '|' };
  const text = new TextVectorizer(textSettings({ class_name: 'Tokenizer', config }, sequential(embedding)));
  assert.deepEqual([...text.encode('a,b, c| c').ids], [1, 3]);
});

test('no text has the id of no word', () => {
  for (const split of [' ', ',']) {
    const config = { word_index: { a: 1, b: 3 }, split, filters: '' };
    const text = new TextVectorizer(textSettings({ class_name: 'Tokenizer', config }, sequential(embedding)));
    for (const between of [`no word${split}2`, 'no word 2', 'no word2']) assert.deepEqual([...text.encode(['a', between, 'b'].join(split)).ids], [1, 3], between); // prettier-ignore
  }
});

test('a tokenizer may be JSON text, JSON text inside JSON text, or parsed', () => {
  const [{ tokenizer }] = cases;
  const settings = textSettings(tokenizer, sequential(embedding));
  for (const each of [JSON.stringify(tokenizer), JSON.parse(tokenizer)])
    assert.deepEqual(textSettings(each, sequential(embedding)), settings);
});

test('text settings get length and mask from the model: padding is data if the embedding does not mask', () => {
  const [{ tokenizer }] = cases;
  const input = { class_name: 'InputLayer', config: { name: 'ids', batch_shape: [null, 7] } };
  const masked = { ...embedding, config: { ...embedding.config, mask_zero: true } };
  const { length, mask, padding, truncation } = textSettings(tokenizer, sequential(input, embedding));
  assert.deepEqual({ length, mask, padding, truncation }, { length: 7, mask: false, padding: 'pre', truncation: 'pre' });
  assert.equal(textSettings(tokenizer, sequential(masked)).mask, true);
  assert.equal(textSettings(tokenizer, sequential(sequential(masked))).mask, true);
  // A word index also works for a model without an Embedding.
  assert.equal(textSettings({ a: 1, b: 2 }, sequential({ class_name: 'Dense', config: { name: 'd', units: 1 } })).mask, false);
});

test('contradictory tokenizers are refused', () => {
  /** @param {any} config @param {any} Class @param {RegExp} message */
  const refused = (config, Class, message) =>
    assert.throws(() => textSettings({ class_name: 'Tokenizer', config }, sequential(embedding)), says(Class, message));
  refused({ word_index: '{"a": 1, "b": 1}' }, ModelFileError, /"a" and "b" both have id 1/);
  refused({ word_index: { a: 0 } }, ModelFileError, /"a" has id 0, expected an id from 1/);
  refused({ word_index: { a: 1e9 } }, ModelFileError, /"a" has id 1000000000/);
  refused({ word_index: '{"a": ' }, ModelFileError, /word_index: 6 bytes that are not JSON/);
  refused({}, ModelFileError, /word_index is undefined/);
  refused({ word_index: { a: 1 }, split: '' }, UnsupportedError, /split is ""/);
  refused({ word_index: { a: 1 }, filters: 3 }, ModelFileError, /filters is 3/);
  assert.throws(() => textSettings({ a: 'b' }, sequential(embedding)), ModelFileError);
  assert.throws(() => textSettings('[', sequential(embedding)), ModelFileError);
});

test('options of TextVectorization that padless lacks are refused with their names', () => {
  const whole = cases.find((/** @type {any} */ each) => each.layer).layer.config;
  /** @param {any} more @param {RegExp} message @param {any} [Class] */
  const refused = (more, message, Class = UnsupportedError) =>
    assert.throws(
      () =>
        withoutLookups(
          sequential({ class_name: 'TextVectorization', config: { ...whole, name: 'words', ...more } }, embedding),
          nothing,
        ),
      says(Class, message),
    );
  refused(
    { output_mode: 'one_hot', vocabulary_size: null },
    /words: TextVectorization has output_mode="one_hot"; padless supports "int", "multi_hot", .*; save the model without it/,
  );
  refused({ split: null, ngrams: 2 }, /split=None and ngrams=2/);
  refused({ output_mode: 'tf_idf', vocabulary_size: null }, /TextVectorization has no idf_weights in the file/, ModelFileError);
  refused(
    { standardize: { class_name: 'function' } },
    /standardize=.*; save the model without it, .*, and describe the layer by text settings \(padless convert --text FILE\)/,
  );
  refused({ split: { class_name: 'function' } }, /split=/);
  refused({ vocabulary: null }, /has no vocabulary in the file/, ModelFileError);
  refused({ vocabulary_size: 3 }, /words, vocabulary_size is 3/, ModelFileError);
});

test('num_words is a whole number or null', () => {
  const of = (/** @type {any} */ more) => ({ class_name: 'Tokenizer', config: { word_index: { a: 1, b: 2, c: 3 }, ...more } });
  const words = (/** @type {any} */ most) => textSettings(of({ num_words: most }), sequential(embedding)).vocabulary;
  for (const [most, expected] of /** @type {[any, string[]][]} */ ([
    [null, ['', 'a', 'b', 'c']],
    [undefined, ['', 'a', 'b', 'c']],
    [0, ['', 'a', 'b', 'c']],
    [3, ['', 'a', 'b']],
    [1, ['']],
  ]))
    assert.deepEqual(words(most), expected, String(most));
  for (const most of ['3', -1, 1.5, 2 ** 53, [3], {}, true, { toString: 1 }])
    assert.throws(() => words(most), says(ModelFileError, /^tokenizer: num_words is .*, expected an integer from 0 on, or null$/));
});

test('the error for a class name that is no text says so', async () => {
  const file = new URL('../models/keras-files/bilstm-tagger-json.json', import.meta.url);
  const json = JSON.parse(readFileSync(file, 'utf8'));
  const weights = new URL('bilstm-tagger-json.weights.h5', file);
  for (const key of ['class_name', 'registered_name'])
    for (const value of [{ toString: 1 }, 5, null]) {
      const changed = structuredClone(json);
      changed.config.layers[1][key] = value;
      const reading = fromKeras(new TextEncoder().encode(JSON.stringify(changed)), { weights, simd });
      if (key === 'class_name') await assert.rejects(reading, says(ModelFileError, /class_name|class /));
      else await reading;
    }
});

test('a text that is not a string is refused', () => {
  const text = new TextVectorizer(textSettings(cases[0].tokenizer, sequential(embedding)));
  assert.throws(() => text.encode(/** @type {any} */ (null)), ArgumentError);
});

test('a model with a Tokenizer gives a text the answer of its ids, padded as in Keras', async () => {
  const folder = new URL('../models/keras-files/', import.meta.url);
  const { tokenizer } = cases.find((/** @type {any} */ each) => each.name === 'tokenizer-num-words');
  const length = 6;
  const model = await fromKeras(new URL('lstm-classifier-pre.keras', folder), { tokenizer, simd, labels: ['yes'] });
  const index = JSON.parse(JSON.parse(tokenizer).config.word_index);
  const [first, second] = Object.keys(index).filter((word) => /^[a-z]+$/.test(word) && index[word] < 12);
  const ids = [...new Array(length - 2).fill(0), index[first], index[second]];
  const { tokens, truncated, scores } = model.predict(`${first} nowhere-to-be-found ${second}`);
  assert.deepEqual({ tokens, truncated }, { tokens: 2, truncated: false });
  assert.deepEqual(Object.values(scores ?? {}), [...model.run([ids])[0].data]);
  const long = Array.from({ length: length + 3 }, () => first).join(' ');
  assert.equal(model.predict(long).truncated, true);
  const post = await fromKeras(new URL('lstm-classifier-pre.keras', folder), { tokenizer, simd, text: { padding: 'post' } });
  const [answer] = Object.values(post.predict(first).scores ?? {});
  assert.equal(answer, model.run([[index[first], ...new Array(length - 1).fill(0)]])[0].data[0]);
});

test('TextVectorization with split=None: a text is one token', () => {
  const config = { ...cases.find((/** @type {any} */ each) => each.layer).layer.config, vocabulary: ['a b', 'c'], split: null };
  delete config.vocabulary_size;
  const { text } = withoutLookups(sequential({ class_name: 'TextVectorization', config }, embedding), nothing);
  const read = new TextVectorizer(/** @type {any} */ (text));
  // Keras 2.15 gives these ids.
  for (const [given, id] of /** @type {[string, number][]} */ ([
    ['A b!', 2],
    ['c', 3],
    ['', 0],
    ['zz', 1],
  ]))
    assert.deepEqual([...read.encodeBatch([given]).ids], [id], given);
});
