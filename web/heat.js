/**
 * Shows how much each token contributes to the answer. If a model ends in a mean over time and one dense layer with softmax, the difference
 * of two classes' log scores is a sum over the tokens: ln(p/q) = sum_t h_t (w_p - w_q) / T + b_p - b_q, where h_t is the state of token t
 * before the mean; in a bag of n-grams the divisor is sqrt(T). The state of a recurrent layer depends on the whole text, so a contribution shows
 * where in the text the model finds evidence, not what the token would contribute by itself.
 */
import { make } from './elements.js';

/**
 * @typedef {object} Heat
 * @property {[number, number]} labels  indices of the best class and the second
 * @property {Float32Array} shares  the contribution of each token
 * @property {number} bias  b_p - b_q
 */

/**
 * @param {import('padless').Model} model
 * @param {string} text
 * @param {ArrayLike<number>} scores  of the classes, from the model
 * @returns {Heat | null} null if the model does not end in such layers, and for an empty text
 */
export function heatOf(model, text, scores) {
  const steps = model.trace(text);
  const [pooling, dense] = steps.slice(-2);
  if (!pooling || !/^(GlobalAveragePooling1D|padless>Masked(Mean|SqrtN))$/.test(pooling.layer) || dense.layer !== 'Dense')
    return null;
  const [{ shape, data, mask }] = pooling.before;
  const weights = new Map(model.root.listWeights().map(({ path, layer, spec }) => [path, layer.weight(spec.name)]));
  const kernel = weights.get(`${dense.path}.kernel`);
  if (!kernel || shape.length !== 3) return null;
  const [, T, D] = shape;
  const K = kernel.shape[1];
  // For int8 weights, this getter converts to floats: read it once, not in the loop.
  const matrix = kernel.data;
  const order = Array.from(scores, (_, k) => k).sort((a, b) => scores[b] - scores[a]);
  const [p, q] = order;
  const kept = Array.from({ length: T }, (_, t) => t).filter((t) => !mask || mask[t]);
  if (kept.length === 0 || K < 2) return null;
  const divisor = pooling.layer === 'padless>MaskedSqrtN' ? Math.sqrt(kept.length) : kept.length;
  const shares = Float32Array.from(kept, (t) => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += data[t * D + d] * (matrix[d * K + p] - matrix[d * K + q]);
    return sum / divisor;
  });
  const bias = weights.get(`${dense.path}.bias`)?.data;
  return { labels: [p, q], shares, bias: bias ? bias[p] - bias[q] : 0 };
}

const graphemes = typeof Intl.Segmenter === 'function' ? new Intl.Segmenter(undefined, { granularity: 'grapheme' }) : null;

/**
 * The shares of user-perceived characters (grapheme clusters). Each token's share is spread evenly over the part of the text that it covers: a
 * character may consist of several tokens, and an n-gram covers several characters. Characters that no token covers have no share.
 * @param {string} read  the part of the text that the model has read @param {ArrayLike<number>} offsets @param {Float32Array} shares
 */
function sharesByCharacter(read, offsets, shares) {
  const units = new Float64Array(read.length);
  const covered = new Uint8Array(read.length);
  shares.forEach((share, t) => {
    const [start, end] = [offsets[2 * t] - offsets[0], offsets[2 * t + 1] - offsets[0]];
    covered.fill(1, start, end);
    for (let i = start; i < end; i++) units[i] += share / (end - start);
  });
  let at = 0;
  const segments = graphemes ? Array.from(graphemes.segment(read), ({ segment }) => segment) : Array.from(read);
  return segments.map((segment) => {
    const [from, to] = [at, (at += segment.length)];
    if (!covered.subarray(from, to).includes(1)) return { segment };
    return { segment, sum: units.subarray(from, to).reduce((all, share) => all + share, 0) };
  });
}

/** The shares of words; text between words has no share. @param {string} read @param {ArrayLike<number>} offsets @param {Float32Array} shares */
function sharesByWord(read, offsets, shares) {
  const from = offsets[0];
  /** @type {{ segment: string, sum?: number }[]} */
  const pieces = [];
  let at = from;
  shares.forEach((sum, t) => {
    pieces.push({ segment: read.slice(at - from, offsets[2 * t] - from) });
    at = offsets[2 * t + 1];
    pieces.push({ segment: read.slice(offsets[2 * t] - from, at - from), sum });
  });
  return pieces;
}

/**
 * The text that the model has read, each token coloured by its share. Tokens in favour of the second class are underlined as well.
 * @param {string} text
 * @param {ArrayLike<number>} offsets  of the tokens
 * @param {Float32Array} shares  of the tokens
 * @param {boolean} words  the tokens are words
 */
export function heatText(text, offsets, shares, words) {
  // The text may be much longer than the part that the model reads.
  const end = shares.reduce((most, _, t) => Math.max(most, offsets[2 * t + 1]), 0);
  const read = text.slice(offsets[0], end);
  const pieces = words ? sharesByWord(read, offsets, shares) : sharesByCharacter(read, offsets, shares);
  const most = Math.max(...pieces.map(({ sum = 0 }) => Math.abs(sum)), 1e-9);
  const nodes = pieces.map(({ segment, sum }) => {
    if (sum === undefined) return segment;
    const span = make('span', sum < 0 ? 'against' : 'for', segment);
    span.style.setProperty('--share', `${Math.round((100 * Math.abs(sum)) / most)}%`);
    span.title = `${sum < 0 ? '−' : '+'}${Math.abs(sum).toFixed(3)}`;
    return span;
  });
  const line = make('p', 'heat', ...nodes);
  line.dir = 'auto';
  return line;
}
