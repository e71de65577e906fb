/**
 * PyTorch state dicts, saved as safetensors, against a small description of the architecture, since a state dict has none.
 * Gates: torch's LSTM i, f, g, o are Keras's i, f, c, o; its GRU's r, z, n are Keras's z, r, h with reset_after, both biases kept.
 * @module
 */
import { ModelFileError, show, UnsupportedError } from '../errors.js';
import { readSource } from '../file/read-source.js';
import { parse } from '../file/safetensors.js';
import { finish, readOptions } from './finish.js';
import { toFloat32 } from './floats.js';
import { nameOf } from './input-files.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('../file/safetensors.js').StoredTensor} StoredTensor */
/** @typedef {import('./finish.js').ImportOptions} ImportOptions */

/**
 * One module. `name` is its name in the state dict; options under torch's names. Not torch's own: `Mean`, `Max` and `LastStep` over the steps that
 * count, `returns: 'last'` of a recurrent module (the last layer's final hidden state, both directions side by side), and `mask_zero` of
 * an Embedding (id 0 is padding; otherwise lengths are the caller's to give).
 * @typedef {{ type: string, name?: string, [option: string]: any }} TorchModule
 */

/**
 * A PyTorch state dict saved as safetensors, against a description of the modules in order.
 * @param {import('../file/read-source.js').ModelSource} file
 * @param {TorchModule[]} architecture  [{ type: 'Embedding', name: 'embed' }, { type: 'LSTM', name: 'lstm', bidirectional: true }, ...]
 * @param {ImportOptions | null} [given]
 * @returns {Promise<import('../model/model.js').Model>}
 * @throws {ModelFileError | UnsupportedError}
 */
export async function fromTorch(file, architecture, given) {
  const options = given ?? {};
  const { tensors } = parse(await readSource(file, readOptions(options)));
  return finish({ ...torchParts(tensors, architecture, nameOf(file)), origin: 'torch' }, options);
}

/** torch's gate -> Keras's place for it. */
const gateOrder = { LSTM: [0, 1, 2, 3], GRU: [1, 0, 2], RNN: [0] };

/** @type {Record<string, 'float32' | 'float64' | 'float16' | 'bfloat16'>} */
const dtypes = { F32: 'float32', F64: 'float64', F16: 'float16', BF16: 'bfloat16' };

/** @param {StoredTensor} tensor @param {string} name @returns {Weight} */
function weightOf({ dtype, shape, data }, name) {
  const known = dtypes[dtype];
  if (!known) throw new UnsupportedError(`${name}: dtype ${dtype}, expected one of ${Object.keys(dtypes).join(', ')}`);
  return { shape, data: toFloat32(data, known) };
}

/**
 * @param {Map<string, StoredTensor>} tensors
 * @param {TorchModule[]} modules
 * @param {string} file  for messages
 * @returns {{ architecture: any, weights: () => Map<string, Weight> }}
 * @throws {ModelFileError | UnsupportedError}
 */
export function torchParts(tensors, modules, file) {
  if (!Array.isArray(modules)) throw new ModelFileError(`${file}: the architecture is not a list of modules`);
  const left = new Set([...tensors.keys()].filter((name) => !name.endsWith('num_batches_tracked')));
  /** @type {Map<string, Weight>} */
  const weights = new Map();
  /** @type {any[]} */
  const layers = [];
  /** Whether there is a time axis still. */
  let sequence = true;
  /** @param {string} name @returns {Weight} */
  const take = (name) => {
    const tensor = tensors.get(name);
    if (!tensor)
      throw new ModelFileError(
        `${file}: ${name} is not in the state dict, which holds ${[...tensors.keys()].slice(0, 20).join(', ')}`,
      );
    left.delete(name);
    return weightOf(tensor, `${file}: ${name}`);
  };
  /** @param {string} path @param {Weight} weight */
  const put = (path, weight) => weights.set(path, weight);
  /** @param {string} class_name @param {string} name @param {any} [config] */
  const add = (class_name, name, config = {}) => layers.push({ class_name, config: { name, ...config } });

  modules.forEach((module, i) => {
    if (module === null || typeof module !== 'object' || typeof module.type !== 'string' || typeof (module.name ?? '') !== 'string')
      throw new ModelFileError(`${file}: module ${i} is ${show(module)}, expected { type, name, ... }`);
    const { type } = module;
    const prefix = module.name ?? '';
    const name = (prefix || `${type}_${i}`).replaceAll('.', '_');
    /** @param {string} option @param {any[]} allowed */
    const refuse = (option, allowed) => {
      if (module[option] !== undefined && module[option] !== null && !allowed.includes(module[option]))
        throw new UnsupportedError(
          `${file}: ${prefix || type}: ${type} has ${option}=${show(module[option])}; padless supports ${allowed.map((value) => JSON.stringify(value)).join(', ') || 'only its absence'}`,
        );
    };
    refuse('max_norm', []);
    refuse('ceil_mode', [false]);
    refuse('return_sequences', []);
    switch (type) {
      case 'Embedding': {
        const table = take(`${prefix}.weight`);
        add(type, name, { input_dim: table.shape[0], output_dim: table.shape[1], mask_zero: module.mask_zero ?? false });
        put(`${name}.embeddings`, table);
        break;
      }
      case 'Linear': {
        const weight = transposed(take(`${prefix}.weight`));
        add('Dense', name, { units: weight.shape[1], use_bias: tensors.has(`${prefix}.bias`) });
        put(`${name}.kernel`, weight);
        if (tensors.has(`${prefix}.bias`)) put(`${name}.bias`, take(`${prefix}.bias`));
        break;
      }
      case 'LSTM':
      case 'GRU':
      case 'RNN':
        if (tensors.has(`${prefix}.weight_hr_l0`) || module.proj_size)
          throw new UnsupportedError(
            `${file}: ${prefix}: LSTM with proj_size=${module.proj_size ?? take(`${prefix}.weight_hr_l0`).shape[0]}; padless has no projections (weight_hr_l0)`,
          );
        recurrent(module, name, take, put, add);
        if (module.returns === 'last') sequence = false;
        break;
      case 'LayerNorm': {
        const affine = tensors.has(`${prefix}.weight`);
        const biased = tensors.has(`${prefix}.bias`);
        add('LayerNormalization', name, { epsilon: module.eps ?? 1e-5, scale: affine, center: biased });
        if (affine) put(`${name}.gamma`, take(`${prefix}.weight`));
        if (biased) put(`${name}.beta`, take(`${prefix}.bias`));
        break;
      }
      case 'BatchNorm1d': {
        add('BatchNormalization', name, {
          epsilon: module.eps ?? 1e-5,
          scale: tensors.has(`${prefix}.weight`),
          center: tensors.has(`${prefix}.bias`),
        });
        if (tensors.has(`${prefix}.weight`)) put(`${name}.gamma`, take(`${prefix}.weight`));
        if (tensors.has(`${prefix}.bias`)) put(`${name}.beta`, take(`${prefix}.bias`));
        put(`${name}.moving_mean`, take(`${prefix}.running_mean`));
        put(`${name}.moving_variance`, take(`${prefix}.running_var`));
        break;
      }
      case 'Conv1d':
        refuse('padding_mode', ['zeros']);
        conv(module, name, take, put, add, refuse, tensors.has(`${prefix}.bias`));
        break;
      case 'ReLU':
        add(type, name);
        break;
      case 'Tanh':
      case 'Sigmoid':
      case 'GELU':
      case 'SiLU':
      case 'Softplus':
      case 'LogSoftmax':
      case 'Softmax':
        refuse('approximate', ['none']);
        refuse('dim', sequence ? [-1, 2] : [-1, 1]);
        refuse('beta', [1]);
        add('Activation', name, { activation: type === 'LogSoftmax' ? 'log_softmax' : type.toLowerCase() });
        break;
      case 'Dropout':
      case 'Identity':
        add(type, name);
        break;
      case 'LeakyReLU':
        add(type, name, { negative_slope: module.negative_slope ?? 0.01 });
        break;
      case 'ELU':
        add(type, name, { alpha: module.alpha ?? 1 });
        break;
      case 'MaxPool1d':
        refuse('padding', [0]);
        refuse('dilation', [1]);
        add('MaxPooling1D', name, { pool_size: module.kernel_size, strides: module.stride ?? module.kernel_size });
        break;
      case 'Mean':
        add('padless>MaskedMean', name);
        sequence = false;
        break;
      case 'Max':
        add('padless>MaskedMax', name);
        sequence = false;
        break;
      case 'LastStep':
        add('padless>LastStep', name);
        sequence = false;
        break;
      default:
        throw new UnsupportedError(`${file}: ${prefix || `module ${i}`}: type ${show(type)} is not supported`);
    }
  });
  if (left.size) throw new ModelFileError(`${file}: the architecture names no module for ${[...left].slice(0, 10).join(', ')}`);
  // Padding of a batch is never data to torch's packed sequences.
  const input = { class_name: 'InputLayer', config: { name: 'ids', batch_shape: [null, null] } };
  return {
    architecture: { class_name: 'Sequential', config: { name: 'model', layers: [input, ...layers] } },
    weights: () => weights,
  };
}

/** @param {Weight} weight  [M, N] @returns {Weight} [N, M] */
function transposed({ shape: [M, N], data }) {
  const y = new Float32Array(data.length);
  for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) y[n * M + m] = data[m * N + n];
  return { shape: [N, M], data: y };
}

/** Gates in Keras's order. @param {Weight} weight  [G H, K] or [G H] @param {number[]} order @returns {Weight} */
function reordered({ shape, data }, order) {
  const block = data.length / order.length;
  const y = new Float32Array(data.length);
  order.forEach((from, to) => y.set(data.subarray(from * block, (from + 1) * block), to * block));
  return { shape, data: y };
}

/**
 * @param {TorchModule} module
 * @param {string} name
 * @param {(name: string) => Weight} take
 * @param {(path: string, weight: Weight) => void} put
 * @param {(class_name: string, name: string, config?: any) => void} add
 */
function recurrent(module, name, take, put, add) {
  const {
    type,
    name: prefix,
    num_layers: depth = 1,
    bidirectional = false,
    bias = true,
    nonlinearity = 'tanh',
    returns = 'sequence',
  } = module;
  if (returns !== 'sequence' && returns !== 'last')
    throw new UnsupportedError(`${prefix}: returns is ${show(returns)}, expected "sequence" or "last"`);
  const order = gateOrder[/** @type {keyof typeof gateOrder} */ (type)];
  for (let l = 0; l < depth; l++) {
    const sequences = l < depth - 1 || returns === 'sequence';
    const layerName = depth > 1 ? `${name}_l${l}` : name;
    const directions = bidirectional ? ['', '_reverse'] : [''];
    let units = 0;
    directions.forEach((suffix) => {
      const path = bidirectional ? `${layerName}.${suffix ? 'backward' : 'forward'}_layer` : layerName;
      const recurrentKernel = transposed(reordered(take(`${prefix}.weight_hh_l${l}${suffix}`), order));
      [units] = recurrentKernel.shape;
      put(`${path}.kernel`, transposed(reordered(take(`${prefix}.weight_ih_l${l}${suffix}`), order)));
      put(`${path}.recurrent_kernel`, recurrentKernel);
      if (!bias) return;
      const [input, own] = ['ih', 'hh'].map((which) => reordered(take(`${prefix}.bias_${which}_l${l}${suffix}`), order));
      const width = order.length * units;
      if (type === 'GRU') put(`${path}.bias`, { shape: [2, width], data: Float32Array.of(...input.data, ...own.data) });
      else put(`${path}.bias`, { shape: [width], data: input.data.map((value, i) => value + own.data[i]) });
    });
    const config = {
      units,
      return_sequences: sequences,
      use_bias: bias,
      ...(type === 'GRU' && { reset_after: true }),
      ...(type === 'RNN' && { activation: nonlinearity }),
    };
    const class_name = type === 'RNN' ? 'SimpleRNN' : type;
    if (!bidirectional) add(class_name, layerName, config);
    else add('Bidirectional', layerName, { merge_mode: 'concat', layer: { class_name, config: { ...config, name: 'forward' } } });
  }
}

/**
 * @param {TorchModule} module
 * @param {string} name
 * @param {(name: string) => Weight} take
 * @param {(path: string, weight: Weight) => void} put
 * @param {(class_name: string, name: string, config?: any) => void} add
 * @param {(option: string, allowed: any[]) => void} refuse
 * @param {boolean} biased
 */
function conv(module, name, take, put, add, refuse, biased) {
  const { name: prefix, stride = 1, dilation = 1, groups = 1, padding = 0 } = module;
  const [out, inner, size] = take(`${prefix}.weight`).shape;
  const { data } = take(`${prefix}.weight`);
  const kernel = new Float32Array(data.length);
  for (let n = 0; n < out; n++)
    for (let d = 0; d < inner; d++)
      for (let k = 0; k < size; k++) kernel[(k * inner + d) * out + n] = data[(n * inner + d) * size + k];
  const one = (/** @type {any} */ value) => (Array.isArray(value) ? value[0] : value);
  const reach = (size - 1) * one(dilation);
  const side = padding === 'valid' ? 0 : padding === 'same' ? null : one(padding);
  // Zeros on both sides are `same` where they make up for the window.
  const same = side === null ? reach % 2 === 0 || size % 2 === 1 : one(stride) === 1 && 2 * side === reach && side > 0;
  if (side === null && !same) refuse('padding', ['valid', 0]);
  if (side && !same) add('ZeroPadding1D', `${name}_padding`, { padding: side });
  add('Conv1D', name, {
    filters: out,
    kernel_size: size,
    strides: one(stride),
    dilation_rate: one(dilation),
    groups,
    padding: same ? 'same' : 'valid',
    use_bias: biased,
  });
  put(`${name}.kernel`, { shape: [size, inner, out], data: kernel });
  if (biased) put(`${name}.bias`, take(`${prefix}.bias`));
}
