/**
 * Files that Keras wrote (.keras, .h5, JSON with weights beside it), compared with Keras's answers:
 * tests/models/keras-files/make_models.py says which models, goldens.json which versions.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFileSync } from 'node:fs';
import { createModel, ModelFileError, UnsupportedError } from 'padless';
import { fromKeras } from 'padless/import';
import { Dense, Layer, Rescaling } from 'padless/layers';
import { weightsByLayer, weightsByPath } from '../../js/import/weights.js';
import { assertClose, decode } from '../close.js';
import '../guarded-heap.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../models/keras-files/', import.meta.url);
const { keras, backend, cases } = JSON.parse(readFileSync(new URL('goldens.json', folder), 'utf8'));

/** Files that are refused, and the expected messages. @type {Record<string, RegExp>} */
const refused = {
  'multi-head-read': /^global_max_pooling1d: GlobalMaxPooling1D reads the values at padding of multi_head_attention/,
  'unroll-bidirectional-read':
    /^global_max_pooling1d: GlobalMaxPooling1D reads the values at padding of bidirectional, which Keras 3 fills with other values if unroll=True/,
  'activation-layer-recurrent': /^lstm: activation \{.*"class_name":"LeakyReLU".* is not one of linear, tanh, /,
  // Keras does not save the weights of an activation.
  'activation-layer-weights': /dense\.activation_layer\.alpha \[1,3\] is missing/,
  'dotted-names': /^enc\.out\.kernel: the layers "out" \(Dense\) and "enc\.out" \(Dense\) both have a weight of this path/,
  'einsum-dense-time':
    /^einsum_dense: EinsumDense has the equation "abc,bcd->ad" for 3 axes; padless supports sums over the last axes.*: use Permute or Reshape and a Dense/,
  'reshape-same':
    /^global_average_pooling1d: GlobalAveragePooling1D reads padding in Keras, as reshape \(with some backends\) removes the mask/,
  'nested-model-concatenated':
    /^gru: its mask in the file counts the padding of a model inside the model, which Keras leaves out when that runs; padless has one mask/,
  'operations-mask-kept':
    /^global_average_pooling1d: GlobalAveragePooling1D reads padding in Keras, as cast \(with some backends\) removes the mask/,
  'rare-activation-recurrent': /^lstm: activation "hard_tanh" is not one of linear, tanh, /,
  'discretization-mask':
    /^embedding: an Embedding with mask_zero reads the bins of discretization; padless computes masks only from ids of an input/,
  'transformer-twice':
    /^multi_head_attention_1: MultiHeadAttention reads padding in Keras, as multi_head_attention removes the mask/,
};

/** Rows whose keys are all padding: padless's attention gives zeros, Keras's the mean of the padding's vectors. @type {Record<string, number[]>} */
const zeros = { 'attention-empty-value': [1] };

/** Replaces a Lambda: x * 0.5 + 1. */
class Halve extends Layer {
  scale = new Rescaling({ scale: 0.5, offset: 1 });
  /** @override @param {any} x */
  call(x) {
    return this.scale.apply(x);
  }
}

/** @param {string} file @param {Record<string, new (config: any) => Layer>} [customLayers] */
function load(file, customLayers = { halve: Halve, 'mine>LayerNormalization': Halve, swish: Halve }) {
  const weights = file.endsWith('.json') ? new URL(file.replace('.json', '.weights.h5'), folder) : undefined;
  return fromKeras(new URL(file, folder), { weights, simd, customLayers });
}

/**
 * @param {import('padless').OutputTensor} output
 * @param {{ shape: number[], data: string }} golden
 * @param {number[] | null} mask  of the output; values under it are not compared
 * @param {number} unit
 * @param {number[]} [empty]  rows of zeros
 */
function compare({ name, shape, data }, golden, mask, unit, empty = []) {
  assert.deepEqual(shape, golden.shape, name);
  const expected = decode(golden.data);
  const each = mask ? expected.length / mask.length : 1;
  const row = expected.length / shape[0];
  for (const b of empty) assert.ok(data.subarray(b * row, (b + 1) * row).every((value) => value === 0));
  /** @param {number} i */
  const counts = (i) => !empty.includes(Math.floor(i / row)) && (!mask || Boolean(mask[Math.floor(i / each)]));
  assertClose(data, expected, { unit, counts, what: `${name} [${shape}]` });
}

for (const { name, file, inputs, outputs, probabilities, masked, int8 } of cases) {
  if (Object.hasOwn(refused, name)) {
    test(`${name} is refused, and the message says why`, async () => {
      await assert.rejects(
        load(file),
        says(/^(dotted-names|activation-layer-weights)$/.test(name) ? ModelFileError : UnsupportedError, refused[name]),
      );
    });
    continue;
  }
  test(`${file} answers as Keras ${keras} on ${backend} does`, async () => {
    const model = await load(file);
    const unit = int8 ? 1e-2 : probabilities ? 1e-5 : 1e-4;
    const calls = Array.isArray(inputs) ? inputs : [inputs];
    const got = calls.flatMap((call) => {
      const [first] = Object.values(call);
      if (typeof first.flat(9)[0] === 'string') return model.outputsOf(first.flat(9));
      return model.run(Object.keys(call).length === 1 ? first : call);
    });
    assert.equal(got.length, outputs.length);
    // Outputs in an object have their own names; Keras's answers have the names of the layers.
    const layers = 'outputNames' in model.root ? model.root.outputs.map(({ key }) => key.slice(0, key.lastIndexOf('/'))) : [];
    const byLayer = new Set(layers).size === outputs.length;
    outputs.forEach((/** @type {any} */ golden, /** @type {number} */ i) => {
      const at = byLayer ? layers.indexOf(golden.name) : i;
      compare(got[at < 0 ? i : at], golden, masked?.[i]?.flat() ?? null, unit, zeros[name]);
    });
  });
}

/** Files with a class or function of the model's author that has the name of a Keras class or function. @type {[string, RegExp][]} */
const own = [
  [
    'own-registered.keras',
    /LayerNormalization is not Keras's layer of that name but a class of the model's author \(mine>LayerNormalization\)/,
  ],
  ['own-registered-h5.h5', /mine>LayerNormalization/],
  [
    'own-function.keras',
    /activation "mine>swish" is a function of the model's author; give a layer .* customLayers: \{ "swish": \.\.\. \}/,
  ],
  ['own-function-h5.h5', /activation "mine>swish" is a function of the model's author/],
];
for (const [file, message] of own)
  test(`${file}: a class or function of the model's author with a name from Keras is refused unless customLayers has it`, () =>
    assert.rejects(load(file, {}), says(UnsupportedError, message)));

test('there are at least 60 models', () => assert.ok(cases.length >= 60, String(cases.length)));

test('a trace contains operations that have numbers among their arguments', async () => {
  const model = await load('operations-values.keras');
  const [{ shape, ids }] = model.inputs;
  const row = Array.from({ length: shape[0] ?? 3 }, (_, t) => (ids ? t % 2 : new Array(Number(shape[1])).fill(0.5)));
  const steps = model.trace([row]);
  assert.ok(steps.some(({ layer, before }) => layer.startsWith('ops.') && before.length === 1));
});

test('a layer that a custom layer has as two attributes has its weights in the file once', async () => {
  class Twice extends Layer {
    first = new Dense({ units: 2 });
    second = this.first;
    /** @override @param {any} x */
    call(x) {
      return this.second.apply(this.first.apply(x));
    }
  }
  const layers = [
    { class_name: 'InputLayer', config: { batch_shape: [null, 2] } },
    { class_name: 'Twice', config: { name: 'twice' } },
  ];
  const arrays = [
    { name: 'kernel', shape: [2, 2], data: Float32Array.of(2, 0, 0, 3) },
    { name: 'bias', shape: [2], data: Float32Array.of(1, 0) },
  ];
  for (const weights of [
    weightsByLayer([{ name: 'twice', weights: arrays }], 'whole.h5'),
    weightsByPath(new Map(arrays.map((array, i) => [`layers/twice/first/vars/${i}`, array])), 'model.keras'),
  ]) {
    const architecture = { class_name: 'Sequential', config: { layers } };
    const model = await createModel({ architecture, customLayers: { Twice }, weights, simd });
    assert.deepEqual([...model.run([[1, 1]])[0].data], [7, 9]);
  }
});

test('the kernel of a Conv1D of Keras 1 has a second axis of size 1', async () => {
  const layers = [
    { class_name: 'InputLayer', config: { batch_shape: [null, null, 2] } },
    { class_name: 'Conv1D', config: { name: 'conv', filters: 1, kernel_size: 2 } },
  ];
  const arrays = [
    { name: 'W', shape: [2, 1, 2, 1], data: Float32Array.of(1, 10, 100, 1000) },
    { name: 'b', shape: [1], data: Float32Array.of(0.5) },
  ];
  const architecture = { class_name: 'Sequential', config: { layers } };
  const model = await createModel({ architecture, weights: weightsByLayer([{ name: 'conv', weights: arrays }], 'old.h5'), simd });
  assert.deepEqual([...model.run([[[1, 2], [3, 4]]])[0].data], [4321.5]); // prettier-ignore
});

test('arrays of a layer that it has no weights for are refused, and the message lists both', async () => {
  const layers = [
    { class_name: 'InputLayer', config: { batch_shape: [null, 2] } },
    { class_name: 'Dense', config: { name: 'dense', units: 1, use_bias: false } },
  ];
  const weights = [
    { name: 'kernel', shape: [2, 1], data: new Float32Array(2) },
    { name: 'bias', shape: [1], data: new Float32Array(1) },
  ];
  const architecture = { class_name: 'Sequential', config: { layers } };
  await assert.rejects(
    createModel({ architecture, weights: weightsByLayer([{ name: 'dense', weights }], 'whole.h5'), simd }),
    says(ModelFileError, /^whole\.h5: bias \[1\] of dense is left over; the layer has dense\.kernel$/),
  );
});
