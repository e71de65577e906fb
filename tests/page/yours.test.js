/**
 * The section "Your model": a worker of the page reads files that the user drops or chooses.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { File as Hdf5File, ready } from 'h5wasm/node';
import { createModel } from 'padless';
import { assertClose, decode } from '../close.js';
import { site } from './site.js';

const state = site({ path: 'web/#yours', shown: '#masked-name[data-label]' });

/** @param {string} path */
const models = (path) => fileURLToPath(new URL(`../models/${path}`, import.meta.url));
const langid = fileURLToPath(new URL('../../web/models/langid-gru/langid-gru.safetensors', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'padless-yours-'));
after(() => rmSync(folder, { recursive: true }));

/** Drops files on the page. @param {string[]} files  or folders; the last one may be '#' and the id of the element to drop on, by default #drop */
async function drop(...files) {
  const { page } = state;
  const place = files.at(-1)?.startsWith('#') ? (files.pop() ?? '') : '#drop';
  await page.locator(place).scrollIntoViewIfNeeded();
  const { x, y, width, height } = /** @type {{ x: number, y: number, width: number, height: number }} */ (
    await page.locator(place).boundingBox()
  );
  const session = await page.context().newCDPSession(page);
  for (const step of /** @type {const} */ (['dragEnter', 'dragOver', 'drop']))
    await session.send('Input.dispatchDragEvent', {
      ...{ type: step, x: x + width / 2, y: y + height / 2 },
      data: { items: [], files, dragOperationsMask: 1 },
    });
}

/** @param {string} name */
const loaded = (name) =>
  state.page.waitForFunction((text) => document.getElementById('yours-status')?.textContent === text, `${name} is loaded.`);
/** @param {string} id */
const text = async (id) => (await state.page.locator(`#${id}`).textContent()) ?? '';
const failed = async () => {
  await state.page.waitForSelector('#yours-error:not([hidden])');
  return text('yours-error');
};
/** Types a text, and waits for an answer that contains the selector. @param {string} typed @param {string} selector */
async function type(typed, selector) {
  await state.page.locator('#yours-text').fill(typed);
  await state.page.waitForSelector(`#yours-answer ${selector}`);
}
/** The numbers of each line of the shown values, without the step's index. */
const numbers = async () =>
  (await text('yours-answer').then((all) => all.slice(all.lastIndexOf(']') + 1)))
    .split('\n')
    .map((line) => (line.match(/-?[\d.]+/g) ?? []).map(Number).slice(1));

test('a dropped padless file answers a typed text', async () => {
  const { page } = state;
  await drop(langid);
  await loaded('langid-gru.safetensors');
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'yours-text');
  assert.match(await text('yours-facts'), /^[\d,]+ weights, takes text\. WebAssembly SIMD \((relaxed|baseline)\)\.$/);
  assert.equal(await text('yours-padding'), 'Padding changes no bit of its answers.');
  await type('Guten Morgen, wie geht es Ihnen?', 'li:first-child[data-label=de]');
  assert.match(await text('yours-time'), /^\d+\.\d ms$/);
});

test('a dropped .keras file answers as Keras does', async () => {
  await drop(models('keras-files/bilstm-tagger.keras'));
  await loaded('bilstm-tagger.keras');
  assert.match(await text('yours-hint'), /token ids \(0 to 11\)/);
  const { cases } = JSON.parse(readFileSync(models('keras-files/goldens.json'), 'utf8'));
  const { inputs, outputs } = cases.find((/** @type {{ file: string }} */ { file }) => file === 'bilstm-tagger.keras');
  const [row] = inputs.input_layer;
  await type(row.join(' '), 'pre');
  const shown = (await numbers()).flat();
  assert.equal(shown.length, 18);
  assertClose(shown, decode(outputs[0].data).subarray(0, 18), { unit: 1e-4, what: 'the table' });
});

test('an .h5 file, a JSON with its weights, and a folder of TensorFlow.js are read', async () => {
  const { page } = state;
  await drop(models('keras-files/bilstm-stack-h5.h5'));
  await loaded('bilstm-stack-h5.h5');
  await drop(models('keras-files/bilstm-tagger-json.json'), models('keras-files/bilstm-tagger-json.weights.h5'));
  await loaded('bilstm-tagger-json.json');
  await type('3 4', 'pre');
  const tfjs = join(folder, 'tfjs');
  mkdirSync(tfjs);
  copyFileSync(models('tfjs/lstm-masked.json'), join(tfjs, 'model.json'));
  copyFileSync(models('tfjs/lstm-masked.bin'), join(tfjs, 'lstm-masked.bin'));
  await drop(tfjs);
  await loaded('model.json');
  await type('1 2', 'h4');
  // Choose files by the button instead of dropping them.
  await page.setInputFiles('#files', [models('tfjs/bigru-sum.json'), models('tfjs/bigru-sum.bin')]);
  await loaded('bigru-sum.json');
});

test('a click reads a sample of each kind, which answers; the code that the page shows for it runs', async () => {
  const { page } = state;
  for (const [sample, name, selector] of [
    ['model.json', 'model.json', 'h4'],
    ['tagger.keras', 'tagger.keras', 'pre'],
  ]) {
    await page.click(`[data-sample^="${sample}"]`);
    await loaded(name);
    await type('1 2 3', selector);
  }
  const shown = await numbers();
  assert.equal(
    await text('yours-snippet'),
    "import { loadModel } from 'padless';\nconst model = await loadModel('tagger.safetensors');\nconsole.log(model.run([[1, 2, 3]]));",
  );
  const download = page.waitForEvent('download');
  await page.click('#save');
  const saved = join(folder, 'tagger.safetensors');
  await (await download).saveAs(saved);
  writeFileSync(
    join(folder, 'code.mjs'),
    (await text('yours-snippet')).replace("'padless'", JSON.stringify(import.meta.resolve('padless'))),
  );
  const { stdout } = await promisify(execFile)(process.execPath, ['code.mjs'], { cwd: folder });
  assert.match(stdout, /shape: \[ 1, 3, 3 \]/);
  assert.match(stdout, new RegExp(String(shown[0][0]).slice(0, 5).replace('.', '\\.')));
});

test('a labels.txt that is dropped with a model gives the model its labels', async () => {
  const labels = join(folder, 'labels.txt');
  writeFileSync(labels, 'O\nPER\nLOC\n');
  await drop(models('keras-files/bilstm-tagger.keras'), labels);
  await loaded('bilstm-tagger.keras');
  await type('3 1', 'pre');
  assert.match(await text('yours-answer'), /0 .* PER\n +1 .* PER$/);
});

test('a state dict of PyTorch is read with the description that is dropped with it', async () => {
  const { cases } = JSON.parse(readFileSync(models('torch/goldens.json'), 'utf8'));
  const description = join(folder, 'architecture.json');
  writeFileSync(description, JSON.stringify(cases.find((/** @type {any} */ each) => each.name === 'rnn-tanh').architecture));
  await drop(models('torch/rnn-tanh.safetensors'), description);
  await loaded('rnn-tanh.safetensors');
  const { files } = JSON.parse(gunzipSync(readFileSync(models('torch/files.json.gz'))).toString());
  const pickled = join(folder, 'state.pt');
  writeFileSync(pickled, Buffer.from(files['state.zip'].bytes, 'base64'));
  await drop(pickled);
  assert.match(await failed(), /state\.pt: a state dict of PyTorch.* embed\.weight \[5,3\]/);
  writeFileSync(description, '[{ "type": "Embedding", "name": "embed" }, { "type": "GRU", "name": "rnn" }]');
  await drop(pickled, description);
  await loaded('state.pt');
});

test('dropped ONNX and fastText files answer', async () => {
  await drop(models('onnx/torchscript-last-gru.onnx'));
  await loaded('torchscript-last-gru.onnx');
  await type('3 1 4', 'li[data-label="1"]');
  await drop(models('fasttext/tree.ftz'));
  await loaded('tree.ftz');
  await type('die Straße ist schön', 'li:first-child[data-label=de]');
});

test('the answer of a tagger is its text with coloured words', async () => {
  const weights = [0, 0, 0, 0, 9, 0, 0, 0, 9];
  const model = await createModel({
    architecture: {
      class_name: 'Sequential',
      config: {
        layers: [
          { class_name: 'Embedding', config: { name: 'e', input_dim: 3, output_dim: 3, mask_zero: true } },
          { class_name: 'Activation', config: { name: 'a', activation: 'softmax' } },
        ],
      },
    },
    weights: (root) =>
      new Map(root.listWeights().map(({ path, spec: { shape } }) => [path, { shape, data: Float32Array.from(weights) }])),
    text: { unit: 'word', vocabulary: ['', '<unk>', 'berlin'], case: 'lower' },
    outputs: [{ name: 'tags', kind: 'tags', labels: ['O', 'O', 'LOC'].map((label, i) => (i === 1 ? 'X' : label)) }],
  });
  const file = join(folder, 'tagger.safetensors');
  writeFileSync(file, model.save());
  await drop(file);
  await loaded('tagger.safetensors');
  await type('to Berlin', 'mark');
  assert.deepEqual(await state.page.locator('#yours-answer mark').allTextContents(), ['toX', 'BerlinLOC']);
  assert.equal(await text('yours-answer'), 'toX BerlinLOC');
  // The first 2,000 characters of a long text are shown.
  const { page } = state;
  await page.locator('#yours-text').fill('to Berlin '.repeat(3000));
  await page.waitForFunction(() => document.getElementById('yours-answer')?.textContent?.endsWith('…'));
  assert.equal(await page.locator('#yours-answer mark').count(), 400);
});

test('a file that cannot be read gives an error, and the open model stays open', async () => {
  const { page } = state;
  await drop(langid);
  await loaded('langid-gru.safetensors');
  await drop(models('torch/rnn-tanh.safetensors'));
  assert.match(await failed(), /PyTorch state dict.*--torch/);
  assert.equal(await text('yours-name'), 'langid-gru.safetensors');
  const broken = join(folder, 'broken.keras');
  writeFileSync(broken, readFileSync(models('keras-files/bilstm-tagger.keras')).subarray(0, 3000));
  await drop(broken);
  await page.waitForFunction(() => /broken\.keras/.test(document.getElementById('yours-error')?.textContent ?? ''));
  const other = join(folder, 'notes.txt');
  writeFileSync(other, 'nothing');
  await drop(other);
  await page.waitForFunction(() => /notes\.txt/.test(document.getElementById('yours-error')?.textContent ?? ''));
  await page.setInputFiles('#files', langid);
  await loaded('langid-gru.safetensors');
  assert.equal(await page.locator('#yours-error').isVisible(), false);
});

/** A file of 120 kB that takes a day to read: it lists one layer 60,000 times, and in it one weight 60,000 times. */
async function endless() {
  await ready;
  const file = join(folder, 'endless.h5');
  const written = new Hdf5File(file, 'w');
  const many = (/** @type {string} */ name) => new Array(60_000).fill(name);
  written.create_attribute('layer_names', many('g'), [60_000], 'S1');
  const group = written.create_group('g');
  group.create_attribute('weight_names', many('w'), [60_000], 'S1');
  group.create_dataset({ name: 'w', data: new Float32Array(1), shape: [1] });
  written.close();
  return file;
}

const readers = () => state.page.workers().filter((worker) => worker.url().endsWith('/web/reader.js'));
/** Waits until all workers that read files have ended. */
const ended = async () => {
  for (const worker of readers())
    await worker.waitForEvent('close').catch((error) => assert.equal(readers().length, 0, String(error)));
};

for (const way of ['the button', 'Escape'])
  test(`while a file is read for ever, the page still answers, and ${way} cancels the reading`, async () => {
    const { page } = state;
    await drop(langid);
    await loaded('langid-gru.safetensors');
    await drop(await endless());
    await page.waitForFunction(() =>
      /^Still reading endless\.h5…/.test(document.getElementById('yours-status')?.textContent ?? ''),
    );
    assert.equal(await page.locator('#yours-progress').isVisible(), true);
    assert.equal(readers().length, 1);
    // The model that was opened before answers, and so does the section "Try".
    await type('Guten Morgen, wie geht es Ihnen?', 'li:first-child[data-label=de]');
    await page.locator('#text').fill('Guten Morgen, wie geht es Ihnen?');
    await page.waitForSelector('#answer li:first-child[data-label=de]');
    if (way === 'Escape') await page.keyboard.press('Escape');
    else {
      await page.focus('#cancel');
      await page.keyboard.press('Enter');
      // The button is hidden now: the box has the focus.
      assert.equal(await page.evaluate(() => document.activeElement?.id), 'yours-text');
    }
    assert.equal(await text('yours-status'), 'Cancelled: endless.h5 was not read.');
    for (const id of ['cancel', 'yours-progress', 'yours-error']) assert.equal(await page.locator(`#${id}`).isVisible(), false, id);
    await ended();
    assert.equal(await text('yours-name'), 'langid-gru.safetensors');
    await type('Where is the station?', 'li:first-child[data-label=en]');
    await drop(models('keras-files/bilstm-stack-h5.h5'));
    await loaded('bilstm-stack-h5.h5');
    await ended();
  });

test('a file that is dropped while another is read replaces it', async () => {
  await drop(await endless());
  await state.page.waitForSelector('#cancel:not([hidden])');
  await drop(langid);
  await loaded('langid-gru.safetensors');
  await ended();
});

test('the error for a damaged .h5 file says what is wrong with it', async () => {
  const file = join(folder, 'short.h5');
  writeFileSync(file, readFileSync(models('keras-files/bilstm-stack-h5.h5')).subarray(0, 20_000));
  await drop(file);
  assert.match(await failed(), /^short\.h5: 20000 bytes that are not a whole HDF5 file$/);
  assert.equal(await text('yours-status'), '');
});

test('an id outside the vocabulary gives an error, and the next id an answer', async () => {
  await drop(models('keras-files/bilstm-tagger.keras'));
  await loaded('bilstm-tagger.keras');
  await state.page.locator('#yours-text').fill('99');
  assert.match(await failed(), /99/);
  await type('3', 'pre');
  assert.equal(await state.page.locator('#yours-error').isVisible(), false);
});

test('a word that is not a token id gives an error, and the answer to the text before is removed', async () => {
  await drop(models('keras-files/bilstm-tagger.keras'));
  await loaded('bilstm-tagger.keras');
  for (const wrong of ['abc', '1.5', '3 -1', '1e1', '٣']) {
    await type('3', 'pre');
    await state.page.locator('#yours-text').fill(wrong);
    assert.match(await failed(), new RegExp(`^“${wrong.split(' ').at(-1)}” is no token id\\. Ids are integers`));
    assert.equal(await text('yours-answer'), '');
    assert.equal(await text('yours-time'), '');
  }
  // An error of the model removes the answer, too.
  await type('3', 'pre');
  await state.page.locator('#yours-text').fill('99');
  assert.match(await failed(), /99/);
  assert.equal(await text('yours-answer'), '');
  await type('3, 4;5', 'pre');
});

test('scores are shown all in percent or all as numbers', async () => {
  const { page } = state;
  for (const [name, values, shown] of /** @type {[string, number[], string[]][]} */ ([
    ['raw', [0.091, -0.136, 0.05], ['0.091', '0.05', '-0.136']],
    ['shares', [0.25, 0.5, 0.25], ['50.0%', '25.0%', '25.0%']],
  ])) {
    const model = await createModel({
      architecture: {
        class_name: 'Sequential',
        config: {
          layers: [
            { class_name: 'Embedding', config: { name: 'e', input_dim: 2, output_dim: 3 } },
            { class_name: 'GlobalMaxPooling1D', config: { name: 'p' } },
          ],
        },
      },
      weights: (root) =>
        new Map(
          root.listWeights().map(({ path, spec: { shape } }) => [path, { shape, data: Float32Array.of(...values, ...values) }]),
        ),
    });
    const file = join(folder, `${name}.safetensors`);
    writeFileSync(file, model.save());
    await drop(file);
    await loaded(`${name}.safetensors`);
    await type('1', 'li');
    assert.deepEqual(await page.locator('#yours-answer .score').allTextContents(), shown);
  }
});

test('a model that is dropped on another section is read, and its section scrolls into view', async () => {
  const { page } = state;
  await page.click('nav a[href="#try"]');
  await page.waitForSelector('#about:not(:empty)');
  await drop(langid, '#text');
  await loaded('langid-gru.safetensors');
  assert.ok(
    await page.locator('#yours-text').evaluate((box) => {
      const { top, bottom } = box.getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    }),
  );
});

test('for a model of several inputs, the page says that a box cannot hold them', async () => {
  await drop(langid);
  await loaded('langid-gru.safetensors');
  await drop(models('keras-files/encoder-decoder.keras'));
  await loaded('encoder-decoder.keras');
  assert.match(await text('yours-hint'), /^This model takes .+ \[T\], .+; that is more than a box can hold/);
  assert.equal(await state.page.locator('#yours-box').isVisible(), false);
});

test('the browser does not open a file that is dropped anywhere on the page', async () => {
  const { page } = state;
  const prevented = await page.evaluate(() =>
    ['dragover', 'drop'].map((step) => !document.body.dispatchEvent(new DragEvent(step, { bubbles: true, cancelable: true }))),
  );
  assert.deepEqual(prevented, [true, true]);
});

test('an imported model is saved as a file that loads', async () => {
  const { page } = state;
  await page.setInputFiles('#files', models('keras-files/bilstm-tagger.keras'));
  await loaded('bilstm-tagger.keras');
  const download = page.waitForEvent('download');
  await page.click('#save');
  const saved = join(folder, (await download).suggestedFilename());
  await (await download).saveAs(saved);
  await page.setInputFiles('#files', saved);
  await loaded('bilstm-tagger.safetensors');
  await type('3 4', 'pre');
});

test('without the optional packages, the page says which files it cannot read', async () => {
  // page.route does not see the requests of a service worker.
  const page = await state.browser.newPage({ serviceWorkers: 'block' });
  await page.route('**/packages/**', (route) => route.fulfill({ status: 404 }));
  await page.goto(`${state.server.url}web/#yours`);
  await page.waitForSelector('#missing:not([hidden])');
  assert.equal(
    await page.locator('#missing').textContent(),
    'Not served beside this page: fflate, h5wasm, pbf. So .keras, .h5, .onnx cannot be read here; the rest can.',
  );
  await page.setInputFiles('#files', models('keras-files/bilstm-tagger.keras'));
  await page.waitForSelector('#yours-error:not([hidden])');
  assert.match((await page.locator('#yours-error').textContent()) ?? '', /fflate/);
  await page.close();
});

test('if the worker that reads files is not served, the page says so', async () => {
  const page = await state.browser.newPage({ locale: 'en', serviceWorkers: 'block' });
  await page.route('**/web/reader.js', (route) => route.fulfill({ status: 404 }));
  await page.goto(`${state.server.url}web/#yours`);
  await page.waitForSelector('#masked-name[data-label]');
  await page.setInputFiles('#files', langid);
  await page.waitForSelector('#yours-error:not([hidden])');
  assert.equal(await page.locator('#yours-error').textContent(), 'The worker that reads files did not start.');
  assert.equal(await page.locator('#cancel').isVisible(), false);
  await page.close();
});
