/**
 * A session: answers for an edited text, which computes only what the edit changes.
 * @module
 */
import { ArgumentError, checkOptions, PadlessError, show, typeName } from '../errors.js';
import { Layer, reachOf } from '../layers/layer.js';
import { labelWeights, predictions } from '../model/answers.js';
import { padRows, placeInput, readOutput } from '../model/batch.js';
import { encodeAfter } from '../text/changes.js';
import { IncrementalRun } from './incremental-run.js';
/** @typedef {import('../model/answers.js').Prediction} Prediction */
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('../model/model.js').OutputTensor} OutputTensor */
/** @typedef {import('../text/vectorizer.js').Encoding} Encoding */
/** @typedef {import('../text/vectorizer.js').TextVectorizer} TextVectorizer */

/**
 * @typedef {object} SessionOptions
 * @property {number} [tolerance]
 *   0 (default): every answer has the same bits as that of predict(). Above 0: a recurrent layer also stops where no value of its new state differs
 *   from the kept one by more than tolerance * max(1, |value|); then an edit costs the same in a text of any length
 * @property {import('../model/answers.js').AllowedLabels | undefined} [labels]  the labels to choose from, or weights for them, as in predict(). Default: all
 */

/** Milliseconds after the last update before a session with a tolerance refreshes itself. */
const IDLE_DELAY = 500;

/**
 * Whether an IncrementalRun can run the model.
 * @param {Model} model
 */
function runsIncrementally({ inputs, padded, needsLength, root, text }) {
  // A custom layer qualifies if it consists of other layers; one with its own build() may compute anything.
  return (
    inputs.length === 1 &&
    inputs[0].ids &&
    // With text settings, all words have the same number of ids.
    (!inputs[0].words || text) &&
    !inputs[0].numbering &&
    !padded &&
    !needsLength &&
    root.all().every((layer) => !layer.config.stateful && (layer.build === Layer.prototype.build || reachOf(layer)))
  );
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
const sameValues = (a, b) => a.length === b.length && Array.prototype.every.call(a, (value, i) => value === b[i]);

/** The class of the sessions that Model.session() returns. */
export class Session {
  #model;
  #labels;
  #weights;
  /** null if each update runs the whole model. @type {IncrementalRun | null} */
  #incremental;
  /** The text of the last update, and its tokens. @type {{ text: string, row: Encoding } | null} */
  #read = null;
  /** Result of the last run. @type {{ T: number, mask: Uint8Array, outputs: OutputTensor[] } | null} */
  #last = null;
  #closed = false;
  /** Cancels the planned refresh. @type {(() => void) | null} */
  #cancel = null;

  /**
   * @param {Model} model
   * @param {SessionOptions} [options]
   */
  constructor(model, options = {}) {
    checkOptions('session', options, ['tolerance', 'labels']);
    const given = options ?? {};
    const { tolerance = 0, labels } = given;
    if (typeof tolerance !== 'number' || !(tolerance >= 0 && tolerance < Infinity))
      throw new ArgumentError(`session: tolerance is ${show(tolerance)}, expected a finite number, 0 or more`);
    this.#model = model;
    this.#weights = labelWeights(model.outputs, labels);
    // The caller may change its list later.
    this.#labels = structuredClone(labels);
    this.#incremental = runsIncrementally(model) ? new IncrementalRun(model.heap, tolerance, model.inputs[0]) : null;
  }

  /**
   * Returns the answer of predict(text), and computes only what has changed since the last update.
   * @param {string} text
   * @returns {Prediction}
   * @throws {ArgumentError} for anything but a string; this leaves the session as it was
   */
  update(text) {
    this.#checkOpen('update');
    const model = this.#model;
    const vectorizer = model.text;
    if (!this.#incremental || !vectorizer) {
      if (typeof text !== 'string') throw new ArgumentError(`update: text is ${typeName(text)}, expected a string`);
      return model.predict(text, { labels: this.#labels });
    }
    const row = encodeAfter(vectorizer, text, this.#read);
    this.#read = { text, row };
    return this.#answer(row);
  }

  /** @param {Encoding} row @returns {Prediction} */
  #answer(row) {
    const model = this.#model;
    const vectorizer = /** @type {TextVectorizer} */ (model.text);
    const batch = vectorizer.batch([row]);
    const T = batch.shape[1];
    const mask = vectorizer.paddingIsData ? new Uint8Array(T).fill(1) : batch.mask;
    const [input] = model.inputs;
    const { ids: data } = batch;
    const outputs = this.#forward(input.words?.padText(input, batch) ?? { input, rows: [data], B: 1, T, data, mask });
    return predictions(model.outputs, outputs, batch, this.#weights)[0];
  }

  /**
   * Returns the outputs of run([ids]), and computes only what has changed since the last call.
   * @param {ArrayLike<number>} ids
   * @returns {OutputTensor[]}
   */
  run(ids) {
    this.#checkOpen('run');
    const model = this.#model;
    if (!this.#incremental || model.inputs[0].words) return model.run([ids]);
    this.#read = null;
    const outputs = this.#forward(padRows(model.inputs[0], [ids], { wholeLength: false }));
    return outputs.map(({ name, shape, data }) => ({ name, shape: [...shape], data: data.slice() }));
  }

  /**
   * Returns the exact answer for the text of the last update; the next updates start from it. A session with a tolerance calls it automatically,
   * half a second after the last update, when the page is idle. It may take as long as predict().
   * @returns {Prediction | null} null before the first update
   */
  refresh() {
    this.#checkOpen('refresh');
    if (this.#incremental?.approximate) this.#forget();
    return this.#read && this.#answer(this.#read.row);
  }

  /** Releases what the session keeps. Later calls throw. */
  close() {
    this.#closed = true;
    this.#forget();
    this.#read = null;
    this.#incremental = null;
  }

  /** @param {string} what  the method that was called */
  #checkOpen(what) {
    if (this.#closed) throw new PadlessError(`${what}: the session is closed`);
  }

  #forget() {
    this.#cancel?.();
    this.#incremental?.forget();
    this.#last = null;
  }

  /** @param {import('../model/batch.js').Padded} padded @returns {OutputTensor[]} also kept by the session: copy before returning to the caller */
  #forward(padded) {
    const { heap, root, outputs: settings } = this.#model;
    const incremental = /** @type {IncrementalRun} */ (this.#incremental);
    const last = this.#last;
    const mask = /** @type {Uint8Array} */ (padded.mask);
    this.#last = null;
    try {
      const outputs = heap.scoped(() => {
        const x = placeInput(heap, padded, false);
        const ids = padded.input.words ? /** @type {Int32Array} */ (padded.data) : heap.i32View(x.pointer, x.time.N).slice();
        const kept = incremental.compare(ids);
        if (kept.same && last && last.T === padded.T && sameValues(last.mask, mask)) return last.outputs;
        const y = [incremental.run(root, x, ids, kept)].flat();
        return settings.map(({ name }, i) => ({ name, ...readOutput(y[i]) }));
      });
      this.#last = { T: padded.T, mask, outputs };
      this.#cancel?.();
      if (incremental.approximate) this.#planRefresh();
      return outputs;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** Plans a refresh for when the page is idle. */
  #planRefresh() {
    const refresh = () => {
      this.#cancel = null;
      try {
        this.refresh();
      } catch {
        // There is no caller to report to. The kept values are discarded, so the next update runs the whole model, and throws if that fails, too.
      }
    };
    const { requestIdleCallback: requestIdle, cancelIdleCallback: cancelIdle } = globalThis;
    const timer = setTimeout(() => {
      if (typeof requestIdle !== 'function') return refresh();
      const id = requestIdle(refresh);
      this.#cancel = () => cancelIdle(id);
    }, IDLE_DELAY);
    // In Node, the timer does not keep the process alive.
    if (typeof timer === 'object') timer.unref();
    this.#cancel = () => clearTimeout(timer);
  }
}
