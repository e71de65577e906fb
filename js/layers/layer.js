/**
 * The base of all layers: a name, weights, and other layers found among its own properties.
 * @module
 */
import { ModelFileError, ShapeError, UnsupportedError } from '../errors.js';
/** @typedef {import('../memory.js').Heap} Heap */
/** @typedef {import('./tensor.js').Tensor} Tensor */

/**
 * What a layer makes of its input, known before there is any.
 * @typedef {{ sequence: boolean, features: number, masked: boolean, ids?: boolean }} Shape
 *   sequence: has a time axis; features: values a step (or a text); masked: a mask comes with it; ids: int32 tokens, one a step
 */
/** @typedef {{ name: string, shape: number[], optional?: boolean }} WeightSpec */
/** @typedef {{ shape: number[], data: Float32Array }} Weight */
/** @typedef {{ kerasMajor: number }} BuildContext  major version of the Keras that saved the model */
/** @typedef {{ name?: string, [option: string]: any }} LayerConfig */

/** @type {Map<string, number>} */
const counters = new Map();

/** @param {string} className  GlobalAveragePooling1D -> global_average_pooling1d */
const snake = (className) =>
  className
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();

export class Layer {
  /** @param {LayerConfig} [config]  as Keras's get_config() gives it */
  constructor(config = {}) {
    this.config = config;
    const base = snake(new.target.name);
    if (config.name === undefined) {
      const count = counters.get(base) ?? 0;
      counters.set(base, count + 1);
      this.name = count ? `${base}_${count}` : base;
    } else {
      this.name = String(config.name);
    }
    this.path = this.name;
    /** @type {WeightSpec[]} */
    this.weightSpecs = [];
    /** @type {Map<string, Weight>} */
    this.weights = new Map();
  }

  /** The name in Keras JSON; layers that Keras lacks say `padless>Name`. @returns {string} */
  get className() {
    return this.constructor.name;
  }

  /** Keras's get_config(). @returns {LayerConfig} */
  getConfig() {
    return { ...this.config, name: this.name };
  }

  /**
   * Layers that this one owns, by attribute name.
   * @returns {[string, Layer][]}
   */
  get sublayers() {
    /** @type {[string, Layer][]} */
    const found = [];
    for (const [key, value] of Object.entries(this)) {
      if (value instanceof Layer) found.push([snake(key), value]);
      else if (Array.isArray(value)) for (const item of value) if (item instanceof Layer) found.push([item.name, item]);
    }
    return found;
  }

  /**
   * Declares a weight; called from build().
   * @param {string} name
   * @param {number[]} shape
   */
  addWeight(name, shape) {
    this.weightSpecs.push({ name, shape });
  }

  /**
   * Learns the shape of its input, declares weights, builds sublayers.
   * @param {Shape} input
   * @param {BuildContext} _context
   * @returns {Shape} of the output
   */
  build(input, _context) {
    return input;
  }

  /**
   * Every weight below, with the path it has in a file.
   * @returns {{ path: string, layer: Layer, spec: WeightSpec }[]}
   */
  listWeights() {
    return [
      ...this.weightSpecs.map((spec) => ({ path: `${this.path}.${spec.name}`, layer: /** @type {Layer} */ (this), spec })),
      ...this.sublayers.flatMap(([, layer]) => layer.listWeights()),
    ];
  }

  /** Gives sublayers their paths. @param {string} path */
  setPath(path) {
    this.path = path;
    for (const [key, layer] of this.sublayers) layer.setPath(path ? `${path}.${key}` : key);
  }

  /**
   * @param {string} name
   * @returns {Weight}
   */
  weight(name) {
    const weight = this.weights.get(name);
    if (!weight) throw new ModelFileError(`${this.path}.${name}: weight is missing`);
    return weight;
  }

  /**
   * Puts the weights into the heap in the form the kernels want; once, at load.
   * @param {Heap} heap
   */
  load(heap) {
    for (const [, layer] of this.sublayers) layer.load(heap);
  }

  /**
   * @param {Tensor | Tensor[]} _x
   * @param {Heap} _heap
   * @returns {Tensor | Tensor[]}
   */
  call(_x, _heap) {
    throw new UnsupportedError(`${this.path}: ${this.className} has no call()`);
  }

  /** @param {Shape} input */
  needSequence(input) {
    if (!input.sequence || input.ids) {
      const got = input.ids ? 'token ids' : `vectors of ${input.features}`;
      throw new ShapeError(`${this.path}: ${this.className} takes a sequence [B, T, D], got ${got}`);
    }
  }

  /**
   * Refuses options that would change the answer and are not there.
   * @param {Record<string, any[]>} allowed  option -> values that padless has
   */
  refuse(allowed) {
    for (const [option, values] of Object.entries(allowed)) {
      const value = this.config[option];
      if (value !== undefined && value !== null && !values.includes(value)) {
        throw new UnsupportedError(
          `${this.path}: ${this.className} has ${option}=${JSON.stringify(value)}; padless supports ${values.map((v) => JSON.stringify(v)).join(', ')}`,
        );
      }
    }
  }
}
