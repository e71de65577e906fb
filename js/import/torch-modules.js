/**
 * The modules of PyTorch (torch.nn) that padless reads: for each type, the layers that compute the same and their weights.
 *
 * torch's LSTM has its gates in Keras's order, i, f, g (Keras: c), o. Its GRU has r, z, n, where Keras has z, r, h with reset_after; both
 * biases are kept.
 * @module
 */
import { show, UnsupportedError } from '../errors.js';
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('./torch.js').ModuleReader} ModuleReader */

/** [M, N] -> [N, M] @param {Weight} weight @returns {Weight} */
function transposed({ shape: [M, N], data }) {
  const y = new Float32Array(data.length);
  for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) y[n * M + m] = data[m * N + n];
  return { shape: [N, M], data: y };
}

/** The rows of a weight [G H, K] or [G H], gate by gate in Keras's order. @param {Weight} weight @param {number[]} order @returns {Weight} */
function reordered({ shape, data }, order) {
  const block = data.length / order.length;
  const y = new Float32Array(data.length);
  order.forEach((from, to) => y.set(data.subarray(from * block, (from + 1) * block), to * block));
  return { shape, data: y };
}

/** @param {ModuleReader} module */
function embedding(module) {
  const embeddings = module.take('weight');
  const [input_dim, output_dim] = embeddings.shape;
  module.add('Embedding', { input_dim, output_dim, mask_zero: module.options.mask_zero ?? false }, { embeddings });
}

/** @param {ModuleReader} module @returns {{ bias?: Weight }} */
const biasOf = (module) => (module.has('bias') ? { bias: module.take('bias') } : {});

/** @param {ModuleReader} module */
function linear(module) {
  const kernel = transposed(module.take('weight'));
  module.add('Dense', { units: kernel.shape[1], use_bias: module.has('bias') }, { kernel, ...biasOf(module) });
}

/** What torch calls weight and bias, and Keras gamma and beta. @param {ModuleReader} module */
function scaleAndShift(module) {
  const [scale, center] = [module.has('weight'), module.has('bias')];
  const weights = { ...(scale && { gamma: module.take('weight') }), ...(center && { beta: module.take('bias') }) };
  return { config: { epsilon: module.options.eps ?? 1e-5, scale, center }, weights };
}

/** @param {ModuleReader} module */
function layerNorm(module) {
  const { config, weights } = scaleAndShift(module);
  module.add('LayerNormalization', config, weights);
}

/** @param {ModuleReader} module */
function batchNorm(module) {
  const { config, weights } = scaleAndShift(module);
  const [moving_mean, moving_variance] = [module.take('running_mean'), module.take('running_var')];
  module.add('BatchNormalization', config, { ...weights, moving_mean, moving_variance });
}

/** For each type of recurrent module, its Keras class, and for each gate of Keras the number of torch's gate. */
const cells = {
  LSTM: { className: 'LSTM', order: [0, 1, 2, 3] },
  GRU: { className: 'GRU', order: [1, 0, 2] },
  RNN: { className: 'SimpleRNN', order: [0] },
};

/** The weights of a layer in one direction. @param {ModuleReader} module @param {string} suffix  _l0, _l0_reverse @returns {Record<string, Weight>} */
function cellWeights(module, suffix) {
  const { order } = cells[/** @type {keyof typeof cells} */ (module.type)];
  const kernel = transposed(reordered(module.take(`weight_ih${suffix}`), order));
  const recurrent_kernel = transposed(reordered(module.take(`weight_hh${suffix}`), order));
  if (!(module.options.bias ?? true)) return { kernel, recurrent_kernel };
  const [input, own] = ['ih', 'hh'].map((which) => reordered(module.take(`bias_${which}${suffix}`), order).data);
  // Only a GRU keeps both: its reset gate multiplies a sum that has the second one in it.
  const bias =
    module.type === 'GRU'
      ? { shape: [2, input.length], data: Float32Array.of(...input, ...own) }
      : { shape: [input.length], data: input.map((value, i) => value + own[i]) };
  return { kernel, recurrent_kernel, bias };
}

/** @param {ModuleReader} module */
function recurrent(module) {
  const { prefix, type, options } = module;
  const { num_layers: depth = 1, bidirectional = false, bias = true, nonlinearity = 'tanh', returns = 'sequence' } = options;
  if (module.has('weight_hr_l0') || options.proj_size)
    throw new UnsupportedError(
      `${module.where}: LSTM with proj_size=${options.proj_size ?? module.take('weight_hr_l0').shape[0]}; padless has no projections (weight_hr_l0)`,
    );
  if (returns !== 'sequence' && returns !== 'last')
    throw new UnsupportedError(`${prefix}: returns is ${show(returns)}, expected "sequence" or "last"`);
  const { className } = cells[/** @type {keyof typeof cells} */ (type)];
  for (let l = 0; l < depth; l++) {
    const name = depth > 1 ? `${module.name}_l${l}` : module.name;
    const forward = cellWeights(module, `_l${l}`);
    const config = {
      units: forward.recurrent_kernel.shape[0],
      return_sequences: l < depth - 1 || returns === 'sequence',
      use_bias: bias,
      ...(type === 'GRU' && { reset_after: true }),
      ...(type === 'RNN' && { activation: nonlinearity }),
    };
    if (!bidirectional) {
      module.add(className, config, forward, name);
      continue;
    }
    const both = { forward_layer: forward, backward_layer: cellWeights(module, `_l${l}_reverse`) };
    const weights = Object.entries(both).flatMap(([layer, each]) =>
      Object.entries(each).map(([key, weight]) => [`${layer}.${key}`, weight]),
    );
    const layer = { class_name: className, config: { ...config, name: 'forward' } };
    module.add('Bidirectional', { merge_mode: 'concat', layer }, Object.fromEntries(weights), name);
  }
  if (returns === 'last') module.endSequence();
}

/** [N, D, K] -> [K, D, N] @param {Weight} weight @returns {Weight} */
function convKernel({ shape: [N, D, K], data }) {
  const y = new Float32Array(data.length);
  for (let n = 0; n < N; n++)
    for (let d = 0; d < D; d++) for (let k = 0; k < K; k++) y[(k * D + d) * N + n] = data[(n * D + d) * K + k];
  return { shape: [K, D, N], data: y };
}

/** An option that is a number, or a list of one number. @param {any} value */
const single = (value) => (Array.isArray(value) ? value[0] : value);

/** @param {ModuleReader} module */
function conv(module) {
  module.refuse('padding_mode', ['zeros']);
  const { stride = 1, dilation = 1, groups = 1, padding = 0 } = module.options;
  const kernel = convKernel(module.take('weight'));
  const [size, , filters] = kernel.shape;
  const reach = (size - 1) * single(dilation);
  const side = padding === 'valid' ? 0 : padding === 'same' ? null : single(padding);
  // Zeros on both sides are Keras's `same` if the answer is as long as the input.
  const same = side === null ? reach % 2 === 0 || size % 2 === 1 : single(stride) === 1 && 2 * side === reach && side > 0;
  if (side === null && !same) module.refuse('padding', ['valid', 0]);
  if (side && !same) module.add('ZeroPadding1D', { padding: side }, {}, `${module.name}_padding`);
  const config = {
    filters,
    kernel_size: size,
    strides: single(stride),
    dilation_rate: single(dilation),
    groups,
    padding: same ? 'same' : 'valid',
    use_bias: module.has('bias'),
  };
  module.add('Conv1D', config, { kernel, ...biasOf(module) });
}

/** @param {ModuleReader} module */
function maxPool(module) {
  module.refuse('padding', [0]);
  module.refuse('dilation', [1]);
  const { kernel_size: size, stride } = module.options;
  module.add('MaxPooling1D', { pool_size: size, strides: stride ?? size });
}

/** @param {string} name  in Keras */
const activation = (name) => (/** @type {ModuleReader} */ module) => {
  module.refuse('approximate', ['none']);
  module.refuse('dim', module.sequence ? [-1, 2] : [-1, 1]);
  module.refuse('beta', [1]);
  module.add('Activation', { activation: name });
};

/** @param {string} className */
const pooling = (className) => (/** @type {ModuleReader} */ module) => {
  module.add(className);
  module.endSequence();
};

/** @param {ModuleReader} module */
const sameName = (module) => module.add(module.type);

/** How each type is read. @type {Record<string, (module: ModuleReader) => void>} */
export const moduleTypes = {
  Embedding: embedding,
  Linear: linear,
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  LayerNorm: layerNorm,
  BatchNorm1d: batchNorm,
  Conv1d: conv,
  MaxPool1d: maxPool,
  ReLU: sameName,
  LeakyReLU: (module) => module.add('LeakyReLU', { negative_slope: module.options.negative_slope ?? 0.01 }),
  ELU: (module) => module.add('ELU', { alpha: module.options.alpha ?? 1 }),
  Tanh: activation('tanh'),
  Sigmoid: activation('sigmoid'),
  GELU: activation('gelu'),
  SiLU: activation('silu'),
  Softplus: activation('softplus'),
  Softmax: activation('softmax'),
  LogSoftmax: activation('log_softmax'),
  Dropout: sameName,
  Identity: sameName,
  Mean: pooling('padless>MaskedMean'),
  Max: pooling('padless>MaskedMax'),
  LastStep: pooling('padless>LastStep'),
};
