#!/usr/bin/env node
/**
 * The command line.
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ArgumentError, loadModel, PadlessError } from './index.js';
import { evaluate, parseExamples } from './evaluate.js';
import { check, parseCases, record } from './golden.js';

const usage = `usage:
  padless info MODEL                    layers, shapes, parameters, bytes, text settings
  padless run MODEL [TEXT ...]          one JSON line an answer; without TEXT, one text a line from standard input
  padless run MODEL --ids FILE          rows of ids (JSON, ragged allowed) -> one JSON line a row: {"output name": nested array}
  padless run MODEL --trace TEXT        layer by layer: values and mask before and after, and what the mask changed
  padless convert INPUT [--weights FILE] [--tokenizer FILE] [--labels FILE] [--torch FILE] [--check FILE] [--int8] -o MODEL.safetensors
                                        Keras (.keras, .h5, .json with --weights), TF.js (model.json), PyTorch (.safetensors with --torch),
                                        padless's own; --int8: weights in a quarter of the bytes
  padless eval MODEL FILE               accuracy, cross-entropy, F1 on text<TAB>label (scores: <TAB>label ...), token<TAB>tag with empty
                                        lines between, or JSON lines {"text", "labels": {"output name": ...}}
  padless record MODEL CASES -o GOLDEN  the model's answers to texts (a line each) or rows of ids (JSON)
  padless bench MODEL                   how fast it is here, in each build of the kernels, alone and in batches
  padless check MODEL GOLDEN            exit 1 where an answer has other bits, saying which
options:
  --simd auto|baseline|relaxed          which build of the kernels (auto: the fastest that this Node runs)
  --ignore LABEL[,LABEL ...]            eval: labels that are passed over
  --help, --version`;

const options = /** @type {const} */ ({
  ids: { type: 'string' },
  trace: { type: 'boolean' },
  output: { type: 'string', short: 'o' },
  weights: { type: 'string' },
  tokenizer: { type: 'string' },
  labels: { type: 'string' },
  torch: { type: 'string' },
  check: { type: 'string' },
  int8: { type: 'boolean' },
  ignore: { type: 'string' },
  simd: { type: 'string' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
});
/** @typedef {{ ids?: string, trace?: boolean, output?: string, weights?: string, tokenizer?: string, labels?: string, torch?: string, check?: string, int8?: boolean, ignore?: string, simd?: any }} Values */

/** @param {unknown} value */
const print = (value) => process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`);

/** @param {string} file */
async function readText(file) {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ArgumentError(`${file}: ${/** @type {Error} */ (cause).message}`, { cause });
  }
}

/** @param {string} file @returns {Promise<any>} */
async function readJson(file) {
  const text = await readText(file);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ArgumentError(`${file}: ${/** @type {Error} */ (cause).message}`, { cause });
  }
}

/** @param {number[]} shape */
const size = (shape) => shape.reduce((product, length) => product * length, 1);

/** @param {import('./model.js').Model} model @returns {import('./layers/layer.js').Weight[]} */
const weightsIn = ({ root }) => root.listWeights().map(({ layer, spec }) => layer.weight(spec.name));

/** What weights are kept in. @param {import('./model.js').Model} model */
function kinds(model) {
  const int8 = weightsIn(model).reduce((sum, weight) => sum + (weight.int8?.length ?? 0), 0);
  const floats = model.parameters - int8;
  return [int8 && `${int8.toLocaleString('en')} int8`, floats && `${floats.toLocaleString('en')} float32`]
    .filter(Boolean)
    .join(', ');
}

/** Bytes of the weights in a file, scales included. @param {import('./model.js').Model} model */
const weightBytes = (model) =>
  weightsIn(model).reduce(
    (sum, { shape, int8, scale, rows }) =>
      sum + (int8 ? int8.byteLength + (scale?.byteLength ?? 0) + (rows?.byteLength ?? 0) : 4 * size(shape)),
    0,
  );

/** @param {import('./model.js').Model} model */
function info(model) {
  const { root, inputs, text, outputs, parameters, fileBytes, kerasVersion, readsPadding } = model;
  for (const layer of root.layers) {
    const weights = layer.listWeights();
    const numbers = weights.reduce((sum, { spec }) => sum + size(spec.shape), 0);
    print(`${layer.name}  (${layer.className})  ${numbers.toLocaleString('en')} parameters`);
    for (const { path, layer: owner, spec } of weights)
      print(`    ${path} [${spec.shape}]${owner.weight(spec.name).int8 ? ' int8' : ''}`);
  }
  print(`parameters  ${parameters.toLocaleString('en')}: ${kinds(model)}`);
  print(`bytes       ${fileBytes.toLocaleString('en')}, of them weights ${weightBytes(model).toLocaleString('en')}`);
  print(`saved by    ${kerasVersion ? `Keras ${kerasVersion}` : 'padless'}`);
  for (const { name, shape, ids, maskZero } of inputs)
    print(
      `input       ${name}: ${ids ? 'token ids' : 'values'} [B, ${shape.map((length) => length ?? 'T').join(', ')}]${maskZero ? ', 0 is padding' : ''}`,
    );
  outputs.forEach(({ name, kind, labels }, i) => {
    const shape = model.specs[i].shape.map((length) => length ?? 'T').join(', ');
    print(`output      ${name}: ${kind} [B, ${shape}]${labels ? `, ${labels.length} labels: ${labels.join(' ')}` : ''}`);
  });
  if (readsPadding.length)
    print(
      `padding     can change this model's answers: ${readsPadding.join(', ')} read${readsPadding.length === 1 ? 's' : ''} it, as in Keras`,
    );
  else print("padding     changes no bit of this model's answers");
  if (!text) print('text        none: the model takes token ids');
  else {
    const { vocabulary, ...settings } = text.settings;
    print(
      `text        ${Object.entries({ ...settings, vocabulary: vocabulary.length })
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(' ')}`,
    );
  }
}

/**
 * @param {ArrayLike<number>} data
 * @param {number[]} shape
 * @returns {any} nested arrays
 */
function nested(data, shape) {
  if (shape.length === 0) return data[0];
  if (shape.length === 1) return Array.from(data);
  const [first, ...rest] = shape;
  const each = size(rest);
  return Array.from({ length: first }, (_, i) => nested(Array.prototype.slice.call(data, i * each, (i + 1) * each), rest));
}

/** @param {import('./model.js').Model} model @param {string} file */
async function runIds(model, file) {
  const rows = await readJson(file);
  if (!Array.isArray(rows)) throw new ArgumentError(`${file}: expected a list of rows of ids`);
  for (const row of rows) {
    print(Object.fromEntries(model.run([row]).map(({ name, shape, data }) => [name, nested(data, shape.slice(1))])));
  }
}

/** A tensor's first values, a line a step. @param {string} title @param {import('./model.js').TraceTensor} tensor @param {Set<number>} changed */
function showTensor(title, { shape, data, mask }, changed) {
  print(`    ${title} [${shape}]`);
  if (shape.length === 2 && !mask) {
    print(`        ${numbers(data)}`);
    return;
  }
  const T = shape[1];
  const width = data.length / (T || 1);
  for (let t = 0; t < Math.min(T, 24); t++) {
    const counts = mask && !mask[t] ? ' ' : '*';
    print(
      `      ${counts}${String(t).padStart(4)}  ${numbers(data.subarray(t * width, (t + 1) * width))}${changed.has(t) ? '   changed by the mask' : ''}`,
    );
  }
  if (T > 24) print(`        ... ${T - 24} more`);
}

/** @param {Float32Array} values */
const numbers = (values) =>
  `${Array.from(values.subarray(0, 6), (value) => (Number.isInteger(value) ? String(value) : value.toPrecision(4)).padStart(10)).join(' ')}${values.length > 6 ? ` ... ${values.length - 6} more` : ''}`;

/** @param {import('./model.js').Model} model @param {string} text */
function trace(model, text) {
  for (const { path, layer, before, after, changed } of model.trace(text)) {
    print(`${path}  (${layer})`);
    for (const tensor of before) showTensor('in ', tensor, new Set());
    for (const tensor of after) showTensor('out', tensor, new Set(changed?.[0] ?? []));
  }
}

/** @param {string} file @param {Values} values */
async function convert(file, values) {
  if (!values.output) throw new ArgumentError('padless convert: where to? -o MODEL.safetensors');
  const { fromKeras, fromTfjs, fromTorch, toInt8 } = await import('./import/index.js');
  const { simd, weights, tokenizer } = values;
  const labels = values.labels ? await readLabels(values.labels) : undefined;
  const given = { simd, weights, labels, ...(tokenizer && { tokenizer: await readJson(tokenizer) }) };
  const isTfjs = /\.json$/.test(file) && !weights;
  const isOurs = /\.safetensors$/.test(file) && !values.torch;
  let model = values.torch
    ? await fromTorch(file, await readJson(values.torch), given)
    : isOurs
      ? await loadModel(file, { simd })
      : isTfjs
        ? await fromTfjs(file, given)
        : await fromKeras(file, given);
  const bytes = values.int8 ? toInt8(model) : model.save();
  await writeFile(values.output, bytes);
  print(`${values.output}: ${model.parameters.toLocaleString('en')} parameters`);
  if (values.int8) {
    model = await loadModel(bytes, { simd });
    print(
      `weights in ${kinds(model)}, ${((100 * weightBytes(model)) / (4 * model.parameters)).toFixed(1)} % of what float32 takes`,
    );
  }
  if (model.readsPadding.length) print(`padding can change its answers: ${model.readsPadding.join(', ')} read it, as in Keras`);
  if (values.check) await compare(model, values.check, !values.int8);
}

/** Labels: a JSON list, or one a line. @param {string} file */
async function readLabels(file) {
  const text = await readText(file);
  return text.trimStart().startsWith('[') ? readJson(file) : text.trimEnd().split(/\r?\n/);
}

/** What the framework's float32 may differ by, of values v: semantics.md's tolerance for logits. @param {number} v */
const tolerance = (v) => Math.max(1e-4, 1e-4 * Math.abs(v));

/**
 * The most steps of padding that each row of ids has, in an input that masks them.
 * @param {import('./model.js').Model} model @param {any} given
 */
function paddingOf({ inputs }, given) {
  /** @type {number[]} */
  const most = [];
  for (const { name, maskZero } of inputs) {
    const rows = maskZero ? (Array.isArray(given) ? given : given[name]) : [];
    const longest = Math.max(0, ...rows.map((/** @type {number[]} */ row) => row.length));
    rows.forEach((/** @type {number[]} */ row, /** @type {number} */ b) => {
      most[b] = Math.max(most[b] ?? 0, longest - row.filter((id) => id !== 0).length);
    });
  }
  return most;
}

/**
 * Samples with what the framework answers: [{ "inputs": rows, or an object of them, "outputs": [nested arrays] }]. Where the model masks its
 * ids, steps of padding are passed over: a framework has anything there.
 * @param {import('./model.js').Model} model @param {string} file
 * @param {boolean} exact  weights are the framework's: a value beyond the tolerance is an error
 */
async function compare(model, file, exact) {
  const samples = await readJson(file);
  if (!Array.isArray(samples)) throw new ArgumentError(`${file}: expected a list of { inputs, outputs }`);
  let most = 0;
  let where = '';
  let beyond = 0;
  samples.forEach((sample, number) => {
    const { inputs, outputs } = sample ?? {};
    if (!inputs || !Array.isArray(outputs)) throw new ArgumentError(`${file}: expected a list of { inputs, outputs }`);
    const padding = paddingOf(model, inputs);
    model.run(inputs).forEach(({ name, shape, data }, i) => {
      const expected = [outputs[i]].flat(Infinity).map(Number);
      if (expected.length !== data.length)
        throw new ArgumentError(`${file}: output ${name} has ${data.length} values, expected are ${expected.length}`);
      const width = size(shape.slice(2));
      // Steps of zeros, of which a row has no more than it has padding.
      const over = new Set();
      for (let b = 0; b < shape[0] && shape.length > 2; b++)
        for (let t = 0, left = padding[b] ?? 0; t < shape[1] && left > 0; t++) {
          const step = b * shape[1] + t;
          if (data.subarray(step * width, (step + 1) * width).some((value) => value !== 0)) continue;
          over.add(step);
          left--;
        }
      expected.forEach((value, k) => {
        if (over.has(Math.floor(k / width))) return;
        const difference = Math.abs(value - data[k]);
        if (!(difference <= tolerance(value))) beyond++;
        if (!(difference <= most)) {
          most = difference;
          where = `, in sample ${number}, output ${name}, value ${k} of [${shape}]: ${data[k]}, expected ${value}`;
        }
      });
    });
  });
  print(`largest difference on ${samples.length} samples: ${most.toPrecision(3)}${where}`);
  if (exact && beyond) {
    print(`${beyond} values differ by more than ${tolerance(0)}`);
    process.exitCode = 1;
  }
}

/** @param {string} file */
async function bench(file) {
  const { speed } = await import('./speed.js');
  for (const { build, first, runs, memory } of await speed(file)) {
    print(`${build}  first answer ${first.toFixed(1)} ms after the file, ${(memory / 2 ** 20).toFixed(1)} MB of memory`);
    for (const { rows, steps, ms, rowMs } of runs)
      print(
        `  ${String(rows).padStart(2)} x ${String(steps).padEnd(4)} steps  ${ms.toPrecision(3).padStart(8)} ms  ${rowMs.toPrecision(3).padStart(8)} ms a row`,
      );
  }
}

/** @param {string} command @param {import('./model.js').Model} model @param {string | undefined} file @param {Values} values */
async function regression(command, model, file, values) {
  if (!file) throw new ArgumentError(`padless ${command}: no ${command === 'record' ? 'cases' : 'golden file'} given\n${usage}`);
  if (command === 'record') {
    if (!values.output) throw new ArgumentError('padless record: where to? -o GOLDEN');
    const golden = record(model, parseCases(await readText(file)));
    await writeFile(values.output, `${JSON.stringify(golden, null, 1)}\n`);
    print(`${values.output}: ${golden.cases.length} cases`);
    return;
  }
  const golden = await readJson(file);
  const drifts = check(model, golden);
  for (const { case: number, input, output, what } of drifts)
    print(`case ${number} (${JSON.stringify(input).slice(0, 60)}), output ${output}: ${what}`);
  print(
    drifts.length
      ? `${drifts.length} outputs drifted in ${golden.cases.length} cases`
      : `${golden.cases.length} cases, no bit moved`,
  );
  if (drifts.length) process.exitCode = 1;
}

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  if (values.version) {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    return print(version);
  }
  const [command, file, ...rest] = positionals;
  if (values.help || !command) return print(usage);
  const commands = ['info', 'run', 'convert', 'eval', 'record', 'check', 'bench'];
  if (!commands.includes(command)) throw new ArgumentError(`unknown command ${JSON.stringify(command)}\n${usage}`);
  if (!file) throw new ArgumentError(`padless ${command}: no ${command === 'convert' ? 'input' : 'model'} file given\n${usage}`);
  if (command === 'convert') return convert(file, values);
  if (command === 'bench') return bench(file);
  const isRegression = command === 'record' || command === 'check';
  const model = await loadModel(file, { simd: isRegression ? 'baseline' : /** @type {any} */ (values.simd) });
  if (isRegression) return regression(command, model, rest[0], values);
  if (command === 'info') return info(model);
  if (command === 'eval') {
    if (!rest[0]) throw new ArgumentError(`padless eval: no labelled file given\n${usage}`);
    const examples = parseExamples(await readText(rest[0]), model.outputs[0].kind);
    return print(evaluate(model, examples, { ignore: values.ignore?.split(',') ?? [] }));
  }
  if (values.ids !== undefined) return runIds(model, values.ids);
  if (values.trace) {
    if (rest.length === 0) throw new ArgumentError(`padless run --trace: no text given\n${usage}`);
    for (const text of rest) trace(model, text);
    return undefined;
  }
  for (const text of rest) print(model.predict(text));
  if (rest.length === 0) for await (const line of createInterface({ input: process.stdin })) print(model.predict(line));
  return undefined;
}

// Whoever reads the answers may stop at any of them, as `head` does.
process.stdout.on('error', (error) => {
  if (/** @type {any} */ (error).code !== 'EPIPE') process.stderr.write(`padless: ${error.message}\n`);
  process.exit(/** @type {any} */ (error).code === 'EPIPE' ? 0 : 2);
});
try {
  await main();
} catch (error) {
  const known =
    error instanceof PadlessError ||
    /^E[A-Z]+$/.test(String(/** @type {any} */ (error)?.code)) ||
    String(/** @type {any} */ (error)?.code).startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`padless: ${known ? /** @type {Error} */ (error).message : /** @type {Error} */ (error).stack}\n`);
  process.exitCode = 2;
}
