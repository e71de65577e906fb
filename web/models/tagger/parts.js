/** The parts of words (text setting `parts`): `node web/models/tagger/parts.js` takes a JSON list of words, and gives a JSON list of their parts. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { prepareText, TextVectorizer } from 'padless/text';

/** How the model reads a text, but for the vocabulary. @type {import('padless').TextSettings} */
export const settings = {
  unit: 'word',
  locale: 'en',
  normalization: 'NFC',
  vocabulary: ['', '<unk>'],
  maxlen: 512,
  parts: { width: 12, endings: [1, 2, 3, 4, 5], beginnings: [1, 2, 3, 4] },
};

await prepareText(settings);
const { parts } = new TextVectorizer(settings);
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  /** @type {string[]} */
  const words = JSON.parse(readFileSync(0, 'utf8'));
  process.stdout.write(JSON.stringify({ settings, parts: words.map((word) => parts?.partsOf(word.normalize('NFC'))) }));
}
