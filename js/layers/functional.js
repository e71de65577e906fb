/**
 * A graph of layers: several inputs and outputs, layers used more than once, models as layers.
 * @module
 */
import { ModelFileError, ShapeError } from '../errors.js';
import { Layer, named } from './layer.js';

/**
 * One use of a layer.
 * @typedef {object} GraphNode
 * @property {string} key  `layer/use`
 * @property {Layer} layer
 * @property {any} args  a Ref, or nested lists of them: what the layer is applied to
 * @property {Record<string, any>} options  call arguments, Refs among them
 */

/** Output `tensor` of a node. */
export class Ref {
  /** @param {string} key @param {number} tensor */
  constructor(key, tensor) {
    this.key = key;
    this.tensor = tensor;
  }
}

/** @param {any} value @param {(ref: Ref) => any} of @returns {any} value with each Ref replaced */
function replace(value, of) {
  if (value instanceof Ref) return of(value);
  if (Array.isArray(value)) return value.map((item) => replace(item, of));
  return value;
}

/** @param {any} value @param {Ref[]} found @returns {Ref[]} */
export function refsIn(value, found = []) {
  if (value instanceof Ref) found.push(value);
  else if (Array.isArray(value)) for (const item of value) refsIn(item, found);
  return found;
}

/**
 * Each node behind those it needs.
 * @param {GraphNode[]} nodes
 * @param {Set<string>} known  keys of the inputs
 * @param {string} name  of the model
 */
function inOrder(nodes, known, name) {
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  /** @type {Map<string, GraphNode[]>} node -> those that wait for it */
  const waiting = new Map();
  /** @type {Map<GraphNode, number>} */
  const missing = new Map();
  /** @type {GraphNode[]} */
  const ready = [];
  for (const node of nodes) {
    const needs = new Set(
      [...refsIn(node.args), ...refsIn(Object.values(node.options))].map(({ key }) => key).filter((key) => !known.has(key)),
    );
    for (const key of needs) {
      if (!byKey.has(key)) throw new ModelFileError(`${name}: ${node.layer.name} takes the output of ${key}, which is not there`);
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
   * @param {import('./layer.js').LayerConfig} config  as the file has it: the graph is written back as it came
   */
  constructor({ layers, nodes, inputs, outputs, outputNames }, config) {
    super(config);
    this.layers = layers;
    this.inputs = inputs;
    this.outputs = outputs;
    this.outputNames = outputNames;
    const keys = new Set(inputs.map(({ key }) => key));
    this.nodes = inOrder(nodes, keys, this.name);
    const known = new Set([...keys, ...nodes.map(({ key }) => key)]);
    for (const { key } of outputs)
      if (!known.has(key)) throw new ModelFileError(`${this.name}: an output is ${key}, which is not there`);
  }

  /** Layers alone: nodes only use them. @override @returns {[string, Layer][]} */
  get sublayers() {
    return named(this.layers);
  }

  /**
   * @override
   * @param {any} x  one input, or a list of them in the order of the file
   * @returns {any}
   */
  call(x) {
    const given = Array.isArray(x) ? x : [x];
    if (given.length !== this.inputs.length)
      throw new ShapeError(
        `${this.path || this.name}: ${given.length} inputs, expected ${this.inputs.length}: ${this.inputs.map(({ name }) => name).join(', ')}`,
      );
    /** @type {Map<string, any>} */
    const values = new Map(this.inputs.map(({ key }, i) => [key, given[i]]));
    /** @param {Ref} ref */
    const valueOf = ({ key, tensor }) => {
      const value = values.get(key);
      const list = Array.isArray(value) ? value : [value];
      if (tensor >= list.length)
        throw new ModelFileError(`${this.name}: output ${tensor} of ${key} is asked for, it has ${list.length}`);
      return list[tensor];
    };
    for (const { key, layer, args, options } of this.nodes) {
      /** @type {Record<string, any>} */
      const called = {};
      for (const name in options) called[name] = replace(options[name], valueOf);
      values.set(key, layer.apply(replace(args, valueOf), called));
    }
    const outputs = this.outputs.map(valueOf);
    return outputs.length === 1 ? outputs[0] : outputs;
  }
}
