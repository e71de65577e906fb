/**
 * Models that Keras quantized to int8: which weights stay int8, labels, and refused files. tests/import/keras-files.test.js compares their values
 * with Keras's.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { loadModel, ModelFileError, UnsupportedError } from 'padless';
import { fromKeras } from 'padless/import';
import { quantizedWeights, weightOf, withScales } from '../../js/import/keras-int8.js';
import { decode } from '../close.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../models/keras-files/', import.meta.url);
/** @type {any[]} */
const cases = JSON.parse(readFileSync(new URL('goldens.json', folder), 'utf8')).cases;

/** The label of each row of K values. @param {Float32Array} values @param {number} K */
const labels = (values, K) =>
  Array.from({ length: values.length / K }, (_, i) => {
    const row = values.subarray(i * K, (i + 1) * K);
    return row.indexOf(Math.max(...row));
  });

test('embeddings and kernels of Dense stay int8, also when the model is saved, and the labels are those of Keras', async () => {
  const { inputs, outputs } = cases.find(({ name }) => name === 'int8-classifier');
  const model = await fromKeras(new URL('int8-classifier.keras', folder), { simd });
  const dtypes = (/** @type {typeof model} */ each) =>
    Object.fromEntries(each.root.listWeights().map(({ path, layer, spec }) => [path, Boolean(layer.weight(spec.name).int8)]));
  assert.deepEqual(
    Object.entries(dtypes(model))
      .filter(([, isInt8]) => isInt8)
      .map(([path]) => path),
    ['embedding.embeddings', 'dense.kernel', 'dense_1.kernel'],
  );
  const [rows] = Object.values(inputs);
  const [{ data }] = model.run(/** @type {any} */ (rows));
  assert.deepEqual(labels(data, 3), labels(decode(outputs[0].data), 3));
  const again = await loadModel(model.save(), { simd });
  assert.deepEqual(dtypes(again), dtypes(model));
  assert.deepEqual(again.run(/** @type {any} */ (rows))[0].data, data);
});

/** @param {(json: any) => void} change */
function loadChanged(change) {
  const json = JSON.parse(readFileSync(new URL('int8-tagger-weights.json', folder), 'utf8'));
  change(json);
  return fromKeras(new TextEncoder().encode(JSON.stringify(json)), {
    weights: new URL('int8-tagger-weights.weights.h5', folder),
    simd,
  });
}

test('an int8 array of a .h5 file takes the float array after it as its scales, and no other', () => {
  const [a, b] = [1, 2].map((n) => ({ shape: [n], int8: new Int8Array(n), data: new Float32Array(0) }));
  const scales = { shape: [1], data: Float32Array.of(2) };
  const moved = (/** @type {any[]} */ ...arrays) =>
    withScales(/** @type {any} */ (arrays)).map((each) => /** @type {any} */ (each).scales?.data[0]);
  assert.deepEqual(moved(a, scales, scales), [2, undefined]);
  assert.deepEqual(moved(a, b, scales), [undefined, 2]);
});

test('other modes, and int8 inside TimeDistributed, are refused with the name of the layer', async () => {
  const last = (/** @type {any} */ json) => json.config.layers.at(-1);
  await assert.rejects(
    loadChanged(
      (json) => (last(json).config.dtype = { class_name: 'Int4DTypePolicy', config: { mode: 'int4/128', source_name: 'float32' } }),
    ),
    says(
      UnsupportedError,
      /^dense: quantized to int4\/128 by Keras; padless reads int8\. Save the model before quantize\(\), and convert it with --int8/,
    ),
  );
  await assert.rejects(
    loadChanged((json) => (last(json).config.dtype = 'float8_from_float32')),
    says(UnsupportedError, /^dense: quantized to float8 by Keras/),
  );
  await assert.rejects(
    loadChanged((json) => {
      json.config.layers.push({ class_name: 'TimeDistributed', config: { name: 'td', layer: json.config.layers.pop() } });
    }),
    says(
      UnsupportedError,
      /^dense: quantized to int8 by Keras in a TimeDistributed, which gives wrong answers there\. Save the model before/,
    ),
  );
});

test('other modes are refused in a .keras, too', async () => {
  const entries = unzipSync(readFileSync(new URL('int8-classifier.keras', folder)));
  const config = strFromU8(entries['config.json']).replaceAll('"mode": "int8"', '"mode": "int4"');
  await assert.rejects(
    fromKeras(zipSync({ ...entries, 'config.json': strToU8(config) }), { simd }),
    says(UnsupportedError, /^\w+: quantized to int4 by Keras; padless reads int8\./),
  );
});

test('int8 weights in a whole .h5 stay int8 if its architecture says that Keras quantized the layer, and are refused otherwise', async () => {
  const bytes = readFileSync(new URL('int8-h5.h5', folder));
  const { root } = await fromKeras(bytes, { simd });
  const kept = root.listWeights().filter(({ layer, spec }) => layer.weight(spec.name).int8);
  assert.deepEqual(
    kept.map(({ path }) => path),
    ['embedding.embeddings', 'dense.kernel', 'dense_1.kernel'],
  );
  const [mode, mood] = ['"mode": "int8"', '"mood": "int8"'].map((text) => new TextEncoder().encode(text));
  const changed = Uint8Array.from(bytes);
  for (let at = 0; at < changed.length; at++) if (mode.every((byte, i) => changed[at + i] === byte)) changed.set(mood, at);
  await assert.rejects(
    fromKeras(changed, { simd }),
    says(ModelFileError, /: embedding\.embeddings is int8, but the architecture has no int8 dtype for embedding$/),
  );
});

test('scales that are missing, have the wrong shape or are not positive are refused', () => {
  const layer = /** @type {any} */ ({
    path: 'd',
    className: 'Dense',
    weightSpecs: [{ name: 'kernel', shape: [2, 3], int8: 'columns' }],
  });
  const kernel = { name: 'vars/0', shape: [2, 3], data: new Float32Array(6), int8: new Int8Array(6) };
  const scales = (/** @type {number[]} */ ...values) => ({
    name: 'vars/1',
    shape: [values.length],
    data: new Float32Array(values),
  });
  for (const [arrays, message] of /** @type {[any[], RegExp][]} */ ([
    [[kernel], /^f: d has 1 arrays, expected 1 and 1 of scales$/],
    [[kernel, scales(1, 2)], /^f: vars\/1 has 2 scales, which do not fit vars\/0 \[2,3\]/],
    [[kernel, scales(1, 0, 2)], /^f: vars\/1: value 1 is 0, expected a number above 0/],
    [[kernel, scales(1, NaN, 2)], /^f: vars\/1: value 1 is NaN/],
    [[{ ...kernel, shape: [3, 2] }, scales(1, 2)], /^f: d\.kernel is vars\/0 of shape \[3,2\], expected \[2,3\]/],
  ]))
    assert.throws(() => quantizedWeights(layer, arrays, 'f'), says(ModelFileError, message));
  const [spec] = layer.weightSpecs;
  const message = /^f: d\.kernel is int8 \(vars\/0\), but its scales are missing$/;
  assert.throws(() => weightOf(layer, spec, kernel, undefined, 'f'), says(ModelFileError, message));
  // padless's int8 has no -128.
  const least = { ...kernel, int8: Int8Array.of(-128, 1, 2, 3, 4, 5) };
  const [floats] = quantizedWeights(layer, [least, scales(2, 1, 4)], 'f');
  assert.deepEqual(floats, { shape: [2, 3], data: Float32Array.of(-64, 1, 0.5, 1.5, 4, 1.25) });
});

test('the scale of each row of a table is kept to 1/510 of the largest value', () => {
  const [V, D] = [5, 4];
  const layer = /** @type {any} */ ({
    path: 'e',
    className: 'Embedding',
    weightSpecs: [{ name: 'embeddings', shape: [V, D], int8: 'rows' }],
  });
  const int8 = Int8Array.from({ length: V * D }, (_, i) => ((i * 53) % 255) - 127);
  const scale = Float32Array.of(127, 100, 40, 3000, 1e5);
  const [weight] = quantizedWeights(
    layer,
    [
      { name: 'vars/0', shape: [V, D], data: Float32Array.from(int8), int8 },
      { name: 'vars/1', shape: [V], data: scale },
    ],
    'f',
  );
  const most = 127 / 40;
  weight.data.forEach((value, i) =>
    assert.ok(Math.abs(value - int8[i] / scale[Math.floor(i / D)]) <= most / 500, `${i}: ${value}`),
  );
});
