/**
 * Draws mutants of js/ and c/: of each line that can change one change, in the order of hashes of the seed and the line. So a commit changes the sample
 * only where it changes lines, and results of earlier commits stay useful.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cSites } from './c-sites.js';
import { jsSites } from './js-sites.js';

/** @typedef {import('./js-sites.js').Site & { file: string, line: number, from: string, id: string, place: string }} Mutant  place: of its line */

/** @param {...(string | number)} parts */
const hash = (...parts) => createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12);

/** @param {string} root @param {string} file @returns {Mutant[][]} for each line that can change: its mutants */
function linesOf(root, file) {
  const text = readFileSync(join(root, file), 'utf8');
  const all = text.split('\n');
  /** @type {Map<number, Mutant[]>} */
  const lines = new Map();
  for (const site of (file.endsWith('.js') ? jsSites : cSites)(text)) {
    const line = text.slice(0, site.start).split('\n').length;
    const from = text.slice(site.start, site.end);
    const column = site.start - text.lastIndexOf('\n', site.start - 1);
    const own = all[line - 1];
    const nth = all.slice(0, line - 1).filter((each) => each === own).length;
    const place = hash(file, own, nth);
    const id = hash(file, own, nth, column, site.kind, site.to);
    if (!lines.has(line)) lines.set(line, []);
    lines.get(line)?.push({ file, line, from, id, place, ...site });
  }
  return [...lines.keys()].sort((a, b) => a - b).map((line) => /** @type {Mutant[]} */ (lines.get(line)));
}

/** Those of the mutants whose lines have not changed since. @param {string} root @param {string[]} files @param {Set<string>} ids */
export const found = (root, files, ids) => files.flatMap((file) => linesOf(root, file).flat()).filter(({ id }) => ids.has(id));

/** @template T @param {T[]} list @param {(item: T) => string} keyOf */
const sorted = (list, keyOf) =>
  list
    .map((item) => ({ item, key: keyOf(item) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ item }) => item);

/** @param {string} root @param {string[]} files @param {number} seed @returns {Mutant[]} one for each line, in the order to try them */
export function draw(root, files, seed) {
  const lines = files.flatMap((file) => linesOf(root, file));
  const drawn = lines.map((mutants) => sorted(mutants, ({ id }) => hash(seed, id))[0]);
  return sorted(drawn, ({ place }) => hash(seed, place));
}
