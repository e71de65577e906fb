/**
 * Serves the page and the package from the repository, for development: `node web/serve.js`; PORT and HOST set the port and the address. The
 * page needs no build step. If Rollup and esbuild are installed, the server bundles the scripts, because the page has about a hundred modules and
 * each would take a request.
 * Its Content-Security-Policy is the strictest that padless can run under, so what works here works under any policy that padless supports.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { bundler } from './bundle.js';

const root = new URL('../', import.meta.url);

/** Folders of the optional packages that the importers need or that the page compares with padless. Addresses are /packages/KEY/FILE. */
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
  '.bin': 'application/octet-stream',
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.keras': 'application/octet-stream',
  // As plain text, since some browsers download Markdown instead of showing it.
  '.md': 'text/plain; charset=utf-8',
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
 * @param {{ zipped: boolean, known: string, bundles: Map<string, Uint8Array> }} request
 *   zipped: compress text, as hosts do; known: the ETag of the browser's copy; bundles: scripts that replace files
 * @returns {Promise<{ status: number, headers: Record<string, string>, body: Uint8Array | string }>}
 */
async function respond(url, { zipped, known, bundles }) {
  // The browser asks each time whether its copy is current, and gets a body only if it is not.
  const headers = { 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' };
  // The URL parser resolves "..", so the path cannot leave the folders that locate allows.
  const { pathname } = new URL(url, 'http://localhost');
  if (pathname === '/') return { status: 302, headers: { ...headers, location: '/web/' }, body: '' };
  const file = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
  const type = types[extname(file)];
  const found = type ? locate(file) : null;
  const body = bundles.get(file) ?? (found && (await readFile(found).catch(() => null)));
  if (!body) return { status: 404, headers: { ...headers, 'content-type': 'text/plain' }, body: `no such file: ${pathname}\n` };
  // Scripts get a policy, too: a worker runs under the policy of its script.
  const csp = /html|javascript/.test(type)
    ? { 'content-security-policy': policy(type.includes('html') ? body.toString() : '') }
    : {};
  const etag = `"${createHash('sha256').update(body).digest('base64url')}${zipped ? '-gzip' : ''}"`;
  const all = { ...headers, ...csp, etag, vary: 'accept-encoding', 'content-type': type };
  if (known === etag) return { status: 304, headers: all, body: '' };
  if (!zipped || !/charset|svg/.test(type)) return { status: 200, headers: all, body };
  return { status: 200, headers: { ...all, 'content-encoding': 'gzip' }, body: await promisify(gzip)(body) };
}

/**
 * Starts the server. Port 0, the default, takes any free port.
 * @param {{ port?: number, host?: string, bundle?: boolean }} [options]  bundle: bundle the scripts if Rollup and esbuild are installed; default: true
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export async function serve({ port = 0, host = '127.0.0.1', bundle = true } = {}) {
  const bundleScripts = bundle ? bundler() : null;
  /** @type {Promise<Map<string, Uint8Array>>} */
  let bundles = bundleScripts?.().catch(() => new Map()) ?? Promise.resolve(new Map());
  const server = createServer(async (request, response) => {
    const url = request.url ?? '/';
    // Bundle again when a page is loaded, so that it gets the current scripts. Before `make` has run, bundling fails: then serve the files.
    if (bundleScripts && /\/(\?|$)|\.html\b/.test(url)) bundles = bundleScripts().catch(() => new Map());
    const { status, headers, body } = await respond(url, {
      zipped: request.method !== 'HEAD' && /\bgzip\b/.test(String(request.headers['accept-encoding'])),
      known: String(request.headers['if-none-match'] ?? ''),
      bundles: await bundles,
    }).catch(() => ({ status: 400, headers: {}, body: '' }));
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
    if (!Number.isInteger(port) || port < 0 || port > 65535)
      throw new Error(`PORT is ${JSON.stringify(process.env.PORT)}, expected an integer from 0 to 65535`);
    const { url } = await serve({ port, host: process.env.HOST ?? '127.0.0.1' });
    console.log(`padless: the page is at ${url} (Ctrl-C stops it)`);
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    const why =
      code === 'EADDRINUSE'
        ? `port ${port} is taken; choose another: make demo PORT=${port + 1}`
        : /** @type {Error} */ (error).message;
    console.error(`padless: ${why}`);
    process.exitCode = 1;
  }
}
