/**
 * The least of ONNX's protobuf that a small graph takes (onnx/onnx.proto3, opset 14).
 * Field numbers stand beside the names that onnx.proto3 has for them.
 */

/** @param {number} value  a whole number from 0 on */
function varint(value) {
  const groups = [];
  for (; value > 127; value = Math.floor(value / 128)) groups.push((value % 128) + 128);
  return [...groups, value];
}

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;

/** @param {number} number @param {number} value */
const int = (number, value) => [...varint(number * 8 + VARINT), ...varint(value)];

/** @param {number} number @param {number} value */
const float = (number, value) => [...varint(number * 8 + FIXED32), ...new Uint8Array(Float32Array.of(value).buffer)];

/** @param {number} number @param {string | ArrayLike<number>} value  text, bytes or a message */
function bytes(number, value) {
  const content = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return [...varint(number * 8 + BYTES), ...varint(content.length), ...Array.from(content)];
}

/** TensorProto.DataType */
const types = { float32: 1, int32: 6, int64: 7, bool: 9 };

/** @param {string} name @param {keyof typeof types} type  ValueInfoProto; the shape stays open */
const valueInfo = (name, type) => [...bytes(1, name), ...bytes(2 /* type */, bytes(1 /* tensor_type */, int(1, types[type])))];

/** AttributeProto: name = 1, f = 2, i = 3, s = 4, ints = 8, strings = 9, type = 20 (FLOAT 1, INT 2, STRING 3, INTS 7, STRINGS 8) */
/** @param {string} name @param {number | string | string[] | number[]} value */
function attribute(name, value) {
  if (Array.isArray(value) && typeof value[0] === 'number')
    return [...bytes(1, name), ...value.flatMap((item) => int(8, Number(item))), ...int(20, 7)];
  if (Array.isArray(value)) return [...bytes(1, name), ...value.flatMap((item) => bytes(9, String(item))), ...int(20, 8)];
  if (typeof value === 'string') return [...bytes(1, name), ...bytes(4, value), ...int(20, 3)];
  if (Number.isInteger(value)) return [...bytes(1, name), ...int(3, value), ...int(20, 2)];
  return [...bytes(1, name), ...float(2, value), ...int(20, 1)];
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

/** TensorProto, its values as raw bytes. @param {string} name @param {Constant} constant @returns {Uint8Array} */
function tensor(name, { type, shape, data }) {
  const values =
    type === 'int64' ? BigInt64Array.from(data, BigInt) : type === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
  const raw = new Uint8Array(values.buffer);
  const head = [...shape.flatMap((size) => int(1 /* dims */, size)), ...int(2 /* data_type */, types[type]), ...bytes(8, name)];
  return joined([Uint8Array.from([...head, ...varint(9 /* raw_data */ * 8 + BYTES), ...varint(raw.length)]), raw]);
}

/** @typedef {Record<string, number | string | string[] | number[]>} Attributes */
/** @typedef {{ type: 'float32' | 'int32' | 'int64', shape: number[], data: ArrayLike<number> }} Constant */
/** @typedef {{ op: string, inputs: string[], outputs: string[], attributes?: Attributes }} OnnxNode */

/**
 * @param {object} graph
 * @param {OnnxNode[]} graph.nodes  in order; an input that is left out is ''
 * @param {Record<string, Constant>} [graph.constants]
 * @param {Record<string, keyof typeof types>} graph.inputs  name -> type
 * @param {string[]} graph.outputs  float32
 * @returns {Uint8Array} ModelProto
 */
export function onnxGraph({ nodes, constants = {}, inputs, outputs }) {
  const node = (/** @type {OnnxNode} */ { op, inputs: from, outputs: to, attributes = {} }) => [
    ...from.flatMap((name) => bytes(1 /* input */, name)),
    ...to.flatMap((name) => bytes(2 /* output */, name)),
    ...bytes(4 /* op_type */, op),
    ...Object.entries(attributes).flatMap(([name, value]) => bytes(5 /* attribute */, attribute(name, value))),
  ];
  const graph = joined([
    Uint8Array.from([...nodes.flatMap((each) => bytes(1 /* node */, node(each))), ...bytes(2 /* name */, 'graph')]),
    ...Object.entries(constants).flatMap(([name, constant]) => {
      const content = tensor(name, constant);
      return [Uint8Array.from([...varint(5 /* initializer */ * 8 + BYTES), ...varint(content.length)]), content];
    }),
    Uint8Array.from([
      ...Object.entries(inputs).flatMap(([name, type]) => bytes(11 /* input */, valueInfo(name, type))),
      ...outputs.flatMap((name) => bytes(12 /* output */, valueInfo(name, 'float32'))),
    ]),
  ]);
  return joined([
    Uint8Array.from([...int(1 /* ir_version */, 8), ...varint(7 /* graph */ * 8 + BYTES), ...varint(graph.length)]),
    graph,
    Uint8Array.from(bytes(8 /* opset_import */, int(2 /* version */, 14))),
  ]);
}

/**
 * A model of one node whose inputs and outputs are the model's.
 * @param {string} op
 * @param {Attributes} attributes
 * @param {Record<string, keyof typeof types>} inputs  name -> type, in the operator's order
 * @param {string[]} outputs  float32
 */
export const onnxModel = (op, attributes, inputs, outputs) =>
  onnxGraph({ nodes: [{ op, inputs: Object.keys(inputs), outputs, attributes }], inputs, outputs });

/** Gates in Keras's order: for each, where ONNX has it (ONNX: GRU z r h, LSTM i o f c). */
export const gateOrders = { SimpleRNN: [0], GRU: [0, 1, 2], LSTM: [0, 2, 3, 1] };
export const operators = { SimpleRNN: 'RNN', GRU: 'GRU', LSTM: 'LSTM' };

/**
 * One direction's weights as ONNX has them, from Keras's: W [G*H, D], R [G*H, H], B [Wb Rb]. ONNX always has two biases; one of Keras's
 * takes the place of both, with Rb zero.
 * @param {keyof typeof operators} cell
 * @param {{ kernel: ArrayLike<number>, recurrent: ArrayLike<number>, bias: ArrayLike<number> }} weights  [D, G*H], [H, G*H], [G*H] or [2, G*H]
 * @param {number} D @param {number} H
 */
export function onnxRnn(cell, { kernel, recurrent, bias }, D, H) {
  const order = gateOrders[cell];
  const width = order.length * H;
  /** [rows, G*H] -> [G*H, rows], in ONNX's order. @param {ArrayLike<number>} data @param {number} rows @param {number} offset */
  const transposed = (data, rows, offset = 0) => {
    const result = new Float32Array(rows * width);
    order.forEach((to, gate) => {
      for (let h = 0; h < H; h++)
        for (let k = 0; k < rows; k++) result[(to * H + h) * rows + k] = data[offset + k * width + gate * H + h];
    });
    return result;
  };
  const second = bias.length > width ? transposed(bias, 1, width) : new Float32Array(width);
  return { W: transposed(kernel, D), R: transposed(recurrent, H), B: Float32Array.of(...transposed(bias, 1), ...second) };
}
