/**
 * Answers of Keras 2.1.2 for single layers, from the tests of keras.js: hard_sigmoid gates, go_backwards, no bias, merge modes, state
 * between calls.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, UnsupportedError } from 'padless';
import { needs, sharedJson } from '../shared.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = 'models/keras-js-layer-vectors';
const present = !needs(`${folder}/attrs.json`).skip;
const attrs = present ? sharedJson(`${folder}/attrs.json`) : {};
const files = ['SimpleRNN', 'GRU', 'LSTM', 'Bidirectional', 'TimeDistributed', 'Embedding'];
/** @type {[string, any][]} */
const vectors = present ? files.flatMap((file) => Object.entries(sharedJson(`${folder}/${file}.json`))) : [];

test('all test vectors of keras.js are present', needs(`${folder}/attrs.json`), () => assert.equal(vectors.length, 40));

/** @param {any} vector @param {string} class_name @param {any} config */
const create = ({ input, weights }, class_name, config) =>
  createModel({
    architecture: {
      class_name: 'Sequential',
      config: {
        name: 'model',
        layers: [{ class_name, config: { name: 'layer', batch_input_shape: [null, ...input.shape], ...config } }],
      },
    },
    kerasVersion: '2.1.2',
    weights: (root) =>
      new Map(
        root.listWeights().map(({ path }, i) => [path, { shape: weights[i].shape, data: Float32Array.from(weights[i].data) }]),
      ),
    simd,
  });

/** @param {number[]} data @param {number[]} shape @returns {any} */
const nested = (data, [first, ...rest]) =>
  rest.length === 0
    ? data
    : Array.from({ length: first }, (_, i) => nested(data.slice((i * data.length) / first, ((i + 1) * data.length) / first), rest));

for (const [name, vector] of vectors) {
  const [, className] = name.split('.');
  const { input, weights, expected } = vector;
  /** @type {Record<string, any>} */
  const options = {
    Embedding: { input_dim: weights[0].shape[0], output_dim: weights[0].shape[1], mask_zero: false },
    TimeDistributed: { layer: { class_name: 'Dense', config: { units: weights[0].shape[1] } } },
  };
  if (name === 'wrappers.TimeDistributed.1') {
    test(`${name} around a Conv2D is refused, and the message names it`, async () => {
      await assert.rejects(
        create(vector, 'TimeDistributed', { layer: { class_name: 'Conv2D', config: {} } }),
        says(UnsupportedError, /layer: class Conv2D is not one of/),
      );
    });
    continue;
  }
  test(`${name} answers as Keras 2.1.2 does`, async () => {
    const config = attrs[name] ?? options[className];
    const model = await create(vector, className, config);
    const rows = [nested(input.data, input.shape)];
    let [{ data }] = model.run(rows);
    // For layers with a state, the answers of the second call are stored.
    if (config.stateful) {
      const first = data;
      [{ data }] = model.run(rows);
      model.resetState();
      assert.deepEqual(model.run(rows)[0].data, first);
    }
    assert.equal(data.length, expected.data.length);
    expected.data.forEach((/** @type {number} */ value, /** @type {number} */ i) =>
      assert.ok(Math.abs(value - data[i]) <= 1e-5, `element ${i}: ${data[i]}, Keras has ${value}`),
    );
  });
}
