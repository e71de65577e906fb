/**
 * Runs the ONNX models of a folder (tests/models/onnx/store.py) through padless and compares the answers with onnxruntime's, and rows of
 * all lengths in one batch with each alone: node compare.js FOLDER ... [--refused]. Prints counts for each exporter, each model that is
 * different or crashes and, with --refused, each refusal; exit 1 if one is different or crashes.
 *
 * The answers are those of onnxruntime-node, if `make peers` has installed it, and those of Python's onnxruntime, which are stored with the models.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { PadlessError } from 'padless';
import { fromOnnx } from 'padless/import';
import { casesOf, checkAnswers, checkRagged } from '../../import/onnx-cases.js';

/** @typedef {'equal' | 'refused' | 'different' | 'crash'} Verdict */

/** Random models need a larger tolerance: a norm over nearly equal values enlarges their rounding errors. */
const RANDOM_TOLERANCE = 1e-4;

/** @typedef {import('../../import/onnx-cases.js').Case} Case */
/** @typedef {import('../../import/onnx-cases.js').Stored} Stored */

const require = createRequire(new URL('../../bench/peers/', import.meta.url));

/** onnxruntime-node, or null. @returns {any} */
function runtime() {
  try {
    return require('onnxruntime-node');
  } catch {
    return null;
  }
}
const ort = runtime();

/** @type {Record<string, (bytes: ArrayBuffer) => ArrayLike<any>>} */
const arrays = {
  float32: (bytes) => new Float32Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  int64: (bytes) => new BigInt64Array(bytes),
  bool: (bytes) => new Uint8Array(bytes),
};

/** The runs of a case with the answers of onnxruntime-node. @param {Case} of @returns {Promise<Case['runs']>} */
async function answersOfNode({ bytes, runs }) {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4, interOpNumThreads: 1, intraOpNumThreads: 1 });
  const answered = [];
  for (const { inputs, outputs } of runs) {
    const feeds = Object.entries(inputs).map(([name, { type, shape, data }]) => [
      name,
      new ort.Tensor(type, arrays[type](new Uint8Array(Buffer.from(data, 'base64')).buffer), shape),
    ]);
    const results = await session.run(Object.fromEntries(feeds));
    const stored = outputs.map(({ name }) => {
      const { type, dims, data } = results[name];
      return { name, type, shape: dims, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') };
    });
    answered.push({ inputs, outputs: stored });
  }
  await session.release();
  return answered;
}

/** @param {Case} each @returns {Promise<{ verdict: Verdict, says: string }>} */
export async function compare(each) {
  /** @type {any} */
  let model;
  try {
    model = await fromOnnx(each.bytes, { simd: 'baseline' });
  } catch (error) {
    const known = error instanceof PadlessError;
    return { verdict: known ? 'refused' : 'crash', says: known ? error.message : String(/** @type {Error} */ (error).stack) };
  }
  try {
    const tolerance = each.exporter === 'random' ? RANDOM_TOLERANCE : undefined;
    checkAnswers(model, each, tolerance);
    if (ort) checkAnswers(model, { ...each, runs: await answersOfNode(each) }, tolerance);
    checkRagged(model, each);
    return { verdict: 'equal', says: '' };
  } catch (error) {
    const { name, message, stack } = /** @type {Error} */ (error);
    return name === 'AssertionError'
      ? { verdict: 'different', says: message.slice(0, 400) }
      : { verdict: 'crash', says: `${stack}`.slice(0, 600) };
  }
}

/** @param {string[]} folders @param {boolean} listRefused */
async function main(folders, listRefused) {
  /** @type {Map<string, Record<Verdict, number>>} */
  const counts = new Map();
  let bad = 0;
  for (const each of folders.flatMap((folder) => casesOf(pathToFileURL(`${folder}/`)))) {
    const { verdict, says } = await compare(each);
    const count = counts.get(each.exporter) ?? { equal: 0, refused: 0, different: 0, crash: 0 };
    counts.set(each.exporter, { ...count, [verdict]: count[verdict] + 1 });
    const wrong = verdict === 'different' || verdict === 'crash';
    if (wrong || (listRefused && verdict === 'refused')) console.log(`${each.name}: ${verdict}: ${says}`);
    if (wrong) bad++;
  }
  console.log(
    ort ? "onnxruntime-node's answers, and Python's" : "answers of Python's onnxruntime; make peers installs onnxruntime-node",
  );
  console.log(`${''.padEnd(14)}${['equal', 'refused', 'different', 'crash'].map((each) => each.padStart(10)).join('')}`);
  for (const [exporter, count] of counts) {
    const numbers = Object.values(count).map((each) => String(each).padStart(10));
    console.log(`${exporter.padEnd(14)}${numbers.join('')}`);
  }
  process.exitCode = bad ? 1 : 0;
}

const given = process.argv.slice(2);
await main(
  given.filter((each) => !each.startsWith('--')),
  given.includes('--refused'),
);
