/**
 * Words of characters: ids [B, T, C], with layers inside TimeDistributed that read the characters of each word.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ArgumentError, createModel, IdError, loadModel, ModelFileError, ShapeError, UnsupportedError } from 'padless';
import { fromKeras } from 'padless/import';
import * as layers from 'padless/layers';
import { bits } from '../close.js';
import '../guarded-heap.js';
import { functional, input, layer as node } from '../keras-json.js';
import { random } from '../random.js';
import { says } from '../says.js';
import { needs, sharedJson, sharedUrl } from '../shared.js';

const { Bidirectional, Dense, Embedding, GRU, LSTM, MaskedMax, Model, SimpleRNN, TimeDistributed } = layers;
const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { weights, integer, choice } = random();

/** @param {layers.Layer} layer */
const each = (layer) => new TimeDistributed({ layer });
const embedding = (mask = true) => each(new Embedding({ input_dim: 12, output_dim: 5, mask_zero: mask }));

/** @param {layers.Layer[]} list @param {object} [more] */
const create = (list, more) => createModel({ architecture: new Model(list), weights, simd, ...more });

/** Layers that turn the characters of a word into a vector. @type {[string, () => layers.Layer[]][]} */
const readers = [
  ['an LSTM', () => [new LSTM({ units: 6 })]],
  ['a GRU that goes backwards', () => [new GRU({ units: 3, go_backwards: true })]],
  ['a bidirectional LSTM', () => [new Bidirectional({ layer: new LSTM({ units: 4 }) })]],
  [
    'two recurrent layers',
    () => [new Bidirectional({ layer: new GRU({ units: 4, return_sequences: true }) }), new SimpleRNN({ units: 3 })],
  ],
  ['a convolution and a maximum', () => [new layers.Conv1D({ filters: 4, kernel_size: 3, padding: 'same' }), new MaskedMax()]],
  ['dense layers and a mean', () => [new Dense({ units: 7, activation: 'tanh' }), new layers.GlobalAveragePooling1D()]],
  ['a maximum', () => [new layers.GlobalMaxPooling1D()]],
  ['attention', () => [new layers.AttentionPooling({ units: 3 })]],
];
const tagger = () => [new Bidirectional({ layer: new LSTM({ units: 5, return_sequences: true }) }), new Dense({ units: 3 })];

/** Words of 1 to 6 characters. @param {number} T */
const words = (T) => Array.from({ length: T }, () => Array.from({ length: integer(1, 6) }, () => integer(1, 11)));

/** The same words with zeros among their characters and with words of zeros between them. @param {number[][]} row @returns {number[][]} */
function padded(row) {
  const spread = row.map((word) => {
    const zeros = Array.from({ length: integer(0, 4) }, () => 0);
    return choice([() => [...word, ...zeros], () => [...zeros, ...word], () => word.flatMap((id) => [id, 0])])();
  });
  return spread.flatMap((word) => [...Array.from({ length: integer(0, 2) }, () => choice([[], [0], [0, 0, 0]])), word]);
}

/** The outputs at the words that count. Asserts that the others are 0. @param {import('padless').OutputTensor} output @param {number} b @param {number[][]} row */
function atWords({ shape: [, T, K], data }, b, row) {
  const found = row.flatMap((word, t) =>
    word.some((id) => id !== 0) ? [bits(data.subarray((b * T + t) * K, (b * T + t + 1) * K))] : [],
  );
  const at = row.flatMap((word, t) => (word.some((id) => id !== 0) ? [] : [data.subarray((b * T + t) * K, (b * T + t + 1) * K)]));
  assert.ok(at.every((values) => values.every((value) => Object.is(value, 0))));
  return found.map((values) => [...values]);
}

for (const [name, make] of readers)
  test(`${name} over the characters of each word: padding characters and padding words change no bit and cost no step`, async () => {
    const model = await create([embedding(), ...make().map(each), ...tagger()]);
    const rows = [words(4), words(1), words(7), []];
    const alone = rows.map((row) => {
      const before = model.stats.steps;
      const [output] = model.run([row]);
      return { found: atWords(output, 0, row), steps: model.stats.steps - before };
    });
    for (let i = 0; i < 4; i++) {
      const given = rows.map(padded);
      const before = model.stats.steps;
      const [output] = model.run(given);
      assert.equal(
        model.stats.steps - before,
        alone.reduce((sum, { steps }) => sum + steps, 0),
      );
      given.forEach((row, b) => assert.deepEqual(atWords(output, b, row), alone[b].found));
    }
  });

test('a model of words has the bits of two models: one that reads words as texts, and one that reads their vectors as steps', async () => {
  const whole = await create([embedding(), each(new Bidirectional({ layer: new LSTM({ units: 4 }) })), ...tagger()]);
  /** The weights of `whole`, in order. @param {number} from */
  const take = (from) => (/** @type {layers.Layer} */ root) =>
    new Map(root.listWeights().map(({ path }, i) => {
      const { layer, spec } = whole.root.listWeights()[from + i];
      return [path, layer.weight(spec.name)];
    })); // prettier-ignore
  const inner = await createModel({
    architecture: new Model([
      new Embedding({ input_dim: 12, output_dim: 5, mask_zero: true }),
      new Bidirectional({ layer: new LSTM({ units: 4 }) }),
    ]),
    weights: take(0),
    simd,
  });
  const outer = await createModel({
    architecture: {
      class_name: 'Sequential',
      config: {
        layers: [{ class_name: 'InputLayer', config: { batch_shape: [null, null, 8] } }, ...new Model(tagger()).getConfig().layers],
      },
    },
    weights: take(inner.root.listWeights().length),
    simd,
  });
  const row = words(6);
  const [{ data }] = inner.run(row);
  const vectors = row.map((_, t) => data.subarray(8 * t, 8 * t + 8));
  assert.deepEqual(bits(whole.run([row])[0].data), bits(outer.run([vectors])[0].data));
});

test('a constant may stand beside words: of them it takes the number of texts', async () => {
  const model = await createModel({
    architecture: functional(
      [
        input('ids', [null, null]),
        node('padless>Constant', 'constant', { shape: [2] }, ['ids']),
        node('TimeDistributed', 'embedding', { layer: json('Embedding', { input_dim: 12, output_dim: 5, mask_zero: true }) }, [
          'ids',
        ]),
      ],
      ['ids'],
      ['constant', 'embedding'],
    ),
    weights: (root) => weights(root).set('constant.value', { shape: [2], data: Float32Array.of(3, 4) }),
    simd,
  });
  const [{ shape, data }] = model.run([[[1, 2], [3]], [], [[4]]]); // prettier-ignore
  assert.deepEqual([shape, [...data]], [[3, 2], [3, 4, 3, 4, 3, 4]]); // prettier-ignore
});

test('without mask_zero every character counts, and so does a word without characters', async () => {
  const model = await create([embedding(false), each(new LSTM({ units: 3 })), new LSTM({ units: 4 })]);
  const [plain] = model.run([[[1, 2], [3]]]);
  assert.notDeepEqual(model.run([[[1, 2, 0], [3]]])[0].data, plain.data);
  assert.notDeepEqual(model.run([[[1, 2], [3], []]])[0].data, plain.data);
  const lists = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]; // prettier-ignore
  assert.deepEqual(model.run({ data: lists.flat(2), shape: [2, 2, 2] })[0].data, model.run(lists)[0].data);
});

test('a model may output the values of each character, with zeros at padding', async () => {
  const model = await create([embedding(), each(new Dense({ units: 2 }))]);
  assert.deepEqual(model.run([[[], []]])[0].shape, [1, 2, 0, 2]);
  const [{ shape, data }] = model.run([
    [[1, 2, 3], [4]],
    [[0], [0, 5, 0]],
  ]);
  assert.deepEqual(shape, [2, 2, 3, 2]);
  const [one] = model.run([[[5]]]);
  const counts = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0];
  data.forEach((value, i) => assert.equal(value !== 0, counts[i >> 1] === 1, `value ${i}`));
  assert.deepEqual([...data.subarray(20, 22)], [...one.data]);
});

test('layers that read each character by itself need no TimeDistributed; the error for others names the layer', async () => {
  const list = [new Dense({ units: 4, activation: 'relu' }), new layers.Dropout({ rate: 0.2 })];
  const direct = await create([embedding(), ...list, each(new MaskedMax()), new LSTM({ units: 2 })]);
  assert.equal(direct.run([words(3)])[0].shape.join(), '1,2');
  await assert.rejects(
    create([embedding(), new layers.Flatten({}), new Dense({ units: 2 })]),
    says(
      UnsupportedError,
      /^flatten: Flatten is applied to words of characters; put layers that read characters into TimeDistributed/,
    ),
  );
  // Here, axis 1 is the axis of words; inside TimeDistributed, it would be the axis of characters.
  await assert.rejects(
    create([embedding(), new layers.Softmax({ axis: 1 })]),
    says(UnsupportedError, /^softmax: Softmax is applied to/),
  );
  await assert.rejects(create([embedding(), new LSTM({ units: 2 })]), says(UnsupportedError, /^lstm: LSTM is applied to words of/));
});

test('a model of words is saved, loaded and traced', async () => {
  const model = await create([embedding(), each(new LSTM({ units: 3 })), new LSTM({ units: 4 })]);
  const again = await loadModel(model.save(), { simd });
  const rows = [words(3), words(2)];
  assert.deepEqual(again.run(rows)[0].data, model.run(rows)[0].data);
  const steps = again.trace(rows);
  const { before, after, changed } = /** @type {import('padless').TraceStep} */ (
    steps.find(({ path }) => path === 'time_distributed')
  );
  assert.deepEqual(before[0].shape.length, 3);
  assert.equal(before[0].data[0], rows[0][0][0]);
  assert.deepEqual(after[0].shape, [2, 3, before[0].shape[2], 5]);
  assert.equal(changed, null);
});

test('a session computes rows of words from the beginning', async () => {
  const model = await create([embedding(), each(new LSTM({ units: 3 })), new LSTM({ units: 4 })]);
  const session = model.session();
  for (const row of [words(3), words(4)]) assert.deepEqual(session.run(/** @type {any} */ (row))[0].data, model.run([row])[0].data);
});

test('rows that are not words of characters are refused, with the found and the expected size', async () => {
  const model = await create([embedding(), each(new LSTM({ units: 3 }))]);
  /** @type {[any, new (...args: any[]) => Error, RegExp][]} */
  const wrong = [
    [[[1, 2]], ArgumentError, /^run: row 0, word 0 is number, expected an array of token ids/],
    [[3], ArgumentError, /^run: row 0 is number, expected an array of words/],
    ['abc', ArgumentError, /^run: rows are string, expected an array of rows of words/],
    [[[[1], [2, 12]]], IdError, /^row 0, word 1, character 1: id 12 is not an integer from 0 to 11/],
    [[[[1.5]]], IdError, /character 0: id 1.5/],
    [[[['a']]], IdError, /character 0: id a/],
    [{ data: [1, 2, 3], shape: [1, 2, 2] }, ShapeError, /^run: 3 ids of shape \[1,2,2\], expected \[B, T, C\]/],
  ];
  for (const [rows, Class, message] of wrong) assert.throws(() => model.run(rows), says(Class, message));
  assert.throws(
    () => model.run([[[1]]], { lengths: [2] }),
    says(ShapeError, /^run: lengths\[0\] is 2, expected an integer from 0 to T = 1/),
  );
  assert.deepEqual(model.run([])[0].shape, [0, 0, 3]);
  assert.deepEqual(model.run([[], []])[0].shape, [2, 0, 3]);
});

test('a mask or lengths select the words that count, whatever the others contain; a word without characters may count', async () => {
  const model = await create([embedding(), each(new layers.MaskedSum()), ...tagger()]);
  const [first, second] = words(2);
  const alone = bits(model.run([[first, second]])[0].data);
  const padding = [-7, 99];
  const masked = model.run([[first, padding, second, []]], { mask: [[1, 0, 1, 0]] })[0];
  assert.deepEqual(bits(Float32Array.of(...masked.data.subarray(0, 3), ...masked.data.subarray(6, 9))), alone);
  assert.ok([...masked.data.subarray(3, 6), ...masked.data.subarray(9)].every((value) => Object.is(value, 0)));
  const short = model.run([[first, second, padding]], { lengths: [2] })[0];
  assert.deepEqual(bits(short.data.subarray(0, 6)), alone);
  const before = model.stats.steps;
  const counted = model.run([[first, [], second, [0]]], { mask: [[1, 1, 1, 1]] })[0];
  assert.equal(model.stats.steps - before, 8);
  assert.ok(counted.data.every((value) => value !== 0));
});

test('text settings are refused for words of characters', () =>
  assert.rejects(
    create([embedding(), each(new LSTM({ units: 3 }))], { text: { vocabulary: ['', '<unk>', 'a'] } }),
    says(ModelFileError, /^text: text settings need .* token ids or text.parts, this one has 1 of words of characters/),
  ));

/** @param {any[]} list @param {(number | null)[]} shape @param {string} kerasVersion */
const imported = (list, shape, kerasVersion) =>
  createModel({
    architecture: {
      class_name: 'Sequential',
      config: { layers: [{ class_name: 'InputLayer', config: { batch_shape: [null, ...shape] } }, ...list] },
    },
    weights,
    kerasVersion,
    simd,
  });
/** @param {string} class_name @param {any} [config] */
const json = (class_name, config = {}) => ({ class_name, config });
/** @param {any} layer */
const distributed = (layer) => json('TimeDistributed', { layer });
const keras = [
  distributed(json('Embedding', { input_dim: 12, output_dim: 5, mask_zero: true })),
  distributed(json('LSTM', { units: 3 })),
];

test('Keras 3 makes no mask for an Embedding in TimeDistributed: zeros are data, and words must have the length of the model', async () => {
  const model = await imported(keras, [2, 3], '3.15.1');
  assert.equal(model.inputs[0].maskZero, false);
  assert.equal(model.run([[[1, 2, 0], [0, 0, 0]]])[0].shape.join(), '1,2,3'); // prettier-ignore
  assert.throws(() => model.run([[[1, 2], [0, 0, 0]]]), says(ShapeError, /^run: row 0, word 0 has 2 characters, expected exactly 3, as the model has no mask/)); // prettier-ignore
  assert.throws(() => model.run([[[1, 2, 0]]]), says(ShapeError, /^run: row 0 has 1 words, expected exactly 2/));
  const free = await imported(keras, [null, null], '3.15.1');
  assert.throws(() => free.run([[[1, 2], [3]]]), says(ShapeError, /^run: row 0, word 1 has 1 characters, expected exactly 2/));
});

test('in Keras 3, characters that no mask takes away are an ordinary axis for later layers', async () => {
  const list = [
    input('ids', [2, 3]),
    node('TimeDistributed', 'embedded', { layer: json('Embedding', { input_dim: 12, output_dim: 5 }) }, ['ids']),
    node('Reshape', 'reshaped', { target_shape: [2, 15] }, ['embedded']),
    node('Permute', 'permuted', { dims: [2, 1, 3] }, ['embedded']),
  ];
  const architecture = functional(list, ['ids'], ['embedded', 'reshaped', 'permuted']);
  const model = await createModel({ architecture, weights, kerasVersion: '3.15.1', simd });
  const [{ shape, data }, reshaped, permuted] = model.run([[[1, 2, 0], [3, 0, 4]]]); // prettier-ignore
  assert.deepEqual([shape, reshaped.shape, permuted.shape], [[1, 2, 3, 5], [1, 2, 15], [1, 3, 2, 5]]); // prettier-ignore
  assert.deepEqual(reshaped.data, data);
  assert.deepEqual(permuted.data.subarray(5, 10), data.subarray(15, 20));
});

test('layers and models in TimeDistributed that padless cannot apply to words are refused, and the message says why', async () => {
  const returning = each(new LSTM({ units: 2, return_state: true }));
  await assert.rejects(
    create([embedding(), returning]),
    says(UnsupportedError, /\.layer: 3 outputs for each word of characters, expected 1$/),
  );
  const inner = json('Embedding', { name: 'inner', input_dim: 12, output_dim: 5, mask_zero: true });
  const lstm = json('LSTM', { name: 'lstm', units: 3 });
  const list = [
    input('ids', [null, null]),
    node('TimeDistributed', 'bare', { layer: inner }, ['ids']),
    node('TimeDistributed', 'one', { layer: lstm }, ['bare']),
    node('TimeDistributed', 'two', { layer: json('Sequential', { name: 'word', layers: [inner, lstm] }) }, ['ids']),
  ];
  await assert.rejects(
    createModel({ architecture: functional(list, ['ids'], ['one', 'two']), weights, kerasVersion: '3.15.1', simd }),
    says(
      UnsupportedError,
      /^input ids: TimeDistributed around an Embedding with mask_zero, where Keras 3 makes no mask, and around a model/,
    ),
  );
});

test('in Keras 3, a model in TimeDistributed masks characters but not words', async () => {
  const inside = [json('Embedding', { input_dim: 12, output_dim: 5, mask_zero: true }), json('LSTM', { units: 3 })];
  const encoder = distributed(json('Sequential', { name: 'word', layers: inside }));
  const model = await imported([encoder, json('LSTM', { units: 2 })], [null, 3], '3.15.1');
  const [plain] = model.run([[[1, 2], [3]]]); // prettier-ignore
  assert.deepEqual(bits(model.run([[[1, 2, 0], [0, 3, 0]]])[0].data), bits(plain.data)); // prettier-ignore
  assert.notDeepEqual(model.run([[[1, 2], [3], [0, 0]]])[0].data, plain.data); // prettier-ignore
  assert.throws(() => model.run([[[1, 2, 3, 4]]]), says(ShapeError, /word 0 has 4 characters, expected at most 3/));
  const exact = await imported([encoder, json('LSTM', { units: 2 })], [2, 3], '3.15.1');
  assert.throws(() => exact.run([[[1, 2]]]), says(ShapeError, /row 0 has 1 words, expected exactly 2/));
  const sequences = json('LSTM', { units: 3, return_sequences: true });
  /** @type {[any[], RegExp][]} */
  const refused = [
    [
      [distributed(json('Sequential', { name: 'word', layers: [inside[0], sequences] }))],
      /returns values for each character, whose mask Keras 3/,
    ],
    [[inside[0], distributed(inside[1])], /an Embedding with mask_zero of ids \[B, T, C\] gives a mask \[B, T, C\] in Keras 3/],
  ];
  for (const [list, message] of refused)
    await assert.rejects(imported(list, [null, null], '3.15.1'), says(UnsupportedError, message));
});

test('Keras 2 masks characters and words; the error for a layer that reads the padding of a word names the layer', async () => {
  const model = await imported([...keras, json('LSTM', { units: 2 })], [null, null], '2.15.0');
  assert.deepEqual(bits(model.run([[[1, 2, 0], [0, 0, 0], [3, 0, 0]]])[0].data), bits(model.run([[[1, 2], [3]]])[0].data)); // prettier-ignore
  const inner = json('Sequential', {
    name: 'word',
    layers: [json('Conv1D', { filters: 2, kernel_size: 2 }), json('GlobalMaxPooling1D')],
  });
  await assert.rejects(
    imported([keras[0], distributed(inner)], [null, null], '2.15.0'),
    says(UnsupportedError, /conv1_d: reads the padding of words of characters/),
  );
  await assert.rejects(
    imported(keras, [null, null], '2.2.4'),
    says(UnsupportedError, /^input input: mask_zero for words of characters/),
  );
});

test('for Keras models, a layer inside TimeDistributed that would get the mask of the steps is refused', () =>
  assert.rejects(
    imported(
      [json('Embedding', { input_dim: 12, output_dim: 4, mask_zero: true }), distributed(json('Softmax'))],
      [null],
      '3.15.1',
    ),
    says(UnsupportedError, /layer: Softmax inside TimeDistributed gets the mask \[B, T\] of the steps in Keras/),
  ));

const folder = 'cases/ids-3d';
test('a model of words that Keras 3.15 saved answers as Keras does', needs(`${folder}/expected.json`), async () => {
  const { inputs, outputs } = sharedJson(`${folder}/expected.json`);
  const model = await fromKeras(readFileSync(sharedUrl(`${folder}/words_of_chars.keras`)), { simd });
  const [{ data }] = model.run(inputs[0]);
  outputs.flat(3).forEach((/** @type {number} */ value, /** @type {number} */ i) => assert.ok(Math.abs(value - data[i]) < 1e-5));
});
