/**
 * Bundles js/page/worker-entry.js into one file that imports nothing: bundlers need not split a worker then, which Vite refuses by default,
 * and a page waits for one file. The page sends the compiled wasm, so the worker holds none.
 *
 * node js/tools/bundle.js OUTPUT
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

await build({
  entryPoints: [fileURLToPath(new URL('../page/worker-entry.js', import.meta.url))],
  outfile: process.argv[2],
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  banner: { js: '// Built by js/tools/bundle.js from js/page/worker-entry.js.' },
});
