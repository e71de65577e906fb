/** How the command line finds optional packages in the project of the current folder, whatever form their `exports` have. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ArgumentError } from 'padless';
import { neededPackage, projectPackage } from '../../js/tools/packages.js';
import { folder } from '../command.js';
import { says } from '../says.js';

/** The current folder: a workspace of the project. */
const workspace = join(folder, 'workspace');
mkdirSync(workspace);
process.chdir(workspace);

/**
 * A package of the project whose modules export their paths.
 * @param {string} name @param {any} manifest @param {string[]} paths
 */
function install(name, manifest, ...paths) {
  for (const [path, content] of [
    ['package.json', JSON.stringify({ name, type: 'module', ...manifest })],
    ...paths.map((each) => [each, `export default ${JSON.stringify(each)};`]),
  ]) {
    const at = join(folder, 'node_modules', name, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, content);
  }
}

/** @type {[string, any, string, string?][]} */
const forms = [
  ['a file', './a.js', 'a.js'],
  ['conditions', { browser: './b.js', import: './a.js' }, 'a.js'],
  ['conditions in their order', { default: './a.js', import: './b.js' }, 'a.js'],
  ['conditions within conditions', { node: { require: './b.js', import: './a.js' }, default: './b.js' }, 'a.js'],
  ['a condition without a file', { node: { browser: './b.js' }, import: null, default: './a.js' }, 'a.js'],
  ['paths', { '.': { import: './a.js' }, './more': './b.js' }, 'a.js'],
  ['paths, of which another is asked for', { '.': './a.js', './more': { default: './b.js' } }, 'b.js', '/more'],
];
for (const [i, [what, exports, file, path = '']] of forms.entries())
  test(`a package of the project is imported if its exports are ${what}`, async () => {
    install(`form-${i}`, { exports }, 'a.js', 'b.js');
    assert.equal((await projectPackage(`form-${i}${path}`)).default, file);
  });

test('a package of the project without exports, or in a scope, is imported', async () => {
  for (const exports of [undefined, null]) {
    install('old', { main: './a.js', exports }, 'a.js');
    assert.equal((await projectPackage('old')).default, 'a.js');
  }
  install('@scope/one', { exports: { '.': './a.js', './b': './b.js' } }, 'a.js', 'b.js');
  assert.equal((await projectPackage('@scope/one')).default, 'a.js');
  assert.equal((await projectPackage('@scope/one/b')).default, 'b.js');
});

test('a package that the project lacks is taken from padless; a folder without package.json is no package', async () => {
  for (const name of ['fflate', 'above']) mkdirSync(join(workspace, 'node_modules', name), { recursive: true });
  install('above', { exports: './a.js' }, 'a.js');
  assert.equal((await projectPackage('above')).default, 'a.js');
  assert.equal(typeof (await projectPackage('fflate')).unzipSync, 'function');
});

test('a package that is nowhere is named with the command that installs it, and one that fails with its error', async () => {
  await assert.rejects(
    neededPackage('not-here', '--tfjs', 'not-here too'),
    says(ArgumentError, /^--tfjs needs not-here too: npm i -D not-here too$/),
  );
  await assert.rejects(neededPackage('not-here', '--onnx'), says(ArgumentError, /^--onnx needs not-here: npm i -D not-here$/));
  install('empty', { main: './gone.js' });
  await assert.rejects(neededPackage('empty', '--onnx'), says(ArgumentError, /^--onnx needs empty: npm i -D empty$/));
  install('hidden', { exports: { './inside': './a.js' } }, 'a.js');
  await assert.rejects(neededPackage('hidden', '--onnx'), says(ArgumentError, /^hidden: No "exports" main defined/));
  await assert.rejects(
    neededPackage('@scope/one/c', '--onnx'),
    says(ArgumentError, /^@scope\/one\/c: Package subpath '\.\/c' is not/),
  );
  install('broken', { exports: './a.js' });
  writeFileSync(join(folder, 'node_modules/broken/a.js'), "throw new Error('no such luck\\nat all');");
  await assert.rejects(neededPackage('broken', '--onnx'), says(ArgumentError, /^broken: no such luck$/));
});
