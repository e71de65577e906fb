/**
 * The answers of stored models in the fixed-order build, which js/tools/golden.js records in Node and compares in a page.
 */
import { readFileSync } from 'node:fs';
import { loadModel, ModelFileError, UnsupportedError } from 'padless';
import { fromKeras, toInt8 } from 'padless/import';
import { check, record } from '../../js/tools/golden.js';

const simd = 'baseline';
const models = new URL('../models/', import.meta.url);
const langid = new URL('../../web/models/langid-gru/langid-gru.safetensors', import.meta.url);

/** @param {string} path */
const json = (path) => JSON.parse(readFileSync(new URL(path, models), 'utf8'));

/** @typedef {import('../../js/tools/golden.js').Case} Case */
/** @type {Record<string, { cases: Case[], load: () => Promise<import('padless').Model> }>} by name */
const stored = {};
for (const { name, ids } of json('keras/goldens.json').cases)
  stored[name] = { cases: [ids], load: () => loadModel(new URL(`keras/${name}.safetensors`, models), { simd }) };

for (const { file, inputs } of json('keras-files/goldens.json').cases) {
  const weights = file.endsWith('.json') ? new URL(`keras-files/${file.replace('.json', '.weights.h5')}`, models) : undefined;
  /** @param {Record<string, any>} call  inputs by name @returns {Case[]} */
  const cases = (call) => {
    const [first, ...others] = Object.values(call);
    return typeof first.flat(9)[0] === 'string' ? first.flat(9) : [others.length ? call : first];
  };
  stored[file] = {
    cases: [inputs].flat().flatMap(cases),
    load: () => fromKeras(new URL(`keras-files/${file}`, models), { weights, simd }),
  };
}

const texts = json('langid-gru-keras.json').cases.map((/** @type {{ text: string }} */ { text }) => text);
stored.langid = { cases: texts, load: () => loadModel(langid, { simd }) };
stored['langid in int8'] = { cases: texts, load: async () => loadModel(toInt8(await loadModel(langid, { simd })), { simd }) };

/** @typedef {Record<string, import('../../js/tools/golden.js').Golden>} Goldens */

/** The answers of each model; models that padless refuses have none. @returns {Promise<Goldens>} */
export async function recordAll() {
  /** @type {Goldens} */
  const goldens = {};
  for (const [name, { load, cases }] of Object.entries(stored)) {
    const model = await load().catch((error) => {
      if (!(error instanceof UnsupportedError || error instanceof ModelFileError)) throw error;
    });
    if (model) goldens[name] = record(model, cases);
  }
  return goldens;
}

/** The outputs whose bits differ, by model. @param {Goldens} goldens */
export async function checkAll(goldens) {
  /** @type {Record<string, string[]>} */
  const differences = {};
  for (const [name, golden] of Object.entries(goldens)) {
    const drifts = check(await stored[name].load(), golden);
    differences[name] = drifts.map((drift) => `case ${drift.case}, ${drift.output}: ${drift.what}`);
  }
  return differences;
}
