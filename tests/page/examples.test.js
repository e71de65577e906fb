/**
 * web/examples: runs each example in Node or in headless Chromium, unchanged.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { serve } from '../../web/serve.js';
import { servePages } from '../pages.js';
import { launch } from './chromium.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const reactFolder = `${root}tests/page/react/node_modules`;
const hasReact = existsSync(`${reactFolder}/react-dom`);

/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('playwright-core').Page} */
let page;
/** @type {string[]} */
let complaints = [];

before(async () => {
  server = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  server?.close();
});
beforeEach(async () => {
  complaints = [];
  page = await (await browser.newContext({ locale: 'en' })).newPage();
  page.setDefaultTimeout(60_000);
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
});
afterEach(async () => {
  await page.context().close();
  assert.deepEqual(complaints, []);
});

/** @param {string} id @param {RegExp} text */
const says = (id, text) =>
  page.waitForFunction(
    ([name, pattern]) => new RegExp(pattern).test(document.querySelector(name)?.textContent ?? ''),
    [id, text.source],
  );

test('node.js prints the language of each line of standard input', () => {
  const lines = Array.from({ length: 150 }, (_, i) =>
    i % 2 ? 'Guten Morgen, wie geht es Ihnen?' : 'Where is the railway station?',
  );
  const command = ['web/examples/node.js', 'web/models/langid/langid.safetensors'];
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { cwd: root, input: lines.join('\n'), encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.equal(status, 0);
  const answers = stdout.trimEnd().split('\n');
  assert.equal(answers.length, 150);
  answers.forEach((answer, i) => assert.match(answer, i % 2 ? /^de\t[01]\.\d{3}\tGuten/ : /^en\t[01]\.\d{3}\tWhere/));
  assert.equal(spawnSync(process.execPath, command.slice(0, 1), { cwd: root }).status, 2);
});

test('worker.html classifies the lines of a file, and ten thousand texts, in workers; Cancel stops it', async () => {
  await page.goto(`${server.url}web/examples/worker.html`);
  await page.setInputFiles('#file', {
    name: 'a.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('Guten Morgen\n\nBuenos días a todos\nGute Nacht'),
  });
  await says('#status', /^3 texts in/);
  const found = () =>
    page.locator('#found tr').evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
  assert.deepEqual(await found(), [
    ['de', '2'],
    ['es', '1'],
  ]);
  await page.click('#sample');
  await page.click('#cancel');
  await says('#status', /^Cancelled/);
  await page.click('#sample');
  await says('#status', /^10000 texts in [\d.]+ s$/);
  assert.deepEqual(
    (await found()).map(([, count]) => count),
    ['2500', '2500', '2500', '2500'],
  );
  assert.equal(await page.locator('#progress').evaluate((bar) => /** @type {HTMLProgressElement} */ (bar).value), 10_000);
});

test('service-worker.html: the service worker answers, also after the browser has stopped it and without the server', async (t) => {
  const own = await serve();
  t.after(() => own.close());
  await page.goto(`${own.url}web/examples/service-worker.html`);
  await page.click('button');
  await says('#answer', /^de \([\d.]+ %\)$/);
  const session = await page.context().newCDPSession(page);
  await session.send('ServiceWorker.enable');
  await session.send('ServiceWorker.stopAllWorkers');
  own.close();
  await page.fill('#text', 'Buenos días, ¿cómo están ustedes?');
  await page.keyboard.press('Enter');
  await says('#answer', /^es \([\d.]+ %\)$/);
});

/** A page with the React example, and functions that change its props. */
const reactPage = `
  import { createElement, StrictMode } from 'react';
  import { createRoot } from 'react-dom/client';
  import { LanguageInput } from './web/examples/react.jsx';
  const top = createRoot(document.getElementById('top'));
  window.told = [];
  window.show = (props) => top.render(createElement(StrictMode, null, props && createElement(LanguageInput, props)));
  window.showWith = (url, name) => window.show({ url, onLanguage: (label) => window.told.push([name, label]) });`;

test(
  'react.jsx answers while the user types, calls the newest handler, shows errors, and removes everything when unmounted',
  { skip: hasReact ? false : 'React is not installed: make test-page installs it' },
  async (t) => {
    const { outputFiles } = await build({
      stdin: { contents: reactPage, resolveDir: root, loader: 'js' },
      ...{ bundle: true, write: false, format: 'esm', jsx: 'automatic', jsxDev: true, outdir: '/' },
      ...{ nodePaths: [reactFolder], define: { 'process.env.NODE_ENV': '"development"' } },
    });
    const html = '<!doctype html><meta charset="utf-8"><div id="top"></div><script type="module" src="/page.js"></script>';
    const pages = await servePages({ '/index.html': html, '/page.js': outputFiles[0].text });
    t.after(() => pages.close());
    await page.goto(`${pages.url}/index.html`);
    /** @param {string} url @param {string} name */
    const show = (url, name) => page.evaluate(([address, who]) => /** @type {any} */ (window).showWith(address, who), [url, name]);
    const told = () => page.evaluate(() => /** @type {any} */ (window).told.at(-1));
    await show('/web/models/langid/langid.safetensors', 'first');
    await says('output', /^$/);
    await page.locator('textarea').pressSequentially('Guten Morgen, wie geht es');
    await says('output', /^de \(\d+ %\)$/);
    assert.deepEqual(await told(), ['first', 'de']);
    await show('/web/models/langid/langid.safetensors', 'second');
    await page.fill('textarea', 'Buenos días, ¿cómo están ustedes?');
    await says('output', /^es /);
    assert.deepEqual(await told(), ['second', 'es']);
    await page.fill('textarea', '');
    await says('output', /^$/);
    assert.deepEqual(await told(), ['second', null]);
    await show('/page.js', 'third');
    await says('output', /safetensors/);
    await page.evaluate(() => /** @type {any} */ (window).show(null));
    assert.equal(await page.locator('textarea').count(), 0);
    complaints = complaints.filter((text) => !/Download the React DevTools/.test(text));
  },
);

test('the list of examples names every example, and each is a few dozen lines long', () => {
  const folder = `${root}web/examples/`;
  const list = readFileSync(`${folder}README.md`, 'utf8');
  const names = readdirSync(folder).filter((name) => name !== 'README.md');
  assert.ok(names.length >= 6);
  for (const name of names) {
    assert.ok(list.includes(`](${name})`), name);
    assert.ok(readFileSync(folder + name, 'utf8').split('\n').length <= 75, name);
  }
});
