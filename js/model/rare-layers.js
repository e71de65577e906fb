/**
 * What many models do without, in one file for a bundler: each file that is fetched apart would tear what it shares with the others into files
 * of its own, and a page waits for each of them.
 * @module
 */
import * as attention from '../layers/attention.js';
import * as conv from '../layers/conv.js';
import * as crf from '../layers/crf.js';
import * as norm from '../layers/norm.js';

export * as operations from './operations.js';
export const families = [attention, conv, crf, norm];
