/**
 * Serves the page and the package from the repository, for development: `node web/serve.js`; PORT and HOST set the port and the address.
 * Its Content-Security-Policy is the strictest that padless can run under, so what works here works under any policy that padless supports.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const root = new URL('../', import.meta.url);

/** Folders of the optional packages, by their names in the page's addresses: those that the importers need, and those that are compared. */
const packageFolders = {
  fflate: 'node_modules/fflate/esm/',
  h5wasm: 'node_modules/h5wasm/dist/esm/',
  'onnxruntime-web': 'node_modules/onnxruntime-web/dist/',
  pbf: 'node_modules/pbf/',
  tfjs: 'tests/bench/peers/node_modules/@tensorflow/tfjs/dist/',
  'tfjs-backend-wasm': 'tests/bench/peers/node_modules/@tensorflow/tfjs-backend-wasm/dist/',
};

/** @type {Record<string, string>} */
const types = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.safetensors': 'application/octet-stream',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * The Content-Security-Policy for a page. It allows files of its own origin, WebAssembly, and the import maps in the page, by their hashes.
 * @param {string} html
 */
export function policy(html) {
  const maps = html.matchAll(/<script type="importmap">(.*?)<\/script>/gs);
  const hashes = [...maps].map(([, text]) => ` 'sha256-${createHash('sha256').update(text).digest('base64')}'`);
  return `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'${hashes.join('')}`;
}

/** The file for a path of an address; null if the path is not served. @param {string} path */
function locate(path) {
  if (/^\/(web|js)\//.test(path)) return new URL(`.${path}`, root);
  const [, name, file] = /^\/packages\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  return name && Object.hasOwn(packageFolders, name)
    ? new URL(packageFolders[/** @type {keyof typeof packageFolders} */ (name)] + file, root)
    : null;
}

/**
 * The response to a request. It serves files of web/, js/ and the optional packages only.
 * @param {string} url
 * @param {boolean} zipped  compress text, as hosts do
 * @returns {Promise<{ status: number, headers: Record<string, string>, body: Uint8Array | string }>}
 */
async function respond(url, zipped) {
  const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  // The URL parser resolves "..", so the path cannot leave the folders that locate allows.
  const { pathname } = new URL(url, 'http://localhost');
  if (pathname === '/') return { status: 302, headers: { ...headers, location: '/web/' }, body: '' };
  const file = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
  const type = types[extname(file)];
  const found = type ? locate(file) : null;
  const body = found && (await readFile(found).catch(() => null));
  if (!body) return { status: 404, headers: { ...headers, 'content-type': 'text/plain' }, body: `no such file: ${pathname}\n` };
  // Scripts get a policy, too: a worker runs under the policy of its script.
  const csp = /html|javascript/.test(type)
    ? { 'content-security-policy': policy(type.includes('html') ? body.toString() : '') }
    : {};
  const all = { ...headers, ...csp, 'content-type': type };
  if (!zipped || !type.includes('charset')) return { status: 200, headers: all, body };
  return {
    status: 200,
    headers: { ...all, 'content-encoding': 'gzip', vary: 'accept-encoding' },
    body: await promisify(gzip)(body),
  };
}

/**
 * Starts the server. Port 0, the default, takes any free port.
 * @param {{ port?: number, host?: string }} [options]
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export async function serve({ port = 0, host = '127.0.0.1' } = {}) {
  const server = createServer(async (request, response) => {
    const { status, headers, body } = await respond(
      request.url ?? '/',
      request.method !== 'HEAD' && /\bgzip\b/.test(String(request.headers['accept-encoding'])),
    ).catch(() => ({ status: 400, headers: {}, body: '' }));
    response.writeHead(status, headers).end(request.method === 'HEAD' ? '' : body);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, () => resolve(undefined)));
  const address = server.address();
  const actual = address && typeof address === 'object' ? address.port : port;
  return {
    url: `http://${host === '127.0.0.1' ? 'localhost' : host}:${actual}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.env.PORT ?? 8080);
  try {
    const { url } = await serve({ port, host: process.env.HOST ?? '127.0.0.1' });
    console.log(`padless: the page is at ${url} (Ctrl-C stops it)`);
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    const why = code === 'EADDRINUSE' ? `port ${port} is taken; choose another: make demo PORT=${port + 1}` : String(error);
    console.error(`padless: ${why}`);
    process.exitCode = 1;
  }
}
