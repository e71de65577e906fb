/**
 * `padless/text`: converts texts to token ids and padded batches.
 * @module
 */
import * as rare from './text/rare.js';
import { provideRareText } from './text/vectorizer.js';

provideRareText(rare);
export { prepareText, TextVectorizer } from './text/vectorizer.js';
