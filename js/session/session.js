/**
 * A text that changes a little at a time: what a change cannot reach is kept from the time before.
 *
 * Each use of a layer keeps its values, one row of them a step. A run goes through the same layers as any other; a layer is told of each
 * input how many steps at the front and at the back are those of last time, works out the others, and says the same of its answer.
 * What it is told nothing about it computes whole. Rows have the same bits in any batch, so what is kept is what would be computed.
 * @module
 */
import { predictions } from '../model/answers.js';
import { padRows, placeInput, readOutput } from '../model/batch.js';
import * as abi from '../dist/abi.js';
import { ArgumentError, PadlessError, show } from '../errors.js';
import { Layer, reachOf } from '../layers/layer.js';
import { LazyLookup } from '../layers/products.js';
import { Bidirectional, placeStates, Recurrent } from '../layers/recurrent.js';
import { product, Steps, Tensor } from '../layers/tensor.js';
import { joined } from '../text/vectorizer.js';
/** @typedef {import('../model/answers.js').Prediction} Prediction */
/** @typedef {import('../layers/products.js').Products} Products */
/** @typedef {import('../runtime/memory.js').Heap} Heap */
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('../model/model.js').OutputTensor} OutputTensor */
/** @typedef {import('../text/vectorizer.js').Encoding} Encoding */
/** @typedef {import('../text/vectorizer.js').TextVectorizer} TextVectorizer */

/**
 * @typedef {object} SessionOptions
 * @property {number} [tolerance]
 *   0 (default): every answer is predict()'s, to the last bit. Above: a recurrent layer also stops where its state, new and kept, differs by no
 *   more than this in any unit (of |c| above 1 by this part of it), so that a change costs the same in a text of any length
 */

const { forward: FORWARD, backward: BACKWARD, backward_as_visited: AS_VISITED } = abi.order;
const { concat: CONCAT, none: NONE } = abi.merge;
/** Steps between two looks at the state: with a tolerance always so many, without one twice as many each time. */
const [FIRST_PIECE, LONGEST_PIECE] = [16, 128];
/** A text of more steps is run whole and nothing of it kept: what is kept of a step takes some kilobytes. */
const MAX_STEPS = 65536;
/** A pause without an update, in milliseconds, after which idle time is used. */
const IDLE_DELAY = 500;

/**
 * What is known of a tensor: its first `front` and last `back` steps are those that the same tensor had last time, bit by bit (with a tolerance,
 * as near as that).
 * @typedef {object} Overlap
 * @property {object} origin  the same object for the same tensor of each run
 * @property {number} N  steps
 * @property {number} front
 * @property {number} back
 * @property {(from: number, to: number) => Tensor} part  some of its steps, as a text of their own
 */

/** Rows of numbers, one a step, of which some in the middle are replaced by as many others as there may be. */
class Rows {
  N = 0;
  width = 0;
  data = new Float32Array(0);

  /**
   * Keeps rows at the front and at the back; those between, up to N rows in all, are to be written.
   * @param {number} front @param {number} back @param {number} N @param {number} width
   */
  open(front, back, N, width) {
    const old = this.data;
    // What a long text took goes back.
    if (N * width > old.length || old.length > 4 * N * width + 65536) {
      this.data = new Float32Array(Math.ceil(N * 1.25 + 64) * width);
      this.data.set(old.subarray(0, front * width));
    }
    const from = (this.N - back) * width;
    if (back) this.data.set(old.subarray(from, from + back * width), (N - back) * width);
    this.N = N;
    this.width = width;
  }

  /** @param {number} from @param {number} to */
  rows(from, to) {
    return this.data.subarray(from * this.width, to * this.width);
  }

  /** @param {number} at @param {Float32Array} values */
  write(at, values) {
    this.data.set(values, at * this.width);
  }
}

/** What a use of a layer keeps. */
class Use {
  /** @param {Layer} layer */
  constructor(layer) {
    this.layer = layer;
    /** The run that it was part of last. */
    this.run = -1;
    /** @type {object[]} of its inputs */
    this.origins = [];
    /** Of its outputs. @type {object[]} */
    this.outputs = [{}, {}];
    /** Steps of its input last time. */
    this.N = 0;
    /** @type {(number | null)[]} shape of its answer */
    this.shape = [];
    this.values = new Rows();
    /** Recurrent layers: h and c after each step, for each direction. */
    this.states = [0, 1].map(() => ({ h: new Rows(), c: new Rows() }));
  }
}

/** A sequence of one text, all stored steps counting. @param {any} x @returns {x is Tensor} */
const isSingleText = (x) => x instanceof Tensor && x.B === 1 && x.steps !== null && !x.keep;

/** @param {Heap} heap @param {number} pointer @param {(number | null)[]} shape  of a step @param {number} n */
const singleText = (heap, pointer, shape, n) => new Tensor(heap, pointer, 1, [n, ...shape], new Steps(heap, 1, n, null));

/** One direction of a recurrent layer: pointer to its pl_rnn, and so on. @typedef {{ rnn: number, units: number, cell: boolean, order: number, products: Products | undefined }} Direction */

/** The model's run, by way of what was kept of the one before. */
class IncrementalRun {
  /** @param {Heap} heap @param {number} tolerance */
  constructor(heap, tolerance) {
    this.heap = heap;
    this.tolerance = tolerance;
    this.runs = 0;
    /** @type {Use[]} in the order of the run */
    this.uses = [];
    this.nextUse = 0;
    /** @type {Map<Tensor, Overlap>} of the tensors of this run */
    this.overlaps = new Map();
    /** @type {Int32Array} of last time */
    this.ids = new Int32Array(0);
    /** @type {object} of the ids */
    this.origin = {};
    /** A state was taken for another that differs by no more than the tolerance. */
    this.approximate = false;
  }

  /** Lets go of all that is kept. */
  forget() {
    this.uses = [];
    this.ids = new Int32Array(0);
    this.approximate = false;
  }

  /** How much of the ids is that of last time. @param {Int32Array} ids */
  compare(ids) {
    const { ids: old } = this;
    const most = Math.min(ids.length, old.length);
    let [front, back] = [0, 0];
    while (front < most && ids[front] === old[front]) front++;
    while (back < most - front && ids[ids.length - 1 - back] === old[old.length - 1 - back]) back++;
    return { front, back, same: front === ids.length && front === old.length };
  }

  /**
   * @param {Layer} root
   * @param {Tensor} x  ids, closed up
   * @param {Int32Array} ids  the same
   * @param {{ front: number, back: number }} kept
   */
  run(root, x, ids, { front, back }) {
    const { heap } = this;
    if (ids.length > MAX_STEPS) {
      this.forget();
      return root.apply(x);
    }
    this.nextUse = 0;
    this.overlaps.clear();
    this.ids = ids;
    const part = (/** @type {number} */ from, /** @type {number} */ to) =>
      singleText(heap, heap.i32(ids.subarray(from, to)), [], to - from);
    this.overlaps.set(x, { origin: this.origin, N: ids.length, front, back, part });
    heap.interceptor = (layer, input, options) => this.apply(layer, input, options);
    try {
      const y = root.apply(x);
      this.runs++;
      return y;
    } finally {
      heap.interceptor = null;
      this.overlaps.clear();
    }
  }

  /** @template R @param {() => R} work  without a look at what layers inside do @returns {R} */
  withoutInterceptor(work) {
    const { heap } = this;
    const { interceptor } = heap;
    heap.interceptor = null;
    try {
      return work();
    } finally {
      heap.interceptor = interceptor;
    }
  }

  /** @param {Layer} layer @param {any} x @param {Record<string, any>} options */
  apply(layer, x, options) {
    const reach = reachOf(layer) ?? 'all';
    const inputs = [x].flat();
    const overlaps = inputs.map((each) => (isSingleText(each) ? this.overlaps.get(each) : undefined));
    const known = overlaps.every((overlap) => overlap !== undefined && overlap.N === overlaps[0]?.N && overlap.N > 0);
    const hasTensorOptions = Object.values(options)
      .flat(9)
      .some((value) => value instanceof Tensor);
    if (reach === 'all' || !known || hasTensorOptions) return layer.call(x, options);
    const list = /** @type {Overlap[]} */ (overlaps);
    if (reach === 'lookup') return this.#lookUp(/** @type {any} */ (layer), x, list[0]);
    if (reach === 'first' || reach === 'last') {
      const [{ N, part }] = list;
      return this.withoutInterceptor(() => layer.call(reach === 'first' ? part(0, 1) : part(N - 1, N), options));
    }
    const { use, valid } = this.#use(layer, list);
    const front = valid ? Math.min(...list.map((overlap) => overlap.front)) : 0;
    const back = valid ? Math.min(...list.map((overlap) => overlap.back)) : 0;
    return this.withoutInterceptor(() => this.#work(reach, use, x, inputs, list, front, back, options));
  }

  /**
   * @param {import('../layers/layer.js').Reach} reach @param {Use} use @param {any} x @param {Tensor[]} inputs @param {Overlap[]} overlaps
   * @param {number} front @param {number} back @param {Record<string, any>} options
   */
  #work(reach, use, x, inputs, overlaps, front, back, options) {
    const { layer } = use;
    const [{ N }] = overlaps;
    /** @type {any} */
    let y = null;
    if (reach === 'step') y = this.#steps(use, inputs, overlaps, Array.isArray(x), front, back, options);
    else if (reach === 'window') y = this.#windows(use, inputs[0], overlaps[0], front, back);
    else if (layer instanceof Recurrent && reach === 'visits') y = this.#recurrent(use, layer, inputs[0], overlaps[0], front, back);
    else if (layer instanceof Bidirectional) y = this.#bidirectional(use, layer, inputs[0], overlaps[0], front, back);
    use.N = N;
    return y ?? layer.call(x, options);
  }

  /**
   * The next use of a layer.
   * @param {Layer} layer @param {Overlap[]} overlaps
   * @returns {{ use: Use, valid: boolean }} valid: what it keeps is of the run before, and of these inputs
   */
  #use(layer, overlaps) {
    const at = this.nextUse++;
    let use = this.uses[at];
    if (use?.layer !== layer) this.uses[at] = use = new Use(layer);
    const valid =
      use.run === this.runs - 1 &&
      use.origins.length === overlaps.length &&
      overlaps.every(({ origin }, i) => origin === use.origins[i]);
    use.run = this.runs;
    use.origins = overlaps.map(({ origin }) => origin);
    return { use, valid };
  }

  /**
   * The answer of a use, put in the heap when somebody asks.
   * @param {(from: number, to: number) => number} put  some of its steps: pointer to them
   * @param {number} N @param {Tensor} like  the input @param {(number | null)[]} shape  of a step
   * @param {object} origin @param {number} front @param {number} back
   * @param {Steps | null} [steps]  those of the input, or others
   * @param {number} [pointer]  where the values are, if they are anywhere
   */
  #answer(put, N, like, shape, origin, front, back, steps = like.steps, pointer = undefined) {
    const { heap } = this;
    const T = steps === like.steps ? like.shape[0] : (steps?.T ?? null);
    const y = new Tensor(heap, pointer ?? (() => put(0, N)), 1, [T, ...shape], steps);
    const part = (/** @type {number} */ from, /** @type {number} */ to) => singleText(heap, put(from, to), shape, to - from);
    this.overlaps.set(y, { origin, N, front, back, part });
    return y;
  }

  /** @param {Rows} rows @returns {(from: number, to: number) => number} */
  #copyFrom(rows) {
    return (from, to) => this.heap.f32(rows.rows(from, to));
  }

  /** @param {Layer & import('../layers/products.js').Table} layer @param {Tensor} x @param {Overlap} overlap */
  #lookUp(layer, x, { N, front, back, part, origin }) {
    const y = new LazyLookup(x, layer);
    const { use, valid } = this.#use(layer, [{ N, front, back, part, origin }]);
    const kept = valid ? { front, back } : { front: 0, back: 0 };
    this.overlaps.set(y, {
      ...kept,
      origin: use.outputs[0],
      N,
      part: (from, to) => new LazyLookup(part(from, to), layer),
    });
    return y;
  }

  /**
   * Each step by itself.
   * @param {Use} use @param {Tensor[]} inputs @param {Overlap[]} overlaps @param {boolean} several
   * @param {number} front @param {number} back @param {Record<string, any>} options
   */
  #steps(use, inputs, overlaps, several, front, back, options) {
    const { layer, values } = use;
    if ('overTime' in layer && layer.overTime) return null;
    const [{ N }] = overlaps;
    const n = N - front - back;
    let pointer;
    if (n > 0) {
      const parts = n === N ? inputs : overlaps.map(({ part }) => part(front, N - back));
      const y = /** @type {Tensor} */ (layer.call(several ? parts : parts[0], options));
      use.shape = y.shape.slice(1);
      values.open(front, back, N, product(use.shape));
      values.write(front, y.view());
      if (n === N) ({ pointer } = y);
    } else values.open(front, back, N, values.width);
    return this.#answer(this.#copyFrom(values), N, inputs[0], use.shape, use.outputs[0], front, back, inputs[0].steps, pointer);
  }

  /**
   * Window t: steps t * stride - before and on, `span` of them.
   * @param {Use} use @param {Tensor} x @param {Overlap} overlap @param {number} front @param {number} back
   */
  #windows(use, x, { N, part }, front, back) {
    const { values } = use;
    const layer =
      /** @type {Layer & { span: number, stride: number, before: number, anchored: boolean, lengthOf(T: number): number, steps(x: Tensor): Steps }} */ (
        use.layer
      );
    const { span, stride, before, anchored } = layer;
    const [now, then] = [layer.lengthOf(N), layer.lengthOf(use.N)];
    let first = 0;
    let last = 0;
    if (anchored) {
      first = Math.max(0, Math.min(now, then, Math.floor((front + before - span) / stride) + 1));
      // From the end, windows stand where they stood if the length changed by whole strides.
      const shift = (now - then) * stride === N - use.N;
      if (shift) last = Math.max(0, Math.min(now - first, then - first, now - Math.ceil((N - back + before) / stride)));
    }
    const n = now - first - last;
    if (n > 0) {
      // The inputs of the windows, and at the left as many again as a text's beginning would lack.
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
    return this.#answer(this.#copyFrom(values), now, x, use.shape, use.outputs[0], first, last, layer.steps(x));
  }

  /**
   * One direction over a text: from the first changed input on, as far as its state differs from what it was.
   * @param {Direction} direction @param {Overlap} overlap @param {{ h: Rows, c: Rows }} kept @param {number} front @param {number} back
   * @returns {[number, number]} rows of h at the front and at the back that stay
   */
  #runDirection({ rnn, units, cell, order, products }, { N, part }, { h, c }, front, back) {
    const { heap } = this;
    const backwards = order !== FORWARD;
    // In the order of the visits: those before the change, and those behind it.
    const [before, behind] = backwards ? [back, front] : [front, back];
    if (h.N === N && front + back === N) return order === AS_VISITED ? [before, behind] : [front, back];
    for (const rows of cell ? [h, c] : [h])
      if (order === BACKWARD) rows.open(front, back, N, units);
      else rows.open(before, behind, N, units);
    const changed = N - behind;
    const mark = heap.top;
    const state = [h, c].map(() => heap.reserve32(units));
    const pointers = placeStates(heap, state);
    let at = before;
    /** The row of a visit. @param {number} visit */
    const rowOf = (visit) => (order === BACKWARD ? N - 1 - visit : visit);
    if (at > 0) {
      const row = rowOf(at - 1);
      [h, c].slice(0, cell ? 2 : 1).forEach((rows, i) => heap.f32View(state[i], units).set(rows.rows(row, row + 1)));
    }
    let size = FIRST_PIECE;
    for (let next = Math.min(N, changed + size); at < N; next = Math.min(N, at + size)) {
      const n = next - at;
      const top = heap.top;
      const from = order === BACKWARD ? N - next : at;
      const x = backwards ? part(N - next, N - at) : part(at, next);
      const values = products?.use(x) ? 0 : x.pointer;
      const y = heap.reserve32(n * units);
      const cells = cell ? heap.reserve32(n * units) : 0;
      const arena = heap.scratch(heap.exports.pl_ragged_rnn_scratch(rnn, x.time.pointer, 1));
      const initial = at > 0 ? pointers : 0;
      heap.exports.pl_ragged_rnn(y, cells, pointers, values, rnn, initial, x.time.pointer, order, units, 1, arena);
      const row = rowOf(next - 1);
      const settled = next < N && [h, c].every((rows, i) => (i === 1 && !cell) || this.#isSettled(state[i], rows, row));
      h.write(from, heap.f32View(y, n * units));
      if (cell) c.write(from, heap.f32View(cells, n * units));
      heap.top = top;
      at = next;
      if (settled) break;
      if (!this.tolerance) size = Math.min(LONGEST_PIECE, 2 * size);
    }
    heap.top = mark;
    return order === BACKWARD ? [N - at, before] : [before, N - at];
  }

  /** Whether a state is the one that is kept, or nearly. @param {number} pointer @param {Rows} rows @param {number} row */
  #isSettled(pointer, rows, row) {
    const { tolerance, heap } = this;
    const now = heap.f32View(pointer, rows.width);
    const then = rows.rows(row, row + 1);
    let equal = true;
    for (let u = 0; u < now.length; u++) {
      if (Object.is(now[u], then[u])) continue;
      equal = false;
      if (!(Math.abs(now[u] - then[u]) <= tolerance * Math.max(1, Math.abs(now[u])))) return false;
    }
    if (!equal) this.approximate = true;
    return true;
  }

  /** Some rows of a state as vectors of the text. @param {Tensor} x @param {{ h: Rows, c: Rows }} kept @param {boolean} cell @param {number} row */
  #finals(x, { h, c }, cell, row) {
    return (cell ? [h, c] : [h]).map((rows) => x.vector(this.heap.f32(rows.rows(row, row + 1)), rows.width));
  }

  /** @param {Use} use @param {Recurrent} layer @param {Tensor} x @param {Overlap} overlap @param {number} front @param {number} back */
  #recurrent(use, layer, x, overlap, front, back) {
    const { rnn = 0, units = 0, products, stateCount, config } = layer;
    const order = config.go_backwards ? AS_VISITED : FORWARD;
    const [kept] = use.states;
    const cell = stateCount === 2;
    const stays = this.#runDirection({ rnn, units, cell, order, products }, overlap, kept, front, back);
    const finals = this.#finals(x, kept, cell, overlap.N - 1);
    const y = layer.returnSequences
      ? this.#answer(this.#copyFrom(kept.h), overlap.N, x, [units], use.outputs[0], ...stays)
      : finals[0];
    return config.return_state ? [y, ...finals] : y;
  }

  /** @param {Use} use @param {Bidirectional} layer @param {Tensor} x @param {Overlap} overlap @param {number} front @param {number} back */
  #bidirectional(use, layer, x, overlap, front, back) {
    const { heap } = this;
    const { N } = overlap;
    const { rnns = [], merge = CONCAT, products } = layer;
    const layers = [layer.forwardLayer, layer.backwardLayer];
    const [Hf, Hb] = layers.map(({ units = 0 }) => units);
    const width = merge === CONCAT ? Hf + Hb : Hf;
    const stays = layers.map(({ units = 0, stateCount }, i) => {
      const direction = {
        rnn: rnns[i],
        units,
        cell: stateCount === 2,
        order: [FORWARD, BACKWARD][i],
        products,
      };
      return this.#runDirection(direction, overlap, use.states[i], front, back);
    });
    const finals = layers.map(({ stateCount }, i) => this.#finals(x, use.states[i], stateCount === 2, i ? 0 : N - 1));
    const outputs = [];
    if (!layers[0].returnSequences) {
      const [[{ pointer: forward }], [{ pointer: backward }]] = finals;
      if (merge === NONE) outputs.push(finals[0][0], finals[1][0]);
      else {
        const y = heap.reserve32(width);
        heap.exports.pl_merge_outputs(y, forward, backward, merge, 1, Hf, Hb);
        outputs.push(x.vector(y, width));
      }
    } else if (merge === NONE) {
      outputs.push(...use.states.map(({ h }, i) => this.#answer(this.#copyFrom(h), N, x, [h.width], use.outputs[i], ...stays[i])));
    } else {
      const [first, last] = [0, 1].map((side) => Math.min(stays[0][side], stays[1][side]));
      const put = (/** @type {number} */ from, /** @type {number} */ to) => {
        const [forward, backward] = use.states.map(({ h }) => heap.f32(h.rows(from, to)));
        const y = heap.reserve32((to - from) * width);
        heap.exports.pl_merge_outputs(y, forward, backward, merge, to - from, Hf, Hb);
        return y;
      };
      outputs.push(this.#answer(put, N, x, [width], use.outputs[0], first, last));
    }
    if (layer.returnState) outputs.push(...finals.flat());
    return outputs.length === 1 ? outputs[0] : outputs;
  }
}

/** The first of 0 .. count-1 for which something holds that goes on to hold; count: of none. @param {number} count @param {(i: number) => boolean} holds */
function lowerBound(count, holds) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const joining = new RegExp(`[${joined}]`, 'uy');

/**
 * Where the tokens of a changed text are to be read anew: between `from` and `to` of the old one. The `head` first tokens, and those from `tail`
 * on, are what they were.
 * @param {TextVectorizer} vectorizer
 * @param {string} old @param {Encoding} row  its tokens
 * @param {number} same @param {number} behind  UTF-16 units at the front and at the back that stay
 */
function changedRange(vectorizer, old, { ids, offsets }, same, behind) {
  const count = ids.length;
  const back = old.length - behind;
  // Words and graphemes are what their neighbours make of them, as far as white space.
  if (vectorizer.segmenter || vectorizer.unit === 'split') {
    const from = vectorizer.borderBefore(old, same - 1);
    const to = vectorizer.borderFrom(old, back + 1);
    return {
      from,
      to,
      head: lowerBound(count, (i) => offsets[2 * i + 1] > from),
      tail: lowerBound(count, (i) => offsets[2 * i] >= to),
    };
  }
  // Where a chunk ends is known by the code point behind it.
  const head = lowerBound(count, (i) => offsets[2 * i + 1] > same - 2);
  let tail = lowerBound(count, (i) => offsets[2 * i] >= back);
  /** Whether a chunk begins at this place whatever stands before it. @param {number} at */
  const begins = (at) => {
    joining.lastIndex = at;
    return !/[\udc00-\udfff]/.test(old[at]) && !(vectorizer.normalization && joining.test(old));
  };
  while (tail < count && !begins(offsets[2 * tail])) tail++;
  return { from: head ? offsets[2 * head - 1] : 0, to: tail < count ? offsets[2 * tail] : old.length, head, tail };
}

/**
 * vectorizer.encode(text) by way of what another text gave: only what has changed is read, and what normalisation brings together with it.
 * @param {TextVectorizer} vectorizer
 * @param {string} text
 * @param {{ text: string, row: Encoding } | null} before
 * @returns {Encoding}
 */
export function encodeAfter(vectorizer, text, before) {
  const { maxlen } = vectorizer;
  // Of a text that was cut not all is known.
  if (typeof text !== 'string' || !before || before.row.truncated) return vectorizer.encode(text);
  const { text: old, row } = before;
  const most = Math.min(old.length, text.length);
  let [same, behind] = [0, 0];
  while (same < most && old.charCodeAt(same) === text.charCodeAt(same)) same++;
  while (behind < most - same && old.charCodeAt(old.length - 1 - behind) === text.charCodeAt(text.length - 1 - behind)) behind++;
  const { ids, offsets } = row;
  const count = ids.length;
  const moved = text.length - old.length;
  const { from, to, head, tail } = changedRange(vectorizer, old, row, same, behind);
  const between = vectorizer.encode(text.slice(from, to + moved));
  const added = between.ids.length;
  const total = head + added + count - tail;
  if (between.truncated || (maxlen !== null && total > maxlen)) return vectorizer.encode(text);
  const result = { ids: new Int32Array(total), offsets: new Int32Array(2 * total), truncated: false };
  result.ids.set(ids.subarray(0, head));
  result.ids.set(between.ids, head);
  result.ids.set(ids.subarray(tail), head + added);
  result.offsets.set(offsets.subarray(0, 2 * head));
  for (let i = 0; i < 2 * added; i++) result.offsets[2 * head + i] = between.offsets[i] + from;
  for (let i = 2 * tail; i < 2 * count; i++) result.offsets[2 * (head + added - tail) + i] = offsets[i] + moved;
  return result;
}

/** Whether a model can be run a part at a time. @param {Model} model */
function runsIncrementally({ inputs, padded, needsLength, root }) {
  // What a user's layer does that is not made of layers nobody knows.
  return (
    inputs.length === 1 &&
    inputs[0].ids &&
    !padded &&
    !needsLength &&
    root.all().every((layer) => !layer.config.stateful && (layer.build === Layer.prototype.build || reachOf(layer)))
  );
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
const sameValues = (a, b) => a.length === b.length && Array.prototype.every.call(a, (value, i) => value === b[i]);

/** A text that changes. See Model.session. */
export class Session {
  #model;
  /** @type {IncrementalRun | null} null: the model is run whole each time */
  #incremental;
  /** What was read last. @type {{ text: string, row: Encoding } | null} */
  #read = null;
  /** What came out last. @type {{ T: number, mask: Uint8Array, outputs: OutputTensor[] } | null} */
  #last = null;
  #closed = false;
  /** @type {(() => void) | null} */
  #cancel = null;

  /**
   * @param {Model} model
   * @param {SessionOptions} [options]
   */
  constructor(model, options = {}) {
    const given = options ?? {};
    const { tolerance = 0 } = given;
    if (typeof tolerance !== 'number' || !(tolerance >= 0 && tolerance < Infinity))
      throw new ArgumentError(`session: tolerance is ${show(tolerance)}, expected a number from 0 on`);
    this.#model = model;
    this.#incremental = runsIncrementally(model) ? new IncrementalRun(model.heap, tolerance) : null;
  }

  /**
   * What predict(text) says, for the work that the change makes.
   * @param {string} text
   * @returns {Prediction}
   * @throws {ArgumentError} for anything but a string; the session stays as it was
   */
  update(text) {
    this.#open('update');
    const model = this.#model;
    const vectorizer = model.text;
    if (!this.#incremental || !vectorizer) {
      if (typeof text !== 'string') throw new ArgumentError(`update: text is ${typeof text}, expected a string`);
      return model.predict(text);
    }
    const row = encodeAfter(vectorizer, text, this.#read);
    this.#read = { text, row };
    return this.#answer(row);
  }

  /** @param {Encoding} row @returns {Prediction} */
  #answer(row) {
    const model = this.#model;
    const vectorizer = /** @type {TextVectorizer} */ (model.text);
    const batch = vectorizer.batch([row]);
    const T = batch.shape[1];
    const mask = vectorizer.mask || vectorizer.length === null ? batch.mask : new Uint8Array(T).fill(1);
    const outputs = this.#forward({ input: model.inputs[0], rows: [batch.ids], B: 1, T, data: batch.ids, mask });
    return predictions(model.outputs, outputs, batch, vectorizer.padding === 'pre')[0];
  }

  /**
   * What run([ids]) gives, for the work that the change makes.
   * @param {ArrayLike<number>} ids
   * @returns {OutputTensor[]}
   */
  run(ids) {
    this.#open('run');
    const model = this.#model;
    if (!this.#incremental) return model.run([ids]);
    this.#read = null;
    const outputs = this.#forward(padRows(model.inputs[0], [ids], { wholeLength: false }));
    return outputs.map(({ name, shape, data }) => ({ name, shape: [...shape], data: data.slice() }));
  }

  /**
   * The exact answer for the text of the last update; the next updates start from it. A session with a tolerance calls it by itself when
   * nothing was updated for half a second and the page is idle: as long a task as predict() of the text.
   * @returns {Prediction | null} null before the first update
   */
  refresh() {
    this.#open('refresh');
    this.#cancel?.();
    if (this.#incremental?.approximate) this.#forget();
    return this.#read && this.#answer(this.#read.row);
  }

  /** Lets go of what is kept. */
  close() {
    this.#closed = true;
    this.#forget();
    this.#read = null;
    this.#incremental = null;
  }

  /** @param {string} what */
  #open(what) {
    if (this.#closed) throw new PadlessError(`${what}: the session is closed`);
  }

  #forget() {
    this.#cancel?.();
    this.#incremental?.forget();
    this.#last = null;
  }

  /** @param {import('../model/batch.js').Padded} padded @returns {OutputTensor[]} not to be given away */
  #forward(padded) {
    const { heap, root, outputs: settings } = this.#model;
    const incremental = /** @type {IncrementalRun} */ (this.#incremental);
    const last = this.#last;
    const mask = /** @type {Uint8Array} */ (padded.mask);
    this.#last = null;
    try {
      const outputs = heap.scoped(() => {
        const x = placeInput(heap, padded, false, false);
        const ids = heap.i32View(x.pointer, x.time.N).slice();
        const kept = incremental.compare(ids);
        if (kept.same && last && last.T === padded.T && sameValues(last.mask, mask)) return last.outputs;
        const y = [incremental.run(root, x, ids, kept)].flat();
        return settings.map(({ name }, i) => ({ name, ...readOutput(y[i]) }));
      });
      this.#last = { T: padded.T, mask, outputs };
      if (incremental.approximate) this.#later();
      return outputs;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** Refreshes when there is nothing else to do. */
  #later() {
    this.#cancel?.();
    const refresh = () => {
      this.#cancel = null;
      try {
        this.refresh();
      } catch {
        // Nobody asked; what failed is forgotten, and the next update says so if it fails again.
      }
    };
    const { requestIdleCallback: requestIdle, cancelIdleCallback: cancelIdle } = globalThis;
    const timer = setTimeout(() => {
      if (typeof requestIdle !== 'function') return refresh();
      const id = requestIdle(refresh);
      this.#cancel = () => cancelIdle(id);
    }, IDLE_DELAY);
    // A process that has nothing else to do ends.
    if (typeof timer === 'object') timer.unref();
    this.#cancel = () => clearTimeout(timer);
  }
}
