/**
 * Computes nodes whose inputs are all constant: transposed, dequantised or sliced weights, and the arithmetic on shapes that exporters write
 * around a layer.
 * @module
 */
import { UnsupportedError } from '../../errors.js';
import { product } from '../../layers/tensor.js';
import {
  checkFolded,
  commonShape,
  Constant,
  broadcastTo,
  expanded,
  isPlain,
  kindOfType,
  scalar,
  stridesOf,
  transposed,
} from './constants.js';
import { compared, differs, minus, plus, productOf, quotient, same, Size, times, truncated } from './sizes.js';
/** @typedef {import('./sizes.js').Extent} Extent */
/** @typedef {import('./constants.js').Kind} Kind */
/** @typedef {import('./converter.js').Converter} Converter */
/** @typedef {import('./converter.js').Node} Node */
/** @typedef {(c: Converter, node: Node, inputs: any[]) => Constant | (Constant | undefined)[] | null} Folder  null if it cannot be computed at import */

/** 1 or 0: test(sign of a - b); null if the sign depends on B or T. @param {Extent} a @param {Extent} b @param {(sign: number) => boolean} test */
function decided(a, b, test) {
  const sign = compared(a, b);
  return sign === null ? null : Number(test(sign));
}

/** @param {Extent} a @param {Extent} b */
const equal = (a, b) => (same(a, b) ? 1 : differs(a, b) ? 0 : null);
/** The maximum (sign 1) or minimum (sign -1) of two sizes; null if that depends on B or T. @param {Extent} a @param {Extent} b @param {number} sign */
function extreme(a, b, sign) {
  const order = compared(a, b);
  return order === null ? null : order === sign || order === 0 ? a : b;
}

/** Operations on two elements, numbers or symbolic sizes. They return null if the result depends on B or T. @type {Record<string, (a: any, b: any, kind: Kind) => any>} */
const ofTwo = {
  Add: plus,
  Sub: minus,
  Mul: times,
  Div: (a, b, kind) => {
    if (kind !== 'int') return typeof a === 'number' && typeof b === 'number' ? a / b : quotient(a, b);
    return truncated(a, b);
  },
  Mod: (a, b) => {
    if (typeof a === 'number' && typeof b === 'number') return b === 0 ? null : a - b * Math.floor(a / b);
    return quotient(a, b) === null ? null : 0;
  },
  Pow: (a, b) => {
    if (typeof a === 'number' && typeof b === 'number') return a ** b;
    return b === 2 ? times(a, a) : b === 1 ? a : null;
  },
  Max: (a, b) => extreme(a, b, 1),
  Min: (a, b) => extreme(a, b, -1),
  Equal: equal,
  Less: (a, b) => decided(a, b, (sign) => sign < 0),
  LessOrEqual: (a, b) => decided(a, b, (sign) => sign <= 0),
  Greater: (a, b) => decided(a, b, (sign) => sign > 0),
  GreaterOrEqual: (a, b) => decided(a, b, (sign) => sign >= 0),
  And: (a, b) => Number(Boolean(a && b)),
  Or: (a, b) => Number(Boolean(a || b)),
  Xor: (a, b) => Number(Boolean(a) !== Boolean(b)),
};
const comparisons = ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'And', 'Or', 'Xor'];

/** @type {Record<string, (a: number) => number>} */
const ofOne = {
  Abs: Math.abs,
  Neg: (a) => -a,
  Sqrt: Math.sqrt,
  Exp: Math.exp,
  Log: Math.log,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Reciprocal: (a) => 1 / a,
  Sin: Math.sin,
  Cos: Math.cos,
  Tanh: Math.tanh,
  Sign: Math.sign,
  Relu: (a) => Math.max(0, a),
  Sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  Not: (a) => Number(!a),
};

/** @param {Kind} kind @param {any[]} list @returns {any} */
const dataOf = (kind, list) => (kind === 'float' && !list.some((each) => each instanceof Size) ? Float32Array.from(list) : list);

/**
 * y = f(a, b, ...) with broadcasting.
 * @param {Converter} c @param {Node} node @param {Constant[]} inputs @param {Kind} kind  of the result @param {(...elements: any[]) => any} f
 */
function elementwise(c, node, inputs, kind, f) {
  const where = c.describe(node);
  const shape = commonShape(inputs.map((x) => x.shape));
  const base = /** @type {number[] | null} */ (commonShape(inputs.map((x) => x.base)));
  if (!shape || !base)
    return c.refuse(node, `shapes [${inputs.map((x) => x.shape.join()).join('] and [')}], which do not broadcast`);
  const data = inputs.map((x) => broadcastTo(x, base, where).data);
  const list = Array.from({ length: product(base) }, (_, i) => f(...data.map((each) => each[i])));
  return list.some((each) => each === null) ? null : new Constant(kind, shape, dataOf(kind, list), base);
}

/** @param {Constant} x @param {Kind} kind */
function cast(x, kind) {
  if (x.kind === kind) return x;
  const f = (/** @type {any} */ a) =>
    kind === 'bool' ? Number(a instanceof Size || a !== 0) : kind === 'int' && typeof a === 'number' ? Math.trunc(a) : a;
  // A symbolic size stays one, even in a tensor of floats.
  const list = Array.from(x.data, f);
  return new Constant(kind, x.shape, dataOf(kind, list), x.base);
}

/** The elements at indices `places` of an axis. @param {Constant} x @param {number} axis @param {number[]} places @param {string} where */
export function selected(x, axis, places, where) {
  const base = x.base.map((size, i) => (i === axis ? places.length : size));
  const strides = stridesOf(x.base);
  const outer = product(x.base, 0, axis);
  const inner = product(x.base, axis + 1);
  checkFolded(product(base) - x.data.length, where);
  const y = x.data instanceof Float32Array ? new Float32Array(product(base)) : new Array(product(base));
  let n = 0;
  for (let o = 0; o < outer; o++)
    for (const place of places)
      for (let i = 0; i < inner; i++)
        y[n++] = x.data[o * (strides[axis] ?? 1) * (x.base[axis] ?? 1) + place * (strides[axis] ?? 1) + i];
  const shape = x.shape.map((size, i) => (i === axis ? places.length : size));
  return new Constant(x.kind, shape, y, base);
}

/** @param {Constant} x @param {Extent[]} shape */
export function reshaped(x, shape) {
  // Only a constant of one element stays broadcast: otherwise the new shape may split or merge broadcast axes.
  if (x.data.length === 1)
    return new Constant(
      x.kind,
      shape,
      x.data,
      shape.map(() => 1),
    );
  return new Constant(x.kind, shape, x.data);
}

/** The target shape of Reshape, with 0 and -1 replaced by sizes. @param {Converter} c @param {Node} node @param {Extent[]} shape @param {Extent[]} target @returns {Extent[]} */
export function targetShape(c, node, shape, target) {
  const copied = target.map((size, i) => (size === 0 && !c.attribute(node, 'allowzero', 0) ? (shape[i] ?? 0) : size));
  const unknown = copied.indexOf(-1);
  if (unknown < 0) return copied;
  const rest = quotient(productOf(shape), productOf(copied.filter((size) => size !== -1)));
  if (rest === null) return c.refuse(node, `reshapes [${shape}] to [${target}]; padless cannot compute the size for -1`);
  return copied.map((size) => (size === -1 ? rest : size));
}

/**
 * The indices of the slice [start:end:step] of an axis.
 * @param {number} size @param {number} start @param {number} end @param {number} step @param {string} where
 * @param {number} [stored]  elements that the file has for the tensor: as many indices are allowed beyond the limit
 */
export function sliceOf(size, start, end, step, where, stored = 0) {
  const clamp = (/** @type {number} */ at, /** @type {number} */ least, /** @type {number} */ most) =>
    Math.min(Math.max(at < 0 ? at + size : at, least), most);
  const [from, to] =
    step > 0 ? [clamp(start, 0, size), clamp(end, 0, size)] : [clamp(start, 0, size - 1), clamp(end, -1, size - 1)];
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (step === 0) throw new UnsupportedError(`${where}: a slice with step 0`);
  checkFolded(count - stored, where, 'a slice');
  return Array.from({ length: count }, (_, i) => from + i * step);
}

/** starts, ends, axes and steps of Slice. @param {Converter} c @param {Node} node @param {any[]} inputs @returns {{ axis: number, start: Extent, end: Extent, step: number }[]} */
export function slices(c, node, inputs) {
  const rank = inputs[0].shape.length;
  const starts = node.attributes.starts ?? c.list(node, inputs[1], 'starts');
  const ends = node.attributes.ends ?? c.list(node, inputs[2], 'ends');
  const axes =
    node.attributes.axes ?? c.list(node, inputs[3], 'axes') ?? starts.map((/** @type {any} */ _, /** @type {number} */ i) => i);
  const steps = c.list(node, inputs[4], 'steps') ?? starts.map(() => 1);
  return axes.map((/** @type {number} */ axis, /** @type {number} */ i) => ({
    axis: c.axis(node, axis, rank),
    start: starts[i],
    end: ends[i],
    step: steps[i],
  }));
}

/** The sizes of the outputs of Split. @param {Converter} c @param {Node} node @param {any[]} inputs @param {number} size @returns {number[]} */
export function splitSizes(c, node, inputs, size) {
  const given = node.attributes.split ?? c.list(node, inputs[1], 'sizes');
  if (given) {
    const sizes = /** @type {number[]} */ (given);
    if (!sizes.every((each) => Number.isSafeInteger(each) && each >= 0) || sizes.reduce((sum, each) => sum + each, 0) !== size)
      c.refuse(node, `splits an axis of ${size} into parts of [${sizes}]`);
    return sizes;
  }
  const count = c.attribute(node, 'num_outputs', node.outputs.length);
  if (count > node.outputs.length) c.refuse(node, `has num_outputs=${count} and ${node.outputs.length} outputs`);
  if (!(count >= 1 && count <= size)) c.refuse(node, `splits an axis of ${size} into ${count} parts`);
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.min(each, size - i * each));
}

/** @type {Record<string, { start: any, add: (a: any, b: any) => any }>} */
const reductions = {
  ReduceSum: { start: 0, add: plus },
  ReduceProd: { start: 1, add: times },
  ReduceMax: { start: null, add: (a, b) => (a === null ? b : extreme(a, b, 1)) },
  ReduceMin: { start: null, add: (a, b) => (a === null ? b : extreme(a, b, -1)) },
};

/** @type {Record<string, Folder>} */
const folders = {
  Constant: (c, node) => {
    const { value, value_float: f, value_floats: fs, value_int: i, value_ints: is } = node.attributes;
    if (value) return c.constant(value, c.describe(node));
    if (f !== undefined) return new Constant('float', [], Float32Array.of(f));
    if (fs) return new Constant('float', [fs.length], Float32Array.from(fs));
    if (i !== undefined) return scalar(i);
    if (is) return new Constant('int', [is.length], is);
    return c.refuse(node, 'a constant that is text or sparse');
  },
  ConstantOfShape: (c, node, [given]) => {
    const shape = c.list(node, given, 'sizes') ?? [];
    const value = node.attributes.value
      ? c.constant(node.attributes.value, c.describe(node))
      : new Constant('float', [1], Float32Array.of(0));
    if (value.data.length !== 1) c.refuse(node, `${value.data.length} values, expected one`);
    return new Constant(
      value.kind,
      shape,
      value.data,
      shape.map(() => 1),
    );
  },
  Identity: (_c, _node, [x]) => x,
  Cast: (c, node, [x]) => cast(x, kindOfType(node.attributes.to, c.describe(node))),
  CastLike: (_c, _node, [x, like]) => cast(x, like.kind),
  Shape: (c, node, [x]) => c.shapeOf(node, x.shape),
  Size: (_c, _node, [x]) => scalar(productOf(x.shape)),
  Reshape: (c, node, [x, shape]) => {
    const target = targetShape(c, node, x.shape, node.attributes.shape ?? c.list(node, shape, 'shape'));
    if (!x.whole && x.data.length > 1) return null;
    return same(productOf(target), productOf(x.shape)) ? reshaped(x, target) : c.refuse(node, `[${x.shape}] to [${target}]`);
  },
  Flatten: (c, node, [x]) => {
    const axis = c.attribute(node, 'axis', 1);
    const at = axis < 0 ? axis + x.shape.length : axis;
    return reshaped(expanded(x, c.describe(node)), [productOf(x.shape.slice(0, at)), productOf(x.shape.slice(at))]);
  },
  Transpose: (c, node, [x]) =>
    transposed(
      x,
      c.attribute(
        node,
        'perm',
        x.shape.map((/** @type {any} */ _, /** @type {number} */ i) => x.shape.length - 1 - i),
      ),
      c.describe(node),
    ),
  Squeeze: (c, node, [x, given]) => {
    const axes =
      c.axes(node, given, x.shape.length) ??
      x.shape.flatMap((/** @type {Extent} */ size, /** @type {number} */ i) => (size === 1 ? [i] : []));
    const keep = (/** @type {any} */ _, /** @type {number} */ i) => !axes.includes(i);
    return new Constant(x.kind, x.shape.filter(keep), x.data, x.base.filter(keep));
  },
  Unsqueeze: (c, node, [x, given]) => {
    const [shape, base] = [[...x.shape], [...x.base]];
    const list = node.attributes.axes ?? c.list(node, given, 'axes') ?? [];
    const axes = c.axes(node, given, shape.length + list.length) ?? [];
    for (const axis of [...axes].sort((a, b) => a - b)) {
      shape.splice(axis, 0, 1);
      base.splice(axis, 0, 1);
    }
    return new Constant(x.kind, shape, x.data, base);
  },
  Expand: (c, node, [x, given]) => {
    const shape = commonShape([x.shape, c.list(node, given, 'shape') ?? []]);
    if (!shape) return null;
    const base = [...Array.from({ length: shape.length - x.base.length }, () => 1), ...x.base];
    return new Constant(x.kind, shape, x.data, base);
  },
  Tile: (c, node, [x, given]) => {
    const repeats = c.list(node, given, 'repeats') ?? [];
    const shape = x.shape.map((/** @type {Extent} */ size, /** @type {number} */ i) => times(size, repeats[i]));
    if (x.base.every((/** @type {number} */ size, /** @type {number} */ i) => size === 1 || repeats[i] === 1))
      return new Constant(x.kind, shape, x.data, x.base);
    if (!repeats.every((each) => typeof each === 'number')) return null;
    let y = expanded(x, c.describe(node));
    repeats.forEach((count, axis) => {
      checkFolded(y.base[axis] * Number(count) - y.data.length, c.describe(node));
      const places = Array.from({ length: y.base[axis] * Number(count) }, (_, i) => i % y.base[axis]);
      y = selected(y, axis, places, c.describe(node));
    });
    return y;
  },
  Concat: (c, node, inputs) => {
    const axis = c.axis(node, c.attribute(node, 'axis', 1), inputs[0].shape.length);
    const shape = inputs[0].shape.map((/** @type {Extent} */ size, /** @type {number} */ i) =>
      i === axis ? inputs.reduce((/** @type {Extent} */ sum, each) => plus(sum, each.shape[axis]), 0) : size,
    );
    if (inputs.every((x) => x.data.length === 1 && same(x.single, inputs[0].single) && x.shape.length > 1 && !x.whole))
      return new Constant(inputs[0].kind, shape, inputs[0].data, inputs[0].base);
    const whole = inputs.map((x) => expanded(x, c.describe(node)));
    const sizes = whole.map(({ data }) => data.length);
    checkFolded(
      sizes.reduce((sum, size) => sum + size, -Math.max(...sizes)),
      c.describe(node),
    );
    const outer = product(whole[0].base, 0, axis);
    const list = [];
    for (let o = 0; o < outer; o++)
      for (const { base, data } of whole) {
        const width = product(base, axis);
        for (let i = 0; i < width; i++) list.push(data[o * width + i]);
      }
    return new Constant(inputs[0].kind, shape, dataOf(inputs[0].kind, list));
  },
  Gather: (c, node, [x, given]) => {
    const axis = c.axis(node, c.attribute(node, 'axis', 0), x.shape.length);
    const places = expanded(given, c.describe(node)).list;
    const size = x.shape[axis];
    const shape = [...x.shape.slice(0, axis), ...given.shape, ...x.shape.slice(axis + 1)];
    // All elements along the axis are equal.
    if (x.base[axis] === 1) {
      const base = [...x.base.slice(0, axis), ...given.shape.map(() => 1), ...x.base.slice(axis + 1)];
      return new Constant(x.kind, shape, x.data, base);
    }
    if (!places.every((each) => Number.isInteger(each) && each >= -size && each < size))
      return c.refuse(node, `index ${places.find((each) => !(each >= -size && each < size))} of an axis of ${size}`);
    const y = selected(
      x,
      axis,
      places.map((each) => (each < 0 ? each + size : each)),
      c.describe(node),
    );
    return new Constant(x.kind, shape, y.data, [...x.base.slice(0, axis), ...given.base, ...x.base.slice(axis + 1)]);
  },
  Slice: (c, node, inputs) => {
    let x = inputs[0];
    for (const { axis, start, end, step } of slices(c, node, inputs)) {
      if (![start, end, step].every((each) => typeof each === 'number')) return null;
      const size = x.shape[axis];
      if (typeof size !== 'number') {
        if (start !== 0 || step !== 1 || Number(end) < 2 ** 31 - 1) return null;
        continue;
      }
      const places = sliceOf(size, Number(start), Number(end), step, c.describe(node), x.data.length);
      if (x.base[axis] === size) x = selected(x, axis, places, c.describe(node));
      else
        x = new Constant(
          x.kind,
          x.shape.map((/** @type {Extent} */ each, /** @type {number} */ i) => (i === axis ? places.length : each)),
          x.data,
          x.base,
        );
    }
    return x;
  },
  Split: (c, node, inputs) => {
    const x = expanded(inputs[0], c.describe(node));
    const axis = c.axis(node, c.attribute(node, 'axis', 0), x.shape.length);
    let at = 0;
    return splitSizes(c, node, inputs, x.base[axis]).map((count) => {
      const places = Array.from({ length: count }, (_, i) => at + i);
      at += count;
      return selected(x, axis, places, c.describe(node));
    });
  },
  Range: (c, node, inputs) => {
    const [start, limit, delta] = inputs.map((x) => x.single);
    if (![start, limit, delta].every((each) => typeof each === 'number')) return null;
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    checkFolded(count, c.describe(node));
    const list = Array.from({ length: count }, (_, i) => start + i * delta);
    return new Constant(inputs[0].kind, [count], dataOf(inputs[0].kind, list));
  },
  Where: (c, node, [test, a, b]) => {
    if (!isPlain(test)) return null;
    return elementwise(c, node, [test, a, b], a.kind, (t, x, y) => (t ? x : y));
  },
  MatMul: (c, node, [a, b]) => {
    if (a.shape.length !== 2 || b.shape.length !== 2 || !isPlain(a) || !isPlain(b)) return null;
    const y = expanded(b, c.describe(node));
    const [K, N] = y.base;
    // If a has a row for each text of the batch, its base has one row for all.
    const M = a.base[0];
    const x = broadcastTo(a, [M, K], c.describe(node));
    checkFolded(M * N + (M * K * N) / 64, c.describe(node));
    const out = new Float32Array(M * N);
    for (let m = 0; m < M; m++)
      for (let n = 0; n < N; n++) {
        let sum = 0;
        for (let k = 0; k < K; k++) sum += x.data[m * K + k] * y.data[k * N + n];
        out[m * N + n] = sum;
      }
    return new Constant('float', [a.shape[0], N], out, [M, N]);
  },
  DequantizeLinear: (c, node, [given, scale, zero]) => {
    const x = expanded(given, c.describe(node));
    if (c.attribute(node, 'block_size', 0))
      c.refuse(node, `block_size is ${node.attributes.block_size}; padless reads scales of a tensor or of an axis`);
    const { base } = x;
    const along = (/** @type {Constant | undefined} */ each) => {
      if (!each || each.data.length === 1) return each;
      const axis = c.axis(node, c.attribute(node, 'axis', 1), base.length);
      return new Constant(
        each.kind,
        base.map((size, i) => (i === axis ? size : 1)),
        each.data,
      );
    };
    const [s, z] = [along(scale), along(zero)];
    const by = /** @type {Constant} */ (s);
    const values = z ? elementwise(c, node, [x, z], 'int', (a, offset) => a - offset) : x;
    const y = values && elementwise(c, node, [values, by], 'float', (a, step) => a * step);
    if (values?.data.length === y?.data.length && y) y.quantized = { values: /** @type {Constant} */ (values), scale: by };
    return y;
  },
};

/** @type {Folder} */
const reduce = (c, node, [x, given]) => {
  const { start, add } = reductions[node.op];
  const rank = x.shape.length;
  const named = c.axes(node, given, rank);
  const axes = named?.length
    ? named
    : c.attribute(node, 'noop_with_empty_axes', 0)
      ? []
      : x.shape.map((/** @type {any} */ _, /** @type {number} */ i) => i);
  const whole = expanded(x, c.describe(node));
  const rest = whole.base.map((_, i) => i).filter((/** @type {number} */ i) => !axes.includes(i));
  const sorted = transposed(whole, [...rest, ...axes], c.describe(node));
  const width = product(axes.map((/** @type {number} */ i) => whole.base[i]));
  const list = Array.from({ length: width ? sorted.data.length / width : 0 }, (_, i) => {
    let sum = start;
    for (let k = 0; k < width; k++) sum = add(sum, sorted.data[i * width + k]);
    return sum;
  });
  if (list.includes(null)) return null;
  const shape = c.attribute(node, 'keepdims', 1)
    ? whole.base.map((size, /** @type {number} */ i) => (axes.includes(i) ? 1 : size))
    : rest.map((i) => whole.base[i]);
  return new Constant(x.kind, shape, dataOf(x.kind, list));
};

/**
 * Computes a node whose inputs are constant.
 * @param {Converter} c @param {Node} node @param {(Constant | undefined)[]} inputs
 * @returns {Constant | (Constant | undefined)[] | null} null if layers have to compute it
 */
export function fold(c, node, inputs) {
  const { op } = node;
  if (Object.hasOwn(folders, op)) return folders[op](c, node, inputs);
  if (inputs.length === 0 || inputs.includes(undefined)) return null;
  const given = /** @type {Constant[]} */ (inputs);
  if (Object.hasOwn(reductions, op)) return reduce(c, node, given);
  if (op === 'Mod' && c.attribute(node, 'fmod', 0))
    c.refuse(node, 'fmod is 1 for constants; padless computes the remainder with the sign of the divisor (fmod 0)');
  if (Object.hasOwn(ofTwo, op)) {
    const { kind } = given[0];
    const to = comparisons.includes(op) ? 'bool' : kind;
    return given
      .slice(1)
      .reduce(
        (/** @type {Constant | null} */ a, b) => a && elementwise(c, node, [a, b], to, (x, y) => ofTwo[op](x, y, kind)),
        given[0],
      );
  }
  if (Object.hasOwn(ofOne, op) && given.length === 1 && isPlain(given[0]))
    return elementwise(c, node, given, given[0].kind, ofOne[op]);
  return null;
}
