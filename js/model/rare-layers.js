/**
 * What many models do without, in one file for a bundler: each file that is fetched apart would tear what it shares with the others into files
 * of its own, and a page waits for each of them.
 * @module
 */
export { late } from '../dist/layers-late.js';
export * as operations from './operations.js';
