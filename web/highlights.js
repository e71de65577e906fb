/**
 * Colours under the words of a text box: a copy of its text, that nobody reads or sees, stands behind it, line by line at the same place.
 */
import { make } from './elements.js';

/** Characters that are coloured; of a longer text, the first ones. */
const HIGHLIGHTED = 5000;

/** @typedef {{ start: number, end: number, colour: number }} Piece */

/**
 * Pieces of a text where they stand once it was changed in one place; those that the change touches are gone.
 * @param {Piece[]} pieces @param {string} from @param {string} to
 */
function shifted(pieces, from, to) {
  const most = Math.min(from.length, to.length);
  let head = 0;
  while (head < most && from[head] === to[head]) head++;
  let tail = 0;
  while (tail < most - head && from.at(-1 - tail) === to.at(-1 - tail)) tail++;
  const by = to.length - from.length;
  return pieces.flatMap((piece) => {
    if (piece.end <= head) return [piece];
    return piece.start >= from.length - tail ? [{ ...piece, start: piece.start + by, end: piece.end + by }] : [];
  });
}

export class Highlights {
  /** What was answered last. @type {{ text: string, pieces: Piece[] }} */
  #answered = { text: '', pieces: [] };

  /** @param {HTMLTextAreaElement} box */
  constructor(box) {
    this.box = box;
    this.copy = make('div', 'under');
    this.copy.setAttribute('aria-hidden', 'true');
    this.copy.dir = 'auto';
    const around = make('div', 'around');
    box.before(around);
    around.append(this.copy, box);
    box.addEventListener('scroll', () => this.#alignCopy());
    // The answer waits for what is being composed.
    box.addEventListener('input', (event) => {
      if (/** @type {InputEvent} */ (event).isComposing) this.#shiftPieces();
    });
    box.addEventListener('compositionend', () => this.#shiftPieces());
    new ResizeObserver(() => this.#alignCopy()).observe(box);
  }

  /** Room for a scroll bar where the box has one, and scrolled as far. */
  #alignCopy() {
    const { box, copy } = this;
    if (!copy.firstChild) return;
    copy.classList.toggle('scrolls', box.scrollHeight > box.clientHeight);
    copy.scrollTop = box.scrollTop;
  }

  #shiftPieces() {
    const { text, pieces } = this.#answered;
    if (pieces.length) this.#paint(this.box.value, shifted(pieces, text, this.box.value));
  }

  /**
   * @param {string} text
   * @param {Piece[]} pieces  in order
   */
  highlight(text, pieces) {
    this.#answered = { text, pieces };
    this.#paint(text, pieces);
  }

  /** @param {string} text @param {Piece[]} pieces */
  #paint(text, pieces) {
    const nodes = [];
    let at = 0;
    for (const { start, end, colour } of pieces) {
      if (start >= HIGHLIGHTED) break;
      if (start < at || colour < 0) continue;
      nodes.push(text.slice(at, start), make('span', `tag-${colour}`, text.slice(start, end)));
      at = end;
    }
    // A line break at the end is a line in the box.
    if (at > 0) nodes.push(text.slice(at, Math.max(at, HIGHLIGHTED)), '\u200b');
    this.copy.replaceChildren(...nodes);
    if (at > 0 && text.length > HIGHLIGHTED) {
      // What is not copied is as high, so that both scroll as far.
      const rest = make('div', '');
      this.copy.append(rest);
      rest.style.height = `${Math.max(0, this.box.scrollHeight - this.copy.scrollHeight)}px`;
    }
    this.#alignCopy();
  }
}
