/**
 * Input products of recurrent layers that read an Embedding. The product x W + b of a row of the table depends on the token only: it is computed when
 * the token first occurs, and looked up later. The results have the same bits.
 * @module
 */
import { rnn as rnnLayout } from '../dist/abi.js';
import { Tensor } from './tensor.js';
/** @typedef {import('../runtime/memory.js').Heap} Heap */
/** @typedef {import('./tensor.js').Steps} Steps */

/** Maximum size in bytes of the table of products of one direction. When it is full, it is emptied. */
const BYTES = 8 * 1024 * 1024;

/** @typedef {{ table?: number | undefined, rows?: number | undefined, scale?: number | undefined, V?: number | undefined, D?: number | undefined }} Table  pointers and sizes of an Embedding */

/** The output of an Embedding. The rows are copied only when the values are first used: a layer with products does not need them. */
export class LazyLookup extends Tensor {
  /** @param {Tensor} ids @param {Table} embedding */
  constructor(ids, embedding) {
    super(
      ids.heap,
      () => lookUp(ids.heap, embedding, ids.pointer, ids.rows),
      ids.B,
      [ids.time.T, embedding.D ?? 0],
      ids.steps,
      ids.keep,
    );
    this.ids = ids;
    this.embedding = embedding;
  }
}

/** @param {Heap} heap @param {Table} embedding @param {number} ids  pointer @param {number} n @returns {number} pointer to the rows */
function lookUp(heap, { table = 0, rows = 0, scale, V = 0, D = 0 }, ids, n) {
  const y = heap.reserve32(n * D);
  if (scale) heap.exports.pl_quant_embedding(y, table, rows, scale, ids, n, V, D);
  else heap.exports.pl_embedding(y, table, ids, n, V, D);
  return y;
}

/** Products of one embedding's rows with the input kernels of one recurrent layer, or of both directions of a Bidirectional. */
export class Products {
  /**
   * @param {Heap} heap
   * @param {Table} embedding
   * @param {{ rnn: number, cell: number, units: number }[]} layers  rnn: pointer to the pl_rnn
   */
  constructor(heap, embedding, layers) {
    const { V = 0 } = embedding;
    const widths = layers.map(({ cell, units }) => heap.exports.pl_rnn_products_size(cell, units));
    this.embedding = embedding;
    this.slots = Math.min(V, Math.floor(BYTES / 4 / Math.max(...widths)));
    this.layers = layers.map(({ rnn }, i) => ({ rnn, width: widths[i], table: heap.reserve32(this.slots * widths[i]) }));
    /** Token -> row of the tables with its products; -1 if not computed yet. */
    this.slotOf = new Int32Array(V).fill(-1);
    this.used = 0;
  }

  /**
   * Sets the layers to look up the products, if x is the output of this embedding and its tokens fit into the tables.
   * @param {Tensor} x
   * @returns {boolean} false: the layers are set to read x
   */
  use(x) {
    const rows = x instanceof LazyLookup && x.embedding === this.embedding ? this.#rows(x.ids) : 0;
    for (const { rnn, table } of this.layers) pointAt(x.heap, rnn, rows && table, rows);
    return rows !== 0;
  }

  /** Computes missing products. @param {Tensor} ids @returns {number} pointer to the slot of each id; 0 if there are more tokens than slots */
  #rows({ heap, pointer, rows: n }) {
    const ids = heap.i32View(pointer, n).slice();
    const known = ids.map((id) => this.slotOf[id]);
    if (!known.includes(-1)) return heap.i32(known);
    /** @type {Map<number, number>} */
    const fresh = new Map();
    const { slotOf } = this;
    for (const id of ids) if (slotOf[id] < 0 && !fresh.has(id)) fresh.set(id, this.used + fresh.size);
    if (this.used + fresh.size > this.slots) {
      slotOf.fill(-1);
      this.used = 0;
      fresh.clear();
      for (const id of ids) if (!fresh.has(id)) fresh.set(id, fresh.size);
      if (fresh.size > this.slots) return 0;
    }
    if (fresh.size) {
      const x = lookUp(heap, this.embedding, heap.i32([...fresh.keys()]), fresh.size);
      for (const { rnn, table, width } of this.layers) {
        const arena = heap.scratch(heap.exports.pl_rnn_products_scratch(rnn, fresh.size));
        heap.exports.pl_rnn_products(table + 4 * this.used * width, x, rnn, fresh.size, arena);
      }
      for (const [id, slot] of fresh) slotOf[id] = slot;
      this.used += fresh.size;
    }
    return heap.i32(ids.map((id) => slotOf[id]));
  }
}

/** @param {Heap} heap @param {number} rnn @param {number} products @param {number} rows  both 0: the layer reads its input */
const pointAt = (heap, rnn, products, rows) => heap.setFields(rnnLayout, rnn, { products, rows });
