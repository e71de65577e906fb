/**
 * The error classes. Every error of padless is a PadlessError.
 * @module
 */

/** Base class of all errors of padless: `error instanceof PadlessError`. Each class sets its name, because minifiers rename classes. */
export class PadlessError extends Error {
  /** @override */
  name = 'PadlessError';

  /**
   * @param {string} message
   * @param {{ cause?: unknown }} [options]
   */
  constructor(message, options) {
    // A message may quote megabytes of a file.
    super(message.length > 2000 ? `${message.slice(0, 2000)} ...` : message, options);
  }
}

/** Shapes, sizes or lengths that do not match. */
export class ShapeError extends PadlessError {
  /** @override */
  name = 'ShapeError';
}

/** A token id outside of the vocabulary. */
export class IdError extends PadlessError {
  /** @override */
  name = 'IdError';
}

/** An invalid argument: text that is not a string, an unknown option. */
export class ArgumentError extends PadlessError {
  /** @override */
  name = 'ArgumentError';
}

/** An invalid file: truncated, inconsistent, or not a model file. */
export class ModelFileError extends PadlessError {
  /** @override */
  name = 'ModelFileError';
}

/** A valid model with something that padless does not support: a layer, an option, a dtype. */
export class UnsupportedError extends PadlessError {
  /** @override */
  name = 'UnsupportedError';
}

/** A file that could not be fetched or read. */
export class LoadError extends PadlessError {
  /** @override */
  name = 'LoadError';
}

/** A browser or runtime that lacks a required feature: WebAssembly, SIMD, DecompressionStream. */
export class EngineError extends PadlessError {
  /** @override */
  name = 'EngineError';
}

/** Out of memory. */
export class MemoryError extends PadlessError {
  /** @override */
  name = 'MemoryError';
}

/** A value as JSON, shortened for a message. @param {unknown} value */
export function show(value) {
  try {
    return JSON.stringify(value)?.slice(0, 80);
  } catch {
    return typeof value;
  }
}

/** A string of a file unchanged, anything else as JSON: for names and versions in messages and comparisons. @param {unknown} value */
export const textOf = (value) => (typeof value === 'string' ? value : String(show(value)));

/**
 * Refuses options that a function does not have: { modul } for { module }.
 * @param {string} where  the function
 * @param {unknown} options
 * @param {readonly string[]} names
 * @throws {ArgumentError}
 */
export function checkOptions(where, options, names) {
  if (options === null || options === undefined) return;
  if (typeof options !== 'object') throw new ArgumentError(`${where}: options is ${show(options)}, expected an object`);
  for (const name of Object.keys(options))
    if (!names.includes(name))
      throw new ArgumentError(`${where}: option ${JSON.stringify(name)} is unknown, expected some of ${names.join(', ')}`);
}

/** The type of a value, for a message. @param {unknown} value */
export const typeName = (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** Maximum of a size or count in a model file: units, filters, vocabulary. */
export const COUNT_MOST = 2 ** 24;
/**
 * Maximum number of steps that a model file may request for any text: a fixed length, repeated vectors, padding. With 2^24, a file of 2 kB made
 * "hello" take 20 s and a gigabyte.
 */
export const STEPS_MOST = 2 ** 16;

/**
 * Throws if an array is larger than the memory of WebAssembly, 4 GB. Call it before you allocate the array.
 * @param {number} count  number of 4-byte values
 * @returns {number} count
 * @throws {MemoryError}
 */
export function checkFits(count) {
  if (!(count <= 2 ** 30)) throw new MemoryError(`this needs an array of ${count} values; memory holds at most 2^30`);
  return count;
}
