/**
 * The model of forms.js in LiteRT.js, which runs in a page. frameworks.py writes its .tflite files.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { launch } from '../page/chromium.js';
import { forms, survive, texts } from './forms.js';

const root = new URL('../../', import.meta.url);
const packages = new URL('tests/bench/peers/node_modules/@litertjs/', root);
const page = `<!doctype html><title>LiteRT.js</title>
<script type="importmap">{ "imports": {
  "@litertjs/core": "/litert/dist/index.js", "@litertjs/wasm-utils": "/wasm-utils/dist/index.js" } }</script>`;
const types = new Map([
  ['.js', 'text/javascript'],
  ['.wasm', 'application/wasm'],
]);

/** Serves the page, LiteRT.js, the scripts of tests/, and the models. LiteRT.js needs a page without a policy. @param {URL} models */
async function serve(models) {
  /** @type {Record<string, URL>} */
  const folders = {
    '/litert/': new URL('core/', packages),
    '/wasm-utils/': new URL('wasm-utils/', packages),
    '/tests/': new URL('tests/', root),
    '/models/': models,
  };
  const server = createServer(async (request, response) => {
    const path = request.url ?? '/';
    const folder = Object.keys(folders).find((each) => path.startsWith(each));
    const body = folder ? await readFile(new URL(path.slice(folder.length), folders[folder])).catch(() => null) : page;
    const type = folder ? (types.get(extname(path)) ?? 'application/octet-stream') : 'text/html';
    response.writeHead(body === null ? 404 : 200, { 'content-type': type }).end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { server, url: `http://localhost:${port}/` };
}

/**
 * Calls a function of litert-page.js in the page.
 * @param {import('playwright-core').Page} tab @param {'load' | 'answer' | 'time'} name @param {...unknown} values
 */
const call = (tab, name, ...values) =>
  tab.evaluate(async ([what, given]) => {
    const script = '/tests/survives/litert-page.js';
    const result = await (await import(script))[/** @type {string} */ (what)](.../** @type {unknown[]} */ (given));
    // A model cannot be sent.
    return what === 'load' ? null : result;
  }, /** @type {const} */ ([name, values]));

/** Why a model does not load: what LiteRT.js throws, and what it logs as an error. @param {import('playwright-core').Page} tab @param {string} address */
async function refusal(tab, address) {
  /** @type {string[]} */
  const logged = [];
  tab.on('console', (message) => {
    const [, text] = /^ERROR: \[.*?\] (.*)/.exec(message.text()) ?? [];
    if (text) logged.push(text);
  });
  try {
    await call(tab, 'load', address);
    return null;
  } catch (error) {
    const [, thrown] = /.*Error: (.*)/.exec(String(error)) ?? [];
    return [thrown, ...logged].join(': ');
  }
}

/**
 * The rows of the table: the LSTM as exported, and masked files of one shape each.
 * @param {URL} models  folder of the .tflite files
 * @returns {Promise<(import('./forms.js').Row & { alone?: number[] })[]>}
 */
export async function litert(models) {
  const { version } = JSON.parse(readFileSync(new URL('core/package.json', packages), 'utf8'));
  const { server, url } = await serve(models);
  const browser = await launch();
  try {
    const tab = await browser.newPage();
    await tab.goto(url);
    /** @param {number[][]} rows */
    const file = (rows) => `/models/masked-${rows.length}x${rows[0].length}.tflite`;
    /** @param {number[][]} rows */
    const answer = (rows) => /** @type {Promise<number[]>} */ (call(tab, 'answer', file(rows), rows));
    const [alone, end] = [forms.alone(texts[2]), forms.end(texts[2])];
    const ways = { alone: { address: file(alone), rows: alone }, end: { address: file(end), rows: end } };
    const masked = await survive(
      `LiteRT.js ${version}, mask_zero, one shape a file`,
      answer,
      async () => /** @type {any} */ (await call(tab, 'time', ways)),
    );
    const refused = await refusal(tab, '/models/exported.tflite');
    const exported = { engine: `LiteRT.js ${version}, LSTM as exported`, change: {}, times: NaN };
    return [...(refused === null ? [] : [{ ...exported, refused }]), { ...masked, alone: await answer(alone) }];
  } finally {
    await browser.close();
    server.close();
  }
}
