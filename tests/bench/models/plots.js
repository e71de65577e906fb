/**
 * Draws accuracy against download, each model beside its peers: accuracy.svg of the cards, from their peers.json. `make models-bench` runs it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import { modelFolder } from './compare.js';

/**
 * @typedef {object} Plot
 * @property {string} name  the model's
 * @property {string[]} kinds  a panel each
 * @property {(row: any, kind: string) => number | undefined} percent
 * @property {[number, number]} domain  of the download, in MB
 */
/** @type {Plot[]} */
const plots = [
  // Accuracy on the languages of both, so that a peer does not gain from supporting few languages.
  {
    name: 'langid',
    kinds: ['sentences', 'pairs', 'words'],
    percent: ({ shared }, kind) => shared.peer[kind],
    domain: [0.08, 2],
  },
  { name: 'tagger', kinds: ["the treebank's own tokens"], percent: ({ accuracy }) => accuracy, domain: [0.02, 3] },
  { name: 'intents', kinds: ['150 intents'], percent: ({ accuracy }) => accuracy, domain: [0.1, 5] },
  { name: 'words-zh', kinds: ['words, F1'], percent: ({ f1 }) => f1, domain: [0.04, 10] },
];

/** Of the download, in MB */
const ticks = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** @param {Plot} plot @param {any[]} rows */
function specification({ name: model, kinds, percent, domain }, rows) {
  const points = rows.flatMap((row) =>
    kinds.map((kind) => ({
      name: row.name.split(/ \d|, /)[0],
      kind,
      // A logarithmic axis has no 0: a peer without a download stands at the left edge.
      megabytes: Math.max(row.gzip / 1e6, domain[0]),
      percent: percent(row, kind),
      own: row.name.startsWith(model),
    })),
  );
  return /** @type {any} */ ({
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    data: { values: points },
    facet: { field: 'kind', type: 'nominal', sort: kinds, title: null, header: { labelFontSize: 13 } },
    columns: 1,
    spacing: 10,
    spec: {
      width: 620,
      height: 190,
      encoding: {
        x: {
          field: 'megabytes',
          type: 'quantitative',
          scale: { type: 'log', domain },
          title: 'download, MB gzipped',
          axis: { values: ticks.filter((tick) => tick >= domain[0] && tick <= domain[1]), grid: false },
        },
        y: { field: 'percent', type: 'quantitative', scale: { zero: false }, title: 'right, %' },
        color: {
          field: 'own',
          type: 'nominal',
          scale: { domain: [true, false], range: ['#0b6e4f', '#6b6b6b'] },
          legend: null,
        },
      },
      layer: [
        { mark: { type: 'point', filled: true, size: 60, opacity: 1 } },
        { mark: { type: 'text', align: 'left', dx: 7, fontSize: 11 }, encoding: { text: { field: 'name' } } },
      ],
    },
    resolve: { scale: { y: 'independent' } },
  });
}

for (const plot of plots) {
  const folder = modelFolder(plot.name);
  // A peer's weights that also run in padless are drawn once.
  const rows = JSON.parse(readFileSync(new URL('peers.json', folder), 'utf8')).filter(
    (/** @type {any} */ { name }) => !name.endsWith('in padless'),
  );
  const view = new View(parse(compile(specification(plot, rows)).spec), { renderer: 'none' });
  writeFileSync(new URL('accuracy.svg', folder), `${await view.toSVG()}\n`);
}
