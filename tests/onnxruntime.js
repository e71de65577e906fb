/**
 * onnxruntime-web on one thread. V8 compiles its 14 MB of WebAssembly once: optimising them would take longer than the short runs of tests.
 */
import { setFlagsFromString } from 'node:v8';
import * as ort from 'onnxruntime-web/wasm';

setFlagsFromString('--liftoff-only');
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

/** Options of a session that does not warn of constants that no node reads. */
export const quiet = /** @type {const} */ ({ logSeverityLevel: 3 });

export { ort };
