/**
 * Operations of Keras 3 on single values. They use only arithmetic that IEEE 754 rounds alike on every machine.
 * @module
 */

/** ln 2 */
const LN2 = 0.6931471805599453;

/**
 * ln x, correct to about 1e-15: Math.log differs between engines. With x = 2^e m, sqrt(1/2) <= m < sqrt(2) and s = (m - 1) / (m + 1),
 *   ln x = e ln 2 + 2 (s + s^3/3 + s^5/5 + ...),  |s| <= 0.172, so that the terms from s^21 on are below 1e-16.
 * @param {number} x
 */
export function log(x) {
  if (!(x > 0) || x === Infinity) return x === 0 ? -Infinity : x < 0 ? NaN : x;
  let [m, e] = [x, 0];
  for (; m >= Math.SQRT2; m /= 2) e++;
  for (; m < Math.SQRT1_2; m *= 2) e--;
  const s = (m - 1) / (m + 1);
  let sum = 0;
  for (let k = 19; k >= 1; k -= 2) sum = sum * s * s + 1 / k;
  return e * LN2 + 2 * s * sum;
}

/** The nearest whole number; of two that are as near, the even one. @param {number} x */
export function roundHalfEven(x) {
  const low = Math.floor(x);
  const over = x - low;
  return over > 0.5 || (over === 0.5 && low % 2 !== 0) ? low + 1 : low;
}

/** floor(a / b) by the exact remainder, as jax computes it: 1 by a float32 0.1 is 9, though their quotient rounds to 10. @param {number} a @param {number} b */
function floorDivide(a, b) {
  const rest = a % b;
  const quotient = (a - rest) / b;
  return roundHalfEven(rest !== 0 && rest < 0 !== b < 0 ? quotient - 1 : quotient);
}

/** e^x for x <= 0, to about 1e-13: by the series of e^(x / 2^k), squared k times, because Math.exp differs between engines. @param {number} x */
function exp(x) {
  let k = 0;
  for (; x < -0.1; x /= 2) k++;
  let sum = 1;
  for (let n = 12; n >= 1; n--) sum = 1 + (x / n) * sum;
  for (; k > 0; k--) sum *= sum;
  return sum;
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
  Isnan: (a) => Number.isNaN(a),
  Where: (a, b, c) => (a ? b : c),
  OnesLike: () => 1,
  ZerosLike: () => 0,
};
