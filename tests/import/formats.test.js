/** The list of formats: how a file is recognised by its content and name, alone and among other files. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
import { LoadError, loadModel, ModelFileError, UnsupportedError } from 'padless';
import { fromKeras, recognise } from 'padless/import';
import { formats } from '../../js/import/formats.js';
import { padless } from '../command.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = mkdtempSync(join(tmpdir(), 'padless-formats-'));
after(() => rmSync(folder, { recursive: true }));

/** @param {string} path */
const at = (path) => fileURLToPath(new URL(`../models/${path}`, import.meta.url));
/** @param {string} path */
const read = (path) => readFileSync(at(path));
const langid = readFileSync(new URL('../../web/models/langid-gru/langid-gru.safetensors', import.meta.url));
const tokenizer = JSON.stringify({ class_name: 'Tokenizer', config: { word_index: JSON.stringify({ paris: 1, berlin: 2 }) } });
/** @param {string} text */
const bytesOf = (text) => new TextEncoder().encode(text);
/** @param {any} source @param {any} [options] */
const titleOf = async (source, options) => (await recognise(source, options))?.format.title ?? null;

const keras = read('keras-files/bilstm-tagger.keras');
const h5 = read('keras-files/bilstm-stack-h5.h5');
const json = read('keras-files/bilstm-tagger-json.json');
const weights = read('keras-files/bilstm-tagger-json.weights.h5');
const tfjs = read('tfjs/nested.json');
const shard = read('tfjs/nested.bin');
const pickle = zipSync({ 'archive/data.pkl': new Uint8Array(9) });

test('a single file is recognised by its content, whatever its name is', async () => {
  for (const [title, bytes] of /** @type {[string, Uint8Array][]} */ ([
    ['a .keras file', keras],
    ['an HDF5 file of Keras', h5],
    ['the JSON of a Keras model', json],
    ['the JSON of a Keras model', bytesOf(JSON.stringify(json.toString()))],
    ['a TensorFlow.js model', tfjs],
    ['a file of torch.save', pickle],
    ['a classifier of fastText', read('fasttext/softmax.ftz')],
  ])) {
    assert.equal(await titleOf(bytes), title);
    assert.equal(await titleOf(new Blob([bytes])), title);
    assert.equal(await titleOf(new Response(bytes)), title);
    for (const name of ['model.bak', 'model.KERAS']) assert.equal(await titleOf({ [`some/where/${name}`]: bytes }), title);
    const file = join(folder, 'unnamed');
    writeFileSync(file, bytes);
    assert.equal(await titleOf(file), title);
  }
  assert.equal(await titleOf(bytesOf('nothing')), null);
  assert.equal(await titleOf(bytesOf(tokenizer)), null);
});

test('extensions may be upper or lower case; a file is a state dict if the caller gives modules', async () => {
  assert.equal(await titleOf({ 'A.SafeTensors': langid }), 'a padless model');
  assert.equal(await titleOf({ 'a.safetensors': langid }, { modules: [] }), 'a state dict of PyTorch in safetensors');
  const found = await recognise({ 'in/LANGID.SAFETENSORS': langid }, { simd });
  assert.equal(found?.name, 'LANGID.SAFETENSORS');
  assert.equal((await found?.read())?.predict('Guten Morgen, wie geht es Ihnen?').label, 'de');
  const output = join(folder, 'out.safetensors');
  const upper = join(folder, 'LANGID.SAFETENSORS');
  writeFileSync(upper, langid);
  assert.equal(padless('convert', upper, '-o', output).status, 0);
});

test('JSON is recognised by its keys, not by text inside its strings', async () => {
  const about = { ...JSON.parse(json.toString()), note: '"modelTopology"' };
  assert.equal(await titleOf(bytesOf(JSON.stringify(about))), 'the JSON of a Keras model');
  assert.equal(await titleOf({ 'labels.json': bytesOf('["class_name", "modelTopology"]') }), null);
  assert.equal(await titleOf({ 'other.json': bytesOf('{ "nested": { "class_name": "Dense" } }') }), null);
});

test('among several files the model is found, and the files that belong to it become its options', async () => {
  const labels = bytesOf('O\nPER\nLOC\n');
  const found = await recognise(
    {
      'm/labels.txt': labels,
      'm/tokenizer.json': bytesOf(tokenizer),
      'm/a.weights.H5': weights,
      'm/a.json': json,
      'm/b.bin': shard,
    },
    { simd },
  );
  assert.deepEqual([found?.format.title, found?.name], ['the JSON of a Keras model', 'a.json']);
  const model = await found?.read();
  assert.deepEqual(model?.outputs[0].labels, ['O', 'PER', 'LOC']);
  assert.ok(model?.text);
  const other = await recognise({ 'labels.txt': bytesOf('["x", "y", "z"]'), 'model.keras': keras }, { simd });
  assert.deepEqual((await other?.read())?.outputs[0].labels, ['x', 'y', 'z']);
  // Options of the caller take precedence.
  assert.deepEqual((await other?.read({ labels: ['1', '2', '3'] }))?.outputs[0].labels, ['1', '2', '3']);
  // A model of padless keeps what the options do not change.
  const own = await recognise({ 'm.safetensors': langid }, { simd });
  const [output] = (await loadModel(langid, { simd })).outputs;
  const changed = [
    await own?.read({ text: { maxlen: 5 } }),
    await own?.read({ labels: output.labels?.map((label) => `${label}!`) }),
  ];
  assert.deepEqual(changed[0]?.outputs, [output]);
  assert.deepEqual([changed[0]?.predict('Guten Morgen').truncated, changed[1]?.predict('Guten Morgen').label], [true, 'de!']);
  const shards = await recognise([new File([shard], 'nested.bin'), new File([tfjs], 'mine.json')], { simd });
  assert.equal(shards?.name, 'mine.json');
  assert.equal((await shards?.read())?.outputs.length, 1);
});

test('the description of a state dict is found among several files, whatever its name is', async () => {
  const modules = JSON.parse(read('torch/goldens.json').toString()).cases[0].architecture;
  const state = read('torch/bilstm-tagger.safetensors');
  for (const description of [modules, { modules }]) {
    const files = {
      'state.safetensors': state,
      'mine.json': bytesOf(JSON.stringify(description)),
      'labels.txt': bytesOf('x\ny\nz\n'),
    };
    const found = await recognise(files, { simd });
    assert.equal(found?.format.title, 'a state dict of PyTorch in safetensors');
    assert.deepEqual((await found?.read())?.outputs[0].labels, ['x', 'y', 'z']);
  }
  // Other JSON is not a description, and a description from the caller takes precedence.
  const other = { 'langid.safetensors': langid, 'a.json': bytesOf('[{ "kind": "LSTM" }]') };
  assert.equal(await titleOf(other), 'a padless model');
  assert.equal(await titleOf({ 'langid.safetensors': langid, 'a.json': bytesOf('[]') }), 'a padless model');
  const one = { 'a.safetensors': state, 'b.json': bytesOf('[{ "type": "Linear" }]') };
  assert.equal(await titleOf(one), 'a state dict of PyTorch in safetensors');
  const given = await recognise({ 'a.safetensors': state, 'b.json': bytesOf('[{ "type": "Nothing" }]') }, { modules, simd });
  assert.equal((await given?.read())?.outputs.length, 1);
});

test('a broken file with a known extension is refused by the reader of that extension', async () => {
  const garbage = bytesOf('garbage, garbage');
  for (const [name, said] of /** @type {[string, RegExp][]} */ ([
    ['a.keras', /^a\.keras: the zip of 16 bytes is broken or cut short/],
    ['a.h5', /^a\.h5: 16 bytes that are not a whole HDF5 file/],
    ['a.safetensors', /^safetensors: /],
  ])) {
    const found = await recognise({ [name]: garbage, 'b.bin': shard }, { simd });
    await assert.rejects(async () => found?.read(), { name: 'ModelFileError', message: said });
  }
  await assert.rejects(recognise({ 'a.json': garbage }), {
    name: 'ModelFileError',
    message: /^a\.json: 16 bytes that are not JSON/,
  });
  // With a model beside it, broken JSON is ignored.
  assert.equal(await titleOf({ 'a.json': garbage, 'b.h5': h5 }), 'an HDF5 file of Keras');
  // One that cannot be read is not.
  const unread = { 'b.ftz': read('fasttext/softmax.ftz'), 'a.json': join(folder, 'missing.json') };
  await assert.rejects(recognise(unread), (error) => error instanceof LoadError && /missing/.test(error.message));
});

test('the error for a file of another kind says what it is', async () => {
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82);
  const readme = bytesOf('# A model\n\nTrained on texts.\n');
  const page = bytesOf('<!DOCTYPE html>\n<title>404</title>\n');
  for (const [bytes, kind] of /** @type {[Uint8Array<ArrayBuffer>, string][]} */ ([
    [png, 'an image'],
    [readme, 'text'],
    [page, 'an HTML page: is the address right?'],
    [pickle, 'a zip, like .keras and .pt'],
    [h5, 'HDF5, like .h5 and .hdf5'],
    [json, 'JSON'],
  ])) {
    const said = (/** @type {any} */ error) => error instanceof ModelFileError && error.message.endsWith(`; it is ${kind}`);
    await assert.rejects(loadModel(bytes), said, kind);
    if (bytes.length > 100 || bytes === page) continue;
    for (const name of ['a.keras', 'a.h5', 'a.json', 'a.safetensors'])
      await assert.rejects(async () => (await recognise({ [name]: bytes, 'b.bin': shard }, { simd }))?.read(), said, name);
    await assert.rejects(fromKeras(bytes), said);
  }
});

test('the error for a pointer of Git LFS says how to get the file, whatever the file is', async () => {
  const pointer = bytesOf(`version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123456\n`);
  const said = (/** @type {any} */ error) =>
    error instanceof LoadError && error.message.endsWith(': a Git LFS pointer instead of the file; run git lfs pull to fetch it');
  await assert.rejects(loadModel(pointer), said);
  await assert.rejects(fromKeras(pointer), said);
  for (const name of ['a.keras', 'a.h5', 'model.json', 'a.safetensors'])
    await assert.rejects(async () => (await recognise({ [name]: pointer }, { simd }))?.read(), said, name);
  // The pointer may also replace a shard or the weights.
  await assert.rejects(async () => (await recognise({ 'model.json': tfjs, 'nested.bin': pointer }, { simd }))?.read(), said);
  await assert.rejects(fromKeras(json, { weights: pointer }), said);
});

test('a folder of TensorFlow.js is read; a SavedModel is refused', async () => {
  const saved = join(folder, 'saved');
  mkdirSync(saved);
  writeFileSync(join(saved, 'saved_model.pb'), '');
  await assert.rejects(
    async () => (await recognise(saved))?.read(),
    (error) => error instanceof UnsupportedError && /^saved: a SavedModel of TensorFlow; save the model as/.test(error.message),
  );
  const place = join(folder, 'tfjs');
  mkdirSync(place);
  writeFileSync(join(place, 'model.json'), tfjs);
  writeFileSync(join(place, 'nested.bin'), shard);
  assert.equal((await (await recognise(place, { simd }))?.read())?.outputs.length, 1);
});

test('fromKeras names the function that reads a file of another format', async () => {
  await assert.rejects(fromKeras(at('tfjs/nested.json')), /nested\.json: a TensorFlow\.js model; use fromTfjs/);
  await assert.rejects(fromKeras(pickle), UnsupportedError);
  await assert.rejects(fromKeras(bytesOf(tokenizer)), ModelFileError);
});

test('the help of convert names the extension of every format that it reads', () => {
  const help = padless('convert', '--help').stdout;
  for (const { importer, extensions } of formats)
    if (importer) for (const extension of extensions) assert.ok(help.includes(extension), extension);
});
