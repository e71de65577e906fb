/**
 * The page without its server.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serve } from '../../web/serve.js';
import { site } from './site.js';

const state = site({ serviceWorkers: 'allow' });

test('once loaded, the page works without its server', async () => {
  const server = await serve();
  const page = await state.browser.newPage();
  await page.goto(`${server.url}web/`);
  await page.waitForSelector('#offline:not(:empty)');
  const bytes = async () => Number(/: ([\d.]+) MB/.exec((await page.locator('#bytes').textContent()) ?? '')?.[1] ?? 0.9);
  for (const [id, about, least] of /** @type {[string, string, number][]} */ ([
    ['intents', '151 answers', 1.2],
    ['tagger', '17 parts', 2.1],
  ])) {
    await page.locator(`#models [value=${id}]`).check();
    await page.waitForFunction((text) => document.getElementById('about')?.textContent?.includes(text), about);
    await page.waitForFunction(async (file) => Boolean(await caches.match(file)), `models/${id}/${id}.safetensors`);
    // The page adds up all downloads.
    assert.ok((await bytes()) > least, `${await bytes()} MB`);
  }
  await page.locator('#models [value=langid]').check();
  server.close();
  await assert.rejects(fetch(server.url));
  await page.reload();
  await page.waitForSelector('#about:not(:empty)');
  await page.locator('#text').fill('Guten Morgen, wie geht es Ihnen heute?');
  await page.waitForSelector('#answer li:first-child[data-label=de]');
  // The other models that were chosen before work, too.
  await page.locator('#models [value=intents]').check();
  await page.locator('#text').fill('will it rain tomorrow');
  await page.waitForSelector('#answer li:first-child[data-label=weather]');
  await page.locator('#models [value=tagger]').check();
  await page.waitForSelector('#answer mark');
  for (const id of ['inside', 'yours', 'speed']) await page.click(`nav a[href="#${id}"]`);
  assert.equal(await page.locator('#error').isVisible(), false);
  await page.close();
});

test('offline, the page reads a model file with the cached importer', async (t) => {
  /** @param {string} path */
  const models = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const langid = models('web/models/langid/langid.safetensors');
  const keras = models('tests/models/keras-files/bilstm-tagger.keras');
  const server = await serve();
  t.after(server.close);
  const page = await state.browser.newPage();
  t.after(() => page.close());
  page.setDefaultTimeout(30_000);
  /** @param {string} file @param {string} name */
  const read = async (file, name) => {
    await page.setInputFiles('#files', file);
    await page.waitForFunction((text) => document.getElementById('yours-status')?.textContent === text, `${name} is loaded.`);
  };
  await page.goto(`${server.url}web/`);
  await page.waitForSelector('#offline:not(:empty)');
  // The section "Your model" has not been shown before.
  await page.context().setOffline(true);
  await page.click('nav a[href="#yours"]');
  await read(langid, 'langid.safetensors');
  // The packages for Keras's files are cached when they are first fetched.
  await page.context().setOffline(false);
  await read(keras, 'bilstm-tagger.keras');
  server.close();
  await page.reload();
  await page.waitForSelector('#masked-name[data-label]');
  await read(keras, 'bilstm-tagger.keras');
});

test('a page that has changed on the server is shown, not its cached copy', async () => {
  const { page } = state;
  await page.waitForSelector('#offline:not(:empty)');
  await page.evaluate(async () => {
    const cache = await caches.open('padless-page');
    for (const request of await cache.keys())
      if (request.url.endsWith('words.js')) await cache.put(request, new Response('throw new Error("old")'));
  });
  await page.reload();
  await page.waitForSelector('#about:not(:empty)');
});
