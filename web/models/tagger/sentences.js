/**
 * Treebank sentences as texts, and their tags on the words that padless reads: `node web/models/tagger/sentences.js < file.conll` gives a
 * JSON line a sentence, which `padless eval` takes.
 */
import { filter, words } from '../words.js';

/** Tokens that people write without a space behind the word before: do|n't, it|'s, dogs|', dont, im, gonna. */
const clitic = /^(n?['’`]\p{L}+|n['’`]t|['’]|nt|s|m|re|ve|ll|d|na|ta)$/iu;
/** The XPOS that these have: an adverb, a verb or auxiliary, a possessive's ending, the "to" of "gonna". */
const bound = /^(RB|VBP|VBZ|VBD|MD|POS|TO|PRP)$/;

/**
 * @typedef {object} Sentence
 * @property {string} text  the treebank's tokens with a space between, but for clitics
 * @property {string[]} tokens  padless's words
 * @property {string[]} labels  of each the UPOS of the treebank token in which it starts
 * @property {boolean[]} agree  whether it is a treebank token, from its first character to its last
 * @property {string[]} gold  the treebank's own tokens
 * @property {string[]} goldLabels
 * @property {string[]} entities  labels of names (B-PER, I-PER, O) of padless's words; empty if the treebank's rows have none
 * @property {string[]} goldEntities  of the treebank's own tokens
 */

/**
 * @param {string} conll  word, UPOS, XPOS and, if there are names, their label (B-PER, I-PER, O) a line, with tabs; an empty line between sentences
 * @returns {Sentence[]}
 */
export function sentences(conll) {
  return conll
    .trim()
    .split(/\n{2,}/)
    .map((block) => sentence(block.split('\n').map((line) => line.split('\t'))));
}

/** @param {string[][]} rows @returns {Sentence} */
function sentence(rows) {
  let text = '';
  /** @type {{ start: number, end: number, upos: string }[]} */
  const spans = [];
  rows.forEach(([token, upos, xpos], i) => {
    const joins = clitic.test(token) && bound.test(xpos);
    // can|not, and "alot" and the like: the treebank has no spaces in its words, so that of these only the frequent one is joined.
    const cannot = /^not$/i.test(token) && /^can$/i.test(rows[i - 1]?.[0] ?? '');
    if (i > 0 && !joins && !cannot) text += ' ';
    spans.push({ start: text.length, end: text.length + token.length, upos });
    text += token;
  });
  let at = 0;
  let last = -1;
  const read = words(text).map(({ word, start }) => {
    while (spans[at].end <= start) at++;
    const { start: from, end, upos } = spans[at];
    const entity = rows[at][3];
    // The second word of a token goes on with its name.
    const label = at === last ? entity?.replace(/^B-/, 'I-') : entity;
    last = at;
    return { word, upos, entity: label, agrees: start === from && start + word.length === end };
  });
  return {
    text,
    tokens: read.map(({ word }) => word),
    labels: read.map(({ upos }) => upos),
    agree: read.map(({ agrees }) => agrees),
    gold: rows.map(([token]) => token),
    goldLabels: rows.map(([, upos]) => upos),
    entities: read.flatMap(({ entity }) => entity ?? []),
    goldEntities: rows.flatMap(([, , , entity]) => entity ?? []),
  };
}

filter(import.meta.url, sentences);
