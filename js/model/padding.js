/**
 * How a model treats padding: it ignores these steps, or reads their zeros as data.
 * @module
 */
import { ModelFileError } from '../errors.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('../text/vectorizer.js').TextSettings} TextSettings */
/** @typedef {import('../text/vectorizer.js').TextVectorizer} TextVectorizer */
/** @typedef {import('./graph.js').ModelInput} ModelInput */

/** Whether the input has a time axis. @param {ModelInput} input */
export const isSequence = ({ ids, shape }) => ids || shape.length > 1;

/** @param {Layer} layer */
export const isMasking = ({ className }) => className === 'Masking';

/**
 * Marks the inputs that have a fixed length and no mask as `exact`: the model would read padding of a shorter row as data.
 * @param {Layer} root
 * @param {ModelInput[]} inputs
 */
export function markExact(root, inputs) {
  const all = root.all();
  // Layers inside TimeDistributed: their masks end there.
  const inner = new Set(all.filter(({ className }) => className === 'TimeDistributed').flatMap((each) => each.all().slice(1)));
  const hasMasking = all.some((layer) => isMasking(layer) && !inner.has(layer));
  for (const input of inputs)
    input.exact = isSequence(input) && input.shape[0] !== null && !(input.ids ? input.maskZero : hasMasking);
}

/**
 * The text settings with defaults that follow from the input: its fixed length if the model needs it, and no mask if the model reads padding as data.
 * @param {TextSettings} text
 * @param {ModelInput} input
 * @param {boolean} imported  whether the rules of a framework apply
 * @param {boolean} whole  whether a layer reads padding or needs rows of equal length
 * @returns {TextSettings}
 */
export function withOwnLength(text, input, imported, whole) {
  if (text === null || typeof text !== 'object' || text.unit === 'ngrams') return text;
  const [own] = input.shape;
  const length = own && (whole || (input.exact && text.length === undefined)) ? (text.length ?? own) : text.length;
  const isData = length && !input.maskZero && (input.exact || imported);
  return { ...text, ...(length !== undefined && { length }), ...(text.mask === undefined && isData && { mask: false }) };
}

/**
 * Checks that the text settings pad as the model needs.
 * @param {TextVectorizer} text
 * @param {ModelInput} input
 * @param {{ readsPadding: string[], imported: boolean }} model
 * @throws {ModelFileError}
 */
export function checkText({ pad, length, mask }, input, { readsPadding, imported }) {
  if (input.exact && !mask && length !== input.shape[0])
    throw new ModelFileError(
      `text: length is ${length}, expected ${input.shape[0]}, as the model has this length and no mask; leave length out, or set mask: true`,
    );
  if (input.maskZero && imported && pad !== 0)
    throw new ModelFileError(`text: pad is ${pad}, expected 0, as the embedding has mask_zero`);
  if (pad === null && readsPadding.length)
    throw new ModelFileError(`text: pad is null, expected an id, as ${readsPadding.join(', ')} reads padding`);
}
