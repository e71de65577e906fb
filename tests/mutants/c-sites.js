/**
 * Places in a C file that a mutant can change. The file is not parsed: a mutant that does not compile is discarded, and another one chosen.
 */
/** @typedef {import('./js-sites.js').Site} Site */

/** Kinds of changes. Patterns of longer operators come first. @type {[RegExp, string, (found: RegExpExecArray) => string][]} */
const kinds = [
  [/(?<=\w\)? )(<=|>=|==|!=|<|>)(?= [\w(&*-])/g, 'operator', ([found]) => comparisons[found]],
  [/ (&&|\|\|) /g, 'operator', ([found]) => (found === ' && ' ? ' || ' : ' && ')],
  [/(?<=[\w)\]] )([+\-*/%])(?= [\w(&])/g, 'operator', ([found]) => arithmetic[found]],
  [/ ([+-])= /g, 'operator', ([found]) => (found === ' += ' ? ' -= ' : ' += ')],
  [/(?<![\w.+-]|e-)(\d+)(?![\w.]*\.|\w)/g, 'number', ([found]) => (found === '1' ? '0' : String(Number(found) + 1))],
  [/(?<![\w.])\d+\.\d+(e[+-]?\d+)?f?\b/g, 'number', ([found]) => (parseFloat(found) === 0 ? '1.0f' : `(${found} * 1.01f)`)],
  [/(?<=\b(?:if|while) )\((?=.*\) \{$)/gm, 'condition', () => '(!'],
  // Assignments and calls are removed, declarations are not.
  [/^ +(?=[\w*[\]>.-]+(?: [-+]?= |\())(?!return|sizeof)[^\n{}#]*[)\w];$/gm, 'statement', () => ';'],
  [/\b(break|continue);/g, 'statement', () => ';'],
];
/** @type {Record<string, string>} */
const comparisons = { '<': '<=', '<=': '<', '>': '>=', '>=': '>', '==': '!=', '!=': '==' };
/** @type {Record<string, string>} */
const arithmetic = { '+': '-', '-': '+', '*': '+', '/': '*', '%': '/' };

/** Replaces comments, strings, directives and assertions by blanks, so that nothing in them is changed. @param {string} text */
const code = (text) =>
  text.replace(/\/\*[^]*?\*\/|\/\/.*|"(?:\\.|[^"\\])*"|^#(?:.*\\\n)*.*$|^ *PL_ASSERT[^;]*;/gm, (found) =>
    found.replace(/[^\n]/g, ' '),
  );

/** @param {string} text @returns {Site[]} */
export function cSites(text) {
  const bare = code(text);
  /** @type {Site[]} */
  const sites = [];
  for (const [pattern, kind, to] of kinds)
    for (const found of bare.matchAll(pattern)) {
      // Negate the whole condition, even if it contains parentheses, as in `if (!(a) && b)`.
      const start = kind === 'statement' ? found.index + (/^ */.exec(found[0])?.[0].length ?? 0) : found.index;
      if (kind !== 'condition') sites.push({ start, end: found.index + found[0].length, kind, to: to(found) });
      else {
        const end = closing(bare, found.index);
        sites.push({ start, end, kind, to: `(!${text.slice(start, end)})` });
      }
    }
  return sites;
}

/** The end of the parenthesis that opens at `at`. @param {string} text @param {number} at */
function closing(text, at) {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text[i] === '(') depth++;
    if (text[i] === ')' && --depth === 0) return i + 1;
  }
  return text.length;
}
