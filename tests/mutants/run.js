/**
 * `make mutants`: changes one place of js/ or c/ at a time, in a copy of the repository, and runs the tests that call the changed function, until one
 * fails. A mutant that no test notices shows what no test checks. Results go to build/mutants/results.jsonl, and a second run continues there.
 *
 *   node tests/mutants/run.js [COUNT=200] [SEED=1] [FILTER]   FILTER: a part of the file's name
 *
 * MUTANT_SECONDS=60 limits the processor time of the tests of one mutant: it survives if no test that fits in notices it.
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { buildWasm, NativeTests, restoreWasm } from './c-build.js';
import { digestOf, measured, testsOf } from './calls.js';
import { draw } from './draw.js';
import { runLimited, runTest } from './run-test.js';

/** @typedef {import('./draw.js').Mutant} Mutant */
/** @typedef {{ status: 'killed' | 'survived' | 'invalid', by: string | null, tests: number, left: number }} Outcome  left: tests that did not fit in */
/** @typedef {Pick<Mutant, 'id' | 'file' | 'line' | 'kind' | 'from' | 'to'> & Outcome & { seconds: number }} Result */

const [many = '200', seed = '1', filter = ''] = process.argv.slice(2);
const budget = Number(process.env.MUTANT_SECONDS ?? 60);
const root = join(import.meta.dirname, '../..');
const folder = join(root, 'build/mutants');
const tree = join(folder, 'tree');
const results = join(folder, 'results.jsonl');

/** @param {...string} args */
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim().split('\n');

/** A copy with the built files, in which files may change. */
function makeTree() {
  for (const old of ['', '.built', '.objects', '.tmp']) rmSync(tree + old, { recursive: true, force: true });
  const built = ['js/dist', 'js/page/padless', 'build/test', 'build/wasm', 'build/emcc', 'build/exports', 'build/setup'];
  for (const each of [...git('ls-files'), ...built])
    if (existsSync(join(root, each))) cpSync(join(root, each), join(tree, each), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
}

/** @type {Result[]} */
const known = existsSync(results)
  ? readFileSync(results, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  : [];

/** Those first that noticed most mutants of the same file for their time, then the quick ones. @param {import('./calls.js').Entry[]} tests @param {string} file */
function ordered(tests, file) {
  /** @param {import('./calls.js').Entry} entry */
  const worth = ({ test, seconds, called }) => {
    const kills = known.filter((each) => each.file === file && each.by === test).length;
    return ((1 + 3 * kills) * Math.sqrt(1 + (called[file]?.length ?? 0))) / (0.2 + seconds);
  };
  return tests
    .map((entry) => ({ entry, value: worth(entry) }))
    .sort((a, b) => b.value - a.value)
    .map(({ entry }) => entry);
}

/** Runs the tests until one fails. @param {{ test: string, seconds: number }[]} tests @returns {Promise<Outcome>} */
async function tryTests(tests) {
  let spent = 0;
  let ran = 0;
  for (const { test, seconds } of tests) {
    if (ran && spent + seconds > budget) continue;
    spent += seconds;
    ran++;
    const outcome = await runTest(tree, test, 5 + 2 * seconds);
    if (outcome !== 'passed') return { status: 'killed', by: outcome === 'time' ? `time: ${test}` : test, tests: ran, left: 0 };
  }
  return { status: 'survived', by: null, tests: ran, left: tests.length - ran };
}

/** What these call in the page is not measured. */
const pageTests = ['tests/page/worker.test.js', 'tests/page/typing.test.js'].map((test) => ({ test, seconds: 30 }));

/** @param {Mutant} mutant @param {import('./calls.js').Entry[]} entries @returns {Promise<Outcome>} */
async function tryJs({ file, start }, entries) {
  const outcome = await tryTests(ordered(testsOf(entries, file, digestOf(root, file), start), file));
  if (outcome.status === 'killed' || !/^js\/(page|dom)|^js\/worker/.test(file)) return outcome;
  const worker = 'js/page/padless/worker-entry.js';
  const kept = readFileSync(join(tree, worker));
  execFileSync(process.execPath, ['js/tools/bundle.js', 'worker', worker], { cwd: tree });
  const inPage = await tryTests(pageTests);
  writeFileSync(join(tree, worker), kept);
  return { ...inPage, tests: outcome.tests + inPage.tests };
}

/** First the kernel tests natively, as they need no linker; then the wasm and the models. @param {Mutant} mutant @param {import('./calls.js').Entry[]} entries @returns {Promise<Outcome>} */
async function tryC({ file }, entries) {
  const invalid = /** @type {Outcome} */ ({ status: 'invalid', by: null, tests: 0, left: 0 });
  if (!native.build(file)) return invalid;
  const outcome = await runLimited(tree, [native.program], 60);
  if (outcome !== 'passed') return { status: 'killed', by: outcome === 'time' ? 'time: kernels' : 'kernels', tests: 1, left: 0 };
  if (!buildWasm(tree)) return invalid;
  const tests = entries.filter(({ test, called }) => test === 'tests/kernels/kernels.test.js' || called['js/runtime/memory.js']);
  const result = await tryTests(
    ordered(
      tests.filter(({ test }) => /kernels|layers|models|import\/trained/.test(test)),
      file,
    ),
  );
  restoreWasm(tree);
  return result;
}

/** @param {Mutant} mutant @param {import('./calls.js').Entry[]} entries @returns {Promise<Result>} */
async function tryMutant(mutant, entries) {
  const path = join(tree, mutant.file);
  const text = readFileSync(path, 'utf8');
  const { atime, mtime } = statSync(path);
  const begun = Date.now();
  writeFileSync(path, text.slice(0, mutant.start) + mutant.to + text.slice(mutant.end));
  const outcome = await (mutant.file.endsWith('.js') ? tryJs : tryC)(mutant, entries);
  writeFileSync(path, text);
  utimesSync(path, atime, mtime);
  const { id, file, line, kind, from, to } = mutant;
  return { id, file, line, kind, from, to, ...outcome, seconds: Math.round((Date.now() - begun) / 1000) };
}

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
  for (const { status, file, line, kind, from, to, tests, left } of done)
    if (status === 'survived')
      console.log(`survived ${tests} tests (${left} left) ${file}:${line} ${kind}: ${from.slice(0, 60)} -> ${to.slice(0, 60)}`);
  const valid = done.filter(({ status }) => status !== 'invalid');
  for (const [what, part] of /** @type {[string, Result[]][]} */ ([
    ['js/', valid.filter(({ file }) => file.startsWith('js/'))],
    ['c/', valid.filter(({ file }) => file.startsWith('c/'))],
    ['all', valid],
  ]))
    if (part.length) console.log(`${what}: ${share(part.filter(({ status }) => status === 'killed').length, part.length)}`);
}

mkdirSync(folder, { recursive: true });
makeTree();
const native = new NativeTests(tree);
const tests = git('ls-files', 'tests').filter(
  (file) => /\.test\.js$/.test(file) && !/^tests\/(page|firefox|site)\/|package\/(tarball|docs|minified)\.test/.test(file),
);
const entries = await measured(tree, join(folder, 'calls'), tests);
const files = git('ls-files', 'js', 'c').filter(
  (file) => /^js\/.*\.js$|^c\/[^/]*\.[ch]$/.test(file) && file !== 'c/padless.h' && file.includes(filter),
);
/** @type {Result[]} */
const done = [];
for (const mutant of draw(root, files, Number(seed))) {
  if (done.filter(({ status }) => status !== 'invalid').length >= Number(many)) break;
  let result = known.find(({ id }) => id === mutant.id);
  if (!result) {
    result = await tryMutant(mutant, entries);
    appendFileSync(results, `${JSON.stringify(result)}\n`);
    known.push(result);
  }
  done.push(result);
}
report(done);
