/**
 * `--layers FILE`: layers of the user's own, from a module of theirs.
 * @module
 */
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ArgumentError } from '../errors.js';
import { Layer } from '../layers/layer.js';
/** @typedef {import('../model/graph.js').CustomLayers} CustomLayers */
/** @typedef {import('../model/graph.js').LayerClass} LayerClass */

/** @param {unknown} value @returns {value is LayerClass} */
const isLayer = (value) => typeof value === 'function' && value.prototype instanceof Layer;

/** Whether it extends a class called Layer, of another copy of padless that is. @param {any} value @returns {boolean} */
const isStranger = (value) => typeof value === 'function' && (value.name === 'Layer' || isStranger(Object.getPrototypeOf(value)));

/**
 * Classes by the names under which a module exports them, or has them in an object that is its default; a name that is no name of
 * JavaScript's (a Lambda's, say) stands in such an object. A class that is the default itself goes by its own name.
 * @param {string} file
 * @returns {Promise<CustomLayers>}
 * @throws {ArgumentError} naming the file: it is missing, fails, or exports no layer
 */
export async function customLayers(file) {
  /** @type {Record<string, unknown>} */
  let exported;
  try {
    await access(file);
    exported = await import(pathToFileURL(resolve(file)).href);
  } catch (cause) {
    const [what] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    // Where, Node says to nobody but the terminal.
    throw new ArgumentError(`${file}: ${what}${cause instanceof SyntaxError ? `; where: node --check ${file}` : ''}`, { cause });
  }
  const { default: fallback, ...named } = exported;
  const inside = isLayer(fallback)
    ? { [fallback.name]: fallback }
    : typeof fallback === 'object' && fallback !== null
      ? fallback
      : {};
  const all = Object.entries({ ...inside, ...named });
  const found = all.filter(([, value]) => isLayer(value));
  if (found.length) return /** @type {CustomLayers} */ (Object.fromEntries(found));
  const strange = [...all, ['default', fallback]].find(([, value]) => isStranger(value));
  throw new ArgumentError(
    strange
      ? `${file}: ${strange[0]} extends the Layer of another copy of padless than the one that runs; call the project's own: npx padless`
      : `${file}: exports no class that extends Layer of padless/layers${
          all.length
            ? `, but ${all
                .map(([name]) => name)
                .slice(0, 20)
                .join(', ')}`
            : ''
        }`,
  );
}
