/**
 * The layers and operations that few models need, in one module. With several modules a bundler would put shared code into further files,
 * and the page would fetch each of them.
 * @module
 */
export { activationLayerOf } from './activation-layers.js';
export { Lambda } from '../layers/late/lambda.js';
export { late } from '../dist/layers-late.js';
export * as operations from './operations.js';
export { prepareInputs } from './readers.js';
