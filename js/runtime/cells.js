/** The recurrent cells of the kernels, by Keras's names. */
import { cell } from '../dist/abi.js';

/** The pl_cell of each cell, and the number of its gates, which is the number of columns of its weights for each unit. */
export const cells = {
  SimpleRNN: { cell: cell.simple_rnn, gates: 1 },
  GRU: { cell: cell.gru, gates: 3 },
  LSTM: { cell: cell.lstm, gates: 4 },
};

/**
 * The pl_cell of a layer.
 * @param {keyof typeof cells} kind
 * @param {boolean} resetAfter  of a GRU: whether its reset gate is applied after the product, as in Keras
 */
export const cellNumber = (kind, resetAfter) => (resetAfter ? cell.gru_reset_after : cells[kind].cell);
