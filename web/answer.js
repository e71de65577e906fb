/**
 * An answer of any kind as elements: classes and scores as bars, tags as colours over the text, several outputs each under its name.
 */
import { make } from './elements.js';
import { format, percent, say } from './language.js';

/** @typedef {Parameters<import('padless/dom').AttachOptions['onAnswer']>[0]} Prediction */
/** @typedef {Omit<Prediction, 'tokens' | 'truncated'>} Answer */

/** Bars shown of many. */
const SHOWN_BARS = 5;
/** Characters shown of a text with tags. */
const SHOWN_CHARACTERS = 2000;
/** Colours there are for tags (style.css). */
const COLOURS = 6;

/** @param {Record<string, number>} scores @param {(label: string) => string} nameOf */
function bars(scores, nameOf) {
  const top = Object.entries(scores)
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN_BARS);
  const list = make('ol', 'bars');
  for (const [label, score] of top) {
    const fill = make('span', '');
    fill.style.width = `${Math.max(0, Math.min(100, 100 * score))}%`;
    const bar = make('span', 'bar', fill);
    bar.setAttribute('aria-hidden', 'true');
    // What is no probability is no percentage.
    const number = score >= 0 && score <= 1 ? percent(score) : format(score, { maximumSignificantDigits: 5 });
    const item = make('li', '', make('span', 'name', nameOf(label)), bar, make('span', 'score', number));
    item.dataset.label = label;
    list.append(item);
  }
  return list;
}

/**
 * @param {string} text
 * @param {Prediction['tags'] & {}} tags
 * @param {{ nameOf: (label: string) => string, colourOf: (label: string) => number }} of
 * @returns {Node[]} the text with its tags, and what their colours say
 */
function taggedText(text, tags, { nameOf, colourOf }) {
  const line = make('p', 'tagged');
  line.dir = 'auto';
  const found = new Set();
  let at = 0;
  for (const { label, start, end } of tags) {
    if (start >= SHOWN_CHARACTERS) break;
    if (start < at || colourOf(label) < 0) continue;
    found.add(label);
    line.append(text.slice(at, start), make('mark', `tag-${colourOf(label)}`, text.slice(start, end), make('b', '', label)));
    at = end;
  }
  line.append(text.slice(at, Math.max(at, SHOWN_CHARACTERS)), text.length > SHOWN_CHARACTERS ? '…' : '');
  const named = [...found].filter((label) => nameOf(label) !== label).sort((a, b) => colourOf(a) - colourOf(b));
  const legend = make(
    'ul',
    'legend',
    ...named.map((label) => make('li', '', make('mark', `tag-${colourOf(label)}`, label), ` ${nameOf(label)}`)),
  );
  legend.setAttribute('aria-label', say('legend'));
  return named.length ? [line, legend] : [line];
}

/**
 * @param {Answer} answer
 * @param {{ text: string, nameOf?: ((label: string) => string) | undefined, colourOf?: ((label: string) => number) | undefined }} about
 *   colourOf: of tags, below 0 for none
 * @returns {Node[]}
 */
export function answerNodes({ outputs, spans, tags, scores }, about) {
  const { text, nameOf = (label) => label } = about;
  if (outputs) return Object.entries(outputs).flatMap(([name, answer]) => [make('h3', '', name), ...answerNodes(answer, about)]);
  if (tags) {
    const labels = [...new Set(tags.map(({ label }) => label.replace(/^[BIES]-/, '')))];
    const inTurn = (/** @type {string} */ label) => (label === 'O' ? -1 : Math.max(0, labels.indexOf(label)) % COLOURS);
    return taggedText(text, spans ?? tags, { nameOf, colourOf: about.colourOf ?? inTurn });
  }
  return scores ? [bars(scores, nameOf)] : [];
}
