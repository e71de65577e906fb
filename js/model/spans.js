/**
 * Converts tags of tokens to the spans that they mark: names, words, phrases.
 * @module
 */

/** BIO: B- begins a span, I- continues it. BIES: also E- ends it, S- is a span of one token. BMES: M- instead of I-. A type may follow. @typedef {'BIO' | 'BIES' | 'BMES'} Scheme */

/** @type {Scheme[]} */
export const schemes = ['BIO', 'BIES', 'BMES'];

/** @param {string} label @returns {[string, string]} part and type: B-PER -> B, PER; S -> S, '' */
function split(label) {
  const at = label.search(/[-_]/);
  return at < 0 ? [label, ''] : [label.slice(0, at), label.slice(at + 1)];
}

/**
 * Reads tags as conlleval does: a tag that continues a span begins one if none is open or the type differs.
 * @template {{ label: string, score: number, start: number, end: number }} Tag
 * @param {Tag[]} tags  one for each token
 * @returns {{ label: string, score: number, start: number, end: number }[]}
 */
export function spansOf(tags) {
  const spans = [];
  let open = false;
  /** @type {{ label: string, score: number, start: number, end: number, tokens: number } | undefined} */
  let span;
  for (const { label, score, start, end } of tags) {
    const [part, type] = split(label);
    if (!/^[BIMES]$/.test(part)) {
      open = false;
      continue;
    }
    if (!open || !span || part === 'B' || part === 'S' || span.label !== type) {
      span = { label: type, score: 0, start, end, tokens: 0 };
      spans.push(span);
    }
    span.end = end;
    span.score += score;
    span.tokens++;
    open = part !== 'E' && part !== 'S';
  }
  return spans.map(({ tokens, score, ...rest }) => ({ ...rest, score: score / tokens }));
}
