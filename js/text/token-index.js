/**
 * Computes the index of a token or a number like Keras's StringLookup, IntegerLookup and Hashing.
 * @module
 */
import { farmHash64, sipHash64 } from './hashes.js';
import { isWhole } from './whole.js';

/**
 * @typedef {object} IndexSettings
 * @property {(string | number)[]} words  the vocabulary, without special tokens
 * @property {number} first  first index for unknown tokens; the indices of `words` follow those for unknown tokens
 * @property {number} unknown  number of indices for tokens that are not in `words`; 0: such a token is an error
 * @property {'hash' | 'modulo'} [method]  selects one of several indices: by the hash of the token (default), or by the number itself, modulo `unknown`
 * @property {[number, number] | null} [salt]  key of SipHash; null (default): FarmHash
 * @property {{ token: string | number, index: number } | null} [masked]  the mask token, and its index
 */

const INDEX_MOST = 2 ** 31 - 1;
const encoder = new TextEncoder();

/** Describes the first error in settings; '' if there is none. @param {any} settings @returns {string} */
export function problemWithIndex(settings) {
  const { words, first, unknown, method = 'hash', salt = null, masked = null } = settings ?? {};
  if (!Array.isArray(words) || words.some((word) => typeof word !== 'string' && !Number.isSafeInteger(word)))
    return 'words is not a list of strings or integers';
  if (new Set(words.map(String)).size < words.length) return 'words has a word twice';
  if (!isWhole(first, 0, INDEX_MOST) || !isWhole(unknown, 0, INDEX_MOST - words.length - first))
    return 'first and unknown are not integers from 0 on';
  if (method !== 'hash' && method !== 'modulo') return "method is neither 'hash' nor 'modulo'";
  if (salt !== null && !(Array.isArray(salt) && salt.length === 2 && salt.every((key) => Number.isSafeInteger(key))))
    return 'salt is not a list of two integers';
  if (masked !== null && !(['string', 'number'].includes(typeof masked?.token) && isWhole(masked.index, 0, INDEX_MOST)))
    return 'masked is not { token, index }';
  return words.length || unknown || masked ? '' : 'there is neither a word nor an index for unknown ones';
}

export class TokenIndex {
  /** @type {Map<string, number>} */
  #index;

  /** @param {IndexSettings} settings  checked by problemWithIndex() */
  constructor({ words, first, unknown, method = 'hash', salt = null, masked = null }) {
    this.#index = new Map(words.map((word, i) => [String(word), first + unknown + i]));
    if (masked) this.#index.set(String(masked.token), masked.index);
    this.first = first;
    this.unknown = unknown;
    this.modulo = method === 'modulo';
    /** @type {[bigint, bigint] | null} */
    this.key = salt && [BigInt.asUintN(64, BigInt(salt[0])), BigInt.asUintN(64, BigInt(salt[1]))];
    /** All indices are below this. */
    this.size = Math.max(first + unknown + words.length, masked ? masked.index + 1 : 0);
  }

  /**
   * @param {string} token  a number in decimals
   * @returns {number} -1: it is not known, and there is no index for such tokens
   */
  of(token) {
    const { first, unknown, key } = this;
    const known = this.#index.get(token);
    if (known !== undefined) return known;
    if (unknown < 2) return unknown ? first : -1;
    const n = BigInt(unknown);
    if (this.modulo) return first + Number(((BigInt(token) % n) + n) % n);
    const bytes = encoder.encode(token);
    return first + Number((key ? sipHash64(bytes, key) : farmHash64(bytes)) % n);
  }
}
