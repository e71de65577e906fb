/**
 * The worker side of padless/worker.
 * @module
 */
import { buffersOf, packError } from './crossing.js';
import { checkOptions, UnsupportedError } from '../errors.js';
import { provideLateCode } from '../model/late-code.js';
import { modelFrom } from '../model/model.js';

/** @typedef {import('../model/graph.js').CustomLayers} CustomLayers */

/** Methods that return arrays, whose memory is transferred. */
const returnArrays = new Set(['run', 'trace', 'outputsOf', 'save']);

/** @type {CustomLayers} */
let custom = {};
let serving = false;

/**
 * Runs the models that a page loads into this worker by `loadModel(source, { worker })` of padless/worker. The worker may also do other work:
 * messages of other kinds are ignored.
 *
 * @param {{ customLayers?: CustomLayers }} [options]  classes that the model files name; a later call replaces them
 * @throws {UnsupportedError} outside of a worker
 */
export function serve(options) {
  checkOptions('serve', options, ['customLayers']);
  custom = options?.customLayers ?? {};
  provideLateCode();
  if (serving) return;
  const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  const { WorkerGlobalScope } = /** @type {any} */ (globalThis);
  /** @param {any} data */
  const listen = (data) => {
    if (data?.padless === 'model') host(data.port);
  };
  if (typeof WorkerGlobalScope === 'function' && globalThis instanceof WorkerGlobalScope)
    globalThis.addEventListener('message', (event) => listen(/** @type {MessageEvent} */ (event).data));
  else if (threads?.parentPort) threads.parentPort.on('message', listen);
  else throw new UnsupportedError('serve: called outside of a worker');
  serving = true;
}

/** Answers the messages for one model. @param {MessagePort} port */
function host(port) {
  /** @type {any} */
  let model;
  /** @type {Map<number, import('../session/session.js').Session>} */
  const sessions = new Map();
  /** @type {Record<string, (...args: any[]) => unknown>} */
  const methods = {
    async load(
      /** @type {{ bytes: Uint8Array<ArrayBuffer>, module: WebAssembly.Module, build: import('../runtime/wasm.js').Build }} */ parts,
    ) {
      model = await modelFrom(parts.bytes, { module: parts.module, build: parts.build, customLayers: custom });
      const { settings, inputs, outputs, parameters, fileBytes, readsPadding, root } = model;
      const stateful = root.all().some((/** @type {any} */ { config }) => config.stateful);
      return { settings, inputs, outputs, parameters, fileBytes, readsPadding, stateful };
    },
    stats: () => model.stats,
    update(/** @type {number} */ id, /** @type {any} */ options, /** @type {string} */ text) {
      const session = sessions.get(id) ?? model.session(options);
      sessions.set(id, session);
      return session.update(text);
    },
    refresh: (/** @type {number} */ id) => sessions.get(id)?.refresh() ?? null,
    closeSession(/** @type {number} */ id) {
      sessions.get(id)?.close();
      sessions.delete(id);
    },
    close() {
      for (const session of sessions.values()) session.close();
      model = undefined;
      port.close();
    },
  };
  for (const name of ['predict', 'run', 'trace', 'outputsOf', 'resetState', 'save'])
    methods[name] = (...args) => model[name](...args);
  port.onmessage = async ({ data: { id, method, args } }) => {
    try {
      const value = await methods[method](...args);
      port.postMessage({ id, value }, returnArrays.has(method) ? [...buffersOf(value)] : []);
    } catch (error) {
      port.postMessage({ id, error: packError(error) });
    }
  };
}
