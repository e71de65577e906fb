/**
 * Edge cases of masks, shapes and nested layers. Each was once a bug.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, loadModel, MemoryError, ModelFileError, ShapeError, UnsupportedError } from 'padless';
import { Add, Dense, Embedding, GlobalAveragePooling1D, Layer } from 'padless/layers';
import { evaluate, parseExamples } from '../../js/tools/evaluate.js';
import '../guarded-heap.js';
import { sequential } from '../keras-json.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { weights, normal } = random();

/** @param {any[]} layers @param {any} [more] */
const create = (layers, more = {}) =>
  createModel({
    architecture: sequential(layers),
    weights,
    simd,
    ...more,
  });
const embedding = ['Embedding', { name: 'embedding', input_dim: 9, output_dim: 4, mask_zero: true }];
const values = ['InputLayer', { name: 'values', batch_shape: [null, null, 1] }];

/** Adds the mean of all steps to each step. */
class WithMean extends Layer {
  mean = new GlobalAveragePooling1D({ keepdims: true });
  add = new Add();
  /** @override @param {any} x */
  call(x) {
    return this.add.apply(this.config.swapped ? [this.mean.apply(x), x] : [x, this.mean.apply(x)]);
  }
}

test('a layer adds one step to every step, also if the batch has as many steps as rows', async () => {
  for (const swapped of [false, true]) {
    const model = await create([embedding, ['WithMean', { name: 'with_mean', swapped }]], { customLayers: { WithMean } });
    const [{ data }] = model.run([[1, 2]]);
    for (const rows of [
      [
        [1, 2],
        [0, 0],
      ],
      [
        [1, 2],
        [3, 4],
      ],
      [[1, 2], []],
    ]) {
      const [{ shape, data: batch }] = model.run(rows);
      assert.deepEqual(shape, [2, 2, 4]);
      assert.deepEqual(batch.subarray(0, 8), data);
    }
  }
});

test('Masking finds a mask value that is rounded to float32', async () => {
  const model = await create([values, ['Masking', { name: 'masking', mask_value: 0.1 }], ['padless>MaskedMean', { name: 'mean' }]]);
  assert.equal(model.run([[[1], [2], [0.1]]])[0].data[0], 1.5);
});

test('rows in one array give the same bits as rows in lists', async () => {
  const lstm = [
    'Bidirectional',
    { name: 'both', layer: { class_name: 'LSTM', config: { name: 'lstm', units: 5, return_sequences: true } } },
  ];
  const ofValues = await create([['InputLayer', { name: 'values', batch_shape: [null, null, 3] }], lstm]);
  const [B, T, D] = [2, 4, 3];
  const data = normal(B * T * D, 1);
  const rows = [0, 1].map((b) => [0, 1, 2, 3].map((t) => data.subarray((b * T + t) * D, (b * T + t + 1) * D)));
  for (const options of [{}, { lengths: [3, 1] }, { mask: [0, 1, 1, 0, 1, 0, 0, 0] }]) {
    const expected = ofValues.run(rows, options);
    assert.deepEqual(ofValues.run({ data, shape: [B, T, D] }, options), expected);
    assert.deepEqual(ofValues.run({ data: Array.from(data), shape: [B, T, D] }, options), expected);
  }
  assert.throws(() => ofValues.run({ data, shape: [B, T, 4] }), {
    name: 'ShapeError',
    message: 'run: shape [2,4,4], expected [B,T,3]',
  });
  assert.throws(() => ofValues.run({ data, shape: [B, 5, D] }), {
    name: 'ShapeError',
    message: 'run: 24 values do not match shape [2,5,3]',
  });
  assert.throws(() => ofValues.run({ data, shape: [B * T * D] }), ShapeError);
  assert.throws(() => ofValues.run({ data, shape: [B, T, D] }, { lengths: [3] }), ShapeError);

  const ofIds = await create([embedding, lstm]);
  assert.deepEqual(
    ofIds.run({ data: Int32Array.of(5, 2, 0, 7, 0, 0), shape: [2, 3] }),
    ofIds.run([
      [5, 2, 0],
      [7, 0, 0],
    ]),
  );

  // The same holds for a model of exactly five steps, and for a model of vectors.
  const five = await create([
    ['InputLayer', { name: 'values', batch_shape: [null, 5, 3] }],
    ['Flatten', { name: 'flat' }],
  ]);
  const short = {
    name: 'ShapeError',
    message:
      'run: row 0 has 4 steps, expected exactly 5, as the model has no mask: pad or cut rows as in training, or pass mask or lengths',
  };
  for (const given of [rows, { data, shape: [B, T, D] }]) assert.throws(() => five.run(given), short);
  assert.deepEqual(five.run({ data: data.subarray(0, 15), shape: [1, 5, D] })[0].data, data.slice(0, 15));
  const dense = await create([
    ['InputLayer', { name: 'values', batch_shape: [null, 3] }],
    ['Dense', { name: 'dense', units: 2 }],
  ]);
  assert.deepEqual(dense.run({ data, shape: [B * T, D] }), dense.run(rows.flat()));
});

test('values in one Float32Array are copied as a whole, not step by step', async () => {
  let parts = 0;
  class Counted extends Float32Array {
    /** @override @param {number} [from] @param {number} [to] */
    subarray(from, to) {
      parts++;
      return super.subarray(from, to);
    }
  }
  const data = new Counted(12).fill(1);
  for (const shape of [[null, 3], [2, 3], [3]]) {
    // prettier-ignore
    const model = await create([['InputLayer', { name: 'x', batch_shape: [null, ...shape] }], ['Dense', { name: 'dense', units: 2 }]]);
    model.run({ data, shape: shape.length === 1 ? [4, 3] : [2, 2, 3] });
    assert.equal(parts, 0, `${shape}`);
  }
});

test('an input may be named data, shape or length, and one input may be an array while another is a list of rows', async () => {
  for (const name of ['data', 'shape', 'length']) {
    const model = await create([
      ['InputLayer', { name, batch_shape: [null, 3] }],
      ['Dense', { name: 'dense', units: 2 }],
    ]);
    const expected = model.run([[1, 2, 3]]);
    const flat = { data: Float32Array.of(1, 2, 3), shape: [1, 3] };
    for (const rows of [flat, { [name]: [[1, 2, 3]] }, { [name]: flat }]) assert.deepEqual(model.run(rows), expected, name);
  }

  /** @param {string} name @param {string[]} from @param {string} Class @param {any} config */
  const node = (Class, name, config, ...from) => ({
    class_name: Class,
    name,
    config: { name, ...config },
    inbound_nodes: from.length ? [from.map((each) => [each, 0, 0, {}])] : [],
  });
  const both = await createModel({
    architecture: {
      class_name: 'Functional',
      config: {
        name: 'model',
        layers: [
          node('InputLayer', 'data', { batch_shape: [null, null, 2] }),
          node('InputLayer', 'shape', { batch_shape: [null, null, 2] }),
          node('InputLayer', 'vector', { batch_shape: [null, 3] }),
          node('Dot', 'dot', { axes: 2 }, 'data', 'shape'),
          node('Dense', 'dense', { units: 2 }, 'vector'),
        ],
        input_layers: [
          ['data', 0, 0],
          ['shape', 0, 0],
          ['vector', 0, 0],
        ],
        output_layers: [
          ['dot', 0, 0],
          ['dense', 0, 0],
        ],
      },
    },
    kerasVersion: '3.0.0',
    weights,
  });
  const data = Float32Array.from({ length: 8 }, (_, i) => i);
  const vector = Float32Array.of(1, 2, 3, 4, 5, 6);
  const shape = [
    [[1, 2]],
    [
      [3, 4],
      [5, 6],
      [7, 8],
    ],
  ];
  const rows = [0, 1].map((b) => [0, 1].map((t) => data.subarray(4 * b + 2 * t, 4 * b + 2 * t + 2)));
  assert.deepEqual(
    both.run({ data: { data, shape: [2, 2, 2] }, shape, vector: { data: vector, shape: [2, 3] } }),
    both.run({ data: rows, shape, vector: [vector.subarray(0, 3), vector.subarray(3)] }),
  );
});

test('rows in one array: wrong shapes and too many rows are refused at once, and many rows are split in linear time', async () => {
  const model = await create([values, ['padless>MaskedSum', { name: 'sum' }]]);
  const data = Float32Array.of(1, 2);
  for (const [shape, shown] of [
    [[1n, 2n, 1n], '[bigint,bigint,bigint], expected [B,T,1]'],
    [[Symbol('one'), 2, 1], '[symbol,2,1]'],
    [[-1, -2, 1], '[-1,-2,1]'],
    [[1.5, 2, 1], '[1.5,2,1]'],
    [[null, 2, 1], '[null,2,1]'],
  ])
    assert.throws(
      () => model.run({ data, shape: /** @type {any} */ (shape) }),
      (error) => error instanceof ShapeError && error.message.includes(String(shown)),
    );
  assert.deepEqual(model.run({ data, shape: { length: 3, 0: 1, 1: 2, 2: 1 } }), model.run({ data, shape: Int32Array.of(1, 2, 1) }));
  // There are too many empty rows to be allocated.
  for (const rows of [2 ** 31, 1e12])
    assert.throws(() => model.run({ data: new Float32Array(0), shape: [rows, 0, 1] }), MemoryError);
  // If each row copied the values after it, this would copy 50,000 times as many values and take very long.
  const many = 100_000;
  assert.equal(model.run({ data: new Array(many).fill(1), shape: [many, 1, 1] })[0].data.length, many);
});

test("a mask may be numbers, booleans, or Keras's [B, T, 1]", async () => {
  const model = await create([embedding, ['padless>MaskedSum', { name: 'sum' }]]);
  const [{ data }] = model.run([[1, 2]]);
  for (const mask of [[[1, 1, 0]], [[true, true, false]], [[[1], [1], [0]]], [true, true, false], [1, 1, 0]])
    assert.deepEqual(model.run([[1, 2, 3]], { mask: /** @type {any} */ (mask) })[0].data, data);
  assert.deepEqual(model.run([BigInt64Array.of(1n, 2n)])[0].data, data);
  assert.throws(() => model.run([[1]], { mask: /** @type {any} */ ([[1], null]) }), /mask has 2 rows, expected B = 1/);
});

test('a layer that is not in a public property is refused; layers in lists and objects get the same names in every process', async () => {
  class Hidden extends Layer {
    #dense = new Dense({ units: 2 });
    /** @override @param {any} x */
    call(x) {
      return this.#dense.apply(x);
    }
  }
  await assert.rejects(
    create([embedding, ['Hidden', { name: 'hidden' }]], { customLayers: { Hidden } }),
    says(ModelFileError, /a custom layer applies this layer but does not contain it/),
  );
  class Several extends Layer {
    list = [new Dense({ units: 3 }), new Dense({ units: 3 })];
    heads = { one: new Dense({ units: 2 }) };
    /** @override @param {any} x */
    call(x) {
      return this.heads.one.apply(this.list[1].apply(this.list[0].apply(x)));
    }
  }
  const model = await create([embedding, ['Several', {}]], { customLayers: { Several } });
  const paths = model.root.listWeights().map(({ path }) => path);
  assert.deepEqual(
    paths.filter((path) => path.endsWith('kernel')),
    ['several.list.dense.kernel', 'several.list.dense_1.kernel', 'several.heads.one.kernel'].map((path) =>
      path.replace('.list', ''),
    ),
  );
  const again = await loadModel(model.save(), { customLayers: { Several }, simd });
  assert.deepEqual(again.run([[1, 2]])[0].data, model.run([[1, 2]])[0].data);
});

test('a custom layer may contain the embedding', async () => {
  class Tokens extends Layer {
    embed = new Embedding({ input_dim: 9, output_dim: 3, mask_zero: true });
    /** @override @param {any} x */
    call(x) {
      return this.embed.apply(x);
    }
  }
  const model = await create(
    [
      ['InputLayer', { name: 'ids', batch_shape: [null, null] }],
      ['Tokens', { name: 'tokens' }],
      ['padless>MaskedMean', { name: 'mean' }],
    ],
    {
      customLayers: { Tokens },
    },
  );
  assert.deepEqual(model.run([[1, 2, 0]])[0].data, model.run([[1, 2]])[0].data);
});

test('weights shorter than their shape and token ids with two axes are refused', async () => {
  await assert.rejects(
    create([embedding], { weights: () => new Map([['embedding.embeddings', { shape: [9, 4], data: normal(3, 1) }]]) }),
    (error) => error instanceof ModelFileError && error.message === 'embedding.embeddings: 3 values, expected 36 for [9,4]',
  );
  await assert.rejects(
    create([['InputLayer', { name: 'ids', batch_shape: [null, 3, 4] }], embedding]),
    says(UnsupportedError, /input ids: token ids of shape \[B,3,4\]/),
  );
});

test('if a long text after Masking grows the memory, the answer is right', async () => {
  const model = await create([values, ['Masking', { name: 'masking' }], ['Conv1D', { name: 'conv', filters: 1, kernel_size: 1 }]], {
    kerasVersion: '3.15.1',
  });
  const row = Array.from({ length: 60_000 }, (_, t) => [t % 7]);
  const [{ data }] = model.run([row]);
  const [{ data: short }] = model.run([row.slice(0, 7)]);
  assert.deepEqual(data.subarray(59_500, 59_507), model.run([row.slice(59_500, 59_507)])[0].data);
  assert.deepEqual(data.subarray(0, 7), short);
});

test('a batch that is too large for the memory is refused before it is allocated, and the next batch runs', async () => {
  const model = await create([
    embedding,
    ['UpSampling1D', { name: 'up', size: 2 ** 16 }],
    ['UpSampling1D', { name: 'up2', size: 2 ** 16 }],
  ]);
  const [{ shape }] = model.run([[]]);
  assert.deepEqual(shape, [1, 0, 4]);
  const wide = await create([embedding, ['Dense', { name: 'dense', units: 3 }]]);
  const rows = [new Uint8Array(2 ** 20), ...Array.from({ length: 2000 }, () => [1])];
  assert.throws(
    () => wide.run(rows),
    (error) =>
      error instanceof MemoryError && error.message === 'this needs an array of 2098200576 values; memory holds at most 2^30',
  );
  assert.deepEqual(wide.run([[1, 2]])[0].shape, [1, 2, 3]);
});

test('a model file that turns a short text into millions of steps is refused', async () => {
  const most = 2 ** 16;
  const vocabulary = ['', '<unk>', 'a'];
  /** @param {number} steps @returns {Record<string, () => Promise<any>>} */
  const ways = (steps) => ({
    'the padded length of texts': () =>
      create([embedding, ['GlobalAveragePooling1D', { name: 'pool' }]], { text: { vocabulary, length: steps, mask: false } }),
    'the length of the input': () => create([['InputLayer', { batch_shape: [null, steps], name: 'ids' }], embedding]),
    RepeatVector: () =>
      create([embedding, ['GlobalMaxPooling1D', { name: 'pool' }], ['RepeatVector', { name: 'repeat', n: steps }]]),
    ZeroPadding1D: () => create([embedding, ['ZeroPadding1D', { name: 'zeros', padding: [0, steps] }]]),
    UpSampling1D: () => create([embedding, ['UpSampling1D', { name: 'up', size: steps }]]),
  });
  for (const [name, make] of Object.entries(ways(most + 1))) await assert.rejects(make(), says(ModelFileError, /65536/), name);
  for (const make of Object.values(ways(most))) {
    const model = await make();
    if (model.text) assert.equal(model.predict('a').tokens, 1);
    else assert.ok(model.run([[1]])[0].data.length > 0);
  }
});

test('a trace does not change the states of a stateful layer', async () => {
  const layers = [embedding, ['LSTM', { name: 'lstm', units: 3, stateful: true }]];
  const [traced, plain] = [await create(layers), await create(layers)];
  for (const { path, layer, spec } of traced.root.listWeights()) {
    const same = plain.root.listWeights().find((each) => each.path === path);
    same?.layer.weight(spec.name).data.set(layer.weight(spec.name).data);
  }
  const file = traced.save();
  const [a, b] = [await loadModel(file, { simd }), await loadModel(file, { simd })];
  a.trace([[1, 2, 0]]);
  b.run([[1, 2, 0]]);
  assert.deepEqual(a.run([[4]])[0].data, b.run([[4]])[0].data);
});

test('a stateful layer refuses a batch of another size until resetState() is called', async () => {
  for (const name of ['SimpleRNN', 'GRU', 'LSTM']) {
    const model = await create([embedding, [name, { name: 'rnn', units: 3, stateful: true }]]);
    model.run([[1], [2]]);
    for (const rows of [[[1]], [[1], [2], [3]]])
      assert.throws(
        () => model.run(rows),
        says(ShapeError, /^rnn: its state is from a batch of 2 rows, but this batch has \d; call/),
      );
    model.run([[3], [4]]);
    model.resetState();
    assert.equal(model.run([[1]])[0].data.length, 3);
  }
});

test('an output of kind tags is refused if the model changes the length or returns one vector', async () => {
  const text = { vocabulary: ['', '', 'a', 'b'] };
  const model = await create([embedding, ['Conv1D', { name: 'conv', filters: 2, kernel_size: 1, strides: 2 }]], { text });
  assert.throws(() => model.predict('abab'), says(ShapeError, /the output has 2 steps for 4 tokens/));
  await assert.rejects(
    create([embedding, ['padless>MaskedMean', { name: 'mean' }]], { outputs: [{ name: 'mean', kind: 'tags' }] }),
    /mean has kind tags, but the output is a vector/,
  );
});

test("eval truncates and pads texts as the model's text settings say", async () => {
  const layers = [
    ['Embedding', { name: 'embedding', input_dim: 9, output_dim: 2, batch_input_shape: [null, 4] }],
    ['Softmax', { name: 'softmax' }],
  ];
  const outputs = [{ name: 'tags', kind: 'tags', labels: ['A', 'B'] }];
  const table = Float32Array.of(0, 0, 0, 0, 9, 0, 0, 9, ...new Array(10).fill(0));
  const model = await create(layers, {
    outputs,
    weights: () => new Map([['embedding.embeddings', { shape: [9, 2], data: table }]]),
    text: { vocabulary: ['', '', 'a', 'b'], length: 4, padding: 'pre', truncation: 'pre', mask: false },
  });
  const { counted, accuracy } = evaluate(model, parseExamples('a\tA\nb\tB\n\nb\tA\na\tA\na\tA\nb\tB\nb\tB\n', 'tags'));
  assert.deepEqual([counted, accuracy], [6, 1]);
});

test('a row that is shorter than a window has no windows, alone and in a batch', async () => {
  for (const [Class, config] of /** @type {[string, any][]} */ ([
    ['Conv1D', { filters: 1, kernel_size: 3 }],
    ['Conv1D', { filters: 1, kernel_size: 2, dilation_rate: 2 }],
    ['MaxPooling1D', { pool_size: 3, strides: 1 }],
    ['AveragePooling1D', { pool_size: 3, strides: 1 }],
  ])) {
    const model = await create([values, [Class, { name: 'window', ...config }]]);
    const rows = [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]].map((row) => row.map((x) => [x]));
    for (const row of rows) assert.deepEqual(model.run([row])[0].shape, [1, Math.max(0, row.length - 2), 1], Class);
    const [{ shape, data }] = model.run(rows);
    assert.deepEqual(shape, [4, 2, 1]);
    assert.deepEqual([...data.subarray(0, 4)], [0, 0, 0, 0], Class);
  }
});

test('in models of TF.js, a recurrent layer after windows that leave fewer steps than the mask has is refused', async () => {
  const layers = (/** @type {any} */ config) => [
    values,
    ['Masking', { name: 'masking' }],
    ['Conv1D', { name: 'conv', filters: 1, ...config }],
    ['LSTM', { name: 'lstm', units: 1 }],
  ];
  for (const config of [{ kernel_size: 2 }, { kernel_size: 1, strides: 2, padding: 'same' }])
    await assert.rejects(
      create(layers(config), { origin: 'tfjs', kerasVersion: '2' }),
      says(UnsupportedError, /^lstm: TF\.js calls LSTM with the mask of an earlier layer, which has other steps than its input/),
    );
  await create(layers({ kernel_size: 2, padding: 'same' }), { origin: 'tfjs', kerasVersion: '2' });
});

test('PReLU with a slope for each step refuses rows that a mask has shortened', async () => {
  const model = await create([
    ['InputLayer', { name: 'ids', batch_shape: [null, 3] }],
    ['Embedding', { name: 'embedding', input_dim: 9, output_dim: 4, mask_zero: true }],
    ['PReLU', { name: 'prelu' }],
  ]);
  const [whole, cut, holed] = [
    [1, 2, 3],
    [1, 2, 0],
    [1, 0, 2],
  ];
  const [{ data }] = model.run([whole]);
  assert.deepEqual(model.run([whole, whole])[0].data.subarray(12), data);
  for (const rows of [[cut], [whole, cut], [cut, holed]])
    assert.throws(
      () => model.run(rows),
      says(ShapeError, /^prelu: rows of up to [23] steps, expected 3 steps in each row, as many as there are slopes$/),
    );
  const shared = await create([embedding, ['PReLU', { name: 'prelu', shared_axes: [1] }]]);
  assert.deepEqual(shared.run([[1, 2, 0]])[0].data.subarray(0, 8), shared.run([[1, 2]])[0].data);
});

test('after Masking, a model that reads padding up to a fixed length refuses rows of another length', async () => {
  const layers = [
    ['InputLayer', { name: 'values', batch_shape: [null, 3, 1] }],
    ['Masking', { name: 'masking' }],
    ['Flatten', { name: 'flat' }],
  ];
  const model = await create(layers, { kerasVersion: '3.15.1' });
  assert.deepEqual([...model.run([[[1], [0], [2]]])[0].data], [1, 0, 2]);
  assert.throws(() => model.run([[[1], [2], [3]], [[1], [2]]]), says(ShapeError, /^run: a row has 2 steps, expected exactly 3$/)); // prettier-ignore
});

test('an input of values whose number of features is unknown is refused', async () => {
  for (const shape of [[null], [null, null], [3, null]])
    await assert.rejects(
      create([
        ['InputLayer', { name: 'values', batch_shape: [null, ...shape] }],
        ['Activation', { name: 'act', activation: 'tanh' }],
      ]),
      says(UnsupportedError, /^input values: values of shape \[B,[T3,]+\]; expected \[B, D\] or \[B, T, D\] with a known D$/),
    );
});

test('a model that reads padding up to a fixed length pads texts and rows to it, and refuses longer ones, also of words', async () => {
  const vocabulary = ['', '', 'a', 'b'];
  /** @param {any} text */
  const make = (text) =>
    create([['InputLayer', { name: 'ids', batch_shape: [null, 3] }], embedding, ['Flatten', { name: 'flat' }]], {
      kerasVersion: '3.15.1',
      text: { vocabulary, ...text },
    });
  const steps = await make({});
  assert.deepEqual(steps.run([[2, 3]])[0].shape, [1, 12]);
  for (const length of [undefined, null, 3]) assert.equal((await make({ length })).text?.length, 3);
  const longer = await make({ length: 4 });
  assert.throws(() => longer.predict('a'), says(ShapeError, /^run: a row has 4 steps, expected at most 3$/));
  const pre = await make({ padding: 'pre' });
  assert.deepEqual(pre.outputsOf(['ab'])[0].data, pre.run([[0, 2, 3]])[0].data);
  for (const [typed, ids] of /** @type {[string, number[]][]} */ ([
    ['', []],
    ['ab', [2, 3]],
    ['abab', [2, 3, 2]],
  ]))
    assert.deepEqual(steps.outputsOf([typed])[0].data, steps.run([ids])[0].data, typed);
  assert.throws(() => steps.run([[1], [1, 2, 3, 4]]), says(ShapeError, /^run: a row has 4 steps, expected at most 3$/));
  const inner = { class_name: 'Embedding', config: { name: 'inner', input_dim: 9, output_dim: 4, mask_zero: true } };
  const pooling = { class_name: 'GlobalMaxPooling1D', config: { name: 'pooling' } };
  const words = await create([
    ['InputLayer', { name: 'ids', batch_shape: [null, 3, null] }],
    ['TimeDistributed', { name: 'each', layer: inner }],
    ['TimeDistributed', { name: 'word', layer: pooling }],
    ['Flatten', { name: 'flat' }],
  ]);
  assert.throws(() => words.run([[[1], [2], [3], [4]]]), says(ShapeError, /^run: a row has 4 words, expected at most 3$/));
});
