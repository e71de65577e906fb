/**
 * `padless/layers`: every layer by its Keras name.
 * @module
 */
export { Layer } from './layer.js';
export { Sequential } from './sequential.js';
export {
  Activation,
  ActivityRegularization,
  AlphaDropout,
  Dense,
  Dropout,
  Embedding,
  GaussianDropout,
  GaussianNoise,
  ReLU,
  Softmax,
  SpatialDropout1D,
} from './basic.js';
export {
  FirstStep,
  GlobalAveragePooling1D,
  GlobalMaxPooling1D,
  LastStep,
  MaskedMax,
  MaskedMean,
  MaskedMin,
  MaskedSoftmax,
  MaskedSum,
} from './pooling.js';
export { Bidirectional, GRU, LSTM, SimpleRNN } from './recurrent.js';
