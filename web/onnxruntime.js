/**
 * Runs the BiLSTM in onnxruntime-web, with the same weights and on one thread, if the page's server has that package and the package pbf, which
 * writes the model as an ONNX file.
 */
import { isServed } from './served.js';

/** @typedef {import('./bilstm.js').Weights} Weights */
/** @typedef {import('./bilstm.js').Peer} Peer */

/**
 * Embedding, bidirectional LSTM, mean, dense, softmax as an ONNX file.
 * @param {typeof import('./onnx.js')} writer
 * @param {Weights} weights
 */
function bilstmAsOnnx({ onnxGraph, onnxRnn }, weights) {
  const weight = (/** @type {string} */ path) => /** @type {{ shape: number[], data: Float32Array }} */ (weights.get(path));
  const table = weight('embedding.embeddings');
  const dense = weight('dense.kernel');
  const [D, H] = [table.shape[1], weight('rnn.forward_layer.recurrent_kernel').shape[0]];
  const [forward, backward] = ['forward', 'backward'].map((side) => {
    const [kernel, recurrent, bias] = ['kernel', 'recurrent_kernel', 'bias'].map(
      (name) => weight(`rnn.${side}_layer.${name}`).data,
    );
    return onnxRnn('LSTM', { kernel, recurrent, bias }, D, H);
  });
  /** @param {'W' | 'R' | 'B'} name @param {number[]} shape */
  const both = (name, shape) => {
    const data = new Float32Array(2 * forward[name].length);
    data.set(forward[name]);
    data.set(backward[name], forward[name].length);
    return /** @type {const} */ ({ type: 'float32', shape, data });
  };
  return onnxGraph({
    nodes: [
      { op: 'Gather', inputs: ['table', 'ids'], outputs: ['x'] },
      { op: 'LSTM', inputs: ['x', 'W', 'R', 'B'], outputs: ['y'], attributes: { direction: 'bidirectional', hidden_size: H } },
      { op: 'ReduceMean', inputs: ['y'], outputs: ['mean'], attributes: { axes: [0], keepdims: 0 } },
      { op: 'Reshape', inputs: ['mean', 'shape'], outputs: ['row'] },
      { op: 'MatMul', inputs: ['row', 'kernel'], outputs: ['product'] },
      { op: 'Add', inputs: ['product', 'bias'], outputs: ['sum'] },
      { op: 'Softmax', inputs: ['sum'], outputs: ['answer'] },
    ],
    constants: {
      table: { type: 'float32', ...table },
      W: both('W', [2, 4 * H, D]),
      R: both('R', [2, 4 * H, H]),
      B: both('B', [2, 8 * H]),
      shape: { type: 'int64', shape: [2], data: [1, -1] },
      kernel: { type: 'float32', ...dense },
      bias: { type: 'float32', ...weight('dense.bias') },
    },
    inputs: { ids: 'int64' },
    outputs: ['answer'],
  });
}

/** @returns {Promise<Peer | null>} null if the page's server does not have the packages */
export async function loadOnnxruntime() {
  const address = import.meta.resolve('onnxruntime-web/wasm');
  if (!(await isServed(address)) || !(await isServed(import.meta.resolve('pbf')))) return null;
  const [ort, writer] = await Promise.all([import(address), import('./onnx.js')]);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = new URL('./', address).href;
  ort.env.logLevel = 'error';
  return {
    name: 'onnxruntime-web',
    async open(weights, ids) {
      const session = await ort.InferenceSession.create(bilstmAsOnnx(writer, weights));
      const input = new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [ids.length, 1]);
      return {
        run: async () => (await session.run({ ids: input })).answer.data,
        close: () => session.release(),
      };
    },
  };
}
