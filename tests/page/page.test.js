/** The page in Chromium, as a person uses it. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from '../../web/serve.js';

const screenshots = fileURLToPath(new URL('../../build/screenshots/', import.meta.url));
mkdirSync(screenshots, { recursive: true });

let browser, server, page;
const complaints = [];

before(async () => {
  server = await serve();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  page = await browser.newPage({ viewport: { width: 900, height: 1100 } });
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => request.url().startsWith(server.url) || complaints.push(`request to ${request.url()}`));
  await page.goto(server.url);
  await page.waitForSelector('#examples button');
});

after(async () => {
  await browser?.close();
  server?.close();
});

const first = () => page.getAttribute('#answer li', 'data-label');

test('the text box has the focus, and the language stands there while one types', async () => {
  await page.keyboard.type('Guten Morgen, wie geht es Ihnen heute?');
  assert.equal(await page.inputValue('#text'), 'Guten Morgen, wie geht es Ihnen heute?');
  assert.match(await page.textContent('#answer'), /German/);
  assert.equal(await page.locator('#answer li').count(), 5);
  assert.match(await page.textContent('#time'), /\d+\.\d ms/);
  assert.deepEqual(await page.locator('.token').first().locator('b, span').allTextContents(), ['G', String(await idOf('g')), '1']);
  await page.screenshot({ path: `${screenshots}typed.png` });
});

/** @param {string} letter */
const idOf = (letter) =>
  page.evaluate(async (char) => {
    const { loadModel } = await import('padless');
    const model = await loadModel(new URL('./models/langid/langid.safetensors', document.baseURI));
    return model.text.encode(char).ids[0];
  }, letter);

test('every example is answered with its own language', async () => {
  const labels = await page.locator('#examples button').evaluateAll((buttons) => buttons.map((button) => button.dataset.label));
  assert.equal(labels.length, 10);
  for (const label of labels) {
    await page.click(`#examples button[data-label="${label}"]`);
    assert.equal(await first(), label);
  }
});

test('padding does not move the score by a bit', async () => {
  await page.fill('#text', 'Padding costs nothing.');
  const bits = await page.textContent('#bits');
  assert.match(bits, /^[0-9a-f]{8}$/);
  for (const steps of ['0', '13', '64']) {
    await page.fill('#padding', steps);
    assert.equal(await page.locator('.token.pad').count(), Number(steps));
    assert.equal(await page.textContent('#bits'), bits);
  }
});

test('an empty box, a lone surrogate and a megabyte of one letter are answered', async () => {
  await page.fill('#text', '');
  assert.match(await page.textContent('#answer'), /Type something/);
  for (const text of ['\ud800', 'a'.repeat(1 << 20)]) {
    await page.evaluate((value) => {
      const box = document.querySelector('#text');
      box.value = value;
      box.dispatchEvent(new InputEvent('input'));
    }, text);
    assert.equal(await page.locator('#answer li').count(), 5);
  }
  assert.match(await page.textContent('#reading'), /the rest is cut/);
});

test('nothing scrolls sideways on a phone, in light and dark', async () => {
  await page.setViewportSize({ width: 360, height: 800 });
  await page.click('#examples button');
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    await page.screenshot({ path: `${screenshots}phone-${colorScheme}.png`, fullPage: true });
  }
});

test('no error, no breach of the content security policy, no request to another origin', () => {
  assert.deepEqual(complaints, []);
});
