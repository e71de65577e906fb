/**
 * Tensors whose elements are known at import: weights, and the shapes that exporters compute around a layer. Elements of integer tensors may be
 * symbolic sizes (sizes.js).
 * @module
 */
import { ModelFileError, show, UnsupportedError } from '../../errors.js';
import { Int8Weight } from '../../file/int8-weights.js';
import { bfloat16, float16, toFloat32 } from '../floats.js';
import { product } from '../../layers/tensor.js';
import { productOf, same, Size } from './sizes.js';
/** @typedef {import('./sizes.js').Extent} Extent */
/** @typedef {import('./protobuf.js').TensorMessage} TensorMessage */

/** Maximum number of elements that the import computes for one tensor, not counting elements that the file holds. */
export const FOLDED_MOST = 2 ** 22;

/** @typedef {'float' | 'int' | 'bool'} Kind */

/** A tensor whose elements are known. */
export class Constant {
  /**
   * @param {Kind} kind
   * @param {Extent[]} shape
   * @param {ArrayLike<any>} data  of shape `base`: Float32Array, or integers and symbolic sizes
   * @param {number[]} [base]  the shape of `data`, which broadcasts to `shape`: 1 along an axis on which all elements are equal
   */
  constructor(kind, shape, data, base = /** @type {number[]} */ (shape)) {
    this.kind = kind;
    this.shape = shape;
    this.data = data;
    this.base = base;
    /** Set by DequantizeLinear: the integers, of shape `base`, and the scales, which broadcast to it. @type {{ values: Constant, scale: Constant } | null} */
    this.quantized = null;
  }

  /** Whether `data` holds every element, without broadcasting. */
  get whole() {
    return this.shape.every((size, i) => size === this.base[i]);
  }

  /** The only element, or undefined. @returns {any} */
  get single() {
    return this.data.length === 1 ? this.data[0] : undefined;
  }

  /** `data` as a list. @returns {any[]} */
  get list() {
    return Array.from(this.data);
  }
}

/** @param {Extent} value */
export const scalar = (value) => new Constant('int', [], [value]);
/** @param {Extent[]} values */
export const vector = (values) => new Constant('int', [values.length], values);

/** TensorProto.DataType -> its name, its kind, and the size of an element in bytes. @type {Record<number, [string, Kind, number]>} */
const types = {
  1: ['float', 'float', 4],
  2: ['uint8', 'int', 1],
  3: ['int8', 'int', 1],
  4: ['uint16', 'int', 2],
  5: ['int16', 'int', 2],
  6: ['int32', 'int', 4],
  7: ['int64', 'int', 8],
  9: ['bool', 'bool', 1],
  10: ['float16', 'float', 2],
  11: ['double', 'float', 8],
  12: ['uint32', 'int', 4],
  13: ['uint64', 'int', 8],
  16: ['bfloat16', 'float', 2],
};
/** The names of the other types. @type {Record<number, string>} */
const otherTypes = {
  0: 'undefined',
  8: 'string',
  14: 'complex64',
  15: 'complex128',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
};

/** The kind of a data type. @param {number} type @param {string} where @returns {Kind} */
export function kindOfType(type, where) {
  if (Object.hasOwn(types, type)) return types[type][1];
  throw new UnsupportedError(
    `${where}: data type ${otherTypes[type] ?? type}; padless reads ${Object.values(types)
      .map(([name]) => name)
      .join(', ')}`,
  );
}

/** @param {Uint8Array} raw @param {string} name */
function rawInts(raw, name) {
  const { buffer } = raw.slice();
  if (name === 'int64') return Array.from(new BigInt64Array(buffer), Number);
  if (name === 'uint64') return Array.from(new BigUint64Array(buffer), Number);
  const Classes = /** @type {Record<string, any>} */ ({
    uint8: Uint8Array,
    int8: Int8Array,
    uint16: Uint16Array,
    int16: Int16Array,
    int32: Int32Array,
    uint32: Uint32Array,
    bool: Uint8Array,
  });
  return new Classes[name](buffer);
}

/** @param {Uint8Array[]} parts @returns {Uint8Array} */
function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

/** The elements of a tensor. @param {TensorMessage} tensor @param {string} name  of the type @param {Uint8Array | null} raw @returns {ArrayLike<number>} */
function elements({ floats, ints, doubles }, name, raw) {
  const isFloat = types[1][0] === name;
  if (raw)
    return types[10][0] === name || name === 'bfloat16' || isFloat || name === 'double'
      ? toFloat32(raw, name === 'double' ? 'float64' : name === 'float' ? 'float32' : /** @type {any} */ (name))
      : rawInts(raw, name);
  if (isFloat) return toFloat32(joined(floats), 'float32');
  if (name === 'double') return toFloat32(joined(doubles), 'float64');
  if (name === 'float16') return float16(Uint16Array.from(ints));
  if (name === 'bfloat16') return bfloat16(Uint16Array.from(ints));
  return ints;
}

/**
 * Reads a tensor of the file.
 * @param {TensorMessage} tensor
 * @param {string} where  for messages
 * @param {(location: string) => Uint8Array} external  gives the bytes of a file of external data
 * @returns {Constant}
 */
export function constantOf(tensor, where, external) {
  const kind = kindOfType(tensor.type, where);
  const [name, , bytes] = types[tensor.type];
  const { dims } = tensor;
  if (!dims.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw new ModelFileError(`${where}: shape [${dims}], expected integers from 0 on`);
  const size = product(dims);
  let { raw } = tensor;
  if (tensor.external) {
    const { location, offset = '0', length = String(size * bytes) } = tensor.external;
    if (![offset, length].every((text) => /^\d+$/.test(text)))
      throw new ModelFileError(
        `${where}: offset ${show(offset)} and length ${show(length)} in ${location}, expected numbers of bytes`,
      );
    const file = external(location);
    const [from, count] = [Number(offset), Number(length)];
    if (from + count > file.length)
      throw new ModelFileError(
        `${where}: needs ${count} bytes from byte ${from} on of ${location}, which has ${file.length} bytes`,
      );
    raw = file.subarray(from, from + count);
  }
  if (raw && raw.length !== size * bytes)
    throw new ModelFileError(`${where}: ${raw.length} bytes of ${name}, expected ${size * bytes} for [${dims}]`);
  const data = elements(tensor, name, raw);
  if (data.length !== size) throw new ModelFileError(`${where}: ${data.length} values, expected ${size} for [${dims}]`);
  return new Constant(kind, dims, data);
}

/** A constant whose `data` holds every element. @param {Constant} x @param {string} where @returns {Constant} */
export function expanded(x, where) {
  if (x.whole) return x;
  const size = productOf(x.shape);
  if (typeof size !== 'number')
    throw new UnsupportedError(
      `${where}: a constant of shape [${x.shape}], which depends on the input; padless needs a fixed shape`,
    );
  return broadcastTo(x, /** @type {number[]} */ (x.shape), where);
}

/** @param {number} size @param {string} where @param {string} [what] */
export function checkFolded(size, where, what = 'a constant') {
  if (!(size <= FOLDED_MOST))
    throw new UnsupportedError(`${where}: ${what} of ${size} elements; at most ${FOLDED_MOST} are computed at import`);
}

/**
 * y[i][j]... = x[i strides[0] + j strides[1] + ...]
 * @param {ArrayLike<any>} x  Float32Array, or a list @param {number[]} shape @param {number[]} strides @param {string} where
 */
function strided(x, shape, strides, where) {
  const size = product(shape);
  checkFolded(Math.max(0, size - x.length), where);
  /** @type {any} */
  const y = x instanceof Float32Array ? new Float32Array(size) : new Array(size).fill(0);
  let n = 0;
  const visit = (/** @type {number} */ axis, /** @type {number} */ at) => {
    if (axis === shape.length) y[n++] = x[at];
    else for (let i = 0; i < shape[axis]; i++) visit(axis + 1, at + i * strides[axis]);
  };
  if (size) visit(0, 0);
  return y;
}

/** @param {number[]} shape */
export const stridesOf = (shape) => shape.map((_, i) => product(shape, i + 1));

/** @param {Constant} x @param {number[]} shape @param {string} where */
export function broadcastTo(x, shape, where) {
  if (x.base.join() === shape.join()) return new Constant(x.kind, shape, x.data);
  const more = shape.length - x.base.length;
  const strides = stridesOf(x.base);
  const steps = shape.map((_, i) => (i < more || x.base[i - more] === 1 ? 0 : strides[i - more]));
  return new Constant(x.kind, shape, strided(x.data, shape, steps, where));
}

/** Axis i of the result is x's axis axes[i]. @param {Constant} x @param {number[]} axes @param {string} where */
export function transposed(x, axes, where) {
  if ([...axes].sort((a, b) => a - b).join() !== x.base.map((_, i) => i).join())
    throw new ModelFileError(`${where}: perm is [${axes}], expected each of the ${x.base.length} axes once`);
  const strides = stridesOf(x.base);
  const base = axes.map((axis) => x.base[axis]);
  const steps = axes.map((axis) => strides[axis]);
  const y = new Constant(
    x.kind,
    axes.map((axis) => x.shape[axis]),
    strided(x.data, base, steps, where),
    base,
  );
  if (x.quantized) {
    const [values, scale] = [x.quantized.values, x.quantized.scale].map((each) =>
      // A single scale may be a scalar.
      each.data.length === 1 ? each : transposed(each, axes, where),
    );
    y.quantized = { values, scale };
  }
  return y;
}

/** padless's int8 weights are -127 to 127. */
const INT8_MOST = 127;

/**
 * The int8 values and scales of a matrix that DequantizeLinear computes.
 * @param {Constant} x  [K, N]
 * @returns {{ values: ArrayLike<number>, scale: Float32Array } | null} null if the matrix is float, a value is not in -127..127, or there is not one scale for each column
 */
export function int8Of({ quantized, base }) {
  if (!quantized || base.length !== 2) return null;
  const { values, scale } = quantized;
  const single = scale.data.length === 1;
  if (!single && scale.base.join() !== [1, base[1]].join()) return null;
  const scales = Float32Array.from({ length: base[1] }, (_, n) => scale.data[single ? 0 : n]);
  const fits =
    Array.from(values.data).every((q) => Math.abs(q) <= INT8_MOST) && scales.every((each) => each >= 0 && each < Infinity);
  return fits ? { values: values.data, scale: scales } : null;
}

/** A matrix of weights: int8 where int8Of() finds it, otherwise float32. @param {Constant} x  [K, N] @param {boolean} [isTable]  the table of an Embedding, whose int8 has a factor for each row @returns {import('../../layers/layer.js').Weight} */
export function weightOf(x, isTable = false) {
  const shape = [...x.base];
  const int8 = int8Of(x);
  return int8
    ? new Int8Weight(shape, Int8Array.from(int8.values), int8.scale, isTable ? new Uint8Array(shape[0]).fill(1) : undefined)
    : { shape, data: Float32Array.from(x.data, Number) };
}

/** The shape to which shapes broadcast; null if they do not broadcast for all B and T. @param {Extent[][]} shapes @returns {Extent[] | null} */
export function commonShape(shapes) {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  const common = Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape.at(i - rank) ?? 1);
    const size = sizes.find((each) => i - rank >= -rank && each !== 1) ?? 1;
    return sizes.every((each) => each === 1 || same(each, size)) ? size : null;
  });
  return common.includes(null) ? null : /** @type {Extent[]} */ (common);
}

/** Whether no element is a symbolic size. @param {Constant} x */
export const isPlain = (x) => x.data instanceof Float32Array || !Array.from(x.data).some((each) => each instanceof Size);
