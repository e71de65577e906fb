/**
 * Runs a model on an edited text. Values that the edit cannot affect are taken from the run before.
 *
 * A run calls the layers in the usual order, but each call goes through an interceptor. For each input, the interceptor knows how many steps at the
 * front and at the back are unchanged. It computes the other steps, and records how many steps of the output are unchanged. If it knows nothing about
 * an input, it computes the whole layer. A row has the same bits in any batch, so the kept values are the bits that a whole run would compute.
 * @module
 */
import * as abi from '../dist/abi.js';
import { reachOf } from '../layers/layer.js';
import { LazyLookup } from '../layers/products.js';
import { Bidirectional, Recurrent } from '../layers/recurrent.js';
import { product, Steps, Tensor } from '../layers/tensor.js';
import { unchangedEnds } from '../text/changes.js';
import { Use } from './kept-values.js';
import { updateStates } from './recurrence.js';
/** @typedef {import('../layers/layer.js').Layer} Layer */
/** @typedef {import('../runtime/memory.js').Heap} Heap */
/** @typedef {import('./kept-values.js').Rows} Rows */
/** @typedef {import('./kept-values.js').StateRows} StateRows */

const { forward: FORWARD, backward: BACKWARD, backward_as_visited: AS_VISITED } = abi.order;
const { concat: CONCAT, none: NONE } = abi.merge;
/** Texts with more steps are run whole, and no values are kept, because each step would take some kilobytes. */
const MAX_STEPS = 65536;

/** @typedef {{ front: number, back: number }} Ends  steps that are unchanged at the front and at the back */
/** @typedef {(from: number, to: number) => Tensor} Part  returns the steps from .. to-1 as a text */
/** @typedef {(from: number, to: number) => number} Put  copies the steps from .. to-1 into the heap, and returns the pointer */

/**
 * How many steps of a tensor have the same bits as in the run before (with a tolerance, nearly the same).
 * @typedef {object} Overlap
 * @property {object} origin  identity of the tensor: the same object in each run
 * @property {number} N  steps
 * @property {number} front
 * @property {number} back
 * @property {Part} part
 */

/**
 * A call of a layer for which some steps of the inputs are unchanged.
 * @typedef {object} Call
 * @property {Use} use
 * @property {any} x  the argument of the layer: a tensor or a list
 * @property {Tensor[]} inputs
 * @property {Part[]} parts  of each input
 * @property {number} N  steps of each input
 * @property {number} front  unchanged in all inputs
 * @property {number} back
 * @property {Record<string, any>} options
 */

/** Whether x is one text whose stored steps all count. @param {any} x @returns {x is Tensor} */
const isSingleText = (x) => x instanceof Tensor && x.B === 1 && x.steps !== null && !x.keep;

/** @param {Heap} heap @param {number} pointer @param {(number | null)[]} shape  of a step @param {number} N  steps */
const singleText = (heap, pointer, shape, N) => new Tensor(heap, pointer, 1, [N, ...shape], new Steps(heap, 1, N, null));

/** Copies rows into the heap. @param {Heap} heap @param {Rows} rows @returns {Put} */
const putRows = (heap, rows) => (from, to) => heap.f32(rows.view(from, to));

/** The states after one step, as vectors. @param {Tensor} x @param {StateRows} states @param {boolean} cell @param {number} row */
const statesAt = (x, { h, c }, cell, row) =>
  (cell ? [h, c] : [h]).map((rows) => x.vector(x.heap.f32(rows.view(row, row + 1)), rows.width));

export class IncrementalRun {
  /** Whether a kept state was near the new one, but not equal to it. Then later answers may differ from those of predict(). */
  approximate = false;
  #heap;
  #tolerance;
  /** Number of runs so far. */
  #runs = 0;
  /** Uses of layers in the order of their calls. @type {Use[]} */
  #uses = [];
  /** Index in #uses of the next call. */
  #next = 0;
  /** Tensor of this run -> its overlap with the run before. @type {Map<Tensor, Overlap>} */
  #overlaps = new Map();
  /** Ids of the run before. @type {Int32Array} */
  #ids = new Int32Array(0);
  /** Identity of the ids as a tensor; see Overlap.origin. */
  #origin = {};

  /** The reader of words of characters, if the input has them. */
  #words;
  /** Number of ids in a step. */
  #C;

  /** @param {Heap} heap @param {number} tolerance @param {import('../model/graph.js').ModelInput} input */
  constructor(heap, tolerance, { words, shape }) {
    this.#heap = heap;
    this.#tolerance = tolerance;
    this.#words = words;
    this.#C = words ? Number(shape[1]) : 1;
  }

  /** Discards everything that is kept. */
  forget() {
    this.#uses = [];
    this.#ids = new Int32Array(0);
    this.approximate = false;
  }

  /** Compares ids with those of the run before. @param {Int32Array} ids @returns {Ends & { same: boolean }} same: whether all are equal */
  compare(ids) {
    const old = this.#ids;
    const C = this.#C;
    const { front, back } = unchangedEnds(old.length, ids.length, (i, j) => old[i] === ids[j]);
    const same = front === ids.length && front === old.length;
    return { front: Math.floor(front / C), back: Math.floor(back / C), same };
  }

  /**
   * @param {Layer} root
   * @param {Tensor} x  ids, in the ragged form
   * @param {Int32Array} ids  the same ids; for words of characters [N, C], with zeros after the characters
   * @param {Ends} ends  what compare(ids) returned
   */
  run(root, x, ids, { front, back }) {
    const heap = this.#heap;
    const [words, C] = [this.#words, this.#C];
    const N = ids.length / C;
    if (N > MAX_STEPS) {
      this.forget();
      return root.apply(x);
    }
    this.#next = 0;
    this.#overlaps.clear();
    this.#ids = ids;
    /** @type {Part} */
    const part = (from, to) => {
      const some = ids.subarray(from * C, to * C);
      return words ? words.singleText(heap, some, C) : singleText(heap, heap.i32(some), [], to - from);
    };
    this.#overlaps.set(x, { origin: this.#origin, N, front, back, part });
    heap.interceptor = (layer, input, options) => this.#apply(layer, input, options);
    try {
      const y = root.apply(x);
      this.#runs++;
      return y;
    } finally {
      heap.interceptor = null;
      this.#overlaps.clear();
    }
  }

  /** Calls of layers inside `work` are not intercepted. @template R @param {() => R} work @returns {R} */
  #withoutInterceptor(work) {
    const heap = this.#heap;
    const { interceptor } = heap;
    heap.interceptor = null;
    try {
      return work();
    } finally {
      heap.interceptor = interceptor;
    }
  }

  /** Called in place of layer.call(). @param {Layer} layer @param {any} x @param {Record<string, any>} options */
  #apply(layer, x, options) {
    const reach = reachOf(layer) ?? 'all';
    const inputs = [x].flat();
    const found = inputs.map((each) => (isSingleText(each) ? this.#overlaps.get(each) : undefined));
    const known = found.every((overlap) => overlap !== undefined && overlap.N === found[0]?.N && overlap.N > 0);
    const hasTensorOptions = Object.values(options)
      .flat(9)
      .some((value) => value instanceof Tensor);
    if (reach === 'all' || !known || hasTensorOptions) return layer.call(x, options);
    const overlaps = /** @type {Overlap[]} */ (found);
    const [{ N, part }] = overlaps;
    if (reach === 'first' || reach === 'last')
      return this.#withoutInterceptor(() => layer.call(reach === 'first' ? part(0, 1) : part(N - 1, N), options));
    const { use, valid } = this.#use(layer, overlaps);
    const [front, back] = valid
      ? [Math.min(...overlaps.map((overlap) => overlap.front)), Math.min(...overlaps.map((overlap) => overlap.back))]
      : [0, 0];
    if (reach === 'lookup') return this.#lookUp(/** @type {any} */ (layer), x, { origin: use.outputs[0], N, front, back, part });
    return this.#withoutInterceptor(() => {
      const call = { use, x, inputs, parts: overlaps.map((overlap) => overlap.part), N, front, back, options };
      /** @type {any} */
      let y = null;
      if (reach === 'step') y = this.#step(call);
      else if (reach === 'window') y = this.#window(call);
      else if (layer instanceof Recurrent && reach === 'visits') y = this.#recurrent(call, layer);
      else if (layer instanceof Bidirectional) y = this.#bidirectional(call, layer);
      use.N = N;
      return y ?? layer.call(x, options);
    });
  }

  /**
   * The next use of a layer.
   * @param {Layer} layer
   * @param {Overlap[]} overlaps  of its inputs
   * @returns {{ use: Use, valid: boolean }} valid: its values are those of the run before, for the same inputs
   */
  #use(layer, overlaps) {
    const at = this.#next++;
    let use = this.#uses[at];
    if (use?.layer !== layer) this.#uses[at] = use = new Use(layer);
    const valid =
      use.run === this.#runs - 1 &&
      use.origins.length === overlaps.length &&
      overlaps.every(({ origin }, i) => origin === use.origins[i]);
    use.run = this.#runs;
    use.origins = overlaps.map(({ origin }) => origin);
    return { use, valid };
  }

  /**
   * An output of a layer. Its values are copied into the heap when they are first read.
   * @param {Tensor} x  the input
   * @param {Put} put
   * @param {(number | null)[]} shape  of a step
   * @param {Omit<Overlap, 'part'>} overlap
   * @param {Steps | null} [steps]
   * @param {number} [pointer]  to the values, if they are in the heap already
   */
  #output(x, put, shape, { origin, N, front, back }, steps = x.steps, pointer = undefined) {
    const T = steps === x.steps ? x.shape[0] : (steps?.T ?? null);
    const y = new Tensor(this.#heap, pointer ?? (() => put(0, N)), 1, [T, ...shape], steps);
    /** @type {Part} */
    const part = (from, to) => singleText(this.#heap, put(from, to), shape, to - from);
    this.#overlaps.set(y, { origin, N, front, back, part });
    return y;
  }

  /** An Embedding. @param {Layer & import('../layers/products.js').Table} layer @param {Tensor} x @param {Overlap} overlap  part: of the ids */
  #lookUp(layer, x, { part, ...rest }) {
    const y = new LazyLookup(x, layer);
    this.#overlaps.set(y, { ...rest, part: (from, to) => new LazyLookup(part(from, to), layer) });
    return y;
  }

  /** A layer that computes each step by itself. @param {Call} call */
  #step({ use, x, inputs, parts, N, front, back, options }) {
    const { layer, values } = use;
    if ('overTime' in layer && layer.overTime) return null;
    const n = N - front - back;
    let pointer;
    if (n > 0) {
      const changed = n === N ? inputs : parts.map((part) => part(front, N - back));
      const y = /** @type {Tensor} */ (layer.call(Array.isArray(x) ? changed : changed[0], options));
      use.shape = y.shape.slice(1);
      values.open(front, back, N, product(use.shape));
      values.write(front, y.view());
      if (n === N) ({ pointer } = y);
    } else values.open(front, back, N, values.width);
    const overlap = { origin: use.outputs[0], N, front, back };
    return this.#output(inputs[0], putRows(this.#heap, values), use.shape, overlap, inputs[0].steps, pointer);
  }

  /** A layer over sliding windows: window t reads the `span` steps that begin at t * stride - before. @param {Call} call */
  #window({ use, x, parts: [part], N, front, back }) {
    const { values } = use;
    const layer =
      /** @type {Layer & { span: number, stride: number, before: number, anchored: boolean, lengthOf(T: number): number, steps(x: Tensor): Steps }} */ (
        use.layer
      );
    const { span, stride, before, anchored } = layer;
    // The number of windows now and in the run before. The first `first` and the last `last` of them are unchanged.
    const [now, then] = [layer.lengthOf(N), layer.lengthOf(use.N)];
    let first = 0;
    let last = 0;
    if (anchored) {
      first = Math.max(0, Math.min(now, then, Math.floor((front + before - span) / stride) + 1));
      // Windows at the back read the same steps as before only if the number of steps changed by whole strides.
      const aligned = (now - then) * stride === N - use.N;
      if (aligned) last = Math.max(0, Math.min(now - first, then - first, now - Math.ceil((N - back + before) / stride)));
    }
    const n = now - first - last;
    if (n > 0) {
      // Begin the part some strides earlier, so that no changed window reads the padding that the layer adds before the part.
      const from = anchored ? Math.max(0, first * stride - Math.ceil(before / stride) * stride) : 0;
      const to = anchored ? Math.min(N, (now - last - 1) * stride - before + span) : N;
      const whole = from === 0 && to === N;
      const y = /** @type {Tensor} */ (layer.call(whole ? x : part(from, to), {}));
      use.shape = y.shape.slice(1);
      const width = product(use.shape);
      const skipped = first - from / stride;
      values.open(first, last, now, width);
      values.write(first, y.view().subarray(skipped * width, (skipped + n) * width));
    } else values.open(first, last, now, values.width);
    if (now === 0) return null;
    const overlap = { origin: use.outputs[0], N: now, front: first, back: last };
    return this.#output(x, putRows(this.#heap, values), use.shape, overlap, layer.steps(x));
  }

  /**
   * Updates the states of one direction.
   * @param {Call} call
   * @param {number} i  index of the direction
   * @param {import('./recurrence.js').Direction} direction
   * @returns {Ends} unchanged rows of h
   */
  #updateStates({ use, parts, N, front, back }, i, direction) {
    const { exact, ...ends } = updateStates(this.#heap, direction, N, parts[0], use.states[i], front, back, this.#tolerance);
    if (!exact) this.approximate = true;
    return ends;
  }

  /** @param {Call} call @param {Recurrent} layer */
  #recurrent(call, layer) {
    const { use, x, N } = call;
    const { rnn = 0, units = 0, products, stateCount, config } = layer;
    const [states] = use.states;
    const cell = stateCount === 2;
    const order = config.go_backwards ? AS_VISITED : FORWARD;
    const ends = this.#updateStates(call, 0, { rnn, units, cell, order, products });
    const finals = statesAt(x, states, cell, N - 1);
    const y = layer.returnSequences
      ? this.#output(x, putRows(this.#heap, states.h), [units], { origin: use.outputs[0], N, ...ends })
      : finals[0];
    return config.return_state ? [y, ...finals] : y;
  }

  /** @param {Call} call @param {Bidirectional} layer */
  #bidirectional(call, layer) {
    const { use, x, N } = call;
    const heap = this.#heap;
    const { rnns = [], merge = CONCAT, products } = layer;
    const layers = [layer.forwardLayer, layer.backwardLayer];
    const [Hf, Hb] = layers.map(({ units = 0 }) => units);
    const width = merge === CONCAT ? Hf + Hb : Hf;
    const ends = layers.map(({ units = 0, stateCount }, i) =>
      this.#updateStates(call, i, { rnn: rnns[i], units, cell: stateCount === 2, order: [FORWARD, BACKWARD][i], products }),
    );
    // The final state of the backward direction is at the first step.
    const finals = layers.map(({ stateCount }, i) => statesAt(x, use.states[i], stateCount === 2, i ? 0 : N - 1));
    /** @param {number} forward @param {number} backward  pointers @param {number} n  rows @returns {number} */
    const merged = (forward, backward, n) => {
      const y = heap.reserve32(n * width);
      heap.exports.pl_merge_outputs(y, forward, backward, merge, n, Hf, Hb);
      return y;
    };
    const outputs = [];
    if (!layers[0].returnSequences) {
      const [[forward], [backward]] = finals;
      if (merge === NONE) outputs.push(forward, backward);
      else outputs.push(x.vector(merged(forward.pointer, backward.pointer, 1), width));
    } else if (merge === NONE) {
      use.states.forEach(({ h }, i) =>
        outputs.push(this.#output(x, putRows(heap, h), [h.width], { origin: use.outputs[i], N, ...ends[i] })),
      );
    } else {
      /** @type {Put} */
      const put = (from, to) => {
        const [forward, backward] = use.states.map(({ h }) => heap.f32(h.view(from, to)));
        return merged(forward, backward, to - from);
      };
      const front = Math.min(ends[0].front, ends[1].front);
      const back = Math.min(ends[0].back, ends[1].back);
      outputs.push(this.#output(x, put, [width], { origin: use.outputs[0], N, front, back }));
    }
    if (layer.returnState) outputs.push(...finals.flat());
    return outputs.length === 1 ? outputs[0] : outputs;
  }
}
