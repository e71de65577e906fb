/**
 * Writes web/reference.js: presses "Measure" on the page in headless Chromium five times, and stores the shortest times. Needs `make peers`.
 *   node tests/bench/reference.js
 */
import { writeFile } from 'node:fs/promises';
import { cpus, platform } from 'node:os';
import { format, resolveConfig } from 'prettier';
import { serve } from '../../web/serve.js';
import { launch } from '../page/chromium.js';

const file = new URL('../../web/reference.js', import.meta.url);
const RUNS = 5;

const server = await serve();
const browser = await launch();
const page = await browser.newPage({ locale: 'en', serviceWorkers: 'block' });

/** Runs one measurement on the page. */
async function measure() {
  await page.goto(`${server.url}web/?${Math.random()}#speed`);
  await page.waitForSelector('#masked-name[data-label]');
  await page.click('#measure');
  await page.waitForFunction(() => document.getElementById('speed-status')?.textContent === 'Measured.', null, {
    timeout: 300_000,
  });
  return page.locator('#speeds tbody').evaluateAll((groups) =>
    groups.map((group) => {
      const digits = (/** @type {RegExp} */ pattern) => Number(pattern.exec(group.textContent ?? '')?.[1] ?? 0);
      const [n, units] = [digits(/(\d+) (?:characters|steps)/), digits(/(\d+) units/)];
      const rows = [.../** @type {NodeListOf<HTMLElement>} */ (group.querySelectorAll('tr[data-engine]'))];
      const times = rows.map((row) => [row.dataset.engine ?? '', parseFloat(row.children[2].textContent ?? '')]);
      /** @type {Record<string, number>} */
      const byEngine = Object.fromEntries(times);
      return { word: units ? 'bilstm' : 'langid', n, units, times: byEngine };
    }),
  );
}

// Take the shortest time of several measurements: other programs that run at the same time can only make a measurement slower.
const cases = await measure();
for (let run = 1; run < RUNS; run++)
  for (const [i, { times }] of (await measure()).entries())
    for (const [engine, time] of Object.entries(times)) cases[i].times[engine] = Math.min(cases[i].times[engine], time);
for (const { times } of cases)
  for (const [engine, time] of Object.entries(times))
    if (!(time > 0)) throw new Error(`${engine} has no time: is it installed? make peers`);
const system = platform() === 'linux' ? 'Linux' : platform();
const reference = {
  browser: `Chromium ${browser.version().split('.')[0]}`,
  processor: `${cpus()[0].model.trim()}, ${system}`,
  date: new Date().toISOString().slice(0, 10),
  cases,
};
await browser.close();
server.close();
const text = `/** Written by tests/bench/reference.js: the times that the section "Speed" shows before it has measured. */

/** @type {{ browser: string, processor: string, date: string, cases: import('./speed-table.js').Line[] }} */
export const reference = ${JSON.stringify(reference)};
`;
await writeFile(file, await format(text, { ...(await resolveConfig(file)), parser: 'babel' }));
