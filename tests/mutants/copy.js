/**
 * A copy of the repository with its built files. It tries one mutant at a time: changes the file, runs tests until one fails, and puts the file back.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildWasm, NativeTests, restoreWasm } from './c-build.js';
import { digestOf, testsOf } from './calls.js';
import { runLimited, runTest } from './run-test.js';

/** @typedef {import('./draw.js').Mutant} Mutant */
/** @typedef {import('./calls.js').Entry} Entry */
/** @typedef {{ status: 'killed' | 'survived' | 'invalid', by: string | null, tests: number, left: number }} Outcome  left: tests that did not fit in */
/** @typedef {Pick<Mutant, 'id' | 'file' | 'line' | 'kind' | 'from' | 'to'> & Outcome & { seconds: number }} Result */

const built = ['js/dist', 'js/page/padless', 'build/test', 'build/wasm', 'build/emcc', 'build/exports', 'build/setup'];
const budget = Number(process.env.MUTANT_SECONDS ?? 90);
const run = promisify(execFile);

/** Which functions these call in the page is not recorded. */
const pageTests = ['tests/page/worker.test.js', 'tests/page/typing.test.js'].map((test) => ({ test, seconds: 30 }));

/**
 * Those first that noticed most mutants of the same file for their time, then the quick ones.
 * @param {Entry[]} tests @param {string} file @param {Result[]} known
 */
function ordered(tests, file, known) {
  /** @param {Entry} entry */
  const worth = ({ test, seconds, called }) => {
    const kills = known.filter((each) => each.file === file && each.by === test).length;
    return ((1 + 3 * kills) * Math.sqrt(1 + (called[file]?.length ?? 0))) / (0.2 + seconds);
  };
  return tests
    .map((entry) => ({ entry, value: worth(entry) }))
    .sort((a, b) => b.value - a.value)
    .map(({ entry }) => entry);
}

export class Copy {
  /** @param {string} root @param {string} tree  its folder, which is made again @param {string[]} files  of the repository */
  constructor(root, tree, files) {
    for (const old of ['', '.built', '.objects', '.tmp']) rmSync(tree + old, { recursive: true, force: true });
    for (const each of [...files, ...built])
      if (existsSync(join(root, each))) cpSync(join(root, each), join(tree, each), { recursive: true, preserveTimestamps: true });
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    this.tree = tree;
    this.native = new NativeTests(tree);
  }

  /** @param {Mutant} mutant @param {Entry[]} entries @param {Result[]} known  the results so far @returns {Promise<Result>} */
  async tryMutant(mutant, entries, known) {
    const path = join(this.tree, mutant.file);
    const text = readFileSync(path, 'utf8');
    const { atime, mtime } = statSync(path);
    const begun = Date.now();
    const digest = digestOf(this.tree, mutant.file);
    writeFileSync(path, text.slice(0, mutant.start) + mutant.to + text.slice(mutant.end));
    const outcome = mutant.file.endsWith('.js')
      ? await this.tryJs(mutant.file, ordered(testsOf(entries, mutant.file, digest, mutant.start), mutant.file, known))
      : await this.tryC(mutant.file, ordered(entries, mutant.file, known));
    writeFileSync(path, text);
    utimesSync(path, atime, mtime);
    const { id, file, line, kind, from, to } = mutant;
    return { id, file, line, kind, from, to, ...outcome, seconds: Math.round((Date.now() - begun) / 1000) };
  }

  /** @param {string} file @param {Entry[]} tests @returns {Promise<Outcome>} */
  async tryJs(file, tests) {
    const outcome = await this.tryTests(tests);
    if (outcome.status === 'killed' || !/^js\/(page|dom)|^js\/worker/.test(file)) return outcome;
    const worker = 'js/page/padless/worker-entry.js';
    const kept = readFileSync(join(this.tree, worker));
    await run(process.execPath, ['js/tools/bundle.js', 'worker', worker], { cwd: this.tree });
    const inPage = await this.tryTests(pageTests);
    writeFileSync(join(this.tree, worker), kept);
    return { ...inPage, tests: outcome.tests + inPage.tests };
  }

  /** First the kernel tests natively, as they need no linker; then the wasm and the models. @param {string} file @param {Entry[]} entries @returns {Promise<Outcome>} */
  async tryC(file, entries) {
    const invalid = /** @type {Outcome} */ ({ status: 'invalid', by: null, tests: 0, left: 0 });
    if (!(await this.native.build(file))) return invalid;
    const outcome = await runLimited(this.tree, [this.native.program], 60);
    if (outcome !== 'passed') return { status: 'killed', by: outcome === 'time' ? 'time: kernels' : 'kernels', tests: 1, left: 0 };
    if (!(await buildWasm(this.tree))) return invalid;
    const tests = entries.filter(({ test, called }) => test === 'tests/kernels/kernels.test.js' || called['js/runtime/memory.js']);
    const result = await this.tryTests(tests.filter(({ test }) => /kernels|layers|models|import\/trained/.test(test)));
    restoreWasm(this.tree);
    return result;
  }

  /** Runs the tests until one fails. @param {{ test: string, seconds: number }[]} tests @returns {Promise<Outcome>} */
  async tryTests(tests) {
    let spent = 0;
    let ran = 0;
    for (const { test, seconds } of tests) {
      if (ran && spent + seconds > budget) continue;
      spent += seconds;
      ran++;
      const outcome = await runTest(this.tree, test, 5 + 2 * seconds);
      if (outcome !== 'passed') return { status: 'killed', by: outcome === 'time' ? `time: ${test}` : test, tests: ran, left: 0 };
    }
    return { status: 'survived', by: null, tests: ran, left: tests.length - ran };
  }
}
