/**
 * Reads the .keras file of Keras 3, a zip of metadata.json, config.json, model.weights.h5 and assets. fflate unpacks it.
 * @module
 */
import { ModelFileError, UnsupportedError, textOf } from '../errors.js';
import { butIs } from '../file/kinds.js';
import { textDecoder } from '../runtime/engine.js';
import { readHdf5 } from './hdf5.js';
import { JSON_MOST, optionalPackage, parseJson } from './input-files.js';
/** @typedef {import('./hdf5.js').KerasFile} KerasFile */

/** Maximum total size of the unpacked files, in bytes. */
const UNPACKED_MOST = 2 ** 31;
/** A deflated entry unpacks to less than EXPANSION times its size, because deflate compresses at most 1032 to 1. */
const EXPANSION = 1100;
const ENTRIES_MOST = 10_000;

/** CRC-32 of each byte (polynomial 0xedb88320). */
const remainders = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = remainders[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** @param {number} crc */
const hex = (crc) => crc.toString(16).padStart(8, '0');

const END_SIGNATURE = 0x06054b50;
const END_SIZE = 22;
/** The end record is followed by a comment of at most 2^16 - 1 bytes. */
const END_MOST = END_SIZE + 2 ** 16;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_SIZE = 46;
const LOCAL_SIZE = 30;

/**
 * An entry in the directory of a zip.
 * @typedef {object} Entry
 * @property {string} name
 * @property {boolean} isStored  whether it is stored without compression
 * @property {number} crc  CRC-32 of the unpacked bytes
 * @property {number} size  bytes in the zip
 * @property {number} unpacked  bytes after unpacking
 * @property {number} start  [start, end) of the entry in the zip, with its local header
 * @property {number} end
 */

/**
 * Reads the directory of a zip. It uses the same fields as fflate.
 * @param {Uint8Array} bytes
 * @param {string} what  for errors
 * @returns {Entry[]}
 * @throws {ModelFileError} if the directory is missing or truncated, or has too many entries
 */
function directoryOf(bytes, what) {
  const broken = new ModelFileError(
    `${what}: the zip of ${bytes.length} bytes is broken or cut short: its directory is incomplete${isZip(bytes) ? '' : butIs(bytes)}`,
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let record = bytes.length - END_SIZE;
  while (record >= 0 && view.getUint32(record, true) !== END_SIGNATURE) if (bytes.length - --record > END_MOST) throw broken;
  if (record < 0) throw broken;
  const count = view.getUint16(record + 8, true);
  let at = view.getUint32(record + 16, true);
  if (count === 0xffff || at === 0xffffffff)
    throw new UnsupportedError(`${what}: the zip is a Zip64; padless reads zips below 4 GB`);
  if (count > ENTRIES_MOST) throw new ModelFileError(`${what}: the zip holds more than ${ENTRIES_MOST} files`);
  const decoder = textDecoder();
  return Array.from({ length: count }, () => {
    if (at + ENTRY_SIZE > record || view.getUint32(at, true) !== ENTRY_SIGNATURE) throw broken;
    const length = view.getUint16(at + 28, true);
    const [size, unpacked] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    const start = view.getUint32(at + 42, true);
    if (start + LOCAL_SIZE > bytes.length) throw broken;
    const head = LOCAL_SIZE + view.getUint16(start + 26, true) + view.getUint16(start + 28, true);
    const name = decoder.decode(bytes.subarray(at + ENTRY_SIZE, at + ENTRY_SIZE + length));
    const entry = { name, isStored: view.getUint16(at + 10, true) === 0, crc: view.getUint32(at + 16, true), size, unpacked };
    at += ENTRY_SIZE + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    return { ...entry, start, end: start + head + size };
  });
}

/**
 * Rejects a directory that a zip bomb could have: duplicate names, entries that overlap, and entries that claim more unpacked bytes than
 * deflate can compress into their size.
 * @param {Entry[]} entries
 * @param {number} length  bytes of the zip
 * @param {string} what  for errors
 */
function checkDirectory(entries, length, what) {
  const names = new Set();
  for (const { name, isStored, size, unpacked, end } of entries) {
    if (names.has(name)) throw new ModelFileError(`${what}: the zip holds ${JSON.stringify(name)} twice`);
    names.add(name);
    if (end > length || unpacked > (isStored ? size : EXPANSION * size))
      throw new ModelFileError(`${what}: the zip says that ${name} has ${unpacked} bytes, packed in ${size} of ${length}`);
  }
  const inOrder = [...entries].sort((a, b) => a.start - b.start);
  inOrder.forEach(({ name, start }, i) => {
    const before = inOrder[i - 1];
    if (before && start < before.end)
      throw new ModelFileError(`${what}: ${before.name} and ${name} overlap in the zip, at byte ${start}`);
  });
  const total = entries.reduce((sum, { unpacked }) => sum + unpacked, 0);
  if (total > UNPACKED_MOST)
    throw new ModelFileError(`${what}: the zip unpacks to ${total} bytes, at most ${UNPACKED_MOST} are read`);
}

/** @param {Uint8Array} bytes */
export const isZip = (bytes) => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/**
 * Unpacks the wanted files of a zip and checks their sizes and CRC-32.
 * @param {Uint8Array} bytes
 * @param {string} what  name of the zip, for errors
 * @param {(name: string) => boolean} wanted
 * @param {import('./input-files.js').Packages} [packages]
 * @returns {Promise<Map<string, Uint8Array>>}
 * @throws {ModelFileError} for a zip that is truncated or states impossible sizes
 */
export async function unzip(bytes, what, wanted, { fflate } = {}) {
  const { unzipSync } = await optionalPackage('fflate', 'unzipSync', `${what}: unpacking a zip`, fflate, (absent) =>
    import('fflate').catch(absent),
  );
  const entries = directoryOf(bytes, what);
  checkDirectory(entries, bytes.length, what);
  /** @type {Record<string, Uint8Array>} */
  let files;
  try {
    // fflate prefers Zip64 records, which torch.save writes even into small zips. Both directories must list the same entries.
    let number = 0;
    files = unzipSync(bytes, {
      filter: (/** @type {import('fflate').UnzipFileInfo} */ { name, size, originalSize }) => {
        const entry = entries[number++];
        if (entry?.name !== name || entry.size !== size || entry.unpacked !== originalSize)
          throw new ModelFileError(`${what}: the two directories of the zip differ in entry ${number}`);
        return wanted(name);
      },
    });
    if (number < entries.length)
      throw new ModelFileError(`${what}: one directory of the zip lists ${entries.length} entries, the other ${number}`);
  } catch (cause) {
    if (cause instanceof ModelFileError) throw cause;
    throw new ModelFileError(
      `${what}: the zip of ${bytes.length} bytes is broken or cut short: ${/** @type {Error} */ (cause).message}`,
      { cause },
    );
  }
  for (const { name, unpacked, crc } of entries.filter((entry) => wanted(entry.name))) {
    const file = files[name];
    if (file.length !== unpacked)
      throw new ModelFileError(`${what}: the zip says that ${name} has ${unpacked} bytes, it has ${file.length}`);
    const actual = crc32(file);
    if (actual !== crc)
      throw new ModelFileError(`${what}: ${name} has changed: its CRC-32 is ${hex(actual)}, the zip says ${hex(crc)}`);
  }
  return new Map(Object.entries(files));
}

/**
 * Reads a .keras file.
 * @param {Uint8Array} bytes
 * @param {string} [what]  name of the file, for errors
 * @param {import('./input-files.js').Packages} [packages]
 * @returns {Promise<KerasFile & { kerasVersion: string, vocabularies: Map<string, string> }>} vocabularies: the text of each assets/PATH/vocabulary.txt, by PATH
 * @throws {ModelFileError | UnsupportedError}
 */
export async function readKeras(bytes, what = 'the file', packages = {}) {
  const wanted = /^(config|metadata)\.json$|^model\.weights\.(h5|npz)$|^assets\/.*\/vocabulary\.txt$/;
  const entries = await unzip(bytes, what, (name) => wanted.test(name), packages);
  /** @param {string} name */
  const entry = (name) => {
    const found = entries.get(name);
    if (!found) throw new ModelFileError(`${what}: the zip has no ${name}: it is not a .keras file, or is incomplete`);
    return found;
  };
  const config = parseJson(entry('config.json'), `${what}: config.json`);
  const metadata = parseJson(entry('metadata.json'), `${what}: metadata.json`);
  if (entries.has('model.weights.npz')) throw new UnsupportedError(`${what}: the weights are an .npz, padless reads .h5`);
  const { vars, layers } = await readHdf5(entry('model.weights.h5'), `${what}: model.weights.h5`, packages);
  const vocabularies = new Map();
  for (const [name, text] of entries) {
    const path = /^assets\/(.*)\/vocabulary\.txt$/.exec(name)?.[1];
    if (path === undefined) continue;
    if (text.length > JSON_MOST)
      throw new ModelFileError(`${what}: ${name} has ${text.length} bytes, at most ${JSON_MOST} are read`);
    // Keras keeps a byte order mark as part of the first token.
    vocabularies.set(path, textDecoder('utf-8', { ignoreBOM: true }).decode(text));
  }
  return { config, kerasVersion: textOf(metadata?.keras_version ?? '3'), backend: null, vars, layers, vocabularies };
}
