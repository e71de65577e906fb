/** Weights in ONNX files: each data type, as a list or as bytes, in the file or in another one. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ModelFileError, PadlessError, UnsupportedError } from 'padless';
import { PbfReader } from 'pbf';
import { fromOnnx, recognise } from 'padless/import';
import { ProtobufReader } from '../../js/import/onnx/protobuf.js';
import { assertClose } from '../close.js';
import '../guarded-heap.js';
import { says } from '../says.js';
import { compared, differs, floorDivided, minus, named, plus, same, Size, times, truncated } from '../../js/import/onnx/sizes.js';
import { float16 } from '../../js/import/floats.js';
import { functionOf, graph, message, model, node, tensor, value, varint } from './onnx-writer.js';
/** @typedef {import('./onnx-writer.js').Field} Field */

const simd = /** @type {import('padless').Simd} */ (process.env.PADLESS_SIMD ?? 'auto');
const folder = mkdtempSync(join(tmpdir(), 'padless-onnx-'));
after(() => rmSync(folder, { recursive: true }));

// Every data type can represent these numbers.
const weights = [1, -2, 0.5, 3, 0, -1.5];
const whole = [1, -2, 5, 3, 0, -100];
const x = [[[1, 2], [3, 5]]]; // prettier-ignore
/** @param {number[]} w  [2, 3] */
const expected = (w) => x[0].flatMap(([a, b]) => [0, 1, 2].map((j) => a * w[j] + b * w[j + 3]));

/** y = x w. @param {Field[]} w @param {Field[][]} [nodes] @param {Field[][]} [constants] */
const product = (w, nodes = [], constants = []) =>
  model(
    graph({
      nodes: [...nodes, node('MatMul', ['x', nodes.length ? 'made' : 'w'], ['y'])],
      constants: [w, ...constants],
      inputs: [value('x', 1, ['batch', 'time', 2])],
    }),
  );
/** @param {number} type @param {Field[]} content @param {number[]} [dims] @returns {Field[]} */
const typed = (type, content, dims = [2, 3]) => [
  ...dims.map((size) => /** @type {Field} */ ([1, size])),
  [2, type],
  [8, 'w'],
  ...content,
];
const bytes = (/** @type {ArrayBufferView} */ { buffer }) => new Uint8Array(/** @type {ArrayBuffer} */ (buffer));
const upper = (/** @type {number[]} */ values) =>
  Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (bits) => bits >>> 16);
/** float16 bits of the values above. @type {Record<number, number>} */
const half = { 1: 0x3c00, '-2': 0xc000, 0.5: 0x3800, 3: 0x4200, 0: 0, '-1.5': 0xbe00 };
const halves = Uint16Array.from(weights, (each) => half[each]);

test('float32, float64, float16 and bfloat16, as bytes and as lists', async () => {
  /** @type {Record<string, Field[]>} */
  const forms = {
    float32: typed(1, [[9, bytes(Float32Array.from(weights))]]),
    'float32 in a list': typed(1, [[4, bytes(Float32Array.from(weights))]]),
    float64: typed(11, [[9, bytes(Float64Array.from(weights))]]),
    'float64 in a list': typed(11, [[10, bytes(Float64Array.from(weights))]]),
    float16: typed(10, [[9, bytes(halves)]]),
    'float16 in a list': typed(
      10,
      [...halves].map((each) => /** @type {Field} */ ([5, each])),
    ),
    bfloat16: typed(16, [[9, bytes(upper(weights))]]),
    'bfloat16 in a list': typed(
      16,
      [...upper(weights)].map((each) => /** @type {Field} */ ([5, each])),
    ),
  };
  for (const [name, w] of Object.entries(forms)) {
    const [{ shape, data }] = (await fromOnnx(product(w), { simd })).run(x);
    assert.deepEqual([shape, [...data]], [[1, 2, 3], expected(weights)], name);
  }
});

test('float16: zeros, subnormal numbers, the least and the greatest normal ones, infinities and NaN', () => {
  const bits16 = [0, 0x8000, 1, 0x8001, 0x3ff, 0x400, 0x3c00, 0xbc01, 0x7bff, 0x7c00, 0xfc00, 0x7c01, 0xfe00];
  const values = [
    0,
    -0,
    2 ** -24,
    -(2 ** -24),
    1023 * 2 ** -24,
    2 ** -14,
    1,
    -(1 + 2 ** -10),
    65504,
    Infinity,
    -Infinity,
    NaN,
    NaN,
  ];
  assert.deepEqual([...float16(Uint16Array.from(bits16))], values);
});

test('sizes are divided, bounded and compared as numbers, or for all B and T', () => {
  const [T, two] = [named('T'), times(named('T'), 2)];
  const floor = floorDivided(plus(T, 1), 2);
  assert.ok(floor instanceof Size);
  for (const [got, expected_] of /** @type {[any, any][]} */ ([
    [floorDivided(7, 2), 3],
    [floorDivided(-7, 2), -4],
    [floorDivided(8, 2), 4],
    [floorDivided(7, 0), null],
    [floorDivided(7, -2), null],
    [floorDivided(T, T), 1],
    [String(floorDivided(plus(two, 3), 2)), 'T + 1'],
    [String(floor), 'floor((T + 1)/2)'],
    [truncated(-7, 2), -3],
    [truncated(7, 2), 3],
    [truncated(5, 0), null],
    [String(truncated(two, 2)), 'T'],
    [String(truncated(plus(T, 1), 2)), 'floor((T + 1)/2)'],
    // T - 2 may be negative: rounded towards 0 it differs from the floor.
    [truncated(plus(T, -2), 2), null],
    [compared(3, 3), 0],
    [compared(2, 3), -1],
    [compared(3, 2), 1],
    [compared(T, 0), 1],
    [compared(T, 1), null],
    [compared(0, T), -1],
    [compared(plus(T, 1), plus(T, 1)), 0],
    [compared(floor, 0), null],
    [compared(plus(floor, 1), 0), 1],
    [compared(minus(T, floor), 0), null],
    [same(3, 3), true],
    [same(plus(T, 1), plus(T, 1)), true],
    [same(T, 3), false],
    [differs(2, 3), true],
    [differs(3, 2), true],
    [differs(3, 3), false],
    [differs(T, 0), true],
    [differs(T, 2), false],
  ]))
    assert.deepEqual(got, expected_);
});

test('integers and booleans of every type, as bytes and as lists', async () => {
  const all = [3, 200, 1, 0, 2, 100];
  for (const [type, raw, values] of /** @type {[number, any, number[]][]} */ ([
    [2, Uint8Array.from(all), all],
    [3, Int8Array.from(whole), whole],
    [4, Uint16Array.from(all), all],
    [5, Int16Array.from(whole), whole],
    [6, Int32Array.from(whole), whole],
    [7, BigInt64Array.from(whole, BigInt), whole],
    [9, Uint8Array.of(1, 0, 1, 1, 0, 0), [1, 0, 1, 1, 0, 0]],
    [12, Uint32Array.from(all), all],
    [13, BigUint64Array.from(all, BigInt), all],
  ])) {
    const list = values.map((each) => /** @type {Field} */ ([type === 7 ? 7 : type > 9 ? 11 : 5, each]));
    for (const content of [[/** @type {Field} */ ([9, bytes(raw)])], list]) {
      const made = await fromOnnx(product(typed(type, content), [node('Cast', ['w'], ['made'], { to: 1 })]), { simd });
      assert.deepEqual([...made.run(x)[0].data], expected(values), `type ${type}`);
    }
  }
});

test('a constant that repeats one value is expanded where its shape is fixed, and refused where that depends on the input', async () => {
  const [two, sizes] = [tensor('two', [1], Float32Array.of(2)), tensor('sizes', [2], BigInt64Array.of(2n, 3n))];
  const ofShape = (/** @type {string} */ of) => node('ConstantOfShape', [of], ['c'], { value: { t: two } });
  const unused = typed(1, [[9, new Uint8Array(24)]]);
  const whole_ = await fromOnnx(product(unused, [ofShape('sizes'), node('Identity', ['c'], ['made'])], [sizes]), { simd });
  assert.deepEqual([...whole_.run(x)[0].data], expected(Array(6).fill(2)));
  const open = model(
    graph({
      nodes: [node('Shape', ['x'], ['s']), ofShape('s'), node('Concat', ['x', 'c'], ['y'], { axis: 2 })],
      inputs: [value('x', 1, ['batch', 'time', 2])],
    }),
  );
  await assert.rejects(
    fromOnnx(open, { simd }),
    says(UnsupportedError, /a constant of shape \[B,T,2\], which depends on the input; padless needs a fixed shape$/),
  );
});

test('a product of two constants is computed at import', async () => {
  const made = [node('MatMul', ['a', 'w'], ['made'])];
  const file = product(typed(1, [[9, bytes(Float32Array.from(weights))]]), made, [
    tensor('a', [2, 2], Float32Array.of(1, 2, 3, 4)),
  ]);
  const [top, bottom] = [weights.slice(0, 3), weights.slice(3)];
  const both = [[1, 2], [3, 4]].flatMap(([p, q]) => top.map((each, i) => p * each + q * bottom[i])); // prettier-ignore
  const [{ data }] = (await fromOnnx(file, { simd })).run(x);
  assert.deepEqual([...data], expected(both));
});

test('other encodings of the same message are read: packed and repeated fields, the default domain by its name', async () => {
  const two = [Float32Array.from(weights.slice(0, 2)), Float32Array.from(weights.slice(2))].map(bytes);
  const packedDims = /** @type {Field} */ ([1, Uint8Array.of(2, 3)]);
  for (const w of /** @type {Field[][]} */ ([
    [packedDims, [2, 1], [8, 'w'], [9, bytes(Float32Array.from(weights))]],
    typed(1, two.map((part) => [4, part])), // prettier-ignore
  ])) {
    const [{ data }] = (await fromOnnx(product(w), { simd })).run(x);
    assert.deepEqual([...data], expected(weights));
  }
  const reader = new ProtobufReader(PbfReader, 'a.onnx');
  const read = (/** @type {Field[]} */ fields) => reader.attribute(message(fields), 0).value;
  assert.deepEqual(read([[7, bytes(Float32Array.of(1, 2))], [20, 6]]), [1, 2]); // prettier-ignore
  assert.deepEqual(read([[10, tensor('t', [1], Float32Array.of(1))], [20, 9]])[0].dims, [1]); // prettier-ignore
  assert.deepEqual(read([[8, 5], [8, 6]]), [5, 6]); // prettier-ignore
  // More numbers than a call has arguments.
  assert.equal(read([[7, new Uint8Array(4 * 300_000)], [20, 6]]).length, 300_000); // prettier-ignore
  assert.equal(reader.size(message([[2, '']])), null);
  assert.equal(reader.node(message([[7, 'ai.onnx']]), 0).domain, '');
  assert.equal(reader.graph(message([[15, []]])).sparse, true);
  const made = reader.function(message([[9, [[1, 'own'], [2, 3]]], [11, [[1, 'a'], [3, 7]]]])); // prettier-ignore
  assert.deepEqual([[...made.opsets], made.attributes], [[['own', 3]], { a: 7 }]);
  // A float (wire type 5) in place of an integer.
  assert.throws(
    () => reader.tensor(Uint8Array.of(0x0d, 0, 0, 0, 0)),
    says(ModelFileError, /a field is a float, expected an integer/),
  );
  assert.throws(
    () => reader.node(Uint8Array.of(0x18, ...varint(5)), 0),
    says(ModelFileError, /a field is a number, expected text/),
  );
});

test('a number in place of bytes, and bytes in place of a number, are refused before they are used', async () => {
  const input = (/** @type {Field[]} */ type) => [/** @type {Field} */ ([1, 'x']), /** @type {Field} */ ([2, [[1, type]]])];
  const reading = (/** @type {Field[]} */ of) => model(graph({ nodes: [node('Tanh', ['x'], ['y'])], inputs: [of] }));
  const softmax = (/** @type {Field[]} */ content) =>
    model(graph({ nodes: [[[1, 'x'], [2, 'y'], [4, 'Softmax'], [5, [[1, 'axis'], ...content]]]], inputs: [value('x', 1, ['B', 3])] })); // prettier-ignore
  const twenty = new Uint8Array(24);
  const integer = /a field is text or a float, expected an integer$/;
  for (const [file, message_] of /** @type {[Uint8Array, RegExp][]} */ ([
    [message([[7, 2 ** 40]]), /a field is a number, expected a message$/],
    [message([[7, [[5, 1]]]]), /a field is a number, expected a message$/],
    [product(typed(1, [[4, 5]])), /a field is a number, expected a list of numbers$/],
    [product(typed(1, [[4, new Uint8Array(6)]])), /a list ends inside a number$/],
    [product(typed(11, [[10, new Uint8Array(12)]])), /a list ends inside a number$/],
    [product(typed(1, [[9, 0]])), /a field is a number, expected bytes$/],
    [product([[1, 2], [1, 3], [2, Uint8Array.of(1)], [8, 'w'], [9, twenty]]), integer], // prettier-ignore
    [reading(input([[1, Uint8Array.of(1)], [2, [[1, [[1, 3]]]]]])), integer], // prettier-ignore
    [reading(input([[1, 1], [2, [[1, [[1, Uint8Array.of(3)]]]]]])), integer], // prettier-ignore
    [softmax([[3, Uint8Array.of(1)], [20, 2]]), integer], // prettier-ignore
    [softmax([[3, 1], [20, Uint8Array.of(2)]]), integer], // prettier-ignore
    [message([[7, graph({ nodes: [] })], [8, [[2, Uint8Array.of(17)]]]]), integer], // prettier-ignore
  ]))
    await assert.rejects(fromOnnx(file, { simd }), says(ModelFileError, message_), String(message_));
});

/** True if some weight of a model is int8. @param {import('padless').Model} of */
const isInt8 = (of) =>
  of.root
    .all()
    .some((layer) => [...layer.weights.values()].some((weight) => /** @type {any} */ (weight).int8 instanceof Int8Array));

test('int8 weights with DequantizeLinear stay int8, with one scale and with one per column', async () => {
  const w = typed(3, [[9, bytes(Int8Array.from(whole))]]);
  const zero = typed(3, [[9, bytes(Int8Array.of(2))]], []).map(
    ([number, content]) => /** @type {Field} */ ([number, number === 8 ? 'zero' : content]),
  );
  const one = product(
    w,
    [node('DequantizeLinear', ['w', 'scale', 'zero'], ['made'])],
    [tensor('scale', [], Float32Array.of(0.5)), zero],
  );
  /** The tolerance allows for inputs of int8 products, which are rounded to 16 bits. @param {Uint8Array} file @param {number[]} values  of the weights @param {boolean} stays  int8 */
  const check = async (file, values, stays) => {
    const made = await fromOnnx(file, { simd });
    assertClose(made.run(x)[0].data, expected(values), { unit: 1e-4 });
    assert.equal(isInt8(made), stays);
  };
  await check(
    one,
    whole.map((each) => (each - 2) * 0.5),
    true,
  );
  const scales = [0.5, 2, 0.25];
  const each = product(
    w,
    [node('DequantizeLinear', ['w', 'scale'], ['made'], { axis: 1 })],
    [tensor('scale', [3], Float32Array.from(scales))],
  );
  await check(
    each,
    whole.map((value_, i) => value_ * scales[i % 3]),
    true,
  );
  // padless's int8 weights have no scale per row and no -128: such weights become float32.
  const [K, N] = [whole.length / 3, 3];
  const rows = Array.from({ length: K }, (_, k) => 0.5 + k);
  await check(
    product(w, [node('DequantizeLinear', ['w', 'scale'], ['made'], { axis: 0 })], [tensor('scale', [K], Float32Array.from(rows))]),
    whole.map((value_, i) => value_ * rows[Math.floor(i / N)]),
    false,
  );
  const least = [-128, ...whole.slice(1)];
  await check(
    product(
      typed(3, [[9, bytes(Int8Array.from(least))]]),
      [node('DequantizeLinear', ['w', 'scale'], ['made'])],
      [tensor('scale', [], Float32Array.of(0.5))],
    ),
    least.map((value_) => value_ * 0.5),
    false,
  );
});

test('sparse weights are refused', async () => {
  const sparse = [
    ...graph({ nodes: [node('Tanh', ['x'], ['y'])], inputs: [value('x', 1, ['B', 2])] }),
    /** @type {Field} */ ([15, []]),
  ];
  await assert.rejects(fromOnnx(model(sparse), { simd }), says(UnsupportedError, /weights are sparse tensors/));
});

test('unsupported data types and tensors of the wrong size are refused, and the message names the tensor', async () => {
  const refused = (/** @type {Field[]} */ w, /** @type {RegExp} */ words, /** @type {any} */ Class) =>
    assert.rejects(fromOnnx(product(w), { simd }), says(Class, words));
  // TensorProto.DataType in onnx.proto
  const names = { 0: 'undefined', 8: 'string', 14: 'complex64', 15: 'complex128', 17: 'float8e4m3fn', 18: 'float8e4m3fnuz' };
  const more = { 19: 'float8e5m2', 20: 'float8e5m2fnuz', 21: 'uint4', 22: 'int4', 23: 'float4e2m1', 99: '99' };
  for (const [type, name] of Object.entries({ ...names, ...more })) {
    const words = new RegExp(`"w": data type ${name}; padless reads float, `);
    await refused(typed(Number(type), [[9, new Uint8Array(24)]]), words, UnsupportedError);
  }
  await refused(typed(1, [[9, new Uint8Array(20)]]), /"w".*20 bytes|"w".*5/, ModelFileError);
  await refused(typed(1, [[4, new Uint8Array(28)]]), /"w"/, ModelFileError);
  await refused(typed(10, [[9, new Uint8Array(7)]]), /"w"/, ModelFileError);
});

test('weights in other files are read by path, among files and at an offset; missing, short and outside files are refused', async () => {
  /** @param {Record<string, string>} entries */
  const external = (entries) =>
    typed(1, [
      ...Object.entries(entries).map(([key, content]) => /** @type {Field} */ ([13, [[1, key], [2, content]]])), // prettier-ignore
      [14, 1],
    ]);
  const data = new Uint8Array(8 + 24);
  data.set(bytes(Float32Array.from(weights)), 8);
  const file = product(external({ location: 'w.data', offset: '8', length: '24' }));
  writeFileSync(join(folder, 'model.onnx'), file);
  writeFileSync(join(folder, 'w.data'), data);
  for (const source of [join(folder, 'model.onnx'), { 'model.onnx': file, 'w.data': data }])
    assert.deepEqual([...(await fromOnnx(source, { simd })).run(x)[0].data], expected(weights));
  const found = await recognise({ 'model.onnx': file, 'w.data': data });
  assert.deepEqual([...((await found?.read({ simd }))?.run(x)[0].data ?? [])], expected(weights));
  await assert.rejects(fromOnnx({ 'model.onnx': file }, { simd }), says(PadlessError, /w\.data/));
  await assert.rejects(
    fromOnnx({ 'model.onnx': file, 'w.data': data.subarray(0, 20) }, { simd }),
    says(ModelFileError, /"w".*w\.data/),
  );
  // The weight of a Constant in a function and in a branch, and one up to the end of the file.
  const constant = node('Constant', [], ['c'], { value: { t: external({ location: 'w.data', offset: '8' }) } });
  const called = model(graph({ nodes: [node('f', ['x'], ['y'], {}, 'own')], inputs: [value('x', 1, ['batch', 'time', 2])] }), {
    functions: [functionOf('f', [constant, node('MatMul', ['x', 'c'], ['y'])])],
    domains: ['own'],
  });
  assert.deepEqual([...(await fromOnnx({ 'model.onnx': called, 'w.data': data }, { simd })).run(x)[0].data], expected(weights));
  const branch = graph({ nodes: [constant], outputs: ['c'] });
  const yes = typed(9, [[9, Uint8Array.of(1)]], []);
  const decided = product(yes, [node('If', ['w'], ['made'], { then_branch: { g: branch }, else_branch: { g: branch } })]);
  assert.deepEqual([...(await fromOnnx({ 'model.onnx': decided, 'w.data': data }, { simd })).run(x)[0].data], expected(weights));
  const rest = product(external({ location: 'w.data', offset: '8' }));
  assert.deepEqual([...(await fromOnnx({ 'model.onnx': rest, 'w.data': data }, { simd })).run(x)[0].data], expected(weights));
  for (const [entries, message_] of /** @type {[Record<string, string>, RegExp][]} */ ([
    [{ location: 'missing.data' }, /missing\.data is missing; given are model\.onnx, w\.data$/],
    [{ location: '' }, /the tensor "w" is stored in another file, which it does not name$/],
    [{}, /the tensor "w" is stored in another file, which it does not name$/],
    ...['1.5', '-8', '0x8', '8e0', '', 'x'].map((offset) => [
      { location: 'w.data', offset },
      new RegExp(`"w": offset "${offset}" and length "24" in w\\.data, expected numbers of bytes$`),
    ]),
    [{ location: 'w.data', length: '-1' }, /offset "0" and length "-1" in w\.data/],
    [{ location: 'w.data', offset: '9' }, /"w": needs 24 bytes from byte 9 on of w\.data, which has 32 bytes$/],
    [{ location: 'w.data', offset: '9007199254740993' }, /"w": needs 24 bytes from byte 9007199254740992 on of w\.data/],
    [{ location: 'w.data', length: '8' }, /"w": 8 bytes of float, expected 24 for \[2,3\]$/],
  ]))
    await assert.rejects(
      fromOnnx({ 'model.onnx': product(external(entries)), 'w.data': data }, { simd }),
      says(PadlessError, message_),
      JSON.stringify(entries),
    );
  for (const location of ['../w.data', '/etc/passwd', 'a/../../w.data', 'file:///etc/passwd', '..\\w.data']) {
    writeFileSync(join(folder, 'other.onnx'), product(external({ location })));
    await assert.rejects(fromOnnx(join(folder, 'other.onnx'), { simd }), says(ModelFileError, /which is outside of its folder/));
  }
});
