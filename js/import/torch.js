/**
 * Reads PyTorch state dicts. A state dict has weights but no architecture, so the caller describes the modules.
 * @module
 */
import { ModelFileError, show, UnsupportedError } from '../errors.js';
import { butIs } from '../file/kinds.js';
import { readSource } from '../file/read-source.js';
import { parse } from '../file/safetensors.js';
import { textDecoder } from '../runtime/engine.js';
import { checkImportOptions, finish, reading as guarded, readOptions } from './finish.js';
import { fileNameOf } from './input-files.js';
import { moduleTypes, withoutEffect } from './torch-modules.js';
import { LayerList, ModuleReader } from './torch-reader.js';
import { isZip } from './zip.js';
/** @typedef {import('../layers/layer.js').Weight} Weight */
/** @typedef {import('../file/safetensors.js').StoredTensor} StoredTensor */
/** @typedef {import('./finish.js').ImportOptions} ImportOptions */

/**
 * A module: its type, its name in the state dict, and its options, all named as in torch. web/docs/convert.md lists the types. Some are padless's
 * own, such as `Mean` over the steps that the mask keeps.
 * @typedef {{ type: string, name?: string, [option: string]: any }} TorchModule
 */
/**
 * The modules of a state dict, and which tensors they use.
 * @typedef {object} TorchArchitecture
 * @property {TorchModule[]} modules  in the order of the calls
 * @property {string} [prefix]  the prefix of the tensors' names, if the modules are a part of a larger state dict; other tensors are ignored
 * @property {string[]} [ignore]  names of modules and tensors under the prefix that the model does not need
 */

/**
 * Reads a PyTorch state dict: a file of torch.save, or safetensors.
 * @param {import('../file/read-source.js').ModelSource} file
 * @param {TorchModule[] | TorchArchitecture} architecture  the modules in the order of the calls, or an object that contains this list:
 *   [{ type: 'Embedding', name: 'embed' }, { type: 'LSTM', name: 'lstm', bidirectional: true }, ...]
 * @param {(ImportOptions & { packages?: import('./input-files.js').Packages | null | undefined }) | null} [given]
 *   packages: fflate, which unpacks files of torch.save, if padless cannot import it by name
 * @returns {Promise<import('../model/model.js').Model>}
 * @throws {ModelFileError} for a broken file, or if the description does not match the file
 * @throws {UnsupportedError} for a module, an option or a pickled object that padless lacks
 */
export async function fromTorch(file, architecture, given) {
  checkImportOptions('fromTorch', given);
  const options = given ?? {};
  const name = fileNameOf(file);
  const { tensors, prefix } = await readStateDict(await readSource(file, readOptions(options)), name, options.packages ?? {});
  const parts = guarded(name, () => torchParts(tensors, architecture, name, prefix));
  return finish({ ...parts, origin: 'torch' }, options);
}

/** A safetensors file begins with the length of its header, 8 bytes (here below 2^40), and the `{` of its JSON. @param {Uint8Array} head */
export const isSafetensors = (head) => head[5] === 0 && head[6] === 0 && head[7] === 0 && head[8] === 0x7b;

/** A pickle begins with its protocol, 2 to 5 here. @param {Uint8Array} head */
const isPickle = (head) => head[0] === 0x80 && head[1] >= 2 && head[1] <= 5 && !isSafetensors(head);

/** Whether torch.save wrote a file: a zip that begins with data.pkl or, before 1.6, a pickle of an int (inside a frame from protocol 4 on). @param {Uint8Array} head */
export const isTorchFile = (head) =>
  isZip(head)
    ? textDecoder().decode(head.subarray(30)).includes('data.pkl')
    : isPickle(head) && (head[2] === 0x95 ? head[11] : head[2]) === 0x8a;

/**
 * @param {Uint8Array} bytes
 * @param {string} name  for messages
 * @param {import('./input-files.js').Packages} packages
 * @returns {Promise<{ tensors: Map<string, StoredTensor>, prefix: string }>}
 *   prefix: the prefix of the state dict in a checkpoint; '' if the file is one state dict
 */
export async function readStateDict(bytes, name, packages) {
  if (isSafetensors(bytes)) return { tensors: parse(bytes).tensors, prefix: '' };
  if (!isZip(bytes) && !isPickle(bytes))
    throw new ModelFileError(`${name}: ${bytes.length} bytes, neither .safetensors nor written by torch.save${butIs(bytes)}`);
  const { readTorch } = await import('./torch-file.js');
  return readTorch(bytes, name, packages);
}

/** Names and shapes of tensors, for a message. @param {Map<string, StoredTensor>} tensors */
export const listTensors = (tensors) => {
  const listed = [...tensors].slice(0, 20).map(([name, { shape }]) => `${name} [${shape}]`);
  return `${listed.join(', ')}${tensors.size > 20 ? `, and ${tensors.size - 20} more` : ''}`;
};

/** @param {any} architecture @param {string} file @returns {TorchArchitecture} */
function checkArchitecture(architecture, file) {
  const whole = Array.isArray(architecture) ? { modules: architecture } : architecture;
  const { modules, prefix = '', ignore = [] } = whole ?? {};
  if (!Array.isArray(modules) || modules.length === 0)
    throw new ModelFileError(
      `${file}: the architecture is ${show(architecture)}, expected a list of modules or { modules: [...] }`,
    );
  if (typeof prefix !== 'string' || !Array.isArray(ignore) || ignore.some((name) => typeof name !== 'string'))
    throw new ModelFileError(
      `${file}: prefix is ${show(prefix)} and ignore ${show(ignore)}, expected a string and a list of strings`,
    );
  for (const key of Object.keys(whole))
    if (!['modules', 'prefix', 'ignore'].includes(key))
      throw new ModelFileError(`${file}: the architecture has ${show(key)}, expected modules, prefix and ignore`);
  modules.forEach((module, i) => {
    if (module === null || typeof module !== 'object' || typeof module.type !== 'string' || typeof (module.name ?? '') !== 'string')
      throw new ModelFileError(`${file}: module ${i} is ${show(module)}, expected { type, name, ... }`);
    const { type, name, ...options } = module;
    if (!Object.hasOwn(moduleTypes, type))
      throw new UnsupportedError(
        `${file}: ${name || `module ${i}`}: type ${show(type)} is not supported; the types are ${Object.keys(moduleTypes).join(', ')}`,
      );
    const { options: read, training = [] } = moduleTypes[type];
    const unknown = Object.keys(options).find((option) => ![...read, ...training, ...withoutEffect].includes(option));
    if (unknown !== undefined && (options[unknown] ?? null) !== null)
      throw new UnsupportedError(
        `${file}: ${name || `module ${i}`}: ${type} has ${unknown}=${show(options[unknown])}; its options are ${[...read, ...training].join(', ') || 'none'}`,
      );
  });
  return { modules, prefix: prefix && !prefix.endsWith('.') ? `${prefix}.` : prefix, ignore };
}

/** The model's input: token ids, or what the module Input states, or a sequence if any module reads only sequences. @param {TorchModule[]} modules */
function inputKind(modules) {
  const [first, second] = modules;
  const reading = first.type === 'Input' ? second : first;
  if (reading && moduleTypes[reading.type].input === 'ids') return 'ids';
  const isSequence =
    first.type === 'Input' ? first.shape?.length === 2 : modules.some(({ type }) => moduleTypes[type].input === 'sequence');
  return isSequence ? 'sequence' : 'vectors';
}

/** @param {LayerList} list @param {string[]} ignored */
function checkUsed({ tensors, used, prefix, file }, ignored) {
  const isIgnored = (/** @type {string} */ name) =>
    // num_batches_tracked of BatchNorm is for training only.
    name.endsWith('num_batches_tracked') || ignored.some((each) => name === prefix + each || name.startsWith(`${prefix + each}.`));
  const left = [...tensors.keys()].filter((name) => name.startsWith(prefix) && !used.has(name) && !isIgnored(name));
  if (left.length)
    throw new ModelFileError(
      `${file}: no module of the architecture uses ${left.slice(0, 10).join(', ')}; if the model does not need them, give { "ignore": [...], "modules": [...] }`,
    );
}

/**
 * @param {Map<string, StoredTensor>} tensors
 * @param {TorchModule[] | TorchArchitecture} architecture
 * @param {string} file  for messages
 * @param {string} [found]  prefix of the state dict in a checkpoint
 * @returns {{ architecture: any, weights: () => Map<string, Weight> }}
 * @throws {ModelFileError | UnsupportedError}
 */
export function torchParts(tensors, architecture, file, found = '') {
  const { modules, prefix = '', ignore = [] } = checkArchitecture(architecture, file);
  const kind = inputKind(modules);
  const list = new LayerList(tensors, file, prefix || found, kind);
  modules.forEach((module, i) => moduleTypes[module.type].read(new ModuleReader(list, module, i)));
  checkUsed(list, ignore);
  const { inputWidth, inputLength, layers, weights } = list;
  if (layers.length === 0) throw new ModelFileError(`${file}: the architecture has no module that computes anything`);
  if (kind !== 'ids' && inputWidth === null)
    throw new ModelFileError(
      `${file}: the number of input features D is not known; begin with { "type": "Input", "shape": ${kind === 'vectors' ? '[D]' : '[null, D]'} }`,
    );
  const shapes = { ids: [inputLength], sequence: [inputLength, inputWidth], vectors: [inputWidth] };
  // The Embedding needs no mask: in PyTorch, too, packed sequences skip padding by length, whatever its ids are.
  const config = { name: kind === 'ids' ? 'ids' : 'values', batch_shape: [null, ...shapes[kind]] };
  return {
    architecture: {
      class_name: 'Sequential',
      config: { name: 'model', layers: [{ class_name: 'InputLayer', config }, ...layers] },
    },
    weights: () => weights,
  };
}
