/**
 * Writes small models with random weights as TF.js saves them (NAME.json and NAME.bin), and goldens.json with its answers.
 *
 *     npm install --no-save @tensorflow/tfjs@4.22.0 && node make_models.js
 */
import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('cpu');
const { layers } = tf;
const ids = [
  [3, 1, 4, 1, 5, 9],
  [5, 3, 8, 0, 0, 0],
  [0, 0, 7, 9, 2, 10],
  [7, 0, 0, 0, 0, 0],
];
const embedding = (options = {}) => layers.embedding({ inputDim: 12, outputDim: 4, inputLength: 6, ...options });
const noise = (shape, seed) => tf.randomNormal(shape, 0, 0.5, 'float32', seed);
/** @param {tf.layers.Layer[]} list */
const sequential = (...list) => tf.sequential({ layers: list });

/** Uses an inner model twice; its layers have the default names. */
function nested() {
  const inner = tf.sequential({ name: 'reader' });
  inner.add(layers.lstm({ units: 3, inputShape: [6, 4], returnSequences: true }));
  inner.add(layers.dense({ units: 3, activation: 'tanh' }));
  const a = tf.input({ shape: [6], name: 'a' });
  const e = embedding({ name: 'e' }).apply(a);
  const y = layers
    .concatenate({ name: 'both' })
    .apply([inner.apply(e), inner.apply(layers.activation({ activation: 'relu' }).apply(e))]);
  return tf.model({ inputs: a, outputs: layers.dense({ units: 2, name: 'out' }).apply(layers.globalMaxPooling1d().apply(y)) });
}

const models = {
  'lstm-masked': sequential(
    embedding({ maskZero: true }),
    layers.lstm({ units: 5 }),
    layers.dense({ units: 3, activation: 'softmax' }),
  ),
  'bigru-sum': sequential(
    embedding(),
    layers.bidirectional({ layer: layers.gru({ units: 4, returnSequences: true }), mergeMode: 'sum' }),
    layers.bidirectional({ layer: layers.simpleRNN({ units: 3 }), mergeMode: 'concat' }),
    layers.dense({ units: 2, activation: 'hardSigmoid' }),
  ),
  conv: sequential(
    embedding(),
    layers.conv1d({ filters: 5, kernelSize: 3, padding: 'same', activation: 'relu' }),
    layers.batchNormalization(),
    layers.layerNormalization(),
    layers.timeDistributed({ layer: layers.dense({ units: 4 }) }),
    layers.globalAveragePooling1d({}),
  ),
  nested: nested(),
  // Pooling, convolutions and some activations of TF.js end the mask.
  'mask-mean': sequential(embedding({ maskZero: true }), layers.globalAveragePooling1d({}), layers.dense({ units: 2 })),
  'mask-conv': sequential(
    embedding({ maskZero: true }),
    layers.conv1d({ filters: 3, kernelSize: 2, padding: 'same' }),
    layers.lstm({ units: 3 }),
  ),
  'mask-activation': sequential(embedding({ maskZero: true }), layers.leakyReLU({ alpha: 0.2 }), layers.gru({ units: 3 })),
  'mask-kept': sequential(embedding({ maskZero: true }), layers.dense({ units: 3, activation: 'tanh' }), layers.gru({ units: 3 })),
};

const cases = [];
for (const [name, model] of Object.entries(models)) {
  model.setWeights(
    model.weights.map(({ shape, originalName }, i) =>
      /variance/.test(originalName) ? tf.randomUniform(shape, 0.5, 2, 'float32', i) : noise(shape, 100 + i),
    ),
  );
  await model.save(
    tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData, format, generatedBy, convertedBy }) => {
      const weightsManifest = [{ paths: [`${name}.bin`], weights: weightSpecs }];
      writeFileSync(`${name}.json`, JSON.stringify({ format, generatedBy, convertedBy, modelTopology, weightsManifest }));
      writeFileSync(`${name}.bin`, Buffer.from(weightData));
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  const y = model.predict(tf.tensor2d(ids, undefined, 'int32'));
  cases.push({ name, inputs: ids, shape: y.shape, data: Array.from(y.dataSync(), (value) => Number(value.toPrecision(8))) });
}
writeFileSync(
  'goldens.json',
  `{"tfjs": "${tf.version.tfjs}", "cases": [\n${cases.map((each) => JSON.stringify(each)).join(',\n')}\n]}\n`,
);
