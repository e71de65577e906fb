/** The packed package, installed in an empty project, as a user gets it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));
const model = join(root, 'web/models/langid-gru/langid-gru.safetensors');
const folder = mkdtempSync(join(tmpdir(), 'padless-'));
after(() => rmSync(folder, { recursive: true }));

/** @param {string} command @param {string[]} args @param {string} cwd */
const run = (command, args, cwd) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const [{ filename }] = JSON.parse(
  run('npm', ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder], root),
);
writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error', `./${filename}`], folder);

/** Runs the command of the installed package. @param {string[]} args @param {string} [cwd] */
function padless(args, cwd = folder) {
  const command = [join(folder, 'node_modules/.bin/padless'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('an empty project installs the tarball, imports it and runs its command', () => {
  writeFileSync(
    join(folder, 'use.js'),
    `import { loadModel } from 'padless';
     import { GRU } from 'padless/layers';
     import { TextVectorizer } from 'padless/text';
     import { attach } from 'padless/dom';
     import { loadModel as loadInWorker } from 'padless/worker';
     import { serve } from 'padless/serve';
     const model = await loadModel(process.argv[2]);
     console.log(model.predict('Wie heißt diese Sprache?').label, typeof GRU, typeof TextVectorizer, typeof attach, typeof serve);
     const remote = await loadInWorker(process.argv[2]);
     console.log((await remote.predict('Wie heißt diese Sprache?')).label);`,
  );
  assert.equal(run(process.execPath, ['use.js', model], folder), 'de function function function function\nde\n');
  assert.equal(JSON.parse(padless(['run', model, 'Wie heißt diese Sprache?']).stdout).label, 'de');
});

test('padless/kernels is imported from the tarball, and its errors have the same classes as those of padless', () => {
  writeFileSync(
    join(folder, 'kernels.js'),
    `import { init, Kernels, features, ShapeError } from 'padless/kernels';
     import * as padless from 'padless';
     const pl = await init({ simd: 'baseline' });
     const x = { data: [1, 0, 3, 4, 5, NaN], shape: [1, 6, 1] };
     console.log(pl.maskedSum(x, { lengths: [5] }).data[0], pl instanceof Kernels, features().baseline);
     console.log(padless.ShapeError === ShapeError, padless.Kernels === Kernels, padless.init === init);`,
  );
  assert.equal(run(process.execPath, ['kernels.js'], folder), '13 true true\ntrue true true\n');
});

test('an error names a missing package and its installation; packages of the current folder are found wherever padless is', () => {
  const keras = join(root, 'tests/models/keras-files/lstm-classifier.keras');
  for (const [args, install] of /** @type {[string[], string][]} */ ([
    [['convert', keras, '-o', 'x.safetensors'], 'npm install -D h5wasm fflate'],
    [['bench', model, '--onnx', model], 'npm i -D onnxruntime-web'],
    [
      ['bench', model, '--tfjs', join(root, 'tests/models/tfjs/conv.json')],
      'npm i -D @tensorflow/tfjs @tensorflow/tfjs-backend-wasm',
    ],
  ])) {
    const { status, stdout, stderr } = padless(args);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^padless: .*\n$/);
    assert.ok(stderr.endsWith(`${install}\n`), stderr);
  }
  const project = join(folder, 'elsewhere/project/deep');
  mkdirSync(project, { recursive: true });
  mkdirSync(join(project, '../node_modules'));
  for (const name of ['h5wasm', 'fflate', 'onnxruntime-web'])
    symlinkSync(join(root, 'node_modules', name), join(project, '../node_modules', name));
  const { status, stderr } = padless(['convert', keras, '-o', 'x.safetensors'], project);
  assert.equal(status, 0, stderr);
  assert.match(padless(['bench', model, '--onnx', model], project).stderr, /langid-gru\.safetensors: onnxruntime-web: /);
});

test('esbuild bundles a page that imports no Keras files even if the packages that read them are not installed', async () => {
  const contents = "import { fromTfjs } from 'padless/import'; console.log(fromTfjs);";
  const { warnings } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    format: 'esm',
    outdir: 'out',
    write: false,
  });
  assert.deepEqual(warnings, []);
});

test('the declarations compile without the library "dom", with the types of Node and without', () => {
  const typed = join(folder, 'no-dom');
  mkdirSync(typed);
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.keys(exports).filter((name) => exports[name].types);
  assert.ok(entries.length >= 10);
  writeFileSync(join(typed, 'use.ts'), entries.map((name, i) => `export * as e${i} from 'padless${name.slice(1)}';`).join('\n'));
  for (const types of [[], ['node']])
    for (const lib of [['es2022'], ['es2022', 'dom']]) {
      const compilerOptions = {
        ...{ strict: true, exactOptionalPropertyTypes: true, noEmit: true, target: 'es2022', module: 'nodenext' },
        ...{ lib, types, typeRoots: [join(root, 'node_modules/@types')] },
      };
      writeFileSync(join(typed, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
      const { stdout } = spawnSync(process.execPath, [join(root, 'node_modules/.bin/tsc'), '-p', typed], { encoding: 'utf8' });
      assert.equal(stdout, '', `${lib} ${types}`);
    }
});

for (const [module, moduleResolution] of [
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])
  test(`a strict TypeScript project can name all types of the API and needs no types of other packages (${moduleResolution})`, () => {
    const typed = join(folder, moduleResolution);
    mkdirSync(typed);
    copyFileSync(join(root, 'tests/package/use.ts'), join(typed, 'use.ts'));
    const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true };
    /** @param {string[]} files @param {object} [more] */
    const compile = (files, more) => {
      const compilerOptions = { ...strict, target: 'es2022', lib: ['es2022', 'dom'], module, moduleResolution, types: [], ...more };
      writeFileSync(join(typed, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
      const { status, stdout } = spawnSync(process.execPath, [join(root, 'node_modules/.bin/tsc'), '-p', typed], {
        encoding: 'utf8',
      });
      return { status, stdout };
    };
    assert.deepEqual(compile(['use.ts']), { status: 0, stdout: '' });
    writeFileSync(
      join(typed, 'node.ts'),
      `import { Worker } from 'node:worker_threads';
       import { fromKeras } from 'padless/import';
       import { loadModel } from 'padless/worker';
       await loadModel('model.safetensors', { worker: new Worker('./worker.js') });
       await fromKeras('model.keras', { packages: { h5wasm: () => import('h5wasm'), fflate: await import('fflate') } });`,
    );
    const paths = Object.fromEntries(
      [
        ['h5wasm', 'src/hdf5_hl.d.ts'],
        ['fflate', 'lib/index.d.ts'],
      ].map(([name, types]) => [name, [join(root, 'node_modules', name, types)]]),
    );
    const node = { types: ['node'], typeRoots: [join(root, 'node_modules/@types')], paths, skipLibCheck: true };
    assert.deepEqual(compile(['node.ts'], node), { status: 0, stdout: '' });
    writeFileSync(join(typed, 'wrong.ts'), "import type { Prediction } from 'padless'; export const n: Prediction = { label: 5 };");
    assert.match(compile(['wrong.ts']).stdout, /wrong\.ts.*TS2322|is missing the following properties/s);
  });
