/**
 * The least of ONNX's protobuf that a model of one node takes (onnx/onnx.proto3, opset 14).
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
const types = { float32: 1, int32: 6 };

/** @param {string} name @param {keyof typeof types} type  ValueInfoProto; the shape stays open */
const valueInfo = (name, type) => [...bytes(1, name), ...bytes(2 /* type */, bytes(1 /* tensor_type */, int(1, types[type])))];

/** AttributeProto: name = 1, f = 2, i = 3, s = 4, strings = 9, type = 20 (FLOAT 1, INT 2, STRING 3, STRINGS 8) */
/** @param {string} name @param {number | string | string[]} value */
function attribute(name, value) {
  if (Array.isArray(value)) return [...bytes(1, name), ...value.flatMap((item) => bytes(9, item)), ...int(20, 8)];
  if (typeof value === 'string') return [...bytes(1, name), ...bytes(4, value), ...int(20, 3)];
  if (Number.isInteger(value)) return [...bytes(1, name), ...int(3, value), ...int(20, 2)];
  return [...bytes(1, name), ...float(2, value), ...int(20, 1)];
}

/**
 * A model of one node whose inputs and outputs are the model's.
 * @param {string} operator
 * @param {Record<string, number | string | string[]>} attributes
 * @param {Record<string, keyof typeof types>} inputs  name -> type, in the operator's order
 * @param {string[]} outputs  float32
 * @returns {Uint8Array} ModelProto
 */
export function onnxModel(operator, attributes, inputs, outputs) {
  const node = [
    ...Object.keys(inputs).flatMap((name) => bytes(1 /* input */, name)),
    ...outputs.flatMap((name) => bytes(2 /* output */, name)),
    ...bytes(4 /* op_type */, operator),
    ...Object.entries(attributes).flatMap(([name, value]) => bytes(5 /* attribute */, attribute(name, value))),
  ];
  const graph = [
    ...bytes(1 /* node */, node),
    ...bytes(2 /* name */, operator),
    ...Object.entries(inputs).flatMap(([name, type]) => bytes(11 /* input */, valueInfo(name, type))),
    ...outputs.flatMap((name) => bytes(12 /* output */, valueInfo(name, 'float32'))),
  ];
  return Uint8Array.from([
    ...int(1 /* ir_version */, 8),
    ...bytes(7 /* graph */, graph),
    ...bytes(8 /* opset_import */, int(2 /* version */, 14)),
  ]);
}
