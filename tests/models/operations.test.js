/**
 * Operations of Keras 3 in a graph: refused operations, and lengths. tests/import/keras-files.test.js compares their answers with Keras's.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, ShapeError, UnsupportedError } from 'padless';
import { countRows } from '../count-rows.js';
import '../guarded-heap.js';
import { random } from '../random.js';
import { says } from '../says.js';

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
const create = (entries, { maskZero = false, T = null, kerasVersion = '3.15.1', outputs = [entries.at(-1).name] } = {}) =>
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
        output_layers: outputs.map((/** @type {string} */ name) => [name, 0, 0]),
      },
    },
    weights: random(seed).weights,
    kerasVersion,
    simd,
  });

/** e with another axis: [B, T, 3, 1]. */
const four = op('four', 'ExpandDims', [tensor('e')], { axis: -1 });
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
    'a pad of one width',
    [op('a', 'Pad', [tensor('e')], { pad_width: 2 })],
    /^a: the operation Pad with pad_width=2 is not supported$/,
  ],
  [
    'a pad of a negative width',
    [
      op('a', 'Pad', [tensor('e')], {
        pad_width: [
          [0, 0],
          [1, -1],
          [0, 0],
        ],
      }),
    ],
    /^a: the operation Pad with pad_width=\[\[0,0\],\[1,-1\],\[0,0\]\] for 3 axes is not supported$/,
  ],
  [
    'a pad of a huge width',
    [
      op('a', 'Pad', [tensor('e')], {
        pad_width: [
          [0, 0],
          [0, 0],
          [0, 2 ** 40],
        ],
      }),
    ],
    /^a: the operation Pad with pad_width=\[\[0,0\],\[0,0\],\[0,1099511627776\]\], more than 16777216 is not supported$/,
  ],
  [
    'a pad of too few axes',
    [
      op('a', 'Pad', [tensor('e')], {
        pad_width: [
          [0, 0],
          [1, 1],
        ],
      }),
    ],
    /^a: the operation Pad with pad_width=\[\[0,0\],\[1,1\]\] for 3 axes is not supported$/,
  ],
  [
    'a pad that wraps',
    [
      op('a', 'Pad', [tensor('e')], {
        pad_width: [
          [0, 0],
          [1, 1],
          [0, 0],
        ],
        mode: 'wrap',
      }),
    ],
    /^a: the operation Pad with mode="wrap" is not supported$/,
  ],
  [
    'a product of integers',
    [op('a', 'Prod', [tensor('e')], { axis: 1, dtype: 'int32' })],
    /^a: ops\.Prod has dtype="int32"; padless/,
  ],
  [
    'a maximum from 0 on',
    [op('a', 'Max', [tensor('e')], { axis: 1, initial: 0 })],
    /^a: ops\.Max has initial=0; padless supports only null$/,
  ],
  [
    'an axis that is not there',
    [op('a', 'ExpandDims', [tensor('e')], { axis: 5 })],
    /^a: the operation ExpandDims with axis=5 for 4 axes/,
  ],
  [
    'axes with a gap',
    [op('a', 'Sum', [tensor('four')], { axis: [1, 3] }), four].reverse(),
    /^a: the operation Sum with axis=\[1,3\] for 4 axes/,
  ],
  [
    'more of the greatest than there are',
    [op('a', 'TopK', [tensor('e')], { k: 4 })],
    /^a: the operation TopK with k=4 of 3 elements is not supported$/,
  ],
  [
    'the greatest of single numbers',
    [op('n', 'Sum', [tensor('e')], { axis: [1, 2] }), op('a', 'TopK', [tensor('n')], { k: 1 })],
    /^a: the operation TopK with k=1 of no elements/,
  ],
  [
    'ids as a mask',
    [layer('GRU', { name: 'gru', units: 2 }, tensor('e'), { mask: tensor('ids') }), op('a', 'Tanh', [tensor('gru')])],
    /^gru: called with mask \[B, \]; padless supports a mask \[B, T\] for one sequence$/,
  ],
  [
    'a mask of three axes',
    [op('m', 'Tanh', [tensor('e')]), layer('GRU', { name: 'gru', units: 2 }, tensor('e'), { mask: tensor('m') })],
    /^gru: called with mask \[B, ,3\]; padless supports a mask/,
  ],
  [
    'a product of one matrix',
    [op('a', 'Matmul', [tensor('e')])],
    /^a: Matmul has 1 arguments, expected 2 that are tensors or numbers$/,
  ],
  [
    'a split into unequal parts',
    [op('a', 'Split', [tensor('e')], { axis: -1, indices_or_sections: 2 })],
    /^a: Split of an axis of 3 into 2 equal parts$/,
  ],
  ['a stack of no list', [op('a', 'Stack', [tensor('e')], { axis: 1 })], /^a: Stack of one tensor, expected a list of tensors$/],
  ['a sum with text', [op('a', 'Add', [tensor('e'), 'x'])], /^a: Add has 2 arguments, expected 1 that are tensors or numbers$/],
  [
    'a matrix product of sizes that differ',
    [op('a', 'Matmul', [tensor('e'), tensor('e')])],
    /^a: a product sums over axes of sizes 3 and 5, expected equal sizes$/,
    { T: 5 },
  ],
  [
    'sequences of other features put one behind the other',
    [
      op('b', 'GetItem', [tensor('e'), [all, all, { class_name: '__slice__', config: { start: 0, stop: 2 } }]]),
      op('a', 'Concatenate', [[tensor('e'), tensor('b')]], { axis: 1 }),
    ],
    /^a: shapes \[\d+,5,3\] and \[\d+,5,2\] cannot be concatenated along axis 1$/,
    { T: 5 },
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
    { kerasVersion: '3.10.0' },
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

test('operations on masks are also recognised without their module, as .h5 files have them, and a Concatenate by its inputs', async () => {
  const entries = [
    op('m', 'NotEqual', [tensor('ids'), 0]),
    op('mm', 'Concatenate', [[tensor('m'), tensor('m')]], { axis: 1 }),
    layer('Concatenate', { name: 'both', axis: 1 }, [tensor('e'), tensor('e')]),
    layer('GRU', { name: 'gru', units: 2 }, tensor('both'), { mask: tensor('mm') }),
  ];
  const bare = entries.map(({ module, ...entry }) => entry); // eslint-disable-line no-unused-vars
  const [model, older] = [await create(entries, { maskZero: true }), await create(bare, { maskZero: true })];
  assert.deepEqual(older.run([[3, 1, 0, 0]])[0].data, model.run([[3, 1, 0, 0]])[0].data);
  assert.deepEqual(older.run([[3, 1, 0, 0]])[0].data, older.run([[3, 1]])[0].data);
});

test('an attention that is called with the masks of its inputs also removes them for layers that read the same tensor', async () => {
  const masks = Object.fromEntries(['query_mask', 'value_mask', 'key_mask'].map((name) => [name, tensor('m')]));
  const entries = [
    op('m', 'NotEqual', [tensor('ids'), 0]),
    layer('MultiHeadAttention', { name: 'mha', num_heads: 1, key_dim: 2 }, tensor('e'), { value: tensor('e'), ...masks }),
    layer('GRU', { name: 'gru', units: 2 }, tensor('e')),
  ];
  await assert.rejects(
    create(entries, { maskZero: true, outputs: ['mha', 'gru'] }),
    says(UnsupportedError, /^gru: GRU reads padding in Keras, as mha removes the mask of its input there/),
  );
});

test("a recurrent layer that is called with its embedding's mask still looks up products, and embeds each token once", async () => {
  const entries = [
    op('m', 'NotEqual', [tensor('ids'), 0]),
    layer('GRU', { name: 'gru', units: 2 }, tensor('e'), { mask: tensor('m') }),
  ];
  const model = await create(entries, { maskZero: true });
  const embedded = countRows(model);
  for (const ids of [[3, 1, 3], [1, 1, 4], [4, 3, 1]]) model.run([ids]); // prettier-ignore
  assert.equal(embedded(), 3);
});

test('a mask made by hand stays with the output of its layer, so that later calls may contain it', async () => {
  const masks = Object.fromEntries(['query_mask', 'value_mask', 'key_mask'].map((name) => [name, tensor('m')]));
  const model = await create([
    op('m', 'NotEqual', [tensor('ids'), 3]),
    layer('GRU', { name: 'gru', units: 2, return_sequences: true }, tensor('e'), { mask: tensor('m') }),
    layer('MultiHeadAttention', { name: 'mha', num_heads: 1, key_dim: 2 }, tensor('gru'), { value: tensor('gru'), ...masks }),
  ]);
  const [{ data }] = model.run([[1, 3, 2, 3]]);
  const [{ data: alone }] = model.run([[1, 2]]);
  assert.deepEqual([data.slice(0, 2), data.slice(4, 6)], [alone.slice(0, 2), alone.slice(2, 4)]);
});

test('outputs of two layers under the same mask made by hand are sequences with the same mask for causal attention', async () => {
  const masks = Object.fromEntries(['query_mask', 'value_mask', 'key_mask'].map((name) => [name, tensor('m')]));
  const gru = (/** @type {string} */ name) =>
    layer('GRU', { name, units: 2, return_sequences: true }, tensor('e'), { mask: tensor('m') });
  const model = await create([
    op('m', 'NotEqual', [tensor('ids'), 3]),
    gru('a'),
    gru('b'),
    layer('MultiHeadAttention', { name: 'mha', num_heads: 1, key_dim: 2 }, tensor('a'), {
      ...{ value: tensor('b'), use_causal_mask: true },
      ...masks,
    }),
  ]);
  const [{ data }] = model.run([[1, 3, 2, 3]]);
  const [{ data: alone }] = model.run([[1, 2]]);
  assert.deepEqual([data.slice(0, 2), data.slice(4, 6)], [alone.slice(0, 2), alone.slice(2, 4)]);
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

test('operations of one or two values give the answers of JavaScript, also for equal values and zeros', async () => {
  /** @type {Record<string, (a: number, b: number) => number | boolean>} */
  const expected = {
    Add: (a, b) => a + b,
    Subtract: (a, b) => a - b,
    Multiply: (a, b) => a * b,
    Maximum: (a, b) => (a > b ? a : b),
    Minimum: (a, b) => (a < b ? a : b),
    Equal: (a, b) => a === b,
    NotEqual: (a, b) => a !== b,
    Greater: (a, b) => a > b,
    GreaterEqual: (a, b) => a >= b,
    Less: (a, b) => a < b,
    LessEqual: (a, b) => a <= b,
    LogicalAnd: (a, b) => Boolean(a && b),
    LogicalOr: (a, b) => Boolean(a || b),
    LogicalXor: (a, b) => Boolean(a) !== Boolean(b),
    Mod: (a, b) => a - b * Math.floor(a / b),
    FloorDivide: (a, b) => Math.floor(a / b),
    TrueDivide: (a, b) => a / b,
    Divide: (a, b) => a / b,
    Negative: (a) => -a,
    Absolute: (a) => Math.abs(a),
    Sign: (a) => Math.sign(a),
    Floor: (a) => Math.floor(a),
    Ceil: (a) => Math.ceil(a),
    Square: (a) => a * a,
    LogicalNot: (a) => !a,
    ZerosLike: (a) => a * 0,
    OnesLike: (a) => a ** 0,
  };
  const values = [-2, -1.5, 0, 1, 2, 3];
  const pairs = values.flatMap((a) => values.map((b) => [a, b]));
  const at = (/** @type {number} */ i) => [all, all, i];
  const entries = Object.keys(expected).map((kind) => op(kind, kind, [tensor('a'), tensor('b')].slice(0, expected[kind].length)));
  const model = await createModel({
    architecture: {
      class_name: 'Functional',
      config: {
        name: 'model',
        layers: [
          { class_name: 'InputLayer', name: 'x', config: { name: 'x', batch_shape: [null, pairs.length, 2] }, inbound_nodes: [] },
          op('a', 'GetItem', [tensor('x'), at(0)]),
          op('b', 'GetItem', [tensor('x'), at(1)]),
          ...entries,
        ],
        input_layers: [['x', 0, 0]],
        output_layers: entries.map(({ name }) => [name, 0, 0]),
      },
    },
    weights: () => new Map(),
    kerasVersion: '3.15.1',
    simd,
  });
  const divides = (/** @type {string} */ kind) => /Mod|Divide/.test(kind);
  model.run([pairs]).forEach(({ name, data }) =>
    pairs.forEach(([a, b], i) => {
      if (divides(name) && b === 0) return;
      assert.equal(data[i] + 0, Math.fround(Number(expected[name](a, b))) + 0, `${name} of ${a} and ${b}`);
    }),
  );
});

test("in padless's own models, operations on the features of a step run rows of different lengths together", async () => {
  const some = { class_name: '__slice__', config: { start: 1, stop: null, step: null } };
  const own = { kerasVersion: '' };
  const rows = [[3, 1, 4], [5], [2, 6]]; // prettier-ignore
  /** @type {[string, any[], any][]} */
  const perStep = [
    ...['Sum', 'Mean', 'Max', 'Min', 'Prod'].map((kind) => /** @type {[string, any[], any]} */ ([kind, [tensor('e')], { axis: -1, keepdims: true }])),
    ...['Softmax', 'LogSoftmax'].map((kind) => /** @type {[string, any[], any]} */ ([kind, [tensor('e')], { axis: -1 }])),
    ...['Argmax', 'Argmin'].map((kind) => /** @type {[string, any[], any]} */ ([kind, [tensor('e')], { axis: -1, keepdims: true }])),
    ['Concatenate', [[tensor('e'), tensor('e')]], { axis: -1 }],
    ['GetItem', [tensor('e'), [all, all, some]], {}],
    ['Add', [tensor('e'), 2], {}],
    ['Multiply', [tensor('e'), tensor('e')], {}],
    ['Clip', [tensor('e')], { x_min: 0, x_max: 1 }],
    ['Round', [tensor('e')], { decimals: 1 }],
    ['Cast', [tensor('e')], { dtype: 'int32' }],
    ['TopK', [tensor('e')], { k: 2 }],
  ]; // prettier-ignore
  for (const [kind, args, config] of perStep) {
    const model = await create([op('a', kind, args, config)], own);
    assert.equal(model.needsLength, false, kind);
    const [{ shape, data }] = model.run(rows);
    const width = Number(shape.at(-1));
    assert.deepEqual(shape, [3, 3, width], kind);
    rows.forEach((row, b) => {
      const alone = model.run([row])[0].data;
      assert.deepEqual(data.slice(3 * b * width, (3 * b + row.length) * width), alone, kind);
    });
  }
  /** @type {[string, any[], any][]} */
  const whole = [
    ['Sum', [tensor('e')], { axis: 1 }],
    ['Softmax', [tensor('e')], { axis: 1 }],
    ['Concatenate', [[tensor('e'), tensor('e')]], { axis: 1 }],
    ['GetItem', [tensor('e'), [all, some]], {}],
    ['Add', [tensor('e'), { class_name: '__numpy__', config: { value: [[1, 2, 3]] } }], {}],
    ['Flip', [tensor('e')], { axis: 1 }],
  ];
  for (const [kind, args, config] of whole)
    assert.equal((await create([op('a', kind, args, config)], own)).needsLength, true, kind);
});

/**
 * The indices of an axis of n that x[start:stop:step] has in Python.
 * @param {number} n @param {number | null} start @param {number | null} stop @param {number} step
 */
function indicesOf(n, start, stop, step) {
  const [first, end] = [start, stop].map((at) => (at !== null && at < 0 ? at + n : at));
  const whole = Array.from({ length: n }, (_, i) => i);
  const between =
    step > 0
      ? whole.filter((i) => i >= (first ?? 0) && i < (end ?? n))
      : whole.reverse().filter((i) => i <= (first ?? n) && i > (end ?? -1));
  return between.filter((_, k) => k % step === 0);
}

test('slices have the indices of Python, also with a negative step and with ends outside of the axis', async () => {
  const ends = [null, -6, -4, -1, 0, 2, 3, 6];
  const slices = ends.flatMap((start) => ends.flatMap((stop) => [-2, -1, 1, 3].map((step) => ({ start, stop, step }))));
  for (const [axis, n] of [
    [1, 4],
    [2, 3],
  ]) {
    const entries = slices.map((config, i) =>
      op(`s${i}`, 'GetItem', [tensor('e'), [...new Array(axis).fill(all), { class_name: '__slice__', config }]]),
    );
    const whole = op('whole', 'GetItem', [tensor('e'), all]);
    const model = await create([...entries, whole], { T: 4, outputs: [...entries.map(({ name }) => name), 'whole'] });
    const outputs = model.run([[3, 1, 4, 1]]);
    const rows = [0, 1, 2, 3].map((t) => outputs[slices.length].data.slice(3 * t, 3 * t + 3));
    slices.forEach(({ start, stop, step }, i) => {
      const indices = indicesOf(n, start, stop, step);
      const expected = axis === 1 ? indices.map((t) => [...rows[t]]) : rows.map((row) => indices.map((d) => row[d]));
      const what = `[${start}:${stop}:${step}] of axis ${axis}`;
      assert.deepEqual(outputs[i].shape, axis === 1 ? [1, indices.length, 3] : [1, 4, indices.length], what);
      assert.deepEqual([...outputs[i].data], expected.flat(), what);
    });
  }
});

test('query_mask, value_mask and key_mask are the masks of query, value and key', async () => {
  const names = ['query', 'value', 'key'];
  const ids = (/** @type {string} */ name) => ({
    class_name: 'InputLayer',
    name: `${name}-ids`,
    config: { name: `${name}-ids`, batch_shape: [null, 4] },
    inbound_nodes: [],
  });
  const entries = names.flatMap((name) => [
    ids(name),
    layer('Embedding', { name, input_dim: 9, output_dim: 3, mask_zero: true }, tensor(`${name}-ids`)),
    op(`${name}-mask`, 'NotEqual', [tensor(`${name}-ids`), 0]),
  ]);
  /** @param {Record<string, any>} masks */
  const attention = (masks) => {
    const kwargs = { value: tensor('value'), key: tensor('key'), ...masks };
    const mha = layer('MultiHeadAttention', { name: 'mha', num_heads: 1, key_dim: 2 }, tensor('query'), kwargs);
    return createModel({
      architecture: {
        class_name: 'Functional',
        config: {
          name: 'model',
          layers: [...entries, mha],
          input_layers: names.map((name) => [`${name}-ids`, 0, 0]),
          output_layers: [['mha', 0, 0]],
        },
      },
      weights: random(seed).weights,
      kerasVersion: '3.15.1',
      simd,
    });
  };
  const rows = { 'query-ids': [[1, 2, 0, 0]], 'value-ids': [[3, 4, 5, 0]], 'key-ids': [[6, 7, 8, 0]] };
  const [{ data }] = (await attention({})).run(rows);
  for (const name of names) {
    const own = await attention({ [`${name}_mask`]: tensor(`${name}-mask`) });
    assert.deepEqual(own.run(rows)[0].data, data, name);
    for (const other of names)
      if (other !== name)
        await assert.rejects(
          attention({ [`${name}_mask`]: tensor(`${other}-mask`) }),
          says(UnsupportedError, new RegExp(`^mha: called with ${name}_mask of another sequence; padless supports`)),
        );
  }
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
