/**
 * `make fuzz`: runs random cases of each target of tests/fuzz/targets.js in a separate process, so that hangs and crashes are noticed. Counts are
 * kept in build/fuzz/results.json; the next run continues with the next seeds. A case that fails prints its seed; if a good input has another answer
 * after some cases, their first and last seed are printed.
 *
 *   node tests/fuzz/run.js [SECONDS=60] [NAME]     SECONDS: for all targets together; NAME: a part of a target's name
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PadlessError } from 'padless';
import { random } from '../random.js';
import { targets } from './targets.js';
import { unharmed } from './unharmed.js';

/** @typedef {{ cases: number, errors: number, seed: number, slowest: [number, number], peak: number }} Result  slowest: CPU ms of a case, and its seed; peak: bytes of the process */

const [seconds = '60', name = '', from] = process.argv.slice(2);
const folder = join(import.meta.dirname, '../../build/fuzz');
const file = join(folder, 'results.json');
/** Cases between two checks that a good input has the same answer, and that no built-in object has changed. */
const CHECKED = 50;

/** Tries one target from a seed on, until the time is over. @param {string} target @param {number} seed @param {number} ms */
async function work(target, seed, ms) {
  const log = console.log;
  console.log = () => {};
  const { tryOne, good } = await targets[target]();
  // The first case fetches packages and compiles.
  await Promise.resolve(random(0))
    .then(tryOne)
    .catch(() => {});
  const check = await unharmed(good);
  const failed = (/** @type {any} */ error, /** @type {number} */ first, last = first) => {
    log(JSON.stringify({ seeds: [first, last], why: String(error?.stack ?? error) }));
    process.exit(1);
  };
  const result = { cases: 0, errors: 0, seed, slowest: [0, 0], peak: 0 };
  const checkAll = () => check().catch((error) => failed(error, Math.max(seed, result.seed - CHECKED), result.seed - 1));
  for (const end = Date.now() + ms; Date.now() < end; result.seed++, result.cases++) {
    // If this process hangs, the parent finds the last printed seed, shortly before the one that hangs.
    if (result.cases % CHECKED === 0) {
      process.stderr.write(`${result.seed}\n`);
      await checkAll();
    }
    const begun = process.cpuUsage();
    try {
      await tryOne(random(result.seed));
    } catch (error) {
      if (!(error instanceof PadlessError)) failed(error, result.seed);
      result.errors++;
    }
    const { user, system } = process.cpuUsage(begun);
    if (user + system > 1000 * result.slowest[0]) result.slowest = [(user + system) / 1000, result.seed];
  }
  await checkAll();
  log(JSON.stringify({ ...result, peak: 1024 * process.resourceUsage().maxRSS }));
}

/** @param {string} target @param {Result | undefined} before @param {number} ms @returns {Result | null} */
function child(target, before, ms) {
  const seed = before?.seed ?? 1;
  const { status, stdout, stderr } = spawnSync(process.execPath, [import.meta.filename, String(ms), target, String(seed)], {
    encoding: 'utf8',
    timeout: 2 * ms + 120_000,
    killSignal: 'SIGKILL',
  });
  const line = stdout?.trim().split('\n').at(-1) ?? '';
  if (status !== 0) {
    const last = stderr?.trim().split('\n').at(-1);
    console.log(`${target}: FAILED ${line || `in the ${CHECKED} cases from seed ${last} on: the process hung or died`}`);
    process.exitCode = 1;
    return null;
  }
  const now = JSON.parse(line);
  return {
    cases: now.cases + (before?.cases ?? 0),
    errors: now.errors + (before?.errors ?? 0),
    seed: now.seed,
    slowest: before && before.slowest[0] > now.slowest[0] ? before.slowest : now.slowest,
    peak: Math.max(now.peak, before?.peak ?? 0),
  };
}

if (from) await work(name, Number(from), Number(seconds));
else {
  mkdirSync(folder, { recursive: true });
  /** @type {Record<string, Result>} */
  const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const chosen = Object.keys(targets).filter((each) => each.toLowerCase().includes(name.toLowerCase()));
  for (const target of chosen) {
    const result = child(target, results[target], Math.round((1000 * Number(seconds)) / chosen.length));
    if (!result) continue;
    results[target] = result;
    writeFileSync(file, JSON.stringify(results));
    const { cases, errors, slowest, peak } = result;
    console.log(
      `${target}: ${cases} cases, ${errors} refused with a PadlessError; slowest ${Math.round(slowest[0])} ms of CPU (seed ${slowest[1]}), process ${Math.round(peak / 1e6)} MB at most`,
    );
  }
}
