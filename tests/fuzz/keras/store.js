/**
 * Chooses models of make_models.py that together have every layer, option and way of use that occurs in the folders, in each version of Keras, and
 * stores them with Keras's answers for tests/import/keras-cases.test.js: node store.js OUTPUT MOST FOLDER ...
 *
 * OUTPUT is compressed by Brotli: the length of the JSON as four bytes, the JSON { cases }, then the files one after the other; cases have `files`,
 * a list of [name, bytes].
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { judge } from './compare.js';
/** @typedef {import('./compare.js').Case} Case */
/** @typedef {{ entry: Case, folder: string, size: number, features: string[] }} Candidate */

/** The compressed size of a model and its answers, in bytes. */
const LARGEST = 12_000;

/** @param {Case} entry */
const namesOf = ({ file, weights }) => (weights ? [file, weights] : [file]);

/** The models that padless answers as Keras does. @param {string[]} folders */
async function candidates(folders) {
  /** @type {Candidate[]} */
  const found = [];
  for (const folder of folders)
    for (const line of readFileSync(join(folder, 'cases.jsonl'), 'utf8').split('\n').filter(Boolean)) {
      /** @type {Case} */
      const entry = JSON.parse(line);
      const read = (/** @type {string} */ file) => readFileSync(join(folder, file));
      if ((await judge(entry, read)).verdict !== 'equal') continue;
      const size = gzipSync(Buffer.concat([Buffer.from(line), ...namesOf(entry).map(read)])).length;
      const version = entry.keras.split('.').slice(0, 2).join('.');
      if (size <= LARGEST) found.push({ entry, folder, size, features: entry.uses.map((use) => `${version} ${use}`) });
    }
  return found;
}

/**
 * Chooses models greedily: the next one has the most missing features for its size. Later rounds choose further models for each feature.
 * @param {Candidate[]} all
 * @param {number} most
 */
function choose(all, most) {
  /** @type {Map<string, number>} feature -> number of chosen models that have it */
  const counts = new Map();
  /** @type {Set<Candidate>} */
  const chosen = new Set();
  for (let round = 0; round < 10; round++)
    for (;;) {
      let best = { score: 0, each: /** @type {Candidate | null} */ (null) };
      for (const each of all) {
        if (chosen.has(each)) continue;
        const gain = each.features.filter((feature) => (counts.get(feature) ?? 0) <= round).length;
        const score = gain / Math.sqrt(each.size);
        if (score > best.score) best = { score, each };
      }
      if (!best.each || chosen.size >= most) break;
      chosen.add(best.each);
      for (const feature of best.each.features) counts.set(feature, (counts.get(feature) ?? 0) + 1);
    }
  return { chosen: [...chosen], features: counts };
}

/** @param {string} output @param {number} most  number of models to store @param {string[]} folders */
async function store(output, most, folders) {
  const all = await candidates(folders);
  const { chosen, features } = choose(all, most);
  chosen.sort((a, b) => (a.entry.keras + a.entry.file < b.entry.keras + b.entry.file ? -1 : 1));
  /** @type {Buffer[]} */
  const parts = [];
  const cases = chosen.map(({ entry, folder }) => ({
    ...entry,
    files: namesOf(entry).map((file) => {
      const bytes = readFileSync(join(folder, file));
      parts.push(bytes);
      return [file, bytes.length];
    }),
  }));
  const json = Buffer.from(JSON.stringify({ cases }));
  const head = Buffer.alloc(4);
  head.writeUInt32LE(json.length);
  const { BROTLI_PARAM_LGWIN: window, BROTLI_PARAM_QUALITY: quality } = constants;
  const packed = brotliCompressSync(Buffer.concat([head, json, ...parts]), { params: { [window]: 24, [quality]: 11 } });
  writeFileSync(output, packed);
  const wanted = new Set(all.flatMap((each) => each.features)).size;
  console.log(`${chosen.length} of ${all.length} models have ${features.size} of ${wanted} features; ${packed.length} bytes`);
}

const [output, most, ...folders] = process.argv.slice(2);
await store(output, Number(most), folders);
