/**
 * Access to the engine that padless runs on, and recognition of objects from other realms (an iframe's, jsdom's).
 * @module
 */
import { EngineError } from '../errors.js';

/**
 * The kind of an object by its tag: 'ArrayBuffer', 'Blob', 'Response', 'URL', 'Map', 'Float32Array'. `instanceof` works only for classes of the same
 * realm.
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
 * A global of the engine. Some environments hide globals of Node, for example Jest's jsdom.
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
