/**
 * Text -> tokens -> ids -> padded batch and mask, and back. Any string is legal text.
 * @module
 */
import { ArgumentError, checkFits, COUNT_MOST, EngineError, IdError, ModelFileError, show, typeName } from '../errors.js';

/**
 * How a model reads text, as its file says.
 * @typedef {object} TextSettings
 * @property {'codepoint' | 'grapheme' | 'word' | 'split'} [unit]  what a token is; grapheme and word by Intl.Segmenter; split: what stands
 *   between separators. Default codepoint
 * @property {string | null} [split]  unit split: the separator, one character; null (default): white space; '': every code point is a token
 * @property {string} [filters]  unit split: more characters that separate
 * @property {string} [remove]  unit split: characters that are taken out before
 * @property {string} [locale]  for Intl.Segmenter
 * @property {'NFC' | 'NFKC' | 'NFD' | 'NFKD' | null} [normalization]
 * @property {'lower' | 'lower-ascii' | null} [case]  lower: each code point by itself, as Python's ''.join(c.lower() for c in s), and for unit
 *   split the whole text, as Python's s.lower() (which minds where a sigma ends a word); lower-ascii: A to Z
 * @property {string[]} vocabulary  index is the id; the entries at pad and unknown are never matched
 * @property {number} [pad]  default 0
 * @property {number | null} [unknown]  default 1; null drops what is not in the vocabulary
 * @property {number | null} [maxlen]  longest text in tokens; a longer one is cut
 * @property {number | null} [length]  padded length of every batch, for models whose padding is data
 * @property {'post' | 'pre'} [padding]  the side that is padded. Default post
 * @property {'post' | 'pre'} [truncation]  the side that is cut away. Default post
 * @property {boolean} [mask]  default true
 */

/**
 * One text, read.
 * @typedef {object} Encoding
 * @property {Int32Array} ids
 * @property {Int32Array} offsets  [start, end) of token i in UTF-16 units of the text: offsets[2i], offsets[2i+1]
 * @property {boolean} truncated  the text was longer than maxlen
 */

/**
 * Texts side by side.
 * @typedef {object} EncodedBatch
 * @property {Int32Array} ids  [B, T]
 * @property {Uint8Array} mask  [B, T], 0 is padding
 * @property {Int32Array} lengths  [B]
 * @property {[number, number]} shape  [B, T]
 * @property {Encoding[]} rows
 */

const forms = ['NFC', 'NFKC', 'NFD', 'NFKD'];

/**
 * A starter and all that may combine with it, so that chunks normalise each on its own: marks, Hangul vowels and final consonants, and the
 * two Kirat Rai vowel signs that are letters; for NFKC and NFKD also what these make into such (compatibility and half-width jamo and
 * half-width kana sound marks). At most 32 of them, as in the stream-safe text format of UAX #15, so that a megabyte of marks takes linear
 * time. Nothing else is joined: the offsets of a token are those of its chunk.
 */
const canonical = String.raw`\p{M}\u1161-\u1175\u11a8-\u11c2\u{16d67}\u{16d68}`;
const compatible = String.raw`\u3133\u3135\u3136\u313a-\u313f\u314f-\u3163\uff9e\uff9f\uffa3\uffa5\uffa6\uffaa-\uffaf\uffc2-\uffdc`;
/** @param {string} joining */
const chunksOf = (joining) => new RegExp(`[^][${joining}]{0,32}`, 'gu');
const canonicalChunks = chunksOf(canonical);
const compatibleChunks = chunksOf(canonical + compatible);
/** For a class of a regular expression: what some normalisation may bring together with what stands before it. */
export const joined = canonical + compatible;

/**
 * Behind white space and before a character that nothing joins to what stands before it, in any normal form: a text cut here has the tokens of
 * its parts. Letters and signs of ASCII, Cyrillic, kana, Han and Hangul, and line breaks, are enough to find such a place soon in most texts.
 */
const beginning = '!-~\u0410-\u044f\u3041-\u3094\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3';
const places = ` (?=[\\n${beginning}])|\\n(?=[ \\n${beginning}])`;
const border = new RegExp(places, 'g');
const borderHere = new RegExp(places, 'y');
/** UTF-16 units that are segmented at a time: all that is read of a long text of which little is kept. */
const PIECE = 4096;

/** @param {string} text  one chunk or code point */
const lower = (text) => {
  let result = '';
  for (const char of text) result += char.toLowerCase();
  return result;
};

export class TextVectorizer {
  /**
   * @param {TextSettings} settings
   * @throws {ModelFileError} for settings that contradict themselves
   */
  constructor(settings) {
    /** @param {string} name @param {any} value @param {any[]} allowed */
    const oneOf = (name, value, allowed) => {
      if (!allowed.includes(value))
        throw new ModelFileError(`text: ${name} is ${show(value)}, expected one of ${allowed.join(', ')}`);
      return value;
    };
    /** @param {string} name @param {any} value @param {number} least */
    const countOrNull = (name, value, least) => {
      if (value === null || (Number.isSafeInteger(value) && value >= least && value <= COUNT_MOST)) return value;
      throw new ModelFileError(`text: ${name} is ${show(value)}, expected a whole number from ${least} to ${COUNT_MOST}`);
    };
    if (settings === null || typeof settings !== 'object')
      throw new ModelFileError(`text: expected settings, got ${typeName(settings)}`);
    const { vocabulary } = settings;
    if (!Array.isArray(vocabulary) || vocabulary.some((token) => typeof token !== 'string')) {
      throw new ModelFileError('text: vocabulary is not a list of strings');
    }
    if (vocabulary.length === 0) throw new ModelFileError('text: vocabulary is empty');
    this.settings = settings;
    this.unit = oneOf('unit', settings.unit ?? 'codepoint', ['codepoint', 'grapheme', 'word', 'split']);
    this.normalization = oneOf('normalization', settings.normalization ?? null, [...forms, null]);
    this.case = oneOf('case', settings.case ?? null, ['lower', 'lower-ascii', null]);
    this.padding = oneOf('padding', settings.padding ?? 'post', ['post', 'pre']);
    this.truncation = oneOf('truncation', settings.truncation ?? 'post', ['post', 'pre']);
    this.pad = countOrNull('pad', settings.pad ?? 0, 0);
    this.unknown = countOrNull('unknown', settings.unknown === undefined ? 1 : settings.unknown, 0);
    this.length = countOrNull('length', settings.length ?? null, 1);
    this.maxlen = countOrNull('maxlen', settings.maxlen ?? this.length, 1);
    for (const [name, id] of [
      ['pad', this.pad],
      ['unknown', this.unknown],
    ]) {
      if (id !== null && id >= vocabulary.length)
        throw new ModelFileError(`text: ${name} is ${id}, the vocabulary has ${vocabulary.length} entries`);
    }
    if (this.pad === this.unknown) throw new ModelFileError(`text: pad and unknown are both ${this.pad}`);
    if (this.length !== null && this.maxlen > this.length) this.maxlen = this.length;
    this.mask = oneOf('mask', settings.mask ?? true, [true, false]);
    /** @type {Map<string, number>} */
    this.index = new Map();
    vocabulary.forEach((token, id) => {
      if (id === this.pad || id === this.unknown) return;
      const before = this.index.get(token);
      if (before !== undefined)
        throw new ModelFileError(`text: vocabulary has ${JSON.stringify(token)} twice, as ${before} and ${id}`);
      this.index.set(token, id);
    });
    this.split = settings.split ?? null;
    if (this.split !== null && (typeof this.split !== 'string' || [...this.split].length > 1))
      throw new ModelFileError(`text: split is ${show(this.split)}, expected one character, '' or null`);
    this.separators = new Set([...String(settings.filters ?? ''), ...(this.split ?? '')]);
    this.removed = new Set(String(settings.remove ?? ''));
    if (this.unit === 'word' || this.unit === 'grapheme') {
      if (typeof Intl.Segmenter !== 'function')
        throw new EngineError(`this engine has no Intl.Segmenter, which unit ${this.unit} needs`);
      try {
        this.segmenter = new Intl.Segmenter(settings.locale, { granularity: /** @type {'grapheme' | 'word'} */ (this.unit) });
      } catch (cause) {
        throw new ModelFileError(`text: locale is ${show(settings.locale)}, expected a language tag`, { cause });
      }
    }
  }

  /**
   * Calls `emit(char, start, end)` for each code point of the normalised, lower-cased text until it returns false.
   * @param {string} text
   * @param {(char: string, start: number, end: number) => boolean} emit
   */
  #codePoints(text, emit) {
    const { normalization } = this;
    const fold = this.case === 'lower';
    const ascii = this.case === 'lower-ascii';
    let start = 0;
    const pieces = normalization ? text.matchAll(normalization.includes('K') ? compatibleChunks : canonicalChunks) : text;
    for (const piece of pieces) {
      const source = typeof piece === 'string' ? piece : piece[0];
      const normal = normalization ? source.normalize(normalization) : source;
      const end = start + source.length;
      const cased = fold ? lower(normal) : ascii ? normal.replace(/[A-Z]/g, (char) => char.toLowerCase()) : normal;
      for (const char of cased) if (!emit(char, start, end)) return;
      start = end;
    }
  }

  /**
   * Unit split: what stands between separators.
   * @param {string} text
   * @param {(token: string, start: number, end: number) => boolean} emit
   */
  #pieces(text, emit) {
    const { split, separators, removed } = this;
    // The whole text's lower case differs from its code points' at a sigma alone: one that ends a word.
    const normal = this.normalization ? text.normalize(this.normalization) : text;
    const whole = this.case === 'lower' && normal.includes('\u03a3') ? normal.toLowerCase() : '';
    let at = 0;
    let token = '';
    let from = 0;
    let to = 0;
    let stopped = false;
    const flush = () => {
      const piece = token;
      token = '';
      return piece === '' || emit(piece, from, to);
    };
    this.#codePoints(text, (given, start, end) => {
      const char = given === '\u03c3' && whole[at] === '\u03c2' ? '\u03c2' : given;
      at += given.length;
      if (removed.has(char)) return true;
      if (separators.has(char) || (split === null && /\s/.test(char))) {
        stopped = !flush();
        return !stopped;
      }
      if (token === '') from = start;
      token += char;
      to = end;
      if (split === '') stopped = !flush();
      return !stopped;
    });
    if (!stopped) flush();
  }

  /**
   * Calls `emit(token, start, end)` for each token until it returns false.
   * @param {string} text
   * @param {(token: string, start: number, end: number) => boolean} emit
   */
  #tokens(text, emit) {
    const { segmenter } = this;
    if (this.unit === 'split') {
      this.#pieces(text, emit);
      return;
    }
    if (!segmenter) {
      this.#codePoints(text, emit);
      return;
    }
    for (let from = 0; from < text.length;) {
      const to = this.borderFrom(text, from + PIECE);
      if (!this.#segments(segmenter, text.slice(from, to), from, emit)) return;
      from = to;
    }
  }

  /** White space that stands in a token, as between separators of its own, is no border. */
  get #whole() {
    return Boolean(this.split) || this.removed.has(' ') || this.removed.has('\n');
  }

  /** The first place from `from` on where a text may be cut; its end where there is none. @param {string} text @param {number} from */
  borderFrom(text, from) {
    if (from >= text.length || this.#whole) return text.length;
    border.lastIndex = Math.max(0, from - 1);
    const found = border.exec(text);
    return found ? found.index + 1 : text.length;
  }

  /** The last such place up to `to`; 0 where there is none. @param {string} text @param {number} to */
  borderBefore(text, to) {
    if (this.#whole) return 0;
    for (let at = Math.min(to, text.length - 1); at > 0; at--) {
      borderHere.lastIndex = at - 1;
      if (borderHere.test(text)) return at;
    }
    return 0;
  }

  /**
   * @param {Intl.Segmenter} segmenter @param {string} text @param {number} begin  of it in the whole
   * @param {(token: string, start: number, end: number) => boolean} emit
   * @returns {boolean} whether to go on
   */
  #segments(segmenter, text, begin, emit) {
    // The prepared text is what is segmented; starts and ends lead from its UTF-16 units back to the text.
    let prepared = '';
    /** @type {number[]} */
    const starts = [];
    /** @type {number[]} */
    const ends = [];
    this.#codePoints(text, (char, start, end) => {
      prepared += char;
      for (let i = 0; i < char.length; i++) {
        starts.push(begin + start);
        ends.push(begin + end);
      }
      return true;
    });
    for (const { segment, index, isWordLike } of segmenter.segment(prepared)) {
      // Words: white space parts them and is none; punctuation is a token.
      if (this.unit === 'word' && !isWordLike && segment.trim() === '') continue;
      if (!emit(segment, starts[index], ends[index + segment.length - 1])) return false;
    }
    return true;
  }

  /**
   * @param {string} text
   * @returns {Encoding}
   * @throws {ArgumentError} for anything but a string
   */
  encode(text) {
    if (typeof text !== 'string') throw new ArgumentError(`text is ${typeName(text)}, expected a string`);
    const { maxlen, truncation } = this;
    // Of a text that is cut at its front, the end is read first: as much of it as fills a row.
    if (maxlen !== null && truncation === 'pre')
      for (let length = Math.max(PIECE, 8 * maxlen); length < text.length; length *= 4) {
        const from = this.borderFrom(text, text.length - length);
        const { ids, offsets, truncated } = this.#encode(text.slice(from));
        if (truncated) return { ids, offsets: offsets.map((at) => from + at), truncated };
      }
    return this.#encode(text);
  }

  /** @param {string} text @returns {Encoding} */
  #encode(text) {
    const { index, unknown, maxlen, truncation } = this;
    /** @type {number[]} */
    const ids = [];
    /** @type {number[]} */
    const offsets = [];
    let truncated = false;
    this.#tokens(text, (token, start, end) => {
      const id = index.get(token) ?? unknown;
      if (id === null) return true;
      if (maxlen !== null && truncation === 'post' && ids.length === maxlen) {
        truncated = true;
        return false;
      }
      // Of a text that is cut at its front, no more than twice what stays is kept.
      if (maxlen !== null && ids.length === 2 * maxlen) {
        truncated = true;
        ids.splice(0, maxlen);
        offsets.splice(0, 2 * maxlen);
      }
      ids.push(id);
      offsets.push(start, end);
      return true;
    });
    const cut = maxlen === null ? 0 : Math.max(0, ids.length - maxlen);
    return {
      ids: Int32Array.from(ids.slice(cut)),
      offsets: Int32Array.from(offsets.slice(2 * cut)),
      truncated: truncated || cut > 0,
    };
  }

  /**
   * The id of a token that somebody else has cut out: normalised and lower-cased as a text would be.
   * @param {string} token
   * @returns {number} the unknown token's id where the vocabulary lacks it; the padding's where unknown tokens are dropped
   */
  idOf(token) {
    let prepared = '';
    this.#codePoints(token, (char) => {
      prepared += char;
      return true;
    });
    return this.index.get(prepared) ?? this.unknown ?? this.pad;
  }

  /**
   * Texts as one padded batch, as long as the longest of them (or `length`, where the model has one).
   * @param {string[]} texts
   * @param {{ minLength?: number }} [options]  minLength: pad at least to this many tokens
   * @returns {EncodedBatch}
   */
  encodeBatch(texts, options) {
    return this.batch(
      Array.from(texts, (text) => this.encode(text)),
      options,
    );
  }

  /**
   * @param {Encoding[]} rows
   * @param {{ minLength?: number }} [options]
   * @returns {EncodedBatch}
   */
  batch(rows, { minLength = 0 } = {}) {
    const T = this.length ?? rows.reduce((most, row) => Math.max(most, row.ids.length), minLength);
    const ids = new Int32Array(checkFits(rows.length * T)).fill(this.pad);
    const mask = new Uint8Array(rows.length * T);
    rows.forEach((row, b) => {
      const start = b * T + (this.padding === 'pre' ? T - row.ids.length : 0);
      ids.set(row.ids, start);
      mask.fill(1, start, start + row.ids.length);
    });
    return { ids, mask, lengths: Int32Array.from(rows, (row) => row.ids.length), shape: [rows.length, T], rows };
  }

  /**
   * The vocabulary's entries for ids; padding is left out, the unknown token is U+FFFD.
   * @param {ArrayLike<number>} ids
   * @returns {string[]}
   */
  decode(ids) {
    const { vocabulary } = this.settings;
    const tokens = [];
    for (const id of Array.from(ids)) {
      if (id === this.pad) continue;
      if (id !== this.unknown && !(id in vocabulary))
        throw new IdError(`decode: id ${id}, the vocabulary has ${vocabulary.length} entries`);
      tokens.push(id === this.unknown ? '\ufffd' : vocabulary[id]);
    }
    return tokens;
  }
}
