/** The packed package, installed in an empty project, as a stranger gets it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const model = join(root, 'web/models/langid/langid.safetensors');

test('an empty project installs the tarball, imports it and runs its command', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'padless-'));
  t.after(() => rmSync(folder, { recursive: true }));
  /** @param {string} command @param {string[]} args @param {string} cwd */
  const run = (command, args, cwd) => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const [{ filename }] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder], root),
  );
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error', `./${filename}`], folder);
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
  const line = run(process.execPath, ['node_modules/.bin/padless', 'run', model, 'Wie heißt diese Sprache?'], folder);
  assert.equal(JSON.parse(line).label, 'de');
});
