/**
 * Options of `padless convert` that say how the model reads text, and the printed summary, which lists the assumed settings.
 * @module
 */
import { ArgumentError } from '../errors.js';
import { readSource } from '../file/read-source.js';
import { assumedOf } from '../import/tokenizer.js';
import { isPickle, readTokenizerPickle } from '../import/tokenizer-pickle.js';
import { print, readJson, readJsonGiven } from './files.js';
import { shownSides } from './info.js';
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('../text/settings.js').TextSettings} TextSettings */
/** @typedef {import('./usage.js').Values} Values */
/** @typedef {{ tokenizer?: any, text?: Partial<TextSettings> }} TextOptions */

/** @param {'padding' | 'truncation'} name @param {string} value @returns {'post' | 'pre'} */
function sideOf(name, value) {
  if (value !== 'post' && value !== 'pre') throw new ArgumentError(`--${name} ${value}: expected post or pre`);
  return value;
}

/** @param {string} value */
function lengthOf(value) {
  const length = Number(value);
  if (!Number.isSafeInteger(length) || length < 1) throw new ArgumentError(`--maxlen ${value}: expected an integer from 1 on`);
  return length;
}

/** Reads a tokenizer: its JSON, or a pickle. @param {string} file */
async function readTokenizer(file) {
  const bytes = await readSource(file).catch(() => new Uint8Array());
  return isPickle(bytes) ? readTokenizerPickle(bytes, file) : readJson(file);
}

/** @param {Values} values @returns {Promise<TextOptions>} for an importer */
export async function textOptions({ tokenizer, text, padding, truncation, maxlen }) {
  const own = text === undefined ? {} : await readJsonGiven(text);
  if (own === null || typeof own !== 'object' || Array.isArray(own))
    throw new ArgumentError(`--text ${String(text).slice(0, 80)}: expected an object of text settings`);
  const given = {
    ...own,
    ...(padding !== undefined && { padding: sideOf('padding', padding) }),
    ...(truncation !== undefined && { truncation: sideOf('truncation', truncation) }),
    ...(maxlen !== undefined && { length: lengthOf(maxlen) }),
  };
  return {
    ...(tokenizer !== undefined && { tokenizer: await readTokenizer(tokenizer) }),
    ...(Object.keys(given).length > 0 && { text: given }),
  };
}

const units = {
  codepoint: 'characters',
  grapheme: 'graphemes',
  word: 'words',
  split: 'words',
  text: 'whole texts',
  ngrams: 'hashed n-grams of words',
};

/**
 * Describes the tokens, and what happens to unknown ones.
 * @param {import('../text/vectorizer.js').TextVectorizer} text
 */
function tokensOf({ settings, unit, unknown, vocabulary }) {
  const { ngrams, split } = settings;
  if (ngrams && 'scheme' in ngrams && ngrams.scheme === 'keras') {
    const { split: by, widths, unknown: count, first } = ngrams;
    const tokens = by === null ? units.text : by === 'character' ? units.codepoint : units.word;
    return {
      tokens: widths && widths.join() !== '1' ? `n-grams of ${widths.join(', ')} ${tokens}` : tokens,
      strangers: count === 0 ? 'are an error' : count === 1 ? `are id ${first}` : `have ids ${first} to ${first + count - 1}`,
    };
  }
  const tokens = split === '' ? units.codepoint : units[unit];
  if (unknown !== null) return { tokens, strangers: `are ${JSON.stringify(vocabulary[unknown])} (id ${unknown})` };
  return { tokens, strangers: unit === 'ngrams' ? 'have ids, too' : 'are dropped' };
}

/**
 * Prints how the model reads text, and which settings were assumed.
 * @param {Model} model
 * @param {TextOptions} options
 */
export function printText({ text, readsPadding, inputs: [input], kerasVersion }, { tokenizer, text: given = {} }) {
  if (!text) return;
  const { settings, length, size } = text;
  const { split } = settings;
  const cased = text.case ? ' in lower case' : '';
  const { tokens, strangers } = tokensOf(text);
  const sides = length === null ? '' : `; ${shownSides(text)}`;
  print(`text: ${tokens}${cased}, ${size} entries, unknown ones ${strangers}${sides}`);
  const isData = text.paddingIsData || readsPadding.length > 0;
  const matters = (/** @type {string} */ name) =>
    name === 'padding' ? isData : name === 'truncation' ? text.maxlen !== null : name !== 'filters' || split !== '';
  const unsaid = tokenizer === undefined ? (Object.keys(given).length ? ['padding', 'truncation'] : []) : assumedOf(tokenizer);
  const assumed = unsaid.filter((name) => !(name in given) && matters(name));
  if (assumed.length)
    print(
      `assumed, as no file says it: ${assumed.map((name) => `${name}=${JSON.stringify(/** @type {any} */ (settings)[name] ?? /** @type {any} */ (text)[name])}`).join(' ')}; if training used other settings, give them by --padding, --truncation, --maxlen or --text`,
    );
  if (length === null && !input.maskZero && kerasVersion)
    print(
      'length: the model has no fixed length and no mask; if it was trained on rows padded to one length, give that: --maxlen N',
    );
}
