/**
 * Evaluates a model on labelled texts: cross-entropy, accuracy, and F1 of spans. Padding is ignored.
 * @module
 */
import { loss as lossLayout } from '../dist/abi.js';
import { ArgumentError } from '../errors.js';
import { spansOf } from '../model/spans.js';
/** @typedef {import('../model/model.js').Model} Model */

/**
 * A text, or its tokens, with the correct labels. For a model with one output: `label` (class), or `labels`, a list of the labels that apply
 * (scores) or of one label for each token (tags). For several outputs: `labels` by the names of outputs; the others are not evaluated.
 * @typedef {{ text?: string, tokens?: string[], label?: string, labels?: string[] | Record<string, string | string[]> }} Example
 */
/**
 * The results for one output.
 * @typedef {object} Scores
 * @property {number} examples  number of examples with labels for this output
 * @property {number} counted  number of labels compared
 * @property {number} accuracy  share of correct labels; for scores: share of examples with all labels correct (accuracy_score of scikit-learn)
 * @property {number} crossEntropy  mean, in nats; probabilities are clipped to [1e-7, 1 - 1e-7] as in Keras. For scores: binary_crossentropy
 *   of Keras. For a CRF: computed from marginal probabilities
 * @property {{ precision: number, recall: number, f1: number, spans: number }} [spans]  for tags with a scheme
 * @property {number} [hammingLoss]  for scores: share of wrong labels
 * @property {Average} [micro]  for scores: computed over all labels together
 * @property {Average} [macro]  for scores: mean over the labels; a label that is neither correct nor predicted anywhere counts as 0
 *   (zero_division=0 of scikit-learn)
 */
/** A label is predicted if its score is above 0.5. @typedef {{ precision: number, recall: number, f1: number }} Average */
/** @typedef {import('../model/answers.js').OutputSettings} OutputSettings */

/**
 * Parses a file of examples.
 * @param {string} text  content of the file. One example per line, `text<TAB>label`; for scores `text` with any number of `<TAB>label`. For
 *   tags one token per line, `token<TAB>label`, and an empty line between sentences. Or one JSON Example per line
 * @param {'class' | 'scores' | 'tags'} kind
 * @returns {Example[]}
 * @throws {ArgumentError} with the number of the invalid line
 */
export function parseExamples(text, kind) {
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  if (lines[0].startsWith('{"')) return lines.flatMap((line, i) => (line.trim() ? [parseLine(line, i + 1)] : []));
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
    const tab = kind === 'scores' ? line.indexOf('\t') : line.lastIndexOf('\t');
    if (tab < 0) throw new ArgumentError(`line ${i + 1}: no tab; expected ${kind === 'tags' ? 'token' : 'text'}<TAB>label`);
    const [left, label] = [line.slice(0, tab), line.slice(tab + 1)];
    if (kind === 'scores') examples.push({ text: left, labels: label.split('\t').filter(Boolean) });
    else if (kind === 'class') examples.push({ text: left, label });
    else {
      sentence.tokens.push(left);
      sentence.labels.push(label);
    }
  });
  if (sentence.tokens.length) examples.push(sentence);
  return examples;
}

/** Whether it is a list of strings. @param {any} value */
const isStrings = (value) => Array.isArray(value) && value.every((each) => typeof each === 'string');

/** @param {string} line  of JSON @param {number} number @returns {Example} */
function parseLine(line, number) {
  let json;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw new ArgumentError(`line ${number}: not JSON: ${/** @type {Error} */ (cause).message}`, { cause });
  }
  const { text, tokens, label, labels } = json ?? {};
  const reads = tokens === undefined ? typeof text === 'string' : isStrings(tokens);
  const each = labels !== null && typeof labels === 'object' && !Array.isArray(labels) ? Object.values(labels) : [labels ?? label];
  if (!reads || !each.every((value) => typeof value === 'string' || isStrings(value)))
    throw new ArgumentError(
      `line ${number}: expected { "text" or "tokens", "label" or "labels" } with strings, got ${line.slice(0, 80)}`,
    );
  return json;
}

/**
 * Evaluates a model.
 * @param {Model} model  with text settings and labels
 * @param {Example[]} examples
 * @param {{ batch?: number, ignore?: string[] }} [options]  ignore: labels to ignore, such as those of [CLS] and [SEP]
 * @returns {Scores | { examples: number, outputs: Record<string, Scores> }}  outputs by name if the model has several
 * @throws {ArgumentError} for an unknown label
 */
export function evaluate(model, examples, { batch = 64, ignore = [] } = {}) {
  const { outputs } = model;
  const judges = outputs.map((output) => (output.labels ? judge(model, output, new Set(ignore)) : null));
  if (!model.text || !judges.some(Boolean))
    throw new ArgumentError(`eval needs a model with text settings and labels; ${outputs[0].name} has none`);
  const several = outputs.length > 1;
  /** @param {Example} example @param {number} i @returns {string[] | undefined} */
  const goldOf = ({ label, labels }, i) => {
    const given = several
      ? /** @type {Record<string, string | string[]>} */ (labels ?? {})[outputs[i].name]
      : ((Array.isArray(labels) ? labels : labels?.[outputs[i].name]) ?? label);
    return given === undefined ? undefined : [given].flat();
  };
  if (several)
    examples.forEach(({ labels }, n) => {
      const unknown = Object.keys(Array.isArray(labels) ? { 'a list': 0 } : (labels ?? { nothing: 0 })).find(
        (name) => !outputs.some((output, i) => output.name === name && judges[i]),
      );
      if (unknown !== undefined)
        throw new ArgumentError(
          `example ${n}: labels of ${unknown}; the model has ${outputs.map(({ name }) => name).join(', ')}: { "labels": { "output name": ... } }`,
        );
    });
  for (let from = 0; from < examples.length;) {
    const { tokens } = examples[from];
    let to = from + 1;
    if (!tokens) while (to < Math.min(from + batch, examples.length) && !examples[to].tokens) to++;
    const some = examples.slice(from, to);
    const encoded = tokens && batchOf(model, tokens);
    const answers = () =>
      encoded
        ? model.run(encoded.rows, { mask: encoded.mask })
        : model.outputsOf(some.map(({ text }) => /** @type {string} */ (text)));
    const tensors = answers();
    const probable = withMarginals(model, answers) ?? tensors;
    tensors.forEach(({ shape, data }, i) => {
      const K = /** @type {number} */ (shape.at(-1));
      some.forEach((example, b) => {
        const gold = goldOf(example, i);
        if (!gold) return;
        const { kind, name } = outputs[i];
        if (kind !== 'tags') {
          judges[i]?.add(data.subarray(b * K, (b + 1) * K), gold);
          return;
        }
        if (!encoded || !tokens || gold.length !== tokens.length)
          throw new ArgumentError(
            `eval: output ${name} has one tag for each token, the example has ${tokens ? `${tokens.length} tokens` : 'a text'} and ${gold.length} labels`,
          );
        if (shape[1] !== encoded.T)
          throw new ArgumentError(`eval: output ${name} has ${shape[1]} steps for ${encoded.T} tokens, expected one for each`);
        const part = [encoded.from * K, (encoded.from + encoded.kept.length) * K];
        judges[i]?.add(
          data.subarray(part[0], part[1]),
          encoded.kept.map((t) => gold[t]),
          probable[i].data.subarray(part[0], part[1]),
        );
      });
    });
    from = to;
  }
  if (!several) return /** @type {Judge} */ (judges[0]).result();
  return {
    examples: examples.length,
    outputs: Object.fromEntries(outputs.flatMap(({ name }, i) => (judges[i] ? [[name, judges[i].result()]] : []))),
  };
}

/**
 * Runs a model with marginal probabilities from its CRFs. A CRF that decodes the best path gives 0 for the other tags, which is no
 * probability.
 * @template T
 * @param {Model} model @param {() => T} answers
 * @returns {T | null} null: there is no such CRF
 */
function withMarginals({ root }, answers) {
  const paths = root.all().filter(({ className, config }) => className === 'padless>CRF' && config.decode !== 'marginals');
  if (!paths.length) return null;
  const decodes = paths.map(({ config }) => config.decode);
  try {
    for (const { config } of paths) config.decode = 'marginals';
    return answers();
  } finally {
    paths.forEach(({ config }, i) => (config.decode = decodes[i]));
  }
}

/**
 * add: takes values [M, K] of one example and its M labels, or for scores the labels that apply; probabilities: used for the cross-entropy.
 * @typedef {{ add: (values: Float32Array, gold: string[], probabilities?: Float32Array) => void, result: () => Scores }} Judge
 */

/** Collects the results of one output. @param {Model} model @param {OutputSettings} output @param {Set<string>} ignored @returns {Judge} */
function judge(model, output, ignored) {
  const { labels = [], name, kind } = output;
  const ids = new Map(labels.map((label, i) => [label, i]));
  /** @param {string} label */
  const idOf = (label) => {
    if (ignored.has(label)) return -1;
    const id = ids.get(label);
    if (id === undefined)
      throw new ArgumentError(
        `label ${JSON.stringify(label)} is not one of the ${labels.length} labels of the model: ${labels.slice(0, 10).join(', ')} ...`,
      );
    return id;
  };
  if (kind !== 'scores') return judgeOne(model, output, idOf);
  const counts = labels.map(() => ({ right: 0, found: 0, there: 0 }));
  const total = { examples: 0, exact: 0, wrong: 0, sum: 0 };
  const kept = labels.map((label, k) => ({ label, k })).filter(({ label }) => !ignored.has(label));
  return {
    add(values, gold) {
      const there = new Set(gold.map(idOf));
      let wrong = 0;
      for (const { label, k } of kept) {
        const p = values[k];
        if (!(p >= 0 && p <= 1))
          throw new ArgumentError(`eval: output ${name} is ${p} for ${JSON.stringify(label)}, expected a probability from 0 to 1`);
        const [applies, predicted] = [there.has(k), p > 0.5];
        total.sum -= Math.log(Math.min(Math.max(applies ? p : 1 - p, 1e-7), 1 - 1e-7));
        counts[k].right += Number(applies && predicted);
        counts[k].found += Number(predicted);
        counts[k].there += Number(applies);
        wrong += Number(applies !== predicted);
      }
      total.examples++;
      total.exact += Number(wrong === 0);
      total.wrong += wrong;
    },
    result() {
      const each = kept.map(({ k }) => average(counts[k]));
      /** @param {keyof Average} key */
      const mean = (key) => each.reduce((sum, one) => sum + one[key], 0) / (each.length || 1);
      /** @param {keyof typeof counts[0]} key */
      const sum = (key) => kept.reduce((all, { k }) => all + counts[k][key], 0);
      const counted = total.examples * kept.length;
      return {
        examples: total.examples,
        counted,
        accuracy: total.exact / (total.examples || 1),
        crossEntropy: total.sum / (counted || 1),
        hammingLoss: total.wrong / (counted || 1),
        micro: average({ right: sum('right'), found: sum('found'), there: sum('there') }),
        macro: { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') },
      };
    },
  };
}

/** @param {{ right: number, found: number, there: number }} counts @returns {Average} */
const average = ({ right, found, there }) => ({
  precision: right / (found || 1),
  recall: right / (there || 1),
  f1: (2 * right) / (found + there || 1),
});

/** Collects the results of an output of kind class or tags. @param {Model} model @param {OutputSettings} output @param {(label: string) => number} idOf @returns {Judge} */
function judgeOne(model, { labels = [], scheme, name, kind }, idOf) {
  let examples = 0;
  const total = { sum: 0, count: 0, correct: 0 };
  const spans = { right: 0, found: 0, there: 0 };
  return {
    add(values, gold, probabilities = values) {
      examples++;
      if (kind === 'class' && gold.length !== 1)
        throw new ArgumentError(`eval: output ${name} has kind class; the example has ${gold.length} labels, expected 1`);
      if (gold.length === 0) return;
      const K = values.length / gold.length;
      const right = gold.map(idOf);
      const { count, correct } = compared(model, values, right);
      total.sum += compared(model, probabilities, right).sum;
      total.count += count;
      total.correct += correct;
      if (!scheme) return;
      const best = gold.map((_, t) => {
        const row = values.subarray(t * K, (t + 1) * K);
        return labels[row.indexOf(Math.max(...row))];
      });
      /** @param {string[]} tags */
      const keys = (tags) =>
        new Set(
          spansOf(tags.map((label, t) => ({ label, score: 1, start: t, end: t + 1 }))).map(
            ({ label, start, end }) => `${label} ${start} ${end}`,
          ),
        );
      const [ours, theirs] = [keys(best), keys(gold)];
      spans.found += ours.size;
      spans.there += theirs.size;
      for (const key of ours) if (theirs.has(key)) spans.right++;
    },
    result: () => ({
      examples,
      counted: total.count,
      accuracy: total.correct / (total.count || 1),
      crossEntropy: total.sum / (total.count || 1),
      ...(scheme && { spans: { ...average(spans), spans: spans.there } }),
    }),
  };
}

/**
 * Encodes tokens as predict() does: truncates and pads them by the text settings of the model.
 * @param {Model} model
 * @param {string[]} tokens
 * @returns {{ rows: import('../model/batch.js').Rows, mask: Uint8Array, T: number, from: number, kept: number[] }} kept: the tokens that
 *   were not cut; from: step of the first
 */
function batchOf(model, tokens) {
  const text = /** @type {import('../text/vectorizer.js').TextVectorizer} */ (model.text);
  const length = text.maxlen ?? tokens.length;
  const skip = text.truncation === 'pre' ? Math.max(0, tokens.length - length) : 0;
  const kept = tokens.map((_, t) => t).slice(skip, skip + length);
  const ids = Int32Array.from(kept.flatMap((t) => (text.parts ? Array.from(text.parts.read(tokens[t])) : text.idOf(tokens[t]))));
  // Tokens from a file have no offsets in a text, and a batch does not say whether they were cut.
  const read = { ids, offsets: new Int32Array(0), truncated: false };
  const { ids: data, mask, shape, starts } = text.batch([read]);
  const [, T] = shape;
  return {
    rows: { data, shape: text.parts ? [...shape, text.width] : shape },
    mask: text.paddingIsData ? new Uint8Array(T).fill(1) : mask,
    T,
    from: starts[0],
    kept,
  };
}

/** Runs pl_cross_entropy. @param {Model} model @param {Float32Array} data  [M, K] @param {number[]} gold @returns {{ sum: number, count: number, correct: number }} */
function compared({ heap }, data, gold) {
  return heap.scoped(() => {
    const { size, fields } = lossLayout;
    const result = heap.structs(lossLayout, {});
    const K = data.length / gold.length;
    heap.exports.pl_cross_entropy(result, 0, heap.f32(data), heap.i32(gold), 0, gold.length, K);
    const view = new DataView(heap.bytes(result, size).slice().buffer);
    return {
      sum: view.getFloat64(fields.sum, true),
      count: view.getInt32(fields.count, true),
      correct: view.getInt32(fields.correct, true),
    };
  });
}
