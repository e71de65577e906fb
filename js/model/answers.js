/**
 * Converts output tensors to the answers of predict().
 * @module
 */
import { ArgumentError, ModelFileError, ShapeError, show, textOf } from '../errors.js';
import { schemes, spansOf } from './spans.js';

/**
 * @typedef {object} OutputSettings  settings of one output in a model file
 * @property {string} name
 * @property {'class' | 'scores' | 'tags'} kind
 *   class: one label for the text; scores: independent scores of the labels; tags: one label for each token
 * @property {string[]} [labels]
 * @property {number} [threshold]  for class: answers with a lower score are not certain
 * @property {import('./spans.js').Scheme} [scheme]  for tags: the scheme of labels such as B-PER, I-PER, O. Answers then have spans
 */
/** @typedef {{ label: string, score: number, start: number, end: number }} Tag  [start, end) in UTF-16 units of the text */

/**
 * The answer of one output for a text.
 * @typedef {object} Answer
 * @property {string} [label]  for class: the label with the highest score
 * @property {number} [score]  for class: the score of this label
 * @property {boolean} [certain]  for class with a threshold: whether the score is at least the threshold
 * @property {Record<string, number>} [scores]  for class and scores: the score of each label
 * @property {Tag[]} [tags]  for tags: one for each token that the model read
 * @property {Tag[]} [spans]  for tags with a scheme: the names, words or phrases that the tags mark; score: the mean over the tokens
 */
/**
 * The answer of predict() for a text. If the model has several outputs, `outputs` holds the answer of each.
 * @typedef {Answer & { outputs?: Record<string, Answer>, tokens: number, truncated: boolean }} Prediction
 *   tokens: number of tokens that the model read; 0 for an empty text, which also has an answer.
 *   truncated: whether the text was longer than the model reads and was cut
 */

/**
 * The labels among which predict() chooses: a list, or an object with weights that multiply the scores. Other labels have weight 0. The
 * scores are then divided by their sum.
 * @typedef {readonly string[] | Readonly<Record<string, number>>} AllowedLabels
 */

/**
 * Checks that the settings match the model.
 * @param {OutputSettings[]} outputs
 * @param {import('../layers/tensor.js').Spec[]} specs  of the outputs
 */
export function checkOutputs(outputs, specs) {
  if (!Array.isArray(outputs) || outputs.some((output) => output === null || typeof output !== 'object'))
    throw new ModelFileError('outputs: expected a list of { name, kind, labels }');
  if (outputs.length !== specs.length)
    throw new ModelFileError(`outputs: ${outputs.length} are described, expected the ${specs.length} of the model`);
  outputs.forEach(({ name, kind, labels, scheme, threshold }, i) => {
    const { features, sequence } = specs[i];
    if (typeof name !== 'string') throw new ModelFileError(`outputs: the name of output ${i} is ${show(name)}, expected text`);
    if (!['class', 'scores', 'tags'].includes(kind))
      throw new ModelFileError(`outputs: ${name} has kind ${show(kind)}, expected class, scores or tags`);
    if (labels) checkLabels(labels, { name, kind }, features);
    if ((kind === 'tags') !== sequence && (labels || kind === 'tags'))
      throw new ModelFileError(
        `outputs: ${name} has kind ${kind}, but the output is ${sequence ? 'a sequence, which has kind tags' : 'a vector, which has kind class or scores'}`,
      );
    if (threshold !== undefined && !(kind === 'class' && typeof threshold === 'number' && threshold >= 0 && threshold <= 1))
      throw new ModelFileError(`outputs: ${name}: threshold is ${show(threshold)}, expected 0 to 1, for kind class`);
    if (scheme !== undefined && !schemes.includes(scheme))
      throw new ModelFileError(`outputs: ${name} has scheme ${show(scheme)}, expected one of ${schemes.join(', ')}`);
  });
}

/** @param {any} labels @param {{ name: string, kind: string }} output @param {number} features */
function checkLabels(labels, { name, kind }, features) {
  if (!Array.isArray(labels))
    throw new ModelFileError(`outputs: the labels of ${name} are ${show(labels)}, expected a list of text`);
  if (labels.length !== features)
    throw new ModelFileError(
      `outputs: ${name} has ${labels.length} labels, expected ${features}, one for each value of the output`,
    );
  const wrong = labels.findIndex((label) => typeof label !== 'string');
  if (wrong >= 0) throw new ModelFileError(`outputs: label ${wrong} of ${name} is ${show(labels[wrong])}, expected text`);
  if (kind === 'tags') return;
  // Answers hold scores by label, so a second score for the same label would be lost.
  const first = new Map();
  labels.forEach((label, i) => {
    if (first.has(label))
      throw new ModelFileError(`outputs: ${name} has the label ${show(label)} twice, as ${first.get(label)} and ${i}`);
    first.set(label, i);
  });
}

/** For each output, the weight of each of its labels; undefined if it has no labels to choose from. @typedef {(number[] | undefined)[]} LabelWeights */

/**
 * The weights by which predictions() multiplies the scores.
 * @param {OutputSettings[]} outputs
 * @param {AllowedLabels} [allowed]
 * @returns {LabelWeights | undefined}
 * @throws {ArgumentError} for labels that the model lacks, or if no output has kind class and labels
 */
export function labelWeights(outputs, allowed) {
  const weights = allowed && outputs.map((output) => weightsOf(output, allowed));
  if (weights && !weights.some(Boolean))
    throw new ArgumentError('labels: expected an output of kind class with labels; the model has none');
  return weights;
}

/**
 * The answers of predict().
 * @param {OutputSettings[]} outputs
 * @param {{ shape: number[], data: Float32Array }[]} tensors  [B, K] or [B, T, K]
 * @param {import('../text/vectorizer.js').EncodedBatch} batch
 * @param {LabelWeights} [weights]
 * @returns {Prediction[]}
 */
export function predictions(outputs, tensors, batch, weights) {
  return batch.rows.map(({ ids, offsets, truncated }, b) => {
    const tokens = ids.length / batch.width;
    const answers = outputs.map((output, i) => {
      const { shape, data } = tensors[i];
      const K = shape.length > 1 ? shape[shape.length - 1] : 1;
      const labels = output.labels ?? Array.from({ length: K }, (_, k) => String(k));
      if (output.kind !== 'tags') return answer(output, labels, data.subarray(b * K, (b + 1) * K), weights?.[i]);
      const T = shape[1];
      if (T !== batch.shape[1])
        throw new ShapeError(
          `${output.name}: the output has ${T} steps for ${batch.shape[1]} tokens, expected one for each; use run()`,
        );
      const shift = batch.starts[b];
      const tags = Array.from({ length: tokens }, (_, t) => {
        const values = data.subarray((b * T + shift + t) * K, (b * T + shift + t + 1) * K);
        const best = argmax(values);
        return { label: labels[best], score: values[best], start: offsets[2 * t], end: offsets[2 * t + 1] };
      });
      return output.scheme ? { tags, spans: spansOf(tags) } : { tags };
    });
    const rest = { tokens, truncated };
    if (answers.length === 1) return { ...answers[0], ...rest };
    return { outputs: Object.fromEntries(outputs.map(({ name }, i) => [name, answers[i]])), ...rest };
  });
}

/** @param {OutputSettings} output @param {AllowedLabels} allowed */
function weightsOf({ kind, labels }, allowed) {
  if (kind !== 'class' || !labels) return undefined;
  const given = Array.isArray(allowed) ? Object.fromEntries(allowed.map((label) => [textOf(label), 1])) : Object(allowed);
  for (const [label, weight] of Object.entries(given)) {
    if (!labels.includes(label)) throw new ArgumentError(`labels: ${show(label)} is not one of ${labels.join(', ')}`);
    if (!(typeof weight === 'number' && weight >= 0 && weight < Infinity))
      throw new ArgumentError(`labels: the weight of ${show(label)} is ${show(weight)}, expected a number from 0 on`);
  }
  const weights = labels.map((label) => (Object.hasOwn(given, label) ? /** @type {number} */ (given[label]) : 0));
  if (!weights.some((weight) => weight > 0)) throw new ArgumentError('labels: no label has a weight above 0');
  return weights;
}

/** @param {OutputSettings} output @param {string[]} labels @param {Float32Array} values @param {number[]} [weights] @returns {Answer} */
function answer({ kind, threshold, labels: own }, labels, values, weights) {
  const weighed = weights ? reweighed(values, weights) : values;
  /** @type {Record<string, number>} */
  const scores = own ? { ...templateOf(own) } : {};
  for (let k = 0; k < labels.length; k++) scores[labels[k]] = weighed[k];
  if (kind === 'scores') return { scores };
  const best = argmax(weighed);
  const score = weighed[best];
  return threshold === undefined
    ? { label: labels[best], score, scores }
    : { label: labels[best], score, certain: score >= threshold, scores };
}

/** An object with a number for each label, and the labels that it was made of. @type {WeakMap<string[], { labels: string[], scores: Record<string, number> }>} */
const templates = new WeakMap();

/**
 * An object to be copied for an answer's scores. V8 makes a hash table of an object that gets 62 properties one by one; to copy what JSON.parse()
 * made takes less time.
 * @param {string[]} labels  of an output; the caller may have changed them
 */
function templateOf(labels) {
  let kept = templates.get(labels);
  if (!kept || kept.labels.some((label, k) => label !== labels[k])) {
    kept = { labels: [...labels], scores: JSON.parse(JSON.stringify(Object.fromEntries(labels.map((label) => [label, 0.5])))) };
    templates.set(labels, kept);
  }
  return kept.scores;
}

/** Scores times weights, divided by the sum of the products; if all products are 0, the weights divided by their sum. @param {Float32Array} values @param {number[]} weights */
function reweighed(values, weights) {
  const products = weights.map((weight, k) => weight * values[k]);
  const sum = products.reduce((total, value) => total + value, 0);
  if (!(sum > 0)) return reweighed(new Float32Array(weights.length).fill(1), weights);
  return Float32Array.from(products, (value) => value / sum);
}

/** Index of the largest value; of several, the first. @param {Float32Array} values */
function argmax(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}
