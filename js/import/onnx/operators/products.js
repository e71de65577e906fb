/**
 * Operators that become an Embedding, a Dense or a product of two tensors: Gather, MatMul and Gemm.
 */
import { Constant, expanded, isPlain, transposed, weightOf } from '../constants.js';
import { same, Size } from '../sizes.js';
import { aligned, axisOf, equalAxes, isBatch, RowOrder, sizeOf, Value } from '../values.js';
import { gathered } from './axes.js';
/** @typedef {import('../converter.js').Converter} Converter */
/** @typedef {import('../converter.js').Node} Node */
/** @typedef {import('../converter.js').Any} Any */
/** @typedef {import('../converter.js').Operator} Operator */
/** @typedef {import('../values.js').Axis} Axis */

/** A position embedding: row t of a table for step t. @param {Converter} c @param {Node} node @param {Constant} table @param {Axis[]} view  of the positions @param {import('../values.js').Output} source */
export function positioned(c, node, table, view, source) {
  const { base, data } = expanded(table, c.describe(node));
  const [input_dim, output_dim] = base.slice(-2);
  const weights = { embeddings: { shape: [input_dim, output_dim], data: Float32Array.from(data, Number) } };
  const output = c.builder.layer('padless>PositionEmbedding', c.nameOf(node), { input_dim, output_dim }, source, weights);
  const made = axisOf(output_dim);
  return new Value({ output, groups: [[c.batch], view.flat(), made], view: [...view, made] });
}

/** Gather with a permutation of the batch: the rows of a tensor in another order. @param {Converter} c @param {Node} node @param {Value} x @param {RowOrder} order */
function reordered(c, node, x, { factor, inverse }) {
  const axis = c.axis(node, c.attribute(node, 'axis', 0), x.view.length);
  const [from, to] = inverse ? [factor, c.batch] : [c.batch, factor];
  if (!isBatch(x.view[axis]) || x.view[axis][0] !== from)
    return c.refuse(node, 'permutes the rows of the batch twice, or permutes another axis; padless answers each text by itself');
  return x.with({ view: x.view.map((each, i) => (i === axis ? [to] : each)) });
}

/** @type {Operator} */
const gather = (c, node, [x, given]) => {
  const table = /** @type {Any} */ (x);
  if (given instanceof RowOrder) return reordered(c, node, c.tensor(node, x), given);
  const axis = c.axis(node, c.attribute(node, 'axis', 0), table.shape.length);
  if (given instanceof Constant && !(table instanceof Constant)) return gathered(c, node, table, given, axis);
  if (!(table instanceof Constant))
    return c.refuse(node, 'the data and the indices both depend on the input; padless needs one of them to be constant');
  const ids = c.tensor(node, given, true);
  if (ids.positions && axis === 0 && table.shape.length === 2) return positioned(c, node, table, ids.view, ids.positions);
  if (!ids.ids) return c.refuse(node, 'the ids are computed in the graph; padless looks up the ids of an input');
  if (table.shape.length === 0 || !isPlain(table))
    return c.refuse(node, `a table with ${table.shape.length} axes, or one that contains sizes that depend on the input`);
  return embedded(c, node, table, ids, axis);
};

/** Gather of a constant table by token ids along an axis, as an Embedding. The other axes become the features. @param {Converter} c @param {Node} node @param {Constant} table @param {Value} ids @param {number} axis @returns {Value} */
function embedded(c, node, table, ids, axis) {
  const where = c.describe(node);
  const others = table.shape.map((_, i) => i).filter((i) => i !== axis);
  const first = transposed(expanded(table, where), [axis, ...others], where);
  const [input_dim, ...sizes] = first.base;
  const output_dim = sizes.reduce((a, b) => a * b, 1);
  const output = c.builder.layer('Embedding', c.nameOf(node), { input_dim, output_dim }, ids.output, {
    embeddings:
      first.base.length === 2
        ? weightOf(first, true)
        : { shape: [input_dim, output_dim], data: Float32Array.from(first.data, Number) },
  });
  const axes = sizes.map(axisOf);
  const view = [...axes.slice(0, axis), ...ids.view, ...axes.slice(axis)];
  return new Value({ output, groups: [...ids.groups, axes.flat()], view, kind: table.kind });
}

/**
 * The product x W over an axis of x, as a Dense layer.
 * @param {Converter} c @param {Node} node @param {Value} x @param {number} axis  of the view @param {Constant} kernel  [K, N] @param {Float32Array | null} bias
 * @returns {Value} with N at that axis
 */
export function dense(c, node, x, axis, kernel, bias = null) {
  const own = x.view[axis];
  c.notBatch(node, own, 'the product');
  const [K, units] = kernel.base;
  if (!same(sizeOf(own), K)) c.refuse(node, `a product sums over axes of sizes ${sizeOf(own)} and ${K}`);
  if (own.some(({ varies }) => varies))
    c.refuse(node, `a product with a constant over an axis of size ${sizeOf(own)}; padless needs a fixed size`);
  const groups = c.withLast(x, own);
  const from = c.arranged(node, x, groups);
  const output = c.builder.layer('Dense', c.nameOf(node), { units, use_bias: bias !== null }, from, {
    kernel: weightOf(kernel),
    ...(bias && { bias: { shape: [units], data: bias } }),
  });
  const made = axisOf(units);
  return new Value({ output, groups: [...groups.slice(0, -1), made], view: x.view.map((each, i) => (i === axis ? made : each)) });
}

/** The matrix product of two tensors that both depend on the input. @param {Converter} c @param {Node} node @param {Value} a @param {Value} b */
function product(c, node, a, b) {
  if (a.view.length < 2 || b.view.length < 2) return c.refuse(node, `a product of [${a.shape}] and [${b.shape}]`);
  const [summedA, summedB] = [a.view[a.view.length - 1], b.view[b.view.length - 2]];
  c.notBatch(node, summedA, 'the product');
  c.notBatch(node, summedB, 'the product');
  c.readsSteps(node, summedA);
  const match = aligned(a, summedA, b, summedB);
  if (!match) return c.refuse(node, `a product sums over axes of sizes ${sizeOf(summedA)} and ${sizeOf(summedB)}`);
  // Broadcast as for an elementwise product of [..., M, 1, K] and [..., 1, N, K].
  const left = match.a.with({ view: [...match.a.view.slice(0, -1), [], match.left] });
  const right = match.b.with({ view: [...match.b.view.slice(0, -2), [], match.b.view[match.b.view.length - 1], match.right] });
  const { operands, axes } = c.combined(node, [left, right]);
  const [x, y] = /** @type {Value[]} */ (operands);
  const [M, N, K] = axes.slice(-3);
  const view = [...axes.slice(0, -3), M, N];
  const outer = axes.slice(0, -3).filter((axis) => axis.length && !axis[0].batch);
  if (M.some(({ batch }) => batch) || N.some(({ batch }) => batch)) c.notBatch(node, [c.batch], 'the product');
  // A product with a vector (M or N is 1) becomes one weighted sum, which layers compute for rows of different lengths.
  if (!outer.length && (M.length === 0 || N.length === 0))
    return (N.length ? weighted(c, node, y, x, N, K) : weighted(c, node, x, y, M, K)).with({ view });
  // The operation Matmul needs rows of equal lengths.
  c.readsSteps(node, [...M, ...N]);
  const sides = [x, y].map((value, i) => [
    [c.batch],
    ...outer.map((axis) => (axis.every((factor) => value.stored.includes(factor)) ? axis : [])),
    i ? K : M,
    i ? N : K,
  ]);
  const output = c.builder.operation('Matmul', c.nameOf(node), [c.arranged(node, x, sides[0]), c.arranged(node, y, sides[1])]);
  return new Value({ output, groups: [[c.batch], ...outer, M, N], view });
}

/**
 * y[r] = sum_k x[r][k] w[k], where x is stored [B, r, k] or [B, k, r].
 * @param {Converter} c @param {Node} node @param {Value} x @param {Value} w @param {Axis} rest @param {Axis} summed
 * @returns {Value}
 */
function weighted(c, node, x, w, rest, summed) {
  const overSteps = summed.some(({ varies }) => varies) || equalAxes(x.groups, [[c.batch], summed, rest]);
  if (overSteps) {
    const weights = c.arranged(node, w, [[c.batch], summed, []]);
    const scaled = c.builder.layer('Multiply', c.nameOf(node, '_weighted'), {}, [
      c.arranged(node, x, [[c.batch], summed, rest]),
      weights,
    ]);
    const output = c.builder.layer('padless>MaskedSum', c.nameOf(node), {}, scaled);
    return new Value({ output, groups: [[c.batch], rest], view: [] });
  }
  const steps = rest.length ? [rest] : [];
  const scaled = c.builder.layer('Multiply', c.nameOf(node, '_weighted'), {}, [
    c.arranged(node, x, [[c.batch], ...steps, summed]),
    c.arranged(node, w, [[c.batch], summed]),
  ]);
  const output = c.builder.operation('Sum', c.nameOf(node), [scaled], { axis: -1, keepdims: true });
  return new Value({ output, groups: [[c.batch], ...steps, []], view: [] });
}

/** A constant operand of a product. @param {Converter} c @param {Node} node @param {Constant} x */
function numbersOf(c, node, x) {
  if (!isPlain(x))
    c.refuse(node, `multiplies by a matrix with the size ${x.list.find((each) => each instanceof Size)}; padless needs numbers`);
  return expanded(x, c.describe(node));
}

/** @type {Operator} */
const matmul = (c, node, [left, right]) => {
  const [a, b] = [/** @type {Any} */ (left), /** @type {Any} */ (right)];
  if (b instanceof Constant && b.shape.length === 2)
    return dense(c, node, c.tensor(node, a), a.shape.length - 1, numbersOf(c, node, b));
  if (b instanceof Constant && b.shape.length === 1) {
    const x = c.tensor(node, a);
    const { base, data } = numbersOf(c, node, b);
    const kernel = new Constant('float', [base[0], 1], data);
    const y = dense(c, node, x, x.view.length - 1, kernel);
    return y.with({ view: y.view.slice(0, -1), groups: [...y.groups.slice(0, -1), []] });
  }
  if (a instanceof Constant && a.shape.length === 2 && b.shape.length >= 2) {
    const kernel = transposed(numbersOf(c, node, a), [1, 0], c.describe(node));
    return dense(c, node, c.tensor(node, b), b.shape.length - 2, kernel);
  }
  return product(c, node, c.tensor(node, a), c.tensor(node, b));
};

/** alpha A B + beta C @type {Operator} */
const gemm = (c, node, [left, right, added]) => {
  const [alpha, beta] = [c.attribute(node, 'alpha', 1), c.attribute(node, 'beta', 1)];
  const [transA, transB] = [c.attribute(node, 'transA', 0), c.attribute(node, 'transB', 0)];
  const where = c.describe(node);
  let a = c.tensor(node, left);
  if (a.view.length !== 2) c.refuse(node, `A has shape [${a.shape}], expected 2 axes`);
  if (transA) a = a.with({ view: [a.view[1], a.view[0]] });
  if (!(right instanceof Constant)) {
    if (alpha !== 1 || beta !== 1)
      return c.refuse(node, `alpha is ${alpha} and beta ${beta} in a product of two tensors; padless needs 1 and 1`);
    const b = c.tensor(node, right);
    const y = product(c, node, a, transB ? b.with({ view: [b.view[1], b.view[0]] }) : b);
    return added ? c.operators.Add(c, { ...node, op: 'Add' }, [y, added]) : y;
  }
  const matrix = numbersOf(c, node, right);
  const kernel = transB ? transposed(matrix, [1, 0], where) : matrix;
  const [K, N] = kernel.base;
  const scaled =
    alpha === 1
      ? kernel
      : new Constant(
          'float',
          [K, N],
          Float32Array.from(kernel.data, (value) => value * alpha),
        );
  const bias =
    added instanceof Constant &&
    isPlain(added) &&
    beta !== 0 &&
    (added.data.length === 1 || (added.data.length === N && added.base[added.base.length - 1] === N))
      ? Float32Array.from({ length: N }, (_, n) => beta * added.data[added.data.length === 1 ? 0 : n])
      : null;
  const y = dense(c, node, a, 1, scaled, bias);
  if (bias || !added || beta === 0) return y;
  if (beta !== 1) return c.refuse(node, `beta is ${beta} with a C that depends on the input; padless needs beta 1`);
  return c.operators.Add(c, { ...node, op: 'Add' }, [y, added]);
};

/** @type {Record<string, Operator>} */
export const productOperators = { Gather: gather, MatMul: matmul, Gemm: gemm };
