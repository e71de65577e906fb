/**
 * CRF layers of TensorFlow Addons, compared with its answers (tests/models/old-keras/make_crfs.py), and of keras_contrib, compared with sums over all
 * paths, because no package registry has keras_contrib.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createModel, loadModel, ModelFileError, ShapeError, UnsupportedError } from 'padless';
import { fromKeras } from 'padless/import';
import { Layer } from 'padless/layers';
import { readCrfs } from '../../js/import/crf.js';
import '../guarded-heap.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { normal, integer } = random();
const stored = gunzipSync(readFileSync(new URL('../models/old-keras/crfs.json.gz', import.meta.url))).toString();
const { addons, ids, cases } = JSON.parse(stored);

/** Features of each step, more than tags. */
const D = 4;

/** The tag with the highest score at each step. @param {import('padless').OutputTensor} output */
const tagsOf = ({ shape: [, , K], data }) =>
  Array.from({ length: data.length / K }, (_, i) => {
    const row = data.subarray(i * K, (i + 1) * K);
    return row.indexOf(Math.max(...row));
  });

for (const { file, tags, bytes } of cases)
  test(`${file} gives the tags of TensorFlow Addons ${addons}`, async () => {
    const model = await fromKeras(Uint8Array.from(Buffer.from(bytes, 'base64')), { simd });
    const again = await loadModel(model.save(), { simd });
    for (const each of [model, again]) {
      const found = tagsOf(each.run(ids)[0]);
      const counts = (/** @type {number} */ i) => file.startsWith('unmasked') || ids.flat()[i] !== 0;
      tags
        .flat()
        .forEach((/** @type {number} */ tag, /** @type {number} */ i) => counts(i) && assert.equal(found[i], tag, `step ${i}`));
    }
    if (file.startsWith('unmasked')) return;
    assert.throws(
      () => model.run([[0, 1, 2]]),
      says(ShapeError, /row 0 has padding before steps that count; the CRF of TensorFlow Addons/),
    );
  });

/** All paths of T steps over K tags. @param {number} T @param {number} K @returns {number[][]} */
const paths = (T, K) => (T === 0 ? [[]] : paths(T - 1, K).flatMap((path) => Array.from({ length: K }, (_, k) => [...path, k])));

/**
 * A model of one CRF over scores, and its weights.
 * @param {string} name
 * @param {any} config
 * @param {boolean} masked
 */
async function single(name, config, masked) {
  const K = 3;
  /** @type {Map<string, any>} */
  const weights = new Map();
  const layers = [
    { class_name: 'InputLayer', config: { batch_shape: [null, null, D] } },
    ...(masked ? [{ class_name: 'Masking', config: { name: 'masking' } }] : []),
    { class_name: name, config: { name: 'crf', units: K, ...config } },
  ];
  const model = await createModel({
    architecture: { class_name: 'Sequential', config: { layers } },
    kerasVersion: '2.15.0',
    weights: (root) => {
      for (const { path, spec } of root.listWeights())
        weights.set(path, {
          shape: spec.shape,
          data: normal(
            spec.shape.reduce((a, b) => a * b, 1),
            1,
          ),
        });
      return weights;
    },
    simd,
  });
  /** @param {string} weight @returns {Float32Array | undefined} */
  const of = (weight) => weights.get(`crf.${weight}`)?.data;
  const chain = /** @type {Float32Array} */ (of('chain_kernel'));
  /** Scores of each step before the CRF. @param {number[][]} row @param {string} at */
  const dense = (row, at) =>
    row.map((x) =>
      Array.from({ length: K }, (_, k) =>
        x.reduce((sum, value, d) => sum + value * Number(of(`${at}kernel`)?.[d * K + k]), of(`${at}bias`)?.[k] ?? 0),
      ),
    );
  return { model, K, chain, left: of('left_boundary'), right: of('right_boundary'), dense };
}

/** @param {number} T */
const values = (T) => Array.from({ length: T }, () => [...normal(D, 1)]);
/** @param {number[][]} row @param {number} front @param {number} behind */
const withZeros = (row, front, behind) => [
  ...Array.from({ length: front }, () => new Array(D).fill(0)),
  ...row,
  ...Array.from({ length: behind }, () => new Array(D).fill(0)),
];

for (const [masked, boundary] of [
  [true, true],
  [true, false],
  [false, true],
])
  // prettier-ignore
  test(`TensorFlow Addons: the tags are the best of all paths; ${masked ? 'mask' : 'no mask'}, ${boundary ? '' : 'no '}boundaries`, async () => {
    const { model, K, chain, left, right, dense } = await single('padless>AddonsCRF', { use_boundary: boundary }, masked);
    for (let n = 0; n < 10; n++) {
      const row = values(integer(1, 5));
      const scores = dense(row, 'dense_layer.');
      const T = row.length;
      const sums = paths(T, K).map((path) => ({
        path,
        sum:
          path.reduce((sum, k, t) => sum + scores[t][k] + (t ? chain[path[t - 1] * K + k] : 0), 0) +
          (left?.[path[0]] ?? 0) +
          (right?.[path[T - 1]] ?? 0),
      }));
      const best = sums.reduce((a, b) => (b.sum > a.sum ? b : a));
      const [output] = model.run([masked ? withZeros(row, 0, 3) : row]);
      assert.deepEqual(tagsOf(output).slice(0, T), best.path);
    }
  });

const options = { test_mode: 'viterbi', learn_mode: 'join', use_boundary: true };
/** @type {[string, any][]} */
const kinds = [
  ['padless>AddonsCRF', {}],
  ['padless>ContribCRF', options],
  ['padless>ContribCRF', { ...options, test_mode: 'marginal' }],
];
for (const [name, config] of kinds)
  test(`${name} ${config.test_mode ?? ''}: rows of different lengths in one batch have the answers that each has alone`, async () => {
    const { model, K } = await single(name, config, true);
    const rows = [3, 1, 5, 2].map(values);
    const [{ data }] = model.run(rows.map((row) => withZeros(row, 0, 5 - row.length)));
    rows.forEach((row, b) => assert.deepEqual(data.slice(5 * b * K, (5 * b + row.length) * K), model.run([row])[0].data));
  });

for (const [masked, boundary, activation] of [
  [true, true, 'linear'],
  [true, false, 'tanh'],
  [false, true, 'linear'],
  [false, false, 'sigmoid'],
])
  // prettier-ignore
  test(`keras_contrib: the tags are the path of lowest energy; ${masked ? 'mask' : 'no mask'}, ${boundary ? '' : 'no '}boundaries`, async () => {
    const config = { ...options, use_boundary: boundary, activation };
    const { model, K, chain, left, right, dense } = await single('padless>ContribCRF', config, /** @type {boolean} */ (masked));
    const act = (/** @type {number} */ x) => (activation === 'tanh' ? Math.tanh(x) : activation === 'sigmoid' ? 1 / (1 + Math.exp(-x)) : x);
    for (let n = 0; n < 10; n++) {
      const row = values(integer(1, 5));
      const T = row.length;
      const energies = dense(row, '').map((step) => step.map(act));
      const sums = paths(T, K).map((path) => ({
        path,
        sum:
          path.reduce((sum, k, t) => sum + energies[t][k] + (t ? chain[path[t - 1] * K + k] : 0), 0) +
          (left?.[path[0]] ?? 0) +
          // With a mask, keras_contrib compares the mask the wrong way round, and so never finds the last step.
          (masked ? 0 : (right?.[path[T - 1]] ?? 0)),
      }));
      // Without a mask, keras_contrib adds a transition after the last step: first to tag 0, then to the last tag of the path that this gives.
      /** @param {number} next */
      const bestBefore = (next) =>
        sums.reduce((a, b) => (b.sum + chain[b.path[T - 1] * K + next] < a.sum + chain[a.path[T - 1] * K + next] ? b : a)).path;
      const best = masked ? sums.reduce((a, b) => (b.sum < a.sum ? b : a)).path : bestBefore(bestBefore(0)[T - 1]);
      const front = masked ? integer(0, 2) : 0;
      const [output] = model.run([masked ? withZeros(row, front, integer(0, 2)) : row]);
      assert.deepEqual(tagsOf(output).slice(front, front + T), best);
      assert.ok(output.data.every((value) => value === 0 || value === 1));
    }
  });

for (const masked of [true, false])
  test(`keras_contrib, test_mode marginal: it sums over all paths before and after each step; ${masked ? 'mask' : 'no mask'}`, async () => {
    const config = { ...options, learn_mode: 'marginal', test_mode: 'marginal' };
    const { model, K, chain, left, right, dense } = await single('padless>ContribCRF', config, masked);
    for (let n = 0; n < 10; n++) {
      const row = values(integer(1, 5));
      const T = row.length;
      const energies = dense(row, '').map((step, t) =>
        step.map((value, k) => value + (t === 0 ? Number(left?.[k]) : 0) + (t === T - 1 && !masked ? Number(right?.[k]) : 0)),
      );
      /** The sum of exp(-energy) over all tags of the steps before t, with tag k at step t. @param {number} t @param {number} k */
      const front = (t, k) =>
        paths(t, K).reduce((sum, path) => {
          const whole = [...path, k];
          return (
            sum +
            Math.exp(-whole.reduce((e, tag, i) => e + (i < t ? energies[i][tag] : 0) + (i ? chain[whole[i - 1] * K + tag] : 0), 0))
          );
        }, 0);
      // For the steps after t, keras_contrib goes backwards without transposing the chain kernel: it uses transitions from the later tag to the
      // earlier one.
      const behind = (/** @type {number} */ t, /** @type {number} */ k) =>
        paths(T - 1 - t, K).reduce((sum, path) => {
          const whole = [k, ...path];
          return (
            sum + Math.exp(-whole.reduce((e, tag, i) => e + (i ? energies[t + i][tag] + chain[tag * K + whole[i - 1]] : 0), 0))
          );
        }, 0);
      const [{ data }] = model.run([masked ? withZeros(row, 1, 2) : row]);
      for (let t = 0; t < T; t++) {
        const each = Array.from({ length: K }, (_, k) => front(t, k) * behind(t, k) * Math.exp(-energies[t][k]));
        const sum = each.reduce((a, b) => a + b, 0);
        each.forEach((value, k) => {
          const got = data[(t + Number(masked)) * K + k];
          assert.ok(Math.abs(got - value / sum) < 1e-5, `step ${t}, tag ${k}: ${got}, expected ${value / sum}`);
        });
      }
    }
  });

test('a CRF has a bias and boundaries unless its options say otherwise', async () => {
  const bounds = ['crf.left_boundary', 'crf.right_boundary'];
  /** @type {[string, any, string[]][]} */
  const layers = [
    ['padless>ContribCRF', {}, ['crf.kernel', 'crf.chain_kernel', 'crf.bias', ...bounds]],
    ['padless>ContribCRF', { use_bias: false }, ['crf.kernel', 'crf.chain_kernel', ...bounds]],
    ['padless>ContribCRF', { use_boundary: false }, ['crf.kernel', 'crf.chain_kernel', 'crf.bias']],
    ['padless>AddonsCRF', {}, ['crf.chain_kernel', ...bounds, 'crf.dense_layer.kernel', 'crf.dense_layer.bias']],
    ['padless>AddonsCRF', { use_boundary: false }, ['crf.chain_kernel', 'crf.dense_layer.kernel', 'crf.dense_layer.bias']],
  ];
  for (const [name, config, expected] of layers) {
    const { model } = await single(name, config, true);
    assert.deepEqual(model.root.listWeights().map(({ path }) => path), expected); // prettier-ignore
  }
});

test('keras_contrib: padding between steps is refused', async () => {
  const { model } = await single('padless>ContribCRF', options, true);
  const row = [...withZeros(values(2), 0, 1), ...values(1)];
  assert.throws(
    () => model.run([row]),
    says(ShapeError, /^crf: row 0 has padding between steps that count, where the CRF of keras_contrib would begin a new path/),
  );
});

const contrib = {
  class_name: 'CRF',
  config: {
    name: 'crf',
    units: 3,
    learn_mode: 'join',
    test_mode: 'viterbi',
    use_boundary: true,
    sparse_target: true,
    chain_initializer: {},
  },
};
/** @param {any[]} layers */
const sequential = (...layers) => ({ class_name: 'Sequential', config: { layers } });

test('a CRF is read as that of keras_contrib only if it has its options', () => {
  const [{ class_name: name }] = readCrfs(sequential(contrib), null).architecture.config.layers;
  assert.equal(name, 'padless>ContribCRF');
  const config = { ...contrib.config, learn_mode: undefined };
  for (const other of [
    { ...contrib, config },
    { ...contrib, module: 'my.layers' },
    { ...contrib, registered_name: 'mine>CRF' },
  ])
    assert.equal(readCrfs(sequential(other), null).architecture.config.layers[0], other);
  assert.equal(readCrfs(sequential(contrib), null, { CRF: Layer }).architecture.config.layers[0], contrib);
});

test('a CRF of TensorFlow Addons whose tags are used inside the model, or whose other outputs are, is refused with its name', () => {
  const crf = { class_name: 'Addons>CRF', config: { name: 'crf', units: 3 }, name: 'crf', inbound_nodes: [[['x', 0, 0, {}]]] };
  const dense = { class_name: 'Dense', config: { name: 'd', units: 3 }, name: 'd', inbound_nodes: [[['crf', 0, 0, {}]]] };
  const read = (/** @type {any} */ json) => () => readCrfs(json, null);
  // The layers of a Sequential have neither names beside their configs nor inbound nodes.
  const inOrder = (/** @type {any[]} */ ...list) => sequential(...list.map(({ class_name, config }) => ({ class_name, config })));
  assert.throws(read(inOrder(crf, dense)), says(UnsupportedError, /^crf: a layer reads the output of TensorFlow Addons's CRF/));
  assert.doesNotThrow(read(inOrder(dense, crf)));
  const graph = (/** @type {any[]} */ layers, /** @type {any[]} */ outputs) => ({
    class_name: 'Functional',
    config: { layers, output_layers: outputs },
  });
  assert.throws(read(graph([crf, dense], [['d', 0, 0]])), says(UnsupportedError, /^crf: a layer reads the output/));
  const beside = { ...dense, inbound_nodes: [[['x', 0, 0, {}]]] };
  assert.doesNotThrow(read(graph([crf, beside], [['crf', 0, 0], ['d', 0, 0]]))); // prettier-ignore
  assert.throws(read(graph([crf], [['crf', 0, 0], ['crf', 0, 1]])), says(UnsupportedError, /^crf: output 1 of TensorFlow Addons's CRF/)); // prettier-ignore
  assert.throws(read(sequential(sequential(crf))), says(UnsupportedError, /^crf: .* in a model inside a model/));
  assert.throws(
    read({ class_name: 'Addons>CRFModelWrapper', config: {} }),
    says(ModelFileError, /^CRFModelWrapper: base_model has no layers/),
  );
});
