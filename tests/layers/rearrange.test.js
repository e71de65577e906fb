/** padless>Rearrange with a pattern that keeps the time axis, over fixed and variable lengths. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from 'padless';
import '../guarded-heap.js';
import { random } from '../random.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { normal } = random();

/** @param {string} pattern @param {number | null} T  steps of the input @param {number[]} rest  its other sizes */
function create(pattern, T, rest) {
  const layers = [
    { class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, T, ...rest] } },
    { class_name: 'padless>Rearrange', config: { name: 'move', pattern, sizes: { ...(T && { t: T }), h: 2 } } },
  ];
  return createModel({ architecture: { class_name: 'Sequential', config: { layers } }, weights: () => new Map(), simd });
}

test('a time axis that Rearrange keeps may have a fixed or a variable length', async () => {
  for (const T of [3, null]) {
    const model = await create('b t (h d) -> b t d h', T, [4]);
    const rows = Array.from({ length: 2 }, () => Array.from({ length: 3 }, () => [...normal(4, 1)]));
    const [{ shape, data }] = /** @type {any} */ (model.run(rows));
    assert.deepEqual(shape, [2, 3, 2, 2]);
    assert.deepEqual(
      [...data],
      rows.flat().flatMap(([a, b, c, d]) => [a, c, b, d]),
    );
  }
});

test('a Rearrange that keeps the time axis runs rows of different lengths at once, and skips padding between steps', async () => {
  for (const [pattern, rest, order] of /** @type {[string, number[], number[]][]} */ ([
    ['b t (h d) -> b t (d h)', [4], [0, 2, 1, 3]],
    ['b t (h d) -> b t d h', [4], [0, 2, 1, 3]],
    ['b t h d -> b t (d h)', [2, 2], [0, 2, 1, 3]],
    ['b t h d -> b t d h', [2, 2], [0, 2, 1, 3]],
  ])) {
    const model = await create(pattern, null, rest);
    const [one, two, three] = Array.from({ length: 3 }, () => [...normal(4, 1)]);
    const moved = (/** @type {number[]} */ step) => order.map((i) => step[i]);
    const zeros = [0, 0, 0, 0];
    /** @type {[any, any]} */
    const batch = [[[one, zeros, two], [three]], { mask: [[1, 0, 1], [1]] }];
    assert.equal(model.trace(...batch).length, 1, pattern);
    const [{ data }] = model.run(...batch);
    assert.deepEqual([...data], [moved(one), zeros, moved(two), moved(three), zeros, zeros].flat(), pattern);
  }
});
