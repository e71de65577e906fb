/**
 * What can go wrong, by name. Every failure of padless is a PadlessError; its message names the thing and both numbers.
 * @module
 */

/** Root of every error that padless throws: `error instanceof PadlessError`. Each class states its name, because minifiers rename classes. */
export class PadlessError extends Error {
  /** @override */
  name = 'PadlessError';

  /**
   * @param {string} message
   * @param {{ cause?: unknown }} [options]
   */
  constructor(message, options) {
    // What a file says may be megabytes.
    super(message.length > 2000 ? `${message.slice(0, 2000)} ...` : message, options);
  }
}

/** Shapes, sizes or lengths that do not fit each other. */
export class ShapeError extends PadlessError {
  /** @override */
  name = 'ShapeError';
}

/** A token id outside the vocabulary. */
export class IdError extends PadlessError {
  /** @override */
  name = 'IdError';
}

/** An argument of the wrong type: text that is not a string, an option that does not exist. */
export class ArgumentError extends PadlessError {
  /** @override */
  name = 'ArgumentError';
}

/** A model file that is cut short, contradicts itself, or is not a model file. */
export class ModelFileError extends PadlessError {
  /** @override */
  name = 'ModelFileError';
}

/** A model that is well formed and asks for something padless does not have: an unknown layer, an option, a dtype. */
export class UnsupportedError extends PadlessError {
  /** @override */
  name = 'UnsupportedError';
}

/** A model file that could not be fetched or read. */
export class LoadError extends PadlessError {
  /** @override */
  name = 'LoadError';
}

/** An engine that lacks what padless needs: WebAssembly, SIMD, DecompressionStream. */
export class EngineError extends PadlessError {
  /** @override */
  name = 'EngineError';
}

/** More memory than the engine gives. */
export class MemoryError extends PadlessError {
  /** @override */
  name = 'MemoryError';
}

/** Any value for a message. @param {unknown} value */
export function show(value) {
  try {
    return JSON.stringify(value)?.slice(0, 80);
  } catch {
    return typeof value;
  }
}

/** The type of a value, for a message. @param {unknown} value */
export const typeName = (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** Units, sizes, counts in a model file, at most. */
export const COUNT_MOST = 2 ** 24;
/**
 * Steps that a model file may ask for whatever the text is (a fixed length, repeated vectors, padding), at most. With 2^24, a file of 2 kB made
 * "hello" take 20 s and a gigabyte.
 */
export const STEPS_MOST = 2 ** 16;

/**
 * Refuses what could never enter WebAssembly's 4 GB before anybody makes it.
 * @param {number} count  of values
 * @returns {number} the same
 * @throws {MemoryError}
 */
export function checkFits(count) {
  if (!(count <= 2 ** 30)) throw new MemoryError(`this needs ${count} values; memory has room for 2^30`);
  return count;
}
