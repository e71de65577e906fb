/**
 * `padless/layers`: every layer by its Keras name, and the classes to make your own of.
 * @module
 */
export * from '../dist/layers.js';
export { Functional } from './functional.js';
export { Layer } from './layer.js';
export { Sequential, Sequential as Model } from './sequential.js';
