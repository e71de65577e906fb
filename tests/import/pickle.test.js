/** The reader of pickles: it reads values of each protocol and refuses everything else. make_pickles.py wrote pickles.json with Python. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ModelFileError, PadlessError, UnsupportedError } from 'padless';
import { PickledName, PickledRecord, PickleReader, recordNames } from '../../js/import/pickle.js';
import { random } from '../random.js';
import { says } from '../says.js';

const { python2, python3 } = JSON.parse(readFileSync(new URL('pickles.json', import.meta.url), 'utf8'));
/** @param {string} base64 */
const decode = (base64) => new Uint8Array(Buffer.from(base64, 'base64'));
/** @param {Uint8Array | string} pickle @param {any} [options] */
const read = (pickle, options) =>
  new PickleReader(typeof pickle === 'string' ? new Uint8Array(Buffer.from(pickle, 'latin1')) : pickle, 'a.pkl', options).read();
const bytes = (/** @type {number[]} */ ...list) => Uint8Array.from(list);
const fill = (/** @type {string} */ char) => new Uint8Array(300).fill(char.charCodeAt(0));

test('the values of Python 3 are read, in protocols 0 to 5', () => {
  const keys = new Map(/** @type {[any, any][]} */ ([[1, 'one'], ['two', 2]])); // prettier-ignore
  const expected = {
    ints: [0, 1, 255, 256, 65535, 65536, -1, -(2 ** 31), 2 ** 31, 2 ** 53 - 1, 2n ** 53n, -(2n ** 53n), 2n ** 70n, -(2n ** 70n)],
    floats: [0.5, -0, 1e300, Infinity, NaN],
    text: ['', 'a', 'é中😀', 'x'.repeat(300), 'line\nbreak\\u0041'],
    bytes: [bytes(), bytes(0, 255), fill('y')],
    bytearray: bytes(1, 2),
    bools: [true, false, null],
    tuples: [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]],
    set: new Set([1, 2]),
    frozenset: new Set(['a']),
    empty: [[], new Map(), new Set()],
    ordered: new Map([['b', 1], ['a', 2]]), // prettier-ignore
    counter: new Map([['a', 2], ['b', 1]]), // prettier-ignore
    default: new Map([['k', 5]]),
    shared: [[1], [1]],
    keys,
  };
  python3.forEach((/** @type {string} */ pickle, /** @type {number} */ protocol) => {
    const { self, ...values } = Object.fromEntries(read(decode(pickle)));
    assert.deepEqual(values, expected, `protocol ${protocol}`);
    assert.equal(values.shared[0], values.shared[1]);
    assert.deepEqual(self[0], keys);
    assert.equal(self[1], self);
  });
  assert.equal(python3.length, 6);
});

test('strings of Python 2, which have no encoding, are read as UTF-8 if they are valid UTF-8, otherwise as latin-1', () => {
  python2.forEach((/** @type {string} */ pickle, /** @type {number} */ protocol) =>
    assert.deepEqual(
      Object.fromEntries(read(decode(pickle))),
      { str: 'a\'"\n\\é', bytes: 'ÿ\0', unicode: 'é中', long: 2n ** 70n, bool: true, list: [1, [2, 3]], none: null },
      `protocol ${protocol}`,
    ),
  );
  assert.equal(python2.length, 3);
});

test('a name that is not on the list is refused, whichever opcode it comes from, and nothing is called', () => {
  for (const [pickle, name] of [
    ["cos\nsystem\n(S'true'\ntR.", 'os.system'],
    ["(S'true'\nios\nsystem\n.", 'os.system'],
    ["(cos\nsystem\nS'true'\no.", 'os.system'],
    ['\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.', 'os.system'],
    ['\x80\x02cbuiltins\neval\nU\x011\x85R.', 'builtins.eval'],
    ['c__builtin__\ngetattr\n.', '__builtin__.getattr'],
    ['ctorch._utils\n_rebuild_tensor_v2\n.', 'torch._utils._rebuild_tensor_v2'],
    ['cbuiltins\n__proto__\n.', 'builtins.__proto__'],
    ['cconstructor\nconstructor\n.', 'constructor.constructor'],
  ])
    assert.throws(
      () => read(pickle),
      says(UnsupportedError, new RegExp(`^a\\.pkl: the pickle names ${name}, which padless does not read$`)),
    );
  const advice = (/** @type {string} */ name) => `${name} is not for you`;
  assert.throws(() => read('cos\nsystem\n.', { advice }), says(UnsupportedError, /does not read; os\.system is not for you$/));
  // A listed name that is not a function cannot be called, nor can a value.
  assert.ok(read('cbuiltins\nint\n.') instanceof PickledName);
  assert.throws(() => read('cbuiltins\nint\n)R.'), says(ModelFileError, /builtins\.int is called, but is not a function/));
  assert.throws(() => read('I3\n)R.'), says(ModelFileError, /3 is called, but is not a function/));
});

test('an object of a listed class becomes a record, whichever opcodes create it', () => {
  const names = recordNames(['m.A']);
  const build = "(dS'x'\nI1\nsb.";
  for (const pickle of [`(im\nA\n${build}`, `(cm\nA\no${build}`, `cm\nA\n)R${build}`, `\x80\x02cm\nA\n)\x81}U\x01xK\x01sb.`])
    assert.deepEqual(read(pickle, { names }).attributes, new Map([['x', 1]]));
  const rebuilt = read(`ccopy_reg\n_reconstructor\n(cm\nA\nc__builtin__\nobject\nNtR${build}`, { names });
  assert.ok(rebuilt instanceof PickledRecord);
  assert.equal(rebuilt.className, 'm.A');
  assert.deepEqual(rebuilt.attributes, new Map([['x', 1]]));
  for (const pickle of ['ccopyreg\n__newobj__\n(cm\nA\nI1\nI2\nI3\ntR.', 'cm\nA\n(I1\nI2\nI3\nt\x81.'])
    assert.deepEqual(read(pickle, { names }), new PickledRecord('m.A', [1, 2, 3]));
  assert.deepEqual(read('ccopyreg\n_reconstructor\n(cm\nA\nI1\nI2\ntR.', { names }), new PickledRecord('m.A', []));
  assert.throws(
    () => read('ccopy_reg\n_reconstructor\n(I1\nI2\nNtR.', { names }),
    says(ModelFileError, /an object of 1, which is no class/),
  );
  // Attributes of a dict do not become its entries.
  assert.deepEqual(read(`ccollections\nOrderedDict\n)R${build}`), new Map());
});

test('values that Python rarely writes are read', () => {
  for (const [pickle, expected] of /** @type {[string, any][]} */ ([
    ['c__builtin__\nlist\n)R.', []],
    ['c__builtin__\ntuple\n)R.', []],
    ['c__builtin__\nbytes\n(]tR.', bytes()],
    ['c__builtin__\nbytes\n)R.', bytes()],
    ['c__builtin__\nlist\n)}\x92.', []],
    ['c__builtin__\ncomplex\n(F1\nF2\ntR.', new PickledRecord('complex', [1, 2])],
    ['V\\U0001f600\\U00110000\n.', '\u{1f600}\\U00110000'],
    ["S'\\n\\r\\t\\a\\b\\f\\v\\0'\n.", '\n\r\t\x07\b\f\v\0'],
    ['\x8a\x00.', 0],
    ['\x8d\x02\0\0\0\0\0\0\0\xc3\xa9.', 'é'],
    ['\x8e\x02\0\0\0\0\0\0\0\xc3\xa9.', bytes(0xc3, 0xa9)],
    ['(0N.', null],
    ['F-inf\n.', -Infinity],
  ]))
    assert.deepEqual(read(pickle), expected, JSON.stringify(pickle));
});

test('a broken pickle is refused, and the message says where', () => {
  for (const [pickle, message] of /** @type {[string, RegExp][]} */ ([
    ['', /1 bytes are expected at byte 0, the file has 0/],
    ['.', /the stack is empty/],
    ['NN.', /1 values are left at its end/],
    ['\x00', /byte 0 is 0, which is not an opcode/],
    ['\x82\x01.', /byte 0 is 130, which is not an opcode/],
    ['\x80\x06N.', /protocol 6/],
    ['h\x05.', /value 5 is used before it is stored/],
    ['t.', /there is no mark/],
    ['I1\nS', /has no end/],
    ['I1x\n.', /"1x" is no int/],
    ['Fx\n.', /"x" is no float/],
    ['X\xff\xff\xff\xff.', /4294967295 bytes are expected at byte 5, the file has 6/],
    ['\x8e\xff\xff\xff\xff\xff\xff\xff\xff.', /18446744073709551615 bytes are expected/],
    ['\x8b\xff\xff\x00\x00.', /an int of 65535 bytes, at most 256/],
    ['I1\nI2\na.', /items are appended to 1/],
    ['c__builtin__\ncomplex\n)RI2\na.', /items are appended to an object of complex/],
    ['c__builtin__\nlist\nI1\nR.', /__builtin__\.list is called with 1, expected a tuple/],
    ['c__builtin__\nlist\n)}I1\nI2\ns\x92.', /a class is constructed with named arguments/],
    ['I1\nI2\nI3\ns.', /items are set in 1/],
    ['(I1\nd.', /items are set in a dict, expected a dict/],
    ['I1\n(I2\n\x90.', /items are added to 1/],
    ['I1\n}b.', /attributes are given to 1/],
    ['ccollections\nOrderedDict\n(I5\ntR.', /collections\.OrderedDict is called with arguments that it does not take/],
    ['I1\n\x93.', /the stack is empty/],
    ['I1\nI2\n\x93.', /1\.2 is no name/],
  ]))
    assert.throws(() => read(pickle), says(ModelFileError, message), JSON.stringify(pickle));
  assert.throws(() => read('Vx\nQ.'), says(UnsupportedError, /refers to "x" outside of the pickle/));
});

test('a small pickle cannot create millions of values', () => {
  // Lists of 100 lists are nested 30 deep: the message does not write them out.
  let nested = ']';
  for (let depth = 0; depth < 30; depth++)
    nested += `q${String.fromCharCode(depth)}0](${`h${String.fromCharCode(depth)}`.repeat(100)}e`;
  assert.throws(() => read(`${nested}N\x85R.`), says(ModelFileError, /a list of 100 is called/));
  // A list of a million items is copied again and again.
  const copies = `](${'N'.repeat(1e6)}eq\x000${'cbuiltins\nlist\nh\x00\x85R0'.repeat(1000)}N.`;
  assert.throws(() => read(copies), says(ModelFileError, /copies the same lists again and again/));
});

test('a changed pickle gives values or a PadlessError', () => {
  const { integer, seed } = random();
  for (const pickle of [...python3, ...python2])
    for (let i = 0; i < 400; i++) {
      const changed = i < 100 ? decode(pickle).slice(0, integer(0, decode(pickle).length)) : decode(pickle);
      for (let flips = i < 100 ? 0 : integer(1, 4); flips > 0; flips--) changed[integer(0, changed.length - 1)] = integer(0, 255);
      try {
        read(changed);
      } catch (error) {
        assert.ok(error instanceof PadlessError, `case ${i} of seed ${seed}: ${/** @type {any} */ (error).stack}`);
      }
    }
});
