/**
 * What flows between layers: values in the heap, stored without their padding.
 * @module
 */
import { ShapeError } from '../errors.js';

/** Which steps of a batch count. */
export class Steps {
  /**
   * @param {number} B
   * @param {number} T  padded length
   * @param {Uint8Array | null} mask  [B, T], 0 is padding; null: every step counts
   */
  constructor(B, T, mask) {
    if (mask && mask.length !== B * T) throw new ShapeError(`mask has ${mask.length} entries, expected B*T = ${B}*${T} = ${B * T}`);
    this.B = B;
    this.T = T;
    this.mask = mask;
    /** Row b is steps splits[b] up to, not including, splits[b+1]. */
    this.splits = new Int32Array(B + 1);
    for (let b = 0, n = 0; b < B; b++) {
      if (!mask) n += T;
      else for (let t = b * T; t < (b + 1) * T; t++) if (mask[t]) n++;
      this.splits[b + 1] = n;
    }
    /** Steps that count in the whole batch. */
    this.N = this.splits[B];
    this.splitsPointer = 0;
  }
}

/**
 * Values of a layer: a sequence holds a row a step that counts, closed up; anything else a row a text.
 */
export class Tensor {
  /**
   * @param {number} pointer  float32 (ids: int32) in the heap
   * @param {number} rows
   * @param {number} features
   * @param {Steps} steps
   * @param {boolean} sequence
   */
  constructor(pointer, rows, features, steps, sequence) {
    this.pointer = pointer;
    this.rows = rows;
    this.features = features;
    this.steps = steps;
    this.sequence = sequence;
  }
}
