/**
 * Imported by a test, makes every heap strict: what is reserved holds NaN until it is written, so that a value that was never computed changes an
 * answer, and is followed by guard bytes, so that a write past its end throws. The memory at address 0, which C never reads, holds NaN, too: a null
 * pointer that is followed does not find zeros.
 */
import { Heap } from '../js/runtime/memory.js';

/** The guard bytes and the bytes of reserved memory that is not yet written: NaN as float32, and no id or size as int32. */
const UNWRITTEN = 0xff;
const GUARD_BYTES = 64;

/** @typedef {{ start: number, end: number, bytes: number }} Guard  bytes: the size of what it follows */
/** The guards of each heap, by ascending address. @type {WeakMap<Heap, Guard[]>} */
const guardsOf = new WeakMap();

/** Throws if something has overwritten a guard. @param {Heap} heap @param {Guard[]} guards */
function check(heap, guards) {
  for (const { start, end, bytes } of guards) {
    const written = heap.bytes(start, end - start).findIndex((byte) => byte !== UNWRITTEN);
    if (written >= 0) throw new Error(`byte ${written} after the end of ${bytes} reserved bytes has been overwritten`);
  }
}

/** The guards above the top of a heap, which were released; takes them out of the list. @param {Heap} heap @param {Guard[]} guards */
function released(heap, guards) {
  const first = guards.findIndex(({ end }) => end > heap.top);
  return first < 0 ? [] : guards.splice(first);
}

const { reserve, scoped } = Heap.prototype;

Heap.prototype.reserve = function reserveGuarded(bytes) {
  if (!guardsOf.has(this)) this.bytes(0, GUARD_BYTES).fill(UNWRITTEN);
  const guards = guardsOf.get(this) ?? [];
  guardsOf.set(this, guards);
  check(this, released(this, guards));
  const pointer = reserve.call(this, bytes);
  const size = bytes < 0 ? bytes + 2 ** 32 : bytes;
  reserve.call(this, GUARD_BYTES);
  this.bytes(pointer, this.top - pointer).fill(UNWRITTEN);
  guards.push({ start: pointer + size, end: this.top, bytes: size });
  return pointer;
};

Heap.prototype.scoped = function scopedGuarded(work) {
  try {
    return scoped.call(this, () => {
      const result = work();
      check(this, guardsOf.get(this) ?? []);
      return result;
    });
  } finally {
    // The memory may have shrunk: these can no longer be read.
    released(this, guardsOf.get(this) ?? []);
  }
};
