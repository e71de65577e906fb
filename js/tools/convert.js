/**
 * `padless convert`: converts a file of another framework to a model file, and compares it with samples if any are given.
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { ArgumentError } from '../errors.js';
import { readSource } from '../file/read-source.js';
import { labelsIn } from '../import/formats.js';
import { fromKeras, fromTorch, recognise, toInt8 } from '../import/index.js';
import { loadModel } from '../model/model.js';
import { compare } from './compare.js';
import { about, print, readJson, readJsonGiven } from './files.js';
import { projectPackage } from './packages.js';
import { aboutPadding, aboutPrecision, kinds, weightBytes } from './info.js';
import { printText, textOptions } from './text-options.js';
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('./text-options.js').TextOptions} TextOptions */
/** @typedef {import('./usage.js').Values} Values */

/** Optional packages, preferably those of the current project. */
const packages = Object.fromEntries(['h5wasm', 'fflate', 'pbf'].map((name) => [name, () => projectPackage(name)]));

/** Options that are files beside the model. */
const besides = /** @type {const} */ (['weights', 'tokenizer', 'text', 'labels', 'outputs']);

/** @param {string} file @param {Values} values @param {import('../model/graph.js').CustomLayers} customLayers @param {TextOptions} text */
async function load(file, values, customLayers, text) {
  const { simd, weights, labels, outputs } = values;
  const modules = values.torch ? await readJson(values.torch) : undefined;
  const found = await about(file, () => recognise(file, { modules }));
  // The importers throw errors that say which files they accept.
  if (!found) return about(file, () => (modules === undefined ? fromKeras(file) : fromTorch(file, modules)));
  const { format } = found;
  const ours = format.importer === 'loadModel';
  const idle = besides.find((name) => values[name] !== undefined && !format.beside.includes(name));
  if (idle && format.importer) {
    const advice = ours ? '; for a state dict of PyTorch give its modules, too: --torch FILE' : '';
    throw new ArgumentError(`${file}: --${idle} does not go with ${format.title}${advice}`);
  }
  if (modules !== undefined && format.importer !== 'fromTorch')
    throw new ArgumentError(`${file}: --torch does not go with ${format.title}; it describes a state dict of PyTorch`);
  const options = {
    ...{ simd, weights, kerasVersion: values['keras-version'], customLayers, packages },
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
  for (const line of aboutPrecision(model)) print(`precision: ${line}`);
  printText(model, text);
  if (values.check) await compare(model, values.check, !values.int8);
}
