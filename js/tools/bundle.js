/**
 * Bundles a file and everything that it imports into one file. Bundlers need not split such a file, and a page waits for only one.
 *
 *   node js/tools/bundle.js worker OUTPUT   js/page/worker-entry.js, without wasm, because the page sends the compiled module
 *   node js/tools/bundle.js esm OUTPUT      js/whole.js as an ES module
 *   node js/tools/bundle.js script OUTPUT   js/whole.js as a script, which sets the global `padless`
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const [kind, outfile] = process.argv.slice(2);
const entry = kind === 'worker' ? 'page/worker-entry.js' : 'whole.js';

/** A single file cannot start the package's worker, because that is another file. @type {import('esbuild').Plugin} */
const withoutWorker = {
  name: 'without worker',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/worker-client\.js$/ }, () => ({ path: 'none', namespace: 'worker' }));
    onLoad({ filter: /./, namespace: 'worker' }, () => ({
      contents: `import { UnsupportedError } from './errors.js';
        export function loadModel() { throw new UnsupportedError('this build is one file and starts no worker of its own; give attach a worker'); }`,
      resolveDir: fileURLToPath(new URL('../', import.meta.url)),
    }));
  },
};

await build({
  entryPoints: [fileURLToPath(new URL(`../${entry}`, import.meta.url))],
  outfile,
  bundle: true,
  minify: true,
  format: kind === 'script' ? 'iife' : 'esm',
  ...(kind === 'script' && { globalName: 'padless' }),
  target: 'es2022',
  plugins: [withoutWorker],
  banner: { js: `// Built by js/tools/bundle.js from js/${entry}.` },
});
