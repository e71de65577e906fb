/** Which folders of js/ may import which: web/docs/architecture.md draws the same picture. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';

const js = new URL('../../js/', import.meta.url);
const { exports, bin } = JSON.parse(readFileSync(new URL('../package.json', js), 'utf8'));

/** Each folder and the folders that it may import. A model creates sessions, which run the model: only these two import each other. @type {Record<string, string[]>} */
const below = {
  runtime: [],
  text: ['runtime'],
  file: ['runtime'],
  layers: ['runtime'],
  model: ['runtime', 'text', 'file', 'layers', 'session'],
  session: ['text', 'layers', 'model'],
  page: ['runtime', 'text', 'file', 'model'],
  import: ['runtime', 'text', 'file', 'layers', 'model'],
  tools: ['runtime', 'file', 'layers', 'model', 'import'],
};

const files = readdirSync(js, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.js') && !file.startsWith('dist/'));

/** The files that a file imports at run time; types in comments do not count. @param {string} file @returns {string[]} */
function importsOf(file) {
  const code = readFileSync(new URL(file, js), 'utf8').replace(/\/\*.*?\*\//gs, '');
  return [...code.matchAll(/(?:\bfrom|\bimport\(|\bimport)\s*'(\.[^']*)'/g)].map(([, to]) =>
    new URL(to, new URL(file, js)).href.slice(js.href.length),
  );
}

test('folders of js/ import only those below them', () => {
  const folders = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]));
  assert.deepEqual([...folders].sort(), Object.keys(below).sort());
  for (const file of files) {
    const [folder, ...rest] = file.split('/');
    if (rest.length === 0) continue;
    for (const to of importsOf(file)) {
      const [other, ...inside] = to.split('/');
      const allowed =
        other === folder || other === 'dist' || to === 'errors.js' || (inside.length > 0 && below[folder].includes(other));
      assert.ok(allowed, `js/${file} imports js/${to}`);
    }
  }
});

test('js/ itself contains only entries and commands of package.json, errors.js and whole.js', () => {
  const named = [...Object.values(exports).map((/** @type {any} */ entry) => entry.default ?? entry), ...Object.values(bin)];
  for (const file of files.filter((each) => !each.includes('/') && each !== 'errors.js' && each !== 'whole.js'))
    assert.ok(
      named.some((entry) => entry.replace('./', '') === `js/${file}`),
      `js/${file}`,
    );
});
