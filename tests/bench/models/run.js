/**
 * Compares langid with the language identifiers of npm: accuracy on the benchmark, download, and time. `make models-bench` runs it. Writes
 * web/models/langid/peers.json, the table and the plot of the card.
 *
 * node tests/bench/models/run.js FOLDER    FOLDER holds langid-benchmark/
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { compile } from 'vega-lite';
import { parse, View } from 'vega';
import { peers } from './peers.js';

const [folder] = process.argv.slice(2);
const here = fileURLToPath(new URL('./', import.meta.url));
const home = new URL('../../../web/models/langid/', import.meta.url);
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
  cases[/** @type {Kind} */ (kind)] = gunzipSync(readFileSync(path))
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => ({ text: line.slice(0, line.lastIndexOf('\t')), label: line.slice(line.lastIndexOf('\t') + 1) }));
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

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** @param {number} value */
const round = (value) => Number(value.toFixed(1));

/** Gzipped bytes that a page downloads. @param {import('./peers.js').Peer} peer */
async function downloadOf({ script, files = [] }) {
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: here },
    ...{
      bundle: true,
      minify: true,
      splitting: true,
      write: false,
      format: 'esm',
      outdir: 'out',
      platform: 'browser',
      logLevel: 'silent',
    },
    // Packages import these only in Node.
    external: ['node:*', ...builtinModules],
  });
  const parts = [...outputFiles.map(({ contents }) => contents), ...files.map((file) => readFileSync(file))];
  return parts.reduce((sum, part) => sum + gzipSync(part, { level: 9 }).length, 0);
}

/** @typedef {{ accuracy: Record<Kind, Record<string, number>>, microseconds: Record<Kind, number>, answered: Set<string> }} Measured */

/** @param {import('./peers.js').Peer} peer @returns {Promise<Measured>} */
async function measure({ load }) {
  const detect = await load();
  /** @type {Measured} */
  const result = { accuracy: /** @type {any} */ ({}), microseconds: /** @type {any} */ ({}), answered: new Set() };
  for (const kind of /** @type {Kind[]} */ (Object.keys(kinds))) {
    /** @type {Map<string, number[]>} */
    const right = new Map();
    for (const { text, label } of cases[kind]) {
      const found = language(await detect(text));
      result.answered.add(found);
      right.set(label, [...(right.get(label) ?? []), Number(found === label)]);
    }
    result.accuracy[kind] = Object.fromEntries([...right].map(([label, hits]) => [label, 100 * mean(hits)]));
    const texts = cases[kind].filter((_, i) => i % TIMED === 0).map(({ text }) => text);
    const rounds = [];
    for (let repeat = 0; repeat < 3; repeat++) {
      const begun = process.cpuUsage();
      for (const text of texts) await detect(text);
      rounds.push(process.cpuUsage(begun).user / texts.length);
    }
    result.microseconds[kind] = Math.min(...rounds);
  }
  return result;
}

/** Measuring all peers takes half an hour, so results are kept here until `make clean`. */
const kept = new URL('../../../build/models-bench/', import.meta.url);
mkdirSync(kept, { recursive: true });
/** @type {(Measured & { name: string, gzip: number })[]} */
const measured = [];
for (const peer of peers) {
  const file = new URL(`${peer.name.replaceAll(/[^\w.]/g, '-')}.json`, kept);
  if (!existsSync(file)) {
    const result = await measure(peer);
    writeFileSync(file, JSON.stringify({ ...result, answered: [...result.answered] }));
    console.error(`${peer.name}: done`);
  }
  const { answered, ...result } = JSON.parse(readFileSync(file, 'utf8'));
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
    microseconds: Object.fromEntries(Object.entries(peer.microseconds).map(([kind, value]) => [kind, Math.round(value)])),
  };
});
writeFileSync(new URL('peers.json', home), `${JSON.stringify(rows, null, 1)}\n`);

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
  ...[row.name, `${(row.gzip / 1e6).toFixed(2)} MB`, row.languages, row.sentences, row.pairs, row.words],
  ...(row.name === 'langid' ? ['', ''] : [`${three(row.shared.peer)} (${row.shared.languages})`, three(row.shared.langid)]),
  three(row.microseconds),
]);
const table = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const card = readFileSync(new URL('README.md', home), 'utf8');
const part = /(<!-- results: peers -->\n)[^]*?(<!-- end -->)/;
if (!part.test(card)) throw new Error('the card has no part <!-- results: peers -->');
writeFileSync(
  new URL('README.md', home),
  card.replace(part, (_, begin, end) => `${begin}\n${table}\n\n${end}`),
);

/** A peer's data that also runs in padless is drawn once. */
const drawn = rows.filter(({ name }) => !name.endsWith('in padless'));
const points = drawn.flatMap((/** @type {any} */ row) =>
  Object.keys(kinds).map((kind) => ({
    name: row.name.split(' ')[0],
    kind,
    megabytes: row.gzip / 1e6,
    // Accuracy on the languages of both, so that a peer does not gain from supporting few languages.
    percent: row.shared.peer[kind],
    own: row.name.startsWith('langid'),
  })),
);
/** @type {any} */
const spec = {
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  background: 'white',
  data: { values: points },
  facet: { field: 'kind', type: 'nominal', sort: ['sentences', 'pairs', 'words'], title: null, header: { labelFontSize: 13 } },
  columns: 1,
  spacing: 10,
  spec: {
    width: 620,
    height: 190,
    encoding: {
      x: {
        field: 'megabytes',
        type: 'quantitative',
        scale: { type: 'log', domain: [0.08, 2] },
        title: 'download, MB gzipped',
        axis: { values: [0.1, 0.2, 0.5, 1, 2], grid: false },
      },
      y: { field: 'percent', type: 'quantitative', scale: { zero: false }, title: 'right, %' },
      color: { field: 'own', type: 'nominal', scale: { domain: [true, false], range: ['#0b6e4f', '#6b6b6b'] }, legend: null },
    },
    layer: [
      { mark: { type: 'point', filled: true, size: 60, opacity: 1 } },
      { mark: { type: 'text', align: 'left', dx: 7, fontSize: 11 }, encoding: { text: { field: 'name' } } },
    ],
  },
  resolve: { scale: { y: 'independent' } },
};
writeFileSync(new URL('accuracy.svg', home), `${await new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG()}\n`);
