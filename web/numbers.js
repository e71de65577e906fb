/**
 * Compares and formats numbers, and wraps them as a sequence.
 */

/** A float32's bits as 8 hex digits. @param {number} value */
export function bitsOf(value) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0).toString(16).padStart(8, '0');
}

/** The index of the largest value; the first of equal values. @param {ArrayLike<number>} values */
export function argmax(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}

/** A number with three decimals, and with a minus sign instead of a hyphen. @param {number} value */
export const formatFixed = (value) => (Object.is(value, -0) ? 0 : value).toFixed(3).replace('-', '−');

/** @param {Float32Array} data  one value a step @returns {{ data: Float32Array, shape: number[] }} a sequence [1, T, 1] */
export const asSequence = (data) => ({ data, shape: [1, data.length, 1] });
