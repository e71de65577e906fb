/**
 * Shows the tokens of a text.
 */
import { make } from './elements.js';

/** Makes white space, combining marks and control characters visible. @param {string} token */
function visibleToken(token) {
  if (token === '\n') return '↵';
  if (/^\s$/u.test(token)) return '␣';
  if (/^\p{M}/u.test(token)) return `◌${token}`;
  return /^[\p{C}]/u.test(token) ? '\ufffd' : token;
}

/** What a model reads at one position: an id, or the ids of the parts of a word. @typedef {number | number[]} StepIds */

/** The ids at each position. @param {ArrayLike<number>} ids @param {number} width  ids per token; if above 1, zeros only fill up a token's ids @returns {StepIds[]} */
export const stepsOf = (ids, width) =>
  width === 1
    ? Array.from(ids)
    : Array.from({ length: ids.length / width }, (_, t) =>
        Array.from({ length: width }, (__, i) => ids[t * width + i]).filter((id) => id !== 0),
      );

/** One id, or the first of several. @param {StepIds} step @returns {string} */
export const idText = (step) => (typeof step === 'number' ? String(step) : step.length > 1 ? `${step[0]}…` : String(step[0] ?? 0));

/**
 * The ids and offsets of a text, and for each token the text to show. A letter and its combining marks are normalised together, so their
 * tokens share one pair of offsets; each of them shows one code point of the normalised text.
 * @param {string} text
 * @param {import('padless').Model['text']} vectorizer
 * @param {number} [most]  tokens to show; default: all
 */
export function tokensOf(text, vectorizer, most = Infinity) {
  const reader = /** @type {NonNullable<import('padless').Model['text']>} */ (vectorizer);
  const { ids, offsets } = reader.encode(text);
  const steps = stepsOf(ids, reader.width);
  const begins = (/** @type {number} */ i) => i === 0 || offsets[2 * i] !== offsets[2 * i - 2];
  let nth = 0;
  const tokens = steps.slice(0, most).map((_, i) => {
    nth = begins(i) ? 0 : nth + 1;
    const source = text.slice(offsets[2 * i], offsets[2 * i + 1]);
    const alone = nth === 0 && (i + 1 === steps.length || begins(i + 1));
    return visibleToken((!alone && [...source.normalize('NFC')][nth]) || source);
  });
  return { ids: steps, offsets, tokens };
}

/** A token with its id and mask, as an item of a list. @param {string} token @param {StepIds} id @param {number} mask */
export function tokenCell(token, id, mask) {
  return make('li', mask ? '' : 'pad', make('bdi', '', token), make('span', 'id', idText(id)), make('span', 'mask', String(mask)));
}

/** Padding longer than this is shown in part: its first PAD_HEAD steps and its last PAD_TAIL. */
const MOST_PADS = 9;
const [PAD_HEAD, PAD_TAIL] = [5, 3];

/**
 * The positions of a row that are shown. One entry replaces the middle of long padding, which is not shown.
 * @param {ArrayLike<number>} mask
 * @returns {{ t: number, hidden: number }[]}  t: the position; hidden: if not 0, the number of positions that this entry stands for
 */
export function shownPositions(mask) {
  const shown = [];
  for (let t = 0; t < mask.length;) {
    let end = t;
    while (end < mask.length && !mask[end]) end++;
    if (end - t <= MOST_PADS) {
      for (end = Math.max(end, t + 1); t < end; t++) shown.push({ t, hidden: 0 });
      continue;
    }
    for (let i = 0; i < PAD_HEAD; i++) shown.push({ t: t + i, hidden: 0 });
    shown.push({ t: t + PAD_HEAD, hidden: end - t - PAD_HEAD - PAD_TAIL });
    for (let i = PAD_TAIL; i > 0; i--) shown.push({ t: end - i, hidden: 0 });
    t = end;
  }
  return shown;
}

/** A list item in place of n tokens that are not shown. @param {number} n */
export const tokenGap = (n) => make('li', 'gap', make('span', '', '…'), make('span', '', `+${n}`));
