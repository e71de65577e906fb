/**
 * Tensors of the graph that depend on the inputs, and how padless stores them.
 *
 * padless stores batch first, then time, then features. ONNX has any order of axes, and exporters transpose and reshape around each recurrent
 * layer. A Value keeps both orders: `groups` are the axes that padless stores, `view` the axes of the ONNX tensor. An axis is a list of factors
 * whose sizes multiply to its size: [[T], [B], [2, H]] has the shape [T, B, 2*H]. So Transpose, Reshape, Squeeze and Unsqueeze only change the view.
 * @module
 */
import { plus, productOf, quotient, same, Size } from './sizes.js';
/** @typedef {import('./sizes.js').Extent} Extent */
/** @typedef {import('./constants.js').Kind} Kind */

/** A factor of the size of an axis. Only Values that view the same stored tensor share factors. */
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
/** The features start to end - 1 of an output that has `width` features. @typedef {{ of: Output, start: number, end: number, width: number }} Part */
/** @typedef {{ key: string, output: Output }} Short  key: identifies the lengths */
/** Output number `tensor` of a layer. @typedef {{ layer: string, tensor: number }} Output */

/** A new axis of one factor, or without factors if its size is 1. @param {Extent} size @returns {Axis} */
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
   *   groups: the axes as stored; the first is the batch. Without a batch axis in `view`, every row has the same values.
   *   part: set if the value is a slice of another output's features.
   *   short: set if the steps after each row's length are zero; it is the sequence without these steps.
   *   positions: set if the value counts the steps of a sequence, 0, 1, 2, ...; it is that sequence.
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
    // part, short and positions describe the old output.
    const other = change.output ? { part: null, short: null, positions: null } : {};
    return new Value({ ...this, ...other, ...change });
  }

  /** The shape of the ONNX tensor. @returns {Extent[]} */
  get shape() {
    return this.view.map(sizeOf);
  }

  get batch() {
    return this.groups[0][0];
  }

  /** A copy with new factors (except the batch), for an operator that reads the same tensor twice. */
  apart() {
    const names = new Map(this.stored.map((factor) => [factor, new Factor(factor.size)]));
    const rename = (/** @type {Axis[]} */ axes) => axes.map((axis) => axis.map((factor) => names.get(factor) ?? factor));
    return this.with({ groups: rename(this.groups), view: rename(this.view) });
  }

  /** All factors except the batch, in stored order. */
  get stored() {
    return this.groups.slice(1).flat();
  }

  /** A copy with a factor split into several. @param {Factor} factor @param {Factor[]} by */
  split(factor, by) {
    return this.with({ groups: replaced(this.groups, factor, by), view: replaced(this.view, factor, by) });
  }

  /** A copy whose view has another shape; null if factors cannot be split and grouped so, for example the batch. @param {Extent[]} shape @returns {Value | null} */
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

/** A permutation of the rows of the batch, [B]: the indices that TopK returns when it sorts rows by their lengths, or the inverse permutation. */
export class RowOrder {
  /** @param {Factor} factor  takes the batch's place in views of tensors whose rows are in this order @param {boolean} inverse */
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
  /** @param {Extent[]} shape @param {Extent} steps  of a row @param {number} first  index of the first row */
  constructor(shape, steps, first = 0) {
    this.shape = shape;
    this.steps = steps;
    this.first = first;
    /** @type {Kind} */
    this.kind = 'int';
  }
}

/** The index of the row in a loop over the batch, plus an offset. */
export class RowIndex {
  /** @param {Extent[]} shape @param {number} offset */
  constructor(shape, offset) {
    this.shape = shape;
    this.offset = offset;
    /** @type {Kind} */
    this.kind = 'int';
  }
}

/** In a loop over the batch: where the row begins in a list of the steps of all rows, or the row `offset` rows later. */
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

/** In a loop over the batch, a condition: "this is the last row", or its opposite "another row follows". */
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

/** Several tensors, one after the other along an axis. They are concatenated only if a node reads them as one tensor. */
export class Parts {
  /** @param {number} axis  index in each view @param {(Value | import('./constants.js').Constant)[]} list */
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
