/** Text settings and outputs on the command line: every form of tokenizers, sides, length, and the printed assumptions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';
import { loadModel, ModelFileError } from 'padless';
import { fromTfjs, recognise } from 'padless/import';
import { file, folder, padless } from '../command.js';
import { functional, input, layer } from '../keras-json.js';
import { says } from '../says.js';

const LENGTH = 6;
const WORDS = 6;
const sequential = (/** @type {any[]} */ ...layers) => ({ class_name: 'Sequential', config: { name: 'model', layers } });
/** @param {any} more */
const embedding = (more) => ({
  class_name: 'Embedding',
  config: { name: 'table', batch_input_shape: [null, LENGTH], input_dim: WORDS, output_dim: 3, ...more },
});
const table = { name: 'table/embeddings', shape: [WORDS, 3], dtype: 'float32' };

/** A model of TF.js with made-up weights. @param {string} name @param {any} config @param {any[]} weights */
function tfjs(name, config, weights) {
  const size = weights.reduce(
    (sum, { shape }) => sum + shape.reduce((/** @type {number} */ n, /** @type {number} */ d) => n * d, 1),
    0,
  );
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(7 * i + 1));
  const manifest = [{ paths: [`${name}.bin`], weights }];
  file(`${name}.bin`, new Uint8Array(values.buffer));
  return file(
    `${name}.json`,
    JSON.stringify({
      format: 'layers-model',
      modelTopology: { keras_version: '2.4.0', model_config: config },
      weightsManifest: manifest,
    }),
  );
}
const dense = { class_name: 'Dense', config: { name: 'out', units: 1, activation: 'sigmoid' } };
const rnn = { class_name: 'SimpleRNN', config: { name: 'rnn', units: 2 } };
const rest = [
  { name: 'rnn/kernel', shape: [3, 2], dtype: 'float32' },
  { name: 'rnn/recurrent_kernel', shape: [2, 2], dtype: 'float32' },
  { name: 'rnn/bias', shape: [2], dtype: 'float32' },
  { name: 'out/kernel', shape: [2, 1], dtype: 'float32' },
  { name: 'out/bias', shape: [1], dtype: 'float32' },
];
/** A model without a mask: its answers depend on the zeros that it reads. */
const maskless = tfjs('maskless', sequential(embedding({}), rnn, dense), [table, ...rest]);
const masked = tfjs('masked', sequential(embedding({ mask_zero: true }), rnn, dense), [table, ...rest]);
const open = tfjs('open', sequential(embedding({ batch_input_shape: [null, null] }), rnn, dense), [table, ...rest]);
const model = await fromTfjs(maskless);
const index = { '<OOV>': 1, good: 2, bad: 3, fine: 4 };
const tokenizer = {
  class_name: 'Tokenizer',
  config: { filters: '.,\t\n', lower: true, split: ' ', char_level: false, oov_token: '<OOV>', word_index: JSON.stringify(index) },
};
const output = join(folder, 'out.safetensors');

/** @param {string[]} args  of convert @returns {string} what it printed, without the first line */
function convert(...args) {
  const { status, stdout, stderr } = padless('convert', ...args, '-o', output);
  assert.equal(status, 0, stderr);
  return stdout.slice(stdout.indexOf('\n') + 1);
}
/** @param {string} text @returns {number} */
const answer = (text) => JSON.parse(padless('run', output, text).stdout).scores[0];
/** @param {number[]} ids */
const expected = (ids) => model.run([ids])[0].data[0];

const shapes = {
  'a Keras Tokenizer': tokenizer,
  '{ word: id }': index,
  '{ id: word }': { 1: '<OOV>', 2: 'good', 3: 'bad', 4: 'fine' },
  'a list of words': ['', '<OOV>', 'good', 'bad', 'fine'],
  'a word index beside other things': { model_type: 'rnn', word_index: index, vocabulary_size: 4 },
  'words beyond the embedding': { ...index, rare: 6, rarer: 7 },
};
for (const [what, json] of Object.entries(shapes)) {
  test(`--tokenizer takes ${what}; options set padding, truncation and length, and convert prints its assumptions`, () => {
    const words = file('words.json', JSON.stringify(json));
    const said = convert(maskless, '--tokenizer', words);
    assert.match(said, /^padding: zeros are data: texts are padded in front to 6 tokens, longer ones cut in front\n/);
    assert.match(said, /\ntext: words in lower case, \d entries, unknown ones are "<OOV>" \(id 1\); padded in front to 6/);
    assert.match(
      said,
      /\nassumed, as no file says it: .*padding="pre" truncation="pre"; if .* --padding, --truncation, --maxlen or --text\n/,
    );
    assert.equal(/split=/.test(said), what !== 'a Keras Tokenizer');
    assert.equal(answer('good fine'), expected([0, 0, 0, 0, 2, 4]));
    assert.equal(answer('Good, rare'), expected([0, 0, 0, 0, 2, 1]));
    assert.equal(answer('bad good good good good good fine'), expected([2, 2, 2, 2, 2, 4]));
    const behind = convert(maskless, '--tokenizer', words, '--padding', 'post', '--truncation', 'post', '--maxlen', '6');
    assert.doesNotMatch(behind, /padding="|truncation="/);
    assert.equal(answer('good fine'), expected([2, 4, 0, 0, 0, 0]));
    assert.equal(answer('bad good good good good good fine'), expected([3, 2, 2, 2, 2, 2]));
  });
}

test('settings that a word index lacks are derived from its words', async () => {
  /** @param {any} json @param {string} from */
  const settings = async (json, from = open) => (await fromTfjs(from, { tokenizer: json })).text?.settings;
  const plain = await settings({ good: 1, bad: 2 });
  assert.deepEqual([plain?.case, plain?.split, plain?.pad, plain?.unknown], ['lower', ' ', 0, null]);
  assert.deepEqual(plain?.vocabulary, ['', 'good', 'bad']);
  // If a word has id 0, no id is left for padding, unless padding is data.
  assert.equal((await settings({ good: 0, bad: 1 }))?.pad, null);
  assert.equal((await settings({ good: 0, bad: 1 }, maskless))?.pad, 0);
  await assert.rejects(
    settings({ good: 0, bad: 1 }, masked),
    says(ModelFileError, /vocabulary\[0\] is "good", which a text can have/),
  );
  const named = await settings({ '<PAD>': 0, '<START>': 1, '[UNK]': 2, Good: 3, 'bad.': 4 });
  assert.deepEqual([named?.pad, named?.unknown, named?.case, named?.filters], [0, 2, null, '\t\n']);
  const characters = await settings({ a: 1, b: 2, ' ': 3, UNK: 4 });
  assert.deepEqual([characters?.split, characters?.unknown, characters?.case], ['', 4, 'lower']);
  // Keras's imdb dataset numbers words like this: padding, start and unknown come first.
  const shifted = await settings({ word_index: { good: 1, bad: 2 }, index_from: 3, max_len: 5 });
  assert.deepEqual(shifted?.vocabulary.slice(4), ['good', 'bad']);
  assert.deepEqual([shifted?.unknown, shifted?.length, shifted?.mask], [2, 5, false]);
  for (const [json, said] of /** @type {[any, RegExp][]} */ ([
    [{ a: 1, b: 1 }, /"a" and "b" both have id 1/],
    [{ a: 1e9 }, /"a" has id 1000000000, expected an id from 0 to/],
    [{ a: -1 }, /"a" has id -1/],
    [{ a: 1.5 }, /expected the JSON of a Keras Tokenizer, .*, or the ids of words/],
    [{}, /expected the JSON of a Keras Tokenizer/],
    [[1, 2], /expected the JSON of a Keras Tokenizer/],
  ]))
    await assert.rejects(settings(json), says(ModelFileError, said));
});

test('convert assumes no padding side for a model that masks, and asks for --maxlen if a model without mask has no length', () => {
  const words = file('words.json', JSON.stringify(tokenizer));
  assert.doesNotMatch(convert(masked, '--tokenizer', words, '--text', '{ "length": null }'), /assumed|length:/);
  assert.match(convert(open, '--tokenizer', words), /\nlength: the model has no fixed length and no mask; .*: --maxlen N\n/);
  const said = convert(open, '--tokenizer', words, '--maxlen', '6', '--padding', 'post');
  assert.match(said, /^padding: zeros are data: texts are padded behind to 6 tokens/);
  assert.doesNotMatch(said, /length:/);
  assert.equal(answer('good fine'), expected([2, 4, 0, 0, 0, 0]));
});

test('--text and --outputs take a file or JSON, and also change a model file of padless', async () => {
  const heads = ['n', 'd', 's'].map((name, i) => layer('Dense', name, { units: 2 + i, activation: 'softmax' }, ['table']));
  const [ids, first] = [input('ids'), layer('Embedding', 'table', { input_dim: WORDS, output_dim: 3, mask_zero: true }, ['ids'])];
  const weights = ['n', 'd', 's'].flatMap((name, i) => [
    { name: `${name}/kernel`, shape: [3, 2 + i], dtype: 'float32' },
    { name: `${name}/bias`, shape: [2 + i], dtype: 'float32' },
  ]);
  const three = tfjs('three', functional([ids, first, ...heads], ['ids'], ['n', 'd', 's']), [table, ...weights]);
  const text = file('own.json', JSON.stringify({ vocabulary: ['', 'א', 'ב', ' ', 'O'], unknown: 4, maxlen: 8 }));
  const outputs = [
    ['x', 'y'],
    ['0', '1', '2'],
    ['p', 'q', 'r', 's'],
  ].map((labels) => ({ kind: 'tags', labels }));
  const refused = padless('convert', three, '--labels', file('labels.txt', 'x\ny\n'), '-o', output);
  assert.match(
    refused.stderr,
    /labels are for a model with one output, this one has 3: give outputs \(padless convert --outputs\)/,
  );
  const said = convert(three, '--text', text, '--outputs', file('outs.json', JSON.stringify(outputs)));
  assert.match(
    said,
    /\ntext: characters, 5 entries, unknown ones are "O" \(id 4\)\nassumed, as no file says it: truncation="post";/,
  );
  const { outputs: answers } = JSON.parse(padless('run', output, 'אב?').stdout);
  assert.deepEqual(Object.keys(answers), ['n', 'd', 's']);
  assert.deepEqual(
    answers.s.tags.map((/** @type {any} */ tag) => [tag.start, tag.end, 'pqrs'.includes(tag.label)]),
    [
      [0, 1, true],
      [1, 2, true],
      [2, 3, true],
    ],
  );
  convert(output, '--text', '{ "maxlen": 2 }', '--outputs', JSON.stringify(outputs.map((each) => ({ ...each, kind: 'tags' }))));
  const cut = JSON.parse(padless('run', output, 'אב?').stdout);
  assert.deepEqual([cut.tokens, cut.truncated, cut.outputs.n.tags.length], [2, true, 2]);
  const { settings } = await loadModel(output);
  assert.deepEqual([settings.keras_version, settings.text?.vocabulary.length], ['2.4.0', 5]);
});

test('invalid text options are refused', () => {
  for (const [args, said] of /** @type {[string[], RegExp][]} */ ([
    [['--padding', 'left'], /^padless: --padding left: expected post or pre\n/],
    [['--truncation', 'both'], /^padless: --truncation both: expected post or pre\n/],
    [['--maxlen', '0'], /^padless: --maxlen 0: expected an integer from 1 on\n/],
    [['--maxlen', '9', '--tokenizer', file('w.json', JSON.stringify(index))], /text: length is 9, expected 6/],
    [['--text', '[1]'], /^padless: --text \[1\]: expected an object of text settings\n/],
    [['--text', '{ "unit": '], /^padless: \{ "unit": : .*JSON/],
    [['--padding', 'post'], /text: vocabulary is missing; give one, or a tokenizer beside the model\n/],
    [['--outputs', '[{ "kind": "all" }]'], /outputs: undefined has kind "all"|kind "all"/],
  ])) {
    const { status, stderr } = padless('convert', maskless, ...args, '-o', output);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, said);
  }
});

test('word_index.json, text.json and outputs.json among several files are recognised by their names', async () => {
  const { readFileSync } = await import('node:fs');
  const bytesOf = (/** @type {any} */ json) => new TextEncoder().encode(JSON.stringify(json));
  const files = { 'maskless.json': readFileSync(maskless), 'maskless.bin': readFileSync(join(folder, 'maskless.bin')) };
  const found = await recognise({
    ...files,
    'word_index.json': bytesOf(index),
    'text.json': bytesOf({ padding: 'post' }),
    'outputs.json': bytesOf([{ name: 'mood', kind: 'scores', labels: ['good'] }]),
  });
  const read = await found?.read();
  assert.deepEqual([read?.text?.padding, read?.outputs[0].name], ['post', 'mood']);
  // A JSON that numbers labels is not a word index.
  const other = await recognise({ ...files, 'classes.json': bytesOf({ positive: 1 }) });
  assert.equal((await other?.read())?.text, null);
});
