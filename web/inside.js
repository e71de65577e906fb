/**
 * The section "How it works": pads one short text and compares masked computation with naive computation, which reads padding as if it were
 * text. It shows the model that is chosen under "Try".
 */
import { init } from 'padless';
import { Passes } from './passes.js';
import { find, findInput, make, tableHead, tableRow } from './elements.js';
import { bindText, onNear } from './fields.js';
import { format, onLanguage, percent, say } from './language.js';
import { argmax, asSequence, bitsOf, formatFixed } from './numbers.js';
import { padText, runThreeWays } from './padding.js';
import { loadShipped, proofModel, shipped } from './shipped.js';
import { MAX_PADDING, onState, setState, state, takeOver } from './state.js';
import { idText, shownPositions, tokenCell, tokenGap } from './tokens.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {import('padless').Kernels} Kernels */
/** @typedef {import('./padding.js').Row} Row */
/** @typedef {import('./tokens.js').StepIds} StepIds */
/**
 * One feature of the embedding at each position.
 * @typedef {object} FeatureValues
 * @property {Float32Array} values  of the padded row
 * @property {Float32Array} aloneValues  of the text without padding
 */

/** Maximum number of tokens of the text that this section uses. */
const MOST_TOKENS = 17;
/** When the user types in another section, this section is updated after this many milliseconds without a change. */
const TYPING_MS = 250;

/** Softmax over all positions, padding included, in plain JavaScript instead of padless's kernel. @param {Float32Array} x */
function naiveSoftmax(x) {
  const most = Math.max(...x);
  const powers = Array.from(x, (value) => Math.exp(value - most));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}

/** A number, coloured by whether it equals the value for the text without padding. @param {string} shown @param {boolean} same */
const verdict = (shown, same) => make('span', same ? 'same' : 'differs', shown);

/** A number under a small bar. @param {number} value @param {number} most  the value of a full bar */
function numberWithBar(value, most) {
  const fill = make('span', '');
  fill.style.height = `${(100 * value) / most}%`;
  const bar = make('span', 'column', fill);
  bar.setAttribute('aria-hidden', 'true');
  return make('div', 'share', bar, formatFixed(value));
}

/** Reads single features of a model's embedding. @param {Model} model */
function embeddingOf(model) {
  const [table] = model.root
    .listWeights()
    .filter(({ path }) => path.endsWith('embeddings'))
    .map(({ layer, spec }) => layer.weight(spec.name));
  const D = table.shape[1];
  // For int8 weights, this getter converts to floats: read it once.
  const { data } = table;
  return {
    D,
    /**
     * Feature d of each token's embedding. For a word of several parts, the embedding is the sum of the parts' rows divided by the square root of
     * their number.
     * @param {StepIds[]} ids @param {number} d
     */
    valuesOf: (ids, d) =>
      Float32Array.from(ids, (step) => {
        const parts = [step].flat();
        return parts.reduce((sum, id) => sum + data[id * D + d], 0) / Math.sqrt(parts.length || 1);
      }),
  };
}

/**
 * The feature that is shown first. Its value for padding exceeds its values for the text, so that naive padding changes the maximum, too.
 * @param {ReturnType<typeof embeddingOf>} embedding @param {Model} model @param {string} text
 */
function firstFeature({ D, valuesOf }, model, text) {
  const { alone, ids } = padText(text, model, { side: 'end', padding: 1 });
  const padding = ids.slice(-1);
  const features = Array.from({ length: D }, (_, d) => d);
  return features.find((d) => alone.length > 0 && Math.max(...valuesOf(alone, d)) < valuesOf(padding, d)[0]) ?? 0;
}

/**
 * Chooses the value that the table of the whole model shows: the score of the best class, or for tags the score of the best label of the word
 * whose score naive padding changes most.
 * @param {Model} model @param {Row} row @param {ReturnType<typeof runThreeWays>} ways
 */
function shownValue(model, { mask }, { alone, naive }) {
  const { kind, labels } = model.outputs[0];
  const K = labels?.length ?? alone.data.length;
  if (kind !== 'tags') {
    const best = argmax(alone.data);
    return { alone: best, padded: best, label: labels?.[best], token: null };
  }
  const kept = mask.flatMap((counts, t) => (counts ? [t] : []));
  const bests = kept.map((_, i) => argmax(alone.data.subarray(i * K, (i + 1) * K)));
  const moved = kept.map((t, i) => Math.abs(alone.data[i * K + bests[i]] - naive.data[t * K + bests[i]]));
  const i = argmax(moved);
  return { alone: i * K + bests[i], padded: kept[i] * K + bests[i], label: labels?.[bests[i]], token: kept[i] };
}

/** The table of the whole model: the text alone, padded with its mask, and padded with a mask of ones. @param {Model} model @param {Row} row @param {(label: string) => string} nameOf */
function showWhole(model, row, nameOf) {
  const ways = runThreeWays(model, row);
  const at = shownValue(model, row, ways);
  const wanted = bitsOf(ways.alone.data[at.alone]);
  const lines = [
    { name: say('rowAlone'), way: ways.alone, index: at.alone, id: 'bits-without' },
    { name: say('rowMasked'), way: ways.masked, index: at.padded, id: 'bits' },
    { name: say('rowNaive'), way: ways.naive, index: at.padded, id: 'bits-naive' },
  ];
  const rows = lines.map(({ name, way, index, id }, i) => {
    const bits = bitsOf(way.data[index]);
    const code = make('code', '', bits);
    code.id = id;
    const compared = verdict(say(bits === wanted ? 'same' : 'differs'), bits === wanted);
    compared.id = ['', 'same', 'differs'][i];
    return tableRow(name, [
      percent(way.data[index], 2),
      make('span', '', code, ' ', ...(i ? [compared] : [])),
      format(way.visited),
    ]);
  });
  const name = at.label ? nameOf(at.label) : say('score');
  const head = make('span', '', ...(at.token === null ? [name] : [make('bdi', '', row.tokens[at.token]), `: ${name}`]));
  find('whole').replaceChildren(tableHead(['', head, say('bits'), say('visited')]), make('tbody', '', ...rows));
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
 * The table with one column for each position of the row. The middle of long padding is left out.
 * @param {Row} row @param {Float32Array} values  of one feature @param {{ masked: ArrayLike<number>, naive: number[] }} softmaxes
 * @param {string} header  of the tokens
 */
function showPositions({ ids, mask, tokens }, values, { masked, naive }, header) {
  const most = Math.max(...Array.from(masked), ...naive);
  const shown = shownPositions(mask);
  /** @param {string} name @param {(t: number) => string | number | Node} cellOf */
  const line = (name, cellOf) => {
    const cells = shown.map(({ t, hidden }) => (hidden ? '…' : cellOf(t)));
    const made = tableRow(name, cells);
    shown.forEach(({ t }, i) => made.children[i + 1].classList.toggle('pad', !mask[t]));
    return made;
  };
  find('positions').replaceChildren(
    make(
      'tbody',
      '',
      line(header, (t) => make('bdi', '', tokens[t])),
      line(say('id'), (t) => idText(ids[t])),
      line(say('mask'), (t) => mask[t]),
      line(say('value'), (t) => formatFixed(values[t])),
      line(say('softmaxMasked'), (t) => numberWithBar(masked[t], most)),
      line(say('softmaxNaive'), (t) => numberWithBar(naive[t], most)),
    ),
  );
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

/** Shows the row, or only a hint if there is no text. @param {Row} row @returns {boolean} true if there is a text */
function showRow(row) {
  const empty = row.alone.length === 0;
  find('inside-empty').hidden = !empty;
  find('inside-cut').hidden = !row.cut;
  find('inside-cut').textContent = say('insideCut', { n: row.alone.length });
  for (const section of document.querySelectorAll('.needs-text')) /** @type {HTMLElement} */ (section).hidden = empty;
  if (empty) return false;
  const cells = shownPositions(row.mask).map(({ t, hidden }) =>
    hidden ? tokenGap(hidden) : tokenCell(row.tokens[t], row.ids[t], row.mask[t]),
  );
  find('row').replaceChildren(...cells);
  return true;
}

/** Connects the controls for text, side and padding with the page's state. @param {() => void} onSet  called after another field changed the text */
function startControls(onSet) {
  const steps = findInput('steps');
  const radios = /** @type {HTMLInputElement[]} */ ([...find('side').querySelectorAll('input')]);
  steps.max = String(MAX_PADDING);
  steps.addEventListener('input', () => setState({ padding: Number(steps.value) }));
  for (const radio of radios)
    radio.addEventListener('change', () => setState({ side: /** @type {import('./state.js').Side} */ (radio.value) }));
  bindText(/** @type {HTMLTextAreaElement} */ (find('sentence')), onSet);
  // Choices that the user made before this script ran are kept.
  if (steps.value !== steps.defaultValue) takeOver('padding', Number(steps.value));
  const chosen = radios.find((radio) => radio.checked && !radio.defaultChecked);
  if (chosen) takeOver('side', /** @type {import('./state.js').Side} */ (chosen.value));
  return () => {
    const { padding, side } = state();
    steps.value = String(padding);
    find('count').textContent = format(padding);
    for (const radio of radios) radio.checked = radio.value === side;
  };
}

export class Inside {
  /** @type {Promise<Kernels> | null} */
  #kernels = null;
  /** @type {Passes | null} */
  #passes = null;
  /** The model on display, and its embedding. @type {{ id: string, model: Model, embedding: ReturnType<typeof embeddingOf> } | null} */
  #shown = null;
  #near = false;
  #failed = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #feature = /** @type {HTMLSelectElement} */ (find('feature'));
  #showControls;

  /** @param {(error: unknown, retry?: () => void) => void} onError  called with null when there is no error */
  constructor(onError) {
    this.onError = onError;
    this.#showControls = startControls(() => this.#show());
    this.#feature.addEventListener('input', () => this.#show());
    onState(({ text, model }) => {
      this.#showControls();
      if (model !== undefined) this.onError(null);
      clearTimeout(this.#timer);
      // While the user types in another section, update that section first.
      const elsewhere = text !== undefined && document.activeElement !== find('sentence');
      if (elsewhere) this.#timer = setTimeout(() => this.#show(), TYPING_MS);
      else this.#show();
    });
    onLanguage(() => {
      if (this.#shown) void this.#update();
    });
    onNear(find('inside'), (near) => {
      this.#near = near;
      if (near) void this.#update();
    });
    this.#showControls();
  }

  /** Loads the chosen model if it is not on display yet, and updates the whole section. */
  async #update() {
    this.#showControls();
    const { model: chosen } = state();
    const id = chosen === 'langid' ? proofModel : chosen;
    try {
      const pl = await (this.#kernels ??= init());
      const model = await loadShipped(id);
      // The user may have chosen another model meanwhile.
      if (state().model !== chosen) return;
      this.#passes ??= new Passes(pl);
      if (this.#shown?.id !== id) {
        this.#shown = { id, model, embedding: embeddingOf(model) };
        const { D } = this.#shown.embedding;
        this.#feature.replaceChildren(...Array.from({ length: D }, (_, d) => new Option(`${d + 1}`, `${d}`)));
        this.#feature.value = String(firstFeature(this.#shown.embedding, model, state().text));
      }
      this.#showAll(pl, this.#shown, this.#passes);
      this.#failed = false;
      this.onError(null);
    } catch (error) {
      this.#kernels = null;
      this.#failed = true;
      this.onError(error, () => void this.#update());
    }
  }

  /** Tries again if the model could not be loaded. Called when another section has loaded a model. */
  retry() {
    if (!this.#failed) return;
    this.#failed = false;
    this.onError(null);
    this.#show();
  }

  #show() {
    if (this.#near) void this.#update();
  }

  /** @param {Kernels} pl @param {{ id: string, model: Model, embedding: ReturnType<typeof embeddingOf> }} shown @param {Passes} passes */
  #showAll(pl, { model, embedding }, passes) {
    const { nameOf, name, reads } = shipped[state().model];
    const row = padText(state().text, model, state(), MOST_TOKENS);
    find('row-model').textContent = say('rowModel', { model: say(name), tokens: say(reads) });
    find('row').classList.toggle('of-words', reads === 'words');
    if (!showRow(row)) return;
    showWhole(model, row, nameOf);
    const d = Number(this.#feature.value);
    const [values, aloneValues] = [embedding.valuesOf(row.ids, d), embedding.valuesOf(row.alone, d)];
    const softmaxes = { masked: pl.maskedSoftmax(asSequence(values), row.mask).data, naive: naiveSoftmax(values) };
    showPools(pl, row, { values, aloneValues }, softmaxes);
    showPositions(row, values, softmaxes, say(reads === 'words' ? 'cellWord' : 'cellCharacter'));
    passes.setRow({ ...row, values, aloneValues });
    showTrace(model, row);
  }
}
