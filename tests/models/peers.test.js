/**
 * `padless bench` beside other engines, with stand-ins for onnxruntime-web and TF.js: which tensors they get, and what is said about their outputs.
 * tests/models/speed.test.js runs the engines themselves, where they are installed.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ArgumentError, createModel } from 'padless';
import { bench } from '../../js/tools/bench.js';
import { onnxPeer, tfjsPeer } from '../../js/tools/peers.js';
import { speed } from '../../js/tools/speed.js';
import { file, folder } from '../command.js';
import { functional, input, layer } from '../keras-json.js';
import { printed } from '../printed.js';
import { random } from '../random.js';
import { says } from '../says.js';

process.chdir(folder);

/**
 * A package of the project in the current folder, with the exports that the test has set.
 * @param {string} name @param {string} path @param {any} exported
 */
function standIn(name, path, exported) {
  const at = join(folder, 'node_modules', name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'package.json'), JSON.stringify({ type: 'module', exports: { [path]: './index.js' } }));
  writeFileSync(
    join(at, 'index.js'),
    `export const { ${Object.keys(exported).join(', ')} } = globalThis[${JSON.stringify(name)}];\n`,
  );
  Object.assign(globalThis, { [name]: exported });
}

/** The graph that the stand-in for onnxruntime-web runs. @type {any} */
const graph = {};
/** @type {any} */
const env = { wasm: {}, versions: { web: '9.9' } };
standIn('onnxruntime-web', './wasm', {
  env,
  InferenceSession: {
    create: async () => {
      if (graph.broken) throw graph.broken;
      return graph;
    },
  },
  Tensor: class {
    /** @param {string} type @param {any} data @param {number[]} dims */
    constructor(type, data, dims) {
      Object.assign(this, { type, data, dims });
    }
  },
});
const onnx = file('model.onnx', 'a stand-in');
/** Inputs of models. */
const [tokens, words, frames, features] = [
  { name: 'tokens', ids: true, shape: [null] },
  { name: 'words', ids: true, shape: [null, 3] },
  { name: 'frames', ids: false, shape: [null, 2] },
  { name: 'features', ids: false, shape: [2] },
];
/** A batch of 2 rows with 2 steps. */
const batch = {
  tokens: [[3, 4], Int32Array.of(5, 6)],
  // prettier-ignore
  words: [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [1, 2, 3]]],
  frames: [
    [Float32Array.of(1, 2), Float32Array.of(3, 4)],
    [Float32Array.of(5, 6), Float32Array.of(7, 8)],
  ],
  features: [Float32Array.of(1, 2), Float32Array.of(3, 4)],
};

/** @param {any[]} inputs  of the model @param {[name: string, type: string, shape?: any[]][]} theirs @param {string} [chosen] */
async function onnxFeeds(inputs, theirs, chosen) {
  graph.inputMetadata = theirs.map(([name, type, shape]) => ({ name, type, shape }));
  const peer = await (await onnxPeer(onnx, chosen))(/** @type {any} */ ({ inputs }));
  /** @type {any} */
  let feeds;
  graph.run = async (/** @type {any} */ given) => {
    feeds = given;
    return {};
  };
  await peer.prepare(batch, 2, 2)();
  const given = Object.values(feeds).map(({ type, data, dims }) => [type, dims, Array.from(data, Number), data.constructor.name]);
  return { peer, names: Object.keys(feeds), given };
}

const flat = [3, 4, 5, 6];
for (const [what, inputs, theirs, given] of /** @type {[string, any[], [string, string][], any[][]][]} */ ([
  ['ids', [tokens], [['a', 'int64']], [['int64', [2, 2], flat, 'BigInt64Array']]],
  ['words of characters', [words], [['a', 'int32']], [['int32', [2, 2, 3], batch.words.flat(2), 'Int32Array']]],
  [
    'words of any length',
    [{ ...words, shape: [null, null] }],
    [['a', 'int32']],
    [['int32', [2, 2, 3], batch.words.flat(2), 'Int32Array']],
  ],
  ['values', [frames], [['a', 'float32']], [['float32', [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8], 'Float32Array']]],
  ['vectors', [features], [['a', 'float32']], [['float32', [2, 2], [1, 2, 3, 4], 'Float32Array']]],
  [
    'a mask and lengths',
    [tokens],
    [
      ['the_mask', 'bool'],
      ['a', 'float32'],
      ['lens', 'int32'],
    ],
    [
      ['bool', [2, 2], [1, 1, 1, 1], 'Uint8Array'],
      ['float32', [2, 2], flat, 'Float32Array'],
      ['int32', [2], [2, 2], 'Int32Array'],
    ],
  ],
  ['a name that only looks like a mask', [tokens], [['masked', 'int32']], [['int32', [2, 2], flat, 'Int32Array']]],
  [
    'several inputs by their names',
    [tokens, features],
    [
      ['features', 'float32'],
      ['tokens', 'int32'],
    ],
    [
      ['float32', [2, 2], [1, 2, 3, 4], 'Float32Array'],
      ['int32', [2, 2], flat, 'Int32Array'],
    ],
  ],
  [
    'several inputs in their order',
    [features, tokens],
    [
      ['a', 'float32'],
      ['b', 'int32'],
    ],
    [
      ['float32', [2, 2], [1, 2, 3, 4], 'Float32Array'],
      ['int32', [2, 2], flat, 'Int32Array'],
    ],
  ],
]))
  test(`onnxruntime-web gets ${what} in the shape and type of the graph's inputs`, async () => {
    const got = await onnxFeeds(inputs, theirs);
    assert.deepEqual(
      got.names,
      theirs.map(([name]) => name),
    );
    assert.deepEqual(got.given, given);
  });

test('the size of a batch and the number of steps are those that the graph fixes', async () => {
  const fixed = async (/** @type {any[]} */ shape) => {
    const { peer } = await onnxFeeds(
      [tokens],
      [
        ['the_mask', 'bool', [7, 7]],
        ['a', 'int32', shape],
      ],
    );
    return [peer.rows, peer.steps];
  };
  assert.deepEqual(await fixed([1, 'time']), [1, null]);
  assert.deepEqual(await fixed(['batch', 5]), [null, 5]);
  assert.deepEqual(await fixed([-1, 0]), [null, null]);
  assert.equal((await onnxFeeds([frames], [['a', 'float32', [1, 7, 2]]])).peer.steps, 7);
  const { peer } = await onnxFeeds(
    [features, tokens],
    [
      ['features', 'float32', [1, 2]],
      ['tokens', 'int32', [1, 'time']],
    ],
  );
  assert.deepEqual([peer.rows, peer.steps], [1, null], 'a vector has no steps');
});

test('only the float32 outputs of a graph are compared, and it runs on one thread', async () => {
  const { peer } = await onnxFeeds([tokens], [['a', 'int32']]);
  assert.deepEqual([peer.name, env.wasm.numThreads], ['onnxruntime-web 9.9', 1]);
  const data = Float32Array.of(1, 2);
  graph.run = async () => ({
    label: { type: 'int64', dims: [2], data: [1n, 0n] },
    scores: { type: 'float32', dims: [2, 1], data },
  });
  assert.deepEqual(await peer.prepare(batch, 2, 2)(), [{ name: 'scores', shape: [2, 1], data }]);
});

test('inputs of a graph that do not fit the model, and its errors, are said in one line', async () => {
  const two = [tokens, features];
  await assert.rejects(
    onnxFeeds(two, [['a', 'int32']], 'a'),
    says(ArgumentError, /^--input needs a model with one input, .* tokens, features$/),
  );
  await assert.rejects(onnxFeeds([tokens], [['a', 'int32']], 'b'), says(ArgumentError, /there is no input b, expected one of a$/));
  await assert.rejects(
    onnxFeeds(two, [['a', 'int32']]),
    says(ArgumentError, /inputs a for the model's tokens, features: it is not clear/),
  );
  await assert.rejects(
    onnxFeeds([tokens], [['a', 'string']]),
    says(ArgumentError, /model\.onnx: input a has type string, expected one of float32, int32, int64, bool$/),
  );
  const { peer } = await onnxFeeds([tokens], [['a', 'int32']]);
  graph.run = () => Promise.reject(new Error('no kernel\nat node 3'));
  await assert.rejects(peer.prepare(batch, 2, 2)(), says(ArgumentError, /model\.onnx: onnxruntime-web: no kernel$/));
  graph.broken = new Error('no graph\nat byte 3');
  await assert.rejects(onnxFeeds([tokens], [['a', 'int32']]), says(ArgumentError, /model\.onnx: onnxruntime-web: no graph$/));
  delete graph.broken;
});

/** A model of the stand-in for TF.js. @type {any} */
let theirs;
/** What the stand-in for TF.js was given. @type {any} */
const seen = { disposed: 0 };
standIn('@tensorflow/tfjs', '.', {
  version: { tfjs: '4.9' },
  setBackend: async (/** @type {string} */ name) => name === seen.backend,
  tensor: (/** @type {number[]} */ values, /** @type {number[]} */ shape, /** @type {string} */ type) => [type, shape, values],
  loadLayersModel: async (/** @type {any} */ { load }) => {
    seen.loaded = await load();
    if (theirs instanceof Error) throw theirs;
    return theirs;
  },
});
standIn('@tensorflow/tfjs-backend-wasm', '.', { setThreadsCount: (/** @type {number} */ count) => (seen.threads = count) });

/** @param {any} [more] */
const tfjs = (more) =>
  file(
    'model.json',
    JSON.stringify({
      modelTopology: {},
      weightsManifest: [
        { paths: ['one.bin', 'two.bin'], weights: [{ name: 'a' }] },
        { paths: ['three.bin'], weights: [{ name: 'b' }, { name: 'c' }] },
      ],
      ...more,
    }),
  );
['one', 'two', 'three'].forEach((name, i) => file(`${name}.bin`, Uint8Array.of(i, i)));
const output = (/** @type {number[]} */ ...values) => ({
  shape: [values.length],
  dataSync: () => Float32Array.from(values),
  dispose: () => seen.disposed++,
});

test('TF.js gets all shards of the weights in their order, and runs on one thread', async () => {
  seen.backend = 'wasm';
  theirs = {
    inputs: [{ shape: [null, 5] }],
    inputNames: ['a'],
    outputNames: ['scores'],
    predict: (/** @type {any} */ x) => output(...x[2]),
  };
  const peer = await (await tfjsPeer(tfjs()))(/** @type {any} */ ({ inputs: [tokens] }));
  const { weightData, weightSpecs } = seen.loaded;
  assert.deepEqual([...new Uint8Array(weightData)], [0, 0, 1, 1, 2, 2]);
  assert.deepEqual(weightSpecs, [{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
  assert.deepEqual([peer.name, peer.rows, peer.steps, seen.threads], ['TF.js 4.9 wasm', null, 5, 1]);
  assert.deepEqual(await peer.prepare(batch, 2, 2)(), [{ name: 'scores', shape: [4], data: Float32Array.of(3, 4, 5, 6) }]);
});

test('TF.js gets ids as int32 and values as float32, and the tensors of its outputs are released', async () => {
  theirs = {
    inputs: [{ shape: [1, null] }, { shape: [1, null, 2] }, { shape: [1, null] }],
    inputNames: ['tokens', 'frames', 'mask'],
    outputNames: ['one', 'two'],
    predict: (/** @type {any[]} */ given) => ((seen.given = given), [output(1), output(2, 3)]),
  };
  const peer = await (await tfjsPeer(tfjs()))(/** @type {any} */ ({ inputs: [frames, tokens] }));
  assert.deepEqual([peer.rows, peer.steps], [1, null]);
  seen.disposed = 0;
  assert.deepEqual(await peer.prepare(batch, 2, 2)(), [
    { name: 'one', shape: [1], data: Float32Array.of(1) },
    { name: 'two', shape: [2], data: Float32Array.of(2, 3) },
  ]);
  assert.equal(seen.disposed, 2);
  assert.deepEqual(seen.given, [
    ['int32', [2, 2], flat],
    ['float32', [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]],
    ['int32', [2, 2], [1, 1, 1, 1]],
  ]);
});

test('a file that is no layers model, and errors of TF.js, are said in one line', async () => {
  for (const other of [{ modelTopology: undefined }, { format: 'graph-model' }])
    await assert.rejects(tfjsPeer(tfjs(other)), says(ArgumentError, /model\.json: expected a TF\.js layers model$/));
  await assert.rejects(tfjsPeer(file('null.json', 'null')), says(ArgumentError, /null\.json: expected a TF\.js layers model$/));
  const open = async () => (await tfjsPeer(tfjs({ weightsManifest: undefined })))(/** @type {any} */ ({ inputs: [tokens] }));
  theirs = new Error('unknown layer\nat load');
  await assert.rejects(open(), says(ArgumentError, /model\.json: TF\.js: unknown layer$/));
  seen.backend = 'cpu';
  await assert.rejects(open(), says(ArgumentError, /^--tfjs: the wasm backend of TF\.js does not start$/));
});

const { weights } = random();
/** A model of words of four characters and of vectors, with two outputs. */
const model = await createModel({
  architecture: functional(
    [
      input('words', [null, 4]),
      layer('Embedding', 'table', { input_dim: 9, output_dim: 2 }, ['words']),
      layer('TimeDistributed', 'per_word', { layer: { class_name: 'GlobalAveragePooling1D', config: { name: 'of' } } }, ['table']),
      layer('GlobalAveragePooling1D', 'mean', {}, ['per_word']),
      input('features', [2]),
      layer('Add', 'sum', {}, ['mean', 'features']),
    ],
    ['words', 'features'],
    ['sum', 'mean'],
  ),
  weights,
});
const saved = model.save();
/** @typedef {{ name: string, shape: number[], data: Float32Array }} Output */
/**
 * Measures the model beside an engine that gives the answers of padless, changed.
 * @param {(outputs: Output[]) => Output[]} change @param {{ rows?: number | null, steps?: number | null }} [fixed]
 */
async function beside(change, { rows = null, steps = null } = {}) {
  /** @type {number[][]} */
  const prepared = [];
  const peer = {
    name: 'other',
    rows,
    steps,
    prepare(/** @type {any} */ given, /** @type {number} */ B, /** @type {number} */ T) {
      prepared.push([B, T, given.words.length, given.words[0].length, given.words[0][0].length, given.features[0].length]);
      return async () => change(/** @type {Output[]} */ (model.run(given)));
    },
  };
  return { prepared, ...(await speed(saved, { budget: 1, lengths: [2, 3], peers: [async () => peer] })) };
}

test('another engine is timed for each batch, and only for those of its fixed size', async () => {
  const start = performance.now();
  const every = await beside((outputs) => outputs);
  const elapsed = performance.now() - start;
  for (const { first } of every.engines) assert.ok(first >= 0 && first <= elapsed, `${first} of ${elapsed} ms`);
  const sizes = [
    [1, 2],
    [32, 2],
    [1, 3],
    [32, 3],
  ].map(([B, T]) => [B, T, B, T, 4, 2]);
  assert.deepEqual(every.prepared, [sizes[0], ...sizes]);
  assert.deepEqual(every.differences, [{ name: 'other', most: 0, where: '' }]);
  const own = every.engines.length - 1;
  assert.equal(every.engines[own].memory, null);
  const some = await beside((outputs) => outputs, { rows: 32, steps: 5 });
  assert.deepEqual(some.prepared, [
    [32, 5, 32, 5, 4, 2],
    [32, 5, 32, 5, 4, 2],
  ]);
  assert.deepEqual(
    some.runs.map(({ rows, steps, ms }) => [rows, steps, ms.length, ms[own] === null]),
    [
      [1, 5, own + 1, true],
      [32, 5, own + 1, false],
    ],
  );
});

test('outputs of another engine are compared by name, otherwise in their order, and NaN differs', async () => {
  const renamed = (/** @type {Output[]} */ outputs) => outputs.map((each, i) => ({ ...each, name: `output_${i}` }));
  for (const change of [(/** @type {Output[]} */ outputs) => outputs.toReversed(), renamed])
    assert.equal((await beside(change)).differences[0].most, 0);
  const off =
    (/** @type {number} */ by) =>
    (/** @type {Output[]} */ [sum, mean]) => [sum, { ...mean, data: mean.data.map((value, k) => (k === 1 ? value + by : value)) }];
  const [{ most, where }] = (await beside(off(0.5))).differences;
  assert.ok(Math.abs(most - 0.5) < 1e-6);
  assert.match(where, /^value 1 of mean \[1,2\] is \S+, in padless \S+$/);
  assert.equal((await beside(off(NaN))).differences[0].most, Infinity);
});

test('outputs of other shapes are refused', async () => {
  const cut = (/** @type {Output[]} */ [sum, mean]) => [sum, { ...mean, shape: [1], data: mean.data.slice(1) }];
  await assert.rejects(
    beside(cut),
    says(ArgumentError, /^other: output mean has shape \[1\], padless has output 1, mean, of shape \[1,2\]$/),
  );
  await assert.rejects(
    beside(([sum]) => [sum]),
    says(ArgumentError, /^other: 1 outputs, padless has output 1, mean, of shape \[1,2\]$/),
  );
});

test('bench prints a dash where an engine does not take the batch', async () => {
  graph.inputMetadata = [
    { name: 'words', type: 'int32', shape: [1, 2, 4] },
    { name: 'features', type: 'float32', shape: [1, 2] },
  ];
  graph.run = async (/** @type {any} */ { words: { data }, features: { data: values } }) => {
    const outputs = model.run({ words: { data, shape: [1, 2, 4] }, features: { data: values, shape: [1, 2] } });
    return Object.fromEntries(outputs.map(({ name, shape, data: each }) => [name, { type: 'float32', dims: shape, data: each }]));
  };
  const text = await printed(() => bench(file('beside.safetensors', saved), { onnx }, {}));
  assert.match(text, /^ {3}1 x 2 .* \d[\d.]* {2}\d+\.\d\d$/m);
  assert.match(text, /^ {2}32 x 2 .* \d[\d.]* +-$/m);
});
