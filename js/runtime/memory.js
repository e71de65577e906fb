/**
 * One WebAssembly instance and its heap: a stack of allocations above the module's own data. Weights are allocated when a model is loaded; what a
 * call allocates is released at its end.
 * @module
 */
import * as abi from '../dist/abi.js';
import { MemoryError } from '../errors.js';

const PAGE = 65536;
/** Unused bytes that the memory may keep after a call. With more, the instance is replaced by a smaller one. */
const KEEP_BYTES = 32 * 1024 * 1024;

/** @typedef {Record<string, (...args: number[]) => number>} Exports */
/**
 * A struct in dist/abi.js: its size, and the offset of each field, in bytes.
 * @template {string} F
 * @typedef {{ readonly size: number, readonly fields: Readonly<Record<F, number>> }} Layout
 */

/** C returns this for a size that overflows its 32 bits. */
const SIZE_MAX = 2 ** 32 - 1;

/** @param {number} bytes */
const align = (bytes) => Math.ceil(bytes / 16) * 16;

/** A size_t of C, which WebAssembly returns as an int32: negative from 2^31 on. Sizes that JavaScript computed pass as they are. @param {number} size */
const unsigned = (size) => (size < 0 ? size + 2 ** 32 : size);

export class Heap {
  /** @param {WebAssembly.Module} module */
  constructor(module) {
    this.module = module;
    const { exports, memory } = this.#instantiate();
    /** The C functions. Pointers are byte offsets. */
    this.exports = exports;
    /** @type {WebAssembly.Memory} */
    this.memory = memory;
    this.#makeViews();
    const base = /** @type {{ value: number }} */ (/** @type {unknown} */ (this.exports.__heap_base)).value;
    this.top = align(base);
    this.arena = this.structs(abi.arena, {});
  }

  /** While a trace is taken, called with the input and output of each layer. @type {((layer: any, x: any, y: any, options: any) => void) | null} */
  onApply = null;

  /** While a session runs the model, called in place of each layer. @type {((layer: any, x: any, options: any) => any) | null} */
  interceptor = null;

  /** @throws {MemoryError} where the engine has no memory, or no addresses, for another instance */
  #instantiate() {
    let instance;
    try {
      instance = new WebAssembly.Instance(this.module);
    } catch (cause) {
      // Other errors mean that the module is not padless's.
      if (!/^(Range|Internal)Error/.test(String(cause))) throw cause;
      throw new MemoryError(
        'the engine has no memory for another WebAssembly instance; each model has one: drop models that are not used',
        { cause },
      );
    }
    const { exports } = instance;
    return {
      exports: /** @type {Exports} */ (/** @type {unknown} */ (exports)),
      memory: /** @type {WebAssembly.Memory} */ (exports.memory),
    };
  }

  /** Views of the whole memory. Growth detaches them; #makeViews renews them. */
  #bytes = new Uint8Array();
  #words = new Int32Array();
  #floats = new Float32Array();

  #makeViews() {
    const { buffer } = this.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#floats = new Float32Array(buffer);
  }

  /** Current size of the memory in bytes. */
  get size() {
    return this.#bytes.length;
  }

  /**
   * Reserves memory, 16-byte aligned and not cleared, until the scoped() around the call ends.
   * @param {number} bytes  also a size that C returned
   * @returns {number} pointer
   * @throws {MemoryError} where the memory cannot grow by so much; nothing is reserved
   */
  reserve(bytes) {
    const size = unsigned(bytes);
    const pointer = this.top;
    const end = pointer + align(size);
    if (!(end <= this.size)) {
      try {
        this.memory.grow(Math.ceil((end - this.size) / PAGE));
      } catch (cause) {
        const atLeast = size === SIZE_MAX ? 'at least ' : '';
        throw new MemoryError(
          `this needs ${atLeast}${size} bytes of memory beside the ${pointer} in use; the memory has ${this.size} and the engine refuses to enlarge it so far`,
          { cause },
        );
      }
      this.#makeViews();
    }
    this.top = end;
    return pointer;
  }

  /** @param {number} count  elements of 4 bytes; also a size that C returned */
  reserve32(count) {
    return this.reserve(4 * unsigned(count));
  }

  /**
   * Runs `work` and releases what it reserved. If the memory is then far larger than the reserved part, it is shrunk.
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

  /** WebAssembly memory cannot shrink: makes a new instance and copies the reserved part into its memory. */
  #shrink() {
    const old = new Uint8Array(this.memory.buffer, 0, this.top);
    let fresh;
    try {
      fresh = this.#instantiate();
      const missing = this.top - fresh.memory.buffer.byteLength;
      if (missing > 0) fresh.memory.grow(Math.ceil(missing / PAGE));
    } catch {
      // Without room for a second memory, the large one stays.
      return;
    }
    Object.assign(this, fresh);
    this.#makeViews();
    this.#bytes.set(old);
  }

  /**
   * Reserves scratch memory for one C call and points the arena to it.
   * @param {number} bytes  what a pl_*_scratch function returned
   * @returns {number} pointer to the pl_arena
   */
  scratch(bytes) {
    const base = this.reserve(bytes);
    this.setFields(abi.arena, this.arena, { base, size: this.top - base, used: 0 });
    return this.arena;
  }

  /** Recurrent steps visited since the instance was made. */
  get steps() {
    return Number(new DataView(this.memory.buffer).getBigUint64(this.arena + abi.arena.fields.steps, true));
  }

  // The next three methods return views of the memory. reserve() may grow the memory, which detaches them.

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

  /** Copies values within the heap. reserve() may grow the memory, so the views are made after it. @param {number} pointer @param {number} count @returns {number} */
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
   * Writes an array of C structs.
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
