/**
 * padless compared with stored answers of Keras: tests/models/keras/make_goldens.py says which models, goldens.json which versions.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel } from 'padless';
import { parse, serialize } from '../../js/file/safetensors.js';
import { assertClose, decode } from '../close.js';
import '../guarded-heap.js';

const folder = new URL('keras/', import.meta.url);
const { keras, backend, cases } = JSON.parse(readFileSync(new URL('goldens.json', folder), 'utf8'));
const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');

/** @param {string} name */
const load = (name) => loadModel(readFileSync(new URL(`${name}.safetensors`, folder)), { simd });

for (const { name, ids, mask_zero: maskZero, shape, data, probabilities } of cases) {
  test(`${name} answers as Keras ${keras} on ${backend} does`, async () => {
    const model = await load(name);
    const [output] = model.run(ids);
    assert.deepEqual(output.shape, shape);
    const unit = probabilities ? 1e-5 : 1e-4;
    const T = ids[0].length;
    const K = shape.at(-1);
    /** @param {number} i */
    const counts = (i) => !maskZero || shape.length < 3 || ids[Math.floor(i / (T * K))][Math.floor(i / K) % T] !== 0;
    output.data.forEach((value, i) => {
      if (!counts(i)) assert.ok(Object.is(value, 0), `${name}: ${value} at padding, element ${i} of [${shape}], expected 0`);
    });
    const error = assertClose(output.data, decode(data), { unit, counts, what: `${name} [${shape}]` });
    if (process.env.PADLESS_VERBOSE) console.log(`${name}: ${(error * unit).toExponential(1)} of max(1, |y|)`);
  });
}

test('a mask or lengths given to run replace the mask of the ids', async () => {
  const model = await load('bidirectional-concat-last');
  const [free] = model.run([[3, 1, 4], [5]]);
  const rows = [
    [9, 3, 9, 1, 4],
    [9, 9, 5, 9, 9],
  ];
  const mask = [
    [0, 1, 0, 1, 1],
    [0, 0, 1, 0, 0],
  ];
  assert.deepEqual(model.run(rows, { mask })[0].data, free.data);
  assert.deepEqual(model.run(rows, { mask: mask.flat() })[0].data, free.data);
  assert.deepEqual(
    model.run(
      [
        [3, 1, 4, 9, 9],
        [5, 9, 9, 9, 9],
      ],
      { lengths: [3, 1] },
    )[0].data,
    free.data,
  );
  // Even with mask_zero, an id 0 counts if the caller's mask says so.
  assert.notDeepEqual(model.run([[3, 0, 4]], { lengths: [3] })[0].data, model.run([[3, 0, 4]])[0].data);
});

test('a layer that reads padding in Keras reads it in padless, too, and readsPadding names it', async () => {
  const bytes = readFileSync(new URL('max-unmasked.safetensors', folder));
  const file = parse(bytes);
  const masked = file.metadata.padless.replace('"mask_zero":false', '"mask_zero":true');
  assert.notEqual(masked, file.metadata.padless);
  const model = await loadModel(serialize({ ...file, metadata: { padless: masked } }), { simd });
  assert.equal(model.readsPadding.length, 1);
  assert.match(model.readsPadding[0], /max/);
  const plain = await loadModel(bytes, { simd });
  assert.deepEqual(plain.readsPadding, []);
  assert.deepEqual(model.run([[3, 1, 0, 0]])[0].data, plain.run([[3, 1, 0, 0]])[0].data);
});
