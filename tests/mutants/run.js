/**
 * `make mutants`: changes one place of js/ or c/ at a time, in a copy of the repository, and runs the tests that call the changed function, until one
 * fails. A mutant that no test notices shows what no test checks. Results go to build/mutants/results.jsonl, and a second run continues there.
 * tests/mutants/killers.json, written at the end by killers.js, names the test that noticed each mutant.
 *
 *   node tests/mutants/run.js [COUNT=200] [SEED=1] [FILTER]   FILTER: a part of the file's name
 *
 * MUTANT_SECONDS=90 limits the processor time of the tests of one mutant: it survives if no test that fits in notices it.
 * MUTANT_JOBS is the number of copies that work at the same time, by default one for each core.
 * MUTANT_AGAIN=1 tries the survivors of earlier runs again, with more time or after tests were written for them, and reports on all earlier results.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { measured } from './calls.js';
import { Copy } from './copy.js';
import { draw, found } from './draw.js';
import { readKillers, writeKillers } from './killers.js';

/** @typedef {import('./copy.js').Outcome} Outcome */
/** @typedef {import('./copy.js').Result} Result */

const [many = '200', seed = '1', filter = ''] = process.argv.slice(2);
const root = join(import.meta.dirname, '../..');
const folder = join(root, 'build/mutants');
const results = join(folder, 'results.jsonl');
/** Mutants that change nothing that a user could notice, by id: where they are, and why, as read by one person. @type {Record<string, string>} */
const equivalent = JSON.parse(readFileSync(join(import.meta.dirname, 'equivalent.json'), 'utf8'));

/** @param {...string} args */
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim().split('\n');

/** The share and its confidence interval of 95 % (Wilson 1927). @param {number} killed @param {number} all */
function share(killed, all) {
  const [p, z] = [killed / all, 1.96];
  const middle = (p + (z * z) / (2 * all)) / (1 + (z * z) / all);
  const half = (z / (1 + (z * z) / all)) * Math.sqrt((p * (1 - p)) / all + (z * z) / (4 * all * all));
  const percent = (/** @type {number} */ x) => `${(100 * x).toFixed(1)} %`;
  return `${killed} of ${all} mutants are killed: ${percent(p)}, interval ${percent(middle - half)} to ${percent(middle + half)}`;
}

/** @param {Result[]} done */
function report(done) {
  for (const { id, status, file, line, kind, from, to, passed, left } of done) {
    if (status !== 'survived') continue;
    const ran = `${Object.keys(passed ?? {}).length} tests (${left} left)`;
    const reason = id in equivalent ? `equivalent: ${equivalent[id]}` : id;
    console.log(`survived ${ran} ${file}:${line} ${kind}: ${from.slice(0, 60)} -> ${to.slice(0, 60)}; ${reason}`);
  }
  const valid = done.filter(({ status }) => status !== 'invalid');
  for (const [what, part] of /** @type {[string, Result[]][]} */ ([
    ['js/', valid.filter(({ file }) => file.startsWith('js/'))],
    ['c/', valid.filter(({ file }) => file.startsWith('c/'))],
    ['all', valid],
    ['without those that are equivalent', valid.filter(({ id, status }) => status === 'killed' || !(id in equivalent))],
  ]))
    if (part.length) console.log(`${what}: ${share(part.filter(({ status }) => status === 'killed').length, part.length)}`);
}

mkdirSync(folder, { recursive: true });
/** The last result of each mutant. @type {Map<string, Result>} */
const known = new Map();
if (existsSync(results))
  for (const line of readFileSync(results, 'utf8').trim().split('\n')) {
    const result = JSON.parse(line);
    known.set(result.id, result);
  }
const jobs = Number(process.env.MUTANT_JOBS ?? availableParallelism());
if (!(Number.isInteger(jobs) && jobs > 0))
  throw new Error(`MUTANT_JOBS is ${process.env.MUTANT_JOBS}, expected a whole number from 1 on`);
const killers = readKillers();
const copies = Array.from({ length: jobs }, (_, i) => new Copy(root, join(folder, `tree-${i}`), git('ls-files')));
const tests = git('ls-files', 'tests').filter(
  (file) => /\.test\.js$/.test(file) && !/^tests\/(page|firefox|site)\/|package\/(tarball|docs|minified)\.test/.test(file),
);
const entries = await measured(
  copies.map(({ tree }) => tree),
  join(folder, 'calls'),
  tests,
);
const files = git('ls-files', 'js', 'c').filter(
  (file) => /^js\/.*\.js$|^c\/[^/]*\.[ch]$/.test(file) && file !== 'c/padless.h' && file.includes(filter),
);
/** @type {Result[]} */
const done = [];
/** @param {Iterable<import('./draw.js').Mutant>} mutants  shared by the copies @param {boolean} again  whether to try those that are known */
const tryAll = (mutants, again) =>
  Promise.all(
    copies.map(async (copy) => {
      for (const mutant of mutants) {
        if (!again && done.filter(({ status }) => status !== 'invalid').length >= Number(many)) break;
        let result = again ? undefined : known.get(mutant.id);
        if (!result) {
          result = await copy.tryMutant(mutant, entries, known, killers.get(mutant.id));
          appendFileSync(results, `${JSON.stringify(result)}\n`);
          known.set(result.id, result);
        }
        if (result.by) killers.set(result.id, result.by.replace('time: ', ''));
        done.push(result);
      }
    }),
  );
if (process.env.MUTANT_AGAIN) {
  const survivors = [...known.values()].filter(({ status }) => status === 'survived');
  await tryAll(found(root, files, new Set(survivors.map(({ id }) => id))).values(), true);
  report([...known.values()].filter(({ file }) => files.includes(file)));
} else {
  await tryAll(draw(root, files, Number(seed)).values(), false);
  report(done);
}
writeKillers(killers);
