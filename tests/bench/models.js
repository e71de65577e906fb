/**
 * The models that the benchmark times, with the same weights as padless JSON, as ONNX and in TF.js.
 */
import { onnxGraph, onnxRnn, operators } from '../../web/onnx.js';
import { random } from '../random.js';
import { functional, input, layer } from '../keras-json.js';

/** @typedef {'LSTM' | 'GRU'} Cell */
/** @typedef {Record<string, { shape: number[], data: Float32Array }>} Weights  by path */

const { normal } = random(1);

/** @param {number[]} shape @param {number} scale */
const weight = (shape, scale) => ({
  shape,
  data: normal(
    shape.reduce((product, size) => product * size, 1),
    scale,
  ),
});

/** Both directions of a recurrent layer. @param {Cell} cell @param {number} D @param {number} H */
function directions(cell, D, H) {
  const width = { LSTM: 4, GRU: 3 }[cell] * H;
  /** @type {Weights} */
  const weights = {};
  for (const side of ['forward_layer', 'backward_layer']) {
    weights[`rnn.${side}.kernel`] = weight([D, width], Math.sqrt(1 / D));
    weights[`rnn.${side}.recurrent_kernel`] = weight([H, width], Math.sqrt(1 / H));
    weights[`rnn.${side}.bias`] = weight(cell === 'GRU' ? [2, width] : [width], 0.1);
  }
  return weights;
}

/** @param {Cell} cell @param {Weights} weights @param {number} D @param {number} H @returns {Record<string, import('../../web/onnx.js').Constant>} */
function onnxDirections(cell, weights, D, H) {
  const [forward, backward] = ['forward_layer', 'backward_layer'].map((side) =>
    onnxRnn(
      cell,
      {
        kernel: weights[`rnn.${side}.kernel`].data,
        recurrent: weights[`rnn.${side}.recurrent_kernel`].data,
        bias: weights[`rnn.${side}.bias`].data,
      },
      D,
      H,
    ),
  );
  /** @param {'W' | 'R' | 'B'} name */
  const both = (name) => {
    const data = new Float32Array(2 * forward[name].length);
    data.set(forward[name]);
    data.set(backward[name], forward[name].length);
    return data;
  };
  const G = { LSTM: 4, GRU: 3 }[cell];
  return {
    W: { type: 'float32', shape: [2, G * H, D], data: both('W') },
    R: { type: 'float32', shape: [2, G * H, H], data: both('R') },
    B: { type: 'float32', shape: [2, 2 * G * H], data: both('B') },
  };
}

/** @param {Cell} cell @param {number} H */
const onnxAttributes = (cell, H) => ({
  direction: 'bidirectional',
  hidden_size: H,
  ...(cell === 'GRU' ? { linear_before_reset: 1 } : {}),
});

/** @param {Cell} cell @param {number} H */
const bidirectional = (cell, H) => ({
  class_name: 'Bidirectional',
  config: {
    name: 'rnn',
    merge_mode: 'concat',
    layer: { class_name: cell, config: { name: 'rnn', units: H, return_sequences: true, reset_after: true } },
  },
});

/**
 * The recurrent layer alone: values [1, T, D] -> [1, T, 2H].
 * @param {Cell} cell @param {number} D @param {number} H
 */
export function rnnAlone(cell, D, H) {
  const weights = directions(cell, D, H);
  return {
    weights,
    architecture: {
      class_name: 'Sequential',
      config: {
        name: 'model',
        layers: [{ class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, null, D] } }, bidirectional(cell, H)],
      },
    },
    /** X [T, B, D], lengths [B] -> Y [T, 2, B, H] */
    onnx: () =>
      onnxGraph({
        nodes: [
          {
            op: operators[cell],
            inputs: ['X', 'W', 'R', 'B', 'lengths'],
            outputs: ['Y'],
            attributes: onnxAttributes(cell, H),
          },
        ],
        constants: onnxDirections(cell, weights, D, H),
        inputs: { X: 'float32', lengths: 'int32' },
        outputs: ['Y'],
      }),
  };
}

/**
 * From ids to an answer: Embedding -> bidirectional -> masked mean and max -> Dense with softmax.
 * @param {Cell} cell @param {number} D @param {number} H @param {{ V?: number, K?: number }} [sizes]
 */
export function classifier(cell, D, H, { V = 5000, K = 10 } = {}) {
  const weights = {
    'embedding.embeddings': weight([V, D], 1),
    ...directions(cell, D, H),
    'dense.kernel': weight([4 * H, K], 0.5),
    'dense.bias': weight([K], 0.1),
  };
  const { config, class_name } = bidirectional(cell, H);
  /** @param {string} name @param {number[]} values @returns {[string, import('../../web/onnx.js').Constant]} */
  const ints = (name, values) => [name, { type: 'int64', shape: [values.length], data: values }];
  return {
    weights,
    V,
    architecture: functional(
      [
        input('ids'),
        layer('Embedding', 'embedding', { input_dim: V, output_dim: D, mask_zero: true }, ['ids']),
        layer(class_name, 'rnn', config, ['embedding']),
        layer('padless>MaskedMean', 'mean', {}, ['rnn']),
        layer('padless>MaskedMax', 'max', {}, ['rnn']),
        layer('Concatenate', 'both', {}, ['mean', 'max']),
        layer('Dense', 'dense', { units: K, activation: 'softmax' }, ['both']),
      ],
      ['ids'],
      ['dense'],
    ),
    /** ids [T, B], mask [T, 1, B, 1] (1 where a step counts), lengths [B] -> P [B, K] */
    onnx: () =>
      onnxGraph({
        nodes: [
          { op: 'Gather', inputs: ['table', 'ids'], outputs: ['X'] },
          { op: operators[cell], inputs: ['X', 'W', 'R', 'B', 'lengths'], outputs: ['Y'], attributes: onnxAttributes(cell, H) },
          { op: 'Mul', inputs: ['Y', 'mask'], outputs: ['kept'] },
          { op: 'ReduceSum', inputs: ['kept', 'time'], outputs: ['sum'], attributes: { keepdims: 0 } },
          { op: 'ReduceSum', inputs: ['mask', 'time'], outputs: ['count'], attributes: { keepdims: 0 } },
          { op: 'Div', inputs: ['sum', 'count'], outputs: ['mean'] },
          { op: 'Cast', inputs: ['mask'], outputs: ['counts'], attributes: { to: 9 } },
          { op: 'Where', inputs: ['counts', 'Y', 'least'], outputs: ['selected'] },
          { op: 'ReduceMax', inputs: ['selected'], outputs: ['max'], attributes: { axes: [0], keepdims: 0 } },
          { op: 'Concat', inputs: ['mean', 'max'], outputs: ['pooled'], attributes: { axis: 0 } },
          { op: 'Transpose', inputs: ['pooled'], outputs: ['turned'], attributes: { perm: [1, 0, 2] } },
          { op: 'Reshape', inputs: ['turned', 'flat'], outputs: ['features'] },
          { op: 'Gemm', inputs: ['features', 'kernel', 'bias'], outputs: ['logits'] },
          { op: 'Softmax', inputs: ['logits'], outputs: ['P'] },
        ],
        constants: {
          table: { type: 'float32', ...weights['embedding.embeddings'] },
          ...onnxDirections(cell, weights, D, H),
          kernel: { type: 'float32', ...weights['dense.kernel'] },
          bias: { type: 'float32', ...weights['dense.bias'] },
          least: { type: 'float32', shape: [1], data: [-3e38] },
          ...Object.fromEntries([ints('time', [0]), ints('flat', [0, 4 * H])]),
        },
        inputs: { ids: 'int32', mask: 'float32', lengths: 'int32' },
        outputs: ['P'],
      }),
  };
}

/**
 * The nodes of a classifier: table -> recurrent node in two directions -> mean over the steps that the mask keeps -> softmax.
 * @param {{ op: string, inputs: string[], attributes: Record<string, any>, domain?: string }} rnn
 */
export const meanClassifier = (rnn) => [
  { op: 'Gather', inputs: ['table', 'ids'], outputs: ['X'] },
  { ...rnn, outputs: ['Y'] },
  { op: 'Mul', inputs: ['Y', 'mask'], outputs: ['kept'] },
  { op: 'ReduceSum', inputs: ['kept', 'time'], outputs: ['sum'], attributes: { keepdims: 0 } },
  { op: 'ReduceSum', inputs: ['mask', 'time'], outputs: ['count'], attributes: { keepdims: 0 } },
  { op: 'Div', inputs: ['sum', 'count'], outputs: ['mean'] },
  { op: 'Transpose', inputs: ['mean'], outputs: ['turned'], attributes: { perm: [1, 0, 2] } },
  { op: 'Reshape', inputs: ['turned', 'flat'], outputs: ['features'] },
  { op: 'Gemm', inputs: ['features', 'kernel', 'bias'], outputs: ['logits'] },
  { op: 'Softmax', inputs: ['logits'], outputs: ['P'] },
];

/**
 * The language model as ONNX: Embedding -> bidirectional GRU -> masked mean -> Dense with softmax.
 * @param {import('padless').Model} model
 */
export function languageOnnx(model) {
  const found = new Map(model.root.listWeights().map(({ path, layer: owner, spec }) => [path, owner.weight(spec.name)]));
  /** @param {string} path */
  const of = (path) => /** @type {{ shape: number[], data: Float32Array }} */ (found.get(path));
  const table = of('embedding.embeddings');
  const [H] = of('bidirectional.forward_layer.recurrent_kernel').shape;
  const [, D] = table.shape;
  const weights = Object.fromEntries(
    [...found]
      .filter(([path]) => path.startsWith('bidirectional.'))
      .map(([path, values]) => [path.replace('bidirectional', 'rnn'), values]),
  );
  return onnxGraph({
    nodes: meanClassifier({ op: 'GRU', inputs: ['X', 'W', 'R', 'B', 'lengths'], attributes: onnxAttributes('GRU', H) }),
    constants: {
      table: { type: 'float32', ...table },
      ...onnxDirections('GRU', weights, D, H),
      kernel: { type: 'float32', ...of('dense.kernel') },
      bias: { type: 'float32', ...of('dense.bias') },
      time: { type: 'int64', shape: [1], data: [0] },
      flat: { type: 'int64', shape: [2], data: [0, 2 * H] },
    },
    inputs: { ids: 'int32', mask: 'float32', lengths: 'int32' },
    outputs: ['P'],
  });
}
