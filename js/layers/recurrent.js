/**
 * SimpleRNN, GRU, LSTM, RNN with cells, and Bidirectional.
 * @module
 */
import { merge as merges, order as orders, rnn as rnnLayout, state as stateLayout } from '../dist/abi.js';
import { ShapeError, show, UnsupportedError } from '../errors.js';
import { activationNumber } from '../runtime/activations.js';
import { cellNumber, cells } from '../runtime/cells.js';
import { Layer } from './layer.js';
import { Products } from './products.js';
import { Spec, Steps, Tensor } from './tensor.js';
/** @typedef {import('../runtime/memory.js').Heap} Heap */
/** @typedef {import('./tensor.js').Rules} Rules */

/**
 * The arguments of a recurrent layer as [sequence, states], from the form of Keras 2 or 3.
 * @param {any} x  the sequence, or a list of it and initial states (Keras 2)
 * @param {any} options  initial_state (Keras 3)
 * @returns {[any, any[]]}
 */
export function sequenceAndStates(x, options) {
  const [sequence, ...more] = Array.isArray(x) ? x : [x];
  const given = options?.initial_state;
  return [sequence, given === undefined || given === null ? more : [given].flat()];
}

/**
 * In Keras 3 a recurrent layer that is called with initial states ignores the mask and reads the padding; its output keeps the mask.
 * @param {Layer} layer
 * @param {Spec} input
 * @param {any[]} states
 * @param {Rules} rules
 * @returns {boolean} whether this holds for calls of this layer with states
 */
function statesIgnoreMask(layer, input, states, rules) {
  const ignores = !rules.select && rules.kerasMajor >= 3;
  if (ignores && states.length > 0) layer.readsPadding(input);
  return ignores;
}

/** The tensor y with the mask of x. @param {Tensor} y @param {Tensor} x */
const maskedAs = (y, x) => (y.steps ? y.withMask(x.keep) : y);

/** The vectors y, set to 0 for each text of x whose step `at` is padding. @param {Tensor} y @param {Tensor} x @param {number} at */
function zeroedAtPadding(y, x, at) {
  const { heap, B, features } = y;
  const mask = x.keep?.mask;
  if (!mask) return y;
  const copy = heap.copy32(y.pointer, B * features);
  const T = x.time.T;
  for (let b = 0; b < B; b++) if (!mask[b * T + at]) heap.f32View(copy + 4 * b * features, features).fill(0);
  return y.vector(copy, features);
}

/** Memory for the final states: h, and c if count is 2. @param {Heap} heap @param {number} B @param {number} count @param {number} units */
function reserveStates(heap, B, count, units) {
  const h = heap.reserve32(B * units);
  return count === 2 ? [h, heap.reserve32(B * units)] : [h];
}

/**
 * Fills consecutive pl_state structs.
 * @param {Heap} heap
 * @param {...number[]} states  pointers to h, and to c of an LSTM
 * @returns {number} pointer to the first
 */
export const placeStates = (heap, ...states) => heap.structs(stateLayout, ...states.map(([h, c]) => ({ h, c })));

/** Base of the recurrent layers. They have the options and weights of Keras and share one kernel. */
export class Recurrent extends Layer {
  /** The kind of cell. @returns {keyof typeof cells} */
  get kind() {
    return 'SimpleRNN';
  }

  /** @override */
  get positional() {
    return ['initial_state', 'mask', 'training'];
  }

  /** Number of states: 1 (h), for an LSTM 2 (h and c). */
  get stateCount() {
    return this.kind === 'LSTM' ? 2 : 1;
  }

  /** Whether it is the forward or backward layer of a Bidirectional, which then sets the order of the steps and handles padding. */
  aligned = false;
  /** Whether its output is the input of another cell of a stack. Then go_backwards does not reverse the output. */
  inner = false;
  /** States kept between calls if the layer is stateful. @type {Float32Array[] | null} */
  kept = null;
  /** Private, so that `sublayers` does not list it. @type {import('./basic.js').Embedding | null} */
  #embedding = null;

  /** The Embedding whose output is the input, if there is one. */
  get embedding() {
    return this.#embedding;
  }

  /**
   * @override
   * @param {any} x  sequence, or sequence and initial states
   * @param {Rules} rules
   * @param {Record<string, any>} [options]
   * @returns {any}
   */
  build(x, rules, options) {
    const [input, states] = sequenceAndStates(x, options);
    this.needSequence(input);
    this.needMask(input);
    if (rules.framework === 'tfjs' && rules.masks && !input.masked)
      throw new UnsupportedError(
        `${this.path}: TF.js calls ${this.className} with the mask of an earlier layer, which has other steps than its input`,
      );
    this.refuse({ time_major: [false], ...(this.aligned ? { stateful: [false] } : {}) });
    const { config } = this;
    const { gates } = cells[this.kind];
    const resetAfter = this.kind === 'GRU' && (config.reset_after ?? rules.kerasMajor >= 3);
    this.D = input.features;
    this.#embedding ??= input.lookup;
    this.units = this.count('units');
    this.cell = cellNumber(this.kind, resetAfter);
    this.act = activationNumber(config.activation === undefined ? 'tanh' : config.activation, this.path, rules.kerasMajor);
    const recurrent = config.recurrent_activation === undefined ? 'sigmoid' : config.recurrent_activation;
    this.recAct = activationNumber(recurrent, this.path, rules.kerasMajor, 'recurrent_activation');
    this.returnSequences = Boolean(config.return_sequences);
    const width = gates * this.units;
    this.addWeight('kernel', [this.D, width], 'columns');
    this.addWeight('recurrent_kernel', [this.units, width], 'columns');
    if (config.use_bias !== false) this.addWeight('bias', resetAfter ? [2, width] : [width]);
    // Keras reverses the outputs including those at padding, but does not reverse the mask.
    this.reversed = Boolean(config.go_backwards && this.returnSequences && !this.aligned && !this.inner);
    if (this.reversed) this.readsPadding(input);
    this.#checkStates(states);
    this.zeroesPadding = Boolean(config.zero_output_for_mask && !(config.unroll && rules.framework === 'keras3'));
    if (config.unroll && config.zero_output_for_mask && config.go_backwards && input.masked) this.refuseUnrolled(rules);
    // Without return_sequences, Keras returns the output of the last step, which with this option is 0 if the step is padding.
    this.lastIsZero = Boolean(this.zeroesPadding && !this.returnSequences && !this.aligned);
    if (this.lastIsZero) this.readsPadding(input);
    this.statesIgnoreMask = !this.aligned && statesIgnoreMask(this, input, states, rules);
    const y = this.returnSequences
      ? input.with({ shape: [input.shape[0], this.units], unlikePadding: '' })
      : input.vector(this.units);
    if (!config.return_state) return y;
    return [y, ...Array.from({ length: this.stateCount }, () => input.vector(this.units ?? 0))];
  }

  /** Unrolled layers of Keras 2 put zeros at the wrong steps of a backward pass. @param {Rules} rules */
  refuseUnrolled({ framework }) {
    if (/keras2|tfjs/.test(framework))
      throw new UnsupportedError(
        `${this.path}: an unrolled layer with a mask has zeros at the wrong steps in Keras 2; save it with unroll=False`,
      );
  }

  /** Checks the shapes of initial states. @param {any[]} states */
  #checkStates(states) {
    if (states.length === 0) return;
    if (states.length !== this.stateCount)
      throw new ShapeError(`${this.path}: ${states.length} initial states, expected the ${this.stateCount} of ${this.className}`);
    for (const state of states) {
      if (!(state instanceof Spec) || state.sequence || state.features !== this.units)
        throw new ShapeError(`${this.path}: an initial state has ${state?.features} values for each text, expected ${this.units}`);
    }
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const { cell = 0, D = 0, units = 0, act = 0, recAct = 0 } = this;
    const kernels = ['kernel', 'recurrent_kernel'].map((name) => this.weight(name));
    const int8 = kernels.every((weight) => weight.int8);
    const kind = int8 ? 'pl_quant_rnn' : 'pl_rnn';
    const packed = heap.reserve32(heap.exports[`${kind}_packed_size`](cell, D, units));
    heap.scoped(() => {
      const pointers = kernels.flatMap((weight) =>
        int8 ? [heap.u8(weight.int8 ?? []), heap.f32(weight.scale ?? [])] : heap.f32(weight.data),
      );
      heap.exports[`${kind}_pack`](packed, ...pointers, this.place(heap, 'bias'), cell, D, units);
    });
    /** Fields of the struct pl_rnn. */
    this.fields = { cell, D, H: units, act, rec_act: recAct, packed, int8: Number(int8) };
    this.rnn = heap.structs(rnnLayout, this.fields);
    if (this.embedding && !this.aligned) this.products = new Products(heap, this.embedding, [{ rnn: this.rnn, cell, units }]);
  }

  /**
   * @override
   * @param {any} x
   * @param {Record<string, any>} [options]
   * @returns {any}
   */
  call(x, options) {
    const [sequence, given] = sequenceAndStates(x, options);
    const input = /** @type {Tensor} */ (this.statesIgnoreMask && given.length > 0 ? sequence.unmasked() : sequence);
    const { heap, B } = input;
    const { units = 0, config, stateCount } = this;
    const initial = this.#initial(heap, B, given);
    const finals = reserveStates(heap, B, stateCount, units);
    const computed = this.reversed && input.keep ? this.#runReversed(input, initial, finals) : this.#run(input, initial, finals);
    const y = this.lastIsZero
      ? zeroedAtPadding(computed, input, config.go_backwards ? 0 : input.time.T - 1)
      : maskedAs(computed, sequence);
    if (config.stateful) this.kept = finals.map((pointer) => heap.f32View(pointer, B * units).slice());
    if (!config.return_state) return y;
    return [y, ...finals.map((pointer) => input.vector(pointer, units))];
  }

  /** @param {Heap} heap @param {number} B @param {Tensor[]} given @returns {number} pointer to a pl_state, 0 for zeros */
  #initial(heap, B, given) {
    const { units = 0, kept } = this;
    if (given.length)
      return placeStates(
        heap,
        given.map(({ pointer }) => pointer),
      );
    if (!this.config.stateful || !kept) return 0;
    if (kept[0].length !== B * units)
      throw new ShapeError(
        `${this.path}: its state is from a batch of ${kept[0].length / units} rows, but this batch has ${B}; call resetState() first`,
      );
    return placeStates(
      heap,
      kept.map((values) => heap.f32(values)),
    );
  }

  /**
   * @param {Tensor} x
   * @param {number} initial
   * @param {number[]} finals
   * @param {number} [order]
   */
  #run(x, initial, finals, order = this.config.go_backwards ? orders.backward_as_visited : orders.forward) {
    const { rnn = 0, units = 0, returnSequences = false } = this;
    return x.whereKept((kept) => {
      const { heap, B, time } = kept;
      const y = returnSequences ? heap.reserve32(time.N * units) : finals[0];
      const last = placeStates(heap, finals);
      const from = this.products?.use(kept) ? 0 : kept.pointer;
      const arena = heap.scratch(heap.exports.pl_ragged_rnn_scratch(rnn, time.pointer, B));
      heap.exports.pl_ragged_rnn(returnSequences ? y : 0, 0, last, from, rnn, initial, time.pointer, order, units, B, arena);
      return returnSequences ? kept.ofFeatures(y, units) : kept.vector(y, units);
    }, !this.zeroesPadding);
  }

  /** go_backwards of Keras with sequences and a mask: reverses the sequence and its mask; the outputs stay reversed. @param {Tensor} x @param {number} initial @param {number[]} finals */
  #runReversed(x, initial, finals) {
    const { heap, B, time, keep, features } = x;
    const reversed = heap.reserve32(x.rows * features);
    heap.exports.pl_reverse_sequence(reversed, x.pointer, 0, B, time.T, features);
    const mask = keep?.mask?.slice();
    for (let b = 0; mask && b < B; b++) mask.subarray(b * time.T, (b + 1) * time.T).reverse();
    const keepReversed = new Steps(heap, B, time.T, mask ?? null);
    const y = this.#run(new Tensor(heap, reversed, B, x.shape, time, keepReversed), initial, finals, orders.forward);
    return new Tensor(heap, y.pointer, B, y.shape, time, keep);
  }

  /** Resets the state of a stateful layer to zero. */
  resetState() {
    this.kept = null;
  }
}

export class SimpleRNN extends Recurrent {
  /** @override */
  static className = 'SimpleRNN';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'visits';
}
export class GRU extends Recurrent {
  /** @override */
  static className = 'GRU';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'visits';

  /** @override @returns {keyof typeof cells} */
  get kind() {
    return 'GRU';
  }
}
export class LSTM extends Recurrent {
  /** @override */
  static className = 'LSTM';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'visits';

  /** @override @returns {keyof typeof cells} */
  get kind() {
    return 'LSTM';
  }
}

/**
 * Keras Bidirectional, aligned: the backward layer starts at the last step that counts, and its output at a step belongs to that step.
 */
export class Bidirectional extends Layer {
  /** @override */
  static className = 'Bidirectional';

  /** @override @type {import('./layer.js').Reach} */
  static reach = 'both';

  /**
   * @param {import('./layer.js').LayerConfig & { layer: Recurrent, backwardLayer?: Recurrent }} config
   */
  constructor({ layer, backwardLayer, ...config }) {
    super(config);
    for (const each of [layer, ...(backwardLayer ? [backwardLayer] : [])])
      if (!(each instanceof Recurrent))
        throw new UnsupportedError(
          `${this.name}: Bidirectional around ${/** @type {Layer} */ (each).className}; padless supports SimpleRNN, GRU and LSTM`,
        );
    this.forwardLayer = layer;
    this.backwardLayer =
      backwardLayer ??
      new /** @type {new (config: any) => Recurrent} */ (layer.constructor)({
        ...layer.getConfig(),
        name: `backward_${layer.name}`,
        go_backwards: !layer.config.go_backwards,
      });
    for (const each of [this.forwardLayer, this.backwardLayer]) {
      each.aligned = true;
    }
  }

  /** @override @param {any} config @param {(json: any, path: string) => Layer} layerFromJson @param {string} name */
  static fromConfig({ layer, backward_layer: backward, ...config }, layerFromJson, name) {
    const forward = /** @type {Recurrent} */ (layerFromJson(layer, `${name}.forward_layer`));
    if (!backward) return new this({ ...config, layer: forward });
    return new this({
      ...config,
      layer: forward,
      backwardLayer: /** @type {Recurrent} */ (layerFromJson(backward, `${name}.backward_layer`)),
    });
  }

  /** @override */
  get positional() {
    return ['initial_state', 'mask', 'training'];
  }

  /** @override */
  getConfig() {
    /** @param {Layer} layer */
    const serialized = (layer) => ({ class_name: layer.className, config: layer.getConfig() });
    return { ...super.getConfig(), layer: serialized(this.forwardLayer), backward_layer: serialized(this.backwardLayer) };
  }

  /**
   * @override
   * @param {any} x
   * @param {Rules} rules
   * @param {Record<string, any>} [options]
   * @returns {any}
   */
  build(x, rules, options) {
    const { forwardLayer: forward, backwardLayer: backward, config } = this;
    const [input, states] = sequenceAndStates(x, options);
    this.needSequence(input);
    const merge = config.merge_mode === undefined ? 'concat' : (config.merge_mode ?? 'none');
    if (!Object.hasOwn(merges, merge)) {
      throw new UnsupportedError(`${this.path}: merge_mode ${show(merge)} is not one of concat, sum, mul, ave, null`);
    }
    this.merge = merges[/** @type {keyof typeof merges} */ (merge)];
    this.refuse({ stateful: [false] });
    this.statesIgnoreMask = statesIgnoreMask(this, input, states, rules);
    if (forward.config.go_backwards || !backward.config.go_backwards) {
      throw new UnsupportedError(`${this.path}: expected go_backwards=false in the forward layer and true in the backward layer`);
    }
    const half = states.length / 2;
    const [a, ...finalsForward] = [forward.apply(input, { initial_state: states.slice(0, half) })].flat();
    const [b, ...finalsBackward] = [backward.apply(input, { initial_state: states.slice(half) })].flat();
    if (a.sequence !== b.sequence) throw new ShapeError(`${this.path}: return_sequences differs between the two directions`);
    if (merge !== 'concat' && merge !== 'none' && a.features !== b.features) {
      throw new ShapeError(`${this.path}: merge_mode ${merge} needs equal units, got ${a.features} and ${b.features}`);
    }
    const unrolled = [forward, backward].some((layer) => layer.config.unroll) && a.sequence && input.masked;
    if (unrolled) forward.refuseUnrolled(rules);
    // With unroll=True, each direction repeats its last output at padding in Keras 3; padless has zeros there.
    if (unrolled && rules.framework === 'keras3')
      for (const y of [a, b]) y.unlikePadding = `${this.path}, which Keras 3 fills with other values if unroll=True`;
    const outputs = merge === 'none' ? [a, b] : [a.ofFeatures(merge === 'concat' ? a.features + b.features : a.features)];
    if (this.returnState) outputs.push(...finalsForward, ...finalsBackward);
    return outputs.length === 1 ? outputs[0] : outputs;
  }

  get returnState() {
    return Boolean(this.forwardLayer.config.return_state);
  }

  /**
   * @override
   * @param {Heap} heap
   */
  load(heap) {
    const fields = [this.forwardLayer, this.backwardLayer].map((layer) => /** @type {any} */ (layer).fields);
    const first = heap.structs(rnnLayout, ...fields);
    /** Pointers to the consecutive pl_rnn structs of the forward and the backward layer. */
    this.rnns = [first, first + rnnLayout.size];
    const { embedding } = this.forwardLayer;
    if (embedding)
      this.products = new Products(
        heap,
        embedding,
        this.rnns.map((rnn, i) => ({ rnn, cell: fields[i].cell, units: fields[i].H })),
      );
  }

  /**
   * @override
   * @param {any} x
   * @param {Record<string, any>} [options]
   * @returns {any}
   */
  call(x, options) {
    const [rnns] = this.rnns ?? [0];
    const { merge = merges.concat, forwardLayer: forward, backwardLayer: backward } = this;
    /** @type {[Tensor, Tensor[]]} */
    const [sequence, states] = sequenceAndStates(x, options);
    const input = this.statesIgnoreMask && states.length > 0 ? sequence.unmasked() : sequence;
    const { heap, B } = input;
    const [Hf, Hb] = [forward.units ?? 0, backward.units ?? 0];
    const width = merge === merges.concat ? Hf + Hb : Hf;
    const sequences = forward.returnSequences ?? false;
    const [sf, sb] = [forward.stateCount, backward.stateCount];
    const finals = [reserveStates(heap, B, sf, Hf), reserveStates(heap, B, sb, Hb)];
    const last = placeStates(heap, ...finals);
    const given = states.map(({ pointer }) => pointer);
    const initial = given.length ? placeStates(heap, given.slice(0, sf), given.slice(sf)) : 0;
    const outputs = [];
    const run = heap.exports.pl_ragged_bidirectional;
    const scratch = (/** @type {number} */ splits) =>
      heap.scratch(heap.exports.pl_ragged_bidirectional_scratch(rnns, splits, merge, B));
    if (sequences) {
      let back = 0;
      const y = input.whereKept((kept) => {
        const pointer = heap.reserve32(kept.time.N * width);
        back = merge === merges.none ? heap.reserve32(kept.time.N * Hb) : 0;
        const from = this.products?.use(kept) ? 0 : kept.pointer;
        run(pointer, back, last, from, rnns, initial, kept.time.pointer, merge, B, scratch(kept.time.pointer));
        return kept.ofFeatures(pointer, width);
      });
      outputs.push(maskedAs(y, sequence));
      if (back)
        outputs.push(
          maskedAs(
            input.whereKept((kept) => kept.ofFeatures(back, Hb)),
            sequence,
          ),
        );
    } else {
      const kept = input.ragged();
      const from = this.products?.use(kept) ? 0 : kept.pointer;
      run(0, 0, last, from, rnns, initial, kept.time.pointer, merge, B, scratch(kept.time.pointer));
      if (merge === merges.none) outputs.push(input.vector(finals[0][0], Hf), input.vector(finals[1][0], Hb));
      else {
        const y = heap.reserve32(B * width);
        heap.exports.pl_merge_outputs(y, finals[0][0], finals[1][0], merge, B, Hf, Hb);
        outputs.push(input.vector(y, width));
      }
    }
    if (this.returnState) outputs.push(...finals.flatMap((each, i) => each.map((pointer) => input.vector(pointer, i ? Hb : Hf))));
    return outputs.length === 1 ? outputs[0] : outputs;
  }
}
