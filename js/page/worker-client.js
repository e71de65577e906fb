/**
 * A model off the main thread: the same methods, each of which returns a promise.
 * @module
 */
/* global Worker */
import { unpackError } from './crossing.js';
import { ArgumentError, LoadError, PadlessError } from '../errors.js';
import { readSource } from '../file/read-source.js';
import { prepareText, TextVectorizer } from '../text/vectorizer.js';
import { getModule } from '../runtime/wasm.js';

/** @typedef {import('../model/answers.js').AllowedLabels} AllowedLabels */
/** @typedef {import('../model/answers.js').Prediction} Prediction */
/** @typedef {import('../model/batch.js').MaskRows} MaskRows */
/** @typedef {import('../model/batch.js').Rows} Rows */
/** @typedef {import('../model/model.js').EngineOptions} EngineOptions */
/** @typedef {import('../model/model.js').ModelSettings} ModelSettings */
/** @typedef {import('../model/model.js').OutputTensor} OutputTensor */
/** @typedef {import('../model/model.js').TraceStep} TraceStep */
/** @typedef {import('../file/read-source.js').ModelSource} ModelSource */
/** @typedef {import('../file/read-source.js').ReadOptions} ReadOptions */
/**
 * What padless asks of a Worker of node:worker_threads; a page has no types for that.
 * @typedef {{ postMessage: (...args: any[]) => void, on: ThreadEvents, off: ThreadEvents, terminate: () => unknown, unref: () => void }} Thread
 */
/** @typedef {(name: 'error' | 'exit', listener: (value: any) => void) => unknown} ThreadEvents */
/** @typedef {Worker | Thread} AnyWorker */

/**
 * @typedef {object} WorkerOptions
 * @property {AnyWorker | AnyWorker[] | undefined} [worker]  of yours, serving by `padless/worker-entry` or `padless/serve`; close() leaves
 *   them running. Default: workers of the package, which close() ends
 * @property {number | undefined} [workers]  how many, each with a copy of the model. Default 1
 * @property {never} [customLayers]  classes cannot be sent: they are given to serve() in a worker of yours
 */
/** @typedef {ReadOptions & EngineOptions & WorkerOptions} RemoteOptions */

/** Each has a copy of the model. */
const MOST_WORKERS = 256;
/** Texts in one message: few enough that a signal is soon obeyed, enough that messages cost nothing beside the work. */
const CHUNK = 64;

const ownWorker =
  "write a worker of your own (import 'padless/worker-entry', or { serve } from 'padless/serve') and pass it: loadModel(source, { worker })";

/** One of the package's own workers. @returns {AnyWorker} */
function startWorker() {
  const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  try {
    if (typeof Worker !== 'function' && threads) {
      // A name for it, so that bundlers for pages pass it over.
      const here = import.meta.url;
      // The process's own switches (--input-type, --test) are not for it.
      const thread = new threads.Worker(new URL('padless/worker-entry.js', here), { execArgv: [] });
      thread.unref();
      return thread;
    }
    // Bundlers recognise a worker only in this literal form. The path is relative: the file is in the folder padless/ beside this one. Vite's
    // dev server moves this script elsewhere, and finds no such file beside it; then it takes the path for the entry padless/worker-entry.js
    // of the package. It would not, if the path began with a dot.
    return new Worker(new URL('padless/worker-entry.js', import.meta.url), { type: 'module' });
  } catch (cause) {
    throw new LoadError(`the worker could not be started: ${/** @type {Error} */ (cause).message}; ${ownWorker}`, { cause });
  }
}

/** @param {string} method @param {AbortSignal | undefined} signal */
function checkSignal(method, signal) {
  if (signal && typeof signal.throwIfAborted !== 'function')
    throw new ArgumentError(`${method}: signal is ${typeof signal}, expected an AbortSignal`);
}

/**
 * A promise, unless the signal comes first.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<T>}
 */
function abortable(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** One worker, and this side of a channel of our own to it. */
class Line {
  /** @param {AnyWorker} worker @param {boolean} owned */
  constructor(worker, owned) {
    this.worker = worker;
    this.owned = owned;
    /** @type {Map<number, { method: string, resolve: (value: any) => void, reject: (error: unknown) => void }>} */
    this.pending = new Map();
    /** What every call is answered with from now on. @type {PadlessError | null} */
    this.over = null;
    this.loaded = false;
    this.count = 0;
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.onmessage = ({ data: { id, value, error } }) => {
      const asked = this.pending.get(id);
      this.pending.delete(id);
      this.#rest();
      if (error) asked?.reject(unpackError(error));
      else asked?.resolve(value);
    };
    port1.addEventListener('messageerror', () => this.end(new PadlessError('an answer of the worker could not be read')));
    // In a worker of the caller's, what goes wrong later is not padless's affair.
    this.failed = (/** @type {any} */ event) => {
      if (!owned && this.loaded) return;
      const why = event?.message ? `: ${event.message}` : '';
      const text = this.loaded ? `the worker has died${why}` : `the worker's script could not be loaded or run${why}; ${ownWorker}`;
      this.end(
        new (this.loaded ? PadlessError : LoadError)(text, { cause: event?.error ?? (event instanceof Error ? event : undefined) }),
      );
    };
    if ('on' in worker) {
      worker.on('error', this.failed);
      worker.on('exit', this.failed);
    } else worker.addEventListener('error', this.failed);
    /** @type {any} */ (worker).postMessage({ padless: 'model', port: port2 }, [port2]);
    this.#rest();
  }

  /** In Node: without a call under way, nothing keeps the process alive. */
  #rest() {
    if (this.pending.size === 0) /** @type {any} */ (this.port).unref?.();
  }

  /**
   * @param {string} method
   * @param {unknown[]} args
   * @param {Transferable[]} [transfer]
   * @returns {Promise<any>}
   */
  call(method, args, transfer = []) {
    return new Promise((resolve, reject) => {
      if (this.over)
        throw new /** @type {any} */ (this.over.constructor)(`${method}: ${this.over.message}`, { cause: this.over.cause });
      const id = this.count++;
      try {
        this.port.postMessage({ id, method, args }, transfer);
      } catch (cause) {
        throw new ArgumentError(
          `${method}: what it was given cannot be sent to a worker: ${/** @type {Error} */ (cause).message}`,
          { cause },
        );
      }
      this.pending.set(id, { method, resolve, reject });
      /** @type {any} */ (this.port).ref?.();
    });
  }

  /** @param {PadlessError} error */
  end(error) {
    if (this.over) return;
    this.over = error;
    const { pending, port, worker } = this;
    if (!this.owned) port.postMessage({ id: -1, method: 'close', args: [] });
    if ('off' in worker) {
      worker.off('error', this.failed);
      worker.off('exit', this.failed);
    } else worker.removeEventListener('error', this.failed);
    // An 'error' that nobody listens to would end a Node process.
    if (this.owned && 'on' in worker) worker.on('error', () => {});
    if (this.owned) worker.terminate();
    port.close();
    for (const { method, reject } of pending.values())
      reject(new /** @type {any} */ (error.constructor)(`${method}: ${error.message}`, { cause: error.cause }));
    pending.clear();
  }
}

/** A model in one worker or several. What it is stands here; what it does is done there. */
export class RemoteModel {
  #lines;
  #stateful;
  #sessions = 0;

  /**
   * @param {Line[]} lines
   * @param {{ settings: ModelSettings, simd: import('../runtime/wasm.js').Build, inputs: import('../model/graph.js').ModelInput[],
   *   outputs: import('../model/answers.js').OutputSettings[], parameters: number, fileBytes: number, readsPadding: string[], stateful: boolean }} info
   */
  constructor(lines, info) {
    this.#lines = lines;
    this.#stateful = info.stateful;
    this.settings = info.settings;
    this.simd = info.simd;
    this.inputs = info.inputs;
    this.outputs = info.outputs;
    /** Numbers in the weights. */
    this.parameters = info.parameters;
    this.fileBytes = info.fileBytes;
    this.kerasVersion = info.settings.keras_version ?? '';
    /** See Model.readsPadding. */
    this.readsPadding = info.readsPadding;
    /** The text settings at work, on this side; null for a model of ids alone. */
    this.text = info.settings.text ? new TextVectorizer(info.settings.text) : null;
  }

  /** The line with the least to do; a state is kept in one place. */
  get #line() {
    if (this.#stateful) return this.#lines[0];
    return this.#lines.reduce((least, line) => (line.pending.size < least.pending.size ? line : least));
  }

  /** Counters, summed over the workers. See Model.stats. @returns {Promise<{ steps: number, memory: number }>} */
  get stats() {
    return Promise.all(this.#lines.map((line) => line.call('stats', []))).then((all) =>
      all.reduce((sum, { steps, memory }) => ({ steps: sum.steps + steps, memory: sum.memory + memory }), { steps: 0, memory: 0 }),
    );
  }

  /**
   * @overload
   * @param {string} text
   * @param {{ labels?: AllowedLabels, signal?: AbortSignal, onProgress?: (progress: { done: number, total: number }) => void }} [options]
   * @returns {Promise<Prediction>}
   */
  /**
   * @overload
   * @param {string[]} text
   * @param {{ labels?: AllowedLabels, signal?: AbortSignal, onProgress?: (progress: { done: number, total: number }) => void }} [options]
   * @returns {Promise<Prediction[]>}
   */
  /**
   * What the model says of a text, or of each of several, in their order: these are shared out among the workers, a few at a time. A model
   * whose answer depends on the batch (it reads padding, or keeps a state) gets all of them at once, in one worker.
   *
   * @param {string | string[]} text
   * @param {{ labels?: AllowedLabels, signal?: AbortSignal, onProgress?: (progress: { done: number, total: number }) => void }} [options]
   *   labels: see Model.predict. signal: rejects with its reason and sends no more texts. onProgress: texts answered
   * @returns {Promise<Prediction | Prediction[]>}
   */
  async predict(text, options) {
    const { labels, signal, onProgress } = options ?? {};
    checkSignal('predict', signal);
    if (onProgress && typeof onProgress !== 'function')
      throw new ArgumentError(`predict: onProgress is ${typeof onProgress}, expected a function`);
    signal?.throwIfAborted();
    if (!Array.isArray(text)) return abortable(this.#line.call('predict', [text, { labels }]), signal);
    return abortable(this.#predictAll([...text], { labels }, signal, onProgress), signal);
  }

  /**
   * @param {string[]} texts
   * @param {{ labels: AllowedLabels | undefined }} options
   * @param {AbortSignal | undefined} signal
   * @param {((progress: { done: number, total: number }) => void) | undefined} onProgress
   */
  async #predictAll(texts, options, signal, onProgress) {
    const total = texts.length;
    const whole = this.#stateful || this.readsPadding.length > 0;
    const lines = whole ? [this.#line] : this.#lines;
    const size = whole ? total : Math.min(CHUNK, Math.ceil(total / lines.length));
    /** @type {Prediction[]} */
    const answers = new Array(total);
    let [next, done, stopped] = [0, 0, false];
    /** @param {Line} line */
    const work = async (line) => {
      while (next < total) {
        const start = next;
        next += size;
        /** @type {Prediction[]} */
        const some = await line.call('predict', [texts.slice(start, start + size), options]);
        if (stopped || signal?.aborted) return;
        some.forEach((answer, i) => (answers[start + i] = answer));
        done += some.length;
        onProgress?.({ done, total });
      }
    };
    try {
      await Promise.all(lines.map(work));
    } finally {
      stopped = true;
    }
    return answers;
  }

  /**
   * @param {Rows | Record<string, Rows>} rows
   * @param {{ mask?: MaskRows, lengths?: ArrayLike<number> }} [options]
   * @returns {Promise<OutputTensor[]>} See Model.run
   */
  async run(rows, options) {
    return this.#line.call('run', [rows, options]);
  }

  /**
   * @param {string | Rows} text
   * @param {{ mask?: MaskRows, lengths?: ArrayLike<number> }} [options]
   * @returns {Promise<TraceStep[]>} See Model.trace
   */
  async trace(text, options) {
    return this.#line.call('trace', [text, options]);
  }

  /** @param {string[]} texts @returns {Promise<OutputTensor[]>} See Model.outputsOf */
  async outputsOf(texts) {
    return this.#line.call('outputsOf', [texts]);
  }

  /** @returns {Promise<Uint8Array<ArrayBuffer>>} the model as a safetensors file */
  async save() {
    return this.#line.call('save', []);
  }

  /** Forgets the states of stateful layers. @returns {Promise<void>} */
  async resetState() {
    await Promise.all(this.#lines.map((line) => line.call('resetState', [])));
  }

  /**
   * A session in one of the workers, there at its first update.
   * @param {import('../session/session.js').SessionOptions} [options]  see Model.session
   * @returns {{ update(text: string): Promise<Prediction>, refresh(): Promise<Prediction | null>, close(): Promise<void> }}
   */
  session(options) {
    const line = this.#line;
    const id = this.#sessions++;
    let closed = false;
    /** @param {string} method @param {unknown[]} args @returns {Promise<any>} */
    const call = async (method, ...args) => {
      if (closed) throw new PadlessError(`${method}: the session is closed`);
      return line.call(method, [id, ...args]);
    };
    return {
      update: (text) => call('update', options, text),
      refresh: () => call('refresh'),
      async close() {
        if (closed) return;
        closed = true;
        // With its model it is gone.
        await line.call('closeSession', [id]).catch((error) => {
          if (!line.over) throw error;
        });
      },
    };
  }

  /** Ends the package's workers, and lets go of the model in those of the caller's. Calls under way and later ones are rejected. */
  async close() {
    for (const line of this.#lines) line.end(new PadlessError('the model was closed'));
  }
}

/** @param {RemoteOptions} options @returns {{ given: AnyWorker[] | null, count: number }} */
function checkWorkers({ worker, workers, customLayers }) {
  if (customLayers && Object.keys(customLayers).length)
    throw new ArgumentError(
      `customLayers: classes (${Object.keys(customLayers).join(', ')}) cannot be sent to a worker; write a worker of your own with ` +
        "import { serve } from 'padless/serve'; serve({ customLayers }); and pass it: loadModel(source, { worker })",
    );
  const given = worker === undefined ? null : [worker].flat();
  if (given && (given.length === 0 || given.some((each) => typeof each?.postMessage !== 'function')))
    throw new ArgumentError('worker: expected a Worker, or an array of them');
  const count = workers ?? given?.length ?? 1;
  if (!Number.isInteger(count) || count < 1 || count > MOST_WORKERS)
    throw new ArgumentError(
      `workers is ${typeof count === 'number' ? count : typeof count}, expected a whole number from 1 to ${MOST_WORKERS}`,
    );
  if (given && given.length !== count) throw new ArgumentError(`workers is ${count}, but ${given.length} are given as worker`);
  return { given, count };
}

/**
 * Loads a model file into a worker, or into several. The file is fetched and the WebAssembly compiled on this side, once; both without
 * holding up the thread.
 *
 * @param {ModelSource} source
 * @param {RemoteOptions} [options]
 * @returns {Promise<RemoteModel>}
 * @throws {ArgumentError} for customLayers, and for a worker that is none
 * @throws {LoadError} where the file cannot be read or the worker does not start
 * @throws {import('../errors.js').ModelFileError | import('../errors.js').UnsupportedError | import('../errors.js').EngineError}
 *   as loadModel of padless does
 */
export async function loadModel(source, options) {
  const asked = options ?? {};
  const { given, count } = checkWorkers(asked);
  const { signal } = asked;
  checkSignal('loadModel', signal);
  signal?.throwIfAborted();
  /** @type {Line[]} */
  const lines = [];
  try {
    for (let i = 0; i < count; i++) lines.push(new Line(given?.[i] ?? startWorker(), !given));
    const load = async () => {
      const [bytes, { module, build }] = await Promise.all([readSource(source, asked), getModule(asked)]);
      // A view of part of a buffer would take all of it along.
      const copies = lines.map(() => bytes.slice());
      const [info] = await Promise.all(
        lines.map((line, i) => line.call('load', [{ bytes: copies[i], module, build }], [copies[i].buffer])),
      );
      for (const line of lines) line.loaded = true;
      await prepareText(info.settings.text);
      return new RemoteModel(lines, { ...info, simd: build });
    };
    return await abortable(load(), signal);
  } catch (error) {
    for (const line of lines) line.end(new PadlessError('the model was not loaded'));
    throw error;
  }
}
