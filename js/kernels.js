/**
 * `padless/kernels`: the masked kernels for plain arrays, without models, layers and text. It has half the size of `padless`.
 * @module
 */
export {
  ArgumentError,
  EngineError,
  IdError,
  LoadError,
  MemoryError,
  PadlessError,
  ShapeError,
  UnsupportedError,
} from './errors.js';
export { init, Kernels } from './runtime/kernels.js';
export { features } from './runtime/wasm.js';

// Types that TypeScript can import by name: import type { Input } from 'padless/kernels'.
/** @typedef {import('./runtime/kernels.js').Cell} Cell */
/** @typedef {import('./runtime/kernels.js').Input} Input */
/** @typedef {import('./runtime/kernels.js').Mask} Mask */
/** @typedef {import('./runtime/kernels.js').Output} Output */
/** @typedef {import('./runtime/kernels.js').RnnOutput} RnnOutput */
/** @typedef {import('./runtime/kernels.js').RnnWeights} RnnWeights */
/** @typedef {import('./runtime/wasm.js').Build} Build */
/** @typedef {import('./runtime/wasm.js').ModuleSource} ModuleSource */
/** @typedef {import('./runtime/wasm.js').Simd} Simd */
