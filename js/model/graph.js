/**
 * Builds layers from Keras JSON.
 * @module
 */
import { ModelFileError, show, textOf, UnsupportedError } from '../errors.js';
import { early, lateNames } from '../dist/layers-early.js';
import { Embedding } from '../layers/basic.js';
import { isAuthorsOwn } from '../layers/keras-json.js';
import { isCount } from '../layers/layer.js';
import { Sequential } from '../layers/sequential.js';
import { importLate } from '../runtime/import-late.js';

/** @typedef {{ class_name: string, config: any, registered_name?: string | null, inbound_nodes?: any, name?: string }} KerasJson */
/** @typedef {import('../layers/functional.js').Functional} Functional */
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {new (config: any) => Layer} LayerClass */
/**
 * The caller's layer classes by class name; classes that replace a Lambda by the name of the Lambda.
 * @typedef {Record<string, LayerClass>} CustomLayers
 */
/**
 * An input of a model.
 * @typedef {{ name: string, shape: (number | null)[], ids: boolean, vocabulary: number, maskZero: boolean, padded: boolean, exact?: boolean, numbering?: any, reader?: InputReader | undefined, words?: typeof import('./words.js'), even?: boolean, maskCharacters?: boolean }} ModelInput
 *   shape: of one text; vocabulary: number of ids; maskZero: id 0 is padding; padded: one Embedding of these ids has mask_zero, another one has
 *   not; exact: each row must have shape[0] steps, because no layer masks the input and zeros would be data; numbering: settings that map numbers to
 *   ids; reader: checks, pads and copies rows of unusual inputs; words: the reader of ids [B, T, C]; even: all words must have the same number of
 *   characters; maskCharacters: character 0 is padding
 */
/**
 * The reader of an input that is neither ids [B, T] nor values.
 * @typedef {{ specOf: (input: ModelInput, rules: import('../layers/tensor.js').Rules) => import('../layers/tensor.js').Spec,
 *   pad: (input: ModelInput, rows: any, options: any) => import('./batch.js').Padded,
 *   place: (heap: import('../runtime/memory.js').Heap, padded: any, inPlace: boolean) => import('../layers/tensor.js').Tensor }} InputReader
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

/** The module ./operations.js; null until a model has operations. @type {typeof import('./operations.js') | null} */
let operations = null;

/** The module ./rare-layers.js; null until it is fetched or provided. @type {typeof import('./rare-layers.js') | null} */
let rareLayers = null;

/**
 * Saves the import() of rare-layers.js: service workers refuse it, and Vite refuses to split a worker that is not an ES module.
 * @param {typeof import('./rare-layers.js')} module
 */
export const provideRareLayers = (module) => void (rareLayers = module);

/**
 * Sets the readers of inputs that need one.
 * @param {ModelInput[]} inputs @param {import('../layers/tensor.js').Rules} rules @param {Layer} root
 */
export const prepareInputs = (inputs, rules, root) => rareLayers?.prepareInputs(inputs, rules, root);

/** @type {typeof import('./functional-graph.js') | undefined} */
let functionalGraph;

/** Saves the import() of functional-graph.js. @param {typeof import('./functional-graph.js')} module */
export const provideFunctionalGraph = (module) => void (functionalGraph = module);

/**
 * Fetches the code of the layers and operations in an architecture. Await it before modelFromJson().
 * @param {string} json  the architecture, or text that contains it
 */
export async function prepare(json) {
  if (/"(Functional|Model)"/.test(json)) functionalGraph ??= await importLate(() => import('./functional-graph.js'));
  // Operations, the activations of js/layers/late, and activations that are layers or functions.
  const operates =
    !operations &&
    /"(keras\.(src\.)?ops\.|NotEqual"|log_si|hard_t|squarep|sparse(_|max)|celu"|glu"|\w+_shr)|"activation": ?{/.test(json);
  if (!operates && ![...lateNames, 'Lambda', 'numbering'].some((name) => !classes.has(name) && json.includes(`"${name}"`))) return;
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
 *   kerasMajor: version of Keras whose rules for `training` apply; depth: number of models that contain this one
 */

/**
 * @param {any} json
 * @param {string} path  of the model or layer that contains it
 * @param {Options} options
 * @returns {Layer}
 */
export function layerFromJson(json, path, options) {
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
    throw new ModelFileError(`${path}: expected { class_name, config }, got ${show(json)}`);
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
        `${name}: a Lambda contains code; pass a layer that does the same: customLayers: { ${show(config.name)}: ... }`,
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
  const activationLayer = rareLayers?.activationLayerOf(config.activation, name, options, Class) ?? null;
  const named = activationLayer ? { ...config, activation: 'linear' } : config;
  const layer = Class.fromConfig(named, (inner, at) => layerFromJson(inner, at, options), name);
  layer.activationLayer = activationLayer;
  return layer;
}

/** @param {any} json  an InputLayer or a first layer @param {string} path @returns {(number | null)[] | null} shape of one text */
export function inputShape(json, path) {
  const { batch_shape: batch = json?.config?.batch_input_shape, shape, input_length: length } = json?.config ?? {};
  const given = Array.isArray(batch)
    ? batch.slice(1)
    : (batch ?? shape ?? (length === undefined || length === null ? null : [length].flat()));
  if (given === null) return null;
  if (!Array.isArray(given) || !given.every((size) => size === null || isCount(size)))
    throw new ModelFileError(`${path}: input shape ${show(given)}, expected a list of integers from 1 on and null`);
  return given;
}

/** Whether an input is token ids, the size of their vocabulary, and whether id 0 is padding. @param {Layer[]} consumers  layers that read the input @returns {{ ids: boolean, vocabulary: number, maskZero: boolean, padded: boolean }} */
export function idsOf(consumers) {
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
  // Functional is fetched late.
  return 'firstLayers' in layer ? /** @type {Functional} */ (layer).firstLayers.flatMap(firstLayers) : [layer];
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
    throw new UnsupportedError(`${where}: class ${show(className)}, expected "Sequential" or "Functional"`);
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
    const shape =
      inputShape(list[0], where) ??
      inputShape(json, where) ??
      (ids.ids ? (/** @type {any} */ (root.layers[0]).idsShape ?? [null]) : null);
    if (!shape && !path) throw new ModelFileError(`${where}: the shape of the input is missing; expected an InputLayer`);
    return { root, inputs: [{ name: input, shape: shape ?? [], numbering: list[0]?.config?.numbering, ...ids }] };
  }
  const { functionalFromJson } = /** @type {NonNullable<typeof functionalGraph>} */ (functionalGraph);
  return functionalFromJson(json.config, list, path, textOf(name), options, operations);
}
