/**
 * Shows how much the page has downloaded, and keeps a copy of it for offline use.
 */
import { find } from './elements.js';
import { onLanguage, say, size } from './language.js';

/** Must equal CACHE in offline.js. That file is a service worker and cannot import this module. */
const CACHE = 'padless-page';

/** The resources that the page's workers have fetched, by address. @type {Map<string, PerformanceResourceTiming>} */
const workerEntries = new Map();

/** The resources that the page and its workers have fetched, each address once. */
function fetched() {
  const own = /** @type {PerformanceResourceTiming[]} */ ([
    ...performance.getEntriesByType('navigation'),
    ...performance.getEntriesByType('resource'),
  ]);
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...[...workerEntries.values()].filter(({ name }) => !names.has(name))].filter(
    ({ encodedBodySize, responseStatus }) => encodedBodySize > 0 && !(responseStatus >= 400),
  );
}

/** Updates the number of bytes on the page; set by showBytes. */
let refreshBytes = () => {};

/** Counts the resources that a worker has fetched. @param {PerformanceResourceTiming[]} entries  of the worker */
export function addFetched(entries) {
  for (const entry of entries) workerEntries.set(entry.name, entry);
  refreshBytes();
}

/** Shows the number of bytes, now and after each download. */
export function showBytes() {
  refreshBytes = () => {
    const entries = fetched();
    const bytes = entries.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
    find('bytes').textContent = say('bytes', { size: size(bytes), files: entries.length });
    if (find('offline').textContent) find('offline').textContent = say('offline');
  };
  new PerformanceObserver(refreshBytes).observe({ type: 'resource', buffered: true });
  onLanguage(refreshBytes);
}

/** Starts the service worker, and caches what the page fetched before the worker ran. */
export async function keepForOffline() {
  // Browsers have service workers only over https and on localhost, and some have none in private windows.
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register(new URL('offline.js', import.meta.url));
    await navigator.serviceWorker.ready;
    const cache = await caches.open(CACHE);
    // The worker that reads files imports padless from this address. In a bundled page, nothing else has fetched that file yet.
    await import(import.meta.resolve('padless'));
    // Add reader.js by name, because its worker may not have been started yet.
    const reader = new URL('reader.js', import.meta.url).href;
    const urls = [...new Set([reader, ...fetched().map(({ name }) => name.replace(/#.*/, ''))])];
    const missing = [];
    for (const url of urls) if (!(await cache.match(url))) missing.push(url);
    await cache.addAll(missing);
    find('offline').textContent = say('offline');
  } catch {
    // Without the cache the page works online, and does not say that it works offline.
  }
}
