/**
 * `padless`: runs small text models in web pages. Padding does not change their answers.
 * @module padless
 */
export * from './errors.js';
export { init, Kernels } from './runtime/kernels.js';
export { createModel, loadModel, Model } from './model/model.js';
export { features } from './runtime/wasm.js';

// Types that TypeScript can import by name: import type { Prediction } from 'padless'.
/** @typedef {import('./model/answers.js').AllowedLabels} AllowedLabels */
/** @typedef {import('./model/answers.js').Answer} Answer */
/** @typedef {import('./model/answers.js').OutputSettings} OutputSettings */
/** @typedef {import('./model/answers.js').Prediction} Prediction */
/** @typedef {import('./model/answers.js').Tag} Tag */
/** @typedef {import('./model/batch.js').MaskRows} MaskRows */
/** @typedef {import('./model/batch.js').Rows} Rows */
/** @typedef {import('./model/graph.js').CustomLayers} CustomLayers */
/** @typedef {import('./model/graph.js').ModelInput} ModelInput */
/** @typedef {import('./runtime/kernels.js').Input} Input */
/** @typedef {import('./runtime/kernels.js').Mask} Mask */
/** @typedef {import('./runtime/kernels.js').Output} Output */
/** @typedef {import('./runtime/kernels.js').RnnOutput} RnnOutput */
/** @typedef {import('./runtime/kernels.js').RnnWeights} RnnWeights */
/** @typedef {import('./layers/layer.js').Weight} Weight */
/** @typedef {import('./model/model.js').EngineOptions} EngineOptions */
/** @typedef {import('./model/model.js').LoadOptions} LoadOptions */
/** @typedef {import('./model/model.js').ModelSettings} ModelSettings */
/** @typedef {import('./model/model.js').OutputTensor} OutputTensor */
/** @typedef {import('./model/model.js').TraceStep} TraceStep */
/** @typedef {import('./model/model.js').TraceTensor} TraceTensor */
/** @typedef {import('./session/session.js').Session} Session */
/** @typedef {import('./session/session.js').SessionOptions} SessionOptions */
/** @typedef {import('./file/read-source.js').ModelSource} ModelSource */
/** @typedef {import('./file/read-source.js').ReadOptions} ReadOptions */
/** @typedef {import('./model/spans.js').Scheme} Scheme */
/** @typedef {import('./text/vectorizer.js').TextSettings} TextSettings */
/** @typedef {import('./runtime/wasm.js').Build} Build */
/** @typedef {import('./runtime/wasm.js').ModuleSource} ModuleSource */
/** @typedef {import('./runtime/wasm.js').Simd} Simd */
