/**
 * What an import bundles to, as a page has it: minified, parts that only some models need apart.
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
