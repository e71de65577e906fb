/**
 * Times functions in a browser, whose clock may be coarse and whose engine compiles a function only after it ran for a while.
 */

/** Samples of each function; the result is their median. */
const SAMPLES = 15;
/** After this many milliseconds of sampling, FEW_SAMPLES are enough. */
const SAMPLING_MS = 4000;
const FEW_SAMPLES = 5;
/**
 * A sample repeats its function for at least SAMPLE_MS milliseconds and SAMPLE_TICKS ticks of the clock, so that rounding to a tick changes it
 * by at most 1 in SAMPLE_TICKS. A tick is 0.1 ms in Chromium and 1 ms in Firefox.
 */
const SAMPLE_MS = 4;
const SAMPLE_TICKS = 20;
/** Before its first sample, a function runs for this many milliseconds, so that the engine compiles it with all optimisations. */
const WARM_UP_MS = 150;

/** Lets the browser draw and handle events. */
const yieldToPage = () => new Promise((resolve) => setTimeout(resolve));

/** The resolution of this page's clock, in milliseconds. */
function clockTick() {
  const next = (/** @type {number} */ then) => {
    let now = then;
    while (now === then) now = performance.now();
    return now;
  };
  const first = next(performance.now());
  return next(first) - first;
}

/** Calls a function. Returns its result only if that is a promise: awaiting anything else would add to the time. @param {() => unknown} way */
const callForPromise = (way) => {
  const result = way();
  return result instanceof Promise ? result : undefined;
};

/** How many calls make a sample of at least `ms` milliseconds; the calls warm the function up. @param {() => unknown} way @param {number} ms */
async function callsPerSample(way, ms) {
  const start = performance.now();
  let n = 0;
  for (; n < 3 || performance.now() - start < WARM_UP_MS; n++) {
    const promise = callForPromise(way);
    if (promise) await promise;
  }
  return Math.max(1, Math.ceil((ms * n) / (performance.now() - start)));
}

/**
 * The median time of a call in milliseconds, for each function. The functions are sampled in turns, so that a disturbance affects all of them.
 * @param {(() => unknown)[]} ways
 * @param {(share: number) => void} [onProgress]  called now and then with the share of the work that is done, from 0 to 1
 */
export async function medians(ways, onProgress = () => {}) {
  const ms = Math.max(SAMPLE_MS, SAMPLE_TICKS * clockTick());
  const counts = [];
  for (const way of ways) {
    counts.push(await callsPerSample(way, ms));
    onProgress((0.4 * counts.length) / ways.length);
    await yieldToPage();
  }
  const times = ways.map(() => /** @type {number[]} */ ([]));
  const begin = performance.now();
  for (let sample = 0; sample < SAMPLES && (sample < FEW_SAMPLES || performance.now() - begin < SAMPLING_MS); sample++) {
    for (const [i, way] of ways.entries()) {
      const start = performance.now();
      for (let n = 0; n < counts[i]; n++) {
        const promise = callForPromise(way);
        if (promise) await promise;
      }
      times[i].push((performance.now() - start) / counts[i]);
    }
    onProgress(0.4 + (0.6 * (sample + 1)) / SAMPLES);
    await yieldToPage();
  }
  return times.map((each) => each.sort((a, b) => a - b)[each.length >> 1]);
}
