/**
 * The safetensors format: 8 bytes with the length of the header (little-endian), a JSON header, then the tensors.
 * As in the reference implementation (huggingface/safetensors), a file with gaps, overlaps or trailing bytes is invalid. So is one with
 * duplicate keys, which the format forbids. Types of less than a byte (F4, F6) are not supported.
 * @module
 */
import { ArgumentError, ModelFileError, show } from '../errors.js';
import { encodeText, textDecoder } from '../runtime/engine.js';

/** Bytes of an element by dtype. */
const sizes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  F8_E4M3FNUZ: 1,
  F8_E5M2FNUZ: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
  C64: 8,
};
/** Maximum bytes of the header. */
const MAX_HEADER = 100_000_000;
/** Maximum depth of JSON: a hundred nested models need less. */
const MAX_DEPTH = 1000;

/** @typedef {keyof typeof sizes} Dtype */
/** @typedef {{ dtype: Dtype, shape: number[], data: Uint8Array }} StoredTensor */
/** @typedef {{ metadata: Record<string, string>, tensors: Map<string, StoredTensor> }} SafetensorsFile */

const [QUOTE, BACKSLASH, COLON, COMMA, BRACE, BRACKET] = Array.from('"\\:,{[', (char) => char.charCodeAt(0));

/** A quote that ends a string, from the character before it and its backslashes. */
const stringEnd = /[^\\](?:\\\\)*"/g;

/** Index of the quote that ends a string. @param {string} json @param {number} begin  index of its first quote @returns {number} */
function endOfString(json, begin) {
  const end = json.indexOf('"', begin + 1);
  if (end < 0) return json.length;
  if (json.charCodeAt(end - 1) !== BACKSLASH) return end;
  stringEnd.lastIndex = begin;
  return stringEnd.test(json) ? stringEnd.lastIndex - 1 : json.length;
}

/** @param {any} value @returns {value is number} */
const isSize = (value) => Number.isSafeInteger(value) && value >= 0;

/**
 * Parses a file.
 * @param {Uint8Array} bytes  the file; the tensors are views of it
 * @returns {SafetensorsFile}
 * @throws {ModelFileError} if the file is truncated or invalid
 */
export function parse(bytes) {
  if (bytes.length < 8) throw new ModelFileError(`safetensors: the file has ${bytes.length} bytes, expected at least 8`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER))
    throw new ModelFileError(`safetensors: the header has ${length} bytes, at most ${MAX_HEADER} are allowed`);
  const start = 8 + Number(length);
  if (start > bytes.length) {
    throw new ModelFileError(`safetensors: the header has ${length} bytes, the file has ${bytes.length - 8} after its first 8`);
  }
  const header = parseHeader(bytes.subarray(8, start));
  const available = bytes.length - start;
  /** @type {Record<string, string>} */
  const metadata = Object.create(null);
  /** @type {Map<string, StoredTensor>} */
  const tensors = new Map();
  /** @type {{ name: string, begin: number, end: number }[]} */
  const extents = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      Object.assign(metadata, parseMetadata(entry));
      continue;
    }
    const { dtype, shape, begin, end } = parseEntry(name, entry);
    if (end > available)
      throw new ModelFileError(`safetensors: ${name} ends at byte ${end}, the file has ${available} bytes of data`);
    extents.push({ name, begin, end });
    tensors.set(name, { dtype, shape, data: bytes.subarray(start + begin, start + end) });
  }
  extents.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const { name, begin, end } of extents) {
    if (begin !== position) {
      throw new ModelFileError(
        `safetensors: ${name} begins at byte ${begin}, expected ${position}: there must be no gaps and no overlaps`,
      );
    }
    position = end;
  }
  if (position !== available)
    throw new ModelFileError(`safetensors: tensors end at byte ${position}, the file has ${available} bytes of data`);
  return { metadata, tensors };
}

/** @param {Uint8Array} bytes @returns {Record<string, any>} */
function parseHeader(bytes) {
  const decoder = textDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const header = parseJson(() => decoder.decode(bytes), `safetensors: the header of ${bytes.length} bytes is`);
  if (header === null || typeof header !== 'object' || Array.isArray(header)) {
    throw new ModelFileError('safetensors: the header is not a JSON object');
  }
  return header;
}

/**
 * Parses JSON from an untrusted file. It is checked first, because parsing a hundred megabytes of brackets would take gigabytes.
 * @param {() => string} read
 * @param {string} what  subject and verb for messages
 * @param {number} [maxValues]
 * @param {boolean} [unique]  rejects duplicate keys: readers that use the first one would read another value than JSON.parse, which uses the last
 * @returns {any}
 * @throws {ModelFileError}
 */
export function parseJson(read, what, maxValues = 2 ** 20, unique = true) {
  try {
    const json = read();
    /** The keys of each open object, undefined for an open list. @type {(Set<string> | undefined)[]} */
    const open = [];
    let values = 0;
    let string = 0; // index of the last string
    // This loop delays the first answer, so it compares character codes and skips strings.
    for (let i = 0; i < json.length; i++) {
      const code = json.charCodeAt(i);
      if (code === QUOTE) {
        string = i;
        i = endOfString(json, i);
      } else if (code === COLON) {
        const keys = unique && open[open.length - 1];
        if (!keys) continue;
        const key = JSON.parse(json.slice(string, i));
        if (keys.has(key)) throw new ModelFileError(`${what} JSON with the key ${show(key)} twice`);
        keys.add(key);
      } else if (code === COMMA) values++;
      else if (code === BRACE || code === BRACKET) open.push(code === BRACE ? new Set() : undefined);
      else if (code === BRACE + 2 || code === BRACKET + 2) open.pop();
      else continue;
      if (values > maxValues || open.length > MAX_DEPTH)
        throw new ModelFileError(`${what} JSON with more than ${maxValues} values or ${MAX_DEPTH} levels`);
    }
    return JSON.parse(json);
  } catch (cause) {
    throw cause instanceof ModelFileError ? cause : new ModelFileError(`${what} not JSON`, { cause });
  }
}

/** @param {any} entry @returns {Record<string, string>} */
function parseMetadata(entry) {
  if (
    entry === null ||
    typeof entry !== 'object' ||
    Array.isArray(entry) ||
    Object.values(entry).some((value) => typeof value !== 'string')
  ) {
    throw new ModelFileError('safetensors: __metadata__ is not an object of strings');
  }
  return entry;
}

/**
 * @param {string} name
 * @param {any} entry
 */
function parseEntry(name, entry) {
  const dtype = entry?.dtype;
  if (typeof dtype !== 'string' || !Object.hasOwn(sizes, dtype)) {
    throw new ModelFileError(`safetensors: ${name} has dtype ${show(dtype)}, expected one of ${Object.keys(sizes).join(', ')}`);
  }
  const { shape, data_offsets: offsets } = entry;
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw new ModelFileError(`safetensors: ${name} has shape ${show(shape)}, expected a list of sizes`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0] > offsets[1]) {
    throw new ModelFileError(`safetensors: ${name} has data_offsets ${show(offsets)}, expected [begin, end]`);
  }
  const [begin, end] = offsets;
  let bytes = sizes[/** @type {Dtype} */ (dtype)];
  for (const size of shape) {
    bytes *= size;
    // Checked after each factor, because a later 0 would hide it.
    if (bytes > Number.MAX_SAFE_INTEGER)
      throw new ModelFileError(
        `safetensors: ${name} is ${dtype} ${show(shape)}, which needs more than 2^53 bytes; its offsets span ${end - begin}`,
      );
  }
  if (bytes !== end - begin) {
    throw new ModelFileError(
      `safetensors: ${name} is ${dtype} ${show(shape)}, which needs ${bytes} bytes; its offsets span ${end - begin}`,
    );
  }
  return { dtype: /** @type {Dtype} */ (dtype), shape: /** @type {number[]} */ (shape), begin, end };
}

/**
 * The values of an F32 tensor.
 * @param {StoredTensor} tensor
 * @param {string} name  for messages
 * @returns {Float32Array} a view, or a copy if the tensor is not aligned
 */
export function float32(tensor, name) {
  if (tensor.dtype !== 'F32') throw new ModelFileError(`${name}: dtype ${tensor.dtype}, expected F32`);
  const { buffer, byteOffset, byteLength } = tensor.data;
  return byteOffset % 4 ? new Float32Array(tensor.data.slice().buffer) : new Float32Array(buffer, byteOffset, byteLength / 4);
}

/**
 * Writes a file. The header is padded with spaces to a multiple of 8; tensors with wide elements come first, so that all are aligned; otherwise
 * they keep their order.
 * @param {SafetensorsFile} file
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {ArgumentError} for a tensor with the name __metadata__
 */
export function serialize({ metadata, tensors }) {
  /** @type {Record<string, any>} */
  const header = Object.create(null);
  header.__metadata__ = metadata;
  const ordered = [...tensors].sort(([, a], [, b]) => sizes[b.dtype] - sizes[a.dtype]);
  let position = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    if (name === '__metadata__') throw new ArgumentError('safetensors: a tensor cannot have the name __metadata__');
    header[name] = { dtype, shape, data_offsets: [position, position + data.length] };
    position += data.length;
  }
  const json = encodeText(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length + position);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.fill(32, 8, 8 + length);
  bytes.set(json, 8);
  let at = 8 + length;
  for (const [, { data }] of ordered) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}
