/** padless/worker with workers of the caller, which call serve() of padless/serve. In Node; tests/page/worker.test.js does it in a page. */
import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import {
  ArgumentError,
  createModel,
  IdError,
  LoadError,
  loadModel as loadHere,
  ModelFileError,
  PadlessError,
  ShapeError,
} from 'padless';
import { Add, Layer } from 'padless/layers';
import { loadModel } from 'padless/worker';
import { file } from '../command.js';
import { sequential } from '../keras-json.js';
import { random } from '../random.js';
import { says } from '../says.js';

const root = new URL('../../', import.meta.url);
const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const langid = new URL('web/models/langid-gru/langid-gru.safetensors', root);

const script = pathToFileURL(
  file(
    'own.mjs',
    `import { parentPort } from 'node:worker_threads';
import { Add, Layer } from ${JSON.stringify(new URL('js/layers/index.js', root).href)};
import { serve } from ${JSON.stringify(new URL('js/serve.js', root).href)};
class Twice extends Layer {
  constructor(config) { super(config); this.add = new Add(); }
  call(x) { return this.add.apply([x, x]); }
}
serve({ customLayers: { Twice } });
const { close, postMessage } = MessagePort.prototype;
let moved = 0;
Object.assign(MessagePort.prototype, {
  close() {
    postMessage.call(parentPort, 'let go');
    close.call(this);
  },
  postMessage(message, transfer = []) {
    moved += transfer.length;
    postMessage.call(this, message, transfer);
  },
});
parentPort.on('message', (data) => {
  if (data === 'ping') parentPort.postMessage('pong');
  if (data === 'moved') parentPort.postMessage(moved);
  if (data === 'serve nothing') serve();
  if (data === 'fail') throw new TypeError('no such luck');
  if (data === 'end') process.exit();
});`,
  ),
);

/** @param {Worker} worker @returns {Promise<void>} */
const endOf = (worker) => new Promise((resolve) => void worker.once('exit', () => resolve()));

/** A worker that ends with the test. @param {import('node:test').TestContext} t */
function own(t) {
  const worker = new Worker(script);
  const ended = endOf(worker);
  t.after(() => {
    worker.postMessage('end');
    return ended;
  });
  return worker;
}

class Twice extends Layer {
  /** @param {any} config */
  constructor(config) {
    super(config);
    this.add = new Add();
  }

  /** @override @param {any} x */
  call(x) {
    return this.add.apply([x, x]);
  }
}
const { weights } = random();
/** @param {any[]} layers @param {any} [more] */
const make = (layers, more) =>
  createModel({
    architecture: sequential(layers),
    weights,
    simd,
    ...more,
  });
const custom = await make(
  [
    ['Embedding', { name: 'e', input_dim: 3, output_dim: 2 }],
    ['Twice', { name: 'twice' }],
  ],
  { customLayers: { Twice } },
);

/** @param {Worker} worker @param {unknown} message @returns {Promise<any>} the next message of the worker */
async function asked(worker, message) {
  worker.postMessage(message);
  return (await once(worker, 'message'))[0];
}

test('a worker of the caller gives the results of the main thread, and their arrays are moved', async (t) => {
  const worker = own(t);
  const [here, there] = await Promise.all([loadHere(langid, { simd }), loadModel(langid, { simd, worker })]);
  const texts = ['Guten Morgen', '', 'two words'];
  const [text] = texts;
  assert.equal(await asked(worker, 'moved'), 0);
  await there.run([[5]]);
  assert.equal(await asked(worker, 'moved'), 1);
  assert.deepEqual(await there.predict(text), here.predict(text));
  assert.deepEqual(await there.predict(text, { labels: ['de', 'nl'] }), here.predict(text, { labels: ['de', 'nl'] }));
  assert.deepEqual(await there.predict(texts), here.predict(texts));
  assert.deepEqual(await there.run([[5, 0, 9, 0]], { lengths: [3] }), here.run([[5, 0, 9, 0]], { lengths: [3] }));
  assert.deepEqual(await there.trace([[5, 0]], { lengths: [1] }), here.trace([[5, 0]], { lengths: [1] }));
  assert.deepEqual(await there.outputsOf(texts), here.outputsOf(texts));
  assert.deepEqual(await there.save(), here.save());
  for (const key of /** @type {const} */ ([
    'settings',
    'simd',
    'inputs',
    'outputs',
    'parameters',
    'fileBytes',
    'kerasVersion',
    'readsPadding',
  ]))
    assert.deepEqual(there[key], here[key], key);
  assert.deepEqual(there.text?.encode(text), here.text?.encode(text));
  const { steps, memory } = await there.stats;
  assert.ok(steps > 0 && memory > 0);
  await there.close();
});

test('sessions of a worker are independent of each other, and end with close()', async (t) => {
  const [here, there] = await Promise.all([loadHere(langid, { simd }), loadModel(langid, { simd, worker: own(t) })]);
  const labels = ['de', 'en'];
  const [one, two] = [there.session(), there.session({ labels })];
  const local = here.session({ labels });
  for (const text of ['Guten', 'Guten Morgen']) {
    assert.deepEqual(await two.update(text), local.update(text));
    assert.deepEqual(await one.update('x'), here.predict('x'));
  }
  assert.deepEqual(await two.refresh(), local.refresh());
  assert.equal(await there.session().refresh(), null);
  await two.close();
  await two.close();
  await assert.rejects(two.update('x'), says(PadlessError, /^update: the session is closed$/));
  await assert.rejects(two.refresh(), says(PadlessError, /^refresh: the session is closed$/));
  assert.deepEqual(await one.update('y'), here.predict('y'));
  await there.close();
  await assert.rejects(one.update('y'), says(PadlessError, /^update: the model was closed$/));
  await one.close();
});

test('a worker of the caller has custom layers, several models and messages of its own; close() takes away only the model', async (t) => {
  const worker = own(t);
  for (const other of [null, 5, { padless: 'other' }]) worker.postMessage(other);
  const listeners = () => ['error', 'exit', 'message'].map((name) => worker.listenerCount(name));
  const before = listeners();
  const twice = await loadModel(custom.save(), { worker, simd });
  const other = await loadModel(langid, { worker, simd });
  assert.deepEqual(await twice.run([[1, 2]]), custom.run([[1, 2]]));
  assert.equal((await other.predict('Guten Morgen')).label, 'de');
  assert.equal(await asked(worker, 'ping'), 'pong');
  const pending = assert.rejects(twice.run([[1]]), says(PadlessError, /^run: the model was closed$/));
  const released = once(worker, 'message');
  await twice.close();
  await twice.close();
  await pending;
  assert.deepEqual(await released, ['let go']);
  await assert.rejects(twice.run([[1]]), says(PadlessError, /^run: the model was closed$/));
  assert.equal((await other.predict('Guten Morgen')).label, 'de');
  const gone = once(worker, 'message');
  await other.close();
  await gone;
  assert.deepEqual(listeners(), before);
  worker.postMessage('serve nothing');
  const unloaded = once(worker, 'message');
  await assert.rejects(loadModel(custom.save(), { worker, simd }), says(PadlessError, /Twice/));
  assert.deepEqual(await unloaded, ['let go']);
  assert.equal(await asked(worker, 'ping'), 'pong');
});

test('errors in a worker keep their class and message', async (t) => {
  const model = await loadModel(langid, { worker: own(t), simd });
  await assert.rejects(model.run([[1, 999999]]), says(IdError, /^row 0, step 1: id 999999/));
  await assert.rejects(model.run([[5]], { lengths: [9] }), says(ShapeError, /lengths/));
  await assert.rejects(model.predict(/** @type {any} */ (['a', 1])), says(ArgumentError, /number/));
  await assert.rejects(
    model.predict(/** @type {any} */ (() => 1)),
    says(ArgumentError, /^predict: the arguments cannot be sent to a worker: /),
  );
  const bytes = custom.save();
  await assert.rejects(loadModel(bytes.slice(0, 90), { worker: own(t), simd }), says(ModelFileError, /safetensors/));
  await assert.rejects(loadModel('/nowhere.safetensors', { worker: own(t), simd }), says(LoadError, /ENOENT/));
  assert.equal((await model.predict('Guten Morgen')).label, 'de');
  await model.close();
});

test('a worker that does not start or ends without serve() is said, with what to write', async () => {
  const advice = "write your own worker \\(import 'padless/worker-entry', or \\{ serve \\} from 'padless/serve'\\) and pass it";
  for (const [name, code, why] of [
    ['broken.mjs', "throw new TypeError('this worker is broken');", ': this worker is broken'],
    ['empty.mjs', '', ''],
  ])
    await assert.rejects(
      loadModel(langid, { worker: new Worker(pathToFileURL(file(name, code))), simd }),
      says(LoadError, new RegExp(`^load: the worker's script could not be loaded or run${why}; ${advice}`)),
    );
});

test('a call of a worker that has died is rejected, and so are later ones', async (t) => {
  for (const [message, why] of [
    ['fail', ': no such luck'],
    ['end', ''],
  ]) {
    const worker = own(t);
    const model = await loadModel(langid, { worker, simd });
    const ended = endOf(worker);
    const died = new RegExp(`: the worker has died${why}$`);
    // It may be answered before.
    const pending = model.run([[5]]).catch(says(PadlessError, died));
    worker.postMessage(message);
    await Promise.all([ended, pending]);
    await assert.rejects(model.trace([[5]]), says(PadlessError, died));
    await model.close();
    await assert.rejects(model.run([[5]]), says(PadlessError, died));
  }
});

test('invalid workers are refused before any is asked', async (t) => {
  const worker = own(t);
  /** @type {any[]} */
  const messages = [];
  const fake = { postMessage: (/** @type {any} */ message) => messages.push(message), on() {}, off() {} };
  for (const [options, said] of /** @type {[any, RegExp][]} */ ([
    [{ worker: 'own.js' }, /^worker: expected a Worker or an array of Workers$/],
    [{ worker: [] }, /^worker: expected a Worker or an array of Workers$/],
    [{ worker: [fake, null] }, /^worker: expected a Worker or an array of Workers$/],
    [{ worker: fake, workers: 2 }, /^workers is 2, but worker has 1 Workers$/],
    [
      { worker: fake, customLayers: { Twice } },
      /^customLayers: classes \(Twice\) cannot be sent to a worker; write your own worker /,
    ],
    [{ worker: fake, custom: 1 }, /^loadModel: option "custom" is unknown/],
  ]))
    await assert.rejects(loadModel(langid, options), says(ArgumentError, said));
  assert.deepEqual(messages, []);
  const model = await loadModel(langid, { worker: [worker], workers: 1, customLayers: /** @type {any} */ ({}), simd });
  await model.close();
});

test('an aborted signal stops loading and predict() with its reason, and no more texts are sent', async (t) => {
  const reason = new Error('enough');
  const silent = { postMessage() {}, on() {}, off() {} };
  await assert.rejects(loadModel(langid, { worker: silent, signal: AbortSignal.abort(reason) }), (error) => error === reason);
  const loading = new AbortController();
  setTimeout(() => loading.abort(reason), 30);
  await assert.rejects(loadModel(langid, { worker: silent, signal: loading.signal }), (error) => error === reason);
  const model = await loadModel(langid, { worker: [own(t), own(t)], simd, signal: new AbortController().signal });
  const stop = new AbortController();
  const texts = new Array(1000).fill('x');
  let done = 0;
  const onProgress = (/** @type {any} */ progress) => {
    ({ done } = progress);
    stop.abort(reason);
  };
  await assert.rejects(model.predict(texts, { signal: stop.signal, onProgress }), (error) => error === reason);
  await assert.rejects(model.predict('x', { signal: stop.signal }), (error) => error === reason);
  const one = new AbortController();
  const pending = model.predict('x', { signal: one.signal });
  one.abort(reason);
  await assert.rejects(pending, (error) => error === reason);
  assert.equal((await model.predict('Guten Morgen', { signal: new AbortController().signal })).label, 'de');
  const { signal } = new AbortController();
  await model.predict('x', { signal });
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assert.equal(done, 64);
  const here = await loadHere(langid, { simd });
  here.predict('Guten Morgen');
  const { steps } = here.stats;
  // Each worker had one message of 64 texts, besides those of one.
  here.predict(texts.slice(0, 2 * 64 + 4));
  assert.ok((await model.stats).steps <= here.stats.steps, `${(await model.stats).steps} steps, ${steps} of them for one text`);
  await model.close();
});

test('texts are distributed over the workers in order; a model that reads padding gets them all at once', async (t) => {
  const workers = [own(t), own(t)];
  const [here, there] = await Promise.all([loadHere(langid, { simd }), loadModel(langid, { worker: workers, simd })]);
  const texts = Array.from({ length: 300 }, (_, i) => `Satz ${i}`);
  /** @type {any[]} */
  const progress = [];
  assert.deepEqual(await there.predict(texts, { onProgress: (each) => progress.push(each) }), here.predict(texts));
  const counts = progress.map(({ done }, i) => done - (progress[i - 1]?.done ?? 0)).sort();
  assert.deepEqual([counts, progress.at(-1)], [[44, 64, 64, 64, 64], { done: 300, total: 300 }]);
  assert.deepEqual(await there.predict([]), []);
  const reading = await make(
    [
      ['Embedding', { name: 'e', input_dim: 4, output_dim: 2, mask_zero: true }],
      ['Conv1D', { name: 'conv', filters: 2, kernel_size: 3, padding: 'same' }],
      ['GlobalMaxPooling1D', { name: 'max' }],
    ],
    {
      text: { vocabulary: ['', '<unk>', 'a', 'b'] },
      outputs: [{ name: 'max', kind: 'scores', labels: ['x', 'y'] }],
      kerasVersion: '3.5.0',
    },
  );
  assert.ok(reading.readsPadding.length);
  const remote = await loadModel(reading.save(), { worker: workers, simd });
  const words = ['abababab', ...new Array(70).fill('a')];
  const calls = [];
  assert.deepEqual(await remote.predict(words, { onProgress: (each) => calls.push(each) }), reading.predict(words));
  assert.deepEqual(calls, [{ done: 71, total: 71 }]);
  /** @type {string[]} */
  const order = [];
  const long = remote.run([new Array(300_000).fill(2)]).then(() => order.push('a long row'));
  await Promise.all([long, remote.predict(['a', 'ab']).then(() => order.push('texts'))]);
  assert.deepEqual(order, ['texts', 'a long row'], 'the idle worker gets them');
  await remote.close();
  await there.close();
});

test('a model that keeps a state is called in the first worker only', async (t) => {
  const here = await make([
    ['Embedding', { name: 'e', input_dim: 9, output_dim: 4, mask_zero: true }],
    ['GRU', { name: 'gru', units: 3, stateful: true }],
  ]);
  const there = await loadModel(here.save(), { worker: [own(t), own(t)], simd });
  const rows = [[[1, 2]], [[3, 4, 5]], [[6]]];
  assert.deepEqual(
    await Promise.all(rows.map((each) => there.run(each))),
    rows.map((each) => here.run(each)),
  );
  await there.resetState();
  here.resetState();
  assert.deepEqual(await there.run([[1, 2]]), here.run([[1, 2]]));
  await there.close();
});

test('after a text that fails, no more texts are sent and no progress is reported', async (t) => {
  const model = await loadModel(langid, { worker: [own(t), own(t)], simd });
  let reports = 0;
  const texts = /** @type {any[]} */ ([5, ...new Array(999).fill('x')]);
  await assert.rejects(model.predict(texts, { onProgress: () => reports++ }), says(ArgumentError, /number/));
  const before = reports;
  await model.stats;
  await model.stats;
  assert.equal(reports, before);
  const here = await loadHere(langid, { simd });
  // A worker that is answered before the other's error gets some more.
  here.predict(texts.slice(1, 6 * 64));
  assert.ok((await model.stats).steps <= here.stats.steps);
  await model.close();
});
