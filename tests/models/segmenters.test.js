/**
 * Unicode's LSTM word segmenters for Lao, Burmese and Khmer (ICU4X). The tests convert their JSON format with the public API alone.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, loadModel } from 'padless';
import { needs, sharedJson } from '../shared.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = 'models/unicode-lstm-segmenter';

/** Converts a segmenter: its vocabulary, its architecture, and the path of each matrix. @param {any} json  weights.json */
function convert({ dic, mat1, ...mats }) {
  const [V, E] = mat1.dim;
  const units = mats.mat3.dim[0];
  const lstm = { class_name: 'LSTM', config: { name: 'lstm', units, return_sequences: true } };
  const layers = [
    { class_name: 'Embedding', config: { name: 'embedding', input_dim: V + 1, output_dim: E } },
    { class_name: 'Bidirectional', config: { name: 'both', merge_mode: 'concat', layer: lstm } },
    { class_name: 'Dense', config: { name: 'dense', units: 4, activation: 'softmax' } },
  ];
  const paths = [
    'embedding.embeddings',
    ...['forward', 'backward'].flatMap((way) => ['kernel', 'recurrent_kernel', 'bias'].map((name) => `both.${way}_layer.${name}`)),
    'dense.kernel',
    'dense.bias',
  ];
  // The row after the dictionary is the unknown token. There is no row for padding, so one is added.
  const table = { dim: [V + 1, E], data: [...mat1.data, ...new Array(E).fill(0)] };
  const tensors = [table, ...Object.values(mats).filter((mat) => mat.dim)];
  return createModel({
    architecture: { class_name: 'Sequential', config: { name: 'segmenter', layers } },
    weights: () => new Map(paths.map((path, i) => [path, { shape: tensors[i].dim, data: Float32Array.from(tensors[i].data) }])),
    text: { vocabulary: [...Object.keys(dic), '', ''], unknown: V - 1, pad: V, mask: true },
    outputs: [{ name: 'bies', kind: 'tags', labels: ['B', 'I', 'E', 'S'], scheme: 'BIES' }],
    simd,
  });
}

for (const language of ['Lao', 'Burmese', 'Khmer']) {
  const name = `${language}_codepoints_exclusive_model4_heavy`;
  test(`the ${language} segmenter gives the reference's probabilities and breaks`, needs(`${folder}/golden.json`), async () => {
    const model = await convert(sharedJson(`${folder}/${name}/weights.json`));
    const cases = sharedJson(`${folder}/golden.json`).cases.filter((/** @type {any} */ each) => each.model === name);
    assert.ok(cases.length >= 5);
    // Run each text alone, all texts in one batch, and each again after saving and loading.
    const again = await loadModel(model.save(), { simd });
    const batch = model.run(cases.map((/** @type {any} */ each) => each.ids))[0];
    cases.forEach(({ ids, probs, bies, text }, b) => {
      const [{ data, shape }] = model.run([ids]);
      assert.deepEqual(shape, [1, ids.length, 4]);
      probs
        .flat()
        .forEach((p, i) => assert.ok(Math.abs(p - data[i]) <= 1e-5, `step ${Math.floor(i / 4)}: ${data[i]}, reference ${p}`));
      const T = batch.shape[1];
      assert.deepEqual(batch.data.subarray(b * T * 4, (b * T + ids.length) * 4), data);
      assert.deepEqual(again.run([ids])[0].data, data);
      const prediction = model.predict(text);
      assert.equal(prediction.tags?.map(({ label }) => label.toLowerCase()).join(''), bies);
      assert.equal(
        prediction.spans?.map(({ start, end }) => text.slice(start, end)).join(''),
        text,
        'every character is in a word',
      );
    });
  });
}
