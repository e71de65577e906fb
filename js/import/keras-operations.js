/**
 * Operations in functional graphs: converts those of TensorFlow's Keras 2 (TFOpLambda, SlicingOpLambda) to those of Keras 3, recognises
 * those in .h5 models of Keras 3, which do not mark them as operations, and suggests replacements for those that padless does not support.
 * @module
 */
import { textOf, UnsupportedError } from '../errors.js';

/** Operations on two tensors x and y: TensorFlow's name -> Keras 3's class. @type {Record<string, string>} */
const ofTwo = {
  '__operators__.add': 'Add',
  'math.add': 'Add',
  'math.subtract': 'Subtract',
  'math.multiply': 'Multiply',
  'math.truediv': 'TrueDivide',
  'math.divide': 'TrueDivide',
  'math.pow': 'Power',
  'math.maximum': 'Maximum',
  'math.minimum': 'Minimum',
  'math.equal': 'Equal',
  'math.not_equal': 'NotEqual',
  'math.greater': 'Greater',
  'math.greater_equal': 'GreaterEqual',
  'math.less': 'Less',
  'math.less_equal': 'LessEqual',
  'math.logical_and': 'LogicalAnd',
  'math.logical_or': 'LogicalOr',
};

/** Operations on one tensor without options: TensorFlow's name -> Keras 3's class. @type {Record<string, string>} */
const ofOne = {
  'math.negative': 'Negative',
  'math.abs': 'Absolute',
  'math.sqrt': 'Sqrt',
  'math.rsqrt': 'Rsqrt',
  'math.square': 'Square',
  'math.exp': 'Exp',
  'math.tanh': 'Tanh',
  'nn.tanh': 'Tanh',
  'math.sigmoid': 'Sigmoid',
  'nn.sigmoid': 'Sigmoid',
  'math.softplus': 'Softplus',
  'nn.relu': 'Relu',
  'nn.silu': 'Silu',
  'nn.elu': 'Elu',
  'nn.relu6': 'Relu6',
  'nn.selu': 'Selu',
  'math.log': 'Log',
  'math.log_sigmoid': 'LogSigmoid',
  'math.sign': 'Sign',
  'math.round': 'Round',
  'math.floor': 'Floor',
  'math.ceil': 'Ceil',
  stop_gradient: 'StopGradient',
  'math.logical_not': 'LogicalNot',
  ones_like: 'OnesLike',
  zeros_like: 'ZerosLike',
};

/** The argument of ops.split: a number of parts, or the indices at which to cut. @param {any} sizes  the number of equal parts, or the size of each part, where the last may be -1 */
function endsOf(sizes) {
  if (!Array.isArray(sizes)) return sizes;
  const first = sizes.slice(0, -1);
  const ends = first.map((_, i) => first.slice(0, i + 1).reduce((sum, size) => sum + size, 0));
  return first.every((size) => size >= 0) && sizes.at(-1) >= -1 ? ends : null;
}

/**
 * Operations on x with options: Keras 3's class, and a function from TensorFlow's keyword arguments to Keras 3's options.
 * @type {Record<string, [string, (told: any) => any]>}
 */
const withOptions = {
  'math.reduce_sum': ['Sum', ({ axis = null, keepdims = false }) => ({ axis, keepdims })],
  'math.reduce_mean': ['Mean', ({ axis = null, keepdims = false }) => ({ axis, keepdims })],
  'math.reduce_max': ['Max', ({ axis = null, keepdims = false }) => ({ axis, keepdims })],
  'math.reduce_min': ['Min', ({ axis = null, keepdims = false }) => ({ axis, keepdims })],
  'math.reduce_prod': ['Prod', ({ axis = null, keepdims = false }) => ({ axis, keepdims })],
  'math.reduce_variance': ['Var', ({ axis = null, keepdims = false }) => ({ axis, keepdims })],
  'math.reduce_std': ['Std', ({ axis = null, keepdims = false }) => ({ axis, keepdims })],
  'math.argmax': ['Argmax', ({ axis = null }) => ({ axis: axis ?? 0 })],
  'nn.softmax': ['Softmax', ({ axis = -1 }) => ({ axis: axis ?? -1 })],
  'nn.log_softmax': ['LogSoftmax', ({ axis = -1 }) => ({ axis: axis ?? -1 })],
  'nn.gelu': ['Gelu', ({ approximate = false }) => ({ approximate })],
  concat: ['Concatenate', ({ axis }) => ({ axis })],
  stack: ['Stack', ({ axis = 0 }) => ({ axis })],
  expand_dims: ['ExpandDims', ({ axis }) => ({ axis })],
  squeeze: ['Squeeze', ({ axis = null }) => ({ axis })],
  'compat.v1.squeeze': ['Squeeze', ({ axis = null }) => ({ axis })],
  transpose: ['Transpose', ({ perm }) => ({ axes: perm })],
  'compat.v1.transpose': ['Transpose', ({ perm }) => ({ axes: perm })],
  reshape: ['Reshape', ({ shape }) => ({ newshape: shape })],
  reverse: ['Flip', ({ axis }) => ({ axis })],
  cast: ['Cast', ({ dtype }) => ({ dtype: /\w+(?='?>?$)/.exec(dtype)?.[0] })],
  split: ['Split', ({ num_or_size_splits: sizes, axis = 0 }) => ({ indices_or_sections: endsOf(sizes), axis })],
  gather: ['Take', ({ axis = null, batch_dims: batch = 0 }) => ({ axis: batch ? null : (axis ?? 0) })],
  'compat.v1.gather': ['Take', ({ axis = null, batch_dims: batch = 0 }) => ({ axis: batch ? null : (axis ?? 0) })],
  pad: ['Pad', ({ paddings, mode = 'CONSTANT' }) => ({ pad_width: paddings, mode: String(mode).toLowerCase() })],
  'compat.v1.pad': ['Pad', ({ paddings, mode = 'CONSTANT' }) => ({ pad_width: paddings, mode: String(mode).toLowerCase() })],
  clip_by_value: ['Clip', ({ clip_value_min: least, clip_value_max: most }) => ({ x_min: least, x_max: most })],
};

/**
 * Converts an argument of an operation from Keras 2's form to Keras 3's.
 * @param {any} value  [layer, node, tensor], ['_CONSTANT_VALUE', -1, constant], a plain value, or a list of these
 * @returns {any}
 */
function argument(value) {
  if (!Array.isArray(value)) return value;
  const [name, node, tensor] = value;
  if (name === '_CONSTANT_VALUE') return tensor;
  if (typeof name === 'string' && Number.isInteger(node))
    return { class_name: '__keras_tensor__', config: { keras_history: [name, node, tensor] } };
  return value.map(argument);
}

/** Converts one index of x[...] to Keras 3's form. @param {any} entry */
const index = (entry) =>
  entry === null || typeof entry !== 'object' || entry.class_name ? entry : { class_name: '__slice__', config: entry };

const pick = 'x[:, i], or the layer padless>LastStep, which respects the mask';
const outside = "compute it outside of the model: predict gives every label's score";
const product = 'the layer Dot, ops.matmul, or ops.einsum of two';
/** Unsupported operation -> a replacement that computes the same, or nearly, in padless. @type {Record<string, string>} */
export const instead = {
  AdaptiveAveragePool: 'the layer GlobalAveragePooling1D',
  AdaptiveMaxPool: 'the layer GlobalMaxPooling1D',
  Amax: 'ops.max',
  Amin: 'ops.min',
  Append: 'the layer Concatenate',
  Argsort: outside,
  Average: 'the layer Average, or ops.mean',
  AveragePool: 'the layer AveragePooling1D',
  BatchNorm: 'the layer BatchNormalization',
  BroadcastTo: 'the layer RepeatVector',
  Conv: 'the layer Conv1D',
  DepthwiseConv: 'the layer DepthwiseConv1D',
  Dot: product,
  DotProductAttention: 'the layer Attention, or the layer MultiHeadAttention',
  Gather: pick,
  GatherV2: pick,
  GetItem: pick,
  Hstack: 'the layer Concatenate',
  Inner: product,
  LayerNorm: 'the layer LayerNormalization',
  MaxPool: 'the layer MaxPooling1D',
  Moments: 'the layer LayerNormalization',
  Moveaxis: 'ops.transpose, or the layer Permute',
  Normalize: 'the layer UnitNormalization',
  OneHot: 'an Embedding whose weights are the identity',
  Outer: product,
  Power: 'the layer Multiply, or x * x * x',
  RMSNorm: 'the layer RMSNormalization',
  Ravel: 'the layer Flatten',
  Repeat: 'the layer RepeatVector',
  SeparableConv: 'the layer SeparableConv1D',
  Sort: outside,
  TakeAlongAxis: pick,
  Tensordot: product,
  Tile: 'the layer RepeatVector',
  TopK: outside,
  Unstack: 'slices, x[:, i]',
  Vdot: product,
  Vstack: 'the layer Concatenate',
};

/** Advice for a message about an unsupported operation. @param {string} kind  Keras's class */
function hint(kind) {
  const other = Object.hasOwn(instead, kind) ? `build the model with ${instead[kind]}` : '';
  return `${other && `${other}; or `}give a layer that does the same as customLayers: { ${JSON.stringify(kind)}: ... }`;
}

/**
 * Adds advice to the error for an unsupported operation.
 * @param {unknown} error
 * @returns {unknown} a new error with advice; `error` itself if it is any other error
 */
export function advised(error) {
  if (!(error instanceof UnsupportedError)) return error;
  const kind = /: the operation (\w+) (with .* )?is not supported$/s.exec(error.message)?.[1];
  return kind ? new UnsupportedError(`${error.message}: ${hint(kind)}`, { cause: error }) : error;
}

/**
 * Marks the operations in an .h5 model of Keras 3. The file stores only their class, so that Keras itself reads them as layers. They are
 * recognised by their config, which lacks the `trainable` of layers.
 * @param {any} json  the architecture
 * @returns {any} a copy in which operations have a `module`, as in a .keras file
 */
export function withModules(json) {
  // Keras itself has two names for this class, and reads only its own in an .h5 file.
  if (json?.class_name === 'GroupedQueryAttention') return { ...json, class_name: 'GroupQueryAttention' };
  const { layers } = json?.config ?? {};
  if (!Array.isArray(layers)) return json;
  return {
    ...json,
    config: {
      ...json.config,
      layers: layers.map((entry) => {
        const { module, config, class_name: kind, inbound_nodes: nodes } = entry ?? {};
        const isLayer =
          module !== undefined ||
          /^(InputLayer|SpatialDropout[123]D|Discretization)$/.test(kind) ||
          config?.trainable !== undefined ||
          config?.layers;
        return isLayer || !nodes?.[0]?.args ? withModules(entry) : { ...entry, module: 'keras.src.ops.numpy' };
      }),
    },
  };
}

/** Keras's class name for an operation of TensorFlow. @param {string} called  TensorFlow's name, such as 'math.reduce_std' */
const kindOf = (called) =>
  String(called.split('.').at(-1))
    .replace(/^(reduce_|__)/, '')
    .replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase());

/**
 * Converts an operation of TensorFlow's Keras 2 to Keras 3's form.
 * @param {any} entry  an item of a functional graph's `layers`
 * @returns {any} the operation of Keras 3, or `entry` itself if it is a layer
 * @throws {UnsupportedError}
 */
export function operationOf(entry) {
  if (entry?.class_name !== 'TFOpLambda' && entry?.class_name !== 'SlicingOpLambda') return entry;
  const { config, inbound_nodes: nodes } = entry;
  const name = entry.name ?? config?.name;
  const called = textOf(config?.function);
  /** @param {any} node @returns {{ kind: string, args: any[], options: any, kwargs?: any }} */
  const read = (node) => {
    const one = typeof node?.[0] === 'string';
    const told = (one ? node[3] : node?.[0]?.[3]) ?? {};
    const x = argument(one ? node.slice(0, 3) : node?.map((/** @type {any} */ each) => each?.slice(0, 3)));
    const [y, other] = [argument(told.y), argument(told.x)];
    if (Object.hasOwn(ofOne, called)) return { kind: ofOne[called], args: [x], options: {} };
    // Keras 2 does not save the y of `x != 0`: without y the operation is rejected as unsupported.
    if (Object.hasOwn(ofTwo, called) && y !== undefined) return { kind: ofTwo[called], args: [x, y], options: {} };
    if (called === 'where' && y !== undefined && other !== undefined) return { kind: 'Where', args: [x, other, y], options: {} };
    if (called === 'linalg.matmul' && told.b && !told.transpose_a && !told.transpose_b)
      return { kind: 'Matmul', args: [x, argument(told.b)], options: {} };
    if (called === '__operators__.getitem' && Array.isArray(told.slice_spec))
      return { kind: 'GetItem', args: [x, told.slice_spec.map(index)], options: {} };
    if (!Object.hasOwn(withOptions, called))
      throw new UnsupportedError(
        `${name}: the operation ${called} of TensorFlow, called with ${JSON.stringify(told)}, is not supported: ${hint(kindOf(called))}`,
      );
    const [kind, options] = withOptions[called];
    const fill = kind === 'Pad' && told.constant_values ? { constant_values: told.constant_values } : {};
    return { kind, args: kind === 'Take' ? [x, argument(told.indices)] : [x], options: options(told), kwargs: fill };
  };
  if (!Array.isArray(nodes) || nodes.length !== 1)
    throw new UnsupportedError(`${name}: the operation ${called} is used ${nodes?.length} times; padless supports one use`);
  const { kind, args, options, kwargs = {} } = read(nodes[0]);
  return {
    module: 'keras.src.ops.numpy',
    class_name: kind,
    name,
    config: { ...options, name },
    inbound_nodes: [{ args, kwargs }],
  };
}
