/**
 * Other engines for `padless bench`: onnxruntime-web and TensorFlow.js from the user's project, each on one thread.
 * @module
 */
import { ArgumentError } from '../errors.js';
import { Files, parseJson } from '../import/input-files.js';
import { product } from '../layers/tensor.js';
import { readSource } from '../file/read-source.js';
import { neededPackage } from './packages.js';
/** @typedef {import('../model/graph.js').ModelInput} ModelInput */
/** @typedef {import('../model/model.js').Model} Model */
/** @typedef {import('./speed.js').Peer} Peer */
/** An input of another engine; null in the shape is any length. @typedef {{ name: string, shape: (number | null)[], type: string }} PeerInput */

/**
 * Pairs the inputs of another engine with those of the model: by name, or in order. Inputs with mask or len in their names are masks [B, T]
 * and lengths [B].
 * @param {Model} model
 * @param {PeerInput[]} theirs
 * @param {string} file  for messages
 * @param {string | undefined} chosen  name of the input to pair with the only input of the model
 * @returns {{ input: PeerInput, from: ModelInput | 'mask' | 'lengths' }[]}
 */
function pairs({ inputs }, theirs, file, chosen) {
  const names = theirs.map(({ name }) => name);
  if (chosen !== undefined && (inputs.length !== 1 || !names.includes(chosen)))
    throw new ArgumentError(
      inputs.length === 1
        ? `${file}: there is no input ${chosen}, expected one of ${names.join(', ')}`
        : `--input needs a model with one input, this one has ${inputs.map(({ name }) => name).join(', ')}`,
    );
  /** @param {PeerInput} input */
  const extra = ({ name }) => (/mask/i.test(name) ? 'mask' : /len/i.test(name) ? 'lengths' : null);
  const open = chosen === undefined ? theirs.filter((input) => !extra(input) || theirs.length === inputs.length) : [];
  const named = inputs.every(({ name }) => names.includes(name));
  return theirs.map((input) => {
    const of = named
      ? inputs.find(({ name }) => name === input.name)
      : chosen === input.name
        ? inputs[0]
        : open.length === inputs.length
          ? inputs[open.indexOf(input)]
          : undefined;
    const from = of ?? extra(input);
    if (!from)
      throw new ArgumentError(
        `${file}: inputs ${names.join(', ')} for the model's ${inputs.map(({ name }) => name).join(', ')}: it is not clear which reads the ids; use --input NAME ` +
          '(further inputs may be a mask [B, T] and lengths [B], with mask or len in their names)',
      );
    return { input, from };
  });
}

/**
 * The values of an input as a flat list.
 * @param {ModelInput | 'mask' | 'lengths'} from @param {import('./speed.js').Batch} batch @param {number} B @param {number} T
 * @returns {{ shape: number[], values: number[] }}
 */
function feed(from, batch, B, T) {
  if (from === 'mask') return { shape: [B, T], values: new Array(B * T).fill(1) };
  if (from === 'lengths') return { shape: [B], values: new Array(B).fill(T) };
  const rows = batch[from.name];
  const values = rows.flatMap((row) => Array.from(row, (step) => (typeof step === 'number' ? step : Array.from(step))).flat());
  const features = from.shape.slice(1).map((size) => size ?? rows[0][0].length);
  return { shape: [B, values.length / B / product(features), ...features], values };
}

/**
 * The fixed size of an axis of the paired inputs, null if it may vary. Vectors have no axis of steps.
 * @param {ReturnType<typeof pairs>} paired @param {number} at  axis: 0 rows, 1 steps
 */
function fixedAt(paired, at) {
  const found = paired.find(
    ({ from, input }) =>
      typeof from === 'object' && (at === 0 || from.ids || from.shape.length > 1) && typeof input.shape[at] === 'number',
  );
  return found ? Number(found.input.shape[at]) : null;
}

/** @type {Record<string, (values: number[]) => ArrayBufferView>} */
const arrays = {
  float32: (values) => Float32Array.from(values),
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(values, BigInt),
  bool: (values) => Uint8Array.from(values),
};

/**
 * @param {string} file  .onnx
 * @param {string | undefined} inputName  the input of the graph that takes the ids
 * @returns {Promise<(model: Model) => Promise<Peer>>}
 * @throws {ArgumentError} if the package is missing, or the inputs of the graph do not match
 */
export async function onnxPeer(file, inputName) {
  const bytes = await readSource(file);
  const ort = await neededPackage('onnxruntime-web/wasm', '--onnx', 'onnxruntime-web');
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  return async (model) => {
    let session;
    try {
      session = await ort.InferenceSession.create(bytes);
    } catch (cause) {
      throw new ArgumentError(`${file}: onnxruntime-web: ${/** @type {Error} */ (cause).message.split('\n')[0]}`, { cause });
    }
    // A negative size, which says that any is taken, comes as a uint32.
    const theirs = Array.from(session.inputMetadata, ({ name, type, shape }) => ({
      name,
      type,
      shape: Array.from(shape ?? [], (size) => (typeof size === 'number' && size > 0 && size < 2 ** 31 ? size : null)),
    }));
    const paired = pairs(model, theirs, file, inputName);
    for (const { input } of paired)
      if (!Object.hasOwn(arrays, input.type))
        throw new ArgumentError(
          `${file}: input ${input.name} has type ${input.type}, expected one of ${Object.keys(arrays).join(', ')}`,
        );
    return {
      name: `onnxruntime-web ${ort.env.versions?.web ?? ''}`.trim(),
      rows: fixedAt(paired, 0),
      steps: fixedAt(paired, 1),
      prepare(batch, B, T) {
        const feeds = Object.fromEntries(
          paired.map(({ input: { name, type }, from }) => {
            const { shape, values } = feed(from, batch, B, T);
            return [name, new ort.Tensor(type, arrays[type](values), shape)];
          }),
        );
        return async () => {
          /** @type {Record<string, any>} */
          const given = await session.run(feeds).catch((/** @type {Error} */ cause) => {
            throw new ArgumentError(`${file}: onnxruntime-web: ${cause.message.split('\n')[0]}`, { cause });
          });
          return Object.entries(given)
            .filter(([, { type }]) => type === 'float32')
            .map(([name, { dims, data }]) => ({ name, shape: [...dims], data }));
        };
      },
    };
  };
}

/**
 * @param {string} file  model.json of a Layers model
 * @returns {Promise<(model: Model) => Promise<Peer>>}
 * @throws {ArgumentError} if the packages are missing, or the inputs of the model do not match
 */
export async function tfjsPeer(file) {
  const both = '@tensorflow/tfjs @tensorflow/tfjs-backend-wasm';
  const sources = new Files(file, {});
  const json = parseJson(await sources.main('model.json'), file);
  if (!json?.modelTopology || json.format === 'graph-model') throw new ArgumentError(`${file}: expected a TF.js layers model`);
  const manifest = /** @type {{ paths: string[], weights: any[] }[]} */ (json.weightsManifest ?? []);
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const shards = [];
  for (const path of manifest.flatMap(({ paths }) => paths)) shards.push(await sources.beside(path));
  const imported = await neededPackage('@tensorflow/tfjs', '--tfjs', both);
  const wasm = await neededPackage('@tensorflow/tfjs-backend-wasm', '--tfjs', both);
  const tf = imported.default ?? imported;
  (wasm.default ?? wasm).setThreadsCount(1);
  return async (model) => {
    if (!(await tf.setBackend('wasm'))) throw new ArgumentError('--tfjs: the wasm backend of TF.js does not start');
    let theirs;
    try {
      theirs = await tf.loadLayersModel({
        load: async () => ({
          ...json,
          weightSpecs: manifest.flatMap(({ weights }) => weights),
          weightData: await new Blob(shards).arrayBuffer(),
        }),
      });
    } catch (cause) {
      throw new ArgumentError(`${file}: TF.js: ${/** @type {Error} */ (cause).message.split('\n')[0]}`, { cause });
    }
    const inputs = theirs.inputs.map((/** @type {any} */ { shape }, /** @type {number} */ i) => ({
      name: theirs.inputNames[i],
      type: 'float32',
      shape,
    }));
    const paired = pairs(model, inputs, file, undefined);
    return {
      name: `TF.js ${tf.version.tfjs} wasm`,
      rows: fixedAt(paired, 0),
      steps: fixedAt(paired, 1),
      prepare(batch, B, T) {
        const tensors = paired.map(({ from }) => {
          const { shape, values } = feed(from, batch, B, T);
          return tf.tensor(values, shape, typeof from === 'object' && !from.ids ? 'float32' : 'int32');
        });
        return async () => {
          const given = [theirs.predict(tensors.length === 1 ? tensors[0] : tensors)].flat();
          const read = given.map((tensor, i) => ({ name: theirs.outputNames[i], shape: tensor.shape, data: tensor.dataSync() }));
          for (const tensor of given) tensor.dispose();
          return read;
        };
      },
    };
  };
}
