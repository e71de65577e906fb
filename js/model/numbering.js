/**
 * Inputs of numbers that are mapped to ids: an InputLayer with `numbering`, into which the importers convert Keras's IntegerLookup and Hashing.
 * @module
 */
import { ArgumentError, IdError, ModelFileError, ShapeError, show, typeName, UnsupportedError } from '../errors.js';
import { Spec } from '../layers/tensor.js';
import { isList } from '../runtime/lists.js';
import { problemWithIndex, TokenIndex } from '../text/token-index.js';
import { isRowMajor, padRows, placeInput, toArray } from './batch.js';
/** @typedef {import('./batch.js').Padded} Padded */
/** @typedef {import('./graph.js').ModelInput} ModelInput */

/** Reads an input of numbers. See ModelInput.reader. */
export class Numbering {
  /** @param {ModelInput} input */
  constructor({ name, ids, shape, numbering, vocabulary }) {
    if (!ids || shape.length !== 1)
      throw new UnsupportedError(`input ${name}: numbering is for an input [B, T] that an Embedding or a CategoryEncoding reads`);
    const problem = problemWithIndex(numbering);
    if (problem) throw new ModelFileError(`input ${name}: numbering: ${problem}`);
    this.index = new TokenIndex(numbering);
    if (this.index.size > vocabulary)
      throw new ModelFileError(
        `input ${name}: numbering has ${this.index.size} indices, but the layers that read the input accept ${vocabulary}`,
      );
  }

  /** @param {ModelInput} input @param {import('../layers/tensor.js').Rules} rules @returns {Spec} */
  specOf({ shape, maskZero }, rules) {
    return new Spec({ shape, ids: true, masked: maskZero, time: {}, rules });
  }

  /** @param {unknown} value @param {string} where */
  #indexOf(value, where) {
    if (typeof value !== 'bigint' && !Number.isSafeInteger(value))
      throw new IdError(`${where}: ${typeof value === 'number' ? value : show(value)} is not an integer`);
    const index = this.index.of(String(value));
    if (index < 0) throw new IdError(`${where}: ${value} is not in the vocabulary, and the model has no index for such numbers`);
    return index;
  }

  /**
   * Maps rows of numbers to ids and pads them.
   * @param {ModelInput} input
   * @param {any} given  [B][T] numbers
   * @param {{ mask?: any, lengths?: any, wholeLength: boolean }} options
   * @returns {Padded}
   */
  pad(input, given, options) {
    let rows = given;
    if (isRowMajor(given)) {
      const [B, T] = toArray(given.shape);
      if (given.shape.length !== 2 || given.data.length !== B * T)
        throw new ShapeError(`run: ${given.data.length} numbers of shape [${toArray(given.shape)}], expected [B, T] with as many`);
      const data = toArray(given.data);
      rows = Array.from({ length: B }, (_, b) => data.slice(b * T, (b + 1) * T));
    }
    if (!isList(rows)) throw new ArgumentError(`run: rows are ${typeName(rows)}, expected an array of rows of numbers`);
    const numbered = toArray(rows).map((row, b) => {
      if (!isList(row)) throw new ArgumentError(`run: row ${b} is ${typeName(row)}, expected an array of numbers`);
      return toArray(row).map((value, t) => this.#indexOf(value, `input ${input.name}: row ${b}, step ${t}`));
    });
    return { ...padRows({ ...input, reader: undefined }, numbered, options), input: { ...input, reader: undefined } };
  }

  /** Copies the padded ids to the heap. @type {typeof placeInput} */
  place = placeInput;
}
