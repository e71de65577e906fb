/** padless in a service worker without a bundler. Service workers do not support import(). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { servePages } from '../pages.js';
import { launch } from './chromium.js';

/** @param {string} entry */
const serviceWorker = (entry) => `
  import { createModel, loadModel } from '/js/${entry}';
  const layers = [
    { class_name: 'InputLayer', config: { batch_shape: [null, 2], name: 'x' } },
    { class_name: 'LayerNormalization', config: { name: 'norm', center: false, scale: false, epsilon: 0 } },
  ];
  self.onmessage = async ({ data, ports: [port] }) => {
    try {
      const model = await loadModel('/web/models/langid/langid.safetensors');
      const architecture = { class_name: 'Sequential', config: { name: 's', layers } };
      const rare = await createModel({ architecture, weights: () => new Map() });
      port.postMessage(model.predict(data).label + rare.run([[1, 3]])[0].data.join());
    } catch (error) {
      port.postMessage(error.name + ': ' + error.message);
    }
  };
  self.onactivate = (event) => event.waitUntil(self.clients.claim());`;

/** @type {Awaited<ReturnType<typeof servePages>>} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
before(async () => {
  const html = '<!doctype html><meta charset="utf-8"><title>service worker</title><link rel="icon" href="data:," />';
  server = await servePages({
    '/index.html': html,
    '/whole.js': serviceWorker('dist/padless.min.mjs'),
    '/index.js': serviceWorker('index.js'),
  });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.close();
});

/** The answer of a service worker. @param {string} script */
async function ask(script) {
  const page = await browser.newPage();
  await page.goto(`${server.url}/index.html`);
  const answer = await page.evaluate(async (url) => {
    const registration = await navigator.serviceWorker.register(url, { type: 'module' });
    await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    const got = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
    registration.active?.postMessage('Guten Morgen', [port2]);
    const value = await got;
    await registration.unregister();
    return value;
  }, script);
  await page.context().close();
  return answer;
}

test('padless/whole loads models in a service worker, with layers that padless would import later', async () => {
  assert.equal(await ask('/whole.js'), 'de-1,1');
});

test('in a service worker, padless fails with an error that names padless/whole', async () => {
  assert.match(
    await ask('/index.js'),
    /^EngineError: service workers refuse import\(\).* import 'padless\/whole' in place of 'padless'$/,
  );
});
