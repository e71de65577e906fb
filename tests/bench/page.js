/**
 * Runs the suite in a page; run.js calls window.bench.
 */
import * as ort from 'onnxruntime-web/wasm';
import { bars } from './suite.js';

const dist = '/node_modules/onnxruntime-web/dist/';
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = dist;
ort.env.logLevel = 'error';

const { tf } = /** @type {any} */ (window);
tf.wasm.setWasmPaths('/tests/bench/peers/node_modules/@tensorflow/tfjs-backend-wasm/dist/');

Object.assign(window, {
  /** @param {{ quick: boolean, bars: number[], sentences: string[] }} options */
  async bench({ quick, bars: wanted, sentences }) {
    await tf.setBackend('wasm');
    const bytes = await fetch('/build/bench/peak.wasm');
    const peak = bytes.ok ? await WebAssembly.compile(await bytes.arrayBuffer()) : null;
    const { report } = /** @type {any} */ (window);
    for (const bar of wanted) await bars[bar]?.({ quick, sentences, peers: { ort, tf }, peak, report });
  },
});
