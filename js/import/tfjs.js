/**
 * Reads TF.js Layers models: model.json and the weight files (shards) that it lists.
 * @module
 */
import { ModelFileError, show, textOf, UnsupportedError } from '../errors.js';
import { checkImportOptions, finish, reading, readOptions } from './finish.js';
import { toFloat32 } from './floats.js';
import { Files, parseJson } from './input-files.js';
import { modernKeras } from './keras.js';
import { weightsByName } from './weights.js';
/** @typedef {import('./floats.js').NamedArray} NamedArray */
/** @typedef {import('./finish.js').ImportOptions} ImportOptions */
/** @typedef {import('./input-files.js').FilesSource} FilesSource */

/** @typedef {{ config: any, kerasVersion: string, weights: NamedArray[] }} TfjsFile  weights in the order of the manifest */

/**
 * Imports a TensorFlow.js Layers model.
 * @param {FilesSource} files  URL or path of model.json, with its shards in the same folder; a folder; or all files, as a list of File or an object from names to files
 * @param {ImportOptions | null} [given]
 * @returns {Promise<import('../model/model.js').Model>}
 * @throws {ModelFileError | UnsupportedError | import('../errors.js').LoadError}
 */
export async function fromTfjs(files, given) {
  checkImportOptions('fromTfjs', given);
  const options = given ?? {};
  const sources = new Files(files, readOptions(options));
  const json = parseJson(await sources.main('model.json'), 'model.json');
  const { config, kerasVersion, weights } = await readTfjs(json, (path) => sources.beside(path));
  // A converted Keras model follows Keras's rules; a model that TensorFlow.js saved follows the rules of TensorFlow.js.
  const own = /^tfjs/.test(kerasVersion);
  return finish(
    {
      architecture: reading('model.json', () => modernKeras(config, kerasVersion)),
      kerasVersion: own ? '2' : kerasVersion,
      origin: own ? 'tfjs' : 'keras',
      weights: weightsByName(weights, 'model.json'),
    },
    options,
  );
}

/**
 * @param {any} json  a parsed model.json
 * @param {(path: string) => Promise<Uint8Array>} readShard  reads a shard, given its path in the manifest
 * @returns {Promise<TfjsFile>}
 * @throws {ModelFileError} for shards that are too short or too long, or an invalid manifest
 * @throws {UnsupportedError} for graph models, which consist of operations instead of layers
 */
async function readTfjs(json, readShard) {
  const topology = json?.modelTopology;
  if (json?.format === 'graph-model' || topology?.node || topology?.library)
    throw new UnsupportedError(
      'model.json is a TF.js graph model, which has operations instead of layers; import the Keras model it was converted from (.keras, .h5), or convert that with tensorflowjs_converter --input_format=keras --output_format=tfjs_layers_model',
    );
  if (topology === null || typeof topology !== 'object')
    throw new ModelFileError('model.json has no modelTopology: it is not a TF.js model');
  const config = topology.model_config ?? topology;
  const kerasVersion = textOf(topology.keras_version ?? 'tfjs-layers');
  const manifest = json.weightsManifest;
  if (!Array.isArray(manifest)) throw new ModelFileError(`model.json: weightsManifest is ${show(manifest)}, expected a list`);
  /** @type {NamedArray[]} */
  const weights = [];
  for (const group of manifest) {
    const { paths, weights: specs } = group ?? {};
    if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string') || !Array.isArray(specs))
      throw new ModelFileError(`model.json: a group of weightsManifest is ${show(group)}, expected { paths, weights }`);
    const sizes = specs.map(storedSize);
    const needed = sizes.reduce((sum, size) => sum + size, 0);
    const shards = [];
    let size = 0;
    for (const path of paths) {
      if (size > needed) break;
      const shard = await readShard(path);
      shards.push(shard);
      size += shard.length;
    }
    if (needed !== size) {
      const names = paths.length > 3 ? `${paths.slice(0, 3).join(', ')}, ...` : paths.join(', ');
      throw new ModelFileError(`${names}: ${size} bytes, but the weights in model.json take ${needed}`);
    }
    const bytes = joined(shards);
    let at = 0;
    specs.forEach((spec, i) => {
      weights.push({ name: spec.name, shape: spec.shape, data: values(bytes.subarray(at, at + sizes[i]), spec) });
      at += sizes[i];
    });
  }
  return { config, kerasVersion, weights };
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  if (parts.length === 1) return parts[0];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Bytes of one stored element, by dtype. */
const widths = { float32: 4, float16: 2, uint16: 2, uint8: 1 };

/** The stored size of a weight. @param {any} spec  its entry in the manifest @returns {number} bytes */
function storedSize(spec) {
  const { name, shape, dtype, quantization } = spec ?? {};
  if (typeof name !== 'string' || !Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw new ModelFileError(`model.json: a weight of weightsManifest is ${show(spec)}, expected { name, shape, dtype }`);
  if (dtype !== 'float32')
    throw new UnsupportedError(`model.json: weight ${name} is of dtype ${show(dtype)}; padless reads float32`);
  const stored = quantization?.dtype ?? 'float32';
  if (!Object.hasOwn(widths, stored) || (quantization && stored === 'float32'))
    throw new UnsupportedError(`model.json: weight ${name} is quantized to ${show(stored)}; padless reads uint8, uint16, float16`);
  if (quantization && stored !== 'float16' && !(Number.isFinite(quantization.scale) && Number.isFinite(quantization.min)))
    throw new ModelFileError(
      `model.json: weight ${name} has quantization ${show(quantization)}, expected numbers as scale and min`,
    );
  const size = shape.reduce((product, length) => product * length, widths[/** @type {keyof typeof widths} */ (stored)]);
  if (!Number.isSafeInteger(size))
    throw new ModelFileError(`model.json: weight ${name} of shape [${shape}] takes more than 2^53 bytes`);
  return size;
}

/** @param {Uint8Array} bytes @param {any} spec @returns {Float32Array} */
function values(bytes, { quantization }) {
  if (!quantization) return toFloat32(bytes, 'float32');
  const { dtype, scale, min } = quantization;
  if (dtype === 'float16') return toFloat32(bytes, 'float16');
  return Float32Array.from(dtype === 'uint8' ? bytes : new Uint16Array(bytes.slice().buffer), (value) => value * scale + min);
}
