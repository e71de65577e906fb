/**
 * Files that torch.save wrote, from PyTorch 1.0 to the newest, in both formats: the tensors in them, and refused files.
 * tests/models/torch/make_files.py wrote files.json.gz.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { ModelFileError, PadlessError, UnsupportedError } from 'padless';
import { fromTorch, recognise } from 'padless/import';
import { listTensors } from '../../js/import/torch.js';
import { readTorch } from '../../js/import/torch-file.js';
import { random } from '../random.js';
import { says } from '../says.js';

const url = new URL('../models/torch/files.json.gz', import.meta.url);
const { torch, files, old } = JSON.parse(gunzipSync(readFileSync(url)).toString());
/** @param {string} base64 */
const decode = (base64) => new Uint8Array(Buffer.from(base64, 'base64'));
/** @param {string} name */
const bytesOf = (name) => decode(files[name].bytes);
/** The modules of Net in make_files.py. */
const modules = [
  { type: 'Embedding', name: 'embed' },
  { type: 'GRU', name: 'rnn' },
];
/** @param {string} text */
const escaped = (text) => new RegExp(text.replace(/[.()]/g, '\\$&'));

for (const [name, { tensors, refused }] of Object.entries(files)) {
  if (refused) {
    test(`${name} is refused, and the message says why`, async () => {
      await assert.rejects(readTorch(bytesOf(name), name), says(PadlessError, escaped(refused)));
      await assert.rejects(fromTorch(bytesOf(name), modules), says(PadlessError, escaped(refused)));
    });
    continue;
  }
  test(`${name} has the tensors that PyTorch ${torch} saved`, async () => {
    const found = await readTorch(bytesOf(name), name);
    const values = [...found.tensors].map(([key, { dtype, shape, data }]) => [
      key,
      [dtype, shape, Buffer.from(data).toString('hex')],
    ]);
    const own = values.filter(([key]) => !/^optimizer/.test(String(key)));
    assert.deepEqual(Object.fromEntries(own), tensors);
    assert.equal(found.prefix, name.startsWith('checkpoint') ? 'model.' : '');
  });
}

for (const { version, values, files: saved } of old) {
  test(`the files of ${version} are read`, async () => {
    for (const [kind, prefix] of [
      ['state', ''],
      ['checkpoint', 'state_dict.'],
    ]) {
      const { tensors } = await readTorch(decode(saved[kind]), kind);
      assert.deepEqual(
        [...tensors.keys()].sort(),
        Object.keys(values)
          .map((name) => prefix + name)
          .sort(),
      );
      for (const [name, [shape, expected]] of Object.entries(values)) {
        const tensor = tensors.get(prefix + name);
        const Values = tensor?.dtype === 'I64' ? BigInt64Array : Float32Array;
        assert.deepEqual(tensor?.shape, shape, name);
        assert.deepEqual(Array.from(new Values(tensor?.data.slice().buffer ?? new ArrayBuffer(0)), Number), expected, name);
      }
    }
    await assert.rejects(
      readTorch(decode(saved.whole), 'whole'),
      says(UnsupportedError, /whole: .*torch\.save\(model\.state_dict\(\)/),
    );
  });
}

test('a checkpoint with one state dict is read without a prefix, a file with several needs the prefix', async () => {
  const ids = [[1, 2, 4], [3]];
  const [expected] = (await fromTorch(bytesOf('state.zip'), modules)).run(ids);
  for (const [name, architecture] of /** @type {[string, any][]} */ ([
    ['state.legacy', modules],
    ['checkpoint.zip', modules],
    ['checkpoint.legacy', { prefix: 'model', modules }],
    ['parts.zip', { prefix: 'en', modules }],
    ['parts.legacy', { prefix: 'de.', modules }],
  ])) {
    const model = await fromTorch(bytesOf(name), architecture);
    assert.deepEqual(model.run(ids)[0], { ...expected, name: model.outputs[0].name });
  }
  const prefix =
    /embed\.weight is not in the state dict, which holds en\.embed\.weight, de\.embed\.weight; give \{ "prefix": "en", "modules"/;
  await assert.rejects(fromTorch(bytesOf('parts.zip'), modules), says(ModelFileError, prefix));
});

test('the error for a file of torch.save without a description of its modules lists its tensors', async () => {
  for (const name of ['state.zip', 'state.legacy'])
    await assert.rejects(
      async () => (await recognise({ 'a.pth': bytesOf(name) }))?.read(),
      says(
        UnsupportedError,
        /a\.pth: .*describe its modules \(padless convert --torch FILE\).* embed\.weight \[5,3\], rnn\.weight_ih_l0 \[6,3\]/,
      ),
    );
  const found = await recognise({ 'pytorch_model.bin': bytesOf('state.zip'), 'a.json': Buffer.from(JSON.stringify(modules)) });
  assert.equal((await found?.read())?.outputs.length, 1);
  assert.equal(found?.name, 'pytorch_model.bin');
  // The weights of a TensorFlow.js model have the same extension.
  const several = { 'a.bin': new Uint8Array(9), 'b.keras': new Uint8Array(9) };
  await assert.rejects(async () => (await recognise(several))?.read(), says(ModelFileError, /b\.keras/));
});

test('at most twenty tensors of a state dict are listed', () => {
  const listOf = (/** @type {number} */ count) =>
    listTensors(
      new Map(Array.from({ length: count }, (_, i) => [`t${i}`, { dtype: 'F32', shape: [i, 2], data: new Uint8Array() }])),
    );
  assert.match(listOf(20), /^t0 \[0,2\], .*, t19 \[19,2\]$/);
  assert.match(listOf(21), /^t0 \[0,2\], .*, t19 \[19,2\], and 1 more$/);
});

test('a file that is cut short or changed anywhere gives tensors or a PadlessError', async () => {
  const { integer, seed } = random();
  for (const name of ['state.legacy', 'views.legacy', 'checkpoint.legacy', 'state.zip', 'views.zip-protocol-4']) {
    const whole = bytesOf(name);
    for (let i = 0; i < 300; i++) {
      const bytes = i < 100 ? whole.slice(0, integer(0, whole.length - 1)) : whole.slice();
      for (let flips = i < 100 ? 0 : integer(1, 3); flips > 0; flips--) bytes[integer(0, bytes.length - 1)] = integer(0, 255);
      try {
        const { tensors } = await readTorch(bytes, name);
        for (const { data } of tensors.values()) assert.ok(data.length >= 0);
      } catch (error) {
        assert.ok(error instanceof PadlessError, `${name}, case ${i} of seed ${seed}: ${/** @type {any} */ (error).stack}`);
      }
    }
  }
});

test('a zip whose two directories differ is refused at once', async () => {
  const bytes = bytesOf('state.zip');
  const record = Buffer.from(bytes.buffer).lastIndexOf(Buffer.from([0x50, 0x4b, 6, 6]));
  assert.ok(record > 0);
  // The directory claims billions of entries, for which fflate would search.
  new DataView(bytes.buffer).setUint32(record + 32, 0xfffffff0, true);
  await assert.rejects(readTorch(bytes, 'a.pt'), says(ModelFileError, /a\.pt: the two directories of the zip differ in entry 1\d/));
});

test("a pickle's offsets, shapes and strides are checked against its storages", async () => {
  /** A zip of a pickle with one tensor. @param {string} offset @param {number[]} shape @param {number[]} strides @param {Uint8Array | null} [values] */
  const file = (offset, shape, strides, values = new Uint8Array(16)) => {
    const tuple = (/** @type {(number | string)[]} */ list) => `(${list.map((each) => `I${each}\n`).join('')}t`;
    const storage = '(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI4\ntQ';
    const pickle = `(dVx\nctorch._utils\n_rebuild_tensor_v2\n(${storage}I${offset}\n${tuple(shape)}${tuple(strides)}tRs.`;
    return zipSync({ 'a/data.pkl': Buffer.from(pickle), ...(values && { 'a/data/0': values }) }, { level: 0 });
  };
  const data = async (/** @type {Uint8Array} */ bytes) => (await readTorch(bytes, 'x.pt')).tensors.get('x')?.data;
  assert.equal((await data(file('1', [3], [1])))?.length, 12);
  await assert.rejects(data(file('2', [3], [1])), says(ModelFileError, /shape \[3\] ends at value 5 of its storage, which has 4/));
  await assert.rejects(data(file('0', [2, 2], [3, 1])), says(ModelFileError, /ends at value 5/));
  await assert.rejects(
    data(file('-1', [2], [1])),
    says(ModelFileError, /x\.pt: a tensor has no storage, or its offset, shape or strides are not integers/),
  );
  await assert.rejects(data(file('0', [2], [1, 1])), says(ModelFileError, /shape \[2\] has the strides \[1,1\]/));
  await assert.rejects(data(file('0', [2 ** 29], [0])), says(UnsupportedError, /repeats a storage of 16 bytes/));
  await assert.rejects(data(file('0', [2 ** 20, 2 ** 20], [0, 0])), says(PadlessError, /2\^30/));
  await assert.rejects(data(file('0', [4], [1], null)), says(ModelFileError, /no a\/data\/0/));
  // Other forms of tensors, and names that are refused.
  const storage = (/** @type {string} */ name) => `(Vstorage\nctorch\n${name}\nV0\nVcpu\nI4\ntQ`;
  const sizes = 'I0\n(I4\nt(I1\nt';
  const one = `ctorch._utils\n_rebuild_tensor\n(${storage('FloatStorage')}${sizes}tR`;
  const zip = (/** @type {string} */ pickle, more = {}) =>
    zipSync({ 'a/data.pkl': Buffer.from(pickle), 'a/data/0': new Uint8Array(16), ...more }, { level: 0 });
  for (const tensor of [
    one,
    `ctorch._utils\n_rebuild_parameter\n(${one}I00\nNtR`,
    `ctorch._utils\n_rebuild_parameter_with_state\n(${one}I00\nNNtR`,
    `ctorch.nn.parameter\nParameter\n(${one}tR`,
  ])
    assert.equal((await data(zip(`(dVx\n${tensor}s.`)))?.length, 16, tensor);
  for (const [bytes, message, Class] of /** @type {[Uint8Array, RegExp, any][]} */ ([
    [zip(`(dVx\n${one}s.`, { 'a/byteorder': Buffer.from('big') }), /values are in big-endian order/, UnsupportedError],
    [zip('(dVx\n(Vmodule\nNNNtQs.'), /a whole model, with its code/, UnsupportedError],
    [zip(`${one}.`), /one tensor, expected a dict of tensors/, UnsupportedError],
    [zip('cpathlib\nPath\n)R.'), /pathlib\.Path, expected a dict of tensors/, UnsupportedError],
    [
      zip(`(dVx\nctorch._utils\n_rebuild_tensor_v3\n(${storage('FloatStorage')}${sizes}I00\nNctorch\nFloatStorage\ntRs.`),
      /a tensor has dtype FloatStorage, expected one of float32,/,
      UnsupportedError,
    ],
  ]))
    await assert.rejects(readTorch(bytes, 'x.pt'), says(Class, message), String(message));
  const magic = '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.';
  for (const [rest, message, Class] of /** @type {[string, RegExp, any][]} */ ([
    ['I1000\n.', /version 1000 of torch\.save, expected 1001/, UnsupportedError],
    ['I1001\n.(dVlittle_endian\nI00\ns.', /values are in big-endian order/, UnsupportedError],
    ['I1001\n.(d.(d.I5\n.', /the keys of its storages are 5, expected a list/, ModelFileError],
    [
      'I1001\n.(d.(d.(V0\nl.\0\0\0\0\0\0\0\0',
      /storage "0" has 0 values, expected a storage that the pickle refers to/,
      ModelFileError,
    ],
  ]))
    await assert.rejects(readTorch(Buffer.from(magic + rest, 'latin1'), 'x.pt'), says(Class, message));
  const legacy = (/** @type {number} */ stored) =>
    Buffer.from(`${magic}I1001\n.(d.(dVx\n${one}s.(V0\nl.${String.fromCharCode(stored)}${'\0'.repeat(7 + 4 * stored)}`, 'latin1');
  assert.equal((await data(legacy(4)))?.length, 16);
  await assert.rejects(data(legacy(3)), says(ModelFileError, /storage "0" has 3 values, expected 4$/));
  await assert.rejects(readTorch(zipSync({ 'a/b': new Uint8Array(1) }), 'x.pt'), says(ModelFileError, /no data\.pkl/));
  await assert.rejects(
    readTorch(Uint8Array.of(0x80, 2, 0x4e, 0x2e), 'x.pt'),
    says(UnsupportedError, /a pickle that torch\.save did not write/),
  );
});
