/**
 * `padless/layers`: every layer by its Keras name, and base classes for custom layers.
 * @module
 */
export * from '../dist/layers.js';
export { Functional } from './functional.js';
export { Layer } from './layer.js';
export { Sequential, Sequential as Model } from './sequential.js';
export { Spec, Tensor } from './tensor.js';

/** @typedef {import('./layer.js').LayerConfig} LayerConfig */
/** @typedef {import('./layer.js').Reach} Reach */
/** @typedef {import('./layer.js').Value} Value */
/** @typedef {import('./layer.js').Weight} Weight */
/** @typedef {import('./layer.js').WeightSpec} WeightSpec */
/** @typedef {import('./tensor.js').Rules} Rules */
