/**
 * The standard's own tests of single nodes, for the operators that text models have. The Python package onnx contains them; nothing of it is copied
 * here. `make fuzz-onnx` installs it in build/fuzz/onnx; ONNX_NODES names another folder with these tests (onnx/backend/test/data/node).
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PbfReader } from 'pbf';
import { PadlessError } from 'padless';
import { fromOnnx } from 'padless/import';
import { assertClose } from '../close.js';
import '../guarded-heap.js';
import { message } from './onnx-writer.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** The folder of the tests in build/fuzz/onnx/lib/python3.N. */
const library = join(root, 'build/fuzz/onnx/lib');
const [version = ''] = existsSync(library) ? readdirSync(library) : [];
const folder = process.env.ONNX_NODES ?? join(library, version, 'site-packages/onnx/backend/test/data/node');
const skip = existsSync(folder) ? false : 'the Python package onnx is not installed: make fuzz-onnx installs it in build/fuzz/onnx';

/** The fields of a message. @param {Uint8Array} bytes @returns {[number, any][]} */
function fieldsOf(bytes) {
  /** @type {[number, any][]} */
  const fields = [];
  const pbf = new PbfReader(bytes);
  pbf.readFields((tag) => {
    const type = /** @type {any} */ (pbf).type;
    fields.push([tag, type === 2 ? pbf.readBytes() : type === 5 ? pbf.readFloat() : pbf.readVarint(true)]);
  }, null);
  return fields;
}

const text = new TextDecoder();
/** @param {[number, any][]} fields @param {number} number */
const all = (fields, number) => fields.filter(([each]) => each === number).map(([, content]) => content);
/** @param {Uint8Array} info  ValueInfoProto, NodeProto, TensorProto @param {number} number */
const nameOf = (info, number) => text.decode(all(fieldsOf(info), number)[0] ?? new Uint8Array(0));

/** A TensorProto as the tests store it. @param {string} file @returns {{ type: number, shape: number[], data: Float64Array, fields: [number, any][] }} */
function tensorIn(file) {
  const fields = fieldsOf(new Uint8Array(readFileSync(file)));
  const [type] = all(fields, 2);
  const raw = all(fields, 9)[0]?.slice().buffer ?? new ArrayBuffer(0);
  const Class = /** @type {Record<number, any>} */ ({
    1: Float32Array,
    2: Uint8Array,
    3: Int8Array,
    4: Uint16Array,
    5: Int16Array,
    6: Int32Array,
    7: BigInt64Array,
    9: Uint8Array,
    11: Float64Array,
    12: Uint32Array,
    13: BigUint64Array,
  })[type];
  const packed = all(fields, 1).flatMap((each) => (each instanceof Uint8Array ? varints(each) : [each]));
  return { type, shape: packed, data: Class ? Float64Array.from(new Class(raw), Number) : new Float64Array(0), fields };
}
/** @param {Uint8Array} bytes */
const varints = (bytes) => {
  const pbf = new PbfReader(bytes);
  const values = [];
  while (pbf.pos < bytes.length) values.push(pbf.readVarint(true));
  return values;
};

/** A tensor as nested lists. @param {ArrayLike<number>} data @param {number[]} shape @returns {any} */
function nested(data, [size, ...inner]) {
  const width = inner.reduce((a, b) => a * b, 1);
  const flat = Array.from(data);
  return Array.from({ length: size }, (_, i) => (inner.length ? nested(flat.slice(i * width, (i + 1) * width), inner) : flat[i]));
}

/** The tensor with an axis moved to the front. @param {{ shape: number[], data: Float64Array }} tensor @param {number} axis */
function axisFirst({ shape, data }, axis) {
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const size = shape[axis] ?? 1;
  const moved = Float64Array.from(data, (_, i) => {
    const [b, o, k] = [Math.floor(i / (outer * inner)), Math.floor(i / inner) % outer, i % inner];
    return data[(o * size + b) * inner + k];
  });
  return { shape: [size, ...shape.slice(0, axis), ...shape.slice(axis + 1)], data: moved };
}

/** Operators of which only the first output is compared, because models do not read the others. */
const onlyFirst = ['LayerNormalization', 'MaxPool', 'Dropout'];

/** Operators whose first input is a table and whose second input is the data. */
const readsSecond = ['Gather'];

/**
 * A test's model with all inputs as weights, except those in `keep`. The standard's tests give weights as inputs.
 * @param {string} path @param {string} op @param {number[]} keep  the inputs that stay @returns {Uint8Array}
 */
function withWeights(path, op, keep) {
  const model = fieldsOf(new Uint8Array(readFileSync(join(path, 'model.onnx'))));
  const [graph] = all(model, 7);
  const fields = fieldsOf(graph);
  const names = all(fields, 11).map((info) => nameOf(info, 1));
  const weights = names.flatMap((name, i) => {
    const file = join(path, 'test_data_set_0', `input_${i}.pb`);
    if (keep.includes(i) || !existsSync(file)) return [];
    const tensor = tensorIn(file).fields.filter(([number]) => number !== 8);
    return [/** @type {[number, any]} */ ([5, [...tensor, [8, name]]])];
  });
  const outputs = all(fields, 12).slice(0, onlyFirst.includes(op) ? 1 : undefined);
  const others = fields.filter(([number]) => number !== 12);
  const given = outputs.map((info) => /** @type {[number, any]} */ ([12, info]));
  return message([...model.filter(([number]) => number !== 7), [7, [...others, ...given, ...weights]]]);
}

/** Throws unless an answer has the expected values for some choice of the batch axis. @param {any} output @param {any} expected @param {string} what */
function same(output, expected, what) {
  const squeezed = (/** @type {number[]} */ shape) => shape.filter((size) => size !== 1).join();
  /** @type {any} */
  let failed = new Error(`${what}: shape [${output.shape}], expected [${expected.shape}] with the batch first`);
  for (let axis = 0; axis < Math.max(1, expected.shape.length); axis++) {
    const moved = axisFirst(expected, axis);
    if (squeezed(moved.shape) !== squeezed(output.shape)) continue;
    try {
      // Equal infinities and NaN are not compared by their difference.
      const counts = (/** @type {number} */ i) => Number.isFinite(moved.data[i]) || !Object.is(output.data[i], moved.data[i]);
      return void assertClose(output.data, moved.data, { unit: 1e-5, what, counts });
    } catch (error) {
      failed = error;
    }
  }
  throw failed;
}

/** The inputs that stay inputs: the data alone, or all tensors of its shape. @param {string} path @param {string} op @param {any[]} inputs @returns {number[][]} */
function keptInputs(path, op, inputs) {
  const first = readsSecond.includes(op) ? 1 : 0;
  const alike = inputs.flatMap(({ shape, data }, i) => (data.length && shape.join() === inputs[0].shape.join() ? [i] : []));
  return alike.length > 1 ? [[first], alike] : [[first]];
}

/** @param {string} path @param {string} op @returns {Promise<'equal' | 'refused'>} */
async function run(path, op) {
  const fields = fieldsOf(new Uint8Array(readFileSync(join(path, 'model.onnx'))));
  const graph = fieldsOf(all(fields, 7)[0]);
  const names = all(graph, 11).map((info) => nameOf(info, 1));
  const fileOf = (/** @type {number} */ i) => join(path, 'test_data_set_0', `input_${i}.pb`);
  const inputs = names.map((_, i) =>
    existsSync(fileOf(i)) ? tensorIn(fileOf(i)) : { type: 0, shape: [], data: new Float64Array(0) },
  );
  const outputs = all(graph, 12)
    .slice(0, onlyFirst.includes(op) ? 1 : undefined)
    .map((_, i) => tensorIn(join(path, 'test_data_set_0', `output_${i}.pb`)));
  if (inputs[0].data.length === 0 || outputs.some(({ data }) => data.length === 0)) return 'refused';
  for (const keep of keptInputs(path, op, inputs)) {
    /** @type {any} */
    let model;
    try {
      model = await fromOnnx(withWeights(path, op, keep), { simd: 'baseline' });
    } catch (error) {
      if (error instanceof PadlessError) {
        if (process.env.VERBOSE) console.log(`${path.split('/').pop()}: ${error.message}`);
        continue;
      }
      throw error;
    }
    const failed = [];
    // The importer decides which axis of the input is the batch: try each.
    for (const axis of inputs[keep[0]].shape.keys()) {
      const rows = Object.fromEntries(
        keep.map((i) => {
          const { shape, data } = axisFirst(inputs[i], axis);
          // An axis of size 1 before the batch is removed.
          const row = shape.slice(1);
          const sizes = axis > 0 && row[0] === 1 ? [shape[0], ...row.slice(1)] : shape;
          return [names[i], nested(data, sizes.length === 1 ? [...sizes, 1] : sizes)];
        }),
      );
      try {
        const answers = model.run(keep.length > 1 ? rows : rows[names[keep[0]]]);
        answers.forEach((/** @type {any} */ each, /** @type {number} */ i) => same(each, outputs[i], `output ${i}`));
        return 'equal';
      } catch (error) {
        failed.push(/** @type {any} */ (error).message);
      }
    }
    throw new Error(failed.join('; '));
  }
  return 'refused';
}

/** Tests whose model is read but throws when it runs: negative ids count from the end in ONNX, and are an error in padless. */
const known = ['test_gather_negative_indices'];

/** For each operator, the minimum number of its tests that must be equal. */
const operators = /** @type {Record<string, number>} */ ({
  LSTM: 3,
  GRU: 4,
  RNN: 4,
  Gemm: 10,
  Softmax: 7,
  LogSoftmax: 7,
  Pow: 10,
  Hardmax: 7,
  Concat: 10,
  Pad: 6,
});

test("models of the standard's tests of single nodes give its answers or are refused", { skip }, async () => {
  /** @type {Record<string, { equal: number, refused: number, wrong: string[] }>} */
  const counts = {};
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (!existsSync(join(path, 'test_data_set_0', 'input_0.pb'))) continue;
    const [graph] = all(fieldsOf(new Uint8Array(readFileSync(join(path, 'model.onnx')))), 7);
    const nodes = all(fieldsOf(graph), 1);
    const op = nameOf(nodes[0], 4);
    if (nodes.length !== 1) continue;
    counts[op] ??= { equal: 0, refused: 0, wrong: [] };
    try {
      counts[op][await run(path, op)]++;
    } catch (error) {
      if (!known.includes(name)) counts[op].wrong.push(`${name}: ${/** @type {any} */ (error).message}`);
    }
  }
  const sum = (/** @type {'equal' | 'refused'} */ key) => Object.values(counts).reduce((total, each) => total + each[key], 0);
  console.log(`${sum('equal')} tests are equal, ${sum('refused')} refused`);
  if (process.env.VERBOSE)
    console.log(
      Object.entries(counts)
        .map(([op, { equal, refused }]) => `${op} ${equal}/${equal + refused}`)
        .join(', '),
    );
  assert.deepEqual(
    Object.values(counts).flatMap(({ wrong }) => wrong),
    [],
  );
  for (const [op, least] of Object.entries(operators))
    assert.ok(counts[op].equal >= least, `${op}: ${counts[op].equal} tests are equal`);
});
