/** Text to ids and back: normalisation with offsets, padding, truncation, and unusual strings. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync, strFromU8 } from 'fflate';
import { ArgumentError, EngineError, IdError, ModelFileError } from 'padless';
import { TextVectorizer } from 'padless/text';
import { random } from '../random.js';
import { needs, sharedUrl } from '../shared.js';
import { says } from '../says.js';

const letters = ['', '', ...'abcdefghijklmnopqrstuvwxyz ä'];
/** @param {object} [settings] */
const vectorizer = (settings) => new TextVectorizer({ vocabulary: letters, ...settings });
/** Tokens with a vocabulary of every code point: the id of a token is its code point + 2. */
const readBack = (text, settings) => {
  const tokens = [];
  const vocabulary = [
    '',
    '',
    ...new Set([...text, ...text.normalize(settings.normalization)].flatMap((char) => [char, ...char.toLowerCase()])),
  ];
  const { ids, offsets } = new TextVectorizer({ vocabulary, ...settings }).encode(text);
  ids.forEach((id, i) => tokens.push({ token: vocabulary[id], start: offsets[2 * i], end: offsets[2 * i + 1] }));
  return tokens;
};

const { seed, choice } = random();

test('known letters get their ids, others the id of the unknown token, with offsets in UTF-16 units', () => {
  const { ids, offsets, truncated } = vectorizer().encode('ab😀c');
  assert.deepEqual([...ids], [2, 3, 1, 4]);
  assert.deepEqual([...offsets], [0, 1, 1, 2, 2, 4, 4, 5]);
  assert.equal(truncated, false);
});

test('with unknown: null, tokens that are not in the vocabulary are dropped', () => {
  const { ids, offsets } = vectorizer({ unknown: null, vocabulary: ['', 'a', 'b'] }).encode('a?b');
  assert.deepEqual([...ids], [1, 2]);
  assert.deepEqual([...offsets], [0, 1, 2, 3]);
});

test('a composed and a decomposed letter give the same token under NFC', () => {
  const text = vectorizer({ normalization: 'NFC' });
  assert.deepEqual([...text.encode('a\u0308').ids], [...text.encode('ä').ids]);
  assert.deepEqual([...text.encode('xa\u0308').offsets], [0, 1, 1, 3]);
});

test('each code point is lower-cased by itself', () => {
  assert.deepEqual(
    readBack('ΣΑΣ', { case: 'lower' }).map(({ token }) => token),
    ['σ', 'α', 'σ'],
  );
  assert.deepEqual(readBack('İ', { case: 'lower' }), [
    { token: 'i', start: 0, end: 1 },
    { token: '\u0307', start: 0, end: 1 },
  ]);
});

/** All code points but those of planes that are not assigned or for private use, which no normal form changes: 256 a block. */
const blocks = Array.from({ length: 0x10f0 }, (_, block) => block << 8)
  .filter((first) => first < 0x34000 || (first >= 0xe0000 && first < 0xe1000))
  .map((first) => Array.from({ length: 0x100 }, (_, i) => first + i));

for (const normalization of ['NFC', 'NFD', 'NFKC', 'NFKD']) {
  test(`chunks normalised one by one give the normalised string, ${normalization}, for every assigned code point and random neighbours (seed ${seed})`, () => {
    const interesting = [
      0x41, 0x301, 0x1100, 0x1161, 0x11a8, 0xac00, 0x3131, 0xffa1, 0xffc2, 0xff76, 0xff9e, 0xff9f, 0x9be, 0x9c7, 0xdcf, 0xdd9,
      0xfb01, 0xd800,
    ];
    const check = (text) =>
      assert.equal(
        readBack(text, { normalization })
          .map(({ token }) => token)
          .join(''),
        text.normalize(normalization),
        JSON.stringify(text),
      );
    for (const { length, [0]: first } of blocks) {
      // A chunk has at most 32 combining characters, so a letter stands after 16 code points and their neighbours.
      let text = '';
      for (let i = 0; i < length; i++)
        text += `${i % 16 ? '' : 'A'}${String.fromCodePoint(first + i)}${String.fromCodePoint(choice(interesting))}`;
      check(text);
    }
    for (let n = 0; n < 300; n++) check(Array.from({ length: 12 }, () => String.fromCodePoint(choice(interesting))).join(''));
  });
}

test('the text between the offsets of a token is the text that became the token', () => {
  const text = 'Ａﬁ한글 e\u0301 👩‍👩‍👧 \ud800x ｶﾞ';
  for (const { token, start, end } of readBack(text, { normalization: 'NFKC', case: 'lower' })) {
    assert.ok(start < end && end <= text.length);
    const source = text.slice(start, end).normalize('NFKC').toLowerCase();
    assert.ok(source.includes(token), `${JSON.stringify(token)} from ${JSON.stringify(source)}`);
  }
});

test('each of several equal jamo has its own offsets', () => {
  for (const normalization of ['NFC', 'NFKC']) {
    const { offsets } = vectorizer({ normalization }).encode('ㅋㅋㅋ');
    assert.deepEqual([...offsets], [0, 1, 1, 2, 2, 3], normalization);
  }
});

test('a chunk contains every code point that can combine with the code points before it', () => {
  const chars = blocks
    .flat()
    .filter((code) => code < 0xd800 || code > 0xdfff)
    .map((code) => String.fromCodePoint(code));
  const seconds = new Set(chars.flatMap((char) => [...char.normalize('NFD')].slice(1)));
  const joining = chars.filter((char) => seconds.has([...char.normalize('NFKD')][0]));
  const bases = ['a', 'ᄀ', '가', 'か', '\u0c46', '\u{16d63}', '\u{16d67}', '\u{11347}'];
  for (const normalization of ['NFC', 'NFD', 'NFKC', 'NFKD']) {
    for (const base of bases) {
      const text = joining.map((char) => `${base}${char} `).join('');
      const tokens = readBack(text, { normalization }).map(({ token }) => token);
      assert.deepEqual(tokens.join('').split(' '), text.normalize(normalization).split(' '));
    }
  }
});

test('words are split after normalisation and lower-casing, with offsets into the original text', () => {
  const text = new TextVectorizer({ unit: 'word', normalization: 'NFKC', vocabulary: ['', '', '2.5', 'a.m', '.'] });
  const { ids, offsets } = text.encode('２．５ ㏂');
  assert.deepEqual([...ids], [2, 3, 4]);
  assert.deepEqual([...offsets], [0, 3, 4, 5, 4, 5]);
});

test('a megabyte that is truncated at the start keeps its last tokens', () => {
  const text = `${'a'.repeat(1 << 20)}bcd`;
  const { ids, offsets, truncated } = vectorizer({ maxlen: 2, truncation: 'pre' }).encode(text);
  assert.deepEqual(
    [[...ids], [...offsets], truncated],
    [[4, 5], [text.length - 2, text.length - 1, text.length - 1, text.length], true],
  );
});

test('words are the segments of Intl.Segmenter that are not white space', () => {
  const text = new TextVectorizer({ unit: 'word', case: 'lower', vocabulary: ['', '', 'good', 'morning', ','] });
  const { ids, offsets } = text.encode('Good  morning, you');
  assert.deepEqual([...ids], [2, 3, 4, 1]);
  assert.deepEqual([...offsets], [0, 4, 6, 13, 13, 14, 15, 18]);
});

const scraps = [
  ...[
    'the',
    "can't",
    '3,141.5',
    'naïve',
    'ж',
    'Привет',
    '你好世界',
    'こんにちは',
    'ガ',
    'カ\u3099',
    '한국어',
    '\u1112\u1161\u11ab',
    'สวัสดี',
    'שלום',
    'Σίσυφος',
    'ΣΑΣ',
  ],
  ...[
    ' ',
    ' ',
    ' ',
    '  ',
    '\n',
    '\n',
    '\r\n',
    '\t',
    '\u00a0',
    '\u3000',
    '.',
    '…',
    '-',
    '_',
    '\u0301',
    '\u00a8',
    '\u200d',
    '\u200b',
    '\ufc5e',
    '\uff9e',
  ],
  ...['🇩🇪', '🇩', '👩‍👩‍👧', '\ud800', '¼', 'ﬁ', '\u{16d67}'],
];
for (const unit of /** @type {const} */ (['word', 'grapheme', 'split', 'codepoint']))
  for (const normalization of /** @type {const} */ ([null, 'NFC', 'NFKC'])) {
    test(`a long text has the same tokens read in pieces and read whole: ${unit}, ${normalization} (seed ${seed})`, () => {
      let text = '';
      while (text.length < 15_000) text += choice(scraps);
      const normal = normalization ? text.normalize(normalization) : text;
      const prepared = unit === 'split' ? normal.toLowerCase() : Array.from(normal, (char) => char.toLowerCase()).join('');
      const whole =
        unit === 'codepoint'
          ? [...prepared]
          : unit === 'split'
            ? prepared.split(/\s+/).filter(Boolean)
            : Array.from(new Intl.Segmenter(undefined, { granularity: unit }).segment(prepared))
                .filter(({ isWordLike, segment }) => unit === 'grapheme' || isWordLike || segment.trim())
                .map(({ segment }) => segment);
      const vocabulary = ['', '', ...new Set(whole)];
      const read = (/** @type {object} */ settings) => {
        const { ids, offsets, truncated } = new TextVectorizer({
          vocabulary,
          unit,
          normalization,
          case: 'lower',
          ...settings,
        }).encode(text);
        return { tokens: Array.from(ids, (id) => vocabulary[id]), offsets: [...offsets], truncated };
      };
      const all = read({});
      assert.deepEqual(all.tokens, whole);
      for (const maxlen of [1, 100, 700, 5000]) {
        const [head, tail] = [read({ maxlen }), read({ maxlen, truncation: 'pre' })];
        assert.deepEqual(head, {
          tokens: all.tokens.slice(0, maxlen),
          offsets: all.offsets.slice(0, 2 * maxlen),
          truncated: whole.length > maxlen,
        });
        assert.deepEqual(tail, {
          tokens: all.tokens.slice(-maxlen),
          offsets: all.offsets.slice(-2 * maxlen),
          truncated: whole.length > maxlen,
        });
      }
    });
  }

/** The lengths of the texts that are given to Intl.Segmenter. @param {() => void} call */
function segmented(call) {
  const { segment } = Intl.Segmenter.prototype;
  /** @type {number[]} */
  const lengths = [];
  /** @this {Intl.Segmenter} @param {string} text */
  Intl.Segmenter.prototype.segment = function (text) {
    lengths.push(text.length);
    return segment.call(this, text);
  };
  try {
    call();
  } finally {
    Intl.Segmenter.prototype.segment = segment;
  }
  return lengths;
}

test('a long text of line breaks is read in pieces and has no words', () => {
  const reader = new TextVectorizer({ vocabulary: ['', ''], unit: 'word', normalization: 'NFC', maxlen: 512 });
  const lengths = segmented(() => assert.equal(reader.encode('\n'.repeat(1 << 17)).ids.length, 0));
  // Segmenting a megabyte of them as one string takes Node 20 more than nine minutes.
  assert.ok(Math.max(...lengths) <= 8192, `${Math.max(...lengths)} code units in a piece`);
  assert.equal(
    lengths.reduce((sum, each) => sum + each, 0),
    1 << 17,
  );
});

test('of a text that is truncated, only the part that its tokens need is segmented', () => {
  for (const truncation of /** @type {const} */ (['post', 'pre'])) {
    const reader = new TextVectorizer({ vocabulary: ['', ''], unit: 'word', maxlen: 512, truncation });
    const lengths = segmented(() => assert.equal(reader.encode('word '.repeat(1 << 18)).truncated, true));
    const sum = lengths.reduce((total, each) => total + each, 0);
    assert.ok(sum > 2560 && sum <= 32_768, `${truncation}: ${sum} code units`);
  }
});

test('a batch is padded to its longest row at the side that the settings name, and its mask marks the tokens', () => {
  const { ids, mask, shape, lengths } = vectorizer().encodeBatch(['abc', '', 'a']);
  assert.deepEqual(shape, [3, 3]);
  assert.deepEqual([...ids], [2, 3, 4, 0, 0, 0, 2, 0, 0]);
  assert.deepEqual([...mask], [1, 1, 1, 0, 0, 0, 1, 0, 0]);
  assert.deepEqual([...lengths], [3, 0, 1]);
  assert.deepEqual([...vectorizer({ padding: 'pre', length: 4 }).encodeBatch(['ab']).ids], [0, 0, 2, 3]);
});

test('a long text is truncated at the side that the settings name, and reported as truncated', () => {
  const post = vectorizer({ maxlen: 2 }).encode('abc');
  assert.deepEqual([[...post.ids], [...post.offsets], post.truncated], [[2, 3], [0, 1, 1, 2], true]);
  const pre = vectorizer({ maxlen: 2, truncation: 'pre' }).encode('abc');
  assert.deepEqual([[...pre.ids], [...pre.offsets], pre.truncated], [[3, 4], [1, 2, 2, 3], true]);
  assert.equal(vectorizer({ maxlen: 3 }).encode('abc').truncated, false);
});

test('a megabyte of one letter, of combining marks or of lone surrogates is read', () => {
  for (const unit of ['a', '\u0301', '\ud800', '\udc00']) {
    const { ids, truncated } = vectorizer({ maxlen: 100, normalization: 'NFC' }).encode(unit.repeat(1 << 20));
    assert.equal(ids.length, 100);
    assert.equal(truncated, true);
  }
});

test('a token that the vocabulary lacks has the id of unknown tokens, otherwise that of padding, otherwise 0', () => {
  assert.equal(vectorizer().idOf('?'), 1);
  assert.equal(vectorizer({ unknown: null }).idOf('?'), 0);
  const padded = new TextVectorizer({ vocabulary: ['a', ''], pad: 1, unknown: null });
  const neither = new TextVectorizer({ vocabulary: ['b', 'a'], pad: null, unknown: null });
  assert.deepEqual([padded.idOf('?'), neither.idOf('?'), neither.idOf('a')], [1, 0, 1]);
});

test('an engine without Intl.Segmenter reads no words and graphemes, but code points', () => {
  const { Segmenter } = Intl;
  try {
    Object.assign(Intl, { Segmenter: undefined });
    assert.equal(vectorizer().encode('ab').ids.length, 2);
    for (const unit of ['word', 'grapheme'])
      assert.throws(
        () => vectorizer({ unit }),
        says(EngineError, new RegExp(`^unit ${unit} needs Intl\\.Segmenter, which this engine lacks$`)),
      );
  } finally {
    Object.assign(Intl, { Segmenter });
  }
});

test('decode turns ids into tokens and omits padding', () => {
  assert.deepEqual(vectorizer().decode([2, 1, 3, 0, 0]), ['a', '\ufffd', 'b']);
});

test('an id outside the vocabulary is refused, and the message has the id and the size of the vocabulary', () => {
  for (const id of [30, -1, 1.5, 'length'])
    assert.throws(
      () => vectorizer().decode(/** @type {any} */ ([id])),
      says(IdError, new RegExp(`id ${id}, the vocabulary has 30`)),
    );
  assert.throws(() => vectorizer().decode(/** @type {any} */ (null)), says(ArgumentError, /ids is null, expected a list of ids/));
  assert.throws(() => vectorizer().idOf(/** @type {any} */ (5)), says(ArgumentError, /token is number, expected a string/));
});

test('a value that is not a string is refused, and the message names its type', () => {
  for (const [value, name] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [3, 'number'],
    [['a'], 'array'],
  ]) {
    assert.throws(
      () => vectorizer().encode(value),
      (error) => error instanceof ArgumentError && error.message.includes(name),
    );
  }
});

test('contradictory settings are refused, and the message contains the value', () => {
  const bad = [
    [{ unit: 'byte' }, /unit is "byte"/],
    [{ normalization: 'NFX' }, /normalization is "NFX"/],
    [{ maxlen: 0 }, /maxlen is 0, expected an integer from 1 to/],
    [{ pad: 1 }, /pad and unknown are both 1/],
    [{ vocabulary: ['', '', 'a', 'a'] }, /"a" twice, as 2 and 3/],
    [{ vocabulary: 'abc' }, /vocabulary is not a list/],
    [{ vocabulary: [] }, /vocabulary is empty/],
    [{ pad: 99 }, /pad is 99, the vocabulary has 30 entries; pad: null/],
    [{ unit: [[]] }, /unit is \[\[\]\]/],
    [{ unit: 'word', locale: '@@' }, /locale is "@@"/],
    [{ mask: 'no' }, /mask is "no"/],
  ];
  for (const [settings, message] of bad) assert.throws(() => vectorizer(settings), says(ModelFileError, message));
});

test('a real token at the id of padding or of unknown tokens is refused, and the message says what to set instead', () => {
  const bare = (/** @type {any} */ settings) => new TextVectorizer({ vocabulary: ['a', 'b', 'c'], ...settings });
  assert.throws(() => bare({}), says(ModelFileError, /vocabulary\[0\] is "a", .* id 0 is for padding by default; say pad: null/));
  assert.throws(
    () => bare({ pad: null }),
    says(ModelFileError, /vocabulary\[1\] is "b", .* id 1 is for unknown tokens by default/),
  );
  assert.throws(() => bare({ pad: 2, unknown: null }), says(ModelFileError, /vocabulary\[2\] is "c", .* id 2 is for padding; say/));
  const words = { unit: /** @type {const} */ ('split'), vocabulary: ['', 'good', 'bad'] };
  assert.throws(() => new TextVectorizer(words), says(ModelFileError, /vocabulary\[1\] is "good"/));
  // These entries are not real tokens: no text contains them, or their spelling marks them as special.
  for (const vocabulary of [
    ['', ''],
    ['<pad>', '<unk>'],
    ['PAD', 'OOV'],
    ['two words', '[UNK]'],
    ['__pad__', 'UNK_'],
  ])
    assert.equal(new TextVectorizer({ ...words, vocabulary: [...vocabulary, 'good'] }).encode('good').ids[0], 2);
  // If the caller sets `unknown`, its id may belong to a token, too.
  assert.deepEqual([...bare({ pad: null, unknown: 1 }).encode('abz').ids], [0, 1, 1]);
});

test('with pad: null, the vocabulary needs no entry for padding', () => {
  const text = new TextVectorizer({ vocabulary: ['a', 'b', '<unk>'], pad: null, unknown: 2 });
  assert.deepEqual([...text.encode('ab?').ids], [0, 1, 2]);
  const { ids, mask } = text.encodeBatch(['ab', 'a']);
  assert.deepEqual(
    [[...ids], [...mask]],
    [
      [0, 1, 0, 0],
      [1, 1, 1, 0],
    ],
  );
  assert.deepEqual(text.decode([0, 1, 2]), ['a', 'b', '\ufffd']);
  assert.throws(
    () => new TextVectorizer({ vocabulary: ['a'], pad: null, unknown: null, length: 3, mask: false }),
    says(ModelFileError, /pad is null; where padding is data/),
  );
});

test('if padding is data, its id may also belong to a token or to unknown tokens', () => {
  const text = new TextVectorizer({ vocabulary: [' ', 'a'], pad: 0, unknown: 0, length: 4, mask: false });
  assert.deepEqual([...text.encodeBatch(['a a']).ids], [1, 0, 1, 0]);
  assert.deepEqual([...text.encode('a?').ids], [1, 0]);
});

const corpus = 'data/langid-commonvoice-cc0/cv.tsv.gz';
test('encoding and decoding does not change real sentences in 91 languages', needs(corpus), () => {
  const lines = strFromU8(gunzipSync(new Uint8Array(readFileSync(sharedUrl(corpus))))).split('\n');
  for (let i = 0; i < lines.length; i += 997) {
    const [text] = lines[i].split('\t');
    const tokens = readBack(text, { normalization: 'NFC' });
    assert.equal(tokens.map(({ token }) => token).join(''), text.normalize('NFC'));
  }
});
