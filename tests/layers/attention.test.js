/**
 * Attention scores: the weight of each key for a query, if the model removes padding before it computes, and if it keeps padding in place.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, UnsupportedError } from 'padless';
import '../guarded-heap.js';
import { functional, input, layer } from '../keras-json.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { seed } = random();
const rows = [
  [3, 1, 4, 1],
  [0, 5, 0, 2],
  [6, 0, 0, 0],
];

/**
 * ids -> embedding -> attention with its scores.
 * @param {string} class_name @param {any} config @param {boolean} causal
 * @param {string} kerasVersion  '': masks select; else a convolution beside it makes the mask stay in place
 */
function create(class_name, config, causal, kerasVersion) {
  const e = ['e', 0, 0];
  const several = class_name === 'Attention';
  const called = { return_attention_scores: true, use_causal_mask: causal, ...(several ? {} : { value: e }) };
  const layers = [
    { class_name: 'InputLayer', name: 'ids', config: { name: 'ids', batch_input_shape: [null, null] }, inbound_nodes: [] },
    {
      class_name: 'Embedding',
      name: 'e',
      config: { name: 'e', input_dim: 7, output_dim: 4, mask_zero: true },
      inbound_nodes: [[['ids', 0, 0, {}]]],
    },
    {
      class_name,
      name: 'a',
      config: { ...config, name: 'a' },
      inbound_nodes: [[['e', 0, 0, called], ...(several ? [['e', 0, 0, called]] : [])]],
    },
    { class_name: 'Conv1D', name: 'c', config: { name: 'c', filters: 1, kernel_size: 1 }, inbound_nodes: [[['e', 0, 0, {}]]] },
  ];
  const output_layers = [
    ['a', 0, 0],
    ['a', 0, 1],
    ['c', 0, 0],
  ];
  return createModel({
    architecture: { class_name: 'Functional', config: { name: 'model', layers, input_layers: [['ids', 0, 0]], output_layers } },
    weights: random(seed).weights,
    kerasVersion,
    simd,
  });
}

for (const causal of [false, true])
  for (const [class_name, config, heads] of /** @type {[string, any, number][]} */ ([
    ['Attention', {}, 1],
    ['MultiHeadAttention', { num_heads: 3, key_dim: 2 }, 3],
  ]))
    test(`scores of ${causal ? 'causal ' : ''}${class_name} sum to 1 over the keys that count and are 0 elsewhere`, async () => {
      const select = await create(class_name, config, causal, '');
      const [y, scores] = select.run(rows);
      assert.ok(!select.padded);
      const stays = await create(class_name, config, causal, '3.15.1');
      assert.ok(stays.padded);
      const [again, inPlace] = stays.run(rows);
      assert.deepEqual(again, y);
      // In Keras, the scores of Attention carry no mask, so the scores of queries at padding are values, too.
      if (class_name === 'Attention')
        rows.flat().forEach((query, i) => query === 0 && scores.data.set(inPlace.data.subarray(4 * i, 4 * i + 4).fill(0), 4 * i));
      assert.deepEqual(inPlace, scores);
      assert.deepEqual(scores.shape, heads > 1 ? [3, heads, 4, 4] : [3, 4, 4]);
      rows.forEach((row, b) => {
        for (let h = 0; h < heads; h++)
          row.forEach((query, i) => {
            const at = ((b * heads + h) * 4 + i) * 4;
            const seen = scores.data.subarray(at, at + 4);
            const sees = row.map((key, j) => query !== 0 && key !== 0 && (!causal || j <= i));
            sees.forEach((does, j) => assert.ok(does ? seen[j] > 0 : Object.is(seen[j], 0), `${b} ${h} ${i} ${j}: ${seen[j]}`));
            const sum = seen.reduce((total, value) => total + value, 0);
            assert.ok(Math.abs(sum - Number(query !== 0)) < 1e-6, String(sum));
          });
      });
      // A text has the same bits alone, without padding.
      const [, { data, shape }] = select.run([[5, 2]]);
      assert.deepEqual(shape.slice(-2), [2, 2]);
      for (let h = 0; h < heads; h++)
        [0, 1].forEach((i) =>
          [0, 1].forEach((j) =>
            assert.ok(Object.is(data[(h * 2 + i) * 2 + j], scores.data[((heads + h) * 4 + 2 * i + 1) * 4 + 2 * j + 1])),
          ),
        );
    });

test('a query that is padding gives each key the same score in files of Keras before 3.10, and 0 in later ones', async () => {
  const config = { num_heads: 3, key_dim: 2 };
  for (const causal of [false, true]) {
    const [, { data: expected }] = (await create('MultiHeadAttention', config, causal, '3.10.0')).run(rows);
    rows.flat().forEach((query, i) => query === 0 && [0, 1, 2].forEach((h) => expected.fill(1 / 4, at(i, h), at(i, h) + 4)));
    for (const version of ['3.9.2', '3.5.0', '2.15.0'])
      assert.deepEqual((await create('MultiHeadAttention', config, causal, version)).run(rows)[1].data, expected, version);
  }
  await assert.rejects(
    create('MultiHeadAttention', config, false, '3'),
    says(UnsupportedError, /^a: the scores of a query that is padding changed with Keras 3\.10, .*: give kerasVersion/),
  );
});

test('MultiHeadAttention of Keras before 2.10 ignores masks: padding is as any other step, and its output has no mask', async () => {
  const config = { num_heads: 3, key_dim: 2 };
  const mask = rows.map((row) => row.map(() => 1));
  const expected = (await create('MultiHeadAttention', config, false, '2.10.0')).run(rows, { mask });
  const model = await create('MultiHeadAttention', config, false, '2.9.0');
  assert.deepEqual(model.run(rows), expected);
  await assert.rejects(
    create('MultiHeadAttention', config, false, '2'),
    says(UnsupportedError, /^a: MultiHeadAttention uses masks from Keras 2\.10 on, .*: give kerasVersion/),
  );
});

/** Where the scores of query i of all rows begin in head h of 3. @param {number} i @param {number} h */
const at = (i, h) => ((Math.floor(i / 4) * 3 + h) * 4 + (i % 4)) * 4;

/** ids -> embedding -> two attention layers that both read the embedding, in the order of `kinds`. @param {string[]} kinds @param {string} kerasVersion */
function both(kinds, kerasVersion) {
  const e = ['e', 0, 0];
  const layers = [
    { class_name: 'InputLayer', name: 'ids', config: { name: 'ids', batch_input_shape: [null, null] }, inbound_nodes: [] },
    {
      class_name: 'Embedding',
      name: 'e',
      config: { name: 'e', input_dim: 7, output_dim: 4, mask_zero: true },
      inbound_nodes: [[['ids', 0, 0, {}]]],
    },
    ...kinds.map((class_name, i) => ({
      class_name,
      name: `a${i}`,
      config: { name: `a${i}`, num_heads: 1, key_dim: 2 },
      inbound_nodes: [class_name === 'Attention' ? [e, e] : [[...e, { value: e }]]],
    })),
  ];
  const output_layers = kinds.map((_, i) => [`a${i}`, 0, 0]);
  return createModel({
    architecture: { class_name: 'Functional', config: { name: 'model', layers, input_layers: [['ids', 0, 0]], output_layers } },
    weights: random(seed).weights,
    kerasVersion,
    simd,
  });
}

for (const kinds of [
  ['Attention', 'MultiHeadAttention'],
  ['MultiHeadAttention', 'Attention'],
  ['MultiHeadAttention', 'MultiHeadAttention'],
])
  test(`${kinds.join(' and ')} over one masked sequence are refused for Keras versions in which the first removes the mask`, async () => {
    await assert.rejects(both(kinds, '3.15.1'), /^UnsupportedError: a\d: \w+ reads padding in Keras, as a\d removes the mask/);
    for (const version of ['', '2.15.0', '3.6.0']) assert.equal((await both(kinds, version)).run(rows).length, 2);
  });

test("for Keras's models, causal attention between sequences with different masks is refused", async () => {
  for (const [Class, more] of /** @type {[string, any][]} */ ([
    ['MultiHeadAttention', { num_heads: 1, key_dim: 2 }],
    ['Attention', {}],
  ])) {
    // prettier-ignore
    const names = ['query', 'value'];
    const embeddings = names.flatMap((name) => [
      input(`${name}-ids`, [3]),
      layer('Embedding', name, { input_dim: 9, output_dim: 3, mask_zero: true }, [`${name}-ids`]),
    ]);
    const several = Class === 'Attention';
    const attention = layer(Class, 'attention', more, several ? names : ['query']);
    attention.inbound_nodes[0][0][3] = { use_causal_mask: true, ...(several ? {} : { value: ['value', 0, 0] }) };
    const maximum = layer('GlobalMaxPooling1D', 'max', {}, ['value']);
    const model = await createModel({
      architecture: functional([...embeddings, maximum, attention], ['query-ids', 'value-ids'], ['max', 'attention']),
      weights: random(seed).weights,
      kerasVersion: '3.6.0',
      simd,
    });
    assert.throws(
      () => model.run({ 'query-ids': [[1, 2, 0]], 'value-ids': [[3, 0, 0]] }),
      says(UnsupportedError, /^causal attention between sequences with different masks is not supported$/),
    );
  }
});

test("for Keras's models, the mask of the values alone counts: keys with another mask are attended to where values are", async () => {
  for (const Class of ['Attention', 'AdditiveAttention']) {
    /** @type {Map<string, any>} */
    const known = new Map();
    /** @param {boolean} maskedKeys */
    const made = (maskedKeys) => {
      const names = ['query', 'value', 'key'];
      const embedding = (/** @type {string} */ name) => ({ input_dim: 9, output_dim: 3, mask_zero: name !== 'key' || maskedKeys });
      return createModel({
        architecture: functional(
          [
            ...names.flatMap((name) => [input(`${name}-ids`, [4]), layer('Embedding', name, embedding(name), [`${name}-ids`])]),
            layer(Class, 'attention', {}, names),
          ],
          names.map((name) => `${name}-ids`),
          ['attention'],
        ),
        weights: (root) => {
          for (const [path, weight] of random(seed).weights(root)) if (!known.has(path)) known.set(path, weight);
          return known;
        },
        kerasVersion: '3.15.1',
        simd,
      });
    };
    const given = { 'query-ids': [[1, 2, 0, 0]], 'value-ids': [[3, 4, 5, 0]], 'key-ids': [[6, 0, 7, 8]] }; // prettier-ignore
    const [one, other] = [(await made(true)).run(given)[0], (await made(false)).run(given)[0]];
    assert.ok(one.data.slice(0, 6).every((value) => value !== 0));
    assert.deepEqual(one.data.slice(0, 6), other.data.slice(0, 6), Class);
  }
});
