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

/** @param {import('./vectorizer.js').TextVectorizer} text  whose other settings do not go with parts */
function problemBeside({ unit, pad, unknown, start, end, mask, settings }) {
  if (unit === 'ngrams') return 'unit ngrams has none';
  if (settings.map) return 'they do not go with map';
  if (pad === 0 && unknown !== null && start === null && end === null && mask) return '';
  return `pad is ${pad}, unknown ${unknown}, start ${start}, end ${end} and mask ${mask}, expected 0, an id, null, null and true`;
}

export class WordParts {
  /** Ids of tokens met before. @type {Map<string, Int32Array>} */
  #kept = new Map();

  /**
   * @param {import('./vectorizer.js').TextVectorizer} text
   * @param {(part: string) => number | undefined} idOf  of a part; undefined: the vocabulary lacks it
   */
  constructor(text, idOf) {
    const {
      unknown,
      settings: { parts: settings },
    } = text;
    /** What is wrong with the settings; '' if nothing is. */
    this.problem = problemWith(settings) || problemBeside(text);
    const { width, endings = [1, 2, 3, 4], beginnings = [1, 2, 3, 4] } = Object(settings);
    /** Ids of a token. */
    this.width = Number(width);
    this.endings = endings;
    this.beginnings = beginnings;
    this.idOf = idOf;
    this.text = text;
    this.unknown = unknown ?? 0;
  }

  /** The ids of a token that stands in no text, normalised as a text is. @param {string} token */
  read(token) {
    const { normalization, case: fold } = this.text;
    const normal = normalization ? token.normalize(normalization) : token;
    const lower = fold === 'lower' ? Array.from(normal, (char) => char.toLowerCase()).join('') : normal;
    return this.idsOf(fold === 'lower-ascii' ? lower.replace(/[A-Z]/g, (char) => char.toLowerCase()) : lower);
  }

  /** @param {string} token  as the text has it after normalisation @returns {string[]} */
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

  /** @param {string} token  as the text has it after normalisation @returns {Int32Array} `width` ids */
  idsOf(token) {
    const before = this.#kept.get(token);
    if (before) return before;
    const ids = new Int32Array(this.width);
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
