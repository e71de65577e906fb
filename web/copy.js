/**
 * Buttons that copy: the text of an element, or a link to what the page shows.
 */
import { find } from './elements.js';
import { say } from './language.js';
import { addressOf, MAX_LINKED, state } from './state.js';

/** Milliseconds for which a button says that it has copied. */
const SAID_MS = 2000;

/** @param {HTMLElement} button  data-copy: `link`, or the id of the element whose text is copied */
async function copy(button) {
  const what = button.dataset.copy ?? '';
  let done = say('copied');
  try {
    if (what === 'link') {
      const section = button.closest('main > [id]')?.id ?? '';
      const address = addressOf(section);
      history.replaceState(null, '', address);
      if (state().text.length > MAX_LINKED) done = say('copiedWithoutText');
      await navigator.clipboard.writeText(new URL(address, location.href).href);
    } else await navigator.clipboard.writeText(find(what).textContent ?? '');
  } catch {
    done = say('notCopied');
  }
  button.textContent = done;
  find('heard').textContent = done;
  setTimeout(() => {
    button.textContent = say(/** @type {import('./language.js').Word} */ (button.dataset.say));
  }, SAID_MS);
}

export function startCopying() {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-copy]')))
    button.addEventListener('click', () => void copy(button));
}
