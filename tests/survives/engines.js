/**
 * The model of forms.js in padless, TF.js and onnxruntime-web. Each engine uses its own means against padding: a mask, or lengths.
 */
import { createRequire } from 'node:module';
import { createModel } from 'padless';
import { onnxGraph, onnxRnn } from '../../web/onnx.js';
import { meanClassifier } from '../bench/models.js';
import { sizes, weights } from './forms.js';

const { V, D, H, K } = sizes;
const require = createRequire(new URL('../bench/peers/', import.meta.url));

/** @typedef {(rows: number[][], form: string) => Promise<ArrayLike<number> | null> | ArrayLike<number> | null} Answer */

/** @returns {Promise<Answer>} */
export async function padless() {
  const rnn = { class_name: 'LSTM', config: { name: 'lstm', units: H, return_sequences: true } };
  const layers = [
    { class_name: 'Embedding', config: { name: 'embedding', input_dim: V, output_dim: D, mask_zero: true } },
    { class_name: 'Bidirectional', config: { name: 'rnn', layer: rnn } },
    { class_name: 'GlobalAveragePooling1D', config: { name: 'mean' } },
    { class_name: 'Dense', config: { name: 'dense', units: K, activation: 'softmax' } },
  ];
  const architecture = { class_name: 'Sequential', config: { name: 'model', layers } };
  const model = await createModel({ architecture, weights: () => new Map(Object.entries(weights)) });
  return (rows) => model.run(rows)[0].data;
}

/** @returns {Promise<Answer>} */
export async function tensorflow() {
  const tf = require('@tensorflow/tfjs');
  require('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
  const layer = tf.layers.lstm({ units: H, returnSequences: true, recurrentActivation: 'sigmoid', recurrentInitializer: 'zeros' });
  const model = tf.sequential({
    layers: [
      tf.layers.embedding({ inputDim: V, outputDim: D, maskZero: true, batchInputShape: [null, null] }),
      tf.layers.bidirectional({ layer, mergeMode: 'concat' }),
      tf.layers.globalAveragePooling1d({}),
      tf.layers.dense({ units: K, activation: 'softmax' }),
    ],
  });
  // TF.js and padless list the weights of these layers in the same order.
  model.setWeights(Object.values(weights).map(({ shape, data }) => tf.tensor(data, shape)));
  return (rows) => tf.tidy(() => model.predict(tf.tensor2d(rows, undefined, 'int32')).dataSync());
}

/** The weights of both directions in ONNX's layout. */
function directions() {
  const sides = ['forward_layer', 'backward_layer'].map((side) => {
    const [kernel, recurrent, bias] = ['kernel', 'recurrent_kernel', 'bias'].map((name) => weights[`rnn.${side}.${name}`].data);
    return onnxRnn('LSTM', { kernel, recurrent, bias }, D, H);
  });
  /** @param {'W' | 'R' | 'B'} name */
  const both = (name) => sides.flatMap((side) => [...side[name]]);
  return { W: both('W'), R: both('R'), B: both('B') };
}

/** Weights [2, 4H, n] as int8 [2, n, 4H], with a scale for each direction. @param {number[]} values @param {number} n */
function quantised(values, n) {
  const half = values.length / 2;
  const scales = [0, 1].map((side) => Math.max(...values.slice(side * half, (side + 1) * half).map(Math.abs)) / 127);
  const data = Array.from(values, () => 0);
  for (let side = 0; side < 2; side++)
    for (let row = 0; row < 4 * H; row++)
      for (let k = 0; k < n; k++)
        data[side * half + k * 4 * H + row] = Math.round(values[side * half + row * n + k] / scales[side]);
  return { data, scales };
}

/** @param {'float32' | 'int8'} type @returns {Promise<Answer>} */
export async function onnxruntime(type) {
  const ort = await import('onnxruntime-web/wasm');
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const { W, R, B } = directions();
  /** @type {Record<string, import('../../web/onnx.js').Constant>} */
  const constants = {
    table: { type: 'float32', ...weights['embedding.embeddings'] },
    B: { type: 'float32', shape: [2, 8 * H], data: B },
    kernel: { type: 'float32', ...weights['dense.kernel'] },
    bias: { type: 'float32', ...weights['dense.bias'] },
    time: { type: 'int64', shape: [1], data: [0] },
    flat: { type: 'int64', shape: [2], data: [0, 2 * H] },
  };
  const rnn = { op: 'LSTM', inputs: ['X', 'W', 'R', 'B', 'lengths'], domain: '' };
  if (type === 'float32') {
    constants.W = { type, shape: [2, 4 * H, D], data: W };
    constants.R = { type, shape: [2, 4 * H, H], data: R };
  } else {
    for (const [name, values, n] of /** @type {const} */ ([
      ['W', W, D],
      ['R', R, H],
    ])) {
      const { data, scales } = quantised(values, n);
      constants[name] = { type, shape: [2, n, 4 * H], data };
      constants[`${name}_scale`] = { type: 'float32', shape: [2], data: scales };
      constants[`${name}_zero`] = { type, shape: [2], data: [0, 0] };
    }
    rnn.op = 'DynamicQuantizeLSTM';
    rnn.domain = 'com.microsoft';
    rnn.inputs.push('', '', '', 'W_scale', 'W_zero', 'R_scale', 'R_zero');
  }
  const graph = onnxGraph({
    nodes: meanClassifier({ ...rnn, attributes: { direction: 'bidirectional', hidden_size: H } }),
    constants,
    inputs: { ids: 'int32', mask: 'float32', lengths: 'int32' },
    outputs: ['P'],
  });
  const session = await ort.InferenceSession.create(graph);
  return async (rows) => {
    const [N, T] = [rows.length, rows[0].length];
    const ids = Int32Array.from({ length: T * N }, (_, i) => rows[i % N][Math.floor(i / N)]);
    // A length ends at the last step that is not padding, so it includes padding at the start or in the middle.
    const lengths = Int32Array.from(rows, (row) => row.findLastIndex((id) => id !== 0) + 1);
    const { P } = await session.run({
      ids: new ort.Tensor('int32', ids, [T, N]),
      mask: new ort.Tensor(
        'float32',
        Float32Array.from(ids, (id) => Number(id !== 0)),
        [T, 1, N, 1],
      ),
      lengths: new ort.Tensor('int32', lengths, [N]),
    });
    return /** @type {Float32Array} */ (P.data);
  };
}
