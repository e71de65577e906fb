/**
 * Keras EinsumDense, for equations that equal a dense layer over the last axes.
 * @module
 */
import { ShapeError, textOf, UnsupportedError } from '../../errors.js';
import { activationNumber } from '../../runtime/activations.js';
import { dense, packDense } from '../basic.js';
import { Layer } from '../layer.js';
import { product, Tensor } from '../tensor.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Rules} Rules */
/** @typedef {import('../tensor.js').Spec} Spec */

/** The element of the array x [sizes] at an index; 0 along axes that the index lacks. @param {Float32Array} x @param {string[]} axes @param {number[]} sizes @param {Map<string, number>} index */
function entry(x, axes, sizes, index) {
  return x[axes.reduce((at, axis, i) => at * sizes[i] + (index.get(axis) ?? 0), 0)];
}

/** Calls `visit` with each index of the axes, the last one fastest. @param {string[]} axes @param {number[]} sizes @param {(index: Map<string, number>) => void} visit */
function eachIndex(axes, sizes, visit) {
  const index = new Map(axes.map((axis) => [axis, 0]));
  const n = product(sizes);
  for (let i = 0; i < n; i++) {
    let rest = i;
    for (let k = axes.length - 1; k >= 0; k--) {
      index.set(axes[k], rest % sizes[k]);
      rest = Math.floor(rest / sizes[k]);
    }
    visit(index);
  }
}

/**
 * y[..., n] = activation(sum_k x[..., k] W[k, n] + b[n]), where k and n are one or more axes: `abc,cd->abd`, `abc,cde->abde`, `abcd,cde->abe`,
 * `...x,xy->...y`. Throws for equations that sum over axes other than the last ones.
 */
export class EinsumDense extends Layer {
  /** @override */
  static className = 'EinsumDense';

  /** @override @type {import('../tensor.js').Framework[]} */
  static ignoresMaskIn = ['keras3', 'keras2'];

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /**
   * The axes of input, kernel and output as letters. Leading axes that an ellipsis stands for are left out.
   * @param {number} rank  of the input, with the batch
   */
  #axes(rank) {
    const equation = textOf(this.config.equation).replaceAll(' ', '');
    const [, ...parts] = /^(?:\.\.\.)?([a-z]+),([a-z]+)->(?:\.\.\.)?([a-z]+)$/i.exec(equation) ?? [];
    const [input, kernel, output] = parts.map((part) => [...part]);
    const elided = equation.includes('...');
    const summed = input?.filter((axis) => kernel.includes(axis)) ?? [];
    const leading = input?.slice(0, input.length - summed.length) ?? [];
    const added = kernel?.filter((axis) => !summed.includes(axis)) ?? [];
    const made = output?.slice(leading.length) ?? [];
    const fits =
      input &&
      [input, kernel, output].every((part) => new Set(part).size === part.length) &&
      summed.length > 0 &&
      input.slice(leading.length).every((axis) => summed.includes(axis)) &&
      output.slice(0, leading.length).join() === leading.join() &&
      [...made].sort().join() === [...added].sort().join() &&
      added.length > 0 &&
      !added.some((axis) => leading.includes(axis)) &&
      (equation.match(/\.\.\./g) ?? []).length === (elided ? 2 : 0) &&
      (elided ? leading.length < rank - summed.length + 1 : input.length === rank);
    // The sum must not run over the batch axis, nor over the time axis of a sequence.
    if (!fits || rank - summed.length < Math.min(2, rank - 1))
      throw new UnsupportedError(
        `${this.path}: EinsumDense has the equation ${JSON.stringify(this.config.equation)} for ${rank} axes; padless supports sums over the last axes, such as abc,cd->abd, abc,cde->abde and abcd,cde->abe: use Permute or Reshape and a Dense`,
      );
    return { summed, added: made, kernel };
  }

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.needValues(input);
    const rank = input.shape.length;
    const { summed, added, kernel } = this.#axes(rank + 1);
    const from = rank - summed.length;
    const given = [this.config.output_shape].flat();
    const sizes = given.slice(given.length - added.length);
    const inner = /** @type {number[]} */ (input.shape.slice(from));
    if (sizes.length < added.length || ![...sizes, ...inner].every((size) => Number.isSafeInteger(size) && size > 0))
      throw new ShapeError(
        `${this.path}: EinsumDense of [B, ${input.shape}] with output_shape=${JSON.stringify(this.config.output_shape)}; expected sizes of the axes ${summed.concat(added).join(', ')}`,
      );
    const allSizes = [...inner, ...sizes];
    const allAxes = [...summed, ...added];
    this.act = activationNumber(this.config.activation, this.path, rules.kerasMajor);
    this.axes = { summed, added, kernel };
    this.inner = inner;
    this.outer = sizes;
    this.addWeight(
      'kernel',
      kernel.map((axis) => allSizes[allAxes.indexOf(axis)]),
    );
    const biased = [...textOf(this.config.bias_axes ?? '')];
    if (biased.some((axis) => !added.includes(axis)))
      throw new UnsupportedError(
        `${this.path}: EinsumDense has bias_axes=${JSON.stringify(this.config.bias_axes)}; padless supports axes of the kernel: ${added.join(', ')}`,
      );
    if (biased.length) {
      const first = Math.min(...biased.map((axis) => added.indexOf(axis)));
      const shape = sizes.map((size, i) => (biased.includes(added[i]) ? size : 1)).slice(first);
      this.addWeight('bias', shape);
    }
    return input.with({ shape: [...input.shape.slice(0, from), ...sizes] });
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const { axes = { summed: [], added: [], kernel: [] }, inner = [], outer = [] } = this;
    const kernel = this.weight('kernel');
    const bias = this.weights.get('bias');
    /** @type {number[]} */
    const matrix = [];
    eachIndex([...axes.summed, ...axes.added], [...inner, ...outer], (index) =>
      matrix.push(entry(kernel.data, axes.kernel, kernel.shape, index)),
    );
    /** @type {number[]} */
    const vector = [];
    if (bias) {
      const biased = axes.added.slice(axes.added.length - bias.shape.length);
      eachIndex(axes.added, outer, (index) => {
        const within = new Map([...index].map(([axis, i]) => [axis, bias.shape[biased.indexOf(axis)] === 1 ? 0 : i]));
        vector.push(entry(bias.data, biased, bias.shape, within));
      });
    }
    this.packed = packDense(heap, new Float32Array(matrix), bias && new Float32Array(vector), product(inner), product(outer));
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    const { packed = 0, inner = [], outer = [], act = 0 } = this;
    const { heap, B, steps, keep } = x;
    const [K, N] = [product(inner), product(outer)];
    const flat = new Tensor(heap, x.pointer, B, [...x.shape.slice(0, x.shape.length - inner.length), K], steps, keep);
    const { pointer, rows } = dense(flat, packed, N);
    const D = /** @type {number} */ (outer.at(-1));
    if (act) heap.exports.pl_activate(pointer, pointer, act, (rows * N) / D, D);
    return new Tensor(heap, pointer, B, [...flat.shape.slice(0, -1), ...outer], steps, keep);
  }
}
