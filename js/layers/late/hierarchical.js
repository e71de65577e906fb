/**
 * Scores of classes from decisions in a binary tree.
 * @module
 */
import { ModelFileError, ShapeError } from '../../errors.js';
import { Layer } from '../layer.js';
/** @typedef {import('../tensor.js').Spec} Spec */
/** @typedef {import('../tensor.js').Tensor} Tensor */

/** Added to each probability, because fastText adds it before it takes the logarithm. */
const EPSILON = 1e-5;

/**
 * The hierarchical softmax of fastText 0.9.3 (loss `hs`): x [.., N] has a value for each inner node of a tree whose N + 1 leaves are the classes. At
 * node i, the branch to the right child has the probability sigmoid(x[i]). The score of a class is the product of (probability + 1e-5) over its path.
 */
export class HierarchicalSoftmax extends Layer {
  /** @override */
  static className = 'padless>HierarchicalSoftmax';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    this.needValues(input);
    const N = input.features;
    const { children } = this.config;
    if (!Array.isArray(children) || children.length !== N)
      throw new ShapeError(`${this.path}: children has ${children?.length} nodes, but the input has ${N} values`);
    // Nodes 0 to N are the leaves, N + 1 + i is inner node i, and the last is the root. Children have lower numbers than their parents.
    const parents = new Int32Array(2 * N + 1);
    children.forEach((pair, i) => {
      if (!Array.isArray(pair) || pair.length !== 2 || pair.some((child) => !Number.isInteger(child) || child < 0 || child > N + i))
        throw new ModelFileError(`${this.path}: children[${i}] is not [left, right], each a number from 0 to ${N + i}`);
      for (const child of pair) parents[child]++;
    });
    if (parents.subarray(0, 2 * N).some((count) => count !== 1))
      throw new ModelFileError(`${this.path}: children is not a tree: a node has no parent, or several`);
    /** @type {Int32Array} */
    this.children = Int32Array.from(children.flat());
    return input.ofFeatures(N + 1);
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    const { heap, rows, features: N, pointer } = x;
    const children = /** @type {Int32Array} */ (this.children);
    const y = heap.reserve32(rows * (N + 1));
    const values = heap.f32View(pointer, rows * N);
    const answer = heap.f32View(y, rows * (N + 1));
    const scores = new Float64Array(2 * N + 1);
    for (let row = 0; row < rows; row++) {
      scores[2 * N] = 1;
      for (let i = N - 1; i >= 0; i--) {
        const right = 1 / (1 + Math.exp(-values[row * N + i]));
        scores[children[2 * i]] = scores[N + 1 + i] * (1 - right + EPSILON);
        scores[children[2 * i + 1]] = scores[N + 1 + i] * (right + EPSILON);
      }
      answer.set(scores.subarray(0, N + 1), row * (N + 1));
    }
    return x.ofFeatures(y, N + 1);
  }
}
