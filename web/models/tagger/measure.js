/**
 * What a model file answers, through padless: `node web/models/tagger/measure.js` takes lines of JSON, `{ path }` and then `{ tokens, gold }`, lists of
 * words, and gives for each `{ tokens: [labels, entities], gold: [labels, entities] }`.
 */
import { readFileSync } from 'node:fs';
import { loadModel } from 'padless';

const [{ path }, ...sentences] = readFileSync(0, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const model = await loadModel(path, { simd: 'baseline' });
const { text } = model;

/** The label of the greatest value at each word, of each output. @param {string[]} words */
function answer(words) {
  const rows = words.map((word) => [...(text?.parts?.read(word) ?? [])]);
  return model.run([rows]).map(({ data, shape: [, T, K] }, i) =>
    Array.from({ length: T }, (_, t) => {
      const values = data.subarray(t * K, (t + 1) * K);
      return model.outputs[i].labels?.[values.indexOf(Math.max(...values))];
    }),
  );
}

for (const { tokens, gold } of sentences)
  process.stdout.write(`${JSON.stringify({ tokens: answer(tokens), gold: answer(gold) })}\n`);
