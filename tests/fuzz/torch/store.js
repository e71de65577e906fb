/**
 * Chooses cases of make_cases.py that together have every type and option, and stores them with their files for tests/import/torch-cases.test.js:
 * node store.js FOLDER OUTPUT.json.gz
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
/** @typedef {import('./compare.js').Case} Case */

/** The types and options of a case. @param {Case} given @returns {string[]} */
function featuresOf({ file, architecture, inputs, refused }) {
  const modules = architecture.modules ?? architecture;
  const features = [`file ${file.split('.').pop()}`, `refused ${refused}`, `input ${typeof inputs[0][0]}`];
  for (const key of Object.keys(architecture)) if (key === 'prefix' || key === 'ignore') features.push(key);
  for (const { type, ...options } of modules) {
    features.push(type);
    for (const [option, value] of Object.entries(options)) {
      const isWord = typeof value === 'boolean' || (typeof value === 'string' && !['name', 'weight'].includes(option));
      features.push(`${type} ${option}${isWord ? ` ${value}` : ''}`);
    }
  }
  return features;
}

/** A number with only the digits that a float32 needs. @param {any} value @returns {any} */
const rounded = (value) => (Array.isArray(value) ? value.map(rounded) : Number(value.toPrecision(7)));

/** @param {string} folder @param {string} output */
function store(folder, output) {
  const { about, cases } = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'));
  const seen = new Set();
  const sizeOf = (/** @type {Case} */ each) => JSON.stringify(each).length + statSync(join(folder, each.file)).size;
  const small = cases.sort((/** @type {Case} */ a, /** @type {Case} */ b) => sizeOf(a) - sizeOf(b));
  const chosen = small.filter((/** @type {Case} */ each) => {
    const features = featuresOf(each);
    const isNew = features.some((feature) => !seen.has(feature));
    features.forEach((feature) => seen.add(feature));
    return isNew;
  });
  const files = chosen.map((/** @type {Case} */ each) => ({
    ...each,
    outputs: rounded(each.outputs),
    bytes: readFileSync(join(folder, each.file), 'base64'),
  }));
  writeFileSync(output, gzipSync(JSON.stringify({ ...about, cases: files }), { level: 9 }));
  console.log(`${chosen.length} of ${cases.length} cases have all of ${seen.size} features`);
}

store(process.argv[2], process.argv[3]);
