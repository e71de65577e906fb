/** Compares the functions of js/model/transcendental.js with those of Math, whose last bits differ between engines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as own from '../../js/model/transcendental.js';
import { random } from '../random.js';

const { uniform } = random();
/** Maximum relative error. */
const TOLERANCE = 1e-12;

/** @type {[keyof typeof own, (x: number) => number, [number, number]][]} name, function of Math, exponents of 10 of the arguments */
const functions = [
  ['exp', Math.exp, [-8, 2]],
  ['log', Math.log, [-37, 37]],
  ['sin', Math.sin, [-8, 38]],
  ['cos', Math.cos, [-8, 38]],
  ['tan', Math.tan, [-8, 38]],
  ['arcsin', Math.asin, [-8, 0]],
  ['arccos', Math.acos, [-8, 0]],
  ['arctan', Math.atan, [-8, 30]],
  ['sinh', Math.sinh, [-8, 2]],
  ['cosh', Math.cosh, [-8, 2]],
  ['arcsinh', Math.asinh, [-8, 30]],
  ['arccosh', Math.acosh, [0, 30]],
  ['arctanh', Math.atanh, [-8, -0.001]],
];

for (const [name, expected, [least, most]] of functions)
  test(`${name} agrees with Math to 12 digits`, () => {
    const f = /** @type {(x: number) => number} */ (own[name]);
    const arguments_ = [
      0,
      -0,
      NaN,
      Infinity,
      -Infinity,
      1,
      -1,
      0.5,
      2,
      2 ** 20,
      -(2 ** 20),
      1e6,
      45195827609600,
      3.4028234663852886e38,
    ].map(Math.fround);
    for (let i = 0; i < 2000; i++) {
      const size = Math.fround(10 ** (least + (most - least) * uniform()));
      arguments_.push(size, -size);
    }
    for (const x of arguments_) {
      const [a, b] = [f(x), expected(x)];
      const same =
        Object.is(a, b) ||
        (a === 0 && b === 0) ||
        Math.abs(a - b) <= TOLERANCE * Math.abs(b) ||
        (Math.abs(a) > 3.5e38 && Math.abs(b) > 3.5e38);
      assert.ok(same, `${name}(${x}) is ${a}, expected ${b}`);
    }
  });

test('power agrees with pow() of C to 12 digits', () => {
  const special = [0, -0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, 63, 64, 65, 101, Infinity, -Infinity, NaN, 1e-30, 1e30, 2 ** 25];
  const values = [...special, ...Array.from({ length: 60 }, () => Math.fround(20 * uniform() - 10))];
  for (const x of values)
    for (const y of values) {
      // In C a power of 1 and of -1 is never NaN.
      const expected = x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);
      const a = own.power(x, y);
      const isFar = Math.abs(expected) > 3.5e38 || Math.abs(expected) < 1e-46;
      const close = Math.abs(a - expected) <= TOLERANCE * Math.abs(expected);
      const alike = isFar ? Math.fround(a) === Math.fround(expected) : Object.is(a, expected) || close;
      assert.ok(alike, `power(${x}, ${y}) is ${a}, expected ${expected}`);
    }
});
