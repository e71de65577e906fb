/**
 * Keras Dot.
 * @module
 */
import { ShapeError, UnsupportedError } from '../../errors.js';
import { Merge } from './merge.js';
import { matrixOf, shaped, transposedMatrices } from './shape.js';
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/** Keras Dot: the product of two inputs of up to [B, T, D], summed over one axis of each. */
export class Dot extends Merge {
  /** @override */
  static className = 'Dot';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {any} given
   */
  build(given) {
    const inputs = this.needSeveral(given);
    const [a, b] = inputs;
    if (inputs.length !== 2 || a.shape.length > 2 || b.shape.length > 2)
      throw new UnsupportedError(
        `${this.path}: Dot of [${inputs.map((x) => x.shape.join()).join('] and [')}]; padless supports two inputs of up to [B, T, D]`,
      );
    const { axes } = this.config;
    /** @param {Spec} x @param {number} i */
    const axisOf = (x, i) => {
      const axis = Array.isArray(axes) ? axes[i] : axes;
      return axis < 0 ? x.shape.length + 1 + axis : axis;
    };
    this.axes = [axisOf(a, 0), axisOf(b, 1)];
    inputs.forEach((x, i) => {
      if (!(this.axes?.[i] === 1 || this.axes?.[i] === x.shape.length))
        throw new ShapeError(
          `${this.path}: Dot has axes=${JSON.stringify(axes)} for [B, ${x.shape}], expected its first or last axis after the batch`,
        );
      if (x.sequence) this.readsPadding(x);
    });
    inputs.forEach((x) => x.sequence && x.rules.needsLength.add(this.path));
    const [summedA, summedB] = inputs.map((x, i) => x.shape[(this.axes?.[i] ?? 1) - 1]);
    if (summedA !== null && summedB !== null && summedA !== summedB)
      throw new ShapeError(`${this.path}: Dot sums over axes of sizes ${summedA} and ${summedB}, expected equal sizes`);
    const rest = inputs.flatMap((x, i) => x.shape.filter((_, axis) => axis !== (this.axes?.[i] ?? 1) - 1));
    return a.with({ shape: rest.length ? rest : [1], masked: false, time: rest.length > 1 ? {} : null });
  }

  /**
   * @override
   * @param {Tensor[]} inputs
   */
  call(inputs) {
    const [a, b] = inputs.map((x, i) => {
      const [M, N] = matrixOf(x, this.path);
      // Transpose if the summed axis is not the last.
      const first = x.steps && this.axes?.[i] === 1;
      const [rows, width] = first ? [N, M] : [M, N];
      let pointer = first ? transposedMatrices(x, M, N) : x.pointer;
      if (this.config.normalize) {
        const unit = x.heap.reserve32(x.B * rows * width);
        x.heap.exports.pl_unit_norm(unit, pointer, x.B * rows, width);
        pointer = unit;
      }
      return { pointer, rows, width };
    });
    const { heap, B } = inputs[0];
    if (a.width !== b.width)
      throw new ShapeError(`${this.path}: Dot sums over axes of sizes ${a.width} and ${b.width}, expected equal sizes`);
    const y = heap.reserve32(B * a.rows * b.rows);
    heap.exports.pl_batch_product(y, a.pointer, b.pointer, B, a.rows, a.width, b.rows);
    const shape = [...(inputs[0].steps ? [a.rows] : []), ...(inputs[1].steps ? [b.rows] : [])];
    return shaped(heap, y, B, shape.length ? shape : [1]);
  }
}
