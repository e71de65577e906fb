/**
 * Layers that combine several inputs element by element, or concatenate them.
 * @module
 */
import { op as ops } from '../../dist/abi.js';
import { ShapeError, UnsupportedError } from '../../errors.js';
import { Layer } from '../layer.js';
import { Spec, Steps, Tensor } from '../tensor.js';
/** @typedef {import('../tensor.js').Rules} Rules */

/** The fields of Spec that name a layer before any of the inputs. @param {Spec[]} inputs */
const layersBehind = (inputs) => ({
  unlikePadding: inputs.find((x) => x.unlikePadding)?.unlikePadding ?? '',
  maskRemovedBy: inputs.find((x) => x.maskRemovedBy)?.maskRemovedBy ?? '',
});

/** Base of the merge layers: broadcasts the inputs to the shape of the result, combines the first two, then the result with the third, ... */
export class Merge extends Layer {
  /** @returns {number} pl_op */
  get op() {
    return ops.add;
  }

  /** @param {any} inputs @returns {Spec[]} */
  needSeveral(inputs) {
    const list = Array.isArray(inputs) ? inputs : [inputs];
    if (list.length < 2 || list.some((x) => !(x instanceof Spec) || x.ids))
      throw new ShapeError(`${this.path}: ${this.className} needs a list of at least 2 inputs of values, got ${list.length}`);
    return list;
  }

  /**
   * Fields of the result's Spec that follow from the masks of the inputs. Records in `rules` whether the masks need the padded form.
   * @param {Spec[]} inputs
   * @param {Rules} rules
   */
  mergeMasks(inputs, rules) {
    const sequences = inputs.filter((x) => x.sequence);
    const masked = inputs.filter((x) => x.masked);
    const times = new Set(sequences.filter((x) => x.shape[0] !== 1).map((x) => x.time));
    if (masked.length && times.size > 1) rules.needsPadded.add(this.path);
    // Keras 3: the result has a mask only if all inputs have one.
    const losesMask = !rules.select && !rules.andMasks && masked.length > 0 && masked.length < inputs.length;
    if (losesMask) rules.readsPadding.add(this.path);
    return {
      masked: masked.length > 0 && !losesMask,
      time: times.size === 1 && !losesMask ? [...times][0] : times.size ? {} : null,
      ...layersBehind(inputs),
    };
  }

  /**
   * @override
   * @param {any} given
   * @param {Rules} rules
   */
  build(given, rules) {
    const inputs = this.needSeveral(given);
    if (this.op === ops.subtract && inputs.length !== 2)
      throw new ShapeError(`${this.path}: ${this.className} takes 2 inputs, got ${inputs.length}`);
    const rank = Math.max(...inputs.map((x) => x.shape.length));
    if (rank > 2 && new Set(inputs.map((x) => x.shape.join())).size > 1)
      throw new UnsupportedError(
        `${this.path}: ${this.className} of [${inputs.map((x) => x.shape.join()).join('] and [')}]; padless broadcasts up to [B, T, D]`,
      );
    const features = Math.max(...inputs.map((x) => x.features));
    const lengths = inputs.filter((x) => x.shape.length === rank && rank > 1).map((x) => x.shape[0]);
    const T = lengths.find((length) => length !== 1 && length !== null) ?? (lengths.includes(null) ? null : lengths[0]);
    for (const x of inputs) {
      const featuresFit = x.features === features || x.features === 1;
      const [length] = x.shape;
      const lengthFits = x.shape.length < rank || rank === 1 || length === null || T === null || length === T || length === 1;
      if (!featuresFit || !lengthFits)
        throw new ShapeError(
          `${this.path}: ${this.className} of [${inputs.map((each) => each.shape.join()).join('] and [')}], which cannot be broadcast together`,
        );
    }
    const longest = inputs.find((x) => x.shape.length === rank && (rank === 1 || x.shape[0] === T)) ?? inputs[0];
    return longest.with({ shape: [...longest.shape.slice(0, -1), features], ...this.mergeMasks(inputs, rules) });
  }

  /**
   * @override
   * @param {Tensor[]} inputs
   */
  call(inputs) {
    const target = largest(inputs, this.path);
    const features = Math.max(...inputs.map((x) => x.features));
    const { heap, rows } = target;
    const n = rows * features;
    const pointers = inputs.map((x) => this.broadcast(x, target, features));
    const y = heap.copy32(pointers[0], n);
    const masks = inputs.map((x) => (this.andMasks ? null : (x.keep?.mask ?? null)));
    this.beforeFirst(heap, y, masks[0], features);
    pointers.slice(1).forEach((pointer, i) => {
      const x = masks.some(Boolean) ? heap.copy32(pointer, n) : pointer;
      this.beforeEach(heap, y, x, masks, i + 1, features);
      heap.exports.pl_elementwise(y, y, x, this.op, n);
    });
    this.finish(heap, y, n, inputs.length);
    const keep = mergedKeep(inputs, this.andMasks);
    if (keep) this.fillPadding(heap, y, inputs, keep, features);
    const result = target.ofFeatures(y, features);
    return target.steps ? result.withMask(keep) : result;
  }

  /**
   * Called with the result, which it may change. @param {import('../../runtime/memory.js').Heap} _heap @param {number} _y @param {number} _n  values @param {number} _inputs
   */
  finish(_heap, _y, _n, _inputs) {}

  /** Called with a copy `_y` of the first input: sets its values at padding as Keras 3 does. @param {import('../../runtime/memory.js').Heap} _heap @param {number} _y @param {Uint8Array | null} _mask @param {number} _features */
  beforeFirst(_heap, _y, _mask, _features) {}

  /** Called before input `_i`, copied to `_x`, is combined with the result `_y` so far: sets their values at padding as Keras 3 does. @param {import('../../runtime/memory.js').Heap} _heap @param {number} _y @param {number} _x @param {(Uint8Array | null)[]} _masks @param {number} _i @param {number} _features */
  beforeEach(_heap, _y, _x, _masks, _i, _features) {}

  /** Called with a result that has a mask: sets its values at padding as Keras 3 does. @param {import('../../runtime/memory.js').Heap} _heap @param {number} _y @param {Tensor[]} _inputs @param {Steps} _keep @param {number} _features */
  fillPadding(_heap, _y, _inputs, _keep, _features) {}

  /** Rules.andMasks of the model; set by the model. */
  andMasks = false;

  /**
   * The values of x, broadcast to the steps of `target` and to `features`.
   * @param {Tensor} x
   * @param {Tensor} target
   * @param {number} features
   * @returns {number} pointer
   */
  broadcast(x, target, features) {
    const { heap, steps } = target;
    let { pointer } = x;
    const { rows } = x;
    if (x.features !== features) {
      const wide = heap.reserve32(rows * features);
      heap.exports.pl_repeat_feature(wide, pointer, rows, features);
      pointer = wide;
    }
    if (!steps || (x.steps && x.steps.equals(steps))) return pointer;
    // A vector, or a sequence of one step, is repeated for each step.
    if (x.steps && !isOneStep(x))
      throw new ShapeError(
        `${this.path}: sequences of different lengths, ${x.steps.T} and ${steps.T} steps (${x.steps.N} and ${steps.N} in the batch)`,
      );
    const long = heap.reserve32(steps.N * features);
    heap.exports.pl_repeat_rows(long, pointer, steps.pointer, target.B, features);
    return long;
  }
}

/** Whether x is [B, 1, D]. @param {Tensor} x */
const isOneStep = (x) => x.shape.length === 2 && x.time.T === 1 && x.time.uniform;

/** The input with the shape of the result, apart from features. @param {Tensor[]} inputs @param {string} path */
function largest(inputs, path) {
  const rank = Math.max(...inputs.map((x) => x.shape.length));
  const whole = inputs.filter((x) => x.shape.length === rank);
  const found = whole.find((x) => rank === 1 || !isOneStep(x)) ?? whole[0];
  if (inputs.some((x) => x.B !== found.B)) throw new ShapeError(`${path}: inputs of ${inputs.map((x) => x.B).join(' and ')} rows`);
  return found;
}

/** The masks of the inputs, combined by AND or OR. @param {Tensor[]} inputs @param {boolean} and @returns {Steps | null} */
function mergedKeep(inputs, and) {
  const sequences = inputs.filter((x) => x.steps && x.steps.T !== 1);
  const masks = sequences.flatMap((x) => (x.keep ? [x.keep] : []));
  if (masks.length === 0 || (!and && inputs.some((x) => !x.keep))) return null;
  if (masks.every((keep) => keep === masks[0])) return masks[0];
  const { heap } = inputs[0];
  const { B, T } = masks[0];
  const merged = Uint8Array.from({ length: B * T }, (_, i) => {
    const counts = masks.map(({ mask }) => !mask || mask[i] !== 0);
    return Number(and ? !counts.includes(false) : counts.includes(true));
  });
  return new Steps(heap, B, T, merged);
}

export class Add extends Merge {
  /** @override */
  static className = 'Add';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';
}
export class Subtract extends Merge {
  /** @override */
  static className = 'Subtract';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  get op() {
    return ops.subtract;
  }
}
/** Keras 3: where a step is padding in some inputs, these have the value 1; where it is padding in all inputs, the result is 0. */
export class Multiply extends Merge {
  /** @override */
  static className = 'Multiply';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  get op() {
    return ops.multiply;
  }
  /** @override @param {import('../../runtime/memory.js').Heap} heap @param {number} y @param {Uint8Array | null} mask @param {number} features */
  beforeFirst(heap, y, mask, features) {
    fillWhere(heap, y, mask, features, 1);
  }
  /** @override @param {import('../../runtime/memory.js').Heap} heap @param {number} _y @param {number} x @param {(Uint8Array | null)[]} masks @param {number} i @param {number} features */
  beforeEach(heap, _y, x, masks, i, features) {
    fillWhere(heap, x, masks[i], features, 1);
  }
  /** @override @param {import('../../runtime/memory.js').Heap} heap @param {number} y @param {Tensor[]} inputs @param {Steps} keep @param {number} features */
  fillPadding(heap, y, inputs, keep, features) {
    if (!this.andMasks && inputs.every((x) => x.keep)) fillWhere(heap, y, keep.mask, features, 0);
  }
}

/** Sets steps at padding to `value`. @param {import('../../runtime/memory.js').Heap} heap @param {number} y @param {Uint8Array | null} mask @param {number} features @param {number} value */
function fillWhere(heap, y, mask, features, value) {
  mask?.forEach((counts, i) => counts || heap.f32View(y + 4 * i * features, features).fill(value));
}

/** Keras 3: where a step is padding in one of two inputs, the result is the value of the other. */
class Extreme extends Merge {
  /** @override @param {import('../../runtime/memory.js').Heap} heap @param {number} y @param {number} x @param {(Uint8Array | null)[]} masks @param {number} i @param {number} features */
  beforeEach(heap, y, x, masks, i, features) {
    const before = masks.slice(0, i);
    // In Keras, the result so far has a mask only if all inputs so far have one.
    const allMasked = before.every(Boolean);
    const steps = masks.find(Boolean)?.length ?? 0;
    for (let n = 0; n < steps; n++) {
      const [a, b] = [heap.f32View(y + 4 * n * features, features), heap.f32View(x + 4 * n * features, features)];
      if (masks[i] && !masks[i]?.[n]) b.set(a);
      if (allMasked && !before.some((mask) => mask?.[n])) a.set(b);
    }
  }
}

export class Average extends Merge {
  /** @override */
  static className = 'Average';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override @param {import('../../runtime/memory.js').Heap} heap @param {number} y @param {number} n @param {number} inputs */
  finish(heap, y, n, inputs) {
    heap.exports.pl_scale(y, y, 1 / inputs, 0, n);
  }
}
export class Maximum extends Extreme {
  /** @override */
  static className = 'Maximum';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  get op() {
    return ops.maximum;
  }
}
export class Minimum extends Extreme {
  /** @override */
  static className = 'Minimum';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** @override */
  get op() {
    return ops.minimum;
  }
}

/** Keras Concatenate: over features (axis -1), or over time (axis 1). */
export class Concatenate extends Merge {
  /** @override */
  static className = 'Concatenate';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /**
   * @override
   * @param {any} given
   * @param {Rules} rules
   */
  build(given, rules) {
    const inputs = this.needSeveral(given);
    const rank = inputs[0].shape.length;
    const axis = this.config.axis ?? -1;
    this.overTime = rank === 2 && (axis === 1 || axis === -2);
    if (inputs.some((x) => x.shape.length !== rank) || (!this.overTime && axis !== -1 && axis !== rank))
      throw new UnsupportedError(
        `${this.path}: Concatenate of [${inputs.map((x) => x.shape.join()).join('] and [')}] along axis ${axis}; padless supports the last axis and the time axis, 1`,
      );
    if (!this.overTime) {
      const features = inputs.reduce((sum, x) => sum + x.features, 0);
      const merged = this.mergeMasks(inputs, { ...rules, andMasks: true });
      return inputs[0].with({ shape: [...inputs[0].shape.slice(0, -1), features], ...merged });
    }
    if (inputs.some((x) => x.features !== inputs[0].features))
      throw new ShapeError(`${this.path}: Concatenate over time of ${inputs.map((x) => x.features).join(' and ')} features`);
    const lengths = inputs.map((x) => x.shape[0]);
    const T = lengths.includes(null) ? null : lengths.reduce((sum, length) => Number(sum) + Number(length), 0);
    const masked = inputs.some((x) => x.masked);
    return inputs[0].with({ shape: [T, inputs[0].features], masked, time: {}, ...layersBehind(inputs) });
  }

  /**
   * @override
   * @param {Tensor[]} inputs
   */
  call(inputs) {
    if (this.overTime) return this.#overTime(inputs);
    const { heap, rows } = inputs[0];
    const features = inputs.reduce((sum, x) => sum + x.features, 0);
    const y = heap.reserve32(rows * features);
    let column = 0;
    for (const x of inputs) {
      if (x.rows !== rows || (x.steps && inputs[0].steps && !x.steps.equals(inputs[0].steps)))
        throw new ShapeError(`${this.path}: inputs of ${rows} and ${x.rows} steps`);
      heap.exports.pl_copy_columns(y + 4 * column, x.pointer, features, x.features, rows, x.features);
      column += x.features;
    }
    // Keras ORs the masks; for an input without a mask, all steps count.
    const keep = inputs.every((x) => x.keep) ? mergedKeep(inputs, this.andMasks) : null;
    return inputs[0].ofFeatures(y, features).withMask(this.andMasks ? mergedKeep(inputs, true) : keep);
  }

  /** Over time: appends the sequences of each text to each other. @param {Tensor[]} inputs */
  #overTime(inputs) {
    const { heap, B, features } = inputs[0];
    const times = inputs.map((x) => x.time);
    const T = times.reduce((sum, time) => sum + time.T, 0);
    /** @param {(x: Tensor) => Uint8Array | null | undefined} of */
    const masks = (of) => {
      if (!inputs.some(of)) return null;
      const mask = new Uint8Array(B * T).fill(1);
      for (let b = 0; b < B; b++) {
        let at = b * T;
        for (const x of inputs) {
          const part = of(x);
          if (part) mask.set(part.subarray(b * x.time.T, (b + 1) * x.time.T), at);
          at += x.time.T;
        }
      }
      return mask;
    };
    const steps = new Steps(
      heap,
      B,
      T,
      masks((x) => x.time.mask),
    );
    const kept = masks((x) => x.keep?.mask);
    const y = heap.reserve32(steps.N * features);
    for (let b = 0, to = y; b < B; b++) {
      for (const x of inputs) {
        const n = x.time.length(b) * features;
        heap.f32View(to, n).set(heap.f32View(x.pointer + 4 * x.time.splits[b] * features, n));
        to += 4 * n;
      }
    }
    return new Tensor(heap, y, B, [T, features], steps, kept ? new Steps(heap, B, T, kept) : null);
  }
}
