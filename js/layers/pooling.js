/**
 * Layers that reduce a text to one vector, from the steps that count.
 * @module
 */
import { Layer } from './layer.js';
import { Steps, Tensor } from './tensor.js';
/** @typedef {import('./tensor.js').Rules} Rules */
/** @typedef {import('./tensor.js').Spec} Spec */

/** Base of the pooling layers: a ragged kernel with the result [B, D]. */
class Pooling extends Layer {
  /** Name of the kernel. @returns {string} */
  get kernel() {
    return '';
  }

  /** Option keepdims of Keras: the output is [B, 1, D]. */
  get keepDims() {
    return Boolean(this.config.keepdims);
  }

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} _rules
   */
  build(input, _rules) {
    this.needSequence(input);
    const y = input.vector(input.features);
    return this.keepDims ? y.with({ shape: [1, input.features], time: {} }) : y;
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    const kept = x.ragged();
    const { heap, B, features, time } = kept;
    const y = heap.reserve32(B * features);
    heap.exports[this.kernel](y, kept.pointer, time.pointer, B, features);
    return this.keepDims ? new Tensor(heap, y, B, [1, features], new Steps(heap, B, 1, null)) : kept.vector(y, features);
  }
}

export class MaskedSum extends Pooling {
  /** @override */
  static className = 'padless>MaskedSum';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'all';

  /** @override */
  get kernel() {
    return 'pl_ragged_sum';
  }
}
export class MaskedMean extends Pooling {
  /** @override */
  static className = 'padless>MaskedMean';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'all';

  /** @override */
  get kernel() {
    return 'pl_ragged_mean';
  }
}
export class MaskedMax extends Pooling {
  /** @override */
  static className = 'padless>MaskedMax';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'all';

  /** @override */
  get kernel() {
    return 'pl_ragged_max';
  }
}
export class MaskedMin extends Pooling {
  /** @override */
  static className = 'padless>MaskedMin';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'all';

  /** @override */
  get kernel() {
    return 'pl_ragged_min';
  }
}
export class FirstStep extends Pooling {
  /** @override */
  static className = 'padless>FirstStep';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'first';

  /** @override */
  get kernel() {
    return 'pl_ragged_first';
  }
}
export class LastStep extends Pooling {
  /** @override */
  static className = 'padless>LastStep';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'last';

  /** @override */
  get kernel() {
    return 'pl_ragged_last';
  }
}

/** Keras GlobalAveragePooling1D, which uses the mask: the mean over the steps that count. */
export class GlobalAveragePooling1D extends MaskedMean {
  /** @override */
  static className = 'GlobalAveragePooling1D';

  /** @override @type {import('./tensor.js').Framework[]} */
  static ignoresMaskIn = ['tfjs'];

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.refuse({ data_format: ['channels_last'] });
    this.needMask(input);
    return super.build(input, rules);
  }
}

/** Keras GlobalMaxPooling1D, which ignores the mask. */
export class GlobalMaxPooling1D extends MaskedMax {
  /** @override */
  static className = 'GlobalMaxPooling1D';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.refuse({ data_format: ['channels_last'] });
    const y = super.build(input, rules);
    this.readsPadding(input);
    return y;
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    return super.call(x.unmasked());
  }
}
