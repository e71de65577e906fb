/**
 * The base of all layers: a name, weights, and other layers found among its own properties.
 *
 * A custom layer holds other layers as properties and calls them:
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
 * The base class finds these layers. It names their weights by path (`two_dense.first.kernel`), counts, saves and loads them. The layers learn
 * their shapes from one call with a Spec (a shape without values). A layer that is used twice has one set of weights. Tensors carry their
 * masks.
 * @module
 */
import { COUNT_MOST, ModelFileError, ShapeError, show, textOf, UnsupportedError } from '../errors.js';
import { Spec, Tensor } from './tensor.js';
/** @typedef {import('../runtime/memory.js').Heap} Heap */
/** @typedef {import('./tensor.js').Rules} Rules */

/** @typedef {{ name: string, shape: number[], int8?: 'rows' | 'columns' }} WeightSpec  int8: it may be stored as int8, with a scale for each row and column, or for each column only */
/** @typedef {{ shape: number[], readonly data: Float32Array, int8?: Int8Array, scale?: Float32Array, rows?: Uint8Array | undefined, ternary?: boolean,
 *   stored?: (path: string) => [string, import('../file/safetensors.js').StoredTensor][] }} Weight
 *   value (i, j) is data[i][j], or int8[i][j] * scale[j] * rows[i], without rows int8[i][j] * scale[j] */
/** @typedef {{ name?: string, [option: string]: any }} LayerConfig */
/** An argument of apply and call: one input, or a list of inputs. @typedef {any} Value */

/** Class name in snake case -> number of layers that got a default name. @type {Map<string, number>} */
const counters = new Map();

/** @param {string} className  GlobalAveragePooling1D -> global_average_pooling1d, padless>CRF -> crf */
const snakeCase = (className) =>
  className
    .replace(/^padless>/, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();

/** The first Spec or Tensor in x, which may be a list that nests; if there is none, the first entry of any type. @param {Value} x @returns {Spec | Tensor | undefined} */
export const firstOf = (x) =>
  Array.isArray(x) ? (x.map(firstOf).find((each) => each instanceof Tensor || each instanceof Spec) ?? firstOf(x[0])) : x;

/**
 * Pairs each layer with its name. A default name gets its number from this list instead of the global counter, so that a saved file does not
 * depend on the layers that the program made before.
 * @param {Layer[]} list
 * @returns {[string, Layer][]}
 */
export function namedLayers(list) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return list.map((layer) => {
    if (layer.config.name !== undefined) return [layer.name, layer];
    const base = snakeCase(layer.className);
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    return [count ? `${base}_${count}` : base, layer];
  });
}

/**
 * Which input steps one step of a layer's output depends on. A session uses it to decide what it computes again.
 *   step    the same step of each input
 *   window  the steps in a sliding window (size, stride, dilation, padding)
 *   lookup  the same step: an Embedding
 *   visits  the same step and those that the recurrent layer visits before it
 *   both    all steps: a Bidirectional, whose two directions the session treats as `visits`
 *   first   the first step
 *   last    the last step
 *   all     any step
 * @typedef {'step' | 'window' | 'lookup' | 'visits' | 'both' | 'first' | 'last' | 'all'} Reach
 */
/**
 * The reach that the class itself declares. It is not inherited: the call() of a subclass in user code may read any step.
 * @param {Layer} layer
 * @returns {Reach | undefined}
 */
export const reachOf = ({ constructor: Class }) =>
  Object.hasOwn(Class, 'reach') ? /** @type {typeof Layer} */ (Class).reach : undefined;

/** @param {any} value */
export const isCount = (value) => Number.isSafeInteger(value) && value > 0 && value <= COUNT_MOST;

export class Layer {
  /** Whether the layer computes padding like any other step. */
  #ignoresMask = false;
  /** Whether its output has the mask of its input although it ignores the mask. */
  #returnsMask = false;

  /**
   * The name in Keras JSON, `padless>Name` for a layer that Keras lacks. The registry of layers that a file may contain is built from these
   * declarations.
   */
  static className = 'Layer';

  /** @type {Reach} */
  static reach = 'all';

  /**
   * Frameworks in which the layer ignores masks: it computes padding like any other step, and its output has no mask.
   * @type {import('./tensor.js').Framework[]}
   */
  static ignoresMaskIn = [];

  /** @param {LayerConfig} [config]  as returned by get_config() of Keras */
  constructor(config = {}) {
    this.config = config;
    const base = snakeCase(this.className);
    if (config.name === undefined) {
      const count = counters.get(base) ?? 0;
      counters.set(base, count + 1);
      this.name = count ? `${base}_${count}` : base;
    } else {
      this.name = textOf(config.name);
    }
    this.path = this.name;
    /** @type {WeightSpec[]} */
    this.weightSpecs = [];
    /** @type {Map<string, Weight>} */
    this.weights = new Map();
    /** The class name in the model file. It differs from className if padless implements several Keras classes by one. */
    this.fileClass = this.className;
    /** The layer that computes the activation, if no kernel does. @type {Layer | null} */
    this.activationLayer = null;
  }

  /** The name in Keras JSON: the static className if the class itself declares one, else the name of the class. @returns {string} */
  get className() {
    const Class = /** @type {typeof Layer} */ (this.constructor);
    return Object.hasOwn(Class, 'className') ? Class.className : Class.name;
  }

  /**
   * Creates the layer from the config in a model file. Override it in a layer that contains layers.
   * @param {any} config
   * @param {(json: any, path: string) => Layer} _layerFromJson
   * @param {string} _name  path of the layer, for error messages
   * @returns {Layer}
   */
  static fromConfig(config, _layerFromJson, _name) {
    return new this(config);
  }

  /** Names of the positional call arguments after the first, in the order of Keras. @returns {string[]} */
  get positional() {
    return [];
  }

  /** The JSON of this layer in an architecture. */
  toJSON() {
    return { class_name: this.className, config: this.getConfig() };
  }

  /** The equivalent of get_config() in Keras. @returns {LayerConfig} */
  getConfig() {
    return { ...this.config, name: this.name };
  }

  /**
   * The layers in properties of this layer, with their names: also those in lists and plain objects that are properties.
   * @returns {[string, Layer][]}
   */
  get sublayers() {
    /** @type {[string, Layer][]} */
    const found = [];
    for (const [key, value] of Object.entries(this)) {
      if (value instanceof Layer) found.push([snakeCase(key), value]);
      else if (Array.isArray(value)) found.push(...namedLayers(value.filter((item) => item instanceof Layer)));
      else if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype && key !== 'config')
        for (const [inner, item] of Object.entries(value))
          if (item instanceof Layer) found.push([`${snakeCase(key)}.${inner}`, item]);
    }
    return found;
  }

  /**
   * Declares a weight; called from build().
   * @param {string} name
   * @param {number[]} shape
   * @param {WeightSpec['int8']} [int8]  set if the layer can run with this weight in int8
   */
  addWeight(name, shape, int8) {
    for (const size of shape) {
      if (!Number.isSafeInteger(size) || size < 0)
        throw new ShapeError(`${this.path}.${name}: shape [${shape}], expected integers from 0 on`);
    }
    this.weightSpecs.push({ name, shape, ...(int8 && { int8 }) });
  }

  /**
   * Applies the layer to values (Tensor), or to shapes (Spec) while a model is built.
   * @param {Value} x  a Spec or Tensor, or a list of them
   * @param {Record<string, any>} [options]  call arguments by name: initial_state, use_causal_mask, ...
   * @returns {any} a Spec or Tensor, or a list of them
   * @throws {ShapeError} if the layer does not accept x
   */
  apply(x, options = {}) {
    const example = firstOf(x);
    if (!(example instanceof Tensor) && !(example instanceof Spec))
      throw new ShapeError(
        `${this.path}: ${this.className} is applied to ${example === undefined ? 'nothing' : `a ${typeof example}`}`,
      );
    // Only Specs and Tensors of js/layers/late/words.js have lifted(), which applies the layer to words of characters.
    const words = Array.isArray(x) ? x.flat(9).find((each) => each?.lifted) : example;
    const lifted = words?.lifted?.(this, x);
    if (lifted) return lifted;
    if (example instanceof Spec) {
      const before = this.weightSpecs;
      this.weightSpecs = [];
      /** Whether the layer was applied to a Spec, while its model was built. */
      this.built = true;
      const { rules } = example;
      rules.applied.add(this);
      const Class = /** @type {typeof Layer} */ (this.constructor);
      const ends = Class.ignoresMaskIn.includes(rules.framework) && x.masked;
      if (ends) this.readsPadding(x);
      this.#ignoresMask ||= ends;
      const time = ends ? {} : x.time;
      const y = this.build(ends ? x.with({ masked: false, time }) : x, rules, options);
      if (before.length && JSON.stringify(before) !== JSON.stringify(this.weightSpecs)) {
        /** @param {WeightSpec[]} specs */
        const list = (specs) => specs.map(({ name, shape }) => `${name} [${shape}]`).join(', ');
        throw new ShapeError(
          `${this.path}: used twice with inputs that need different weights, ${list(before)} and ${list(this.weightSpecs)}`,
        );
      }
      // TF.js passes the last mask on to every later layer, even if layers in between ignore it.
      this.#returnsMask = ends && rules.framework === 'tfjs' && y.time === time;
      const masked = this.#returnsMask ? y.with({ masked: true, time: x.time }) : y;
      return this.activationLayer ? this.activationLayer.apply(masked) : masked;
    }
    const { interceptor } = example.heap;
    const given = this.#ignoresMask ? x.unmasked() : x;
    const y = interceptor ? interceptor(this, given, options) : this.call(given, options);
    example.heap.onApply?.(this, given, y, options);
    const masked = this.#returnsMask && x.keep ? y.withMask(x.keep) : y;
    return this.activationLayer ? this.activationLayer.apply(masked) : masked;
  }

  /**
   * Checks the shape of the input, declares weights and returns the shape of the output. A layer that consists of layers inherits this version, which
   * runs call() with shapes.
   * @param {any} input  Spec, or a list
   * @param {Rules} _rules
   * @param {Record<string, any>} [options]
   * @returns {any}
   */
  build(input, _rules, options) {
    return this.call(input, options);
  }

  /**
   * All weights of this layer and its sublayers, with their paths in a file. A shared layer is listed once.
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
   * Sets the paths of this layer and its sublayers. A shared layer keeps the first path.
   * @param {string} path
   * @param {Set<Layer>} [seen]
   */
  setPath(path, seen = new Set()) {
    if (seen.has(this)) return;
    seen.add(this);
    this.path = path;
    for (const [key, layer] of this.sublayers) layer.setPath(path ? `${path}.${key}` : key, seen);
  }

  /** This layer and all its sublayers, each once. @param {Set<Layer>} [seen] @returns {Layer[]} */
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

  /** Copies a weight to the heap. @param {Heap} heap @param {string} name @returns {number} pointer, 0 if the layer lacks the weight */
  place(heap, name) {
    return this.weights.has(name) ? heap.f32(this.weight(name).data) : 0;
  }

  /**
   * Copies this layer's own weights to the heap, in the format of its kernels. Called once, after the sublayers have loaded theirs.
   * @param {Heap} _heap
   */
  load(_heap) {}

  /** Calls load() of all sublayers, then of this layer. @param {Heap} heap @param {Set<Layer>} [seen] */
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
   * Called by a layer that combines steps and ignores masks in Keras. In a Keras model it reads the padding, which is recorded in `rules`. In
   * padless's own models it gets only the steps that count.
   * @param {Spec} input
   * @returns {boolean} whether the output has no mask
   */
  readsPadding(input) {
    const { select, readsPadding } = input.rules;
    if ((input.masked || input.unlikePadding) && !select) {
      if (input.unlikePadding)
        throw new UnsupportedError(
          `${this.path}: ${this.className} reads the values at padding of ${input.unlikePadding}; padless has zeros there`,
        );
      readsPadding.add(this.path);
    }
    return !select;
  }

  /** Called by a layer that uses masks. @param {Spec} input */
  needMask({ masked, maskRemovedBy, rules }) {
    if (!masked || !maskRemovedBy) return;
    const [since, instead] = Number.isNaN(rules.kerasMinor)
      ? [' 3.7 and later', 'the file does not say its version: give kerasVersion']
      : ['', 'padless does not'];
    throw new UnsupportedError(
      `${this.path}: ${this.className} reads padding in Keras${since}, as ${maskRemovedBy} removes the mask of its input there; ${instead}`,
    );
  }

  /**
   * Called by a layer that needs a fixed number of steps.
   * @param {Spec} input
   * @returns {number} that number
   */
  needLength(input) {
    this.readsPadding(input);
    input.rules.needsLength.add(this.path);
    const [T] = input.shape;
    if (T === null) throw new ShapeError(`${this.path}: ${this.className} needs a fixed length; the model's input has none`);
    return T;
  }

  /**
   * Throws if an option has a value that padless does not support.
   * @param {Record<string, any[]>} allowed  option -> supported values, besides null
   */
  refuse(allowed) {
    for (const [option, values] of Object.entries(allowed)) {
      const value = this.config[option];
      if (value !== undefined && value !== null && !values.includes(value)) {
        throw new UnsupportedError(
          `${this.path}: ${this.className} has ${option}=${show(value)}; padless supports ${values.map(show).join(', ') || 'only null'}`,
        );
      }
    }
  }

  /**
   * Reads an option that must be an integer from 1 on, or a list of one.
   * @param {string} option @param {number} [otherwise] @param {number} [most] @returns {number}
   */
  count(option, otherwise, most = COUNT_MOST) {
    const given = this.config[option] ?? otherwise;
    const value = Array.isArray(given) && given.length === 1 ? given[0] : given;
    if (!isCount(value) || value > most) throw this.wrong(option, given, `an integer from 1 to ${most}`);
    return value;
  }

  /**
   * Reads an option that must be a number. Old files have { type: 'ndarray', value }.
   * @param {string} option @param {number} otherwise @returns {number}
   */
  number(option, otherwise) {
    const given = this.config[option] ?? otherwise;
    const value = given.value ?? given;
    if (typeof value !== 'number' || Number.isNaN(value)) throw this.wrong(option, given, 'a number');
    return value;
  }

  /** Reads an option that must be a list; an empty list if it is missing. @param {string} option @returns {any[]} */
  list(option) {
    const given = this.config[option] ?? [];
    if (!Array.isArray(given)) throw this.wrong(option, given, 'a list');
    return given;
  }

  /** The error for an invalid option. @param {string} option @param {any} given @param {string} expected */
  wrong(option, given, expected) {
    return new ModelFileError(`${this.path}: ${option} is ${show(given)}, expected ${expected}`);
  }
}
