/**
 * Raw outputs -> what predict() says of a text.
 * @module
 */
import { ArgumentError, ModelFileError, ShapeError, show } from '../errors.js';
import { schemes, spansOf } from './spans.js';

/**
 * @typedef {object} OutputSettings  one output of a model, as its file says
 * @property {string} name
 * @property {'class' | 'scores' | 'tags'} kind
 *   class: one of the labels; scores: each label on its own; tags: a class for each token
 * @property {string[]} [labels]
 * @property {number} [threshold]  class: an answer whose score is below it is not certain
 * @property {import('./spans.js').Scheme} [scheme]  tags: labels are B-PER, I-PER, O ...; spans are read from them
 */
/** @typedef {{ label: string, score: number, start: number, end: number }} Tag  [start, end) in UTF-16 units of the text */

/**
 * What one output says of a text.
 * @typedef {object} Answer
 * @property {string} [label]  class: the label with the highest score
 * @property {number} [score]  class: its score
 * @property {boolean} [certain]  class with a threshold: whether the score reaches it
 * @property {Record<string, number>} [scores]  class and scores: each label's
 * @property {Tag[]} [tags]  tags: one a token that the model read
 * @property {Tag[]} [spans]  tags with a scheme: what the tags mark; the score is the mean of its tokens'
 */
/**
 * What predict() says of a text: for a model of one output its answer; for several, each under `outputs`.
 * @typedef {Answer & { outputs?: Record<string, Answer>, tokens: number, truncated: boolean }} Prediction
 *   tokens: that the model read; 0 for an empty text, whose answer is what the model says of nothing.
 *   truncated: the text was longer than the model reads, and was cut
 */

/**
 * Which labels predict() may answer: a list of them, or a weight for some, by which their scores are multiplied; the others have 0. The scores
 * are then divided by their sum.
 * @typedef {readonly string[] | Readonly<Record<string, number>>} AllowedLabels
 */

/**
 * Refuses settings that do not fit the model.
 * @param {OutputSettings[]} outputs
 * @param {import('../layers/tensor.js').Spec[]} specs  what the model gives
 */
export function checkOutputs(outputs, specs) {
  if (!Array.isArray(outputs) || outputs.some((output) => output === null || typeof output !== 'object'))
    throw new ModelFileError('outputs: expected a list of { name, kind, labels }');
  if (outputs.length !== specs.length)
    throw new ModelFileError(`outputs: ${outputs.length} are described, the model has ${specs.length}`);
  outputs.forEach(({ name, kind, labels, scheme, threshold }, i) => {
    const { features, sequence } = specs[i];
    if (!['class', 'scores', 'tags'].includes(kind)) throw new ModelFileError(`outputs: ${name} has kind ${JSON.stringify(kind)}`);
    if (labels && !(Array.isArray(labels) && labels.length === features))
      throw new ModelFileError(`outputs: ${name} has ${labels.length} labels, the model gives ${features} values`);
    if ((kind === 'tags') !== sequence && (labels || kind === 'tags'))
      throw new ModelFileError(`outputs: ${name} is of kind ${kind}, the model gives ${sequence ? 'a sequence' : 'a vector'}`);
    if (threshold !== undefined && !(kind === 'class' && threshold >= 0 && threshold <= 1))
      throw new ModelFileError(`outputs: ${name}: threshold is ${show(threshold)}, expected 0 to 1, for kind class`);
    if (scheme !== undefined && !schemes.includes(scheme))
      throw new ModelFileError(`outputs: ${name} has scheme ${JSON.stringify(scheme)}, expected one of ${schemes.join(', ')}`);
  });
}

/**
 * @param {OutputSettings[]} outputs
 * @param {{ shape: number[], data: Float32Array }[]} tensors  [B, K] or [B, T, K]
 * @param {import('../text/vectorizer.js').EncodedBatch} batch
 * @param {boolean} padsFront
 * @param {AllowedLabels} [allowed]
 * @returns {Prediction[]}
 * @throws {ArgumentError} for labels that the model lacks, or that none of its outputs takes
 */
export function predictions(outputs, tensors, batch, padsFront, allowed) {
  const weights = allowed && outputs.map((output) => weightsOf(output, allowed));
  if (weights && !weights.some(Boolean))
    throw new ArgumentError('predict: labels are for an output of kind class that names its labels; the model has none');
  return batch.rows.map(({ ids, offsets, truncated }, b) => {
    const answers = outputs.map((output, i) => {
      const { shape, data } = tensors[i];
      const K = shape.length > 1 ? shape[shape.length - 1] : 1;
      const labels = output.labels ?? Array.from({ length: K }, (_, k) => String(k));
      if (output.kind !== 'tags') return answer(output, labels, data.subarray(b * K, (b + 1) * K), weights?.[i]);
      const T = shape[1];
      if (T !== batch.shape[1])
        throw new ShapeError(`${output.name}: the model gives ${T} tags for ${batch.shape[1]} tokens; use run()`);
      const shift = padsFront ? T - ids.length : 0;
      const tags = Array.from(ids, (_, t) => {
        const values = data.subarray((b * T + shift + t) * K, (b * T + shift + t + 1) * K);
        const best = argmax(values);
        return { label: labels[best], score: values[best], start: offsets[2 * t], end: offsets[2 * t + 1] };
      });
      return output.scheme ? { tags, spans: spansOf(tags, output.scheme) } : { tags };
    });
    const rest = { tokens: ids.length, truncated };
    if (answers.length === 1) return { ...answers[0], ...rest };
    return { outputs: Object.fromEntries(outputs.map(({ name }, i) => [name, answers[i]])), ...rest };
  });
}

/**
 * A weight for each label of an output; undefined if it takes none.
 * @param {OutputSettings} output
 * @param {AllowedLabels} allowed
 */
function weightsOf({ kind, labels }, allowed) {
  if (kind !== 'class' || !labels) return undefined;
  const given = Array.isArray(allowed) ? Object.fromEntries(allowed.map((label) => [label, 1])) : Object(allowed);
  for (const [label, weight] of Object.entries(given)) {
    if (!labels.includes(label)) throw new ArgumentError(`predict: label ${show(label)} is not one of ${labels.join(', ')}`);
    if (!(typeof weight === 'number' && weight >= 0 && weight < Infinity))
      throw new ArgumentError(`predict: the weight of label ${show(label)} is ${show(weight)}, expected a number from 0 on`);
  }
  const weights = labels.map((label) => (Object.hasOwn(given, label) ? /** @type {number} */ (given[label]) : 0));
  if (!weights.some((weight) => weight > 0)) throw new ArgumentError('predict: labels allow none of the labels');
  return weights;
}

/** @param {OutputSettings} output @param {string[]} labels @param {Float32Array} values @param {number[]} [weights] @returns {Answer} */
function answer({ kind, threshold }, labels, values, weights) {
  const weighed = weights ? reweighed(values, weights) : values;
  /** @type {Record<string, number>} */
  const scores = {};
  for (let k = 0; k < labels.length; k++) scores[labels[k]] = weighed[k];
  if (kind === 'scores') return { scores };
  const best = argmax(weighed);
  const score = weighed[best];
  return threshold === undefined
    ? { label: labels[best], score, scores }
    : { label: labels[best], score, certain: score >= threshold, scores };
}

/** Scores times weights, divided by their sum; where all of them are 0, the weights divided by theirs. @param {Float32Array} values @param {number[]} weights */
function reweighed(values, weights) {
  const products = weights.map((weight, k) => weight * values[k]);
  const sum = products.reduce((total, value) => total + value, 0);
  if (!(sum > 0)) return reweighed(new Float32Array(weights.length).fill(1), weights);
  return Float32Array.from(products, (value) => value / sum);
}

/** @param {Float32Array} values @returns {number} the first of the greatest */
function argmax(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}
