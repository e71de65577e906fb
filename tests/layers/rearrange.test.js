/** padless>Rearrange with a pattern that keeps the time axis, over fixed and variable lengths. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from 'padless';
import '../guarded-heap.js';
import { random } from '../random.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { normal } = random();

test('a time axis that Rearrange keeps may have a fixed or a variable length', async () => {
  for (const T of [3, null]) {
    const layers = [
      { class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, T, 4] } },
      {
        class_name: 'padless>Rearrange',
        config: { name: 'move', pattern: 'b t (h d) -> b t d h', sizes: { ...(T && { t: T }), h: 2 } },
      },
    ];
    const model = await createModel({
      architecture: { class_name: 'Sequential', config: { layers } },
      weights: () => new Map(),
      simd,
    });
    const rows = Array.from({ length: 2 }, () => Array.from({ length: 3 }, () => [...normal(4, 1)]));
    const [{ shape, data }] = /** @type {any} */ (model.run(rows));
    assert.deepEqual(shape, [2, 3, 2, 2]);
    assert.deepEqual(
      [...data],
      rows.flat().flatMap(([a, b, c, d]) => [a, c, b, d]),
    );
  }
});
