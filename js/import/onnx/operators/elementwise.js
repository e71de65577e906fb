/**
 * Operators that work on each element: arithmetic with broadcasting, comparisons, and activations.
 */
import { checkFolded, commonShape, Constant, isPlain, kindOfType, vector } from '../constants.js';
import { same, Size } from '../sizes.js';
import { equalAxes, Parts, RowOrder, RowStarts, sizeOf, Value } from '../values.js';
/** @typedef {import('../converter.js').Converter} Converter */
/** @typedef {import('../converter.js').Node} Node */
/** @typedef {import('../converter.js').Any} Any */
/** @typedef {import('../converter.js').Operator} Operator */
/** @typedef {import('../values.js').Axis} Axis */
/** @typedef {import('../values.js').Output} Output */
/** @typedef {import('../constants.js').Kind} Kind */

/** Operators on two or more tensors -> Keras's merge layers. @type {Record<string, string>} */
const merges = { Add: 'Add', Sub: 'Subtract', Mul: 'Multiply', Max: 'Maximum', Min: 'Minimum', Mean: 'Average' };

/** Operators on two or three tensors -> padless's operations. @type {Record<string, string>} */
const operations = {
  Add: 'Add',
  Sub: 'Subtract',
  Mul: 'Multiply',
  Div: 'TrueDivide',
  Max: 'Maximum',
  Min: 'Minimum',
  Equal: 'Equal',
  Less: 'Less',
  LessOrEqual: 'LessEqual',
  Greater: 'Greater',
  GreaterOrEqual: 'GreaterEqual',
  And: 'LogicalAnd',
  Or: 'LogicalOr',
  Xor: 'NotEqual',
  Where: 'Where',
  Pow: 'Power',
  Mod: 'Mod',
  Fmod: 'Fmod',
};
const comparisons = ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'And', 'Or', 'Xor'];

/** Operators on one tensor -> padless's operations. @type {Record<string, string>} */
const ofOne = {
  Neg: 'Negative',
  Abs: 'Absolute',
  Sqrt: 'Sqrt',
  Reciprocal: 'Reciprocal',
  Log: 'Log',
  Floor: 'Floor',
  Ceil: 'Ceil',
  Round: 'Round',
  Sign: 'Sign',
  Erf: 'Erf',
  Not: 'LogicalNot',
  IsNaN: 'Isnan',
  ...{ Sin: 'Sin', Cos: 'Cos', Tan: 'Tan', Asin: 'Arcsin', Acos: 'Arccos', Atan: 'Arctan' },
  ...{ Sinh: 'Sinh', Cosh: 'Cosh', Asinh: 'Arcsinh', Acosh: 'Arccosh', Atanh: 'Arctanh' },
};

/** Activations without options. @type {Record<string, string>} */
const activations = {
  Tanh: 'tanh',
  Sigmoid: 'sigmoid',
  Exp: 'exponential',
  Softplus: 'softplus',
  Softsign: 'softsign',
  HardSwish: 'hard_silu',
  Mish: 'mish',
  Relu: 'relu',
};

/** The output of a new layer that keeps the shape of its input. @param {Converter} c @param {Node} node @param {Any | undefined} x @param {string} className @param {Record<string, any>} config @param {string} [suffix] */
export function layerOn(c, node, x, className, config, suffix = '') {
  const value = c.tensor(node, x);
  return value.with({
    output: c.builder.layer(className, c.nameOf(node, suffix), config, value.output),
    kind: 'float',
    ids: false,
  });
}

/** @param {Converter} c @param {Node} node @param {Any | undefined} x @param {string} kind @param {Record<string, any>} [config] @param {Kind} [to] */
export function operationOn(c, node, x, kind, config = {}, to = 'float') {
  const value = c.tensor(node, x);
  return value.with({ output: c.builder.operation(kind, c.nameOf(node), [value.output], config), kind: to, ids: false });
}

/** Whether a merge layer can broadcast these inputs: each has all axes of the result, or the result has at most two axes besides the batch. @param {Value[]} values @param {Axis[]} groups  of the result */
function canMerge(values, groups) {
  const [, ...rest] = groups;
  const has = values.map((value) => rest.map((axis) => axis.length === 0 || axis.every((factor) => value.stored.includes(factor))));
  if (has.every((each) => !each.includes(false))) return true;
  return rest.length <= 2;
}

/** The groups of an input of a merge layer. @param {Value} value @param {Axis[]} groups  of the result */
function mergeGroups(value, groups) {
  const [batch, ...rest] = groups;
  const own = rest.map((axis) => (axis.every((factor) => value.stored.includes(factor)) ? axis : []));
  // An input without the time axis is a vector for each row.
  return rest.length === 2 && rest[0].length && !own[0].length ? [batch, own[1]] : [batch, ...own];
}

/** Whether only one value uses an output. Nodes such as Identity and Unsqueeze make further values from it. @param {Converter} c @param {Output} output */
function hasOneValue(c, { layer }) {
  const isOf = (/** @type {any} */ x) => (x instanceof Parts ? x.list.some(isOf) : x instanceof Value && x.output.layer === layer);
  return [...c.values.values()].filter(isOf).length === 1;
}

/** Adds a constant to the result of a Dense layer as its bias, if nothing else reads the result; returns whether it could. @param {Converter} c @param {Value} value @param {Float32Array} bias */
function addedToBias(c, value, bias) {
  const { layer } = value.output;
  const entry = c.builder.entries.get(layer);
  const units = entry?.config.units;
  if (
    entry?.class_name !== 'Dense' ||
    entry.config.use_bias ||
    c.builder.users.get(layer) ||
    (bias.length !== units && bias.length !== 1) ||
    !hasOneValue(c, value.output)
  )
    return false;
  entry.config.use_bias = true;
  c.builder.weights.set(`${layer}.bias`, {
    shape: [units],
    data: Float32Array.from({ length: units }, (_, n) => bias[bias.length === 1 ? 0 : n]),
  });
  return true;
}

/**
 * Arithmetic of a tensor and a constant that has one element, or one for each feature, as a Rescaling or Affine layer.
 * @param {Converter} c @param {Node} node @param {Value} x @param {Constant} constant
 * @param {{ first: boolean, single: boolean, axes: Axis[], groups: Axis[] }} of  first: the constant is the first operand; single: no other node reads x
 * @returns {Output | null} null if these layers cannot compute it
 */
function withConstant(c, node, x, constant, { first, single, axes, groups }) {
  if (!['Add', 'Sub', 'Mul', 'Div'].includes(node.op) || !isPlain(constant) || !equalAxes(x.groups, groups)) return null;
  const value = c.operand(node, constant, axes, groups);
  if (typeof value === 'number') {
    if (node.op === 'Add' && single && addedToBias(c, x, Float32Array.of(value))) return x.output;
    const [scale, offset] =
      { Add: [1, value], Sub: first ? [-1, value] : [1, -value], Mul: [value, 0], Div: first ? [NaN, 0] : [1 / value, 0] }[
        node.op
      ] ?? [];
    if (!Number.isFinite(scale)) return null;
    if (scale === 1 && offset === 0) return x.output;
    return c.builder.layer('Rescaling', c.nameOf(node), { scale, offset }, x.output);
  }
  const { shape, data } = value;
  const width = shape[shape.length - 1];
  if (data.length !== width || (node.op === 'Div' && first) || !data.every(Number.isFinite)) return null;
  if (node.op === 'Add' && single && addedToBias(c, x, data)) return x.output;
  const ones = new Float32Array(width).fill(1);
  const weights =
    {
      Add: [ones, data],
      Sub: first ? [ones.map(() => -1), data] : [ones, data.map((each) => -each)],
      Mul: [data, null],
      Div: [data.map((each) => 1 / each), null],
    }[node.op] ?? [];
  const [scale, shift] = weights;
  return c.builder.layer('padless>Affine', c.nameOf(node), { scale: true, shift: shift !== null }, x.output, {
    scale: { shape: [width], data: /** @type {Float32Array} */ (scale) },
    ...(shift && { shift: { shape: [width], data: shift } }),
  });
}

/** The mean over steps, if the node divides a sum over the T steps of each row by T; otherwise null. @param {Converter} c @param {Node} node @param {Any | undefined} x @param {Any | undefined} by @returns {Value | null} */
function meanOf(c, node, x, by) {
  if (node.op !== 'Div' || !(x instanceof Value) || x.kind !== 'float') return null;
  if (!(by instanceof Constant) || !by.whole || by.shape.length > x.view.length) return null;
  const sum = c.sums.get(x.output.layer);
  if (!sum || !(by.single instanceof Size) || !same(by.single, sum.size)) return null;
  c.readsSteps(node);
  return x.with({ output: c.builder.layer('padless>MaskedMean', c.nameOf(node), {}, sum.from) });
}

/**
 * Operands whose values have all axes of the result. A constant that repeats its elements does not hold those of an axis of size T, so the first
 * value is repeated along the axes that only such constants have.
 * @param {Converter} c @param {Node} node @param {(Value | Constant)[]} given @returns {(Value | Constant)[]}
 */
function withAxes(c, node, given) {
  const shape = commonShape(given.map((x) => x.shape)) ?? [];
  const held = (/** @type {Value | Constant} */ x, /** @type {number} */ at) =>
    x instanceof Value ? x.view.at(at)?.length : (x.base.at(at) ?? 1) !== 1;
  const target = shape.map((size, i) => (given.some((x) => held(x, i - shape.length)) ? 1 : size));
  const first = given.findIndex((x) => x instanceof Value);
  const repeated = /** @type {Value} */ (c.operators.Expand(c, node, [given[first], vector(target)]));
  return given.map((x, i) => (i === first ? repeated : x));
}

/**
 * An elementwise operator on several tensors, with broadcasting.
 * @param {Converter} c @param {Node} node @param {(Any | undefined)[]} inputs
 * @returns {Any}
 */
export function broadcasting(c, node, inputs) {
  const mean = meanOf(c, node, inputs[0], inputs[1]);
  if (mean) return mean;
  /** @type {(Value | Constant)[]} */
  const given = inputs.map((x) => (x instanceof Constant && isPlain(x) ? x : c.tensor(node, x)));
  // All are constants that fold() could not compute, for example because of symbolic sizes: make one of them a tensor.
  if (given.every((x) => x instanceof Constant))
    [given[0]] = [/** @type {any} */ (c.placed(node, /** @type {Constant} */ (given[0])))];
  const { operands, axes } = c.combined(node, withAxes(c, node, given));
  const groups = c.layout(operands, axes);
  const values = /** @type {Value[]} */ (operands.filter((x) => x instanceof Value));
  const isWhole = node.op === 'Div' && operands.every((x) => x.kind === 'int');
  const kind = comparisons.includes(node.op) ? 'bool' : node.op === 'Where' ? given[1].kind : values[0].kind;
  const result = (/** @type {Output} */ output) => {
    const value = new Value({ output, groups, view: axes, kind });
    return isWhole ? towardsZero(c, node, value) : value;
  };
  const constant = operands.find((x) => x instanceof Constant);
  if (operands.length === 2 && constant && values.length === 1 && !isWhole) {
    const name = node.inputs.find(
      (each) => given.includes(/** @type {any} */ (c.values.get(each))) && c.values.get(each) instanceof Value,
    );
    const single = c.uses.get(name ?? '') === 1;
    const found = withConstant(c, node, values[0], constant, { first: operands[0] === constant, single, axes, groups });
    if (found) return result(found);
  }
  if (node.op === 'Div' && !isWhole && values.length === 2 && !canOperate(values, groups)) {
    const [a, b] = values;
    const reciprocal = c.builder.operation('Reciprocal', c.nameOf(node, '_reciprocal'), [b.output]);
    const pair = [a, b.with({ output: reciprocal })];
    const outputs = pair.map((value) => c.arranged(node, value, mergeGroups(value, groups)));
    return result(c.builder.layer('Multiply', c.nameOf(node), {}, outputs));
  }
  if (values.length === operands.length && Object.hasOwn(merges, node.op) && operands.length > 1 && canMerge(values, groups)) {
    const outputs = values.map((value) => c.arranged(node, value, mergeGroups(value, groups)));
    return result(c.builder.layer(merges[node.op], c.nameOf(node), {}, outputs));
  }
  if (!Object.hasOwn(operations, node.op))
    return c.refuse(node, 'some operands are constant; padless needs tensors that depend on the input here');
  const args = operands.map((x) =>
    x instanceof Constant
      ? c.operand(node, x, axes, groups)
      : c.arranged(node, x, [
          groups[0],
          ...groups.slice(1).map((axis) => (axis.every((factor) => x.stored.includes(factor)) ? axis : [])),
        ]),
  );
  return result(c.builder.operation(operations[node.op], c.nameOf(node), args));
}

/** Whether an operation can compute the result: no axis varies, or all operands have all axes. Other operations need rows of equal lengths. @param {Value[]} values @param {Axis[]} groups */
function canOperate(values, groups) {
  if (!groups.flat().some(({ varies }) => varies)) return true;
  return values.every((value) => groups.slice(1).every((axis) => axis.every((factor) => value.stored.includes(factor))));
}

/** An operator on any number of operands, as a chain of binary operations. @type {Operator} */
const several = (c, node, inputs) => {
  if (inputs.length === 1) return /** @type {Any} */ (inputs[0]);
  return /** @type {Any} */ (inputs.slice(1).reduce((a, b) => broadcasting(c, node, [a, b]), inputs[0]));
};

/** Softmax, LogSoftmax: over `axis`; before opset 13, over `axis` and all axes after it. @param {string} name  the activation @param {string} overTime  the layer that computes it over steps @returns {Operator} */
const softmax = (name, overTime) => (c, node, inputs) => {
  const value = c.tensor(node, inputs[0]);
  const flattens = c.opset < 13;
  const axis = c.axis(node, c.attribute(node, 'axis', flattens ? 1 : -1), value.view.length);
  const own = flattens ? value.view.slice(axis).flat() : value.view[axis];
  c.notBatch(node, own, 'softmax');
  if (own.some(({ varies }) => varies)) {
    const rest = value.stored.filter((factor) => !own.includes(factor));
    const groups = [[c.batch], own, rest];
    if (own.length === 1 && equalAxes(value.groups.slice(0, 2), groups.slice(0, 2)) && overTime) {
      c.readsSteps(node, own);
      const output = c.builder.layer(overTime, c.nameOf(node), {}, c.arranged(node, value, groups));
      return value.with({ output, groups });
    }
  }
  const groups = c.withLast(value, own);
  c.readsSteps(node, own);
  return value.with({
    output: c.builder.layer('Activation', c.nameOf(node), { activation: name }, c.arranged(node, value, groups)),
    groups,
  });
};

/** @param {Converter} c @param {Node} node @param {Any | undefined} x @param {string} what @param {number} [otherwise] @returns {number} */
function numberOf(c, node, x, what, otherwise) {
  if (x === undefined && otherwise !== undefined) return otherwise;
  const value = x instanceof Constant ? x.single : undefined;
  return typeof value === 'number' ? value : c.refuse(node, `${what} is not one constant number`);
}

/** @type {Operator} */
const clip = (c, node, [x, min, max]) => {
  const lowest = node.attributes.min ?? numberOf(c, node, min, 'min', -Infinity);
  const most = node.attributes.max ?? numberOf(c, node, max, 'max', Infinity);
  if (lowest > most) c.refuse(node, `min is ${lowest}, max ${most}`);
  if (lowest === 0) return layerOn(c, node, x, 'ReLU', { ...(most !== Infinity && most < 3e38 && { max_value: most }) });
  return operationOn(c, node, x, 'Clip', {
    ...(Number.isFinite(lowest) && { x_min: lowest }),
    ...(Number.isFinite(most) && { x_max: most }),
  });
};

/** Exponents for which padless has an operation. @type {Record<number, string>} */
const powers = { 2: 'Square', 0.5: 'Sqrt', [-0.5]: 'Rsqrt', [-1]: 'Reciprocal' };

/** @type {Operator} */
const pow = (c, node, inputs) => {
  const [x, given] = inputs;
  if (!(x instanceof Value || x instanceof Parts) || !(given instanceof Constant)) return broadcasting(c, node, inputs);
  // A constant with more axes, or with a number that repeats, changes the shape.
  const exponent = given.whole && given.shape.length <= x.shape.length ? given.single : undefined;
  if (exponent === undefined) return broadcasting(c, node, inputs);
  const value = c.tensor(node, x);
  if (exponent === 1) return value;
  if (Object.hasOwn(powers, exponent)) return operationOn(c, node, value, powers[exponent]);
  if (exponent === 3)
    return value.with({ output: c.builder.layer('Multiply', c.nameOf(node), {}, [value.output, value.output, value.output]) });
  return broadcasting(c, node, [value, given]);
};

/** Converts a further node with another operator. @param {Converter} c @param {Node} node @param {string} op @param {(Any | undefined)[]} inputs @param {Record<string, any>} [attributes] @returns {Value} */
export function runOperator(c, node, op, inputs, attributes = {}) {
  const made = { ...node, op, name: c.nameOf(node, `_${op}`), inputs: [], outputs: [], attributes };
  const [result] = [c.operators[op](c, made, inputs)].flat();
  return c.tensor(node, result);
}

/** @param {number} value */
const number = (value) => new Constant('float', [], Float32Array.of(value));

/** x + bias below -lambd, x - bias above lambd, 0 between them. @type {Operator} */
const shrink = (c, node, [x]) => {
  const [limit, bias] = [c.attribute(node, 'lambd', 0.5), c.attribute(node, 'bias', 0)];
  const run = (/** @type {string} */ op, /** @type {Any[]} */ ...inputs) => runOperator(c, node, op, inputs);
  const value = c.tensor(node, x);
  const [below, above] = [run('Add', value, number(bias)), run('Sub', value, number(bias))];
  const low = run('Where', run('Less', value, number(-limit)), below, number(0));
  return run('Where', run('Greater', value, number(limit)), above, low);
};

/** 1 for the first of the greatest elements of an axis, 0 for the others. @type {Operator} */
const hardmax = (c, node, [x]) => {
  const given = c.tensor(node, x);
  const flattens = c.opset < 13;
  const axis = c.axis(node, c.attribute(node, 'axis', flattens ? 1 : -1), given.view.length);
  // Before opset 13, it flattened `axis` and all axes after it, like Softmax.
  const value = flattens ? given.with({ view: [...given.view.slice(0, axis), given.view.slice(axis).flat()] }) : given;
  const own = value.view[axis];
  const size = sizeOf(own);
  if (typeof size !== 'number') return c.refuse(node, `runs over an axis of size ${size}; padless needs a fixed size`);
  checkFolded(size, c.describe(node));
  const best = runOperator(c, node, 'ArgMax', [value], { axis, keepdims: 1 });
  const shape = value.view.slice(axis).map((_, i) => (i ? 1 : size));
  const places = new Constant(
    'int',
    shape,
    Array.from({ length: size }, (_, i) => i),
  );
  const found = runOperator(c, node, 'Equal', [best, places]).with({ kind: 'float' });
  return flattens ? c.reshaped(node, found, given.shape) : found;
};

/** Integer division rounds towards 0. @param {Converter} c @param {Node} node @param {Value} quotient */
const towardsZero = (c, node, quotient) =>
  quotient.with({
    output: c.builder.operation('Cast', c.nameOf(node, '_whole'), [quotient.output], { dtype: 'int32' }),
    kind: 'int',
  });

/** The maximum float32. */
const FLOAT_MOST = 3.4028234663852886e38;
/** Integer types of 8 and 16 bits. */
const narrow = [2, 3, 4, 5];

/** @type {Operator} */
const cast = (c, node, [x, like]) => {
  const any = /** @type {Any} */ (x);
  if (any instanceof RowOrder || any instanceof RowStarts) return any;
  const to = node.op === 'CastLike' ? /** @type {Any} */ (like).kind : kindOfType(node.attributes.to, c.describe(node));
  const value = c.tensor(node, any, true);
  if (narrow.includes(node.attributes.to) && value.kind !== 'bool')
    c.refuse(node, 'casts to an integer type of 8 or 16 bits, which wraps around; padless has int32');
  if (value.kind === to || value.kind === 'bool' || (value.kind === 'int' && to === 'float')) return value.with({ kind: to });
  return operationOn(c, node, value, 'Cast', { dtype: to === 'bool' ? 'bool' : 'int32' }, to);
};

/** f(x scale + offset) / scale - offset / scale @param {Converter} c @param {Node} node @param {Any | undefined} x @param {number} scale @param {(x: Value) => Value} f */
function scaled(c, node, x, scale, f) {
  if (scale === 1) return f(c.tensor(node, x));
  return layerOn(
    c,
    node,
    f(layerOn(c, node, x, 'Rescaling', { scale, offset: 0 }, '_in')),
    'Rescaling',
    { scale: 1 / scale, offset: 0 },
    '_out',
  );
}

/** @type {Record<string, Operator>} */
export const elementwiseOperators = {
  ...Object.fromEntries(Object.keys(operations).map((op) => [op, broadcasting])),
  ...Object.fromEntries(['Max', 'Min'].map((op) => [op, several])),
  Sum: (c, node, inputs) => several(c, { ...node, op: 'Add' }, inputs),
  Mean: (c, node, inputs) => (inputs.length === 1 ? /** @type {Any} */ (inputs[0]) : broadcasting(c, node, inputs)),
  Mod: (c, node, inputs) => broadcasting(c, c.attribute(node, 'fmod', 0) ? { ...node, op: 'Fmod' } : node, inputs),
  IsInf: (c, node, [x]) => {
    const [negative, positive] = [c.attribute(node, 'detect_negative', 1), c.attribute(node, 'detect_positive', 1)];
    if (negative && positive) return operationOn(c, node, x, 'Isinf', {}, 'bool');
    const value = c.tensor(node, x);
    // Infinity is greater than the maximum float32, and no value is less than itself.
    const [op, limit] = positive ? ['Greater', FLOAT_MOST] : ['Less', negative ? -FLOAT_MOST : value.output];
    return value.with({ output: c.builder.operation(op, c.nameOf(node), [value.output, limit]), kind: 'bool' });
  },
  Shrink: shrink,
  Hardmax: hardmax,
  ...Object.fromEntries(
    Object.entries(ofOne).map(([op, kind]) => [
      op,
      /** @type {Operator} */ (c, node, [x]) =>
        x && x.kind !== 'float' && ['Floor', 'Ceil', 'Round'].includes(op)
          ? x
          : operationOn(c, node, x, kind, {}, op === 'Not' || op === 'IsNaN' ? 'bool' : /** @type {Any} */ (x).kind),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(activations).map(([op, activation]) => [
      op,
      /** @type {Operator} */ (c, node, [x]) => layerOn(c, node, x, 'Activation', { activation }),
    ]),
  ),
  Softmax: softmax('softmax', 'padless>MaskedSoftmax'),
  LogSoftmax: softmax('log_softmax', ''),
  LeakyRelu: (c, node, [x]) => layerOn(c, node, x, 'LeakyReLU', { negative_slope: c.attribute(node, 'alpha', 0.01) }),
  Elu: (c, node, [x]) => layerOn(c, node, x, 'ELU', { alpha: c.attribute(node, 'alpha', 1) }),
  Celu: (c, node, [x]) =>
    scaled(c, node, x, 1 / c.attribute(node, 'alpha', 1), (value) => layerOn(c, node, value, 'ELU', { alpha: 1 })),
  Selu: (c, node, [x]) => {
    const [alpha, gamma] = [c.attribute(node, 'alpha', 1.6732632), c.attribute(node, 'gamma', 1.050701)];
    return layerOn(c, node, layerOn(c, node, x, 'ELU', { alpha }, '_elu'), 'Rescaling', { scale: gamma, offset: 0 });
  },
  ThresholdedRelu: (c, node, [x]) => layerOn(c, node, x, 'ThresholdedReLU', { theta: c.attribute(node, 'alpha', 1) }),
  HardSigmoid: (c, node, [x]) => {
    const [scale, offset] = [c.attribute(node, 'alpha', 0.2), c.attribute(node, 'beta', 0.5)];
    return layerOn(c, node, layerOn(c, node, x, 'Rescaling', { scale, offset }, '_scaled'), 'ReLU', { max_value: 1 });
  },
  Gelu: (c, node, [x]) =>
    layerOn(c, node, x, 'Activation', { activation: c.attribute(node, 'approximate', 'none') === 'tanh' ? 'gelu_tanh' : 'gelu' }),
  Swish: (c, node, [x]) => {
    const alpha = c.attribute(node, 'alpha', 1);
    return scaled(c, node, x, alpha, (value) => layerOn(c, node, value, 'Activation', { activation: 'silu' }));
  },
  PRelu: (c, node, [x, slope]) => {
    const value = c.tensor(node, x);
    const last = value.groups[value.groups.length - 1];
    if (!(slope instanceof Constant)) return c.refuse(node, 'the slopes depend on the input');
    const { operands, axes } = c.combined(node, [value, slope]);
    const [y] = /** @type {Value[]} */ (operands);
    const alpha = c.operand(node, slope, axes, y.groups);
    const width = last.reduce((size, factor) => size * Number(factor.size), 1);
    const data = typeof alpha === 'number' ? new Float32Array(width).fill(alpha) : alpha.data;
    if (data.length !== width || (typeof alpha !== 'number' && alpha.shape[alpha.shape.length - 1] !== width))
      return c.refuse(node, `slopes of shape [${slope.shape}]; padless has one for each feature`);
    const shared_axes = y.groups.length > 2 ? y.groups.slice(1, -1).map((_, i) => i + 1) : undefined;
    const shape = [...(shared_axes ?? []).map(() => 1), width];
    return value.with({
      output: c.builder.layer('PReLU', c.nameOf(node), { shared_axes }, value.output, { alpha: { shape, data } }),
    });
  },
  Clip: clip,
  Pow: pow,
  Cast: cast,
  CastLike: cast,
};
