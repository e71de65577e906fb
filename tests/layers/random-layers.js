/**
 * Random layers as Keras JSON, for tests of random models.
 */

/** @typedef {{ class_name: string, config: any }} LayerJson */

/**
 * @param {ReturnType<typeof import('../random.js').random>} random
 * @param {readonly number[]} sizes  units to choose from
 */
export function randomLayers({ choice, uniform }, sizes) {
  const pools = ['Sum', 'Mean', 'Max', 'Min'].map((name) => `padless>Masked${name}`);

  /** @param {boolean} sequences @param {boolean} [backwards] @param {number} [units] @returns {LayerJson} */
  function recurrent(sequences, backwards = false, units = choice(sizes)) {
    return {
      class_name: choice(['SimpleRNN', 'GRU', 'LSTM']),
      config: {
        units,
        return_sequences: sequences,
        go_backwards: backwards,
        use_bias: uniform() < 0.8,
        reset_after: uniform() < 0.5,
        activation: choice(['tanh', 'softsign', 'hard_sigmoid', 'softmax']),
        recurrent_activation: choice(['sigmoid', 'hard_sigmoid']),
      },
    };
  }

  /** @param {boolean} sequences @returns {LayerJson} */
  function bidirectional(sequences) {
    const merge = choice(['concat', 'sum', 'mul', 'ave']);
    const layer = recurrent(sequences);
    const backward = recurrent(sequences, true, merge === 'concat' ? choice(sizes) : layer.config.units);
    return { class_name: 'Bidirectional', config: { layer, backward_layer: backward, merge_mode: merge } };
  }

  /** @returns {LayerJson} */
  const dense = () => ({
    class_name: 'Dense',
    config: { units: choice(sizes), activation: choice(['linear', 'relu', 'tanh', 'softmax', 'gelu']) },
  });

  const ends = [
    () => [],
    () => [{ class_name: choice([...pools, 'padless>FirstStep', 'padless>LastStep', 'GlobalAveragePooling1D']), config: {} }],
    () => [recurrent(false, uniform() < 0.5)],
    () => [bidirectional(false)],
    () => [{ class_name: 'padless>AttentionPooling', config: { units: choice([0, 3]) } }],
    () => [
      { class_name: 'Dense', config: { units: 4 } },
      { class_name: 'padless>CRF', config: { decode: choice(['viterbi', 'marginals']) } },
    ],
  ];
  /** The layers at the end of a sequence, possibly none. @returns {LayerJson[]} */
  const ending = () => choice(ends)();

  return { recurrent, bidirectional, dense, ending };
}
