/**
 * Convolutions and pooling over one axis: [B, C, T] in ONNX, [B, T, C] in padless. An axis of size 1 beside it is left out.
 */
import { ModelFileError } from '../../../errors.js';
import { Constant, expanded } from '../constants.js';
import { floorDivided, plus } from '../sizes.js';
import { axisOf, isBatch, sizeOf, Value } from '../values.js';
import { reduced } from './reductions.js';
/** @typedef {import('../sizes.js').Extent} Extent */
/** @typedef {import('../converter.js').Converter} Converter */
/** @typedef {import('../converter.js').Node} Node */
/** @typedef {import('../converter.js').Operator} Operator */
/** @typedef {import('../values.js').Axis} Axis */

/**
 * The input of a window [B, C, ...], of whose axes behind C one is longer than 1.
 * @param {Converter} c @param {Node} node @param {any} x @param {number[]} kernel  sizes of the kernel
 */
function spatial(c, node, x, kernel) {
  const value = c.tensor(node, x);
  if (value.view.length < 3 || !isBatch(value.view[0]))
    return c.refuse(node, `an input of shape [${value.shape}], expected [B, C, T]`);
  const axes = value.view.slice(2);
  const long = axes.flatMap((axis, i) => (axis.length || kernel[i] > 1 ? [i] : []));
  if (long.length > 1)
    return c.refuse(node, `an input of shape [${value.shape}] and a kernel [${kernel}]; padless slides over one axis`);
  const at = long[0] ?? axes.length - 1;
  return { value, at, time: axes[at], channels: value.view[1] };
}

/** Options along the axis `at`. @param {Converter} c @param {Node} node @param {number} at @param {number} rank  number of axes behind C */
function optionsAt(c, node, at, rank) {
  const [stride, dilation] = ['strides', 'dilations'].map((name) => c.attribute(node, name, Array(rank).fill(1))[at]);
  const pads = c.attribute(node, 'pads', Array(2 * rank).fill(0));
  for (let i = 0; i < rank; i++) if (i !== at && (pads[i] || pads[i + rank])) c.refuse(node, `pads [${pads}] of an axis of size 1`);
  const auto = c.attribute(node, 'auto_pad', 'NOTSET');
  if (!['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(auto)) c.refuse(node, `auto_pad is ${auto}`);
  return { stride, dilation, before: pads[at], behind: pads[at + rank], auto };
}

/** The steps of the result. @param {Extent} T @param {{ span: number, stride: number, before: number, behind: number, same: boolean }} of @returns {Extent | null} */
function lengthOf(T, { span, stride, before, behind, same }) {
  if (same) return floorDivided(plus(T, stride - 1), stride);
  const windows = floorDivided(plus(T, before + behind - span), stride);
  return windows === null ? null : plus(windows, 1);
}

/** The zeros of a window as Keras's `same`, `valid`, or a layer in front. @param {{ stride: number, before: number, behind: number, auto: string }} of @param {number} span */
function paddingOf({ stride, before, behind, auto }, span) {
  const reach = span - 1;
  // Keras has the odd zero behind, like SAME_UPPER.
  if (auto === 'SAME_UPPER' || (auto === 'SAME_LOWER' && stride === 1 && reach % 2 === 0)) return { padding: 'same', zeros: null };
  if (auto === 'SAME_LOWER') return null;
  if (auto === 'VALID' || (!before && !behind)) return { padding: 'valid', zeros: null };
  if (stride === 1 && before === reach >> 1 && before + behind === reach) return { padding: 'same', zeros: null };
  if (before === reach && behind === 0 && stride === 1) return { padding: 'causal', zeros: null };
  return { padding: 'valid', zeros: [before, behind] };
}

/** @type {Operator} */
const conv = (c, node, [x, w, b]) => {
  if (!(w instanceof Constant) || (b && !(b instanceof Constant))) return c.refuse(node, 'the weights depend on the input');
  const [N, D, ...kernel] = expanded(w, c.describe(node)).base;
  const { value, at, time, channels } = spatial(c, node, x, kernel);
  const size = kernel[at];
  const given = c.attribute(node, 'kernel_shape', kernel);
  if (given.join() !== kernel.join())
    throw new ModelFileError(`${c.describe(node)}: kernel_shape [${given}], the weights have [${kernel}]`);
  const { stride, dilation, ...pads } = optionsAt(c, node, at, kernel.length);
  const span = (size - 1) * dilation + 1;
  const groups = c.attribute(node, 'group', 1);
  const found = paddingOf({ stride, ...pads }, span);
  if (!found)
    return c.refuse(node, `auto_pad is ${pads.auto} with strides ${stride}; padless has the odd zero behind (SAME_UPPER)`);
  c.readsSteps(node, time);
  let from = c.arranged(node, value, [[c.batch], time, channels]);
  if (found.zeros) from = c.builder.layer('ZeroPadding1D', c.nameOf(node, '_padding'), { padding: found.zeros }, from);
  const data = new Float32Array(N * D * size);
  for (let n = 0; n < N; n++)
    for (let d = 0; d < D; d++) for (let k = 0; k < size; k++) data[(k * D + d) * N + n] = w.data[(n * D + d) * size + k];
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
    kernel: { shape: [size, D, N], data },
    ...(b instanceof Constant && { bias: { shape: [N], data: Float32Array.from(expanded(b, c.describe(node)).data) } }),
  });
  return resized(c, node, value, output, at, time, { span, stride, ...pads, same: found.padding !== 'valid' }, N);
};

/** The result of a window. @param {Converter} c @param {Node} node @param {Value} value @param {any} output @param {number} at @param {Axis} time @param {any} lengths @param {number | null} filters  null: as many as before */
function resized(c, node, value, output, at, time, lengths, filters) {
  const T = lengthOf(sizeOf(time), lengths);
  if (T === null) return c.refuse(node, `a window of ${lengths.span} steps over an axis of ${sizeOf(time)}`);
  const steps = axisOf(T);
  const channels = filters === null ? value.view[1] : axisOf(filters);
  const view = value.view.map((axis, i) => (i === 1 ? channels : i === at + 2 ? steps : axis));
  return new Value({ output, groups: [[c.batch], steps, channels], view });
}

/** @param {string} className @returns {Operator} */
const pool =
  (className) =>
  (c, node, [x]) => {
    const kernel = c.attribute(node, 'kernel_shape');
    if (!Array.isArray(kernel)) return c.refuse(node, 'kernel_shape is missing');
    const { value, at, time, channels } = spatial(c, node, x, kernel);
    const size = kernel[at];
    const { stride, dilation, ...pads } = optionsAt(c, node, at, kernel.length);
    if (dilation !== 1) c.refuse(node, `dilations are ${dilation}; padless has 1`);
    const found = paddingOf({ stride, ...pads }, size);
    const isAverage = className === 'AveragePooling1D';
    if (c.attribute(node, 'ceil_mode', 0)) c.refuse(node, 'ceil_mode is 1; padless has 0');
    if (c.isUsed(node.outputs[1])) c.refuse(node, 'the indices are read');
    if (isAverage && c.attribute(node, 'count_include_pad', 0) && found?.padding !== 'valid')
      c.refuse(node, 'count_include_pad is 1 with pads');
    if (!found || found.zeros || found.padding === 'causal')
      return c.refuse(
        node,
        `pads [${c.attribute(node, 'pads', [])}] and auto_pad ${pads.auto} with strides ${stride}; padless has none or SAME_UPPER`,
      );
    c.readsSteps(node, time);
    const from = c.arranged(node, value, [[c.batch], time, channels]);
    const output = c.builder.layer(className, c.nameOf(node), { pool_size: size, strides: stride, padding: found.padding }, from);
    return resized(c, node, value, output, at, time, { span: size, stride, ...pads, same: found.padding === 'same' }, null);
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
  MaxPool: pool('MaxPooling1D'),
  AveragePool: pool('AveragePooling1D'),
  GlobalAveragePool: globalPool('Mean'),
  GlobalMaxPool: globalPool('Max'),
};
