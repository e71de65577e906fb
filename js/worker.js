/**
 * `padless/worker`: a model in a worker, with the methods of a model on the main thread.
 * @module
 */
export * from './page/worker-client.js';
