/**
 * Architectures as Keras JSON.
 */

/**
 * @param {string} class_name @param {string} name @param {any} config
 * @param {any[][]} inbound  for each call of the layer, its inputs: a layer's name, or [name, index of the call, index of the output]
 */
export const layer = (class_name, name, config, ...inbound) => ({
  class_name,
  name,
  config: { name, ...config },
  inbound_nodes: inbound.map((from) => from.map((entry) => (Array.isArray(entry) ? [...entry, {}] : [entry, 0, 0, {}]))),
});

/** @param {string} name @param {(number | null)[]} [shape] */
export const input = (name, shape = [null]) => layer('InputLayer', name, { batch_shape: [null, ...shape] });

/** @param {any[]} layers @param {any[]} inputs @param {any[]} outputs  names, or [name, index of the call, index of the output] @param {string} [name] */
export const functional = (layers, inputs, outputs, name = 'model') => ({
  class_name: 'Functional',
  name,
  config: {
    name,
    layers,
    input_layers: inputs.map((from) => [from, 0, 0]),
    output_layers: outputs.map((from) => (Array.isArray(from) ? from : [from, 0, 0])),
  },
});

/** @param {any[][]} layers  class name and config of each */
export const sequential = (layers) => ({
  class_name: 'Sequential',
  config: { name: 'model', layers: layers.map(([class_name, config]) => ({ class_name, config })) },
});
