/**
 * The modules of PyTorch (torch.nn) that padless reads: for each type, its options and the layers that compute the same.
 *
 * torch's LSTM orders its gates like Keras: i, f, g (Keras: c), o. Its GRU has the order r, z, n, Keras's z, r, h. A GRU keeps both biases
 * (reset_after).
 * @module
 */
import { ModelFileError, show, UnsupportedError } from '../errors.js';
import { isCount } from '../layers/layer.js';
import { single } from './torch-reader.js';
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('./torch-reader.js').ModuleReader} ModuleReader */

/**
 * A type of modules.
 * @typedef {object} ModuleType
 * @property {string[]} options  options that `read` uses, compares with the weights, or refuses
 * @property {string[]} [training]  options that do not change inference
 * @property {(module: ModuleReader) => void} read
 * @property {'ids' | 'sequence' | 'values'} input  values: a sequence or vectors
 * @property {boolean} [own]  whether it is padless's own type, which torch lacks
 */

/** Options of any module that do not change inference. */
export const withoutEffect = ['device', 'dtype', 'inplace'];

/** [M, N] -> [N, M] @param {Weight} weight @returns {Weight} */
function transposed({ shape: [M, N], data }) {
  const y = new Float32Array(data.length);
  for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) y[n * M + m] = data[m * N + n];
  return { shape: [N, M], data: y };
}

/** A weight [G H, K] or [G H] with its gates in Keras's order. @param {Weight} weight @param {number[]} order @returns {Weight} */
function reordered({ shape, data }, order) {
  const block = data.length / order.length;
  const y = new Float32Array(data.length);
  order.forEach((from, to) => y.set(data.subarray(from * block, (from + 1) * block), to * block));
  return { shape, data: y };
}

/** @param {ModuleReader} module @param {boolean} mask_zero */
function addTable(module, mask_zero) {
  module.readsIds();
  module.refuse('max_norm', []);
  const embeddings = module.takeRank('weight', 2);
  const [input_dim, output_dim] = embeddings.shape;
  module.check('num_embeddings', input_dim);
  module.check('embedding_dim', output_dim);
  module.add('Embedding', { input_dim, output_dim, mask_zero }, { embeddings });
  module.gives('sequence', output_dim);
  return embeddings;
}

/** @param {ModuleReader} module */
const embedding = (module) => void addTable(module, module.oneOf('mask_zero', [true, false], false));

const bagPooling = { mean: 'padless>MaskedMean', sum: 'padless>MaskedSum', max: 'padless>MaskedMax' };

/** An Embedding, and a reduction over the ids of a bag that ignores padding_idx. @param {ModuleReader} module */
function embeddingBag(module) {
  const mode = module.oneOf('mode', /** @type {const} */ (['mean', 'sum', 'max']), 'mean');
  const padding = module.options.padding_idx ?? null;
  // Embedding can mask id 0 only. In a sum, a row of zeros has the same effect.
  if (mode !== 'sum') module.refuse('padding_idx', [0]);
  const { shape, data } = addTable(module, padding === 0);
  if (padding !== null && !(Number.isSafeInteger(padding) && padding >= -shape[0] && padding < shape[0]))
    throw new ModelFileError(`${module.where}: padding_idx is ${show(padding)}, the table has ${shape[0]} rows`);
  const row = padding < 0 ? padding + shape[0] : padding;
  if (padding !== null) data.fill(0, row * shape[1], (row + 1) * shape[1]);
  module.add(bagPooling[mode], {}, {}, `${module.name}_${mode}`);
  module.gives('vectors');
}

/** @param {ModuleReader} module */
function linear(module) {
  const kernel = transposed(module.takeRank('weight', 2));
  const [K, units] = kernel.shape;
  module.check('in_features', K);
  module.check('out_features', units);
  module.reads('values', K);
  const { bias } = module.takeBias();
  module.add('Dense', { units, use_bias: bias !== undefined }, { kernel, ...(bias && { bias }) });
  module.gives(module.sequence ? 'sequence' : 'vectors', units);
}

/** Reads gamma and beta, which torch calls weight and bias; both may be absent. @param {ModuleReader} module @param {string} affine  the option */
function scaleAndShift(module, affine) {
  const scale = module.options[affine] ?? module.has('weight');
  const weights = {
    ...(scale && { gamma: module.takeRank('weight', 1) }),
    ...(scale && (module.options.bias ?? module.has('bias')) && { beta: module.takeRank('bias', 1) }),
  };
  const config = { epsilon: module.number('eps', 1e-5), scale: 'gamma' in weights, center: 'beta' in weights };
  return { config, weights, width: weights.gamma?.shape[0] };
}

/** @param {ModuleReader} module @param {string} option  a size, or a list of one @param {number | undefined} width */
function readsWidth(module, option, width) {
  if (width !== undefined) module.check(option, width);
  const given = single(module.options[option] ?? width);
  if (given !== undefined && !isCount(given))
    throw new UnsupportedError(
      `${module.where}: ${module.type} has ${option}=${show(given)}, expected one size: the number of features`,
    );
  module.reads('values', /** @type {number | undefined} */ (given));
}

/** @param {ModuleReader} module */
function layerNorm(module) {
  const { config, weights, width } = scaleAndShift(module, 'elementwise_affine');
  readsWidth(module, 'normalized_shape', width);
  module.add('LayerNormalization', config, weights);
}

/** @param {ModuleReader} module */
function rmsNorm(module) {
  const affine = module.options.elementwise_affine ?? module.has('weight');
  const given = affine ? module.takeRank('weight', 1) : null;
  readsWidth(module, 'normalized_shape', given?.shape[0]);
  const { width } = module;
  if (width === null) throw new ModelFileError(`${module.where}: RMSNorm without a weight needs normalized_shape`);
  const scale = given ?? { shape: [width], data: new Float32Array(width).fill(1) };
  // torch's default is the float32 epsilon.
  module.add('RMSNormalization', { epsilon: module.number('eps', 2 ** -23) }, { scale });
}

/** @param {ModuleReader} module */
function batchNorm(module) {
  module.refuse('track_running_stats', [true]);
  const { config, weights } = scaleAndShift(module, 'affine');
  const [moving_mean, moving_variance] = [module.takeRank('running_mean', 1), module.takeRank('running_var', 1)];
  readsWidth(module, 'num_features', moving_mean.shape[0]);
  module.add('BatchNormalization', config, { ...weights, moving_mean, moving_variance });
}

/** @param {ModuleReader} module */
function groupNorm(module) {
  const { config, weights, width } = scaleAndShift(module, 'affine');
  readsWidth(module, 'num_channels', width);
  module.add('GroupNormalization', { ...config, groups: module.count('num_groups') }, weights);
}

/** @param {ModuleReader} module */
function instanceNorm(module) {
  module.refuse('track_running_stats', [false]);
  module.reads('sequence');
  const { config, weights, width } = scaleAndShift(module, 'affine');
  readsWidth(module, 'num_features', width);
  module.add('GroupNormalization', { ...config, groups: -1 }, weights);
}

/** For each type of recurrent module: its Keras class, and for each gate in Keras's order, its index in torch's order. */
const cells = {
  LSTM: { className: 'LSTM', order: [0, 1, 2, 3] },
  GRU: { className: 'GRU', order: [1, 0, 2] },
  RNN: { className: 'SimpleRNN', order: [0] },
};
/** @typedef {keyof typeof cells} Cell */

/**
 * The weights of a layer in one direction.
 * @param {ModuleReader} module @param {string} suffix  _l0, _l0_reverse @param {number} width  of its input; 0 if not known @param {boolean} biased
 * @returns {Record<string, Weight>}
 */
function cellWeights(module, suffix, width, biased) {
  const { order } = cells[/** @type {Cell} */ (module.type)];
  const gates = order.length;
  const [input, own] = ['ih', 'hh'].map((which) => module.takeRank(`weight_${which}${suffix}`, 2));
  const [, units] = own.shape;
  const expected = [gates * units, width || input.shape[1]];
  if (own.shape[0] !== gates * units || input.shape.join() !== expected.join())
    throw new ModelFileError(
      `${module.where}: weights${suffix} of shapes [${input.shape}] and [${own.shape}]; an ${module.type} of ${units} units has [${expected}] and [${[gates * units, units]}]`,
    );
  const [kernel, recurrent_kernel] = [input, own].map((weight) => transposed(reordered(weight, order)));
  if (!biased) return { kernel, recurrent_kernel };
  const [a, b] = ['ih', 'hh'].map((which) => reordered(module.takeRank(`bias_${which}${suffix}`, 1), order).data);
  if (a.length !== gates * units || b.length !== gates * units)
    throw new ModelFileError(`${module.where}: biases${suffix} of ${a.length} and ${b.length} values, expected ${gates * units}`);
  // Only a GRU keeps both biases apart, because its reset gate multiplies a sum that contains the second one.
  const bias =
    module.type === 'GRU'
      ? { shape: [2, a.length], data: Float32Array.of(...a, ...b) }
      : { shape: [a.length], data: a.map((value, i) => value + b[i]) };
  return { kernel, recurrent_kernel, bias };
}

/** The number of layers of a recurrent module, from the state dict. @param {ModuleReader} module */
function depthOf(module) {
  let depth = 1;
  while (module.has(`weight_ih_l${depth}`)) depth++;
  return depth;
}

/** @param {ModuleReader} module */
function recurrent(module) {
  const { type, options } = module;
  if (module.has('weight_hr_l0') || options.proj_size)
    throw new UnsupportedError(
      `${module.where}: LSTM with proj_size=${options.proj_size ?? module.take('weight_hr_l0').shape[0]}; padless has no projections (weight_hr_l0)`,
    );
  const depth = module.count('num_layers', depthOf(module));
  const bidirectional = module.oneOf('bidirectional', [true, false], module.has('weight_ih_l0_reverse'));
  const biased = module.oneOf('bias', [true, false], module.has('bias_ih_l0'));
  const returns = module.oneOf('returns', ['sequence', 'last'], 'sequence');
  const activation = type === 'RNN' ? module.oneOf('nonlinearity', ['tanh', 'relu'], 'tanh') : undefined;
  const { className } = cells[/** @type {Cell} */ (type)];
  for (let l = 0; l < depth; l++) {
    const name = depth > 1 ? `${module.name}_l${l}` : module.name;
    const width = (l && module.width) || 0;
    const forward = cellWeights(module, `_l${l}`, width, biased);
    const [units] = forward.recurrent_kernel.shape;
    const [inputs] = forward.kernel.shape;
    if (l === 0) module.check('input_size', inputs);
    module.check('hidden_size', units);
    module.reads('sequence', inputs);
    const config = {
      units,
      return_sequences: l < depth - 1 || returns === 'sequence',
      use_bias: biased,
      ...(type === 'GRU' && { reset_after: true }),
      ...(activation && { activation }),
    };
    module.gives('sequence', bidirectional ? 2 * units : units);
    if (bidirectional)
      addBidirectional(module, className, config, name, forward, cellWeights(module, `_l${l}_reverse`, inputs, biased));
    else module.add(className, config, forward, name);
  }
  if (returns === 'last') module.gives('vectors');
}

/**
 * @param {ModuleReader} module @param {string} className @param {Record<string, any>} config @param {string} name
 * @param {Record<string, Weight>} forward @param {Record<string, Weight>} backward
 */
function addBidirectional(module, className, config, name, forward, backward) {
  const weights = Object.entries({ forward_layer: forward, backward_layer: backward }).flatMap(([layer, each]) =>
    Object.entries(each).map(([key, weight]) => [`${layer}.${key}`, weight]),
  );
  const layer = { class_name: className, config: { ...config, name: 'forward' } };
  module.add('Bidirectional', { merge_mode: 'concat', layer }, Object.fromEntries(weights), name);
}

/** [N, D, K] -> [K, D, N] @param {Weight} weight @returns {Weight} */
function convKernel({ shape: [N, D, K], data }) {
  const y = new Float32Array(data.length);
  for (let n = 0; n < N; n++)
    for (let d = 0; d < D; d++) for (let k = 0; k < K; k++) y[(k * D + d) * N + n] = data[(n * D + d) * K + k];
  return { shape: [K, D, N], data: y };
}

/** The number of zeros on each side of a Conv1d; null for padding='same'. @param {ModuleReader} module @returns {number | null} */
function paddingOf(module) {
  const padding = single(module.options.padding ?? 0);
  if (padding === 'same') return null;
  if (padding === 'valid' || padding === 0) return 0;
  return module.count('padding');
}

/** @param {ModuleReader} module */
function conv(module) {
  module.refuse('padding_mode', ['zeros']);
  const [strides, dilation_rate, groups] = [module.count('stride', 1), module.count('dilation', 1), module.count('groups', 1)];
  const kernel = convKernel(module.takeRank('weight', 3));
  const [kernel_size, inner, filters] = kernel.shape;
  module.check('kernel_size', kernel_size);
  module.check('in_channels', inner * groups);
  module.check('out_channels', filters);
  module.reads('sequence', inner * groups);
  const side = paddingOf(module);
  const reach = (kernel_size - 1) * dilation_rate;
  if (side === null && strides > 1) module.refuse('padding', ['valid', 0]);
  // Zeros on both sides equal Keras's `same` if they keep the number of steps.
  const same = side === null || (strides === 1 && 2 * side === reach && side > 0);
  if (side && !same) module.add('ZeroPadding1D', { padding: side }, {}, `${module.name}_padding`);
  const { bias } = module.takeBias();
  const padding = same ? 'same' : 'valid';
  const config = { filters, kernel_size, strides, dilation_rate, groups, padding, use_bias: bias !== undefined };
  module.add('Conv1D', config, { kernel, ...(bias && { bias }) });
  module.gives('sequence', filters);
}

/** @param {string} className */
const windowPooling = (className) => (/** @type {ModuleReader} */ module) => {
  module.reads('sequence');
  module.refuse('padding', [0]);
  module.refuse('dilation', [1]);
  module.refuse('ceil_mode', [false]);
  module.refuse('return_indices', [false]);
  const pool_size = module.count('kernel_size');
  module.add(className, { pool_size, strides: module.count('stride', pool_size) });
};

/** @param {string} className */
const pooling = (className) => (/** @type {ModuleReader} */ module) => {
  module.reads('sequence');
  module.refuse('output_size', [1]);
  module.add(className);
  module.gives('vectors');
};

/** Concatenates the values of all steps. @param {ModuleReader} module */
function flatten(module) {
  module.refuse('start_dim', [1]);
  module.refuse('end_dim', [-1]);
  if (!module.sequence) return;
  // torch flattens in the order of its input: [B, T, D] after an LSTM, [B, D, T] after a Conv1d. No default is right for both.
  const order = module.oneOf('order', ['time', 'channels'], '');
  if (order === 'channels') module.add('Permute', { dims: [2, 1] }, {}, `${module.name}_permute`);
  module.add('Flatten');
  module.gives('vectors', null);
}

/** @param {string} className  @param {(module: ModuleReader) => Record<string, any>} [config] */
const elementwise =
  (className, config = () => ({})) =>
  (/** @type {ModuleReader} */ module) => {
    module.add(className, config(module));
  };

/** @param {string} name  in Keras */
const activation = (name) => elementwise('Activation', () => ({ activation: name }));

/** Adds an activation over the features. @param {ModuleReader} module @param {string} name */
function overFeatures(module, name) {
  module.refuse('dim', module.sequence ? [-1, 2] : [-1, 1]);
  module.add('Activation', { activation: name });
}

/** f(x scale + offset) / scale - offset / scale. @param {ModuleReader} module @param {number} scale @param {number} offset @param {() => void} add */
function scaled(module, scale, offset, add) {
  const isPlain = scale === 1 && offset === 0;
  if (!isPlain) module.add('Rescaling', { scale, offset }, {}, `${module.name}_in`);
  add();
  if (!isPlain) module.add('Rescaling', { scale: 1 / scale, offset: -offset / scale }, {}, `${module.name}_out`);
}

/** log(1 + exp(beta x)) / beta @param {ModuleReader} module */
function softplus(module) {
  // Above the threshold, torch returns x itself. At 20 the difference is 2e-9.
  module.refuse('threshold', [20]);
  const beta = module.number('beta', 1);
  if (beta === 0) module.refuse('beta', []);
  scaled(module, beta, 0, () => module.add('Activation', { activation: 'softplus' }));
}

/** -log(1 + exp(-x)) @param {ModuleReader} module */
function logSigmoid(module) {
  scaled(module, -1, 0, () => module.add('Activation', { activation: 'softplus' }));
}

/** x > 0 ? x : alpha (exp(x / alpha) - 1) @param {ModuleReader} module */
function celu(module) {
  const alpha = module.number('alpha', 1);
  if (!(alpha > 0)) module.refuse('alpha', []);
  scaled(module, 1 / alpha, 0, () => module.add('ELU', { alpha: 1 }));
}

/** x, but at least min_val and at most max_val. @param {ModuleReader} module */
function hardtanh(module) {
  const [least, most] = [module.number('min_val', -1), module.number('max_val', 1)];
  if (!(least < most)) module.refuse('max_val', []);
  scaled(module, 1, -least, () => module.add('ReLU', { max_value: most - least }));
}

/** Softmax of -x. @param {ModuleReader} module */
function softmin(module) {
  module.add('Rescaling', { scale: -1 }, {}, `${module.name}_in`);
  overFeatures(module, 'softmax');
}

/** @param {ModuleReader} module */
function prelu(module) {
  const { shape, data } = module.takeRank('weight', 1);
  module.check('num_parameters', shape[0]);
  module.reads('values', shape[0] > 1 ? shape[0] : undefined);
  if (shape[0] === 1) module.add('LeakyReLU', { negative_slope: data[0] });
  else if (module.sequence) module.add('PReLU', { shared_axes: [1] }, { alpha: { shape: [1, shape[0]], data } });
  else module.add('PReLU', {}, { alpha: { shape, data } });
}

/** Reads the shape of a row, which no module of torch states. @param {ModuleReader} module */
function inputShape(module) {
  const { list } = module;
  const { shape } = module.options;
  const expected = { ids: '[T]', sequence: '[T, D]', vectors: '[D]' }[list.kind];
  const fits = Array.isArray(shape) && shape.every((size) => size === null || isCount(size));
  if (!fits || shape.length !== expected.split(',').length || (list.kind !== 'ids' && shape.at(-1) === null))
    throw new ModelFileError(
      `${module.where}: Input has shape=${show(shape)}; the model reads ${list.kind}, expected ${expected}, with null for T if it varies`,
    );
  if (list.layers.length) throw new ModelFileError(`${module.where}: Input comes after other modules; it has to be the first`);
  if (list.kind !== 'vectors') list.inputLength = shape[0];
  if (list.kind !== 'ids') module.reads('values', shape.at(-1));
}

const affine = ['eps', 'affine', 'track_running_stats'];
const recurrentOptions = ['input_size', 'hidden_size', 'num_layers', 'bias', 'bidirectional', 'returns'];
const table = ['num_embeddings', 'embedding_dim', 'max_norm', 'weight'];
const tableTraining = ['norm_type', 'scale_grad_by_freq', 'sparse'];
const windows = ['kernel_size', 'stride', 'padding', 'ceil_mode'];

/** @param {string} name  in Keras @returns {ModuleType} */
const plain = (name) => ({ input: 'values', options: [], read: activation(name) });

/** A module that does nothing at inference. @param {string[]} [training] @returns {ModuleType} */
const nothing = (training = ['p']) => ({ input: 'values', options: [], training, read: elementwise('Identity') });

/** @param {string} className @returns {ModuleType} */
const overTime = (className) => ({ input: 'sequence', options: [], read: pooling(className), own: true });

/** All module types by name. @type {Record<string, ModuleType>} */
export const moduleTypes = {
  Input: { input: 'values', options: ['shape'], read: inputShape, own: true },
  Embedding: {
    input: 'ids',
    options: [...table, 'mask_zero'],
    training: [...tableTraining, 'padding_idx'],
    read: embedding,
  },
  EmbeddingBag: {
    input: 'ids',
    options: [...table, 'mode', 'padding_idx'],
    training: [...tableTraining, 'include_last_offset'],
    read: embeddingBag,
  },
  LSTM: {
    input: 'sequence',
    options: [...recurrentOptions, 'proj_size'],
    training: ['batch_first', 'dropout'],
    read: recurrent,
  },
  GRU: { input: 'sequence', options: recurrentOptions, training: ['batch_first', 'dropout'], read: recurrent },
  RNN: {
    input: 'sequence',
    options: [...recurrentOptions, 'nonlinearity'],
    training: ['batch_first', 'dropout'],
    read: recurrent,
  },
  Linear: { input: 'values', options: ['in_features', 'out_features', 'bias', 'weight'], read: linear },
  Conv1d: {
    input: 'sequence',
    options: ['in_channels', 'out_channels', 'kernel_size', 'stride', 'padding', 'dilation', 'groups', 'bias', 'padding_mode'],
    read: conv,
  },
  MaxPool1d: {
    input: 'sequence',
    options: [...windows, 'dilation', 'return_indices'],
    read: windowPooling('MaxPooling1D'),
  },
  AvgPool1d: {
    input: 'sequence',
    options: windows,
    training: ['count_include_pad'],
    read: windowPooling('AveragePooling1D'),
  },
  AdaptiveMaxPool1d: { input: 'sequence', options: ['output_size'], read: pooling('padless>MaskedMax') },
  AdaptiveAvgPool1d: { input: 'sequence', options: ['output_size'], read: pooling('padless>MaskedMean') },
  Sum: overTime('padless>MaskedSum'),
  Mean: overTime('padless>MaskedMean'),
  Max: overTime('padless>MaskedMax'),
  Min: overTime('padless>MaskedMin'),
  FirstStep: overTime('padless>FirstStep'),
  LastStep: overTime('padless>LastStep'),
  Flatten: { input: 'values', options: ['start_dim', 'end_dim', 'order'], read: flatten },
  LayerNorm: { input: 'values', options: ['normalized_shape', 'eps', 'elementwise_affine', 'bias'], read: layerNorm },
  RMSNorm: { input: 'values', options: ['normalized_shape', 'eps', 'elementwise_affine'], read: rmsNorm },
  BatchNorm1d: { input: 'values', options: ['num_features', ...affine], training: ['momentum'], read: batchNorm },
  GroupNorm: { input: 'values', options: ['num_groups', 'num_channels', 'eps', 'affine'], read: groupNorm },
  InstanceNorm1d: { input: 'sequence', options: ['num_features', ...affine], training: ['momentum'], read: instanceNorm },
  ReLU: { input: 'values', options: [], read: elementwise('ReLU') },
  ReLU6: plain('relu6'),
  LeakyReLU: {
    input: 'values',
    options: ['negative_slope'],
    read: elementwise('LeakyReLU', (module) => ({ negative_slope: module.number('negative_slope', 0.01) })),
  },
  PReLU: { input: 'values', options: ['num_parameters'], training: ['init'], read: prelu },
  ELU: {
    input: 'values',
    options: ['alpha'],
    read: elementwise('ELU', (module) => ({ alpha: module.number('alpha', 1) })),
  },
  CELU: { input: 'values', options: ['alpha'], read: celu },
  SELU: plain('selu'),
  GELU: {
    input: 'values',
    options: ['approximate'],
    read: elementwise('Activation', (module) => ({
      activation: module.oneOf('approximate', ['none', 'tanh'], 'none') === 'tanh' ? 'gelu_tanh' : 'gelu',
    })),
  },
  SiLU: plain('silu'),
  Mish: plain('mish'),
  Hardswish: plain('hard_silu'),
  Hardsigmoid: plain('hard_sigmoid'),
  Hardtanh: { input: 'values', options: ['min_val', 'max_val'], read: hardtanh },
  Sigmoid: plain('sigmoid'),
  LogSigmoid: { input: 'values', options: [], read: logSigmoid },
  Tanh: plain('tanh'),
  Softsign: plain('softsign'),
  Softplus: { input: 'values', options: ['beta', 'threshold'], read: softplus },
  Softmax: { input: 'values', options: ['dim'], read: (module) => overFeatures(module, 'softmax') },
  Softmin: { input: 'values', options: ['dim'], read: softmin },
  LogSoftmax: { input: 'values', options: ['dim'], read: (module) => overFeatures(module, 'log_softmax') },
  Dropout: nothing(),
  Dropout1d: nothing(),
  AlphaDropout: nothing(),
  FeatureAlphaDropout: nothing(),
  Identity: nothing([]),
};
