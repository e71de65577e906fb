/**
 * `padless/dom`: a model beside an element in which somebody types.
 * @module
 */
export * from './page/attach.js';
