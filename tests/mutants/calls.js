/**
 * Which test files call which functions of js/, and how long each file takes: measured once, kept in build/mutants/calls. A mutant is tried on the
 * files that call its function.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTest } from './run-test.js';

/** @typedef {[start: number, end: number]} Range */
/**
 * @typedef {{ test: string, digest: string, seconds: number, passes: boolean, called: Record<string, Range[]>, known: Record<string, Range[]>, digests: Record<string, string> }} Entry
 * digest: of the test. Functions by file of js/: those that ran, and all that the engine knew of. digests: of these files as they were then
 */

/** @param {string} tree @param {string} file */
export const digestOf = (tree, file) =>
  createHash('sha256')
    .update(readFileSync(join(tree, file)))
    .digest('hex');

/** @param {string} tree @param {string} test @returns {Promise<Entry>} */
async function measure(tree, test) {
  const folder = mkdtempSync(join(tmpdir(), 'padless-calls-'));
  const recorder = join(import.meta.dirname, 'record-calls.js');
  const outcome = await runTest(tree, test, 600, { NODE_OPTIONS: `--import=${recorder}`, PADLESS_CALLS: folder });
  let total = 0;
  /** @type {Record<string, Map<string, Range>>[]} */
  const [called, known] = [{}, {}];
  for (const file of readdirSync(folder)) {
    const { seconds, scripts } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    total += seconds;
    for (const { url, ranges } of scripts) {
      const name = relative(tree, fileURLToPath(url.split('?')[0]));
      if (!/^js\/(?!dist\/)/.test(name)) continue;
      for (const [start, end, count] of ranges)
        for (const which of count ? [called, known] : [known]) (which[name] ??= new Map()).set(`${start}-${end}`, [start, end]);
    }
  }
  rmSync(folder, { recursive: true });
  const digests = Object.fromEntries(Object.keys(known).map((name) => [name, digestOf(tree, name)]));
  const lists = (/** @type {Record<string, Map<string, Range>>} */ by) =>
    Object.fromEntries(Object.entries(by).map(([name, ranges]) => [name, [...ranges.values()]]));
  return {
    test,
    digest: digestOf(tree, test),
    seconds: total,
    passes: outcome === 'passed',
    called: lists(called),
    known: lists(known),
    digests,
  };
}

/** @param {string[]} trees  each measures one test at a time @param {string} folder  of the records @param {string[]} tests */
export async function measured(trees, folder, tests) {
  mkdirSync(folder, { recursive: true });
  const fileOf = (/** @type {string} */ test) => join(folder, `${test.replaceAll('/', '-')}.json`);
  /** @param {string} test @returns {Entry} */
  const recordOf = (test) => JSON.parse(readFileSync(fileOf(test), 'utf8'));
  const isMeasured = (/** @type {string} */ test) => existsSync(fileOf(test)) && recordOf(test).digest === digestOf(trees[0], test);
  const missing = tests.filter((test) => !isMeasured(test)).values();
  await Promise.all(
    trees.map(async (tree) => {
      for (const test of missing) {
        const entry = await measure(tree, test);
        writeFileSync(fileOf(test), JSON.stringify(entry));
        console.log(
          `measured ${test}: ${entry.seconds.toFixed(1)} s${entry.passes ? '' : ', fails without a mutant and is left out'}`,
        );
      }
    }),
  );
  return tests.map(recordOf).filter(({ passes }) => passes);
}

/**
 * The tests that call the function around a place; all that load the file if no function is around it, or if the file has changed since.
 * @param {Entry[]} entries @param {string} file @param {string} digest  of the file @param {number} at
 */
export function testsOf(entries, file, digest, at) {
  const current = entries.filter(({ digests }) => digests[file] === digest);
  const around = current.flatMap(({ known }) => known[file] ?? []).filter(([start, end]) => start <= at && at < end);
  const [start, end] = around.reduce((inner, range) => (range[1] - range[0] < inner[1] - inner[0] ? range : inner), [0, Infinity]);
  return entries.filter(({ called, digests }) =>
    digests[file] === digest ? called[file]?.some((range) => range[0] === start && range[1] === end) : digests[file] !== undefined,
  );
}
