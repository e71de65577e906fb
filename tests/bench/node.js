/**
 * Runs the suite in Node and prints each result as a line of JSON. run.js starts it on Node 26.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as ort from 'onnxruntime-web/wasm';
import { bars } from './suite.js';

const options = JSON.parse(process.argv[2]);
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

const require = createRequire(new URL('peers/', import.meta.url));
const peak = new URL('../../build/bench/peak.wasm', import.meta.url);

/** TF.js with its wasm backend. */
async function tensorflow() {
  const tf = require('@tensorflow/tfjs');
  require('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
  return tf;
}

const peers = { ort, ortNode: require('onnxruntime-node'), tf: await tensorflow() };
for (const bar of options.bars)
  await bars[bar]?.({
    quick: options.quick,
    sentences: options.sentences,
    peers,
    peak: existsSync(peak) ? new WebAssembly.Module(readFileSync(peak)) : null,
    report: (row) => console.log(JSON.stringify(row)),
  });
