/**
 * Writes js/dist/inline.js: both builds of the core as JavaScript strings, and the package's version.
 * Deflated before base64, because base64 hides repetition from the gzip of a web server: plain it would cost 1.4 times as much.
 *
 * node c/inline.js OUTPUT
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';

const root = new URL('../', import.meta.url);

/** @param {string} path */
const read = (path) => readFileSync(new URL(path, root));

/** @param {string} path */
const deflated = (path) => deflateRawSync(read(path), { level: 9 }).toString('base64');

const { version } = JSON.parse(read('package.json').toString());

writeFileSync(
  process.argv[2],
  `// Built by c/inline.js. The types are stated so that the declarations do not repeat the strings.

/** Version of the package. @type {string} */
export const version = '${version}';

/** The fixed-order build: wasm, raw deflate, base64. @type {string} */
export const baseline = '${deflated('js/dist/padless.wasm')}';

/** The relaxed SIMD build: wasm, raw deflate, base64. @type {string} */
export const relaxed = '${deflated('js/dist/padless.relaxed.wasm')}';
`,
);
