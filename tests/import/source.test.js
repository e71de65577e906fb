/**
 * The sources that importers accept: paths, folders, URLs, lists of files, objects of bytes; one file, or several that belong together.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ArgumentError, LoadError } from 'padless';
import { fromFastText, fromKeras, fromOnnx, fromTfjs, recognise } from 'padless/import';
import { reading } from '../../js/import/finish.js';
import { readSource } from '../../js/file/read-source.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../models/tfjs/', import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL('goldens.json', folder), 'utf8'));
const { inputs, shape } = cases.find((/** @type {any} */ each) => each.name === 'nested');
/** @param {any} source */
const answers = async (source) => assert.deepEqual((await fromTfjs(source, { simd })).run(inputs)[0].shape, shape);

test('a TF.js model may be a URL, a path, a folder, files by name or a list of files', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'padless #1?-'));
  t.after(() => rmSync(place, { recursive: true }));
  cpSync(new URL('nested.json', folder), join(place, 'model.json'));
  cpSync(new URL('nested.bin', folder), join(place, 'nested.bin'));
  await answers(new URL('nested.json', folder));
  await answers(new URL('nested.json', folder).href);
  await answers(fileURLToPath(new URL('nested.json', folder)));
  await answers(join(place, 'model.json'));
  await answers(`${place}/`);
  await answers(place);
  const [json, bin] = ['nested.json', 'nested.bin'].map((name) => readFileSync(new URL(name, folder)));
  await answers({ 'model.json': json, 'nested.bin': bin });
  await answers({ 'some/where/model.json': new Blob([json]), 'some/where/nested.bin': new Blob([bin]) });
  await answers([new File([bin], 'nested.bin'), new File([json], 'model.json')]);
  const missing = (/** @type {string} */ text) => (/** @type {any} */ error) =>
    error instanceof LoadError && error.message === text;
  await assert.rejects(
    fromTfjs({ 'nested.json': json, 'nested.bin': bin }),
    missing('model.json is not among the files nested.json, nested.bin'),
  );
  await assert.rejects(fromTfjs({}), missing('model.json is not among the files (none)'));
  await assert.rejects(fromTfjs({ 'model.json': json }), missing('nested.bin is missing; given are model.json'));
  // Two files with the same name in different folders: neither is taken.
  await assert.rejects(
    fromTfjs({ 'model.json': json, 'a/nested.bin': bin, 'b/nested.bin': bin }),
    missing('nested.bin is missing; given are model.json, a/nested.bin, b/nested.bin'),
  );
  await assert.rejects(fromTfjs(join(place, 'nothing')), LoadError);
  await assert.rejects(fromTfjs(new Uint8Array(json)), /nested\.bin is missing: no other file can be found beside bytes/);
});

test('what is not a file, a signal or a function is refused', async () => {
  for (const source of /** @type {any[]} */ ([null, undefined, 3, true, Symbol('x'), () => 1]))
    for (const read of [fromKeras, fromTfjs, fromOnnx, fromFastText, recognise, readSource])
      await assert.rejects(read(source), ArgumentError, `${read.name} ${String(source)}`);
  for (const source of /** @type {any[]} */ ([[null], { a: null }, { length: 2 }]))
    for (const read of [fromTfjs, fromOnnx, recognise])
      await assert.rejects(read(source), says(ArgumentError, /^the source is (null|undefined), expected a URL, a path/));
  const options = /** @type {[any, RegExp][]} */ ([
    [{ signal: true }, /^signal is true, expected an AbortSignal$/],
    [{ signal: {} }, /^signal is \{\}, expected an AbortSignal$/],
    [{ onProgress: 5 }, /^onProgress is 5, expected a function$/],
  ]);
  for (const [given, message] of options) await assert.rejects(readSource(Uint8Array.of(1), given), says(ArgumentError, message));
  assert.deepEqual(await readSource(Uint8Array.of(1), /** @type {any} */ ({ signal: null, onProgress: null })), Uint8Array.of(1));
});

test('a signal that was aborted before rejects with its reason, whatever the source is', async () => {
  const reason = new Error('no longer needed');
  for (const source of [
    Uint8Array.of(1),
    new Uint8Array(1).buffer,
    new Blob(['x']),
    new Response('x'),
    fileURLToPath(import.meta.url),
    import.meta.url,
  ])
    await assert.rejects(readSource(source, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
});

test('whatever a reader throws becomes an error of padless that quotes it', () => {
  for (const [thrown, message] of /** @type {[any, string][]} */ ([
    [new RangeError('Invalid array length'), 'a.h5 cannot be read: Invalid array length'],
    ['a text', 'a.h5 cannot be read: a text'],
    [undefined, 'a.h5 cannot be read: undefined'],
  ])) {
    const read = () => {
      throw thrown;
    };
    assert.throws(() => reading('a.h5', read), { name: 'ModelFileError', message, cause: thrown });
  }
});

test('progress is told with the size that the response states, and errors name the address', async (t) => {
  const bytes = new Uint8Array(300_000).fill(7);
  const server = createServer(({ url }, response) => {
    if (url === '/none') return void response.writeHead(404).end();
    if (url === '/pointer') return void response.end('version https://git-lfs.github.com/spec/v1\n');
    if (url === '/sized') response.setHeader('content-length', bytes.length);
    response.write(bytes.subarray(0, 1000));
    if (url !== '/endless') response.end(bytes.subarray(1000));
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', () => listening(undefined)));
  t.after(() => (server.closeAllConnections(), server.close()));
  const base = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`;
  for (const [path, total] of /** @type {const} */ ([
    ['/sized', bytes.length],
    ['/open', null],
  ])) {
    // prettier-ignore
    /** @type {{ loaded: number, total: number | null }[]} */
    const told = [];
    assert.deepEqual(await readSource(base + path, { onProgress: (each) => told.push(each) }), bytes);
    assert.deepEqual(told.at(-1), { loaded: bytes.length, total });
    assert.ok(told.every((each, i) => each.total === total && each.loaded > (told[i - 1]?.loaded ?? 0)));
  }
  // A response may have no body.
  assert.equal((await readSource(new Response(null), { onProgress: () => assert.fail('there are no bytes') })).length, 0);
  const status = / HTTP status 404 while fetching the model$/;
  await assert.rejects(readSource(`${base}/none`), says(LoadError, new RegExp(`^${base}/none:${status.source}`)));
  await assert.rejects(readSource(new Response(null, { status: 404 })), says(LoadError, new RegExp(`^response:${status.source}`)));
  for (const source of [`${base}/pointer`, new URL('/pointer', base)])
    await assert.rejects(
      readSource(source),
      says(LoadError, new RegExp(`^${base}/pointer: a Git LFS pointer instead of the file`)),
    );
  const controller = new AbortController();
  const endless = readSource(`${base}/endless`, { signal: controller.signal, onProgress: () => controller.abort() });
  await assert.rejects(endless, { name: 'AbortError' });
  await assert.rejects(readSource('http://127.0.0.1:1/x'), says(LoadError, /^http:\/\/127\.0\.0\.1:1\/x: fetch failed: ./));
  const used = new Response('x');
  await used.text();
  await assert.rejects(readSource(used), LoadError);
});

test('over HTTP, shards are requested beside their model.json with the same query', async (t) => {
  /** @type {string[]} */
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const name = new URL(request.url ?? '', 'http://x').pathname.replace('/models/', '').replace('model.json', 'nested.json');
    try {
      response.end(readFileSync(new URL(name, folder)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', () => listening(undefined)));
  t.after(() => server.close());
  const base = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}/models/`;
  await answers(`${base}nested.json?key=1#top`);
  assert.deepEqual(asked.splice(0), ['/models/nested.json?key=1', '/models/nested.bin?key=1']);
  // Options for fetch apply to the shards, too.
  const integrity = /nested\.json: fetch failed: integrity mismatch$/;
  await assert.rejects(fromTfjs(`${base}nested.json`, { fetch: { integrity: `sha256-${'A'.repeat(43)}=` } }), integrity);
  asked.splice(0);
  await answers(new URL(base));
  await answers(await fetch(`${base}nested.json`));
  assert.equal(asked.filter((url) => url === '/models/nested.bin').length, 2);
  await assert.rejects(fromTfjs(`${base}nothing.json`), LoadError);
});

test('a Keras model may be a URL, a path, bytes, a Blob or a Response; loading can be aborted', async () => {
  const file = new URL('../models/keras-files/lstm-classifier.keras', import.meta.url);
  const bytes = readFileSync(file);
  for (const source of [
    file,
    fileURLToPath(file),
    bytes,
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
    new Blob([bytes]),
    new Response(bytes),
  ])
    (await fromKeras(/** @type {any} */ (source), { simd })).run([[1]]);
  await assert.rejects(fromKeras(file, { signal: AbortSignal.abort() }), { name: 'AbortError' });
});
