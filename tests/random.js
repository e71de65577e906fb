/**
 * Random data for tests, from a seed that is printed: PADLESS_SEED=N repeats a run.
 */

/** @param {number} [seed] */
export function random(seed = Number(process.env.PADLESS_SEED ?? Math.floor(Math.random() * 2 ** 32)) >>> 0) {
  console.log(`PADLESS_SEED=${seed}`);
  let state = seed;
  /** mulberry32 (Tommy Ettinger, public domain): uniform in [0, 1). */
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
  /** An integer from `least` to `most`, inclusive. @param {number} least @param {number} most */
  const integer = (least, most) => least + Math.floor(uniform() * (most - least + 1));
  /** @template T @param {readonly T[]} list @returns {T} */
  const choice = (list) => list[integer(0, list.length - 1)];
  /** Normally distributed numbers, by Box-Muller. @param {number} count @param {number} scale */
  const normal = (count, scale) =>
    Float32Array.from({ length: count }, () => scale * Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
  /** Random weights for all layers of a model, for createModel. @param {import('padless/layers').Layer} root @param {number} [scale] */
  const weights = (root, scale = 1) =>
    new Map(
      root.listWeights().map(({ path, spec: { shape } }) => {
        const size = shape.reduce((product, length) => product * length, 1);
        return [path, { shape, data: normal(size, scale) }];
      }),
    );
  return { seed, uniform, integer, choice, normal, weights };
}
