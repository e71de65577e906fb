/**
 * Layers that look at one step at a time: embedding, dense, activations, and those that do nothing at inference.
 * @module
 */
import { ShapeError } from '../errors.js';
import { activationNumber } from './activations.js';
import { Layer } from './layer.js';
import { Tensor } from './tensor.js';
/** @typedef {import('../memory.js').Heap} Heap */
/** @typedef {import('./layer.js').Shape} Shape */
/** @typedef {import('./layer.js').BuildContext} BuildContext */

/** Keras Embedding: a row of a table for each id. `mask_zero` makes id 0 padding for every layer behind it. */
export class Embedding extends Layer {
  /**
   * @override
   * @param {Shape} input
   * @returns {Shape}
   */
  build(input) {
    if (!input.ids) throw new ShapeError(`${this.path}: Embedding takes token ids, got values`);
    this.V = Number(this.config.input_dim);
    this.D = Number(this.config.output_dim);
    this.addWeight('embeddings', [this.V, this.D]);
    return { sequence: true, features: this.D, masked: Boolean(this.config.mask_zero) };
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    this.table = heap.f32(this.weight('embeddings').data);
  }

  /**
   * @override
   * @param {Tensor} x  ids, checked by the model to lie in [0, V)
   * @param {Heap} heap
   */
  call(x, heap) {
    const { D = 0, V = 0, table = 0 } = this;
    const y = heap.reserve32(x.rows * D);
    heap.exports.pl_embedding(y, table, x.pointer, x.rows, V, D);
    return new Tensor(y, x.rows, D, x.steps, true);
  }
}

/**
 * act(x) in place of x, where x is not needed any more.
 * @param {Heap} heap
 * @param {Tensor} x
 * @param {number} act  pl_act
 */
function activateInPlace(heap, x, act) {
  if (act !== 0) heap.exports.pl_activate(x.pointer, x.pointer, act, x.rows, x.features);
  return x;
}

/** Keras Dense: y = activation(x W + b), at every step of a sequence. */
export class Dense extends Layer {
  /**
   * @override
   * @param {Shape} input
   * @param {BuildContext} context
   * @returns {Shape}
   */
  build(input, context) {
    if (input.ids) throw new ShapeError(`${this.path}: Dense takes values, got token ids`);
    this.K = input.features;
    this.units = Number(this.config.units);
    this.act = activationNumber(this.config.activation, this.path, context.kerasMajor);
    this.addWeight('kernel', [this.K, this.units]);
    if (this.config.use_bias !== false) this.addWeight('bias', [this.units]);
    return { ...input, features: this.units };
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const { K = 0, units = 0 } = this;
    const packed = heap.reserve32(heap.exports.pl_dense_packed_size(K, units));
    heap.scoped(() => {
      const bias = this.weights.has('bias') ? heap.f32(this.weight('bias').data) : 0;
      heap.exports.pl_dense_pack(packed, heap.f32(this.weight('kernel').data), bias, K, units);
    });
    this.packed = packed;
  }

  /**
   * @override
   * @param {Tensor} x
   * @param {Heap} heap
   */
  call(x, heap) {
    const { K = 0, units = 0, packed = 0, act = 0 } = this;
    const y = heap.reserve32(x.rows * units);
    heap.exports.pl_dense(y, x.pointer, packed, x.rows, K, units);
    return activateInPlace(heap, new Tensor(y, x.rows, units, x.steps, x.sequence), act);
  }
}

/** Keras Activation. */
export class Activation extends Layer {
  /** As Keras JSON has it. @returns {any} */
  get activation() {
    return this.config.activation;
  }

  /**
   * @override
   * @param {Shape} input
   * @param {BuildContext} context
   */
  build(input, context) {
    this.act = activationNumber(this.activation, this.path, context.kerasMajor);
    return input;
  }

  /**
   * @override
   * @param {Tensor} x
   * @param {Heap} heap
   */
  call(x, heap) {
    const y = heap.reserve32(x.rows * x.features);
    heap.exports.pl_activate(y, x.pointer, this.act ?? 0, x.rows, x.features);
    return new Tensor(y, x.rows, x.features, x.steps, x.sequence);
  }
}

/** Keras Softmax over the last axis. */
export class Softmax extends Activation {
  /** @override */
  get activation() {
    return 'softmax';
  }

  /**
   * @override
   * @param {Shape} input
   * @param {BuildContext} context
   */
  build(input, context) {
    this.refuse({ axis: [-1, input.sequence ? 2 : 1] });
    return super.build(input, context);
  }
}

/** Keras ReLU without its options. */
export class ReLU extends Activation {
  /** @override */
  get activation() {
    return 'relu';
  }

  /**
   * @override
   * @param {Shape} input
   * @param {BuildContext} context
   */
  build(input, context) {
    this.refuse({ max_value: [], negative_slope: [0], threshold: [0] });
    return super.build(input, context);
  }
}

/** Layers that only training knows: at inference they pass their input on. */
export class Dropout extends Layer {
  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    return x;
  }
}
export class SpatialDropout1D extends Dropout {}
export class GaussianDropout extends Dropout {}
export class GaussianNoise extends Dropout {}
export class AlphaDropout extends Dropout {}
export class ActivityRegularization extends Dropout {}
