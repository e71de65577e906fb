/**
 * Operations in Keras files that padless lacks: the recommendations in the error, and custom layers that replace them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { createModel, UnsupportedError } from 'padless';
import { fromKeras } from 'padless/import';
import * as layers from 'padless/layers';
import { advised, instead } from '../../js/import/keras-operations.js';
import '../guarded-heap.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const whole = unzipSync(new Uint8Array(readFileSync(new URL('../models/keras-files/operations.keras', import.meta.url))));

/** A model's graph with one operation changed. @param {string} from @param {(entry: any) => void} change */
function changed(from, change) {
  const config = JSON.parse(strFromU8(whole['config.json']));
  change(config.config.layers.find((/** @type {any} */ each) => each.class_name === from));
  return zipSync({ ...whole, 'config.json': strToU8(JSON.stringify(config)) });
}

/** @param {Promise<unknown>} loading @param {RegExp} message */
const refused = (loading, message) => assert.rejects(loading, says(UnsupportedError, message));

test('the error names the equivalent in padless, and says that a custom layer may replace the operation', async () => {
  const rename = (/** @type {string} */ kind) => (/** @type {any} */ entry) => (entry.class_name = kind);
  await refused(
    fromKeras(changed('Tanh', rename('Normalize'))),
    /^tanh: the operation Normalize is not supported: build the model with the layer UnitNormalization; or give a layer .* customLayers: \{ "Normalize": \.\.\. \}$/,
  );
  await refused(fromKeras(changed('Tanh', rename('Sinc'))), /^tanh: the operation Sinc is not supported: give a layer that does/);
  await refused(
    fromKeras(changed('GetItem', (entry) => (entry.inbound_nodes[0].args[1] = [{ class_name: '__slice__', config: {} }, [1, 2]]))),
    /^get_item: the operation GetItem with the index .* is not supported: build the model with x\[:, i\], or the layer padless>LastStep/,
  );
});

test('a custom layer replaces an operation and gets its options', async () => {
  /** @type {any} */
  let told = null;
  class Squash extends layers.Layer {
    /** @param {any} config */
    constructor(config) {
      super(config);
      told = config;
      this.tanh = new layers.Activation({ activation: 'tanh' });
    }

    /** @override @param {any} x */
    call(x) {
      return this.tanh.apply(x);
    }
  }
  const file = changed('Tanh', (entry) => Object.assign(entry, { class_name: 'Squash', config: { name: 'tanh', scale: 3 } }));
  const ids = [[3, 1, 4, 1, 5, 9]];
  const [model, before] = [await fromKeras(file, { customLayers: { Squash }, simd }), await fromKeras(zipSync(whole), { simd })];
  assert.equal(told.scale, 3);
  assert.deepEqual(model.run(ids)[0].data, before.run(ids)[0].data);
});

test('every layer and activation that an error recommends exists', async () => {
  for (const kind of Object.keys(instead)) {
    const { message } = /** @type {Error} */ (advised(new UnsupportedError(`x: the operation ${kind} is not supported`)));
    const names = [...message.matchAll(/the layer (?:padless>)?(\w+)(?:\("(\w+)"\))?/g)];
    assert.ok(names.length || /ops\.|x\[:|outside|Embedding/.test(message), message);
    for (const [, name, activation] of names) {
      assert.ok(name === 'layer' || Object.hasOwn(layers, name), `${kind}: ${name}`);
      if (activation)
        await createModel({
          architecture: {
            class_name: 'Sequential',
            config: {
              layers: [
                { class_name: 'InputLayer', config: { batch_shape: [null, 2] } },
                { class_name: name, config: { activation } },
              ],
            },
          },
          weights: () => new Map(),
        });
    }
  }
  const other = new UnsupportedError('x: anything else');
  assert.equal(advised(other), other);
});
