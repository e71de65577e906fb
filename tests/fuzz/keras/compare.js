/**
 * Runs random models of Keras through padless and compares the answers: node tests/fuzz/keras/compare.js FOLDER ...
 * Prints each model that differs or crashes, and for each class of layer how many models were equal, refused, different, or crashed. The exit
 * status is 1 if any differs or crashes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PadlessError } from 'padless';
import { fromKeras } from 'padless/import';
import { Dense, Layer, Rescaling } from 'padless/layers';

/** Maximum difference of equal answers; relative for values above 1. */
const TOLERANCE = 1e-4;

/** The custom class of random_layers.py. */
class Twice extends Layer {
  /** @param {import('padless/layers').LayerConfig} config */
  constructor(config) {
    super(config);
    this.first = new Dense({ name: 'first', units: 3, activation: 'tanh' });
    this.second = new Dense({ name: 'second', units: config.units });
  }
  /** @override @param {any} x */
  call(x) {
    return this.second.apply(this.first.apply(x));
  }
}

/** The Lambda of random_layers.py. */
class Halve extends Layer {
  scale = new Rescaling({ scale: 0.5, offset: 1 });
  /** @override @param {any} x */
  call(x) {
    return this.scale.apply(x);
  }
}

/** The custom activation of random_layers.py. */
class Doubled extends Layer {
  scale = new Rescaling({ scale: 2 });
  /** @override @param {any} x */
  call(x) {
    return this.scale.apply(x);
  }
}

const halves = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`halve_${i}`, Halve]));
const customLayers = { 'mine>Twice': Twice, doubled: Doubled, ...halves };

/** @typedef {'equal' | 'refused' | 'different' | 'crash'} Verdict */
/** @typedef {{ shape: number[], data: number[], mask: number[] | null }} Answer */
/** @typedef {{ name: string, file: string, weights: string | null, keras: string, layers: string[], uses: string[], inputs: Record<string, any>, outputs: Answer[] }} Case */

/**
 * The largest difference over the steps that count.
 * @param {import('padless').OutputTensor} got
 * @param {Answer} expected
 */
function difference(got, { shape, data, mask }) {
  if (got.shape.join() !== shape.join()) return Infinity;
  const each = mask ? data.length / mask.length : data.length;
  let worst = 0;
  data.forEach((value, i) => {
    if (mask && !mask[Math.floor(i / each)]) return;
    const off = Math.abs(value - got.data[i]) / Math.max(1, Math.abs(value));
    if (!(off <= worst)) worst = Number.isNaN(off) ? Infinity : off;
  });
  return worst;
}

/**
 * Loads a model and compares its answers.
 * @param {Case} entry
 * @param {(file: string) => Uint8Array} read
 * @returns {Promise<{ verdict: Verdict, says: string }>} says: why it is refused, or how much it differs
 */
export async function judge({ file, weights, keras, inputs, outputs }, read) {
  try {
    const options = weights ? { weights: read(weights), kerasVersion: keras } : {};
    const model = await fromKeras(read(file), { simd: 'baseline', customLayers, ...options });
    const given = Object.keys(inputs).length === 1 ? Object.values(inputs)[0] : inputs;
    const got = typeof given[0] === 'string' ? model.outputsOf(given) : model.run(given);
    if (got.length !== outputs.length) return { verdict: 'different', says: `${got.length} outputs, expected ${outputs.length}` };
    const worst = Math.max(...got.map((output, i) => difference(output, outputs[i])));
    return worst <= TOLERANCE ? { verdict: 'equal', says: '' } : { verdict: 'different', says: `by ${worst.toExponential(1)}` };
  } catch (error) {
    const says = String(/** @type {any} */ (error)?.message ?? error).split('\n')[0];
    return { verdict: error instanceof PadlessError ? 'refused' : 'crash', says };
  }
}

/** The reason of a refusal without names of layers and numbers, which differ from model to model. @param {string} says */
const reasonOf = (says) => says.replace(/^[^:]*: /, '').replace(/\b[a-z][a-z0-9]*(_[a-z0-9]+)+\b|\d+/g, '*');

/** Compares all models of the folders and prints a report. @param {string[]} folders @returns {Promise<boolean>} whether none differs or crashes */
async function report(folders) {
  /** @type {Map<string, Record<Verdict, number>>} */
  const byLayer = new Map();
  /** @type {Record<Verdict, number>} */
  const total = { equal: 0, refused: 0, different: 0, crash: 0 };
  /** @type {Map<string, number>} */
  const refusals = new Map();
  for (const folder of folders)
    for (const line of readFileSync(join(folder, 'cases.jsonl'), 'utf8').split('\n').filter(Boolean)) {
      /** @type {Case} */
      const entry = JSON.parse(line);
      const { verdict, says } = await judge(entry, (file) => readFileSync(join(folder, file)));
      total[verdict]++;
      for (const layer of entry.layers) {
        const counts = byLayer.get(layer) ?? { equal: 0, refused: 0, different: 0, crash: 0 };
        counts[verdict]++;
        byLayer.set(layer, counts);
      }
      const reason = reasonOf(says);
      if (verdict === 'refused') refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
      if (verdict === 'different' || verdict === 'crash')
        console.log(`${verdict}  ${join(folder, entry.file)}  ${says}  (Keras ${entry.keras}: ${entry.layers.join(', ')})`);
    }
  console.log(`\n${'layer'.padEnd(28)}equal  refused  different  crash`);
  for (const [layer, { equal, refused, different, crash }] of [...byLayer].sort())
    console.log(
      `${layer.padEnd(28)}${[equal, refused, different, crash].map((n, i) => String(n).padStart([5, 9, 11, 7][i])).join('')}`,
    );
  console.log('\nrefused because');
  for (const [reason, n] of [...refusals].sort((a, b) => b[1] - a[1]).slice(0, 30))
    console.log(`${String(n).padStart(5)}  ${reason.slice(0, 150)}`);
  console.log(`\n${total.equal} equal, ${total.refused} refused, ${total.different} different, ${total.crash} crashed`);
  return !total.different && !total.crash;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = (await report(process.argv.slice(2))) ? 0 : 1;
