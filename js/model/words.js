/**
 * Inputs of words of characters: ids [B, T, C]. js/layers/late/words.js says how they are stored in the heap.
 * @module
 */
import { ArgumentError, checkFits, IdError, ShapeError, STEPS_MOST, typeName, UnsupportedError } from '../errors.js';
import { Embedding } from '../layers/basic.js';
import { TimeDistributed } from '../layers/late/time-distributed.js';
import { rulesInside, WordsSpec, WordsTensor } from '../layers/late/words.js';
import { Spec, Steps, Tensor } from '../layers/tensor.js';
import { isList } from '../runtime/lists.js';
import { isRowMajor, maskFromLengths, maskFromRows, toArray } from './batch.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('../layers/tensor.js').Rules} Rules */
/** @typedef {import('./batch.js').Padded} Padded */
/** @typedef {import('./graph.js').ModelInput} ModelInput */
/** @typedef {Padded & { C: number, counts: Uint8Array }} PaddedWords  C: padded number of characters; counts [B, T, C]: 1 for characters, 0 for padding */

/**
 * Decides whether zeros are padding. padless's own models and Keras 2 mask zero characters, and words that have no others. Keras 3 masks neither for
 * an Embedding in TimeDistributed, but masks characters if the Embedding is in a model in TimeDistributed.
 * @param {ModelInput} input @param {Rules} rules @param {Layer} root
 */
export function prepareWords(input, rules, root) {
  const [, C] = input.shape;
  if (Number(C) > STEPS_MOST)
    throw new ShapeError(`input ${input.name}: words of ${C} characters, expected at most ${STEPS_MOST}, or null for any`);
  input.padded = false;
  input.maskCharacters = input.maskZero;
  if (!input.maskZero) return;
  if (rules.framework === 'tfjs' || (rules.framework === 'keras2' && !(rules.kerasMinor >= 4)))
    throw new UnsupportedError(
      `input ${input.name}: mask_zero for words of characters, in a model of TF.js or of Keras before 2.4; padless knows the rules of Keras 2.4 and later`,
    );
  if (rules.framework !== 'keras3') return;
  input.maskZero = false;
  /** For each TimeDistributed with such an Embedding, whether Keras masks characters. */
  const masks = root.all().flatMap((layer) => {
    if (!(layer instanceof TimeDistributed)) return [];
    return layer.layer.all().some(({ config }) => config.mask_zero) ? [!(layer.layer instanceof Embedding)] : [];
  });
  input.maskCharacters = masks.includes(true);
  if (masks.includes(true) && masks.includes(false))
    throw new UnsupportedError(
      `input ${input.name}: TimeDistributed around an Embedding with mask_zero, where Keras 3 makes no mask, and around a model with one, where it does; padless supports one of these`,
    );
}

/** @param {ModelInput} input @param {Rules} rules @returns {Spec} */
export function specOf(input, rules) {
  const [T, C] = input.shape;
  const { maskZero: masked, maskCharacters = false } = input;
  // Without a mask, Keras would read zeros as data, so all words need the same number of characters.
  const even = !maskCharacters && !rules.select;
  const word = new Spec({ shape: [C], ids: true, masked: maskCharacters, time: {}, rules: even ? rules : rulesInside(rules) });
  input.even = even;
  return new WordsSpec({ T, masked, time: {}, rules, word, even });
}

/** Splits row-major ids [B, T, C]. @param {{ data: ArrayLike<number | bigint>, shape: ArrayLike<number> }} rows */
function nested({ data, shape: given }) {
  const shape = toArray(given);
  const [B, T, C] = shape;
  if (shape.length !== 3 || !shape.every((size) => Number.isInteger(size) && size >= 0) || data.length !== B * T * C)
    throw new ShapeError(`run: ${data.length} ids of shape [${shape}], expected [B, T, C] with as many`);
  const values = toArray(data);
  return Array.from({ length: B }, (_, b) =>
    Array.from({ length: T }, (__, t) => values.slice((b * T + t) * C, (b * T + t + 1) * C)),
  );
}

/** The rows as lists of words, which are lists of characters. @param {any} rows @returns {any[][][]} */
function listsOf(rows) {
  if (isRowMajor(rows)) return nested(rows);
  if (!isList(rows)) throw new ArgumentError(`run: rows are ${typeName(rows)}, expected an array of rows of words of token ids`);
  return toArray(rows).map((row, b) => {
    if (!isList(row)) throw new ArgumentError(`run: row ${b} is ${typeName(row)}, expected an array of words`);
    return toArray(row).map((word, t) => {
      if (!isList(word)) throw new ArgumentError(`run: row ${b}, word ${t} is ${typeName(word)}, expected an array of token ids`);
      return toArray(word);
    });
  });
}

/** Checks the number of words in a row, and of characters in a word. @param {ModelInput} input @param {any[][][]} rows @param {number | null} C */
function checkSizes({ shape: [own], exact, maskCharacters }, rows, C) {
  rows.forEach((row, b) => {
    if (exact && row.length !== own)
      throw new ShapeError(`run: row ${b} has ${row.length} words, expected exactly ${own}, as the model has no mask`);
    row.forEach((word, t) => {
      if (C !== null && (maskCharacters ? word.length > C : word.length !== C))
        throw new ShapeError(
          `run: row ${b}, word ${t} has ${word.length} characters, expected ${maskCharacters ? 'at most' : 'exactly'} ${C}${maskCharacters ? '' : ', as the model has no mask: pad or cut words as in training'}`,
        );
    });
  });
}

/**
 * Checks the rows of the input and pads them.
 * @param {ModelInput} input
 * @param {any} given  [B][T][C] ids
 * @param {{ mask?: any, lengths?: any, wholeLength: boolean }} options  mask, lengths: which words are padding
 * @returns {PaddedWords}
 */
export function pad(input, given, { mask, lengths, wholeLength }) {
  const rows = listsOf(given);
  const words = rows.flat();
  const longest = words.reduce((most, word) => Math.max(most, word.length), 0);
  const [own, ownC] = input.shape;
  const even = Boolean(input.even);
  checkSizes(input, rows, ownC ?? (even && words.length ? longest : null));
  const B = rows.length;
  const most = rows.reduce((n, row) => Math.max(n, row.length), 0);
  if (own !== null && wholeLength && most > own) throw new ShapeError(`run: a row has ${most} words, expected at most ${own}`);
  const T = own !== null && wholeLength ? own : most;
  const C = even ? (ownC ?? longest) : longest;
  const data = new Int32Array(checkFits(B * T * C));
  const counts = new Uint8Array(B * T * C);
  const chosen = mask ? maskFromRows(mask, B, T) : lengths ? maskFromLengths(lengths, B, T) : null;
  const stays = chosen ?? new Uint8Array(B * T);
  rows.forEach((row, b) =>
    row.forEach((word, t) => {
      const i = b * T + t;
      if (chosen && !chosen[i]) return;
      if (!chosen) stays[i] = input.maskZero ? 0 : 1;
      word.forEach((each, c) => {
        const id = typeof each === 'bigint' ? Number(each) : each;
        const at = i * C + c;
        if (input.maskCharacters && id === 0) return;
        if (!(Number.isInteger(id) && id >= 0 && id < input.vocabulary))
          throw new IdError(
            `row ${b}, word ${t}, character ${c}: id ${String(each)} is not an integer from 0 to ${input.vocabulary - 1}`,
          );
        data[at] = id;
        counts[at] = 1;
        if (!chosen) stays[i] = 1;
      });
    }),
  );
  return { input, rows, B, T, C, data, mask: stays, counts };
}

/**
 * Whether the ids of tokens' parts (setting `parts`) fit the input.
 * @param {ModelInput} input @param {import('../text/vectorizer.js').TextVectorizer} text
 */
export const takesText = ({ even, shape }, { parts, width }) => Boolean(parts) && !even && shape[1] === width;

/**
 * The ids of a batch as rows for pad().
 * @param {import('../text/vectorizer.js').EncodedBatch} batch
 * @param {number} C
 */
export const rowsOf = ({ ids, shape: [B, T] }, C) =>
  Array.from({ length: B }, (_, b) => Array.from({ length: T }, (__, t) => ids.subarray((b * T + t) * C, (b * T + t + 1) * C)));

/**
 * The result of pad() for tokens of texts, each of which is a word of parts (setting `parts`), without checking each id again.
 * @param {ModelInput} input
 * @param {import('../text/vectorizer.js').EncodedBatch} batch
 * @returns {PaddedWords}
 */
export function padText(input, { ids: data, mask, shape: [B, T], rows }) {
  const counts = Uint8Array.from(data, (id) => Number(id !== 0));
  return { input, rows, B, T, C: Number(input.shape[1]), data, mask, counts };
}

/**
 * The changed tokens of a text in a session as words of characters.
 * @param {import('../runtime/memory.js').Heap} heap
 * @param {Int32Array} ids  [N, C]
 * @param {number} C
 */
export function singleText(heap, ids, C) {
  const N = ids.length / C;
  const inside = Uint8Array.from(ids, (id) => Number(id !== 0));
  const word = new Tensor(heap, heap.i32(ids.filter(Boolean)), N, [], new Steps(heap, N, C, inside));
  return new WordsTensor(word, 1, new Steps(heap, 1, N, null), null, false);
}

/**
 * Copies the input to the heap.
 * @param {import('../runtime/memory.js').Heap} heap
 * @param {any} padded  PaddedWords
 * @param {boolean} inPlace  whether to store all words; masked words then have no characters
 * @returns {WordsTensor}
 */
export function place(heap, { input, B, T, C, data, mask, counts }, inPlace) {
  const steps = new Steps(heap, B, T, inPlace ? null : mask);
  const keep = inPlace && (input.maskZero || mask.includes(0)) ? new Steps(heap, B, T, mask) : null;
  const even = Boolean(input.even);
  /** @type {number[]} */
  const ids = [];
  const inside = new Uint8Array(steps.N * C);
  for (let i = 0, n = 0; i < B * T; i++) {
    if (steps.mask && !mask[i]) continue;
    for (let at = i * C; at < (i + 1) * C; at++)
      if (even || counts[at]) {
        ids.push(data[at]);
        inside[n * C + at - i * C] = 1;
      }
    n++;
  }
  const word = new Tensor(heap, heap.i32(ids), steps.N, [], new Steps(heap, steps.N, C, even ? null : inside));
  return new WordsTensor(word, B, steps, keep, even);
}
