/**
 * Models without a mask: zeros are data, and the model determines their number and their side. Tests what run() refuses, which text settings such
 * models get, and what the command line prints.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createModel, loadModel, ModelFileError, ShapeError } from 'padless';
import { fromKeras, fromTfjs, fromTorch } from 'padless/import';
import { file, padless } from '../command.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const vocabulary = ['', '<unk>', 'a', 'b', 'c'];
const LENGTH = 6;

/** An Embedding and a SimpleRNN; every row of the table differs, so each id and each zero changes the answer. @param {any} [embedding] @param {number | null} [length] */
const json = (embedding = {}, length = LENGTH) => ({
  class_name: 'Sequential',
  config: {
    name: 'model',
    layers: [
      { class_name: 'InputLayer', config: { name: 'ids', batch_shape: [null, length] } },
      { class_name: 'Embedding', config: { name: 'table', input_dim: vocabulary.length, output_dim: 1, ...embedding } },
      { class_name: 'SimpleRNN', config: { name: 'rnn', units: 1 } },
    ],
  },
});
const table = Float32Array.of(0.5, 1, 2, 3, 4);
const arrays = () =>
  new Map([
    ['table.embeddings', { shape: [vocabulary.length, 1], data: table }],
    ['rnn.kernel', { shape: [1, 1], data: Float32Array.of(0.25) }],
    ['rnn.recurrent_kernel', { shape: [1, 1], data: Float32Array.of(-0.5) }],
    ['rnn.bias', { shape: [1], data: Float32Array.of(0.125) }],
  ]);
/** The RNN's answer for ids that all count. @param {number[]} ids */
const expected = (ids) => ids.reduce((h, id) => Math.tanh(table[id] * 0.25 - 0.5 * h + 0.125), 0);
/** @param {any} [parts] @param {any} [embedding] @param {number | null} [length] */
const make = (parts, embedding, length) =>
  createModel({ architecture: json(embedding, length), weights: arrays, kerasVersion: '3.5.0', simd, ...parts });
/** @param {any} answer @param {number[]} ids */
const answers = (answer, ids) =>
  assert.ok(Math.abs(answer.scores[0] - expected(ids)) < 1e-6, `${answer.scores[0]}, ${expected(ids)}`);

test('a model with a fixed length and no mask accepts only rows of that length', async () => {
  const model = await make();
  assert.ok(Math.abs(model.run([[2, 3, 0, 0, 0, 0]])[0].data[0] - expected([2, 3, 0, 0, 0, 0])) < 1e-6);
  const said = /run: row 1 has 2 steps, expected exactly 6, as the model has no mask/;
  assert.throws(
    () =>
      model.run([
        [2, 3, 0, 0, 0, 0],
        [2, 3],
      ]),
    says(ShapeError, said),
  );
  assert.throws(() => model.run([[1], [1, 2, 3, 4, 4, 4, 4]]), says(ShapeError, /row 0 has 1 steps/));
  assert.throws(() => model.run({ data: Int32Array.of(1, 2), shape: [1, 2] }), says(ShapeError, /row 0 has 2 steps/));
  assert.throws(() => model.session().run([2, 3]), says(ShapeError, /row 0 has 2 steps/));
  assert.equal(model.run([])[0].data.length, 0);
  // With a mask or lengths from the caller, any length is accepted.
  assert.ok(Math.abs(model.run([[2, 3]], { lengths: [2] })[0].data[0] - expected([2, 3])) < 1e-6);
  assert.ok(Math.abs(model.run([[2, 3]], { mask: [[1, 1]] })[0].data[0] - expected([2, 3])) < 1e-6);
});

test('a model that masks, or whose length varies, accepts rows of any length', async () => {
  for (const model of [await make({}, { mask_zero: true }), await make({}, {}, null)])
    assert.ok(Math.abs(model.run([[2, 3]])[0].data[0] - expected([2, 3])) < 1e-6);
});

test('a model of values with a fixed length accepts only rows of that length, unless it has a Masking layer', async () => {
  const rnn = json().config.layers[2];
  /** @param {any[]} layers */
  const ofValues = (...layers) => {
    const all = [{ class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, 4, 1] } }, ...layers, rnn];
    const weights = () => new Map([...arrays()].filter(([path]) => path.startsWith('rnn')));
    const architecture = { class_name: 'Sequential', config: { name: 'model', layers: all } };
    return createModel({ architecture, weights, kerasVersion: '3.5.0', simd });
  };
  const plain = await ofValues();
  assert.throws(() => plain.run([[[1], [2]]]), says(ShapeError, /row 0 has 2 steps, expected exactly 4/));
  assert.throws(() => plain.run({ data: Float32Array.of(1, 2), shape: [1, 2, 1] }), says(ShapeError, /row 0 has 2 steps/));
  const masked = await ofValues({ class_name: 'Masking', config: { name: 'masking', mask_value: 0 } });
  assert.equal(masked.run([[[1], [2]]])[0].data.length, 1);
});

/** The same model from each function that creates models. @type {Record<string, (text: any) => Promise<any>>} */
const ways = {
  'createModel, with the rules of Keras': (text) => make({ text }),
  "createModel, with padless's own": (text) => make({ text, kerasVersion: undefined }),
  'a file of padless': async (text) => loadModel((await make({ text })).save(), { simd }),
  fromTfjs: (text) => {
    const weights = [...arrays()].map(([path, { shape }]) => ({ name: path.replace('.', '/'), shape, dtype: 'float32' }));
    const bytes = new Uint8Array(Float32Array.from([...arrays().values()].flatMap(({ data }) => [...data])).buffer);
    const manifest = [{ paths: ['w.bin'], weights }];
    const main = { modelTopology: { keras_version: '2.4.0', model_config: json() }, weightsManifest: manifest };
    return fromTfjs({ 'model.json': new TextEncoder().encode(JSON.stringify(main)), 'w.bin': bytes }, { text, simd });
  },
};
for (const [way, open] of Object.entries(ways)) {
  test(`a model with a fixed length and no mask pads texts to its length, and padding is data: ${way}`, async () => {
    const text = { unit: 'split', split: ' ', vocabulary };
    answers((await open(text)).predict('a b'), [2, 3, 0, 0, 0, 0]);
    answers((await open({ ...text, padding: 'pre' })).predict('a b'), [0, 0, 0, 0, 2, 3]);
    answers((await open({ ...text, padding: 'pre', truncation: 'pre' })).predict('a a b b c c a'), [2, 3, 3, 4, 4, 2]);
    // The caller may choose to mask.
    answers((await open({ ...text, mask: true })).predict('a b'), [2, 3]);
    await assert.rejects(
      open({ ...text, length: 4 }),
      says(
        ModelFileError,
        /text: length is 4, expected 6, as the model has this length and no mask; leave length out, or set mask: true$/,
      ),
    );
  });
}

test('fromKeras pads texts to the length of such a model, also without a tokenizer', async () => {
  const url = new URL('keras-files/lstm-classifier-pre.keras', import.meta.url);
  const words = ['', '<unk>', 'a', 'b'];
  const model = await fromKeras(readFileSync(url), { simd, text: { unit: 'split', vocabulary: words, padding: 'pre' } });
  const [length] = model.inputs[0].shape;
  const row = [...new Array(Number(length) - 2).fill(0), 2, 3];
  assert.deepEqual(model.outputsOf(['a b'])[0].data, model.run([row])[0].data);
});

test("if the caller sets a length for a framework's model without a mask, padding is data, too", async () => {
  const text = { unit: 'split', vocabulary, length: 4 };
  answers((await make({ text }, {}, null)).predict('a b'), [2, 3, 0, 0]);
  answers((await make({ text }, { mask_zero: true }, null)).predict('a b'), [2, 3]);
  // In models of padless and PyTorch, padding is masked.
  answers((await make({ text, kerasVersion: undefined }, {}, null)).predict('a b'), [2, 3]);
});

test('text settings whose padding id differs from that of the model are refused', async () => {
  const text = { vocabulary: ['a', 'b', 'c'], unknown: null };
  await assert.rejects(
    make({ text: { ...text, pad: null } }, { mask_zero: true }),
    says(ModelFileError, /pad is null, expected 0, as the embedding has mask_zero/),
  );
  await assert.rejects(make({ text: { ...text, pad: null } }), says(ModelFileError, /pad is null; where padding is data/));
  const architecture = json({}, null);
  const [ids, embedding] = architecture.config.layers;
  const layers = ['Masking', 'GlobalMaxPooling1D'].map((name) => ({ class_name: name, config: { name } }));
  await assert.rejects(
    createModel({
      architecture: { ...architecture, config: { name: 'model', layers: [ids, embedding, ...layers] } },
      weights: () => new Map([...arrays()].slice(0, 1)),
      kerasVersion: '3.5.0',
      simd,
      text: { ...text, pad: null },
    }),
    says(ModelFileError, /^text: pad is null, expected an id, as GlobalMaxPooling1D reads padding$/),
  );
});

test('a PyTorch model whose vocabulary has no entry for padding reads id 0 as a token', async () => {
  const state = new Map([...arrays()].filter(([path]) => path === 'table.embeddings'));
  const { serialize } = await import('../../js/file/safetensors.js');
  const data = new Uint8Array(/** @type {any} */ (state.get('table.embeddings')).data.slice().buffer);
  const tensors = /** @type {any} */ (new Map([['table.weight', { dtype: 'F32', shape: [5, 1], data }]]));
  const text = { vocabulary: ['a', 'b', 'c', 'd', 'e'], pad: null, unknown: null };
  const model = await fromTorch(serialize({ metadata: {}, tensors }), [{ type: 'Embedding', name: 'table' }], { simd, text });
  const [{ data: values, shape }] = model.outputsOf(['abc', 'e']);
  assert.deepEqual(
    [[...values], shape],
    [
      [0.5, 1, 2, 4, 0, 0],
      [2, 3, 1],
    ],
  );
});

test('info and convert say either that zeros are data, with length and side, or that padding changes no bit', async () => {
  /** @param {any} parts @param {any[]} more */
  const said = async (parts, ...more) => {
    const path = file('model.safetensors', (await make(parts, ...more)).save());
    const { stdout } = padless('info', path);
    const converted = padless('convert', path, '-o', path).stdout;
    const lines = [...stdout.matchAll(/^padding {5}(.*)$/gm)].map(([, line]) => line);
    assert.deepEqual(
      [...converted.matchAll(/^padding: (.*)$/gm)].map(([, line]) => line),
      lines,
    );
    return lines.join('\n');
  };
  const text = { unit: 'split', vocabulary };
  assert.equal(
    await said({}),
    'zeros are data: no layer masks ids, whose rows have 6 steps; pad and cut rows on the side that training did',
  );
  assert.equal(await said({ text }), 'zeros are data: texts are padded behind to 6 tokens, longer ones cut behind');
  assert.equal(
    await said({ text: { ...text, padding: 'pre', truncation: 'pre' } }),
    'zeros are data: texts are padded in front to 6 tokens, longer ones cut in front',
  );
  assert.equal(await said({}, { mask_zero: true }), "changes no bit of this model's answers");
  assert.equal(
    await said({}, {}, null),
    "changes no bit of this model's answers; a 0 in a row is no padding, as no layer masks ids",
  );
});

test('info and convert say that a model of another precision is computed in float32', async () => {
  /** @param {any} dtype  of the embedding, as Keras writes it */
  const said = async (dtype) => {
    const path = file('model.safetensors', (await make({}, { dtype })).save());
    const { stdout } = padless('info', path);
    const [, line] = /^precision {3}(.*)$/m.exec(stdout) ?? [];
    assert.equal(/^precision: (.*)$/m.exec(padless('convert', path, '-o', path).stdout)?.[1], line);
    return line;
  };
  for (const name of ['mixed_float16', 'mixed_bfloat16', 'float64'])
    for (const dtype of [name, { module: 'keras', class_name: 'DTypePolicy', config: { name }, registered_name: null }])
      assert.equal(await said(dtype), `float32, where the file has ${name}: answers differ from the framework's by its rounding`);
  assert.equal(await said('float32'), undefined);
  assert.equal(await said(undefined), undefined);
});

test('--keras-version says which Keras saved a JSON', async () => {
  const path = new URL('keras-files/activation-layer-json', import.meta.url).pathname;
  const output = file('model.safetensors', '');
  const given = ['convert', `${path}.json`, '-o', output, '--weights', `${path}.weights.h5`];
  assert.equal(padless(...given, '--keras-version', '3.15.1').status, 0);
  assert.match(padless('info', output).stdout, /^saved by {4}Keras 3\.15\.1$/m);
  assert.equal(padless(...given).status, 0);
  assert.match(padless('info', output).stdout, /^saved by {4}Keras 3$/m);
});
