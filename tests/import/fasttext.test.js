/** Classifiers of fastText: comparison with fastText's answers, broken files, text settings, sessions, the command line. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createModel, loadModel, ModelFileError, PadlessError, UnsupportedError } from 'padless';
import { fromFastText, recognise, toInt8 } from 'padless/import';
import { folder, padless } from '../command.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const home = fileURLToPath(new URL('../models/fasttext/', import.meta.url));
/** @type {{ texts: string[], models: Record<string, Record<string, number>[]> }} */
const goldens = JSON.parse(readFileSync(join(home, 'goldens.json'), 'utf8'));
const read = (/** @type {string} */ name) => readFileSync(join(home, name));
const { integer, choice } = random();

/** The sigmoid as fastText looks it up in a table with 32 entries for each unit of x. @param {number} score  the exact sigmoid */
function tabled(score) {
  const x = Math.log(score / (1 - score));
  if (Math.abs(x) > 8) return Number(x > 0);
  return 1 / (1 + Math.exp(8 - Math.trunc((x + 8) * 32) / 32));
}

test('each stored model has stored answers', async () => {
  const stored = readdirSync(home).filter((name) => /\.(bin|ftz)$/.test(name));
  assert.deepEqual(stored.toSorted(), Object.keys(goldens.models).toSorted());
  assert.equal(stored.length, 8);
});

for (const [name, answers] of Object.entries(goldens.models))
  test(`${name} gives fastText's answers to ${goldens.texts.length} texts`, async () => {
    const model = await fromFastText(read(name), { simd });
    const isTree = name.startsWith('tree') || name.startsWith('several');
    const isSigmoid = model.outputs[0].kind === 'scores';
    assert.equal(isSigmoid, name === 'ova.bin' || name === 'ns.bin');
    goldens.texts.forEach((text, i) => {
      const { scores = {} } = model.predict(text);
      assert.ok(Object.keys(answers[i]).length > 0);
      // fastText omits labels of a tree with a score below 1e-5.
      for (const label of Object.keys(scores)) assert.ok(label in answers[i] || (isTree && scores[label] < 1.1e-5), label);
      for (const [label, expected] of Object.entries(answers[i])) {
        // fastText adds 1e-5 to a score before it takes the logarithm, and reports the sum. For trees, padless's scores include it, too.
        const score = isSigmoid ? tabled(scores[label]) + 1e-5 : isTree ? scores[label] : scores[label] + 1e-5;
        assert.ok(Math.abs(score - expected) < 1e-6, `${JSON.stringify(text)}: ${label} ${score}, fastText ${expected}`);
      }
    });
    // A batch gives the bits of each text alone, and so does the file that is saved.
    const alone = goldens.texts.map((text) => model.predict(text));
    assert.deepEqual(model.predict(goldens.texts), alone);
    assert.deepEqual((await loadModel(model.save(), { simd })).predict(goldens.texts), alone);
  });

test('models with int8 weights give the same labels, and sessions give the bits of predict()', async () => {
  for (const name of ['softmax.bin', 'tree.ftz', 'several.bin']) {
    const model = await fromFastText(read(name), { simd });
    const small = await loadModel(toInt8(model), { simd });
    for (const text of goldens.texts) assert.equal(small.predict(text).label, model.predict(text).label, text);
    const session = model.session();
    let text = '';
    for (let i = 0; i < 200; i++) {
      const at = integer(0, text.length);
      text =
        text.slice(0, at) +
        choice(['', 'die ', ' thé', 'x', '😀', '\ud83d', ' </s> ', '__label__']) +
        text.slice(integer(at, Math.min(text.length, at + 3)));
      if (i % 50 === 49) text = '';
      assert.deepEqual(session.update(text), model.predict(text), JSON.stringify(text));
    }
  }
});

test('offsets are the part of the text of each id; maxlen, case, normalization and labels can be changed', async () => {
  const model = await fromFastText(read('softmax.bin'), { simd });
  const { text } = model;
  const encode = (/** @type {string} */ given) => {
    const { ids, offsets } = /** @type {NonNullable<typeof text>} */ (text).encode(given);
    return Array.from(ids, (id, i) => [id, given.slice(offsets[2 * i], offsets[2 * i + 1])]);
  };
  const { words } = /** @type {any} */ (model.settings.text).ngrams;
  assert.equal(words[0], '</s>');
  const parts = encode('die  zzz');
  assert.deepEqual(parts[0], [words.indexOf('die'), 'die']);
  // The id of the end covers the whole text. After it come two n-grams of two words, because the end counts as a third word.
  assert.deepEqual(parts.at(-3), [0, 'die  zzz']);
  assert.deepEqual([parts.at(-2)?.[1], parts.at(-1)?.[1]], ['die  zzz', 'zzz']);
  assert.deepEqual(new Set(parts.slice(1, -3).map(([, part]) => part)), new Set(['die', 'zzz']));
  const short = await fromFastText(read('softmax.bin'), { simd, text: { maxlen: 5 } });
  assert.deepEqual([short.predict('der die das').tokens, short.predict('der die das').truncated], [5, true]);
  const lower = await fromFastText(read('plain.bin'), { simd, text: { case: 'lower', normalization: 'NFC' } });
  const plain = await fromFastText(read('plain.bin'), { simd });
  assert.deepEqual(lower.predict('THE E\u0301TE\u0301').scores, plain.predict('the \u00e9t\u00e9').scores);
  assert.deepEqual((await fromFastText(read('plain.bin'), { labels: ['a', 'b', 'c'] })).outputs[0].labels, ['a', 'b', 'c']);
});

test('padless convert converts a fastText file', async () => {
  const out = join(folder, 'model.safetensors');
  const { status, stderr } = padless('convert', join(home, 'softmax.ftz'), '-o', out);
  assert.equal(status, 0, stderr);
  const model = await fromFastText(read('softmax.ftz'), { simd });
  assert.deepEqual((await loadModel(out, { simd })).predict('die Straße'), model.predict('die Straße'));
  for (const name of ['tree.bin', 'tree.ftz']) {
    assert.equal((await recognise(read(name)))?.format.title, 'a classifier of fastText');
    assert.equal((await recognise({ 'model.bin': read(name) }))?.format.title, 'a classifier of fastText');
  }
});

test('word vectors, unknown versions and broken files are refused, and the message says why', async () => {
  const bytes = new Uint8Array(read('softmax.ftz'));
  /** @param {number} at  of a number in the head @param {number} value */
  const changed = (at, value) => {
    const copy = bytes.slice();
    new DataView(copy.buffer).setInt32(at, value, true);
    return copy;
  };
  await assert.rejects(fromFastText(changed(36, 1)), says(UnsupportedError, /word vectors of fastText \(cbow or skipgram\)/));
  await assert.rejects(fromFastText(changed(4, 13)), says(ModelFileError, /version 13 of the format, expected 11 or 12/));
  await assert.rejects(fromFastText(changed(0, 1)), says(ModelFileError, /does not begin with the number 793712314/));
  await assert.rejects(fromFastText(changed(32, 9)), says(ModelFileError, /loss number 9/));
  await assert.rejects(fromFastText(changed(8, 7)), says(ModelFileError, /the input is \[\d+, 6\], expected \[\d+, 7\]/));
  for (const name of ['softmax.ftz', 'tree.bin'])
    for (let length = 0; length < read(name).length; length += integer(1, 97))
      await assert.rejects(fromFastText(read(name).subarray(0, length)), ModelFileError);
});

test('changed files give a PadlessError or a model', async () => {
  for (let i = 0; i < 300; i++) {
    const bytes = new Uint8Array(read(choice(['softmax.ftz', 'tree.bin', 'several.bin'])));
    for (let k = integer(1, 4); k > 0; k--)
      bytes[integer(0, choice([100, 900, bytes.length]) - 1)] = choice([0, 1, 255, 128, integer(0, 255)]);
    try {
      (await fromFastText(bytes, { simd })).predict('die Straße');
    } catch (error) {
      assert.ok(error instanceof PadlessError, String(/** @type {Error} */ (error).stack));
    }
  }
});

test('invalid settings and trees are refused', async () => {
  const { settings, root } = await fromFastText(read('tree.bin'), { simd });
  const weights = () => new Map(root.listWeights().map(({ path, layer, spec }) => [path, layer.weight(spec.name)]));
  /** @param {any} ngrams @param {any} [children] */
  const make = (ngrams, children) => {
    const architecture = structuredClone(settings.architecture);
    if (children) architecture.config.layers.at(-1).config.children = children;
    const text = /** @type {any} */ (settings.text);
    return createModel({
      architecture,
      weights,
      outputs: settings.outputs,
      text: { ...text, ngrams: { ...text.ngrams, ...ngrams } },
    });
  };
  assert.equal((await make({})).predict('die').label, 'de');
  for (const [ngrams, problem] of /** @type {[any, RegExp][]} */ ([
    [{ words: ['a', 'a'] }, /words has a word twice/],
    [{ words: 'x' }, /words is not a list/],
    [{ buckets: -1 }, /buckets/],
    [{ kept: [300] }, /kept is not a list of hash values below buckets/],
    [{ max: 65 }, /min and max/],
    [{ wordGrams: 1.5 }, /wordGrams/],
    [{ words: [], buckets: 0 }, /neither a word nor a bucket/],
    [{ scheme: 'other' }, /scheme is neither 'fasttext' nor 'keras'/],
  ]))
    await assert.rejects(make(ngrams), says(ModelFileError, problem));
  for (const children of [
    [
      [0, 0],
      [1, 3],
    ],
    [
      [0, 1],
      [2, 4],
    ],
    [
      [0, 1],
      [2, -1],
    ],
    [[0, 1], 2],
    [
      [0.5, 1],
      [2, 3],
    ],
  ])
    // prettier-ignore
    await assert.rejects(make({}, children), says(ModelFileError, /children/));
  await assert.rejects(make({}, [[0, 1]]), /children has 1 nodes, but the input has 2 values/);
});
