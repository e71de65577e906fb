/**
 * A worker that converts the files that the user chose or dropped to a padless file. A damaged file can keep a reader busy for ever; then the user
 * cancels, and the page terminates this worker. Import maps do not apply in workers, so the page sends the addresses of the packages.
 */

/** @typedef {Record<import('./files.js').Package, string>} Addresses */
/** @typedef {{ path: string, file: File }} Given */

/**
 * @param {Given[]} given  the model, and perhaps a tokenizer's JSON and a labels.txt
 * @param {Addresses} addresses
 * @returns {Promise<import('./files.js').Read | null>} null if none of the files is a model
 */
async function read(given, addresses) {
  // padless's own format needs no importers, so it can be read offline even if these were never fetched. But a JSON beside a .safetensors file may
  // describe a PyTorch state dict.
  const described = given.some(({ file }) => /\.json$/i.test(file.name));
  const own = described ? undefined : given.find(({ file }) => /\.safetensors$/i.test(file.name))?.file;
  if (own) {
    const { loadModel } = /** @type {typeof import('padless')} */ (await import(addresses.padless));
    const bytes = new Uint8Array(await own.arrayBuffer());
    // Load the model in the worker, too: this refuses a broken file before the page gets it.
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

/** any: TypeScript cannot load the types of workers together with those of pages. */
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
    // Without files, the worker only fetches packages ahead of need. If one is missing, the user hears of it when a file needs it.
    if (given) result = { error: { name, message } };
  }
  const entries = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByType('resource'));
  const fetched = entries.map((entry) => entry.toJSON());
  worker.postMessage({ ...result, fetched }, result.found ? [result.found.bytes.buffer] : []);
});
