/**
 * Rare layers and options: their limits, and rows of different lengths. tests/import/keras-files.test.js compares them with Keras.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, ModelFileError, ShapeError, UnsupportedError } from 'padless';
import '../guarded-heap.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { weights } = random();

/** @param {any[]} layers  [class, config] @param {(number | null)[]} shape  of the input @param {any} [more] */
const create = (layers, shape, more = {}) =>
  createModel({
    architecture: {
      class_name: 'Sequential',
      config: {
        name: 'model',
        layers: [['InputLayer', { name: 'x', batch_shape: [null, ...shape] }], ...layers].map(([class_name, config]) => ({
          class_name,
          config,
        })),
      },
    },
    weights,
    simd,
    kerasVersion: '3.15.1',
    ...more,
  });
const embedding = ['Embedding', { name: 'embedding', input_dim: 9, output_dim: 4 }];
const masked = ['Embedding', { name: 'embedding', input_dim: 9, output_dim: 4, mask_zero: true }];
const pooling = ['GlobalAveragePooling1D', { name: 'pooling' }];

test('if rows vary along a later axis of the output, the values of each row are at the right indices', async () => {
  const model = await create([embedding, ['Permute', { name: 'permute', dims: [2, 1] }]], [null]);
  const rows = [[1, 2, 3], [4], [5, 6]];
  const [{ shape, data }] = model.run(rows);
  assert.deepEqual(shape, [3, 4, 3]);
  rows.forEach((row, b) => {
    const [{ data: alone }] = model.run([row]);
    for (let d = 0; d < 4; d++)
      for (let t = 0; t < 3; t++) assert.equal(data[(b * 4 + d) * 3 + t], t < row.length ? alone[d * row.length + t] : 0);
  });
});

test('Reshape and Permute over a variable length give a row the same values alone and in a batch', async () => {
  const model = await create(
    [
      embedding,
      ['Permute', { name: 'there', dims: [2, 1] }],
      ['Softmax', { name: 'softmax' }],
      ['Permute', { name: 'back', dims: [2, 1] }],
      ['Reshape', { name: 'reshape', target_shape: [-1, 2] }],
      ['GRU', { name: 'gru', units: 3 }],
    ],
    [null],
  );
  const rows = [[1, 2, 3], [4], [5, 6]];
  const [{ data }] = model.run(rows);
  rows.forEach((row, b) => assert.deepEqual(data.subarray(3 * b, 3 * b + 3), model.run([row])[0].data));
});

/** @type {[string, any[], (number | null)[], new (...args: any[]) => Error, RegExp][]} */
const refused = [
  [
    'Reshape to another number of values',
    [embedding, ['Reshape', { name: 'r', target_shape: [3, 4] }]],
    [null],
    ShapeError,
    /^r: Reshape of \[T,4\] to \[3,4\]/,
  ],
  [
    'Reshape to vectors of variable size',
    [embedding, ['Reshape', { name: 'r', target_shape: [-1] }]],
    [null],
    ShapeError,
    /^r: Reshape needs a fixed length/,
  ],
  [
    'Permute of other axes',
    [embedding, ['Permute', { name: 'p', dims: [1, 3] }]],
    [null],
    ModelFileError,
    /^p: dims is \[1,3\], expected each of 1 to 2 once for \[B, T,4\]/,
  ],
  [
    'a mask that only some backends keep',
    [masked, ['Permute', { name: 'p', dims: [1, 2] }], pooling],
    [null],
    UnsupportedError,
    /^pooling: .* as p \(with some backends\) removes the mask/,
  ],
  [
    'a mask after Cropping1D that only some backends keep',
    [masked, ['Cropping1D', { name: 'c', cropping: 0 }], pooling],
    [null],
    UnsupportedError,
    /^pooling: .* as c \(with some backends\) removes the mask/,
  ],
  [
    'EinsumDense over time',
    [embedding, ['EinsumDense', { name: 'e', equation: 'abc,bcd->ad', output_shape: 2 }]],
    [3],
    UnsupportedError,
    /^e: EinsumDense has the equation "abc,bcd->ad" for 3 axes/,
  ],
  [
    'EinsumDense with an axis twice',
    [embedding, ['EinsumDense', { name: 'e', equation: 'abc,cc->abc', output_shape: [null, 4] }]],
    [3],
    UnsupportedError,
    /^e: EinsumDense has the equation/,
  ],
  [
    'EinsumDense with a bias over time',
    [embedding, ['EinsumDense', { name: 'e', equation: 'abc,cd->abd', output_shape: [3, 2], bias_axes: 'bd' }]],
    [3],
    UnsupportedError,
    /^e: EinsumDense has bias_axes="bd"; padless supports axes of the kernel: d/,
  ],
  [
    'BatchNormalization over several axes',
    [embedding, ['BatchNormalization', { name: 'n', axis: [1, 2] }]],
    [3],
    UnsupportedError,
    /^n: BatchNormalization has axis=\[1,2\] for 3 axes; padless supports the last axis, 2, and for \[B, T, D\] also 1/,
  ],
  [
    'LayerNormalization over time of any length',
    [embedding, ['LayerNormalization', { name: 'n', axis: 1 }]],
    [null],
    ShapeError,
    /^n: LayerNormalization needs a fixed length/,
  ],
  [
    'BatchNormalization with renorm',
    [embedding, ['BatchNormalization', { name: 'n', renorm: true }]],
    [3],
    UnsupportedError,
    /^n: BatchNormalization has renorm=true/,
  ],
  [
    'PReLU with axes in shared_axes that it does not have',
    [
      embedding,
      ['EinsumDense', { name: 'e', equation: 'abc,cde->abde', output_shape: [3, 2, 2] }],
      ['PReLU', { name: 'p', shared_axes: [2] }],
    ],
    [3],
    UnsupportedError,
    /^p: PReLU has shared_axes=\[2\] for 4 axes/,
  ],
  [
    'glu of an odd number of features',
    [['Activation', { name: 'a', activation: 'glu' }]],
    [3],
    ShapeError,
    /glu halves the features, got 3 of them, expected an even number/,
  ],
  [
    'threshold, which needs its arguments',
    [['Activation', { name: 'a', activation: 'threshold' }]],
    [4],
    UnsupportedError,
    /^a: activation "?threshold"? is not one of/,
  ],
  [
    'glu in a recurrent layer',
    [embedding, ['GRU', { name: 'g', units: 4, activation: 'glu' }]],
    [3],
    UnsupportedError,
    /^g: activation "glu" is not one of linear, tanh, /,
  ],
  [
    'a rare recurrent_activation',
    [embedding, ['GRU', { name: 'g', units: 4, recurrent_activation: 'hard_tanh' }]],
    [3],
    UnsupportedError,
    /^g: recurrent_activation "hard_tanh" is not one of linear, tanh, /,
  ],
  [
    'SpectralNormalization of an Embedding',
    [['SpectralNormalization', { name: 's', layer: { class_name: 'Embedding', config: embedding[1] } }]],
    [3],
    UnsupportedError,
    /^s: SpectralNormalization of Embedding reads token ids, and Keras converts/,
  ],
  [
    'Discretization without boundaries',
    [['Discretization', { name: 'd', num_bins: 3 }]],
    [3],
    UnsupportedError,
    /^d: Discretization has no bin_boundaries: save the model after adapt\(\)/,
  ],
  [
    'more bins than the Embedding has rows',
    [
      ['Discretization', { name: 'd', bin_boundaries: [0, 1, 2] }],
      ['Dropout', { name: 'o' }],
      ['Embedding', { name: 'e', input_dim: 3, output_dim: 2 }],
    ],
    [3],
    ShapeError,
    /^e: input_dim=3, expected at least 4, the number of bins of d/,
  ],
  [
    'Discretization of sequences',
    [['Discretization', { name: 'd', bin_boundaries: [0] }]],
    [3, 2],
    ShapeError,
    /^d: Discretization takes vectors \[B, F\], got \[B, 3,2\]/,
  ],
  [
    'more key heads than divide the query heads',
    [embedding, ['GroupQueryAttention', { name: 'g', head_dim: 2, num_query_heads: 4, num_key_value_heads: 3 }]],
    [3],
    ModelFileError,
    /^g: num_key_value_heads is 3, expected a divisor of num_query_heads, 4/,
  ],
];
for (const [what, layers, shape, type, message] of refused)
  test(`${what}: refused with the name of the layer`, () => assert.rejects(create(layers, shape), says(type, message)));

test('SpectralNormalization after a mask is refused for Keras versions whose eager and compiled runs treat the mask differently', async () => {
  const layers = [
    masked,
    ['SpectralNormalization', { name: 's', layer: { class_name: 'Dense', config: { name: 'd', units: 2 } } }],
    pooling,
  ];
  assert.equal((await create(layers, [null])).run([[1, 2, 0]])[0].data.length, 2);
  await assert.rejects(
    create(layers, [null], { kerasVersion: '3.5.0' }),
    says(UnsupportedError, /^pooling: .* as s \(when compiled\) removes the mask/),
  );
});

test('the bin of a value is the number of boundaries that are at most the value; NaN is in the last bin', async () => {
  const model = await create([['Discretization', { name: 'd', bin_boundaries: [-1, 0.1, 2], output_mode: 'one_hot' }]], [1]);
  const values = [-3, -1, 0.09, 0.1, 2, 5, NaN];
  const [{ data }] = model.run(values.map((value) => [value]));
  const bins = values.map((_, i) => data.subarray(4 * i, 4 * i + 4).indexOf(1));
  assert.deepEqual(bins, [0, 1, 1, 2, 3, 3, 3]);
});

test('a mask that ends inside TimeDistributed does not make shorter rows of a fixed length', async () => {
  const masking = { class_name: 'Masking', config: { name: 'masking', mask_value: 0.5 } };
  const gru = { class_name: 'GRU', config: { name: 'inner', units: 2 } };
  const layers = [
    ['TimeDistributed', { name: 'each', layer: masking }],
    ['TimeDistributed', { name: 'words', layer: gru }],
    ['GRU', { name: 'gru', units: 2 }],
  ];
  const model = await create(/** @type {any} */ (layers), [6, 4, 2], { kerasVersion: '3.15.1' });
  const row = (/** @type {number} */ steps) => Array.from({ length: steps }, () => Array.from({ length: 4 }, () => [0.1, 0.2]));
  assert.equal(model.run([row(6)])[0].data.length, 2);
  assert.throws(() => model.run([row(3)]), says(ShapeError, /expected exactly 6/));
});

test('a mask that starts inside TimeDistributed is refused if later layers depend on it', async () => {
  const masking = { class_name: 'Masking', config: { name: 'masking' } };
  const dense = { class_name: 'Dense', config: { name: 'dense', units: 2 } };
  const both = { class_name: 'Sequential', config: { name: 'both', layers: [masking, dense] } };
  for (const [inner, kerasVersion] of /** @type {const} */ ([
    [masking, '2.15.0'],
    [both, '3.15.1'],
  ]))
    await assert.rejects(
      create([['TimeDistributed', { name: 'each', layer: inner }]], [4, 2, 2], { kerasVersion }),
      says(UnsupportedError, /^each: (Masking|Sequential) inside TimeDistributed masks steps of the inner axis/),
    );
});

test('a layer that ignores masks reads zeros at the steps that Masking masks', async () => {
  for (const kerasVersion of ['2.15.0', '3.15.1']) {
    const layers = [
      ['Masking', { name: 'masking', mask_value: -1 }],
      ['GlobalMaxPooling1D', { name: 'max' }],
    ];
    const model = await create(layers, [null, 2], { kerasVersion });
    const rows = [[[-5, -4], [-1, -1], [-3, -6]], [[-5, -4], [-2, -1], [-3, -6]]]; // prettier-ignore
    assert.deepEqual([...model.run(rows)[0].data], [0, 0, -2, -1], kerasVersion);
  }
});

test('readsPadding names the layers that read the values at padding in Keras, and no others', async () => {
  const last = { units: 2, zero_output_for_mask: true };
  /** @type {[string, any, boolean][]} */
  const layers = [
    ['GRU', { units: 2 }, false],
    ['GRU', { ...last, return_sequences: true }, false],
    ['GRU', last, true],
    ['LSTM', last, true],
    ['SimpleRNN', last, true],
    ['GRU', { units: 2, return_sequences: true, go_backwards: true }, true],
    ['GRU', { units: 2, go_backwards: true }, false],
    ['GlobalAveragePooling1D', {}, false],
    ['GlobalMaxPooling1D', {}, true],
    ['Conv1D', { filters: 2, kernel_size: 2 }, true],
    ['DepthwiseConv1D', { kernel_size: 2 }, true],
    ['AveragePooling1D', {}, true],
    ['MaxPooling1D', {}, true],
    ['UpSampling1D', {}, true],
    ['ZeroPadding1D', {}, true],
    ['GroupNormalization', { groups: 1 }, true],
    ['LayerNormalization', {}, false],
    ['Dense', { units: 2 }, false],
  ];
  for (const [Class, config, reads] of layers) {
    const model = await create([masked, [Class, { name: 'l', ...config }]], [null]);
    assert.deepEqual(model.readsPadding, reads ? ['l'] : [], Class);
  }
});

test('PadSteps pads with zeros, and PoolSteps takes averages of adjacent windows, unless their options say otherwise', async () => {
  /** @type {[string, any, number[]][]} */
  const layers = [
    ['padless>PadSteps', { padding: [1, 2] }, [0, 1, 2, 6, 0, 0]],
    ['padless>PadSteps', { padding: [1, 0], value: 5 }, [5, 1, 2, 6]],
    ['padless>PoolSteps', { pool_size: 2, padding: [1, 0] }, [1, 1.5, 4]],
    ['padless>PoolSteps', { pool_size: 2, padding: [1, 0], count_include_pad: true }, [0.5, 1.5, 4]],
    ['padless>PoolSteps', { pool_size: 2, padding: [0, 0], mode: 'max', dilation_rate: 2 }, [6]],
    ['padless>PoolSteps', { pool_size: 2, padding: [0, 0], mode: 'max', strides: 2 }, [2]],
    ['padless>PoolSteps', { pool_size: 2, padding: [0, 0], mode: 'max', strides: 2, ceil_mode: true }, [2, 6]],
  ];
  for (const [Class, config, expected] of layers) {
    const model = await create([[Class, { name: 'l', ...config }]], [null, 1], { kerasVersion: undefined });
    assert.deepEqual([...model.run([[[1], [2], [6]]])[0].data], expected, JSON.stringify(config));
  }
});

test('normalisations add the epsilon of Keras to the variance unless the file gives another', async () => {
  /** @type {[string, any, number][]} */
  const layers = [
    ['LayerNormalization', {}, 1e-3],
    ['LayerNormalization', { rms_scaling: true }, 1e-3],
    ['GroupNormalization', { groups: 1 }, 1e-3],
    ['BatchNormalization', {}, 1e-3],
    ['RMSNormalization', {}, 1e-6],
  ];
  /** @param {import('padless/layers').Layer} root */
  const quarters = (root) => new Map([...weights(root)].map(([path, { shape, data }]) => [path, { shape, data: data.fill(0.25) }]));
  for (const [Class, config, epsilon] of layers) {
    const answer = async (/** @type {any} */ more) => {
      const model = await create([[Class, { name: 'l', ...config, ...more }]], [null, 2], { weights: quarters });
      return model.run([[[0.01, 0.02], [0.03, 0.05]]])[0].data; // prettier-ignore
    };
    assert.deepEqual(await answer({}), await answer({ epsilon }), Class);
    assert.notDeepEqual(await answer({}), await answer({ epsilon: 2 * epsilon }), Class);
  }
});

test('the shape of a sequence in the call of a custom layer begins with its number of steps', async () => {
  /** @type {[string, any, number][]} */
  const layers = [
    ['GlobalAveragePooling1D', { keepdims: true }, 1],
    ['GlobalMaxPooling1D', { keepdims: true }, 1],
    ['Conv1D', { filters: 2, kernel_size: 2 }, 4],
    ['Conv1DTranspose', { filters: 2, kernel_size: 2 }, 6],
    ['MaxPooling1D', {}, 2],
    ['UpSampling1D', { size: 2 }, 10],
    ['ZeroPadding1D', { padding: 1 }, 7],
    ['Cropping1D', { cropping: 1 }, 3],
    ['Permute', { dims: [2, 1] }, 3],
    ['Reshape', { target_shape: [-1, 1] }, 15],
    ['LSTM', { units: 2, return_sequences: true }, 5],
    ['Dense', { units: 2 }, 5],
  ];
  for (const [Class, config, steps] of layers) {
    const model = await create([[Class, { name: 'l', ...config }]], [null, 3]);
    /** @type {any[]} */
    const shapes = [];
    model.heap.onApply = (layer, _, y) => layer !== model.root && shapes.push([y.shape[0], y.time.T]);
    model.run([new Array(5).fill([1, 2, 3])]);
    assert.deepEqual(shapes, [[steps, steps]], Class);
  }
});

test('rows that are shorter than a window, or than what is cropped, have no steps left', async () => {
  /** @type {[string, any, number, number][]} */
  const layers = [
    ['Conv1D', { filters: 2, kernel_size: 3 }, 2, 0],
    ['Conv1D', { filters: 2, kernel_size: 2, dilation_rate: 2 }, 2, 0],
    ['DepthwiseConv1D', { kernel_size: 3 }, 2, 0],
    ['SeparableConv1D', { filters: 2, kernel_size: 3 }, 2, 0],
    ['MaxPooling1D', { pool_size: 3 }, 2, 0],
    ['AveragePooling1D', { pool_size: 3 }, 2, 0],
    ['Cropping1D', { cropping: 1 }, 2, 0],
    ['Cropping1D', { cropping: [0, 3] }, 2, 0],
    ['Cropping1D', { cropping: [0, 1] }, 2, 1],
    ['Conv1DTranspose', { filters: 2, kernel_size: 3 }, 0, 0],
    ['UpSampling1D', { size: 2 }, 0, 0],
    ['ZeroPadding1D', { padding: 1 }, 0, 2],
  ];
  for (const [Class, config, T, expected] of layers) {
    const model = await create([[Class, { name: 'l', ...config }]], [null, 1]);
    const [{ shape, data }] = model.run([new Array(T).fill([7])]);
    assert.equal(shape[1], expected, `${Class} ${JSON.stringify(config)}`);
    assert.equal(data.length, expected * shape[2]);
  }
});
