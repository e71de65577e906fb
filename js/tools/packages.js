/**
 * Imports packages from the user's project, because padless may be installed elsewhere: by `npm install --global`, `npm link`, or in a workspace.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ArgumentError } from '../errors.js';

/** Conditions of `exports` that Node uses for an import. */
const conditions = ['node', 'import', 'default'];

/** The file that an entry of `exports` in package.json names. @param {any} target @returns {string | null} */
function chosen(target) {
  if (typeof target === 'string') return target;
  for (const key of Object.keys(target ?? {})) {
    const file = conditions.includes(key) ? chosen(target[key]) : null;
    if (file) return file;
  }
  return null;
}

/**
 * Imports a package that is installed for the current folder, otherwise one that is installed for padless. Node resolves packages from another folder
 * only for require(), so this function reads `exports` itself.
 * @param {string} name  may have a path: 'onnxruntime-web/wasm'
 * @returns {Promise<any>} its exports
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
    const file = chosen(Object.hasOwn(Object(exports), '.') ? exports[`.${path}`] : exports);
    return import(pathToFileURL(file ? join(at, file) : require.resolve(name)).href);
  }
  return import(name);
}

/**
 * Imports a package or says how to install it.
 * @param {string} name
 * @param {string} task  for the message
 * @param {string} [install]  packages to install, if more than this one
 */
export async function neededPackage(name, task, install = name) {
  try {
    return await projectPackage(name);
  } catch (cause) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (cause);
    const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    throw new ArgumentError(absent ? `${task} needs ${install}: npm i -D ${install}` : `${name}: ${message.split('\n')[0]}`, {
      cause,
    });
  }
}
