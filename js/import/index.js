/**
 * `padless/import`: somebody else's file -> a Model that answers as its framework does.
 * @module
 */
import { ArgumentError, ModelFileError, UnsupportedError } from '../errors.js';
import { Functional } from '../layers/functional.js';
import { Sequential } from '../layers/sequential.js';
import { createModel } from '../model/model.js';
import { parse } from '../file/safetensors.js';
import { readSource } from '../file/read-source.js';
import { isHdf5, readHdf5 } from './hdf5.js';
import { modernKeras } from './keras.js';
import { advised, withModules } from './keras-operations.js';
import { Files, parseJson } from './input-files.js';
import { readTfjs } from './tfjs.js';
import { textSettings, withoutVectorizer } from './tokenizer.js';
import { torchParts } from './torch.js';
import { weightsByLayer, weightsByName, weightsByPath } from './weights.js';
import { isZip, readKeras } from './zip.js';
export { toInt8 } from './quantize.js';
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('../file/read-source.js').ModelSource} ModelSource */
/** @typedef {import('./input-files.js').FilesSource} FilesSource */
/** @typedef {import('./input-files.js').Packages} Packages */
/** @typedef {import('./torch.js').TorchModule} TorchModule */

/**
 * @typedef {object} ImportOptions
 * @property {import('../model/model.js').CustomLayers} [customLayers]  your own classes by name, and for a Lambda a class by the layer's name
 * @property {any} [tokenizer]  what Keras's tokenizer.to_json() gave, as text or parsed
 * @property {Partial<import('../text/vectorizer.js').TextSettings>} [text]  text settings of your own, in place of a tokenizer's or over them: padding, ...
 * @property {string[]} [labels]  of the only output: tags of a sequence, scores of a sigmoid, else a class
 * @property {import('../model/answers.js').OutputSettings[]} [outputs]  names, kinds and labels of all outputs
 * @property {import('../runtime/wasm.js').Simd | undefined} [simd]
 * @property {import('../runtime/wasm.js').ModuleSource} [module]
 * @property {AbortSignal} [signal]
 * @property {RequestInit} [fetch]
 */

/** A source's name, for messages. @param {any} source */
const nameOf = (source) => {
  const address = typeof source === 'string' ? source : source instanceof URL ? source.pathname : (source?.name ?? 'the file');
  return String(address).split('/').at(-1) ?? '';
};

/** @param {ImportOptions} options */
const readOptions = ({ signal, fetch }) => ({ ...(signal && { signal }), ...(fetch && { fetch }) });

/**
 * @typedef {object} Parts
 * @property {any} architecture  Keras JSON
 * @property {string} [kerasVersion]
 * @property {'keras' | 'tfjs' | 'torch'} origin
 * @property {(root: any) => Map<string, import('../layers/layer.js').Weight>} weights
 * @property {Map<string, string>} [vocabularies]  of layers of the file, by their paths
 */

/**
 * @param {Parts} parts
 * @param {ImportOptions} options
 * @returns {Promise<Model>}
 */
async function finish({ vocabularies = new Map(), ...parts }, { customLayers, tokenizer, text, labels, outputs, simd, module }) {
  const { architecture, text: own } = withoutVectorizer(parts.architecture, vocabularies);
  const read = tokenizer === undefined ? own : textSettings(tokenizer, architecture);
  const settings = /** @type {import('../text/vectorizer.js').TextSettings | null} */ (
    read ? { ...read, ...text } : (text ?? null)
  );
  /** @param {import('../model/answers.js').OutputSettings[] | undefined} described */
  const make = (described) =>
    createModel({ ...parts, architecture, text: settings, outputs: described, customLayers, simd, module }).catch((error) => {
      throw advised(error);
    });
  const model = await make(outputs);
  if (!labels) return model;
  if (model.outputs.length !== 1)
    throw new ArgumentError(`labels are for a model of one output, this one has ${model.outputs.length}: give outputs`);
  const kind = model.specs[0].sequence ? 'tags' : endsInSigmoid(model.root) ? 'scores' : 'class';
  return make([{ name: model.outputs[0].name, kind, labels }]);
}

/** Each label on its own. @param {import('../layers/layer.js').Layer} layer @returns {boolean} */
function endsInSigmoid(layer) {
  if (layer instanceof Sequential) return endsInSigmoid(layer.layers[layer.layers.length - 1]);
  if (!(layer instanceof Functional)) return layer.config.activation === 'sigmoid' || layer.className === 'ops.Sigmoid';
  const last = layer.nodes.find(({ key }) => key === layer.outputs[0].key);
  return last !== undefined && endsInSigmoid(last.layer);
}

/**
 * A model of Keras 1 to 3: `.keras`, a whole `.h5`, or a JSON (model.to_json()) with its weights beside it. Takes the package h5wasm, and
 * for `.keras` fflate.
 * @param {ModelSource} file  URL, path, bytes, Response, Blob or File
 * @param {(ImportOptions & { weights?: ModelSource | undefined, packages?: Packages | null }) | null} [given]
 *   weights: HDF5, where the file is a JSON; packages: h5wasm and fflate, where padless stands where it cannot find them
 * @returns {Promise<Model>}
 * @throws {ModelFileError} for a file that is broken, or whose weights do not fit its layers
 * @throws {UnsupportedError} for a layer or an option that padless lacks, or a package that is missing
 */
export async function fromKeras(file, given) {
  const options = given ?? {};
  const packages = options.packages ?? {};
  const bytes = await readSource(file, readOptions(options));
  const name = nameOf(file);
  // The first entry of a zip of PyTorch's.
  if (isZip(bytes) && /\/data\.pkl/.test(new TextDecoder('latin1').decode(bytes.subarray(30, 200))))
    throw new UnsupportedError(
      `${name}: a pickle of PyTorch; save its state dict by safetensors.torch.save_file, which fromTorch and padless convert --torch read`,
    );
  const weightBytes = options.weights ? await readSource(options.weights, readOptions(options)) : undefined;
  if (isZip(bytes)) {
    const { config, kerasVersion, vars, layers, vocabularies } = await readKeras(bytes, name, packages);
    const weights = vars ? weightsByPath(vars, name) : weightsByLayer(layers ?? [], name);
    const version = kerasVersion ?? '3';
    return finish(
      { architecture: modernKeras(config, version), kerasVersion: version, origin: 'keras', weights, vocabularies },
      options,
    );
  }
  const json = isHdf5(bytes) ? null : architectureOf(bytes, name);
  if (json?.modelTopology) throw new UnsupportedError(`${name}: a TensorFlow.js model; use fromTfjs`);
  if (json && typeof json.class_name !== 'string')
    throw new ModelFileError(`${name}: neither .keras nor .h5 nor the JSON of a Keras model`);
  if (json && !weightBytes)
    throw new ModelFileError(`${name}: the architecture alone; give its weights, too (padless convert --weights FILE)`);
  const holds = await readHdf5(weightBytes ?? bytes, weightBytes ? nameOf(options.weights) : name, packages);
  const architecture = json ?? withModules(holds.config);
  if (!architecture)
    throw new ModelFileError(`${name}: weights alone; give the architecture as JSON, and this file as its weights`);
  // What says no version is Keras 3's JSON, or weights of Keras 1.
  const kerasVersion = String(json?.keras_version ?? holds.kerasVersion ?? (holds.vars || json?.module ? '3' : '1'));
  const { backend, vars, layers } = holds;
  const theano = backend === 'theano' || (!backend && parseInt(kerasVersion, 10) < 2);
  const weights = vars ? weightsByPath(vars, name) : weightsByLayer(layers ?? [], name, { theano });
  return finish({ architecture: modernKeras(architecture, kerasVersion), kerasVersion, origin: 'keras', weights }, options);
}

/** model.to_json(), or a file into which it was dumped as a string. @param {Uint8Array} bytes @param {string} name @returns {any} */
function architectureOf(bytes, name) {
  if (!/^\ufeff?\s*["{]/.test(new TextDecoder().decode(bytes.subarray(0, 100))))
    throw new ModelFileError(`${name}: ${bytes.length} bytes, neither .keras nor .h5 nor the JSON of a Keras model`);
  const json = parseJson(bytes, name);
  return typeof json === 'string' ? parseJson(new TextEncoder().encode(json), name) : json;
}

/**
 * A TensorFlow.js Layers model.
 * @param {FilesSource} files  model.json by URL or path, its shards beside it; a folder; or all files, as a list of File or by name
 * @param {ImportOptions | null} [given]
 * @returns {Promise<Model>}
 * @throws {ModelFileError | UnsupportedError | import('../errors.js').LoadError}
 */
export async function fromTfjs(files, given) {
  const options = given ?? {};
  const sources = new Files(files, readOptions(options));
  const json = parseJson(await sources.main(['model.json']), 'model.json');
  const { config, kerasVersion, weights } = await readTfjs(json, (path) => sources.beside(path));
  // Saved by Keras and converted, Keras's rules hold; saved by TensorFlow.js, its own.
  const own = /^tfjs/.test(kerasVersion);
  return finish(
    {
      architecture: modernKeras(config, kerasVersion),
      kerasVersion: own ? '2' : kerasVersion,
      origin: own ? 'tfjs' : 'keras',
      weights: weightsByName(weights, 'model.json'),
    },
    options,
  );
}

/**
 * A PyTorch state dict saved as safetensors, against a description of the modules in order.
 * @param {ModelSource} file
 * @param {TorchModule[]} architecture  [{ type: 'Embedding', name: 'embed' }, { type: 'LSTM', name: 'lstm', bidirectional: true }, ...]
 * @param {ImportOptions | null} [given]
 * @returns {Promise<Model>}
 * @throws {ModelFileError | UnsupportedError}
 */
export async function fromTorch(file, architecture, given) {
  const options = given ?? {};
  const { tensors } = parse(await readSource(file, readOptions(options)));
  return finish({ ...torchParts(tensors, architecture, nameOf(file)), origin: 'torch' }, options);
}
