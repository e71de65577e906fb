/**
 * The kernels on plain arrays. Each method checks types and shapes, runs C functions on copies in the heap, and returns a copy of the result.
 * @module
 */
import * as abi from '../dist/abi.js';
import { ArgumentError, checkFits, IdError, ShapeError, show, typeName, checkOptions } from '../errors.js';
import { activationNumber } from './activations.js';
import { cellNumber, cells } from './cells.js';
import { isList } from './lists.js';
import { Heap } from './memory.js';
import { getModule } from './wasm.js';

/** @typedef {{ data: ArrayLike<number>, shape: readonly number[] }} Input  row-major values */
/** @typedef {{ data: Float32Array, shape: number[] }} Output */
/** @typedef {ArrayLike<number | boolean> | ArrayLike<ArrayLike<number | boolean>> | { lengths: ArrayLike<number> } | null | undefined} Mask
 *   B*T entries, flat or in rows, 0 is padding; or the length of each row; null or undefined: every step counts */
/** @typedef {'SimpleRNN' | 'GRU' | 'LSTM'} Cell */
/**
 * Weights and options of a recurrent layer, in Keras's form.
 * @typedef {object} RnnWeights
 * @property {Cell} cell
 * @property {Input} kernel  [D, G*H]
 * @property {Input} recurrentKernel  [H, G*H]
 * @property {Input} [bias]  [G*H]; for a GRU with resetAfter [2, 3H]
 * @property {string} [activation]  default tanh
 * @property {string} [recurrentActivation]  default sigmoid
 * @property {boolean} [resetAfter]  GRU; default true
 * @property {{ h?: Input, c?: Input }} [initialState]  [B, H] each; default zeros
 */
/** @typedef {{ sequence: Output, h: Output, c?: Output }} RnnOutput  sequence [B, T, H], 0 at padding; h, c [B, H] */

/**
 * A method that applies one C function to the steps that count.
 * @callback OverTime
 * @param {Input} x  [B, T, D]
 * @param {Mask} [mask]
 * @returns {Output}
 */

/** @param {readonly number[]} shape */
const count = (shape) => shape.reduce((product, size) => product * size, 1);

/** @param {any} value */
const isSize = (value) => Number.isSafeInteger(value) && value >= 0;

/** Throws for values that are not numbers. Typed arrays contain only numbers, except BigInt64Array and BigUint64Array. @param {string} what @param {any} list */
function checkNumbers(what, list) {
  if (ArrayBuffer.isView(list) && !(list instanceof BigInt64Array || list instanceof BigUint64Array)) return;
  for (let i = 0; i < list.length; i++)
    if (typeof list[i] !== 'number') throw new ArgumentError(`${what}: value ${i} is ${typeName(list[i])}, expected a number`);
}

/** Checks an array and its number of axes. @param {string} what @param {Input} input @param {number} rank @returns its shape */
function check(what, input, rank) {
  const { data, shape } = input ?? {};
  if (!isList(data) || !Array.isArray(shape)) throw new ArgumentError(`${what}: expected { data, shape }`);
  checkNumbers(`${what}: shape`, shape);
  if (shape.length !== rank) throw new ShapeError(`${what}: shape [${shape}] has ${shape.length} axes, expected ${rank}`);
  if (!Array.from(shape).every(isSize)) throw new ShapeError(`${what}: shape [${shape}], expected integers from 0 on`);
  shape.forEach(checkFits);
  if (data.length !== count(shape)) throw new ShapeError(`${what}: ${data.length} values, expected [${shape}] = ${count(shape)}`);
  checkNumbers(what, data);
  return shape;
}

/** Checks an array and the size of each axis. @param {string} what @param {Input} input @param {number[]} shape */
function checkShape(what, input, shape) {
  check(what, input, shape.length);
  if (input.shape.join() !== shape.join()) throw new ShapeError(`${what}: shape [${input.shape}], expected [${shape}]`);
}

/** @template T @param {string} what @param {T} options @returns {T} */
function needOptions(what, options) {
  if (Object(options) !== options) throw new ArgumentError(`${what}: options are ${show(options)}, expected an object`);
  return options;
}

export class Kernels {
  /**
   * @param {Heap} heap
   * @param {import('./wasm.js').Build} build
   */
  constructor(heap, build) {
    this.heap = heap;
    this.simd = build;
  }

  /** Recurrent steps visited since init(). */
  get steps() {
    return this.heap.steps;
  }

  /**
   * @param {string} name  of the kernel, for errors
   * @param {Mask} mask
   * @param {number} B
   * @param {number} T
   * @returns {number} pointer to bytes [B, T]; 0 without a mask
   */
  #mask(name, mask, B, T) {
    if (mask === null || mask === undefined) return 0;
    if (typeof mask === 'object' && 'lengths' in mask) {
      if (!isList(mask.lengths)) throw new ArgumentError(`${name}: lengths is ${show(mask.lengths)}, expected a list`);
      checkNumbers(`${name}: lengths`, mask.lengths);
      if (mask.lengths.length !== B) throw new ShapeError(`${name}: lengths has ${mask.lengths.length} entries, expected B = ${B}`);
      const pointer = this.heap.reserve(B * T);
      // A typed array whose buffer was transferred has length 0, and set() would throw.
      this.heap.exports.pl_mask_from_lengths(pointer, B ? this.heap.i32(mask.lengths) : 0, B, T);
      return pointer;
    }
    if (!isList(mask)) throw new ArgumentError(`${name}: mask is ${show(mask)}, expected 0s and 1s, or { lengths }`);
    /** Flattens rows, and rows of one-entry lists ([B, T, 1]). @param {ArrayLike<any>} list @param {number} [depth] @returns {any[]} */
    const entries = (list, depth = 0) =>
      Array.from({ length: list.length }, (_, i) => (depth < 2 && isList(list[i]) ? entries(list[i], depth + 1) : list[i])).flat();
    const flat = entries(mask);
    if (flat.length !== B * T)
      throw new ShapeError(`${name}: mask has ${flat.length} entries, expected B*T = ${B}*${T} = ${B * T}`);
    return this.heap.u8(flat.map((value) => Number(value !== 0 && value !== false)));
  }

  /**
   * mask[b][t] = ids[b][t] != pad
   * @param {Input} ids  [B, T]
   * @param {number} [pad]
   * @returns {Uint8Array} [B, T]
   */
  maskFromIds(ids, pad = 0) {
    const [B, T] = check('maskFromIds', ids, 2);
    return this.heap.scoped(() => {
      const mask = this.heap.reserve(B * T);
      this.heap.exports.pl_mask_from_ids(mask, this.heap.i32(ids.data), pad, B, T);
      return this.heap.bytes(mask, B * T).slice();
    });
  }

  /**
   * mask[b][t] = t < lengths[b]
   * @param {ArrayLike<number>} lengths
   * @param {number} T
   * @returns {Uint8Array} [B, T]
   */
  maskFromLengths(lengths, T) {
    if (!isList(lengths)) throw new ArgumentError(`maskFromLengths: lengths is ${show(lengths)}, expected a list`);
    if (!isSize(T)) throw new ArgumentError(`maskFromLengths: T is ${show(T)}, expected an integer from 0 on`);
    return this.heap.scoped(() =>
      this.heap.bytes(this.#mask('maskFromLengths', { lengths }, lengths.length, T), lengths.length * T).slice(),
    );
  }

  /**
   * @param {string} name  of the method, for errors
   * @param {string} kernel  a C function (y, x, mask, B, T, D)
   * @param {'pooled'} [pooled]  y is [B, D], not [B, T, D]
   * @returns {OverTime}
   */
  #overTime(name, kernel, pooled) {
    return (x, mask) => {
      const [B, T, D] = check(name, x, 3);
      const shape = pooled ? [B, D] : [B, T, D];
      const { heap } = this;
      return heap.scoped(() => {
        const maskPointer = this.#mask(name, mask, B, T);
        const pointer = heap.f32(x.data);
        const y = heap.reserve32(count(shape));
        heap.exports[kernel](y, pointer, maskPointer, B, T, D);
        return this.#read(y, shape);
      });
    };
  }

  /** x where a step counts, 0 elsewhere: [B, T, D] -> [B, T, D]. @type {(x: Input, mask: Mask) => Output} */
  applyMask = this.#overTime('applyMask', 'pl_apply_mask');
  /** Sum over the steps that count: [B, T, D] -> [B, D]. */
  maskedSum = this.#overTime('maskedSum', 'pl_masked_sum', 'pooled');
  /** Mean over the steps that count: [B, T, D] -> [B, D]. */
  maskedMean = this.#overTime('maskedMean', 'pl_masked_mean', 'pooled');
  /** Maximum over the steps that count: [B, T, D] -> [B, D]. */
  maskedMax = this.#overTime('maskedMax', 'pl_masked_max', 'pooled');
  /** Minimum over the steps that count: [B, T, D] -> [B, D]. */
  maskedMin = this.#overTime('maskedMin', 'pl_masked_min', 'pooled');
  /** The first step that counts: [B, T, D] -> [B, D]. */
  maskedFirst = this.#overTime('maskedFirst', 'pl_masked_first', 'pooled');
  /** The last step that counts: [B, T, D] -> [B, D]. */
  maskedLast = this.#overTime('maskedLast', 'pl_masked_last', 'pooled');
  /** Softmax over time, 0 at padding: [B, T, D] -> [B, T, D]; the steps that count sum to 1. */
  maskedSoftmax = this.#overTime('maskedSoftmax', 'pl_masked_softmax');
  /** Log-softmax over time, -Infinity at padding: [B, T, D] -> [B, T, D]. */
  maskedLogSoftmax = this.#overTime('maskedLogSoftmax', 'pl_masked_log_softmax');
  /** Softmax over features, 0 at padding: [B, T, D] -> [B, T, D]. */
  softmax = this.#overTime('softmax', 'pl_masked_feature_softmax');
  /** Log-softmax over features, -Infinity at padding: [B, T, D] -> [B, T, D]. */
  logSoftmax = this.#overTime('logSoftmax', 'pl_masked_feature_log_softmax');
  /** The steps that count in reverse order, padding where it was: [B, T, D] -> [B, T, D]. */
  reverseSequence = this.#overTime('reverseSequence', 'pl_reverse_sequence');
  #argmax = this.#overTime('maskedArgmax', 'pl_masked_argmax', 'pooled');

  /**
   * The first t at which x is greatest among the steps that count; -1 for a row without any.
   * @param {Input} x  [B, T, D]
   * @param {Mask} [mask]
   * @returns {{ data: Int32Array, shape: number[] }} [B, D]
   */
  maskedArgmax(x, mask) {
    const { data, shape } = this.#argmax(x, mask);
    return { data: new Int32Array(data.buffer), shape };
  }

  /**
   * @param {Input} table  [V, D]
   * @param {Input} ids  [B, T]; ids under the mask may have any value
   * @param {Mask} [mask]
   * @returns {Output} [B, T, D], 0 at padding
   * @throws {IdError}
   */
  embedding(table, ids, mask) {
    const [V, D] = check('embedding: table', table, 2);
    const [B, T] = check('embedding: ids', ids, 2);
    const { heap } = this;
    return heap.scoped(() => {
      const maskPointer = this.#mask('embedding', mask, B, T);
      const y = heap.reserve32(B * T * D);
      const status = heap.exports.pl_masked_embedding(y, heap.f32(table.data), heap.i32(ids.data), maskPointer, B, T, V, D);
      if (status !== 0) {
        const kept = maskPointer ? heap.bytes(maskPointer, B * T) : null;
        const at = Array.from(ids.data).findIndex((id, i) => (!kept || kept[i]) && !(id >= 0 && id < V));
        throw new IdError(
          `embedding: id ${ids.data[at]} at row ${Math.floor(at / T)}, step ${at % T} is outside 0 to V-1 = ${V - 1}`,
        );
      }
      return { data: heap.f32View(y, B * T * D).slice(), shape: [B, T, D] };
    });
  }

  /**
   * y = x W + b at the steps that count.
   * @param {Input} x  [B, T, K]
   * @param {Input} kernel  [K, N]
   * @param {Input | null} [bias]  [N]
   * @param {Mask} [mask]
   * @returns {Output} [B, T, N], 0 at padding
   */
  dense(x, kernel, bias, mask) {
    const [B, T, K] = check('dense: x', x, 3);
    const [, N] = check('dense: kernel', kernel, 2);
    checkShape('dense: kernel', kernel, [K, N]);
    if (bias) checkShape('dense: bias', bias, [N]);
    const { heap } = this;
    return heap.scoped(() => {
      const packed = heap.reserve32(heap.exports.pl_dense_packed_size(K, N));
      heap.exports.pl_dense_pack(packed, heap.f32(kernel.data), bias ? heap.f32(bias.data) : 0, K, N);
      const maskPointer = this.#mask('dense', mask, B, T);
      const y = heap.reserve32(B * T * N);
      heap.exports.pl_masked_dense(y, heap.f32(x.data), packed, maskPointer, B, T, K, N);
      return { data: heap.f32View(y, B * T * N).slice(), shape: [B, T, N] };
    });
  }

  /**
   * Cross-entropy and accuracy over the steps that count, as Keras computes them (probabilities clipped to [1e-7, 1 - 1e-7]).
   * @param {Input} x  [B, T, K] probabilities, or logits
   * @param {Input} labels  [B, T]; steps with a label below 0 are ignored; labels under the mask may have any value
   * @param {{ mask?: Mask, fromLogits?: boolean, ignore?: number[] }} [options]  ignore: steps with these labels are ignored, too: [CLS] and [SEP], for example
   * @returns {{ loss: number, accuracy: number, count: number }} means over `count` steps; 0 if there are none
   * @throws {IdError} for a label of K or more at a step that counts
   */
  crossEntropy(x, labels, options) {
    const { mask, fromLogits = false, ignore = [] } = options ?? {};
    if (!Array.isArray(ignore)) throw new ArgumentError(`crossEntropy: ignore is ${show(ignore)}, expected a list`);
    const [B, T, K] = check('crossEntropy: x', x, 3);
    checkShape('crossEntropy: labels', labels, [B, T]);
    const { heap } = this;
    return heap.scoped(() => {
      const maskPointer = this.#mask('crossEntropy', mask, B, T);
      const kept = maskPointer ? heap.bytes(maskPointer, B * T).slice() : null;
      const skipped = new Set(ignore);
      const wanted = Int32Array.from(labels.data, (label, i) => ((kept && !kept[i]) || skipped.has(label) ? -1 : label));
      const wrong = wanted.findIndex((label) => label >= K);
      if (wrong >= 0)
        throw new IdError(
          `crossEntropy: label ${wanted[wrong]} at row ${Math.floor(wrong / T)}, step ${wrong % T} is not below K = ${K}`,
        );
      const { size, fields } = abi.loss;
      const total = heap.structs(abi.loss, {});
      heap.exports.pl_cross_entropy(total, 0, heap.f32(x.data), heap.i32(wanted), Number(fromLogits), B * T, K);
      const view = new DataView(heap.bytes(total, size).slice().buffer);
      const steps = view.getInt32(fields.count, true);
      return {
        loss: view.getFloat64(fields.sum, true) / (steps || 1),
        accuracy: view.getInt32(fields.correct, true) / (steps || 1),
        count: steps,
      };
    });
  }

  /**
   * Linear-chain CRF over the steps that count: the best path, its score, and the marginal probabilities.
   * @param {Input} x  [B, T, K] scores of each tag at each step
   * @param {{ transitions: Input, start?: Input, end?: Input, mask?: Mask }} weights  transitions [K, K] from row to column; start, end [K]
   * @returns {{ tags: { data: Int32Array, shape: number[] }, score: Output, marginals: Output }} tags [B, T], -1 at padding; score [B]
   */
  crf(x, weights) {
    const { transitions, start, end, mask } = needOptions('crf', weights);
    const [B, T, K] = check('crf: x', x, 3);
    checkShape('crf: transitions', transitions, [K, K]);
    if (start) checkShape('crf: start', start, [K]);
    if (end) checkShape('crf: end', end, [K]);
    const { heap } = this;
    return heap.scoped(() => {
      const maskPointer = this.#mask('crf', mask, B, T);
      const splits = heap.reserve32(B + 1);
      const N = heap.exports.pl_row_splits(splits, maskPointer, B, T);
      const packed = heap.reserve32(N * K);
      heap.exports.pl_pack(packed, heap.f32(x.data), maskPointer, B, T, K);
      const pointers = [transitions, start, end].map((each) => (each ? heap.f32(each.data) : 0));
      const [tags, score, marginals] = [heap.reserve32(N), heap.reserve32(B), heap.reserve32(N * K)];
      const arena = heap.scratch(heap.exports.pl_ragged_crf_scratch(splits, B, K));
      heap.exports.pl_ragged_crf_viterbi(tags, score, packed, pointers[0], pointers[1], pointers[2], splits, B, K, arena);
      heap.exports.pl_ragged_crf_marginals(marginals, 0, packed, pointers[0], pointers[1], pointers[2], splits, B, K, arena);
      const kept = maskPointer ? heap.bytes(maskPointer, B * T) : null;
      const path = heap.i32View(tags, N);
      let n = 0;
      const data = Int32Array.from({ length: B * T }, (_, i) => (!kept || kept[i] ? path[n++] : -1));
      const padded = heap.reserve32(B * T * K);
      heap.exports.pl_unpack(padded, marginals, maskPointer, 0, B, T, K);
      return { tags: { data, shape: [B, T] }, score: this.#read(score, [B]), marginals: this.#read(padded, [B, T, K]) };
    });
  }

  /**
   * @param {Input} x  any shape; softmax and log_softmax over its last axis
   * @param {string} activation  a Keras name
   * @returns {Output}
   */
  activate(x, activation) {
    const shape = [...check('activate', x, x?.shape?.length ?? 0)];
    const D = shape.at(-1) ?? 1;
    const n = count(shape);
    const { heap } = this;
    return heap.scoped(() => {
      const y = heap.f32(x.data);
      if (n) heap.exports.pl_activate(y, y, activationNumber(activation, 'activate', 3), n / D, D);
      return { data: heap.f32View(y, n).slice(), shape };
    });
  }

  /**
   * Checks and packs a recurrent layer.
   * @param {string} name
   * @param {RnnWeights} rnn
   * @param {number} B
   * @param {number} D
   */
  #pack(name, rnn, B, D) {
    needOptions(name, rnn);
    const { heap } = this;
    if (!Object.hasOwn(cells, rnn.cell))
      throw new ArgumentError(`${name}: cell ${show(rnn.cell)}, expected 'SimpleRNN', 'GRU' or 'LSTM'`);
    const { gates } = cells[rnn.cell];
    const [H] = check(`${name}: recurrentKernel`, rnn.recurrentKernel, 2);
    checkShape(`${name}: recurrentKernel`, rnn.recurrentKernel, [H, gates * H]);
    checkShape(`${name}: kernel`, rnn.kernel, [D, gates * H]);
    const resetAfter = rnn.cell === 'GRU' && rnn.resetAfter !== false;
    if (rnn.bias) checkShape(`${name}: bias`, rnn.bias, resetAfter ? [2, 3 * H] : [gates * H]);
    const cell = cellNumber(rnn.cell, resetAfter);
    const packed = heap.reserve32(heap.exports.pl_rnn_packed_size(cell, D, H));
    const [kernel, recurrent] = [heap.f32(rnn.kernel.data), heap.f32(rnn.recurrentKernel.data)];
    heap.exports.pl_rnn_pack(packed, kernel, recurrent, rnn.bias ? heap.f32(rnn.bias.data) : 0, cell, D, H);
    const [h, c] = /** @type {const} */ (['h', 'c']).map((key) => {
      const given = rnn.initialState?.[key];
      if (given) checkShape(`${name}: initialState.${key}`, given, [B, H]);
      return given ? heap.f32(given.data) : 0;
    });
    const act = activationNumber(rnn.activation ?? 'tanh', name, 3);
    const rec_act = activationNumber(rnn.recurrentActivation ?? 'sigmoid', name, 3);
    return { H, lstm: cell === abi.cell.lstm, fields: { cell, D, H, act, rec_act, packed }, state: { h, c } };
  }

  /** @param {number} pointer @param {number[]} shape @returns {Output} */
  #read(pointer, shape) {
    return { data: this.heap.f32View(pointer, count(shape)).slice(), shape };
  }

  /**
   * A recurrent layer in one direction over the steps that count.
   * @param {Input} x  [B, T, D]
   * @param {RnnWeights & { mask?: Mask, goBackwards?: boolean }} rnn  goBackwards: from the last step to the first, outputs in that order, as in Keras
   * @returns {RnnOutput}
   */
  rnn(x, rnn) {
    needOptions('rnn', rnn);
    const [B, T, D] = check('rnn: x', x, 3);
    const { heap } = this;
    return heap.scoped(() => {
      const { H, lstm, fields, state } = this.#pack('rnn', rnn, B, D);
      const maskPointer = this.#mask('rnn', rnn.mask, B, T);
      const [descriptor, initial] = [heap.structs(abi.rnn, fields), heap.structs(abi.state, state)];
      const [xPointer, y] = [heap.f32(x.data), heap.reserve32(B * T * H)];
      const order = rnn.goBackwards ? abi.order.backward_as_visited : abi.order.forward;
      const [h, c] = [heap.reserve32(B * H), heap.reserve32(B * H)];
      const last = heap.structs(abi.state, { h, c });
      const arena = heap.scratch(heap.exports.pl_masked_rnn_scratch(descriptor, maskPointer, B, T));
      heap.exports.pl_masked_rnn(y, last, xPointer, descriptor, initial, maskPointer, order, B, T, arena);
      const result = { sequence: this.#read(y, [B, T, H]), h: this.#read(h, [B, H]) };
      return lstm ? { ...result, c: this.#read(c, [B, H]) } : result;
    });
  }

  /**
   * A recurrent layer in each direction over the steps that count. The backward output of a step is at the index of that step.
   * @param {Input} x  [B, T, D]
   * @param {{ forward: RnnWeights, backward: RnnWeights, mergeMode?: 'concat' | 'sum' | 'mul' | 'ave' | 'none', mask?: Mask }} options
   * @returns {{ sequence: Output, backwardSequence?: Output, output?: Output, states: { h: Output, c?: Output }[] }}
   *   sequence [B, T, Hf+Hb] or [B, T, H]; output: the final h of both directions, merged. With mergeMode none, sequence is that of the forward
   *   direction, backwardSequence that of the backward direction, and there is no output
   */
  bidirectional(x, options) {
    const { forward, backward, mergeMode = 'concat', mask } = needOptions('bidirectional', options);
    const [B, T, D] = check('bidirectional: x', x, 3);
    const merge = Object.hasOwn(abi.merge, mergeMode) ? abi.merge[mergeMode] : undefined;
    if (merge === undefined)
      throw new ArgumentError(`bidirectional: mergeMode ${show(mergeMode)} is not concat, sum, mul, ave or none`);
    const { heap } = this;
    return heap.scoped(() => {
      const f = this.#pack('bidirectional: forward', forward, B, D);
      const b = this.#pack('bidirectional: backward', backward, B, D);
      if (merge !== abi.merge.concat && merge !== abi.merge.none && f.H !== b.H) {
        throw new ShapeError(`bidirectional: mergeMode ${mergeMode} needs equal units, got ${f.H} forward and ${b.H} backward`);
      }
      const maskPointer = this.#mask('bidirectional', mask, B, T);
      const width = merge === abi.merge.concat ? f.H + b.H : f.H;
      const [descriptors, initial, xPointer] = [
        heap.structs(abi.rnn, f.fields, b.fields),
        heap.structs(abi.state, f.state, b.state),
        heap.f32(x.data),
      ];
      const [y, back] = [heap.reserve32(B * T * width), merge === abi.merge.none ? heap.reserve32(B * T * b.H) : 0];
      const finals = [f.H, f.H, b.H, b.H].map((H) => heap.reserve32(B * H));
      const last = heap.structs(abi.state, { h: finals[0], c: finals[1] }, { h: finals[2], c: finals[3] });
      const arena = heap.scratch(heap.exports.pl_masked_bidirectional_scratch(descriptors, maskPointer, merge, B, T));
      heap.exports.pl_masked_bidirectional(y, back, last, xPointer, descriptors, initial, maskPointer, merge, B, T, arena);
      const states = [f, b].map(({ H, lstm }, i) => {
        const h = this.#read(finals[2 * i], [B, H]);
        return lstm ? { h, c: this.#read(finals[2 * i + 1], [B, H]) } : { h };
      });
      const sequence = this.#read(y, [B, T, width]);
      if (merge === abi.merge.none) return { sequence, backwardSequence: this.#read(back, [B, T, b.H]), states };
      const merged = heap.reserve32(B * width);
      heap.exports.pl_merge_outputs(merged, finals[0], finals[2], merge, B, f.H, b.H);
      return { sequence, output: this.#read(merged, [B, width]), states };
    });
  }
}

/**
 * Makes a WebAssembly instance and returns its kernels.
 * @param {{ module?: import('./wasm.js').ModuleSource, simd?: import('./wasm.js').Simd }} [options]
 * @returns {Promise<Kernels>}
 * @throws {import('../errors.js').EngineError} where the engine has no WebAssembly SIMD
 */
export async function init(options) {
  checkOptions('init', options, ['module', 'simd']);
  const { module, build } = await getModule(options);
  return new Kernels(new Heap(module), build);
}
