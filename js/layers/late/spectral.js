/**
 * Keras SpectralNormalization.
 * @module
 */
import { UnsupportedError } from '../../errors.js';
import { Wrapper } from './wrapper.js';
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/**
 * Keras SpectralNormalization (Miyato et al. 2018): it normalises the kernel of the layer inside while the model is trained, and stores the result.
 * At inference it is the layer inside.
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
        `${this.path}: SpectralNormalization of ${this.layer.className} takes token ids, and Keras converts its answer to whole numbers; use the layer inside`,
      );
    const y = this.layer.apply(input);
    // Keras 3.5 keeps the mask of the layer inside when it runs eagerly, and loses it when compiled; 3.15 keeps it. Those between are not known.
    const { framework, kerasMinor } = input.rules;
    const isUnsure = framework === 'keras3' && y.masked && !(kerasMinor >= 15);
    return isUnsure ? y.with({ maskRemovedBy: `${this.path} (when compiled)` }) : y;
  }

  /** @override @param {Tensor} x */
  call(x) {
    return this.layer.apply(x);
  }
}
