/**
 * CRF layers of keras_contrib and of TensorFlow Addons in Keras JSON, which become padless>ContribCRF and padless>AddonsCRF.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../errors.js';
/** @typedef {import('../model/graph.js').CustomLayers} CustomLayers */

/** @param {any} json @param {string} name  of a class of TensorFlow Addons */
const isAddons = ({ class_name: className, registered_name: registered }, name) =>
  className === `Addons>${name}` || (className === name && registered === `Addons>${name}`);

/** Whether a layer is the CRF of keras_contrib. Its options tell, because keras_contrib registers no classes. @param {any} json */
const isContrib = ({ class_name: className, registered_name: registered, module, config }) =>
  className === 'CRF' &&
  (registered ?? 'CRF') === 'CRF' &&
  /^keras_contrib\b/.test(module ?? 'keras_contrib') &&
  ['learn_mode', 'test_mode', 'use_boundary', 'chain_initializer'].every((option) => config?.[option] !== undefined);

/** @param {any} entry @returns {string} */
const layerName = (entry) => entry.name ?? entry.config?.name;

/** The references [layer, node, tensor] in a value. @param {any} value @param {any[][]} found @returns {any[][]} */
function refsIn(value, found = []) {
  if (Array.isArray(value) && typeof value[0] === 'string' && Number.isInteger(value[1])) found.push(value);
  else if (Array.isArray(value)) for (const item of value) refsIn(item, found);
  return found;
}

/** Checks that no layer reads the tags of Addons' CRF, [B, T] in Keras. @param {any} config @param {string} name  of the CRF */
function checkIsEnd({ layers, output_layers: outputs }, name) {
  const used = outputs
    ? refsIn(layers.map((/** @type {any} */ entry) => entry?.inbound_nodes)).some(([from]) => from === name)
    : layerName(layers.at(-1)) !== name;
  if (used)
    throw new UnsupportedError(
      `${name}: a layer reads the output of TensorFlow Addons's CRF; padless supports it only as an output of the model`,
    );
  const other = refsIn(outputs).find(([from, , tensor]) => from === name && tensor !== 0);
  if (other)
    throw new UnsupportedError(
      `${name}: output ${other[2]} of TensorFlow Addons's CRF (potentials, lengths, chain kernel) is an output of the model; padless has output 0, the tags`,
    );
}

/** @param {any} json @param {string} className */
const renamed = ({ config, name, inbound_nodes: nodes }, className) => ({
  class_name: className,
  config,
  name,
  inbound_nodes: nodes,
});

/**
 * Renames the CRF layers of a model and of the models in it.
 * @param {any} json
 * @param {CustomLayers} customLayers  the caller's classes, which take precedence
 * @param {boolean} inside  whether it is a model in a model
 * @returns {any} `json` itself if it has no CRF layers
 */
function withOurs(json, customLayers, inside) {
  const list = Array.isArray(json?.config) ? json.config : json?.config?.layers;
  if (!Array.isArray(list)) return json;
  const layers = list.map((entry) => {
    if (entry === null || typeof entry !== 'object') return entry;
    const isOwn = ['CRF', 'Addons>CRF', entry.registered_name].some(
      (key) => typeof key === 'string' && Object.hasOwn(customLayers, key),
    );
    if (!isOwn && isContrib(entry)) return renamed(entry, 'padless>ContribCRF');
    if (isOwn || !isAddons(entry, 'CRF')) return withOurs(entry, customLayers, true);
    if (inside)
      throw new UnsupportedError(
        `${layerName(entry)}: TensorFlow Addons's CRF in a model inside a model; padless supports it only at the end of the outer model`,
      );
    checkIsEnd(Array.isArray(json.config) ? { layers: list } : json.config, layerName(entry));
    return renamed(entry, 'padless>AddonsCRF');
  });
  if (layers.every((entry, i) => entry === list[i])) return json;
  return { ...json, config: Array.isArray(json.config) ? layers : { ...json.config, layers } };
}

/**
 * The model in a CRFModelWrapper of TensorFlow Addons, with the CRF as its last layer.
 * @param {any} config  of the wrapper
 * @returns {any}
 */
function unwrapped({ base_model: base, ...config }) {
  const { layers, output_layers: outputs } = base ?? {};
  if (!Array.isArray(layers)) throw new ModelFileError('CRFModelWrapper: base_model has no layers');
  const crf = { class_name: 'Addons>CRF', config: { name: 'crf', ...config }, name: config.name ?? 'crf' };
  if (!outputs) return { class_name: 'Sequential', config: { ...base, layers: [...layers, crf] } };
  const refs = refsIn(outputs);
  if (refs.length !== 1)
    throw new UnsupportedError(`CRFModelWrapper: the model in it has ${refs.length} outputs; padless supports 1`);
  const last = { ...crf, inbound_nodes: [[[...refs[0].slice(0, 3), {}]]] };
  return { class_name: 'Functional', config: { ...base, layers: [...layers, last], output_layers: [[crf.name, 0, 0]] } };
}

/** The HDF5 group of the wrapped model's layers. */
const wrappedGroup = /^(layers|_layer_checkpoint_dependencies)\/(functional|sequential)\/(layers|_layer_checkpoint_dependencies)\//;

/**
 * Reads CRF layers of keras_contrib and TensorFlow Addons, and Addons' CRFModelWrapper.
 * @template V
 * @param {any} json  the architecture
 * @param {Map<string, V> | null} vars  path -> array of the file
 * @param {CustomLayers | null} [customLayers]
 * @returns {{ architecture: any, vars: Map<string, V> | null }}
 * @throws {UnsupportedError} if the tags of Addons' CRF are used inside the model
 */
export function readCrfs(json, vars, customLayers) {
  const own = customLayers ?? {};
  if (json === null || typeof json !== 'object' || !isAddons(json, 'CRFModelWrapper'))
    return { architecture: withOurs(json, own, false), vars };
  return {
    architecture: withOurs(unwrapped(json.config ?? {}), own, false),
    vars: vars && new Map([...vars].map(([path, value]) => [path.replace(wrappedGroup, '$1/'), value])),
  };
}
