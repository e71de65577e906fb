/**
 * node:assert/strict in a page. Deep comparisons and their messages are chai's.
 */
import { assert as chai, AssertionError, config } from 'chai';

// Maximum number of characters of a value in a message.
config.truncateThreshold = 1000;

/** @param {unknown} holds @param {string | undefined} message @param {string} what */
function check(holds, message, what) {
  if (!holds) throw new AssertionError(message ? `${message}: ${what}` : what);
}

/** @param {unknown} value */
const show = (value) => (typeof value === 'string' ? JSON.stringify(value.slice(0, 1000)) : String(value));

/** Compares an error with the expected one, which as in Node may be a class, a pattern, a predicate or properties. @param {any} error @param {any} expected */
function meets(error, expected) {
  if (expected === undefined) return true;
  if (expected instanceof RegExp) return expected.test(String(error));
  if (typeof expected === 'function') {
    if (expected.prototype !== undefined && error instanceof expected) return true;
    return !(expected.prototype instanceof Error) && expected(error) === true;
  }
  for (const [name, value] of Object.entries(expected)) chai.deepEqual(error[name], value);
  return true;
}

/** @param {any} expected */
const nameOf = (expected) => (expected === undefined ? 'an error' : expected.name || String(expected));

/** @param {() => unknown} body @param {any} [expected] @param {string} [message] */
function throws(body, expected, message) {
  try {
    body();
  } catch (error) {
    return check(meets(error, expected), message, `${error} was thrown, expected ${nameOf(expected)}`);
  }
  return check(false, message, `nothing was thrown, expected ${nameOf(expected)}`);
}

/** @param {Promise<unknown> | (() => Promise<unknown>)} work @param {any} [expected] @param {string} [message] */
async function rejects(work, expected, message) {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return check(meets(error, expected), message, `rejected with ${error}, expected ${nameOf(expected)}`);
  }
  check(false, message, `was not rejected, expected ${nameOf(expected)}`);
}

export default {
  /** @param {unknown} value @param {string} [message] */
  ok: (value, message) => check(value, message, `${show(value)} is not true`),
  /** @param {unknown} actual @param {unknown} expected @param {string} [message] */
  equal: (actual, expected, message) => check(Object.is(actual, expected), message, `${show(actual)}, expected ${show(expected)}`),
  /** @param {unknown} actual @param {unknown} unexpected @param {string} [message] */
  notEqual: (actual, unexpected, message) => check(!Object.is(actual, unexpected), message, `${show(actual)}, expected another`),
  /** @param {string} text @param {RegExp} pattern @param {string} [message] */
  match: (text, pattern, message) => check(pattern.test(text), message, `${show(text)} does not match ${pattern}`),
  /** @param {string} [message] */
  fail: (message) => check(false, message, 'failed'),
  deepEqual: chai.deepEqual,
  deepStrictEqual: chai.deepEqual,
  notDeepEqual: chai.notDeepEqual,
  throws,
  rejects,
};
