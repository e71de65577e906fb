/** What a page and its worker send to each other: errors, and the memory of arrays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as padless from 'padless';
import { buffersOf, packError, unpackError } from '../../js/page/crossing.js';

/** @param {unknown} error @returns {any} the error on the other side */
const cross = (error) => unpackError(structuredClone(packError(error)));

test('an error crosses with its class, name, message and stack, which are not enumerable', () => {
  const classes = Object.values(padless).filter((each) => typeof each === 'function' && each.prototype instanceof Error);
  assert.ok(classes.length > 7);
  const { CompileError, LinkError, RuntimeError } = WebAssembly;
  const native = [
    Error,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    CompileError,
    LinkError,
    RuntimeError,
  ];
  for (const Class of /** @type {any[]} */ ([...classes, ...native])) {
    const error = new Class('text');
    const crossed = cross(error);
    assert.equal(crossed.constructor, Class);
    assert.deepEqual([crossed.name, crossed.message, crossed.stack], [error.name, 'text', error.stack]);
    assert.deepEqual(Object.keys(crossed), Object.keys(error));
    assert.equal('cause' in crossed, false);
    const { writable, configurable } = /** @type {any} */ (Object.getOwnPropertyDescriptor(crossed, 'name'));
    assert.ok(writable && configurable);
  }
});

test('an error of another class crosses as its nearest known class; properties that are no strings are converted', () => {
  class Mine extends padless.IdError {}
  assert.equal(cross(new Mine('text')).constructor, padless.PadlessError);
  const odd = Object.assign(new Error('x'), { name: 5, message: Symbol('m'), stack: 7 });
  const crossed = cross(odd);
  assert.deepEqual([crossed.name, crossed.message], ['5', 'Symbol(m)']);
  assert.match(crossed.stack, /\n/);
  assert.equal(/** @type {any} */ (unpackError({ type: 'Unknown', message: 'x' })).constructor, Error);
});

test('a thrown value that is no error crosses as it is, or as text if it cannot be sent', () => {
  for (const value of [undefined, null, 5, 'text', true, 10n]) assert.equal(cross(value), value);
  assert.equal(cross({ a: 1 }), '[object Object]');
  assert.equal(cross(Symbol('x')), 'Symbol(x)');
  assert.match(
    cross(() => 1),
    /=> 1/,
  );
});

test('other errors than those of padless keep their name, message and cause, too', () => {
  class Mine extends RangeError {
    name = 'Mine';
  }
  const mine = cross(new Mine('text', { cause: new TypeError('why', { cause: 'a string' }) }));
  assert.deepEqual(
    [mine.name, mine.message, mine.cause.constructor, mine.cause.message, mine.cause.cause],
    ['Mine', 'text', TypeError, 'why', 'a string'],
  );
  const aborted = cross(AbortSignal.abort().reason);
  assert.deepEqual([aborted instanceof DOMException, aborted.name], [true, 'AbortError']);
  const trap = cross(new WebAssembly.RuntimeError('unreachable'));
  assert.deepEqual([trap instanceof WebAssembly.RuntimeError, trap.message], [true, 'unreachable']);
  assert.equal(cross(undefined), undefined);
  const circle = new Error('round');
  circle.cause = circle;
  assert.equal(cross(circle).cause.cause.message, 'round');
  const depth = (/** @type {any} */ error) => (error.cause ? 1 + depth(error.cause) : 0);
  const chain = (/** @type {number} */ n) =>
    Array.from({ length: n }).reduce((cause) => new Error('x', { cause }), new Error('first'));
  assert.deepEqual([depth(cross(chain(8))), depth(cross(chain(9))), depth(cross(circle))], [8, 8, 8]);
});

test('the memory of all arrays in an answer is transferred once, but not shared memory', () => {
  const [a, b, c] = [new Float32Array(2), new Uint8Array(3), new Int32Array(4)];
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  const answer = [
    { name: 'x', data: a, shape: [2] },
    { inner: { data: b, none: null }, more: [c, a.subarray(1)] },
    null,
    shared,
    'text',
  ];
  assert.deepEqual([...buffersOf(answer)], [a.buffer, b.buffer, c.buffer]);
  assert.deepEqual([...buffersOf(b)], [b.buffer]);
  for (const plain of [null, undefined, 5, 'text']) assert.equal(buffersOf(plain).size, 0);
});
