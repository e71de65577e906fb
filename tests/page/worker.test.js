/**
 * padless/worker in headless Chromium, under a policy that allows a page's own files and WebAssembly, nothing else.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { importMap, servePages } from '../pages.js';
import { launch } from './chromium.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const html = `<!doctype html><meta charset="utf-8"><title>worker</title>${importMap()}<script type="module" src="/page.js"></script>`;

const files = {
  '/index.html': html,
  '/page.js': `
    import * as padless from 'padless';
    import * as layers from 'padless/layers';
    import { loadModel } from 'padless/worker';
    import { Twice } from '/twice.js';
    const file = new URL('/web/models/langid-gru/langid-gru.safetensors', location.href);
    const opened = [];
    /** A model in workers; reset() closes it before the next test. */
    const load = async (options = {}, source = file) => {
      const model = await loadModel(source, options);
      opened.push(model);
      return model;
    };
    const reset = () => Promise.all(opened.splice(0).map((model) => model.close()));
    const texts = (count) => Array.from({ length: count }, (_, i) => 'Satz ' + i + ' mit Wörtern'.repeat(i % 7));
    /** The error of a rejected promise. */
    const caught = (promise) => promise.then(() => 'nothing', (error) => error);
    const own = (path) => new Worker(path, { type: 'module' });
    /** The file of a model with a custom layer. */
    const custom = async () => {
      const architecture = { class_name: 'Sequential', config: { layers: [
        { class_name: 'Embedding', config: { input_dim: 3, output_dim: 2 } }, { class_name: 'Twice', config: {} },
        { class_name: 'GlobalAveragePooling1D', config: {} } ] } };
      const weights = (root) => new Map(root.listWeights().map(({ path, spec: { shape } }) => [path, { shape, data: Float32Array.of(0, 0, 1, 2, 3, 4) }]));
      return (await padless.createModel({ architecture, weights, customLayers: { Twice } })).save();
    };
    Object.assign(window, { padless, layers, loadModel, load, reset, texts, caught, own, custom, file, ready: true });`,
  '/twice.js': `
    import { Add, Layer } from '/js/layers/index.js';
    export class Twice extends Layer {
      constructor(config) { super(config); this.add = new Add(); }
      call(x) { return this.add.apply([x, x]); }
    }`,
  '/own.js': `
    import { serve } from '/js/serve.js';
    import { Twice } from '/twice.js';
    serve({ customLayers: { Twice } });
    addEventListener('message', ({ data }) => data === 'ping' && postMessage('pong'));
    const { close } = MessagePort.prototype;
    MessagePort.prototype.close = function () { postMessage('let go'); close.call(this); };`,
  '/silent.js': `addEventListener('message', () => {});`,
  '/broken.js': `throw new TypeError('this worker is broken');`,
};

/** @type {{ url: string, close: () => void }} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('playwright-core').Page} */
let page;
/** @type {string[]} */
const complaints = [];

before(async () => {
  server = await servePages(files);
  browser = await launch();
  page = await open('/index.html');
});

after(async () => {
  await browser?.close();
  server?.close();
});

/** @param {string} path @param {string} [url] */
async function open(path, url = server.url) {
  const opened = await browser.newPage();
  opened.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  opened.on('pageerror', (error) => complaints.push(String(error)));
  opened.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) complaints.push(`request to ${request.url()}`);
  });
  await opened.goto(url + path);
  for (let i = 0; i < 500 && !(await opened.evaluate('window.ready')); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  return opened;
}

beforeEach(() => page.evaluate('reset()'));
afterEach(() => assert.deepEqual(complaints.splice(0), []));

/** Runs the body of an async function in the page. It may use the names that page.js defines. @param {string} body @returns {Promise<any>} */
const inPage = (body) => page.evaluate(`(async () => { ${body} })()`);

test('every method gives the result of the same method on the main thread', async () => {
  const result = await inPage(`
    const here = await padless.loadModel(file);
    const model = await load();
    const same = async (name, ...args) => {
      const [a, b] = [here[name](...args), await model[name](...args)];
      return JSON.stringify(a) === JSON.stringify(b) || name;
    };
    const text = 'Grüße aus 東京';
    const options = { labels: ['de', 'ja'] };
    const session = model.session(options);
    const updates = [await session.update(text), await session.update(text + '!')];
    await session.close();
    const results = [
      await same('predict', text), await same('predict', ['one', '', 'two words']), await same('run', [[5, 2, 9], [7]]),
      await same('run', [[5, 0, 9, 0]], { lengths: [3] }), await same('trace', text), await same('outputsOf', ['a', 'b']), await same('save'),
      JSON.stringify(updates) === JSON.stringify([here.predict(text, options), here.predict(text + '!', options)]) || 'session',
      (await caught(session.update('x'))).message,
      JSON.stringify([model.outputs, model.inputs, model.parameters, model.fileBytes, model.simd, model.readsPadding, model.kerasVersion]) ===
        JSON.stringify([here.outputs, here.inputs, here.parameters, here.fileBytes, here.simd, here.readsPadding, here.kerasVersion]),
      model.text.encode(text).ids.join() === here.text.encode(text).ids.join(),
      (await model.stats).steps > 0, await model.resetState(), (await model.run([[5]]))[0].data instanceof Float32Array,
    ];
    return results;`);
  assert.deepEqual(result, [...new Array(8).fill(true), 'update: the session is closed', true, true, true, undefined, true]);
});

test('three workers answer thousands of texts in order, with the bits of one thread, and the progress never decreases', async () => {
  const { equal, progress, workers, busy } = await inPage(`
    const here = await padless.loadModel(file);
    const model = await load({ workers: 3 });
    const progress = [];
    const given = texts(1500);
    const answers = await model.predict(given, { onProgress: (each) => progress.push(each) });
    const equal = JSON.stringify(answers) === JSON.stringify(here.predict(given));
    return { equal, progress, busy: JSON.stringify(await model.predict([])), workers: (await model.stats).memory / here.stats.memory };`);
  assert.equal(equal, true);
  assert.equal(page.workers().length, 3);
  assert.ok(workers > 1);
  assert.equal(busy, '[]');
  const done = progress.map((/** @type {any} */ each) => each.done);
  assert.ok(done.length > 10);
  assert.deepEqual(
    done,
    done.toSorted((/** @type {number} */ a, /** @type {number} */ b) => a - b),
  );
  assert.deepEqual(progress.at(-1), { done: 1500, total: 1500 });
});

test('an aborted signal stops predict() and loading with its reason, no more texts are sent, and the next call works', async () => {
  const result = await inPage(`
    const model = await load({ workers: 2 });
    const stop = new AbortController();
    let done = 0;
    const given = texts(3000);
    const error = await caught(model.predict(given, { signal: stop.signal, onProgress: (each) => { done = each.done; stop.abort(); } }));
    const after = done;
    const answer = await model.predict(given[10]);
    const { steps } = await model.stats;
    const reason = new Error('enough');
    const loading = new AbortController();
    const other = loadModel(file, { signal: loading.signal, workers: 2 });
    loading.abort(reason);
    return {
      error: [error instanceof DOMException, error.name], done: [after, done], label: typeof answer.label, steps,
      early: (await caught(model.predict('x', { signal: AbortSignal.abort() }))).name, loading: (await caught(other)) === reason,
    };`);
  assert.deepEqual(result.error, [true, 'AbortError']);
  assert.deepEqual(result.done, [64, 64]);
  assert.ok(result.steps < 64 * 6 * 120 * 2, `${result.steps} steps`);
  assert.deepEqual([result.label, result.early, result.loading], ['string', 'AbortError', true]);
  for (let i = 0; i < 100 && page.workers().length > 2; i++) await page.waitForTimeout(10);
  assert.equal(page.workers().length, 2);
});

test('errors from a worker keep their class, message and cause', async () => {
  const result = await inPage(`
    const model = await load();
    const about = (error) => [error.constructor === padless[error.name] ? 'ours' : error.constructor.name, error.name, error.message.slice(0, 60)];
    const bytes = new Uint8Array(await (await fetch(file)).arrayBuffer());
    const text = new TextDecoder('latin1').decode(bytes.subarray(8));
    const broken = bytes.slice();
    broken.set(new TextEncoder().encode('[['), 8 + text.indexOf('"padless":"') + 11);
    const noJson = await caught(load({}, broken));
    const ours = [
      await caught(model.run([[1, 2, 999999]])), await caught(model.predict(7)), await caught(model.run([[5]], { lengths: [9] })),
      await caught(load({}, bytes.slice(0, 1000))), noJson,
      await caught(load({}, '/nowhere.safetensors')), await caught(model.predict(() => 1)), await caught(model.predict(['a', 1])),
    ];
    return { ours: ours.map(about), stack: ours[0].stack.includes('padless/worker-entry.js'), cause: [noJson.cause?.constructor.name, Object.keys(noJson)] };`);
  assert.deepEqual(complaints.splice(0), ['Failed to load resource: the server responded with a status of 404 (Not Found)']);
  assert.deepEqual(
    result.ours.map((/** @type {string[]} */ [whose, name]) => `${whose} ${name}`),
    [
      'IdError',
      'ArgumentError',
      'ShapeError',
      'ModelFileError',
      'ModelFileError',
      'LoadError',
      'ArgumentError',
      'ArgumentError',
    ].map((name) => `ours ${name}`),
  );
  assert.match(result.ours[0][2], /^row 0, step 2: id 999999/);
  assert.equal(result.stack, true);
  assert.deepEqual(result.cause, ['SyntaxError', ['name']]);
});

test('close() rejects pending and later calls, and terminates the workers', async () => {
  const result = await inPage(`
    const model = await load({ workers: 2 });
    const session = model.session();
    await session.update('x');
    const pending = caught(model.predict(texts(500)));
    await model.close();
    await model.close();
    return [await pending, await caught(model.predict('x')), await caught(model.run([[1]])), await caught(session.update('y')),
      await session.close()].map((error) => error && error.name + ' ' + error.message);`);
  const said = (/** @type {string} */ method) => `PadlessError ${method}: the model was closed`;
  assert.deepEqual(result, [said('predict'), said('predict'), said('run'), said('update'), undefined]);
  for (let i = 0; i < 100 && page.workers().length; i++) await page.waitForTimeout(10);
  assert.equal(page.workers().length, 0);
});

test("a caller's own worker has custom layers, several models and its own messages, and is not terminated with them", async () => {
  const result = await inPage(`
    const bytes = await custom();
    const worker = own('/own.js');
    const model = await load({ worker }, bytes);
    const langid = await load({ worker });
    const answers = [[...(await model.run([[1, 2]]))[0].data], (await langid.predict('Guten Morgen')).label];
    const heard = () => new Promise((resolve) => worker.addEventListener('message', ({ data }) => resolve(data), { once: true }));
    const gone = heard();
    await model.close();
    answers.push(await gone, (await caught(model.run([[1]]))).message, (await langid.predict('Bonjour à tous')).label);
    const pong = heard();
    worker.postMessage('ping');
    answers.push(await pong, (await caught(load({}, bytes))).message, (await caught(load({ customLayers: { Twice: class {} } }, bytes))).message);
    const both = await load({ worker: [worker, own('/own.js')] });
    answers.push((await both.predict(texts(300))).length);
    worker.terminate();
    return answers;`);
  assert.deepEqual(result.slice(0, 6), [[4, 6], 'de', 'let go', 'run: the model was closed', 'fr', 'pong']);
  assert.match(result[6], /Twice/);
  assert.match(result[7], /^customLayers: classes \(Twice\) cannot be sent to a worker; write your own worker .*padless\/serve/);
  assert.equal(result[8], 300);
});

test('a worker that does not start and invalid options give clear errors', async () => {
  const result = await inPage(`
    const errors = [
      await caught(load({ worker: own('/nothing-there.js') })), await caught(load({ worker: own('/broken.js') })), await caught(load({ worker: 'own.js' })),
      await caught(load({ worker: own('/silent.js'), signal: AbortSignal.timeout(30) })), await caught(load({ workers: 0 })), await caught(load({ worker: own('/own.js'), workers: 2 })), await caught(load({ worker: [] })),
    ];
    return errors.map(({ name, message }) => name + ': ' + message);`);
  assert.match(result[0], /^LoadError: load: the worker's script could not be loaded or run; write your own worker/);
  assert.match(result[1], /^LoadError: load: the worker's script could not be loaded or run: .*this worker is broken/);
  assert.deepEqual(result.slice(2), [
    'ArgumentError: worker: expected a Worker or an array of Workers',
    'TimeoutError: signal timed out',
    'ArgumentError: workers is 0, expected an integer from 1 to 256',
    'ArgumentError: workers is 2, but worker has 1 Workers',
    'ArgumentError: worker: expected a Worker or an array of Workers',
  ]);
  // The engine reports the error of the broken worker at any time.
  for (let i = 0; i < 100 && complaints.length === 0; i++) await page.waitForTimeout(10);
  assert.deepEqual(complaints.splice(0), ['TypeError: this worker is broken']);
});

test('a model loads from a URL, a string, a buffer, a view, a Blob, a File and a Response; the caller keeps the bytes', async () => {
  const result = await inPage(`
    const bytes = new Uint8Array(await (await fetch(file)).arrayBuffer());
    const wide = new Uint8Array(bytes.length + 100);
    wide.set(bytes, 50);
    const progress = [];
    const sources = [file, 'web/models/langid/langid.safetensors', bytes.buffer, wide.subarray(50, 50 + bytes.length), new Blob([bytes]),
      new File([bytes], 'm'), await fetch(file)];
    const labels = [];
    for (const source of sources) {
      const model = await load({ workers: 1, simd: 'baseline', onProgress: ({ loaded }) => progress.push(loaded) }, source);
      labels.push((await model.predict('Guten Morgen')).label + ' ' + model.simd);
      await model.close();
    }
    return { labels, left: [bytes.length, wide.length - 100], progress: progress.at(-1) === bytes.length };`);
  assert.deepEqual(result.labels, new Array(7).fill('de baseline'));
  assert.ok(result.left[0] > 0);
  assert.equal(result.left[0], result.left[1]);
  assert.equal(result.progress, true);
});

test("a page bundled by esbuild works with a copy of the package's worker, and with its own worker", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'padless-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const app = `
    import { loadModel } from 'padless/worker';
    window.go = async (worker) => {
      const model = await loadModel('/web/models/langid/langid.safetensors', { worker });
      const { label } = await model.predict('Guten Morgen');
      await model.close();
      return label;
    };
    window.ready = true;`;
  const options = /** @type {const} */ ({ bundle: true, minify: true, format: 'esm', external: ['node:*'], logLevel: 'silent' });
  await build({ ...options, stdin: { contents: app, resolveDir: root }, outfile: join(folder, 'app.js') });
  await build({
    ...options,
    stdin: { contents: `import 'padless/worker-entry';`, resolveDir: root },
    outfile: join(folder, 'mine.js'),
  });
  /** @param {string} name */
  const file = (name) => readFileSync(join(folder, name), 'utf8');
  assert.match(file('app.js'), /new Worker\(new URL\("padless\/worker-entry\.js",import\.meta\.url\),\{type:"module"\}\)/);
  const bundled = await servePages({
    '/index.html': `<!doctype html><meta charset="utf-8"><title>bundle</title><script type="module" src="/assets/app.js"></script>`,
    '/assets/app.js': file('app.js'),
    '/assets/padless/worker-entry.js': readFileSync(join(root, 'js/page/padless/worker-entry.js'), 'utf8'),
    '/mine.js': file('mine.js'),
  });
  t.after(() => bundled.close());
  const other = await open('/index.html', bundled.url);
  assert.equal(await other.evaluate('go()'), 'de');
  assert.equal(await other.evaluate(`go(new Worker('/mine.js', { type: 'module' }))`), 'de');
  await other.close();
});
