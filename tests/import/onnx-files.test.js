/**
 * ONNX files that the exporters of PyTorch, TensorFlow and Paddle wrote, compared with onnxruntime's answers:
 * tests/models/onnx/store.py says how they are stored, the make_*.py beside it which models they are.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnsupportedError } from 'padless';
import { fromOnnx } from 'padless/import';
import '../guarded-heap.js';
import { says } from '../says.js';
import { casesOf, checkAnswers, checkRagged } from './onnx-cases.js';
import { graph, model, node, tensor, value } from './onnx-writer.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const cases = casesOf(new URL('../models/onnx/', import.meta.url));

/** Models that are refused, and the expected messages. @type {Record<string, RegExp>} */
const refused = {
  // Keras's mask, SimpleRNN and GRU with the reset gate before the product are loops in tf2onnx.
  'tf2onnx-before-gru': /node "model\/gru\/while_loop" \(Loop\)/,
  'tf2onnx-last-rnn': /node "model\/simple_rnn\/while_loop" \(Loop\)/,
  'tf2onnx-masked-lstm': /node "model\/lstm\/PartitionedCall\/while_loop" \(Loop\)/,
};

test('every exporter has files, and every name above is a file', () => {
  const exporters = new Set(cases.map(({ exporter }) => exporter));
  assert.deepEqual([...exporters].sort(), ['dynamo', 'paddle', 'tf2onnx', 'torchscript']);
  const names = new Set(cases.map(({ name }) => name));
  for (const name of [...Object.keys(refused)]) assert.ok(names.has(name), name);
});

for (const each of cases) {
  const { name, bytes } = each;
  if (refused[name]) {
    test(`${name} is refused, and the message names the node`, () =>
      assert.rejects(fromOnnx(bytes, { simd }), says(UnsupportedError, refused[name])));
    continue;
  }
  test(`${name} gives onnxruntime's answers`, async () => {
    assert.ok(checkAnswers(await fromOnnx(bytes, { simd }), each) > 0);
  });
  test(`${name}: rows of all lengths in one batch have the bits that each row has alone`, async () => {
    assert.ok(checkRagged(await fromOnnx(bytes, { simd }), each) > 1);
  });
}

test('Dropout changes nothing, and is refused if training_mode is set', async () => {
  const dropout = (/** @type {bigint} */ training) =>
    model(
      graph({
        nodes: [node('Dropout', ['x', 'ratio', 'training'], ['d']), node('Tanh', ['d'], ['y'])],
        constants: [tensor('ratio', [], Float32Array.of(0.5)), tensor('training', [], BigInt64Array.of(training))],
        inputs: [value('x', 1, ['batch', 'time', 1])],
      }),
    );
  assert.deepEqual([...(await fromOnnx(dropout(0n), { simd })).run([[[0], [100]]])[0].data], [0, 1]);
  await assert.rejects(fromOnnx(dropout(1n), { simd }), says(UnsupportedError, /\(Dropout\): training_mode is not false/));
});
