/**
 * The model that padless and other libraries are compared on: embedding, bidirectional LSTM, mean over time, dense layer with softmax.
 */
import { createModel } from 'padless';

/** @typedef {Map<string, { shape: number[], data: Float32Array }>} Weights  by padless's weight paths, in the order in which padless lists them */
/**
 * Another library that is compared with padless.
 * @typedef {object} Peer
 * @property {string} name
 * @property {(weights: Weights, ids: number[]) => Promise<{ run: () => Float32Array | Promise<Float32Array>, close: () => unknown }>} open
 *   makes the model with these weights; run() computes its output for the ids
 */

const VOCABULARY = 1000;
const LABELS = 10;

/** Weights that look random and are the same in every browser. @param {number} units @returns {Weights} */
export function bilstmWeights(units) {
  const [D, width] = [units, 4 * units];
  /** @type {[string, number[]][]} */
  const shapes = [['embedding.embeddings', [VOCABULARY, D]]];
  for (const side of ['forward', 'backward'])
    shapes.push(
      [`rnn.${side}_layer.kernel`, [D, width]],
      [`rnn.${side}_layer.recurrent_kernel`, [units, width]],
      [`rnn.${side}_layer.bias`, [width]],
    );
  shapes.push(['dense.kernel', [2 * units, LABELS]], ['dense.bias', [LABELS]]);
  const scale = 1 / Math.sqrt(units);
  return new Map(
    shapes.map(([path, shape]) => {
      const length = shape.reduce((product, count) => product * count, 1);
      return [path, { shape, data: Float32Array.from({ length }, (_, i) => scale * Math.sin(i * i * 0.7 + i)) }];
    }),
  );
}

/** Token ids for the model, none of them 0, which is padding. @param {number} n */
export const bilstmIds = (n) => Array.from({ length: n }, (_, i) => 1 + ((i * 37) % (VOCABULARY - 1)));

/** @param {number} units @param {Weights} weights @param {'relaxed' | 'baseline'} simd */
export function createBilstm(units, weights, simd) {
  const layers = [
    { class_name: 'Embedding', config: { name: 'embedding', input_dim: VOCABULARY, output_dim: units, mask_zero: true } },
    {
      class_name: 'Bidirectional',
      config: { name: 'rnn', layer: { class_name: 'LSTM', config: { name: 'lstm', units, return_sequences: true } } },
    },
    { class_name: 'GlobalAveragePooling1D', config: { name: 'pooling' } },
    { class_name: 'Dense', config: { name: 'dense', units: LABELS, activation: 'softmax' } },
  ];
  const architecture = { class_name: 'Sequential', config: { name: 'bilstm', layers } };
  return createModel({ architecture, simd, weights: () => weights });
}
