/**
 * Keras CategoryEncoding, with options for the output modes of Keras's lookups and TextVectorization other than "int".
 * @module
 */
import { checkFits, ModelFileError, ShapeError, UnsupportedError } from '../../errors.js';
import { Embedding } from '../basic.js';
import { Tensor } from '../tensor.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Spec} Spec */

/**
 * One vector of `num_tokens` values for the ids of a text: 1 for each id that occurs (multi_hot), or how often each occurs (count); or one such
 * vector for each id (one_hot).
 *
 * Two options are padless's own. With `drops_last`, the id `num_tokens` is ignored: it is the id of a lookup's mask token. `weights` is a list of
 * num_tokens numbers by which the values are multiplied, for output_mode="tf_idf".
 */
export class CategoryEncoding extends Embedding {
  /** @override */
  static className = 'CategoryEncoding';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @type {import('../tensor.js').Framework[]} */
  static ignoresMaskIn = ['keras3', 'keras2', 'tfjs'];

  /** @param {any} [config] */
  constructor(config = {}) {
    // Like for any Embedding, the model reads the number of ids from input_dim.
    super({ ...config, input_dim: Number(config.num_tokens) + (config.drops_last ? 1 : 0) });
  }

  /** @override */
  getConfig() {
    const config = super.getConfig();
    delete config.input_dim;
    return config;
  }

  /** @override */
  get positional() {
    return ['count_weights'];
  }

  /**
   * @override
   * @param {Spec} input
   * @param {import('../tensor.js').Rules} [_rules]
   * @param {Record<string, any>} [options]
   */
  build(input, _rules, options = {}) {
    const { output_mode: given = 'multi_hot' } = this.config;
    this.refuse({ output_mode: ['one_hot', 'multi_hot', 'binary', 'count'] });
    if (!input.ids) throw new ShapeError(`${this.path}: ${this.className} takes token ids, got values`);
    if (options.count_weights !== undefined)
      throw new UnsupportedError(`${this.path}: called with count_weights; padless counts each token once`);
    this.mode = given === 'binary' ? 'multi_hot' : given;
    this.K = this.count('num_tokens');
    if ('bins' in input && Number(input.bins) > this.K)
      throw new ShapeError(`${this.path}: num_tokens=${this.K}, expected at least ${input.bins}, the number of bins before it`);
    const weights = this.list('weights');
    if (weights.length && !(weights.length === this.K && weights.every((weight) => typeof weight === 'number')))
      throw new ModelFileError(`${this.path}: weights is a list of ${weights.length}, expected num_tokens = ${this.K} numbers`);
    this.factors = weights.length ? Float32Array.from(weights) : null;
    // For a single id, Keras removes the axis of length 1: the result is [B, num_tokens].
    const [T] = input.shape;
    return this.mode === 'one_hot' && T !== 1
      ? input.with({ shape: [T, this.K], ids: false })
      : input.with({ shape: [this.K], ids: false, masked: false, time: null });
  }

  /** @override @param {Heap} _heap */
  load(_heap) {}

  /** @override @param {Tensor} x  ids @returns {any} */
  call(x) {
    const { heap, B, time, keep } = x;
    const { mode, factors } = this;
    const K = /** @type {number} */ (this.K);
    const ids = heap.i32View(x.pointer, time.N);
    const sequence = mode === 'one_hot' && time.T !== 1;
    const values = new Float32Array(checkFits((sequence ? time.N : B) * K));
    for (let b = 0; b < B; b++)
      for (let i = time.splits[b]; i < time.splits[b + 1]; i++) {
        // drops_last
        if (ids[i] === K) continue;
        const at = (sequence ? i : b) * K + ids[i];
        values[at] = mode === 'count' ? values[at] + 1 : 1;
      }
    if (factors) for (let i = 0; i < values.length; i++) values[i] *= factors[i % K];
    const y = heap.f32(values);
    return sequence ? new Tensor(heap, y, B, [time.T, K], time, keep) : x.vector(y, K);
  }
}
