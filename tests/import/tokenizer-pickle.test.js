/** Pickled Keras tokenizers, compared with their to_json(). make_tokenizers.py wrote tokenizers.json. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { UnsupportedError } from 'padless';
import { fromTorch, recognise } from 'padless/import';
import { readTokenizerPickle } from '../../js/import/tokenizer-pickle.js';
import { file, folder, padless } from '../command.js';
import { says } from '../says.js';

const { json, files } = JSON.parse(readFileSync(new URL('tokenizers.json', import.meta.url), 'utf8'));
const models = new URL('../models/torch/', import.meta.url);
const state = new URL('mean.safetensors', models);
const modules = JSON.parse(readFileSync(new URL('goldens.json', models), 'utf8')).cases.find(
  (/** @type {any} */ each) => each.name === 'mean',
).architecture;
const settingsOf = async (/** @type {any} */ tokenizer) => (await fromTorch(state, modules, { tokenizer })).text?.settings;
const bytesOf = (/** @type {string} */ name) => new Uint8Array(Buffer.from(files[name], 'base64'));

test('a pickled Tokenizer gives the settings of its JSON, a pickled word_index only the words', async () => {
  const expected = await settingsOf(json);
  assert.ok(expected);
  for (const name of ['tokenizer-2', 'tokenizer-4', 'tokenizer-keras3'])
    assert.deepEqual(await settingsOf(bytesOf(name)), expected, name);
  assert.deepEqual(await settingsOf(bytesOf('word-index')), await settingsOf(JSON.parse(json.config.word_index)));
  const found = await recognise({ 'a.safetensors': readFileSync(state), 't.pickle': bytesOf('tokenizer-4') }, { modules });
  assert.deepEqual((await found?.read())?.text?.settings, expected);
});

test('padless convert takes a pickled tokenizer, and refuses a pickle of anything else', async () => {
  const args = ['convert', file('state.safetensors', readFileSync(state)), '--torch', file('m.json', JSON.stringify(modules))];
  const out = `${folder}/out.safetensors`;
  const { status, stdout } = padless(...args, '--tokenizer', file('t.pickle', bytesOf('tokenizer-4')), '-o', out);
  assert.equal(status, 0);
  assert.match(stdout, /out\.safetensors/);
  const evil = file('evil.pickle', Buffer.from('\x80\x02cos\nsystem\nU\x04true\x85R.', 'latin1'));
  const { stderr } = padless(...args, '--tokenizer', evil, '-o', out);
  assert.match(
    stderr,
    /evil\.pickle: the pickle names os\.system, which padless does not read; padless reads a pickled Keras Tokenizer/,
  );
  const words = Buffer.from('\x80\x02](X\x01\x00\x00\x00aX\x01\x00\x00\x00be.', 'latin1');
  assert.deepEqual(readTokenizerPickle(words, 'words'), ['a', 'b']);
  const list = Uint8Array.of(0x80, 2, 0x4b, 7, 0x2e);
  await assert.rejects(settingsOf(list), says(UnsupportedError, /tokenizer: 7, expected a Keras Tokenizer with a word_index/));
});
