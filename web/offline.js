/**
 * The page's service worker: it answers from the network and caches the response, and answers from the cache only when the network fails. So an
 * online page is never outdated.
 */
/** Must equal CACHE in download.js. */
const CACHE = 'padless-page';
/** any: TypeScript cannot load the types of service workers together with those of pages. */
const serviceWorker = /** @type {any} */ (self);

serviceWorker.addEventListener('install', () => serviceWorker.skipWaiting());
serviceWorker.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(serviceWorker.clients.claim()));

/** @param {Request} request */
async function networkFirst(request) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw error;
  }
}

serviceWorker.addEventListener('fetch', (/** @type {any} */ event) => {
  const { request } = event;
  if (request.method === 'GET' && new URL(request.url).origin === location.origin) event.respondWith(networkFirst(request));
});
