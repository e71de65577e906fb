/**
 * Words of characters: token ids [B, T, C], which graphs reshape to [B*T, C] in front of the layers that make a vector of each word, and back to
 * [B, T, D] behind them. In between, the batch is the words of all texts, and each layer becomes one inside of TimeDistributed.
 */
import { times } from './sizes.js';
import { Factor, Parts, Value } from './values.js';
/** @typedef {import('./values.js').Axis} Axis */
/** @typedef {import('./converter.js').Any} Any */

/** The words of an input. */
export class Words {
  /** @param {Factor} rows  the batch of texts @param {Factor} steps  the words of a text */
  constructor(rows, steps) {
    this.rows = rows;
    this.steps = steps;
    /** The words of all texts. */
    this.batch = new Factor(times(rows.size, steps.size), true);
  }

  /** Axes with texts and words in place of the words of all texts. @param {Axis[]} axes */
  apart(axes) {
    const { rows, steps, batch } = this;
    return axes.map((axis) => axis.flatMap((factor) => (factor === batch ? [rows, steps] : [factor])));
  }

  /** Axes with the words of all texts, where texts and words are one axis. @param {Axis[]} axes */
  together(axes) {
    const { rows, steps, batch } = this;
    return axes.map((axis) =>
      axis.flatMap((factor, i) => {
        if (factor === rows && axis[i + 1] === steps) return [batch];
        return factor === steps && axis[i - 1] === rows ? [] : [factor];
      }),
    );
  }

  /** Whether a value is of the characters of these words. @param {Any | undefined} x @returns {boolean} */
  holds(x) {
    return x instanceof Parts ? x.list.some((each) => this.holds(each)) : x instanceof Value && x.batch === this.batch;
  }

  /** Whether texts and words are axes of their own, or not there. @param {Any | undefined} x @returns {boolean} */
  isApart(x) {
    return x instanceof Parts
      ? x.list.some((each) => this.isApart(each))
      : x instanceof Value && this.holds(x) && !x.view.some((axis) => axis.length === 1 && axis[0] === this.batch);
  }

  /** A result: a vector of each word is a sequence of the text. @param {Any | undefined} x @returns {Any | undefined} */
  settled(x) {
    if (x instanceof Parts) return new Parts(x.axis, /** @type {any} */ (x.list.map((each) => this.settled(each))));
    if (!(x instanceof Value) || x.batch !== this.batch) return x;
    if (x.ids || x.groups.length > 2) return x.with({ view: this.together(x.view) });
    const { rows, steps } = this;
    return x.with({ groups: [[rows], [steps], x.groups[1]], view: this.apart(x.view) });
  }
}

/** Operators that neither read nor move the axes of texts and words, or are asked about each axis; besides Gather of ids. */
export const keepsAxes = new Set(
  (
    'Reshape Transpose Squeeze Unsqueeze Flatten Shape Size Identity Dropout Cast ' +
    'ReduceMean ReduceSum ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceSumSquare ' +
    'Relu Tanh Sigmoid Elu Selu Gelu LeakyRelu Softplus Softsign Mish Swish HardSigmoid HardSwish'
  ).split(' '),
);
