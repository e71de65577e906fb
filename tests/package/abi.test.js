/** Runs c/abi.js on c/padless.h and on changed copies of it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const header = readFileSync(new URL('c/padless.h', root), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'padless-abi-'));
test.after(() => rmSync(folder, { recursive: true }));

/** @param {'js' | 'exports'} kind @param {string} text  of a header @returns {string} what is generated */
function generate(kind, text) {
  const copy = join(folder, 'padless.h');
  writeFileSync(copy, text);
  return execFileSync(process.execPath, [fileURLToPath(new URL('c/abi.js', root)), kind, copy], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

/** @param {string} text @returns {Promise<any>} */
const abiOf = (text) => import(`data:text/javascript,${encodeURIComponent(generate('js', text))}`);

/** The header with one place changed; fails if the place is missing. @param {string} before @param {string} after */
function changed(before, after) {
  assert.ok(header.includes(before), before);
  return header.replace(before, after);
}

test('a new member of an enum is in the generated file, and the members after it have the next numbers', async () => {
  const abi = await abiOf(changed('PL_NONE = 4 } pl_merge', 'PL_NONE = 4, PL_FIRST, PL_SECOND } pl_merge'));
  assert.deepEqual(abi.merge, { concat: 0, sum: 1, mul: 2, ave: 3, none: 4, first: 5, second: 6 });
});

test('a new field of a struct moves the fields after it and increases the size', async () => {
  const abi = await abiOf(changed('  int32_t act;  ', '  int32_t peepholes;\n  int32_t act;  '));
  assert.deepEqual(abi.rnn, {
    size: 40,
    fields: { cell: 0, D: 4, H: 8, peepholes: 12, act: 16, rec_act: 20, packed: 24, products: 28, rows: 32, int8: 36 },
  });
});

test('fields of 8 bytes are aligned, and the size is a multiple of 8', async () => {
  const abi = await abiOf(changed('  int32_t correct;', '  int32_t correct;\n  uint8_t flag;\n  double *last;\n  double worst;'));
  assert.deepEqual(abi.loss, { size: 32, fields: { sum: 0, count: 8, correct: 12, flag: 16, last: 20, worst: 24 } });
});

test('a new function is exported; PL_ACT_COUNT is not a member of its enum', async () => {
  assert.match(generate('exports', changed('void pl_arena_init', 'int pl_new_one(int a);\nvoid pl_arena_init')), /^_pl_new_one$/m);
  const { act } = await abiOf(header);
  assert.deepEqual(Object.values(act), [...Object.keys(act).keys()]);
});

test('a type that the generator does not know is refused, and the message contains the declaration', () => {
  assert.throws(() => generate('js', changed('  int32_t act;  ', '  int16_t act;  ')), /struct pl_rnn: cannot read "int16_t act"/);
});
