/**
 * Functions for all commands: read files, print lines.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { ArgumentError, EngineError, PadlessError } from '../errors.js';
import { butIs } from '../file/kinds.js';

const JSON_START = new TextEncoder().encode('{');

/** Prints a string, or any other value as JSON. @param {unknown} value */
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
export const readJson = async (file) => parseJsonOf(await readText(file), file);

/** @param {string} text @param {string} name  for the error @returns {any} */
export function parseJsonOf(text, name) {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const kind = butIs(new TextEncoder().encode(text.slice(0, 100)));
    const other = kind === butIs(JSON_START) ? '' : kind;
    throw new ArgumentError(`${name}: ${/** @type {Error} */ (cause).message}${other}`, { cause });
  }
}

/** Reads an argument that is JSON, or the path of a JSON file. @param {string} given @returns {Promise<any>} */
export async function readJsonGiven(given) {
  return /^\s*[[{]/.test(given) ? parseJsonOf(given, given.slice(0, 80)) : readJson(given);
}

/**
 * Runs `work` and puts the path of the file into the message of an error.
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

/** A number with its noun, "2 cases". @param {number} count @param {string} thing  its plural must end in s */
export const counted = (count, thing) => `${count} ${thing}${count === 1 ? '' : 's'}`;
