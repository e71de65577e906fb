/**
 * Headless Firefox, driven over WebDriver BiDi, if this machine has one: the one that FIREFOX names, or firefox-esr or firefox on the PATH or in
 * build/browsers, which is for Ubuntu (tests/setup.sh). Ubuntu's own firefox only starts a snap, which cannot use a profile outside of a home folder, so
 * it does not count.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';

/** @param {string} path */
const isSnap = (path) => /\/snap\b/.test(realpathSync(path)) || readFileSync(path).subarray(0, 4096).includes('/snap/bin');

const folders = [...(process.env.PATH ?? '').split(delimiter), fileURLToPath(new URL('../../build/browsers', import.meta.url))];

/** @param {string} name */
const onPath = (name) => folders.map((folder) => join(folder, name)).filter((path) => existsSync(path));

/** If FIREFOX is set, that binary or none. @returns {string | null} */
function findFirefox() {
  const { FIREFOX } = process.env;
  if (FIREFOX) return FIREFOX.includes('/') ? FIREFOX : (onPath(FIREFOX)[0] ?? FIREFOX);
  return ['firefox-esr', 'firefox'].flatMap(onPath).find((path) => !isSnap(path)) ?? null;
}

const executablePath = findFirefox();

/** @param {Record<string, unknown>} [preferences] */
export const launch = (preferences = {}) =>
  puppeteer.launch({
    browser: 'firefox',
    executablePath: /** @type {string} */ (executablePath),
    headless: true,
    // One call runs a whole file of tests, which takes long on a busy machine.
    timeout: 120_000,
    protocolTimeout: 600_000,
    extraPrefsFirefox: preferences,
  });

/** Runs tests if there is a Firefox. @param {() => void} tests */
export function withFirefox(tests) {
  if (executablePath) tests();
  else test('Firefox', { skip: 'no Firefox; install firefox-esr or set FIREFOX=' });
}
