/**
 * Keras's ways from text to ids -> text settings: `Tokenizer` (its JSON) and TextVectorization (a layer of the model), as they are.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../errors.js';
import { parseJson as parseBytes } from './input-files.js';
import { assumedOfWords, isWordIndex, wordIndexSettings } from './word-index.js';
/** @typedef {import('../text/vectorizer.js').TextSettings} TextSettings */

/** Layers inside layers, at most. */
const NESTED_MOST = 100;

/** @param {any} value  JSON as text, or parsed @param {string} what @returns {any} */
const parsed = (value, what) => (typeof value === 'string' ? parseBytes(new TextEncoder().encode(value), what) : value);

/** @param {any} value */
const show = (value) => JSON.stringify(value)?.slice(0, 80) ?? 'undefined';

/** Layers of a model. @param {any} architecture @returns {any[]} */
const listOf = (architecture) => {
  const list = Array.isArray(architecture?.config) ? architecture.config : architecture?.config?.layers;
  return Array.isArray(list) ? list : [];
};

/** The Embedding that a model begins with. @param {any} architecture @param {number} [depth] @returns {any} */
function firstEmbedding(architecture, depth = 0) {
  for (const entry of depth > NESTED_MOST ? [] : listOf(architecture)) {
    if (entry?.class_name === 'Embedding') return entry.config;
    const inner = firstEmbedding(entry, depth + 1);
    if (inner) return inner;
  }
  return null;
}

/** Length of the model's input, null where it varies. @param {any} architecture @returns {number | null} */
function inputLength(architecture) {
  const config = listOf(architecture)[0]?.config ?? {};
  const shape = config.batch_shape ?? config.batch_input_shape;
  return shape?.length === 2 ? (shape[1] ?? null) : (config.input_length ?? null);
}

/** The settings that a tokenizer's file does not hold. @param {any} json  as text or parsed @returns {readonly string[]} */
export const assumedOf = (json) => (isKeras(read(json)) ? ['padding', 'truncation'] : assumedOfWords);

/** json.dump(tokenizer.to_json()) puts a string into a string. @param {any} json */
const read = (json) => parsed(parsed(json, 'tokenizer'), 'tokenizer');

/** @param {any} whole */
const isKeras = (whole) => whole?.class_name === 'Tokenizer' && Boolean(whole.config);

/** Whether a file's JSON is that of a tokenizer. @param {any} json  parsed */
export const isTokenizer = (json) => json?.class_name === 'Tokenizer' || isWordIndex(json);

/**
 * A Keras `Tokenizer`, or a word index. Nothing that Keras saves says how its rows are padded: what pad_sequences does by itself is taken (in front,
 * cut in front), to the model's length where it has one.
 * @param {any} json  tokenizer.to_json(), { word: id }, a list of words, as text or parsed
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
      'tokenizer: expected the JSON of a Keras Tokenizer, { class_name: "Tokenizer", config }, or the numbers of words: { "word": 1, ... }, a list of words',
    );
  }
  const { config } = whole;
  const { num_words: most, filters = '', lower = true, split = ' ', char_level: characters = false, oov_token: oov } = config;
  const index = parsed(config.word_index, 'tokenizer: word_index');
  if (index === null || typeof index !== 'object' || Array.isArray(index))
    throw new ModelFileError(`tokenizer: word_index is ${show(index)}, expected an object`);
  if (!characters && (typeof split !== 'string' || split === ''))
    throw new UnsupportedError(`tokenizer: split is ${show(split)}; padless splits at a string`);
  if (typeof filters !== 'string') throw new ModelFileError(`tokenizer: filters is ${show(filters)}, expected a string`);
  // Words beyond num_words are unknown; the id of the unknown word itself may be.
  const unknown = typeof oov === 'string' && Object.hasOwn(index, oov) ? index[oov] : null;
  return {
    unit: 'split',
    ...(characters ? { split: '' } : { split, filters }),
    case: lower ? 'lower' : null,
    vocabulary: vocabularyOf(index, most, unknown, characters ? '' : split),
    pad: 0,
    // Without a word for them unknown words are dropped.
    unknown,
    length,
    padding: 'pre',
    truncation: 'pre',
    mask,
  };
}

/**
 * @param {Record<string, any>} index  word -> id
 * @param {any} most  ids are below it; null or 0: all are
 * @param {number | null} unknown  an id that stays
 * @param {string} split  no word holds it
 */
function vocabularyOf(index, most, unknown, split) {
  const entries = Object.entries(index);
  const limit = 10 * entries.length + 1000;
  const vocabulary = [''];
  for (const [word, id] of entries) {
    if (!Number.isSafeInteger(id) || id < 1 || id >= limit)
      throw new ModelFileError(
        `tokenizer: ${show(word)} has number ${show(id)}, expected one from 1 (0 is padding) to ${limit - 1}`,
      );
    if (most && id >= most && id !== unknown) continue;
    if (vocabulary[id] !== undefined)
      throw new ModelFileError(`tokenizer: ${show(vocabulary[id])} and ${show(word)} both have number ${id}`);
    vocabulary[id] = word;
  }
  // A number without a word: what no text can have, as no word holds the separator, and a character is one alone.
  for (let id = 1; id < vocabulary.length; id++) vocabulary[id] ??= `no word${split || ' '}${id}`;
  return vocabulary;
}

/** What TextVectorization strips: its own regular expression, as a list. */
const PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\'';
/** White space to tf.strings.split, besides the blank. */
const SPACES = '\t\n\v\f\r';
/** Where Python's str.splitlines() ends a line. */
const LINES = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/; // eslint-disable-line no-control-regex

/**
 * A model that begins with TextVectorization -> the same without it, and its text settings.
 * @param {any} architecture
 * @param {Map<string, string>} vocabularies  of the file, by the path of their layer
 * @returns {{ architecture: any, text: TextSettings | null }}
 * @throws {ModelFileError | UnsupportedError}
 */
export function withoutVectorizer(architecture, vocabularies) {
  const list = listOf(architecture);
  const [layer, ...more] = list.filter((entry) => entry?.class_name === 'TextVectorization');
  if (!layer) return { architecture, text: null };
  const name = String(layer.name ?? layer.config?.name);
  if (more.length)
    throw new UnsupportedError(`${name}: the model has ${1 + more.length} TextVectorization layers; padless reads one`);
  const text = vectorizer(layer.config ?? {}, name, vocabularies, architecture);
  /** @param {any} entry  an InputLayer of texts -> one of ids */
  const ids = (entry) => {
    const config = { ...entry.config, batch_shape: [null, text.length ?? null], dtype: 'int32' };
    delete config.batch_input_shape;
    delete config.shape;
    return { ...entry, config };
  };
  const rest = list.filter((entry) => entry !== layer);
  /** @param {any[]} layers @param {any} [outputs] */
  const whole = (layers, outputs) => ({
    architecture: { ...architecture, config: { ...architecture.config, layers, ...(outputs && { output_layers: outputs }) } },
    text,
  });
  if (architecture.class_name === 'Sequential') {
    const at = list.indexOf(layer);
    if (list.slice(0, at).some((entry) => entry?.class_name !== 'InputLayer'))
      throw new UnsupportedError(`${name}: TextVectorization behind another layer; padless has it as the first`);
    const layers = rest.map((entry) => (entry?.class_name === 'InputLayer' ? ids(entry) : entry));
    return whole(at === 0 ? [ids({ class_name: 'InputLayer', config: { name: 'text' } }), ...layers] : layers);
  }
  // The name of what it reads, as Keras 2 or 3 writes it.
  const [node, ...others] = Array.isArray(layer.inbound_nodes) ? layer.inbound_nodes : [];
  const source = Array.isArray(node) ? node.flat()[0] : [node?.args?.[0]].flat()[0]?.config?.keras_history?.[0];
  const input = rest.find((entry) => entry?.class_name === 'InputLayer' && String(entry.name ?? entry.config?.name) === source);
  if (!input || others.length)
    throw new UnsupportedError(`${name}: TextVectorization reads ${show(source)}; padless has it once, behind an input`);
  /** Whatever takes the layer's output takes the input. @param {any} value @param {number} [depth] @returns {any} */
  const rewired = (value, depth = 0) => {
    if (value === null || typeof value !== 'object' || depth > NESTED_MOST) return value;
    if (!Array.isArray(value))
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewired(item, depth + 1)]));
    const isRef = value[0] === name && Number.isInteger(value[1]);
    return isRef ? [source, 0, 0, ...value.slice(3)] : value.map((item) => rewired(item, depth + 1));
  };
  return whole(
    rest.map((entry) => (entry === input ? ids(entry) : { ...entry, inbound_nodes: rewired(entry?.inbound_nodes) })),
    rewired(architecture.config.output_layers),
  );
}

/** @param {any} config @param {string} name @param {Map<string, string>} vocabularies @param {any} architecture @returns {TextSettings} */
function vectorizer(config, name, vocabularies, architecture) {
  const { standardize = 'lower_and_strip_punctuation', split = 'whitespace', output_sequence_length: length = null } = config;
  /** @param {string} option @param {any} value @param {any[]} allowed */
  const oneOf = (option, value, allowed) => {
    if (!allowed.includes(value))
      throw new UnsupportedError(
        `${name}: TextVectorization has ${option}=${show(value)}; padless supports ${allowed.map(show).join(', ')}`,
      );
  };
  oneOf('standardize', standardize, ['lower_and_strip_punctuation', 'lower', 'strip_punctuation', null]);
  oneOf('split', split, ['whitespace', 'character']);
  oneOf('output_mode', config.output_mode ?? 'int', ['int']);
  oneOf('ngrams', config.ngrams ?? null, [null]);
  oneOf('encoding', String(config.encoding ?? 'utf-8').toLowerCase(), ['utf-8']);
  return {
    unit: 'split',
    ...(split === 'character' ? { split: '' } : { split: ' ', filters: SPACES }),
    remove: standardize?.endsWith('strip_punctuation') ? PUNCTUATION : '',
    // tf.strings.lower is not told the encoding, and knows ASCII alone then.
    case: standardize?.startsWith('lower') ? 'lower-ascii' : null,
    vocabulary: vectorizerWords(config, name, vocabularies),
    pad: 0,
    unknown: 1,
    length,
    padding: 'post',
    truncation: 'post',
    mask: Boolean(firstEmbedding(architecture)?.mask_zero),
  };
}

/** @param {any} config @param {string} name @param {Map<string, string>} vocabularies @returns {string[]} */
function vectorizerWords(config, name, vocabularies) {
  const stored = [...vocabularies].find(([path]) => /(^|\/)text_vectorization(\/_lookup_layer)?$/.test(path));
  let words = config.vocabulary;
  if (!Array.isArray(words)) {
    if (!stored) throw new ModelFileError(`${name}: TextVectorization has no vocabulary in the file`);
    words = stored[1].split(LINES);
    while (words.at(-1) === '') words.pop();
  }
  if (words.some((/** @type {any} */ word) => typeof word !== 'string'))
    throw new ModelFileError(`${name}: TextVectorization's vocabulary is ${show(words)}, expected a list of words`);
  const vocabulary = words[0] === '' && words[1] === '[UNK]' ? words : ['', '[UNK]', ...words];
  if (Number.isSafeInteger(config.vocabulary_size) && config.vocabulary_size !== vocabulary.length)
    throw new ModelFileError(
      `${name}: TextVectorization's vocabulary has ${vocabulary.length} words, vocabulary_size is ${config.vocabulary_size}`,
    );
  return vocabulary;
}
