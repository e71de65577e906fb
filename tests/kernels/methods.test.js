/**
 * The methods of Kernels that over-time.test.js leaves: recurrent layers compared with plain loops over the equations, small answers that can be
 * read, and the messages of wrong arguments.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgumentError, IdError, ShapeError, UnsupportedError } from 'padless';
import { init } from 'padless/kernels';
import { assertClose } from '../close.js';
import '../guarded-heap.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless/kernels').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const pl = await init({ simd });
const { normal } = random();
/** @typedef {import('padless/kernels').RnnWeights} RnnWeights */

const [B, T, D, H] = [3, 4, 3, 5];
const lengths = [4, 0, 2];
/** @param {...number} shape */
const array = (...shape) => ({
  shape,
  data: normal(
    shape.reduce((a, b) => a * b, 1),
    0.5,
  ),
});
const x = array(B, T, D);

/** @type {Record<string, (x: number) => number>} */
const activations = {
  tanh: Math.tanh,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  relu: (a) => Math.max(0, a),
  hard_sigmoid: (a) => Math.min(Math.max(a / 6 + 0.5, 0), 1),
};

/** row x matrix. @param {number[]} row @param {import('padless/kernels').Input} matrix @returns {number[]} */
const times = (row, { data, shape: [, columns] }) =>
  Array.from({ length: columns }, (_, j) => row.reduce((sum, value, i) => sum + value * data[i * columns + j], 0));
/** @param {number[]} a @param {number[]} b */
const plus = (a, b) => a.map((value, i) => value + b[i]);

/** One step of a recurrent layer, as the equations of Keras say. @param {RnnWeights} rnn @param {number[]} input @param {number[]} h @param {number[]} c @returns {number[][]} h and c */
function stepOf(rnn, input, h, c) {
  const { cell, kernel, recurrentKernel, bias, activation = 'tanh', recurrentActivation = 'sigmoid', resetAfter = true } = rnn;
  const [act, gate] = [activations[activation], activations[recurrentActivation]];
  const both = cell === 'GRU' && resetAfter;
  const biases = Array.from(bias?.data ?? new Array((both ? 2 : 1) * kernel.shape[1]).fill(0));
  const fromX = plus(times(input, kernel), biases.slice(0, kernel.shape[1]));
  const fromH = times(h, recurrentKernel);
  const all = plus(fromX, fromH);
  /** @param {number[]} values @param {number} k */
  const part = (values, k) => values.slice(k * H, (k + 1) * H);
  if (cell === 'SimpleRNN') return [all.map(act), c];
  if (cell === 'LSTM') {
    const [i, f, o] = [0, 1, 3].map((k) => part(all, k).map(gate));
    const next = c.map((value, u) => f[u] * value + i[u] * act(part(all, 2)[u]));
    return [next.map((value, u) => o[u] * act(value)), next];
  }
  const recurrentBias = both ? biases.slice(3 * H) : new Array(3 * H).fill(0);
  const [z, r] = [0, 1].map((k) => part(plus(all, recurrentBias), k).map(gate));
  const reset = both
    ? part(plus(fromH, recurrentBias), 2).map((value, u) => r[u] * value)
    : part(
        times(
          h.map((value, u) => r[u] * value),
          recurrentKernel,
        ),
        2,
      );
  return [h.map((value, u) => z[u] * value + (1 - z[u]) * act(part(fromX, 2)[u] + reset[u])), c];
}

/** A recurrent layer over the rows of x. @param {RnnWeights} rnn @param {boolean} [backward] @returns {{ states: number[][][], last: number[][][] }} states[b][t]: h after step t; last[b]: h and c */
function layerOf(rnn, backward = false) {
  const { h, c } = rnn.initialState ?? {};
  const start = (/** @type {import('padless/kernels').Input | undefined} */ state, /** @type {number} */ b) =>
    Array.from({ length: H }, (_, u) => state?.data[b * H + u] ?? 0);
  /** @type {number[][][]} */
  const last = [];
  const states = lengths.map((length, b) => {
    let state = [start(h, b), start(c, b)];
    /** @type {number[][]} */
    const rows = Array.from({ length: T }, () => new Array(H).fill(0));
    for (let i = 0; i < length; i++) {
      const t = backward ? length - 1 - i : i;
      state = stepOf(rnn, Array.from(x.data.slice((b * T + t) * D, (b * T + t + 1) * D)), state[0], state[1]);
      rows[t] = state[0];
    }
    last.push(state);
    return rows;
  });
  return { states, last };
}

/** @type {[string, RnnWeights][]} */
const layers = /** @type {const} */ (['SimpleRNN', 'GRU', 'LSTM']).flatMap((cell) => {
  const gates = { SimpleRNN: 1, GRU: 3, LSTM: 4 }[cell];
  const weights = { cell, kernel: array(D, gates * H), recurrentKernel: array(H, gates * H) };
  const bias = cell === 'GRU' ? array(2, 3 * H) : array(gates * H);
  /** @type {[string, any][]} */
  const options = [
    ['', { bias }],
    [' without a bias', {}],
    [' with other activations', { bias, activation: 'relu', recurrentActivation: 'hard_sigmoid' }],
    [' with an initial h', { bias, initialState: { h: array(B, H) } }],
    [' with an initial h and c', { bias, initialState: { h: array(B, H), c: array(B, H) } }],
  ];
  if (cell === 'GRU') options.push([' with resetAfter: false', { bias: array(3 * H), resetAfter: false }]);
  return options.map(([what, more]) => /** @type {[string, RnnWeights]} */ ([cell + what, { ...weights, ...more }]));
});

for (const [what, rnn] of layers)
  test(`rnn() computes a ${what}`, () => {
    for (const goBackwards of [false, true]) {
      const { sequence, h, c } = pl.rnn(x, { ...rnn, mask: { lengths }, goBackwards });
      const { states, last } = layerOf(rnn, goBackwards);
      const visited = goBackwards
        ? states.map((rows, b) => [...rows.slice(0, lengths[b]).reverse(), ...rows.slice(lengths[b])])
        : states;
      assertClose(sequence.data, visited.flat(2), { unit: 1e-6, what: 'sequence' });
      assertClose(h.data, last.map(([state]) => state).flat(), { unit: 1e-6, what: 'h' });
      assert.equal(c !== undefined, rnn.cell === 'LSTM');
      if (c) assertClose(c.data, last.map(([, state]) => state).flat(), { unit: 1e-6, what: 'c' });
      assert.deepEqual([sequence.shape, h.shape, c?.shape ?? [B, H]], [[B, T, H], [B, H], [B, H]]); // prettier-ignore
    }
  });

test('bidirectional() merges the two directions in each of its modes, and returns the final states of both', () => {
  const [, forward] = layers[0];
  const [, backward] = layers[layers.length - 1];
  const [f, b] = [layerOf(forward), layerOf(backward, true)];
  /** @type {Record<string, (a: number[], b: number[]) => number[]>} */
  const modes = {
    concat: (one, other) => [...one, ...other],
    sum: plus,
    mul: (one, other) => one.map((value, i) => value * other[i]),
    ave: (one, other) => plus(one, other).map((value) => value / 2),
  };
  for (const [mode, merged] of Object.entries(modes)) {
    const mergeMode = /** @type {'concat'} */ (mode);
    const { sequence, output, states, backwardSequence } = pl.bidirectional(x, { forward, backward, mergeMode, mask: { lengths } });
    const rows = f.states.map((each, i) => each.map((h, t) => merged(h, b.states[i][t])));
    assertClose(sequence.data, rows.flat(2), { unit: 1e-6, what: mode });
    assertClose(output?.data ?? [], f.last.map(([h], i) => merged(h, b.last[i][0])).flat(), { unit: 1e-6, what: mode });
    assert.equal(backwardSequence, undefined);
    assert.deepEqual([sequence.shape, output?.shape], mode === 'concat' ? [[B, T, 2 * H], [B, 2 * H]] : [[B, T, H], [B, H]]); // prettier-ignore
    assertClose(states[0].h.data, f.last.map(([h]) => h).flat(), { unit: 1e-6, what: 'forward h' });
    assertClose(states[1].c?.data ?? [], b.last.map(([, c]) => c).flat(), { unit: 1e-6, what: 'backward c' });
    assert.equal(states[0].c, undefined);
  }
  const none = pl.bidirectional(x, { forward, backward, mergeMode: 'none', mask: { lengths } });
  assertClose(none.sequence.data, f.states.flat(2), { unit: 1e-6, what: 'forward' });
  assertClose(none.backwardSequence?.data ?? [], b.states.flat(2), { unit: 1e-6, what: 'backward' });
  assert.equal(none.output, undefined);
  const concat = pl.bidirectional(x, { forward, backward });
  assert.deepEqual(concat.sequence.shape, [B, T, 2 * H]);
});

test('masks from ids and lengths, embedding and dense give the documented answers', () => {
  const ids = { data: [0, 7, 2, 7, 1, 0], shape: [2, 3] };
  assert.deepEqual([...pl.maskFromIds(ids)], [0, 1, 1, 1, 1, 0]);
  assert.deepEqual([...pl.maskFromIds(ids, 7)], [1, 0, 1, 0, 1, 1]);
  assert.deepEqual([...pl.maskFromLengths([2, 0, 3], 3)], [1, 1, 0, 0, 0, 0, 1, 1, 1]);
  assert.equal(pl.maskFromLengths([], 3).length, 0);
  const table = { data: [1, 2, 3, 4, 5, 6], shape: [3, 2] };
  const rows = pl.embedding(table, { data: [2, 99, 0, 1], shape: [2, 2] }, [1, 0, 1, 1]);
  assert.deepEqual([rows.shape, [...rows.data]], [[2, 2, 2], [5, 6, 0, 0, 1, 2, 3, 4]]); // prettier-ignore
  for (const [id, mask] of /** @type {[number, any][]} */ ([
    [3, null],
    [-1, null],
    [3, [0, 1, 1, 1]],
  ]))
    // prettier-ignore
    assert.throws(
      () => pl.embedding(table, { data: [mask ? 9 : 0, 0, 1, id], shape: [2, 2] }, mask),
      says(IdError, new RegExp(`^embedding: id ${id} at row 1, step 1 is outside 0 to V-1 = 2$`)),
    );
  const kernel = { data: [1, 0, 2, 0, 1, 3], shape: [2, 3] };
  const values = { data: [1, 2, 9, 9, 3, 4], shape: [1, 3, 2] };
  assert.deepEqual([...pl.dense(values, kernel, null, [1, 0, 1]).data], [1, 2, 8, 0, 0, 0, 3, 4, 18]);
  const biased = pl.dense(values, kernel, { data: [10, 20, 30], shape: [3] });
  assert.deepEqual([biased.shape, [...biased.data]], [[1, 3, 3], [11, 22, 38, 19, 29, 75, 13, 24, 48]]); // prettier-ignore
});

test('activate() takes any shape, and applies softmax over its last axis', () => {
  const data = [1, 2, 3, 0, -1, 4];
  const sums = [data.slice(0, 3), data.slice(3)].map((row) => row.reduce((sum, value) => sum + Math.exp(value), 0));
  const { shape, data: softmax } = pl.activate({ data, shape: [1, 2, 3] }, 'softmax');
  assert.deepEqual(shape, [1, 2, 3]);
  assertClose(softmax, data.map((value, i) => Math.exp(value) / sums[i < 3 ? 0 : 1]), { unit: 1e-6, what: 'softmax' }); // prettier-ignore
  assert.deepEqual([...pl.activate({ data: [-3], shape: [] }, 'relu').data], [0]);
  assert.deepEqual([...pl.activate({ data: [-3], shape: [] }, 'softmax').data], [1]);
  assert.equal(pl.activate({ data: [], shape: [2, 0] }, 'softmax').data.length, 0);
});

test('wrong arguments are refused with the name of the method, what it got and what it expected', () => {
  const [, simple] = layers[0];
  const gru = /** @type {RnnWeights} */ (layers.find(([what]) => what === 'GRU')?.[1]);
  const table = { data: [1, 2], shape: [1, 2] };
  const any = (/** @type {unknown} */ value) => /** @type {any} */ (value);
  /** @type {[() => unknown, new (...args: any[]) => Error, string][]} */
  const wrong = [
    [() => pl.maskedSum(any(null)), ArgumentError, 'maskedSum: expected { data, shape }'],
    [() => pl.maskedSum(any({ data: 1, shape: [1, 1, 1] })), ArgumentError, 'maskedSum: expected { data, shape }'],
    [() => pl.maskedSum({ data: [1], shape: [1, -1, 1] }), ShapeError, 'maskedSum: shape [1,-1,1], expected integers from 0 on'],
    [() => pl.maskedSum({ data: [1], shape: [1, 2, 3] }), ShapeError, 'maskedSum: 1 values, expected [1,2,3] = 6'],
    [() => pl.maskedSum({ data: [1n], shape: any([1, 1, 1]) }), ArgumentError, 'maskedSum: value 0 is bigint, expected a number'],
    [() => pl.maskedSum(x, [1, 1]), ShapeError, 'maskedSum: mask has 2 entries, expected B*T = 3*4 = 12'],
    [() => pl.maskedSum(x, any(5)), ArgumentError, 'maskedSum: mask is 5, expected 0s and 1s, or { lengths }'],
    [() => pl.maskedSum(x, any({ lengths: 5 })), ArgumentError, 'maskedSum: lengths is 5, expected a list'],
    [() => pl.maskedSum(x, { lengths: [1] }), ShapeError, 'maskedSum: lengths has 1 entries, expected B = 3'],
    [() => pl.maskFromLengths(any(3), 2), ArgumentError, 'maskFromLengths: lengths is 3, expected a list'],
    [() => pl.maskFromLengths([1], 1.5), ArgumentError, 'maskFromLengths: T is 1.5, expected an integer from 0 on'],
    [() => pl.maskFromIds({ data: [1], shape: [1] }), ShapeError, 'maskFromIds: shape [1] has 1 axes, expected 2'],
    [() => pl.embedding(x, table), ShapeError, 'embedding: table: shape [3,4,3] has 3 axes, expected 2'],
    [() => pl.embedding(table, x), ShapeError, 'embedding: ids: shape [3,4,3] has 3 axes, expected 2'],
    [() => pl.dense(table, table), ShapeError, 'dense: x: shape [1,2] has 2 axes, expected 3'],
    [() => pl.dense(x, table), ShapeError, 'dense: kernel: shape [1,2], expected [3,2]'],
    [() => pl.dense(x, array(3, 2), array(3)), ShapeError, 'dense: bias: shape [3], expected [2]'],
    [() => pl.crossEntropy(x, array(3, 3)), ShapeError, 'crossEntropy: labels: shape [3,3], expected [3,4]'],
    [() => pl.crossEntropy(x, array(3, 4), any({ ignore: 1 })), ArgumentError, 'crossEntropy: ignore is 1, expected a list'],
    [() => pl.crf(x, any(undefined)), ArgumentError, 'crf: options are undefined, expected an object'],
    [() => pl.crf(x, { transitions: table }), ShapeError, 'crf: transitions: shape [1,2], expected [3,3]'],
    [() => pl.crf(x, { transitions: array(3, 3), start: array(2) }), ShapeError, 'crf: start: shape [2], expected [3]'],
    [() => pl.crf(x, { transitions: array(3, 3), end: array(2) }), ShapeError, 'crf: end: shape [2], expected [3]'],
    [() => pl.activate(x, 'glu'), UnsupportedError, 'activate: activation "glu" is not one of '],
    [() => pl.rnn(x, any(null)), ArgumentError, 'rnn: options are null, expected an object'],
    [() => pl.rnn(x, any({ ...simple, cell: 'RNN' })), ArgumentError, `rnn: cell "RNN", expected 'SimpleRNN', 'GRU' or 'LSTM'`],
    [() => pl.rnn(x, { ...simple, kernel: array(2, H) }), ShapeError, 'rnn: kernel: shape [2,5], expected [3,5]'],
    [() => pl.rnn(x, { ...gru, recurrentKernel: array(H, H) }), ShapeError, 'rnn: recurrentKernel: shape [5,5], expected [5,15]'],
    [() => pl.rnn(x, { ...simple, bias: array(2) }), ShapeError, 'rnn: bias: shape [2], expected [5]'],
    [() => pl.rnn(x, { ...gru, bias: array(15) }), ShapeError, 'rnn: bias: shape [15] has 1 axes, expected 2'],
    [() => pl.rnn(x, { ...gru, resetAfter: false }), ShapeError, 'rnn: bias: shape [2,15] has 2 axes, expected 1'],
    [() => pl.rnn(x, { ...simple, initialState: { h: table } }), ShapeError, 'rnn: initialState.h: shape [1,2], expected [3,5]'],
    [() => pl.rnn(x, { ...simple, initialState: { c: table } }), ShapeError, 'rnn: initialState.c: shape [1,2], expected [3,5]'],
    [() => pl.rnn(x, { ...simple, activation: 'wavy' }), UnsupportedError, 'rnn: activation "wavy" is not one of '],
    [() => pl.rnn(x, { ...simple, recurrentActivation: 'wavy' }), UnsupportedError, 'rnn: activation "wavy" is not one of '],
    [
      () => pl.bidirectional(x, any({ forward: simple, backward: simple, mergeMode: 'max' })),
      ArgumentError,
      'bidirectional: mergeMode "max" is not concat, sum, mul, ave or none',
    ],
    [
      () =>
        pl.bidirectional(x, {
          forward: simple,
          backward: { cell: 'SimpleRNN', kernel: array(D, 2), recurrentKernel: array(2, 2) },
          mergeMode: 'sum',
        }),
      ShapeError,
      'bidirectional: mergeMode sum needs equal units, got 5 forward and 2 backward',
    ],
    [
      () => pl.bidirectional(x, { forward: simple, backward: { ...simple, bias: array(1) } }),
      ShapeError,
      'bidirectional: backward: bias: shape [1], expected [5]',
    ],
  ];
  for (const [call, Class, message] of wrong)
    assert.throws(call, (error) => {
      assert.ok(error instanceof Class, message);
      assert.ok(error.message.startsWith(message), `${error.message}, expected ${message}`);
      return true;
    });
});
