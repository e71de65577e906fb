/**
 * Keras's lookup layers, which map texts or numbers to ids: TextVectorization, StringLookup, IntegerLookup and Hashing. They become text settings,
 * or the `numbering` of an InputLayer, and a CategoryEncoding for output modes other than "int".
 * @module
 */
import { COUNT_MOST, ModelFileError, show, UnsupportedError } from '../errors.js';
import { WIDEST } from '../text/keras-tokens.js';
import { firstEmbedding } from './tokenizer.js';
/** @typedef {import('../text/vectorizer.js').TextSettings} TextSettings */
/** @typedef {import('../text/token-index.js').IndexSettings} IndexSettings */
/**
 * What the file stores of these layers outside of the architecture. Keys are paths of the layers, in whole .h5 files their names.
 * @typedef {{ vocabularies: Map<string, string>, idf: Map<string, Float32Array> }} Stored
 */
/**
 * A lookup layer, and the model that contains it.
 * @typedef {object} Found
 * @property {string} className
 * @property {any} config
 * @property {string} name
 * @property {string} number  '', '_1', ...: suffix by which Keras 3 tells layers of one class apart in file names
 * @property {(number | null)[]} shape  of its input, without the batch
 * @property {boolean} isText  whether its input is strings
 * @property {Stored} stored
 * @property {any} architecture
 */
/**
 * What a lookup layer becomes. shape: of the ids, without the batch; encoding: the config of a CategoryEncoding.
 * @typedef {{ text?: TextSettings, numbering?: IndexSettings, shape: (number | null)[], encoding: any }} Reading
 */

/** The characters that TextVectorization strips. */
const PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\'';
/** The characters other than a blank that tf.strings.split takes for white space. */
const SPACES = '\t\n\v\f\r';
/** Where Python's str.splitlines() ends a line. */
const LINES = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/; // eslint-disable-line no-control-regex
/** Old name of an output mode -> its present name. @type {Record<string, string>} */
const modes = { binary: 'multi_hot', 'tf-idf': 'tf_idf' };

/** Advice how to use the model without this layer. @param {string} name */
export const without = (name) =>
  `save the model without it, keras.Model(model.get_layer(${JSON.stringify(name)}).output, model.output), and pass that layer's output as input`;

/**
 * Refuses an option that padless lacks.
 * @param {Found} found @param {string} option @param {any} value @param {any[]} allowed @param {string} [instead]
 */
function oneOf({ name, className }, option, value, allowed, instead = without(name)) {
  if (!allowed.includes(value))
    throw new UnsupportedError(
      `${name}: ${className} has ${option}=${show(value)}; padless supports ${allowed.map(show).join(', ')}; ${instead}`,
    );
}

/** @param {Found} found @returns {'int' | 'one_hot' | 'multi_hot' | 'count' | 'tf_idf'} */
function modeOf(found) {
  const given = found.config.output_mode ?? 'int';
  const mode = Object.hasOwn(modes, given) ? modes[given] : given;
  oneOf(found, 'output_mode', mode, ['int', 'one_hot', 'multi_hot', 'count', 'tf_idf']);
  return mode;
}

/** Maximum of num_oov_indices: each of them becomes a token. */
const OOV_MOST = 2 ** 20;

/** @param {Found} found @param {string} option @param {number} otherwise @param {number} [most] */
function countOf({ name, className, config }, option, otherwise, most = COUNT_MOST) {
  const value = config[option] ?? otherwise;
  if (!Number.isSafeInteger(value) || value < 0 || value > most)
    throw new ModelFileError(`${name}: ${className} has ${option}=${show(value)}, expected an integer from 0 to ${most}`);
  return value;
}

/** @param {Found} found @returns {[number, number] | null} */
function saltOf({ name, className, config: { salt = null } }) {
  const [a, b] = Array.isArray(salt) ? salt : [salt, salt];
  if (salt === null) return null;
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b))
    throw new UnsupportedError(`${name}: ${className} has salt=${show(salt)}; padless has integers up to 2^53`);
  return [a, b];
}

/**
 * The vocabulary of a lookup without its special tokens, from its config or from the file's assets.
 * @param {Found} found
 * @param {(string | number)[]} specials  the special tokens, which come before the words
 * @returns {{ words: (string | number)[], hasSpecials: boolean }}  hasSpecials: whether the config or file lists the special tokens, too
 */
function wordsOf({ config, name, number, className, stored: { vocabularies } }, specials) {
  const isText = className !== 'IntegerLookup';
  const folder = { TextVectorization: 'text_vectorization', StringLookup: 'string_lookup', IntegerLookup: 'integer_lookup' }[
    className
  ];
  const place = new RegExp(`(^|/)${folder}${number}(/_lookup_layer)?$`);
  let words = config.vocabulary;
  if (!Array.isArray(words)) {
    const stored = [...vocabularies].find(([path]) => place.test(path));
    if (!stored) throw new ModelFileError(`${name}: ${className} has no vocabulary in the file`);
    words = stored[1].split(LINES);
    while (words.at(-1) === '') words.pop();
    if (!isText) words = words.map(Number);
  }
  if (!words.every((/** @type {any} */ word) => (isText ? typeof word === 'string' : Number.isSafeInteger(word))))
    throw new ModelFileError(
      `${name}: ${className}'s vocabulary is ${show(words)}, expected a list of ${isText ? 'words' : 'integers'}`,
    );
  const hasSpecials = specials.length > 0 && specials.every((token, id) => words[id] === token);
  const rest = hasSpecials ? words.slice(specials.length) : words;
  const size = specials.length + rest.length;
  if (Number.isSafeInteger(config.vocabulary_size) && config.vocabulary_size !== size)
    throw new ModelFileError(`${name}: ${className}'s vocabulary has ${size} words, vocabulary_size is ${config.vocabulary_size}`);
  return { words: rest, hasSpecials };
}

/**
 * The weights of output_mode="tf_idf", from the file or the config. If the config lists no weights for the special tokens, these get the mean.
 * @param {Found} found @param {number} depth @param {number} specials @param {boolean} hasSpecials
 * @returns {number[]}
 */
function idfOf({ name, number, className, config, stored: { idf } }, depth, specials, hasSpecials) {
  const folder = className.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
  const place = new RegExp(`(^|/)${folder}${number}(/_lookup_layer)?$`);
  const stored = idf.get(name) ?? [...idf].find(([path]) => place.test(path))?.[1];
  const given = config.idf_weights;
  if (!stored && !Array.isArray(given)) throw new ModelFileError(`${name}: ${className} has no idf_weights in the file`);
  const mean = stored ? 0 : given.reduce((/** @type {number} */ sum, /** @type {number} */ each) => sum + each, 0) / given.length;
  const weights = stored ? [...stored] : [...new Array(hasSpecials ? 0 : specials).fill(mean), ...given].map(Math.fround);
  while (!stored && weights.length < depth) weights.push(0);
  if (weights.length !== depth)
    throw new ModelFileError(`${name}: ${className} has ${weights.length} idf_weights, expected ${depth}`);
  return weights;
}

/**
 * The index settings of a lookup, and the config of the CategoryEncoding after it (null for output_mode="int").
 * @param {Found} found
 * @param {{ maskToken: any, oov: number, oovToken: any, salt?: [number, number] | null }} of
 * @returns {{ index: IndexSettings, encoding: any, size: number }} size: number of indices
 */
function indexOf(found, { maskToken, oov, oovToken, salt = null }) {
  const { config } = found;
  const mode = modeOf(found);
  oneOf(found, 'invert', config.invert ?? false, [false], 'save the model without it, and give its words as labels');
  const isMasked = maskToken !== null;
  // The mask token has an index only in output_mode="int".
  const first = isMasked && mode === 'int' ? 1 : 0;
  const specials = [...(first ? [maskToken] : []), ...new Array(oov).fill(oovToken)];
  const { words, hasSpecials } = wordsOf(found, specials);
  const size = specials.length + words.length;
  const depth = config.pad_to_max_tokens ? countOf(found, 'max_tokens', size) : size;
  const index = {
    words,
    first,
    unknown: oov,
    salt,
    masked: isMasked ? { token: maskToken, index: mode === 'int' ? 0 : depth } : null,
  };
  if (mode === 'int') return { index, encoding: null, size };
  return {
    index,
    encoding: {
      num_tokens: depth,
      output_mode: mode === 'tf_idf' ? 'count' : mode,
      ...(isMasked && { drops_last: true }),
      ...(mode === 'tf_idf' && { weights: idfOf(found, depth, specials.length, hasSpecials) }),
    },
    size,
  };
}

/** Whether the model's first Embedding masks id 0. @param {Found} found */
const masksZero = ({ architecture }) => Boolean(firstEmbedding(architecture)?.mask_zero);

/** @param {Found} found @returns {Reading} */
function textVectorization(found) {
  const { config, name } = found;
  const { standardize = 'lower_and_strip_punctuation', split = 'whitespace', output_sequence_length: given = null } = config;
  const custom = `save the model without it, keras.Model(model.get_layer(${JSON.stringify(name)}).output, model.output), and describe the layer by text settings (padless convert --text FILE)`;
  oneOf(found, 'standardize', standardize, ['lower_and_strip_punctuation', 'lower', 'strip_punctuation', null], custom);
  oneOf(found, 'split', split, ['whitespace', 'character', null], custom);
  oneOf(found, 'encoding', String(config.encoding ?? 'utf-8').toLowerCase(), ['utf-8']);
  if (Number(config.ngrams) > WIDEST)
    throw new UnsupportedError(`${name}: ngrams=${config.ngrams}; padless supports at most ${WIDEST}`);
  const widths =
    typeof config.ngrams === 'number' ? Array.from({ length: config.ngrams }, (_, i) => i + 1) : (config.ngrams ?? null);
  if (split === null) oneOf(found, 'split=None and ngrams', config.ngrams ?? null, [null, 1]);
  const { index, encoding, size } = indexOf(found, { maskToken: '', oov: 1, oovToken: '[UNK]' });
  if (encoding && split !== null) oneOf(found, 'output_mode', encoding.output_mode, ['int', 'multi_hot', 'count', 'tf_idf']);
  // Without a split, a text becomes one id.
  const length = encoding ? null : split === null ? (given ?? 1) : given;
  const shape = encoding && split === null ? [1] : [length];
  /** @type {Partial<TextSettings>} */
  const common = {
    // Keras calls tf.strings.lower without an encoding, so it converts ASCII letters only.
    case: standardize?.startsWith('lower') ? 'lower-ascii' : null,
    length,
    padding: 'post',
    truncation: 'post',
    mask: encoding ? true : masksZero(found),
  };
  const remove = standardize?.endsWith('strip_punctuation') ? PUNCTUATION : '';
  const isPlain = widths === null || widths.join() === '1';
  if (!isPlain || (encoding && split === null))
    return {
      text: /** @type {TextSettings} */ ({
        unit: 'ngrams',
        ngrams: { scheme: 'keras', split, remove, widths, ...index },
        ...common,
        ...(!encoding && { pad: 0 }),
      }),
      shape,
      encoding,
    };
  const units = {
    whitespace: { unit: 'split', split: ' ', filters: SPACES },
    character: { unit: 'split', split: '' },
    null: { unit: 'text' },
  };
  const words = /** @type {string[]} */ (index.words);
  return {
    text: {
      .../** @type {{ unit: 'split' | 'text' }} */ (units[/** @type {keyof typeof units} */ (String(split))]),
      ...common,
      remove,
      vocabulary: encoding ? ['[UNK]', ...words] : ['', '[UNK]', ...words],
      pad: encoding ? null : 0,
      unknown: size - words.length - 1,
    },
    shape,
    encoding,
  };
}

/**
 * Text settings of StringLookup and Hashing. In Keras their input is split already; padless splits texts at white space, or takes the text as one
 * string if the model reads one string.
 * @param {Found} found @param {IndexSettings} index @param {any} encoding
 * @returns {Reading}
 */
function strings(found, index, encoding) {
  const [length] = found.shape;
  const bag = encoding && encoding.output_mode !== 'one_hot';
  const mask = !encoding && masksZero(found);
  // If the model reads a fixed number of strings, pad shorter texts with the index of the mask token.
  const padded = bag || length === null || length === 1 ? null : (index.masked?.index ?? 0);
  return {
    text: {
      unit: 'ngrams',
      ngrams: { scheme: 'keras', split: length === 1 ? null : 'whitespace', ...index },
      pad: mask ? 0 : padded,
      length: bag || length === 1 ? null : length,
      maxlen: bag ? null : length,
      mask: mask || padded === null,
    },
    shape: bag ? [length === 1 ? 1 : null] : [length],
    encoding,
  };
}

/** @param {Found} found @returns {Reading} */
function stringLookup(found) {
  const { config } = found;
  const { mask_token: maskToken = null, oov_token: oovToken = '[UNK]' } = config;
  const oov = countOf(found, 'num_oov_indices', 1, OOV_MOST);
  oneOf(found, 'encoding', String(config.encoding ?? 'utf-8').toLowerCase(), ['utf-8']);
  const { index, encoding } = indexOf(found, { maskToken, oov, oovToken, salt: saltOf(found) });
  const [length] = found.shape;
  const mask = masksZero(found);
  // A plain vocabulary cannot express a mask token that occurs in texts, nor unknown words with an id that the Embedding masks.
  const isPlain = !encoding && oov === 1 && !maskToken && !(mask && maskToken === null);
  if (!isPlain) return strings(found, index, encoding);
  const words = /** @type {string[]} */ (index.words);
  return {
    text: {
      ...(length === 1 ? { unit: 'text' } : { unit: 'split', split: null }),
      vocabulary: maskToken === null ? [oovToken, ...words] : [maskToken, oovToken, ...words],
      // Without a mask token, id 0 is the unknown token.
      pad: maskToken === null && length === null ? null : 0,
      unknown: maskToken !== null ? 1 : 0,
      length,
      padding: 'post',
      truncation: 'post',
      mask,
    },
    shape: [length],
    encoding,
  };
}

/** @param {Found} found @returns {Reading} */
function integerLookup(found) {
  const { config, shape } = found;
  const { mask_token: maskToken = null, oov_token: oovToken = -1 } = config;
  const oov = countOf(found, 'num_oov_indices', 1, OOV_MOST);
  const { index, encoding } = indexOf(found, { maskToken, oov, oovToken, salt: saltOf(found) });
  return { numbering: { ...index, method: config.oov_method === 'farmhash' ? 'hash' : 'modulo' }, shape, encoding };
}

/** @param {Found} found @returns {Reading} */
function hashing(found) {
  const { config, name, isText, shape } = found;
  const mode = modeOf(found);
  oneOf(found, 'output_mode', mode, ['int', 'one_hot', 'multi_hot', 'count']);
  const bins = countOf(found, 'num_bins', 0);
  const token = config.mask_value ?? null;
  // Bin 0 belongs to the mask value if there are other bins.
  const isMasked = token !== null && bins > 1;
  if (isMasked && (isText ? typeof token !== 'string' : !Number.isSafeInteger(token)))
    throw new UnsupportedError(`${name}: Hashing has mask_value=${show(token)}, expected ${isText ? 'a string' : 'an integer'}`);
  const index = {
    words: [],
    first: isMasked ? 1 : 0,
    unknown: isMasked ? bins - 1 : bins,
    salt: saltOf(found),
    masked: isMasked ? { token, index: 0 } : null,
  };
  if (mode === 'one_hot') oneOf(found, 'output_mode="one_hot" and an input of length', shape[0], [1]);
  const encoding = mode === 'int' ? null : { num_tokens: bins, output_mode: mode };
  return isText ? strings(found, index, encoding) : { numbering: index, shape, encoding };
}

/** Class -> reader of the lookup layer. @type {Record<string, (found: Found) => Reading>} */
export const lookups = {
  TextVectorization: textVectorization,
  StringLookup: stringLookup,
  IntegerLookup: integerLookup,
  Hashing: hashing,
};
