/**
 * Checks the linked lists in the heaps of an HDF5 file. The HDF5 library follows them without checks, and can loop forever in a
 * broken file. There are two kinds: the objects of a global heap, each of which gives the offset of the next, and the free blocks of a local
 * heap (HDF5 File Format 3.0, III.D and III.E).
 * @module
 */

/** Bytes of an object's header in a global heap: index, reference count, 4 reserved bytes, size. */
const HEAD = 16;
/** Marks the end of the list of free blocks; stored instead of an offset. */
const LAST = 1n;

/**
 * left: how many list elements the check may still visit. Heaps in use do not overlap, and an element has at least HEAD bytes, so a valid file has
 * at most its length / HEAD elements. Freed heaps may overlap, so the limit is higher.
 * @typedef {{ left: number }} Steps
 */

/**
 * @param {DataView} view
 * @param {number} at  offset of a collection of global heap objects
 * @param {Steps} steps
 * @returns {boolean} false if the list of its objects is invalid
 */
function isCollection(view, at, steps) {
  const { byteLength } = view;
  const size = Number(view.getBigUint64(at + 8, true));
  const end = at + size;
  // The file is truncated: HDF5 itself reports that.
  if (!(end <= byteLength)) return true;
  let next = at + HEAD;
  while (next + HEAD <= end) {
    const length = Number(view.getBigUint64(next + 8, true));
    // Free space has index 0, and its length includes the header.
    const taken = view.getUint16(next, true) ? HEAD + 8 * Math.ceil(length / 8) : length;
    if (!(taken >= HEAD && next + taken <= end) || --steps.left < 0) return false;
    next += taken;
  }
  return true;
}

/**
 * @param {DataView} view
 * @param {number} at  offset of a local heap
 * @param {Steps} steps
 * @returns {boolean} false if the list of its free blocks is invalid
 */
function isLocalHeap(view, at, steps) {
  const { byteLength } = view;
  if (at + 32 > byteLength) return true;
  const [size, head, data] = [8, 16, 24].map((offset) => view.getBigUint64(at + offset, true));
  if (size > byteLength || data > byteLength || data + size > byteLength) return true;
  let free = head;
  for (let left = Number(size) / 16; free !== LAST; left--) {
    if (left <= 0 || free + 16n > size || --steps.left < 0) return false;
    free = view.getBigUint64(Number(data + free), true);
  }
  return true;
}

/**
 * The first 8 bytes of each kind of heap (signature, version, reserved bytes: G C O L 1 0 0 0 and H E A P 0 0 0 0), its check and its name.
 * @type {[bigint, typeof isCollection, string][]}
 */
const kinds = [
  [0x14c4f4347n, isCollection, 'global heap'],
  [0x50414548n, isLocalHeap, 'local heap'],
];

/**
 * Finds a heap that is in use: its address occurs in the file as an 8-byte number. A freed heap keeps its signature, but nothing points to it.
 * @param {DataView} view
 * @param {Map<number, string>} names  heaps by address
 * @returns {number | undefined} the first of these addresses that occurs in the file; undefined if none does
 */
function used(view, names) {
  for (let at = 0; at + 8 <= view.byteLength; at++) {
    const address = view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
    if (address < view.byteLength && names.has(address)) return address;
  }
  return undefined;
}

/**
 * @param {Uint8Array} bytes  the content of an HDF5 file
 * @returns {string | null} the broken heap and its offset; null if the check finds none
 */
export function brokenHeap(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const steps = { left: bytes.length };
  /** @type {Map<number, string>} */
  const broken = new Map();
  for (let at = 0; at + HEAD <= bytes.length; at++) {
    if (bytes[at] !== 0x47 && bytes[at] !== 0x48) continue;
    const signature = view.getBigUint64(at, true);
    for (const [kind, fits, name] of kinds) if (signature === kind && !fits(view, at, steps)) broken.set(at, name);
  }
  const at = broken.size ? used(view, broken) : undefined;
  return at === undefined ? null : `the ${broken.get(at)} at byte ${at} contradicts itself`;
}
