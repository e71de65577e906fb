/**
 * `padless/serve`: a worker of the caller's own answers for models.
 * @module
 */
export * from './page/worker-host.js';
