/**
 * padless against stored answers of Keras: tests/models/keras/make_goldens.py says which models, goldens.json which versions.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel } from 'padless';

const folder = new URL('keras/', import.meta.url);
const { keras, backend, cases } = JSON.parse(readFileSync(new URL('goldens.json', folder), 'utf8'));
const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');

/** @param {string} name */
const load = (name) => loadModel(readFileSync(new URL(`${name}.safetensors`, folder)), { simd });

/** @param {string} base64 */
function decode(base64) {
  const bytes = Buffer.from(base64, 'base64');
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

for (const { name, ids, mask_zero: maskZero, shape, data, probabilities } of cases) {
  test(`${name} answers as Keras ${keras} on ${backend} does`, async () => {
    const model = await load(name);
    const [output] = model.run(ids);
    assert.deepEqual(output.shape, shape);
    const expected = decode(data);
    const unit = probabilities ? 1e-5 : 1e-4;
    const T = ids[0].length;
    const K = shape.at(-1);
    let worst = { error: 0, at: 0 };
    expected.forEach((y, i) => {
      if (maskZero && shape.length === 3 && ids[Math.floor(i / (T * K))][Math.floor(i / K) % T] === 0) {
        assert.ok(Object.is(output.data[i], 0), `${name}: ${output.data[i]} at padding, element ${i} of [${shape}], expected 0`);
        return;
      }
      // In units of the tolerance; NaN counts as infinitely far.
      const error = Math.abs(output.data[i] - y) / (unit * Math.max(1, Math.abs(y)));
      if (!(error <= worst.error)) worst = { error: Number.isNaN(error) ? Infinity : error, at: i };
    });
    const { error, at } = worst;
    assert.ok(
      error <= 1,
      `${name}: largest difference at element ${at} of [${shape}]: ${output.data[at]}, Keras has ${expected[at]}; ` +
        `${error.toPrecision(3)} times the tolerance max(${unit}, ${unit}|y|)`,
    );
    if (process.env.PADLESS_VERBOSE) console.log(`${name}: ${(error * unit).toExponential(1)} of max(1, |y|)`);
  });
}

test('a mask or lengths given to run take the place of what the ids say', async () => {
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
  // A real 0 under mask_zero counts where the caller says so.
  assert.notDeepEqual(model.run([[3, 0, 4]], { lengths: [3] })[0].data, model.run([[3, 0, 4]])[0].data);
});

test('a layer that reads padding in Keras reads it here, and the model says so', async () => {
  const bytes = readFileSync(new URL('max-unmasked.safetensors', folder));
  const text = bytes.toString('latin1');
  const masked = Buffer.from(text.replace(String.raw`\"mask_zero\":false`, String.raw`\"mask_zero\":true `), 'latin1');
  assert.notDeepEqual(masked, bytes);
  const model = await loadModel(masked, { simd });
  assert.equal(model.readsPadding.length, 1);
  assert.match(model.readsPadding[0], /max/);
  const plain = await loadModel(bytes, { simd });
  assert.deepEqual(plain.readsPadding, []);
  assert.deepEqual(model.run([[3, 1, 0, 0]])[0].data, plain.run([[3, 1, 0, 0]])[0].data);
});
