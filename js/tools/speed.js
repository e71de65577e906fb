/**
 * Measures the speed of a model on this machine, for each build of the kernels and for other engines: `padless bench`.
 * @module
 */
import { ArgumentError } from '../errors.js';
import { loadModel } from '../model/model.js';
import { features } from '../runtime/wasm.js';
/** @typedef {import('../runtime/wasm.js').Build} Build */
/** @typedef {import('../model/graph.js').ModelInput} ModelInput */
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('../model/model.js').OutputTensor} OutputTensor */
/** Rows for each input, by its name. @typedef {Record<string, any[]>} Batch */
/**
 * Another engine that runs the same model.
 * @typedef {object} Peer
 * @property {string} name
 * @property {number | null} rows  the batch size, if it is fixed
 * @property {number | null} steps  the length, if it is fixed
 * @property {(batch: Batch, rows: number, steps: number) => () => Promise<OutputTensor[]>} prepare
 *   converts a batch to tensors, which is not timed, and returns a function that runs the model on them
 */
/**
 * @typedef {object} Speed
 * @property {{ name: string, first: number, memory: number | null }[]} engines
 *   the builds of padless, then the others. first: milliseconds from the file to the first answer; memory: bytes of the instance at the end
 * @property {{ rows: number, steps: number, ms: (number | null)[] }[]} runs
 *   rows in a batch, steps in a row, median milliseconds for a batch with each engine; null: it does not support such a batch
 * @property {{ name: string, most: number, where: string }[]} differences  largest difference between the outputs of each other engine and padless
 * @property {boolean} exact  whether all weights are float32, as in the other engines
 */

/** A row for an input, with T steps or the fixed length of the input. @param {ModelInput} input @param {number} T @param {number} seed */
function row({ ids, shape, vocabulary }, T, seed) {
  const steps = shape[0] ?? T;
  const id = (/** @type {number} */ t) => (vocabulary > 2 ? 2 + ((seed + 7919 * t) % (vocabulary - 2)) : 1);
  if (ids && shape.length === 2)
    return Array.from({ length: steps }, (_, t) => Array.from({ length: shape[1] ?? 6 }, (__, c) => id(6 * t + c)));
  if (ids) return Array.from({ length: steps }, (_, t) => id(t));
  const values = (/** @type {number} */ count) => Float32Array.from({ length: count }, (_, i) => Math.sin(i + seed));
  if (shape.length === 1) return values(Number(shape[0]));
  const width = shape.slice(1).reduce((/** @type {number} */ product, size) => product * Number(size), 1);
  return Array.from({ length: steps }, () => values(width));
}

/** The median. @param {number[]} values */
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/**
 * Median milliseconds per call of several functions. They run alternately, so that disturbances affect all; a sample takes at least 2 ms.
 * @param {(() => unknown)[]} ways  promises are awaited
 * @param {number} budget  milliseconds for each function; at least three samples are taken
 */
async function medians(ways, budget) {
  const counts = [];
  for (const way of ways) {
    const begun = performance.now();
    let calls = 0;
    while (calls < 3 || (performance.now() - begun < budget / 5 && calls < 1e4)) {
      const result = way();
      if (result instanceof Promise) await result;
      calls++;
    }
    counts.push(Math.max(1, Math.round((2 * calls) / (performance.now() - begun))));
  }
  const times = ways.map(() => /** @type {number[]} */ ([]));
  const end = performance.now() + budget * ways.length;
  for (let round = 0; round < 3 || performance.now() < end; round++)
    for (let k = 0; k < ways.length; k++) {
      // Each round starts with another function.
      const at = (k + round) % ways.length;
      const [way, count] = [ways[at], counts[at]];
      const start = performance.now();
      for (let i = 0; i < count; i++) {
        const result = way();
        if (result instanceof Promise) await result;
      }
      times[at].push((performance.now() - start) / count);
    }
  return times.map(median);
}

/**
 * The largest difference between outputs.
 * @param {OutputTensor[]} ours
 * @param {OutputTensor[]} theirs  with the same names, or in the same order
 * @param {string} name  of the engine
 */
function difference(ours, theirs, name) {
  const byName = new Map(theirs.map((output) => [output.name, output]));
  const named = ours.every((output) => byName.has(output.name));
  let most = 0;
  let where = '';
  ours.forEach((output, i) => {
    const other = named ? byName.get(output.name) : theirs[i];
    if (other?.data.length !== output.data.length)
      throw new ArgumentError(
        `${name}: ${other ? `output ${other.name} has shape [${other.shape}]` : `${theirs.length} outputs`}, padless has output ${i}, ${output.name}, of shape [${output.shape}]`,
      );
    output.data.forEach((value, k) => {
      const off = Math.abs(value - other.data[k]);
      if (off <= most) return;
      most = Number.isNaN(off) ? Infinity : off;
      where = `value ${k} of ${output.name} [${output.shape}] is ${other.data[k]}, in padless ${value}`;
    });
  });
  return { most, where };
}

/**
 * Measures a model with each available build and with other engines, for single rows and batches, at several lengths (or at the fixed length
 * of the model).
 * @param {import('../file/read-source.js').ModelSource} source
 * @param {object} [options]
 * @param {number} [options.budget]  milliseconds for a measurement
 * @param {number[]} [options.lengths]
 * @param {import('../model/graph.js').CustomLayers} [options.customLayers]
 * @param {((model: Model) => Promise<Peer>)[]} [options.peers]
 * @returns {Promise<Speed>}
 * @throws {ArgumentError} if the outputs of another engine have other shapes
 */
export async function speed(source, { budget = 400, lengths = [16, 64, 256], customLayers = {}, peers: open = [] } = {}) {
  const has = features();
  /** @param {Model} model @param {number} B @param {number} T @returns {Batch} */
  const batch = ({ inputs }, B, T) =>
    Object.fromEntries(inputs.map((input) => [input.name, Array.from({ length: B }, (_, b) => row(input, T, 31 * b))]));
  const builds = /** @type {Build[]} */ (['relaxed', 'baseline']).filter((name) => has[name]);
  /** @type {Model[]} */
  const models = [];
  /** @type {Speed['engines']} */
  const engines = [];
  for (const simd of builds) {
    const begun = performance.now();
    const each = await loadModel(source, { simd, customLayers });
    each.run(batch(each, 1, lengths[0]));
    engines.push({
      name: /** @type {string} */ (simd),
      first: performance.now() - begun,
      memory: /** @type {number | null} */ (null),
    });
    models.push(each);
  }
  const [model] = models;
  /** @type {Peer[]} */
  const peers = [];
  for (const each of open) {
    const begun = performance.now();
    const peer = await each(model);
    const [rows, steps] = [peer.rows ?? 1, peer.steps ?? lengths[0]];
    await peer.prepare(batch(model, rows, steps), rows, steps)();
    engines.push({ name: peer.name, first: performance.now() - begun, memory: null });
    peers.push(peer);
  }
  const own = model.inputs.some(({ ids, shape }) => (ids || shape.length > 1) && shape[0] === null);
  const fixed = peers.find(({ steps }) => steps !== null)?.steps ?? null;
  const sizes = !own ? [Number(model.inputs[0].shape[0] ?? 1)] : fixed === null ? lengths : [fixed];
  const runs = [];
  const differences = peers.map(({ name }) => ({ name, most: 0, where: '' }));
  for (const steps of sizes)
    for (const rows of [1, 32]) {
      const given = batch(model, rows, steps);
      const input = model.inputs.length === 1 ? given[model.inputs[0].name] : given;
      /** @type {(() => unknown)[]} */
      const ways = models.map((each) => () => each.run(input));
      const taking = peers.map(
        (peer) => (peer.rows === null || peer.rows === rows) && (peer.steps === null || peer.steps === steps),
      );
      for (const [i, peer] of peers.entries()) {
        if (!taking[i]) continue;
        const call = peer.prepare(given, rows, steps);
        const found = difference(models[0].run(input), await call(), peer.name);
        if (!(found.most <= differences[i].most)) Object.assign(differences[i], found);
        ways.push(call);
      }
      const times = await medians(ways, budget);
      const ms = [...times.splice(0, models.length), ...taking.map((takes) => (takes ? Number(times.shift()) : null))];
      runs.push({ rows, steps, ms });
    }
  models.forEach(({ stats }, i) => (engines[i].memory = stats.memory));
  const exact = model.root.listWeights().every(({ layer, spec }) => !layer.weight(spec.name).int8);
  return { engines, runs, differences, exact };
}
