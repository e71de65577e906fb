/** Runs some cases of each target of `make fuzz`. PADLESS_SEED=N runs others; PADLESS_FUZZ=N runs N cases of each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PadlessError } from 'padless';
import { random } from '../random.js';
import { targets } from './targets.js';
import { unharmed } from './unharmed.js';

const { seed } = random();
const many = Number(process.env.PADLESS_FUZZ ?? 25);

for (const [name, make] of Object.entries(targets))
  test(`${name}: ${many} random cases give an answer or a PadlessError (from seed ${seed} on)`, async (t) => {
    const { tryOne, good } = await make();
    const check = await unharmed(good);
    // Each case prints its seed.
    t.mock.method(console, 'log', () => {});
    for (let i = 0; i < many; i++)
      try {
        await tryOne(random(seed + i));
      } catch (error) {
        assert.ok(error instanceof PadlessError, `case ${seed + i}: ${/** @type {any} */ (error)?.stack}`);
      }
    await check();
  });
