/**
 * Runs the command `padless`. Its files go into `folder`, which is removed after the tests.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

export const cli = fileURLToPath(new URL('../js/cli.js', import.meta.url));
/** Node takes a tenth of a second at each start to read the system's extra certificates. Commands fetch nothing, so they run without. */
const env = { ...process.env, NODE_EXTRA_CA_CERTS: '' };
export const folder = mkdtempSync(join(tmpdir(), 'padless-'));
after(() => rmSync(folder, { recursive: true }));

/** @param {string} name @param {string | Uint8Array} content @returns {string} its path */
export function file(name, content) {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** @param {string[]} args @param {string} [cwd] @param {string} [input]  its standard input */
export function padlessIn(args, cwd, input) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', cwd, env, input });
  return { status, stdout, stderr };
}

/** @param {...string} args */
export const padless = (...args) => padlessIn(args);
