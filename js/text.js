/**
 * `padless/text`: texts become ids and padded batches.
 * @module
 */
export * from './text/vectorizer.js';
