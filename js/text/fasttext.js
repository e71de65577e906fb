/**
 * The n-grams of fastText (Joulin et al. 2016, "Bag of Tricks for Efficient Text Classification"; version 0.9.3, dictionary.cc): a text is split at
 * ASCII white space. A word becomes its own id, if the model knows the word, and the ids of the n-grams of `<word>`. The end of the text counts as
 * the word `</s>`, and that word ends a text. Then follow the n-grams of several words. N-grams are hashed to the rows after the rows of the words.
 * @module
 */
import { isWhole } from './whole.js';

/**
 * @typedef {object} FastTextSettings
 * @property {'fasttext'} scheme
 * @property {string[]} words  a word's index is its row
 * @property {number} buckets  number of hash values of n-grams; 0 for no n-grams
 * @property {number[] | null} [kept]  hash values that have rows, in order, if others were pruned
 * @property {number} min  code points of the shortest n-gram of a word, borders included
 * @property {number} max  code points of the longest n-gram of a word; 0 for no n-grams of words
 * @property {number} wordGrams  number of words of the longest word n-gram; 1 for no word n-grams
 */

const END = '</s>';
/** The beginning of a word that is a label in fastText's training data, and is ignored in a text. */
const LABEL = '__label__';
const space = /[ \t\n\v\f\r\0]+/;
const word = /[^ \t\n\v\f\r\0]+/g;

const utf8 = new TextEncoder();

/** FNV-1a, over signed bytes. @param {number} h @param {number} byte */
const extend = (h, byte) => Math.imul(h ^ ((byte << 24) >> 24), 16777619);
const OFFSET = 2166136261 | 0;

/** Whether a byte of UTF-8 continues the code point of the byte before. @param {number | undefined} byte */
const continues = (byte) => byte !== undefined && (byte & 0xc0) === 0x80;

/** @param {any} settings */
function problemWith({ words, buckets, kept = null, min, max, wordGrams }) {
  if (!Array.isArray(words) || words.some((each) => typeof each !== 'string')) return 'words is not a list of strings';
  if (new Set(words).size < words.length) return 'words has a word twice';
  if (!isWhole(buckets, 0, 2 ** 31 - 1 - words.length)) return 'buckets is not an integer from 0 on';
  if (kept !== null && (!Array.isArray(kept) || kept.some((hash) => !isWhole(hash, 0, buckets - 1))))
    return 'kept is not a list of hash values below buckets';
  if (!isWhole(max, 0, 64) || !isWhole(min, 0, 64)) return 'min and max are not integers from 0 to 64';
  if (!isWhole(wordGrams, 0, 64)) return 'wordGrams is not an integer from 0 to 64';
  return words.length + (kept ? kept.length : buckets) ? '' : 'there is neither a word nor a bucket';
}

export class FastTextNGrams {
  batchView = undefined;
  /** @type {Map<string, number>} */
  #words = new Map();
  /** Rows by hash value. @type {Map<number, number> | null} */
  #kept = null;

  /**
   * @param {FastTextSettings} settings
   * @param {{ normalization: 'NFC' | 'NFKC' | 'NFD' | 'NFKD' | null, case: 'lower' | 'lower-ascii' | null }} text
   */
  constructor(settings, text) {
    this.problem = problemWith(settings);
    const { words, buckets, kept = null, min, max, wordGrams } = settings;
    this.normalization = text.normalization;
    this.case = text.case;
    this.buckets = buckets;
    this.min = min;
    this.max = max;
    this.wordGrams = wordGrams;
    this.rows = 0;
    if (this.problem) return;
    this.first = words.length;
    this.rows = words.length + (kept ? kept.length : buckets);
    words.forEach((each, id) => this.#words.set(each, id));
    if (kept) this.#kept = new Map(kept.map((hash, id) => [hash, id]));
  }

  /** @param {string} token */
  #prepare(token) {
    const normal = this.normalization ? token.normalize(this.normalization) : token;
    if (this.case === 'lower') return Array.from(normal, (char) => char.toLowerCase()).join('');
    return this.case ? normal.replace(/[A-Z]/g, (char) => char.toLowerCase()) : normal;
  }

  /** The normalised, lower-cased words with their offsets. @param {string} text */
  *#tokens(text) {
    for (const { 0: token, index: start } of text.matchAll(word))
      for (const part of this.#prepare(token).split(space)) if (part) yield { token: part, start, end: start + token.length };
  }

  /**
   * @param {string} text
   * @param {number | null} maxlen  maximum number of ids
   * @returns {import('./vectorizer.js').Encoding}
   */
  encode(text, maxlen) {
    /** @type {number[]} */
    const ids = [];
    /** @type {number[]} */
    const offsets = [];
    /** @type {{ hash: number, start: number, end: number }[]} */
    const read = [];
    const most = maxlen ?? Infinity;
    /** @param {number} start @param {number} end */
    const into = (start, end) => (/** @type {number} */ id) => {
      ids.push(id);
      offsets.push(start, end);
    };
    for (const { token, start, end } of this.#tokens(text)) {
      if (ids.length > most || token === END) break;
      if (!token.startsWith(LABEL)) read.push({ hash: this.#add(token, into(start, end)), start, end });
    }
    // The offsets of `</s>` cover the whole text, so that every edit changes it.
    read.push({ hash: this.#add(END, into(0, text.length)), start: 0, end: text.length });
    if (this.wordGrams > 1 && this.buckets) this.#addWordGrams(read, into);
    const truncated = ids.length > most;
    if (truncated) ids.length = most;
    // An edit may change the n-grams of words and the end, so the whole text is read again.
    return { ids: Int32Array.from(ids), offsets: Int32Array.from(offsets).subarray(0, 2 * ids.length), truncated, whole: true };
  }

  /**
   * A word and its n-grams.
   * @param {string} token
   * @param {(id: number) => void} put
   * @returns {number} its hash
   */
  #add(token, put) {
    const id = this.#words.get(token);
    if (id !== undefined) put(id);
    let h = OFFSET;
    for (const byte of utf8.encode(token)) h = extend(h, byte);
    if (this.max > 0 && this.buckets && token !== END) this.#addSubwords(utf8.encode(`<${token}>`), put);
    return h;
  }

  /** @param {Uint8Array} bytes @param {(id: number) => void} put */
  #addSubwords(bytes, put) {
    const { length } = bytes;
    for (let i = 0; i < length; i++) {
      if (continues(bytes[i])) continue;
      let h = OFFSET;
      for (let j = i, n = 1; j < length && n <= this.max; n++) {
        do h = extend(h, bytes[j++]);
        while (continues(bytes[j]));
        const isBorder = n === 1 && (i === 0 || j === length);
        if (n >= this.min && !isBorder) this.#putHash((h >>> 0) % this.buckets, put);
      }
    }
  }

  /**
   * N-grams of words, by hashes of 64 bits.
   * @param {{ hash: number, start: number, end: number }[]} read
   * @param {(start: number, end: number) => (id: number) => void} into
   */
  #addWordGrams(read, into) {
    const buckets = BigInt(this.buckets);
    for (let i = 0; i < read.length; i++) {
      let h = BigInt(read[i].hash);
      for (let j = i + 1; j < read.length && j < i + this.wordGrams; j++) {
        h = BigInt.asUintN(64, h * 116049371n + BigInt(read[j].hash));
        this.#putHash(Number(h % buckets), into(read[i].start, read[j].end));
      }
    }
  }

  /** @param {number} hash @param {(id: number) => void} put */
  #putHash(hash, put) {
    const id = this.#kept ? this.#kept.get(hash) : hash;
    if (id !== undefined) put((this.first ?? 0) + id);
  }
}
