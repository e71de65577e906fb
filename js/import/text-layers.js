/**
 * Layers of a model that turn texts into ids, TextVectorization and StringLookup -> the same model without them, and text settings.
 * @module
 */
import { ModelFileError, show, textOf, UnsupportedError } from '../errors.js';
import { firstEmbedding, inputLength, listOf, NESTED_MOST } from './tokenizer.js';
/** @typedef {import('../text/vectorizer.js').TextSettings} TextSettings */
/** @typedef {{ config: any, name: string, vocabularies: Map<string, string>, architecture: any }} Found  a layer, and the model that has it */

/** What TextVectorization strips: its own regular expression, as a list. */
const PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\'';
/** White space to tf.strings.split, besides the blank. */
const SPACES = '\t\n\v\f\r';
/** Where Python's str.splitlines() ends a line. */
const LINES = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/; // eslint-disable-line no-control-regex

/** The layers that become text settings. @type {Record<string, (found: Found) => TextSettings>} */
const readers = { TextVectorization: vectorizer, StringLookup: stringLookup };

/** Layers that number what is no text; padless has none of them. */
const NUMBERING = /: class ((?:IntegerLookup|Hashing|HashedCrossing|CategoryEncoding)) is not /;

/** What to do without a layer. @param {string} name */
const without = (name) =>
  `save the model without it, keras.Model(model.get_layer(${JSON.stringify(name)}).output, model.output), and give what it gives`;

/** Says what to do about a layer in front of a model that padless lacks. @param {any} error */
export function advisedOfNumbering(error) {
  const [, className] = NUMBERING.exec(error?.message) ?? [];
  if (className)
    error.message += `; ${className} numbers its input before the model reads it: save the model without it, keras.Model(layer.output, model.output), and give what it gives`;
  return error;
}

/**
 * A model that begins with a layer which reads texts -> the same without it, and its text settings.
 * @param {any} architecture
 * @param {Map<string, string>} vocabularies  of the file, by the path of their layer
 * @returns {{ architecture: any, text: TextSettings | null }}
 * @throws {ModelFileError | UnsupportedError}
 */
export function withoutVectorizer(architecture, vocabularies) {
  const list = listOf(architecture);
  const [layer, ...more] = list.filter((entry) => Object.hasOwn(readers, String(entry?.class_name)));
  if (!layer) return { architecture, text: null };
  const { class_name: className } = layer;
  const name = textOf(layer.name ?? layer.config?.name);
  if (more.length)
    throw new UnsupportedError(
      `${name}: the model has ${1 + more.length} layers that read texts (${[layer, ...more].map((each) => each.class_name).join(', ')}); padless reads one`,
    );
  const text = readers[className]({ config: layer.config ?? {}, name, vocabularies, architecture });
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
      throw new UnsupportedError(`${name}: ${className} behind another layer; padless has it as the first`);
    const layers = rest.map((entry) => (entry?.class_name === 'InputLayer' ? ids(entry) : entry));
    return whole(at === 0 ? [ids({ class_name: 'InputLayer', config: { name: 'text' } }), ...layers] : layers);
  }
  // The name of what it reads, as Keras 2 or 3 writes it.
  const [node, ...others] = Array.isArray(layer.inbound_nodes) ? layer.inbound_nodes : [];
  const source = Array.isArray(node) ? node.flat()[0] : [node?.args?.[0]].flat()[0]?.config?.keras_history?.[0];
  const input = rest.find((entry) => entry?.class_name === 'InputLayer' && textOf(entry.name ?? entry.config?.name) === source);
  if (!input || others.length)
    throw new UnsupportedError(`${name}: ${className} reads ${show(source)}; padless has it once, behind an input`);
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

/**
 * Refuses an option that padless lacks.
 * @param {Found} found @param {string} className @param {string} option @param {any} value @param {any[]} allowed
 */
function oneOf({ name }, className, option, value, allowed) {
  if (!allowed.includes(value))
    throw new UnsupportedError(
      `${name}: ${className} has ${option}=${show(value)}; padless supports ${allowed.map(show).join(', ')}; ${without(name)}`,
    );
}

/** @param {Found} found @returns {TextSettings} */
function vectorizer(found) {
  const { config, architecture } = found;
  const { standardize = 'lower_and_strip_punctuation', split = 'whitespace', output_sequence_length: length = null } = config;
  const check = (/** @type {string} */ option, /** @type {any} */ value, /** @type {any[]} */ allowed) =>
    oneOf(found, 'TextVectorization', option, value, allowed);
  check('standardize', standardize, ['lower_and_strip_punctuation', 'lower', 'strip_punctuation', null]);
  check('split', split, ['whitespace', 'character', null]);
  check('output_mode', config.output_mode ?? 'int', ['int']);
  check('ngrams', config.ngrams ?? null, [null]);
  check('encoding', String(config.encoding ?? 'utf-8').toLowerCase(), ['utf-8']);
  const units = {
    whitespace: { unit: 'split', split: ' ', filters: SPACES },
    character: { unit: 'split', split: '' },
    null: { unit: 'text' },
  };
  return {
    .../** @type {{ unit: 'split' | 'text' }} */ (units[/** @type {keyof typeof units} */ (String(split))]),
    remove: standardize?.endsWith('strip_punctuation') ? PUNCTUATION : '',
    // tf.strings.lower is not told the encoding, and knows ASCII alone then.
    case: standardize?.startsWith('lower') ? 'lower-ascii' : null,
    vocabulary: wordsOf(found, 'TextVectorization', ['', '[UNK]']),
    pad: 0,
    unknown: 1,
    // One text gives one id.
    length: split === null ? (length ?? 1) : length,
    padding: 'post',
    truncation: 'post',
    mask: Boolean(firstEmbedding(architecture)?.mask_zero),
  };
}

/**
 * StringLookup reads strings that somebody else has split: a text is split at white space, or is one string where the model reads one.
 * @param {Found} found
 * @returns {TextSettings}
 */
function stringLookup(found) {
  const { config, architecture } = found;
  const { mask_token: maskToken = null, oov_token: oov = '[UNK]' } = config;
  const check = (/** @type {string} */ option, /** @type {any} */ value, /** @type {any[]} */ allowed) =>
    oneOf(found, 'StringLookup', option, value, allowed);
  check('output_mode', config.output_mode ?? 'int', ['int']);
  check('num_oov_indices', config.num_oov_indices ?? 1, [1]);
  check('invert', config.invert ?? false, [false]);
  check('encoding', String(config.encoding ?? 'utf-8').toLowerCase(), ['utf-8']);
  const length = inputLength(architecture);
  const mask = Boolean(firstEmbedding(architecture)?.mask_zero);
  const vocabulary = wordsOf(found, 'StringLookup', maskToken === null ? [oov] : [maskToken, oov]);
  return {
    ...(length === 1 ? { unit: 'text' } : { unit: 'split', split: null }),
    vocabulary,
    // Without a mask token, 0 is the unknown one, which an embedding with mask_zero masks.
    pad: maskToken === null && !mask && length === null ? null : 0,
    unknown: maskToken !== null ? 1 : mask ? null : 0,
    length,
    padding: 'post',
    truncation: 'post',
    mask,
  };
}

/**
 * The vocabulary of a layer, as its config has it or as the file has it beside.
 * @param {Found} found
 * @param {'TextVectorization' | 'StringLookup'} className
 * @param {string[]} specials  in front of the words
 * @returns {string[]}
 */
function wordsOf({ config, name, vocabularies }, className, specials) {
  const place = className === 'StringLookup' ? /(^|\/)string_lookup$/ : /(^|\/)text_vectorization(\/_lookup_layer)?$/;
  const stored = [...vocabularies].find(([path]) => place.test(path));
  let words = config.vocabulary;
  if (!Array.isArray(words)) {
    if (!stored) throw new ModelFileError(`${name}: ${className} has no vocabulary in the file`);
    words = stored[1].split(LINES);
    while (words.at(-1) === '') words.pop();
  }
  if (words.some((/** @type {any} */ word) => typeof word !== 'string'))
    throw new ModelFileError(`${name}: ${className}'s vocabulary is ${show(words)}, expected a list of words`);
  const vocabulary = specials.every((token, id) => words[id] === token) ? words : [...specials, ...words];
  if (Number.isSafeInteger(config.vocabulary_size) && config.vocabulary_size !== vocabulary.length)
    throw new ModelFileError(
      `${name}: ${className}'s vocabulary has ${vocabulary.length} words, vocabulary_size is ${config.vocabulary_size}`,
    );
  return vocabulary;
}
