/**
 * Packages of the user's project: padless itself may stand elsewhere (`npm install --global`, `npm link`, a workspace).
 * @module
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ArgumentError } from '../errors.js';

/** What Node takes for an import. */
const conditions = ['node', 'import', 'default'];

/** The file that `exports` of a package.json means. @param {any} target @returns {string | null} */
function chosen(target) {
  if (typeof target === 'string') return target;
  if (target === null || typeof target !== 'object') return null;
  for (const key of Object.keys(target)) {
    const file = conditions.includes(key) ? chosen(target[key]) : null;
    if (file) return file;
  }
  return null;
}

/**
 * As an import in a file of the current folder finds it; there is no other way to ask for a package that cannot be required. Failing that,
 * as padless finds it.
 * @param {string} name  may have a path: 'onnxruntime-web/wasm'
 * @returns {Promise<any>} what it exports
 */
export async function projectPackage(name) {
  const [, whole, path] = /** @type {string[]} */ (/^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(name));
  const require = createRequire(join(process.cwd(), 'package.json'));
  for (const folder of require.resolve.paths(whole) ?? []) {
    const at = join(folder, whole);
    let manifest;
    try {
      manifest = JSON.parse(await readFile(join(at, 'package.json'), 'utf8'));
    } catch {
      continue;
    }
    const { exports } = manifest;
    const isList = exports !== null && typeof exports === 'object' && '.' in exports;
    const file = exports ? chosen(isList ? exports[`.${path}`] : exports) : null;
    return import(pathToFileURL(file ? join(at, file) : require.resolve(name)).href);
  }
  return import(name);
}

/**
 * @param {string} name
 * @param {string} task  for the error
 * @param {string} [install]  what npm is to install; more than the name where one package takes others
 */
export async function neededPackage(name, task, install = name) {
  try {
    return await projectPackage(name);
  } catch (cause) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (cause);
    const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    throw new ArgumentError(absent ? `${task} takes ${install}: npm i -D ${install}` : `${name}: ${message.split('\n')[0]}`, {
      cause,
    });
  }
}
