/**
 * Writes small ONNX files (github.com/onnx/onnx, onnx.proto, opset 14) in protobuf encoding, with the package pbf. The page compares padless with
 * onnxruntime-web on such a file; tests and the bench write their models with it, too.
 */
import { PbfWriter } from 'pbf';

/** TensorProto.DataType */
const dataTypes = { float32: 1, int8: 3, int32: 6, int64: 7, bool: 9 };
/** AttributeProto.AttributeType */
const attributeTypes = { float: 1, int: 2, string: 3, floats: 6, ints: 7, strings: 8 };

/** @typedef {keyof typeof dataTypes} DataType */
/** @typedef {number | string | string[] | number[] | Float32Array} Attribute  number[]: integers */
/** @typedef {{ type: 'float32' | 'int8' | 'int32' | 'int64', shape: number[], data: ArrayLike<number> }} Constant */
/** @typedef {{ op: string, inputs: string[], outputs: string[], attributes?: Record<string, Attribute>, domain?: string }} OnnxNode  domain: com.microsoft for operators of onnxruntime */
/**
 * @typedef {object} OnnxGraph
 * @property {OnnxNode[]} nodes  in the order of computation; an omitted input is ''
 * @property {Record<string, Constant>} [constants]  by name
 * @property {Record<string, DataType>} inputs  name -> type
 * @property {string[]} outputs  float32
 * @property {Record<string, (number | string)[]>} [shapes]  of inputs: sizes, or names of symbolic sizes; any shape if absent
 * @property {number} [opset]  14 by default
 */

// The comment beside each field number is the field's name in onnx.proto. Each function writes the fields of one message.

/** @param {[string, Attribute]} entry @param {PbfWriter} pbf */
function writeAttribute([name, value], pbf) {
  pbf.writeStringField(1 /* name */, name);
  /** @type {keyof typeof attributeTypes} */
  let type;
  if (typeof value === 'string') {
    type = 'string';
    pbf.writeStringField(4 /* s */, value);
  } else if (typeof value === 'number') {
    type = Number.isInteger(value) ? 'int' : 'float';
    if (type === 'int') pbf.writeVarintField(3 /* i */, value);
    else pbf.writeFloatField(2 /* f */, value);
  } else if (value instanceof Float32Array) {
    type = 'floats';
    for (const item of value) pbf.writeFloatField(7 /* floats */, item);
  } else {
    type = typeof value[0] === 'number' ? 'ints' : 'strings';
    for (const item of value)
      if (typeof item === 'number') pbf.writeVarintField(8 /* ints */, item);
      else pbf.writeStringField(9 /* strings */, item);
  }
  pbf.writeVarintField(20 /* type */, attributeTypes[type]);
}

/** @param {OnnxNode} node @param {PbfWriter} pbf */
function writeNode({ op, inputs, outputs, attributes = {}, domain }, pbf) {
  for (const name of inputs) pbf.writeStringField(1 /* input */, name);
  for (const name of outputs) pbf.writeStringField(2 /* output */, name);
  pbf.writeStringField(4 /* op_type */, op);
  for (const entry of Object.entries(attributes)) pbf.writeMessage(5 /* attribute */, writeAttribute, entry);
  if (domain) pbf.writeStringField(7 /* domain */, domain);
}

/** @param {Constant} constant */
function valuesOf({ type, data }) {
  if (type === 'int64') return BigInt64Array.from(data, BigInt);
  if (type === 'int8') return Int8Array.from(data);
  return type === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
}

/** @param {[string, Constant]} entry @param {PbfWriter} pbf */
function writeTensor([name, constant], pbf) {
  for (const size of constant.shape) pbf.writeVarintField(1 /* dims */, size);
  pbf.writeVarintField(2 /* data_type */, dataTypes[constant.type]);
  pbf.writeStringField(8 /* name */, name);
  pbf.writeBytesField(9 /* raw_data */, new Uint8Array(valuesOf(constant).buffer));
}

/** @typedef {{ type: DataType, shape?: (number | string)[] | undefined }} TensorType  shape: any if absent */

/** An input or output. @param {[string, TensorType]} entry @param {PbfWriter} pbf */
function writeValueInfo([name, type], pbf) {
  pbf.writeStringField(1 /* name */, name);
  pbf.writeMessage(2 /* type */, writeType, type);
}
/** @param {TensorType} type @param {PbfWriter} pbf */
const writeType = (type, pbf) => pbf.writeMessage(1 /* tensor_type */, writeTensorType, type);
/** @param {TensorType} type @param {PbfWriter} pbf */
function writeTensorType({ type, shape }, pbf) {
  pbf.writeVarintField(1 /* elem_type */, dataTypes[type]);
  if (shape) pbf.writeMessage(2 /* shape */, writeShape, shape);
}
/** @param {(number | string)[]} shape @param {PbfWriter} pbf */
function writeShape(shape, pbf) {
  for (const size of shape) pbf.writeMessage(1 /* dim */, writeSize, size);
}
/** @param {number | string} size @param {PbfWriter} pbf */
function writeSize(size, pbf) {
  if (typeof size === 'number') pbf.writeVarintField(1 /* dim_value */, size);
  else pbf.writeStringField(2 /* dim_param */, size);
}

/** @param {OnnxGraph} graph @param {PbfWriter} pbf */
function writeGraph({ nodes, constants = {}, inputs, outputs, shapes = {} }, pbf) {
  for (const node of nodes) pbf.writeMessage(1 /* node */, writeNode, node);
  pbf.writeStringField(2 /* name */, 'graph');
  for (const entry of Object.entries(constants)) pbf.writeMessage(5 /* initializer */, writeTensor, entry);
  const write = (/** @type {number} */ field, /** @type {string} */ name, /** @type {DataType} */ type) =>
    pbf.writeMessage(field, writeValueInfo, /** @type {[string, TensorType]} */ ([name, { type, shape: shapes[name] }]));
  for (const [name, type] of Object.entries(inputs)) write(11 /* input */, name, type);
  for (const name of outputs) write(12 /* output */, name, 'float32');
}

/** @param {{ domain?: string, version: number }} opset @param {PbfWriter} pbf */
function writeOpset({ domain, version }, pbf) {
  if (domain) pbf.writeStringField(1 /* domain */, domain);
  pbf.writeVarintField(2 /* version */, version);
}

/** @param {OnnxGraph} graph @returns {Uint8Array} an ONNX file: ModelProto */
export function onnxGraph(graph) {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1 /* ir_version */, 8);
  pbf.writeMessage(7 /* graph */, writeGraph, graph);
  pbf.writeMessage(8 /* opset_import */, writeOpset, { version: graph.opset ?? 14 });
  for (const domain of new Set(graph.nodes.map((node) => node.domain)))
    if (domain) pbf.writeMessage(8 /* opset_import */, writeOpset, { domain, version: 1 });
  return pbf.finish();
}

/** For each gate in Keras's order, its index in ONNX's order (GRU z r h, LSTM i o f c). */
export const gateOrders = { SimpleRNN: [0], GRU: [0, 1, 2], LSTM: [0, 2, 3, 1] };
export const operators = { SimpleRNN: 'RNN', GRU: 'GRU', LSTM: 'LSTM' };

/**
 * Converts one direction's weights from Keras's layout to ONNX's: W [G*H, D], R [G*H, H], B [Wb Rb]. ONNX always has two biases: a single bias of
 * Keras becomes Wb, and Rb is zero.
 * @param {keyof typeof operators} cell
 * @param {{ kernel: ArrayLike<number>, recurrent: ArrayLike<number>, bias: ArrayLike<number> }} weights  [D, G*H], [H, G*H], [G*H] or [2, G*H]
 * @param {number} D @param {number} H
 */
export function onnxRnn(cell, { kernel, recurrent, bias }, D, H) {
  const order = gateOrders[cell];
  const width = order.length * H;
  /** [rows, G*H] -> [G*H, rows], in ONNX's order. @param {ArrayLike<number>} data @param {number} rows @param {number} offset */
  const gatesInRows = (data, rows, offset = 0) => {
    const result = new Float32Array(rows * width);
    order.forEach((to, gate) => {
      for (let h = 0; h < H; h++)
        for (let k = 0; k < rows; k++) result[(to * H + h) * rows + k] = data[offset + k * width + gate * H + h];
    });
    return result;
  };
  const second = bias.length > width ? gatesInRows(bias, 1, width) : new Float32Array(width);
  return { W: gatesInRows(kernel, D), R: gatesInRows(recurrent, H), B: Float32Array.of(...gatesInRows(bias, 1), ...second) };
}
