/**
 * A recurrent layer over an embedding looks up its input products, and has the bits of a layer that reads the embedded values.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from 'padless';
import { bits } from '../close.js';
import { countRows } from '../count-rows.js';
import { functional, input, layer as entry } from '../keras-json.js';
import { random } from '../random.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { normal, integer, weights: randomWeights } = random();

/**
 * A recurrent layer over an embedding, and the same layer over the values of that embedding.
 * @param {any} layer  Keras JSON of the recurrent layer, called `rnn`
 * @param {number} V @param {number} D
 */
async function both(layer, V, D) {
  /** @type {Map<string, import('padless/layers').Weight>} */
  const known = new Map();
  /** @param {import('padless/layers').Layer} root */
  const weights = (root) => {
    const paths = root.listWeights();
    for (const { path, spec } of paths)
      if (!known.has(path))
        known.set(path, {
          shape: spec.shape,
          data: normal(
            spec.shape.reduce((product, size) => product * size, 1),
            0.5,
          ),
        });
    return new Map(paths.map(({ path }) => [path, /** @type {import('padless/layers').Weight} */ (known.get(path))]));
  };
  /** @param {any[]} layers */
  const sequential = (layers) => ({ class_name: 'Sequential', config: { name: 'model', layers } });
  const embedding = { class_name: 'Embedding', config: { name: 'embedding', input_dim: V, output_dim: D } };
  const looked = await createModel({
    architecture: sequential([{ class_name: 'InputLayer', config: { batch_shape: [null, null] } }, embedding, layer]),
    weights,
    simd,
  });
  const read = await createModel({
    architecture: sequential([{ class_name: 'InputLayer', config: { batch_shape: [null, null, D] } }, layer]),
    weights,
    simd,
  });
  const table = /** @type {import('padless/layers').Weight} */ (known.get('embedding.embeddings')).data;
  /** @param {number[][]} rows */
  return (rows) => {
    const values = rows.map((row) => row.map((id) => table.subarray(id * D, (id + 1) * D)));
    const [a, b] = [looked.run(rows), read.run(values)];
    assert.deepEqual(
      a.map(({ data }) => bits(data)),
      b.map(({ data }) => bits(data)),
    );
    return looked.stats.memory;
  };
}

for (const class_name of ['SimpleRNN', 'GRU', 'LSTM'])
  for (const wrapped of [false, true])
    test(`${wrapped ? 'bidirectional ' : ''}${class_name} over an embedding has the bits of the layer over its values`, async () => {
      const rnn = { class_name, config: { name: 'rnn', units: 5, return_sequences: true } };
      const layer = wrapped ? { class_name: 'Bidirectional', config: { name: 'rnn', layer: rnn } } : rnn;
      const compare = await both(layer, 20, 3);
      for (let i = 0; i < 5; i++)
        compare(Array.from({ length: integer(1, 4) }, () => Array.from({ length: integer(0, 9) }, () => integer(0, 19))));
    });

test('the products of a token are computed once, also if the table holds exactly the tokens of the vocabulary', async () => {
  const V = 7;
  const model = await createModel({
    architecture: functional(
      [
        input('ids'),
        entry('Embedding', 'embedding', { input_dim: V, output_dim: 3 }, ['ids']),
        entry('GRU', 'gru', { units: 2 }, ['embedding']),
      ],
      ['ids'],
      ['gru'],
    ),
    weights: randomWeights,
    simd,
  });
  const computed = countRows(model);
  for (const ids of [[0], [1, 2, 1], [3, 4, 5], [6], [6, 5, 4, 3, 2, 1, 0]]) model.run([ids]);
  assert.equal(computed(), V);
});

test('if the table cannot hold the products of all ids, it is filled again and again, and the memory stays bounded', async () => {
  const V = 3000;
  const compare = await both({ class_name: 'LSTM', config: { name: 'rnn', units: 256 } }, V, 4);
  /** @param {number} from @param {number} count */
  const run = (from, count) => [Array.from({ length: count }, (_, i) => (from + i) % V)];
  const first = compare(run(0, V)); // more tokens than the table holds
  for (const from of [0, 1500, 100, 2900]) compare(run(from, 1500)); // fills the table, starts it again, wraps around
  assert.equal(compare(run(7, V)), first);
});

test('a layer that two embeddings share looks up the products of one and reads the values of the other', async () => {
  for (const shared of [
    entry('GRU', 'rnn', { units: 4 }, ['a'], ['b']),
    entry('Bidirectional', 'rnn', { layer: { class_name: 'LSTM', config: { units: 4 } } }, ['a'], ['b']),
  ]) {
    /** @type {Map<string, import('padless/layers').Weight>} */
    const known = new Map();
    /** @param {any[]} inputs @param {any[]} entries */
    const create = (inputs, entries) =>
      createModel({
        architecture: functional(entries, inputs, [
          ['rnn', 0, 0],
          ['rnn', 1, 0],
        ]),
        weights: (root) => {
          for (const [path, weight] of randomWeights(root, 0.5)) if (!known.has(path)) known.set(path, weight);
          return new Map(root.listWeights().map(({ path }) => [path, /** @type {any} */ (known.get(path))]));
        },
        simd,
      });
    const embeddings = ['a', 'b'].map((name) => entry('Embedding', name, { input_dim: 9, output_dim: 3 }, [`${name}-ids`]));
    const looked = await create(['a-ids', 'b-ids'], [input('a-ids'), input('b-ids'), ...embeddings, shared]);
    const read = await create(['a', 'b'], [input('a', [null, 3]), input('b', [null, 3]), shared]);
    /** @param {string} name @param {number[][]} rows */
    const values = (name, rows) => {
      const { data } = /** @type {import('padless/layers').Weight} */ (known.get(`${name}.embeddings`));
      return rows.map((row) => row.map((id) => data.subarray(3 * id, 3 * id + 3)));
    };
    for (let i = 0; i < 5; i++) {
      const [a, b] = [0, 1].map(() => [0, 1].map(() => Array.from({ length: integer(1, 9) }, () => integer(0, 8))));
      const given = { a: values('a', a), b: values('b', b) };
      const all = [looked.run({ 'a-ids': a, 'b-ids': b }), read.run(given)].map((each) => each.map(({ data }) => bits(data)));
      assert.deepEqual(all[0], all[1]);
    }
  }
});
