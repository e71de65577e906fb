/** Safetensors files: correct files are read, others are refused with a message that names the fault. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArgumentError, init, loadModel, ModelFileError, PadlessError, UnsupportedError } from 'padless';
import { Int8Weight, readInt8 } from '../../js/file/int8-weights.js';
import { float32, parse, serialize } from '../../js/file/safetensors.js';
import { says } from '../says.js';

const simd = process.env.PADLESS_SIMD ?? 'auto';
const bytesOf = (...values) => new Uint8Array(Float32Array.from(values).buffer);

/** A model of ids: Embedding -> MaskedMean -> Dense. */
function smallModel(change = () => {}) {
  const parts = {
    settings: {
      format: 1,
      keras_version: '3.15.1',
      architecture: {
        class_name: 'Sequential',
        config: {
          name: 'small',
          layers: [
            { class_name: 'Embedding', config: { name: 'embedding', input_dim: 3, output_dim: 1, mask_zero: true } },
            { class_name: 'padless>MaskedMean', config: { name: 'mean' } },
            { class_name: 'Dense', config: { name: 'dense', units: 2, activation: 'linear' } },
          ],
        },
      },
      outputs: [{ name: 'out', kind: 'class', labels: ['a', 'b'] }],
    },
    tensors: new Map([
      ['embedding.embeddings', { dtype: 'F32', shape: [3, 1], data: bytesOf(9, 1, 2) }],
      ['dense.kernel', { dtype: 'F32', shape: [1, 2], data: bytesOf(1, -1) }],
      ['dense.bias', { dtype: 'F32', shape: [2], data: bytesOf(0.5, 0) }],
    ]),
  };
  change(parts);
  return serialize({ metadata: { padless: JSON.stringify(parts.settings) }, tensors: parts.tensors });
}

/** @param {any} header @param {number} dataBytes */
function file(header, dataBytes = 0) {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

test('a model file is loaded, run, saved and loaded again', async () => {
  const bytes = smallModel();
  const model = await loadModel(bytes, { simd });
  assert.deepEqual([model.fileBytes, model.parameters], [bytes.length, 7]);
  assert.deepEqual([...model.run([[1, 2, 0], [2]])[0].data], [2, -1.5, 2.5, -2]);
  const again = await loadModel(model.save(), { simd });
  assert.deepEqual([...again.run([[1, 2, 0], [2]])[0].data], [2, -1.5, 2.5, -2]);
});

test('a file cut short at any length is refused', async () => {
  const whole = smallModel();
  for (let length = 0; length < whole.length; length++)
    assert.throws(() => parse(whole.subarray(0, length)), ModelFileError, `${length} bytes`);
  await assert.rejects(loadModel(whole.slice(0, -1), { simd }), ModelFileError);
});

test('a file with any one byte of its header changed loads or is refused with a PadlessError', async () => {
  const whole = smallModel();
  const length = Number(new DataView(whole.buffer).getBigUint64(0, true));
  for (let at = 0; at < 8 + length; at += 3) {
    const changed = whole.slice();
    changed[at] ^= 1 << (at % 7);
    try {
      await loadModel(changed, { simd });
    } catch (error) {
      assert.ok(error instanceof PadlessError, `byte ${at}: ${error.stack}`);
    }
  }
});

test('invalid headers are refused, and the message has the tensor, the found and the expected value', () => {
  const f32 = (shape, begin, end) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
  const bad = [
    [file({ a: f32([2], 0, 8) }, 4), /a ends at byte 8, the file has 4/],
    [file({ a: f32([2], 0, 4) }, 4), /a is F32 \[2\], which needs 8 bytes; its offsets span 4/],
    [file({ a: f32([1], 0, 4), b: f32([1], 2, 6) }, 6), /b begins at byte 2, expected 4/],
    [file({ a: f32([1], 4, 8) }, 8), /a begins at byte 4, expected 0/],
    [file({ a: f32([1], 0, 4) }, 8), /end at byte 4, the file has 8/],
    [file({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4), /needs more/],
    [file({ a: f32([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 0], 0, 0) }), /more than 2\^53 bytes; its offsets span 0/],
    [file(`{"a":{"dtype":"F32","data_offsets":[0,4],"shape":${'['.repeat(900)}${']'.repeat(900)}}}`, 4), /shape \[{80}, expected/],
    [file(`{"a":{"dtype":"F32","data_offsets":[0,4],"shape":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`, 4), /or 1000 levels/],
    [file('{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}}', 4), /key "dtype" twice/],
    [file('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"\\u0061":1}', 4), /key "a" twice/],
    [file('\ufeff{}'), /not JSON/],
    [file({ __metadata__: ['a'] }), /__metadata__/],
    [file({ a: f32([-1], 0, 4) }, 4), /shape \[-1\]/],
    [file({ a: { dtype: 'F31', shape: [], data_offsets: [0, 4] } }, 4), /dtype "F31"/],
    [file({ a: { dtype: 'F32', shape: [1], data_offsets: [4, 0] } }, 4), /data_offsets \[4,0\]/],
    [file({ a: null }, 0), /a has dtype undefined/],
    [file({ __metadata__: { a: 1 } }), /__metadata__/],
    [file('[]'), /not a JSON object/],
    [file('{'), /not JSON/],
  ];
  for (const [bytes, message] of bad) assert.throws(() => parse(bytes), says(ModelFileError, message), String(message));
  const huge = file({});
  new DataView(huge.buffer).setBigUint64(0, 2n ** 63n, true);
  assert.throws(() => parse(huge), /at most 100000000/);
});

test('empty tensors may be at any offset, and values need not be aligned', () => {
  for (const n of [1, 2, 3, 4]) {
    const header = {
      a: { dtype: 'U8', shape: [n], data_offsets: [0, n] },
      c: { dtype: 'F32', shape: [1], data_offsets: [n, n + 4] },
      b: { dtype: 'F32', shape: [0], data_offsets: [n, n] },
    };
    const c = parse(file(header, n + 4)).tensors.get('c');
    c.data.set(bytesOf(-2.5));
    assert.deepEqual([...float32(c, 'c')], [-2.5], `at byte ${n}`);
  }
});

test('the bytes of a tensor are compared with the size of its type', () => {
  const types = {
    1: ['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'],
    2: ['I16', 'U16', 'F16', 'BF16'],
    4: ['I32', 'U32', 'F32'],
    8: ['F64', 'I64', 'U64', 'C64'],
  };
  for (const [size, names] of Object.entries(types))
    for (const dtype of names) {
      const of = (/** @type {number} */ bytes) => parse(file({ x: { dtype, shape: [3], data_offsets: [0, bytes] } }, bytes));
      assert.equal(of(3 * Number(size)).tensors.get('x')?.data.length, 3 * Number(size));
      assert.throws(
        () => of(3 * Number(size) + 1),
        says(
          ModelFileError,
          new RegExp(`x is ${dtype} \\[3\\], which needs ${3 * Number(size)} bytes; its offsets span ${3 * Number(size) + 1}`),
        ),
        dtype,
      );
    }
});

test('quotes, backslashes, brackets and colons inside JSON strings are not read as structure', () => {
  const metadata = { 'a"\\': '{"a":[1,{"a":2}],"a":3}\\', b: ':"{[' };
  const tensors = new Map([['t"\\{', { dtype: 'F32', shape: [1], data: bytesOf(1) }]]);
  const read = parse(serialize({ metadata, tensors }));
  assert.deepEqual({ ...read.metadata }, metadata);
  assert.deepEqual([...read.tensors.keys()], ['t"\\{']);
  // All strings of at most five of these characters, before and after a colon.
  const digits = (/** @type {number} */ n, /** @type {number} */ i) =>
    Array.from({ length: n }, (_, k) => Math.floor(i / 3 ** k) % 3);
  const strings = [0, 1, 2, 3, 4, 5].flatMap((n) =>
    Array.from({ length: 3 ** n }, (_, i) =>
      digits(n, i)
        .map((digit) => 'a"\\'[digit])
        .join(''),
    ),
  );
  for (const value of strings) {
    const json = JSON.stringify({ __metadata__: { [value]: value, [`${value}b`]: value } });
    assert.deepEqual({ ...parse(file(json)).metadata }, { [value]: value, [`${value}b`]: value });
    const twice = json.replace('}}', `,${JSON.stringify(value)}:""}}`);
    assert.throws(() => parse(file(twice)), says(ModelFileError, /twice/), twice);
  }
});

test('tensors with the largest elements are written first, and each tensor is aligned to its element size', () => {
  const tensors = new Map([
    ['byte', { dtype: 'U8', shape: [3], data: new Uint8Array([1, 2, 3]) }],
    ['float', { dtype: 'F32', shape: [1], data: bytesOf(4) }],
    ['wide', { dtype: 'F64', shape: [1], data: new Uint8Array(8) }],
  ]);
  const bytes = serialize({ metadata: {}, tensors });
  const read = parse(bytes).tensors;
  for (const [name, { data, dtype }] of tensors) {
    assert.deepEqual([...read.get(name).data], [...data]);
    assert.equal(read.get(name).data.byteOffset % { U8: 1, F32: 4, F64: 8 }[dtype], 0, name);
  }
  const clash = new Map([['__metadata__', tensors.get('byte')]]);
  assert.throws(() => serialize({ metadata: {}, tensors: clash }), ArgumentError);
});

test('int8 weights, one to a byte or five, keep their values; tensors that contradict each other are refused', () => {
  const tensor = (dtype, data, shape = [data.length]) => ({ dtype, shape, data: new Uint8Array(data.buffer) });
  const scale = Float32Array.of(1, 0.5, 2, 0);
  /** A packed weight of 3 rows and 4 columns, in 3 bytes. */
  const packed = () =>
    new Map([
      ['w', tensor('U8', Uint8Array.of(0, 242, 121))],
      ['w.scale', tensor('F32', scale)],
      ['w.rows', tensor('U8', Uint8Array.of(1, 2, 255))],
    ]);
  assert.deepEqual([...readInt8('w', packed()).int8], [-1, -1, -1, -1, -1, 1, 1, 1, 1, 1, 0, 0]);
  assert.deepEqual([...readInt8('w', packed()).data.subarray(3, 8)], [-0, -2, 1, 4, 0]);
  for (let columns = 1; columns <= 11; columns++) {
    const int8 = Int8Array.from({ length: columns }, (_, i) => (i % 3) - 1);
    const weight = new Int8Weight([1, columns], int8, new Float32Array(columns), Uint8Array.of(1), true);
    const stored = new Map(weight.stored('w'));
    assert.deepEqual(stored.get('w').shape, [Math.ceil(columns / 5)]);
    assert.deepEqual(readInt8('w', stored), weight);
  }
  const int8 = (shape) => tensor('I8', new Int8Array(12), shape);
  const cases = [
    [(t) => t.set('w', tensor('U8', new Uint8Array(2))), /^w: shape \[2\], expected \[3\] for 3 rows of 4 values, 5 in a byte$/],
    [(t) => t.set('w', tensor('U8', new Uint8Array(3), [3, 1])), /^w: shape \[3,1\], expected \[3\] for 3 rows/],
    [(t) => t.set('w', tensor('U8', Uint8Array.of(0, 243, 0))), /^w: byte 1 is 243, expected 0 to 242$/],
    [(t) => t.delete('w.rows'), /^w: packed weight without w\.rows$/],
    [(t) => t.delete('w.scale'), /^w: int8 weight without w\.scale$/],
    [(t) => t.set('w.scale', tensor('F32', scale, [2, 2])), /^w\.scale: shape \[2,2\], expected \[2\], as w is \[3,2\]$/],
    [(t) => t.set('w.scale', tensor('F32', scale, [])), /^w\.scale: shape \[\], expected \[0\], as w is \[3,0\]$/],
    [(t) => t.set('w.rows', tensor('U8', new Uint8Array(3), [1, 3])), /^w\.rows: shape \[1,3\], expected \[1\]/],
    [
      (t) => t.set('w.scale', tensor('F32', Float32Array.of(1, Infinity, 1, 1))),
      /^w\.scale: value 1 is Infinity, expected a number from 0/,
    ],
    [
      (t) => t.set('w.scale', tensor('F32', Float32Array.of(1, 1, -1, 1))),
      /^w\.scale: value 2 is -1, expected a number from 0 on$/,
    ],
    [(t) => t.set('w', tensor('I8', new Int8Array(12).fill(-128), [3, 4])), /^w: value 0 is -128, expected -127 to 127$/],
    [(t) => t.set('w.scale', tensor('F64', new Float64Array(4))), /^w\.scale: dtype F64, expected F32$/],
    [(t) => t.set('w', int8([4, 3])), /^w\.scale: shape \[4\], expected \[3\], as w is \[4,3\]$/],
    [(t) => t.set('w', int8([2, 4])), /^w\.rows: shape \[3\], expected \[2\], as w is \[2,4\]$/],
    [(t) => t.set('w', int8([])), /^w\.scale: shape \[4\], expected \[/],
    [(t) => t.set('w', int8([3, 4])).set('w.rows', tensor('F32', new Float32Array(3))), /^w\.rows: dtype F32, expected U8$/],
  ];
  for (const [change, message] of cases) {
    const tensors = packed();
    change(tensors);
    assert.throws(() => readInt8('w', tensors), says(ModelFileError, message), String(message));
  }
});

test('a tensor may be named __proto__', () => {
  const { tensors } = parse(file('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4));
  assert.deepEqual([...tensors.keys()], ['__proto__']);
});

const cases = [
  ['a missing weight', ({ tensors }) => tensors.delete('dense.bias'), ModelFileError, /dense\.bias: weight is missing/],
  [
    'a weight that no layer has',
    ({ tensors }) => tensors.set('x.y', { dtype: 'F32', shape: [0], data: bytesOf() }),
    ModelFileError,
    /weights that belong to no layer: x\.y/,
  ],
  [
    'a weight of another shape',
    ({ tensors }) => (tensors.get('dense.kernel').shape = [2, 1]),
    ModelFileError,
    /shape \[2,1\], expected \[1,2\]/,
  ],
  [
    'an unknown layer',
    ({ settings }) => (settings.architecture.config.layers[1].class_name = 'Capsule'),
    UnsupportedError,
    /small\.mean: class Capsule/,
  ],
  [
    'an unknown activation',
    ({ settings }) => (settings.architecture.config.layers[2].config.activation = 'wobble'),
    UnsupportedError,
    /dense: activation "wobble"/,
  ],
  ['a file of another format', ({ settings }) => (settings.format = 2), ModelFileError, /format 2/],
  ['a wrong number of labels', ({ settings }) => (settings.outputs[0].labels = ['a']), ModelFileError, /1 labels, expected 2/],
  [
    'an unsupported dtype',
    ({ tensors }) => Object.assign(tensors.get('dense.bias'), { dtype: 'I32' }),
    ModelFileError,
    /dense\.bias: dtype I32/,
  ],
];
for (const [title, change, Class, message] of cases) {
  test(`${title} is refused, the message names it, and the next load works`, async () => {
    await assert.rejects(loadModel(smallModel(change), { simd }), says(Class, message));
    await loadModel(smallModel(), { simd });
  });
}

test('ids, masks and lengths that do not fit are refused, with the found and the expected value', async () => {
  const model = await loadModel(smallModel(), { simd });
  assert.throws(() => model.run([[1, 3]]), /row 0, step 1: id 3 is not an integer from 0 to 2/);
  assert.throws(() => model.run([[1, 1.5]]), /id 1\.5/);
  assert.throws(() => model.run([[1, -1]]), /id -1/);
  assert.throws(() => model.run([[1, 2]], { lengths: [3] }), /lengths\[0\] is 3, expected an integer from 0 to T = 2/);
  assert.throws(() => model.run([[1, 2]], { mask: [1] }), /mask has 1 entries, expected B\*T = 1\*2 = 2/);
  assert.deepEqual([...model.run([[1, 7]], { mask: [1, 0] })[0].data], [1.5, -1]);
  assert.deepEqual([...model.run([[0, 1]], { lengths: [1] })[0].data], [9.5, -9]);
});

test('kernels on plain arrays give the numbers of the example in the README', async () => {
  const pl = await init({ simd });
  const x = { data: [1, 0, 3, 4, 5, 0, 0, 0], shape: [1, 8, 1] };
  const mask = { lengths: [5] };
  assert.equal(pl.maskedMean(x, mask).data[0], Math.fround(2.6));
  assert.deepEqual([...pl.reverseSequence(x, mask).data], [5, 4, 3, 0, 1, 0, 0, 0]);
  assert.equal(pl.maskedMax({ data: [-1, -2, -3, -4, -5, 0, 0, 0], shape: [1, 8, 1] }, mask).data[0], -1);
  assert.throws(() => pl.maskedMean(x, [1, 1]), /maskedMean: mask has 2 entries, expected B\*T = 1\*8 = 8/);
});
