/**
 * Readers of inputs that are neither ids [B, T] nor values.
 * @module
 */
import { Numbering } from './numbering.js';
import * as words from './words.js';
/** @typedef {import('./graph.js').ModelInput} ModelInput */

/**
 * Sets the readers of inputs that need one.
 * @param {ModelInput[]} inputs
 * @param {import('../layers/tensor.js').Rules} rules
 * @param {import('../layers/layer.js').Layer} root
 */
export function prepareInputs(inputs, rules, root) {
  const takesWords = root.all().some((layer) => 'takesWords' in layer && layer.takesWords);
  for (const input of inputs)
    if (input.numbering) input.reader = new Numbering(input);
    else if (takesWords && input.ids && input.shape.length === 2) {
      input.reader = input.words = words;
      words.prepareWords(input, rules, root);
    }
}
