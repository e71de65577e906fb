/**
 * Colours words in a text box, which can hold plain text only. A copy of the text lies behind the box, with transparent letters and coloured
 * backgrounds; its lines break at the same places. Screen readers skip it.
 */
import { make } from './elements.js';

/** Only this many characters at the start of the text are coloured. */
const HIGHLIGHTED = 5000;

/** @typedef {{ start: number, end: number, colour: number }} Piece  a range of the text; colour: negative for none */

/**
 * Moves pieces to their new positions after one edit of the text, and drops the pieces that the edit touches.
 * @param {Piece[]} pieces @param {string} from  the text before @param {string} to  the text after
 */
export function shifted(pieces, from, to) {
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
  /** The text of the last answer, and its pieces. @type {{ text: string, pieces: Piece[] }} */
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
    // No answer arrives while an input method composes: move the colours of the last answer with the text.
    box.addEventListener('input', (event) => {
      if (/** @type {InputEvent} */ (event).isComposing) this.#shiftPieces();
    });
    box.addEventListener('compositionend', () => this.#shiftPieces());
    new ResizeObserver(() => this.#alignCopy()).observe(box);
  }

  /** Reserves the width of a scroll bar in the copy if the box has one, and scrolls the copy to the position of the box. */
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
   * Colours the text of an answer.
   * @param {string} text
   * @param {Piece[]} pieces  in order of their starts
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
    // The box shows an empty line after a final line break; the copy needs a character there to do so.
    if (at > 0) nodes.push(text.slice(at, Math.max(at, HIGHLIGHTED)), '\u200b');
    this.copy.replaceChildren(...nodes);
    if (at > 0 && text.length > HIGHLIGHTED) {
      // An empty element as high as the rest of the text gives the copy the scroll height of the box.
      const rest = make('div', '');
      this.copy.append(rest);
      rest.style.height = `${Math.max(0, this.box.scrollHeight - this.copy.scrollHeight)}px`;
    }
    this.#alignCopy();
  }
}
