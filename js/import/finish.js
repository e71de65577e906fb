/**
 * The last step of every importer: builds a Model from the architecture, weights and text settings that were read.
 * @module
 */
import { ArgumentError, checkOptions, ModelFileError, PadlessError } from '../errors.js';
import { kindOf } from '../runtime/engine.js';
import { Functional } from '../layers/functional.js';
import { Sequential } from '../layers/sequential.js';
import { createModel } from '../model/model.js';
import { advised } from './keras-operations.js';
import { advisedOfNumbering, withoutLookups } from './text-layers.js';
import { textSettings } from './tokenizer.js';
/** @typedef {import('../model/model.js').Model} Model */

/**
 * @typedef {object} ImportOptions
 * @property {import('../model/model.js').CustomLayers} [customLayers]  your own layer classes by class name, or for a Lambda by the layer's name
 * @property {any} [tokenizer]  the output of Keras's tokenizer.to_json(), { word: id } or a list of words, each as
 *   text or parsed; or the bytes of a pickled Tokenizer
 * @property {Partial<import('../text/vectorizer.js').TextSettings>} [text]  text settings such as padding; they override those of the
 *   tokenizer or of the file
 * @property {string[]} [labels]  labels of a model with one output, whose kind becomes 'tags' for a sequence, 'scores' after a
 *   sigmoid, else 'class'
 * @property {import('../model/answers.js').OutputSettings[]} [outputs]  names, kinds and labels of all outputs
 * @property {import('../runtime/wasm.js').Simd | undefined} [simd]
 * @property {import('../runtime/wasm.js').ModuleSource} [module]
 * @property {AbortSignal} [signal]
 * @property {RequestInit} [fetch]
 */

/** Names of the options of all importers. A file's format may use only some of them. */
const names = [
  'customLayers',
  'tokenizer',
  'text',
  'labels',
  'outputs',
  'weights',
  'modules',
  'packages',
  'kerasVersion',
  'simd',
  'module',
  'signal',
  'fetch',
];

/** @param {string} where  the importer @param {unknown} options @throws {ArgumentError} */
export const checkImportOptions = (where, options) => checkOptions(where, options, names);

/** The options for reading files. @param {ImportOptions} options */
export const readOptions = ({ signal, fetch }) => ({ ...(signal && { signal }), ...(fetch && { fetch }) });

/**
 * Calls `read`. Any error other than a PadlessError means that the file has unexpected content, and becomes a ModelFileError.
 * @template T
 * @param {string} what  what is read, for messages
 * @param {() => T} read
 * @returns {T}
 * @throws {ModelFileError}
 */
export function reading(what, read) {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof PadlessError) throw cause;
    throw new ModelFileError(`${what} cannot be read: ${/** @type {any} */ (cause)?.message ?? cause}`, { cause });
  }
}

/**
 * @typedef {object} Parts
 * @property {any} architecture  Keras JSON
 * @property {string | undefined} [kerasVersion]
 * @property {'keras' | 'tfjs' | 'torch' | 'onnx' | undefined} origin
 * @property {(root: any) => Map<string, import('../layers/layer.js').Weight>} weights
 * @property {import('./lookups.js').Stored} [stored]  vocabularies and idf weights of lookup layers
 * @property {import('../text/vectorizer.js').TextSettings | null | undefined} [text]  text settings stored in the file
 */

/**
 * Builds the model from what an importer read and from the caller's options.
 * @param {Parts} parts
 * @param {ImportOptions} options
 * @returns {Promise<Model>}
 */
export async function finish(
  { stored = { vocabularies: new Map(), idf: new Map() }, ...parts },
  { customLayers, tokenizer, text, labels, outputs, simd, module },
) {
  const { architecture, text: vectorizer } = reading('the architecture', () => withoutLookups(parts.architecture, stored));
  const isBytes = ['Uint8Array', 'ArrayBuffer'].includes(kindOf(tokenizer));
  const words = isBytes ? await unpickled(reading('the tokenizer', () => new Uint8Array(tokenizer))) : tokenizer;
  const read = words === undefined ? (vectorizer ?? parts.text) : reading('the tokenizer', () => textSettings(words, architecture));
  const settings = /** @type {import('../text/vectorizer.js').TextSettings | null} */ (
    read ? { ...read, ...text } : (text ?? null)
  );
  /** @param {import('../model/answers.js').OutputSettings[] | undefined} each */
  const make = (each) =>
    createModel({ ...parts, architecture, text: settings, outputs: each, customLayers, simd, module }).catch((error) => {
      throw advisedOfNumbering(advised(error));
    });
  const model = await make(outputs);
  if (!labels) return model;
  if (model.outputs.length !== 1)
    throw new ArgumentError(
      `labels are for a model with one output, this one has ${model.outputs.length}: give outputs (padless convert --outputs)`,
    );
  const kind = model.specs[0].sequence ? 'tags' : endsInSigmoid(model.root) ? 'scores' : 'class';
  return make([{ name: model.outputs[0].name, kind, labels }]);
}

/**
 * Copies a model with other text settings, labels or outputs. Options that are not given stay as in the model's file.
 * @param {Model} model
 * @param {ImportOptions} options
 * @returns {Promise<Model>}
 */
export async function described({ settings, root, outputs: own }, { labels, outputs, ...options }) {
  const { architecture, text, keras_version: kerasVersion, origin } = settings;
  const weights = new Map(root.listWeights().map(({ path, layer, spec }) => [path, layer.weight(spec.name)]));
  const parts = { architecture, kerasVersion, origin, text, weights: () => weights };
  return finish(parts, { ...options, ...(labels ? { labels } : { outputs: outputs ?? own }) });
}

/** Reads a pickled Tokenizer. The code for it is fetched only when needed. @param {Uint8Array} bytes */
const unpickled = async (bytes) => (await import('./tokenizer-pickle.js')).readTokenizerPickle(bytes, 'tokenizer');

/** Whether the output is a sigmoid, which scores each label independently. @param {import('../layers/layer.js').Layer} layer @returns {boolean} */
function endsInSigmoid(layer) {
  if (layer instanceof Sequential) return endsInSigmoid(layer.layers[layer.layers.length - 1]);
  if (!(layer instanceof Functional)) return layer.config.activation === 'sigmoid' || layer.className === 'ops.Sigmoid';
  const last = layer.nodes.find(({ key }) => key === layer.outputs[0].key);
  return last !== undefined && endsInSigmoid(last.layer);
}
