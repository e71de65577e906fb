/**
 * Passes absurd values as every argument and option of every function: the call gives a PadlessError or an answer, and the next call works.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createModel, init, loadModel, PadlessError } from 'padless';
import { fromKeras, fromTfjs, fromTorch } from 'padless/import';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
/** @param {string} name */
const read = (name) => new Uint8Array(readFileSync(new URL(`../models/${name}`, import.meta.url)));
const file = read('keras/bidirectional-concat-sequences.safetensors');
const keras = read('keras-files/lstm-classifier.keras');

const detached = new Float32Array(4);
structuredClone(detached.buffer, { transfer: [detached.buffer] });
/** @type {any[]} */
const circle = [];
circle[0] = circle;
const number = { valueOf: () => 3 };
/** @type {any[]} */
const absurd = [
  ...[
    null,
    undefined,
    NaN,
    Infinity,
    -1,
    0,
    0.5,
    3,
    1e10,
    2 ** 53,
    '',
    'x',
    '3',
    true,
    3n,
    Symbol('s'),
    () => 3,
    /x/,
    new Date(NaN),
  ],
  ...[
    [],
    [[]],
    [[[]]],
    [null],
    [[null]],
    [[1, null]],
    [1, 2],
    [['a']],
    Object.assign([], { 0: 'a', 2: 'b' }),
    new Array(5),
    [new Array(3)],
    [[1n]],
    [[0.5]],
  ],
  ...[[[NaN]], [[1e10]], [[-1]], [[Symbol('y')]], [[number]], circle, new Map([['a', 1]]), new Set([1]), Promise.resolve(3)],
  ...[{ length: 2 }, { length: -1 }, { length: 1.5 }, { length: 1e9 }, { length: 2 ** 40 }, [{ length: 1e9 }], { length: '2' }],
  ...[detached, detached.buffer, new SharedArrayBuffer(8), new Float32Array(new SharedArrayBuffer(8)), new BigInt64Array(2)],
  ...[new DataView(new ArrayBuffer(8)), new ArrayBuffer(8), [new BigInt64Array([1n, 2n ** 60n])], new Proxy([[1]], {})],
  ...[
    new Proxy({}, { get: () => 3 }),
    Object.create(null),
    { lengths: null },
    { lengths: [1e10] },
    { lengths: [2n] },
    { lengths: 'x' },
  ],
  ...[
    { mask: 3 },
    { mask: [[Symbol('m')]] },
    { mask: circle },
    { data: [1], shape: [1, 3, 1] },
    { data: [Symbol('d')], shape: [1, 1, 1] },
  ],
  ...[
    { data: [], shape: [NaN] },
    { data: [1, 2], shape: [1, -2, -1] },
    { data: { length: 1e9 }, shape: [1e9, 1, 1] },
    { signal: 3 },
  ],
  ...[
    { simd: 3n },
    { module: 3 },
    { module: new Uint8Array(8) },
    { cell: 'GRU' },
    new Response(null, { status: 404 }),
    new Blob(['x']),
  ],
  ...[
    '/nowhere',
    '\ud800',
    'file://x',
    { class_name: 'Sequential', config: circle },
    { vocabulary: 3 },
    [{ name: {}, kind: 'tags', labels: 3 }],
  ],
];

test('absurd arguments are refused quickly with a PadlessError, and the next call works', async () => {
  const [model, typing, pl] = await Promise.all([
    loadModel(file, { simd }),
    fromKeras(keras, { simd, text: { vocabulary: ['', '', 'a', 'b'] }, labels: ['x', 'y', 'z'] }),
    init({ simd }),
  ]);
  const x = { data: [1, 2, 3, 4, 5, 6], shape: [1, 3, 2] };
  /** @param {...number} shape */
  const zeros = (...shape) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
  const gru = { cell: /** @type {const} */ ('GRU'), kernel: zeros(2, 9), recurrentKernel: zeros(3, 9) };
  const architecture = {
    class_name: 'Sequential',
    config: { name: 'm', layers: [{ class_name: 'Embedding', config: { name: 'e', input_dim: 3, output_dim: 2 } }] },
  };
  const weights = () => new Map([['e.embeddings', zeros(3, 2)]]);
  /** @type {Record<string, (value: any) => any>} */
  const calls = {
    'run(v)': (v) => model.run(v),
    'run(rows, v)': (v) => model.run([[1, 2]], v),
    'run(rows, { mask })': (v) => model.run([[1, 2]], { mask: v }),
    'run(rows, { lengths })': (v) => model.run([[1, 2]], { lengths: v }),
    'trace(v)': (v) => typing.trace(v),
    'predict(v)': (v) => typing.predict(v),
    'predict([v])': (v) => typing.predict([v]),
    'loadModel(v)': (v) => loadModel(v),
    'loadModel(file, v)': (v) => loadModel(file, v),
    'loadModel(file, { signal })': (v) => loadModel(file, { signal: v }),
    'loadModel(file, { simd })': (v) => loadModel(file, { simd: v }),
    'loadModel(file, { module })': (v) => loadModel(file, { module: v }),
    'loadModel(file, { customLayers })': (v) => loadModel(file, { customLayers: v }),
    'createModel({ architecture })': (v) => createModel({ architecture: v, weights }),
    'createModel({ weights })': (v) => createModel({ architecture, weights: v }),
    'createModel({ weights() })': (v) => createModel({ architecture, weights: () => v }),
    'createModel({ text })': (v) => createModel({ architecture, weights, text: v }),
    'createModel({ outputs })': (v) => createModel({ architecture, weights, outputs: v }),
    'createModel({ kerasVersion })': (v) => createModel({ architecture, weights, kerasVersion: v }),
    'fromKeras(v)': (v) => fromKeras(v),
    'fromKeras(file, v)': (v) => fromKeras(keras, v),
    'fromKeras(file, { tokenizer })': (v) => fromKeras(keras, { tokenizer: v }),
    'fromKeras(file, { labels })': (v) => fromKeras(keras, { labels: v }),
    'fromTfjs(v)': (v) => fromTfjs(v),
    'fromTfjs({ model.json })': (v) => fromTfjs({ 'model.json': v }),
    'fromTorch(file, v)': (v) => fromTorch(file, v),
    'fromTorch(file, [v])': (v) => fromTorch(file, [v]),
    'init(v)': (v) => init(v),
    'maskedMean(v)': (v) => pl.maskedMean(v),
    'maskedMean(x, v)': (v) => pl.maskedMean(x, v),
    'maskFromLengths(v)': (v) => pl.maskFromLengths(v, 3),
    'crossEntropy(x, labels, v)': (v) => pl.crossEntropy(x, { data: [0, 1, 0], shape: [1, 3] }, v),
    'crf(x, v)': (v) => pl.crf(x, v),
    'rnn(x, v)': (v) => pl.rnn(x, v),
    'rnn(x, { kernel })': (v) => pl.rnn(x, { ...gru, kernel: v }),
    'bidirectional(x, v)': (v) => pl.bidirectional(x, v),
    'bidirectional(x, { forward })': (v) => pl.bidirectional(x, { forward: v, backward: gru }),
    'activate(x, v)': (v) => pl.activate(x, v),
  };
  const expected = [model.run([[1, 2]]), typing.predict('ab'), pl.maskedMean(x, { lengths: [2] })];
  for (const [name, call] of Object.entries(calls)) {
    for (const [i, value] of absurd.entries()) {
      try {
        await call(value);
      } catch (error) {
        assert.ok(error instanceof PadlessError, `${name} of value ${i}: ${/** @type {any} */ (error)?.stack}`);
      }
      const peak = 1024 * process.resourceUsage().maxRSS;
      assert.ok(peak < 400e6, `${name} of value ${i}: the peak is ${peak} bytes`);
    }
    assert.deepEqual([model.run([[1, 2]]), typing.predict('ab'), pl.maskedMean(x, { lengths: [2] })], expected, name);
  }
});
