/**
 * SimpleRNN, GRU, LSTM and the aligned Bidirectional.
 * @module
 */
import { ShapeError, UnsupportedError } from '../errors.js';
import { activationNumber } from './activations.js';
import { Layer } from './layer.js';
import { Tensor } from './tensor.js';
/** @typedef {import('../memory.js').Heap} Heap */
/** @typedef {import('./layer.js').Shape} Shape */
/** @typedef {import('./layer.js').BuildContext} BuildContext */

/** enum pl_cell, gates of each cell */
const cells = { SimpleRNN: { cell: 0, gates: 1 }, GRU: { cell: 1, gates: 3 }, LSTM: { cell: 3, gates: 4 } };
const GRU_RESET_AFTER = 2;
/** enum pl_order */
const FORWARD = 0;
const BACKWARD_AS_VISITED = 2;
/** enum pl_merge */
const merges = { concat: 0, sum: 1, mul: 2, ave: 3 };
/** 4-byte words of struct pl_state */
const STATE_WORDS = 2;

/** Base of the recurrent layers: options and weights as Keras has them, one kernel for all cells. */
export class Recurrent extends Layer {
  /**
   * @override
   * @param {Shape} input
   * @param {BuildContext} context
   * @returns {Shape}
   */
  build(input, context) {
    this.needSequence(input);
    this.refuse({ stateful: [false], return_state: [false], time_major: [false] });
    const { config } = this;
    const kind = this.className === 'LSTM' || this.className === 'GRU' ? this.className : 'SimpleRNN';
    const { cell, gates } = cells[kind];
    const resetAfter = kind === 'GRU' && config.reset_after !== false;
    this.D = input.features;
    this.units = Number(config.units);
    this.cell = resetAfter ? GRU_RESET_AFTER : cell;
    this.act = activationNumber(config.activation === undefined ? 'tanh' : config.activation, this.path, context.kerasMajor);
    const recurrent = config.recurrent_activation === undefined ? 'sigmoid' : config.recurrent_activation;
    this.recAct = activationNumber(recurrent, this.path, context.kerasMajor);
    this.returnSequences = Boolean(config.return_sequences);
    const width = gates * this.units;
    this.addWeight('kernel', [this.D, width]);
    this.addWeight('recurrent_kernel', [this.units, width]);
    if (config.use_bias !== false) this.addWeight('bias', resetAfter ? [2, width] : [width]);
    return { sequence: this.returnSequences, features: this.units, masked: this.returnSequences && input.masked };
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const { cell = 0, D = 0, units = 0, act = 0, recAct = 0 } = this;
    const packed = heap.reserve32(heap.exports.pl_rnn_packed_size(cell, D, units));
    heap.scoped(() => {
      const [kernel, recurrent, bias] = ['kernel', 'recurrent_kernel', 'bias'].map((name) =>
        this.weights.has(name) || name !== 'bias' ? heap.f32(this.weight(name).data) : 0,
      );
      heap.exports.pl_rnn_pack(packed, kernel, recurrent, bias, cell, D, units);
    });
    /** The words of struct pl_rnn. */
    this.descriptor = [cell, D, units, act, recAct, packed];
    this.rnn = heap.i32(this.descriptor);
  }

  /**
   * @override
   * @param {Tensor} x
   * @param {Heap} heap
   */
  call(x, heap) {
    const { rnn = 0, units = 0, returnSequences = false } = this;
    const { B, splitsPointer } = x.steps;
    const rows = returnSequences ? x.rows : B;
    const y = heap.reserve32(rows * units);
    const order = this.config.go_backwards ? BACKWARD_AS_VISITED : FORWARD;
    const last = returnSequences ? 0 : heap.i32([y, 0]);
    const arena = heap.scratch(heap.exports.pl_ragged_rnn_scratch(rnn, splitsPointer, B));
    heap.exports.pl_ragged_rnn(returnSequences ? y : 0, last, x.pointer, rnn, 0, splitsPointer, order, units, B, arena);
    return new Tensor(y, rows, units, x.steps, returnSequences);
  }
}

export class SimpleRNN extends Recurrent {}
export class GRU extends Recurrent {}
export class LSTM extends Recurrent {}

/**
 * Keras Bidirectional, aligned: the backward layer starts at the last step that counts and its output for a step stands at that step.
 */
export class Bidirectional extends Layer {
  /**
   * @param {import('./layer.js').LayerConfig & { layer: Recurrent, backwardLayer?: Recurrent }} config
   */
  constructor({ layer, backwardLayer, ...config }) {
    super(config);
    this.forwardLayer = layer;
    this.backwardLayer =
      backwardLayer ??
      new /** @type {new (config: any) => Recurrent} */ (layer.constructor)({
        ...layer.getConfig(),
        name: `backward_${layer.name}`,
        go_backwards: !layer.config.go_backwards,
      });
  }

  /** @override */
  getConfig() {
    /** @param {Layer} layer */
    const serialized = (layer) => ({ class_name: layer.className, config: layer.getConfig() });
    return { ...super.getConfig(), layer: serialized(this.forwardLayer), backward_layer: serialized(this.backwardLayer) };
  }

  /**
   * @override
   * @param {Shape} input
   * @param {BuildContext} context
   * @returns {Shape}
   */
  build(input, context) {
    const { forwardLayer: forward, backwardLayer: backward } = this;
    const merge = this.config.merge_mode === undefined ? 'concat' : (this.config.merge_mode ?? 'none');
    if (merge !== 'none' && !Object.hasOwn(merges, merge)) {
      throw new UnsupportedError(`${this.path}: merge_mode ${JSON.stringify(merge)} is not one of concat, sum, mul, ave, null`);
    }
    if (merge === 'none')
      throw new UnsupportedError(`${this.path}: merge_mode null gives two outputs, which a Sequential model cannot pass on`);
    if (forward.config.go_backwards || !backward.config.go_backwards) {
      throw new UnsupportedError(`${this.path}: the forward layer must have go_backwards=false and the backward layer true`);
    }
    const a = forward.build(input, context);
    const b = backward.build(input, context);
    if (a.sequence !== b.sequence) throw new ShapeError(`${this.path}: return_sequences differs between the two directions`);
    if (merge !== 'concat' && a.features !== b.features) {
      throw new ShapeError(`${this.path}: merge_mode ${merge} needs equal units, got ${a.features} and ${b.features}`);
    }
    this.merge = merges[/** @type {keyof typeof merges} */ (merge)];
    return { ...a, features: merge === 'concat' ? a.features + b.features : a.features };
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    super.load(heap);
    this.rnns = heap.i32([...(this.forwardLayer.descriptor ?? []), ...(this.backwardLayer.descriptor ?? [])]);
  }

  /**
   * @override
   * @param {Tensor} x
   * @param {Heap} heap
   */
  call(x, heap) {
    const { rnns = 0, merge = 0 } = this;
    const { B, splitsPointer } = x.steps;
    const [unitsForward, unitsBackward] = [this.forwardLayer.units ?? 0, this.backwardLayer.units ?? 0];
    const features = merge === merges.concat ? unitsForward + unitsBackward : unitsForward;
    const sequence = this.forwardLayer.returnSequences ?? false;
    const rows = sequence ? x.rows : B;
    const y = heap.reserve32(rows * features);
    const run = heap.exports.pl_ragged_bidirectional;
    const scratchBytes = heap.exports.pl_ragged_bidirectional_scratch(rnns, splitsPointer, merge, B);
    if (sequence) {
      run(y, 0, 0, x.pointer, rnns, 0, splitsPointer, merge, B, heap.scratch(scratchBytes));
    } else {
      const forward = heap.reserve32(B * unitsForward);
      const backward = heap.reserve32(B * unitsBackward);
      const last = heap.reserve32(2 * STATE_WORDS);
      heap.i32View(last, 2 * STATE_WORDS).set([forward, 0, backward, 0]);
      run(0, 0, last, x.pointer, rnns, 0, splitsPointer, merge, B, heap.scratch(scratchBytes));
      heap.exports.pl_merge_outputs(y, forward, backward, merge, B, unitsForward, unitsBackward);
    }
    return new Tensor(y, rows, features, x.steps, sequence);
  }
}
