/**
 * The first screen: one text, one slider for padding, and two answers of the same weights. Padding changes no bit of the masked answer; the naive
 * answer reads padding as if it were text.
 */
import { attach } from 'padless/dom';
import { SURE } from './answer.js';
import { find, findInput, make } from './elements.js';
import { bindText, onNear } from './fields.js';
import { format, languageName, onLanguage, percent, say } from './language.js';
import { argmax, bitsOf } from './numbers.js';
import { padText, runThreeWays } from './padding.js';
import { MAX_PADDING, onState, setState, state, takeOver } from './state.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {{ label: string, score: number, bits: string, visited: number }} Answer */

/** Maximum number of cells in the drawn row; of a longer row, the beginning and the last DRAWN_END cells are drawn. */
const [DRAWN_CELLS, DRAWN_END] = [80, 20];
/** The range under the slider shows the naive answer for each number of padding steps, if the text has at most this many tokens. */
const RANGE_TOKENS = 100;
/** A text of this many tokens is longer than most sentences: if its score is low, more text would not help. */
const LONG_TOKENS = 80;
/** Milliseconds without a change of text and padding before the range is computed, and before a screen reader announces the answers. */
const RANGE_MS = 150;
const ANNOUNCE_MS = 1000;

/** @param {string} text */
const hasLetters = (text) => /\p{L}/u.test(text);

/**
 * What naive padding did to the answer, as a sentence; or that the answer means little.
 * @param {string} text @param {number} count  number of tokens that the model read @param {Answer} alone @param {Answer} naive @param {number} padding
 */
function verdictOf(text, count, alone, naive, padding) {
  // As many digits as it takes to tell the two scores apart.
  let digits = 1;
  while (digits < 6 && percent(naive.score, digits) === percent(alone.score, digits)) digits++;
  const values = {
    naive: languageName(naive.label),
    masked: languageName(alone.label),
    score: percent(naive.score, digits),
    alone: percent(alone.score, digits),
    count: format(count),
  };
  if (!hasLetters(text)) return say('proofNoLetters');
  if (alone.score < SURE) return say(count < LONG_TOKENS ? 'proofUnsure' : 'proofUnsureLong', values);
  if (padding === 0) return say('proofNone');
  if (naive.label !== alone.label) return say('proofOther', values);
  if (naive.bits === alone.bits) return say('proofEqual', values);
  return say(naive.score > alone.score ? 'proofHigher' : 'proofLower', values);
}

/** Fills one of the two answers. @param {'masked' | 'naive'} id @param {Answer} answer @param {Answer} alone */
function showAnswer(id, answer, alone) {
  const same = answer.bits === alone.bits && answer.label === alone.label;
  find(id).classList.toggle('wrong', answer.label !== alone.label);
  find(`${id}-name`).textContent = languageName(answer.label);
  find(`${id}-name`).dataset.label = answer.label;
  find(`${id}-score`).textContent = percent(answer.score);
  find(`${id}-bits`).textContent = answer.bits;
  const compared = find(`${id}-same`);
  compared.textContent = say(same ? 'proofSame' : 'proofDiffers');
  compared.className = same ? 'same' : 'differs';
  find(`${id}-steps`).textContent = say('proofSteps', { n: format(answer.visited) });
}

/** Draws the padded row that both answers read: a cell for each character, hatched for padding. @param {import('./padding.js').Row} row */
function drawRow({ tokens, mask }) {
  const cellOf = (/** @type {number} */ t) => make('span', mask[t] ? '' : 'pad', mask[t] ? tokens[t] : '');
  const count = tokens.length;
  const long = count > DRAWN_CELLS;
  const cells = Array.from({ length: Math.min(count, DRAWN_CELLS) }, (_, i) =>
    cellOf(long && i >= DRAWN_CELLS - DRAWN_END ? count - DRAWN_CELLS + i : i),
  );
  if (long) cells.splice(DRAWN_CELLS - DRAWN_END, 0, make('span', 'gap', '…'));
  find('proof-row').classList.toggle('long', long);
  find('proof-row').replaceChildren(...cells);
}

export class Proof {
  /** @type {Model | null} */
  #model = null;
  /** @type {ReturnType<typeof attach> | null} */
  #typing = null;
  #near = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #rangeTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #announceTimer;
  #box = /** @type {HTMLTextAreaElement} */ (find('proof-text'));
  #slider = findInput('proof-padding');

  /** @param {(error: unknown) => void} onError  called with null when there is no error */
  constructor(onError) {
    this.onError = onError;
    this.#slider.max = String(MAX_PADDING);
    if (this.#slider.value !== this.#slider.defaultValue) takeOver('padding', Number(this.#slider.value));
    this.#slider.addEventListener('input', () => setState({ padding: Number(this.#slider.value) }));
    bindText(this.#box, () => this.#typing?.refresh());
    onState(({ padding, side }) => {
      if (padding !== undefined || side !== undefined) this.#show();
    });
    onNear(find('proof'), (near) => {
      if (near && !this.#near) this.#show();
      this.#near = near;
    });
    onLanguage(() => this.#show());
    this.#showPadding();
  }

  /** Shows the first answers, and connects the model with the text box. @param {Model} model */
  start(model) {
    this.#model = model;
    this.#show();
    const shown = this.#box.value;
    let first = true;
    /** @type {any} */
    const answering = { predict: () => null };
    this.#typing = attach(this.#box, answering, {
      onAnswer: (_, { text }) => {
        if (!first || text !== shown) this.#show();
        first = false;
      },
      onError: (error) => this.onError(error),
    });
  }

  #showPadding() {
    const { padding } = state();
    this.#slider.value = String(padding);
    find('proof-count').textContent = format(padding);
  }

  #show() {
    this.#showPadding();
    if (!this.#model) return;
    try {
      this.#showAnswers(this.#model);
      this.onError(null);
    } catch (error) {
      this.onError(error);
    }
  }

  /** @param {Model} model */
  #showAnswers(model) {
    const { padding, side } = state();
    const text = this.#box.value;
    const row = padText(text, model, { side, padding });
    const empty = text.trim() === '';
    clearTimeout(this.#rangeTimer);
    clearTimeout(this.#announceTimer);
    find('proof').classList.toggle('empty', empty);
    if (empty) {
      find('verdict').textContent = say('proofEmpty');
      return;
    }
    drawRow(row);
    const labels = model.outputs[0].labels ?? [];
    const ways = runThreeWays(model, row);
    /** @param {{ data: Float32Array, visited: number }} way @returns {Answer} */
    const answerOf = ({ data, visited }) => {
      const best = argmax(data);
      return { label: labels[best], score: data[best], bits: bitsOf(data[best]), visited };
    };
    const [alone, masked, naive] = [ways.alone, ways.masked, ways.naive].map(answerOf);
    showAnswer('masked', masked, alone);
    showAnswer('naive', naive, alone);
    find('answers').classList.toggle('guess', alone.score < SURE || !hasLetters(text));
    const verdict = verdictOf(text, row.alone.length, alone, naive, padding);
    find('verdict').textContent = verdict;
    this.#rangeTimer = setTimeout(() => this.#showRange(model, row.alone, masked.label), RANGE_MS);
    this.#announceTimer = setTimeout(() => {
      find('heard').textContent =
        `${say('masked')}: ${languageName(masked.label)}. ${say('naive')}: ${languageName(naive.label)}. ${verdict}`;
    }, ANNOUNCE_MS);
  }

  /**
   * Shows under the slider which answer naive code gives for each number of padding steps.
   * @param {Model} model @param {ArrayLike<unknown>} alone @param {string} right  the masked answer
   */
  #showRange(model, alone, right) {
    find('proof-range').replaceChildren();
    if (alone.length > RANGE_TOKENS || !this.#near) return;
    const labels = model.outputs[0].labels ?? [];
    const winners = Array.from({ length: MAX_PADDING + 1 }, (_, padding) => {
      const { ids } = padText(this.#box.value, model, { side: state().side, padding });
      return labels[argmax(model.run([ids], { mask: [ids.map(() => 1)] })[0].data)];
    });
    let from = 0;
    const segments = [];
    for (let n = 1; n <= winners.length; n++) {
      if (winners[n] === winners[from]) continue;
      const segment = make('span', winners[from] === right ? 'right' : 'wrong', make('span', '', languageName(winners[from])));
      segment.style.flexGrow = String(n - from);
      segment.title = say('proofRange', { from, to: n - 1, name: languageName(winners[from]) });
      segments.push(segment);
      from = n;
    }
    find('proof-range').replaceChildren(...segments);
  }
}
