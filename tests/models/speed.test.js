/**
 * `padless bench` on models of each kind of input: it measures what the model takes, and says so.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from 'padless';
import { speed } from '../../js/speed.js';
import { random } from '../random.js';

const { weights } = random();

/** @param {any[]} layers  Keras JSON */
const saved = async (layers) =>
  (await createModel({ architecture: { class_name: 'Sequential', config: { name: 'model', layers } }, weights })).save();
const gru = { class_name: 'GRU', config: { name: 'gru', units: 3 } };
/** @param {(number | null)[]} shape */
const input = (shape) => ({ class_name: 'InputLayer', config: { batch_shape: [null, ...shape] } });

for (const [what, layers, steps] of /** @type {[string, any[], number[]][]} */ ([
  ['ids', [input([null]), { class_name: 'Embedding', config: { input_dim: 9, output_dim: 2 } }, gru], [4, 8]],
  ['values', [input([null, 2]), gru], [4, 8]],
  ['values of one length', [input([5, 2]), gru], [5]],
  ['vectors', [input([6]), { class_name: 'Dense', config: { units: 2 } }], [6]],
]))
  test(`a model of ${what} is timed in each build, alone and in batches`, async () => {
    const timings = await speed(await saved(layers), { budget: 5, lengths: [4, 8] });
    assert.ok(timings.some(({ build }) => build === 'baseline'));
    for (const { first, runs, memory } of timings) {
      assert.ok(first > 0 && memory > 65536);
      assert.deepEqual(
        runs.map((run) => [run.rows, run.steps]),
        steps.flatMap((T) => [
          [1, T],
          [32, T],
        ]),
      );
      for (const { ms, rowMs, rows } of runs) assert.ok(ms > 0 && Math.abs(rowMs * rows - ms) < 1e-9);
    }
  });
