/**
 * Collects layers into a functional architecture in Keras JSON, with their weights.
 * @module
 */
/** @typedef {import('../../layers/layer.js').Weight} Weight */
/** @typedef {import('./values.js').Output} Output */
/** @typedef {{ class_name: string, name: string, module?: string, config: any, inbound_nodes: any[] }} Entry */

/** Marks operations in Keras JSON. */
const OPERATION = 'keras.src.ops.numpy';

/** A reference to the output of a layer, in the form of Keras 3. @param {Output} output */
const tensorOf = ({ layer, tensor }) => ({ class_name: '__keras_tensor__', config: { keras_history: [layer, 0, tensor] } });

export class Builder {
  constructor() {
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    /** @type {Map<string, Weight>} */
    this.weights = new Map();
    /** Layer -> the outputs that it reads. @type {Map<string, Output[]>} */
    this.sources = new Map();
    /** Layer -> how often other layers read its outputs. @type {Map<string, number>} */
    this.users = new Map();
    /** Base name -> the last number that was appended to it. @type {Map<string, number>} */
    this.numbers = new Map();
    /** Set while layers are applied to each word of an input of characters: throws for a layer that reads or returns several tensors. @type {(() => never) | null} */
    this.inWords = null;
  }

  /** @param {string} name  of a layer @param {Output[]} sources */
  #connect(name, sources) {
    this.sources.set(name, sources);
    for (const { layer } of sources) this.users.set(layer, (this.users.get(layer) ?? 0) + 1);
  }

  /** An unused layer name made from the name of a node, without dots and slashes, which separate the parts of paths. @param {string} wanted */
  name(wanted) {
    const base =
      wanted
        .replace(/^\/+/, '')
        .replace(/[^A-Za-z0-9_-]+/g, '_')
        .replace(/^_+|_+$/g, '')
        .slice(0, 100) || 'layer';
    let name = base;
    let n = this.numbers.get(base) ?? 0;
    while (this.entries.has(name)) name = `${base}_${++n}`;
    this.numbers.set(base, n);
    return name;
  }

  /** @param {string} name @param {(number | null)[]} shape  of one text @returns {Output} */
  input(name, shape) {
    this.entries.set(name, { class_name: 'InputLayer', name, config: { name, batch_shape: [null, ...shape] }, inbound_nodes: [] });
    return { layer: name, tensor: 0 };
  }

  /**
   * @param {string} className @param {string} wanted  name @param {Record<string, any>} config
   * @param {Output | Output[]} inputs @param {Record<string, Weight>} [weights]  by their paths in the layer
   * @param {Record<string, Output | Output[]>} [options]  further tensors by the names of their arguments
   * @returns {Output} its first output
   */
  layer(className, wanted, config, inputs, weights = {}, options = {}) {
    // Embedding reads ids of any shape, so it needs no TimeDistributed.
    if (this.inWords && className !== 'Embedding') return this.#distributed(className, wanted, config, inputs, weights, options);
    const name = this.name(wanted);
    const several = (/** @type {Output | Output[]} */ given) => (Array.isArray(given) ? given.map(tensorOf) : tensorOf(given));
    const kwargs = Object.fromEntries(Object.entries(options).map(([key, given]) => [key, several(given)]));
    this.entries.set(name, {
      class_name: className,
      name,
      config: { ...config, name },
      inbound_nodes: [{ args: [several(inputs)], kwargs }],
    });
    this.#connect(name, [inputs, Object.values(options)].flat(3));
    for (const [path, weight] of Object.entries(weights)) this.weights.set(`${name}.${path}`, weight);
    return { layer: name, tensor: 0 };
  }

  /** A layer inside TimeDistributed, applied to the characters of each word. @param {string} className @param {string} wanted @param {any} config @param {Output | Output[]} input @param {Record<string, Weight>} weights @param {any} options @returns {Output} */
  #distributed(className, wanted, config, input, weights, options) {
    const { inWords } = this;
    if (Array.isArray(input) || Object.keys(options).length || config.return_state) inWords?.();
    this.inWords = null;
    const inner = Object.fromEntries(Object.entries(weights).map(([path, weight]) => [`layer.${path}`, weight]));
    const layer = { class_name: className, config: { ...config, name: 'layer' } };
    const made = this.layer('TimeDistributed', wanted, { layer }, input, inner);
    this.inWords = inWords;
    return made;
  }

  /**
   * Adds an operation on arrays. Its arguments are outputs, numbers, and weights.
   * @param {string} kind @param {string} wanted @param {(Output | Output[] | number | Weight | any)[]} args @param {Record<string, any>} [config]
   * @returns {Output}
   */
  operation(kind, wanted, args, config = {}) {
    this.inWords?.();
    const name = this.name(wanted);
    /** @type {Output[]} */
    const sources = [];
    let count = 0;
    /** @param {any} arg @returns {any} */
    const argument = (arg) => {
      if (Array.isArray(arg)) return arg.map(argument);
      if (typeof arg?.layer === 'string') {
        sources.push(arg);
        return tensorOf(arg);
      }
      if (arg?.data instanceof Float32Array) {
        const key = `constant_${count++}`;
        this.weights.set(`${name}.${key}`, arg);
        return { class_name: '__weight__', config: { name: key, shape: arg.shape } };
      }
      return arg;
    };
    const entry = {
      class_name: kind,
      module: OPERATION,
      name,
      config: { ...config, name },
      inbound_nodes: [{ args: args.map(argument), kwargs: {} }],
    };
    this.entries.set(name, entry);
    this.#connect(name, sources);
    return { layer: name, tensor: 0 };
  }

  /**
   * The architecture without layers that no output needs.
   * @param {Output[]} inputs @param {{ name: string, output: Output }[]} outputs
   */
  finish(inputs, outputs) {
    const needed = new Set(outputs.map(({ output }) => output.layer));
    for (const name of needed) for (const { layer } of this.sources.get(name) ?? []) needed.add(layer);
    const isInput = new Set(inputs.map(({ layer }) => layer));
    const kept = [...this.entries.values()].filter(({ name }) => needed.has(name) || isInput.has(name));
    const owners = new Set(kept.map(({ name }) => name));
    const weights = new Map([...this.weights].filter(([path]) => owners.has(path.slice(0, path.indexOf('.')))));
    const endpoint = (/** @type {Output} */ { layer, tensor }) => [layer, 0, tensor];
    return {
      architecture: {
        class_name: 'Functional',
        config: {
          name: 'model',
          layers: kept,
          input_layers: inputs.map(endpoint),
          output_layers: Object.fromEntries(outputs.map(({ name, output }) => [name, endpoint(output)])),
        },
      },
      weights,
    };
  }
}
