/**
 * Firefox, if this machine has one: the one that FIREFOX names, or firefox-esr or firefox on the PATH. Ubuntu's own firefox only calls a snap, which
 * sees no profile outside of a home: that is none.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @param {string} path */
const isSnap = (path) => /\/snap\b/.test(realpathSync(path)) || readFileSync(path).subarray(0, 4096).includes('/snap/bin');

/** @returns {string | null} */
export function findFirefox() {
  const { FIREFOX, PATH = '' } = process.env;
  if (FIREFOX) return FIREFOX;
  const places = ['firefox-esr', 'firefox'].flatMap((name) => PATH.split(delimiter).map((folder) => join(folder, name)));
  return places.find((path) => existsSync(path) && !isSnap(path)) ?? null;
}
