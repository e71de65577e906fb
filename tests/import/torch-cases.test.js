/**
 * Random stacks of PyTorch modules with PyTorch's answers. Together they have every type of modules and every option. tests/fuzz/torch/store.js wrote
 * torch-cases.json.gz; `make fuzz-torch` makes and compares new stacks.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { moduleTypes } from '../../js/import/torch-modules.js';
import { compare } from '../fuzz/torch/compare.js';
import '../guarded-heap.js';

const { torch, cases } = JSON.parse(gunzipSync(readFileSync(new URL('torch-cases.json.gz', import.meta.url))).toString());
/** @param {any} architecture @returns {any[]} */
const modulesOf = (architecture) => architecture.modules ?? architecture;

for (const each of cases) {
  const types = modulesOf(each.architecture).map(({ type }) => type);
  test(`${each.file}, ${types.join(', ')}: ${each.refused ? `${each.refused} is refused` : `as PyTorch ${torch} answers`}`, async () => {
    const { verdict, says } = await compare(each, Uint8Array.from(Buffer.from(each.bytes, 'base64')));
    assert.equal(verdict, each.refused ? 'refused' : 'equal', says);
    if (each.refused) assert.ok(says.includes(each.refused), says);
  });
}

test('the stored cases have every type and every option that is not refused', () => {
  const all = cases.flatMap((/** @type {any} */ each) => modulesOf(each.architecture));
  // torch.test.js tests these: torch has no such option, or there is no answer to compare with.
  const apart = ['Embedding.mask_zero', 'Embedding.weight', 'EmbeddingBag.weight', 'EmbeddingBag.max_norm', 'Flatten.start_dim'];
  apart.push('Flatten.end_dim', 'MaxPool1d.dilation', 'MaxPool1d.return_indices', 'InstanceNorm1d.track_running_stats');
  for (const [type, { options }] of Object.entries(moduleTypes)) {
    const given = all.filter((module) => module.type === type);
    assert.ok(given.length, type);
    for (const option of options)
      if (!given.some((module) => module[option] !== undefined) && !apart.includes(`${type}.${option}`))
        assert.fail(`no stored case has ${type} with ${option}`);
  }
});
