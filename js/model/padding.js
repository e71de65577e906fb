/**
 * What padding is to a model: steps that it never sees, or zeros that it reads as data.
 * @module
 */
import { ModelFileError } from '../errors.js';
import { Masking } from '../layers/basic.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('../text/vectorizer.js').TextSettings} TextSettings */
/** @typedef {import('../text/vectorizer.js').TextVectorizer} TextVectorizer */
/** @typedef {import('./graph.js').ModelInput} ModelInput */

/** @param {ModelInput} input */
export const isSequence = ({ ids, shape }) => ids || shape.length > 1;

/**
 * Marks the inputs with a fixed length that no layer masks: a shorter row, padded, would be another row.
 * @param {Layer} root
 * @param {ModelInput[]} inputs
 */
export function markExact(root, inputs) {
  const hasMasking = root.all().some((layer) => layer instanceof Masking);
  for (const input of inputs)
    input.exact = isSequence(input) && input.shape[0] !== null && !(input.ids ? input.maskZero : hasMasking);
}

/**
 * Text settings of a model that masks nothing: its padding is data, to its own length.
 * @param {TextSettings} text
 * @param {ModelInput} input
 * @param {boolean} imported  a framework's rules hold
 * @returns {TextSettings}
 */
export function withOwnLength(text, input, imported) {
  if (text === null || typeof text !== 'object' || text.unit === 'ngrams') return text;
  const length = text.length === undefined && input.exact ? input.shape[0] : text.length;
  const isData = length && !input.maskZero && (input.exact || imported);
  return { ...text, ...(length !== undefined && { length }), ...(text.mask === undefined && isData && { mask: false }) };
}

/**
 * Refuses text settings whose padding is not the model's.
 * @param {TextVectorizer} text
 * @param {ModelInput} input
 * @param {{ readsPadding: string[], imported: boolean }} model
 * @throws {ModelFileError}
 */
export function checkText({ pad, length, mask }, input, { readsPadding, imported }) {
  if (input.exact && !mask && length !== input.shape[0])
    throw new ModelFileError(
      `text: length is ${length}, the model reads ${input.shape[0]} tokens and masks nothing; leave length out, or say mask: true`,
    );
  if (input.maskZero && imported && pad !== 0)
    throw new ModelFileError(`text: pad is ${pad}, the embedding takes 0 for padding (mask_zero)`);
  if (pad === null && readsPadding.length)
    throw new ModelFileError(`text: pad is null; ${readsPadding.join(', ')} reads padding, which needs an id`);
}
