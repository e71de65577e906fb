/**
 * The table of the section "Speed": for each model and text, a bar and a time for each engine. Times measured in this browser stand beside stored
 * reference times, which the page shows before the user has measured anything.
 */
import { make, tableHead, tableRow } from './elements.js';
import { format, say } from './language.js';
import { reference } from './reference.js';

/** @typedef {'relaxed' | 'baseline' | 'onnxruntime-web' | 'TensorFlow.js'} Engine */
/** @typedef {Partial<Record<Engine, number>>} Times  milliseconds per answer */
/**
 * A model with a text.
 * @typedef {object} Case
 * @property {'langid' | 'bilstm'} word  the model; also the key of its name in the page's texts
 * @property {number} n  characters or time steps
 * @property {number} units  of each LSTM; 0 for the language model
 */
/**
 * A case with the times measured in this browser.
 * @typedef {Case & { times: Times }} Line
 */

export const builds = /** @type {const} */ (['relaxed', 'baseline']);
export const peerNames = /** @type {const} */ (['onnxruntime-web', 'TensorFlow.js']);

/** Bars are cut at this many times the length of padless's: next to a longer one, the other bars would be too short to compare. */
const MOST = 10;

/** @param {Case} line */
export const caseName = ({ word, n, units }) => say(word, { n, units });

/** The time of padless's faster build; undefined before it is measured. @param {Times} times */
function fasterBuild(times) {
  const known = builds.map((build) => times[build]).filter((time) => time !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** @param {Times} times @param {Engine} engine  other engines than padless also get the ratio to padless's time */
function shownTime(times, engine) {
  const [time, ours] = [times[engine], fasterBuild(times)];
  if (time === undefined) return '';
  const shown = say('milliseconds', { n: format(time, { maximumSignificantDigits: 3 }) });
  if (ours === undefined || builds.includes(/** @type {'relaxed'} */ (engine))) return shown;
  return say('ratio', { time: shown, n: format(time / ours, { maximumSignificantDigits: 2 }) });
}

/** @param {'here' | 'before'} className @param {number} time @param {number} longest  the time whose bar is as wide as the column */
function bar(className, time, longest) {
  const fill = make('span', '');
  fill.style.width = `${Math.min(100, (100 * time) / longest)}%`;
  return make('div', `bar ${className}${time > longest ? ' cut' : ''}`, fill);
}

/**
 * @param {Line} line
 * @param {Engine} engine
 * @param {{ longest: number, missing: string }} shown  missing: the text in place of a time that was not measured here
 */
function engineRow({ times, ...line }, engine, { longest, missing }) {
  const before = referenceTimes(line);
  const [here, then] = [times[engine], before[engine]];
  const bars = make(
    'div',
    'speed-bars',
    ...(here ? [bar('here', here, longest)] : []),
    ...(then ? [bar('before', then, longest)] : []),
  );
  bars.setAttribute('aria-hidden', 'true');
  const name = engine === 'relaxed' || engine === 'baseline' ? say('ours', { build: say(engine) }) : engine;
  const row = tableRow(name, [bars, here === undefined ? missing : shownTime(times, engine), shownTime(before, engine)]);
  row.dataset.engine = engine;
  row.classList.toggle('ours', engine === 'relaxed' || engine === 'baseline');
  return row;
}

/** The reference's times of a case. @param {Case} line @returns {Times} */
const referenceTimes = ({ word, n, units }) =>
  reference.cases.find((each) => each.word === word && each.n === n && each.units === units)?.times ?? {};

/** @param {Line} line @param {(engine: Engine) => string} missing */
function group(line, missing) {
  const engines = line.word === 'langid' ? builds : [...builds, ...peerNames];
  const before = referenceTimes(line);
  const slower = Math.max(fasterBuild(line.times) ?? 0, fasterBuild(before) ?? 0);
  const longest = Math.min(Math.max(...Object.values(line.times), ...Object.values(before)), MOST * slower);
  const title = make('th', '', caseName(line));
  title.setAttribute('scope', 'rowgroup');
  title.setAttribute('colspan', '4');
  const ours = fasterBuild(line.times);
  if (ours !== undefined) {
    const n = format((1000 * line.n) / ours, { maximumSignificantDigits: 3 });
    title.append(' ', make('small', '', say('rate', { n })));
  }
  const rows = engines.map((engine) => engineRow(line, engine, { longest, missing: missing(engine) }));
  return make('tbody', '', make('tr', 'case', title), ...rows);
}

/**
 * @param {Line[]} lines
 * @param {(engine: Engine) => string} missing  the text in place of a time that was not measured here
 * @returns {Node[]} the parts of the table
 */
export const speedTable = (lines, missing) => [
  tableHead([say('engine'), '', say('here'), say('reference')]),
  ...lines.map((line) => group(line, missing)),
];

/** Says in which browser, on which processor and when the reference times were measured. */
export const aboutReference = () =>
  say('referenceOf', {
    browser: reference.browser,
    processor: reference.processor,
    date: new Date(`${reference.date}T00:00:00Z`).toLocaleDateString(document.documentElement.lang, {
      ...{ year: 'numeric', month: 'long', timeZone: 'UTC' },
    }),
  });
