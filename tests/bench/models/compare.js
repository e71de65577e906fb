/** What the comparisons with other packages share: what a page downloads for a package, its time, and its row on the card. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
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
/**
 * What a page downloads for a package.
 * @typedef {object} Page
 * @property {string} [script]  the imports
 * @property {string[]} [files]  the files that it also fetches
 * @property {(exports: any) => unknown} [use]  calls what the script exports as the page does, so that chunks which it does not fetch are left out
 */

/**
 * A page with a model for padless.
 * @param {string} file @param {{ module?: string, load?: string }} [from]  the function that loads the file @returns {Page}
 */
export const padlessPage = (file, { module = 'index.js', load = 'loadModel' } = {}) => ({
  script: `export { ${load} } from '../../../js/${module}'`,
  files: [file],
  use: async (exports) => (await exports[load](readFileSync(file))).predict('a b'),
});

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
 * @param {Page} page
 */
export async function downloadOf({ script, files = [], use }) {
  const fetched = files.reduce((sum, file) => sum + gzipBytes(readFileSync(file)), 0);
  if (!script) return fetched;
  const folder = mkdtempSync(join(tmpdir(), 'padless-'));
  try {
    /** @type {import('esbuild').BuildOptions & { write: false }} */
    const options = {
      stdin: { contents: script, resolveDir: here },
      ...{ bundle: true, minify: true, splitting: true, write: false, format: 'esm', outdir: folder },
      ...{ outExtension: { '.js': '.mjs' }, platform: 'browser', logLevel: 'silent' },
      // Packages import these only in Node.
      external: ['node:*', ...builtinModules],
    };
    const { outputFiles } = await build(options);
    const needed = use ? await evaluatedBy(use, outputFiles) : outputFiles;
    return needed.reduce((sum, { contents }) => sum + gzipBytes(contents), fetched);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * The chunks of a bundle that are evaluated when it is used.
 * @param {Page['use'] & {}} use @param {import('esbuild').OutputFile[]} chunks
 */
async function evaluatedBy(use, chunks) {
  /** @type {Set<string>} */
  const urls = new Set();
  /** @type {any} */ (globalThis).evaluatedChunks = urls;
  for (const { path, text } of chunks) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `globalThis.evaluatedChunks.add(import.meta.url);${text}`);
  }
  const entry = chunks.find(({ path }) => path.endsWith('stdin.mjs'));
  await use(await import(String(pathToFileURL(entry?.path ?? ''))));
  return chunks.filter(({ path }) => urls.has(String(pathToFileURL(path))));
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
