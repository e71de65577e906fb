/**
 * ONNX files that are cut short, changed, or made to take much time or memory: each gives a model or a PadlessError, and the next file is read.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ModelFileError, PadlessError, UnsupportedError } from 'padless';
import { fromOnnx } from 'padless/import';
import { Builder } from '../../js/import/onnx/builder.js';
import { random } from '../random.js';
import { says } from '../says.js';
import { functionOf, graph, message, model, node, tensor, value, varint } from './onnx-writer.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
// The default seed gives the same bytes in every run.
const { integer, choice, seed } = random(Number(process.env.PADLESS_SEED ?? 1));
/** @param {string} name */
const read = (name) => new Uint8Array(readFileSync(new URL(`../models/onnx/${name}.onnx`, import.meta.url)));
const whole = read('torchscript-last-gru');
const several = [
  'torchscript-attention-masked-lstm-bi',
  'torchscript-kim-cnn',
  'dynamo-encoder-lstm',
  'tf2onnx-tagger-lstm-bi',
  'paddle-mean-gru-bi',
];
const ids = [[3, 1, 4], [5]];

/** @param {Uint8Array} bytes @param {RegExp} words @param {any} [Class] */
const rejects = (bytes, words, Class = PadlessError) => assert.rejects(fromOnnx(bytes, { simd }), says(Class, words));
const works = async () => assert.equal((await fromOnnx(whole, { simd })).run(ids)[0].data.length, 4);
/** @param {number[]} values */
const ints = (...values) => BigInt64Array.from(values, BigInt);

/** A graph with an input x [batch, time, 3]. @param {import('./onnx-writer.js').Field[][]} nodes @param {import('./onnx-writer.js').Field[][]} [constants] @param {any} [more] */
const withInput = (nodes, constants = [], more = {}) =>
  model(graph({ nodes, constants, inputs: [value('x', 1, ['batch', 'time', 3])], ...more }), more);

test('a file cut short at any length is refused, and the whole file is then read', async () => {
  for (let n = 0; n < whole.length; n++) await rejects(whole.subarray(0, n), /./);
  await works();
});

test(`files with some bytes changed give a model, which answers, or a PadlessError (seed ${seed})`, async () => {
  const counts = { read: 0, refused: 0 };
  for (const name of several) {
    const bytes = read(name);
    for (let n = 0; n < 80; n++) {
      const changed = bytes.slice();
      for (let k = integer(1, 4); k > 0; k--)
        changed[integer(0, bytes.length - 1)] = choice([0, 1, 127, 128, 255, integer(0, 255)]);
      try {
        (await fromOnnx(changed, { simd })).run(/** @type {any} */ (ids));
        counts.read++;
      } catch (error) {
        assert.ok(error instanceof PadlessError, `${name}: ${/** @type {any} */ (error)?.stack}`);
        counts.refused++;
      }
    }
  }
  assert.ok(counts.refused > 100 && counts.read > 20, JSON.stringify(counts));
  await works();
});

test('files with a part moved, doubled or removed give a model or a PadlessError', async () => {
  for (const name of several) {
    const bytes = read(name);
    for (let n = 0; n < 40; n++) {
      const [from, to] = [integer(0, bytes.length), integer(0, bytes.length)].sort((a, b) => a - b);
      const part = choice([new Uint8Array(0), bytes.subarray(from, to), bytes.subarray(0, from)]);
      const changed = new Uint8Array([...bytes.subarray(0, from), ...part, ...bytes.subarray(n % 2 ? to : from)]);
      await fromOnnx(changed, { simd }).catch((error) => assert.ok(error instanceof PadlessError, String(error?.stack)));
    }
  }
});

test('bytes that are not a protobuf message are refused', async () => {
  for (const bytes of [
    new Uint8Array(0),
    new Uint8Array(1000),
    new Uint8Array(1000).fill(255),
    Uint8Array.from({ length: 3000 }, () => integer(0, 255)),
    new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n'),
    message([[7, 5]]),
    message([[7, 'text']]),
    // A packed list of sizes that ends inside a number.
    model(graph({ nodes: [node('Mul', ['x', 'w'], ['y'])], constants: [[[1, Uint8Array.of(3, 0x80)]]] })),
    Uint8Array.of(0x3a, ...varint(2 ** 40)),
    Uint8Array.of(0x3a, ...varint(-1)),
  ])
    await rejects(bytes, /./);
});

const tooLarge = [2 ** 31, 2 ** 40, 2 ** 53, 2n ** 63n - 1n, -1, -(2n ** 63n)];

test('weights whose shape does not fit their data are refused, and no memory is allocated for the shape', async () => {
  for (const size of tooLarge)
    for (const dims of [[size], [size, size], [size, 0], [3, size], Array.from({ length: 100 }, () => size)]) {
      const constants = [tensor('w', dims, Float32Array.of(1, 2, 3))];
      await rejects(withInput([node('Mul', ['x', 'w'], ['y'])], constants), /"w"/);
    }
});

test('nodes that would make a huge tensor out of a small one are refused, and the message names the node', async () => {
  const one = tensor('one', [1], Float32Array.of(1));
  for (const size of [2 ** 28, 2 ** 40, 2 ** 53]) {
    const sizes = tensor('sizes', [2], ints(size, 4));
    const makers = {
      ConstantOfShape: node('ConstantOfShape', ['sizes'], ['big']),
      Expand: node('Expand', ['one', 'sizes'], ['big']),
      Tile: node('Tile', ['pair', 'sizes'], ['big']),
      Range: node('Range', ['zero', 'size', 'step'], ['big']),
      Pad: node('Pad', ['one', 'sizes'], ['big']),
    };
    const repeated = node('ConstantOfShape', ['sizes'], ['all']);
    const list = node('Slice', ['all', 'from', 'to'], ['big']);
    const halves = node('Split', ['all'], ['big', 'rest'], { axis: 0 });
    const parts = node('Split', ['three', 'sizes'], ['big', 'rest']);
    const copies = node('Tile', ['three', 'times'], ['big']);
    const first = [
      tensor('from', [1], ints(1)),
      tensor('to', [1], ints(size)),
      tensor('times', [1], ints(size)),
      tensor('three', [3], ints(1, 2, 3)),
      tensor('none', [1], ints(0)),
      tensor('negative', [4], ints(-5, 1, 1, 1)),
    ];
    const last = node('GlobalMaxPool', ['x'], ['least']);
    for (const [nodes, why] of /** @type {const} */ ([
      [[repeated, list], /\(Slice\): a slice of \d+ elements/],
      [[repeated, halves], /\((Split|Mul)\): a (constant|slice) of \d+ elements/],
      [[parts], /\(Split\): splits an axis of 3 into parts of \[\d+,4\]/],
      [[copies], /\(Tile\): a constant of \d+ elements/],
      [[node('Split', ['three'], ['big', 'rest'], { num_outputs: 3 })], /\(Split\): has num_outputs=3 and 2 outputs/],
      [[node('Slice', ['three', 'from', 'to', 'none', 'none'], ['big'])], /\(Slice\): a slice with step 0/],
      [[node('Expand', ['x', 'negative'], ['big'])], /\(Expand\): expands to \[-1,1,1\]|\(Expand\)/],
    ]))
      await rejects(withInput([...nodes, node('Mul', ['x', 'big'], ['y'])], [sizes, ...first]), why);
    await rejects(withInput([last, node('Expand', ['least', 'wide'], ['y'])], [tensor('wide', [3], ints(1, 1, size))]), /\(Expand\): a constant of \d+ elements/); // prettier-ignore
    const more = [
      one,
      sizes,
      tensor('pair', [1, 1], Float32Array.of(1)),
      tensor('zero', [], ints(0)),
      tensor('size', [], ints(size)),
      tensor('step', [], ints(1)),
    ];
    for (const [op, maker] of Object.entries(makers)) {
      // CumSum uses each element, so the tensor cannot be kept as one repeated value.
      const uses = [maker, node('CumSum', ['big', 'zero'], ['sum']), node('Mul', ['x', 'big'], ['y'])];
      await rejects(withInput(uses, more), new RegExp(`${op}|CumSum|Mul`));
      await rejects(
        withInput([maker, node('Transpose', ['big'], ['turned']), node('Add', ['turned', 'x'], ['y'])], more),
        /\(|node/,
      );
    }
  }
  await works();
});

test('a tensor that doubles at each node stays bounded', async () => {
  for (const op of ['Concat', 'Add', 'Mul']) {
    const nodes = [];
    for (let i = 0; i < 80; i++)
      nodes.push(
        op === 'Concat' ? node(op, [`v${i}`, `v${i}`], [`v${i + 1}`], { axis: 0 }) : node(op, [`v${i}`, `v${i}`], [`v${i + 1}`]),
      );
    nodes.push(node('Slice', ['v80', 'from', 'to'], ['some']), node('Mul', ['x', 'some'], ['y']));
    const constants = [tensor('from', [1], ints(0)), tensor('to', [1], ints(3))];
    const start = op === 'Concat' ? tensor('v0', [3], Float32Array.of(1, 2, 3)) : tensor('v0', [3], ints(1, 2, 3));
    await fromOnnx(withInput(nodes, [...constants, start]), { simd }).catch((error) =>
      assert.ok(error instanceof PadlessError, error?.stack),
    );
  }
  // In the graph itself, doubling gives 2^60 paths from the output to the input.
  const nodes = [node('Tanh', ['x'], ['v0'])];
  for (let i = 0; i < 60; i++) nodes.push(node('Add', [`v${i}`, `v${i}`], [`v${i + 1}`]));
  nodes.push(node('Tanh', ['v60'], ['y']));
  const [{ data }] = (await fromOnnx(withInput(nodes), { simd })).run([[[1, 2, 3]]]);
  assert.deepEqual([...data], [1, 1, 1]);
});

test('a sequence or a vector that doubles at each node is refused', async () => {
  for (const axis of [1, 2]) {
    const nodes = [];
    for (let i = 0; i < 70; i++) nodes.push(node('Concat', [i ? `v${i}` : 'x', i ? `v${i}` : 'x'], [`v${i + 1}`], { axis }));
    nodes.push(node('Tanh', ['v70'], ['y']));
    await rejects(withInput(nodes), /./);
  }
});

test('attributes with absurd sizes are refused', async () => {
  const w = tensor('w', [3, 3, 1], new Float32Array(9));
  const W = tensor('W', [1, 3, 3], new Float32Array(9));
  for (const size of [0, ...tooLarge]) {
    for (const name of ['strides', 'dilations', 'kernel_shape', 'pads']) {
      const attributes = { [name]: name === 'pads' ? [size, size] : [size] };
      const nodes = [node('Transpose', ['x'], ['t'], { perm: [0, 2, 1] }), node('Conv', ['t', 'w'], ['y'], attributes)];
      const loading = fromOnnx(withInput(nodes, [w]), { simd });
      // If the model can be made, it may refuse the row.
      await loading.then((made) => made.run([[[1, 2, 3], [4, 5, 6]]])).catch((error) => assert.ok(error instanceof PadlessError, error?.stack)); // prettier-ignore
    }
    const rnn = node('RNN', ['x', 'W', 'W'], ['y'], { hidden_size: size });
    await rejects(withInput([rnn], [W]), /RNN|output/);
    await rejects(withInput([node('Conv', ['x', 'w'], ['y'], { group: size })], [w]), /Conv/);
    await rejects(withInput([node('Concat', ['x', 'x'], ['y'], { axis: Number(size) < 3 ? 99 : size })]), /Concat|output/);
    await rejects(withInput([node('Split', ['x'], ['y', 'z'], { axis: -1, num_outputs: size })], [], { opset: 18 }), /Split/);
    await rejects(withInput([node('TopK', ['x', 'k'], ['y', 'z'])], [tensor('k', [1], BigInt64Array.of(BigInt.asIntN(64, BigInt(size))))]), /TopK|output/); // prettier-ignore
  }
});

test('inputs with absurd shapes are refused', async () => {
  for (const size of tooLarge.filter((each) => Number(each) > 0)) {
    for (const shape of [[size], [size, size, size], ['batch', size, 3], Array.from({ length: 1000 }, () => size)]) {
      const bytes = model(graph({ nodes: [node('Tanh', ['x'], ['y'])], inputs: [value('x', 1, /** @type {any} */ (shape))] }));
      await fromOnnx(bytes, { simd }).then((made) => assert.throws(() => made.run([[[1, 2, 3]]]), PadlessError), (error) => assert.ok(error instanceof PadlessError, error?.stack)); // prettier-ignore
    }
  }
});

test('nodes that read each other, themselves or nothing are refused', async () => {
  await rejects(withInput([node('Add', ['x', 'y'], ['y'])]), /Add|"y"/, PadlessError);
  await rejects(withInput([node('Add', ['x', 'b'], ['a']), node('Tanh', ['a'], ['b']), node('Tanh', ['b'], ['y'])]), /Add|"b"/);
  await rejects(withInput([node('Add', ['x', 'nowhere'], ['y'])]), /Add|nowhere/);
  await rejects(withInput([node('Tanh', [], ['y'])]), /Tanh|no output depends on an input/);
  await rejects(withInput([node('Tanh', ['x'], [])]), /no output depends on an input/);
  await rejects(
    withInput([node('Tanh', ['x'], ['y']), node('Abs', ['x'], ['y'])]),
    /two nodes have the output "y"/,
    ModelFileError,
  );
  await rejects(withInput([node('Tanh', ['x'], ['y'])], [], { outputs: [] }), /no outputs/);
  await rejects(withInput([node('__proto__', ['x'], ['y'])]), /__proto__/, UnsupportedError);
  await rejects(withInput([node('constructor', ['x'], ['y'])]), /constructor/, UnsupportedError);
});

test('a name that two inputs, two nodes, or a node and an input or a weight have is refused', async () => {
  const x = value('x', 1, ['batch', 'time', 3]);
  const w = tensor('w', [3], Float32Array.of(1, 2, 3));
  const of = (/** @type {any} */ more) =>
    model(graph({ nodes: [node('Mul', ['x', 'w'], ['y'])], constants: [w], inputs: [x], ...more }));
  await rejects(of({ inputs: [x, x] }), /two inputs have the name "x"$/, ModelFileError);
  const twice = /an input or a weight and the output of a node are both "y"$/;
  await rejects(of({ inputs: [x, value('y', 1, ['batch', 3])] }), twice, ModelFileError);
  await rejects(of({ constants: [w, tensor('y', [1], Float32Array.of(1))] }), twice, ModelFileError);
  // Up to IR version 3, weights are inputs, too. Of two weights with a name, onnxruntime takes the last one.
  for (const more of [{}, { inputs: [x, value('w', 1, [3])] }, { constants: [tensor('w', [1], Float32Array.of(9)), w] }])
    assert.deepEqual([...(await fromOnnx(of(more), { simd })).run([[[1, 1, 2]]])[0].data], [1, 2, 6]);
});

test('inputs and outputs that padless has no form for are refused, and the message says which', async () => {
  const w = tensor('w', [9, 3], new Float32Array(27).fill(1));
  /** @param {import('./onnx-writer.js').Field[]} type @returns {import('./onnx-writer.js').Field[]} */
  const typed = (...type) => [[1, 'x'], [2, type]]; // prettier-ignore
  const tanh = [node('Tanh', ['x'], ['y'])];
  const flat = [node('Reshape', ['x', 'to'], ['y'])];
  const gather = [node('Gather', ['w', 'x'], ['y'])];
  const of = (/** @type {any} */ input, nodes = tanh, outputs = ['y']) =>
    model(graph({ nodes, constants: [w, tensor('to', [2], ints(-1, 3))], inputs: [input], outputs }));
  const open = value('x', 1, ['batch', 'time', 3]);
  const sum = [node('MatMul', ['x', 'v'], ['y'])];
  for (const [bytes, message_, Class] of /** @type {[Uint8Array, RegExp, any?][]} */ ([
    [of(typed([1, [[1, 1]]])), /input "x" has no known number of axes$/],
    [of(typed([4, [[1, [[1, [[1, 1]]]]]]])), /input "x": data type undefined; padless reads/],
    [of(value('x', 1, [])), /input "x" is one number for the whole batch; padless needs inputs with a batch axis$/],
    [of(value('x', 7, ['batch', 'time', 'a', 'b']), gather), /input "x" has token ids of shape \[batch,time,a,b\]; padless reads/],
    [
      of(value('x', 1, ['batch', 'time', 'features'])),
      /has shape \[batch,time,features\], in which more axes than batch and time vary/,
    ],
    [of(open, tanh, ['y', 'nowhere']), /no node computes the output "nowhere"$/, ModelFileError],
    [of(open, [...tanh, node('MatMul', ['x', 'k'], ['z'])], ['y', 'k']), /no node computes the output "k"$/, ModelFileError],
    [of(value('x', 7, ['batch', 'time']), gather, ['y', 'w']), /output "w" does not depend on the input$/],
    [of(open, flat), /output "y" of shape \[B\*T,3\] merges the batch and time axes into one; padless keeps them apart$/],
    [model([...graph({ nodes: sum, inputs: [open] }), [15, []]]), /weights are sparse tensors; padless reads dense ones$/],
    [withInput([node('TopK', ['x', 'k'], ['y', 'z'])], [tensor('k', [2], ints(1, 1))]), /\(TopK\): /],
    [withInput([node('Own', ['x'], ['y'], {}, 'mine')]), /node "Own of y" \(Own\): the operator is of domain mine; padless reads/],
    [withInput([[[1, 'x'], [2, 'y'], [4, 'Own'], [7, 'mine']]]), /node "y" \(Own\): the operator is of domain mine/], // prettier-ignore
  ]))
    await rejects(bytes, message_, Class ?? UnsupportedError);
});

test('axes without a size or a name vary, each by itself', async () => {
  /** @type {(name: string) => import('./onnx-writer.js').Field[]} */
  const open = (name) => [[1, name], [2, [[1, [[1, 1], [2, [[1, []], [1, []], [1, [[1, 3]]]]]]]]]]; // prettier-ignore
  const one = await fromOnnx(model(graph({ nodes: [node('Relu', ['x'], ['y'])], inputs: [open('x')] })), { simd });
  assert.deepEqual(one.run([[[1, -2, 3], [4, 5, -6]]])[0].shape, [1, 2, 3]); // prettier-ignore
  await rejects(
    model(graph({ nodes: [node('Add', ['x', 'z'], ['y'])], inputs: [open('x'), open('z')] })),
    /\(Add\): .*\[B,T,3\] and \[B,T1,3\]/,
    UnsupportedError,
  );
  const chars = { inputs: [value('x', 7, ['batch', 5, 4])], constants: [tensor('w', [9, 3], new Float32Array(27))] };
  const nodes = [node('Gather', ['w', 'x'], ['c']), node('ReduceMean', ['c'], ['y'], { axes: [2], keepdims: 0 })];
  assert.deepEqual((await fromOnnx(model(graph({ nodes, ...chars })), { simd })).inputs[0].shape, [5, 4]);
});

test('two nodes with lengths of their own keep both as inputs', async () => {
  const W = tensor('W', [1, 2, 3], new Float32Array(6).fill(0.5));
  const R = tensor('R', [1, 2, 2], new Float32Array(4));
  const nodes = ['a', 'b'].map((name) => node('RNN', ['t', 'W', 'R', '', name], ['', `h${name}`], { hidden_size: 2 }));
  const turned = node('Transpose', ['x'], ['t'], { perm: [1, 0, 2] });
  const sum = [node('Add', ['ha', 'hb'], ['h']), node('Squeeze', ['h', 'zero'], ['y'])];
  const inputs = [value('x', 1, ['batch', 'time', 3]), value('a', 6, ['batch']), value('b', 6, ['batch'])];
  const bytes = model(graph({ nodes: [turned, ...nodes, ...sum], constants: [W, R, tensor('zero', [1], ints(0))], inputs }));
  await fromOnnx(bytes, { simd }).then((made) => assert.deepEqual(made.inputs.map(({ name }) => name), ['x', 'a', 'b'])); // prettier-ignore
});

test('a call without a name, and outputs of a function that the call leaves out, are read', async () => {
  const two = [...functionOf('two', [node('Tanh', ['x'], ['y']), node('Neg', ['y'], ['other'])]), [5, 'other']];
  /** @type {import('./onnx-writer.js').Field[]} */
  const call = [[1, 'x'], [2, 'v'], [4, 'two'], [7, 'own']]; // prettier-ignore
  const bytes = withInput([call, node('Abs', ['v'], ['y'])], [], { functions: [two], domains: ['own'] });
  assert.deepEqual([...(await fromOnnx(bytes, { simd })).run([[[-9, 0, 9]]])[0].data], [1, 0, 1]);
});

test('nested graphs, and functions that call functions, are limited', async () => {
  let inner = graph({ nodes: [node('Tanh', ['x'], ['y'])] });
  for (let i = 0; i < 500; i++) inner = graph({ nodes: [node('If', ['x'], ['y'], { then_branch: { g: inner } })] });
  await rejects(model(inner), /nested more than \d+ deep/, ModelFileError);

  const call = (/** @type {number} */ i, x = 'x', y = 'y') => node(`f${i}`, [x], [y], {}, 'own');
  const options = (/** @type {any[]} */ functions) => ({ functions, domains: ['own'] });
  await rejects(withInput([call(0)], [], options([functionOf('f0', [call(0)])])), /function/);
  // Each of 18 functions calls the next one ten times: 10^17 calls of the last one, which has a node or none.
  for (const last of [[node('Tanh', ['x'], ['y'])], []]) {
    const functions = Array.from({ length: 18 }, (_, i) =>
      functionOf(
        `f${i}`,
        i === 17 ? last : Array.from({ length: 10 }, (__, k) => call(i + 1, k ? `v${k}` : 'x', k === 9 ? 'y' : `v${k + 1}`)),
      ),
    );
    await rejects(withInput([call(0)], [], options(functions)), /more than \d+/);
  }
});

test('a name that many nodes have is made unique without trying all numbers', () => {
  const builder = new Builder();
  let tries = 0;
  const { entries } = builder;
  entries.has = (name) => Boolean(++tries && Map.prototype.has.call(entries, name));
  for (let i = 0; i < 100; i++) builder.input(builder.name('x'), []);
  assert.ok(entries.size === 100 && tries <= 200, `${entries.size} names after ${tries} tries`);
});

test('long chains of nodes are read or refused', async () => {
  for (const op of ['Tanh', 'Identity', 'Neg']) {
    const nodes = Array.from({ length: 1000 }, (_, i) => node(op, [i ? `v${i}` : 'x'], [i === 999 ? 'y' : `v${i + 1}`]));
    await fromOnnx(withInput(nodes), { simd })
      .then((made) => made.run([[[1, 2, 3]]]))
      .catch((error) => assert.ok(error instanceof PadlessError, String(error?.stack).slice(0, 500)));
  }
  await works();
});

test('external data is read only from the files that the caller gives', async () => {
  const outside = [
    [1, 3],
    [2, 1],
    [8, 'w'],
    [13, [[1, 'location'], [2, '../../../../etc/passwd']]], // prettier-ignore
    [14, 1],
  ];
  const bytes = withInput([node('Mul', ['x', 'w'], ['y'])], [/** @type {any} */ (outside)]);
  await rejects(bytes, /etc\/passwd|passwd/);
  await assert.rejects(fromOnnx({ 'model.onnx': bytes }, { simd }), PadlessError);
});

test('inputs that are missing, and a kernel_shape that the weights contradict, are refused', async () => {
  const w = tensor('w', [2, 3, 1], new Float32Array(6));
  const turned = node('Transpose', ['x'], ['t'], { perm: [0, 2, 1] });
  for (const [op, inputs] of /** @type {[string, string[]][]} */ ([
    ['Add', ['x']],
    ['Where', ['x', 'x']],
    ['MatMul', ['x', '']],
    ['LSTM', ['x', 'w']],
  ]))
    await rejects(
      withInput([node(op, inputs, ['y'])], [w]),
      new RegExp(`\\(${op}\\): input \\d is missing; it needs \\d`),
      ModelFileError,
    );
  const conv = (/** @type {any} */ attributes) => withInput([turned, node('Conv', ['t', 'w'], ['y'], attributes)], [w]);
  for (const size of [0, -1, 2])
    await rejects(conv({ kernel_shape: [size] }), /\(Conv\): kernel_shape \[-?\d\], the weights have \[1\]/, ModelFileError);
  await fromOnnx(conv({ kernel_shape: [1] }), { simd });
});
