/**
 * Setting `parts`: a token as its parts, that is the token itself, its beginnings, endings and shape, so that a model knows something of words
 * that it has never seen. Each part that the vocabulary has is an id. Fetched only for models that use it.
 *
 * The parts of a token, in this order:
 *   may      the token in lower case, each digit (\p{N}) as 0
 *   =May     the token as it is written, digits as 0, if that differs
 *   #Xx      its shape: X for upper and title case, x for other letters and marks, d for digits, other characters as they are; of the same one
 *            in a row, one; the first 8 of these
 *   y$ ay$   the last n code points of the first part, for each n of `endings` that is below its length
 *   ^m ^ma   the first n, for each n of `beginnings`
 * Each code point by itself is changed to lower case, as in setting `case`.
 * @module
 */
import { isWhole } from './whole.js';

/**
 * @typedef {object} PartSettings
 * @property {number} width  ids of a token, at most; those of shorter lists are followed by `pad`
 * @property {number[]} [endings]  code points of endings. Default [1, 2, 3, 4]
 * @property {number[]} [beginnings]  code points of beginnings. Default [1, 2, 3, 4]
 */

/** Characters of a shape, at most. */
const SHAPE_MOST = 8;
/** Tokens whose ids are kept. */
const KEPT_MOST = 4096;

/** @param {string} char  a code point */
function kindOf(char) {
  if (/\p{N}/u.test(char)) return 'd';
  if (/[\p{Lu}\p{Lt}]/u.test(char)) return 'X';
  return /[\p{L}\p{M}]/u.test(char) ? 'x' : char;
}

/** @param {any} settings  what is wrong with it; '' if nothing is */
function problemWith(settings) {
  const { width, endings = [], beginnings = [], ...others } = Object(settings);
  const [other] = Object.keys(others);
  if (other !== undefined) return `${other} is unknown`;
  if (!isWhole(width, 1, 64)) return 'width is not a whole number from 1 to 64';
  for (const [name, list] of Object.entries({ endings, beginnings }))
    if (!Array.isArray(list) || list.length > 16 || !list.every((n) => isWhole(n, 1, 64)))
      return `${name} is not a list of at most 16 whole numbers from 1 to 64`;
  return '';
}

export class WordParts {
  /** Ids of tokens met before. @type {Map<string, Int32Array>} */
  #kept = new Map();

  /**
   * @param {any} settings  PartSettings
   * @param {(part: string) => number | undefined} idOf  of a part; undefined: the vocabulary lacks it
   * @param {{ pad: number | null, unknown: number | null }} ids
   */
  constructor(settings, idOf, { pad, unknown }) {
    /** What is wrong with the settings; '' if nothing is. */
    this.problem = problemWith(settings);
    const { width, endings = [1, 2, 3, 4], beginnings = [1, 2, 3, 4] } = Object(settings);
    /** Ids of a token. */
    this.width = Number(width);
    this.endings = endings;
    this.beginnings = beginnings;
    this.idOf = idOf;
    this.pad = pad ?? 0;
    this.unknown = unknown ?? 0;
  }

  /** @param {string} token @returns {string[]} */
  partsOf(token) {
    let written = '';
    let shape = '';
    /** @type {string[]} */
    const folded = [];
    for (const char of token) {
      const kind = kindOf(char);
      written += kind === 'd' ? '0' : char;
      folded.push(...(kind === 'd' ? '0' : char.toLowerCase()));
      if (!shape.endsWith(kind)) shape += kind;
    }
    const word = folded.join('');
    const parts = [word];
    if (written !== word) parts.push(`=${written}`);
    parts.push(`#${[...shape].slice(0, SHAPE_MOST).join('')}`);
    for (const n of this.endings) if (n < folded.length) parts.push(`${folded.slice(-n).join('')}$`);
    for (const n of this.beginnings) if (n < folded.length) parts.push(`^${folded.slice(0, n).join('')}`);
    return parts;
  }

  /** @param {string} token @returns {Int32Array} `width` ids */
  idsOf(token) {
    const before = this.#kept.get(token);
    if (before) return before;
    const ids = new Int32Array(this.width).fill(this.pad);
    let n = 0;
    for (const part of this.partsOf(token)) {
      const id = this.idOf(part);
      if (id !== undefined && n < this.width) ids[n++] = id;
    }
    if (n === 0) ids[0] = this.unknown;
    if (this.#kept.size >= KEPT_MOST) this.#kept.clear();
    // A long token is rare, and would be kept for long.
    if (token.length <= 64) this.#kept.set(token, ids);
    return ids;
  }
}
