/**
 * Speed: this browser, now. The shipped model, and bidirectional LSTMs made on the spot, in both builds.
 */
import { createModel, features, loadModel } from 'padless';
import { find, make, tableHead, tableRow } from './elements.js';
import { format, onLanguage, say } from './language.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {'relaxed' | 'baseline'} Build */
/** @typedef {{ word: 'langid' | 'bilstm', n: number, units: number, times: Partial<Record<Build, number>> }} Line */

const builds = /** @type {const} */ (['relaxed', 'baseline']);
const texts = [40, 200];
const sizes = [
  { units: 64, n: 32 },
  { units: 128, n: 64 },
  { units: 256, n: 64 },
];
const SAMPLES = 15;
/** A sample lasts this long at least, in milliseconds: a page's clock ticks in tenths. */
const LONG = 4;
/** And before it, as long as an engine needs to compile in earnest. */
const WARM = 150;

/** Lets the page breathe. */
const rest = () => new Promise((resolve) => setTimeout(resolve));

/** Median milliseconds a call of each, in turns: what disturbs the machine disturbs them all. @param {(() => void)[]} ways */
async function medians(ways) {
  const counts = [];
  for (const way of ways) {
    const start = performance.now();
    let n = 0;
    // Warm at the same time.
    for (; n < 3 || performance.now() - start < WARM; n++) way();
    counts.push(Math.max(1, Math.ceil((LONG * n) / (performance.now() - start))));
    await rest();
  }
  const times = ways.map(() => /** @type {number[]} */ ([]));
  for (let sample = 0; sample < SAMPLES; sample++) {
    for (const [i, way] of ways.entries()) {
      const start = performance.now();
      for (let call = 0; call < counts[i]; call++) way();
      times[i].push((performance.now() - start) / counts[i]);
    }
    await rest();
  }
  return times.map((each) => each.sort((a, b) => a - b)[SAMPLES >> 1]);
}

/** A bidirectional LSTM over an embedding, with weights of no meaning. @param {number} units @param {Build} simd */
function bilstm(units, simd) {
  const layers = [
    { class_name: 'Embedding', config: { name: 'embedding', input_dim: 1000, output_dim: units, mask_zero: true } },
    {
      class_name: 'Bidirectional',
      config: { name: 'rnn', layer: { class_name: 'LSTM', config: { name: 'lstm', units, return_sequences: true } } },
    },
    { class_name: 'GlobalAveragePooling1D', config: { name: 'pooling' } },
    { class_name: 'Dense', config: { name: 'dense', units: 10, activation: 'softmax' } },
  ];
  return createModel({
    architecture: { class_name: 'Sequential', config: { name: 'bilstm', layers } },
    simd,
    weights: (root) =>
      new Map(
        root.listWeights().map(({ path, spec: { shape } }) => {
          const count = shape.reduce((/** @type {number} */ product, /** @type {number} */ length) => product * length, 1);
          const scale = 1 / Math.sqrt(units);
          return [path, { shape, data: Float32Array.from({ length: count }, () => scale * (2 * Math.random() - 1)) }];
        }),
      ),
  });
}

/** @param {Model} model @param {(error: unknown) => void} onError */
export function startSpeed(model, onError) {
  const has = features();
  const there = builds.filter((build) => has[build]);
  const button = /** @type {HTMLButtonElement} */ (find('measure'));
  /** @type {Line[]} */
  let lines = [];
  /** @type {'measuring' | 'measured' | null} */
  let state = null;

  const show = () => {
    find('speed-status').textContent = state ? say(state) : '';
    if (lines.length === 0) return;
    const rows = lines.map(({ word, n, units, times }) => {
      const cells = builds.map((build) => {
        if (!has[build]) return say('none');
        const time = times[build];
        return time === undefined ? '…' : say('milliseconds', { n: format(time, { maximumSignificantDigits: 3 }) });
      });
      const best = Math.min(...Object.values(times));
      const rate = format((1000 * n) / best, { maximumSignificantDigits: 3 });
      return tableRow(say(word, { n, units }), [...cells, Number.isFinite(best) ? rate : '…']);
    });
    const head = tableHead([say('case'), say('relaxed'), say('baseline'), say('rate')]);
    find('speeds').replaceChildren(head, make('tbody', '', ...rows));
  };

  const measure = async () => {
    const cases = [...texts.map((n) => ({ word: 'langid', n, units: 0 })), ...sizes.map((each) => ({ word: 'bilstm', ...each }))];
    lines = cases.map((each) => /** @type {Line} */ ({ ...each, times: {} }));
    const bytes = model.save();
    const shipped = await Promise.all(there.map((simd) => loadModel(bytes, { simd })));
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(5);
    for (const line of lines) {
      show();
      const { word, n, units } = line;
      const models = word === 'langid' ? shipped : await Promise.all(there.map((simd) => bilstm(units, simd)));
      const ids = Array.from({ length: n }, (_, i) => 1 + ((i * 37) % 999));
      const ways = models.map((each) => () => void (word === 'langid' ? each.predict(text.slice(0, n)) : each.run([ids])));
      const times = await medians(ways);
      there.forEach((build, i) => (line.times[build] = times[i]));
    }
  };

  button.addEventListener('click', async () => {
    // Not disabled: that would take the focus away.
    if (state === 'measuring') return;
    state = 'measuring';
    button.setAttribute('aria-disabled', 'true');
    show();
    try {
      await measure();
      state = 'measured';
    } catch (error) {
      state = null;
      onError(error);
    }
    button.removeAttribute('aria-disabled');
    show();
  });
  onLanguage(show);
}
