/**
 * `padless/text`: converts texts to token ids and padded batches.
 * @module
 */
export { prepareText, TextVectorizer } from './text/vectorizer.js';
