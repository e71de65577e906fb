/**
 * Normalisation layers.
 * @module
 */
import { ShapeError, UnsupportedError } from '../../errors.js';
import { repeated } from '../arrays.js';
import { Elementwise } from '../basic.js';
import { transposedMatrices } from './shape.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Rules} Rules */
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/** Base of layers that normalise over the last axis; some can normalise over others. */
class LastAxis extends Elementwise {
  /** Axes that it normalises over; time: axis 1 of a sequence; all: time and features. @type {'features' | 'time' | 'all'} */
  over = 'features';

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
    if (this.over === 'features' && given !== -1 && given !== last)
      throw new UnsupportedError(
        `${this.path}: ${this.className} has axis=${JSON.stringify(axis)} for ${last + 1} axes; padless supports the last axis, ${last}${this.other}`,
      );
    return y;
  }

  /** Other axes that the class supports, for messages. */
  get other() {
    return '';
  }

  /** The axes in option `axis`, without negative ones; the batch is axis 0. @param {Spec} input @returns {number[]} */
  axesOf({ shape }) {
    return [this.config.axis ?? -1].flat().map((axis) => (axis < 0 ? axis + shape.length + 1 : axis));
  }

  /** Whether the only axis is time. @param {Spec} input */
  isOverTime(input) {
    return input.shape.length === 2 && this.axesOf(input).join() === '1';
  }

  /** Throws if the rows differ in length. @param {Tensor} x */
  needEqualLengths(x) {
    if (!x.time.uniform)
      throw new ShapeError(`${this.path}: rows of different lengths, up to ${x.time.T} steps; expected equal lengths`);
  }

  /** @param {number} otherwise */
  epsilon(otherwise) {
    return this.number('epsilon', otherwise);
  }
}

/**
 * Keras LayerNormalization: over the features of each step, over the steps for each feature (axis 1), or over all values of a text (axis
 * [1, 2]). The last two read the padding.
 */
export class LayerNormalization extends LastAxis {
  /** @override */
  static className = 'LayerNormalization';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  get other() {
    return ', and for [B, T, D] also 1 and [1, 2]';
  }

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.needValues(input);
    const { center, rms_scaling: rms, scale } = this.config;
    const axes = this.axesOf(input);
    const rank = input.shape.length;
    const isAll = rank > 1 && axes.length === rank && input.shape.every((_, i) => axes.includes(i + 1));
    const isTime = this.isOverTime(input);
    this.over = isAll ? 'all' : isTime ? 'time' : 'features';
    if (isAll || isTime) this.needLength(input);
    const shape = /** @type {number[]} */ (isAll ? input.shape : [isTime ? input.shape[0] : input.features]);
    if (rms || scale !== false) this.addWeight('gamma', shape);
    if (!rms && center !== false) this.addWeight('beta', shape);
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
    const { heap, B, features: D } = x;
    if (this.over !== 'features') this.needEqualLengths(x);
    const rows = this.over === 'all' ? B : x.rows;
    if (this.over !== 'time') {
      this.#normalise(heap, y, x.pointer, rows, rows && (x.rows * D) / rows);
      return;
    }
    const { T } = x.time;
    const columns = transposedMatrices(x, T, D);
    this.#normalise(heap, columns, columns, B * D, T);
    heap.exports.pl_transpose(y, columns, B, D, T);
  }

  /** Normalises each row of x [rows, D]. @param {Heap} heap @param {number} y  pointer; may be x @param {number} x  pointer @param {number} rows @param {number} D */
  #normalise(heap, y, x, rows, D) {
    const { gamma = 0, beta = 0 } = this;
    if (!this.config.rms_scaling) {
      heap.exports.pl_layer_norm(y, x, gamma, beta, this.epsilon(1e-3), rows, D);
      return;
    }
    // y = gamma x / sqrt(variance + epsilon): Keras subtracts no mean here.
    const [from, to] = [x, y].map((pointer) => heap.f32View(pointer, rows * D));
    const scale = this.weight('gamma').data;
    for (let at = 0; at < rows * D; at += D) {
      const row = from.subarray(at, at + D);
      const mean = row.reduce((sum, value) => sum + value, 0) / D;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / D;
      const factor = 1 / Math.sqrt(variance + this.epsilon(1e-3));
      for (let d = 0; d < D; d++) to[at + d] = row[d] * factor * scale[d];
    }
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
    // For the kernel, a text is a row of steps; these are all axes of the text but the last.
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
    this.needValues(input);
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
    x.heap.exports.pl_rms_norm(y, x.pointer, /** @type {number} */ (this.scale), this.epsilon(1e-6), x.rows, x.features);
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

/**
 * Keras BatchNormalization at inference: (x - mean) / sqrt(variance + epsilon) * gamma + beta. The file has a mean and a variance for each feature
 * or, with axis 1 of a sequence, for each step.
 */
export class BatchNormalization extends LastAxis {
  /** @override */
  static className = 'BatchNormalization';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  get other() {
    return ', and for [B, T, D] also 1';
  }

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.needValues(input);
    this.refuse({ renorm: [false] });
    const isTime = this.isOverTime(input);
    if (isTime) this.over = 'time';
    const D = isTime ? this.needLength(input) : input.features;
    if (this.config.scale !== false) this.addWeight('gamma', [D]);
    if (this.config.center !== false) this.addWeight('beta', [D]);
    this.addWeight('moving_mean', [D]);
    this.addWeight('moving_variance', [D]);
    this.width = isTime ? input.features : 1;
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
    const shift = scale.map((s, d) => (beta?.[d] ?? 0) - mean[d] * s);
    // With axis 1, all features of a step have one scale; for the kernel, a text is one row.
    const width = /** @type {number} */ (this.width);
    this.scale = repeated(heap, scale, width);
    this.shift = repeated(heap, shift, width);
  }

  /**
   * @override
   * @param {number} y
   * @param {Tensor} x
   */
  compute(y, x) {
    const { scale = 0, shift = 0, width = 1 } = this;
    const D = this.over === 'time' ? this.weight('moving_mean').shape[0] * width : x.features;
    if (this.over === 'time' && !(x.time.uniform && x.time.T * width === D))
      throw new ShapeError(
        `${this.path}: rows of up to ${x.time.T} steps, expected ${D / width} steps in each row, as many as there are means`,
      );
    x.heap.exports.pl_affine(y, x.pointer, scale, shift, (x.rows * x.features) / D, D);
  }
}
