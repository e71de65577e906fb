/**
 * Operations in a graph of TensorFlow's Keras 2, compared with its answers: tests/models/keras-files/make_tf_operations.py.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createModel, UnsupportedError } from 'padless';
import { fromKeras } from 'padless/import';
import { operationOf } from '../../js/import/keras-operations.js';
import { assertClose, decode } from '../close.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../models/keras-files/', import.meta.url);
const { tensorflow, ids, outputs } = JSON.parse(readFileSync(new URL('tf-operations.json', folder), 'utf8'));

test(`TFOpLambda and SlicingOpLambda answer as TensorFlow ${tensorflow} does`, async () => {
  const model = await fromKeras(new URL('tf-operations.h5', folder), { simd });
  const got = model.run(ids);
  assert.equal(got.length, outputs.length);
  outputs.forEach((/** @type {any} */ { shape, data }, /** @type {number} */ i) => {
    assert.deepEqual(got[i].shape, shape, got[i].name);
    assertClose(got[i].data, decode(data), { unit: 1e-4, what: got[i].name });
  });
});

test('invalid sizes, indices and paddings of operations are refused when the model is created', async () => {
  for (const [called, told, message] of /** @type {[string, any, RegExp][]} */ ([
    ['split', { num_or_size_splits: [-1, 2], axis: 1 }, /Split with indices_or_sections=null/],
    ['compat.v1.gather', { indices: [0], axis: 1, batch_dims: 1 }, /Take with axis=null/],
    ['gather', { indices: ['x', 0, 0], axis: 1 }, /Take with indices that the model computes/],
    [
      'compat.v1.pad',
      {
        paddings: [
          [0, 0],
          [1, 0],
          [0, 0],
        ],
        constant_values: ['x', 0, 0],
      },
      /Pad with the argument constant_values by name/,
    ],
  ])) {
    const operation = operationOf({
      class_name: 'TFOpLambda',
      name: 'tf.op',
      config: { function: called },
      inbound_nodes: [['x', 0, 0, told]],
    });
    const input = { class_name: 'InputLayer', name: 'x', config: { name: 'x', batch_shape: [null, 6, 4] }, inbound_nodes: [] };
    const config = { name: 'm', layers: [input, operation], input_layers: [['x', 0, 0]], output_layers: [['tf.op', 0, 0]] };
    await assert.rejects(
      createModel({ architecture: { class_name: 'Functional', config }, weights: () => new Map(), kerasVersion: '2.15.0', simd }),
      (error) => error instanceof UnsupportedError && message.test(error.message),
    );
  }
});

test("arguments that a call leaves out have TensorFlow's defaults", () => {
  const all = { axis: null, keepdims: false };
  const reductions = ['sum', 'mean', 'max', 'min', 'prod', 'variance', 'std'].map((how) => [`math.reduce_${how}`, {}, all]);
  for (const [called, told, options] of /** @type {[string, any, any][]} */ ([
    ...reductions,
    ['math.argmax', {}, { axis: 0 }],
    ['nn.softmax', {}, { axis: -1 }],
    ['nn.softmax', { axis: null }, { axis: -1 }],
    ['nn.log_softmax', {}, { axis: -1 }],
    ['nn.gelu', {}, { approximate: false }],
    ['stack', {}, { axis: 0 }],
    ['squeeze', {}, { axis: null }],
    ['compat.v1.squeeze', {}, { axis: null }],
    ['split', { num_or_size_splits: 2 }, { indices_or_sections: 2, axis: 0 }],
    ['gather', { indices: ['y', 0, 0] }, { axis: 0 }],
    ['compat.v1.gather', { indices: ['y', 0, 0] }, { axis: 0 }],
    ['pad', { paddings: [[0, 1]] }, { pad_width: [[0, 1]], mode: 'constant' }],
    ['compat.v1.pad', { paddings: [[0, 1]] }, { pad_width: [[0, 1]], mode: 'constant' }],
  ])) {
    const config = { name: 'tf.op', function: called };
    const made = operationOf({ class_name: 'TFOpLambda', name: 'tf.op', config, inbound_nodes: [['x', 0, 0, told]] });
    assert.deepEqual(made.config, { ...options, name: 'tf.op' }, called);
  }
});

test('a TensorFlow operation that padless lacks, or that its file describes incompletely, is refused with its name', () => {
  /** @param {string} called @param {any} told */
  const entry = (called, told) => ({
    class_name: 'TFOpLambda',
    name: 'tf.op',
    config: { name: 'tf.op', function: called },
    inbound_nodes: [['x', 0, 0, told]],
  });
  for (const [called, told] of /** @type {[string, any][]} */ ([
    ['linalg.inv', {}],
    ['__operators__.ne', {}],
    ['math.multiply', {}],
    ['linalg.matmul', { b: ['x', 0, 0], transpose_b: true }],
  ]))
    assert.throws(
      () => operationOf(entry(called, told)),
      (error) =>
        error instanceof UnsupportedError &&
        error.message.startsWith(`tf.op: the operation ${called} of TensorFlow`) &&
        / is not supported: (build the model with .*; or )?give a layer that does the same as customLayers: /.test(error.message),
    );
});
