/**
 * Convolutions and pooling over one axis: [B, C, T] in ONNX, [B, T, C] in padless. Further axes of size 1 are dropped.
 */
import { ModelFileError } from '../../../errors.js';
import { product } from '../../../layers/tensor.js';
import { Constant, expanded } from '../constants.js';
import { floorDivided, named, plus, same, Size } from '../sizes.js';
import { axisOf, isBatch, sizeOf, Value } from '../values.js';
import { reduced } from './reductions.js';
/** @typedef {import('../sizes.js').Extent} Extent */
/** @typedef {import('../converter.js').Converter} Converter */
/** @typedef {import('../converter.js').Node} Node */
/** @typedef {import('../converter.js').Operator} Operator */
/** @typedef {import('../values.js').Axis} Axis */

/**
 * The input of a convolution or pooling, [B, C, ...], and the axis after C along which its window slides. Each other axis has size 1, or the
 * kernel covers it: then it becomes features, as in a Conv2d whose kernel spans several words and the whole embedding.
 * @param {Converter} c @param {Node} node @param {any} x @param {number[]} kernel  sizes of the kernel
 */
function spatial(c, node, x, kernel) {
  const value = c.tensor(node, x);
  if (value.view.length < 3 || !isBatch(value.view[0]))
    return c.refuse(node, `an input of shape [${value.shape}], expected [B, C, T]`);
  const axes = value.view.slice(2);
  const long = axes.flatMap((axis, i) => (axis.length || kernel[i] > 1 ? [i] : []));
  const pads = c.attribute(node, 'pads', []);
  const isCovered = (/** @type {number} */ i) => same(sizeOf(axes[i]), kernel[i]) && !pads[i] && !pads[i + axes.length];
  const open = long.filter((i) => !isCovered(i));
  const at = open[0] ?? long[0] ?? axes.length - 1;
  const covered = node.op === 'Conv' ? long.filter((i) => i !== at) : [];
  if (
    open.length > 1 ||
    covered.length + 1 < long.length ||
    (covered.length && c.attribute(node, 'auto_pad', 'NOTSET') !== 'NOTSET')
  )
    return c.refuse(node, `an input of shape [${value.shape}] and a kernel [${kernel}]; padless slides windows along one axis`);
  return { value, at, time: axes[at], channels: value.view[1], covered };
}

/** Stride, dilation and padding of axis `at`. @param {Converter} c @param {Node} node @param {number} at @param {number} rank  number of axes after C */
function optionsAt(c, node, at, rank) {
  const [stride, dilation] = ['strides', 'dilations'].map((name) => c.attribute(node, name, Array(rank).fill(1))[at]);
  const auto = c.attribute(node, 'auto_pad', 'NOTSET');
  // auto_pad overrides pads.
  const none = Array(2 * rank).fill(0);
  const pads = auto === 'NOTSET' ? c.attribute(node, 'pads', none) : none;
  for (let i = 0; i < rank; i++) if (i !== at && (pads[i] || pads[i + rank])) c.refuse(node, `pads [${pads}] of an axis of size 1`);
  if (!['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(auto)) c.refuse(node, `auto_pad is ${auto}`);
  return { stride, dilation, before: pads[at], behind: pads[at + rank], auto };
}

/** The number of steps of the result; null if it is no polynomial. @param {Extent} T @param {{ span: number, stride: number, before: number, behind: number, isSame: boolean }} of @returns {Extent | null} */
function lengthOf(T, { span, stride, before, behind, isSame }) {
  if (isSame) return floorDivided(plus(T, stride - 1), stride);
  const windows = floorDivided(plus(T, before + behind - span), stride);
  return windows === null ? null : plus(windows, 1);
}

/** Keras's `padding` option, and the zeros that a ZeroPadding1D layer has to add before; null if Keras has neither. @param {{ stride: number, before: number, behind: number, auto: string }} of @param {number} span */
function paddingOf({ stride, before, behind, auto }, span) {
  const reach = span - 1;
  // If the number of zeros is odd, Keras puts the extra zero at the end, like SAME_UPPER.
  if (auto === 'SAME_UPPER' || (auto === 'SAME_LOWER' && stride === 1 && reach % 2 === 0)) return { padding: 'same', zeros: null };
  // The extra zero is at the start. With a stride, the number of zeros depends on T.
  if (auto === 'SAME_LOWER') return stride === 1 ? { padding: 'valid', zeros: [Math.ceil(reach / 2), reach >> 1] } : null;
  if (auto === 'VALID' || (!before && !behind)) return { padding: 'valid', zeros: null };
  if (stride === 1 && before === reach >> 1 && before + behind === reach) return { padding: 'same', zeros: null };
  if (before === reach && behind === 0 && stride === 1) return { padding: 'causal', zeros: null };
  return { padding: 'valid', zeros: [before, behind] };
}

/** @type {Operator} */
const conv = (c, node, [x, w, b]) => {
  if (!(w instanceof Constant) || (b && !(b instanceof Constant))) return c.refuse(node, 'the weights depend on the input');
  const { base, data: numbers } = expanded(w, c.describe(node));
  const [N, D, ...kernel] = base;
  const { value, at, time, channels, covered } = spatial(c, node, x, kernel);
  const size = kernel[at];
  const given = c.attribute(node, 'kernel_shape', kernel);
  if (given.join() !== kernel.join())
    throw new ModelFileError(`${c.describe(node)}: kernel_shape [${given}], the weights have [${kernel}]`);
  const { stride, dilation, ...pads } = optionsAt(c, node, at, kernel.length);
  const span = (size - 1) * dilation + 1;
  const groups = c.attribute(node, 'group', 1);
  const found = paddingOf({ stride, ...pads }, span);
  if (!found)
    return c.refuse(node, `auto_pad is ${pads.auto} with strides ${stride}; padless puts an odd zero at the end (SAME_UPPER)`);
  if (covered.length && groups !== 1) c.refuse(node, `group is ${groups} with a kernel [${kernel}]; padless needs group 1 here`);
  c.readsSteps(node, time);
  const features = [channels, ...covered.map((i) => value.view[i + 2])].flat();
  let from = c.arranged(node, value, [[c.batch], time, features]);
  if (found.zeros) from = c.builder.layer('ZeroPadding1D', c.nameOf(node, '_padding'), { padding: found.zeros }, from);
  // [N, C, ..., K, ...] -> [K, C * ..., N]
  const [depth, behind] = [kernel.slice(0, at), kernel.slice(at + 1)].map((sizes) => product(sizes));
  const width = D * depth * behind;
  const data = new Float32Array(N * width * size);
  for (let n = 0; n < N; n++)
    for (let d = 0; d < D * depth; d++)
      for (let k = 0; k < size; k++)
        for (let e = 0; e < behind; e++)
          data[(k * width + d * behind + e) * N + n] = numbers[((n * D * depth + d) * size + k) * behind + e];
  const config = {
    filters: N,
    kernel_size: size,
    strides: stride,
    dilation_rate: dilation,
    groups,
    padding: found.padding,
    use_bias: Boolean(b),
  };
  const output = c.builder.layer('Conv1D', c.nameOf(node), config, from, {
    kernel: { shape: [size, width, N], data },
    ...(b instanceof Constant && { bias: { shape: [N], data: Float32Array.from(expanded(b, c.describe(node)).data) } }),
  });
  const isSame = pads.auto.startsWith('SAME');
  return resized(c, node, value, output, at, time, { span, stride, ...pads, isSame }, N, covered);
};

/** The Value of a convolution's or pooling's result. @param {Converter} c @param {Node} node @param {Value} value @param {any} output @param {number} at @param {Axis} time @param {any} lengths @param {number | null} filters  null: as many channels as the input @param {number[]} [covered]  axes that the kernel covers */
function resized(c, node, value, output, at, time, lengths, filters, covered = []) {
  const T = lengths.steps === undefined ? lengthOf(sizeOf(time), lengths) : lengths.steps;
  if (T === null) return c.refuse(node, `a window of ${lengths.span} steps over an axis of ${sizeOf(time)}`);
  const steps = axisOf(T);
  const channels = filters === null ? value.view[1] : axisOf(filters);
  const view = value.view.map((axis, i) => (i === 1 ? channels : i === at + 2 ? steps : covered.includes(i - 2) ? [] : axis));
  return new Value({ output, groups: [[c.batch], steps, channels], view });
}

/** The number of windows with ceil_mode; a new name if it depends on T. @param {Extent} T @param {{ span: number, stride: number, before: number, behind: number }} of @returns {Extent} */
function ceiledLength(T, { span, stride, before, behind }) {
  if (T instanceof Size) return named(`floor(pooled ${T.key.replaceAll('*', '.')} by ${[span, stride, before, behind]})`);
  const windows = Math.ceil((T + before + behind - span) / stride) + 1;
  return (windows - 1) * stride >= T + before ? windows - 1 : windows;
}

/** @param {string} className @param {'max' | 'average'} mode @returns {Operator} */
const pool =
  (className, mode) =>
  (c, node, [x]) => {
    const kernel = c.attribute(node, 'kernel_shape');
    if (!Array.isArray(kernel)) return c.refuse(node, 'kernel_shape is missing');
    const { value, at, time, channels } = spatial(c, node, x, kernel);
    const size = kernel[at];
    const { stride, dilation, ...pads } = optionsAt(c, node, at, kernel.length);
    const span = (size - 1) * dilation + 1;
    const [ceil, includes] = ['ceil_mode', 'count_include_pad'].map((name) => Boolean(c.attribute(node, name, 0)));
    if (c.isUsed(node.outputs[1])) c.refuse(node, 'output 1, the indices, is read; padless computes output 0 only');
    const isSame = pads.auto.startsWith('SAME');
    const found = paddingOf({ stride, ...pads }, span);
    // Keras's pooling layers have no padding, or padding that averages do not count.
    const isKeras = found && !found.zeros && found.padding !== 'causal' && !ceil && dilation === 1;
    c.readsSteps(node, time);
    const from = c.arranged(node, value, [[c.batch], time, channels]);
    const lengths = { span, stride, ...pads, isSame };
    if (isKeras && !(mode === 'average' && includes && found.padding !== 'valid')) {
      const config = { pool_size: size, strides: stride, padding: found.padding };
      return resized(c, node, value, c.builder.layer(className, c.nameOf(node), config, from), at, time, lengths, null);
    }
    const padding = isSame ? pads.auto.toLowerCase() : pads.auto === 'VALID' ? [0, 0] : [pads.before, pads.behind];
    if (isSame && ceil) c.refuse(node, `ceil_mode is 1 with auto_pad ${pads.auto}; padless needs ceil_mode 0 there`);
    const config = {
      ...{ mode, pool_size: size, strides: stride, dilation_rate: dilation, padding },
      ...(ceil && { ceil_mode: true }),
      ...(includes && { count_include_pad: true }),
    };
    const output = c.builder.layer('padless>PoolSteps', c.nameOf(node), config, from);
    const [before, behind] = Array.isArray(padding) ? padding : [0, 0];
    const steps = ceil ? ceiledLength(sizeOf(time), { span, stride, before, behind }) : undefined;
    return resized(c, node, value, output, at, time, { ...lengths, before, behind, steps }, null);
  };

/** @param {'Mean' | 'Max'} how @returns {Operator} */
const globalPool =
  (how) =>
  (c, node, [x]) => {
    const value = c.tensor(node, x);
    return reduced(
      c,
      node,
      value,
      value.view.flatMap((_, i) => (i < 2 ? [] : [i])),
      how,
      true,
    );
  };

/** @type {Record<string, Operator>} */
export const windowOperators = {
  Conv: conv,
  MaxPool: pool('MaxPooling1D', 'max'),
  AveragePool: pool('AveragePooling1D', 'average'),
  GlobalAveragePool: globalPool('Mean'),
  GlobalMaxPool: globalPool('Max'),
};
