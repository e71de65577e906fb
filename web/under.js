/**
 * Colours under the words of a text box: a copy of its text, that nobody reads or sees, stands behind it, line by line at the same place.
 */
import { make } from './elements.js';

/** Characters that are coloured; of a longer text, the first ones. */
const READ = 5000;

export class Under {
  /** @param {HTMLTextAreaElement} box */
  constructor(box) {
    this.box = box;
    this.copy = make('div', 'under');
    this.copy.setAttribute('aria-hidden', 'true');
    this.copy.dir = 'auto';
    const around = make('div', 'around');
    box.before(around);
    around.append(this.copy, box);
    box.addEventListener('scroll', () => this.#follow());
    new ResizeObserver(() => this.#follow()).observe(box);
  }

  /** Room for a scroll bar where the box has one, and scrolled as far. */
  #follow() {
    const { box, copy } = this;
    if (!copy.firstChild) return;
    copy.classList.toggle('scrolls', box.scrollHeight > box.clientHeight);
    copy.scrollTop = box.scrollTop;
  }

  /**
   * @param {string} text
   * @param {{ start: number, end: number, colour: number }[]} pieces  in order
   */
  show(text, pieces) {
    const nodes = [];
    let at = 0;
    for (const { start, end, colour } of pieces) {
      if (start >= READ) break;
      if (start < at || colour < 0) continue;
      nodes.push(text.slice(at, start), make('span', `tag-${colour}`, text.slice(start, end)));
      at = end;
    }
    // A line break at the end is a line in the box.
    if (at > 0) nodes.push(text.slice(at, Math.max(at, READ)), '\u200b');
    this.copy.replaceChildren(...nodes);
    if (at > 0 && text.length > READ) {
      // What is not copied is as high, so that both scroll as far.
      const rest = make('div', '');
      this.copy.append(rest);
      rest.style.height = `${Math.max(0, this.box.scrollHeight - this.copy.scrollHeight)}px`;
    }
    this.#follow();
  }
}
