/**
 * PyTorch state dicts. A state dict has weights and no architecture, so the caller describes the modules.
 * @module
 */
import { ModelFileError, show, UnsupportedError } from '../errors.js';
import { readSource } from '../file/read-source.js';
import { parse } from '../file/safetensors.js';
import { finish, readOptions } from './finish.js';
import { toFloat32 } from './floats.js';
import { nameOf } from './input-files.js';
import { moduleTypes } from './torch-modules.js';
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('../file/safetensors.js').StoredTensor} StoredTensor */
/** @typedef {import('./finish.js').ImportOptions} ImportOptions */

/**
 * A module: its type, its name in the state dict, and its options, all named as in torch. Not in torch: the types `Mean`, `Max` and
 * `LastStep`, which pool over the steps that count; `returns: 'last'` of a recurrent module (the final hidden state of the last layer, both
 * directions side by side); `mask_zero` of an Embedding (id 0 is padding; without it, give lengths or a mask to `run`).
 * @typedef {{ type: string, name?: string, [option: string]: any }} TorchModule
 */

/**
 * Reads a PyTorch state dict that was saved as safetensors.
 * @param {import('../file/read-source.js').ModelSource} file
 * @param {TorchModule[]} architecture  the modules, in the order of the calls:
 *   [{ type: 'Embedding', name: 'embed' }, { type: 'LSTM', name: 'lstm', bidirectional: true }, ...]
 * @param {ImportOptions | null} [given]
 * @returns {Promise<import('../model/model.js').Model>}
 * @throws {ModelFileError | UnsupportedError}
 */
export async function fromTorch(file, architecture, given) {
  const options = given ?? {};
  const { tensors } = parse(await readSource(file, readOptions(options)));
  return finish({ ...torchParts(tensors, architecture, nameOf(file)), origin: 'torch' }, options);
}

/** Dtypes of safetensors that can be weights. @type {Record<string, 'float32' | 'float64' | 'float16' | 'bfloat16'>} */
const dtypes = { F32: 'float32', F64: 'float64', F16: 'float16', BF16: 'bfloat16' };

/** @param {StoredTensor} tensor @param {string} name @returns {Weight} */
function weightOf({ dtype, shape, data }, name) {
  const known = dtypes[dtype];
  if (!known) throw new UnsupportedError(`${name}: dtype ${dtype}, expected one of ${Object.keys(dtypes).join(', ')}`);
  return { shape, data: toFloat32(data, known) };
}

/** The layers and weights that the modules read so far have become. */
class LayerList {
  /**
   * @param {Map<string, StoredTensor>} tensors  the state dict
   * @param {string} file  its name, for messages
   */
  constructor(tensors, file) {
    this.tensors = tensors;
    this.file = file;
    /** Tensors that no module has used. BatchNorm counts batches only for training. */
    this.unused = new Set([...tensors.keys()].filter((name) => !name.endsWith('num_batches_tracked')));
    /** Keras JSON. @type {any[]} */
    this.layers = [];
    /** By the path of the layer. @type {Map<string, Weight>} */
    this.weights = new Map();
    /** Whether the last layer gives a sequence [B, T, D]; otherwise it gives vectors [B, D]. */
    this.sequence = true;
  }
}

/** One module of the description: its options, and its parameters in the state dict. */
export class ModuleReader {
  /** @param {LayerList} list @param {TorchModule} module @param {number} index */
  constructor(list, module, index) {
    this.list = list;
    this.options = module;
    this.type = module.type;
    this.prefix = module.name ?? '';
    /** The name of its layer. */
    this.name = (this.prefix || `${module.type}_${index}`).replaceAll('.', '_');
    /** Begins messages. */
    this.where = `${list.file}: ${this.prefix || module.type}`;
  }

  /** Whether its input is a sequence. */
  get sequence() {
    return this.list.sequence;
  }

  /** To be called by a module that turns the sequence into vectors. */
  endSequence() {
    this.list.sequence = false;
  }

  /** @param {string} parameter */
  has(parameter) {
    return this.list.tensors.has(`${this.prefix}.${parameter}`);
  }

  /** Takes a parameter out of the state dict. @param {string} parameter @returns {Weight} */
  take(parameter) {
    const { tensors, unused, file } = this.list;
    const name = `${this.prefix}.${parameter}`;
    const tensor = tensors.get(name);
    if (!tensor)
      throw new ModelFileError(
        `${file}: ${name} is not in the state dict, which holds ${[...tensors.keys()].slice(0, 20).join(', ')}`,
      );
    unused.delete(name);
    return weightOf(tensor, `${file}: ${name}`);
  }

  /**
   * Adds a layer.
   * @param {string} className @param {Record<string, any>} [config] @param {Record<string, Weight>} [weights]  by their names in the layer
   * @param {string} [name]
   */
  add(className, config = {}, weights = {}, name = this.name) {
    this.list.layers.push({ class_name: className, config: { name, ...config } });
    for (const [key, weight] of Object.entries(weights)) this.list.weights.set(`${name}.${key}`, weight);
  }

  /** @param {string} option @param {any[]} allowed  null is always allowed */
  refuse(option, allowed) {
    const value = this.options[option] ?? null;
    if (value !== null && !allowed.includes(value))
      throw new UnsupportedError(
        `${this.where}: ${this.type} has ${option}=${show(value)}; padless supports ${allowed.map(show).join(', ') || 'only its absence'}`,
      );
  }
}

/**
 * @param {Map<string, StoredTensor>} tensors
 * @param {TorchModule[]} modules
 * @param {string} file  for messages
 * @returns {{ architecture: any, weights: () => Map<string, Weight> }}
 * @throws {ModelFileError | UnsupportedError}
 */
export function torchParts(tensors, modules, file) {
  if (!Array.isArray(modules)) throw new ModelFileError(`${file}: the architecture is not a list of modules`);
  const list = new LayerList(tensors, file);
  modules.forEach((module, i) => {
    if (module === null || typeof module !== 'object' || typeof module.type !== 'string' || typeof (module.name ?? '') !== 'string')
      throw new ModelFileError(`${file}: module ${i} is ${show(module)}, expected { type, name, ... }`);
    const { type } = module;
    if (!Object.hasOwn(moduleTypes, type))
      throw new UnsupportedError(
        `${file}: ${module.name || `module ${i}`}: type ${show(type)} is not supported; the types are ${Object.keys(moduleTypes).join(', ')}`,
      );
    const reader = new ModuleReader(list, module, i);
    // Not an option of any module here, but a user of Keras may expect it.
    for (const [option, allowed] of /** @type {[string, any[]][]} */ ([
      ['max_norm', []],
      ['ceil_mode', [false]],
      ['return_sequences', []],
    ]))
      reader.refuse(option, allowed);
    moduleTypes[type](reader);
  });
  if (list.unused.size)
    throw new ModelFileError(`${file}: the architecture names no module for ${[...list.unused].slice(0, 10).join(', ')}`);
  // The input has no mask: PyTorch never computes the padding of a packed sequence, whatever the ids are there.
  const input = { class_name: 'InputLayer', config: { name: 'ids', batch_shape: [null, null] } };
  return {
    architecture: { class_name: 'Sequential', config: { name: 'model', layers: [input, ...list.layers] } },
    weights: () => list.weights,
  };
}
