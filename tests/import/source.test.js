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
import { fromKeras, fromTfjs } from 'padless/import';

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
  await assert.rejects(fromTfjs({ 'nested.json': json, 'nested.bin': bin }), LoadError);
  await assert.rejects(fromTfjs(join(place, 'nothing')), LoadError);
  await assert.rejects(fromTfjs(new Uint8Array(json)), /nested\.bin is missing: no other file can be found beside bytes/);
  await assert.rejects(fromTfjs(/** @type {any} */ (3)), ArgumentError);
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
