/**
 * Sizes of axes: numbers, or symbolic sizes, which are polynomials with integer coefficients in B and T (both at least 1). Exporters compute shapes
 * in the graph; with symbolic sizes padless does these computations at import.
 * @module
 */

/** @typedef {number | Size} Extent */

/** A symbolic size: a sum of terms, each a coefficient times a product of names. */
export class Size {
  /** @param {Map<string, number>} terms  names joined by '*' ('' for the constant term) -> coefficient, not 0 */
  constructor(terms) {
    this.terms = terms;
    /** Equal sizes have equal keys. */
    this.key = [...terms]
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .map(([names, factor]) => (names === '' ? factor : factor === 1 ? names : `${factor}*${names}`))
      .join(' + ');
  }

  toString() {
    return this.key;
  }
}

/** A size with a name. @param {string} name */
export const named = (name) => new Size(new Map([[name, 1]]));

/** @param {Extent} a @returns {Map<string, number>} */
const termsOf = (a) => (a instanceof Size ? a.terms : new Map(a === 0 ? [] : [['', a]]));

/** @param {Map<string, number>} terms @returns {Extent} */
function sizeFrom(terms) {
  for (const [names, factor] of terms) if (factor === 0) terms.delete(names);
  if (terms.size === 0) return 0;
  return terms.size === 1 && terms.has('') ? /** @type {number} */ (terms.get('')) : new Size(terms);
}

/** @param {Extent} a @param {Extent} b @returns {Extent} */
export function plus(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  const terms = new Map(termsOf(a));
  for (const [names, factor] of termsOf(b)) terms.set(names, (terms.get(names) ?? 0) + factor);
  return sizeFrom(terms);
}

/** @param {Extent} a @param {Extent} b @returns {Extent} */
export function times(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  /** @type {Map<string, number>} */
  const terms = new Map();
  for (const [left, p] of termsOf(a))
    for (const [right, q] of termsOf(b)) {
      const names = [...left.split('*'), ...right.split('*')].filter(Boolean).sort().join('*');
      terms.set(names, (terms.get(names) ?? 0) + p * q);
    }
  return sizeFrom(terms);
}

/** @param {Extent} a @param {Extent} b */
export const minus = (a, b) => plus(a, times(-1, b));

/** Whether two sizes are equal whatever B and T are. @param {Extent} a @param {Extent} b */
export const same = (a, b) => a === b || (a instanceof Size && b instanceof Size && a.key === b.key);

/** The product of sizes. @param {Extent[]} list */
export const productOf = (list) => list.reduce(times, 1);

/** a / b; null if b does not divide a for all B and T. @param {Extent} a @param {Extent} b @returns {Extent | null} */
export function quotient(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return b !== 0 && a % b === 0 ? a / b : null;
  const divisor = [...termsOf(b)];
  if (same(a, b)) return 1;
  if (divisor.length !== 1) return null;
  const [names, factor] = divisor[0];
  /** @type {Map<string, number>} */
  const terms = new Map();
  for (const [of, p] of termsOf(a)) {
    const left = of.split('*').filter(Boolean);
    for (const name of names.split('*').filter(Boolean)) {
      const at = left.indexOf(name);
      if (at < 0) return null;
      left.splice(at, 1);
    }
    if (p % factor !== 0) return null;
    terms.set(left.join('*'), p / factor);
  }
  return sizeFrom(terms);
}

/** floor(a / b). Where that is no polynomial, its rounded part becomes a new name. null if b is not a positive number. @param {Extent} a @param {Extent} b @returns {Extent | null} */
export function floorDivided(a, b) {
  const exact = quotient(a, b);
  if (exact !== null) return exact;
  if (typeof b !== 'number' || b <= 0) return null;
  if (typeof a === 'number') return Math.floor(a / b);
  // Take multiples of b out of the floor, so that the remaining coefficients are in 0..b-1.
  const parts = [...a.terms].map(([names, factor]) => ({
    names,
    times: Math.floor(factor / b),
    rest: factor - b * Math.floor(factor / b),
  }));
  const whole = new Map(parts.map(({ names, times: count }) => [names, count]));
  const rest = new Map(parts.filter((each) => each.rest !== 0).map((each) => [each.names, each.rest]));
  // The floor of a constant below b, divided by b, is 0.
  if (rest.size === 1 && rest.has('')) return sizeFrom(whole);
  return plus(sizeFrom(whole), named(`floor((${new Size(rest).key.replaceAll('*', '.')})/${b})`));
}

/** a / b rounded towards 0, as integers are divided; null if that depends on B or T. @param {Extent} a @param {Extent} b @returns {Extent | null} */
export function truncated(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return b === 0 ? null : Math.trunc(a / b);
  return quotient(a, b) ?? (compared(a, 0) === 1 ? floorDivided(a, b) : null);
}

/** Lower and upper bound of a size over all B, T >= 1. Names from floorDivided() are at least 0. @param {Extent} a @returns {[number, number]} */
function bounds(a) {
  if (typeof a === 'number') return [a, a];
  let [least, most] = [0, 0];
  for (const [names, factor] of a.terms) {
    const low = names.includes('floor') ? 0 : factor;
    if (names === '') [least, most] = [least + factor, most + factor];
    else if (factor > 0) [least, most] = [least + low, Infinity];
    else [least, most] = [-Infinity, most + low];
  }
  return [least, most];
}

/** The sign of a - b; null if it depends on B or T. @param {Extent} a @param {Extent} b @returns {-1 | 0 | 1 | null} */
export function compared(a, b) {
  const difference = minus(a, b);
  const [least, most] = bounds(difference);
  if (least > 0) return 1;
  if (most < 0) return -1;
  return least === 0 && most === 0 ? 0 : null;
}

/** Whether a and b differ whatever B and T are. @param {Extent} a @param {Extent} b */
export function differs(a, b) {
  const sign = compared(a, b);
  return sign === 1 || sign === -1;
}
