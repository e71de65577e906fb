/**
 * Files in ../shared, which are not part of the repository. A test that needs a missing one is skipped, and the report says why.
 */
import { existsSync, readFileSync } from 'node:fs';

const root = new URL('../../shared/', import.meta.url);

/** @param {string} path */
export const sharedUrl = (path) => new URL(path, root);

/** For test(): { skip: reason } if the file is missing. @param {string} path */
export const needs = (path) => ({ skip: existsSync(sharedUrl(path)) ? false : `../shared/${path} is not here` });

/** @param {string} path @returns {any} */
export const sharedJson = (path) => JSON.parse(readFileSync(sharedUrl(path), 'utf8'));
