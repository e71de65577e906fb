/**
 * The section "Speed": times padless in this browser. It runs the shipped language model and bidirectional LSTMs, each in both builds of padless;
 * the LSTMs also run in onnxruntime-web and TensorFlow.js, if the page's server has them.
 */
import { features, loadModel } from 'padless';
import { bilstmIds, bilstmWeights, createBilstm } from './bilstm.js';
import { find, make, tableHead, tableRow } from './elements.js';
import { format, onLanguage, say } from './language.js';
import { loadOnnxruntime } from './onnxruntime.js';
import { loadShipped } from './shipped.js';
import { loadTensorflow } from './tensorflow.js';
import { medians } from './timing.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {import('./bilstm.js').Peer} Peer */
/** @typedef {'relaxed' | 'baseline'} Build */
/**
 * A row of the table.
 * @typedef {object} Line
 * @property {'langid' | 'bilstm'} word  the model; also the key of its name in the page's texts
 * @property {number} n  characters or time steps
 * @property {number} units  of each LSTM; 0 for the language model
 * @property {Partial<Record<Build, number>>} times  milliseconds of each build
 * @property {number[]} peers  milliseconds of each peer
 */

const builds = /** @type {const} */ (['relaxed', 'baseline']);
/** Characters of the texts for the language model. */
const textLengths = [40, 200];
const bilstmSizes = [
  { units: 64, n: 32 },
  { units: 128, n: 64 },
  { units: 256, n: 64 },
];

/** @returns {Line[]} without times */
const newLines = () => [
  ...textLengths.map((n) => ({ word: /** @type {const} */ ('langid'), n, units: 0, times: {}, peers: [] })),
  ...bilstmSizes.map((size) => ({ word: /** @type {const} */ ('bilstm'), ...size, times: {}, peers: [] })),
];

/**
 * Throws if a peer does not give padless's answer: comparing their times would then mean nothing.
 * @param {Float32Array} ours @param {Float32Array} theirs @param {string} name  of the peer
 * @returns {number} the largest difference
 */
function mustAgree(ours, theirs, name) {
  const difference = Math.max(...ours.map((value, i) => Math.abs(value - theirs[i])));
  if (ours.length !== theirs.length || !(difference < 1e-5))
    throw new Error(`${name} answers [${theirs.slice(0, 3)}, ...], padless [${ours.slice(0, 3)}, ...]`);
  return difference;
}

/** @param {number | undefined} time  undefined: not measured yet */
const shownTime = (time) => (time === undefined ? '…' : say('milliseconds', { n: format(time, { maximumSignificantDigits: 3 }) }));

/** @param {Line} line @param {Peer[]} peers @param {ReturnType<typeof features>} has  the builds that this browser can run */
function lineRow({ word, n, units, times, peers: theirs }, peers, has) {
  const best = Math.min(...Object.values(times));
  const rate = Number.isFinite(best) ? format((1000 * n) / best, { maximumSignificantDigits: 3 }) : '…';
  const cells = [...builds.map((build) => (has[build] ? shownTime(times[build]) : say('none'))), rate];
  peers.forEach((_, i) => {
    const ratio = format(theirs[i] / best, { maximumSignificantDigits: 2 });
    if (word === 'langid') cells.push(say('noMask'));
    else cells.push(theirs[i] === undefined ? '…' : say('ratio', { time: shownTime(theirs[i]), n: ratio }));
  });
  return tableRow(say(word, { n, units }), cells);
}

export class Speed {
  #has = features();
  /** The builds that this browser can run. */
  #usable = builds.filter((build) => this.#has[build]);
  /** @type {Line[]} */
  #lines = [];
  /** @type {'measuring' | 'measured' | null} */
  #state = null;
  /** Each peer by name, null if the page's server does not have it; null before the first measurement. @type {Map<string, Peer | null> | null} */
  #known = null;
  /** The largest difference between an answer of a peer and padless's. @type {number | null} */
  #difference = null;

  /** @param {(error: unknown) => void} onError  null: all is well */
  constructor(onError) {
    const button = /** @type {HTMLButtonElement} */ (find('measure'));
    button.addEventListener('click', async () => {
      if (this.#state === 'measuring') return;
      this.#state = 'measuring';
      // A disabled button would lose the focus.
      button.setAttribute('aria-disabled', 'true');
      this.#showTable();
      try {
        await this.#measure();
        this.#state = 'measured';
        onError(null);
      } catch (error) {
        this.#state = null;
        onError(error);
      }
      button.removeAttribute('aria-disabled');
      this.#showTable();
    });
    onLanguage(() => this.#showTable());
  }

  /** The peers that the page's server has. */
  get #peers() {
    return [...(this.#known?.values() ?? [])].filter((peer) => peer !== null);
  }

  #showTable() {
    find('speed-status').textContent = this.#state ? say(this.#state) : '';
    if (this.#lines.length === 0) return;
    const rows = this.#lines.map((line) => lineRow(line, this.#peers, this.#has));
    const names = this.#peers.map(({ name }) => name);
    const head = tableHead([say('case'), say('relaxed'), say('baseline'), say('rate'), ...names]);
    find('speeds').replaceChildren(head, make('tbody', '', ...rows));
    this.#showPeers(names);
  }

  /** @param {string[]} names  of the peers that are served */
  #showPeers(names) {
    find('peer-note').hidden = this.#difference === null;
    find('peer-note').textContent = say('peerNote', {
      names: names.join(', '),
      difference: this.#difference?.toExponential(1) ?? '',
    });
    const absent = [...(this.#known ?? [])].filter(([, peer]) => !peer).map(([name]) => name);
    find('peer-missing').hidden = absent.length === 0;
    find('peer-missing').textContent = say('peerMissing', { names: absent.join(', ') });
  }

  async #measure() {
    this.#lines = newLines();
    this.#difference = null;
    this.#showTable();
    this.#known ??= new Map([
      ['onnxruntime-web', await loadOnnxruntime()],
      ['TensorFlow.js', await loadTensorflow()],
    ]);
    const bytes = (await loadShipped('langid')).save();
    const shipped = await Promise.all(this.#usable.map((simd) => loadModel(bytes, { simd })));
    for (const line of this.#lines) {
      this.#showTable();
      if (line.word === 'langid') await this.#measureShipped(line, shipped);
      else await this.#measureBilstm(line);
    }
  }

  /** @param {Line} line @param {Model[]} models  the language model in each build */
  async #measureShipped(line, models) {
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(5).slice(0, line.n);
    const times = await medians(models.map((each) => () => void each.predict(text)));
    this.#usable.forEach((build, i) => (line.times[build] = times[i]));
  }

  /** @param {Line} line */
  async #measureBilstm(line) {
    const { n, units } = line;
    const weights = bilstmWeights(units);
    const ids = bilstmIds(n);
    const models = await Promise.all(this.#usable.map((simd) => createBilstm(units, weights, simd)));
    const answer = models[0].run([ids])[0].data;
    const opened = [];
    for (const { name, open } of this.#peers) {
      const theirs = await open(weights, ids);
      opened.push(theirs);
      this.#difference = Math.max(this.#difference ?? 0, mustAgree(answer, await theirs.run(), name));
    }
    const times = await medians([...models.map((each) => () => void each.run([ids])), ...opened.map(({ run }) => run)]);
    this.#usable.forEach((build, i) => (line.times[build] = times[i]));
    line.peers = times.slice(this.#usable.length);
    for (const { close } of opened) await close();
  }
}
