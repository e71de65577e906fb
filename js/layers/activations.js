/**
 * Keras's names of activations and the kernels' numbers for them (enum pl_act in c/padless.h).
 * @module
 */
import { show, UnsupportedError } from '../errors.js';

const numbers = /** @type {const} */ ({
  linear: 0,
  tanh: 1,
  sigmoid: 2,
  relu: 3,
  hard_sigmoid: 4,
  hard_sigmoid_keras2: 5,
  softsign: 6,
  elu: 7,
  selu: 8,
  softplus: 9,
  silu: 10,
  gelu: 11,
  gelu_tanh: 12,
  exponential: 13,
  softmax: 14,
  log_softmax: 15,
  relu6: 16,
  leaky_relu: 17,
  mish: 18,
  hard_silu: 19,
});

/** @type {Record<string, keyof typeof numbers>} */
const aliases = { swish: 'silu', hard_swish: 'hard_silu', exp: 'exponential' };

/**
 * @param {any} activation  as Keras JSON has it: a name, null (linear), or { config: name }
 * @param {string} path  of the layer, for the error
 * @param {number} kerasMajor  hard_sigmoid changed between Keras 2 and 3
 * @returns {number} pl_act
 * @throws {UnsupportedError} for a name that padless does not have
 */
export function activationNumber(activation, path, kerasMajor) {
  const value = activation !== null && typeof activation === 'object' ? activation.config : activation;
  const given = value === undefined || value === null ? 'linear' : value;
  const name = typeof given === 'string' && Object.hasOwn(aliases, given) ? aliases[given] : given;
  if (typeof name !== 'string' || !Object.hasOwn(numbers, name) || name.endsWith('keras2')) {
    const known = Object.keys(numbers).filter((each) => !each.endsWith('keras2'));
    throw new UnsupportedError(`${path}: activation ${show(given)} is not one of ${known.join(', ')}`);
  }
  if (name === 'hard_sigmoid' && kerasMajor < 3) return numbers.hard_sigmoid_keras2;
  return numbers[/** @type {keyof typeof numbers} */ (name)];
}
