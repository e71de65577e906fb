/**
 * Attention of a sequence to another or to itself. Keys at padding get weight 0.
 * @module
 */
import { ShapeError, UnsupportedError } from '../../errors.js';
import { dense, Dense, packDense } from '../basic.js';
import { Layer } from '../layer.js';
import { Multiply } from './merge.js';
import { MaskedSum } from '../pooling.js';
import { MaskedSoftmax } from './softmax.js';
import { product, Steps, Tensor } from '../tensor.js';
/** @typedef {import('../../runtime/memory.js').Heap} Heap */
/** @typedef {import('../tensor.js').Rules} Rules */
/** @typedef {import('../tensor.js').Spec} Spec */

/**
 * Applies the masks for all kinds of attention: only keys and values that count are used; the output of a query at padding is 0.
 * @param {Tensor} query
 * @param {Tensor} key
 * @param {Tensor} value
 * @param {boolean} causal  a query uses the keys up to its own position
 * @param {number} features  of the result
 * @param {(y: number, weights: number, q: Tensor, k: Tensor, v: Tensor, causal: boolean) => void} kernel
 * @param {((q: Tensor, keys: import('../tensor.js').Steps, weights: number) => Tensor) | false} [scoresOf]  converts the weights after softmax to the second
 *   output
 * @param {number} [heads]
 * @returns {[Tensor, Tensor | undefined]} output [B, Tq, D], and the result of scoresOf
 */
function attend(query, key, value, causal, features, kernel, scoresOf = false, heads = 1) {
  const { heap, B } = query;
  if (!(value.keep ? key.time.T === value.time.T && key.time.uniform : key.time.equals(value.time)))
    throw new ShapeError(
      `attention: ${key.time.N} keys and ${value.time.N} values in the batch, with up to ${key.time.T} and ${value.time.T} steps in a text; expected equal lengths`,
    );
  const v = value.ragged();
  const k = key === value ? v : new Tensor(heap, key.pointer, B, key.shape, key.steps, value.keep).ragged();
  /** @type {Tensor | undefined} */
  let scores;
  /** @param {Tensor} q */
  const run = (q) => {
    const y = heap.reserve32(q.time.N * features);
    const pairs = Array.from({ length: B }, (_, b) => q.time.length(b) * v.time.length(b));
    const weights = scoresOf ? heap.reserve32(pairs.reduce((sum, n) => sum + n, 0) * heads) : 0;
    kernel(y, weights, q, k, v, causal);
    if (scoresOf) scores = scoresOf(q, v.time, weights);
    return q.ofFeatures(y, features);
  };
  // Queries and keys have the same positions in the ragged form only if they have the same mask.
  if (causal && query.keep && query.keep === value.keep) {
    const y = query.whereKept(run);
    const ragged = scores;
    if (ragged?.steps !== query.keep) return [y, ragged];
    const spread = query.whereKept(() => /** @type {Tensor} */ (ragged));
    if (query.keep.mask) scorePadding(spread, query, k, query.keep, kernel);
    return [y, spread];
  }
  if (causal && query.keep !== value.keep)
    throw new UnsupportedError('causal attention between sequences with different masks is not supported');
  const y = run(query);
  if (query.keep?.mask) heap.exports.pl_apply_mask(y.pointer, y.pointer, heap.u8(query.keep.mask), B, query.keep.T, features);
  return [y, scores];
}

/**
 * Fills in the scores of queries at padding in causal self-attention. As in Keras, they are scores of the keys before the query that count.
 * Without such a key, all keys get the same score. A text without a step that counts keeps zeros.
 * @param {Tensor} scores  [B, T, T], in place
 * @param {Tensor} query  in the padded form
 * @param {Tensor} k  keys in the ragged form
 * @param {Steps} keep  the steps that count
 * @param {(y: number, weights: number, q: Tensor, k: Tensor, v: Tensor, causal: boolean) => void} kernel
 */
function scorePadding(scores, query, k, { T, mask, splits }, kernel) {
  const { heap, B, features: D } = query;
  // For each query at padding: its row among all queries, the first key of its text, and the number of its keys.
  const queries = [];
  for (let b = 0; b < B; b++)
    for (let t = 0, keys = 0; t < T; t++) {
      if (mask?.[b * T + t]) keys++;
      else if (splits[b] < splits[b + 1]) queries.push({ row: b * T + t, first: splits[b], keys });
    }
  // Run the kernel with each query that has keys as a text of one step.
  const some = queries.filter(({ keys }) => keys > 0);
  const lengths = some.map(({ keys }) => keys);
  const steps = Steps.prefixes(heap, lengths, Math.max(0, ...lengths));
  const [q, keysOf] = [heap.reserve32(some.length * D), heap.reserve32(steps.N * D)];
  some.forEach(({ row, first, keys }, i) => {
    heap.f32View(q + 4 * i * D, D).set(heap.f32View(query.pointer + 4 * row * D, D));
    heap.f32View(keysOf + 4 * steps.splits[i] * D, keys * D).set(heap.f32View(k.pointer + 4 * first * D, keys * D));
  });
  const [y, weights] = [heap.reserve32(some.length * D), heap.reserve32(steps.N)];
  const alone = new Tensor(heap, q, some.length, [1, D], new Steps(heap, some.length, 1, null));
  const before = new Tensor(heap, keysOf, some.length, [steps.T, D], steps);
  kernel(y, weights, alone, before, before, false);
  const out = scores.view();
  for (const { row, keys } of queries) if (keys === 0) out.fill(1 / T, row * T, (row + 1) * T);
  some.forEach(({ row, keys }, i) => {
    const from = heap.f32View(weights + 4 * steps.splits[i], keys);
    const text = row - (row % T);
    for (let t = 0, n = 0; n < keys; t++) if (mask?.[text + t]) out[row * T + t] = from[n++];
  });
}

/**
 * Converts ragged weights to [B, Tq, Tk], with 0 at keys at padding.
 * @param {Tensor} q
 * @param {import('../tensor.js').Steps} keys
 * @param {number} weights
 */
function spreadScores(q, keys, weights) {
  const { heap, B, time } = q;
  const { T, mask } = keys;
  const y = heap.reserve32(time.N * T);
  const out = heap.f32View(y, time.N * T).fill(0);
  for (let b = 0, from = weights; b < B; b++) {
    const places = Array.from({ length: T }, (_, t) => t).filter((t) => !mask || mask[b * T + t]);
    const row = heap.f32View(from, time.length(b) * places.length);
    row.forEach((value, i) => {
      out[(time.splits[b] + Math.floor(i / places.length)) * T + places[i % places.length]] = value;
    });
    from += 4 * row.length;
  }
  return q.ofFeatures(y, T);
}

/**
 * Converts ragged weights of several heads to [B, heads, Tq, Tk], with 0 where the query or the key is padding.
 * @param {Tensor} q
 * @param {import('../tensor.js').Steps} keys
 * @param {number} weights
 * @param {number} heads
 * @param {boolean} even  whether a query that is padding, or has no key, gives each key the same score
 */
function spreadHeads(q, keys, weights, heads, even) {
  const { heap, B, time, keep } = q;
  const [Tq, Tk] = [time.T, keys.T];
  const y = heap.reserve32(B * heads * Tq * Tk);
  const out = heap.f32View(y, B * heads * Tq * Tk).fill(even ? 1 / Tk : 0);
  /** @param {import('../tensor.js').Steps} steps @param {number} b */
  const placesOf = ({ T, mask }, b) => Array.from({ length: T }, (_, t) => t).filter((t) => !mask || mask[b * T + t]);
  for (let b = 0, from = weights; b < B; b++) {
    const places = placesOf(keys, b);
    for (let h = 0; h < heads; h++)
      for (const t of placesOf(time, b)) {
        const row = heap.f32View(from, places.length);
        const to = ((b * heads + h) * Tq + t) * Tk;
        if (places.length > 0 && (!keep?.mask || keep.mask[b * Tq + t])) {
          out.fill(0, to, to + Tk);
          row.forEach((value, i) => (out[to + places[i]] = value));
        }
        from += 4 * places.length;
      }
  }
  return new Tensor(heap, y, B, [heads, Tq, Tk], new Steps(heap, B, heads, null));
}

/** Keys use the mask of the values. If the keys have another mask, both need the padded form. @param {Layer} layer @param {Spec} value @param {Spec} key @param {Rules} rules */
function sameSteps(layer, value, key, rules) {
  if (key.time !== value.time && (key.masked || value.masked)) rules.needsPadded.add(layer.path);
}

/** Inputs whose masks Attention and AdditiveAttention use. @type {WeakSet<Spec>} */
const maskReaders = new WeakSet();

/** Base of Attention and AdditiveAttention: inputs [query, value] or [query, value, key]. */
class DotAttention extends Layer {
  /** Declares the weights. @param {Rules} _rules @param {number} _D */
  declare(_rules, _D) {}

  /**
   * @override
   * @param {any} inputs
   * @param {Rules} rules
   * @param {Record<string, any>} [options]
   */
  build(inputs, rules, options) {
    if (!Array.isArray(inputs) || inputs.length < 2 || inputs.length > 3)
      throw new ShapeError(`${this.path}: ${this.className} needs a list of 2 or 3 inputs, [query, value] or [query, value, key]`);
    this.refuse({ score_mode: ['dot', 'concat'] });
    for (const x of inputs) {
      this.needSequence(x);
      this.needMask(x);
      maskReaders.add(x);
    }
    const [query, value, key = value] = inputs;
    sameSteps(this, value, key, rules);
    if (query.features !== key.features)
      throw new ShapeError(
        `${this.path}: queries have ${query.features} features and keys ${key.features}, expected equal numbers`,
      );
    this.declare(rules, query.features);
    const y = query.ofFeatures(value.features);
    if (!options?.return_attention_scores) return y;
    const scores = query.with({ shape: [query.shape[0], value.shape[0]] });
    if (!query.masked || rules.select) return [y, scores];
    // In Keras, the scores have no mask.
    this.readsPadding(query);
    this.scoresWithoutMask = true;
    return [y, scores.with({ masked: false, time: {} })];
  }

  /**
   * @override
   * @param {Tensor[]} inputs
   * @param {Record<string, any>} [options]
   */
  call([query, value, key = value], options = {}) {
    const causal = Boolean(options.use_causal_mask ?? this.config.causal);
    const withScores = Boolean(options.return_attention_scores);
    const [y, scores] = attend(
      query,
      key,
      value,
      causal,
      value.features,
      (to, weights, q, k, v, isCausal) => this.compute(to, weights, q, k, v, isCausal),
      withScores && spreadScores,
    );
    if (!withScores) return y;
    return [y, this.scoresWithoutMask ? scores?.unmasked() : scores];
  }

  /** Runs the kernel. @param {number} _y @param {number} _weights @param {Tensor} _q @param {Tensor} _k @param {Tensor} _v @param {boolean} _causal */
  compute(_y, _weights, _q, _k, _v, _causal) {}
}

/** Keras Attention (Luong et al. 2015). */
export class Attention extends DotAttention {
  /** @override */
  static className = 'Attention';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override */
  declare() {
    if (this.config.use_scale) this.addWeight('scale', []);
    if (this.config.score_mode === 'concat') this.addWeight('concat_score_weight', []);
  }

  /** @override @param {number} y @param {number} weights @param {Tensor} q @param {Tensor} k @param {Tensor} v @param {boolean} causal */
  compute(y, weights, q, k, v, causal) {
    const scale = this.config.use_scale ? this.weight('scale').data[0] : 1;
    if (this.config.score_mode === 'concat') return this.#concat(y, weights, q, k, v, scale, causal);
    dotProduct(y, weights, q, k, v, scale, causal, 1);
  }

  /** score = w sum_d tanh(scale (q_d + k_d)) @param {number} y @param {number} weights @param {Tensor} q @param {Tensor} k @param {Tensor} v @param {number} scale @param {boolean} causal */
  #concat(y, weights, q, k, v, scale, causal) {
    const { heap, features } = q;
    const [scaledQ, scaledK] = [q, k].map((x) => {
      const pointer = heap.reserve32(x.rows * features);
      heap.exports.pl_scale(pointer, x.pointer, scale, 0, x.rows * features);
      return x.ofFeatures(pointer, features);
    });
    const weight = heap.f32(new Float32Array(features).fill(this.weight('concat_score_weight').data[0]));
    additive(y, weights, scaledQ, scaledK, v, weight, causal);
  }
}

/** The kernel of dot-product attention. @param {number} y @param {number} weights @param {Tensor} q @param {Tensor} k @param {Tensor} v @param {number} scale @param {boolean} causal @param {number} heads */
function dotProduct(y, weights, q, k, v, scale, causal, heads) {
  const { heap, B } = q;
  const [Dk, Dv] = [q.features / heads, v.features / heads];
  const arena = heap.scratch(heap.exports.pl_ragged_attention_scratch(v.time.pointer, B));
  const { pl_ragged_attention: run } = heap.exports;
  const [queries, keys] = [q.time.pointer, v.time.pointer];
  run(y, weights, q.pointer, k.pointer, v.pointer, queries, keys, scale, Number(causal), B, heads, Dk, Dv, arena);
}

/** The kernel of additive attention. @param {number} y @param {number} weights @param {Tensor} q @param {Tensor} k @param {Tensor} v @param {number} scale @param {boolean} causal */
function additive(y, weights, q, k, v, scale, causal) {
  const { heap, B } = q;
  const arena = heap.scratch(heap.exports.pl_ragged_attention_scratch(v.time.pointer, B));
  const { pl_ragged_additive_attention: run } = heap.exports;
  run(
    y,
    weights,
    q.pointer,
    k.pointer,
    v.pointer,
    scale,
    q.time.pointer,
    v.time.pointer,
    Number(causal),
    B,
    q.features,
    v.features,
    arena,
  );
}

/** Keras AdditiveAttention (Bahdanau et al. 2015). */
export class AdditiveAttention extends DotAttention {
  /** @override */
  static className = 'AdditiveAttention';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {Rules} _rules @param {number} D */
  declare(_rules, D) {
    if (this.config.use_scale !== false) this.addWeight('scale', [D]);
  }

  /** @override @param {Heap} heap */
  load(heap) {
    this.scale = this.place(heap, 'scale');
  }

  /** @override @param {number} y @param {number} weights @param {Tensor} q @param {Tensor} k @param {Tensor} v @param {boolean} causal */
  compute(y, weights, q, k, v, causal) {
    additive(y, weights, q, k, v, this.scale ?? 0, causal);
  }
}

/** Repeats each D neighbouring values. @param {Float32Array} values @param {number} D @param {number} times */
function repeated(values, D, times) {
  if (times === 1) return values;
  const y = new Float32Array(values.length * times);
  for (let at = 0; at < values.length; at += D)
    for (let i = 0; i < times; i++) y.set(values.subarray(at, at + D), at * times + i * D);
  return y;
}

/** A Dense over the last axis or axes whose kernel has more than two axes: the EinsumDense in Keras MultiHeadAttention. */
class Projection extends Layer {
  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @param {Spec} input
   * @param {number[]} kernel  shape
   * @param {number[]} bias  shape; [] for no bias
   * @param {number} [repeat]  number of heads of the output for each head of the kernel [K, heads, D]
   * @returns {Spec}
   */
  declare(input, kernel, bias, repeat = 1) {
    this.built = true;
    this.repeat = repeat;
    this.weightSpecs = [];
    this.addWeight('kernel', kernel);
    if (bias.length) this.addWeight('bias', bias);
    this.K = input.features;
    this.N = (product(kernel) / this.K) * repeat;
    return input.ofFeatures(this.N);
  }

  /** @override @param {Heap} heap */
  load(heap) {
    const kernel = this.weight('kernel');
    const D = /** @type {number} */ (kernel.shape.at(-1));
    const bias = this.weights.get('bias');
    const [columns, shift] = [kernel, bias].map((weight) => weight && repeated(weight.data, D, this.repeat ?? 1));
    this.packed = packDense(heap, /** @type {Float32Array} */ (columns), shift, this.K ?? 0, this.N ?? 0);
  }

  /** @override @param {Tensor} x */
  call(x) {
    return dense(x, this.packed ?? 0, this.N ?? 0);
  }
}

/** Base of MultiHeadAttention and GroupQueryAttention, called with query, value and key. */
class ManyHeads extends Layer {
  /** @param {import('../layer.js').LayerConfig} [config] */
  constructor(config) {
    super(config);
    this.query = new Projection({ name: 'query' });
    this.key = new Projection({ name: 'key' });
    this.value = new Projection({ name: 'value' });
    this.attentionOutput = new Projection({ name: 'attention_output' });
    /** Whether a query without a key gives each key the same score, as in Keras before 3.10, instead of 0. */
    this.evenScores = false;
    /** Whether the layer reads padding, as it does in Keras before 2.10. */
    this.ignoresMasks = false;
  }

  /** @override */
  get positional() {
    return ['value', 'key'];
  }

  /** heads: number of query heads; groups: number of key heads; Dk, Dv: features of a head's keys and values; width: features of the output. @param {Spec} _query @returns {{ heads: number, groups: number, Dk: number, Dv: number, width: number }} */
  sizes(_query) {
    throw new UnsupportedError(`${this.path}: ${this.className} has no sizes`);
  }

  /**
   * @override
   * @param {Spec} query
   * @param {Rules} rules
   * @param {Record<string, any>} [options]
   */
  build(query, rules, options = {}) {
    const { value = query } = options;
    const { key = value } = options;
    for (const x of [query, value, key]) {
      this.needSequence(x);
      this.needMask(x);
    }
    sameSteps(this, value, key, rules);
    this.refuse({ use_gate: [false], sliding_window: [] });
    const { heads, groups, Dk, Dv, width } = this.sizes(query);
    this.heads = heads;
    const bias = this.config.use_bias !== false;
    this.query.declare(query, [query.features, heads, Dk], bias ? [heads, Dk] : []);
    this.key.declare(key, [key.features, groups, Dk], bias ? [groups, Dk] : [], heads / groups);
    const values = this.value.declare(value, [value.features, groups, Dv], bias ? [groups, Dv] : [], heads / groups);
    this.attentionOutput.declare(values, [heads, Dv, width], bias ? [width] : []);
    const { framework, kerasMajor, kerasMinor } = rules;
    if (framework === 'keras2' && Number.isNaN(kerasMinor) && [query, value, key].some(({ masked }) => masked))
      throw new UnsupportedError(
        `${this.path}: MultiHeadAttention uses masks from Keras 2.10 on, and the file does not say its version: give kerasVersion`,
      );
    this.ignoresMasks = framework === 'keras2' && kerasMinor < 10;
    if (this.ignoresMasks) for (const x of [query, value, key]) this.readsPadding(x);
    const masks = query.masked || value.masked;
    if (options.return_attention_scores && masks && framework === 'keras3' && Number.isNaN(kerasMinor))
      throw new UnsupportedError(
        `${this.path}: the scores of a query that is padding changed with Keras 3.10, and the file does not say its version: give kerasVersion`,
      );
    this.evenScores = framework === 'keras2' || (kerasMajor === 3 && kerasMinor < 10);
    // The output of a query at padding is the mean of all values with some backends of Keras, 0 with others.
    const y = query.with({
      shape: [query.shape[0], width],
      ...(this.ignoresMasks && query.masked && { masked: false, time: {} }),
      unlikePadding:
        query.masked && !rules.select && !this.ignoresMasks ? `${this.path}, which differs between Keras's backends` : '',
      maskRemovedBy: '',
    });
    return options.return_attention_scores
      ? [y, y.with({ shape: [heads, query.shape[0], value.shape[0]], masked: false, time: {} })]
      : y;
  }

  /**
   * @override
   * @param {Tensor} query
   * @param {Record<string, any>} [options]
   */
  call(query, options = {}) {
    const { value = query } = options;
    const { key = value } = options;
    const { heads = 1 } = this;
    const [q, k, v] = /** @type {const} */ ([
      [this.query, query],
      [this.key, key],
      [this.value, value],
    ]).map(([projection, x]) => projection.call(this.ignoresMasks ? x.unmasked() : x));
    const causal = Boolean(options.use_causal_mask);
    const [y, scores] = attend(
      q,
      k,
      v,
      causal,
      v.features,
      (to, weights, qs, ks, vs) => {
        dotProduct(to, weights, qs, ks, vs, 1 / Math.sqrt(qs.features / heads), causal, heads);
      },
      options.return_attention_scores && ((qs, keys, weights) => spreadHeads(qs, keys, weights, heads, this.evenScores)),
      heads,
    );
    const output = this.attentionOutput.call(y);
    return scores ? [output, scores] : output;
  }
}

/** Keras MultiHeadAttention (Vaswani et al. 2017). */
export class MultiHeadAttention extends ManyHeads {
  /** @override */
  static className = 'MultiHeadAttention';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /**
   * @override
   * @param {Spec} query
   * @param {Rules} rules
   * @param {Record<string, any>} [options]
   */
  build(query, rules, options = {}) {
    if (String(this.config.attention_axes ?? '1') !== '1')
      throw new UnsupportedError(
        `${this.path}: MultiHeadAttention has attention_axes=${JSON.stringify(this.config.attention_axes)}; padless supports the time axis, 1`,
      );
    const y = super.build(query, rules, options);
    // From version 3.7 on, Keras removes the masks of the layer's inputs. Whether another layer that reads the same tensor still sees its mask
    // depends on which runs first.
    const { value = query } = options;
    if (rules.framework === 'keras3' && !(rules.kerasMinor <= 6))
      for (const x of new Set([query, value, options.key ?? value])) {
        x.maskRemovedBy = this.path;
        if (maskReaders.has(x)) this.needMask(x);
      }
    return y;
  }

  /** @override @param {Spec} query */
  sizes(query) {
    const [heads, Dk] = [this.count('num_heads'), this.count('key_dim')];
    return { heads, groups: heads, Dk, Dv: this.count('value_dim', Dk), width: this.count('output_shape', query.features) };
  }
}

/** Keras GroupQueryAttention (Ainslie et al. 2023): several heads of queries share a head of keys and values. It removes no masks. */
export class GroupQueryAttention extends ManyHeads {
  /** @override */
  static className = 'GroupQueryAttention';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @override @param {Spec} query @param {Rules} rules @param {Record<string, any>} [options] */
  build(query, rules, options = {}) {
    const { value = query } = options;
    const y = super.build(query, rules, options);
    for (const x of [query, value, options.key ?? value]) maskReaders.add(x);
    return y;
  }

  /** @override @param {Spec} query */
  sizes(query) {
    const [heads, groups] = [this.count('num_query_heads'), this.count('num_key_value_heads')];
    if (heads % groups) throw this.wrong('num_key_value_heads', groups, `a divisor of num_query_heads, ${heads}`);
    const Dk = this.count('head_dim');
    return { heads, groups, Dk, Dv: Dk, width: query.features };
  }
}

/**
 * Attention pooling, which Keras lacks: the sum of the steps that count, weighted by Dense(1) and softmax over time. It consists of other layers.
 */
export class AttentionPooling extends Layer {
  /** @override */
  static className = 'padless>AttentionPooling';

  /** @override @type {import('../layer.js').Reach} */
  static reach = 'all';

  /** @param {import('../layer.js').LayerConfig} [config]  units: of a Dense with tanh before Dense(1), null for none; use_bias */
  constructor(config = {}) {
    super(config);
    this.hidden = config.units ? new Dense({ name: 'hidden', units: config.units, activation: 'tanh' }) : null;
    this.score = new Dense({ name: 'score', units: 1, use_bias: config.use_bias ?? true });
    this.softmax = new MaskedSoftmax({ name: 'softmax' });
    this.weigh = new Multiply({ name: 'weigh' });
    this.sum = new MaskedSum({ name: 'sum' });
  }

  /** @override @param {any} x */
  call(x) {
    const scores = this.score.apply(this.hidden ? this.hidden.apply(x) : x);
    return this.sum.apply(this.weigh.apply([x, this.softmax.apply(scores)]));
  }
}
