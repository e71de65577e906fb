/**
 * Inputs of characters: token ids [B, T, C]. Graphs reshape them to [B*T, C] before the layers that turn each word into a vector, and back to
 * [B, T, D] after them. In between, the batch axis counts the words of all texts, and each layer is wrapped in TimeDistributed.
 */
import { times } from './sizes.js';
import { Factor, Parts, Value } from './values.js';
/** @typedef {import('./values.js').Axis} Axis */
/** @typedef {import('./converter.js').Any} Any */

/** The axes of an input of characters. */
export class Words {
  /** @param {Factor} rows  the batch of texts @param {Factor} steps  the words of a text */
  constructor(rows, steps) {
    this.rows = rows;
    this.steps = steps;
    /** Counts the words of all texts. */
    this.batch = new Factor(times(rows.size, steps.size), true);
  }

  /** Axes with B*T replaced by B, T. @param {Axis[]} axes */
  apart(axes) {
    const { rows, steps, batch } = this;
    return axes.map((axis) => axis.flatMap((factor) => (factor === batch ? [rows, steps] : [factor])));
  }

  /** Axes with B, T replaced by B*T where both are factors of one axis. @param {Axis[]} axes */
  together(axes) {
    const { rows, steps, batch } = this;
    return axes.map((axis) =>
      axis.flatMap((factor, i) => {
        if (factor === rows && axis[i + 1] === steps) return [batch];
        return factor === steps && axis[i - 1] === rows ? [] : [factor];
      }),
    );
  }

  /** Whether a value has B*T as its batch: it was computed from the characters of these words. @param {Any | undefined} x @returns {boolean} */
  holds(x) {
    return x instanceof Parts ? x.list.some((each) => this.holds(each)) : x instanceof Value && x.batch === this.batch;
  }

  /** Whether a value that holds() accepts has no axis B*T in its view: B and T are separate axes, or absent. @param {Any | undefined} x @returns {boolean} */
  isApart(x) {
    return x instanceof Parts
      ? x.list.some((each) => this.isApart(each))
      : x instanceof Value && this.holds(x) && !x.view.some((axis) => axis.length === 1 && axis[0] === this.batch);
  }

  /** The result of a node. One vector for each word, [B*T, D], becomes a sequence of each text, [B, T, D]. @param {Any | undefined} x @returns {Any | undefined} */
  settled(x) {
    if (x instanceof Parts) return new Parts(x.axis, /** @type {any} */ (x.list.map((each) => this.settled(each))));
    if (!(x instanceof Value) || x.batch !== this.batch) return x;
    if (x.ids || x.groups.length > 2) return x.with({ view: this.together(x.view) });
    const { rows, steps } = this;
    return x.with({ groups: [[rows], [steps], x.groups[1]], view: this.apart(x.view) });
  }
}

/** Operators that work while B and T are separate axes: they do not compute along these, or check each axis. runInWords() decides about Gather. */
export const keepsAxes = new Set(
  (
    'Reshape Transpose Squeeze Unsqueeze Flatten Shape Size Identity Dropout Cast ' +
    'ReduceMean ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceSumSquare ' +
    'Relu Tanh Sigmoid Elu Selu Gelu LeakyRelu Softplus Softsign Mish Swish HardSigmoid HardSwish'
  ).split(' '),
);
