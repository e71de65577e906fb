/** Measures the numbers on the model cards again: runs the models of the page on their test texts, in padless. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { loadModel } from 'padless';
import { evaluate, parseExamples } from '../../js/tools/evaluate.js';
import { sentences } from '../../web/models/tagger/sentences.js';
import { needs, sharedUrl } from '../shared.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../../web/models/', import.meta.url);
/** @param {string} name */
const load = (name) => loadModel(new URL(`${name}/${name}.safetensors`, folder), { simd });
/** @param {string} name */
const results = (name) => JSON.parse(readFileSync(new URL(`${name}/results.json`, folder), 'utf8'));
/** @param {string} path */
const unzipped = (path) => gunzipSync(readFileSync(sharedUrl(path))).toString();
/**
 * Asserts that two accuracies agree. Frameworks round differently, so a text with two equally likely labels may get either.
 * @param {number} share @param {number} percent @param {number} texts @param {number} [apart]  by how many their numbers of texts differ
 */
const equal = (share, percent, texts, apart = 0) =>
  assert.ok(
    Math.abs(100 * share - percent) <= 0.005 + (300 + 100 * apart) / texts,
    `${100 * share} % through padless, ${percent} on the card`,
  );

const treebank = 'data/pos-en-ewt/test.conll.gz';
const entities = 'data/ner-en-uner-ewt/test.conll.gz';
test(
  'the tagger has the accuracy of its card on words, on the treebank’s own tokens, and on names',
  needs(existsSync(sharedUrl(treebank)) ? entities : treebank),
  async () => {
    const model = await load('tagger');
    const { words, treebank_tokens: gold } = results('tagger').test;
    const test_ = sentences(unzipped(treebank));
    /** @param {import('../../js/tools/evaluate.js').Example[]} examples @param {string} output @returns {import('../../js/tools/evaluate.js').Scores} */
    const scoresOf = (examples, output) => /** @type {any} */ (evaluate(model, examples)).outputs[output];
    const ours = scoresOf(
      test_.map(({ tokens, labels: pos }) => ({ tokens, labels: { pos } })),
      'pos',
    );
    const theirs = scoresOf(
      test_.map(({ gold: tokens, goldLabels: pos }) => ({ tokens, labels: { pos } })),
      'pos',
    );
    assert.equal(theirs.counted, gold.all.count);
    // JavaScript engines with another version of Unicode end a few words elsewhere.
    const apart = Math.abs(ours.counted - words.all.count);
    assert.ok(apart < 0.001 * words.all.count, `${ours.counted} words, on the card ${words.all.count}`);
    equal(ours.accuracy, words.all.accuracy, ours.counted, apart);
    equal(theirs.accuracy, gold.all.accuracy, theirs.counted);
    assert.ok(gold.all.accuracy >= 95, `${gold.all.accuracy} %`);
    // Names have their own file. A few of its sentences differ from the treebank's.
    const named = parseExamples(unzipped(entities), 'tags').map(({ tokens, labels: names }) => ({ tokens, labels: { names } }));
    const { f1 } = /** @type {{ f1: number }} */ (scoresOf(/** @type {any} */ (named), 'names').spans);
    assert.ok(Math.abs(100 * f1 - gold.names.all.f1) < 0.5, `F1 ${100 * f1}, on the card ${gold.names.all.f1}`);
    // predict() splits the text into the same tokens.
    test_.slice(0, 200).forEach(({ text, tokens }) => {
      const tags = model.predict(text).outputs?.pos.tags ?? [];
      assert.deepEqual(
        tags.map(({ start, end }) => text.slice(start, end)),
        tokens,
      );
    });
  },
);

const requests = 'data/cls-en-clinc150/test.tsv.gz';
test('the intents have the accuracy of their card in and out of scope', needs(requests), async () => {
  const model = await load('intents');
  const expected = results('intents').test;
  for (const [part, path] of [
    ['in_scope', requests],
    ['out_of_scope', requests.replace('test', 'oos_test')],
  ]) {
    const examples = parseExamples(unzipped(path), 'class');
    const found = evaluate(model, examples);
    assert.ok('accuracy' in found);
    assert.equal(found.counted, expected[part].requests);
    equal(found.accuracy, expected[part].accuracy, found.counted);
    // An answer that is not certain counts as out of scope.
    const right = model
      .predict(examples.map(({ text }) => text))
      .filter(({ label, certain }, i) => (certain ? label : 'oos') === examples[i].label);
    equal(right.length / examples.length, expected[part].with_threshold, examples.length);
  }
});

for (const name of ['tagger', 'intents'])
  test(`the card of ${name} has the numbers of results.json`, () => {
    const card = readFileSync(new URL(`${name}/README.md`, folder), 'utf8');
    const { bytes, parameters, test: measured } = results(name);
    const { size } = statSync(new URL(`${name}/${name}.safetensors`, folder));
    assert.equal(bytes, size);
    assert.ok(size < 1e6, `${size} bytes`);
    const shares =
      name === 'tagger' ? [measured.words.all, measured.treebank_tokens.all] : [measured.in_scope, measured.out_of_scope];
    for (const text of [
      bytes.toLocaleString('en'),
      parameters.toLocaleString('en'),
      ...shares.map(({ accuracy }) => accuracy.toFixed(1)),
    ])
      assert.ok(card.includes(text), `${text} is not on the card`);
  });
