/**
 * Layers one behind the other.
 * @module
 */
import { ModelFileError } from '../errors.js';
import { Layer } from './layer.js';
/** @typedef {import('../memory.js').Heap} Heap */
/** @typedef {import('./layer.js').Shape} Shape */
/** @typedef {import('./layer.js').BuildContext} BuildContext */
/** @typedef {import('./tensor.js').Tensor} Tensor */

export class Sequential extends Layer {
  /**
   * @param {Layer[]} layers
   * @param {import('./layer.js').LayerConfig} [config]
   */
  constructor(layers, config) {
    super(config);
    this.layers = layers;
    const names = new Set();
    for (const { name } of layers) {
      if (names.has(name)) throw new ModelFileError(`${this.name}: two layers are called ${JSON.stringify(name)}`);
      names.add(name);
    }
  }

  /** @override */
  getConfig() {
    return {
      ...super.getConfig(),
      layers: this.layers.map((layer) => ({ class_name: layer.className, config: layer.getConfig() })),
    };
  }

  /**
   * @override
   * @param {Shape} input
   * @param {BuildContext} context
   */
  build(input, context) {
    return this.layers.reduce((shape, layer) => layer.build(shape, context), input);
  }

  /**
   * @override
   * @param {Tensor} x
   * @param {Heap} heap
   */
  call(x, heap) {
    return this.layers.reduce((value, layer) => /** @type {Tensor} */ (layer.call(value, heap)), x);
  }
}
