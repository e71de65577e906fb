/**
 * Keras ReversibleEmbedding.
 * @module
 */
import { ShapeError } from '../../errors.js';
import { activationNumber } from '../../runtime/activations.js';
import { dense, Embedding, packDense } from '../basic.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/** Keras ReversibleEmbedding: an Embedding that, called with reverse=True, returns the product of each step with every row of its table. */
export class ReversibleEmbedding extends Embedding {
  /** @override */
  static className = 'ReversibleEmbedding';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override */
  get positional() {
    return ['reverse'];
  }

  /**
   * @override
   * @param {Spec} input
   * @param {import('../tensor.js').Rules} [_rules]
   * @param {Record<string, any>} [options]
   */
  build(input, _rules, { reverse } = {}) {
    this.refuse({ reverse_dtype: ['float32'] });
    this.V = this.count('input_dim');
    this.D = this.count('output_dim');
    /** @type {Spec} */
    let y;
    if (reverse) {
      this.needValues(input);
      if (input.features !== this.D)
        throw new ShapeError(`${this.path}: ReversibleEmbedding with reverse=True takes ${this.D} features, got ${input.features}`);
      this.reversed = true;
      this.addWeight('embeddings', [this.V, this.D], 'rows');
      // In Keras, the scores have no mask.
      this.dropsMask = this.readsPadding(input);
      y = input.with({ shape: [...input.shape.slice(0, -1), this.V], ...(this.dropsMask && { masked: false, time: {} }) });
    } else y = super.build(input);
    if (this.config.tie_weights === false) this.addWeight('reverse_embeddings', [this.D, this.V], 'columns');
    if ((this.config.logit_soft_cap ?? null) !== null) this.number('logit_soft_cap', 1);
    return y;
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    super.load(heap);
    if (!this.reversed) return;
    const [V, D] = /** @type {number[]} */ ([this.V, this.D]);
    let kernel = this.weights.get('reverse_embeddings')?.data;
    if (!kernel) {
      const { data } = this.weight('embeddings');
      kernel = Float32Array.from(data, (_, i) => data[(i % V) * D + Math.floor(i / V)]);
    }
    this.packed = packDense(heap, kernel, undefined, D, V);
  }

  /**
   * @override
   * @param {Tensor} x
   * @param {Record<string, any>} [options]
   * @returns {any}
   */
  call(x, { reverse } = {}) {
    if (!reverse) return super.call(x);
    const [packed, V] = /** @type {number[]} */ ([this.packed, this.V]);
    const y = dense(this.dropsMask ? x.unmasked() : x, packed, V);
    const { heap, pointer, rows, features } = y;
    const cap = this.config.logit_soft_cap ?? null;
    if (cap === null) return y;
    const n = rows * features;
    heap.exports.pl_scale(pointer, pointer, 1 / cap, 0, n);
    heap.exports.pl_activate(pointer, pointer, activationNumber('tanh', this.path, 3), rows, features);
    heap.exports.pl_scale(pointer, pointer, cap, 0, n);
    return y;
  }
}
