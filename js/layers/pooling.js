/**
 * One vector for a text, over the steps that count.
 * @module
 */
import { UnsupportedError } from '../errors.js';
import { Layer } from './layer.js';
import { Tensor } from './tensor.js';
/** @typedef {import('../memory.js').Heap} Heap */
/** @typedef {import('./layer.js').Shape} Shape */

/** Base of the pooling layers: a ragged kernel that gives [B, D]. */
class Pooling extends Layer {
  /** Name of the kernel. @returns {string} */
  get kernel() {
    return '';
  }

  /** @override */
  get className() {
    return `padless>${this.constructor.name}`;
  }

  /**
   * @override
   * @param {Shape} input
   * @returns {Shape}
   */
  build(input) {
    this.needSequence(input);
    return { sequence: false, features: input.features, masked: false };
  }

  /**
   * @override
   * @param {Tensor} x
   * @param {Heap} heap
   */
  call(x, heap) {
    const { B, splitsPointer } = x.steps;
    const y = heap.reserve32(B * x.features);
    heap.exports[this.kernel](y, x.pointer, splitsPointer, B, x.features);
    return new Tensor(y, B, x.features, x.steps, false);
  }
}

export class MaskedSum extends Pooling {
  /** @override */
  get kernel() {
    return 'pl_ragged_sum';
  }
}
export class MaskedMean extends Pooling {
  /** @override */
  get kernel() {
    return 'pl_ragged_mean';
  }
}
export class MaskedMax extends Pooling {
  /** @override */
  get kernel() {
    return 'pl_ragged_max';
  }
}
export class MaskedMin extends Pooling {
  /** @override */
  get kernel() {
    return 'pl_ragged_min';
  }
}
export class FirstStep extends Pooling {
  /** @override */
  get kernel() {
    return 'pl_ragged_first';
  }
}
export class LastStep extends Pooling {
  /** @override */
  get kernel() {
    return 'pl_ragged_last';
  }
}

/** Keras GlobalAveragePooling1D, which honours the mask: the mean over the steps that count. */
export class GlobalAveragePooling1D extends MaskedMean {
  /** @override */
  get className() {
    return 'GlobalAveragePooling1D';
  }

  /**
   * @override
   * @param {Shape} input
   */
  build(input) {
    this.refuse({ data_format: ['channels_last'], keepdims: [false] });
    return super.build(input);
  }
}

/** Keras GlobalMaxPooling1D, which does not know masks; refused behind one, because its answer would depend on the padding. */
export class GlobalMaxPooling1D extends MaskedMax {
  /** @override */
  get className() {
    return 'GlobalMaxPooling1D';
  }

  /**
   * @override
   * @param {Shape} input
   */
  build(input) {
    this.refuse({ data_format: ['channels_last'], keepdims: [false] });
    if (input.masked) {
      throw new UnsupportedError(
        `${this.path}: Keras's GlobalMaxPooling1D ignores the mask and reads padding; use padless>MaskedMax`,
      );
    }
    return super.build(input);
  }
}

/** Softmax over time, for each feature on its own: the steps that count sum to 1. */
export class MaskedSoftmax extends Layer {
  /** @override */
  get className() {
    return 'padless>MaskedSoftmax';
  }

  /**
   * @override
   * @param {Shape} input
   */
  build(input) {
    this.needSequence(input);
    return input;
  }

  /**
   * @override
   * @param {Tensor} x
   * @param {Heap} heap
   */
  call(x, heap) {
    const y = heap.reserve32(x.rows * x.features);
    heap.exports.pl_ragged_softmax(y, x.pointer, x.steps.splitsPointer, x.steps.B, x.features);
    return new Tensor(y, x.rows, x.features, x.steps, true);
  }
}
