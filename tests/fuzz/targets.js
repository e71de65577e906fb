/**
 * The targets of `make fuzz`: each makes a case from random numbers. A case succeeds or throws a PadlessError; anything else is a bug. Each has a good
 * input, too, whose answer must be the same after all other cases.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { loadModel } from 'padless';
import { fromFastText, fromKeras, fromOnnx, fromTfjs, fromTorch } from 'padless/import';
import { bits } from '../close.js';
import { changedBytes, changedJson, hostileText } from './mutations.js';
/** @typedef {import('./mutations.js').Random} Random */
/** @typedef {import('padless').Model} Model */
/** @typedef {{ tryOne: (random: Random) => unknown, good: import('./unharmed.js').Good }} Target  tryOne and good may return promises */

const root = new URL('../../', import.meta.url);
/** @param {string} path */
const read = (path) => new Uint8Array(readFileSync(new URL(path, root)));
/** Files of a folder that are small enough to be read thousands of times. @param {string} folder @param {RegExp} name */
const files = (folder, name) =>
  readdirSync(new URL(folder, root))
    .filter((file) => name.test(file))
    .map((file) => read(`${folder}${file}`))
    .filter(({ length }) => length < 100_000);

/**
 * @template File
 * @param {File[]} all @param {(file: File, random: Random) => File} change @param {(file: File) => Promise<Model>} load
 * @returns {Target}
 */
const changing = (all, change, load) => ({
  tryOne: (random) => load(change(random.choice(all), random)),
  /** The first file that padless reads: it refuses some of them. */
  good: async () => {
    for (const file of all) {
      const model = await load(file).catch(() => null);
      if (model) return model.save();
    }
    throw new Error('padless reads none of the files');
  },
});

/** @param {string} folder @param {RegExp} name @param {(bytes: Uint8Array) => Promise<Model>} load @returns {() => Target} */
const mutated = (folder, name, load) => () => {
  const all = files(folder, name);
  assert.ok(all.length > 0, folder);
  return changing(all, changedBytes, load);
};

/** A valid zip of a .keras file whose JSON is changed. */
function kerasJson() {
  const all = files('tests/models/keras-files/', /\.keras$/).map((bytes) => unzipSync(bytes));
  return changing(
    all,
    (entries, random) => {
      const name = random.choice(['config.json', 'config.json', 'metadata.json']);
      return { ...entries, [name]: strToU8(changedJson(strFromU8(entries[name]), random)) };
    },
    (entries) => fromKeras(zipSync(entries, { level: 0 })),
  );
}

function tfjs() {
  const shards = Object.fromEntries(
    readdirSync(new URL('tests/models/tfjs/', root))
      .filter((file) => file.endsWith('.bin'))
      .map((file) => [file, read(`tests/models/tfjs/${file}`)]),
  );
  const all = files('tests/models/tfjs/', /^(?!goldens).*\.json$/).map((bytes) => strFromU8(bytes));
  return changing(all, changedJson, (json) => fromTfjs({ ...shards, 'model.json': strToU8(json) }));
}

/** Changed files of torch.save, in both formats. */
function torch() {
  const { files: saved } = JSON.parse(gunzipSync(read('tests/models/torch/files.json.gz')).toString());
  const all = Object.values(saved).map(({ bytes }) => new Uint8Array(Buffer.from(bytes, 'base64')));
  const modules = [
    { type: 'Embedding', name: 'embed' },
    { type: 'GRU', name: 'rnn' },
  ];
  return changing(all, changedBytes, (bytes) => fromTorch(bytes, modules));
}

/** Files of padless whose settings are changed. */
function settings() {
  const all = files('tests/models/keras/', /\.safetensors$/).map((bytes) => {
    const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    return { header: JSON.parse(strFromU8(bytes.subarray(8, 8 + size))), data: bytes.subarray(8 + size) };
  });
  return changing(
    all,
    ({ header, data }, random) => {
      const padless = changedJson(header.__metadata__.padless, random);
      return { header: { ...header, __metadata__: { ...header.__metadata__, padless } }, data };
    },
    ({ header, data }) => {
      const start = strToU8(JSON.stringify(header));
      const bytes = new Uint8Array(8 + start.length + data.length);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(start.length), true);
      bytes.set(start, 8);
      bytes.set(data, 8 + start.length);
      return loadModel(bytes);
    },
  );
}

const shipped = ['langid/langid', 'langid-gru/langid-gru', 'langid-gru/langid-gru.int8', 'tagger/tagger', 'intents/intents'];
const load = (/** @type {string} */ name, /** @type {import('padless').Simd} */ simd = 'auto') =>
  loadModel(read(`web/models/${name}.safetensors`), { simd });

const answers = (/** @type {Model[]} */ models) => models.map((model) => model.predict('Nadia flew to Seoul on 3 May.'));

/** Hostile texts: tags are in order and inside the text, and a session gives the same answer after each edit. @returns {Promise<Target>} */
async function texts() {
  const models = await Promise.all(shipped.map((name) => load(name)));
  const tryOne = (/** @type {Random} */ random) => {
    const model = random.choice(models);
    const session = model.session();
    let text = '';
    for (let edit = 0; edit < 4; edit++) {
      const at = random.integer(0, text.length);
      text = text.slice(0, at) + hostileText(random.integer(0, 120), random) + text.slice(at + random.integer(0, 20));
      const answer = model.predict(text);
      assert.deepEqual(session.update(text), answer);
      let last = 0;
      for (const tag of answer.tags ?? []) {
        assert.ok(tag.start >= last && tag.end > tag.start && tag.end <= text.length, JSON.stringify([text, tag]));
        // Several tokens of one character, such as a ligature, have the same offsets.
        last = tag.start;
      }
    }
    session.close();
  };
  return { tryOne, good: () => answers(models) };
}

/** A text has the same bits alone and among others of any length, in both builds. @returns {Promise<Target>} */
async function padding() {
  const models = await Promise.all(
    shipped.flatMap((name) => [load(name, 'baseline'), load(name, 'relaxed').catch(() => load(name, 'baseline'))]),
  );
  const tryOne = (/** @type {Random} */ random) => {
    const model = random.choice(models);
    const list = Array.from({ length: random.integer(2, 6) }, () => hostileText(random.integer(0, 80), random));
    const all = model.predict(list);
    const one = random.integer(0, list.length - 1);
    const alone = model.predict(list[one]);
    assert.deepEqual(all[one], alone);
    const scores = (/** @type {any} */ answer) => bits(Float32Array.from(Object.values(answer.scores ?? {}).map(Number)));
    assert.deepEqual(scores(all[one]), scores(alone));
  };
  return { tryOne, good: () => answers(models) };
}

/** @type {Record<string, () => Target | Promise<Target>>} */
export const targets = {
  safetensors: mutated('tests/models/keras/', /\.safetensors$/, (bytes) => loadModel(bytes)),
  'settings of a model file': settings,
  '.keras': mutated('tests/models/keras-files/', /\.keras$/, (bytes) => fromKeras(bytes)),
  'JSON in a .keras': kerasJson,
  '.h5': mutated('tests/models/keras-files/', /-h5\.h5$/, (bytes) => fromKeras(bytes)),
  'TF.js model.json': tfjs,
  'state dict of torch.save': torch,
  ONNX: mutated('tests/models/onnx/', /\.onnx$/, (bytes) => fromOnnx(bytes)),
  fastText: mutated('tests/models/fasttext/', /\.(bin|ftz)$/, (bytes) => fromFastText(bytes)),
  'hostile texts, sessions, tags': texts,
  'padding and other rows change no bit': padding,
};
