/**
 * Keras layers that turn texts or numbers into indices at the start of a model: StringLookup, IntegerLookup, Hashing, CategoryEncoding, and
 * TextVectorization with n-grams and output modes. lookup-cases.br has random models with them, and Keras's answers (tests/fuzz/keras/make_lookups.py).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel, IdError, ModelFileError, ShapeError, UnsupportedError } from 'padless';
import { prepareText } from '../../js/text/vectorizer.js';
import { TextVectorizer } from 'padless/text';
import { advisedOfNumbering, withoutLookups } from '../../js/import/text-layers.js';
import '../guarded-heap.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const embedding = { class_name: 'Embedding', config: { name: 'embedding', input_dim: 10_000, output_dim: 2 } };
const masked = { ...embedding, config: { ...embedding.config, mask_zero: true } };
const sequential = (/** @type {any[]} */ ...layers) => ({ class_name: 'Sequential', config: { name: 'model', layers } });
/** The vocabularies that a file stores beside the architecture: none. */
const nothing = { vocabularies: new Map(), idf: new Map() };
const input = (/** @type {any} */ shape, dtype = 'string') => ({
  class_name: 'InputLayer',
  config: { name: 'input', batch_shape: shape, dtype },
});
const strings = (/** @type {any} */ more, /** @type {any} */ shape = [null, 3]) => [
  input(shape),
  { class_name: 'StringLookup', config: { name: 'lookup', vocabulary: ['b', 'a'], ...more } },
];
const numbers = (/** @type {any} */ more, /** @type {any} */ shape = [null, null]) => [
  input(shape, 'int64'),
  { class_name: 'IntegerLookup', config: { name: 'lookup', vocabulary: [12, -7], ...more } },
];
/** @param {any[]} layers @returns {Promise<TextVectorizer>} */
async function textOf(...layers) {
  const { text } = withoutLookups(sequential(...layers), nothing);
  await prepareText(text);
  return new TextVectorizer(/** @type {any} */ (text));
}
const idsOf = (/** @type {TextVectorizer} */ text, /** @type {string} */ given) => [...text.encodeBatch([given]).ids];

test('StringLookup becomes text settings: a text is split at white space, or is one string if the input has one', async () => {
  const read = (/** @type {any} */ more, /** @type {any} */ shape, /** @type {any} */ table = embedding) =>
    textOf(...strings(more, shape), table);
  // StringLookup of Keras 2.15 numbers the tokens [UNK], b, a; mask_token='' comes before them.
  assert.deepEqual(idsOf(await read({}), 'a zz b'), [2, 0, 1]);
  assert.deepEqual(idsOf(await read({ mask_token: '' }), 'a\nzz b'), [3, 1, 2]);
  assert.deepEqual(idsOf(await read({ mask_token: '' }), 'a'), [3, 0, 0]);
  // Without a mask token, shorter texts are padded with id 0, which is that of unknown words.
  assert.deepEqual(idsOf(await read({}), 'a'), [2, 0, 0]);
  assert.deepEqual(idsOf(await read({ num_oov_indices: 2 }), 'a'), [3, 0, 0]);
  assert.deepEqual(idsOf(await read({ mask_token: '[MASK]', oov_token: '[OOV]' }, [null, null]), 'a zz'), [3, 1]);
  assert.deepEqual(idsOf(await read({}, [null, null]), 'a zz'), [2, 0]);
  assert.equal((await read({}, [null, null])).pad, null);
  // If a row is one string, the string may contain spaces.
  assert.deepEqual(idsOf(await read({ vocabulary: ['New York', 'b'] }, [null, 1]), 'New York'), [1]);
  // An InputLayer may state its shape without the batch.
  const [unbatched, lookup] = strings({});
  const three = { ...unbatched, config: { name: 'input', shape: [3], dtype: 'string' } };
  assert.deepEqual(idsOf(await textOf(three, lookup, embedding), 'a'), [2, 0, 0]);
  const stored = { vocabularies: new Map([['layers/string_lookup', '\n[UNK]\nb\na\n']]), idf: new Map() };
  const { architecture, text } = withoutLookups(sequential(...strings({ vocabulary: null, mask_token: '' }), embedding), stored);
  assert.deepEqual(text?.vocabulary, ['', '[UNK]', 'b', 'a']);
  assert.deepEqual(
    architecture.config.layers.map((/** @type {any} */ layer) => layer.class_name),
    ['InputLayer', 'Embedding'],
  );
});

test('a token whose id the Embedding masks keeps its position and is masked', async () => {
  const unknown = await textOf(...strings({}, [null, 3]), masked);
  assert.deepEqual(idsOf(unknown, 'a zz b'), [2, 0, 1]);
  assert.deepEqual([...unknown.encodeBatch(['a zz b', 'a']).mask], [1, 0, 1, 1, 0, 0]);
  const token = await textOf(...strings({ mask_token: 'b' }, [null, null]), masked);
  assert.deepEqual([...token.encodeBatch(['a b a']).mask], [1, 0, 1]);
});

test('bags count every string of a text; indices have the length of the input, and pad shorter texts with the index of the mask token', () => {
  /** The text settings and the shape of the ids. @param {any} more @param {number | null} length */
  const read = (more, length) => {
    const { architecture, text } = withoutLookups(sequential(...strings(more, [null, length]), embedding), nothing);
    const { pad, length: fixed, maxlen, mask } = /** @type {any} */ (text);
    return [pad, fixed, maxlen, mask, architecture.config.layers[0].config.batch_shape[1]];
  };
  // Two ids for unknown words: a plain vocabulary cannot express them. The index of the mask token comes first, or last before an encoding.
  const token = { num_oov_indices: 2, mask_token: 'b' };
  const none = { num_oov_indices: 2 };
  for (const [more, mode, length, expected] of /** @type {[any, string, number | null, any[]][]} */ ([
    [token, 'int', null, [null, null, null, true, null]],
    [token, 'int', 3, [0, 3, 3, false, 3]],
    [none, 'int', 3, [0, 3, 3, false, 3]],
    [token, 'one_hot', 3, [4, 3, 3, false, 3]],
    [none, 'one_hot', 3, [0, 3, 3, false, 3]],
    [token, 'count', 3, [null, null, null, true, null]],
    [token, 'multi_hot', null, [null, null, null, true, null]],
    // A text that is one string needs no padding.
    [token, 'int', 1, [null, null, 1, true, 1]],
    [token, 'one_hot', 1, [null, null, 1, true, 1]],
    [token, 'count', 1, [null, null, null, true, 1]],
  ]))
    assert.deepEqual(read({ ...more, output_mode: mode }, length), expected, `${JSON.stringify(more)} ${mode} ${length}`);
});

test('texts of different lengths are run one by one if the model reads padding and no id is for padding', async () => {
  const layers = [
    ['InputLayer', { name: 'x', batch_shape: [null, null] }],
    ['Embedding', { name: 'embedding', input_dim: 4, output_dim: 1, mask_zero: true }],
    ['GlobalMaxPooling1D', { name: 'pooling' }],
  ].map(([class_name, config]) => ({ class_name, config }));
  const ngrams = {
    scheme: /** @type {const} */ ('keras'),
    split: /** @type {const} */ ('whitespace'),
    words: ['a', 'b'],
    first: 0,
    unknown: 2,
  };
  const make = (/** @type {any[]} */ inner, /** @type {any} */ text = {}) =>
    createModel({
      architecture: { class_name: 'Sequential', config: { name: 'm', layers: [...layers.slice(0, 2), ...inner] } },
      // The vectors of the two ids of unknown words are larger than those of known words, so padding with them would change the maximum.
      weights: (root) =>
        new Map(
          root.listWeights().map(({ path, spec: { shape } }) => {
            const data = path.endsWith('embeddings') ? [9, 8, 1, 2] : new Array(shape.reduce((a, b) => a * b, 1)).fill(0.5);
            return [path, { shape, data: Float32Array.from(data) }];
          }),
        ),
      text: { unit: 'ngrams', ngrams, pad: 0, length: null, mask: true, ...text },
      kerasVersion: '3.5.0',
      simd,
    });
  for (const more of [{}, { masked: null }]) {
    const model = await make(layers.slice(2), { ngrams: { ...ngrams, ...more } });
    assert.ok(model.padded);
    assert.deepEqual([...model.outputsOf(['a', 'b a b', 'b'])[0].data], [1, 2, 2]);
  }
  const conv = { class_name: 'Conv1D', config: { name: 'conv', filters: 2, kernel_size: 2, padding: 'same' } };
  for (const padding of ['pre', 'post']) {
    const tagger = await make([conv], { padding });
    assert.ok(tagger.padded);
    assert.deepEqual(tagger.predict(['a b a', 'b'])[1].tags, tagger.predict('b').tags);
  }
  const lstm = { class_name: 'LSTM', config: { name: 'lstm', units: 1, stateful: true, return_sequences: true } };
  const stateful = await make([lstm, layers[2]]);
  assert.ok(stateful.predict(['a', 'b']));
  assert.throws(() => stateful.predict(['a', 'a b']), says(UnsupportedError, /^run: a stateful model whose layers read padding/));
});

test('if the model reads one string, an empty text is an unknown token unless it is the mask token', async () => {
  const one = (/** @type {any} */ more) => textOf(...strings(more, [null, 1]), embedding);
  assert.deepEqual(idsOf(await one({ mask_token: '[MASK]' }), ''), [1]);
  assert.deepEqual(idsOf(await one({ mask_token: '' }), ''), [0]);
  assert.deepEqual(idsOf(await one({}), ''), [0]);
});

test('unknown words get one of several ids by their hash, with or without a salt, or are an error', async () => {
  // The ids are those of TensorFlow 2.15: tf.strings.to_hash_bucket_fast(['zz', 'cat'], 5) and to_hash_bucket_strong(..., 5, [3, 4]).
  const several = await textOf(...strings({ num_oov_indices: 5 }, [null, null]), embedding);
  assert.deepEqual(idsOf(several, 'a zz cat b'), [6, 2, 1, 5]);
  const salted = await textOf(...strings({ num_oov_indices: 5, salt: [3, 4] }, [null, null]), embedding);
  assert.deepEqual(idsOf(salted, 'zz cat'), [0, 2]);
  const none = await textOf(...strings({ num_oov_indices: 0 }, [null, null]), embedding);
  assert.deepEqual(idsOf(none, 'b a'), [0, 1]);
  assert.throws(() => none.encode('b zz'), /text: "zz" is not in the vocabulary, and the model has no id for unknown tokens/);
});

test('TextVectorization lists n-grams by their width, truncates them at the length, and offsets cover their words', async () => {
  const config = { name: 'v', vocabulary: ['cat', 'the cat', 'sat'], ngrams: [1, 2], output_sequence_length: 4 };
  const text = await textOf({ class_name: 'TextVectorization', config }, embedding);
  assert.deepEqual(idsOf(text, 'The cat!  sat'), [1, 2, 4, 3]);
  const { ids, offsets, truncated } = text.encode('The cat!  sat');
  assert.deepEqual([[...ids], [...offsets], truncated], [[1, 2, 4, 3], [0, 3, 4, 7, 10, 13, 0, 7], true]);
  assert.deepEqual(idsOf(text, 'the'), [1, 0, 0, 0]);
  assert.deepEqual(
    idsOf(await textOf({ class_name: 'TextVectorization', config: { ...config, ngrams: 2 } }, embedding), 'the cat'),
    [1, 2, 3, 0],
  );
});

/** A model of the layers without their lookups. @param {any[]} layers @param {any} [more] */
async function modelOf(layers, more = {}) {
  const { architecture, text } = withoutLookups(sequential(...layers), nothing);
  return createModel({ architecture, text, kerasVersion: '3.15.1', weights: () => new Map(), simd, ...more });
}

test('IntegerLookup maps known, unknown, masked and huge integers to indices, from numbers or bigints', async () => {
  const bag = { output_mode: 'count' };
  /** @param {any} more @param {any} rows @returns {Promise<number[]>} */
  const counts = async (more, rows) => [...(await modelOf(numbers({ ...bag, ...more }))).run(rows)[0].data];
  assert.deepEqual(await counts({}, [[12, -7, 5, 12]]), [1, 2, 1]);
  assert.deepEqual(await counts({ mask_token: 5 }, [[12, -7, 5, 12]]), [0, 2, 1]);
  // The remainder has the sign of the divisor, as in Python: -4 mod 3 = 2, 2^40 mod 3 = 1.
  assert.deepEqual(await counts({ num_oov_indices: 3 }, [[-4, 2n ** 40n, 2 ** 40]]), [0, 2, 1, 0, 0]);
  assert.deepEqual(await counts({ output_mode: 'tf_idf', idf_weights: [1, 2] }, [[12, 12, 0, -7]]), [1.5, 2, 2]);
  assert.deepEqual(
    await counts({ max_tokens: 5, pad_to_max_tokens: true }, { data: [12n, 12n, -7n, 0n], shape: [2, 2] }),
    [0, 2, 0, 0, 0, 1, 0, 1, 0, 0],
  );
  const model = await modelOf(numbers({ ...bag, num_oov_indices: 0 }));
  assert.throws(() => model.run([[12, 5]]), says(IdError, /input input: row 0, step 1: 5 is not in the vocabulary/));
  assert.throws(() => model.run([[1.5]]), says(IdError, /row 0, step 0: 1\.5 is not an integer/));
  assert.throws(() => model.run({ data: [1, 2], shape: [2] }), says(ShapeError, /2 numbers of shape \[2\], expected \[B, T\]/));
});

test('the one-hot vector of a single number has no time axis; one-hot vectors of several numbers have one', async () => {
  const one = await modelOf(numbers({ output_mode: 'one_hot' }, [null, 1]));
  assert.deepEqual(
    [one.run([[12], [3]])[0]].map(({ shape, data }) => [shape, ...data]),
    [[[2, 3], 0, 1, 0, 1, 0, 0]],
  );
  const several = await modelOf(numbers({ output_mode: 'one_hot', mask_token: 12 }, [null, 2]));
  assert.deepEqual(
    [several.run([[12, -7]])[0]].map(({ shape, data }) => [shape, ...data]),
    [[[1, 2, 3], 0, 0, 0, 0, 0, 1]],
  );
});

test('a saved and loaded model maps its input to the same indices', async () => {
  const { loadModel } = await import('padless');
  const model = await modelOf(numbers({ output_mode: 'multi_hot', num_oov_indices: 2, mask_token: 0 }));
  const again = await loadModel(model.save(), { simd });
  const rows = [[12, 3, 0, 8], [-7]];
  assert.deepEqual(again.run(rows), model.run(rows));
});

test('unsupported options of lookups are refused, and the message says what to do', async () => {
  /** @param {any[]} layers @param {RegExp} message @param {any} [Class] */
  const refused = (layers, message, Class = UnsupportedError) =>
    assert.throws(() => withoutLookups(sequential(...layers, embedding), nothing), says(Class, message));
  refused(
    strings({ invert: true }),
    /invert=true; padless supports false; save the model without it, and give its words as labels/,
  );
  refused(strings({ vocabulary: null }), /StringLookup has no vocabulary in the file/, ModelFileError);
  refused(strings({ vocabulary_size: 9 }), /StringLookup's vocabulary has 3 words, vocabulary_size is 9/, ModelFileError);
  for (const most of [-1, 2 ** 30, 2 ** 40, 1.5])
    refused(
      strings({ num_oov_indices: most }),
      new RegExp(`num_oov_indices=${most}, expected an integer from 0 to 1048576`),
      ModelFileError,
    );
  refused(
    strings({ pad_to_max_tokens: true, max_tokens: 2 ** 30, output_mode: 'tf_idf', idf_weights: [1, 2, 3] }),
    /max_tokens=1073741824, expected an integer from 0 to 16777216/,
    ModelFileError,
  );
  refused(
    [{ class_name: 'TextVectorization', config: { name: 'v', vocabulary: ['a'], ngrams: 2 ** 30 } }],
    /^v: ngrams=1073741824; padless supports at most 64/,
  );
  refused(strings({ salt: [2 ** 60, 1] }), /salt=.*integers up to 2\^53/);
  refused(
    strings({ output_mode: 'other' }),
    /output_mode="other"; padless supports "int", "one_hot", .*; save the model without it, keras\.Model\(model\.get_layer\("lookup"\)/,
  );
  refused(strings({ encoding: 'latin-1' }), /^lookup: StringLookup .*encoding="latin-1"; padless supports "utf-8"/);
  refused(
    [{ class_name: 'TextVectorization', config: { name: 'v', vocabulary: ['a'], encoding: 'latin-1' } }],
    /^v: TextVectorization .*encoding="latin-1"; padless supports "utf-8"/,
  );
  refused(strings({}, [null, null, 3]), /lookup: StringLookup reads an input of shape \[B,T,3\]; padless needs \[B, T\]/);
  refused(strings({}, [null]), /lookup: StringLookup reads an input of shape \[B\]; padless needs \[B, T\]/);
  refused(numbers({ vocabulary: ['a'] }), /vocabulary is \["a"\], expected a list of integers/, ModelFileError);
  refused(
    numbers({ output_mode: 'tf_idf', idf_weights: [1, 2, 3, 4] }),
    /IntegerLookup has 5 idf_weights, expected 3/,
    ModelFileError,
  );
  refused(numbers({ output_mode: 'tf_idf' }), /IntegerLookup has no idf_weights in the file/, ModelFileError);
  refused(
    [input([null, 2], 'int64'), { class_name: 'Hashing', config: { name: 'h', num_bins: 3, output_mode: 'one_hot' } }],
    /one_hot" and an input of length=2/,
  );
  refused([embedding, ...numbers({})], /lookup: IntegerLookup comes after another layer/);
  const two = ['a', 'b'].flatMap((name) => [
    { class_name: 'InputLayer', name, config: { name, batch_shape: [null, 1], dtype: 'string' }, inbound_nodes: [] },
    {
      class_name: 'StringLookup',
      name: `l${name}`,
      config: { name: `l${name}`, vocabulary: ['x'] },
      inbound_nodes: [[[name, 0, 0, {}]]],
    },
  ]);
  const functional = (/** @type {any[]} */ layers) => ({
    class_name: 'Functional',
    config: { name: 'm', layers, input_layers: [], output_layers: [] },
  });
  assert.throws(
    () => withoutLookups(functional(two), nothing),
    says(UnsupportedError, /the model has 2 layers that read texts \(StringLookup, StringLookup\)/),
  );
  for (const name of ['IntegerLookup', 'Hashing', 'HashedCrossing'])
    assert.match(
      advisedOfNumbering(new UnsupportedError(`model.x: class ${name} is not one of the 70`)).message,
      new RegExp(`${name} maps its input to ids: save the model without it`),
    );
});

test('a lookup whose input another layer also reads is refused', () => {
  const layers = [
    { class_name: 'InputLayer', name: 'a', config: { name: 'a', batch_shape: [null, 2], dtype: 'int64' }, inbound_nodes: [] },
    { class_name: 'IntegerLookup', name: 'l', config: { name: 'l', vocabulary: [5] }, inbound_nodes: [[['a', 0, 0, {}]]] },
    { ...embedding, name: 'embedding', inbound_nodes: [[['a', 0, 0, {}]]] },
  ];
  const json = {
    class_name: 'Functional',
    config: { name: 'm', layers, input_layers: [['a', 0, 0]], output_layers: [['l', 0, 0]] },
  };
  assert.throws(
    () => withoutLookups(json, nothing),
    says(UnsupportedError, /l: IntegerLookup reads "a", which another layer reads, too/),
  );
});

test('invalid `numbering` settings of an input are refused', async () => {
  const { architecture } = withoutLookups(sequential(...numbers({ output_mode: 'count' })), nothing);
  const modelWith = (/** @type {any} */ numbering, /** @type {any} */ more = {}) => {
    const json = structuredClone(architecture);
    Object.assign(json.config.layers[0].config, { numbering }, more.input);
    if (more.layers) json.config.layers.splice(1, 1, ...more.layers);
    return createModel({ architecture: json, weights: () => new Map(), simd });
  };
  const fine = { words: [1, 2], first: 0, unknown: 1 };
  await modelWith(fine);
  for (const [numbering, message] of /** @type {[any, RegExp][]} */ ([
    [{ ...fine, words: 'ab' }, /input input: numbering: words is not a list/],
    [{ ...fine, words: [1, '1'] }, /words has a word twice/],
    [{ ...fine, unknown: -1 }, /first and unknown are not integers/],
    [{ ...fine, method: 'md5' }, /method is neither/],
    [{ ...fine, salt: 3 }, /salt is not a list/],
    [{ ...fine, masked: 0 }, /masked is not \{ token, index \}/],
    [{ words: [], first: 0, unknown: 0 }, /neither a word nor an index/],
    [{ ...fine, unknown: 9 }, /numbering has 11 indices, but the layers that read the input accept 3/],
  ]))
    await assert.rejects(modelWith(numbering), says(ModelFileError, message));
  await assert.rejects(modelWith(fine, { layers: [{ class_name: 'Flatten', config: { name: 'flat' } }] }), UnsupportedError);
  await assert.rejects(modelWith(fine, { input: { batch_shape: [null, 2, 2] } }), UnsupportedError);
});
