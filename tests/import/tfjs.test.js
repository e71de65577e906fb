/**
 * Models that TF.js saved, compared with its answers (tests/models/tfjs/make_models.js); quantized shards; wrong manifests.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LoadError, ModelFileError, UnsupportedError } from 'padless';
import { fromTfjs } from 'padless/import';
import { assertClose } from '../close.js';
import '../guarded-heap.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../models/tfjs/', import.meta.url);
const { tfjs, cases } = JSON.parse(readFileSync(new URL('goldens.json', folder), 'utf8'));

for (const { name, inputs, shape, data } of cases) {
  test(`${name} answers as TF.js ${tfjs} does`, async () => {
    const model = await fromTfjs(new URL(`${name}.json`, folder), { simd });
    const [output] = model.run(inputs);
    assert.deepEqual(output.shape, shape);
    assertClose(output.data, data, { unit: 1e-5, what: `${name} [${shape}]` });
  });
}

const json = JSON.parse(readFileSync(new URL('bigru-sum.json', folder), 'utf8'));
const bin = readFileSync(new URL('bigru-sum.bin', folder));
const { inputs } = cases.find((/** @type {any} */ each) => each.name === 'bigru-sum');

/** @param {...Uint8Array} parts */
const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

/** @param {any} value @param {Uint8Array} [shard] */
const files = (value, shard = bin) => ({
  'model.json': new TextEncoder().encode(JSON.stringify(value)),
  'bigru-sum.bin': new Uint8Array(shard),
});
/** @param {(spec: any) => any} change  of each weight's entry */
const changed = (change) => {
  const [{ paths, weights }] = json.weightsManifest;
  return { ...json, weightsManifest: [{ paths, weights: weights.map(change) }] };
};
/** @param {any} loading @param {any} Class @param {RegExp} message */
const rejects = (loading, Class, message) => assert.rejects(loading, says(Class, message));

test('a model without a version is one that TF.js saved; with a version of Keras, it follows the rules of Keras', async () => {
  const of = async (/** @type {any} */ version) => {
    const modelTopology = { ...json.modelTopology, keras_version: version };
    return (await fromTfjs(files({ ...json, modelTopology }), { simd })).settings.origin;
  };
  assert.deepEqual([await of(undefined), await of('tfjs-layers 4.0.0'), await of('2.15.0')], ['tfjs', 'tfjs', 'keras']);
});

for (const dtype of ['uint8', 'uint16', 'float16']) {
  test(`weights quantized to ${dtype} have the values that TF.js gives them`, async () => {
    const floats = new Float32Array(bin.buffer.slice(bin.byteOffset, bin.byteOffset + bin.length));
    /** @type {Uint8Array[]} */
    const shards = [];
    const plain = floats.slice();
    let at = 0;
    const quantized = changed((spec) => {
      const size = spec.shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
      const values = floats.subarray(at, at + size);
      const back = plain.subarray(at, at + size);
      at += size;
      if (dtype === 'float16') {
        // Multiples of 1/64 below 16 are exact in float16.
        back.set(values.map((value) => Math.round(value * 64) / 64));
        const halves = Uint16Array.from(back, (value) => {
          if (value === 0) return 0;
          const exponent = Math.floor(Math.log2(Math.abs(value)));
          return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | ((Math.abs(value) / 2 ** exponent - 1) * 1024);
        });
        shards.push(new Uint8Array(halves.buffer));
        return { ...spec, quantization: { dtype, original_dtype: 'float32' } };
      }
      const min = Math.min(...values);
      const scale = (Math.max(...values) - min) / (dtype === 'uint8' ? 255 : 65535);
      const Ints = dtype === 'uint8' ? Uint8Array : Uint16Array;
      const ints = Ints.from(values, (value) => Math.round((value - min) / scale));
      back.set(Float32Array.from(ints, (value) => value * scale + min));
      shards.push(new Uint8Array(ints.buffer));
      return { ...spec, quantization: { dtype, scale, min } };
    });
    const small = await fromTfjs(files(quantized, joined(...shards)), { simd });
    const same = await fromTfjs(files(json, new Uint8Array(plain.buffer)), { simd });
    assert.deepEqual(small.run(inputs), same.run(inputs));
  });
}

test('shards may begin inside a weight, and may be given as a list of files', async () => {
  const [{ weights }] = json.weightsManifest;
  const parts = [bin.subarray(0, 5), bin.subarray(5, 700), bin.subarray(700)];
  const paths = parts.map((_, i) => `group1-shard${i + 1}of3.bin`);
  const model = new File([JSON.stringify({ ...json, weightsManifest: [{ paths, weights }] })], 'model.json');
  const list = [...parts.map((part, i) => new File([part], paths[i])), model];
  const whole = await fromTfjs(files(json), { simd });
  assert.deepEqual((await fromTfjs(list, { simd })).run(inputs), whole.run(inputs));
  await rejects(fromTfjs(list.slice(1)), LoadError, /group1-shard1of3\.bin is missing; given are/);
});

test('a shard cut short at any length is refused, with the found and the expected size', async () => {
  for (let n = 0; n < bin.length; n++)
    await rejects(
      fromTfjs(files(json, bin.subarray(0, n))),
      ModelFileError,
      new RegExp(`bigru-sum\\.bin: ${n} bytes, .* ${bin.length}$`),
    );
  await rejects(fromTfjs(files(json, joined(bin, bin))), ModelFileError, /2608 bytes/);
  const [{ weights }] = json.weightsManifest;
  const many = { ...json, weightsManifest: [{ paths: new Array(500_000).fill('bigru-sum.bin'), weights }] };
  await rejects(
    fromTfjs(files(many)),
    ModelFileError,
    /^bigru-sum\.bin, .*, \.\.\.: 2608 bytes, but the weights in model\.json take 1304$/,
  );
});

test('a model.json cut short at any length is refused', async () => {
  const text = JSON.stringify(json);
  for (let n = 0; n < text.length; n += 13)
    await rejects(
      fromTfjs({ ...files(json), 'model.json': new TextEncoder().encode(text.slice(0, n)) }),
      ModelFileError,
      /not JSON/,
    );
});

test('JSON of 100 MB is refused before it is read', async () => {
  await rejects(
    fromTfjs({ ...files(json), 'model.json': new Uint8Array(100_000_000) }),
    ModelFileError,
    /100000000 bytes of JSON, at most 64000000/,
  );
});

test('graph models and unknown types and quantizations are refused, and the message names them', async () => {
  await rejects(fromTfjs(files({ ...json, format: 'graph-model' })), UnsupportedError, /graph model/);
  await rejects(fromTfjs(files({ modelTopology: { node: [] } })), UnsupportedError, /graph model/);
  await rejects(
    fromTfjs(files(changed((spec) => ({ ...spec, dtype: 'string' })))),
    UnsupportedError,
    /embeddings is of dtype "string"/,
  );
  const odd = changed((spec) => ({ ...spec, quantization: { dtype: 'int4', scale: 1, min: 0 } }));
  await rejects(fromTfjs(files(odd)), UnsupportedError, /quantized to "int4"/);
});

test('a wrong manifest is refused', async () => {
  for (const path of ['../secret.bin', '/etc/passwd', 'a/../../b', 'https://example.com/x.bin', 'C:\\x', '..\\x'])
    await rejects(
      fromTfjs(files({ ...json, weightsManifest: [{ paths: [path], weights: [] }] })),
      ModelFileError,
      /outside of its folder/,
    );
  for (const shape of [[-1], [1.5], ['3'], [2 ** 53], null, [2 ** 40, 2 ** 40]])
    await rejects(
      fromTfjs(files(changed((spec) => ({ ...spec, shape })))),
      ModelFileError,
      /expected \{ name, shape, dtype \}|2\^53/,
    );
  for (const quantization of [{ dtype: 'uint8' }, { dtype: 'uint16', scale: 'x', min: 0 }])
    await rejects(
      fromTfjs(files(changed((spec) => ({ ...spec, quantization })))),
      ModelFileError,
      /expected numbers as scale and min/,
    );
  for (const weightsManifest of [undefined, {}, [null], [{ paths: 3, weights: [] }], [{ paths: [] }]])
    await rejects(fromTfjs(files({ ...json, weightsManifest })), ModelFileError, /weightsManifest/);
  for (const value of [null, [], {}, 'x', { modelTopology: 3 }])
    await rejects(fromTfjs(files(value)), ModelFileError, /no modelTopology/);
});

test('the error for a missing or unused weight, or one of another shape, names it', async () => {
  const [{ paths, weights }] = json.weightsManifest;
  const manifest = (/** @type {any[]} */ list) => ({ ...json, weightsManifest: [{ paths, weights: list }] });
  const first = weights[0].shape[0] * weights[0].shape[1] * 4;
  await rejects(
    fromTfjs(files(manifest(weights.slice(1)), bin.subarray(first))),
    ModelFileError,
    /embedding_Embedding2\.embeddings \[12,4\] is missing/,
  );
  const more = [...weights, { name: 'nobody/kernel', shape: [1], dtype: 'float32' }];
  await rejects(
    fromTfjs(files(manifest(more), joined(bin, bin.subarray(0, 4)))),
    ModelFileError,
    /nobody\/kernel \[1\] belongs to no layer/,
  );
  const turned = weights.map((/** @type {any} */ spec, /** @type {number} */ i) => (i ? spec : { ...spec, shape: [4, 12] }));
  await rejects(fromTfjs(files(manifest(turned))), ModelFileError, /of shape \[4,12\], expected \[12,4\]/);
});
