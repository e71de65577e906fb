/**
 * Keras JSON of any age -> Keras JSON as padless reads it: new names for old, and what the Keras of that time took where a file is silent.
 * @module
 */
import { ModelFileError, textOf, UnsupportedError } from '../errors.js';
import { operationOf } from './keras-operations.js';

/** Layers inside layers, at most. */
const NESTED_MOST = 100;

const pooling1 = { names: { pool_length: 'pool_size', stride: 'strides', border_mode: 'padding' } };
const gated1 = { names: { output_dim: 'units', inner_activation: 'recurrent_activation' } };
const noise1 = { names: { p: 'rate', sigma: 'stddev' } };
/** What Keras 1 called things. @type {Record<string, { className?: string, names: Record<string, string> }>} */
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
 * How old a Keras is: [major, minor]. TF.js counts as Keras 2.2, whose rules it has.
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
const nameOf = (entry) => textOf(entry?.name ?? entry?.config?.name);

/**
 * @param {any} json  { class_name, config }
 * @param {string} version  keras_version of the file
 * @returns {any} the same, or a copy where something changed
 * @throws {ModelFileError | UnsupportedError}
 */
export function modernKeras(json, version) {
  const age = ageOf(version);
  return age[0] >= 3 ? json : modern(json, age, version.endsWith('-tf'), 0);
}

/**
 * @param {any} json
 * @param {[number, number]} age
 * @param {boolean} tensorflow  Keras of TensorFlow 1 and 2.0 to 2.5, which say 2.x.y-tf
 * @param {number} depth
 * @returns {any}
 */
function modern(json, age, tensorflow, depth) {
  // What is no layer is refused later, by name.
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
  // Keras 2.3 and TensorFlow's turned to sigmoid.
  if (/^(LSTM|GRU)(Cell)?$/.test(className) && config.recurrent_activation === undefined)
    config.recurrent_activation = (major < 2 || minor < 3) && !tensorflow ? 'hard_sigmoid' : 'sigmoid';
  return { ...json, class_name: className, config };
}

/**
 * Keras 2 and TF.js may count the making of a model as its first use (node 0), so that its uses in another model are 1, 2, ...; padless
 * counts what the file has.
 * @param {any} config  of a functional model
 */
function withoutOwnNodes(config) {
  const { layers, output_layers: outputs } = config;
  if (!Array.isArray(layers)) return config;
  const models = layers.filter(isModel);
  if (models.length === 0) return config;
  /** @type {Map<string, Set<number>>} */
  const asked = new Map(models.map((entry) => [nameOf(entry), new Set()]));
  eachRef([layers.map((entry) => entry?.inbound_nodes), outputs], (name, node) => {
    asked.get(name)?.add(node);
  });
  const shifted = new Set(
    models
      .filter((entry) => {
        const nodes = asked.get(nameOf(entry)) ?? new Set();
        return !nodes.has(0) && nodes.has(entry.inbound_nodes?.length);
      })
      .map(nameOf),
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
 * Keras 2's [layer, node, tensor, ...], at any depth.
 * @param {any} value
 * @param {(name: string, node: number) => number | void} change  gives the node's new number
 * @param {number} [depth]
 * @returns {any} a copy
 */
function eachRef(value, change, depth = 0) {
  if (!Array.isArray(value) || depth > NESTED_MOST) return value;
  const [name, node, ...rest] = value;
  if (typeof name === 'string' && Number.isInteger(node)) return [name, change(name, node) ?? node, ...rest];
  return value.map((item) => eachRef(item, change, depth + 1));
}
