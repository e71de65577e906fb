/**
 * Units `split` and `text`: the tokens between separators. Fetched only for models that use them.
 * @module
 */

/** Splits a text that it gets character by character. */
class Splitter {
  #token = '';
  /** Offset where the token begins. */
  #from = 0;
  /** Offset where each UTF-16 unit of the token ends. @type {number[]} */
  #ends = [];
  #stopped = false;

  /**
   * @param {string | null | undefined} split  the separator; null: white space; '': each character is a token; undefined: no separator
   * @param {Set<string>} separators  further characters that separate
   * @param {(token: string, start: number, end: number) => boolean} emit  false: no more tokens are wanted
   */
  constructor(split, separators, emit) {
    this.split = split;
    this.separators = separators;
    this.emit = emit;
    /** A separator of several characters. */
    this.long = split && !separators.has(split) ? split : null;
  }

  /** @param {string} char @param {number} start @param {number} end @returns {boolean} false: no more are wanted */
  put(char, start, end) {
    const { split, separators, long } = this;
    const separates = separators.has(char);
    if (long) {
      // As in Keras, replace such a character by the separator, which may then match across it and its neighbours.
      for (const each of separates ? long : char) {
        this.#add(each, start, end);
        if (this.#token.endsWith(long)) this.#flush(long.length);
      }
      return !this.#stopped;
    }
    if (separates || (split === null && /\s/.test(char))) this.#flush(0);
    else {
      this.#add(char, start, end);
      if (split === '') this.#flush(0);
    }
    return !this.#stopped;
  }

  /** Ends the text. */
  end() {
    if (!this.#stopped) this.#flush(0);
  }

  /** @param {string} char @param {number} start @param {number} end */
  #add(char, start, end) {
    if (this.#token === '') this.#from = start;
    this.#token += char;
    for (let i = 0; i < char.length; i++) this.#ends.push(end);
  }

  /** @param {number} rest  number of units at the end of the token that belong to a separator */
  #flush(rest) {
    const length = this.#token.length - rest;
    if (length > 0 && !this.#stopped) this.#stopped = !this.emit(this.#token.slice(0, length), this.#from, this.#ends[length - 1]);
    this.#token = '';
    this.#ends.length = 0;
  }
}

/** Takes a character and its offsets; returns false if no more are wanted. @typedef {(char: string, start: number, end: number) => boolean} Put */

/**
 * Calls `emit(token, start, end)` for the text between two separators.
 * @param {import('./settings.js').ReadSettings} settings
 * @param {string} text
 * @param {(token: string, start: number, end: number) => boolean} emit  false: no more tokens are wanted
 * @param {{ mapping: (put: Put) => Put, codePoints: (put: Put) => void }} of
 *   mapping: of the setting map; codePoints: emits the code points of the normalised, lower-cased text
 */
export function splitTokens({ unit, split, separators, removed, normalization, case: fold }, text, emit, { mapping, codePoints }) {
  // The lower case of a whole text differs from that of its single code points only where a sigma ends a word.
  const normal = normalization ? text.normalize(normalization) : text;
  const whole = fold === 'lower' && normal.includes('\u03a3') ? normal.toLowerCase() : '';
  let at = 0;
  const splitter = unit === 'text' ? new Splitter(undefined, new Set(), emit) : new Splitter(split, separators, emit);
  const put = mapping((char, start, end) => removed.has(char) || splitter.put(char, start, end));
  codePoints((given, start, end) => {
    const char = given === '\u03c3' && whole[at] === '\u03c2' ? '\u03c2' : given;
    at += given.length;
    return put(char, start, end);
  });
  splitter.end();
}
