/**
 * Converts the floating-point formats of files to float32.
 * @module
 */

/**
 * An array of a file, converted to float32. int8: the values as stored, not multiplied by scales; scales: the scales of int8 values, where the file
 * lists both.
 * @typedef {{ name: string, shape: number[], data: Float32Array, int8?: Int8Array, scales?: NamedArray }} NamedArray
 */

/** Converts float16: 1 sign bit, 5 exponent bits, 10 fraction bits. @param {Uint16Array} halves @returns {Float32Array} */
export function float16(halves) {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return exponent ? sign * 2 ** (exponent - 25) * (1024 + fraction) : sign * 2 ** -24 * fraction;
  });
}

/** Converts bfloat16, the upper 16 bits of a float32. @param {Uint16Array} halves @returns {Float32Array} */
export const bfloat16 = (halves) => new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);

/**
 * @param {Uint8Array} bytes  little-endian
 * @param {'float16' | 'bfloat16' | 'float32' | 'float64'} dtype
 * @returns {Float32Array} a copy
 */
export function toFloat32(bytes, dtype) {
  const { buffer } = bytes.slice();
  if (dtype === 'float16') return float16(new Uint16Array(buffer));
  if (dtype === 'bfloat16') return bfloat16(new Uint16Array(buffer));
  if (dtype === 'float64') return Float32Array.from(new Float64Array(buffer));
  return new Float32Array(buffer);
}
