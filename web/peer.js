/**
 * onnxruntime-web, where it is served beside the page: the same BiLSTM with the same weights, on one thread.
 */
import { isServed } from './elements.js';

/** @typedef {import('./bilstm.js').Weights} Weights */
/**
 * Who is compared with padless.
 * @typedef {object} Peer
 * @property {string} name
 * @property {(weights: Weights, ids: number[]) => Promise<{ run: () => Float32Array | Promise<Float32Array>, close: () => unknown }>} open
 *   the BiLSTM with these weights; run() answers the row of ids
 */

/** @param {number} value @returns {number[]} */
const varint = (value) => (value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))]);
/** @param {number} field @param {number} value */
const int = (field, value) => [...varint(8 * field), ...varint(value)];
/** A field of bytes, text or a message. @param {number} field @param {string | Uint8Array | number[]} value */
function bytes(field, value) {
  const content = typeof value === 'string' ? new TextEncoder().encode(value) : Uint8Array.from(value);
  const head = [...varint(8 * field + 2), ...varint(content.length)];
  const all = new Uint8Array(head.length + content.length);
  all.set(head);
  all.set(content, head.length);
  return all;
}
/** @param {(Uint8Array | number[])[]} parts */
function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** TensorProto: dims = 1, data_type = 2 (FLOAT 1, INT64 7), name = 8, raw_data = 9. @param {string} name @param {number[]} shape @param {Float32Array | BigInt64Array} data */
const tensor = (name, shape, data) =>
  join(
    shape.flatMap((size) => int(1, size)),
    int(2, data instanceof Float32Array ? 1 : 7),
    bytes(8, name),
    bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
/** AttributeProto: name = 1, i = 3, s = 4, ints = 8, type = 20 (INT 2, STRING 3, INTS 7). @param {[string, number | string | number[]]} entry */
const attribute = ([name, value]) => {
  if (typeof value === 'number') return join(bytes(1, name), int(3, value), int(20, 2));
  if (typeof value === 'string') return join(bytes(1, name), bytes(4, value), int(20, 3));
  return join(bytes(1, name), ...value.map((each) => int(8, each)), int(20, 7));
};
/** NodeProto: input = 1, output = 2, op_type = 4, attribute = 5. @param {string} op @param {string[]} from @param {string} to @param {Record<string, number | string | number[]>} [attributes] */
const node = (op, from, to, attributes = {}) =>
  join(
    ...from.map((name) => bytes(1, name)),
    bytes(2, to),
    bytes(4, op),
    ...Object.entries(attributes).map((entry) => bytes(5, attribute(entry))),
  );
/** ValueInfoProto of an open shape: name = 1, type = 2 of tensor_type = 1 of elem_type = 1. @param {string} name @param {number} type */
const value = (name, type) => join(bytes(1, name), bytes(2, bytes(1, int(1, type))));

/** Keras's gates i f c o in ONNX's order, i o f c. */
const order = [0, 3, 1, 2];

/** [rows, 4H] -> [4H, rows], gates in ONNX's order. @param {{ shape: number[], data: Float32Array }} weight */
function turned({ shape, data }) {
  const [rows, width] = shape.length === 2 ? shape : [1, shape[0]];
  const H = width / 4;
  const result = new Float32Array(rows * width);
  order.forEach((from, to) => {
    for (let h = 0; h < H; h++) for (let k = 0; k < rows; k++) result[(to * H + h) * rows + k] = data[k * width + from * H + h];
  });
  return result;
}

/** Embedding, bidirectional LSTM, mean, dense, softmax as an ONNX file (opset 14). @param {Weights} weights */
function onnx(weights) {
  const of = (/** @type {string} */ path) => /** @type {{ shape: number[], data: Float32Array }} */ (weights.get(path));
  /** @param {string} name */
  const both = (name) => {
    const [forward, backward] = ['forward', 'backward'].map((side) => turned(of(`rnn.${side}_layer.${name}`)));
    const all = new Float32Array(forward.length + backward.length);
    all.set(forward);
    all.set(backward, forward.length);
    return all;
  };
  const table = of('embedding.embeddings');
  const [D, H] = [table.shape[1], of('rnn.forward_layer.recurrent_kernel').shape[0]];
  const one = (/** @type {string} */ side) => [...turned(of(`rnn.${side}_layer.bias`)), ...new Float32Array(4 * H)];
  const dense = of('dense.kernel');
  const tensors = [
    tensor('table', table.shape, table.data),
    tensor('W', [2, 4 * H, D], both('kernel')),
    tensor('R', [2, 4 * H, H], both('recurrent_kernel')),
    tensor('B', [2, 8 * H], Float32Array.from([...one('forward'), ...one('backward')])),
    tensor('shape', [2], BigInt64Array.of(1n, -1n)),
    tensor('kernel', dense.shape, dense.data),
    tensor('bias', [dense.shape[1]], of('dense.bias').data),
  ];
  const nodes = [
    node('Gather', ['table', 'ids'], 'x'),
    node('LSTM', ['x', 'W', 'R', 'B'], 'y', { direction: 'bidirectional', hidden_size: H }),
    node('ReduceMean', ['y'], 'mean', { axes: [0], keepdims: 0 }),
    node('Reshape', ['mean', 'shape'], 'row'),
    node('MatMul', ['row', 'kernel'], 'product'),
    node('Add', ['product', 'bias'], 'sum'),
    node('Softmax', ['sum'], 'answer'),
  ];
  // GraphProto: node = 1, name = 2, initializer = 5, input = 11, output = 12.
  const graph = join(
    ...nodes.map((each) => bytes(1, each)),
    bytes(2, 'bilstm'),
    ...tensors.map((each) => bytes(5, each)),
    bytes(11, value('ids', 7)),
    bytes(12, value('answer', 1)),
  );
  // ModelProto: ir_version = 1, graph = 7, opset_import = 8 of version = 2.
  return join(int(1, 8), bytes(7, graph), bytes(8, int(2, 14)));
}

/** @returns {Promise<Peer | null>} null: it is not served */
export async function loadOnnxruntime() {
  const address = import.meta.resolve('onnxruntime-web/wasm');
  if (!(await isServed(address))) return null;
  const ort = await import(address);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = new URL('./', address).href;
  ort.env.logLevel = 'error';
  return {
    name: 'onnxruntime-web',
    async open(weights, ids) {
      const session = await ort.InferenceSession.create(onnx(weights));
      const input = new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [ids.length, 1]);
      return {
        run: async () => (await session.run({ ids: input })).answer.data,
        close: () => session.release(),
      };
    },
  };
}
