/**
 * The words of a model as web projects store them, without a word about how a text is split: { word: id }, { id: word }, a list of words, or one of
 * these beside other things -> text settings.
 * @module
 */
import { ModelFileError, show } from '../errors.js';
/** @typedef {import('../text/vectorizer.js').TextSettings} TextSettings */

/** The separators of a Keras Tokenizer, by default. */
const FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n';

/** Where such files keep the words, beside other things. */
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
 * @returns {{ entries: [string, number][], shift: number, length: number | null } | null} shift: what the ids are added, as by Keras's imdb dataset;
 *   null: it is no word index
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
 * Whether a word stands for something else, by its spelling.
 * @param {string} word @param {RegExp} name
 */
const marks = (word, name) => /^(<.*>|\[.*\]|\{.*\}|\(.*\)|_.*_|[A-Z]+)$/s.test(word) && name.test(word);
/** Names of ids that stand for no word, inside of brackets or in capitals. */
const SPECIAL = /^[\W_]*(pad|padding|oov|unk|unknown|bos|sos|start|go|eos|end|stop|mask|cls|sep|num|number|digit|url|user)[\W_]*$/i;
const PAD = /^[\W_]*pad(ding)?[\W_]*$/i;
const UNKNOWN = /^[\W_]*(oov|unk|unknown)[\W_]*$/i;

/**
 * How texts are split, told from the words: characters or words, with capitals or without.
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

/** Settings that no such file holds: they are told from the words, or are what Keras takes by default. */
export const assumedOfWords = /** @type {const} */ (['split', 'filters', 'case', 'padding', 'truncation']);

/**
 * @param {[string, number][]} entries
 * @param {number} most  ids are below it
 * @returns {string[]} entries for ids without a word: '' for 0, else what no text has as a token
 */
function vocabularyOf(entries, most) {
  const limit = 10 * entries.length + 1000;
  /** @type {string[]} */
  const vocabulary = [];
  for (const [word, id] of entries) {
    if (!Number.isSafeInteger(id) || id < 0 || id >= limit)
      throw new ModelFileError(`tokenizer: ${show(word)} has number ${show(id)}, expected one from 0 to ${limit - 1}`);
    if (id >= most) continue;
    if (vocabulary[id] !== undefined)
      throw new ModelFileError(`tokenizer: ${show(vocabulary[id])} and ${show(word)} both have number ${id}`);
    vocabulary[id] = word;
  }
  return Array.from(vocabulary, (word, id) => word ?? (id ? `no word ${id}` : ''));
}

/**
 * @param {any} json  parsed
 * @param {{ most: number | null, length: number | null, mask: boolean }} model  most: ids are below it
 * @returns {TextSettings | null} null: it is no word index
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
  // Keras's imdb dataset has 3 ids before those of words: padding, start, unknown.
  const unknown = idOf(UNKNOWN) ?? (shift === 3 ? 2 : null);
  // Rows are filled up with 0, unless the file says otherwise. Where 0 is a word's and padding is no data, no id is needed.
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
