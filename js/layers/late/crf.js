/**
 * Linear-chain conditional random field (Lafferty et al. 2001) over the steps that count.
 * @module
 */
import { ShapeError, UnsupportedError } from '../../errors.js';
import { activationNumber } from '../../runtime/activations.js';
import { Dense, dense, packDense } from '../basic.js';
import { Layer } from '../layer.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Rules} Rules */
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/**
 * Tags of a sequence. The input [B, T, K] holds a score for each step and tag; weights are `transitions` [K, K] (from row to column),
 * `start` [K] and `end` [K]. The output [B, T, K] holds marginal probabilities: with `decode: 'viterbi'` (default) only for the tags on the best
 * path, with 0 for the others; with 'marginals' for all tags. With `return_score` a second output [B, 1] holds the score of the best path.
 */
export class CRF extends Layer {
  /** @override */
  static className = 'padless>CRF';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    this.needSequence(input);
    const { decode = 'viterbi' } = this.config;
    if (decode !== 'viterbi' && decode !== 'marginals')
      throw new UnsupportedError(`${this.path}: decode is ${JSON.stringify(decode)}, expected 'viterbi' or 'marginals'`);
    const K = input.features;
    this.addWeight('transitions', [K, K]);
    this.addWeight('start', [K]);
    this.addWeight('end', [K]);
    return this.config.return_score ? [input, input.vector(1)] : input;
  }

  /** @override @param {Heap} heap */
  load(heap) {
    this.pointers = ['transitions', 'start', 'end'].map((name) => this.place(heap, name));
  }

  /** @override @param {Tensor} x */
  call(x) {
    const { heap, B } = x;
    const score = heap.reserve32(B);
    const y = x.whereKept((kept) => this.#decode(kept, score));
    return this.config.return_score ? [y, x.vector(score, 1)] : y;
  }

  /** @param {Tensor} x @param {number} score */
  #decode(x, score) {
    const { heap, B, features: K, time } = x;
    const [transitions, start, end] = /** @type {number[]} */ (this.pointers);
    const tags = heap.reserve32(time.N);
    const y = heap.reserve32(time.N * K);
    const arena = heap.scratch(heap.exports.pl_ragged_crf_scratch(time.pointer, B, K));
    heap.exports.pl_ragged_crf_viterbi(tags, score, x.pointer, transitions, start, end, time.pointer, B, K, arena);
    heap.exports.pl_ragged_crf_marginals(y, 0, x.pointer, transitions, start, end, time.pointer, B, K, arena);
    if (this.config.decode !== 'marginals') {
      const [best, values] = [heap.i32View(tags, time.N), heap.f32View(y, time.N * K)];
      for (let i = 0; i < values.length; i++) if (i % K !== best[Math.floor(i / K)]) values[i] = 0;
    }
    return x.ofFeatures(y, K);
  }
}

/** The mask of a sequence in either form; null if all steps count. @param {Tensor} x */
const maskOf = (x) => (x.keep ? x.keep.mask : x.time.mask);

/**
 * Checks the mask of each row.
 * @param {Tensor} x
 * @param {string} path
 * @param {(mask: Uint8Array) => boolean} isFine  of one row
 * @param {string} expected
 */
function checkRows(x, path, isFine, expected) {
  const mask = maskOf(x);
  const { T } = x.time;
  for (let b = 0; mask && b < x.B; b++)
    if (!isFine(mask.subarray(b * T, (b + 1) * T))) throw new ShapeError(`${path}: row ${b} has padding ${expected}`);
}

/** Whether padding is at the end only. @param {Uint8Array} mask */
const isPrefix = (mask) => mask.every((counts, t) => !counts || t === 0 || mask[t - 1] !== 0);

/** Whether the steps that count are contiguous. @param {Uint8Array} mask */
const isOnePiece = (mask) => {
  const first = mask.findIndex(Boolean);
  return first < 0 || isPrefix(mask.subarray(first));
};

/**
 * CRF of TensorFlow Addons (tfa.layers.CRF), including its Dense, which computes the scores x W + b. The output is that of padless>CRF; the tag with
 * the greatest value at a step is the tag that Addons returns.
 */
export class AddonsCRF extends CRF {
  /** @override */
  static className = 'padless>AddonsCRF';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @param {import('../layer.js').LayerConfig} [config] */
  constructor(config = {}) {
    super(config);
    const { units, activation, use_bias: bias = true } = config;
    this.denseLayer = config.use_kernel === false ? null : new Dense({ name: 'dense', units, activation, use_bias: bias });
  }

  /** @override @param {Spec} input */
  build(input) {
    this.needSequence(input);
    this.needMask(input);
    const units = this.count('units');
    const scores = this.denseLayer ? /** @type {Spec} */ (this.denseLayer.apply(input)) : input;
    if (scores.features !== units)
      throw new ShapeError(
        `${this.path}: ${scores.features} scores for each step, expected units = ${units}, as use_kernel is false`,
      );
    this.addWeight('chain_kernel', [units, units]);
    if (this.config.use_boundary !== false) for (const side of ['left_boundary', 'right_boundary']) this.addWeight(side, [units]);
    return scores.with({ unlikePadding: `${this.path}, whose output in TensorFlow Addons is the tags` });
  }

  /** @override @param {Heap} heap */
  load(heap) {
    const zeros = new Float32Array(this.count('units'));
    const sides = ['left_boundary', 'right_boundary'].map((name) => heap.f32(this.weights.get(name)?.data ?? zeros));
    this.pointers = [this.place(heap, 'chain_kernel'), ...sides];
  }

  /** @override @param {Tensor} x */
  call(x) {
    checkRows(x, this.path, isPrefix, 'before steps that count; the CRF of TensorFlow Addons supports padding only at the end');
    return super.call(this.denseLayer ? this.denseLayer.apply(x) : x);
  }
}

/**
 * CRF of keras_contrib, including its Dense. It computes with energies: the best path has the minimum sum. It deviates from a CRF in three ways,
 * which this layer reproduces, because models were trained with them:
 *   with a mask, the right boundary is not used;
 *   without a mask, the best path ends as if a step with tag j followed, where j is the last tag of the best path that a step with tag 0 follows;
 *   with test_mode 'marginal', sums over the steps after a step use the transposed chain kernel.
 */
export class ContribCRF extends Layer {
  /** @override */
  static className = 'padless>ContribCRF';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.needSequence(input);
    this.needMask(input);
    this.refuse({ learn_mode: ['join', 'marginal'], test_mode: ['viterbi', 'marginal'] });
    const K = this.count('units');
    this.act = activationNumber(this.config.activation, this.path, rules.kerasMajor);
    this.masked = input.masked;
    this.addWeight('kernel', [input.features, K]);
    this.addWeight('chain_kernel', [K, K]);
    if (this.config.use_bias !== false) this.addWeight('bias', [K]);
    if (this.config.use_boundary !== false) for (const side of ['left_boundary', 'right_boundary']) this.addWeight(side, [K]);
    // With learn_mode 'join', the output's mask in Keras is [B], one value for each text.
    const lost = this.config.learn_mode !== 'marginal' && input.masked ? this.path : '';
    return input
      .ofFeatures(K)
      .with({ maskRemovedBy: lost, unlikePadding: input.masked ? `${this.path}, which tags padding, too` : '' });
  }

  /** @override @param {Heap} heap */
  load(heap) {
    const { shape, data } = this.weight('kernel');
    this.packed = packDense(heap, data, this.weights.get('bias')?.data, shape[0], shape[1]);
  }

  /** @override @param {Tensor} x */
  call(x) {
    checkRows(x, this.path, isOnePiece, 'between steps that count, where the CRF of keras_contrib would begin a new path');
    return x.whereKept((kept) => {
      const { heap, B, time } = kept;
      const K = this.count('units');
      const y = dense(kept, this.packed ?? 0, K, this.act);
      const values = heap.f32View(y.pointer, time.N * K);
      const marginal = (this.config.test_mode ?? (this.config.learn_mode === 'marginal' ? 'marginal' : 'viterbi')) === 'marginal';
      for (let b = 0; b < B; b++) {
        const T = time.length(b);
        if (T === 0) continue;
        const energies = values.subarray(time.splits[b] * K, time.splits[b + 1] * K);
        this.#addBoundaries(energies, T, K);
        if (marginal) this.#marginals(energies, T, K);
        else this.#bestPath(energies, T, K);
      }
      return y;
    });
  }

  /** @param {Float32Array} energies  [T, K] of one text @param {number} T @param {number} K */
  #addBoundaries(energies, T, K) {
    const [left, right] = ['left_boundary', 'right_boundary'].map((name) => this.weights.get(name)?.data);
    for (let k = 0; k < K; k++) {
      energies[k] += left?.[k] ?? 0;
      if (!this.masked) energies[(T - 1) * K + k] += right?.[k] ?? 0;
    }
  }

  /** Replaces energies by 1 for the tags of the best path, 0 for the others. @param {Float32Array} energies @param {number} T @param {number} K */
  #bestPath(energies, T, K) {
    const { data: chain } = this.weight('chain_kernel');
    // sums: minimum sum of a path that ends at step t with tag i; before: the tag before it on that path.
    const sums = Float64Array.from(energies);
    const before = new Int32Array(T * K);
    for (let t = 1; t < T; t++)
      for (let j = 0; j < K; j++) {
        let best = Infinity;
        for (let i = 0; i < K; i++) {
          const sum = sums[(t - 1) * K + i] + chain[i * K + j];
          if (sum < best) [best, before[t * K + j]] = [sum, i];
        }
        sums[t * K + j] += best;
      }
    /** The last tag of the best path if a step with tag `next` follows, or no step (null). @param {number | null} next */
    const last = (next) => {
      const ends = Array.from({ length: K }, (_, i) => sums[(T - 1) * K + i] + (next === null ? 0 : chain[i * K + next]));
      return ends.indexOf(Math.min(...ends));
    };
    let tag = this.masked ? last(null) : last(last(0));
    energies.fill(0);
    for (let t = T - 1; t >= 0; t--) {
      energies[t * K + tag] = 1;
      tag = before[t * K + tag];
    }
  }

  /** Replaces energies by probabilities. @param {Float32Array} energies @param {number} T @param {number} K */
  #marginals(energies, T, K) {
    const { data: chain } = this.weight('chain_kernel');
    /** For each step and tag, the log of the sum over all paths before it (or, backwards, after it). @param {boolean} backwards */
    const messages = (backwards) => {
      const found = new Float64Array(T * K);
      for (let n = 1; n < T; n++) {
        const [t, from] = backwards ? [T - 1 - n, T - n] : [n, n - 1];
        for (let j = 0; j < K; j++) {
          const terms = Array.from({ length: K }, (_, i) => found[from * K + i] - energies[from * K + i] - chain[i * K + j]);
          const most = Math.max(...terms);
          found[t * K + j] = most + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - most), 0));
        }
      }
      return found;
    };
    const [front, back] = [messages(false), messages(true)];
    for (let t = 0; t < T; t++) {
      const row = Array.from({ length: K }, (_, k) => front[t * K + k] + back[t * K + k] - energies[t * K + k]);
      const most = Math.max(...row);
      const sum = row.reduce((total, value) => total + Math.exp(value - most), 0);
      energies.set(
        row.map((value) => Math.exp(value - most) / sum),
        t * K,
      );
    }
  }
}
