/**
 * Weights that Keras's model.quantize('int8') stores: int8 values and float scales, value = int8 / scale. The kernels of Dense and the tables of
 * Embedding stay int8; all others become float32.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../errors.js';
import { Int8Weight } from '../file/int8-weights.js';
import { product } from '../layers/tensor.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('../layers/layer.js').WeightSpec} WeightSpec */
/** @typedef {import('./floats.js').NamedArray} NamedArray */

/** Maximum int8 value, and maximum factor of a row. */
const [MOST, FACTORS] = [127, 255];

/** The mode by which Keras quantized a layer, such as int8. @param {any} config  its dtype is a policy, or the name of one: int8_from_float32 @returns {string | undefined} */
const modeOf = ({ dtype }) => dtype?.config?.mode ?? (/^(\w+?)_from_/.exec(typeof dtype === 'string' ? dtype : '') ?? [])[1];

/** Whether Keras stores a weight as int8. @param {Layer} layer @param {{ name: string }} spec */
export const isQuantized = ({ config, className }, { name }) =>
  name !== 'bias' && /^(Einsum)?Dense$|Embedding$/.test(className) && modeOf(config) === 'int8';

/** The arrays of a layer in a .h5 file, in which its scales follow each int8 array: moves the scales into the int8 arrays. @param {NamedArray[]} arrays @returns {NamedArray[]} */
export function withScales(arrays) {
  const moved = [];
  for (let i = 0; i < arrays.length; i++) {
    const array = arrays[i];
    // Two int8 arrays in a row: the first has no scales, which its reader reports.
    if (array.int8 && arrays[i + 1] && !arrays[i + 1].int8) moved.push({ ...array, scales: arrays[++i] });
    else moved.push(array);
  }
  return moved;
}

/**
 * Throws for a quantized layer that padless cannot read: its mode is not int8, or it is inside TimeDistributed, where Keras 3.15 computes wrong
 * results because it ignores the scales.
 * @param {any} json  architecture or a part of it
 * @param {string} [layer]  name of the layer that contains it
 * @param {boolean} [inTime]  whether a TimeDistributed contains it
 */
export function refuseQuantized(json, layer = 'architecture', inTime = false) {
  if (json === null || typeof json !== 'object') return;
  const name = typeof json.config?.name === 'string' ? json.config.name : layer;
  const mode = modeOf(json.config ?? {});
  if (mode !== undefined && (mode !== 'int8' || inTime))
    throw new UnsupportedError(
      `${name}: quantized to ${mode} by Keras${mode === 'int8' ? ' in a TimeDistributed, which gives wrong answers there' : '; padless reads int8'}. Save the model before quantize(), and convert it with --int8`,
    );
  for (const value of Object.values(json)) refuseQuantized(value, name, inTime || json.class_name === 'TimeDistributed');
}

/**
 * Converts a table with a float scale for each row to padless's form, in which row scales are integer multiples, 1 to 255, of one scale. Values
 * change by at most the largest absolute value / 510.
 * @param {number[]} shape @param {Int8Array} int8 @param {Float32Array} steps  value of 1 in each row
 */
function tableOf([V, D], int8, steps) {
  const unit = Math.fround(Math.max(...steps) / FACTORS);
  const rows = Uint8Array.from(steps, (step) => Math.max(1, Math.min(FACTORS, Math.round(step / unit))));
  const values = int8.map((q, i) => {
    const v = Math.floor(i / D);
    return Math.max(-MOST, Math.min(MOST, Math.round((q * steps[v]) / (rows[v] * unit))));
  });
  return new Int8Weight([V, D], values, new Float32Array(D).fill(unit), rows);
}

/** Multiplies int8 values by their scales. There is a scale for each index of the output axes, which are the last axes except in EinsumDense. @param {Layer} layer @param {number[]} shape @param {Int8Array} int8 @param {Float32Array} steps */
function floatsOf(layer, shape, int8, steps) {
  const { axes, outer } = /** @type {{ axes?: { added: string[], kernel: string[] }, outer?: number[] }} */ (layer);
  const strides = axes?.kernel.map((axis, k) => {
    const at = axes.added.indexOf(axis);
    return { size: product(shape, k + 1), step: at < 0 ? 0 : product(outer ?? [], at + 1) };
  });
  return Float32Array.from(int8, (q, i) => {
    const scale = strides
      ? strides.reduce((sum, { size, step }, k) => sum + (Math.floor(i / size) % shape[k]) * step, 0)
      : i % steps.length;
    return q * steps[scale];
  });
}

/**
 * @param {Layer} layer @param {WeightSpec} spec @param {NamedArray} array  int8 @param {NamedArray | undefined} scales @param {string} file
 * @returns {Weight}
 */
export function weightOf(layer, spec, { name, shape, int8 = new Int8Array() }, scales, file) {
  const path = `${layer.path}.${spec.name}`;
  if (!scales) throw new ModelFileError(`${file}: ${path} is int8 (${name}), but its scales are missing`);
  const isTable = layer.className.endsWith('Embedding') && spec.name === 'embeddings';
  const { outer } = /** @type {{ outer?: number[] }} */ (layer);
  const sizes = isTable ? [shape[0]] : outer ? [product(outer)] : shape.map((_, axis) => product(shape, axis)).slice(1);
  const wrong = scales.data.findIndex((scale) => !(scale > 0 && scale < Infinity));
  if (wrong >= 0)
    throw new ModelFileError(`${file}: ${scales.name}: value ${wrong} is ${scales.data[wrong]}, expected a number above 0`);
  const steps = scales.data.map((scale) => 1 / scale);
  if (!sizes.includes(steps.length))
    throw new ModelFileError(`${file}: ${scales.name} has ${steps.length} scales, which do not fit ${name} [${shape}]`);
  if (isTable) return tableOf(shape, int8, steps);
  if (spec.int8 === 'columns' && shape.length === 2 && !int8.includes(-128)) return new Int8Weight(shape, int8, steps);
  return { shape, data: floatsOf(layer, shape, int8, steps) };
}

/**
 * The weights of a layer from the arrays of its group in the file, in Keras's order: the scales follow all weights of a Dense, and each weight
 * of a ReversibleEmbedding.
 * @param {Layer} layer
 * @param {NamedArray[]} arrays
 * @param {string} file  for messages
 * @returns {(NamedArray | Weight)[]} one for each weight of the layer; arrays that are not int8 stay unchanged
 */
export function quantizedWeights(layer, arrays, file) {
  const { weightSpecs: specs } = layer;
  const inTurn = layer.className === 'ReversibleEmbedding';
  const at = specs.map((_, i) => (inTurn ? 2 * i : i));
  const scales = inTurn ? specs.length : 1;
  if (arrays.length !== specs.length + scales)
    throw new ModelFileError(
      `${file}: ${layer.path} has ${arrays.length} arrays, expected ${specs.length} and ${scales} of scales`,
    );
  return specs.map((spec, i) => {
    const array = arrays[at[i]];
    if (array.shape.join() !== spec.shape.join())
      throw new ModelFileError(
        `${file}: ${layer.path}.${spec.name} is ${array.name} of shape [${array.shape}], expected [${spec.shape}]`,
      );
    return array.int8 ? weightOf(layer, spec, array, arrays[inTurn ? 2 * i + 1 : specs.length], file) : array;
  });
}
