/**
 * Weights of a model file: float32, or int8 (I8) with what multiplies them beside them: `NAME.scale`, F32, a number a column of the last
 * axis, and for an embedding `NAME.rows`, U8, a number a row.
 * @module
 */
import { ModelFileError } from '../errors.js';
import { float32 } from './safetensors.js';
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('./safetensors.js').StoredTensor} StoredTensor */

/** What layers without int8 kernels of their own read are its values as floats. @implements {Weight} */
export class Int8Weight {
  /**
   * @param {number[]} shape
   * @param {Int8Array} int8  from -127 to 127
   * @param {Float32Array} scale  one a column
   * @param {Uint8Array} [rows]  one a row
   */
  constructor(shape, int8, scale, rows) {
    this.shape = shape;
    this.int8 = int8;
    this.scale = scale;
    if (rows) this.rows = rows;
  }

  /** A copy, made each time. */
  get data() {
    const { int8, scale, rows } = this;
    const columns = scale.length;
    return Float32Array.from(int8, (q, i) => q * (rows?.[Math.floor(i / columns)] ?? 1) * scale[i % columns]);
  }
}

/** @param {string} name @param {Map<string, StoredTensor>} tensors */
function readInt8(name, tensors) {
  const { shape, data } = /** @type {StoredTensor} */ (tensors.get(name));
  /** @param {string} beside @param {number | undefined} length */
  const find = (beside, length) => {
    const found = tensors.get(`${name}.${beside}`);
    if (found && (found.shape.length !== 1 || found.shape[0] !== length))
      throw new ModelFileError(`${name}.${beside}: shape [${found.shape}], expected [${length}], as ${name} is [${shape}]`);
    return found;
  };
  const scales = find('scale', shape.at(-1));
  if (!scales) throw new ModelFileError(`${name}: int8 without its scales, ${name}.scale`);
  const scale = float32(scales, `${name}.scale`);
  const wrong = scale.findIndex((value) => !(value >= 0 && value < Infinity));
  if (wrong >= 0) throw new ModelFileError(`${name}.scale: value ${wrong} is ${scale[wrong]}, expected a number from 0 on`);
  const rows = find('rows', shape[0]);
  if (rows && rows.dtype !== 'U8') throw new ModelFileError(`${name}.rows: dtype ${rows.dtype}, expected U8`);
  const int8 = new Int8Array(data.buffer, data.byteOffset, data.length);
  const least = int8.indexOf(-128);
  if (least >= 0) throw new ModelFileError(`${name}: value ${least} is -128, expected -127 to 127`);
  return new Int8Weight(shape, int8, scale, rows?.data);
}

/** @param {Map<string, StoredTensor>} tensors @returns {Map<string, Weight>} by path */
export function weightsOf(tensors) {
  /** @type {Map<string, Weight>} */
  const weights = new Map();
  for (const [name, tensor] of tensors) {
    const [, owner = ''] = /^(.*)\.(?:scale|rows)$/.exec(name) ?? [];
    if (tensor.dtype === 'I8') weights.set(name, readInt8(name, tensors));
    else if (tensors.get(owner)?.dtype !== 'I8') weights.set(name, { shape: tensor.shape, data: float32(tensor, name) });
  }
  return weights;
}

/** A weight as it stands in a file. @param {string} path @param {Weight} weight @returns {[string, StoredTensor][]} */
export function stored(path, weight) {
  const { shape, int8, scale, rows } = weight;
  /** @param {'F32' | 'I8' | 'U8'} dtype @param {Float32Array | Int8Array | Uint8Array} values @param {number[]} size @returns {StoredTensor} */
  const tensor = (dtype, { buffer, byteOffset, byteLength }, size) => ({
    dtype,
    shape: size,
    data: new Uint8Array(buffer, byteOffset, byteLength),
  });
  if (!int8 || !scale) return [[path, tensor('F32', weight.data, shape)]];
  /** @type {[string, StoredTensor][]} */
  const whole = [
    [path, tensor('I8', int8, shape)],
    [`${path}.scale`, tensor('F32', scale, [scale.length])],
  ];
  return rows ? [...whole, [`${path}.rows`, tensor('U8', rows, [rows.length])]] : whole;
}
