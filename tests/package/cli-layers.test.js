/** `padless ... --layers FILE`: a user's own classes and Lambdas in every command. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createModel } from 'padless';
import { Dense, Layer } from 'padless/layers';
import { random } from '../random.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'padless-'));
after(() => rmSync(project, { recursive: true }));
mkdirSync(join(project, 'node_modules'));
symlinkSync(root, join(project, 'node_modules/padless'));

/** @param {...string} args */
function padless(...args) {
  const command = [join(root, 'js/cli.js'), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8', cwd: project });
  return { status, stdout, stderr };
}
/** @param {string} name @param {string | Uint8Array} content */
const write = (name, content) => writeFileSync(join(project, name), content);

const twoDense = `import { Dense, Layer } from 'padless/layers';
class TwoDense extends Layer {
  constructor(config) {
    super(config);
    this.first = new Dense({ units: config.hidden, activation: 'relu' });
    this.second = new Dense({ units: config.units, activation: 'softmax' });
  }
  call(x) {
    return this.second.apply(this.first.apply(x));
  }
}
`;
write('named.mjs', `${twoDense}export { TwoDense }; export const helper = 1;`);
write('object.mjs', `${twoDense}export default { TwoDense };`);
write('alone.mjs', `${twoDense}export default TwoDense;`);

class TwoDense extends Layer {
  /** @param {any} config */
  constructor(config) {
    super(config);
    this.first = new Dense({ units: config.hidden, activation: 'relu' });
    this.second = new Dense({ units: config.units, activation: 'softmax' });
  }

  /** @override @param {any} x */
  call(x) {
    return this.second.apply(this.first.apply(x));
  }
}
const labels = ['yes', 'no'];
const model = await createModel({
  architecture: {
    class_name: 'Sequential',
    config: {
      name: 'model',
      layers: [
        { class_name: 'Embedding', config: { name: 'embedding', input_dim: 9, output_dim: 5, mask_zero: true } },
        { class_name: 'padless>MaskedMean', config: { name: 'mean' } },
        { class_name: 'TwoDense', config: { name: 'two', hidden: 4, units: 2 } },
      ],
    },
  },
  customLayers: { TwoDense },
  weights: random().weights,
  text: { vocabulary: ['', '?', 'a', 'b', 'c'] },
  outputs: [{ name: 'two', kind: 'class', labels }],
  simd: 'baseline',
});
write('model.safetensors', model.save());

test('a class of the user runs in every command', () => {
  const { label, score } = model.predict('abc');
  for (const file of ['named.mjs', 'object.mjs', './alone.mjs', join(project, 'alone.mjs')]) {
    const { status, stdout, stderr } = padless('run', 'model.safetensors', 'abc', '--layers', file, '--simd', 'baseline');
    assert.equal(status, 0, stderr);
    assert.deepEqual([JSON.parse(stdout).label, JSON.parse(stdout).score], [label, score]);
  }
  write('cases.txt', 'abc\ncab\n');
  write('labelled.tsv', `abc\t${label}\n`);
  for (const [args, said] of /** @type {[string[], RegExp][]} */ ([
    [['info', 'model.safetensors'], /^two {2}\(TwoDense\)/m],
    [['record', 'model.safetensors', 'cases.txt', '-o', 'golden.json'], /2 cases/],
    [['check', 'model.safetensors', 'golden.json'], /no bit moved/],
    [['eval', 'model.safetensors', 'labelled.tsv'], /"accuracy":1,/],
    [['convert', 'model.safetensors', '--int8', '-o', 'int8.safetensors'], /int8/],
    [['run', 'int8.safetensors', 'abc'], /"label"/],
    [['bench', 'model.safetensors'], /^baseline {2}first answer/m],
  ])) {
    const { status, stdout, stderr } = padless(...args, '--layers', 'named.mjs');
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
    assert.match(stdout, said);
    assert.match(padless(...args).stderr, /two: class TwoDense is not one of .*\na layer of your own: --layers FILE\.mjs/);
  }
});

test('a named Lambda is converted with a class of its name', () => {
  const file = join(root, 'tests/models/keras-files/lambda-ends-mask.keras');
  write(
    'halve.mjs',
    "import { Rescaling } from 'padless/layers'; export class halve extends Rescaling { constructor({ name }) { super({ name, scale: 0.5, offset: 1 }); } }",
  );
  const { status, stderr } = padless('convert', file, '-o', 'halved.safetensors', '--layers', 'halve.mjs');
  assert.equal(status, 0, stderr);
  assert.equal(padless('info', 'halved.safetensors', '--layers', 'halve.mjs').status, 0);
  assert.match(padless('convert', file, '-o', 'x').stderr, /halve: a Lambda holds code.*\n.*--layers/);
});

test('a module that gives no layers is named in one line', () => {
  write('syntax.mjs', 'export const a = 1;\nexport const b = ;\n');
  write('throws.mjs', "throw new Error('no such luck');");
  write('nothing.mjs', 'export const helper = 1; export class Foo {}');
  write('empty.mjs', '');
  write('other.mjs', 'class Layer {}; export class Mine extends Layer {}');
  write('lost.mjs', "import 'not-installed-here';");
  for (const [file, said] of /** @type {[string, RegExp][]} */ ([
    ['missing.mjs', /^padless: missing\.mjs: ENOENT/],
    ['syntax.mjs', /^padless: syntax\.mjs: Unexpected token.*; where: node --check syntax\.mjs/],
    ['throws.mjs', /^padless: throws\.mjs: no such luck/],
    ['nothing.mjs', /^padless: nothing\.mjs: exports no class that extends Layer of padless\/layers, but .*helper/],
    ['empty.mjs', /^padless: empty\.mjs: exports no class that extends Layer of padless\/layers\n/],
    ['other.mjs', /^padless: other\.mjs: Mine extends the Layer of another copy of padless/],
    ['lost.mjs', /^padless: lost\.mjs: Cannot find package 'not-installed-here'/],
    ['.', /^padless: \.: /],
  ])) {
    const { status, stdout, stderr } = padless('info', 'model.safetensors', '--layers', file);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, said);
    assert.equal(stderr.split('\n').length, 2, stderr);
  }
});
