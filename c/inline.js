/**
 * Writes js/dist/inline.js: both builds of the core as JavaScript strings, and the package's version.
 * The builds are deflated before base64, because base64 hides repetition from the gzip of a web server; without that they would take 1.4 times as
 * much. The builds differ little, but deflate looks back no further than 32 kB. So they are interleaved piece by piece: then the second build costs
 * next to nothing.
 *
 * node c/inline.js OUTPUT
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';

const root = new URL('../', import.meta.url);

/** @param {string} path */
const read = (path) => readFileSync(new URL(path, root));

/** Number of pieces into which each build is cut. */
const PIECES = 16;

const builds = [read('js/dist/padless.wasm'), read('js/dist/padless.relaxed.wasm')];

/** Alternating pieces of the two builds. */
const interleaved = Array.from({ length: PIECES }, (_, i) =>
  builds.map((build) => {
    const size = Math.ceil(build.length / PIECES);
    return build.subarray(i * size, (i + 1) * size);
  }),
).flat();

const { version } = JSON.parse(read('package.json').toString());

writeFileSync(
  process.argv[2],
  `// Built by c/inline.js. The types are stated so that the declarations do not repeat the strings.

/** Version of the package. @type {string} */
export const version = '${version}';

/** Bytes of the two builds, and the pieces that each is cut into. */
export const sizes = { baseline: ${builds[0].length}, relaxed: ${builds[1].length} };
export const pieces = ${PIECES};

/** A piece of the fixed-order build, one of the relaxed build, and so on: wasm, raw deflate, base64. @type {string} */
export const both = '${deflateRawSync(Buffer.concat(interleaved), { level: 9 }).toString('base64')}';
`,
);
