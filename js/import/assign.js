/**
 * Arrays of a file -> weights of layers, by the rules of whoever wrote the file.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../errors.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('./hdf5.js').NamedArray} NamedArray */
/** @typedef {{ shape: number[], data: Float32Array }} Weight */
/** @typedef {{ path: string, layer: Layer, spec: { name: string, shape: number[] } }} Slot  a place for a weight */

/** Layers inside a model inside. @param {any} layer @returns {Layer[] | null} */
const layersOf = (layer) => (Array.isArray(layer.layers) ? layer.layers : null);

/**
 * The places of a layer in the order of Keras's `trainable_weights + non_trainable_weights`, in which .h5 files have them.
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
    for (const spec of each.weightSpecs)
      (still || spec.name.startsWith('moving_') ? rest : trainable).push({ path: `${each.path}.${spec.name}`, layer: each, spec });
    for (const [, sub] of each.sublayers) visit(sub, still);
  };
  visit(layer, false);
  return [...trainable, ...rest];
}

/** @param {NamedArray} array */
const show = ({ name, shape }) => `${name} [${shape}]`;

/**
 * @param {Map<string, Weight>} weights
 * @param {Slot} slot
 * @param {NamedArray} array
 */
function put(weights, { path, spec }, array) {
  if (array.shape.join() !== spec.shape.join())
    throw new ModelFileError(`${path}: the file has ${array.name} of shape [${array.shape}], expected [${spec.shape}]`);
  weights.set(path, { shape: spec.shape, data: array.data });
}

/**
 * Matrices side by side.
 * @param {NamedArray[]} parts  each [rows, columns] or [columns]
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
 * [rows, gates * units], each gate's [rows, units] read anew: result[r][g][u] = kernel's element `from(r, u)` of gate g.
 * @param {NamedArray} kernel
 * @param {number} gates
 * @param {(r: number, u: number) => [number, number]} from
 * @returns {NamedArray}
 */
function eachGate(kernel, gates, from) {
  const [rows, width] = kernel.shape;
  const units = width / gates;
  const data = new Float32Array(rows * width);
  for (let r = 0; r < rows; r++)
    for (let g = 0; g < gates; g++)
      for (let u = 0; u < units; u++) {
        const [row, column] = from(r, u);
        data[r * width + g * units + u] = kernel.data[row * width + g * units + column];
      }
  return { ...kernel, data };
}

/**
 * cuDNN's layout -> Keras's, as Keras converts it (_convert_rnn_weights of tf.keras): kernels lie transposed in their memory, recurrent
 * kernels are transposed, and there are two biases: LSTM adds them, GRU (reset_after) keeps both.
 * @param {NamedArray[]} arrays  kernel, recurrent kernel, bias
 * @param {number} gates
 * @returns {NamedArray[]}
 */
function fromCudnn([kernel, recurrent, bias], gates) {
  const [D] = kernel.shape;
  const units = recurrent.shape[0];
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
 * Puts a layer's arrays into its places, in order. Recurrent layers take cuDNN's layout too, and Keras 1's arrays a gate.
 * @param {Map<string, Weight>} weights
 * @param {string} name  of the layer
 * @param {Slot[]} slots
 * @param {NamedArray[]} arrays
 */
function fill(weights, name, slots, arrays) {
  let at = 0;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i];
    const array = arrays[at];
    if (!array) {
      throw new ModelFileError(
        `${slot.path}: weight of shape [${slot.spec.shape}] is missing; the file has ${arrays.map(show).join(', ') || 'nothing'} for ${name}`,
      );
    }
    const [, recurrent, bias] = slots.slice(i, i + 3);
    const cell =
      slot.spec.name === 'kernel' &&
      recurrent?.spec.name === 'recurrent_kernel' &&
      bias?.spec.name === 'bias' &&
      bias.layer === slot.layer;
    if (cell) {
      const units = recurrent.spec.shape[0];
      const gates = slot.spec.shape[1] / units;
      let three = arrays.slice(at, at + 3);
      at += 3;
      if (gates > 1 && array.shape[1] === units && arrays.length >= at - 3 + 3 * gates) {
        // Keras 1: kernel, recurrent kernel, bias of each gate; z r h, or i c f o.
        const order = gates === 4 ? [0, 2, 1, 3] : [0, 1, 2];
        const all = arrays.slice(at - 3, at - 3 + 3 * gates);
        at += 3 * gates - 3;
        three = [0, 1, 2].map((part) => side(order.map((gate) => all[3 * gate + part])));
      }
      if (
        three.length === 3 &&
        three[2].shape.join() === String(2 * gates * units) &&
        (gates === 4 || bias.spec.shape.length === 2)
      ) {
        [slot, recurrent].forEach((each, part) => {
          if (three[part].shape.join() !== each.spec.shape.join()) put(weights, each, three[part]);
        });
        three = fromCudnn(three, gates);
      }
      for (const [part, each] of [slot, recurrent, bias].entries()) {
        if (!three[part])
          throw new ModelFileError(
            `${each.path}: weight of shape [${each.spec.shape}] is missing; the file has ${arrays.map(show).join(', ')} for ${name}`,
          );
        put(weights, each, three[part]);
      }
      i += 2;
      continue;
    }
    // Keras 1 has a convolution over time as one over a picture a column wide.
    const flat = slot.spec.shape.length === 3 && array.shape.length === 4 && array.shape[1] === 1;
    put(weights, slot, flat ? { ...array, shape: [array.shape[0], ...array.shape.slice(2)] } : array);
    at++;
  }
  if (at < arrays.length)
    throw new ModelFileError(`${name}: the file has ${arrays.slice(at).map(show).join(', ')}, for which the layer has no place`);
}

/**
 * Weights of Keras 1 and 2, and of Keras 3's .h5: by layer. By name where all names are the model's; else in order, as Keras does.
 * @param {Layer} root
 * @param {{ name: string, weights: NamedArray[] }[]} layers
 * @param {string | null} backend
 * @returns {Map<string, Weight>}
 * @throws {ModelFileError} naming the layer, the weight and both shapes
 */
export function assignByLayer(root, layers, backend) {
  const targets = /** @type {Layer[]} */ (layersOf(root)).filter((layer) => layer.listWeights().length);
  const sources = layers.filter((layer) => layer.weights.length);
  if (backend === 'theano' && targets.some((layer) => layer.all().some(({ className }) => /Conv/.test(className))))
    throw new UnsupportedError('the model was trained on Theano, whose convolutions read their kernels backwards');
  const names = new Map(targets.map((layer) => [layer.name, layer]));
  const byName = sources.every(({ name }) => names.has(name));
  if (!byName && sources.length !== targets.length)
    throw new ModelFileError(
      `the file has weights of ${sources.length} layers (${list(sources)}), the model has ${targets.length} (${list(targets)})`,
    );
  /** @type {Map<string, Weight>} */
  const weights = new Map();
  sources.forEach(({ name, weights: arrays }, i) => {
    const layer = (byName && names.get(name)) || targets[i];
    fill(weights, layer.name === name ? name : `${layer.name} (${name} in the file)`, slotsOf(layer), arrays);
  });
  if (byName)
    for (const layer of targets)
      if (!sources.some(({ name }) => name === layer.name)) fill(weights, layer.name, slotsOf(layer), []);
  return weights;
}

/** @param {{ name: string }[]} layers */
const list = (layers) =>
  `${layers
    .slice(0, 10)
    .map(({ name }) => name)
    .join(', ')}${layers.length > 10 ? ', ...' : ''}`;

/**
 * Weights of TF.js: by name, 'bidirectional_1/forward_lstm_1/kernel'. Models inside leave no trace in names, or their own name in front.
 * @param {Layer} root
 * @param {NamedArray[]} arrays
 * @returns {Map<string, Weight>}
 * @throws {ModelFileError} naming the layer, the weight and both shapes
 */
export function assignByName(root, arrays) {
  /** @type {Map<Layer, NamedArray[]>} */
  const owned = new Map();
  const all = root.all();
  for (const array of arrays) {
    const parts = array.name.split('/');
    let layer = /** @type {Layer} */ (root);
    for (const part of parts.slice(0, -1)) {
      const inside = layersOf(layer);
      if (!inside) break;
      const next = inside.find((each) => each.name === part);
      const alike = next || layer !== root ? [] : all.filter((each) => each.name === part);
      if (alike.length > 1)
        throw new UnsupportedError(
          `${array.name}: ${alike.length} layers are called ${part} (${alike.map(({ path }) => path).join(', ')})`,
        );
      layer = next ?? alike[0] ?? layer;
    }
    if (layer === root) throw new ModelFileError(`${show(array)}: the model has no layer for this weight`);
    owned.set(layer, [...(owned.get(layer) ?? []), array]);
  }
  /** @type {Map<string, Weight>} */
  const weights = new Map();
  for (const [layer, list] of owned) {
    const slots = slotsOf(layer);
    fill(weights, layer.name, slots, inOrderOf(slots, list));
  }
  for (const { path, spec } of root.listWeights())
    if (!weights.has(path)) throw new ModelFileError(`${path}: weight of shape [${spec.shape}] is missing`);
  return weights;
}

/** By the last word of their names, and by direction; as they came where names do not tell. @param {Slot[]} slots @param {NamedArray[]} arrays */
function inOrderOf(slots, arrays) {
  const left = [...arrays];
  const found = slots.map(({ path, spec }) => {
    const backward = path.includes('.backward_layer.');
    const at = left.findIndex(({ name }) => name.endsWith(`/${spec.name}`) && /\/backward_[^/]*\//.test(name) === backward);
    return at < 0 ? undefined : left.splice(at, 1)[0];
  });
  return left.length === 0 && found.every((array) => array) ? /** @type {NamedArray[]} */ (found) : arrays;
}

/** As Keras names classes. @param {string} className */
const snake = (className) =>
  className
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

/** a, a_1, a_2: names of things by class. */
function counter() {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return (/** @type {string} */ name) => {
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return count ? `${name}_${count}` : name;
  };
}

/**
 * Weights of Keras 3's layout: by class and position of the layers, by attribute inside of them.
 * @param {Layer} root
 * @param {Map<string, NamedArray>} vars
 * @param {any} architecture  whose class names the file counts
 * @returns {Map<string, Weight>}
 * @throws {ModelFileError} naming the layer, the weight and both shapes
 */
export function assignByPath(root, vars, architecture) {
  const left = new Set(vars.keys());
  /** Every group that holds arrays, at any depth. @type {Set<string>} */
  const groups = new Set();
  for (const path of vars.keys())
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) groups.add(path.slice(0, at));
  /** @type {Map<string, Weight>} */
  const weights = new Map();
  const seen = new Set();
  /** @param {Layer} layer @param {string} at @param {any} json */
  const visit = (layer, at, json) => {
    if (seen.has(layer)) return;
    seen.add(layer);
    const group = [`${at}cell/vars`, `${at}vars`].find((each) => groups.has(each)) ?? `${at}vars`;
    layer.weightSpecs.forEach((spec, i) => {
      const path = `${layer.path}.${spec.name}`;
      const array = vars.get(`${group}/${i}`);
      if (!array) throw new ModelFileError(`${path}: weight of shape [${spec.shape}] is missing; the file has no ${group}/${i}`);
      put(weights, { path, layer, spec }, array);
      left.delete(`${group}/${i}`);
    });
    const layers = layersOf(layer);
    const unique = counter();
    if (layers) {
      // So called by Keras 2.12.
      const folder = groups.has(`${at}_layer_checkpoint_dependencies`) ? '_layer_checkpoint_dependencies' : 'layers';
      /** @type {Map<string, any>} */
      const entries = new Map(
        (json?.config?.layers ?? []).map((/** @type {any} */ entry) => [entry?.config?.name ?? entry?.name, entry]),
      );
      for (const each of layers) {
        const entry = entries.get(each.name);
        visit(each, `${at}${folder}/${unique(snake(entry?.class_name ?? each.className))}/`, entry);
      }
    } else if ('cells' in layer) {
      for (const [, cell] of layer.sublayers) visit(cell, `${at}cell/cells/${unique(snake(`${cell.className}Cell`))}/`, null);
    } else {
      for (const [key, each] of layer.sublayers) {
        const names =
          key === 'attention_output' ? ['output_dense', '_output_dense'] : [key, `_${key}`, `${key}_dense`, `_${key}_dense`];
        visit(each, `${at}${names.find((name) => groups.has(at + name)) ?? names[0]}/`, json?.config?.[key]);
      }
    }
  };
  visit(root, '', architecture);
  if (left.size) {
    const arrays = [...left].map((path) => show(/** @type {NamedArray} */ (vars.get(path))));
    throw new ModelFileError(
      `the file has ${arrays.slice(0, 10).join(', ')}${arrays.length > 10 ? ', ...' : ''}, for which the model has no place`,
    );
  }
  return weights;
}
