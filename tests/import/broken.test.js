/**
 * Keras files that are cut short, changed, made by hand, or have wrong sizes: reading one that is broken fails quickly with a PadlessError, and
 * the next file is read.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { File, ready } from 'h5wasm';
import { ArgumentError, loadModel, ModelFileError, PadlessError, UnsupportedError } from 'padless';
import { fromKeras } from 'padless/import';
import { readHdf5 } from '../../js/import/hdf5.js';
import { JSON_MOST, optionalPackage } from '../../js/import/input-files.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../models/keras-files/', import.meta.url);
/** @param {string} name */
const read = (name) => new Uint8Array(readFileSync(new URL(name, folder)));
const h5 = read('lstm-classifier-h5.h5');
const keras = read('lstm-classifier.keras');
const ids = [[3, 1, 4], [5]];
// The default seed gives the same bytes in every run. js/import/heaps.js finds the heaps in which HDF5 would loop forever; it missed none in 7200
// changed files.
const { integer, seed } = random(Number(process.env.PADLESS_SEED ?? 1));

/** @param {any} loading @param {RegExp} message @param {any} [Class] */
const rejects = (loading, message, Class = ModelFileError) => assert.rejects(loading, says(Class, message));

/** Lengths to cut a file to: all near its start and its end, some between. @param {number} size */
function* cuts(size) {
  for (let n = 0; n < size; n += n < 300 || n > size - 300 ? 1 : 97) yield n;
}

test('a .h5 cut short at any length is refused, and the whole file is then read', async () => {
  for (const n of cuts(h5.length)) await rejects(fromKeras(h5.subarray(0, n)), /bytes/);
  (await fromKeras(h5, { simd })).run(ids);
});

test('a .keras cut short at any length is refused, and the whole file is then read', async () => {
  for (const n of cuts(keras.length)) await rejects(fromKeras(keras.subarray(0, n)), /bytes/);
  (await fromKeras(keras, { simd })).run(ids);
});

test('HDF5 prints nothing about a broken file, and its stream for errors is afterwards what it was', async ({ mock }) => {
  const { FS } = await ready;
  const stream = /** @type {any} */ (FS).getStream(2);
  const { tty } = stream;
  const write = mock.method(process.stderr, 'write', () => true);
  await rejects(fromKeras(h5.subarray(0, h5.length - 1)), /not a whole HDF5 file/);
  assert.equal(write.mock.callCount(), 0);
  assert.ok(stream.tty === tty);
});

test(`.h5 and .keras files with some bytes changed give a model or a PadlessError (seed ${seed})`, async () => {
  for (const whole of [h5, keras]) {
    for (let n = 0; n < 150; n++) {
      const bytes = whole.slice();
      for (let k = integer(1, 4); k > 0; k--) bytes[integer(0, bytes.length - 1)] = integer(0, 255);
      await fromKeras(bytes, { simd }).catch((error) => assert.ok(error instanceof PadlessError, String(error?.stack)));
    }
    (await fromKeras(whole, { simd })).run(ids);
  }
});

test('linked lists in which HDF5 would loop forever are refused, and the message names them', async () => {
  const view = new DataView(h5.buffer, h5.byteOffset, h5.byteLength);
  /** @param {string} signature */
  const find = (signature) => new TextDecoder('latin1').decode(h5).indexOf(signature);
  const [global, local] = [find('GCOL\x01'), find('HEAP\0')];
  const first = global + 16;
  // A free object has index 0.
  let free = first;
  while (view.getUint16(free, true)) free += 16 + 8 * Math.ceil(Number(view.getBigUint64(free + 8, true)) / 8);
  const [head, data] = [16, 24].map((offset) => Number(view.getBigUint64(local + offset, true)));
  for (const [at, value] of [
    [first + 8, 2n ** 64n - 17n],
    [first + 8, 1n << 62n],
    [free + 8, 0n],
    [data + head, BigInt(head)],
  ]) {
    const bytes = h5.slice();
    new DataView(bytes.buffer).setBigUint64(Number(at), BigInt(value), true);
    const name = Number(at) > data && Number(at) < data + 100 ? `local heap at byte ${local}` : `global heap at byte ${global}`;
    await rejects(fromKeras(bytes), new RegExp(`the HDF5 file of ${h5.length} bytes is broken: the ${name} contradicts itself`));
  }
  (await fromKeras(h5, { simd })).run(ids);
});

test('megabytes that look like broken heaps are read quickly', async () => {
  const bytes = new Uint8Array(h5.length + 2 ** 23).fill(0x40);
  bytes.set(h5);
  const head = [...Buffer.from('GCOL'), 1, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0];
  // Write heads of heaps after the end of the HDF5 file proper.
  for (let at = Math.ceil(h5.length / 256) * 256 + 64; at + 32 <= bytes.length; at += 256) bytes.set(head, at);
  // It would take hours to search the whole file for each head.
  (await fromKeras(bytes, { simd })).run(ids);
});

test('a size in a .h5 makes HDF5 allocate no more than the file can hold', async () => {
  const memory = async () => /** @type {any} */ (await ready).HEAPU8.byteLength;
  const { grow } = WebAssembly.Memory.prototype;
  const before = await memory();
  const bytes = h5.slice();
  const view = new DataView(bytes.buffer);
  const heap = BigInt(new TextDecoder('latin1').decode(h5).indexOf('GCOL\x01'));
  // A text in an attribute is stored as its length, the address of the global heap, and its index in the heap.
  let texts = 0;
  for (let at = 0; at + 16 <= bytes.length; at += 4)
    if (view.getBigUint64(at + 4, true) === heap && view.getUint32(at, true) < 100) {
      view.setUint32(at, 0x5d00_0000, true);
      texts++;
    }
  assert.ok(texts > 0);
  await rejects(fromKeras(bytes), /cannot be read: the file is broken/);
  assert.ok((await memory()) - before <= 2 ** 26, `${(await memory()) - before} bytes more`);
  assert.equal(WebAssembly.Memory.prototype.grow, grow);
  (await fromKeras(h5, { simd })).run(ids);
});

let made = 0;
/** An HDF5 file. @param {(file: any) => void} fill @returns {Promise<Uint8Array>} */
async function makeHdf5(fill) {
  const { FS } = /** @type {any} */ (await ready);
  const name = `made-${++made}.h5`;
  const file = new File(name, 'w');
  fill(file);
  file.close();
  const bytes = FS.readFile(name).slice();
  FS.unlink(name);
  return bytes;
}

/** One array in Keras 3's layout, grown to `length` without values. @param {any} file @param {any} array @param {number} [length] */
function addArray(file, array, length) {
  const group = file.create_group('layers').create_group('dense').create_group('vars');
  const dataset = group.create_dataset({ name: '0', ...(length && { maxshape: [null], chunks: [1024] }), ...array });
  if (length) dataset.resize([length]);
  return dataset;
}

/** Deflated files that h5py 3.14 wrote. */
const byH5py = Object.fromEntries(
  Object.entries({
    half: 'eNrr9HBx4+WS4mLm4GCAgf9QwAIVMoCKx2nqdfh7uAQxMVQwCSErhAEuJgZGBgY2QQYgxZaTWJlaVLwZZqgzAzUAa8nMTGKcIAByAmtKal5xqhkjVK8LVVzAYLX6UT4xTuAHOYGlLLGoeCfMBa7UcQFDX/RbS2KcwANyAqOBDRNUnwcD1YDl6S21YCcALWAUYWBgYmRkhFkDo5lFGBgFFfihfAEGLlYGLn5QJAJdx8zFAXQ5MyMDNI2xwAzewDDkwHa/gusMo2AUjIJRMNSADcNBAC4wafI=',
    elsewhere:
      'eNrr9HBx4+WS4mLm4GCAgf9QwCAB4RtAxR07O9n9PVyCmBgqmISQFcIAFxMDIwMDmyADkGLLSaxMLSreDDPUmYEagLVkZiYxThAAOYE1JTWvONWMEarXhSouYLBa/SifGCfwg5zAUpZYVLwT5gJX6riAoS/6rSUxTuABOYHRwIYJqs+DgWrA8vSWWrATFB/28GQjYwZGRhEGBiZGRkaYtTCaWYSBUVBBnoEFzFNgEOdgEK8HRSrQtczcHHwMDCzMDNBkCA6yLQxDEljF9T5mGAWjYBSMgkEO3J39fcBlrQBSuQuq62EKYAL6qSXJ+gWJxcXlKQwVDMxIMrAiHizGxAjVxQgUmz73jz+afTP4R8N8FIyCUTAKRsEoGAWjYBSMglEwCkbBKKA3AABC03qO',
  }).map(([name, base64]) => [name, new Uint8Array(inflateSync(Buffer.from(base64, 'base64')))]),
);
const floats = { data: new Float32Array([1, -2.5]), shape: [2], dtype: '<f' };

test('an array that is too large for h5wasm is refused, and the next file is read', async () => {
  const large = await makeHdf5((file) => {
    addArray(file, floats, 2 ** 30 + 4);
    file.create_dataset({ name: 'padding', data: new Float32Array(1.2e6) });
  });
  await rejects(readHdf5(large), /0 takes 4294967312 bytes, more than h5wasm's memory has$/);
  (await fromKeras(h5, { simd })).run(ids);
});

test('arrays of every type that Keras writes are read', async () => {
  for (const [data, dtype, expected] of /** @type {[any, string, number[]][]} */ ([
    [new Float32Array([1, -2.5]), '<f', [1, -2.5]],
    [new Float64Array([1, -2.5]), '<d', [1, -2.5]],
    [new Int8Array([1, -3]), '<b', [1, -3]],
    [new Uint16Array([0x3f80, 0xc020]), '<H', [1, -2.5]], // bfloat16: h5py has no such type, and Keras says so in an attribute
  ])) {
    const bytes = await makeHdf5((file) => {
      const array = addArray(file, { data, shape: [2], dtype });
      if (dtype === '<H') array.create_attribute('dtype', 'bfloat16');
    });
    const { vars } = await readHdf5(bytes);
    assert.deepEqual([...(vars?.get('layers/dense/vars/0')?.data ?? [])], expected, dtype);
  }
  // h5wasm writes no float16, and no array whose values are in another file.
  const half = await readHdf5(byH5py.half);
  assert.deepEqual([...(half.vars?.get('layers/dense/vars/0')?.data ?? [])], [1, -2.5]);
  await rejects(readHdf5(byH5py.elsewhere), /0 is a view of other files$/);
  // This is more than the initial memory of h5wasm.
  const { vars } = await readHdf5(await makeHdf5((file) => addArray(file, floats, 6e6)));
  assert.equal(vars?.get('layers/dense/vars/0')?.data.length, 6e6);
});

test('h5wasm frees what it allocates to read a file', async ({ mock }) => {
  const bytes = await makeHdf5((file) => {
    file.create_attribute('keras_version', '3.5.0');
    file.create_group('layers');
  });
  const [texts, malloc, free] = await Promise.all(
    ['reclaim_vlen_memory', '_malloc', '_free'].map(async (name) => mock.method(/** @type {any} */ (await ready), name)),
  );
  assert.equal((await readHdf5(bytes)).kerasVersion, '3.5.0');
  assert.equal(texts.mock.callCount(), 1);
  await readHdf5(h5);
  const freed = free.mock.calls.map(({ arguments: [pointer] }) => pointer);
  assert.deepEqual(malloc.mock.calls.map(({ result }) => result), freed); // prettier-ignore
  assert.ok(freed.length > 3);
  const { FS } = await ready;
  assert.deepEqual(/** @type {any} */ (FS).readdir('.').filter((/** @type {string} */ name) => name.startsWith('padless-')), []); // prettier-ignore
});

test('a valid .h5 file that Keras did not write is refused, and the message says where it differs', async () => {
  /** @param {any} file @param {string[]} names */
  const layerNames = (file, names) => file.create_attribute('layer_names', names);
  /** Groups in groups, 17 levels deep; each group is linked under two names. @param {any} file */
  const doubled = (file) => {
    let path = '/layers';
    file.create_group('layers');
    for (let level = 0; level < 17; level++) {
      file.get(path).create_group('a');
      file.create_hard_link(`${path}/a`, `${path}/b`);
      path += '/a';
    }
  };
  /** @param {any} file */
  const inItself = (file) => {
    file.create_group('layers');
    file.create_hard_link('/layers', '/layers/a');
    file.create_dataset({ name: 'padding', data: new Float32Array(1000) });
  };
  /** Three arrays, of which any two are small enough. @param {any} file */
  const three = (file) => {
    addArray(file, floats, 6e6);
    for (const name of ['1', '2'])
      file
        .get('/layers/dense/vars')
        .create_dataset({ name, ...floats, maxshape: [null], chunks: [1024] })
        .resize([6e6]);
  };
  for (const [fill, message, Class] of /** @type {[(file: any) => void, RegExp, any?][]} */ ([
    [(file) => file.create_group('other'), /^the file: Keras did not write this HDF5 file: it has neither layer_names nor layers$/],
    [(file) => file.create_attribute('layer_names', [1, 2]), /attribute layer_names of \/ is not text$/],
    [(file) => layerNames(file, ['a']), /^the file: \/a is missing$/],
    [
      (file) => file.create_group('model_weights').create_group('top_level_model_weights').create_attribute('weight_names', ['w']),
      /the model has weights that belong to no layer; padless reads weights of layers$/,
      UnsupportedError,
    ],
    [(file) => addArray(file, floats, 2 ** 40), /0 takes 4398046511104 bytes, which is more than the file can hold$/],
    [three, /2 takes 24000000 bytes, which is more than the file can hold$/],
    [
      (file) => addArray(file, { ...floats, data: new Int32Array(2), dtype: '<i' }),
      /0 is of type int32; padless/,
      UnsupportedError,
    ],
    [(file) => addArray(file, { data: ['a', 'b'] }), /0 is of type \d+ of \d+ bytes; padless reads/, UnsupportedError],
    [inItself, / makes groups more than 64 deep$/],
    [doubled, / makes more than \d\d groups and arrays$/],
    [
      (file) => file.create_attribute('model_config', 'x'.repeat(JSON_MOST + 1)),
      /model_config has \d+ characters, at most \d+ are read$/,
    ],
  ]))
    await rejects(
      makeHdf5(fill).then((bytes) => readHdf5(bytes)),
      message,
      Class,
    );
});

test('a list that Keras split into several attributes is read', async () => {
  const bytes = await makeHdf5((file) => {
    ['a', 'b', 'c'].forEach((name) => file.create_group(name).create_attribute('weight_names', []));
    file.create_attribute('layer_names0', ['a', 'b']);
    file.create_attribute('layer_names1', ['c']);
  });
  assert.deepEqual(
    (await readHdf5(bytes)).layers?.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
});

test('a JSON file without a version is of Keras 3 if it names modules, otherwise of Keras 1; entries that are no layers are refused', async () => {
  const ones = (/** @type {number[]} */ ...shape) => ({
    data: new Float32Array(shape.reduce((a, b) => a * b)).fill(1),
    shape,
    dtype: '<f',
  });
  const weightsOf = (/** @type {Record<string, any>} */ arrays) =>
    makeHdf5((file) => {
      file.create_attribute('layer_names', ['a']);
      const group = file.create_group('a');
      group.create_attribute('weight_names', Object.keys(arrays));
      for (const [name, array] of Object.entries(arrays)) group.create_dataset({ name, ...array });
    });
  const old = { class_name: 'Dense', config: { name: 'a', output_dim: 2, batch_input_shape: [null, 3], activation: 'linear' } };
  const dense = { weights: await weightsOf({ a_W: ones(3, 2), a_b: ones(2) }), simd };
  const first = await fromKeras(strToU8(JSON.stringify({ class_name: 'Sequential', config: [old] })), dense);
  assert.deepEqual([...first.run([[1, 2, 3]])[0].data], [7, 7]);
  const lstm = { class_name: 'LSTM', module: 'keras.layers', config: { name: 'a', units: 1 } };
  const layers = [{ class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, null, 2] } }, lstm];
  const modern = { class_name: 'Sequential', module: 'keras', config: { name: 'm', layers } };
  const third = await fromKeras(strToU8(JSON.stringify(modern)), {
    weights: await weightsOf({ k: ones(2, 4), r: ones(1, 4), b: ones(4) }),
    simd,
  });
  const gate = 1 / (1 + Math.exp(-3));
  assert.ok(Math.abs(third.run([[[1, 1]]])[0].data[0] - gate * Math.tanh(gate * Math.tanh(3))) < 1e-6);
  for (const entry of [null, 5, 'x', []])
    await rejects(fromKeras(strToU8(JSON.stringify({ class_name: 'Sequential', config: [entry] })), dense), /./, PadlessError);
  // The weights in a .keras file may have the form of a .h5.
  const model = await fromKeras(zipSync({ ...unzipSync(keras), 'model.weights.h5': h5 }), { simd });
  assert.deepEqual(model.run(ids)[0].data, (await fromKeras(h5, { simd })).run(ids)[0].data);
});

test('a byte order mark at the start of a vocabulary is part of its first token, as in Keras', async () => {
  const layers = [
    { class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, null], dtype: 'string' } },
    { class_name: 'TextVectorization', config: { name: 'text_vectorization', vocabulary: null, standardize: null } },
    { class_name: 'Embedding', config: { name: 'embedding', input_dim: 4, output_dim: 2 } },
  ];
  const zip = zipSync({
    'config.json': strToU8(JSON.stringify({ class_name: 'Sequential', config: { name: 'm', layers } })),
    'metadata.json': strToU8('{"keras_version": "3.15.1"}'),
    'model.weights.h5': await makeHdf5((file) =>
      file
        .create_group('layers')
        .create_group('embedding')
        .create_group('vars')
        .create_dataset({ name: '0', data: new Float32Array(8), shape: [4, 2], dtype: '<f' }),
    ),
    'assets/layers/text_vectorization/vocabulary.txt': strToU8('\ufeffa\nb'),
  });
  const { text } = await fromKeras(zip, { simd });
  assert.deepEqual([...(text?.encode('\ufeffa b a').ids ?? [])], [2, 3, 1]);
});

const entries = unzipSync(keras);

test('a changed bit anywhere in a .keras is found, and the message names the entry', async () => {
  for (const level of /** @type {const} */ ([0, 6])) {
    const zip = zipSync(entries, { level });
    const weights = zipSync({ 'model.weights.h5': entries['model.weights.h5'] }, { level }).length - 200;
    // Offsets of the weights, stored and deflated.
    const start = Buffer.from(zip).indexOf('model.weights.h5') + 16;
    for (let n = 0; n < 40; n++) {
      const bytes = zip.slice();
      bytes[start + integer(20, weights - 1)] ^= 1 << integer(0, 7);
      await rejects(fromKeras(bytes, { simd }), /model\.weights\.h5|the zip of \d+ bytes is broken/);
    }
    const bytes = zip.slice();
    bytes[start + (weights >> 1)] ^= 4;
    if (level === 0)
      await rejects(fromKeras(bytes), /: model\.weights\.h5 has changed: its CRC-32 is [0-9a-f]{8}, the zip says [0-9a-f]{8}$/);
    (await fromKeras(zip, { simd })).run(ids);
  }
});

test('an error for an incomplete .keras names what is missing', async () => {
  for (const name of ['config.json', 'metadata.json', 'model.weights.h5']) {
    const rest = Object.fromEntries(Object.entries(entries).filter(([each]) => each !== name));
    await rejects(fromKeras(zipSync(rest)), new RegExp(`the zip has no ${name}`));
  }
  await rejects(
    fromKeras(zipSync({ ...entries, 'model.weights.h5': entries['model.weights.h5'].subarray(0, 5000) })),
    /model\.weights\.h5: 5000 bytes/,
  );
  await rejects(fromKeras(zipSync({ ...entries, 'config.json': strToU8('{') })), /config\.json: 1 bytes that are not JSON/);
  await rejects(fromKeras(zipSync({ ...entries, 'config.json': strToU8('[]') })), /expected|architecture/, PadlessError);
});

test('megabytes of brackets and of commas are refused before they are parsed', async () => {
  const memory = process.memoryUsage().rss;
  for (const json of ['['.repeat(30_000_000), '{"a":'.repeat(6_000_000), `[${'[],'.repeat(10_000_000)}]`]) {
    await rejects(
      fromKeras(zipSync({ ...entries, 'config.json': strToU8(json) }, { level: 1 })),
      /config\.json: \d+ bytes that are JSON with more than 4194304 values or 1000 levels$/,
    );
    const file = new Uint8Array(8 + json.length);
    new DataView(file.buffer).setUint32(0, json.length, true);
    file.set(strToU8(json), 8);
    await rejects(loadModel(file), /the header of \d+ bytes is JSON with more than 1048576 values or 1000 levels$/);
  }
  // When parsed, they take 1.5 GB and more.
  assert.ok(process.memoryUsage().rss - memory < 800e6, `${process.memoryUsage().rss - memory} bytes`);
});

test('error messages are short, whatever the file contains', async () => {
  const config = { class_name: 'Sequential', config: { name: 'm', layers: [{ class_name: 'x'.repeat(5_000_000), config: {} }] } };
  await rejects(
    fromKeras(zipSync({ ...entries, 'config.json': strToU8(JSON.stringify(config)) })),
    /^.{1000,2100}$/s,
    UnsupportedError,
  );
});

test('a deflated .keras is read; one that is too large when unpacked is refused before it is unpacked', async () => {
  const model = await fromKeras(zipSync(entries, { level: 9 }), { simd });
  assert.deepEqual(model.run(ids), (await fromKeras(keras, { simd })).run(ids));
  const zip = zipSync(entries, { level: 0 });
  const view = new DataView(zip.buffer);
  // The uncompressed size of each directory entry is 24 bytes after the start of its header.
  for (let at = zip.length - 4; at > 0; at--)
    if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 0xfffffff0, true);
  await rejects(fromKeras(zip), /says that \S+ has 4294967280 bytes, packed in \d+ of \d+/);
});

/** The positions of the entries in a zip's directory. @param {Uint8Array} zip */
function directory(zip) {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const found = [];
  let at = view.getUint32(zip.length - 22 + 16, true);
  for (let left = view.getUint16(zip.length - 22 + 10, true); left > 0; left--) {
    found.push(at);
    at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return { view, entries: found };
}

test('a zip whose entries overlap is refused before anything is unpacked, even if the entries are not needed', async () => {
  // Every entry unpacks the same bytes, so that a small file could unpack to gigabytes.
  const vocabularies = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`assets/${i}/vocabulary.txt`, new Uint8Array(i ? 0 : 2 ** 20)]),
  );
  for (const more of [vocabularies, { 'other.txt': strToU8('x'), 'another.txt': strToU8('y') }]) {
    const zip = zipSync({ ...entries, ...more });
    const { view, entries: places } = directory(zip);
    const names = Object.keys(more);
    const [first, ...others] = places.slice(-names.length);
    for (const at of others) {
      zip.copyWithin(at + 16, first + 16, first + 28);
      view.setUint32(at + 42, view.getUint32(first + 42, true), true);
    }
    let unpacked = 0;
    const counted = { unzipSync: (/** @type {any[]} */ ...args) => (unpacked++, /** @type {any} */ (unzipSync)(...args)) };
    await rejects(
      fromKeras(zip, { packages: { fflate: counted } }),
      new RegExp(`${names[0]} and ${names[1]} overlap in the zip, at byte \\d+$`),
    );
    assert.equal(unpacked, 0);
  }
});

test('incomplete, overlong and Zip64 directories are refused, and so are entries that padless does not read', async () => {
  /** @param {(view: DataView, first: number) => void} change  gets the position of the first entry in the directory */
  const changed = (change) => {
    const zip = keras.slice();
    const { view, entries: places } = directory(zip);
    change(view, places[0]);
    return zip;
  };
  const end = keras.length - 22;
  const { 'model.weights.h5': weights, ...others } = entries;
  const trailing = new Uint8Array(keras.length + 2 ** 16 + 100);
  trailing.set(keras);
  for (const [zip, message, Class] of /** @type {[Uint8Array, RegExp, any?][]} */ ([
    [trailing, /its directory is incomplete$/],
    [
      changed((view) => view.setUint16(end + 8, 0xffff, true)),
      /the zip is a Zip64; padless reads zips below 4 GB$/,
      UnsupportedError,
    ],
    [changed((view) => view.setUint16(end + 8, 10_001, true)), /the zip holds more than 10000 files$/],
    [changed((view, first) => view.setUint32(first + 42, keras.length, true)), /its directory is incomplete$/],
    [zipSync({ ...others, 'model.weights.npz': weights }), /the weights are an \.npz, padless reads \.h5$/, UnsupportedError],
    [
      zipSync({ ...entries, 'assets/a/vocabulary.txt': new Uint8Array(JSON_MOST + 1) }, { level: 1 }),
      /assets\/a\/vocabulary\.txt has 64000001 bytes, at most 64000000 are read$/,
    ],
  ]))
    await rejects(fromKeras(zip), message, Class);
  const unversioned = await fromKeras(zipSync({ ...entries, 'metadata.json': strToU8('{}') }), { simd });
  assert.deepEqual(unversioned.run(ids), (await fromKeras(keras, { simd })).run(ids));
});

test('a zip whose Zip64 directory lists other entries than its directory is refused', async () => {
  const end = keras.length - 22;
  /** Adds a Zip64 directory end and its locator, which fflate prefers. @param {number} count  of entries @param {number} [start]  of the directory */
  const zip64 = (count, start = new DataView(keras.buffer, keras.byteOffset).getUint32(end + 16, true)) => {
    const more = new DataView(new ArrayBuffer(56 + 20));
    for (const [at, value] of [[0, 0x06064b50], [24, count], [32, count], [48, start], [56, 0x07064b50], [64, end], [72, 1]]) more.setUint32(at, value, true); // prettier-ignore
    return new Uint8Array([...keras.subarray(0, end), ...new Uint8Array(more.buffer), ...keras.subarray(end)]);
  };
  const { entries: places } = directory(keras);
  const count = places.length;
  (await fromKeras(zip64(count), { simd })).run(ids);
  for (const [zip, message] of /** @type {[Uint8Array, RegExp][]} */ ([
    [zip64(count - 1), new RegExp(`: one directory of the zip lists ${count} entries, the other ${count - 1}$`)],
    [zip64(0), new RegExp(`: one directory of the zip lists ${count} entries, the other 0$`)],
    [zip64(count + 1), new RegExp(`: the two directories of the zip differ in entry ${count + 1}$`)],
    [zip64(count, places[1]), /: the two directories of the zip differ in entry 1$/],
    // The directory has an entry that does not begin as one.
    [Uint8Array.from(keras, (byte, i) => (i === places[1] ? 0 : byte)), /its directory is incomplete$/],
  ]))
    await rejects(fromKeras(zip), message);
});

test('a .keras whose directory lists the entries in another order is read', async () => {
  const zip = keras.slice();
  const { entries: places } = directory(zip);
  const end = zip.length - 22;
  const records = places.map((at, i) => keras.slice(at, places[i + 1] ?? end));
  let at = places[0];
  for (const record of records.reverse()) {
    zip.set(record, at);
    at += record.length;
  }
  assert.deepEqual((await fromKeras(zip, { simd })).run(ids), (await fromKeras(keras, { simd })).run(ids));
});

test('comments and extra fields in the directory of a .keras are skipped', async () => {
  const more = { comment: 'made by hand', extra: { 7: new Uint8Array(5) } };
  const commented = zipSync(Object.fromEntries(Object.entries(entries).map(([name, bytes]) => [name, [bytes, more]])));
  assert.deepEqual((await fromKeras(commented, { simd })).run(ids), (await fromKeras(keras, { simd })).run(ids));
});

test('a zip that contains a name twice is refused, even if the entry is not needed', async () => {
  const zip = zipSync({ ...entries, 'assets/a.txt': strToU8('x'), 'assets/b.txt': strToU8('y') });
  const { entries: places } = directory(zip);
  zip[places[places.length - 1] + 46 + 'assets/'.length] = 'a'.charCodeAt(0);
  await rejects(fromKeras(zip), /the zip holds "assets\/a\.txt" twice$/);
});

test('a zip that unpacks to more than 2 GB in all is refused, even if each entry is small enough', async () => {
  const packed = new Uint8Array(2 ** 20);
  const zip = zipSync({ ...entries, 'a.bin': packed, 'b.bin': packed, 'c.bin': packed }, { level: 0 });
  const { view, entries: places } = directory(zip);
  const sizes = places.slice(0, -3).map((at) => view.getUint32(at + 24, true));
  const rest = 2 ** 31 - sizes.reduce((a, b) => a + b);
  /** @param {number[]} last  sizes of the last entries */
  const load = (...last) => {
    places.slice(-3).forEach((at, i) => {
      view.setUint16(at + 10, 8, true);
      view.setUint32(at + 24, last[i], true);
    });
    return fromKeras(zip, { simd });
  };
  await rejects(load(2 ** 30, 2 ** 30, 2 ** 30), /the zip unpacks to 32\d{8} bytes, at most 2147483648 are read$/);
  await rejects(load(2 ** 30, 1, rest - 2 ** 30), /the zip unpacks to 2147483649 bytes, at most 2147483648 are read$/);
  (await load(2 ** 30, 0, rest - 2 ** 30)).run(ids);
});

test('if architecture and weights do not match, the error names the weight and both shapes', async () => {
  const config = JSON.parse(strFromU8(entries['config.json']));
  /** @param {(layers: any[]) => any[]} change */
  const changed = (change) =>
    fromKeras(
      zipSync({
        ...entries,
        'config.json': strToU8(JSON.stringify({ ...config, config: { ...config.config, layers: change(config.config.layers) } })),
      }),
      { simd },
    );
  const wider = (/** @type {any} */ entry) =>
    entry.class_name === 'LSTM' ? { ...entry, config: { ...entry.config, units: 6 } } : entry;
  await rejects(
    changed((layers) => layers.map(wider)),
    /lstm\.kernel is layers\/lstm\/cell\/vars\/0 of shape \[4,20\], expected \[4,24\]/,
  );
  await rejects(
    changed((layers) => [...layers, { class_name: 'Dense', config: { name: 'more', units: 2 } }]),
    /more\.kernel \[3,2\] is missing, expected at layers\/dense_1\/vars\/0/,
  );
  await rejects(
    changed((layers) => layers.slice(0, -1)),
    /layers\/dense\/vars\/0 \[5,3\], layers\/dense\/vars\/1 \[3\] is left over/,
  );
});

test('weights alone, an architecture alone, and files of other kinds are refused', async () => {
  await rejects(fromKeras(read('bilstm-tagger-json.weights.h5')), /holds only weights/, PadlessError);
  await rejects(fromKeras(read('bilstm-tagger-json.json')), /weights/, PadlessError);
  await rejects(fromKeras(new Uint8Array(1000)), /not JSON|neither/, PadlessError);
  await rejects(fromKeras(new Uint8Array(0)), /0 bytes/, PadlessError);
  await rejects(fromKeras(strToU8('{"modelTopology": {}}')), /fromTfjs/, PadlessError);
});

test('an error names a missing package and how to install it', async () => {
  await rejects(
    optionalPackage('h5wasm', 'File', 'model.h5: reading HDF5', undefined, (absent) =>
      Promise.reject(new Error('not found')).catch(absent),
    ),
    /h5wasm.*npm install -D h5wasm, or give it: \{ packages: \{ h5wasm \} \}/,
    UnsupportedError,
  );
});

test('packages that the caller passes are used, as modules or as functions', async () => {
  /** @type {string[]} */
  const asked = [];
  const given = await fromKeras(keras, {
    packages: { fflate: { unzipSync }, h5wasm: () => (asked.push('h5wasm'), import('h5wasm')) },
  });
  assert.deepEqual(asked, ['h5wasm']);
  assert.equal(given.parameters, (await fromKeras(keras, { packages: null })).parameters);
  const absent = { fflate: () => Promise.reject(new Error('no')) };
  await rejects(fromKeras(keras, { packages: absent }), /needs the package fflate, which is missing/, UnsupportedError);
  const wrong = /** @type {any} */ ({ h5wasm: {} });
  await rejects(
    fromKeras(keras, { packages: wrong }),
    /packages: h5wasm is not the exports of that package: it has no File/,
    ArgumentError,
  );
});
