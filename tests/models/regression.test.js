/**
 * Runs padless record, check, eval and convert as a user's project does.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ArgumentError, loadModel, ModelFileError } from 'padless';
import { compare } from '../../js/tools/compare.js';
import { check, parseCases, record } from '../../js/tools/golden.js';
import { cli, file, folder, padless } from '../command.js';
import { says } from '../says.js';

const model = fileURLToPath(new URL('../../web/models/langid-gru/langid-gru.safetensors', import.meta.url));

test('recorded answers pass the check, and fail it after one bit of a weight has changed', async () => {
  const cases = file('cases.txt', 'Guten Tag, wie geht es Ihnen?\n\nThe quick brown fox\n');
  const golden = join(folder, 'golden.json');
  assert.deepEqual(padless('record', model, cases, '-o', golden), { status: 0, stdout: `${golden}: 3 cases\n`, stderr: '' });
  assert.deepEqual(padless('check', model, golden), { status: 0, stdout: '3 cases, all bits are equal\n', stderr: '' });
  const changed = await loadModel(model);
  const [{ layer }] = changed.root.listWeights().slice(-1);
  const { data } = layer.weight('bias');
  new Uint32Array(data.buffer, data.byteOffset, data.length)[3] ^= 1 << 20;
  const { status, stdout } = padless('check', file('changed.safetensors', changed.save()), golden);
  assert.equal(status, 1);
  assert.match(
    stdout,
    /^case 0 \("Guten Tag, wie geht es Ihnen\?"\), output language: element \d+ of \[1,\d+\] is .*, recorded .*; \d+ of \d+ values differ/,
  );
  assert.match(stdout, /outputs of 3 cases differ\n$/);
});

test('check compares names, shapes and the number of values, too', async () => {
  const golden = join(folder, 'shape.json');
  padless('record', model, file('one.txt', 'text'), '-o', golden);
  const text = readFileSync(golden, 'utf8');
  const { shape, data, name } = JSON.parse(text).cases[0].outputs[0];
  /** @param {any} changes */
  const drift = (changes) => {
    const changed = JSON.parse(text);
    Object.assign(changed.cases[0].outputs[0], changes);
    return padless('check', model, file('drift.json', JSON.stringify(changed)));
  };
  assert.equal(drift({}).status, 0);
  for (const [changes, what] of [
    [{ shape: shape.toReversed() }, `shape [${shape}], recorded [${shape.toReversed()}]`],
    [{ name: 'other' }, `its name is now ${name}`],
    [{ data: data.slice(0, 16) }, `${shape[1]} values, recorded 3`],
  ]) {
    const { status, stdout } = drift(changes);
    assert.equal(status, 1);
    assert.ok(stdout.includes(what), stdout);
  }
});

test('check says where an output differs first, in how many values, and the largest difference', async () => {
  const loaded = await loadModel(model, { simd: 'baseline' });
  /** @param {[at: number, change: number][]} changes */
  const drift = (changes) => {
    const golden = record(loaded, ['some text']);
    const [output] = golden.cases[0].outputs;
    const bytes = Buffer.from(output.data, 'base64');
    for (const [at, change] of changes) bytes.writeFloatLE(bytes.readFloatLE(4 * at) + change, 4 * at);
    output.data = bytes.toString('base64');
    const [first, ...more] = check(loaded, golden);
    assert.deepEqual([more, first?.case, first?.output], [[], 0, output.name]);
    return { what: first.what, K: output.shape[1], now: loaded.outputsOf(['some text'])[0].data };
  };
  const { now: scores } = drift([[0, 1]]);
  const best = scores.indexOf(Math.max(...scores));
  for (const [changes, count, most] of /** @type {[[number, number][], number, string][]} */ ([
    [[[0, 2]], 1, '2.00'],
    [[[best, 0.25]], 1, '0.250'],
    [[[1, -8], [2, 64], [5, -4]], 3, '64.0'], // prettier-ignore
  ])) {
    const { what, K, now } = drift(changes);
    const [[at, change]] = changes;
    const expected = `element ${at} of [1,${K}] is ${now[at]}, recorded ${Math.fround(now[at] + change)}; ${count} of ${K} values differ, by up to ${most}`;
    assert.equal(what, expected);
  }
});

test('cases may be rows of ids, too; a file that is not a golden file is refused', async () => {
  const golden = join(folder, 'ids.json');
  assert.equal(padless('record', model, file('ids-cases.json', '[[[5, 6, 7], [8]], "text"]'), '-o', golden).status, 0);
  assert.equal(padless('check', model, golden).status, 0);
  assert.match(padless('check', model, file('none.json', '{}')).stderr, /was not written by padless record/);
  const parsed = (/** @type {string} */ text) => padless('check', model, file('broken.json', text)).stderr;
  // The message of a file that begins like JSON is the engine's own.
  assert.match(parsed('{'), /broken\.json: [^;]*JSON[^;]*\n$/);
  assert.match(parsed('no JSON'), /broken\.json: [^;]*JSON[^;]*; it is text\n$/);
  assert.match(
    padless('record', model, file('bad.json', '[5]'), '-o', golden).stderr,
    /bad\.json: cases: entry 0 is neither a text nor rows of ids such as \[\[5, 2, 9\], \[7\]\]/,
  );
});

test('a case of another form in a golden file is refused by its number, and a model with another number of outputs differs', async () => {
  const loaded = await loadModel(model, { simd: 'baseline' });
  const golden = record(loaded, ['text']);
  const [{ input, outputs }] = golden.cases;
  const [output] = outputs;
  /** @param {any} entry */
  const drifts = (entry) => check(loaded, { padless: 1, cases: [golden.cases[0], entry] });
  for (const other of [undefined, 3, [null], [{ ...output, data: 3 }], [{ ...output, shape: '1,62' }]])
    assert.throws(() => drifts({ input, outputs: other }), says(ModelFileError, /^case 1 of the golden file was not written by/));
  assert.throws(() => drifts(null), says(ModelFileError, /^case 1 of/));
  assert.throws(() => drifts({ input, outputs: [{ ...output, data: '*' }] }), says(ModelFileError, /data that is not base64/));
  assert.deepEqual(drifts({ input, outputs: [output, output] }), [{ case: 1, input, output: '', what: '1 outputs, recorded 2' }]);
});

test('answers are recorded and checked in the fixed-order build only', async () => {
  const loaded = await loadModel(model, { simd: 'baseline' });
  const golden = record(loaded, ['text']);
  Object.defineProperty(loaded, 'simd', { value: 'relaxed' });
  for (const call of [() => record(loaded, ['text']), () => check(loaded, golden)])
    assert.throws(call, says(ArgumentError, /^the model uses the relaxed build, .*; load it with simd: 'baseline'$/));
});

test('cases in JSON are texts, rows of ids, or rows by the name of the input', () => {
  const cases = ['text', [[5, 2], [7]], { a: [[5]], b: [[1.5]] }];
  assert.deepEqual(parseCases(JSON.stringify(cases)), cases);
  assert.throws(() => parseCases('["text"'), says(ArgumentError, /^cases: not JSON: /));
  for (const other of [null, 5, [5], { a: 5 }])
    assert.throws(() => parseCases(JSON.stringify(['text', other])), says(ArgumentError, /^cases: entry 1 is neither/));
});

test('eval prints accuracy and cross-entropy on a labelled file', async () => {
  const texts = [
    ['Wie spät ist es denn jetzt eigentlich?', 'de'],
    ['What time is it now, do you know?', 'en'],
    ['Το σπίτι είναι μεγάλο', 'el'],
  ];
  const { status, stdout, stderr } = padless('eval', model, file('labelled.tsv', texts.map((row) => row.join('\t')).join('\n')));
  assert.equal(status, 0, stderr);
  const scores = JSON.parse(stdout);
  const loaded = await loadModel(model);
  const right = texts.map(([text, label]) => loaded.predict(text).scores?.[label] ?? 0);
  assert.equal(scores.accuracy, texts.filter(([text, label]) => loaded.predict(text).label === label).length / 3);
  assert.ok(Math.abs(scores.crossEntropy + right.reduce((sum, p) => sum + Math.log(p), 0) / 3) < 1e-4);
  assert.match(
    padless('eval', model, file('unknown.tsv', 'text\txx')).stderr,
    /label "xx" is not one of the \d+ labels of the model/,
  );
});

test('a file that cannot be read gives a one-line error and exit status 2; a closed output pipe ends the command silently', async () => {
  const [empty, garbage] = [file('empty', ''), file('garbage', Uint8Array.of(0, 255, 19, 103, 9, 9, 9, 9, 9, 9))];
  for (const args of [
    ...[join(folder, 'nowhere'), folder, empty, garbage].flatMap((path) => [
      ['info', path],
      ['run', model, '--ids', path],
      ['check', model, path],
      ['convert', path, '-o', join(folder, 'x')],
    ]),
    ...[join(folder, 'nowhere'), folder, garbage].map((path) => ['eval', model, path]),
    ...[join(folder, 'nowhere'), folder].map((path) => ['record', model, path, '-o', join(folder, 'x')]),
    ['record', model, empty, '-o', join(folder, 'nowhere', 'x')],
    ['info', model, '--nonsense'],
    ['info', model, '--simd', 'fast'],
    ['record', model, empty, '-o'],
  ]) {
    const { status, stdout, stderr } = padless(...args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^padless: [^\n]+\n$/, args.join(' '));
  }
  const child = spawn(process.execPath, [cli, 'run', model], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  child.stdin.on('error', () => {});
  child.stdout.once('data', () => child.stdout.destroy());
  const timer = setInterval(() => child.stdin.write('Guten Tag\n'.repeat(50)), 20);
  const [code] = await once(child, 'close');
  clearInterval(timer);
  assert.deepEqual([code, said], [0, '']);
});

test("convert --check compares the steps that count with the framework's answers, and fails if one differs", () => {
  const folderOf = new URL('keras-files/', import.meta.url);
  /** @type {{ cases: any[] }} */
  const { cases } = JSON.parse(readFileSync(new URL('goldens.json', folderOf), 'utf8'));
  const { file: name, inputs, outputs } = cases.find((each) => each.name === 'bilstm-tagger');
  const [{ shape, data }] = outputs;
  const values = Array.from(new Float32Array(Uint8Array.from(Buffer.from(data, 'base64')).buffer));
  /** @param {number[]} flat */
  const samples = (flat) => {
    const nested = Array.from({ length: shape[0] }, (_, b) =>
      Array.from({ length: shape[1] }, (__, t) => flat.slice((b * shape[1] + t) * shape[2], (b * shape[1] + t + 1) * shape[2])),
    );
    return JSON.stringify([{ inputs: Object.values(inputs)[0], outputs: [nested] }]);
  };
  const converted = join(folder, 'tagger.safetensors');
  const path = fileURLToPath(new URL(name, folderOf));
  const good = padless('convert', path, '-o', converted, '--check', file('good.json', samples(values)));
  assert.equal(good.status, 0, good.stdout + good.stderr);
  assert.match(good.stdout, /largest difference on 1 sample: \d(\.\d+)?e-[5-9]|largest difference on 1 sample: 0\.0000/);
  values[4] += 0.01; // the second step of the first row, which counts
  const bad = padless('convert', path, '-o', converted, '--check', file('bad.json', samples(values)));
  assert.equal(bad.status, 1);
  // Python's JSON has NaN and Infinity.
  const text = samples(values.map((value, i) => (i === 4 ? 1e99 : value)));
  const none = padless('convert', path, '-o', converted, '--check', file('nan.json', text.replace('1e+99', 'NaN')));
  assert.equal(none.status, 2);
  assert.match(none.stderr, /nan\.json: sample 0, output time_distributed: value 4 of \[6,6,3\] is NaN or null, expected a number/);
  const infinite = padless('convert', path, '-o', converted, '--check', file('infinite.json', text.replace('1e+99', '-Infinity')));
  assert.match(infinite.stdout, /largest difference on 1 sample: Infinity.*value 4 of/);
  assert.match(
    bad.stdout,
    /0\.0100, in sample 0, output time_distributed, value 4 of \[6,6,3\]: .*\n1 value off by more than 0\.0001\n/,
  );
});

test('samples of another form are refused', async () => {
  const loaded = await loadModel(model);
  for (const samples of ['{}', '3', '[3]', '[{ "inputs": [[1]] }]', '[{ "outputs": [] }]', '[{ "inputs": [[1]], "outputs": 3 }]'])
    await assert.rejects(
      compare(loaded, file('samples.json', samples), true),
      says(ArgumentError, /samples\.json: expected a list of \{ inputs, outputs \}$/),
    );
});

test('padless convert --int8 writes int8 weights, and info lists them', () => {
  const output = join(folder, 'int8.safetensors');
  const samples = file('samples.json', JSON.stringify([{ inputs: [[]], outputs: [Array(62).fill(0)] }]));
  // With --int8, --check prints the difference and does not fail.
  const { status, stdout, stderr } = padless('convert', model, '--int8', '--check', samples, '-o', output);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /weights in [\d,]+ int8, [\d,]+ float32, 2[0-6]\.\d % of what float32 takes/);
  assert.match(stdout, /largest difference on 1 sample/);
  const info = padless('info', output).stdout;
  assert.match(info, /recurrent_kernel \[\d+,\d+\] int8/);
  const [all, int8, floats] = Array.from(info.match(/parameters .*/)?.[0].match(/[\d,]{3,}/g) ?? [], (each) =>
    Number(each.replaceAll(',', '')),
  );
  assert.ok(int8 > floats && floats > 0);
  assert.equal(int8 + floats, all);
  assert.match(info, /padding {5}changes no bit/);
  assert.match(padless('info', model).stdout, /parameters {2}[\d,]+: [\d,]+ float32\n/);
});
