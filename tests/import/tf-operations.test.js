/**
 * Operations in a graph of TensorFlow's Keras 2, compared with its answers: tests/models/keras-files/make_tf_operations.py.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { UnsupportedError } from 'padless';
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
