/**
 * FarmHash and SipHash, which use different code for different lengths. hash-goldens.json has TensorFlow's hashes.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { farmHash64, sipHash64 } from '../../js/text/hashes.js';

const { cases } = JSON.parse(readFileSync(new URL('hash-goldens.json', import.meta.url), 'utf8'));

test('texts of 0 to 300 characters have the same hashes as in TensorFlow', () => {
  const lengths = new Set();
  for (const [text, fast, strong] of cases) {
    const bytes = new TextEncoder().encode(text);
    lengths.add([0, 3, 7, 16, 32, 64].findIndex((most) => bytes.length <= most));
    assert.equal(String(farmHash64(bytes) % 2n ** 62n), fast, `FarmHash of ${bytes.length} bytes`);
    assert.equal(String(sipHash64(bytes, [12n, 2n ** 40n + 7n]) % 2n ** 62n), strong, `SipHash of ${bytes.length} bytes`);
  }
  assert.equal(lengths.size, 7, 'each of the ways to hash a text occurs');
});

test('bytes in the middle of a buffer have the same hashes', () => {
  const whole = new TextEncoder().encode('xxThe cat sat on the mat');
  assert.equal(farmHash64(whole.subarray(2)), farmHash64(whole.slice(2)));
  assert.equal(sipHash64(whole.subarray(2), [1n, 2n]), sipHash64(whole.slice(2), [1n, 2n]));
});
