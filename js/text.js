/**
 * `padless/text`: converts texts to token ids and padded batches.
 * @module
 */
export { TextVectorizer } from './text/vectorizer.js';
