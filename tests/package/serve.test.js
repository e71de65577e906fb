import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { policy, serve } from '../../web/serve.js';

/**
 * Sends a request whose path is not normalised; fetch would remove `..` from it.
 * @param {string} url
 * @param {string} path
 */
async function get(url, path) {
  const [response] = await once(request(url, { path }).end(), 'response');
  response.resume();
  return { status: response.statusCode, headers: response.headers };
}

test('the demo server serves only files of web/ and js/, with their types, and lets browsers revalidate them at each use', async (t) => {
  const { url, close } = await serve();
  t.after(close);
  const wasm = await get(url, '/js/dist/padless.wasm');
  assert.equal(wasm.status, 200);
  assert.equal(wasm.headers['content-type'], 'application/wasm');
  assert.equal(wasm.headers['cache-control'], 'no-cache');
  assert.equal((await get(url, '/js/errors.js')).headers['content-type'], 'text/javascript; charset=utf-8');
  assert.equal((await get(url, '/')).headers.location, '/web/');
  for (const path of [
    '/package.json',
    '/js/../package.json',
    '/js/%2e%2e/package.json',
    '/js/..%2fpackage.json',
    '/js/%zz',
    '/js/%00.js',
    '/js',
    '/packages/fflate/../package.json',
    '/packages/fflate/..%2fpackage.json',
    '/packages/h5wasm/esm/hdf5_hl.js',
    '/packages/eslint/index.js',
  ]) {
    assert.equal((await get(url, path)).status, 404, path);
  }
});

test('the demo server serves the package files that the page uses, and compresses text if the client accepts it', async (t) => {
  const { url, close } = await serve();
  t.after(close);
  for (const path of ['fflate/browser.js', 'h5wasm/hdf5_hl.js', 'onnxruntime-web/ort.wasm.min.mjs', 'pbf/index.js']) {
    const { status, headers } = await get(url, `/packages/${path}`);
    assert.equal(status, 200, path);
    assert.equal(headers['content-type'], 'text/javascript; charset=utf-8');
    assert.equal(headers['content-encoding'], undefined);
  }
  const zipped = await fetch(`${url}web/words.js`, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(zipped.headers.get('content-encoding'), 'gzip');
  assert.match(await zipped.text(), /^\/\*\*\n \* The page's texts/);
});

test('the Content-Security-Policy of a page allows its own files, WebAssembly and its import maps, and nothing else', () => {
  const map = '\n  { "imports": {} }\n';
  const hash = createHash('sha256').update(map).digest('base64');
  assert.equal(policy('<p>'), "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'");
  assert.equal(
    policy(`<script type="importmap">${map}</script><script>alert()</script>`),
    `default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'sha256-${hash}'`,
  );
});

test('the demo server says in one line that its port is taken', async (t) => {
  const { url, close } = await serve();
  t.after(close);
  const script = fileURLToPath(new URL('../../web/serve.js', import.meta.url));
  const second = spawn(process.execPath, [script], {
    env: { ...process.env, PORT: new URL(url).port },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let said = '';
  second.stderr.on('data', (chunk) => (said += chunk));
  const [code] = await once(second, 'close');
  assert.equal(code, 1);
  assert.match(said, /^padless: port \d+ is taken; choose another: make demo PORT=\d+\n$/);
});

test('the error for an invalid port contains it', async () => {
  const script = fileURLToPath(new URL('../../web/serve.js', import.meta.url));
  for (const port of ['abc', '1.5', '65536', '-1']) {
    const server = spawn(process.execPath, [script], { env: { ...process.env, PORT: port }, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    server.stderr.on('data', (chunk) => (said += chunk));
    const [code] = await once(server, 'close');
    assert.equal(code, 1);
    assert.equal(said, `padless: PORT is "${port}", expected an integer from 0 to 65535\n`);
  }
});
