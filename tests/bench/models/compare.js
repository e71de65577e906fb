/** What the comparisons with other packages share: what a page downloads for a package, its time, and its row on the card. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

/** The folder of an installed package. @param {string} name */
export const packageFolder = (name) => join(here, 'node_modules', name);
/** The name of an installed package with its version. @param {string} name */
export const versioned = (name) => `${name} ${JSON.parse(readFileSync(join(packageFolder(name), 'package.json'), 'utf8')).version}`;
/** A model's folder. @param {string} name */
export const modelFolder = (name) => new URL(`../../../web/models/${name}/`, import.meta.url);
/** A model's file. @param {string} name */
export const modelFile = (name) => fileURLToPath(new URL(`${name}.safetensors`, modelFolder(name)));
/** What a page imports for a model of padless. */
export const padlessScript = "export * from '../../../js/index.js'";

/** @param {string} path  of a gzipped file */
export const unzipped = (path) => gunzipSync(readFileSync(path)).toString();
/** The sentences of a treebank's file, each a list of rows of columns. @param {string} path  of a gzipped file @returns {string[][][]} */
export const sentencesOf = (path) =>
  unzipped(path)
    .trim()
    .split('\n\n')
    .map((block) => block.split('\n').map((line) => line.split('\t')));
/** The examples of a file of text<TAB>label. @param {string} path @returns {{ text: string, label: string }[]} */
export const examplesOf = (path) =>
  unzipped(path)
    .split('\n')
    .filter(Boolean)
    .map((line) => ({ text: line.slice(0, line.lastIndexOf('\t')), label: line.slice(line.lastIndexOf('\t') + 1) }));

/** @param {number[]} values */
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** @param {number} share */
export const percent = (share) => Number((100 * share).toFixed(1));

/** @param {Uint8Array | string} data */
export const gzipBytes = (data) => gzipSync(data, { level: 9 }).length;

/**
 * Gzipped bytes that a page downloads.
 * @param {{ script?: string, files?: string[] }} peer  what it imports, and fetches beside
 */
export async function downloadOf({ script, files = [] }) {
  const fetched = files.reduce((sum, file) => sum + gzipBytes(readFileSync(file)), 0);
  if (!script) return fetched;
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: here },
    ...{
      bundle: true,
      minify: true,
      splitting: true,
      write: false,
      format: 'esm',
      outdir: 'out',
      platform: 'browser',
      logLevel: 'silent',
    },
    // Packages import these only in Node.
    external: ['node:*', ...builtinModules],
  });
  return outputFiles.reduce((sum, { contents }) => sum + gzipBytes(contents), fetched);
}

/**
 * Microseconds of processor time an input, in the best of three rounds.
 * @template T
 * @param {T[]} inputs
 * @param {(input: T) => unknown} answer
 */
export async function microseconds(inputs, answer) {
  const rounds = [];
  for (let repeat = 0; repeat < 3; repeat++) {
    const begun = process.cpuUsage();
    for (const input of inputs) await answer(input);
    rounds.push(process.cpuUsage(begun).user / inputs.length);
  }
  return Math.round(Math.min(...rounds));
}

/**
 * Writes peers.json, which plots.js draws, and the card's part `peers`.
 * @param {string} name  the model's
 * @param {object[]} rows
 * @param {string[]} head
 * @param {unknown[][]} lines  of the table
 */
export function writePeers(name, rows, head, lines) {
  const folder = modelFolder(name);
  writeFileSync(new URL('peers.json', folder), `${JSON.stringify(rows, null, 1)}\n`);
  const table = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const card = readFileSync(new URL('README.md', folder), 'utf8');
  const part = /(<!-- results: peers -->\n)[^]*?(<!-- end -->)/;
  if (!part.test(card)) throw new Error(`the card of ${name} has no part <!-- results: peers -->`);
  writeFileSync(
    new URL('README.md', folder),
    card.replace(part, (_, begin, end) => `${begin}\n${table}\n\n${end}`),
  );
  console.log(table);
}

const keptFolder = new URL('../../../build/models-bench/', import.meta.url);

/**
 * The results of a peer. Some take minutes to measure, so results are kept until `make clean`.
 * @template T
 * @param {string} name  the peer's, with its version
 * @param {() => Promise<T>} measure
 * @returns {Promise<T>}
 */
export async function kept(name, measure) {
  const file = new URL(`${name.replaceAll(/[^\w.]/g, '-')}.json`, keptFolder);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  const result = await measure();
  mkdirSync(keptFolder, { recursive: true });
  writeFileSync(file, JSON.stringify(result));
  console.error(`${name}: done`);
  return result;
}

/** @param {number} bytes */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
