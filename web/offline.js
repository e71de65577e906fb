/**
 * The page's service worker: what the network gives counts, and is kept; what it does not give comes from what was kept. So nobody sees an
 * old page while a new one can be had.
 */
const CACHE = 'padless-page';
/** No types of a service worker stand beside those of a page. */
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
