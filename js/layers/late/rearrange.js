/**
 * Rearrange: the importer of ONNX models makes it of Transpose and Reshape.
 * @module
 */
import { ModelFileError, ShapeError } from '../../errors.js';
import { arrayOf, reshaped, tensorOf, transposed } from '../arrays.js';
import { Layer } from '../layer.js';
import { product, Tensor } from '../tensor.js';
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Rules} Rules */
/** @typedef {string[][]} Axes  for each axis the names of its factors */

/** @param {string} side  such as `b t (h d)` @returns {Axes} */
const axesOf = (side) =>
  [...side.matchAll(/\(([^()]*)\)|([^\s()]+)/g)].map(([, several, one]) => (one ? [one] : several.split(' ').filter(Boolean)));

/**
 * Moves, splits and joins axes, as einops writes it: `b t (h d) -> b h t d` with sizes { h: 2 }. The first axis is the batch. Rows need equal
 * lengths unless the second axis stays where it is.
 */
export class Rearrange extends Layer {
  /** @override */
  static className = 'padless>Rearrange';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @param {import('../layer.js').LayerConfig} [config]  pattern, and sizes by the names in it */
  constructor(config = {}) {
    super(config);
    const sides = String(config.pattern).split('->').map(axesOf);
    const names = sides.map((side) => side.flat());
    const [from, to] = sides;
    if (
      sides.length !== 2 ||
      !from.length ||
      names[0].length !== new Set(names[0]).size ||
      [...names[0]].sort().join() !== [...names[1]].sort().join() ||
      from[0].length !== 1 ||
      to[0]?.join() !== from[0].join()
    )
      throw this.wrong('pattern', config.pattern, 'the same names on both sides of ->, the batch first');
    this.from = from;
    this.to = to;
  }

  /** The size of each name. @param {number[]} shape  with the batch @param {boolean} alone  whether each step is a separate row, so that axis 1 has size 1 @returns {Map<string, number>} */
  sizesOf(shape, alone) {
    const { sizes = {} } = this.config;
    if (shape.length !== this.from.length)
      throw new ShapeError(`${this.path}: an input of ${shape.length} axes for ${this.config.pattern}`);
    /** @type {Map<string, number>} */
    const found = new Map();
    this.from.forEach((axis, i) => {
      if (alone && i === 1) {
        for (const name of axis) found.set(name, 1);
        return;
      }
      const unknown = axis.filter((name) => !Number.isSafeInteger(sizes[name]) || sizes[name] < 1);
      const known = product(axis.filter((name) => !unknown.includes(name)).map((name) => sizes[name]));
      if (unknown.length > 1) throw new ModelFileError(`${this.path}: sizes of ${unknown.join(', ')} are missing`);
      const rest = shape[i] / known;
      if (!Number.isInteger(rest) || (!unknown.length && rest !== 1))
        throw new ShapeError(
          `${this.path}: axis ${i} of [${shape}] has size ${shape[i]}, expected ${axis.join(' * ')} with ${JSON.stringify(sizes)}`,
        );
      for (const name of axis) found.set(name, unknown.includes(name) ? rest : sizes[name]);
    });
    return found;
  }

  /** @param {Axes} axes @param {Map<string, number>} sizes */
  shapeOf(axes, sizes) {
    return axes.map((axis) => product(axis.map((name) => /** @type {number} */ (sizes.get(name)))));
  }

  /** The result for an array. @param {import('../arrays.js').NdArray} x @param {boolean} [alone]  see sizesOf() */
  rearranged(x, alone = false) {
    const { from, to } = this;
    const sizes = this.sizesOf(x.shape, alone);
    const [before, after] = [from.flat(), to.flat()];
    const apart = reshaped(
      x,
      before.map((name) => /** @type {number} */ (sizes.get(name))),
    );
    const moved =
      before.join() === after.join()
        ? apart
        : transposed(
            apart,
            after.map((name) => before.indexOf(name)),
          );
    return reshaped(moved, this.shapeOf(to, sizes));
  }

  /**
   * @override
   * @param {Spec} input
   * @param {Rules} rules
   */
  build(input, rules) {
    this.needValues(input);
    const { from, to } = this;
    this.keepsSteps = input.sequence && from.length > 2 && to.length > 2 && from[1].join() === to[1].join();
    if (!this.keepsSteps && input.sequence) {
      this.readsPadding(input);
      rules.needsLength.add(this.path);
    }
    // Compute the shapes for two lengths T: sizes that differ depend on T. The lengths are primes, so that no product equals them.
    const [one, two] = [1009, 7919].map(
      (T) => this.rearranged({ shape: [13, ...input.shape.map((size) => size ?? T)], values: () => 0 }).shape,
    );
    const shape = one.slice(1).map((size, i) => (size === two[i + 1] ? size : null));
    if (this.keepsSteps) return input.with({ shape });
    return input.with({ shape, masked: false, time: shape.length > 1 ? {} : null });
  }

  /** @override @param {Tensor} x */
  call(x) {
    if (!this.keepsSteps) return tensorOf(this.rearranged(arrayOf(x, this.path)), x.heap);
    // Pass each step as a separate row.
    const { N, T } = x.time;
    const shape = [N, 1, .../** @type {number[]} */ (x.shape.slice(1))];
    const y = this.rearranged({ shape, values: () => x.pointer }, true);
    return new Tensor(x.heap, y.values(x.heap), x.B, [T, ...y.shape.slice(2)], x.steps, x.keep);
  }
}
