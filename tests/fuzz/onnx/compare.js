/**
 * Runs the ONNX models of a folder (tests/models/onnx/store.py) through padless and compares the answers with onnxruntime's, and rows of
 * all lengths in one batch with each alone: node compare.js FOLDER ... [--refused]. Prints counts for each exporter, each model that is
 * different or crashes and, with --refused, each refusal; exit 1 if one is different or crashes.
 */
import { pathToFileURL } from 'node:url';
import { PadlessError } from 'padless';
import { fromOnnx } from 'padless/import';
import { casesOf, checkAnswers, checkRagged } from '../../import/onnx-cases.js';

/** @typedef {'equal' | 'refused' | 'different' | 'crash'} Verdict */

/** A norm over values that are nearly equal enlarges their rounding errors. */
const RANDOM_TOLERANCE = 1e-4;

/** @param {import('../../import/onnx-cases.js').Case} each @returns {Promise<{ verdict: Verdict, says: string }>} */
export async function compare(each) {
  /** @type {any} */
  let model;
  try {
    model = await fromOnnx(each.bytes, { simd: 'baseline' });
  } catch (error) {
    const known = error instanceof PadlessError;
    return { verdict: known ? 'refused' : 'crash', says: known ? error.message : String(/** @type {Error} */ (error).stack) };
  }
  try {
    checkAnswers(model, each, each.exporter === 'random' ? RANDOM_TOLERANCE : undefined);
    checkRagged(model, each);
    return { verdict: 'equal', says: '' };
  } catch (error) {
    const { name, message, stack } = /** @type {Error} */ (error);
    return name === 'AssertionError'
      ? { verdict: 'different', says: message.slice(0, 400) }
      : { verdict: 'crash', says: `${stack}`.slice(0, 600) };
  }
}

/** @param {string[]} folders @param {boolean} listRefused */
async function main(folders, listRefused) {
  /** @type {Map<string, Record<Verdict, number>>} */
  const counts = new Map();
  let bad = 0;
  for (const each of folders.flatMap((folder) => casesOf(pathToFileURL(`${folder}/`)))) {
    const { verdict, says } = await compare(each);
    const count = counts.get(each.exporter) ?? { equal: 0, refused: 0, different: 0, crash: 0 };
    counts.set(each.exporter, { ...count, [verdict]: count[verdict] + 1 });
    const wrong = verdict === 'different' || verdict === 'crash';
    if (wrong || (listRefused && verdict === 'refused')) console.log(`${each.name}: ${verdict}: ${says}`);
    if (wrong) bad++;
  }
  console.log(`${''.padEnd(14)}${['equal', 'refused', 'different', 'crash'].map((each) => each.padStart(10)).join('')}`);
  for (const [exporter, count] of counts) {
    const numbers = Object.values(count).map((each) => String(each).padStart(10));
    console.log(`${exporter.padEnd(14)}${numbers.join('')}`);
  }
  process.exitCode = bad ? 1 : 0;
}

const given = process.argv.slice(2);
await main(
  given.filter((each) => !each.startsWith('--')),
  given.includes('--refused'),
);
