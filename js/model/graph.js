/**
 * Builds layers from Keras JSON.
 * @module
 */
import { ModelFileError, textOf, UnsupportedError } from '../errors.js';
import { early, lateNames } from '../dist/layers-early.js';
import { Embedding } from '../layers/basic.js';
import { Functional, Ref, refsIn } from '../layers/functional.js';
import { isAuthorsOwn } from '../layers/keras-json.js';
import { isCount } from '../layers/layer.js';
import { Recurrent } from '../layers/recurrent.js';
import { Sequential } from '../layers/sequential.js';
import { importLate } from '../runtime/import-late.js';

/** @typedef {{ class_name: string, config: any, registered_name?: string | null, inbound_nodes?: any, name?: string }} KerasJson */
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {new (config: any) => Layer} LayerClass */
/**
 * Layers of the user, by class name; those that replace a Lambda, by the name of the Lambda.
 * @typedef {Record<string, LayerClass>} CustomLayers
 */
/**
 * An input of a model.
 * @typedef {{ name: string, shape: (number | null)[], ids: boolean, vocabulary: number, maskZero: boolean, padded: boolean, exact?: boolean }} ModelInput
 *   shape: of one text; vocabulary: number of ids; maskZero: id 0 is padding; padded: one embedding of these ids has mask_zero and another has
 *   not; exact: a row has shape[0] steps, because no layer masks the input and zeros would be data
 */

/** Maximum depth of layers inside layers, and of models inside models. */
const MAX_DEPTH = 100;

/** Layer classes by their names in a file. @type {Map<string, typeof import('../layers/layer.js').Layer>} */
const classes = new Map();

/** @param {unknown[]} some  layer classes */
const register = (some) =>
  some.forEach((Class) =>
    classes.set(/** @type {typeof import('../layers/layer.js').Layer} */ (Class).className, /** @type {any} */ (Class)),
  );
register(early);

/** Class names of models. Keras 1 and 2 call a Functional model "Model". */
const models = ['Functional', 'Model', 'Sequential'];
/** Names of all layers that a file may contain. */
const layerNames = new Set([...models, 'Lambda', ...classes.keys(), ...lateNames]);

/** Call arguments that are masks. */
const maskArguments = ['mask', 'query_mask', 'value_mask', 'key_mask', 'attention_mask'];

/** Reads the operations of a graph; null until a model has some. @type {typeof import('./operations.js') | null} */
let operations = null;

/** What ./rare-layers.js exports, once it was needed or given. @type {typeof import('./rare-layers.js') | null} */
let rareLayers = null;

/**
 * Saves the import() of rare-layers.js: service workers refuse it, and Vite refuses to split a worker that is not an ES module.
 * @param {typeof import('./rare-layers.js')} module
 */
export const provideRareLayers = (module) => void (rareLayers = module);

/**
 * Fetches the code of the layers and operations in an architecture. Await it before modelFromJson().
 * @param {string} json  the architecture, or text that contains it
 */
export async function prepare(json) {
  const operates = !operations && /"keras\.(src\.)?ops\.|"NotEqual"/.test(json);
  if (!operates && ![...lateNames, 'Lambda'].some((name) => !classes.has(name) && json.includes(`"${name}"`))) return;
  rareLayers ??= await importLate(() => import('./rare-layers.js'));
  register(rareLayers.late);
  if (operates) ({ operations } = rareLayers);
}

/** Sorted names of all layers that a file may contain. */
export const knownLayers = () => [...layerNames].sort();

/** The customLayers that a file with these layers needs. @param {Layer} root @returns {CustomLayers} */
export const customClasses = (root) =>
  Object.fromEntries(
    root
      .all()
      .filter(({ className }) => !layerNames.has(className))
      .map((layer) => [layer.className, /** @type {LayerClass} */ (layer.constructor)]),
  );

/**
 * @typedef {{ customLayers: CustomLayers, kerasMajor: number, depth: number }} Options
 *   kerasMajor: whose rules hold for `training`; depth: number of models around this one
 */

/**
 * @param {any} json
 * @param {string} path  of the model or layer that contains it
 * @param {Options} options
 * @returns {Layer}
 */
function layerFromJson(json, path, options) {
  const layer = makeLayer(json, path, options);
  const { class_name: name, registered_name: registered } = json;
  layer.fileClass = typeof registered === 'string' && registered.includes('>') ? registered : name;
  return layer;
}

/**
 * @param {any} json
 * @param {string} path
 * @param {Options} options
 * @returns {Layer}
 */
function makeLayer(json, path, options) {
  const config = json?.config;
  const className = json?.class_name;
  if (typeof className !== 'string' || config === null || typeof config !== 'object') {
    throw new ModelFileError(`${path}: expected { class_name, config }, got ${JSON.stringify(json)?.slice(0, 80)}`);
  }
  if (path.split('.').length > MAX_DEPTH)
    throw new ModelFileError(`${path.slice(0, 80)}...: layers are nested more than ${MAX_DEPTH} deep`);
  const name = config.name === undefined ? path : path ? `${path}.${config.name}` : textOf(config.name);
  const { customLayers } = options;
  const registered = json.registered_name;
  if (className === 'Lambda') {
    const Class = Object.hasOwn(customLayers, config.name) ? customLayers[config.name] : undefined;
    if (!Class)
      throw new UnsupportedError(
        `${name}: a Lambda contains code; pass a layer that does the same: customLayers: { ${JSON.stringify(config.name)}: ... }`,
      );
    return new /** @type {NonNullable<typeof rareLayers>} */ (rareLayers).Lambda({ name: config.name, layer: new Class(config) });
  }
  for (const key of [registered, className])
    if (typeof key === 'string' && Object.hasOwn(customLayers, key)) return new customLayers[key](config);
  if (layerNames.has(className) && isAuthorsOwn(json))
    throw new UnsupportedError(
      `${name}: ${className} is not Keras's layer of that name but a class of the model's author (${registered ?? json.module ?? 'not registered'}); give it as customLayers: { ${className}: ... }`,
    );
  if (models.includes(className)) return modelFromJson(json, name, options).root;
  const Class = classes.get(typeof registered === 'string' && registered.startsWith('padless>') ? registered : className);
  if (!Class) throw new UnsupportedError(`${name}: class ${className} is not one of padless`);
  const activationLayer = activationLayerOf(config.activation, name, options);
  const named = activationLayer ? { ...config, activation: 'linear' } : config;
  const layer = Class.fromConfig(named, (inner, at) => layerFromJson(inner, at, options), name);
  layer.activationLayer = activationLayer;
  if (activationLayer && layer instanceof Recurrent)
    throw new UnsupportedError(
      `${name}: activation is ${activationLayer.className}; padless has recurrent layers with named activations only`,
    );
  return layer;
}

/**
 * The layer for an activation that is not a name: one of Keras's layers, or customLayers' for a function of the author's.
 * @param {any} activation
 * @param {string} path  of the layer that has it
 * @param {Options} options
 * @returns {Layer | null} null: activationNumber() reads it
 */
function activationLayerOf(activation, path, options) {
  if (activation === null || typeof activation !== 'object' || typeof activation.class_name !== 'string') return null;
  const { class_name: className, config } = activation;
  if (className !== 'function') return layerFromJson(activation, path, options);
  if (typeof activation.module === 'string' && !isAuthorsOwn(activation)) return null;
  const name = String(config).replace(/^.*>/, '');
  const key = [String(config), name].find((each) => Object.hasOwn(options.customLayers, each));
  if (key === undefined)
    throw new UnsupportedError(
      `${path}: activation ${JSON.stringify(config)} is a function of the model's author; give a layer that does the same as customLayers: { ${JSON.stringify(name)}: ... }`,
    );
  return new options.customLayers[key]({ name });
}

/** @param {any} json  an InputLayer or a first layer @param {string} path @returns {(number | null)[] | null} shape of one text */
function inputShape(json, path) {
  const { batch_shape: batch = json?.config?.batch_input_shape, shape, input_length: length } = json?.config ?? {};
  const given = Array.isArray(batch)
    ? batch.slice(1)
    : (batch ?? shape ?? (length === undefined || length === null ? null : [length].flat()));
  if (given === null) return null;
  if (!Array.isArray(given) || !given.every((size) => size === null || isCount(size)))
    throw new ModelFileError(`${path}: input shape ${JSON.stringify(given)}, expected a list of whole numbers from 1 on and null`);
  return given;
}

/** Whether an input is ids, and of which vocabulary. @param {Layer[]} consumers  layers that read the input @returns {{ ids: boolean, vocabulary: number, maskZero: boolean, padded: boolean }} */
function idsOf(consumers) {
  // A custom layer, or a wrapper, may contain an Embedding at any depth.
  const embeddings = consumers
    .flatMap(firstLayers)
    .flatMap((layer) => layer.all())
    .filter((layer) => layer instanceof Embedding);
  const masks = embeddings.map((layer) => Boolean(layer.config.mask_zero));
  const vocabulary = Math.min(...embeddings.map((layer) => Number(layer.config.input_dim)));
  return {
    ids: embeddings.length > 0,
    vocabulary,
    maskZero: masks.includes(true),
    padded: masks.includes(true) && masks.includes(false),
  };
}

/** The layers to which a model inside a model passes its first input. @param {Layer} layer @returns {Layer[]} */
function firstLayers(layer) {
  if (layer instanceof Sequential) return firstLayers(layer.layers[0]);
  if (!(layer instanceof Functional)) return [layer];
  const [{ key }] = layer.inputs;
  return layer.nodes.filter(({ args }) => refsIn(args)[0]?.key === key).flatMap((node) => firstLayers(node.layer));
}

/**
 * @param {any} json  { class_name: 'Sequential' | 'Functional' | 'Model', config }; in Keras 1 and 2 config may be a list
 * @param {string} [path]
 * @param {Partial<Options>} [options]
 * @returns {{ root: Sequential | Functional, inputs: ModelInput[] }}
 * @throws {ModelFileError | UnsupportedError}
 */
export function modelFromJson(json, path = '', { customLayers = {}, kerasMajor = 3, depth = 0 } = {}) {
  if (depth > MAX_DEPTH) throw new ModelFileError(`${path.slice(0, 80)}: models are nested more than ${MAX_DEPTH} deep`);
  const options = { customLayers, kerasMajor, depth: depth + 1 };
  const where = path || 'architecture';
  const className = json?.class_name;
  if (className !== 'Sequential' && className !== 'Functional' && className !== 'Model')
    throw new UnsupportedError(`${where}: class ${JSON.stringify(className)}, expected "Sequential" or "Functional"`);
  const list = Array.isArray(json.config) ? json.config : json.config?.layers;
  if (!Array.isArray(list)) throw new ModelFileError(`${where}: config.layers is not a list`);
  const name = json.config.name ?? className.toLowerCase();
  if (className === 'Sequential') {
    const inside = list.filter((entry) => entry?.class_name !== 'InputLayer');
    const root = new Sequential(
      inside.map((entry) => layerFromJson(entry, path || textOf(name), options)),
      { name },
    );
    if (root.layers.length === 0) throw new ModelFileError(`${where}: the model has no layers`);
    const ids = idsOf([root.layers[0]]);
    const input = list[0]?.class_name === 'InputLayer' ? (list[0].config?.name ?? 'input') : 'input';
    const shape = inputShape(list[0], where) ?? inputShape(json, where) ?? (ids.ids ? [null] : null);
    if (!shape && !path) throw new ModelFileError(`${where}: the shape of the input is missing; expected an InputLayer`);
    return { root, inputs: [{ name: input, shape: shape ?? [], ...ids }] };
  }
  return functionalFromJson(json.config, list, path, textOf(name), options);
}

/**
 * @param {any} config
 * @param {any[]} list
 * @param {string} path
 * @param {string} name
 * @param {Options} options
 */
function functionalFromJson(config, list, path, name, options) {
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
      return { name: inputName, shape, ...idsOf(consumers.map(({ layer }) => layer)) };
    }),
  };
}

/**
 * Keras 3 counts the making of a nested Functional model as its node 0 in output_layers, but not in inbound_nodes. Returns the Ref with the
 * number that inbound_nodes would have; number -1 is the last use, as in Keras.
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

/** The entry with its name in its config, where Keras 2 may lack it. @param {any} entry @param {string} name @returns {any} */
const named = (entry, name) =>
  entry?.config && typeof entry.config === 'object' && !Array.isArray(entry.config) && entry.config.name === undefined
    ? { ...entry, config: { ...entry.config, name } }
    : entry;

/**
 * The inputs or outputs of a model. A layer that returns a list, as one with return_state does, may stand for its tensors.
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
 * The names of outputs: their keys in an object, else the names of their layers; the second of one name and later ones get a number, as in Keras.
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
 * Keras 2 obeys training=True in the graph: dropout is random, and BatchNormalization takes the statistics of the batch. Keras 3 overrides it.
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
      `${path}: called with training=True, which makes ${differs.className} answer at random or by the batch; padless has inference only. Save the model without it`,
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
