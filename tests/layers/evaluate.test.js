/**
 * `padless eval` for texts with several labels and for models with several outputs, compared with scikit-learn 1.9.1.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgumentError, createModel } from 'padless';
import { evaluate, parseExamples } from '../../js/tools/evaluate.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const labels = ['news', 'sport', 'money', 'never'];
/** Logits of the five texts p, q, r, s, t. */
const logits = [
  [2, -1, -0.5, -3],
  [-0.2, 1.5, -2, -3],
  [0.1, 0.3, 3, -3],
  [-1, -1, 1, -3],
  [1, 2, 0.5, -3],
];
const table = { shape: [7, 4], data: Float32Array.from([...new Array(8).fill(0), ...logits.flat()]) };
const text = { vocabulary: ['', '', 'p', 'q', 'r', 's', 't'] };

/** @param {any[]} layers @param {any[]} outputs */
const create = (layers, outputs) =>
  createModel({
    architecture: {
      class_name: 'Functional',
      config: {
        name: 'm',
        layers: [
          { class_name: 'InputLayer', name: 'x', config: { name: 'x', batch_shape: [null, null] } },
          ...layers.map(([class_name, name, config, from]) => ({
            class_name,
            name,
            config: { name, ...config },
            inbound_nodes: [[[from, 0, 0, {}]]],
          })),
        ],
        input_layers: [['x', 0, 0]],
        output_layers: outputs.map(({ name }) => [name, 0, 0]),
      },
    },
    weights: () => new Map([['e.embeddings', table]]),
    text,
    outputs,
    simd,
  });
/** @type {any[]} */
const scores = [
  ['Embedding', 'e', { input_dim: 7, output_dim: 4, mask_zero: true }, 'x'],
  ['padless>LastStep', 'last', {}, 'e'],
  ['Activation', 'topics', { activation: 'sigmoid' }, 'last'],
];
const topics = { name: 'topics', kind: 'scores', labels };
const file = 'p\tnews\nq\tnews\tsport\nr\tsport\tmoney\ns\t\nt\tnews\tsport\tmoney\n';

/** accuracy_score, hamming_loss; precision_score, recall_score and f1_score with zero_division=0; the mean of log_loss over the labels. */
const expected = {
  examples: 5,
  counted: 20,
  accuracy: 0.4,
  hammingLoss: 0.15,
  crossEntropy: 0.3242537298888506,
  micro: { precision: 0.7777777777777778, recall: 0.875, f1: 0.8235294117647058 },
  macro: { precision: 0.5833333333333333, recall: 0.6666666666666666, f1: 0.6166666666666667 },
};
/** The same scores without the last label. */
const withoutLast = {
  counted: 15,
  accuracy: 0.4,
  hammingLoss: 0.2,
  crossEntropy: 0.41614252266055346,
  micro: { f1: 0.8235294117647058 },
  macro: { precision: 0.7777777777777777, recall: 0.8888888888888888, f1: 0.8222222222222222 },
};

/** @param {any} found @param {any} wanted */
function close(found, wanted) {
  for (const [key, value] of Object.entries(wanted))
    if (typeof value === 'object') close(found[key], value);
    else assert.ok(Math.abs(found[key] - value) < 1e-6, `${key} is ${found[key]}, expected ${value}`);
}

test("for texts with several labels, eval prints scikit-learn's accuracy, Hamming loss, averages and mean log loss", async () => {
  const model = await create(scores, [topics]);
  const found = evaluate(model, parseExamples(file, 'scores'));
  close(found, expected);
  const rows = file
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  const lines = rows.map(([each, ...rest]) => JSON.stringify({ text: each, labels: rest.filter(Boolean) })).join('\n');
  assert.deepEqual(evaluate(model, parseExamples(lines, 'scores'), { batch: 2 }), found);
  close(evaluate(model, parseExamples(file, 'scores'), { ignore: ['never'] }), withoutLast);
  assert.throws(
    () => evaluate(model, parseExamples('p\tweather\n', 'scores')),
    /label "weather" is not one of the 4 labels of the model: news/,
  );
});

test('eval refuses scores that are not probabilities', async () => {
  const model = await create(scores.slice(0, 2), [{ ...topics, name: 'last' }]);
  assert.throws(
    () => evaluate(model, parseExamples(file, 'scores')),
    says(ArgumentError, /^eval: output last is 2 for "news", expected a probability from 0 to 1$/),
  );
});

test('each of several outputs is evaluated on the lines that have labels for it', async () => {
  const model = await create(
    [...scores, ['Softmax', 'best', {}, 'last'], ['Softmax', 'tags', {}, 'e']],
    [topics, { name: 'best', kind: 'class', labels }, { name: 'tags', kind: 'tags', labels }],
  );
  const lines = [
    { text: 'p', labels: { topics: ['news'], best: 'news' } },
    { text: 'q', labels: { best: 'money' } },
    { tokens: ['r', 's'], labels: { tags: ['money', 'news'], best: 'money' } },
  ];
  const parsed = parseExamples(lines.map((line) => JSON.stringify(line)).join('\n'), 'scores');
  const { examples, outputs } = /** @type {any} */ (evaluate(model, parsed));
  assert.equal(examples, 3);
  assert.deepEqual(
    Object.entries(outputs).map(([name, each]) => [name, each.examples, each.counted, each.accuracy]),
    [
      ['topics', 1, 4, 1],
      ['best', 3, 3, 2 / 3],
      ['tags', 1, 2, 1 / 2],
    ],
  );
  /** @param {any} line @param {RegExp} message */
  const refused = (line, message) =>
    assert.throws(
      () => evaluate(model, parseExamples(typeof line === 'string' ? line : JSON.stringify(line), 'scores')),
      says(ArgumentError, message),
    );
  refused({ text: 'p', labels: { topic: ['news'] } }, /^example 0: labels of topic; the model has topics, best, tags/);
  refused('p\tnews\n', /^example 0: labels of a list; the model has topics, best, tags/);
  refused(
    { text: 'p', labels: { tags: ['news'] } },
    /^eval: output tags has one tag for each token, the example has a text and 1 labels$/,
  );
  refused(
    { text: 'p', labels: { best: ['news', 'money'] } },
    /^eval: output best has kind class; the example has 2 labels, expected 1$/,
  );
  refused(
    { text: 3, labels: { best: 'news' } },
    /^line 1: expected \{ "text" or "tokens", "label" or "labels" \} with strings, got \{"text":3,"labels":\{"best":"news"\}\}$/,
  );
  refused('{"text": "p"\n', /^line 1: not JSON/);
});

test('with one output, labels may be given under its name, and a model without text settings or labels is refused', async () => {
  const best = ['Softmax', 'best', {}, 'last'];
  const output = { name: 'best', kind: 'class', labels };
  const model = await create([...scores.slice(0, 2), best], [output]);
  const found = [
    '{"text": "p", "label": "news"}',
    '{"text": "p", "labels": ["news"]}',
    '{"text": "p", "labels": {"best": "news"}}',
  ].map((line) => evaluate(model, parseExamples(line, 'class')));
  assert.deepEqual(found, new Array(3).fill(found[0]));
  assert.deepEqual([found[0].examples, found[0].accuracy], [1, 1]);
  const unlabelled = await create([...scores.slice(0, 2), best], [{ ...output, labels: undefined }]);
  const wordless = Object.create(model, { text: { value: null } });
  for (const other of [unlabelled, wordless])
    assert.throws(
      () => evaluate(other, [{ text: 'p', label: 'news' }]),
      says(ArgumentError, /^eval needs a model with text settings and labels; best has none$/),
    );
});

test('of several outputs, one without labels is left out, and labels for it are refused', async () => {
  const model = await create(
    [...scores.slice(0, 2), ['Softmax', 'best', {}, 'last']],
    [
      { name: 'last', kind: 'class' },
      { name: 'best', kind: 'class', labels },
    ],
  );
  const { outputs } = /** @type {any} */ (evaluate(model, [{ text: 'p', labels: { best: 'news' } }]));
  assert.deepEqual(Object.keys(outputs), ['best']);
  for (const [example, name] of /** @type {[any, string][]} */ ([
    [{ text: 'p', labels: { last: 'news' } }, 'last'],
    [{ text: 'p', label: 'news' }, 'nothing'],
  ]))
    assert.throws(
      () => evaluate(model, [example]),
      says(ArgumentError, new RegExp(`^example 0: labels of ${name}; the model has last, best: `)),
    );
});

test('tags need one label and one step for each token; an example without tokens counts nothing', async () => {
  const tags = { name: 'tags', kind: 'tags', labels };
  const model = await create([scores[0], ['Softmax', 'tags', {}, 'e']], [tags]);
  assert.throws(
    () => evaluate(model, [{ tokens: ['p', 'q'], labels: ['news'] }]),
    says(ArgumentError, /^eval: output tags has one tag for each token, the example has 2 tokens and 1 labels$/),
  );
  const { examples, counted, accuracy } = /** @type {any} */ (
    evaluate(model, [
      { tokens: [], labels: [] },
      { tokens: ['p'], labels: ['news'] },
    ])
  );
  assert.deepEqual([examples, counted, accuracy], [2, 1, 1]);
  const halved = await create([scores[0], ['MaxPooling1D', 'tags', { pool_size: 2 }, 'e']], [tags]);
  assert.throws(
    () => evaluate(halved, [{ tokens: ['p', 'q'], labels: ['news', 'news'] }]),
    says(ArgumentError, /^eval: output tags has 1 steps for 2 tokens, expected one for each$/),
  );
});

test('the cross-entropy of a CRF is computed from its marginals, its accuracy from the best path', async () => {
  const transitions = [0, 2, 2, 2, 2, 0, 2, 2, 2, 2, 0, 2, 2, 2, 2, 0].map((value) => 2.5 - value);
  /** @param {string} [decode] */
  const tagger = (decode) =>
    createModel({
      architecture: {
        class_name: 'Sequential',
        config: {
          layers: [
            { class_name: 'Embedding', config: { name: 'e', input_dim: 7, output_dim: 4, mask_zero: true } },
            { class_name: 'padless>CRF', config: { name: 'crf', ...(decode && { decode }) } },
          ],
        },
      },
      weights: () =>
        new Map([
          ['e.embeddings', table],
          ['crf.transitions', { shape: [4, 4], data: Float32Array.from(transitions) }],
          ['crf.start', { shape: [4], data: new Float32Array(4) }],
          ['crf.end', { shape: [4], data: Float32Array.from([0, 1, 0, 0]) }],
        ]),
      text: { ...text, maxlen: 3 },
      outputs: [{ name: 'crf', kind: 'tags', labels }],
      simd,
    });
  const [path, marginals] = [await tagger(), await tagger('marginals')];
  const tokens = ['p', 'q', 'r', 's'];
  const gold = ['news', 'sport', 'money', 'money'];
  const labelled = parseExamples(tokens.map((token, t) => `${token}\t${gold[t]}`).join('\n'), 'tags');
  const probabilities = marginals.run([[2, 3, 4]])[0].data;
  const best = path.run([[2, 3, 4]])[0].data;
  const ids = gold.slice(0, 3).map((label) => labels.indexOf(label));
  const rows = [0, 1, 2].map((t) => [...best.subarray(4 * t, 4 * t + 4)]);
  const right = rows.filter((row, t) => row[ids[t]] === Math.max(...row)).length;
  assert.ok(right > 0 && right < 3, 'a best path that is wrong somewhere');
  const { crossEntropy, accuracy, counted } = /** @type {any} */ (evaluate(path, labelled));
  assert.equal(counted, 3);
  assert.equal(accuracy, right / 3);
  const wanted = ids.reduce((sum, k, t) => sum - Math.log(probabilities[4 * t + k]), 0) / 3;
  assert.ok(Math.abs(crossEntropy - wanted) < 1e-5, `${crossEntropy}, expected ${wanted}`);
  assert.deepEqual(path.run([[2, 3, 4]])[0].data, best, 'and afterwards it gives the best path again');
});

test('tokens are truncated and padded as predict() does; where padding is data, layers read it', async () => {
  /** A tagger that gives each token the label of the token after it. @param {any} settings */
  const tagger = (settings) =>
    createModel({
      architecture: {
        class_name: 'Sequential',
        config: {
          layers: [
            { class_name: 'InputLayer', config: { batch_shape: [null, settings.length ?? null] } },
            { class_name: 'Embedding', config: { name: 'e', input_dim: 7, output_dim: 4 } },
            { class_name: 'Conv1D', config: { name: 'next', filters: 4, kernel_size: 2, padding: 'same' } },
          ],
        },
      },
      weights: () =>
        new Map([
          // Padding is 'money', p 'news', q 'sport', r 'money', s 'never'.
          ['e.embeddings', { shape: [7, 4], data: Float32Array.from([2, 0, 0, 1, 2, 3, 0].flatMap((k) => [0, 1, 2, 3].map((i) => Number(i === k)))) }], // prettier-ignore
          ['next.kernel', { shape: [2, 4, 4], data: Float32Array.from({ length: 32 }, (_, i) => Number(i >= 16 && i % 5 === 1)) }],
          ['next.bias', { shape: [4], data: new Float32Array(4) }],
        ]),
      text: { ...text, ...settings },
      outputs: [{ name: 'next', kind: 'tags', labels }],
      simd,
    });
  for (const [settings, gold, counted] of /** @type {[any, string[], number][]} */ ([
    [{ length: 6, mask: false }, ['sport', 'money', 'never', 'money'], 4],
    [{ length: 6, mask: false, padding: 'pre' }, ['sport', 'money', 'never', 'news'], 4],
    [{ maxlen: 3 }, ['sport', 'money', 'news', 'never'], 3],
    [{ maxlen: 2, truncation: 'pre' }, ['never', 'never', 'never', 'news'], 2],
    [{ maxlen: 9, truncation: 'pre' }, ['sport', 'money', 'never', 'news'], 4],
  ])) {
    const labelled = parseExamples(['p', 'q', 'r', 's'].map((token, t) => `${token}\t${gold[t]}`).join('\n'), 'tags');
    const { accuracy, ...found } = /** @type {any} */ (evaluate(await tagger(settings), labelled));
    assert.deepEqual([accuracy, found.counted], [1, counted], JSON.stringify(settings));
  }
});
