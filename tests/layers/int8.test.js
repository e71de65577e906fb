/**
 * Models with int8 weights: their answers, which padding and other rows do not change, and the int8 tensors that a file may contain.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createModel, loadModel, ModelFileError } from 'padless';
import { toInt8 } from 'padless/import';
import { parse, serialize } from '../../js/file/safetensors.js';
import { bits } from '../close.js';
import '../guarded-heap.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { choice, integer, uniform, weights } = random();
const V = 20;
const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33];
const langid = new URL('../../web/models/langid-gru/langid-gru.safetensors', import.meta.url);

/** @param {any} layers  after an embedding */
const sequential = (layers) => ({
  class_name: 'Sequential',
  config: {
    name: 'model',
    layers: [
      { class_name: 'Embedding', config: { name: 'embedding', input_dim: V, output_dim: choice(sizes), mask_zero: true } },
      ...layers,
    ],
  },
});

/** @param {string} class_name @param {boolean} sequences */
const recurrent = (class_name, sequences) => ({
  class_name,
  config: {
    units: choice(sizes),
    return_sequences: sequences,
    reset_after: uniform() < 0.5,
    use_bias: uniform() < 0.8,
    activation: choice(['tanh', 'tanh', 'relu']),
  },
});

/** @param {string} class_name @param {boolean} [sequences] */
const anyRecurrent = (class_name, sequences = true) =>
  uniform() < 0.5
    ? recurrent(class_name, sequences)
    : { class_name: 'Bidirectional', config: { layer: recurrent(class_name, sequences), merge_mode: choice(['concat', 'sum']) } };

/** @param {any} architecture @returns {Promise<[import('padless').Model, import('padless').Model]>} float, int8 */
async function both(architecture) {
  const float = await createModel({ architecture, simd, weights: (root) => weights(root, 0.3) });
  return [float, await loadModel(toInt8(float), { simd })];
}

/** @param {import('padless').OutputTensor[]} outputs */
const allBits = (outputs) => outputs.map(({ shape, data }) => [shape.join(), bits(data)]);

const someRows = () => Array.from({ length: integer(1, 9) }, () => Array.from({ length: integer(1, 12) }, () => integer(1, V - 1)));

for (const cell of ['SimpleRNN', 'GRU', 'LSTM'])
  test(`${cell} with int8 weights answers as with the same weights in float32, with the same bits alone, in a batch and padded`, async () => {
    for (let round = 0; round < 6; round++) {
      const architecture = sequential([
        anyRecurrent(cell),
        ...(round % 2 ? [{ class_name: 'Dense', config: { units: choice(sizes), activation: 'tanh' } }] : []),
        anyRecurrent(cell, false),
        { class_name: 'Dense', config: { units: 3, activation: choice(['linear', 'softmax', 'sigmoid']) } },
      ]);
      const [, model] = await both(architecture);
      /** The int8 weights converted to float32. @param {import('padless/layers').Layer} root */
      const same = (root) => {
        const known = new Map(model.root.listWeights().map(({ path, layer, spec }) => [path, layer.weight(spec.name)]));
        return new Map(
          root
            .listWeights()
            .map(({ path }) => [path, { shape: known.get(path)?.shape ?? [], data: known.get(path)?.data ?? new Float32Array() }]),
        );
      };
      const float = await createModel({ architecture, simd, weights: same });
      const rows = someRows();
      const [{ data }] = model.run(rows);
      float.run(rows)[0].data.forEach((value, i) => {
        assert.ok(Math.abs(value - data[i]) <= 2e-3 * Math.max(1, Math.abs(value)), `${cell}: ${data[i]}, in float32 ${value}`);
      });
      const width = data.length / rows.length;
      rows.forEach((row, b) => {
        const alone = allBits(model.run([row]));
        assert.deepEqual(alone[0][1], bits(data.subarray(b * width, (b + 1) * width)));
        const at = integer(0, row.length);
        const junk = Array.from({ length: integer(1, 40) }, () => -7);
        const mask = [...row.map(() => 1)];
        mask.splice(at, 0, ...junk.map(() => 0));
        assert.deepEqual(allBits(model.run([[...row.slice(0, at), ...junk, ...row.slice(at)]], { mask: [mask] })), alone);
      });
    }
  });

test('int8 kernels answer as those in float32, and a number that a row adds to all inputs of softmax costs no precision', async () => {
  for (const activation of ['softmax', 'log_softmax', 'linear', 'tanh']) {
    const layers = [
      { class_name: 'GlobalMaxPooling1D', config: {} },
      { class_name: 'Dense', config: { name: 'd', units: 3, activation } },
    ];
    /** @param {any} root */
    const shifted = (root) => {
      const all = weights(root, 0.3);
      const more = activation.includes('softmax') ? 1e4 : 0.3;
      all.get('d.kernel')?.data.forEach((value, i, data) => (data[i] = value + more));
      return all;
    };
    const float = await createModel({ architecture: sequential(layers), simd, weights: shifted });
    const int8 = await loadModel(toInt8(float), { simd });
    const rows = someRows();
    const [expected, actual] = [float, int8].map((model) => model.run(rows)[0].data);
    actual.forEach((value, i) =>
      assert.ok(Math.abs(value - expected[i]) < 0.03, `${activation} ${i}: ${value}, expected ${expected[i]}`),
    );
  }
});

test('a kernel and a table clip their largest values where that makes the error of many values less', async () => {
  const size = 20_000;
  const layers = [
    { class_name: 'Embedding', config: { name: 'table', input_dim: 2, output_dim: size } },
    { class_name: 'padless>MaskedMean', config: { name: 'mean' } },
    { class_name: 'Dense', config: { name: 'kernel', units: 1 } },
  ];
  const [float, model] = await both({ class_name: 'Sequential', config: { name: 'model', layers } });
  for (const { path, layer, spec } of float.root.listWeights().filter(({ spec: { int8 } }) => int8)) {
    const values = layer.weight(spec.name).data.subarray(0, size);
    const same = model.root.listWeights().find((each) => each.path === path);
    const stored = same?.layer.weight(spec.name).data ?? values;
    const most = values.reduce((greatest, value) => Math.max(greatest, Math.abs(value)), 0);
    // Clips at 1, 0.97, 0.94, ... and 0.7 times the largest value.
    const errors = Array.from({ length: 11 }, (_, i) => {
      const step = (most * (1 - 0.03 * i)) / 127;
      return values.reduce((sum, value) => sum + (value - Math.max(-127, Math.min(127, Math.round(value / step))) * step) ** 2, 0);
    });
    const found = values.reduce((sum, value, i) => sum + (value - stored[i]) ** 2, 0);
    const least = Math.min(...errors);
    assert.ok(
      least < 0.99 * errors[0] && found <= 1.01 * least,
      `${path}: ${found}, expected ${least}; without clipping ${errors[0]}`,
    );
  }
});

test('int8 weights are saved as int8 and not rounded again', async () => {
  const [, model] = await both(sequential([anyRecurrent('LSTM'), { class_name: 'padless>MaskedMean', config: {} }]));
  const bytes = model.save();
  assert.deepEqual((await loadModel(bytes, { simd })).save(), bytes);
  assert.deepEqual(toInt8(model), bytes);
});

test('a layer with one int8 and one float32 kernel computes in float32, and so do weights that are all 0', async () => {
  const architecture = sequential([recurrent('GRU', false)]);
  const float = await createModel({ architecture, simd, weights: (root) => weights(root, 0.3) });
  const [plain, whole] = [parse(float.save()), parse(toInt8(float))];
  for (const [name, tensor] of whole.tensors) if (name.includes('recurrent_kernel')) plain.tensors.set(name, tensor);
  const rows = someRows();
  const half = (await loadModel(serialize(plain), { simd })).run(rows)[0].data;
  float.run(rows)[0].data.forEach((value, i) => assert.ok(Math.abs(value - half[i]) < 0.1 * Math.max(1, Math.abs(value))));
  const zero = await createModel({ architecture, simd, weights: (root) => weights(root, 0) });
  assert.deepEqual(allBits((await loadModel(toInt8(zero), { simd })).run(rows)), allBits(zero.run(rows)));
});

test('int8 weights without their scales, or of a layer that has no int8 kernel, are refused, and the message names them', async () => {
  const layers = [recurrent('LSTM', false), { class_name: 'Dense', config: { name: 'dense', units: 2 } }];
  const float = await createModel({ architecture: sequential(layers), simd, weights: (root) => weights(root) });
  /** @param {(tensors: Map<string, import('../../js/file/safetensors.js').StoredTensor>) => void} change @param {RegExp} message */
  const refused = async (change, message) => {
    const file = parse(toInt8(float));
    change(file.tensors);
    await assert.rejects(loadModel(serialize(file), { simd }), says(ModelFileError, message));
  };
  /** @param {number[]} values */
  const floats = (values) => ({
    dtype: /** @type {const} */ ('F32'),
    shape: [values.length],
    data: new Uint8Array(Float32Array.from(values).buffer),
  });
  await refused((t) => t.delete('dense.kernel.scale'), /^dense\.kernel: int8 weight without dense\.kernel\.scale$/);
  await refused((t) => t.set('dense.kernel.scale', floats([1])), /^dense\.kernel\.scale: shape \[1\], expected \[2\]/);
  for (const value of [NaN, Infinity, -1])
    await refused(
      (t) => t.set('dense.kernel.scale', floats([1, value])),
      new RegExp(`^dense\\.kernel\\.scale: value 1 is ${value}`),
    );
  await refused((t) => t.get('dense.kernel')?.data.fill(128), /^dense\.kernel: value 0 is -128/);
  await refused(
    (t) => t.delete('embedding.embeddings.rows'),
    /^embedding\.embeddings: int8 without scales of rows, expected embedding\.embeddings\.rows$/,
  );
  const rows = { dtype: /** @type {const} */ ('U8'), shape: [2], data: new Uint8Array(2) };
  await refused((t) => t.set('embedding.embeddings.rows', rows), /^embedding\.embeddings\.rows: shape \[2\], expected \[20\]/);
  await refused(
    (t) => t.set('embedding.embeddings.rows', floats(Array(V).fill(1))),
    /^embedding\.embeddings\.rows: dtype F32, expected U8/,
  );
  await refused((t) => {
    t.set('dense.bias', { dtype: 'I8', shape: [2], data: new Uint8Array(2) });
    t.set('dense.bias.scale', floats([1, 1]));
  }, /^dense\.bias: dtype I8, expected F32/);
  const broken = await createModel({
    architecture: sequential(layers),
    simd,
    weights: (root) =>
      new Map(
        [...weights(root)].map(([path, { shape, data }]) => [
          path,
          { shape, data: path === 'dense.kernel' ? data.fill(NaN) : data },
        ]),
      ),
  });
  assert.throws(() => toInt8(broken), /^ModelFileError: dense\.kernel: value 0 is NaN/);
});

test('the language model in int8 takes at most 0.27 of the bytes and gives the same labels', async () => {
  const float = await loadModel(langid, { simd });
  const bytes = toInt8(float);
  const model = await loadModel(bytes, { simd });
  /** @param {Uint8Array} file */
  const size = (file) => [...parse(file).tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  assert.ok(size(bytes) <= 0.27 * size(float.save()), `${size(bytes)} of ${size(float.save())} bytes`);
  const { cases } = JSON.parse(readFileSync(new URL('../models/langid-gru-keras.json', import.meta.url), 'utf8'));
  /** @type {string[]} */
  const texts = cases.map((/** @type {any} */ { text }) => text);
  const [expected, actual] = [float.predict(texts), model.predict(texts)];
  texts.forEach((text, i) => {
    const [first, second] = Object.values(expected[i].scores ?? {}).sort((a, b) => b - a);
    if (first - second > 0.05) assert.equal(actual[i].label, expected[i].label, text);
  });
});
