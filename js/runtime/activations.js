/**
 * Keras's names of activations; the kernels' numbers for them are enum pl_act in c/padless.h, whose members have the same names.
 * @module
 */
import { act as numbers } from '../dist/abi.js';
import { show, UnsupportedError } from '../errors.js';

/** @type {Record<string, keyof typeof numbers>} */
const aliases = { swish: 'silu', hard_swish: 'hard_silu', exp: 'exponential' };

/** Whether JSON is of a function of Keras's own; a layer, or a function of the model's author, is not a name. @param {any} json */
const isFunction = ({ class_name: className = 'function', module = 'keras' }) =>
  className === 'function' && /^(tf_)?keras\b/.test(module);

/**
 * @param {any} activation  as Keras JSON has it: a name, null (linear), or { config: name }
 * @param {string} path  of the layer, for the error
 * @param {number} kerasMajor  hard_sigmoid changed between Keras 2 and 3; that of Keras 2 is hard_sigmoid_keras2 in models of ONNX
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
