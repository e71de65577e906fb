/**
 * node:test in a page. run() runs the tests that an imported file has registered, one after the other, and reports them. It has only the
 * features that test files use: any other fails when it is imported, called or passed.
 */

/** @typedef {{ after(work: () => unknown): void }} Context */
/** @typedef {(t: Context) => unknown} Body */
/** @typedef {{ name: string, skip?: string | boolean, error?: { message: string, stack: string } }} Result */

/** @type {{ name: string, skip: string | boolean, body: Body }[]} */
const registered = [];
/** Titles of the describe() that is running. @type {string[]} */
const titles = [];
/** Failures that no test waited for. @type {unknown[]} */
const stray = [];
addEventListener('error', ({ error, message }) => stray.push(error ?? message));
addEventListener('unhandledrejection', ({ reason }) => stray.push(reason));

/** @param {string} name @param {{ skip?: string | boolean } | Body} options @param {Body} [body] */
export function test(name, options, body) {
  const [{ skip = false, ...others }, work] = typeof options === 'function' ? [{}, options] : [options, body];
  const unknown = Object.keys(others);
  if (unknown.length || !work)
    throw new Error(`${name}: test() of node-test.js knows no ${unknown.join(', ') || 'test without a body'}`);
  registered.push({ name: [...titles, name].join(' > '), skip, body: work });
}

/** @param {string} name @param {() => void} body */
export function describe(name, body) {
  titles.push(name);
  body();
  titles.pop();
}

/** @param {unknown} thrown */
function asText(thrown) {
  if (!(thrown instanceof Error)) return { message: String(thrown), stack: '' };
  const cause = thrown.cause === undefined ? '' : `\nbecause of ${thrown.cause}`;
  return { message: `${thrown.name}: ${thrown.message}${cause}`, stack: thrown.stack ?? '' };
}

/** @param {Body} body */
async function failure(body) {
  /** @type {(() => unknown)[]} */
  const last = [];
  try {
    try {
      await body({ after: (work) => last.push(work) });
    } finally {
      for (const work of last) await work();
    }
    return {};
  } catch (error) {
    return { error: asText(error) };
  }
}

/** @param {string} file  of tests, by its address @returns {Promise<Result[]>} */
export async function run(file) {
  await import(file);
  const results = [];
  for (const { name, skip, body } of registered.splice(0)) results.push(skip ? { name, skip } : { name, ...(await failure(body)) });
  // Errors that no test waits for are reported in later tasks, rejections not even in the next one.
  await new Promise((resolve) => setTimeout(resolve, 100));
  return [...results, ...stray.splice(0).map((error) => ({ name: 'what no test waits for', error: asText(error) }))];
}
