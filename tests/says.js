import assert from 'node:assert/strict';

/**
 * For assert.throws and assert.rejects: an error of this class, whose message matches.
 * @param {abstract new (...args: any[]) => Error} Class
 * @param {RegExp} message
 */
export const says = (Class, message) => (/** @type {any} */ error) => {
  assert.ok(error instanceof Class, String(error?.stack ?? error));
  assert.match(error.message, message);
  return true;
};
