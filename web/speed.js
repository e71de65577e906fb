/**
 * The section "Speed": times padless in this browser. It runs the shipped language model and bidirectional LSTMs, each in both builds of padless;
 * the LSTMs also run in onnxruntime-web and TensorFlow.js, if the page's server has them.
 */
import { features, loadModel } from 'padless';
import { bilstmIds, bilstmWeights, createBilstm } from './bilstm.js';
import { find } from './elements.js';
import { onLanguage, say } from './language.js';
import { loadOnnxruntime } from './onnxruntime.js';
import { loadShipped } from './shipped.js';
import { aboutReference, builds, caseName, peerNames, speedTable } from './speed-table.js';
import { loadTensorflow } from './tensorflow.js';
import { medians } from './timing.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {import('./bilstm.js').Peer} Peer */
/** @typedef {import('./speed-table.js').Case} Case */
/** @typedef {import('./speed-table.js').Line} Line */

/** @type {Case[]} */
const cases = [
  ...[40, 200].map((n) => ({ word: /** @type {const} */ ('langid'), n, units: 0 })),
  { word: 'bilstm', units: 64, n: 32 },
  { word: 'bilstm', units: 128, n: 64 },
  { word: 'bilstm', units: 256, n: 64 },
];

/** @returns {Line[]} without times */
const newLines = () => cases.map((each) => ({ ...each, times: {} }));

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

export class Speed {
  #has = features();
  /** The builds that this browser can run. */
  #usable = builds.filter((build) => this.#has[build]);
  #lines = newLines();
  /** @type {'measured' | null} */
  #state = null;
  /** Index of the case that is being measured; -1 if none is. */
  #at = -1;
  /** The peers by name; those that the page's server does not have are null. The map is null before the first measurement. @type {Map<string, Peer | null> | null} */
  #known = null;
  /** The largest difference between a peer's answer and padless's answer. @type {number | null} */
  #difference = null;

  /** @param {(error: unknown) => void} onError  called with null when there is no error */
  constructor(onError) {
    const button = /** @type {HTMLButtonElement} */ (find('measure'));
    button.addEventListener('click', async () => {
      if (this.#at >= 0) return;
      // A disabled button would lose the focus.
      button.setAttribute('aria-disabled', 'true');
      try {
        await this.#measure();
        this.#state = 'measured';
        onError(null);
      } catch (error) {
        onError(error);
      }
      this.#at = -1;
      button.removeAttribute('aria-disabled');
      this.#show();
    });
    onLanguage(() => this.#show());
    this.#show();
  }

  /** The peers that the page's server has. */
  get #peers() {
    return [...(this.#known?.values() ?? [])].filter((peer) => peer !== null);
  }

  #show() {
    const progress = /** @type {HTMLProgressElement} */ (find('speed-progress'));
    const at = this.#at;
    progress.hidden = at < 0;
    progress.max = cases.length;
    progress.value = Math.max(at, 0);
    const measuring = at < 0 ? '' : say('measuring', { at: at + 1, n: cases.length, case: caseName(cases[at]) });
    find('speed-status').textContent = measuring || (this.#state ? say(this.#state) : '');
    find('speeds').replaceChildren(...speedTable(this.#lines, (engine) => this.#missing(engine)));
    find('speed-reference').textContent = aboutReference();
    this.#showPeers(this.#peers.map(({ name }) => name));
  }

  /** The text in place of a time that was not measured here. @param {import('./speed-table.js').Engine} engine */
  #missing(engine) {
    const build = engine === 'relaxed' || engine === 'baseline';
    if (build && !this.#has[engine]) return say('none');
    if (!build && this.#known && !this.#known.get(engine)) return say('notServed');
    return this.#at < 0 ? '—' : '…';
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
    this.#state = null;
    this.#at = 0;
    this.#show();
    this.#known ??= new Map([
      [peerNames[0], await loadOnnxruntime()],
      [peerNames[1], await loadTensorflow()],
    ]);
    const bytes = (await loadShipped('langid')).save();
    const shipped = await Promise.all(this.#usable.map((simd) => loadModel(bytes, { simd })));
    for (const [i, line] of this.#lines.entries()) {
      this.#at = i;
      this.#show();
      if (line.word === 'langid') await this.#measureShipped(line, shipped);
      else await this.#measureBilstm(line);
    }
  }

  /** Measures the median time of each function, and shows the progress in the progress bar. @param {(() => unknown)[]} ways */
  #medians(ways) {
    const progress = /** @type {HTMLProgressElement} */ (find('speed-progress'));
    return medians(ways, (share) => (progress.value = this.#at + share));
  }

  /** @param {Line} line @param {Model[]} models  the language model in each build */
  async #measureShipped(line, models) {
    const text = 'The quick brown fox jumps over the lazy dog. '.repeat(5).slice(0, line.n);
    const times = await this.#medians(models.map((each) => () => void each.predict(text)));
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
    const times = await this.#medians([...models.map((each) => () => void each.run([ids])), ...opened.map(({ run }) => run)]);
    this.#usable.forEach((build, i) => (line.times[build] = times[i]));
    const served = peerNames.filter((name) => this.#known?.get(name));
    served.forEach((name, i) => (line.times[name] = times[this.#usable.length + i]));
    for (const { close } of opened) await close();
  }
}
