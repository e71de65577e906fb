/**
 * A reader of Python pickles, protocols 0 to 5 (Lib/pickletools.py of CPython documents the format). A pickle is a program for a stack
 * machine that can name any function of Python. This reader runs only functions that the caller lists, which are written in JavaScript. Any other
 * name is an error.
 *
 * dict -> Map; list and tuple -> Array; set and frozenset -> Set; str -> string; bytes and bytearray -> Uint8Array; None -> null;
 * int -> number, or bigint beyond 2^53; float -> number; bool -> boolean; a name -> PickledName; any other object -> PickledRecord.
 * @module
 */
import { ModelFileError, show, UnsupportedError } from '../errors.js';
import { textDecoder } from '../runtime/engine.js';

/** A class or function that a pickle names. */
export class PickledName {
  /**
   * @param {string} name  with its module: collections.OrderedDict
   * @param {Build | null} build  null: the name is a value, and cannot be called
   */
  constructor(name, build) {
    this.name = name;
    this.build = build;
  }
}

/** An object of a class that has no equivalent here: its class, the arguments of its constructor, and its attributes. */
export class PickledRecord {
  /** @param {string} className @param {any[]} args */
  constructor(className, args) {
    this.className = className;
    this.args = args;
    /** @type {Map<any, any>} */
    this.attributes = new Map();
  }
}

/** @typedef {(...args: any[]) => any} Build  makes a value from the arguments of a call in a pickle */
/** @typedef {Map<string, Build | null>} Names  the names that a pickle may have */

/** @param {any} pairs  a dict, or a list of pairs */
const mapOf = (pairs) => new Map(Array.isArray(pairs) ? pairs.map(([key, value]) => [key, value]) : (pairs ?? []));
/** @param {any} [items] */
const setOf = (items) => new Set(items ?? []);

/** The module of built-in names in Python 3 and 2. */
const builtins = ['builtins', '__builtin__'];

/** Containers, numbers and strings of Python's standard library. */
const plainNames = /** @type {[string, Build | null][]} */ ([
  ['collections.OrderedDict', mapOf],
  ['collections.Counter', mapOf],
  ['collections.defaultdict', () => new Map()],
  ['_codecs.encode', encode],
  ...builtins.flatMap((module) => [
    [`${module}.dict`, mapOf],
    [`${module}.list`, (/** @type {any} */ items) => [...(items ?? [])]],
    [`${module}.tuple`, (/** @type {any} */ items) => [...(items ?? [])]],
    [`${module}.set`, setOf],
    [`${module}.frozenset`, setOf],
    [`${module}.bytearray`, (/** @type {any} */ bytes, /** @type {any} */ encoding) => encode(bytes, encoding)],
    [`${module}.bytes`, (/** @type {any} */ bytes) => encode(bytes)],
    [`${module}.complex`, (/** @type {any} */ ...parts) => new PickledRecord('complex', parts)],
    // Names that occur as values: factories of a defaultdict, and the base of a class.
    ...['int', 'long', 'float', 'str', 'unicode', 'bool', 'object'].map((name) => [`${module}.${name}`, null]),
  ]),
]);

/** Decodes bytes, which Python 3 writes as a latin-1 str in protocols 0 to 2. @param {any} value @param {any} [encoding] @returns {Uint8Array} */
function encode(value, encoding = 'latin1') {
  if (value instanceof Uint8Array) return value;
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return new Uint8Array();
  if (typeof value !== 'string' || encoding !== 'latin1')
    throw new UnsupportedError(`bytes of ${describe(value)} in ${describe(encoding)}, expected a string in latin1`);
  return Uint8Array.from(value, (char) => char.charCodeAt(0));
}

/** @param {string[]} classes  whose objects become records @returns {Names} */
export const recordNames = (classes) =>
  new Map(classes.map((name) => [name, (/** @type {any[]} */ ...args) => new PickledRecord(name, args)]));

/** copyreg.__newobj__(class, ...args): constructs an object of the class. @param {any} given @param {any[]} args */
function construct(given, ...args) {
  if (!(given instanceof PickledName) || !given.build)
    throw new ModelFileError(`an object of ${describe(given)}, which is no class`);
  return given.build(...args);
}
/** copyreg._reconstructor(class, base, state) @param {any} given */
const reconstruct = (given) => construct(given);
const reconstructors = /** @type {[string, Build][]} */ ([
  ['copyreg._reconstructor', reconstruct],
  ['copy_reg._reconstructor', reconstruct],
  ['copyreg.__newobj__', construct],
]);

/** A value for a message. Lists and dicts are named without their elements, because a few bytes of a pickle can nest millions of them. @param {any} value */
export function describe(value) {
  if (value instanceof PickledName) return value.name;
  if (value instanceof PickledRecord) return `an object of ${value.className}`;
  if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? String(value) : show(value);
  return value instanceof Map ? 'a dict' : Array.isArray(value) ? `a list of ${value.length}` : `a ${value.constructor.name}`;
}

/** Items of a list, a dict, a set, a string or bytes. @param {any} value */
const countOf = (value) => (value === null ? 0 : (value.length ?? value.size ?? 0));

/** Maximum size of an int in bytes: values up to 2^2048. */
const INT_MOST = 256;

/** Decodes ISO 8859-1; TextDecoder takes that name for windows-1252. @param {Uint8Array} bytes */
const latin1 = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
const utf8 = textDecoder('utf-8', { ignoreBOM: true });
const strictUtf8 = textDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param {bigint} value */
const narrowed = (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

/** A str of Python 2, whose encoding is unknown: UTF-8 if it is valid, otherwise latin-1. @param {Uint8Array} bytes */
function text2(bytes) {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return latin1(bytes);
  }
}

/** The value that opcode MARK pushes. */
const MARK = Symbol('mark');

const escapes = /** @type {Record<string, string>} */ ({
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  0: '\0',
});

/** The bytes of a str literal that repr() of Python 2 wrote. @param {string} quoted @returns {Uint8Array} */
function unquoted(quoted) {
  const inside = quoted.slice(1, -1);
  const plain = inside.replace(/\\(x([0-9a-fA-F]{2})|[\s\S])/g, (_, char, hex) =>
    hex ? String.fromCharCode(parseInt(hex, 16)) : (escapes[char] ?? char),
  );
  return Uint8Array.from(plain, (char) => char.charCodeAt(0));
}

/** Decodes Python's raw_unicode_escape. @param {string} raw */
const unescaped = (raw) =>
  raw.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short, long) => {
    const code = parseInt(short ?? long, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });

/** @typedef {(reader: PickleReader) => void} Operation */

/** Reads one pickle after the other. */
export class PickleReader {
  /**
   * @param {Uint8Array} bytes
   * @param {string} what  for errors
   * @param {object} [options]
   * @param {Names} [options.names]  names that the pickle may contain besides Python's containers
   * @param {(id: any) => any} [options.persistent]  loads an object that is stored outside of the pickle
   * @param {(name: string) => string} [options.advice]  advice for the error about a name that is not listed
   */
  constructor(bytes, what, { names = new Map(), persistent, advice = () => '' } = {}) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.what = what;
    this.names = new Map([...plainNames, ...reconstructors, ...names]);
    this.persistent = persistent;
    this.advice = advice;
    /** Position of the next byte. */
    this.position = 0;
    /** How many items calls may still receive. An item takes at least a byte of the file, and a valid pickle passes it to one call. */
    this.allowance = 2 ** 20 + bytes.length;
    /** @type {any[]} */
    this.stack = [];
    /** @type {Map<number, any>} */
    this.memo = new Map();
  }

  /**
   * Reads the pickle at `position`, and moves `position` to its end.
   * @returns {any} its value
   * @throws {ModelFileError | UnsupportedError}
   */
  read() {
    this.memo = new Map();
    for (;;) {
      const at = this.position;
      const code = this.take(1)[0];
      if (code === STOP) {
        const value = this.pop();
        if (this.stack.length) throw this.broken(`${this.stack.length} values are left at its end`);
        return value;
      }
      const operation = operations.get(code);
      if (!operation) throw this.broken(`byte ${at} is ${code}, which is not an opcode that padless reads`);
      operation(this);
    }
  }

  /** @param {string} reason */
  broken(reason) {
    return new ModelFileError(`${this.what}: the pickle is broken or cut short: ${reason}`);
  }

  /** @param {number | bigint} length @returns {Uint8Array} */
  take(length) {
    const { position, bytes } = this;
    const end = position + Number(length);
    if (!(end >= position && end <= bytes.length))
      throw this.broken(`${length} bytes are expected at byte ${position}, the file has ${bytes.length}`);
    this.position = end;
    return bytes.subarray(position, end);
  }

  /** Skips `length` bytes and returns the position where they begin. @param {number} length */
  skip(length) {
    const at = this.position;
    this.take(length);
    return at;
  }

  u8() {
    return this.take(1)[0];
  }
  u16() {
    return this.view.getUint16(this.skip(2), true);
  }
  u32() {
    return this.view.getUint32(this.skip(4), true);
  }
  u64() {
    return this.view.getBigUint64(this.skip(8), true);
  }

  /** Text up to the end of the line. */
  line() {
    const end = this.bytes.indexOf(10, this.position);
    if (end < 0) throw this.broken(`the line at byte ${this.position} has no end`);
    const line = latin1(this.take(end - this.position)).replace(/\r$/, '');
    this.position++;
    return line;
  }

  /** @param {any} value */
  push(value) {
    this.stack.push(value);
  }

  /** @returns {any} */
  pop() {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  /** @returns {any} */
  top() {
    const value = this.stack[this.stack.length - 1];
    if (value === undefined || value === MARK) throw this.broken(`the stack is empty at byte ${this.position}`);
    return value;
  }

  /** Takes all values above the last mark, and the mark. @returns {any[]} */
  popToMark() {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) throw this.broken(`there is no mark on the stack at byte ${this.position}`);
    const values = this.stack.splice(mark);
    values.shift();
    return values;
  }

  /** @param {number} count */
  popTuple(count) {
    const values = Array.from({ length: count }, () => this.pop());
    this.push(values.reverse());
  }

  /** @param {number} index */
  get(index) {
    if (!this.memo.has(index)) throw this.broken(`value ${index} is used before it is stored`);
    this.push(this.memo.get(index));
  }

  /** @param {number} index */
  put(index) {
    this.memo.set(index, this.top());
  }

  /** @param {string} module @param {string} name */
  global(module, name) {
    const whole = `${module}.${name}`;
    const build = this.names.get(whole);
    if (build === undefined) {
      const advice = this.advice(whole);
      throw new UnsupportedError(
        `${this.what}: the pickle names ${whole.slice(0, 200)}, which padless does not read${advice && `; ${advice}`}`,
      );
    }
    this.push(new PickledName(whole, build));
  }

  /** @param {any} callee @param {any} args */
  call(callee, args) {
    if (!(callee instanceof PickledName) || !callee.build)
      throw this.broken(`${describe(callee)} is called, but is not a function`);
    if (!Array.isArray(args)) throw this.broken(`${callee.name} is called with ${describe(args)}, expected a tuple`);
    this.allowance -= args.reduce((sum, each) => sum + countOf(each), args.length);
    if (this.allowance < 0) throw this.broken('it copies the same lists again and again');
    try {
      this.push(callee.build(...args));
    } catch (error) {
      if (error instanceof ModelFileError || error instanceof UnsupportedError) {
        if (!error.message.startsWith(this.what)) error.message = `${this.what}: ${error.message}`;
        throw error;
      }
      throw this.broken(`${callee.name} is called with arguments that it does not take`);
    }
  }

  /** Sets the attributes of the object below the top of the stack. */
  setState() {
    const state = this.pop();
    const target = this.top();
    if (target instanceof PickledRecord) {
      // A class with __slots__ has the state (attributes, slots).
      for (const part of Array.isArray(state) ? state : [state])
        if (part instanceof Map) for (const [key, value] of part) target.attributes.set(key, value);
    } else if (!(target instanceof Map)) throw this.broken(`attributes are given to ${describe(target)}`);
    // The attributes of an OrderedDict are not its entries, and are ignored: state dicts have an attribute _metadata.
  }

  /** @param {any} target @param {any[]} values */
  append(target, values) {
    if (!Array.isArray(target)) throw this.broken(`items are appended to ${describe(target)}, expected a list`);
    for (const value of values) target.push(value);
  }

  /** @param {any} target @param {any[]} values  keys and values in turn */
  setItems(target, values) {
    if (!(target instanceof Map) || values.length % 2) throw this.broken(`items are set in ${describe(target)}, expected a dict`);
    for (let i = 0; i < values.length; i += 2) target.set(values[i], values[i + 1]);
  }

  /** An int of `length` bytes, two's complement. @param {number} length */
  long(length) {
    if (length > INT_MOST) throw this.broken(`an int of ${length} bytes, at most ${INT_MOST} are read`);
    const bytes = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    this.push(narrowed(length ? BigInt.asIntN(8 * length, value) : 0n));
  }

  /** @param {string} digits */
  decimal(digits) {
    if (!/^[+-]?\d{1,600}$/.test(digits)) throw this.broken(`${describe(digits)} is no int`);
    this.push(narrowed(BigInt(digits)));
  }

  /** @param {any} id */
  load(id) {
    if (!this.persistent)
      throw new UnsupportedError(
        `${this.what}: the pickle refers to ${describe(id)} outside of the pickle; padless reads such references only in files of torch.save`,
      );
    this.push(this.persistent(id));
  }
}

const STOP = '.'.charCodeAt(0);

/** Opcodes with the names that pickletools gives them, grouped by the protocol that introduced them. @type {[string | number, Operation][]} */
const opcodes = [
  // Protocol 0, in text.
  ['(', (r) => r.push(MARK)], // MARK
  ['0', (r) => (r.stack.at(-1) === MARK ? r.stack.pop() : r.pop())], // POP
  ['1', (r) => r.popToMark()], // POP_MARK
  ['2', (r) => r.push(r.top())], // DUP
  ['N', (r) => r.push(null)], // NONE
  ['I', (r) => boolOrInt(r)], // INT
  ['L', (r) => r.decimal(r.line().replace(/L$/, ''))], // LONG
  ['F', (r) => r.push(floatOf(r, r.line()))], // FLOAT
  ['S', (r) => r.push(text2(unquoted(r.line())))], // STRING
  ['V', (r) => r.push(unescaped(r.line()))], // UNICODE
  ['d', (r) => dict(r)], // DICT
  ['l', (r) => r.push(r.popToMark())], // LIST
  ['t', (r) => r.push(r.popToMark())], // TUPLE
  ['a', (r) => r.append(r.stack.at(-2), [r.pop()])], // APPEND
  ['s', (r) => r.setItems(r.stack.at(-3), [r.pop(), r.pop()].reverse())], // SETITEM
  ['g', (r) => r.get(Number(r.line()))], // GET
  ['p', (r) => r.put(Number(r.line()))], // PUT
  ['c', (r) => r.global(r.line(), r.line())], // GLOBAL
  ['i', (r) => instance(r)], // INST
  ['P', (r) => r.load(r.line())], // PERSID
  ['R', (r) => call(r)], // REDUCE
  ['b', (r) => r.setState()], // BUILD
  // Protocol 1, in binary.
  ['J', (r) => r.push(r.view.getInt32(r.skip(4), true))], // BININT
  ['K', (r) => r.push(r.u8())], // BININT1
  ['M', (r) => r.push(r.u16())], // BININT2
  ['G', (r) => r.push(r.view.getFloat64(r.skip(8), false))], // BINFLOAT
  ['T', (r) => r.push(text2(r.take(r.u32())))], // BINSTRING
  ['U', (r) => r.push(text2(r.take(r.u8())))], // SHORT_BINSTRING
  ['X', (r) => r.push(utf8.decode(r.take(r.u32())))], // BINUNICODE
  [')', (r) => r.push([])], // EMPTY_TUPLE
  [']', (r) => r.push([])], // EMPTY_LIST
  ['}', (r) => r.push(new Map())], // EMPTY_DICT
  ['e', (r) => appends(r)], // APPENDS
  ['u', (r) => setItems(r)], // SETITEMS
  ['h', (r) => r.get(r.u8())], // BINGET
  ['j', (r) => r.get(r.u32())], // LONG_BINGET
  ['q', (r) => r.put(r.u8())], // BINPUT
  ['r', (r) => r.put(r.u32())], // LONG_BINPUT
  ['o', (r) => object(r)], // OBJ
  ['Q', (r) => r.load(r.pop())], // BINPERSID
  // Protocol 2.
  [0x80, (r) => protocol(r)], // PROTO
  [0x81, (r) => call(r)], // NEWOBJ
  [0x85, (r) => r.popTuple(1)], // TUPLE1
  [0x86, (r) => r.popTuple(2)], // TUPLE2
  [0x87, (r) => r.popTuple(3)], // TUPLE3
  [0x88, (r) => r.push(true)], // NEWTRUE
  [0x89, (r) => r.push(false)], // NEWFALSE
  [0x8a, (r) => r.long(r.u8())], // LONG1
  [0x8b, (r) => r.long(r.u32())], // LONG4
  // Protocol 3.
  ['B', (r) => r.push(r.take(r.u32()))], // BINBYTES
  ['C', (r) => r.push(r.take(r.u8()))], // SHORT_BINBYTES
  // Protocol 4.
  [0x8c, (r) => r.push(utf8.decode(r.take(r.u8())))], // SHORT_BINUNICODE
  [0x8d, (r) => r.push(utf8.decode(r.take(r.u64())))], // BINUNICODE8
  [0x8e, (r) => r.push(r.take(r.u64()))], // BINBYTES8
  [0x8f, (r) => r.push(new Set())], // EMPTY_SET
  [0x90, (r) => addItems(r)], // ADDITEMS
  [0x91, (r) => r.push(new Set(r.popToMark()))], // FROZENSET
  [0x92, (r) => callWithNames(r)], // NEWOBJ_EX
  [0x93, (r) => namedOnStack(r)], // STACK_GLOBAL
  [0x94, (r) => r.put(r.memo.size)], // MEMOIZE
  [0x95, (r) => r.u64()], // FRAME: skip its length
  // Protocol 5.
  [0x96, (r) => r.push(r.take(r.u64()).slice())], // BYTEARRAY8
];
const operations = new Map(opcodes.map(([code, operation]) => [typeof code === 'string' ? code.charCodeAt(0) : code, operation]));

/** @type {Operation} */
function boolOrInt(r) {
  const digits = r.line();
  if (digits === '01' || digits === '00') r.push(digits === '01');
  else r.decimal(digits);
}

/** @param {PickleReader} r @param {string} digits */
function floatOf(r, digits) {
  const value = /^[+-]?inf$/.test(digits) ? Infinity * (digits.startsWith('-') ? -1 : 1) : digits === 'nan' ? NaN : Number(digits);
  if (digits === '' || (Number.isNaN(value) && digits !== 'nan')) throw r.broken(`${describe(digits)} is no float`);
  return value;
}

/** @type {Operation} */
function dict(r) {
  const values = r.popToMark();
  const map = new Map();
  r.setItems(map, values);
  r.push(map);
}

/** @type {Operation} */
function appends(r) {
  const values = r.popToMark();
  r.append(r.top(), values);
}

/** @type {Operation} */
function setItems(r) {
  const values = r.popToMark();
  r.setItems(r.top(), values);
}

/** @type {Operation} */
function addItems(r) {
  const values = r.popToMark();
  const set = r.top();
  if (!(set instanceof Set)) throw r.broken(`items are added to ${describe(set)}, expected a set`);
  for (const value of values) set.add(value);
}

/** @type {Operation} */
function call(r) {
  const args = r.pop();
  r.call(r.pop(), args);
}

/** @type {Operation} */
function callWithNames(r) {
  const named = r.pop();
  if (!(named instanceof Map) || named.size) throw r.broken('a class is constructed with named arguments');
  call(r);
}

/** @type {Operation} */
function instance(r) {
  r.global(r.line(), r.line());
  const callee = r.pop();
  r.call(callee, r.popToMark());
}

/** @type {Operation} */
function object(r) {
  const [callee, ...args] = r.popToMark();
  r.call(callee, args);
}

/** @type {Operation} */
function namedOnStack(r) {
  const name = r.pop();
  const module = r.pop();
  if (typeof name !== 'string' || typeof module !== 'string') throw r.broken(`${describe(module)}.${describe(name)} is no name`);
  r.global(module, name);
}

/** @type {Operation} */
function protocol(r) {
  const version = r.u8();
  if (version > 5) throw r.broken(`protocol ${version}, at most 5 is known`);
}
