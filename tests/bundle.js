/**
 * Bundles an import as a page would: minified, with separate files for the code that only some models need.
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** @param {string} [contents]  of the page's module */
export const bundle = (contents = "export { loadModel } from 'padless';") =>
  build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('../', import.meta.url)) },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    external: ['node:*'],
    outdir: 'out',
    write: false,
    metafile: true,
  });
