/**
 * State dicts that PyTorch wrote, compared with its answers: tests/models/torch/make_models.py says which models, goldens.json which versions.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel, ModelFileError, UnsupportedError } from 'padless';
import { fromTorch } from 'padless/import';
import { assertClose, decode } from '../close.js';
import { says } from '../says.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = new URL('../models/torch/', import.meta.url);
const { cases, ...versions } = JSON.parse(readFileSync(new URL('goldens.json', folder), 'utf8'));

for (const { name, file, architecture, ids, lengths, outputs, probabilities, refused } of cases) {
  const load = () => fromTorch(new URL(file, folder), architecture, { simd });
  if (refused) {
    test(`${name} is refused by name`, async () => {
      await assert.rejects(
        load(),
        (error) => error instanceof UnsupportedError && error.message.includes(refused) && error.message.includes('rnn'),
      );
    });
    continue;
  }
  test(`${name} answers as torch ${versions.torch} does`, async () => {
    const model = await load();
    const unit = probabilities ? 1e-5 : 1e-4;
    for (const each of [model, await loadModel(model.save(), { simd })]) {
      const [{ shape, data }] = each.run(ids, lengths ? { lengths } : {});
      const [golden] = outputs;
      assert.deepEqual(shape, golden.shape);
      const [, T] = shape;
      const step = data.length / (shape[0] * T);
      // Values at padded steps are not compared.
      /** @param {number} i */
      const counts = (i) => !lengths || shape.length < 3 || Math.floor(i / step) % T < lengths[Math.floor(i / step / T)];
      assertClose(data, decode(golden.data), { unit, counts, what: `${name} [${shape}]` });
    }
  });
}

test('a module that the state dict lacks, one it has beyond, and a type that is unknown are named', async () => {
  const file = new URL('bilstm-tagger.safetensors', folder);
  const { architecture } = cases.find((/** @type {any} */ each) => each.name === 'bilstm-tagger');
  /** @param {any} modules @param {any} Class @param {RegExp} message */
  const fails = (modules, Class, message) => assert.rejects(fromTorch(file, modules), says(Class, message));
  for (const module of [null, 3, 'Linear', {}, { type: 'Linear', name: 7 }])
    await fails([...architecture, module], ModelFileError, /module \d is .*, expected \{ type, name, \.\.\. \}$/);
  await fails([...architecture, { type: 'Linear', name: 'more' }], ModelFileError, /more\.weight is not in the state dict/);
  await fails(architecture.slice(0, 2), ModelFileError, /names no module for linear\.\w+, linear\.\w+/);
  await fails([{ type: 'Transformer', name: 'x' }], UnsupportedError, /x: type "Transformer" is not supported/);
  await fails('Embedding', ModelFileError, /not a list of modules/);
});

test('options that would change the answer and are not there are refused, those of torch alone are not', async () => {
  const file = new URL('bilstm-tagger.safetensors', folder);
  const { architecture } = cases.find((/** @type {any} */ each) => each.name === 'bilstm-tagger');
  const [embedding, lstm, linear] = architecture;
  /** @param {any} modules @param {RegExp} message */
  const fails = (modules, message) => assert.rejects(fromTorch(file, modules), says(UnsupportedError, message));
  await fails([...architecture, { type: 'Softmax', dim: 1 }], /Softmax has dim=1; padless supports -1, 2/);
  await fails([...architecture, { type: 'GELU', approximate: 'tanh' }], /approximate="tanh"/);
  await fails([...architecture, { type: 'MaxPool1d', kernel_size: 2, ceil_mode: true }], /ceil_mode=true/);
  await fails([{ ...embedding, max_norm: 1 }, lstm, linear], /max_norm=1/);
  await fails([embedding, { ...lstm, return_sequences: false }, linear], /return_sequences=false/);
  await fromTorch(file, [{ ...embedding, sparse: true }, { ...lstm, dropout: 0.1 }, linear, { type: 'Softmax', dim: 2 }], { simd });
  await fromTorch(file, [embedding, { ...lstm, returns: 'last' }, linear, { type: 'Softmax', dim: 1 }], { simd });
});
