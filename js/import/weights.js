/**
 * Arrays of somebody's file -> weights of layers, by the layer's name and Keras's order.
 * @module
 */
import { ModelFileError } from '../errors.js';
import { Bidirectional, Functional, MultiHeadAttention, Sequential, TimeDistributed } from '../layers/index.js';
import { Recurrent, StackedRNN } from '../layers/recurrent.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('./hdf5.js').NamedArray} NamedArray */
/** @typedef {{ name: string, weights: NamedArray[] }} LayerArrays  in the order of the file */

/**
 * @param {Layer & { layers?: Layer[] }} root
 * @param {LayerArrays[]} arrays
 * @param {string} file  for messages
 * @returns {Map<string, Weight>}
 * @throws {ModelFileError} naming layer, weight and both shapes
 */
function byLayerName(root, arrays, file) {
  const found = new Map(arrays.map((entry) => [entry.name, entry.weights]));
  /** @type {Map<string, Weight>} */
  const weights = new Map();
  /** @type {Set<Layer>} */
  const seen = new Set();
  for (const layer of root.layers ?? [root]) {
    const wanted = layer.listWeights(seen);
    const given = found.get(layer.name) ?? [];
    found.delete(layer.name);
    assign(weights, layer, wanted, given, file);
  }
  const left = [...found].filter(([, list]) => list.length > 0).map(([name]) => name);
  if (left.length)
    throw new ModelFileError(`${file}: weights of layers that the model does not have: ${left.slice(0, 10).join(', ')}`);
  return weights;
}

/**
 * @param {Map<string, Weight>} weights
 * @param {Layer} layer
 * @param {ReturnType<Layer['listWeights']>} wanted
 * @param {NamedArray[]} given
 * @param {string} file
 */
function assign(weights, layer, wanted, given, file) {
  if (given.length !== wanted.length) {
    throw new ModelFileError(
      `${file}: ${layer.path} has ${given.length} arrays (${given.map(({ name }) => name).join(', ') || 'none'}), expected ${wanted.length}: ${wanted.map(({ path }) => path).join(', ')}`,
    );
  }
  wanted.forEach(({ path, spec }, i) => {
    const weight = fromCudnn(given[i], spec.name, spec.shape);
    if (weight.shape.join() !== spec.shape.join())
      throw new ModelFileError(`${file}: ${path} is ${given[i].name} of shape [${given[i].shape}], expected [${spec.shape}]`);
    weights.set(path, { shape: weight.shape, data: weight.data });
  });
}

/**
 * Weights of CuDNNLSTM and CuDNNGRU, told by their biases: 8 x units for an LSTM, the two halves to be added; 6 x for a GRU, both kept. Their
 * kernels are turned beforehand, see cudnnKernels.
 * @param {Weight} weight @param {string} name @param {number[]} shape  wanted
 * @returns {Weight}
 */
function fromCudnn(weight, name, shape) {
  if (name !== 'bias' || weight.shape.length !== 1) return weight;
  const [length] = weight.shape;
  if (shape.length === 1 && length === 2 * shape[0])
    return { shape, data: Float32Array.from({ length: shape[0] }, (_, i) => weight.data[i] + weight.data[shape[0] + i]) };
  if (shape.length === 2 && length === shape[0] * shape[1]) return { shape, data: weight.data };
  return weight;
}

/**
 * Kernels as cuDNN has them -> Keras's: each gate's kernel is stored as its transpose read in the other order, each gate's recurrent kernel
 * transposed. Source: keras/src/legacy/saving (`_convert_rnn_weights`).
 * @param {NamedArray[]} arrays  kernel, recurrent_kernel, bias, once or (Bidirectional) twice
 * @returns {NamedArray[]}
 */
function cudnnKernels(arrays) {
  return arrays.map((array, i) => {
    const part = i % 3;
    if (part === 2) return array;
    const [rows, columns] = array.shape;
    const [units] = arrays[i - part + 1].shape;
    const data = new Float32Array(array.data.length);
    for (let gate = 0; gate * units < columns; gate++) {
      for (let r = 0; r < rows; r++) {
        for (let u = 0; u < units; u++) {
          // Recurrent: y[r][u] = x[u][r]. Kernel: what x holds row by row, y holds column by column.
          const flat = r + u * rows;
          const source =
            part === 1 ? u * columns + gate * units + r : Math.floor(flat / units) * columns + gate * units + (flat % units);
          data[r * columns + gate * units + u] = array.data[source];
        }
      }
    }
    return { ...array, data };
  });
}

/** Keras's to_snake_case. @param {string} name */
const snake = (name) =>
  name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** Each of several by its class and a number, as Keras 3 names them. @param {Layer[]} layers @returns {string[]} */
function numbered(layers) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return layers.map((layer) => {
    const base = snake(layer.fileClass.replace(/^.*>/, ''));
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    return count ? `${base}_${count}` : base;
  });
}

/**
 * Where the weights of each layer stand in Keras 3's `.weights.h5`: by class and attribute, not by name.
 * @param {Layer} layer
 * @param {string} path
 * @param {(layer: Layer, path: string) => void} visit  a layer with weights of its own, its group
 * @param {Set<Layer>} [seen]
 */
function walkKeras3(layer, path, visit, seen = new Set()) {
  if (seen.has(layer)) return;
  seen.add(layer);
  /** @param {Layer} inner @param {string} name */
  const go = (inner, name) => walkKeras3(inner, path ? `${path}/${name}` : name, visit, seen);
  if (layer instanceof Sequential || layer instanceof Functional) {
    numbered(layer.layers).forEach((name, i) => go(layer.layers[i], `layers/${name}`));
  } else if (layer instanceof Recurrent) visit(layer, `${path}/cell`);
  else if (layer instanceof StackedRNN) {
    const names = numbered(layer.cells).map((name) => `cell/cells/${name}`);
    layer.cells.forEach((cell, i) => visit(cell, `${path}/${names[i]}`));
  } else if (layer instanceof Bidirectional) {
    go(layer.forwardLayer, 'forward_layer');
    go(layer.backwardLayer, 'backward_layer');
  } else if (layer instanceof TimeDistributed) go(layer.layer, 'layer');
  else if (layer instanceof MultiHeadAttention) {
    visit(layer.query, `${path}/query_dense`);
    visit(layer.key, `${path}/key_dense`);
    visit(layer.value, `${path}/value_dense`);
    visit(layer.attentionOutput, `${path}/output_dense`);
  } else {
    visit(layer, path);
    for (const [name, inner] of layer.sublayers) go(inner, name);
  }
}

/**
 * Weights of a file that gives them by layer, in Keras's order; CuDNN's layouts among them.
 * @param {LayerArrays[]} groups
 * @param {any} architecture
 * @param {string} file
 * @returns {(root: Layer) => Map<string, Weight>}
 */
export function weightsByLayer(groups, architecture, file) {
  const cudnn = cudnnLayers(architecture);
  const turned = groups.map((group) =>
    cudnn.has(group.name) || looksCudnn(group.weights) ? { ...group, weights: cudnnKernels(group.weights) } : group,
  );
  return (root) => byLayerName(root, turned, file);
}

/** Weights of recurrent layers whose biases are twice as long as their kernels are wide. @param {Weight[]} weights */
function looksCudnn(weights) {
  if (weights.length === 0 || weights.length % 3) return false;
  return weights.every(
    ({ shape }, i) =>
      i % 3 !== 2 || (shape.length === 1 && weights[i - 1].shape.length === 2 && shape[0] === 2 * weights[i - 1].shape[1]),
  );
}

/** Names of layers that are CuDNNLSTM or CuDNNGRU, or have such inside. @param {any} architecture @returns {Set<string>} */
function cudnnLayers(architecture) {
  const list = Array.isArray(architecture?.config) ? architecture.config : (architecture?.config?.layers ?? []);
  const isCudnn = (/** @type {any} */ entry) =>
    /^CuDNN/.test(entry?.class_name ?? '') || /^CuDNN/.test(entry?.config?.layer?.class_name ?? '');
  return new Set(list.filter(isCudnn).map((/** @type {any} */ entry) => String(entry.config?.name)));
}

/**
 * Weights of Keras 3's own layout.
 * @param {Map<string, NamedArray>} vars
 * @param {string} file
 * @returns {(root: Layer) => Map<string, Weight>}
 */
export const weightsByPath = (vars, file) => (root) => {
  /** @type {Map<string, Weight>} */
  const weights = new Map();
  const left = new Set(vars.keys());
  walkKeras3(root, '', (layer, path) => {
    layer.weightSpecs.forEach((spec, i) => {
      const place = `${path}/vars/${i}`;
      const found = vars.get(place);
      if (!found) throw new ModelFileError(`${file}: ${layer.path}.${spec.name} is not in the file, expected at ${place}`);
      if (found.shape.join() !== spec.shape.join())
        throw new ModelFileError(`${file}: ${layer.path}.${spec.name} has shape [${found.shape}], expected [${spec.shape}]`);
      weights.set(`${layer.path}.${spec.name}`, { shape: found.shape, data: found.data });
      left.delete(place);
    });
  });
  if (left.size) throw new ModelFileError(`${file}: arrays that no layer has: ${[...left].slice(0, 10).join(', ')}`);
  return weights;
};

/**
 * Weights in a list of their own (TF.js), by the layer whose name their path begins with. Those of a model inside stand under the names of
 * its own layers.
 * @param {NamedArray[]} arrays
 * @param {string} file
 * @returns {(root: Layer & { layers?: Layer[] }) => Map<string, Weight>}
 */
export const weightsByPrefix = (arrays, file) => (root) => {
  /** @type {Map<string, string>} inner name -> layer of the model */
  const owners = new Map();
  /** @param {Layer & { layers?: Layer[] }} layer @param {string} owner */
  const own = (layer, owner) => {
    if (!owners.has(layer.name) || owner === layer.name) owners.set(layer.name, owner);
    for (const inner of layer.layers ?? []) own(inner, owner);
  };
  for (const layer of root.layers ?? []) own(layer, layer.name);
  /** @type {Map<string, NamedArray[]>} */
  const groups = new Map();
  for (const array of arrays) {
    const [first, second = ''] = array.name.split('/');
    const owner = owners.get(first) ?? owners.get(second);
    if (!owner) throw new ModelFileError(`${file}: ${array.name} belongs to no layer of the model`);
    groups.set(owner, [...(groups.get(owner) ?? []), array]);
  }
  return byLayerName(
    root,
    [...groups].map(([name, weights]) => ({ name, weights })),
    file,
  );
};
