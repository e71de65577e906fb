/**
 * One WebAssembly instance and its heap: a stack of allocations above the module's own data. What is reserved at load stays;
 * a call marks the top, works, and releases it.
 * @module
 */
import * as abi from '../dist/abi.js';
import { MemoryError } from '../errors.js';

const PAGE = 65536;
/** Memory that one call may leave grown; beyond it the instance is replaced by a smaller one. */
const KEEP_BYTES = 32 * 1024 * 1024;

/** @typedef {Record<string, (...args: number[]) => number>} Exports */
/**
 * A struct in dist/abi.js: its size, and the offset of each field, in bytes.
 * @template {string} F
 * @typedef {{ readonly size: number, readonly fields: Readonly<Record<F, number>> }} Layout
 */

/** @param {number} bytes */
const align = (bytes) => Math.ceil(bytes / 16) * 16;

export class Heap {
  /** @param {WebAssembly.Module} module */
  constructor(module) {
    this.module = module;
    const { exports, memory } = this.#instantiate();
    /** The C functions. Pointers are byte offsets. */
    this.exports = exports;
    /** @type {WebAssembly.Memory} */
    this.memory = memory;
    this.#look();
    const base = /** @type {WebAssembly.Global} */ (/** @type {unknown} */ (this.exports.__heap_base)).value;
    this.top = align(base);
    this.arena = this.structs(abi.arena, {});
  }

  /** Called with each layer's input and output while a trace is taken. @type {((layer: any, x: any, y: any, options: any) => void) | null} */
  onApply = null;

  /** What layers are called through while a session has the run. @type {((layer: any, x: any, options: any) => any) | null} */
  interceptor = null;

  #instantiate() {
    const { exports } = new WebAssembly.Instance(this.module);
    return {
      exports: /** @type {Exports} */ (/** @type {unknown} */ (exports)),
      memory: /** @type {WebAssembly.Memory} */ (exports.memory),
    };
  }

  /** The whole memory, in each type; to be made anew when it has grown. */
  #bytes = new Uint8Array();
  #words = new Int32Array();
  #floats = new Float32Array();

  #look() {
    const { buffer } = this.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#floats = new Float32Array(buffer);
  }

  /** Bytes of memory that the instance holds now. */
  get size() {
    return this.#bytes.length;
  }

  /**
   * Room for `bytes` bytes, 16-byte aligned and not cleared, up to the next release of an older mark.
   * @param {number} bytes
   * @returns {number} pointer
   * @throws {MemoryError}
   */
  reserve(bytes) {
    const pointer = this.top;
    const end = pointer + align(bytes);
    // More bytes than C can count come out below 0.
    if (!(end >= pointer && end <= this.size)) {
      try {
        this.memory.grow(end >= pointer ? Math.ceil((end - this.size) / PAGE) : -1);
        this.#look();
      } catch (cause) {
        throw new MemoryError(`this needs ${end} bytes of memory; the engine gave ${this.size} and no more`, { cause });
      }
    }
    this.top = end;
    return pointer;
  }

  /** @param {number} count  elements of 4 bytes */
  reserve32(count) {
    return this.reserve(4 * count);
  }

  /**
   * Runs `work` and gives back what it reserved. Memory far beyond what the model itself needs goes back to the engine.
   * @template R
   * @param {() => R} work  returns copies, never pointers
   * @returns {R}
   */
  scoped(work) {
    const mark = this.top;
    try {
      return work();
    } finally {
      this.top = mark;
      if (this.size > mark + KEEP_BYTES) this.#shrink();
    }
  }

  /** A fresh instance with the same contents up to the top: WebAssembly memory grows and never shrinks. */
  #shrink() {
    const old = new Uint8Array(this.memory.buffer, 0, this.top);
    Object.assign(this, this.#instantiate());
    const missing = this.top - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    this.#look();
    this.#bytes.set(old);
  }

  /**
   * The arena with `bytes` bytes of scratch behind it.
   * @param {number} bytes  as a pl_*_scratch function says
   * @returns {number} pointer to the pl_arena
   */
  scratch(bytes) {
    const base = this.reserve(bytes);
    this.setFields(abi.arena, this.arena, { base, size: align(bytes), used: 0 });
    return this.arena;
  }

  /** Recurrent steps visited since the instance was made. */
  get steps() {
    return Number(new DataView(this.memory.buffer).getBigUint64(this.arena + abi.arena.fields.steps, true));
  }

  /** Views of the memory as it is now: never kept across a call that may grow it. */
  /** @param {number} pointer @param {number} count */
  f32View(pointer, count) {
    return new Float32Array(this.#bytes.buffer, pointer, count);
  }

  /** @param {number} pointer @param {number} count */
  i32View(pointer, count) {
    return new Int32Array(this.#bytes.buffer, pointer, count);
  }

  /** @param {number} pointer @param {number} count */
  bytes(pointer, count) {
    return new Uint8Array(this.#bytes.buffer, pointer, count);
  }

  /** @param {ArrayLike<number>} values @returns {number} pointer to a copy as float32 */
  f32(values) {
    const pointer = this.reserve32(values.length);
    this.#floats.set(values, pointer / 4);
    return pointer;
  }

  /** A copy of what is in the heap already, which may move while room is made. @param {number} pointer @param {number} count @returns {number} */
  copy32(pointer, count) {
    const to = this.reserve32(count);
    this.f32View(to, count).set(this.f32View(pointer, count));
    return to;
  }

  /** @param {ArrayLike<number>} values @returns {number} pointer to a copy as int32 */
  i32(values) {
    const pointer = this.reserve32(values.length);
    this.#words.set(values, pointer / 4);
    return pointer;
  }

  /**
   * C structs, one behind the other.
   * @template {string} F
   * @param {Layout<F>} layout
   * @param {...Partial<Record<F, number | undefined>>} structs  the fields of each; a field that is not given is 0
   * @returns {number} pointer to the first
   */
  structs(layout, ...structs) {
    const bytes = layout.size * structs.length;
    const pointer = this.reserve(bytes);
    this.bytes(pointer, bytes).fill(0);
    structs.forEach((fields, i) => this.setFields(layout, pointer + i * layout.size, fields));
    return pointer;
  }

  /**
   * Writes fields of 4 bytes of one struct; the others keep their values.
   * @template {string} F
   * @param {Layout<F>} layout @param {number} pointer @param {Partial<Record<F, number | undefined>>} fields
   */
  setFields({ fields: offsets }, pointer, fields) {
    for (const name in fields) this.#words[(pointer + offsets[name]) / 4] = fields[name] ?? 0;
  }

  /** @param {ArrayLike<number>} values @returns {number} pointer to a copy as bytes */
  u8(values) {
    const pointer = this.reserve(values.length);
    this.#bytes.set(values, pointer);
    return pointer;
  }
}
