/** ONNX models: operators compared with onnxruntime-web on random weights, refused models, and broken files. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ModelFileError, PadlessError, UnsupportedError } from 'padless';
import { fromOnnx, recognise } from 'padless/import';
import { onnxGraph } from '../../web/onnx.js';
import { file, folder, padless } from '../command.js';
import '../guarded-heap.js';
import { ort, quiet } from '../onnxruntime.js';
import { says } from '../says.js';
import { agrees, D, embedded, H, importing, integer, ints, K, node, normal, onIds, simd, table, V, weight } from './onnx-graphs.js';
/** @typedef {import('../../web/onnx.js').OnnxGraph} OnnxGraph */
/** @typedef {import('../../web/onnx.js').OnnxNode} OnnxNode */
/** @typedef {import('../../web/onnx.js').Constant} Constant */

/** The nodes that exporters of PyTorch write around an LSTM, and its weights. @param {'LSTM' | 'GRU' | 'RNN'} op @param {any} attributes @param {string[]} [outputs] */
function recurrent(op, attributes, outputs = ['Y', 'Y_h', 'Y_c']) {
  const directions = attributes.direction === 'bidirectional' ? 2 : 1;
  const rows = { LSTM: 4, GRU: 3, RNN: 1 }[op] * H;
  return {
    nodes: [
      node('Transpose', ['e'], ['time_first'], { perm: [1, 0, 2] }),
      node(op, ['time_first', 'W', 'R', 'bias'], outputs.slice(0, op === 'LSTM' ? 3 : 2), { hidden_size: H, ...attributes }),
    ],
    constants: { W: weight([directions, rows, D]), R: weight([directions, rows, H]), bias: weight([directions, 2 * rows]) },
  };
}

/** The class names of a model's layers. @param {import('padless').Model} model */
const classesOf = (model) =>
  model.root
    .all()
    .slice(1)
    .map(({ className }) => className.replace('padless>', ''));

const gemm = [node('Gemm', ['v', 'kernel', 'shift'], ['y'], { transB: 1 })];
const kernels = (/** @type {number} */ width) => ({ kernel: weight([K, width]), shift: weight([K]) });

for (const op of /** @type {const} */ (['LSTM', 'GRU', 'RNN']))
  for (const direction of ['forward', 'reverse', 'bidirectional'])
    test(`${op}, ${direction}: the sequence and the last states equal those of onnxruntime`, async () => {
      const { nodes, constants } = recurrent(op, { direction, ...(op === 'GRU' && { linear_before_reset: 1 }) });
      const states = op === 'LSTM' ? ['Y', 'h', 'c'] : ['Y', 'h'];
      const out = [node('Transpose', ['Y_h'], ['h'], { perm: [1, 0, 2] }), node('Transpose', ['Y_c'], ['c'], { perm: [1, 0, 2] })];
      const batchFirst = node('Transpose', ['Y'], ['out'], { perm: [2, 0, 1, 3] });
      await agrees(onIds([...nodes, batchFirst, ...out.slice(0, states.length - 1)], constants, ['out', ...states.slice(1)]));
    });

test('a GRU that resets before the product and an RNN with relu are read', async () => {
  const gru = recurrent('GRU', { direction: 'bidirectional' }, ['', 'Y_h']);
  const last = node('Transpose', ['Y_h'], ['y'], { perm: [1, 0, 2] });
  await agrees(onIds([...gru.nodes, last], gru.constants));
  const rnn = recurrent('RNN', { activations: ['Relu'] }, ['', 'Y_h']);
  await agrees(onIds([...rnn.nodes, last], rnn.constants));
});

/** The last state of a cell with these activations. @param {'LSTM' | 'GRU' | 'RNN'} op @param {string[]} activations @param {number[]} [alpha] @param {number[]} [beta] @param {string} [direction] */
function activated(op, activations, alpha, beta, direction = activations.length > 3 ? 'bidirectional' : 'forward') {
  const lists = {
    ...(alpha && { activation_alpha: Float32Array.from(alpha) }),
    ...(beta && { activation_beta: Float32Array.from(beta) }),
  };
  const { nodes, constants } = recurrent(op, { direction, activations, ...lists }, ['', 'Y_h']);
  return onIds([...nodes, node('Transpose', ['Y_h'], ['y'], { perm: [1, 0, 2] })], constants);
}

test('activations of recurrent cells equal those of onnxruntime, with alpha and beta of the functions that have them', async () => {
  // With activations other than the defaults, answers of onnxruntime differ by up to 2e-5.
  const close = (/** @type {OnnxGraph} */ graph) => agrees(graph, 1, 1e-4);
  // A gate above 1 makes states grow with each step, so activations without a bound are those of an RNN.
  for (const name of ['Relu', 'Tanh', 'Softplus', 'Elu']) await close(activated('RNN', [name]));
  for (const name of ['Softsign', 'softsign', 'HardSigmoid']) await close(activated('GRU', [name, 'Tanh']));
  await close(activated('GRU', ['Sigmoid', 'Elu'], [1]));
  await close(activated('GRU', ['Sigmoid', 'LeakyRelu'], [0.2]));
  await close(activated('GRU', ['HardSigmoid', 'Tanh'], [1 / 6], [0.5]));
  await close(activated('GRU', ['HardSigmoid', 'LeakyRelu', 'LeakyRelu', 'HardSigmoid'], [1 / 6, 0.2, 0.2, 0.2], [0.5, 0.5]));
  await close(activated('GRU', ['HardSigmoid', 'Tanh', 'HardSigmoid', 'Tanh'], [0.2, 1 / 6], [0.5, 0.5]));
  await close(activated('GRU', ['HardSigmoid', 'LeakyRelu', 'Sigmoid', 'Elu'], [0.2, 0.2, 1], [0.5]));
  await close(activated('LSTM', ['HardSigmoid', 'Softsign', 'Softsign', 'Sigmoid', 'Tanh', 'Tanh'], [1 / 6], [0.5]));
});

test('activations of recurrent cells that padless lacks, or too few of them, are refused', async () => {
  for (const [graph, message] of /** @type {[OnnxGraph, RegExp][]} */ ([
    [activated('RNN', ['LeakyRelu']), /\(RNN\): activation LeakyRelu with alpha=0\.01; padless has alpha=0\.2$/],
    [activated('RNN', ['Elu'], [0.5]), /activation Elu with alpha=0\.5; padless has alpha=1$/],
    [activated('RNN', ['HardSigmoid'], [0.25]), /activation HardSigmoid with alpha=0\.25; padless has alpha=0\.166/],
    [activated('RNN', ['HardSigmoid'], [0.2], [0.25]), /activation HardSigmoid with alpha=0\.2/],
    [activated('RNN', ['HardSigmoid'], [1 / 6], [0.25]), /activation HardSigmoid with beta=0\.25; padless has beta=0\.5$/],
    [activated('RNN', ['Tanh', 'ThresholdedRelu'], [1], [], 'bidirectional'), /activation ThresholdedRelu; padless has relu/],
    [activated('RNN', ['constructor']), /activation constructor; padless has relu/],
    [activated('RNN', ['Tanh'], [], [], 'bidirectional'), /\(RNN\): 1 activations, expected 1 for each direction/],
    [activated('LSTM', ['Sigmoid', 'Tanh']), /\(LSTM\): 2 activations, expected 3 for each direction/],
    [activated('LSTM', ['Sigmoid', 'Tanh', 'Relu']), /activations tanh and relu of the cell and of its output differ/],
  ]))
    await assert.rejects(importing(graph), says(UnsupportedError, message));
});

test('an LSTM with input_forget, and one whose initial state is only h, are read', async () => {
  const last = node('Transpose', ['Y_h'], ['y'], { perm: [1, 0, 2] });
  for (const activations of [undefined, ['HardSigmoid', 'Tanh', 'Tanh', 'Sigmoid', 'Tanh', 'Tanh']]) {
    const coupled = recurrent('LSTM', { direction: 'bidirectional', input_forget: 1, ...(activations && { activations }) });
    await agrees(onIds([...coupled.nodes, last], coupled.constants));
  }
  const { nodes, constants } = recurrent('LSTM', {});
  const shape = [node('Shape', ['ids'], ['s']), node('Gather', ['s', 'at'], ['B'], { axis: 0 })];
  const state = [node('Concat', ['one', 'B', 'one'], ['to'], { axis: 0 }), node('Expand', ['h0', 'to'], ['given'])];
  const [move, lstm] = nodes;
  const given = { ...lstm, inputs: [...lstm.inputs, '', 'given'] };
  const values = { ...constants, h0: weight([1, 1, H]), at: ints([0]), one: ints([1]) };
  await agrees(onIds([move, ...shape, ...state, given, last], values));
});

test('a ReverseSequence needs one length for each row', async () => {
  const reversed = (/** @type {(string | number)[]} */ shape) =>
    importing(
      onIds([node('ReverseSequence', ['e', 'lengths'], ['y'], { time_axis: 1, batch_axis: 0 })], {}, ['y'], {
        inputs: { ids: 'int64', lengths: 'int64' },
        shapes: { ids: ['batch', 'time'], lengths: shape },
      }),
    );
  await reversed(['batch']);
  for (const shape of [['batch', 2], ['batch', 1]]) await assert.rejects(reversed(shape), says(UnsupportedError, /\(ReverseSequence\): sequence_lens of shape \[.*\], expected one length/)); // prettier-ignore
});

test('elementwise trigonometric and hyperbolic functions, powers and remainders are read', async () => {
  /** @type {[string, string[]?, any?][]} */
  const nodes = [
    ...['Sin', 'Cos', 'Tan', 'Atan', 'Sinh', 'Cosh', 'Asinh', 'IsInf', 'Shrink'].map((op) => /** @type {[string]} */ ([op])),
    ['Shrink', [], { lambd: 0.25, bias: 0.5 }],
    ['IsInf', [], { detect_negative: 0 }],
    ['Pow', ['five']],
    ['Mod', ['third'], { fmod: 1 }],
    ['Hardmax', [], { axis: 2 }],
    ['ArgMax', [], { axis: 2, select_last_index: 1, keepdims: 0 }],
    ['ReduceLogSumExp', [], { axes: [2] }],
  ];
  const constants = { five: { ...weight([]), data: [5] }, third: { ...weight([]), data: [0.3] } };
  const all = nodes.map(([op, more = [], attributes = {}], i) => node(op, ['e', ...more], [`y${i}`], attributes));
  const bounded = ['Asin', 'Acos', 'Atanh'].map((op) => node(op, ['small'], [`of ${op}`]));
  const positive = [node('Acosh', ['large'], ['of Acosh']), node('Pow', ['large', 'e'], ['of Pow'])];
  const before = [node('Tanh', ['e'], ['small']), node('Cosh', ['e'], ['large'])];
  const each = [...all, ...bounded, ...positive];
  const casts = each
    .map(({ op, outputs: [name] }) => (['IsInf', 'ArgMax'].includes(op) ? [node('Cast', [name], [`${name} cast`], { to: 1 })] : []))
    .flat();
  const outputs = [
    ...new Set(each.map(({ outputs: [name] }) => (casts.some(({ inputs }) => inputs[0] === name) ? `${name} cast` : name))),
  ];
  await agrees(onIds([...before, ...each, ...casts], constants, outputs));
  await agrees(onIds([node('ReduceLogSumExp', ['e'], ['y'], { axes: [1], keepdims: 0 })], {}));
});

test('TopK of the smallest elements and integer division are read', async () => {
  const least = [
    node('TopK', ['e', 'two'], ['values', 'places'], { largest: 0, axis: -1 }),
    node('Cast', ['places'], ['y'], { to: 1 }),
  ];
  await agrees(onIds(least, { two: ints([2]) }, ['values', 'y']));
  const divided = [node('Sub', ['ids', 'four'], ['n']), node('Div', ['n', 'three'], ['q']), node('Cast', ['q'], ['y'], { to: 1 })];
  await agrees(onIds(divided, { four: ints([4], []), three: ints([3], []) }));
});

/** Nodes over [B, C, T], with the names of their outputs [B, T, C]. @param {[string, any, string[]?][]} list  operator, attributes, more inputs */
function overChannels(list) {
  const nodes = list.flatMap(([op, attributes, more = []], i) => [
    node(op, ['channels', ...more], [`c${i}`], attributes),
    node('Transpose', [`c${i}`], [`y${i}`], { perm: [0, 2, 1] }),
  ]);
  return { nodes: [node('Transpose', ['e'], ['channels'], { perm: [0, 2, 1] }), ...nodes], outputs: list.map((_, i) => `y${i}`) };
}

test('pooling with padding at either end, ceil_mode and dilation is read', async () => {
  const options = [
    { kernel_shape: [3], pads: [1, 1], strides: [2] },
    { kernel_shape: [3], pads: [2, 0] },
    { kernel_shape: [4], pads: [1, 3], strides: [3] },
    { kernel_shape: [2], strides: [2], ceil_mode: 1 },
    { kernel_shape: [3], strides: [2], pads: [1, 1], ceil_mode: 1 },
    { kernel_shape: [2], strides: [3], pads: [0, 1], ceil_mode: 1 },
    { kernel_shape: [4], strides: [2], auto_pad: 'SAME_LOWER' },
    { kernel_shape: [3], strides: [2], auto_pad: 'SAME_UPPER' },
    { kernel_shape: [2], pads: [1, 1], dilations: [2] },
  ];
  const average = options.filter((each) => !each.dilations);
  const { nodes, outputs } = overChannels([
    ...options.map((each) => /** @type {[string, any]} */ (['MaxPool', each])),
    ...average.map((each) => /** @type {[string, any]} */ (['AveragePool', each])),
    ...average
      .filter((each) => !each.ceil_mode)
      .map((each) => /** @type {[string, any]} */ (['AveragePool', { ...each, count_include_pad: 1 }])),
  ]);
  await agrees(onIds(nodes, {}, outputs), 4);
});

test('padding with a constant, with the edges and by reflection is read', async () => {
  const constants = { pads: ints([0, 0, 2, 0, 0, 1]), number: { ...weight([]), data: [-1.5] } };
  const { nodes, outputs } = overChannels([
    ['Pad', {}, ['pads', 'number']],
    ['Pad', { mode: 'edge' }, ['pads']],
    ['Pad', { mode: 'reflect' }, ['pads']],
  ]);
  await agrees(onIds(nodes, constants, outputs), 3);
  await assert.rejects(
    async () => (await importing(onIds(nodes, constants, outputs))).run([[1, 2]]),
    says(PadlessError, /row 0 has 2 steps, expected 3/),
  );
});

test('a 2D convolution whose kernel covers all features of a step is read', async () => {
  const nodes = [
    node('Unsqueeze', ['e', 'one'], ['image']),
    node('Conv', ['image', 'window', 'shift'], ['slid'], { kernel_shape: [3, D], pads: [1, 0, 1, 0] }),
    node('Relu', ['slid'], ['positive']),
    node('Squeeze', ['positive', 'three'], ['found']),
    node('ReduceMax', ['found'], ['y'], { axes: [2], keepdims: 0 }),
    // The same convolution with the two axes of the image swapped.
    node('Transpose', ['image'], ['turned'], { perm: [0, 1, 3, 2] }),
    node('Conv', ['turned', 'flat'], ['z'], { kernel_shape: [D, 2] }),
  ];
  const constants = {
    window: weight([K, 1, 3, D]),
    flat: weight([K, 1, D, 2]),
    shift: weight([K]),
    one: ints([1]),
    three: ints([3]),
  };
  const model = await agrees(onIds(nodes, constants, ['y']), 2);
  assert.deepEqual(classesOf(model).slice(0, 3), ['Embedding', 'Conv1D', 'Activation']);
  await agrees(
    onIds(
      [...nodes, node('Squeeze', ['z', 'two'], ['z3']), node('Transpose', ['z3'], ['y2'], { perm: [0, 2, 1] })],
      { ...constants, two: ints([2]) },
      ['y2'],
    ),
    2,
  );
});

test('ReverseSequence is read, also if other nodes read the steps after the lengths', async () => {
  const graph = {
    ...onIds(
      [
        node('ReverseSequence', ['e', 'lengths'], ['y'], { time_axis: 1, batch_axis: 0 }),
        node('ReduceMean', ['e'], ['mean'], { axes: [1] }),
      ],
      {},
      ['y', 'mean'],
    ),
    inputs: /** @type {any} */ ({ ids: 'int64', lengths: 'int64' }),
    shapes: { ids: ['batch', 'time'], lengths: ['batch'] },
  };
  const bytes = onnxGraph(graph);
  const rows = [[1, 2, 3, 4], [5, 6, 7, 8]]; // prettier-ignore
  const session = await ort.InferenceSession.create(bytes, quiet);
  const expected = await session.run({
    ids: new ort.Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [2, 4]),
    lengths: new ort.Tensor('int64', BigInt64Array.of(3n, 2n), [2]),
  });
  const model = await fromOnnx(bytes, { simd });
  const answers = model.run({ ids: rows, lengths: [[3], [2]] });
  answers.forEach(({ name, data }) =>
    assert.ok(
      data.every((value, i) => Math.abs(value - Number(expected[name].data[i])) < 1e-6),
      name,
    ),
  );
  // If nothing else reads the steps after the lengths, the model has no input for lengths: each row has its own length.
  const short = await importing({ ...graph, outputs: ['y'], nodes: graph.nodes.slice(0, 2) });
  assert.deepEqual(
    short.inputs.map(({ name }) => name),
    ['ids'],
  );
  const [{ data }] = short.run([[1, 2, 3], [5, 6]]); // prettier-ignore
  const y = /** @type {Float32Array} */ (expected.y.data);
  assert.ok(
    data.slice(0, 3 * D).every((value, i) => value === y[i]) &&
      data.slice(3 * D, 5 * D).every((value, i) => value === y[4 * D + i]),
  );
  await session.release();
});

test('Gather along other axes and with constant indices, Tile and Expand are read', async () => {
  const nodes = [
    node('Gather', ['wide', 'ids'], ['columns'], { axis: 1 }),
    node('Transpose', ['columns'], ['a'], { perm: [1, 2, 0] }),
    node('Gather', ['list', 'ids'], ['numbers']),
    node('Unsqueeze', ['numbers', 'two'], ['b']),
    node('Gather', ['cube', 'ids'], ['c']),
    node('Tile', ['e', 'repeats'], ['d']),
    node('Gather', ['e', 'places'], ['f'], { axis: 2 }),
    node('ReduceMax', ['e'], ['most'], { axes: [2] }),
    node('Expand', ['most', 'threefold'], ['g']),
  ];
  const constants = {
    wide: weight([D, V]),
    list: weight([V]),
    cube: weight([V, 2, 3]),
    repeats: ints([1, 1, 2]),
    places: ints([0, 3, 5, 1], [2, 2]),
    threefold: ints([1, 1, 3]),
    two: ints([2]),
  };
  await agrees(onIds(nodes, constants, ['a', 'b', 'c', 'd', 'f', 'g']));
  await assert.rejects(
    importing(onIds([node('Expand', ['e', 'more'], ['y'])], { more: ints([3, 1, 1]) })),
    says(UnsupportedError, /\(Expand\): expands \[B,T,6\] to \[3,1,1\]/),
  );
});

test('int8 tables and recurrent kernels stay int8', async () => {
  const int8 = (/** @type {number[]} */ shape) => ({
    type: /** @type {const} */ ('int8'),
    shape,
    data: weight(shape, 40).data.map((v) => Math.max(-127, Math.min(127, Math.round(v)))),
  });
  const scales = (/** @type {number} */ n) => ({ ...weight([n]), data: Array.from({ length: n }, (_, i) => (1 + (i % 5)) / 300) });
  const lstm = recurrent('LSTM', { direction: 'bidirectional' }, ['', 'Y_h', '']);
  const of = (/** @type {string} */ name, /** @type {string} */ scale, /** @type {number} */ axis) =>
    node('DequantizeLinear', [`${name} int8`, scale], [name], { axis });
  const nodes = [
    ...[of('table', 'one', 0), of('W', 'rows', 1), of('R', 'rows', 1), of('kernel', 'columns', 0)],
    ...embedded,
    ...lstm.nodes,
    node('Transpose', ['Y_h'], ['states'], { perm: [1, 0, 2] }),
    node('Flatten', ['states'], ['v']),
    node('Gemm', ['v', 'kernel', 'shift'], ['y'], { transB: 1 }),
  ];
  const graph = {
    nodes,
    constants: {
      bias: lstm.constants.bias,
      ...{
        'table int8': int8([V, D]),
        'W int8': int8([2, 4 * H, D]),
        'R int8': int8([2, 4 * H, H]),
        'kernel int8': int8([K, 2 * H]),
      },
      ...{ one: { ...weight([]), data: [0.01] }, rows: scales(4 * H), columns: scales(K), shift: weight([K]) },
    },
    inputs: /** @type {any} */ ({ ids: 'int64' }),
    shapes: { ids: ['batch', 'time'] },
    outputs: ['y'],
  };
  const rows = [[1, 5, 3, 7]]; // prettier-ignore
  const feeds = { ids: new ort.Tensor('int64', BigInt64Array.from(rows[0], BigInt), [1, 4]) };
  const { model, expected, got } = await bothAnswers(graph, feeds, rows);
  // The tolerance allows for inputs and states of int8 products, which are rounded to 16 bits.
  got[0].data.forEach((value, i) =>
    assert.ok(Math.abs(value - Number(expected.y.data[i])) <= 1e-3, `${i}: ${value}, expected ${expected.y.data[i]}`),
  );
  const weights = model.root
    .all()
    .flatMap((layer) => [...layer.weights].filter(([, each]) => 'int8' in each).map(([name]) => `${layer.className} ${name}`));
  assert.deepEqual(weights, [
    'Embedding embeddings',
    ...Array(2).fill(['LSTM kernel', 'LSTM recurrent_kernel']).flat(),
    'Dense kernel',
  ]);
});

test('steps of a single feature are a sequence', async () => {
  const ends = /** @type {const} */ ([['ReduceL2', { axes: [1] }], ['ReduceSum', {}, 'axes']]); // prettier-ignore
  for (const [op, attributes, axes] of ends) {
    const nodes = [
      node('Gather', ['narrow', 'ids'], ['x']),
      node('Greater', ['x', 'zero'], ['positive']),
      node('Where', ['positive', 'x', 'other'], ['either']),
      node('Add', ['x', 'either'], ['sum']),
      node(op, ['sum', ...(axes ? [axes] : [])], ['y'], attributes),
    ];
    const constants = { narrow: weight([V, 1]), zero: { ...weight([]), data: [0] }, other: weight([1]), axes: ints([1]) };
    await agrees(onIds(nodes, constants));
  }
});

/** A tagger of words and their characters, [B, T, C]. `kind` turns the characters of a word into a vector. @param {'Conv' | 'GRU' | 'mean' | 'parts'} kind @returns {OnnxGraph} */
function taggerOfCharacters(kind) {
  const flat = [
    node('Shape', ['chars'], ['shape']),
    node('Gather', ['shape', 'zero'], ['B'], { axis: 0 }),
    node('Gather', ['shape', 'one'], ['T'], { axis: 0 }),
    node('Mul', ['B', 'T'], ['all']),
    node('Concat', ['all', 'rest'], ['to'], { axis: 0 }),
    node('Reshape', ['chars', 'to'], ['each']),
    node('Gather', ['letters', 'each'], ['c']),
  ];
  const back = [node('Concat', ['B', 'T', 'rest'], ['home'], { axis: 0 }), node('Reshape', ['w', 'home'], ['vectors'])];
  const own = {
    Conv: [
      ...flat,
      node('Transpose', ['c'], ['channels'], { perm: [0, 2, 1] }),
      node('Conv', ['channels', 'window'], ['slid'], { pads: [1, 1], kernel_shape: [3] }),
      node('Relu', ['slid'], ['positive']),
      node('ReduceMax', ['positive'], ['w'], { axes: [2], keepdims: 0 }),
      ...back,
    ],
    GRU: [
      ...flat,
      node('Transpose', ['c'], ['characters_first'], { perm: [1, 0, 2] }),
      node('GRU', ['characters_first', 'Wc', 'Rc'], ['', 'h'], { hidden_size: H, direction: 'bidirectional' }),
      node('Transpose', ['h'], ['rows_first'], { perm: [1, 0, 2] }),
      node('Reshape', ['rows_first', 'both'], ['w']),
      ...back,
    ],
    parts: [
      ...flat,
      node('Tanh', ['c'], ['bounded']),
      node('Concat', ['c', 'bounded'], ['pair'], { axis: 2 }),
      node('Split', ['pair', 'halves'], ['first', 'second'], { axis: 2 }),
      node('ReduceMean', ['second'], ['w'], { axes: [1], keepdims: 0 }),
      ...back,
    ],
    mean: [node('Gather', ['letters', 'chars'], ['c']), node('ReduceMean', ['c'], ['vectors'], { axes: [2], keepdims: 0 })],
  }[kind];
  const wide = { Conv: H, GRU: 2 * H, parts: D, mean: D }[kind];
  const lstm = recurrent('LSTM', { direction: 'bidirectional' }, ['Y', '', '']);
  const [move, cell] = lstm.nodes;
  return {
    nodes: [
      ...embedded,
      ...own,
      node('Concat', ['e', 'vectors'], ['joined'], { axis: 2 }),
      { ...move, inputs: ['joined'] },
      cell,
      node('Transpose', ['Y'], ['y'], { perm: [2, 0, 1, 3] }),
    ],
    constants: {
      ...table,
      ...lstm.constants,
      W: weight([2, 4 * H, D + wide]),
      letters: weight([V, D]),
      window: weight([H, D, 3]),
      Wc: weight([2, 3 * H, D]),
      Rc: weight([2, 3 * H, H]),
      ...{ zero: ints([0]), one: ints([1]), rest: ints([-1]), both: ints([-1, 2 * H]), halves: ints([D, D]) },
    },
    inputs: { ids: 'int64', chars: 'int64' },
    shapes: { ids: ['batch', 'time'], chars: ['batch', 'time', 'characters'] },
    outputs: ['y'],
  };
}

for (const kind of /** @type {const} */ (['Conv', 'GRU', 'parts', 'mean']))
  test(`a model reads ids of characters [B, T, C] beside ids of words [B, T]: ${kind}`, async () => {
    const bytes = onnxGraph(taggerOfCharacters(kind));
    const model = await fromOnnx(bytes, { simd });
    assert.deepEqual(model.inputs.map(({ name }) => name).sort(), ['chars', 'ids']);
    const session = await ort.InferenceSession.create(bytes, quiet);
    const rowsOf = (/** @type {number[]} */ [size, ...inner]) =>
      Array.from({ length: size }, () => (inner.length ? rowsOf(inner) : integer(0, V - 1)));
    const tensorOf = (/** @type {any[]} */ rows, /** @type {number[]} */ shape) =>
      new ort.Tensor('int64', BigInt64Array.from(rows.flat(9), BigInt), shape);
    for (const [B, T, C] of [
      [1, 1, 1],
      [1, 4, 3],
      [3, 2, 5],
    ]) {
      const [ids, chars] = [rowsOf([B, T]), rowsOf([B, T, C])];
      const expected = (await session.run({ ids: tensorOf(ids, [B, T]), chars: tensorOf(chars, [B, T, C]) })).y.data;
      const [{ data }] = model.run({ ids, chars });
      assert.equal(data.length, expected.length);
      data.forEach((value, i) =>
        assert.ok(Math.abs(value - Number(expected[i])) <= 1e-5, `${i}: ${value}, expected ${expected[i]}`),
      );
    }
    await session.release();
    // Texts have different numbers of words, and words different numbers of characters.
    const [ids, chars] = [[[1, 2], [3]], [[[1, 2, 3], [4]], [[5, 6]]]]; // prettier-ignore
    const [together, alone] = [model.run({ ids, chars }), model.run({ ids: ids.slice(1), chars: chars.slice(1) })];
    const half = together[0].data.length / 2;
    assert.deepEqual(together[0].data.slice(half, half + alone[0].data.length), alone[0].data);
  });

test('a model reads only ids of characters, with an initial state', async () => {
  const gru = recurrent('GRU', {}, ['', 'h']);
  const [move, cell] = gru.nodes;
  const state = [
    node('Shape', ['chars'], ['shape']),
    node('Gather', ['shape', 'zero'], ['B'], { axis: 0 }),
    node('Concat', ['one', 'B', 'width'], ['to'], { axis: 0 }),
    node('Expand', ['h0', 'to'], ['first']),
  ];
  const graph = taggerOfCharacters('mean');
  const words = [node('Gather', ['letters', 'chars'], ['c']), node('ReduceMean', ['c'], ['w'], { axes: [2], keepdims: 0 })];
  const last = [
    { ...move, inputs: ['w'] },
    { ...cell, inputs: [...cell.inputs, '', 'first'] },
    node('Transpose', ['h'], ['y'], { perm: [1, 0, 2] }),
  ];
  const model = await importing({
    ...graph,
    nodes: [...words, ...state, ...last],
    constants: { ...graph.constants, ...gru.constants, h0: weight([1, 1, H]), width: ints([H]) },
    inputs: { chars: 'int64' },
  });
  const [{ data, shape }] = model.run([[[1, 2], [3]], [[4]]]); // prettier-ignore
  assert.deepEqual(shape, [2, 1, H]);
  assert.deepEqual(model.run([[[4]]])[0].data, data.slice(H));
});

test('a model that combines values of characters with values of words is refused', async () => {
  const onChars = (/** @type {OnnxNode[]} */ nodes, /** @type {string} */ words) =>
    assert.rejects(
      importing({ ...taggerOfCharacters('mean'), nodes: [node('Gather', ['letters', 'chars'], ['c']), ...nodes] }),
      says(UnsupportedError, new RegExp(words)),
    );
  await onChars([node('Identity', ['c'], ['y'])], 'output "y" .* has values for each character');
  await onChars([node('ReduceMax', ['c'], ['y'], { axes: [1] })], 'runs over the batch');
  await onChars([...embedded, node('Add', ['c', 'e'], ['y'])], 'reads characters and other tensors together');
  await onChars([node('Softmax', ['c'], ['y'], { axis: 2 })], 'separate axes for texts and words');
  await onChars([node('Gather', ['c', 'one'], ['y'], { axis: 1 })], 'separate axes for texts and words');
  await onChars([node('Reshape', ['c', 'rest'], ['y'])], 'has values for each character');
});

test('a classifier with last states becomes Embedding, Bidirectional and Dense', async () => {
  const { nodes, constants } = recurrent('LSTM', { direction: 'bidirectional' }, ['', 'Y_h', '']);
  const picked = [
    node('Gather', ['Y_h', 'first'], ['h0'], { axis: 0 }),
    node('Gather', ['Y_h', 'second'], ['h1'], { axis: 0 }),
    node('Concat', ['h0', 'h1'], ['v'], { axis: 1 }),
  ];
  const indices = { first: ints([-2], []), second: ints([1], []) };
  const graph = onIds(
    [...nodes, ...picked, ...gemm, node('Softmax', ['y'], ['p'])],
    { ...constants, ...indices, ...kernels(2 * H) },
    ['p'],
  );
  assert.deepEqual(classesOf(await agrees(graph)), ['Embedding', 'Bidirectional', 'LSTM', 'LSTM', 'Dense', 'Activation']);
});

const lstm = recurrent('LSTM', {});
for (const [
  what,
  nodes,
  constants,
  message,
  more,
] of /** @type {[string, OnnxNode[], Record<string, Constant>, RegExp, any?][]} */ ([
  [
    'an operator that padless lacks',
    [node('Det', ['e'], ['y'])],
    {},
    /node "y" \(Det\): the operator is not one of the \d+ that padless knows; the nearest are \w+, \w+, \w+ \(web/,
  ],
  [
    'a sum over the batch',
    [node('ReduceSum', ['e', 'axes'], ['y'])],
    { axes: ints([0]) },
    /node "y" \(ReduceSum\): the reduction runs over the batch/,
  ],
  [
    'clip',
    [lstm.nodes[0], { ...lstm.nodes[1], outputs: ['y'], attributes: { hidden_size: H, clip: 3.5 } }],
    lstm.constants,
    /\(LSTM\): clip is 3\.5; padless does not clip/,
  ],
  [
    'input_forget with gates that are not symmetric',
    [
      lstm.nodes[0],
      {
        ...lstm.nodes[1],
        outputs: ['y'],
        attributes: { hidden_size: H, input_forget: 1, activations: ['Relu', 'Tanh', 'Tanh'] },
      },
    ],
    lstm.constants,
    /input_forget is 1 with gate activation relu/,
  ],
  [
    'peepholes',
    [lstm.nodes[0], node('LSTM', ['time_first', 'W', 'R', 'bias', '', '', '', 'P'], ['y'], { hidden_size: H })],
    { ...lstm.constants, P: weight([1, 3 * H]) },
    /peepholes/,
  ],
  [
    'an activation that padless lacks',
    [
      lstm.nodes[0],
      { ...lstm.nodes[1], outputs: ['y'], attributes: { hidden_size: H, activations: ['Sigmoid', 'Affine', 'Tanh'] } },
    ],
    lstm.constants,
    /activation Affine; padless has relu/,
  ],
  [
    'a recurrence over the batch',
    [
      { ...lstm.nodes[1], inputs: ['e', 'W', 'R', 'bias'], outputs: ['Y'] },
      node('Gather', ['e', 'one'], ['y'], { axis: 1 }),
      node('Add', ['y', 'Y'], ['z']),
    ],
    { ...lstm.constants, one: ints([0], []) },
    /./,
    { outputs: ['Y', 'y'] },
  ],
  [
    'dropout in training',
    [node('Dropout', ['e', 'rate', 'yes'], ['y'])],
    { rate: { type: 'float32', shape: [], data: [0.5] }, yes: ints([1], []) },
    /\(Dropout\): training_mode is not false/,
  ],
  ['an opset of before 7', [node('Relu', ['e'], ['y'])], {}, /opset 6; padless reads opsets 7 to/, { opset: 6 }],
]))
  test(`${what} is refused, and the message says why`, () =>
    assert.rejects(importing({ ...onIds(nodes, constants), ...more }), says(UnsupportedError, message)));

const small = onnxGraph(onIds([...lstm.nodes, node('Transpose', ['Y_h'], ['y'], { perm: [1, 0, 2] })], lstm.constants));

test('a file that is cut short or changed gives a PadlessError', async () => {
  for (let length = 0; length < small.length; length += 1 + Math.floor(length / 16))
    await assert.rejects(fromOnnx(small.slice(0, length), { simd }), says(PadlessError, /./));
  for (let i = 0; i < 300; i++) {
    const changed = small.slice();
    changed[integer(0, Math.min(600, small.length) - 1)] = integer(0, 255);
    await fromOnnx(changed, { simd }).catch((error) => assert.ok(error instanceof PadlessError, error.stack));
  }
});

test('a constant that would need much memory is refused', async () => {
  const nodes = [node('Range', ['from', 'to', 'by'], ['many']), node('Gather', ['e', 'many'], ['y'], { axis: 1 })];
  const constants = { from: ints([0], []), to: ints([2 ** 40], []), by: ints([1], []) };
  await assert.rejects(
    importing(onIds(nodes, constants)),
    says(UnsupportedError, /a constant of 1099511627776 elements; at most 4194304/),
  );
});

test('recognise and padless convert read ONNX; without pbf the error says what to install', async () => {
  const path = file('model.onnx', small);
  assert.equal((await recognise(small))?.format.title, 'an ONNX model');
  const output = join(folder, 'model.safetensors');
  assert.match(padless('convert', path, '-o', output).stdout, /parameters/);
  const run = padless('run', output, '--ids', file('ids.json', '[[1, 2, 3], [4]]'));
  assert.equal(JSON.parse(run.stdout.split('\n')[0]).y[0].length, H);
  const absent = { pbf: () => Promise.reject(new Error('absent')) };
  await assert.rejects(
    fromOnnx(small, { packages: absent }),
    says(UnsupportedError, /reading ONNX needs the package pbf, .*npm install -D pbf/),
  );
  await assert.rejects(fromOnnx(Uint8Array.of(1, 2, 3)), says(ModelFileError, /not a valid ONNX file/));
});

/** The model, the answers of onnxruntime, and the answers of the model. @param {OnnxGraph} graph @param {Record<string, any>} feeds @param {any} rows @param {any} [options] */
async function bothAnswers(graph, feeds, rows, options) {
  const bytes = onnxGraph(graph);
  const model = await fromOnnx(bytes, { simd });
  const session = await ort.InferenceSession.create(bytes, quiet);
  const expected = await session.run(feeds);
  await session.release();
  return { model, expected, got: model.run(rows, options) };
}
/** @param {ArrayLike<number>} got @param {ArrayLike<any>} expected */
function assertNear(got, expected) {
  assert.equal(got.length, expected.length);
  Array.from(expected, Number).forEach((value, i) =>
    assert.ok(Math.abs(got[i] - value) <= 1e-5, `value ${i} is ${got[i]}, expected ${value}`),
  );
}

const padded = [
  [1, 2, 3, 4, 5],
  [6, 7, 8, 0, 0],
  [9, 0, 0, 0, 0],
];
const lengths = [5, 3, 1];
const ids = new ort.Tensor('int64', BigInt64Array.from(padded.flat(), BigInt), [3, 5]);
const withLengths = { ids, lengths: new ort.Tensor('int64', BigInt64Array.from(lengths, BigInt), [3]) };
const packed = /** @type {const} */ ({
  inputs: { ids: 'int64', lengths: 'int64' },
  shapes: { ids: ['batch', 'time'], lengths: ['batch'] },
});
const toInt32 = node('Cast', ['lengths'], ['counts'], { to: 6 });
/** A recurrent node with lengths. @param {string[]} outputs */
function masked(outputs) {
  const { nodes, constants } = recurrent('GRU', { direction: 'bidirectional' }, outputs);
  nodes[1].inputs.push('counts');
  return { nodes: [toInt32, ...nodes], constants };
}

test('if sequence_lens is an input, run() takes it as `lengths`, and padding changes no bit', async () => {
  const { nodes, constants } = masked(['', 'Y_h']);
  const graph = onIds([...nodes, node('Transpose', ['Y_h'], ['y'], { perm: [1, 0, 2] })], constants, ['y'], packed);
  const { model, expected, got } = await bothAnswers(graph, withLengths, padded, { lengths });
  assert.deepEqual(
    model.inputs.map(({ name }) => name),
    ['ids'],
  );
  assertNear(got[0].data, expected.y.data);
  assert.deepEqual(model.run(padded.map((row, b) => row.slice(0, lengths[b])))[0].data, got[0].data);
});

test('if a node reads the steps after the lengths, such as a mean that divides by T, the lengths stay an input', async () => {
  const { nodes, constants } = masked(['Y', '']);
  const mean = node('ReduceMean', ['Y'], ['m'], { axes: [0], keepdims: 0 });
  const graph = onIds([...nodes, mean, node('Transpose', ['m'], ['y'], { perm: [1, 0, 2] })], constants, ['y'], packed);
  const { model, expected, got } = await bothAnswers(graph, withLengths, { ids: padded, lengths: lengths.map((each) => [each]) });
  assert.deepEqual(
    model.inputs.map(({ name }) => name),
    ['ids', 'lengths'],
  );
  assertNear(got[0].data, expected.y.data);
});

test('lengths stay an input for every node that reads steps after them, and only for these', async () => {
  const { nodes, constants } = masked(['Y', '']);
  const more = {
    ...{
      zero: ints([0]),
      one: ints([1]),
      two: ints([2]),
      four: ints([4]),
      least: ints([-(2 ** 40)]),
      most: ints([2 ** 31 - 1]),
      minus: ints([-1]),
    },
    ...{
      pads: ints([0, 0, 1, 0, 0, 2]),
      merged: ints([0, 0, 2 * H]),
      kernel: weight([K, 2 * H, 3]),
      scale: weight([2 * H]),
      shift: weight([2 * H]),
    },
  };
  const before = [
    node('Transpose', ['Y'], ['batch first'], { perm: [2, 0, 1, 3] }),
    node('Reshape', ['batch first', 'merged'], ['z']),
    node('Transpose', ['z'], ['channels'], { perm: [0, 2, 1] }),
    node('Tanh', ['z'], ['bounded']),
  ];
  const turned = (/** @type {OnnxNode} */ own) => [
    { ...own, outputs: ['c'] },
    node('Transpose', ['c'], ['y'], { perm: [0, 2, 1] }),
  ];
  const steps = [
    node('Shape', ['ids'], ['shape']),
    node('Gather', ['shape', 'one'], ['count']),
    node('Cast', ['count'], ['T'], { to: 1 }),
  ];
  const feature = node('Slice', ['z', 'zero', 'one', 'two'], ['feature']);
  const start = [
    node('Slice', ['z', 'zero', 'one', 'one'], ['first']),
    node('Transpose', ['first'], ['column'], { perm: [0, 2, 1] }),
  ];
  for (const [own, reads] of /** @type {[OnnxNode[], boolean][]} */ ([
    [[node('Slice', ['z', 'zero', 'one', 'one'], ['y'])], false],
    [[node('Slice', ['z', 'minus', 'most', 'one'], ['y'])], true],
    [[node('Slice', ['z', 'one', 'most', 'one'], ['y'])], true],
    [[node('Slice', ['z', 'minus', 'least', 'one', 'minus'], ['y'])], true],
    [[node('Concat', ['z', 'bounded'], ['y'], { axis: 1 })], true],
    [[node('Concat', ['z', 'bounded'], ['y'], { axis: 2 })], false],
    [turned(node('Pad', ['channels', 'pads'], [])), true],
    [turned(node('Conv', ['channels', 'kernel'], [], { pads: [1, 1] })), true],
    [turned(node('MaxPool', ['channels'], [], { kernel_shape: [3], pads: [1, 1] })), true],
    [turned(node('AveragePool', ['channels'], [], { kernel_shape: [2] })), true],
    [turned(node('InstanceNormalization', ['channels', 'scale', 'shift'], [])), true],
    [turned(node('GlobalMaxPool', ['channels'], [])), true],
    [[node('Softmax', ['z'], ['y'], { axis: 1 })], true],
    [[node('LogSoftmax', ['z'], ['y'], { axis: 1 })], true],
    [[node('Softmax', ['z'], ['y'])], false],
    [[node('ReduceMax', ['z'], ['y'], { axes: [1] })], true],
    [[node('ReduceSum', ['z', 'one'], ['y'])], false],
    [[node('ArgMax', ['z'], ['at'], { axis: 1 }), node('Cast', ['at'], ['y'], { to: 1 })], true],
    [[feature, node('ArgMax', ['feature'], ['at'], { axis: 1 }), node('Cast', ['at'], ['y'], { to: 1 })], true],
    [[feature, node('TopK', ['feature', 'one'], ['y', 'places'], { axis: 1 })], true],
    [[node('TopK', ['z', 'two'], ['values', 'places'], { axis: 1 }), node('Identity', ['values'], ['y'])], true],
    [[node('MatMul', ['channels', 'z'], ['y'])], true],
    [[node('MatMul', ['z', 'channels'], ['y'])], true],
    [[...start, node('Concat', ['column', 'column'], ['pair'], { axis: 2 }), node('MatMul', ['z', 'pair'], ['y'])], true],
    [[...steps, node('Mul', ['z', 'T'], ['y'])], true],
    [[...start, node('MatMul', ['z', 'column'], ['y'])], false],
    [[...start, node('MatMul', ['first', 'channels'], ['row']), node('Transpose', ['row'], ['y'], { perm: [0, 2, 1] })], false],
  ])) {
    const graph = onIds([...nodes, ...before, ...own], { ...constants, ...more }, ['y'], packed);
    const rows = reads ? { ids: padded, lengths: lengths.map((each) => [each]) } : padded;
    const { model, expected, got } = await bothAnswers(graph, withLengths, rows, reads ? undefined : { lengths });
    const op = own[0].op;
    assert.deepEqual(
      model.inputs.map(({ name }) => name),
      reads ? ['ids', 'lengths'] : ['ids'],
      op,
    );
    const [{ data, shape }] = got;
    const width = data.length / shape[0] / shape[1];
    // After a row's length, an output of steps is 0.
    data.forEach((value, i) => {
      const isAfter = !reads && shape[1] === 5 && Math.floor(i / width) % 5 >= lengths[Math.floor(i / width / 5)];
      assert.ok(isAfter ? value === 0 : Math.abs(value - Number(expected.y.data[i])) <= 1e-5, `${op}: value ${i} is ${value}`);
    });
  }
});

test('a sum over the steps that is divided by the lengths is the mean over the steps that count', async () => {
  const { nodes, constants } = masked(['Y', '']);
  const graph = onIds(
    [
      ...nodes,
      node('ReduceSum', ['Y', 'zero'], ['s'], { keepdims: 0 }),
      node('Transpose', ['s'], ['rows'], { perm: [1, 0, 2] }),
      node('Reshape', ['rows', 'flat'], ['v']),
      node('Cast', ['lengths'], ['n'], { to: 1 }),
      node('Unsqueeze', ['n', 'one'], ['column']),
      node('Div', ['v', 'column'], ['y']),
    ],
    { ...constants, zero: ints([0]), one: ints([1]), flat: ints([0, -1]) },
    ['y'],
    packed,
  );
  const { model, expected, got } = await bothAnswers(graph, withLengths, padded, { lengths });
  assert.deepEqual(
    model.inputs.map(({ name }) => name),
    ['ids'],
  );
  assertNear(got[0].data, expected.y.data);
});

test('a graph that sorts rows by length and restores their order gives the rows in the order of the batch', async () => {
  const { nodes, constants } = masked(['', 'Y_h']);
  const graph = onIds(
    [
      node('Shape', ['lengths'], ['all']),
      node('TopK', ['lengths', 'all'], ['sorted', 'order'], { axis: -1 }),
      node('Gather', ['e', 'order'], ['e_sorted']),
      { ...nodes[0], inputs: ['sorted'] },
      { ...nodes[1], inputs: ['e_sorted'] },
      nodes[2],
      node('Squeeze', ['all'], ['B']),
      node('Range', ['none', 'B', 'step'], ['numbers']),
      node('ConstantOfShape', ['all'], ['empty'], {}),
      node('Cast', ['empty'], ['whole'], { to: 7 }),
      node('ScatterElements', ['whole', 'order', 'numbers'], ['back']),
      node('Gather', ['Y_h', 'back'], ['h'], { axis: 1 }),
      node('Transpose', ['h'], ['y'], { perm: [1, 0, 2] }),
    ],
    { ...constants, none: ints([0], []), step: ints([1], []) },
    ['y'],
    packed,
  );
  const unsorted = [1, 5, 3];
  const feeds = { ids, lengths: new ort.Tensor('int64', BigInt64Array.from(unsorted, BigInt), [3]) };
  const { expected, got } = await bothAnswers(graph, feeds, padded, { lengths: unsorted });
  assertNear(got[0].data, expected.y.data);
  const without = {
    ...graph,
    nodes: graph.nodes.map((each) => (each.op === 'Gather' && each.inputs[1] === 'back' ? node('Identity', ['Y_h'], ['h']) : each)),
  };
  await assert.rejects(importing(without), says(UnsupportedError, /output "y" has the rows of the batch in another order/));
});

const byOperator = /** @type {[string, OnnxNode[], Record<string, Constant>, (string[] | null)?, number?, number?][]} */ ([
  [
    'a convolution with padding, and the maximum over time',
    [
      node('Transpose', ['e'], ['c'], { perm: [0, 2, 1] }),
      node('Conv', ['c', 'k', 'b'], ['d'], { pads: [1, 1] }),
      node('Relu', ['d'], ['r']),
      node('ReduceMax', ['r'], ['y'], { axes: [2], keepdims: 0 }),
    ],
    { k: weight([7, D, 3]), b: weight([7]) },
  ],
  [
    'a strided convolution and pooling',
    [
      node('Transpose', ['e'], ['c'], { perm: [0, 2, 1] }),
      node('Conv', ['c', 'k'], ['d'], { strides: [2], dilations: [1] }),
      node('MaxPool', ['d'], ['p'], { kernel_shape: [2], strides: [1] }),
      node('GlobalAveragePool', ['p'], ['g']),
      node('Flatten', ['g'], ['y']),
    ],
    { k: weight([4, D, 2]) },
    null,
    4,
  ],
  [
    'attention by a product with the last state',
    [
      ...recurrent('LSTM', {}).nodes,
      node('Squeeze', ['Y', 'one'], ['s']),
      node('Transpose', ['s'], ['rows'], { perm: [1, 0, 2] }),
      node('Transpose', ['Y_h'], ['q'], { perm: [1, 2, 0] }),
      node('MatMul', ['rows', 'q'], ['scores']),
      node('Softmax', ['scores'], ['a'], { axis: 1 }),
      node('Transpose', ['a'], ['at'], { perm: [0, 2, 1] }),
      node('MatMul', ['at', 'rows'], ['w']),
      node('Squeeze', ['w', 'one'], ['y']),
    ],
    { ...recurrent('LSTM', {}).constants, one: ints([1]) },
  ],
  [
    'self-attention',
    [
      node('Transpose', ['e'], ['t'], { perm: [0, 2, 1] }),
      node('MatMul', ['e', 't'], ['s']),
      node('Softmax', ['s'], ['a']),
      node('MatMul', ['a', 'e'], ['m']),
      node('ReduceMean', ['m'], ['y'], { axes: [1], keepdims: 0 }),
    ],
    {},
  ],
  [
    'arithmetic with vectors, columns and scalars',
    [
      node('Mul', ['e', 'row'], ['a']),
      node('Add', ['a', 'two'], ['b']),
      node('ReduceMean', ['b'], ['m'], { axes: [-1] }),
      node('Sub', ['b', 'm'], ['c']),
      node('Mul', ['c', 'c'], ['q']),
      node('ReduceMean', ['q'], ['v'], { axes: [-1] }),
      node('Add', ['v', 'eps'], ['w']),
      node('Sqrt', ['w'], ['r']),
      node('Div', ['c', 'r'], ['y']),
    ],
    { row: weight([D]), two: weight([1]), eps: { type: 'float32', shape: [], data: [1e-3] } },
  ],
  [
    'GELU as a formula of nodes',
    [
      node('Div', ['e', 'root'], ['a']),
      node('Erf', ['a'], ['b']),
      node('Add', ['b', 'one'], ['c']),
      node('Mul', ['e', 'c'], ['d']),
      node('Mul', ['d', 'half'], ['y']),
    ],
    {
      root: { type: 'float32', shape: [], data: [Math.SQRT2] },
      one: { type: 'float32', shape: [], data: [1] },
      half: { type: 'float32', shape: [], data: [0.5] },
    },
  ],
  [
    'a mask that the graph computes',
    [
      node('Equal', ['ids', 'pad'], ['p']),
      node('Not', ['p'], ['n']),
      node('Cast', ['n'], ['f'], { to: 1 }),
      node('Unsqueeze', ['f', 'last'], ['m']),
      node('Mul', ['e', 'm'], ['x']),
      node('ReduceSum', ['x', 'one'], ['s'], { keepdims: 0 }),
      node('ReduceSum', ['m', 'one'], ['k'], { keepdims: 0 }),
      node('Max', ['k', 'least'], ['l']),
      node('Div', ['s', 'l'], ['y']),
    ],
    { pad: ints([0], []), last: ints([-1]), one: ints([1]), least: { type: 'float32', shape: [1], data: [1] } },
  ],
  [
    'softmax, its logarithm and Hardmax over all axes from axis 1 on, before opset 13',
    [
      node('ReduceSum', ['e'], ['s'], { axes: [1], keepdims: 0 }),
      node('Reshape', ['s', 'shape'], ['r']),
      ...['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op) => [
        node(op, ['r'], [op], { axis: 1 }),
        node(op, ['r'], [`${op} -1`], { axis: -1 }),
      ]),
      node('Hardmax', ['r'], ['by default']),
    ],
    { shape: ints([0, 2, 3]) },
    ['Softmax', 'Softmax -1', 'LogSoftmax', 'LogSoftmax -1', 'Hardmax', 'Hardmax -1', 'by default'],
    1,
    12,
  ],
  [
    'a table of positions, of which each text reads as many rows as it has steps',
    [
      node('Shape', ['ids'], ['s']),
      node('Gather', ['s', 'one'], ['T']),
      node('Range', ['zero', 'T', 'one'], ['t']),
      node('Gather', ['places', 't'], ['p']),
      node('Add', ['e', 'p'], ['x']),
      node('ReduceMean', ['x'], ['y'], { axes: [1], keepdims: 0 }),
    ],
    { zero: ints([0], []), one: ints([1], []), places: weight([20, D]) },
  ],
  [
    'ArgMax and TopK of two labels',
    [
      node('ReduceSum', ['e', 'one'], ['s'], { keepdims: 0 }),
      node('TopK', ['s', 'two'], ['y', 'places']),
      node('Cast', ['places'], ['at'], { to: 1 }),
      node('ArgMax', ['s'], ['g'], { axis: 1 }),
      node('Cast', ['g'], ['best'], { to: 1 }),
    ],
    { one: ints([1]), two: ints([2]) },
    ['y', 'at', 'best'],
  ],
  [
    'slices of steps and features, and steps in reverse',
    [
      node('Slice', ['e', 'm1', 'far', 'one'], ['last']),
      node('Squeeze', ['last', 'one'], ['v']),
      node('Slice', ['v', 'from', 'to', 'one'], ['part']),
      node('Slice', ['e', 'm1', 'near', 'one', 'm1'], ['back']),
      node('Slice', ['back', 'zero', 'one', 'one'], ['first']),
      node('Squeeze', ['first', 'one'], ['w']),
      node('Concat', ['part', 'w', 'v'], ['y'], { axis: -1 }),
    ],
    {
      m1: ints([-1]),
      one: ints([1]),
      zero: ints([0]),
      far: ints([2 ** 31 - 1]),
      near: ints([-(2 ** 40)]),
      from: ints([1]),
      to: ints([4]),
    },
  ],
]);
for (const [what, nodes, constants, outputs, shortest = 1, opset = 14] of byOperator)
  test(`${what}: the answers equal those of onnxruntime`, () =>
    agrees(onIds(nodes, constants, outputs ?? ['y'], { opset }), shortest).then(() => {}));

test('int8 weights have exactly the values that DequantizeLinear gives', async () => {
  const numbers = Array.from({ length: V * D }, () => integer(-127, 127));
  const scales = normal(D, 0.1).map(Math.abs);
  const constants = {
    table: ints(numbers, [V, D]),
    scale: /** @type {Constant} */ ({ type: 'float32', shape: [D], data: scales }),
  };
  const int8 = { op: 'DequantizeLinear', inputs: ['table', 'scale'], outputs: ['floats'], attributes: { axis: 1 } };
  const look = node('Gather', ['floats', 'ids'], ['y']);
  const model = await importing({
    nodes: [int8, look],
    constants,
    inputs: { ids: 'int64' },
    shapes: { ids: ['batch', 'time'] },
    outputs: ['y'],
  });
  const [{ data }] = model.run([[3]]);
  data.forEach((value, d) => assert.equal(value, Math.fround(numbers[3 * D + d] * Math.fround(scales[d]))));
});

test('graphs with wrong names or shapes are refused', async () => {
  await assert.rejects(
    importing(onIds([node('Add', ['e', 'nothing'], ['y'])], {})),
    says(ModelFileError, /node "y" \(Add\): no node before it computes its input "nothing"/),
  );
  await assert.rejects(importing(onIds([node('Relu', ['e'], ['z'])], {})), says(UnsupportedError, /no output depends on an input/));
  await assert.rejects(
    importing(onIds([node('Relu', ['e'], ['y']), node('Tanh', ['e'], ['y'])], {})),
    says(ModelFileError, /two nodes have the output "y"/),
  );
  await assert.rejects(
    importing(onIds([node('Transpose', ['e'], ['y'], { perm: [0, 1] })], {})),
    says(UnsupportedError, /perm \[0,1\] of a tensor with 3 axes/),
  );
  await assert.rejects(
    importing(onIds([node('Gemm', ['e', 'k'], ['y'])], { k: weight([D, K]) })),
    says(UnsupportedError, /A has shape \[B,T,6\], expected 2 axes/),
  );
});
