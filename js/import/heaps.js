/**
 * Lists inside an HDF5 file that HDF5 itself follows without looking, and in a broken file for ever: the objects of a global heap, each of
 * which says where the next begins, and the free space of a local one. They are followed here first (HDF5 File Format 3.0, III.D and III.E).
 * @module
 */

/** Bytes of the head of an object in a global heap: index, references, 4 reserved, size. */
const HEAD = 16;
/** In place of an offset: there is no further free block. */
const LAST = 1n;

/** Steps that are left: heaps do not overlap, and a step is HEAD bytes at least. What was freed may, so there are some more. @typedef {{ left: number }} Steps */

/** @param {DataView} view @param {number} at  of a collection of global heaps @param {Steps} steps @returns {boolean} */
function isCollection(view, at, steps) {
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
    if (!(taken >= HEAD && next + taken <= end) || --steps.left < 0) return false;
    next += taken;
  }
  return true;
}

/** @param {DataView} view @param {number} at  of a local heap @param {Steps} steps @returns {boolean} */
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

/** By their signatures, with version and reserved bytes: G C O L 1 0 0 0, H E A P 0 0 0 0. @type {[bigint, typeof isCollection, string][]} */
const kinds = [
  [0x14c4f4347n, isCollection, 'global heap'],
  [0x50414548n, isLocalHeap, 'local heap'],
];

/**
 * Where anything in the file points to; what was freed keeps its signature.
 * @param {DataView} view
 * @param {Map<number, string>} names  by address
 * @returns {number | undefined} the first of these addresses
 */
function used(view, names) {
  for (let at = 0; at + 8 <= view.byteLength; at++) {
    const address = view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
    if (address < view.byteLength && names.has(address)) return address;
  }
  return undefined;
}

/**
 * @param {Uint8Array} bytes  of a file
 * @returns {string | null} what is broken and where; null: nothing that is looked at
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
