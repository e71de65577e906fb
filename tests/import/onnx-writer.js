/**
 * Writes ONNX files (github.com/onnx/onnx, onnx.proto) field by field, also invalid ones. web/onnx.js writes only valid files.
 */
import { PbfWriter } from 'pbf';

/** A value of a field: an integer, text, bytes, or the fields of a message. @typedef {number | bigint | string | Uint8Array | Field[]} Content */
/** @typedef {[number, Content]} Field  its number in onnx.proto, and its value */

/** A varint of protobuf, in base 128; negative numbers take ten bytes. @param {number} value */
export function varint(value) {
  const pbf = new PbfWriter();
  pbf.writeVarint(value);
  return pbf.finish();
}

/** @param {Field[]} fields @param {PbfWriter} pbf */
function writeFields(fields, pbf) {
  for (const [number, content] of fields)
    if (typeof content === 'number' || typeof content === 'bigint') pbf.writeVarintField(number, Number(content));
    else if (typeof content === 'string') pbf.writeStringField(number, content);
    else if (content instanceof Uint8Array) pbf.writeBytesField(number, content);
    else pbf.writeMessage(number, writeFields, content);
}

/** The bytes of a message. @param {Field[]} fields @returns {Uint8Array} */
export function message(fields) {
  const pbf = new PbfWriter();
  writeFields(fields, pbf);
  return pbf.finish();
}

/** TensorProto. @param {string} name @param {(number | bigint)[]} dims @param {Float32Array | BigInt64Array} data @returns {Field[]} */
export const tensor = (name, dims, data) => [
  ...dims.map((size) => /** @type {Field} */ ([1, size])),
  [2 /* data_type */, data instanceof Float32Array ? 1 : 7],
  [8, name],
  [9 /* raw_data */, new Uint8Array(data.buffer)],
];

/** ValueInfoProto. @param {string} name @param {number} type @param {(number | string)[]} shape @returns {Field[]} */
export const value = (name, type, shape) => [
  [1, name],
  [
    2,
    [
      [
        1,
        [
          [1, type],
          [2, shape.map((size) => /** @type {Field} */ ([1, [[typeof size === 'number' ? 1 : 2, size]]]))],
        ],
      ],
    ],
  ],
];

/**
 * NodeProto. An attribute is an integer, a list of integers, text, { t: TensorProto } or { g: GraphProto } as fields, or { ref: NAME } for an integer
 * attribute of the call of a function.
 * @param {string} op @param {string[]} inputs @param {string[]} outputs @param {Record<string, any>} [attributes] @param {string} [domain]
 * @returns {Field[]}
 */
export const node = (op, inputs, outputs, attributes = {}, domain = '') => [
  ...inputs.map((name) => /** @type {Field} */ ([1, name])),
  ...outputs.map((name) => /** @type {Field} */ ([2, name])),
  [3, `${op} of ${outputs[0]}`],
  [4, op],
  ...Object.entries(attributes).map(([name, content]) => /** @type {Field} */ ([5, [[1, name], ...attribute(content)]])),
  ...(domain ? [/** @type {Field} */ ([7, domain])] : []),
];

/** @param {any} content @returns {Field[]} */
function attribute(content) {
  if (typeof content === 'number' || typeof content === 'bigint') return [[3, content], [20, 2]]; // prettier-ignore
  if (typeof content === 'string') return [[4, content], [20, 3]]; // prettier-ignore
  if (Array.isArray(content)) return [...content.map((each) => /** @type {Field} */ ([8, each])), [20, 7]];
  if (content.ref) return [[21, content.ref], [20, 2]]; // prettier-ignore
  return content.t ? [[5, content.t], [20, 4]] : [[6, content.g], [20, 5]]; // prettier-ignore
}

/**
 * GraphProto. @param {{ nodes: Field[][], constants?: Field[][], inputs?: Field[][], outputs?: string[] }} parts @returns {Field[]}
 */
export const graph = ({ nodes, constants = [], inputs = [], outputs = ['y'] }) => [
  ...nodes.map((each) => /** @type {Field} */ ([1, each])),
  [2, 'graph'],
  ...constants.map((each) => /** @type {Field} */ ([5, each])),
  ...inputs.map((each) => /** @type {Field} */ ([11, each])),
  ...outputs.map((name) => /** @type {Field} */ ([12, value(name, 1, [])])),
];

/** ModelProto. @param {Field[]} of  the graph @param {{ opset?: number, functions?: Field[][], domains?: string[] }} [more] */
export const model = (of, { opset = 17, functions = [], domains = [] } = {}) =>
  message([
    [1 /* ir_version */, 8],
    [7, of],
    [8, [[1, ''], [2, opset]]], // prettier-ignore
    ...domains.map((domain) => /** @type {Field} */ ([8, [[1, domain], [2, 1]]])), // prettier-ignore
    ...functions.map((each) => /** @type {Field} */ ([25, each])),
  ]);

/** FunctionProto of the domain `own`, with an input x and an output y. @param {string} name @param {Field[][]} nodes @returns {Field[]} */
export const functionOf = (name, nodes) => [
  [1, name],
  [4, 'x'],
  [5, 'y'],
  ...nodes.map((each) => /** @type {Field} */ ([7, each])),
  [10, 'own'],
];
