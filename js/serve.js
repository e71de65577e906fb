/**
 * `padless/serve`: runs models in a worker of the caller.
 * @module
 */
export * from './page/worker-host.js';
