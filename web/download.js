/**
 * What the page has fetched: how much it was, and a copy of it for a browser that is offline.
 */
import { find } from './elements.js';
import { onLanguage, say, size } from './language.js';

const CACHE = 'padless-page';

const fetched = () =>
  /** @type {PerformanceResourceTiming[]} */ ([
    ...performance.getEntriesByType('navigation'),
    ...performance.getEntriesByType('resource'),
  ]).filter(({ encodedBodySize, responseStatus }) => encodedBodySize > 0 && !(responseStatus >= 400));

export function showBytes() {
  const show = () => {
    const entries = fetched();
    const bytes = entries.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
    find('bytes').textContent = say('bytes', { size: size(bytes), files: entries.length });
    if (find('offline').textContent) find('offline').textContent = say('offline');
  };
  new PerformanceObserver(show).observe({ type: 'resource', buffered: true });
  onLanguage(show);
}

/** Starts the service worker, and hands it what the page fetched before it was there. */
export async function keepForOffline() {
  // Not over plain http, and not in every private window.
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register(new URL('offline.js', import.meta.url));
    await navigator.serviceWorker.ready;
    const cache = await caches.open(CACHE);
    const urls = [...new Set(fetched().map(({ name }) => name.replace(/#.*/, '')))];
    const missing = [];
    for (const url of urls) if (!(await cache.match(url))) missing.push(url);
    await cache.addAll(missing);
    find('offline').textContent = say('offline');
  } catch {
    // The page works without; it only makes no promise.
  }
}
