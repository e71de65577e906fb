/**
 * Operations of Keras 3, which are nodes of a functional graph but not layers: `x * y`, `x[:, -1]`, `keras.ops.mean(x, axis=1)`; and masks
 * that operations compute. Operations ignore masks: they read the values at padding, and their results have no mask.
 * @module
 */
import { ShapeError, textOf, UnsupportedError } from '../errors.js';
import { alongAxes, arrayOf, elementwise, productOf, reshaped, sliced, tensorOf, transposed, withLast } from '../layers/arrays.js';
import { Masking } from '../layers/late/masking.js';
import { maskUnlessSame } from '../layers/late/shape.js';
import { Ref, refsIn } from '../layers/functional.js';
import { firstOf, Layer } from '../layers/layer.js';
import { product, Spec, Steps, Tensor } from '../layers/tensor.js';
import { activated, activationOperation } from './activation-operations.js';
import { axisOperations } from './axis-operations.js';
import { elementwiseOperations, roundHalfEven } from './elementwise-operations.js';
/** @typedef {import('../layers/arrays.js').NdArray} NdArray */
/** @typedef {import('../layers/tensor.js').Rules} Rules */

/** Operations along axes, and their kernels. @type {Record<string, string>} */
const axisKernels = { Sum: 'sum', Mean: 'mean', Max: 'max', Min: 'min', Softmax: 'softmax', LogSoftmax: 'log_softmax' };

/** All other operations. @type {Record<string, (layer: Operation, x: any, ...rest: any[]) => NdArray | NdArray[]>} */
const others = {
  ...axisOperations,
  StopGradient: (_, x) => x,
  Round: (layer, x) => {
    // Rounded to float32 after each step, as in Keras.
    const factor = Math.fround(10 ** layer.number('decimals', 0));
    return elementwise((a) => Math.fround(roundHalfEven(Math.fround(a * factor)) / factor), [x], layer.path);
  },
  Cast: (layer, x) => {
    const { dtype } = layer.config;
    // + 0, because integers have no -0.
    const whole = (/** @type {number} */ a) => Math.trunc(a) + 0;
    const f = /^u?int/.test(dtype) ? whole : dtype === 'bool' ? (/** @type {number} */ a) => a !== 0 : null;
    if (!f && dtype !== 'float32') layer.unsupported(`dtype=${dtype}`);
    return f ? elementwise(f, [x], layer.path) : x;
  },
  Clip: (layer, x) => {
    const { x_min: min, x_max: max } = layer.config;
    return elementwise((a) => Math.min(Math.max(a, min ?? -Infinity), max ?? Infinity), [x], layer.path);
  },
  Gelu: (layer, x) => activated(layer, x, layer.config.approximate ? 'gelu_tanh' : 'gelu'),
  Concatenate: (layer, xs) => concatenated(xs, layer.axis(xs[0]), layer.path),
  Stack: (layer, xs) => {
    const shape = [...xs[0].shape];
    const axis = layer.axis({ shape: [...shape, 1] });
    shape.splice(axis, 0, 1);
    return concatenated(
      xs.map((/** @type {NdArray} */ x) => reshaped(x, shape)),
      axis,
      layer.path,
    );
  },
  ExpandDims: (layer, x) => {
    const shape = [...x.shape];
    shape.splice(layer.axis({ shape: [...shape, 1] }), 0, 1);
    return reshaped(x, shape);
  },
  Squeeze: (layer, x) => {
    const axes = layer.axes(x);
    return reshaped(
      x,
      x.shape.filter((/** @type {number} */ _, /** @type {number} */ i) => !axes.includes(i)),
    );
  },
  Reshape: (layer, x) => {
    const shape = [...layer.list('newshape')];
    const size = product(x.shape);
    return reshaped(
      x,
      shape.map((each) => (each === -1 ? -size / product(shape) : each)),
    );
  },
  Transpose: (layer, x) => transposed(x, layer.list('axes')),
  Swapaxes: (layer, x) => {
    const order = withLast(x.shape.length, []);
    const [a, b] = [layer.axis(x, 'axis1'), layer.axis(x, 'axis2')];
    [order[a], order[b]] = [b, a];
    return transposed(x, order);
  },
  Flip: (layer, x) => {
    const axis = layer.axis(x);
    return sliced(
      x,
      x.shape.map((/** @type {number} */ size, /** @type {number} */ i) =>
        i === axis ? { start: size - 1, step: -1, size } : { start: 0, step: 1, size },
      ),
    );
  },
  GetItem: (layer, x, key) => item(layer, x, [key].flat()),
  Matmul: (layer, a, b) => {
    const rank = b.shape.length;
    return productOf(a, transposed(b, withLast(rank, [rank - 2])), layer.path);
  },
  Einsum: (layer, a, b) => einsum(layer, a, b),
};

/** @param {NdArray[]} xs @param {number} axis @param {string} path @returns {NdArray} */
function concatenated(xs, axis, path) {
  const shape = xs[0].shape.map((size, i) => (i === axis ? xs.reduce((sum, x) => sum + x.shape[i], 0) : size));
  for (const x of xs)
    if (x.shape.length !== shape.length || x.shape.some((size, i) => i !== axis && size !== shape[i]))
      throw new ShapeError(
        `${path}: shapes [${xs.map((each) => each.shape.join()).join('] and [')}] cannot be concatenated along axis ${axis}`,
      );
  return {
    shape,
    values: (heap) => {
      const pointers = xs.map((x) => x.values(heap));
      const y = heap.reserve32(product(shape));
      let column = 0;
      pointers.forEach((pointer, i) => {
        const width = product(xs[i].shape, axis);
        heap.exports.pl_copy_columns(y + 4 * column, pointer, product(shape, axis), width, product(shape, 0, axis), width);
        column += width;
      });
      return y;
    },
  };
}

/** x[key], where key is a list of slices, integers, None and ... (ellipsis). @param {Operation} layer @param {NdArray} x @param {any[]} key @returns {NdArray} */
function item(layer, x, key) {
  const isDots = (/** @type {any} */ entry) => entry?.class_name === '__ellipsis__';
  const all = { class_name: '__slice__', config: {} };
  const missing = x.shape.length - key.filter((entry) => entry !== null && !isDots(entry)).length;
  const entries = [...(key.some(isDots) ? key : [...key, { class_name: '__ellipsis__' }])].flatMap((entry) =>
    isDots(entry) ? Array.from({ length: missing }, () => all) : [entry],
  );
  /** @type {number[]} */
  const shape = [];
  let axis = 0;
  const parts = entries.flatMap((entry) => {
    if (entry === null) {
      shape.push(1);
      return [];
    }
    const n = x.shape[axis++];
    if (Number.isInteger(entry)) {
      const start = entry < 0 ? n + entry : entry;
      if (n > 0 && !(start >= 0 && start < n)) throw new ShapeError(`${layer.path}: index ${entry} is outside of an axis of ${n}`);
      return [{ start, step: 1, size: 1 }];
    }
    const {
      start,
      stop,
      step: by,
    } = entry?.class_name === '__slice__' && entry.config ? entry.config : layer.unsupported(`the index ${JSON.stringify(entry)}`);
    const step = by ?? 1;
    if (axis === 1 && (start || step !== 1)) layer.unsupported('a slice of the batch');
    const [min, max] = step > 0 ? [0, n] : [-1, n - 1];
    const clamped = (/** @type {number | null | undefined} */ at, /** @type {number} */ otherwise) =>
      at === null || at === undefined ? otherwise : Math.min(Math.max(at < 0 ? at + n : at, min), max);
    const from = clamped(start, step > 0 ? 0 : n - 1);
    const size = Math.max(0, Math.ceil((clamped(stop, step > 0 ? n : -1) - from) / step));
    shape.push(size);
    return [{ start: from, step, size }];
  });
  return reshaped(sliced(x, parts), shape);
}

/**
 * Einstein summation of two operands, such as `btd,bsd->bts`.
 * @param {Operation} layer @param {NdArray} a @param {NdArray | undefined} b
 * @returns {NdArray}
 */
function einsum(layer, a, b) {
  const { subscripts } = layer.config;
  const found = /^([a-z]+),([a-z]+)->([a-z]+)$/i.exec(textOf(subscripts).replaceAll(' ', ''));
  const [left, right, to] = (found ?? []).slice(1).map((part) => [...part]);
  // A letter of both operands is a batch axis if the result contains it, otherwise it is summed. A letter of one operand is a row.
  const [batch, summed] = [true, false].map((stays) => left?.filter((i) => right.includes(i) && to.includes(i) === stays));
  const fits =
    b &&
    [left, right, to].every((part) => part && new Set(part).size === part.length) &&
    [...left, ...right].filter((i) => !summed.includes(i)).every((i) => to.includes(i)) &&
    left.length === a.shape.length &&
    right.length === b.shape.length &&
    new Set([...left, ...right]).size === to.length + summed.length;
  if (!fits) return layer.unsupported(`subscripts ${JSON.stringify(subscripts)}`);
  const matrices = [left, right].map((part, k) => {
    const rows = part.filter((i) => !batch.includes(i) && !summed.includes(i));
    const x = transposed(
      k ? b : a,
      [...batch, ...rows, ...summed].map((i) => part.indexOf(i)),
    );
    const [from, end] = [batch.length, batch.length + rows.length];
    const flat = reshaped(x, [...x.shape.slice(0, from), product(x.shape, from, end), product(x.shape, end)]);
    return { rows, flat, sizes: x.shape.slice(from, end) };
  });
  const y = productOf(matrices[0].flat, matrices[1].flat, layer.path);
  const order = [...batch, ...matrices.flatMap(({ rows }) => rows)];
  return transposed(
    reshaped(y, [...y.shape.slice(0, batch.length), ...matrices.flatMap(({ sizes }) => sizes)]),
    to.map((i) => order.indexOf(i)),
  );
}

/** Converts a number or an array in the file to an NdArray; returns other values unchanged. @param {any} value @returns {any} */
function constant(value) {
  if (value?.class_name === '__numpy__' || value?.class_name === '__tensor__') {
    const nested = value.config?.value;
    const shape = [];
    for (let each = nested; Array.isArray(each); [each] = each) shape.push(each.length);
    const flat = [nested].flat(Infinity).map(Number);
    return { shape, list: flat, values: (/** @type {import('../runtime/memory.js').Heap} */ heap) => heap.f32(flat) };
  }
  if (typeof value !== 'number' && typeof value !== 'boolean') return value;
  return {
    shape: [],
    values: (/** @type {import('../runtime/memory.js').Heap} */ heap) => heap.f32([Number(value)]),
    number: value,
  };
}

/** Operations of Keras 3 that may return their argument itself, with its mask: maskUnlessSame(). */
const mayKeepMask = new Set([
  'Cast',
  'Concatenate',
  'ConvertToTensor',
  'Einsum',
  'GetItem',
  'Reshape',
  'Split',
  'Squeeze',
  'StopGradient',
  'Swapaxes',
  'Transpose',
]);

/** A node of the graph that is an operation. */
export class Operation extends Layer {
  /** @override @type {import('../layers/layer.js').Reach} */
  static reach = 'all';

  /** @param {string} kind  class in Keras @param {import('../layers/layer.js').LayerConfig} config */
  constructor(kind, config) {
    super(config);
    /** Class in Keras. */
    this.operation = kind;
    this.fileClass = this.className;
    /** The shape of each result. @type {(number | null)[][]} */
    this.shapes = [];
    /** The value that Pad fills in. */
    this.fill = 0;
    /** Pointers to weights among the arguments, by name. @type {Map<string, number>} */
    this.placed = new Map();
  }

  /** @override @param {import('../runtime/memory.js').Heap} heap */
  load(heap) {
    for (const { name } of this.weightSpecs) this.placed.set(name, this.place(heap, name));
  }

  /** @override */
  get className() {
    return `ops.${this.operation}`;
  }

  /** @param {string} what @returns {never} */
  unsupported(what) {
    throw new UnsupportedError(`${this.path}: the operation ${this.operation} with ${what} is not supported`);
  }

  /**
   * Reads an option that names axes. @param {{ shape: number[] }} x @param {string} [option]
   * @returns {number[]} ascending, adjacent, without the batch axis
   */
  axes({ shape }, option = 'axis') {
    const given = [this.config[option]].flat();
    const axes = given.map((axis) => (axis < 0 ? axis + shape.length : axis)).sort((a, b) => a - b);
    if (axes.some((axis, i) => !Number.isInteger(axis) || axis < 1 || axis >= shape.length || axis !== axes[0] + i))
      this.unsupported(`${option}=${JSON.stringify(this.config[option])} for ${shape.length} axes`);
    return axes;
  }

  /** Reads an option that names one axis. @param {{ shape: number[] }} x @param {string} [option] @returns {number} */
  axis(x, option) {
    return this.axes(x, option)[0];
  }

  /**
   * The results of the operation.
   * @param {any} args  as in the file
   * @param {(x: any) => NdArray} toArray  converts a Spec or Tensor
   * @returns {NdArray[]} one, or several for Split
   */
  #results(args, toArray) {
    const { operation: kind, path, config } = this;
    /** @param {any} value @returns {any} */
    const read = (value) => {
      if (value instanceof Spec || value instanceof Tensor) return toArray(value);
      if (kind === 'GetItem') return value;
      if (value?.class_name === '__weight__') {
        const { name, shape } = value.config;
        return { shape, values: () => this.placed.get(name) };
      }
      if (kind === 'Take' && Array.isArray(value)) return constant({ class_name: '__numpy__', config: { value } });
      return Array.isArray(value) ? value.map(read) : constant(value);
    };
    // In the form of Keras 2, a single argument is not in a list.
    const [x, ...rest] = [args].flat().map(read);
    const lists = kind === 'Concatenate' || kind === 'Stack';
    const operands = kind === 'GetItem' ? [x] : [x, ...rest].flatMap((each) => (lists && Array.isArray(each) ? each : [each]));
    const needed = Object.hasOwn(others, kind) ? others[kind].length - 1 : 1;
    if (lists && !Array.isArray(x)) throw new ShapeError(`${path}: ${kind} of one tensor, expected a list of tensors`);
    if (
      rest.length + 1 < needed ||
      Array.isArray(x) !== lists ||
      !operands.length ||
      operands.some((each) => !Array.isArray(each?.shape))
    )
      throw new ShapeError(`${path}: ${kind} has ${rest.length + 1} arguments, expected ${needed} that are tensors or numbers`);
    if (Object.hasOwn(elementwiseOperations, kind)) return [elementwise(elementwiseOperations[kind], [x, ...rest], path)];
    const activation = activationOperation(this, x);
    if (activation) return [activation];
    if (Object.hasOwn(others, kind)) return [others[kind](this, x, ...rest)].flat();
    if (!Object.hasOwn(axisKernels, kind)) throw new UnsupportedError(`${path}: the operation ${kind} is not supported`);
    this.refuse({ initial: [] });
    return [alongAxes(axisKernels[kind], x, this.axes(x), config.keepdims)];
  }

  /**
   * @override
   * @param {any} args @param {Rules} rules @param {Record<string, any>} [options]
   * @returns {Spec | Spec[]}
   */
  build(args, rules, options = {}) {
    if (rules.select && rules.masks)
      throw new UnsupportedError(
        `${this.path}: operations ignore masks, so a model with operations needs kerasVersion, the version of Keras that it was made for`,
      );
    for (const [option, value] of Object.entries(options)) {
      if (this.operation !== 'Pad' || option !== 'constant_values' || typeof value !== 'number')
        this.unsupported(`the argument ${option} by name`);
      this.fill = value;
    }
    const all = [args].flat(9);
    for (const x of all)
      if (x?.class_name === '__weight__' && Array.isArray(x.config?.shape)) this.addWeight(textOf(x.config.name), x.config.shape);
    const specs = all.filter((x) => x instanceof Spec);
    // A cast of TensorFlow that changes nothing returns its argument itself, with its mask.
    this.isIdle =
      rules.framework === 'keras2' &&
      this.operation === 'Cast' &&
      this.config.dtype === 'float32' &&
      specs.length === 1 &&
      !specs[0].ids;
    if (this.isIdle) return specs[0].with({});
    /** Whether each step is computed by itself, so that rows may have different lengths. */
    this.perStep = rules.select && this.#isPerStep(args, specs);
    for (const x of specs)
      if (x.sequence) {
        this.readsPadding(x);
        if (!this.perStep) rules.needsLength.add(this.path);
      }
    // Compute the shapes for two batch sizes B and lengths T: sizes that differ depend on T. B and T are primes, so that no product equals them.
    const [ones, twos] = [
      [1009, 7919],
      [1013, 7907],
    ].map(([B, T]) =>
      this.#results(args, ({ shape }) => ({
        shape: [B, ...shape.map((/** @type {number | null} */ n) => n ?? T)],
        values: () => 0,
      })).map(({ shape }) => shape),
    );
    this.shapes = ones.map((one, k) => {
      if (one[0] !== 1009 || twos[k][0] !== 1013 || one.indexOf(1009, 1) > 0)
        this.unsupported(`a result [${one}] that mixes the texts of a batch`);
      if (one.some((size) => !Number.isSafeInteger(size)))
        throw new ShapeError(`${this.path}: ${this.operation} has a result of shape [${one}], expected integers`);
      return one.slice(1).map((size, i) => (size === twos[k][i + 1] ? size : null));
    });
    const keepsMask = rules.framework !== 'keras2' && mayKeepMask.has(this.operation);
    const results = this.shapes.map((shape) => {
      const isSame = keepsMask && specs.length === 1 && specs[0].shape.join() === shape.join();
      const time = this.perStep ? specs[0].time : shape.length > 1 ? {} : null;
      return new Spec({ shape, time, rules, ...(isSame && maskUnlessSame(this, specs[0], true)) });
    });
    return results.length === 1 ? results[0] : results;
  }

  /** Whether the operation computes each step from the same step of its inputs, which are sequences with the same steps. @param {any} args @param {Spec[]} specs */
  #isPerStep(args, specs) {
    const [first] = specs;
    if (!specs.every((x) => x.sequence && x.time && x.time === first.time && x.shape.length === first.shape.length)) return false;
    const rank = first.shape.length + 1;
    const { operation: kind } = this;
    if (kind === 'GetItem') {
      const [, key] = args;
      const isWhole = (/** @type {any} */ entry) =>
        entry?.class_name === '__slice__' && !Object.values(entry.config).some((each) => each !== null);
      return Array.isArray(key) && isWhole(key[0]) && isWhole(key[1]);
    }
    if (kind === 'TopK') return rank > 2;
    if (Object.hasOwn(axisKernels, kind) || ['Concatenate', 'Argmax', 'Argmin', 'Prod'].includes(kind))
      return this.axes({ shape: Array.from({ length: rank }, () => 1) })[0] > 1;
    if (!Object.hasOwn(elementwiseOperations, kind) && !['Cast', 'Clip', 'Round'].includes(kind)) return false;
    // Constants must not have a time axis.
    return [args]
      .flat(9)
      .every(({ class_name: name, config }) => name === undefined || (name === '__weight__' && config.shape.length <= rank - 2));
  }

  /** The results, computed with each step as a separate row. @param {any} args @returns {Tensor[]} */
  #resultsPerStep(args) {
    const { heap, B, steps, time } = /** @type {Tensor} */ (firstOf(args));
    return this.#results(args, ({ shape, pointer }) => ({
      shape: [time.N, 1, ...shape.slice(1)],
      values: () => (shape.length ? pointer : heap.f32(heap.i32View(pointer, time.N).slice())),
    })).map(({ shape, values }) => new Tensor(heap, values(heap), B, [time.T, ...shape.slice(2)], steps));
  }

  /** @override @param {any} args @returns {Tensor | Tensor[]} */
  call(args) {
    if (this.isIdle) return /** @type {Tensor} */ (firstOf(args));
    if (this.perStep) {
      const each = this.#resultsPerStep(args);
      return each.length === 1 ? each[0] : each;
    }
    const { heap } = /** @type {Tensor} */ (firstOf(args));
    const results = this.#results(args, (x) => arrayOf(x, this.path)).map((y, k) => {
      if (this.shapes[k].some((size, i) => size !== null && size !== y.shape[i + 1]))
        throw new ShapeError(`${this.path}: ${this.operation} gives [${y.shape.slice(1)}], expected [${this.shapes[k]}]`);
      return tensorOf(y, heap);
    });
    return results.length === 1 ? results[0] : results;
  }
}

/**
 * Operations that compute masks in the graphs that Keras 3.10 and later write. padless computes masks from the layers; it removes these
 * operations where they compute the same mask.
 */
const maskOperations = new Set([
  'Any',
  'Concatenate',
  'ConvertToTensor',
  'ExpandDims',
  'LogicalAnd',
  'LogicalOr',
  'NotEqual',
  'OnesLike',
  'ZerosLike',
]);

/**
 * Finds the operations among the layers of a graph.
 * @param {any[]} list  entries of the graph
 * @param {import('./graph.js').CustomLayers} customLayers  a class of this name replaces the operation
 * @returns {Map<any, Operation>} entry -> operation
 */
export function operationsOf(list, customLayers) {
  /** Whether it is a mask operation of an .h5 file, where `module` is missing. @param {any} entry */
  const isBare = (entry) =>
    entry?.module === undefined && maskOperations.has(entry?.class_name) && entry.class_name !== 'Concatenate';
  const bare = new Set(list.filter(isBare).map((entry) => entry.name));
  /** @param {any} entry @returns {boolean} */
  const isOperation = (entry) => {
    if (Object.hasOwn(customLayers, entry?.class_name)) return false;
    if (typeof entry?.module === 'string') return /^keras\.(src\.)?ops\b/.test(entry.module);
    if (entry?.class_name !== 'Concatenate') return isBare(entry);
    return [entry?.inbound_nodes?.[0]?.args?.[0]].flat().some((arg) => bare.has(arg?.config?.keras_history?.[0]));
  };
  return new Map(
    list
      .filter(isOperation)
      .map((entry) => [
        entry,
        new Operation(textOf(entry.class_name), { ...entry.config, name: entry.name ?? entry.config?.name }),
      ]),
  );
}

/** @typedef {import('../layers/functional.js').GraphNode} GraphNode */

/**
 * Replaces layers that are called with masks. If the mask is the one that the layers compute by themselves, it is dropped: `x != value`
 * where x is the input of an Embedding with mask_zero (value 0) or of a Masking layer (value mask_value). Any other mask is passed to the
 * layer as the mask of its input.
 * @param {GraphNode[]} nodes
 * @param {string[]} names  call arguments that are masks
 */
export function readMasks(nodes, names) {
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  /** @type {Set<string>} */
  const sources = new Set();
  for (const { layer, args } of nodes) {
    const { config } = layer;
    const value = layer instanceof Masking ? Number(config.mask_value ?? 0) : config?.mask_zero === true ? 0 : null;
    if (value !== null && args instanceof Ref) sources.add(`${args.key} ${args.tensor} ${value}`);
  }
  /** @type {Map<object, Spec>} */
  const explicit = new Map();
  /** @type {Map<string, boolean>} */
  const known = new Map();
  /** Whether it is a mask that the layers compute by themselves. @param {Ref} ref @returns {boolean} */
  const isOwn = ({ key }) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    // Ends the recursion in a cycle, which sortNodes() reports.
    known.set(key, true);
    const node = byKey.get(key);
    const kind = node?.layer instanceof Operation ? node.layer.operation : '';
    const refs = refsIn(node?.args);
    const own =
      kind === 'NotEqual'
        ? refs.length === 1 && sources.has(`${refs[0].key} ${refs[0].tensor} ${Number(node?.args[1])}`)
        : maskOperations.has(kind) && (kind.endsWith('Like') || refs.every(isOwn));
    known.set(key, own);
    return own;
  };
  /** The input from which such a mask is computed; true if it is computed from several masks. @param {Ref} ref @returns {Ref | true} */
  const sourceOf = ({ key }) => {
    const { layer, args } = /** @type {GraphNode} */ (byKey.get(key));
    return layer instanceof Operation && layer.operation === 'NotEqual' ? refsIn(args)[0] : true;
  };
  /** The sequences that have no mask in such a mask. @param {Ref} ref @param {Set<string>} [seen] @returns {Ref[]} */
  const unmaskedIn = ({ key }, seen = new Set()) => {
    if (seen.has(key)) return [];
    seen.add(key);
    const { layer, args } = /** @type {GraphNode} */ (byKey.get(key));
    const kind = layer instanceof Operation ? layer.operation : '';
    if (kind === 'OnesLike') return refsIn(args);
    return /^(NotEqual|ZerosLike)$/.test(kind) ? [] : refsIn(args).flatMap((each) => unmaskedIn(each, seen));
  };
  /** The value before ConvertToTensor. @param {any} ref @returns {any} */
  const original = (ref) => {
    const { layer, args } = (ref instanceof Ref && byKey.get(ref.key)) || {};
    return layer instanceof Operation && layer.operation === 'ConvertToTensor' && args[0] instanceof Ref ? original(args[0]) : ref;
  };
  for (const node of nodes) {
    for (const name of names) {
      const { [name]: mask, ...rest } = node.options;
      if (mask === undefined) continue;
      const given = [mask].flat().map(original);
      const of = name.slice(0, -'_mask'.length);
      // Arguments query_mask, value_mask and key_mask belong to the arguments query, value and key.
      const target = name === 'mask' ? node.args : (node.options[of] ?? node.args);
      const own = given.map((each) => each instanceof Ref && isOwn(each));
      const masks = given.map((each, i) => (own[i] ? null : each));
      const unmasked = given.flatMap((each, i) => (own[i] ? unmaskedIn(each) : []));
      node.options = { ...rest, [name]: [target, masks, given.map((each, i) => own[i] && sourceOf(each)), unmasked] };
      node.layer = withMask(node.layer, name, explicit);
    }
  }
}

/** Explicit masks -> Steps, which all sequences with the same mask share: causal attention compares them. @type {WeakMap<Tensor, Steps>} */
const steps = new WeakMap();

/**
 * Wraps a layer that is called with masks. Keras writes the mask into the call where the user passed it, and where a sequence with such a
 * mask reaches a later layer. The wrapper gives the mask to the input.
 * @param {Layer} layer
 * @param {string} name  of the argument, whose value is [inputs, masks, sources, unmasked]
 * @param {Map<object, Spec>} explicit  Spec.time of a sequence -> the mask passed by the user
 * @returns {any} an object with the methods of a layer that a graph calls
 */
const withMask = (layer, name, explicit) => ({
  name: layer.name,
  config: layer.config,
  className: layer.className,
  all: () => layer.all(),
  get path() {
    return layer.path;
  },
  /** @param {any} given @param {Record<string, any>} called */
  apply(given, { [name]: [target, masks, sources, unmasked], ...options }) {
    const { path } = this;
    const inputs = [target].flat();
    const [mask] = masks;
    if (firstOf(inputs) instanceof Spec) {
      /** Whether input i has this mask already. @param {any} each @param {number} i */
      const isCarried = (each, i) => {
        const { masked, time } = inputs[i] ?? {};
        return each ? explicit.get(time) === each : !sources[i] || (masked && (sources[i] === true || sources[i].time === time));
      };
      // A nested model hands masks on when it runs, but not while Keras writes the graph.
      if (unmasked.some((/** @type {Spec} */ each) => each.masked))
        throw new UnsupportedError(
          `${path}: its mask in the file counts the padding of a model inside the model, which Keras leaves out when that runs; padless has one mask. Pass mask=... to the layer, or use the layers without a model around them`,
        );
      // The mask is in the file, so it applies even if an earlier layer removed it.
      if (masks.every(isCarried))
        return layer.apply(given instanceof Spec && given.maskRemovedBy ? given.with({ maskRemovedBy: '' }) : given, options);
      if (
        !(mask instanceof Spec) ||
        name !== 'mask' ||
        !(given instanceof Spec) ||
        given.shape.length !== 2 ||
        mask.ids ||
        mask.shape.length !== 1
      )
        throw new UnsupportedError(
          `${path}: called with ${name}${mask ? ` [B, ${mask.shape}]` : ' of another sequence'}; padless supports a mask [B, T] for one sequence`,
        );
      const { rules } = given;
      rules.needsPadded.add(path);
      rules.needsLength.add(path);
      const time = {};
      explicit.set(time, mask);
      const y = layer.apply(given.with({ masked: true, time, maskRemovedBy: '' }), options);
      if (!(rules.kerasMinor >= 11) && [y].flat().some((each) => each.masked))
        throw new UnsupportedError(
          `${path}: called with a mask, which its output loses in Keras before 3.11; padless supports Keras 3.11 and later here${Number.isNaN(rules.kerasMinor) ? '; the file does not say its version: give kerasVersion' : ''}`,
        );
      return y;
    }
    if (!mask || name !== 'mask' || !(given instanceof Tensor)) return layer.apply(given, options);
    const { heap, B, shape, pointer, time } = given;
    if (!time.uniform || mask.features !== time.T)
      throw new ShapeError(`${path}: the mask has ${mask.features} steps, expected ${time.T}`);
    let keep = steps.get(mask);
    if (!keep) {
      const counts = Uint8Array.from(mask.view(), (/** @type {number} */ value) => Number(value !== 0));
      steps.set(mask, (keep = new Steps(heap, B, time.T, counts)));
    }
    return layer.apply(new Tensor(heap, pointer, B, shape, time, keep), options);
  },
});

/** Operations that no output depends on: those that computed dropped masks. @param {GraphNode[]} nodes @param {Ref[]} outputs @returns {Set<Layer>} */
export function unusedOperations(nodes, outputs) {
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  /** @type {Set<Layer>} */
  const left = new Set(nodes.map(({ layer }) => layer).filter((layer) => layer instanceof Operation));
  const seen = new Set(outputs.map(({ key }) => key));
  for (const key of seen) {
    const node = byKey.get(key);
    if (!node) continue;
    left.delete(node.layer);
    for (const ref of refsIn([node.args, Object.values(node.options)])) seen.add(ref.key);
  }
  return left;
}
