/**
 * Keras SpectralNormalization.
 * @module
 */
import { UnsupportedError } from '../../errors.js';
import { Wrapper } from './wrapper.js';
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/**
 * Keras SpectralNormalization (Miyato et al. 2018). It normalises the kernel of the inner layer during training and stores the result, so at
 * inference it equals the inner layer.
 */
export class SpectralNormalization extends Wrapper {
  /** @override */
  static className = 'SpectralNormalization';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    if (input.ids)
      throw new UnsupportedError(
        `${this.path}: SpectralNormalization of ${this.layer.className} reads token ids, and Keras converts its output to integers; use the inner layer`,
      );
    const y = this.layer.apply(input);
    // Keras 3.5 keeps the mask of the inner layer when it runs eagerly, but loses it when compiled; 3.15 keeps it. Versions in between are untested.
    const { framework, kerasMinor } = input.rules;
    const isUnsure = framework === 'keras3' && y.masked && !(kerasMinor >= 15);
    return isUnsure ? y.with({ maskRemovedBy: `${this.path} (when compiled)` }) : y;
  }

  /** @override @param {Tensor} x */
  call(x) {
    return this.layer.apply(x);
  }
}
