/**
 * A server for pages that a test writes. It also serves files of the repository, and sends the policy of web/serve.js.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { policy } from '../web/serve.js';

const root = new URL('../', import.meta.url);
const { exports: entries } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

/**
 * An import map with all entries of the package, for a page without a bundler.
 * @param {Record<string, string>} [others]  further names and their addresses
 */
export function importMap(others) {
  const scripts = Object.entries(entries).filter(([, entry]) => entry.default?.endsWith('.js'));
  const own = Object.fromEntries(scripts.map(([name, entry]) => [`padless${name.slice(1)}`, entry.default.slice(1)]));
  return `<script type="importmap">${JSON.stringify({ imports: { ...own, ...others } })}</script>`;
}

/** @type {Record<string, string>} */
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
};

/** A file's bytes, or a JSON list of a folder's files. @param {URL} url */
const read = (url) => (url.pathname.endsWith('/') ? readdir(url).then((names) => JSON.stringify(names)) : readFile(url));

/**
 * @param {Record<string, string>} files  by path
 * @param {Record<string, string>} [folders]  folders of the repository, by the path that the server gives them
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export async function servePages(files, folders = { '/js/': 'js/', '/web/models/': 'web/models/' }) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const folder = Object.keys(folders).find((path) => pathname.startsWith(path));
    const stored = folder && new URL(folders[folder] + pathname.slice(folder.length), root);
    const body = Object.hasOwn(files, pathname) ? files[pathname] : stored ? await read(stored).catch(() => null) : null;
    if (body === null) return response.writeHead(pathname === '/favicon.ico' ? 204 : 404).end();
    const type = extname(pathname);
    return response
      .writeHead(200, {
        'content-type': types[type] ?? 'application/octet-stream',
        'content-security-policy': policy(type === '.html' ? String(body) : ''),
        'cache-control': type === '.html' ? 'no-store' : 'max-age=600',
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
