/**
 * Input products of recurrent layers over an embedding. What a token adds to the gates, x W + b, depends on the token alone: it is worked out
 * when the token is first met, and looked up from then on. The same bits, half of the work.
 * @module
 */
import { rnn as rnnLayout } from '../dist/abi.js';
import { Tensor } from './tensor.js';
/** @typedef {import('../runtime/memory.js').Heap} Heap */
/** @typedef {import('./tensor.js').Steps} Steps */

/** Bytes that the products of one direction may take; a vocabulary of more tokens begins anew when they are full. */
const BYTES = 8 * 1024 * 1024;

/** @typedef {{ table?: number | undefined, rows?: number | undefined, scale?: number | undefined, V?: number | undefined, D?: number | undefined }} Table  of an Embedding: pointers, sizes */

/** Rows of a table that nobody may need: they are fetched when somebody asks for the values. */
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

/** @param {Heap} heap @param {Table} embedding @param {number} ids @param {number} n */
function lookUp(heap, { table = 0, rows = 0, scale, V = 0, D = 0 }, ids, n) {
  const y = heap.reserve32(n * D);
  if (scale) heap.exports.pl_quant_embedding(y, table, rows, scale, ids, n, V, D);
  else heap.exports.pl_embedding(y, table, ids, n, V, D);
  return y;
}

/** The products of the layers that read one embedding together: both directions of a Bidirectional, or one layer. */
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
    /** Where a token's products are; -1: nowhere yet. */
    this.slotOf = new Int32Array(V).fill(-1);
    this.used = 0;
  }

  /**
   * Tells the layers to look the products up, if x is a lookup of ours and not too much for the tables.
   * @param {Tensor} x
   * @returns {boolean} they do; otherwise they read x
   */
  use(x) {
    const rows = x instanceof LazyLookup && x.embedding === this.embedding ? this.#rows(x.ids) : 0;
    for (const { rnn, table } of this.layers) pointAt(x.heap, rnn, rows && table, rows);
    return rows !== 0;
  }

  /** @param {Tensor} ids @returns {number} pointer to the slot of each; 0: they are too many */
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

/** @param {Heap} heap @param {number} rnn @param {number} products @param {number} rows  0 and 0: the layer reads its input */
const pointAt = (heap, rnn, products, rows) => heap.setFields(rnnLayout, rnn, { products, rows });
