/**
 * A reporter for `node FILE`: ends the process at the first test that fails.
 */
/** @param {AsyncIterable<any>} source */
export default async function* reporter(source) {
  for await (const { type, data } of source)
    if (type === 'test:fail' && data.todo === undefined) {
      process.stderr.write(`${data.name}\n`);
      process.exit(1);
    }
  yield '';
}
