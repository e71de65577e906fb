/**
 * Bar 10: five files that exporters wrote (tests/models/onnx), run in padless and in onnxruntime-web. The models are tiny, so this times the
 * overhead of each engine; bars 1 to 3 compare larger layers.
 */
import { loadModel } from 'padless';
import { fromOnnx } from 'padless/import';
import { compare } from './measure.js';

/** Files, and the type of their ids. @type {Record<string, 'int64' | 'int32'>} */
export const onnxFiles = {
  'torchscript-last-lstm-bi': 'int64',
  'torchscript-attention-masked-lstm-bi': 'int64',
  'dynamo-tagger-lstm-bi': 'int64',
  'tf2onnx-mean-gru-bi': 'int32',
  'paddle-attention-lstm-bi': 'int64',
};

/** @param {string} name */
export const onnxPath = (name) => `tests/models/onnx/${name}.onnx`;

/** Reads a file in a page or in Node. @param {string} name @returns {Promise<Uint8Array<ArrayBuffer>>} */
async function read(name) {
  const url = new URL(`../../${onnxPath(name)}`, import.meta.url);
  if ('document' in globalThis) return new Uint8Array(await (await fetch(url)).arrayBuffer());
  const { readFile } = await import('node:fs/promises');
  return new Uint8Array(await readFile(url));
}

/** @param {import('./suite.js').Context} context @param {(a: ArrayLike<number>, b: ArrayLike<number>, what: string) => void} mustAgree */
export async function exported({ quick, peers: { ort }, report }, mustAgree) {
  const T = 32;
  const ids = Array.from({ length: T }, (_, i) => 1 + ((i * 7) % 11));
  for (const [name, type] of Object.entries(onnxFiles)) {
    const bytes = await read(name);
    const model = await fromOnnx(bytes, { simd: 'relaxed' });
    const converted = model.save();
    const session = await ort.InferenceSession.create(bytes);
    const data = type === 'int64' ? BigInt64Array.from(ids, BigInt) : Int32Array.from(ids);
    const feeds = { [session.inputNames[0]]: new ort.Tensor(type, data, [1, T]) };
    const run = () => session.run(feeds);
    mustAgree(model.run([ids])[0].data, (await run())[session.outputNames[0]].data, name);
    const create = async () => (await ort.InferenceSession.create(bytes)).release();
    /** @type {Record<string, [() => unknown, () => unknown]>} */
    const cases = {
      'from the .onnx to a model': [() => fromOnnx(bytes, { simd: 'relaxed' }), create],
      'from the converted file to a model': [() => loadModel(converted, { simd: 'relaxed' }), create],
      [`a row of ${T} tokens`]: [() => model.run([ids]), run],
    };
    for (const [what, [ours, peer]] of Object.entries(cases)) {
      const times = await compare({ ours, peer }, { milliseconds: quick ? 600 : 2000 });
      const ratio = times.peer / times.ours;
      report({
        bar: 10,
        case: `${name}: ${what}`,
        build: 'relaxed',
        ours_ms: times.ours,
        peer: 'onnxruntime-web',
        peer_ms: times.peer,
        ratio,
      });
    }
    await session.release();
  }
}
