/**
 * Int8 weights in a model file (I8), with scales in further tensors: `NAME.scale`, F32, one for each column of the last axis, and
 * for an embedding `NAME.rows`, U8, one for each row.
 *
 * An int8 embedding with values -1, 0 and 1 may be packed (U8) as [ceil(V D / 5)]: row by row, a byte holds the next five values v[0] ... v[4] as
 * sum_i (v[i] + 1) 3^i. Values after the last one are 0.
 * @module
 */
import { ModelFileError } from '../errors.js';
import { float32 } from './safetensors.js';
import { tensor } from './weights.js';
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('./safetensors.js').StoredTensor} StoredTensor */

/** An int8 weight. Layers without int8 kernels read its values as float32. @implements {Weight} */
export class Int8Weight {
  /**
   * @param {number[]} shape
   * @param {Int8Array} int8  from -127 to 127
   * @param {Float32Array} scale  one for each column
   * @param {Uint8Array} [rows]  one for each row
   * @param {boolean} [ternary]  whether the values are -1, 0 and 1, and stored() packs them
   */
  constructor(shape, int8, scale, rows, ternary = false) {
    this.ternary = ternary;
    this.shape = shape;
    this.int8 = int8;
    this.scale = scale;
    if (rows) this.rows = rows;
  }

  /** The values as float32, computed at each access. */
  get data() {
    const { int8, scale, rows } = this;
    const columns = scale.length;
    return Float32Array.from(int8, (q, i) => q * (rows?.[Math.floor(i / columns)] ?? 1) * scale[i % columns]);
  }

  /** Its tensors in a file. @param {string} path @returns {[string, StoredTensor][]} */
  stored(path) {
    const { shape, int8, scale, rows, ternary } = this;
    /** @type {[string, StoredTensor][]} */
    const whole = [
      [path, ternary ? tensor('U8', packed(int8), [Math.ceil(int8.length / PACKED)]) : tensor('I8', int8, shape)],
      [`${path}.scale`, tensor('F32', scale, [scale.length])],
    ];
    return rows ? [...whole, [`${path}.rows`, tensor('U8', rows, [rows.length])]] : whole;
  }
}

/** Number of values in a byte of a packed tensor, and number of different bytes. */
const [PACKED, BYTES] = [5, 3 ** 5];

/** @param {string} name @param {StoredTensor} tensor @param {number} rows @param {number} columns @returns {Int8Array} */
function unpacked(name, { shape, data }, rows, columns) {
  const bytes = Math.ceil((rows * columns) / PACKED);
  if (shape.length !== 1 || shape[0] !== bytes)
    throw new ModelFileError(
      `${name}: shape [${shape}], expected [${bytes}] for ${rows} rows of ${columns} values, ${PACKED} in a byte`,
    );
  const int8 = new Int8Array(rows * columns);
  for (let at = 0, i = 0; at < bytes; at++) {
    let byte = data[at];
    if (byte >= BYTES) throw new ModelFileError(`${name}: byte ${at} is ${byte}, expected 0 to ${BYTES - 1}`);
    for (const end = Math.min(i + PACKED, int8.length); i < end; i++, byte = Math.floor(byte / 3)) int8[i] = (byte % 3) - 1;
  }
  return int8;
}

/** @param {Int8Array} int8  values of -1, 0 and 1 */
function packed(int8) {
  const data = new Uint8Array(Math.ceil(int8.length / PACKED));
  for (let i = PACKED * data.length - 1; i >= 0; i--) {
    const at = Math.floor(i / PACKED);
    data[at] = 3 * data[at] + (int8[i] ?? 0) + 1;
  }
  return data;
}

/** The int8 weight `name` of a file. @param {string} name @param {Map<string, StoredTensor>} tensors */
export function readInt8(name, tensors) {
  const { shape: storedShape, data, dtype } = /** @type {StoredTensor} */ (tensors.get(name));
  const isPacked = dtype === 'U8';
  const shape = isPacked ? ['rows', 'scale'].map((beside) => tensors.get(`${name}.${beside}`)?.shape[0] ?? 0) : storedShape;
  /** @param {string} beside @param {number | undefined} length */
  const find = (beside, length) => {
    const found = tensors.get(`${name}.${beside}`);
    if (found && (found.shape.length !== 1 || found.shape[0] !== length))
      throw new ModelFileError(`${name}.${beside}: shape [${found.shape}], expected [${length}], as ${name} is [${shape}]`);
    return found;
  };
  const scales = find('scale', shape.at(-1));
  if (!scales) throw new ModelFileError(`${name}: int8 weight without ${name}.scale`);
  const scale = float32(scales, `${name}.scale`);
  const wrong = scale.findIndex((value) => !(value >= 0 && value < Infinity));
  if (wrong >= 0) throw new ModelFileError(`${name}.scale: value ${wrong} is ${scale[wrong]}, expected a number from 0 on`);
  const rows = find('rows', shape[0]);
  if (isPacked && !rows) throw new ModelFileError(`${name}: packed weight without ${name}.rows`);
  if (rows && rows.dtype !== 'U8') throw new ModelFileError(`${name}.rows: dtype ${rows.dtype}, expected U8`);
  const int8 = isPacked
    ? unpacked(name, /** @type {StoredTensor} */ (tensors.get(name)), shape[0], shape[1])
    : new Int8Array(data.buffer, data.byteOffset, data.length);
  const low = int8.indexOf(-128);
  if (low >= 0) throw new ModelFileError(`${name}: value ${low} is -128, expected -127 to 127`);
  return new Int8Weight(shape, int8, scale, rows?.data, isPacked);
}
