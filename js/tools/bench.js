/**
 * `padless bench`: the speed of a model on this machine, compared with other engines that run the same model.
 * @module
 */
import { speed } from './speed.js';
import { print } from './files.js';
import { onnxPeer, tfjsPeer } from './peers.js';

/** Maximum difference of outputs: float32 outputs of the same model differ by less. */
const TOLERANCE = 1e-4;

/** @param {string} file @param {import('./usage.js').Values} values @param {import('../model/graph.js').CustomLayers} customLayers */
export async function bench(file, { onnx, tfjs, input }, customLayers) {
  const peers = [];
  if (onnx !== undefined) peers.push(await onnxPeer(onnx, input));
  if (tfjs !== undefined) peers.push(await tfjsPeer(tfjs));
  const { engines, runs, differences, exact } = await speed(file, { customLayers, peers });
  const width = Math.max(...engines.map(({ name }) => name.length));
  for (const { name, first, memory } of engines) {
    const held = memory === null ? '' : `, ${(memory / 2 ** 20).toFixed(1)} MB of memory`;
    print(`${name.padEnd(width)}  first answer ${first.toFixed(1)} ms after the file${held}`);
  }
  print(`\nmilliseconds${engines.length > 1 ? `, and how many times those of ${engines[0].name}` : ''}`);
  const columns = engines.map(({ name }) => Math.max(16, name.length + 3));
  print(`rows x steps${engines.map(({ name }, i) => name.padStart(columns[i])).join('')}`);
  for (const { rows, steps, ms } of runs) {
    const cells = ms.map((each, i) => {
      if (each === null) return '-'.padStart(columns[i]);
      const times = i && ms[0] ? `  ${(each / ms[0]).toFixed(2)}` : '';
      return `${each.toPrecision(3)}${times}`.padStart(columns[i]);
    });
    print(`${String(rows).padStart(4)} x ${String(steps).padEnd(5)}${cells.join('')}`);
  }
  for (const { name, most, where } of differences) {
    print(`largest difference to ${name}: ${most.toPrecision(3)}${where && `, ${where}`}`);
    if (most <= TOLERANCE || !exact) continue;
    print(`expected at most ${TOLERANCE}: the weights differ, or the engines interpret the input differently`);
    process.exitCode = 1;
  }
}
