/**
 * Models in ONNX files with onnxruntime's answers (tests/models/onnx/store.py), run through fromOnnx.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { assertClose, bits } from '../close.js';

/** @typedef {{ type: string, shape: number[], data: string }} Stored */
/** @typedef {{ inputs: Record<string, Stored>, outputs: (Stored & { name: string })[] }} Run */
/** @typedef {{ name: string, exporter: string, bytes: Uint8Array, about: any, runs: Run[] }} Case */
/** @typedef {import('padless/layers').Model} Model */
/** @typedef {{ shape: number[], data: ArrayLike<number> }} Tensor */

/** The models of a folder, by name. @param {URL} folder @returns {Case[]} */
export function casesOf(folder) {
  const files = readdirSync(folder).filter((name) => /^goldens-.*\.json$/.test(name));
  return files.flatMap((file) => {
    const { models } = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
    return Object.entries(models).map(([name, { runs, ...about }]) => ({
      name,
      exporter: file.replace(/^goldens-|\.json$/g, ''),
      bytes: new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder))),
      about,
      runs,
    }));
  });
}

const arrays = /** @type {Record<string, any>} */ ({
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
});

/** @param {Stored} stored @returns {Tensor} */
export function tensorOf({ type, shape, data }) {
  const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  const values = new arrays[type](bytes.buffer);
  return { shape, data: type === 'int64' ? Float64Array.from(values, Number) : values };
}

/** The batch axis of a tensor: in torch it follows the directions in states, and follows time unless batch_first is set. @param {any} about @param {string} name @param {number[]} shape */
const batchAxis = ({ architecture }, name, shape) =>
  (architecture === 'encoder' && /^[hc]0?$/.test(name) && shape.length === 3) || (architecture === 'time-first' && name === 'ids')
    ? 1
    : 0;

/** The tensor with an axis moved to the front. @param {Tensor} tensor @param {number} axis @returns {Tensor} */
function axisFirst({ shape, data }, axis) {
  if (axis === 0) return { shape, data };
  const [outer, size, inner] = [shape[0], shape[1], shape.slice(2).reduce((a, b) => a * b, 1)];
  const moved = Float64Array.from(data, (_, i) => {
    const [b, o, k] = [Math.floor(i / (outer * inner)), Math.floor(i / inner) % outer, i % inner];
    return data[(o * size + b) * inner + k];
  });
  return { shape: [size, outer, ...shape.slice(2)], data: moved };
}

/** A tensor as nested lists. @param {ArrayLike<number>} data @param {number[]} shape @returns {any} */
function nested(data, [size, ...inner]) {
  const width = inner.reduce((a, b) => a * b, 1);
  const flat = Array.from(data);
  return Array.from({ length: size }, (_, i) => (inner.length ? nested(flat.slice(i * width, (i + 1) * width), inner) : flat[i]));
}

/**
 * The inputs of padless's model as rows. If the file has an input `lengths` and the model has none, each row is cut to its length.
 * @param {Model} model @param {any} about @param {Run} run
 * @returns {{ inputs: Record<string, any[]>, lengths: number[] | null, B: number }}
 */
export function inputsOf(model, about, run) {
  const tensors = Object.fromEntries(
    Object.entries(run.inputs)
      .filter(([name]) => !about.unread?.includes(name))
      .map(([name, stored]) => [name, axisFirst(tensorOf(stored), batchAxis(about, name, stored.shape))]),
  );
  const own = new Map(/** @type {any[]} */ (model.inputs).map((input) => [input.name, input]));
  const lengths = tensors.lengths && !own.has('lengths') ? Array.from(tensors.lengths.data) : null;
  /** @type {Record<string, any[]>} */
  const inputs = {};
  let B = 1;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (name === 'lengths' && lengths) continue;
    B = shape[0];
    const rows = nested(data, shape.length === 1 ? [...shape, 1] : shape);
    inputs[name] = lengths ? rows.map((/** @type {any[]} */ row, /** @type {number} */ b) => row.slice(0, lengths[b])) : rows;
  }
  return { inputs, lengths, B };
}

/** Runs a model on its inputs by name, or on the rows themselves if it has one input. @param {Model} model @param {Record<string, any[]>} inputs */
export const answers = (model, inputs) =>
  model.run(/** @type {any} */ (model.inputs.length === 1 ? inputs[model.inputs[0].name] : inputs));

/** A shape without axes of size 1: for labels of steps, padless has [B, T, 1] and ONNX has [B, T]. @param {number[]} shape */
const squeezed = (shape) => shape.filter((size) => size !== 1);

/**
 * Asserts that a model gives onnxruntime's answers for each run (at the steps within the lengths).
 * @param {Model} model @param {Case} of @param {number} [unit]  the tolerance @returns {number} the number of values compared
 */
export function checkAnswers(model, { name, about, runs }, unit = 1e-5) {
  let count = 0;
  for (const run of runs) {
    const { inputs, lengths } = inputsOf(model, about, run);
    const outputs = answers(model, inputs);
    assert.deepEqual(
      outputs.map((output) => output.name),
      run.outputs.map((output) => output.name),
      `${name}: names of outputs`,
    );
    run.outputs.forEach((stored, i) => {
      const expected = axisFirst(tensorOf(stored), batchAxis(about, stored.name, stored.shape));
      const { shape, data } = outputs[i];
      const what = `${name}, ${stored.name} for ${JSON.stringify(Object.values(run.inputs).map((each) => each.shape))}`;
      assert.deepEqual(squeezed(shape), squeezed(expected.shape), `${what}: shape`);
      // In an output with steps, [B, T, ...], padless has 0 after a row's length: these values are not compared.
      const T = Math.max(...(lengths ?? [0]));
      const steps = lengths && expected.shape[1] === T && expected.shape.length > 2 ? T : 0;
      const each = expected.data.length / (expected.shape[0] * (steps || 1));
      const counts = (/** @type {number} */ at) =>
        !steps || Math.floor(at / each) % steps < lengths[Math.floor(at / (each * steps))];
      assertClose(data, expected.data, { unit, what, counts });
      count += data.length;
    });
  }
  return count;
}

/** The rows of all runs, each by itself. @param {Model} model @param {Case} of @returns {Record<string, any>[]} */
function rowsAlone(model, { about, runs }) {
  return runs.flatMap((run) => {
    const { inputs, B } = inputsOf(model, about, run);
    return Array.from({ length: B }, (_, b) => Object.fromEntries(Object.entries(inputs).map(([name, rows]) => [name, rows[b]])));
  });
}

/**
 * Asserts that rows of all lengths in one batch have the bits that each row has alone, and zeros after it.
 * @param {Model} model @param {Case} of @returns {number} rows
 */
export function checkRagged(model, of) {
  const rows = rowsAlone(model, of);
  const names = Object.keys(rows[0]);
  const batch = Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])]));
  const together = answers(model, batch);
  rows.forEach((row, b) => {
    const alone = answers(model, Object.fromEntries(names.map((name) => [name, [row[name]]])));
    alone.forEach(({ name, shape, data }, i) => {
      const width = together[i].data.length / rows.length;
      const own = together[i].data.subarray(b * width, (b + 1) * width);
      // A row's values come first along each axis of the batch's output.
      const sizes = together[i].shape.slice(1);
      const picked = Float32Array.from(data, (_, at) => {
        let [rest, to, stride] = [at, 0, 1];
        for (let axis = sizes.length - 1; axis >= 0; axis--) {
          to += (rest % shape[axis + 1]) * stride;
          rest = Math.floor(rest / shape[axis + 1]);
          stride *= sizes[axis];
        }
        return own[to];
      });
      assert.deepEqual(bits(picked), bits(Float32Array.from(data)), `${of.name}, ${name}: row ${b} of ${rows.length}`);
      if (data.length < own.length) {
        const sum = (/** @type {Float32Array} */ values) => values.reduce((total, value) => total + (value === 0 ? 0 : 1), 0);
        assert.equal(sum(own), sum(picked), `${of.name}, ${name}: row ${b} has values behind its length`);
      }
    });
  });
  return rows.length;
}
