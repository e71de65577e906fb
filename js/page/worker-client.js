/**
 * A model in a worker. It has the methods of a model on the main thread; each returns a promise.
 * @module
 */
/* global Worker */
import { unpackError } from './crossing.js';
import { ArgumentError, checkOptions, LoadError, PadlessError } from '../errors.js';
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
 * The part of Worker of node:worker_threads that padless uses. (The types of Node are not available to pages.)
 * @typedef {{ postMessage: (...args: any[]) => void, on: ThreadEvents, off: ThreadEvents, terminate: () => unknown, unref: () => void }} Thread
 */
/** @typedef {(name: 'error' | 'exit', listener: (value: any) => void) => unknown} ThreadEvents */
/** @typedef {Worker | Thread} AnyWorker */

/**
 * @typedef {object} WorkerOptions
 * @property {AnyWorker | AnyWorker[] | undefined} [worker]  your own workers, which import `padless/worker-entry` or `padless/serve`; close()
 *   does not end them. Default: new workers, which close() ends
 * @property {number | undefined} [workers]  number of workers, each with a copy of the model. Default 1
 * @property {never} [customLayers]  not supported, as classes cannot be sent: pass them to serve() in your own worker
 */
/** @typedef {ReadOptions & EngineOptions & WorkerOptions} RemoteOptions */

const optionNames = ['worker', 'workers', 'customLayers', 'signal', 'onProgress', 'fetch', 'module', 'simd'];
/** Maximum number of workers. Each has a copy of the model. */
const MAX_WORKERS = 256;
/** Number of texts in one message: few enough that a signal takes effect soon, and many enough that sending messages costs little. */
const CHUNK = 64;

const ownWorker =
  "write your own worker (import 'padless/worker-entry', or { serve } from 'padless/serve') and pass it: loadModel(source, { worker })";

/** Starts a new worker. @returns {AnyWorker} */
function startWorker() {
  const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  try {
    if ((typeof Worker !== 'function' || 'Deno' in globalThis || 'Bun' in globalThis) && threads) {
      // Deno and Bun have both; their own Worker would keep an idle process alive.
      // A variable, because bundlers for pages would include the file if they saw import.meta.url in the call.
      const here = import.meta.url;
      // The worker must not inherit options of the process, such as --input-type and --test.
      const thread = new threads.Worker(new URL('padless/worker-entry.js', here), { execArgv: [] });
      thread.unref();
      return thread;
    }
    // Bundlers recognise a worker only in this literal form. The path is relative to this file. In the dev server of Vite this file is moved
    // and the path does not exist; Vite then resolves it as the entry padless/worker-entry.js of the package, but only if it does not start
    // with a dot.
    return new Worker(new URL('padless/worker-entry.js', import.meta.url), { type: 'module' });
  } catch (cause) {
    throw new LoadError(`the worker could not be started: ${/** @type {Error} */ (cause).message}; ${ownWorker}`, { cause });
  }
}

/** @param {string} method @param {AbortSignal | undefined} signal */
function checkSignal(method, signal) {
  if (signal !== undefined && signal !== null && typeof signal.throwIfAborted !== 'function')
    throw new ArgumentError(`${method}: signal is ${typeof signal}, expected an AbortSignal`);
}

/**
 * The promise, rejected when the signal aborts.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<T>}
 */
function abortable(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** One worker with the page's end of a message channel to it. */
class Connection {
  /** @param {AnyWorker} worker @param {boolean} owned */
  constructor(worker, owned) {
    this.worker = worker;
    this.owned = owned;
    /** @type {Map<number, { method: string, resolve: (value: any) => void, reject: (error: unknown) => void }>} */
    this.pending = new Map();
    /** The error of all further calls. @type {PadlessError | null} */
    this.over = null;
    this.loaded = false;
    this.count = 0;
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.onmessage = ({ data: { id, value, error } }) => {
      const asked = this.pending.get(id);
      this.pending.delete(id);
      this.#unref();
      if (error) asked?.reject(unpackError(error));
      else asked?.resolve(value);
    };
    port1.addEventListener('messageerror', () => this.end(new PadlessError('an answer of the worker could not be read')));
    // In a page, an error of the caller's own worker after loading may come from other code. In Node, an error ends the worker.
    this.failed = (/** @type {any} */ event) => {
      if (!owned && this.loaded && !('on' in worker)) return;
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
    this.#unref();
  }

  /** Lets a Node process end while no call is pending. */
  #unref() {
    if (this.pending.size === 0) /** @type {any} */ (this.port).unref?.();
  }

  /**
   * @param {string} method
   * @param {unknown[]} args
   * @param {(ArrayBuffer | MessagePort)[]} [transfer]
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
        throw new ArgumentError(`${method}: the arguments cannot be sent to a worker: ${/** @type {Error} */ (cause).message}`, {
          cause,
        });
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
    // Without a listener, an 'error' event ends a Node process.
    if (this.owned && 'on' in worker) worker.on('error', () => {});
    if (this.owned) worker.terminate();
    port.close();
    for (const { method, reject } of pending.values())
      reject(new /** @type {any} */ (error.constructor)(`${method}: ${error.message}`, { cause: error.cause }));
    pending.clear();
  }
}

/** A model in one or more workers. Its properties are available at once; its methods run in a worker. */
export class RemoteModel {
  #connections;
  #stateful;
  #sessions = 0;

  /**
   * @param {Connection[]} connections
   * @param {{ settings: ModelSettings, simd: import('../runtime/wasm.js').Build, inputs: import('../model/graph.js').ModelInput[],
   *   outputs: import('../model/answers.js').OutputSettings[], parameters: number, fileBytes: number, readsPadding: string[], stateful: boolean }} info
   */
  constructor(connections, info) {
    this.#connections = connections;
    this.#stateful = info.stateful;
    this.settings = info.settings;
    this.simd = info.simd;
    this.inputs = info.inputs;
    this.outputs = info.outputs;
    /** Number of values in all weights. */
    this.parameters = info.parameters;
    this.fileBytes = info.fileBytes;
    this.kerasVersion = info.settings.keras_version ?? '';
    /** See Model.readsPadding. */
    this.readsPadding = info.readsPadding;
    /** Converts texts to ids, on this thread; null for a model without text settings. */
    this.text = info.settings.text ? new TextVectorizer(info.settings.text) : null;
  }

  /** The connection with the fewest pending calls; for a stateful model always the first. */
  get #connection() {
    if (this.#stateful) return this.#connections[0];
    return this.#connections.reduce((idlest, connection) => (connection.pending.size < idlest.pending.size ? connection : idlest));
  }

  /** Model.stats, summed over the workers. @returns {Promise<{ steps: number, memory: number }>} */
  get stats() {
    return Promise.all(this.#connections.map((connection) => connection.call('stats', []))).then((all) =>
      all.reduce((sum, { steps, memory }) => ({ steps: sum.steps + steps, memory: sum.memory + memory }), { steps: 0, memory: 0 }),
    );
  }

  /**
   * @overload
   * @param {string} text
   * @param {{ labels?: AllowedLabels | undefined, signal?: AbortSignal, onProgress?: (progress: { done: number, total: number }) => void }} [options]
   * @returns {Promise<Prediction>}
   */
  /**
   * @overload
   * @param {string[]} text
   * @param {{ labels?: AllowedLabels | undefined, signal?: AbortSignal, onProgress?: (progress: { done: number, total: number }) => void }} [options]
   * @returns {Promise<Prediction[]>}
   */
  /**
   * The answer for a text, or the answers for several texts in their order. Several texts are distributed over the workers. If answers
   * depend on the batch (a layer reads padding, or keeps a state), one worker gets all texts at once.
   *
   * @param {string | string[]} text
   * @param {{ labels?: AllowedLabels | undefined, signal?: AbortSignal, onProgress?: (progress: { done: number, total: number }) => void }} [options]
   *   labels: see Model.predict. signal: when it aborts, the promise is rejected with its reason, and no more texts are sent. onProgress:
   *   called with the number of texts answered
   * @returns {Promise<Prediction | Prediction[]>}
   */
  async predict(text, options) {
    checkOptions('predict', options, ['labels', 'signal', 'onProgress']);
    const { labels, signal, onProgress } = options ?? {};
    checkSignal('predict', signal);
    if (onProgress && typeof onProgress !== 'function')
      throw new ArgumentError(`predict: onProgress is ${typeof onProgress}, expected a function`);
    signal?.throwIfAborted();
    if (!Array.isArray(text)) return abortable(this.#connection.call('predict', [text, { labels }]), signal);
    return abortable(this.#predictAll([...text], { labels }, signal, onProgress), signal);
  }

  /**
   * @param {string[]} texts
   * @param {{ labels?: AllowedLabels | undefined }} options
   * @param {AbortSignal | undefined} signal
   * @param {((progress: { done: number, total: number }) => void) | undefined} onProgress
   */
  async #predictAll(texts, options, signal, onProgress) {
    const total = texts.length;
    const whole = this.#stateful || this.readsPadding.length > 0;
    const connections = whole ? [this.#connection] : this.#connections;
    const size = whole ? total : Math.min(CHUNK, Math.ceil(total / connections.length));
    /** @type {Prediction[]} */
    const answers = new Array(total);
    let [next, done, stopped] = [0, 0, false];
    /** @param {Connection} connection */
    const work = async (connection) => {
      while (next < total && !signal?.aborted) {
        const start = next;
        next += size;
        /** @type {Prediction[]} */
        const some = await connection.call('predict', [texts.slice(start, start + size), options]);
        if (stopped || signal?.aborted) return;
        some.forEach((answer, i) => (answers[start + i] = answer));
        done += some.length;
        onProgress?.({ done, total });
      }
    };
    try {
      await Promise.all(connections.map(work));
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
    return this.#connection.call('run', [rows, options]);
  }

  /**
   * @param {string | Rows} text
   * @param {{ mask?: MaskRows, lengths?: ArrayLike<number> }} [options]
   * @returns {Promise<TraceStep[]>} See Model.trace
   */
  async trace(text, options) {
    return this.#connection.call('trace', [text, options]);
  }

  /** @param {string[]} texts @returns {Promise<OutputTensor[]>} See Model.outputsOf */
  async outputsOf(texts) {
    return this.#connection.call('outputsOf', [texts]);
  }

  /** @returns {Promise<Uint8Array<ArrayBuffer>>} the model as a safetensors file */
  async save() {
    return this.#connection.call('save', []);
  }

  /** Resets the states of stateful layers to zero. @returns {Promise<void>} */
  async resetState() {
    await Promise.all(this.#connections.map((connection) => connection.call('resetState', [])));
  }

  /**
   * Returns a session in one of the workers, which is created at the first update.
   * @param {import('../session/session.js').SessionOptions} [options]  see Model.session
   * @returns {{ update(text: string): Promise<Prediction>, refresh(): Promise<Prediction | null>, close(): Promise<void> }}
   */
  session(options) {
    const connection = this.#connection;
    const id = this.#sessions++;
    let closed = false;
    /** @param {string} method @param {unknown[]} args @returns {Promise<any>} */
    const call = async (method, ...args) => {
      if (closed) throw new PadlessError(`${method}: the session is closed`);
      return connection.call(method, [id, ...args]);
    };
    return {
      update: (text) => call('update', options, text),
      refresh: () => call('refresh'),
      async close() {
        closed = true;
        // When the model is closed, the session is, too.
        await connection.call('closeSession', [id]).catch((error) => {
          if (!connection.over) throw error;
        });
      },
    };
  }

  /** Ends the workers; in workers of the caller, removes the model. Pending and later calls are rejected. */
  async close() {
    for (const connection of this.#connections) connection.end(new PadlessError('the model was closed'));
  }
}

/** @param {RemoteOptions} options @returns {{ given: AnyWorker[] | null, count: number }} */
function checkWorkers({ worker, workers, customLayers }) {
  if (customLayers && Object.keys(customLayers).length)
    throw new ArgumentError(
      `customLayers: classes (${Object.keys(customLayers).join(', ')}) cannot be sent to a worker; write your own worker with ` +
        "import { serve } from 'padless/serve'; serve({ customLayers }); and pass it: loadModel(source, { worker })",
    );
  const given = worker === undefined ? null : [worker].flat();
  if (given && (given.length === 0 || given.some((each) => typeof each?.postMessage !== 'function')))
    throw new ArgumentError('worker: expected a Worker or an array of Workers');
  const count = workers ?? given?.length ?? 1;
  if (!Number.isInteger(count) || count < 1 || count > MAX_WORKERS)
    throw new ArgumentError(
      `workers is ${typeof count === 'number' ? count : typeof count}, expected an integer from 1 to ${MAX_WORKERS}`,
    );
  if (given && given.length !== count) throw new ArgumentError(`workers is ${count}, but worker has ${given.length} Workers`);
  return { given, count };
}

/**
 * Loads a model file into one or more workers. This thread fetches the file and compiles the WebAssembly, once and asynchronously.
 *
 * @param {ModelSource} source
 * @param {RemoteOptions} [options]
 * @returns {Promise<RemoteModel>}
 * @throws {ArgumentError} for customLayers, and if worker is no Worker
 * @throws {LoadError} if the file cannot be read or the worker does not start
 * @throws {import('../errors.js').ModelFileError | import('../errors.js').UnsupportedError | import('../errors.js').EngineError}
 *   as in loadModel of padless
 */
export async function loadModel(source, options) {
  checkOptions('loadModel', options, optionNames);
  const settings = options ?? {};
  const { given, count } = checkWorkers(settings);
  const { signal } = settings;
  checkSignal('loadModel', signal);
  signal?.throwIfAborted();
  /** @type {Connection[]} */
  const connections = [];
  try {
    for (let i = 0; i < count; i++) connections.push(new Connection(given?.[i] ?? startWorker(), !given));
    const load = async () => {
      const [bytes, { module, build }] = await Promise.all([readSource(source, settings), getModule(settings)]);
      // slice: a transfer sends the whole buffer, of which bytes may be a part.
      const copies = connections.map(() => bytes.slice());
      const [info] = await Promise.all(
        connections.map((connection, i) => connection.call('load', [{ bytes: copies[i], module, build }], [copies[i].buffer])),
      );
      for (const connection of connections) connection.loaded = true;
      await prepareText(info.settings.text);
      return new RemoteModel(connections, { ...info, simd: build });
    };
    return await abortable(load(), signal);
  } catch (error) {
    for (const connection of connections) connection.end(new PadlessError('the model was not loaded'));
    throw error;
  }
}
