/**
 * Normalisation.
 */
import { Constant, expanded } from '../constants.js';
import { sizeOf, Value } from '../values.js';
import { operationOn } from './elementwise.js';
import { reduced } from './reductions.js';
/** @typedef {import('../converter.js').Converter} Converter */
/** @typedef {import('../converter.js').Node} Node */
/** @typedef {import('../converter.js').Any} Any */
/** @typedef {import('../converter.js').Operator} Operator */

/** A constant with one number for each feature. @param {Converter} c @param {Node} node @param {Any | undefined} x @param {number} D @param {string} name */
function perFeature(c, node, x, D, name) {
  if (!(x instanceof Constant)) return c.refuse(node, `${name} depends on the input`);
  const { data } = expanded(x, c.describe(node));
  if (data.length !== D && data.length !== 1) return c.refuse(node, `${name} has shape [${x.shape}], expected [${D}]`);
  return { shape: [D], data: Float32Array.from({ length: D }, (_, d) => data[data.length === 1 ? 0 : d]) };
}

/**
 * BatchNormalization with training_mode 1, which Keras 2 uses for LayerNormalization: it makes each step of each text a channel, whose statistics
 * are then those of the features.
 * @param {Converter} c @param {Node} node @param {Value} value @param {Any | undefined} scale @param {Any | undefined} bias
 */
function normalised(c, node, value, scale, bias) {
  const rest = value.view.filter((_, i) => i !== 1).flat();
  const isPlain = scale instanceof Constant && scale.single === 1 && bias instanceof Constant && bias.single === 0;
  if (!isPlain || rest.some(({ batch, varies }) => batch || varies))
    return c.refuse(node, 'training_mode is 1; padless has inference only');
  const groups = c.withLast(value, rest);
  const config = { epsilon: c.attribute(node, 'epsilon', 1e-5), scale: false, center: false };
  return value.with({
    output: c.builder.layer('LayerNormalization', c.nameOf(node), config, c.arranged(node, value, groups)),
    groups,
  });
}

/**
 * (x - mean) / sqrt(variance + epsilon), where the graph computes mean and variance. tf2onnx exports LayerNormalization of Keras 2 so, with each
 * step of a text as a channel.
 * @param {Converter} c @param {Node} node @param {Value} x @param {(Any | undefined)[]} of  scale, bias, mean, variance
 */
function byStatistics(c, node, x, [scale, bias, mean, variance]) {
  const isPlain = scale instanceof Constant && scale.single === 1 && bias instanceof Constant && bias.single === 0;
  if (!isPlain) return c.refuse(node, 'mean and variance depend on the input, and scale and bias are not 1 and 0');
  const [m, v] = [mean, variance].map((each) => {
    const value = c.tensor(node, each);
    return value.with({ view: x.view.map((_, i) => (i === 1 ? value.view[0] : [])) });
  });
  const run = (/** @type {string} */ op, /** @type {Any[]} */ inputs) => {
    const made = { ...node, op, name: c.nameOf(node, `_${op}`), inputs: [], attributes: {} };
    return /** @type {Value} */ (c.operators[op](c, made, inputs));
  };
  const epsilon = new Constant('float', [], Float32Array.of(c.attribute(node, 'epsilon', 1e-5)));
  return run('Div', [run('Sub', [x, m]), run('Sqrt', [run('Add', [v, epsilon])])]);
}

/** @type {Operator} */
const batchNormalization = (c, node, [x, scale, bias, mean, variance]) => {
  const value = c.tensor(node, x);
  if (c.opset < 14 && node.outputs.filter(Boolean).length > 1)
    c.refuse(node, 'more than one output, which means training; padless has inference only');
  if (c.attribute(node, 'training_mode', 0)) return normalised(c, node, value, scale, bias);
  if (mean instanceof Value && variance instanceof Value) return byStatistics(c, node, value, [scale, bias, mean, variance]);
  const own = value.view[value.view.length > 1 ? 1 : 0];
  c.notBatch(node, own, 'BatchNormalization');
  const D = Number(sizeOf(own));
  const groups = c.withLast(value, own);
  const of = { gamma: scale, beta: bias, moving_mean: mean, moving_variance: variance };
  const weights = Object.fromEntries(Object.entries(of).map(([name, each]) => [name, perFeature(c, node, each, D, name)]));
  const output = c.builder.layer(
    'BatchNormalization',
    c.nameOf(node),
    { epsilon: c.attribute(node, 'epsilon', 1e-5) },
    c.arranged(node, value, groups),
    weights,
  );
  return value.with({ output, groups });
};

/** @param {string} className @param {string} scaleName @returns {Operator} */
const overLast =
  (className, scaleName) =>
  (c, node, [x, scale, bias]) => {
    const value = c.tensor(node, x);
    const axis = c.axis(node, c.attribute(node, 'axis', -1), value.view.length);
    const own = value.view.slice(axis).flat();
    c.notBatch(node, own, node.op);
    if (own.some(({ varies }) => varies))
      return c.refuse(node, `normalizes over an axis of size ${sizeOf(own)}; padless needs a fixed size`);
    for (const i of [1, 2]) if (c.isUsed(node.outputs[i])) c.refuse(node, `output ${i} is read; padless computes output 0 only`);
    const D = Number(sizeOf(own));
    const groups = c.withLast(value, own);
    const weights = {
      [scaleName]: perFeature(c, node, scale, D, 'Scale'),
      ...(bias && { beta: perFeature(c, node, bias, D, 'B') }),
    };
    const config = {
      epsilon: c.attribute(node, 'epsilon', 1e-5),
      ...(className === 'LayerNormalization' && { center: Boolean(bias) }),
    };
    const output = c.builder.layer(className, c.nameOf(node), config, c.arranged(node, value, groups), weights);
    return value.with({ output, groups });
  };

/** Normalizes over the steps of each feature, or of each group of features. @param {(c: Converter, node: Node, D: number) => number} groupsOf @returns {Operator} */
const overSteps =
  (groupsOf) =>
  (c, node, [x, scale, bias]) => {
    const value = c.tensor(node, x);
    if (value.view.length < 3) return c.refuse(node, `an input of shape [${value.shape}], expected [B, C, T]`);
    const own = value.view[1];
    const D = Number(sizeOf(own));
    const rest = value.stored.filter((factor) => !own.includes(factor));
    c.readsSteps(node, rest);
    const groups = [[c.batch], rest, own];
    const weights = { gamma: perFeature(c, node, scale, D, 'scale'), beta: perFeature(c, node, bias, D, 'bias') };
    const config = { groups: groupsOf(c, node, D), epsilon: c.attribute(node, 'epsilon', 1e-5) };
    return value.with({
      output: c.builder.layer('GroupNormalization', c.nameOf(node), config, c.arranged(node, value, groups), weights),
      groups,
    });
  };

/** x / sum |x|^p ^ 1/p @type {Operator} */
const lpNormalization = (c, node, [x]) => {
  const value = c.tensor(node, x);
  const axis = c.axis(node, c.attribute(node, 'axis', -1), value.view.length);
  const p = c.attribute(node, 'p', 2);
  const powered = operationOn(c, node, value, p === 2 ? 'Square' : 'Absolute');
  const sum = reduced(c, node, powered, [axis], 'Sum', true);
  const length = p === 2 ? operationOn(c, node, sum, 'Sqrt') : sum;
  // A vector of zeros becomes NaN, as in the standard's own test; onnxruntime gives zeros.
  return c.operators.Div(c, { ...node, op: 'Div' }, [value, length]);
};

/** @type {Record<string, Operator>} */
export const normOperators = {
  BatchNormalization: batchNormalization,
  LayerNormalization: overLast('LayerNormalization', 'gamma'),
  RMSNormalization: overLast('RMSNormalization', 'scale'),
  InstanceNormalization: overSteps(() => -1),
  GroupNormalization: overSteps((c, node) => c.attribute(node, 'num_groups')),
  LpNormalization: lpNormalization,
};
