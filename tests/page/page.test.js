/**
 * The page in headless Chromium.
 */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { serve } from '../../web/serve.js';
import { launch } from './chromium.js';

const screenshots = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));

/** @type {{ url: string, close: () => void }} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('playwright-core').Page} */
let page;
/** @type {string[]} */
let complaints;

before(async () => {
  await mkdir(screenshots, { recursive: true });
  server = await serve();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.close();
});

beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 900, height: 1000 } });
  page.setDefaultTimeout(10_000);
  complaints = [];
  // CSP violations are console errors too.
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url)) complaints.push(`request to ${request.url()}`);
  });
  await page.goto(`${server.url}web/`);
  await page.waitForSelector('#about:not(:empty)');
});

afterEach(async () => {
  await page.close();
  assert.deepEqual(complaints, []);
});

const first = () => page.locator('#answer li').first();
/** @param {number} value */
const pad = (value) => page.locator('#steps').fill(String(value));
const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

test('typing German is answered with German', async () => {
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'text');
  await page.keyboard.type('Guten Morgen, wie geht es Ihnen heute?');
  assert.match((await first().textContent()) ?? '', /^German/);
  assert.equal(await page.locator('#answer li').count(), 5);
  assert.match((await page.locator('#time').textContent()) ?? '', /^\d+\.\d ms$/);
  assert.ok(
    await page
      .locator('.bar span')
      .first()
      .evaluate((fill) => fill.clientWidth > 50),
  );
  assert.deepEqual(await page.locator('#tokens li').nth(3).locator('bdi, span').allTextContents(), ['e', '4', '1']);
  assert.deepEqual(await page.locator('#tokens li.pad').first().locator('bdi, span').allTextContents(), ['·', '0', '0']);
  await page.screenshot({ path: `${screenshots}light.png`, fullPage: true });
});

test('the answer is worked out at every keystroke', async () => {
  let previous = '';
  for (const key of 'Danke') {
    await page.keyboard.type(key);
    const now = (await page.locator('#answer').textContent()) ?? '';
    assert.notEqual(now, previous);
    previous = now;
  }
});

test('each example is answered with its language', async () => {
  const buttons = await page.locator('#examples button').all();
  assert.equal(buttons.length, 10);
  for (const button of buttons) {
    await button.click();
    assert.equal(await first().getAttribute('data-label'), await button.getAttribute('data-label'));
  }
});

test('an empty box, a lone surrogate and a megabyte get an answer within a second', async () => {
  assert.match((await page.locator('#answer').textContent()) ?? '', /Type or paste/);
  for (const value of ['\ud800', 'a'.repeat(1 << 20), '']) {
    // The page's own work; how long Chromium takes to lay out a megabyte in a text box is not up to it.
    const milliseconds = await page.evaluate(
      (given) => {
        const box = /** @type {HTMLTextAreaElement} */ (document.getElementById('text'));
        box.value = given === 'lone' ? '\ud800' : given;
        const start = performance.now();
        box.dispatchEvent(new Event('input'));
        return performance.now() - start;
      },
      value === '\ud800' ? 'lone' : value,
    );
    assert.ok(milliseconds < 1000, `${value.length} letters took ${milliseconds} ms`);
    assert.equal(await page.locator('#answer li').count(), value ? 5 : 0);
    assert.equal(await page.locator('#cut').isVisible(), value.length > 512);
  }
  assert.match((await page.locator('#answer').textContent()) ?? '', /Type or paste/);
  assert.equal(await page.locator('#error').isVisible(), false);
});

test("padding does not move the score's bits", async () => {
  await page.locator('#text').fill('Guten Morgen');
  const bits = [];
  for (const value of [0, 1, 7, 33, 64]) {
    await pad(value);
    assert.equal(await page.locator('#count').textContent(), String(value));
    assert.equal(await page.locator('#tokens li.pad').count(), value);
    assert.equal(await page.locator('#tokens li:not(.pad)').count(), 12);
    bits.push(await page.locator('#bits').textContent());
  }
  assert.match(bits[0] ?? '', /^[0-9a-f]{8}$/);
  assert.equal(new Set(bits).size, 1);
  assert.equal(await page.locator('#same').textContent(), 'the same');
});

test('a long text shows its first 64 tokens', async () => {
  await page.locator('#text').fill('ab '.repeat(50));
  assert.equal(await page.locator('#tokens li:not(.pad)').count(), 64);
  assert.match((await page.locator('#more').textContent()) ?? '', /64 of 150/);
});

test('360 pixels wide: nothing to scroll sideways', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  assert.ok((await overflow()) <= 0);
  for (const button of await page.locator('#examples button').all()) {
    await button.click();
    await pad(64);
    assert.ok((await overflow()) <= 0);
    assert.ok(
      await page.evaluate(() => [...document.querySelectorAll('.score')].every((score) => score.scrollWidth <= score.clientWidth)),
    );
    const score = first().locator('.score');
    assert.ok(await score.evaluate((node) => node.scrollWidth <= node.clientWidth));
  }
  await page.screenshot({ path: `${screenshots}narrow.png`, fullPage: true });
});

test('dark where the reader prefers it', async () => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.notEqual(await background(), light);
  await page.locator('#examples button').nth(4).click();
  await page.screenshot({ path: `${screenshots}dark.png`, fullPage: true });
});

test('a model that cannot be read is said in the page', async () => {
  await page.route('**/*.safetensors', (route) => route.fulfill({ body: 'nothing' }));
  await page.reload();
  await page.waitForSelector('#error:not([hidden])');
  assert.match((await page.locator('#error').textContent()) ?? '', /^Something went wrong: ./);
});
