/**
 * Random changes to files and texts. Readers must neither crash nor hang on them.
 */

/** @typedef {ReturnType<typeof import('../random.js').random>} Random */

/** Extreme values of sizes and offsets. */
const ends = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/**
 * A copy of a file with one to four changes: bytes, numbers, pieces cut out, repeated or moved, the end cut off.
 * @param {Uint8Array} bytes @param {Random} random @returns {Uint8Array}
 */
export function changedBytes(bytes, { integer, choice }) {
  let changed = bytes.slice();
  for (let k = integer(1, 4); k > 0; k--) {
    // Most sizes and offsets that a reader uses are near the start or the end of the file.
    const near = choice([changed.length, 64, 512, 4096]);
    const at = choice([integer(0, Math.min(near, changed.length) - 1), Math.max(0, changed.length - integer(1, near))]);
    const length = Math.min(integer(1, choice([8, 64, 1024])), changed.length - at);
    switch (integer(0, 6)) {
      case 0:
      case 1:
        changed[at] = integer(0, 255);
        break;
      case 2:
        if (at + 8 <= changed.length) {
          const view = new DataView(changed.buffer, changed.byteOffset);
          if (integer(0, 1)) view.setUint32(at, choice(ends), true);
          else view.setBigUint64(at, BigInt(choice(ends)) << BigInt(choice([0, 8, 31, 32])), true);
        }
        break;
      case 3:
        changed = changed.slice(0, Math.max(1, at));
        break;
      case 4:
        changed.copyWithin(integer(0, changed.length - 1), at, at + length);
        break;
      case 5: {
        const longer = new Uint8Array(changed.length + length);
        longer.set(changed.subarray(0, at + length));
        longer.set(changed.subarray(at), at + length);
        changed = longer;
        break;
      }
      default:
        changed.fill(choice([0, 255]), at, at + length);
    }
  }
  return changed;
}

/** Names that every JavaScript object inherits. */
const names = ['"__proto__"', '"constructor"', '"toString"'];

/**
 * A copy of a JSON text with a token replaced, repeated or removed.
 * @param {string} text @param {Random} random
 */
export function changedJson(text, { integer, choice }) {
  const tokens = text.match(/"(?:\\.|[^"\\])*"|-?\d[\d.eE+-]*|true|false|null|[{}[\]:,]/g) ?? [];
  for (let k = integer(1, 3); k > 0; k--) {
    const at = integer(0, tokens.length - 1);
    const other = [
      'null',
      '-1',
      '0',
      '1e9',
      '1e308',
      '4294967296',
      '""',
      '"x"',
      '[]',
      '{}',
      'true',
      '[[]]',
      '{"toString":1}',
      choice(tokens),
      ...names,
    ];
    if (integer(0, 4)) tokens[at] = choice(other);
    else tokens.splice(at, integer(0, 2), ...(integer(0, 1) ? [choice(tokens)] : []));
  }
  return tokens.join('');
}

/** Ranges of characters: those that normalisation, segmentation and bidirectional layout treat in special ways among them. */
const ranges = [
  [0x20, 0x7e],
  [0, 0x1f],
  [0xa0, 0x24f],
  [0x300, 0x36f], // combining marks
  [0x334, 0x338],
  [0x590, 0x6ff], // Hebrew, Arabic
  [0x900, 0x97f], // Devanagari
  [0x1100, 0x11ff], // Hangul jamo
  [0x2000, 0x206f], // spaces, marks of direction, joiners
  [0x3040, 0x30ff],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0xd800, 0xdfff], // surrogates, most of them alone
  [0xfb00, 0xfdff],
  [0xfe00, 0xfe0f], // variation selectors
  [0xfff0, 0xffff],
  [0x1f000, 0x1faff], // emoji
  [0x10000, 0x10ffff],
  [0xe0000, 0xe01ef],
];

/** @param {number} length  code points, at most @param {Random} random */
export function hostileText(length, { integer, choice }) {
  let text = '';
  while (length > 0) {
    const [from, to] = choice(ranges);
    const run = Math.min(length, choice([1, 2, 5, 40]));
    const repeats = integer(0, 3) === 0;
    const same = integer(from, to);
    for (let i = 0; i < run; i++) {
      const code = repeats ? same : integer(from, to);
      text += code < 0x10000 ? String.fromCharCode(code) : String.fromCodePoint(code);
    }
    if (integer(0, 3) === 0) text += choice([' ', '\n', '\r\n', '\u00a0', '.']);
    length -= run;
  }
  return text;
}
