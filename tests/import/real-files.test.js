/**
 * Published models by other authors: Nakdimon (TF.js) and textgenrnn (weights of CuDNNLSTM layers in HDF5).
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel, ModelFileError } from 'padless';
import { fromKeras, fromTfjs } from 'padless/import';
import { Layer, Dense, MaskedSoftmax, MaskedSum, Multiply } from 'padless/layers';
import { needs, sharedJson, sharedUrl } from '../shared.js';
import { functional, layer } from '../keras-json.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const nakdimon = 'models/nakdimon-tfjs/2020-04-26';

test(
  "Nakdimon's three masked Softmax heads answer the same with and without padding",
  needs(`${nakdimon}/model.json`),
  async () => {
    const model = await fromTfjs(sharedUrl(`${nakdimon}/model.json`), { simd });
    assert.deepEqual(model.readsPadding, []);
    const { cases, maxlen } = sharedJson(`${nakdimon}/golden.json`);
    assert.ok(cases.length > 0);
    for (const { ids_unpadded: ids, ...heads } of cases) {
      const alone = model.run([ids]);
      const padded = model.run([
        [...ids, ...new Array(maxlen - ids.length).fill(0)],
        [3, 4],
      ]);
      alone.forEach(({ name, shape, data }, i) => {
        assert.equal(shape[1], ids.length);
        const expected = heads[name].flat();
        assert.equal(data.length, expected.length, name);
        expected.forEach((/** @type {number} */ p, /** @type {number} */ k) =>
          assert.ok(Math.abs(p - data[k]) <= 1e-5, `${name} ${k}: ${data[k]}, reference ${p}`),
        );
        assert.deepEqual(padded[i].data.subarray(0, data.length), data);
      });
    }
    // Give all files at once, as a page does for a dropped folder; then with shards cut short or missing.
    const files = Object.fromEntries(
      ['model.json', 'group1-shard1of1.bin'].map((name) => [name, readFileSync(sharedUrl(`${nakdimon}/${name}`))]),
    );
    const [ids] = cases.map((/** @type {any} */ each) => each.ids_unpadded);
    assert.deepEqual((await fromTfjs(files, { simd })).run([ids])[0].data, model.run([ids])[0].data);
    assert.deepEqual((await loadModel(model.save(), { simd })).run([ids])[0].data, model.run([ids])[0].data);
    const shard = 'group1-shard1of1.bin';
    await assert.rejects(
      fromTfjs({ ...files, [shard]: files[shard].subarray(0, 1000) }),
      (error) =>
        error instanceof ModelFileError &&
        /group1-shard1of1\.bin: 1000 bytes, but the weights in model\.json take \d+/.test(error.message),
    );
    await assert.rejects(fromTfjs({ 'model.json': files['model.json'] }), /group1-shard1of1\.bin is missing/);
  },
);

/** textgenrnn's layer: softmax of x W over all steps, and the weighted sum. */
class AttentionWeightedAverage extends Layer {
  score = new Dense({ name: 'score', units: 1, use_bias: false });
  softmax = new MaskedSoftmax();
  weigh = new Multiply();
  sum = new MaskedSum();
  /** @override @param {any} x */
  call(x) {
    return this.sum.apply(this.weigh.apply([x, this.softmax.apply(this.score.apply(x))]));
  }
}

const textgenrnn = {
  ...functional(
    [
      layer('InputLayer', 'input', { batch_input_shape: [null, 40] }),
      layer('Embedding', 'embedding', { input_dim: 465, output_dim: 100 }, ['input']),
      layer('CuDNNLSTM', 'rnn_1', { units: 128, return_sequences: true }, ['embedding']),
      layer('CuDNNLSTM', 'rnn_2', { units: 128, return_sequences: true }, ['rnn_1']),
      layer('Concatenate', 'rnn_concat', {}, ['embedding', 'rnn_1', 'rnn_2']),
      layer('AttentionWeightedAverage', 'attention', {}, ['rnn_concat']),
      layer('Dense', 'output', { units: 465, activation: 'softmax' }, ['attention']),
    ],
    ['input'],
    ['output'],
    'textgenrnn',
  ),
  class_name: 'Model',
  keras_version: '2.1.5',
};

for (const name of ['textgenrnn_weights', 'hacker_news', 'reddit_apple_android']) {
  test(
    `${name}.hdf5, CuDNN's layout with attention as a user's layer, gives the first step's probabilities and the greedy text`,
    needs(`models/textgenrnn/${name}.hdf5`),
    async () => {
      const golden = sharedJson('models/textgenrnn/golden.json')[`${name}.hdf5`];
      /** @type {Record<string, number>} */
      const vocabulary = sharedJson('models/textgenrnn/textgenrnn_vocab.json');
      const model = await fromKeras(new TextEncoder().encode(JSON.stringify(textgenrnn)), {
        weights: sharedUrl(`models/textgenrnn/${name}.hdf5`),
        customLayers: { AttentionWeightedAverage },
        simd,
      });
      assert.deepEqual(model.readsPadding, [], 'zeros are data: nothing is masked');
      /** @param {number[]} ids */
      const next = (ids) => model.run([[...new Array(Math.max(0, 40 - ids.length)).fill(0), ...ids.slice(-40)]])[0].data;
      const first = next([vocabulary['<s>']]);
      golden.first_step_probs.forEach((/** @type {number} */ p, /** @type {number} */ i) =>
        assert.ok(Math.abs(p - first[i]) <= 1e-5, `${i}: ${first[i]}, reference ${p}`),
      );
      const words = new Map(Object.entries(vocabulary).map(([word, id]) => [id, word]));
      const expected = Object.values(golden).find((value) => typeof value === 'string');
      if (typeof expected !== 'string') return;
      const ids = [vocabulary['<s>']];
      let text = '';
      while (text.length < Math.min(20, expected.length)) {
        const probabilities = next(ids);
        const best = probabilities.indexOf(Math.max(...probabilities));
        const word = words.get(best) ?? '';
        if (word === '<s>') break;
        ids.push(best);
        text += word;
      }
      assert.equal(text, expected.slice(0, text.length));
    },
  );
}
