/** ONNX graphs with random weights on token ids, and the comparison of their answers with those of onnxruntime-web. */
import assert from 'node:assert/strict';
import { fromOnnx } from 'padless/import';
import { onnxGraph } from '../../web/onnx.js';
import { ort, quiet } from '../onnxruntime.js';
import { random } from '../random.js';
/** @typedef {import('../../web/onnx.js').OnnxGraph} OnnxGraph */
/** @typedef {import('../../web/onnx.js').OnnxNode} OnnxNode */
/** @typedef {import('../../web/onnx.js').Constant} Constant */

export const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
export const { normal, integer } = random();
/** Vocabulary, features, units and labels. */
export const [V, D, H, K] = [11, 6, 5, 4];

/** @param {number[]} shape @param {number} [scale] @returns {Constant} */
export const weight = (shape, scale = 0.5) => ({
  type: 'float32',
  shape,
  data: normal(
    shape.reduce((a, b) => a * b, 1),
    scale,
  ),
});
/** @param {number[]} data @param {number[]} [shape] @returns {Constant} */
export const ints = (data, shape = [data.length]) => ({ type: 'int64', shape, data });
/** @param {string} op @param {string[]} inputs @param {string[]} outputs @param {any} [attributes] @returns {OnnxNode} */
export const node = (op, inputs, outputs, attributes = {}) => ({ op, inputs, outputs, attributes });

export const embedded = [node('Gather', ['table', 'ids'], ['e'])];
export const table = { table: weight([V, D]) };
/** @param {OnnxNode[]} nodes @param {Record<string, Constant>} constants @param {string[]} [outputs] @param {Partial<OnnxGraph>} [more] @returns {OnnxGraph} */
export const onIds = (nodes, constants, outputs = ['y'], more = {}) => ({
  nodes: [...embedded, ...nodes],
  constants: { ...table, ...constants },
  inputs: { ids: 'int64' },
  shapes: { ids: ['batch', 'time'] },
  outputs,
  ...more,
});

/** Batches of different sizes and lengths. */
const sizes = [
  [1, 1],
  [1, 7],
  [3, 5],
];

/**
 * Compares padless's outputs of whole batches with those of onnxruntime, and rows of different lengths in one batch bit by bit with each row alone.
 * @param {OnnxGraph} graph @param {number} [shortest]  length of the shortest row that the model reads @param {number} [tolerance]
 */
export async function agrees(graph, shortest = 1, tolerance = 1e-5) {
  const bytes = onnxGraph(graph);
  const model = await fromOnnx(bytes, { simd });
  const session = await ort.InferenceSession.create(bytes, quiet);
  for (const [B, T] of sizes.filter(([, each]) => each >= shortest)) {
    const rows = Array.from({ length: B }, () => Array.from({ length: T }, () => integer(0, V - 1)));
    const ids = new ort.Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [B, T]);
    const expected = await session.run({ ids });
    for (const { name, data } of model.run(rows)) {
      const right = Array.from(/** @type {ArrayLike<any>} */ (expected[name].data), Number);
      assert.equal(data.length, right.length, name);
      data.forEach((value, i) =>
        assert.ok(
          Math.abs(value - right[i]) <= tolerance * Math.max(1, Math.abs(right[i])),
          `${name}[${i}] of B=${B} and T=${T} is ${value}, expected ${right[i]}`,
        ),
      );
    }
  }
  await session.release();
  const rows = [7, shortest, 4].filter((T) => T >= shortest).map((T) => Array.from({ length: T }, () => integer(0, V - 1)));
  const together = model.run(rows);
  rows.forEach((row, b) =>
    model.run([row]).forEach(({ data }, i) => {
      const size = together[i].data.length / rows.length;
      assert.deepEqual(together[i].data.slice(b * size, b * size + data.length), data);
    }),
  );
  return model;
}

/** @param {OnnxGraph} graph */
export const importing = (graph) => fromOnnx(onnxGraph(graph), { simd });
