/**
 * A reporter for `node --test`: it prints titles and errors of failed tests, Node's counts at the end, and why tests were skipped. Its output is the
 * same in every version of Node.
 */
import { relative } from 'node:path';
import { inspect } from 'node:util';

const counts = new Set(['tests', 'pass', 'fail', 'cancelled', 'skipped', 'todo', 'duration_ms']);

/** @param {any} error  of a failed test: a wrapper whose cause is the thrown value */
function reason(error) {
  const thrown = error?.cause ?? error;
  return thrown !== null && typeof thrown === 'object' ? inspect(thrown) : String(thrown);
}

/** @param {AsyncIterable<any>} source */
export default async function* reporter(source) {
  const printed = [];
  let failed = false;
  const cancelled = [];
  /** @type {Map<string, number>} */
  const skipped = new Map();
  for await (const { type, data } of source) {
    if (type === 'test:fail') {
      const { failureType } = data.details.error ?? {};
      // A parent fails because of its children, which have been reported.
      if (failureType === 'subtestsFailed') continue;
      const where = data.file ? `${relative(process.cwd(), data.file)}${data.line ? `:${data.line}` : ''}: ` : '';
      const told = `\nFAILED ${where}${data.name}\n${reason(data.details.error).replace(/^/gm, '  ')}\n`;
      if (failureType === 'cancelledByParent') cancelled.push(told);
      else {
        failed = true;
        yield told;
      }
    } else if (type === 'test:pass' && data.skip) {
      const why = data.skip === true ? data.name : data.skip;
      skipped.set(why, (skipped.get(why) ?? 0) + 1);
    } else if (type === 'test:stderr' || type === 'test:stdout') {
      printed.push(data.message);
    } else if (type === 'test:diagnostic' && data.nesting === 0) {
      if (counts.has(data.message.split(' ')[0])) yield `# ${data.message}\n`;
    }
  }
  // Node cancels tests when their parent fails; the parent's error is enough.
  if (!failed) yield cancelled.join('');
  for (const [why, count] of skipped) yield `# skipped ${count}: ${why}\n`;
  yield printed.join('');
}
