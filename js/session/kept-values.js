/**
 * The values of each layer that a session keeps from one run to the next.
 * @module
 */
/** @typedef {import('../layers/layer.js').Layer} Layer */

/** Rows of numbers, one for each step. An edit replaces some rows in the middle by more, fewer or none. */
export class Rows {
  N = 0;
  width = 0;
  data = new Float32Array(0);

  /**
   * Keeps rows at the front and at the back. The caller then writes the rows between them.
   * @param {number} front  rows to keep
   * @param {number} back  rows to keep
   * @param {number} N  number of rows after the edit
   * @param {number} width  number of values in a row
   */
  open(front, back, N, width) {
    const old = this.data;
    // Reallocate to grow, or to release memory after a much longer text.
    if (N * width > old.length || old.length > 4 * N * width + 65536) {
      this.data = new Float32Array(Math.ceil(N * 1.25 + 64) * width);
      this.data.set(old.subarray(0, front * width));
    }
    const from = (this.N - back) * width;
    if (back) this.data.set(old.subarray(from, from + back * width), (N - back) * width);
    this.N = N;
    this.width = width;
  }

  /** A view of rows from .. to-1. @param {number} from @param {number} to */
  view(from, to) {
    return this.data.subarray(from * this.width, to * this.width);
  }

  /** @param {number} at  first row @param {Float32Array} values */
  write(at, values) {
    this.data.set(values, at * this.width);
  }
}

/** The states of one direction of a recurrent layer after each step; c is unused if the cell has no c. @typedef {{ h: Rows, c: Rows }} StateRows */

/** One use of a layer in the graph, with its output. A layer that the graph uses twice has two of these. */
export class Use {
  /** Index of the last run that called it. */
  run = -1;
  /** Identities of its inputs in that run; see Overlap.origin. @type {object[]} */
  origins = [];
  /** Identities of its outputs. @type {object[]} */
  outputs = [{}, {}];
  /** Number of steps of its input. */
  N = 0;
  /** Shape of its output for one step. @type {(number | null)[]} */
  shape = [];
  /** Its output. */
  values = new Rows();
  /** Recurrent layers: the states of each direction. @type {StateRows[]} */
  states = [0, 1].map(() => ({ h: new Rows(), c: new Rows() }));

  /** @param {Layer} layer */
  constructor(layer) {
    this.layer = layer;
  }
}
