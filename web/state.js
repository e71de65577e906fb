/**
 * The state of the page: a text, a model and padding. All sections share it, and the fragment of the address holds it, so that a link restores it.
 * Browsers do not send the fragment to the server, so the text stays in the browser.
 */
import { shipped } from './shipped.js';

/** @typedef {'end' | 'front' | 'middle'} Side */
/**
 * @typedef {object} State
 * @property {string} text
 * @property {string} model  a key of `shipped`
 * @property {number} padding  steps, 0 to MAX_PADDING
 * @property {Side} side  where the padding is
 */

export const MAX_PADDING = 48;
/** A longer text is left out of the address, because some programs cut long links. */
export const MAX_LINKED = 1000;
/** The address is updated this many milliseconds after text or padding changed, because Safari refuses more than 100 updates in 30 seconds. */
const ADDRESS_MS = 400;

/** Without padding, the answer for this text has a high score; with this padding, the naive answer is another language. @type {Readonly<State>} */
export const defaults = { text: 'How are you today', model: 'langid', padding: 12, side: 'end' };
const sides = ['end', 'front', 'middle'];

/** @type {State} */
const current = { ...defaults };
/** @type {((changed: Partial<State>) => void)[]} */
const listeners = [];
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @returns {Readonly<State>} */
export const state = () => current;
/** @param {(changed: Partial<State>) => void} listener  called after a change, with what has changed */
export const onState = (listener) => listeners.push(listener);

/** @param {Partial<State>} changes  valid values; equal ones are ignored */
export function setState(changes) {
  const changed = Object.fromEntries(
    Object.entries(changes).filter(([name, value]) => value !== current[/** @type {keyof State} */ (name)]),
  );
  if (Object.keys(changed).length === 0) return;
  Object.assign(current, changed);
  clearTimeout(timer);
  if ('model' in changed || 'side' in changed) writeAddress();
  else timer = setTimeout(writeAddress, ADDRESS_MS);
  for (const listener of listeners) listener(changed);
}

/** The section that an address names, and the state in it; null for an address without state. @param {string} hash */
function readAddress(hash) {
  const [, section = '', query] = /^#([\w-]*)(?:\?(.*))?$/s.exec(hash) ?? [];
  if (query === undefined) return { section, found: null };
  const values = new URLSearchParams(query);
  const padding = Number(values.get('padding') ?? defaults.padding);
  const side = values.get('side') ?? '';
  const model = values.get('model') ?? '';
  const found = {
    text: values.get('text') ?? defaults.text,
    model: Object.hasOwn(shipped, model) ? model : defaults.model,
    padding: Number.isInteger(padding) && padding >= 0 && padding <= MAX_PADDING ? padding : defaults.padding,
    side: /** @type {Side} */ (sides.includes(side) ? side : defaults.side),
  };
  return { section, found };
}

/** The fragment for a section, with each value that differs from its default. @param {string} section */
export function addressOf(section) {
  const values = new URLSearchParams();
  for (const [name, value] of Object.entries(current))
    if (value !== defaults[/** @type {keyof State} */ (name)] && !(name === 'text' && current.text.length > MAX_LINKED))
      values.set(name, String(value));
  const query = values.toString().replaceAll('+', '%20');
  return `#${section}${query && `?${query}`}`;
}

/** @returns {string} the section that the address names, '' for none */
export const sectionOfAddress = () => readAddress(location.hash).section;

function writeAddress() {
  const address = addressOf(sectionOfAddress());
  // Adds no entry to the history, so that Back leaves the page.
  if (address !== location.hash && !(address === '#' && !location.hash))
    history.replaceState(null, '', address === '#' ? location.pathname + location.search : address);
}

/** The content above a section grows while models load: keep the section in view for this many milliseconds, or until the user does something. */
const KEPT_IN_VIEW_MS = 4000;
let endKeeping = () => {};
/** The section in view, until the user does something; '' for none. */
let kept = '';

/** Scrolls to a section, and keeps it there while the page is filled. @param {string} section */
function scrollTo(section) {
  endKeeping();
  const element = section && document.getElementById(section);
  if (!element) return;
  kept = section;
  const observer = new ResizeObserver(() => element.scrollIntoView());
  observer.observe(document.body);
  const ended = new AbortController();
  endKeeping = () => {
    kept = '';
    observer.disconnect();
    ended.abort();
  };
  for (const event of ['wheel', 'pointerdown', 'keydown', 'input', 'drop'])
    addEventListener(event, () => endKeeping(), { signal: ended.signal, passive: true });
  setTimeout(() => observer.disconnect(), KEPT_IN_VIEW_MS);
}

/** Keeps the section of the address in view again: call it when sections have been filled late. */
export const keepInView = () => scrollTo(kept);

/** The state before the user changed anything. @type {Readonly<State>} */
let atStart = current;

/**
 * Takes over a value that the user gave a control before its script ran, unless the user has changed the state in another place since.
 * @template {keyof State} Name
 * @param {Name} name @param {State[Name]} value
 */
export function takeOver(name, value) {
  if (current[name] === atStart[name]) setState({ [name]: value });
}

/** Shows the state of the address, now and whenever the user or a link changes it. */
export function startState() {
  const { section, found } = readAddress(location.hash);
  Object.assign(current, found);
  atStart = { ...current };
  scrollTo(section);
  addEventListener('hashchange', () => {
    const { section: named, found: given } = readAddress(location.hash);
    if (given) setState(given);
    scrollTo(named);
    writeAddress();
  });
}
