/** What commands print about models, texts and samples; without a process for each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgumentError, createModel } from 'padless';
import { prepareText, TextVectorizer } from 'padless/text';
import { compare } from '../../js/tools/compare.js';
import { info } from '../../js/tools/info.js';
import { runIds } from '../../js/tools/run.js';
import { printText } from '../../js/tools/text-options.js';
import { file } from '../command.js';
import { sequential } from '../keras-json.js';
import { printed } from '../printed.js';
import { random } from '../random.js';
import { says } from '../says.js';

const { weights } = random();

/** @param {any} first  of the InputLayer @param {[string, any][]} layers @param {any} [more] */
const make = (first, layers, more) =>
  createModel({
    architecture: sequential([['InputLayer', { name: 'x', ...first }], ...layers]),
    weights,
    ...more,
  });
/** @type {[string, any][]} */
const embedding = [['Embedding', { name: 'e', input_dim: 4, output_dim: 2, mask_zero: true }]];
/** @type {[string, any][]} */
const mean = [...embedding, ['GlobalAveragePooling1D', { name: 'mean' }]];
/** @param {any} model @returns {Promise<string[]>} the lines of info after the layers */
const described = async (model) =>
  (await printed(() => info(model))).split('\n').filter((line) => /^(input|padding|text) /.test(line));

test('info says that a model of vectors reads no steps', async () => {
  assert.deepEqual(await described(await make({ batch_shape: [null, 6] }, [['Dense', { name: 'd', units: 1 }]])), [
    'input       x: values [B, 6]',
    'padding     none: the model reads no steps',
    'text        none: the input is values',
  ]);
});

test('info says which index is padding if a model reads integers', async () => {
  const numbering = { words: [7, 8], first: 1, unknown: 1, masked: { token: 0, index: 0 } };
  const lines = await described(await make({ batch_shape: [null, null], numbering }, mean));
  assert.equal(lines[0], 'input       x: integers [B, T], index 0 is padding');
  assert.equal(lines.at(-1), 'text        none: the input is integers');
});

/** @type {any} */
const keras = { scheme: 'keras', split: 'whitespace', words: ['a', 'b'], first: 1, unknown: 1 };

test('info counts the words of the text settings', async () => {
  const text = (/** @type {any} */ more) => make({ batch_shape: [null, null] }, mean, { text: more });
  const [, , tokens] = await described(await text({ unit: 'ngrams', pad: 0, ngrams: keras }));
  assert.equal(tokens, `text        unit="ngrams" pad=0 ngrams=${JSON.stringify({ ...keras, words: 2 })}`);
  const [, , characters] = await described(await text({ vocabulary: ['', '<unk>', 'a', 'b'] }));
  assert.equal(characters, 'text        vocabulary=4');
});

await prepareText({ unit: 'ngrams' });
for (const [settings, line] of /** @type {[any, string][]} */ ([
  [{ ngrams: keras }, 'words, 4 entries, unknown ones are id 1'],
  [{ ngrams: { ...keras, first: 0, unknown: 0, split: 'character' } }, 'characters, 2 entries, unknown ones are an error'],
  [{ ngrams: { ...keras, unknown: 3, split: null } }, 'whole texts, 6 entries, unknown ones have ids 1 to 3'],
  [{ ngrams: { ...keras, widths: [1, 2] } }, 'n-grams of 1, 2 words, 4 entries, unknown ones are id 1'],
  [{ ngrams: { ...keras, widths: [1] } }, 'words, 4 entries, unknown ones are id 1'],
  [{ ngrams: { rows: 50 }, case: 'lower' }, 'hashed n-grams of words in lower case, 50 entries, unknown ones have ids, too'],
  [{ unit: 'split', vocabulary: ['', 'a'], unknown: null }, 'words, 2 entries, unknown ones are dropped'],
  [{ unit: 'split', split: '', vocabulary: ['', '[UNK]'] }, 'characters, 2 entries, unknown ones are "[UNK]" (id 1)'],
  [{ unit: 'grapheme', vocabulary: ['', '<unk>'] }, 'graphemes, 2 entries, unknown ones are "<unk>" (id 1)'],
]))
  test(`convert describes tokens: ${line}`, async () => {
    const text = new TextVectorizer({ unit: 'ngrams', ...settings });
    const model = /** @type {any} */ ({ text, readsPadding: [], inputs: [{ maskZero: true }], kerasVersion: '' });
    assert.equal(await printed(() => printText(model, {})), `text: ${line}\n`);
  });

test('samples may give rows by the name of the input, and outputs at its padding are not compared', async () => {
  const model = await make({ batch_shape: [null, null] }, embedding);
  const rows = [[1, 2], [3]];
  const [{ data }] = model.run(rows);
  const outputs = [
    [[...data.subarray(0, 2)], [...data.subarray(2, 4)]],
    [[...data.subarray(4, 6)], [9, 9]],
  ];
  for (const inputs of [
    [
      [1, 2],
      [3, 0],
    ],
    {
      x: [
        [1, 2],
        [3, 0],
      ],
    },
  ]) {
    const samples = file('samples.json', JSON.stringify([{ inputs, outputs: [outputs] }]));
    assert.equal(await printed(() => compare(model, samples, true)), 'largest difference on 1 sample: 0.00\n');
  }
});

test('samples with another number of values, or with strings, are refused', async () => {
  const model = await make({ batch_shape: [null, null] }, mean);
  const compared = (/** @type {any} */ output) =>
    printed(() => compare(model, file('samples.json', JSON.stringify([{ inputs: [[1]], outputs: [output] }])), true));
  await assert.rejects(compared([[1]]), says(ArgumentError, /samples\.json: output mean has 2 values, expected 1$/));
  await assert.rejects(
    compared([[1, 'x']]),
    says(ArgumentError, /sample 0, output mean: value 1 of \[1,2\] is "x", expected a number/),
  );
});

test('ids of run are a list of rows', async () => {
  const model = await make({ batch_shape: [null, null] }, mean);
  await assert.rejects(
    runIds(model, file('ids.json', '{}'), false),
    says(ArgumentError, /ids\.json: expected a JSON list of rows of ids$/),
  );
  assert.match(
    await printed(() => runIds(model, file('ids.json', '[[1], [2, 3]]'), false)),
    /^(\{"mean":\[-?[\d.e-]+,-?[\d.e-]+\]\}\n){2}$/,
  );
});
