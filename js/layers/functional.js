/**
 * A graph of layers, with one or more inputs and outputs. A layer may be used more than once, and a model may be used as a layer.
 * @module
 */
import { ModelFileError, ShapeError } from '../errors.js';
import { Layer, namedLayers } from './layer.js';

/**
 * One call of a layer.
 * @typedef {object} GraphNode
 * @property {string} key  `layer/use`
 * @property {Layer} layer
 * @property {any} args  first argument of the call: a Ref, or nested lists of them
 * @property {Record<string, any>} options  other call arguments by name; they may contain Refs
 */

/** A reference to output number `tensor` of the node `key`. */
export class Ref {
  /** @param {string} key @param {number} tensor */
  constructor(key, tensor) {
    this.key = key;
    this.tensor = tensor;
  }
}

/** @param {any} value @param {(ref: Ref) => any} valueOf @returns {any} value with each Ref replaced */
function replaceRefs(value, valueOf) {
  if (value instanceof Ref) return valueOf(value);
  if (Array.isArray(value)) return value.map((item) => replaceRefs(item, valueOf));
  return value;
}

/** All Refs in a value. @param {any} value @param {Ref[]} found @returns {Ref[]} */
export function refsIn(value, found = []) {
  if (value instanceof Ref) found.push(value);
  else if (Array.isArray(value)) for (const item of value) refsIn(item, found);
  return found;
}

/**
 * Sorts the nodes so that each comes after the nodes whose outputs it reads (Kahn's algorithm).
 * @param {GraphNode[]} nodes
 * @param {Set<string>} known  keys of the inputs
 * @param {string} name  of the model
 */
function sortNodes(nodes, known, name) {
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  /** @type {Map<string, GraphNode[]>} key of a node -> nodes that take its output */
  const waiting = new Map();
  /** @type {Map<GraphNode, number>} number of inputs that are not ready */
  const missing = new Map();
  /** @type {GraphNode[]} */
  const ready = [];
  for (const node of nodes) {
    const needs = new Set(
      [...refsIn(node.args), ...refsIn(Object.values(node.options))].map(({ key }) => key).filter((key) => !known.has(key)),
    );
    for (const key of needs) {
      if (!byKey.has(key)) throw new ModelFileError(`${name}: ${node.layer.name} takes the output of ${key}, which does not exist`);
      const others = waiting.get(key);
      if (others) others.push(node);
      else waiting.set(key, [node]);
    }
    missing.set(node, needs.size);
    if (needs.size === 0) ready.push(node);
  }
  for (const node of ready) {
    for (const next of waiting.get(node.key) ?? []) {
      const left = /** @type {number} */ (missing.get(next)) - 1;
      missing.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  if (ready.length < nodes.length) {
    const rest = nodes.filter((node) => !ready.includes(node)).slice(0, 5);
    throw new ModelFileError(`${name}: the graph has a cycle through ${rest.map(({ layer }) => layer.name).join(', ')}`);
  }
  return ready;
}

export class Functional extends Layer {
  /** @override */
  static className = 'Functional';

  /**
   * @param {{ layers: Layer[], nodes: GraphNode[], inputs: { key: string, name: string }[], outputs: Ref[],
   *   outputNames: string[] }} graph
   * @param {import('./layer.js').LayerConfig} config  as in the file; save() writes the graph back unchanged
   */
  constructor({ layers, nodes, inputs, outputs, outputNames }, config) {
    super(config);
    this.layers = layers;
    this.inputs = inputs;
    this.outputs = outputs;
    this.outputNames = outputNames;
    const keys = new Set(inputs.map(({ key }) => key));
    this.nodes = sortNodes(nodes, keys, this.name);
    const known = new Set([...keys, ...nodes.map(({ key }) => key)]);
    for (const { key } of outputs)
      if (!known.has(key)) throw new ModelFileError(`${this.name}: an output is ${key}, which does not exist`);
  }

  /** The layers that take the first input. @returns {Layer[]} */
  get firstLayers() {
    const [{ key }] = this.inputs;
    return this.nodes.filter(({ args }) => refsIn(args)[0]?.key === key).map(({ layer }) => layer);
  }

  /** @override @returns {[string, Layer][]} */
  get sublayers() {
    return namedLayers(this.layers);
  }

  /**
   * @override
   * @param {any} x  one input, or a list of them in the order of the file
   * @returns {any}
   */
  call(x) {
    const inputs = Array.isArray(x) ? x : [x];
    if (inputs.length !== this.inputs.length)
      throw new ShapeError(
        `${this.path || this.name}: ${inputs.length} inputs, expected ${this.inputs.length}: ${this.inputs.map(({ name }) => name).join(', ')}`,
      );
    /** @type {Map<string, any>} */
    const values = new Map(this.inputs.map(({ key }, i) => [key, inputs[i]]));
    /** @param {Ref} ref */
    const valueOf = ({ key, tensor }) => {
      const value = values.get(key);
      const list = Array.isArray(value) ? value : [value];
      if (tensor >= list.length)
        throw new ModelFileError(`${this.name}: output ${tensor} of ${key} is used, but it has ${list.length}`);
      return list[tensor];
    };
    for (const { key, layer, args, options } of this.nodes) {
      /** @type {Record<string, any>} */
      const callOptions = {};
      for (const name in options) callOptions[name] = replaceRefs(options[name], valueOf);
      values.set(key, layer.apply(replaceRefs(args, valueOf), callOptions));
    }
    const outputs = this.outputs.map(valueOf);
    return outputs.length === 1 ? outputs[0] : outputs;
  }
}
