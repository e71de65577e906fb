/**
 * Arrays of any rank, as in NumPy; the first axis is the batch, and all texts have the same number of steps. For layers that work along
 * other axes than features and time, and for the operations of Keras 3.
 *
 * The shape of an array is known at once; its values are computed when they are first read. While a model is loaded only shapes are read.
 * @module
 */
import { ShapeError } from '../errors.js';
import { product, Steps, Tensor } from './tensor.js';
/** @typedef {import('../runtime/memory.js').Heap} Heap */
/** @typedef {{ shape: number[], values: (heap: Heap) => number }} NdArray  values: pointer to float32, row-major */

/** @param {Tensor} x  its values at padding are read, too @param {string} path @returns {NdArray} */
export function arrayOf(x, path) {
  if (x.steps && !x.steps.uniform)
    throw new ShapeError(`${path}: rows of different lengths, up to ${x.steps.T} steps; expected equal lengths`);
  // Token ids have a time axis, which is not in their shape.
  const ids = x.steps && x.shape.length === 0;
  const shape = [x.B, ...(x.steps ? [x.steps.T] : []), .../** @type {number[]} */ (x.shape.slice(x.steps ? 1 : 0))];
  return { shape, values: (heap) => (ids ? heap.f32(heap.i32View(x.pointer, product(shape)).slice()) : x.pointer) };
}

/** @param {NdArray} x @param {Heap} heap @returns {Tensor} */
export function tensorOf({ shape: [B, ...shape], values }, heap) {
  return new Tensor(heap, values(heap), B, shape, shape.length > 1 ? new Steps(heap, B, shape[0], null) : null);
}

/** The same values in another shape. @param {NdArray} x @param {number[]} shape @returns {NdArray} */
export const reshaped = ({ values }, shape) => ({ shape, values });

/** Strides of a row-major array: the distance in memory of neighbours along each axis. @param {number[]} shape */
const stridesOf = (shape) => shape.map((_, i) => product(shape, i + 1));

/**
 * y[i][j]... = x[from + i strides[0] + j strides[1] + ...], with x as a flat list; zeros if x is empty.
 * @param {NdArray} x @param {number[]} shape @param {number[]} strides @param {number} [from]
 * @returns {NdArray}
 */
const strided = (x, shape, strides, from = 0) => ({
  shape,
  values: (heap) => {
    const pointer = x.values(heap);
    const size = product(x.shape);
    const y = heap.reserve32(product(shape));
    const [to, of] = [heap.f32View(y, product(shape)), heap.f32View(pointer, size)];
    let n = 0;
    const visit = (/** @type {number} */ axis, /** @type {number} */ at) => {
      if (axis === shape.length) to[n++] = size ? of[at] : 0;
      else for (let i = 0; i < shape[axis]; i++) visit(axis + 1, at + i * strides[axis]);
    };
    visit(0, from);
    return y;
  },
});

/** @param {NdArray} x @param {number[]} axes  axis i of the result is x's axis axes[i] */
export function transposed(x, axes) {
  const strides = stridesOf(x.shape);
  return strided(
    x,
    axes.map((axis) => x.shape[axis]),
    axes.map((axis) => strides[axis]),
  );
}

/** Places each value `times` times in a row. @param {Heap} heap @param {ArrayLike<number>} values @param {number} times @returns {number} pointer */
export function repeated(heap, values, times) {
  const pointer = heap.reserve32(values.length * times);
  const y = heap.f32View(pointer, values.length * times);
  for (let i = 0; i < values.length; i++) y.fill(values[i], i * times, (i + 1) * times);
  return pointer;
}

/** The axes 0 .. rank-1, those in `last` moved to the end. @param {number} rank @param {number[]} last */
export const withLast = (rank, last) => [...Array.from({ length: rank }, (_, i) => i).filter((i) => !last.includes(i)), ...last];

/** A slice. @param {NdArray} x @param {{ start: number, step: number, size: number }[]} parts  one for each axis */
export function sliced(x, parts) {
  const strides = stridesOf(x.shape);
  return strided(
    x,
    parts.map(({ size }) => size),
    parts.map(({ step }, i) => step * strides[i]),
    parts.reduce((sum, { start }, i) => sum + start * strides[i], 0),
  );
}

/** The shape to which several shapes broadcast, as in NumPy. @param {number[][]} shapes @param {string} path */
function commonShape(shapes, path) {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape.at(i - rank) ?? 1);
    const size = sizes.find((each) => each !== 1) ?? 1;
    if (sizes.some((each) => each !== 1 && each !== size))
      throw new ShapeError(`${path}: shapes [${shapes.join('] and [')}] cannot be broadcast together`);
    return size;
  });
}

/** Broadcasts x. @param {NdArray} x @param {number[]} shape  from commonShape() @returns {NdArray} */
export function broadcast(x, shape) {
  if (x.shape.join() === shape.join()) return x;
  const strides = stridesOf(x.shape);
  const more = shape.length - x.shape.length;
  return strided(
    x,
    shape,
    shape.map((_, i) => (i < more || x.shape[i - more] === 1 ? 0 : strides[i - more])),
  );
}

/**
 * y = f(a, b, c) for each value. f must be a single operation: then its float64 result, rounded to float32, equals the float32 result.
 * @param {(...values: number[]) => number | boolean} f @param {NdArray[]} xs  up to three @param {string} path
 * @returns {NdArray}
 */
export function elementwise(f, xs, path) {
  const shape = commonShape(
    xs.map((x) => x.shape),
    path,
  );
  return {
    shape,
    values: (heap) => {
      const pointers = xs.map((x) => broadcast(x, shape).values(heap));
      const n = product(shape);
      const y = heap.reserve32(n);
      const [a, b = a, c = a] = pointers.map((pointer) => heap.f32View(pointer, n));
      const to = heap.f32View(y, n);
      for (let i = 0; i < n; i++) to[i] = Number(f(a[i], b[i], c[i]));
      return y;
    },
  };
}

/**
 * Applies a kernel of ragged rows along adjacent axes.
 * @param {string} kernel  sum, mean, max, min (these remove the axes), softmax, log_softmax
 * @param {NdArray} x @param {number[]} axes  adjacent, ascending @param {boolean} [keep]  axes of size 1 replace the removed ones
 * @returns {NdArray}
 */
export function alongAxes(kernel, x, axes, keep) {
  const stays = kernel.endsWith('softmax');
  const [first, end] = [axes[0], axes[0] + axes.length];
  const [M, R, D] = [product(x.shape, 0, first), product(x.shape, first, end), product(x.shape, end)];
  return {
    shape: stays ? x.shape : [...x.shape.slice(0, first), ...(keep ? axes.map(() => 1) : []), ...x.shape.slice(end)],
    values: (heap) => {
      const pointer = x.values(heap);
      const splits = heap.i32(Int32Array.from({ length: M + 1 }, (_, i) => i * R));
      const y = heap.reserve32(M * D * (stays ? R : 1));
      heap.exports[`pl_ragged_${kernel}`](y, pointer, splits, M, D);
      return y;
    },
  };
}

/** y[...][m][n] = sum_k a[...][m][k] b[...][n][k] @param {NdArray} a @param {NdArray} b @param {string} path @returns {NdArray} */
export function productOf(a, b, path) {
  const [[M, K], [N, other]] = [a.shape.slice(-2), b.shape.slice(-2)];
  if (K !== other) throw new ShapeError(`${path}: a product sums over axes of sizes ${K} and ${other}, expected equal sizes`);
  const batch = commonShape([a.shape.slice(0, -2), b.shape.slice(0, -2)], path);
  return {
    shape: [...batch, M, N],
    values: (heap) => {
      const [left, right] = [broadcast(a, [...batch, M, K]), broadcast(b, [...batch, N, K])].map((x) => x.values(heap));
      const y = heap.reserve32(product(batch) * M * N);
      heap.exports.pl_batch_product(y, left, right, product(batch), M, K, N);
      return y;
    },
  };
}

/**
 * y = f(row) for each row of values along adjacent axes.
 * @param {(row: Float64Array) => number} f @param {NdArray} x @param {number[]} axes  adjacent, ascending
 * @param {boolean} keep  axes of size 1 replace the removed ones
 * @returns {NdArray}
 */
export function reduced(f, x, axes, keep) {
  const [first, end] = [axes[0], axes[0] + axes.length];
  const [M, R, D] = [product(x.shape, 0, first), product(x.shape, first, end), product(x.shape, end)];
  return {
    shape: [...x.shape.slice(0, first), ...(keep ? axes.map(() => 1) : []), ...x.shape.slice(end)],
    values: (heap) => {
      const pointer = x.values(heap);
      const y = heap.reserve32(M * D);
      const [to, of] = [heap.f32View(y, M * D), heap.f32View(pointer, M * R * D)];
      const row = new Float64Array(R);
      for (let i = 0; i < M * D; i++) {
        const from = Math.floor(i / D) * R * D + (i % D);
        for (let r = 0; r < R; r++) row[r] = of[from + r * D];
        to[i] = f(row);
      }
      return y;
    },
  };
}

/** The entries of an axis at the given indices; at index -1 the value `fill`. @param {NdArray} x @param {number} axis @param {number[]} indices @param {number} fill @returns {NdArray} */
export function gathered(x, axis, indices, fill) {
  const [M, R, D] = [product(x.shape, 0, axis), x.shape[axis], product(x.shape, axis + 1)];
  const shape = x.shape.map((size, i) => (i === axis ? indices.length : size));
  return {
    shape,
    values: (heap) => {
      const pointer = x.values(heap);
      const y = heap.reserve32(product(shape));
      const [to, of] = [heap.f32View(y, product(shape)), heap.f32View(pointer, M * R * D)];
      for (let m = 0, at = 0; m < M; m++)
        for (const index of indices) {
          if (index < 0) to.fill(fill, at, at + D);
          else to.set(of.subarray((m * R + index) * D, (m * R + index + 1) * D), at);
          at += D;
        }
      return y;
    },
  };
}
