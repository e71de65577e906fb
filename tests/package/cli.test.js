/** The command line: help, and messages for wrong commands, arguments and files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { createModel, loadModel } from 'padless';
import { file, folder, padless, padlessIn } from '../command.js';
import { sequential } from '../keras-json.js';

const root = new URL('../../', import.meta.url);
const model = fileURLToPath(new URL('web/models/langid-gru/langid-gru.safetensors', root));

const overview = padless('--help');
const commands = [...overview.stdout.matchAll(/^ {2}([a-z]+) [A-Z]/gm)].map(([, name]) => name);

test('--help names every command, and each command has its own help', () => {
  assert.equal(overview.status, 0);
  assert.deepEqual(padless(), overview);
  assert.deepEqual(commands, ['info', 'run', 'convert', 'eval', 'record', 'check', 'bench']);
  for (const line of overview.stdout.split('\n')) assert.ok(line.length <= 150, line);
  for (const name of commands) {
    const { status, stdout } = padless(name, '--help');
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^usage: padless ${name} [A-Z].*\n  .*\n`));
    assert.match(stdout, /\noptions:\n(.|\n)* --help /);
    assert.match(stdout, /^ {2}--layers FILE\.mjs {2,}\S/m);
    assert.doesNotMatch(stdout, /undefined/);
    assert.equal(padless('help', name).stdout, stdout);
    assert.equal(padless(name, '-h').stdout, stdout);
  }
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  assert.deepEqual([padless('--version'), padless('-v')], new Array(2).fill({ status: 0, stdout: `${version}\n`, stderr: '' }));
  assert.deepEqual(padless('-h'), overview);
});

test('the help of a command lists every option that its documentation has, and other commands refuse the option', () => {
  const docs = readdirSync(new URL('web/docs/', root)).map((name) => new URL(`web/docs/${name}`, root));
  const prose = [new URL('README.md', root), ...docs].map((url) => readFileSync(url, 'utf8')).join('\n');
  const helps = new Map(commands.map((name) => [name, padless(name, '--help').stdout]));
  let seen = 0;
  for (const [, name, rest] of prose.matchAll(/padless ([a-z]+)((?: [^`\n#]*)?)/g)) {
    if (!helps.has(name)) continue;
    for (const [option] of rest.matchAll(/(?<= )--?[a-z0-9][a-z0-9-]*/g)) {
      seen++;
      assert.match(String(helps.get(name)), new RegExp(`[ ,]${option}[ ,]`), `padless ${name}${rest}`);
    }
  }
  assert.ok(seen > 10);
  const { status, stdout, stderr } = padless('info', model, '--int8');
  assert.deepEqual([status, stdout, stderr], [2, '', 'padless: info: --int8 is for convert\n']);
});

test("the error for a missing or wrong argument names it, and prints the command's usage", () => {
  for (const [args, said] of /** @type {[string[], RegExp][]} */ ([
    [['nonsense'], /^padless: unknown command "nonsense"; padless --help lists them\n$/],
    [['cnvert', 'x'], /^padless: unknown command "cnvert"; did you mean convert\? padless --help lists them\n$/],
    [['conv', 'x'], /^padless: unknown command "conv"; did you mean convert\? padless --help lists them\n$/],
    [['help', 'evl'], /^padless: unknown command "evl"; did you mean eval\? padless --help lists them\n$/],
    [
      ['convert', '--labls', 'x'],
      /^padless: unknown option --labls; did you mean --labels\? padless convert --help lists its options\n$/,
    ],
    [
      ['convert', '--tok=x'],
      /^padless: unknown option --tok; did you mean --tokenizer\? padless convert --help lists its options\n$/,
    ],
    [['run', '--zzzzz', model], /^padless: unknown option --zzzzz; padless run --help lists its options\n$/],
    [['--versoin'], /^padless: unknown option --versoin; did you mean --version\? padless --help lists the commands\n$/],
    [['info', '-x', model], /^padless: unknown option -x; padless info --help lists its options\n$/],
    [['info', model, '--simd', 'fast'], /^padless: --simd fast: expected auto, baseline or relaxed\n$/],
    [['info'], /^padless: info: no model file given\nusage: padless info MODEL/],
    [['convert'], /^padless: convert: no input file given\nusage: padless convert INPUT/],
    [['convert', model], /^padless: convert: no output file given, expected -o FILE\n$/],
    [['eval', model], /^padless: eval: no labelled file given\nusage: padless eval MODEL/],
    [['check', model, 'a', 'b'], /^padless: check: "b" is an unexpected argument\n$/],
    [['info', model, 'a'], /^padless: info: "a" is an unexpected argument\n$/],
    [['run', model, 'Hello', '--ids', 'x.json'], /^padless: run: expected either texts or --ids FILE, got both\n$/],
    [['run', model, '--trace'], /^padless: run --trace: expected a text or --ids FILE\n$/],
  ])) {
    const { status, stdout, stderr } = padless(...args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, said);
  }
});

const modelOfValues = () =>
  createModel({
    architecture: sequential([
      ['InputLayer', { name: 'x', batch_shape: [null, 2] }],
      ['Rescaling', { name: 'half', scale: 0.5 }],
    ]),
    weights: () => new Map(),
  });

test('an error in a file names the file and says what to do', async () => {
  const models = fileURLToPath(new URL('tests/models/', root));
  const state = join(models, 'torch/bilstm-tagger.safetensors');
  const keras = join(models, 'keras-files/gru-stack-json.json');
  const out = join(folder, 'out.safetensors');
  mkdirSync(join(folder, 'saved'));
  file('saved/saved_model.pb', '');
  const modules = [
    { type: 'Embedding', name: 'embedding' },
    { type: 'LSTM', name: 'rnn', bidirectional: true },
    { type: 'Linear', name: 'linear' },
  ];
  const torch = file('torch.json', JSON.stringify(modules));
  assert.equal(padless('convert', state, '--torch', torch, '-o', out).status, 0);
  const { files } = JSON.parse(gunzipSync(readFileSync(join(models, 'torch/files.json.gz'))).toString());
  const pickled = file('state.pth', Buffer.from(files['state.legacy'].bytes, 'base64'));
  for (const [args, said] of /** @type {[string[], RegExp][]} */ ([
    [['info', file('text.txt', 'no model at all')], /text\.txt: safetensors: expected a safetensors file; it is text\n/],
    [['info', state], /bilstm-tagger\.safetensors: the file has no padless metadata, so it is not a padless model\n/],
    [['convert', state, '-o', out], /no padless metadata.*; for a state dict of PyTorch give its modules: --torch FILE\n/],
    [
      ['convert', model, '--weights', 'x', '-o', out],
      /langid-gru\.safetensors: --weights does not go with a padless model; .* --torch FILE\n/,
    ],
    [
      ['convert', join(models, 'tfjs/conv.json'), '--weights', 'x', '-o', out],
      /conv\.json: --weights does not go with a TensorFlow\.js model\n/,
    ],
    [['convert', file('half.json', '{ "modelTopology": '), '-o', out], /half\.json: 19 bytes that are not JSON/],
    [
      ['convert', keras, '-o', out],
      /gru-stack-json\.json holds only the architecture; give its weights, too \(padless convert --weights/,
    ],
    [['convert', torch, '-o', out], /torch\.json: 125 bytes, neither \.keras nor \.h5 nor the JSON of a Keras model/],
    [['convert', folder, '-o', out], /: none of model\.json|model\.json: ENOENT/],
    [['convert', join(folder, 'saved'), '-o', out], /saved: a SavedModel of TensorFlow; save the model as \.keras/],
    [
      ['convert', pickled, '-o', out],
      /state\.pth: a state dict of PyTorch, .*--torch FILE\)\. It holds embed\.weight \[5,3\], rnn/,
    ],
    [
      ['convert', pickled, '--torch', torch, '-o', out],
      /state\.pth: embedding\.weight is not in the state dict, which holds embed\./,
    ],
    [
      ['convert', file('words.txt', 'no state dict'), '--torch', torch, '-o', out],
      /words\.txt: 13 bytes, neither \.safetensors nor written by torch\.save; it is text\n/,
    ],
    [
      ['convert', file('counts.pkl', Buffer.from('\x80\x02}q\x00.', 'latin1')), '--torch', torch, '-o', out],
      /counts\.pkl: a pickle that torch\.save did not write; save its state dict/,
    ],
    [['convert', model, '--torch', torch, '-o', out], /langid-gru\.safetensors: embedding\.weight is not in the state dict/],
    [['convert', keras, '--torch', torch, '-o', out], /gru-stack-json\.json: --torch does not go with the JSON of a Keras model/],
    [['run', out, 'Hello'], /out\.safetensors: the model has no text settings; pass token ids by --ids FILE/],
    [
      ['run', file('values.safetensors', (await modelOfValues()).save()), 'Hello'],
      /values\.safetensors: the model has no text settings; pass values by --ids FILE\n/,
    ],
    [['run', model, '--ids', file('ids.json', '[[5], [6, 99999]]')], /ids\.json: row 1, step 1: id 99999 is not/],
    [['run', model, '--ids', file('flat.json', '[5, 6]')], /flat\.json: run: row 0 is number, expected an array/],
    [['eval', model, file('labels.txt', 'de\n')], /labels\.txt: line 1: no tab; expected text<TAB>label/],
    [['eval', model, file('nothing.tsv', '')], /nothing\.tsv: the file has no examples to evaluate/],
    [['check', model, file('golden.json', '[]')], /golden\.json: the golden file was not written by padless record/],
  ])) {
    const { status, stderr } = padless(...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, said);
    assert.equal(stderr.split('\n').length, 2, stderr);
  }
});

test('rows of ids for several inputs are given by name', async () => {
  const keras = fileURLToPath(new URL('tests/models/keras-files/two-inputs-two-outputs.keras', root));
  const [out, ids] = [join(folder, 'two.safetensors'), join(folder, 'two.json')];
  assert.equal(padless('convert', keras, '-o', out).status, 0);
  const loaded = await loadModel(out);
  const { inputs } = loaded;
  const rows = [1, 2].map((n) =>
    Object.fromEntries(
      inputs.map(({ name, ids: isIds, shape }, i) => [
        name,
        [n, i + 3, 2, 0, 0, 0].slice(0, shape[0] ?? 3).map((id) => (isIds ? id : new Array(shape[1]).fill(id))),
      ]),
    ),
  );
  writeFileSync(ids, JSON.stringify(rows));
  const traces = loaded.trace(
    /** @type {any} */ (Object.fromEntries(Object.entries(rows[0]).map(([name, row]) => [name, [row]]))),
  ).length;
  const { status, stdout, stderr } = padless('run', out, '--ids', ids);
  assert.equal(status, 0, stderr);
  stdout
    .trimEnd()
    .split('\n')
    .forEach((line, n) => {
      const wanted = loaded.run(Object.fromEntries(Object.entries(rows[n]).map(([name, row]) => [name, [row]])));
      const said = JSON.parse(line);
      for (const { name, data } of wanted) assert.deepEqual(Float32Array.from([said[name]].flat(3)), data);
    });
  const traced = padless('run', out, '--ids', ids, '--trace');
  assert.equal(traced.stdout.match(/^\w+ {2}\(\w+\)\n {4}in /gm)?.length, 2 * traces, traced.stderr);
  // A word [12, 4] -> bidirectional GRU of 2 x 3 units -> tags; the features [6, 3] -> a GRU of 3 units.
  const described = padless('info', out).stdout.split('\n').slice(-10);
  assert.deepEqual(described, [
    'parameters  392: 392 float32',
    `bytes       ${statSync(out).size.toLocaleString('en')}, of them weights 1,568`,
    'saved by    Keras 3.15.1',
    'input       text: token ids [B, T], 0 is padding',
    'input       features: values [B, 6, 3]',
    'output      tags: tags [B, T, 3]',
    'output      label: scores [B, 2]',
    'padding     zeros are data: no layer masks features, whose rows have 6 steps; pad and cut rows on the side that training did',
    'text        none: the input is token ids and values',
    '',
  ]);
  assert.match(padless('run', model, '--trace', 'Guten Tag').stdout, /^\w+ {2}\(\w+\)\n {4}in /);
});

test('run without a text answers each line of standard input', async () => {
  const lines = ['Guten Tag', '', 'Hello there'];
  const { status, stdout, stderr } = padlessIn(['run', model, '--simd', 'baseline'], undefined, lines.join('\n'));
  assert.equal(status, 0, stderr);
  const loaded = await loadModel(model, { simd: 'baseline' });
  assert.deepEqual(stdout, lines.map((line) => `${JSON.stringify(loaded.predict(line))}\n`).join(''));
});

test('run --trace prints the first values of each step, which steps count, and which the mask changed', async () => {
  const rnn = { units: 1, activation: 'linear', return_sequences: true, use_bias: false };
  const layers = [
    ['Embedding', { name: 'embedding', input_dim: 4, output_dim: 1, mask_zero: true }],
    ['Bidirectional', { name: 'both', layer: { class_name: 'SimpleRNN', config: rnn } }],
    ['padless>MaskedMean', { name: 'mean' }],
    ['Dense', { name: 'dense', units: 8, use_bias: false }],
  ].map(([class_name, config]) => ({ class_name, config }));
  const values = /** @type {Record<string, number[]>} */ ({
    'embedding.embeddings': [50, 1, 2, 3],
    'both.forward_layer.kernel': [1],
    'both.forward_layer.recurrent_kernel': [10],
    'both.backward_layer.kernel': [1],
    'both.backward_layer.recurrent_kernel': [10],
    'dense.kernel': [0, 1, 2, 3, 0.5, 0.25, 9, 9, ...Array(8).fill(0)],
  });
  const made = await createModel({
    architecture: { class_name: 'Sequential', config: { name: 'model', layers } },
    weights: (whole) =>
      new Map(whole.listWeights().map(({ path, spec: { shape } }) => [path, { shape, data: Float32Array.from(values[path]) }])),
  });
  const [saved, ids] = [
    file('traced.safetensors', made.save()),
    file('traced.json', JSON.stringify([[1, 3, 2, 0], Array(26).fill(1)])),
  ];
  const { status, stdout, stderr } = padless('run', saved, '--ids', ids, '--trace');
  assert.equal(status, 0, stderr);
  const [first, second] = stdout.split(/(?=^embedding)/m);
  // The forward states are 1, 13, 132; the backward states, from the last token on, are 2, 23, 231.
  const steps = (/** @type {string[]} */ ...lines) => lines.map((line, t) => `      ${t < 3 ? '*' : ' '}   ${t}  ${line}`);
  const shown = steps('         1', '         3', '         2', '         0');
  const states = steps('         1        231', '        13         23', '       132          2', '         0          0');
  const mean = '             48.67      85.33';
  assert.deepEqual(first.trimEnd().split('\n'), [
    ...[
      'embedding  (Embedding)',
      '    in  [1,4]',
      ...shown,
      '    out [1,4,1]',
      ...shown.slice(0, 3),
      `${shown[3]}   changed by the mask`,
    ],
    ...['both  (Bidirectional)', '    in  [1,4,1]', ...shown],
    ...['    out [1,4,2]', ...states.slice(0, 3), `${states[3]}   changed by the mask`],
    ...['mean  (padless>MaskedMean)', '    in  [1,4,2]', ...states, '    out [1,2]', mean],
    ...['dense  (Dense)', '    in  [1,2]', mean, '    out [1,8]'],
    '                 0      48.67      97.33        146      24.33      12.17 ... 2 more',
  ]);
  const [shortened, lines] = [/^ {8}\.\.\. 2 more$/gm, /^ {6}\*/gm].map((each) => second.match(each)?.length);
  assert.deepEqual([shortened, lines], [5, 5 * 24]);
});

test('in a checkout that is not built, the command says what to do', () => {
  const unbuilt = join(folder, 'unbuilt');
  cpSync(fileURLToPath(new URL('../../js', import.meta.url)), join(unbuilt, 'js'), {
    recursive: true,
    filter: (path) => basename(path) !== 'dist',
  });
  writeFileSync(join(unbuilt, 'package.json'), '{ "type": "module" }');
  const { status, stderr } = spawnSync(process.execPath, [join(unbuilt, 'js/cli.js'), 'info', 'x'], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [2, 'padless: js/dist is missing; in a checkout, run make\n']);
});
