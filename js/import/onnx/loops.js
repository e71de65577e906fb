/**
 * Nodes in the body of a loop over the rows of the batch (operators/control.js) that compute with the index of the row, or with the position where
 * the row begins in a list of the steps of all rows.
 */
import { Constant } from './constants.js';
import { differs, minus, plus, same, times } from './sizes.js';
import { isBatch, Parts, RowBound, RowIndex, RowStarts, RowTest, Value } from './values.js';
/** @typedef {import('./sizes.js').Extent} Extent */
/** @typedef {import('./converter.js').Converter} Converter */
/** @typedef {import('./converter.js').Node} Node */
/** @typedef {import('./converter.js').Any} Any */
/** @typedef {import('./converter.js').Operator} Operator */

/** The slice of one row from a tensor that holds the steps of all rows, row after row. @param {Converter} c @param {Node} node @param {Any} x @param {RowBound} start @param {Any | undefined} end */
function rowOf(c, node, x, start, end) {
  const value = c.tensor(node, x, true);
  const [rows, steps, ...others] = value.view[0] ?? [];
  const isEnd =
    end instanceof RowBound
      ? end.offset === start.offset + 1
      : c.lastRow && end instanceof Constant && same(end.single, times(start.steps, c.batch.size));
  if (start.offset !== 0 || !isEnd || !rows?.batch || !steps || others.length || !same(steps.size, start.steps))
    return c.refuse(node, 'slices something other than the steps of one row');
  return value.with({ view: [[steps], ...value.view.slice(1)] });
}

/** An index or position of a row in another shape: it has one element, so that only the number of axes changes. @type {Operator} */
const reshapedNumber = (c, node, [x, given]) => {
  if (!(x instanceof RowIndex || x instanceof RowBound)) return c.refuse(node, 'a shape that depends on the row');
  const { shape } = x;
  /** @type {Extent[]} */
  let to = shape;
  if (node.op === 'Reshape') to = (node.attributes.shape ?? c.list(node, given, 'shape')).map(() => 1);
  if (node.op === 'Unsqueeze') to = Array(shape.length + (node.attributes.axes ?? c.list(node, given, 'axes')).length).fill(1);
  if (node.op === 'Squeeze') to = [];
  return x instanceof RowIndex ? new RowIndex(to, x.offset) : new RowBound(to, x.steps, x.offset);
};

/**
 * Operators on the index of a row and on the position where it begins; null where they cannot compute with it.
 * @type {Record<string, (c: Converter, node: Node, inputs: any[]) => any>}
 */
const rowOperators = {
  ...Object.fromEntries(['Identity', 'Cast', 'CastLike', 'Reshape', 'Squeeze', 'Unsqueeze'].map((op) => [op, reshapedNumber])),
  Add: (_c, _node, [a, b]) => {
    const [x, y] = a instanceof RowIndex ? [a, b] : [b, a];
    if (!(x instanceof RowIndex) || !(y instanceof Constant) || typeof y.single !== 'number') return null;
    return new RowIndex(x.shape.length ? x.shape : y.shape, x.offset + y.single);
  },
  Sub: (c, _node, [a, b]) => {
    // The last row has T B - T (B - 1) steps.
    if (!c.lastRow || !(b instanceof RowBound) || b.offset || !(a instanceof Constant)) return null;
    const size = minus(a.single, times(b.steps, minus(c.batch.size, 1)));
    return new Constant('int', b.shape, [size]);
  },
  Less: (c, _node, [a, b]) =>
    a instanceof RowIndex && a.offset === 1 && b instanceof Constant && same(b.single, c.batch.size) ? new RowTest(false) : null,
  Equal: (c, _node, [a, b]) => {
    // If rows have a step at least, two positions are equal exactly if their rows are. After a convolution, T - 2 steps may be none.
    if (a instanceof RowBound && b instanceof RowBound && same(a.steps, b.steps) && differs(a.steps, 0))
      return new Constant('bool', a.shape, [Number(a.offset === b.offset)]);
    const isLast = a instanceof RowIndex && b instanceof Constant && same(plus(b.single, 1 - a.offset), c.batch.size);
    return isLast ? new RowTest(true) : null;
  },
  Gather: (c, node, [x, at]) => {
    if (!(at instanceof RowIndex) || c.attribute(node, 'axis', 0) !== 0) return null;
    if (x instanceof RowStarts) return new RowBound(at.shape, x.steps, at.offset + x.first);
    if (at.offset !== 0 || !(x instanceof Value) || !isBatch(x.view[0] ?? [])) return null;
    return x.with({ view: [...at.shape.map(() => []), ...x.view.slice(1)] });
  },
  Slice: (c, node, [x, start, end, axes, steps]) => {
    const isFirst = [axes, steps].every((each, i) => each === undefined || (each instanceof Constant && each.single === i));
    if (!isFirst) return null;
    if (x instanceof RowStarts && start instanceof RowIndex && end instanceof RowIndex && end.offset === start.offset + 1)
      return new RowBound([1], x.steps, start.offset + x.first);
    return start instanceof RowBound ? rowOf(c, node, x, start, end) : null;
  },
};

/** @param {any} x */
const isRowNumber = (x) => x instanceof RowIndex || x instanceof RowBound;

/**
 * Computes a node in the body of a loop if it reads the index of the row.
 * @param {Converter} c @param {Node} node @param {(Any | undefined)[]} inputs
 * @returns {any} null if it does not read the index
 */
export function inLoop(c, node, inputs) {
  if (inputs.some(isRowNumber)) {
    const like =
      node.op === 'CastLike' && inputs[0] instanceof Constant ? new Constant('int', inputs[0].shape, inputs[0].data) : null;
    const result = like ?? (Object.hasOwn(rowOperators, node.op) ? rowOperators[node.op](c, node, inputs) : null);
    return result ?? c.refuse(node, 'computes with the index of the row; padless answers each text by itself');
  }
  const isAll = (/** @type {any} */ x) =>
    x instanceof Parts ? x.list.some(isAll) : x instanceof Value && x.view.flat().some(({ batch }) => batch);
  if (inputs.some(isAll) && node.op !== 'Shape' && node.op !== 'Size')
    c.refuse(
      node,
      'reads all rows of the batch inside a loop over the rows, which mixes the texts; padless answers each text by itself',
    );
  return null;
}
