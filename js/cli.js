#!/usr/bin/env node
/**
 * The command line: `padless info` and `padless run`.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ArgumentError, loadModel, PadlessError } from './index.js';

const usage = `usage:
  padless info MODEL                    layers, shapes, parameters, bytes, text settings
  padless run MODEL [TEXT ...]          one JSON line an answer; without TEXT, one text a line from standard input
  padless run MODEL --ids FILE          rows of ids (JSON, ragged allowed) -> one JSON line a row: {"output name": nested array}
options:
  --simd auto|baseline|relaxed          which build of the kernels (auto: the fastest that this Node runs)
  --help, --version`;

/** @param {unknown} value */
const print = (value) => process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`);

/** @param {import('./model.js').Model} model */
function info(model) {
  const { root, text, outputs, parameters, fileBytes, kerasVersion } = model;
  const rows = root.layers.map((layer) => {
    const weights = layer.listWeights();
    const numbers = weights.reduce((sum, { spec }) => sum + spec.shape.reduce((product, size) => product * size, 1), 0);
    return [
      layer.name,
      layer.className,
      weights.map(({ path, spec }) => `${path} [${spec.shape}]`).join('  '),
      numbers.toLocaleString('en'),
    ];
  });
  for (const [name, className, weights, numbers] of rows) {
    print(`${name}  (${className})  ${numbers} parameters`);
    if (weights) for (const weight of weights.split('  ')) print(`    ${weight}`);
  }
  print(`parameters  ${parameters.toLocaleString('en')}, float32`);
  print(`bytes       ${fileBytes.toLocaleString('en')}`);
  print(`saved by    Keras ${kerasVersion}`);
  for (const { name, kind, labels } of outputs)
    print(`output      ${name}: ${kind}${labels ? `, ${labels.length} labels: ${labels.join(' ')}` : ''}`);
  if (!text) print('text        none: the model takes token ids');
  else {
    const { unit, normalization, case: fold, pad, unknown, maxlen, length, padding, truncation, mask } = text;
    const words = {
      unit,
      normalization,
      case: fold,
      vocabulary: text.settings.vocabulary.length,
      pad,
      unknown,
      maxlen,
      length,
      padding,
      truncation,
      mask,
    };
    print(
      `text        ${Object.entries(words)
        .map(([key, value]) => `${key}=${value}`)
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
  if (shape.length === 1) return Array.from(data);
  const [first, ...rest] = shape;
  const size = rest.reduce((product, length) => product * length, 1);
  return Array.from({ length: first }, (_, i) => nested(Array.prototype.slice.call(data, i * size, (i + 1) * size), rest));
}

/**
 * @param {import('./model.js').Model} model
 * @param {string} file
 */
async function runIds(model, file) {
  let rows;
  try {
    rows = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new ArgumentError(`${file}: ${/** @type {Error} */ (cause).message}`, { cause });
  }
  if (!Array.isArray(rows)) throw new ArgumentError(`${file}: expected a list of rows of ids`);
  for (const row of rows) {
    print(Object.fromEntries(model.run([row]).map(({ name, shape, data }) => [name, nested(data, shape.slice(1))])));
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { ids: { type: 'string' }, simd: { type: 'string' }, help: { type: 'boolean' }, version: { type: 'boolean' } },
  });
  if (values.version) {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    return print(version);
  }
  const [command, file, ...texts] = positionals;
  if (values.help || !command) return print(usage);
  if (command !== 'info' && command !== 'run') throw new ArgumentError(`unknown command ${JSON.stringify(command)}\n${usage}`);
  if (!file) throw new ArgumentError(`padless ${command}: no model file given\n${usage}`);
  const model = await loadModel(file, { simd: /** @type {import('./wasm.js').Simd | undefined} */ (values.simd) });
  if (command === 'info') return info(model);
  if (values.ids !== undefined) return runIds(model, values.ids);
  for (const text of texts) print(model.predict(text));
  if (texts.length === 0) for await (const line of createInterface({ input: process.stdin })) print(model.predict(line));
}

try {
  await main();
} catch (error) {
  const known = error instanceof PadlessError || String(/** @type {any} */ (error)?.code).startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`padless: ${known ? /** @type {Error} */ (error).message : /** @type {Error} */ (error).stack}\n`);
  process.exitCode = 2;
}
