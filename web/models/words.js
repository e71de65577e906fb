/**
 * The words of a text as padless reads them (unit word), for the training scripts: `node web/models/words.js` takes a text a line and gives a
 * JSON list of words a line.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TextVectorizer } from 'padless/text';

const reader = new TextVectorizer({ unit: 'word', locale: 'en', normalization: 'NFC', vocabulary: ['', ''] });

/**
 * @param {string} text
 * @returns {{ word: string, start: number }[]}  as they stand in the text; start in UTF-16 units
 */
export function words(text) {
  const { offsets } = reader.encode(text);
  return Array.from({ length: offsets.length / 2 }, (_, t) => ({
    word: text.slice(offsets[2 * t], offsets[2 * t + 1]),
    start: offsets[2 * t],
  }));
}

/**
 * A filter: all of standard input in, lines of JSON out.
 * @param {string} url  the module's own: nothing happens where it is imported
 * @param {(text: string) => unknown[]} lines
 */
export function filter(url, lines) {
  if (process.argv[1] !== fileURLToPath(url)) return;
  process.stdout.write(
    lines(readFileSync(0, 'utf8'))
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  );
}

filter(import.meta.url, (text) =>
  text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => words(line).map(({ word }) => word)),
);
