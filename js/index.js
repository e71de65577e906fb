/**
 * padless: small text models in the page, and the same answer however much padding there is.
 * @module
 */
export * from './errors.js';
export { init, Kernels } from './kernels.js';
export { createModel, loadModel, Model } from './model.js';
export { features } from './wasm.js';
