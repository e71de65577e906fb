/**
 * Positions at which a text can be cut so that its parts, normalised and split one by one, give the same tokens as the whole text.
 * @module
 */

/**
 * Characters that normalisation may combine with the characters before them: marks, Hangul vowels and final consonants, and two vowel signs of
 * Kirat Rai that Unicode classes as letters. `compatible` holds the characters that NFKC and NFKD first map to such a character: compatibility and
 * half-width jamo, and half-width kana sound marks.
 */
const canonical = String.raw`\p{M}\u1161-\u1175\u11a8-\u11c2\u{16d67}\u{16d68}`;
const compatible = String.raw`\u3133\u3135\u3136\u313a-\u313f\u314f-\u3163\uff9e\uff9f\uffa3\uffa5\uffa6\uffaa-\uffaf\uffc2-\uffdc`;
const combining = new RegExp(`[${canonical}${compatible}]`, 'uy');

/**
 * A chunk is a character and up to 32 combining characters after it. The limit is from the stream-safe text format (UAX #15); without it, normalising
 * a megabyte of marks would take quadratic time.
 * @param {string} characters  the combining characters
 */
const chunk = (characters) => new RegExp(`[^][${characters}]{0,32}`, 'gu');
const canonicalChunk = chunk(canonical);
const compatibleChunk = chunk(canonical + compatible);

/**
 * The chunks of a text that can be normalised one by one.
 * @param {string} text
 * @param {'NFC' | 'NFD' | 'NFKC' | 'NFKD'} form
 */
export const chunksOf = (text, form) => text.matchAll(form.includes('K') ? compatibleChunk : canonicalChunk);

/** Whether some normal form may combine the code point at an offset with the one before it. @param {string} text @param {number} at */
export function combines(text, at) {
  combining.lastIndex = at;
  return combining.test(text);
}

/**
 * A border is a position after a space or line feed and before a character that no normal form combines with it; neither a word nor a grapheme
 * extends across it. Not every such position is found: the characters listed here (ASCII, Cyrillic, kana, Han, Hangul) are common enough that in
 * most texts the next border is near.
 */
const start = '!-~\u0410-\u044f\u3041-\u3094\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3';
const border = ` (?=[\\n${start}])|\\n(?=[ \\n${start}])`;
const nextBorder = new RegExp(border, 'g');
const borderHere = new RegExp(border, 'y');

/** The first border at or after `from`; the length of the text if there is none. @param {string} text @param {number} from */
export function borderFrom(text, from) {
  nextBorder.lastIndex = Math.max(0, from - 1);
  const found = from < text.length && nextBorder.exec(text);
  return found ? found.index + 1 : text.length;
}

/** The last border at or before `to`; 0 if there is none. @param {string} text @param {number} to */
export function borderBefore(text, to) {
  for (let at = Math.min(to, text.length - 1); at > 0; at--) {
    borderHere.lastIndex = at - 1;
    if (borderHere.test(text)) return at;
  }
  return 0;
}
