/**
 * Prints the cost of a keystroke for texts of several lengths: `node tests/bench/session.js [MODEL]`. A character is typed in the middle, at
 * the start or at the end, and removed again; times are medians. The model's maxlen is ignored.
 */
import { createModel, loadModel } from 'padless';

const file = process.argv[2] ?? new URL('../../web/models/langid-gru/langid-gru.safetensors', import.meta.url);
const loaded = await loadModel(file);
const { architecture, outputs, keras_version: kerasVersion, origin, text } = loaded.settings;
if (!text) throw new Error(`${file}: the model has no text settings`);
const model = await createModel({
  architecture,
  outputs,
  kerasVersion,
  origin,
  text: { ...text, maxlen: null },
  weights: (root) => new Map(root.listWeights().map(({ path }) => [path, weightOf(path)])),
});

/** @param {string} path */
function weightOf(path) {
  const found = loaded.root.listWeights().find((each) => each.path === path);
  return /** @type {import('padless/layers').Weight} */ (found?.layer.weight(found.spec.name));
}

const words = 'The quick brown fox jumps over the lazy dog, and nobody has ever asked it why. ';

/**
 * The median milliseconds and the maximum number of recurrent steps of a keystroke.
 * @param {(text: string) => unknown} answer @param {string} typed @param {number} at @param {number} keys
 */
function measure(answer, typed, at, keys) {
  const times = [];
  let steps = 0;
  answer(typed);
  for (let i = 0; i < keys; i++) {
    const next = i % 2 ? typed : typed.slice(0, at) + String.fromCharCode(97 + (i % 23)) + typed.slice(at);
    const before = model.stats.steps;
    const start = performance.now();
    answer(next);
    times.push(performance.now() - start);
    steps = Math.max(steps, model.stats.steps - before);
  }
  return { ms: times.sort((a, b) => a - b)[keys >> 1], steps };
}

const keys = 40;
console.log(`${loaded.simd} build, Node ${process.version}; milliseconds a keystroke (recurrent steps)`);
console.log(
  `${'length'.padStart(6)}  ${['predict', 'front', 'middle', 'end', 'middle, 1e-6'].map((name) => name.padStart(20)).join('')}`,
);
measure((each) => model.predict(each), words.repeat(4), 50, 50);
for (const length of [100, 200, 500, 1000, 2000, 4000]) {
  const typed = words.repeat(Math.ceil(length / words.length)).slice(0, length);
  const exact = model.session();
  const near = model.session({ tolerance: 1e-6 });
  const half = length >> 1;
  const whole = measure((each) => model.predict(each), typed, half, keys);
  const row = [
    whole,
    ...[0, half, length].map((at) => measure((each) => exact.update(each), typed, at, keys)),
    measure((each) => near.update(each), typed, half, keys),
  ];
  const show = (/** @type {typeof whole} */ { ms, steps }) =>
    `${ms.toFixed(3)} ${(ms / whole.ms).toFixed(2)} (${steps})`.padStart(20);
  console.log(`${String(length).padStart(6)}  ${row.map(show).join('')}`);
  near.close();
}
