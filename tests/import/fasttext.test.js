/** Classifiers of fastText: comparison with fastText's answers, broken files, text settings, sessions, the command line. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createModel, loadModel, ModelFileError, PadlessError, UnsupportedError } from 'padless';
import { fromFastText, recognise, toInt8 } from 'padless/import';
import { TextVectorizer } from 'padless/text';
import { folder, padless } from '../command.js';
import '../guarded-heap.js';
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

test('n-grams of one character leave out the borders of a word', async () => {
  const { settings } = await fromFastText(read('softmax.bin'), { simd });
  const text = /** @type {any} */ (settings.text);
  /** FNV-1a of the UTF-8 bytes, which fastText reads as signed. @param {string} gram */
  const hashOf = (gram) => Buffer.from(gram).reduce((h, byte) => Math.imul(h ^ ((byte << 24) >> 24), 16777619), 2166136261) >>> 0;
  for (const [min, max] of [
    [1, 1],
    [1, 3],
    [2, 3],
  ])
    // prettier-ignore
    for (const word of ['a', 'añb', '<>']) {
      const ngrams = { ...text.ngrams, words: ['</s>'], buckets: 9973, kept: null, min, max, wordGrams: 1 };
      const chars = [...`<${word}>`];
      const grams = chars.flatMap((_, from) =>
        chars.slice(from, from + max).flatMap((__, k) => {
          const isBorder = k === 0 && (from === 0 || from === chars.length - 1);
          return k + 1 < min || isBorder ? [] : [chars.slice(from, from + k + 1).join('')];
        }),
      );
      const { ids } = new TextVectorizer({ ...text, ngrams }).encode(word);
      assert.deepEqual([...ids], [...grams.map((gram) => 1 + (hashOf(gram) % 9973)), 0], `${word}, ${min} to ${max}`);
    }
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
  for (const size of [4, 8])
    await assert.rejects(
      fromFastText(bytes.subarray(0, size)),
      says(ModelFileError, /a number takes 4 bytes, the file has 0 more/),
    );
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

/** @param {...number} values */
const int32 = (...values) => Buffer.from(Int32Array.from(values).buffer);
/** @param {...(number | bigint)} values */
const int64 = (...values) => Buffer.from(BigInt64Array.from(values, BigInt).buffer);
/** @param {ArrayLike<number>} values */
const floats = (values) => Buffer.from(Float32Array.from(values).buffer);

/** A matrix. @param {number} rows @param {number} columns @param {number[]} values */
const matrix = (rows, columns, values) => [Buffer.of(0), int64(rows, columns), floats(values)];
/** A product quantiser: value i of code c is i + c / 4. @param {number} dim @param {number} parts @param {number} width @param {number} lastWidth */
function quantiser(dim, parts, width, lastWidth) {
  const values = new Float32Array(256 * dim);
  for (let part = 0; part < parts; part++) {
    const size = part === parts - 1 ? lastWidth : width;
    for (let c = 0; c < 256; c++)
      for (let i = 0; i < size; i++) values[part * 256 * width + c * size + i] = part * width + i + c / 4;
  }
  return Buffer.concat([int32(dim, parts, width, lastWidth), floats(values)]);
}
/** A quantised matrix. @param {number} rows @param {number} columns @param {number[] | Uint8Array} codes @param {Buffer} of  its quantiser @param {[number[], Buffer]} [norms]  codes and quantiser */
const quantised = (rows, columns, codes, of, norms) => [
  Buffer.of(1),
  Buffer.of(norms ? 1 : 0),
  int64(rows, columns),
  int32(codes.length),
  Buffer.from(codes),
  of,
  ...(norms ? [Buffer.from(norms[0]), norms[1]] : []),
];

/** Dictionary entries: bytes or text, count, and 1 for labels. @typedef {[string | Uint8Array, number, 0 | 1]} Entry */
/** @type {Entry[]} */
const dictionary = [['a', 9, 0], ['b', 8, 0], ['__label__x', 7, 1], ['__label__y', 6, 1]]; // prettier-ignore
const square = matrix(2, 2, [1, 2, 3, 4]);

/** A file of fastText with two words, two labels and vectors of two values. @param {any} [given]  what differs */
function written(given) {
  const { version, loss, grams, buckets, min, max, entries, words, labels, pruned, kept, input, output } = {
    ...{ version: 12, loss: 3, grams: 1, buckets: 0, min: 0, max: 0, entries: dictionary, pruned: -1, kept: [] },
    ...{ input: square, output: square },
    ...given,
  };
  const isLabel = (/** @type {Entry} */ [, , type]) => type === 1;
  const counts = [
    words ?? entries.filter((/** @type {Entry} */ each) => !isLabel(each)).length,
    labels ?? entries.filter(isLabel).length,
  ];
  return Buffer.concat([
    int32(793712314, version),
    int32(2, 5, 5, 1, 5, grams, loss, 3, buckets, min, max, 100),
    Buffer.alloc(8),
    int32(given?.size ?? entries.length, ...counts),
    int64(30, pruned),
    ...entries.flatMap((/** @type {Entry} */ [word, count, type]) => [
      Buffer.from(word),
      Buffer.of(0),
      int64(count),
      Buffer.of(type),
    ]),
    ...kept.map((/** @type {[number, number]} */ pair) => int32(...pair)),
    ...input,
    ...output,
  ]);
}

test('files written field by field are refused where a field contradicts another one, and the message names both', async () => {
  /** @param {Entry[]} entries */
  const plus = (...entries) => ({ entries: [...dictionary, ...entries], input: matrix(3, 2, [1, 2, 3, 4, 5, 6]) });
  const [of, norms] = [quantiser(2, 1, 2, 2), quantiser(1, 1, 1, 1)];
  const wide = 2 ** 11;
  for (const [given, problem, Class] of /** @type {[any, RegExp, any?][]} */ ([
    [{ entries: dictionary.slice(0, 2) }, /the model has no label$/],
    [{ words: 3 }, /2 words and 2 labels, expected 3 and 2$/],
    [{ labels: 1 }, /2 words and 2 labels, expected 2 and 1$/],
    [{ size: -1 }, /0 words and 0 labels, expected 2 and 2$/],
    [{ size: 2 ** 31 - 1 }, /a word has no zero byte at its end$|takes \d bytes, the file has \d more$/],
    [plus(['a', 1, 0]), /words has a word twice/],
    [plus(['\ufeffa', 1, 0], ['\ufeffa', 1, 0]), /the input is \[3, 2\], expected \[4, 2\]$/],
    [{ entries: [...dictionary, ['__label__x', 1, 1]], output: matrix(3, 2, [1, 2, 3, 4, 5, 6]) }, /"x" twice|label/],
    [{ buckets: -1, max: 3 }, /buckets/],
    [{ buckets: 2 ** 31 - 1, max: 3 }, /the input is \[2, 2\], expected \[2147483649, 2\]$/],
    [{ max: 65, buckets: 1, input: matrix(3, 2, [1, 2, 3, 4, 5, 6]) }, /min and max/],
    [{ input: matrix(-1, 2, []) }, /the input is \[-1, 2\]$/],
    [{ input: matrix(2, 0, []) }, /the input is \[2, 0\]$/],
    [{ input: matrix(2 ** 61, 2 ** 61, []) }, /the input takes \d\S+ bytes, the file has \d+ more$/],
    [{ input: matrix(2, 3, [1, 2, 3, 4, 5, 6]) }, /the input is \[2, 3\], expected \[2, 2\]$/],
    [{ output: matrix(1, 2, [1, 2]) }, /the output is \[1, 2\], expected \[2, 2\]$/],
    [{ output: matrix(2, 1, [1, 2]) }, /the output is \[2, 1\], expected \[2, 2\]$/],
    [{ pruned: 2, kept: [[5, 0], [6, 2]], buckets: 9, max: 3 }, /row 2 of 2 n-grams$/], // prettier-ignore
    [{ pruned: 2, kept: [[5, 0], [6, -1]], buckets: 9, max: 3 }, /row -1 of 2 n-grams$/], // prettier-ignore
    [{ pruned: 2, kept: [[5, 1], [6, 1]], buckets: 9, max: 3, input: matrix(4, 2, [1, 2, 3, 4, 5, 6, 7, 8]) }, /no n-gram has row 0 of 2$/], // prettier-ignore
    [{ pruned: 1, kept: [[9, 0]], buckets: 9, max: 3, input: matrix(3, 2, [1, 2, 3, 4, 5, 6]) }, /kept is not a list of hash values below buckets/], // prettier-ignore
    [{ pruned: 2 ** 53 }, /row -?\d+ of 9007199254740992 n-grams$|takes 4 bytes, the file has 0 more$/],
    [{ input: quantised(2, 2, [1, 2], quantiser(2, 1, 1, 1)) }, /the input: 1 parts of 1 and 1 values, 2 in all$/],
    [{ input: quantised(2, 2, [1, 2], int32(2, 0, 2, 2)) }, /the input: 0 parts of 2 and 2 values, 2 in all$/],
    [{ input: quantised(2, 2, [1], of) }, /the input is \[2, 2\] with 1 codes, 1 a row, of 2 values$/],
    [{ input: quantised(2, 3, [1, 2], of) }, /the input is \[2, 3\] with 2 codes, 1 a row, of 2 values$/],
    [{ input: quantised(-1, 2, [], of) }, /the input is \[-1, 2\] with 0 codes/],
    [{ input: quantised(2, 2, [1, 2], of, [[0], norms]) }, /the input: 0 parts of \d+|takes \d+ bytes|parts of/],
    [{ input: quantised(2, 2, [1, 2], of, [[0, 1], of]) }, /the input: norms of 2 values, expected 1$/],
    [
      { input: quantised(2 ** 17 + 1, wide, new Uint8Array(2 ** 17 + 1), quantiser(wide, 1, wide, wide)) },
      /the input is \[131073, 2048\], 1073750016 bytes$/,
      UnsupportedError,
    ],
  ]))
    await assert.rejects(fromFastText(written(given), { simd }), says(Class ?? ModelFileError, problem), String(problem));
});

test('quantised inputs and outputs, with and without norms, answer like a file with their values', async () => {
  const answers = async (/** @type {any} */ given) =>
    (await fromFastText(written(given), { simd })).predict(['a', 'b', 'a b zz']).map(({ scores }) => scores);
  const of = quantiser(2, 2, 1, 1);
  // Code c of part p stands for p + c / 4, and a norm's code c for c / 4.
  const values = matrix(2, 2, [1, 1.5, 2, 3.5]);
  const codes = [4, 2, 8, 10];
  const plain = await answers({ input: values, output: values });
  assert.deepEqual(await answers({ input: quantised(2, 2, codes, of), output: values }), plain);
  assert.deepEqual(await answers({ input: quantised(2, 2, codes, of), output: quantised(2, 2, codes, of) }), plain);
  // The third part of a quantiser may be narrower than the others: here the only one is.
  const normed = quantised(2, 2, codes, of, [[8, 2], quantiser(1, 1, 1, 1)]);
  assert.deepEqual(await answers({ input: normed, output: values }), await answers({ input: matrix(2, 2, [2, 3, 1, 1.75]), output: values })); // prettier-ignore
  assert.notDeepEqual(await answers({ input: normed, output: values }), plain);
});

test('version 11 has no n-grams of characters; a model with one label and rows that nothing uses are read', async () => {
  const more = { max: 3, min: 1, buckets: 1, input: matrix(3, 2, [1, 2, 3, 4, 50, 60]) };
  const answer = async (/** @type {any} */ given) => (await fromFastText(written(given), { simd })).predict('a').scores;
  assert.deepEqual(await answer({ ...more, version: 11 }), await answer({}));
  assert.notDeepEqual(await answer(more), await answer({}));
  for (const loss of [1, 3])
    assert.deepEqual(
      await answer({ loss, entries: dictionary.slice(0, 3), output: matrix(1, 2, [1, 2]) }),
      { x: 1 },
      `loss ${loss}`,
    );
});

test('a word may begin with a byte order mark or contain bytes that are not UTF-8, which match no text', async () => {
  /** @type {Entry[]} */
  const odd = [['\ufeffa', 2, 0], [Buffer.of(0x61, 0xff), 2, 0], [Buffer.of(0x61, 0xfe), 1, 0]]; // prettier-ignore
  const input = matrix(5, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const model = await fromFastText(written({ entries: [...dictionary, ...odd], input }), { simd });
  const ids = (/** @type {string} */ text) => [...(model.text?.encode(text).ids ?? [])];
  assert.deepEqual([ids('a'), ids('\ufeffa'), ids('a\ufffd a\ufffd')], [[0], [2], []]);
  assert.deepEqual((await loadModel(model.save(), { simd })).predict('\ufeffa b'), model.predict('\ufeffa b'));
});
