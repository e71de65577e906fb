/**
 * Keras TimeDistributed.
 * @module
 */
import { ModelFileError, ShapeError, UnsupportedError } from '../../errors.js';
import { Recurrent } from '../recurrent.js';
import { Masking } from './masking.js';
import { Steps, Tensor } from '../tensor.js';
import { WordsSpec, WordsTensor } from './words.js';
import { Wrapper } from './wrapper.js';
/** @typedef {import('../layer.js').Layer} Layer */
/** @typedef {import('../tensor.js').Spec} Spec */

/** Whether Keras calls the layer with a mask. @param {Layer} layer */
const readsMask = (layer) =>
  layer instanceof Recurrent || /^(RNN|Softmax|GlobalAveragePooling1D|\w*Attention)$/.test(layer.className);

/** Keras TimeDistributed: applies the inner layer to each step of a sequence as if the step were a text. Steps may be words of characters. */
export class TimeDistributed extends Wrapper {
  /** @override */
  static className = 'TimeDistributed';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'step';

  /** The shape of an input of ids, if the file does not state it. */
  get idsShape() {
    return [null, null];
  }

  /** Accepts words of characters: js/layers/late/words.js. */
  get takesWords() {
    return true;
  }

  /**
   * @override
   * @param {Spec} input
   */
  build(input) {
    if (!(input instanceof WordsSpec)) this.needValues(input);
    if (!input.sequence) throw new ShapeError(`${this.path}: TimeDistributed takes a sequence [B, T, ...], got vectors`);
    const inside = this.layer.all();
    if (inside.some(({ config }) => config.stateful))
      throw new UnsupportedError(`${this.path}: a stateful layer inside TimeDistributed is not supported`);
    if (input instanceof WordsSpec) return input.each(this.layer);
    const reader = input.masked && !input.rules.select && inside.find(readsMask);
    if (reader)
      throw new UnsupportedError(
        `${reader.path}: ${reader.className} inside TimeDistributed gets the mask [B, T] of the steps in Keras, which is not a mask of its input; padless does not support that`,
      );
    const inner = this.layer.apply(input.with({ shape: input.shape.slice(1), masked: false, time: null }));
    if (Array.isArray(inner)) throw new ModelFileError(`${this.path}: the inner layer has ${inner.length} outputs, expected 1`);
    if (this.layer instanceof Masking) this.layer.zeroes = input.rules.framework === 'keras3';
    // The result has no mask for the inner axis, so later layers would read omitted steps as data.
    if (inner.masked && !(this.layer instanceof Masking && this.layer.zeroes))
      throw new UnsupportedError(
        `${this.path}: ${this.layer.className} inside TimeDistributed masks steps of the inner axis, but the mask ends there; put it and the layer that reads its mask into one TimeDistributed(Sequential([...]))`,
      );
    return input.with({ shape: [input.shape[0], ...inner.shape] });
  }

  /**
   * @override
   * @param {Tensor} x
   */
  call(x) {
    if (x instanceof WordsTensor) return x.each(this.layer);
    const { N } = x.time;
    const shape = x.shape.slice(1);
    const steps = shape.length > 1 ? new Steps(x.heap, N, Number(shape[0]), null) : null;
    const y = /** @type {Tensor} */ (this.layer.apply(new Tensor(x.heap, x.pointer, N, shape, steps)));
    return new Tensor(x.heap, y.pointer, x.B, [x.shape[0], ...y.shape], x.steps, x.keep);
  }
}
