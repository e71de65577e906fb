/**
 * `padless bench` on models of each kind of input, alone and compared with onnxruntime-web and TF.js.
 */
import assert from 'node:assert/strict';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createModel, loadModel } from 'padless';
import { fromTfjs } from 'padless/import';
import { speed } from '../../js/tools/speed.js';
import { onnxPeer } from '../../js/tools/peers.js';
import { file, folder, padlessIn } from '../command.js';
import { random } from '../random.js';
import { onnxGraph, onnxRnn } from '../../web/onnx.js';

const { weights, normal } = random();

/** @param {string[]} args @param {string} [cwd] */
const bench = (args, cwd = folder) => padlessIn(['bench', ...args], cwd);

/** @param {any[]} layers  Keras JSON */
const saved = async (layers) =>
  (await createModel({ architecture: { class_name: 'Sequential', config: { name: 'model', layers } }, weights })).save();
const gru = { class_name: 'GRU', config: { name: 'gru', units: 3 } };
/** @param {(number | null)[]} shape */
const input = (shape) => ({ class_name: 'InputLayer', config: { name: 'ids', batch_shape: [null, ...shape] } });

for (const [what, layers, steps] of /** @type {[string, any[], number[]][]} */ ([
  ['ids', [input([null]), { class_name: 'Embedding', config: { input_dim: 9, output_dim: 2 } }, gru], [4, 8]],
  ['values', [input([null, 2]), gru], [4, 8]],
  ['values of one length', [input([5, 2]), gru], [5]],
  ['vectors', [input([6]), { class_name: 'Dense', config: { units: 2 } }], [6]],
]))
  test(`bench times a model of ${what} in each build, alone and in batches`, async () => {
    const { engines, runs } = await speed(await saved(layers), { budget: 5, lengths: [4, 8] });
    assert.ok(engines.some(({ name }) => name === 'baseline'));
    for (const { first, memory } of engines) assert.ok(first > 0 && Number(memory) > 65536);
    assert.deepEqual(
      runs.map((run) => [run.rows, run.steps]),
      steps.flatMap((T) => [
        [1, T],
        [32, T],
      ]),
    );
    for (const { ms } of runs) assert.ok(ms.length === engines.length && ms.every((each) => Number(each) > 0));
  });

const [V, D, H, K] = [9, 3, 4, 2];
const parts = {
  'e.embeddings': { shape: [V, D], data: normal(V * D, 1) },
  'gru.kernel': { shape: [D, 3 * H], data: normal(D * 3 * H, 0.5) },
  'gru.recurrent_kernel': { shape: [H, 3 * H], data: normal(H * 3 * H, 0.5) },
  'gru.bias': { shape: [2, 3 * H], data: normal(6 * H, 0.5) },
  'dense.kernel': { shape: [H, K], data: normal(H * K, 0.5) },
  'dense.bias': { shape: [K], data: normal(K, 0.5) },
};
const classifier = await createModel({
  architecture: {
    class_name: 'Sequential',
    config: {
      name: 'model',
      layers: [
        input([null]),
        { class_name: 'Embedding', config: { name: 'e', input_dim: V, output_dim: D, mask_zero: true } },
        { class_name: 'GRU', config: { name: 'gru', units: H } },
        { class_name: 'Dense', config: { name: 'dense', units: K } },
      ],
    },
  },
  weights: () => new Map(Object.entries(parts)),
});
const ours = file('model.safetensors', classifier.save());

/** The same model in ONNX, with ids [B, T] as input. @param {Record<string, 'int64' | 'int32' | 'float32'>} inputs @param {ArrayLike<number>} [bias] */
function onnx(inputs, bias = parts['dense.bias'].data) {
  const [ids] = Object.keys(inputs);
  const { W, R, B } = onnxRnn(
    'GRU',
    { kernel: parts['gru.kernel'].data, recurrent: parts['gru.recurrent_kernel'].data, bias: parts['gru.bias'].data },
    D,
    H,
  );
  return onnxGraph({
    nodes: [
      { op: 'Cast', inputs: [ids], outputs: ['whole'], attributes: { to: 7 } },
      { op: 'Gather', inputs: ['table', 'whole'], outputs: ['rows'] },
      { op: 'Transpose', inputs: ['rows'], outputs: ['X'], attributes: { perm: [1, 0, 2] } },
      {
        op: 'GRU',
        inputs: ['X', 'W', 'R', 'B', ...('lengths' in inputs ? ['lengths'] : [])],
        outputs: ['Y', 'last'],
        attributes: { hidden_size: H, linear_before_reset: 1 },
      },
      { op: 'Reshape', inputs: ['last', 'flat'], outputs: ['state'] },
      { op: 'Gemm', inputs: ['state', 'kernel', 'bias'], outputs: ['logits'] },
      ...('attention_mask' in inputs
        ? [
            { op: 'ReduceMax', inputs: ['attention_mask'], outputs: ['one'], attributes: { keepdims: 0 } },
            { op: 'Mul', inputs: ['logits', 'one'], outputs: ['masked'] },
          ]
        : []),
    ],
    constants: {
      table: { type: 'float32', ...parts['e.embeddings'] },
      W: { type: 'float32', shape: [1, 3 * H, D], data: W },
      R: { type: 'float32', shape: [1, 3 * H, H], data: R },
      B: { type: 'float32', shape: [1, 6 * H], data: B },
      kernel: { type: 'float32', ...parts['dense.kernel'] },
      bias: { type: 'float32', shape: [K], data: bias },
      flat: { type: 'int64', shape: [2], data: [-1, H] },
    },
    inputs,
    outputs: ['attention_mask' in inputs ? 'masked' : 'logits'],
  });
}

for (const [what, inputs, name] of /** @type {[string, Record<string, 'int64' | 'int32' | 'float32'>, string | undefined][]} */ ([
  ['one input of another name and int64 ids', { input_1: 'int64' }, undefined],
  ['ids as float32, as Keras exports them', { 'serving:0': 'float32' }, undefined],
  ['lengths', { tokens: 'int32', lengths: 'int32' }, undefined],
  ['a mask', { tokens: 'int64', attention_mask: 'float32' }, undefined],
  ['an input chosen by its name', { mask_me: 'int64', lengths: 'int32' }, 'mask_me'],
]))
  test(`bench --onnx: a graph with ${what} gives the same answers in onnxruntime-web`, async () => {
    const peers = [await onnxPeer(file('model.onnx', onnx(inputs)), name)];
    const { engines, runs, differences } = await speed(ours, { budget: 5, lengths: [4, 8], peers });
    assert.match(String(engines.at(-1)?.name), /^onnxruntime-web \d/);
    for (const { ms } of runs) assert.ok(ms.length === engines.length && ms.every((each) => Number(each) > 0));
    assert.equal(differences.length, 1);
    assert.ok(differences[0].most < 1e-5, JSON.stringify(differences));
  });

test('bench prints times, their ratio, memory and the largest difference, and exits with 1 for another model', async () => {
  const same = bench([ours, '--onnx', file('same.onnx', onnx({ ids: 'int64' }))]);
  assert.equal(same.status, 0, same.stderr);
  assert.match(same.stdout, /^onnxruntime-web \d\S* +first answer \d+\.\d ms after the file$/m);
  const grown = await loadModel(ours, { simd: 'baseline' });
  grown.run(Array.from({ length: 32 }, () => Array(256).fill(1)));
  const held = (grown.stats.memory / 2 ** 20).toFixed(1);
  assert.match(
    same.stdout,
    new RegExp(`^baseline +first answer \\d+\\.\\d ms after the file, ${held.replace('.', '\\.')} MB of memory$`, 'm'),
  );
  assert.match(same.stdout, /^rows x steps.* baseline +onnxruntime-web \d\S*$/m);
  assert.match(same.stdout, /^ {2}32 x 256 .* +\d[\d.]* {2}\d+\.\d\d$/m);
  assert.match(same.stdout, /^largest difference to onnxruntime-web \S+: \d[\d.]*e-\d/m);
  const other = Float32Array.from(parts['dense.bias'].data, (value, k) => value + 0.25 * k);
  const moved = bench([ours, '--onnx', file('moved.onnx', onnx({ ids: 'int64' }, other))]);
  assert.equal(moved.status, 1);
  assert.match(moved.stdout, /^largest difference to onnxruntime-web \S+: 0\.25\d*, value \d*[13579] of dense \[(1|32),2\] is /m);
  assert.match(moved.stdout, /the weights differ/);
});

test('bench says in one line why it cannot time a file', () => {
  const two = file('two.onnx', onnx({ a: 'int64', b: 'int64' }));
  for (const [args, said] of /** @type {[string[], RegExp][]} */ ([
    [['--onnx', join(folder, 'nowhere.onnx')], /nowhere\.onnx: ENOENT/],
    [['--onnx', ours], /model\.safetensors: onnxruntime-web: /],
    [['--onnx', two], /two\.onnx: inputs a, b for the model's ids: it is not clear which reads the ids; use --input NAME/],
    [['--onnx', two, '--input', 'c'], /two\.onnx: there is no input c, expected one of a, b/],
    [['--tfjs', two], /two\.onnx: /],
  ])) {
    const { status, stdout, stderr } = bench([ours, ...args]);
    assert.deepEqual([status, stdout], [2, ''], stderr);
    assert.match(stderr, said);
    assert.equal(stderr.split('\n').length, 2, stderr);
  }
});

const fetched = fileURLToPath(new URL('../bench/peers/node_modules', import.meta.url));
test(
  'TF.js of the project in the current folder beside it gives the same answers',
  { skip: existsSync(join(fetched, '@tensorflow/tfjs')) ? false : 'TF.js is not here: npm run bench fetches it' },
  async () => {
    symlinkSync(fetched, join(folder, 'node_modules'));
    const json = fileURLToPath(new URL('tfjs/lstm-masked.json', import.meta.url));
    const converted = file('lstm.safetensors', (await fromTfjs(json)).save());
    const { status, stdout, stderr } = bench([converted, '--tfjs', json]);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /^ {3}1 x 6 .* +\d[\d.]* {2}\d+\.\d\d$/m);
    assert.match(stdout, /^largest difference to TF\.js 4\.\S+ wasm: \d[\d.]*e-\d/m);
  },
);
