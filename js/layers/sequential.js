/**
 * Layers one behind the other.
 * @module
 */
import { ModelFileError } from '../errors.js';
import { Layer } from './layer.js';

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
   * @param {any} x
   */
  call(x) {
    return this.layers.reduce((value, layer) => layer.apply(value), x);
  }
}
