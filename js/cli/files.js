/**
 * What every command does: reading files, printing lines.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { ArgumentError } from '../errors.js';

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
