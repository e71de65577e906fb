/**
 * Operations of Keras 3 along axes that have no kernel.
 * @module
 */
import { COUNT_MOST, ShapeError } from '../errors.js';
import { elementwise, gathered, reduced, sliced } from '../layers/arrays.js';
import { product } from '../layers/tensor.js';
import { activated } from './activation-operations.js';
/** @typedef {import('../layers/arrays.js').NdArray} NdArray */
/** @typedef {import('./operations.js').Operation} Operation */

/** The mean of squared distances to the mean. @param {Float64Array} row */
function varianceOf(row) {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  return row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
}

/** The first index of the best value. NaN counts as the best. @param {(a: number, b: number) => boolean} isBetter @returns {(row: Float64Array) => number} */
const firstBest = (isBetter) => (row) =>
  row.reduce((best, value, i) => (isBetter(value, row[best]) || (Number.isNaN(value) && !Number.isNaN(row[best])) ? i : best), 0);

/** Operation -> function of the values along the reduced axes. @type {Record<string, (row: Float64Array) => number>} */
const reductions = {
  Prod: (row) => row.reduce((all, value) => all * value, 1),
  Var: varianceOf,
  Std: (row) => Math.sqrt(varianceOf(row)),
  Argmax: firstBest((a, b) => a > b),
  Argmin: firstBest((a, b) => a < b),
};

/** Mode of Pad -> the index whose value is copied to position i, which may lie outside of an axis of n; -1 for the constant. @type {Record<string, (i: number, n: number) => number>} */
const paddings = {
  constant: (i, n) => (i >= 0 && i < n ? i : -1),
  edge: (i, n) => Math.min(Math.max(i, 0), n - 1),
  // 2 1 0 1 2 1 0 1: the ends are not repeated.
  reflect: (i, n) => {
    const at = n > 1 ? Math.abs(i) % (2 * n - 2) : 0;
    return at < n ? at : 2 * n - 2 - at;
  },
  // 1 0 0 1 2 2 1: the ends are repeated.
  symmetric: (i, n) => {
    const at = (i < 0 ? -1 - i : i) % (2 * n);
    return at < n ? at : 2 * n - 1 - at;
  },
};

/** @param {Operation} layer @param {NdArray} x @returns {NdArray} */
function padded(layer, x) {
  const { mode = 'constant', pad_width: given } = layer.config;
  const widths = /** @type {number[][]} */ (Array.isArray(given) ? given : layer.unsupported(`pad_width=${JSON.stringify(given)}`));
  if (!Object.hasOwn(paddings, mode)) layer.unsupported(`mode=${JSON.stringify(mode)}`);
  return x.shape.reduce((y, n, axis) => {
    const [before, behind] = widths[widths.length === 1 ? 0 : axis] ?? [];
    if (!Number.isSafeInteger(before) || !Number.isSafeInteger(behind) || before < 0 || behind < 0)
      layer.unsupported(`pad_width=${JSON.stringify(given)} for ${x.shape.length} axes`);
    if (before + behind === 0) return y;
    if (before + behind > COUNT_MOST) layer.unsupported(`pad_width=${JSON.stringify(given)}, more than ${COUNT_MOST}`);
    if (n === 0 && mode !== 'constant') throw new ShapeError(`${layer.path}: Pad with mode=${mode} of an axis of 0`);
    const indices = Array.from({ length: before + n + behind }, (_, i) => paddings[mode](i - before, n));
    return gathered(y, axis, indices, layer.fill);
  }, x);
}

/** Take: the entries of an axis at constant indices. @param {Operation} layer @param {NdArray} x @param {any} indices  a constant @returns {NdArray} */
function taken(layer, x, indices) {
  const axis = layer.axis(x);
  const n = x.shape[axis];
  const list = /** @type {number[]} */ (indices.list ?? [indices.number]);
  if (!list.every(Number.isSafeInteger)) layer.unsupported('indices that the model computes');
  const from = list.map((index) => (index < 0 ? index + n : index));
  const wrong = from.findIndex((index) => !(index >= 0 && index < n));
  if (wrong >= 0 && n > 0) throw new ShapeError(`${layer.path}: index ${list[wrong]} is outside of an axis of ${n}`);
  const { values } = gathered(x, axis, from, 0);
  return { values, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] };
}

/** The part from index `start` to `end` of an axis. @param {NdArray} x @param {number} axis @param {number} start @param {number} end */
const part = (x, axis, start, end) =>
  sliced(
    x,
    x.shape.map((size, i) => (i === axis ? { start, step: 1, size: Math.max(0, end - start) } : { start: 0, step: 1, size })),
  );

/** @param {Operation} layer @param {NdArray} x @returns {NdArray[]} */
function split(layer, x) {
  const axis = layer.axis(x);
  const n = x.shape[axis];
  const { indices_or_sections: given } = layer.config;
  if (Number.isSafeInteger(given) && given > 0) {
    if (n % given) throw new ShapeError(`${layer.path}: Split of an axis of ${n} into ${given} equal parts`);
    return Array.from({ length: given }, (_, i) => part(x, axis, (i * n) / given, ((i + 1) * n) / given));
  }
  const list = /** @type {number[]} */ (
    Array.isArray(given) ? given : layer.unsupported(`indices_or_sections=${JSON.stringify(given)}`)
  );
  const ends = [...list.map((at) => Math.min(Math.max(at < 0 ? at + n : at, 0), n)), n];
  return ends.map((end, i) => part(x, axis, i ? ends[i - 1] : 0, end));
}

/** a sigmoid(b) for the halves a and b of an axis. @param {Operation} layer @param {NdArray} x @returns {NdArray} */
function gatedLinearUnit(layer, x) {
  const axis = layer.axis(x);
  const half = x.shape[axis] / 2;
  if (!Number.isInteger(half)) throw new ShapeError(`${layer.path}: Glu halves an axis of ${x.shape[axis]}, expected an even size`);
  const gate = activated(layer, part(x, axis, half, 2 * half), 'sigmoid');
  return elementwise((a, b) => a * b, [part(x, axis, 0, half), gate], layer.path);
}

/** The k greatest elements of the last axis in descending order, and their indices; equal elements stay in order. @param {Operation} layer @param {NdArray} x @returns {NdArray[]} */
function topK(layer, x) {
  const last = x.shape.length - 1;
  const k = layer.count('k');
  if (last < 1 || k > x.shape[last]) layer.unsupported(`k=${k} of ${last < 1 ? 'no' : x.shape[last]} elements`);
  return [false, true].map((indices) => ({
    shape: [...x.shape.slice(0, last), k],
    values: (heap) => {
      const pointer = x.values(heap);
      const [rows, width] = [product(x.shape, 0, last), x.shape[last]];
      const y = heap.reserve32(rows * k);
      const [from, to] = [heap.f32View(pointer, rows * width), heap.f32View(y, rows * k)];
      for (let r = 0; r < rows; r++) {
        const row = from.subarray(r * width, (r + 1) * width);
        const places = Array.from(row, (_, i) => i).sort((i, j) => row[j] - row[i] || i - j);
        for (let i = 0; i < k; i++) to[r * k + i] = indices ? places[i] : row[places[i]];
      }
      return y;
    },
  }));
}

/** @type {Record<string, (layer: Operation, x: any, ...rest: any[]) => NdArray | NdArray[]>} */
export const axisOperations = {
  ...Object.fromEntries(
    Object.entries(reductions).map(([kind, f]) => [
      kind,
      (/** @type {Operation} */ layer, /** @type {NdArray} */ x) => {
        layer.refuse({ dtype: ['float32'], initial: [] });
        return reduced(f, x, layer.axes(x), Boolean(layer.config.keepdims));
      },
    ]),
  ),
  Pad: (layer, x) => padded(layer, x),
  Take: (layer, x, indices) => taken(layer, x, indices),
  Split: (layer, x) => split(layer, x),
  Glu: (layer, x) => gatedLinearUnit(layer, x),
  TopK: (layer, x) => topK(layer, x),
};
