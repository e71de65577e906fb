/**
 * What `import { loadModel } from 'padless'` bundles to, as a page has it: minified, parts that only some models need apart.
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const bundle = () =>
  build({
    stdin: { contents: "export { loadModel } from 'padless';", resolveDir: fileURLToPath(new URL('../', import.meta.url)) },
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    external: ['node:*'],
    outdir: 'out',
    write: false,
    metafile: true,
  });
