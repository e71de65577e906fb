/**
 * Speed: this browser, now. The shipped model, and bidirectional LSTMs made on the spot, in both builds and, where they are there, in
 * onnxruntime-web and TensorFlow.js.
 */
import { createModel, features, loadModel } from 'padless';
import { find, make, tableHead, tableRow } from './elements.js';
import { format, onLanguage, say } from './language.js';
import { loadOnnxruntime } from './peer.js';
import { loadTensorflow } from './tensorflow.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {'relaxed' | 'baseline'} Build */
/** @typedef {{ word: 'langid' | 'bilstm', n: number, units: number, times: Partial<Record<Build, number>>, peers: number[] }} Line  peers: milliseconds of each */

const builds = /** @type {const} */ (['relaxed', 'baseline']);
const texts = [40, 200];
const sizes = [
  { units: 64, n: 32 },
  { units: 128, n: 64 },
  { units: 256, n: 64 },
];
const SAMPLES = 15;
/** Where a peer is slow, fewer do: in so many milliseconds, but never less than these. */
const MOST = 4000;
const FEW = 5;
/** A sample lasts this long at least, in milliseconds, and so many ticks of the clock: tenths in Chromium, whole ones in Firefox. */
const LONG = 4;
const TICKS = 20;
/** And before it, as long as an engine needs to compile in earnest. */
const WARM = 150;

/** Lets the page breathe. */
const rest = () => new Promise((resolve) => setTimeout(resolve));

/** How far this page's clock goes on at once, in milliseconds. */
function tick() {
  const next = (/** @type {number} */ then) => {
    let now = then;
    while (now === then) now = performance.now();
    return now;
  };
  const first = next(performance.now());
  return next(first) - first;
}

/** Nobody waits for what is no promise. @param {() => unknown} way */
const call = (way) => {
  const result = way();
  return result instanceof Promise ? result : undefined;
};

/** Median milliseconds a call of each, in turns: what disturbs the machine disturbs them all. @param {(() => unknown)[]} ways */
async function medians(ways) {
  const long = Math.max(LONG, TICKS * tick());
  const counts = [];
  for (const way of ways) {
    const start = performance.now();
    let n = 0;
    // Warm at the same time.
    for (; n < 3 || performance.now() - start < WARM; n++) {
      const waiting = call(way);
      if (waiting) await waiting;
    }
    counts.push(Math.max(1, Math.ceil((long * n) / (performance.now() - start))));
    await rest();
  }
  const times = ways.map(() => /** @type {number[]} */ ([]));
  const begin = performance.now();
  for (let sample = 0; sample < SAMPLES && (sample < FEW || performance.now() - begin < MOST); sample++) {
    for (const [i, way] of ways.entries()) {
      const start = performance.now();
      for (let n = 0; n < counts[i]; n++) {
        const waiting = call(way);
        if (waiting) await waiting;
      }
      times[i].push((performance.now() - start) / counts[i]);
    }
    await rest();
  }
  return times.map((each) => each.sort((a, b) => a - b)[each.length >> 1]);
}

/** Weights of no meaning, the same for everybody. @param {number} units @returns {import('./peer.js').Weights} */
function weightsOf(units) {
  const [D, K, width] = [units, 10, 4 * units];
  /** @type {[string, number[]][]} */
  const shapes = [['embedding.embeddings', [1000, D]]];
  for (const side of ['forward', 'backward'])
    shapes.push(
      [`rnn.${side}_layer.kernel`, [D, width]],
      [`rnn.${side}_layer.recurrent_kernel`, [units, width]],
      [`rnn.${side}_layer.bias`, [width]],
    );
  shapes.push(['dense.kernel', [2 * units, K]], ['dense.bias', [K]]);
  const scale = 1 / Math.sqrt(units);
  return new Map(
    shapes.map(([path, shape]) => {
      const length = shape.reduce((product, count) => product * count, 1);
      return [path, { shape, data: Float32Array.from({ length }, (_, i) => scale * Math.sin(i * i * 0.7 + i)) }];
    }),
  );
}

/** A bidirectional LSTM over an embedding. @param {number} units @param {import('./peer.js').Weights} weights @param {Build} simd */
function bilstm(units, weights, simd) {
  const layers = [
    { class_name: 'Embedding', config: { name: 'embedding', input_dim: 1000, output_dim: units, mask_zero: true } },
    {
      class_name: 'Bidirectional',
      config: { name: 'rnn', layer: { class_name: 'LSTM', config: { name: 'lstm', units, return_sequences: true } } },
    },
    { class_name: 'GlobalAveragePooling1D', config: { name: 'pooling' } },
    { class_name: 'Dense', config: { name: 'dense', units: 10, activation: 'softmax' } },
  ];
  const architecture = { class_name: 'Sequential', config: { name: 'bilstm', layers } };
  return createModel({ architecture, simd, weights: () => weights });
}

/**
 * Who does not compute the same is not compared.
 * @param {Float32Array} ours @param {Float32Array} theirs @param {string} name
 * @returns {number} the largest difference
 */
function mustAgree(ours, theirs, name) {
  const difference = Math.max(...ours.map((value, i) => Math.abs(value - theirs[i])));
  if (ours.length !== theirs.length || !(difference < 1e-5))
    throw new Error(`${name} answers [${theirs.slice(0, 3)}, ...], padless [${ours.slice(0, 3)}, ...]`);
  return difference;
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
  /** By their names, in this order; null: not served beside the page. @type {Map<string, import('./peer.js').Peer | null> | null} */
  let known = null;
  /** The largest between an answer of theirs and ours. @type {number | null} */
  let difference = null;
  const peers = () => [...(known?.values() ?? [])].filter((peer) => peer !== null);

  const showPeers = () => {
    const names = peers().map(({ name }) => name);
    find('peer-note').hidden = difference === null;
    find('peer-note').textContent = say('peerNote', {
      names: names.join(', '),
      difference: difference?.toExponential(1) ?? '',
    });
    const absent = [...(known ?? [])].filter(([, peer]) => !peer).map(([name]) => name);
    find('peer-missing').hidden = absent.length === 0;
    find('peer-missing').textContent = say('peerMissing', { names: absent.join(', ') });
  };

  const show = () => {
    find('speed-status').textContent = state ? say(state) : '';
    if (lines.length === 0) return;
    /** @param {number | undefined} time */
    const shown = (time) => (time === undefined ? '…' : say('milliseconds', { n: format(time, { maximumSignificantDigits: 3 }) }));
    const rows = lines.map(({ word, n, units, times, peers: theirs }) => {
      const cells = builds.map((build) => (has[build] ? shown(times[build]) : say('none')));
      const best = Math.min(...Object.values(times));
      peers().forEach((_, i) => {
        const ratio = format(theirs[i] / best, { maximumSignificantDigits: 2 });
        if (word === 'langid') cells.push(say('noMask'));
        else cells.push(theirs[i] === undefined ? '…' : say('ratio', { time: shown(theirs[i]), n: ratio }));
      });
      const rate = format((1000 * n) / best, { maximumSignificantDigits: 3 });
      return tableRow(say(word, { n, units }), [...cells, Number.isFinite(best) ? rate : '…']);
    });
    const head = tableHead([say('case'), say('relaxed'), say('baseline'), ...peers().map(({ name }) => name), say('rate')]);
    find('speeds').replaceChildren(head, make('tbody', '', ...rows));
    showPeers();
  };

  const measure = async () => {
    const cases = [...texts.map((n) => ({ word: 'langid', n, units: 0 })), ...sizes.map((each) => ({ word: 'bilstm', ...each }))];
    lines = cases.map((each) => /** @type {Line} */ ({ ...each, times: {}, peers: [] }));
    difference = null;
    show();
    known ??= new Map([
      ['onnxruntime-web', await loadOnnxruntime()],
      ['TensorFlow.js', await loadTensorflow()],
    ]);
    const bytes = model.save();
    const shipped = await Promise.all(there.map((simd) => loadModel(bytes, { simd })));
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(5);
    for (const line of lines) {
      show();
      const { word, n, units } = line;
      if (word === 'langid') {
        const times = await medians(shipped.map((each) => () => void each.predict(text.slice(0, n))));
        there.forEach((build, i) => (line.times[build] = times[i]));
        continue;
      }
      const weights = weightsOf(units);
      const ids = Array.from({ length: n }, (_, i) => 1 + ((i * 37) % 999));
      const models = await Promise.all(there.map((simd) => bilstm(units, weights, simd)));
      const answer = models[0].run([ids])[0].data;
      const theirs = [];
      for (const { name, open } of peers()) {
        const opened = await open(weights, ids);
        theirs.push(opened);
        difference = Math.max(difference ?? 0, mustAgree(answer, await opened.run(), name));
      }
      const times = await medians([...models.map((each) => () => void each.run([ids])), ...theirs.map(({ run }) => run)]);
      there.forEach((build, i) => (line.times[build] = times[i]));
      line.peers = times.slice(there.length);
      for (const { close } of theirs) await close();
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
