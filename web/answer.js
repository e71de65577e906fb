/**
 * Turns a model's answer into elements: scores become bars, tags become coloured words of the text, and each of several outputs gets its name as
 * a heading.
 */
import { make } from './elements.js';
import { format, percent, say } from './language.js';

/** @typedef {Parameters<import('padless/dom').AttachOptions['onAnswer']>[0]} Prediction */
/** @typedef {Omit<Prediction, 'tokens' | 'truncated'> & { certain?: boolean }} Answer */

/** Maximum number of bars; the highest scores get one. */
const SHOWN_BARS = 5;
/** Maximum number of characters of a tagged text that are shown. */
const SHOWN_CHARACTERS = 2000;
/** A label whose score is below this is more likely wrong than right. */
export const SURE = 0.5;
/** Number of tag colours: style.css defines .tag-0 to .tag-5. */
const COLOURS = 6;

/** @param {Record<string, number>} scores */
const areShares = (scores) => Object.values(scores).every((score) => score >= 0 && score <= 1);

/**
 * What the page says of a label that may be wrong; null if it is sure. Models with a threshold say whether the answer passes it (`certain`); `und` is
 * the label for no language.
 * @param {Answer} answer
 * @returns {'noLanguageFound' | 'notSure' | null}
 */
export function doubtOf({ label, score = 1, scores = {}, certain }) {
  if (label === undefined) return null;
  if (label === 'und') return 'noLanguageFound';
  return certain === false || (areShares(scores) && score < SURE) ? 'notSure' : null;
}

/**
 * A list with a bar for each of the highest scores. If all scores are in [0, 1], they are shown in percent; otherwise they are shown as plain
 * numbers, and the bars are relative to the largest magnitude.
 * @param {Record<string, number>} scores @param {(label: string) => string} nameOf
 */
function bars(scores, nameOf) {
  const all = Object.values(scores);
  const shares = areShares(scores);
  const most = shares ? 1 : all.reduce((largest, score) => Math.max(largest, Math.abs(score)), 0);
  const top = Object.entries(scores)
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN_BARS);
  const list = make('ol', 'bars');
  for (const [label, score] of top) {
    const fill = make('span', '');
    fill.style.width = `${Math.max(0, Math.min(100, (100 * score) / (most || 1)))}%`;
    const bar = make('span', 'bar', fill);
    bar.setAttribute('aria-hidden', 'true');
    const number = shares ? percent(score) : format(score, { maximumSignificantDigits: 5 });
    const item = make('li', '', make('span', 'name', nameOf(label)), bar, make('span', 'score', number));
    item.dataset.label = label;
    list.append(item);
  }
  return list;
}

/**
 * @param {string} text
 * @param {Prediction['tags'] & {}} tags
 * @param {{ nameOf: (label: string) => string, shortOf: (label: string) => string, colourOf: (label: string) => number }} of
 * @returns {Node[]} the text with its tags, and a legend of their names
 */
function taggedText(text, tags, { nameOf, shortOf, colourOf }) {
  const line = make('p', 'tagged');
  line.dir = 'auto';
  const found = new Set();
  let at = 0;
  for (const { label, start, end } of tags) {
    if (start >= SHOWN_CHARACTERS) break;
    if (start < at || colourOf(label) < 0) continue;
    found.add(label);
    line.append(
      text.slice(at, start),
      make('mark', `tag-${colourOf(label)}`, text.slice(start, end), make('b', '', shortOf(label))),
    );
    at = end;
  }
  line.append(text.slice(at, Math.max(at, SHOWN_CHARACTERS)), text.length > SHOWN_CHARACTERS ? '…' : '');
  const named = [...found].filter((label) => nameOf(label) !== label).sort((a, b) => colourOf(a) - colourOf(b));
  const legend = make(
    'ul',
    'legend',
    ...named.map((label) => {
      const short = shortOf(label);
      return make('li', '', make('mark', `tag-${colourOf(label)}`, short), ` ${short === label ? nameOf(label) : label}`);
    }),
  );
  legend.setAttribute('aria-label', say('legend'));
  return named.length ? [line, legend] : [line];
}

/** The kinds of names in Universal NER: the word for each kind, and the number of its colour. @type {Record<string, [import('./language.js').Word, number]>} */
const kinds = { PER: ['person', 1], LOC: ['place', 2], ORG: ['organisation', 3] };

/**
 * A list of the names in a text, each with its kind; no list if the text has no names.
 * @param {string} text @param {Prediction['tags'] & {}} spans
 * @returns {Node[]}
 */
export function nameNodes(text, spans) {
  const items = spans
    .filter(({ start }) => start < SHOWN_CHARACTERS)
    .map(({ label, start, end }) => {
      const [kind, colour] = kinds[label];
      return make('li', '', make('mark', `tag-${colour}`, text.slice(start, end)), ` ${say(kind)}`);
    });
  if (!items.length) return [];
  const list = make('ul', 'legend names', ...items);
  list.setAttribute('aria-label', say('names'));
  return [list];
}

/**
 * @param {Answer} answer
 * @param {{ text: string, nameOf?: ((label: string) => string) | undefined, shortOf?: ((label: string) => string) | undefined, colourOf?: ((label: string) => number) | undefined }} about
 *   nameOf: a label's name in the page's language, by default the label itself; shortOf: the text beside a tagged word; colourOf: the number of a tag's colour, negative for none;
 *   by default each label gets the next colour
 * @returns {Node[]}
 */
export function answerNodes(answer, about) {
  const { outputs, spans, tags, scores } = answer;
  const { text, nameOf = (label) => label, shortOf = (label) => label } = about;
  if (outputs) return Object.entries(outputs).flatMap(([name, each]) => [make('h3', '', name), ...answerNodes(each, about)]);
  if (tags) {
    const labels = [...new Set(tags.map(({ label }) => label.replace(/^[BIES]-/, '')))];
    const inTurn = (/** @type {string} */ label) => (label === 'O' ? -1 : Math.max(0, labels.indexOf(label)) % COLOURS);
    return taggedText(text, spans ?? tags, { nameOf, shortOf, colourOf: about.colourOf ?? inTurn });
  }
  if (!scores) return [];
  const doubt = doubtOf(answer);
  return [...(doubt ? [make('p', 'unsure', say(doubt))] : []), bars(scores, nameOf)];
}
