/**
 * `padless run`: runs a model on ids, and traces its layers.
 * @module
 */
import { ArgumentError, PadlessError } from '../errors.js';
import { product } from '../layers/tensor.js';
import { print, readJson } from './files.js';
/** @typedef {import('../model/model.js').Model} Model */

/**
 * Converts row-major values to nested arrays.
 * @param {ArrayLike<number>} data
 * @param {number[]} shape
 * @returns {any}
 */
function nested(data, shape) {
  if (shape.length === 0) return data[0];
  if (shape.length === 1) return Array.from(data);
  const [first, ...rest] = shape;
  const each = product(rest);
  return Array.from({ length: first }, (_, i) => nested(Array.prototype.slice.call(data, i * each, (i + 1) * each), rest));
}

/**
 * Runs each row of a file as a separate batch. For a model with several inputs, a row is an object from input names to rows.
 * @param {Model} model @param {string} file @param {boolean} traced  whether to print each layer
 */
export async function runIds(model, file, traced) {
  const rows = await readJson(file);
  if (!Array.isArray(rows)) throw new ArgumentError(`${file}: expected a JSON list of rows of ids`);
  rows.forEach((row, n) => {
    const isNamed = row !== null && typeof row === 'object' && !Array.isArray(row);
    const batch = isNamed ? Object.fromEntries(Object.entries(row).map(([name, each]) => [name, [each]])) : [row];
    try {
      if (traced) trace(model, batch);
      else print(Object.fromEntries(model.run(batch).map(({ name, shape, data }) => [name, nested(data, shape.slice(1))])));
    } catch (error) {
      if (error instanceof PadlessError) error.message = error.message.replace(/\brow 0\b/, `row ${n}`);
      throw error;
    }
  });
}

/** Prints the first values of a tensor, one line for each step. @param {string} title @param {import('../model/model.js').TraceTensor} tensor @param {Set<number>} changed */
function showTensor(title, { shape, data, mask }, changed) {
  print(`    ${title} [${shape}]`);
  if (shape.length === 2 && !mask) {
    print(`        ${numbers(data)}`);
    return;
  }
  const T = shape[1];
  const width = data.length / (T || 1);
  for (let t = 0; t < Math.min(T, 24); t++) {
    const counts = mask && !mask[t] ? ' ' : '*';
    print(
      `      ${counts}${String(t).padStart(4)}  ${numbers(data.subarray(t * width, (t + 1) * width))}${changed.has(t) ? '   changed by the mask' : ''}`,
    );
  }
  if (T > 24) print(`        ... ${T - 24} more`);
}

/** @param {Float32Array} values */
const numbers = (values) =>
  `${Array.from(values.subarray(0, 6), (value) => (Number.isInteger(value) ? String(value) : value.toPrecision(4)).padStart(10)).join(' ')}${values.length > 6 ? ` ... ${values.length - 6} more` : ''}`;

/** Prints each layer. @param {Model} model @param {any} text  a text, or rows */
export function trace(model, text) {
  for (const { path, layer, before, after, changed } of model.trace(text)) {
    print(`${path}  (${layer})`);
    for (const tensor of before) showTensor('in ', tensor, new Set());
    for (const tensor of after) showTensor('out', tensor, new Set(changed?.[0] ?? []));
  }
}
