/**
 * Checks the settings under `text` in a model file, which say how the model reads text, and fills in defaults.
 * @module
 */
import { COUNT_MOST, ModelFileError, show, STEPS_MOST, textOf, typeName } from '../errors.js';

/**
 * @typedef {object} TextSettings
 * @property {'codepoint' | 'grapheme' | 'word' | 'split' | 'text' | 'ngrams'} [unit]  what a token is; grapheme and word: segments of Intl.Segmenter;
 *   split: the text between two separators; text: the whole text; ngrams: hashed n-grams of words. Default codepoint
 * @property {import('./ngrams.js').NGramSettings | import('./fasttext.js').FastTextSettings | import('./keras-tokens.js').KerasTokenSettings} [ngrams]  unit ngrams: which n-grams, and their rows
 * @property {import('./word-parts.js').PartSettings} [parts]  a token becomes several ids, of its parts in the vocabulary. Excludes start and end
 * @property {string | null} [split]  unit split: the separator; null (default): white space; '': each code point is a token
 * @property {string} [filters]  unit split: further characters that separate
 * @property {string} [remove]  units split and text: characters that are removed before the text is split
 * @property {string} [locale]  for Intl.Segmenter
 * @property {'NFC' | 'NFKC' | 'NFD' | 'NFKD' | null} [normalization]
 * @property {'lower' | 'lower-ascii' | null} [case]  lower: each code point by itself, as Python's ''.join(c.lower() for c in s); for unit split
 *   the whole text, as Python's s.lower(), which differs where a sigma ends a word; lower-ascii: A to Z
 * @property {Record<string, string>} [map]  character -> its replacement ('' removes it); applied after normalisation and lower case, before splitting
 * @property {number | null} [start]  id before the tokens of each text. Default null: none
 * @property {number | null} [end]  id after the tokens of each text. Default null: none
 * @property {string[]} [vocabulary]  a token's index is its id. Unit ngrams has none
 * @property {number | null} [pad]  id of padding. Default 0 (null for unit ngrams); null: no id is for padding, and padded steps are never computed. The entry of the
 *   vocabulary at `pad` must be one that no text contains, such as '' or '<pad>', unless padding is data (mask: false)
 * @property {number | null} [unknown]  id of tokens that the vocabulary lacks. Default 1, whose entry must then be one that no text contains; null:
 *   unknown tokens are dropped
 * @property {number | null} [maxlen]  maximum number of tokens of a text, including start and end; longer texts are truncated between these
 * @property {number | null} [length]  padded length of every batch, for models that read padding as data. Default: the model's fixed length if no
 *   layer masks padding, otherwise null
 * @property {'post' | 'pre'} [padding]  the side on which texts are padded: at the end (post) or the start (pre). Default post
 * @property {'post' | 'pre'} [truncation]  the side on which long texts are cut. Default post
 * @property {boolean} [mask]  false: padding is data if the batch has a fixed `length`. Default: false if the model has a fixed length and no layer
 *   masks padding, otherwise true
 */

const forms = ['NFC', 'NFKC', 'NFD', 'NFKD'];

/** @param {string} name @param {any} value @param {any[]} allowed */
function oneOf(name, value, allowed) {
  if (!allowed.includes(value)) throw new ModelFileError(`text: ${name} is ${show(value)}, expected one of ${allowed.join(', ')}`);
  return value;
}

/** @param {string} name @param {any} value @param {number} least @param {number} [most] */
function countOrNull(name, value, least, most = COUNT_MOST) {
  if (value === null || (Number.isSafeInteger(value) && value >= least && value <= most)) return value;
  throw new ModelFileError(`text: ${name} is ${show(value)}, expected an integer from ${least} to ${most}, or null`);
}

/** @param {any} given  settings.vocabulary @returns {string[]} */
function checkVocabulary(given) {
  if (given === undefined) throw new ModelFileError('text: vocabulary is missing; give one, or a tokenizer beside the model');
  if (!Array.isArray(given) || given.some((token) => typeof token !== 'string'))
    throw new ModelFileError('text: vocabulary is not a list of strings');
  if (given.length === 0) throw new ModelFileError('text: vocabulary is empty');
  return given;
}

/** @param {{ vocabulary: string[], pad?: any, unknown?: any }} settings @param {boolean} isData  whether padding is */
function readIds({ vocabulary, pad: givenPad, unknown: givenUnknown }, isData) {
  const pad = countOrNull('pad', givenPad === undefined ? 0 : givenPad, 0);
  const unknown = countOrNull('unknown', givenUnknown === undefined ? 1 : givenUnknown, 0);
  for (const [name, id, otherwise] of [
    ['pad', pad, 'no id is for padding'],
    ['unknown', unknown, 'unknown tokens are dropped'],
  ])
    if (id !== null && id >= vocabulary.length)
      throw new ModelFileError(
        `text: ${name} is ${id}, the vocabulary has ${vocabulary.length} entries; ${name}: null if ${otherwise}`,
      );
  if (pad !== null && pad === unknown && !isData)
    throw new ModelFileError(
      `text: pad and unknown are both ${pad}; pad: null if no id is for padding, unknown: null if unknown tokens are left out`,
    );
  if (pad === null && isData) throw new ModelFileError('text: pad is null; where padding is data (mask: false) it needs an id');
  return { pad, unknown };
}

/** @param {any} settings @param {number} size  of the vocabulary */
function readMarks({ start = null, end = null }, size) {
  for (const [name, id] of [
    ['start', start],
    ['end', end],
  ])
    if (countOrNull(name, id, 0) !== null && id >= size)
      throw new ModelFileError(`text: ${name} is ${id}, the vocabulary has ${size} entries`);
  return { start, end };
}

/** @param {any} map @returns {Map<string, string> | null} */
function readMap(map) {
  if (map === undefined || map === null) return null;
  /** @type {[string, any][]} */
  const entries = typeof map === 'object' && !Array.isArray(map) ? Object.entries(map) : [['', '']];
  for (const [from, to] of entries)
    if ([...from].length !== 1 || typeof to !== 'string')
      throw new ModelFileError(`text: map is ${show(map)}, expected { character: string } (${show(from)} becomes ${show(to)})`);
  return entries.length ? new Map(entries) : null;
}

/**
 * Settings with every default filled in; maxlen: without start and end; separators and removed: characters of unit split.
 * @typedef {{ vocabulary: string[], unit: NonNullable<TextSettings['unit']>, normalization: 'NFC' | 'NFKC' | 'NFD' | 'NFKD' | null,
 *   case: 'lower' | 'lower-ascii' | null, padding: Side, truncation: Side, pad: number | null, unknown: number | null, length: number | null,
 *   maxlen: number | null, mask: boolean, paddingIsData: boolean, split: string | null, separators: Set<string>, removed: Set<string>,
 *   map: Map<string, string> | null, start: number | null, end: number | null }} ReadSettings
 */
/** @typedef {'post' | 'pre'} Side */

/**
 * @param {any} settings
 * @returns {ReadSettings}
 * @throws {ModelFileError} for invalid settings
 */
export function readSettings(settings) {
  if (settings === null || typeof settings !== 'object')
    throw new ModelFileError(`text: expected settings, got ${typeName(settings)}`);
  const unit = oneOf('unit', settings.unit ?? 'codepoint', ['codepoint', 'grapheme', 'word', 'split', 'text', 'ngrams']);
  const vocabulary = unit === 'ngrams' ? [] : checkVocabulary(settings.vocabulary);
  const length = countOrNull('length', settings.length ?? null, 1, STEPS_MOST);
  const maxlen = countOrNull('maxlen', settings.maxlen ?? length, 1);
  const mask = oneOf('mask', settings.mask ?? true, [true, false]);
  // Without a length of its own, what a text is padded with is the batch's doing.
  const paddingIsData = !mask && length !== null;
  const split = settings.split ?? null;
  if (split !== null && typeof split !== 'string')
    throw new ModelFileError(`text: split is ${show(split)}, expected a string or null`);
  const map = readMap(settings.map);
  const { start, end } = readMarks(settings, vocabulary.length);
  const marks = Number(start !== null) + Number(end !== null);
  if (unit === 'ngrams' && map) throw new ModelFileError('text: unit ngrams has no map');
  const most = length !== null && maxlen > length ? length : maxlen;
  if (most !== null && most <= marks) throw new ModelFileError(`text: maxlen is ${most}, start and end take ${marks} of it`);
  return {
    vocabulary,
    unit,
    normalization: oneOf('normalization', settings.normalization ?? null, [...forms, null]),
    case: oneOf('case', settings.case ?? null, ['lower', 'lower-ascii', null]),
    padding: oneOf('padding', settings.padding ?? 'post', ['post', 'pre']),
    truncation: oneOf('truncation', settings.truncation ?? 'post', unit === 'ngrams' ? ['post'] : ['post', 'pre']),
    ...(unit === 'ngrams' ? { pad: settings.pad ?? null, unknown: null } : readIds(settings, paddingIsData)),
    length,
    maxlen: most === null ? null : most - marks,
    mask,
    paddingIsData,
    split,
    separators: new Set([...textOf(settings.filters ?? ''), ...(split && [...split].length === 1 ? [split] : [])]),
    removed: new Set(textOf(settings.remove ?? '')),
    map,
    start,
    end,
  };
}

/** The spelling of special tokens: <pad>, [UNK], {oov}, __start__, PAD. */
const MARKER = /^(?:<.*>|\[.*\]|\{.*\}|\(.*\)|__.*__|[\W_]*(?:pad|padding|unk|unknown|oov)[\W_]*)$/is;

/** @param {string} entry  of a vocabulary */
export const isMarker = (entry) => entry === '' || (entry.length > 1 && MARKER.test(entry));
