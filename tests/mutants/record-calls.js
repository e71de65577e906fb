/**
 * Preloaded into every process of a test that is measured (`--import`): writes into the folder PADLESS_CALLS which blocks of js/ ran, which files of
 * tests/ were loaded, and the processor time. Whether a block ran, not how often: code runs at nearly its usual speed, unlike under NODE_V8_COVERAGE.
 */
import { Session } from 'node:inspector';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

const folder = /** @type {string} */ (process.env.PADLESS_CALLS);
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });
process.on('exit', () =>
  session.post('Profiler.takePreciseCoverage', (error, { result }) => {
    const scripts = result
      .filter(({ url }) => /^file:.*\/(js|tests)\//.test(url))
      .map(({ url, functions }) => ({
        url,
        ranges: functions.flatMap(({ ranges }) =>
          ranges.map(({ startOffset, endOffset, count }) => [startOffset, endOffset, count]),
        ),
      }));
    const { user, system } = process.cpuUsage();
    const seconds = threadId ? 0 : (user + system) / 1e6;
    writeFileSync(join(folder, `${process.pid}-${threadId}.json`), JSON.stringify({ seconds, scripts }));
  }),
);
