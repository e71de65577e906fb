/**
 * The tab "Look inside": pads one short text and compares masked computation with naive computation, which reads padding as if it were text.
 */
import { init } from 'padless';
import { Passes } from './passes.js';
import { find, findInput, make, tableHead, tableRow } from './elements.js';
import { languageName, onLanguage, percent, say } from './language.js';
import { argmax, asSequence, bitsOf, formatFixed } from './numbers.js';
import { tokenCell, tokensOf } from './tokens.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {import('padless').Kernels} Kernels */
/** @typedef {'end' | 'front' | 'middle'} Side */
/**
 * A padded text as the model gets it.
 * @typedef {object} Row
 * @property {Int32Array} alone  ids of the text without padding
 * @property {number[]} ids
 * @property {number[]} mask
 * @property {string[]} tokens
 */
/**
 * One feature of the embedding at each position.
 * @typedef {object} FeatureValues
 * @property {Float32Array} values  of the padded row
 * @property {Float32Array} aloneValues  of the text without padding
 */

/** @param {string} text @param {Model} model @param {Side} side  where the padding goes @param {number} steps  of padding @returns {Row} */
function padText(text, model, side, steps) {
  const { ids: alone, tokens } = tokensOf(text, model.text);
  const at = { end: alone.length, front: 0, middle: alone.length >> 1 }[side];
  /** @template T @param {T[]} list @param {T} filler */
  const filled = (list, filler) => [...list.slice(0, at), ...new Array(steps).fill(filler), ...list.slice(at)];
  return {
    alone,
    ids: filled([...alone], model.text?.pad ?? 0),
    mask: filled(new Array(alone.length).fill(1), 0),
    tokens: filled(tokens, '·'),
  };
}

/** Softmax over all positions, padding included, in plain JavaScript instead of padless's kernel. @param {Float32Array} x */
function naiveSoftmax(x) {
  const most = Math.max(...x);
  const powers = Array.from(x, (value) => Math.exp(value - most));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}

/** A number, coloured by whether it equals the value of the text alone. @param {string} shown @param {boolean} same */
const verdict = (shown, same) => make('span', same ? 'same' : 'differs', shown);

/** A number under a small bar. @param {number} value @param {number} most  the value of a full bar */
function numberWithBar(value, most) {
  const fill = make('span', '');
  fill.style.height = `${(100 * value) / most}%`;
  const bar = make('span', 'column', fill);
  bar.setAttribute('aria-hidden', 'true');
  return make('div', 'share', bar, formatFixed(value));
}

/**
 * Reads single features of a model's embedding.
 * @param {Kernels} pl
 * @param {Model} model
 */
function embeddingOf(pl, model) {
  const table = model.root
    .listWeights()
    .filter(({ path }) => path.endsWith('embeddings'))
    .map(({ layer, spec }) => layer.weight(spec.name))[0];
  const [V, D] = table.shape;
  return {
    D,
    /** Feature d of each id's row. @param {ArrayLike<number>} ids @param {number} d */
    valuesOf(ids, d) {
      const { data } = pl.embedding({ data: table.data, shape: [V, D] }, { data: ids, shape: [1, ids.length] });
      return Float32Array.from(ids, (_, t) => data[t * D + d]);
    },
  };
}

/**
 * The feature shown first: one whose value for padding exceeds its values for the text, so that the maximum changes with naive padding, too.
 * @param {ReturnType<typeof embeddingOf>} embedding @param {Model} model @param {string} text
 */
function firstFeature({ D, valuesOf }, model, text) {
  const { ids } = tokensOf(text, model.text);
  const features = Array.from({ length: D }, (_, d) => d);
  return features.find((d) => Math.max(...valuesOf(ids, d)) < valuesOf([model.text?.pad ?? 0], d)[0]) ?? 0;
}

/** The table of the whole model: the text alone, padded with its mask, and padded with a mask of ones. @param {Model} model @param {Row} row */
function showWhole(model, { alone, ids, mask }) {
  const ones = ids.map(() => 1);
  const runs = [
    { name: say('rowAlone'), run: () => model.run([alone]) },
    { name: say('rowMasked'), run: () => model.run([ids], { mask: [mask] }) },
    { name: say('rowNaive'), run: () => model.run([ids], { mask: [ones] }) },
  ].map(({ name, run }) => {
    const before = model.stats.steps;
    const [{ data }] = run();
    return { name, data, visited: model.stats.steps - before };
  });
  const best = argmax(runs[0].data);
  const wanted = bitsOf(runs[0].data[best]);
  const rows = runs.map(({ name, data, visited }, i) => {
    const bits = bitsOf(data[best]);
    const code = make('code', '', bits);
    code.id = ['bits-without', 'bits', 'bits-naive'][i];
    const compared = verdict(say(bits === wanted ? 'same' : 'differs'), bits === wanted);
    compared.id = ['', 'same', 'differs'][i];
    return tableRow(name, [percent(data[best], 2), make('span', '', code, ' ', ...(i ? [compared] : [])), visited]);
  });
  const label = model.outputs[0].labels?.[best];
  const head = tableHead(['', label ? languageName(label) : say('score'), say('bits'), say('visited')]);
  find('whole').replaceChildren(head, make('tbody', '', ...rows));
}

/**
 * The table of mean, maximum and softmax over one feature.
 * @param {Kernels} pl @param {Row} row @param {FeatureValues} feature @param {{ masked: ArrayLike<number>, naive: number[] }} softmaxes
 */
function showPools(pl, { mask }, { values, aloneValues }, { masked, naive }) {
  const [x, before] = [asSequence(values), asSequence(aloneValues)];
  /** @param {ArrayLike<number>} data */
  const onPadding = (data) => mask.reduce((sum, counts, t) => sum + (counts ? 0 : data[t]), 0);
  const naiveMean = values.reduce((a, b) => a + b, 0) / values.length;
  /** @type {[string, number, number, number][]} */
  const pools = [
    [say('mean'), pl.maskedMean(before).data[0], pl.maskedMean(x, mask).data[0], naiveMean],
    [say('max'), pl.maskedMax(before).data[0], pl.maskedMax(x, mask).data[0], Math.max(...values)],
    [say('padShare'), 0, onPadding(masked), onPadding(naive)],
  ];
  const rows = pools.map(([name, wanted, ours, theirs]) =>
    tableRow(name, [
      formatFixed(wanted),
      verdict(formatFixed(ours), Object.is(ours, wanted)),
      verdict(formatFixed(theirs), formatFixed(theirs) === formatFixed(wanted)),
    ]),
  );
  find('pools').replaceChildren(tableHead(['', say('rowAlone'), say('rowMasked'), say('rowNaive')]), make('tbody', '', ...rows));
}

/**
 * The table with one column for each position of the row.
 * @param {Row} row @param {Float32Array} values  of one feature @param {{ masked: ArrayLike<number>, naive: number[] }} softmaxes
 */
function showPositions({ ids, mask, tokens }, values, { masked, naive }) {
  const most = Math.max(...Array.from(masked), ...naive);
  const [maskedCells, naiveCells] = [masked, naive].map((shares) => Array.from(shares, (value) => numberWithBar(value, most)));
  const tokenCells = tokens.map((token) => make('bdi', '', token));
  const rows = [
    tableRow(say('cellCharacter'), tokenCells),
    tableRow(say('id'), ids),
    tableRow(say('mask'), mask),
    tableRow(say('value'), Array.from(values, formatFixed)),
    tableRow(say('softmaxMasked'), maskedCells),
    tableRow(say('softmaxNaive'), naiveCells),
  ];
  for (const each of rows) mask.forEach((counts, t) => each.children[t + 1].classList.toggle('pad', !counts));
  find('positions').replaceChildren(make('tbody', '', ...rows));
}

/** The table of the layers: the shape of each output, and where the mask changed it. @param {Model} model @param {Row} row */
function showTrace(model, { ids, mask }) {
  const rows = model.trace([ids], { mask: [mask] }).map(({ path, layer, after, changed }) => {
    const [, T] = after[0].shape;
    const count = changed?.[0].length ?? 0;
    const where = after[0].shape.length < 3 ? say('vector') : say('positions', { n: count, all: T });
    const cells = [`[${after[0].shape.join(', ')}]`, !changed ? say('noMask') : count ? where : say('unchanged')];
    return tableRow(make('span', '', path, ' ', make('small', '', layer)), cells);
  });
  find('trace').replaceChildren(tableHead([say('layer'), say('shape'), say('changed')]), make('tbody', '', ...rows));
}

/** @returns {Side} where the user wants the padding */
const chosenSide = () => {
  const radio = /** @type {HTMLInputElement} */ (document.querySelector('[name=side]:checked'));
  return /** @type {Side} */ (radio.value);
};

/** Shows the row, or only a hint where there is no text. @param {Row} row @returns {boolean} there is a text */
function showRow(row) {
  const empty = row.alone.length === 0;
  find('inside-empty').hidden = !empty;
  find('row').hidden = empty;
  for (const section of document.querySelectorAll('.needs-text')) /** @type {HTMLElement} */ (section).hidden = empty;
  if (!empty) find('row').replaceChildren(...row.tokens.map((token, t) => tokenCell(token, row.ids[t], row.mask[t])));
  return !empty;
}

/**
 * @param {Model} model  the language model
 * @param {(error: unknown) => void} onError  null: all is well
 */
export async function startInside(model, onError) {
  const pl = await init();
  const sentence = findInput('sentence');
  const steps = findInput('steps');
  const feature = /** @type {HTMLSelectElement} */ (find('feature'));
  const passes = new Passes(pl);
  const embedding = embeddingOf(pl, model);
  for (let d = 0; d < embedding.D; d++) feature.append(new Option(`${d + 1}`, `${d}`));
  feature.value = String(firstFeature(embedding, model, sentence.value));

  const showInside = () => {
    try {
      const row = padText(sentence.value, model, chosenSide(), Number(steps.value));
      find('count').textContent = steps.value;
      if (!showRow(row)) return;
      showWhole(model, row);
      const d = Number(feature.value);
      const [values, aloneValues] = [embedding.valuesOf(row.ids, d), embedding.valuesOf(row.alone, d)];
      const softmaxes = { masked: pl.maskedSoftmax(asSequence(values), row.mask).data, naive: naiveSoftmax(values) };
      showPools(pl, row, { values, aloneValues }, softmaxes);
      showPositions(row, values, softmaxes);
      passes.setRow({ ...row, values, aloneValues });
      showTrace(model, row);
      onError(null);
    } catch (error) {
      onError(error);
    }
  };

  let opened = false;
  const update = () => {
    if (opened) showInside();
  };
  for (const input of [sentence, steps, feature, find('side')]) input.addEventListener('input', update);
  onLanguage(update);
  return {
    /** Call when the panel is shown: until then, nothing is computed. */
    onShown() {
      opened = true;
      showInside();
    },
  };
}
