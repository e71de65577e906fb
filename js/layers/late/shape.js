/**
 * Layers that change the shape of texts with equal lengths.
 * @module
 */
import { ShapeError, STEPS_MOST } from '../../errors.js';
import { arrayOf, tensorOf, transposed } from '../arrays.js';
import { Layer } from '../layer.js';
import { product, Steps, Tensor } from '../tensor.js';
/** @typedef {import('../tensor.js').Spec} Spec */

/** [B, M, N] -> [B, N, M] for a tensor whose rows have equal lengths. @param {Tensor} x @param {number} M @param {number} N */
export function transposedMatrices(x, M, N) {
  const y = x.heap.reserve32(x.B * M * N);
  x.heap.exports.pl_transpose(y, x.pointer, x.B, M, N);
  return y;
}

/** M and N of a tensor [B, M, N] whose rows have equal lengths; vectors count as [B, 1, N]. @param {Tensor} x @param {string} path @returns {[number, number]} */
export function matrixOf(x, path) {
  if (!x.steps) return [1, x.features];
  if (!x.time.uniform) throw new ShapeError(`${path}: rows of different lengths, up to ${x.time.T} steps; expected equal lengths`);
  return [x.time.T, x.features];
}

/** A Tensor of values with equal lengths. @param {import('../../runtime/memory.js').Heap} heap @param {number} pointer @param {number} B @param {number[]} shape */
export function shaped(heap, pointer, B, shape) {
  return new Tensor(heap, pointer, B, shape, shape.length > 1 ? new Steps(heap, B, shape[0], null) : null);
}

/**
 * The mask of an output. If the output equals the input, some backends of Keras return the same array, which keeps the mask, others a new one, which
 * has none. So a later layer that uses the mask throws.
 * @param {Layer} layer
 * @param {Spec} input
 * @param {boolean} same  whether the output has the values and the shape of the input
 * @returns {Partial<Spec>}
 */
export const maskUnlessSame = (layer, { masked, rules }, same) =>
  same && masked && rules.framework === 'keras3'
    ? { masked, maskRemovedBy: `${layer.path} (with some backends)` }
    : { masked: false };

/** Base of the layers that change the shape and keep the values. */
class Reshaping extends Layer {
  /** The shape of the output. @param {number[]} shape  of the input @returns {number[]} */
  shapeOf(shape) {
    return shape;
  }

  /** Whether the output equals the input in values and shape. @param {(number | null)[]} from @param {(number | null)[]} to */
  isSame(from, to) {
    return from.join() === to.join();
  }

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    this.needValues(input);
    const { rules, shape: from } = input;
    if (input.sequence) {
      this.readsPadding(input);
      rules.needsLength.add(this.path);
    }
    // Compute the shapes for two lengths T: sizes that differ depend on T. The lengths are primes, so that no product equals them.
    const [one, two] = [7919, 7907].map((T) => {
      const sizes = from.map((size) => size ?? T);
      return { sizes, shape: this.shapeOf(sizes) };
    });
    const shape = one.shape.map((size, i) => (size === two.shape[i] ? size : null));
    if (shape.length === 1 && shape[0] === null) this.needLength(input);
    /** @param {number[]} sizes */
    const values = (sizes) => (from.includes(null) ? '' : ` (${product(sizes)} values)`);
    for (const { sizes, shape: to } of [one, two])
      if (!to.every((size) => Number.isInteger(size) && size > 0) || product(to) !== product(sizes))
        throw new ShapeError(
          `${this.path}: ${this.className} of [${from.map(stepsText)}]${values(sizes)} to [${shape.map(stepsText)}]${values(to)}; expected equal numbers of values`,
        );
    const isSame = rules.framework === 'keras3' && this.isSame(from, shape);
    return input.with({ shape, time: shape.length > 1 ? {} : null, ...maskUnlessSame(this, input, isSame) });
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    if (x.steps) matrixOf(x, this.path);
    return shaped(x.heap, x.pointer, x.B, this.shapeOf(sizesOf(x)));
  }
}

/** A size, for a message. @param {number | null} size */
const stepsText = (size) => size ?? 'T';

/** The sizes of a text. @param {Tensor} x  whose rows have equal lengths @returns {number[]} */
const sizesOf = (x) => /** @type {number[]} */ ([...(x.steps ? [x.steps.T] : []), ...x.shape.slice(x.steps ? 1 : 0)]);

/** Keras Flatten. */
export class Flatten extends Reshaping {
  /** @override */
  static className = 'Flatten';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {number[]} shape */
  shapeOf(shape) {
    return [product(shape)];
  }

  /** @override @param {Spec} input */
  build(input) {
    this.refuse({ data_format: ['channels_last', 'channels_first'] });
    return super.build(input);
  }

  /** channels_first flattens [B, D, T]. @override @param {Tensor} x */
  call(x) {
    if (this.config.data_format !== 'channels_first' || !x.steps) return super.call(x);
    const [T, D] = matrixOf(x, this.path);
    return x.vector(transposedMatrices(x, T, D), T * D);
  }
}

/** Keras Reshape. One size may be -1. */
export class Reshape extends Reshaping {
  /** @override */
  static className = 'Reshape';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {number[]} shape */
  shapeOf(shape) {
    /** @type {number[]} */
    const target = this.list('target_shape');
    const known = product(target.filter((size) => size !== -1));
    return target.map((size) => (size === -1 ? product(shape) / known : size));
  }
}

/** Keras Permute. */
export class Permute extends Reshaping {
  /** @override */
  static className = 'Permute';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** The axes of the input in the order of the output, from 0 on, without the batch. @type {number[]} */
  order = [];

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    this.needValues(input);
    const dims = this.list('dims');
    if (dims.length !== input.shape.length || input.shape.some((_, i) => !dims.includes(i + 1)))
      throw this.wrong('dims', dims, `each of 1 to ${input.shape.length} once for [B, ${input.shape.map(stepsText)}]`);
    this.order = dims.map((/** @type {number} */ axis) => axis - 1);
    return super.build(input);
  }

  /** @override @param {number[]} shape */
  shapeOf(shape) {
    return this.order.map((axis) => shape[axis]);
  }

  /** @override */
  isSame() {
    return this.order.every((axis, i) => axis === i);
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    if (this.isSame()) return super.call(x);
    const shape = this.shapeOf(sizesOf(x));
    if (shape.length === 2) {
      const [T, D] = matrixOf(x, this.path);
      return shaped(x.heap, transposedMatrices(x, T, D), x.B, shape);
    }
    const axes = [0, ...this.order.map((axis) => axis + 1)];
    return tensorOf(transposed(arrayOf(x, this.path), axes), x.heap);
  }
}

/** Keras RepeatVector: repeats a vector as n steps. */
export class RepeatVector extends Layer {
  /** @override */
  static className = 'RepeatVector';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    this.needValues(input);
    if (input.sequence) throw new ShapeError(`${this.path}: RepeatVector takes vectors [B, D], got [B, ${input.shape}]`);
    return input.with({ shape: [this.count('n', undefined, STEPS_MOST), input.features], time: {} });
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    const { heap, B, features } = x;
    const steps = new Steps(heap, B, this.count('n', undefined, STEPS_MOST), null);
    const y = heap.reserve32(steps.N * features);
    heap.exports.pl_repeat_rows(y, x.pointer, steps.pointer, B, features);
    return new Tensor(heap, y, B, [steps.T, features], steps);
  }
}
