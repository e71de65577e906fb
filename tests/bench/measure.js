/**
 * Times several ways to do the same thing, in turns and in one process, so that a disturbance of the machine affects all of them.
 */

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * @param {Record<string, () => unknown>} ways  name -> one call; a promise is awaited
 * @param {{ milliseconds: number, rounds?: number }} budget  milliseconds: for all ways together; rounds: maximum number of samples
 * @returns {Promise<Record<string, number>>} median milliseconds a call
 */
export async function compare(ways, { milliseconds, rounds = 101 }) {
  const names = Object.keys(ways);
  /** @type {Record<string, number>} */
  const calls = {};
  /** @type {Record<string, number[]>} */
  const times = {};
  for (const name of names) {
    // Warm up first. A sample is as many calls as take two milliseconds, because the clock of a page is coarse.
    const way = ways[name];
    const begun = performance.now();
    let n = 0;
    while (n < 3 || (performance.now() - begun < 30 && n < 1000)) {
      const result = way();
      if (result instanceof Promise) await result;
      n++;
    }
    calls[name] = Math.max(1, Math.round((2 * n) / (performance.now() - begun)));
    times[name] = [];
  }
  const begun = performance.now();
  for (let round = 0; round < rounds && (round < 5 || performance.now() - begun < milliseconds); round++) {
    for (let k = 0; k < names.length; k++) {
      // Each round starts with another way.
      const name = names[(k + round) % names.length];
      const [way, count] = [ways[name], calls[name]];
      const start = performance.now();
      for (let i = 0; i < count; i++) {
        const result = way();
        if (result instanceof Promise) await result;
      }
      times[name].push((performance.now() - start) / count);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times[name])]));
}
