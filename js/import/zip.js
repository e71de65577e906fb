/**
 * The .keras file of Keras 3: a zip of metadata.json, config.json, model.weights.h5 and assets. Unpacked by fflate.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../errors.js';
import { readHdf5 } from './hdf5.js';
import { JSON_MOST, optionalPackage, parseJson } from './input-files.js';
/** @typedef {import('./hdf5.js').KerasFile} KerasFile */

/** Bytes of a file inside, at most; deflate packs at most 1032 to 1. */
const UNPACKED_MOST = 2 ** 31;
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

/**
 * What the directory of a zip says, which fflate does not compare.
 * @param {Uint8Array} bytes  that fflate has read
 * @returns {Map<string, number>} name -> CRC-32
 */
function checksums(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  /** @type {Map<string, number>} */
  const found = new Map();
  let end = bytes.length - 22;
  while (view.getUint32(end, true) !== 0x06054b50) end--;
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0 && at + 46 <= end; left--) {
    const length = view.getUint16(at + 28, true);
    found.set(decoder.decode(bytes.subarray(at + 46, at + 46 + length)), view.getUint32(at + 16, true));
    at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return found;
}

/** @param {Uint8Array} bytes */
export const isZip = (bytes) => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/**
 * @param {Uint8Array} bytes
 * @param {string} what  for errors
 * @param {(name: string) => boolean} wanted
 * @param {import('./input-files.js').Packages} [packages]
 * @returns {Promise<Map<string, Uint8Array>>}
 * @throws {ModelFileError} for a file that is cut short, or says sizes that it cannot have
 */
export async function unzip(bytes, what, wanted, { fflate } = {}) {
  const { unzipSync } = await optionalPackage('fflate', 'unzipSync', `${what}: unpacking a zip`, fflate, (absent) =>
    import('fflate').catch(absent),
  );
  /** @type {Map<string, number>} */
  const sizes = new Map();
  let entries = 0;
  /** @type {Record<string, Uint8Array>} */
  let files;
  try {
    files = unzipSync(bytes, {
      filter: (/** @type {import('fflate').UnzipFileInfo} */ { name, size, originalSize, compression }) => {
        if (++entries > ENTRIES_MOST) throw new ModelFileError(`${what}: the zip holds more than ${ENTRIES_MOST} files`);
        if (!wanted(name)) return false;
        if (sizes.has(name)) throw new ModelFileError(`${what}: the zip holds ${JSON.stringify(name)} twice`);
        const most = Math.min(UNPACKED_MOST, compression === 0 ? size : EXPANSION * size, EXPANSION * bytes.length);
        if (!(originalSize <= most && size <= bytes.length))
          throw new ModelFileError(
            `${what}: the zip says that ${name} has ${originalSize} bytes, packed in ${size} of ${bytes.length}`,
          );
        sizes.set(name, originalSize);
        return true;
      },
    });
  } catch (cause) {
    if (cause instanceof ModelFileError) throw cause;
    throw new ModelFileError(
      `${what}: the zip of ${bytes.length} bytes is broken or cut short: ${/** @type {Error} */ (cause).message}`,
      {
        cause,
      },
    );
  }
  for (const [name, size] of sizes)
    if (files[name]?.length !== size)
      throw new ModelFileError(`${what}: the zip says that ${name} has ${size} bytes, it has ${files[name]?.length ?? 0}`);
  const sums = checksums(bytes);
  for (const [name, file] of Object.entries(files)) {
    const [said, is] = [sums.get(name), crc32(file)];
    // A zip of more than 4 GB has its directory elsewhere.
    if (said !== undefined && said !== is)
      throw new ModelFileError(`${what}: ${name} has changed: its CRC-32 is ${hex(is)}, the zip says ${hex(said)}`);
  }
  return new Map(Object.entries(files));
}

/**
 * @param {Uint8Array} bytes
 * @param {string} [what]  for errors
 * @param {import('./input-files.js').Packages} [packages]
 * @returns {Promise<KerasFile & { vocabularies: Map<string, string> }>} vocabularies: text of assets/PATH/vocabulary.txt, by PATH
 * @throws {ModelFileError | UnsupportedError}
 */
export async function readKeras(bytes, what = 'the file', packages = {}) {
  const wanted = /^(config|metadata)\.json$|^model\.weights\.(h5|npz)$|^assets\/.*\/vocabulary\.txt$/;
  const entries = await unzip(bytes, what, (name) => wanted.test(name), packages);
  /** @param {string} name */
  const entry = (name) => {
    const found = entries.get(name);
    if (!found) throw new ModelFileError(`${what}: the zip has no ${name}: it is not a .keras file, or not whole`);
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
    vocabularies.set(path, new TextDecoder().decode(text));
  }
  return { config, kerasVersion: String(metadata?.keras_version ?? '3'), backend: null, vars, layers, vocabularies };
}
