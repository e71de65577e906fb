/**
 * Keras JSON -> layers, in order; and back.
 * @module
 */
import { ModelFileError, UnsupportedError } from './errors.js';
import * as layers from './layers/index.js';

/** @typedef {{ class_name: string, config: any, registered_name?: string }} KerasJson */

/** @type {Map<string, new (config: any) => layers.Layer>} */
const classes = new Map();
for (const [name, Class] of Object.entries(layers)) {
  if (name === 'Layer' || name === 'Sequential' || name === 'Bidirectional') continue;
  const own = name.startsWith('Masked') || name.endsWith('Step');
  classes.set(own ? `padless>${name}` : name, /** @type {new (config: any) => layers.Layer} */ (Class));
}

/**
 * @param {any} json
 * @param {string} path
 * @returns {layers.Layer}
 */
function layerFromJson(json, path) {
  const config = json?.config;
  const className = json?.class_name;
  if (typeof className !== 'string' || config === null || typeof config !== 'object') {
    throw new ModelFileError(`${path}: expected { class_name, config }, got ${JSON.stringify(json)?.slice(0, 80)}`);
  }
  const name = config.name === undefined ? path : `${path}.${config.name}`;
  if (className === 'Sequential') return sequentialFromJson(json);
  if (className === 'Bidirectional') {
    const { layer, backward_layer: backward, ...rest } = config;
    const forward = layerFromJson(layer, `${name}.forward_layer`);
    const other = backward ? layerFromJson(backward, `${name}.backward_layer`) : undefined;
    for (const each of other ? [forward, other] : [forward]) {
      if (!/^(SimpleRNN|GRU|LSTM)$/.test(each.className)) {
        throw new UnsupportedError(
          `${name}: Bidirectional around ${each.className}; padless has it around SimpleRNN, GRU and LSTM`,
        );
      }
    }
    return new layers.Bidirectional({ ...rest, layer: /** @type {any} */ (forward), backwardLayer: /** @type {any} */ (other) });
  }
  const registered = json.registered_name;
  const Class = classes.get(typeof registered === 'string' && registered.startsWith('padless>') ? registered : className);
  if (!Class)
    throw new UnsupportedError(
      `${name}: class ${className} is not one of ${[...classes.keys(), 'Bidirectional'].sort().join(', ')}`,
    );
  return new Class(config);
}

/**
 * @param {any} json  { class_name: 'Sequential', config: { name, layers } }; Keras 1 and 2 may have the list in place of config
 * @returns {layers.Sequential}
 * @throws {ModelFileError | UnsupportedError}
 */
export function sequentialFromJson(json) {
  if (json?.class_name !== 'Sequential') {
    throw new UnsupportedError(`architecture: class ${JSON.stringify(json?.class_name)}, expected "Sequential"`);
  }
  const list = Array.isArray(json.config) ? json.config : json.config?.layers;
  if (!Array.isArray(list)) throw new ModelFileError('architecture: config.layers is not a list');
  const inside = list.filter((entry) => entry?.class_name !== 'InputLayer');
  return new layers.Sequential(
    inside.map((entry) => layerFromJson(entry, json.config.name ?? 'sequential')),
    { name: json.config.name ?? 'sequential' },
  );
}
