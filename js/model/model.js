/**
 * A model: layers with weights in a separate WebAssembly instance, text settings, settings of outputs.
 * @module
 */
import { checkOutputs, labelWeights, predictions } from './answers.js';
import { groupByLength, isRowMajor, padRows, placeInput, readOutput } from './batch.js';
import {
  ArgumentError,
  checkFits,
  checkOptions,
  ModelFileError,
  PadlessError,
  ShapeError,
  show,
  STEPS_MOST,
  typeName,
  UnsupportedError,
} from '../errors.js';
import { customClasses, knownLayers, modelFromJson, prepare, prepareInputs } from './graph.js';
import { checkText, isMasking, markExact, withOwnLength } from './padding.js';
import { storedTensors, weightsOf } from '../file/weights.js';
import { Layer } from '../layers/layer.js';
import { Recurrent } from '../layers/recurrent.js';
import { product, Spec, Tensor } from '../layers/tensor.js';
import { isList } from '../runtime/lists.js';
import { Heap } from '../runtime/memory.js';
import { parse, parseJson, serialize } from '../file/safetensors.js';
import { Session } from '../session/session.js';
import { readSource } from '../file/read-source.js';
import { prepareText, TextVectorizer } from '../text/vectorizer.js';
import { kindOf } from '../runtime/engine.js';
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
 * @property {import('../runtime/wasm.js').ModuleSource | undefined} [module]  a compiled WebAssembly module or its source, used instead of the inlined build
 * @property {import('../runtime/wasm.js').Simd | undefined} [simd]  build of the kernels. Default auto: relaxed if the engine supports it
 */
/** @typedef {import('../file/read-source.js').ReadOptions & EngineOptions & { customLayers?: CustomLayers }} LoadOptions */

/**
 * The JSON under `padless` in the metadata of a model file.
 * @typedef {object} ModelSettings
 * @property {1} format
 * @property {any} architecture  Keras JSON
 * @property {string} [keras_version]  version of Keras whose rules for masks apply. Absent: every layer ignores steps at padding
 * @property {'keras' | 'tfjs' | 'torch' | 'onnx'} [origin]
 * @property {import('../text/vectorizer.js').TextSettings | null} [text]
 * @property {OutputSettings[]} [outputs]
 */

/**
 * Inputs and outputs of one layer in a trace.
 * @typedef {object} TraceStep
 * @property {string} path
 * @property {string} layer  class name
 * @property {TraceTensor[]} before
 * @property {TraceTensor[]} after
 * @property {number[][] | null} changed
 *   for each row, the steps at which the output differs from the output of the same layer for the same input without a mask (zeros at
 *   padding); [0] if the output is a vector that differs. null: there is no mask, or the layer has a state, several outputs, or further
 *   arguments such as initial states, or its input is words of characters
 */
/** @typedef {{ shape: number[], data: Float32Array, mask: Uint8Array | null }} TraceTensor  mask [B, T]: 0 is padding; null: no mask */

/** Names of the options of run() and trace(), loadModel() and createModel(). */
const runOptions = ['mask', 'lengths'];
const engineOptions = ['module', 'simd'];
const loadOptions = ['signal', 'onProgress', 'fetch', 'customLayers', ...engineOptions];
const partNames = ['architecture', 'weights', 'kerasVersion', 'origin', 'text', 'outputs', 'customLayers', ...engineOptions];

export class Model {
  /**
   * @param {{ settings: ModelSettings, customLayers?: CustomLayers | undefined, weights: (root: Layer) => Map<string, Weight>,
   *   module: WebAssembly.Module, build: Build, fileBytes: number }} parts
   */
  constructor({ settings, customLayers, weights, module, build, fileBytes }) {
    this.settings = settings;
    this.fileBytes = fileBytes;
    /** The build of the kernels that it runs on. */
    this.simd = build;
    const { keras_version: version = '' } = settings;
    if (typeof (version ?? '') !== 'string')
      throw new ModelFileError(`keras_version is ${show(version)}, expected text, such as '3.5.0'`);
    this.kerasVersion = version ?? '';
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
    /** Specs of the outputs. */
    this.specs = specs;
    /** Paths of layers that read the values at padding, as they do in Keras. If there are any, padding can change an answer. */
    this.readsPadding = [...rules.readsPadding];
    this.padded = rules.readsPadding.size > 0 || rules.needsPadded.size > 0 || inputs.some(({ padded }) => padded);
    this.needsLength = rules.needsLength.size > 0;
    for (const layer of root.all()) {
      if ('padded' in layer) layer.padded = this.padded;
      if ('andMasks' in layer) layer.andMasks = rules.andMasks;
    }
    const names = 'outputNames' in root ? root.outputNames : [root.layers[root.layers.length - 1].name];
    /** @type {OutputSettings[]} */
    const defaults = this.specs.map((spec, i) => ({ name: names[i] ?? `output_${i}`, kind: spec.sequence ? 'tags' : 'scores' }));
    const described = settings.outputs && settings.outputs.length !== 0 ? settings.outputs : defaults;
    this.outputs = Array.isArray(described)
      ? described.map((output, i) => ({ .../** @type {OutputSettings} */ ({ name: defaults[i]?.name }), ...output }))
      : described;
    checkOutputs(this.outputs, this.specs);
    markExact(root, inputs);
    const [first] = inputs;
    if (settings.text) settings.text = withOwnLength(settings.text, first, !rules.select, this.padded || this.needsLength);
    /** Converts texts to ids; null for a model without text settings. */
    this.text = settings.text ? new TextVectorizer(settings.text) : null;
    if (
      this.text &&
      (inputs.length !== 1 ||
        !first.ids ||
        (first.words ? !first.words.takesText(first, this.text) : this.text.parts || first.numbering))
    )
      throw new ModelFileError(
        `text: text settings need a model with one input of token ids or text.parts, this one has ${inputs.length}${first.words ? ' of words of characters' : first.numbering ? ' of numbers' : first.ids ? '' : ' of values'}`,
      );
    if (this.text && this.text.size > first.vocabulary) {
      throw new ModelFileError(
        `text: the vocabulary has ${this.text.size} entries, expected at most the input_dim=${first.vocabulary} of the embedding`,
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

  /** Checks the weights and gives them to the layers. @param {Map<string, Weight>} weights */
  #assign(weights) {
    if (kindOf(weights) !== 'Map') throw new ArgumentError(`createModel: weights returned ${typeName(weights)}, expected a Map`);
    const left = new Set(weights.keys());
    for (const { path, layer, spec } of this.root.listWeights()) {
      const weight = weights.get(path);
      if (!weight) throw new ModelFileError(`${path}: weight is missing`);
      if (!Array.isArray(weight.shape))
        throw new ArgumentError(`${path}: shape is ${show(weight.shape)}, expected [${spec.shape}]`);
      if (show(weight.shape) !== show(spec.shape))
        throw new ModelFileError(`${path}: shape ${show(weight.shape)}, expected [${spec.shape}]`);
      if (weight.int8 && !spec.int8) throw new ModelFileError(`${path}: dtype I8, expected F32`);
      if (weight.int8 && Boolean(weight.rows) !== (spec.int8 === 'rows'))
        throw new ModelFileError(
          `${path}: int8 ${weight.rows ? 'with' : 'without'} scales of rows, expected ${weight.rows ? 'none' : `${path}.rows`}`,
        );
      if (!weight.int8 && kindOf(weight.data) !== 'Float32Array')
        throw new ModelFileError(`${path}: values are ${typeName(weight.data)}, expected a Float32Array`);
      const { length } = weight.int8 ?? weight.data;
      if (length !== product(spec.shape))
        throw new ModelFileError(`${path}: ${length} values, expected ${product(spec.shape)} for [${spec.shape}]`);
      layer.weights.set(spec.name, weight);
      left.delete(path);
    }
    if (left.size) throw new ModelFileError(`weights that belong to no layer: ${[...left].slice(0, 20).join(', ')}`);
  }

  /** steps: number of steps that recurrent layers have visited, in each direction; memory: current size of the memory in bytes. */
  get stats() {
    return { steps: this.heap.steps, memory: this.heap.size };
  }

  /** Number of values in all weights. */
  get parameters() {
    return this.root.listWeights().reduce((sum, { spec }) => sum + product(spec.shape), 0);
  }

  /**
   * Runs the model on ids or values and returns the output tensors. Rows may differ in length; they are padded to the longest with zeros at
   * the end. `mask` or `lengths` tells which steps are padding; without these, id 0 is padding if the model has mask_zero; otherwise the lengths of
   * the rows tell. A model with a fixed length and no mask would read padding as data: then rows must have this length, unless `mask` or `lengths`
   * is given.
   *
   * @param {Rows | Record<string, Rows>} rows  [B][T] token ids, [B][T][C] for words of characters, or [B][T][D] or [B][D] values; or { data, shape } with a
   *   row-major array of these; for several inputs, an object from names of inputs to their rows
   * @param {{ mask?: import('./batch.js').MaskRows, lengths?: ArrayLike<number> }} [options]
   *   mask: 0 is padding, [B][T] or flat [B*T]; lengths: number of steps of each row before its padding. Only for models with one input
   * @returns {OutputTensor[]} one for each output: [B, K], or [B, T, K] with zeros at padding
   * @throws {import('../errors.js').IdError} for an id outside of the vocabulary at a step that is not padding
   * @throws {ShapeError} if the shape of rows, mask or lengths is wrong
   */
  run(rows, options) {
    checkOptions('run', options, runOptions);
    return this.#forward(this.#pad(rows, options ?? {}));
  }

  /** @param {any} rows @param {{ mask?: import('./batch.js').MaskRows, lengths?: ArrayLike<number> }} options */
  #pad(rows, options) {
    const { inputs } = this;
    const wholeLength = this.padded || this.needsLength;
    if (inputs.length === 1) {
      // An input may have the name data, shape or length.
      const byName = !isList(rows) && !isRowMajor(rows) && Object.hasOwn(Object(rows), inputs[0].name);
      const given = byName ? /** @type {any} */ (rows)[inputs[0].name] : rows;
      return [padRows(inputs[0], given, { ...options, wholeLength })];
    }
    if (options.mask || options.lengths)
      throw new ArgumentError(`run: mask and lengths need a model with one input, this one has ${inputs.length}`);
    const padded = inputs.map((input) => {
      const given = rows?.[input.name];
      if (given === undefined)
        throw new ArgumentError(
          `run: input ${show(input.name)} is missing; the model has ${inputs.map(({ name }) => name).join(', ')}`,
        );
      return padRows(input, given, { wholeLength });
    });
    for (const { B, input } of padded)
      if (B !== padded[0].B)
        throw new ShapeError(
          `run: input ${padded[0].input.name} has ${padded[0].B} rows and ${input.name} ${B}, expected equal numbers`,
        );
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
        // An input with `numbering`, and a text whose pad id is a token, have no id for padding.
        (each) =>
          !each.uniform &&
          (!each.input.maskZero || each.input.numbering || this.text?.padIsToken) &&
          each.mask &&
          Array.from(each.rows).some((row) => row.length !== each.T),
      );
    // The copy evaluates the getter `rows` once.
    if (unequal) return this.#forwardByLength(padded.map((each) => ({ ...each })));
    return heap.scoped(() => {
      const tensors = padded.map((each) => placeInput(heap, each, this.padded));
      const y = [root.apply(tensors.length === 1 ? tensors[0] : tensors)].flat();
      return outputs.map(({ name }, i) => ({ name, ...readOutput(/** @type {Tensor} */ (y[i])) }));
    });
  }

  /**
   * Runs a model with a layer that needs equal lengths once for each length of the rows.
   * @param {import('./batch.js').Padded[]} padded
   * @returns {OutputTensor[]}
   */
  #forwardByLength(padded) {
    const groups = groupByLength(padded);
    if (groups.length > 1 && this.#stateful.length)
      throw new UnsupportedError('run: a stateful model whose layers read padding runs rows of one length at a time');
    const parts = groups.map((group) => {
      const some = padded.map(({ input, rows }) =>
        padRows(
          input,
          group.map((b) => rows[b]),
          { wholeLength: false },
        ),
      );
      for (const { input, T, mask } of some)
        if (mask && (input.shape[0] ?? T) !== T)
          throw new ShapeError(`run: a row has ${T} steps, expected exactly ${input.shape[0]}`);
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
   * @param {{ labels?: AllowedLabels | undefined }} [options]
   * @returns {Prediction}
   */
  /**
   * @overload
   * @param {string[]} text
   * @param {{ labels?: AllowedLabels | undefined }} [options]
   * @returns {Prediction[]}
   */
  /**
   * Returns the answer for a text, or the answers for several texts.
   * @param {string | string[]} text  any string; it may be empty, very long, or contain lone surrogates
   * @param {{ labels?: AllowedLabels | undefined }} [options]  labels: the labels to choose from, or weights for them. Default: all
   * @returns {Prediction | Prediction[]}
   * @throws {ArgumentError} for values that are not strings, and for labels that the model lacks
   * @throws {UnsupportedError} for a model without text settings
   */
  predict(text, options) {
    checkOptions('predict', options, ['labels']);
    if (!Array.isArray(text)) return this.#predictAll([text], options)[0];
    return text.length ? this.#predictAll(text, options) : [];
  }

  /** @param {string[]} texts @param {{ labels?: AllowedLabels | undefined }} [options] @returns {Prediction[]} */
  #predictAll(texts, options) {
    const weights = labelWeights(this.outputs, options?.labels);
    const { batch, outputs } = this.#read(texts);
    return predictions(this.outputs, outputs, batch, weights);
  }

  /**
   * Returns the output tensors for texts, from which predict() computes its answers.
   * @param {string[]} texts
   * @returns {OutputTensor[]}
   */
  outputsOf(texts) {
    if (!isList(texts)) throw new ArgumentError(`outputsOf: texts is ${typeName(texts)}, expected a list of strings`);
    return this.#read(texts).outputs;
  }

  /** Runs the model on texts. @param {string[]} texts */
  #read(texts) {
    const { text } = this;
    if (!text) throw new UnsupportedError('predict: this model has no text settings; use run() with token ids');
    const batch = text.batchView(texts, this) ?? text.encodeBatch(texts);
    const [input] = this.inputs;
    const { words } = input;
    const [B, T] = batch.shape;
    // These outputs have their padding at the end.
    if (text.padIsToken && this.padded)
      return { batch: { ...batch, starts: new Int32Array(B) }, outputs: this.run(batch.rows.map(({ ids }) => ids)) };
    const mask = text.paddingIsData ? new Uint8Array(B * T).fill(1) : batch.mask;
    const rows =
      words?.rowsOf(batch, text.width) ??
      (B === 1 ? [batch.ids] : Array.from({ length: B }, (_, b) => batch.ids.subarray(b * T, (b + 1) * T)));
    // Build the result of #pad() directly, without checking each id again.
    const padded =
      this.padded || this.needsLength
        ? this.#pad(rows, { mask })
        : [words?.padText(input, batch) ?? { input, rows, B, T, data: batch.ids, mask }];
    return { batch, outputs: this.#forward(padded) };
  }

  /**
   * Returns inputs and outputs of each layer, and the steps at which the mask changed the output.
   * @param {string | Rows} text  a text, or rows of ids
   * @param {{ mask?: import('./batch.js').MaskRows, lengths?: ArrayLike<number> }} [options]  for rows of ids
   * @returns {TraceStep[]} in the order of computation; inner layers come before the layer that contains them
   */
  trace(text, options) {
    /** @type {TraceStep[]} */
    const steps = [];
    checkOptions('trace', options, runOptions);
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
   * Returns a session for a text that changes a little at a time. Its `update(text)` returns the same bits as `predict(text)` and computes only
   * what the change affects: recurrent layers continue from the state before the change, in each direction.
   * @param {import('../session/session.js').SessionOptions} [options]
   * @returns {import('../session/session.js').Session}
   */
  session(options) {
    return new Session(this, options);
  }

  /** Resets the states of stateful layers to zero. */
  resetState() {
    for (const layer of this.root.all()) if (layer instanceof Recurrent) layer.resetState();
  }

  /**
   * Returns the model as a safetensors file. int8 weights stay int8.
   * @returns {Uint8Array<ArrayBuffer>}
   */
  save() {
    const tensors = this.root.listWeights().flatMap(({ path, layer, spec }) => storedTensors(path, layer.weight(spec.name)));
    return serialize({ metadata: { padless: JSON.stringify(this.settings) }, tensors: new Map(tensors) });
  }
}

/**
 * Joins the outputs of groups of rows; shorter sequences are padded to the longest.
 * @param {number} B
 * @param {{ group: number[], shape: number[], data: Float32Array }[]} parts
 */
function joinGroups(B, parts) {
  const whole = parts[0].shape.map((_, axis) => (axis ? Math.max(...parts.map(({ shape }) => shape[axis])) : B));
  const data = new Float32Array(checkFits(product(whole)));
  for (const { group, data: values, shape } of parts)
    values.forEach((value, n) => {
      /** The index of the value along an axis. @param {number} axis */
      const index = (axis) => Math.floor(n / product(shape, axis + 1)) % shape[axis];
      data[whole.reduce((at, length, axis) => at * length + (axis ? index(axis) : group[index(0)]), 0)] = value;
    });
  return { shape: whole, data };
}

/**
 * Creates the layers from JSON and applies them to the shapes of the inputs.
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
    prepareInputs(inputs, rules, root);
    for (const { name, shape, ids, reader } of inputs)
      if (ids ? shape.length !== 1 && !reader : shape.slice(shape.length > 1 ? 1 : 0).includes(null))
        throw new UnsupportedError(
          `input ${name}: ${ids ? 'token ids' : 'values'} of shape [${['B', ...shape.map((length) => length ?? 'T')]}]; expected ${ids ? '[B, T]' : '[B, D] or [B, T, D] with a known D'}`,
        );
    for (const { name, shape, ids } of inputs)
      if ((ids || shape.length > 1) && Number(shape[0]) > STEPS_MOST)
        throw new ModelFileError(`input ${name}: a length of ${shape[0]} steps, expected at most ${STEPS_MOST}, or null for any`);
    root.setPath('');
    rules.masks = inputs.some(({ maskZero }) => maskZero) || root.all().some(isMasking);
    const given = inputs.map((input) => {
      const { shape, ids, maskZero, reader } = input;
      return reader?.specOf(input, rules) ?? new Spec({ shape, ids, masked: maskZero, time: {}, rules });
    });
    /** @type {Spec[]} */
    const specs = [root.apply(given.length === 1 ? given[0] : given)].flat();
    const found = new Set(root.all());
    for (const layer of /** @type {Set<Layer>} */ (rules.applied))
      if (!found.has(layer))
        throw new ModelFileError(
          `${layer.name}: a custom layer applies this layer but does not contain it; store it in a property, or in a list or object that is a property`,
        );
    refuseEqualPaths(root);
    return { root, inputs, specs };
  } catch (cause) {
    if (cause instanceof PadlessError) throw cause;
    throw new ModelFileError(`the architecture cannot be built: ${/** @type {Error} */ (cause)?.message ?? cause}`, {
      cause,
    });
  }
}

/** Checks that no two weights have the same path, which is possible if names contain dots. @param {Layer} root @throws {ModelFileError} */
function refuseEqualPaths(root) {
  /** @type {Map<string, Layer>} */
  const owners = new Map();
  for (const { path, layer } of root.listWeights()) {
    const other = owners.get(path);
    if (other)
      throw new ModelFileError(
        `${path}: the layers ${show(other.name)} (${other.className}) and ${show(layer.name)} (${layer.className}) both have a weight of this path; rename one`,
      );
    owners.set(path, layer);
  }
}

/** Copies a tensor for a trace. @param {Tensor} x @returns {TraceTensor} */
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

/** A copy of a sequence with zeros at padding and without a mask; a vector is returned unchanged. @param {Heap} heap @param {Tensor} x */
function withoutMask(heap, x) {
  if (!x.steps) return x;
  const ids = x.shape.length === 0;
  const { data } = traceTensor(x);
  const input = { name: '', shape: x.shape, ids, vocabulary: Infinity, maskZero: false, padded: false };
  return placeInput(heap, { input, rows: [], B: x.B, T: x.time.T, data: ids ? Int32Array.from(data) : data, mask: null }, false);
}

/** See TraceStep.changed. @param {Layer} layer @param {any} x @param {any} y @param {any} options @returns {number[][] | null} */
function changedByMask(layer, x, y, options) {
  // A second call would change the state of a stateful layer. Other arguments may have other masks.
  const stateful = layer.all().some(({ config }) => config.stateful);
  if (
    stateful ||
    Object.values(options)
      .flat()
      .some((value) => value instanceof Tensor)
  )
    return null;
  const given = [x].flat();
  if (!(y instanceof Tensor) || !given.every((each) => each instanceof Tensor)) return null;
  if (given.some((each) => 'read' in each)) return null;
  if (!given.some((each) => each.steps && (each.keep?.mask ?? each.steps.mask))) return null;
  const { heap, B } = y;
  return heap.scoped(() => {
    const plain = given.map((each) => withoutMask(heap, each));
    const unmasked = readOutput(/** @type {Tensor} */ (layer.call(Array.isArray(x) ? plain : plain[0], options)));
    const masked = readOutput(y);
    const T = y.steps ? y.steps.T : 1;
    const width = masked.data.length / (B * T);
    /** @param {number} step */
    const differs = (step) => {
      for (let i = step * width; i < (step + 1) * width; i++) if (!Object.is(masked.data[i], unmasked.data[i])) return true;
      return false;
    };
    return Array.from({ length: B }, (_, b) => Array.from({ length: T }, (__, t) => t).filter((t) => differs(b * T + t)));
  });
}

/**
 * Loads a model file.
 * @param {ModelSource} source
 * @param {LoadOptions | null} [given]  customLayers: your own classes that the file names
 * @returns {Promise<Model>}
 * @throws {import('../errors.js').LoadError} if the file cannot be read
 * @throws {ModelFileError} if the file is invalid
 * @throws {UnsupportedError} if the model needs something that padless does not support
 * @throws {import('../errors.js').EngineError} if the engine has no WebAssembly SIMD
 */
export async function loadModel(source, given) {
  checkOptions('loadModel', given, loadOptions);
  const options = given ?? {};
  const [bytes, compiled] = await Promise.all([readSource(source, options), getModule(options)]);
  options.signal?.throwIfAborted();
  return modelFrom(bytes, { ...compiled, customLayers: options.customLayers });
}

/**
 * Loads the bytes of a model file with a compiled module.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {{ module: WebAssembly.Module, build: Build, customLayers?: CustomLayers | undefined }} parts
 * @returns {Promise<Model>}
 * @throws {ModelFileError | UnsupportedError}
 */
export async function modelFrom(bytes, { module, build, customLayers }) {
  try {
    return await parseModel(bytes, module, build, customLayers);
  } catch (error) {
    throw await explained(error, bytes);
  }
}

/**
 * Adds advice to an error: the kind of a file that is not a model, known names that resemble a wrong one.
 * @param {any} error
 * @param {Uint8Array} [bytes]  of the file
 */
async function explained(error, bytes = new Uint8Array()) {
  if (/ is not one of padless$|^safetensors: the (header|file) has /.test(error?.message))
    await import('./explain.js').then(({ explain }) => explain(error, knownLayers(), bytes)).catch(() => {});
  return error;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {WebAssembly.Module} module @param {Build} build @param {CustomLayers | undefined} customLayers
 */
async function parseModel(bytes, module, build, customLayers) {
  const { metadata, tensors } = parse(bytes);
  if (typeof metadata.padless !== 'string')
    throw new ModelFileError('the file has no padless metadata, so it is not a padless model');
  const settings = parseJson(() => metadata.padless, 'the padless metadata is');
  if (settings?.format !== 1) throw new ModelFileError(`the file has format ${show(settings?.format)}, expected 1`);
  await Promise.all([prepare(metadata.padless), prepareText(settings.text)]);
  const weights = await weightsOf(tensors);
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
 * Creates a model from its parts.
 * @param {{ architecture: any, weights: (root: Layer) => Map<string, Weight>, kerasVersion?: string | undefined,
 *   origin?: 'keras' | 'tfjs' | 'torch' | 'onnx' | undefined, text?: import('../text/vectorizer.js').TextSettings | null | undefined,
 *   outputs?: OutputSettings[] | undefined, customLayers?: CustomLayers | undefined } & EngineOptions} parts
 *   architecture: Keras JSON, or a Model of `padless/layers`, whose custom classes need not be passed again. weights: a function that returns
 *   the weights by path for the built layers, which `root.listWeights()` lists. kerasVersion: version of Keras whose rules for masks apply;
 *   without it every layer ignores steps at padding
 * @returns {Promise<Model>}
 * @throws {ModelFileError | ShapeError | UnsupportedError}
 */
export async function createModel(parts) {
  if (parts === null || typeof parts !== 'object')
    throw new ArgumentError(`createModel: parts is ${typeName(parts)}, expected { architecture, weights }`);
  checkOptions('createModel', parts, partNames);
  const { architecture, weights, kerasVersion, origin, text, outputs, customLayers, ...engine } = parts;
  if (typeof weights !== 'function') throw new ArgumentError(`createModel: weights is a ${typeof weights}, expected a function`);
  const { module, build } = await getModule(engine);
  let settings;
  try {
    // Copy by JSON, which throws for values that a file cannot contain, and keeps later changes of the caller's objects from having an effect.
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
    // Stack overflow: a RangeError, in Firefox an InternalError.
    if (/^(Range|Internal)Error/.test(String(cause)))
      throw new ModelFileError('architecture: nested more than 100 deep', { cause });
    throw new ArgumentError(`createModel: the architecture is not JSON: ${/** @type {any} */ (cause)?.message ?? cause}`, {
      cause,
    });
  }
  await Promise.all([prepare(JSON.stringify(settings)), prepareText(settings.text)]);
  const own = architecture instanceof Layer ? { ...customClasses(architecture), ...customLayers } : customLayers;
  try {
    return new Model({ settings, customLayers: own, weights, module, build, fileBytes: 0 });
  } catch (error) {
    throw await explained(error);
  }
}
