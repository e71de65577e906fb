/**
 * Removes lookup layers, which turn texts or numbers into ids, from the beginning of a model, and returns text settings in their place.
 * js/import/lookups.js reads the layers.
 * @module
 */
import { show, textOf, UnsupportedError } from '../errors.js';
import { lookups, without } from './lookups.js';
import { listOf } from './tokenizer.js';
/** @typedef {import('../text/vectorizer.js').TextSettings} TextSettings */
/** @typedef {import('./lookups.js').Reading} Reading */
/** @typedef {import('./lookups.js').Stored} Stored */

/** The message about a lookup layer in a place where padless cannot replace it. */
const NUMBERING = /: class ((?:TextVectorization|StringLookup|IntegerLookup|Hashing|HashedCrossing)) is not /;

/** Adds advice to an error about a lookup layer. @param {any} error */
export function advisedOfNumbering(error) {
  const [, className] = NUMBERING.exec(error?.message) ?? [];
  if (className)
    error.message += `; ${className} maps its input to ids: save the model without it, keras.Model(layer.output, model.output), and pass its output as input`;
  return error;
}

/** @param {any} entry */
const nameOf = (entry) => textOf(entry?.name ?? entry?.config?.name);
/** @param {any} entry */
const isInput = (entry) => entry?.class_name === 'InputLayer';

/** The name of the layer whose output a layer of a functional model reads. @param {any} entry @returns {string | null} null if it is called more than once, or reads several tensors */
function sourceOf(entry) {
  const [node, ...others] = Array.isArray(entry.inbound_nodes) ? entry.inbound_nodes : [];
  if (others.length) return null;
  return (Array.isArray(node) ? node.flat()[0] : [node?.args?.[0]].flat()[0]?.config?.keras_history?.[0]) ?? null;
}

/** The shape of an input, without the batch. @param {any} entry @returns {(number | null)[] | null} */
function shapeOf(entry) {
  const { batch_shape: batch = entry?.config?.batch_input_shape, shape } = entry?.config ?? {};
  return Array.isArray(batch) ? batch.slice(1) : Array.isArray(shape) ? shape : null;
}

/** How often a JSON value contains [name, number, ...], a reference to the output of layer `name`. @param {any} value @param {string} name @returns {number} */
function usesOf(value, name) {
  if (value === null || typeof value !== 'object') return 0;
  if (Array.isArray(value) && value[0] === name && Number.isInteger(value[1])) return 1;
  return Object.values(value).reduce((sum, item) => sum + usesOf(item, name), 0);
}

/** A copy in which references to layer `from` are replaced by references to layer `to`. @param {any} value @param {string} from @param {string} to @returns {any} */
function rewired(value, from, to) {
  if (value === null || typeof value !== 'object') return value;
  if (!Array.isArray(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewired(item, from, to)]));
  const isRef = value[0] === from && Number.isInteger(value[1]);
  return isRef ? [to, 0, 0, ...value.slice(3)] : value.map((item) => rewired(item, from, to));
}

/** Changes an InputLayer of texts or numbers to ids. @param {any} entry @param {Reading} reading */
function idsInput(entry, { shape, numbering }) {
  const config = { ...entry.config, batch_shape: [null, ...shape], dtype: 'int32', ...(numbering && { numbering }) };
  delete config.batch_input_shape;
  delete config.shape;
  return { ...entry, config };
}

/** The CategoryEncoding that replaces a lookup. @param {any} entry @param {any} encoding  config of the CategoryEncoding */
const encoder = (entry, encoding) => ({
  ...entry,
  class_name: 'CategoryEncoding',
  registered_name: null,
  module: 'keras.layers',
  config: { name: nameOf(entry), ...encoding },
});

/**
 * Removes a lookup from a model.
 * @param {any} architecture @param {any} entry  of the lookup @param {any} input  its InputLayer; undefined if the lookup is the first layer of a Sequential
 * @param {Reading} reading
 */
function takeOut(architecture, entry, input, reading) {
  const { encoding } = reading;
  const name = nameOf(entry);
  /** @type {any[]} */
  const list = listOf(architecture).flatMap((each) => {
    if (each === input) return [idsInput(each, reading)];
    return each !== entry ? [each] : encoding ? [encoder(each, encoding)] : [];
  });
  const { config } = architecture;
  if (architecture.class_name === 'Sequential') {
    const layers = input ? list : [idsInput({ class_name: 'InputLayer', config: { name: 'text' } }, reading), ...list];
    return { ...architecture, config: { ...config, layers } };
  }
  if (encoding) return { ...architecture, config: { ...config, layers: list } };
  const to = nameOf(input);
  return {
    ...architecture,
    config: {
      ...config,
      layers: list.map((each) => ({ ...each, inbound_nodes: rewired(each?.inbound_nodes, name, to) })),
      output_layers: rewired(config.output_layers, name, to),
    },
  };
}

/**
 * The InputLayer of a lookup. Throws if another layer reads it, too.
 * @param {any} architecture @param {any} entry @returns {any} undefined if the lookup is the first layer of a Sequential
 */
function inputOf(architecture, entry) {
  const list = listOf(architecture);
  const { class_name: className } = entry;
  const name = nameOf(entry);
  if (architecture.class_name === 'Sequential') {
    const before = list.slice(0, list.indexOf(entry));
    if (!before.every(isInput))
      throw new UnsupportedError(`${name}: ${className} comes after another layer; padless needs it to be the first`);
    return before[0];
  }
  const source = sourceOf(entry);
  const input = list.find((each) => isInput(each) && nameOf(each) === source);
  if (!input) throw new UnsupportedError(`${name}: ${className} reads ${show(source)}; padless needs it to read an input, once`);
  const { config } = architecture;
  const uses = usesOf([list.map((each) => each?.inbound_nodes), config.output_layers], /** @type {string} */ (source));
  if (uses > 1)
    throw new UnsupportedError(
      `${name}: ${className} reads ${show(source)}, which another layer reads, too; padless needs an input that only this layer reads; ${without(name)}`,
    );
  return input;
}

/**
 * Removes all lookup layers from a model.
 * @param {any} architecture
 * @param {Stored} stored
 * @returns {{ architecture: any, text: TextSettings | null }}
 * @throws {import('../errors.js').ModelFileError | UnsupportedError}
 */
export function withoutLookups(architecture, stored) {
  const found = listOf(architecture).filter(
    (entry) => typeof entry?.class_name === 'string' && Object.hasOwn(lookups, entry.class_name),
  );
  /** @type {any[]} */
  const readTexts = [];
  /** @type {TextSettings | null} */
  let text = null;
  let whole = architecture;
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { class_name: className, ...before } of found) {
    const name = nameOf(before);
    // takeOut() may have replaced the entry in `found`, so look it up again.
    const entry = listOf(whole).find((each) => each?.class_name === className && nameOf(each) === name);
    const count = counts.get(className) ?? 0;
    counts.set(className, count + 1);
    const input = inputOf(whole, entry);
    const isText = /Text|String/.test(className) || /str/.test(String(input?.config?.dtype ?? entry.config?.dtype ?? 'string'));
    const shape = shapeOf(input ?? entry) ?? [null];
    const vector = shape.length === 0 && className === 'TextVectorization';
    if (shape.length !== 1 && !vector)
      throw new UnsupportedError(
        `${name}: ${className} reads an input of shape [${['B', ...shape.map((size) => size ?? 'T')]}]; padless needs [B, T]; ${without(name)}`,
      );
    if (isText) readTexts.push(entry);
    if (readTexts.length > 1)
      throw new UnsupportedError(
        `${name}: the model has ${readTexts.length} layers that read texts (${readTexts.map((each) => each.class_name).join(', ')}); padless reads one`,
      );
    const number = count ? `_${count}` : '';
    const reading = lookups[className]({
      className,
      config: entry.config ?? {},
      name,
      number,
      shape,
      isText,
      stored,
      architecture,
    });
    if (reading.text) ({ text } = /** @type {{ text: TextSettings }} */ (reading));
    whole = takeOut(whole, entry, input, reading);
  }
  return { architecture: whole, text };
}
