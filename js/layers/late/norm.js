/**
 * Normalisation layers.
 * @module
 */
import { ShapeError, UnsupportedError } from '../../errors.js';
import { Elementwise } from '../basic.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Rules} Rules */
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/** Base of layers that normalise over the last axis. */
class LastAxis extends Elementwise {
  /** Whether it normalises over time and features together. */
  whole = false;

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    const y = super.build(input, rules);
    this.epsilon(0);
    const { axis = -1 } = this.config;
    const last = input.shape.length;
    const given = Array.isArray(axis) && axis.length === 1 ? axis[0] : axis;
    if (!this.whole && given !== -1 && given !== last)
      throw new UnsupportedError(
        `${this.path}: ${this.className} has axis=${JSON.stringify(axis)}; padless supports the last axis, ${last}`,
      );
    return y;
  }

  /** @param {number} otherwise */
  epsilon(otherwise) {
    return this.number('epsilon', otherwise);
  }
}

/** Keras LayerNormalization: over the features of each step, or over all values of a text (axis [1, 2]). */
export class LayerNormalization extends LastAxis {
  /** @override */
  static className = 'LayerNormalization';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.refuse({ rms_scaling: [false] });
    this.needValues(input);
    const rank = input.shape.length;
    const axes = [this.config.axis].flat().map((axis) => (axis < 0 ? axis + rank + 1 : axis));
    this.whole = rank > 1 && axes.length === rank && input.shape.every((_, i) => axes.includes(i + 1));
    if (this.whole) this.needLength(input);
    const shape = /** @type {number[]} */ (this.whole ? input.shape : [input.features]);
    if (this.config.scale !== false) this.addWeight('gamma', shape);
    if (this.config.center !== false) this.addWeight('beta', shape);
    return super.build(input, rules);
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    this.gamma = this.place(heap, 'gamma');
    this.beta = this.place(heap, 'beta');
  }

  /**
   * @override
   * @param {number} y
   * @param {Tensor} x
   */
  compute(y, x) {
    const { gamma = 0, beta = 0 } = this;
    const { pl_layer_norm: norm } = x.heap.exports;
    if (this.whole && !x.time.uniform)
      throw new ShapeError(`${this.path}: rows of different lengths, up to ${x.time.T} steps; expected equal lengths`);
    const rows = this.whole ? x.B : x.rows;
    norm(y, x.pointer, gamma, beta, this.epsilon(1e-3), rows, rows && (x.rows * x.features) / rows);
  }
}

/** Keras GroupNormalization: over the features of each group and all steps of a text. In Keras it reads the padding and keeps the mask. */
export class GroupNormalization extends LastAxis {
  /** @override */
  static className = 'GroupNormalization';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.needValues(input);
    const D = input.features;
    this.groups = this.config.groups === -1 ? D : this.count('groups', 32);
    if (D % this.groups) throw new ShapeError(`${this.path}: ${this.groups} groups do not divide ${D} features`);
    if (input.sequence) this.readsPadding(input);
    if (this.config.scale !== false) this.addWeight('gamma', [D]);
    if (this.config.center !== false) this.addWeight('beta', [D]);
    return super.build(input, rules);
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    this.gamma = this.place(heap, 'gamma');
    this.beta = this.place(heap, 'beta');
  }

  /**
   * @override
   * @param {number} y
   * @param {Tensor} x
   */
  compute(y, x) {
    const { gamma = 0, beta = 0, groups = 1 } = this;
    const { heap, B, steps, rows, features } = x;
    // A row of the kernel is a text with its steps and all axes but the last.
    const each = steps ? rows / (steps.N || 1) : rows / (B || 1);
    const splits = heap.i32(Int32Array.from({ length: B + 1 }, (_, b) => (steps ? steps.splits[b] : b) * each));
    heap.exports.pl_ragged_group_norm(y, x.pointer, gamma, beta, splits, groups, this.epsilon(1e-3), B, features);
  }
}

/** Keras RMSNormalization. */
export class RMSNormalization extends LastAxis {
  /** @override */
  static className = 'RMSNormalization';

  /** @override @type {import('../tensor.js').Framework[]} */
  static ignoresMaskIn = ['keras3'];

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.addWeight('scale', [input.features]);
    return super.build(input, rules);
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    this.scale = this.place(heap, 'scale');
  }

  /**
   * @override
   * @param {number} y
   * @param {Tensor} x
   */
  compute(y, x) {
    x.heap.exports.pl_rms_norm(y, x.pointer, this.scale ?? 0, this.epsilon(1e-6), x.rows, x.features);
  }
}

/** Keras UnitNormalization: scales each step to length 1. */
export class UnitNormalization extends LastAxis {
  /** @override */
  static className = 'UnitNormalization';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /**
   * @override
   * @param {number} y
   * @param {Tensor} x
   */
  compute(y, x) {
    x.heap.exports.pl_unit_norm(y, x.pointer, x.rows, x.features);
  }
}

/** Keras BatchNormalization at inference: (x - mean) / sqrt(variance + epsilon) * gamma + beta, with mean and variance from the file. */
export class BatchNormalization extends LastAxis {
  /** @override */
  static className = 'BatchNormalization';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    const D = input.features;
    if (this.config.scale !== false) this.addWeight('gamma', [D]);
    if (this.config.center !== false) this.addWeight('beta', [D]);
    this.addWeight('moving_mean', [D]);
    this.addWeight('moving_variance', [D]);
    return super.build(input, rules);
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const [gamma, beta] = ['gamma', 'beta'].map((name) => this.weights.get(name)?.data);
    const [mean, variance] = [this.weight('moving_mean').data, this.weight('moving_variance').data];
    const scale = Array.from(variance, (v, d) => (gamma?.[d] ?? 1) / Math.sqrt(v + this.epsilon(1e-3)));
    this.scale = heap.f32(scale);
    this.shift = heap.f32(scale.map((s, d) => (beta?.[d] ?? 0) - mean[d] * s));
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
