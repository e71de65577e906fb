/**
 * The first visit: the downloads before the first answer, that nothing is downloaded twice, and that the layout does not shift.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../../web/serve.js';
import { site } from './site.js';

const state = site({ shown: '#masked-name[data-label]', serviceWorkers: 'allow' });

/** Opens a page, and lists what it had downloaded when it showed the first answer. @param {string} url @param {string} [locale] */
async function openedPage(url, locale = 'en') {
  const page = await state.browser.newPage({ viewport: { width: 1280, height: 800 }, locale, serviceWorkers: 'block' });
  await page.addInitScript(() => {
    /** @type {{ shift: number, answered: number, intl: string[] }} */
    const seen = { shift: 0, answered: 0, intl: [] };
    Object.assign(window, { seen });
    for (const name of /** @type {const} */ (['NumberFormat', 'DisplayNames', 'DateTimeFormat']))
      Intl[name] = new Proxy(/** @type {any} */ (Intl[name]), {
        construct(of, args) {
          if (!seen.answered) seen.intl.push(name);
          return new of(...args);
        },
      });
    new PerformanceObserver((list) => {
      for (const entry of /** @type {any[]} */ (list.getEntries())) if (!entry.hadRecentInput) seen.shift += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
    new MutationObserver(() => {
      if (document.querySelector('#masked-name[data-label]')) seen.answered ||= performance.now();
    }).observe(document, { subtree: true, attributes: true });
  });
  await page.goto(url);
  await page.waitForSelector('#about:not(:empty)');
  const downloads = await page.evaluate(() =>
    [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .map((entry) => /** @type {PerformanceResourceTiming} */ (entry))
      .filter(({ responseEnd }) => responseEnd < /** @type {any} */ (window).seen.answered)
      .map(({ name, transferSize }) => ({ name, bytes: transferSize })),
  );
  return { page, downloads };
}

test('the first answer takes at most 12 requests and 450 kB, and the layout does not shift', async () => {
  const { page, downloads } = await openedPage(`${state.server.url}web/`);
  const bytes = downloads.reduce((sum, each) => sum + each.bytes, 0);
  assert.ok(downloads.length >= 4 && downloads.length <= 12, downloads.map(({ name }) => name).join('\n'));
  assert.ok(bytes > 100_000 && bytes <= 450_000, `${bytes} bytes`);
  const shift = await page.evaluate(() => /** @type {any} */ (window).seen.shift);
  assert.ok(shift < 0.02, `layout shift ${shift}`);
  // The HTML names all of them, so that none waits for another, and the code of the other sections comes later.
  const named = await page.evaluate(() =>
    [.../** @type {NodeListOf<HTMLLinkElement>} */ (document.querySelectorAll('link:not([rel=icon])'))].map(({ href }) => href),
  );
  assert.deepEqual(downloads.map(({ name }) => name).sort(), [page.url(), ...named].sort());
  await page.close();
});

test('the first answer does not wait for Intl, whose first use takes tens of milliseconds', async () => {
  for (const locale of /** @type {const} */ (['en', 'zh-Hans'])) {
    const { page } = await openedPage(`${state.server.url}web/`, locale);
    const { naive, used } = await page.evaluate(() => ({
      naive: document.getElementById('naive-name')?.textContent,
      used: /** @type {any} */ (window).seen.intl,
    }));
    assert.equal(naive, new Intl.DisplayNames([locale], { type: 'language' }).of('pl'));
    assert.deepEqual(used, []);
    await page.close();
  }
});

/** Opens the page, and holds requests that match until the caller calls release(). @param {RegExp} held @param {string} [address] */
async function heldPage(held, address = '') {
  const page = await state.browser.newPage({ locale: 'en', serviceWorkers: 'block' });
  let release = () => {};
  const released = new Promise((resolve) => (release = () => resolve(undefined)));
  await page.route(held, async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(`${state.server.url}web/${address}`);
  return { page, release };
}

test('what the user types and chooses before the sections have started is kept', async () => {
  const { page, release } = await heldPage(/sections-/);
  await page.waitForSelector('#masked-name[data-label]');
  await page.fill('#text', 'Sam can open the can');
  await page.check('#models [value=tagger]');
  await page.check('#side [value=front]');
  await page.fill('#steps', '30');
  release();
  await page.waitForSelector('#answer mark');
  assert.equal(await page.inputValue('#text'), 'Sam can open the can');
  assert.match(await page.locator('#answer').innerText(), /^Sam/);
  assert.equal(await page.isChecked('#side [value=front]'), true);
  assert.deepEqual([await page.inputValue('#steps'), await page.inputValue('#proof-padding')], ['30', '30']);
  await page.close();
});

test('of a text typed before the sections have started and a newer one in the first box, the newer is kept', async () => {
  const { page, release } = await heldPage(/sections-/);
  await page.waitForSelector('#masked-name[data-label]');
  await page.fill('#text', 'older');
  await page.fill('#proof-text', 'Wie geht es dir?');
  release();
  await page.waitForSelector('#answer li:first-child[data-label=de]');
  assert.deepEqual(
    [await page.inputValue('#text'), await page.inputValue('#proof-text')],
    ['Wie geht es dir?', 'Wie geht es dir?'],
  );
  await page.close();
});

test('the sections start when the user acts, though the first model has not arrived', async () => {
  const { page, release } = await heldPage(/\.safetensors/);
  const dropped = await page.evaluate(() => !dispatchEvent(new Event('drop', { cancelable: true })));
  assert.ok(dropped, 'the browser opens a dropped file');
  assert.equal(await page.locator('#speeds tr').count(), 0);
  await page.mouse.click(5, 5);
  await page.waitForSelector('#speeds tr');
  release();
  await page.waitForSelector('#masked-name[data-label]');
  await page.close();
});

test('if the code of the sections could not be fetched, Try again loads the page again', async () => {
  const page = await state.browser.newPage({ locale: 'en', serviceWorkers: 'block' });
  await page.route(/sections-/, (route) => route.abort());
  await page.goto(`${state.server.url}web/#try?text=Guten%20Tag`);
  await page.waitForSelector('#retry:visible');
  await page.unroute(/sections-/);
  await page.click('#retry');
  await page.waitForSelector('#answer li:first-child[data-label=de]');
  assert.equal(await page.locator('#error').isVisible(), false);
  await page.close();
});

test('a second request for an unchanged file gets no body, so that copies for offline use cost no second download', async () => {
  const { page } = state;
  await page.waitForSelector('#offline:not(:empty)');
  const sizes = await page.evaluate(async () => {
    const results = [];
    for (const { name } of performance.getEntriesByType('resource')) {
      const { headers } = await fetch(name, { method: 'HEAD' });
      results.push([name, headers.get('etag'), headers.get('cache-control')]);
    }
    return results;
  });
  assert.ok(sizes.length > 5);
  for (const [name, etag, control] of sizes) assert.ok(etag && control === 'no-cache', String(name));
  const url = `${state.server.url}web/style.css`;
  for (const encoding of ['gzip', 'identity']) {
    const first = await fetch(url, { headers: { 'accept-encoding': encoding } });
    const headers = { 'accept-encoding': encoding, 'if-none-match': first.headers.get('etag') ?? '' };
    assert.equal((await fetch(url, { headers })).status, 304);
    assert.equal((await fetch(url, { headers: { ...headers, 'if-none-match': '"other"' } })).status, 200);
  }
});

test('without bundles, the page loads module by module and gives the same answers', async () => {
  const server = await serve({ bundle: false });
  const { page, downloads } = await openedPage(`${server.url}web/`);
  assert.ok(downloads.length > 40);
  assert.equal(await page.locator('#masked-name').textContent(), 'English');
  await page.waitForSelector('#answer li:first-child[data-label=en]');
  await page.close();
  server.close();
});

test('without scripts, the page still says what padless is', async () => {
  const page = await state.browser.newPage({ javaScriptEnabled: false });
  await page.goto(`${state.server.url}web/`);
  assert.match(await page.locator('h1').innerText(), /^Small text models in the browser/);
  assert.equal(await page.locator('#install').innerText(), 'npm i padless');
  assert.match(await page.locator('main').innerText(), /This page needs JavaScript and WebAssembly/);
  await page.close();
});
