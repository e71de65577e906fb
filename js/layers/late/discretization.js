/**
 * Keras Discretization.
 * @module
 */
import { ShapeError, UnsupportedError } from '../../errors.js';
import { isCount, Layer } from '../layer.js';
import { Spec, Steps, Tensor } from '../tensor.js';
/** @typedef {import('../basic.js').Embedding} Embedding */

/** The Spec of bins that an Embedding reads as token ids. */
class Bins extends Spec {
  /** @param {any} of  fields of a Spec; bins: number of bins; path: of the layer */
  constructor({ bins, path, ...of }) {
    super(of);
    this.bins = bins;
    this.path = path;
  }

  /** Checks the Embedding that reads the bins. @override @param {Partial<Spec>} change @returns {Spec} */
  with(change) {
    const { lookup } = change;
    if (lookup && Number(lookup.V) < this.bins)
      throw new ShapeError(
        `${lookup.path}: input_dim=${lookup.V}, expected at least ${this.bins}, the number of bins of ${this.path}`,
      );
    if (lookup?.config.mask_zero)
      throw new UnsupportedError(
        `${lookup.path}: an Embedding with mask_zero reads the bins of ${this.path}; padless computes masks only from ids of an input`,
      );
    return new Bins({ ...this, lookup: null, ...change });
  }
}

/** Keras Discretization of vectors [B, F]: the bin of a value is the number of boundaries <= value. Bins become ids, or one-hot or count vectors. */
export class Discretization extends Layer {
  /** @override */
  static className = 'Discretization';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    this.needValues(input);
    const { output_mode: mode = 'int' } = this.config;
    this.refuse({ output_mode: ['int', 'one_hot', 'multi_hot', 'count'], sparse: [false] });
    const bounds = this.list('bin_boundaries');
    if (bounds.length === 0)
      throw new UnsupportedError(`${this.path}: Discretization has no bin_boundaries: save the model after adapt()`);
    if (!bounds.every((bound, i) => typeof bound === 'number' && (i === 0 || bound >= bounds[i - 1])))
      throw this.wrong('bin_boundaries', bounds, 'numbers in ascending order');
    if (input.sequence)
      throw new ShapeError(`${this.path}: Discretization takes vectors [B, F], got [B, ${input.shape.map((size) => size ?? 'T')}]`);
    this.bounds = bounds.map(Math.fround);
    const bins = bounds.length + 1;
    const F = input.features;
    if (!isCount(F)) throw new ShapeError(`${this.path}: Discretization takes a known number of features`);
    this.mode = mode;
    if (mode === 'int') return new Bins({ ...input, shape: [F], ids: true, masked: false, time: {}, bins, path: this.path });
    // For a single feature, Keras removes the axis of length 1.
    return mode === 'one_hot' && F > 1 ? input.with({ shape: [F, bins], masked: false, time: {} }) : input.vector(bins);
  }

  /** The bin of a value. @param {number} value */
  #binOf(value) {
    const { bounds = [] } = this;
    // Like in NumPy, NaN is greater than all boundaries.
    if (Number.isNaN(value)) return bounds.length;
    let [low, high] = [0, bounds.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value >= bounds[middle]) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    const { heap, B, features: F } = x;
    const bins = Array.from(x.view(), (value) => this.#binOf(value));
    if (this.mode === 'int') return new Tensor(heap, heap.i32(Int32Array.from(bins)), B, [], new Steps(heap, B, F, null));
    const K = (this.bounds?.length ?? 0) + 1;
    const rows = this.mode === 'one_hot' ? B * F : B;
    const values = new Float32Array(rows * K);
    bins.forEach((bin, i) => {
      const at = Math.floor((i * rows) / (B * F)) * K + bin;
      values[at] = this.mode === 'count' ? values[at] + 1 : 1;
    });
    const y = heap.f32(values);
    return rows === B ? x.vector(y, K) : new Tensor(heap, y, B, [F, K], new Steps(heap, B, F, null));
  }
}
