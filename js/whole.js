/**
 * `padless/whole`: the exports of `padless`, with layers, text and attach, in one file without import() at run time. For service workers, which
 * refuse import(), for a page's own workers, pages without a bundler and CDNs. The build bundles it into dist/padless.min.mjs, which the package
 * exports, and dist/padless.min.js, a script.
 * @module
 */
import * as inline from './dist/inline.js';
import { provideLateCode } from './model/late-code.js';
import { provideInline } from './runtime/wasm.js';

provideInline(inline);
provideLateCode();

export * from './index.js';
export * as layers from './layers/index.js';
export { attach } from './page/attach.js';
export { TextVectorizer } from './text/vectorizer.js';
