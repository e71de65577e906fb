/**
 * The language of the interface. The user chooses it, the browser stores it, and every element with data-say or data-say-label shows it.
 */
import { find } from './elements.js';
import { words } from './words.js';

/** @typedef {keyof typeof words} Language */
/** @typedef {keyof (typeof words)['en']} Word */

const STORAGE_KEY = 'padless-language';

/** @type {Language} */
let chosen = 'en';

export const currentLanguage = () => chosen;
/** @type {(() => void)[]} */
const listeners = [];

/** @returns {Language} */
function preferredLanguage() {
  try {
    const kept = localStorage.getItem(STORAGE_KEY);
    if (kept !== null && Object.hasOwn(words, kept)) return /** @type {Language} */ (kept);
  } catch {
    // The browser blocks storage.
  }
  return navigator.language.startsWith('zh') ? 'zh-Hans' : 'en';
}

/**
 * A text of the page in the current language.
 * @param {Word} word
 * @param {Record<string, string | number>} [values]  for each {name} in the text
 */
export const say = (word, values = {}) => words[chosen][word].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

/** @param {() => void} listener  called when the language changes */
export const onLanguage = (listener) => listeners.push(listener);

/** A number in the notation of the current language. @param {number} value @param {Intl.NumberFormatOptions} [options] */
export const format = (value, options) => new Intl.NumberFormat(chosen, options).format(value);
/** @param {number} value @param {number} [digits] */
export const percent = (value, digits = 1) =>
  format(value, { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits });
/** @param {number} bytes */
export const size = (bytes) =>
  bytes < 1e6
    ? `${format(Math.round(bytes / 1000))} kB`
    : `${format(bytes / 1e6, { maximumFractionDigits: 1, minimumFractionDigits: 1 })} MB`;

/** The name of a language in the current language. @param {string} label  a language tag, such as zh-Hans */
export function languageName(label) {
  try {
    return new Intl.DisplayNames([chosen], { type: 'language' }).of(label) ?? label;
  } catch {
    return label;
  }
}

/** @param {Language} language */
function setLanguage(language) {
  chosen = language;
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-say]'))
    element.textContent = say(/** @type {Word} */ (/** @type {HTMLElement} */ (element).dataset.say));
  for (const element of document.querySelectorAll('[data-say-label]'))
    element.setAttribute('aria-label', say(/** @type {Word} */ (/** @type {HTMLElement} */ (element).dataset.sayLabel)));
  for (const button of find('languages').querySelectorAll('button'))
    button.setAttribute('aria-pressed', String(button.lang === language));
  for (const listener of listeners) listener();
}

export function startLanguage() {
  for (const button of find('languages').querySelectorAll('button'))
    button.addEventListener('click', () => {
      const language = /** @type {Language} */ (button.lang);
      try {
        localStorage.setItem(STORAGE_KEY, language);
      } catch {
        // The browser blocks storage: the choice is lost when the page is closed.
      }
      setLanguage(language);
    });
  setLanguage(preferredLanguage());
}
