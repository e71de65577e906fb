/**
 * The code of rare text settings: units ngrams, split and text, and parts. Fetched when a model needs it.
 * @module
 */
export { makeNGrams } from './ngrams.js';
export { splitTokens } from './splitter.js';
export { WordParts } from './word-parts.js';
