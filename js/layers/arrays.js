/**
 * Values as NumPy has them: arrays of any rank, the texts of the batch along the first axis, whose steps all are there. For what looks
 * along other axes than features and time, and for the operations of a graph that are no layers.
 *
 * An array knows its shape at once and its values when they are asked for: a layer that is put together reads the shape alone.
 * @module
 */
import { ShapeError } from '../errors.js';
import { product, Steps, Tensor } from './tensor.js';
/** @typedef {import('../runtime/memory.js').Heap} Heap */
/** @typedef {{ shape: number[], values: (heap: Heap) => number }} NdArray  values: pointer to float32, row-major */

/** @param {Tensor} x  in padded form what stands at padding is data @param {string} path @returns {NdArray} */
export function arrayOf(x, path) {
  if (x.steps && !x.steps.uniform)
    throw new ShapeError(`${path}: rows of different lengths, up to ${x.steps.T} steps; all must have one`);
  // Token ids have a time axis and no others.
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

/** Values between neighbours along each axis. @param {number[]} shape */
const stridesOf = (shape) => shape.map((_, i) => product(shape, i + 1));

/**
 * y[i][j]... = x's value number `from + i strides[0] + j strides[1] + ...`; zeros where x has none.
 * @param {NdArray} x @param {number[]} shape @param {number[]} strides @param {number} [from]
 * @returns {NdArray}
 */
export const strided = (x, shape, strides, from = 0) => ({
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

/** All axes but some, and then those. @param {number} rank @param {number[]} last */
export const withLast = (rank, last) => [...Array.from({ length: rank }, (_, i) => i).filter((i) => !last.includes(i)), ...last];

/** Some of each axis. @param {NdArray} x @param {{ start: number, step: number, size: number }[]} parts  a part an axis */
export function sliced(x, parts) {
  const strides = stridesOf(x.shape);
  return strided(
    x,
    parts.map(({ size }) => size),
    parts.map(({ step }, i) => step * strides[i]),
    parts.reduce((sum, { start }, i) => sum + start * strides[i], 0),
  );
}

/** The shape of several put together: axes from the last on, of one size or 1. @param {number[][]} shapes @param {string} path */
export function commonShape(shapes, path) {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape.at(i - rank) ?? 1);
    const size = sizes.find((each) => each !== 1) ?? 1;
    if (sizes.some((each) => each !== 1 && each !== size))
      throw new ShapeError(`${path}: shapes [${shapes.join('] and [')}] do not fit each other`);
    return size;
  });
}

/** @param {NdArray} x @param {number[]} shape  that of commonShape @returns {NdArray} */
export function spread(x, shape) {
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
 * y = f(a, b, c), value by value. f is one operation that is rounded once, so that float64 rounded to float32 has float32's bits.
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
      const pointers = xs.map((x) => spread(x, shape).values(heap));
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
 * A kernel of ragged rows over axes that stand side by side: rows before them, features behind them.
 * @param {string} kernel  sum, mean, max, min: the axes go; softmax, log_softmax: they stay
 * @param {NdArray} x @param {number[]} axes  in order @param {boolean} [keep]  the axes that go leave a 1
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
  if (K !== other) throw new ShapeError(`${path}: a sum over axes of ${K} and ${other}`);
  const batch = commonShape([a.shape.slice(0, -2), b.shape.slice(0, -2)], path);
  return {
    shape: [...batch, M, N],
    values: (heap) => {
      const [left, right] = [spread(a, [...batch, M, K]), spread(b, [...batch, N, K])].map((x) => x.values(heap));
      const y = heap.reserve32(product(batch) * M * N);
      heap.exports.pl_batch_product(y, left, right, product(batch), M, K, N);
      return y;
    },
  };
}
