/**
 * A reporter for `node --test`: the titles and reasons of the tests that failed, then Node's closing counts. Works alike on every Node.
 */
import { relative } from 'node:path';
import { inspect } from 'node:util';

const counts = new Set(['tests', 'pass', 'fail', 'cancelled', 'skipped', 'todo', 'duration_ms']);

/** @param {any} error  what a failed test carries: a wrapper whose cause is the thing thrown */
function reason(error) {
  const thrown = error?.cause ?? error;
  return thrown instanceof Error || thrown?.stack ? inspect(thrown) : String(thrown?.message ?? thrown);
}

/** @param {AsyncIterable<any>} source */
export default async function* reporter(source) {
  const printed = [];
  for await (const { type, data } of source) {
    if (type === 'test:fail') {
      // A parent fails because of its children, which have spoken for themselves.
      if (data.details.error?.failureType === 'subtestsFailed') continue;
      const where = data.file ? `${relative(process.cwd(), data.file)}${data.line ? `:${data.line}` : ''}: ` : '';
      yield `\nFAILED ${where}${data.name}\n${reason(data.details.error).replace(/^/gm, '  ')}\n`;
    } else if (type === 'test:stderr' || type === 'test:stdout') {
      printed.push(data.message);
    } else if (type === 'test:diagnostic' && data.nesting === 0) {
      if (counts.has(data.message.split(' ')[0])) yield `# ${data.message}\n`;
    }
  }
  yield printed.join('');
}
