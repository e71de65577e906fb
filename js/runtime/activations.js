/**
 * Converts Keras's names of activations to the members of enum pl_act in c/padless.h, which have the same names.
 * @module
 */
import { act as numbers } from '../dist/abi.js';
import { show, UnsupportedError } from '../errors.js';

/** @type {Record<string, keyof typeof numbers>} */
const aliases = { swish: 'silu', hard_swish: 'hard_silu', exp: 'exponential' };

/** Whether JSON refers to one of Keras's functions, and not to a layer or a function of the model's author. @param {any} json */
const isFunction = ({ class_name: className = 'function', module = 'keras' }) =>
  className === 'function' && /^(tf_)?keras\b/.test(module);

/**
 * @param {any} activation  from Keras JSON: a name, null (linear), or { config: name }
 * @param {string} path  of the layer, for the error
 * @param {number} kerasMajor  selects hard_sigmoid, which changed between Keras 2 and 3; ONNX models name that of Keras 2 hard_sigmoid_keras2
 * @param {string} [option]  of the layer, for the error
 * @returns {number} pl_act
 * @throws {UnsupportedError} for a name that padless does not have
 */
export function activationNumber(activation, path, kerasMajor, option = 'activation') {
  const value = activation !== null && typeof activation === 'object' && isFunction(activation) ? activation.config : activation;
  const given = value === undefined || value === null ? 'linear' : value;
  const name = typeof given === 'string' && Object.hasOwn(aliases, given) ? aliases[given] : given;
  if (typeof name !== 'string' || !Object.hasOwn(numbers, name)) {
    throw new UnsupportedError(`${path}: ${option} ${show(given)} is not one of ${Object.keys(numbers).join(', ')}`);
  }
  if (name === 'hard_sigmoid' && kerasMajor < 3) return numbers.hard_sigmoid_keras2;
  return numbers[/** @type {keyof typeof numbers} */ (name)];
}
