/**
 * Text boxes that share the page's one text: what the user types into one box appears in the others.
 */
import { onState, setState, state, takeOver } from './state.js';

/** @typedef {HTMLTextAreaElement | HTMLInputElement} Field */

/**
 * Calls back when an element comes near the window, and when it leaves.
 * @param {Element} element @param {(near: boolean) => void} onChange
 */
export function onNear(element, onChange) {
  const observer = new IntersectionObserver(
    (entries) => onChange(/** @type {IntersectionObserverEntry} */ (entries.at(-1)).isIntersecting),
    {
      rootMargin: '300px',
    },
  );
  observer.observe(element);
}

/**
 * Connects a field with the page's text. A field that is out of sight is updated only when it comes near the window, because the layout of a very
 * long text takes time.
 * @param {Field} field
 * @param {() => void} onSet  called after another field's text was written into this one
 */
export function bindText(field, onSet) {
  let near = false;
  const write = () => {
    if (!near || field.value === state().text) return;
    field.value = state().text;
    onSet();
  };
  const typed = () => setState({ text: field.value });
  // A text that the user typed before this script ran is kept.
  if (field.value !== field.defaultValue) takeOver('text', field.value);
  field.value = state().text;
  field.addEventListener('input', (event) => {
    // The other fields do not get text that an input method is still composing.
    if (!(/** @type {InputEvent} */ (event).isComposing)) typed();
  });
  field.addEventListener('compositionend', typed);
  onState(({ text }) => {
    if (text !== undefined) write();
  });
  onNear(field, (now) => {
    near = now;
    write();
  });
}

/**
 * Replaces a field's text as if the user had typed it, so that the browser's Undo brings the earlier text back.
 * @param {Field} field @param {string} text
 */
export function replaceText(field, text) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  field.focus({ preventScroll: true });
  field.select();
  // execCommand is deprecated, but no other function changes a field's text and keeps its undo history.
  const done = text === '' ? document.execCommand('delete') : document.execCommand('insertText', false, text);
  if (!done || field.value !== text) {
    field.value = text;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }
  if (focused !== field) focused?.focus({ preventScroll: true });
}
