/**
 * Sessions: after any edits, an answer has the bits of predict() on the whole text, and steps that the edit cannot affect are not computed again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgumentError, createModel, loadModel, PadlessError } from 'padless';
import * as layers from 'padless/layers';
import { loadModel as loadFar } from 'padless/worker';
import { compareStates } from '../../js/session/recurrence.js';
import { encodeAfter } from '../../js/text/changes.js';
import { bits } from '../close.js';
import '../guarded-heap.js';
import { random } from '../random.js';
import { needs, sharedJson, sharedUrl } from '../shared.js';
import { randomLayers } from './random-layers.js';
import { says } from '../says.js';

const { Add, Conv1D, Dense, Layer } = layers;
const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const source = random();
const { seed, uniform, integer, choice, normal } = source;
const V = 9;
const sizes = /** @type {const} */ ([1, 2, 3, 4, 5, 7, 8, 9, 13]);

const { recurrent, bidirectional, dense, ending } = randomLayers(source, sizes);
/** @typedef {import('./random-layers.js').LayerJson} LayerJson */

/** @param {boolean} keepsLength @returns {LayerJson} */
function windowed(keepsLength) {
  const padding = choice(keepsLength ? ['same', 'causal'] : ['same', 'causal', 'valid']);
  const strides = keepsLength ? 1 : integer(1, 3);
  const size = { kernel_size: integer(1, 5), padding, strides, dilation_rate: strides === 1 ? integer(1, 3) : 1 };
  const pool = { pool_size: integer(1, 4), strides, padding: padding === 'causal' ? 'same' : padding };
  return choice([
    { class_name: 'Conv1D', config: { ...size, filters: choice(sizes), activation: 'tanh' } },
    { class_name: 'SeparableConv1D', config: { ...size, filters: choice(sizes), depth_multiplier: integer(1, 2) } },
    { class_name: 'DepthwiseConv1D', config: { ...size } },
    { class_name: 'Conv1DTranspose', config: { ...size, filters: choice(sizes), padding: 'same' } },
    { class_name: 'MaxPooling1D', config: pool },
    { class_name: 'AveragePooling1D', config: pool },
  ]);
}

/** @returns {LayerJson} */
const normalised = () => ({
  class_name: choice([
    'LayerNormalization',
    'RMSNormalization',
    'UnitNormalization',
    'PReLU',
    'BatchNormalization',
    'GroupNormalization',
  ]),
  config: { shared_axes: [1], groups: choice([-1, 1]) },
});

/** A layer with two branches, one of which is used twice, and their merge. */
class Branches extends Layer {
  /** @param {any} config */
  constructor(config) {
    super(config);
    this.before = new Dense({ units: config.units });
    this.inner = new Dense({ units: config.units, activation: 'tanh' });
    this.conv = new Conv1D({ filters: config.units, kernel_size: 3, padding: 'same' });
    this.add = new Add();
    this.beside = new layers.Concatenate();
    this.attention = new layers.Attention();
    this.weigh = new layers.Multiply();
    this.score = new Dense({ units: 1, activation: 'sigmoid' });
  }

  /** @override @param {any} x */
  call(x) {
    const once = this.inner.apply(this.before.apply(x));
    const sum = this.add.apply([this.inner.apply(once), once, this.conv.apply(x)]);
    const weighed = this.weigh.apply([sum, this.score.apply(x)]);
    return this.beside.apply(this.config.attend ? [weighed, this.attention.apply([sum, sum])] : [weighed, once]);
  }
}

/** A custom layer with its own build(): it changes its input in place. */
class Doubled extends Layer {
  /** @override @param {any} input */
  build(input) {
    return input;
  }
  /** @override @param {any} x */
  call(x) {
    x.view().forEach(
      (/** @type {number} */ value, /** @type {number} */ i, /** @type {Float32Array} */ all) => (all[i] = 2 * value),
    );
    return x;
  }
}

/** A custom layer that adds to each step the step before it. */
class Neighbours extends Dense {
  /** @override @param {any} x */
  call(x) {
    const y = super.call(x);
    const { rows, features } = y;
    const values = y.view();
    for (let i = rows * features - 1; i >= features; i--) values[i] += values[i - features];
    return y;
  }
}
/** A custom layer that passes the final state of one layer to another as `initial_state`. */
class HandsOn extends Layer {
  /** @param {any} config */
  constructor(config) {
    super(config);
    this.encoder = new layers.GRU({ units: config.units, return_state: true, go_backwards: true });
    this.decoder = new layers.GRU({ units: config.units, return_sequences: true });
  }
  /** @override @param {any} x */
  call(x) {
    const [, state] = this.encoder.apply(x);
    return this.decoder.apply(x, { initial_state: [state] });
  }
}
const customLayers = { Branches, Doubled, HandsOn, Neighbours };

/** A random stack after an embedding. @param {{ keepsLength: boolean }} options */
function randomArchitecture({ keepsLength }) {
  const blocks = [
    () => recurrent(true),
    () => recurrent(true, true),
    () => bidirectional(true),
    dense,
    () => windowed(keepsLength),
    normalised,
    () => ({ class_name: 'Branches', config: { units: choice(sizes), attend: uniform() < 0.3 } }),
    () => ({ class_name: 'HandsOn', config: { units: choice(sizes) } }),
    () => ({ class_name: 'padless>MaskedSoftmax', config: {} }),
    () => ({ class_name: 'Softmax', config: { axis: choice([1, -1]) } }),
    () => ({ class_name: 'Dropout', config: { rate: 0.5 } }),
    () => ({ class_name: 'TimeDistributed', config: { layer: dense() } }),
    () => ({ class_name: 'UpSampling1D', config: { size: keepsLength ? 1 : 2 } }),
    () => ({
      class_name: 'RNN',
      config: {
        return_sequences: true,
        cell: {
          class_name: 'StackedRNNCells',
          config: { cells: ['LSTM', 'GRU'].map((kind) => ({ class_name: `${kind}Cell`, config: { units: 3 } })) },
        },
      },
    }),
  ];
  const list = [
    { class_name: 'Embedding', config: { input_dim: V, output_dim: choice(sizes), mask_zero: uniform() < 0.7 } },
    ...Array.from({ length: integer(1, 3) }, () => choice(blocks)()),
    ...ending(),
    ...(uniform() < 0.5 ? [dense()] : []),
  ];
  list.forEach(({ config }, i) => (config.name = `layer_${i}`));
  /** @param {any} json @returns {string} */
  const describe = ({ class_name: name, config: { units, layer, backward_layer: backward, padding = '', strides = '' } }) =>
    `${name.replace('Bidirectional', 'Bi')} ${backward ? `(${describe(layer)}, ${describe(backward)})` : layer ? `(${describe(layer)})` : `${units ?? ''}${padding}${strides}`}`.trim();
  return {
    architecture: { class_name: 'Sequential', config: { name: 'model', layers: list } },
    title: list.map(describe).join(' > '),
  };
}

/** Weights about as large as trained ones. @param {import('padless/layers').Layer} root */
const weights = (root) =>
  new Map(
    root.listWeights().map(({ path, spec: { name, shape } }) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const data = normal(size, Math.sqrt(2 / ((shape.at(-2) ?? 1) + (shape.at(-1) ?? 1))));
      return [path, { shape, data: name === 'moving_variance' ? data.map((value) => 0.1 + Math.abs(value)) : data }];
    }),
  );

/** Weights with which an LSTM or GRU forgets nothing (the forget and update gates are open), so that an edit changes all later states. @param {import('padless/layers').Layer} root */
const remembering = (root) => {
  const all = weights(root);
  for (const [path, { shape, data }] of all)
    if (path.endsWith('bias') && shape.length === 1 && data.length % 4 === 0) data.fill(30, data.length / 4, data.length / 2);
    else if (path.endsWith('bias') && shape.length === 2) data.fill(5, 0, shape[1] / 3);
  return all;
};

/** @param {any} architecture @param {any} [more] */
const create = (architecture, more = {}) => createModel({ architecture, simd, customLayers, weights, ...more });

/** @param {import('padless').OutputTensor[]} outputs */
const allBits = (outputs) => outputs.map(({ name, shape, data }) => ({ name, shape, bits: bits(data) }));

/**
 * A series of edits: typing, deleting, pasting, replacing, undoing.
 * @template {any[]} T
 * @param {T} start @param {(length: number) => T} some  random content to insert @param {(...parts: any[]) => T} join @param {number} count
 */
function* edits(start, some, join, count) {
  let text = start;
  const past = [start];
  for (let i = 0; i < count; i++) {
    const at = integer(0, text.length);
    const end = Math.min(text.length, at + choice([1, 1, 2, 7]));
    text = /** @type {T} */ (
      choice([
        () => join(text, some(1)),
        () => join(text.slice(0, at), some(1), text.slice(at)),
        () => join(text.slice(0, at), text.slice(end)),
        () => join(text.slice(0, at), some(end - at), text.slice(end)),
        () => join(text.slice(0, at), some(choice([3, 20])), text.slice(at)),
        () => join(text.slice(0, at), text.slice(at - (at % 5), at), text.slice(at)),
        () => text.slice(0, -1),
        () => text.slice(integer(0, 3)),
        () => past[Math.max(0, past.length - 1 - integer(1, 4))],
        () => past[integer(0, past.length - 1)],
        () => (uniform() < 0.2 ? some(choice([0, 0, 1, 30])) : join(text, some(2))),
        () => text,
      ])()
    );
    past.push(text);
    yield text;
  }
}

const someIds = (/** @type {number} */ length) => Array.from({ length }, () => integer(uniform() < 0.02 ? 0 : 1, V - 1));

for (let round = 0; round < 120; round++) {
  const { architecture, title } = randomArchitecture({ keepsLength: round % 3 > 0 });
  test(`after any edit, a session gives the bits of the whole model in ${title}`, async () => {
    const model = await create(architecture);
    const session = model.session();
    const start = someIds(choice([0, 1, 9, 40, 300]));
    for (const ids of edits(start, someIds, (...parts) => parts.flat(), 25))
      assert.deepEqual(allBits(session.run(ids)), allBits(model.run([ids])), `${ids} (PADLESS_SEED=${seed})`);
  });
}

/** @param {string} class_name @param {string} name @param {any} config @param {string[]} from */
const node = (class_name, name, config, ...from) => ({
  class_name,
  name,
  config: { name, ...config },
  inbound_nodes: from.length
    ? [
        from
          .map((each) => [...each.split('#'), 0].slice(0, 2).map((part, i) => (i ? Number(part) : part)))
          .map(([key, tensor]) => [key, 0, tensor, {}]),
      ]
    : [],
});

/** A graph with two branches, states passed on, both sequences of a Bidirectional, and three heads. */
const graph = () => ({
  class_name: 'Functional',
  config: {
    name: 'model',
    layers: [
      node('InputLayer', 'ids', { batch_shape: [null, null] }),
      node('Embedding', 'e', { input_dim: V, output_dim: 5, mask_zero: true }, 'ids'),
      node('Bidirectional', 'bi', { merge_mode: null, layer: recurrent(true, false, 4) }, 'e'),
      node('Conv1D', 'conv', { filters: 4, kernel_size: 3, padding: 'causal' }, 'e'),
      node('Average', 'mean', {}, 'bi#0', 'conv', 'bi#1'),
      node('LSTM', 'encoder', { units: 3, return_sequences: true, return_state: true }, 'conv'),
      node('LSTM', 'decoder', { units: 3, return_sequences: true }, 'mean', 'encoder#1', 'encoder#2'),
      node('Concatenate', 'beside', {}, 'decoder', 'encoder#0'),
      node('Dense', 'tags', { units: 3, activation: 'softmax' }, 'beside'),
      node('padless>MaskedMax', 'pool', {}, 'mean'),
      node('Concatenate', 'vectors', {}, 'pool', 'encoder#2'),
      node('Dense', 'class', { units: 2, activation: 'softmax' }, 'vectors'),
      node('GRU', 'back', { units: 2, go_backwards: true }, 'e'),
    ],
    input_layers: [['ids', 0, 0]],
    output_layers: ['tags', 'class', 'back'].map((name) => [name, 0, 0]),
  },
});

const letters = [
  'a',
  'b',
  'c',
  'A',
  'B',
  ' ',
  '.',
  'é',
  'e\u0301',
  '\u0301',
  '\u0323',
  'ẞ',
  'İ',
  'Σ',
  'ﬁ',
  '가',
  '\u1100',
  '\u1161',
  '\u11a8',
];
const emoji = ['😀', '👩‍💻', '🇩🇪', '🇩', '\ud83d', '\ude00', '\u200d', 'ｶ', '\uff9e', '\ufeff', '\u0000', '\n'];
const someText = (/** @type {number} */ length) =>
  Array.from({ length }, () => choice(uniform() < 0.6 ? ['a', 'b', ' '] : uniform() < 0.6 ? letters : emoji)).join('');
const vocabulary = ['', '<unk>', 'a', 'b', 'c', ' ', 'é', '\u0301', '😀'];
const words = ['', '<unk>', 'a', 'b', 'ab', 'ba', '.', 'aa', 'bb'];

for (let round = 0; round < 60; round++) {
  const text = {
    vocabulary: choice([vocabulary, vocabulary, words]),
    unit: choice(['codepoint', 'codepoint', 'codepoint', 'grapheme', 'word', 'split']),
    normalization: choice([null, null, 'NFC', 'NFD', 'NFKC', 'NFKD']),
    case: choice([null, 'lower', 'lower-ascii']),
    unknown: choice([1, 1, null]),
    padding: choice(['post', 'pre']),
    ...choice([{}, {}, { maxlen: 12 }, { maxlen: 12, truncation: 'pre' }, { length: 15 }, { length: 30, mask: false }]),
  };
  const { architecture, title } = randomArchitecture({ keepsLength: true });
  const whole = round % 4 === 0;
  test(`update gives the answer of predict: ${text.unit}, ${text.normalization}, ${whole ? 'a graph of three heads' : title}`, async () => {
    const model = await create(whole ? graph() : architecture, { text });
    const session = model.session();
    const start = someText(choice([0, 5, 40]));
    const split = (/** @type {number} */ length) => [...someText(length)].slice(0, length).join('');
    for (const each of edits(
      /** @type {any} */ (start),
      /** @type {any} */ (split),
      /** @type {any} */ ((...parts) => parts.join('')),
      30,
    )) {
      const edited = /** @type {string} */ (/** @type {unknown} */ (each));
      assert.deepStrictEqual(session.update(edited), model.predict(edited), `${JSON.stringify(edited)} (PADLESS_SEED=${seed})`);
    }
  });
}

test('encodeAfter gives the tokens of encode, also for runs of combining marks and for halves of surrogate pairs', async () => {
  const { TextVectorizer } = await import('padless/text');
  for (let round = 0; round < 300; round++) {
    const vectorizer = new TextVectorizer({
      unit: choice(['codepoint', 'codepoint', 'word', 'grapheme', 'split']),
      split: choice([null, null, '', ',']),
      remove: choice(['', '', ' ', '\n', '.']),
      vocabulary: [...vocabulary, 'ab', 'a b', ',', '東京', 'σ', 'ς', '\u0323', '\ud83d', '\ude00', '\u1100', '가', 'fi'],
      normalization: choice([null, 'NFC', 'NFD', 'NFKC', 'NFKD']),
      case: choice([null, 'lower']),
      unknown: choice([1, null]),
      maxlen: choice([null, null, 30]),
      truncation: choice(['post', 'pre']),
    });
    const spoken = ['ab', 'a', '東京に', 'สวัสดี', 'ΑΣ', "a'b", '1,5', '🇩🇪🇩', '\r\n', '\n', ' ', '\u00ad', '\u0301'];
    const speech = (/** @type {number} */ length) =>
      Array.from({ length }, () => choice(spoken) + choice([' ', ' ', '', ','])).join('');
    const marks = () => '\u0301'.repeat(choice([1, 31, 32, 33, 65]));
    const some = (/** @type {number} */ length) =>
      uniform() < 0.2 ? marks() : uniform() < 0.5 ? speech(length) : someText(length);
    /** @type {{ text: string, row: import('padless/text').Encoding } | null} */
    let before = null;
    for (const each of edits(
      /** @type {any} */ (some(20)),
      /** @type {any} */ (some),
      /** @type {any} */ ((...parts) => parts.join('')),
      20,
    )) {
      const text = /** @type {string} */ (/** @type {unknown} */ (each));
      const row = encodeAfter(vectorizer, text, before);
      assert.deepStrictEqual(row, vectorizer.encode(text), `${JSON.stringify([before?.text, text])} (PADLESS_SEED=${seed})`);
      before = { text, row };
    }
  }
});

test('only the words between the spaces around a change are segmented again', async () => {
  const { TextVectorizer } = await import('padless/text');
  const vectorizer = new TextVectorizer({ vocabulary: ['', '<unk>', 'many', 'words'], unit: 'word' });
  const typed = 'Many words. '.repeat(200);
  const row = vectorizer.encode(typed);
  const { segmenter } = vectorizer;
  let read = 0;
  /** @type {any} */ (vectorizer).segmenter = {
    segment(/** @type {string} */ text) {
      read += text.length;
      return segmenter?.segment(text);
    },
  };
  for (const at of [0, 1200, typed.length]) {
    read = 0;
    const next = `${typed.slice(0, at)}x${typed.slice(at)}`;
    encodeAfter(vectorizer, next, { text: typed, row });
    assert.ok(read > 0 && read < 30, `${read} units for a letter at ${at}`);
  }
});

test('if half of a surrogate pair changes, the chunk with its code point is tokenised again', async () => {
  const { TextVectorizer } = await import('padless/text');
  // U+1D100 is a symbol and U+1D165 a combining mark; the first halves of their surrogate pairs are equal.
  const texts = ['a\u{1d100}', 'a\u{1d165}', 'a\u{1d100}b', 'a\ud834', 'a'];
  const vectorizer = new TextVectorizer({ vocabulary: ['', '<unk>', 'a', 'b', '\u{1d165}'], normalization: 'NFC' });
  for (const old of texts)
    for (const next of texts)
      assert.deepStrictEqual(
        encodeAfter(vectorizer, next, { text: old, row: vectorizer.encode(old) }),
        vectorizer.encode(next),
        JSON.stringify([old, next]),
      );
});

/** The number of steps that a call visits. @param {import('padless').Model} model @param {() => unknown} work */
function steps(model, work) {
  const before = model.stats.steps;
  work();
  return model.stats.steps - before;
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz ';
const text = { vocabulary: ['', '<unk>', ...alphabet] };
const someWords = (/** @type {number} */ length) => Array.from({ length }, () => choice([...alphabet])).join('');
/** @param {...LayerJson} list */
const stack = (...list) => ({
  class_name: 'Sequential',
  config: {
    name: 'model',
    layers: [{ class_name: 'Embedding', config: { input_dim: 29, output_dim: 8, mask_zero: true } }, ...list].map((each, i) => ({
      ...each,
      config: { name: `layer_${i}`, ...each.config },
    })),
  },
});
const lstm = (/** @type {any} */ config = {}) => ({ class_name: 'LSTM', config: { units: 16, ...config } });

for (const sequences of [false, true])
  test(`an edit anywhere in 1,000 characters visits at most 0.55 of the steps of a bidirectional layer, ${sequences ? 'with' : 'without'} sequences`, async () => {
    const model = await create(
      stack({ class_name: 'Bidirectional', config: { layer: lstm({ return_sequences: sequences }) } }, dense()),
      { text, weights: remembering },
    );
    const session = model.session();
    let typed = someWords(1000);
    assert.equal(
      steps(model, () => session.update(typed)),
      2000,
    );
    for (const at of [0, 1, 2, 250, 499, 500, 731, 998, 999]) {
      for (const change of [
        () => `${typed.slice(0, at)}?${typed.slice(at)}`,
        () => typed.slice(0, at) + typed.slice(at + 1),
        () => `${typed.slice(0, at)}?${typed.slice(at + 1)}`,
        () => typed.slice(0, at) + someWords(60) + typed.slice(at + 60),
      ]) {
        typed = change();
        const whole = 2 * [...typed].length;
        const visited = steps(model, () => session.update(typed));
        assert.ok(visited <= 0.55 * whole, `${visited} steps of ${whole} for an edit at ${at}`);
        assert.ok(visited >= whole / 2, 'nothing is forgotten');
        assert.deepStrictEqual(session.update(typed), model.predict(typed));
      }
    }
  });

test('in a forward model, an appended character costs one step per layer, and an edit at p costs the steps after p', async () => {
  const model = await create(stack(lstm({ return_sequences: true }), { class_name: 'GRU', config: { units: 5 } }, dense()), {
    text,
    weights: remembering,
  });
  const session = model.session();
  let typed = '';
  session.update(typed);
  for (const char of 'forward') {
    typed += char;
    assert.equal(
      steps(model, () => session.update(typed)),
      2,
      typed,
    );
  }
  typed = someWords(500);
  session.update(typed);
  for (const at of [0, 17, 250, 499]) {
    typed = `${typed.slice(0, at)}?${typed.slice(at + 1)}`;
    assert.equal(
      steps(model, () => session.update(typed)),
      2 * (500 - at),
      `at ${at}`,
    );
  }
  assert.equal(
    steps(model, () => session.update(typed)),
    0,
    'nothing changed',
  );
  assert.equal(
    steps(model, () => session.update(typed.slice(0, 100))),
    0,
    'an end that was cut off',
  );
  assert.deepStrictEqual(session.update(typed), model.predict(typed));
});

test('a convolution computes the windows that contain the edit, and a recurrent layer after it continues from there', async () => {
  const model = await create(
    stack(
      { class_name: 'Conv1D', config: { filters: 4, kernel_size: 5, padding: 'same' } },
      { class_name: 'MaxPooling1D', config: { pool_size: 3, strides: 1, padding: 'same' } },
      lstm({ return_sequences: true }),
    ),
    { text, weights: remembering },
  );
  const session = model.session();
  const typed = someWords(400);
  session.update(typed);
  const edited = `${typed.slice(0, 300)}?${typed.slice(301)}`;
  // The convolution depends on 2 steps to the right, the pooling on 1, so 3 steps before the edit change, too.
  assert.equal(
    steps(model, () => session.update(edited)),
    103,
  );
});

test('an edit that no window contains costs no step in forward, backward and bidirectional layers', async () => {
  const model = await create(
    stack(
      { class_name: 'MaxPooling1D', config: { pool_size: 4, strides: 4 } },
      lstm({ return_sequences: true }),
      lstm({ return_sequences: true, go_backwards: true }),
      { class_name: 'Bidirectional', config: { layer: lstm() } },
    ),
    { text },
  );
  const session = model.session();
  session.update('abcdefghijklmno');
  assert.equal(
    steps(model, () => assert.deepStrictEqual(session.update('abcdefghijklmxy').scores, session.update('abcdefghijklm').scores)),
    0,
  );
  assert.deepStrictEqual(session.update('abcdefghijklxx'), model.predict('abcdefghijklxx'));
});

/** The largest difference between two answers. @param {import('padless').Prediction} a @param {import('padless').Prediction} b */
function apart(a, b) {
  const [left, right] = [a, b].map(({ scores, tags }) => (tags ? tags.map(({ score }) => score) : Object.values(scores ?? {})));
  assert.equal(left.length, right.length);
  return left.reduce((most, value, i) => Math.max(most, Math.abs(value - right[i])), 0);
}

test('with a tolerance, the cost of an edit does not grow with the text, answers are close, and refresh() makes them exact', async () => {
  const list = [
    { class_name: 'Bidirectional', config: { layer: lstm({ return_sequences: true }) } },
    { class_name: 'Bidirectional', config: { layer: lstm({ return_sequences: true }) } },
    { class_name: 'Dense', config: { units: 5, activation: 'softmax' } },
  ];
  const tolerance = 1e-6;
  const model = await create(stack(...list), { text });
  /** @type {number[]} */
  const costs = [];
  for (const length of [500, 2000]) {
    const session = model.session({ tolerance });
    let typed = someWords(length);
    session.update(typed);
    let most = 0;
    for (let i = 0; i < 20; i++) {
      const at = integer(0, length);
      typed = typed.slice(0, at) + choice(['?', '', 'ab']) + typed.slice(at + 1);
      most = Math.max(
        most,
        steps(model, () => session.update(typed)),
      );
      const exact = model.predict(typed);
      assert.ok(apart(session.update(typed), exact) <= 100 * tolerance, `${apart(session.update(typed), exact)}`);
    }
    costs.push(most);
    assert.deepStrictEqual(session.refresh(), model.predict(typed));
    assert.deepStrictEqual(session.update(typed), model.predict(typed));
    session.close();
  }
  assert.ok(costs[1] < 1000 && costs[1] < 1.5 * costs[0] + 100, `${costs} steps`);
});

test('a Bidirectional merges the outputs of no more steps than the text has, wherever the edit is', async () => {
  const both = { class_name: 'Bidirectional', config: { merge_mode: 'sum', layer: lstm({ return_sequences: true }) } };
  const model = await create(stack(both, dense()), { text });
  const session = model.session({ tolerance: 1e-3 });
  const typed = someWords(300);
  session.update(typed);
  const { exports } = model.heap;
  let merged = 0;
  model.heap.exports = {
    ...exports,
    pl_merge_outputs(y, forward, backward, merge, rows, Hf, Hb) {
      merged += rows;
      exports.pl_merge_outputs(y, forward, backward, merge, rows, Hf, Hb);
    },
  };
  for (const at of [10, 150, 299]) {
    merged = 0;
    session.update(`${typed.slice(0, at)}?${typed.slice(at + 1)}`);
    assert.ok(merged > 0 && merged <= 300, `${merged} rows`);
  }
  session.close();
});

test('layers inside a custom layer that declares its reach do not change what later layers keep', async () => {
  class PerStep extends Layer {
    /** @override @type {import('../../js/layers/layer.js').Reach} */
    static reach = 'step';
    dense = new Dense({ units: 6, activation: 'tanh' });
    /** @override @param {any} x */
    call(x) {
      return this.dense.apply(x);
    }
  }
  const each = { class_name: 'PerStep', config: {} };
  const model = await create(stack(each, { class_name: 'GRU', config: { units: 5 } }), { text, customLayers: { PerStep } });
  const session = model.session();
  let typed = someWords(40);
  session.update(typed);
  for (const char of 'abc') {
    typed += char;
    assert.equal(
      steps(model, () => session.update(typed)),
      1,
    );
    assert.deepStrictEqual(session.update(typed), model.predict(typed));
  }
});

test('a layer that reads another tensor than before computes it whole', async () => {
  class Either extends Layer {
    first = new layers.GRU({ units: 4, return_sequences: true });
    second = new layers.GRU({ units: 4, return_sequences: true });
    last = new layers.GRU({ units: 3 });
    /** @override @param {any} x */
    call(x) {
      const both = [this.first.apply(x), this.second.apply(x)];
      return this.last.apply(both[x instanceof layers.Tensor ? x.time.T % 2 : 0]);
    }
  }
  const model = await create(stack({ class_name: 'Either', config: {} }), { text, customLayers: { Either } });
  const session = model.session();
  let typed = someWords(20);
  for (let i = 0; i < 4; i++, typed += 'a') assert.deepStrictEqual(session.update(typed), model.predict(typed));
});

test('refresh() computes nothing if no answer since the last one was approximate', async () => {
  const model = await create(stack({ class_name: 'Bidirectional', config: { layer: lstm() } }, dense()), { text });
  for (const tolerance of [0, 1e-3]) {
    const session = model.session({ tolerance });
    const answer = session.update(someWords(20));
    assert.equal(
      steps(model, () => assert.deepStrictEqual(session.refresh(), answer)),
      0,
    );
    session.close();
  }
});

test('a tolerance is relative for states above 1', () => {
  const kept = Float32Array.of(0.5, 100);
  const near = (/** @type {number[]} */ ...now) => compareStates(Float32Array.from(now), kept, 2 ** -10).near;
  assert.ok(near(0.5, 100) && near(0.5 + 2 ** -10, 100) && near(0.5, 100 + 64 / 1024));
  assert.ok(!near(0.5 + 2 ** -9, 100) && !near(0.5, 100 + 128 / 1024) && !near(NaN, 100));
});

test('a session with a tolerance refreshes itself when the program is idle', async () => {
  const model = await create(stack({ class_name: 'Bidirectional', config: { layer: lstm() } }, dense()), { text });
  const session = model.session({ tolerance: 1e-3 });
  const typed = someWords(300);
  session.update(typed);
  const edited = `${typed.slice(0, 150)}?${typed.slice(151)}`;
  assert.ok(steps(model, () => session.update(edited)) < 300);
  const before = model.stats.steps;
  for (let waited = 0; model.stats.steps === before && waited < 100; waited++) await new Promise((done) => setTimeout(done, 50));
  assert.equal(model.stats.steps - before, 600);
  assert.equal(
    steps(model, () => assert.deepStrictEqual(session.update(edited), session.refresh())),
    0,
  );
  assert.deepStrictEqual(session.update(edited), model.predict(edited));
  session.close();
});

test('a session with a tolerance waits for one refresh, that of the last edit, and for none once it is closed', async () => {
  const model = await create(stack({ class_name: 'Bidirectional', config: { layer: lstm() } }, dense()), { text });
  const session = model.session({ tolerance: 1e-3 });
  const typed = someWords(300);
  session.update(typed);
  const { setTimeout, clearTimeout } = globalThis;
  /** @type {number[]} */
  const waiting = [];
  let started = 0;
  try {
    globalThis.setTimeout = /** @type {any} */ (() => waiting[waiting.push(++started) - 1]);
    globalThis.clearTimeout = /** @type {any} */ ((/** @type {number} */ timer) => waiting.splice(waiting.indexOf(timer), 1));
    for (const at of [150, 151, 152]) {
      session.update(`${typed.slice(0, at)}?${typed.slice(at + 1)}`);
      assert.deepEqual(waiting, [started]);
    }
    assert.equal(started, 3);
    session.update(someWords(70_000)); // too long to be kept, so its answer is exact
    assert.deepEqual(waiting, []);
    session.update(typed);
    session.update(`${typed.slice(0, 150)}?${typed.slice(151)}`);
    assert.deepEqual(waiting, [4]);
    session.refresh();
    assert.deepEqual(waiting, []);
    session.update(typed);
    assert.deepEqual(waiting, [5]);
    session.close();
    assert.deepEqual(waiting, []);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout });
  }
});

test('a session without tolerance also stops early when states have the same bits as before', async () => {
  // With closed hard_sigmoid gates, the layer forgets everything.
  const forgets = { units: 4, recurrent_activation: 'hard_sigmoid', activation: 'relu', return_sequences: true };
  const model = await create(stack({ class_name: 'LSTM', config: forgets }), {
    text,
    weights: (/** @type {any} */ root) => {
      const map = weights(root);
      for (const [path, { data }] of map) if (path.endsWith('lstm.bias') || path.endsWith('layer_1.bias')) data.fill(-60, 4, 8);
      return map;
    },
  });
  const session = model.session();
  const typed = someWords(600);
  session.update(typed);
  const edited = `${typed.slice(0, 100)}?${typed.slice(101)}`;
  assert.ok(steps(model, () => session.update(edited)) < 100);
  assert.deepStrictEqual(session.update(edited), model.predict(edited));
});

test('models that cannot run incrementally are run on the whole text and give the same answers', async () => {
  const stateful = await create(stack(lstm({ stateful: true }), dense()), { text });
  const twin = await loadModel(stateful.save(), { simd });
  const session = stateful.session();
  for (const typed of ['one', 'one t', 'on t']) assert.deepStrictEqual(session.update(typed), twin.predict(typed));
  const blind = await create(stack({ class_name: 'Conv1D', config: { filters: 3, kernel_size: 3, padding: 'same' } }), {
    text: { ...text, length: 20 },
    kerasVersion: '3.5.0',
  });
  assert.ok(blind.padded);
  const other = blind.session();
  for (const typed of ['', 'one', 'one t', 'on t']) assert.deepStrictEqual(other.update(typed), blind.predict(typed));
  // This PReLU has a slope for each step.
  const long = {
    class_name: 'Sequential',
    config: {
      name: 'model',
      layers: [
        { class_name: 'InputLayer', config: { name: 'ids', batch_shape: [null, 20] } },
        { class_name: 'Embedding', config: { name: 'e', input_dim: 29, output_dim: 3 } },
        { class_name: 'PReLU', config: { name: 'p' } },
      ],
    },
  };
  const fixed = await create(long, { text: { ...text, length: 20, mask: false } });
  assert.ok(fixed.needsLength);
  const third = fixed.session();
  for (const typed of ['', 'one', 'one t', 'on t']) assert.deepStrictEqual(third.update(typed), fixed.predict(typed));
  for (const class_name of ['Neighbours', 'Doubled']) {
    const own = await create(stack(lstm({ return_sequences: true }), { class_name, config: { units: 3 } }, dense()), { text });
    const fourth = own.session();
    for (const typed of ['one', 'one t', 'ont', 'o t']) assert.deepStrictEqual(fourth.update(typed), own.predict(typed));
  }
});

test('an error names why an update failed, and the next update is right', async () => {
  /** Throws while `now` is set. */
  class Sometimes extends Layer {
    static now = false;
    /** @param {any} config */
    constructor(config) {
      super(config);
      this.inner = config.first ? new layers.Embedding({ input_dim: 29, output_dim: 3, mask_zero: true }) : new Dense({ units: 3 });
    }
    /** @override @param {any} x */
    call(x) {
      if (Sometimes.now) throw new Error('now');
      return this.inner.apply(x);
    }
  }
  const model = await create(
    stack(lstm({ return_sequences: true }), { class_name: 'Sometimes', config: {} }, lstm({ return_sequences: true })),
    { text, customLayers: { Sometimes } },
  );
  const session = model.session();
  session.update('a text');
  for (const wrong of [undefined, null, 5, ['a'], {}, Symbol('a')])
    assert.throws(() => session.update(/** @type {any} */ (wrong)), ArgumentError);
  assert.deepStrictEqual(session.update('a tent'), model.predict('a tent'));
  Sometimes.now = true;
  assert.throws(() => session.update('a tenet'), /now/);
  Sometimes.now = false;
  for (const each of ['a tenet', 'tenet', 'a ten']) assert.deepStrictEqual(session.update(each), model.predict(each));
  // Now the first layer of the model throws.
  const list = [
    { class_name: 'Sometimes', config: { name: 's', first: true } },
    { class_name: 'LSTM', config: { name: 'l', units: 3 } },
  ];
  const late = await create(
    {
      class_name: 'Sequential',
      config: {
        name: 'model',
        layers: [{ class_name: 'InputLayer', config: { name: 'ids', batch_shape: [null, null] } }, ...list],
      },
    },
    { text, customLayers: { Sometimes } },
  );
  const another = late.session();
  another.update('a text');
  Sometimes.now = true;
  assert.throws(() => another.update('a tenet'), /now/);
  Sometimes.now = false;
  assert.deepStrictEqual(another.update('a tenet'), late.predict('a tenet'));
  assert.throws(() => session.run([1, 2, 99]), /id 99/);
  assert.deepEqual(allBits(session.run([1, 2, 9])), allBits(model.run([[1, 2, 9]])));
  for (const wrong of [-1, NaN, Infinity, '1', null, {}])
    assert.throws(() => model.session(/** @type {any} */ ({ tolerance: wrong })), ArgumentError);
  // Ids with padding are another row than the same ids without.
  for (const ids of [
    [1, 2, 9],
    [1, 2, 9, 0],
    [1, 0, 2, 9],
    [1, 2, 9],
  ])
    assert.deepEqual(allBits(session.run(ids)), allBits(model.run([ids])));
  session.close();
  session.close();
  for (const call of [() => session.update('a'), () => session.run([1]), () => session.refresh()])
    assert.throws(call, says(PadlessError, /session is closed/));
  const empty = model.session();
  assert.equal(empty.refresh(), null);
});

test('in a session, custom layers may choose which layers they call and which output they return by the length of the text', async () => {
  class Even extends Layer {
    /** @param {any} config */
    constructor(config) {
      super(config);
      this.inner = new Dense({ units: 16 });
    }
    /** @override @param {any} x */
    call(x) {
      return x.steps && x.time.N % 2 ? x : this.inner.apply(x);
    }
  }
  class Either extends Layer {
    /** @param {any} config */
    constructor(config) {
      super(config);
      this.first = new Dense({ units: 3 });
      this.second = new Dense({ units: 3 });
      this.end = new Dense({ units: 16 });
    }
    /** @override @param {any} x */
    call(x) {
      const [a, b] = [this.first.apply(x), this.second.apply(x)];
      return this.end.apply(x.steps && x.time.N % 2 ? a : b);
    }
  }
  for (const class_name of ['Even', 'Either']) {
    const architecture = stack(lstm({ return_sequences: true }), { class_name, config: {} });
    const model = await create(architecture, { text, customLayers: { Even, Either } });
    const session = model.session();
    for (const each of ['even', 'evens', 'evenst', 'uvenst', 'uvens', 'ovens', 'ovenst', 'avenst'])
      assert.deepStrictEqual(session.update(each), model.predict(each), each);
  }
});

test('several sessions of one model, and a trace and a batch between their updates, do not affect each other', async () => {
  const model = await create(stack({ class_name: 'Bidirectional', config: { layer: lstm({ return_sequences: true }) } }, dense()), {
    text,
  });
  const [one, two] = [model.session(), model.session({ tolerance: 1e-3 })];
  let [a, b] = [someWords(30), someWords(50)];
  for (let i = 0; i < 20; i++) {
    a = a.slice(0, i) + someWords(2) + a.slice(i + 1);
    b = b.slice(i % 7) + someWords(3);
    two.update(b);
    assert.deepStrictEqual(one.update(a), model.predict(a));
    if (i % 3 === 0) model.trace(b);
    if (i % 4 === 0) model.predict([a, b, '']);
  }
  two.close();
});

test('every layer class of the package declares its own reach', () => {
  for (const [name, Class] of Object.entries(layers))
    if (Class.prototype instanceof Layer && Class.prototype.build !== Layer.prototype.build)
      assert.ok(Object.hasOwn(Class, 'reach'), name);
});

const langid = new URL('../../web/models/langid-gru/langid-gru.safetensors', import.meta.url);
test('a session of the language model gives the bits of predict, with NFC and maxlen', async () => {
  const model = await loadModel(langid, { simd });
  const phrases = [
    'Guten Morgen, wie geht es Ihnen heute?',
    'Je ne sais pas où il est allé.',
    '今日はいい天気ですね。',
    'Привет, как дела?',
  ];
  const session = model.session();
  let typed = '';
  for (let i = 0; i < 60; i++) {
    const at = integer(0, typed.length);
    const some = choice(phrases).slice(integer(0, 5), integer(6, 20));
    typed = typed.slice(0, at) + some + typed.slice(at + choice([0, 0, 3]));
    assert.deepStrictEqual(session.update(typed), model.predict(typed), `${typed} (PADLESS_SEED=${seed})`);
  }
  const long = phrases.join(' ').repeat(5000);
  assert.deepStrictEqual(session.update(long), model.predict(long));
  assert.equal(
    steps(model, () => session.update(`${long}.`)),
    0,
    'what is typed behind maxlen',
  );
});

test('a session of a model with int8 weights gives the bits of predict', async () => {
  const { toInt8 } = await import('padless/import');
  const model = await create(stack({ class_name: 'Bidirectional', config: { layer: lstm({ return_sequences: true }) } }, dense()), {
    text,
  });
  const small = await loadModel(toInt8(model), { simd });
  const session = small.session();
  for (const each of edits(
    /** @type {any} */ (someWords(60)),
    /** @type {any} */ (someWords),
    /** @type {any} */ ((...parts) => parts.join('')),
    20,
  )) {
    const edited = /** @type {string} */ (/** @type {unknown} */ (each));
    assert.deepStrictEqual(session.update(edited), small.predict(edited), `${edited} (PADLESS_SEED=${seed})`);
  }
});

const published = 'models/nakdimon-tfjs/2020-04-26';
test(
  "a session of Nakdimon's model (two bidirectional layers, three heads) gives the bits of predict",
  needs(`${published}/model.json`),
  async () => {
    const { fromTfjs } = await import('padless/import');
    const model = await fromTfjs(sharedUrl(`${published}/model.json`), { simd });
    const { cases } = sharedJson(`${published}/golden.json`);
    const session = model.session();
    const known = cases.flatMap((/** @type {any} */ each) => each.ids_unpadded);
    const some = (/** @type {number} */ length) => Array.from({ length }, () => choice(known));
    for (const ids of edits(some(60), some, (...parts) => parts.flat(), 12))
      assert.deepEqual(allBits(session.run(ids)), allBits(model.run([ids])), `${ids} (PADLESS_SEED=${seed})`);
  },
);

test('a session keeps no states of a text that is longer than its limit, and the next answer is right', async () => {
  const model = await create(stack({ class_name: 'SimpleRNN', config: { units: 1 } }), { text });
  const session = model.session();
  const typed = 'ab '.repeat(30_000);
  for (const each of [typed, `${typed}a`])
    assert.equal(
      steps(model, () => session.update(each)),
      each.length,
    );
  for (const each of ['ab', 'a', 'ba']) assert.deepStrictEqual(session.update(each), model.predict(each));
  assert.equal(
    steps(model, () => session.update('baa')),
    1,
  );
});

test('a session in a worker gives the bits of predict', async () => {
  const model = await create(stack({ class_name: 'Bidirectional', config: { layer: lstm() } }, dense()), { text });
  const remote = await loadFar(model.save(), { simd });
  const session = remote.session({ tolerance: 1e-3 });
  const typed = someWords(300);
  await session.update(typed);
  const edited = `${typed.slice(0, 150)}?${typed.slice(151)}`;
  const before = (await remote.stats).steps;
  await session.update(edited);
  assert.ok((await remote.stats).steps - before < 300);
  assert.deepStrictEqual(await session.refresh(), model.predict(edited));
  await session.close();
  await assert.rejects(session.refresh(), /refresh: the session is closed/);
  await remote.close();
});
