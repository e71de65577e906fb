/**
 * Exponentials, logarithms, powers, circular and hyperbolic functions and their inverses. The functions of Math differ between engines; these use
 * only arithmetic that IEEE 754 defines exactly. Relative errors are below 1e-12 (tests/models/transcendental.test.js).
 * @module
 */

/** ln 2 */
const LN2 = 0.6931471805599453;
const HALF_PI = Math.PI / 2;
/** pi/2 in two parts; the first has 33 bits, so that its product with an integer below 2^20 is exact. */
const [HALF_PI_HIGH, HALF_PI_LOW] = [1.5707963267341256, 6.077100506506192e-11];
/** Below this |x|, pi/2 in two parts is precise enough. */
const FEW_TURNS = 2 ** 20;
/** floor(2/pi * 2^200) */
const TWO_OVER_PI = 0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fen;

/**
 * ln x. With x = 2^e m, sqrt(1/2) <= m < sqrt(2) and s = (m - 1) / (m + 1),
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

/** e^x, by the series of e^(x / 2^k), squared k times. @param {number} x @returns {number} */
export function exp(x) {
  if (x > 0) return 1 / exp(-x);
  // e^-750 is 0 in float64. NaN fails both comparisons and stays NaN.
  if (x < -750) return 0;
  let k = 0;
  for (; x < -0.1; x /= 2) k++;
  let sum = 1;
  for (let n = 12; n >= 1; n--) sum = 1 + (x / n) * sum;
  for (; k > 0; k--) sum *= sum;
  return sum;
}

/** Integer exponents up to this magnitude are computed by multiplication. */
const PRODUCT_MOST = 64;

/** x^y, with the special cases of C's pow(). @param {number} x @param {number} y @returns {number} */
export function power(x, y) {
  if (y === 0 || x === 1) return 1;
  if (Number.isInteger(y) && Math.abs(y) <= PRODUCT_MOST) {
    let [all, square] = [1, x];
    for (let n = Math.abs(y); n > 0; n = Math.floor(n / 2)) {
      if (n % 2) all *= square;
      square *= square;
    }
    return y < 0 ? 1 / all : all;
  }
  if (Math.abs(x) === 1 && Math.abs(y) === Infinity) return 1;
  if (x < 0 && Number.isFinite(y) && !Number.isInteger(y)) return x === -Infinity ? exp(y * Infinity) : NaN;
  const size = exp(y * log(Math.abs(x)));
  return x < 0 && y % 2 !== 0 && Number.isFinite(y) ? -size : size;
}

/** x as quadrant * pi/2 + rest, |rest| <= pi/4. @param {number} x  float32 @returns {[number, number]} the quadrant modulo 4, and the rest */
function quadrantOf(x) {
  const size = Math.abs(x);
  if (size < FEW_TURNS) {
    const k = Math.round(x / HALF_PI);
    return [k & 3, x - k * HALF_PI_HIGH - k * HALF_PI_LOW];
  }
  // size * 2/pi with 200 bits after the binary point. A float32 of this size is a multiple of 1/16.
  const turns = BigInt(Math.fround(size) * 16) * TWO_OVER_PI;
  // Take the signed remainder as a BigInt first: then its conversion to a number keeps all bits of a small remainder.
  const fraction = BigInt.asIntN(204, turns);
  const k = Number(BigInt.asUintN(2, (turns - fraction) >> 204n));
  const rest = (Number(fraction) / 2 ** 204) * HALF_PI;
  return x < 0 ? [-k & 3, -rest] : [k & 3, rest];
}

/** The sum of x^n / n! with alternating signs, for n = first, first + 2, ... @param {number} x  |x| <= pi/4 @param {number} first  0: cosine, 1: sine */
function series(x, first) {
  let sum = 0;
  for (let n = 16 + first; n > first; n -= 2) sum = ((1 - sum) * x * x) / (n * (n - 1));
  return (1 - sum) * (first ? x : 1);
}

/** sin(x + ahead pi/2). @param {number} x @param {number} ahead @returns {number} */
function wave(x, ahead) {
  if (!Number.isFinite(x)) return NaN;
  const [quadrant, rest] = quadrantOf(x);
  const at = (quadrant + ahead) & 3;
  const value = series(rest, at % 2 ? 0 : 1);
  return at < 2 ? value : -value;
}

/** @param {number} x  float32 */
export const sin = (x) => wave(x, 0);
/** @param {number} x  float32 */
export const cos = (x) => wave(x, 1);
/** @param {number} x  float32 */
export const tan = (x) => sin(x) / cos(x);

/** @param {number} x @returns {number} */
export function arctan(x) {
  if (Math.abs(x) > 1) return Math.sign(x) * HALF_PI - arctan(1 / x);
  // tan(x/2) = tan x / (1 + sqrt(1 + tan^2 x)), twice: |y| <= tan(pi/16).
  let y = x;
  for (let i = 0; i < 2; i++) y /= 1 + Math.sqrt(1 + y * y);
  let sum = 0;
  for (let n = 25; n >= 1; n -= 2) sum = 1 / n - sum * y * y;
  return 4 * y * sum;
}

/** @param {number} x */
export const arcsin = (x) => 2 * arctan(x / (1 + Math.sqrt((1 - x) * (1 + x))));
/** @param {number} x */
export const arccos = (x) => 2 * arctan(Math.sqrt((1 - x) / (1 + x)));

/** Below this |x|, the first two terms of the series are precise enough. */
const SMALL = 1e-3;

/** @param {number} x */
export function sinh(x) {
  if (Math.abs(x) > 0.1) return (exp(x) - exp(-x)) / 2;
  let sum = 1;
  for (let n = 11; n >= 3; n -= 2) sum = 1 + (sum * x * x) / (n * (n - 1));
  return x * sum;
}
/** @param {number} x */
export const cosh = (x) => (exp(x) + exp(-x)) / 2;
/** @param {number} x */
export function arcsinh(x) {
  const size = Math.abs(x);
  return size < SMALL ? x - x ** 3 / 6 : Math.sign(x) * log(size + Math.sqrt(size * size + 1));
}
/** @param {number} x */
export const arccosh = (x) => (x < 1 ? NaN : log(x + Math.sqrt((x - 1) * (x + 1))));
/** @param {number} x */
export const arctanh = (x) => (Math.abs(x) < SMALL ? x + x ** 3 / 3 : log((1 + x) / (1 - x)) / 2);
