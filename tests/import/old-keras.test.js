/**
 * Files of Keras 1.2, Keras 2.2 and TensorFlow's Keras 2.21, compared with their answers: tests/models/old-keras/make_models.py says which models.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { UnsupportedError } from 'padless';
import { fromKeras } from 'padless/import';
import { modernKeras } from '../../js/import/keras.js';
import { assertClose } from '../close.js';
import '../guarded-heap.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../models/old-keras/', import.meta.url);

for (const goldens of readdirSync(folder).filter((file) => /^goldens-.*\.json$/.test(file))) {
  const { keras, backend, cases } = JSON.parse(readFileSync(new URL(goldens, folder), 'utf8'));
  for (const { name, file, weights, inputs, shape, data, refused } of cases) {
    const load = () => fromKeras(new URL(file, folder), { weights: weights ? new URL(weights, folder) : undefined, simd });
    if (refused) {
      test(`${name} is refused, and the message says why`, () =>
        assert.rejects(load(), (error) => error instanceof UnsupportedError && error.message.includes(refused)));
      continue;
    }
    test(`${name} answers as Keras ${keras} on ${backend} does`, async () => {
      const model = await load();
      const [output] = model.run(inputs);
      assert.deepEqual(output.shape, shape);
      assertClose(output.data, data, { unit: 1e-5, what: `${name} [${shape}]` });
    });
  }
}

test('the default of recurrent_activation is hard_sigmoid before Keras 2.3, and sigmoid in TensorFlow', () => {
  for (const [version, expected] of [
    ['1.2.2', 'hard_sigmoid'],
    ['2.2.5', 'hard_sigmoid'],
    ['2.2.4-tf', 'sigmoid'],
    ['2.3.0', 'sigmoid'],
    ['2.4.0', 'sigmoid'],
    ['2.15.0', 'sigmoid'],
  ])
    for (const class_name of ['LSTM', 'GRU']) {
      const { config } = modernKeras({ class_name, config: { name: 'rnn', units: 2 } }, version);
      assert.equal(config.recurrent_activation, expected, `${class_name} of ${version}`);
      const given = { name: 'rnn', units: 2, recurrent_activation: 'relu' };
      assert.equal(modernKeras({ class_name, config: given }, version).config.recurrent_activation, 'relu');
    }
});

test('BatchNormalization of Keras 1 is read if its mode is 0, and otherwise refused by its name', () => {
  const of = (/** @type {any} */ more) =>
    modernKeras({ class_name: 'BatchNormalization', config: { name: 'norm', ...more } }, '1.2.2');
  for (const more of [{}, { mode: 0 }]) assert.equal(of(more).config.name, 'norm');
  assert.throws(() => of({ mode: 2 }), says(UnsupportedError, /^norm: BatchNormalization has mode=2 of Keras 1; padless has 0$/));
});

test('the first call of a nested model is node 1 if the file numbers its creation as node 0, and node 0 otherwise', () => {
  const input = { class_name: 'InputLayer', name: 'x', config: { name: 'x' }, inbound_nodes: [] };
  /** @param {number} calls @param {number} node  that the output is @returns {number} the number after conversion */
  const converted = (calls, node) => {
    const inner = { name: 'inner', layers: [input], input_layers: [['x', 0, 0]], output_layers: [['x', 0, 0]] };
    const nested = { class_name: 'Model', name: 'nested', config: inner, inbound_nodes: Array(calls).fill([['x', 0, 0, {}]]) };
    const config = { name: 'outer', layers: [input, nested], input_layers: [['x', 0, 0]], output_layers: [['nested', node, 0]] };
    return modernKeras({ class_name: 'Model', config }, '2.2.4').config.output_layers[0][1];
  };
  for (const [calls, node, expected] of [[1, 0, 0], [1, 1, 0], [2, 2, 1], [2, 1, 1], [2, 0, 0]]) assert.equal(converted(calls, node), expected, `${calls} ${node}`); // prettier-ignore
});
