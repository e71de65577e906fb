/**
 * The safetensors format: 8 bytes of header length (little-endian), a JSON header, the tensors one behind the other.
 * Follows the reference implementation (huggingface/safetensors 0.5): what it refuses is refused here.
 * @module
 */
import { ModelFileError } from './errors.js';

/** Bytes of an element. */
const sizes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
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
};
const HEADER_MOST = 100_000_000;

/** @typedef {keyof typeof sizes} Dtype */
/** @typedef {{ dtype: Dtype, shape: number[], data: Uint8Array }} StoredTensor */
/** @typedef {{ metadata: Record<string, string>, tensors: Map<string, StoredTensor> }} SafetensorsFile */

/** @param {any} value @returns {value is number} */
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

/**
 * @param {Uint8Array} bytes  a whole file; the tensors are views of it
 * @returns {SafetensorsFile}
 * @throws {ModelFileError} for a file that is cut short or contradicts itself
 */
export function parse(bytes) {
  if (bytes.length < 8) throw new ModelFileError(`safetensors: the file has ${bytes.length} bytes, expected at least 8`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(HEADER_MOST))
    throw new ModelFileError(`safetensors: the header says ${length} bytes, at most ${HEADER_MOST} are allowed`);
  const start = 8 + Number(length);
  if (start > bytes.length) {
    throw new ModelFileError(`safetensors: the header says ${length} bytes, the file has ${bytes.length - 8} behind its first 8`);
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
        `safetensors: ${name} begins at byte ${begin}, expected ${position}: tensors leave no hole and do not overlap`,
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
  let header;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ModelFileError(`safetensors: the header of ${bytes.length} bytes is not JSON`, { cause });
  }
  if (header === null || typeof header !== 'object' || Array.isArray(header)) {
    throw new ModelFileError('safetensors: the header is not a JSON object');
  }
  return header;
}

/** @param {any} entry @returns {Record<string, string>} */
function parseMetadata(entry) {
  if (entry === null || typeof entry !== 'object' || Object.values(entry).some((value) => typeof value !== 'string')) {
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
    throw new ModelFileError(
      `safetensors: ${name} has dtype ${JSON.stringify(dtype)}, expected one of ${Object.keys(sizes).join(', ')}`,
    );
  }
  const { shape, data_offsets: offsets } = entry;
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw new ModelFileError(`safetensors: ${name} has shape ${JSON.stringify(shape)?.slice(0, 80)}, expected a list of counts`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1]) {
    throw new ModelFileError(
      `safetensors: ${name} has data_offsets ${JSON.stringify(offsets)?.slice(0, 80)}, expected [begin, end]`,
    );
  }
  const [begin, end] = offsets;
  const bytes = shape.reduce((product, size) => product * size, sizes[/** @type {Dtype} */ (dtype)]);
  if (bytes !== end - begin) {
    throw new ModelFileError(
      `safetensors: ${name} is ${dtype} [${shape}], which takes ${bytes} bytes; its offsets hold ${end - begin}`,
    );
  }
  return { dtype: /** @type {Dtype} */ (dtype), shape: /** @type {number[]} */ (shape), begin, end };
}

/**
 * The values of an F32 tensor.
 * @param {StoredTensor} tensor
 * @param {string} name  for the error
 * @returns {Float32Array} a view where the alignment allows it, else a copy
 */
export function float32(tensor, name) {
  if (tensor.dtype !== 'F32') throw new ModelFileError(`${name}: dtype ${tensor.dtype}, expected F32`);
  const { buffer, byteOffset, byteLength } = tensor.data;
  return byteOffset % 4 ? new Float32Array(tensor.data.slice().buffer) : new Float32Array(buffer, byteOffset, byteLength / 4);
}

/**
 * @param {SafetensorsFile} file
 * @returns {Uint8Array<ArrayBuffer>} the file: the header padded with spaces to a multiple of 8, tensors in the order of the map
 */
export function serialize({ metadata, tensors }) {
  /** @type {Record<string, any>} */
  const header = Object.create(null);
  header.__metadata__ = metadata;
  let position = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [position, position + data.length] };
    position += data.length;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length + position);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.fill(32, 8, 8 + length);
  bytes.set(json, 8);
  let at = 8 + length;
  for (const { data } of tensors.values()) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}
