/**
 * Text settings from a word index, as web projects store it: { word: id }, { id: word }, a list of words, or an object with one of these. It does not
 * state how a text is split, so that is derived from the words.
 * @module
 */
import { ModelFileError, show } from '../errors.js';
/** @typedef {import('../text/vectorizer.js').TextSettings} TextSettings */

/** The default `filters` of a Keras Tokenizer: characters that separate words. */
const FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n';

/** Keys under which such files may store the words. */
const KEYS = ['word_index', 'wordIndex', 'index_word', 'word2idx', 'word_to_id', 'vocabulary', 'vocab', 'char_index', 'char2idx'];

/** @param {any} json @returns {[string, number][] | null} words and their ids */
function entriesOf(json) {
  if (json === null || typeof json !== 'object') return null;
  const entries = Object.entries(json);
  if (entries.length === 0) return null;
  const isText = (/** @type {unknown} */ value) => typeof value === 'string';
  if (entries.every(([, value]) => Number.isInteger(value)) && !Array.isArray(json)) return entries;
  // { "1": "the" }, or a list.
  if (entries.every(([key, value]) => isText(value) && /^\d+$/.test(key))) return entries.map(([key, word]) => [word, Number(key)]);
  return null;
}

/**
 * @param {any} json
 * @returns {{ entries: [string, number][], shift: number, length: number | null } | null} shift: a number to add to the ids, like index_from of Keras's
 *   imdb dataset; null if it is not a word index
 */
function readIndex(json) {
  const entries = entriesOf(json);
  if (entries) return { entries, shift: 0, length: null };
  const key = KEYS.find((name) => json && entriesOf(json[name]));
  if (!key) return null;
  const count = (/** @type {string[]} */ ...names) =>
    names.map((name) => json[name]).find((value) => Number.isSafeInteger(value) && value > 0);
  return {
    entries: /** @type {[string, number][]} */ (entriesOf(json[key])),
    shift: count('index_from', 'indexFrom') ?? 0,
    length: count('max_len', 'maxLen', 'maxlen', 'max_length', 'maxLength') ?? null,
  };
}

/** @param {any} json  parsed */
export const isWordIndex = (json) => readIndex(json) !== null;

/**
 * Whether a word is a special token called `name`: in brackets or underscores, or in capitals.
 * @param {string} word @param {RegExp} name
 */
const marks = (word, name) => /^(<.*>|\[.*\]|\{.*\}|\(.*\)|_.*_|[A-Z]+)$/s.test(word) && name.test(word);
/** Names of special tokens. */
const SPECIAL = /^[\W_]*(pad|padding|oov|unk|unknown|bos|sos|start|go|eos|end|stop|mask|cls|sep|num|number|digit|url|user)[\W_]*$/i;
const PAD = /^[\W_]*pad(ding)?[\W_]*$/i;
const UNKNOWN = /^[\W_]*(oov|unk|unknown)[\W_]*$/i;

/**
 * Derives from the words how texts are split: into characters or words, in lower case or not.
 * @param {string[]} words
 * @returns {Partial<TextSettings>}
 */
function splittingOf(words) {
  const real = words.filter((word) => word !== '' && !marks(word, SPECIAL));
  const case_ = real.some((word) => word !== word.toLowerCase()) ? null : 'lower';
  if (real.every((word) => [...word].length === 1)) return { unit: 'split', split: '', case: case_ };
  const separates = real.some((word) => [...word].some((char) => FILTERS.includes(char)));
  return { unit: 'split', split: ' ', filters: separates ? '\t\n' : FILTERS, case: case_ };
}

/** Settings that a word index does not contain: they are derived from the words, or are Keras's defaults. */
export const assumedOfWords = /** @type {const} */ (['split', 'filters', 'case', 'padding', 'truncation']);

/**
 * @param {[string, number][]} entries
 * @param {number} most  ids are below it
 * @returns {string[]} the word of each id; for an id without a word, '' (id 0) or a text that is never a token
 */
function vocabularyOf(entries, most) {
  const limit = 10 * entries.length + 1000;
  /** @type {string[]} */
  const vocabulary = [];
  for (const [word, id] of entries) {
    if (!Number.isSafeInteger(id) || id < 0 || id >= limit)
      throw new ModelFileError(`tokenizer: ${show(word)} has id ${show(id)}, expected an id from 0 to ${limit - 1}`);
    if (id >= most) continue;
    if (vocabulary[id] !== undefined)
      throw new ModelFileError(`tokenizer: ${show(vocabulary[id])} and ${show(word)} both have id ${id}`);
    vocabulary[id] = word;
  }
  return Array.from(vocabulary, (word, id) => word ?? (id ? `no word ${id}` : ''));
}

/**
 * @param {any} json  parsed
 * @param {{ most: number | null, length: number | null, mask: boolean }} model  most: ids are below it
 * @returns {TextSettings | null} null if it is not a word index
 * @throws {ModelFileError}
 */
export function wordIndexSettings(json, { most, length: ownLength, mask }) {
  const index = readIndex(json);
  if (!index) return null;
  const { shift } = index;
  const entries = index.entries.map(([word, id]) => /** @type {[string, number]} */ ([word, id + shift]));
  const length = ownLength ?? index.length;
  const vocabulary = vocabularyOf(entries, most ?? Infinity);
  /** @param {RegExp} name */
  const idOf = (name) => {
    const at = vocabulary.findIndex((word) => marks(word, name));
    return at < 0 ? null : at;
  };
  // Keras's imdb dataset reserves ids 0 to 2 for padding, start and unknown.
  const unknown = idOf(UNKNOWN) ?? (shift === 3 ? 2 : null);
  // Pad rows with 0 unless the file has a padding token. If 0 is a word, and the model has neither a mask nor a fixed length, rows need no padding.
  const isWord = vocabulary[0] !== '' && !PAD.test(vocabulary[0]);
  return {
    ...splittingOf(entries.map(([word]) => word)),
    vocabulary,
    pad: idOf(PAD) ?? (isWord && !mask && !length ? null : 0),
    unknown,
    length,
    padding: 'pre',
    truncation: 'pre',
    mask,
  };
}
