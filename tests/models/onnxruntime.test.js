/**
 * The aligned bidirectional RNN compared with onnxruntime-web on random weights and batches of several lengths (`sequence_lens`).
 * ONNX reverses each row within its own length, as padless does, and allows padding only at the end.
 * PADLESS_SEED sets the seed of the random data, which is printed.
 */
import { test } from 'node:test';
import { init } from 'padless';
import { assertClose } from '../close.js';
import { gateOrders, onnxGraph, onnxRnn, operators } from '../../web/onnx.js';
import { ort } from '../onnxruntime.js';
import { random } from '../random.js';

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const { seed, integer, normal } = random();

/**
 * Random weights of one direction, in the layouts of Keras and of ONNX.
 * @param {keyof typeof operators} cell @param {boolean} resetAfter @param {number} D @param {number} H
 */
function direction(cell, resetAfter, D, H) {
  const width = gateOrders[cell].length * H;
  const kernel = { shape: [D, width], data: normal(D * width, Math.sqrt(2 / (D + H))) };
  const recurrentKernel = { shape: [H, width], data: normal(H * width, Math.sqrt(1 / H)) };
  const biases = resetAfter ? 2 : 1;
  const bias = { shape: resetAfter ? [2, width] : [width], data: normal(biases * width, 0.3) };
  const onnx = onnxRnn(cell, { kernel: kernel.data, recurrent: recurrentKernel.data, bias: bias.data }, D, H);
  return { weights: { cell, kernel, recurrentKernel, bias, resetAfter }, onnx };
}

/** @type {{ title: string, cell: keyof typeof operators, resetAfter?: boolean }[]} */
const cells = [
  { title: 'SimpleRNN', cell: 'SimpleRNN' },
  { title: 'GRU with the reset gate before the product', cell: 'GRU', resetAfter: false },
  { title: 'GRU with the reset gate after the product', cell: 'GRU', resetAfter: true },
  { title: 'LSTM', cell: 'LSTM' },
];

for (const { title, cell, resetAfter = false } of cells) {
  test(`bidirectional ${title} agrees with onnxruntime on rows of different lengths`, async () => {
    const pl = await init({ simd });
    for (const H of [1, 5, 8, integer(2, 40)]) {
      const [D, B, T] = [integer(1, 20), integer(1, 6), integer(2, 15)];
      const lengths = Int32Array.from({ length: B }, () => integer(1, T));
      const [forward, backward] = [direction(cell, resetAfter, D, H), direction(cell, resetAfter, D, H)];
      const x = { shape: [B, T, D], data: normal(B * T * D, 1) };

      const states = cell === 'LSTM' ? ['Y_h', 'Y_c'] : ['Y_h'];
      const inputs = /** @type {const} */ ({ X: 'float32', W: 'float32', R: 'float32', B: 'float32', sequence_lens: 'int32' });
      const outputs = ['Y', ...states];
      const reset = cell === 'GRU' ? { linear_before_reset: Number(resetAfter) } : {};
      const attributes = { direction: 'bidirectional', hidden_size: H, ...reset };
      const node = { op: operators[cell], inputs: Object.keys(inputs), outputs, attributes };
      const bytes = onnxGraph({ nodes: [node], inputs, outputs });
      const session = await ort.InferenceSession.create(bytes);
      const G = gateOrders[cell].length;
      /** @param {'W' | 'R' | 'B'} name @param {number[]} shape */
      const both = (name, shape) =>
        new ort.Tensor('float32', Float32Array.of(...forward.onnx[name], ...backward.onnx[name]), shape);
      const timeMajor = Float32Array.from(x.data, (_, i) => {
        const [t, b, d] = [Math.floor(i / (B * D)), Math.floor(i / D) % B, i % D];
        return x.data[(b * T + t) * D + d];
      });
      const expected = await session.run({
        X: new ort.Tensor('float32', timeMajor, [T, B, D]),
        W: both('W', [2, G * H, D]),
        R: both('R', [2, G * H, H]),
        B: both('B', [2, 2 * G * H]),
        sequence_lens: new ort.Tensor('int32', lengths, [B]),
      });
      await session.release();

      const got = pl.bidirectional(x, { forward: forward.weights, backward: backward.weights, mask: { lengths } });
      // Y [T, 2, B, H] -> [B, T, 2H]
      const Y = /** @type {Float32Array} */ (expected.Y.data);
      const sequence = Float32Array.from({ length: B * T * 2 * H }, (_, i) => {
        const [b, t, side, h] = [Math.floor(i / (T * 2 * H)), Math.floor(i / (2 * H)) % T, Math.floor(i / H) % 2, i % H];
        return Y[((t * 2 + side) * B + b) * H + h];
      });
      const shape = `B=${B} T=${T} D=${D} H=${H} lengths=${lengths} (PADLESS_SEED=${seed})`;
      assertClose(got.sequence.data, sequence, { unit: 1e-5, what: `sequence, ${shape}` });
      got.states.forEach((state, side) => {
        /** @param {string} name */
        const of = (name) => /** @type {Float32Array} */ (expected[name].data).subarray(side * B * H, (side + 1) * B * H);
        assertClose(state.h.data, of('Y_h'), { unit: 1e-5, what: `state h ${side}, ${shape}` });
        if (state.c) assertClose(state.c.data, of('Y_c'), { unit: 1e-5, what: `state c ${side}, ${shape}` });
      });
    }
  });
}
