/**
 * A worker that makes a padless file of whatever somebody chose or dropped: a damaged one can keep its reader busy for ever, and then the page
 * ends this worker. Import maps do not reach into workers, so the page says where the map has the packages.
 */

/** @typedef {Record<import('./files.js').Package, string>} Addresses */
/** @typedef {{ path: string, file: File }} Given */

/**
 * @param {Given[]} given  the model, and perhaps a tokenizer's JSON and a labels.txt
 * @param {Addresses} addresses
 * @returns {Promise<import('./files.js').Read | null>} null: none of them is a model
 */
async function read(given, addresses) {
  // The page's own format takes no importers, which are absent offline unless they were fetched before. A JSON may describe a PyTorch state dict.
  const described = given.some(({ file }) => /\.json$/i.test(file.name));
  const own = described ? undefined : given.find(({ file }) => /\.safetensors$/i.test(file.name))?.file;
  if (own) {
    const { loadModel } = /** @type {typeof import('padless')} */ (await import(addresses.padless));
    const bytes = new Uint8Array(await own.arrayBuffer());
    // A broken file is refused here, in the worker.
    await loadModel(bytes);
    return { name: own.name, bytes };
  }
  const { recognise } = /** @type {typeof import('padless/import')} */ (await import(addresses['padless/import']));
  const packages = {
    fflate: () => import(addresses.fflate),
    h5wasm: () => import(addresses.h5wasm),
    pbf: () => import(addresses.pbf),
  };
  const found = await recognise(Object.fromEntries(given.map(({ path, file }) => [path, file])), { packages });
  return found && { name: found.name, bytes: (await found.read()).save() };
}

/** No types of a worker stand beside those of a page. */
const worker = /** @type {any} */ (self);

worker.addEventListener('message', async (/** @type {MessageEvent<{ addresses: Addresses, given?: Given[] }>} */ { data }) => {
  const { addresses, given } = data;
  /** @type {{ found?: import('./files.js').Read | null, error?: { name: string, message: string } }} */
  let result = {};
  try {
    if (given) result = { found: await read(given, addresses) };
    else await Promise.all([import(addresses.padless), import(addresses['padless/import'])]);
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    // Of what is only fetched ahead, what is missing is said when a file needs it.
    if (given) result = { error: { name, message } };
  }
  const entries = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByType('resource'));
  const fetched = entries.map((entry) => entry.toJSON());
  worker.postMessage({ ...result, fetched }, result.found ? [result.found.bytes.buffer] : []);
});
