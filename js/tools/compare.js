/**
 * `padless convert --check`: compares a model with outputs of its framework.
 * @module
 */
import { ArgumentError, show } from '../errors.js';
import { product } from '../layers/tensor.js';
import { counted, parseJsonOf, print, readText } from './files.js';
/** @typedef {import('../model/model.js').Model} Model */

/** Matches strings, and the numbers NaN and Infinity, which Python writes although JSON lacks them. */
const NO_NUMBERS = /"(?:\\.|[^"\\])*"|-?\b(?:NaN|Infinity)\b/g;

/** @param {string} file @returns {Promise<{ inputs: any, outputs: any[] }[]>} NaN is null */
async function readSamples(file) {
  const text = await readText(file);
  const samples = parseJsonOf(
    // JSON.parse() reads 1e999 as Infinity.
    text.replace(NO_NUMBERS, (each) => (each.startsWith('"') ? each : each.replace('NaN', 'null').replace('Infinity', '1e999'))),
    file,
  );
  const isSample = (/** @type {any} */ sample) => sample?.inputs && Array.isArray(sample.outputs);
  if (!Array.isArray(samples) || !samples.every(isSample))
    throw new ArgumentError(`${file}: expected a list of { inputs, outputs }`);
  return samples;
}

/** The tolerated difference from the framework's float32 value v. @param {number} v */
const tolerance = (v) => Math.max(1e-4, 1e-4 * Math.abs(v));

/**
 * The maximum number of padding steps of each row, over the inputs that mask id 0.
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
 * Compares a model with samples: [{ "inputs": rows, or an object of rows by input name, "outputs": [nested arrays] }]. If the model masks its ids,
 * outputs at padding are not compared, because frameworks return arbitrary values there.
 * @param {Model} model @param {string} file
 * @param {boolean} exact  whether the weights equal those of the framework, so that a value beyond the tolerance is an error
 */
export async function compare(model, file, exact) {
  const samples = await readSamples(file);
  let most = 0;
  let where = '';
  let beyond = 0;
  samples.forEach((sample, number) => {
    const { inputs, outputs } = sample;
    const padding = paddingOf(model, inputs);
    model.run(inputs).forEach(({ name, shape, data }, i) => {
      const expected = [outputs[i]].flat(Infinity);
      if (expected.length !== data.length)
        throw new ArgumentError(`${file}: output ${name} has ${data.length} values, expected ${expected.length}`);
      const width = product(shape.slice(2));
      // Steps whose outputs are all 0 count as padding, up to the number of padding steps of the row.
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
        if (typeof value !== 'number')
          throw new ArgumentError(
            `${file}: sample ${number}, output ${name}: value ${k} of [${shape}] is ${value === null ? 'NaN or null' : show(value)}, expected a number; where the framework gave none, leave the sample out`,
          );
        const difference = value === data[k] ? 0 : Math.abs(value - data[k]);
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
