/**
 * Adds advice to messages of errors. Fetched when an error needs it.
 * @module
 */
import { butIs } from '../file/kinds.js';
import { nearest } from './nearest.js';

/**
 * Completes the message of an error that was thrown while a model was loaded.
 * @param {any} error
 * @param {string[]} known  names of layers
 * @param {Uint8Array} bytes  of the file; empty for createModel()
 */
export function explain(error, known, bytes) {
  const [, className] = CLASS.exec(error.message) ?? [];
  if (className) error.message = error.message.replace(/padless$/, () => nearest(className, known));
  const kind = HEADER.test(error.message) ? butIs(bytes) : '';
  if (kind) error.message = `safetensors: expected a safetensors file${kind}`;
}

const CLASS = /: class ([^]*) is not one of padless$/;
const HEADER = /^safetensors: the (header|file) has /;
