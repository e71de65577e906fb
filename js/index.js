/**
 * padless: small text models in the page, and the same answer however much padding there is.
 * @module
 */
export * from './errors.js';
export { init, Kernels } from './kernels.js';
export { createModel, loadModel, Model } from './model.js';
export { features } from './wasm.js';

// Types by name: import type { Prediction } from 'padless'.
/** @typedef {import('./answers.js').Answer} Answer */
/** @typedef {import('./answers.js').OutputSettings} OutputSettings */
/** @typedef {import('./answers.js').Prediction} Prediction */
/** @typedef {import('./answers.js').Tag} Tag */
/** @typedef {import('./batch.js').MaskRows} MaskRows */
/** @typedef {import('./batch.js').Rows} Rows */
/** @typedef {import('./graph.js').CustomLayers} CustomLayers */
/** @typedef {import('./graph.js').ModelInput} ModelInput */
/** @typedef {import('./kernels.js').Input} Input */
/** @typedef {import('./kernels.js').Mask} Mask */
/** @typedef {import('./kernels.js').Output} Output */
/** @typedef {import('./kernels.js').RnnOutput} RnnOutput */
/** @typedef {import('./kernels.js').RnnWeights} RnnWeights */
/** @typedef {import('./layers/layer.js').Weight} Weight */
/** @typedef {import('./model.js').EngineOptions} EngineOptions */
/** @typedef {import('./model.js').LoadOptions} LoadOptions */
/** @typedef {import('./model.js').ModelSettings} ModelSettings */
/** @typedef {import('./model.js').OutputTensor} OutputTensor */
/** @typedef {import('./model.js').TraceStep} TraceStep */
/** @typedef {import('./model.js').TraceTensor} TraceTensor */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('./session.js').SessionOptions} SessionOptions */
/** @typedef {import('./source.js').ModelSource} ModelSource */
/** @typedef {import('./source.js').ReadOptions} ReadOptions */
/** @typedef {import('./spans.js').Scheme} Scheme */
/** @typedef {import('./text.js').TextSettings} TextSettings */
/** @typedef {import('./wasm.js').Build} Build */
/** @typedef {import('./wasm.js').ModuleSource} ModuleSource */
/** @typedef {import('./wasm.js').Simd} Simd */
