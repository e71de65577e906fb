/**
 * Builds functional models from Keras JSON. Fetched for architectures that contain one.
 * @module
 */
import { ModelFileError, textOf, UnsupportedError } from '../errors.js';
import { Functional, Ref, refsIn } from '../layers/functional.js';
import { idsOf, inputShape, layerFromJson } from './graph.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('./graph.js').Options} Options */

/** Call arguments that are masks. */
const maskArguments = ['mask', 'query_mask', 'value_mask', 'key_mask', 'attention_mask'];

/**
 * @param {any} config
 * @param {any[]} list
 * @param {string} path
 * @param {string} name
 * @param {Options} options
 * @param {typeof import('./operations.js') | null} operations  null if the graph has no operations
 */
export function functionalFromJson(config, list, path, name, options, operations) {
  const where = path || name;
  /** @type {Map<string, Layer>} */
  const byName = new Map();
  /** @type {Map<string, any>} name -> the InputLayer */
  const inputLayers = new Map();
  /** @type {import('../layers/functional.js').GraphNode[]} */
  const nodes = [];
  const operationOf = operations?.operationsOf(list, options.customLayers) ?? new Map();
  for (const entry of list) {
    const entryName = entryNameOf(entry);
    if (byName.has(entryName) || inputLayers.has(entryName))
      throw new ModelFileError(`${where}: two layers have the name ${JSON.stringify(entryName)}`);
    if (entry?.class_name === 'InputLayer') inputLayers.set(entryName, entry);
    else byName.set(entryName, operationOf.get(entry) ?? layerFromJson(named(entry, entryName), where, options));
  }
  for (const entry of list) {
    const entryName = entryNameOf(entry);
    if (entry?.class_name === 'InputLayer') continue;
    const layer = /** @type {Layer} */ (byName.get(entryName));
    nodesOf(entry, where).forEach((node, use) => {
      const { args, options: called } = readNode(node, `${where}.${entryName}`, layer);
      if (called.training && options.kerasMajor < 3) refuseTraining(layer, `${where}.${entryName}`);
      delete called.training;
      nodes.push({ key: `${entryName}/${use}`, layer, args, options: called });
    });
  }
  if (operations) operations.readMasks(nodes, maskArguments);
  else
    for (const { layer, options: called } of nodes) {
      const mask = maskArguments.find((key) => called[key] !== undefined);
      if (mask)
        throw new UnsupportedError(
          `${where}.${layer.name}: called with ${mask}; padless takes masks from Embedding, Masking and the caller of the model`,
        );
    }
  const inputs = endpoints(config.input_layers, `${where}: input_layers`).map(({ key }) => ({
    key,
    name: layerOf({ key }),
  }));
  const outputs = endpoints(config.output_layers, `${where}: output_layers`).map((ref) => withoutOwnNode(ref, list, byName));
  const outputNames = namesOf(config.output_layers, outputs, where);
  for (const input of inputs)
    if (!inputLayers.has(input.name))
      throw new ModelFileError(`${where}: input ${JSON.stringify(input.name)} is not an InputLayer`);
  // readMasks() may have wrapped the layer of a call, so compare keys to find calls of one layer.
  nodes.forEach(({ layer, key }, i) => {
    if (layer.all().some((each) => each.config.stateful) && nodes.findIndex((node) => layerOf(node) === layerOf({ key })) < i)
      throw new UnsupportedError(
        `${where}.${layer.name}: a stateful layer is called several times; the answer depends on the order of the calls, which the file does not contain`,
      );
  });
  const unused = operations?.unusedOperations(nodes, outputs) ?? new Set();
  const root = new Functional(
    {
      layers: [...byName.values()].filter((layer) => !unused.has(layer)),
      nodes: nodes.filter(({ layer }) => !unused.has(layer)),
      inputs,
      outputs,
      outputNames,
    },
    { ...config, name },
  );
  return {
    root,
    inputs: inputs.map(({ key, name: inputName }) => {
      const consumers = root.nodes.filter(({ args }) => refsIn(args).some((ref) => ref.key === key));
      const shape = inputShape(inputLayers.get(inputName), `${where}.${inputName}`);
      if (!shape) throw new ModelFileError(`${where}.${inputName}: the input has no shape`);
      const read = idsOf(consumers.map(({ layer }) => layer));
      // An input that no layer reads accepts any ids.
      const { dtype, numbering } = inputLayers.get(inputName)?.config ?? {};
      if (consumers.length === 0) read.ids = /int/.test(dtype);
      return { name: inputName, shape, numbering, ...read };
    }),
  };
}

/**
 * In output_layers, but not in inbound_nodes, Keras 3 counts the creation of a nested Functional model as its node 0. Returns the Ref with the
 * node index that inbound_nodes would have; index -1 is the last use, as in Keras.
 * @param {Ref} ref  an output
 * @param {any[]} list  layers in JSON
 * @param {Map<string, Layer>} byName
 */
function withoutOwnNode(ref, list, byName) {
  const name = layerOf(ref);
  if (!(byName.get(name) instanceof Functional)) return ref;
  const nodes = list.find((entry) => entryNameOf(entry) === name)?.inbound_nodes ?? [];
  const isKeras3 = nodes.some((/** @type {any} */ node) => node?.args !== undefined);
  const node = Number(ref.key.slice(name.length + 1)) - 1;
  return isKeras3 ? new Ref(`${name}/${node < 0 ? nodes.length - 1 : node}`, ref.tensor) : ref;
}

/** The name of a layer in JSON. @param {any} entry */
const entryNameOf = (entry) => textOf(entry?.name ?? entry?.config?.name);

/** The name of the layer in a Ref. @param {{ key: string }} ref */
const layerOf = ({ key }) => key.slice(0, key.lastIndexOf('/'));

/** The entry with its name in its config, which lacks the name in some files of Keras 2. @param {any} entry @param {string} name @returns {any} */
const named = (entry, name) =>
  entry?.config && typeof entry.config === 'object' && !Array.isArray(entry.config) && entry.config.name === undefined
    ? { ...entry, config: { ...entry.config, name } }
    : entry;

/**
 * The inputs or outputs of a model. Keras writes the tensors of a layer with return_state as a nested list.
 * @param {any} given  [name, node, tensor], or a list or object of these, or of lists of them
 * @param {string} where
 * @returns {Ref[]}
 */
function endpoints(given, where) {
  const list = Array.isArray(given) ? (typeof given[0] === 'string' ? [given] : given) : Object.values(given ?? {});
  if (list.length === 0) throw new ModelFileError(`${where} is empty`);
  return list.flatMap((entry) => (Array.isArray(entry?.[0]) ? endpoints(entry, where) : [refOf(entry, where)]));
}

/**
 * The names of outputs: their keys in an object, else the names of their layers. As in Keras, repeated names get a number.
 * @param {any} given  config.output_layers
 * @param {Ref[]} outputs
 * @param {string} where
 */
function namesOf(given, outputs, where) {
  const names = Array.isArray(given)
    ? outputs.map(layerOf)
    : Object.entries(given).flatMap(([key, entry]) => endpoints([entry], where).map(() => key));
  /** @type {Map<string, number>} */
  const counts = new Map();
  return names.map((name) => {
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return count ? `${name}_${count}` : name;
  });
}

/** @param {any} entry @param {string} where @returns {any[]} */
function nodesOf(entry, where) {
  const nodes = entry.inbound_nodes ?? [];
  if (!Array.isArray(nodes)) throw new ModelFileError(`${where}.${entry.name}: inbound_nodes is not a list`);
  return nodes;
}

/** @param {any} entry @param {string} where */
function refOf(entry, where) {
  const [name, node = 0, tensor = 0] = Array.isArray(entry) ? entry : [];
  if (typeof name !== 'string' || !Number.isSafeInteger(node) || !Number.isSafeInteger(tensor) || node < 0 || tensor < 0)
    throw new ModelFileError(`${where}: expected [layer, node, tensor], got ${JSON.stringify(entry)?.slice(0, 80)}`);
  return new Ref(`${name}/${node}`, tensor);
}

/**
 * Reads one call of a layer. Keras 2 and TF.js: [[name, node, tensor, { argument: value }], ...]; Keras 3: { args, kwargs }.
 * @param {any} node
 * @param {string} where
 * @param {Layer} layer
 * @returns {{ args: any, options: Record<string, any> }}
 */
function readNode(node, where, layer) {
  if (node !== null && typeof node === 'object' && !Array.isArray(node)) {
    const list = (Array.isArray(node.args) ? node.args : []).map((/** @type {any} */ arg) => keras3Value(arg, where));
    if (list.length === 0) throw new ModelFileError(`${where}: an inbound node has no arguments`);
    const called = keras3Value(node.kwargs ?? {}, where);
    if ('operation' in layer) return { args: list, options: callOptions(called) };
    const [args, ...rest] = list;
    return { args, options: callOptions({ ...positional(rest, layer, where), ...called }) };
  }
  if (!Array.isArray(node))
    throw new ModelFileError(`${where}: expected an inbound node, got ${JSON.stringify(node)?.slice(0, 80)}`);
  const flat = typeof node[0] === 'string' ? [node] : node;
  const refs = flat.map((entry) => refOf(entry, where));
  /** @type {Record<string, any>} */
  const kwargs = {};
  for (const [key, value] of Object.entries(flat[0]?.[3] ?? {})) kwargs[key] = keras2Value(value, where);
  return { args: refs.length === 1 ? refs[0] : refs, options: callOptions(kwargs) };
}

/** Names the arguments after the first. @param {any[]} rest @param {Layer} layer @param {string} where */
function positional(rest, layer, where) {
  const names = layer.positional;
  return Object.fromEntries(
    rest.flatMap((value, i) => {
      if (value === null) return [];
      if (!names[i])
        throw new UnsupportedError(
          `${where}: ${layer.className} is called with ${rest.length + 1} arguments; padless supports ${names.length + 1}`,
        );
      return [[names[i], value]];
    }),
  );
}

/** @param {any} value @param {string} where @returns {any} */
function keras3Value(value, where) {
  if (Array.isArray(value)) return value.map((item) => keras3Value(item, where));
  if (value === null || typeof value !== 'object') return value;
  if (value.class_name === '__keras_tensor__') return refOf(value.config?.keras_history, where);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, keras3Value(item, where)]));
}

/**
 * Refuses training=True in a graph of Keras 2, which obeys it: dropout is random, and BatchNormalization uses the statistics of the batch. Keras 3
 * ignores it.
 * @param {Layer} layer
 * @param {string} path
 */
function refuseTraining(layer, path) {
  const differs = layer
    .all()
    .find(
      ({ className, config }) =>
        className === 'BatchNormalization' ||
        ['rate', 'stddev', 'dropout', 'recurrent_dropout'].some((option) => config[option] > 0),
    );
  if (differs)
    throw new UnsupportedError(
      `${path}: called with training=True, which makes the result of ${differs.className} random or dependent on the batch; padless has inference only. Save the model without it`,
    );
}

/** @param {any} value @param {string} where @returns {any} */
function keras2Value(value, where) {
  if (!Array.isArray(value)) return value;
  if (value.length >= 3 && typeof value[0] === 'string' && Number.isSafeInteger(value[1])) return refOf(value, where);
  return value.map((item) => keras2Value(item, where));
}

/** Removes arguments that have no effect. @param {Record<string, any>} given */
function callOptions(given) {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== undefined));
}
