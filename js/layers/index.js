/**
 * `padless/layers`: every layer by its Keras name, and the classes to make your own of.
 * @module
 */
export { Layer } from './layer.js';
export { Sequential, Sequential as Model } from './sequential.js';
export { Functional } from './functional.js';
export {
  Activation,
  ActivityRegularization,
  AlphaDropout,
  Dense,
  Dropout,
  ELU,
  Embedding,
  GaussianDropout,
  GaussianNoise,
  Identity,
  LeakyReLU,
  Masking,
  PReLU,
  ReLU,
  Rescaling,
  Softmax,
  SpatialDropout1D,
  ThresholdedReLU,
  TimeDistributed,
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
export {
  AveragePooling1D,
  Conv1D,
  Cropping1D,
  DepthwiseConv1D,
  MaxPooling1D,
  SeparableConv1D,
  UpSampling1D,
  ZeroPadding1D,
} from './conv.js';
export { BatchNormalization, LayerNormalization, RMSNormalization, UnitNormalization } from './norm.js';
export {
  Add,
  Average,
  Concatenate,
  Dot,
  Flatten,
  Maximum,
  Minimum,
  Multiply,
  Permute,
  RepeatVector,
  Reshape,
  Subtract,
} from './merge.js';
export { AdditiveAttention, Attention, AttentionPooling, MultiHeadAttention } from './attention.js';
export { CRF } from './crf.js';
