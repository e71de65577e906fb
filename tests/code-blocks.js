/**
 * The code blocks of README.md, CONTRIBUTING.md, the guides and the model cards. An HTML comment before a block says what a test does with it:
 *   <!-- code: page -->                 runs in Chromium (tests/page/code-blocks.test.js); html blocks do so without a comment
 *   <!-- code: page, NAME.js -->        a file beside the page, for the blocks after it
 *   <!-- code: not run, REASON -->      is not run
 * Other blocks run in Node or in a shell, by their language (tests/package/code-blocks.test.js). A block without a language is not code.
 */
import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);
/** @param {string} folder @param {string} ending */
const list = (folder, ending) => readdirSync(new URL(folder, root)).map((name) => folder + name + ending);
export const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...list('web/docs/', ''),
  ...readdirSync(new URL('web/models/', root), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `web/models/${name}/README.md`),
];

/**
 * @typedef {object} Block
 * @property {string} at  page and line
 * @property {string} page
 * @property {string} language
 * @property {string} code
 * @property {'node' | 'sh' | 'json' | 'page' | 'file' | 'not run' | 'no code'} how
 * @property {string} rest  the name of the file, or the reason
 */

/** @param {string} language @param {string | undefined} mark @returns {{ how: Block['how'], rest: string }} */
function howToRun(language, mark) {
  if (mark === 'page' || (!mark && language === 'html')) return { how: 'page', rest: '' };
  const [, file] = /^page, (\S+)$/.exec(mark ?? '') ?? [];
  if (file) return { how: 'file', rest: file };
  const [, reason] = /^not run, (.{10,})$/.exec(mark ?? '') ?? [];
  if (reason) return { how: 'not run', rest: reason };
  if (mark) throw new Error(`"code: ${mark}" is not one of page; page, NAME.js; not run, REASON`);
  if (!language) return { how: 'no code', rest: '' };
  /** @type {Record<string, Block['how']>} */
  const ways = { js: 'node', sh: 'sh', json: 'json' };
  if (!ways[language]) throw new Error(`no test runs ${language}: mark the block as "not run, REASON"`);
  return { how: ways[language], rest: '' };
}

/** @param {string} page @returns {Block[]} */
export function blocksOf(page) {
  const markdown = readFileSync(new URL(page, root), 'utf8');
  const fences = markdown.matchAll(/(?:^<!-- code: (.*?) -->\n\n?)?^```(\w*)\n(.*?)^```$/gms);
  return [...fences].map(({ 0: all, 1: mark, 2: language, 3: code, index }) => {
    const line = markdown.slice(0, index + all.indexOf('```')).split('\n').length;
    const at = `${page}:${line}`;
    try {
      return { at, page, language, code, ...howToRun(language, mark) };
    } catch (error) {
      throw new Error(`${at}: ${/** @type {Error} */ (error).message}`, { cause: error });
    }
  });
}

export const blocks = pages.flatMap(blocksOf);
