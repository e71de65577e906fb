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
/**
 * @typedef {{ status: 'killed' | 'survived' | 'invalid', by?: string, passed?: Record<string, string>, left?: number }} Outcome
 * by: the test that fails. passed: the digests of the tests that pass. left: how many did not fit in
 */
/** @typedef {Pick<Mutant, 'id' | 'file' | 'line' | 'kind' | 'from' | 'to'> & Outcome & { seconds: number }} Result */

const built = ['js/dist', 'js/page/padless', 'build/test', 'build/wasm', 'build/emcc', 'build/exports', 'build/setup'];
const budget = Number(process.env.MUTANT_SECONDS ?? 90);
const run = promisify(execFile);

/** Which functions these call in the page is not recorded. The one that knows the file best comes first. @param {string} file */
const pageTests = (file) => {
  const tests = ['tests/page/worker.test.js', 'tests/page/typing.test.js', 'tests/page/attach.test.js'];
  return /attach|editable|dom/.test(file) ? tests.reverse() : tests;
};

/**
 * Those first that noticed this mutant before, then those that noticed most of the same file for their time, then the quick ones.
 * @param {Entry[]} tests @param {Mutant} mutant @param {Map<string, Result>} known @param {string} [killer]
 */
function ordered(tests, { file }, known, killer) {
  /** @param {Entry} entry */
  const worth = ({ test, seconds, ran }) => {
    if (test === killer) return Infinity;
    const kills = [...known.values()].filter((each) => each.file === file && each.by === test).length;
    const covered = (ran[file] ?? []).reduce((sum, [start, end]) => sum + end - start, 0);
    return ((1 + 3 * kills) * Math.sqrt(1 + covered / 500)) / (0.2 + seconds);
  };
  return tests
    .map((entry) => ({ entry, value: worth(entry) }))
    .sort((a, b) => b.value - a.value)
    .map(({ entry }) => entry);
}

export class Copy {
  /** @param {string} root @param {string} tree  its folder, which is made again @param {string[]} files  of the repository */
  constructor(root, tree, files) {
    for (const old of ['', '.built', '.objects', '.sanitized']) rmSync(tree + old, { recursive: true, force: true });
    for (const each of [...files, ...built])
      if (existsSync(join(root, each))) cpSync(join(root, each), join(tree, each), { recursive: true, preserveTimestamps: true });
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    this.tree = tree;
    this.native = [
      new NativeTests(tree, 'objects'),
      new NativeTests(tree, 'sanitized', ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']),
    ];
  }

  /**
   * @param {Mutant} mutant @param {Entry[]} entries @param {Map<string, Result>} known  the results so far
   * @param {string} [killer]  a test that noticed this mutant in an earlier run @returns {Promise<Result>}
   */
  async tryMutant(mutant, entries, known, killer) {
    const path = join(this.tree, mutant.file);
    const text = readFileSync(path, 'utf8');
    const { atime, mtime } = statSync(path);
    const begun = Date.now();
    const passed = known.get(mutant.id)?.passed ?? {};
    const digest = digestOf(this.tree, mutant.file);
    writeFileSync(path, text.slice(0, mutant.start) + mutant.to + text.slice(mutant.end));
    const outcome = mutant.file.endsWith('.js')
      ? await this.tryJs(
          mutant.file,
          ordered(testsOf(entries, mutant.file, digest, mutant.at ?? mutant.start), mutant, known, killer),
          passed,
        )
      : await this.tryC(mutant.file, ordered(entries, mutant, known, killer), passed);
    writeFileSync(path, text);
    utimesSync(path, atime, mtime);
    const { id, file, line, kind, from, to } = mutant;
    return { id, file, line, kind, from, to, ...outcome, seconds: Math.round((Date.now() - begun) / 1000) };
  }

  /** @param {string} file @param {Entry[]} entries @param {Record<string, string>} passed @returns {Promise<Outcome>} */
  async tryJs(file, entries, passed) {
    const outcome = await this.tryTests(entries, passed);
    if (outcome.status === 'killed' || !/^js\/(page|dom)|^js\/worker/.test(file)) return outcome;
    const worker = 'js/page/padless/worker-entry.js';
    const kept = readFileSync(join(this.tree, worker));
    const bundled = await run(process.execPath, ['js/tools/bundle.js', 'worker', worker], { cwd: this.tree }).catch(
      () => undefined,
    );
    const tests = pageTests(file).map((test) => ({ test, digest: digestOf(this.tree, test), seconds: 30 }));
    /** @type {Outcome} */
    const inPage = bundled ? await this.tryTests(tests, passed) : { status: 'invalid' };
    writeFileSync(join(this.tree, worker), kept);
    if (inPage.status === 'invalid') return inPage;
    if (inPage.status === 'killed') return inPage;
    return { status: 'survived', passed: { ...outcome.passed, ...inPage.passed }, left: (outcome.left ?? 0) + (inPage.left ?? 0) };
  }

  /**
   * First the kernel tests natively, as they need no linker, plain and under sanitizers; then the wasm and the models.
   * @param {string} file @param {Entry[]} entries @param {Record<string, string>} passed @returns {Promise<Outcome>}
   */
  async tryC(file, entries, passed) {
    for (const tests of this.native) {
      if (!(await tests.build(file))) return { status: 'invalid' };
      const outcome = await runLimited(this.tree, [tests.program], 120);
      if (outcome !== 'passed') return { status: 'killed', by: outcome === 'time' ? 'time: kernels' : 'kernels' };
    }
    if (!(await buildWasm(this.tree))) return { status: 'invalid' };
    const tests = entries.filter(({ test, ran }) => test === 'tests/kernels/kernels.test.js' || ran['js/runtime/memory.js']);
    const result = await this.tryTests(
      tests.filter(({ test }) => /kernels|layers|models|import\/trained/.test(test)),
      passed,
    );
    restoreWasm(this.tree);
    return result;
  }

  /**
   * Runs the tests until one fails, without those that have passed before.
   * @param {{ test: string, digest: string, seconds: number }[]} tests @param {Record<string, string>} before  the digests of tests that have passed
   * @returns {Promise<Outcome>}
   */
  async tryTests(tests, before) {
    const passed = { ...before };
    let [spent, left] = [0, 0];
    for (const { test, digest, seconds } of tests) {
      if (before[test] === digest) continue;
      if (spent && spent + seconds > budget) {
        left++;
        continue;
      }
      spent += seconds;
      const outcome = await runTest(this.tree, test, 5 + 2 * seconds);
      if (outcome !== 'passed') return { status: 'killed', by: outcome === 'time' ? `time: ${test}` : test };
      passed[test] = digest;
    }
    return { status: 'survived', passed, left };
  }
}
