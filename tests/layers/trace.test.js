/**
 * model.trace: values and mask before and after each layer, and the positions that the mask changed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from 'padless';
import { functional, input, layer, sequential } from '../keras-json.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');

/** @param {any[]} layers @param {Record<string, number[]>} values */
const create = (layers, values) =>
  createModel({
    architecture: sequential(layers),
    simd,
    weights: (root) =>
      new Map(root.listWeights().map(({ path, spec: { shape } }) => [path, { shape, data: Float32Array.from(values[path]) }])),
  });

test('a trace gives for each layer, in order, values and mask before and after, and the positions that the mask changed', async () => {
  const model = await create(
    [
      ['Embedding', { name: 'embedding', input_dim: 4, output_dim: 1, mask_zero: true }],
      [
        'Bidirectional',
        {
          name: 'both',
          merge_mode: 'concat',
          layer: { class_name: 'SimpleRNN', config: { units: 1, activation: 'linear', return_sequences: true, use_bias: false } },
        },
      ],
      ['padless>MaskedMean', { name: 'mean' }],
    ],
    {
      'embedding.embeddings': [50, 1, 2, 3],
      'both.forward_layer.kernel': [1],
      'both.forward_layer.recurrent_kernel': [10],
      'both.backward_layer.kernel': [1],
      'both.backward_layer.recurrent_kernel': [10],
    },
  );
  const steps = model.trace([[1, 2, 3, 0, 0]]);
  assert.deepEqual(
    steps.map((step) => [step.path, step.layer]),
    [
      ['embedding', 'Embedding'],
      ['both', 'Bidirectional'],
      ['mean', 'padless>MaskedMean'],
    ],
  );
  const [embedding, both, mean] = steps;
  assert.deepEqual([...embedding.before[0].data], [1, 2, 3, 0, 0]);
  assert.deepEqual([...(embedding.after[0].mask ?? [])], [1, 1, 1, 0, 0]);
  assert.deepEqual([...both.before[0].data], [1, 2, 3, 0, 0]);
  // The forward states are 1, 12, 123; the backward states, from the last token on, are 3, 32, 321.
  assert.deepEqual([...both.after[0].data], [1, 321, 12, 32, 123, 3, 0, 0, 0, 0]);
  // Without the mask, zeros at padding leave the backward states of a linear cell unchanged, and forward the state continues into the padding.
  assert.deepEqual(both.changed, [[3, 4]]);
  assert.deepEqual([...mean.after[0].data].map(Math.fround), [136 / 3, 356 / 3].map(Math.fround));
  assert.deepEqual(mean.changed, [[0]]);
});

test('without padding a trace has no changed positions, and it does not affect later answers', async () => {
  const model = await create(
    [
      ['Embedding', { name: 'embedding', input_dim: 4, output_dim: 1, mask_zero: true }],
      ['padless>MaskedMax', { name: 'max' }],
    ],
    { 'embedding.embeddings': [0, -1, -2, -3] },
  );
  const before = model.run([[2, 1, 3]])[0].data;
  assert.deepEqual(
    model.trace([[2, 1, 3]]).map(({ changed }) => changed),
    [[[]], [[]]],
  );
  assert.deepEqual(model.trace([[2, 1, 3, 0]])[1].changed, [[0]]);
  assert.deepEqual(model.run([[2, 1, 3]])[0].data, before);
  assert.equal(model.heap.onApply, null);
});

test('for an embedding and for layers with several inputs, a trace also lists the positions that the mask changed', async () => {
  const model = await createModel({
    architecture: functional(
      [
        input('ids'),
        layer('Embedding', 'embedding', { input_dim: 4, output_dim: 1, mask_zero: true }, ['ids']),
        layer('Activation', 'exp', { activation: 'exponential' }, ['embedding']),
        layer('Add', 'sum', {}, ['embedding', 'exp']),
        layer('Attention', 'attention', {}, ['sum', 'embedding']),
      ],
      ['ids'],
      ['attention'],
    ),
    simd,
    weights: () => new Map([['embedding.embeddings', { shape: [4, 1], data: Float32Array.of(9, 1, 2, 3) }]]),
  });
  const changed = Object.fromEntries(model.trace([[1, 0, 3]]).map((step) => [step.path, step.changed]));
  // Without the mask, the step of padding has a row of the table, e^0, 0 + 0, and as a key of zeros a weight too small for the last query.
  assert.deepEqual(changed, { embedding: [[1]], exp: [[1]], sum: [[]], attention: [[0, 1]] });
});

test('without padding a trace has no mask where a model reads padding, and the mask of the caller where one is given', async () => {
  const model = await createModel({
    architecture: functional(
      [input('x', [null, 1]), layer('Masking', 'masking', {}, ['x']), layer('GlobalMaxPooling1D', 'max', {}, ['masking'])],
      ['x'],
      ['max'],
    ),
    kerasVersion: '3.15.1',
    simd,
    weights: () => new Map(),
  });
  assert.deepEqual(model.readsPadding, ['max']);
  const mask = (/** @type {any} */ options) => model.trace([[[1], [2]]], options)[0].before[0].mask;
  assert.equal(mask({}), null);
  assert.deepEqual(mask({ mask: [[1, 0]] }), Uint8Array.of(1, 0));
});
