/**
 * Compares words-zh with segmenters from npm, of the platform, and with longest matching: F1 of words on the treebank's test
 * sentences, download, and time. `make models-bench` runs it. Writes web/models/words-zh/peers.json and the table of the card.
 *
 * node tests/bench/models/words-zh.js FOLDER    FOLDER holds pos-zh-gsdsimp/
 */
import { join } from 'node:path';
import { Jieba } from '@node-rs/jieba';
import { dict } from '@node-rs/jieba/dict.js';
import { loadModel } from '../../../js/index.js';
import {
  downloadOf,
  gzipBytes,
  megabytes,
  microseconds,
  modelFile,
  packageFolder,
  padlessPage,
  percent,
  sentencesOf,
  versioned,
  writePeers,
} from './compare.js';

const [folder] = process.argv.slice(2);
/** The words of each sentence of a part of the treebank. @param {string} part @returns {string[][]} */
const read = (part) => sentencesOf(`${folder}/pos-zh-gsdsimp/${part}.conll.gz`).map((rows) => rows.map(([word]) => word));

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

const model = await loadModel(modelFile('words-zh'));
const segmenter = new Intl.Segmenter('zh', { granularity: 'word' });
const jieba = Jieba.withDict(dict);
const known = new Set(read('train').flat());
/** jieba runs natively: its library for this machine, and its dictionary. */
const library = `@node-rs/jieba-${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;
const jiebaFiles = [
  join(packageFolder(library), `jieba.${library.slice('@node-rs/jieba-'.length)}.node`),
  join(packageFolder('@node-rs/jieba'), 'dict.txt'),
];
/** @type {{ name: string, gzip: number, cut: (text: string) => string[] }[]} */
const peers = [
  {
    name: 'words-zh',
    gzip: await downloadOf(padlessPage(modelFile('words-zh'))),
    cut: (text) => (model.predict(text).spans ?? []).map(({ start, end }) => text.slice(start, end)),
  },
  { name: versioned('@node-rs/jieba'), gzip: await downloadOf({ files: jiebaFiles }), cut: (text) => jieba.cut(text, true) },
  {
    name: `Intl.Segmenter, ICU ${process.versions.icu}`,
    gzip: 0,
    cut: (text) => Array.from(segmenter.segment(text), ({ segment }) => segment),
  },
  { name: 'longest match, words of the training sentences', gzip: gzipBytes([...known].join('\n')), cut: longestMatch(known) },
];

const sentences = read('test').map((words) => ({ text: textOf(words), gold: placesOf(textOf(words), words) }));
const rows = [];
for (const { cut, ...peer } of peers) {
  let [right, gold, found] = [0, 0, 0];
  for (const sentence of sentences) {
    const places = placesOf(sentence.text, cut(sentence.text));
    gold += sentence.gold.size;
    found += places.size;
    for (const place of places) right += Number(sentence.gold.has(place));
  }
  rows.push({
    ...peer,
    precision: percent(right / found),
    recall: percent(right / gold),
    f1: percent((2 * right) / (gold + found)),
    microseconds: await microseconds(sentences, ({ text }) => cut(text)),
  });
}
writePeers(
  'words-zh',
  rows,
  ['', 'download, gzip', 'precision', 'recall', 'F1', 'us a sentence'],
  rows.map((row) => [row.name, row.gzip ? megabytes(row.gzip) : 'none', row.precision, row.recall, row.f1, row.microseconds]),
);
