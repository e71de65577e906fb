/**
 * Records the outputs of a model and compares them later: a regression test for projects that use a model. Outputs are compared bit by bit,
 * with the baseline build, whose bits are the same on every engine and processor.
 * @module
 */
import { ArgumentError, ModelFileError } from '../errors.js';
/** @typedef {import('../model/model.js').Model} Model */

/** A text, or rows of ids for one call; for several inputs rows by the name of the input. @typedef {string | number[][] | Record<string, any[]>} Case */
/** @typedef {{ name: string, shape: number[], data: string }} Recorded  data: base64 of little-endian float32 */
/** @typedef {{ padless: 1, cases: { input: Case, outputs: Recorded[] }[] }} Golden */
/** A difference to the recorded outputs. @typedef {{ case: number, input: Case, output: string, what: string }} Drift */

/**
 * @param {string} text  a file: a JSON list of cases, or one text a line
 * @returns {Case[]}
 * @throws {ArgumentError}
 */
export function parseCases(text) {
  if (!text.trimStart().startsWith('[')) return text.replace(/\r?\n$/, '').split(/\r?\n/);
  let list;
  try {
    list = JSON.parse(text);
  } catch (cause) {
    throw new ArgumentError(`cases: not JSON: ${/** @type {Error} */ (cause).message}`, { cause });
  }
  list.forEach((/** @type {any} */ entry, /** @type {number} */ i) => {
    const isRows = Array.isArray(entry)
      ? entry.every(Array.isArray)
      : entry !== null && typeof entry === 'object' && Object.values(entry).every(Array.isArray);
    if (typeof entry !== 'string' && !isRows)
      throw new ArgumentError(`cases: entry ${i} is neither a text nor rows of ids such as [[5, 2, 9], [7]]`);
  });
  return list;
}

/** @param {Model} model @param {Case} input @returns {Recorded[]} */
function answers(model, input) {
  const outputs = typeof input === 'string' ? model.outputsOf([input]) : model.run(input);
  return outputs.map(({ name, shape, data }) => {
    const bytes = new Uint8Array(4 * data.length);
    const view = new DataView(bytes.buffer);
    data.forEach((value, i) => view.setFloat32(4 * i, value, true));
    return { name, shape, data: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')) };
  });
}

/** @param {string} base64 */
function bytesOf(base64) {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch (cause) {
    throw new ModelFileError('the golden file contains data that is not base64', { cause });
  }
}

/**
 * @param {Model} model  loaded with simd: 'baseline'
 * @param {Case[]} cases
 * @returns {Golden}
 */
export function record(model, cases) {
  needBaseline(model);
  return { padless: 1, cases: cases.map((input) => ({ input, outputs: answers(model, input) })) };
}

/**
 * @param {Model} model  loaded with simd: 'baseline'
 * @param {Golden} golden
 * @returns {Drift[]} the first difference of each output that differs
 * @throws {ModelFileError} for a golden file that is none
 */
export function check(model, golden) {
  needBaseline(model);
  if (golden?.padless !== 1 || !Array.isArray(golden.cases))
    throw new ModelFileError('the golden file was not written by padless record');
  return golden.cases.flatMap((entry, i) => {
    const { input, outputs } = entry ?? {};
    if (!Array.isArray(outputs) || outputs.some((output) => typeof output?.data !== 'string' || !Array.isArray(output.shape)))
      throw new ModelFileError(`case ${i} of the golden file was not written by padless record`);
    const now = answers(model, input);
    if (now.length !== outputs.length)
      return [{ case: i, input, output: '', what: `${now.length} outputs, recorded ${outputs.length}` }];
    return outputs.flatMap((before, k) => {
      const what = difference(before, now[k]);
      return what ? [{ case: i, input, output: before.name, what }] : [];
    });
  });
}

/** @param {Recorded} before @param {Recorded} now @returns {string | null} */
function difference(before, now) {
  if (before.name !== now.name) return `its name is now ${now.name}`;
  if (before.shape.join() !== now.shape.join()) return `shape [${now.shape}], recorded [${before.shape}]`;
  if (before.data === now.data) return null;
  const [a, b] = [before, now].map(({ data }) => new DataView(bytesOf(data).buffer));
  if (a.byteLength !== b.byteLength) return `${b.byteLength / 4} values, recorded ${a.byteLength / 4}`;
  let first = '';
  let count = 0;
  let largest = 0;
  for (let i = 0; i < a.byteLength; i += 4) {
    if (a.getUint32(i) === b.getUint32(i)) continue;
    const [was, is] = [a.getFloat32(i, true), b.getFloat32(i, true)];
    if (count++ === 0) first = `element ${i / 4} of [${before.shape}] is ${is}, recorded ${was}`;
    largest = Math.max(largest, Math.abs(is - was));
  }
  return `${first}; ${count} of ${a.byteLength / 4} values differ, by up to ${largest.toPrecision(3)}`;
}

/** @param {Model} model */
function needBaseline(model) {
  if (model.simd !== 'baseline')
    throw new ArgumentError(
      `the model uses the ${model.simd} build, whose bits depend on the machine; load it with simd: 'baseline'`,
    );
}
