/**
 * Unit `ngrams` with scheme `keras`: tokens and ids as in Keras's TextVectorization with n-grams, StringLookup and Hashing.
 * @module
 */
import { ArgumentError } from '../errors.js';
import { problemWithIndex, TokenIndex } from './token-index.js';
import { isWhole } from './whole.js';

/**
 * @typedef {object} KerasTokens
 * @property {'keras'} scheme
 * @property {'whitespace' | 'character' | null} split  null: the whole text is one token, even if it is empty
 * @property {string} [remove]  characters that are removed before the text is split
 * @property {number[] | null} [widths]  lengths of the n-grams into which tokens are joined; all n-grams of one length come before those of the next.
 *   null (default): [1]
 */
/** @typedef {KerasTokens & import('./token-index.js').IndexSettings} KerasTokenSettings */

/** The characters at which tf.strings.split splits a text. */
const SPACES = ' \t\n\v\f\r';
/** Maximum length of an n-gram. */
export const WIDEST = 64;

/** @param {any} settings @param {any} text */
function problemWith(settings, { pad, mask }) {
  const { split, remove = '', widths = null } = settings;
  if (!['whitespace', 'character', null].includes(split)) return "split is not 'whitespace', 'character' or null";
  if (typeof remove !== 'string') return 'remove is not a string';
  if (widths !== null && !(Array.isArray(widths) && widths.length && widths.every((width) => isWhole(width, 1, WIDEST))))
    return `widths is not a list of integers from 1 to ${WIDEST}`;
  if (pad !== null && !isWhole(pad, 0, 2 ** 31 - 1)) return 'pad is not an integer from 0 on, nor null';
  if (!mask && pad === null) return 'pad is null; where padding is data (mask: false) it needs an id';
  return problemWithIndex(settings);
}

export class KerasTokenizer {
  batchView = undefined;
  /** @type {TokenIndex | null} */
  #index = null;

  /**
   * @param {KerasTokenSettings} settings
   * @param {{ normalization: 'NFC' | 'NFKC' | 'NFD' | 'NFKD' | null, case: 'lower' | 'lower-ascii' | null, pad: number | null, mask: boolean }} text
   */
  constructor(settings, text) {
    this.problem = problemWith(settings, text);
    const { normalization, case: fold } = text;
    if (normalization !== null || fold === 'lower')
      this.problem ||= "scheme 'keras' needs case 'lower-ascii' or null, and no normalization";
    this.lower = fold === 'lower-ascii';
    const valid = this.problem ? null : settings;
    this.split = valid?.split;
    /** The id of masked tokens. */
    this.pad = text.mask ? text.pad : null;
    this.removed = new Set(valid?.remove ?? '');
    this.widths = valid?.widths ?? [1];
    if (valid) this.#index = new TokenIndex(valid);
    /** All ids are below this. */
    this.rows = valid ? Math.max(this.#index?.size ?? 0, (text.pad ?? 0) + 1) : 0;
  }

  /** The tokens with their offsets. @param {string} text @returns {{ token: string, start: number, end: number }[]} */
  #tokens(text) {
    /** @type {{ token: string, start: number, end: number }[]} */
    const tokens = [];
    const { split, removed } = this;
    let token = '';
    let [start, end, at] = [0, 0, 0];
    const flush = () => {
      if (token) tokens.push({ token, start, end });
      token = '';
    };
    for (const char of this.lower ? text.replace(/[A-Z]/g, (each) => each.toLowerCase()) : text) {
      const from = at;
      at += char.length;
      if (removed.has(char)) continue;
      if (split === 'whitespace' && SPACES.includes(char)) flush();
      else {
        if (!token) start = from;
        token += char;
        end = at;
        if (split === 'character') flush();
      }
    }
    flush();
    if (split === null && tokens.length === 0) tokens.push({ token: '', start: 0, end: text.length });
    return tokens;
  }

  /**
   * @param {string} text
   * @param {number | null} maxlen  maximum number of ids
   * @returns {import('./vectorizer.js').Encoding}
   */
  encode(text, maxlen) {
    const tokens = this.#tokens(text);
    const most = maxlen ?? Infinity;
    /** @type {number[]} */
    const ids = [];
    /** @type {number[]} */
    const offsets = [];
    let count = 0;
    for (const width of this.widths) {
      count += Math.max(0, tokens.length - width + 1);
      for (let i = 0; i + width <= tokens.length && ids.length < most; i++) {
        const gram = tokens.slice(i, i + width);
        const token = gram.map((each) => each.token).join(' ');
        const id = /** @type {TokenIndex} */ (this.#index).of(token);
        if (id < 0)
          throw new ArgumentError(
            `text: ${JSON.stringify(token)} is not in the vocabulary, and the model has no id for unknown tokens (num_oov_indices=0 in Keras)`,
          );
        ids.push(id);
        offsets.push(gram[0].start, gram[width - 1].end);
      }
    }
    const masked = this.pad === null ? [] : ids.flatMap((id, i) => (id === this.pad ? [i] : []));
    return { ids: Int32Array.from(ids), offsets: Int32Array.from(offsets), truncated: count > ids.length, whole: true, masked };
  }
}
