/**
 * Words of characters: sequences [B, T, C, ...]. Texts may differ in the number of words T, and words in the number of characters C. The stored words
 * form another batch with one row for each word, to which layers are applied like to any batch.
 * @module
 */
import { checkFits, UnsupportedError } from '../../errors.js';
import { Dropout } from '../basic.js';
import { Layer, reachOf } from '../layer.js';
import { Bidirectional, Recurrent } from '../recurrent.js';
import { product, Spec, Tensor } from '../tensor.js';
/** @typedef {import('../tensor.js').Rules} Rules */
/** @typedef {import('../tensor.js').Steps} Steps */

/** Rules for layers inside a word, whose padding is not stored. @param {Rules} rules @returns {Rules} */
export function rulesInside(rules) {
  /** @param {string} path @returns {never} */
  const add = (path) => {
    throw new UnsupportedError(`${path}: reads the padding of words of characters, which padless does not store`);
  };
  const none = Object.assign(new Set(), { add });
  return { ...rules, readsPadding: none, needsPadded: none, needsLength: new Set() };
}

/** Options that contain axis numbers, which mean another axis inside TimeDistributed. */
const ofAxes = ['axis', 'axes', 'shared_axes', 'equation'];

/**
 * Whether a layer processes each character by itself, so that it may be applied to words as well as inside TimeDistributed.
 * @param {Layer} layer
 */
const isEach = (layer) =>
  layer instanceof Dropout ||
  (['step', 'lookup'].includes(reachOf(layer) ?? '') && !ofAxes.some((option) => layer.config[option] !== undefined));

/**
 * How Layer.apply() applies a layer to words of characters.
 * @param {WordsSpec | WordsTensor} words
 * @param {Layer} layer
 * @param {any} x  the argument of apply()
 * @returns {any} undefined: the layer is applied as to any other input: it takes words itself, or is made of layers that are asked in turn
 */
function applyToWords(words, layer, x) {
  if (layer.config.mask_zero && words instanceof WordsSpec && words.rules.framework === 'keras3')
    throw new UnsupportedError(
      `${layer.path}: an Embedding with mask_zero of ids [B, T, C] gives a mask [B, T, C] in Keras 3, which padless lacks; put it into TimeDistributed`,
    );
  if (('takesWords' in layer && layer.takesWords) || layer.build === Layer.prototype.build) return undefined;
  if (x !== words || !isEach(layer))
    throw new UnsupportedError(
      `${layer.path}: ${layer.className} is applied to words of characters; put layers that read characters into TimeDistributed, and reduce each word to a vector before other layers`,
    );
  return words.each(layer);
}

/** The Spec of words of characters. */
export class WordsSpec extends Spec {
  /**
   * @param {{ T: number | null, masked: boolean, time: object | null, rules: Rules, word: Spec, even: boolean }} of
   *   T: number of words; masked, time: of the words; word: the Spec of one word, [C, ...]; even: all words have the same number of
   *   characters, so that sequences of values are an ordinary Spec [T, C, D]
   */
  constructor({ T, masked, time, rules, word, even }) {
    super({ shape: [T, ...word.shape], ids: word.ids, masked, time, rules });
    this.word = word;
    this.even = even;
  }

  /** @param {Layer} layer @param {any} x */
  lifted(layer, x) {
    return applyToWords(this, layer, x);
  }

  /** Applies a layer to each word. @param {Layer} layer @returns {Spec} */
  each(layer) {
    const word = layer.apply(this.word);
    if (Array.isArray(word))
      throw new UnsupportedError(`${layer.path}: ${word.length} outputs for each word of characters, expected 1`);
    const { masked, time, rules, even } = this;
    const [T] = this.shape;
    // Keras 3 does not pass the mask of characters out of TimeDistributed.
    if (word.masked && !word.ids && rules.framework === 'keras3')
      throw new UnsupportedError(
        `${layer.path}: returns values for each character, whose mask Keras 3 drops; reduce each word to a vector inside the TimeDistributed`,
      );
    if (even) return new Spec({ shape: [T, ...word.shape], masked, time, rules });
    if (word.sequence) return new WordsSpec({ T, masked, time, rules, word, even });
    // For a word that is all padding, recurrent layers of Keras return their initial state, like padless. Other layers compute with the padding.
    const same = layer instanceof Recurrent || layer instanceof Bidirectional || rules.select || !masked;
    const unlikePadding = same ? '' : `${layer.path}, which is applied to words of padding in Keras`;
    return new Spec({ shape: [T, ...word.shape], masked, time, rules, unlikePadding });
  }
}

/** Words of characters. */
export class WordsTensor extends Tensor {
  /**
   * @param {Tensor} word  the words that are stored, a row each
   * @param {number} B
   * @param {Steps} steps  the words of each text
   * @param {Steps | null} keep  in the padded form: the words that count
   * @param {boolean} even  as of the WordsSpec
   */
  constructor(word, B, steps, keep, even) {
    super(word.heap, () => word.pointer, B, [steps.T, ...word.shape], steps, keep);
    this.word = word;
    this.even = even;
  }

  /** @param {Layer} layer @param {any} x */
  lifted(layer, x) {
    return applyToWords(this, layer, x);
  }

  /** Applies a layer to each word. @param {Layer} layer @returns {Tensor} */
  each(layer) {
    const { heap, B, time, keep, even } = this;
    const word = /** @type {Tensor} */ (layer.apply(this.word));
    return word.steps && !even
      ? new WordsTensor(word, B, time, keep, even)
      : new Tensor(heap, () => word.pointer, B, [time.T, ...word.shape], time, keep);
  }

  /** @override */
  get rows() {
    return this.word.rows;
  }

  /** @override @param {Steps | null} keep */
  withMask(keep) {
    return new WordsTensor(this.word, this.B, this.time, keep, this.even);
  }

  /** A copy as [B, T, C, ...], with zeros at padding. @returns {{ shape: number[], data: Float32Array }} */
  read() {
    const { B, time, keep, word, heap } = this;
    const { T, mask } = time;
    const { T: C, mask: inside } = word.time;
    const rest = /** @type {number[]} */ (word.shape.slice(1));
    const width = product(rest);
    const data = new Float32Array(checkFits(B * T * C * width));
    const ids = word.shape.length === 0;
    const values = ids ? heap.i32View(word.pointer, word.rows) : word.view();
    for (let i = 0, n = 0, from = 0; i < B * T; i++) {
      if (mask && !mask[i]) continue;
      for (let c = 0; c < C; c++) {
        if (inside && !inside[n * C + c]) continue;
        const value = values.subarray(from, from + width);
        if (!keep?.mask || keep.mask[i]) data.set(value, (i * C + c) * width);
        from += width;
      }
      n++;
    }
    return { shape: [B, T, C, ...(ids ? [] : rest)], data };
  }
}
