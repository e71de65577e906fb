/**
 * Keras Lambda.
 * @module
 */
import { Layer } from '../layer.js';
/** @typedef {import('../tensor.js').Rules} Rules */

/** Keras Lambda, replaced by the caller's layer. As in Keras, it gets inputs without masks, and its output has no mask. */
export class Lambda extends Layer {
  /** @param {import('../layer.js').LayerConfig & { layer: Layer }} config */
  constructor({ layer, ...config }) {
    super(config);
    this.layer = layer;
  }

  /**
   * @override
   * @param {any} input
   * @param {Rules} _rules
   * @param {Record<string, any>} [options]
   */
  build(input, _rules, options) {
    const given = [input].flat().map((spec) => {
      if (!spec.masked || spec.rules.select) return spec;
      this.readsPadding(spec);
      /** Whether the input of any call has a mask. */
      this.losesMask = true;
      return spec.with({ masked: false, time: {} });
    });
    return this.layer.apply(Array.isArray(input) ? given : given[0], options);
  }

  /**
   * @override
   * @param {any} x
   * @param {Record<string, any>} [options]
   */
  call(x, options) {
    const given = [x].flat().map((tensor) => (this.losesMask ? tensor.unmasked() : tensor));
    return this.layer.apply(Array.isArray(x) ? given : given[0], options);
  }
}
