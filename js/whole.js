/**
 * `padless/whole`: what `padless` exports, without import() at run time. For service workers, which refuse import(), and for bundlers that
 * make one file of an entry.
 * @module
 */
import * as inline from './dist/inline.js';
import { provideRareLayers } from './model/graph.js';
import * as rareLayers from './model/rare-layers.js';
import { provideInline } from './runtime/wasm.js';

provideInline(inline);
provideRareLayers(rareLayers);

export * from './index.js';
