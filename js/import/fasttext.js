/**
 * Supervised models of fastText: `.bin`, and quantised `.ftz` (version 0.9.3; fasttext.cc, dictionary.cc, quantmatrix.cc, productquantizer.cc).
 * Tables of a quantised file are expanded to float32.
 * @module
 */
import { checkFits, ModelFileError, UnsupportedError } from '../errors.js';
import { readSource } from '../file/read-source.js';
import { textDecoder } from '../runtime/engine.js';
import { checkImportOptions, finish, reading, readOptions } from './finish.js';
import { fileNameOf } from './input-files.js';
/** @typedef {import('../text/fasttext.js').FastTextSettings} FastTextSettings */

const MAGIC = 793712314;
const SUPERVISED = 3;
/** Number of centroids for each subvector of a quantised matrix: a byte selects one. */
const CODES = 256;
/** Maximum size in bytes of a table that is expanded from a quantised file. */
const EXPANDED_MOST = 2 ** 30;
/** @type {Record<number, string>} */
const losses = { 1: 'hs', 2: 'ns', 3: 'softmax', 4: 'ova' };
const LABEL = '__label__';

/** Whether a file begins with fastText's magic number. @param {Uint8Array} head */
export const isFastText = (head) =>
  head.length >= 4 && new DataView(head.buffer, head.byteOffset, head.byteLength).getInt32(0, true) === MAGIC;

/** Reads consecutive little-endian numbers. */
class Cursor {
  #at = 0;

  /** @param {Uint8Array<ArrayBuffer>} bytes @param {string} name  of the file, for messages */
  constructor(bytes, name) {
    this.bytes = bytes;
    this.name = name;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @param {string} problem */
  error(problem) {
    return new ModelFileError(`${this.name}: fastText: ${problem}`);
  }

  /** Moves on by `length` bytes. @param {number} length @param {string} what  the bytes hold, for messages @returns {number} where they begin */
  take(length, what) {
    const left = this.bytes.length - this.#at;
    if (!(length >= 0 && length <= left)) throw this.error(`${what} takes ${length} bytes, the file has ${left} more`);
    this.#at += length;
    return this.#at - length;
  }

  byte() {
    return this.view.getInt8(this.take(1, 'a byte'));
  }

  int32() {
    return this.view.getInt32(this.take(4, 'a number'), true);
  }

  /** @returns {number} rounded beyond 2^53 */
  int64() {
    return Number(this.view.getBigInt64(this.take(8, 'a number'), true));
  }

  double() {
    return this.view.getFloat64(this.take(8, 'a number'), true);
  }

  /** @param {number} count @param {string} what */
  floats(count, what) {
    const at = this.bytes.byteOffset + this.take(4 * count, what);
    return new Float32Array(this.bytes.buffer.slice(at, at + 4 * count));
  }

  /** @param {number} count @param {string} what */
  codes(count, what) {
    const at = this.take(count, what);
    return this.bytes.subarray(at, at + count);
  }

  /** The bytes before the next zero byte. */
  string() {
    const end = this.bytes.indexOf(0, this.#at);
    if (end < 0) throw this.error('a word has no zero byte at its end');
    return this.codes(end + 1 - this.#at, 'a word').subarray(0, -1);
  }
}

/** A byte order mark at the start of the training data is part of a word. @type {TextDecoderOptions} */
const keepMark = { ignoreBOM: true };

/**
 * A word of the dictionary. No text contains a word that is not UTF-8, so such a word becomes a string with spaces, which no token equals.
 * @param {Uint8Array} bytes
 */
function wordOf(bytes) {
  try {
    return textDecoder('utf-8', { ...keepMark, fatal: true }).decode(bytes);
  } catch {
    return `not UTF-8: ${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
  }
}

/** @param {Uint8Array} bytes */
function labelOf(bytes) {
  const text = textDecoder('utf-8', keepMark).decode(bytes);
  return text.startsWith(LABEL) ? text.slice(LABEL.length) : text;
}

/** @param {Cursor} file */
function readArgs(file) {
  file.int32();
  const version = file.int32();
  if (version !== 11 && version !== 12) throw file.error(`version ${version} of the format, expected 11 or 12`);
  const [dim, , , , , wordGrams, loss, kind, buckets, min, max] = Array.from({ length: 12 }, () => file.int32());
  file.double();
  if (kind !== SUPERVISED)
    throw new UnsupportedError(`${file.name}: word vectors of fastText (cbow or skipgram), not a classifier (fasttext supervised)`);
  if (!losses[loss]) throw file.error(`loss number ${loss}, expected 1 to 4`);
  // In version 11, classifiers have no character n-grams.
  return { dim, wordGrams, loss: losses[loss], buckets, min, max: version === 11 ? 0 : max };
}

/** @param {Cursor} file */
function readDictionary(file) {
  const [size, wordCount, labelCount] = [file.int32(), file.int32(), file.int32()];
  file.int64();
  const prunedCount = file.int64();
  /** @type {string[]} */
  const words = [];
  /** @type {{ label: string, count: number }[]} */
  const labels = [];
  for (let i = 0; i < size; i++) {
    const bytes = file.string();
    const count = file.int64();
    if (file.byte() === 0) words.push(wordOf(bytes));
    else labels.push({ label: labelOf(bytes), count });
  }
  if (words.length !== wordCount || labels.length !== labelCount)
    throw file.error(`${words.length} words and ${labels.length} labels, expected ${wordCount} and ${labelCount}`);
  if (labels.length === 0) throw file.error('the model has no label');
  /** @type {number[] | null} */
  let kept = null;
  if (prunedCount >= 0) {
    kept = [];
    for (let i = 0; i < prunedCount; i++) {
      const hash = file.int32();
      kept[checkIndex(file.int32(), prunedCount, file)] = hash;
    }
    const missing = kept.findIndex((hash) => hash === undefined);
    if (missing >= 0) throw file.error(`no n-gram has row ${missing} of ${prunedCount}`);
  }
  return { words, labels, kept };
}

/** @param {number} index @param {number} count @param {Cursor} file */
function checkIndex(index, count, file) {
  if (index < 0 || index >= count) throw file.error(`row ${index} of ${count} n-grams`);
  return index;
}

/** @typedef {{ rows: number, columns: number, data: Float32Array }} Matrix */

/** @param {Cursor} file @param {string} what @returns {Matrix} */
function readMatrix(file, what) {
  const [rows, columns] = [file.int64(), file.int64()];
  if (!(rows >= 0 && columns > 0)) throw file.error(`${what} is [${rows}, ${columns}]`);
  return { rows, columns, data: file.floats(rows * columns, what) };
}

/** Reads the centroids of a product quantiser. @param {Cursor} file @param {string} what */
function readQuantiser(file, what) {
  const [dim, parts, width, lastWidth] = [file.int32(), file.int32(), file.int32(), file.int32()];
  if (!(parts > 0 && width > 0 && lastWidth > 0 && (parts - 1) * width + lastWidth === dim))
    throw file.error(`${what}: ${parts} parts of ${width} and ${lastWidth} values, ${dim} in all`);
  return { dim, parts, width, lastWidth, centroids: file.floats(dim * CODES, what) };
}

/** Reads a quantised matrix and expands it to float32. @param {Cursor} file @param {string} what @returns {Matrix} */
function readQuantised(file, what) {
  const hasNorms = file.byte() !== 0;
  const [rows, columns] = [file.int64(), file.int64()];
  const codes = file.codes(file.int32(), what);
  const quantiser = readQuantiser(file, what);
  const { dim, parts, width, lastWidth, centroids } = quantiser;
  if (!(rows >= 0) || columns !== dim || codes.length !== rows * parts)
    throw file.error(`${what} is [${rows}, ${columns}] with ${codes.length} codes, ${parts} a row, of ${dim} values`);
  const norms = hasNorms ? file.codes(rows, what) : null;
  const normQuantiser = hasNorms ? readQuantiser(file, what) : null;
  if (normQuantiser && normQuantiser.dim !== 1) throw file.error(`${what}: norms of ${normQuantiser.dim} values, expected 1`);
  if (4 * rows * dim > EXPANDED_MOST)
    throw new UnsupportedError(`${file.name}: ${what} is [${rows}, ${dim}], ${4 * rows * dim} bytes`);
  const data = new Float32Array(checkFits(rows * dim));
  for (let row = 0; row < rows; row++) {
    const norm = norms && normQuantiser ? normQuantiser.centroids[norms[row]] : 1;
    for (let part = 0; part < parts; part++) {
      const size = part === parts - 1 ? lastWidth : width;
      const from = part * CODES * width + codes[row * parts + part] * size;
      for (let i = 0; i < size; i++) data[row * dim + part * width + i] = norm * centroids[from + i];
    }
  }
  return { rows, columns, data };
}

/**
 * The tree of a hierarchical softmax: a Huffman tree over the labels, which the file holds in descending order of counts (loss.cc).
 * @param {number[]} counts
 * @returns {[number, number][]} left and right child of each inner node
 */
function huffmanTree(counts) {
  const leaves = counts.length;
  const sums = [...counts];
  /** @type {[number, number][]} */
  const children = [];
  let [leaf, node] = [leaves - 1, leaves];
  /** The node with the smallest count that has no parent yet. */
  const smallest = () => (leaf >= 0 && counts[leaf] < (sums[node] ?? 1e15) ? leaf-- : node++);
  for (let i = leaves; i < 2 * leaves - 1; i++) {
    const [left, right] = [smallest(), smallest()];
    children.push([left, right]);
    sums[i] = sums[left] + sums[right];
  }
  return children;
}

/** [rows, columns] -> [columns, rows]. @param {Matrix} matrix @param {number} rows  of it */
function transposed({ columns, data }, rows) {
  const result = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = data[r * columns + c];
  return result;
}

/** @param {Uint8Array<ArrayBuffer>} bytes @param {string} name */
function fastTextParts(bytes, name) {
  const file = new Cursor(bytes, name);
  if (!isFastText(bytes)) throw file.error('the file does not begin with the number 793712314, so fastText did not write it');
  const args = readArgs(file);
  const { words, labels, kept } = readDictionary(file);
  const isQuantised = file.byte() !== 0;
  const input = isQuantised ? readQuantised(file, 'the input') : readMatrix(file, 'the input');
  const outputIsQuantised = file.byte() !== 0;
  const output = isQuantised && outputIsQuantised ? readQuantised(file, 'the output') : readMatrix(file, 'the output');
  const { dim, loss } = args;
  // Without character n-grams and word n-grams, fastText stores no rows for them.
  const buckets = args.max > 0 || args.wordGrams > 1 ? args.buckets : 0;
  const rows = words.length + (kept ? kept.length : buckets);
  if (input.columns !== dim || input.rows < rows)
    throw file.error(`the input is [${input.rows}, ${input.columns}], expected [${rows}, ${dim}]`);
  if (output.columns !== dim || output.rows !== labels.length)
    throw file.error(`the output is [${output.rows}, ${output.columns}], expected [${labels.length}, ${dim}]`);
  const units = loss === 'hs' ? labels.length - 1 : labels.length;
  const isTree = loss === 'hs' && units > 0;
  const activation = { hs: 'softmax', softmax: 'softmax', ova: 'sigmoid', ns: 'sigmoid' }[loss];
  const head = isTree
    ? [
        {
          class_name: 'padless>HierarchicalSoftmax',
          config: { name: 'tree', children: huffmanTree(labels.map(({ count }) => count)) },
        },
      ]
    : [];
  const kernel = { shape: [dim, Math.max(units, 1)], data: transposed(output, Math.max(units, 1)) };
  const layers = [
    { class_name: 'InputLayer', config: { name: 'ids', batch_shape: [null, null] } },
    { class_name: 'Embedding', config: { name: 'input', input_dim: rows, output_dim: dim } },
    { class_name: 'padless>MaskedMean', config: { name: 'mean' } },
    {
      class_name: 'Dense',
      config: { name: 'output', units: Math.max(units, 1), use_bias: false, activation: isTree ? 'linear' : activation },
    },
    ...head,
  ];
  /** @type {FastTextSettings} */
  const ngrams = { scheme: 'fasttext', words, buckets, kept, min: args.min, max: args.max, wordGrams: args.wordGrams };
  return {
    architecture: { class_name: 'Sequential', config: { name: 'model', layers } },
    weights: () =>
      new Map([
        ['input.embeddings', { shape: [rows, dim], data: input.data.subarray(0, rows * dim) }],
        ['output.kernel', kernel],
      ]),
    text: /** @type {import('../text/vectorizer.js').TextSettings} */ ({ unit: 'ngrams', ngrams }),
    outputs: [{ name: 'labels', kind: activation === 'sigmoid' ? 'scores' : 'class', labels: labels.map(({ label }) => label) }],
  };
}

/**
 * Reads a classifier of fastText (`fasttext supervised`), `.bin` or `.ftz`.
 * @param {import('../file/read-source.js').ModelSource} source
 * @param {import('./finish.js').ImportOptions | null} [given]
 * @returns {Promise<import('../model/model.js').Model>} its labels lack the prefix `__label__`; its `predict` splits a text as fastText's does
 * @throws {ModelFileError} for a broken file
 * @throws {UnsupportedError} for word vectors
 */
export async function fromFastText(source, given) {
  checkImportOptions('fromFastText', given);
  const options = given ?? {};
  const name = fileNameOf(source);
  const bytes = await readSource(source, readOptions(options));
  const { outputs, ...parts } = reading(name, () => fastTextParts(bytes, name));
  const named = options.labels ? options : { ...options, outputs: options.outputs ?? /** @type {any} */ (outputs) };
  return finish({ ...parts, origin: undefined }, named);
}
