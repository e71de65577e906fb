/**
 * Answers of a model for the text in an element, while it is typed.
 * @module
 */
import { ArgumentError } from '../errors.js';
import { describe, rangeOf, readerOf } from './editable.js';

/** @typedef {import('../model/answers.js').AllowedLabels} AllowedLabels */
/** @typedef {import('../model/answers.js').Prediction} Prediction */
/**
 * A model of this thread, a model of `padless/worker`, or any object with these methods. If it has session(), a session is used.
 * @typedef {object} TypingModel
 * @property {(text: string, options?: { labels?: AllowedLabels | undefined }) => Prediction | Promise<Prediction>} predict
 * @property {(options?: { labels?: AllowedLabels | undefined }) => TypingSession} [session]
 */
/** @typedef {{ update(text: string): Prediction | Promise<Prediction>, close?(): unknown }} TypingSession */

/**
 * @typedef {object} AttachOptions
 * @property {(answer: Prediction, about: { text: string, ms: number }) => void} onAnswer
 *   called with an answer for the current text, at most once per frame. text: the text that was read; offsets of tags refer to it. ms: the
 *   time until the answer, including the messages if a worker is used
 * @property {(error: unknown) => void} [onError]  called if the model fails; default: reports an uncaught error. The next change of the text
 *   asks the model again
 * @property {number} [debounce]  milliseconds without a change before the model is asked. Default 0: in every frame with a change
 * @property {'auto' | 'wait' | 'live'} [composition]  while an input method composes: wait until it ends, or answer live. Default auto: wait,
 *   unless it composes Hangul, or the page runs on Android, where keyboards compose every word of any language
 * @property {AllowedLabels} [labels]  the labels to choose from, or weights for them, as in predict(). Default: all
 * @property {boolean | Worker} [worker]  true: runs a copy of the model in a new worker, which detach() ends; a Worker: runs the copy in this
 *   worker, which must call serve() of padless/serve
 */

/**
 * @typedef {object} Typing
 * @property {() => void} refresh  asks the model again; call it after a script has changed the text
 * @property {() => void} detach  removes all listeners, timers, sessions and workers; no answer follows. Further calls do nothing
 * @property {(start: number, end: number) => Range | null} range
 *   the Range of the text [start, end) in a contenteditable; null for inputs and textareas, which have setSelectionRange
 */

const optionNames = ['onAnswer', 'onError', 'debounce', 'composition', 'labels', 'worker'];
/** Maximum wait for a frame, in milliseconds. A hidden tab or an iframe out of sight gets no frames. */
const LONGEST_FRAME = 200;

/** @param {TypingModel} model @param {AttachOptions} options */
function checkOptions(model, options) {
  if (model === null || typeof model !== 'object' || typeof model.predict !== 'function')
    throw new ArgumentError(`attach: model is ${describe(model)}, expected an object with predict()`);
  if (options === null || typeof options !== 'object' || typeof options.onAnswer !== 'function')
    throw new ArgumentError(`attach: onAnswer is ${describe(options?.onAnswer)}, expected a function`);
  for (const name of Object.keys(options))
    if (!optionNames.includes(name))
      throw new ArgumentError(`attach: option ${describe(name)} is unknown, expected some of ${optionNames.join(', ')}`);
  const { onError, debounce = 0, composition = 'auto', worker } = options;
  if (onError !== undefined && typeof onError !== 'function')
    throw new ArgumentError(`attach: onError is ${describe(onError)}, expected a function`);
  if (typeof debounce !== 'number' || !(debounce >= 0 && debounce < Infinity))
    throw new ArgumentError(
      `attach: debounce is ${typeof debounce === 'number' ? debounce : describe(debounce)}, expected milliseconds`,
    );
  if (!['auto', 'wait', 'live'].includes(composition))
    throw new ArgumentError(`attach: composition is ${describe(composition)}, expected 'auto', 'wait' or 'live'`);
  if (worker !== undefined && typeof worker !== 'boolean' && typeof (/** @type {any} */ (worker)?.postMessage) !== 'function')
    throw new ArgumentError(`attach: worker is ${describe(worker)}, expected true, false or a Worker`);
  if (worker && typeof (/** @type {any} */ (model).save) !== 'function')
    throw new ArgumentError('attach: option worker is set, but the model has no save() to send a copy to the worker');
}

/**
 * Loads a copy of a model in a worker. Imports the code for it only now.
 * @param {any} model @param {true | Worker} worker
 */
async function copyInWorker(model, worker) {
  const { loadModel } = await import('./worker-client.js');
  return loadModel(await model.save(), {
    module: model.heap?.module,
    simd: model.simd,
    worker: worker === true ? undefined : worker,
  });
}

/** Calls a function in the next frame, once for all requests before it. */
class Schedule {
  /** @type {(() => void) | null} */
  #cancelFrame = null;
  /** @type {any} */
  #timer = null;
  #closed = false;
  #view;
  #run;
  #debounce;

  /** @param {typeof globalThis} view @param {() => void} run @param {number} debounce */
  constructor(view, run, debounce) {
    this.#view = view;
    this.#run = run;
    this.#debounce = debounce;
  }

  /** Whether it waits for a pause in the changes. */
  get debouncing() {
    return this.#timer !== null;
  }

  nextFrame() {
    if (this.#cancelFrame || this.#closed) return;
    const view = this.#view;
    /** @param {boolean} call */
    const end = (call) => {
      view.cancelAnimationFrame(frame);
      view.clearTimeout(timeout);
      this.#cancelFrame = null;
      if (call) this.#run();
    };
    const frame = view.requestAnimationFrame(() => end(true));
    const timeout = view.setTimeout(() => end(true), LONGEST_FRAME);
    this.#cancelFrame = () => end(false);
  }

  /** Requests a call in the first frame after `debounce` milliseconds without another call of changed(). */
  changed() {
    if (!this.#debounce) return this.nextFrame();
    this.#view.clearTimeout(this.#timer);
    this.#timer = this.#view.setTimeout(() => {
      this.#timer = null;
      this.nextFrame();
    }, this.#debounce);
  }

  close() {
    this.#closed = true;
    this.#view.clearTimeout(this.#timer);
    this.#cancelFrame?.();
  }
}

/** The text in an element. While an input method composes, it may be the text before the composition, according to `mode`. */
class TypedText {
  #composing = false;
  /** The text that the input method composes. */
  #composed = '';
  /** The text of the element before the composition. */
  #before = '';
  #read;
  #mode;
  #android;

  /** @param {() => string} read @param {'auto' | 'wait' | 'live'} mode @param {typeof globalThis} view */
  constructor(read, mode, view) {
    this.#read = read;
    this.#mode = mode;
    this.#android = /Android/i.test(view.navigator?.userAgent ?? '');
  }

  get current() {
    const live =
      this.#mode === 'live' || (this.#mode === 'auto' && (this.#android || /^\p{Script=Hangul}+$/u.test(this.#composed)));
    return this.#composing && !live ? this.#before : this.#read();
  }

  /** Reads the element again, even during a composition. */
  refresh() {
    this.#before = this.#read();
  }

  /** @param {HTMLElement} element @param {() => void} changed  called after each change @param {{ signal: AbortSignal }} on */
  listen(element, changed, on) {
    const start = () => {
      // compositionstart fires before the element changes.
      [this.#composing, this.#composed, this.#before] = [true, '', this.current];
    };
    const end = () => {
      this.#composing = false;
      changed();
    };
    element.addEventListener('input', changed, on);
    element.addEventListener('compositionstart', start, on);
    element.addEventListener('compositionupdate', ({ data }) => void (this.#composed = data ?? ''), on);
    // Firefox and Safari send an input event after compositionend, Chrome does not.
    element.addEventListener('compositionend', end, on);
    element.addEventListener('blur', end, on);
  }
}

/** Asks a model for answers: one text at a time, and always the current text next. */
class Asker {
  /** @type {TypingModel | null} */
  #model = null;
  /** @type {TypingSession | null} */
  #session = null;
  /** The last text asked about. @type {string | null} */
  #asked = null;
  #busy = false;
  #again = false;
  #closed = false;
  #text;
  #schedule;
  #onAnswer;
  #labels;
  #report;

  /** @param {TypedText} text @param {Schedule} schedule @param {AttachOptions} options @param {(error: unknown) => void} report */
  constructor(text, schedule, { onAnswer, labels }, report) {
    this.#text = text;
    this.#schedule = schedule;
    this.#onAnswer = onAnswer;
    this.#labels = labels;
    this.#report = report;
  }

  /** Sets the model. Before that, ask() does nothing. @param {TypingModel} model */
  start(model) {
    this.#model = model;
    this.#schedule.nextFrame();
  }

  /** Asks about the text even if it has not changed. */
  refresh() {
    this.#again = true;
    this.#schedule.nextFrame();
  }

  /** Asks about the current text, unless it was the last one. */
  ask() {
    if (this.#busy || !this.#model) return;
    const text = this.#text.current;
    if (text === this.#asked && !this.#again) return;
    [this.#asked, this.#again, this.#busy] = [text, false, true];
    const start = performance.now();
    /** @param {unknown} error */
    const fail = (error) => this.#done(text, () => this.#report(error));
    /** @param {Prediction} answer */
    const succeed = (answer) => {
      const ms = performance.now() - start;
      this.#done(text, () => this.#onAnswer(answer, { text, ms }));
    };
    let answer;
    try {
      this.#session ??= sessionOf(this.#model, this.#labels);
      answer = this.#session.update(text);
    } catch (error) {
      fail(error);
      return;
    }
    if (typeof (/** @type {any} */ (answer)?.then) === 'function') /** @type {Promise<Prediction>} */ (answer).then(succeed, fail);
    else succeed(/** @type {Prediction} */ (answer));
  }

  /** Calls `tell` if the text is still the current one, otherwise asks about the current one. @param {string} text @param {() => void} tell */
  #done(text, tell) {
    this.#busy = false;
    if (this.#closed) return;
    const stale = this.#text.current !== text;
    // While changes are debounced, the end of the pause asks.
    if ((stale || this.#again) && !this.#schedule.debouncing) this.#schedule.nextFrame();
    if (!stale) tell();
  }

  close() {
    this.#closed = true;
    this.#session?.close?.();
    this.#session = null;
  }
}

/** @param {TypingModel} model @param {AllowedLabels} [labels] @returns {TypingSession} */
const sessionOf = (model, labels) =>
  typeof model.session === 'function'
    ? model.session({ labels })
    : { update: (text) => (labels ? model.predict(text, { labels }) : model.predict(text)) };

/** @param {typeof globalThis} view @param {unknown} error */
function reportUncaught(view, error) {
  if (typeof view.reportError === 'function') view.reportError(error);
  else
    setTimeout(() => {
      throw error;
    });
}

/**
 * Calls onAnswer with the model's answer for the text in an element, now and whenever the text changes. The text is read once per frame, so
 * several changes in one frame count as one, and a text is not asked about twice in a row. At most one answer is computed at a time; an answer
 * for a text that has changed meanwhile is dropped.
 *
 * @param {HTMLElement} element  an input, a textarea, or an element with contenteditable
 * @param {TypingModel} model
 * @param {AttachOptions} options
 * @returns {Typing}
 * @throws {ArgumentError}
 */
export function attach(element, model, options) {
  const read = readerOf(element);
  checkOptions(model, options);
  const { debounce = 0, composition = 'auto', worker = false } = options;
  const view = /** @type {typeof globalThis} */ (element.ownerDocument.defaultView ?? globalThis);
  const report = options.onError ?? ((error) => reportUncaught(view, error));
  const listening = new AbortController();
  const { signal } = listening;
  const text = new TypedText(read, composition, view);
  const schedule = new Schedule(view, () => asker.ask(), debounce);
  const asker = new Asker(text, schedule, options, report);
  text.listen(element, () => schedule.changed(), { signal });
  // The reset event fires before the values change; the next frame reads the new ones.
  const { form } = /** @type {any} */ (element);
  if (form !== undefined)
    element
      .getRootNode()
      .addEventListener('reset', ({ target }) => target === /** @type {any} */ (element).form && schedule.nextFrame(), { signal });
  /** The copy in a worker. @type {{ close(): unknown } | null} */
  let copy = null;
  if (worker)
    copyInWorker(model, worker).then(
      (remote) => {
        if (signal.aborted) return void remote.close();
        copy = remote;
        asker.start(remote);
      },
      (error) => signal.aborted || report(error),
    );
  else asker.start(model);
  return {
    refresh() {
      text.refresh();
      asker.refresh();
    },
    detach() {
      if (signal.aborted) return;
      listening.abort();
      schedule.close();
      asker.close();
      copy?.close();
    },
    range: (start, end) => (form === undefined ? rangeOf(element, start, end) : null),
  };
}
