/**
 * `make mutants`: changes one place of js/ or c/ at a time, in a copy of the repository, and runs the tests that reach it. A mutant that no test
 * notices shows code that no test checks. A seed chooses the places; results go to build/mutants/results.jsonl, and the next run continues there.
 *
 *   node tests/mutants/run.js [COUNT=200] [SEED=1] [FILTER]   FILTER: a part of the file's name
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../random.js';
import { cSites } from './c-sites.js';
import { measured, runTest } from './coverage.js';
import { jsSites } from './js-sites.js';

/** @typedef {import('./js-sites.js').Site & { file: string, line: number, from: string }} Mutant */

const [many = '200', seed = '1', filter = ''] = process.argv.slice(2);
const root = join(import.meta.dirname, '../..');
const folder = join(root, 'build/mutants');
const tree = join(folder, 'tree');
const results = join(folder, 'results.jsonl');

/** @param {...string} args */
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim().split('\n');

/** A copy of the repository with the built files, in which mutants are made. */
function makeTree() {
  rmSync(tree, { recursive: true, force: true });
  for (const file of git('ls-files'))
    if (existsSync(join(root, file))) cpSync(join(root, file), join(tree, file), { preserveTimestamps: true });
  for (const built of [
    'js/dist',
    'js/page/padless',
    'build/test',
    'build/native',
    'build/wasm',
    'build/emcc',
    'build/exports',
    'build/setup',
  ])
    if (existsSync(join(root, built))) cpSync(join(root, built), join(tree, built), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
}

/** All mutants, in an order that the seed decides. @returns {Mutant[]} */
function allMutants() {
  const files = git('ls-files', 'js', 'c').filter(
    (file) => /^js\/.*\.js$|^c\/[^/]*\.[ch]$/.test(file) && file !== 'c/padless.h' && file.includes(filter),
  );
  const all = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return (file.endsWith('.js') ? jsSites : cSites)(text).map((site) => ({
      file,
      line: text.slice(0, site.start).split('\n').length,
      from: text.slice(site.start, site.end),
      ...site,
    }));
  });
  const { integer } = random(Number(seed));
  for (let i = all.length - 1; i > 0; i--) {
    const j = integer(0, i);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

/** @param {Mutant} mutant */
const idOf = ({ file, start, kind, from, to }) => `${file}:${start}:${kind}:${from.slice(0, 40)}:${to.slice(0, 40)}`;

/** @param {string} target @param {number} [seconds] */
const make = (target, seconds = 300) =>
  spawnSync('make', ['-s', target], { cwd: tree, stdio: 'ignore', timeout: 1000 * seconds, killSignal: 'SIGKILL' }).status === 0;

/** Runs the tests until one fails. @param {{ test: string, seconds: number }[]} tests @returns {string | null} the test that failed */
function firstToFail(tests) {
  for (const { test, seconds } of tests) if (!runTest(tree, test, {}, 60 + 5 * seconds).passes) return test;
  return null;
}

/** Tests of pages, whose coverage is not measured. */
const pageTests = ['tests/page/worker.test.js', 'tests/page/typing.test.js'].map((test) => ({ test, seconds: 60 }));

/** @param {Mutant} mutant @param {import('./coverage.js').Entry[]} entries @returns {{ status: string, by: string | null }} */
function tryJs({ file, start, end }, entries) {
  const tests = entries.filter(({ covered }) => covered[file]?.some(([from, to]) => from < end && to > start));
  const inPage = /^js\/(page|dom)|^js\/worker/.test(file);
  if (inPage && !make('js/page/padless/worker-entry.js')) return { status: 'killed', by: 'the build' };
  const by = firstToFail(tests) ?? (inPage ? firstToFail(pageTests) : null);
  return { status: by ? 'killed' : 'survived', by };
}

/** Runs the native kernel tests first, because they build fastest; then tests with the wasm, and those of models. @param {import('./coverage.js').Entry[]} entries */
function tryC(entries) {
  const kernels = 'build/native/clang/kernels';
  if (!make(kernels)) return { status: 'invalid', by: null };
  const { status } = spawnSync(join(tree, kernels), { stdio: 'ignore', timeout: 300_000, killSignal: 'SIGKILL' });
  if (status !== 0) return { status: 'killed', by: kernels };
  if (!make('build/test/kernels.wasm') || !make('js/dist/inline.js')) return { status: 'invalid', by: null };
  const tests = entries.filter(({ test, covered }) => test === 'tests/kernels/kernels.test.js' || covered['js/runtime/memory.js']);
  const by = firstToFail(tests.filter(({ test }) => /kernels|layers|models|import\/trained/.test(test)));
  return { status: by ? 'killed' : 'survived', by };
}

/** The share and its confidence interval of 95 % (Wilson 1927). @param {number} killed @param {number} all */
function share(killed, all) {
  const [p, z] = [killed / all, 1.96];
  const middle = (p + (z * z) / (2 * all)) / (1 + (z * z) / all);
  const half = (z / (1 + (z * z) / all)) * Math.sqrt((p * (1 - p)) / all + (z * z) / (4 * all * all));
  const percent = (/** @type {number} */ x) => `${(100 * x).toFixed(1)} %`;
  return `${killed} of ${all} mutants are killed: ${percent(p)}, interval ${percent(middle - half)} to ${percent(middle + half)}`;
}

/** @param {any[]} done */
function report(done) {
  const valid = done.filter(({ status }) => status !== 'invalid');
  for (const { status, file, line, kind, from, to } of valid)
    if (status === 'survived') console.log(`survived ${file}:${line} ${kind}: ${from.slice(0, 60)} -> ${to.slice(0, 60)}`);
  for (const [what, part] of [
    ['js/', valid.filter(({ file }) => file.startsWith('js/'))],
    ['c/', valid.filter(({ file }) => file.startsWith('c/'))],
    ['all', valid],
  ])
    if (part.length)
      console.log(`${what}: ${share(part.filter((/** @type {any} */ { status }) => status === 'killed').length, part.length)}`);
}

mkdirSync(folder, { recursive: true });
makeTree();
const tests = git('ls-files', 'tests').filter(
  (file) => /\.test\.js$/.test(file) && !/^tests\/(page|firefox)\/|package\/(tarball|docs|package)\.test/.test(file),
);
const entries = measured(tree, join(folder, 'coverage'), tests);
const before = existsSync(results)
  ? readFileSync(results, 'utf8')
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  : [];
const known = new Map(before.map((each) => [each.id, each]));
const done = [];
for (const mutant of allMutants()) {
  if (done.filter(({ status }) => status !== 'invalid').length >= Number(many)) break;
  const id = idOf(mutant);
  let result = known.get(id);
  if (!result) {
    const path = join(tree, mutant.file);
    const text = readFileSync(path, 'utf8');
    const begun = Date.now();
    writeFileSync(path, text.slice(0, mutant.start) + mutant.to + text.slice(mutant.end));
    const outcome = mutant.file.endsWith('.js') ? tryJs(mutant, entries) : tryC(entries);
    writeFileSync(path, text);
    const { file, line, kind, from, to } = mutant;
    result = { id, file, line, kind, from, to, ...outcome, seconds: Math.round((Date.now() - begun) / 1000) };
    appendFileSync(results, `${JSON.stringify(result)}\n`);
  }
  done.push(result);
}
report(done);
