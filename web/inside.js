/**
 * Look inside: one short text as a padded row, and what padding does to masked computation and to the naive kind.
 */
import { init } from 'padless';
import { Passes } from './passes.js';
import { bestOf, bitsOf, find, findInput, fixed, make, tableHead, tableRow, tokensOf } from './elements.js';
import { languageName, onLanguage, percent, say } from './language.js';
import { cell } from './try.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {'end' | 'front' | 'middle'} Side */
/**
 * A row as the model gets it.
 * @typedef {object} Row
 * @property {Int32Array} alone  ids without padding
 * @property {number[]} ids
 * @property {number[]} mask
 * @property {string[]} tokens
 */

/** @param {string} text @param {Model} model @param {Side} side @param {number} steps @returns {Row} */
function padded(text, model, side, steps) {
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

/** The naive softmax over all positions, in this page's own JavaScript. @param {Float32Array} x */
function softmax(x) {
  const most = Math.max(...x);
  const powers = Array.from(x, (value) => Math.exp(value - most));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}

/** A number, coloured by whether it is what it should be. @param {string} shown @param {boolean} same */
const judged = (shown, same) => make('span', same ? 'same' : 'differs', shown);

/** A number and a small bar. @param {number} value @param {number} most  a bar that is full */
function share(value, most) {
  const fill = make('span', '');
  fill.style.height = `${(100 * value) / most}%`;
  const bar = make('span', 'column', fill);
  bar.setAttribute('aria-hidden', 'true');
  return make('div', 'share', bar, fixed(value));
}

/**
 * @param {Model} model
 * @param {(error: unknown) => void} onError
 */
export async function startInside(model, onError) {
  const pl = await init();
  const sentence = findInput('sentence');
  const steps = findInput('steps');
  const feature = /** @type {HTMLSelectElement} */ (find('feature'));
  const passes = new Passes(pl);
  const table = model.root
    .listWeights()
    .filter(({ path }) => path.endsWith('embeddings'))
    .map(({ layer, spec }) => layer.weight(spec.name))[0];
  const [V, D] = table.shape;
  for (let d = 0; d < D; d++) feature.append(new Option(`${d + 1}`, `${d}`));
  /** One feature of the embedding's rows. @param {ArrayLike<number>} ids @param {number} d */
  const valuesOf = (ids, d) => {
    const { data } = pl.embedding({ data: table.data, shape: [V, D] }, { data: ids, shape: [1, ids.length] });
    return Float32Array.from(ids, (_, t) => data[t * D + d]);
  };
  // To begin with, one in which padding is greater than the text: then it shows in the maximum, too.
  const begun = tokensOf(sentence.value, model.text).ids;
  const telling = Array.from({ length: D }, (_, d) => d).find(
    (d) => Math.max(...valuesOf(begun, d)) < valuesOf([model.text?.pad ?? 0], d)[0],
  );
  feature.value = String(telling ?? 0);

  /** @param {Row} row */
  const showWhole = ({ alone, ids, mask }) => {
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
    const best = bestOf(runs[0].data);
    const wanted = bitsOf(runs[0].data[best]);
    const rows = runs.map(({ name, data, visited }, i) => {
      const bits = bitsOf(data[best]);
      const code = make('code', '', bits);
      code.id = ['bits-without', 'bits', 'bits-naive'][i];
      const verdict = judged(say(bits === wanted ? 'same' : 'differs'), bits === wanted);
      verdict.id = ['', 'same', 'differs'][i];
      return tableRow(name, [percent(data[best], 2), make('span', '', code, ' ', ...(i ? [verdict] : [])), visited]);
    });
    const label = model.outputs[0].labels?.[best];
    const head = tableHead(['', label ? languageName(label) : say('score'), say('bits'), say('visited')]);
    find('whole').replaceChildren(head, make('tbody', '', ...rows));
  };

  /** @param {Row} row @param {Float32Array} values @param {Float32Array} aloneValues */
  const showPools = ({ ids, mask, tokens }, values, aloneValues) => {
    /** @param {Float32Array} data */
    const column = (data) => ({ data, shape: [1, data.length, 1] });
    const [x, before] = [column(values), column(aloneValues)];
    const masked = pl.maskedSoftmax(x, mask).data;
    const naive = softmax(values);
    const most = Math.max(...masked, ...naive);
    /** @param {ArrayLike<number>} data */
    const onPadding = (data) => mask.reduce((sum, counts, t) => sum + (counts ? 0 : data[t]), 0);
    /** @type {[string, number, number, number][]} */
    const pools = [
      [
        say('mean'),
        pl.maskedMean(before).data[0],
        pl.maskedMean(x, mask).data[0],
        values.reduce((a, b) => a + b, 0) / values.length,
      ],
      [say('max'), pl.maskedMax(before).data[0], pl.maskedMax(x, mask).data[0], Math.max(...values)],
      [say('padShare'), 0, onPadding(masked), onPadding(naive)],
    ];
    const rows = pools.map(([name, wanted, ours, theirs]) =>
      tableRow(name, [
        fixed(wanted),
        judged(fixed(ours), Object.is(ours, wanted)),
        judged(fixed(theirs), fixed(theirs) === fixed(wanted)),
      ]),
    );
    find('pools').replaceChildren(tableHead(['', say('rowAlone'), say('rowMasked'), say('rowNaive')]), make('tbody', '', ...rows));
    const positions = [
      tableRow(
        say('cellCharacter'),
        tokens.map((token) => make('bdi', '', token)),
      ),
      tableRow(say('id'), ids),
      tableRow(say('mask'), mask),
      tableRow(say('value'), Array.from(values, fixed)),
      tableRow(
        say('softmaxMasked'),
        Array.from(masked, (each) => share(each, most)),
      ),
      tableRow(
        say('softmaxNaive'),
        naive.map((each) => share(each, most)),
      ),
    ];
    for (const each of positions) mask.forEach((counts, t) => each.children[t + 1].classList.toggle('pad', !counts));
    find('positions').replaceChildren(make('tbody', '', ...positions));
  };

  /** @param {Row} row */
  const showTrace = ({ ids, mask }) => {
    const rows = model.trace([ids], { mask: [mask] }).map(({ path, layer, after, changed }) => {
      const [, T] = after[0].shape;
      const count = changed?.[0].length ?? 0;
      const where = after[0].shape.length < 3 ? say('vector') : say('positions', { n: count, all: T });
      const cells = [`[${after[0].shape.join(', ')}]`, !changed ? say('noMask') : count ? where : say('unchanged')];
      return tableRow(make('span', '', path, ' ', make('small', '', layer)), cells);
    });
    find('trace').replaceChildren(tableHead([say('layer'), say('shape'), say('changed')]), make('tbody', '', ...rows));
  };

  const show = () => {
    try {
      const side = /** @type {Side} */ (/** @type {HTMLInputElement} */ (document.querySelector('[name=side]:checked')).value);
      const row = padded(sentence.value, model, side, Number(steps.value));
      const empty = row.alone.length === 0;
      find('inside-empty').hidden = !empty;
      find('row').hidden = empty;
      for (const section of document.querySelectorAll('.needs-text')) /** @type {HTMLElement} */ (section).hidden = empty;
      find('count').textContent = steps.value;
      if (empty) return;
      find('row').replaceChildren(...row.tokens.map((token, t) => cell(token, row.ids[t], row.mask[t])));
      showWhole(row);
      const d = Number(feature.value);
      const [values, aloneValues] = [valuesOf(row.ids, d), valuesOf(row.alone, d)];
      showPools(row, values, aloneValues);
      passes.set({ ...row, values, aloneValues });
      showTrace(row);
      onError(null);
    } catch (error) {
      onError(error);
    }
  };

  let open = false;
  const soon = () => {
    if (open) show();
  };
  for (const input of [sentence, steps, feature, find('side')]) input.addEventListener('input', soon);
  onLanguage(soon);
  return {
    /** The panel is seen. */
    open() {
      open = true;
      show();
    },
  };
}
