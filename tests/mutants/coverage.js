/**
 * Measures which parts of which files each test file runs, and how long it takes. A mutant is tried only on tests that reach it, the fastest first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{ test: string, seconds: number, passes: boolean, covered: Record<string, [number, number][]> }} Entry  covered: by file of js/ */

/** @param {string} tree @param {string} test @param {Record<string, string>} [env] @param {number} [seconds] */
export function runTest(tree, test, env = {}, seconds = 600) {
  const begun = Date.now();
  const { status, signal } = spawnSync(process.execPath, ['--test', '--test-reporter=dot', test], {
    cwd: tree,
    env: { ...process.env, PADLESS_SIMD: 'baseline', PADLESS_SEED: '1', ...env },
    stdio: 'ignore',
    timeout: 1000 * seconds,
    killSignal: 'SIGKILL',
  });
  return { passes: status === 0, timedOut: signal === 'SIGKILL', seconds: (Date.now() - begun) / 1000 };
}

/** Marks the characters of a script that its functions ran. @param {Uint8Array} marks @param {any[]} functions */
function mark(marks, functions) {
  const own = new Uint8Array(marks.length);
  for (const { ranges } of functions)
    for (const { startOffset, endOffset, count } of ranges) own.fill(count ? 1 : 0, startOffset, endOffset);
  own.forEach((each, i) => (marks[i] |= each));
}

/** @param {Uint8Array} marks */
function rangesOf(marks) {
  /** @type {[number, number][]} */
  const ranges = [];
  for (let i = 0; i < marks.length; i++) {
    if (!marks[i]) continue;
    const start = i;
    while (marks[i]) i++;
    ranges.push([start, i]);
  }
  return ranges;
}

/** Runs one test file and records what it covers. @param {string} tree @param {string} test @returns {Entry} */
function measure(tree, test) {
  const folder = mkdtempSync(join(tmpdir(), 'padless-mutants-'));
  const { passes, seconds } = runTest(tree, test, { NODE_V8_COVERAGE: folder });
  /** @type {Record<string, Uint8Array>} */
  const marks = {};
  for (const file of readdirSync(folder)) {
    const { result } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    for (const { url, functions } of result) {
      if (!url.startsWith('file:')) continue;
      const name = relative(tree, fileURLToPath(url.split('?')[0]));
      if (!/^js\/(?!dist\/)/.test(name) || !existsSync(join(tree, name))) continue;
      mark((marks[name] ??= new Uint8Array(readFileSync(join(tree, name), 'utf8').length)), functions);
    }
  }
  rmSync(folder, { recursive: true });
  return { test, seconds, passes, covered: Object.fromEntries(Object.entries(marks).map(([name, own]) => [name, rangesOf(own)])) };
}

/**
 * Measures each test file that has not been measured yet.
 * @param {string} tree @param {string} folder  of the records @param {string[]} tests
 * @returns {Entry[]} the fastest first; only those that pass
 */
export function measured(tree, folder, tests) {
  mkdirSync(folder, { recursive: true });
  const entries = tests.map((test) => {
    const record = join(folder, `${test.replaceAll('/', '-')}.json`);
    if (!existsSync(record)) {
      writeFileSync(record, JSON.stringify(measure(tree, test)));
      console.log(`measured ${test}`);
    }
    return /** @type {Entry} */ (JSON.parse(readFileSync(record, 'utf8')));
  });
  for (const { test, passes } of entries) if (!passes) console.log(`${test} fails without a mutant and is left out`);
  return entries.filter(({ passes }) => passes).sort((a, b) => a.seconds - b.seconds);
}
