/** Every failure is a PadlessError, whatever a file contains or a caller passes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { ArgumentError, createModel, IdError, init, loadModel, ModelFileError, PadlessError, ShapeError } from 'padless';
import { fromFastText, fromKeras, fromOnnx, fromTfjs, fromTorch, recognise, toInt8 } from 'padless/import';
import { loadModel as loadInWorker } from 'padless/worker';
import { parse, serialize } from '../../js/file/safetensors.js';
import { random } from '../random.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { weights } = random();
const root = new URL('../../', import.meta.url);
const langid = fileURLToPath(new URL('web/models/langid/langid.safetensors', root));
const bytes = new Uint8Array(readFileSync(langid));

/** An object that cannot be converted to a string. */
const noString = { toString: 1 };
const vocabulary = ['', '<unk>', 'a', 'b'];
const embedding = { class_name: 'Embedding', config: { name: 'embedding', input_dim: 4, output_dim: 3, mask_zero: true } };
const dense = { class_name: 'Dense', config: { name: 'dense', units: 2 } };
const pooling = { class_name: 'GlobalMaxPooling1D', config: { name: 'pooling' } };

/** @param {any[]} layers @param {any} [more] */
const create = (layers, more) =>
  createModel({ architecture: { class_name: 'Sequential', config: { name: 'm', layers } }, weights, simd, ...more });

/** @param {any} promise @param {RegExp} message @param {any} [Class] */
const rejects = (promise, message, Class = ModelFileError) => assert.rejects(promise, says(Class, message));

/** The language model with other settings. @param {any} changes */
function changed(changes) {
  const { metadata, tensors } = parse(bytes);
  const settings = { ...JSON.parse(metadata.padless), ...changes };
  return serialize({ metadata: { padless: JSON.stringify(settings) }, tensors });
}

test('the error for an object in place of text shows the object', async () => {
  await rejects(loadModel(changed({ keras_version: noString })), /^keras_version is \{"toString":1\}, expected text/);
  await rejects(
    create([embedding, pooling], { outputs: [{ name: 'x', kind: noString }] }),
    /^outputs: x has kind \{"toString":1\}, expected/,
  );
  await rejects(
    create([embedding, pooling], { outputs: [{ name: noString, kind: 'scores' }] }),
    /name of output 0 is \{"toString":1\}/,
  );
  for (const threshold of [noString, [noString], null, '0.5', 2, NaN])
    await rejects(
      create([embedding, pooling], { outputs: [{ name: 'x', kind: 'class', threshold }] }),
      /^outputs: x: threshold is .*, expected 0 to 1, for kind class$/,
    );
  const layer = { class_name: noString, config: { name: 'x' } };
  for (const topology of [
    { keras_version: noString, model_config: { class_name: 'Sequential', config: [dense] } },
    { model_config: { class_name: 'Sequential', config: [layer] } },
    { model_config: { class_name: noString, config: { layers: [layer] } } },
    {
      model_config: {
        class_name: 'Model',
        config: { name: noString, layers: [{ ...layer, name: noString, inbound_nodes: noString }] },
      },
    },
  ])
    await assert.rejects(
      fromTfjs({ 'model.json': new Blob([JSON.stringify({ modelTopology: topology, weightsManifest: [] })]) }),
      (error) => error instanceof PadlessError,
      JSON.stringify(topology),
    );
  const dict = serialize({ metadata: {}, tensors: new Map() });
  for (const module of [
    { type: 'LSTM', name: 'rnn', num_layers: noString },
    { type: 'GRU', name: noString },
    { type: noString, name: 'x' },
    { type: 'Linear', name: 'x', bias: noString },
  ])
    await assert.rejects(fromTorch(dict, [/** @type {any} */ (module)]), (error) => error instanceof PadlessError);
});

test('labels must be a list of text, and labels of scores must be different', async () => {
  const tagger = [embedding, dense];
  const classifier = [embedding, pooling];
  for (const [layers, output, message] of /** @type {[any[], any, RegExp][]} */ ([
    [tagger, { kind: 'tags', labels: [1, 2], scheme: 'BIO' }, /label 0 of y is 1, expected text/],
    [tagger, { kind: 'tags', labels: 'ab' }, /the labels of y are "ab", expected a list of text/],
    [classifier, { kind: 'class', labels: ['a', null, 'c'] }, /label 1 of y is null, expected text/],
    [classifier, { kind: 'class', labels: ['a', 'b', 'a'] }, /y has the label "a" twice, as 0 and 2/],
    [classifier, { kind: 'scores', labels: ['a', 'a', 'b'] }, /y has the label "a" twice, as 0 and 1/],
  ]))
    await rejects(create(layers, { outputs: [{ name: 'y', ...output }] }), message);
  const twice = await create(tagger, { outputs: [{ name: 'y', kind: 'tags', labels: ['O', 'O'] }], text: { vocabulary } });
  assert.deepEqual(
    twice.predict('ab').tags?.map(({ label }) => label),
    ['O', 'O'],
  );
});

test('each answer has its own scores, whatever the labels are', async () => {
  const labels = ['__proto__', '10', 'b'];
  const model = await create([embedding, pooling], { outputs: [{ name: 'y', kind: 'class', labels }], text: { vocabulary } });
  const [first, second] = model.predict(['a', 'b']);
  assert.deepEqual(Object.keys(first.scores ?? {}).sort(), [...labels].sort());
  assert.notEqual(first.scores?.b, second.scores?.b);
  assert.deepEqual(JSON.stringify(model.predict('a')), JSON.stringify(first));
  model.outputs[0].labels?.splice(2, 1, 'c');
  assert.deepEqual(Object.keys(model.predict('a').scores ?? {}).sort(), ['10', '__proto__', 'c']);
});

test('tags have labels and spans even if a model returns NaN', async () => {
  /** @param {any} layers */
  const broken = (layers) =>
    new Map([...weights(layers)].map(([name, { shape, data }]) => [name, { shape, data: data.fill(NaN) }]));
  const outputs = [{ name: 'y', kind: 'tags', labels: ['O', 'B-X'], scheme: 'BIO' }];
  for (const more of [[], [{ class_name: 'padless>CRF', config: { name: 'crf' } }]]) {
    const model = await create([embedding, dense, ...more], { outputs, text: { vocabulary }, weights: broken });
    const { tags, spans } = model.predict('ab');
    assert.equal(tags?.length, 2);
    assert.ok(tags?.every(({ label }) => label === 'O' || label === 'B-X'));
    assert.ok(Array.isArray(spans));
  }
});

test('the error for a missing argument or one of another type names it', async () => {
  const model = await create([embedding, pooling], { text: { vocabulary } });
  for (const texts of [null, undefined, 5, { length: -1 }, 'text'])
    assert.throws(() => model.outputsOf(/** @type {any} */ (texts)), says(ArgumentError, /^outputsOf: texts is /));
  assert.equal(model.outputsOf(['a', 'b'])[0].shape[0], 2);
  const none = /** @type {any} */ (null);
  assert.deepEqual(model.run([[2]], none), model.run([[2]]));
  assert.deepEqual(model.trace([[2]], none), model.trace([[2]]));
  for (const parts of [undefined, null, 5])
    await rejects(
      createModel(/** @type {any} */ (parts)),
      /^createModel: parts is \w+, expected \{ architecture, weights \}$/,
      ArgumentError,
    );
  const shapeless = () => new Map([['embedding.embeddings', { data: new Float32Array(12) }]]);
  await rejects(
    create([embedding, pooling], { weights: shapeless }),
    /^embedding\.embeddings: shape is undefined, expected \[4,3\]$/,
    ArgumentError,
  );
  const input = (/** @type {string} */ name) => ({
    class_name: 'InputLayer',
    name,
    config: { name, batch_shape: [null, 2] },
    inbound_nodes: [],
  });
  const architecture = {
    class_name: 'Functional',
    config: {
      name: 'm',
      layers: [
        input('a'),
        input('b'),
        {
          class_name: 'Add',
          name: 'sum',
          config: { name: 'sum' },
          inbound_nodes: [
            [
              ['a', 0, 0, {}],
              ['b', 0, 0, {}],
            ],
          ],
        },
      ],
      input_layers: [
        ['a', 0, 0],
        ['b', 0, 0],
      ],
      output_layers: [['sum', 0, 0]],
    },
  };
  const two = await createModel({ architecture, weights, simd });
  assert.deepEqual([...two.run({ a: [[1, 2]], b: [[3, 4]] }, none)[0].data], [4, 6]);
});

test('an object that cannot become text is refused wherever a text, a label or a number is expected', async () => {
  const outputs = [{ name: 'y', kind: 'class', labels: ['a', 'b', 'c'] }];
  const model = await create([embedding, pooling], { text: { vocabulary }, outputs });
  const text = /** @type {import('padless/text').TextVectorizer} */ (model.text);
  const wrong = /** @type {any} */ (noString);
  const shape = [4, noString];
  for (const [call, message] of /** @type {[() => unknown, RegExp][]} */ ([
    [() => model.run([[wrong]]), /^row 0, step 0: id \{"toString":1\} is not an integer from 0 to 3$/],
    [() => model.run([[/** @type {any} */ ([noString])]]), /id \[\{"toString":1\}\] is not an integer/],
    [() => model.predict('a', { labels: [wrong] }), /^labels: "\{\\"toString\\":1\}" is not one of a, b, c$/],
    [() => model.session({ labels: [wrong] }), /^labels: .* is not one of a, b, c$/],
    [() => text.idOf(wrong), /^token is object, expected a string$/],
    [() => text.idOf(/** @type {any} */ (null)), /^token is null, expected a string$/],
    [() => text.encodeBatch(wrong), /^texts is object, expected a list of strings$/],
    [() => text.encodeBatch(/** @type {any} */ (null)), /^texts is null, expected a list of strings$/],
    [() => text.encodeBatch(/** @type {any} */ ({ length: 1e9 })), /^texts is object, expected a list of strings$/],
    [() => toInt8(wrong), /^toInt8: model is object, expected a Model$/],
    [() => loadInWorker(bytes, { signal: /** @type {any} */ ('') }), /^loadModel: signal is string, expected an AbortSignal$/],
    [
      () =>
        create([embedding, pooling], { weights: () => new Map([['embedding.embeddings', { shape, data: new Float32Array(12) }]]) }),
      /^embedding\.embeddings: shape \[4,\{"toString":1\}\], expected \[4,3\]$/,
    ],
  ]))
    await rejects((async () => call())(), message, PadlessError);
});

test('an unknown option is refused, and the message lists the known options', async () => {
  const model = await create([embedding, pooling], { text: { vocabulary } });
  const options = /** @type {any} */ ({ modul: 1 });
  /** @type {[string, () => unknown][]} */
  const calls = [
    ['loadModel', () => loadModel(bytes, options)],
    ['loadModel', () => loadInWorker(bytes, options)],
    ['createModel', () => create([embedding, pooling], options)],
    ['init', () => init(options)],
    ['run', () => model.run([[1]], options)],
    ['trace', () => model.trace([[1]], options)],
    ['trace', () => model.trace('a', options)],
    ['predict', () => model.predict('a', options)],
    ['session', () => model.session(options)],
    ['fromKeras', () => fromKeras(bytes, options)],
    ['fromTfjs', () => fromTfjs(bytes, options)],
    ['fromTorch', () => fromTorch(bytes, [], options)],
    ['fromOnnx', () => fromOnnx(bytes, options)],
    ['fromFastText', () => fromFastText(bytes, options)],
    ['recognise', () => recognise(bytes, options)],
  ];
  for (const [name, call] of calls)
    await rejects((async () => call())(), new RegExp(`^${name}: option "modul" is unknown, expected some of \\w+`), ArgumentError);
  for (const wrong of [5, 'baseline', () => {}])
    await rejects(loadModel(bytes, /** @type {any} */ (wrong)), /^loadModel: options is .*, expected an object$/, ArgumentError);
});

test('loadModel recognises which build a given module is', async () => {
  /** @param {string} name */
  const wasm = (name) => new Uint8Array(readFileSync(new URL(`js/dist/${name}.wasm`, root)));
  const [baseline, relaxed] = [wasm('padless'), wasm('padless.relaxed')];
  assert.equal((await loadModel(bytes, { module: baseline })).simd, 'baseline');
  await rejects(
    loadModel(bytes, { module: baseline, simd: 'relaxed' }),
    WebAssembly.validate(relaxed) ? /^module: this is the baseline build, but simd is 'relaxed'/ : /no relaxed SIMD/,
    PadlessError,
  );
  if (WebAssembly.validate(relaxed)) {
    assert.equal((await loadModel(bytes, { module: relaxed })).simd, 'relaxed');
    await rejects(
      loadModel(bytes, { module: new WebAssembly.Module(relaxed), simd: 'baseline' }),
      /the relaxed build/,
      ArgumentError,
    );
  }
  const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
  await rejects(loadModel(bytes, { module: empty }), /^module: this is not the wasm of this version of padless$/, ArgumentError);
});

test('bytes, weights and modules of another realm are accepted', async () => {
  const foreign = runInNewContext('({ Uint8Array, Float32Array, Map, ArrayBuffer, WebAssembly })');
  const buffer = new foreign.ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  assert.ok(!(buffer instanceof ArrayBuffer));
  const wasm = readFileSync(new URL('js/dist/padless.wasm', root));
  for (const source of [buffer, new foreign.Uint8Array(buffer)])
    for (const module of [undefined, new foreign.WebAssembly.Module(wasm), foreign.Uint8Array.from(wasm).buffer])
      assert.equal((await loadModel(source, { module, simd: 'baseline' })).predict('Guten Morgen').label, 'de');
  /** @param {any} layers */
  const foreignWeights = (layers) =>
    new foreign.Map(
      [...weights(layers)].map(([name, { shape, data }]) => [name, { shape, data: foreign.Float32Array.from(data) }]),
    );
  const model = await create([embedding, pooling], { weights: foreignWeights });
  assert.equal(model.run([[1, 2]])[0].data.length, 3);
});

test('in a Node without getBuiltinModule, the error says which Node padless needs', () => {
  const script = `
    delete process.getBuiltinModule;
    Object.defineProperty(process, 'getBuiltinModule', { value: undefined });
    const { loadModel } = await import(${JSON.stringify(new URL('js/index.js', root).href)});
    for (const source of [${JSON.stringify(langid)}, new Uint8Array(9)])
      await loadModel(source).catch(({ name, message }) => console.log(name, message));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const line = `EngineError padless needs Node 20.16 or newer, this is Node ${process.versions.node}\n`;
  assert.equal(out, line + line);
});

test('an id outside int32 is refused, even if its low 32 bits are a valid id', async () => {
  const model = await create([embedding, pooling]);
  for (const id of [2 ** 32 + 2, -(2 ** 32) + 2, 2 ** 53, 2n ** 32n + 2n, -1, 4, 2.5, NaN])
    for (const rows of [[[id]], [[1, 2], [id]]])
      assert.throws(() => model.run(/** @type {any} */ (rows)), says(IdError, /: id .* is not an integer from 0 to 3$/));
  assert.equal(model.run([[2]])[0].data.length, 3);
});

test('values of a step that are too few, or no numbers, are refused, and the message says where', async () => {
  const input = { class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, null, 2] } };
  const sequences = await create([input, pooling]);
  for (const wrong of ['2', null, undefined, 2n, true, {}])
    assert.throws(
      () => sequences.run(/** @type {any} */ ([[[0, 0]], [[0, 0], [1, wrong]]])),
      says(ArgumentError, /^run: row 1, step 1: value 1 is (string|null|undefined|bigint|boolean|object), expected a number$/),
    ); // prettier-ignore
  assert.throws(() => sequences.run([[[0, 0], [1]]]), says(ShapeError, /^run: row 0, step 1 has 1 values, expected 2$/)); // prettier-ignore
  const vectors = await create([{ ...input, config: { name: 'x', batch_shape: [null, 2] } }, dense]);
  assert.throws(() => vectors.run(/** @type {any} */ ([[0, 0], [1, '2']])), says(ArgumentError, /^run: row 1: value 1 is /)); // prettier-ignore
  assert.throws(() => vectors.run([[1, 2, 3]]), says(ShapeError, /^run: row 0 has 3 values, expected 2$/));
});

test('rows that are no lists are refused, and the message says whether ids or values are expected', async () => {
  const input = { class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, null, 2] } };
  const [ofIds, ofValues] = [await create([embedding, pooling]), await create([input, pooling])];
  for (const [model, what] of /** @type {[import('padless').Model, string][]} */ ([
    [ofIds, 'token ids'],
    [ofValues, 'values'],
  ])) {
    // prettier-ignore
    assert.throws(() => model.run(/** @type {any} */ ('abc')), says(ArgumentError, new RegExp(`^run: rows are string, expected an array of rows of ${what}$`))); // prettier-ignore
    assert.throws(() => model.run(/** @type {any} */ ([[], 5])), says(ArgumentError, new RegExp(`^run: row 1 is number, expected an array of ${what}$`))); // prettier-ignore
  }
});

test('an engine without WebAssembly, SIMD or relaxed SIMD is refused with what it lacks, and auto takes the build that it has', () => {
  const script = `
    const { init } = await import(${JSON.stringify(new URL('js/index.js', root).href)});
    const say = (options) => init(options).then(({ simd }) => console.log(simd), ({ name, message }) => console.log(name, message));
    const { validate } = WebAssembly;
    WebAssembly.validate = (bytes) => bytes.length < 40 && validate(bytes);
    for (const simd of ['auto', 'baseline', 'relaxed']) await say({ simd });
    WebAssembly.validate = () => false;
    await say();
    delete globalThis.WebAssembly;
    await say();`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const needed = 'padless needs Chrome 91, Firefox 89, Safari 16.4, Node 20 or newer';
  assert.deepEqual(out.trim().split('\n'), [
    'baseline',
    'baseline',
    "EngineError this engine has no relaxed SIMD; use simd: 'auto' or 'baseline'",
    `EngineError this engine has WebAssembly without SIMD; ${needed}`,
    `EngineError this engine has no WebAssembly; ${needed}`,
  ]);
});

test('after a failed compilation, the next model compiles again', () => {
  const script = `
    const { init } = await import(${JSON.stringify(new URL('js/index.js', root).href)});
    const { compile } = WebAssembly;
    WebAssembly.compile = () => Promise.reject(new Error('not now'));
    await init().catch(({ name, message }) => console.log(name, message));
    WebAssembly.compile = compile;
    console.log(typeof (await init()).maskedMean);`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.match(out, /^EngineError the engine refuses to compile WebAssembly \(not now\).*\nfunction\n$/);
});

test('padless/whole calls no import() once it is loaded, for int8 weights, graphs, rare layers and rare text settings', () => {
  const hooks = `
    let denied;
    export const initialize = (given) => (denied = given);
    export function resolve(name, context, next) {
      if (denied[0]) throw new Error('import of ' + name);
      return next(name, context);
    }`;
  const script = `
    import { register } from 'node:module';
    const denied = new Int32Array(new SharedArrayBuffer(4));
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)}, { data: denied });
    const { createModel, loadModel } = await import(${JSON.stringify(new URL('js/whole.js', root).href)});
    denied[0] = 1;
    const entry = (class_name, name, config, ...from) => ({
      class_name, name, config: { name, ...config }, inbound_nodes: from.map((each) => [[each, 0, 0, {}]]),
    });
    const layers = [
      entry('InputLayer', 'ids', { batch_shape: [null, null] }),
      entry('CategoryEncoding', 'counts', { num_tokens: 3, output_mode: 'count' }, 'ids'),
      entry('UnitNormalization', 'unit', {}, 'counts'),
    ];
    const config = { name: 'm', layers, input_layers: [['ids', 0, 0]], output_layers: [['unit', 0, 0]] };
    const text = { unit: 'split', vocabulary: ['', '<unk>', 'a'] };
    const model = await createModel({ architecture: { class_name: 'Functional', config }, weights: () => new Map(), text });
    console.log([...model.outputsOf(['a a'])[0].data].join());
    console.log((await loadModel(${JSON.stringify(langid)})).predict('Guten Morgen').label);
    await import('node:path').catch(({ message }) => console.log(message));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(out, '0,0,1\nde\nimport of node:path\n');
});

test('a message of up to 2000 characters is whole, and a longer one is cut', () => {
  for (const length of [1999, 2000]) assert.equal(new PadlessError('x'.repeat(length)).message, 'x'.repeat(length));
  assert.equal(new PadlessError('x'.repeat(2001)).message, `${'x'.repeat(2000)} ...`);
});

test('loadModel() rejects if its signal is aborted while it loads, even after the bytes are there', async () => {
  const controller = new AbortController();
  const loading = loadModel(bytes, { signal: controller.signal, simd });
  controller.abort();
  await assert.rejects(loading, { name: 'AbortError' });
});
