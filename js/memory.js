/**
 * One WebAssembly instance and its heap: a stack of allocations above the module's own data. What is reserved at load stays;
 * a call marks the top, works, and releases it.
 * @module
 */
import { MemoryError } from './errors.js';

const PAGE = 65536;
const ARENA_BYTES = 24; // struct pl_arena: base, size, used (4 bytes each), 4 unused, steps (8)
const ARENA_STEPS = 16;
/** Memory that one call may leave grown; beyond it the instance is replaced by a smaller one. */
const KEEP_BYTES = 32 * 1024 * 1024;

/** @typedef {Record<string, (...args: number[]) => number>} Exports */

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
    const base = /** @type {WebAssembly.Global} */ (/** @type {unknown} */ (this.exports.__heap_base)).value;
    this.top = align(base);
    this.arena = this.reserve(ARENA_BYTES);
    this.bytes(this.arena, ARENA_BYTES).fill(0);
  }

  /** Called with each layer's input and output while a trace is taken. @type {((layer: any, x: any, y: any, options: any) => void) | null} */
  onApply = null;

  /** What layers are called through while a session has the run. @type {((layer: any, x: any, options: any) => any) | null} */
  through = null;

  #instantiate() {
    const { exports } = new WebAssembly.Instance(this.module);
    return {
      exports: /** @type {Exports} */ (/** @type {unknown} */ (exports)),
      memory: /** @type {WebAssembly.Memory} */ (exports.memory),
    };
  }

  /** Bytes of memory that the instance holds now. */
  get size() {
    return this.memory.buffer.byteLength;
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
    if (this.top > this.size) this.memory.grow(Math.ceil((this.top - this.size) / PAGE));
    new Uint8Array(this.memory.buffer).set(old);
  }

  /**
   * The arena with `bytes` bytes of scratch behind it.
   * @param {number} bytes  as a pl_*_scratch function says
   * @returns {number} pointer to the pl_arena
   */
  scratch(bytes) {
    const base = this.reserve(bytes);
    this.i32View(this.arena, 3).set([base, align(bytes), 0]);
    return this.arena;
  }

  /** Recurrent steps visited since the instance was made. */
  get steps() {
    return Number(new DataView(this.memory.buffer).getBigUint64(this.arena + ARENA_STEPS, true));
  }

  /** Views of the memory as it is now: never kept across a call that may grow it. */
  /** @param {number} pointer @param {number} count */
  f32View(pointer, count) {
    return new Float32Array(this.memory.buffer, pointer, count);
  }

  /** @param {number} pointer @param {number} count */
  i32View(pointer, count) {
    return new Int32Array(this.memory.buffer, pointer, count);
  }

  /** @param {number} pointer @param {number} count */
  bytes(pointer, count) {
    return new Uint8Array(this.memory.buffer, pointer, count);
  }

  /** @param {ArrayLike<number>} values @returns {number} pointer to a copy as float32 */
  f32(values) {
    const pointer = this.reserve32(values.length);
    this.f32View(pointer, values.length).set(values);
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
    this.i32View(pointer, values.length).set(values);
    return pointer;
  }

  /** @param {ArrayLike<number>} values @returns {number} pointer to a copy as bytes */
  u8(values) {
    const pointer = this.reserve(values.length);
    this.bytes(pointer, values.length).set(values);
    return pointer;
  }
}
