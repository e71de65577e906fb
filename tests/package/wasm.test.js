import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = new URL('../../', import.meta.url);

/** @param {string | URL} path */
const read = (path) => readFileSync(new URL(path, root));

/** What Emscripten exports besides the functions that were asked for. */
const besides = new Set([
  'memory',
  '__heap_base',
  '__indirect_function_table',
  '_initialize',
  '_emscripten_stack_alloc',
  '_emscripten_stack_restore',
  'emscripten_stack_get_current',
]);

/** The functions that padless.h declares, found without its comments and whatever their layout. */
const declared = read('c/padless.h')
  .toString()
  .replace(/\/\*.*?\*\//gs, '')
  .match(/\bpl_\w+(?=\()/g);

const relaxedEngine = WebAssembly.validate(read('js/dist/padless.relaxed.wasm'));

test('the engine of the relaxed run has relaxed SIMD', { skip: process.env.PADLESS_SIMD !== 'relaxed' }, () => {
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
  const inline = await import('../../js/dist/inline.js');
  const { inflateRawSync } = await import('node:zlib');
  assert.equal(inline.version, JSON.parse(read('package.json').toString()).version);
  assert.ok(inflateRawSync(Buffer.from(inline.baseline, 'base64')).equals(read('js/dist/padless.wasm')));
  assert.ok(inflateRawSync(Buffer.from(inline.relaxed, 'base64')).equals(read('js/dist/padless.relaxed.wasm')));
});

test('a page downloads at most 64 kB: loadModel bundled and minified, both builds in it, gzipped', async () => {
  const { outputFiles } = await build({
    stdin: { contents: "export { loadModel } from 'padless';", resolveDir: fileURLToPath(root) },
    bundle: true,
    minify: true,
    format: 'esm',
    // Operations of a graph are fetched for a model that has some.
    external: ['node:*', './operations.js'],
    write: false,
  });
  const [{ contents, text }] = outputFiles;
  assert.match(text, /loadModel/);
  const bytes = gzipSync(contents, { level: 9 }).length;
  assert.ok(bytes <= 64_000, `${bytes} bytes`);
});
