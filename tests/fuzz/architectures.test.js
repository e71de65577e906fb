/**
 * Changes one to three values in the architectures of the stored models. Each change gives a model that runs, or a PadlessError that
 * names the fault. A model answers the same twice, and the next model loads. PADLESS_SEED=N tries other changes; PADLESS_FUZZ=N sets their number.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { createModel, loadModel, PadlessError } from 'padless';
import { fromKeras, fromTfjs, fromTorch } from 'padless/import';
import { knownLayers } from '../../js/model/graph.js';
import { random } from '../random.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const many = Number(process.env.PADLESS_FUZZ ?? 1000);
const { seed, integer, choice, uniform } = random(Number(process.env.PADLESS_SEED ?? 1));

/** @type {[string, (file: string) => Promise<import('padless').Model>][]} */
const sources = [
  ['keras/*.safetensors', (file) => loadModel(file, { simd })],
  ['keras-files/*.keras', (file) => fromKeras(file, { simd })],
  ['old-keras/*.h5', (file) => fromKeras(file, { simd })],
  ['tfjs/*.json', (file) => fromTfjs(file, { simd })],
];
/** @type {{ name: string, settings: any }[]} */
const stored = [];
for (const [pattern, load] of sources) {
  const [folder, ending] = pattern.split('*');
  for (const file of readdirSync(new URL(`../models/${folder}`, import.meta.url)).filter((each) => each.endsWith(ending))) {
    const model = await load(fileURLToPath(new URL(`../models/${folder}${file}`, import.meta.url))).catch(() => null);
    if (model) stored.push({ name: file, settings: model.settings });
  }
}
const names = [...knownLayers(), 'InputLayer', 'StackedRNNCells', 'LSTMCell', 'Lambda', 'NotEqual', 'Nonsense'];
/** @type {any[]} */
const layers = stored.flatMap(({ settings }) => settings.architecture.config.layers ?? settings.architecture.config);
const options = layers.flatMap(({ config }) => Object.entries(config ?? {})).filter(([key]) => key !== 'name' && key !== 'layers');

const numbers = [-1, 0, 1, 2, 3, 0.5, -7, 1e9, 2 ** 31, 2 ** 40, 2 ** 53, 1e300, NaN, Infinity];
const others = [null, undefined, '', 'x', '3', true, false, [], {}, [1], [1, 2], [[]], { a: 1 }, [null], ['a', 0, 0, {}]];
/** Options that padless does not read. */
const unread = /initializer|regularizer|constraint|dtype|^module$|build_config|^seed$|trainable/;

/** Paths of all values below. @param {any} value @param {string[]} [path] @returns {string[][]} */
const places = (value, path = []) =>
  value === null || typeof value !== 'object'
    ? []
    : Object.keys(value)
        .filter((key) => !unread.test(key))
        .flatMap((key) => [[...path, key], ...places(value[key], [...path, key])]);

/** True if a path leads to an option of a layer. @param {string[]} path */
const isOption = (path) =>
  path.lastIndexOf('config') >= path.length - 3 && !/^(name|class_name|.*_nodes|.*_layers)$/.test(path.at(-1) ?? '');

/** A replacement for a value. @param {any} value @param {string} key @param {any} parent */
function changed(value, key, parent) {
  if (key === 'class_name') return choice(uniform() < 0.8 ? names : others);
  if (Array.isArray(parent) && value?.class_name && uniform() < 0.4) {
    const { inbound_nodes: nodes, config } = value;
    const other = choice(layers);
    return { ...other, ...(nodes && { inbound_nodes: nodes, name: value.name }), config: { ...other.config, name: config?.name } };
  }
  if (typeof value === 'boolean' && uniform() < 0.7) return !value;
  if (typeof value === 'number') return choice(uniform() < 0.75 ? numbers : [...others, String(value)]);
  if (Array.isArray(value) && uniform() < 0.6) return uniform() < 0.5 ? { ...value } : [...value, ...value];
  return choice([...others, ...numbers]);
}

/** @param {any} json  is changed @returns {string} how */
function mutate(json) {
  const gentle = uniform() < 0.5;
  return Array.from({ length: integer(1, 3) }, () => {
    const all = places(json);
    const some = gentle ? all.filter(isOption) : all;
    if (!some.length) return 'nothing is left';
    const path = choice(some);
    const key = /** @type {string} */ (path.at(-1));
    const parent = path.slice(0, -1).reduce((value, each) => value[each], json);
    const r = uniform();
    if (path.at(-2) === 'config' && r < 0.2) {
      const [option, value] = choice(options);
      parent[option] = structuredClone(uniform() < 0.5 ? value : choice([...numbers, ...others]));
      return `${path.slice(0, -1).join('.')}.${option} is ${JSON.stringify(parent[option])}`;
    }
    if (r < 0.3) {
      if (!Array.isArray(parent)) delete parent[key];
      else if (r < 0.25) parent.splice(Number(key), 1);
      else parent.splice(Number(key), 0, structuredClone(choice(parent)));
      return `${path.join('.')} is deleted, or another in front`;
    }
    parent[key] = structuredClone(changed(parent[key], key, parent));
    return `${path.join('.')} is ${JSON.stringify(parent[key])?.slice(0, 80)}`;
  }).join('; ');
}

class ManyWeights extends Error {}
/** @param {number[]} shape */
const size = (shape) => shape.reduce((product, length) => product * length, 1);

/** @param {import('padless/layers').Layer} root */
function weights(root) {
  const list = root.listWeights();
  if (!(list.reduce((sum, { spec }) => sum + size(spec.shape), 0) < 1e6)) throw new ManyWeights();
  return new Map(
    list.map(({ path, spec: { shape } }) => [
      path,
      { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => (((i * 7919) % 13) - 6) / 13) },
    ]),
  );
}

/** Rows of several lengths, one of them empty; null if the input of the model is too large. @param {import('../../js/model/graph.js').ModelInput} input */
function rowsOf({ shape, ids, vocabulary }) {
  /** @param {number} n */
  const vector = (n) => Array.from({ length: n }, (_, i) => (i % 5) / 5);
  const sequence = ids || shape.length > 1;
  const T = sequence ? Math.min(shape[0] ?? 4, 30) : 1;
  const width = size(/** @type {number[]} */ (sequence ? shape.slice(1) : shape));
  if (!(T * width < 1e5)) return null;
  if (!sequence) return [vector(width), vector(width)];
  return [T, 0, Math.max(1, T - 1)].map((length) =>
    Array.from({ length }, (_, t) => (ids ? Math.min(vocabulary - 1, 1 + (t % 3)) : vector(width))),
  );
}

/** @param {any} settings @param {any} [text] */
const create = ({ architecture, keras_version: kerasVersion, origin, outputs }, text) =>
  createModel({ architecture, kerasVersion, origin, outputs, text, weights, simd });

/** @param {any} settings @param {boolean} withText */
async function tryOut(settings, withText) {
  const model = await create(settings, withText ? (settings.text ?? { vocabulary: ['', '', 'a'] }) : undefined);
  const rows = model.inputs.map(rowsOf);
  if (!rows.every(Boolean)) return;
  const given = rows.length === 1 ? rows[0] : Object.fromEntries(model.inputs.map(({ name }, i) => [name, rows[i]]));
  const answer = () => {
    model.resetState();
    const outputs = model.run(/** @type {any} */ (given));
    for (const { shape, data } of outputs) assert.equal(data.length, size(shape));
    return outputs;
  };
  /** @type {any[]} */
  const answers = [];
  for (const work of [
    () => answers.push(answer()),
    () => model.trace(/** @type {any} */ (given)),
    () => model.text && model.predict(['aba', '']),
    () => answers.push(answer()),
  ])
    try {
      work();
    } catch (error) {
      if (!(error instanceof PadlessError)) throw error;
    }
  // The trace and the prediction have not changed the model's answer.
  assert.deepEqual(answers[1], answers[0]);
  await loadModel(model.save(), { simd });
}

test(`${many} randomly changed architectures give models that run, or a PadlessError (seed ${seed})`, async () => {
  assert.ok(stored.length > 150);
  const [{ settings: good }] = stored;
  const expected = (await create(good)).run([[1, 2], []]);
  let models = 0;
  for (let i = 0; i < many; i++) {
    const { name, settings } = structuredClone(choice(stored));
    const what = `${i}, ${name}: ${mutate(uniform() < 0.85 ? settings.architecture : settings)}`;
    try {
      await tryOut(settings, uniform() < 0.3);
      models++;
    } catch (error) {
      const known = error instanceof ManyWeights || (error instanceof PadlessError && !/cannot be built/.test(error.message));
      assert.ok(known, `${what}: ${/** @type {Error} */ (error)?.stack}`);
    }
    const peak = 1024 * process.resourceUsage().maxRSS;
    assert.ok(peak < 400e6, `${what}: the peak is ${peak} bytes`);
    if (i % 100 === 0) assert.deepEqual((await create(good)).run([[1, 2], []]), expected);
  }
  assert.ok(models > many / 5, `${models} of ${many} are models`);
});

test(`randomly changed files of importers give models, or a PadlessError (seed ${seed})`, async () => {
  const models = new URL('../models/', import.meta.url);
  /** @param {string} file */
  const read = (file) => new Uint8Array(readFileSync(new URL(file, models)));
  /** @type {{ name: string, json: any, load: (json: any) => Promise<any> }[]} */
  const files = [];
  for (const name of [
    'lstm-classifier',
    'bilstm-tagger',
    'two-inputs-two-outputs',
    'text-vectorization',
    'shared-layers',
    'attention-pooling-masked',
  ]) {
    const entries = unzipSync(read(`keras-files/${name}.keras`));
    const [config, metadata] = ['config', 'metadata'].map((each) => JSON.parse(strFromU8(entries[`${each}.json`])));
    const bytes = (/** @type {any} */ json) => strToU8(JSON.stringify(json) ?? '');
    const load = (/** @type {any} */ json) =>
      fromKeras(zipSync({ ...entries, 'config.json': bytes(json.config), 'metadata.json': bytes(json.metadata) }, { level: 0 }));
    files.push({ name, json: { config, metadata }, load });
  }
  for (const name of ['bigru-sum', 'nested', 'conv']) {
    const shards = Object.fromEntries(
      readdirSync(new URL('tfjs', models))
        .filter((each) => each.endsWith('.bin'))
        .map((each) => [each, read(`tfjs/${each}`)]),
    );
    const json = JSON.parse(strFromU8(read(`tfjs/${name}.json`)));
    files.push({ name, json, load: (each) => fromTfjs({ 'model.json': strToU8(JSON.stringify(each)), ...shards }) });
  }
  for (const { name, file, architecture: config, refused } of JSON.parse(strFromU8(read('torch/goldens.json'))).cases)
    if (!refused) files.push({ name, json: { config }, load: (json) => fromTorch(read(`torch/${file}`), json.config) });
  for (let i = 0; i < many / 2; i++) {
    const { name, json, load } = choice(files);
    const copy = structuredClone(json);
    const what = `${i}, ${name}: ${mutate(copy)}`;
    try {
      await load(copy);
    } catch (error) {
      assert.ok(
        error instanceof PadlessError && !/cannot be built/.test(error.message),
        `${what}: ${/** @type {any} */ (error)?.stack}`,
      );
    }
  }
  for (const { json, load } of files) await load(json);
});
