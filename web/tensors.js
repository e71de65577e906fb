/**
 * Raw outputs of a model as elements: a vector as bars, a sequence as lines of numbers.
 */
import { answerNodes } from './answer.js';
import { make } from './elements.js';
import { say } from './language.js';
import { argmax } from './numbers.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {ReturnType<Model['run']>} Tensors */

/** Maximum number of steps of a sequence that are shown. */
const SHOWN_STEPS = 12;
/** Maximum number of values of a step that are shown. */
const SHOWN_VALUES = 8;

/** One line for each step: its index, its first values, and the label of the largest value. @param {Float32Array} data @param {number} K @param {readonly string[] | null | undefined} labels */
function stepLines(data, K, labels) {
  const rows = Array.from({ length: Math.min(SHOWN_STEPS, data.length / K) }, (_, t) => {
    const step = data.subarray(t * K, (t + 1) * K);
    const values = Array.from(step.subarray(0, SHOWN_VALUES), (value) => value.toFixed(4));
    return `${String(t).padStart(3)}  ${values.join('  ')}${K > SHOWN_VALUES ? '  …' : ''}${labels ? `  ${labels[argmax(step)]}` : ''}`;
  });
  const block = make('pre', '', rows.join('\n'));
  // Keyboard users can scroll the block only if it takes the focus.
  block.tabIndex = 0;
  return block;
}

/** @param {Tensors} tensors  the model's outputs, each [1, K] or [1, T, K] @param {Model} model @returns {Node[]} */
export function tensorNodes(tensors, model) {
  return tensors.flatMap(({ name, shape, data }, i) => {
    const title = make('h4', '', say('values', { name, shape: `[${shape.join(', ')}]` }));
    const labels = model.outputs[i].labels;
    if (shape.length === 2) {
      const scores = Object.fromEntries(Array.from(data, (value, k) => [labels?.[k] ?? String(k), value]));
      return [title, ...answerNodes({ scores }, { text: '' })];
    }
    return [title, stepLines(data, shape[shape.length - 1], labels)];
  });
}
