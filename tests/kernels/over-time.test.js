/** Each method of Kernels over time calls the right C function: its answer to an input that is small enough to read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { init, ShapeError } from 'padless/kernels';
import '../guarded-heap.js';

const simd = /** @type {import('padless/kernels').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const pl = await init({ simd });

/** Two features over four steps, of which the second is padding. */
const x = { data: [1, -2, 9, 9, 3, 5, 2, 0], shape: [1, 4, 2] };
const mask = [[1, 0, 1, 1]];
const { exp, log } = Math;
const overTime = [exp(1) + exp(3) + exp(2), exp(-2) + exp(5) + exp(0)];
const overFeatures = [exp(1) + exp(-2), 1, exp(3) + exp(5), exp(2) + exp(0)];

/** @param {number} padding @param {(value: number, i: number) => number} each */
const perStep = (padding, each) => x.data.map((value, i) => (i === 2 || i === 3 ? padding : each(value, i)));

/** @satisfies {Record<string, number[]>} */
const expected = {
  applyMask: perStep(0, (value) => value),
  maskedSum: [6, 3],
  maskedMean: [2, 1],
  maskedMax: [3, 5],
  maskedMin: [1, -2],
  maskedFirst: [1, -2],
  maskedLast: [2, 0],
  maskedSoftmax: perStep(0, (value, i) => exp(value) / overTime[i % 2]),
  maskedLogSoftmax: perStep(-Infinity, (value, i) => value - log(overTime[i % 2])),
  softmax: perStep(0, (value, i) => exp(value) / overFeatures[i >> 1]),
  logSoftmax: perStep(-Infinity, (value, i) => value - log(overFeatures[i >> 1])),
  reverseSequence: [2, 0, 9, 9, 3, 5, 1, -2],
  maskedArgmax: [2, 2],
};

for (const [name, values] of Object.entries(expected)) {
  const method = /** @type {keyof typeof expected} */ (name);
  test(`${name} returns the documented result, and its errors name the method`, () => {
    const { data, shape } = pl[method](x, mask);
    assert.deepEqual(shape, values.length === 2 ? [1, 2] : [1, 4, 2]);
    values.forEach((value, i) =>
      assert.ok(data[i] === value || Math.abs(data[i] - value) < 1e-6 * Math.max(1, Math.abs(value)), `[${data}]`),
    );
    assert.equal(data instanceof Int32Array, name === 'maskedArgmax');
    const wrong = { name: 'ShapeError', message: `${name}: shape [1,8] has 2 axes, expected 3` };
    assert.throws(() => pl[method]({ data: x.data, shape: [1, 8] }, mask), wrong);
    assert.throws(() => pl[method](x, [1, 1]), ShapeError);
  });
}

test('a value that is not a number is refused, and the message names its index and type', () => {
  for (const [value, type] of [
    [null, 'null'],
    [[1], 'array'],
    ['1', 'string'],
    [1n, 'bigint'],
  ]) {
    const wrong = { data: /** @type {any} */ ([1, value]), shape: [1, 2, 1] };
    const message = `maskedSum: value 1 is ${type}, expected a number`;
    assert.throws(() => pl.maskedSum(wrong), { name: 'ArgumentError', message });
  }
});
