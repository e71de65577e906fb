/**
 * One model and some texts, and the forms in which each text is given to an engine: alone, padded in three ways, and in a batch.
 */
import { random } from '../random.js';

export const sizes = { V: 1000, D: 64, H: 64, K: 10 };
/** Number of steps of a padded row. */
export const T = 64;
/** Numbers of steps of the texts. */
const LENGTHS = [3, 7, 12, 20, 31];

const { normal, integer } = random(1);
const { V, D, H, K } = sizes;

/** @param {number[]} shape @param {number} scale */
const weight = (shape, scale) => ({
  shape,
  data: normal(
    shape.reduce((product, size) => product * size, 1),
    scale,
  ),
});

/** Embedding, bidirectional LSTM, mean over time, dense with softmax: Keras's names and layouts. @type {Record<string, { shape: number[], data: Float32Array }>} */
export const weights = { 'embedding.embeddings': weight([V, D], 1) };
for (const side of ['forward_layer', 'backward_layer']) {
  weights[`rnn.${side}.kernel`] = weight([D, 4 * H], Math.sqrt(1 / D));
  weights[`rnn.${side}.recurrent_kernel`] = weight([H, 4 * H], Math.sqrt(1 / H));
  weights[`rnn.${side}.bias`] = weight([4 * H], 0.1);
}
weights['dense.kernel'] = weight([2 * H, K], 1);
weights['dense.bias'] = weight([K], 0.1);

export const texts = LENGTHS.map((length) => Array.from({ length }, () => integer(1, V - 1)));

/** @param {number} n */
const zeros = (n) => Array.from({ length: n }, () => 0);
/** The other text of a batch, with T steps. */
const longText = Array.from({ length: T }, () => integer(1, V - 1));

/** The rows of each form. The first row's answer is compared. @type {Record<string, (text: number[]) => number[][]>} */
export const forms = {
  alone: (text) => [text],
  end: (text) => [[...text, ...zeros(T - text.length)]],
  front: (text) => [[...zeros(T - text.length), ...text]],
  middle: (text) => [[...text.slice(0, text.length >> 1), ...zeros(T - text.length), ...text.slice(text.length >> 1)]],
  batch: (text) => [[...text, ...zeros(T - text.length)], longText],
};

/**
 * The results of an engine.
 * @typedef {object} Row
 * @property {string} engine
 * @property {Record<string, number | null>} change  by form: the largest change of a probability over all texts; null if the engine cannot express this form
 * @property {number} times  time with padding at the end over time without
 * @property {string} [refused]  why the engine does not load the model; the other numbers are missing then
 */

/**
 * @param {string} engine
 * @param {(rows: number[][], form: string) => Promise<ArrayLike<number> | null> | ArrayLike<number> | null} answer  the probabilities of all rows
 * @param {(ways: Record<string, () => unknown>) => Promise<Record<string, number>>} time
 * @returns {Promise<Row>}
 */
export async function survive(engine, answer, time) {
  /** @type {Row['change']} */
  const change = {};
  const alone = [];
  for (const text of texts) alone.push(Float32Array.from((await answer(forms.alone(text), 'alone')) ?? []));
  for (const form of ['end', 'front', 'middle', 'batch']) {
    let most = 0;
    for (const [i, text] of texts.entries()) {
      const answers = await answer(forms[form](text), form);
      if (answers === null) most = NaN;
      else for (let k = 0; k < K; k++) most = Math.max(most, Math.abs(answers[k] - alone[i][k]));
    }
    change[form] = Number.isNaN(most) ? null : most;
  }
  const text = texts[2];
  const took = await time({ alone: () => answer(forms.alone(text), 'alone'), end: () => answer(forms.end(text), 'end') });
  return { engine, change, times: took.end / took.alone };
}
