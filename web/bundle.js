/** Bundles the scripts of the page for web/serve.js. The page also works without, module by module. */
import { Buffer } from 'node:buffer';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Scripts that a page or worker starts with, and those that it names in its import map: the bundles keep their addresses. */
const entries = ['web/page', 'web/reader', 'js/index', 'js/import/index'];

const external = /^(node:|fflate|h5wasm|pbf|onnxruntime-web|@tensorflow)/;

/** When each file was last changed. @param {string[]} files */
const timesOf = async (files) => (await Promise.all(files.map(async (file) => (await stat(file)).mtimeMs))).join();

/**
 * @typedef {Map<string, Uint8Array>} Bundles  scripts by their paths in addresses
 * @returns {Promise<(() => Promise<Bundles>) | null>} bundles the scripts, anew at a call if a file has changed; null without Rollup and esbuild
 */
export async function bundler() {
  const [rollup, esbuild] = await Promise.all([import('rollup'), import('esbuild')]).catch(() => []);
  if (!rollup || !esbuild) return null;

  /** @type {{ files: string[], times: string, bundles: Bundles }} */
  let last = { files: [], times: 'none', bundles: new Map() };
  /** @type {import('rollup').RollupCache | undefined} */
  let cache;

  async function bundle() {
    const times = await timesOf(last.files).catch(() => 'missing');
    if (last.times === times) return last.bundles;
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
      // Beside page.js, whose modules name files beside them by import.meta.url.
      chunkFileNames: 'web/[name]-[hash].js',
    });
    /** @type {Bundles} */
    const bundles = new Map();
    for (const chunk of output) {
      if (chunk.type !== 'chunk') continue;
      const { code } = await esbuild.transform(chunk.code, { minify: true, format: 'esm', target: 'es2022' });
      bundles.set(`/${chunk.fileName}`, Buffer.from(code));
    }
    last = { files: build.watchFiles, times: await timesOf(build.watchFiles), bundles };
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
