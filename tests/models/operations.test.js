/**
 * Operations of Keras 3 in a graph: refused operations, and lengths. tests/import/keras-files.test.js compares their answers with Keras's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, ShapeError, UnsupportedError } from 'padless';
import { random } from '../random.js';

const { seed } = random();
const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');

/** @param {string} name */
const tensor = (name) => ({ class_name: '__keras_tensor__', config: { keras_history: [name, 0, 0] } });
/** @param {...any} args */
const called = (...args) => [{ args, kwargs: {} }];
/** @param {string} name @param {string} kind @param {any[]} args @param {any} [config] */
const op = (name, kind, args, config) => ({
  module: 'keras.src.ops.numpy',
  class_name: kind,
  name,
  config: { ...config, name },
  inbound_nodes: called(...args),
});
/** @param {string} class_name @param {any} config @param {any} arg @param {any} [kwargs] */
const layer = (class_name, config, arg, kwargs = {}) => ({
  class_name,
  name: config.name,
  config,
  inbound_nodes: [{ args: [arg], kwargs }],
});

/** ids -> e [B, T, 3]; the last entry is the output. @param {any[]} entries @param {any} [options] */
const create = (entries, { maskZero = false, T = null, kerasVersion = '3.15.1' } = {}) =>
  createModel({
    architecture: {
      class_name: 'Functional',
      config: {
        name: 'model',
        layers: [
          { class_name: 'InputLayer', name: 'ids', config: { name: 'ids', batch_shape: [null, T] }, inbound_nodes: [] },
          layer('Embedding', { name: 'e', input_dim: 9, output_dim: 3, mask_zero: maskZero }, tensor('ids')),
          ...entries,
        ],
        input_layers: [['ids', 0, 0]],
        output_layers: [[entries.at(-1).name, 0, 0]],
      },
    },
    weights: random(seed).weights,
    kerasVersion,
    simd,
  });

const all = { class_name: '__slice__', config: { start: null, stop: null, step: null } };

for (const [what, entries, message, options] of /** @type {[string, any[], RegExp, any?][]} */ ([
  ['an operation that padless lacks', [op('a', 'Argsort', [tensor('e')])], /^a: the operation Argsort is not supported$/],
  ['a sum over the batch', [op('a', 'Sum', [tensor('e')], { axis: 0 })], /^a: the operation Sum with axis=0 for 3 axes is not/],
  ['a sum over everything', [op('a', 'Sum', [tensor('e')], { axis: null })], /^a: the operation Sum with axis=null for 3 axes/],
  ['a flip of the batch axis', [op('a', 'Flip', [tensor('e')], { axis: 0 })], /^a: the operation Flip with axis=0/],
  [
    'a batch that is transposed',
    [op('a', 'Transpose', [tensor('e')], { axes: [1, 0, 2] })],
    /^a: the operation Transpose with a result \[\d+,1009,3\] that mixes the texts of a batch is not supported$/,
  ],
  [
    'texts put together',
    [op('a', 'Reshape', [tensor('e')], { newshape: [-1, 3] })],
    /^a: the operation Reshape with a result \[\d+,3\] that mixes the texts/,
  ],
  [
    'a length that is not known',
    [op('a', 'Reshape', [tensor('e')], { newshape: [-1, 6] })],
    /^a: the operation Reshape with a result \[[\d.]+,6\] that mixes the texts/,
  ],
  [
    'a slice of the batch',
    [op('a', 'GetItem', [tensor('e'), { class_name: '__slice__', config: { start: 1, stop: null } }])],
    /^a: the operation GetItem with a slice of the batch/,
  ],
  [
    'a list as an index',
    [op('a', 'GetItem', [tensor('e'), [all, { 0: 1 }]])],
    /^a: the operation GetItem with the index \{"0":1\}/,
  ],
  ['a half-precision cast', [op('a', 'Cast', [tensor('e')], { dtype: 'float16' })], /^a: the operation Cast with dtype=float16/],
  [
    'einsum of a diagonal',
    [op('a', 'Einsum', [tensor('e'), tensor('e')], { subscripts: 'btt,btd->bd' })],
    /^a: the operation Einsum with subscripts "btt,btd->bd"/,
  ],
  [
    'einsum of nothing said',
    [op('a', 'Einsum', [tensor('e'), tensor('e')])],
    /^a: the operation Einsum with subscripts undefined is not supported/,
  ],
  [
    'shapes that do not fit',
    [op('a', 'Add', [tensor('e'), { class_name: '__numpy__', config: { value: [1, 2] } }])],
    /^a: shapes /,
  ],
  [
    'a model of no Keras, whose masks select',
    [op('a', 'Tanh', [tensor('e')])],
    /^a: operations ignore masks/,
    { kerasVersion: '', maskZero: true },
  ],
  [
    'a mask of one sequence for another',
    [
      layer('Conv1D', { name: 'conv', filters: 2, kernel_size: 1 }, tensor('e')),
      op('m', 'NotEqual', [tensor('ids'), 0]),
      layer('GRU', { name: 'gru', units: 2 }, tensor('conv'), { mask: tensor('m') }),
    ],
    /^gru: called with mask of another sequence/,
    { maskZero: true },
  ],
  [
    'a sequence under a mask made by hand, before Keras 3.11 lost it',
    [
      op('m', 'NotEqual', [tensor('ids'), 0]),
      layer('GRU', { name: 'gru', units: 2, return_sequences: true }, tensor('e'), { mask: tensor('m') }),
    ],
    /^gru: called with a mask, which its output loses in Keras before 3\.11/,
    { kerasVersion: '3.8.0' },
  ],
  [
    'an attention mask',
    [
      op('m', 'NotEqual', [tensor('ids'), 3]),
      layer('MultiHeadAttention', { name: 'mha', num_heads: 1, key_dim: 2 }, tensor('e'), {
        value: tensor('e'),
        attention_mask: tensor('m'),
      }),
    ],
    /^mha: called with attention_mask/,
  ],
]))
  test(`${what} is refused, and the message says why`, () =>
    assert.rejects(create(entries, options), (error) => {
      assert.ok(error instanceof UnsupportedError || error instanceof ShapeError, String(error));
      assert.match(error.message, message);
      return true;
    }));

test('the result of an operation has no mask: layers after it read padding, and readsPadding names them', async () => {
  const entries = [op('a', 'Multiply', [tensor('e'), 2]), layer('GlobalAveragePooling1D', { name: 'mean' }, tensor('a'), {})];
  const masked = await create(entries, { maskZero: true });
  assert.deepEqual(masked.readsPadding, ['a']);
  const plain = await create(entries);
  assert.deepEqual(plain.readsPadding, []);
  assert.deepEqual(masked.run([[3, 1, 0, 0]])[0].data, plain.run([[3, 1, 0, 0]])[0].data);
});

test('an operation in the form of Keras 2 is read as the operation of Keras 3', async () => {
  const older = await create([{ ...op('a', 'Tanh', [tensor('e')]), inbound_nodes: [[['e', 0, 0, {}]]] }]);
  const model = await create([op('a', 'Tanh', [tensor('e')])]);
  assert.deepEqual(older.run([[3, 1, 4]])[0].data, model.run([[3, 1, 4]])[0].data);
});

test('rows of several lengths in one batch have the answers that each row has alone', async () => {
  const model = await create([op('last', 'GetItem', [tensor('e'), [all, -1]]), op('a', 'Subtract', [1, tensor('last')])]);
  const rows = [[3, 1, 4], [5], [2, 6], [7, 7, 7]];
  const { data, shape } = model.run(rows)[0];
  assert.deepEqual(shape, [4, 3]);
  rows.forEach((row, b) => assert.deepEqual(data.slice(3 * b, 3 * b + 3), model.run([row])[0].data));
});

test('with a mask made by operations, padding changes no bit', async () => {
  const model = await create([
    op('m', 'NotEqual', [tensor('ids'), 0]),
    op('f', 'Cast', [tensor('m')], { dtype: 'float32' }),
    op('w', 'ExpandDims', [tensor('f')], { axis: -1 }),
    op('x', 'Multiply', [tensor('e'), tensor('w')]),
    op('sum', 'Sum', [tensor('x')], { axis: 1, keepdims: false }),
    op('n', 'Sum', [tensor('w')], { axis: 1, keepdims: false }),
    op('mean', 'TrueDivide', [tensor('sum'), tensor('n')]),
  ]);
  const [{ data }] = model.run([[3, 1, 4]]);
  assert.deepEqual(model.run([[3, 1, 4, 0, 0, 0, 0, 0, 0]])[0].data, data);
  assert.deepEqual(model.run([[0, 0, 3, 0, 1, 4]])[0].data, data);
});

test('for a text without tokens, indexing a step gives zeros', async () => {
  const model = await create([op('a', 'GetItem', [tensor('e'), [all, -1]])]);
  assert.deepEqual([...model.run([[]])[0].data], [0, 0, 0]);
  const most = await create([op('a', 'Max', [tensor('e')], { axis: 1, keepdims: false, initial: null })]);
  assert.deepEqual([...most.run([[]])[0].data], [0, 0, 0]);
});

test('a row that is too short for an index or a slice is refused, with the found and the expected size', async () => {
  const step = await create([op('a', 'GetItem', [tensor('e'), [all, 2]])]);
  assert.equal(step.run([[1, 2, 3]])[0].data.length, 3);
  assert.throws(() => step.run([[1, 2]]), /a: index 2 is outside of an axis of 2/);
  const slice = { class_name: '__slice__', config: { start: null, stop: 3, step: null } };
  const three = await create([op('a', 'GetItem', [tensor('e'), [all, slice]])]);
  assert.deepEqual(three.run([[1, 2, 3, 4]])[0].shape, [1, 3, 3]);
  assert.throws(() => three.run([[1, 2]]), /a: GetItem gives \[2,3\], expected \[3,3\]/);
});

test('a trace contains operations, also with several inputs, and outputs of one number per text', async () => {
  const model = await create(
    [
      op('m', 'NotEqual', [tensor('ids'), 0]),
      op('n', 'Sum', [tensor('m')], { axis: 1, keepdims: false }),
      op('both', 'Stack', [[tensor('n'), tensor('n')]], { axis: -1 }),
      op('a', 'Multiply', [tensor('both'), tensor('e0')]),
      op('e0', 'GetItem', [tensor('e'), [all, 0, { class_name: '__slice__', config: { start: null, stop: 2, step: null } }]]),
    ].sort((x, y) => Number(x.name === 'a') - Number(y.name === 'a')),
  );
  const steps = model.trace([[3, 1, 0]]);
  const sum = steps.find(({ path }) => path === 'n');
  assert.deepEqual([sum?.layer, sum?.before[0].shape, sum?.after[0].shape], ['ops.Sum', [1, 3], [1]]);
  assert.deepEqual([...(sum?.after[0].data ?? [])], [2]);
  assert.deepEqual(
    steps.find(({ path }) => path === 'both')?.before.map(({ shape }) => shape),
    [[1], [1]],
  );
});
