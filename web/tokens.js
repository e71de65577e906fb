/**
 * Shows the tokens of a text.
 */
import { make } from './elements.js';

/** Replaces what has no shape of its own, such as white space, by something visible. @param {string} token */
function visibleToken(token) {
  if (token === '\n') return '↵';
  if (/^\s$/u.test(token)) return '␣';
  if (/^\p{M}/u.test(token)) return `◌${token}`;
  return /^[\p{C}]/u.test(token) ? '\ufffd' : token;
}

/**
 * The ids and offsets of a text, and for each token the text to show. A letter and its combining marks are normalised together, so their
 * tokens share one pair of offsets; each of them shows one code point of the normalised text.
 * @param {string} text
 * @param {import('padless').Model['text']} vectorizer
 * @param {number} [most]  tokens to show; default: all
 */
export function tokensOf(text, vectorizer, most = Infinity) {
  const { ids, offsets } = /** @type {NonNullable<import('padless').Model['text']>} */ (vectorizer).encode(text);
  const begins = (/** @type {number} */ i) => i === 0 || offsets[2 * i] !== offsets[2 * i - 2];
  let nth = 0;
  const tokens = Array.from(ids.subarray(0, most), (_, i) => {
    nth = begins(i) ? 0 : nth + 1;
    const source = text.slice(offsets[2 * i], offsets[2 * i + 1]);
    const alone = nth === 0 && (i + 1 === ids.length || begins(i + 1));
    return visibleToken((!alone && [...source.normalize('NFC')][nth]) || source);
  });
  return { ids, offsets, tokens };
}

/** A token with its id and mask, as an item of a list. @param {string} token @param {number} id @param {number} mask */
export function tokenCell(token, id, mask) {
  return make('li', mask ? '' : 'pad', make('bdi', '', token), make('span', 'id', String(id)), make('span', 'mask', String(mask)));
}

/** Padding longer than this is shown in part: its first PAD_HEAD steps and its last PAD_TAIL. */
const MOST_PADS = 9;
const [PAD_HEAD, PAD_TAIL] = [5, 3];

/**
 * The positions of a row that are shown. Of long padding, one entry stands for those in the middle, which are left out.
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

/** An item of a list of tokens that stands for those that are left out. @param {number} n */
export const tokenGap = (n) => make('li', 'gap', make('span', '', '…'), make('span', '', `+${n}`));
