/**
 * Models of Keras 1 to 3, in the three forms that Keras saves: a .keras file, a whole HDF5 file, JSON with its weights in HDF5.
 * @module
 */
import { ModelFileError, textOf } from '../errors.js';
import { finish, reading, readOptions } from './finish.js';
import { readHdf5 } from './hdf5.js';
import { InputFile } from './input-files.js';
import { modernKeras } from './keras.js';
import { withModules } from './keras-operations.js';
import { weightsByLayer, weightsByPath } from './weights.js';
import { readKeras } from './zip.js';
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('../file/read-source.js').ModelSource} ModelSource */
/**
 * @typedef {object} KerasFiles
 * @property {ModelSource | undefined} [weights]  HDF5, where the file is a JSON
 * @property {string | undefined} [kerasVersion]  of the Keras that saved a JSON, such as 3.15.1: to_json() of Keras 3 does not write it
 * @property {import('./input-files.js').Packages | null} [packages]  h5wasm and fflate, where padless stands where it cannot find them
 */
/** @typedef {import('./finish.js').ImportOptions & KerasFiles} KerasOptions */

/** @param {InputFile} file  .keras @param {KerasOptions} options @returns {Promise<Model>} */
export async function fromKerasZip(file, options) {
  const { name } = file;
  const { config, kerasVersion, vars, layers, vocabularies } = await readKeras(await file.bytes(), name, options.packages ?? {});
  const weights = vars ? weightsByPath(vars, name) : weightsByLayer(layers ?? [], name);
  const version = kerasVersion ?? '3';
  const architecture = reading(name, () => modernKeras(config, version));
  return finish({ architecture, kerasVersion: version, origin: 'keras', weights, vocabularies }, options);
}

/** @param {InputFile} file  a whole model in HDF5 @param {KerasOptions} options @returns {Promise<Model>} */
export const fromKerasHdf5 = (file, options) => fromHdf5(file, options, null);

/** @param {InputFile} file  model.to_json() @param {KerasOptions} options  with its weights @returns {Promise<Model>} */
export async function fromKerasJson(file, options) {
  const json = await file.json();
  if (!options.weights)
    throw new ModelFileError(`${file.name}: the architecture alone; give its weights, too (padless convert --weights FILE)`);
  return fromHdf5(file, options, json);
}

/**
 * @param {InputFile} file  named in messages about weights
 * @param {KerasOptions} options
 * @param {any} json  the architecture; null: it is in the HDF5 file
 */
async function fromHdf5(file, options, json) {
  const { name } = file;
  const hdf5 = options.weights ? new InputFile(options.weights, readOptions(options)) : file;
  const holds = await readHdf5(await hdf5.bytes(), hdf5.name, options.packages ?? {});
  const architecture = json ?? withModules(holds.config);
  if (!architecture)
    throw new ModelFileError(`${name}: weights alone; give the architecture as JSON, and this file as its weights`);
  // What says no version is Keras 3's JSON, or weights of Keras 1.
  const kerasVersion = textOf(
    options.kerasVersion ?? json?.keras_version ?? holds.kerasVersion ?? (holds.vars || json?.module ? '3' : '1'),
  );
  const { backend, vars, layers } = holds;
  const theano = backend === 'theano' || (!backend && parseInt(kerasVersion, 10) < 2);
  const weights = vars ? weightsByPath(vars, name) : weightsByLayer(layers ?? [], name, { theano });
  const modern = reading(name, () => modernKeras(architecture, kerasVersion));
  return finish({ architecture: modern, kerasVersion, origin: 'keras', weights }, options);
}
