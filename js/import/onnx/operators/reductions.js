/**
 * Operators that reduce axes.
 */
import { Constant } from '../constants.js';
import { same, Size } from '../sizes.js';
import { axisOf, equalAxes, Factor, isBatch, RowOrder, sizeOf, Value } from '../values.js';
import { sliced } from './axes.js';
import { operationOn, runOperator } from './elementwise.js';
/** @typedef {import('../converter.js').Converter} Converter */
/** @typedef {import('../converter.js').Node} Node */
/** @typedef {import('../converter.js').Any} Any */
/** @typedef {import('../converter.js').Operator} Operator */
/** @typedef {import('../values.js').Axis} Axis */

/**
 * Reduces axes of a value.
 * @param {Converter} c @param {Node} node @param {Value} value @param {number[]} axes  of the view @param {'Sum' | 'Mean' | 'Max' | 'Min' | 'Prod'} how @param {boolean} keep
 * @returns {Value}
 */
export function reduced(c, node, value, axes, how, keep) {
  const own = axes.flatMap((axis) => value.view[axis]);
  c.notBatch(node, own, 'the reduction');
  const view = value.view.flatMap((axis, i) => (axes.includes(i) ? (keep ? [[]] : []) : [axis]));
  if (own.length === 0) return value.with({ view });
  const summed = value.stored.filter((factor) => own.includes(factor));
  const rest = value.stored.filter((factor) => !own.includes(factor));
  const ownSteps = how === 'Sum' && value.short;
  if (!ownSteps) c.readsSteps(node, own);
  const overFeatures =
    !summed.some(({ varies }) => varies) && (rest.some(({ varies }) => varies) || !equalAxes(value.groups.slice(1, 2), [summed]));
  if (overFeatures || how === 'Prod') {
    const groups = c.withLast(value, summed);
    const output = c.builder.operation(how, c.nameOf(node), [c.arranged(node, value, groups)], { axis: -1, keepdims: true });
    return new Value({ output, groups: [...groups.slice(0, -1), []], view, kind: value.kind });
  }
  const from = c.arranged(node, value, [[c.batch], summed, rest]);
  const output = c.builder.layer(`padless>Masked${how}`, c.nameOf(node), {}, from);
  if (how === 'Sum' && !c.ofWords) c.sums.set(output.layer, { from, size: sizeOf(summed) });
  return new Value({ output, groups: [[c.batch], rest], view, kind: value.kind });
}

/** @param {'Sum' | 'Mean' | 'Max' | 'Min' | 'Prod'} how @param {(c: Converter, node: Node, x: Value) => Value} [before] @param {(c: Converter, node: Node, x: Value) => Value} [after] @returns {Operator} */
const reduction =
  (how, before = (_c, _node, x) => x, after = (_c, _node, x) => x) =>
  (c, node, [x, given]) => {
    const value = c.tensor(node, x);
    if (how === 'Mean' && value.kind === 'int') c.refuse(node, 'the mean of integers, which ONNX rounds; padless does not');
    const rank = value.view.length;
    const axes = c.axes(node, given, rank) ?? [];
    // ReduceSumSquare that reduces no axis is a square.
    const isIdle = axes.length === 0 && c.attribute(node, 'noop_with_empty_axes', 0);
    const all = axes.length || isIdle ? axes : value.view.map((_, i) => i);
    const y = reduced(c, node, before(c, node, value), all, how, Boolean(c.attribute(node, 'keepdims', 1)));
    return after(c, node, y);
  };

/** @param {string} kind  of an operation on one tensor @returns {(c: Converter, node: Node, x: Value) => Value} */
const by = (kind) => (c, node, x) => operationOn(c, node, x, kind);

/** ArgMax or ArgMin with select_last_index: among equal elements, the last is the first of the reversed axis. @param {Converter} c @param {Node} node @param {Value} value @param {number} axis @param {import('../sizes.js').Extent} size */
function lastOf(c, node, value, axis, size) {
  if (typeof size !== 'number')
    return c.refuse(node, `select_last_index is 1 over an axis of size ${size}; padless needs a fixed size`);
  const turned = c.tensor(node, sliced(c, node, value, axis, -1, -(2 ** 40), -1));
  const first = runOperator(c, node, node.op, [turned], { ...node.attributes, select_last_index: 0 });
  return runOperator(c, node, 'Sub', [new Constant('int', [], [size - 1]), first]);
}

/** ArgMax or ArgMin. @param {boolean} least @returns {Operator} */
const argument =
  (least) =>
  (c, node, [x]) => {
    const value = c.tensor(node, x);
    const axis = c.axis(node, c.attribute(node, 'axis', 0), value.view.length);
    const own = value.view[axis];
    c.notBatch(node, own, 'the reduction');
    c.readsSteps(node, own);
    if (c.attribute(node, 'select_last_index', 0)) return lastOf(c, node, value, axis, sizeOf(own));
    const groups = c.withLast(value, own);
    const output = c.builder.operation(least ? 'Argmin' : 'Argmax', c.nameOf(node), [c.arranged(node, value, groups)], {
      axis: -1,
      keepdims: true,
    });
    const keep = c.attribute(node, 'keepdims', 1);
    const view = value.view.flatMap((each, i) => (i === axis ? (keep ? [[]] : []) : [each]));
    return new Value({ output, groups: [...groups.slice(0, -1), []], view, kind: 'int' });
  };

/** The k greatest elements of an axis and their indices. @type {Operator} */
const topK = (c, node, [x, given]) => {
  const value = c.tensor(node, x);
  const k = node.attributes.k ?? (given instanceof Constant ? given.single : undefined);
  const axis = c.axis(node, c.attribute(node, 'axis', -1), value.view.length);
  const own = value.view[axis];
  if (value.view.length === 1 && isBatch(own) && k instanceof Size && same(k, c.batch.size)) {
    // A sort of the rows of the batch, for example by length. Gather then sorts other tensors by these indices, and a second Gather undoes it.
    const sorted = new Factor(c.batch.size, true);
    return [value.with({ view: [[sorted]] }), new RowOrder(sorted, false)];
  }
  c.notBatch(node, own, 'TopK');
  if (typeof k !== 'number') return c.refuse(node, 'k is not a constant number');
  if (!c.attribute(node, 'largest', 1)) {
    const opposite = operationOn(c, node, value, 'Negative', {}, value.kind);
    const [values, places] = /** @type {Value[]} */ (
      topK(c, { ...node, attributes: { ...node.attributes, largest: 1 } }, [opposite, given])
    );
    return [operationOn(c, node, values, 'Negative', {}, value.kind), places];
  }
  c.readsSteps(node, own);
  const groups = c.withLast(value, own);
  const made = axisOf(k);
  const output = c.builder.operation('TopK', c.nameOf(node), [c.arranged(node, value, groups)], { k });
  const view = value.view.map((each, i) => (i === axis ? made : each));
  const of = { groups: [...groups.slice(0, -1), made], view };
  return [new Value({ ...of, output, kind: value.kind }), new Value({ ...of, output: { ...output, tensor: 1 }, kind: 'int' })];
};

/** The finite float32: clamping m to them keeps x - m from becoming Infinity - Infinity = NaN. */
const finite = { min: -3.4028234663852886e38, max: 3.4028234663852886e38 };

/** log sum e^x = m + log sum e^(x - m), where m is the greatest element. @type {Operator} */
const logSumExp = (c, node, [x, given]) => {
  const value = c.tensor(node, x);
  const { axes = c.axes(node, given, value.view.length), noop_with_empty_axes: noop, keepdims = 1 } = node.attributes;
  const reduce = (/** @type {string} */ op, /** @type {Any} */ of, /** @type {number} */ keep) =>
    runOperator(c, node, op, [of], { ...(axes?.length && { axes }), noop_with_empty_axes: noop, keepdims: keep });
  const most = runOperator(c, node, 'Clip', [reduce('ReduceMax', value, 1)], finite);
  const powers = runOperator(c, node, 'Exp', [runOperator(c, node, 'Sub', [value, most])]);
  const sum = runOperator(c, node, 'Log', [reduce('ReduceSum', powers, 1)]);
  const y = runOperator(c, node, 'Add', [sum, most]);
  if (keepdims || (noop && !axes?.length)) return y;
  const all = axes?.length
    ? axes.map((/** @type {number} */ axis) => c.axis(node, axis, value.view.length))
    : value.view.map((_, i) => i);
  return y.with({ view: y.view.filter((_, i) => !all.includes(i)) });
};

/** @type {Record<string, Operator>} */
export const reductionOperators = {
  ReduceSum: reduction('Sum'),
  ReduceMean: reduction('Mean'),
  ReduceMax: reduction('Max'),
  ReduceMin: reduction('Min'),
  ReduceProd: reduction('Prod'),
  ReduceL1: reduction('Sum', by('Absolute')),
  ReduceL2: reduction('Sum', by('Square'), by('Sqrt')),
  ReduceSumSquare: reduction('Sum', by('Square')),
  ReduceLogSumExp: logSumExp,
  ReduceLogSum: reduction('Sum', undefined, by('Log')),
  ArgMax: argument(false),
  ArgMin: argument(true),
  TopK: topK,
};
