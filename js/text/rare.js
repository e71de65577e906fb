/**
 * The code of text settings that few models have: units ngrams, split and text, and parts. Fetched when a model needs some of it.
 * @module
 */
export { makeNGrams } from './ngrams.js';
export { splitTokens } from './splitter.js';
export { WordParts } from './word-parts.js';
