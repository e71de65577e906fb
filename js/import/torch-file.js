/**
 * Reads the tensors of files that torch.save writes. Since PyTorch 1.6 these are zips of a pickle and the values; before, and with
 * _use_new_zipfile_serialization=False, several pickles followed by the values. A tensor's values are copied when its `data` is read.
 * @module
 */
import { checkFits, ModelFileError, UnsupportedError } from '../errors.js';
import { textDecoder } from '../runtime/engine.js';
import { describe, PickledRecord, PickleReader, recordNames } from './pickle.js';
import { isZip, unzip } from './zip.js';
/** @typedef {import('../file/safetensors.js').StoredTensor} StoredTensor */
/** @typedef {import('../file/safetensors.js').Dtype} Dtype */

/** Advice how to save a file that padless reads. */
const ADVICE = 'save its state dict: torch.save(model.state_dict(), "state.pt")';

/** torch's dtype -> safetensors' dtype (or torch's own name, where safetensors has none), and the size of a value in bytes. @type {Record<string, [Dtype | string, number]>} */
const dtypes = {
  float32: ['F32', 4],
  float64: ['F64', 8],
  float16: ['F16', 2],
  bfloat16: ['BF16', 2],
  float8_e4m3fn: ['F8_E4M3', 1],
  float8_e5m2: ['F8_E5M2', 1],
  float8_e4m3fnuz: ['F8_E4M3FNUZ', 1],
  float8_e5m2fnuz: ['F8_E5M2FNUZ', 1],
  float8_e8m0fnu: ['F8_E8M0', 1],
  int8: ['I8', 1],
  int16: ['I16', 2],
  int32: ['I32', 4],
  int64: ['I64', 8],
  uint8: ['U8', 1],
  uint16: ['U16', 2],
  uint32: ['U32', 4],
  uint64: ['U64', 8],
  bool: ['BOOL', 1],
  complex32: ['C32', 4],
  complex64: ['C64', 8],
  complex128: ['C128', 16],
};

/** Class of a storage -> dtype of its values. The values of an UntypedStorage are bytes. @type {Record<string, string>} */
const storages = {
  FloatStorage: 'float32',
  DoubleStorage: 'float64',
  HalfStorage: 'float16',
  BFloat16Storage: 'bfloat16',
  CharStorage: 'int8',
  ShortStorage: 'int16',
  IntStorage: 'int32',
  LongStorage: 'int64',
  ByteStorage: 'uint8',
  BoolStorage: 'bool',
  ComplexFloatStorage: 'complex64',
  ComplexDoubleStorage: 'complex128',
  UntypedStorage: 'uint8',
};

/** Values that several tensors may share. @typedef {{ dtype: string, bytes: () => Uint8Array }} Storage */

/** Maximum size in bytes of a tensor that repeats values of its storage. */
const EXPANDED_MOST = 2 ** 24;

/** A tensor: a view of a storage. */
class PickledTensor {
  /** @param {Storage} storage @param {any} offset @param {any} shape @param {any} strides @param {string} [dtype]  default: the storage's */
  constructor(storage, offset, shape, strides, dtype = storage?.dtype) {
    const isList = (/** @type {any} */ list) =>
      Array.isArray(list) && list.every((each) => Number.isSafeInteger(each) && each >= 0);
    if (!storage?.bytes || !Number.isSafeInteger(offset) || offset < 0 || !isList(shape) || !isList(strides))
      throw new ModelFileError('a tensor has no storage, or its offset, shape or strides are not integers from 0 on');
    if (!Object.hasOwn(dtypes, dtype))
      throw new UnsupportedError(`a tensor has dtype ${dtype}, expected one of ${Object.keys(dtypes)}`);
    if (shape.length !== strides.length) throw new ModelFileError(`a tensor of shape [${shape}] has the strides [${strides}]`);
    this.dtype = /** @type {Dtype} */ (dtypes[dtype][0]);
    this.size = dtypes[dtype][1];
    this.storage = storage;
    this.offset = offset;
    this.shape = /** @type {number[]} */ (shape);
    this.strides = /** @type {number[]} */ (strides);
  }

  /** Its values, row by row. @returns {Uint8Array} */
  get data() {
    const { shape, strides, offset, size } = this;
    const bytes = this.storage.bytes();
    const count = shape.reduce((product, length) => checkFits(product * length), 1);
    const last = shape.reduce((sum, length, i) => sum + (length - 1) * strides[i], offset);
    if (count && (last + 1) * size > bytes.length)
      throw new ModelFileError(
        `a tensor of shape [${shape}] ends at value ${last + 1} of its storage, which has ${Math.floor(bytes.length / size)}`,
      );
    const dense = shape.map((_, i) => shape.slice(i + 1).reduce((product, length) => product * length, 1));
    if (count === 0 || shape.every((length, i) => length === 1 || strides[i] === dense[i]))
      return bytes.subarray(offset * size, (offset + count) * size);
    // A tensor may repeat the values of its storage.
    if (count * size > Math.max(EXPANDED_MOST, bytes.length))
      throw new UnsupportedError(
        `a tensor of shape [${shape}] repeats a storage of ${bytes.length} bytes; padless expands it to at most ${EXPANDED_MOST} bytes`,
      );
    const y = new Uint8Array(count * size);
    const index = shape.map(() => 0);
    for (let n = 0, at = offset; n < count; n++) {
      for (let i = 0; i < size; i++) y[n * size + i] = bytes[at * size + i];
      // Increment the index, last axis first; an axis that reaches its end restarts at 0 and carries to the axis before it.
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        at += strides[axis];
        if (++index[axis] < shape[axis]) break;
        at -= shape[axis] * strides[axis];
        index[axis] = 0;
      }
    }
    return y;
  }
}

/** @param {any} dtype  a PickledName @returns {string} */
const dtypeOf = (dtype) => String(dtype?.name).replace('torch.', '');

/** Names that a file of torch.save may contain, besides Python's own. @type {import('./pickle.js').Names} */
const names = new Map([
  ...recordNames([
    'argparse.Namespace',
    'types.SimpleNamespace',
    'torch.device',
    'torch.torch_version.TorchVersion',
    ...['PosixPath', 'PurePosixPath', 'WindowsPath', 'PureWindowsPath', 'Path', 'PurePath'].map((name) => `pathlib.${name}`),
    ...['datetime', 'date', 'timedelta'].map((name) => `datetime.${name}`),
    // NumPy scalars: checkpoints often store, for example, the best accuracy.
    'numpy.dtype',
    'numpy.ndarray',
    ...['numpy.core', 'numpy._core'].flatMap((module) =>
      ['multiarray.scalar', 'multiarray._reconstruct', 'numeric._frombuffer'].map((name) => `${module}.${name}`),
    ),
  ]),
  .../** @type {[string, import('./pickle.js').Build | null][]} */ ([
    ['torch._utils._rebuild_tensor', (storage, offset, shape, strides) => new PickledTensor(storage, offset, shape, strides)],
    ['torch._utils._rebuild_tensor_v2', (storage, offset, shape, strides) => new PickledTensor(storage, offset, shape, strides)],
    [
      'torch._utils._rebuild_tensor_v3',
      (storage, offset, shape, strides, _grad, _hooks, dtype) => new PickledTensor(storage, offset, shape, strides, dtypeOf(dtype)),
    ],
    ['torch._utils._rebuild_parameter', (tensor) => tensor],
    ['torch._utils._rebuild_parameter_with_state', (tensor) => tensor],
    ['torch.nn.parameter.Parameter', (tensor) => tensor],
    ['torch.Size', (sizes) => sizes],
    ...Object.keys(storages).flatMap((name) => [
      [`torch.${name}`, null],
      [`torch.cuda.${name}`, null],
      [`torch.storage.${name}`, null],
    ]),
    ...Object.keys(dtypes).map((name) => [`torch.${name}`, null]),
  ]),
]);

/** @param {string} name  a name in the pickle that is not listed */
const advice = (name) =>
  name.endsWith('_rebuild_qtensor')
    ? 'quantised tensors are not supported; save tensor.dequantize()'
    : name.endsWith('_rebuild_sparse_tensor')
      ? 'sparse tensors are not supported; save tensor.to_dense()'
      : /^(__main__|__mp_main__|torch\.nn)\.|^(?!torch\.|numpy\.|collections\.)[\w.]+\.[A-Z]\w*$/.test(name)
        ? `this is the class of a pickled object; if it is a whole model, ${ADVICE}`
        : ADVICE;

/** Reads a persistent id, by which the pickle refers to a storage outside of it. @param {any} id @param {string} what */
function storageOf(id, what) {
  const [kind, type, key, , count, view] = Array.isArray(id) ? id : [];
  if (kind === 'module') throw new UnsupportedError(`${what}: a whole model, with its code; ${ADVICE}`);
  const dtype = storages[String(type?.name).split('.').pop() ?? ''];
  if (kind !== 'storage' || !dtype || typeof key !== 'string' || !Number.isSafeInteger(count) || count < 0)
    throw new ModelFileError(`${what}: the pickle refers to ${describe(kind)} outside of the pickle, expected a storage`);
  return { dtype, key, count: Number(count), view };
}

/**
 * @param {Uint8Array} bytes
 * @param {string} what
 * @param {import('./input-files.js').Packages} packages
 */
async function readZip(bytes, what, packages) {
  /** @type {Set<string>} */
  const seen = new Set();
  const wanted = /(^|\/)(data\.pkl|byteorder|data\/\d+)$/;
  const entries = await unzip(bytes, what, (name) => seen.add(name) && wanted.test(name), packages);
  const pickle = [...entries.keys()].find((name) => /(^|\/)data\.pkl$/.test(name));
  if (pickle === undefined) throw new ModelFileError(`${what}: the zip has no data.pkl: torch.save did not write it`);
  const root = pickle.slice(0, -'data.pkl'.length);
  if (seen.has(`${root}constants.pkl`))
    throw new UnsupportedError(
      `${what}: a TorchScript module; save its state dict: torch.save(torch.jit.load(FILE).state_dict(), "state.pt")`,
    );
  const order = textDecoder().decode(entries.get(`${root}byteorder`) ?? new Uint8Array()) || 'little';
  if (order !== 'little') throw new UnsupportedError(`${what}: values are in ${order}-endian order, padless reads little-endian`);
  const persistent = (/** @type {any} */ id) => {
    const { dtype, key } = storageOf(id, what);
    return {
      dtype,
      bytes() {
        const found = entries.get(`${root}data/${key}`);
        if (!found)
          throw new ModelFileError(`${what}: the zip has no ${root}data/${key.slice(0, 80)}, which holds values of a tensor`);
        return found;
      },
    };
  };
  const reader = new PickleReader(/** @type {Uint8Array} */ (entries.get(pickle)), what, { names, persistent, advice });
  return reader.read();
}

/** Before 1.6, the first pickle of a file is this int, and the second is this version. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_VERSION = 1001;

/** @param {Uint8Array} bytes @param {string} what */
function readLegacy(bytes, what) {
  /** Key of a storage -> its bytes. @type {Map<string, Uint8Array>} */
  const values = new Map();
  /** @type {Map<string, { dtype: string, count: number }>} */
  const said = new Map();
  const persistent = (/** @type {any} */ id) => {
    const { dtype, key, count, view } = storageOf(id, what);
    said.set(key, { dtype, count });
    const size = dtypes[dtype][1];
    // Before PyTorch 0.4, a storage may be a part of another storage: [key, offset, count].
    const [, from = 0, length = count] = Array.isArray(view) ? view : [];
    return {
      dtype,
      bytes() {
        const found = values.get(key);
        if (!found) throw new ModelFileError(`${what}: the values of storage ${key.slice(0, 80)} are missing`);
        return found.subarray(from * size, (from + length) * size);
      },
    };
  };
  const reader = new PickleReader(bytes, what, { names, persistent, advice });
  if (reader.read() !== LEGACY_MAGIC) throw new UnsupportedError(`${what}: a pickle that torch.save did not write; ${ADVICE}`);
  const version = reader.read();
  if (version !== LEGACY_VERSION) throw new UnsupportedError(`${what}: version ${describe(version)} of torch.save, expected 1001`);
  const system = reader.read();
  if (system instanceof Map && system.get('little_endian') === false)
    throw new UnsupportedError(`${what}: values are in big-endian order, padless reads little-endian`);
  const object = reader.read();
  const keys = reader.read();
  if (!Array.isArray(keys)) throw new ModelFileError(`${what}: the keys of its storages are ${describe(keys)}, expected a list`);
  for (const key of keys) {
    const { dtype, count } = said.get(key) ?? {};
    const stored = Number(reader.u64());
    if (dtype === undefined || stored !== count)
      throw new ModelFileError(
        `${what}: storage ${describe(key)} has ${stored} values, expected ${count ?? 'a storage that the pickle refers to'}`,
      );
    values.set(key, reader.take(stored * dtypes[dtype][1]));
  }
  return object;
}

/** Maximum depth of dicts inside dicts. */
const NESTED_MOST = 8;

/**
 * The tensors of a dict and of the dicts in it. Names of nested tensors are joined by dots.
 * @param {any} object @param {string} what @returns {{ tensors: Map<string, StoredTensor>, prefix: string }}
 */
function namedTensors(object, what) {
  /** @type {Map<string, any>} */
  const tensors = new Map();
  const seen = new Set();
  const visit = (/** @type {any} */ value, /** @type {string} */ name, /** @type {number} */ depth) => {
    if (value instanceof PickledTensor) tensors.set(name, value);
    else if (value instanceof Map && !seen.has(value) && depth < NESTED_MOST) {
      seen.add(value);
      for (const [key, each] of value) if (typeof key === 'string') visit(each, name ? `${name}.${key}` : key, depth + 1);
    }
  };
  if (!(object instanceof Map)) {
    const found =
      object instanceof PickledTensor ? 'one tensor' : object instanceof PickledRecord ? object.className : describe(object);
    throw new UnsupportedError(`${what}: ${found}, expected a dict of tensors; ${ADVICE}`);
  }
  visit(object, '', 0);
  if (tensors.size === 0) throw new ModelFileError(`${what}: the dict of ${object.size} values contains no tensor; ${ADVICE}`);
  return { tensors, prefix: prefixIn(object) };
}

/** The prefix of the state dict in a checkpoint, which also holds other things, such as the state of the optimizer; '' if there is not just one. @param {Map<any, any>} object */
function prefixIn(object) {
  const hasTensors = (/** @type {any} */ value) =>
    value instanceof Map && [...value].some(([key, each]) => typeof key === 'string' && each instanceof PickledTensor);
  if (hasTensors(object)) return '';
  const dicts = [...object].filter(([key, value]) => typeof key === 'string' && hasTensors(value));
  return dicts.length === 1 ? `${dicts[0][0]}.` : '';
}

/**
 * @param {Uint8Array} bytes  of a zip, or of the format before 1.6
 * @param {string} what  for errors
 * @param {import('./input-files.js').Packages} [packages]
 * @returns {Promise<{ tensors: Map<string, StoredTensor>, prefix: string }>} prefix: the prefix of the state dict in a checkpoint
 * @throws {ModelFileError | UnsupportedError}
 */
export async function readTorch(bytes, what, packages = {}) {
  const object = isZip(bytes) ? await readZip(bytes, what, packages) : readLegacy(bytes, what);
  return namedTensors(object, what);
}
