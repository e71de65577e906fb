/**
 * Draws mutants of js/ and c/. Each file gets as many as its share of the lines that can change, whatever the number of mutants: lines are taken at
 * steps of the golden ratio, and of each line one change.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../random.js';
import { cSites } from './c-sites.js';
import { jsSites } from './js-sites.js';

/** @typedef {import('./js-sites.js').Site & { file: string, line: number, from: string, id: string }} Mutant */

const GOLDEN = (Math.sqrt(5) - 1) / 2;

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
    const id = createHash('sha256').update([file, own, nth, column, site.kind, site.to].join('\0')).digest('hex').slice(0, 12);
    if (!lines.has(line)) lines.set(line, []);
    lines.get(line)?.push({ file, line, from, id, ...site });
  }
  return [...lines.keys()].sort((a, b) => a - b).map((line) => /** @type {Mutant[]} */ (lines.get(line)));
}

/** Those of the mutants whose lines have not changed since. @param {string} root @param {string[]} files @param {Set<string>} ids */
export const found = (root, files, ids) => files.flatMap((file) => linesOf(root, file).flat()).filter(({ id }) => ids.has(id));

/** @param {string} root @param {string[]} files @param {number} seed @returns {Mutant[]} one for each line, in the order to try them */
export function draw(root, files, seed) {
  const { uniform, choice } = random(seed);
  const lines = files.flatMap((file) => linesOf(root, file));
  const first = uniform();
  /** @type {Mutant[]} */
  const drawn = [];
  const left = lines.map(choice);
  for (let i = 0; left.length; i++) drawn.push(...left.splice(Math.floor(((first + i * GOLDEN) % 1) * left.length), 1));
  return drawn;
}
