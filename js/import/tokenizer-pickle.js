/**
 * Pickled tokenizers: pickle.dump(tokenizer) of a Keras `Tokenizer`, or of its word_index. Python is not needed, and nothing in the file runs.
 * @module
 */
import { UnsupportedError } from '../errors.js';
import { describe, PickledRecord, PickleReader, recordNames } from './pickle.js';

/** Modules that contain the class in some version of Keras. */
const modules = [
  'keras.preprocessing.text',
  'keras_preprocessing.text',
  'keras.src.preprocessing.text',
  'keras.src.legacy.preprocessing.text',
  'tensorflow.keras.preprocessing.text',
  'tensorflow.python.keras.preprocessing.text',
  'tensorflow.python.keras._impl.keras.preprocessing.text',
  'tensorflow.contrib.keras.python.keras.preprocessing.text',
  'tf_keras.src.preprocessing.text',
];
const names = recordNames(modules.map((module) => `${module}.Tokenizer`));

/** The attributes of a Tokenizer that padless reads. */
const settings = ['num_words', 'filters', 'lower', 'split', 'char_level', 'oov_token', 'document_count'];

/** Whether bytes begin like a pickle of protocol 2 or higher. @param {Uint8Array} bytes */
export const isPickle = (bytes) => bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5;

/**
 * @param {Uint8Array} bytes
 * @param {string} what  for errors
 * @returns {any} the parsed tokenizer.to_json(), { word: id } or a list of words
 * @throws {import('../errors.js').ModelFileError | UnsupportedError}
 */
export function readTokenizerPickle(bytes, what) {
  const advice = () => 'padless reads a pickled Keras Tokenizer or word_index; save anything else as JSON { "word": id }';
  const value = new PickleReader(bytes, what, { names, advice }).read();
  if (value instanceof Map) return Object.fromEntries(value);
  if (Array.isArray(value)) return value;
  const index = value instanceof PickledRecord ? value.attributes.get('word_index') : undefined;
  if (!(index instanceof Map))
    throw new UnsupportedError(`${what}: ${describe(value)}, expected a Keras Tokenizer with a word_index, or { word: id }`);
  const config = Object.fromEntries(
    settings.flatMap((name) => (value.attributes.has(name) ? [[name, value.attributes.get(name)]] : [])),
  );
  return { class_name: 'Tokenizer', config: { ...config, word_index: Object.fromEntries(index) } };
}
