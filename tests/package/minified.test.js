/** Names that must not change when a minifier renames classes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import * as errors from '../../js/errors.js';
import * as layers from 'padless/layers';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'padless-'));
after(() => rmSync(folder, { recursive: true }));

await build({
  stdin: { contents: "export * as errors from './js/errors.js'; export * as layers from 'padless/layers';", resolveDir: root },
  bundle: true,
  minify: true,
  format: 'esm',
  external: ['node:*'],
  outfile: join(folder, 'minified.mjs'),
});
const minified = await import(pathToFileURL(join(folder, 'minified.mjs')).href);

test('errors keep their names', () => {
  const classes = Object.entries(errors).filter(([name]) => name.endsWith('Error'));
  assert.ok(classes.length >= 8);
  for (const [name] of classes) {
    assert.notEqual(minified.errors[name].name, name, 'the class is renamed');
    assert.equal(new minified.errors[name]('x').name, name);
  }
});

test('layers keep their default names, which are part of the names of their weights', () => {
  for (const [name, Class] of Object.entries(layers)) {
    if (!Object.hasOwn(Class, 'className') || name === 'Layer') continue;
    // A default name ends with a number if the layer is not the first of its class.
    const names = [Class, minified.layers[name]].map((/** @type {any} */ Each) => {
      try {
        return new Each({}).name.replace(/_\d+$/, '');
      } catch {
        return 'needs options';
      }
    });
    assert.equal(names[1], names[0], name);
  }
});
