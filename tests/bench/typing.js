/**
 * Bar 9: how long tasks of the page's main thread last while a user types in web/index.html as `make demo` serves it, and while a megabyte is
 * pasted. Chromium's trace gives the duration of each task, its observer of long tasks (above 50 ms) the number of those.
 */
import { serve } from '../../web/serve.js';
import { median } from './measure.js';

/** In milliseconds: the time between two keys, the minimum of a long task, and the maximum for an answer that feels immediate (RAIL). */
const [BETWEEN, LONG, IMMEDIATE] = [30, 50, 100];

const words = 'The quick brown fox jumps over the lazy dog, and nobody has ever asked it why. ';
/** @param {number} length */
const textOf = (length) => words.repeat(Math.ceil(length / words.length)).slice(0, length);

/**
 * Measures the main thread during `work`: the longest task and the longest call of the page's scripts, in milliseconds.
 * @param {import('playwright-core').Page} page @param {() => Promise<void>} work
 */
async function traced(page, work) {
  const session = await page.context().newCDPSession(page);
  /** @type {any[]} */
  const events = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  const categories = 'devtools.timeline,disabled-by-default-devtools.timeline';
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: categories.split(',') } });
  await work();
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  // There may be several renderers, but only the one of the page is busy.
  const main = events.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
  /** @param {string} what */
  const longest = (what) => {
    const own = events.filter(({ name, pid, tid }) => name === what && main.some((each) => each.pid === pid && each.tid === tid));
    return own.reduce((most, { dur = 0 }) => Math.max(most, dur / 1000), 0);
  };
  return { task: longest('RunTask'), script: longest('FunctionCall') };
}

/** Runs in the page: counts long tasks, and times each key or paste until its answer is shown. */
function watch() {
  const seen = { long: /** @type {number[]} */ ([]), answers: /** @type {number[]} */ ([]) };
  /** @type {number[]} */
  let waiting = [];
  const begin = () => waiting.push(performance.now());
  const text = /** @type {HTMLElement} */ (document.getElementById('text'));
  text.addEventListener('keydown', begin);
  new PerformanceObserver((list) => seen.long.push(...list.getEntries().map(({ duration }) => duration))).observe({
    type: 'longtask',
  });
  new MutationObserver(() => {
    const now = performance.now();
    seen.answers.push(...waiting.map((begun) => now - begun));
    waiting = [];
  }).observe(/** @type {HTMLElement} */ (document.getElementById('answer')), { childList: true });
  Object.assign(window, { seen, begin });
}

/**
 * Opens the page with a text in its box, and does something with the text.
 * @param {import('playwright-core').Browser} browser @param {string} url
 * @param {{ before?: number, scripts?: boolean, work: (page: import('playwright-core').Page) => Promise<void> }} what  before: characters
 */
async function measure(browser, url, { before = 0, scripts = true, work }) {
  const context = await browser.newContext({ viewport: { width: 900, height: 1000 }, javaScriptEnabled: scripts });
  const page = await context.newPage();
  await page.goto(`${url}web/`);
  if (scripts) await page.waitForSelector('#about:not(:empty)');
  await page.evaluate((given) => {
    const text = /** @type {HTMLTextAreaElement} */ (document.getElementById('text'));
    text.focus();
    document.execCommand('insertText', false, given);
    text.setSelectionRange(256, 256);
  }, textOf(before));
  // Wait until the page has loaded and shown its first answer.
  await page.waitForTimeout(1000);
  await page.evaluate(watch);
  const longest = await traced(page, async () => {
    await work(page);
    // Wait for work that the page does after a pause.
    await page.waitForTimeout(1000);
  });
  const { long, answers } = await page.evaluate(() => /** @type {any} */ (window).seen);
  await context.close();
  return { ...longest, long: long.length, answers };
}

/**
 * @param {import('playwright-core').Browser} browser
 * @param {boolean} quick
 * @param {(row: import('./suite.js').Row) => void} tell
 */
export async function typing(browser, quick, tell) {
  const { url, close } = await serve();
  /** @param {string} what @param {number} ours @param {string} peer @param {number} theirs */
  const row = (what, ours, peer, theirs) =>
    tell({ bar: 9, case: what, build: 'relaxed', ours_ms: ours, peer, peer_ms: theirs, ratio: theirs / ours });
  try {
    const keys = textOf(quick ? 100 : 300);
    for (const [where, before] of /** @type {[string, number][]} */ ([
      ['a text that grows', 0],
      ['a text of 1,000', 1000],
    ])) {
      const work = (/** @type {import('playwright-core').Page} */ page) => page.keyboard.type(keys, { delay: BETWEEN });
      const { task, script, long, answers } = await measure(browser, url, { before, work });
      const what = `${keys.length} keys in ${where}`;
      row(`${what}: longest task; ${long} long ones, longest call of a script ${script.toFixed(1)} ms`, task, 'a long task', LONG);
      row(
        `${what}: longest from key to answer; median ${median(answers).toFixed(1)} ms`,
        Math.max(...answers),
        'immediate',
        IMMEDIATE,
      );
    }
    const work = (/** @type {import('playwright-core').Page} */ page) =>
      page.evaluate(
        (text) => {
          /** @type {any} */ (window).begin();
          document.execCommand('insertText', false, text);
        },
        textOf(2 ** 20),
      );
    const [pasted, bare] = [/** @type {any[]} */ ([]), /** @type {any[]} */ ([])];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      pasted.push(await measure(browser, url, { work }));
      bare.push(await measure(browser, url, { scripts: false, work }));
    }
    /** @param {any[]} some @param {(one: any) => number} value */
    const middle = (some, value) => median(some.map(value));
    const tasks = [pasted, bare].map((some) => middle(some, ({ task }) => task));
    const script = middle(pasted, (one) => one.script);
    const answered = `answered after ${middle(pasted, ({ answers }) => answers[0]).toFixed(0)} ms`;
    row(
      `a megabyte pasted: longest task; ${answered}, longest call of a script ${script.toFixed(1)} ms`,
      tasks[0],
      'the page without scripts',
      tasks[1],
    );
  } finally {
    close();
  }
}
