/**
 * What layers refuse while a model is loaded or run: options, numbers of inputs and shapes. Each message names the layer, what it got and what is
 * expected. tests/layers/rare.test.js and tests/models/graphs.test.js have the others.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, ModelFileError, ShapeError, UnsupportedError } from 'padless';
import { Bidirectional, GRU, LSTM } from 'padless/layers';
import '../guarded-heap.js';
import { functional, input, layer } from '../keras-json.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { weights } = random();

/** Inputs by name: ids, masked ids, values of known and of variable length, vectors. @type {Record<string, any[]>} */
const inputs = {
  ids: [input('ids', [3]), layer('Embedding', 'reader', { input_dim: 9, output_dim: 4 }, ['ids'])],
  masked: [input('masked-ids'), layer('Embedding', 'masked', { input_dim: 9, output_dim: 4, mask_zero: true }, ['masked-ids'])],
  steps: [input('steps', [null, 4])],
  wide: [input('wide', [null, 5])],
  cut: [input('cut-ids', [3]), layer('Embedding', 'cut', { input_dim: 9, output_dim: 4, mask_zero: true }, ['cut-ids'])],
  three: [input('three', [3, 4])],
  two: [input('two', [2, 4])],
  deep: [input('deep', [3, 2, 2])],
  bins: [input('numbers', [4]), layer('Discretization', 'bins', { bin_boundaries: [0, 1, 2] }, ['numbers'])],
  flat: [input('flat', [4])],
  length: [input('length', [1])],
};

/**
 * A model of one layer called `l` over some of these inputs.
 * @param {string} Class @param {any} config @param {string[]} from @param {any} [options]  `called`: arguments of the call
 */
function create(Class, config, from, { called, ...more } = /** @type {any} */ ({})) {
  const used = [...new Set(from)].flatMap((name) => inputs[name]);
  const l = layer(Class, 'l', config, from);
  if (called) l.inbound_nodes[0][0][3] = called;
  const names = used.filter(({ class_name: name }) => name === 'InputLayer').map(({ name }) => name);
  return createModel({ architecture: functional([...used, l], names, ['l']), weights, simd, kerasVersion: '3.15.1', ...more });
}

test('options that padless lacks are refused with the values that it has', async () => {
  const channels = { data_format: 'channels_first' };
  /** @type {[string, any, string[], string][]} */
  const options = [
    ['GRU', { units: 2, time_major: true }, ['steps'], 'time_major=true; padless supports false'],
    ['Conv1D', { filters: 2, kernel_size: 1, ...channels }, ['steps'], 'data_format="channels_first"; padless supports "channels_last"'],
    ['DepthwiseConv1D', { kernel_size: 1, ...channels }, ['steps'], 'data_format="channels_first"; padless supports "channels_last"'],
    ['MaxPooling1D', channels, ['steps'], 'data_format="channels_first"; padless supports "channels_last"'],
    ['Conv1DTranspose', { filters: 2, kernel_size: 1, ...channels }, ['steps'], 'data_format="channels_first"; padless supports'],
    ['Conv1DTranspose', { filters: 2, kernel_size: 1, groups: 2 }, ['steps'], 'groups=2; padless supports 1'],
    ['Conv1DTranspose', { filters: 2, kernel_size: 1, padding: 'causal' }, ['steps'], 'padding="causal"; padless supports "valid", "same"'],
    ['UpSampling1D', { size: 2, ...channels }, ['steps'], 'data_format="channels_first"; padless supports "channels_last"'],
    ['ZeroPadding1D', { padding: 1, ...channels }, ['steps'], 'data_format="channels_first"; padless supports "channels_last"'],
    ['GlobalAveragePooling1D', channels, ['steps'], 'data_format="channels_first"; padless supports "channels_last"'],
    ['GlobalMaxPooling1D', channels, ['steps'], 'data_format="channels_first"; padless supports "channels_last"'],
    ['Flatten', { data_format: 'rows' }, ['three'], 'data_format="rows"; padless supports "channels_last", "channels_first"'],
    ['Attention', { score_mode: 'sum' }, ['steps', 'steps'], 'score_mode="sum"; padless supports "dot", "concat"'],
    ['GroupQueryAttention', { use_gate: true }, ['steps'], 'use_gate=true; padless supports false'],
    ['GroupQueryAttention', { sliding_window: 3 }, ['steps'], 'sliding_window=3; padless supports only null'],
    ['ReversibleEmbedding', { reverse_dtype: 'float16' }, ['ids'], 'reverse_dtype="float16"; padless supports "float32"'],
    ['CategoryEncoding', { output_mode: 'tfidf' }, ['ids'], 'output_mode="tfidf"; padless supports "one_hot", "multi_hot", "binary", "count"'],
    ['padless>ContribCRF', { units: 2, learn_mode: 'sum' }, ['steps'], 'learn_mode="sum"; padless supports "join", "marginal"'],
    ['padless>ContribCRF', { units: 2, test_mode: 'sum' }, ['steps'], 'test_mode="sum"; padless supports "viterbi", "marginal"'],
    ['Discretization', { output_mode: 'hash' }, ['flat'], 'output_mode="hash"; padless supports "int", "one_hot", "multi_hot", "count"'],
    ['Discretization', { sparse: true }, ['flat'], 'sparse=true; padless supports false'],
  ]; // prettier-ignore
  for (const [Class, config, from, message] of options)
    await assert.rejects(create(Class, config, from), (error) => {
      assert.ok(error instanceof UnsupportedError, String(error));
      assert.ok(error.message.startsWith(`l: ${Class} has ${message}`), `${error.message}, expected ${message}`);
      return true;
    });
  const architecture = (/** @type {any} */ layers) => ({
    class_name: 'Sequential',
    config: { name: 'm', layers: [input('x', [null, 4]), ...layers] },
  });
  const stateful = { class_name: 'LSTM', config: { name: 'inner', units: 2, stateful: true } };
  for (const [config, message] of /** @type {[any, RegExp][]} */ ([
    [
      { name: 'l', stateful: true, layer: { ...stateful, config: { units: 2 } } },
      /^l: Bidirectional has stateful=true; padless supports false$/,
    ],
    [{ name: 'l', layer: stateful }, /^l\.forward_layer: LSTM has stateful=true; padless supports false$/],
  ]))
    // prettier-ignore
    await assert.rejects(
      createModel({ architecture: architecture([{ class_name: 'Bidirectional', config }]), weights, simd }),
      says(UnsupportedError, message),
    );
});

/** @type {[string, any, string[], new (...args: any[]) => Error, string, any?][]} */
const refused = [
  ['Embedding', { input_dim: 9, output_dim: 2 }, ['masked'], ShapeError, 'Embedding takes token ids, got values'],
  ['CategoryEncoding', { num_tokens: 3 }, ['masked'], ShapeError, 'CategoryEncoding takes token ids, got values'],
  ['padless>IdValues', {}, ['steps'], ShapeError, 'IdValues takes token ids'],
  ['padless>Positions', {}, ['flat'], ShapeError, 'Positions takes a sequence'],
  ['padless>PositionEmbedding', { input_dim: 3, output_dim: 2 }, ['flat'], ShapeError, 'PositionEmbedding takes a sequence'],
  ['padless>StepCount', {}, ['flat'], ShapeError, 'StepCount takes a sequence'],
  ['padless>FirstSteps', {}, ['steps'], ShapeError, 'takes two inputs, got 1'],
  ['padless>FirstSteps', {}, ['steps', 'flat'], ShapeError, 'lengths of shape [B, 4], expected [B, 1]'],
  ['padless>ExtendSteps', {}, ['steps', 'flat'], ShapeError, 'the second input is not a sequence'],
  ['padless>ExtendSteps', {}, ['steps', 'wide', 'three'], ShapeError, 'takes two inputs, got 3'],
  ['padless>FirstSteps', {}, ['flat', 'length'], ShapeError, 'FirstSteps takes a sequence [B, T, D], got vectors of 4'],
  ['padless>ExtendSteps', {}, ['flat', 'steps'], ShapeError, 'ExtendSteps takes a sequence [B, T, D], got vectors of 4'],
  ['CategoryEncoding', { num_tokens: 3 }, ['bins'], ShapeError, 'num_tokens=3, expected at least 4, the number of bins before it'],
  ['CategoryEncoding', { num_tokens: 3, weights: [1, 2] }, ['ids'], ModelFileError, 'weights is a list of 2, expected num_tokens = 3 numbers'],
  ['Discretization', { bin_boundaries: [1, 0] }, ['flat'], ModelFileError, 'bin_boundaries is [1,0], expected numbers in ascending order'],
  ['Discretization', { bin_boundaries: ['a'] }, ['flat'], ModelFileError, 'bin_boundaries is ["a"], expected numbers in ascending order'],
  ['padless>Constant', { shape: [] }, ['steps'], ModelFileError, 'shape is [], expected sizes of at least one axis'],
  ['padless>Constant', { shape: 3 }, ['steps'], ModelFileError, 'shape is 3, expected a list'],
  ['padless>PadSteps', { padding: [1, 1], mode: 'mirror' }, ['steps'], ModelFileError, 'mode is "mirror", expected one of '],
  ['padless>CRF', { decode: 'best' }, ['steps'], UnsupportedError, `decode is "best", expected 'viterbi' or 'marginals'`],
  ['padless>Rearrange', { pattern: 'b t -> b t' }, ['ids'], ShapeError, 'Rearrange takes values, got token ids'],
  ['padless>Rearrange', { pattern: 'b t d -> b d t' }, ['flat'], ShapeError, 'an input of 2 axes for b t d -> b d t'],
  ['padless>Rearrange', { pattern: 'b t (h d) -> b t h d' }, ['three'], ModelFileError, 'sizes of h, d are missing'],
  ['padless>Rearrange', { pattern: 'b t (h d) -> b t h d', sizes: { h: 3 } }, ['three'], ShapeError, 'axis 2 of ['],
  ['padless>HierarchicalSoftmax', { children: [[0, 1], [0, 2], [3, 4], [5, 6]] }, ['flat'], ModelFileError, 'children is not a tree: a node has no parent, or several'],
  ['padless>AddonsCRF', { units: 3, use_kernel: false }, ['steps'], ShapeError, '4 scores for each step, expected units = 3, as use_kernel is false'],
  ['Dense', { units: 2 }, ['ids'], ShapeError, 'Dense takes values, got token ids'],
  ['Dense', { units: 2 }, ['steps', 'wide'], ShapeError, 'Dense takes one input, got 2'],
  ['GRU', { units: 2 }, ['deep'], ShapeError, 'GRU takes a sequence [B, T, D], got [B, 3,2,2]'],
  ['GRU', { units: 2 }, ['flat'], ShapeError, 'GRU takes a sequence [B, T, D], got vectors'],
  ['LSTM', { units: 2 }, ['steps', 'flat'], ShapeError, '1 initial states, expected the 2 of LSTM'],
  ['GRU', { units: 2 }, ['steps', 'flat'], ShapeError, 'an initial state has 4 values for each text, expected 2'],
  ['Conv1D', { filters: 6, kernel_size: 1, groups: 3 }, ['steps'], ShapeError, '3 groups do not divide 4 features and 6 filters'],
  ['Conv1D', { filters: 3, kernel_size: 1, groups: 2 }, ['steps'], ShapeError, '2 groups do not divide 4 features and 3 filters'],
  ['Conv1D', { filters: 3, kernel_size: 1, padding: 'full' }, ['steps'], UnsupportedError, 'padding "full" is not one of valid, same, causal'],
  ['GroupNormalization', { groups: 3 }, ['steps'], ShapeError, '3 groups do not divide 4 features'],
  ['Attention', {}, ['steps'], ShapeError, 'Attention needs a list of 2 or 3 inputs, [query, value] or [query, value, key]'],
  ['Attention', {}, ['steps', 'steps', 'steps', 'steps'], ShapeError, 'Attention needs a list of 2 or 3 inputs'],
  ['AdditiveAttention', {}, ['steps', 'wide'], ShapeError, 'queries have 4 features and keys 5, expected equal numbers'],
  ['Add', {}, ['steps'], ShapeError, 'Add needs a list of at least 2 inputs of values, got 1'],
  ['Multiply', {}, ['steps', 'ids'], ShapeError, 'Multiply needs a list of at least 2 inputs of values, got 2'],
  ['Subtract', {}, ['steps', 'steps', 'steps'], ShapeError, 'Subtract takes 2 inputs, got 3'],
  ['Add', {}, ['deep', 'three'], UnsupportedError, 'Add of [3,2,2] and [3,4]; padless broadcasts up to [B, T, D]'],
  ['Concatenate', {}, ['steps', 'flat'], UnsupportedError, 'Concatenate of [,4] and [4] along axis -1; padless supports the last axis and the time axis, 1'],
  ['Concatenate', { axis: 1 }, ['steps', 'wide'], ShapeError, 'Concatenate over time of 4 and 5 features'],
  ['Dot', { axes: 1 }, ['deep', 'three'], UnsupportedError, 'Dot of [3,2,2] and [3,4]; padless supports two inputs of up to [B, T, D]'],
  ['Dot', { axes: 3 }, ['three', 'two'], ShapeError, 'Dot has axes=3 for [B, 3,4], expected its first or last axis after the batch'],
  ['Dot', { axes: 1 }, ['three', 'two'], ShapeError, 'Dot sums over axes of sizes 3 and 2, expected equal sizes'],
  ['Reshape', { target_shape: [3, 5] }, ['three'], ShapeError, 'Reshape of ['],
  ['RepeatVector', { n: 2 }, ['three'], ShapeError, 'RepeatVector takes vectors [B, D], got [B, 3,4]'],
  ['Softmax', { axis: 0 }, ['three'], UnsupportedError, 'Softmax has axis=0; padless supports the last axis, 2, and the time axis, 1'],
  ['ReversibleEmbedding', { input_dim: 9, output_dim: 3 }, ['masked'], ShapeError, 'ReversibleEmbedding with reverse=True takes 3 features, got 4', { called: { reverse: true } }],
  ['ReversibleEmbedding', { input_dim: 9, output_dim: 1 }, ['ids'], ShapeError, 'ReversibleEmbedding takes values, got token ids', { called: { reverse: true } }],
  ['TimeDistributed', { layer: { class_name: 'LSTM', config: { units: 2, return_state: true } } }, ['deep'], ModelFileError, 'the inner layer has 3 outputs, expected 1'],
  ['TimeDistributed', { layer: { class_name: 'LSTM', config: { units: 2, stateful: true } } }, ['deep'], UnsupportedError, 'a stateful layer inside TimeDistributed is not supported'],
  ['TimeDistributed', { layer: { class_name: 'Dense', config: { units: 2 } } }, ['flat'], ShapeError, 'TimeDistributed takes a sequence [B, T, ...], got vectors'],
  ['RNN', { cell: { class_name: 'StackedRNNCells', config: { cells: [] } } }, ['steps'], ModelFileError, 'StackedRNNCells has no cells'],
  ['RNN', { cell: { class_name: 'GRUCell', config: null } }, ['steps'], ModelFileError, 'cell GRUCell has no config'],
  ['RNN', { cell: { class_name: 'MyCell', config: {} } }, ['steps'], UnsupportedError, 'cell "MyCell" is not one of SimpleRNNCell, GRUCell, LSTMCell'],
  ['GRU', { units: 2, unroll: true, zero_output_for_mask: true, go_backwards: true }, ['masked'], UnsupportedError, 'an unrolled layer with a mask has zeros at the wrong steps in Keras 2; save it with unroll=False', { kerasVersion: '2.15.0' }],
  ['MultiHeadAttention', { num_heads: 1, key_dim: 2 }, ['masked'], UnsupportedError, 'MultiHeadAttention uses masks from Keras 2.10 on, and the file does not say its version: give kerasVersion', { kerasVersion: '2' }],
]; // prettier-ignore

test('a layer that cannot take its inputs is refused, and the message says what it takes', async () => {
  for (const [Class, config, from, Type, message, more] of refused)
    await assert.rejects(create(Class, config, from, more), (error) => {
      assert.ok(error instanceof Type, `${Class}: ${error}`);
      assert.ok(/^(model\.)?l: /.test(error.message) && error.message.includes(message), `${error.message}, expected ${message}`); // prettier-ignore
      return true;
    });
});

test('layers of values refuse token ids, and layers of sequences also vectors and further axes', async () => {
  const lstm = { class_name: 'LSTM', config: { units: 2 } };
  /** @type {Record<string, any>} */
  const ofSequences = {
    ...{ SimpleRNN: { units: 2 }, GRU: { units: 2 }, LSTM: { units: 2 }, Bidirectional: { layer: lstm } },
    ...{
      Conv1D: { filters: 2, kernel_size: 1 },
      SeparableConv1D: { filters: 2, kernel_size: 1 },
      DepthwiseConv1D: { kernel_size: 1 },
    },
    ...{
      Conv1DTranspose: { filters: 2, kernel_size: 1 },
      MaxPooling1D: {},
      AveragePooling1D: {},
      UpSampling1D: {},
      ZeroPadding1D: {},
    },
    ...{ Cropping1D: {}, GlobalAveragePooling1D: {}, GlobalMaxPooling1D: {}, 'padless>MaskedSum': {}, 'padless>MaskedMean': {} },
    ...{ 'padless>MaskedMax': {}, 'padless>MaskedMin': {}, 'padless>FirstStep': {}, 'padless>LastStep': {}, 'padless>CRF': {} },
    ...{
      Masking: {},
      'padless>ReverseSteps': {},
      'padless>MaskedSoftmax': {},
      'padless>AddonsCRF': { units: 2 },
    },
    ...{
      GroupQueryAttention: { head_dim: 2, num_query_heads: 1, num_key_value_heads: 1 },
      MultiHeadAttention: { num_heads: 1, key_dim: 2 },
    },
  };
  const equation = { equation: 'abc,cd->abd', output_shape: [3, 2] };
  /** @type {Record<string, any>} */
  const ofValues = {
    ...{
      Dense: { units: 2 },
      EinsumDense: equation,
      Activation: { activation: 'tanh' },
      Softmax: {},
      ReLU: {},
      LeakyReLU: {},
      ELU: {},
    },
    ...{ PReLU: {}, Rescaling: { scale: 2 }, LayerNormalization: {}, BatchNormalization: {}, UnitNormalization: {}, Flatten: {} },
    ...{ RMSNormalization: {}, GroupNormalization: { groups: 1 }, Reshape: { target_shape: [1, 3] }, Permute: { dims: [1] } },
    ...{ RepeatVector: { n: 2 }, Discretization: { bin_boundaries: [0] } },
  };
  const refuses = (
    /** @type {string} */ Class,
    /** @type {any} */ config,
    /** @type {string} */ from,
    /** @type {string} */ message,
  ) =>
    assert.rejects(create(Class, config, [from]), (error) => {
      assert.ok(error instanceof ShapeError, `${Class}: ${error}`);
      assert.ok(error.message.includes(`${Class.replace('padless>', '')} takes ${message}`), `${Class}: ${error.message}`);
      return true;
    });
  for (const [Class, config] of Object.entries(ofSequences)) {
    await refuses(Class, config, 'ids', 'a sequence [B, T, D], got token ids');
    await refuses(Class, config, 'flat', 'a sequence [B, T, D], got vectors of 4');
    await refuses(Class, config, 'deep', 'a sequence [B, T, D], got [B, 3,2,2]');
  }
  for (const [Class, config] of Object.entries(ofValues)) {
    await refuses(Class, config, 'ids', 'values, got token ids');
    await assert.rejects(create(Class, config, ['three', 'two']), says(ShapeError, new RegExp(`: ${Class} takes .*, got 2$`)));
  }
});

test('Bidirectional refuses layers and directions that do not go together', () => {
  const gru = (/** @type {any} */ config) => new GRU({ units: 2, ...config });
  const back = { go_backwards: true };
  /** @type {[any, new (...args: any[]) => Error, RegExp][]} */
  const pairs = [
    [{ layer: gru(back), backwardLayer: gru(back) }, UnsupportedError, /^both: expected go_backwards=false in the forward layer and true/],
    [{ layer: gru(), backwardLayer: gru() }, UnsupportedError, /^both: expected go_backwards=false in the forward layer and true/],
    [{ layer: gru(), backwardLayer: gru({ ...back, return_sequences: true }) }, ShapeError, /^both: return_sequences differs between/],
    [{ layer: gru(), merge_mode: 'max' }, UnsupportedError, /^both: merge_mode "max" is not one of concat, sum, mul, ave, null$/],
    ...['sum', 'mul', 'ave'].map((mode) => /** @type {[any, any, RegExp]} */ ([
      { layer: gru(), backwardLayer: new LSTM({ units: 3, ...back }), merge_mode: mode },
      ShapeError,
      new RegExp(`^both: merge_mode ${mode} needs equal units, got 2 and 3$`),
    ])),
  ]; // prettier-ignore
  return Promise.all(
    pairs.map(([config, Type, message]) => {
      const layers = [input('x', [null, 4]), new Bidirectional({ name: 'both', ...config }).toJSON()];
      return assert.rejects(
        createModel({ architecture: { class_name: 'Sequential', config: { name: 'm', layers } }, weights, simd }),
        says(Type, message),
      );
    }),
  );
});

test('rows that differ where a layer needs them equal are refused when the model runs', async () => {
  const [one, two, four] = [1, 2, 4].map((T) => new Array(T).fill([1, 2, 3, 4]));
  /** @type {[string, any, string[], any, RegExp][]} */
  const runs = [
    ['Dot', { axes: 1 }, ['steps', 'wide'], { steps: [two], wide: [new Array(4).fill([1, 2, 3, 4, 5])] }, /^l: Dot sums over axes of sizes 2 and 4, expected equal sizes$/],
    ['Concatenate', {}, ['steps', 'wide'], { steps: [two], wide: [new Array(4).fill([1, 2, 3, 4, 5])] }, /^l: inputs of 2 and 4 steps$/],
    ['Concatenate', {}, ['steps', 'wide'], { steps: [two, four], wide: [4, 2].map((T) => new Array(T).fill([1, 2, 3, 4, 5])) }, /^l: inputs of 6 and 6 steps$/],
    ['padless>FirstSteps', {}, ['steps', 'length'], { steps: [four], length: [[5]] }, /^l: row 0 has length 5, expected an integer from 0 to its 4 steps$/],
    ['padless>FirstSteps', {}, ['steps', 'length'], { steps: [two, four], length: [[1], [-1]] }, /^l: row 1 has length -1, expected an integer from 0/],
    ['padless>FirstSteps', {}, ['steps', 'length'], { steps: [four], length: [[1.5]] }, /^l: row 0 has length 1.5, expected an integer from 0/],
    ['padless>PositionEmbedding', { input_dim: 3, output_dim: 2 }, ['steps'], [one, four], /^l: a row has 4 steps, but the table of positions has 3 rows$/],
    ['BatchNormalization', { axis: 1 }, ['cut'], [[1, 2, 3], [1, 2, 0]], /^l: rows of up to 3 steps, expected 3 steps in each row, as many as there are means$/],
    ['BatchNormalization', { axis: 1 }, ['cut'], [[1, 2, 0]], /^l: rows of up to [23] steps, expected 3 steps in each row, as many as there are means$/],
    ['LayerNormalization', { axis: [1, 2] }, ['cut'], [[1, 2, 3], [1, 2, 0]], /^l: rows of different lengths, up to 3 steps; expected equal lengths$/],
    ['Flatten', {}, ['cut'], [[1, 2, 3], [1, 2, 0]], /^l: rows of different lengths, up to 3 steps; expected equal lengths$/],
    ['padless>PadSteps', { padding: [2, 0], mode: 'reflect' }, ['steps'], [four, two], /^l: row 1 has 2 steps, expected 3 to be reflected at its ends$/],
  ]; // prettier-ignore
  for (const [Class, config, from, rows, message] of runs) {
    const model = await create(Class, config, from, { kerasVersion: undefined });
    assert.throws(() => model.run(rows), says(ShapeError, message));
  }
});
