/**
 * Layers with windows that slide over time, and layers that change the length. In Keras they ignore masks: they read the values at padding,
 * and their output has no mask. In padless's own models they read only the steps that count, as if the text had no padding.
 * @module
 */
import { conv as convLayout, padding as paddings } from '../../dist/abi.js';
import { COUNT_MOST, ShapeError, STEPS_MOST, UnsupportedError } from '../../errors.js';
import { activationNumber } from '../../runtime/activations.js';
import { dense, packDense } from '../basic.js';
import { isCount, Layer } from '../layer.js';
import { maskUnlessSame } from './shape.js';
import { Steps, Tensor } from '../tensor.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Rules} Rules */
/** @typedef {import('../tensor.js').Spec} Spec */

/** The steps of an output whose rows have other lengths. @param {Tensor} x @param {(length: number) => number} lengthOf  never less for a longer row */
function resized({ B, time, heap }, lengthOf) {
  const lengths = Array.from({ length: B }, (_, b) => lengthOf(time.length(b)));
  return Steps.prefixes(heap, lengths, lengthOf(time.T));
}

/** Base of the layers with a window that slides over time. */
class Window extends Layer {
  /** @override @type {import('../tensor.js').Framework[]} */
  static ignoresMaskIn = ['tfjs'];

  /** Number of steps that a window reads. @returns {number} */
  get size() {
    return this.count('kernel_size');
  }

  /** @returns {number} */
  get stride() {
    return this.count('strides', 1);
  }

  get dilation() {
    const rate = this.count('dilation_rate', 1);
    if (rate * this.size > COUNT_MOST) throw this.wrong('dilation_rate', rate, `a window of at most ${COUNT_MOST} steps`);
    return rate;
  }

  /** @returns {number} pl_padding */
  get padding() {
    const { padding = 'valid' } = this.config;
    if (!Object.hasOwn(paddings, padding))
      throw new UnsupportedError(
        `${this.path}: padding ${JSON.stringify(padding)} is not one of ${Object.keys(paddings).join(', ')}`,
      );
    return paddings[/** @type {keyof typeof paddings} */ (padding)];
  }

  /** Number of steps from the first to the last that a window reads. */
  get span() {
    return (this.size - 1) * this.dilation + 1;
  }

  /** Number of steps of the first window before the start of the row. For `same` padding with a stride it depends on the length of the row. */
  get before() {
    const { padding, span } = this;
    return padding === paddings.causal ? span - 1 : padding === paddings.same ? (span - 1) >> 1 : 0;
  }

  /** Whether window t starts at step t * stride - before for any length of the row. */
  get anchored() {
    return this.stride === 1 || this.padding !== paddings.same;
  }

  /** Whether the output has the steps of the input. */
  get keepsSteps() {
    return this.stride === 1 && this.padding !== paddings.valid;
  }

  /** Computes pl_conv_length in JavaScript, because there is no heap yet when shapes are computed. @param {number} T  length of a row @returns {number} number of windows */
  lengthOf(T) {
    const { span, stride, padding } = this;
    return padding === paddings.valid ? Math.max(0, Math.floor((T - span) / stride) + 1) : Math.ceil(T / stride);
  }

  /**
   * The Spec of the output.
   * @param {Spec} input
   * @param {number} features
   */
  slide(input, features) {
    this.needSequence(input);
    this.refuse({ data_format: ['channels_last'] });
    const losesMask = this.readsPadding(input);
    const [T] = input.shape;
    return input.with({
      shape: [T === null ? null : this.lengthOf(T), features],
      masked: input.masked && !losesMask,
      time: this.keepsSteps && !(losesMask && input.masked) ? input.time : {},
    });
  }

  /** The steps of the output. @param {Tensor} x @returns {Steps} */
  steps(x) {
    if (this.keepsSteps) return x.time;
    return resized(x, (length) => this.lengthOf(length));
  }
}

/** Keras Conv1D: y[t] = activation(b + sum_i x[t*stride + i*dilation - before] W[i]). */
export class Conv1D extends Window {
  /** @override */
  static className = 'Conv1D';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'window';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    const y = this.slide(input, this.count('filters'));
    const { D, N } = { D: input.features, N: y.features };
    this.D = D;
    this.N = N;
    this.act = activationNumber(this.config.activation, this.path, rules.kerasMajor);
    this.groups = this.count('groups', 1);
    if (D % this.groups || N % this.groups)
      throw new ShapeError(`${this.path}: ${this.groups} groups do not divide ${D} features and ${N} filters`);
    this.addWeight('kernel', [this.size, D / this.groups, N]);
    if (this.config.use_bias !== false) this.addWeight('bias', [N]);
    return y;
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const { D = 0, N = 0, size, stride, dilation, padding } = this;
    const packed = heap.reserve32(heap.exports.pl_conv_packed_size(size, D, N));
    heap.scoped(() => {
      const bias = this.place(heap, 'bias');
      heap.exports.pl_conv_pack(packed, heap.f32(this.#ungrouped()), bias, size, D, N);
    });
    /** Pointer to the pl_conv. */
    this.conv = heap.structs(convLayout, { D, N, size, stride, dilation, padding, packed });
  }

  /** The kernel [size, D, N], with zeros between the features of one group and the filters of another. */
  #ungrouped() {
    const { data } = this.weight('kernel');
    const { D = 0, N = 0, groups = 1, size } = this;
    if (groups === 1) return data;
    const [d, n] = [D / groups, N / groups];
    const whole = new Float32Array(size * D * N);
    for (let i = 0; i < data.length; i++) {
      const [row, column] = [Math.floor(i / N), i % N];
      const [tap, feature] = [Math.floor(row / d), row % d];
      whole[(tap * D + Math.floor(column / n) * d + feature) * N + column] = data[i];
    }
    return whole;
  }

  /**
   * @override
   * @param {Tensor} given
   */
  call(given) {
    const { conv = 0, N = 0, act = 0 } = this;
    const x = given.unmasked();
    const { heap, B } = x;
    const steps = this.steps(x);
    const y = heap.reserve32(steps.N * N);
    const arena = heap.scratch(heap.exports.pl_ragged_conv_scratch(conv));
    heap.exports.pl_ragged_conv(y, x.pointer, conv, x.time.pointer, steps.pointer, B, arena);
    if (act) heap.exports.pl_activate(y, y, act, steps.N, N);
    return new Tensor(heap, y, B, [steps.T, N], steps);
  }
}

/** Keras DepthwiseConv1D: convolves each feature separately, with depth_multiplier outputs for each. */
export class DepthwiseConv1D extends Window {
  /** @override */
  static className = 'DepthwiseConv1D';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'window';

  /** Name of the kernel among the weights. */
  get kernelName() {
    return 'kernel';
  }

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.D = input.features;
    this.multiplier = this.count('depth_multiplier', 1);
    this.act = activationNumber(this.config.activation, this.path, rules.kerasMajor);
    const y = this.slide(input, this.D * this.multiplier);
    this.addWeight(this.kernelName, [this.size, this.D, this.multiplier]);
    return this.finish(y);
  }

  /** Declares the weights used after the depthwise convolution. @param {Spec} y @returns {Spec} of the output */
  finish(y) {
    if (this.config.use_bias !== false) this.addWeight('bias', [y.features]);
    return y;
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    this.kernel = this.place(heap, this.kernelName);
    this.bias = this.place(heap, 'bias');
  }

  /**
   * @param {Tensor} given
   * @param {number} bias
   */
  depthwise(given, bias) {
    const { size, stride, dilation, padding } = this;
    const [kernel, D, multiplier] = /** @type {number[]} */ ([this.kernel, this.D, this.multiplier]);
    const x = given.unmasked();
    const { heap, B } = x;
    const steps = this.steps(x);
    const y = heap.reserve32(steps.N * D * multiplier);
    heap.exports.pl_ragged_depthwise_conv(
      y, x.pointer, kernel, bias, x.time.pointer, steps.pointer, size, stride, dilation, padding, B, D, multiplier,
    ); // prettier-ignore
    return new Tensor(heap, y, B, [steps.T, D * multiplier], steps);
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    const y = this.depthwise(x, this.bias ?? 0);
    if (this.act) y.heap.exports.pl_activate(y.pointer, y.pointer, this.act, y.rows, y.features);
    return y;
  }
}

/** Keras SeparableConv1D: a depthwise convolution, then a Dense over features. */
export class SeparableConv1D extends DepthwiseConv1D {
  /** @override */
  static className = 'SeparableConv1D';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'window';

  /** @override */
  get kernelName() {
    return 'depthwise_kernel';
  }

  /** @override @param {Spec} y */
  finish(y) {
    this.filters = this.count('filters');
    this.addWeight('pointwise_kernel', [1, y.features, this.filters]);
    if (this.config.use_bias !== false) this.addWeight('bias', [this.filters]);
    return y.ofFeatures(this.filters);
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const [, K, N] = this.weight('pointwise_kernel').shape;
    this.packed = packDense(heap, this.weight('pointwise_kernel').data, this.weights.get('bias')?.data, K, N);
    this.kernel = this.place(heap, this.kernelName);
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    return dense(this.depthwise(x, 0), this.packed ?? 0, this.filters ?? 0, this.act);
  }
}

/**
 * Keras Conv1DTranspose: y[o] = activation(b + sum of x[t] W[i] over all t and i with t*stride + i*dilation - before = o). W[i] is [filters, D].
 * The length and `before` are computed as in backend_utils of Keras 3.15, which all its backends use.
 */
export class Conv1DTranspose extends Window {
  /** @override */
  static className = 'Conv1DTranspose';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** Steps added after the shortest output; null adds as many as needed for T * stride steps (`same`), or for a complete last window. */
  get outputPadding() {
    const { output_padding: given = null } = this.config;
    const value = Array.isArray(given) && given.length === 1 ? given[0] : given;
    if (value !== null && value !== 0 && !isCount(value)) throw this.wrong('output_padding', given, 'an integer from 0 on');
    return /** @type {number | null} */ (value);
  }

  /** Steps added to (T - 1) * stride + 1 - span: before the first step, and in total. */
  get added() {
    const { span, stride, outputPadding } = this;
    if (this.padding === paddings.valid) {
      const behind = outputPadding ?? Math.max(span, stride) - span;
      return { front: span - 1, all: 2 * span - 2 + behind };
    }
    const all = outputPadding === null ? stride + span - 2 : span + (span % 2) - 2 + outputPadding;
    return { front: Math.min(Math.ceil(all / 2), span - 1), all };
  }

  /** @override */
  get keepsSteps() {
    return super.keepsSteps && this.outputPadding === null;
  }

  /** @override @param {number} T @returns {number} */
  lengthOf(T) {
    return T && Math.max(0, (T - 1) * this.stride + this.added.all - this.span + 2);
  }

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.refuse({ groups: [1], padding: ['valid', 'same'] });
    const y = this.slide(input, this.count('filters'));
    this.D = input.features;
    this.N = y.features;
    this.act = activationNumber(this.config.activation, this.path, rules.kerasMajor);
    this.addWeight('kernel', [this.size, this.N, this.D]);
    if (this.config.use_bias !== false) this.addWeight('bias', [this.N]);
    return y;
  }

  /**
   * Packs the kernel as W [D, size * filters], for one product with all window positions.
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const { size } = this;
    const [D, N] = /** @type {number[]} */ ([this.D, this.N]);
    const { data } = this.weight('kernel');
    const columns = size * N;
    const transposed = Float32Array.from(data, (_, i) => data[(i % columns) * D + Math.floor(i / columns)]);
    this.packed = packDense(heap, transposed, undefined, D, columns);
    this.bias = this.weights.get('bias')?.data;
  }

  /**
   * @override
   * @param {Tensor} given
   */
  call(given) {
    const { N = 0, size, stride, dilation, span, act = 0, bias, packed = 0 } = this;
    const x = given.unmasked();
    const { heap, B, time } = x;
    const steps = this.steps(x);
    const taps = dense(x, packed, size * N);
    const y = heap.reserve32(steps.N * N);
    const [out, products] = [heap.f32View(y, steps.N * N), taps.view()];
    for (let i = 0; i < out.length; i++) out[i] = bias ? bias[i % N] : 0;
    const before = span - 1 - this.added.front;
    for (let b = 0; b < B; b++)
      for (let t = 0; t < time.length(b); t++)
        for (let i = 0; i < size; i++) {
          const o = t * stride + i * dilation - before;
          if (o < 0 || o >= steps.length(b)) continue;
          const [to, from] = [(steps.splits[b] + o) * N, ((time.splits[b] + t) * size + i) * N];
          for (let n = 0; n < N; n++) out[to + n] += products[from + n];
        }
    if (act) heap.exports.pl_activate(y, y, act, steps.N, N);
    return new Tensor(heap, y, B, [steps.T, N], steps);
  }
}

/** Base of MaxPooling1D and AveragePooling1D. */
class PoolingWindow extends Window {
  /** @override */
  get size() {
    return this.count('pool_size', 2);
  }

  /** @override */
  get stride() {
    return this.config.strides === null || this.config.strides === undefined ? this.size : this.count('strides');
  }

  /** Name of the kernel. @returns {string} */
  get kernel() {
    return '';
  }

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    return this.slide(input, input.features);
  }

  /**
   * @override
   * @param {Tensor} given
   */
  call(given) {
    const { size, stride, padding } = this;
    const x = given.unmasked();
    const { heap, B, features } = x;
    const steps = this.steps(x);
    const y = heap.reserve32(steps.N * features);
    heap.exports[this.kernel](y, x.pointer, x.time.pointer, steps.pointer, size, stride, padding, B, features);
    return new Tensor(heap, y, B, [steps.T, features], steps);
  }
}

/** Keras MaxPooling1D. */
export class MaxPooling1D extends PoolingWindow {
  /** @override */
  static className = 'MaxPooling1D';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'window';

  /** @override */
  get kernel() {
    return 'pl_ragged_max_pool';
  }
}

/** Keras AveragePooling1D. Averages leave out the steps that `same` padding adds. */
export class AveragePooling1D extends PoolingWindow {
  /** @override */
  static className = 'AveragePooling1D';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'window';

  /** @override */
  get kernel() {
    return 'pl_ragged_average_pool';
  }
}

/** Base of the layers that remove, add or repeat steps. */
export class Resizing extends Layer {
  /** The value of added steps. */
  fill = 0;

  /** @param {number} T  length of an input row @returns {number} length of the output row */
  lengthOf(T) {
    return T;
  }

  /** @param {number} t  step of the output @param {number} _T  length of the input row @returns {number} step of the input; if that is outside of the row, the step is filled with `fill` */
  sourceOf(t, _T) {
    return t;
  }

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    this.needSequence(input);
    this.refuse({ data_format: ['channels_last'] });
    const losesMask = this.readsPadding(input);
    this.lengthOf(1);
    const [T] = input.shape;
    return input.with({
      shape: [T === null ? null : this.lengthOf(T), input.features],
      time: {},
      ...(losesMask ? maskUnlessSame(this, input, input.rules.framework === 'keras3' && this.isSame) : {}),
    });
  }

  /** Whether the output equals the input. */
  get isSame() {
    return false;
  }

  /**
   * The output, row by row.
   * @param {Tensor} x  without a mask @param {(row: Float32Array, y: Float32Array) => void} fillRow  from the values of a row
   */
  filled(x, fillRow) {
    const { heap, B, features, time } = x;
    const steps = resized(x, (length) => this.lengthOf(length));
    const y = heap.reserve32(steps.N * features);
    const [out, values] = [heap.f32View(y, steps.N * features), x.view()];
    for (let b = 0; b < B; b++) {
      const [from, to] = [time.splits[b] * features, steps.splits[b] * features];
      fillRow(values.subarray(from, from + time.length(b) * features), out.subarray(to, to + steps.length(b) * features));
    }
    return new Tensor(heap, y, B, [steps.T, features], steps);
  }

  /**
   * @override
   * @param {Tensor} given
   */
  call(given) {
    const x = given.unmasked();
    const D = x.features;
    return this.filled(x, (row, y) => {
      const T = row.length / D;
      for (let t = 0; t < y.length / D; t++) {
        const from = this.sourceOf(t, T);
        if (from < 0 || from >= T) y.fill(this.fill, t * D, (t + 1) * D);
        else y.set(row.subarray(from * D, (from + 1) * D), t * D);
      }
    });
  }
}

/** Reads an option that is a count or a pair of counts, 2 or [2, 3]. @param {Layer} layer @param {string} name @returns {[number, number]} */
function pair(layer, name) {
  const given = layer.config[name] ?? 1;
  const [before, behind = before] = Array.isArray(given) ? given : [given];
  if (![before, behind].every((count) => count === 0 || (isCount(count) && count <= STEPS_MOST)))
    throw layer.wrong(name, given, `one or two integers from 0 to ${STEPS_MOST}`);
  return [before, behind];
}

/** Keras ZeroPadding1D. */
export class ZeroPadding1D extends Resizing {
  /** @override */
  static className = 'ZeroPadding1D';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {number} T */
  lengthOf(T) {
    const [before, behind] = pair(this, 'padding');
    return T + before + behind;
  }
  /** @override @param {number} t */
  sourceOf(t) {
    return t - pair(this, 'padding')[0];
  }
}

/** Keras Cropping1D. */
export class Cropping1D extends Resizing {
  /** @override */
  static className = 'Cropping1D';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {number} T */
  lengthOf(T) {
    const [before, behind] = pair(this, 'cropping');
    return Math.max(0, T - before - behind);
  }
  /** @override @param {number} t */
  sourceOf(t) {
    return t + pair(this, 'cropping')[0];
  }

  /** @override */
  get isSame() {
    return pair(this, 'cropping').every((count) => count === 0);
  }
}

/** Keras UpSampling1D: repeats each step `size` times. */
export class UpSampling1D extends Resizing {
  /** @override */
  static className = 'UpSampling1D';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {number} T */
  lengthOf(T) {
    return T * this.count('size', 2, STEPS_MOST);
  }
  /** @override @param {number} t */
  sourceOf(t) {
    return Math.floor(t / this.count('size', 2, STEPS_MOST));
  }
}
