/**
 * Layers at the beginning of a model that turn texts into ids, or numbers into other ones -> the same model without them, and text settings.
 * js/import/lookups.js reads the layers.
 * @module
 */
import { show, textOf, UnsupportedError } from '../errors.js';
import { lookups, without } from './lookups.js';
import { listOf, NESTED_MOST } from './tokenizer.js';
/** @typedef {import('../text/vectorizer.js').TextSettings} TextSettings */
/** @typedef {import('./lookups.js').Reading} Reading */
/** @typedef {import('./lookups.js').Stored} Stored */

/** Layers that number what is no text, where they cannot be read. */
const NUMBERING = /: class ((?:TextVectorization|StringLookup|IntegerLookup|Hashing|HashedCrossing)) is not /;

/** Says what to do about a layer in front of a model that padless lacks. @param {any} error */
export function advisedOfNumbering(error) {
  const [, className] = NUMBERING.exec(error?.message) ?? [];
  if (className)
    error.message += `; ${className} numbers its input before the model reads it: save the model without it, keras.Model(layer.output, model.output), and give what it gives`;
  return error;
}

/** @param {any} entry */
const nameOf = (entry) => textOf(entry?.name ?? entry?.config?.name);
/** @param {any} entry */
const isInput = (entry) => entry?.class_name === 'InputLayer';

/** The name of what a layer of a functional model reads, as Keras 2 or 3 writes it. @param {any} entry @returns {string | null} null: not one tensor, once */
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

/** How often a value of JSON has [name, number, ...], which stands for the output of a layer. @param {any} value @param {string} name @param {number} [depth] @returns {number} */
function usesOf(value, name, depth = 0) {
  if (value === null || typeof value !== 'object' || depth > NESTED_MOST) return 0;
  if (Array.isArray(value) && value[0] === name && Number.isInteger(value[1])) return 1;
  return Object.values(value).reduce((sum, item) => sum + usesOf(item, name, depth + 1), 0);
}

/** Whatever takes the output of one layer takes that of another. @param {any} value @param {string} from @param {string} to @param {number} [depth] @returns {any} */
function rewired(value, from, to, depth = 0) {
  if (value === null || typeof value !== 'object' || depth > NESTED_MOST) return value;
  if (!Array.isArray(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewired(item, from, to, depth + 1)]));
  const isRef = value[0] === from && Number.isInteger(value[1]);
  return isRef ? [to, 0, 0, ...value.slice(3)] : value.map((item) => rewired(item, from, to, depth + 1));
}

/** An InputLayer of texts or numbers -> one of ids. @param {any} entry @param {Reading} reading */
function idsInput(entry, { shape, numbering }) {
  const config = { ...entry.config, batch_shape: [null, ...shape], dtype: 'int32', ...(numbering && { numbering }) };
  delete config.batch_input_shape;
  delete config.shape;
  return { ...entry, config };
}

/** The layer in place of a lookup. @param {any} entry @param {any} encoding  config of the CategoryEncoding */
const encoder = (entry, encoding) => ({
  ...entry,
  class_name: 'CategoryEncoding',
  registered_name: null,
  module: 'keras.layers',
  config: { name: nameOf(entry), ...encoding },
});

/**
 * Takes one lookup out of a model.
 * @param {any} architecture @param {any} entry  of the lookup @param {any} input  its InputLayer; undefined: it stands first in a Sequential
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
 * The InputLayer that a lookup reads, and that nothing else reads.
 * @param {any} architecture @param {any} entry @returns {any} undefined: the lookup stands first in a Sequential
 */
function inputOf(architecture, entry) {
  const list = listOf(architecture);
  const { class_name: className } = entry;
  const name = nameOf(entry);
  if (architecture.class_name === 'Sequential') {
    const before = list.slice(0, list.indexOf(entry));
    if (!before.every(isInput))
      throw new UnsupportedError(`${name}: ${className} behind another layer; padless has it as the first`);
    return before[0];
  }
  const source = sourceOf(entry);
  const input = list.find((each) => isInput(each) && nameOf(each) === source);
  if (!input) throw new UnsupportedError(`${name}: ${className} reads ${show(source)}; padless has it once, behind an input`);
  const { config } = architecture;
  const uses = usesOf([list.map((each) => each?.inbound_nodes), config.output_layers], /** @type {string} */ (source));
  if (uses > 1)
    throw new UnsupportedError(
      `${name}: ${className} reads ${show(source)}, which another layer reads, too; padless has it once, behind an input of its own; ${without(name)}`,
    );
  return input;
}

/**
 * A model that begins with layers which number texts or numbers -> the same without them, and its text settings.
 * @param {any} architecture
 * @param {Stored} stored
 * @returns {{ architecture: any, text: TextSettings | null }}
 * @throws {import('../errors.js').ModelFileError | UnsupportedError}
 */
export function withoutLookups(architecture, stored) {
  const found = listOf(architecture).filter((entry) => Object.hasOwn(lookups, String(entry?.class_name)));
  /** @type {any[]} */
  const readTexts = [];
  /** @type {TextSettings | null} */
  let text = null;
  let whole = architecture;
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { class_name: className, ...before } of found) {
    const name = nameOf(before);
    // As it stands now: the layers before it may have been taken out.
    const entry = listOf(whole).find((each) => each?.class_name === className && nameOf(each) === name);
    const count = counts.get(className) ?? 0;
    counts.set(className, count + 1);
    const input = inputOf(whole, entry);
    const isText = /Text|String/.test(className) || /str/.test(String(input?.config?.dtype ?? entry.config?.dtype ?? 'string'));
    const shape = shapeOf(input ?? entry) ?? [null];
    const vector = shape.length === 0 && className === 'TextVectorization';
    if (shape.length !== 1 && !vector)
      throw new UnsupportedError(
        `${name}: ${className} reads an input of shape [${['B', ...shape.map((size) => size ?? 'T')]}]; padless has it for [B, T]; ${without(name)}`,
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
