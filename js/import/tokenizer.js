/**
 * Keras's ways from text to ids -> text settings: `Tokenizer` (its JSON) and TextVectorization (a layer of the model).
 * @module
 */
import { ModelFileError, UnsupportedError } from '../errors.js';
import { parseJson as parseBytes } from './source.js';
/** @typedef {import('../text.js').TextSettings} TextSettings */

/** @param {string} text @param {string} what @returns {any} */
const parseJson = (text, what) => parseBytes(new TextEncoder().encode(text), what);

/** What TextVectorization strips: its own regular expression, as a list. */
const PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\'';

/** The Embedding that a model begins with. @param {any} architecture @returns {any} */
function firstEmbedding(architecture) {
  const list = Array.isArray(architecture?.config) ? architecture.config : (architecture?.config?.layers ?? []);
  for (const entry of list) {
    if (entry?.class_name === 'Embedding') return entry.config;
    const inner = entry?.config?.layers ? firstEmbedding(entry) : null;
    if (inner) return inner;
  }
  return null;
}

/** Length of the model's input, null where it varies. @param {any} architecture @returns {number | null} */
function inputLength(architecture) {
  const list = Array.isArray(architecture?.config) ? architecture.config : (architecture?.config?.layers ?? []);
  const config = list[0]?.config ?? {};
  const shape = config.batch_shape ?? config.batch_input_shape;
  return shape?.length === 2 ? (shape[1] ?? null) : (config.input_length ?? null);
}

/**
 * Keras Tokenizer (keras.preprocessing.text): lower-cases, puts the separator in place of each filtered character, splits, drops what is
 * empty; a word that has no number is dropped, or becomes the out-of-vocabulary token. Where the model has a length, texts are padded and
 * cut in front, as pad_sequences does unless it is told otherwise.
 * @param {any} json  tokenizer.to_json(), as text or parsed
 * @param {any} architecture
 * @returns {TextSettings}
 * @throws {ModelFileError | UnsupportedError}
 */
export function textSettings(json, architecture) {
  const whole = typeof json === 'string' ? parseJson(json, 'tokenizer') : json;
  const { config } = whole ?? {};
  if (whole?.class_name !== 'Tokenizer' || !config)
    throw new ModelFileError('tokenizer: expected the JSON of a Keras Tokenizer, { class_name: "Tokenizer", config }');
  const { num_words: most, filters = '', lower = true, split = ' ', char_level: characters = false, oov_token: oov } = config;
  const index = typeof config.word_index === 'string' ? parseJson(config.word_index, 'tokenizer: word_index') : config.word_index;
  if (index === null || typeof index !== 'object') throw new ModelFileError('tokenizer: word_index is missing');
  if (split.length !== 1)
    throw new UnsupportedError(`tokenizer: split is ${JSON.stringify(split)}; padless splits at one character`);
  /** @type {string[]} */
  const vocabulary = [''];
  for (const [word, id] of Object.entries(index)) {
    if (!Number.isSafeInteger(id) || id < 1 || id > 10_000_000)
      throw new ModelFileError(`tokenizer: ${JSON.stringify(word)} has number ${JSON.stringify(id)}`);
    if (!most || id < most) vocabulary[id] = word;
  }
  for (let id = 0; id < vocabulary.length; id++)
    if (vocabulary[id] === undefined) throw new ModelFileError(`tokenizer: number ${id} is no word's`);
  const known = oov ? index[oov] : undefined;
  const length = inputLength(architecture);
  return {
    unit: characters ? 'codepoint' : 'split',
    ...(!characters && { split, filters }),
    case: lower ? 'lower' : null,
    vocabulary,
    pad: 0,
    unknown: known !== undefined && (!most || known < most) ? known : null,
    length,
    padding: 'pre',
    truncation: 'pre',
    mask: Boolean(firstEmbedding(architecture)?.mask_zero),
  };
}

/**
 * A model that begins with TextVectorization -> the same without it, and its text settings. ASCII is lower-cased and nothing else, as
 * tf.strings.lower does it.
 * @param {any} architecture
 * @param {Map<string, string>} vocabularies  of the file, by the path of their layer
 * @returns {{ architecture: any, text: TextSettings | null }}
 */
export function withoutVectorizer(architecture, vocabularies) {
  const list = Array.isArray(architecture?.config) ? architecture.config : architecture?.config?.layers;
  if (!Array.isArray(list)) return { architecture, text: null };
  const at = list.findIndex((entry) => entry?.class_name === 'TextVectorization');
  if (at < 0) return { architecture, text: null };
  const { config } = list[at];
  const text = vectorizer(config, vocabularies, architecture);
  const [input] = list.filter((entry) => entry?.class_name === 'InputLayer');
  const inputName = input?.config?.name ?? 'ids';
  const ids = {
    class_name: 'InputLayer',
    name: inputName,
    config: { name: inputName, batch_shape: [null, text.length ?? null] },
    inbound_nodes: [],
  };
  const rest = list.filter((entry) => entry !== list[at] && entry !== input);
  const name = JSON.stringify(config.name);
  // Whatever took the layer's output takes the input.
  const renamed = JSON.parse(
    JSON.stringify(rest).replaceAll(`"keras_history":[${name},`, `"keras_history":[${JSON.stringify(inputName)},`),
  );
  return { architecture: { ...architecture, config: { ...architecture.config, layers: [ids, ...renamed] } }, text };
}

/** @param {any} config @param {Map<string, string>} vocabularies @param {any} architecture @returns {TextSettings} */
function vectorizer(config, vocabularies, architecture) {
  const { name, standardize, split, ngrams, output_mode: mode, output_sequence_length: length, max_tokens: most } = config;
  const where = `${name}: TextVectorization`;
  if (ngrams) throw new UnsupportedError(`${where} has ngrams=${JSON.stringify(ngrams)}; padless supports null`);
  if (mode !== undefined && mode !== 'int')
    throw new UnsupportedError(`${where} has output_mode=${JSON.stringify(mode)}; padless supports "int"`);
  const standards = [null, undefined, 'lower', 'strip_punctuation', 'lower_and_strip_punctuation'];
  if (!standards.includes(standardize))
    throw new UnsupportedError(
      `${where} has standardize=${JSON.stringify(standardize)}; padless supports ${standards.filter(Boolean).join(', ')} and null`,
    );
  if (split !== 'whitespace' && split !== 'character')
    throw new UnsupportedError(`${where} has split=${JSON.stringify(split)}; padless supports "whitespace" and "character"`);
  const stored = [name, 'text_vectorization']
    .flatMap((each) => [`layers/${each}/_lookup_layer`, `layers/${each}`])
    .find((path) => vocabularies.has(path));
  const words = Array.isArray(config.vocabulary)
    ? config.vocabulary.map(String)
    : stored === undefined
      ? undefined
      : vocabularies
          .get(stored)
          ?.replace(/\r?\n$/, '')
          .split(/\r?\n/);
  if (!words) throw new ModelFileError(`${where} has no vocabulary in the file`);
  const vocabulary = [
    '',
    '[UNK]',
    ...words.filter((/** @type {string} */ word, /** @type {number} */ i) => !(i < 2 && (word === '' || word === '[UNK]'))),
  ];
  return {
    unit: 'split',
    split: split === 'character' ? '' : null,
    remove: standardize?.includes('punctuation') ? PUNCTUATION : '',
    case: standardize?.includes('lower') ? 'lower-ascii' : null,
    vocabulary: most ? vocabulary.slice(0, most) : vocabulary,
    pad: 0,
    unknown: 1,
    length: length ?? null,
    padding: 'post',
    truncation: 'post',
    mask: Boolean(firstEmbedding(architecture)?.mask_zero),
  };
}
