/**
 * `padless/import`: reads model files of other frameworks into a Model that gives the same results.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../errors.js';
import { butIs } from '../file/kinds.js';
import { readOptions, checkImportOptions } from './finish.js';
import { formatOf } from './formats.js';
import { InputFile } from './input-files.js';
export { recognise } from './formats.js';
export { toInt8 } from './quantize.js';
export { fromFastText } from './fasttext.js';
export { fromOnnx } from './onnx.js';
export { fromTfjs } from './tfjs.js';
export { fromTorch } from './torch.js';
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('../file/read-source.js').ModelSource} ModelSource */
/** @typedef {import('./input-files.js').FilesSource} FilesSource */
/** @typedef {import('./input-files.js').Packages} Packages */
/** @typedef {import('./finish.js').ImportOptions} ImportOptions */
/** @typedef {import('./formats.js').Format} Format */
/** @typedef {import('./formats.js').FormatOptions} FormatOptions */
/** @typedef {import('./formats.js').Recognised} Recognised */
/** @typedef {import('./torch.js').TorchModule} TorchModule */
/** @typedef {import('./torch.js').TorchArchitecture} TorchArchitecture */

/**
 * Imports a model of Keras 1 to 3: `.keras`, a whole `.h5`, or JSON (model.to_json()) with its weights in another file. Needs the package
 * h5wasm, and for `.keras` also fflate.
 * @param {ModelSource} file  URL, path, bytes, Response, Blob or File
 * @param {(ImportOptions & { weights?: ModelSource | undefined, packages?: Packages | null }) | null} [given]
 *   weights: the HDF5 file of the weights, if `file` is JSON; packages: h5wasm and fflate, if padless cannot import them by name
 * @returns {Promise<Model>}
 * @throws {ModelFileError} for an invalid file, or weights that do not fit the layers
 * @throws {UnsupportedError} for a layer or an option that padless lacks, or if a package is missing
 */
export async function fromKeras(file, given) {
  checkImportOptions('fromKeras', given);
  const options = given ?? {};
  const main = new InputFile(file, readOptions(options));
  const format = await formatOf(main);
  if (format?.importer && format.importer !== 'fromKeras')
    throw new UnsupportedError(`${main.name}: ${format.title}; use ${format.importer}`);
  if (format) return format.read(main, options, file);
  await main.json();
  throw new ModelFileError(
    `${main.name}: ${(await main.bytes()).length} bytes, neither .keras nor .h5 nor the JSON of a Keras model${butIs(await main.bytes())}`,
  );
}
