/**
 * How fast a model is on this machine: `padless bench`.
 * @module
 */
import { loadModel } from './model.js';
import { features } from './wasm.js';
/** @typedef {import('./wasm.js').Build} Build */
/** @typedef {import('./graph.js').ModelInput} ModelInput */
/**
 * @typedef {object} Timing
 * @property {Build} build
 * @property {number} first  milliseconds from the file to the first answer
 * @property {{ rows: number, steps: number, ms: number, rowMs: number }[]} runs
 *   rows of a batch, steps of each, median milliseconds a batch and a row
 * @property {number} memory  bytes of the instance afterwards
 */

/** A row that the model takes, of T steps or of its own length. @param {ModelInput} input @param {number} T @param {number} seed */
function row({ ids, shape, vocabulary }, T, seed) {
  const steps = shape[0] ?? T;
  if (ids) return Array.from({ length: steps }, (_, t) => (vocabulary > 2 ? 2 + ((seed + 7919 * t) % (vocabulary - 2)) : 1));
  const values = (/** @type {number} */ count) => Float32Array.from({ length: count }, (_, i) => Math.sin(i + seed));
  if (shape.length === 1) return values(Number(shape[0]));
  const width = shape.slice(1).reduce((/** @type {number} */ product, size) => product * Number(size), 1);
  return Array.from({ length: steps }, () => values(width));
}

/** Median milliseconds of a call, over at least 15 samples of two milliseconds. @param {() => unknown} work @param {number} budget  milliseconds */
function median(work, budget) {
  const begun = performance.now();
  let calls = 0;
  while (calls < 3 || (performance.now() - begun < budget / 5 && calls < 1e4)) {
    work();
    calls++;
  }
  const each = Math.max(1, Math.round((2 * calls) / (performance.now() - begun)));
  const times = [];
  for (const end = performance.now() + budget; times.length < 15 || performance.now() < end;) {
    const start = performance.now();
    for (let i = 0; i < each; i++) work();
    times.push((performance.now() - start) / each);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}

/**
 * Times a model in each build that this engine has, alone and in batches, at several lengths (or at its own, where it has one).
 * @param {import('./source.js').ModelSource} source
 * @param {{ budget?: number, lengths?: number[], customLayers?: import('./graph.js').CustomLayers }} [options]  budget: milliseconds a
 *   measurement
 * @returns {Promise<Timing[]>}
 */
export async function speed(source, { budget = 400, lengths = [16, 64, 256], customLayers = {} } = {}) {
  const has = features();
  const timings = [];
  for (const build of /** @type {Build[]} */ (['relaxed', 'baseline']).filter((name) => has[name])) {
    const begun = performance.now();
    const model = await loadModel(source, { simd: build, customLayers });
    const own = model.inputs.some(({ ids, shape }) => (ids || shape.length > 1) && shape[0] === null);
    /** @param {number} B @param {number} T */
    const batch = (B, T) => {
      const byName = Object.fromEntries(
        model.inputs.map((input) => [input.name, Array.from({ length: B }, (_, b) => row(input, T, 31 * b))]),
      );
      return model.inputs.length === 1 ? byName[model.inputs[0].name] : byName;
    };
    model.run(batch(1, lengths[0]));
    const first = performance.now() - begun;
    const runs = [];
    for (const steps of own ? lengths : lengths.slice(0, 1))
      for (const rows of [1, 32]) {
        const given = batch(rows, steps);
        const ms = median(() => model.run(given), budget);
        runs.push({ rows, steps: own ? steps : Number(model.inputs[0].shape[0] ?? 1), ms, rowMs: ms / rows });
      }
    timings.push({ build, first, runs, memory: model.stats.memory });
  }
  return timings;
}
