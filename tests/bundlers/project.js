/**
 * Makes projects as a user does: installs the packed package in an empty folder, adds the page of app/, and opens the page in a browser.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The answers of the page of app/ if everything works. */
export const expected = { page: 'de', rare: '-1 1', worker: 'de', dom: 'de', own: 'de', error: 'ArgumentError' };

/** @param {string} command @param {string[]} args @param {string} cwd @param {Record<string, string>} [env] */
export function run(command, args, cwd, env) {
  try {
    return execFileSync(command, args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      // A command that takes longer hangs.
      timeout: 900_000,
    });
  } catch (cause) {
    const { stdout, stderr } = /** @type {any} */ (cause);
    throw new Error(`${command} ${args.join(' ')} in ${cwd} failed:\n${stdout}\n${stderr}`, { cause });
  }
}

/**
 * Packs a package into a folder.
 * @param {string} folder
 * @param {string} [from]  the package's own; default: padless
 * @returns {string} path of the tarball
 */
export function pack(folder, from = root) {
  mkdirSync(folder, { recursive: true });
  const args = ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
  const [{ filename }] = JSON.parse(run('npm', args, from));
  return join(folder, filename);
}

/**
 * Makes a project, with the packages named and the tarball.
 * @param {string} folder  kept packages in it are used again
 * @param {string} tarball
 * @param {{ packages?: string[], type?: 'module' | 'commonjs' }} [options]
 */
export function install(folder, tarball, { packages = [], type = 'module' } = {}) {
  mkdirSync(folder, { recursive: true });
  const wanted = packages.join(' ');
  const note = join(folder, 'installed.txt');
  const npm = ['install', '--no-audit', '--no-fund', '--loglevel=error'];
  if (!existsSync(note) || readFileSync(note, 'utf8') !== wanted) {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type }));
    if (packages.length) run('npm', [...npm, ...packages], folder);
    writeFileSync(note, wanted);
  }
  for (const name of readdirSync(folder))
    if (!['node_modules', 'installed.txt', 'package.json', 'package-lock.json'].includes(name))
      rmSync(join(folder, name), { recursive: true });
  run('npm', [...npm, '--offline', '--no-save', tarball], folder);
}

/** The page of app/ and its model. @param {string} folder @param {Record<string, string>} [files]  more, by path */
export function addApp(folder, files = {}) {
  cpSync(join(root, 'tests/bundlers/app'), folder, { recursive: true });
  cpSync(join(root, 'web/models/langid-gru/langid-gru.safetensors'), join(folder, 'langid.safetensors'));
  addFiles(folder, files);
}

/** @param {string} folder @param {Record<string, string>} files  by path */
export function addFiles(folder, files) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** @type {Record<string, string>} */
const types = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** Serves the files of a folder. @param {string} folder @returns {Promise<{ url: string, close: () => void }>} */
export async function serveFolder(folder) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const path = join(folder, pathname.endsWith('/') ? `${pathname}index.html` : pathname);
    if (!existsSync(path) || statSync(path).isDirectory()) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(readFileSync(path));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * A server that a tool starts. It is ready when it answers.
 * @param {string} command @param {string[]} args @param {string} cwd @param {string} url
 * @param {Record<string, string>} [env]
 */
export async function startServer(command, args, cwd, url, env) {
  // The tool gets its own process group, because it starts further processes, which must be ended with it.
  const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const close = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid);
  };
  for (let tries = 0; tries < 120; tries++) {
    if (child.exitCode !== null) throw new Error(`${command} ${args.join(' ')} ended:\n${said}`);
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return { url, close };
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  close();
  throw new Error(`${command} ${args.join(' ')} does not answer at ${url}:\n${said}`);
}

/** A free port. @returns {Promise<number>} */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * The answers of the page, and its errors and warnings.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 */
export async function open(browser, url) {
  const page = await browser.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('response', (response) => response.status() >= 400 && complaints.push(`${response.status()} ${response.url()}`));
  try {
    await page.goto(url);
    await page
      .waitForFunction(() => document.title === 'done', null, { timeout: 60_000 })
      .catch((error) => complaints.push(error.message));
    return { answers: await page.evaluate(() => /** @type {any} */ (globalThis).answers), complaints };
  } finally {
    await page.close();
  }
}

/** The version of a package that a project has. @param {string} project @param {string} name */
export const versionOf = (project, name) =>
  JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8')).version;

/** Gzipped bytes of the scripts and wasm in a folder. @param {string} folder */
export function sizeOf(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(m?js|wasm)$/.test(name));
  return files.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name)), { level: 9 }).length, 0);
}
