/** `padless ... --layers FILE`: every command takes custom layers and named Lambdas. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createModel } from 'padless';
import { Dense, Layer } from 'padless/layers';
import { file, folder, padlessIn } from '../command.js';
import { random } from '../random.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
mkdirSync(join(folder, 'node_modules'));
symlinkSync(root, join(folder, 'node_modules/padless'));

/** @param {...string} args */
const padless = (...args) => padlessIn(args, folder);

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
file('named.mjs', `${twoDense}export { TwoDense }; export const helper = 1;`);
file('object.mjs', `${twoDense}export default { TwoDense };`);
file('alone.mjs', `${twoDense}export default TwoDense;`);

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
  text: { vocabulary: ['', '<unk>', 'a', 'b', 'c'] },
  outputs: [{ name: 'two', kind: 'class', labels }],
  simd: 'baseline',
});
file('model.safetensors', model.save());

test('every command runs a custom layer', () => {
  const { label, score } = model.predict('abc');
  for (const module of ['named.mjs', 'object.mjs', './alone.mjs', join(folder, 'alone.mjs')]) {
    const { status, stdout, stderr } = padless('run', 'model.safetensors', 'abc', '--layers', module, '--simd', 'baseline');
    assert.equal(status, 0, stderr);
    assert.deepEqual([JSON.parse(stdout).label, JSON.parse(stdout).score], [label, score]);
  }
  file('cases.txt', 'abc\ncab\n');
  file('labelled.tsv', `abc\t${label}\n`);
  for (const [args, said] of /** @type {[string[], RegExp][]} */ ([
    [['info', 'model.safetensors'], /^two {2}\(TwoDense\)/m],
    [['record', 'model.safetensors', 'cases.txt', '-o', 'golden.json'], /2 cases/],
    [['check', 'model.safetensors', 'golden.json'], /all bits are equal/],
    [['eval', 'model.safetensors', 'labelled.tsv'], /"accuracy":1,/],
    // A table [9, 5] with 5 scales and a step for each row, kernels [5, 4] and [4, 2] with a scale for each column, and 6 biases: 150 bytes.
    [
      ['convert', 'model.safetensors', '--int8', '-o', 'int8.safetensors'],
      /^weights in 73 int8, 6 float32, 47\.5 % of what float32 takes$/m,
    ],
    [['run', 'int8.safetensors', 'abc'], /"label"/],
    [['bench', 'model.safetensors'], /^baseline {2}first answer/m],
  ])) {
    const { status, stdout, stderr } = padless(...args, '--layers', 'named.mjs');
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
    assert.match(stdout, said);
    assert.match(padless(...args).stderr, /two: class TwoDense is not one of .*\nfor a custom layer: --layers FILE\.mjs/);
  }
});

test('a named Lambda is converted with the class of the same name', () => {
  const keras = join(root, 'tests/models/keras-files/lambda-ends-mask.keras');
  file(
    'halve.mjs',
    "import { Rescaling } from 'padless/layers'; export class halve extends Rescaling { constructor({ name }) { super({ name, scale: 0.5, offset: 1 }); } }",
  );
  const { status, stderr } = padless('convert', keras, '-o', 'halved.safetensors', '--layers', 'halve.mjs');
  assert.equal(status, 0, stderr);
  assert.equal(padless('info', 'halved.safetensors', '--layers', 'halve.mjs').status, 0);
  assert.match(padless('convert', keras, '-o', 'x').stderr, /halve: a Lambda contains code.*\n.*--layers/);
});

test('an error of a custom layer is printed with the place where it was thrown', () => {
  // The first call is that which builds the model.
  const failing = twoDense.replace('return', "if (this.called) throw new TypeError('no such luck'); this.called = true; return");
  file('fails.mjs', `${failing}export { TwoDense };`);
  const { status, stdout, stderr } = padless('run', 'model.safetensors', 'abc', '--layers', 'fails.mjs');
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /no such luck\n {4}at .*fails\.mjs:/);
});

test('eval --ignore leaves out labels', () => {
  file('ignored.tsv', `abc\t${labels[0]}\nab\t${labels[1]}\ncab\t${labels[1]}\n`);
  const counted = (/** @type {string[]} */ ...args) =>
    JSON.parse(padless('eval', 'model.safetensors', 'ignored.tsv', '--layers', 'named.mjs', ...args).stdout).counted;
  assert.deepEqual([counted(), counted('--ignore', 'yes'), counted('--ignore', 'yes,no')], [3, 2, 0]);
});

test('the error for a module that exports no layers names it in one line', () => {
  file('syntax.mjs', 'export const a = 1;\nexport const b = ;\n');
  file('throws.mjs', "throw new Error('no such luck');");
  file('throws-text.mjs', "throw 'no luck';");
  file('nothing.mjs', 'export const helper = 1; export class Foo {}');
  file('empty.mjs', '');
  file('other.mjs', 'class Layer {}; export class Mine extends Layer {}');
  file('lost.mjs', "import 'not-installed-here';");
  for (const [module, said] of /** @type {[string, RegExp][]} */ ([
    ['missing.mjs', /^padless: missing\.mjs: ENOENT/],
    ['syntax.mjs', /^padless: syntax\.mjs: Unexpected token.*; node --check syntax\.mjs shows where/],
    ['throws.mjs', /^padless: throws\.mjs: no such luck/],
    ['throws-text.mjs', /^padless: throws-text\.mjs: no luck\n/],
    ['nothing.mjs', /^padless: nothing\.mjs: exports no class that extends Layer of padless\/layers, but .*helper/],
    ['empty.mjs', /^padless: empty\.mjs: exports no class that extends Layer of padless\/layers\n/],
    ['other.mjs', /^padless: other\.mjs: Mine extends Layer of another copy of padless/],
    ['lost.mjs', /^padless: lost\.mjs: Cannot find package 'not-installed-here'/],
    ['.', /^padless: \.: /],
  ])) {
    const { status, stdout, stderr } = padless('info', 'model.safetensors', '--layers', module);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, said);
    assert.equal(stderr.split('\n').length, 2, stderr);
  }
});
