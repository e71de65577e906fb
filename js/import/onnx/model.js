/**
 * Converts an ONNX model: finds the batch axis of each input and the inputs that are token ids, and turns the nodes into layers.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../../errors.js';
import { Constant, kindOfType } from './constants.js';
import { Converter, NeedsLengths } from './converter.js';
import { namesRead, neededNodes, nodesOf, opsetOf, usesOf, withInner } from './graph.js';
import { axisOperators } from './operators/axes.js';
import { controlOperators } from './operators/control.js';
import { elementwiseOperators } from './operators/elementwise.js';
import { normOperators } from './operators/norms.js';
import { productOperators } from './operators/products.js';
import { recurrentOperators } from './operators/recurrent.js';
import { reductionOperators } from './operators/reductions.js';
import { windowOperators } from './operators/windows.js';
import { named, Size } from './sizes.js';
import { Factor, sizeOf, Value } from './values.js';
import { Words } from './words.js';
/** @typedef {import('./protobuf.js').ModelMessage} ModelMessage */
/** @typedef {import('./protobuf.js').ValueInfo} ValueInfo */
/** @typedef {import('./protobuf.js').NodeMessage} NodeMessage */
/** @typedef {import('./sizes.js').Extent} Extent */
/** @typedef {import('./values.js').Output} Output */

export { externalFiles } from './graph.js';
export { ProtobufReader } from './protobuf.js';

/** @type {Record<string, import('./converter.js').Operator>} */
export const operators = {
  ...axisOperators,
  ...controlOperators,
  ...elementwiseOperators,
  ...normOperators,
  ...productOperators,
  ...recurrentOperators,
  ...reductionOperators,
  ...windowOperators,
};

/** Operators whose output holds the same values as their input: token ids stay token ids. */
const passing = ['Identity', 'Cast', 'Transpose', 'Squeeze', 'Unsqueeze', 'Reshape', 'Flatten'];

/** Maximum number of combinations of batch axes that are tried. */
const TRIALS_MOST = 12;

/** The name of an input, and the names of its copies: outputs of nodes that pass its values on. @param {NodeMessage[]} nodes @param {string} input @param {string[]} [ops] */
function copiesOf(nodes, input, ops = passing) {
  const names = new Set([input]);
  for (const node of nodes) if (ops.includes(node.op) && names.has(node.inputs[0])) names.add(node.outputs[0]);
  return names;
}

/** Whether an input holds token ids: a Gather uses it as indices. @param {NodeMessage[]} nodes @param {string} input */
function isIds(nodes, input) {
  const names = copiesOf(nodes, input);
  // An exported EmbeddingBag looks up its table inside a loop, and slices the ids first.
  return withInner(nodes).some(
    ({ op, inputs }, i, all) =>
      op === 'Gather' &&
      (names.has(inputs[1]) ||
        (all[i - 1]?.op === 'Slice' && all[i - 1].outputs[0] === inputs[1] && names.has(all[i - 1].inputs[0]))),
  );
}

/** Integer types whose arithmetic wraps around where int32's does not: uint8, int8, uint16, int16, uint32, uint64. */
const wrapping = [2, 3, 4, 5, 12, 13];
const arithmetic =
  'Add Sub Mul Div Neg Abs Pow Mod Sum Mean MatMul Gemm ReduceSum ReduceProd ReduceMean ReduceSumSquare ReduceL1'.split(' ');

/** The first node that computes with an input whose integer type wraps around, if there is one. @param {NodeMessage[]} nodes @param {ValueInfo} input */
function wrapsAt(nodes, { name, type }) {
  if (!wrapping.includes(type)) return undefined;
  const names = copiesOf(
    nodes,
    name,
    passing.filter((op) => op !== 'Cast'),
  );
  return withInner(nodes).find(({ op, inputs }) => arithmetic.includes(op) && inputs.some((each) => names.has(each)));
}

/** Whether an input holds the lengths of rows (sequence_lens) of a recurrent node or of ReverseSequence. @param {NodeMessage[]} nodes @param {string} input */
function isLengths(nodes, input) {
  // TopK: exporters may sort the rows by their lengths first.
  const names = copiesOf(nodes, input, [...passing, 'TopK']);
  return nodes.some(
    ({ op, inputs }) =>
      names.has(inputs[op === 'ReverseSequence' ? 1 : 4]) && ['LSTM', 'GRU', 'RNN', 'ReverseSequence'].includes(op),
  );
}

/** The axes of an input that may be the batch axis. The names of symbolic sizes restrict them: "batch" is one, "time" is not. @param {ValueInfo} input */
function mayBeBatch({ shape }) {
  const all = Array.from({ length: Math.min(3, shape?.length ?? 0) }, (_, i) => i);
  const called = (/** @type {RegExp} */ name, wanted = true) => all.filter((i) => name.test(String(shape?.[i])) === wanted);
  const [batch, others] = [called(/batch|^[bn]$/i), called(/time|seq|len|step|word|token|char|^t$/i, false)];
  // placeInputs() refuses an input without axes.
  return [batch, others, all].find(({ length }) => length) ?? [0];
}

/** Combinations of one batch axis for each input, most likely first. @param {ValueInfo[]} inputs @returns {number[][]} */
function batchAxes(inputs) {
  const choices = inputs.map(mayBeBatch);
  /** @type {number[][]} */
  let all = [[]];
  for (const list of choices) all = all.flatMap((before) => list.map((axis) => [...before, axis])).slice(0, 81);
  const labels = (/** @type {number[]} */ axes) => new Set(axes.map((axis, i) => inputs[i].shape?.[axis])).size;
  const fixed = (/** @type {number[]} */ axes) => axes.filter((axis, i) => typeof inputs[i].shape?.[axis] === 'number').length;
  const sum = (/** @type {number[]} */ axes) => axes.reduce((a, b) => a + b, 0);
  return all.sort((a, b) => labels(a) - labels(b) || fixed(a) - fixed(b) || sum(a) - sum(b)).slice(0, TRIALS_MOST);
}

/**
 * Adds an input to the architecture for each input of the graph, and its Value to the converter.
 * @param {Converter} c @param {ValueInfo[]} inputs @param {number[]} batch  the batch axis of each @param {NodeMessage[]} nodes
 * @returns {Output[]} in the order of the file
 */
function placeInputs(c, inputs, batch, nodes) {
  /** @type {Map<string, Size>} */
  const sizes = new Map();
  /** Inputs that hold the lengths of rows. @type {{ name: string, view: import('./values.js').Axis[] }[]} */
  const lengths = [];
  const outputs = inputs.flatMap(({ name, type, shape }, n) => {
    const where = `${c.file}: input ${JSON.stringify(name)}`;
    const kind = kindOfType(type, where);
    if (!shape) throw new UnsupportedError(`${where} has no known number of axes`);
    if (shape.length === 0)
      throw new UnsupportedError(`${where} is one number for the whole batch; padless needs inputs with a batch axis`);
    const wraps = wrapsAt(nodes, inputs[n]);
    if (wraps)
      c.refuse(
        wraps,
        `computes with the input ${JSON.stringify(name)}, whose integer type wraps around; padless computes in int32. Cast the input first`,
      );
    const ids = kind === 'int' && isIds(nodes, name);
    const ofWords = ids && shape.length === 3 && !shape.includes(1);
    if (ids && shape.length > 2 && !ofWords)
      throw new UnsupportedError(`${where} has token ids of shape [${shape}]; padless reads [B, T], and [B, T, C] of characters`);
    const size = (/** @type {number | string | null} */ each, /** @type {number} */ axis) => {
      if (typeof each === 'number' && each > 0) return each;
      const label = typeof each === 'string' ? each : `${name}.${axis}`;
      const known = sizes.get(label) ?? named(`T${sizes.size || ''}`);
      sizes.set(label, known);
      return known;
    };
    /** @type {import('./values.js').Axis[]} */
    const view = shape.map((each, axis) => {
      if (axis === batch[n]) return [c.batch];
      const of = size(each, axis);
      return of === 1 ? [] : [new Factor(of)];
    });
    // Like placeOutput(), skip axes of size 1 before the batch axis.
    const axes = view.filter((axis, i) => axis[0] !== c.batch && (axis.length || i > batch[n]));
    if (!ofWords && axes.slice(1).some((axis) => axis.some(({ varies }) => varies)))
      throw new UnsupportedError(
        `${where} has shape [${shape}], in which more axes than batch and time vary; padless needs a fixed number of features`,
      );
    if (c.ownLengths && isLengths(nodes, name) && axes.length === 0) {
      lengths.push({ name, view });
      return [];
    }
    if (ofWords) return [placeWords(c, name, view, axes.flat())];
    const [first, ...rest] = axes;
    const isSequence = ids || first?.some(({ varies }) => varies) || axes.length > 1;
    const groups = [[c.batch], ...(isSequence ? [first ?? [], ...(ids ? [] : rest.length ? rest : [[]])] : [first ?? []])];
    const own = groups.slice(1).map((axis) => {
      const extent = sizeOf(axis);
      return typeof extent === 'number' ? extent : null;
    });
    const output = c.builder.input(name, own);
    const extent = first ? sizeOf(first) : 1;
    if (extent instanceof Size && !c.timeOf.has(extent.key)) c.timeOf.set(extent.key, output);
    c.values.set(name, new Value({ output, groups, view, kind, ids }));
    return [output];
  });
  if (c.ownLengths) placeLengths(c, lengths);
  return outputs;
}

/** Adds an input of token ids [B, T, C], the characters of words. @param {Converter} c @param {string} name @param {import('./values.js').Axis[]} view @param {Factor[]} axes  words and characters @returns {Output} */
function placeWords(c, name, view, [steps, characters]) {
  const [T, C] = [steps, characters].map(({ size }) => (typeof size === 'number' ? size : null));
  const output = c.builder.input(name, [T, C]);
  const words = new Words(c.batch, steps);
  c.words.push(words);
  c.values.set(name, new Value({ output, groups: [[words.batch], [characters]], view, kind: 'int', ids: true }));
  return output;
}

/** Replaces an input of lengths: padless knows each row's length, so that a layer counts the steps of the only sequence. @param {Converter} c @param {{ name: string, view: import('./values.js').Axis[] }[]} lengths */
function placeLengths(c, lengths) {
  const sources = [...c.timeOf.values()];
  if (lengths.length !== 1 || sources.length !== 1) {
    if (lengths.length) throw new NeedsLengths(`${c.file}: ${lengths.length} lengths for ${sources.length} sequences`);
    return;
  }
  const [{ name, view }] = lengths;
  const output = c.builder.layer('padless>StepCount', name, {}, sources[0]);
  c.lengthInputs.add(output.layer);
  c.values.set(name, new Value({ output, groups: [[c.batch], []], view, kind: 'int' }));
}

/** Adds an output of the graph to the architecture: batch first, the other axes in the order of the file. @param {Converter} c @param {string} name */
function placeOutput(c, name) {
  const node = { name, op: 'output', domain: '', inputs: [], outputs: [name], attributes: {}, references: {} };
  const found = c.values.get(name);
  if (found === undefined) throw new ModelFileError(`${c.file}: no node computes the output ${JSON.stringify(name)}`);
  if (found instanceof Constant)
    throw new UnsupportedError(`${c.file}: output ${JSON.stringify(name)} does not depend on the input`);
  const value = c.tensor(node, found);
  if (c.words.some((each) => each.holds(value)))
    throw new UnsupportedError(
      `${c.file}: output ${JSON.stringify(name)} of shape [${value.shape}] has values for each character; padless has outputs for words only`,
    );
  const at = value.view.findIndex((axis) => axis.some(({ batch }) => batch));
  if (at >= 0 && value.view[at].length > 1)
    throw new UnsupportedError(
      `${c.file}: output ${JSON.stringify(name)} of shape [${value.shape}] merges the batch and time axes into one; padless keeps them apart`,
    );
  if (at >= 0 && value.view[at][0] !== c.batch)
    throw new UnsupportedError(`${c.file}: output ${JSON.stringify(name)} has the rows of the batch in another order`);
  const axes = value.view.filter((axis, i) => i > at || axis.length).filter((axis) => axis[0] !== c.batch);
  // padless stores a sequence as [B, T, D], so [B, T] becomes [B, T, 1].
  const single = axes.length === 1 && axes[0].some(({ varies }) => varies);
  const groups = [[c.batch], ...(axes.length === 0 ? [[]] : axes), ...(single ? [[]] : [])];
  return { name, output: c.arranged(node, value, groups) };
}

/**
 * @param {ModelMessage} model @param {NodeMessage[]} nodes @param {number[]} batch
 * @param {{ file: string, opset: number, external: (location: string) => Uint8Array, constants: Map<string, Constant>, ownLengths: boolean }} of
 */
function converted({ graph }, nodes, batch, { file, opset, external, constants, ownLengths }) {
  const outputs = graph.outputs.map(({ name }) => name);
  const c = new Converter({ file, opset, operators, external, uses: usesOf(nodes, outputs), ownLengths });
  for (const [name, constant] of constants) c.values.set(name, constant);
  const inputs = placeInputs(c, inputsOf(graph, constants, nodes), batch, nodes);
  if (c.lengthInputs.size === 0) c.ownLengths = false;
  for (const node of nodes) c.run(node);
  return c.builder.finish(
    inputs,
    outputs.map((name) => placeOutput(c, name)),
  );
}

/** The inputs of the graph that needed nodes or outputs read, without those that have an initializer. @param {import('./protobuf.js').GraphMessage} graph @param {Map<string, Constant>} constants @param {NodeMessage[]} nodes */
function inputsOf(graph, constants, nodes) {
  const read = new Set([...nodes.flatMap(namesRead), ...graph.outputs.map(({ name }) => name)]);
  const inputs = graph.inputs.filter(({ name }) => !constants.has(name) && read.has(name));
  return inputs;
}

/**
 * The architecture and the weights of an ONNX model.
 * @param {ModelMessage} model
 * @param {string} file  for messages
 * @param {(location: string) => Uint8Array} external  gives the bytes of a file of external data
 * @returns {{ architecture: any, weights: Map<string, import('../../layers/layer.js').Weight> }}
 * @throws {ModelFileError | UnsupportedError}
 */
export function onnxParts(model, file, external) {
  const { graph, opsets } = model;
  if (graph.sparse) throw new UnsupportedError(`${file}: weights are sparse tensors; padless reads dense ones`);
  const opset = opsetOf(opsets, file);
  const outputs = graph.outputs.map(({ name }) => name);
  if (outputs.length === 0) throw new ModelFileError(`${file}: the graph has no outputs`);
  const nodes = neededNodes(nodesOf(model, file), outputs, graph, file);
  const read = new Set(nodes.flatMap(namesRead));
  // Only its constant() is called.
  const reader = new Converter({ file, opset, operators, external, uses: new Map(), ownLengths: false });
  const constants = new Map(
    graph.initializers
      .filter(({ name }) => read.has(name))
      .map((tensor) => [tensor.name, reader.constant(tensor, `${file}: ${JSON.stringify(tensor.name)}`)]),
  );
  const inputs = inputsOf(graph, constants, nodes);
  if (inputs.length === 0) throw new UnsupportedError(`${file}: no output depends on an input`);
  /** @type {any} */
  let first;
  for (const batch of batchAxes(inputs))
    for (const ownLengths of [true, false]) {
      try {
        return converted(model, nodes, batch, { file, opset, external, constants, ownLengths });
      } catch (error) {
        if (error instanceof NeedsLengths) continue;
        first ??= error;
        break;
      }
    }
  throw withAdvice(first, inputs);
}

/** Adds advice to an error about the batch axis if the inputs have fixed sizes. @param {any} error @param {ValueInfo[]} inputs */
function withAdvice(error, inputs) {
  const fixed = inputs.filter(({ shape }) => typeof shape?.[0] === 'number');
  if (error instanceof UnsupportedError && fixed.length && /batch|mixes/.test(error.message))
    error.message += `; the inputs have fixed sizes (${fixed.map(({ name, shape }) => `${name} [${shape}]`).join(', ')}): export the model with a batch axis that varies`;
  return error;
}
