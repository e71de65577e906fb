/**
 * Compares langid with the language identifiers of npm: accuracy on the benchmark, download, and time. `make models-bench` runs it. Writes
 * web/models/langid/peers.json and the table of the card.
 *
 * node tests/bench/models/langid.js FOLDER    FOLDER holds langid-benchmark/
 */
import { existsSync } from 'node:fs';
import { downloadOf, examplesOf, kept, mean, megabytes, microseconds, writePeers } from './compare.js';
import { peers } from './langid-peers.js';

const [folder] = process.argv.slice(2);
const kinds = /** @type {const} */ ({ sentences: 'sentences', pairs: 'word-pairs', words: 'single-words' });
/** Every text of the benchmark is answered, and one in TIMED is timed. */
const TIMED = 11;

/** @typedef {keyof typeof kinds} Kind */
/** @typedef {{ text: string, label: string }} Case */
/** @type {Record<Kind, Case[]>} */
const cases = /** @type {any} */ ({});
for (const [kind, name] of Object.entries(kinds)) {
  const path = `${folder}/langid-benchmark/${name}.tsv.gz`;
  if (!existsSync(path)) throw new Error(`${path} is missing: half of the texts of lingua's accuracy report, text<TAB>language`);
  cases[/** @type {Kind} */ (kind)] = examplesOf(path);
}

/** The ISO 639-1 code of a peer's label, such as deu, cmn, zh-Latn or zh-Hant. @param {string} label */
function language(label) {
  try {
    const code = new Intl.Locale(label).language;
    return { no: 'nb', fil: 'tl' }[code] ?? code;
  } catch {
    return label;
  }
}

/** @param {number} value */
const round = (value) => Number(value.toFixed(1));

/** @typedef {{ accuracy: Record<Kind, Record<string, number>>, microseconds: Record<Kind, number>, answered: Set<string> }} Measured */

/** @param {import('./langid-peers.js').Peer} peer */
async function measure({ load }) {
  const detect = await load();
  const answered = new Set();
  const result = { accuracy: /** @type {any} */ ({}), microseconds: /** @type {any} */ ({}) };
  for (const kind of /** @type {Kind[]} */ (Object.keys(kinds))) {
    /** @type {Map<string, number[]>} */
    const right = new Map();
    for (const { text, label } of cases[kind]) {
      const found = language(await detect(text));
      answered.add(found);
      right.set(label, [...(right.get(label) ?? []), Number(found === label)]);
    }
    result.accuracy[kind] = Object.fromEntries([...right].map(([label, hits]) => [label, 100 * mean(hits)]));
    const texts = cases[kind].filter((_, i) => i % TIMED === 0).map(({ text }) => text);
    result.microseconds[kind] = await microseconds(texts, detect);
  }
  return { ...result, answered: [...answered] };
}

/** @type {(Measured & { name: string, gzip: number })[]} */
const measured = [];
for (const peer of peers) {
  const { answered, ...result } = await kept(peer.name, () => measure(peer));
  measured.push({ name: peer.name, gzip: await downloadOf(peer), ...result, answered: new Set(answered) });
}
const all = Object.keys(measured[0].accuracy.sentences);
/** The languages of the benchmark that a peer answers at least once. @param {Measured} peer */
const claimed = ({ answered }) => all.filter((label) => answered.has(label));
const ours = new Set(claimed(measured[0]));
/** @param {Measured} peer @param {string[]} labels */
const accuracies = ({ accuracy }, labels) =>
  Object.fromEntries(Object.entries(accuracy).map(([kind, by]) => [kind, round(mean(labels.map((label) => by[label])))]));

const rows = measured.map((peer) => {
  const labels = claimed(peer);
  const shared = labels.filter((label) => ours.has(label));
  return {
    name: peer.name,
    gzip: peer.gzip,
    languages: labels.length,
    ...accuracies(peer, labels),
    shared: { languages: shared.length, peer: accuracies(peer, shared), langid: accuracies(measured[0], shared) },
    microseconds: peer.microseconds,
  };
});
/** @param {Record<string, number>} values */
const three = ({ sentences, pairs, words }) => `${sentences} / ${pairs} / ${words}`;
const head = [
  '',
  'download, gzip',
  'languages',
  'sentences',
  'pairs',
  'words',
  'on the languages of both: it',
  'langid',
  'us a sentence / pair / word',
];
const lines = rows.map((/** @type {any} */ row) => [
  ...[row.name, megabytes(row.gzip), row.languages, row.sentences, row.pairs, row.words],
  ...(row.name === 'langid' ? ['', ''] : [`${three(row.shared.peer)} (${row.shared.languages})`, three(row.shared.langid)]),
  three(row.microseconds),
]);
writePeers('langid', rows, head, lines);
