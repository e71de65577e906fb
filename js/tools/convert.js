/**
 * `padless convert`: somebody else's file -> a model file, compared with samples where some are given.
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { ArgumentError } from '../errors.js';
import { readSource } from '../file/read-source.js';
import { labelsIn } from '../import/formats.js';
import { fromKeras, recognise, toInt8 } from '../import/index.js';
import { product } from '../layers/tensor.js';
import { loadModel } from '../model/model.js';
import { about, counted, print, readJson, readJsonGiven } from './files.js';
import { projectPackage } from './packages.js';
import { aboutPadding, kinds, weightBytes } from './info.js';
import { printText, textOptions } from './text-options.js';
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('./text-options.js').TextOptions} TextOptions */
/** @typedef {import('./usage.js').Values} Values */

/** Those of the user's project, in the first place. */
const packages = { h5wasm: () => projectPackage('h5wasm'), fflate: () => projectPackage('fflate') };

/** Options that are files beside the model. */
const besides = /** @type {const} */ (['weights', 'tokenizer', 'text', 'labels', 'outputs']);

/** @param {string} file @param {Values} values @param {import('../model/graph.js').CustomLayers} customLayers @param {TextOptions} text */
async function load(file, values, customLayers, text) {
  const { simd, weights, labels, outputs } = values;
  const modules = values.torch ? await readJson(values.torch) : undefined;
  const found = await about(file, () => recognise(file, { modules }));
  // Its error says what the file would have to be.
  if (!found) return about(file, () => fromKeras(file));
  const { format } = found;
  const ours = format.importer === 'loadModel';
  const idle = besides.find((name) => values[name] !== undefined && !format.beside.includes(name));
  if (idle && format.importer) {
    const advice = ours ? '; for a state dict of PyTorch give its modules, too: --torch FILE' : '';
    throw new ArgumentError(`${file}: --${idle} does not go with ${format.title}${advice}`);
  }
  const options = {
    ...{ simd, weights, customLayers, packages },
    ...text,
    ...(outputs !== undefined && { outputs: await readJsonGiven(outputs) }),
    ...(labels && { labels: labelsIn(await readSource(labels), labels) }),
  };
  return about(file, () => found.read(options)).catch((error) => {
    if (ours && /no padless metadata/.test(error.message))
      error.message += '; for a state dict of PyTorch give its modules: --torch FILE';
    throw error;
  });
}

/** @param {string} file @param {string} output @param {Values} values @param {import('../model/graph.js').CustomLayers} customLayers */
export async function convert(file, output, values, customLayers) {
  const { simd } = values;
  const text = await textOptions(values);
  let model = await load(file, values, customLayers, text);
  const bytes = values.int8 ? toInt8(model) : model.save();
  await writeFile(output, bytes);
  print(`${output}: ${model.parameters.toLocaleString('en')} parameters`);
  if (values.int8) {
    model = await loadModel(bytes, { simd, customLayers });
    print(
      `weights in ${kinds(model)}, ${((100 * weightBytes(model)) / (4 * model.parameters)).toFixed(1)} % of what float32 takes`,
    );
  }
  for (const line of aboutPadding(model)) print(`padding: ${line}`);
  printText(model, text);
  if (values.check) await compare(model, values.check, !values.int8);
}

/** What the framework's float32 may differ by, of values v: semantics.md's tolerance for logits. @param {number} v */
const tolerance = (v) => Math.max(1e-4, 1e-4 * Math.abs(v));

/**
 * The most steps of padding that each row of ids has, in an input that masks them.
 * @param {Model} model @param {any} given
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
 * @param {Model} model @param {string} file
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
      const width = product(shape.slice(2));
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
  print(`largest difference on ${counted(samples.length, 'sample')}: ${most.toPrecision(3)}${where}`);
  if (exact && beyond) {
    print(`${counted(beyond, 'value')} off by more than ${tolerance(0)}`);
    process.exitCode = 1;
  }
}
