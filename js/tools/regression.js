/**
 * `padless record` and `padless check`: record the outputs of a model, and compare them bit by bit.
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { check, parseCases, record } from './golden.js';
import { about, counted, print, readJson, readText } from './files.js';
/** @typedef {import('../model/model.js').Model} Model */

/** @param {Model} model @param {string} file @param {string} output */
export async function recordCases(model, file, output) {
  const text = await readText(file);
  const golden = await about(file, () => record(model, parseCases(text)));
  await writeFile(output, `${JSON.stringify(golden, null, 1)}\n`);
  print(`${output}: ${counted(golden.cases.length, 'case')}`);
}

/** @param {Model} model @param {string} file */
export async function checkGolden(model, file) {
  const golden = await readJson(file);
  const drifts = await about(file, () => check(model, golden));
  for (const { case: number, input, output, what } of drifts)
    print(`case ${number} (${JSON.stringify(input).slice(0, 60)}), output ${output}: ${what}`);
  print(
    drifts.length
      ? `${counted(drifts.length, 'output')} of ${counted(golden.cases.length, 'case')} differ`
      : `${counted(golden.cases.length, 'case')}, all bits are equal`,
  );
  if (drifts.length) process.exitCode = 1;
}
