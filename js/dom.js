/**
 * `padless/dom`: answers of a model for the text in an element, while it is typed.
 * @module
 */
export * from './page/attach.js';
