/**
 * Rare activations of Keras 3, for which there are no kernels. They use at most one kernel, and JavaScript operations that IEEE 754 defines exactly,
 * so that results are equal on every machine.
 * @module
 */
import { ShapeError } from '../../errors.js';
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
    // The constructor of the base class reads className before `kind` is set.
    return this.kind ?? 'Activation';
  }

  /** @override @param {number} y @param {Tensor} x */
  compute(y, x) {
    applyFormula(x.heap, y, x.pointer, x.rows * x.features, this.formula);
  }
}

/** Base of the activations that read all features of a step. */
class RowActivation extends Elementwise {
  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** Name of the activation in Keras. */
  static kind = '';

  constructor() {
    super({});
  }

  /** @override */
  get className() {
    return /** @type {typeof RowActivation} */ (this.constructor).kind;
  }
}

/** y = a sigmoid(b) for the halves a and b of the features. */
class GatedLinearUnit extends RowActivation {
  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  static kind = 'glu';

  /** @override @param {import('../tensor.js').Spec} input @param {import('../tensor.js').Rules} rules */
  build(input, rules) {
    const { features } = super.build(input, rules);
    if (features % 2)
      throw new ShapeError(`${this.path}: glu halves the features, got ${features} of them, expected an even number`);
    return input.ofFeatures(features / 2);
  }

  /** @override @param {Tensor} x */
  call(x) {
    const { heap, rows, features, pointer } = x;
    const half = features / 2;
    const y = heap.reserve32(rows * half);
    const values = heap.f32View(pointer, rows * features).slice();
    const gates = heap.f32View(y, rows * half);
    for (let i = 0; i < rows; i++) gates.set(values.subarray(i * features + half, (i + 1) * features), i * half);
    heap.exports.pl_activate(y, y, activationNumber('sigmoid', '', 3), 1, rows * half);
    const to = heap.f32View(y, rows * half);
    for (let i = 0; i < rows * half; i++) to[i] *= values[Math.floor(i / half) * features + (i % half)];
    return x.ofFeatures(y, half);
  }
}

/**
 * Keras's sparsemax over the features: max(x - tau, 0). Keras's tau adds up all cumulative sums of the largest values, where Martins and Astudillo
 * (2016) use the last cumulative sum. So the result need not sum to 1.
 */
class Sparsemax extends RowActivation {
  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  static kind = 'sparsemax';

  /** @override @param {number} y @param {Tensor} x */
  compute(y, { heap, rows, features, pointer }) {
    const values = heap.f32View(pointer, rows * features).slice();
    const to = heap.f32View(y, rows * features);
    for (let i = 0; i < rows; i++) {
      const row = values.subarray(i * features, (i + 1) * features);
      let [sum, sums, count] = [0, 0, 0];
      row
        .slice()
        .sort()
        .reverse()
        .forEach((value, k) => {
          sum += value;
          if (value <= (sum - 1) / (k + 1)) return;
          sums += sum;
          count++;
        });
      const threshold = (sums - 1) / count;
      row.forEach((value, k) => {
        to[i * features + k] = max(value - threshold, 0);
      });
    }
  }
}

const rowActivations = [GatedLinearUnit, Sparsemax];

/** Activations whose code is fetched late. The pattern in prepare() of js/model/graph.js has to match each of them. */
export const lateActivations = [...Object.keys(formulas), ...rowActivations.map(({ kind }) => kind)];

/** The layer that computes an activation. @param {unknown} name @returns {Elementwise | null} null if a kernel computes it, or Keras lacks it */
export function activationOf(name) {
  const Row = rowActivations.find(({ kind }) => kind === name);
  if (Row) return new Row();
  return typeof name === 'string' && name !== 'threshold' && formulaOf(name) ? new FormulaActivation(name) : null;
}
