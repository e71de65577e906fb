/**
 * Lists inside an HDF5 file that HDF5 itself follows without looking, and in a broken file for ever: the objects of a global heap, each of
 * which says where the next begins, and the free space of a local one. They are followed here first (HDF5 File Format 3.0, III.D and III.E).
 * @module
 */

/** Bytes of the head of an object in a global heap: index, references, 4 reserved, size. */
const HEAD = 16;
/** In place of an offset: there is no further free block. */
const LAST = 1n;

/** @param {DataView} view @param {number} at  of a collection of global heaps @returns {boolean} */
function isCollection(view, at) {
  const { byteLength } = view;
  const size = Number(view.getBigUint64(at + 8, true));
  const end = at + size;
  // Cut short: HDF5 sees to that.
  if (!(end <= byteLength)) return true;
  let next = at + HEAD;
  while (next + HEAD <= end) {
    const length = Number(view.getBigUint64(next + 8, true));
    // What is free has index 0 and counts its head.
    const taken = view.getUint16(next, true) ? HEAD + 8 * Math.ceil(length / 8) : length;
    if (!(taken >= HEAD && next + taken <= end)) return false;
    next += taken;
  }
  return true;
}

/** @param {DataView} view @param {number} at  of a local heap @returns {boolean} */
function isLocalHeap(view, at) {
  const { byteLength } = view;
  if (at + 32 > byteLength) return true;
  const [size, head, data] = [8, 16, 24].map((offset) => view.getBigUint64(at + offset, true));
  if (size > byteLength || data > byteLength || data + size > byteLength) return true;
  let free = head;
  for (let left = Number(size) / 16; free !== LAST; left--) {
    if (left <= 0 || free + 16n > size) return false;
    free = view.getBigUint64(Number(data + free), true);
  }
  return true;
}

/** Whether anything in the file points there; what was freed keeps its signature. @param {Uint8Array} bytes @param {number} address */
function isUsed(bytes, address) {
  const wanted = new Uint8Array(BigUint64Array.of(BigInt(address)).buffer);
  for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1))
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return true;
  return false;
}

/** By their signatures, with version and reserved bytes: G C O L 1 0 0 0, H E A P 0 0 0 0. @type {[bigint, (view: DataView, at: number) => boolean, string][]} */
const kinds = [
  [0x14c4f4347n, isCollection, 'global heap'],
  [0x50414548n, isLocalHeap, 'local heap'],
];

/**
 * @param {Uint8Array} bytes  of a file
 * @returns {string | null} what is broken and where; null: nothing that is looked at
 */
export function brokenHeap(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEAD <= bytes.length; at++) {
    if (bytes[at] !== 0x47 && bytes[at] !== 0x48) continue;
    const signature = view.getBigUint64(at, true);
    for (const [kind, fits, name] of kinds)
      if (signature === kind && !fits(view, at) && isUsed(bytes, at)) return `the ${name} at byte ${at} contradicts itself`;
  }
  return null;
}
