/**
 * Activations that are computed by layers: Keras's activation layers such as LeakyReLU(), its rare activations, and functions of the model's author.
 * @module
 */
import { UnsupportedError } from '../errors.js';
import { isAuthorsOwn } from '../layers/keras-json.js';
import { activationOf } from '../layers/late/activations.js';
import { Recurrent } from '../layers/recurrent.js';
import { layerFromJson } from './graph.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('./graph.js').Options} Options */

/**
 * The layer for an activation that no kernel computes: a Keras layer, a rare activation, or a class of customLayers in place of a function of the
 * model's author. Recurrent layers apply activations within each step, so they support activations with a kernel only.
 * @param {any} activation
 * @param {string} path  of the layer with this activation
 * @param {Options} options
 * @param {Function} Class  of the layer with this activation
 * @returns {Layer | null} null if activationNumber() has to read it
 */
export function activationLayerOf(activation, path, options, Class) {
  if (Class.prototype instanceof Recurrent) return null;
  if (typeof activation === 'string') return activationOf(activation);
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
