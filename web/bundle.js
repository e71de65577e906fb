/** Bundles the page's scripts for web/serve.js. Without bundles the page works, too: the browser then loads each module by itself. */
import { Buffer } from 'node:buffer';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Scripts that the page and its worker start with, and scripts that the import map names. Their bundles have the addresses of the sources. */
const entries = ['web/page', 'web/reader', 'js/index', 'js/import/index'];

/** What the first answer needs of the library. It goes into one script, since each request takes a round trip and processor time. */
const first = ['js/index', 'js/dom', 'js/dist/inline', 'js/file/int8-weights'];

/** Makes Chromium compile all functions of a script while it downloads, and not one by one when they are called. */
const compileHint = '//# allFunctionsCalledOnLoad';

/** The page. Its bundled form names the scripts that run before the first answer. */
const html = 'web/index.html';

const external = /^(node:|fflate|h5wasm|pbf|onnxruntime-web|@tensorflow)/;

/** The file that holds the last bundles: a server that starts later reuses them. */
const store = `${root}build/bundles.json`;

/**
 * @typedef {Map<string, Uint8Array>} Bundles  scripts by their paths in addresses
 * @typedef {{ files: string[], times: string, bundles: Bundles }} Made  files: the sources; times: when each source was last changed
 */

/** @param {string[]} files  relative to the repository root */
const timesOf = async (files) => (await Promise.all(files.map(async (file) => (await stat(root + file)).mtimeMs))).join();

/** @returns {Promise<Made>} */
async function readMade() {
  try {
    const { files, times, bundles } = JSON.parse(await readFile(store, 'utf8'));
    return { files, times, bundles: new Map(Object.entries(bundles).map(([path, code]) => [path, Buffer.from(String(code))])) };
  } catch {
    return { files: [], times: 'none', bundles: new Map() };
  }
}

/** @param {Made} made */
async function writeMade({ files, times, bundles }) {
  // Another server may read the store at any time: write another file, and rename it when it is complete.
  const written = `${store}.${process.pid}`;
  try {
    await mkdir(dirname(store), { recursive: true });
    await writeFile(
      written,
      JSON.stringify({ files, times, bundles: Object.fromEntries([...bundles].map(([path, code]) => [path, `${code}`])) }),
    );
    await rename(written, store);
  } catch {
    // If the folder is not writable, each server bundles for itself.
  }
}

/** @typedef {(import('rollup').OutputChunk | import('rollup').OutputAsset)[]} Output */

/** The scripts that run before the first answer: page.js and what it imports. @param {Output} output */
function earlyScripts(output) {
  const page = output.find(({ fileName }) => fileName === 'web/page.js');
  return new Set(page?.type === 'chunk' ? [page.fileName, ...page.imports] : []);
}

/**
 * Adds links to the page's scripts, so that the browser fetches them before page.js arrives. They follow the import map, which must come before the
 * first module.
 * @param {string} page  its HTML @param {Set<string>} scripts
 */
function withPreloads(page, scripts) {
  const links = [...scripts].map((name) => `<link rel="modulepreload" href="${relative('web', name)}" />`);
  return page.replace(/<script type="importmap">.*?<\/script>/s, (map) => [map, ...links].join('\n    '));
}

/** @param {string} name */
function isInstalled(name) {
  try {
    return Boolean(import.meta.resolve(name));
  } catch {
    return false;
  }
}

/**
 * @returns {(() => Promise<Bundles>) | null} a function that bundles the scripts, or returns the last bundles if no source has changed; null if
 *   Rollup or esbuild is not installed
 */
export function bundler() {
  if (!isInstalled('rollup') || !isInstalled('esbuild')) return null;

  /** @type {Made | undefined} */
  let last;
  /** @type {import('rollup').RollupCache | undefined} */
  let cache;

  async function bundle() {
    last ??= await readMade();
    if (last.times === (await timesOf(last.files).catch(() => 'missing'))) return last.bundles;
    const [rollup, esbuild] = await Promise.all([import('rollup'), import('esbuild')]);
    const build = await rollup.rollup({
      input: Object.fromEntries(entries.map((name) => [name, `${root}${name}.js`])),
      external,
      plugins: [
        { name: 'own-name', resolveId: (id) => (/^padless(\/|$)/.test(id) ? fileURLToPath(import.meta.resolve(id)) : null) },
      ],
      cache,
      onwarn: () => {},
    });
    cache = build.cache;
    const { output } = await build.generate({
      entryFileNames: '[name].js',
      // Chunks go beside page.js, because its modules find files of web/ relative to import.meta.url.
      chunkFileNames: 'web/[name]-[hash].js',
      manualChunks: { padless: first.map((name) => `${root}${name}.js`) },
    });
    /** @type {Bundles} */
    const bundles = new Map();
    const early = earlyScripts(output);
    for (const chunk of output) {
      if (chunk.type !== 'chunk') continue;
      const { code } = await esbuild.transform(chunk.code, { minify: true, format: 'esm', target: 'es2022' });
      bundles.set(`/${chunk.fileName}`, Buffer.from(early.has(chunk.fileName) ? `${compileHint}\n${code}` : code));
    }
    bundles.set(`/${html}`, Buffer.from(withPreloads(await readFile(root + html, 'utf8'), early)));
    const files = [...build.watchFiles, root + html, fileURLToPath(import.meta.url)].map((file) => relative(root, file));
    last = { files, times: await timesOf(files), bundles };
    await writeMade(last);
    return bundles;
  }

  /** @type {Promise<unknown>} */
  let running = Promise.resolve();
  return () => {
    const next = running.then(bundle, bundle);
    running = next;
    return next;
  };
}
