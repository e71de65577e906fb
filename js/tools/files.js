/**
 * What every command does: reading files, printing lines.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { ArgumentError, EngineError, PadlessError } from '../errors.js';

/** @param {unknown} value */
export const print = (value) => process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`);

/** @param {string} file */
export async function readText(file) {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ArgumentError(`${file}: ${/** @type {Error} */ (cause).message}`, { cause });
  }
}

/** @param {string} file @returns {Promise<any>} */
export async function readJson(file) {
  const text = await readText(file);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ArgumentError(`${file}: ${/** @type {Error} */ (cause).message}`, { cause });
  }
}

/** JSON in a file, or given as it is. @param {string} given @returns {Promise<any>} */
export async function readJsonGiven(given) {
  if (!/^\s*[[{]/.test(given)) return readJson(given);
  try {
    return JSON.parse(given);
  } catch (cause) {
    throw new ArgumentError(`${given.slice(0, 80)}: ${/** @type {Error} */ (cause).message}`, { cause });
  }
}

/**
 * What is wrong with a file's content names the file, by its whole path.
 * @template T
 * @param {string} file
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */
export async function about(file, work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EngineError || !(error instanceof PadlessError) || error.message.includes(file)) throw error;
    const name = basename(file);
    const named = error.message.startsWith(name) && /^[: ]/.test(error.message.slice(name.length));
    error.message = named ? file + error.message.slice(name.length) : `${file}: ${error.message}`;
    throw error;
  }
}

/** @param {number} count @param {string} thing  whose plural ends in s */
export const counted = (count, thing) => `${count} ${thing}${count === 1 ? '' : 's'}`;
