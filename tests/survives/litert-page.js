/**
 * Runs .tflite files by LiteRT.js; litert.js imports this in a page.
 */
import { loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';
import { compare } from '../bench/measure.js';

/** @type {Promise<unknown> | undefined} */
let runtime;
/** @type {Map<string, Promise<any>>} */
const models = new Map();

/** @param {string} address */
export async function load(address) {
  await (runtime ??= loadLiteRt('/litert/wasm/'));
  let model = models.get(address);
  if (!model) {
    model = loadAndCompile(address, { accelerator: 'wasm' });
    models.set(address, model);
  }
  return model;
}

/** @param {string} address @param {number[][]} rows  all of one length */
export async function answer(address, rows) {
  const model = await load(address);
  const input = new Tensor(Int32Array.from(rows.flat()), [rows.length, rows[0].length]);
  const [output] = await model.run(input);
  const probabilities = Array.from(output.toTypedArray());
  input.delete();
  output.delete();
  return probabilities;
}

/** Median milliseconds of each way. @param {Record<string, { address: string, rows: number[][] }>} ways */
export const time = (ways) =>
  compare(Object.fromEntries(Object.entries(ways).map(([name, { address, rows }]) => [name, () => answer(address, rows)])), {
    milliseconds: 1500,
  });
