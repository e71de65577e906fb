/**
 * Loops over the rows of a batch, which PyTorch writes for an EmbeddingBag, and graphs inside nodes. A loop that computes anything else is refused.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelFileError, UnsupportedError } from 'padless';
import { fromOnnx } from 'padless/import';
import '../guarded-heap.js';
import { says } from '../says.js';
import { functionOf, graph, model, node, tensor, value } from './onnx-writer.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
/** @param {string} name @param {number[]} values @param {number[]} [shape] */
const ints = (name, values, shape = [values.length]) => tensor(name, shape, BigInt64Array.from(values, BigInt));
const table = tensor('table', [4, 2], Float32Array.of(0, 0, 1, 10, 2, 20, 4, 40));
const rows = [[1, 2], [3], [2, 3, 3]];

/** The parts of torch's loop that a test replaces. @typedef {{ count?: string, runs?: string, limit?: string, last?: string, start?: string, end?: string, goesOn?: string, data?: string, result?: string, more?: any[] }} Change */

/** An EmbeddingBag as torch's TorchScript exporter writes it. @param {Change} [change] */
function bag({
  count = 'B',
  runs = 'true',
  limit = 'all',
  last = 'all1',
  start = 'starts',
  end = 'ends',
  goesOn = 'true',
  data = 'flat',
  result = 'sum',
  more = [],
} = {}) {
  const body = graph({
    nodes: [
      node('Gather', [start, 'row'], ['from'], { axis: 0 }),
      node('Gather', [end, 'row'], ['to'], { axis: 0 }),
      node('Unsqueeze', ['from', 'zero'], ['from1']),
      node('Unsqueeze', ['to', 'zero'], ['to1']),
      node('Slice', [data, 'from1', 'to1', 'zero'], ['own']),
      node('Gather', ['table', 'own'], ['looked'], { axis: 0 }),
      node('ReduceSum', ['looked', 'zero'], ['sum'], { keepdims: 0 }),
      ...more,
      node('Identity', [goesOn], ['goes on']),
    ],
    inputs: [value('row', 7, []), value('before', 9, [])],
    outputs: ['goes on', result],
  });
  return model(
    graph({
      nodes: [
        node('Shape', ['ids'], ['shape']),
        node('Gather', ['shape', 'first'], ['B'], { axis: 0 }),
        node('Gather', ['shape', 'second'], ['T'], { axis: 0 }),
        node('Mul', ['B', 'T'], ['all']),
        node('Mul', ['all', 'two'], ['twice']),
        node('Range', ['first', limit, 'T'], ['begin']),
        node('Unsqueeze', ['all', 'zero'], ['all1']),
        node('Reshape', ['ids', 'whole'], ['flat']),
        node('Unsqueeze', ['T', 'zero'], ['T1']),
        node('Concat', ['begin', last], ['starts'], { axis: 0 }),
        node('Slice', ['starts', 'one', 'many', 'zero'], ['ends']),
        node('Gather', ['table', 'ids'], ['embedded'], { axis: 0 }),
        node('Reshape', ['embedded', 'whole'], ['values']),
        node('Reshape', ['embedded', 'whole and 2'], ['vectors']),
        node('Transpose', ['embedded'], ['turned'], { perm: [2, 1, 0] }),
        node('Flatten', ['turned'], ['joined'], { axis: 2 }),
        node('Loop', [count, runs], ['y'], { body: { g: body } }),
      ],
      constants: [
        table,
        tensor('five', [], Float32Array.of(5)),
        tensor('seven', [], Float32Array.of(7)),
        ints('first', [0], []),
        ints('second', [1], []),
        ints('two', [2], []),
        ints('zero', [0]),
        ints('one', [1]),
        ints('two1', [2]),
        ints('many', [Number.MAX_SAFE_INTEGER]),
        ints('whole', [-1]),
        ints('whole and 2', [-1, 2]),
        ints('last but one', [-2]),
        ints('ones', [1, 1]),
        ints('zero and one', [0, 1]),
        ints('true', [1], []),
        ints('false', [0], []),
      ],
      inputs: [value('ids', 7, ['batch', 'time'])],
    }),
  );
}

test('a loop that reads the ids of each row is computed for all rows', async () => {
  const answer = (await fromOnnx(bag(), { simd })).run(rows)[0];
  assert.deepEqual([...answer.data], [3, 30, 4, 40, 10, 100]);
  assert.deepEqual(answer.shape, [3, 2]);
});

const changed = /** @type {Record<string, [Change, RegExp]>} */ ({
  'no rows, because its condition is false': [{ runs: 'false' }, /\(Loop\): padless has no Loop except over the rows of the batch/],
  'the rows while a number of the graph is not 0': [{ runs: 'embedded' }, /\(Loop\): padless has no Loop except over the rows/],
  'a constant number of rows': [{ count: 'two' }, /\(Loop\): padless has no Loop except over the rows of the batch/],
  'the steps instead of the rows': [{ count: 'T' }, /\(Loop\): padless has no Loop except over the rows/],
  'rows that begin after the end of the batch': [
    { limit: 'twice' },
    /\(Range\): a range from 0 to 2\*B\*T by T; padless numbers rows/,
  ],
  'rows of which the last ends after one step': [{ last: 'one' }, /\(Concat\): computes with the indices of rows/],
  'ids from the end to the start of a row': [
    { start: 'ends', end: 'starts' },
    /\(Slice\): slices something other than the steps of one row/,
  ],
  'empty slices': [{ end: 'starts' }, /\(Slice\): slices something other than the steps of one row/],
  'rows whose last end is not known': [{ last: 'flat' }, /\(Concat\): computes with the indices of rows/],
  'the first row only': [{ goesOn: 'false' }, /\(Loop\): ends by a condition other than the number of rows/],
  'rows whose result reads all rows': [
    { result: 'mixed', more: [node('ReduceMax', ['embedded'], ['mixed'], { keepdims: 0 })] },
    /\(ReduceMax\): reads all rows of the batch inside a loop/,
  ],
  'rows whose result has all rows': [{ result: 'embedded' }, /\(Loop\): the result of a row runs over the batch/],
  'rows whose result uses the index of the row': [
    { result: 'n', more: [node('Mul', ['row', 'row'], ['n'])] },
    /\(Mul\): computes with the index of the row/,
  ],
});

for (const [what, [change, words]] of Object.entries(changed))
  test(`a loop over ${what} is refused`, () => assert.rejects(fromOnnx(bag(change), { simd }), says(UnsupportedError, words)));

test('a node that joins conditions of a loop is refused', async () => {
  const more = [
    node('Sub', ['B', 'second'], ['end']),
    node('Equal', ['row', 'end'], ['is last']),
    node('Concat', ['is last', 'is last'], ['both'], { axis: 0 }),
  ];
  await assert.rejects(
    fromOnnx(bag({ result: 'both', more }), { simd }),
    says(ModelFileError, /\(Concat\): axis 0 of a tensor with 0 axes$/),
  );
});

/** The name of a row's number, and operators on it: [operator, second input, attributes]; then the shape of the rows that it selects. */
const numbers = /** @type {Record<string, [[string, string?, any?][], number[]]>} */ ({
  'as it is': [[], [3, 2]],
  'copied and cast': [
    [['Identity'], ['Cast', undefined, { to: 7 }], ['CastLike', 'first']],
    [3, 2],
  ],
  'reshaped to one axis': [[['Reshape', 'one']], [3, 1, 2]],
  'reshaped to two axes': [[['Reshape', 'ones']], [3, 1, 1, 2]],
  'reshaped by an attribute': [[['Reshape', undefined, { shape: [1] }]], [3, 1, 2]],
  'with another axis': [[['Unsqueeze', 'zero']], [3, 1, 2]],
  'with two other axes': [[['Unsqueeze', 'zero and one']], [3, 1, 1, 2]],
  'with an axis by an attribute': [[['Unsqueeze', undefined, { axes: [0] }]], [3, 1, 2]],
  'without its axis again': [
    [
      ['Unsqueeze', 'zero'],
      ['Squeeze', 'zero'],
    ],
    [3, 2],
  ],
  'plus a scalar': [[['Add', 'first']], [3, 2]],
  'plus a vector': [[['Add', 'zero']], [3, 1, 2]],
  'with another axis, plus a scalar': [
    [
      ['Unsqueeze', 'zero'],
      ['Add', 'first'],
    ],
    [3, 1, 2],
  ],
});

for (const [what, [chain, shape]] of Object.entries(numbers))
  test(`the number of a row, ${what}, selects the row of a batch`, async () => {
    const of = (/** @type {number} */ i) => (i ? `number ${i}` : 'row');
    const more = [
      ...chain.map(([op, second, attributes], i) => node(op, [of(i), ...(second ? [second] : [])], [of(i + 1)], attributes)),
      node('Gather', ['embedded', of(chain.length)], ['selected']),
      node('ReduceSum', ['selected', 'last but one'], ['s'], { keepdims: 0 }),
    ];
    const [answer] = (await fromOnnx(bag({ more, result: 's' }), { simd })).run(rows);
    assert.deepEqual([...answer.data], [3, 30, 4, 40, 10, 100]);
    assert.deepEqual(answer.shape, shape);
  });

/** The bounds of a row: nodes that compute b and e, between which the row is. */
const next = node('Add', ['row', 'one'], ['next']);
const bounds = /** @type {Record<string, any[]>} */ ({
  'elements of the list of starts': [
    next,
    node('Gather', ['starts', 'row'], ['b0'], { axis: 0 }),
    node('Unsqueeze', ['b0', 'zero'], ['b']),
    node('Gather', ['starts', 'next'], ['e'], { axis: 0 }),
  ],
  'slices of the list of starts': [
    node('Unsqueeze', ['row', 'zero'], ['row1']),
    next,
    node('Add', ['next', 'one'], ['third']),
    node('Slice', ['starts', 'row1', 'next', 'zero', 'one'], ['b']),
    node('Slice', ['starts', 'next', 'third'], ['e']),
  ],
  'slices of the lists of starts and ends': [
    node('Unsqueeze', ['row', 'zero'], ['row1']),
    node('Add', ['one', 'row1'], ['next']),
    node('Slice', ['starts', 'row1', 'next', 'zero'], ['b']),
    node('Slice', ['ends', 'row1', 'next', 'zero'], ['e']),
  ],
});

for (const [what, nodes] of Object.entries(bounds))
  test(`the bounds of a row may be ${what}`, async () => {
    const more = [
      ...nodes,
      node('Slice', ['flat', 'b', 'e'], ['mine']),
      node('Gather', ['table', 'mine'], ['mine looked'], { axis: 0 }),
      node('ReduceSum', ['mine looked', 'zero'], ['s'], { keepdims: 0 }),
    ];
    const [{ data }] = (await fromOnnx(bag({ more, result: 's' }), { simd })).run(rows);
    assert.deepEqual([...data], [3, 30, 4, 40, 10, 100]);
  });

test('a loop without a count goes on while the next row is before the number of rows', async () => {
  const more = [next, node('Less', ['next', 'B'], ['follows'])];
  const [{ data }] = (await fromOnnx(bag({ count: '', goesOn: 'follows', more }), { simd })).run(rows);
  assert.deepEqual([...data], [3, 30, 4, 40, 10, 100]);
});

const computes = 'computes with the index of the row';
const slices = 'slices something other than the steps of one row';
/** Nodes in a loop over rows that are refused: operator, inputs, message, attributes. @type {[string, string[], string, any?][]} */
const refusedNodes = [
  ['Add', ['one', 'from'], computes],
  ['Add', ['row', 'row'], computes],
  ['Add', ['row', 'B'], computes],
  ['Sub', ['all', 'from'], computes],
  ['Less', ['row', 'B'], computes],
  ['Less', ['next', 'two'], computes],
  ['Less', ['to', 'B'], computes],
  ['Less', ['next', 'next'], computes],
  ['Equal', ['row', 'B'], computes],
  ['Equal', ['row', 'two'], computes],
  ['Equal', ['from', 'B-1'], computes],
  ['Equal', ['from', 'first'], computes],
  ['Equal', ['first', 'from'], computes],
  ['Equal', ['row', 'row'], computes],
  ['Gather', ['starts', 'from'], computes, { axis: 0 }],
  ['Gather', ['embedded', 'row'], computes, { axis: 1 }],
  ['Gather', ['embedded', 'next'], computes, { axis: 0 }],
  ['Gather', ['table', 'row'], computes, { axis: 0 }],
  ['Gather', ['looked', 'row'], computes, { axis: 0 }],
  ['Slice', ['starts', 'row', 'row'], computes],
  ['Slice', ['starts', 'next', 'row'], computes],
  ['Slice', ['starts', 'from1', 'row'], 'computes with the indices of rows'],
  ['Slice', ['starts', 'row', 'to'], computes],
  ['Slice', ['flat', 'row', 'next'], computes],
  ['Slice', ['flat', 'from1', 'next'], slices],
  ['Slice', ['flat', 'from1', 'all1'], slices],
  ['Slice', ['flat', 'from1', 'to1', 'one'], computes],
  ['Slice', ['flat', 'from1', 'to1', 'zero', 'two1'], computes],
  ['Slice', ['flat', 'from1', 'to1', 'T1'], computes],
  ['Slice', ['table', 'from1', 'to1'], slices],
  ['Slice', ['values', 'from1', 'to1'], slices],
  ['Slice', ['joined', 'from1', 'to1'], slices],
];
for (const [op, inputs, message, attributes] of refusedNodes)
  test(`in a loop over rows, ${op} of ${inputs.join(', ')}${attributes ? ` along axis ${attributes.axis}` : ''} is refused`, () => {
    const more = [next, node('Sub', ['B', 'second'], ['B-1']), node(op, inputs, ['r'], attributes)];
    return assert.rejects(
      fromOnnx(bag({ more, result: 'r' }), { simd }),
      says(UnsupportedError, new RegExp(`${op} of r" \\(${op}\\): ${message}`)),
    );
  });

/** A loop that computes the last row in a separate branch. @param {any} other  graph @param {any} last */
function withLastRow(other, last) {
  const more = [
    node('Sub', ['B', 'second'], ['end']),
    node('Equal', ['row', 'end'], ['is last']),
    node('If', ['is last'], ['r'], { then_branch: { g: last }, else_branch: { g: other } }),
  ];
  return bag({ more, result: 'r' });
}

test('the last row ends at the number of all steps', async () => {
  const branchOf = (/** @type {string} */ name, /** @type {string} */ end, /** @type {any[]} */ between = []) =>
    graph({
      nodes: [
        node('Slice', ['vectors', 'from1', end], [`${name} ${between.length ? 'own' : 'mine'}`]),
        ...between,
        node('ReduceSum', [`${name} mine`, 'zero'], [`${name} r`], { keepdims: 0 }),
      ],
      outputs: [`${name} r`],
    });
  const read = (/** @type {any} */ other, /** @type {any} */ last) => fromOnnx(withLastRow(other, last), { simd });
  // Its number of steps is that of all rows minus its start.
  const steps = (/** @type {string} */ all, /** @type {string} */ start, /** @type {any[]} */ ...before) => [
    ...before,
    node('Sub', [all, start], ['left']),
    node('Squeeze', ['left', 'zero'], ['number']),
    node('Unsqueeze', ['number', 'zero'], ['size']),
    node('Slice', ['last own', 'zero', 'size'], ['last mine']),
  ];
  const other = branchOf('other', 'to1');
  for (const between of [
    [],
    steps('all1', 'from1'),
    steps('all1', 'start', node('Reshape', ['from', 'one'], ['start'])),
    steps(
      'all1',
      'start',
      next,
      node('Unsqueeze', ['row', 'zero'], ['row1']),
      node('Slice', ['starts', 'row1', 'next'], ['start']),
    ),
  ])
    assert.deepEqual([...(await read(other, branchOf('last', 'all1', between))).run(rows)[0].data], [3, 30, 4, 40, 10, 100]);
  const sliced = new RegExp(`\\(Slice\\): ${slices}`);
  for (const end of ['T1', 'from1']) await assert.rejects(read(other, branchOf('last', end)), says(UnsupportedError, sliced));
  await assert.rejects(read(branchOf('other', 'all1'), branchOf('last', 'all1')), says(UnsupportedError, sliced));
  for (const [all, start] of [
    ['all1', 'to1'],
    ['all1', 'row'],
    ['to1', 'from1'],
  ])
    await assert.rejects(
      read(other, branchOf('last', 'all1', steps(all, start))),
      says(UnsupportedError, new RegExp(`\\(Sub\\): ${computes}`)),
    );
});

test('whether two bounds are equal, or the next row is past the last, is known', async () => {
  const twice = graph({ nodes: [node('Add', ['sum', 'sum'], ['t'])], outputs: ['t'] });
  const once = graph({ nodes: [node('Identity', ['sum'], ['o'])], outputs: ['o'] });
  for (const [inputs, factor] of /** @type {[string[], number][]} */ ([
    [['from', 'from'], 2],
    [['from', 'to'], 1],
    [['to', 'to'], 2],
  ])) {
    const more = [
      node('Equal', inputs, ['equal']),
      node('If', ['equal'], ['r'], { then_branch: { g: twice }, else_branch: { g: once } }),
    ];
    const [{ data }] = (await fromOnnx(bag({ more, result: 'r' }), { simd })).run(rows);
    assert.deepEqual(
      [...data],
      [3, 30, 4, 40, 10, 100].map((x) => x * factor),
    );
  }
  const more = [
    next,
    node('Equal', ['next', 'B'], ['is last']),
    node('If', ['is last'], ['r'], { then_branch: { g: twice }, else_branch: { g: twice } }),
  ];
  const [{ data }] = (await fromOnnx(bag({ more, result: 'r' }), { simd })).run(rows);
  assert.deepEqual([...data], [6, 60, 8, 80, 20, 200]);
});

test('a branch for the last row must compute the same as the branch for the others', async () => {
  // A graph that doubles the sum of a row `count` times.
  const doubled = (/** @type {string} */ name, /** @type {number} */ count) =>
    graph({
      nodes: Array.from({ length: count }, (_, i) => {
        const x = i ? `${name} ${i - 1}` : 'sum';
        return node('Add', [x, x], [`${name} ${i}`]);
      }),
      outputs: [`${name} ${count - 1}`],
    });
  const [{ data }] = (await fromOnnx(withLastRow(doubled('x', 60), doubled('y', 60)), { simd })).run(rows);
  assert.deepEqual(
    [...data],
    [3, 30, 4, 40, 10, 100].map((value_) => value_ * 2 ** 60),
  );
  const power = (/** @type {string} */ exponent) =>
    graph({ nodes: [node('Pow', ['sum', exponent], [`${exponent} r`])], outputs: [`${exponent} r`] });
  const pairs = [[doubled('x', 3), doubled('y', 2)], [power('five'), power('seven')]]; // prettier-ignore
  for (const [other, last] of pairs)
    await assert.rejects(
      fromOnnx(withLastRow(other, last), { simd }),
      says(UnsupportedError, /\(If\): computes the last row of the batch in another way/),
    );
});

test('a graph inside a function uses the names and attributes of the call', async () => {
  // Own(x) is Softmax(x) along the axis that the call names, in a branch that is taken.
  const softmax = graph({ nodes: [node('Softmax', ['x'], ['r'], { axis: { ref: 'along' } })], outputs: ['r'] });
  const nodes = [
    node('Constant', [], ['test'], { value: { t: ints('', [1], []) } }),
    node('If', ['test'], ['y'], { then_branch: { g: softmax }, else_branch: { g: graph({ nodes: [], outputs: ['x'] }) } }),
  ];
  const calls = [node('Own', ['given'], ['a'], { along: 1 }, 'own'), node('Own', ['a'], ['y'], { along: 2 }, 'own')];
  const bytes = model(graph({ nodes: calls, inputs: [value('given', 1, ['batch', 2, 2])] }), {
    functions: [functionOf('Own', nodes)],
    domains: ['own'],
  });
  const once = (/** @type {number} */ a, /** @type {number} */ b) => 1 / (1 + Math.exp(b - a));
  const [p, q] = [once(0, 2), once(1, 4)];
  const expected = [once(p, q), once(q, p), once(1 - p, 1 - q), once(1 - q, 1 - p)];
  const [{ data }] = (await fromOnnx(bytes, { simd })).run([
    [
      [0, 1],
      [2, 4],
    ],
  ]);
  expected.forEach((each, i) => assert.ok(Math.abs(each - data[i]) < 1e-6, `${i}: ${data[i]}, expected ${each}`));
});

test('the division of symbolic sizes rounds towards 0', async () => {
  // (T - 4) / 3 is -1 for T = 1, and 0 from T = 2 on: whether it is below 0 depends on T.
  const bytes = model(
    graph({
      nodes: [
        node('Shape', ['x'], ['shape']),
        node('Gather', ['shape', 'one'], ['T'], { axis: 0 }),
        node('Sub', ['T', 'four'], ['less']),
        node('Div', ['less', 'three'], ['part']),
        node('Range', ['zero', 'part', 'one'], ['numbers']),
        node('Cast', ['numbers'], ['y'], { to: 1 }),
      ],
      constants: [ints('zero', [0], []), ints('one', [1], []), ints('three', [3], []), ints('four', [4], [])],
      inputs: [value('x', 1, ['batch', 'time', 2])],
    }),
  );
  await assert.rejects(fromOnnx(bytes, { simd }), says(UnsupportedError, /\(Div\)/));
});
