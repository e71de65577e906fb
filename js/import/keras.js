/**
 * Converts Keras JSON of any version into the JSON that padless reads: renames classes and options of older versions, and fills in the
 * defaults of the version that saved the file.
 * @module
 */
import { ModelFileError, textOf, UnsupportedError } from '../errors.js';
import { operationOf } from './keras-operations.js';

/** Maximum nesting depth of layers. */
const NESTED_MOST = 100;

const pooling1 = { names: { pool_length: 'pool_size', stride: 'strides', border_mode: 'padding' } };
const gated1 = { names: { output_dim: 'units', inner_activation: 'recurrent_activation' } };
const noise1 = { names: { p: 'rate', sigma: 'stddev' } };
/**
 * Classes and options that Keras 1 named differently, and their present names.
 * @type {Record<string, { className?: string, names: Record<string, string> }>}
 */
const keras1 = {
  Dense: { names: { output_dim: 'units', bias: 'use_bias' } },
  Dropout: noise1,
  SpatialDropout1D: noise1,
  GaussianDropout: noise1,
  GaussianNoise: noise1,
  SimpleRNN: gated1,
  LSTM: gated1,
  GRU: gated1,
  Convolution1D: {
    className: 'Conv1D',
    names: {
      nb_filter: 'filters',
      filter_length: 'kernel_size',
      border_mode: 'padding',
      subsample_length: 'strides',
      bias: 'use_bias',
    },
  },
  MaxPooling1D: pooling1,
  AveragePooling1D: pooling1,
};

/**
 * Parses a Keras version into [major, minor]. TF.js follows the rules of Keras 2.2, so its versions give [2, 2].
 * @param {string} version
 * @returns {[number, number]}
 */
function ageOf(version) {
  if (/tfjs/.test(version)) return [2, 2];
  const [major, minor] = version.split('.').map((part) => parseInt(part, 10));
  return [major || 3, minor || 0];
}

/** @param {any} json */
const isModel = (json) => ['Sequential', 'Functional', 'Model'].includes(json?.class_name);

/** @param {any} entry @returns {string} */
const layerName = (entry) => textOf(entry?.name ?? entry?.config?.name);

/**
 * Converts the JSON of a model or layer to the names and defaults of Keras 3.
 * @param {any} json  { class_name, config }
 * @param {string} version  keras_version of the file
 * @returns {any} `json` itself for Keras 3, else a converted copy
 * @throws {ModelFileError | UnsupportedError}
 */
export function modernKeras(json, version) {
  const age = ageOf(version);
  return age[0] >= 3 ? json : modern(json, age, version.endsWith('-tf'), 0);
}

/**
 * Converts the JSON of Keras 1 or 2 and of all layers nested in it.
 * @param {any} json
 * @param {[number, number]} age  [major, minor] version of Keras
 * @param {boolean} tensorflow  whether the file is from the Keras in TensorFlow 1 or 2.0 to 2.5, whose version reads 2.x.y-tf
 * @param {number} depth  number of layers around this one
 * @returns {any}
 */
function modern(json, age, tensorflow, depth) {
  // An invalid layer is returned unchanged and rejected later, with a message that names it.
  if (json === null || typeof json !== 'object' || json.config === null || typeof json.config !== 'object') return json;
  if (typeof json.class_name !== 'string') return json;
  if (depth > NESTED_MOST) throw new ModelFileError(`architecture: layers inside layers, more than ${NESTED_MOST} deep`);
  /** @param {any} inner */
  const inside = (inner) => modern(inner, age, tensorflow, depth + 1);
  if (Array.isArray(json.config)) return { ...json, config: json.config.map(inside) };
  const [major, minor] = age;
  let { class_name: className } = json;
  /** @type {Record<string, any>} */
  let config = { ...json.config };
  if (Array.isArray(config.layers)) config.layers = config.layers.map(inside);
  if (className === 'Model' || className === 'Functional') {
    config = withoutOwnNodes(config);
    if (Array.isArray(config.layers)) config.layers = config.layers.map(operationOf);
  }
  for (const key of ['layer', 'backward_layer']) if (config[key]) config[key] = inside(config[key]);
  if (major < 2 && Object.hasOwn(keras1, className)) {
    const { className: renamed = className, names } = keras1[className];
    className = renamed;
    config = Object.fromEntries(
      Object.entries(config).map(([key, value]) => [Object.hasOwn(names, key) ? names[key] : key, value]),
    );
  }
  if (major < 2 && className === 'BatchNormalization' && config.mode)
    throw new UnsupportedError(`${config.name}: BatchNormalization has mode=${config.mode} of Keras 1; padless has 0`);
  const isCudnn = className === 'CuDNNLSTM' || className === 'CuDNNGRU';
  if (isCudnn) {
    className = className.slice(5);
    config = { ...config, activation: 'tanh', recurrent_activation: 'sigmoid', use_bias: true };
  }
  if (/^GRU(Cell)?$/.test(className) && (isCudnn || config.reset_after === undefined)) config.reset_after = isCudnn;
  // The default was hard_sigmoid before Keras 2.3; later versions and TensorFlow's Keras use sigmoid.
  if (/^(LSTM|GRU)(Cell)?$/.test(className) && config.recurrent_activation === undefined)
    config.recurrent_activation = (major < 2 || minor < 3) && !tensorflow ? 'hard_sigmoid' : 'sigmoid';
  return { ...json, class_name: className, config };
}

/**
 * Renumbers references to nested models. Keras 2 and TF.js may number the call that created a nested model as node 0, so that its calls in
 * the outer model are nodes 1, 2, ... padless numbers the `inbound_nodes` of the file from 0, so 1 is subtracted from such references.
 * @param {any} config  of a functional model
 */
function withoutOwnNodes(config) {
  const { layers, output_layers: outputs } = config;
  if (!Array.isArray(layers)) return config;
  const models = layers.filter(isModel);
  if (models.length === 0) return config;
  /** @type {Map<string, Set<number>>} */
  const asked = new Map(models.map((entry) => [layerName(entry), new Set()]));
  eachRef([layers.map((entry) => entry?.inbound_nodes), outputs], (name, node) => {
    asked.get(name)?.add(node);
  });
  const shifted = new Set(
    models
      .filter((entry) => {
        const nodes = asked.get(layerName(entry)) ?? new Set();
        return !nodes.has(0) && nodes.has(entry.inbound_nodes?.length);
      })
      .map(layerName),
  );
  if (shifted.size === 0) return config;
  /** @param {any} value */
  const fewer = (value) => eachRef(value, (name, node) => (shifted.has(name) ? node - 1 : node));
  return {
    ...config,
    output_layers: fewer(outputs),
    layers: layers.map((entry) => ({ ...entry, inbound_nodes: fewer(entry?.inbound_nodes) })),
  };
}

/**
 * Calls `change` for each reference [layer, node, tensor, ...] of Keras 2 in nested arrays.
 * @param {any} value
 * @param {(name: string, node: number) => number | void} change  returns the new node number, or nothing to keep the old one
 * @param {number} [depth]
 * @returns {any} a copy with the new node numbers
 */
function eachRef(value, change, depth = 0) {
  if (!Array.isArray(value) || depth > NESTED_MOST) return value;
  const [name, node, ...rest] = value;
  if (typeof name === 'string' && Number.isInteger(node)) return [name, change(name, node) ?? node, ...rest];
  return value.map((item) => eachRef(item, change, depth + 1));
}
