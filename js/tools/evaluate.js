/**
 * How right a model is on labelled text: cross-entropy, accuracy, and F1 of spans, over tokens that are there. Padding never counts.
 * @module
 */
import { ArgumentError } from '../errors.js';
import { spansOf } from '../model/spans.js';
/** @typedef {import('../model/model.js').Model} Model */

/**
 * A text, or its tokens, and what is right. One output: `label`, or `labels`: those that hold (scores) or one a token (tags). Several: by name
 * of the output; one that is not named is passed over.
 * @typedef {{ text?: string, tokens?: string[], label?: string, labels?: string[] | Record<string, string | string[]> }} Example
 */
/**
 * What one output is worth.
 * @typedef {object} Scores
 * @property {number} examples  that have labels for it
 * @property {number} counted  labels that were compared
 * @property {number} accuracy  of 1; scores: of the examples, those whose labels are right to the last one (scikit-learn's accuracy_score)
 * @property {number} crossEntropy  mean, in nats; of a CRF's best path that of the marginal probabilities; probabilities clipped to [1e-7, 1 - 1e-7] as Keras does; scores: Keras's binary_crossentropy
 * @property {{ precision: number, recall: number, f1: number, spans: number }} [spans]  for tags with a scheme
 * @property {number} [hammingLoss]  scores: of all labels, those that are wrong
 * @property {Average} [micro]  scores: over all labels as one
 * @property {Average} [macro]  scores: the mean over the labels; one that is neither there nor found has 0 (scikit-learn's zero_division=0)
 */
/** Of scores above 0.5. @typedef {{ precision: number, recall: number, f1: number }} Average */
/** @typedef {import('../model/answers.js').OutputSettings} OutputSettings */

/**
 * @param {string} text  a file: `text<TAB>label` a line, for scores `text<TAB>label<TAB>label ...`, also none; for tags `token<TAB>label` a line
 *   and an empty line between sentences. Or JSON lines: `{ "text" or "tokens", "label" or "labels" }`, an Example each
 * @param {'class' | 'scores' | 'tags'} kind
 * @returns {Example[]}
 * @throws {ArgumentError} naming the line
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

/** @param {any} value */
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
      `line ${number}: expected { "text" or "tokens", "label" or "labels" } of strings, got ${line.slice(0, 80)}`,
    );
  return json;
}

/**
 * @param {Model} model  with text settings and labels
 * @param {Example[]} examples
 * @param {{ batch?: number, ignore?: string[] }} [options]  ignore: labels that are passed over, such as those of [CLS] and [SEP]
 * @returns {Scores | { examples: number, outputs: Record<string, Scores> }}  by name, where the model has several outputs
 * @throws {ArgumentError} for a label that the model does not know
 */
export function evaluate(model, examples, { batch = 64, ignore = [] } = {}) {
  const { outputs } = model;
  const described = outputs.map((output) => (output.labels ? judge(model, output, new Set(ignore)) : null));
  if (!model.text || !described.some(Boolean))
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
        (name) => !outputs.some((output, i) => output.name === name && described[i]),
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
    const read = tokens && batchOf(model, tokens);
    const answers = () =>
      read ? model.run(read.rows, { mask: read.mask }) : model.outputsOf(some.map(({ text }) => /** @type {string} */ (text)));
    const tensors = answers();
    const probable = withMarginals(model, answers) ?? tensors;
    tensors.forEach(({ shape, data }, i) => {
      const K = /** @type {number} */ (shape.at(-1));
      some.forEach((example, b) => {
        const gold = goldOf(example, i);
        if (!gold) return;
        const { kind, name } = outputs[i];
        if (kind !== 'tags') {
          described[i]?.add(data.subarray(b * K, (b + 1) * K), gold);
          return;
        }
        if (!read || !tokens || gold.length !== tokens.length)
          throw new ArgumentError(
            `eval: ${name} gives a tag a token, the example has ${tokens ? `${tokens.length} tokens` : 'a text'} and ${gold.length} labels`,
          );
        if (shape[1] !== read.T) throw new ArgumentError(`eval: ${name} gives ${shape[1]} tags for ${read.T} tokens`);
        const part = [read.from * K, (read.from + read.kept.length) * K];
        described[i]?.add(
          data.subarray(part[0], part[1]),
          read.kept.map((t) => gold[t]),
          probable[i].data.subarray(part[0], part[1]),
        );
      });
    });
    from = to;
  }
  if (!several) return /** @type {Judge} */ (described[0]).result();
  return {
    examples: examples.length,
    outputs: Object.fromEntries(outputs.flatMap(({ name }, i) => (described[i] ? [[name, described[i].result()]] : []))),
  };
}

/**
 * What a best path leaves out: a CRF that decodes it gives zeros for the other tags, of which there is no cross-entropy.
 * @template T
 * @param {Model} model @param {() => T} answers
 * @returns {T | null} the answers with marginal probabilities in its place; null: there is no such CRF
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
 * add: values [M, K] of one example, and its M labels, or for scores those that hold; probabilities: where values are those of a best path.
 * @typedef {{ add: (values: Float32Array, gold: string[], probabilities?: Float32Array) => void, result: () => Scores }} Judge
 */

/** @param {Model} model @param {OutputSettings} output @param {Set<string>} ignored @returns {Judge} */
function judge(model, output, ignored) {
  const { labels = [], name, kind } = output;
  const ids = new Map(labels.map((label, i) => [label, i]));
  /** @param {string} label */
  const idOf = (label) => {
    if (ignored.has(label)) return -1;
    const id = ids.get(label);
    if (id === undefined)
      throw new ArgumentError(
        `label ${JSON.stringify(label)} is not one of the model's ${labels.length}: ${labels.slice(0, 10).join(', ')} ...`,
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
          throw new ArgumentError(`eval: ${name} gives ${p} for ${JSON.stringify(label)}, expected a probability`);
        const [is, says] = [there.has(k), p > 0.5];
        total.sum -= Math.log(Math.min(Math.max(is ? p : 1 - p, 1e-7), 1 - 1e-7));
        counts[k].right += Number(is && says);
        counts[k].found += Number(says);
        counts[k].there += Number(is);
        wrong += Number(is !== says);
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

/** Labels that exclude each other. @param {Model} model @param {OutputSettings} output @param {(label: string) => number} idOf @returns {Judge} */
function judgeOne(model, { labels = [], scheme, name, kind }, idOf) {
  let examples = 0;
  const total = { sum: 0, count: 0, correct: 0 };
  const spans = { right: 0, found: 0, there: 0 };
  return {
    add(values, gold, probabilities = values) {
      examples++;
      if (kind === 'class' && gold.length !== 1)
        throw new ArgumentError(`eval: ${name} is of kind class, which has one label a text; this one has ${gold.length}`);
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
          spansOf(
            tags.map((label, t) => ({ label, score: 1, start: t, end: t + 1 })),
            scheme,
          ).map(({ label, start, end }) => `${label} ${start} ${end}`),
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
 * Tokens as the model would read them: cut by its settings, and padded by the batches of its text settings, as predict's are.
 * @param {Model} model
 * @param {string[]} tokens
 * @returns {{ rows: import('../model/batch.js').Rows, mask: Uint8Array, T: number, from: number, kept: number[] }} kept: which tokens are left,
 *   standing at `from` on
 */
function batchOf(model, tokens) {
  const text = /** @type {import('../text/vectorizer.js').TextVectorizer} */ (model.text);
  const most = text.maxlen ?? tokens.length;
  const skip = text.truncation === 'pre' ? Math.max(0, tokens.length - most) : 0;
  const kept = tokens.map((_, t) => t).slice(skip, skip + most);
  const ids = Int32Array.from(kept, (t) => text.idOf(tokens[t]));
  // Tokens that somebody else has cut out have no place in a text.
  const read = { ids, offsets: new Int32Array(0), truncated: kept.length < tokens.length };
  const { ids: data, mask: there, shape } = text.batch([read]);
  const [, T] = shape;
  return {
    rows: { data, shape },
    mask: text.paddingIsData ? new Uint8Array(T).fill(1) : there,
    T,
    from: text.padding === 'pre' ? T - kept.length : 0,
    kept,
  };
}

/** @param {Model} model @param {Float32Array} data  [M, K] @param {number[]} gold @returns {{ sum: number, count: number, correct: number }} */
function compared({ heap }, data, gold) {
  return heap.scoped(() => {
    const result = heap.reserve(16);
    const K = data.length / gold.length;
    heap.exports.pl_cross_entropy(result, 0, heap.f32(data), heap.i32(gold), 0, gold.length, K);
    const view = new DataView(heap.bytes(result, 16).slice().buffer);
    return { sum: view.getFloat64(0, true), count: view.getInt32(8, true), correct: view.getInt32(12, true) };
  });
}
