/**
 * Activations that no kernel computes by itself: those of Keras 3 that few models have. Each is made of one kernel, or of none, and of operations
 * of JavaScript that IEEE 754 rounds alike on every machine.
 * @module
 */
import { Elementwise } from '../basic.js';
import { activationNumber } from '../../runtime/activations.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/**
 * y = after(kernel(before(x)), x); without a kernel, y = after(x, x).
 * @typedef {object} Formula
 * @property {string} [kernel]  name of an activation with a kernel
 * @property {(x: number) => number} [before]
 * @property {(k: number, x: number) => number} after
 */

const { abs, fround, max, min, sqrt } = Math;

/** Formulas by Keras's name of the activation. The options have Keras's names and defaults. @type {Record<string, (options: any) => Formula>} */
const formulas = {
  log_sigmoid: () => ({ before: (x) => -x, kernel: 'softplus', after: (k) => -k }),
  tanh_shrink: () => ({ kernel: 'tanh', after: (k, x) => x - k }),
  celu: ({ alpha = 1 }) => ({ before: (x) => x / alpha, kernel: 'elu', after: (k, x) => (x > 0 ? x : alpha * k) }),
  hard_tanh: () => ({ after: (x) => min(max(x, -1), 1) }),
  // Rounded to float32 after each step, as in Keras: for x far below 0, the sum is mostly rounding.
  squareplus: ({ b = 4 }) => ({ after: (x) => fround(x + fround(sqrt(fround(fround(x * x) + b)))) / 2 }),
  sparse_plus: () => ({ after: (x) => (x <= -1 ? 0 : x < 1 ? (x + 1) ** 2 / 4 : x) }),
  sparse_sigmoid: () => ({ after: (x) => min(max((x + 1) / 2, 0), 1) }),
  hard_shrink: ({ threshold = 0.5 }) => ({ after: (x) => (abs(x) > fround(threshold) ? x : 0) }),
  soft_shrink: ({ threshold = 0.5 }) => ({
    after: (x) => (x > fround(threshold) ? x - fround(threshold) : x < -fround(threshold) ? x + fround(threshold) : 0),
  }),
  threshold: ({ threshold, default_value: otherwise }) => ({ after: (x) => (x > fround(threshold) ? x : otherwise) }),
};

/** Activations whose code is fetched late: `prepare` of js/model/graph.js has to find each in a file. */
export const lateActivations = Object.keys(formulas);

/** The formula of an activation. @param {string} name  Keras's @param {any} [options] @returns {Formula | undefined} */
export const formulaOf = (name, options = {}) => (Object.hasOwn(formulas, name) ? formulas[name](options) : undefined);

/**
 * @param {Heap} heap @param {number} y  pointer @param {number} x  pointer; may be y @param {number} n  number of values
 * @param {Formula} formula
 */
export function applyFormula(heap, y, x, n, { kernel, before, after }) {
  const values = heap.f32View(x, n).slice();
  if (before) heap.f32View(y, n).set(values.map(before));
  if (kernel) heap.exports.pl_activate(y, before ? y : x, activationNumber(kernel, '', 3), 1, n);
  else if (!before) heap.f32View(y, n).set(values);
  const to = heap.f32View(y, n);
  for (let i = 0; i < n; i++) to[i] = after(to[i], values[i]);
}

/** The activation of a layer, computed by a formula. */
export class FormulaActivation extends Elementwise {
  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @param {string} kind  name of the activation in Keras */
  constructor(kind) {
    super({ name: kind });
    this.kind = kind;
    this.formula = formulas[kind]({});
  }

  /** @override */
  get className() {
    // The base class asks before the constructor has set `kind`.
    return this.kind ?? 'Activation';
  }

  /** @override @param {number} y @param {Tensor} x */
  compute(y, x) {
    applyFormula(x.heap, y, x.pointer, x.rows * x.features, this.formula);
  }
}

/** The layer that computes an activation. @param {unknown} name @returns {FormulaActivation | null} null: a kernel computes it, or Keras lacks it */
export const activationOf = (name) =>
  typeof name === 'string' && name !== 'threshold' && formulaOf(name) ? new FormulaActivation(name) : null;
