/**
 * What no file and no text may change: the built-in objects of JavaScript, and the answer to a good input.
 */
import assert from 'node:assert/strict';

/** @typedef {() => unknown} Good  an answer to a good input; may return a promise */

const builtIns = `
  Object Function Array String Number Boolean Symbol BigInt Promise Map Set WeakMap Proxy RegExp Date Error
  TypeError RangeError JSON Math Reflect ArrayBuffer DataView WebAssembly Uint8Array Int8Array Int32Array
  Uint32Array Float32Array Float64Array TextDecoder TextEncoder
`
  .trim()
  .split(/\s+/);

/** Every property of the built-in objects and their prototypes. Names alone of globals, because Node defines some of them at their first use. */
function properties() {
  const typedArray = Object.getPrototypeOf(Uint8Array);
  /** @type {Map<string, unknown>} */
  const found = new Map(Reflect.ownKeys(globalThis).map((key) => [String(key), null]));
  /** @param {string} of @param {any} object */
  const add = (of, object) => {
    if (object !== undefined)
      for (const key of Reflect.ownKeys(object)) {
        const { value, get, set } = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(object, key));
        found.set(`${of}.${String(key)}`, get ?? set ?? value);
      }
  };
  for (const [name, object] of [
    ...builtIns.map((each) => [each, /** @type {any} */ (globalThis)[each]]),
    ['TypedArray', typedArray],
  ]) {
    add(name, object);
    add(`${name}.prototype`, object.prototype);
  }
  return found;
}

/**
 * @param {Good} good
 * @returns {Promise<() => Promise<void>>} which throws an AssertionError if a built-in object or the answer has changed since
 */
export async function unharmed(good) {
  const before = properties();
  const expected = await good();
  return async () => {
    const now = properties();
    const all = [...new Set([...before.keys(), ...now.keys()])];
    const changed = all.filter((each) => now.has(each) !== before.has(each) || !Object.is(now.get(each), before.get(each)));
    assert.deepEqual(changed, [], 'built-in objects have changed');
    assert.deepEqual(await good(), expected, 'a good input has another answer than before');
  };
}
