import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

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

test('the packed package contains every file that package.json names, README and LICENSE, and no tests', () => {
  const out = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
    cwd: fileURLToPath(root),
  });
  const packed = JSON.parse(out.toString())[0].files.map((/** @type {{ path: string }} */ { path }) => path);
  assert.deepEqual(
    [...named, 'README.md', 'LICENSE', 'CHANGELOG.md'].filter((path) => !packed.includes(path)),
    [],
  );
  const strangers = packed.filter(
    (/** @type {string} */ path) => !/^(js\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(path),
  );
  assert.deepEqual(strangers, []);
});

test('bundlers that do not read exports, as Parcel by default, find each entry by main and alias', () => {
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
