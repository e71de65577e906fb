/**
 * Linear-chain conditional random field (Lafferty et al. 2001) over the steps that count.
 * @module
 */
import { UnsupportedError } from '../../errors.js';
import { Layer } from '../layer.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/**
 * Tags of a sequence. The input [B, T, K] holds a score for each step and tag; weights are `transitions` [K, K] (from row to column),
 * `start` [K] and `end` [K]. The output [B, T, K] holds marginal probabilities: with `decode: 'viterbi'` (default) those of the tags on the
 * best path, 0 for the others; with 'marginals' all. With `return_score` a second output [B, 1] holds the score of the best path.
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
