/**
 * Serves the page, and opens it anew for each test. Errors and warnings in the console, and requests to other servers, fail the test.
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
 * @param {string} [options.path]  of the page
 * @param {string} [options.shown]  selector of an element to wait for
 * @param {string} [options.focus]  selector of the element that then gets the focus
 * @param {'allow' | 'block'} [options.serviceWorkers]  blocked by default to save time; offline.test.js and others allow them
 * @param {(page: import('playwright-core').Page) => Promise<void>} [options.prepare]
 */
export function site({ path = 'web/', shown = '#about:not(:empty)', focus, serviceWorkers = 'block', prepare } = {}) {
  /** @type {{ server: { url: string, close: () => void }, browser: import('playwright-core').Browser, page: import('playwright-core').Page, complaints: string[] }} */
  const state = /** @type {any} */ ({ complaints: [] });
  before(async () => {
    await mkdir(screenshots, { recursive: true });
    state.server = await serve();
    state.browser = await launch();
    // The first request bundles the scripts, which may take longer than the timeout of a page.
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
      // The page itself says which packages are not installed.
      const absent = message.location().url.includes('/packages/') && /status of 404/.test(message.text());
      if (['error', 'warning'].includes(message.type()) && !blocked && !absent) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    // The context also reports the requests of the service worker.
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

/** By how many pixels the page is wider than its window. @param {import('playwright-core').Page} page */
export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
