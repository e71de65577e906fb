/**
 * Writes the table of web/docs/survives.md: what padding does to one model in several engines. `make survives` calls it.
 *   KERAS=, TORCH= and TENSORFLOW= name a Python that has Keras 3, one that has PyTorch, and one that has TensorFlow 2.15, which makes the files for
 *   LiteRT.js; without one, their rows stay as they are.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compare } from '../bench/measure.js';
import * as engines from './engines.js';
import { forms, sizes, survive, texts, weights } from './forms.js';
import { litert } from './litert.js';

const page = new URL('../../web/docs/survives.md', import.meta.url);
/** @param {Record<string, () => unknown>} ways */
const time = (ways) => compare(ways, { milliseconds: 1500 });

/** The lines that frameworks.py prints. @param {'keras' | 'torch' | 'tensorflow'} name @param {string | undefined} python @param {...string} rest @returns {import('./forms.js').Row[]} */
function framework(name, python, ...rest) {
  if (!python) return [];
  const each = texts.map((text) => Object.fromEntries(Object.entries(forms).map(([form, rows]) => [form, rows(text)])));
  const plain = Object.entries(weights).map(([path, { shape, data }]) => [path, { shape, data: [...data] }]);
  const { status, stdout, stderr } = spawnSync(python, [fileURLToPath(new URL('frameworks.py', import.meta.url)), name, ...rest], {
    input: JSON.stringify({ weights: Object.fromEntries(plain), sizes, texts: each }),
    encoding: 'utf8',
    maxBuffer: 1e9,
  });
  if (status !== 0) throw new Error(`${python}: ${stderr.slice(-2000)}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const ours = await engines.padless();
const reference = [...(ours([forms.alone(texts[2])[0]], 'alone') ?? [])];
/** Throws if an engine does not give padless's answer to a text without padding, because its weights then differ. @param {string} name @param {ArrayLike<number>} answer @param {number} most */
function mustAgree(name, answer, most) {
  const difference = Math.max(...reference.map((value, k) => Math.abs(value - answer[k])));
  assert.ok(difference < most, `${name} answers a text alone differently, by ${difference}`);
}

const rows = [await survive('padless', ours, time)];
for (const [name, open, most] of /** @type {const} */ ([
  ['TF.js 4.22 (wasm), maskZero', engines.tensorflow, 1e-5],
  ['onnxruntime-web 1.30, float, lengths, masked mean', () => engines.onnxruntime('float32'), 1e-5],
  ['onnxruntime-web 1.30, int8, lengths, masked mean', () => engines.onnxruntime('int8'), 0.1],
])) {
  const answer = await open();
  mustAgree(name, /** @type {ArrayLike<number>} */ (await answer(forms.alone(texts[2]), 'alone')), most);
  rows.push(await survive(name, answer, time));
}
for (const row of [...framework('keras', process.env.KERAS), ...framework('torch', process.env.TORCH)]) {
  mustAgree(row.engine, /** @type {any} */ (row).alone, 1e-5);
  rows.push(row);
}

if (process.env.TENSORFLOW) {
  const folder = mkdtempSync(join(tmpdir(), 'padless-'));
  framework('tensorflow', process.env.TENSORFLOW, folder);
  for (const row of await litert(pathToFileURL(`${folder}/`))) {
    if (row.alone) mustAgree(row.engine, row.alone, 1e-5);
    rows.push(row);
  }
  rmSync(folder, { recursive: true });
}

/** @param {number | null} change */
const shown = (change) => (change === null ? '—' : change === 0 ? '**0**' : change < 1e-6 ? '< 1e-6' : change.toPrecision(2));
const lines = rows.map(({ engine, change, times, refused }) => {
  if (refused) return `| ${engine} | does not load: “${refused}” | — | — | — | — |`;
  const changes = ['end', 'front', 'middle', 'batch'].map((form) => shown(change[form]));
  return `| ${engine} | ${changes.join(' | ')} | ${times.toPrecision(2)} |`;
});
const markdown = readFileSync(page, 'utf8');
const [before, after] = [/^[^]*<!-- rows -->\n/.exec(markdown)?.[0] ?? '', /\n<!-- end -->[^]*$/.exec(markdown)?.[0] ?? ''];
const head = '\n| engine | at the end | in front | in the middle | in a batch | time |\n|---|---|---|---|---|---|\n';
const measured = new Set(rows.map(({ engine }) => engine.split(' ')[0]));
// Keep the rows of engines that were not run.
const kept = markdown
  .slice(before.length, markdown.length - after.length)
  .split('\n')
  .filter((line) => /^\| (?!engine)/.test(line) && !measured.has(line.split(' ')[1]));
writeFileSync(page, `${before}${head}${[...lines, ...kept].join('\n')}\n${after}`);
console.log([...lines, ...kept].join('\n'));
