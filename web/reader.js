/**
 * A worker that makes a padless file of whatever somebody chose or dropped: a damaged one can keep its reader busy for ever, and then the page
 * ends this worker. Import maps do not reach into workers, so the page says where the map has the packages.
 */

/** @typedef {Record<import('./files.js').Package, string>} Addresses */
/** @typedef {{ path: string, file: File }} Given */

/** @param {Given[]} given @param {RegExp} pattern */
const named = (given, pattern) => given.find(({ file }) => pattern.test(file.name))?.file;

/** @param {File} file @returns {Promise<'tfjs' | 'tokenizer' | 'keras' | null>} what a JSON file is */
async function kindOf(file) {
  if (!/\.json$/i.test(file.name)) return null;
  const text = await file.text();
  if (text.includes('"modelTopology"')) return 'tfjs';
  if (/"class_name":\s*"Tokenizer"/.test(text)) return 'tokenizer';
  return text.includes('class_name') ? 'keras' : null;
}

/**
 * @param {Given[]} given  the model, and perhaps a tokenizer's JSON and a labels.txt
 * @param {Addresses} addresses
 * @returns {Promise<import('./files.js').Read | null>} null: none of them is a model
 */
async function read(given, addresses) {
  const safetensors = named(given, /\.safetensors$/i);
  if (safetensors) {
    const { loadModel } = /** @type {typeof import('padless')} */ (await import(addresses.padless));
    const bytes = new Uint8Array(await safetensors.arrayBuffer());
    // What is wrong with it is found here.
    await loadModel(bytes);
    return { name: safetensors.name, bytes };
  }
  const kinds = await Promise.all(given.map(({ file }) => kindOf(file)));
  /** @param {'tfjs' | 'tokenizer' | 'keras'} kind */
  const json = (kind) => given[kinds.indexOf(kind)]?.file;
  const tfjs = json('tfjs');
  const hdf5 = named(given, /\.(h5|hdf5)$/i);
  const keras = named(given, /\.keras$/i) ?? json('keras') ?? hdf5;
  if (!tfjs && !keras) return null;
  const [tokenizer, labels] = await Promise.all([json('tokenizer')?.text(), named(given, /^labels.*\.txt$/i)?.text()]);
  const options = {
    ...(tokenizer !== undefined && { tokenizer }),
    ...(labels !== undefined && { labels: labels.split(/\r?\n/).filter((label) => label !== '') }),
    packages: { fflate: () => import(addresses.fflate), h5wasm: () => import(addresses.h5wasm) },
  };
  const { fromKeras, fromTfjs } = /** @type {typeof import('padless/import')} */ (await import(addresses['padless/import']));
  if (tfjs) {
    const others = given.filter(({ file }) => file !== tfjs).map(({ path, file }) => [path, file]);
    const model = await fromTfjs({ ...Object.fromEntries(others), 'model.json': tfjs }, options);
    return { name: tfjs.name, bytes: model.save() };
  }
  const weights = keras === json('keras') ? hdf5 : undefined;
  const model = await fromKeras(/** @type {File} */ (keras), { ...options, ...(weights && { weights }) });
  return { name: /** @type {File} */ (keras).name, bytes: model.save() };
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
