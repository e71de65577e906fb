/**
 * Operators that move, split and join axes. Most only change how later nodes see a tensor.
 * @module
 */
import { checkFolded, Constant, expanded, scalar } from '../constants.js';
import { positioned } from './products.js';
import { sliceOf, slices, splitSizes, targetShape } from '../folding.js';
import { minus, plus, productOf, quotient, same, Size, times } from '../sizes.js';
import { axisOf, Factor, isBatch, Parts, RowOrder, RowStarts, sizeOf, Value } from '../values.js';
/** @typedef {import('../sizes.js').Extent} Extent */
/** @typedef {import('../converter.js').Converter} Converter */
/** @typedef {import('../converter.js').Node} Node */
/** @typedef {import('../converter.js').Any} Any */
/** @typedef {import('../converter.js').Operator} Operator */

/** Slice ends of at least this mean the end of the axis: exporters write the maximum int32 or int64. */
const INT_MAX = 2 ** 31 - 1;
/** Maximum number of Parts: a chain of Concat nodes could double their number at each node. */
const PARTS_MOST = 4096;

/** A slice in Keras JSON, by default [:]. @param {Record<string, any>} [config] */
const sliceKey = (config = {}) => ({ class_name: '__slice__', config });

/** A value with axes of size 1 removed from its view. @param {Value} value @param {number[]} axes */
const without = (value, axes) => value.with({ view: value.view.filter((_, i) => !axes.includes(i)) });

/**
 * The elements at indices `places` of an axis of fixed size.
 * @param {Converter} c @param {Node} node @param {Value} value @param {number} axis  of the view @param {number[]} places  ascending or descending by a fixed step
 * @returns {Value}
 */
function slicesOf(c, node, value, axis, places) {
  const own = value.view[axis];
  const size = Number(sizeOf(own));
  const step = places.length > 1 ? places[1] - places[0] : 1;
  if (places.length === size && step === 1) return value;
  if (places.length === 0) c.refuse(node, `takes no element of an axis of ${size}`);
  const made = axisOf(places.length);
  // If the axis is the first of the factors of the features, cut a range of features.
  const features = value.groups[value.groups.length - 1];
  const leads = step === 1 && own.length > 0 && own.every((factor, i) => features[i] === factor);
  const groups = leads ? value.groups : c.withLast(value, own);
  const behind = leads ? features.slice(own.length) : [];
  const width = Number(sizeOf(behind));
  const from = c.arranged(node, value, groups);
  const [start, end] = [places[0] * width, (places[0] + step * places.length) * width];
  const key = sliceKey({ start, stop: end < 0 ? null : end, step });
  const output = c.builder.operation('GetItem', c.nameOf(node), [from, [...groups.slice(0, -1).map(() => sliceKey()), key]]);
  return new Value({
    output,
    groups: [...groups.slice(0, -1), [...made, ...behind]],
    view: value.view.map((each, i) => (i === axis ? made : each)),
    kind: value.kind,
    part: step === 1 ? { of: from, start, end, width: size * width } : null,
  });
}

/** The first or last step of each row. @param {Converter} c @param {Node} node @param {Value} value @param {number} axis @param {'padless>FirstStep' | 'padless>LastStep'} className */
function oneStep(c, node, value, axis, className) {
  const own = value.view[axis];
  const rest = value.stored.filter((factor) => !own.includes(factor));
  if (className === 'padless>LastStep') c.readsSteps(node, own);
  const from = c.arranged(node, value, [[c.batch], own, rest]);
  const output = c.builder.layer(className, c.nameOf(node), {}, from);
  return new Value({
    output,
    groups: [[c.batch], rest],
    view: value.view.map((each, i) => (i === axis ? [] : each)),
    kind: value.kind,
  });
}

/** A slice of an axis of symbolic size. @param {Converter} c @param {Node} node @param {Value} value @param {number} axis @param {Extent} start @param {Extent} end @param {number} step @returns {Value} */
function slicedSteps(c, node, value, axis, start, end, step) {
  const own = value.view[axis];
  const size = sizeOf(own);
  const whole = typeof end === 'number' && end >= INT_MAX;
  const [from, to] = [start, end].map((at) => (at instanceof Size ? minus(at, size) : at));
  if (own.length === 1 && step === 1) {
    if (start === 0 && (whole || same(end, size))) return value;
    if (start === 0 && end === 1) return oneStep(c, node, value, axis, 'padless>FirstStep');
    if (from === -1 && (whole || same(end, size))) return oneStep(c, node, value, axis, 'padless>LastStep');
    const behind = whole || same(end, size) ? 0 : end instanceof Size ? to : Number(end) < 0 ? end : null;
    if (typeof start === 'number' && start >= 0 && typeof behind === 'number' && behind <= 0) {
      c.readsSteps(node, own);
      const rest = value.stored.filter((factor) => !own.includes(factor));
      const output = c.builder.layer(
        'Cropping1D',
        c.nameOf(node),
        { cropping: [start, -behind] },
        c.arranged(node, value, [[c.batch], own, rest]),
      );
      const made = new Factor(plus(size, behind - start));
      return new Value({
        output,
        groups: [[c.batch], [made], rest],
        view: value.view.map((each, i) => (i === axis ? [made] : each)),
        kind: value.kind,
      });
    }
  }
  if (own.length === 1 && step === -1 && start === -1 && Number(end) < -INT_MAX) return reversed(c, node, value, axis);
  return c.refuse(
    node,
    `[${start}:${end}:${step}] of an axis of ${size}; padless can take the first or last step, cut steps at both ends, and reverse the steps`,
  );
}

/** The steps of each row in reverse. @param {Converter} c @param {Node} node @param {Value} value @param {number} axis @param {boolean} [within]  whether padding stays out of it */
export function reversed(c, node, value, axis, within = false) {
  const own = value.view[axis];
  if (!within) c.readsSteps(node, own);
  const rest = value.stored.filter((factor) => !own.includes(factor));
  const groups = [[c.batch], own, rest];
  const output = c.builder.layer('padless>ReverseSteps', c.nameOf(node, '_reversed'), {}, c.arranged(node, value, groups));
  return value.with({ output, groups });
}

/** ReverseSequence: reverses the first `lengths` steps of each row; the steps after them stay. @param {Converter} c @param {Node} node @param {Value} value @param {{ time: number, batch: number }} axes @param {Value} lengths */
function reversedWithin(c, node, value, { time, batch }, lengths) {
  if (lengths.view.length !== 1 || lengths.stored.length || (lengths.view[0][0] ?? c.batch) !== value.view[batch][0])
    c.refuse(node, `sequence_lens of shape [${lengths.shape}], expected one length for each row`);
  const own = value.view[time];
  // padless knows the length of each row, so no steps come after them.
  if (c.ownLengths && c.lengthInputs.has(lengths.output.layer)) return reversed(c, node, value, time, true);
  const rest = value.stored.filter((factor) => !own.includes(factor));
  const groups = [[c.batch], own, rest];
  const whole = c.arranged(node, value, groups);
  const layer = (/** @type {string} */ name, /** @type {any} */ inputs) =>
    c.builder.layer(`padless>${name}`, c.nameOf(node, `_${name}`), {}, inputs);
  const turned = layer('ReverseSteps', layer('FirstSteps', [whole, lengths.output]));
  const run = (/** @type {string} */ op, /** @type {any[]} */ inputs) =>
    c.operators[op](c, { ...node, op, inputs: [], attributes: {} }, inputs);
  const number = new Value({
    output: layer('Positions', whole),
    groups: [[c.batch], own, []],
    view: value.view.map((_, i) => (i === time ? own : [])),
  });
  const seen = lengths.with({ view: value.view.map((axis, i) => (i === batch ? axis : [])) });
  return run('Where', [run('Less', [number, seen]), value.with({ output: layer('ExtendSteps', [turned, whole]), groups }), value]);
}

/** The parts that hold the indices `places`, in that order; null if the indices cut through a part. @param {Parts} parts @param {number[]} places @returns {Any | null} */
function partsAt(parts, places) {
  const { axis, list } = parts;
  const chosen = [];
  let at = 0;
  const starts = list.map(({ shape }) => {
    const from = at;
    at += Number(shape[axis]);
    return from;
  });
  for (let i = 0; i < places.length;) {
    const part = starts.indexOf(places[i]);
    if (part < 0) return null;
    const size = Number(list[part].shape[axis]);
    for (let k = 0; k < size; k++) if (places[i + k] !== places[i] + k) return null;
    chosen.push(list[part]);
    i += size;
  }
  return chosen.length === 1 ? chosen[0] : new Parts(axis, chosen);
}

/**
 * The slice [start:end:step] of an axis.
 * @param {Converter} c @param {Node} node @param {Any} x @param {number} axis @param {Extent} start @param {Extent} end @param {number} step
 * @returns {Any}
 */
export function sliced(c, node, x, axis, start, end, step) {
  const size = x.shape[axis];
  if (typeof size === 'number' && typeof start === 'number' && typeof end === 'number') {
    const places = sliceOf(size, start, end, step, c.describe(node), x instanceof Constant ? x.data.length : 0);
    const parts = x instanceof Parts && x.axis === axis ? partsAt(x, places) : null;
    return parts ?? slicesOf(c, node, c.tensor(node, x), axis, places);
  }
  if (x instanceof Constant && start === 0 && step === 1 && end instanceof Size && axis === x.shape.length - 2) {
    // The first T rows of a table: a position embedding.
    const source = c.timeOf.get(end.key);
    const front = x.shape.slice(0, axis);
    if (source && front.every((each) => each === 1)) {
      const y = positioned(c, node, x, [axisOf(end)], source);
      return y.with({ view: [...front.map(() => []), ...y.view] });
    }
  }
  const value = c.tensor(node, x);
  if (value.view[axis].some(({ batch }) => batch)) {
    if (start === 0 && step === 1 && (same(end, size) || Number(end) >= INT_MAX)) return value;
    c.notBatch(node, value.view[axis], 'a slice');
  }
  return slicedSteps(c, node, value, axis, start, end, step);
}

/** Element `index` of an axis. The result lacks this axis. @param {Converter} c @param {Node} node @param {Any} x @param {number} axis @param {number} index @returns {Any} */
export function selected(c, node, x, axis, index) {
  const size = x.shape[axis];
  const at = index < 0 && typeof size === 'number' ? index + size : index;
  if (typeof size === 'number' && !(at >= 0 && at < size)) c.refuse(node, `index ${index} of an axis of ${size}`);
  const end = at === -1 ? 2 ** 40 : at + 1;
  const one = sliced(c, node, x, axis, at, end, 1);
  if (one instanceof Constant)
    return new Constant(
      one.kind,
      one.shape.filter((_, i) => i !== axis),
      one.data,
      one.base.filter((_, i) => i !== axis),
    );
  return without(c.tensor(node, one), [axis]);
}

/** Gather by constant indices. @param {Converter} c @param {Node} node @param {Any} x @param {Constant} indices @param {number} axis @returns {Any} */
export function gathered(c, node, x, indices, axis) {
  const given = expanded(indices, c.describe(node));
  const list = /** @type {number[]} */ (given.list);
  if (!list.every((each) => typeof each === 'number')) {
    const value = c.tensor(node, x);
    const [at] = /** @type {any[]} */ (list);
    if (list.length === 1 && at instanceof Size && minus(at, x.shape[axis]) === -1) {
      const last = selected(c, node, value, axis, -1);
      return given.shape.length ? inserted(c.tensor(node, last), [axis]) : last;
    }
    return c.refuse(node, `gathers the index ${list.join(', ')}; padless needs numbers, or the last index of the axis`);
  }
  if (given.shape.length === 0) return selected(c, node, x, axis, list[0]);
  if (given.shape.length > 1) {
    const flat = c.tensor(node, gathered(c, node, x, new Constant('int', [list.length], list), axis));
    return c.reshaped(node, flat, [...flat.shape.slice(0, axis), ...given.shape, ...flat.shape.slice(axis + 1)]);
  }
  const size = Number(x.shape[axis]);
  const places = list.map((each) => (each < 0 && size > 0 ? each + size : each));
  const outside = places.findIndex((each) => size > 0 && !(each >= 0 && each < size));
  if (outside >= 0) c.refuse(node, `index ${list[outside]} is outside of an axis of ${size}`);
  const step = places.length > 1 ? places[1] - places[0] : 1;
  if (places.length && step !== 0 && places.every((each, i) => each === places[0] + i * step)) {
    const end = places[0] + step * places.length;
    // Whether the slice reaches the end of the axis, or its start if the step is negative: no index can say so.
    const whole = step > 0 ? places[0] < 0 && end === 0 : size > 0 && end < 0;
    return sliced(c, node, x, axis, places[0], whole ? step * 2 ** 40 : end, step);
  }
  if (places.length === 0) c.refuse(node, 'gathers no element; padless has no empty tensors');
  const parts = places.map((each) => c.tensor(node, sliced(c, node, x, axis, each, each === -1 ? 2 ** 40 : each + 1, 1)));
  return c.joined(node, new Parts(axis, parts));
}

/** Unsqueeze: a value whose view has new axes of size 1 at these indices of the result. @param {Value} value @param {number[]} axes */
function inserted(value, axes) {
  const view = [...value.view];
  for (const axis of [...axes].sort((a, b) => a - b)) view.splice(axis, 0, []);
  return value.with({ view });
}

/** Adds elements before and after those of an axis. @type {Operator} */
const pad = (c, node, [x, given, filler, axesGiven]) => {
  const value = c.tensor(node, x);
  const rank = value.view.length;
  const mode = c.attribute(node, 'mode', 'constant');
  if (!['constant', 'edge', 'reflect', 'wrap'].includes(mode))
    c.refuse(node, `mode is ${mode}; padless has constant, edge, reflect and wrap`);
  if (filler && !(filler instanceof Constant))
    c.refuse(node, 'constant_value depends on the input; padless needs it to be constant');
  const fill = filler instanceof Constant ? filler.single : (node.attributes.value ?? 0);
  if (typeof fill !== 'number' || Number.isNaN(fill)) c.refuse(node, `constant_value is ${fill}; padless pads with one number`);
  const isZero = mode === 'constant' && fill === 0;
  const options = mode !== 'constant' ? { mode } : { value: Number.isFinite(fill) ? fill : String(fill) };
  const list = /** @type {number[]} */ (node.attributes.pads ?? c.list(node, given, 'pads'));
  const axes = c.axes(node, axesGiven, rank) ?? Array.from({ length: rank }, (_, i) => i);
  let result = value;
  axes.forEach((axis, i) => {
    const [before, behind] = [list[i], list[i + axes.length]];
    if (before === 0 && behind === 0) return;
    if (before < 0 || behind < 0) {
      const cut = sliced(c, node, result, axis, Math.max(0, -before), behind < 0 ? behind : 2 ** 40, 1);
      if (before > 0 || behind > 0) c.refuse(node, `pads an axis by ${before} and ${behind}`);
      result = c.tensor(node, cut);
      return;
    }
    const own = result.view[axis];
    c.notBatch(node, own, 'padding');
    c.readsSteps(node, own);
    const rest = result.stored.filter((factor) => !own.includes(factor));
    if (result.view.length < 2) c.refuse(node, `pads an input of shape [${result.shape}]; padless needs a batch axis`);
    const output = c.builder.layer(
      isZero ? 'ZeroPadding1D' : 'padless>PadSteps',
      c.nameOf(node),
      { padding: [before, behind], ...(!isZero && options) },
      c.arranged(node, result, [[c.batch], own, rest]),
    );
    const made = new Factor(plus(sizeOf(own), before + behind));
    result = new Value({
      output,
      groups: [[c.batch], [made], rest],
      view: result.view.map((each, k) => (k === axis ? [made] : each)),
      kind: result.kind,
    });
  });
  return result;
};

/** @type {Operator} */
const expand = (c, node, [x, given]) => {
  const target = c.list(node, given, 'shape') ?? [];
  const value = c.tensor(node, x);
  const rank = Math.max(target.length, value.view.length);
  const view = [...Array.from({ length: rank - value.view.length }, () => []), ...value.view];
  const shape = [...Array.from({ length: rank - target.length }, () => 1), ...target];
  const other = shape.findIndex((size, i) => size !== 1 && view[i].length > 0 && !same(size, sizeOf(view[i])));
  if (other >= 0)
    return c.refuse(node, `expands [${value.shape}] to [${target}]; padless does not know whether these sizes are equal`);
  const needed = shape.map((size, i) => size !== 1 && view[i].length === 0);
  if (!needed.includes(true)) return value.with({ view });
  // Expanding to B costs nothing: padless stores a row for each text of the batch already.
  const batch = value.batch;
  const left = needed.map(
    (each, i) => each && !(shape[i] instanceof Size && /** @type {Size} */ (shape[i]).key === 'B' && !view.flat().includes(batch)),
  );
  const seen = value.with({ view: view.map((axis, i) => (needed[i] && !left[i] ? [batch] : axis)) });
  if (!left.includes(true)) return seen;
  const sizes = shape.filter((_, i) => left[i]);
  if (!sizes.every((size) => typeof size === 'number')) {
    const source = sizes.length === 1 && sizes[0] instanceof Size ? c.timeOf.get(sizes[0].key) : undefined;
    if (!source) return c.refuse(node, `expands to [${target}]`);
    // Add zeros that have the steps of the input of this size.
    const steps = c.builder.layer('padless>Positions', c.nameOf(node, '_positions'), {}, source);
    const zeros = c.builder.layer('Rescaling', c.nameOf(node, '_zeros'), { scale: 0, offset: 0 }, steps);
    const made = new Factor(sizes[0]);
    const rest = seen.stored;
    if (rest.some(({ varies }) => varies)) return c.refuse(node, `expands to [${target}]`);
    const output = c.builder.layer('Add', c.nameOf(node), {}, [zeros, c.arranged(node, seen, [[batch], rest])]);
    return new Value({
      output,
      groups: [[batch], [made], rest],
      view: seen.view.map((axis, i) => (left[i] ? [made] : axis)),
      kind: value.kind,
    });
  }
  const count = Number(productOf(sizes));
  if (!sizes.every((size) => Number(size) >= 0)) c.refuse(node, `expands to [${target}]`);
  checkFolded(count, c.describe(node));
  const zeros = new Constant(
    value.kind,
    /** @type {number[]} */ (shape.map((size, i) => (left[i] ? size : 1))),
    new Float32Array(count),
  );
  return c.operators.Add(c, { ...node, op: 'Add', inputs: [] }, [seen, zeros]);
};

/** Tile: concatenates copies along each axis. @param {Converter} c @param {Node} node @param {Value} value @param {Extent[]} repeats */
function repeated(c, node, value, repeats) {
  const all = productOf(repeats);
  if (typeof all !== 'number' || all < 1 || all > PARTS_MOST || repeats.length !== value.view.length)
    return c.refuse(node, `repeats [${repeats}] of [${value.shape}]; padless repeats at most ${PARTS_MOST} times`);
  return repeats.reduce((/** @type {Value} */ x, count, axis) => {
    if (count === 1) return x;
    c.notBatch(node, x.view[axis], 'the repetition');
    return c.joined(node, new Parts(axis, Array(Number(count)).fill(x)));
  }, value);
}

/** @type {Record<string, Operator>} */
export const axisOperators = {
  Identity: (_c, _node, [x]) => /** @type {Any} */ (x),
  Dropout: (c, node, [x, , training]) => {
    if (training && !(training instanceof Constant && !training.single))
      c.refuse(node, 'training_mode is not false; padless has inference only');
    return [/** @type {Any} */ (x)];
  },
  Shape: (c, node, [x]) => c.shapeOf(node, /** @type {Any} */ (x).shape),
  Size: (_c, _node, [x]) => scalar(productOf(/** @type {Any} */ (x).shape)),
  Transpose: (c, node, [x]) => {
    const value = c.tensor(node, x, true);
    const perm = c.attribute(
      node,
      'perm',
      value.view.map((_, i) => value.view.length - 1 - i),
    );
    if (
      perm.length !== value.view.length ||
      new Set(perm).size !== perm.length ||
      perm.some((/** @type {number} */ axis) => !value.view[axis])
    )
      c.refuse(node, `perm [${perm}] of a tensor with ${value.view.length} axes`);
    return value.with({ view: perm.map((/** @type {number} */ axis) => value.view[axis]) });
  },
  Reshape: (c, node, [x, given]) => {
    const value = c.tensor(node, x, true);
    const target = node.attributes.shape ?? c.list(node, given, 'shape');
    return c.reshaped(node, value, targetShape(c, node, value.shape, target));
  },
  Flatten: (c, node, [x]) => {
    const value = c.tensor(node, x, true);
    const axis = c.attribute(node, 'axis', 1);
    const at = axis < 0 ? axis + value.view.length : axis;
    return value.with({ view: [value.view.slice(0, at).flat(), value.view.slice(at).flat()] });
  },
  Squeeze: (c, node, [x, given]) => {
    const any = /** @type {Any} */ (x);
    const axes = c.axes(node, given, any.shape.length) ?? any.shape.flatMap((size, i) => (size === 1 ? [i] : []));
    for (const axis of axes) if (any.shape[axis] !== 1) c.refuse(node, `axis ${axis} has size ${any.shape[axis]}, expected 1`);
    return without(c.tensor(node, any, true), axes);
  },
  Unsqueeze: (c, node, [x, given]) => {
    const value = c.tensor(node, x, true);
    const list = node.attributes.axes ?? c.list(node, given, 'axes') ?? [];
    return inserted(value, c.axes(node, given, value.view.length + list.length) ?? []);
  },
  Concat: (c, node, inputs) => {
    const list = /** @type {Any[]} */ (inputs);
    const [starts, end] = list;
    if (starts instanceof RowStarts && end instanceof Constant && same(end.single, times(starts.steps, c.batch.size)))
      return new RowStarts([plus(starts.shape[0], 1)], starts.steps);
    const axis = c.axis(node, c.attribute(node, 'axis', 1), list[0].shape.length);
    const parts = list.flatMap((x) =>
      x instanceof Parts && x.axis === axis
        ? x.list
        : [x instanceof Parts ? c.joined(node, x) : x instanceof Constant ? x : c.tensor(node, x)],
    );
    if (parts.length > PARTS_MOST) c.refuse(node, `joins ${parts.length} parts; padless joins at most ${PARTS_MOST}`);
    const batched = parts.find((x) => x instanceof Value && x.view[axis].some(({ batch }) => batch));
    if (batched) c.notBatch(node, /** @type {Value} */ (batched).view[axis], 'concatenation');
    return new Parts(axis, parts);
  },
  Split: (c, node, inputs) => {
    const x = /** @type {Any} */ (inputs[0]);
    const axis = c.axis(node, c.attribute(node, 'axis', 0), x.shape.length);
    const size = x.shape[axis];
    if (typeof size !== 'number') return c.refuse(node, `splits an axis of ${size}`);
    let at = 0;
    return splitSizes(c, node, inputs, size).map((count, i) => {
      at += count;
      return c.isUsed(node.outputs[i]) ? sliced(c, node, x, axis, at - count, at, 1) : undefined;
    });
  },
  Slice: (c, node, inputs) => {
    let x = /** @type {Any} */ (inputs[0]);
    if (
      x instanceof RowStarts &&
      x.first === 0 &&
      slices(c, node, inputs).every(({ start, end, step }) => start === 1 && Number(end) >= INT_MAX && step === 1)
    )
      return new RowStarts([minus(x.shape[0], 1)], x.steps, 1);
    for (const { axis, start, end, step } of slices(c, node, inputs)) x = sliced(c, node, x, axis, start, end, step);
    return x;
  },
  Expand: expand,
  Tile: (c, node, [x, given]) => {
    const value = c.tensor(node, x);
    const repeats = c.list(node, given, 'repeats') ?? [];
    if (repeats.every((each) => each === 1)) return value;
    if (repeats.some((each, i) => each !== 1 && value.view[i].length)) return repeated(c, node, value, repeats);
    const shape = value.shape.map((size, i) => (repeats[i] === 1 ? size : repeats[i]));
    return expand(c, node, [value, new Constant('int', [shape.length], shape)]);
  },
  Pad: pad,
  Range: (c, node, inputs) => {
    const [start, limit, delta] = inputs.map((x) => (x instanceof Constant ? x.single : undefined));
    const size = limit instanceof Size ? limit : null;
    if (start !== 0 || !size)
      return c.refuse(node, `a range from ${start} to ${limit} by ${delta}; padless numbers rows and steps from 0 on`);
    if (delta === 1 && same(size, c.batch.size)) return new RowOrder(c.batch, false);
    const rows = delta instanceof Size ? quotient(size, delta) : null;
    if (rows !== null && same(rows, c.batch.size)) return new RowStarts([c.batch.size], /** @type {Size} */ (delta));
    const source = c.timeOf.get(size.key);
    if (delta !== 1 || !source)
      return c.refuse(node, `a range from ${start} to ${limit} by ${delta}; padless numbers rows and steps from 0 on`);
    const steps = axisOf(size);
    const output = c.builder.layer('padless>Positions', c.nameOf(node), {}, source);
    return new Value({ output, groups: [[c.batch], steps, []], view: [steps], kind: 'int', positions: source });
  },
  ScatterElements: (c, node, [, order, numbers]) => {
    const inverts = order instanceof RowOrder && numbers instanceof RowOrder && numbers.factor === c.batch && !order.inverse;
    return inverts
      ? new RowOrder(order.factor, true)
      : c.refuse(node, 'writes elements at indices; padless has it only to invert a sort of rows');
  },
  ReverseSequence: (c, node, [x, lengths]) => {
    const value = c.tensor(node, x);
    const [time, batch] = [c.attribute(node, 'time_axis', 0), c.attribute(node, 'batch_axis', 1)];
    if (!isBatch(value.view[batch] ?? [])) c.refuse(node, `batch_axis ${batch} is not the batch`);
    const size = value.shape[time];
    if (lengths instanceof Constant && lengths.single !== undefined && same(lengths.single, size))
      return reversed(c, node, value, time);
    return reversedWithin(c, node, value, { time, batch }, c.tensor(node, lengths));
  },
};
