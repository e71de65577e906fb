/**
 * Pooling of a bag of n-grams.
 * @module
 */
import { MaskedSum } from './pooling.js';
import { LazyLookup } from './products.js';
/** @typedef {import('./tensor.js').Tensor} Tensor */

/** y[d] = sum_t x[t][d] / sqrt(n) over the n steps that count (`sqrtn` of TensorFlow's embedding_lookup_sparse); zeros if n is 0. */
export class MaskedSqrtN extends MaskedSum {
  /** @override */
  static className = 'padless>MaskedSqrtN';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    const kept = x.ragged();
    const y = (kept instanceof LazyLookup && sumOfRows(kept)) || /** @type {Tensor} */ (super.call(kept));
    const { B, features } = y;
    const values = y.view();
    for (let b = 0; b < B; b++) {
      const root = Math.sqrt(Math.max(1, kept.time.length(b)));
      for (let d = 0; d < features; d++) values[b * features + d] /= root;
    }
    return y;
  }
}

/** The sums of rows of an int8 table, without a float copy of each row. @param {LazyLookup} x @returns {Tensor | null} null if the table is not int8 */
function sumOfRows({ ids, embedding }) {
  const { table = 0, rows = 0, scale, V = 0, D = 0 } = embedding;
  if (!scale) return null;
  const { heap, B, time } = ids;
  const y = heap.reserve32(B * D);
  heap.exports.pl_quant_embedding_sum(y, table, rows, scale, ids.pointer, time.pointer, B, V, D);
  return ids.vector(y, D);
}
