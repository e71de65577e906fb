/**
 * Finds the parts of a text, and the tokens, that an edit leaves unchanged.
 * @module
 */
import { combines } from './boundaries.js';
/** @typedef {import('./vectorizer.js').Encoding} Encoding */
/** @typedef {import('./vectorizer.js').TextVectorizer} TextVectorizer */

/**
 * Compares two sequences from both ends. The two ends do not overlap in either sequence.
 * @param {number} oldLength
 * @param {number} newLength
 * @param {(i: number, j: number) => boolean} equal  whether old element i is new element j
 * @returns {{ front: number, back: number }} how many elements are the same at the front and at the back
 */
export function unchangedEnds(oldLength, newLength, equal) {
  const shorter = Math.min(oldLength, newLength);
  let [front, back] = [0, 0];
  while (front < shorter && equal(front, front)) front++;
  while (back < shorter - front && equal(oldLength - 1 - back, newLength - 1 - back)) back++;
  return { front, back };
}

/**
 * Binary search.
 * @param {number} count
 * @param {(i: number) => boolean} holds  false for the first indices, true for all after them
 * @returns {number} the first index for which it holds; `count` if there is none
 */
function lowerBound(count, holds) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The part of an edited text whose tokens may differ.
 * @param {TextVectorizer} vectorizer
 * @param {string} old  the text before the edit
 * @param {Encoding} encoding  of the old text
 * @param {number} front  number of UTF-16 units at the front that the edit left unchanged
 * @param {number} back  number of unchanged UTF-16 units at the back
 * @returns {{ from: number, to: number, head: number, tail: number }}
 *   from, to: the part is [from, to) in the old text. head, tail: tokens 0 to head-1 and the tokens from tail on stay unchanged
 */
function changedRange(vectorizer, old, { offsets }, front, back) {
  const count = offsets.length / 2;
  const end = old.length - back;
  // Words, their n-grams and graphemes depend on the characters around them, but not across a border.
  if (vectorizer.unit !== 'codepoint') {
    const from = vectorizer.borderBefore(old, front - 1);
    const to = vectorizer.borderFrom(old, end + 1);
    return {
      from,
      to,
      head: lowerBound(count, (i) => offsets[2 * i + 1] > from),
      tail: lowerBound(count, (i) => offsets[2 * i] >= to),
    };
  }
  // The code point after a chunk decides where the chunk ends. It may have two units, so treat the last two unchanged units as changed.
  const head = lowerBound(count, (i) => offsets[2 * i + 1] > front - 2);
  let tail = lowerBound(count, (i) => offsets[2 * i] >= end);
  /** Whether a chunk begins at this offset whatever precedes it. @param {number} at */
  const begins = (at) => !/[\udc00-\udfff]/.test(old[at]) && !(vectorizer.normalization && combines(old, at));
  while (tail < count && !begins(offsets[2 * tail])) tail++;
  return { from: head ? offsets[2 * head - 1] : 0, to: tail < count ? offsets[2 * tail] : old.length, head, tail };
}

/**
 * Returns vectorizer.encode(text), but reuses the tokens of an earlier text where the two texts are equal.
 * @param {TextVectorizer} vectorizer
 * @param {string} text
 * @param {{ text: string, row: Encoding } | null} before  the earlier text and its tokens
 * @returns {Encoding}
 */
export function encodeAfter(vectorizer, text, before) {
  const { maxlen, width } = vectorizer;
  // The tokens of a truncated text are not all known.
  if (typeof text !== 'string' || !before || before.row.truncated || before.row.whole) return vectorizer.encode(text);
  const { text: old, row } = before;
  const { front, back } = unchangedEnds(old.length, text.length, (i, j) => old.charCodeAt(i) === text.charCodeAt(j));
  const { ids, offsets } = row;
  const count = offsets.length / 2;
  const shift = text.length - old.length;
  const { from, to, head, tail } = changedRange(vectorizer, old, row, front, back);
  const changed = vectorizer.encode(text.slice(from, to + shift));
  const added = changed.offsets.length / 2;
  const total = head + added + count - tail;
  if (changed.truncated || (maxlen !== null && total > maxlen)) return vectorizer.encode(text);
  const result = { ids: new Int32Array(total * width), offsets: new Int32Array(2 * total), truncated: false };
  result.ids.set(ids.subarray(0, head * width));
  result.ids.set(changed.ids, head * width);
  result.ids.set(ids.subarray(tail * width), (head + added) * width);
  result.offsets.set(offsets.subarray(0, 2 * head));
  for (let i = 0; i < 2 * added; i++) result.offsets[2 * head + i] = changed.offsets[i] + from;
  for (let i = 2 * tail; i < 2 * count; i++) result.offsets[2 * (head + added - tail) + i] = offsets[i] + shift;
  return result;
}
