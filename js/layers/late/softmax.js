/**
 * Softmax as a layer: over features, or over the steps that count.
 * @module
 */
import { UnsupportedError } from '../../errors.js';
import { Activation, Elementwise } from '../basic.js';
/** @typedef {import('../tensor.js').Rules} Rules */
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/** Keras Softmax: over the last axis, or over time (axis 1 of a sequence) where it ignores padding. */
export class Softmax extends Activation {
  /** @override */
  static className = 'Softmax';

  /** @override @type {import('../tensor.js').Framework[]} */
  static ignoresMaskIn = ['tfjs'];

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  get activation() {
    return 'softmax';
  }

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.needValues(input);
    const last = input.shape.length;
    const given = this.config.axis ?? -1;
    const one = Array.isArray(given) && given.length === 1 ? given[0] : given;
    const axis = one < 0 ? last + 1 + one : one;
    this.overTime = last === 2 && axis === 1;
    if (this.overTime) this.needMask(input);
    if (!this.overTime && axis !== last)
      throw new UnsupportedError(
        `${this.path}: Softmax has axis=${JSON.stringify(given)}; padless supports the last axis, ${last}, and the time axis, 1`,
      );
    return super.build(input, rules);
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    return this.overTime ? softmaxOverTime(x) : super.call(x);
  }
}

/** Softmax over the steps that count, for each feature separately. @param {Tensor} x  sequence */
export function softmaxOverTime(x) {
  return x.whereKept((kept) => {
    const { heap, features } = kept;
    const y = heap.reserve32(kept.rows * features);
    heap.exports.pl_ragged_softmax(y, kept.pointer, kept.time.pointer, kept.B, features);
    return kept.ofFeatures(y, features);
  });
}

/** Softmax over time for each feature: the values of the steps that count sum to 1. */
export class MaskedSoftmax extends Elementwise {
  /** @override */
  static className = 'padless>MaskedSoftmax';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.needSequence(input);
    return super.build(input, rules);
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    return softmaxOverTime(x);
  }
}
