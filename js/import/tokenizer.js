/**
 * Converts the JSON of a Keras `Tokenizer`, or a word index (word -> id), into text settings.
 * @module
 */
import { ModelFileError, show, UnsupportedError } from '../errors.js';
import { encodeText } from '../runtime/engine.js';
import { parseJson as parseBytes } from './input-files.js';
import { assumedOfWords, isWordIndex, wordIndexSettings } from './word-index.js';
/** @typedef {import('../text/vectorizer.js').TextSettings} TextSettings */

/** @param {any} value  JSON as text, or parsed @param {string} what @returns {any} */
const parsed = (value, what) => (typeof value === 'string' ? parseBytes(encodeText(value), what) : value);

/** The layers of a model. @param {any} architecture @returns {any[]} */
export const listOf = (architecture) => {
  const list = Array.isArray(architecture?.config) ? architecture.config : architecture?.config?.layers;
  return Array.isArray(list) ? list : [];
};

/** The config of the first Embedding in a model; null if there is none. @param {any} architecture @returns {any} */
export function firstEmbedding(architecture) {
  for (const entry of listOf(architecture)) {
    if (entry?.class_name === 'Embedding') return entry.config;
    const inner = firstEmbedding(entry);
    if (inner) return inner;
  }
  return null;
}

/** The length of the model's input; null if it varies. @param {any} architecture @returns {number | null} */
export function inputLength(architecture) {
  const config = listOf(architecture)[0]?.config ?? {};
  const shape = config.batch_shape ?? config.batch_input_shape;
  return shape?.length === 2 ? (shape[1] ?? null) : (config.input_length ?? null);
}

/** The settings that a tokenizer's file does not contain and that are assumed. @param {any} json  as text or parsed @returns {readonly string[]} */
export const assumedOf = (json) => (isKeras(read(json)) ? ['padding', 'truncation'] : assumedOfWords);

/** Parses twice, because json.dump(tokenizer.to_json()) stores JSON text as a JSON string. @param {any} json */
const read = (json) => parsed(parsed(json, 'tokenizer'), 'tokenizer');

/** @param {any} whole */
const isKeras = (whole) => whole?.class_name === 'Tokenizer' && Boolean(whole.config);

/** Whether this JSON describes a tokenizer. @param {any} json  parsed */
export const isTokenizer = (json) => json?.class_name === 'Tokenizer' || isWordIndex(json);

/**
 * The text settings of a Keras `Tokenizer` or a word index. Keras saves nothing about padding, so the defaults of pad_sequences are assumed:
 * rows are padded and truncated at the front, to the input length of the model if that is fixed.
 * @param {any} json  tokenizer.to_json(), { word: id } or a list of words, as text or parsed
 * @param {any} architecture
 * @returns {TextSettings}
 * @throws {ModelFileError | UnsupportedError}
 */
export function textSettings(json, architecture) {
  const whole = read(json);
  const embedding = firstEmbedding(architecture);
  const length = inputLength(architecture);
  const mask = Boolean(embedding?.mask_zero);
  if (!isKeras(whole)) {
    const settings = wordIndexSettings(whole, { most: embedding?.input_dim ?? null, length, mask });
    if (settings) return settings;
    throw new ModelFileError(
      'tokenizer: expected the JSON of a Keras Tokenizer, { class_name: "Tokenizer", config }, or the ids of words: { "word": 1, ... } or a list of words',
    );
  }
  const { config } = whole;
  const { num_words: most, filters = '', lower = true, split = ' ', char_level: characters = false, oov_token: oov } = config;
  const index = parsed(config.word_index, 'tokenizer: word_index');
  if (index === null || typeof index !== 'object' || Array.isArray(index))
    throw new ModelFileError(`tokenizer: word_index is ${show(index)}, expected an object`);
  if (!characters && (typeof split !== 'string' || split === ''))
    throw new UnsupportedError(`tokenizer: split is ${show(split)}; padless needs a string`);
  if ((most ?? null) !== null && !(Number.isSafeInteger(most) && most >= 0))
    throw new ModelFileError(`tokenizer: num_words is ${show(most)}, expected an integer from 0 on, or null`);
  if (typeof filters !== 'string') throw new ModelFileError(`tokenizer: filters is ${show(filters)}, expected a string`);
  // Words with an id of num_words or more count as unknown. The id of the out-of-vocabulary token itself may exceed num_words.
  const unknown = typeof oov === 'string' && Object.hasOwn(index, oov) ? index[oov] : null;
  return {
    unit: 'split',
    ...(characters ? { split: '' } : { split, filters }),
    case: lower ? 'lower' : null,
    vocabulary: vocabularyOf(index, most, unknown, characters ? '' : split),
    pad: 0,
    // null (no oov_token): unknown words are dropped.
    unknown,
    length,
    padding: 'pre',
    truncation: 'pre',
    mask,
  };
}

/**
 * @param {Record<string, any>} index  word -> id
 * @param {any} most  num_words: only ids below it are kept; null or 0 keeps all
 * @param {number | null} unknown  id of the out-of-vocabulary token, which is always kept
 * @param {string} split  separator, which no word contains; '' if each word is one character
 */
function vocabularyOf(index, most, unknown, split) {
  const entries = Object.entries(index);
  const limit = 10 * entries.length + 1000;
  const vocabulary = [''];
  for (const [word, id] of entries) {
    if (!Number.isSafeInteger(id) || id < 1 || id >= limit)
      throw new ModelFileError(`tokenizer: ${show(word)} has id ${show(id)}, expected an id from 1 (0 is padding) to ${limit - 1}`);
    if (most && id >= most && id !== unknown) continue;
    if (vocabulary[id] !== undefined)
      throw new ModelFileError(`tokenizer: ${show(vocabulary[id])} and ${show(word)} both have id ${id}`);
    vocabulary[id] = word;
  }
  // An id without a word gets a placeholder that matches no text: it contains the separator, or has more than one character.
  for (let id = 1; id < vocabulary.length; id++) vocabulary[id] ??= `no word${split || ' '}${id}`;
  return vocabulary;
}
