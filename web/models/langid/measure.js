/**
 * Measures a language model on the benchmark, on the everyday messages and on the inputs that are no language.
 *
 *   node web/models/langid/measure.js MODEL.safetensors FOLDER    FOLDER holds langid-benchmark/
 *
 * Prints JSON: accuracies in percent, means over languages; expected calibration errors in points; the most frequent confusions.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { loadModel } from 'padless';

const [file, folder] = process.argv.slice(2);
const kinds = { sentences: 'sentences', pairs: 'word-pairs', words: 'single-words' };
/** Languages of ours that eld has not. */
const withoutEld = new Set(['af', 'cy', 'eo', 'ga', 'id', 'kk', 'la', 'lg', 'mk', 'mn']);
/** Bins of equal width for the calibration error. */
const BINS = 15;

const model = await loadModel(file);
const labels = new Set(model.outputs[0].labels);
labels.delete('und');
/** The benchmark has one label for both scripts. @param {string} label */
const ofBenchmark = (label) => label.replace(/^zh-Han[st]$/, 'zh');
const claimed = new Set([...labels].map(ofBenchmark));

/** @typedef {{ text: string, label: string }} Case */
/** @typedef {{ label: string, found: string, score: number, certain: boolean }} Answer */

/** @param {string} content @returns {Case[]} */
const casesOf = (content) =>
  content
    .split('\n')
    .filter(Boolean)
    .map((line) => ({ text: line.slice(0, line.lastIndexOf('\t')), label: line.slice(line.lastIndexOf('\t') + 1) }));

/** @param {Case[]} cases @returns {Answer[]} */
const answer = (cases) =>
  cases.map(({ text, label }) => {
    const { label: found = '', score = 0, certain = true } = model.predict(text);
    return { label, found: ofBenchmark(found), score, certain };
  });

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** @param {number} value @param {number} [digits] */
const round = (value, digits = 2) => Number(value.toFixed(digits));

/** Percent right of each label. @param {Answer[]} answers @returns {Record<string, number>} */
function byLabel(answers) {
  /** @type {Map<string, number[]>} */
  const right = new Map();
  for (const { label, found } of answers) right.set(label, [...(right.get(label) ?? []), Number(label === found)]);
  return Object.fromEntries([...right].sort().map(([label, hits]) => [label, round(100 * mean(hits), 1)]));
}

/** Expected calibration error in points. @param {Answer[]} answers */
function calibrationError(answers) {
  const bins = Array.from({ length: BINS }, () => /** @type {Answer[]} */ ([]));
  for (const each of answers) bins[Math.min(BINS - 1, Math.floor(each.score * BINS))].push(each);
  return bins.reduce((sum, bin) => {
    if (bin.length === 0) return sum;
    const gap = Math.abs(mean(bin.map(({ score }) => score)) - mean(bin.map(({ label, found }) => Number(label === found))));
    return sum + (100 * gap * bin.length) / answers.length;
  }, 0);
}

/** @param {Answer[]} answers */
function confusions(answers) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { label, found } of answers)
    if (label !== found) counts.set(`${label} as ${found}`, (counts.get(`${label} as ${found}`) ?? 0) + 1);
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]).slice(0, 20));
}

/** @param {Case[]} cases @returns {number} microseconds of processor time a text, in the best of five rounds */
function time(cases) {
  const texts = cases.slice(0, 2000).map(({ text }) => text);
  const rounds = Array.from({ length: 5 }, () => {
    const begun = process.cpuUsage();
    for (const text of texts) model.predict(text);
    return process.cpuUsage(begun).user / texts.length;
  });
  return Math.min(...rounds);
}

/** @type {Record<string, any>} */
const results = {
  bytes: readFileSync(file).length,
  gzip: gzipSync(readFileSync(file), { level: 9 }).length,
  parameters: model.parameters,
};
/** @type {Answer[]} */
const all = [];
for (const [kind, name] of Object.entries(kinds)) {
  const path = `${folder}/langid-benchmark/${name}.tsv.gz`;
  if (!existsSync(path)) continue;
  const cases = casesOf(gunzipSync(readFileSync(path)).toString()).filter(({ label }) => claimed.has(label));
  const answers = answer(cases);
  all.push(...answers);
  const languages = byLabel(answers);
  const certain = answers.filter((each) => each.certain);
  results[kind] = {
    accuracy: round(mean(Object.values(languages))),
    likeEld: round(mean(Object.entries(languages).flatMap(([label, value]) => (withoutEld.has(label) ? [] : [value])))),
    texts: answers.length,
    calibrationError: round(calibrationError(answers)),
    certain: round((100 * certain.length) / answers.length, 1),
    rightWhereCertain: round(100 * mean(certain.map(({ label, found }) => Number(label === found))), 1),
    microseconds: round(time(cases.filter((_, i) => i % 11 === 0)), 1),
    languages,
    confusions: confusions(answers),
  };
}
if (all.length) results.calibrationError = round(calibrationError(all));
const tests = new URL('../../../tests/models/', import.meta.url);
const messageCases = casesOf(readFileSync(new URL('langid-messages.tsv', tests), 'utf8'));
const exact = messageCases.map(({ text, label }) => ({ text, label, found: model.predict(text).label ?? '' }));
results.messages = {
  texts: exact.length,
  right: exact.filter(({ label, found }) => label === found).length,
  wrong: exact.filter(({ label, found }) => label !== found).map(({ text, label, found }) => `${text} (${label}): ${found}`),
};
const none = readFileSync(new URL('langid-no-language.txt', tests), 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((text) => ({ text, label: 'und' }));
const undAnswers = answer(none);
results.noLanguage = {
  texts: none.length,
  right: undAnswers.filter(({ found }) => found === 'und').length,
  wrong: undAnswers.flatMap(({ found }, i) => (found === 'und' ? [] : [`${none[i].text}: ${found}`])),
};
console.log(JSON.stringify(results));
