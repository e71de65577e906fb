/**
 * Assigns the arrays of a file to the weights of layers, by the rules of the framework and version that wrote the file.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../errors.js';
import { isQuantized, quantizedWeights, weightOf, withScales } from './keras-int8.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('./floats.js').NamedArray} NamedArray */
/** @typedef {{ path: string, layer: Layer, spec: { name: string, shape: number[] } }} Slot  a weight that a layer expects */

/** The layers of a model, or null for any other layer. @param {any} layer @returns {Layer[] | null} */
const layersOf = (layer) => (Array.isArray(layer.layers) ? layer.layers : null);

/** Name and shape, for a message. @param {NamedArray} array */
const withShape = ({ name, shape }) => `${name} [${shape}]`;

/** The first ten names, for a message. @param {string[]} names */
const some = (names) => `${names.slice(0, 10).join(', ')}${names.length > 10 ? ', ...' : ''}` || 'nothing';

/**
 * Lists the weights of a layer in the order of Keras's `trainable_weights + non_trainable_weights`, which is their order in .h5 files. Weights that
 * Keras stores as int8 are not trainable.
 * @param {Layer} layer
 * @returns {Slot[]}
 */
function slotsOf(layer) {
  /** @type {Slot[]} */
  const trainable = [];
  /** @type {Slot[]} */
  const rest = [];
  const seen = new Set();
  /** @param {Layer} each @param {boolean} frozen */
  const visit = (each, frozen) => {
    if (seen.has(each)) return;
    seen.add(each);
    const still = frozen || each.config.trainable === false;
    const int8 = each.weightSpecs.filter((one) => isQuantized(each, one));
    for (const spec of [...each.weightSpecs.filter((one) => !int8.includes(one)), ...int8]) {
      const list = still || spec.name.startsWith('moving_') || int8.includes(spec) ? rest : trainable;
      list.push({ path: `${each.path}.${spec.name}`, layer: each, spec });
    }
    for (const [, inner] of each.sublayers) visit(inner, still);
  };
  visit(layer, false);
  return [...trainable, ...rest];
}

/**
 * Checks the shape of an array and stores it as the weight of a slot.
 * @param {Map<string, Weight>} weights
 * @param {Slot} slot
 * @param {NamedArray} array
 * @param {string} file  for messages
 */
function put(weights, { path, layer, spec }, array, file) {
  if (array.shape.join() !== spec.shape.join())
    throw new ModelFileError(`${file}: ${path} is ${array.name} of shape [${array.shape}], expected [${spec.shape}]`);
  if (array.int8 && !isQuantized(layer, spec))
    throw new ModelFileError(`${file}: ${path} is int8, but the architecture has no int8 dtype for ${layer.path}`);
  weights.set(path, array.int8 ? weightOf(layer, spec, array, array.scales, file) : { shape: spec.shape, data: array.data });
}

/**
 * Concatenates matrices or vectors along their last axis.
 * @param {NamedArray[]} parts
 * @returns {NamedArray}
 */
function side(parts) {
  const [{ name, shape }] = parts;
  const rows = shape.length > 1 ? shape[0] : 1;
  const widths = parts.map(({ data }) => data.length / rows);
  const width = widths.reduce((sum, each) => sum + each, 0);
  const data = new Float32Array(rows * width);
  let at = 0;
  parts.forEach((part, i) => {
    for (let r = 0; r < rows; r++) data.set(part.data.subarray(r * widths[i], (r + 1) * widths[i]), r * width + at);
    at += widths[i];
  });
  return { name, shape: shape.length > 1 ? [rows, width] : [width], data };
}

/**
 * Permutes the elements within each gate of x [rows, gates * units]: y[r][u] = x[row][column] with [row, column] = from(r, u).
 * @param {NamedArray} x
 * @param {number} gates
 * @param {(r: number, u: number) => [number, number]} from
 * @returns {NamedArray}
 */
function eachGate(x, gates, from) {
  const [rows, width] = x.shape;
  const units = width / gates;
  const data = new Float32Array(rows * width);
  for (let r = 0; r < rows; r++)
    for (let g = 0; g < gates; g++)
      for (let u = 0; u < units; u++) {
        const [row, column] = from(r, u);
        data[r * width + g * units + u] = x.data[row * width + g * units + column];
      }
  return { ...x, data };
}

/**
 * Converts weights from cuDNN's layout to Keras's, as _convert_rnn_weights of tf.keras does. In cuDNN's layout each gate of the kernel is
 * stored in column-major order, each gate of the recurrent kernel is transposed, and there are two biases: the LSTM of Keras has their
 * sum, the GRU (reset_after) has both.
 * @param {NamedArray[]} arrays  kernel, recurrent kernel, bias
 * @param {number} gates
 * @returns {NamedArray[]}
 */
function fromCudnn([kernel, recurrent, bias], gates) {
  const [D] = kernel.shape;
  const [units] = recurrent.shape;
  const half = bias.data.length / 2;
  return [
    eachGate(kernel, gates, (d, u) => [Math.floor((u * D + d) / units), (u * D + d) % units]),
    eachGate(recurrent, gates, (r, u) => [u, r]),
    gates === 4
      ? { ...bias, shape: [half], data: bias.data.subarray(0, half).map((value, i) => value + bias.data[half + i]) }
      : { ...bias, shape: [2, half] },
  ];
}

/**
 * Takes kernel, recurrent kernel and bias of an LSTM or GRU from a file in Keras's layout, in Keras 1's (one array per gate) or in cuDNN's.
 * @param {Slot[]} slots  kernel, recurrent kernel, bias
 * @param {NamedArray[]} arrays  the layer's arrays that are not assigned yet
 * @returns {{ three: NamedArray[], taken: number }} three: in Keras's layout; taken: how many of `arrays` were used
 */
function cellArrays([kernel, recurrent, bias], arrays) {
  const [units] = recurrent.spec.shape;
  const gates = kernel.spec.shape[1] / units;
  if (gates > 1 && arrays[0]?.shape[1] === units && arrays.length >= 3 * gates) {
    // Keras 1 stores kernel, recurrent kernel and bias of each gate, in the order z r h (GRU) or i c f o (LSTM; later versions: i f c o).
    const order = gates === 4 ? [0, 2, 1, 3] : [0, 1, 2];
    return { three: [0, 1, 2].map((part) => side(order.map((gate) => arrays[3 * gate + part]))), taken: 3 * gates };
  }
  const three = arrays.slice(0, 3);
  const cudnn =
    three[2]?.shape.join() === String(2 * gates * units) &&
    (gates === 4 || bias.spec.shape.length === 2) &&
    [kernel, recurrent].every(({ spec }, part) => spec.shape.join() === three[part].shape.join());
  return { three: cudnn ? fromCudnn(three, gates) : three, taken: 3 };
}

/**
 * Assigns a layer's arrays to its weights, in order.
 * @param {Map<string, Weight>} weights
 * @param {string} name  of the layer, for messages
 * @param {Slot[]} slots
 * @param {NamedArray[]} arrays
 * @param {string} file  for messages
 */
function fill(weights, name, slots, arrays, file) {
  const left = withScales(arrays);
  /** @param {Slot} slot @param {NamedArray | undefined} array */
  const place = (slot, array) => {
    if (!array)
      throw new ModelFileError(
        `${file}: ${slot.path} [${slot.spec.shape}] is missing; the file has ${some(arrays.map(withShape))} for ${name}, expected ${some(slots.map(({ path }) => path))}`,
      );
    // Keras 1 stores the kernel of a 1D convolution as a 2D kernel of width 1: [size, 1, in, out].
    const flat = slot.spec.shape.length === 3 && array.shape.length === 4 && array.shape[1] === 1;
    put(weights, slot, flat ? { ...array, shape: [array.shape[0], ...array.shape.slice(2)] } : array, file);
  };
  for (let i = 0; i < slots.length; i++) {
    const three = slots.slice(i, i + 3);
    const isCell =
      three.map(({ spec }) => spec.name).join() === 'kernel,recurrent_kernel,bias' && three[2].layer === three[0].layer;
    if (isCell) {
      const { three: found, taken } = cellArrays(three, left);
      left.splice(0, taken);
      three.forEach((slot, part) => place(slot, found[part]));
      i += 2;
    } else place(slots[i], left.shift());
  }
  if (left.length)
    throw new ModelFileError(
      `${file}: ${some(left.map(withShape))} of ${name} is left over; the layer has ${some(slots.map(({ path }) => path))}`,
    );
}

/**
 * Reads weights that are stored by layer: those of Keras 1 and 2, and of Keras 3's .h5. Layers are matched by name if the model has every
 * name in the file, else by order, as in Keras. Recurrent layers may have cuDNN's layout.
 * @param {{ name: string, weights: NamedArray[] }[]} layers
 * @param {string} file  for messages
 * @param {{ theano?: boolean }} [options]  theano: whether the model was, or may have been, trained with Theano
 * @returns {(root: Layer) => Map<string, Weight>}
 * @throws {ModelFileError} naming the layer, the weight and both shapes
 */
export const weightsByLayer =
  (layers, file, { theano = false } = {}) =>
  (root) => {
    const seen = new Set();
    const targets = /** @type {Layer[]} */ (layersOf(root)).filter((layer) => layer.listWeights(seen).length);
    const sources = layers.filter(({ weights: arrays }) => arrays.length);
    if (theano && root.all().some(({ className }) => /Conv/.test(className)))
      throw new UnsupportedError(
        `${file}: the model was or may have been trained with Theano (Keras 1 does not store the backend), whose convolutions reverse their kernels; padless does not`,
      );
    const names = new Map(targets.map((layer) => [layer.name, layer]));
    const byName = sources.every(({ name }) => names.has(name));
    if (!byName && sources.length !== targets.length)
      throw new ModelFileError(
        `${file}: weights of ${sources.length} layers (${some(sources.map(({ name }) => name))}), the model has ${targets.length} (${some([...names.keys()])})`,
      );
    const given = new Map(sources.map(({ name, weights }, i) => [(byName && names.get(name)) || targets[i], { name, weights }]));
    /** @type {Map<string, Weight>} */
    const weights = new Map();
    for (const layer of targets) {
      const { name, weights: arrays } = given.get(layer) ?? { name: layer.name, weights: [] };
      fill(weights, name === layer.name ? name : `${layer.name} (${name} in the file)`, slotsOf(layer), arrays, file);
    }
    return weights;
  };

/**
 * Reads weights of TF.js, which are stored by name, such as 'bidirectional_1/forward_lstm_1/kernel'. The names of a nested model's weights
 * may or may not begin with the name of that model.
 * @param {NamedArray[]} arrays
 * @param {string} file  for messages
 * @returns {(root: Layer) => Map<string, Weight>}
 * @throws {ModelFileError} naming the layer, the weight and both shapes
 */
export const weightsByName = (arrays, file) => (root) => {
  /** @type {Map<Layer, NamedArray[]>} */
  const owned = new Map();
  const all = root.all();
  for (const array of arrays) {
    let layer = root;
    for (const part of array.name.split('/').slice(0, -1)) {
      const inside = layersOf(layer);
      if (!inside) break;
      const next = inside.find((each) => each.name === part);
      const alike = next || layer !== root ? [] : all.filter((each) => each.name === part);
      if (alike.length > 1)
        throw new UnsupportedError(
          `${file}: ${withShape(array)} could belong to ${some(alike.map(({ path }) => path))}, which have the same name`,
        );
      layer = next ?? alike[0] ?? layer;
    }
    if (layer === root) throw new ModelFileError(`${file}: ${withShape(array)} belongs to no layer of the model`);
    const list = owned.get(layer);
    if (list) list.push(array);
    else owned.set(layer, [array]);
  }
  /** @type {Map<string, Weight>} */
  const weights = new Map();
  for (const [layer, list] of owned) {
    const slots = slotsOf(layer);
    fill(weights, layer.name, slots, inOrderOf(slots, list), file);
  }
  for (const { path, spec } of root.listWeights())
    if (!weights.has(path)) throw new ModelFileError(`${file}: ${path} [${spec.shape}] is missing`);
  return weights;
};

/**
 * Orders arrays like the slots, by the last part of their names and by direction. Keeps the order of the file if the names do not match.
 * @param {Slot[]} slots
 * @param {NamedArray[]} arrays
 */
function inOrderOf(slots, arrays) {
  const left = [...arrays];
  const found = slots.map(({ path, spec }) => {
    const backward = path.includes('.backward_layer.');
    const at = left.findIndex(({ name }) => name.endsWith(`/${spec.name}`) && /\/backward_[^/]*\//.test(name) === backward);
    return at < 0 ? undefined : left.splice(at, 1)[0];
  });
  return left.length === 0 && found.every((array) => array) ? /** @type {NamedArray[]} */ (found) : arrays;
}

/**
 * Layers whose own arrays inference does not need: SpectralNormalization stores a second copy of the inner layer's kernel and a vector for training,
 * Discretization of Keras 2 a summary of the data.
 */
const ownNotNeeded = new Set(['SpectralNormalization', 'Discretization']);

/** Keras's to_snake_case. @param {string} className */
const snake = (className) =>
  className
    .replace(/^.*>/, '')
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** Names each layer by its class and a number, as Keras 3 does: dense, dense_1, ... @param {Layer[]} layers @returns {string[]} */
function numbered(layers) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return layers.map((layer) => {
    const base = snake(layer.fileClass.replace('GroupQuery', 'GroupedQuery').replace(/^padless>(Addons|Contrib)CRF$/, 'CRF'));
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    return count ? `${base}_${count}` : base;
  });
}

/**
 * Reads weights of a .keras file or another file in Keras 3's layout. The path of an array names each layer by its class and its number
 * among the layers of that class (dense, dense_1), and sublayers by their attribute (forward_layer).
 * @param {Map<string, NamedArray>} vars
 * @param {string} file  for messages
 * @returns {(root: Layer) => Map<string, Weight>}
 * @throws {ModelFileError} naming the layer, the weight and both shapes
 */
export const weightsByPath = (vars, file) => (root) => {
  const left = new Set(vars.keys());
  /** Paths of all groups that contain arrays, directly or in a subgroup. @type {Set<string>} */
  const groups = new Set();
  for (const path of vars.keys())
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) groups.add(path.slice(0, at));
  /** @type {Map<string, Weight>} */
  const weights = new Map();
  const seen = new Set();
  /** @param {Layer} layer @param {string} at  path of its group, with a slash at the end */
  const visit = (layer, at) => {
    if (seen.has(layer)) return;
    seen.add(layer);
    const inner = layer.sublayers;
    const group = inner.length === 0 && groups.has(`${at}cell/vars`) ? `${at}cell/vars` : `${at}vars`;
    /** @type {NamedArray[]} */
    const arrays = [];
    for (let i = 0, array; (array = vars.get(`${group}/${i}`)); i++) arrays.push(array);
    const isInt8 = arrays.some(({ int8 }) => int8);
    const quantized = isInt8 ? quantizedWeights(layer, arrays, file) : null;
    layer.weightSpecs.forEach((spec, i) => {
      const path = `${layer.path}.${spec.name}`;
      if (!arrays[i]) throw new ModelFileError(`${file}: ${path} [${spec.shape}] is missing, expected at ${group}/${i}`);
      if (quantized) weights.set(path, quantized[i]);
      else put(weights, { path, layer, spec }, arrays[i], file);
    });
    for (const i of (isInt8 ? arrays : layer.weightSpecs).keys()) left.delete(`${group}/${i}`);
    if (ownNotNeeded.has(layer.fileClass)) for (const path of left) if (path.startsWith(`${at}vars/`)) left.delete(path);
    const layers = layersOf(layer);
    // Keras 2.12 names the group of a model's layers differently.
    const folder = groups.has(`${at}_layer_checkpoint_dependencies`) ? '_layer_checkpoint_dependencies' : 'layers';
    if (layers) numbered(layers).forEach((name, i) => visit(layers[i], `${at}${folder}/${name}/`));
    else if ('cells' in layer)
      numbered(inner.map(([, cell]) => cell)).forEach((name, i) => visit(inner[i][1], `${at}cell/cells/${name}/`));
    else
      for (const [key, each] of inner) {
        const attribute = { attention_output: 'output', activation_layer: 'activation' }[key] ?? key;
        const known = [attribute, `_${attribute}`, `${attribute}_dense`, `_${attribute}_dense`].find((name) =>
          groups.has(at + name),
        );
        visit(each, `${at}${known ?? attribute}/`);
      }
  };
  visit(root, '');
  if (left.size)
    throw new ModelFileError(
      `${file}: ${some([...left].map((path) => withShape(/** @type {NamedArray} */ (vars.get(path)))))} is left over: no layer uses it`,
    );
  return weights;
};
