/**
 * The hash functions of tf.strings.to_hash_bucket_fast and _strong, by which Keras's Hashing and lookups map unknown tokens to indices: Fingerprint64
 * of FarmHash (Pike and Alakuijala 2014, farmhashna.cc) and SipHash-2-4 (Aumasson and Bernstein 2012). tests/text/hashes.test.js compares with
 * TensorFlow's results.
 * @module
 */

const [K0, K1, K2] = [0xc3a5c85c97cb3127n, 0xb492b66fbe98f273n, 0x9ae16a3b2f90404fn];

/** The low 64 bits. @param {bigint} x */
const low = (x) => BigInt.asUintN(64, x);

/** @param {bigint} x @param {bigint} shift  1 to 63 */
const rotateRight = (x, shift) => low((x >> shift) | (x << (64n - shift)));

/** @param {bigint} x */
const shiftMix = (x) => x ^ (x >> 47n);

/** HashLen16 of three arguments. @param {bigint} u @param {bigint} v @param {bigint} multiplier */
function mix(u, v, multiplier) {
  const a = shiftMix(low((u ^ v) * multiplier));
  return low(shiftMix(low((v ^ a) * multiplier)) * multiplier);
}

/** WeakHashLen32WithSeeds. @param {bigint[]} four  words @param {bigint} a @param {bigint} b @returns {[bigint, bigint]} */
function weak([w, x, y, z], a, b) {
  const c = low(a + w);
  const d = rotateRight(low(b + c + z), 21n);
  const e = low(c + x + y);
  return [low(e + z), low(d + rotateRight(e, 44n) + c)];
}

/** FarmHash of up to 64 bytes. @param {Uint8Array} bytes @param {(at: number) => bigint} word  64 bits, little-endian */
function hashShort(bytes, word) {
  const { length } = bytes;
  const n = BigInt(length);
  const multiplier = low(K2 + n * 2n);
  if (length > 16) {
    const a = low(word(0) * (length > 32 ? K2 : K1));
    const b = word(8);
    const c = low(word(length - 8) * multiplier);
    const d = low(word(length - 16) * K2);
    const y = low(rotateRight(low(a + b), 43n) + rotateRight(c, 30n) + d);
    const z = mix(y, low(a + rotateRight(low(b + K2), 18n) + c), multiplier);
    if (length <= 32) return z;
    const e = low(word(16) * multiplier);
    const f = word(24);
    const g = low((y + word(length - 32)) * multiplier);
    const h = low((z + word(length - 24)) * multiplier);
    return mix(low(rotateRight(low(e + f), 43n) + rotateRight(g, 30n) + h), low(e + rotateRight(low(f + a), 18n) + g), multiplier);
  }
  if (length >= 8) {
    const a = low(word(0) + K2);
    const b = word(length - 8);
    return mix(low(rotateRight(b, 37n) * multiplier + a), low((rotateRight(a, 25n) + b) * multiplier), multiplier);
  }
  if (length >= 4) {
    const half = (/** @type {number} */ at) =>
      BigInt(bytes[at] + bytes[at + 1] * 2 ** 8 + bytes[at + 2] * 2 ** 16 + bytes[at + 3] * 2 ** 24);
    return mix(low(n + (half(0) << 3n)), half(length - 4), multiplier);
  }
  if (length === 0) return K2;
  const y = BigInt(bytes[0] + bytes[length >> 1] * 256);
  const z = BigInt(length + bytes[length - 1] * 4);
  return low(shiftMix(low(y * K2) ^ low(z * K0)) * K2);
}

/** @param {Uint8Array} bytes */
const wordsOf = (bytes) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (/** @type {number} */ at) => view.getBigUint64(at, true);
};

/** Fingerprint64 of FarmHash. @param {Uint8Array} bytes @returns {bigint} */
export function farmHash64(bytes) {
  const word = wordsOf(bytes);
  const { length } = bytes;
  if (length <= 64) return hashShort(bytes, word);
  const four = (/** @type {number} */ at) => [word(at), word(at + 8), word(at + 16), word(at + 24)];
  let x = low(81n * K2 + word(0));
  let y = low(81n * K1 + 113n);
  let z = low(shiftMix(low(y * K2 + 113n)) * K2);
  /** @type {[bigint, bigint]} */
  let v = [0n, 0n];
  /** @type {[bigint, bigint]} */
  let w = [0n, 0n];
  /** @param {number} at @param {bigint} multiplier @param {bigint} times  1; 9 at the end */
  const round = (at, multiplier, times) => {
    x = low(rotateRight(low(x + y + v[0] + word(at + 8)), 37n) * multiplier);
    y = low(rotateRight(low(y + v[1] + word(at + 48)), 42n) * multiplier);
    x ^= low(w[1] * times);
    y = low(y + v[0] * times + word(at + 40));
    z = low(rotateRight(low(z + w[0]), 33n) * multiplier);
    v = weak(four(at), low(v[1] * multiplier), low(x + w[0]));
    w = weak(four(at + 32), low(z + w[1]), low(y + word(at + 16)));
    [x, z] = [z, x];
  };
  const end = Math.floor((length - 1) / 64) * 64;
  for (let at = 0; at < end; at += 64) round(at, K1, 1n);
  const multiplier = low(K1 + ((z & 0xffn) << 1n));
  w[0] = low(w[0] + BigInt((length - 1) & 63));
  v[0] = low(v[0] + w[0]);
  w[0] = low(w[0] + v[0]);
  round(length - 64, multiplier, 9n);
  return mix(low(mix(v[0], w[0], multiplier) + shiftMix(y) * K0 + z), low(mix(v[1], w[1], multiplier) + x), multiplier);
}

/** SipHash-2-4. @param {Uint8Array} bytes @param {[bigint, bigint]} key @returns {bigint} */
export function sipHash64(bytes, [k0, k1]) {
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const rotateLeft = (/** @type {bigint} */ x, /** @type {bigint} */ shift) => rotateRight(x, 64n - shift);
  const round = () => {
    v0 = low(v0 + v1);
    v1 = rotateLeft(v1, 13n) ^ v0;
    v0 = rotateLeft(v0, 32n);
    v2 = low(v2 + v3);
    v3 = rotateLeft(v3, 16n) ^ v2;
    v0 = low(v0 + v3);
    v3 = rotateLeft(v3, 21n) ^ v0;
    v2 = low(v2 + v1);
    v1 = rotateLeft(v1, 17n) ^ v2;
    v2 = rotateLeft(v2, 32n);
  };
  const rest = bytes.length & 7;
  // The last word: the remaining bytes, and the length in its highest byte.
  const padded = new Uint8Array(bytes.length - rest + 8);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length & 255;
  const word = wordsOf(padded);
  for (let at = 0; at < padded.length; at += 8) {
    const m = word(at);
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}
