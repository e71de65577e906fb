/**
 * The inputs and outputs of layers: a Spec (a shape) while a model is loaded, a Tensor (values in the heap) while it runs. Layers are applied
 * to both.
 *
 * The first axis of a sequence is time. The rows of a batch are stored one after the other: row b is steps splits[b] .. splits[b+1]-1, in one
 * of two forms:
 *   ragged  only the steps that count are stored; the mask is in `steps`. All models use this form, except those that need the other.
 *   padded  all B*T positions are stored, `steps` has no mask, and `keep` holds the mask. For models of other frameworks in which a layer
 *           reads the values at padding.
 * @module
 */
import { checkFits, ShapeError } from '../errors.js';
/** @typedef {import('./basic.js').Embedding} Embedding */
/** @typedef {import('../runtime/memory.js').Heap} Heap */

/** shape[from] * ... * shape[to - 1] @param {ArrayLike<number | null>} shape @param {number} [from] @param {number} [to] */
export function product(shape, from = 0, to = shape.length) {
  let size = 1;
  for (let i = from; i < to; i++) size *= /** @type {number} */ (shape[i]);
  return size;
}

/**
 * The properties of a layer's input or output that are known while a model is loaded. The shape is that of one text, without the batch axis; null is
 * a length that varies.
 */
export class Spec {
  /**
   * @param {{ shape: (number | null)[], ids?: boolean, masked?: boolean, time?: object | null, unlikePadding?: string, maskRemovedBy?: string,
   *   lookup?: Embedding | null, rules: Rules }} of
   *   ids: int32 token ids, one for each step; masked: it has a mask; time: sequences with the same steps share this object;
   *   unlikePadding: path of a layer whose values at padding differ from Keras, and why;
   *   maskRemovedBy: path of a layer that removes the mask from the tensor while Keras runs, so that later layers see no mask;
   *   lookup: the Embedding whose rows the values are
   */
  constructor({ shape, ids = false, masked = false, time = null, unlikePadding = '', maskRemovedBy = '', lookup = null, rules }) {
    this.shape = shape;
    this.ids = ids;
    this.masked = masked;
    this.time = time;
    this.unlikePadding = unlikePadding;
    this.maskRemovedBy = maskRemovedBy;
    this.lookup = lookup;
    this.rules = rules;
  }

  /** Number of values of one step of a sequence, or of a vector. */
  get features() {
    return this.ids ? 1 : Number(this.shape.at(-1) ?? 1);
  }

  /** Whether it has a time axis. */
  get sequence() {
    return this.ids || this.shape.length > 1;
  }

  /** A copy with some fields changed. @param {Partial<Spec>} change @returns {Spec} */
  with(change) {
    return new Spec({ ...this, lookup: null, ...change });
  }

  /** The same steps with another number of features. @param {number} features */
  ofFeatures(features) {
    return this.with({ shape: [...this.shape.slice(0, -1), features] });
  }

  /** One vector for each text. @param {number} features */
  vector(features) {
    return this.with({ shape: [features], masked: false, time: null, ids: false });
  }
}

/** The framework whose rules a model follows; '' for padless's own models. @typedef {'' | 'keras3' | 'keras2' | 'tfjs'} Framework */

/**
 * The rules that a model follows, and what its layers record while they are built.
 * @typedef {object} Rules
 * @property {Framework} framework
 * @property {boolean} masks  whether some input has a mask
 * @property {number} kerasMajor  version of the Keras that saved the model
 * @property {number} kerasMinor  NaN if unknown
 * @property {boolean} select  true: every layer ignores steps at padding (padless's own models); false: each layer treats masks as its
 *   framework does
 * @property {boolean} andMasks  how a merge combines masks: AND (Keras 2, TF.js), otherwise OR (Keras 3)
 * @property {Set<string>} readsPadding  paths of layers that read the values at padding
 * @property {Set<string>} needsPadded  paths of layers that merge sequences with different masks
 * @property {Set<object>} applied  layers that were applied while the model was built
 * @property {Set<string>} needsLength  paths of layers that need rows of equal length
 */

/** Which steps of a batch are stored: row b is steps splits[b] up to, not including, splits[b+1]. */
export class Steps {
  /**
   * @param {Heap} heap
   * @param {number} B
   * @param {number} T  padded length
   * @param {Uint8Array | null} mask  [B, T], 0 is padding; null: no padding
   */
  constructor(heap, B, T, mask) {
    if (mask && mask.length !== B * T) throw new ShapeError(`mask has ${mask.length} entries, expected B*T = ${B}*${T} = ${B * T}`);
    checkFits(B * T);
    this.B = B;
    this.T = T;
    this.mask = mask;
    this.splits = new Int32Array(B + 1);
    for (let b = 0, n = 0; b < B; b++) {
      if (!mask) n += T;
      else for (let t = b * T; t < (b + 1) * T; t++) if (mask[t]) n++;
      this.splits[b + 1] = n;
    }
    /** Number of steps in the batch. */
    this.N = this.splits[B];
    this.pointer = heap.i32(this.splits);
  }

  /** Rows with the given lengths, padded to T at the end. @param {Heap} heap @param {ArrayLike<number>} lengths @param {number} T */
  static prefixes(heap, lengths, T) {
    const B = lengths.length;
    if (Array.from(lengths).every((length) => length === T)) return new Steps(heap, B, T, null);
    const mask = new Uint8Array(checkFits(B * T));
    for (let b = 0; b < B; b++) mask.fill(1, b * T, b * T + lengths[b]);
    return new Steps(heap, B, T, mask);
  }

  /** Number of steps in row b. @param {number} b */
  length(b) {
    return this.splits[b + 1] - this.splits[b];
  }

  /** Whether every row has T steps. */
  get uniform() {
    return this.N === this.B * this.T;
  }

  /** @param {Steps} other */
  equals(other) {
    return this === other || (this.T === other.T && this.splits.join() === other.splits.join());
  }
}

/** The values of a layer's input or output. */
export class Tensor {
  /** @type {number | (() => number)} */
  #pointer;

  /**
   * @param {Heap} heap
   * @param {number | (() => number)} pointer  to float32 (ids: int32) in the heap; or a function that computes them there, called at the first
   *   use
   * @param {number} B
   * @param {(number | null)[]} shape  of one text; [] for ids
   * @param {Steps | null} [steps]  the steps stored; null if it is not a sequence
   * @param {Steps | null} [keep]  in the padded form: the steps that count
   */
  constructor(heap, pointer, B, shape, steps = null, keep = null) {
    this.heap = heap;
    this.#pointer = pointer;
    this.B = B;
    this.shape = shape;
    this.steps = steps;
    this.keep = keep;
  }

  /** Pointer to the values. */
  get pointer() {
    if (typeof this.#pointer === 'function') this.#pointer = this.#pointer();
    return this.#pointer;
  }

  /** Number of values of one step of a sequence, or of a vector. */
  get features() {
    return this.shape.length ? Number(this.shape.at(-1)) : 1;
  }

  /** Number of vectors of `features` values in the batch. */
  get rows() {
    return this.steps
      ? this.steps.N * product(this.shape, 1, this.shape.length - 1)
      : this.B * product(this.shape, 0, this.shape.length - 1);
  }

  /** The steps of a sequence. @returns {Steps} */
  get time() {
    if (!this.steps) throw new ShapeError(`expected a sequence, got vectors of ${this.features}`);
    return this.steps;
  }

  /** Other values for the same steps. @param {number} pointer @param {number} features */
  ofFeatures(pointer, features) {
    return new Tensor(this.heap, pointer, this.B, [...this.shape.slice(0, -1), features], this.steps, this.keep);
  }

  /** One vector for each text. @param {number} pointer @param {number} features */
  vector(pointer, features) {
    return new Tensor(this.heap, pointer, this.B, [features]);
  }

  /** A view of the values, valid until the heap grows. */
  view() {
    return this.heap.f32View(this.pointer, this.rows * this.features);
  }

  /** The same sequence with another mask. @param {Steps | null} keep  the steps that count; null: no mask */
  withMask(keep) {
    return new Tensor(this.heap, this.pointer, this.B, this.shape, this.steps, keep);
  }

  /** The same tensor without `keep`: all stored steps count. */
  unmasked() {
    return this.keep ? this.withMask(null) : this;
  }

  /** Converts the padded form to the ragged form; returns any other tensor unchanged. */
  ragged() {
    if (!this.keep) return this;
    const { heap, keep, features, B } = this;
    const y = heap.reserve32(keep.N * features);
    if (keep.mask) heap.exports.pl_pack(y, this.pointer, heap.u8(keep.mask), B, keep.T, features);
    else return this.unmasked();
    return new Tensor(heap, y, B, this.shape, keep);
  }

  /**
   * Applies `work` to the ragged form and converts the result to the form of this tensor.
   * @param {(x: Tensor) => Tensor} work  returns a sequence with the same steps, or vectors
   * @param {boolean} [hold]  whether padding gets the last value before it instead of zeros
   */
  whereKept(work, hold = false) {
    if (!this.keep) return work(this);
    const { heap, keep, B } = this;
    const y = work(this.ragged());
    if (!y.steps) return y;
    if (!keep.mask) return new Tensor(heap, y.pointer, B, y.shape, this.steps, keep);
    const { features } = y;
    const mask = heap.u8(keep.mask);
    const padded = heap.reserve32(B * keep.T * features);
    heap.exports.pl_unpack(padded, y.pointer, mask, 0, B, keep.T, features);
    if (hold) heap.exports.pl_masked_hold(padded, mask, B, keep.T, features);
    return new Tensor(heap, padded, B, y.shape, this.steps, keep);
  }
}
