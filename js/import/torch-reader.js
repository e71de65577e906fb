/**
 * Helpers of torch-modules.js: ModuleReader reads the description of a module and its tensors in the state dict; LayerList collects the layers.
 * @module
 */
import { ModelFileError, show, UnsupportedError } from '../errors.js';
import { isCount } from '../layers/layer.js';
import { toFloat32 } from './floats.js';
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('../file/safetensors.js').StoredTensor} StoredTensor */
/** @typedef {import('./torch.js').TorchModule} TorchModule */

/** Dtypes that can be weights. @type {Record<string, 'float32' | 'float64' | 'float16' | 'bfloat16'>} */
const dtypes = { F32: 'float32', F64: 'float64', F16: 'float16', BF16: 'bfloat16' };

/** @param {StoredTensor} tensor @param {string} name @returns {Weight} */
function weightOf({ dtype, shape, data }, name) {
  const known = dtypes[dtype];
  if (!known) throw new UnsupportedError(`${name}: dtype ${dtype}, expected one of ${Object.keys(dtypes).join(', ')}`);
  return { shape, data: toFloat32(data, known) };
}

/** The layers and weights made from the modules so far, and the shape of the last layer's output. */
export class LayerList {
  /**
   * @param {Map<string, StoredTensor>} tensors  the state dict
   * @param {string} file  its name, for messages
   * @param {string} prefix  '' or, with a dot at its end, the part of names in the state dict before the modules' names
   * @param {'ids' | 'sequence' | 'vectors'} kind  the model's input
   */
  constructor(tensors, file, prefix, kind) {
    this.tensors = tensors;
    this.file = file;
    this.prefix = prefix;
    /** Names of the tensors that modules have used. @type {Set<string>} */
    this.used = new Set();
    /** Keras JSON. @type {any[]} */
    this.layers = [];
    /** Path -> weight. @type {Map<string, Weight>} */
    this.weights = new Map();
    /** The input of the next module: token ids, a sequence [B, T, D] or vectors [B, D]. @type {'ids' | 'sequence' | 'vectors'} */
    this.kind = kind;
    /** D of the next module's input; null if not known. @type {number | null} */
    this.width = null;
    /** D of the model's input; null for token ids, or if not known. @type {number | null} */
    this.inputWidth = null;
    /** Whether the output of every module so far has as many features as its input. */
    this.keepsWidth = true;
    /** T of the model's input; null if it varies. @type {number | null} */
    this.inputLength = null;
  }

  /** An unused layer name. @param {string} base */
  uniqueName(base) {
    const names = new Set(this.layers.map(({ config }) => config.name));
    let name = base;
    for (let i = 2; names.has(name); i++) name = `${base}_${i}`;
    return name;
  }
}

/** One module of the description: its options, and its parameters in the state dict. */
export class ModuleReader {
  /** @param {LayerList} list @param {TorchModule} module @param {number} index */
  constructor(list, module, index) {
    this.list = list;
    this.options = module;
    this.type = module.type;
    const prefix = module.name ?? '';
    this.prefix = prefix;
    /** The name of its layer. */
    this.name = (prefix || `${module.type}_${index}`).replaceAll('.', '_');
    /** Begins messages. */
    this.where = `${list.file}: ${prefix || `module ${index}`}`;
  }

  /** Whether its input is a sequence [B, T, D]. */
  get sequence() {
    return this.list.kind === 'sequence';
  }

  /** D of its input; null if not known. */
  get width() {
    return this.list.width;
  }

  /** The name of a parameter in the state dict. An option with the parameter's name replaces it (tied weights). @param {string} parameter */
  #fullName(parameter) {
    const { tensors, prefix } = this.list;
    const given = this.options[parameter];
    const name = typeof given === 'string' ? given : this.prefix ? `${this.prefix}.${parameter}` : parameter;
    // A tied weight may lie outside of the prefix.
    return tensors.has(prefix + name) || typeof given !== 'string' ? prefix + name : name;
  }

  /** @param {string} parameter */
  has(parameter) {
    return this.list.tensors.has(this.#fullName(parameter));
  }

  /** @param {string} parameter @returns {Weight} */
  take(parameter) {
    const { tensors, used, file } = this.list;
    const name = this.#fullName(parameter);
    const tensor = tensors.get(name);
    if (!tensor) throw new ModelFileError(`${file}: ${name} is not in the state dict, ${this.#advice(name)}`);
    used.add(name);
    return weightOf(tensor, `${file}: ${name}`);
  }

  /** Advice for the error about a missing parameter: where it may be. @param {string} name */
  #advice(name) {
    const names = [...this.list.tensors.keys()];
    const alike = names.filter((each) => each.endsWith(`.${name}`));
    if (alike.length === 0) return `which holds ${names.slice(0, 20).join(', ')}`;
    const prefix = alike[0].slice(0, -name.length - 1);
    return `which holds ${alike.slice(0, 5).join(', ')}; give { "prefix": ${show(prefix)}, "modules": [...] }`;
  }

  /** A parameter of known rank. @param {string} parameter @param {number} rank */
  takeRank(parameter, rank) {
    const weight = this.take(parameter);
    if (weight.shape.length !== rank || weight.shape.includes(0))
      throw new ModelFileError(
        `${this.where}: ${this.type} has a ${parameter} of shape [${weight.shape}], expected ${rank} sizes from 1 on`,
      );
    return weight;
  }

  /** The bias, if the module has one: the option `bias` tells, otherwise the state dict. @returns {{ bias?: Weight }} */
  takeBias() {
    const { bias } = this.options;
    return (bias ?? this.has('bias')) ? { bias: this.takeRank('bias', 1) } : {};
  }

  /** States the input of the module. @param {'sequence' | 'values'} kind  values: a sequence or vectors @param {number} [width] */
  reads(kind, width) {
    const { list } = this;
    if (kind === 'sequence' && list.kind !== 'sequence') throw this.#wrongInput('a sequence [B, T, D]', 'vectors [B, D]');
    if (width === undefined) return;
    if (list.keepsWidth) list.inputWidth ??= width;
    if (list.width !== null && list.width !== width)
      throw new ModelFileError(`${this.where}: ${this.type} reads ${width} features, but its input has ${list.width}`);
    list.width = width;
  }

  /** @param {string} expected @param {string} got */
  #wrongInput(expected, got) {
    return new ModelFileError(`${this.where}: ${this.type} reads ${expected}, but its input is ${got}`);
  }

  /** States that the module reads token ids. */
  readsIds() {
    if (this.list.kind !== 'ids') throw this.#wrongInput('token ids', 'values: it has to be the first module');
  }

  /** States the output of the module. @param {'sequence' | 'vectors'} kind @param {number | null} [width]  default: the width of its input */
  gives(kind, width = this.list.width) {
    if (width !== this.list.width) this.list.keepsWidth = false;
    this.list.kind = kind;
    this.list.width = width;
  }

  /**
   * Adds a layer.
   * @param {string} className @param {Record<string, any>} [config] @param {Record<string, Weight>} [weights]  by their names in the layer
   * @param {string} [base]  its name, if no layer has it yet
   */
  add(className, config = {}, weights = {}, base = this.name) {
    const name = this.list.uniqueName(base);
    this.list.layers.push({ class_name: className, config: { name, ...config } });
    for (const [key, weight] of Object.entries(weights)) this.list.weights.set(`${name}.${key}`, weight);
  }

  /** @param {string} option @param {any[]} allowed  null is always allowed */
  refuse(option, allowed) {
    const value = this.options[option] ?? null;
    if (value !== null && !allowed.includes(value))
      throw new UnsupportedError(
        `${this.where}: ${this.type} has ${option}=${show(value)}; ${allowed.length ? `padless supports ${allowed.map(show).join(', ')}` : 'padless does not support this option'}`,
      );
  }

  /** Checks that a size in the description equals the size of the weights. @param {string} option @param {number} size */
  check(option, size) {
    const given = single(this.options[option] ?? size);
    if (given !== size)
      throw new ModelFileError(`${this.where}: ${this.type} has ${option}=${show(given)}, its weights have ${size}`);
  }

  /** @param {string} option @param {number} otherwise */
  number(option, otherwise) {
    const value = this.options[option] ?? otherwise;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.#wrong(option, value, 'a number');
    return value;
  }

  /** An option that is an integer from 1 on, or a list of one such integer. @param {string} option @param {number} [otherwise] */
  count(option, otherwise) {
    const value = single(this.options[option] ?? otherwise);
    if (!isCount(value)) throw this.#wrong(option, value, 'an integer from 1 on');
    return /** @type {number} */ (value);
  }

  /** @template T @param {string} option @param {readonly T[]} allowed @param {T} otherwise @returns {T} */
  oneOf(option, allowed, otherwise) {
    const value = this.options[option] ?? otherwise;
    if (!allowed.includes(value)) throw this.#wrong(option, value, allowed.map(show).join(' or '));
    return value;
  }

  /** @param {string} option @param {any} value @param {string} expected */
  #wrong(option, value, expected) {
    return new UnsupportedError(`${this.where}: ${this.type} has ${option}=${show(value)}, expected ${expected}`);
  }
}

/** The element of a list of one, which torch accepts in place of a number. @param {any} value */
export const single = (value) => (Array.isArray(value) && value.length === 1 ? value[0] : value);
