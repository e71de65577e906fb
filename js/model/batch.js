/**
 * Converts the inputs of a caller to padded arrays and masks, and tensors to outputs.
 * @module
 */
import { ArgumentError, checkFits, IdError, ShapeError, show, typeName } from '../errors.js';
import { product, Steps, Tensor } from '../layers/tensor.js';
import { isList } from '../runtime/lists.js';
/** @typedef {import('./graph.js').ModelInput} ModelInput */

/**
 * Rows of token ids, vectors, or lists of vectors; or one row-major array with rows of equal lengths: [B, T] ids, [B, T, ...] or [B, ...]
 * values. A Float32Array of values is fastest, because it is not copied.
 * @typedef {ArrayLike<any> | { data: ArrayLike<number> | ArrayLike<bigint>, shape: ArrayLike<number> }} Rows
 */
/** @typedef {ArrayLike<ArrayLike<number>> | ArrayLike<number>} MaskRows  [B][T] or flat [B*T]; 0 is padding */
/**
 * One input of a batch, padded.
 * @typedef {object} Padded
 * @property {ModelInput} input
 * @property {ArrayLike<any>} rows  as passed by the caller
 * @property {boolean} [uniform]  whether each row has T steps
 * @property {number} B
 * @property {number} T  padded length; 1 for vectors
 * @property {Int32Array | Float32Array} data  [B, T] ids, or [B, T, D], or [B, D]
 * @property {Uint8Array | null} mask  [B, T]
 */

/** Copies a list. Array.from would fail for a list without an iterator, or one whose buffer was detached. @param {ArrayLike<any>} list @returns {any[]} */
export const toArray = (list) => {
  const items = new Array(list.length);
  for (let i = 0; i < items.length; i++) items[i] = list[i];
  return items;
};

/** Whether rows are one row-major array. @param {any} rows @returns {rows is { data: ArrayLike<number | bigint>, shape: ArrayLike<number> }} */
export const isRowMajor = (rows) => isList(rows?.data) && isList(rows.shape);

/** @param {ModelInput} input @param {{ data: ArrayLike<number | bigint>, shape: ArrayLike<number> }} rows @param {boolean} sequence */
function checkRowMajor(input, { data: values, shape: given }, sequence) {
  const rest = input.ids ? [] : sequence ? input.shape.slice(1) : input.shape;
  const expected = [...(sequence ? ['B', 'T'] : ['B']), ...rest];
  const shape = toArray(given);
  const shown = `[${shape.map((size) => (typeof size === 'number' ? size : typeName(size)))}]`;
  if (shape.length !== expected.length || expected.some((size, axis) => typeof size === 'number' && size !== shape[axis]))
    throw new ShapeError(`run: shape ${shown}, expected [${expected}]`);
  if (!shape.every((size) => Number.isInteger(size) && size >= 0) || values.length !== product(shape))
    throw new ShapeError(`run: ${values.length} values do not match shape ${shown}`);
  // Even rows without values take memory, so limit their number.
  if (values.length === 0) checkFits(64 * shape[0]);
  return { data: ArrayBuffer.isView(values) ? values : toArray(values), shape };
}

/** Splits row-major values into nested lists of views. @param {any} data  a typed array or a list @param {number[]} sizes  of the lists @returns {ArrayLike<any>[]} */
function viewsOf(data, [size, ...inner]) {
  const width = size ? data.length / size : 0;
  return Array.from({ length: size }, (_, i) => {
    const [from, to] = [i * width, (i + 1) * width];
    const part = ArrayBuffer.isView(data) ? /** @type {Float32Array} */ (data).subarray(from, to) : data.slice(from, to);
    return inner.length ? viewsOf(part, inner) : part;
  });
}

/**
 * Checks the length of a row that must not be padded, because the model would read the padding as data.
 * @param {ModelInput} input @param {number} steps  of a row @param {number} b  its index
 */
function checkExact({ shape: [own] }, steps, b) {
  if (steps !== own)
    throw new ShapeError(
      `run: row ${b} has ${steps} steps, expected exactly ${own}, as the model has no mask: pad or cut rows as in training, or pass mask or lengths`,
    );
}

/**
 * Checks the rows of one input and pads them.
 * @param {ModelInput} input
 * @param {Rows} rows
 * @param {{ mask?: MaskRows, lengths?: ArrayLike<number>, wholeLength: boolean }} options  wholeLength: pads to the length of the model's
 *   input, if it is fixed
 * @returns {Padded}
 */
export function padRows(input, rows, options) {
  if (input.reader) return input.reader.pad(input, rows, options);
  const { mask, lengths, wholeLength } = options;
  const exact = input.exact && !mask && !lengths;
  const what = input.ids ? 'token ids' : 'values';
  if (isRowMajor(rows)) {
    const sequence = input.ids || input.shape.length > 1;
    const { data, shape } = checkRowMajor(input, rows, sequence);
    const [B, T] = sequence ? shape : [shape[0], 1];
    if (exact && B > 0) checkExact(input, T, 0);
    const views = () => viewsOf(data, sequence && !input.ids ? [B, T] : [B]);
    const fits = !(sequence && wholeLength && input.shape[0] !== null) || T === input.shape[0];
    if (!input.ids && fits && data instanceof Float32Array) {
      const given = !sequence ? null : mask ? maskFromRows(mask, B, T) : lengths ? maskFromLengths(lengths, B, T) : null;
      return {
        input,
        get rows() {
          return views();
        },
        uniform: true,
        B,
        T,
        data,
        mask: given,
      };
    }
    return padRows(input, views(), options);
  }
  if (!isList(rows)) throw new ArgumentError(`run: rows are ${typeName(rows)}, expected an array of rows of ${what}`);
  const list = toArray(rows);
  list.forEach((row, b) => {
    if (!isList(row)) throw new ArgumentError(`run: row ${b} is ${typeName(row)}, expected an array of ${what}`);
    if (exact) checkExact(input, row.length, b);
  });
  const B = list.length;
  const sequence = input.ids || input.shape.length > 1;
  const longest = sequence ? list.reduce((most, row) => Math.max(most, row.length), 0) : 1;
  const [own] = input.shape;
  let T = longest;
  if (sequence && wholeLength && own !== null) {
    if (longest > own) throw new ShapeError(`run: a row has ${longest} steps, expected at most ${own}`);
    T = own;
  }
  const width = input.ids ? 1 : sequence ? product(input.shape, 1) : product(input.shape);
  checkFits(B * T * width);
  const data = input.ids ? new Int32Array(B * T) : new Float32Array(B * T * width);
  const counts = new Uint8Array(B * T);
  list.forEach((row, b) => {
    if (input.ids) {
      for (let t = 0; t < row.length; t++) {
        const id = typeof row[t] === 'number' ? row[t] : typeof row[t] === 'bigint' ? Number(row[t]) : NaN;
        const i = b * T + t;
        data[i] = id;
        if (!Number.isInteger(id) || data[i] !== id) data[i] = -1;
        counts[i] = input.maskZero ? Number(id !== 0) : 1;
      }
    } else if (sequence) {
      for (let t = 0; t < row.length; t++) {
        writeValues(data, (b * T + t) * width, row[t], width, b, t);
        counts[b * T + t] = 1;
      }
    } else writeValues(data, b * width, row, width, b);
  });
  if (!sequence) return { input, rows: list, B, T, data, mask: null };
  const given = mask ? maskFromRows(mask, B, T) : lengths ? maskFromLengths(lengths, B, T) : counts;
  return { input, rows: list, B, T, data, mask: given };
}

/**
 * Copies the values of one step, or of one vector.
 * @param {Int32Array | Float32Array} data @param {number} at @param {any} values  numbers, nested or not @param {number} width
 * @param {number} b @param {number} [t]  row and step, for messages
 */
function writeValues(data, at, values, width, b, t) {
  if (values instanceof Float32Array && values.length === width) {
    data.set(values, at);
    return;
  }
  const flat = isList(values)
    ? toArray(values)
        .map((value) => (isList(value) ? toArray(value) : value))
        .flat(3)
    : [values];
  const where = `run: row ${b}${t === undefined ? '' : `, step ${t}`}`;
  if (flat.length !== width) throw new ShapeError(`${where} has ${flat.length} values, expected ${width}`);
  const wrong = flat.findIndex((value) => typeof value !== 'number');
  if (wrong >= 0) throw new ArgumentError(`${where}: value ${wrong} is ${typeName(flat[wrong])}, expected a number`);
  data.set(flat, at);
}

/** The mask [B, T]. @param {MaskRows} mask @param {number} B @param {number} T */
export function maskFromRows(mask, B, T) {
  /** 1 if the mask keeps the entry, 0 for padding. An entry is a number, a boolean, or a list of one (a mask [B, T, 1]). @param {any} value */
  const counts = (value) =>
    Number(!(isList(value) ? [0, false].includes(value[0]) : [0, false].includes(/** @type {any} */ (value))));
  if (!isList(mask)) throw new ArgumentError(`run: mask is ${typeName(mask)}, expected rows of 0 and 1`);
  const nested = isList(mask[0]);
  if (!nested) {
    if (mask.length !== B * T) throw new ShapeError(`mask has ${mask.length} entries, expected B*T = ${B}*${T} = ${B * T}`);
    return Uint8Array.from(toArray(/** @type {ArrayLike<number>} */ (mask)), counts);
  }
  const rows = /** @type {ArrayLike<ArrayLike<number>>} */ (mask);
  if (rows.length !== B) throw new ShapeError(`run: mask has ${rows.length} rows, expected B = ${B}`);
  const flat = new Uint8Array(B * T);
  for (let b = 0; b < B; b++) {
    if (!isList(rows[b])) throw new ArgumentError(`run: mask row ${b} is ${typeName(rows[b])}, expected 0s and 1s`);
    if (rows[b].length > T) throw new ShapeError(`run: mask row ${b} has ${rows[b].length} entries, expected at most T = ${T}`);
    for (let t = 0; t < rows[b].length; t++) flat[b * T + t] = counts(rows[b][t]);
  }
  return flat;
}

/** The mask [B, T]. @param {ArrayLike<number>} lengths @param {number} B @param {number} T */
export function maskFromLengths(lengths, B, T) {
  if (lengths.length !== B) throw new ShapeError(`run: lengths has ${lengths.length} entries, expected B = ${B}`);
  const mask = new Uint8Array(B * T);
  for (let b = 0; b < B; b++) {
    const length = lengths[b];
    if (!Number.isInteger(length) || length < 0 || length > T) {
      throw new ShapeError(`run: lengths[${b}] is ${show(length)}, expected an integer from 0 to T = ${T}`);
    }
    mask.fill(1, b * T, b * T + length);
  }
  return mask;
}

/** @param {Padded} padded @param {number} i  index of the id in [B, T] */
function checkId({ input, rows, data, T }, i) {
  if (data[i] >= 0 && data[i] < input.vocabulary) return;
  const b = Math.floor(i / T);
  const t = i % T;
  const id = rows[b]?.[t];
  const shown = typeof id === 'object' ? show(id) : String(id);
  throw new IdError(`row ${b}, step ${t}: id ${shown} is not an integer from 0 to ${input.vocabulary - 1}`);
}

/**
 * Copies an input to the heap.
 * @param {import('../runtime/memory.js').Heap} heap
 * @param {Padded} padded
 * @param {boolean} inPlace  true for the padded form of a sequence, false for the ragged form (js/layers/tensor.js)
 * @returns {Tensor}
 */
export function placeInput(heap, padded, inPlace) {
  const { input, B, T, data, mask } = padded;
  if (input.reader) return input.reader.place(heap, padded, inPlace);
  const sequence = input.ids || input.shape.length > 1;
  const shape = input.ids ? [] : [...(sequence ? [T] : []), ...input.shape.slice(sequence ? 1 : 0)];
  if (!sequence) return new Tensor(heap, heap.f32(data), B, shape);
  const steps = new Steps(heap, B, T, inPlace ? null : mask);
  const keep = inPlace && mask && (input.maskZero || mask.includes(0)) ? new Steps(heap, B, T, mask) : null;
  const width = input.ids ? 1 : product(input.shape, 1);
  if (steps.uniform) {
    if (input.ids) for (let i = 0; i < data.length; i++) if (!(data[i] >= 0 && data[i] < input.vocabulary)) checkId(padded, i);
    return new Tensor(heap, input.ids ? heap.i32(data) : heap.f32(data), B, shape, steps, keep);
  }
  const ragged = input.ids ? new Int32Array(steps.N) : new Float32Array(steps.N * width);
  for (let i = 0, n = 0; i < B * T; i++) {
    if (!mask?.[i]) continue;
    if (input.ids) checkId(padded, i);
    ragged.set(data.subarray(i * width, (i + 1) * width), width * n++);
  }
  return new Tensor(heap, input.ids ? heap.i32(ragged) : heap.f32(ragged), B, shape, steps);
}

/**
 * Copies an output from the heap, with zeros at padding.
 * @param {Tensor} y
 * @returns {{ shape: number[], data: Float32Array }}
 */
export function readOutput(y) {
  if ('read' in y) return /** @type {import('../layers/late/words.js').WordsTensor} */ (y).read();
  const { B, steps, keep, features } = y;
  const values = y.view();
  if (!steps) return { shape: [B, .../** @type {number[]} */ (y.shape)], data: values.slice() };
  const rest = /** @type {number[]} */ (y.shape.slice(1));
  const shape = [B, steps.T, ...rest];
  const width = product(rest) || features;
  if (steps.uniform && !keep?.mask) return { shape, data: values.slice() };
  const data = new Float32Array(checkFits(B * steps.T * width));
  for (let i = 0, n = 0; i < B * steps.T; i++) {
    if (steps.mask && !steps.mask[i]) continue;
    if (!keep?.mask || keep.mask[i]) data.set(values.subarray(n * width, (n + 1) * width), i * width);
    n++;
  }
  return { shape, data };
}

/**
 * Groups rows by the lengths of their sequences, for models with a layer that needs equal lengths.
 * @param {Padded[]} inputs
 * @returns {number[][]} indices of rows
 */
export function groupByLength(inputs) {
  /** @type {Map<string, number[]>} */
  const groups = new Map();
  for (let b = 0; b < (inputs[0]?.B ?? 0); b++) {
    const key = inputs.map(({ rows, input }) => (input.ids || input.shape.length > 1 ? rows[b].length : 0)).join();
    groups.set(key, [...(groups.get(key) ?? []), b]);
  }
  return [...groups.values()];
}
