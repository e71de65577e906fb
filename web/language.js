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

/**
 * A number in the notation of the current language. Small integers look the same in both.
 * @param {number} value @param {Intl.NumberFormatOptions} [options]
 */
export const format = (value, options) =>
  !options && Number.isInteger(value) && value >= 0 && value < 1000
    ? String(value)
    : new Intl.NumberFormat(chosen, options).format(value);
/** A share in percent, which looks the same in both languages. @param {number} value @param {number} [digits] */
export const percent = (value, digits = 1) => `${(100 * value).toFixed(digits)}%`;
/** @param {number} bytes */
export const size = (bytes) =>
  bytes < 1e6
    ? `${format(Math.round(bytes / 1000))} kB`
    : `${format(bytes / 1e6, { maximumFractionDigits: 1, minimumFractionDigits: 1 })} MB`;

/**
 * The names of the languages that answer the first screen's text. The first use of Intl takes tens of milliseconds, as the browser loads its data
 * then, so the first answer makes do without it.
 * @type {Record<Language, Record<string, string>>}
 */
const namesOfFirst = { en: { en: 'English', pl: 'Polish' }, 'zh-Hans': { en: '英语', pl: '波兰语' } };

/** The name of a language in the current language. @param {string} label  a language tag, such as zh-Hans */
export function languageName(label) {
  if (Object.hasOwn(namesOfFirst[chosen], label)) return namesOfFirst[chosen][label];
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
  // The page's HTML is in English.
  if (preferredLanguage() !== chosen) setLanguage(preferredLanguage());
}
