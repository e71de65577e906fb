/**
 * `padless bench` beside onnxruntime-web: which tensors the engine gets, and what is said about its outputs.
 * Nothing stands in for TF.js, which is not a dependency: tests/models/speed.test.js compares with it where `make peers` has installed it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgumentError, createModel } from 'padless';
import { bench } from '../../js/tools/bench.js';
import { onnxPeer, tfjsPeer } from '../../js/tools/peers.js';
import { speed } from '../../js/tools/speed.js';
import { onnxGraph } from '../../web/onnx.js';
import { file } from '../command.js';
import { message, value } from '../import/onnx-writer.js';
import { functional, input, layer } from '../keras-json.js';
import { ort } from '../onnxruntime.js';
import { printed } from '../printed.js';
import { random } from '../random.js';
import { says } from '../says.js';

/** @typedef {import('../../web/onnx.js').DataType} DataType */
/** @typedef {import('../../web/onnx.js').OnnxNode} OnnxNode */

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

/**
 * onnxruntime-web with a graph whose outputs are its inputs as float32.
 * @param {any[]} inputs  of the model @param {Record<string, DataType>} theirs
 * @param {Record<string, (number | string)[]>} [shapes] @param {string} [chosen]
 */
async function echo(inputs, theirs, shapes, chosen) {
  const nodes = Object.keys(theirs).map((name) => ({
    op: 'Cast',
    inputs: [name],
    outputs: [`${name} given`],
    attributes: { to: 1 },
  }));
  const bytes = onnxGraph({ nodes, inputs: theirs, outputs: nodes.flatMap(({ outputs }) => outputs), ...(shapes && { shapes }) });
  return (await onnxPeer(file('model.onnx', bytes), chosen))(/** @type {any} */ ({ inputs }));
}

const [flat, vectors] = [
  [3, 4, 5, 6],
  [1, 2, 3, 4],
];
for (const [what, inputs, theirs, given] of /** @type {[string, any[], Record<string, DataType>, [number[], number[]][]][]} */ ([
  ['ids', [tokens], { a: 'int64' }, [[[2, 2], flat]]],
  ['words of characters', [words], { a: 'int32' }, [[[2, 2, 3], batch.words.flat(2)]]],
  ['words of any length', [{ ...words, shape: [null, null] }], { a: 'int32' }, [[[2, 2, 3], batch.words.flat(2)]]],
  [
    'values',
    [frames],
    { a: 'float32' },
    [
      [
        [2, 2, 2],
        [1, 2, 3, 4, 5, 6, 7, 8],
      ],
    ],
  ],
  ['vectors', [features], { a: 'float32' }, [[[2, 2], vectors]]],
  [
    'a mask and lengths',
    [tokens],
    { the_mask: 'bool', a: 'float32', lens: 'int32' },
    [
      [
        [2, 2],
        [1, 1, 1, 1],
      ],
      [[2, 2], flat],
      [[2], [2, 2]],
    ],
  ],
  ['a name that only looks like a mask', [tokens], { masked: 'int32' }, [[[2, 2], flat]]],
  [
    'several inputs by their names',
    [tokens, features],
    { features: 'float32', tokens: 'int32' },
    [
      [[2, 2], vectors],
      [[2, 2], flat],
    ],
  ],
  [
    'several inputs in their order',
    [features, tokens],
    { a: 'float32', b: 'int32' },
    [
      [[2, 2], vectors],
      [[2, 2], flat],
    ],
  ],
]))
  test(`onnxruntime-web gets ${what} in the shape and type of the graph's inputs`, async () => {
    const outputs = await (await echo(inputs, theirs)).prepare(batch, 2, 2)();
    const expected = Object.keys(theirs).map((name, i) => ({
      name: `${name} given`,
      shape: given[i][0],
      data: Float32Array.from(given[i][1]),
    }));
    assert.deepEqual(outputs, expected);
  });

test('the size of a batch and the number of steps are those that the graph fixes', async () => {
  const fixed = async (/** @type {(number | string)[]} */ shape) => {
    const { rows, steps } = await echo([tokens], { the_mask: 'bool', a: 'int32' }, { the_mask: [7, 7], a: shape });
    return [rows, steps];
  };
  assert.deepEqual(await fixed([1, 'time']), [1, null]);
  assert.deepEqual(await fixed(['batch', 5]), [null, 5]);
  // Some exporters write -1 for a size that may vary. onnxruntime-web reports 2^32 - 1, and takes any size.
  assert.deepEqual(await fixed([-1, -1]), [null, null]);
  assert.deepEqual(await fixed(['batch', 0]), [null, null]);
  const open = await echo([tokens], { a: 'int32' }, { a: [-1, -1] });
  assert.deepEqual(await open.prepare(batch, 2, 2)(), [{ name: 'a given', shape: [2, 2], data: Float32Array.from(flat) }]);
  assert.equal((await echo([frames], { a: 'float32' }, { a: [1, 7, 2] })).steps, 7);
  const { rows, steps } = await echo(
    [features, tokens],
    { features: 'float32', tokens: 'int32' },
    { features: [1, 2], tokens: [1, 'time'] },
  );
  assert.deepEqual([rows, steps], [1, null], 'a vector has no steps');
});

test('only the float32 outputs of a graph are compared, and it runs on one thread', async () => {
  const nodes = [
    { op: 'Cast', inputs: ['a'], outputs: ['scores'], attributes: { to: 1 } },
    { op: 'ArgMax', inputs: ['scores'], outputs: ['label'], attributes: { axis: 1, keepdims: 0 } },
  ];
  const scores = onnxGraph({ nodes, inputs: { a: 'int32' }, outputs: ['scores'] });
  // The fields of protobuf messages that follow one another are merged: this adds an output of type int64 to the graph.
  const label = message([[7 /* graph */, [[12 /* output */, value('label', 7, ['B'])]]]]);
  ort.env.wasm.numThreads = 2;
  const open = await onnxPeer(file('label.onnx', Buffer.concat([scores, label])), undefined);
  assert.equal(ort.env.wasm.numThreads, 1);
  const peer = await open(/** @type {any} */ ({ inputs: [tokens] }));
  assert.equal(peer.name, `onnxruntime-web ${ort.env.versions.web}`);
  assert.deepEqual(await peer.prepare(batch, 2, 2)(), [{ name: 'scores', shape: [2, 2], data: Float32Array.from(flat) }]);
});

test('inputs of a graph that do not fit the model, and errors of onnxruntime-web, are said in one line', async () => {
  const two = [tokens, features];
  for (const [work, said] of /** @type {[() => Promise<any>, RegExp][]} */ ([
    [() => echo(two, { a: 'int32' }, undefined, 'a'), /^--input needs a model with one input, .* tokens, features$/],
    [() => echo([tokens], { a: 'int32' }, undefined, 'b'), /there is no input b, expected one of a$/],
    [() => echo(two, { a: 'int32' }), /inputs a for the model's tokens, features: it is not clear/],
    [() => echo([tokens], { a: 'int8' }), /model\.onnx: input a has type int8, expected one of float32, int32, int64, bool$/],
  ]))
    await assert.rejects(work(), says(ArgumentError, said));
  const peer = await echo([tokens], { a: 'int32' }, { a: [1, 2] });
  await assert.rejects(peer.prepare(batch, 2, 2)(), (/** @type {any} */ error) => {
    assert.match(error.cause.message, /\n/);
    return says(ArgumentError, /model\.onnx: onnxruntime-web: [^\n]*invalid dimensions for input: a[^\n]*$/)(error);
  });
});

test('--tfjs refuses a file that is no layers model', async () => {
  for (const content of [{}, { modelTopology: {}, format: 'graph-model' }, null])
    await assert.rejects(
      tfjsPeer(file('model.json', JSON.stringify(content))),
      says(ArgumentError, /model\.json: expected a TF\.js layers model$/),
    );
});

const { normal } = random();
const table = { shape: [9, 2], data: normal(18, 1) };
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
  weights: () => new Map([['table.embeddings', table]]),
});
const saved = model.save();

/**
 * The same model in ONNX, with further nodes that read its outputs. `by` is added to the second value of mean.
 * @param {{ nodes?: OnnxNode[], constants?: Record<string, import('../../web/onnx.js').Constant>, outputs?: string[], by?: number, rows?: number | string, steps?: number | string }} [options]
 */
function onnx({ nodes = [], constants = {}, outputs = ['sum', 'mean'], by = 0, rows = 'B', steps = 'T' } = {}) {
  const bytes = onnxGraph({
    nodes: [
      { op: 'Gather', inputs: ['table', 'words'], outputs: ['rows'] },
      { op: 'ReduceMean', inputs: ['rows'], outputs: ['of words'], attributes: { axes: [2], keepdims: 0 } },
      { op: 'ReduceMean', inputs: ['of words'], outputs: ['of rows'], attributes: { axes: [1], keepdims: 0 } },
      { op: 'Add', inputs: ['of rows', 'features'], outputs: ['sum'] },
      { op: 'Add', inputs: ['of rows', 'by'], outputs: ['mean'] },
      ...nodes,
    ],
    constants: {
      table: { type: 'float32', ...table },
      by: { type: 'float32', shape: [2], data: [0, by] },
      ...constants,
    },
    inputs: { words: 'int32', features: 'float32' },
    shapes: { words: [rows, steps, 4], features: [rows, 2] },
    outputs,
  });
  return file('same.onnx', bytes);
}

/** Measures the model beside this file. @param {string} path */
const beside = async (path) => speed(saved, { budget: 1, lengths: [2, 3], peers: [await onnxPeer(path, undefined)] });

test('another engine is timed for each batch, and only for those of its fixed size', async () => {
  const begun = performance.now();
  const { engines, runs, differences } = await beside(onnx());
  const elapsed = performance.now() - begun;
  for (const { first } of engines) assert.ok(first >= 0 && first <= elapsed, `${first} of ${elapsed} ms`);
  const own = engines.length - 1;
  assert.equal(engines[own].memory, null);
  assert.ok(differences.length === 1 && differences[0].most < 1e-6, JSON.stringify(differences));
  const timed = (/** @type {typeof runs} */ all) => all.map(({ rows, steps, ms }) => [rows, steps, ms.length, ms[own] !== null]);
  assert.deepEqual(timed(runs), [
    [1, 2, own + 1, true],
    [32, 2, own + 1, true],
    [1, 3, own + 1, true],
    [32, 3, own + 1, true],
  ]);
  assert.deepEqual(timed((await beside(onnx({ rows: 32, steps: 5 }))).runs), [
    [1, 5, own + 1, false],
    [32, 5, own + 1, true],
  ]);
});

test('outputs of another engine are compared by name, otherwise in their order, and NaN differs', async () => {
  const nodes = ['sum', 'mean'].map((name, i) => ({ op: 'Identity', inputs: [name], outputs: [`output_${i}`] }));
  for (const options of [
    { outputs: ['mean', 'sum'] },
    { nodes, outputs: ['output_0', 'output_1'] },
    { nodes, outputs: ['sum', 'output_1'] },
  ])
    assert.ok((await beside(onnx(options))).differences[0].most < 1e-6);
  const [{ most, where }] = (await beside(onnx({ by: 0.5 }))).differences;
  assert.ok(Math.abs(most - 0.5) < 1e-6);
  assert.match(where, /^value \d*[13579] of mean \[(1|32),2\] is \S+, in padless \S+$/);
  assert.equal((await beside(onnx({ by: NaN }))).differences[0].most, Infinity);
});

test('outputs of other shapes are refused', async () => {
  const constants = { one: { type: 'int64', shape: [1], data: [1] } };
  const nodes = [
    { op: 'Identity', inputs: ['sum'], outputs: ['a'] },
    { op: 'Gather', inputs: ['mean', 'one'], outputs: ['b'], attributes: { axis: 1 } },
  ];
  for (const [options, said] of /** @type {[any, RegExp][]} */ ([
    [
      { constants, nodes, outputs: ['a', 'b'] },
      /^onnxruntime-web \S+: output b has shape \[1,1\], padless has output 1, mean, of shape \[1,2\]$/,
    ],
    [{ outputs: ['sum'] }, /^onnxruntime-web \S+: 1 outputs, padless has output 1, mean, of shape \[1,2\]$/],
  ]))
    await assert.rejects(beside(onnx(options)), says(ArgumentError, said));
});

test('bench prints a dash where an engine does not take the batch', async () => {
  const text = await printed(() => bench(file('beside.safetensors', saved), { onnx: onnx({ rows: 1, steps: 2 }) }, {}));
  assert.match(text, /^ {3}1 x 2 .* \d[\d.]* {2}\d+\.\d\d$/m);
  assert.match(text, /^ {2}32 x 2 .* \d[\d.]* +-$/m);
});
