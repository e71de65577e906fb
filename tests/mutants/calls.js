/**
 * Which test files run which parts of js/, and how long each file takes: measured once, kept in build/mutants/calls. A mutant is tried on the files
 * that run its block.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTest } from './run-test.js';

/** @typedef {[start: number, end: number, count: number]} Range */
/**
 * @typedef {{ test: string, helpers: string[], digest: string, seconds: number, passes: boolean, ran: Record<string, [start: number, end: number][]>, digests: Record<string, string> }} Entry
 * helpers: other files of tests/ that it loads. digest: of the test and its helpers. ran: what was executed of each file of js/, in order. digests: of
 * these files as they were then
 */

/** @param {string} tree @param {...string} files */
export function digestOf(tree, ...files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(existsSync(join(tree, file)) ? readFileSync(join(tree, file)) : '');
  return hash.digest('hex');
}

/**
 * Marks what ran: enclosing blocks first, so that an inner block has the last word.
 * @param {Uint8Array} marks  one for each character @param {Range[]} ranges
 */
function mark(marks, ranges) {
  const own = new Uint8Array(marks.length);
  for (const [start, end, count] of ranges.sort((a, b) => a[0] - b[0] || b[1] - a[1])) own.fill(Math.min(count, 1), start, end);
  for (let i = 0; i < marks.length; i++) marks[i] |= own[i];
}

/** @param {Uint8Array} marks */
function runsOf(marks) {
  /** @type {[start: number, end: number][]} */
  const runs = [];
  for (let start = marks.indexOf(1); start >= 0;) {
    const end = marks.indexOf(0, start);
    runs.push([start, end < 0 ? marks.length : end]);
    start = end < 0 ? -1 : marks.indexOf(1, end);
  }
  return runs;
}

/** @param {string} tree @param {string} test @returns {Promise<Entry>} */
async function measure(tree, test) {
  const folder = mkdtempSync(join(tmpdir(), 'padless-calls-'));
  const recorder = join(import.meta.dirname, 'record-calls.js');
  const outcome = await runTest(tree, test, 600, { NODE_OPTIONS: `--import=${recorder}`, PADLESS_CALLS: folder });
  let total = 0;
  /** @type {Set<string>} */
  const helpers = new Set();
  /** @type {Record<string, Uint8Array>} */
  const marks = {};
  for (const file of readdirSync(folder)) {
    const { seconds, scripts } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    total += seconds;
    for (const { url, ranges } of scripts) {
      const name = relative(tree, fileURLToPath(url.split('?')[0]));
      if (/^tests\//.test(name) && name !== test) helpers.add(name);
      if (!/^js\/(?!dist\/)/.test(name)) continue;
      mark((marks[name] ??= new Uint8Array(readFileSync(join(tree, name), 'utf8').length)), ranges);
    }
  }
  rmSync(folder, { recursive: true });
  const others = [...helpers].sort();
  return {
    test,
    helpers: others,
    digest: digestOf(tree, test, ...others),
    seconds: total,
    passes: outcome === 'passed',
    ran: Object.fromEntries(Object.entries(marks).map(([name, each]) => [name, runsOf(each)])),
    digests: Object.fromEntries(Object.keys(marks).map((name) => [name, digestOf(tree, name)])),
  };
}

/** @param {string[]} trees  each measures one test at a time @param {string} folder  of the records @param {string[]} tests */
export async function measured(trees, folder, tests) {
  mkdirSync(folder, { recursive: true });
  const fileOf = (/** @type {string} */ test) => join(folder, `${test.replaceAll('/', '-')}.json`);
  /** @param {string} test @returns {Entry} */
  const recordOf = (test) => JSON.parse(readFileSync(fileOf(test), 'utf8'));
  const isMeasured = (/** @type {string} */ test) => {
    if (!existsSync(fileOf(test))) return false;
    const { digest, helpers } = recordOf(test);
    return digest === digestOf(trees[0], test, ...helpers);
  };
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
 * The tests that run the block around a place; all that load the file if it has changed since.
 * @param {Entry[]} entries @param {string} file @param {string} digest  of the file @param {number} at
 */
export const testsOf = (entries, file, digest, at) =>
  entries.filter(({ ran, digests }) =>
    digests[file] === digest ? ran[file].some(([start, end]) => start <= at && at < end) : digests[file] !== undefined,
  );
