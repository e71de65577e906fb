/**
 * Compares words-zh with segmenters from npm, of the platform, and with longest matching: F1 of words on the treebank's test sentences, and time.
 * `make models-bench` runs it. Writes web/models/words-zh/peers.json and the table of the card.
 *
 * node tests/bench/segmenters/run.js FOLDER    FOLDER holds pos-zh-gsdsimp/
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Jieba } from '@node-rs/jieba';
import { dict } from '@node-rs/jieba/dict.js';
import { loadModel } from '../../../js/index.js';

const [folder] = process.argv.slice(2);
const home = new URL('../../../web/models/words-zh/', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('node_modules/@node-rs/jieba/package.json', import.meta.url), 'utf8'));

/** The words of each sentence of a part of the treebank. @param {string} part @returns {string[][]} */
const read = (part) =>
  gunzipSync(readFileSync(`${folder}/pos-zh-gsdsimp/${part}.conll.gz`))
    .toString()
    .trim()
    .split('\n\n')
    .map((block) => block.split('\n').map((line) => line.split('\t')[0]));

/** Joins words without spaces, except between Latin words. @param {string[]} words */
const textOf = (words) =>
  words.reduce((text, word) => text + (/[A-Za-z]$/.test(text) && /^[A-Za-z]/.test(word) ? ' ' : '') + word, '');

/** The positions of words in a text, as 'start end'. White space is skipped. @param {string} text @param {string[]} words */
function placesOf(text, words) {
  let at = 0;
  return new Set(
    words
      .filter((word) => word.trim())
      .map((word) => {
        const start = text.indexOf(word, at);
        at = start + word.length;
        return `${start} ${at}`;
      }),
  );
}

/** A segmenter that takes the longest word of the list at each position, or one character if no word matches. @param {Set<string>} list */
function longestMatch(list) {
  const longest = Math.max(...Array.from(list, (word) => word.length));
  return (/** @type {string} */ text) => {
    const words = [];
    for (let at = 0; at < text.length; at += words.at(-1)?.length ?? 1) {
      let size = Math.min(longest, text.length - at);
      while (size > 1 && !list.has(text.slice(at, at + size))) size--;
      words.push(text.slice(at, at + size));
    }
    return words;
  };
}

const model = await loadModel(new URL('words-zh.safetensors', home));
const segmenter = new Intl.Segmenter('zh', { granularity: 'word' });
const jieba = Jieba.withDict(dict);
/** @type {{ name: string, cut: (text: string) => string[] }[]} */
const peers = [
  { name: 'words-zh', cut: (text) => (model.predict(text).spans ?? []).map(({ start, end }) => text.slice(start, end)) },
  { name: `@node-rs/jieba ${version}`, cut: (text) => jieba.cut(text, true) },
  {
    name: `Intl.Segmenter, ICU ${process.versions.icu}`,
    cut: (text) => Array.from(segmenter.segment(text), ({ segment }) => segment),
  },
  { name: 'longest match, words of the training sentences', cut: longestMatch(new Set(read('train').flat())) },
];

const sentences = read('test').map((words) => ({ text: textOf(words), gold: placesOf(textOf(words), words) }));
const rows = peers.map(({ name, cut }) => {
  let [right, gold, found] = [0, 0, 0];
  for (const sentence of sentences) {
    const places = placesOf(sentence.text, cut(sentence.text));
    gold += sentence.gold.size;
    found += places.size;
    for (const place of places) right += Number(sentence.gold.has(place));
  }
  const rounds = [1, 2, 3].map(() => {
    const begun = process.cpuUsage();
    for (const { text } of sentences) cut(text);
    return process.cpuUsage(begun).user / sentences.length;
  });
  const percent = (/** @type {number} */ share) => Number((100 * share).toFixed(1));
  return {
    name,
    precision: percent(right / found),
    recall: percent(right / gold),
    f1: percent((2 * right) / (gold + found)),
    microseconds: Math.round(Math.min(...rounds)),
  };
});
writeFileSync(new URL('peers.json', home), `${JSON.stringify(rows, null, 1)}\n`);

const head = ['', 'precision', 'recall', 'F1', 'us a sentence'];
const lines = rows.map((row) => [row.name, row.precision, row.recall, row.f1, row.microseconds]);
const table = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const card = readFileSync(new URL('README.md', home), 'utf8');
const part = /(<!-- results: peers -->\n)[^]*?(<!-- end -->)/;
if (!part.test(card)) throw new Error('the card has no part <!-- results: peers -->');
writeFileSync(
  new URL('README.md', home),
  card.replace(part, (_, begin, end) => `${begin}\n${table}\n\n${end}`),
);
console.log(table);
