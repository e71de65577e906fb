/**
 * A model: layers with weights in an instance of their own, text settings, outputs.
 * @module
 */
import { ArgumentError, IdError, LoadError, ModelFileError, ShapeError, UnsupportedError } from './errors.js';
import { sequentialFromJson } from './graph.js';
import { Heap } from './memory.js';
import { float32, parse, serialize } from './safetensors.js';
import { Steps, Tensor } from './layers/tensor.js';
import { TextVectorizer } from './text.js';
import { getModule } from './wasm.js';

/** @typedef {import('./layers/index.js').Sequential} Sequential */
/** @typedef {import('./layers/layer.js').Shape} Shape */
/** @typedef {import('./wasm.js').Build} Build */
/** @typedef {{ name: string, kind: 'class' | 'scores' | 'tags', labels?: string[] }} OutputSettings */
/** @typedef {{ name: string, shape: number[], data: Float32Array }} OutputTensor */

/**
 * What predict() says of a text.
 * @typedef {object} Prediction
 * @property {string} [label]  class: the label with the highest score
 * @property {number} [score]  class: its score
 * @property {Record<string, number>} [scores]  class and scores: each label's
 * @property {{ label: string, score: number, start: number, end: number }[]} [tags]  tags: one a token, [start, end) in UTF-16 units
 * @property {number} tokens  tokens that the model read; 0 for an empty text, whose answer is what the model says of nothing
 * @property {boolean} truncated  the text was longer than the model reads, and was cut
 */

/**
 * @typedef {object} LoadOptions
 * @property {AbortSignal} [signal]
 * @property {(progress: { loaded: number, total: number | null }) => void} [onProgress]  bytes of the model file
 * @property {RequestInit} [fetch]  options for fetch: integrity, credentials, headers
 * @property {import('./wasm.js').ModuleSource} [module]  the WebAssembly module instead of the inlined one
 * @property {import('./wasm.js').Simd | undefined} [simd]  default auto: relaxed SIMD where the engine has it
 */

export class Model {
  /**
   * @param {{ root: Sequential, text: TextVectorizer | null, outputs: OutputSettings[], kerasVersion: string, module: WebAssembly.Module,
   *   build: Build, weights: Map<string, import('./layers/layer.js').Weight>, fileBytes: number, settings: any }} parts
   */
  constructor({ root, text, outputs, kerasVersion, module, build, weights, fileBytes, settings }) {
    this.root = root;
    /** The model's text settings at work; null for a model of ids alone. */
    this.text = text;
    /** Which build of the kernels it runs on. */
    this.simd = build;
    this.kerasVersion = kerasVersion;
    this.fileBytes = fileBytes;
    this.settings = settings;
    root.setPath('');
    const output = root.build(
      { ids: true, sequence: true, features: 1, masked: false },
      { kerasMajor: parseInt(kerasVersion, 10) || 3 },
    );
    this.output = output;
    this.outputs = outputs.length
      ? outputs
      : [{ name: root.layers.at(-1)?.name ?? 'output', kind: /** @type {const} */ ('scores') }];
    this.#checkOutputs();
    this.#assign(weights);
    const [first] = root.layers;
    this.vocabularySize = Number(first?.config.input_dim);
    this.maskZero = output !== undefined && Boolean(first?.config.mask_zero);
    if (text && text.settings.vocabulary.length > this.vocabularySize) {
      throw new ModelFileError(
        `text: vocabulary has ${text.settings.vocabulary.length} entries, ${first.path} has input_dim=${this.vocabularySize}`,
      );
    }
    this.heap = new Heap(module);
    root.load(this.heap);
  }

  #checkOutputs() {
    if (this.outputs.length !== 1) throw new ModelFileError(`outputs: ${this.outputs.length} are described, the model has 1`);
    const [{ name, kind, labels }] = this.outputs;
    if (!['class', 'scores', 'tags'].includes(kind)) throw new ModelFileError(`outputs: ${name} has kind ${JSON.stringify(kind)}`);
    if (labels && labels.length !== this.output.features) {
      throw new ModelFileError(`outputs: ${name} has ${labels.length} labels, the model gives ${this.output.features} values`);
    }
    if ((kind === 'tags') !== this.output.sequence && labels) {
      throw new ModelFileError(
        `outputs: ${name} is of kind ${kind}, the model gives ${this.output.sequence ? 'a sequence' : 'a vector'}`,
      );
    }
  }

  /** @param {Map<string, import('./layers/layer.js').Weight>} weights */
  #assign(weights) {
    const left = new Set(weights.keys());
    for (const { path, layer, spec } of this.root.listWeights()) {
      const weight = weights.get(path);
      if (!weight) throw new ModelFileError(`${path}: weight is missing`);
      if (weight.shape.join() !== spec.shape.join()) {
        throw new ModelFileError(`${path}: shape [${weight.shape}], expected [${spec.shape}]`);
      }
      layer.weights.set(spec.name, weight);
      left.delete(path);
    }
    if (left.size) throw new ModelFileError(`weights that no layer has: ${[...left].join(', ')}`);
  }

  /** Counters since the model was loaded: recurrent steps visited (each direction counts), bytes of memory held now. */
  get stats() {
    return { steps: this.heap.steps, memory: this.heap.size };
  }

  /** Numbers in the weights. */
  get parameters() {
    return this.root.listWeights().reduce((sum, { spec }) => sum + spec.shape.reduce((product, size) => product * size, 1), 0);
  }

  /**
   * Ids in, raw tensors out. Rows may differ in length; they are padded to the longest with zeros at the end. Which steps count:
   * `mask` or `lengths` where given; else, where the model masks (mask_zero), ids other than 0; else each row's own steps.
   *
   * @param {ArrayLike<ArrayLike<number>>} rows  token ids
   * @param {{ mask?: ArrayLike<ArrayLike<number>> | ArrayLike<number>, lengths?: ArrayLike<number> }} [options]
   *   mask: 0 is padding, [B][T] or flat [B*T]; lengths: steps that count at the start of each row
   * @returns {OutputTensor[]} one, [B, K], or [B, T, K] with zeros at padding
   * @throws {IdError} for an id outside the vocabulary at a step that counts
   * @throws {ShapeError} for a mask or lengths that do not fit
   */
  run(rows, { mask, lengths } = {}) {
    if (rows === null || typeof rows !== 'object' || typeof rows.length !== 'number') {
      throw new ArgumentError(`run takes rows of token ids, got ${rows === null ? 'null' : typeof rows}`);
    }
    const B = rows.length;
    const list = Array.from(rows);
    list.forEach((row, b) => {
      if (row === null || typeof row !== 'object' || typeof row.length !== 'number') {
        throw new ArgumentError(`run: row ${b} is ${row === null ? 'null' : typeof row}, expected an array of token ids`);
      }
    });
    const T = list.reduce((most, row) => Math.max(most, row.length), 0);
    const ids = new Int32Array(B * T);
    const counts = new Uint8Array(B * T);
    list.forEach((row, b) => {
      for (let t = 0; t < row.length; t++) {
        const id = row[t];
        ids[b * T + t] = id;
        counts[b * T + t] = this.maskZero ? Number(id !== 0) : 1;
        if (!Number.isInteger(id) || ids[b * T + t] !== id) ids[b * T + t] = -1;
      }
    });
    const given = mask ? flatMask(mask, B, T) : lengths ? maskFromLengths(lengths, B, T) : counts;
    return this.#forward(list, ids, new Steps(B, T, given));
  }

  /**
   * @param {ArrayLike<number>[]} rows  the caller's, for messages
   * @param {Int32Array} ids  [B, T]
   * @param {Steps} steps
   * @returns {OutputTensor[]}
   */
  #forward(rows, ids, steps) {
    const { B, T, N } = steps;
    const closed = new Int32Array(N);
    for (let i = 0, n = 0; i < ids.length; i++) {
      if (steps.mask && !steps.mask[i]) continue;
      if (ids[i] < 0 || ids[i] >= this.vocabularySize) {
        const [b, t] = [Math.floor(i / T), i % T];
        throw new IdError(`row ${b}, step ${t}: id ${rows[b]?.[t]} is not a whole number from 0 to ${this.vocabularySize - 1}`);
      }
      closed[n++] = ids[i];
    }
    const { heap } = this;
    const [{ name }] = this.outputs;
    return heap.scoped(() => {
      steps.splitsPointer = heap.i32(steps.splits);
      const y = this.root.call(new Tensor(heap.i32(closed), N, 1, steps, true), heap);
      const K = y.features;
      if (!y.sequence) return [{ name, shape: [B, K], data: heap.f32View(y.pointer, B * K).slice() }];
      const data = new Float32Array(B * T * K);
      const values = heap.f32View(y.pointer, N * K);
      for (let i = 0, n = 0; i < B * T; i++) {
        if (!steps.mask || steps.mask[i]) data.set(values.subarray(n * K, ++n * K), i * K);
      }
      return [{ name, shape: [B, T, K], data }];
    });
  }

  /**
   * @overload
   * @param {string} text
   * @returns {Prediction}
   */
  /**
   * @overload
   * @param {string[]} text
   * @returns {Prediction[]}
   */
  /**
   * What the model says of a text, or of each of several.
   * @param {string | string[]} text  any string: empty, a megabyte, lone surrogates
   * @returns {Prediction | Prediction[]}
   * @throws {ArgumentError} for anything but strings
   * @throws {UnsupportedError} for a model without text settings
   */
  predict(text) {
    if (!Array.isArray(text)) return this.#predictAll([text])[0];
    return text.length ? this.#predictAll(text) : [];
  }

  /** @param {string[]} texts @returns {Prediction[]} */
  #predictAll(texts) {
    if (!this.text) throw new UnsupportedError('predict: this model has no text settings; use run() with token ids');
    const batch = this.text.encodeBatch(texts);
    const [B, T] = batch.shape;
    const masked = this.text.mask && this.text.length === null;
    const [{ data }] = this.#forward(
      batch.rows.map((_, b) => batch.ids.subarray(b * T, (b + 1) * T)),
      batch.ids,
      new Steps(B, T, masked ? batch.mask : null),
    );
    const [{ kind, labels: given }] = this.outputs;
    const K = this.output.features;
    const labels = given ?? Array.from({ length: K }, (_, k) => String(k));
    return batch.rows.map(({ ids, offsets, truncated }, b) => {
      const rest = { tokens: ids.length, truncated };
      if (kind !== 'tags') {
        const values = data.subarray(b * K, (b + 1) * K);
        const scores = Object.fromEntries(labels.map((label, k) => [label, values[k]]));
        if (kind === 'scores') return { scores, ...rest };
        const best = argmax(values);
        return { label: labels[best], score: values[best], scores, ...rest };
      }
      const shift = this.text?.padding === 'pre' ? T - ids.length : 0;
      const tags = Array.from(ids, (_, i) => {
        const values = data.subarray((b * T + shift + i) * K, (b * T + shift + i + 1) * K);
        const best = argmax(values);
        return { label: labels[best], score: values[best], start: offsets[2 * i], end: offsets[2 * i + 1] };
      });
      return { tags, ...rest };
    });
  }

  /**
   * The model as a safetensors file.
   * @returns {Uint8Array<ArrayBuffer>}
   */
  save() {
    const tensors = new Map(
      this.root.listWeights().map(({ path, layer, spec }) => {
        const { shape, data } = layer.weight(spec.name);
        const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
        return [path, { dtype: /** @type {const} */ ('F32'), shape, data: bytes }];
      }),
    );
    const settings = { ...this.settings, architecture: { class_name: 'Sequential', config: this.root.getConfig() } };
    return serialize({ metadata: { padless: JSON.stringify(settings) }, tensors });
  }
}

/** @param {Float32Array} values */
function argmax(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}

/**
 * @param {ArrayLike<ArrayLike<number>> | ArrayLike<number>} mask
 * @param {number} B
 * @param {number} T
 */
function flatMask(mask, B, T) {
  const nested = typeof mask[0] === 'object';
  if (!nested) return Uint8Array.from(/** @type {ArrayLike<number>} */ (mask), (value) => Number(value !== 0));
  const rows = /** @type {ArrayLike<ArrayLike<number>>} */ (mask);
  if (rows.length !== B) throw new ShapeError(`run: mask has ${rows.length} rows, the batch has ${B}`);
  const flat = new Uint8Array(B * T);
  for (let b = 0; b < B; b++) {
    if (rows[b].length > T) throw new ShapeError(`run: mask row ${b} has ${rows[b].length} entries, the longest row has ${T} ids`);
    for (let t = 0; t < rows[b].length; t++) flat[b * T + t] = Number(rows[b][t] !== 0);
  }
  return flat;
}

/**
 * @param {ArrayLike<number>} lengths
 * @param {number} B
 * @param {number} T
 */
function maskFromLengths(lengths, B, T) {
  if (lengths.length !== B) throw new ShapeError(`run: lengths has ${lengths.length} entries, the batch has ${B} rows`);
  const mask = new Uint8Array(B * T);
  for (let b = 0; b < B; b++) {
    const length = lengths[b];
    if (!Number.isInteger(length) || length < 0 || length > T) {
      throw new ShapeError(`run: lengths[${b}] is ${length}, expected a whole number from 0 to T = ${T}`);
    }
    mask.fill(1, b * T, b * T + length);
  }
  return mask;
}

/** @typedef {URL | string | Blob | Response | ArrayBuffer | ArrayBufferView<ArrayBuffer>} ModelSource */

/**
 * The bytes of a file: a URL, a path (in Node), bytes, a Response, a Blob or File.
 * @param {ModelSource} source
 * @param {LoadOptions} options
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function readSource(source, { signal, onProgress, fetch: init }) {
  signal?.throwIfAborted();
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  if (source instanceof Response) return readResponse(source, onProgress);
  if (!(source instanceof URL) && typeof source !== 'string') {
    throw new ArgumentError('loadModel takes a URL, a path, bytes, a Response, a Blob or a File');
  }
  const address = String(source);
  // Two letters at least: C:\model is a path.
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(address)?.[1].toLowerCase();
  const files = globalThis.process?.getBuiltinModule?.('node:fs');
  if (files && (scheme === 'file' || !scheme)) {
    try {
      return new Uint8Array(await files.promises.readFile(scheme ? new URL(address) : address, { signal }));
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new LoadError(`${address}: ${/** @type {Error} */ (cause).message}`, { cause });
    }
  }
  /** @type {Response} */
  let response;
  try {
    response = await fetch(source, { ...init, signal: signal ?? null });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new LoadError(`${address}: ${/** @type {Error} */ (cause).message}`, { cause });
  }
  return readResponse(response, onProgress);
}

/**
 * @param {Response} response
 * @param {LoadOptions['onProgress']} onProgress
 */
async function readResponse(response, onProgress) {
  if (!response.ok) throw new LoadError(`${response.url || 'response'}: HTTP status ${response.status} while fetching the model`);
  if (!onProgress || !response.body) return new Uint8Array(await response.arrayBuffer());
  const total = Number(response.headers.get('content-length')) || null;
  let loaded = 0;
  const counted = new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.length;
      onProgress({ loaded, total });
      controller.enqueue(chunk);
    },
  });
  return new Uint8Array(await new Response(response.body.pipeThrough(counted)).arrayBuffer());
}

/**
 * Loads a model file.
 * @param {ModelSource} source
 * @param {LoadOptions} [options]
 * @returns {Promise<Model>}
 * @throws {LoadError} where it cannot be read
 * @throws {ModelFileError} where it is broken
 * @throws {UnsupportedError} where it needs what padless does not have
 * @throws {import('./errors.js').EngineError} where the engine has no WebAssembly SIMD
 */
export async function loadModel(source, options = {}) {
  const [bytes, { module, build }] = await Promise.all([readSource(source, options), getModule(options)]);
  options.signal?.throwIfAborted();
  return modelFromFile(bytes, module, build);
}

/**
 * @param {Uint8Array} bytes
 * @param {WebAssembly.Module} module
 * @param {Build} build
 */
function modelFromFile(bytes, module, build) {
  const { metadata, tensors } = parse(bytes);
  if (typeof metadata.padless !== 'string') throw new ModelFileError('the file has no padless metadata: it is not a padless model');
  let settings;
  try {
    settings = JSON.parse(metadata.padless);
  } catch (cause) {
    throw new ModelFileError('the padless metadata is not JSON', { cause });
  }
  if (settings?.format !== 1)
    throw new ModelFileError(`the file has format ${JSON.stringify(settings?.format)}, this padless reads 1`);
  const weights = new Map([...tensors].map(([name, tensor]) => [name, { shape: tensor.shape, data: float32(tensor, name) }]));
  return new Model({
    root: sequentialFromJson(settings.architecture),
    text: settings.text ? new TextVectorizer(settings.text) : null,
    outputs: settings.outputs ?? [],
    kerasVersion: String(settings.keras_version ?? '3'),
    module,
    build,
    weights,
    fileBytes: bytes.length,
    settings,
  });
}
