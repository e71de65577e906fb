/** Values of another realm are accepted, and a policy that forbids WebAssembly gives a clear error. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { importMap, servePages } from '../pages.js';
import { launch } from './chromium.js';

/** @param {string} head @returns {string} */
const html = (head) =>
  `<!doctype html><meta charset="utf-8">${head}<title>realms</title><link rel="icon" href="data:,">${importMap()}
  <script type="module" src="/page.js"></script>`;

/** @type {Awaited<ReturnType<typeof servePages>>} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  server = await servePages({
    '/index.html': html(''),
    '/forbidden.html': html(`<meta http-equiv="Content-Security-Policy" content="script-src 'self' 'unsafe-inline'">`),
    '/empty.html': '<!doctype html><title>frame</title>',
    '/page.js': `import * as padless from 'padless'; globalThis.padless = padless; document.title = 'ready';`,
  });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.close();
});

/** @param {string} path @param {string} script  of an async function @returns {Promise<any>} */
async function inPage(path, script) {
  const page = await browser.newPage();
  await page.goto(server.url + path);
  await page.waitForFunction(() => document.title === 'ready');
  const value = await page.evaluate(`(async () => { ${script} })()`);
  await page.close();
  return value;
}

test('files and WebAssembly modules of an iframe are accepted', async () => {
  const labels = await inPage(
    '/index.html',
    `const file = '/web/models/langid/langid.safetensors';
     const frame = document.createElement('iframe');
     frame.src = '/empty.html';
     await new Promise((resolve) => { frame.onload = resolve; document.body.append(frame); });
     const other = frame.contentWindow;
     const get = (url) => other.fetch(new URL(url, location.href).href);
     const buffer = await (await get(file)).arrayBuffer();
     const wasm = await (await get('/js/dist/padless.wasm')).arrayBuffer();
     const sources = [buffer, new other.Uint8Array(buffer), new other.Blob([buffer]), new other.File([buffer], 'm'), await get(file),
       new other.URL(file, location.href)];
     // The Blob of jsdom has no arrayBuffer().
     sources.push(Object.assign(new Blob([buffer]), { arrayBuffer: undefined }));
     const modules = [undefined, wasm, await other.WebAssembly.compile(wasm), await get('/js/dist/padless.wasm'),
       new other.URL('/js/dist/padless.wasm', location.href)];
     if (buffer instanceof ArrayBuffer) throw new Error('the buffer is of this realm');
     const labels = [];
     for (const source of sources) labels.push((await padless.loadModel(source)).predict('Guten Morgen').label);
     for (const module of modules) labels.push((await padless.loadModel(buffer, { module })).predict('Guten Morgen').label);
     return labels;`,
  );
  assert.deepEqual(labels, new Array(12).fill('de'));
});

test('if a policy forbids WebAssembly, the error names the directive and { module }', async () => {
  const errors = await inPage(
    '/forbidden.html',
    `const file = '/web/models/langid/langid.safetensors';
     const errors = [];
     for (const options of [{}, { module: '/js/dist/padless.wasm' }])
       await padless.loadModel(file, options).catch((error) => errors.push([error.constructor === padless.EngineError, error.message]));
     return errors;`,
  );
  assert.equal(errors.length, 2);
  for (const [ours, message] of errors) {
    assert.ok(ours, message);
    assert.match(message, /^the engine refuses to compile WebAssembly .*script-src 'wasm-unsafe-eval'.*\{ module \}$/);
  }
});
