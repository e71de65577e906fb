/**
 * A page with an element of each kind that attach() takes, in headless Chromium. Any warning or error that the page logs fails the test.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'node:test';
import { importMap, servePages } from '../pages.js';
import { launch } from './chromium.js';

const html = `<!doctype html><meta charset="utf-8"><title>typing</title>${importMap()}
  <form><textarea id="area"></textarea><input id="line" value="stands here"><input id="box" type="checkbox"></form>
  <div id="rich" contenteditable="true"></div><div id="plain"></div>
  <script type="module" src="/typing.js"></script>`;

/** The script of the test page. `echo` is a model that answers with its text, and `log` collects the answers. */
const script = `
  import { attach } from 'padless/dom';
  import { loadModel } from 'padless';
  const log = [];
  const find = (id) => document.getElementById(id);
  const echo = { asked: [], predict(text) { this.asked.push(text); return { label: text }; } };
  const frames = (count = 2) => new Promise((resolve) => {
    const next = () => (count-- > 0 ? requestAnimationFrame(next) : resolve());
    next();
  });
  /** The texts that got an answer since the last call, and the errors. */
  const since = () => log.splice(0).map((each) => (Array.isArray(each) ? each[1] : each));
  const typings = [];
  const start = (element, options = {}, model = echo) => {
    window.typing = attach(typeof element === 'string' ? find(element) : element, model, {
      onAnswer: ({ label }, { text, ms }) => log.push([label, text, ms]), onError: (error) => log.push(String(error)), ...options,
    });
    typings.push(typing);
    return typing;
  };
  const reset = () => {
    for (const typing of typings.splice(0)) typing.detach();
    document.activeElement.blur();
    document.forms[0].reset();
    find('rich').replaceChildren();
    echo.asked.length = log.length = 0;
  };
  const change = (element, value) => {
    if (typeof element === 'string') element = find(element);
    element.value = value;
    element.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const langid = () => loadModel(new URL('/web/models/langid-gru/langid-gru.safetensors', location.href));
  Object.assign(window, { attach, log, find, echo, frames, since, start, change, langid, reset, ready: true });`;

/** @type {{ url: string, close: () => void }} */
let server;
/** @type {import('playwright-core').Browser} */
export let browser;
/** @type {import('playwright-core').Page} */
export let page;
/** @type {import('playwright-core').CDPSession} */
export let cdp;
/** Warnings and errors that the page logged. @type {string[]} */
export let complaints;

before(async () => {
  server = await servePages({ '/typing.html': html, '/typing.js': script });
  browser = await launch();
  await open();
});

after(async () => {
  await browser?.close();
  server?.close();
});

beforeEach(() => page.evaluate('reset()'));

afterEach(() => assert.deepEqual(complaints.splice(0), []));

/** Waits until an expression is true. waitForFunction would compile it in the page, which the policy forbids. @param {string} expression */
export async function until(expression) {
  for (let i = 0; i < 500; i++) {
    if (await page.evaluate(expression)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`waited in vain for ${expression}`);
}

async function open() {
  page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${server.url}/typing.html`);
  await until('window.ready');
  cdp = await page.context().newCDPSession(page);
}

/** The texts that got an answer since the last call, and the errors, after all pending frames. @returns {Promise<string[]>} */
export const answered = () => page.evaluate('frames(3).then(since)');
/** @param {string} id @param {string} [options] @param {string} [model] */
export const start = (id, options = '{}', model = 'echo') =>
  page.evaluate(`void start(${JSON.stringify(id)}, ${options}, ${model})`);
/** Sets the text that an input method is composing. @param {string} text */
export const compose = (text) =>
  cdp.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
/** Ends the composition with this text. @param {string} text */
export const commit = (text) => cdp.send('Input.insertText', { text });
