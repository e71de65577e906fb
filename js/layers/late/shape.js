/**
 * Layers that change the shape of texts with equal lengths.
 * @module
 */
import { ShapeError, STEPS_MOST, UnsupportedError } from '../../errors.js';
import { Layer } from '../layer.js';
import { product, Steps, Tensor } from '../tensor.js';
/** @typedef {import('../tensor.js').Spec} Spec */

/** [B, M, N] -> [B, N, M] for a tensor whose rows have equal lengths. @param {Tensor} x @param {number} M @param {number} N */
export function transposed(x, M, N) {
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

/** Base of the layers that give the same values another shape. */
class Reshaping extends Layer {
  /** The shape of the output. @param {number[]} shape  of the input @returns {number[]} */
  shapeOf(shape) {
    return shape;
  }

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    this.needValues(input);
    if (input.sequence) this.needLength(input);
    const shape = this.shapeOf(/** @type {number[]} */ (input.shape));
    if (!shape.every((size) => Number.isInteger(size) && size > 0) || product(shape) !== product(input.shape))
      throw new ShapeError(
        `${this.path}: ${this.className} of [${input.shape}] (${product(input.shape)} values) to [${shape}] (${product(shape)})`,
      );
    return input.with({ shape, masked: false, time: shape.length > 1 ? {} : null });
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    if (x.steps) matrixOf(x, this.path);
    return shaped(
      x.heap,
      x.pointer,
      x.B,
      this.shapeOf(/** @type {number[]} */ ([...(x.steps ? [x.steps.T] : []), ...x.shape.slice(x.steps ? 1 : 0)])),
    );
  }
}

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
    return x.vector(transposed(x, T, D), T * D);
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

/** Keras Permute of [B, T, D]. */
export class Permute extends Reshaping {
  /** @override */
  static className = 'Permute';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    const dims = this.list('dims');
    if (input.shape?.length !== 2 || !['1,2', '2,1'].includes(dims.join()))
      throw new UnsupportedError(
        `${this.path}: Permute has dims=${JSON.stringify(dims)} for [B, ${input.shape}]; padless supports [B, T, D]`,
      );
    this.swaps = dims[0] === 2;
    return super.build(input);
  }

  /** @override @param {number[]} shape */
  shapeOf(shape) {
    return this.swaps ? [shape[1], shape[0]] : shape;
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    if (!this.swaps) return super.call(x);
    const [T, D] = matrixOf(x, this.path);
    return shaped(x.heap, transposed(x, T, D), x.B, [D, T]);
  }
}

/** Keras RepeatVector: n steps with the same vector. */
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
