/**
 * Runs one direction of a recurrent layer over an edited text: from the first changed step on, until the state equals the kept one again.
 * @module
 */
import { order as orders } from '../dist/abi.js';
import { placeStates } from '../layers/recurrent.js';
/** @typedef {import('../layers/products.js').Products} Products */
/** @typedef {import('../layers/tensor.js').Tensor} Tensor */
/** @typedef {import('../runtime/memory.js').Heap} Heap */
/** @typedef {import('./kept-values.js').Rows} Rows */
/** @typedef {import('./kept-values.js').StateRows} StateRows */

/**
 * Number of steps between two comparisons of the state with the kept one. With a tolerance, every piece has the first length. Without one, lengths
 * double up to the longest, because states seldom become equal to the last bit.
 */
const [FIRST_PIECE, LONGEST_PIECE] = [16, 128];

/**
 * @typedef {object} Direction
 * @property {number} rnn  pointer to its pl_rnn
 * @property {number} units
 * @property {boolean} cell  whether it has a state c besides h
 * @property {number} order  the order in which it visits the steps: a pl_order
 * @property {Products | undefined} products
 */

/**
 * Compares a state with the kept one. Values may differ by tolerance * max(1, |value|).
 * @param {Float32Array} now
 * @param {Float32Array} kept
 * @param {number} tolerance
 * @returns {{ near: boolean, equal: boolean }} near: within the tolerance; equal: to the last bit
 */
export function compareStates(now, kept, tolerance) {
  let equal = true;
  for (let u = 0; u < now.length; u++) {
    if (Object.is(now[u], kept[u])) continue;
    equal = false;
    if (!(Math.abs(now[u] - kept[u]) <= tolerance * Math.max(1, Math.abs(now[u])))) return { near: false, equal };
  }
  return { near: true, equal };
}

/**
 * Brings the kept states of one direction up to date.
 * @param {Heap} heap
 * @param {Direction} direction
 * @param {number} N  steps
 * @param {(from: number, to: number) => Tensor} part  some steps of the input
 * @param {StateRows} kept
 * @param {number} front  number of unchanged steps at the front of the input
 * @param {number} back  number of unchanged steps at its back
 * @param {number} tolerance
 * @returns {{ front: number, back: number, exact: boolean }}
 *   front, back: unchanged rows of h; exact: false if a kept state was near the new one but not equal to it
 */
export function updateStates(heap, { rnn, units, cell, order, products }, N, part, { h, c }, front, back, tolerance) {
  const backward = order === orders.backward;
  const kept = cell ? [h, c] : [h];
  // Numbers of unchanged steps that are visited before and after the change.
  const [before, behind] = order === orders.forward ? [front, back] : [back, front];
  // In a backward direction, row t holds the state after step t; otherwise rows are in the order of the visits.
  const [first, last] = backward ? [front, back] : [before, behind];
  if (h.N === N && front + back === N) return { front: first, back: last, exact: true };
  for (const rows of kept) rows.open(first, last, N, units);
  /** The row of a visit. @param {number} visit */
  const rowOf = (visit) => (backward ? N - 1 - visit : visit);
  const state = [h, c].map(() => heap.reserve32(units));
  const pointers = placeStates(heap, state);
  let at = before;
  if (at > 0) kept.forEach((rows, i) => heap.f32View(state[i], units).set(rows.view(rowOf(at - 1), rowOf(at - 1) + 1)));
  let exact = true;
  let size = FIRST_PIECE;
  for (let next = Math.min(N, N - behind + size); at < N; next = Math.min(N, at + size)) {
    const n = next - at;
    const top = heap.top;
    const x = order === orders.forward ? part(at, next) : part(N - next, N - at);
    const values = products?.use(x) ? 0 : x.pointer;
    const y = heap.reserve32(n * units);
    const cells = cell ? heap.reserve32(n * units) : 0;
    const arena = heap.scratch(heap.exports.pl_ragged_rnn_scratch(rnn, x.time.pointer, 1));
    const initial = at > 0 ? pointers : 0;
    heap.exports.pl_ragged_rnn(y, cells, pointers, values, rnn, initial, x.time.pointer, order, units, 1, arena);
    // Compare with the kept rows before they are overwritten.
    const row = rowOf(next - 1);
    const settled =
      next < N &&
      kept.every((rows, i) => {
        const { near, equal } = compareStates(heap.f32View(state[i], units), rows.view(row, row + 1), tolerance);
        if (near && !equal) exact = false;
        return near;
      });
    const from = backward ? N - next : at;
    h.write(from, heap.f32View(y, n * units));
    if (cell) c.write(from, heap.f32View(cells, n * units));
    heap.top = top;
    at = next;
    if (settled) break;
    if (!tolerance) size = Math.min(LONGEST_PIECE, 2 * size);
  }
  return backward ? { front: N - at, back: before, exact } : { front: before, back: N - at, exact };
}
