/**
 * Reads ONNX models: text RNNs that PyTorch, TensorFlow or Paddle exported. The nodes become layers (js/import/onnx/).
 * @module
 */
import { checkImportOptions, finish, reading, readOptions } from './finish.js';
import { Files, fileNameOf, isSource, optionalPackage } from './input-files.js';
/** @typedef {import('./finish.js').ImportOptions} ImportOptions */
/** @typedef {import('./input-files.js').FilesSource} FilesSource */

/**
 * Whether bytes begin like an ONNX file: field 1, the IR version, then one of the fields that writers put after it (producer, domain, graph, opset).
 * @param {Uint8Array} head
 */
export const isOnnx = (head) =>
  head[0] === 0x08 && head[1] > 0 && head[1] < 0x20 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(head[2]);

/**
 * Imports an ONNX model. Needs the package pbf.
 * @param {FilesSource} files  URL, path, bytes, Response, Blob or File; if the weights are in other files, a URL or path beside which these lie, or all files, as a list of File or an object from names to files
 * @param {(ImportOptions & { packages?: import('./input-files.js').Packages | null | undefined }) | null} [given]
 *   packages: pbf, if padless cannot import it by name
 * @returns {Promise<import('../model/model.js').Model>}
 * @throws {import('../errors.js').ModelFileError} for an invalid file
 * @throws {import('../errors.js').UnsupportedError} for a graph that padless cannot express; the message names the node and its operator
 */
export async function fromOnnx(files, given) {
  checkImportOptions('fromOnnx', given);
  const options = given ?? {};
  const sources = new Files(files, readOptions(options));
  const bytes = await sources.main('model.onnx');
  const name = isSource(files) ? fileNameOf(files) : 'model.onnx';
  const { PbfReader } = await optionalPackage('pbf', 'PbfReader', `${name}: reading ONNX`, options.packages?.pbf, (absent) =>
    import('pbf').catch(absent),
  );
  // Fetched late, because few pages read ONNX files.
  const { externalFiles, onnxParts, ProtobufReader } = await import('./onnx/model.js');
  const model = reading(name, () => new ProtobufReader(PbfReader, name).model(bytes));
  /** @type {Map<string, Uint8Array>} */
  const external = new Map();
  for (const path of externalFiles(model)) external.set(path, await sources.beside(path));
  const { architecture, weights } = reading(name, () =>
    onnxParts(model, name, (path) => /** @type {Uint8Array} */ (external.get(path))),
  );
  return finish({ architecture, origin: 'onnx', weights: () => weights }, options);
}
