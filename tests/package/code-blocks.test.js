/** Runs the code blocks of README.md, the guides and the model cards: JavaScript in Node, commands in a shell. tests/code-blocks.js says which. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { packages, writePackages } from '../../web/models/packages.js';
import { blocks, pages } from '../code-blocks.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'padless-'));
after(() => rmSync(folder, { recursive: true }));

/** A project with padless and the models as npm packages. */
function makeProject() {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  writePackages(join(folder, 'packages'));
  symlinkSync(root, join(modules, 'padless'));
  for (const { name } of packages) symlinkSync(join(folder, 'packages', `padless-${name}`), join(modules, `padless-${name}`));
  for (const name of ['h5wasm', 'fflate', 'pbf']) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  for (const name of ['web', 'build']) symlinkSync(join(root, name), join(folder, name));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  // Here, npx starts the package's command, and npm installs nothing.
  mkdirSync(join(folder, 'bin'));
  const commands = {
    npx: `shift; exec "${process.execPath}" "${root}js/cli.js" "$@"`,
    npm: 'case "$1" in i|install|run) ;; *) exit 1 ;; esac',
  };
  for (const [name, script] of Object.entries(commands))
    writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** The model that the commands convert: a Keras tagger of words with three tags. */
const keras = join(root, 'web/samples/tagger.keras');

/** Restores the files that code blocks name. */
function makeFiles() {
  copyFileSync(join(root, 'web/models/langid-gru/langid-gru.safetensors'), join(folder, 'model.safetensors'));
  copyFileSync(join(root, 'web/models/langid/langid.safetensors'), join(folder, 'langid.safetensors'));
  copyFileSync(keras, join(folder, 'model.keras'));
  copyFileSync(join(root, 'tests/models/keras-files/activation-layer-h5.h5'), join(folder, 'model.h5'));
  copyFileSync(join(root, 'tests/models/fasttext/softmax.ftz'), join(folder, 'lid.176.ftz'));
  copyFileSync(join(root, 'tests/models/onnx/dynamo-norm-lstm-bi.onnx'), join(folder, 'model.onnx'));
  mkdirSync(join(folder, 'tfjs'), { recursive: true });
  for (const name of ['model.json', 'lstm-masked.bin']) copyFileSync(join(root, 'web/samples', name), join(folder, 'tfjs', name));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ '<OOV>': 1, hello: 2, world: 3 }));
  writeFileSync(join(folder, 'labels.txt'), 'verb\nnoun\nother\n');
  writeFileSync(join(folder, 'labelled.tsv'), 'Hello, how are you?\ten\nGuten Tag\tde\n');
  const { files } = JSON.parse(gunzipSync(readFileSync(join(root, 'tests/models/torch/files.json.gz'))).toString());
  const [state] = Object.entries(files).filter(([, { refused }]) => !refused);
  writeFileSync(join(folder, 'state.pt'), Buffer.from(state[1].bytes, 'base64'));
  writeFileSync(join(folder, 'architecture.json'), '[{ "type": "Embedding", "name": "embed" }, { "type": "GRU", "name": "rnn" }]');
  writeFileSync(join(folder, 'cases.txt'), 'Guten Tag\n');
}

makeProject();
makeFiles();
const sh = blocks.filter(({ how }) => how === 'sh');
const js = blocks.filter(({ how }) => how === 'node');

test('there are code blocks, and each that is not run says why', () => {
  assert.ok(pages.length > 12);
  assert.ok(sh.length >= 6 && js.length >= 8);
  for (const { at, how, rest } of blocks) if (how === 'not run') assert.match(rest, /[a-z]{3}/, at);
});

test('JSON blocks are valid JSON', () => {
  for (const { at, how, code } of blocks) if (how === 'json') assert.doesNotThrow(() => JSON.parse(code), at);
});

for (const { at, code } of sh)
  test(`the commands of ${at} succeed`, () => {
    makeFiles();
    const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
    const { status, stderr } = spawnSync('sh', ['-euc', code], { cwd: folder, env, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });

/** A script that defines the names that code blocks of the guides use without defining them. */
const around = `
  import { loadModel } from 'padless';
  import * as layers from 'padless/layers';
  class QueryPooling extends layers.GlobalAveragePooling1D {
    constructor({ name }) { super(name === undefined ? {} : { name }); }
  }
  Object.assign(globalThis, {
    model: await loadModel('langid.safetensors'),
    labels: Array.from({ length: 8 }, (_, i) => 'label-' + i),
    weights: (root) => new Map(root.listWeights().map(({ path, spec: { shape } }) =>
      [path, { shape, data: new Float32Array(shape.reduce((product, n) => product * n, 1)).fill(0.1) }])),
    QueryPooling,
  });`;

test('the JavaScript of all pages runs in Node', async () => {
  makeFiles();
  writeFileSync(join(folder, 'golden.json'), '');
  spawnSync(process.execPath, [`${root}js/cli.js`, 'record', 'model.safetensors', 'cases.txt', '-o', 'golden.json'], {
    cwd: folder,
  });
  const names = js.map(({ code }, i) => {
    writeFileSync(join(folder, `block-${i}.js`), code);
    return `block-${i}.js`;
  });
  const start = `${around}
    for (const [i, name] of ${JSON.stringify(names)}.entries()) {
      const at = ${JSON.stringify(js.map(({ at }) => at))}[i];
      await import('./' + name).catch((error) => { console.error(at, error); process.exitCode = 1; });
    }`;
  writeFileSync(join(folder, 'start.js'), start);
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
  // A block may contain a test: its test runner must not report to the runner of this file.
  delete env.NODE_TEST_CONTEXT;
  const { status, stderr, stdout } = spawnSync(process.execPath, ['start.js'], { cwd: folder, env, encoding: 'utf8' });
  assert.equal(status, 0, stderr + stdout);
  assert.match(stdout, /^de$/m);
});
