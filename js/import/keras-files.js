/**
 * Reads models of Keras 1 to 3 from the three formats that Keras saves: a .keras file, an HDF5 file with architecture and weights, or a JSON
 * architecture with an HDF5 file of weights.
 * @module
 */
import { ModelFileError, textOf } from '../errors.js';
import { readCrfs } from './crf.js';
import { finish, reading, readOptions } from './finish.js';
import { readHdf5 } from './hdf5.js';
import { InputFile } from './input-files.js';
import { modernKeras } from './keras.js';
import { refuseQuantized } from './keras-int8.js';
import { withModules } from './keras-operations.js';
import { listOf } from './tokenizer.js';
import { weightsByLayer, weightsByPath } from './weights.js';
import { readKeras } from './zip.js';
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('../file/read-source.js').ModelSource} ModelSource */
/**
 * @typedef {object} KerasFiles
 * @property {ModelSource | undefined} [weights]  the HDF5 file of weights, if the architecture is a JSON file
 * @property {string | undefined} [kerasVersion]  version of the Keras that saved a JSON file, such as 3.15.1; to_json() of Keras 3 does not write it
 * @property {import('./input-files.js').Packages | null} [packages]  h5wasm and fflate, for environments in which padless cannot import them
 */
/** @typedef {import('./finish.js').ImportOptions & KerasFiles} KerasOptions */

/**
 * Removes the weights of output_mode="tf_idf" from the arrays of a file, and returns them.
 * @param {Map<string, import('./floats.js').NamedArray> | null | undefined} vars
 * @param {{ name: string, weights: import('./floats.js').NamedArray[] }[]} [layers]  of a whole .h5
 * @param {any} [architecture]
 * @returns {Map<string, Float32Array>} by the path of their layer, or by its name
 */
function takeIdf(vars, layers = [], architecture = null) {
  const idf = new Map();
  const lookups = new Set(
    listOf(architecture).flatMap((entry) => (/^tf.idf$/.test(entry?.config?.output_mode) ? [entry.config.name] : [])),
  );
  for (const layer of layers)
    if (lookups.has(layer.name) && layer.weights.length === 1) {
      idf.set(layer.name, layer.weights[0].data);
      layer.weights = [];
    }
  for (const [path, { data }] of vars ?? []) {
    const layer = /^(.*)\/vars\/idf_weights$/.exec(path)?.[1];
    if (layer === undefined) continue;
    idf.set(layer, data);
    vars?.delete(path);
  }
  return idf;
}

/** @param {InputFile} file  .keras @param {KerasOptions} options @returns {Promise<Model>} */
export async function fromKerasZip(file, options) {
  const { name } = file;
  const { config, kerasVersion, layers, vocabularies, ...read } = await readKeras(await file.bytes(), name, options.packages ?? {});
  const idf = takeIdf(read.vars);
  const { architecture: json, vars } = reading(name, () => readCrfs(config, read.vars, options.customLayers));
  const weights = vars ? weightsByPath(vars, name) : weightsByLayer(layers ?? [], name);
  refuseQuantized(json);
  const architecture = reading(name, () => modernKeras(json, kerasVersion));
  return finish({ architecture, kerasVersion, origin: 'keras', weights, stored: { vocabularies, idf } }, options);
}

/** @param {InputFile} file  HDF5 with architecture and weights @param {KerasOptions} options @returns {Promise<Model>} */
export const fromKerasHdf5 = (file, options) => fromHdf5(file, options, null);

/** @param {InputFile} file  the output of model.to_json() @param {KerasOptions} options  `weights` is required @returns {Promise<Model>} */
export async function fromKerasJson(file, options) {
  const json = await file.json();
  if (!options.weights)
    throw new ModelFileError(`${file.name} holds only the architecture; give its weights, too (padless convert --weights FILE)`);
  return fromHdf5(file, options, json);
}

/**
 * Reads a model whose weights are in an HDF5 file: `options.weights`, or else `file` itself.
 * @param {InputFile} file  messages about weights name this file
 * @param {KerasOptions} options
 * @param {any} json  the architecture; null if the HDF5 file contains it
 */
async function fromHdf5(file, options, json) {
  const { name } = file;
  const hdf5 = options.weights ? new InputFile(options.weights, readOptions(options)) : file;
  const holds = await readHdf5(await hdf5.bytes(), hdf5.name, options.packages ?? {});
  const architecture = json ?? withModules(holds.config);
  if (!architecture)
    throw new ModelFileError(`${name} holds only weights; give the architecture as JSON, and this file as its weights`);
  // Two kinds of files lack a version: those of Keras 3, recognised by `vars` or `module`, and weights of Keras 1.
  const kerasVersion = textOf(
    options.kerasVersion ?? json?.keras_version ?? holds.kerasVersion ?? (holds.vars || json?.module ? '3' : '1'),
  );
  const { backend, layers } = holds;
  const stored = { vocabularies: new Map(), idf: takeIdf(holds.vars, layers ?? [], architecture) };
  const { architecture: own, vars } = reading(name, () => readCrfs(architecture, holds.vars, options.customLayers));
  const theano = backend === 'theano' || (!backend && parseInt(kerasVersion, 10) < 2);
  const weights = vars ? weightsByPath(vars, name) : weightsByLayer(layers ?? [], name, { theano });
  refuseQuantized(own);
  const modern = reading(name, () => modernKeras(own, kerasVersion));
  return finish({ architecture: modern, kerasVersion, origin: 'keras', weights, stored }, options);
}
