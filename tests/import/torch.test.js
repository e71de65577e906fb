/**
 * State dicts that PyTorch wrote, compared with its answers: tests/models/torch/make_models.py says which models, goldens.json which versions.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel, ModelFileError, PadlessError, UnsupportedError } from 'padless';
import { fromTorch } from 'padless/import';
import { serialize } from '../../js/file/safetensors.js';
import { assertClose, decode } from '../close.js';
import '../guarded-heap.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../models/torch/', import.meta.url);
const { cases, ...versions } = JSON.parse(readFileSync(new URL('goldens.json', folder), 'utf8'));

for (const { name, file, architecture, ids, lengths, outputs, probabilities, refused } of cases) {
  const load = () => fromTorch(new URL(file, folder), architecture, { simd });
  if (refused) {
    test(`${name} is refused, and the message says why`, async () => {
      await assert.rejects(
        load(),
        (error) => error instanceof UnsupportedError && error.message.includes(refused) && error.message.includes('rnn'),
      );
    });
    continue;
  }
  test(`${name} answers as torch ${versions.torch} does`, async () => {
    const model = await load();
    const unit = probabilities ? 1e-5 : 1e-4;
    for (const each of [model, await loadModel(model.save(), { simd })]) {
      const [{ shape, data }] = each.run(ids, lengths ? { lengths } : {});
      const [golden] = outputs;
      assert.deepEqual(shape, golden.shape);
      const [, T] = shape;
      const step = data.length / (shape[0] * T);
      // Values at padded steps are not compared.
      /** @param {number} i */
      const counts = (i) => !lengths || shape.length < 3 || Math.floor(i / step) % T < lengths[Math.floor(i / step / T)];
      assertClose(data, decode(golden.data), { unit, counts, what: `${name} [${shape}]` });
    }
  });
}

const file = new URL('bilstm-tagger.safetensors', folder);
const tagger = cases.find((/** @type {any} */ each) => each.name === 'bilstm-tagger').architecture;
/** @param {any} modules @param {any} Class @param {RegExp} message @param {any} [from] */
const fails = (modules, Class, message, from = file) => assert.rejects(fromTorch(from, modules), says(Class, message));
/** A state dict of float32 values. @param {Record<string, [number[], number[]]>} tensors  shape and values */
const stateDict = (tensors) =>
  serialize({
    metadata: {},
    tensors: new Map(
      Object.entries(tensors).map(([name, [shape, values]]) => [
        name,
        { dtype: /** @type {const} */ ('F32'), shape, data: new Uint8Array(Float32Array.from(values).buffer) },
      ]),
    ),
  });

test('the error for a missing weight, an unused weight or an unknown type names it', async () => {
  for (const module of [null, 3, 'Linear', {}, { type: 'Linear', name: 7 }])
    await fails([...tagger, module], ModelFileError, /module \d is .*, expected \{ type, name, \.\.\. \}$/);
  await fails([...tagger, { type: 'Linear', name: 'more' }], ModelFileError, /more\.weight is not in the state dict/);
  await fails(tagger.slice(0, 2), ModelFileError, /no module of the architecture uses linear\.\w+, linear\.\w+; .*"ignore"/);
  const ten = Array.from({ length: 10 }, (_, i) => `t${i}`);
  const many = stateDict(Object.fromEntries([...ten, 'last'].map((name) => [name, [[1], [0]]])));
  await fails([{ type: 'Input', shape: [1] }], ModelFileError, new RegExp(`uses ${ten.join(', ')}; if`), many);
  await fails(
    [{ type: 'Transformer', name: 'x' }],
    UnsupportedError,
    /x: type "Transformer" is not supported; the types are Input, Emb/,
  );
  for (const architecture of ['Embedding', [], { modules: 3 }, { layers: tagger }, null])
    await fails(architecture, ModelFileError, /expected a list of modules or \{ modules: \[\.\.\.\] \}$/);
  await fails(
    { modules: tagger, prefix: 3 },
    ModelFileError,
    /prefix is 3 and ignore \[\], expected a string and a list of strings/,
  );
  await fails(tagger, ModelFileError, /: 9 bytes, neither \.safetensors nor written by torch\.save/, new Uint8Array(9));
  await fails({ modules: tagger, ignore: ['a', 3] }, ModelFileError, /ignore \["a",3\], expected a string and a list of strings/);
  await fails({ modules: tagger, ignore: 'linear' }, ModelFileError, /ignore "linear", expected a string and a list of strings/);
  await fails({ modules: tagger, strict: false }, ModelFileError, /has "strict", expected modules, prefix and ignore/);
});

test('unsupported options that change the answer are refused; options that do not change it are ignored', async () => {
  const [embedding, lstm, linear] = tagger;
  for (const [modules, message] of /** @type {[any[], RegExp][]} */ ([
    [[...tagger, { type: 'Softmax', dim: 1 }], /Softmax has dim=1; padless supports -1, 2/],
    [[...tagger, { type: 'GELU', approximate: 'sigmoid' }], /approximate="sigmoid", expected "none" or "tanh"/],
    [[...tagger, { type: 'MaxPool1d', kernel_size: 2, ceil_mode: true }], /ceil_mode=true/],
    [[...tagger, { type: 'MaxPool1d', kernel_size: 2, dilation: 2 }], /dilation=2/],
    [[...tagger, { type: 'MaxPool1d', kernel_size: 2, return_indices: true }], /return_indices=true/],
    [[...tagger, { type: 'MaxPool1d' }], /kernel_size=undefined, expected an integer from 1 on/],
    [[...tagger, { type: 'AdaptiveMaxPool1d', output_size: 2 }], /output_size=2/],
    [[...tagger, { type: 'Flatten' }], /order="", expected "time" or "channels"/],
    [[...tagger, { type: 'Flatten', order: 'time', start_dim: 0 }], /start_dim=0/],
    [[...tagger, { type: 'Softplus', beta: 0 }], /beta=0/],
    [[...tagger, { type: 'ELU', alpha: 'x' }], /alpha="x", expected a number/],
    [[{ ...embedding, max_norm: 1 }, lstm, linear], /max_norm=1/],
    [
      [embedding, { ...lstm, return_sequences: false }, linear],
      /LSTM has return_sequences=false; its options are input_size, hidden/,
    ],
    [[embedding, { ...lstm, returns: 'final' }, linear], /returns="final", expected "sequence" or "last"/],
    [[embedding, { ...lstm, num_layers: 0 }, linear], /num_layers=0/],
  ]))
    await fails(modules, UnsupportedError, message);
  // The size of a projection is an option, or the first size of its weights.
  const projected = stateDict({ 'rnn.weight_hr_l0': [[3, 5], Array(15).fill(1)] }); // prettier-ignore
  for (const [options, size] of /** @type {[any, number][]} */ ([
    [{}, 3],
    [{ proj_size: 3 }, 3],
    [{ proj_size: 7 }, 7],
  ]))
    // prettier-ignore
    await fails([{ ...lstm, ...options }], UnsupportedError, new RegExp(`rnn: LSTM with proj_size=${size}; padless has no`), projected);
  await fails([embedding, { ...lstm, proj_size: 2 }, linear], UnsupportedError, /rnn: LSTM with proj_size=2; padless has no/);
  await fromTorch(file, [{ ...embedding, sparse: true }, { ...lstm, dropout: 0.1 }, linear, { type: 'Softmax', dim: 2 }], { simd });
  await fromTorch(file, [embedding, { ...lstm, returns: 'last' }, linear, { type: 'Softmax', dim: 1, device: 'cpu' }], { simd });
});

test('a description whose sizes differ from those of the weights is refused', async () => {
  const [embedding, lstm, linear] = tagger;
  for (const [modules, message] of /** @type {[any[], RegExp][]} */ ([
    [[{ ...embedding, num_embeddings: 13 }, lstm, linear], /embedding: Embedding has num_embeddings=13, its weights have 12/],
    [[embedding, { ...lstm, hidden_size: 6 }, linear], /hidden_size=6, its weights have 5/],
    [[embedding, lstm, { ...linear, out_features: 4 }], /out_features=4, its weights have 3/],
    [
      [embedding, { ...lstm, type: 'GRU' }, linear],
      /rnn: weights_l0 of shapes \[20,4\] and \[20,5\]; an GRU of 5 units has \[15,4\] and \[15,5\]/,
    ],
    [[embedding, linear, lstm], /linear: Linear reads 10 features, but its input has 4/],
    [[lstm, embedding, linear], /embedding: Embedding reads token ids, but its input is values: it has to be the first module/],
    [[{ type: 'ReLU' }, ...tagger], /reads token ids, but its input is values/],
    [
      [embedding, { ...lstm, returns: 'last' }, { type: 'Mean' }, linear],
      /module 2: Mean reads a sequence \[B, T, D\], but its input is vectors/,
    ],
    [[embedding, lstm, linear, { type: 'PReLU', name: 'rnn', weight: 'x' }], /PReLU has weight="x"/],
  ]))
    await assert.rejects(fromTorch(file, modules), says(PadlessError, message));
});

test('weights of another type, rank or input than their module has are refused', async () => {
  const dict = serialize({ metadata: {}, tensors: new Map([['l.weight', { dtype: 'I32', shape: [1], data: new Uint8Array(4) }]]) });
  const linear = { type: 'Linear', name: 'l', bias: false };
  await fails([linear], UnsupportedError, /l\.weight: dtype I32, expected one of F32, F64, F16, BF16$/, dict);
  await fails(
    [linear],
    ModelFileError,
    /a weight of shape \[2\], expected 2 sizes from 1 on$/,
    stateDict({ 'l.weight': [[2], [1, 2]] }),
  );
  const values = stateDict({ 'l.weight': [[1, 2], [1, 2]] }); // prettier-ignore
  const names = (await fromTorch(values, [linear, { type: 'ReLU' }, { type: 'ReLU' }], { simd })).root
    .all()
    .map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});

test('the option `weight` names a tied weight, also outside the prefix', async () => {
  const plain = stateDict({
    'encoder.weight': [
      [3, 2],
      [1, 2, 3, 4, 5, 6],
    ],
    'decoder.bias': [[3], [10, 20, 30]],
  });
  const modules = [
    { type: 'Embedding', name: 'encoder' },
    { type: 'Linear', name: 'decoder', weight: 'encoder.weight' },
  ];
  const expected = [5 + 10, 11 + 20, 17 + 30, 11 + 10, 25 + 20, 39 + 30];
  assert.deepEqual([...(await fromTorch(plain, modules, { simd })).run([[0, 1]])[0].data], expected);
  await fails(
    [modules[0], { ...modules[1], weight: undefined }],
    ModelFileError,
    /decoder\.weight is not in the state dict/,
    plain,
  );
  await fails(
    [modules[0], { ...modules[1], weight: 'embed.weight' }],
    ModelFileError,
    /embed\.weight is not in the state dict/,
    plain,
  );
  const outside = stateDict({
    'a.encoder.weight': [
      [3, 2],
      [1, 2, 3, 4, 5, 6],
    ],
    'b.embed.weight': [
      [3, 2],
      [1, 2, 3, 4, 5, 6],
    ],
    'b.decoder.bias': [[3], [10, 20, 30]],
  });
  const part = {
    prefix: 'b',
    modules: [
      { type: 'Embedding', name: 'embed' },
      { ...modules[1], weight: 'a.encoder.weight' },
    ],
  };
  assert.deepEqual([...(await fromTorch(outside, part, { simd })).run([[0, 1]])[0].data], expected);
});

test('a module that is listed twice uses the same weights twice; a single module needs no name', async () => {
  const state = stateDict({
    weight: [
      [2, 2],
      [1, 2, 3, 4],
    ],
    bias: [[2], [1, 1]],
  });
  const twice = await fromTorch(state, [{ type: 'Linear' }, { type: 'Linear' }], { simd });
  assert.deepEqual(twice.inputs[0].shape, [2]);
  // [1, 1] -> [4, 8] -> [21, 45]
  assert.deepEqual([...twice.run([[1, 1]])[0].data], [21, 45]);
});

test('the modules, or an Input, decide whether a model reads vectors or sequences', async () => {
  const state = stateDict({
    'fc.weight': [
      [1, 3],
      [1, 10, 100],
    ],
  });
  const linear = { type: 'Linear', name: 'fc' };
  const shapeOf = async (/** @type {any[]} */ modules) => (await fromTorch(state, modules, { simd })).inputs[0].shape;
  assert.deepEqual(await shapeOf([linear]), [3]);
  assert.deepEqual(await shapeOf([linear, { type: 'Mean' }]), [null, 3]);
  assert.deepEqual(await shapeOf([{ type: 'Dropout' }, { type: 'ReLU' }, linear, { type: 'Max' }]), [null, 3]);
  assert.deepEqual(await shapeOf([{ type: 'Input', shape: [null, 3] }, linear]), [null, 3]);
  assert.deepEqual(await shapeOf([{ type: 'Input', shape: [7, 3] }, linear]), [7, 3]);
  const model = await fromTorch(state, [linear, { type: 'Sum' }], { simd });
  assert.deepEqual([...model.run([[[1, 2, 3], [4, 5, 6]], [[1, 1, 1]]])[0].data], [321 + 654, 111]); // prettier-ignore
  for (const [modules, message] of /** @type {[any[], RegExp][]} */ ([
    [[{ type: 'Input', shape: [4] }, linear], /Linear reads 3 features, but its input has 4/],
    [[{ type: 'Input', shape: [null] }, linear], /Input has shape=\[null\]; the model reads vectors, expected \[D\]/],
    [[{ type: 'Input', shape: 3 }, linear], /Input has shape=3/],
    [[linear, { type: 'Input', shape: [1] }], /Input comes after other modules/],
    [[{ type: 'ReLU' }, { type: 'Mean' }], /no module of the architecture uses fc\.weight/],
  ]))
    await fails(modules, ModelFileError, message, state);
  for (const [option, size] of [
    ['in_features', 3],
    ['out_features', 1],
  ])
    // prettier-ignore
    await fails([{ ...linear, [option]: 4 }], ModelFileError, new RegExp(`Linear has ${option}=4, its weights have ${size}`), state);
  const flat = [{ type: 'Input', shape: [3, 1] }, { type: 'Flatten', order: 'time' }]; // prettier-ignore
  const whole = await fromTorch(state, [...flat, linear], { simd });
  assert.deepEqual([...whole.run([[[1], [2], [3]]])[0].data], [321]);
  await fails(
    [...flat, { type: 'Sum' }, linear],
    ModelFileError,
    /Sum reads a sequence \[B, T, D\], but its input is vectors/,
    state,
  );
  await fails(
    { ignore: ['fc'], modules: [{ type: 'ReLU' }, { type: 'Mean' }] },
    ModelFileError,
    /input features D is not known; begin with \{ "type": "Input", "shape": \[null, D\] \}$/,
    state,
  );
  await fails({ ignore: ['fc'], modules: [{ type: 'ReLU' }] }, ModelFileError, /"shape": \[D\] \}$/, state);
  const rms = await fromTorch(state, { ignore: ['fc'], modules: [{ type: 'Input', shape: [1] }, { type: 'RMSNorm' }] }, { simd });
  const [[{ data: small }], tiny] = [rms.run([[2 ** -12]]), 2 ** -12 / Math.sqrt(2 ** -24 + 2 ** -23)];
  assert.ok(Math.abs(small[0] - tiny) < 1e-6, `${small[0]}, expected ${tiny}`);
  await fails({ ignore: ['fc'], modules: [{ type: 'Input', shape: [2] }] }, ModelFileError, /no module that computes/, state);
});

test('rows are computed without padding, unless an Input gives them the length of padded rows', async () => {
  const { architecture } = cases.find((/** @type {any} */ each) => each.name === 'lstm-unpacked');
  const unpacked = new URL('lstm-unpacked.safetensors', folder);
  const text = { vocabulary: ['', '', ...'abcdefghij'], unknown: null };
  const packed = await fromTorch(unpacked, architecture, { simd, text });
  assert.equal(packed.text?.mask, true);
  const [short, padded] = [packed.run([[2, 3]]), packed.run([[2, 3, 0, 0, 0]])];
  assert.notDeepEqual(short, padded);
  const fixed = await fromTorch(unpacked, [{ type: 'Input', shape: [5] }, ...architecture], { simd, text });
  assert.deepEqual([fixed.text?.mask, fixed.text?.length], [false, 5]);
  const scores = (/** @type {any} */ answer) => Object.values(answer.scores);
  assert.deepEqual(scores(fixed.predict('ab')), [...padded[0].data]);
  assert.deepEqual(scores(packed.predict('ab')), [...short[0].data]);
  assert.deepEqual(fixed.run([[2, 3, 0, 0, 0]]), padded);
});

test('a Conv1d with padding and a stride pads both sides as in torch; padding "same" with a stride is refused', async () => {
  const dict = stateDict({
    'conv.weight': [
      [1, 1, 3],
      [1, 10, 100],
    ],
  });
  /** @param {any} options */
  const load = (options) =>
    fromTorch(dict, [{ type: 'Conv1d', name: 'conv', in_channels: 1, out_channels: 1, kernel_size: 3, bias: false, ...options }], {
      simd,
    });
  const answer = async (/** @type {any} */ options) => [...(await load(options)).run([[[1], [2], [3], [4]]])[0].data];
  assert.deepEqual(await answer({ stride: 2, padding: 1 }), [210, 432]);
  assert.deepEqual(await answer({ stride: 1, padding: 1 }), [210, 321, 432, 43]);
  assert.deepEqual(await answer({ stride: 1, padding: 'same' }), [210, 321, 432, 43]);
  assert.deepEqual(await answer({ stride: 2, padding: 2 }), [100, 321, 43]);
  assert.deepEqual(await answer({ stride: 2, padding: 'valid' }), [321]);
  await assert.rejects(load({ stride: 2, padding: 'same' }), says(UnsupportedError, /conv: .*padding.*same/));
});

test('an EmbeddingBag leaves out padding_idx: any row of a sum, id 0 of a mean or a maximum', async () => {
  const bag = stateDict({ weight: [[3, 2], [1, 2, 10, 20, 100, 200]] }); // prettier-ignore
  for (const [options, value] of /** @type {[any, number][]} */ ([
    [{ mode: 'sum' }, 211],
    [{ mode: 'sum', padding_idx: 0 }, 210],
    [{ mode: 'sum', padding_idx: 1 }, 201],
    [{ mode: 'sum', padding_idx: -1 }, 11],
    [{ mode: 'sum', padding_idx: -3 }, 210],
    [{ mode: 'mean' }, 211 / 4],
    [{ padding_idx: 0 }, 70],
    [{ mode: 'max', padding_idx: 0 }, 100],
  ])) {
    const model = await fromTorch(bag, [{ type: 'EmbeddingBag', ...options }], { simd });
    assert.deepEqual([...model.run([[0, 1, 2, 2]])[0].data], [value, 2 * value], JSON.stringify(options));
  }
  for (const padding_idx of [3, -4, 0.5, '0'])
    await fails(
      [{ type: 'EmbeddingBag', mode: 'sum', padding_idx }],
      ModelFileError,
      /padding_idx is .*, the table has 3 rows/,
      bag,
    );
  await fails([{ type: 'EmbeddingBag', padding_idx: 1 }], UnsupportedError, /padding_idx=1/, bag);
});

test('a PReLU and norms scale each feature of vectors and of sequences, and their sizes are compared with the weights', async () => {
  const state = stateDict({ 'n.weight': [[2], [0.5, -1]] }); // prettier-ignore
  const prelu = { type: 'PReLU', name: 'n' };
  for (const shape of [[2], [null, 2]]) {
    const model = await fromTorch(state, [{ type: 'Input', shape }, prelu], { simd });
    const row = [-4, -2];
    assert.deepEqual([...model.run([shape.length > 1 ? /** @type {any} */ ([row]) : row])[0].data], [-2, 2]);
  }
  const all = stateDict({
    ...{ 'n.weight': [[2], [1, 1]], 'n.bias': [[2], [0, 0]], 'n.running_mean': [[2], [0, 0]], 'n.running_var': [[2], [1, 1]] },
    'l.weight': [[3, 1], [1, 1, 1]],
  }); // prettier-ignore
  for (const [module, option] of /** @type {[any, string][]} */ ([
    [prelu, 'num_parameters'],
    [{ type: 'RMSNorm', name: 'n' }, 'normalized_shape'],
    [{ type: 'LayerNorm', name: 'n' }, 'normalized_shape'],
    [{ type: 'BatchNorm1d', name: 'n' }, 'num_features'],
    [{ type: 'GroupNorm', name: 'n', num_groups: 1 }, 'num_channels'],
    [{ type: 'InstanceNorm1d', name: 'n' }, 'num_features'],
  ])) {
    const input = { type: 'Input', shape: [null, 2] };
    await fails(
      [input, { ...module, [option]: 4 }],
      ModelFileError,
      new RegExp(`n: \\w+ has ${option}=4, its weights have 2`),
      all,
    );
    const wider = [{ type: 'Input', shape: [null, 1] }, { type: 'Linear', name: 'l' }, module];
    await fails(wider, ModelFileError, /n: \w+ reads 2 features, but its input has 3/, all);
  }
  for (const [type, track_running_stats] of /** @type {[string, boolean][]} */ ([
    ['InstanceNorm1d', true],
    ['BatchNorm1d', false],
  ]))
    // prettier-ignore
    await fails(
      [{ type: 'Input', shape: [null, 2] }, { type, name: 'n', track_running_stats }],
      UnsupportedError,
      new RegExp(`n: ${type} has track_running_stats=${track_running_stats}`),
      all,
    );
});
