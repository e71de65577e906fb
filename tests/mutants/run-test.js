/**
 * Runs programs under a limit of processor time, so that a busy machine ends none of them early.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Seconds of real time for each second of processor time: programs that wait forever use none, and on a busy machine every program waits. */
const WAIT = 5;

/**
 * @param {string} tree  where it runs @param {string[]} command @param {number} limit  seconds of processor time
 * @param {Record<string, string>} [env]
 * @returns {Promise<'passed' | 'failed' | 'time'>}
 */
export function runLimited(tree, command, limit, env = {}) {
  // Outside of the repository: there, `import 'padless'` would name the repository instead of the copy.
  const temporary = mkdtempSync(join(tmpdir(), 'padless-mutant-'));
  const child = spawn('sh', ['-c', 'ulimit -t "$0"; exec "$@"', String(Math.ceil(limit)), ...command], {
    cwd: tree,
    env: { ...process.env, PADLESS_SIMD: 'baseline', PADLESS_SEED: '1', PADLESS_FUZZ: '25', TMPDIR: temporary, ...env },
    stdio: 'ignore',
    detached: true,
  });
  const killGroup = () => {
    try {
      process.kill(-(/** @type {number} */ (child.pid)), 'SIGKILL');
    } catch {
      // None of the group is left.
    }
  };
  return new Promise((resolve) => {
    let waited = false;
    const timer = setTimeout(() => ((waited = true), killGroup()), 1000 * (60 + WAIT * limit));
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      killGroup(); // servers and browsers that a test leaves when it fails
      rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
      resolve(code === 0 ? 'passed' : waited || signal === 'SIGXCPU' || signal === 'SIGKILL' ? 'time' : 'failed');
    });
  });
}

/** One test file, up to its first failure. @param {string} tree @param {string} test @param {number} limit @param {Record<string, string>} [env] */
export const runTest = (tree, test, limit, env) =>
  runLimited(tree, [process.execPath, '--test-reporter=./tests/mutants/first-failure.js', test], limit, env);
