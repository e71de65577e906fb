/**
 * The base of all layers: a name, weights, and other layers found among its own properties.
 *
 * A layer of your own owns layers and calls them:
 *
 *   class TwoDense extends Layer {
 *     constructor(config) {
 *       super(config);
 *       this.first = new Dense({ units: config.hidden, activation: 'relu' });
 *       this.second = new Dense({ units: config.units });
 *     }
 *     call(x) {
 *       return this.second.apply(this.first.apply(x));
 *     }
 *   }
 *
 * Its weights are found and named by path (`two_dense.first.kernel`), counted, saved and loaded; shapes are learnt by calling it once
 * with a Spec in place of values; a layer used twice has its weights once; masks go along with the tensors.
 * @module
 */
import { COUNT_MOST, ModelFileError, ShapeError, UnsupportedError } from '../errors.js';
import { Spec, Tensor } from './tensor.js';
/** @typedef {import('../runtime/memory.js').Heap} Heap */
/** @typedef {import('./tensor.js').Rules} Rules */

/** @typedef {{ name: string, shape: number[], int8?: 'rows' | 'columns' }} WeightSpec  int8: it may be, with factors for rows and columns, or for columns alone */
/** @typedef {{ shape: number[], readonly data: Float32Array, int8?: Int8Array, scale?: Float32Array, rows?: Uint8Array | undefined }} Weight
 *   data, or int8 times the scale of its column and what its row has in `rows` */
/** @typedef {{ name?: string, [option: string]: any }} LayerConfig */
/** What apply and call take: one input, or several. @typedef {any} Value */

/** @type {Map<string, number>} */
const counters = new Map();

/** @param {string} className  GlobalAveragePooling1D -> global_average_pooling1d */
const snake = (className) =>
  className
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();

/** The first Spec or Tensor in a list, which may hold other things and lists, or what is there instead. @param {Value} x @returns {Spec | Tensor | undefined} */
export const firstOf = (x) =>
  Array.isArray(x) ? (x.map(firstOf).find((each) => each instanceof Tensor || each instanceof Spec) ?? firstOf(x[0])) : x;

/**
 * Layers of a list by their names; those that were given none by class and number, so that a file fits whatever else there was before.
 * @param {Layer[]} list
 * @returns {[string, Layer][]}
 */
export function named(list) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return list.map((layer) => {
    if (layer.config.name !== undefined) return [layer.name, layer];
    const base = snake(layer.constructor.name);
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    return [count ? `${base}_${count}` : base, layer];
  });
}

/**
 * What one step of a layer's answer depends on; a session goes by it.
 *   step      the same step of each input, and nothing else
 *   window    the steps in a window that slides (size, stride, dilation, padding)
 *   lookup    an Embedding    visits  a recurrent layer    both  a Bidirectional
 *   last      the last step   first   the first
 *   all       whatever there is
 * @typedef {'step' | 'window' | 'lookup' | 'visits' | 'both' | 'first' | 'last' | 'all'} Reach
 */
/**
 * What a class itself declares; nothing for a class that a user derives from one of padless's, whose call() may do anything.
 * @param {Layer} layer
 * @returns {Reach | undefined}
 */
export const reachOf = ({ constructor: Class }) =>
  Object.hasOwn(Class, 'reach') ? /** @type {typeof Layer} */ (Class).reach : undefined;

/** @param {any} value */
export const isCount = (value) => Number.isSafeInteger(value) && value > 0 && value <= COUNT_MOST;

export class Layer {
  /**
   * The name in Keras JSON, `padless>Name` for a layer that Keras lacks. A class that declares it can stand in a file: the registry is built
   * from these declarations.
   */
  static className = 'Layer';

  /** What a session may keep of it. @type {Reach} */
  static reach = 'all';

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
    /** The class that a file gave; another where padless has one layer for several. */
    this.fileClass = this.className;
    /** It was applied while its model was put together. */
    this.built = false;
  }

  /** The name in Keras JSON: what the class itself declares, else the name of the user's class. @returns {string} */
  get className() {
    const Class = /** @type {typeof Layer} */ (this.constructor);
    return Object.hasOwn(Class, 'className') ? Class.className : Class.name;
  }

  /**
   * The layer that a file describes. A layer that holds others makes them from their JSON.
   * @param {any} config
   * @param {(json: any, path: string) => Layer} _layerFromJson
   * @param {string} _name  of the layer, with the path of what holds it
   * @returns {Layer}
   */
  static fromConfig(config, _layerFromJson, _name) {
    return new this(config);
  }

  /** Names of the call arguments behind the first, as Keras orders them. @returns {string[]} */
  get positional() {
    return [];
  }

  /** The layer in an architecture. */
  toJSON() {
    return { class_name: this.className, config: this.getConfig() };
  }

  /** Keras's get_config(). @returns {LayerConfig} */
  getConfig() {
    return { ...this.config, name: this.name };
  }

  /**
   * Layers that this one owns, by attribute name: properties, and what stands in lists and plain objects.
   * @returns {[string, Layer][]}
   */
  get sublayers() {
    /** @type {[string, Layer][]} */
    const found = [];
    for (const [key, value] of Object.entries(this)) {
      if (value instanceof Layer) found.push([snake(key), value]);
      else if (Array.isArray(value)) found.push(...named(value.filter((item) => item instanceof Layer)));
      else if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype && key !== 'config')
        for (const [inner, item] of Object.entries(value)) if (item instanceof Layer) found.push([`${snake(key)}.${inner}`, item]);
    }
    return found;
  }

  /**
   * Declares a weight; called from build().
   * @param {string} name
   * @param {number[]} shape
   * @param {WeightSpec['int8']} [int8]  the layer has kernels for it in int8
   */
  addWeight(name, shape, int8) {
    for (const size of shape) {
      if (!Number.isSafeInteger(size) || size < 0)
        throw new ShapeError(`${this.path}.${name}: shape [${shape}], expected whole numbers`);
    }
    this.weightSpecs.push({ name, shape, ...(int8 && { int8 }) });
  }

  /**
   * The layer's answer: to values, or while a model is put together to their shapes.
   * @param {Value} x  a Spec or Tensor, or a list of them
   * @param {Record<string, any>} [options]  call arguments by name: initial_state, use_causal_mask, ...
   * @returns {any} likewise
   * @throws {ShapeError} for an input that the layer does not take
   */
  apply(x, options = {}) {
    const example = firstOf(x);
    if (!(example instanceof Tensor) && !(example instanceof Spec))
      throw new ShapeError(
        `${this.path}: ${this.className} is applied to ${example === undefined ? 'nothing' : `a ${typeof example}`}`,
      );
    if (example instanceof Spec) {
      const before = this.weightSpecs;
      this.weightSpecs = [];
      this.built = true;
      example.rules.applied.add(this);
      const y = this.build(x, example.rules, options);
      if (before.length && JSON.stringify(before) !== JSON.stringify(this.weightSpecs)) {
        /** @param {WeightSpec[]} specs */
        const show = (specs) => specs.map(({ name, shape }) => `${name} [${shape}]`).join(', ');
        throw new ShapeError(
          `${this.path}: used twice with inputs that need other weights, ${show(before)} and ${show(this.weightSpecs)}`,
        );
      }
      return y;
    }
    const { interceptor } = example.heap;
    const y = interceptor ? interceptor(this, x, options) : this.call(x, options);
    example.heap.onApply?.(this, x, y, options);
    return y;
  }

  /**
   * Learns the shape of its input, declares weights, says what comes out. A layer made of layers inherits this: it is called once
   * with shapes.
   * @param {any} input  Spec, or a list
   * @param {Rules} _rules
   * @param {Record<string, any>} [options]
   * @returns {any}
   */
  build(input, _rules, options) {
    return this.call(input, options);
  }

  /**
   * Every weight below, with the path it has in a file; a layer met twice counts once.
   * @param {Set<Layer>} [seen]
   * @returns {{ path: string, layer: Layer, spec: WeightSpec }[]}
   */
  listWeights(seen = new Set()) {
    if (seen.has(this)) return [];
    seen.add(this);
    return [
      ...this.weightSpecs.map((spec) => ({ path: `${this.path}.${spec.name}`, layer: /** @type {Layer} */ (this), spec })),
      ...this.sublayers.flatMap(([, layer]) => layer.listWeights(seen)),
    ];
  }

  /**
   * Gives sublayers their paths; a layer met twice keeps its first.
   * @param {string} path
   * @param {Set<Layer>} [seen]
   */
  setPath(path, seen = new Set()) {
    if (seen.has(this)) return;
    seen.add(this);
    this.path = path;
    for (const [key, layer] of this.sublayers) layer.setPath(path ? `${path}.${key}` : key, seen);
  }

  /** This layer and every one below, once each. @param {Set<Layer>} [seen] @returns {Layer[]} */
  all(seen = new Set()) {
    if (seen.has(this)) return [];
    seen.add(this);
    return [this, ...this.sublayers.flatMap(([, layer]) => layer.all(seen))];
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

  /** A weight in the heap, 0 where the layer has none. @param {Heap} heap @param {string} name */
  place(heap, name) {
    return this.weights.has(name) ? heap.f32(this.weight(name).data) : 0;
  }

  /**
   * Puts this layer's own weights into the heap in the form the kernels want; once, at load, after its sublayers' own.
   * @param {Heap} _heap
   */
  load(_heap) {}

  /** load() of everything below and then of this layer. @param {Heap} heap @param {Set<Layer>} [seen] */
  loadAll(heap, seen = new Set()) {
    if (seen.has(this)) return;
    seen.add(this);
    for (const [, layer] of this.sublayers) layer.loadAll(heap, seen);
    if (this.built) this.load(heap);
  }

  /**
   * @param {Value} _x
   * @param {Record<string, any>} [_options]
   * @returns {any}
   */
  call(_x, _options) {
    throw new UnsupportedError(`${this.path}: ${this.className} has no call()`);
  }

  /** @param {Spec} input */
  needValues(input) {
    if (!(input instanceof Spec))
      throw new ShapeError(`${this.path}: ${this.className} takes one input, got ${[input].flat().length}`);
    if (input.ids) throw new ShapeError(`${this.path}: ${this.className} takes values, got token ids`);
  }

  /** @param {Spec} input */
  needSequence(input) {
    if (!(input instanceof Spec) || !input.sequence || input.ids) {
      const got = !(input instanceof Spec) ? 'several inputs' : input.ids ? 'token ids' : `vectors of ${input.features}`;
      throw new ShapeError(`${this.path}: ${this.className} takes a sequence [B, T, D], got ${got}`);
    }
    if (input.shape.length !== 2)
      throw new ShapeError(`${this.path}: ${this.className} takes a sequence [B, T, D], got [B, ${input.shape}]`);
  }

  /**
   * For a layer that looks along time and in its framework does not know masks: padding is read. In padless's own models the steps that
   * count are closed up instead.
   * @param {Spec} input
   * @returns {boolean} the mask ends here
   */
  readsPadding(input) {
    const { select, readsPadding } = input.rules;
    if (input.masked && !select) {
      if (input.vague)
        throw new UnsupportedError(
          `${this.path}: ${this.className} reads what ${input.vague} has at padding, which is another thing on each of Keras's backends`,
        );
      readsPadding.add(this.path);
    }
    return !select;
  }

  /** For a layer that goes by masks. @param {Spec} input */
  needMask({ masked, maskRemovedBy }) {
    if (masked && maskRemovedBy)
      throw new UnsupportedError(
        `${this.path}: ${this.className} reads padding, as ${maskRemovedBy} takes the mask off what it is given while Keras runs; padless does not`,
      );
  }

  /**
   * A length that has to be known at load. @param {Spec} input
   * @returns {number}
   */
  needLength(input) {
    this.readsPadding(input);
    input.rules.needsLength.add(this.path);
    const [T] = input.shape;
    if (T === null)
      throw new ShapeError(`${this.path}: ${this.className} needs a length known beforehand; the model's input has none`);
    return T;
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
          `${this.path}: ${this.className} has ${option}=${JSON.stringify(value)}; padless supports ${values.map((v) => JSON.stringify(v)).join(', ') || 'only its absence'}`,
        );
      }
    }
  }

  /**
   * An option that counts something.
   * @param {string} option @param {number} [otherwise] @returns {number}
   */
  count(option, otherwise) {
    const given = this.config[option] ?? otherwise;
    const value = Array.isArray(given) && given.length === 1 ? given[0] : given;
    if (!isCount(value)) throw this.wrong(option, given, `a whole number from 1 to ${COUNT_MOST}`);
    return value;
  }

  /**
   * An option that is a number; in old files { type: 'ndarray', value }.
   * @param {string} option @param {number} otherwise @returns {number}
   */
  number(option, otherwise) {
    const given = this.config[option] ?? otherwise;
    const value = given.value ?? given;
    if (typeof value !== 'number' || Number.isNaN(value)) throw this.wrong(option, given, 'a number');
    return value;
  }

  /** An option that is a list; empty where it is not there. @param {string} option @returns {any[]} */
  list(option) {
    const given = this.config[option] ?? [];
    if (!Array.isArray(given)) throw this.wrong(option, given, 'a list');
    return given;
  }

  /** @param {string} option @param {any} given @param {string} expected */
  wrong(option, given, expected) {
    return new ModelFileError(`${this.path}: ${option} is ${JSON.stringify(given)}, expected ${expected}`);
  }
}
