/**
 * A chain of layers. padless/layers exports it as Model, too, because it is the usual form of a model.
 * @module
 */
import { ModelFileError, show } from '../errors.js';
import { Layer, namedLayers } from './layer.js';

export class Sequential extends Layer {
  /** @override */
  static className = 'Sequential';

  /**
   * @param {Layer[] | Layer} layers
   * @param {import('./layer.js').LayerConfig} [config]
   */
  constructor(layers, config) {
    super(config);
    this.layers = [layers].flat();
    const names = new Set();
    for (const [name] of namedLayers(this.layers)) {
      if (names.has(name)) throw new ModelFileError(`${this.name}: two layers have the name ${show(name)}`);
      names.add(name);
    }
  }

  /** @override */
  getConfig() {
    return {
      ...super.getConfig(),
      layers: namedLayers(this.layers).map(([name, layer]) => ({
        class_name: layer.className,
        config: { ...layer.getConfig(), name },
      })),
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
