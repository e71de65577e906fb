/**
 * Raw outputs -> what predict() says of a text.
 * @module
 */
import { ModelFileError, ShapeError } from '../errors.js';
import { schemes, spansOf } from './spans.js';

/**
 * @typedef {object} OutputSettings  one output of a model, as its file says
 * @property {string} name
 * @property {'class' | 'scores' | 'tags'} kind
 *   class: one of the labels; scores: each label on its own; tags: a class for each token
 * @property {string[]} [labels]
 * @property {import('./spans.js').Scheme} [scheme]  tags: labels are B-PER, I-PER, O ...; spans are read from them
 */
/** @typedef {{ label: string, score: number, start: number, end: number }} Tag  [start, end) in UTF-16 units of the text */

/**
 * What one output says of a text.
 * @typedef {object} Answer
 * @property {string} [label]  class: the label with the highest score
 * @property {number} [score]  class: its score
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
 * Refuses settings that do not fit the model.
 * @param {OutputSettings[]} outputs
 * @param {import('../layers/tensor.js').Spec[]} specs  what the model gives
 */
export function checkOutputs(outputs, specs) {
  if (!Array.isArray(outputs) || outputs.some((output) => output === null || typeof output !== 'object'))
    throw new ModelFileError('outputs: expected a list of { name, kind, labels }');
  if (outputs.length !== specs.length)
    throw new ModelFileError(`outputs: ${outputs.length} are described, the model has ${specs.length}`);
  outputs.forEach(({ name, kind, labels, scheme }, i) => {
    const { features, sequence } = specs[i];
    if (!['class', 'scores', 'tags'].includes(kind)) throw new ModelFileError(`outputs: ${name} has kind ${JSON.stringify(kind)}`);
    if (labels && !(Array.isArray(labels) && labels.length === features))
      throw new ModelFileError(`outputs: ${name} has ${labels.length} labels, the model gives ${features} values`);
    if ((kind === 'tags') !== sequence && (labels || kind === 'tags'))
      throw new ModelFileError(`outputs: ${name} is of kind ${kind}, the model gives ${sequence ? 'a sequence' : 'a vector'}`);
    if (scheme !== undefined && !schemes.includes(scheme))
      throw new ModelFileError(`outputs: ${name} has scheme ${JSON.stringify(scheme)}, expected one of ${schemes.join(', ')}`);
  });
}

/**
 * @param {OutputSettings[]} outputs
 * @param {{ shape: number[], data: Float32Array }[]} tensors  [B, K] or [B, T, K]
 * @param {import('../text/vectorizer.js').EncodedBatch} batch
 * @param {boolean} padsFront
 * @returns {Prediction[]}
 */
export function predictions(outputs, tensors, batch, padsFront) {
  return batch.rows.map(({ ids, offsets, truncated }, b) => {
    const answers = outputs.map((output, i) => {
      const { shape, data } = tensors[i];
      const K = shape.length > 1 ? shape[shape.length - 1] : 1;
      const labels = output.labels ?? Array.from({ length: K }, (_, k) => String(k));
      if (output.kind !== 'tags') return answer(output.kind, labels, data.subarray(b * K, (b + 1) * K));
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

/** @param {'class' | 'scores'} kind @param {string[]} labels @param {Float32Array} values @returns {Answer} */
function answer(kind, labels, values) {
  const scores = Object.fromEntries(labels.map((label, k) => [label, values[k]]));
  if (kind === 'scores') return { scores };
  const best = argmax(values);
  return { label: labels[best], score: values[best], scores };
}

/** @param {Float32Array} values @returns {number} the first of the greatest */
function argmax(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}
