/**
 * What flows between layers: at load a Spec (shapes), at run a Tensor (values in the heap). Layers are applied to either.
 *
 * A sequence has its time axis first. Its rows stand one behind the other, row b being steps splits[b] .. splits[b+1]-1, in one of two forms:
 *   closed up  only the steps that count are there; the mask is in `steps` alone. What every model gets that lets masks be masks.
 *   padded     all B*T positions are there, `steps` has none left out, and `keep` is the mask that goes along. For models of a
 *              framework in which some layer reads padding (semantics: "being faithful to somebody else's model").
 * @module
 */
import { checkFits, ShapeError } from '../errors.js';
/** @typedef {import('./basic.js').Embedding} Embedding */
/** @typedef {import('../runtime/memory.js').Heap} Heap */

/** @param {ArrayLike<number | null>} shape @param {number} [from] @param {number} [to] */
export function product(shape, from = 0, to = shape.length) {
  let size = 1;
  for (let i = from; i < to; i++) size *= /** @type {number} */ (shape[i]);
  return size;
}

/**
 * What a layer makes of its input, known before there is any. Shapes are of one text, without the batch; null is a length that varies.
 */
export class Spec {
  /**
   * @param {{ shape: (number | null)[], ids?: boolean, masked?: boolean, time?: object | null, backendPaddingOf?: string, maskRemovedBy?: string,
   *   lookup?: Embedding | null, rules: Rules }} of
   *   ids: int32 tokens, one a step; masked: a mask comes with it; time: the same object for all sequences whose steps are the same;
   *   backendPaddingOf: the path of a layer whose values at padding differ between Keras's backends;
   *   maskRemovedBy: the path of a layer that took the mask off while Keras ran, so that others see none; lookup: the values are rows of its table
   */
  constructor({
    shape,
    ids = false,
    masked = false,
    time = null,
    backendPaddingOf = '',
    maskRemovedBy = '',
    lookup = null,
    rules,
  }) {
    this.shape = shape;
    this.ids = ids;
    this.masked = masked;
    this.time = time;
    this.backendPaddingOf = backendPaddingOf;
    this.maskRemovedBy = maskRemovedBy;
    this.lookup = lookup;
    this.rules = rules;
  }

  /** Values of one step of a sequence, or of the vector. */
  get features() {
    return this.ids ? 1 : Number(this.shape.at(-1) ?? 1);
  }

  /** Has a time axis. */
  get sequence() {
    return this.ids || this.shape.length > 1;
  }

  /** @param {Partial<Spec>} change @returns {Spec} */
  with(change) {
    return new Spec({ ...this, lookup: null, ...change });
  }

  /** The same steps with other values. @param {number} features */
  ofFeatures(features) {
    return this.with({ shape: [...this.shape.slice(0, -1), features] });
  }

  /** A vector a text. @param {number} features */
  vector(features) {
    return this.with({ shape: [features], masked: false, time: null, ids: false });
  }
}

/**
 * How a model is to be read: which framework's rules hold, and what its layers found while they were built.
 * @typedef {object} Rules
 * @property {number} kerasMajor  version of the Keras that saved the model
 * @property {number} kerasMinor
 * @property {boolean} select  masks select, in every layer (padless's own models); false: each layer as its framework has it
 * @property {boolean} andMasks  merges of two masks: AND (Keras 2, TF.js), else OR (Keras 3)
 * @property {Set<string>} readsPadding  paths of layers that read what stands at the padding
 * @property {Set<string>} needsPadded  paths of layers that merge sequences of different masks
 * @property {Set<object>} applied  layers that were used while the model was put together
 * @property {Set<string>} needsLength  paths of layers that need all rows of one length
 */

/** Which steps of a batch are stored: row b is steps splits[b] up to, not including, splits[b+1]. */
export class Steps {
  /**
   * @param {Heap} heap
   * @param {number} B
   * @param {number} T  padded length
   * @param {Uint8Array | null} mask  [B, T], 0 is padding; null: every step is there
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
    /** Steps of the whole batch. */
    this.N = this.splits[B];
    this.pointer = heap.i32(this.splits);
  }

  /** Rows of these lengths, each a prefix of T. @param {Heap} heap @param {ArrayLike<number>} lengths @param {number} T */
  static prefixes(heap, lengths, T) {
    const B = lengths.length;
    if (Array.from(lengths).every((length) => length === T)) return new Steps(heap, B, T, null);
    const mask = new Uint8Array(checkFits(B * T));
    for (let b = 0; b < B; b++) mask.fill(1, b * T, b * T + lengths[b]);
    return new Steps(heap, B, T, mask);
  }

  /** Steps of row b. @param {number} b */
  length(b) {
    return this.splits[b + 1] - this.splits[b];
  }

  /** Every row has T steps. */
  get uniform() {
    return this.N === this.B * this.T;
  }

  /** @param {Steps} other */
  equals(other) {
    return this === other || (this.T === other.T && this.splits.join() === other.splits.join());
  }
}

/** Values of a layer. */
export class Tensor {
  /** @type {number | (() => number)} */
  #pointer;

  /**
   * @param {Heap} heap
   * @param {number | (() => number)} pointer  float32 (ids: int32) in the heap; or what puts them there, when somebody asks for them
   * @param {number} B
   * @param {(number | null)[]} shape  of one text; [] for ids
   * @param {Steps | null} [steps]  of a sequence
   * @param {Steps | null} [keep]  padded form: the steps that count
   */
  constructor(heap, pointer, B, shape, steps = null, keep = null) {
    this.heap = heap;
    this.#pointer = pointer;
    this.B = B;
    this.shape = shape;
    this.steps = steps;
    this.keep = keep;
  }

  /** Where the values are. */
  get pointer() {
    if (typeof this.#pointer === 'function') this.#pointer = this.#pointer();
    return this.#pointer;
  }

  get features() {
    return this.shape.length ? Number(this.shape.at(-1)) : 1;
  }

  /** Vectors of `features` values. */
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

  /** The same steps with other values. @param {number} pointer @param {number} features */
  ofFeatures(pointer, features) {
    return new Tensor(this.heap, pointer, this.B, [...this.shape.slice(0, -1), features], this.steps, this.keep);
  }

  /** A vector a text. @param {number} pointer @param {number} features */
  vector(pointer, features) {
    return new Tensor(this.heap, pointer, this.B, [features]);
  }

  /** The values as they are now. */
  view() {
    return this.heap.f32View(this.pointer, this.rows * this.features);
  }

  /** A sequence without its mask: all that is stored counts. */
  unmasked() {
    return this.keep ? new Tensor(this.heap, this.pointer, this.B, this.shape, this.steps) : this;
  }

  /** Padded form -> closed up; anything else as it is. */
  closed() {
    if (!this.keep) return this;
    const { heap, keep, features, B } = this;
    const y = heap.reserve32(keep.N * features);
    if (keep.mask) heap.exports.pl_pack(y, this.pointer, heap.u8(keep.mask), B, keep.T, features);
    else return this.unmasked();
    return new Tensor(heap, y, B, this.shape, keep);
  }

  /**
   * What `work` makes of the closed-up form, back in this one's: zeros at padding, or the last value before it.
   * @param {(x: Tensor) => Tensor} work  sequence to sequence of the same steps, or to vectors
   * @param {boolean} [hold]
   */
  whereKept(work, hold = false) {
    if (!this.keep) return work(this);
    const { heap, keep, B } = this;
    const y = work(this.closed());
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
