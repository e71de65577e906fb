/**
 * Pads a text, and runs a model on it with a mask, and without one, as naive code does that reads padding as if it were text.
 */
import { tokensOf } from './tokens.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {import('./state.js').Side} Side */
/**
 * A padded text as the model gets it.
 * @typedef {object} Row
 * @property {import('./tokens.js').StepIds[]} alone  ids of the text without padding
 * @property {import('./tokens.js').StepIds[]} ids
 * @property {number[]} mask
 * @property {string[]} tokens
 * @property {boolean} cut  the text has more tokens than these
 */

/**
 * @param {string} text
 * @param {Model} model
 * @param {{ side: Side, padding: number }} options  side: where the padding goes; padding: its number of steps
 * @param {number} [most]  maximum number of tokens taken from the text; default: all that the model reads
 * @returns {Row}
 */
export function padText(text, model, { side, padding }, most = Infinity) {
  const read = tokensOf(text, model.text, most);
  const alone = read.ids.slice(0, most);
  // A word of padding has no parts.
  const filler = (model.text?.width ?? 1) > 1 ? [] : (model.text?.pad ?? 0);
  const at = { end: alone.length, front: 0, middle: alone.length >> 1 }[side];
  /** @template T @param {T[]} list @param {T} fill */
  const filled = (list, fill) => [...list.slice(0, at), ...new Array(padding).fill(fill), ...list.slice(at)];
  return {
    alone,
    ids: filled(alone, filler),
    mask: filled(new Array(alone.length).fill(1), 0),
    tokens: filled(read.tokens, '·'),
    cut: read.ids.length > alone.length,
  };
}

/**
 * Runs a model on a row three times: the text alone, padded and masked, and padded with a mask of ones.
 * @param {Model} model
 * @param {Row} row
 */
export function runThreeWays(model, { alone, ids, mask }) {
  const ones = ids.map(() => 1);
  const ways = [() => model.run([alone]), () => model.run([ids], { mask: [mask] }), () => model.run([ids], { mask: [ones] })].map(
    (run) => {
      const before = model.stats.steps;
      const [{ data }] = run();
      return { data, visited: model.stats.steps - before };
    },
  );
  const [onlyText, masked, naive] = ways;
  return { alone: onlyText, masked, naive };
}
