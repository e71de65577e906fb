/**
 * What goes between a page and its worker: errors, as what they were, and the memory of arrays.
 * @module
 */
import * as errors from '../errors.js';

/**
 * An error taken apart.
 * @typedef {object} PackedError
 * @property {string} type  of a class of ours or of the engine, 'DOMException', or 'value' for what is no error
 * @property {string} [name]
 * @property {string} [message]
 * @property {string | undefined} [stack]
 * @property {PackedError} [cause]
 * @property {unknown} [value]
 */

/** @type {Record<string, new (message?: string) => Error>} */
const native = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
/** WebAssembly's are the engine's, too. @returns {Record<string, new (message?: string) => Error>} */
const errorClasses = () => ({
  .../** @type {any} */ (errors),
  ...native,
  CompileError: WebAssembly.CompileError,
  LinkError: WebAssembly.LinkError,
  RuntimeError: WebAssembly.RuntimeError,
});
/** Causes of causes; a circle ends. */
const DEEPEST = 8;

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
    ...(cause !== undefined && depth < DEEPEST ? { cause: packError(cause, depth + 1) } : {}),
  };
}

/**
 * @param {PackedError} packed
 * @returns {unknown} of the class it had, with its message, cause and the worker's stack
 */
export function unpackError({ type, name = 'Error', message = '', stack, cause, value }) {
  if (type === 'value') return value;
  if (type === 'DOMException') return new DOMException(message, name);
  const error = new (errorClasses()[type] ?? Error)(message);
  /** @param {string} key @param {unknown} held  as an error has it: not counted among its keys */
  const set = (key, held) => Object.defineProperty(error, key, { value: held, writable: true, configurable: true });
  if (error.name !== name) set('name', name);
  if (stack !== undefined) set('stack', stack);
  if (cause) set('cause', unpackError(cause));
  return error;
}

/**
 * The memory of the arrays in an answer, which is handed over rather than copied: what a model gives back is nobody else's.
 * @param {unknown} value
 * @param {Set<ArrayBuffer>} [found]
 */
export function buffersOf(value, found = new Set()) {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (Array.isArray(value)) {
    // Lists of numbers hold none; answers by the thousand are alike.
    for (const each of value) if (typeof each === 'object') buffersOf(each, found);
  } else if (value !== null && typeof value === 'object') for (const each of Object.values(value)) buffersOf(each, found);
  return found;
}
