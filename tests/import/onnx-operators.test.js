/** Every ONNX operator and attribute that padless converts, on tensors and on constants, compared with onnxruntime-web. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnsupportedError } from 'padless';
import '../guarded-heap.js';
import { says } from '../says.js';
import { agrees, D, importing, ints, node, onIds, V, weight } from './onnx-graphs.js';
/** @typedef {import('../../web/onnx.js').OnnxNode} OnnxNode */
/** @typedef {import('../../web/onnx.js').Constant} Constant */

/** A node: operator, inputs, attributes. @typedef {[string, string[], any?]} Entry */

/** Operators whose result is no float: it is cast for the output. */
const notFloats = /^(Equal|Less|Greater|And|Or|Xor|Not|Is|ArgM|Size|Shape|of int)/;

/** The node of an entry, with a float result. @param {Entry} entry @param {string} name  of the result */
function floatNodes([op, inputs, attributes = {}], name) {
  const own = node(op.replace('of int ', ''), inputs, [notFloats.test(op) ? `${name} uncast` : name], attributes);
  return notFloats.test(op) ? [own, node('Cast', own.outputs, [name], { to: 1 })] : [own];
}
/** A graph that computes these nodes. @param {OnnxNode[]} nodes @param {Record<string, Constant>} constants  also some that no node reads @param {string[]} outputs @param {number} opset */
function graphOf(nodes, constants, outputs, opset) {
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  return onIds(nodes, Object.fromEntries(Object.entries(constants).filter(([name]) => read.has(name))), outputs, { opset });
}

/**
 * Compares the answers of nodes that read these tensors: `e` [B, T, D]; `halves`, its multiples of 0.5, among them equal ones; `small` from -1 to 1;
 * `large` from 1 on; `v` [B, D]; `yes` and `no`, booleans [B, T, D].
 * @param {Entry[]} list @param {Record<string, Constant>} [constants] @param {any} [more]  opset, shortest, and more nodes in `before`
 */
function compare(list, constants = {}, { opset = 14, shortest = 1, before = [] } = {}) {
  const common = [
    node('Mul', ['e', 'eight'], ['e8']),
    node('Round', ['e8'], ['rounded']),
    node('Mul', ['rounded', 'half'], ['halves']),
    node('Tanh', ['e'], ['small']),
    node('Cosh', ['e'], ['large']),
    node('Gather', ['e', 'first'], ['v'], { axis: 1 }),
    node('Greater', ['e', 'nought'], ['yes']),
    node('Less', ['halves', 'half'], ['no']),
  ];
  const own = { eight: number(8), half: number(0.5), nought: number(0), first: ints([0], []), ...constants };
  const nodes = list.flatMap((entry, i) => floatNodes(entry, `y${i}`));
  return agrees(graphOf([...common, ...before, ...nodes], own, list.map((_, i) => `y${i}`), opset), shortest); // prettier-ignore
}

/**
 * Compares nodes that read only constants of at most two axes: their results are added to a tensor [B, 1, 1].
 * @param {Entry[]} list @param {Record<string, Constant>} constants @param {{ opset?: number, before?: OnnxNode[] }} [more]
 */
function compareConstants(list, constants, { opset = 14, before = [] } = {}) {
  const nodes = list.flatMap((entry, i) => [...floatNodes(entry, `c${i}`), node('Add', ['text', `c${i}`], [`y${i}`])]);
  const text = node('Slice', ['e', 'starts', 'ends', 'axes'], ['text']);
  const all = { ...constants, starts: ints([0, 0]), ends: ints([1, 1]), axes: ints([1, 2]) };
  return agrees(graphOf([text, ...before, ...nodes], all, list.map((_, i) => `y${i}`), opset)); // prettier-ignore
}
/** @param {number} value @returns {Constant} */
const number = (value) => ({ type: 'float32', shape: [], data: [value] });
/** @param {number[]} data @param {number[]} [shape] @returns {Constant} */
const floats = (data, shape = [data.length]) => ({ type: 'float32', shape, data });

/** @type {Entry[]} */
const ofOne = [
  ...['Neg', 'Abs', 'Sign', 'Floor', 'Ceil', 'Round'].map((op) => /** @type {Entry} */ ([op, ['halves']])),
  ...['Sqrt', 'Reciprocal', 'Log', 'Acosh'].map((op) => /** @type {Entry} */ ([op, ['large']])),
  ...['Asin', 'Acos', 'Atanh'].map((op) => /** @type {Entry} */ ([op, ['small']])),
  ...['Sin', 'Cos', 'Tan', 'Atan', 'Sinh', 'Cosh', 'Asinh'].map((op) => /** @type {Entry} */ ([op, ['e']])),
  ...['Erf', 'Exp', 'Tanh', 'Sigmoid', 'Softplus', 'Softsign', 'Relu'].map((op) => /** @type {Entry} */ ([op, ['e']])),
  ['Not', ['yes']],
  ['IsNaN', ['root']],
  ['IsInf', ['root']],
];
const beforeOne = [node('Sqrt', ['e'], ['root'])];

test('operators on each element give the answers of onnxruntime', async () => {
  await compare(
    [
      ...ofOne,
      ...['LeakyRelu', 'Elu', 'Celu', 'Selu', 'ThresholdedRelu', 'HardSigmoid', 'HardSwish', 'Mish', 'Gelu', 'Shrink'].map(
        (op) => /** @type {Entry} */ ([op, ['e']]),
      ),
      ['LeakyRelu', ['e'], { alpha: 0.3 }],
      ['Elu', ['e'], { alpha: 0.7 }],
      ['Celu', ['e'], { alpha: 0.7 }],
      ['Selu', ['e'], { alpha: 1.5, gamma: 1.1 }],
      ['ThresholdedRelu', ['e'], { alpha: 0.3 }],
      ['HardSigmoid', ['e'], { alpha: 0.7, beta: 0.4 }],
      ['Gelu', ['e'], { approximate: 'tanh' }],
      ['Shrink', ['e'], { lambd: 0.25, bias: 0.5 }],
      ['PRelu', ['e', 'slopes']],
      ['PRelu', ['e', 'slope']],
      ['PRelu', ['v', 'slopes']],
      ['Clip', ['e']],
      ['Clip', ['e', 'low']],
      ['Clip', ['e', '', 'high']],
      ['Clip', ['e', 'low', 'high']],
      ['Clip', ['e', 'zero', 'high']],
      ['Clip', ['e', 'zero']],
      ['IsInf', ['infinite'], { detect_negative: 0 }],
      ['IsInf', ['infinite'], { detect_positive: 0 }],
      ['IsInf', ['infinite'], { detect_positive: 0, detect_negative: 0 }],
      ['Softmax', ['e']],
      ['Softmax', ['e'], { axis: 1 }],
      ['LogSoftmax', ['e']],
      ['LogSoftmax', ['v'], { axis: 1 }],
      ['Hardmax', ['e']],
      ['Hardmax', ['v'], { axis: -1 }],
    ],
    { slopes: weight([D]), slope: number(0.3), low: number(-0.25), high: number(0.5), zero: number(0) },
    { opset: 20, before: [...beforeOne, node('Div', ['e', 'nought'], ['infinite'])] },
  );
});

/** Tensors and constants that broadcast. @type {[string, string][]} */
const pairs = [
  ['halves', 'other'],
  ['halves', 'row'],
  ['row', 'halves'],
  ['halves', 'half'],
  ['half', 'halves'],
  ['halves', 'column'],
  ['column', 'halves'],
  ['v', 'row'],
  ['row', 'v'],
];
const ofTwo = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Mod', 'Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'];
const row = floats([0.5, -1, 2, 0.25, -0.5, 1]);

test('operators on two elements broadcast as in onnxruntime, with a tensor or a constant on either side', async () => {
  const before = [
    node('Mul', ['e', 'minus'], ['turned']),
    node('Mul', ['turned', 'eight'], ['turned8']),
    node('Round', ['turned8'], ['others']),
    node('Add', ['others', 'half'], ['other']),
    node('Slice', ['halves', 'one', 'two', 'two'], ['column']),
    node('Less', ['other', 'halves'], ['fewer']),
    node('Less', ['column', 'half'], ['few']),
    node('Abs', ['halves'], ['positive']),
    node('Cast', ['bits'], ['flags'], { to: 9 }),
  ];
  const constants = { minus: number(-1), third: number(0.3), one: ints([1]), two: ints([2]), row, bits: ints([1, 0, 0, 1, 0, 1]) };
  await compare(
    pairs.flatMap(([a, b]) =>
      ofTwo.map(
        (op) => /** @type {Entry} */ ([op, [a, op === 'Mod' || op === 'Div' ? divisor(b) : b], op === 'Mod' ? { fmod: 1 } : {}]),
      ),
    ),
    constants,
    { before: [...before, ...divisors] },
  );
  await compare(
    [
      ...['And', 'Or', 'Xor'].flatMap(
        (op) =>
        [['yes', 'fewer'], ['yes', 'few'], ['few', 'yes'], ['yes', 'flags'], ['flags', 'yes']].map((each) => /** @type {Entry} */ ([op, each])), // prettier-ignore
      ),
      ...[['yes', 'e', 'halves'], ['fewer', 'e', 'row'], ['yes', 'row', 'e'], ['few', 'half', 'e'], ['flags', 'e', 'halves'], ['few', 'row', 'half']] // prettier-ignore
        .map((each) => /** @type {Entry} */ (['Where', each])),
      ...['Sum', 'Mean', 'Max', 'Min'].flatMap(
        (op) =>
        [['e'], ['e', 'halves'], ['e', 'halves', 'small'], ['e', 'column', 'large']].map((each) => /** @type {Entry} */ ([op, each])), // prettier-ignore
      ),
      ...['Sum', 'Max', 'Min'].map((op) => /** @type {Entry} */ ([op, ['e', 'row', 'half']])),
      ...['nought', 'half', 'minus half', 'minus', 'unit', 'square', 'cube', 'fourth', 'row', 'halves'].map(
        (exponent) => /** @type {Entry} */ (['Pow', ['large', exponent]]),
      ),
      ['Pow', ['row squared', 'halves']],
      ['Pow', ['halves', 'cube']],
    ],
    {
      ...constants,
      ...{ 'minus half': number(-0.5), unit: number(1), square: number(2), cube: number(3), fourth: number(4) },
      'row squared': floats([0.25, 1, 4, 0.5, 2, 3]),
    },
    { before },
  );
});
test('a constant that repeats one number gives the result its shape', async () => {
  const before = [
    node('Shape', ['e'], ['shape']),
    node('ConstantOfShape', ['shape'], ['empty']),
    node('Add', ['empty', 'half'], ['steps']),
    node('Expand', ['half', 'three'], ['wide']),
    node('Exp', ['v'], ['positive']),
    node('Unsqueeze', ['positive', 'one'], ['query']),
    node('Slice', ['large', 'none', 'one', 'two'], ['text']),
    node('Slice', ['text', 'none', 'one', 'one'], ['number']),
    node('Greater', ['number', 'half'], ['is more']),
    node('Slice', ['steps', 'start', 'end', 'axes'], ['cut steps']),
    node('Slice', ['query', 'none', 'four', 'two'], ['cut query']),
  ];
  const constants = {
    three: ints([1, 3]),
    none: ints([0]),
    one: ints([1]),
    two: ints([2]),
    four: ints([4]),
    start: ints([0, 1]),
    end: ints([2 ** 31 - 1, 5]),
    axes: ints([1, 2]),
  };
  await compare(
    [
      ...['Add', 'Sub', 'Mul', 'Div', 'Max', 'Less', 'Pow'].flatMap(
        (op) =>
        [['query', 'steps'], ['steps', 'query'], ['number', 'wide'], ['wide', 'number'], ['text', 'wide'], ['positive', 'wide 4']].map((each) => /** @type {Entry} */ ([op, each])), // prettier-ignore
      ),
      ['Where', ['is more', 'wide', 'number']],
      ['Sum', ['query', 'steps', 'e']],
      ['Add', ['cut query', 'cut steps']],
    ],
    { ...constants, 'wide 4': floats([0.5], [1, 1, 1]) },
    { before },
  );
});

/** The name of a divisor without zeros. @param {string} name */
const divisor = (name) => (['row', 'half'].includes(name) ? name : `${name} + 0.3`);
const divisors = ['other', 'halves', 'column', 'v'].map((name) => node('Add', [name, 'third'], [divisor(name)]));

test('operators on constants are computed at import as onnxruntime computes them', async () => {
  const constants = {
    ...{ halves: row, large: floats([1, 1.5, 2, 4, 1.25, 9]), small: floats([0.5, -0.25, 0, 0.75, -0.5, 0.125]) },
    ...{ bits: ints([1, 0, 0, 1, 0, 1]), half: number(0.5), column: floats([0.5, 3], [2, 1]), three: floats([0.5, -3, 2]) },
    ...{ m: floats([3, -1, 2, 0.5, 4, -2], [2, 3]), other: floats([0.5, 1, -2, 3, 0.75, -1.5], [2, 3]) },
    ...{ whole: ints([-7, 7, -8, 8, 0, 5]), divisor: ints([2, -2, 3, -3, 4, 5]) },
    ...{ five: number(5), down: number(-1.5), wide: ints([1, 3]), copies: ints([2, 3]) },
  };
  const before = [
    node('Cast', ['bits'], ['yes'], { to: 9 }),
    node('Greater', ['halves', 'small'], ['more']),
    node('Sqrt', ['halves'], ['root']),
    node('Transpose', ['other'], ['turned']),
    node('Cast', ['whole'], ['float'], { to: 1 }),
    node('Cast', ['three'], ['truncated'], { to: 6 }),
    node('Cast', ['small'], ['unlike 0'], { to: 9 }),
    node('CastLike', ['three', 'whole'], ['like']),
    node('Expand', ['half', 'wide'], ['alone']),
    node('Constant', [], ['value_float'], { value_float: 0.5 }),
    node('Constant', [], ['value_floats'], { value_floats: Float32Array.of(1, -2) }),
    node('Constant', [], ['value_int'], { value_int: 3 }),
    node('Constant', [], ['value_ints'], { value_ints: [4, -5] }),
  ];
  const sides = [['m', 'other'], ['m', 'half'], ['half', 'm'], ['m', 'column'], ['column', 'three'], ['three', 'm']]; // prettier-ignore
  await compareConstants(
    [
      ...ofOne.map(([op, [name]]) => /** @type {Entry} */ ([op, [name === 'e' ? 'halves' : name]])),
      ...ofTwo.filter((op) => op !== 'Mod').flatMap((op) => sides.map((each) => /** @type {Entry} */ ([op, each]))),
      ...ofTwo.map((op) => /** @type {Entry} */ ([`of int ${op}`, ['whole', 'divisor']])),
      ...['And', 'Or', 'Xor'].map((op) => /** @type {Entry} */ ([op, ['yes', 'more']])),
      ['Mean', ['m']],
      ...['Sum', 'Max', 'Min'].flatMap((op) => [['m'], ['m', 'three'], ['m', 'half', 'column']].map((each) => /** @type {Entry} */ ([op, each]))), // prettier-ignore
      ['Div', ['float', 'large']],
      ...['truncated', 'unlike 0', 'like'].map((name) => /** @type {Entry} */ (['of int Identity', [name]])),
      ['Pow', ['large', 'halves']],
      ['Pow', ['large', 'half']],
      ['Where', ['yes', 'halves', 'small']],
      ['Where', ['more', 'half', 'small']],
      ['MatMul', ['m', 'turned']],
      ['of int Add', ['truncated', 'truncated']],
      ...['value_float', 'value_floats'].map((name) => /** @type {Entry} */ (['Identity', [name]])),
      ...['value_int', 'value_ints'].map((name) => /** @type {Entry} */ (['of int Identity', [name]])),
      ['Squeeze', ['column']],
      ['Tile', ['m', 'copies']],
      ['Tile', ['alone', 'copies']],
      ['Concat', ['alone'], { axis: 0 }],
      ['Range', ['half', 'five', 'half']],
      ['Range', ['five', 'half', 'down']],
    ],
    constants,
    { before, opset: 15 },
  );
});

const reductions = ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'SumSquare', 'LogSum', 'LogSumExp'].map(
  (how) => `Reduce${how}`,
);
/** What a reduction can read: logarithms need positive sums. @param {string} op */
const readBy = (op) => (op === 'ReduceLogSum' ? 'large' : 'halves');

test('reductions over steps, features and both, with axes as an attribute or an input, give the answers of onnxruntime', async () => {
  const axes = { one: ints([1]), two: ints([2]), both: ints([1, -1]), none: ints([]) };
  const attributes = [{ axes: [1] }, { axes: [-1], keepdims: 0 }, { axes: [1, 2], keepdims: 0 }, { axes: [-2, 2] }];
  const arguments_ = [{ axis: 1 }, { axis: -1, keepdims: 0 }, { axis: 2, select_last_index: 1 }, { axis: 2 }];
  await compare(
    [
      ...reductions
        .filter((op) => op !== 'ReduceSum')
        .flatMap((op) => attributes.map((each) => /** @type {Entry} */ ([op, [readBy(op)], each]))),
      ...['ArgMax', 'ArgMin'].flatMap((op) => arguments_.map((each) => /** @type {Entry} */ ([op, ['halves'], each]))),
      ['ArgMax', ['v turned']],
      ['ArgMin', ['v turned']],
    ],
    {},
    { before: [node('Transpose', ['v'], ['v turned'])] },
  );
  await compare(
    reductions.flatMap((op) => [
      .../** @type {Entry[]} */ (
        Object.keys(axes)
          .slice(0, 3)
          .map((name) => [op, [readBy(op), name], { keepdims: name === 'one' ? 1 : 0 }])
      ),
      /** @type {Entry} */ ([op, [readBy(op), 'none'], { noop_with_empty_axes: 1 }]),
      /** @type {Entry} */ ([op, [readBy(op)], { noop_with_empty_axes: 1 }]),
      /** @type {Entry} */ (['Sub', ['v', `${op} of steps`]]),
    ]),
    axes,
    {
      opset: 18,
      before: reductions.map((op) => node(op, [readBy(op), 'one'], [`${op} of steps`], { keepdims: 0, noop_with_empty_axes: 1 })),
    },
  );
});

test('reductions of constants are computed at import as onnxruntime computes them', async () => {
  const constants = {
    ...{ m: floats([3, 1, 2, 0.5, 4, 2], [2, 3]), whole: ints([3, -1, 2, 5, 4, -2], [2, 3]), zero: ints([0]), both: ints([0, 1]) },
    none: ints([]),
  };
  await compareConstants(
    reductions
      .filter((op) => op !== 'ReduceSum')
      .flatMap((op) =>
        [{}, { axes: [0] }, { axes: [-1], keepdims: 0 }, { axes: [0, 1], keepdims: 0 }].map(
          (each) => /** @type {Entry} */ ([op, ['m'], each]),
        ),
      ),
    constants,
  );
  await compareConstants(
    ['ReduceSum', 'ReduceProd', 'ReduceMax', 'ReduceMin'].flatMap((op) => [
      ...['zero', 'both', 'none'].map((name) => /** @type {Entry} */ ([op, ['m', name]])),
      ...['zero', 'both'].map((name) => /** @type {Entry} */ ([`of int ${op}`, ['whole', name], { keepdims: 0 }])),
      /** @type {Entry} */ ([op, ['m', 'none'], { noop_with_empty_axes: 1 }]),
      /** @type {Entry} */ ([op, ['m']]),
    ]),
    constants,
    { opset: 18 },
  );
});

test('normalisations give the answers of onnxruntime', async () => {
  const channels = [node('Transpose', ['e'], ['c'], { perm: [0, 2, 1] }), node('Reshape', ['v', 'shape'], ['parts'])];
  const constants = {
    ...{
      scale: weight([D]),
      bias: weight([D]),
      mean: weight([D]),
      three: weight([3]),
      pair: weight([2, 3]),
      shape: ints([0, 2, 3]),
    },
    ...{ variance: floats([0.5, 1, 2, 0.25, 1.5, 3]) },
  };
  /** @type {Entry[]} */
  const list = [
    ['LayerNormalization', ['e', 'scale', 'bias']],
    ['LayerNormalization', ['e', 'scale'], { epsilon: 0.5 }],
    ['LayerNormalization', ['parts', 'three'], { axis: 2 }],
    ['LayerNormalization', ['parts', 'pair', 'pair'], { axis: 1 }],
    ['LpNormalization', ['e']],
    ['LpNormalization', ['e'], { p: 1, axis: 2 }],
    ['LpNormalization', ['v'], { p: 2, axis: 1 }],
  ];
  const turned = /** @type {Entry[]} */ ([
    ['BatchNormalization', ['c', 'scale', 'bias', 'mean', 'variance']],
    ['BatchNormalization', ['c', 'scale', 'bias', 'mean', 'variance'], { epsilon: 0.5 }],
    ['InstanceNormalization', ['c', 'scale', 'bias']],
    ['InstanceNormalization', ['c', 'scale', 'bias'], { epsilon: 0.5 }],
    ['LpNormalization', ['c'], { axis: 2 }],
    ['GlobalMaxPool', ['c']],
    ['GlobalAveragePool', ['c']],
  ]);
  await compare(
    [
      ...list,
      ['BatchNormalization', ['v', 'scale', 'bias', 'mean', 'variance']],
      ...turned.map((_, i) => /** @type {Entry} */ (['Transpose', [`c${i}`], { perm: [0, 2, 1] }])),
    ],
    constants,
    // Where a step has no variance, onnxruntime is inexact.
    {
      opset: 17,
      shortest: 4,
      before: [...channels, ...turned.map(([op, inputs, attributes], i) => node(op, inputs, [`c${i}`], attributes))],
    },
  );
});

test('statistics that a graph computes for BatchNormalization are read without scale and bias, and refused with them', async () => {
  const before = [
    node('Reshape', ['e', 'rows'], ['r']),
    node('ReduceMean', ['r'], ['mean'], { axes: [0, 2], keepdims: 0 }),
    node('ReduceMean', ['r'], ['means'], { axes: [0, 2] }),
    node('Sub', ['r', 'means'], ['centred']),
    node('Mul', ['centred', 'centred'], ['squares']),
    node('ReduceMean', ['squares'], ['variance'], { axes: [0, 2], keepdims: 0 }),
    node('Shape', ['mean'], ['count']),
    node('ConstantOfShape', ['count'], ['zeros']),
    node('Add', ['zeros', 'unit'], ['ones']),
    node('Add', ['zeros', 'half'], ['halves of one']),
  ];
  const constants = { rows: ints([1, -1, D]), unit: number(1), half: number(0.5) };
  const graph = (/** @type {string} */ scale, /** @type {string} */ bias) => {
    const norm = node('BatchNormalization', ['r', scale, bias, 'mean', 'variance'], ['n'], { epsilon: 0.5 });
    return onIds([...before, norm, node('Shape', ['e'], ['home']), node('Reshape', ['n', 'home'], ['y'])], constants);
  };
  await agrees(graph('ones', 'zeros'));
  for (const [scale, bias] of [
    ['halves of one', 'zeros'],
    ['ones', 'ones'],
  ])
    // prettier-ignore
    await assert.rejects(importing(graph(scale, bias)), says(UnsupportedError, /\(BatchNormalization\): mean and variance depend on the input, and scale/));
});

test('operators that move, cut and join axes give the answers of onnxruntime', async () => {
  const list = (/** @type {string} */ of, /** @type {number[]} */ ...data) => ({ [of]: ints(data) });
  const constants = {
    ...list('zero', 0),
    ...list('one', 1),
    ...list('two', 2),
    ...list('minus', -1),
    ...list('least', -100),
    ...list('most', 2 ** 31 - 1),
    ...list('four', 4),
    ...list('three', 3),
    ...list('six', 6),
    ...list('square', 2, 2),
    ...list('uneven', 1, 2, 3),
    ...list('copies', 1, 1, 2),
    ...list('split', 0, -1, 2, 3),
    ...list('whole', 0, 0, -1),
    ...list('halved', 0, 2, 3),
    ...list('places', -1, 2, 0),
    ...list('descending', 5, 3, 1),
    ...list('wide', 1, 1, 6),
    ...list('around', 2, 1),
    ...list('cut', 0, 0, -1, 0, 0, -2),
    ...list('edges', 0, 0, 1, 0, 0, 2),
    ...list('last', -1, -2),
    fill: number(0.25),
    row: weight([D]),
    matrix: weight([3, D]),
  };
  const before = [
    node('Split', ['e', 'uneven'], ['p0', 'p1', 'p2'], { axis: 2 }),
    node('Split', ['e'], ['q0', 'q1'], { axis: -1, num_outputs: 2 }),
    node('Concat', ['e', 'p0'], ['seven'], { axis: 2 }),
    node('Split', ['seven'], ['r0', 'r1', 'r2'], { axis: -1, num_outputs: 3 }),
    node('Reshape', ['e', 'split'], ['four axes']),
    node('Reshape', ['v', 'halved'], ['parts']),
    node('Transpose', ['e'], ['turned']),
    node('Unsqueeze', ['v', 'last'], ['long']),
    node('Squeeze', ['long'], ['shorter']),
    node('Expand', ['one', 'three'], ['one repeated']),
    node('Expand', ['one', 'square'], ['square of ones']),
    node('Gather', ['v', 'square of ones'], ['four repeats'], { axis: 1 }),
    node('Split', ['matrix', 'uneven'], ['m0', 'm1', 'm2'], { axis: 1 }),
    node('Split', ['matrix'], ['n0', 'n1', 'n2'], { num_outputs: 3 }),
  ];
  await compare(
    [
      ...['p0', 'p1', 'p2', 'q0', 'q1', 'r0', 'r2', 'four axes', 'shorter'].map(
        (name) => /** @type {Entry} */ (['Identity', [name]]),
      ),
      ['Transpose', ['turned']],
      ['Transpose', ['four axes'], { perm: [0, 1, 3, 2] }],
      ['Flatten', ['parts']],
      ['Flatten', ['parts'], { axis: -2 }],
      ['Flatten', ['v']],
      ['Reshape', ['four axes', 'whole']],
      ['Slice', ['e', 'one', 'four', 'two']],
      ['Slice', ['e', 'minus', 'least', 'two', 'minus']],
      ['Slice', ['e', 'minus', 'zero', 'two', 'minus']],
      ['Slice', ['e', 'zero', 'most', 'two', 'two']],
      ['Slice', ['e', 'zero', 'most', 'zero']],
      ['Slice', ['e', 'zero', 'minus', 'two']],
      ['Gather', ['e', 'places'], { axis: 2 }],
      ['Gather', ['e', 'descending'], { axis: -1 }],
      ['Gather', ['e', 'one repeated'], { axis: 2 }],
      ['Flatten', ['four repeats']],
      ['Gather', ['v', 'minus'], { axis: 1 }],
      ['Gather', ['e', 'minus'], { axis: 1 }],
      ['Tile', ['e', 'copies']],
      ['Expand', ['e', 'wide']],
      ['Expand', ['e', 'six']],
      ['Concat', ['e', 'halves', 'p1'], { axis: 2 }],
      ['Concat', ['four axes', 'four axes'], { axis: 2 }],
      ['Concat', ['four axes', 'four axes'], { axis: -1 }],
      ['Pad', ['e', 'around', 'fill', 'minus']],
      ['Pad', ['e', 'around', '', 'two']],
      ['Pad', ['e', 'around', '', 'two'], { mode: 'edge' }],
      ['Pad', ['e', 'around', '', 'two'], { mode: 'reflect' }],
      ['Pad', ['e', 'around', '', 'two'], { mode: 'wrap' }],
      ['Pad', ['e', 'cut']],
      ['Pad', ['e', 'edges', 'fill']],
      ['Pad', ['v', 'around', 'fill', 'one']],
      ['MatMul', ['e', 'row']],
      ['MatMul', ['v', 'row']],
      ['MatMul', ['p1', 'corner']],
    ],
    { ...constants, corner: weight([2, 4]) },
    { opset: 19, before },
  );
});

test('steps that are cut at different places broadcast if as many are left', async () => {
  const bounds = { one: ints([1]), two: ints([2]), minus: ints([-1]), most: ints([2 ** 31 - 1]) };
  const counted = [
    node('Shape', ['ids'], ['shape']),
    node('Gather', ['shape', 'one'], ['T']),
    node('Sub', ['T', 'one'], ['T - 1']),
  ];
  const before = [
    ...counted,
    node('Slice', ['e', 'one', 'minus', 'one'], ['inner']),
    node('Slice', ['e', 'two', 'most', 'one'], ['last']),
  ];
  await compare(
    [
      ['Sub', ['inner', 'last']],
      ['Slice', ['e', 'one', 'T - 1', 'one']],
      ['Slice', ['e', 'T - 1', 'most', 'one']],
      ['Slice', ['e', 'T - 1', 'T', 'one']],
    ],
    bounds,
    { before, shortest: 3 },
  );
});

test('products with a constant or a tensor on either side give the answers of onnxruntime', async () => {
  const constants = {
    ...{
      k: weight([D, 3]),
      turned: weight([3, D]),
      shift: weight([3]),
      line: weight([1, 3]),
      left: weight([4, D]),
      row: weight([D]),
    },
    ...{ wide: ints([D]), 'square of D': ints([D, D]), origin: ints([0], []), at: ints([1], []) },
    two: ints([2]),
    axis: ints([1]),
  };
  const before = [
    node('Transpose', ['v'], ['across']),
    node('Gemm', ['v', 'k'], ['own']),
    node('MatMul', ['e', 'k'], ['sums']),
    node('Expand', ['half', 'wide'], ['repeated row']),
    node('Expand', ['half', 'square of D'], ['repeated']),
    node('Transpose', ['e'], ['columns'], { perm: [0, 2, 1] }),
    node('MatMul', ['left', 'columns'], ['products']),
    node('MatMul', ['e', 'columns'], ['square']),
    node('Shape', ['ids'], ['shape']),
    node('Gather', ['shape', 'at'], ['T']),
    node('Range', ['origin', 'T', 'at'], ['places']),
    node('Cast', ['places'], ['numbers'], { to: 1 }),
    node('Unsqueeze', ['numbers', 'axis'], ['positions']),
    node('Gemm', ['positions', 'positions'], ['bias'], { transB: 1 }),
    node('Gemm', ['positions', 'positions', 'half'], ['more'], { transB: 1 }),
    node('Add', ['square', 'bias'], ['biased']),
    node('Add', ['square', 'more'], ['biased more']),
    node('Unsqueeze', ['v', 'axis'], ['query']),
    node('Unsqueeze', ['v', 'two'], ['key']),
  ];
  /** @type {[string[], any?][]} */
  const gemms = [
    [['v', 'k']],
    [['v', 'k', 'shift']],
    [['v', 'k', 'line'], { alpha: 0.5 }],
    [['v', 'k', 'half'], { beta: 1.5 }],
    [['v', 'turned', 'shift'], { transB: 1, alpha: -1.5, beta: 0.25 }],
    [['across', 'k', 'shift'], { transA: 1 }],
    [['v', 'k', 'own']],
  ];
  await compare(
    [
      ...gemms.map(([inputs, attributes]) => /** @type {Entry} */ (['Gemm', inputs, attributes])),
      ['Transpose', ['products'], { perm: [0, 2, 1] }],
      ['ReduceMax', ['biased'], { axes: [2] }],
      ['ReduceMax', ['biased more'], { axes: [2] }],
      ['MatMul', ['e', 'k']],
      ['Add', ['sums', 'half']],
      ['MatMul', ['e', 'row']],
      ['MatMul', ['e', 'repeated row']],
      ['MatMul', ['e', 'repeated']],
      ['MatMul', ['square', 'e']],
      ['MatMul', ['columns', 'e']],
      ['MatMul', ['query', 'columns']],
      ['MatMul', ['e', 'key']],
      ['MatMul', ['query', 'key']],
      ['MatMul', ['key', 'query']],
    ],
    constants,
    { before },
  );
});

test('an element of joined constants and tensors may be a constant', async () => {
  const before = [
    node('Shape', ['v'], ['shape']),
    node('ConstantOfShape', ['shape'], ['empty']),
    node('Add', ['empty', 'half'], ['halves of v']),
    node('Unsqueeze', ['halves of v', 'axis'], ['upper']),
    node('Unsqueeze', ['v', 'axis'], ['lower']),
    node('Concat', ['upper', 'lower'], ['joined'], { axis: 1 }),
    ...['0', '1'].map((at) => node('Gather', ['joined', at], [`element ${at}`], { axis: 1 })),
  ];
  await compare(
    [
      ['Mul', ['v', 'element 0']],
      ['Mul', ['v', 'element 1']],
    ],
    { axis: ints([1]), 0: ints([0], []), 1: ints([1], []) },
    { before },
  );
});

test('products of several heads give the answers of onnxruntime, with the heads before or after the batch', async () => {
  const heads = ints([0, 0, 2, D / 2]);
  const orders = { after: [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]], before: [[2, 0, 1, 3], [2, 0, 3, 1], [1, 2, 0, 3]] }; // prettier-ignore
  const before = [
    node('Reshape', ['e', 'heads'], ['parts']),
    ...Object.entries(orders).flatMap(([name, [rows, columns, back]]) => [
      node('Transpose', ['parts'], [`rows ${name}`], { perm: rows }),
      node('Transpose', ['parts'], [`columns ${name}`], { perm: columns }),
      node('MatMul', [`rows ${name}`, `columns ${name}`], [`scores ${name}`]),
      node('Softmax', [`scores ${name}`], [`weights ${name}`]),
      node('MatMul', [`weights ${name}`, `rows ${name}`], [`sums ${name}`]),
      node('Transpose', [`sums ${name}`], [`back ${name}`], { perm: back }),
    ]),
  ];
  await compare(
    ['before', 'after'].map((name) => /** @type {Entry} */ (['Identity', [`back ${name}`]])),
    { heads },
    { before },
  );
});

test('a sequence and a vector are combined for rows of all lengths at once', async () => {
  const before = [
    node('Slice', ['large', 'none', 'one', 'one'], ['vector']),
    node('Transpose', ['vector'], ['column'], { perm: [0, 2, 1] }),
  ];
  const model = await compare(
    [
      ...['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Mean'].map((op) => /** @type {Entry} */ ([op, ['e', 'vector']])),
      ['Sub', ['vector', 'e']],
      ['MatMul', ['e', 'column']],
    ],
    { none: ints([0]), one: ints([1]) },
    { before },
  );
  assert.equal(model.needsLength, false);
});

test('convolutions with every kind of padding, strides, dilations and groups give the answers of onnxruntime', async () => {
  const options = [
    ...[{}, { pads: [1, 1] }, { pads: [2, 0] }, { pads: [0, 2] }, { pads: [1, 2], strides: [2] }, { pads: [2, 2], dilations: [2] }],
    ...[{ dilations: [2] }, { strides: [2] }, { auto_pad: 'VALID' }, { auto_pad: 'SAME_UPPER' }, { auto_pad: 'SAME_LOWER' }],
    ...[{ auto_pad: 'SAME_UPPER', strides: [2] }, { group: 2, pads: [1, 1] }, { group: D }],
  ];
  const before = [
    node('Transpose', ['e'], ['c'], { perm: [0, 2, 1] }),
    node('Expand', ['half', 'sizes'], ['repeated']),
    node('Conv', ['c', 'repeated'], ['of repeated']),
    ...options.flatMap((each, i) =>
      ['odd', 'even'].map((kernel) =>
        node('Conv', ['c', `${kernel} ${each.group ?? 1}`, ...(i % 2 ? ['shift'] : [])], [`c ${kernel} ${i}`], {
          ...each,
          ...(i % 3 ? {} : { kernel_shape: [kernel === 'odd' ? 3 : 2] }),
        }),
      ),
    ),
  ];
  const kernels = [1, 2, D].flatMap((group) => [
    [`odd ${group}`, weight([D, D / group, 3])],
    [`even ${group}`, weight([D, D / group, 2])],
  ]);
  await compare(
    [
      ...options.flatMap((_, i) =>
        ['odd', 'even'].map((kernel) => /** @type {Entry} */ (['Transpose', [`c ${kernel} ${i}`], { perm: [0, 2, 1] }])),
      ),
      ['Transpose', ['of repeated'], { perm: [0, 2, 1] }],
    ],
    { ...Object.fromEntries(kernels), shift: weight([D]), sizes: ints([4, D, 2]) },
    { before, shortest: 5 },
  );
});

test('the results of windows that leave as many steps can be added', async () => {
  const windows = [{}, { auto_pad: 'SAME_UPPER' }, { auto_pad: 'SAME_LOWER' }, { pads: [1, 1] }, { pads: [2, 0] }];
  const before = [
    node('Transpose', ['e'], ['c'], { perm: [0, 2, 1] }),
    ...windows.flatMap((each, i) => [
      node('Conv', ['c', 'odd'], [`conv ${i}`], each),
      node('MaxPool', ['c'], [`max ${i}`], { ...each, kernel_shape: [3] }),
      node('AveragePool', ['c'], [`mean ${i}`], { ...each, kernel_shape: [3] }),
      node('Sum', [`conv ${i}`, `max ${i}`, `mean ${i}`, ...(i ? ['c'] : [])], [`sum ${i}`]),
    ]),
    ...[{ auto_pad: 'SAME_UPPER' }, { pads: [1, 1] }].flatMap((each, i) => [
      node('Conv', ['c', 'odd'], [`second conv ${i}`], { ...each, strides: [2] }),
      node('MaxPool', ['c'], [`second max ${i}`], { ...each, strides: [2], kernel_shape: [3] }),
      node('Sum', [`second conv ${i}`, `second max ${i}`], [`sum ${windows.length + i}`]),
    ]),
  ];
  await compare(
    Array.from({ length: windows.length + 2 }, (_, i) => /** @type {Entry} */ (['Transpose', [`sum ${i}`], { perm: [0, 2, 1] }])),
    { odd: weight([D, D, 3]) },
    { before, shortest: 3 },
  );
});

test('from opset 13 on, softmax, its logarithm and Hardmax run over one axis', async () => {
  const before = [node('Reshape', ['v', 'shape'], ['parts'])];
  const list = ['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op) =>
    [{}, { axis: 1 }, { axis: 2 }, { axis: -2 }].map((each) => /** @type {Entry} */ ([op, ['parts'], each])),
  );
  await compare(list, { shape: ints([0, 2, 3]) }, { opset: 13, before });
});

test('before opset 13, Hardmax runs over all axes from one on, and its result has the axes of its input', async () => {
  const before = [
    node('Reshape', ['v', 'shape'], ['parts']),
    ...[1, 2, -1].map((axis) => node('Hardmax', ['parts'], [`from ${axis}`], { axis })),
  ];
  await compare(
    [1, 2, -1].map((axis) => /** @type {Entry} */ (['Transpose', [`from ${axis}`], { perm: [0, 2, 1] }])),
    { shape: ints([0, 2, 3]) },
    { opset: 12, before },
  );
});

test('token ids stay ids through nodes that only move their axes', async () => {
  const before = [
    node('Unsqueeze', ['ids', 'one'], ['row']),
    node('Squeeze', ['row', 'one'], ['same 0']),
    node('Transpose', ['ids'], ['turned']),
    node('Transpose', ['turned'], ['same 1']),
    node('Reshape', ['ids', 'shape'], ['same 2']),
    node('Flatten', ['ids'], ['same 3']),
    node('Identity', ['ids'], ['same 4']),
    node('Cast', ['ids'], ['same 5'], { to: 6 }),
  ];
  const constants = { one: ints([1]), shape: ints([0, -1]), letters: weight([V, D]) };
  await compare(
    [0, 1, 2, 3, 4, 5].map((i) => /** @type {Entry} */ (['Gather', ['letters', `same ${i}`]])),
    constants,
    { before },
  );
});

test('arithmetic on the number of steps is computed at import', async () => {
  /** Nodes that end in T again. @type {Entry[][]} */
  const chains = [
    [['Pow', ['T', 'one']]],
    [
      ['Mul', ['T', 'two']],
      ['Div', ['', 'two']],
    ],
    [
      ['Add', ['T', 'two']],
      ['Sub', ['', 'two']],
    ],
    [
      ['Mul', ['T', 'T']],
      ['Div', ['', 'T']],
    ],
    [
      ['Mul', ['T', 'two']],
      ['Mod', ['', 'two']],
      ['Add', ['', 'T']],
    ],
    [['Max', ['T', 'zero']]],
    [['Max', ['zero', 'T', 'zero']]],
    [
      ['Min', ['T', 'zero']],
      ['Add', ['', 'T']],
    ],
    [
      ['Greater', ['T', 'zero']],
      ['Where', ['', 'T', 'two']],
    ],
    [
      ['LessOrEqual', ['T', 'zero']],
      ['Where', ['', 'two', 'T']],
    ],
    [
      ['Equal', ['T', 'zero']],
      ['Not', ['']],
      ['And', ['', 'true']],
      ['Where', ['', 'T', 'two']],
    ],
    [
      ['Cast', ['T'], { to: 1 }],
      ['Cast', [''], { to: 7 }],
    ],
    [
      ['Cast', ['shape'], { to: 1 }],
      ['Gather', ['', 'one']],
      ['Cast', [''], { to: 7 }],
    ],
    [
      ['ReduceProd', ['shape'], { axes: [0], keepdims: 0 }],
      ['Div', ['', 'B']],
    ],
    [
      ['ReduceSum', ['shape', 'start'], { keepdims: 0 }],
      ['Sub', ['', 'B']],
    ],
    [
      ['Slice', ['shape', 'axis', 'axes', 'start']],
      ['Squeeze', ['']],
    ],
  ];
  const before = [
    node('Shape', ['ids'], ['shape']),
    node('Gather', ['shape', 'zero'], ['B']),
    node('Gather', ['shape', 'one'], ['T']),
    node('Cast', ['one'], ['true'], { to: 9 }),
    ...chains.flatMap((chain, i) => [
      ...chain.map(
        ([op, inputs, attributes], k) =>
        node(op, inputs.map((name) => name || `n${i}.${k - 1}`), [`n${i}.${k}`], attributes), // prettier-ignore
      ),
      node('Range', ['zero', `n${i}.${chain.length - 1}`, 'one'], [`places ${i}`]),
      node('Gather', ['positions', `places ${i}`], [`p${i}`]),
    ]),
  ];
  const scalars = Object.fromEntries(['zero', 'one', 'two'].map((name, value) => [name, ints([value], [])]));
  const constants = { ...scalars, axis: ints([1]), axes: ints([2]), start: ints([0]), positions: weight([20, D]) };
  await compare(
    chains.map((_, i) => /** @type {Entry} */ (['Add', ['e', `p${i}`]])),
    constants,
    { before },
  );
});

test('a matrix or a list that contains the number of steps is refused', async () => {
  const before = [
    node('Slice', ['e', 'zero', 'one', 'two'], ['feature']),
    node('ReduceSum', ['feature', 'one'], ['sum']),
    node('Shape', ['e'], ['T'], { start: 1, end: 2 }),
    node('Cast', ['T'], ['steps'], { to: 1 }),
    node('Expand', ['steps', 'three'], ['list']),
    node('Reshape', ['steps', 'square'], ['matrix']),
  ];
  const constants = { three: ints([1, 3]), square: ints([1, 1]), zero: ints([0]), one: ints([1]), two: ints([2]) };
  for (const [op, right, message] of /** @type {[string, string, RegExp][]} */ ([
    ['Div', 'list', /\(Div\): computes with the size T, T, T; padless can compute only with the number of steps/],
    ['MatMul', 'matrix', /\(MatMul\): multiplies by a matrix with the size T; padless needs numbers/],
    ['MatMul', 'steps', /\(MatMul\): multiplies by a matrix with the size T; padless needs numbers/],
  ]))
    await assert.rejects(
      importing(onIds([...before, node(op, ['sum', right], ['y'])], constants, ['y'], { opset: 15 })),
      says(UnsupportedError, message),
    );
});

test('axes that one operand splits in another way than the other are split into common parts', async () => {
  const views = Object.entries({ a: [0, 4, 3], b: [0, 2, 6], c: [0, 12], d: [0, 2, 2, 3] });
  const before = views.flatMap(([name, shape], i) => [
    node('Concat', ['v', i % 2 ? 'v' : 'w'], [`whole ${name}`], { axis: 1 }),
    node('Mul', [`whole ${name}`, `factors ${name}`], [`scaled ${name}`]),
    node('Reshape', [`scaled ${name}`, `shape ${name}`], [`parts ${name}`]),
    node('Tanh', [`parts ${name}`], [`bounded ${name}`]),
    node('Flatten', [`bounded ${name}`], [name.toUpperCase()]),
    node('Unsqueeze', [name.toUpperCase(), 'one'], [`row ${name}`]),
    node('Unsqueeze', [name.toUpperCase(), 'two'], [`column ${name}`]),
    ...(shape.length === 3 ? [node('ReduceMax', [`bounded ${name}`], [`most ${name}`], { axes: [2] })] : []),
  ]);
  const constants = Object.fromEntries(views.flatMap(([name, shape]) => [[`factors ${name}`, weight([12])], [`shape ${name}`, ints(shape)]])); // prettier-ignore
  const names = views.map(([name]) => name.toUpperCase());
  await compare(
    [
      ...names.flatMap((a) => names.filter((b) => a !== b).map((b) => /** @type {Entry} */ (['Sub', [a, b]]))),
      ['Sum', names],
      ['Concat', names, { axis: 1 }],
      ['MatMul', ['row a', 'column b']],
      ['MatMul', ['row d', 'column a']],
      ['MatMul', ['row c', 'column d']],
      ['Mul', ['bounded a', 'most a']],
    ],
    { ...constants, one: ints([1]), two: ints([2]) },
    { before: [node('Tanh', ['v'], ['w']), ...before] },
  );
  const unlike = [node('Reshape', ['e', 'three'], ['a']), node('Reshape', ['e', 'two'], ['b'])].flatMap((each) => {
    const [name] = each.outputs;
    return [each, node('Tanh', [name], [`${name}1`]), node('Reshape', [`${name}1`, 'flat'], [`${name}2`])];
  });
  await assert.rejects(
    importing(
      onIds([...unlike, node('Add', ['a2', 'b2'], ['y'])], {
        three: ints([0, 0, 3, 2]),
        two: ints([0, 0, 2, 3]),
        flat: ints([0, 0, 6]),
      }),
    ),
    says(
      UnsupportedError,
      /\(Add\): axis 2 is merged from axes of 3 \* 2 in one operand and 2 \* 3 in the other, which padless cannot match/,
    ),
  );
});

test('nodes that padless cannot convert are refused, and the message says why', async () => {
  for (const [entry, words, constants = {}] of /** @type {[Entry, RegExp, Record<string, Constant>?][]} */ ([
    [
      ['Gather', ['e', 'last'], { axis: 1 }],
      /\(Gather\): \[-1:-3:-1\] of an axis of T; padless can take/,
      { last: ints([-1, -2]) },
    ],
    [['Gather', ['e', 'six'], { axis: 2 }], /\(Gather\): index 6 of an axis of 6|takes no element/, { six: ints([6], []) }],
    [['Slice', ['e', 'zero', 'one'], {}], /\(Slice\): a slice runs over the batch/, { zero: ints([0]), one: ints([1]) }],
    [['ArgMax', ['e']], /\(ArgMax\): the reduction runs over the batch/],
    [['TopK', ['e', 'one'], { axis: 0 }], /\(TopK\): TopK runs over the batch/, { one: ints([1]) }],
    [['MaxPool', ['e'], { kernel_shape: [2], auto_pad: 'SAME' }], /\(MaxPool\): auto_pad is SAME$/],
    [['MaxPool', ['e']], /\(MaxPool\): kernel_shape is missing/],
    [
      ['ReverseSequence', ['e', 'lengths'], { batch_axis: 1, time_axis: 0 }],
      /\(ReverseSequence\): batch_axis 1 is not the batch/,
      { lengths: ints([1]) },
    ],
    [['Dropout', ['e', 'half', 'one']], /\(Dropout\): training_mode is not false/, { half: number(0.5), one: ints([1], []) }],
    [['Softmax', ['e'], { axis: 0 }], /\(Softmax\): softmax runs over the batch/],
    [['Pad', ['e', 'pads'], {}], /\(Pad\): padding runs over the batch/, { pads: ints([1, 0, 0, 0, 0, 0]) }],
    [['Split', ['e'], { axis: 1 }], /\(Split\): splits an axis of T/],
    [['Tile', ['e', 'thrice'], {}], /\(Tile\): .*runs over the batch/, { thrice: ints([3, 1, 1]) }],
    [['Mean', ['e', 'row']], /\(Mean\): some operands are constant/, { row }],
    [
      ['Pad', ['e', 'pads'], { mode: 'blur' }],
      /\(Pad\): mode is blur; padless has constant, edge, reflect and wrap/,
      { pads: ints([0, 0, 1, 0, 0, 0]) },
    ],
    [['Hardmax', ['e'], { axis: 1 }], /\(Hardmax\): runs over an axis of size T; padless needs a fixed size/],
    [['ArgMax', ['e'], { axis: 1, select_last_index: 1 }], /\(ArgMax\): select_last_index is 1 over an axis of size T/],
  ]))
    await assert.rejects(importing(onIds([node(entry[0], entry[1], ['y'], entry[2])], constants)), says(UnsupportedError, words));
});
