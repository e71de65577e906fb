/**
 * Keras Masking.
 * @module
 */
import { Layer } from '../layer.js';
import { Steps, Tensor } from '../tensor.js';
/** @typedef {import('../tensor.js').Spec} Spec */

/** Keras Masking: a step is padding if all its values equal mask_value. */
export class Masking extends Layer {
  /** @override */
  static className = 'Masking';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    this.needSequence(input);
    // In Keras, the new mask replaces that of the input.
    this.readsPadding(input);
    this.value = Math.fround(this.number('mask_value', 0));
    return input.with({ masked: true, time: {} });
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    const { heap, features } = x;
    const { value } = this;
    const { B, T, mask, N } = x.time;
    const values = x.view();
    const kept = Array.from({ length: N }, (_, n) => values.subarray(n * features, (n + 1) * features).some((v) => v !== value));
    /** The mask [B, T]. */
    const counts = new Uint8Array(B * T);
    for (let i = 0, n = 0; i < B * T; i++) if (!mask || mask[i]) counts[i] = Number(kept[n++]);
    const steps = new Steps(heap, B, T, counts);
    if (this.padded || this.zeroes) {
      const y = heap.copy32(x.pointer, N * features);
      const out = heap.f32View(y, N * features);
      kept.forEach((keep, n) => keep || out.fill(0, n * features, (n + 1) * features));
      return new Tensor(heap, y, B, x.shape, x.steps, steps);
    }
    const y = heap.reserve32(steps.N * features);
    heap.exports.pl_pack(y, x.pointer, heap.u8(kept.map(Number)), 1, N, features);
    return new Tensor(heap, y, B, x.shape, steps);
  }

  /** Set by the model if the output needs the padded form. */
  padded = false;

  /** Set by TimeDistributed of Keras 3, behind which this mask ends: zeros instead of steps that are left out. */
  zeroes = false;
}
