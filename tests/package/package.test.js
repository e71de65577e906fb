import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';

const root = new URL('../../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

/** Every path that package.json names: entries, types, commands. */
const named = [...Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)))]
  .concat(Object.values(manifest.bin))
  .map((path) => path.replace(/^\.\//, ''));

test('package.json names no file that is missing and no dependency', () => {
  assert.deepEqual(
    named.filter((path) => !existsSync(new URL(path, root))),
    [],
  );
  assert.equal(manifest.dependencies, undefined);
});

/** Paths of the files in the packed package. */
function packedFiles() {
  const out = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
    cwd: fileURLToPath(root),
  });
  return JSON.parse(out.toString())[0].files.map((/** @type {{ path: string }} */ { path }) => path);
}

test('the packed package contains every file that package.json names, README and LICENSE, and no tests', () => {
  const packed = packedFiles();
  assert.deepEqual(
    [...named, 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'web/docs/layers.md'].filter(
      (path) => !packed.includes(path),
    ),
    [],
  );
  const allowed =
    /^(js\/|package\.json$|LICENSE$|[A-Z]+\.md$|web\/docs\/\w+(-\w+)*\.md$|web\/examples\/|web\/models\/.*(README\.md|\.svg)$|web\/page\.png$)/;
  assert.deepEqual(
    packed.filter((/** @type {string} */ path) => !allowed.test(path)),
    [],
  );
  // The package has no declarations of modules that users cannot import.
  assert.deepEqual(
    packed.filter((/** @type {string} */ path) => /types\/(cli|tools)/.test(path)),
    [],
  );
});

test('every link in a packed document leads to a packed file or to the web', () => {
  const packed = packedFiles();
  const documents = packed.filter((/** @type {string} */ path) => path.endsWith('.md'));
  assert.ok(documents.length > 12);
  for (const document of documents) {
    const text = readFileSync(new URL(document, root), 'utf8').replace(/```[^]*?```/g, '');
    for (const [, to] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|#|mailto:)/.test(to)) continue;
      const path = new URL(to.split('#')[0], new URL(document, 'file:///')).pathname.slice(1);
      assert.ok(
        packed.includes(path) || packed.some((/** @type {string} */ each) => each.startsWith(`${path}/`)),
        `${document}: ${to}`,
      );
    }
  }
});

test('the changelog starts with the version of package.json, and package.json has no made-up repository address', () => {
  const [, version] = /^## (\S+)/m.exec(readFileSync(new URL('CHANGELOG.md', root), 'utf8')) ?? [];
  assert.equal(version, manifest.version);
  for (const field of ['repository', 'bugs', 'homepage']) assert.equal(manifest[field], undefined);
});

test('bundlers that do not read exports, such as Parcel by default, find each entry by main and alias', () => {
  const entries = Object.entries(manifest.exports).filter(([, entry]) => typeof entry !== 'string');
  const [[, main], ...others] = entries;
  assert.deepEqual([manifest.main, manifest.types], [main.default, main.types]);
  assert.deepEqual(manifest.alias, Object.fromEntries(others.map(([name, entry]) => [name, entry.default])));
});

test('package-lock.json names no registry', () => {
  assert.doesNotMatch(readFileSync(new URL('package-lock.json', root), 'utf8'), /"resolved"/);
});

test('the declarations of Kernels contain each method with its documentation', () => {
  const declarations = readFileSync(new URL('js/dist/types/runtime/kernels.d.ts', root), 'utf8');
  const [, body] = declarations.split('export declare class Kernels {');
  const methods = [...body.split('\n}')[0].matchAll(/(\*\/\n)? {4}(\w+)(?:\(|: (?:OverTime|\())/g)].map(([, documented, name]) => [
    name,
    documented !== undefined,
  ]);
  assert.ok(methods.length >= 20, `${methods.length} methods`);
  assert.deepEqual(
    methods.filter(([, documented]) => !documented),
    [],
  );
});

test('a bundle is one minified file: a module, a script with one global, or the worker', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'padless-bundle-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const bundle = (/** @type {string} */ kind, /** @type {string} */ name) => {
    const path = join(folder, name);
    execFileSync(process.execPath, [fileURLToPath(new URL('js/tools/bundle.js', root)), kind, path]);
    const text = readFileSync(path, 'utf8');
    assert.match(
      text,
      kind === 'worker' ? /^\/\/ Built .* from js\/page\/worker-entry\.js\.$/m : /^\/\/ Built .* from js\/whole\.js\.$/m,
    );
    assert.doesNotMatch(text, /^ +(const|let|if|return)\b/m, 'minified');
    assert.equal(text.includes('this build is one file and starts no worker of its own'), kind !== 'worker');
    assert.doesNotMatch(text, /(from|import) ?["']\.|import\(["']\./);
    return { path, text };
  };
  const { loadModel, layers } = await import(pathToFileURL(bundle('esm', 'all.mjs').path).href);
  assert.equal(typeof layers.LSTM + typeof loadModel, 'functionfunction');
  /** @type {any} */
  const global = { TextDecoder, TextEncoder, URL, WebAssembly };
  runInNewContext(bundle('script', 'all.js').text, global);
  assert.equal(typeof global.padless.loadModel, 'function');
  bundle('worker', 'worker.js');
});
