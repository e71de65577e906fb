/** createModel() fetches the code of a rare activation when a model has it. Each activation runs in a new process. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { lateActivations } from '../../js/layers/late/activations.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A model with the activation, made from Keras JSON. @param {string} activation */
const script = (activation) => `
  import { createModel } from 'padless';
  const layers = [
    { class_name: 'InputLayer', config: { name: 'x', batch_shape: [null, 2] } },
    { class_name: 'Activation', config: { name: 'y', activation: ${JSON.stringify(activation)} } },
  ];
  const architecture = { class_name: 'Sequential', config: { name: 'model', layers } };
  const model = await createModel({ architecture, weights: () => new Map() });
  console.log(model.run([[1, -1]])[0].data.length);`;

test('a model with any rare activation is created', async () => {
  // threshold has options, so `activation` cannot name it.
  const names = lateActivations.filter((name) => name !== 'threshold');
  assert.ok(names.length >= 11);
  for (const name of names) {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script(name)], { cwd: root });
    assert.equal(stdout, name === 'glu' ? '1\n' : '2\n', name);
  }
});
