/**
 * A model that answers while a person types.
 * @module
 */
import { ArgumentError, typeName } from '../errors.js';

/** @typedef {import('../model/answers.js').Prediction} Prediction */
/**
 * What answers: a model of this thread, one of `padless/worker`, or anything with these methods. Where it has sessions, a session is used.
 * @typedef {object} TypingModel
 * @property {(text: string) => Prediction | Promise<Prediction>} predict
 * @property {() => TypingSession} [session]
 */
/** @typedef {{ update(text: string): Prediction | Promise<Prediction>, close?(): unknown }} TypingSession */

/**
 * @typedef {object} AttachOptions
 * @property {(answer: Prediction, about: { text: string, ms: number }) => void} onAnswer
 *   called for the text that counts now, at most once a frame. text: what was read, which offsets of tags count in; ms: what the answer
 *   took, with a worker the way there and back
 * @property {(error: unknown) => void} [onError]  a model's failure; without one it is reported as an uncaught error. Typing on asks again
 * @property {number} [debounce]  milliseconds without a change before an answer is worked out. Default 0: every frame
 * @property {'auto' | 'wait' | 'live'} [composition]  while an input method composes: wait for its end, or answer all along. Default auto:
 *   wait, unless what is composed is the text itself: Hangul, and on Android every word of any language
 * @property {boolean | Worker} [worker]  true: the model's copy in a worker of its own, ended by detach(); or in this worker of yours, which
 *   serves (see padless/serve)
 */

/**
 * @typedef {object} Typing
 * @property {() => void} refresh  asks again, for an element that a script has changed
 * @property {() => void} detach  no listener, frame, session or worker of its own is left, and no answer follows. Again: nothing
 * @property {(start: number, end: number) => Range | null} range
 *   of a contenteditable: where [start, end) of the text stands now; null for inputs and textareas, which have setSelectionRange
 */

/** Inputs that hold text. */
const textual = ['text', 'search', 'url', 'tel', 'email', 'password', 'number'];
const optionNames = ['onAnswer', 'onError', 'debounce', 'composition', 'worker'];
/** A frame that does not come (a hidden tab, an iframe out of sight) is waited for no longer than this, in milliseconds. */
const LONGEST_FRAME = 200;

/** Elements that begin and end a line, as browsers' own style sheets have it. */
const blocks = new Set(
  (
    'ADDRESS ARTICLE ASIDE BLOCKQUOTE CENTER DD DETAILS DIALOG DIR DIV DL DT FIELDSET FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 ' +
    'HEADER HGROUP HR LEGEND LI MAIN MENU NAV OL P PRE SEARCH SECTION SUMMARY TABLE TBODY TFOOT THEAD TR UL'
  ).split(' '),
);
const silent = new Set(['SCRIPT', 'STYLE', 'TEMPLATE']);

/** @param {unknown} value */
const describe = (value) => (typeof value === 'string' ? JSON.stringify(value) : typeName(value));

/**
 * What stands in a contenteditable: its text nodes as they are (but U+00A0, which browsers put where a space was typed, is a space), a line
 * feed where a line ends: at a <br>, and between blocks. Layout is not asked: innerText would, and its offsets lead nowhere.
 *
 * @param {Node} root
 * @returns {{ text: string, pieces: { node: Text, at: number }[] }}  pieces: text nodes, and where each begins in the text
 */
function readEditable(root) {
  let text = '';
  /** @type {{ node: Text, at: number }[]} */
  const pieces = [];
  // A line feed is written when something follows: the <br> at a block's end only holds its line open.
  let [open, ended] = [false, false];
  const feed = () => {
    if (ended) text += '\n';
    ended = false;
  };
  /** @param {Node} node */
  const boundary = (node) => {
    if (open && blocks.has(node.nodeName)) ended = true;
  };
  /** @type {Node | null} */
  let node = root.firstChild;
  while (node) {
    if (node.nodeType === 3) {
      const { data } = /** @type {Text} */ (node);
      if (data !== '') {
        feed();
        pieces.push({ node: /** @type {Text} */ (node), at: text.length });
        text += data;
        open = true;
      }
    } else if (node.nodeName === 'BR') {
      feed();
      [open, ended] = [true, true];
    } else boundary(node);
    if (node.firstChild && !silent.has(node.nodeName)) {
      node = node.firstChild;
      continue;
    }
    while (node && !node.nextSibling) {
      const parent = /** @type {Node} */ (node.parentNode);
      node = parent === root ? null : parent;
      if (node) boundary(node);
    }
    node = node?.nextSibling ?? null;
  }
  return { text: text.replaceAll('\u00a0', ' '), pieces };
}

/** @param {Node} root @param {number} start @param {number} end */
function rangeOf(root, start, end) {
  const { text, pieces } = readEditable(root);
  if (!(start >= 0 && start <= end && end <= text.length) || pieces.length === 0) return null;
  /** @param {number} offset @param {boolean} first  at a seam: in the piece that begins there, or in the one that ends there */
  const place = (offset, first) => {
    const behind = pieces.findIndex(({ at }) => (first ? at > offset : at >= offset && at > 0));
    const { node, at } = pieces[Math.max(0, (behind < 0 ? pieces.length : behind) - 1)];
    return { node, offset: Math.min(Math.max(0, offset - at), node.length) };
  };
  const range = /** @type {Document} */ (root.ownerDocument).createRange();
  const from = place(start, true);
  const to = start === end ? from : place(end, false);
  range.setStart(from.node, from.offset);
  range.setEnd(to.node, to.offset);
  return range;
}

/**
 * How an element's text is read.
 * @param {any} element
 * @returns {() => string}
 * @throws {ArgumentError}
 */
function readerOf(element) {
  if (element === null || typeof element !== 'object' || element.nodeType !== 1)
    throw new ArgumentError(`attach: element is ${describe(element)}, expected an input, a textarea or a contenteditable element`);
  const name = element.localName;
  if (name === 'textarea') return () => element.value;
  if (name === 'input') {
    if (!textual.includes(element.type))
      throw new ArgumentError(
        `attach: element is an input of type ${describe(element.type)}, expected one of ${textual.join(', ')}`,
      );
    return () => element.value;
  }
  // The host itself: what is inside it gets no input events.
  const editable = element.getAttribute('contenteditable');
  if (editable === null || editable.toLowerCase() === 'false')
    throw new ArgumentError(
      `attach: element is a <${name}> without contenteditable, expected an input, a textarea or one that has it`,
    );
  return () => readEditable(element).text;
}

/** @param {TypingModel} model @param {AttachOptions} options */
function checkOptions(model, options) {
  if (model === null || typeof model !== 'object' || typeof model.predict !== 'function')
    throw new ArgumentError(`attach: model is ${describe(model)}, expected one that has predict()`);
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
    throw new ArgumentError('attach: worker is given, but the model has no save() to send a copy there');
}

/**
 * The copy of a model in a worker. Only who wants one downloads the code for it.
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

/**
 * Answers for what stands in an element: at once, and whenever that changes. The text is read when a frame begins, so what happens within
 * one counts once; a text that has an answer already is not asked about again. At most one answer is under way; what arrives for a text that
 * has changed meanwhile is dropped, and the newest text asked about.
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
  const { onAnswer, onError, debounce = 0, composition = 'auto', worker = false } = options;
  const view = element.ownerDocument.defaultView ?? globalThis;
  const android = /Android/i.test(view.navigator?.userAgent ?? '');
  const listening = new AbortController();
  const { signal } = listening;

  /** What answers; null until it is there. @type {TypingSession | null} */
  let answerer = null;
  /** The copy in a worker. @type {{ close(): unknown } | null} */
  let copy = null;
  /** The text asked about last. @type {string | null} */
  let asked = null;
  let [busy, again] = [false, false];
  let [composing, composed, before] = [false, '', ''];
  /** @type {(() => void) | null} */
  let cancelFrame = null;
  /** @type {ReturnType<typeof view.setTimeout> | null} */
  let timer = null;

  const composes = () =>
    composing && composition !== 'live' && !(composition === 'auto' && (android || /^\p{Script=Hangul}+$/u.test(composed)));
  /** The text that counts: while somebody composes, what stood there before. */
  const current = () => (composes() ? before : read());

  /** @param {unknown} error */
  const report = (error) => {
    if (onError) onError(error);
    else if (typeof view.reportError === 'function') view.reportError(error);
    else
      setTimeout(() => {
        throw error;
      });
  };

  const soon = () => {
    if (cancelFrame || signal.aborted) return;
    /** @param {boolean} call */
    const end = (call) => {
      view.cancelAnimationFrame(frame);
      view.clearTimeout(late);
      cancelFrame = null;
      if (call) step();
    };
    const frame = view.requestAnimationFrame(() => end(true));
    const late = view.setTimeout(() => end(true), LONGEST_FRAME);
    cancelFrame = () => end(false);
  };

  const changed = () => {
    if (!debounce) return soon();
    if (timer !== null) view.clearTimeout(timer);
    timer = view.setTimeout(() => {
      timer = null;
      soon();
    }, debounce);
  };

  const step = () => {
    if (busy) return;
    const text = current();
    if (text === asked && !again) return;
    [asked, again, busy] = [text, false, true];
    const start = performance.now();
    let answer;
    try {
      answerer ??= sessionOf(model);
      answer = answerer.update(text);
    } catch (error) {
      done(text, () => report(error));
      return;
    }
    /** @param {Prediction} value */
    const give = (value) => {
      const ms = performance.now() - start;
      done(text, () => onAnswer(value, { text, ms }));
    };
    if (typeof (/** @type {any} */ (answer)?.then) !== 'function') give(/** @type {Prediction} */ (answer));
    else /** @type {Promise<Prediction>} */ (answer).then(give, (error) => done(text, () => report(error)));
  };

  /** @param {string} text @param {() => void} tell */
  const done = (text, tell) => {
    busy = false;
    if (signal.aborted) return;
    const stale = current() !== text;
    // A pause that is being waited for ends in a frame of its own.
    if ((stale || again) && timer === null) soon();
    if (!stale) tell();
  };

  const on = { signal };
  element.addEventListener('input', changed, on);
  element.addEventListener(
    'compositionstart',
    () => {
      // Before it changes anything: also what an input method has put there an instant ago.
      [composing, composed, before] = [true, '', current()];
    },
    on,
  );
  element.addEventListener(
    'compositionupdate',
    (event) => {
      composed = event.data ?? '';
    },
    on,
  );
  // Chrome gives no input event after compositionend, Firefox and Safari do.
  const composedAll = () => {
    composing = false;
    changed();
  };
  element.addEventListener('compositionend', composedAll, on);
  element.addEventListener('blur', composedAll, on);
  // The form's values are reset after its event, before the next frame.
  const { form } = /** @type {any} */ (element);
  if (form !== undefined)
    element.getRootNode().addEventListener('reset', ({ target }) => target === /** @type {any} */ (element).form && soon(), on);

  if (worker) {
    busy = true;
    copyInWorker(model, worker).then(
      (remote) => {
        if (signal.aborted) return void remote.close();
        copy = remote;
        answerer = sessionOf(remote);
        busy = false;
        soon();
      },
      (error) => signal.aborted || report(error),
    );
  } else soon();

  return {
    refresh() {
      [again, before] = [true, read()];
      soon();
    },
    detach() {
      if (signal.aborted) return;
      listening.abort();
      if (timer !== null) view.clearTimeout(timer);
      cancelFrame?.();
      answerer?.close?.();
      copy?.close();
      answerer = null;
    },
    range: (start, end) => (form === undefined ? rangeOf(element, start, end) : null),
  };
}

/** @param {TypingModel} model @returns {TypingSession} */
const sessionOf = (model) => (typeof model.session === 'function' ? model.session() : { update: (text) => model.predict(text) });
