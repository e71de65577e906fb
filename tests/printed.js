/**
 * Captures what code prints, without a process for it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** The text that the running `work` has written; not that of the test runner, which writes to standard output, too. */
const running = new AsyncLocalStorage();
const { write } = process.stdout;
process.stdout.write = (/** @type {any[]} */ ...args) => {
  const store = running.getStore();
  if (!store) return Reflect.apply(write, process.stdout, args);
  store.written += args[0];
  return true;
};

/** @param {() => unknown} work @returns {Promise<string>} what it writes to standard output */
export async function printed(work) {
  const store = { written: '' };
  await running.run(store, work);
  return store.written;
}
