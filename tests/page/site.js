/**
 * The page, served and opened afresh for each test; what it complains of, and requests to anybody else, fail the test.
 */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, afterEach, before, beforeEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serve } from '../../web/serve.js';
import { launch } from './chromium.js';

export const screenshots = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));

/**
 * Hooks for the tests of a file.
 * @param {object} [options]
 * @param {string} [options.path]  opened first
 * @param {string} [options.shown]  what is waited for
 * @param {string} [options.focus]  what gets the focus then
 * @param {'allow' | 'block'} [options.serviceWorkers]  one in each page takes time; offline.test.js has them
 * @param {(page: import('playwright-core').Page) => Promise<void>} [options.prepare]
 */
export function site({ path = 'web/', shown = '#about:not(:empty)', focus, serviceWorkers = 'block', prepare } = {}) {
  /** @type {{ server: { url: string, close: () => void }, browser: import('playwright-core').Browser, page: import('playwright-core').Page, complaints: string[] }} */
  const state = /** @type {any} */ ({ complaints: [] });
  before(async () => {
    await mkdir(screenshots, { recursive: true });
    state.server = await serve();
    state.browser = await launch();
    // The first request bundles the scripts, which may take longer than a page waits.
    await fetch(`${state.server.url}web/page.js`);
  });
  after(async () => {
    await state.browser?.close();
    state.server?.close();
  });
  beforeEach(async () => {
    const { server, browser, complaints } = state;
    const page = await browser.newPage({ viewport: { width: 900, height: 1000 }, locale: 'en', serviceWorkers });
    state.page = page;
    page.setDefaultTimeout(30_000);
    complaints.length = 0;
    // CSP violations are console errors too.
    page.on('console', (message) => {
      const blocked = /^Service Worker registration blocked by Playwright/.test(message.text());
      // Of packages that are not installed the page itself says so.
      const absent = message.location().url.includes('/packages/') && /status of 404/.test(message.text());
      if (['error', 'warning'].includes(message.type()) && !blocked && !absent) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    // The service worker's requests, too.
    page.context().on('request', (request) => {
      if (!request.url().startsWith(server.url)) complaints.push(`request to ${request.url()}`);
    });
    await prepare?.(page);
    await page.goto(server.url + path);
    await page.waitForSelector(shown);
    if (focus) await page.focus(focus);
  });
  afterEach(async () => {
    await state.page.close();
    assert.deepEqual(state.complaints, []);
  });
  return state;
}

/** How much wider the page is than its window. @param {import('playwright-core').Page} page */
export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
