/**
 * Layers that process each step on its own: Embedding, Dense, Activation, and layers that do nothing at inference.
 * @module
 */
import { ShapeError } from '../errors.js';
import { activationNumber } from '../runtime/activations.js';
import { Layer } from './layer.js';
import { LazyLookup } from './products.js';
/** @typedef {import('../runtime/memory.js').Heap} Heap */
/** @typedef {import('./tensor.js').Rules} Rules */
/** @typedef {import('./tensor.js').Spec} Spec */
/** @typedef {import('./tensor.js').Tensor} Tensor */

/** Keras Embedding: the row of a table for each id. With `mask_zero`, id 0 is padding for all layers that follow. */
export class Embedding extends Layer {
  /** @override */
  static className = 'Embedding';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'lookup';

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    if (!input.ids) throw new ShapeError(`${this.path}: Embedding takes token ids, got values`);
    this.V = this.count('input_dim');
    this.D = this.count('output_dim');
    this.addWeight('embeddings', [this.V, this.D], 'rows');
    const y = { shape: [...input.shape, this.D], ids: false, lookup: this };
    // If another Embedding of the same ids has mask_zero and this one does not, id 0 is an ordinary token here.
    const losesMask = input.masked && !this.config.mask_zero && !input.rules.select;
    if (!losesMask) return input.with(y);
    this.losesMask = true;
    input.rules.readsPadding.add(this.path);
    return input.with({ ...y, masked: false, time: {} });
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const { int8, scale, rows } = this.weight('embeddings');
    this.table = int8 ? heap.u8(int8) : this.place(heap, 'embeddings');
    /** Pointers to the scales of an int8 table: for each column, and for each row. */
    this.scale = scale && heap.f32(scale);
    this.rows = rows && heap.u8(rows);
  }

  /**
   * @override
   * @param {Tensor} x  ids, checked by the model to lie in [0, V)
   */
  call(x) {
    return new LazyLookup(this.losesMask ? x.unmasked() : x, this);
  }
}

/** Keras Dense: y = activation(x W + b) over the last axis. */
export class Dense extends Layer {
  /** @override */
  static className = 'Dense';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'step';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.needValues(input);
    this.K = input.features;
    this.units = this.count('units');
    this.act = activationNumber(this.config.activation, this.path, rules.kerasMajor);
    this.addWeight('kernel', [this.K, this.units], 'columns');
    if (this.config.use_bias !== false) this.addWeight('bias', [this.units]);
    return input.ofFeatures(this.units);
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const { K = 0, units = 0 } = this;
    const kernel = this.weight('kernel');
    const bias = this.weights.get('bias')?.data;
    this.int8 = Boolean(kernel.int8);
    this.packed = kernel.int8 ? packInt8(heap, kernel, bias, K, units) : packDense(heap, kernel.data, bias, K, units);
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    return dense(x, this.packed ?? 0, this.units ?? 0, this.act, this.int8);
  }
}

/**
 * Packs a kernel and its bias in the format of pl_dense.
 * @param {Heap} heap
 * @param {Float32Array} kernel  [K, N]
 * @param {Float32Array | undefined} bias  [N]
 * @param {number} K
 * @param {number} N
 * @returns {number} pointer, the argument `packed` of dense()
 */
export function packDense(heap, kernel, bias, K, N) {
  const packed = heap.reserve32(heap.exports.pl_dense_packed_size(K, N));
  heap.scoped(() => heap.exports.pl_dense_pack(packed, heap.f32(kernel), bias ? heap.f32(bias) : 0, K, N));
  return packed;
}

/**
 * Packs an int8 kernel and its bias in the format of pl_quant_dense.
 * @param {Heap} heap
 * @param {import('./layer.js').Weight} kernel
 * @param {Float32Array | undefined} bias
 * @param {number} K
 * @param {number} N
 */
function packInt8(heap, { int8 = new Int8Array(), scale = new Float32Array() }, bias, K, N) {
  const packed = heap.reserve32(heap.exports.pl_quant_dense_packed_size(K, N));
  heap.scoped(() => heap.exports.pl_quant_dense_pack(packed, heap.u8(int8), heap.f32(scale), bias ? heap.f32(bias) : 0, K, N));
  return packed;
}

/**
 * y = act(x W + b) over the last axis.
 * @param {Tensor} x
 * @param {number} packed  from packDense
 * @param {number} N
 * @param {number} [act]  pl_act
 * @param {boolean} [int8]
 */
export function dense(x, packed, N, act = 0, int8 = false) {
  const { heap, rows, features: K, pointer } = x;
  const { exports } = heap;
  const y = heap.reserve32(rows * N);
  if (int8) exports.pl_quant_dense(y, pointer, 0, packed, rows, K, N, heap.scratch(exports.pl_quant_dense_scratch(rows, K)));
  else exports.pl_dense(y, pointer, packed, rows, K, N);
  if (act) exports.pl_activate(y, y, act, rows, N);
  return x.ofFeatures(y, N);
}

/** Base of the layers whose output has the shape of the input. */
export class Elementwise extends Layer {
  /**
   * @override
   * @param {Spec} input
   * @param {Rules} _rules
   * @returns {Spec}
   */
  build(input, _rules) {
    this.needValues(input);
    return input.with({});
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    const y = x.heap.reserve32(x.rows * x.features);
    this.compute(y, x);
    return x.ofFeatures(y, x.features);
  }

  /**
   * @param {number} _y  pointer
   * @param {Tensor} _x
   */
  compute(_y, _x) {}
}

/** Keras Activation. */
export class Activation extends Elementwise {
  /** @override */
  static className = 'Activation';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'step';

  /** The activation as written in Keras JSON. @returns {any} */
  get activation() {
    return this.config.activation;
  }

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.act = activationNumber(this.activation, this.path, rules.kerasMajor);
    return super.build(input, rules);
  }

  /**
   * @override
   * @param {number} y
   * @param {Tensor} x
   */
  compute(y, x) {
    x.heap.exports.pl_activate(y, x.pointer, this.act ?? 0, x.rows, x.features);
  }
}

/** Keras Dropout and, below, other layers that act only during training: at inference they return their input. */
export class Dropout extends Layer {
  /** @override */
  static className = 'Dropout';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    return input;
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    return x;
  }
}
export class SpatialDropout1D extends Dropout {
  /** @override */
  static className = 'SpatialDropout1D';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'all';
}
