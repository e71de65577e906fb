/**
 * Files that stand beside the checkout, in ../shared, and are not part of it. A test that needs one skips aloud where it is absent.
 */
import { existsSync, readFileSync } from 'node:fs';

const root = new URL('../../shared/', import.meta.url);

/** @param {string} path */
export const sharedUrl = (path) => new URL(path, root);

/** For test(): { skip: reason } where the file is absent. @param {string} path */
export const needs = (path) => ({ skip: existsSync(sharedUrl(path)) ? false : `../shared/${path} is not here` });

/** @param {string} path @returns {any} */
export const sharedJson = (path) => JSON.parse(readFileSync(sharedUrl(path), 'utf8'));
