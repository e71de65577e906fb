/**
 * Runs the stacks of make_cases.py through padless and compares the answers with PyTorch's: node compare.js FOLDER. Prints a line for each
 * type of modules and each case that is not equal; exit 1 if one is different, crashes, or is refused without need.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PadlessError } from 'padless';
import { fromTorch } from 'padless/import';

/** @typedef {{ file: string, architecture: any, inputs: any[], outputs: any[], refused: string | null }} Case */
/** @typedef {'equal' | 'refused' | 'different' | 'crash'} Verdict */

const TOLERANCE = 1e-4;

/**
 * The largest difference between padless's answer and PyTorch's, relative above 1; Infinity if they have different shapes.
 * @param {{ shape: number[], data: Float32Array }} output @param {any[]} expected  an answer for each row
 */
export function difference({ shape, data }, expected) {
  let most = shape[0] === expected.length ? 0 : Infinity;
  const each = data.length / shape[0];
  expected.forEach((row, b) => {
    const values = row.flat(2);
    // Steps after the end of the row are 0.
    const own = data.subarray(b * each, b * each + values.length);
    if (own.length !== values.length || data.subarray(b * each + values.length, (b + 1) * each).some((value) => value !== 0))
      most = Infinity;
    values.forEach((/** @type {number} */ value, /** @type {number} */ i) => {
      const error = Math.abs(value - own[i]) / Math.max(1, Math.abs(value));
      if (!(error <= most)) most = Number.isNaN(error) ? Infinity : error;
    });
  });
  return most;
}

/** @param {Case} given @param {Uint8Array} bytes @returns {Promise<{ verdict: Verdict, says: string }>} */
export async function compare({ architecture, inputs, outputs, refused }, bytes) {
  try {
    const model = await fromTorch(bytes, architecture, { simd: 'baseline' });
    const error = difference(model.run(inputs)[0], outputs);
    if (refused) return { verdict: 'different', says: `${refused} is taken, which padless should refuse; off by ${error}` };
    return { verdict: error <= TOLERANCE ? 'equal' : 'different', says: `off by ${error.toExponential(1)}` };
  } catch (error) {
    const known = error instanceof PadlessError;
    const says = known ? error.message : String(/** @type {Error} */ (error).stack);
    return { verdict: known ? 'refused' : 'crash', says };
  }
}

/** @param {string} folder */
async function main(folder) {
  const { about, cases } = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'));
  /** @type {Map<string, Record<Verdict, number>>} */
  const counts = new Map();
  const none = () => ({ equal: 0, refused: 0, different: 0, crash: 0 });
  let bad = 0;
  for (const each of /** @type {Case[]} */ (cases)) {
    const { verdict, says } = await compare(each, new Uint8Array(readFileSync(join(folder, each.file))));
    const modules = each.architecture.modules ?? each.architecture;
    for (const type of new Set(['all', ...modules.map((/** @type {{ type: string }} */ module) => module.type)])) {
      const count = counts.get(type) ?? none();
      counts.set(type, { ...count, [verdict]: count[verdict] + 1 });
    }
    const asExpected = verdict === (each.refused ? 'refused' : 'equal');
    if (!asExpected) console.log(`${each.file}: ${verdict}: ${says}\n  ${JSON.stringify(each.architecture)}`);
    if (!asExpected) bad++;
  }
  console.log(`PyTorch ${about.torch}, seed ${about.seed}`);
  console.log(`${''.padEnd(20)}${['equal', 'refused', 'different', 'crash'].map((each) => each.padStart(10)).join('')}`);
  for (const [type, count] of [...counts].sort(([a], [b]) => (a === 'all' ? 1 : b === 'all' ? -1 : a < b ? -1 : 1)))
    console.log(
      `${type.padEnd(20)}${Object.values(count)
        .map((each) => String(each).padStart(10))
        .join('')}`,
    );
  process.exitCode = bad ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2]);
