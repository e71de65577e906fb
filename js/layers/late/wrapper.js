/**
 * The base of layers that contain one other layer.
 * @module
 */
import { Layer } from '../layer.js';

export class Wrapper extends Layer {
  /** @param {import('../layer.js').LayerConfig & { layer: Layer }} config */
  constructor({ layer, ...config }) {
    super(config);
    this.layer = layer;
  }

  /** @override @param {any} config @param {(json: any, path: string) => Layer} layerFromJson @param {string} name */
  static fromConfig({ layer, ...config }, layerFromJson, name) {
    return new this({ ...config, layer: layerFromJson(layer, `${name}.layer`) });
  }

  /** @override */
  getConfig() {
    return { ...super.getConfig(), layer: { class_name: this.layer.className, config: this.layer.getConfig() } };
  }
}
