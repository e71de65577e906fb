/**
 * Names that resemble a wrong one, for messages.
 * @module
 */

/** The number of letters to insert, delete or replace (Levenshtein distance). @param {string} a @param {string} b */
function distance(a, b) {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row[j] = Math.min(row[j - 1] + 1, above[j] + 1, above[j - 1] + Number(a[i - 1] !== b[j - 1]));
    above = row;
  }
  return above[b.length];
}

/**
 * The known name that was probably meant: at most a third of the letters of `name` differ, or `name` is its beginning.
 * @param {string} name @param {string[]} known
 * @returns {string | undefined} the nearest known name; undefined if none is near
 */
export function slipOf(name, known) {
  const wanted = name.slice(0, 100).toLowerCase();
  const [best] = known
    .map((each) => ({ each, far: wanted.length > 1 && each.startsWith(wanted) ? 0 : distance(wanted, each) }))
    .sort((a, b) => a.far - b.far);
  return best && best.far <= Math.max(1, wanted.length / 3) ? best.each : undefined;
}

/**
 * @param {string} name
 * @param {string[]} known
 * @returns {string} the text after "is not one of": 'the 96 that padless knows; the nearest are Dense, ...'
 */
export function nearest(name, known) {
  const wanted = name.slice(0, 100).toLowerCase();
  const ranked = known
    .map((each) => ({ each, far: distance(wanted, each.replace('padless>', '').toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  const near = ranked.slice(0, 3).map(({ each }) => each);
  return `the ${known.length} that padless knows; the nearest are ${near.join(', ')}`;
}
