/**
 * The language of each line of standard input, as LABEL, tab, score, tab, line:
 *   node web/examples/node.js web/models/langid/langid.safetensors <lines.txt
 * In a project of your own: npm i padless, and the path of your model.
 */
import { createInterface } from 'node:readline';
import { loadModel } from 'padless';

/** Texts that are answered at once: enough to fill the kernels, few enough that a pipe sees answers early. */
const BATCH = 64;

const [path] = process.argv.slice(2);
if (!path) {
  console.error('usage: node node.js MODEL <TEXTS');
  process.exit(2);
}
const model = await loadModel(path);

/** @param {string[]} texts */
function answer(texts) {
  const lines = model.predict(texts).map(({ label, score }, i) => `${label}\t${score?.toFixed(3)}\t${texts[i]}\n`);
  process.stdout.write(lines.join(''));
}

/** @type {string[]} */
let texts = [];
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  texts.push(line);
  if (texts.length < BATCH) continue;
  answer(texts);
  texts = [];
}
answer(texts);
