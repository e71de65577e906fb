/**
 * onnxruntime-web, where it is served beside the page: the same BiLSTM with the same weights, on one thread.
 */
import { isServed } from './served.js';

/** @typedef {import('./bilstm.js').Weights} Weights */
/** @typedef {import('./bilstm.js').Peer} Peer */

/** @param {number} value @returns {number[]} */
const varint = (value) => (value < 128 ? [value] : [128 + (value % 128), ...varint(Math.floor(value / 128))]);
/** @param {number} field @param {number} value */
const intField = (field, value) => [...varint(8 * field), ...varint(value)];
/** A field of bytes, text or a message. @param {number} field @param {string | Uint8Array | number[]} value */
function bytesField(field, value) {
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
    shape.flatMap((size) => intField(1, size)),
    intField(2, data instanceof Float32Array ? 1 : 7),
    bytesField(8, name),
    bytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
/** AttributeProto: name = 1, i = 3, s = 4, ints = 8, type = 20 (INT 2, STRING 3, INTS 7). @param {[string, number | string | number[]]} entry */
const attribute = ([name, value]) => {
  if (typeof value === 'number') return join(bytesField(1, name), intField(3, value), intField(20, 2));
  if (typeof value === 'string') return join(bytesField(1, name), bytesField(4, value), intField(20, 3));
  return join(bytesField(1, name), ...value.map((each) => intField(8, each)), intField(20, 7));
};
/** NodeProto: input = 1, output = 2, op_type = 4, attribute = 5. @param {string} op @param {string[]} from @param {string} to @param {Record<string, number | string | number[]>} [attributes] */
const node = (op, from, to, attributes = {}) =>
  join(
    ...from.map((name) => bytesField(1, name)),
    bytesField(2, to),
    bytesField(4, op),
    ...Object.entries(attributes).map((entry) => bytesField(5, attribute(entry))),
  );
/** ValueInfoProto of an open shape: name = 1, type = 2 of tensor_type = 1 of elem_type = 1. @param {string} name @param {number} type */
const valueInfo = (name, type) => join(bytesField(1, name), bytesField(2, bytesField(1, intField(1, type))));

/** Keras's gates i f c o in ONNX's order, i o f c. */
const gateOrder = [0, 3, 1, 2];

/** [rows, 4H] -> [4H, rows], gates in ONNX's gateOrder. @param {{ shape: number[], data: Float32Array }} weight */
function toOnnxLayout({ shape, data }) {
  const [rows, width] = shape.length === 2 ? shape : [1, shape[0]];
  const H = width / 4;
  const result = new Float32Array(rows * width);
  gateOrder.forEach((from, to) => {
    for (let h = 0; h < H; h++) for (let k = 0; k < rows; k++) result[(to * H + h) * rows + k] = data[k * width + from * H + h];
  });
  return result;
}

/** Embedding, bidirectional LSTM, mean, dense, softmax as an ONNX file (opset 14). @param {Weights} weights */
function bilstmAsOnnx(weights) {
  const of = (/** @type {string} */ path) => /** @type {{ shape: number[], data: Float32Array }} */ (weights.get(path));
  /** @param {string} name */
  const both = (name) => {
    const [forward, backward] = ['forward', 'backward'].map((side) => toOnnxLayout(of(`rnn.${side}_layer.${name}`)));
    const all = new Float32Array(forward.length + backward.length);
    all.set(forward);
    all.set(backward, forward.length);
    return all;
  };
  const table = of('embedding.embeddings');
  const [D, H] = [table.shape[1], of('rnn.forward_layer.recurrent_kernel').shape[0]];
  const one = (/** @type {string} */ side) => [...toOnnxLayout(of(`rnn.${side}_layer.bias`)), ...new Float32Array(4 * H)];
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
    ...nodes.map((each) => bytesField(1, each)),
    bytesField(2, 'bilstm'),
    ...tensors.map((each) => bytesField(5, each)),
    bytesField(11, valueInfo('ids', 7)),
    bytesField(12, valueInfo('answer', 1)),
  );
  // ModelProto: ir_version = 1, graph = 7, opset_import = 8 of version = 2.
  return join(intField(1, 8), bytesField(7, graph), bytesField(8, intField(2, 14)));
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
      const session = await ort.InferenceSession.create(bilstmAsOnnx(weights));
      const input = new ort.Tensor('int64', BigInt64Array.from(ids, BigInt), [ids.length, 1]);
      return {
        run: async () => (await session.run({ ids: input })).answer.data,
        close: () => session.release(),
      };
    },
  };
}
