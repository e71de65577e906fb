/**
 * Operations of Keras 3 that are activations.
 * @module
 */
import { product } from '../layers/tensor.js';
import { applyFormula, formulaOf } from '../layers/late/activations.js';
import { activationNumber } from '../runtime/activations.js';
/** @typedef {import('../layers/arrays.js').NdArray} NdArray */
/** @typedef {import('./operations.js').Operation} Operation */

/** Operation -> activation with a kernel. @type {Record<string, string>} */
const names = {
  Exp: 'exponential',
  HardSigmoid: 'hard_sigmoid',
  HardSilu: 'hard_silu',
  Relu: 'relu',
  Relu6: 'relu6',
  Selu: 'selu',
  Sigmoid: 'sigmoid',
  Silu: 'silu',
  Softplus: 'softplus',
  Softsign: 'softsign',
  Tanh: 'tanh',
};

/** Operation -> kernel that takes options, and its arguments after y and x. @type {Record<string, [string, (config: any) => number[]]>} */
const withOption = {
  Elu: ['pl_elu', ({ alpha = 1 }) => [alpha]],
  LeakyRelu: ['pl_relu', ({ negative_slope: slope = 0.2 }) => [slope, 0, Infinity]],
};

/** @param {Operation} layer @param {NdArray} x @param {string} name  of an activation with a kernel @returns {NdArray} */
export const activated = (layer, { shape, values }, name) => ({
  shape,
  values: (heap) => {
    const pointer = values(heap);
    const y = heap.reserve32(product(shape));
    heap.exports.pl_activate(y, pointer, activationNumber(name, layer.path, 3), 1, product(shape));
    return y;
  },
});

/** LogSigmoid -> log_sigmoid @param {string} kind */
const snakeCase = (kind) => kind.replace(/(?!^)([A-Z])/g, '_$1').toLowerCase();

/** The result of an operation that is an activation. @param {Operation} layer @param {NdArray} x @returns {NdArray | null} null if it is not */
export function activationOperation(layer, x) {
  const { operation: kind, config } = layer;
  if (Object.hasOwn(names, kind)) return activated(layer, x, names[kind]);
  const formula = formulaOf(snakeCase(kind), config);
  if (!formula && !Object.hasOwn(withOption, kind)) return null;
  const n = product(x.shape);
  return {
    shape: x.shape,
    values: (heap) => {
      const pointer = x.values(heap);
      const y = heap.reserve32(n);
      if (formula) applyFormula(heap, y, pointer, n, formula);
      else heap.exports[withOption[kind][0]](y, pointer, ...withOption[kind][1](config), n);
      return y;
    },
  };
}
