/** padless/worker with Node's worker threads; tests/page/worker.test.js tests it in a page. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ArgumentError, createModel, IdError, loadModel as loadHere } from 'padless';
import { serve } from 'padless/serve';
import { loadModel } from 'padless/worker';
import { random } from '../random.js';
import { says } from '../says.js';

const file = new URL('../../web/models/langid-gru/langid-gru.safetensors', import.meta.url);
const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');

test('two worker threads give the bits of the main thread, forward errors, and end with close()', async () => {
  const [here, model] = await Promise.all([loadHere(file, { simd }), loadModel(file, { simd, workers: 2 })]);
  const texts = Array.from({ length: 300 }, (_, i) => `Satz ${i}`);
  assert.deepEqual(await model.predict(texts), here.predict(texts));
  await assert.rejects(model.run([[99999]]), says(IdError, /id 99999/));
  await model.close();
  await assert.rejects(model.predict('x'), { name: 'PadlessError', message: 'predict: the model was closed' });
  assert.throws(() => serve(), { name: 'UnsupportedError', message: 'serve: called outside of a worker' });
});

test('a call goes to the worker with the fewest pending calls', async () => {
  const model = await loadModel(file, { simd, workers: 2 });
  /** @type {string[]} */
  const order = [];
  const rows = [Array.from({ length: 30_000 }, (_, i) => 2 + (i % 9))];
  await Promise.all([
    model.run(rows).then(() => order.push('the long one')),
    model.run([[2]]).then(() => order.push('a short one')),
  ]);
  assert.deepEqual(order, ['a short one', 'the long one']);
  await model.close();
});

test('options may be null, and wrong options are refused before a worker starts', async () => {
  const none = /** @type {any} */ (null);
  const model = await loadModel(file, none);
  assert.equal((await model.predict('Guten Morgen', none)).label, 'de');
  for (const options of [{ signal: 5 }, { signal: {} }, { onProgress: 5 }, { onProgress: 'x' }])
    await assert.rejects(model.predict(['x'], /** @type {any} */ (options)), says(ArgumentError, /signal|onProgress/));
  await model.close();
  await assert.rejects(loadModel(file, { signal: /** @type {any} */ (5) }), says(ArgumentError, /signal is number/));
  for (const workers of [0, 1.5, 1e9, NaN, '2'])
    await assert.rejects(loadModel(file, { workers: /** @type {any} */ (workers) }), says(ArgumentError, /from 1 to 256/));
});

test('an idle model does not keep the process alive, a pending call does', () => {
  const script = `import { loadModel } from 'padless/worker';
    const model = await loadModel(${JSON.stringify(fileURLToPath(file))});
    model.predict('Guten Morgen').then(({ label }) => console.log(label));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 20_000 });
  assert.equal(out, 'de\n');
});

test('resetState() resets the state in each worker, and other methods give what they give on the main thread', async () => {
  const layers = [
    { class_name: 'Embedding', config: { name: 'embedding', input_dim: 9, output_dim: 4, mask_zero: true } },
    { class_name: 'GRU', config: { name: 'gru', units: 3, stateful: true } },
  ];
  const { weights } = random();
  const here = await createModel({ architecture: { class_name: 'Sequential', config: { name: 'model', layers } }, weights, simd });
  const there = await loadModel(here.save(), { simd });
  const first = here.run([[1, 2]]);
  assert.deepEqual(await there.run([[1, 2]]), first);
  const second = here.run([[1, 2]]);
  assert.notDeepEqual(second, first);
  assert.deepEqual(await there.run([[1, 2]]), second);
  await there.resetState();
  assert.deepEqual(await there.run([[1, 2]]), first);
  here.resetState();
  here.run([[1, 2]]);
  assert.deepEqual(await there.trace([[3]]), here.trace([[3]]));
  assert.deepEqual(await there.save(), here.save());
  await there.close();
});
