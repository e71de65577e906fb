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
