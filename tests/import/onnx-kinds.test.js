/** ONNX nodes whose types, shapes or domains decide the answer: computed as the standard says, or refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelFileError, UnsupportedError } from 'padless';
import { fromOnnx } from 'padless/import';
import '../guarded-heap.js';
import { says } from '../says.js';
import { graph, model, node, tensor, value } from './onnx-writer.js';
/** @typedef {import('./onnx-writer.js').Field} Field */

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const floats = (/** @type {string} */ name, /** @type {number[]} */ shape, /** @type {number[]} */ values) =>
  tensor(name, shape, Float32Array.from(values));
const ints = (/** @type {string} */ name, /** @type {number[]} */ shape, /** @type {number[]} */ values) =>
  tensor(name, shape, BigInt64Array.from(values, BigInt));

/**
 * @param {Field[][]} nodes @param {Field[][]} constants
 * @param {{ type?: number, shape?: (number | string)[], outputs?: string[], more?: any }} [of]  of the input x
 */
const read = (nodes, constants, { type = 1, shape = ['batch', 'time', 2], outputs = ['y'], more = {} } = {}) =>
  fromOnnx(model(graph({ nodes, constants, inputs: [value('x', type, shape)], outputs }), more), { simd });
/** @param {Promise<any>} made @param {RegExp} words @param {any} [Class] */
const refused = (made, words, Class = UnsupportedError) => assert.rejects(made, says(Class, words));

test('a constant that is added to the result of a Dense changes no other name of that result', async () => {
  const constants = [floats('w', [2, 2], [1, 0, 0, 1]), floats('b', [2], [100, 200])];
  for (const alias of ['Identity', 'Dropout']) {
    const nodes = [
      node('MatMul', ['x', 'w'], ['m']),
      node(alias, ['m'], ['z']),
      node('Add', ['z', 'b'], ['y']),
      node('Relu', ['m'], ['r']),
    ];
    const answers = (await read(nodes, constants, { outputs: ['y', 'r'] })).run([[[1, 2]]]);
    assert.deepEqual(answers.map(({ data }) => [...data]), [[101, 202], [1, 2]], alias); // prettier-ignore
  }
});

test('integer division rounds towards 0; integer types that would round or wrap around are refused', async () => {
  const whole = { type: 7, shape: ['batch', 'time'] };
  const two = ints('two', [1], [2]);
  const toFloat = node('Cast', ['q'], ['y'], { to: 1 });
  const halves = await read([node('Div', ['x', 'two'], ['q']), toFloat], [two], whole);
  assert.deepEqual([...halves.run([[-3, -1, 1, 3]])[0].data], [-1, 0, 0, 1]);
  // A sum of integers divided by their number is rounded, so it is not read as a mean.
  const rounded = [
    node('ReduceSum', ['x', 'one'], ['s']),
    node('Shape', ['x'], ['shape']),
    node('Gather', ['shape', 'one'], ['T'], { axis: 0 }),
    node('Div', ['s', 'T'], ['q']),
    toFloat,
  ];
  const mean = await read(rounded, [ints('one', [1], [1])], { ...whole, more: { opset: 13 } });
  assert.deepEqual([...mean.run([[1, 2, 5]])[0].data], [2]);
  await refused(
    read([node('ReduceMean', ['x'], ['q'], { axes: [1] }), toFloat], [], { ...whole, more: { opset: 13 } }),
    /\(ReduceMean\): the mean of integers/,
  );
  for (const to of [2, 3, 4, 5])
    await refused(
      read([node('Cast', ['x'], ['q'], { to }), node('Cast', ['q'], ['y'], { to: 1 })], []),
      /\(Cast\): casts to an integer type of 8 or 16 bits/,
    );
  for (const type of [2, 3, 4, 5, 12, 13])
    await refused(
      read([node('Sub', ['x', 'two'], ['q']), toFloat], [ints('two', [1], [2])], { ...whole, type }),
      /\(Sub\): computes with the input "x", whose integer type wraps around/,
    );
  const like = await read([node('CastLike', ['x', 'two'], ['q']), node('Cast', ['q'], ['y'], { to: 1 })], [two]);
  assert.deepEqual([...like.run([[[1.5, -1.5]]])[0].data], [1, -1]);
});

test('a constant with axes of size 1 is joined with the values of each row', async () => {
  for (const [values, attributes] of /** @type {[number[], any][]} */ ([
    [[7], { axis: 1 }],
    [[7, 8, 9], { axis: -1 }],
    // Before version 4, axis 1 was the default.
    [[7, 8], {}],
  ])) {
    const nodes = [node('Concat', ['x', 'c'], ['y'], attributes)];
    const made = await read(nodes, [floats('c', [1, values.length], values)], { shape: [1, 2] });
    const [{ shape, data }] = made.run([[1, 2], [3, 4]]); // prettier-ignore
    assert.deepEqual(
      [shape, [...data]],
      [
        [2, 2 + values.length],
        [1, 2, ...values, 3, 4, ...values],
      ],
    );
  }
});

test('tensors joined along one axis are joined along another one', async () => {
  const nodes = [node('Concat', ['x', 'x'], ['rows'], { axis: 1 }), node('Concat', ['rows', 'rows'], ['y'], { axis: 2 })];
  const [{ shape, data }] = (await read(nodes, [], { shape: ['batch', 1, 2] })).run([[[1, 2]]]);
  assert.deepEqual(
    [shape, [...data]],
    [
      [1, 2, 4],
      [1, 2, 1, 2, 1, 2, 1, 2],
    ],
  );
});

test('token ids that an operator returns as they are can be computed with as numbers', async () => {
  const nodes = [
    node('Gather', ['table', 'x'], ['looked']),
    node('Tile', ['x', 'once'], ['same']),
    node('Cast', ['same'], ['numbers'], { to: 1 }),
    node('Unsqueeze', ['numbers', 'last'], ['column']),
    node('Mul', ['looked', 'column'], ['y']),
  ];
  const constants = [floats('table', [4, 1], [1, 2, 3, 4]), ints('once', [2], [1, 1]), ints('last', [1], [2])];
  const made = await read(nodes, constants, { type: 7, shape: ['batch', 'time'], more: { opset: 13 } });
  assert.deepEqual([...made.run([[3, 1, 2]])[0].data], [12, 2, 6]);
});

test('inputs without a batch axis are refused, and the message names the input', async () => {
  await refused(read([node('Tanh', ['x'], ['y'])], [], { shape: [] }), /input "x" is one number for the whole batch/);
});

test('unsupported forms of PRelu slopes, Pad values, Gather indices and Transpose permutations are refused', async () => {
  await refused(
    read([node('PRelu', ['x', 'slope'], ['y'])], [floats('slope', [2, 1], [2, 1])], { shape: ['batch', 2, 2] }),
    /\(PRelu\): slopes of shape/,
  );
  const fill = [node('ReduceMax', ['x'], ['m'], { keepdims: 0 }), node('Pad', ['x', 'pads', 'm'], ['y'])];
  await refused(
    read(fill, [ints('pads', [6], [0, 1, 0, 0, 0, 0])], { more: { opset: 13 } }),
    /batch|\(Pad\): constant_value depends/,
  );
  await refused(
    read([node('Gather', ['x', 'none'], ['y'], { axis: 2 })], [ints('none', [0], [])]),
    /\(Gather\): gathers no element/,
  );
  for (const at of [2, -3])
    await refused(
      read([node('Gather', ['x', 'at'], ['y'], { axis: 2 })], [ints('at', [1], [at])]),
      new RegExp(`\\(Gather\\): index ${at} is outside of an axis of 2`),
    );
  const turned = [node('Transpose', ['c'], ['t'], { perm: [0, 7] }), node('MatMul', ['x', 't'], ['y'])];
  await refused(read(turned, [floats('c', [2, 2], [1, 2, 3, 4])]), /\(Transpose\): perm is \[0,7\]/, ModelFileError);
});

test('with constants, an empty list of axes means all axes, and a remainder with the sign of the dividend is refused', async () => {
  const sum = [node('ReduceSum', ['c', 'none'], ['s'], { keepdims: 0 }), node('Mul', ['x', 's'], ['y'])];
  const made = await read(sum, [floats('c', [2, 2], [1, 2, 3, 4]), ints('none', [0], [])]);
  assert.deepEqual([...made.run([[[1, 2]]])[0].data], [10, 20]);
  const mod = (/** @type {any} */ attributes) =>
    read(
      [node('Mod', ['a', 'b'], ['m'], attributes), node('Mul', ['x', 'm'], ['y'])],
      [floats('a', [1], [-5]), floats('b', [1], [3])],
    );
  await refused(mod({ fmod: 1 }), /\(Mod\): fmod is 1/);
});

test('an operator of another domain is refused inside a branch, too', async () => {
  const branch = graph({ nodes: [node('Relu', ['x'], ['z'], {}, 'com.foreign')], outputs: ['z'] });
  const nodes = [node('If', ['yes'], ['y'], { then_branch: { g: branch }, else_branch: { g: branch } })];
  const yes = [[2, 9], [8, 'yes'], [9, Uint8Array.of(1)]]; // prettier-ignore
  await refused(read(nodes, [/** @type {Field[]} */ (yes)]), /domain (is )?"?com\.foreign/);
});

test('an initial state may be one number for all units', async () => {
  const constants = [
    floats('W', [1, 2, 2], [0.1, 0.2, 0.3, 0.4]),
    floats('R', [1, 2, 2], [0.5, 0, 0, 0.5]),
    ints('shape', [3], [1, 1, 2]),
    floats('half', [1], [0.5]),
  ];
  const start = [node('ConstantOfShape', ['shape'], ['zeros']), node('Add', ['zeros', 'half'], ['h0'])];
  const rnn = node('RNN', ['t', 'W', 'R', '', '', 'h0'], ['', 'h'], { hidden_size: 2 });
  const made = await read(
    [node('Transpose', ['x'], ['t'], { perm: [1, 0, 2] }), ...start, rnn, node('Squeeze', ['h'], ['y'], { axes: [0] })],
    constants,
    { more: { opset: 11 } },
  );
  const [{ data }] = made.run([[[1, 2]]]);
  [0.1 + 0.4 + 0.25, 0.3 + 0.8 + 0.25].forEach((sum, i) => assert.ok(Math.abs(data[i] - Math.tanh(sum)) < 1e-6));
});

test('limits in the wrong order, and training, are refused', async () => {
  const limits = [floats('low', [], [0]), floats('high', [], [-1])];
  await refused(read([node('Clip', ['x', 'low', 'high'], ['y'])], limits), /\(Clip\): min is 0, max -1/);
  const ones = ['s', 'b', 'm', 'v'].map((name) => floats(name, [2], [1, 1]));
  const turn = node('Transpose', ['x'], ['t'], { perm: [0, 2, 1] });
  const norm = node('BatchNormalization', ['t', 's', 'b', 'm', 'v'], ['y', 'mean']);
  await refused(
    read([turn, norm], ones, { more: { opset: 9 } }),
    /\(BatchNormalization\): more than one output, which means training/,
  );
});

test('a mean that depends on the input, with a constant variance, is refused', async () => {
  const constants = [...['s', 'b', 'v'].map((name) => floats(name, [2], [1, 1])), ints('zero', [1], [0]), ints('one', [1], [1])];
  const nodes = [
    node('Transpose', ['x'], ['t'], { perm: [0, 2, 1] }),
    node('Slice', ['x', 'zero', 'one', 'one'], ['first']),
    node('Flatten', ['first'], ['m']),
    node('BatchNormalization', ['t', 's', 'b', 'm', 'v'], ['y']),
  ];
  await refused(read(nodes, constants), /\(BatchNormalization\): moving_mean/);
});

test('layers have the names of their nodes; an error about the batch says when the inputs have a fixed one', async () => {
  const weights = [floats('w', [2, 2], [1, 0, 0, 1])];
  const made = await read([node('MatMul', ['x', 'w'], ['m']), node('Tanh', ['m'], ['y'])], weights);
  assert.deepEqual(made.root.layers.map(({ name }) => name).filter((name) => name.includes('of')), ['MatMul_of_m', 'Tanh_of_y']); // prettier-ignore
  const unnamed = node('Tanh', ['x'], ['y']).filter(([number]) => number !== 3);
  assert.ok((await read([unnamed], [])).root.layers.some(({ name }) => name === 'y'));
  const over = [node('ReduceMax', ['x'], ['y'], { axes: [0] })];
  const open = /runs over the batch, which mixes the texts of a batch; padless answers each text by itself$/;
  await refused(read(over, []), open);
  await refused(
    read(over, [], { shape: [4, 'time', 2] }),
    /answers each text by itself; the inputs have fixed sizes \(x \[4,time,2\]\): export the model with a batch axis that varies$/,
  );
});

test('steps of one feature stay steps in arithmetic with a constant', async () => {
  const made = await read([node('Mul', ['x', 'half'], ['y'])], [floats('half', [], [0.5])], { shape: ['batch', 2, 1] });
  assert.deepEqual(made.root.layers.map(({ className }) => className), ['Rescaling']); // prettier-ignore
  assert.deepEqual([...made.run([[[1], [2]]])[0].data], [0.5, 1]);
});

test('a transposed sequence and a vector for its steps are combined as they are stored, in both orders', async () => {
  const before = [
    node('Transpose', ['x'], ['t'], { perm: [0, 2, 1] }),
    node('ReduceMax', ['x'], ['m'], { axes: [2], keepdims: 0 }),
    node('Unsqueeze', ['m', 'one'], ['u']),
  ];
  const back = node('Transpose', ['s'], ['y'], { perm: [0, 2, 1] });
  for (const pair of [
    ['t', 'u'],
    ['u', 't'],
  ]) {
    const made = await read([...before, node('Mul', pair, ['s']), back], [ints('one', [1], [1])], { shape: ['batch', 3, 2], more: { opset: 13 } }); // prettier-ignore
    assert.deepEqual(made.root.layers.map(({ className }) => className), ['ops.Max', 'Multiply']); // prettier-ignore
    assert.deepEqual([...made.run([[[1, 2], [4, 3], [5, 7]]])[0].data], [2, 4, 16, 12, 35, 49]); // prettier-ignore
  }
});

test('a product over the batch is refused, with a constant or a tensor on either side', async () => {
  const ones = new Array(12).fill(1);
  const constants = [floats('right', [4, 3], ones), floats('left', [3, 4], ones)];
  const turned = Object.entries({ a: [1, 0, 2], b: [2, 1, 0], c: [1, 2, 0] }).map(([name, perm]) => node('Transpose', ['x'], [name], { perm })); // prettier-ignore
  for (const pair of [
    ['b', 'right'],
    ['left', 'a'],
    ['b', 'x'],
    ['x', 'a'],
    ['a', 'c'],
  ])
    // prettier-ignore
    await refused(
      read([...turned, node('MatMul', pair, ['y'])], constants, { shape: [4, 'time', 2] }),
      /\(MatMul\): (the product|broadcasting) runs over the batch, .*; the inputs have fixed sizes/,
    );
});

test('DequantizeLinear with blocks is refused; a recurrent kernel with a scale for each input becomes float32', async () => {
  const int8 = [[1, 1], [1, 2], [1, 2], [2, 3], [8, 'q'], [9, Uint8Array.of(1, 2, 255, 4)]]; // prettier-ignore
  const constants = [/** @type {Field[]} */ (int8), floats('s', [2], [0.25, 0.5]), floats('R', [1, 2, 2], [0, 0, 0, 0])];
  const nodes = (/** @type {any} */ attributes) => [
    node('DequantizeLinear', ['q', 's'], ['W'], attributes),
    node('Transpose', ['x'], ['t'], { perm: [1, 0, 2] }),
    node('RNN', ['t', 'W', 'R'], ['', 'h'], { hidden_size: 2 }),
    node('Squeeze', ['h'], ['y'], { axes: [0] }),
  ];
  const more = { more: { opset: 11 } };
  await refused(
    read(nodes({ block_size: 2 }), constants, more),
    /\(DequantizeLinear\): block_size is 2; padless reads scales of a tensor/,
  );
  // W is [[1 0.25, 2 0.5], [-1 0.25, 4 0.5]] by columns, [[1, 2], [-1, 4]] times 0.25 or 0.5 by rows.
  for (const [axis, sums] of /** @type {[number, number[]][]} */ ([
    [2, [1.25, 1.75]],
    [1, [0.75, 1.5]],
  ])) {
    // prettier-ignore
    const made = await read(nodes({ axis }), constants, more);
    const [{ data }] = made.run([[[1, 1]]]);
    sums.forEach((sum, i) => assert.ok(Math.abs(data[i] - Math.tanh(sum)) < 1e-4, `axis ${axis}: ${data}`));
    const kernel = made.root.layers.at(-1)?.weight('kernel');
    assert.equal(Boolean(kernel?.int8), axis === 1);
  }
});

test('the scale of an int8 kernel may be that of its direction', async () => {
  const int8 = [[1, 2], [1, 1], [1, 2], [2, 3], [8, 'q'], [9, Uint8Array.of(1, 2, 3, 4)]]; // prettier-ignore
  const constants = [/** @type {Field[]} */ (int8), floats('s', [2], [0.25, 0.5]), floats('R', [2, 1, 1], [0, 0])];
  const nodes = [
    node('DequantizeLinear', ['q', 's'], ['W'], { axis: 0 }),
    node('Transpose', ['x'], ['t'], { perm: [1, 0, 2] }),
    node('RNN', ['t', 'W', 'R'], ['', 'h'], { hidden_size: 1, direction: 'bidirectional' }),
    node('Transpose', ['h'], ['y'], { perm: [1, 0, 2] }),
  ];
  const made = await read(nodes, constants, { more: { opset: 13 } });
  const [{ data }] = made.run([[[0.1, 0.2]]]);
  [0.25 * 0.5, 0.5 * 1.1].forEach((sum, i) => assert.ok(Math.abs(data[i] - Math.tanh(sum)) < 1e-3, `${i}: ${data}`));
  const int8s = made.root.listWeights().filter(({ layer, spec }) => layer.weight(spec.name).int8);
  assert.equal(int8s.length, 2);
});

test('a direction that the weights contradict is refused', async () => {
  const constants = [floats('W', [1, 1, 2], [1, 1]), floats('R', [1, 1, 1], [1]), floats('W2', [2, 1, 2], [1, 1, 1, 1]), floats('R2', [2, 1, 1], [1, 1])]; // prettier-ignore
  for (const [direction, W, R, count] of /** @type {[string, string, string, number][]} */ ([
    ['bidirectional', 'W', 'R', 1],
    ['forward', 'W2', 'R2', 2],
    ['reverse', 'W2', 'R2', 2],
    ['sideways', 'W', 'R', 1],
  ]))
    await refused(
      read([node('RNN', ['x', W, R], ['y'], { hidden_size: 1, direction, layout: 1 })], constants),
      new RegExp(`\\(RNN\\): direction is ${direction}, but W has ${count} directions`),
    );
});

test('windows with ceil_mode over a fixed number of steps leave out one that would begin in the padding', async () => {
  const pooled = (/** @type {any} */ attributes, /** @type {number[]} */ weights) =>
    read(
      [
        node('Transpose', ['x'], ['t'], { perm: [0, 2, 1] }),
        node('MaxPool', ['t'], ['p'], { ceil_mode: 1, kernel_shape: [2], ...attributes }),
        node('Flatten', ['p'], ['f']),
        node('MatMul', ['f', 'w'], ['y']),
      ],
      [floats('w', [weights.length, 1], weights)],
      { shape: ['batch', 5, 1] },
    );
  const row = [[1], [2], [3], [4], [5]];
  const two = await pooled({ strides: [2] }, [1, 10, 100]);
  assert.deepEqual([...two.run([row])[0].data], [2 + 40 + 500]);
  const three = await pooled({ strides: [3], pads: [0, 1] }, [1, 10]);
  assert.deepEqual([...three.run([row])[0].data], [2 + 50]);
});

test('windows that slide along two axes, or take the maximum over two, are refused', async () => {
  const constants = [floats('w', [1, 1, 2, 2], [1, 1, 1, 1]), ints('one', [1], [1])];
  for (const own of [
    node('Conv', ['image', 'w'], ['y']),
    node('MaxPool', ['image'], ['y'], { kernel_shape: [2, 2] }),
    node('MaxPool', ['image'], ['y'], { kernel_shape: [2, 4] }),
  ])
    await refused(
      read([node('Unsqueeze', ['x', 'one'], ['image']), own], constants, { shape: ['batch', 'time', 4] }),
      /\(\w+\): an input of shape \[B,1,T,4\] and a kernel \[2,[24]\]; padless slides windows along one axis/,
    );
});

test('arithmetic on the texts of a batch with each other is refused', async () => {
  const apart = [node('Unsqueeze', ['x', 'one'], ['u']), node('Unsqueeze', ['x', 'zero'], ['w'])];
  const cast = node('Cast', ['t'], ['y'], { to: 1 });
  for (const own of [
    [node('Sub', ['x', 'u'], ['y'])],
    [node('Sub', ['u', 'x'], ['y'])],
    [node('Mul', ['u', 'w'], ['y'])],
    [node('Sum', ['x', 'x', 'u'], ['y'])],
    [node('Less', ['u', 'w'], ['t']), cast],
    [node('Less', ['x', 'half'], ['t']), node('Where', ['t', 'x', 'u'], ['y'])],
  ])
    await refused(
      read([...apart, ...own], [ints('zero', [1], [0]), ints('one', [1], [1]), floats('half', [], [0.5])], { shape: ['batch', 2] }),
      /\(\w+\): broadcasting runs over the batch, which mixes the texts of a batch; padless answers each text by itself$/,
    );
});

test('a sum after a product is its bias, and a quotient of two sequences is one operation', async () => {
  const classes = async (/** @type {Field[][]} */ nodes) =>
    (await read(nodes, [floats('w', [2, 2], [1, 0, 0, 1]), floats('b', [2], [1, 2])])).root.layers.map(
      ({ className }) => className,
    );
  assert.deepEqual(await classes([node('MatMul', ['x', 'w'], ['m']), node('Add', ['m', 'b'], ['y'])]), ['Dense']);
  assert.deepEqual(await classes([node('Sigmoid', ['x'], ['s']), node('Div', ['x', 's'], ['y'])]), [
    'Activation',
    'ops.TrueDivide',
  ]);
});

test('a norm over the batch is refused', async () => {
  const scale = floats('s', [2], [1, 1]);
  for (const axis of [0, -3])
    await refused(
      read([node('LayerNormalization', ['x', 's'], ['y'], { axis })], [scale]),
      /\(LayerNormalization\): LayerNormalization runs over the batch, which mixes the texts of a batch/,
    );
});
