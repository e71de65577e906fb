/**
 * Times the first answer of the language model, starting from an empty page. run.js calls window.first in a new page each time.
 */

const text = 'Guten Morgen';

/** Loads the bundled library as a page does, and counts the bytes that it fetches. */
async function padless() {
  const { loadModel } = await import('/made/stdin.js');
  return (await loadModel('/web/models/langid-gru/langid-gru.safetensors')).predict(text).label;
}

async function ort() {
  const runtime = await import('/node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs');
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmPaths = '/node_modules/onnxruntime-web/dist/';
  const bytes = await (await fetch('/made/langid.onnx')).arrayBuffer();
  const session = await runtime.InferenceSession.create(bytes);
  // An ONNX file has no vocabulary and no labels, so both are passed in.
  const { ids, labels } = /** @type {any} */ (window).known;
  const T = ids.length;
  const { P } = await session.run({
    ids: new runtime.Tensor('int32', Int32Array.from(ids), [T, 1]),
    mask: new runtime.Tensor('float32', new Float32Array(T).fill(1), [T, 1, 1, 1]),
    lengths: new runtime.Tensor('int32', Int32Array.of(T), [1]),
  });
  return labels[P.data.indexOf(Math.max(...P.data))];
}

Object.assign(window, {
  /** @param {'padless' | 'ort'} who */
  async first(who) {
    const begun = performance.now();
    const label = await (who === 'ort' ? ort() : padless());
    return { ms: performance.now() - begun, label };
  },
});
