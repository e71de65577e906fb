/**
 * Tags of tokens -> what they mark: names, words, phrases.
 * @module
 */

/** BIO: B- begins, I- goes on; BIES: E- ends, S- stands alone; BMES: M- for I-, with or without a type behind it. @typedef {'BIO' | 'BIES' | 'BMES'} Scheme */

/** @type {Scheme[]} */
export const schemes = ['BIO', 'BIES', 'BMES'];

/** @param {string} label @returns {[string, string]} part and type: B-PER -> B, PER; S -> S, '' */
function split(label) {
  const at = label.search(/[-_]/);
  return at < 0 ? [label, ''] : [label.slice(0, at), label.slice(at + 1)];
}

/**
 * Reads as conlleval does: a part that goes on without a beginning begins; a new type begins.
 * @template {{ label: string, score: number, start: number, end: number }} Tag
 * @param {Tag[]} tags  one a token
 * @param {Scheme} _scheme  BIES and BMES only add marks for the last token and for one alone
 * @returns {{ label: string, score: number, start: number, end: number }[]}
 */
export function spansOf(tags, _scheme) {
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
