/**
 * Lists every format that padless reads: how its files are recognised, which further files may belong to them, and which function reads
 * them. The importers, the command line and the page use this list.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../errors.js';
import { textDecoder } from '../runtime/engine.js';
import { loadModel } from '../model/model.js';
import { described, readOptions, checkImportOptions } from './finish.js';
import { fromFastText, isFastText } from './fasttext.js';
import { isHdf5 } from './hdf5.js';
import { filesByPath, InputFile, isSource, parseJson } from './input-files.js';
import { fromKerasHdf5, fromKerasJson, fromKerasZip } from './keras-files.js';
import { fromOnnx, isOnnx } from './onnx.js';
import { fromTfjs } from './tfjs.js';
import { isTokenizer } from './tokenizer.js';
import { fromTorch, isSafetensors, isTorchFile, listTensors, readStateDict } from './torch.js';
import { isZip } from './zip.js';
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('./input-files.js').FilesSource} FilesSource */

/**
 * Options of all importers.
 * @typedef {import('./keras-files.js').KerasOptions & { modules?: import('./torch.js').TorchModule[] | import('./torch.js').TorchArchitecture |
 *   undefined }} FormatOptions
 *   modules: the modules of a PyTorch state dict, in order
 */

/** The JSON in a file; undefined if it is not valid JSON. @param {InputFile} file @returns {Promise<any>} */
const jsonIn = (file) =>
  file.json().catch((error) => {
    if (error instanceof ModelFileError) return undefined;
    throw error;
  });

/** Reads labels: a JSON list, or one label on each line. @param {Uint8Array} bytes @param {string} name  of the file, for errors @returns {string[]} */
export function labelsIn(bytes, name) {
  const text = textDecoder().decode(bytes);
  return text.trimStart().startsWith('[') ? parseJson(bytes, name) : text.trimEnd().split(/\r?\n/);
}

const hdf5 = ['.h5', '.hdf5'];
const pickled = ['.pickle', '.pkl'];

/** Whether JSON describes the modules of a PyTorch state dict. @param {any} json */
function describesModules(json) {
  const list = Array.isArray(json) ? json : json?.modules;
  return Array.isArray(list) && list.length > 0 && list.every((each) => typeof each?.type === 'string');
}

/**
 * Files that belong to a model, by the import option that they fill: `is` recognises the file among several, `read` gives the option's value.
 * @satisfies {Record<string, { is: (file: InputFile) => boolean | Promise<boolean>, read: (file: InputFile) => any }>}
 */
const companions = {
  weights: { is: (file) => file.hasExtension(hdf5), read: (file) => file.source },
  tokenizer: {
    // JSON of labels by number has the same form as a word index, so the file name decides.
    is: async (file) => {
      if (file.hasExtension(pickled)) return true;
      const json = file.hasExtension(['.json']) ? await jsonIn(file) : undefined;
      return (
        json?.class_name === 'Tokenizer' || (/token|word|vocab|dict|index|char|metadata/i.test(file.name) && isTokenizer(json))
      );
    },
    read: (file) => (file.hasExtension(pickled) ? file.bytes() : file.json()),
  },
  text: { is: (file) => /^text.*\.json$/i.test(file.name), read: (file) => file.json() },
  outputs: { is: (file) => /^outputs.*\.json$/i.test(file.name), read: (file) => file.json() },
  labels: {
    is: (file) => /^labels.*\.txt$/i.test(file.name),
    // The caller did not choose this file as the labels, so empty lines are ignored instead of rejected.
    read: async (file) => labelsIn(await file.bytes(), file.name).filter((label) => label !== ''),
  },
};
/** @typedef {keyof typeof companions} Companion */

/**
 * A format that padless reads, or recognises and rejects.
 * @typedef {object} Format
 * @property {string} title  describes a file of this format, for messages
 * @property {'loadModel' | 'fromKeras' | 'fromOnnx' | 'fromTfjs' | 'fromTorch' | 'fromFastText' | null} importer  the function that reads such a file; null: padless rejects the format
 * @property {readonly string[]} extensions  the extensions of its main file, in lower case
 * @property {(file: InputFile, options: FormatOptions) => boolean | Promise<boolean>} [holds]
 *   whether the file's content has this format, whatever its name is; absent: the extension decides
 * @property {readonly Companion[]} beside  further files that may belong to it
 * @property {(file: InputFile, options: FormatOptions, source: FilesSource) => Promise<Model>} read
 *   source: the file together with the files beside it
 */

/** @param {string} title @param {string} advice @returns {Format['read']} */
const refuse = (title, advice) => async (file) => {
  throw new UnsupportedError(`${file.name}: ${title}; ${advice}`);
};

const ofText = /** @type {const} */ (['tokenizer', 'text', 'labels', 'outputs']);

/** The error for a state dict without a description of its modules. @param {InputFile} file @param {FormatOptions} options */
async function refuseUndescribed(file, { packages }) {
  const { tensors } = await readStateDict(await file.bytes(), file.name, packages ?? {});
  return new UnsupportedError(
    `${file.name}: a state dict of PyTorch, which has no architecture; describe its modules (padless convert --torch FILE). It holds ${listTensors(tensors)}`,
  );
}

/**
 * In order of precedence: a file has the first format that it matches. Of several files, the model is the one that matches the earliest format.
 * @type {readonly Format[]}
 */
export const formats = [
  {
    title: 'a classifier of fastText',
    importer: 'fromFastText',
    extensions: ['.ftz', '.bin'],
    holds: async (file) => file.folder === null && isFastText(await file.head()),
    beside: ['text', 'labels', 'outputs'],
    read: (file, options) => fromFastText(file.source, options),
  },
  {
    title: 'a file of torch.save',
    importer: 'fromTorch',
    extensions: ['.pt', '.pth', '.bin'],
    holds: async (file) => file.folder === null && isTorchFile(await file.head()),
    beside: ofText,
    read: async (file, { modules, ...options }) => {
      if (modules === undefined) throw await refuseUndescribed(file, options);
      return fromTorch(file.source, modules, options);
    },
  },
  {
    title: 'a state dict of PyTorch in safetensors',
    importer: 'fromTorch',
    extensions: ['.safetensors'],
    // The file does not say who wrote it. A model of padless contains its architecture, so given modules mean a state dict.
    holds: async (file, { modules }) => modules !== undefined && file.folder === null && isSafetensors(await file.head()),
    beside: ofText,
    read: (file, { modules = [], ...options }) => fromTorch(file.source, modules, options),
  },
  {
    title: 'a padless model',
    importer: 'loadModel',
    extensions: ['.safetensors'],
    beside: ofText,
    read: async (file, options) => {
      const { customLayers = {}, simd, module } = options;
      const model = await loadModel(await file.bytes(), { customLayers, simd, module, ...readOptions(options) });
      return ofText.some((name) => options[name] !== undefined) ? described(model, options) : model;
    },
  },
  {
    title: 'a SavedModel of TensorFlow',
    importer: null,
    extensions: [],
    holds: ({ folder }) => folder !== null && folder.includes('saved_model.pb'),
    beside: [],
    read: refuse('a SavedModel of TensorFlow', "save the model as .keras or .h5: model.save('model.keras')"),
  },
  {
    title: 'an ONNX model',
    importer: 'fromOnnx',
    extensions: ['.onnx'],
    holds: async (file) => file.folder === null && isOnnx(await file.head()),
    beside: ofText,
    read: (file, options, source) =>
      fromOnnx(isSource(source) ? source : { .../** @type {any} */ (source), 'model.onnx': file.source }, options),
  },
  {
    title: 'a TensorFlow.js model',
    importer: 'fromTfjs',
    extensions: ['.json'],
    holds: async (file) => file.folder !== null || Boolean((await jsonIn(file))?.modelTopology),
    beside: ofText,
    read: (_file, options, source) => fromTfjs(source, options),
  },
  {
    title: 'a .keras file',
    importer: 'fromKeras',
    extensions: ['.keras'],
    holds: async (file) => isZip(await file.head()),
    beside: ofText,
    read: fromKerasZip,
  },
  {
    title: 'the JSON of a Keras model',
    importer: 'fromKeras',
    extensions: ['.json'],
    holds: async (file) => {
      const name = (await jsonIn(file))?.class_name;
      return typeof name === 'string' && name !== 'Tokenizer';
    },
    beside: ['weights', ...ofText],
    read: fromKerasJson,
  },
  {
    title: 'an HDF5 file of Keras',
    importer: 'fromKeras',
    extensions: hdf5,
    holds: async (file) => isHdf5(await file.head()),
    beside: ofText,
    read: fromKerasHdf5,
  },
];

/**
 * Recognises the format of a file by its content alone.
 * @param {InputFile} file
 * @returns {Promise<Format | null>}
 */
export async function formatOf(file) {
  for (const format of formats) if (await format.holds?.(file, {})) return format;
  return null;
}

const extensions = formats.flatMap((format) => format.extensions);

/** Sort key that puts .bin last, because TensorFlow.js stores weights, not models, in such files. @param {InputFile} file */
const placeOf = (file) => (file.hasExtension(['.bin']) ? 1 : 0);

/**
 * Finds the model among several files, and its format.
 * @param {InputFile[]} files
 * @param {FormatOptions} options
 * @returns {Promise<{ format: Format, file: InputFile } | null>}
 */
async function modelAmong(files, options) {
  const named = files.filter((file) => file.hasExtension(extensions));
  // Of several files, only those with a known extension are read.
  const candidates = files.length === 1 ? files : named;
  for (const format of formats)
    for (const file of candidates)
      if (format.holds ? await format.holds(file, options) : file.hasExtension(format.extensions)) return { format, file };
  // No file was recognised by its content. The reader for the extension then reports what is wrong with the file.
  for (const file of named.sort((a, b) => placeOf(a) - placeOf(b))) {
    if (file.hasExtension(['.json'])) await file.json();
    else return { format: /** @type {Format} */ (formats.find((format) => file.hasExtension(format.extensions))), file };
  }
  return null;
}

/**
 * A model that was found but is not read yet.
 * @typedef {object} Recognised
 * @property {Format} format
 * @property {string} name  the name of its main file, without folders
 * @property {(more?: FormatOptions) => Promise<Model>} read  more: options in addition to those given to recognise
 */

/**
 * Recognises the format of a model's files by their content and names.
 * @param {FilesSource} source  a file or a folder; or several files: the model and files that belong to it, such as weights, a tokenizer's JSON,
 *   labels.txt and the JSON that describes the modules of a PyTorch state dict. These become the options `weights`, `tokenizer`, `labels` and
 *   `modules`, unless the caller gives them.
 * @param {FormatOptions | null} [given]
 * @returns {Promise<Recognised | null>} null if none of the files is a model
 * @throws {ModelFileError} for invalid JSON, if no other file is a model
 * @throws {import('../errors.js').LoadError} if a file cannot be read
 */
export async function recognise(source, given) {
  checkImportOptions('recognise', given);
  const options = given ?? {};
  const settings = readOptions(options);
  const files = isSource(source)
    ? [new InputFile(source, settings)]
    : [...filesByPath(source)].map(([path, each]) => new InputFile(each, settings, path));
  if (isSource(source)) await files[0].lookForFolder();
  // Several files may include the description of a PyTorch state dict.
  const description = isSource(source)
    ? []
    : await Promise.all(files.map(async (file) => file.hasExtension(['.json']) && jsonIn(file)));
  const modules = options.modules ?? description.find(describesModules);
  const found = await modelAmong(files, { ...options, modules });
  if (!found) return null;
  const { format, file } = found;
  return {
    format,
    name: file.name,
    async read(more) {
      const all = { ...options, modules, ...more };
      if (isSource(source)) return format.read(file, all, source);
      const others = files.filter((each) => each !== file);
      /** @type {Record<string, any>} */
      const beside = {};
      for (const name of format.beside)
        for (const each of others)
          if (all[name] === undefined && !(name in beside) && (await companions[name].is(each)))
            beside[name] = await companions[name].read(each);
      const shards = Object.fromEntries(others.map((each) => [each.path, each.source]));
      return format.read(file, { ...all, ...beside }, { ...shards, 'model.json': file.source });
    },
  };
}
