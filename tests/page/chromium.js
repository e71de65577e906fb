/**
 * Headless Chromium, and a server for pages that a test writes: the package's files beside them, and the policy of web/serve.js.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { chromium } from 'playwright-core';
import { policy } from '../../web/serve.js';

const root = new URL('../../', import.meta.url);
const args =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: args.split(' ') });

/** The package by its name, as a page without a bundler has it. */
export const importMap = `<script type="importmap">${JSON.stringify({
  imports: {
    padless: '/js/index.js',
    'padless/dom': '/js/dom.js',
    'padless/layers': '/js/layers/index.js',
    'padless/worker': '/js/worker.js',
  },
})}</script>`;

/**
 * @param {Record<string, string>} files  by path, beside js/ and the models of web/
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export async function servePages(files) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const own = Object.hasOwn(files, pathname) ? files[pathname] : null;
    const stored = /^\/(js|web\/models)\//.test(pathname);
    const body = own ?? (stored ? await readFile(new URL(`.${pathname}`, root)).catch(() => null) : null);
    if (body === null) return response.writeHead(pathname === '/favicon.ico' ? 204 : 404).end();
    const html = pathname.endsWith('.html');
    const script = pathname.endsWith('.js');
    return response
      .writeHead(200, {
        'content-type': html ? 'text/html; charset=utf-8' : script ? 'text/javascript; charset=utf-8' : 'application/octet-stream',
        'content-security-policy': policy(html ? String(body) : ''),
        'cache-control': extname(pathname) === '.html' ? 'no-store' : 'max-age=600',
      })
      .end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  return {
    url: `http://localhost:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
