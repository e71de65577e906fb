/**
 * `padless bench`: how fast a model is here.
 * @module
 */
import { speed } from '../speed.js';
import { print } from './files.js';

/** @param {string} file @param {import('../graph.js').CustomLayers} customLayers */
export async function bench(file, customLayers) {
  for (const { build, first, runs, memory } of await speed(file, { customLayers })) {
    print(`${build}  first answer ${first.toFixed(1)} ms after the file, ${(memory / 2 ** 20).toFixed(1)} MB of memory`);
    for (const { rows, steps, ms, rowMs } of runs)
      print(
        `  ${String(rows).padStart(2)} x ${String(steps).padEnd(4)} steps  ${ms.toPrecision(3).padStart(8)} ms  ${rowMs.toPrecision(3).padStart(8)} ms a row`,
      );
  }
}
