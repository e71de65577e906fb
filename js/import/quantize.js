/**
 * Quantizes a model's weights to int8, a quarter of the bytes: the tables of Embedding, the kernels of Dense and recurrent layers. All other
 * weights stay unchanged.
 * @module
 */
import { ArgumentError, ModelFileError, typeName } from '../errors.js';
import { Int8Weight } from '../file/int8-weights.js';
import { storedTensors } from '../file/weights.js';
import { activationNumber } from '../runtime/activations.js';
import { serialize } from '../file/safetensors.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('../layers/layer.js').Weight} Weight */

/** Largest absolute value of a quantized weight. */
const MOST = 127;
/** Activations whose result stays the same when one number is added to all inputs (softmax; see centre). */
const blind = ['softmax', 'log_softmax'].map((name) => activationNumber(name, '', 3));
/**
 * Clipping limits to try, as fractions of the largest absolute value of a row or column. A lower limit clips the largest values and rounds all
 * others with a finer step.
 */
const CUTS = [1, 0.97, 0.94, 0.91, 0.88, 0.85, 0.82, 0.79, 0.76, 0.73, 0.7];

/** @param {number} value */
const rounded = (value) => Math.max(-MOST, Math.min(MOST, Math.round(value)));
/** @param {Float64Array} values */
const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** The step with the least squared quantization error. @param {Float64Array} values @param {number[]} steps */
function bestStep(values, steps) {
  let [best, least] = [0, Infinity];
  for (const step of steps) {
    let error = 0;
    for (const value of values) error += (value - rounded(value / step) * step) ** 2;
    if (step > 0 && error < least) [best, least] = [step, error];
  }
  return best;
}

/**
 * Quantizes an Embedding table. Each row has its own step, an integer multiple of 1/255 of the step that the largest value needs.
 * @param {number[]} shape
 * @param {Float64Array} values
 */
function tableToInt8([V, D], values) {
  const unit = Math.fround(largest(values) / MOST / 255);
  const rows = new Uint8Array(V);
  const int8 = new Int8Array(V * D);
  for (let v = 0; v < V; v++) {
    const row = values.subarray(v * D, (v + 1) * D);
    const most = largest(row) / MOST;
    const factors = CUTS.map((cut) => Math.min(255, Math.ceil((most * cut) / unit)));
    const step = bestStep(
      row,
      factors.map((factor) => factor * unit),
    );
    if (step > 0)
      int8.set(
        row.map((value) => rounded(value / step)),
        v * D,
      );
    rows[v] = step > 0 ? Math.round(step / unit) : 0;
  }
  return new Int8Weight([V, D], int8, new Float32Array(D).fill(unit), rows);
}

/** Quantizes a kernel. Each column has its own step. @param {number[]} shape @param {Float64Array} values */
function kernelToInt8([K, N], values) {
  const int8 = new Int8Array(K * N);
  const scale = new Float32Array(N);
  for (let n = 0; n < N; n++) {
    const column = Float64Array.from({ length: K }, (_, k) => values[k * N + n]);
    const most = largest(column) / MOST;
    scale[n] = bestStep(
      column,
      CUTS.map((cut) => Math.fround(most * cut)),
    );
    if (scale[n] > 0) column.forEach((value, k) => (int8[k * N + n] = rounded(value / scale[n])));
  }
  return new Int8Weight([K, N], int8, scale);
}

/**
 * Subtracts the mean of each row of a kernel, in place. That adds the same number to all inputs of softmax, which does not change its result,
 * and the smaller values are rounded with a finer step.
 * @param {number[]} shape
 * @param {Float64Array} values
 */
function centre([K, N], values) {
  for (let k = 0; k < K; k++) {
    const row = values.subarray(k * N, (k + 1) * N);
    const mean = row.reduce((sum, value) => sum + value, 0) / N;
    row.forEach((value, n) => (row[n] = value - mean));
  }
}

/** @param {{ path: string, layer: Layer, spec: import('../layers/layer.js').WeightSpec }} place @returns {Weight} */
function quantised({ path, layer, spec }) {
  const weight = layer.weight(spec.name);
  if (!spec.int8 || weight.int8) return weight;
  const values = Float64Array.from(weight.data);
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw new ModelFileError(`${path}: value ${wrong} is ${values[wrong]}; int8 needs finite numbers`);
  if (spec.int8 === 'rows') return tableToInt8(weight.shape, values);
  const { act } = /** @type {any} */ (layer);
  if (layer.className === 'Dense' && blind.includes(act)) centre(weight.shape, values);
  return kernelToInt8(weight.shape, values);
}

/**
 * Writes the model as a safetensors file with int8 weights.
 * @param {import('../model/model.js').Model} model
 * @returns {Uint8Array<ArrayBuffer>} a file that loadModel reads
 * @throws {ArgumentError} for anything but a model
 * @throws {ModelFileError} if a weight is NaN or infinite
 */
export function toInt8(model) {
  if (typeof model?.root?.listWeights !== 'function')
    throw new ArgumentError(`toInt8: model is ${typeName(model)}, expected a Model`);
  const tensors = model.root.listWeights().flatMap((place) => storedTensors(place.path, quantised(place)));
  return serialize({ metadata: { padless: JSON.stringify(model.settings) }, tensors: new Map(tensors) });
}
