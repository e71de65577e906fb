/**
 * Padding and pooling along time with options of ONNX that Keras lacks. Each row is padded at the ends of its own steps.
 * @module
 */
import { ShapeError, STEPS_MOST } from '../../errors.js';
import { isCount } from '../layer.js';
import { Resizing } from './conv.js';
/** @typedef {import('../tensor.js').Tensor} Tensor */

/** Mode -> the step of a row of T steps whose values are copied to position t, which may be outside of the row; -1 for none. @type {Record<string, (t: number, T: number) => number>} */
const modes = {
  constant: (t, T) => (t >= 0 && t < T ? t : -1),
  edge: (t, T) => Math.min(Math.max(t, 0), T - 1),
  // 2 1 0 1 2 1 0: the ends are not repeated.
  reflect: (t, T) => (t < 0 ? -t : t < T ? t : 2 * (T - 1) - t),
  wrap: (t, T) => ((t % T) + T) % T,
};

/** Base of layers that add steps before and after each row. */
class Padding extends Resizing {
  /** Number of steps to add before and after. @returns {[number, number]} */
  get widths() {
    const given = this.list('padding');
    if (given.length !== 2 || !given.every((count) => count === 0 || (isCount(count) && count <= STEPS_MOST)))
      throw this.wrong('padding', given, `two integers from 0 to ${STEPS_MOST}`);
    return [given[0], given[1]];
  }
}

/** Pads each row: with `value`, or by mode `edge`, `reflect` or `wrap` with steps of the row. */
export class PadSteps extends Padding {
  /** @override */
  static className = 'padless>PadSteps';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {import('../tensor.js').Spec} input */
  build(input) {
    const { mode = 'constant' } = this.config;
    if (!Object.hasOwn(modes, mode)) throw this.wrong('mode', mode, `one of ${Object.keys(modes).join(', ')}`);
    this.stepAt = modes[mode];
    // JSON has no Infinity, so it is stored as text.
    this.fill = Number(this.config.value ?? 0);
    return super.build(input);
  }

  /** A row without steps has no values to repeat, so it stays empty. @override @param {number} T */
  lengthOf(T) {
    const [before, behind] = this.widths;
    return T === 0 && this.config.mode ? 0 : T + before + behind;
  }

  /** @override @param {number} t @param {number} T */
  sourceOf(t, T) {
    return this.stepAt?.(t - this.widths[0], T) ?? -1;
  }

  /** @override @param {Tensor} x */
  call(x) {
    const least = this.config.mode === 'reflect' ? Math.max(...this.widths) + 1 : 1;
    for (let b = 0; b < x.B; b++) {
      const T = x.time.length(b);
      if (T > 0 && T < least)
        throw new ShapeError(`${this.path}: row ${b} has ${T} steps, expected ${least} to be reflected at its ends`);
    }
    return super.call(x);
  }
}

/** Max or average pooling, with padding of any width at both ends, ceil_mode and dilation. */
export class PoolSteps extends Padding {
  /** @override */
  static className = 'padless>PoolSteps';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** Number of steps added before and after a row of T steps. @param {number} T @returns {[number, number]} */
  ends(T) {
    const { padding } = this.config;
    if (padding !== 'same_upper' && padding !== 'same_lower') return this.widths;
    const { span, stride } = this;
    const all = Math.max((Math.ceil(T / stride) - 1) * stride + span - T, 0);
    return padding === 'same_lower' ? [Math.ceil(all / 2), Math.floor(all / 2)] : [Math.floor(all / 2), Math.ceil(all / 2)];
  }

  get stride() {
    return this.count('strides', 1);
  }

  get dilation() {
    return this.count('dilation_rate', 1);
  }

  get span() {
    return (this.count('pool_size') - 1) * this.dilation + 1;
  }

  /** @override @param {number} T */
  lengthOf(T) {
    const [before, behind] = this.ends(T);
    const { stride, span } = this;
    const count = (T + before + behind - span) / stride;
    if (!this.config.ceil_mode) return Math.max(0, Math.floor(count) + 1);
    // The last window must not begin after the end of the row.
    const windows = Math.ceil(count) + 1;
    return Math.max(0, (windows - 1) * stride >= T + before ? windows - 1 : windows);
  }

  /** @override @param {Tensor} given */
  call(given) {
    const x = given.unmasked();
    const { stride, dilation, config } = this;
    const [size, D] = [this.count('pool_size'), x.features];
    /** How many positions of the window that begins at `from` are before `step`. */
    const below = (/** @type {number} */ step, /** @type {number} */ from) =>
      Math.min(Math.max(Math.ceil((step - from) / dilation), 0), size);
    return this.filled(x, (row, y) => {
      const T = row.length / D;
      const [before, behind] = this.ends(T);
      for (let t = 0; t < y.length / D; t++) {
        const from = t * stride - before;
        const [first, end] = [below(0, from), below(T, from)];
        const count = config.count_include_pad ? below(T + behind, from) : end - first;
        for (let d = 0; d < D; d++) {
          let [best, sum] = [-Infinity, 0];
          for (let i = first; i < end; i++) {
            const value = row[(from + i * dilation) * D + d];
            best = Math.max(best, value);
            sum += value;
          }
          y[t * D + d] = config.mode === 'max' ? best : sum / count;
        }
      }
    });
  }
}
