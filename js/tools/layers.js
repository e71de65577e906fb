/**
 * `--layers FILE`: imports custom layers from the user's module.
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

/** Whether a class extends a class named Layer, which may be that of another copy of padless. @param {any} value @returns {boolean} */
const extendsSomeLayer = (value) =>
  typeof value === 'function' && (value.name === 'Layer' || extendsSomeLayer(Object.getPrototypeOf(value)));

/**
 * The layers of a module by their names: exports, and properties of a default export that is an object (for names that are not identifiers,
 * such as that of a Lambda). For a class that is the default export, the name is that of the class.
 * @param {string} file
 * @returns {Promise<CustomLayers>}
 * @throws {ArgumentError} if the file is missing, fails, or exports no layer
 */
export async function customLayers(file) {
  /** @type {Record<string, unknown>} */
  let exported;
  try {
    await access(file);
    exported = await import(pathToFileURL(resolve(file)).href);
  } catch (cause) {
    const [what] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    // The position of a syntax error is not in the error.
    throw new ArgumentError(`${file}: ${what}${cause instanceof SyntaxError ? `; node --check ${file} shows where` : ''}`, {
      cause,
    });
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
  const foreign = [...all, ['default', fallback]].find(([, value]) => extendsSomeLayer(value));
  throw new ArgumentError(
    foreign
      ? `${file}: ${foreign[0]} extends Layer of another copy of padless; run the copy of the project: npx padless`
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
