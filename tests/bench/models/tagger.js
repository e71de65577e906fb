/**
 * Compares the tagger with English part-of-speech taggers of npm: accuracy on the treebank's own test tokens, download, and time. `make models-bench`
 * runs it. Writes web/models/tagger/peers.json and the table of the card.
 *
 * node tests/bench/models/tagger.js FOLDER    FOLDER holds pos-en-ewt/
 */
import nlp from 'compromise';
import pos from 'pos';
import model from 'wink-eng-lite-web-model';
import winkNLP from 'wink-nlp';
import winkPosTagger from 'wink-pos-tagger';
import { loadModel } from '../../../js/index.js';
import {
  downloadOf,
  megabytes,
  microseconds,
  modelFile,
  padlessPage,
  percent,
  sentencesOf,
  versioned,
  writePeers,
} from './compare.js';

const [folder] = process.argv.slice(2);

/** @typedef {{ text: string, tokens: string[], labels: string[] }} Sentence */
/** @param {string} part @returns {Sentence[]} */
const read = (part) =>
  sentencesOf(`${folder}/pos-en-ewt/${part}.conll.gz`).map((rows) => {
    const tokens = rows.map(([token]) => token);
    return { text: tokens.join(' '), tokens, labels: rows.map(([, label]) => label) };
  });

/**
 * The tags of a peer that cuts the text itself: a token has that of the word in which it begins. `words` stand in the text one behind the other.
 * @param {Sentence} sentence
 * @param {{ word: string, tag: string }[]} words
 */
function placed({ text, tokens }, words) {
  let at = 0;
  const starts = words.map(({ word }) => {
    const start = Math.max(at, text.indexOf(word, at));
    at = start + word.length;
    return start;
  });
  let [i, from] = [0, 0];
  return tokens.map((token) => {
    while (i + 1 < words.length && starts[i + 1] <= from) i++;
    from += token.length + 1;
    return words[i]?.tag ?? '';
  });
}

const ours = await loadModel(modelFile('tagger'));
const wink = winkNLP(model, ['sbd', 'pos']);
const winkTagger = winkPosTagger();
const tagger = new pos.Tagger();

/** `tag`: the tags of the tokens. @typedef {import('./compare.js').Page & { name: string, tag: (sentence: Sentence) => string[] }} Peer */
/** @type {Peer[]} */
const peers = [
  {
    name: 'tagger',
    ...padlessPage(modelFile('tagger')),
    tag: ({ tokens }) => {
      const labels = /** @type {string[]} */ (ours.outputs[0].labels);
      const [{ data }] = ours.run([tokens.map((word) => [...(ours.text?.parts?.read(word) ?? [])])]);
      return tokens.map((_, t) => {
        const values = data.subarray(t * labels.length, (t + 1) * labels.length);
        return labels[values.indexOf(Math.max(...values))];
      });
    },
  },
  {
    name: versioned('wink-nlp'),
    script: "export { default } from 'wink-nlp'; export { default as model } from 'wink-eng-lite-web-model'",
    tag: (sentence) => {
      const tokens = wink.readDoc(sentence.text).tokens();
      const tags = /** @type {string[]} */ (tokens.out(wink.its.pos));
      return placed(
        sentence,
        tokens.out().map((word, i) => ({ word, tag: tags[i] })),
      );
    },
  },
  {
    name: versioned('wink-pos-tagger'),
    script: "export { default } from 'wink-pos-tagger'",
    tag: ({ tokens }) => winkTagger.tagRawTokens(tokens).map(({ pos: tag }) => tag),
  },
  {
    name: versioned('pos'),
    script: "export { default } from 'pos'",
    tag: ({ tokens }) => tagger.tag(tokens).map(([, tag]) => tag),
  },
  {
    name: versioned('compromise'),
    script: "export { default } from 'compromise'",
    tag: (sentence) =>
      placed(
        sentence,
        nlp(sentence.text)
          .json()
          .flatMap(({ terms }) =>
            // Marks are no words here, but stand before and behind one.
            terms.flatMap(({ pre, text, post, tags }) => [
              ...[...pre.trim()].map((word) => ({ word, tag: 'mark' })),
              ...(text ? [{ word: text, tag: tags.join(' ') }] : []),
              ...[...post.trim()].map((word) => ({ word, tag: 'mark' })),
            ]),
          ),
      ),
  },
];

const auxiliaries = /^(am|is|are|was|were|be|been|being|have|has|had|having|do|does|did|'s|'m|'re|'ve|'d|'ll|get|got|to)$/i;
/** A tag by itself is too coarse where a word is an auxiliary here and a verb there. @param {string} token @param {string} tag */
const keyOf = (token, tag) => (auxiliaries.test(token) ? `${tag} ${token.toLowerCase()}` : tag);

/** The part of speech that each of a peer's tags stands for most often in the dev sentences. @param {Peer} peer @param {Sentence[]} sentences */
function meanings({ tag }, sentences) {
  /** @type {Map<string, Map<string, number>>} */
  const counts = new Map();
  for (const sentence of sentences)
    tag(sentence).forEach((found, i) => {
      const of = counts.get(keyOf(sentence.tokens[i], found)) ?? new Map();
      counts.set(keyOf(sentence.tokens[i], found), of.set(sentence.labels[i], (of.get(sentence.labels[i]) ?? 0) + 1));
    });
  return new Map([...counts].map(([key, of]) => [key, [...of].sort((a, b) => b[1] - a[1])[0][0]]));
}

const [dev, test] = [read('dev'), read('test')];
const rows = [];
for (const peer of peers) {
  const meaning = peer.name === 'tagger' ? new Map() : meanings(peer, dev);
  let [right, count] = [0, 0];
  for (const sentence of test) {
    peer.tag(sentence).forEach((tag, i) => {
      right += Number((meaning.get(keyOf(sentence.tokens[i], tag)) ?? tag) === sentence.labels[i]);
    });
    count += sentence.tokens.length;
  }
  rows.push({
    name: peer.name,
    gzip: await downloadOf(peer),
    accuracy: percent(right / count),
    microseconds: await microseconds(test, peer.tag),
  });
}
writePeers(
  'tagger',
  rows,
  ['', 'download, gzip', "the treebank's own tokens", 'us a sentence'],
  rows.map((row) => [row.name, megabytes(row.gzip), row.accuracy, row.microseconds]),
);
