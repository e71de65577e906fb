/**
 * `make soak`: makes a million predictions, loads ten thousand models, and opens and closes a thousand workers. It asserts that the heap is then as
 * large as after the first tenth, that no instance and no worker is left, and that the answers have the bits of the first. It takes some minutes.
 *
 *   node --expose-gc tests/soak/run.js [SHARE=1]   a tenth of everything with 0.1
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { loadModel } from 'padless';
import { loadModel as inWorker } from 'padless/worker';

const share = Number(process.argv[2] ?? 1);
const bytes = readFileSync(new URL('../../web/models/langid-gru/langid-gru.int8.safetensors', import.meta.url));
const texts = ['Guten Morgen', '', 'How are you today', '日本語', 'a\u0301\ud800 b'];
const megabyte = 2 ** 20;

/** The number of objects that are not collected yet, by a name for their kind. @type {Map<string, number>} */
const alive = new Map();
const registry = new FinalizationRegistry((/** @type {string} */ name) => alive.set(name, (alive.get(name) ?? 0) - 1));
/** @param {string} name @param {object} object */
function watch(name, object) {
  alive.set(name, (alive.get(name) ?? 0) + 1);
  registry.register(object, name);
}

/** Collects garbage several times, and returns the memory in use. @returns {Promise<{ heap: number, buffers: number }>} in bytes */
async function memory() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed: heap, arrayBuffers: buffers } = process.memoryUsage();
  return { heap, buffers };
}

/**
 * Repeats something, and compares the memory after a tenth with the memory after all.
 * @param {string} what @param {number} all @param {(i: number) => unknown} once
 */
async function repeat(what, all, once) {
  const times = Math.max(10, Math.round(all * share));
  const start = performance.now();
  let early = { heap: 0, buffers: 0 };
  for (let i = 0; i < times; i++) {
    if (i === Math.floor(times / 10)) early = await memory();
    await once(i);
  }
  const late = await memory();
  const [heap, buffers] = [late.heap - early.heap, late.buffers - early.buffers].map((size) => size / megabyte);
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(
    `${times} ${what}: heap ${heap.toFixed(2)} MB and buffers ${buffers.toFixed(2)} MB more than after a tenth; ${seconds} s`,
  );
  assert.ok(heap < 1 && buffers < 1, `${what}: memory grows`);
}

assert.ok(globalThis.gc, 'start node with --expose-gc');
const model = await loadModel(bytes);
const first = model.predict(texts);
const { memory: size } = model.stats;

await repeat('predictions', 1e6, (i) => void model.predict(texts[i % texts.length]));
const session = model.session();
await repeat('edits of a session', 1e5, (i) => void session.update(texts[i % texts.length]));
await repeat('loads', 1e4, async () => {
  const loaded = await loadModel(bytes);
  watch('models', loaded);
  watch('memories', loaded.heap.exports.memory);
  loaded.predict(texts[0]);
});
await repeat('workers', 1e3, async () => {
  const worker = await inWorker(bytes);
  watch('clients of workers', worker);
  await worker.predict(texts[0]);
  await worker.close();
});
const trapped = await loadModel(bytes);
assert.throws(() => trapped.heap.exports.pl_transpose(-16, -16, 1, 1, 1), WebAssembly.RuntimeError);
assert.deepEqual(model.predict(texts), first);
assert.equal(model.stats.memory, size);
await memory();
for (const [name, count] of alive) assert.ok(count <= 1, `${count} ${name} are left`);
const resources = process.getActiveResourcesInfo().filter((name) => /Message|Worker/.test(name));
assert.deepEqual(resources, [], 'something keeps the process alive');
console.log('the answers have the bits of the first ones; no model, worker or port is left');
