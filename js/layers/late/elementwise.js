/**
 * Layers that process each value on its own, with options: activations with parameters, and Rescaling.
 * @module
 */
import { ShapeError, UnsupportedError } from '../../errors.js';
import { repeated } from '../arrays.js';
import { Elementwise } from '../basic.js';
import { product } from '../tensor.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Rules} Rules */
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/** Keras ReLU, and the base of layers whose kernel takes (y, x, ...numbers, n), where the numbers come from options. */
export class ReLU extends Elementwise {
  /** @override */
  static className = 'ReLU';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** Name of the kernel. @returns {string} */
  get kernel() {
    return 'pl_relu';
  }

  /** Arguments of the kernel. @returns {number[]} */
  get numbers() {
    return [this.number('negative_slope', 0), this.number('threshold', 0), this.number('max_value', Infinity)];
  }

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.values = this.numbers;
    return super.build(input, rules);
  }

  /**
   * @override
   * @param {number} y
   * @param {Tensor} x
   */
  compute(y, x) {
    x.heap.exports[this.kernel](y, x.pointer, ...(this.values ?? []), x.rows * x.features);
  }
}

/** Keras LeakyReLU. The option negative_slope of Keras 3 is called alpha in Keras 2. */
export class LeakyReLU extends ReLU {
  /** @override */
  static className = 'LeakyReLU';

  /** @override @type {import('../tensor.js').Framework[]} */
  static ignoresMaskIn = ['tfjs'];

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  get numbers() {
    return [this.number('negative_slope', this.number('alpha', 0.3)), 0, Infinity];
  }
}

/** Keras ELU. */
export class ELU extends ReLU {
  /** @override */
  static className = 'ELU';

  /** @override @type {import('../tensor.js').Framework[]} */
  static ignoresMaskIn = ['tfjs'];

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  get kernel() {
    return 'pl_elu';
  }

  /** @override */
  get numbers() {
    return [this.number('alpha', 1)];
  }
}

/** ThresholdedReLU of Keras 2: x if x > theta, otherwise 0. */
export class ThresholdedReLU extends ReLU {
  /** @override */
  static className = 'ThresholdedReLU';

  /** @override @type {import('../tensor.js').Framework[]} */
  static ignoresMaskIn = ['tfjs'];

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  get numbers() {
    return [0, this.number('theta', 1), Infinity];
  }
}

/** Keras PReLU: one slope for each feature (shared_axes [1]), for each step and feature, or for each step ([2]); or a single one. */
export class PReLU extends Elementwise {
  /** @override */
  static className = 'PReLU';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.needValues(input);
    const shared = new Set(this.list('shared_axes'));
    const rank = input.shape.length;
    const own = input.shape.flatMap((_, i) => (shared.has(i + 1) ? [] : [i]));
    const shape = input.shape.map((size, i) => (shared.has(i + 1) ? 1 : i === 0 && rank > 1 ? this.needLength(input) : size));
    const end = (own.at(-1) ?? rank - 2) + 1;
    // The kernel needs the unshared axes to be adjacent.
    if (own.length && end - own[0] !== own.length)
      throw new UnsupportedError(
        `${this.path}: PReLU has shared_axes=${JSON.stringify([...shared])} for ${rank + 1} axes; padless shares the first ones and the last ones`,
      );
    /** Number of neighbouring values that have the same slope. */
    this.repeat = product(input.shape, end);
    this.addWeight('alpha', /** @type {number[]} */ (shape));
    return super.build(input, rules);
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const { repeat = 1 } = this;
    this.alpha = repeated(heap, this.weight('alpha').data, repeat);
  }

  /**
   * @override
   * @param {number} y
   * @param {Tensor} x
   */
  compute(y, x) {
    const { shape } = this.weight('alpha');
    const D = product(shape) * (this.repeat ?? 1);
    if (shape.length > 1 && shape[0] > 1 && !(x.time.uniform && x.time.T === shape[0]))
      throw new ShapeError(
        `${this.path}: rows of up to ${x.time.T} steps, expected ${shape[0]} steps in each row, as many as there are slopes`,
      );
    x.heap.exports.pl_prelu(y, x.pointer, this.alpha ?? 0, (x.rows * x.features) / D, D);
  }
}

/** Keras Rescaling: x * scale + offset. */
export class Rescaling extends ReLU {
  /** @override */
  static className = 'Rescaling';

  /** @override @type {import('../tensor.js').Framework[]} */
  static ignoresMaskIn = ['keras2', 'tfjs'];

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  get kernel() {
    return 'pl_scale';
  }

  /** @override */
  get numbers() {
    return [this.number('scale', 1), this.number('offset', 0)];
  }
}

/** y = x * scale + shift, with a scale and a shift for each feature. The options `scale` and `shift` (default true) remove either with false. */
export class Affine extends Elementwise {
  /** @override */
  static className = 'padless>Affine';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    if (this.config.scale !== false) this.addWeight('scale', [input.features]);
    if (this.config.shift !== false) this.addWeight('shift', [input.features]);
    return super.build(input, rules);
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const [scale, shift] = ['scale', 'shift'].map((name) => this.weights.get(name)?.data);
    const D = (scale ?? shift)?.length ?? 0;
    this.scale = heap.f32(scale ?? new Float32Array(D).fill(1));
    this.shift = heap.f32(shift ?? new Float32Array(D));
  }

  /**
   * @override
   * @param {number} y
   * @param {Tensor} x
   */
  compute(y, x) {
    x.heap.exports.pl_affine(y, x.pointer, this.scale ?? 0, this.shift ?? 0, x.rows, x.features);
  }
}
