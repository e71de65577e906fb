/**
 * Converts texts to tokens, ids, and a padded batch with its mask, and ids back to tokens. Every string is a valid text, even with lone surrogates.
 * @module
 */
import { ArgumentError, checkFits, EngineError, IdError, ModelFileError, show, typeName, UnsupportedError } from '../errors.js';
import { importLate } from '../runtime/import-late.js';
import { isList } from '../runtime/lists.js';
import { borderBefore, borderFrom, chunksOf } from './boundaries.js';
import { isMarker, readSettings } from './settings.js';

/** @typedef {import('./settings.js').TextSettings} TextSettings */

/**
 * The tokens of one text.
 * @typedef {object} Encoding
 * @property {Int32Array} ids  with setting `parts`, `width` ids for each token
 * @property {Int32Array} offsets  token i is [offsets[2i], offsets[2i+1]) of the text, in UTF-16 units
 * @property {boolean} truncated  whether the text has more than maxlen tokens
 * @property {boolean} [whole]  whether an edit may change tokens anywhere in the text
 * @property {number[]} [masked]  indices of tokens that are masked, because they have the id that the model masks
 */

/**
 * Texts padded to one length.
 * @typedef {object} EncodedBatch
 * @property {Int32Array} ids  [B, T]; with setting `parts` [B, T, width]. For one text without padding it is the array `rows[0].ids` itself, not a copy
 * @property {Uint8Array} mask  [B, T], 0 is padding
 * @property {Int32Array} lengths  [B]
 * @property {Int32Array} starts  [B] step at which a row's tokens begin, after padding and `start`
 * @property {[number, number]} shape  [B, T]
 * @property {number} width  ids of a token
 * @property {Encoding[]} rows
 */

/** The module ./rare.js; undefined until it is fetched or provided. @type {typeof import('./rare.js') | undefined} */
let rare;

/** Saves the import() of ./rare.js, as provideRareLayers() of ../model/graph.js does. @param {typeof import('./rare.js')} module */
export const provideRareText = (module) => void (rare = module);

/** Whether settings need ./rare.js. @param {TextSettings} settings */
const isRare = ({ unit = 'word', parts }) => parts || ['ngrams', 'split', 'text'].includes(unit);

/**
 * Fetches the code of rare settings. Await it before `new TextVectorizer` with unit ngrams, split or text, or with `parts`; `padless/text` contains
 * this code already.
 * @param {TextSettings | null | undefined} settings
 */
export async function prepareText(settings) {
  if (settings && isRare(settings)) rare ??= await importLate(() => import('./rare.js'));
}

const boundaries = { chunksOf, borderFrom };

/** Number of UTF-16 units that are segmented at once, so that a long text is not read much further than maxlen tokens. */
const PIECE = 4096;

/** Lower case, each code point by itself. @param {string} text */
const lower = (text) => {
  let result = '';
  for (const char of text) result += char.toLowerCase();
  return result;
};

export class TextVectorizer {
  /** Token to id. @type {Map<string, number>} */
  #index = new Map();
  /** The settings with their defaults. */
  #read;

  /**
   * @param {TextSettings} settings
   * @throws {ModelFileError} for invalid settings
   * @throws {EngineError} for unit word or grapheme where the engine has no Intl.Segmenter
   */
  constructor(settings) {
    const read = readSettings(settings);
    this.settings = settings;
    this.unit = read.unit;
    this.normalization = read.normalization;
    this.case = read.case;
    this.padding = read.padding;
    this.truncation = read.truncation;
    this.pad = read.pad;
    this.unknown = read.unknown;
    this.length = read.length;
    /** Maximum number of tokens, without start and end. */
    this.maxlen = read.maxlen;
    this.start = read.start;
    this.end = read.end;
    this.mask = read.mask;
    /** Whether padding is data: the settings have a fixed length and no mask. */
    this.paddingIsData = read.paddingIsData;
    this.#read = read;
    if (this.unit === 'word' || this.unit === 'grapheme') {
      if (typeof Intl.Segmenter !== 'function')
        throw new EngineError(`unit ${this.unit} needs Intl.Segmenter, which this engine lacks`);
      try {
        this.segmenter = new Intl.Segmenter(settings.locale, { granularity: /** @type {'grapheme' | 'word'} */ (this.unit) });
      } catch (cause) {
        throw new ModelFileError(`text: locale is ${show(settings.locale)}, expected a language tag`, { cause });
      }
    }
    this.vocabulary = read.vocabulary;
    if (isRare(settings) && !rare) throw new UnsupportedError('text: await prepareText(settings) before');
    if (this.unit === 'ngrams') this.ngrams = this.#made(rare?.makeNGrams(settings.ngrams, this), 'ngrams');
    else this.#indexVocabulary();
    if (settings.parts) this.parts = this.#made(rare && new rare.WordParts(this, (part) => this.#index.get(part)), 'parts');
    const { scheme, masked, first } = /** @type {any} */ (settings.ngrams ?? {});
    /** Whether id 0 is a token, although an embedding masks it: a batch has no id for padding then. */
    this.padIsToken = this.length === null && scheme === 'keras' && !masked && first === 0;
    /** Ids of a token. */
    this.width = this.parts?.width ?? 1;
    /** Ids are below it. */
    this.size = this.ngrams ? this.ngrams.rows : read.vocabulary.length;
  }

  /**
   * Returns an object made from a setting, or throws if the setting is wrong.
   * @template {{ problem: string } | undefined} T
   * @param {T} made
   * @param {string} name  of the setting
   */
  #made(made, name) {
    if (made?.problem) throw new ModelFileError(`text: ${name}: ${made.problem}`);
    return made;
  }

  #indexVocabulary() {
    const { pad, unknown, paddingIsData } = this;
    this.vocabulary.forEach((token, id) => {
      // If padding is data, the entry at pad may also be a token.
      if (id === unknown || (id === pad && (!paddingIsData || isMarker(token)))) return;
      const before = this.#index.get(token);
      if (before !== undefined) throw new ModelFileError(`text: vocabulary has ${show(token)} twice, as ${before} and ${id}`);
      this.#index.set(token, id);
    });
    // If the caller chose `unknown`, it may be a real token, whose id unknown tokens then share.
    if (!paddingIsData && pad !== null) this.#checkHidden(pad, 'pad', 'for padding', 'pad: null if no id is for padding');
    if (this.settings.unknown === undefined && unknown !== null)
      this.#checkHidden(
        unknown,
        'unknown',
        'for unknown tokens',
        'unknown: null if they are dropped, or unknown: the id that is for them',
      );
  }

  /** Throws if the entry for padding or unknown tokens is a token that a text can contain. @param {number} id @param {'pad' | 'unknown'} name @param {string} purpose @param {string} advice */
  #checkHidden(id, name, purpose, advice) {
    const entry = this.vocabulary[id];
    if (isMarker(entry) || !this.#isToken(entry)) return;
    const how = this.settings[name] === undefined ? ' by default' : '';
    throw new ModelFileError(
      `text: vocabulary[${id}] is ${show(entry)}, which a text can have, and id ${id} is ${purpose}${how}; say ${advice}`,
    );
  }

  /** Whether a text can contain an entry of the vocabulary as a token. @param {string} entry */
  #isToken(entry) {
    let count = 0;
    let same = false;
    this.#tokens(entry, (token) => {
      count++;
      same = token === entry;
      return count < 2;
    });
    return count === 1 && same;
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
    const pieces = normalization ? chunksOf(text, normalization) : text;
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
   * Like #codePoints(), after the setting `map`.
   * @param {string} text
   * @param {(char: string, start: number, end: number) => boolean} emit
   */
  #mapped(text, emit) {
    this.#codePoints(text, this.#mapping(emit));
  }

  /** @param {(char: string, start: number, end: number) => boolean} emit */
  #mapping(emit) {
    const { map } = this.#read;
    if (!map) return emit;
    return (/** @type {string} */ char, /** @type {number} */ start, /** @type {number} */ end) => {
      const becomes = map.get(char);
      if (becomes === undefined) return emit(char, start, end);
      for (const each of becomes) if (!emit(each, start, end)) return false;
      return true;
    };
  }

  /**
   * Calls `emit(token, start, end)` for each token until it returns false.
   * @param {string} text
   * @param {(token: string, start: number, end: number) => boolean} emit
   */
  #tokens(text, emit) {
    const { segmenter } = this;
    if (this.unit === 'split' || this.unit === 'text') {
      /** @type {NonNullable<typeof rare>} */ (rare).splitTokens(this.#read, text, emit, {
        mapping: (put) => this.#mapping(put),
        codePoints: (put) => this.#codePoints(text, put),
      });
      return;
    }
    if (!segmenter) {
      this.#mapped(text, emit);
      return;
    }
    for (let from = 0; from < text.length;) {
      const to = this.borderFrom(text, from + PIECE);
      if (!this.#segments(segmenter, text.slice(from, to), from, emit)) return;
      from = to;
    }
  }

  /** Whether tokens may contain white space or extend across it, so that the text cannot be cut at borders. */
  get #uncuttable() {
    const { split, unit, map, removed } = this.#read;
    return Boolean(split) || unit === 'text' || map !== null || removed.has(' ') || removed.has('\n');
  }

  /** The first position at or after `from` where the text can be cut; its length if there is none. @param {string} text @param {number} from */
  borderFrom(text, from) {
    return this.#uncuttable ? text.length : borderFrom(text, from);
  }

  /** The last position at or before `to` where the text can be cut; 0 if there is none. @param {string} text @param {number} to */
  borderBefore(text, to) {
    return this.#uncuttable ? 0 : borderBefore(text, to);
  }

  /**
   * @param {Intl.Segmenter} segmenter @param {string} text @param {number} begin  its offset in the whole text
   * @param {(token: string, start: number, end: number) => boolean} emit
   * @returns {boolean} false: emit returned false
   */
  #segments(segmenter, text, begin, emit) {
    // The normalised, lower-cased text is segmented; starts and ends map its UTF-16 units to offsets in the text.
    let prepared = '';
    /** @type {number[]} */
    const starts = [];
    /** @type {number[]} */
    const ends = [];
    this.#mapped(text, (char, start, end) => {
      prepared += char;
      for (let i = 0; i < char.length; i++) {
        starts.push(begin + start);
        ends.push(begin + end);
      }
      return true;
    });
    for (const { segment, index, isWordLike } of segmenter.segment(prepared)) {
      // White space separates words and is not a token; punctuation is one.
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
    // With truncation at the front, read the end of the text first, then four times as much, until it has more than maxlen tokens.
    if (maxlen !== null && truncation === 'pre')
      for (let length = Math.max(PIECE, 8 * maxlen); length < text.length; length *= 4) {
        const from = this.borderFrom(text, text.length - length);
        const { ids, offsets, truncated } = this.#encode(text.slice(from));
        if (truncated) return { ids, offsets: offsets.map((at) => from + at), truncated };
      }
    return this.#encode(text);
  }

  /**
   * encodeBatch() of one text in half the time, for a model whose answer is about the text as a whole.
   * @param {string[]} texts
   * @param {{ padded: boolean, needsLength: boolean, specs: { sequence: boolean }[] }} model
   * @returns {EncodedBatch | null | undefined} without offsets; ids and mask are views that are valid until the next text is encoded. null, undefined:
   *   these texts, this model, or this unit needs encodeBatch()
   */
  batchView(texts, model) {
    return this.ngrams?.batchView?.(texts, model, this, boundaries);
  }

  /** @param {string} text @returns {Encoding} */
  #encode(text) {
    const { unknown, maxlen, truncation, parts, width } = this;
    if (this.ngrams) return this.ngrams.encode(text, maxlen, boundaries);
    /** @type {number[]} */
    const ids = [];
    /** @type {number[]} */
    const offsets = [];
    /** Number of ids of maxlen tokens. */
    const most = (maxlen ?? Infinity) * width;
    let truncated = false;
    this.#tokens(text, (token, start, end) => {
      const id = parts ? 0 : (this.#index.get(token) ?? unknown);
      if (id === null) return true;
      if (truncation === 'post' && ids.length === most) {
        truncated = true;
        return false;
      }
      // With truncation at the front, keep at most 2 * maxlen tokens in memory.
      if (ids.length === 2 * most) {
        truncated = true;
        ids.splice(0, most);
        offsets.splice(0, (2 * most) / width);
      }
      if (parts) ids.push(...parts.idsOf(token));
      else ids.push(id);
      offsets.push(start, end);
      return true;
    });
    const cut = Math.max(0, ids.length - most);
    return {
      ids: Int32Array.from(ids.slice(cut)),
      offsets: Int32Array.from(offsets.slice((2 * cut) / width)),
      truncated: truncated || cut > 0,
    };
  }

  /**
   * The id of a single token, which is normalised and lower-cased like a text.
   * @param {string} token
   * @returns {number} `unknown` if the vocabulary lacks it; `pad` if `unknown` is null; 0 if both are
   * @throws {UnsupportedError} for unit ngrams and setting parts, where a token has several ids
   */
  idOf(token) {
    if (typeof token !== 'string') throw new ArgumentError(`token is ${typeName(token)}, expected a string`);
    this.#needOneId('idOf');
    let prepared = '';
    this.#mapped(token, (char) => {
      prepared += char;
      return true;
    });
    return this.#index.get(prepared) ?? this.unknown ?? this.pad ?? 0;
  }

  /** @param {string} what  the method that was called */
  #needOneId(what) {
    if (this.ngrams || this.parts)
      throw new UnsupportedError(`${what}: with ngrams or parts, a token has several ids; use encode()`);
  }

  /**
   * Converts texts to one batch, padded to the longest of them, or to the setting `length`.
   * @param {string[]} texts
   * @param {{ minLength?: number }} [options]  minLength: minimum padded length
   * @returns {EncodedBatch}
   */
  encodeBatch(texts, options) {
    if (!isList(texts)) throw new ArgumentError(`texts is ${typeName(texts)}, expected a list of strings`);
    return this.batch(
      Array.from(texts, (text) => this.encode(text)),
      options,
    );
  }

  /**
   * Converts encoded texts to one batch. See encodeBatch().
   * @param {Encoding[]} rows
   * @param {{ minLength?: number }} [options]
   * @returns {EncodedBatch}
   */
  batch(rows, { minLength = 0 } = {}) {
    const { start, end, pad, width } = this;
    const before = Number(start !== null);
    const marks = before + Number(end !== null);
    const lengths = Int32Array.from(rows, (row) => row.ids.length / width + marks);
    const T = this.length ?? lengths.reduce((most, length) => Math.max(most, length), minLength);
    // Use the ids of a single text without padding as they are.
    const isWhole = rows.length === 1 && !marks && rows[0].ids.length === T * width;
    const ids = isWhole ? rows[0].ids : new Int32Array(checkFits(rows.length * T * width)).fill(pad ?? 0);
    const mask = new Uint8Array(rows.length * T);
    const starts = new Int32Array(rows.length);
    rows.forEach((row, b) => {
      const count = lengths[b];
      const first = this.padding === 'pre' ? T - count : 0;
      starts[b] = first + before;
      const at = b * T + first;
      if (start !== null) ids[at] = start;
      if (!isWhole) ids.set(row.ids, (at + before) * width);
      if (end !== null) ids[at + count - 1] = end;
      mask.fill(1, at, at + count);
      for (const i of row.masked ?? []) mask[at + i] = 0;
    });
    return { ids, mask, lengths, starts, shape: [rows.length, T], width, rows };
  }

  /**
   * The tokens of ids, without padding. The unknown token is U+FFFD.
   * @param {ArrayLike<number>} ids
   * @returns {string[]}
   * @throws {IdError} for an id outside the vocabulary
   * @throws {UnsupportedError} for unit ngrams, whose ids are hashes, and with setting parts
   */
  decode(ids) {
    const { vocabulary } = this;
    this.#needOneId('decode');
    if (!isList(ids)) throw new ArgumentError(`ids is ${typeName(ids)}, expected a list of ids`);
    const tokens = [];
    for (const id of Array.from(ids)) {
      if (id === this.pad) continue;
      const token = id === this.unknown ? '\ufffd' : vocabulary[id];
      if (typeof token !== 'string') throw new IdError(`decode: id ${id}, the vocabulary has ${vocabulary.length} entries`);
      tokens.push(token);
    }
    return tokens;
  }
}
