/**
 * A model: layers with weights in an instance of their own, text settings, outputs.
 * @module
 */
import { checkOutputs, predictions } from './answers.js';
import { groupByLength, isList, isRowMajor, padRows, placeInput, readOutput } from './batch.js';
import { ArgumentError, checkFits, ModelFileError, PadlessError, ShapeError, STEPS_MOST, UnsupportedError } from '../errors.js';
import { modelFromJson, customClasses, prepare } from './graph.js';
import { checkText, markExact, withOwnLength } from './padding.js';
import { stored, weightsOf } from '../file/int8-weights.js';
import { Masking } from '../layers/basic.js';
import { Functional } from '../layers/functional.js';
import { Layer } from '../layers/layer.js';
import { Recurrent } from '../layers/recurrent.js';
import { product, Spec, Tensor } from '../layers/tensor.js';
import { Heap } from '../runtime/memory.js';
import { parse, parseJson, serialize } from '../file/safetensors.js';
import { Session } from '../session/session.js';
import { readSource } from '../file/read-source.js';
import { prepareText, TextVectorizer } from '../text/vectorizer.js';
import { getModule } from '../runtime/wasm.js';

/** @typedef {import('./answers.js').AllowedLabels} AllowedLabels */
/** @typedef {import('./answers.js').OutputSettings} OutputSettings */
/** @typedef {import('./answers.js').Prediction} Prediction */
/** @typedef {import('./batch.js').Rows} Rows */
/** @typedef {import('./graph.js').CustomLayers} CustomLayers */
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('../file/read-source.js').ModelSource} ModelSource */
/** @typedef {import('../runtime/wasm.js').Build} Build */
/** @typedef {{ name: string, shape: number[], data: Float32Array }} OutputTensor */

/**
 * @typedef {object} EngineOptions
 * @property {import('../runtime/wasm.js').ModuleSource | undefined} [module]  the WebAssembly module instead of the inlined one
 * @property {import('../runtime/wasm.js').Simd | undefined} [simd]  default auto: relaxed SIMD where the engine has it
 */
/** @typedef {import('../file/read-source.js').ReadOptions & EngineOptions & { customLayers?: CustomLayers }} LoadOptions */

/**
 * What a model file's metadata holds under `padless`.
 * @typedef {object} ModelSettings
 * @property {1} format
 * @property {any} architecture  Keras JSON
 * @property {string} [keras_version]  of the Keras that saved the model: its rules hold. Absent: masks select in every layer
 * @property {'keras' | 'tfjs' | 'torch'} [origin]
 * @property {import('../text/vectorizer.js').TextSettings | null} [text]
 * @property {OutputSettings[]} [outputs]
 */

/**
 * What a layer did to a text.
 * @typedef {object} TraceStep
 * @property {string} path
 * @property {string} layer  class name
 * @property {TraceTensor[]} before
 * @property {TraceTensor[]} after
 * @property {number[][] | null} changed
 *   for each row, the positions at which the mask changed the answer: where it differs from what the same layer makes of the same values
 *   (zeros at padding) without a mask; for a layer whose answer is a vector, [0] where it differs. null: no mask was there, or the layer has
 *   a state, several answers, or is called with more than its inputs (initial states, say)
 */
/** @typedef {{ shape: number[], data: Float32Array, mask: Uint8Array | null }} TraceTensor  mask [B, T]: 0 is padding; null: no mask */

export class Model {
  /**
   * @param {{ settings: ModelSettings, customLayers?: CustomLayers | undefined, weights: (root: Layer) => Map<string, Weight>,
   *   module: WebAssembly.Module, build: Build, fileBytes: number }} parts
   */
  constructor({ settings, customLayers, weights, module, build, fileBytes }) {
    this.settings = settings;
    this.fileBytes = fileBytes;
    /** Which build of the kernels it runs on. */
    this.simd = build;
    this.kerasVersion = String(settings.keras_version ?? '');
    const kerasMajor = parseInt(this.kerasVersion, 10) || 3;
    /** @type {import('../layers/tensor.js').Rules} */
    const rules = {
      kerasMajor,
      kerasMinor: parseInt(this.kerasVersion.split('.')[1], 10),
      select: !this.kerasVersion,
      framework: !this.kerasVersion ? '' : settings.origin === 'tfjs' ? 'tfjs' : kerasMajor < 3 ? 'keras2' : 'keras3',
      masks: false,
      andMasks: settings.origin === 'tfjs' || kerasMajor < 3,
      readsPadding: new Set(),
      applied: new Set(),
      needsPadded: new Set(),
      needsLength: new Set(),
    };
    const { root, inputs, specs } = buildLayers(settings.architecture, customLayers ?? {}, rules);
    this.root = root;
    this.inputs = inputs;
    /** What comes out. */
    this.specs = specs;
    /** Layers that read what stands at the padding, as their framework does: for this model padding can change an answer. */
    this.readsPadding = [...rules.readsPadding];
    this.padded = rules.readsPadding.size > 0 || rules.needsPadded.size > 0 || inputs.some(({ padded }) => padded);
    this.needsLength = rules.needsLength.size > 0;
    for (const layer of root.all()) {
      if (layer instanceof Masking) layer.padded = this.padded;
      if ('andMasks' in layer) layer.andMasks = rules.andMasks;
    }
    const names = root instanceof Functional ? root.outputNames : [root.layers[root.layers.length - 1].name];
    /** @type {OutputSettings[]} */
    const undescribed = this.specs.map((spec, i) => ({ name: names[i] ?? `output_${i}`, kind: spec.sequence ? 'tags' : 'scores' }));
    const described = settings.outputs && settings.outputs.length !== 0 ? settings.outputs : undescribed;
    this.outputs = Array.isArray(described)
      ? described.map((output, i) => ({ .../** @type {OutputSettings} */ ({ name: undescribed[i]?.name }), ...output }))
      : described;
    checkOutputs(this.outputs, this.specs);
    markExact(root, inputs);
    const [first] = inputs;
    if (settings.text) settings.text = withOwnLength(settings.text, first, !rules.select);
    /** The model's text settings at work; null for a model of ids alone. */
    this.text = settings.text ? new TextVectorizer(settings.text) : null;
    if (this.text && (inputs.length !== 1 || !first.ids))
      throw new ModelFileError(
        `text: the model has ${inputs.length} inputs${first.ids ? '' : ' of values'}, expected one of token ids`,
      );
    if (this.text && this.text.size > first.vocabulary) {
      throw new ModelFileError(
        `text: the vocabulary has ${this.text.size} entries, the embedding has input_dim=${first.vocabulary}`,
      );
    }
    if (this.text) checkText(this.text, first, { readsPadding: this.readsPadding, imported: !rules.select });
    this.#assign(weights(root));
    this.heap = new Heap(module);
    root.loadAll(this.heap);
    this.#stateful = root.all().flatMap((layer) => (layer instanceof Recurrent && layer.config.stateful ? [layer] : []));
  }

  /** Layers that keep a state from run to run. @type {Recurrent[]} */
  #stateful;

  /** @param {Map<string, Weight>} weights */
  #assign(weights) {
    if (!(weights instanceof Map)) throw new ArgumentError(`createModel: weights gave ${typeof weights}, expected a Map`);
    const left = new Set(weights.keys());
    for (const { path, layer, spec } of this.root.listWeights()) {
      const weight = weights.get(path);
      if (!weight) throw new ModelFileError(`${path}: weight is missing`);
      if (weight.shape.join() !== spec.shape.join()) {
        throw new ModelFileError(`${path}: shape [${weight.shape}], expected [${spec.shape}]`);
      }
      if (weight.int8 && !spec.int8) throw new ModelFileError(`${path}: dtype I8, expected F32`);
      if (weight.int8 && Boolean(weight.rows) !== (spec.int8 === 'rows'))
        throw new ModelFileError(`${path}: int8 ${weight.rows ? 'with' : 'without'} ${path}.rows, expected it to be otherwise`);
      if (!weight.int8 && !(weight.data instanceof Float32Array)) throw new ModelFileError(`${path}: values are no Float32Array`);
      const { length } = weight.int8 ?? weight.data;
      if (length !== product(spec.shape))
        throw new ModelFileError(`${path}: ${length} values, expected [${spec.shape}] = ${product(spec.shape)}`);
      layer.weights.set(spec.name, weight);
      left.delete(path);
    }
    if (left.size) throw new ModelFileError(`weights that no layer has: ${[...left].slice(0, 20).join(', ')}`);
  }

  /** Counters since the model was loaded: recurrent steps visited (each direction counts), bytes of memory held now. */
  get stats() {
    return { steps: this.heap.steps, memory: this.heap.size };
  }

  /** Numbers in the weights. */
  get parameters() {
    return this.root.listWeights().reduce((sum, { spec }) => sum + product(spec.shape), 0);
  }

  /**
   * Ids in, raw tensors out. Rows may differ in length; they are padded to the longest with zeros at the end. Which steps count:
   * `mask` or `lengths` where given; else, where the model masks (mask_zero), ids other than 0; else each row's own steps. A model with a fixed
   * length that masks nothing takes rows of exactly that length, unless `mask` or `lengths` is given: it reads zeros as data.
   *
   * @param {Rows | Record<string, Rows>} rows  [B][T] token ids; for an input of values [B][T][D] or [B][D]; either also as
   *   { data, shape }, row-major; for a model of several inputs an object of them by name
   * @param {{ mask?: import('./batch.js').MaskRows, lengths?: ArrayLike<number> }} [options]
   *   mask: 0 is padding, [B][T] or flat [B*T]; lengths: steps that count at the start of each row. For models of one input
   * @returns {OutputTensor[]} one an output, [B, K], or [B, T, K] with zeros at padding
   * @throws {import('../errors.js').IdError} for an id outside the vocabulary at a step that counts
   * @throws {ShapeError} for a mask, lengths or rows that do not fit
   */
  run(rows, options = {}) {
    return this.#forward(this.#pad(rows, options));
  }

  /** @param {any} rows @param {{ mask?: import('./batch.js').MaskRows, lengths?: ArrayLike<number> }} options */
  #pad(rows, options) {
    const { inputs } = this;
    const wholeLength = this.padded || this.needsLength;
    if (inputs.length === 1) {
      // An input may be called data, shape or length.
      const byName = !isList(rows) && !isRowMajor(rows) && Object.hasOwn(Object(rows), inputs[0].name);
      const given = byName ? /** @type {any} */ (rows)[inputs[0].name] : rows;
      return [padRows(inputs[0], given, { ...options, wholeLength })];
    }
    if (options.mask || options.lengths)
      throw new ArgumentError(`run: mask and lengths are for models of one input, this one has ${inputs.length}`);
    const padded = inputs.map((input) => {
      const given = rows?.[input.name];
      if (given === undefined)
        throw new ArgumentError(
          `run: input ${JSON.stringify(input.name)} is missing; the model has ${inputs.map(({ name }) => name).join(', ')}`,
        );
      return padRows(input, given, { wholeLength });
    });
    for (const { B, input } of padded)
      if (B !== padded[0].B) throw new ShapeError(`run: ${padded[0].input.name} has ${padded[0].B} rows, ${input.name} has ${B}`);
    return padded;
  }

  /**
   * Runs the model. If that fails, stateful layers get back the states that they had.
   * @param {import('./batch.js').Padded[]} padded
   * @returns {OutputTensor[]}
   */
  #forward(padded) {
    const states = this.#stateful.map(({ kept }) => kept);
    try {
      return this.#compute(padded);
    } catch (error) {
      this.#stateful.forEach((layer, i) => {
        layer.kept = states[i];
      });
      throw error;
    }
  }

  /**
   * @param {import('./batch.js').Padded[]} padded
   * @returns {OutputTensor[]}
   */
  #compute(padded) {
    const { heap, root, outputs } = this;
    const unequal =
      (this.needsLength || this.padded) &&
      padded.some(
        (each) => !each.uniform && !each.input.maskZero && each.mask && Array.from(each.rows).some((row) => row.length !== each.T),
      );
    // Rows of one array are taken apart here, once.
    if (unequal) return this.#forwardByLength(padded.map((each) => ({ ...each })));
    return heap.scoped(() => {
      const tensors = padded.map((each) => placeInput(heap, each, this.padded, each.input.maskZero || this.#maskGiven(each)));
      const y = [root.apply(tensors.length === 1 ? tensors[0] : tensors)].flat();
      return outputs.map(({ name }, i) => ({ name, ...readOutput(/** @type {Tensor} */ (y[i])) }));
    });
  }

  /** A mask over an input that the model itself does not mask. @param {import('./batch.js').Padded} padded */
  #maskGiven({ mask }) {
    return mask?.includes(0) ?? false;
  }

  /**
   * A model that needs one length, over rows of several: each as if it stood alone.
   * @param {import('./batch.js').Padded[]} padded
   * @returns {OutputTensor[]}
   */
  #forwardByLength(padded) {
    const parts = groupByLength(padded).map((group) => {
      const some = padded.map(({ input, rows }) =>
        padRows(
          input,
          group.map((b) => rows[b]),
          { wholeLength: false },
        ),
      );
      for (const { input, T, mask } of some)
        if (mask && (input.shape[0] ?? T) !== T)
          throw new ShapeError(`run: a row has ${T} steps, the model reads exactly ${input.shape[0]}`);
      return { group, outputs: this.#forward(some) };
    });
    return this.outputs.map(({ name }, i) => ({
      name,
      ...joinGroups(
        padded[0].B,
        parts.map(({ group, outputs }) => ({ group, ...outputs[i] })),
      ),
    }));
  }

  /**
   * @overload
   * @param {string} text
   * @param {{ labels?: AllowedLabels }} [options]
   * @returns {Prediction}
   */
  /**
   * @overload
   * @param {string[]} text
   * @param {{ labels?: AllowedLabels }} [options]
   * @returns {Prediction[]}
   */
  /**
   * What the model says of a text, or of each of several.
   * @param {string | string[]} text  any string: empty, a megabyte, lone surrogates
   * @param {{ labels?: AllowedLabels }} [options]  labels: those that it may answer, or weights for some. Default: all alike
   * @returns {Prediction | Prediction[]}
   * @throws {ArgumentError} for anything but strings, and for labels that the model lacks
   * @throws {UnsupportedError} for a model without text settings
   */
  predict(text, options) {
    if (!Array.isArray(text)) return this.#predictAll([text], options)[0];
    return text.length ? this.#predictAll(text, options) : [];
  }

  /** @param {string[]} texts @param {{ labels?: AllowedLabels }} [options] @returns {Prediction[]} */
  #predictAll(texts, options) {
    const { batch, outputs } = this.#read(texts);
    return predictions(this.outputs, outputs, batch, this.text?.padding === 'pre', options?.labels);
  }

  /**
   * What predict() makes its answer of: the raw tensors for texts.
   * @param {string[]} texts
   * @returns {OutputTensor[]}
   */
  outputsOf(texts) {
    return this.#read(texts).outputs;
  }

  /** @param {string[]} texts */
  #read(texts) {
    const { text } = this;
    if (!text) throw new UnsupportedError('predict: this model has no text settings; use run() with token ids');
    const batch = text.encodeBatch(texts);
    const [B, T] = batch.shape;
    const mask = text.paddingIsData ? new Uint8Array(B * T).fill(1) : batch.mask;
    const rows = Array.from({ length: B }, (_, b) => batch.ids.subarray(b * T, (b + 1) * T));
    return { batch, outputs: this.#forward(this.#pad(rows, { mask })) };
  }

  /**
   * Layer by layer: what went in, what came out, and at which positions the mask changed it.
   * @param {string | Rows} text  a text, or rows of ids
   * @param {{ mask?: import('./batch.js').MaskRows, lengths?: ArrayLike<number> }} [options]  for rows of ids
   * @returns {TraceStep[]} in the order of the work; layers inside layers stand before those that own them
   */
  trace(text, options) {
    /** @type {TraceStep[]} */
    const steps = [];
    const { heap } = this;
    let inside = false;
    heap.onApply = (layer, x, y, called) => {
      if (inside || layer === this.root) return;
      const before = [x]
        .flat(9)
        .filter((each) => each instanceof Tensor)
        .map(traceTensor);
      const after = [y].flat().map(traceTensor);
      inside = true;
      try {
        steps.push({ path: layer.path, layer: layer.className, before, after, changed: changedByMask(layer, x, y, called) });
      } finally {
        inside = false;
      }
    };
    try {
      if (typeof text === 'string') this.#predictAll([text]);
      else this.run(text, options);
    } finally {
      heap.onApply = null;
    }
    return steps;
  }

  /**
   * For a text that changes a little at a time: `update(text)` gives what `predict(text)` gives, to the last bit, and works out only what the
   * change can reach. Recurrent layers go on from the state before the change, forward and backward each on its side.
   * @param {import('../session/session.js').SessionOptions} [options]  tolerance: see there
   * @returns {import('../session/session.js').Session}
   */
  session(options) {
    return new Session(this, options);
  }

  /** Forgets the states of stateful layers. */
  resetState() {
    for (const layer of this.root.all()) if (layer instanceof Recurrent) layer.resetState();
  }

  /**
   * The model as a safetensors file; weights in int8 stay so.
   * @returns {Uint8Array<ArrayBuffer>}
   */
  save() {
    const tensors = this.root.listWeights().flatMap(({ path, layer, spec }) => stored(path, layer.weight(spec.name)));
    return serialize({ metadata: { padless: JSON.stringify(this.settings) }, tensors: new Map(tensors) });
  }
}

/**
 * Rows computed in groups, side by side again; sequences as long as the longest of them.
 * @param {number} B
 * @param {{ group: number[], shape: number[], data: Float32Array }[]} parts
 */
function joinGroups(B, parts) {
  const lengths = parts.map(({ shape }) => shape.slice(1));
  const rest = lengths[0].map((_, axis) => Math.max(...lengths.map((shape) => shape[axis])));
  const size = product(rest);
  const data = new Float32Array(checkFits(B * size));
  for (const { group, data: values } of parts) {
    const own = values.length / group.length;
    group.forEach((b, i) => data.set(values.subarray(i * own, (i + 1) * own), b * size));
  }
  return { shape: [B, ...rest], data };
}

/**
 * Layers out of their JSON, applied to shapes once.
 * @param {any} architecture
 * @param {CustomLayers} customLayers
 * @param {import('../layers/tensor.js').Rules} rules
 */
function buildLayers(architecture, customLayers, rules) {
  try {
    const { root, inputs } = modelFromJson(architecture, '', {
      customLayers,
      kerasMajor: rules.framework === 'tfjs' ? 3 : rules.kerasMajor,
    });
    for (const { name, shape, ids } of inputs)
      if (ids ? shape.length !== 1 : shape.slice(shape.length > 1 ? 1 : 0).includes(null))
        throw new UnsupportedError(
          `input ${name}: ${ids ? 'token ids' : 'values'} of shape [${['B', ...shape.map((length) => length ?? 'T')]}]; padless takes ${ids ? '[B, T]' : '[B, D] and [B, T, D], D being known'}`,
        );
    for (const { name, shape, ids } of inputs)
      if ((ids || shape.length > 1) && Number(shape[0]) > STEPS_MOST)
        throw new ModelFileError(`input ${name}: a length of ${shape[0]} steps, expected at most ${STEPS_MOST}, or null for any`);
    root.setPath('');
    rules.masks = inputs.some(({ maskZero }) => maskZero) || root.all().some((layer) => layer instanceof Masking);
    const given = inputs.map(({ shape, ids, maskZero }) => new Spec({ shape, ids, masked: maskZero, time: {}, rules }));
    /** @type {Spec[]} */
    const specs = [root.apply(given.length === 1 ? given[0] : given)].flat();
    const found = new Set(root.all());
    for (const layer of /** @type {Set<Layer>} */ (rules.applied))
      if (!found.has(layer))
        throw new ModelFileError(
          `${layer.name}: a layer of layers uses it and does not own it: keep it in a property, a list or an object`,
        );
    refuseEqualPaths(root);
    return { root, inputs, specs };
  } catch (cause) {
    if (cause instanceof PadlessError) throw cause;
    throw new ModelFileError(`the architecture cannot be put together: ${/** @type {Error} */ (cause)?.message ?? cause}`, {
      cause,
    });
  }
}

/** Names with dots may give two weights one path, by which files hold them. @param {Layer} root @throws {ModelFileError} */
function refuseEqualPaths(root) {
  /** @type {Map<string, Layer>} */
  const owners = new Map();
  for (const { path, layer } of root.listWeights()) {
    const other = owners.get(path);
    if (other)
      throw new ModelFileError(
        `${path}: the layers ${JSON.stringify(other.name)} (${other.className}) and ${JSON.stringify(layer.name)} (${layer.className}) both have a weight of this path; rename one`,
      );
    owners.set(path, layer);
  }
}

/** @param {Tensor} x @returns {TraceTensor} */
function traceTensor(x) {
  const mask = x.keep?.mask ?? x.steps?.mask ?? null;
  if (x.shape.length === 0 && x.steps) {
    // Token ids.
    const ids = x.heap.i32View(x.pointer, x.time.N);
    const data = new Float32Array(x.B * x.time.T);
    for (let i = 0, n = 0; i < data.length; i++) if (!x.time.mask || x.time.mask[i]) data[i] = ids[n++];
    return { shape: [x.B, x.time.T], data, mask };
  }
  return { ...readOutput(x), mask };
}

/** The same values, zeros at padding, every position of which counts; vectors as they are. @param {Heap} heap @param {Tensor} x */
function withoutMask(heap, x) {
  if (!x.steps) return x;
  const ids = x.shape.length === 0;
  const { data } = traceTensor(x);
  const input = { name: '', shape: x.shape, ids, vocabulary: Infinity, maskZero: false, padded: false };
  return placeInput(
    heap,
    { input, rows: [], B: x.B, T: x.time.T, data: ids ? Int32Array.from(data) : data, mask: null },
    false,
    false,
  );
}

/** See TraceStep.changed. @param {Layer} layer @param {any} x @param {any} y @param {any} options @returns {number[][] | null} */
function changedByMask(layer, x, y, options) {
  // A layer with a state would move on; what else it is given is masked, too.
  const moves = layer.all().some(({ config }) => config.stateful);
  if (
    moves ||
    Object.values(options)
      .flat()
      .some((value) => value instanceof Tensor)
  )
    return null;
  const given = [x].flat();
  if (!(y instanceof Tensor) || !given.every((each) => each instanceof Tensor)) return null;
  if (!given.some((each) => each.steps && (each.keep?.mask ?? each.steps.mask))) return null;
  const { heap, B } = y;
  return heap.scoped(() => {
    const plain = given.map((each) => withoutMask(heap, each));
    const naive = readOutput(/** @type {Tensor} */ (layer.call(Array.isArray(x) ? plain : plain[0], options)));
    const ours = readOutput(y);
    const T = y.steps ? y.steps.T : 1;
    const width = ours.data.length / (B * T);
    /** @param {number} step */
    const differs = (step) => {
      for (let i = step * width; i < (step + 1) * width; i++) if (!Object.is(ours.data[i], naive.data[i])) return true;
      return false;
    };
    return Array.from({ length: B }, (_, b) => Array.from({ length: T }, (__, t) => t).filter((t) => differs(b * T + t)));
  });
}

/**
 * Loads a model file.
 * @param {ModelSource} source
 * @param {LoadOptions | null} [given]  customLayers: classes of your own that the file names
 * @returns {Promise<Model>}
 * @throws {import('../errors.js').LoadError} where it cannot be read
 * @throws {ModelFileError} where it is broken
 * @throws {UnsupportedError} where it needs what padless does not have
 * @throws {import('../errors.js').EngineError} where the engine has no WebAssembly SIMD
 */
export async function loadModel(source, given) {
  const options = given ?? {};
  const [bytes, compiled] = await Promise.all([readSource(source, options), getModule(options)]);
  options.signal?.throwIfAborted();
  return modelFrom(bytes, { ...compiled, customLayers: options.customLayers });
}

/**
 * The model in the bytes of a model file, on a module that is compiled already.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {{ module: WebAssembly.Module, build: Build, customLayers?: CustomLayers | undefined }} parts
 * @returns {Promise<Model>}
 * @throws {ModelFileError | UnsupportedError}
 */
export async function modelFrom(bytes, { module, build, customLayers }) {
  const { metadata, tensors } = parse(bytes);
  if (typeof metadata.padless !== 'string') throw new ModelFileError('the file has no padless metadata: it is not a padless model');
  const settings = parseJson(() => metadata.padless, 'the padless metadata is');
  if (settings?.format !== 1)
    throw new ModelFileError(`the file has format ${JSON.stringify(settings?.format)}, this padless reads 1`);
  await Promise.all([prepare(metadata.padless), prepareText(settings.text)]);
  const weights = weightsOf(tensors);
  return new Model({
    settings,
    customLayers,
    weights: () => weights,
    module,
    build,
    fileBytes: bytes.length,
  });
}

/**
 * A model out of its parts.
 * @param {{ architecture: any, weights: (root: Layer) => Map<string, Weight>, kerasVersion?: string | undefined,
 *   origin?: 'keras' | 'tfjs' | 'torch' | undefined, text?: import('../text/vectorizer.js').TextSettings | null | undefined,
 *   outputs?: OutputSettings[] | undefined, customLayers?: CustomLayers | undefined } & EngineOptions} parts
 *   architecture: Keras JSON, or a Model of `padless/layers`, whose classes need not be given again. weights: by path, for the layers
 *   as they were built; `root.listWeights()` says which.
 *   kerasVersion: of the Keras that saved it; without one, masks select in every layer
 * @returns {Promise<Model>}
 * @throws {ModelFileError | ShapeError | UnsupportedError}
 */
export async function createModel({ architecture, weights, kerasVersion, origin, text, outputs, customLayers, ...engine }) {
  if (typeof weights !== 'function') throw new ArgumentError(`createModel: weights is a ${typeof weights}, expected a function`);
  const { module, build } = await getModule(engine);
  let settings;
  try {
    // As a file would hold it: what is no JSON is found here, and the caller's objects stay the caller's.
    settings = JSON.parse(
      JSON.stringify({
        format: 1,
        architecture,
        text: text ?? null,
        outputs: outputs ?? [],
        keras_version: kerasVersion || undefined,
        origin: origin || undefined,
      }),
    );
  } catch (cause) {
    // The stack's end, for which Firefox has an error of its own.
    if (/^(Range|Internal)Error/.test(String(cause)))
      throw new ModelFileError('architecture: lists inside lists, more than 100 deep', { cause });
    throw new ArgumentError(`createModel: not JSON: ${/** @type {any} */ (cause)?.message ?? cause}`, { cause });
  }
  await Promise.all([prepare(JSON.stringify(settings)), prepareText(settings.text)]);
  const own = architecture instanceof Layer ? { ...customClasses(architecture), ...customLayers } : customLayers;
  return new Model({ settings, customLayers: own, weights, module, build, fileBytes: 0 });
}
