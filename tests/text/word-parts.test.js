/**
 * The setting `parts`: each token becomes the ids of its parts, in texts, models and sessions.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, loadModel, ModelFileError, UnsupportedError } from 'padless';
import * as layers from 'padless/layers';
import { prepareText, TextVectorizer } from 'padless/text';
import { evaluate } from '../../js/tools/evaluate.js';
import { random } from '../random.js';

const { Bidirectional, CRF, Dense, Embedding, LSTM, MaskedSqrtN, Model, TimeDistributed } = layers;
const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { weights, integer, choice } = random();

/** @type {import('padless').TextSettings} */
const settings = {
  unit: 'word',
  locale: 'en',
  vocabulary: ['', '<unk>', 'in', 'paris', '=Paris', '#Xx', '#x', 'is$', 's$', '^pa', '0000', '#d', '^0', 'rings$', 'ng$'],
  parts: { width: 6 },
};
await prepareText(settings);

/** @param {string} token @param {object} [more] */
const partsOf = (token, more) => new TextVectorizer({ ...settings, parts: { width: 9, ...more } }).parts?.partsOf(token);

test('the parts of a token are its folded form, its own form, its shape, endings and beginnings', () => {
  assert.deepEqual(partsOf('Paris'), ['paris', '=Paris', '#Xx', 's$', 'is$', 'ris$', 'aris$', '^p', '^pa', '^par', '^pari']);
  assert.deepEqual(partsOf('is'), ['is', '#x', 's$', '^i']);
  assert.deepEqual(partsOf('2019'), ['0000', '#d', '0$', '00$', '000$', '^0', '^00', '^000']);
  assert.deepEqual(partsOf('٣٤'), ['00', '#d', '0$', '^0']);
  assert.deepEqual(partsOf('10-Year', { endings: [2], beginnings: [] }), ['00-year', '=00-Year', '#d-Xx', 'ar$']);
  assert.deepEqual(partsOf('A.b1C-d2/E', { endings: [], beginnings: [] }), ['a.b0c-d0/e', '=A.b0C-d0/E', '#X.xdX-xd']);
  // A code point of two UTF-16 units counts as one character.
  assert.deepEqual(partsOf('😀😀', { endings: [1], beginnings: [1] }), ['😀😀', '#😀', '😀$', '^😀']);
  assert.deepEqual(partsOf('ÄÖ', { endings: [1], beginnings: [3] }), ['äö', '=ÄÖ', '#X', 'ö$']);
});

test('a token has the ids of its parts that are in the vocabulary, padded to the width', () => {
  const vectorizer = new TextVectorizer(settings);
  const { ids, offsets, truncated } = vectorizer.encode('In Paris  zzz?');
  assert.deepEqual([...ids], [
    ...[2, 5, 0, 0, 0, 0],
    ...[3, 4, 5, 8, 7, 9],
    ...[6, 0, 0, 0, 0, 0],
    ...[1, 0, 0, 0, 0, 0],
  ]); // prettier-ignore
  assert.deepEqual([...offsets], [0, 2, 3, 8, 10, 13, 13, 14]);
  assert.equal(truncated, false);
  const batch = vectorizer.encodeBatch(['', 'in zzz']);
  assert.deepEqual([batch.shape, batch.ids.length, [...batch.mask]], [[2, 2], 24, [0, 0, 1, 1]]);
  assert.deepEqual([...batch.lengths], [0, 2]);
  // Further parts than the width are dropped.
  const narrow = new TextVectorizer({ ...settings, parts: { width: 2 } });
  assert.deepEqual([...narrow.encode('Paris').ids], [3, 4]);
});

test('a single token is read as in a text', () => {
  for (const [normalization, fold, written, plain] of /** @type {[any, any, string, string][]} */ ([
    [null, null, 'Paris', 'Paris'],
    ['NFC', null, 'pa\u0300ris', 'p\u00e0ris'],
    [null, 'lower', 'P\u00c0RIS', 'p\u00e0ris'],
    [null, 'lower-ascii', 'P\u00c0RIS', 'p\u00c0ris'],
  ])) {
    const vocabulary = ['', '<unk>', plain.toLowerCase(), ...new Set([`=${plain}`, '=P\u00c0RIS'])];
    const reader = new TextVectorizer({ ...settings, vocabulary, normalization, case: fold });
    const ids = reader.parts?.read(written);
    assert.deepEqual(ids, reader.encode(written).ids);
    assert.deepEqual([...(ids ?? [])].filter(Boolean), plain === plain.toLowerCase() ? [2] : [2, 3]);
  }
});

test('maxlen counts tokens, not ids, at either side', () => {
  for (const [truncation, expected] of /** @type {['post' | 'pre', number[]][]} */ ([
    ['post', [2, 3]],
    ['pre', [6, 2]],
  ])) {
    const vectorizer = new TextVectorizer({ ...settings, maxlen: 2, truncation, parts: { width: 1 } });
    const { ids, truncated } = vectorizer.encode(truncation === 'post' ? 'in Paris zzz in' : 'in in in in Paris zzz in');
    assert.deepEqual([[...ids], truncated], [expected, true]);
  }
});

test('settings that parts exclude are refused, and so are idOf() and decode()', () => {
  for (const [more, message] of /** @type {[object, RegExp][]} */ ([
    [{ parts: {} }, /parts: width is not an integer from 1 to 64/],
    [{ parts: { width: 3, endings: [0] } }, /parts: endings is not a list/],
    [{ parts: { width: 3, beginings: [1] } }, /parts: beginings is unknown/],
    [{ parts: 3 }, /parts: width is not an integer/],
    [{ pad: null }, /parts: pad is .* expected 0, an id, null, null and true/],
    [{ unknown: null }, /parts: pad is .* expected 0, an id, null, null and true/],
    [{ start: 2 }, /parts: pad is .* expected 0, an id, null, null and true/],
    [{ length: 4, mask: false }, /parts: pad is .* expected 0, an id, null, null and true/],
    [{ map: { a: 'b' } }, /parts: they do not go with map/],
    [{ unit: 'ngrams', vocabulary: undefined, ngrams: { rows: 10 } }, /parts: unit ngrams has none/],
  ]))
    assert.throws(() => new TextVectorizer(/** @type {any} */ ({ ...settings, ...more })), (error) => error instanceof ModelFileError && message.test(error.message)); // prettier-ignore
  const vectorizer = new TextVectorizer(settings);
  assert.throws(() => vectorizer.idOf('in'), UnsupportedError);
  assert.throws(() => vectorizer.decode([2]), UnsupportedError);
});

/** A tagger with two outputs, as Keras JSON. @param {number} width */
function architecture(width) {
  /** @param {layers.Layer} layer @param {string} from */
  const node = (layer, from) => ({
    class_name: /** @type {any} */ (layer.constructor).className,
    name: layer.config.name,
    config: JSON.parse(JSON.stringify(layer)).config,
    inbound_nodes: [[[from, 0, 0, {}]]],
  });
  const word = new Model(
    [new Embedding({ input_dim: 15, output_dim: 8, mask_zero: true, name: 'rows' }), new MaskedSqrtN({ name: 'sum' })],
    { name: 'word' },
  );
  return {
    class_name: 'Functional',
    config: {
      name: 'tagger',
      layers: [
        { class_name: 'InputLayer', name: 'ids', config: { name: 'ids', batch_shape: [null, null, width], dtype: 'int32' }, inbound_nodes: [] },
        node(new TimeDistributed({ layer: word, name: 'words' }), 'ids'),
        node(new Bidirectional({ layer: new LSTM({ units: 5, return_sequences: true }), name: 'both' }), 'words'),
        node(new Dense({ units: 3, activation: 'softmax', name: 'pos' }), 'both'),
        node(new Dense({ units: 3, name: 'scores' }), 'both'),
        node(new CRF({ decode: 'marginals', name: 'names' }), 'scores'),
      ],
      input_layers: [['ids', 0, 0]],
      output_layers: [['pos', 0, 0], ['names', 0, 0]],
    },
  }; // prettier-ignore
}
/** @type {import('padless').OutputSettings[]} */
const outputs = [
  { name: 'pos', kind: 'tags', labels: ['A', 'B', 'C'] },
  { name: 'names', kind: 'tags', labels: ['O', 'B-PER', 'I-PER'], scheme: 'BIO' },
];
const create = () => createModel({ architecture: architecture(6), weights, text: settings, outputs, simd });
const words = ['in', 'Paris', 'paris', 'strings', '2019', 'zzz', 'Rings', 'is', '?', 'x\n', 'Pa'];
const sentence = () => Array.from({ length: integer(0, 8) }, () => choice(words)).join(' ');

test('a model with parts gives a text the same answer alone, in a batch, and from its ids', async () => {
  const model = await create();
  const texts = ['In Paris', '', sentence(), sentence(), 'Rings of 2019'];
  const all = model.predict(texts);
  texts.forEach((text, i) => assert.deepEqual(model.predict(text), all[i]));
  const [answer] = all;
  assert.equal(answer.tokens, 2);
  assert.equal(answer.outputs?.pos.tags?.[1].end, 8);
  assert.ok(answer.outputs?.names.spans);
  const encoding = /** @type {TextVectorizer} */ (model.text).encode(texts[0]);
  const run = model.run([[encoding.ids.subarray(0, 6), encoding.ids.subarray(6)]]);
  assert.deepEqual(run, model.outputsOf([texts[0]]));
  const again = await loadModel(model.save(), { simd });
  assert.deepEqual(again.predict(texts), all);
});

test('a session of a model with parts gives the bits of predict(), and computes less', async () => {
  const model = await create();
  const session = model.session();
  let text = '';
  for (let i = 0; i < 60; i++) {
    const at = integer(0, text.length);
    text =
      `${text.slice(0, at)}${choice([` ${choice(words)} `, sentence(), choice(['a', 'P', '1'])])}${text.slice(at + integer(0, 3))}`.slice(
        0,
        400,
      );
    assert.deepEqual(session.update(text), model.predict(text), text);
  }
  const long = `${'in Paris is zzz '.repeat(60)}`;
  session.update(long);
  const before = model.stats.steps;
  session.update(`${long}?`);
  const typed = model.stats.steps - before;
  model.predict(`${long}?`);
  assert.ok(typed < (model.stats.steps - before - typed) * 0.9, `${typed} steps`);
});

test('a model whose input has another width than parts is refused', async () => {
  for (const [width, parts] of [
    [6, { width: 5 }],
    [6, undefined],
  ])
    await assert.rejects(
      createModel({ architecture: architecture(Number(width)), weights, text: { ...settings, parts: /** @type {any} */ (parts) }, outputs, simd }),
      (error) => error instanceof ModelFileError && /text settings need a model with one input of/.test(error.message),
    ); // prettier-ignore
});

test('a model with parts is evaluated on tokens, each output with its own labels', async () => {
  const model = await create();
  const tokens = ['In', 'Paris', 'zzz'];
  const { pos, names } = /** @type {any} */ (model.predict('In Paris zzz').outputs);
  const labelsOf = (/** @type {any} */ { tags }) => tags.map((/** @type {any} */ { label }) => label);
  const { outputs: found } = /** @type {any} */ (
    evaluate(model, [{ tokens, labels: { pos: labelsOf(pos), names: labelsOf(names) } }])
  );
  assert.deepEqual([found.pos.accuracy, found.names.accuracy, found.pos.counted], [1, 1, 3]);
  assert.equal(found.names.spans.spans, names.spans.length);
});
