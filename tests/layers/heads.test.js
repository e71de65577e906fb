/**
 * Outputs: tags of a CRF, spans, several heads at once, and metrics that skip padding.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgumentError, createModel, IdError, init } from 'padless';
import { evaluate, parseExamples } from '../../js/tools/evaluate.js';
import { spansOf } from '../../js/model/spans.js';
import '../guarded-heap.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { weights } = random();

/** @param {any} architecture @param {any} [more] */
const create = (architecture, more = {}) => createModel({ architecture, simd, weights, ...more });

/** @param {string} class_name @param {string} name @param {any} [config] */
const layer = (class_name, name, config = {}) => ({ class_name, config: { name, ...config } });
/** @param {...any} layers */
const sequential = (...layers) => ({ class_name: 'Sequential', config: { name: 'model', layers } });
const embedding = layer('Embedding', 'embedding', { input_dim: 6, output_dim: 3, mask_zero: true });

test('a CRF returns the best of all paths, its score, and marginals that sum to 1', async () => {
  const K = 3;
  const model = await create(sequential(embedding, layer('padless>CRF', 'crf', { return_score: true })));
  const [transitions, start, end, table] = ['transitions', 'start', 'end', 'embeddings'].map((name) => {
    const found = model.root.listWeights().find(({ spec }) => spec.name === name);
    return /** @type {Float32Array} */ (found?.layer.weight(name).data);
  });
  const ids = [2, 5, 1, 3];
  let best = { score: -Infinity, path: [0] };
  let total = 0;
  const marginal = ids.map(() => [0, 0, 0]);
  for (let code = 0; code < K ** ids.length; code++) {
    const path = ids.map((_, t) => Math.floor(code / K ** t) % K);
    const score = path.reduce(
      (sum, k, t) =>
        sum + table[ids[t] * K + k] + (t ? transitions[path[t - 1] * K + k] : start[k]) + (t === ids.length - 1 ? end[k] : 0),
      0,
    );
    if (score > best.score) best = { score, path };
    total += Math.exp(score);
    path.forEach((k, t) => (marginal[t][k] += Math.exp(score)));
  }
  const [tags, score] = model.run([[0, 2, 5, 0, 1, 3, 0]]);
  const rows = [1, 2, 4, 5].map((t) => [...tags.data.subarray(t * K, (t + 1) * K)]);
  assert.deepEqual(
    rows.map((row) => row.indexOf(Math.max(...row))),
    best.path,
  );
  rows.forEach((row, t) => {
    assert.ok(Math.abs(row[best.path[t]] - marginal[t][best.path[t]] / total) < 1e-5);
    assert.equal(row.filter((value) => value !== 0).length, 1);
  });
  assert.ok(Math.abs(score.data[0] - best.score) < 1e-5);
  const all = await create(sequential(embedding, layer('padless>CRF', 'crf', { decode: 'marginals' })));
  const [{ data }] = all.run([[4, 2]]);
  for (const t of [0, 1]) assert.ok(Math.abs(data[3 * t] + data[3 * t + 1] + data[3 * t + 2] - 1) < 1e-6);
});

test('spans are read from BIO, BIES and BMES tags, also if the first tag of a span is missing', () => {
  /** @param {string} tags */
  const read = (tags) =>
    spansOf(tags.split(' ').map((label, t) => ({ label, score: 1, start: 2 * t, end: 2 * t + 1 }))).map(
      ({ label, start, end }) => `${label}:${start}-${end}`,
    );
  assert.deepEqual(read('B-PER I-PER O B-LOC B-LOC'), ['PER:0-3', 'LOC:6-7', 'LOC:8-9']);
  assert.deepEqual(read('I-PER I-LOC O I-LOC'), ['PER:0-1', 'LOC:2-3', 'LOC:6-7']);
  assert.deepEqual(read('B-PER E-PER S-PER I-PER'), ['PER:0-3', 'PER:4-5', 'PER:6-7']);
  assert.deepEqual(read('B M E S S B E'), [':0-5', ':6-7', ':8-9', ':10-13']);
  assert.deepEqual(read('O O'), []);
});

test('a model with several heads answers with all of them, by name', async () => {
  /** @param {string} name @param {string} from */
  const node = (name, from) => ({ inbound_nodes: [[[from, 0, 0, {}]]], name });
  const model = await create(
    {
      class_name: 'Functional',
      config: {
        name: 'model',
        layers: [
          { ...layer('InputLayer', 'ids', { batch_shape: [null, null] }), name: 'ids', inbound_nodes: [] },
          { ...embedding, ...node('embedding', 'ids') },
          { ...layer('Dense', 'tags', { units: 2, activation: 'softmax' }), ...node('tags', 'embedding') },
          { ...layer('GlobalAveragePooling1D', 'mean'), ...node('mean', 'embedding') },
          { ...layer('Dense', 'topic', { units: 3, activation: 'softmax' }), ...node('topic', 'mean') },
        ],
        input_layers: [['ids', 0, 0]],
        output_layers: [
          ['tags', 0, 0],
          ['topic', 0, 0],
        ],
      },
    },
    {
      text: { vocabulary: ['', '', 'a', 'b', 'c', 'd'] },
      outputs: [
        { name: 'tags', kind: 'tags', labels: ['B-X', 'I-X'], scheme: 'BIO' },
        { name: 'topic', kind: 'class', labels: ['x', 'y', 'z'] },
      ],
    },
  );
  const { outputs, tokens, truncated } = model.predict('abxd');
  assert.deepEqual({ tokens, truncated }, { tokens: 4, truncated: false });
  assert.deepEqual(Object.keys(outputs ?? {}), ['tags', 'topic']);
  assert.deepEqual(
    outputs?.tags.tags?.map(({ start, end }) => [start, end]),
    [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ],
  );
  assert.ok((outputs?.tags.spans ?? []).length >= 1);
  assert.ok(['x', 'y', 'z'].includes(outputs?.topic.label ?? ''));
  const padded = model.predict(['abxd', 'a much longer text']);
  assert.deepEqual(padded[0].outputs, outputs);
});

test('of labels with equal scores, the first is the answer, for a text and for each token', async () => {
  const labels = ['x', 'y', 'z'];
  const text = { vocabulary: ['', '', 'a', 'b', 'c', 'd'] };
  const dense = layer('Dense', 'dense', { units: 3, activation: 'softmax' });
  /** @param {import('padless/layers').Layer} root */
  const zeros = (root) => new Map([...weights(root)].map(([path, { shape, data }]) => [path, { shape, data: data.map(() => 0) }]));
  const tags = await create(sequential(embedding, dense), {
    weights: zeros,
    text,
    outputs: [{ name: 'tags', kind: 'tags', labels }],
  });
  assert.deepEqual(
    tags.predict('ab').tags?.map(({ label }) => label),
    ['x', 'x'],
  );
  const pooled = await create(sequential(embedding, layer('GlobalMaxPooling1D', 'pooling'), dense), {
    weights: zeros,
    text,
    outputs: [{ name: 'topic', kind: 'class', labels }],
  });
  assert.equal(pooled.predict('ab').label, 'x');
  assert.equal(pooled.predict('ab', { labels: ['z', 'y'] }).label, 'y');
});

test('predict() refuses labels to choose from if no output is a class with labels', async () => {
  const text = { vocabulary: ['', '', 'a', 'b', 'c', 'd'] };
  const pooling = layer('GlobalMaxPooling1D', 'pooling');
  for (const outputs of [[{ name: 'topic', kind: 'scores', labels: ['x', 'y', 'z'] }], [{ name: 'topic', kind: 'class' }], []]) {
    const model = await create(sequential(embedding, pooling), { text, outputs });
    for (const labels of [['x'], { x: 1 }])
      assert.throws(
        () => model.predict('a', { labels }),
        says(ArgumentError, /^labels: expected an output of kind class with labels; the model has none$/),
      );
  }
});

test('the template of scores is made for the first answer, and again if the labels change', async () => {
  const model = await create(sequential(embedding, layer('GlobalMaxPooling1D', 'pooling')), {
    text: { vocabulary: ['', '', 'a', 'b', 'c', 'd'] },
    outputs: [{ name: 'topic', kind: 'class', labels: ['x', 'y', 'z'] }],
  });
  model.predict('a');
  const { parse } = JSON;
  try {
    JSON.parse = () => assert.fail('a template is made again');
    model.predict(['ab', 'b']);
  } finally {
    JSON.parse = parse;
  }
  /** @type {any} */ (model.outputs[0].labels)[1] = 'w';
  assert.deepEqual(Object.keys(model.predict('a').scores ?? {}), ['x', 'w', 'z']);
});

test('cross-entropy, accuracy and F1 of spans skip padding and ignored labels', async () => {
  const labels = ['O', 'B-X', 'I-X'];
  const model = await create(sequential(embedding, layer('Softmax', 'softmax')), {
    text: { vocabulary: ['', '', 'a', 'b', 'c', 'd'] },
    outputs: [{ name: 'tags', kind: 'tags', labels, scheme: 'BIO' }],
    weights: () =>
      new Map([
        ['embedding.embeddings', { shape: [6, 3], data: Float32Array.of(9, 9, 9, 9, 9, 9, 5, 0, 0, 0, 5, 0, 0, 0, 5, 5, 0, 0) }],
      ]),
  });
  // a and d have tag O, b has B, c has I.
  const file = 'a\tO\nb\tB-X\nc\tI-X\n\nb\tB-X\nd\tI-X\na\t[SEP]\n';
  const scores = evaluate(model, parseExamples(file, 'tags'), { ignore: ['[SEP]'] });
  assert.equal(scores.examples, 2);
  assert.equal(scores.counted, 5);
  assert.ok(Math.abs(scores.accuracy - 4 / 5) < 1e-9);
  const right = Math.exp(5) / (Math.exp(5) + 2);
  const expected = -(4 * Math.log(right) + Math.log(1 / (Math.exp(5) + 2))) / 5;
  assert.ok(Math.abs(scores.crossEntropy - expected) < 1e-5, `${scores.crossEntropy} ${expected}`);
  assert.deepEqual(scores.spans, { precision: 0.5, recall: 0.5, f1: 0.5, spans: 2 });
  assert.throws(() => evaluate(model, parseExamples('a\tB-Y\n', 'tags')), /label "B-Y" is not one of the 3 labels/);
  assert.throws(() => parseExamples('a B\n', 'tags'), /line 1: no tab/);
});

test('the kernels crossEntropy and crf skip padding, and crossEntropy skips ignored labels', async () => {
  const pl = await init({ simd });
  const x = { data: [0.7, 0.3, NaN, NaN, 0.4, 0.6, 0.5, 0.5, 0.9, 0.1, 0.2, 0.8], shape: [2, 3, 2] };
  const labels = { data: [0, 77, 1, 1, 1, 0], shape: [2, 3] };
  const mask = [1, 0, 1, 1, 1, 1];
  const { loss, accuracy, count } = pl.crossEntropy(x, labels, { mask });
  assert.equal(count, 5);
  assert.equal(accuracy, 2 / 5);
  assert.ok(Math.abs(loss + (Math.log(0.7) + Math.log(0.6) + Math.log(0.5) + Math.log(0.1) + Math.log(0.2)) / 5) < 1e-6);
  assert.equal(pl.crossEntropy(x, labels, { mask, ignore: [1] }).count, 2);
  assert.deepEqual(pl.crossEntropy(x, labels, { mask: [0, 0, 0, 0, 0, 0] }), { loss: 0, accuracy: 0, count: 0 });
  assert.throws(() => pl.crossEntropy(x, labels), says(IdError, /label 77 at row 0, step 1 is not below K = 2/));
  // Keeping the tag costs nothing, changing it costs 10; padding between two steps does not count.
  const { tags, score, marginals } = pl.crf(
    { data: [1, 0, 9e9, NaN, 0, 0.5, 0, 5], shape: [1, 4, 2] },
    { transitions: { data: [0, -10, -10, 0], shape: [2, 2] }, mask: [1, 0, 1, 1] },
  );
  assert.deepEqual([...tags.data], [1, -1, 1, 1]);
  assert.equal(score.data[0], 5.5);
  assert.deepEqual([...marginals.data.subarray(2, 4)], [0, 0]);
  assert.ok(Math.abs(marginals.data[4] + marginals.data[5] - 1) < 1e-6);
});
