/**
 * What padless needs of the engine that it runs on, and what it takes values of another realm (an iframe's, jsdom's) for.
 * @module
 */
import { EngineError } from '../errors.js';

/**
 * The kind of an object by its tag: 'ArrayBuffer', 'Blob', 'Response', 'URL', 'Map', 'Float32Array'. `instanceof` knows the classes of one
 * realm only.
 * @param {unknown} value
 */
export const kindOf = (value) => Object.prototype.toString.call(value).slice(8, -1);

/**
 * A module of Node, without an import that bundlers for pages would follow; undefined elsewhere.
 * @template {string} N
 * @param {N} name
 * @returns {any}
 */
export const builtin = (name) => globalThis.process?.getBuiltinModule?.(name);

/**
 * A global of the engine. Jest's jsdom, say, hides some that Node has.
 * @param {'TextDecoder' | 'TextEncoder' | 'DecompressionStream'} name
 * @returns {any} undefined if the engine lacks it
 */
export const engineGlobal = (name) =>
  /** @type {any} */ (globalThis)[name] ?? builtin(name === 'DecompressionStream' ? 'node:stream/web' : 'node:util')?.[name];

/** @param {string} [label] @param {TextDecoderOptions} [options] @returns {TextDecoder} */
export const textDecoder = (label, options) => new (engineGlobal('TextDecoder'))(label, options);

/** UTF-8. @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export const encodeText = (text) => new (engineGlobal('TextEncoder'))().encode(text);

/**
 * @throws {EngineError} on a Node that is too old: it would take paths for addresses
 */
export function checkNode() {
  const version = globalThis.process?.versions?.node;
  if (version && !globalThis.process.getBuiltinModule)
    throw new EngineError(`padless needs Node 20.16 or newer, this is Node ${version}`);
}
