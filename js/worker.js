/**
 * `padless/worker`: the same model, off the main thread.
 * @module
 */
export * from './page/worker-client.js';
