/**
 * Small random models that Keras 3.15, 3.5 and 2.15 saved, with Keras's answers. Together they have every layer and option, with and without masks.
 * tests/fuzz/keras/store.js wrote keras-cases.br; lookup-cases.br, whose models begin with a lookup; and found-cases.br, whose models once got
 * another answer or were refused. `make fuzz-keras` makes and compares new models.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import * as layers from '../../js/dist/layers.js';
import { judge } from '../fuzz/keras/compare.js';
import '../guarded-heap.js';

/** The stored models, each with its files. @param {string} name @returns {any[]} */
function casesOf(name) {
  const packed = brotliDecompressSync(readFileSync(new URL(name, import.meta.url)));
  let at = 4 + packed.readUInt32LE(0);
  const { cases } = JSON.parse(packed.subarray(4, at).toString());
  return cases.map((/** @type {any} */ each) => ({
    ...each,
    files: new Map(
      each.files.map((/** @type {[string, number]} */ [file, bytes]) => {
        at += bytes;
        return [file, packed.subarray(at - bytes, at)];
      }),
    ),
  }));
}

const cases = ['keras-cases.br', 'lookup-cases.br', 'found-cases.br'].flatMap(casesOf);

for (const each of cases)
  test(`${each.file} of Keras ${each.keras}: ${each.layers.join(', ')}`, async () => {
    const { verdict, says } = await judge(each, (file) => each.files.get(file));
    assert.equal(verdict, 'equal', says);
  });

test('the stored models have every layer of Keras that padless has', () => {
  const stored = new Set(cases.flatMap((/** @type {any} */ each) => each.uses));
  const names = Object.values(layers).flatMap((Class) => ('className' in Class ? [Class.className] : []));
  const missing = names.filter((name) => !name.startsWith('padless>') && !stored.has(name));
  assert.deepEqual(missing, []);
  assert.ok(cases.length >= 300 && new Set(cases.map((/** @type {any} */ { keras }) => keras)).size === 3);
});
