/**
 * What the page has fetched: how much it was, and a copy of it for a browser that is offline.
 */
import { find } from './elements.js';
import { onLanguage, say, size } from './language.js';

const CACHE = 'padless-page';

/** What workers fetched, by address. @type {Map<string, PerformanceResourceTiming>} */
const workerEntries = new Map();

/** Once each, whoever fetched it. */
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

/** Sees the entries of `fetched` again. */
let refreshBytes = () => {};

/** @param {PerformanceResourceTiming[]} entries  of a worker */
export function addFetched(entries) {
  for (const entry of entries) workerEntries.set(entry.name, entry);
  refreshBytes();
}

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

/** Starts the service worker, and hands it what the page fetched before it was there. */
export async function keepForOffline() {
  // Not over plain http, and not in every private window.
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register(new URL('offline.js', import.meta.url));
    await navigator.serviceWorker.ready;
    const cache = await caches.open(CACHE);
    // A worker that may not have been started yet, and what is fetched already.
    const reader = new URL('reader.js', import.meta.url).href;
    const urls = [...new Set([reader, ...fetched().map(({ name }) => name.replace(/#.*/, ''))])];
    const missing = [];
    for (const url of urls) if (!(await cache.match(url))) missing.push(url);
    await cache.addAll(missing);
    find('offline').textContent = say('offline');
  } catch {
    // The page works without; it only makes no promise.
  }
}
