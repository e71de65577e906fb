/**
 * Reads the messages of an ONNX file (github.com/onnx/onnx, onnx.proto) with the package pbf, which decodes protobuf. Comments give the names of
 * field numbers in onnx.proto. Fields that padless does not need are skipped.
 * @module
 */
import { ModelFileError } from '../../errors.js';
import { textDecoder } from '../../runtime/engine.js';

/** Wire types. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Maximum depth of graphs that are nested in attributes of nodes. */
const DEPTH_MOST = 20;

/** @typedef {new (bytes: Uint8Array) => any} PbfReader  the class of the package pbf */
/** @typedef {{ number: number, type: number, value: any }} Field  value: bytes, or a number */

/**
 * @typedef {object} TensorMessage
 * @property {string} name @property {number[]} dims @property {number} type  TensorProto.DataType
 * @property {Uint8Array | null} raw
 * @property {Uint8Array[]} floats  bytes of float32 @property {number[]} ints @property {Uint8Array[]} doubles
 * @property {Record<string, string> | null} external  location, offset and length of data in another file
 */
/** @typedef {{ name: string, type: number, shape: (number | string | null)[] | null }} ValueInfo  shape: for each axis its size, the name of its symbolic size, or null if unknown; null if it is not a tensor or its rank is unknown */
/**
 * @typedef {object} NodeMessage
 * @property {string} name @property {string} op @property {string} domain @property {string[]} inputs @property {string[]} outputs
 * @property {Record<string, any>} attributes  numbers, text, lists of them, a TensorMessage or a GraphMessage
 * @property {Record<string, string>} references  attribute -> the attribute of the enclosing function that holds its value
 */
/**
 * @typedef {object} GraphMessage
 * @property {string} name @property {NodeMessage[]} nodes @property {TensorMessage[]} initializers @property {ValueInfo[]} inputs @property {ValueInfo[]} outputs
 * @property {boolean} sparse  whether it has sparse initializers
 */
/** @typedef {{ name: string, domain: string, inputs: string[], outputs: string[], attributes: Record<string, any>, nodes: NodeMessage[], opsets: Map<string, number> }} FunctionMessage */
/** @typedef {{ graph: GraphMessage, opsets: Map<string, number>, functions: FunctionMessage[], producer: string }} ModelMessage */

/** Reads one file. */
export class ProtobufReader {
  /** @param {PbfReader} Reader @param {string} file  for messages */
  constructor(Reader, file) {
    this.Reader = Reader;
    this.file = file;
  }

  /** @param {string} what @returns {never} */
  broken(what) {
    throw new ModelFileError(`${this.file}: not a valid ONNX file: ${what}`);
  }

  /** The fields of a message. @param {any} message  the value of a field @returns {Field[]} */
  fields(message) {
    const bytes = this.bytes(message, 'a message');
    const reader = new this.Reader(bytes);
    /** @type {Field[]} */
    const fields = [];
    while (reader.pos < bytes.length) {
      const tag = reader.readVarint();
      const [number, type] = [Math.floor(tag / 8), tag % 8];
      let value;
      if (type === VARINT) value = reader.readVarint(true);
      else if (type === BYTES) {
        const length = reader.readVarint();
        if (!(length <= bytes.length - reader.pos))
          this.broken(`a field has ${length} bytes, but only ${Math.max(0, bytes.length - reader.pos)} follow`);
        value = bytes.subarray(reader.pos, reader.pos + length);
        reader.pos += length;
      } else if (type === FIXED32 || type === FIXED64) {
        const length = type === FIXED32 ? 4 : 8;
        value = bytes.subarray(reader.pos, reader.pos + length);
        reader.pos += length;
      } else this.broken(`wire type ${type}, expected 0, 1, 2 or 5`);
      if (reader.pos > bytes.length) this.broken('the file ends inside a field');
      fields.push({ number, type, value });
    }
    return fields;
  }

  /** The value of a field as bytes. @param {any} value @param {string} expected  for the error @returns {Uint8Array} */
  bytes(value, expected) {
    if (!(value instanceof Uint8Array)) this.broken(`a field is a number, expected ${expected}`);
    return value;
  }

  /** @param {any} value */
  text(value) {
    return textDecoder('utf-8', { ignoreBOM: true }).decode(this.bytes(value, 'text'));
  }

  /** The value of a field as an integer. @param {any} value @returns {number} */
  integer(value) {
    if (typeof value !== 'number') this.broken('a field is text or a float, expected an integer');
    return value;
  }

  /** The bytes of a list of floats or doubles. @param {any} value @param {number} size  bytes of a number */
  list(value, size) {
    const bytes = this.bytes(value, 'a list of numbers');
    if (bytes.length % size) this.broken('a list ends inside a number');
    return bytes;
  }

  /** Appends the integers of a field, which may be packed. @param {number[]} to @param {Field} field */
  addInts(to, { type, value }) {
    if (type === VARINT) return void to.push(value);
    if (type !== BYTES) this.broken('a field is a float, expected an integer');
    const reader = new this.Reader(value);
    while (reader.pos < value.length) to.push(reader.readVarint(true));
  }

  /** The floats of a field, which may be packed. @param {any} value */
  floats(value) {
    return new Float32Array(this.list(value, 4).slice().buffer);
  }

  /** @param {Uint8Array} bytes @returns {TensorMessage} */
  tensor(bytes) {
    /** @type {TensorMessage} */
    const tensor = { name: '', dims: [], type: 0, raw: null, floats: [], ints: [], doubles: [], external: null };
    for (const field of this.fields(bytes)) {
      const { number, value } = field;
      if (number === 1) this.addInts(tensor.dims, field);
      else if (number === 2 /* data_type */) tensor.type = this.integer(value);
      else if (number === 4 /* float_data */) tensor.floats.push(this.list(value, 4));
      else if (number === 5 /* int32_data */ || number === 7 /* int64_data */ || number === 11 /* uint64_data */)
        this.addInts(tensor.ints, field);
      else if (number === 8) tensor.name = this.text(value);
      else if (number === 9 /* raw_data */) tensor.raw = this.bytes(value, 'bytes');
      else if (number === 10 /* double_data */) tensor.doubles.push(this.list(value, 8));
      else if (number === 13 /* external_data */) {
        const [key, text] = this.entry(value);
        tensor.external = { ...tensor.external, [key]: text };
      } else if (number === 14 /* data_location */ && value === 1) tensor.external ??= {};
    }
    if (tensor.external && !tensor.external.location)
      this.broken(`the tensor ${JSON.stringify(tensor.name)} is stored in another file, which it does not name`);
    return tensor;
  }

  /** StringStringEntryProto. @param {Uint8Array} bytes @returns {[string, string]} */
  entry(bytes) {
    let [key, text] = ['', ''];
    for (const { number, value } of this.fields(bytes)) {
      if (number === 1) key = this.text(value);
      if (number === 2) text = this.text(value);
    }
    return [key, text];
  }

  /** @param {Uint8Array} bytes @returns {ValueInfo} */
  valueInfo(bytes) {
    /** @type {ValueInfo} */
    const info = { name: '', type: 0, shape: null };
    for (const { number, value } of this.fields(bytes)) {
      if (number === 1) info.name = this.text(value);
      if (number !== 2 /* type */) continue;
      for (const { number: kind, value: tensor } of this.fields(value)) {
        if (kind !== 1 /* tensor_type */) continue;
        for (const { number: of, value: content } of this.fields(tensor)) {
          if (of === 1 /* elem_type */) info.type = this.integer(content);
          if (of === 2 /* shape */) info.shape = this.fields(content).map((dim) => this.size(dim.value));
        }
      }
    }
    return info;
  }

  /** TensorShapeProto.Dimension. @param {Uint8Array} bytes @returns {number | string | null} */
  size(bytes) {
    for (const { number, value } of this.fields(bytes)) {
      if (number === 1 /* dim_value */) return this.integer(value);
      if (number === 2 /* dim_param */) return this.text(value) || null;
    }
    return null;
  }

  /** @param {Uint8Array} bytes @param {number} depth @returns {{ name: string, value: any, reference: string }} */
  attribute(bytes, depth) {
    let [name, reference, type] = ['', '', 0];
    /** @type {Record<string, any>} */
    const single = {};
    /** @type {{ floats: number[], ints: number[], strings: string[], tensors: TensorMessage[] }} */
    const lists = { floats: [], ints: [], strings: [], tensors: [] };
    for (const field of this.fields(bytes)) {
      const { number, value } = field;
      if (number === 1) name = this.text(value);
      else if (number === 2 /* f */) [single.f] = this.floats(value);
      else if (number === 3 /* i */) single.i = this.integer(value);
      else if (number === 4 /* s */) single.s = this.text(value);
      else if (number === 5 /* t */) single.t = this.tensor(value);
      else if (number === 6 /* g */) single.g = this.graph(value, depth + 1);
      else if (number === 7) for (const each of this.floats(value)) lists.floats.push(each);
      else if (number === 8) this.addInts(lists.ints, field);
      else if (number === 9) lists.strings.push(this.text(value));
      else if (number === 10) lists.tensors.push(this.tensor(value));
      else if (number === 20) type = this.integer(value);
      else if (number === 21 /* ref_attr_name */) reference = this.text(value);
    }
    const scalars = /** @type {Record<number, any>} */ ({
      1: single.f ?? 0,
      2: single.i ?? 0,
      3: single.s ?? '',
      4: single.t,
      5: single.g,
    });
    const several = /** @type {Record<number, any>} */ ({ 6: lists.floats, 7: lists.ints, 8: lists.strings, 9: lists.tensors });
    // Before IR version 2, files do not state the type.
    const value = type
      ? (scalars[type] ?? several[type])
      : (Object.values(single)[0] ?? Object.values(lists).find(({ length }) => length > 0));
    return { name, value, reference };
  }

  /** @param {Uint8Array} bytes @param {number} depth @returns {NodeMessage} */
  node(bytes, depth) {
    /** @type {NodeMessage} */
    const node = { name: '', op: '', domain: '', inputs: [], outputs: [], attributes: {}, references: {} };
    for (const { number, value } of this.fields(bytes)) {
      if (number === 1) node.inputs.push(this.text(value));
      else if (number === 2) node.outputs.push(this.text(value));
      else if (number === 3) node.name = this.text(value);
      else if (number === 4 /* op_type */) node.op = this.text(value);
      else if (number === 5 /* attribute */) {
        const { name, value: content, reference } = this.attribute(value, depth);
        if (reference) node.references[name] = reference;
        else node.attributes[name] = content;
      } else if (number === 7) node.domain = this.text(value);
    }
    if (node.domain === 'ai.onnx') node.domain = '';
    return node;
  }

  /** @param {Uint8Array} bytes @param {number} [depth] @returns {GraphMessage} */
  graph(bytes, depth = 0) {
    if (depth > DEPTH_MOST) this.broken(`graphs are nested more than ${DEPTH_MOST} deep`);
    /** @type {GraphMessage} */
    const graph = { name: '', nodes: [], initializers: [], inputs: [], outputs: [], sparse: false };
    for (const { number, value } of this.fields(bytes)) {
      if (number === 1) graph.nodes.push(this.node(value, depth));
      else if (number === 2) graph.name = this.text(value);
      else if (number === 5) graph.initializers.push(this.tensor(value));
      else if (number === 11) graph.inputs.push(this.valueInfo(value));
      else if (number === 12) graph.outputs.push(this.valueInfo(value));
      else if (number === 15) graph.sparse = true;
    }
    return graph;
  }

  /** OperatorSetIdProto. @param {Uint8Array} bytes @returns {[string, number]} */
  opset(bytes) {
    let [domain, version] = ['', 0];
    for (const { number, value } of this.fields(bytes)) {
      if (number === 1) domain = this.text(value);
      if (number === 2) version = this.integer(value);
    }
    return [domain === 'ai.onnx' ? '' : domain, version];
  }

  /** @param {Uint8Array} bytes @returns {FunctionMessage} */
  function(bytes) {
    /** @type {FunctionMessage} */
    const made = { name: '', domain: '', inputs: [], outputs: [], attributes: {}, nodes: [], opsets: new Map() };
    for (const { number, value } of this.fields(bytes)) {
      if (number === 1) made.name = this.text(value);
      else if (number === 4) made.inputs.push(this.text(value));
      else if (number === 5) made.outputs.push(this.text(value));
      else if (number === 7) made.nodes.push(this.node(value, 0));
      else if (number === 9) made.opsets.set(...this.opset(value));
      else if (number === 10) made.domain = this.text(value);
      else if (number === 11 /* attribute_proto: attributes with defaults */) {
        const { name, value: content } = this.attribute(value, 0);
        made.attributes[name] = content;
      }
    }
    return made;
  }

  /** @param {Uint8Array} bytes @returns {ModelMessage} */
  model(bytes) {
    /** @type {GraphMessage | null} */
    let graph = null;
    let producer = '';
    /** @type {Map<string, number>} */
    const opsets = new Map();
    /** @type {FunctionMessage[]} */
    const functions = [];
    for (const { number, value } of this.fields(bytes)) {
      if (number === 2 /* producer_name */) producer = this.text(value);
      else if (number === 7) graph = this.graph(value);
      else if (number === 8) opsets.set(...this.opset(value));
      else if (number === 25) functions.push(this.function(value));
    }
    if (!graph) return this.broken('it has no graph');
    return { graph, opsets, functions, producer };
  }
}
