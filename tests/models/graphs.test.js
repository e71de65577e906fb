/**
 * Functional models from Keras JSON: shared layers, several inputs and outputs, models inside models; and files that are broken.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgumentError, createModel, IdError, ModelFileError, ShapeError, UnsupportedError } from 'padless';
import { Layer } from 'padless/layers';
import { Functional, Ref } from '../../js/layers/functional.js';
import { bits } from '../close.js';
import '../guarded-heap.js';
import { functional, input, layer } from '../keras-json.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { weights } = random();

/** @param {any} architecture @param {any} [more] */
const create = (architecture, more = {}) => createModel({ architecture, simd, weights, ...more });

const embedding = { input_dim: 9, output_dim: 4, mask_zero: true };
/** @param {string} name */
const tensor = (name) => ({ class_name: '__keras_tensor__', config: { keras_history: [name, 0, 0] } });

test('a layer used twice in a graph shares its weights; two inputs are given by name', async () => {
  const model = await create(
    functional(
      [
        input('a'),
        input('b'),
        layer('Embedding', 'embedding', embedding, ['a'], ['b']),
        layer('GRU', 'gru', { units: 3 }, ['embedding'], [['embedding', 1, 0]]),
        layer('Subtract', 'difference', {}, [
          ['gru', 0, 0],
          ['gru', 1, 0],
        ]),
      ],
      ['a', 'b'],
      ['difference'],
    ),
  );
  assert.deepEqual(
    model.root.listWeights().map(({ path }) => path),
    ['embedding.embeddings', 'gru.kernel', 'gru.recurrent_kernel', 'gru.bias'],
  );
  const same = model.run({
    a: [[3, 4, 5], [2]],
    b: [
      [3, 4, 5, 0],
      [0, 0, 2],
    ],
  });
  assert.deepEqual([...same[0].data], new Array(6).fill(0));
  const [one] = model.run({ a: [[1, 2]], b: [[3]] });
  const [other] = model.run({ a: [[3]], b: [[1, 2]] });
  assert.deepEqual(
    [...one.data],
    [...other.data].map((value) => -value),
  );
  assert.throws(() => model.run({ a: [[1]] }), says(ArgumentError, /input "b" is missing; the model has a, b/));
  assert.throws(() => model.run({ a: [[1]], b: [[1], [2]] }), says(ShapeError, /input a has 1 rows and b 2/));
  assert.throws(() => model.run({ a: [[1]], b: [[9]] }), says(IdError, /id 9 is not an integer from 0 to 8/));
  for (const options of [{ mask: [[1]] }, { lengths: [1] }])
    for (const method of /** @type {const} */ (['run', 'trace']))
      assert.throws(
        () => model[method]({ a: [[1]], b: [[1]] }, options),
        says(ArgumentError, /^run: mask and lengths need a model with one input, this one has 2$/),
      );
});

test('training=True in a graph is refused for Keras 2 where it changes answers, and has no effect for Keras 3', async () => {
  /** @param {string} class_name @param {any} config @param {string} kerasVersion */
  const called = (class_name, config, kerasVersion) => {
    const entry = { class_name, name: 'l', config: { name: 'l', ...config }, inbound_nodes: [[['x', 0, 0, { training: true }]]] };
    return create(functional([input('x', [3, 2]), entry], ['x'], ['l']), { kerasVersion });
  };
  for (const [class_name, config] of /** @type {[string, any][]} */ ([
    ['BatchNormalization', {}],
    ['Dropout', { rate: 0.5 }],
    ['GaussianNoise', { stddev: 0.5 }],
    ['LSTM', { units: 2, dropout: 0.5 }],
    ['GRU', { units: 2, recurrent_dropout: 0.5 }],
  ])) {
    const message = new RegExp(`^model\\.l: called with training=True, which makes the result of ${class_name} random`);
    await assert.rejects(called(class_name, config, '2.15.0'), says(UnsupportedError, message));
    assert.ok((await called(class_name, config, '3.0.0')).run([new Array(3).fill([1, 2])])[0].data.length > 0);
  }
  for (const kerasVersion of ['2.15.0', '3.0.0']) {
    const { data } = (await called('Dropout', { rate: 0 }, kerasVersion)).run([new Array(3).fill([1, 2])])[0];
    assert.deepEqual([...data], [1, 2, 1, 2, 1, 2]);
  }
});

test('the call of a custom layer gets no training argument, because padless has inference only', async () => {
  /** @type {any[]} */
  const seen = [];
  class Seen extends Layer {
    /** @override @param {any} x @param {any} options */
    call(x, options) {
      seen.push(options);
      return x;
    }
  }
  for (const training of [true, false]) {
    const entry = { class_name: 'Seen', name: 's', config: { name: 's' }, inbound_nodes: [[['x', 0, 0, { training, other: 1 }]]] };
    const architecture = functional([input('x', [3, 2]), entry], ['x'], ['s']);
    const model = await create(architecture, { kerasVersion: '3.0.0', customLayers: { Seen } });
    model.run([new Array(3).fill([1, 2])]);
  }
  assert.deepEqual(seen, new Array(4).fill({ other: 1 }));
});

test('layers after attention know the sizes of its scores', async () => {
  for (const [Class, config, size] of /** @type {[string, any, number][]} */ ([
    ['Attention', {}, 3 * 2],
    ['MultiHeadAttention', { num_heads: 5, key_dim: 2 }, 5 * 3 * 2],
  ])) {
    const inputs = Class === 'Attention' ? ['query', 'value'] : ['query'];
    const attention = layer(Class, 'attention', config, inputs);
    attention.inbound_nodes[0][0][3] = { return_attention_scores: true, ...(inputs[1] ? {} : { value: ['value', 0, 0] }) };
    const layers = [input('query', [3, 4]), input('value', [2, 4]), attention];
    const flat = layer('Flatten', 'flat', {}, [['attention', 0, 1]]);
    const dense = layer('Dense', 'dense', { units: 1 }, ['flat']);
    const model = await create(functional([...layers, flat, dense], ['query', 'value'], ['flat', 'dense']), {
      kerasVersion: '3.15.1',
    });
    assert.deepEqual(model.root.listWeights().find(({ path }) => path === 'dense.kernel')?.spec.shape, [size, 1], Class);
    const [scores] = model.run({ query: [new Array(3).fill([1, 0, 2, 1])], value: [new Array(2).fill([0, 1, 1, 3])] });
    assert.deepEqual(scores.shape, [1, size], Class);
  }
});

test('Concatenate along time adds the lengths, so that Flatten and Dense know their sum', async () => {
  const layers = [
    input('a', [3, 2]),
    input('b', [1, 2]),
    layer('Concatenate', 'both', { axis: 1 }, ['a', 'b']),
    layer('Flatten', 'flat', {}, ['both']),
    layer('Dense', 'dense', { units: 1, use_bias: false }, ['flat']),
  ];
  const ones = () => new Map([['dense.kernel', { shape: [8, 1], data: new Float32Array(8).fill(1) }]]);
  const model = await create(functional(layers, ['a', 'b'], ['flat', 'dense']), { weights: ones, kerasVersion: '3.0.0' });
  const [flat, dense] = model.run({ a: [[[1, 2], [3, 4], [5, 6]]], b: [[[7, 8]]] }); // prettier-ignore
  assert.deepEqual([...flat.data], [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual([...dense.data], [36]);
  for (const config of [{}, { axis: -1 }, { axis: 2 }]) {
    const beside = functional([input('a', [3, 2]), layer('Concatenate', 'both', config, ['a', 'a'])], ['a'], ['both']);
    const [{ shape, data }] = (await create(beside, { kerasVersion: '3.0.0' })).run([[[1, 2], [3, 4], [5, 6]]]); // prettier-ignore
    assert.deepEqual([shape, [...data]], [[1, 3, 4], [1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6]]); // prettier-ignore
  }
});

test('a merge repeats an input of one step for each step of the others, in any order, and knows their length', async () => {
  for (const names of [
    ['a', 'b'],
    ['b', 'a'],
  ]) {
    // prettier-ignore
    const layers = [input('a', [3, 2]), input('b', [1, 2]), layer('Add', 'sum', {}, names), layer('Flatten', 'flat', {}, ['sum'])];
    const model = await create(functional(layers, ['a', 'b'], ['flat']), { kerasVersion: '3.0.0' });
    assert.deepEqual(model.specs[0].shape, [6]);
    const [{ data }] = model.run({ a: [[[1, 2], [3, 4], [5, 6]]], b: [[[10, 20]]] }); // prettier-ignore
    assert.deepEqual([...data], [11, 22, 13, 24, 15, 26]);
  }
});

test('of two Embeddings of the same ids, the one without mask_zero reads padding, but not in models of padless', async () => {
  const layers = [
    input('ids'),
    layer('Embedding', 'masked', embedding, ['ids']),
    layer('Embedding', 'plain', { ...embedding, mask_zero: false }, ['ids']),
    ...['masked', 'plain'].map((from) => layer('GlobalAveragePooling1D', `mean_${from}`, {}, [from])),
  ];
  const architecture = functional(layers, ['ids'], ['mean_masked', 'mean_plain']);
  assert.deepEqual((await create(architecture, { kerasVersion: '3.15.1' })).readsPadding, ['plain']);
  assert.deepEqual((await create(architecture)).readsPadding, []);
});

test('a recurrent layer with initial states reads padding in Keras 3, and skips it in Keras 2 and models of padless', async () => {
  const layers = [
    input('ids'),
    input('state', [2]),
    layer('Embedding', 'masked', embedding, ['ids']),
    layer('GRU', 'gru', { units: 2 }, ['masked', 'state']),
  ];
  for (const [kerasVersion, reads] of /** @type {[string | undefined, boolean][]} */ ([
    ['3.15.1', true],
    ['2.15.0', false],
    [undefined, false],
  ])) {
    const model = await create(functional(layers, ['ids', 'state'], ['gru']), { kerasVersion });
    assert.deepEqual(model.readsPadding, reads ? ['gru'] : []);
    const [whole, cut] = [[[1, 2, 0, 0]], [[1, 2]]].map((ids) => model.run({ ids, state: [[0.5, -0.5]] })[0].data);
    assert.equal(bits(whole).join() === bits(cut).join(), !reads, kerasVersion);
  }
});

test('stacked cells take initial states cell by cell, and return their last ones, as layers in a row do', async () => {
  const inputs = [input('x', [null, 4]), input('a', [2]), input('b', [3]), input('c', [3])];
  const names = inputs.map(({ name }) => name);
  const states = { return_sequences: true, return_state: true };
  const cells = ['GRU', 'LSTM'].map((kind, i) => ({ class_name: `${kind}Cell`, config: { units: 2 + i } }));
  const waves = (/** @type {Layer} */ root) =>
    new Map(root.listWeights().map(({ path, spec: { shape } }, i) => {
      const size = shape.reduce((product, n) => product * n, 1);
      return [path, { shape, data: Float32Array.from({ length: size }, (_, k) => Math.sin(i + k)) }];
    })); // prettier-ignore
  const [stacked, bare, apart] = await Promise.all(
    [
      // The second is the form without a class, which some files have.
      ...[{ class_name: 'StackedRNNCells', config: { cells } }, { cells }].map((cell) =>
        functional(
          [...inputs, layer('RNN', 'rnn', { cell, ...states }, names)],
          names,
          [0, 1, 2, 3].map((i) => ['rnn', 0, i]),
        ),
      ),
      functional(
        [
          ...inputs,
          layer('GRU', 'gru', { units: 2, ...states }, ['x', 'a']),
          layer('LSTM', 'lstm', { units: 3, ...states }, ['gru', 'b', 'c']),
        ],
        names,
        [['lstm', 0, 0], ['gru', 0, 1], ['lstm', 0, 1], ['lstm', 0, 2]], // prettier-ignore
      ),
    ].map((architecture) => create(architecture, { weights: waves })),
  );
  const x = [[[1, 0, 2, -1], [0, 3, 1, 1]]]; // prettier-ignore
  const rows = { x, a: [[0.1, 0.2]], b: [[0.3, 0.4, 0.5]], c: [[0.6, -0.7, 0.8]] };
  const values = (/** @type {import('padless').Model} */ model) => model.run(rows).map(({ shape, data }) => [shape, data]);
  assert.deepEqual(values(stacked), values(apart));
  assert.deepEqual(values(bare), values(apart));
});

test('in Keras 3, an extreme takes the other value at each step that is padding in one input, the first step included', async () => {
  const inputs = ['a', 'b'].flatMap((name) => [
    input(name),
    layer('Embedding', `e${name}`, { ...embedding, output_dim: 1 }, [name]),
  ]);
  const table = { shape: [9, 1], data: Float32Array.of(99, 1, 2, 3, 4, 5, 6, 7, 8) };
  for (const [Class, both] of /** @type {[string, (x: number, y: number) => number][]} */ ([
    ['Maximum', Math.max],
    ['Minimum', Math.min],
  ])) {
    // prettier-ignore
    const model = await create(functional([...inputs, layer(Class, 'extreme', {}, ['ea', 'eb'])], ['a', 'b'], ['extreme']), {
      weights: () => new Map([['ea.embeddings', table], ['eb.embeddings', table]]), // prettier-ignore
      kerasVersion: '3.15.1',
    });
    const [{ data }] = model.run({ a: [[0, 5, 1]], b: [[4, 0, 7]] });
    assert.deepEqual([...data], [4, 5, both(1, 7)], Class);
  }
});

test('values at padding that differ from Keras, and removed masks, are refused after a merge, whichever input has them', async () => {
  const layers = [
    input('ids'),
    layer('Embedding', 'masked', embedding, ['ids']),
    layer('Reshape', 'same', { target_shape: [-1, 4] }, ['masked']),
    layer('MultiHeadAttention', 'attention', { num_heads: 1, key_dim: 2 }, ['masked']),
    layer('Embedding', 'other', embedding, ['ids']),
  ];
  /** @type {[string, any][]} */
  const merges = [['Add', {}], ['Maximum', {}], ['Concatenate', {}], ['Concatenate', { axis: 1 }]]; // prettier-ignore
  for (const [Class, config] of merges)
    for (const [from, last, message] of /** @type {[string, string, RegExp][]} */ ([
      ['attention', 'GlobalMaxPooling1D', /^last: GlobalMaxPooling1D reads the values at padding of attention, which differs/],
      ['same', 'GlobalAveragePooling1D', /^last: .* as same \(with some backends\) removes the mask/],
    ]))
      for (const inputs of [
        [from, 'other'],
        ['other', from],
      ]) {
        const merged = [...layers, layer(Class, 'merge', config, inputs), layer(last, 'last', {}, ['merge'])];
        await assert.rejects(
          create(functional(merged, ['ids'], ['last']), { kerasVersion: '3.15.1' }),
          says(UnsupportedError, message),
          `${Class} of ${inputs}`,
        );
      }
});

test('a stateful layer that is called twice is refused, because the order of the calls would change the answer', async () => {
  const graph = (/** @type {any} */ options) =>
    functional(
      [
        input('a'),
        input('b'),
        layer('Embedding', 'embedding', embedding, ['a'], ['b']),
        layer('GRU', 'gru', { units: 3, ...options }, ['embedding'], [['embedding', 1, 0]]),
        layer('Subtract', 'difference', {}, [
          ['gru', 0, 0],
          ['gru', 1, 0],
        ]),
      ],
      ['a', 'b'],
      ['difference'],
    );
  await create(graph({}));
  await assert.rejects(create(graph({ stateful: true })), says(UnsupportedError, /gru: a stateful layer is called several times/));
});

test('an input of ids that no layer reads may have any ids', async () => {
  const unread = {
    class_name: 'InputLayer',
    name: 'b',
    config: { name: 'b', batch_shape: [null, null], dtype: 'int32' },
    inbound_nodes: [],
  };
  const model = await create(
    functional(
      [input('a'), unread, layer('Embedding', 'embedding', embedding, ['a']), layer('GRU', 'gru', { units: 3 }, ['embedding'])],
      ['a', 'b'],
      ['gru'],
    ),
  );
  const [one] = model.run({ a: [[1, 2]], b: [[99]] });
  assert.deepEqual(model.run({ a: [[1, 2]], b: [[3, 1000]] })[0].data, one.data);
});

test('an output may be the list of a layer with return_state, as in Keras 2; each of its tensors gets a name', async () => {
  const layers = [
    input('x'),
    layer('Embedding', 'e', embedding, ['x']),
    layer('LSTM', 'r', { units: 3, return_state: true }, ['e']),
    layer('Dense', 'd', { units: 2 }, ['r']),
  ];
  const states = [0, 1, 2].map((i) => ['r', 0, i]);
  /** @type {any} */
  let kept;
  /** @param {any} outputs */
  const answers = async (outputs) => {
    const architecture = functional(layers, ['x'], ['d']);
    architecture.config.output_layers = outputs;
    const made = await create(architecture, { weights: (/** @type {any} */ root) => (kept ??= weights(root)) });
    return made.run([[1, 2, 3]]);
  };
  const flat = await answers([...states, ['d', 0, 0]]);
  assert.deepEqual(
    flat.map(({ name }) => name),
    ['r', 'r_1', 'r_2', 'd'],
  );
  assert.deepEqual(flat[0].data, flat[1].data);
  assert.deepEqual(await answers([states, ['d', 0, 0]]), flat);
  const named = await answers({ all: states, one: ['d', 0, 0] });
  assert.deepEqual(
    named.map(({ name }) => name),
    ['all', 'all_1', 'all_2', 'one'],
  );
  assert.deepEqual(
    named.map(({ data }) => data),
    flat.map(({ data }) => data),
  );
});

test('a model inside a model is a layer, and the paths of its weights start with its own path', async () => {
  const encoder = functional(
    [input('x'), layer('Embedding', 'embedding', embedding, ['x']), layer('LSTM', 'lstm', { units: 2 }, ['embedding'])],
    ['x'],
    ['lstm'],
    'encoder',
  );
  const model = await create(
    functional(
      [input('ids'), { ...encoder, inbound_nodes: [[['ids', 0, 0, {}]]] }, layer('Dense', 'dense', { units: 1 }, ['encoder'])],
      ['ids'],
      ['dense'],
    ),
  );
  assert.deepEqual(
    model.root.listWeights().map(({ path }) => path),
    [
      'encoder.embedding.embeddings',
      'encoder.lstm.kernel',
      'encoder.lstm.recurrent_kernel',
      'encoder.lstm.bias',
      'dense.kernel',
      'dense.bias',
    ],
  );
  assert.deepEqual(model.run([[4, 5, 0, 0]])[0].data, model.run([[4, 5]])[0].data);
});

test('different masks of two branches are ORed as in Keras 3, or ANDed as in Keras 2 and TF.js', async () => {
  // GlobalAveragePooling1D of TF.js ignores masks.
  const graph = (mean = 'GlobalAveragePooling1D') =>
    functional(
      [
        input('a', [4]),
        input('b', [4]),
        layer('Embedding', 'ea', { ...embedding, output_dim: 1 }, ['a']),
        layer('Embedding', 'eb', { ...embedding, output_dim: 1 }, ['b']),
        layer('Add', 'add', {}, ['ea', 'eb']),
        layer(mean, 'mean', {}, ['add']),
      ],
      ['a', 'b'],
      ['mean'],
    );
  const table = Float32Array.from({ length: 9 }, (_, id) => 10 ** (id - 4));
  const tables = () => new Map(['ea', 'eb'].map((name) => [`${name}.embeddings`, { shape: [9, 1], data: table }]));
  const rows = { a: [[4, 4, 0, 0]], b: [[0, 5, 5, 0]] };
  const zero = table[0];
  const or = await create(graph(), { weights: tables, kerasVersion: '3.15.1' });
  const and = await create(graph(), { weights: tables, kerasVersion: '2.4.0' });
  const tfjs = await create(graph('padless>MaskedMean'), { weights: tables, kerasVersion: '2', origin: 'tfjs' });
  const mean = (1 + zero + (1 + 10) + (zero + 10)) / 3;
  assert.ok(Math.abs(or.run(rows)[0].data[0] - mean) < 1e-6);
  assert.equal(and.run(rows)[0].data[0], 11);
  assert.equal(tfjs.run(rows)[0].data[0], 11);
});

/** Description of the fault -> [graph, error class, message] @type {Record<string, [any, new (message: string) => Error, RegExp]>} */
const broken = {
  'a cycle': [
    functional(
      [
        input('x'),
        layer('Embedding', 'e', embedding, ['x']),
        layer('Add', 'a', {}, ['e', 'b']),
        layer('Dense', 'b', { units: 4 }, ['a']),
      ],
      ['x'],
      ['b'],
    ),
    ModelFileError,
    /^model: the graph has a cycle through a, b$/,
  ],
  'an input of a layer that does not exist': [
    functional(
      [input('x'), layer('Embedding', 'e', embedding, ['x']), layer('Dense', 'd', { units: 1 }, ['nowhere'])],
      ['x'],
      ['d'],
    ),
    ModelFileError,
    /^model: d takes the output of nowhere\/0, which does not exist$/,
  ],
  'an output layer that does not exist': [
    functional([input('x'), layer('Embedding', 'e', embedding, ['x'])], ['x'], ['f']),
    ModelFileError,
    /^model: an output is f\/0, which does not exist$/,
  ],
  'an output index that the layer does not have': [
    functional([input('x'), layer('Embedding', 'e', embedding, ['x'])], ['x'], [['e', 0, 1]]),
    ModelFileError,
    /output 1 of e\/0 is used, but it has 1$/,
  ],
  'a name of two layers': [
    functional([input('x'), layer('Embedding', 'e', embedding, ['x']), layer('Dense', 'e', { units: 1 }, ['x'])], ['x'], ['e']),
    ModelFileError,
    /two layers have the name "e"/,
  ],
  'a name of two layers of a Sequential': [
    {
      class_name: 'Sequential',
      config: { name: 's', layers: [input('x', [3]), ...['Softmax', 'Softmax'].map((kind) => layer(kind, 'e', {}))] },
    },
    ModelFileError,
    /^s: two layers have the name "e"$/,
  ],
  'an input that is not an InputLayer': [
    functional([layer('Embedding', 'e', embedding, ['x'])], ['e'], ['e']),
    ModelFileError,
    /input "e" is not an InputLayer/,
  ],
  'an unknown class': [
    functional([input('x'), layer('ConvLSTM2D', 'c', {}, ['x'])], ['x'], ['c']),
    UnsupportedError,
    /^model\.c: class ConvLSTM2D is not one of the \d+ that padless knows; the nearest are Conv1D, padless>Constant, LSTM$/,
  ],
  'a Lambda': [
    functional([input('x'), layer('Lambda', 'l', {}, ['x'])], ['x'], ['l']),
    UnsupportedError,
    /^model\.l: a Lambda contains code; pass a layer .* customLayers: \{ "l": /,
  ],
  'a mask argument of a layer': [
    functional(
      [
        input('x'),
        layer('Embedding', 'e', embedding, ['x']),
        { ...layer('GRU', 'g', { units: 1 }), inbound_nodes: [[['e', 0, 0, { mask: ['x', 0, 0] }]]] },
      ],
      ['x'],
      ['g'],
    ),
    UnsupportedError,
    // The late module of operations, where another model has loaded it, says it more precisely.
    /^(model\.)?g: called with mask\b/,
  ],
  'a layer that is called with more arguments than it takes': [
    functional(
      [
        input('x', [null, 4]),
        { ...layer('GRU', 'g', { units: 2 }), inbound_nodes: [{ args: [tensor('x'), null, null, null, 5], kwargs: {} }] },
      ],
      ['x'],
      ['g'],
    ),
    UnsupportedError,
    /^(model\.)?g: GRU is called with 5 arguments; padless supports 4$/,
  ],
  'an inbound_nodes that is not a list': [
    functional([input('x'), { ...layer('Dense', 'd', { units: 1 }), inbound_nodes: 5 }], ['x'], ['d']),
    ModelFileError,
    /inbound_nodes is not a list/,
  ],
  'a reference to a tensor in an unknown form': [
    functional([input('x'), { ...layer('Dense', 'd', { units: 1 }), inbound_nodes: [[[7]]] }], ['x'], ['d']),
    ModelFileError,
    /expected \[layer, node, tensor\], got \[7\]/,
  ],
  'no layers': [{ class_name: 'Sequential', config: { layers: [] } }, ModelFileError, /the model has no layers/],
  'no outputs': [functional([input('x')], ['x'], []), ModelFileError, /output_layers is empty/],
  'an unknown class of model': [
    { class_name: 'Quantised', config: {} },
    UnsupportedError,
    /class "Quantised", expected "Sequential" or "Functional"/,
  ],
  'a units that is not a number': [
    functional([input('x', [3]), layer('Dense', 'd', { units: 'many' }, ['x'])], ['x'], ['d']),
    ModelFileError,
    /^d: units is "many", expected an integer from 1 to 16777216$/,
  ],
  'an input shape that is not a list': [
    functional([{ ...input('x'), config: { name: 'x', batch_shape: { 0: null, 1: 3 } } }], ['x'], ['x']),
    ModelFileError,
    /^model\.x: input shape \{"0":null,"1":3\}, expected a list of integers from 1 on and null$/,
  ],
  'an input length that is too large': [
    functional([input('x', [1e9])], ['x'], ['x']),
    ModelFileError,
    /^model\.x: input shape \[1000000000\], expected a list of integers from 1 on and null$/,
  ],
  'an inbound_nodes of an embedding that is not a list': [
    functional(
      [
        input('x'),
        { ...layer('Embedding', 'e', embedding), inbound_nodes: 5 },
        { ...layer('NotEqual', 'n', {}, ['x']), module: 'keras.src.ops.numpy' },
      ],
      ['x'],
      ['e'],
    ),
    ModelFileError,
    /^model\.e: inbound_nodes is not a list$/,
  ],
  'a target shape that is not a list': [
    functional([input('x', [4]), layer('Reshape', 'r', { target_shape: { 0: 2, 1: 2 } }, ['x'])], ['x'], ['r']),
    ModelFileError,
    /^r: target_shape is \{"0":2,"1":2\}, expected a list$/,
  ],
  'a target shape with a fraction': [
    functional([input('x', [4]), layer('Reshape', 'r', { target_shape: [0.5, 8] }, ['x'])], ['x'], ['r']),
    ShapeError,
    /^r: Reshape of \[4\] \(4 values\) to \[0\.5,8\]/,
  ],
  'a stride that is too large': [
    functional(
      [input('x', [null, 2]), layer('Conv1D', 'c', { filters: 1, kernel_size: 2, strides: 2 ** 40 }, ['x'])],
      ['x'],
      ['c'],
    ),
    ModelFileError,
    /^c: strides is 1099511627776, expected an integer from 1 to 16777216$/,
  ],
  'a window that is too wide': [
    functional(
      [input('x', [null, 2]), layer('Conv1D', 'c', { filters: 1, kernel_size: 9, dilation_rate: 2 ** 23 }, ['x'])],
      ['x'],
      ['c'],
    ),
    ModelFileError,
    /^c: dilation_rate is 8388608, expected a window of at most 16777216 steps$/,
  ],
  'a slope that is not a number': [
    functional([input('x', [4]), layer('LeakyReLU', 'l', { negative_slope: 'steep' }, ['x'])], ['x'], ['l']),
    ModelFileError,
    /^l: negative_slope is "steep", expected a number$/,
  ],
  'an epsilon that is not a number': [
    functional([input('x', [4]), layer('LayerNormalization', 'l', { epsilon: '' }, ['x'])], ['x'], ['l']),
    ModelFileError,
    /^l: epsilon is "", expected a number$/,
  ],
  'a layer of one input that gets two outputs': [
    {
      class_name: 'Sequential',
      config: {
        name: 'model',
        layers: [input('x', [null, 4]), layer('LSTM', 'r', { units: 2, return_state: true }), layer('GlobalMaxPooling1D', 'g', {})],
      },
    },
    ShapeError,
    /^g: GlobalMaxPooling1D takes a sequence \[B, T, D\], got several inputs$/,
  ],
  'an input without a shape': [
    functional([layer('InputLayer', 'x', {}), layer('Dense', 'd', { units: 1 }, ['x'])], ['x'], ['d']),
    ModelFileError,
    /^model\.x: the input has no shape$/,
  ],
  'a call without arguments': [
    functional(
      [input('x', [4]), { ...layer('Dense', 'd', { units: 1 }), inbound_nodes: [{ args: [], kwargs: {} }] }],
      ['x'],
      ['d'],
    ),
    ModelFileError,
    /^model\.d: an inbound node has no arguments$/,
  ],
  'layers that are not a list': [
    { class_name: 'Sequential', config: { name: 'model', layers: {} } },
    ModelFileError,
    /^architecture: config\.layers is not a list$/,
  ],
  'a model inside that gets too many inputs': [
    functional(
      [
        input('x', [4]),
        input('y', [4]),
        {
          ...functional([input('inner', [4]), layer('Dense', 'd', { units: 1 }, ['inner'])], ['inner'], ['d'], 'half'),
          inbound_nodes: [
            [
              ['x', 0, 0, {}],
              ['y', 0, 0, {}],
            ],
          ],
        },
      ],
      ['x', 'y'],
      ['half'],
    ),
    ShapeError,
    /^half: 2 inputs, expected 1: inner$/,
  ],
  'shapes that do not fit': [
    functional([input('x', [3]), input('y', [4]), layer('Add', 'a', {}, ['x', 'y'])], ['x', 'y'], ['a']),
    ShapeError,
    /^a: Add of \[3\] and \[4\], which cannot be broadcast together$/,
  ],
};
for (const [what, [architecture, Class, message]] of Object.entries(broken)) {
  test(`${what} is refused, and the message names it`, async () => {
    await assert.rejects(create(architecture), says(Class, message));
  });
}

test('models may be nested 100 deep; deeper ones are refused before the stack overflows', async () => {
  /** @param {number} depth */
  const nested = (depth) => {
    /** @type {any[]} */
    let layers = [layer('Dense', 'd', { units: 1 })];
    for (let i = 1; i < depth; i++) layers = [{ class_name: 'Sequential', config: { name: 's', layers } }];
    return create({ class_name: 'Sequential', config: { name: 'model', layers: [input('x', [2]), ...layers] } });
  };
  assert.equal((await nested(100)).run([[1, 2]])[0].data.length, 1);
  for (const depth of [101, 5000]) await assert.rejects(nested(depth), says(ModelFileError, /more than 100 deep/));
});

test('a graph of 20,000 layers is sorted', async () => {
  const layers = [input('x', [2])];
  for (let i = 0; i < 20_000; i++) layers.unshift(layer('Dropout', `d${i}`, {}, [i ? `d${i - 1}` : 'x']));
  const model = await create(functional(layers, ['x'], ['d19999']));
  assert.deepEqual([...model.run([[3, 4]])[0].data], [3, 4]);
});

test('sorting a graph visits each node only a few times, however many nodes there are', () => {
  for (const count of [10, 1000]) {
    let looks = 0;
    const nodes = Array.from({ length: count }, (_, i) => ({
      key: `d${i}`,
      layer: new Layer({ name: `d${i}` }),
      get args() {
        looks++;
        return new Ref(i ? `d${i - 1}` : 'x', 0);
      },
      options: {},
    }));
    const outputs = [new Ref(`d${count - 1}`, 0)];
    const inputs = [{ key: 'x', name: 'x' }];
    const graph = { layers: [], nodes: nodes.reverse(), inputs, outputs, outputNames: ['y'] };
    assert.deepEqual(new Functional(graph, { name: 'graph' }).nodes, nodes.toReversed());
    assert.ok(looks <= 3 * count, `${looks} looks at ${count} nodes`);
  }
});
