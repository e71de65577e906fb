/** Runs js/tools/list-layers.js, with which the build lists the layers, on a folder of made-up ones. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const tool = fileURLToPath(new URL('../../js/tools/list-layers.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'padless-layers-'));
test.after(() => rmSync(folder, { recursive: true }));

const layer = (/** @type {string} */ name, of = name) => `export class ${name} { static className = '${of}'; }\n`;
const files = {
  'layers/two.js': `${layer('Two', 'padless>Two')}${layer('Also')}export class Inherits extends Two {}\nexport const helper = () => {};\nexport const none = null;\n`,
  'layers/one.js': layer('One'),
  'layers/helpers.js': 'export class NoLayer {}\n',
  'layers/notes.txt': 'no module',
  'layers/index.js': layer('Index'),
  'layers/layer.js': layer('Layer'),
  'layers/functional.js': layer('Functional'),
  'layers/sequential.js': layer('Sequential'),
  'layers/late/rare.js': `${layer('Rare', 'padless>Rare')}${layer('Odd')}`,
  'layers/late/seldom.js': layer('Seldom'),
  'package.json': '{ "type": "module" }',
};

test('the lists have the classes with an own class name, in order of files and names, and late ones apart', () => {
  mkdirSync(join(folder, 'dist'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  execFileSync(process.execPath, [tool, join(folder, 'dist')]);
  const [all, early, late] = ['layers.js', 'layers-early.js', 'layers-late.js'].map((name) =>
    readFileSync(join(folder, 'dist', name), 'utf8').replace(/^\/\/.*\n/, ''),
  );
  assert.equal(
    all,
    `export { One } from '../layers/one.js';
export { Also, Two } from '../layers/two.js';
export { Odd, Rare } from '../layers/late/rare.js';
export { Seldom } from '../layers/late/seldom.js';
`,
  );
  assert.equal(
    early,
    `import { One } from '../layers/one.js';
import { Also, Two } from '../layers/two.js';

export const early = [One, Also, Two];

/** Names of the layers of js/layers/late in model files. */
export const lateNames = ["Odd","padless>Rare","Seldom"];
`,
  );
  assert.equal(
    late,
    `import { Odd, Rare } from '../layers/late/rare.js';
import { Seldom } from '../layers/late/seldom.js';

export const late = [Odd, Rare, Seldom];
`,
  );
});
