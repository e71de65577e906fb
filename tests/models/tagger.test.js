/** The tagger of the page gives PyTorch's answers, padding changes nothing, and plain sentences get the right tags. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel } from 'padless';
import { assertClose, bits } from '../close.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const golden = JSON.parse(readFileSync(new URL('./tagger-torch.json', import.meta.url), 'utf8'));
const model = await loadModel(new URL('../../web/models/tagger/tagger.safetensors', import.meta.url), { simd });
const { text: reader } = model;
assert.ok(reader);

/** The ids of each word of a text. @param {string} text */
function wordsOf(text) {
  const ids = [...reader.encode(text).ids];
  return Array.from({ length: ids.length / reader.width }, (_, t) => ids.slice(t * reader.width, (t + 1) * reader.width));
}
/** @param {string} text */
const outputs = (text) => /** @type {Record<string, import('padless').Prediction>} */ (model.predict(text).outputs);
/** @param {string} text @param {import('padless').Tag[] | undefined} tags */
const shown = (text, tags) => tags?.map(({ label, start, end }) => `${text.slice(start, end)}/${label}`).join(' ');

test(`${golden.cases.length} texts give the ids, probabilities and scores of PyTorch ${golden.torch}`, () => {
  const scores = model.root.all().findIndex(({ path }) => path === 'scores');
  assert.ok(scores >= 0);
  for (const { text, ids, labels, probabilities, scores: wanted } of golden.cases) {
    assert.deepEqual(wordsOf(text), ids, text);
    // PyTorch computed with the int8 weights as float32 values; padless also rounds states to 16 bits.
    assertClose(model.run([ids])[0].data, probabilities.flat(), { unit: 2e-3, what: text });
    const found = model.trace(text).find(({ path }) => path === 'scores')?.after[0].data;
    assertClose(/** @type {Float32Array} */ (found), wanted.flat(), { unit: 2e-2, what: text });
    assert.equal(
      outputs(text)
        .pos.tags?.map(({ label }) => label)
        .join(' '),
      labels.join(' '),
      text,
    );
  }
});

test('a text has the same bits alone and in a batch of any lengths', () => {
  const texts = golden.cases.map((/** @type {any} */ { text }) => text);
  const together = model.predict(texts);
  texts.forEach((/** @type {string} */ text, /** @type {number} */ i) => assert.deepEqual(together[i], model.predict(text), text));
});

test('padding anywhere, with any ids, changes no bit and visits no step', () => {
  const words = wordsOf('Padding never changes an answer.');
  /** The bits of the outputs at the words, and the visited steps. @param {number[][]} row @param {number[]} [mask] */
  const run = (row, mask) => {
    const before = model.stats.steps;
    const { data, shape } = model.run([row], mask && { mask: [mask] })[0];
    const kept = mask ? data.filter((_, i) => mask[Math.floor(i / shape[2])]) : data;
    return { bits: bits(kept), steps: model.stats.steps - before };
  };
  const alone = run(words);
  assert.equal(alone.steps, 2 * words.length);
  const junk = Array(9).fill([-7]);
  const none = junk.map(() => 0);
  const all = words.map(() => 1);
  assert.deepEqual(run([...words, ...junk], [...all, ...none]), alone);
  assert.deepEqual(run([...junk, ...words], [...none, ...all]), alone);
  assert.deepEqual(run([...words.slice(0, 2), ...junk, ...words.slice(2)], [...all.slice(0, 2), ...none, ...all.slice(2)]), alone);
});

test('plain sentences get the right parts of speech, at the right offsets', () => {
  for (const [text, tags] of [
    ['The cat sat on the mat.', 'The/DET cat/NOUN sat/VERB on/ADP the/DET mat/NOUN ./PUNCT'],
    ["I don't know where she lives.", "I/PRON don't/AUX know/VERB where/ADV she/PRON lives/VERB ./PUNCT"],
    ['I don’t know.', 'I/PRON don’t/AUX know/VERB ./PUNCT'],
    [
      'We drove to Boston and had two beers!',
      'We/PRON drove/VERB to/ADP Boston/PROPN and/CCONJ had/VERB two/NUM beers/NOUN !/PUNCT',
    ],
    ['we drove to boston', 'we/PRON drove/VERB to/ADP boston/PROPN'],
    ['2019', '2019/NUM'],
    // The treebank calls this "New" an adjective.
    ['She moved to New York in 2019.', 'She/PRON moved/VERB to/ADP New/ADJ York/PROPN in/ADP 2019/NUM ./PUNCT'],
    // These words are made up, so only their endings tell their parts of speech.
    ['They blorped the wugs quonkingly.', 'They/PRON blorped/VERB the/DET wugs/NOUN quonkingly/ADV ./PUNCT'],
  ])
    assert.equal(shown(text, outputs(text).pos.tags), tags);
  assert.deepEqual(model.predict(''), {
    outputs: { pos: { tags: [] }, names: { tags: [], spans: [] } },
    tokens: 0,
    truncated: false,
  });
});

test('persons, places and organisations are found, at the right offsets', () => {
  for (const [text, names] of [
    ['The cat sat on the mat.', ''],
    ['She moved to New York in 2019.', 'New York/LOC'],
    ['New York', 'New York/LOC'],
    ['John Smith of Microsoft lives in Germany.', 'John Smith/PER Microsoft/ORG Germany/LOC'],
  ])
    assert.equal(shown(text, outputs(text).names.spans), names);
});
