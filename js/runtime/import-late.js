/**
 * Parts of padless that are imported when they are first needed.
 * @module
 */
import { EngineError, LoadError } from '../errors.js';

/**
 * @template T
 * @param {() => Promise<T>} load  calls import(), with the path written out for bundlers
 * @returns {Promise<T>}
 * @throws {EngineError} in a service worker, which refuses import()
 * @throws {LoadError} where the part cannot be fetched
 */
export async function importLate(load) {
  try {
    return await load();
  } catch (cause) {
    const { ServiceWorkerGlobalScope: Scope } = /** @type {any} */ (globalThis);
    if (typeof Scope === 'function' && globalThis instanceof Scope)
      throw new EngineError(
        "service workers refuse import(), by which padless loads some of its parts; import 'padless/whole' in place of 'padless'",
        { cause },
      );
    throw new LoadError(`a part of padless could not be loaded: ${/** @type {any} */ (cause)?.message ?? cause}`, { cause });
  }
}
