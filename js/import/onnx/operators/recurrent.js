/**
 * LSTM, GRU and RNN.
 *
 * ONNX orders the gates of an LSTM i, o, f, c and those of a GRU z, r, h; Keras i, f, c, o and z, r, h. ONNX adds two biases, Wb and Rb, before an
 * activation, so that their sum is Keras's bias; a GRU with linear_before_reset needs both (reset_after in Keras).
 */
import { broadcastTo, Constant, expanded, weightOf } from '../constants.js';
import { same } from '../sizes.js';
import { axisOf, equalAxes, Factor, isBatch, Parts, sizeOf, Value } from '../values.js';
import { reversed, selected } from './axes.js';
/** @typedef {import('../converter.js').Converter} Converter */
/** @typedef {import('../converter.js').Node} Node */
/** @typedef {import('../converter.js').Any} Any */
/** @typedef {import('../converter.js').Operator} Operator */
/** @typedef {import('../values.js').Axis} Axis */
/** @typedef {import('../values.js').Output} Output */
/** @typedef {import('../../../layers/layer.js').Weight} Weight */

/** For each operator: its Keras class; for each gate in Keras's order, its index in ONNX's order; the default activations. */
const cells = {
  LSTM: { className: 'LSTM', order: [0, 2, 3, 1], functions: ['Sigmoid', 'Tanh', 'Tanh'] },
  GRU: { className: 'GRU', order: [0, 1, 2], functions: ['Sigmoid', 'Tanh'] },
  RNN: { className: 'SimpleRNN', order: [0], functions: ['Tanh'] },
};

/** ONNX's activations in lower case -> Keras's name, and the values that alpha and beta must have. @type {Record<string, { name: string, alpha?: number, beta?: number }>} */
const functions = {
  relu: { name: 'relu' },
  tanh: { name: 'tanh' },
  sigmoid: { name: 'sigmoid' },
  softsign: { name: 'softsign' },
  softplus: { name: 'softplus' },
  elu: { name: 'elu', alpha: 1 },
  leakyrelu: { name: 'leaky_relu', alpha: 0.2 },
  hardsigmoid: { name: 'hard_sigmoid', alpha: 1 / 6, beta: 0.5 },
};
/** hard_sigmoid as Keras 1 and 2 define it. */
const older = { name: 'hard_sigmoid_keras2', alpha: 0.2, beta: 0.5 };
/** Defaults of alpha and beta. @type {Record<string, [number?, number?]>} */
const parameters = {
  elu: [1],
  leakyrelu: [0.01],
  hardsigmoid: [0.2, 0.5],
};

/** The activations of a direction, in Keras's names. @param {Converter} c @param {Node} node @param {number} direction @param {string[]} defaults */
function activationsOf(c, node, direction, defaults) {
  const all = /** @type {string[]} */ (c.attribute(node, 'activations', []));
  const given = all.length ? all.slice(direction * defaults.length, (direction + 1) * defaults.length) : defaults;
  if (given.length !== defaults.length) c.refuse(node, `${all.length} activations, expected ${defaults.length} for each direction`);
  // The lists hold alpha and beta only for functions that have them, so take those of the earlier directions first.
  const [alphas, betas] = ['activation_alpha', 'activation_beta'].map((name) => [...c.attribute(node, name, [])]);
  const before = all.slice(0, direction * defaults.length);
  const take = (/** @type {string} */ name) => {
    const [alpha, beta] = Object.hasOwn(parameters, name.toLowerCase()) ? parameters[name.toLowerCase()] : [];
    return [alpha === undefined ? undefined : (alphas.shift() ?? alpha), beta === undefined ? undefined : (betas.shift() ?? beta)];
  };
  before.forEach(take);
  return given.map((name) => {
    const [alpha, beta] = take(name);
    const known = Object.hasOwn(functions, name.toLowerCase()) ? functions[name.toLowerCase()] : null;
    const differs = (/** @type {number | undefined} */ a, /** @type {number | undefined} */ b) =>
      b !== undefined && a !== undefined && Math.abs(a - b) > 1e-6;
    if (name.toLowerCase() === 'hardsigmoid' && !differs(alpha, older.alpha) && !differs(beta, older.beta)) return older.name;
    if (!known) return c.refuse(node, `activation ${name}; padless has ${Object.keys(functions).join(', ')} in recurrent layers`);
    if (differs(alpha, known.alpha)) c.refuse(node, `activation ${name} with alpha=${alpha}; padless has alpha=${known.alpha}`);
    if (differs(beta, known.beta)) c.refuse(node, `activation ${name} with beta=${beta}; padless has beta=${known.beta}`);
    return known.name;
  });
}

/** W [G H, K] of one direction -> Keras's kernel [K, G H]. @param {ArrayLike<number>} data @param {number} from @param {number} H @param {number} K @param {number[]} order @returns {Weight} */
function kernelOf(data, from, H, K, order) {
  const N = order.length * H;
  const y = new Float32Array(K * N);
  order.forEach((gate, to) => {
    for (let h = 0; h < H; h++) for (let k = 0; k < K; k++) y[k * N + to * H + h] = data[from + (gate * H + h) * K + k];
  });
  return { shape: [K, N], data: y };
}

/**
 * The kernel of one direction, int8 if the file stores it as int8.
 * @param {Constant} x  [directions, G H, K] @param {number} direction @param {number} H @param {number} K @param {number[]} order @returns {Weight}
 */
function kernelIn(x, direction, H, K, order) {
  const rows = order.length * H;
  const float = kernelOf(x.data, direction * rows * K, H, K, order);
  const { values, scale } = x.quantized ?? {};
  if (!values || !scale || (scale.data.length > 1 && (scale.base[2] !== 1 || scale.base.length !== 3))) return float;
  // There may be a single scale, or one for each direction, each row, or each row of each direction.
  const own = broadcastTo(scale, [x.base[0], rows, 1], '');
  const steps = kernelOf(own.data, direction * rows, H, 1, order);
  const made = new Constant('float', float.shape, float.data);
  const whole = kernelOf(/** @type {ArrayLike<number>} */ (values.data), direction * rows * K, H, K, order);
  made.quantized = { values: new Constant('int', float.shape, whole.data), scale: new Constant('float', steps.shape, steps.data) };
  return weightOf(made);
}

/** @param {Converter} c @param {Node} node @param {Any | undefined} x @param {string} name @param {number} rank */
function weight(c, node, x, name, rank) {
  if (!(x instanceof Constant)) return c.refuse(node, `${name} depends on the input; padless needs it to be constant`);
  if (x.shape.length !== rank) c.refuse(node, `${name} has shape [${x.shape}], expected ${rank} axes`);
  return expanded(x, c.describe(node));
}

/** The weights of each direction. @param {Converter} c @param {Node} node @param {(Any | undefined)[]} inputs @param {number[]} order @param {boolean} both  whether to keep both biases instead of their sum */
function weightsOf(c, node, inputs, order, both) {
  const [W, R] = [weight(c, node, inputs[1], 'W', 3), weight(c, node, inputs[2], 'R', 3)];
  const [directions, rows, D] = W.base;
  const H = R.base[2];
  const G = order.length;
  if (rows !== G * H || R.base.join() !== [directions, G * H, H].join())
    c.refuse(
      node,
      `W has shape [${W.base}] and R [${R.base}]; expected [${[directions, G * H, D]}] and [${[directions, G * H, H]}]`,
    );
  const B = inputs[3] ? weight(c, node, inputs[3], 'B', 2) : null;
  if (B && B.base.join() !== [directions, 2 * G * H].join())
    c.refuse(node, `B has shape [${B.base}], expected [${[directions, 2 * G * H]}]`);
  const weights = Array.from({ length: directions }, (_, d) => {
    /** @type {Record<string, Weight>} */
    const of = {
      kernel: kernelIn(W, d, H, D, order),
      recurrent_kernel: kernelIn(R, d, H, H, order),
    };
    if (B) {
      const [a, b] = [0, rows].map((at) => kernelOf(B.data, d * 2 * rows + at, H, 1, order).data);
      of.bias = both
        ? { shape: [2, rows], data: Float32Array.of(...a, ...b) }
        : { shape: [rows], data: a.map((value, i) => value + b[i]) };
    }
    return of;
  });
  return { weights, H, D, biased: B !== null };
}

/** Activations for which f(-x) = 1 - f(x). */
const symmetric = ['sigmoid', 'hard_sigmoid', 'hard_sigmoid_keras2'];

/**
 * input_forget: the forget gate is 1 - i = 1 - f(x) = f(-x), so give it the negated weights of the input gate.
 * @param {Converter} c @param {Node} node @param {Record<string, Weight>} weights  of one direction; gates i, f, c, o @param {number} H @param {string} activation  of the gates
 */
function coupleGates(c, node, weights, H, activation) {
  if (!symmetric.includes(activation))
    c.refuse(node, `input_forget is 1 with gate activation ${activation}; padless supports it with ${symmetric.join(', ')}`);
  for (const [path, { shape, data }] of Object.entries(weights)) {
    // Drop the int8 form, which would keep the old values.
    weights[path] = { shape, data };
    const N = shape[shape.length - 1];
    for (let row = 0; row < data.length; row += N) for (let h = 0; h < H; h++) data[row + H + h] = -data[row + h];
  }
}

/** Refuses clip and peepholes, which padless's cells do not have. @param {Converter} c @param {Node} node @param {(Any | undefined)[]} inputs */
function checkOptions(c, node, inputs) {
  const clip = c.attribute(node, 'clip', 0);
  if (clip !== 0) c.refuse(node, `clip is ${clip}; padless does not clip (clip 0)`);
  const peepholes = inputs[7];
  if (node.op === 'LSTM' && peepholes && !(peepholes instanceof Constant && peepholes.list.every((each) => each === 0)))
    c.refuse(
      node,
      `peepholes (input P) are ${peepholes instanceof Constant ? `up to ${Math.max(...peepholes.list.map(Math.abs))}` : 'computed'}; padless has LSTMs without peepholes (0)`,
    );
}

/** An initial state of one direction, [B, H]; null for zeros. @param {Converter} c @param {Node} node @param {Any | undefined} x @param {number} direction @param {number} layout @returns {Output | null} */
function stateOf(c, node, x, direction, layout) {
  if (!x || (x instanceof Constant && x.list.every((each) => each === 0))) return null;
  const rank = x.shape.length;
  if (rank !== 3) c.refuse(node, `an initial state of shape [${x.shape}], expected 3 axes`);
  if (x instanceof Constant) {
    const batchAxis = layout ? 0 : 1;
    if (x.base[batchAxis] !== 1)
      c.refuse(node, `an initial state of shape [${x.base}] has rows for a batch of fixed size ${x.base[batchAxis]}`);
    const H = Number(x.shape[2]);
    // An axis of `data` may be broadcast.
    const width = x.base[2];
    const at = x.base[layout ? 1 : 0] === 1 ? 0 : direction;
    const vector = new Constant(
      'float',
      [H],
      Float32Array.from({ length: H }, (_, h) => x.data[at * width + (width === 1 ? 0 : h)]),
    );
    return c.placed(node, vector).output;
  }
  const one = c.tensor(node, selected(c, node, x, layout ? 1 : 0, direction));
  if (!isBatch(one.view[0])) {
    if (one.view.flat().some(({ batch }) => batch)) c.refuse(node, `axis ${layout ? 0 : 1} of an initial state is not the batch`);
  }
  return c.arranged(node, one, [[c.batch], one.view[1]]);
}

/** The initial states of a direction: if any is given, the missing ones are zeros. @param {Converter} c @param {Node} node @param {(Any | undefined)[]} given @param {number} direction @param {number} H @param {number} layout */
function statesOf(c, node, given, direction, H, layout) {
  const states = given.map((x) => stateOf(c, node, x, direction, layout));
  return {
    any: states.some(Boolean),
    list: () => states.map((each) => each ?? c.placed(node, new Constant('float', [H], new Float32Array(H))).output),
  };
}

/**
 * The input of a recurrent node, cut to the lengths of its rows.
 * @param {Converter} c @param {Node} node @param {Value} x @param {{ time: Axis, batch: Axis, features: Axis }} axes  of its view @param {Any | undefined} lengths
 * @returns {{ input: Output, extend: ((y: Output, name: string) => Output) | null, key: string }}  extend: appends zeros after the lengths
 */
function inputOf(c, node, x, { time, batch, features }, lengths) {
  const groups = [[c.batch], time, features];
  const all =
    lengths === undefined || (lengths instanceof Constant && lengths.single !== undefined && same(lengths.single, sizeOf(time)));
  if (all) {
    c.readsSteps(node, time);
    return { input: c.arranged(node, x, groups), extend: null, key: '' };
  }
  const value = c.tensor(node, lengths);
  if (value.view.length !== 1 || value.stored.length)
    c.refuse(node, `sequence_lens of shape [${value.shape}], expected one length for each row`);
  if (value.view[0][0] && value.view[0][0] !== batch[0]) c.refuse(node, 'sequence_lens has the rows in another order than X');
  const key = `${value.output.layer} ${value.output.tensor}`;
  // padless knows the length of each row, so there is no padding to cut off.
  if (c.ownLengths && c.lengthInputs.has(value.output.layer)) return { input: c.arranged(node, x, groups), extend: null, key };
  const { short } = x;
  const input =
    short?.key === key && equalAxes(x.groups, groups)
      ? short.output
      : c.builder.layer('padless>FirstSteps', c.nameOf(node, '_cut'), {}, [c.arranged(node, x, groups), value.output]);
  const whole = c.arranged(node, x, groups);
  return { input, extend: (y, name) => c.builder.layer('padless>ExtendSteps', name, {}, [y, whole]), key };
}

/** @type {Operator} */
function recurrent(c, node, inputs) {
  const { className, order, functions: defaults } = cells[/** @type {keyof typeof cells} */ (node.op)];
  checkOptions(c, node, inputs);
  const layout = c.attribute(node, 'layout', 0);
  const x = c.tensor(node, inputs[0]);
  if (x.view.length !== 3) c.refuse(node, `X has shape [${x.shape}], expected 3 axes`);
  const [time, batch, features] = layout ? [x.view[1], x.view[0], x.view[2]] : x.view;
  if (!isBatch(batch))
    c.refuse(
      node,
      `axis ${layout ? 0 : 1} of X, [${x.shape}], is not the batch of the inputs; padless runs over the steps of each text`,
    );
  const resetAfter = node.op === 'GRU' && Boolean(c.attribute(node, 'linear_before_reset', 0));
  const { weights, H, D, biased } = weightsOf(c, node, inputs, order, resetAfter);
  const direction = c.attribute(node, 'direction', 'forward');
  const names = ['forward', 'reverse', 'bidirectional'];
  if (!names.includes(direction) || weights.length !== (direction === 'bidirectional' ? 2 : 1))
    c.refuse(node, `direction is ${direction}, but W has ${weights.length} directions`);
  if (!same(sizeOf(features), D)) c.refuse(node, `X has ${sizeOf(features)} features, but W has ${D}`);
  const { input, extend, key } = inputOf(c, node, x, { time, batch, features }, inputs[4]);
  const given = node.op === 'LSTM' ? [inputs[5], inputs[6]] : [inputs[5]];
  const states = weights.map((_, d) => statesOf(c, node, given, d, H, layout));
  const withSequence = c.isUsed(node.outputs[0]);
  const withStates = c.isUsed(node.outputs[2]) || (withSequence && c.isUsed(node.outputs[1]));
  const configs = weights.map((_, d) => {
    const [gate, act = gate, output = act] =
      node.op === 'RNN' ? activationsOf(c, node, d, defaults).slice(0, 1) : activationsOf(c, node, d, defaults);
    if (node.op === 'LSTM' && c.attribute(node, 'input_forget', 0)) coupleGates(c, node, weights[d], H, gate);
    if (output !== act)
      c.refuse(node, `activations ${act} and ${output} of the cell and of its output differ; padless has one activation for both`);
    return {
      ...{ units: H, activation: act, ...(node.op !== 'RNN' && { recurrent_activation: gate }), use_bias: biased },
      ...(node.op === 'GRU' && { reset_after: resetAfter }),
      ...{ return_sequences: withSequence, return_state: withStates },
    };
  });
  const any = states.some((each) => each.any);
  const options = any ? { initial_state: states.flatMap((each) => each.list()) } : undefined;
  const name = c.nameOf(node);
  /** @type {Output} */
  let made;
  if (direction === 'bidirectional') {
    const named = Object.fromEntries(
      weights.flatMap((of, d) => Object.entries(of).map(([path, each]) => [`${d ? 'backward' : 'forward'}_layer.${path}`, each])),
    );
    const [layer, backward] = configs.map((config, d) => ({
      class_name: className,
      config: { ...config, name: d ? 'backward' : 'forward', go_backwards: d === 1 },
    }));
    made = c.builder.layer('Bidirectional', name, { merge_mode: 'concat', layer, backward_layer: backward }, input, named, options);
  } else
    made = c.builder.layer(className, name, { ...configs[0], go_backwards: direction === 'reverse' }, input, weights[0], options);
  return outputsOf(c, node, {
    made,
    H,
    directions: weights.length,
    time,
    batch,
    direction,
    withSequence,
    withStates,
    layout,
    extend,
    key,
  });
}

/**
 * The outputs of the node: Y, Y_h and Y_c.
 * @param {Converter} c @param {Node} node
 * @param {{ made: Output, H: number, directions: number, time: Axis, batch: Axis, direction: string, withSequence: boolean, withStates: boolean, layout: number,
 *   extend: ((y: Output, name: string) => Output) | null, key: string }} of
 */
function outputsOf(c, node, { made, H, directions, time, batch, direction, withSequence, withStates, layout, extend, key }) {
  const { batch: first } = c;
  const steps = time.map(({ size }) => new Factor(size));
  const [both, units] = [axisOf(directions), axisOf(H)];
  /** @type {Any | undefined} */
  let sequence;
  if (withSequence) {
    const view = layout ? [batch, steps, both, units] : [steps, both, batch, units];
    let y = new Value({ output: made, groups: [[first], steps, [...both, ...units]], view });
    // Keras's go_backwards returns the last step first; ONNX keeps the order of the steps.
    if (direction === 'reverse') y = reversed(c, node, y, layout ? 1 : 0, true);
    // The steps after the lengths are zero in Y, so that a sum may read the shorter sequence.
    const short = key ? { key, output: y.output } : null;
    if (extend) y = y.with({ output: extend(y.output, c.nameOf(node, '_extended')), short });
    else y = y.with({ short });
    sequence = y;
  }
  const states = node.op === 'LSTM' ? 2 : 1;
  const stateAt = (/** @type {number} */ which) => {
    if (!c.isUsed(node.outputs[1 + which])) return undefined;
    const list = Array.from({ length: directions }, (_, d) => {
      const units_ = axisOf(H);
      const view = layout ? [batch, [], units_] : [[], batch, units_];
      return new Value({
        output: { layer: made.layer, tensor: withStates ? 1 + d * states + which : 0 },
        groups: [[first], units_],
        view,
      });
    });
    if (directions === 1) return list[0];
    const parts = new Parts(layout ? 1 : 0, list);
    if (withSequence) return parts;
    if (withStates) return parts;
    // Without sequences, Bidirectional returns the last states of both directions, concatenated.
    const merged = new Factor(directions);
    return new Value({
      output: made,
      groups: [[first], [merged, ...units]],
      view: layout ? [batch, [merged], units] : [[merged], batch, units],
    });
  };
  return [sequence, stateAt(0), states === 2 ? stateAt(1) : undefined];
}

/** @type {Record<string, Operator>} */
export const recurrentOperators = { LSTM: recurrent, GRU: recurrent, RNN: recurrent };
