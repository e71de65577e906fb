/**
 * Reads Keras's HDF5 files, whole models and weights alone, in the layout of Keras 1 and 2 and in that of Keras 3. h5wasm parses HDF5.
 * @module
 */
import { ModelFileError, PadlessError, UnsupportedError } from '../errors.js';
import { butIs } from '../file/kinds.js';
import { encodeText, textDecoder } from '../runtime/engine.js';
import { toFloat32 } from './floats.js';
import { brokenHeap } from './heaps.js';
import { JSON_MOST, optionalPackage, parseJson } from './input-files.js';
/** @typedef {import('h5wasm').Metadata} Metadata */

/** @typedef {import('./floats.js').NamedArray} NamedArray */
/**
 * The content of a Keras file, in the same form for every version of Keras.
 * @typedef {object} KerasFile
 * @property {any} config  the architecture as Keras JSON; null: the file holds only weights
 * @property {string | null} kerasVersion
 * @property {string | null} backend  the Keras backend that the model was trained with
 * @property {{ name: string, weights: NamedArray[] }[] | null} layers  Keras 1 and 2, and .h5 of Keras 3: the weights of each layer, in the order of the file
 * @property {Map<string, NamedArray> | null} vars  Keras 3: the arrays by path, such as 'layers/lstm/cell/vars/0'
 */

/** A file unpacks to less than EXPANSION times its size, because deflate compresses at most 1032 to 1. */
const EXPANSION = 1100;
/** Number of unpacked bytes that a file of any size may have. */
const ROOM = 1 << 26;
/** Maximum number of groups and arrays in a file. Each takes more than NODE_LEAST bytes, but hard links give a group several names. */
const NODES_MOST = 20_000;
const NODE_LEAST = 32;
/** h5wasm's malloc takes an int32: from this size on it would wrap, and the array would overwrite other memory of h5wasm. */
const WRAPS = 2 ** 31;
/** Maximum depth of groups inside groups. */
const NESTED_MOST = 64;
/** enum H5T_class_t */
const INTEGER = 0;
const FLOAT = 1;
const STRING = 3;
const OPAQUE = 5;

const HDF5_MAGIC = '\x89HDF\r\n\x1a\n';

/** @param {Uint8Array} bytes */
export const isHdf5 = (bytes) => String.fromCharCode(...bytes.subarray(0, 8)) === HDF5_MAGIC;

let opened = 0;

/** An open file. h5wasm's own getters ignore failures of HDF5 and return whatever is in memory; this class checks every status. */
class Hdf5 {
  /**
   * @param {any} module  the module of h5wasm, which declares no types for its low-level functions
   * @param {bigint} id  HDF5's identifier of the open file
   * @param {string} what  name of the file, for errors
   * @param {number} size  bytes of the file
   */
  constructor(module, id, what, size) {
    this.module = module;
    this.id = id;
    this.what = what;
    this.left = roomFor(size);
    this.nodesMost = Math.min(NODES_MOST, Math.floor(size / NODE_LEAST));
  }

  /** @param {string} path @param {string} problem */
  broken(path, problem) {
    return new ModelFileError(`${this.what}: ${path.slice(0, 200)} ${problem}`);
  }

  /** The names in a group. @param {string} path */
  names(path) {
    return this.module.get_names(this.id, path, false);
  }

  /** @param {string} path */
  isGroup(path) {
    return this.module.get_type(this.id, path) === this.module.H5G_GROUP;
  }

  /**
   * Reads an attribute or array: `get(pointer)` writes it into h5wasm's memory and returns a status, then `take(pointer)` may use it there.
   * @param {string} path
   * @param {Metadata} metadata
   * @returns {Uint8Array} a copy of the bytes
   */
  #read(
    path,
    { size, total_size: count },
    /** @type {(pointer: bigint) => number} */ get,
    /** @type {(pointer: number) => void} */ take,
  ) {
    const { module } = this;
    const bytes = Number(size) * Number(count);
    this.left -= bytes;
    if (!(this.left >= 0)) throw this.broken(path, `takes ${bytes} bytes, which is more than the file can hold`);
    const pointer = bytes < WRAPS ? module._malloc(bytes) : 0;
    if (pointer === 0 && bytes > 0) throw this.broken(path, `takes ${bytes} bytes, more than h5wasm's memory has`);
    try {
      module.HEAPU8.fill(0, pointer, pointer + bytes);
      if (get(BigInt(pointer)) < 0) throw this.broken(path, `of ${bytes} bytes cannot be read: the file is broken`);
      take(pointer);
      return module.HEAPU8.slice(pointer, pointer + bytes);
    } finally {
      module._free(pointer);
    }
  }

  /**
   * @param {string} path
   * @param {string} name
   * @returns {string[] | null} the strings of a text attribute; null if there is no such attribute
   */
  attribute(path, name) {
    const { module, id } = this;
    if (!module.get_attribute_names(id, path).includes(name)) return null;
    const where = `attribute ${name} of ${path}`;
    const metadata = module.get_attribute_metadata(id, path, name);
    const { shape, total_size: count, size, type, vlen } = metadata;
    // h5py stores an empty list as an array of numbers, whatever its elements would be.
    if (!shape || Number(count) === 0) return [];
    if (type !== STRING) throw this.broken(where, 'is not text');
    /** @type {string[]} */
    const texts = [];
    const bytes = this.#read(
      where,
      metadata,
      (pointer) => module.get_attribute_data(id, path, name, pointer),
      (pointer) => {
        if (!vlen) return;
        for (const text of new Uint32Array(module.HEAPU8.slice(pointer, pointer + size * Number(count)).buffer))
          texts.push(module.UTF8ToString(text));
        module.reclaim_vlen_memory(id, path, name, BigInt(pointer));
      },
    );
    if (vlen) return texts;
    const decoder = textDecoder();
    for (let i = 0; i < bytes.length; i += size) {
      const text = bytes.subarray(i, i + size);
      const end = text.indexOf(0);
      texts.push(decoder.decode(end < 0 ? text : text.subarray(0, end)));
    }
    return texts;
  }

  /**
   * A list of strings. Keras splits a list that is too long for one attribute into the attributes name0, name1, ...
   * @param {string} path
   * @param {string} name
   */
  list(path, name) {
    const whole = this.attribute(path, name);
    if (whole) return whole;
    /** @type {string[]} */
    const list = [];
    for (let i = 0, part; (part = this.attribute(path, `${name}${i}`)); i++) list.push(...part);
    return list;
  }

  /**
   * @param {string} path
   * @param {string} name  the name of the returned array
   * @returns {NamedArray}
   */
  array(path, name) {
    const { module, id } = this;
    if (module.get_type(id, path) !== module.H5G_DATASET) throw this.broken(path, 'is missing');
    const metadata = module.get_dataset_metadata(id, path);
    const { shape, type, size, littleEndian, signed, virtual_sources: virtual } = metadata;
    const bfloat = this.attribute(path, 'dtype')?.[0] === 'bfloat16' && size === 2;
    const float = type === FLOAT && [2, 4, 8].includes(size) && littleEndian;
    const isInt8 = type === INTEGER && size === 1 && Boolean(signed);
    if (!(float || isInt8 || (bfloat && (type === OPAQUE || type === INTEGER))) || !shape)
      throw new UnsupportedError(
        `${this.what}: weight ${path} is of type ${type === INTEGER ? `int${8 * size}` : `${type} of ${size} bytes`}; padless reads float16, bfloat16, float32, float64 and int8`,
      );
    if (virtual?.length) throw this.broken(path, 'is a view of other files');
    const bytes = this.#read(
      path,
      metadata,
      (pointer) => module.get_dataset_data(id, path, null, null, null, pointer),
      () => {},
    );
    if (isInt8) {
      const int8 = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      return { name, shape: Array.from(shape, Number), data: Float32Array.from(int8), int8 };
    }
    const dtype = bfloat ? 'bfloat16' : size === 2 ? 'float16' : size === 4 ? 'float32' : 'float64';
    return { name, shape: Array.from(shape, Number), data: toFloat32(bytes, dtype) };
  }
}

/** Names of arrays that inference does not need: the states of stateful layers, and vector u of SpectralNormalization. */
const trainingNames = /(^|\/)(rnn_state(_\d+)?|vector_u)(:\d+)?$/;

/** Upper bound of the unpacked bytes of a file of `size` bytes. @param {number} size */
const roomFor = (size) => Math.max(ROOM, EXPANSION * size);

/**
 * Calls `work` and lets the memory of h5wasm grow by at most `bytes` meanwhile. HDF5 allocates the sizes that a file states before it reads
 * the data, and WebAssembly memory never shrinks. h5wasm does not export its WebAssembly.Memory, so grow() is replaced on the prototype.
 * `work` is synchronous, so no other code runs before grow() is restored.
 * @template T
 * @param {any} module  the module of h5wasm
 * @param {number} bytes
 * @param {() => T} work
 * @returns {T}
 */
function withBoundedMemory(module, bytes, work) {
  const { prototype } = WebAssembly.Memory;
  const { grow } = prototype;
  const most = module.HEAPU8.byteLength + bytes;
  /** @this {WebAssembly.Memory} @param {number} pages */
  prototype.grow = function bounded(pages) {
    if (this.buffer === module.HEAPU8.buffer && this.buffer.byteLength + 65536 * pages > most)
      throw new RangeError(`more than ${bytes} bytes`);
    return grow.call(this, pages);
  };
  try {
    return work();
  } finally {
    prototype.grow = grow;
  }
}

/**
 * Opens an HDF5 file, calls `read` with it and closes it.
 * @template T
 * @param {Uint8Array} bytes
 * @param {string} what  name of the file, for errors
 * @param {import('./input-files.js').Packages} packages
 * @param {(file: Hdf5) => T} read
 * @returns {Promise<T>}
 */
async function openHdf5(bytes, what, { h5wasm }, read) {
  const { ready, File } = await optionalPackage('h5wasm', 'File', `${what}: reading HDF5`, h5wasm, (absent) =>
    import('h5wasm').catch(absent),
  );
  const module = await ready;
  const { FS } = module;
  // HDF5 prints its errors to stderr. They are suppressed, because the thrown error reports the problem.
  const stream = /** @type {any} */ (FS).getStream?.(2);
  const tty = stream?.tty;
  if (tty) stream.tty = { ...tty, ops: { ...tty.ops, put_char() {} } };
  const name = `padless-${++opened}.h5`;
  let id = 0n;
  try {
    const broken = brokenHeap(bytes);
    if (broken) throw new ModelFileError(`${what}: the HDF5 file of ${bytes.length} bytes is broken: ${broken}`);
    FS.writeFile(name, bytes);
    return withBoundedMemory(module, roomFor(bytes.length), () => {
      id = BigInt(new File(name, 'r').file_id);
      if (id <= 0n)
        throw new ModelFileError(
          `${what}: ${bytes.length} bytes that are not a whole HDF5 file${isHdf5(bytes) ? '' : butIs(bytes)}`,
        );
      return read(new Hdf5(module, id, what, bytes.length));
    });
  } catch (error) {
    if (error instanceof PadlessError) throw error;
    throw new ModelFileError(
      `${what}: the HDF5 file of ${bytes.length} bytes is broken: ${String(/** @type {any} */ (error)?.message ?? error).slice(0, 200)}`,
      {
        cause: error,
      },
    );
  } finally {
    if (id > 0n) module.close_file(id);
    if (FS.analyzePath(name).exists) FS.unlink(name);
    if (tty) stream.tty = tty;
  }
}

/**
 * Reads a Keras model or its weights from an HDF5 file.
 * @param {Uint8Array} bytes  the content of a .h5, .hdf5 or .weights.h5 file
 * @param {string} [what]  name of the file, for errors
 * @param {import('./input-files.js').Packages} [packages]
 * @returns {Promise<KerasFile>}
 * @throws {ModelFileError} for a file that is truncated or inconsistent
 * @throws {UnsupportedError} if the package h5wasm is missing, and for weights that are not floats
 */
export function readHdf5(bytes, what = 'the file', packages = {}) {
  return openHdf5(bytes, what, packages, (file) => {
    const json = file.attribute('/', 'model_config')?.[0];
    if (json !== undefined && json.length > JSON_MOST)
      throw new ModelFileError(`${what}: model_config has ${json.length} characters, at most ${JSON_MOST} are read`);
    const config = json === undefined ? null : parseJson(encodeText(json), `${what}: model_config`);
    const group = file.isGroup('/model_weights') ? '/model_weights' : '';
    const layerNames = file.list(group || '/', 'layer_names');
    const version = file.attribute('/', 'keras_version') ?? file.attribute(group || '/', 'keras_version');
    const backend = file.attribute('/', 'backend') ?? file.attribute(group || '/', 'backend');
    const about = { config, kerasVersion: version?.[0] ?? null, backend: backend?.[0] ?? null };
    if (group || layerNames.length) {
      const top = `${group}/top_level_model_weights`;
      if (file.isGroup(top) && file.list(top, 'weight_names').length)
        throw new UnsupportedError(`${what}: the model has weights that belong to no layer; padless reads weights of layers`);
      const layers = layerNames.map((name) => {
        const at = `${group}/${name}`;
        if (!file.isGroup(at)) throw file.broken(at, 'is missing');
        const names = file.list(at, 'weight_names').filter((weight) => !trainingNames.test(weight));
        return { name, weights: names.map((weight) => file.array(`${at}/${weight}`, weight)) };
      });
      return { ...about, layers, vars: null };
    }
    const vars = variables(file);
    // Even a model without weights has these groups.
    const isKeras = ['/layers', '/vars', '/_layer_checkpoint_dependencies'].some((path) => file.isGroup(path));
    if (vars.size === 0 && !config && !isKeras)
      throw new ModelFileError(`${what}: Keras did not write this HDF5 file: it has neither layer_names nor layers`);
    return { ...about, layers: null, vars };
  });
}

/** Groups at the root that belong to no layer. Keras 2 writes them after fit(). */
const trainingGroups = new Set(['optimizer', '_optimizer', 'metrics', '_metrics']);

/**
 * Reads every array of Keras 3's layout, except those that only training needs (optimizer, metrics, random generators). Keras 2 on Windows
 * writes names such as `layers\\dense`; the returned paths have slashes instead.
 * @param {Hdf5} file
 */
function variables(file) {
  /** @type {Map<string, NamedArray>} */
  const vars = new Map();
  let nodes = 0;
  /** @param {string} path @param {number} depth */
  const walk = (path, depth) => {
    for (const name of file.names(path || '/')) {
      if (++nodes > file.nodesMost) throw file.broken(path, `makes more than ${file.nodesMost} groups and arrays`);
      const at = `${path}/${name}`;
      const [first, ...rest] = name.split('\\');
      if ((rest.at(-1) ?? first) === 'seed_generator' || (depth === 0 && trainingGroups.has(first))) continue;
      if (file.isGroup(at)) {
        if (depth > NESTED_MOST) throw file.broken(path, `makes groups more than ${NESTED_MOST} deep`);
        walk(at, depth + 1);
      } else {
        const place = at.slice(1).replaceAll('\\', '/');
        if (/(^|\/)vars\/[^/]+$/.test(place)) vars.set(place, file.array(at, place));
      }
    }
  };
  walk('', 0);
  return vars;
}
