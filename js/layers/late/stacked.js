/**
 * Keras RNN with cells: one cell becomes the layer of that cell, StackedRNNCells a stack of layers.
 * @module
 */
import { ModelFileError, UnsupportedError } from '../../errors.js';
import { isAuthorsOwn } from '../keras-json.js';
import { Layer } from '../layer.js';
import { GRU, LSTM, sequenceAndStates, SimpleRNN } from '../recurrent.js';
import { Spec } from '../tensor.js';
/** @typedef {import('../recurrent.js').Recurrent} Recurrent */

/** Keras RNN with a list of cells (StackedRNNCells). Each cell becomes a layer that reads the output of the layer before it. */
export class StackedRNN extends Layer {
  /** @override */
  static className = 'RNN';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @param {import('../layer.js').LayerConfig & { cells: Recurrent[] }} config  all cells but the last return sequences
   */
  constructor({ cells: layers, ...config }) {
    super(config);
    this.cells = layers;
    for (const cell of layers.slice(0, -1)) cell.inner = true;
  }

  /**
   * Creates the layer of a single cell, or a stack for StackedRNNCells.
   * @override
   * @param {any} config
   * @param {(json: any, path: string) => Layer} _layerFromJson
   * @param {string} name
   * @returns {Layer}
   */
  static fromConfig({ cell, ...config }, _layerFromJson, name) {
    const list = cell?.class_name === 'StackedRNNCells' ? cell.config?.cells : cell?.config ? undefined : cell?.cells;
    if (!list) return layerOfCell(cell, config);
    if (!Array.isArray(list) || list.length === 0) throw new ModelFileError(`${name}: StackedRNNCells has no cells`);
    const stack = list.map((each, i) =>
      layerOfCell(each, {
        ...config,
        name: `cell_${i}`,
        return_sequences: i < list.length - 1 || config.return_sequences,
        // The output of the first cell is reversed, so the others run forward.
        go_backwards: i === 0 && config.go_backwards,
      }),
    );
    return new this({ ...config, cells: stack });
  }

  /** @override */
  getConfig() {
    const cells = this.cells.map((layer) => ({ class_name: `${layer.className}Cell`, config: layer.getConfig() }));
    return { ...super.getConfig(), cell: { class_name: 'StackedRNNCells', config: { cells } } };
  }

  /** @override */
  get positional() {
    return ['initial_state', 'mask', 'training'];
  }

  /**
   * @override
   * @param {any} x
   * @param {Record<string, any>} [options]
   */
  call(x, options) {
    const [input, given] = sequenceAndStates(x, options);
    const { go_backwards: backwards, return_sequences: sequences } = this.config;
    if (input instanceof Spec && input.masked && backwards && sequences && !input.rules.select)
      throw new UnsupportedError(`${this.path}: StackedRNNCells with go_backwards, return_sequences and a mask are not supported`);
    let at = 0;
    let y = input;
    /** @type {any[]} */
    const finals = [];
    for (const cell of this.cells) {
      const states = given.slice(at, at + cell.stateCount);
      at += cell.stateCount;
      const [out, ...last] = [cell.apply(y, { initial_state: states })].flat();
      y = out;
      finals.push(...last);
    }
    return this.config.return_state ? [y, ...finals] : y;
  }
}

/**
 * Converts a cell of Keras RNN to the layer with that cell.
 * @param {any} json  { class_name: 'LSTMCell', config }
 * @param {import('../layer.js').LayerConfig} config  of the RNN layer: return_sequences and others
 * @returns {Recurrent}
 */
function layerOfCell(json, config) {
  const classes = { SimpleRNNCell: SimpleRNN, GRUCell: GRU, LSTMCell: LSTM };
  const name = json?.class_name;
  if (isAuthorsOwn(json))
    throw new UnsupportedError(
      `${config.name ?? 'RNN'}: cell ${name} is a class of the model's author (${json.registered_name}); padless has the cells of Keras only`,
    );
  if (!Object.hasOwn(classes, name))
    throw new UnsupportedError(
      `${config.name ?? 'RNN'}: cell ${JSON.stringify(name)} is not one of ${Object.keys(classes).join(', ')}`,
    );
  if (json.config === null || typeof json.config !== 'object')
    throw new ModelFileError(`${config.name ?? 'RNN'}: cell ${name} has no config`);
  const layer = new classes[/** @type {keyof typeof classes} */ (name)]({ ...json.config, ...config });
  layer.fileClass = name;
  return layer;
}
