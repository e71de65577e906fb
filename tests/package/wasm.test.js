import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync, inflateRawSync } from 'node:zlib';
import { lateNames } from '../../js/dist/layers-early.js';
import { parse } from '../../js/file/safetensors.js';
import { bundle } from '../bundle.js';

const root = new URL('../../', import.meta.url);

/** @param {string | URL} path */
const read = (path) => readFileSync(new URL(path, root));

/** Exports that Emscripten adds. */
const besides = new Set([
  'memory',
  '__heap_base',
  '__indirect_function_table',
  '_initialize',
  '_emscripten_stack_alloc',
  '_emscripten_stack_restore',
  'emscripten_stack_get_current',
]);

/** The functions that padless.h declares, whatever their layout. Comments are ignored. */
const declared = read('c/padless.h')
  .toString()
  .replace(/\/\*.*?\*\//gs, '')
  .match(/\bpl_\w+(?=\()/g);

const relaxedEngine = WebAssembly.validate(read('js/dist/padless.relaxed.wasm'));

test('PADLESS_SIMD=relaxed runs in an engine with relaxed SIMD', { skip: process.env.PADLESS_SIMD !== 'relaxed' }, () => {
  assert.ok(relaxedEngine);
});

for (const name of ['padless', 'padless.relaxed']) {
  test(`${name}.wasm has no imports and exports what padless.h declares`, { skip: name !== 'padless' && !relaxedEngine }, () => {
    const module = new WebAssembly.Module(read(`js/dist/${name}.wasm`));
    assert.deepEqual(WebAssembly.Module.imports(module), []);
    const exported = WebAssembly.Module.exports(module);
    assert.deepEqual(
      exported
        .map((each) => each.name)
        .filter((each) => !besides.has(each))
        .sort(),
      [...new Set(declared)].sort(),
    );
    assert.ok(exported.some((each) => each.name === 'memory' && each.kind === 'memory'));
    assert.ok(exported.some((each) => each.name === '__heap_base' && each.kind === 'global'));
  });
}

test('inline.js holds the two builds and the version of package.json', async () => {
  const { both, pieces, sizes, version } = await import('../../js/dist/inline.js');
  const { extractBuild } = await import('../../js/runtime/wasm.js');
  assert.equal(version, JSON.parse(read('package.json').toString()).version);
  const bytes = inflateRawSync(Buffer.from(both, 'base64'));
  assert.ok(read('js/dist/padless.wasm').equals(extractBuild(bytes, sizes, pieces, 'baseline')));
  assert.ok(read('js/dist/padless.relaxed.wasm').equals(extractBuild(bytes, sizes, pieces, 'relaxed')));
});

/**
 * Gzipped sizes in the bundle: of the files that are loaded first, of the file with the wasm, and of the files that only some models need.
 * @param {string} [contents]  of the page's module
 */
async function bundled(contents) {
  const { outputFiles, metafile } = await bundle(contents);
  const sizes = { first: 0, wasm: 0, later: 0 };
  /** @param {string} path */
  const gzipped = (path) => gzipSync(outputFiles.find((file) => file.path.endsWith(path))?.contents ?? '', { level: 9 }).length;
  const outputs = Object.entries(metafile.outputs);
  const needed = new Set(['out/stdin.js']);
  for (const path of needed)
    for (const { path: next, kind } of metafile.outputs[path].imports) if (kind === 'import-statement') needed.add(next);
  for (const [path, { inputs }] of outputs)
    sizes['js/dist/inline.js' in inputs ? 'wasm' : needed.has(path) ? 'first' : 'later'] += gzipped(path);
  return sizes;
}

test('a page downloads at most 57 kB for loadModel, bundled, minified and gzipped, with both builds of the wasm', async () => {
  const { first, wasm, later } = await bundled();
  assert.ok(first > 10_000 && wasm > 10_000, `${first} and ${wasm} bytes`);
  assert.ok(first + wasm <= 57_000, `${first} + ${wasm} bytes, and ${later} for some models`);
});

test('langid needs no code of rare layers, which would be one more download', () => {
  const { metadata } = parse(read('web/models/langid/langid.safetensors'));
  const names = JSON.parse(metadata.padless).architecture.config.layers.map(
    (/** @type {{ class_name: string }} */ layer) => layer.class_name,
  );
  assert.ok(names.includes('padless>MaskedSqrtN'));
  assert.deepEqual(
    names.filter((/** @type {string} */ name) => lateNames.includes(name)),
    [],
  );
});

test('a page that fetches one build of the wasm as a file downloads at most 54 kB', async (t) => {
  const { first } = await bundled();
  const file = gzipSync(read('js/dist/padless.relaxed.wasm'), { level: 9 }).length;
  t.diagnostic(`${first} + ${file} bytes`);
  assert.ok(first + file <= 54_000, `${first} + ${file} bytes`);
});

test('padless/kernels is at most 30 kB, bundled, minified and gzipped, with both builds of the wasm', async (t) => {
  const { first, wasm, later } = await bundled("export { init, Kernels, features } from 'padless/kernels';");
  t.diagnostic(`${first} + ${wasm} bytes`);
  assert.ok(first > 3_000 && wasm > 10_000, `${first} and ${wasm} bytes`);
  assert.ok(first + wasm <= 30_000, `${first} + ${wasm} bytes`);
  assert.equal(later, 0);
});
