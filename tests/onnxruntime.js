/**
 * onnxruntime-web on one thread. V8 compiles its 14 MB of WebAssembly once: optimising them would take longer than the short runs of tests.
 */
import { setFlagsFromString } from 'node:v8';
import * as ort from 'onnxruntime-web/wasm';

setFlagsFromString('--liftoff-only');
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'fatal';

export { ort };
