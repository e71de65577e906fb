/** Prints the ids of texts for make_tagger_golden.py: reads JSON { path, texts }, and writes a JSON list [T][C] for each text. */
import { readFileSync } from 'node:fs';
import { loadModel } from 'padless';

const { path, texts } = JSON.parse(readFileSync(0, 'utf8'));
const { text } = await loadModel(path);
if (!text) throw new Error(`${path} has no text settings`);
const { width } = text;
process.stdout.write(
  JSON.stringify(
    texts.map((/** @type {string} */ each) => {
      const ids = [...text.encode(each).ids];
      return Array.from({ length: ids.length / width }, (_, t) => ids.slice(t * width, (t + 1) * width));
    }),
  ),
);
