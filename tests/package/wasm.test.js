import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

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

for (const build of ['padless', 'padless.relaxed']) {
  test(`${build}.wasm has no imports and exports what padless.h declares`, { skip: build !== 'padless' && !relaxedEngine }, () => {
    const module = new WebAssembly.Module(read(`js/dist/${build}.wasm`));
    assert.deepEqual(WebAssembly.Module.imports(module), []);
    const exported = WebAssembly.Module.exports(module);
    assert.deepEqual(
      exported
        .map(({ name }) => name)
        .filter((name) => !besides.has(name))
        .sort(),
      [...new Set(declared)].sort(),
    );
    assert.ok(exported.some(({ name, kind }) => name === 'memory' && kind === 'memory'));
    assert.ok(exported.some(({ name, kind }) => name === '__heap_base' && kind === 'global'));
  });
}

test('inline.js holds the two builds and the version of package.json', async () => {
  const inline = await import('../../js/dist/inline.js');
  const { inflateRawSync } = await import('node:zlib');
  assert.equal(inline.version, JSON.parse(read('package.json').toString()).version);
  assert.ok(inflateRawSync(Buffer.from(inline.baseline, 'base64')).equals(read('js/dist/padless.wasm')));
  assert.ok(inflateRawSync(Buffer.from(inline.relaxed, 'base64')).equals(read('js/dist/padless.relaxed.wasm')));
});

test('a page downloads at most 60 kB, both builds and all of the JavaScript gzipped', () => {
  const files = new Set();
  /** @param {URL} file */
  const visit = (file) => {
    if (files.has(file.href)) return;
    files.add(file.href);
    for (const [, path] of read(file)
      .toString()
      .matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g))
      visit(new URL(path, file));
  };
  visit(new URL('js/index.js', root));
  const bytes = [...files].reduce((sum, file) => sum + gzipSync(read(file), { level: 9 }).length, 0);
  assert.ok(files.has(new URL('js/dist/inline.js', root).href), `inline.js is not among ${[...files].join(', ')}`);
  assert.ok(bytes <= 60_000, `${bytes} bytes in ${files.size} files`);
});
