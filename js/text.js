/**
 * `padless/text`: converts texts to token ids and padded batches.
 * @module
 */
export * from './text/vectorizer.js';
