/** padless>Rearrange where it keeps the steps: of a fixed and of a varying length, in batches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from 'padless';
import { random } from '../random.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { normal } = random();

test('steps that stay where they are may have a fixed length', async () => {
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
