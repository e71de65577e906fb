/**
 * Comparisons of answers: by bits, or within a tolerance of what another framework gave.
 */
import assert from 'node:assert/strict';

/** float32 values in the form of golden files. @param {string} base64 */
export const decode = (base64) => new Float32Array(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer);

/**
 * Asserts that each value is within unit * max(1, |expected|). The message names the value with the largest error; NaN has an infinite error.
 * @param {ArrayLike<number>} actual
 * @param {ArrayLike<number>} expected
 * @param {object} options
 * @param {number} options.unit
 * @param {string} options.what  a name for the values in the message
 * @param {(i: number) => boolean} [options.counts]  which values are compared; default: all
 * @returns {number} the largest error, in units
 */
export function assertClose(actual, expected, { unit, what, counts = () => true }) {
  assert.equal(actual.length, expected.length, `${what}: how many values`);
  let worst = { error: 0, at: 0 };
  for (let i = 0; i < expected.length; i++) {
    if (!counts(i)) continue;
    const error = Math.abs(actual[i] - expected[i]) / (unit * Math.max(1, Math.abs(expected[i])));
    if (!(error <= worst.error)) worst = { error: Number.isNaN(error) ? Infinity : error, at: i };
  }
  const { error, at } = worst;
  assert.ok(
    error <= 1,
    `${what}: element ${at} of ${actual.length} is ${actual[at]}, expected ${expected[at]}; ${error.toPrecision(3)} times the tolerance ${unit} * max(1, |expected|)`,
  );
  return error;
}

/** The bits of values: two NaN are equal, -0 and 0 are not. @param {Float32Array} values */
export const bits = ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length);
