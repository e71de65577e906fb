/**
 * A service worker that answers GET language?text=... without a server; service-worker.html is its page. Service workers refuse import(), so it imports
 * padless/whole. In a project of your own: copy padless.min.mjs beside this file, or bundle it with `import { loadModel } from 'padless/whole'`.
 */
import { loadModel } from '../../js/dist/padless.min.mjs';

const scope = /** @type {any} */ (self);
const file = new URL('../models/langid/langid.safetensors', import.meta.url);
/** The browser ends an idle service worker: the model is then loaded anew, from the cache. @type {ReturnType<typeof loadModel> | undefined} */
let loading;

async function load() {
  const cache = await caches.open('padless-example');
  if (!(await cache.match(file))) await cache.add(file);
  const response = await cache.match(file);
  if (!response) throw new Error(`${file} is not in the cache`);
  return loadModel(response);
}

/** @param {string} text */
async function answer(text) {
  loading ??= load();
  try {
    const { label, score } = (await loading).predict(text);
    return Response.json({ label, score });
  } catch (error) {
    loading = undefined;
    return Response.json({ error: String(error) }, { status: 500 });
  }
}

scope.addEventListener('install', (/** @type {any} */ event) => event.waitUntil(load().then(() => scope.skipWaiting())));
scope.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener('fetch', (/** @type {any} */ event) => {
  const { pathname, searchParams } = new URL(event.request.url);
  if (pathname.endsWith('/language')) event.respondWith(answer(searchParams.get('text') ?? ''));
});
