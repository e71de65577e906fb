/**
 * Custom layers that contain other layers and call them, and have no weights themselves.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, loadModel, ModelFileError, ShapeError, UnsupportedError } from 'padless';
import {
  Add,
  Attention,
  Bidirectional,
  Dense,
  Embedding,
  GlobalAveragePooling1D,
  Layer,
  LSTM,
  MaskedMean,
  Model,
  TimeDistributed,
} from 'padless/layers';
import { fromKeras } from 'padless/import';
import * as exported from 'padless/layers';
import '../guarded-heap.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { weights } = random();

/** y = g(f(x W1 + b1) W2 + b2) */
class TwoDense extends Layer {
  /** @param {any} config */
  constructor(config) {
    super(config);
    this.first = new Dense({ units: config.hidden, activation: 'relu' });
    this.second = new Dense({ units: config.units, activation: 'tanh' });
  }

  /** @override @param {any} x */
  call(x) {
    return this.second.apply(this.first.apply(x));
  }
}

/** Pools a text into one vector by attention: the query is the mean, keys and values are the steps, each after a dense layer. */
class QueryPooling extends Layer {
  /** @param {any} config */
  constructor(config) {
    super(config);
    this.query = new Dense({ units: config.units });
    this.key = new Dense({ units: config.units });
    this.value = new Dense({ units: config.units });
    this.mean = new GlobalAveragePooling1D({ keepdims: true });
    this.attention = new Attention();
    this.pooling = new MaskedMean();
  }

  /** @override @param {any} x */
  call(x) {
    const query = this.query.apply(this.mean.apply(x));
    return this.pooling.apply(this.attention.apply([query, this.value.apply(x), this.key.apply(x)]));
  }
}

/** Computes y = x + f(x) twice, with the same f. */
class Residual extends Layer {
  /** @param {any} config */
  constructor(config) {
    super(config);
    this.inner = new TwoDense({ name: 'inner', hidden: 7, units: config.units });
    this.add = new Add();
  }

  /** @override @param {any} x */
  call(x) {
    const once = this.add.apply([x, this.inner.apply(x)]);
    return this.add.apply([once, this.inner.apply(once)]);
  }
}
const customLayers = { TwoDense, QueryPooling, Residual };

/** @param {...[string, any]} layers */
const architecture = (...layers) => ({
  class_name: 'Sequential',
  config: {
    name: 'model',
    layers: [['Embedding', { name: 'embedding', input_dim: 9, output_dim: 5, mask_zero: true }], ...layers].map(
      ([class_name, config]) => ({ class_name, config }),
    ),
  },
});

/** @param {any} json */
const create = (json) => createModel({ architecture: json, customLayers, weights, simd });

/** @param {import('padless').Model} model @param {string} path */
function weightOf(model, path) {
  const found = model.root.listWeights().find((each) => each.path === path);
  assert.ok(found, `${path} among ${model.root.listWeights().map((each) => each.path)}`);
  const { shape, data } = found.layer.weight(found.spec.name);
  return { shape, data, at: (/** @type {number} */ i, /** @type {number} */ j) => data[i * shape[1] + j] };
}

test('a layer made of two dense layers computes its formula, and its weights are named by path', async () => {
  const model = await create(
    architecture(['padless>MaskedMean', { name: 'mean' }], ['TwoDense', { name: 'two', hidden: 4, units: 3 }]),
  );
  assert.deepEqual(
    model.root.listWeights().map(({ path }) => path),
    ['embedding.embeddings', 'two.first.kernel', 'two.first.bias', 'two.second.kernel', 'two.second.bias'],
  );
  assert.equal(model.parameters, 9 * 5 + 5 * 4 + 4 + 4 * 3 + 3);
  const [table, w1, b1, w2, b2] = model.root.listWeights().map(({ path }) => weightOf(model, path));
  const x = [0, 1, 2, 3, 4].map((d) => (table.at(3, d) + table.at(7, d)) / 2);
  const hidden = [0, 1, 2, 3].map((n) =>
    Math.max(
      0,
      x.reduce((sum, value, k) => sum + value * w1.at(k, n), b1.data[n]),
    ),
  );
  const y = [0, 1, 2].map((n) => Math.tanh(hidden.reduce((sum, value, k) => sum + value * w2.at(k, n), b2.data[n])));
  model.run([[3, 7, 0, 0]])[0].data.forEach((value, n) => assert.ok(Math.abs(value - y[n]) < 1e-5, `${value} ${y[n]}`));
});

test('a layer that is used twice has one set of weights, which both uses read', async () => {
  const model = await create(architecture(['Residual', { name: 'residual', units: 5 }], ['padless>MaskedMean', { name: 'mean' }]));
  assert.deepEqual(
    model.root.listWeights().map(({ path }) => path),
    [
      'embedding.embeddings',
      ...['first', 'second'].flatMap((name) => [`residual.inner.${name}.kernel`, `residual.inner.${name}.bias`]),
    ],
  );
  const [{ data }] = model.run([[4]]);
  const [table, w1, b1, w2, b2] = model.root.listWeights().map(({ path }) => weightOf(model, path));
  let x = [0, 1, 2, 3, 4].map((d) => table.at(4, d));
  for (let use = 0; use < 2; use++) {
    const hidden = Array.from(b1.data, (bias, n) =>
      Math.max(
        0,
        x.reduce((sum, value, k) => sum + value * w1.at(k, n), bias),
      ),
    );
    x = x.map((value, n) => value + Math.tanh(hidden.reduce((sum, each, k) => sum + each * w2.at(k, n), b2.data[n])));
  }
  data.forEach((value, n) => assert.ok(Math.abs(value - x[n]) < 1e-5));
});

test('masks pass through layers that contain layers: padding changes no bit', async () => {
  const model = await create(
    architecture(['Residual', { name: 'residual', units: 5 }], ['QueryPooling', { name: 'pool', units: 4 }]),
  );
  const [{ data }] = model.run([[4, 2, 8]]);
  assert.deepEqual(model.run([[0, 4, 0, 2, 8, 0, 0]])[0].data, data);
  assert.deepEqual(model.run([[9e9, 4, 2, -7, 8]], { mask: [[0, 1, 1, 0, 1]] })[0].data, data);
});

test('a model with custom layers is saved, and loaded if their classes are given', async () => {
  const model = await create(
    architecture(['Residual', { name: 'residual', units: 5 }], ['QueryPooling', { name: 'pool', units: 4 }]),
  );
  const file = model.save();
  const again = await loadModel(file, { customLayers, simd });
  assert.deepEqual(again.run([[4, 2, 8]])[0].data, model.run([[4, 2, 8]])[0].data);
  await assert.rejects(
    loadModel(file, { simd }),
    (error) => error instanceof UnsupportedError && error.message.startsWith('model.residual: class Residual is not one of'),
  );
});

test('customLayers may be null, also in importers', async () => {
  const json = architecture(['TwoDense', { name: 'two', hidden: 4, units: 3 }]);
  await assert.rejects(
    createModel({ architecture: json, customLayers: /** @type {any} */ (null), weights, simd }),
    says(UnsupportedError, /class TwoDense is not one of the \d+ that padless knows/),
  );
  const keras = new URL('../models/keras-files/lstm-classifier.keras', import.meta.url);
  (await fromKeras(keras, /** @type {any} */ ({ customLayers: null, simd }))).run([[1]]);
});

test('errors name the path of the inner layer', async () => {
  /** @param {(root: import('padless/layers').Layer) => Map<string, any>} given @param {...[string, any]} layers */
  const failing = (given, ...layers) => createModel({ architecture: architecture(...layers), customLayers, weights: given, simd });
  await assert.rejects(
    failing(
      (root) => {
        const all = weights(root);
        all.delete('two.second.bias');
        return all;
      },
      ['TwoDense', { name: 'two', hidden: 4, units: 3 }],
    ),
    (error) => error instanceof ModelFileError && error.message === 'two.second.bias: weight is missing',
  );
  await assert.rejects(
    failing(
      (root) => weights(root).set('two.first.kernel', { shape: [6, 4], data: new Float32Array(24) }),
      ['TwoDense', { name: 'two', hidden: 4, units: 3 }],
    ),
    (error) => error instanceof ModelFileError && error.message === 'two.first.kernel: shape [6,4], expected [5,4]',
  );
  await assert.rejects(
    failing(
      (root) => weights(root).set('two.third.kernel', { shape: [1], data: new Float32Array(1) }),
      ['TwoDense', { name: 'two', hidden: 4, units: 3 }],
    ),
    (error) => error instanceof ModelFileError && error.message === 'weights that belong to no layer: two.third.kernel',
  );
  await assert.rejects(
    failing(weights, ['Residual', { name: 'residual', units: 4 }]),
    (error) =>
      error instanceof ShapeError && error.message.startsWith('residual.add: Add of [,5] and [,4], which cannot be broadcast'),
  );
});

test('a layer that is called on inputs of two sizes is refused', async () => {
  class Twice extends Layer {
    dense = new Dense({ units: 3 });
    /** @override @param {any} x */
    call(x) {
      return this.dense.apply(this.dense.apply(x));
    }
  }
  await assert.rejects(
    createModel({ architecture: architecture(['Twice', { name: 'twice' }]), customLayers: { Twice }, weights, simd }),
    (error) =>
      error instanceof ShapeError &&
      error.message ===
        'twice.dense: used twice with inputs that need different weights, kernel [5,3], bias [3] and kernel [3,3], bias [3]',
  );
});

test('a Model of layer objects answers as its JSON does, is saved, and needs no customLayers', async () => {
  const layers = () => [
    new Embedding({ input_dim: 9, output_dim: 5, mask_zero: true }),
    new Bidirectional({ layer: new LSTM({ units: 3, return_sequences: true }), merge_mode: 'sum' }),
    new TimeDistributed({ layer: new TwoDense({ hidden: 4, units: 5 }) }),
    new Residual({ units: 5 }),
    new QueryPooling({ units: 4 }),
    new Dense({ units: 2, activation: 'softmax' }),
    new Dense({ units: 2 }),
  ];
  const model = await createModel({ architecture: new Model(layers()), weights, simd });
  assert.deepEqual(
    model.root.layers.map(({ name }) => name),
    ['embedding', 'bidirectional', 'time_distributed', 'residual', 'query_pooling', 'dense', 'dense_1'],
  );
  const [{ data, shape }] = model.run([[4, 2, 8]]);
  assert.deepEqual(shape, [1, 2]);
  assert.deepEqual(model.run([[0, 4, 0, 2, 8]])[0].data, data);
  const stored = new Map(model.root.listWeights().map(({ path, layer, spec }) => [path, layer.weight(spec.name)]));
  const json = JSON.parse(JSON.stringify(new Model(layers())));
  const again = await createModel({ architecture: json, customLayers, weights: () => stored, simd });
  assert.deepEqual(again.run([[4, 2, 8]])[0].data, data);
  const loaded = await loadModel(model.save(), { customLayers, simd });
  assert.deepEqual(loaded.run([[4, 2, 8]])[0].data, data);
});

test('a Model may consist of one custom layer', async () => {
  class Tagger extends Layer {
    /** @param {any} config */
    constructor(config) {
      super(config);
      this.embedding = new Embedding({ input_dim: 9, output_dim: 4, mask_zero: true });
      this.inner = new TwoDense({ hidden: 4, units: 3 });
    }
    /** @override @param {any} x */
    call(x) {
      return this.inner.apply(this.embedding.apply(x));
    }
  }
  const model = await createModel({ architecture: new Model(new Tagger({ name: 'tagger', input_length: 3 })), weights, simd });
  assert.deepEqual(model.run([[4, 2, 8]])[0].shape, [1, 3, 3]);
  assert.ok(model.root.listWeights().some(({ path }) => path === 'tagger.inner.first.kernel'));
});

test("an activation that is a function of Keras is computed, one of the author's is a custom layer", async () => {
  class Negative extends Layer {
    /** @override @param {any} input */
    build(input) {
      return input;
    }
    /** @override @param {any} x */
    call(x) {
      const y = x.ofFeatures(x.heap.copy32(x.pointer, x.rows * x.features), x.features);
      y.view().forEach(
        (/** @type {number} */ value, /** @type {number} */ i, /** @type {Float32Array} */ all) => (all[i] = -value),
      );
      return y;
    }
  }
  const known = new Map([['dense.kernel', { shape: [1, 1], data: Float32Array.of(2) }]]);
  /** @param {any} activation @param {any} [more] */
  const answer = async (activation, more) => {
    const layers = [
      { class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, 1] } },
      { class_name: 'Dense', config: { name: 'dense', units: 1, use_bias: false, activation } },
    ];
    const json = { class_name: 'Sequential', config: { name: 'model', layers } };
    const model = await createModel({ architecture: json, weights: () => known, simd, ...more });
    return [...model.run([[-1], [3]])[0].data];
  };
  const named = (/** @type {any} */ more) => ({ class_name: 'function', config: 'relu', ...more });
  for (const module of ['keras.activations', 'keras.src.activations.activations'])
    assert.deepEqual(await answer(named({ module, registered_name: 'relu' })), [0, 6], module);
  for (const own of [named({}), named({ module: null }), named({ module: 'builtins' }), named({ registered_name: 'mine>relu' })]) {
    assert.deepEqual(await answer(own, { customLayers: { relu: Negative } }), [2, -6], JSON.stringify(own));
    await assert.rejects(
      answer(own),
      says(UnsupportedError, /activation "relu" is a function of the model's author; give a layer/),
    );
  }
});

test('a layer in TimeDistributed gets the steps of all texts as vectors, one for each row', async () => {
  /** @type {any[]} */
  const seen = [];
  class Seen extends Layer {
    /** @override @param {any} input */
    build(input) {
      return input;
    }
    /** @override @param {any} x */
    call(x) {
      seen.push([x.rows, x.features, x.steps]);
      return x;
    }
  }
  const layers = [new Embedding({ input_dim: 9, output_dim: 4 }), new TimeDistributed({ layer: new Seen({}) })];
  const model = await createModel({ architecture: new Model(layers), weights, simd });
  model.run([[1, 2, 3], [4]]); // prettier-ignore
  assert.deepEqual(seen, [[4, 4, null]]);
});

test('a layer that two layers share copies its weights into the memory once', async () => {
  let loads = 0;
  class Counted extends Dense {
    /** @override @param {any} heap */
    load(heap) {
      loads++;
      super.load(heap);
    }
  }
  const shared = new Counted({ name: 'shared', units: 3 });
  class Uses extends Layer {
    shared = shared;
    /** @override @param {any} x */
    call(x) {
      return this.shared.apply(x);
    }
  }
  const layers = [new Embedding({ input_dim: 9, output_dim: 3 }), new Uses({ name: 'first' }), new Uses({ name: 'second' })];
  const model = await createModel({ architecture: new Model(layers), weights, simd });
  assert.equal(loads, 1);
  assert.equal(model.root.all().filter((each) => each === shared).length, 1);
});

test('the configuration of each layer contains the options that it was given and its name, and nothing else', () => {
  const inner = new LSTM({ name: 'inner', units: 2 });
  const layer = { class_name: 'LSTM', config: { name: 'inner', units: 2 } };
  for (const Class of [TimeDistributed, exported.SpectralNormalization])
    assert.deepEqual(new Class({ name: 'x', own: [1], layer: inner }).getConfig(), { name: 'x', own: [1], layer });
  const { backward_layer: backward, ...both } = new Bidirectional({ name: 'x', own: [1], layer: inner }).getConfig();
  assert.deepEqual(both, { name: 'x', own: [1], layer });
  assert.deepEqual(backward.config, { name: 'backward_inner', units: 2, go_backwards: true });
  const stack = new exported.StackedRNN({ name: 'x', own: [1], cells: [inner, new exported.GRU({ name: 'outer', units: 3 })] });
  assert.deepEqual(stack.toJSON(), {
    class_name: 'RNN',
    config: {
      name: 'x',
      own: [1],
      cell: {
        class_name: 'StackedRNNCells',
        config: {
          cells: [
            { class_name: 'LSTMCell', config: { name: 'inner', units: 2 } },
            { class_name: 'GRUCell', config: { name: 'outer', units: 3 } },
          ],
        },
      },
    },
  });
  const contain = [Bidirectional, Model, TimeDistributed, exported.Functional, exported.SpectralNormalization, exported.StackedRNN];
  const config = { name: 'x', own: [1], pattern: 'b t -> b t' };
  for (const Class of /** @type {any[]} */ (Object.values(exported)))
    if (Class.prototype instanceof Layer && !contain.includes(Class))
      assert.deepEqual(new Class(config).toJSON(), { class_name: Class.className, config });
});
