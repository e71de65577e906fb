/** Coloured words while the text is edited and before the next answer: which of them keep their colour. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shifted } from '../../web/highlights.js';

/** The words that are still coloured after an edit of 'one two three'. @param {string} to */
function coloured(to) {
  const from = 'one two three';
  const pieces = [
    { start: 0, end: 3, colour: 1 },
    { start: 4, end: 7, colour: 2 },
    { start: 8, end: 13, colour: 3 },
  ];
  return shifted(pieces, from, to).map(({ start, end, colour }) => `${to.slice(start, end)} ${colour}`);
}

test('an edit removes the colour of the words that it touches, and moves the colours of the others', () => {
  assert.deepEqual(coloured('one two three'), ['one 1', 'two 2', 'three 3']);
  assert.deepEqual(coloured('one txwo three'), ['one 1', 'three 3']);
  assert.deepEqual(coloured('one  three'), ['one 1', 'three 3']);
  assert.deepEqual(coloured(''), []);
});

test('words that end where the edit starts, or start where it ends, keep their colour', () => {
  assert.deepEqual(coloured('one! two three'), ['one 1', 'two 2', 'three 3']);
  assert.deepEqual(coloured('one two !three'), ['one 1', 'two 2', 'three 3']);
  assert.deepEqual(coloured('one two three four'), ['one 1', 'two 2', 'three 3']);
  assert.deepEqual(coloured('zero one two three'), ['one 1', 'two 2', 'three 3']);
});
