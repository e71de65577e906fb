/**
 * `padless info`: layers, weights, inputs, outputs and text settings of a model.
 * @module
 */
import { product } from '../layers/tensor.js';
import { isSequence } from '../model/padding.js';
import { print } from './files.js';
/** @typedef {import('../model/model.js').Model} Model */

/** @param {Model} model @returns {import('../layers/layer.js').Weight[]} */
const weightsIn = ({ root }) => root.listWeights().map(({ layer, spec }) => layer.weight(spec.name));

/** Number of weights of each type, "1,024 int8, 12 float32". @param {Model} model */
export function kinds(model) {
  const int8 = weightsIn(model).reduce((sum, weight) => sum + (weight.int8?.length ?? 0), 0);
  const floats = model.parameters - int8;
  return [int8 && `${int8.toLocaleString('en')} int8`, floats && `${floats.toLocaleString('en')} float32`]
    .filter(Boolean)
    .join(', ');
}

/** Bytes of the weights in a file, with scales. @param {Model} model */
export const weightBytes = (model) =>
  weightsIn(model).reduce(
    (sum, { shape, int8, scale, rows }) =>
      sum + (int8 ? int8.byteLength + (scale?.byteLength ?? 0) + (rows?.byteLength ?? 0) : 4 * product(shape)),
    0,
  );

/** @type {Record<'padding' | 'truncation', { pre: string, post: string }>} */
const sides = {
  padding: { pre: 'padded in front', post: 'padded behind' },
  truncation: { pre: 'cut in front', post: 'cut behind' },
};

/** Describes how texts are padded and cut to the model's length. @param {import('../text/vectorizer.js').TextVectorizer} text */
export const shownSides = ({ padding, truncation, length }) =>
  `${sides.padding[padding]} to ${length} tokens, longer ones ${sides.truncation[truncation]}`;

/**
 * Describes how padding affects a model's answers, in lines.
 * @param {Model} model
 * @returns {string[]}
 */
export function aboutPadding({ inputs, text, readsPadding }) {
  const lines = [];
  const sequences = inputs.filter(isSequence);
  if (readsPadding.length)
    lines.push(
      `can change this model's answers: ${readsPadding.join(', ')} read${readsPadding.length === 1 ? 's' : ''} it, as in Keras`,
    );
  for (const { name, shape, exact } of sequences)
    if (exact && !text)
      lines.push(
        `zeros are data: no layer masks ${name}, whose rows have ${shape[0]} steps; pad and cut rows on the side that training did`,
      );
  if (text?.paddingIsData) lines.push(`zeros are data: texts are ${shownSides(text)}`);
  if (lines.length) return lines;
  if (sequences.length === 0) return ['none: the model reads no steps'];
  const open = sequences.filter(({ ids, maskZero }) => ids && !maskZero).map(({ name }) => name);
  const unless = open.length && !text ? `; a 0 in a row is no padding, as no layer masks ${open.join(', ')}` : '';
  return [`changes no bit of this model's answers${unless}`];
}

/**
 * A line for a model of another precision, which is computed in float32.
 * @param {Model} model
 * @returns {string[]} no line if Keras computes it in float32, too
 */
export function aboutPrecision({ root }) {
  const policies = new Set(root.all().map(({ config: { dtype } }) => dtype?.config?.name ?? dtype));
  const others = [...policies].filter((name) => typeof name === 'string' && /float16|float64/.test(name));
  return others.length
    ? [`float32, where the file has ${others.join(', ')}: answers differ from the framework's by its rounding`]
    : [];
}

/** The kind of values of an input. @param {import('../model/graph.js').ModelInput} input */
const whatOf = ({ ids, numbering }) => (numbering ? 'integers' : ids ? 'token ids' : 'values');

/** @param {Model} model */
export function info(model) {
  const { root, inputs, text, outputs, parameters, fileBytes, kerasVersion } = model;
  for (const layer of root.layers) {
    const weights = layer.listWeights();
    const numbers = weights.reduce((sum, { spec }) => sum + product(spec.shape), 0);
    print(`${layer.name}  (${layer.className})  ${numbers.toLocaleString('en')} parameters`);
    for (const { path, layer: owner, spec } of weights)
      print(`    ${path} [${spec.shape}]${owner.weight(spec.name).int8 ? ' int8' : ''}`);
  }
  print(`parameters  ${parameters.toLocaleString('en')}: ${kinds(model)}`);
  print(`bytes       ${fileBytes.toLocaleString('en')}, of them weights ${weightBytes(model).toLocaleString('en')}`);
  print(`saved by    ${kerasVersion ? `Keras ${kerasVersion}` : 'padless'}`);
  for (const input of inputs) {
    const { shape, maskZero, numbering } = input;
    const padding = maskZero ? (numbering ? ', index 0 is padding' : ', 0 is padding') : '';
    print(`input       ${input.name}: ${whatOf(input)} [B, ${shape.map((length) => length ?? 'T').join(', ')}]${padding}`);
  }
  outputs.forEach(({ name, kind, labels }, i) => {
    const shape = model.specs[i].shape.map((length) => length ?? 'T').join(', ');
    print(`output      ${name}: ${kind} [B, ${shape}]${labels ? `, ${labels.length} labels: ${labels.join(' ')}` : ''}`);
  });
  for (const line of aboutPadding(model)) print(`padding     ${line}`);
  for (const line of aboutPrecision(model)) print(`precision   ${line}`);
  if (!text) print(`text        none: the input is ${[...new Set(inputs.map(whatOf))].join(' and ')}`);
  else {
    const { vocabulary, ngrams, ...settings } = text.settings;
    const shown = {
      ...settings,
      ...(vocabulary && { vocabulary: vocabulary.length }),
      ...(ngrams && { ngrams: 'words' in ngrams ? { ...ngrams, words: ngrams.words.length } : ngrams }),
    };
    print(
      `text        ${Object.entries(shown)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(' ')}`,
    );
  }
}
