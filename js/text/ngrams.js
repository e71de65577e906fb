/**
 * Unit `ngrams`: a text as the n-grams of its words, each hashed to rows of a table, as in fastText (Bojanowski et al. 2017). Fetched only for
 * models that use it. fastText's own n-grams are in ./fasttext.js, Keras's in ./keras-tokens.js.
 *
 * A piece of text is
 *   a word      letters and marks (\p{L}, \p{M}); its n-grams are those of `_word_` except `_`, then the whole `_word_` if it is longer than these
 *   a run       letters and marks of scripts without spaces (`unspaced.ranges`), without borders and with n-grams up to `unspaced.max`
 *   a number    consecutive digits (\p{N}), which become one character, '0'
 *   a sign      anything else except white space; a repeated sign counts once. Signs other than ASCII, punctuation (\p{P}) and the joiners
 *               U+200C and U+200D become one character, U+FFFC
 * A gram c1 ... cn has the hash h = extend(... extend(extend(0, c1), c2) ..., cn), all in 32 bits:
 *   extend(h, c) = g ^ g >>> 15 where g = (h ^ c) * 0x9e3779b1
 * and the row finalise(h + k * 0x9e3779b1) mod rows for each k from 0 to hashes - 1, where finalise is that of MurmurHash3.
 * @module
 */
import { FastTextNGrams } from './fasttext.js';
import { KerasTokenizer } from './keras-tokens.js';
import { isWhole } from './whole.js';

/**
 * @typedef {object} NGramSettings
 * @property {number} rows  number of rows of the table; ids are below it
 * @property {number} [hashes]  number of rows of an n-gram. Default 1
 * @property {number} [min]  code points of the shortest n-gram. Default 1
 * @property {number} [max]  code points of the longest one, borders included. Default 5
 * @property {string} [border]  the character before and after a word. Default '_'
 * @property {boolean} [word]  whether to add the whole word. Default true
 * @property {{ max: number, ranges: [number, number][] }} [unspaced]  scripts without spaces: the longest n-gram, first and last code points
 */

const [SPACE, WORD, RUN, NUMBER, SIGN] = [1, 2, 3, 4, 5];
const DIGIT = 0x30;
const SYMBOL = 0xfffc;
const GOLDEN = 0x9e3779b1;
/** Marks a code point whose lower case has several code points. */
const SEVERAL = -1;
/** Maximum number of UTF-16 units that are normalised at once, because a long run of marks takes quadratic time. */
const NORMAL_MOST = 8192;

/**
 * Marks that decorate letters ("Zalgo"): no orthography has four of them in a row, even decomposed. They are left out, because training never sees
 * their n-grams: these hit arbitrary rows, and many such rows add up to a wrong answer with a high score.
 */
const decoration = /[\u0300-\u036f]{4,}/g;

/** @param {number} h @param {number} c */
const extend = (h, c) => {
  const g = Math.imul(h ^ c, GOLDEN);
  return g ^ (g >>> 15);
};

/** @param {number} h */
const finalise = (h) => {
  let x = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
};

/** A list of numbers that grows by doubling. */
class Numbers {
  length = 0;
  data = new Int32Array(256);

  /** @param {number} more */
  reserve(more) {
    if (this.length + more <= this.data.length) return;
    const old = this.data;
    this.data = new Int32Array(2 * (this.length + more));
    this.data.set(old);
  }

  free() {
    this.length = 0;
    this.data = new Int32Array(256);
  }
}

/** @typedef {(text: string, form: 'NFC' | 'NFKC' | 'NFD' | 'NFKD') => Iterable<{ 0: string, index: number }>} Chunks */
/** @typedef {{ chunksOf: Chunks, borderFrom: (text: string, from: number) => number }} Boundaries */

const NONE = new Int32Array();

/** All code points below MARKS are in NFC as they are, in any order; those below ASCII in every normal form. */
const MARKS = 0x300;
const ASCII = 0x80;

/** Whether all UTF-16 units are below a limit. @param {string} text @param {number} limit */
function isBelow(text, limit) {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= limit) return false;
  return true;
}

/**
 * Describes the first error in settings; '' if there is none.
 * @param {any} settings
 */
function problemWith(settings) {
  const { scheme, rows, hashes = 1, min = 1, max = 5, border = '_', word = true, unspaced } = settings ?? {};
  if (scheme !== undefined) return "scheme is neither 'fasttext' nor 'keras' nor missing";
  if (!isWhole(rows, 1, 2 ** 31 - 1)) return 'rows is not an integer from 1 on';
  if (!isWhole(hashes, 1, 16)) return 'hashes is not an integer from 1 to 16';
  if (!isWhole(min, 1, 64) || !isWhole(max, min, 64)) return 'min and max are not integers from 1 to 64 with min <= max';
  if (typeof border !== 'string' || [...border].length !== 1) return 'border is not one character';
  if (typeof word !== 'boolean') return 'word is not true or false';
  if (unspaced === undefined) return '';
  const ranges = unspaced?.ranges;
  /** @param {any} range */
  const isRange = (range) => Array.isArray(range) && range.length === 2 && range.every((code) => isWhole(code, 0, 0x10ffff));
  if (!isWhole(unspaced?.max, min, 64) || !Array.isArray(ranges) || !ranges.every(isRange))
    return 'unspaced is not { max, ranges: [[first, last], ...] } with max from min to 64';
  return '';
}

export class NGrams {
  /** Kinds of code points below 65536; 0 if not looked up yet. */
  #kinds = new Uint8Array(65536);
  /** Lower case of code points below 65536; 0 if not looked up yet. */
  #lower = new Int32Array(65536);
  #codes = new Numbers();
  #starts = new Numbers();
  #ids = new Numbers();
  #offsets = new Numbers();
  #truncated = false;
  #hasOffsets = true;

  /**
   * @param {NGramSettings | undefined} settings
   * @param {{ normalization: 'NFC' | 'NFKC' | 'NFD' | 'NFKD' | null, case: 'lower' | 'lower-ascii' | null }} text
   */
  constructor(settings, text) {
    /** The first error in the settings; '' if there is none. */
    this.problem = problemWith(settings);
    this.normalization = text.normalization;
    this.case = text.case;
    const { rows, hashes = 1, min = 1, max = 5, border = '_', word = true, unspaced } = settings ?? { rows: 0 };
    this.rows = rows;
    this.hashes = hashes;
    this.min = min;
    this.max = max;
    this.border = this.problem ? 0 : (border.codePointAt(0) ?? 0);
    this.word = word;
    this.unspaced = unspaced ?? { max: 1, ranges: [] };
  }

  /** @param {number} code */
  #kindOf(code) {
    if (code < 65536 && this.#kinds[code]) return this.#kinds[code];
    const char = String.fromCodePoint(code);
    let kind = SIGN;
    if (/[\p{L}\p{M}]/u.test(char)) kind = this.unspaced.ranges.some(([a, b]) => code >= a && code <= b) ? RUN : WORD;
    else if (/\p{N}/u.test(char)) kind = NUMBER;
    else if (/\s/.test(char)) kind = SPACE;
    if (code < 65536) this.#kinds[code] = kind;
    return kind;
  }

  /** The character as which a sign is hashed. @param {number} code */
  #signOf(code) {
    if (code < 128 || code === 0x200c || code === 0x200d) return code;
    return /\p{P}/u.test(String.fromCodePoint(code)) ? code : SYMBOL;
  }

  /** One code point of the normalised text, in lower case. @param {number} code @param {number} start */
  #push(code, start) {
    let low = code < 65536 ? this.#lower[code] : 0;
    if (low === 0) {
      const lower = this.#lowerOf(code);
      low = lower.length === 1 ? lower[0] : SEVERAL;
      if (code < 65536) this.#lower[code] = low;
    }
    if (low !== SEVERAL) this.#put(low, start);
    else for (const each of this.#lowerOf(code)) this.#put(each, start);
  }

  /** @param {number} code @param {number} start */
  #put(code, start) {
    const codes = this.#codes;
    const starts = this.#starts;
    codes.data[codes.length++] = code;
    starts.data[starts.length++] = start;
  }

  /** @param {number} code @returns {number[]} */
  #lowerOf(code) {
    const isFolded = this.case === 'lower' || (this.case === 'lower-ascii' && code < 128);
    if (!isFolded) return [code];
    return Array.from(String.fromCodePoint(code).toLowerCase(), (char) => char.codePointAt(0) ?? 0);
  }

  /**
   * Reads the code points of a piece of the text, without decoration.
   * @param {string} piece @param {number} from  its offset in the text @param {Chunks} chunksOf
   */
  #read(piece, from, chunksOf) {
    this.#codes.length = this.#starts.length = 0;
    let at = 0;
    for (const { 0: marks, index } of piece.matchAll(decoration)) {
      this.#append(piece.slice(at, index), from + at, chunksOf);
      at = index + marks.length;
    }
    this.#append(at ? piece.slice(at) : piece, from + at, chunksOf);
    this.#starts.data[this.#starts.length] = from + piece.length;
  }

  /**
   * Normalises a piece of the text and appends its code points.
   * @param {string} piece @param {number} from  its offset in the text @param {Chunks} chunksOf
   */
  #append(piece, from, chunksOf) {
    const { normalization } = this;
    // A code point of the text becomes at most 18 in a normal form, but most texts are in normal form already.
    const isNormal =
      !normalization ||
      isBelow(piece, normalization === 'NFC' ? MARKS : ASCII) ||
      (piece.length <= NORMAL_MOST && piece.normalize(normalization) === piece);
    this.#reserve(piece.length);
    if (isNormal) this.#readNormal(piece, from);
    else
      for (const { 0: chunk, index } of chunksOf(piece, normalization)) {
        const normal = chunk.normalize(normalization);
        this.#reserve(normal.length + piece.length - index);
        // If normalisation changes a chunk, all its code points get the offset of its beginning.
        if (normal === chunk) this.#readNormal(chunk, from + index);
        else for (const char of normal) this.#push(char.codePointAt(0) ?? 0, from + index);
      }
  }

  /** @param {number} units  of normalised text: each has at most 3 code points in lower case */
  #reserve(units) {
    this.#codes.reserve(3 * units + 1);
    this.#starts.reserve(3 * units + 1);
  }

  /** @param {string} piece @param {number} from */
  #readNormal(piece, from) {
    for (let i = 0; i < piece.length; i++) {
      const code = /** @type {number} */ (piece.codePointAt(i));
      this.#push(code, from + i);
      if (code > 65535) i++;
    }
  }

  /**
   * @param {string} text
   * @param {number | null} maxlen  maximum number of ids
   * @param {Boundaries} boundaries
   * @returns {import('./vectorizer.js').Encoding}
   */
  encode(text, maxlen, boundaries) {
    this.#hasOffsets = true;
    this.#encode(text, maxlen, boundaries);
    const { length } = this.#ids;
    const encoding = {
      ids: this.#ids.data.slice(0, length),
      offsets: this.#offsets.data.slice(0, 2 * length),
      truncated: this.#truncated,
    };
    // Release the memory for a long text.
    if (text.length > NORMAL_MOST) for (const numbers of [this.#codes, this.#starts, this.#ids, this.#offsets]) numbers.free();
    return encoding;
  }

  /**
   * batchView() of the vectorizer.
   * @param {string[]} texts
   * @param {{ padded: boolean, needsLength: boolean, specs: { sequence: boolean }[] }} model
   * @param {{ maxlen: number | null, length: number | null }} settings
   * @param {Boundaries} boundaries
   * @returns {import('./vectorizer.js').EncodedBatch | null}
   */
  batchView(texts, { padded, needsLength, specs }, { maxlen, length }, boundaries) {
    const [text] = texts;
    if (texts.length !== 1 || length !== null || typeof text !== 'string' || text.length > NORMAL_MOST) return null;
    // Padding is never stored, and no output has a value for each step.
    if (padded || needsLength || specs.some(({ sequence }) => sequence)) return null;
    this.#hasOffsets = false;
    this.#encode(text, maxlen, boundaries);
    const T = this.#ids.length;
    const ids = this.#ids.data.subarray(0, T);
    return {
      ids,
      mask: new Uint8Array(T).fill(1),
      lengths: Int32Array.of(T),
      starts: Int32Array.of(0),
      shape: [1, T],
      width: 1,
      rows: [{ ids, offsets: NONE, truncated: this.#truncated }],
    };
  }

  /** @param {string} text @param {number | null} maxlen @param {Boundaries} boundaries */
  #encode(text, maxlen, { chunksOf, borderFrom }) {
    this.#ids.length = this.#offsets.length = 0;
    this.#truncated = false;
    for (let from = 0; from < text.length && !this.#truncated;) {
      const to = text.length - from <= NORMAL_MOST ? text.length : borderFrom(text, from + NORMAL_MOST / 2);
      // For a long word, the beginning mostly contains all n-grams that are needed.
      if (maxlen === null || !this.#cutBeginning(text, from, to, maxlen, chunksOf)) {
        this.#read(text.slice(from, to), from, chunksOf);
        this.#cut(maxlen ?? Infinity);
      }
      from = to;
    }
  }

  /**
   * Reads the n-grams of the beginning of a piece, if the text is truncated well before the beginning ends. Then the rest of the piece has no effect.
   * @param {string} text @param {number} from @param {number} to @param {number} maxlen @param {Chunks} chunksOf
   * @returns {boolean} false: they are not taken
   */
  #cutBeginning(text, from, to, maxlen, chunksOf) {
    const end = from + 2 * maxlen + NORMAL_MOST;
    if (end >= to) return false;
    const { length } = this.#ids;
    this.#read(text.slice(from, end), from, chunksOf);
    this.#cut(maxlen);
    if (this.#truncated && this.#offsets.data[this.#offsets.length - 1] < end - NORMAL_MOST / 2) return true;
    this.#ids.length = length;
    this.#offsets.length = 2 * length;
    this.#truncated = false;
    return false;
  }

  /** Offset in the text of the next code point with another offset: normalisation may make several code points from one. @param {number} i */
  #endOf(i) {
    const starts = this.#starts.data;
    let next = i + 1;
    while (next < this.#starts.length && starts[next] === starts[i]) next++;
    return starts[next];
  }

  /** Splits the code points into words, runs, numbers and signs, and appends their n-grams. @param {number} most  maximum number of ids */
  #cut(most) {
    const { data, length } = this.#codes;
    for (let at = 0; at < length && !this.#truncated;) {
      const kind = this.#kindOf(data[at]);
      let end = at + 1;
      if (kind === SIGN) {
        const sign = this.#signOf(data[at]);
        while (end < length && this.#kindOf(data[end]) === SIGN && this.#signOf(data[end]) === sign) end++;
        this.#addSign(sign, at, end - 1, most);
      } else {
        while (end < length && this.#kindOf(data[end]) === kind) end++;
        if (kind === NUMBER) this.#addSign(DIGIT, at, end - 1, most);
        else if (kind === RUN) this.#grams(at, end - 1, at, end - 1, this.unspaced.max, most);
        else if (kind === WORD) this.#grams(at, end - 1, at - 1, end, this.max, most);
      }
      at = end;
    }
  }

  /**
   * The n-grams of one piece.
   * @param {number} first  its first and last code points @param {number} last
   * @param {number} from  the same with borders @param {number} to
   * @param {number} max @param {number} most
   */
  #grams(first, last, from, to, max, most) {
    const { data } = this.#codes;
    const { min, border } = this;
    this.#reserveGrams((to - from + 1) * (max - min + 1) + 1, most);
    for (let i = from; i <= to; i++) {
      let h = i < first ? extend(0, border) : 0;
      const start = Math.max(i, first);
      // Index of the last code point of the shortest and the longest n-gram that begins at i. A border alone is not an n-gram.
      const shortest = i + min - 1;
      const end = i + max - 1;
      for (let k = start; k <= end && k <= last; k++) {
        h = extend(h, data[k]);
        if (k >= shortest && !this.#add(h, start, k, most)) return;
      }
      if (to > last && i <= last && to >= shortest && to <= end) this.#add(extend(h, border), start, last, most);
    }
    if (!this.word || from === first || to - from < max) return;
    let h = extend(0, border);
    for (let k = first; k <= last; k++) h = extend(h, data[k]);
    this.#add(extend(h, border), first, last, most);
  }

  /** Appends a sign or a number as one n-gram. @param {number} code @param {number} first  code points @param {number} last @param {number} most  ids */
  #addSign(code, first, last, most) {
    this.#reserveGrams(1, most);
    this.#add(extend(0, code), first, last, most);
  }

  /** Reserves memory for n-grams. @param {number} count @param {number} most  maximum number of ids */
  #reserveGrams(count, most) {
    const more = Math.min(count * this.hashes, most - this.#ids.length);
    this.#ids.reserve(more);
    this.#offsets.reserve(2 * more);
  }

  /**
   * Appends one n-gram, for which memory is reserved.
   * @param {number} h @param {number} first  code points @param {number} last @param {number} most  ids
   * @returns {boolean} false: there would be more ids than `most`
   */
  #add(h, first, last, most) {
    const { data, length } = this.#ids;
    const { hashes } = this;
    // With unsigned operands of %, V8 divides integers instead of floats.
    const rows = this.rows >>> 0;
    const after = length + hashes;
    if (after > most) {
      this.#truncated = true;
      return false;
    }
    for (let n = length, hash = h; n < after; n++, hash = (hash + GOLDEN) | 0) data[n] = finalise(hash) % rows;
    this.#ids.length = after;
    if (this.#hasOffsets) this.#addOffsets(length, after, this.#starts.data[first], this.#endOf(last));
    return true;
  }

  /** The offsets of the ids from index `n` to `after` - 1. @param {number} n @param {number} after @param {number} start @param {number} end */
  #addOffsets(n, after, start, end) {
    const { data } = this.#offsets;
    for (let i = n; i < after; i++) {
      data[2 * i] = start;
      data[2 * i + 1] = end;
    }
    this.#offsets.length = 2 * after;
  }
}

/**
 * @param {any} settings
 * @param {import('./vectorizer.js').TextVectorizer} text
 * @returns {NGrams | FastTextNGrams | KerasTokenizer}
 */
export function makeNGrams(settings, text) {
  if (settings?.scheme === 'keras') return new KerasTokenizer(settings, text);
  const ngrams = settings?.scheme === 'fasttext' ? new FastTextNGrams(settings, text) : new NGrams(settings, text);
  if (!text.mask) ngrams.problem ||= 'mask is false; only scheme keras has an id for padding';
  if (text.pad !== null) ngrams.problem ||= 'pad is not null; only scheme keras has an id for padding';
  return ngrams;
}
