/**
 * Operations of Keras 3 on single values. They use only arithmetic that IEEE 754 defines exactly, so that results are equal on every machine.
 * @module
 */

import { arccos, arccosh, arcsin, arcsinh, arctan, arctanh, cos, cosh, exp, log, power, sin, sinh, tan } from './transcendental.js';

/** The nearest integer; a half is rounded to the even integer. @param {number} x */
export function roundHalfEven(x) {
  const low = Math.floor(x);
  const over = x - low;
  return over > 0.5 || (over === 0.5 && low % 2 !== 0) ? low + 1 : low;
}

/** floor(a / b) from the exact remainder, as jax computes it: for 1 and the float32 0.1 it is 9, although 1 / 0.1 rounds to 10. @param {number} a @param {number} b */
function floorDivide(a, b) {
  const rest = a % b;
  const quotient = (a - rest) / b;
  return roundHalfEven(rest !== 0 && rest < 0 !== b < 0 ? quotient - 1 : quotient);
}

/**
 * The error function: its Taylor series below 2.5, and the continued fraction of 1 - erf beyond. Correct to 1e-12.
 * @param {number} x
 */
export function erf(x) {
  const z = Math.abs(x);
  if (!(z <= 6)) return Math.sign(x);
  if (z < 2.5) {
    let [term, sum] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction);
  return Math.sign(x) * (1 - exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)));
}

/** The remainder with the sign of the divisor. @param {number} a @param {number} b */
function remainder(a, b) {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** @type {Record<string, (...values: number[]) => number | boolean>} */
export const elementwiseOperations = {
  Add: (a, b) => a + b,
  Subtract: (a, b) => a - b,
  Multiply: (a, b) => a * b,
  TrueDivide: (a, b) => a / b,
  Divide: (a, b) => a / b,
  FloorDivide: floorDivide,
  Maximum: (a, b) => Math.max(a, b),
  Minimum: (a, b) => Math.min(a, b),
  Negative: (a) => -a,
  Absolute: (a) => Math.abs(a),
  Sign: (a) => Math.sign(a),
  Floor: (a) => Math.floor(a),
  Ceil: (a) => Math.ceil(a),
  Square: (a) => a * a,
  Sqrt: (a) => Math.sqrt(a),
  Rsqrt: (a) => 1 / Math.sqrt(a),
  Log: log,
  Equal: (a, b) => a === b,
  NotEqual: (a, b) => a !== b,
  Greater: (a, b) => a > b,
  GreaterEqual: (a, b) => a >= b,
  Less: (a, b) => a < b,
  LessEqual: (a, b) => a <= b,
  LogicalAnd: (a, b) => a !== 0 && b !== 0,
  LogicalOr: (a, b) => a !== 0 || b !== 0,
  LogicalNot: (a) => a === 0,
  LogicalXor: (a, b) => (a !== 0) !== (b !== 0),
  Reciprocal: (a) => 1 / a,
  Erf: erf,
  ...{ Sin: sin, Cos: cos, Tan: tan, Arcsin: arcsin, Arccos: arccos, Arctan: arctan },
  ...{ Sinh: sinh, Cosh: cosh, Arcsinh: arcsinh, Arccosh: arccosh, Arctanh: arctanh },
  Power: power,
  Mod: remainder,
  // The remainder of C, with the sign of the dividend. Keras has no such operation.
  Fmod: (a, b) => a % b,
  Isnan: (a) => Number.isNaN(a),
  Isinf: (a) => Math.abs(a) === Infinity,
  Where: (a, b, c) => (a ? b : c),
  OnesLike: () => 1,
  ZerosLike: () => 0,
};
