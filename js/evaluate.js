/**
 * How right a model is on labelled text: cross-entropy, accuracy, and F1 of spans, over tokens that are there. Padding never counts.
 * @module
 */
import { ArgumentError } from './errors.js';
import { spansOf } from './spans.js';
/** @typedef {import('./model.js').Model} Model */

/** A text and its label; or tokens and a label for each. @typedef {{ text: string, label: string } | { tokens: string[], labels: string[] }} Example */
/**
 * @typedef {object} Scores
 * @property {number} examples
 * @property {number} counted  labels that were compared
 * @property {number} accuracy  of 1
 * @property {number} crossEntropy  mean, in nats; probabilities clipped to [1e-7, 1 - 1e-7] as Keras does
 * @property {{ precision: number, recall: number, f1: number, spans: number }} [spans]  for tags with a scheme
 */

/**
 * @param {string} text  a file: `text<TAB>label` a line; for tags `token<TAB>label` a line and an empty line between sentences
 * @param {'class' | 'scores' | 'tags'} kind
 * @returns {Example[]}
 * @throws {ArgumentError} naming the line
 */
export function parseExamples(text, kind) {
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  /** @type {Example[]} */
  const examples = [];
  /** @type {{ tokens: string[], labels: string[] }} */
  let sentence = { tokens: [], labels: [] };
  lines.forEach((line, i) => {
    if (kind !== 'tags' && line === '') return;
    if (kind === 'tags' && line.trim() === '') {
      if (sentence.tokens.length) examples.push(sentence);
      sentence = { tokens: [], labels: [] };
      return;
    }
    const tab = line.lastIndexOf('\t');
    if (tab < 0) throw new ArgumentError(`line ${i + 1}: no tab; expected ${kind === 'tags' ? 'token' : 'text'}<TAB>label`);
    const [left, label] = [line.slice(0, tab), line.slice(tab + 1)];
    if (kind !== 'tags') examples.push({ text: left, label });
    else {
      sentence.tokens.push(left);
      sentence.labels.push(label);
    }
  });
  if (sentence.tokens.length) examples.push(sentence);
  return examples;
}

/**
 * @param {Model} model  with text settings and one output that has labels
 * @param {Example[]} examples
 * @param {{ batch?: number, ignore?: string[] }} [options]  ignore: labels that are passed over, such as those of [CLS] and [SEP]
 * @returns {Scores}
 * @throws {ArgumentError} for a label that the model does not know
 */
export function evaluate(model, examples, { batch = 64, ignore = [] } = {}) {
  const [{ kind, labels, scheme, name }] = model.outputs;
  if (!model.text || !labels || model.outputs.length !== 1)
    throw new ArgumentError(
      `eval needs a model with text settings and one output with labels; ${name} has ${labels ? labels.length : 'none'}`,
    );
  if (kind === 'scores')
    throw new ArgumentError(
      `eval: ${name} is of kind scores, whose labels do not exclude each other; class and tags can be evaluated`,
    );
  const ids = new Map(labels.map((label, i) => [label, i]));
  const skipped = new Set(ignore);
  /** @param {string} label */
  const idOf = (label) => {
    if (skipped.has(label)) return -1;
    const id = ids.get(label);
    if (id === undefined)
      throw new ArgumentError(
        `label ${JSON.stringify(label)} is not one of the model's ${labels.length}: ${labels.slice(0, 10).join(', ')} ...`,
      );
    return id;
  };
  const total = { sum: 0, count: 0, correct: 0 };
  const spans = { right: 0, found: 0, there: 0 };
  for (let i = 0; i < examples.length; i += batch) {
    const some = examples.slice(i, i + batch);
    if (kind === 'tags') tagged(model, some, idOf, total, scheme ? spans : null);
    else {
      const [{ data }] = model.outputsOf(some.map((example) => ('text' in example ? example.text : example.tokens.join(' '))));
      count(
        model,
        data,
        some.map((example) => idOf('label' in example ? example.label : example.labels[0])),
        total,
      );
    }
  }
  const { right, found, there } = spans;
  const [precision, recall] = [right / (found || 1), right / (there || 1)];
  return {
    examples: examples.length,
    counted: total.count,
    accuracy: total.correct / (total.count || 1),
    crossEntropy: total.sum / (total.count || 1),
    ...(scheme && { spans: { precision, recall, f1: (2 * right) / (found + there || 1), spans: there } }),
  };
}

/**
 * @param {Model} model
 * @param {Example[]} examples
 * @param {(label: string) => number} idOf
 * @param {{ sum: number, count: number, correct: number }} total
 * @param {{ right: number, found: number, there: number } | null} spans
 */
function tagged(model, examples, idOf, total, spans) {
  const [{ labels = [], scheme }] = model.outputs;
  for (const example of examples) {
    const { tokens, labels: gold } = 'tokens' in example ? example : { tokens: [example.text], labels: [example.label] };
    const { row, mask, from, kept } = batchOf(model, tokens);
    const [{ data: whole, shape }] = model.run([row], { mask: [mask] });
    const K = /** @type {number} */ (shape.at(-1));
    if (shape[1] !== row.length) throw new ArgumentError(`eval: the model gives ${shape[1]} tags for ${row.length} tokens`);
    const data = whole.subarray(from * K, (from + kept.length) * K);
    const seen = kept.map((t) => gold[t]);
    count(model, data, seen.map(idOf), total);
    if (!spans || !scheme) continue;
    const best = seen.map((_, t) => {
      const values = data.subarray(t * K, (t + 1) * K);
      return labels[values.indexOf(Math.max(...values))];
    });
    /** @param {string[]} tags */
    const keys = (tags) =>
      new Set(
        spansOf(
          tags.map((label, t) => ({ label, score: 1, start: t, end: t + 1 })),
          scheme,
        ).map(({ label, start, end }) => `${label} ${start} ${end}`),
      );
    const [ours, theirs] = [keys(best), keys(seen)];
    spans.found += ours.size;
    spans.there += theirs.size;
    for (const key of ours) if (theirs.has(key)) spans.right++;
  }
}

/**
 * Tokens as the model would read them: cut and padded by its settings.
 * @param {Model} model
 * @param {string[]} tokens
 * @returns {{ row: number[], mask: number[], from: number, kept: number[] }} kept: which tokens are left, standing at `from` on
 */
function batchOf({ text }, tokens) {
  const { maxlen = null, length = null, truncation = 'post', padding = 'post', pad = 0, mask: masks = true } = text ?? {};
  const most = maxlen ?? tokens.length;
  const skip = truncation === 'pre' ? Math.max(0, tokens.length - most) : 0;
  const kept = tokens.map((_, t) => t).slice(skip, skip + most);
  const T = length ?? kept.length;
  const from = padding === 'pre' ? T - kept.length : 0;
  const row = new Array(T).fill(pad);
  kept.forEach((t, i) => (row[from + i] = text?.idOf(tokens[t]) ?? 0));
  const counts = masks || length === null;
  return { row, mask: row.map((_, t) => Number(!counts || (t >= from && t < from + kept.length))), from, kept };
}

/** @param {Model} model @param {Float32Array} data  [M, K] @param {number[]} gold @param {{ sum: number, count: number, correct: number }} total */
function count({ heap }, data, gold, total) {
  heap.scoped(() => {
    const result = heap.reserve(16);
    const K = data.length / gold.length;
    heap.exports.pl_cross_entropy(result, 0, heap.f32(data), heap.i32(gold), 0, gold.length, K);
    const view = new DataView(heap.bytes(result, 16).slice().buffer);
    total.sum += view.getFloat64(0, true);
    total.count += view.getInt32(8, true);
    total.correct += view.getInt32(12, true);
  });
}
