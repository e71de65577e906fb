/**
 * Setting `parts`: a token becomes the ids of its parts: the token itself, its shape, endings and beginnings. So a model knows something about words
 * that it has never seen. Parts that the vocabulary lacks are left out. Fetched only for models that use it.
 *
 * The parts of a token, in this order:
 *   may      the token in lower case, each digit (\p{N}) as 0
 *   =May     the token as it is written, digits as 0, if that differs
 *   #Xx      its shape: X for upper and title case, x for other letters and marks, d for digits, other characters unchanged; repeated characters
 *            count once, and only the first 8 are kept
 *   y$ ay$   the last n code points of the first part, for each n of `endings` that is below its length
 *   ^m ^ma   the first n code points, for each n of `beginnings`
 * Each code point is converted to lower case by itself, as in setting `case`.
 * @module
 */
import { isWhole } from './whole.js';

/**
 * @typedef {object} PartSettings
 * @property {number} width  number of ids of a token; shorter lists are filled up with `pad`, longer ones are cut
 * @property {number[]} [endings]  code points of endings. Default [1, 2, 3, 4]
 * @property {number[]} [beginnings]  code points of beginnings. Default [1, 2, 3, 4]
 */

/** Maximum number of characters of a shape. */
const SHAPE_MOST = 8;
/** Maximum number of tokens whose ids are cached. */
const KEPT_MOST = 4096;

/** @param {string} char  a code point */
function kindOf(char) {
  if (/\p{N}/u.test(char)) return 'd';
  if (/[\p{Lu}\p{Lt}]/u.test(char)) return 'X';
  return /[\p{L}\p{M}]/u.test(char) ? 'x' : char;
}

/** Describes the first error in settings; '' if there is none. @param {any} settings */
function problemWith(settings) {
  const { width, endings = [], beginnings = [], ...others } = Object(settings);
  const [other] = Object.keys(others);
  if (other !== undefined) return `${other} is unknown`;
  if (!isWhole(width, 1, 64)) return 'width is not an integer from 1 to 64';
  for (const [name, list] of Object.entries({ endings, beginnings }))
    if (!Array.isArray(list) || list.length > 16 || !list.every((n) => isWhole(n, 1, 64)))
      return `${name} is not a list of at most 16 integers from 1 to 64`;
  return '';
}

/** Describes why other settings exclude parts. @param {import('./vectorizer.js').TextVectorizer} text */
function problemBeside({ unit, pad, unknown, start, end, mask, settings }) {
  if (unit === 'ngrams') return 'unit ngrams has none';
  if (settings.map) return 'they do not go with map';
  if (pad === 0 && unknown !== null && start === null && end === null && mask) return '';
  return `pad is ${pad}, unknown ${unknown}, start ${start}, end ${end} and mask ${mask}, expected 0, an id, null, null and true`;
}

export class WordParts {
  /** Cache: token -> its ids. @type {Map<string, Int32Array>} */
  #kept = new Map();

  /**
   * @param {import('./vectorizer.js').TextVectorizer} text
   * @param {(part: string) => number | undefined} idOf  returns the id of a part; undefined if the vocabulary lacks it
   */
  constructor(text, idOf) {
    const {
      unknown,
      settings: { parts: settings },
    } = text;
    /** The first error in the settings; '' if there is none. */
    this.problem = problemWith(settings) || problemBeside(text);
    const { width, endings = [1, 2, 3, 4], beginnings = [1, 2, 3, 4] } = Object(settings);
    /** Number of ids of a token. @type {number} */
    this.width = width;
    this.endings = endings;
    this.beginnings = beginnings;
    this.idOf = idOf;
    this.text = text;
    this.unknown = unknown ?? 0;
  }

  /** The ids of a single token, which is normalised like a text. @param {string} token */
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
    // Do not cache long tokens: they are rare and would waste memory.
    if (token.length <= 64) this.#kept.set(token, ids);
    return ids;
  }
}
