/**
 * Converts values that a page and its worker send to each other: errors keep their class, and the memory of arrays is transferred.
 * @module
 */
import * as errors from '../errors.js';
import { kindOf } from '../runtime/engine.js';

/**
 * An error in a form that can be sent.
 * @typedef {object} PackedError
 * @property {string} type  name of an error class of padless or JavaScript, 'DOMException', or 'value' if it is not an error
 * @property {string} [name]
 * @property {string} [message]
 * @property {string | undefined} [stack]
 * @property {PackedError} [cause]
 * @property {unknown} [value]
 */

/** @type {Record<string, new (message?: string) => Error>} */
const native = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
/** Error classes by name. @returns {Record<string, new (message?: string) => Error>} */
const errorClasses = () => ({
  .../** @type {any} */ (errors),
  ...native,
  CompileError: WebAssembly.CompileError,
  LinkError: WebAssembly.LinkError,
  RuntimeError: WebAssembly.RuntimeError,
});
/** Maximum depth of causes; ends cycles. */
const MAX_CAUSES = 8;

/**
 * @param {unknown} error
 * @param {number} [depth]
 * @returns {PackedError}
 */
export function packError(error, depth = 0) {
  if (typeof DOMException === 'function' && error instanceof DOMException)
    return { type: 'DOMException', name: error.name, message: error.message };
  if (!(error instanceof Error)) {
    const plain = error === null || !['object', 'function', 'symbol'].includes(typeof error);
    return { type: 'value', value: plain ? error : String(error) };
  }
  const classes = errorClasses();
  const exact = Object.keys(classes).find((name) => error.constructor === classes[name]);
  const type = exact ?? (error instanceof errors.PadlessError ? 'PadlessError' : 'Error');
  const { name, message, stack, cause } = error;
  return {
    type,
    name: String(name),
    message: String(message),
    stack: typeof stack === 'string' ? stack : undefined,
    ...(cause !== undefined && depth < MAX_CAUSES ? { cause: packError(cause, depth + 1) } : {}),
  };
}

/**
 * @param {PackedError} packed
 * @returns {unknown} an error of the same class, with message, cause, and the stack in the worker
 */
export function unpackError({ type, name = 'Error', message = '', stack, cause, value }) {
  if (type === 'value') return value;
  if (type === 'DOMException') return new DOMException(message, name);
  const error = new (errorClasses()[type] ?? Error)(message);
  /** Sets a property that is not enumerable, as in other errors. @param {string} key @param {unknown} held */
  const set = (key, held) => Object.defineProperty(error, key, { value: held, writable: true, configurable: true });
  set('name', name);
  if (stack !== undefined) set('stack', stack);
  if (cause) set('cause', unpackError(cause));
  return error;
}

/**
 * The buffers of the arrays in an answer. They can be transferred rather than copied, because the worker does not use them again.
 * @param {unknown} value
 * @param {Set<ArrayBuffer>} [found]
 */
export function buffersOf(value, found = new Set()) {
  if (ArrayBuffer.isView(value)) {
    if (kindOf(value.buffer) === 'ArrayBuffer') found.add(/** @type {ArrayBuffer} */ (value.buffer));
  } else if (Array.isArray(value)) {
    // Numbers have no buffers.
    for (const each of value) if (typeof each === 'object') buffersOf(each, found);
  } else if (value !== null && typeof value === 'object') for (const each of Object.values(value)) buffersOf(each, found);
  return found;
}
