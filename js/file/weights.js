/**
 * Weights in a model file. The code for int8 weights is fetched for files that have some.
 * @module
 */
import { importLate } from '../runtime/import-late.js';
import { float32 } from './safetensors.js';
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('./safetensors.js').StoredTensor} StoredTensor */

/** @type {typeof import('./int8-weights.js') | undefined} */
let int8Weights;

/** Saves the import() of int8-weights.js, which service workers refuse. @param {typeof import('./int8-weights.js')} module */
export const provideInt8 = (module) => void (int8Weights = module);

/** The weights in a file by path. @param {Map<string, StoredTensor>} tensors @returns {Promise<Map<string, Weight>>} */
export async function weightsOf(tensors) {
  /** @type {Map<string, Weight>} */
  const weights = new Map();
  /** A U8 tensor is a packed weight only if it has scales. @param {string} name */
  const isInt8 = (name) => {
    const dtype = tensors.get(name)?.dtype;
    return dtype === 'I8' || (dtype === 'U8' && tensors.has(`${name}.scale`));
  };
  for (const [name, stored] of tensors) {
    const [, owner = ''] = /^(.*)\.(?:scale|rows)$/.exec(name) ?? [];
    if (isInt8(name)) {
      int8Weights ??= await importLate(() => import('./int8-weights.js'));
      weights.set(name, int8Weights.readInt8(name, tensors));
    } else if (!isInt8(owner)) weights.set(name, { shape: stored.shape, data: float32(stored, name) });
  }
  return weights;
}

/** @param {'F32' | 'I8' | 'U8'} dtype @param {Float32Array | Int8Array | Uint8Array} values @param {number[]} shape @returns {StoredTensor} */
export const tensor = (dtype, { buffer, byteOffset, byteLength }, shape) => ({
  dtype,
  shape,
  data: new Uint8Array(buffer, byteOffset, byteLength),
});

/** The tensors of a weight in a file. @param {string} path @param {Weight} weight @returns {[string, StoredTensor][]} */
export const storedTensors = (path, weight) => weight.stored?.(path) ?? [[path, tensor('F32', weight.data, weight.shape)]];
