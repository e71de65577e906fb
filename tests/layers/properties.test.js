/**
 * Random models on random batches: padding changes no bit of an answer and adds no recurrent step.
 * PADLESS_SEED sets the seed of the random data, which is printed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, init } from 'padless';
import { Add, Attention, Dense, Layer, MultiHeadAttention } from 'padless/layers';
import { bits } from '../close.js';
import '../guarded-heap.js';
import { random } from '../random.js';
import { randomLayers } from './random-layers.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const source = random();
const { seed, uniform, integer, choice, normal } = source;
const V = 12;
const sizes = /** @type {const} */ ([1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31]);

const { recurrent, bidirectional, dense, ending } = randomLayers(source, sizes);
/** @typedef {import('./random-layers.js').LayerJson} LayerJson */

/** A layer with windows over time. Its windows contain only steps that count. @returns {LayerJson} */
function windowed() {
  const size = { kernel_size: integer(1, 4), padding: choice(['same', 'causal']), dilation_rate: integer(1, 3) };
  return choice([
    { class_name: 'Conv1D', config: { ...size, filters: choice(sizes), activation: 'tanh' } },
    { class_name: 'SeparableConv1D', config: { ...size, filters: choice(sizes), depth_multiplier: integer(1, 2) } },
    { class_name: 'DepthwiseConv1D', config: { ...size } },
    { class_name: 'Conv1DTranspose', config: { ...size, filters: choice(sizes), padding: 'same' } },
    { class_name: 'MaxPooling1D', config: { pool_size: integer(1, 4), strides: 1, padding: 'same' } },
    { class_name: 'AveragePooling1D', config: { pool_size: integer(1, 4), strides: 1, padding: 'same' } },
  ]);
}

/** @returns {LayerJson} */
const normalised = () => ({
  class_name: choice(['LayerNormalization', 'RMSNormalization', 'UnitNormalization', 'PReLU', 'GroupNormalization']),
  config: { shared_axes: [1], groups: choice([-1, 1]) },
});

/** A custom layer that contains layers: it adds a sequence's attention over itself to the sequence. */
class SelfAttention extends Layer {
  /** @param {any} config */
  constructor(config) {
    super(config);
    this.query = new Dense({ units: config.units });
    this.key = new Dense({ units: config.units });
    this.attention = config.heads
      ? new MultiHeadAttention({ num_heads: config.heads, key_dim: config.units })
      : new Attention({ causal: config.causal });
    this.add = new Add();
  }

  /** @override @param {any} x */
  call(x) {
    const attended = this.config.heads
      ? this.attention.apply(x)
      : this.attention.apply([this.query.apply(x), x, this.key.apply(x)]);
    return this.add.apply([x, attended]);
  }
}

/** @returns {LayerJson} */
const attention = () => ({
  class_name: 'SelfAttention',
  config: { units: choice(sizes), causal: uniform() < 0.5, heads: choice([0, 0, 2]) },
});

/** A random stack after an embedding, and how often its recurrent layers visit each step. */
function randomArchitecture() {
  const blocks = [
    () => recurrent(true),
    () => bidirectional(true),
    dense,
    windowed,
    normalised,
    attention,
    () => ({ class_name: 'padless>MaskedSoftmax', config: {} }),
    () => ({ class_name: 'TimeDistributed', config: { layer: dense() } }),
  ];
  const layers = [
    { class_name: 'Embedding', config: { input_dim: V, output_dim: choice(sizes), mask_zero: true } },
    ...Array.from({ length: integer(1, 3) }, () => choice(blocks)()),
    ...ending(),
    ...(uniform() < 0.5 ? [dense()] : []),
  ];
  layers.forEach(({ config }, i) => (config.name = `layer_${i}`));
  const visits = layers.reduce(
    (sum, { class_name: name }) => sum + (name === 'Bidirectional' ? 2 : Number(/^(SimpleRNN|GRU|LSTM)$/.test(name))),
    0,
  );
  /** @param {LayerJson} json @returns {string} */
  const describe = ({ class_name: name, config: { units, layer, backward_layer: backward } }) =>
    `${name.replace('Bidirectional', 'Bi')} ${backward ? `(${describe(layer)}, ${describe(backward)})` : layer ? `(${describe(layer)})` : (units ?? '')}`.trim();
  return {
    architecture: { class_name: 'Sequential', config: { name: 'model', layers } },
    visits,
    title: layers.map(describe).join(' > '),
  };
}

/** @param {any} architecture */
const randomModel = (architecture) =>
  createModel({
    architecture,
    simd,
    customLayers: { SelfAttention },
    weights: (root) =>
      new Map(
        root.listWeights().map(({ path, spec: { shape } }) => {
          const size = shape.reduce((product, length) => product * length, 1);
          return [path, { shape, data: normal(size, Math.sqrt(2 / ((shape.at(-2) ?? 1) + (shape.at(-1) ?? 1)))) }];
        }),
      ),
  });

/**
 * Spreads the steps of each row over T positions: padding at the end, at the front, or anywhere.
 * @param {number[]} lengths
 * @returns {{ T: number, mask: Uint8Array, positions: number[][] }} positions: where the steps of each row are
 */
function randomPadding(lengths) {
  const T = Math.max(...lengths) + choice([0, 1, 5, 40]);
  const mask = new Uint8Array(lengths.length * T);
  const positions = lengths.map((length, b) => {
    const all = Array.from({ length: T }, (_, t) => t);
    const side = choice(['end', 'front', 'anywhere']);
    if (side === 'anywhere') while (all.length > length) all.splice(integer(0, all.length - 1), 1);
    const kept = side === 'end' ? all.slice(0, length) : side === 'front' ? all.slice(T - length) : all;
    for (const t of kept) mask[b * T + t] = 1;
    return kept;
  });
  return { T, mask, positions };
}

for (let round = 0; round < 80; round++) {
  const { architecture, visits, title } = randomArchitecture();
  test(`padding changes no bit and adds no step in ${title}`, async () => {
    const model = await randomModel(architecture);
    const texts = Array.from({ length: integer(1, 7) }, () =>
      Array.from({ length: choice([0, 1, 2, 5, 9, 20]) }, () => integer(1, V - 1)),
    );
    const alone = texts.map((text) => {
      const before = model.stats.steps;
      const [{ shape, data }] = model.run([text]);
      assert.equal(model.stats.steps - before, visits * text.length, `steps of a text of ${text.length} (PADLESS_SEED=${seed})`);
      return { K: /** @type {number} */ (shape.at(-1)), sequence: shape.length === 3, data };
    });
    for (const junk of [() => integer(-9, V + 9), null]) {
      // Padding is either random ids under a given mask, or zeros that the embedding masks.
      const { T, mask, positions } = randomPadding(texts.map((text) => text.length));
      const rows = texts.map((text, b) => {
        const row = Array.from({ length: T }, () => (junk ? junk() : 0));
        positions[b].forEach((t, i) => (row[t] = text[i]));
        return row;
      });
      const before = model.stats.steps;
      const [{ data }] = model.run(rows, junk ? { mask } : {});
      const total = texts.reduce((sum, text) => sum + text.length, 0);
      assert.equal(model.stats.steps - before, visits * total, `steps of the batch (PADLESS_SEED=${seed})`);
      alone.forEach(({ K, sequence, data: expected }, b) => {
        const where = `row ${b} of ${texts.length}, steps at ${positions[b]} of ${T} (PADLESS_SEED=${seed})`;
        const row = sequence ? data.subarray(b * T * K, (b + 1) * T * K) : data.subarray(b * K, (b + 1) * K);
        if (!sequence) return assert.deepEqual(bits(row), bits(expected), where);
        const padded = new Float32Array(T * K);
        positions[b].forEach((t, i) => padded.set(expected.subarray(i * K, (i + 1) * K), t * K));
        assert.deepEqual(bits(row), bits(padded), where);
      });
    }
  });
}

/** @param {import('padless').Kernels} pl @param {number} D */
function kernelsOver(pl, D) {
  const matrix = (/** @type {number} */ rows, /** @type {number} */ columns) => ({
    shape: [rows, columns],
    data: normal(rows * columns, 0.4),
  });
  const [N, H] = [choice(sizes), choice(sizes)];
  const [kernel, bias] = [matrix(D, N), { shape: [N], data: normal(N, 0.3) }];
  const rnn = (/** @type {import('padless').Cell} */ cell, /** @type {number} */ gates) => ({
    cell,
    kernel: matrix(D, gates * H),
    recurrentKernel: matrix(H, gates * H),
    bias: cell === 'GRU' ? matrix(2, gates * H) : { shape: [gates * H], data: normal(gates * H, 0.3) },
  });
  const [simple, gru, lstm] = [rnn('SimpleRNN', 1), rnn('GRU', 3), rnn('LSTM', 4)];
  /** @typedef {(x: import('padless').Input, mask: Uint8Array) => { data: Float32Array | Int32Array, shape: number[] }} Kernel */
  /** @type {Record<string, Kernel>} */
  return {
    maskedSum: (x, mask) => pl.maskedSum(x, mask),
    maskedMean: (x, mask) => pl.maskedMean(x, mask),
    maskedMax: (x, mask) => pl.maskedMax(x, mask),
    maskedMin: (x, mask) => pl.maskedMin(x, mask),
    maskedFirst: (x, mask) => pl.maskedFirst(x, mask),
    maskedLast: (x, mask) => pl.maskedLast(x, mask),
    maskedSoftmax: (x, mask) => pl.maskedSoftmax(x, mask),
    softmax: (x, mask) => pl.softmax(x, mask),
    applyMask: (x, mask) => pl.applyMask(x, mask),
    reverseSequence: (x, mask) => pl.applyMask(pl.reverseSequence(x, mask), mask),
    dense: (x, mask) => pl.dense(x, kernel, bias, mask),
    'rnn with SimpleRNN': (x, mask) => pl.rnn(x, { ...simple, mask }).sequence,
    'rnn with GRU': (x, mask) => pl.rnn(x, { ...gru, mask }).h,
    'rnn with LSTM': (x, mask) => pl.rnn(x, { ...lstm, mask }).sequence,
    'bidirectional with GRU and LSTM': (x, mask) => pl.bidirectional(x, { forward: gru, backward: lstm, mask }).sequence,
    'bidirectional with final states': (x, mask) => {
      const { output } = pl.bidirectional(x, { forward: lstm, backward: simple, mask, mergeMode: 'sum' });
      return /** @type {import('padless').Output} */ (output);
    },
  };
}

test('NaN and infinities under the mask change no bit of an output', async () => {
  const pl = await init({ simd });
  for (let round = 0; round < 10; round++) {
    const D = choice(sizes);
    const lengths = Array.from({ length: integer(1, 5) }, () => choice([0, 1, 3, 8, 15]));
    const texts = lengths.map((length) => normal(length * D, 1));
    const { T, mask, positions } = randomPadding(lengths);
    const B = lengths.length;
    const x = { shape: [B, T, D], data: Float32Array.from({ length: B * T * D }, () => choice([NaN, Infinity, -Infinity, 1e38])) };
    texts.forEach((text, b) => positions[b].forEach((t, i) => x.data.set(text.subarray(i * D, (i + 1) * D), (b * T + t) * D)));
    for (const [name, kernel] of Object.entries(kernelsOver(pl, D))) {
      const { data, shape } = kernel(x, mask);
      const K = /** @type {number} */ (shape.at(-1));
      texts.forEach((text, b) => {
        const where = `${name}: row ${b}, steps at ${positions[b]} of ${T}, D=${D} (PADLESS_SEED=${seed})`;
        const alone = kernel({ shape: [1, lengths[b], D], data: text }, new Uint8Array(lengths[b]).fill(1));
        const expected = new Float32Array(shape.length === 3 ? T * K : K);
        if (shape.length === 3) positions[b].forEach((t, i) => expected.set(alone.data.subarray(i * K, (i + 1) * K), t * K));
        else expected.set(alone.data);
        const row = data.slice(b * expected.length, (b + 1) * expected.length);
        assert.deepEqual(bits(/** @type {Float32Array} */ (row)), bits(expected), where);
      });
    }
  }
});
