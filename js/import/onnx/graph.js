/**
 * Reads the graph of an ONNX model: its nodes in order, with calls of the file's functions inlined.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../../errors.js';
/** @typedef {import('./protobuf.js').ModelMessage} ModelMessage */
/** @typedef {import('./protobuf.js').NodeMessage} NodeMessage */
/** @typedef {import('./protobuf.js').GraphMessage} GraphMessage */
/** @typedef {import('./protobuf.js').FunctionMessage} FunctionMessage */
/** @typedef {import('./protobuf.js').TensorMessage} TensorMessage */

/** First and last opset that padless reads. */
export const OPSETS = [7, 26];

/** Maximum number of nodes, with functions inlined. */
const NODES_MOST = 100_000;
/** Maximum depth of functions that call functions. */
const DEPTH_MOST = 20;

/** The opset of the domain ai.onnx. @param {Map<string, number>} opsets @param {string} file */
export function opsetOf(opsets, file) {
  const version = opsets.get('') ?? 1;
  if (!(version >= OPSETS[0] && version <= OPSETS[1]))
    throw new UnsupportedError(
      `${file}: opset ${version}; padless reads opsets ${OPSETS[0]} to ${OPSETS[1]}. Export the model with opset_version=17, say`,
    );
  return version;
}

/** The nodes of the graph, with functions inlined. @param {ModelMessage} model @param {string} file @returns {NodeMessage[]} */
export function nodesOf({ graph, functions }, file) {
  /** @type {Map<string, FunctionMessage>} */
  const known = new Map(functions.map((each) => [`${each.domain}.${each.name}`, each]));
  /** @type {NodeMessage[]} */
  const nodes = [];
  let calls = 0;
  /** @param {NodeMessage[]} list @param {Map<string, string>} names @param {Record<string, any>} attributes @param {string} prefix @param {number} depth */
  const add = (list, names, attributes, prefix, depth) => {
    if (depth > DEPTH_MOST) throw new ModelFileError(`${file}: functions call each other more than ${DEPTH_MOST} deep`);
    const rename = (/** @type {string} */ name) => (name === '' || prefix === '' ? name : (names.get(name) ?? prefix + name));
    /** A node of a function with the names and attributes of its call, also in the graphs that its attributes hold. @param {NodeMessage} node @returns {NodeMessage} */
    const placed = (node) => {
      const given = Object.fromEntries(
        Object.entries(node.references).flatMap(([name, of]) => (attributes[of] === undefined ? [] : [[name, attributes[of]]])),
      );
      const own = Object.entries(node.attributes).map(([name, content]) => [
        name,
        isGraph(content) ? placedGraph(content) : content,
      ]);
      return {
        ...node,
        inputs: node.inputs.map(rename),
        outputs: node.outputs.map(rename),
        attributes: { ...Object.fromEntries(own), ...given },
      };
    };
    /** @param {GraphMessage} inner @returns {GraphMessage} */
    const placedGraph = (inner) => {
      const renamed = (/** @type {{ name: string }[]} */ all) => all.map((each) => ({ ...each, name: rename(each.name) }));
      const { inputs, outputs, initializers } = inner;
      return {
        ...inner,
        .../** @type {any} */ ({ inputs: renamed(inputs), outputs: renamed(outputs), initializers: renamed(initializers) }),
        nodes: inner.nodes.map(placed),
      };
    };
    for (const node of list) {
      // Count calls, too: functions without nodes could call each other without end.
      if (nodes.length + calls >= NODES_MOST) throw new ModelFileError(`${file}: more than ${NODES_MOST} nodes`);
      const made = placed(node);
      const body = known.get(`${node.domain}.${node.op}`);
      if (!body) {
        nodes.push(made);
        continue;
      }
      const inner = `${made.name || node.op}_${calls++}/`;
      const arguments_ = new Map([
        ...body.inputs.map((name, i) => /** @type {[string, string]} */ ([name, made.inputs[i] ?? ''])),
        ...body.outputs.map((name, i) => /** @type {[string, string]} */ ([name, made.outputs[i] ?? `${inner}${name}`])),
      ]);
      add(body.nodes, arguments_, { ...body.attributes, ...made.attributes }, inner, depth + 1);
    }
  };
  add(graph.nodes, new Map(), {}, '', 0);
  for (const node of nodes)
    if (node.domain !== '')
      throw new UnsupportedError(
        `${file}: node ${JSON.stringify(node.name || node.outputs[0])} (${node.op}): the operator is of domain ${node.domain}; padless reads operators of ai.onnx`,
      );
  return nodes;
}

/** Nodes, and the nodes of the graphs that their attributes hold, in order. @param {NodeMessage[]} nodes @returns {NodeMessage[]} */
export const withInner = (nodes) => nodes.flatMap((node) => [node, ...graphsIn(node).flatMap((graph) => withInner(graph.nodes))]);

/** @param {any} value  of an attribute */
const isGraph = (value) => Boolean(value) && Array.isArray(value.nodes);

/** The graphs in a node's attributes. @param {NodeMessage} node @returns {GraphMessage[]} */
const graphsIn = ({ attributes }) => Object.values(attributes).filter(isGraph);

/** All names that a node and the graphs in its attributes read. @param {NodeMessage} node @returns {string[]} */
export const namesRead = (node) => [
  ...node.inputs,
  ...graphsIn(node).flatMap((graph) => [...graph.nodes.flatMap(namesRead), ...graph.outputs.map(({ name }) => name)]),
];

/** The nodes that outputs depend on, in order. @param {NodeMessage[]} nodes @param {Iterable<string>} outputs @param {GraphMessage} graph  that holds the nodes @param {string} file */
export function neededNodes(nodes, outputs, { inputs, initializers }, file) {
  /** @type {Set<string>} */
  const given = new Set();
  for (const { name } of inputs) {
    if (given.has(name)) throw new ModelFileError(`${file}: two inputs have the name ${JSON.stringify(name)}`);
    given.add(name);
  }
  for (const { name } of initializers) given.add(name);
  /** @type {Map<string, NodeMessage>} */
  const makers = new Map();
  for (const node of nodes)
    for (const name of node.outputs.filter((each) => each !== '')) {
      if (makers.has(name)) throw new ModelFileError(`${file}: two nodes have the output ${JSON.stringify(name)}`);
      if (given.has(name))
        throw new ModelFileError(`${file}: an input or a weight and the output of a node are both ${JSON.stringify(name)}`);
      makers.set(name, node);
    }
  const names = new Set(outputs);
  /** @type {Set<NodeMessage>} */
  const needed = new Set();
  for (const name of names) {
    const node = makers.get(name);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    for (const each of namesRead(node)) names.add(each);
  }
  return nodes.filter((node) => needed.has(node));
}

/** How many times each name is read. @param {NodeMessage[]} nodes @param {string[]} outputs @returns {Map<string, number>} */
export function usesOf(nodes, outputs) {
  /** @type {Map<string, number>} */
  const uses = new Map();
  for (const name of [...nodes.flatMap(namesRead), ...outputs]) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

/** The external files that hold tensors of a model. @param {ModelMessage} model @returns {Set<string>} */
export function externalFiles({ graph, functions }) {
  /** @type {Set<string>} */
  const found = new Set();
  /** @param {any} value  a tensor, or another value of an attribute */
  const add = (value) => value?.external && found.add(value.external.location);
  /** @param {NodeMessage[]} nodes */
  const addOf = (nodes) => {
    for (const { attributes } of nodes)
      for (const value of Object.values(attributes)) {
        if (!isGraph(value)) [value].flat().forEach(add);
        else {
          value.initializers.forEach(add);
          addOf(value.nodes);
        }
      }
  };
  graph.initializers.forEach(add);
  addOf([...graph.nodes, ...functions.flatMap(({ nodes }) => nodes)]);
  for (const { attributes } of functions) Object.values(attributes).forEach(add);
  return found;
}
