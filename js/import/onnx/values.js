/**
 * Tensors of the graph that depend on the inputs, and where their values are in padless.
 *
 * padless stores batch first, then time, then features. ONNX has any order of axes, and exporters transpose and reshape around each recurrent
 * layer. A Value keeps both: `groups` is what padless stores, `view` is how the ONNX file sees it. Both are lists of axes, each a list of
 * factors whose sizes multiply to the size of the axis: [[T], [B], [2, H]] is T, B, 2*H. So Transpose, Reshape, Squeeze and Unsqueeze only
 * change the view.
 * @module
 */
import { plus, productOf, quotient, same, Size } from './sizes.js';
/** @typedef {import('./sizes.js').Extent} Extent */
/** @typedef {import('./constants.js').Kind} Kind */

/** A factor of the size of an axis. It belongs to one Value and those that are views of it. */
export class Factor {
  /** @param {Extent} size @param {boolean} [batch]  whether it counts the rows of the batch */
  constructor(size, batch = false) {
    this.size = size;
    this.batch = batch;
  }

  get varies() {
    return this.size instanceof Size && !this.batch;
  }
}

/** @typedef {Factor[]} Axis */
/** Features from start to end, not included, of the `width` that an output has. @typedef {{ of: Output, start: number, end: number, width: number }} Part */
/** @typedef {{ key: string, output: Output }} Short  key: of the lengths */
/** Output number `tensor` of a layer. @typedef {{ layer: string, tensor: number }} Output */

/** An axis of its own, which has no factor if its size is 1. @param {Extent} size @returns {Axis} */
export const axisOf = (size) => (size === 1 ? [] : [new Factor(size)]);

/** @param {Axis} axis @returns {Extent} */
export const sizeOf = (axis) => productOf(axis.map(({ size }) => size));

/** @param {Axis} axis */
export const isBatch = (axis) => axis.length === 1 && axis[0].batch;

/** @param {Axis[]} axes @param {Factor} factor @param {Factor[]} by */
const replaced = (axes, factor, by) => axes.map((axis) => axis.flatMap((each) => (each === factor ? by : [each])));

/** Whether two lists of axes have the same factors. @param {Axis[]} a @param {Axis[]} b */
export const equalAxes = (a, b) =>
  a.length === b.length && a.every((axis, i) => axis.length === b[i].length && axis.every((factor, j) => factor === b[i][j]));

export class Value {
  /**
   * @param {{ output: Output, groups: Axis[], view: Axis[], kind?: Kind, ids?: boolean, part?: Part | null, short?: Short | null, positions?: Output | null }} of
   *   groups: the axes as stored; the first is the batch. Without a batch axis in `view`, every row has the same values. part: set if the value is a
   *   slice of another output's features; short: set if the steps beyond each row's length are zero: the sequence without them; positions: set if
   *   the value is the numbers of a sequence's steps: that sequence
   */
  constructor({ output, groups, view, kind = 'float', ids = false, part = null, short = null, positions = null }) {
    this.output = output;
    this.groups = groups;
    this.view = view;
    this.kind = kind;
    this.ids = ids;
    this.part = part;
    this.short = short;
    this.positions = positions;
  }

  /** @param {Partial<Value>} change */
  with(change) {
    // What was known of another output does not hold for this one.
    const other = change.output ? { part: null, short: null, positions: null } : {};
    return new Value({ ...this, ...other, ...change });
  }

  /** As the ONNX file sees it. @returns {Extent[]} */
  get shape() {
    return this.view.map(sizeOf);
  }

  get batch() {
    return this.groups[0][0];
  }

  /** The same with factors that no other Value has, so that two operands of an operator can be told apart. */
  apart() {
    const names = new Map(this.stored.map((factor) => [factor, new Factor(factor.size)]));
    const rename = (/** @type {Axis[]} */ axes) => axes.map((axis) => axis.map((factor) => names.get(factor) ?? factor));
    return this.with({ groups: rename(this.groups), view: rename(this.view) });
  }

  /** All factors but the batch, in the order in which they are stored. */
  get stored() {
    return this.groups.slice(1).flat();
  }

  /** The same with a factor split in two or more. @param {Factor} factor @param {Factor[]} by */
  split(factor, by) {
    return this.with({ groups: replaced(this.groups, factor, by), view: replaced(this.view, factor, by) });
  }

  /** The same values seen in another shape; null if that would mix factors that padless cannot separate. @param {Extent[]} shape @returns {Value | null} */
  reshaped(shape) {
    /** @type {Value} */
    let value = this;
    const left = this.view.flat();
    /** @type {Axis[]} */
    const view = [];
    for (const target of shape) {
      /** @type {Axis} */
      const axis = [];
      let size = /** @type {Extent} */ (1);
      while (!same(size, target)) {
        const factor = left.shift();
        const needed = quotient(target, size);
        if (!factor || needed === null) return null;
        if (quotient(needed, factor.size) !== null) {
          axis.push(factor);
          size = productOf([size, factor.size]);
          continue;
        }
        const rest = quotient(factor.size, needed);
        if (rest === null || factor.batch) return null;
        const parts = [new Factor(needed), new Factor(rest)];
        value = value.split(factor, parts);
        axis.push(parts[0]);
        left.unshift(parts[1]);
        size = target;
      }
      view.push(axis);
    }
    return left.length ? null : value.with({ view });
  }
}

/**
 * Splits factors until two axes of equal size have factors of equal sizes.
 * @param {Value} a @param {Axis} left  of its view
 * @param {Value} b @param {Axis} right
 * @returns {{ a: Value, b: Value, left: Axis, right: Axis } | null} null if the batch would be matched with something else, or the sizes differ
 */
export function aligned(a, left, b, right) {
  const [p, q] = [[...left], [...right]];
  for (let i = 0; i < Math.max(p.length, q.length); i++) {
    const [x, y] = [p[i], q[i]];
    if (!x || !y || x.batch !== y.batch || (x.batch && x !== y)) return null;
    if (same(x.size, y.size)) continue;
    const [more, less] = [quotient(x.size, y.size), quotient(y.size, x.size)];
    if (more !== null) {
      const parts = [new Factor(y.size), new Factor(more)];
      a = a.split(x, parts);
      p.splice(i, 1, ...parts);
    } else if (less !== null) {
      const parts = [new Factor(x.size), new Factor(less)];
      b = b.split(y, parts);
      q.splice(i, 1, ...parts);
    } else return null;
  }
  return { a, b, left: p, right: q };
}

/** Numbers of the rows of a batch in another order, [B]: what TopK gives where it sorts rows by their lengths, or the inverse of it. */
export class RowOrder {
  /** @param {Factor} factor  in views of tensors whose rows are in this order @param {boolean} inverse */
  constructor(factor, inverse) {
    this.factor = factor;
    this.inverse = inverse;
    /** @type {Kind} */
    this.kind = 'int';
    this.shape = [factor.size];
  }
}

/** Where each row begins in a list of the steps of all rows: 0, T, 2 T, ... */
export class RowStarts {
  /** @param {Extent[]} shape @param {Extent} steps  of a row @param {number} first  number of the first row */
  constructor(shape, steps, first = 0) {
    this.shape = shape;
    this.steps = steps;
    this.first = first;
    /** @type {Kind} */
    this.kind = 'int';
  }
}

/** The number of a row in a loop over the batch, plus an offset. */
export class RowIndex {
  /** @param {Extent[]} shape @param {number} offset */
  constructor(shape, offset) {
    this.shape = shape;
    this.offset = offset;
    /** @type {Kind} */
    this.kind = 'int';
  }
}

/** In a loop over the batch: where a row begins in a list of the steps of all rows, or the row that is `offset` behind it. */
export class RowBound {
  /** @param {Extent[]} shape @param {Extent} steps  of a row @param {number} offset */
  constructor(shape, steps, offset) {
    this.shape = shape;
    this.steps = steps;
    this.offset = offset;
    /** @type {Kind} */
    this.kind = 'int';
  }
}

/** In a loop over the batch: whether the row is the last one, or another one follows. */
export class RowTest {
  /** @param {boolean} isLast */
  constructor(isLast) {
    this.isLast = isLast;
    /** @type {Kind} */
    this.kind = 'bool';
    /** @type {Extent[]} */
    this.shape = [];
  }
}

/** A list to which a loop over the batch appends a tensor for each row. */
export class RowList {
  /** @param {Value | null} row  null: it is empty */
  constructor(row) {
    this.row = row;
    /** @type {Kind} */
    this.kind = 'float';
    /** @type {Extent[]} */
    this.shape = [];
  }
}

/** Several tensors one behind the other along an axis. They are concatenated only if a node needs them together. */
export class Parts {
  /** @param {number} axis  of each view @param {(Value | import('./constants.js').Constant)[]} list */
  constructor(axis, list) {
    this.axis = axis;
    this.list = list;
  }

  get kind() {
    return this.list[0].kind;
  }

  /** @returns {Extent[]} */
  get shape() {
    const { axis, list } = this;
    return list[0].shape.map((size, i) => (i === axis ? sumOf(list.map(({ shape }) => shape[axis])) : size));
  }
}

/** @param {Extent[]} sizes */
const sumOf = (sizes) => sizes.reduce((sum, size) => plus(sum, size), 0);
