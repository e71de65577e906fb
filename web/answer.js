/**
 * An answer of any kind as elements: classes and scores as bars, tags as colours over the text, several outputs each under its name.
 */
import { make } from './elements.js';
import { format, percent } from './language.js';

/** @typedef {Parameters<import('padless/dom').AttachOptions['onAnswer']>[0]} Prediction */
/** @typedef {Omit<Prediction, 'tokens' | 'truncated'>} Answer */

/** Bars shown of many. */
const SHOWN = 5;
/** Characters shown of a text with tags. */
const READ = 2000;
/** Colours there are for tags (style.css). */
const COLOURS = 6;

/** @param {Record<string, number>} scores @param {(label: string) => string} nameOf */
function bars(scores, nameOf) {
  const top = Object.entries(scores)
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN);
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

/** @param {string} text @param {Prediction['tags'] & {}} tags @param {string[]} labels */
function marked(text, tags, labels) {
  const line = make('p', 'tagged');
  line.dir = 'auto';
  let at = 0;
  for (const { label, start, end } of tags) {
    if (start >= READ) break;
    if (label === 'O' || start < at) continue;
    line.append(text.slice(at, start));
    const mark = make('mark', `tag-${Math.max(0, labels.indexOf(label)) % COLOURS}`, text.slice(start, end), make('b', '', label));
    line.append(mark);
    at = end;
  }
  line.append(text.slice(at, Math.max(at, READ)), text.length > READ ? '…' : '');
  return line;
}

/**
 * @param {Answer} answer
 * @param {{ text: string, nameOf?: (label: string) => string }} about
 * @returns {Node[]}
 */
export function answerNodes({ outputs, spans, tags, scores }, { text, nameOf = (label) => label }) {
  if (outputs)
    return Object.entries(outputs).flatMap(([name, answer]) => [make('h3', '', name), ...answerNodes(answer, { text, nameOf })]);
  if (tags) {
    const found = spans ?? tags;
    return [marked(text, found, [...new Set(tags.map(({ label }) => label.replace(/^[BIES]-/, '')))])];
  }
  return scores ? [bars(scores, nameOf)] : [];
}
