/**
 * Compares intents with a classifier of npm that is trained on the same requests: accuracy on CLINC150's test requests in scope, download, and time.
 * `make models-bench` runs it. Writes web/models/intents/peers.json and the table of the card.
 *
 * node tests/bench/models/intents.js FOLDER    FOLDER holds cls-en-clinc150/
 */
import winkBayes from 'wink-naive-bayes-text-classifier';
import winkUtils from 'wink-nlp-utils';
import { loadModel } from '../../../js/index.js';
import {
  downloadOf,
  examplesOf,
  gzipBytes,
  kept,
  megabytes,
  microseconds,
  modelFile,
  padlessPage,
  percent,
  versioned,
  writePeers,
} from './compare.js';

const [folder] = process.argv.slice(2);
/** The classifier of npm takes 25 ms a request: one request in EVERY is answered, and TIMED of these are timed. */
const EVERY = 3;
const TIMED = 50;
/** @param {string} part */
const read = (part) => examplesOf(`${folder}/cls-en-clinc150/${part}.tsv.gz`);
const train = [...read('train'), ...read('oos_train')];

/** `learned`: what a page fetches beside the package. @typedef {{ classify: (text: string) => string | Promise<string>, learned?: string }} Trained */

/** @returns {Promise<Trained>} */
async function ours() {
  const model = await loadModel(modelFile('intents'));
  return { classify: (text) => model.predict(text).label ?? '' };
}

/** @returns {Trained} */
function bayes() {
  const classifier = winkBayes();
  const { string, tokens } = winkUtils;
  classifier.definePrepTasks([string.lowerCase, string.tokenize0, tokens.propagateNegations, tokens.stem]);
  classifier.defineConfig({ considerOnlyPresence: true, smoothingFactor: 0.5 });
  for (const { text, label } of train) classifier.learn(text, label);
  classifier.consolidate();
  return { classify: (text) => classifier.predict(text), learned: classifier.exportJSON() };
}

const peers = [
  { name: 'intents', ...padlessPage(modelFile('intents')), make: ours },
  {
    name: versioned('wink-naive-bayes-text-classifier'),
    script: "export { default } from 'wink-naive-bayes-text-classifier'; export { default as utils } from 'wink-nlp-utils'",
    make: bayes,
  },
];

const test = read('test').filter((_, i) => i % EVERY === 0);

/** @param {typeof peers[0]} peer */
async function measure({ make, name, ...page }) {
  const { classify, learned } = await make();
  let right = 0;
  for (const { text, label } of test) if ((await classify(text)) === label) right++;
  return {
    name,
    gzip: (await downloadOf(page)) + (learned ? gzipBytes(learned) : 0),
    accuracy: percent(right / test.length),
    microseconds: await microseconds(test.slice(0, TIMED), ({ text }) => classify(text)),
  };
}

const rows = [];
for (const peer of peers) rows.push(await (peer.make === ours ? measure(peer) : kept(peer.name, () => measure(peer))));
writePeers(
  'intents',
  rows,
  ['', 'download, gzip', '150 intents', 'us a request'],
  rows.map((row) => [row.name, megabytes(row.gzip), row.accuracy, row.microseconds]),
);
