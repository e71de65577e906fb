/**
 * Draws the backward pass of a recurrent layer twice: naive, which starts at the last position, and aligned, which starts at the last
 * position that is not padding. The layer has one unit, h[t] = tanh(x[t] + h[t + 1] / 2), so that every number can be checked by hand;
 * padless's recurrent kernel computes it.
 */
import { find, findInput, make, makeSvg, tableHead, tableRow } from './elements.js';
import { onLanguage, say } from './language.js';
import { asSequence, formatFixed } from './numbers.js';
import { shownPositions } from './tokens.js';

/** Milliseconds a step while the animation plays. */
const STEP_MS = 450;
/** Minimum and maximum width of a position in the drawing, which fills the section's width, and the maximum radius of its circle, in pixels. */
const [LEAST_WIDTH, MOST_WIDTH, MOST_RADIUS] = [26, 58, 19];
/** y of the circles' centres, and the height below the circles for horizontal and for vertical numbers, in pixels. */
const [TOP, BOTTOM, UPRIGHT_BOTTOM] = [62, 34, 56];
/** Width of a state's number and a gap, in pixels. */
const NUMBER_WIDTH = 44;
/** Characters of a token that are written into a circle, and the width of a bold character in parts of the font size. */
const TOKEN_CHARACTERS = 4;
const CHARACTER_WIDTH = 0.75;

const scalarCell = /** @type {const} */ ({
  cell: 'SimpleRNN',
  kernel: { data: [1], shape: [1, 1] },
  recurrentKernel: { data: [0.5], shape: [1, 1] },
});

/** One feature at each position: values of the padded row, aloneValues of the text without padding. @typedef {{ tokens: string[], mask: number[], values: Float32Array, aloneValues: Float32Array }} PassRow */
/** @typedef {{ name: string, order: number[], states: Float32Array }} Pass  order: the positions in the order in which the pass visits them */

/** @typedef {ReturnType<typeof shownPositions>[number]} Shown */

/** The width inside an element's padding, in pixels. @param {HTMLElement} element */
function contentWidth(element) {
  const { paddingLeft, paddingRight } = getComputedStyle(element);
  return element.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
}

/** A token, cut to what fits into a circle. @param {string} token */
const shorten = (token) => {
  const characters = [...token];
  return characters.length > TOKEN_CHARACTERS ? `${characters.slice(0, TOKEN_CHARACTERS - 1).join('')}…` : token;
};

/** A difference: "0" only if it is exactly 0, and one significant digit if three decimals would show 0. @param {number} value */
const formatDifference = (value) => {
  if (value === 0) return '0';
  return Math.abs(value) < 1e-3 ? value.toPrecision(1).replaceAll('-', '−') : formatFixed(value);
};

export class Passes {
  /** @type {PassRow | null} */
  #row = null;
  /** @type {Pass[]} */
  #passes = [];
  /** For each position of the row, the state in the text without padding; null for padding. @type {(number | null)[]} */
  #wanted = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {import('padless').Kernels} pl */
  constructor(pl) {
    this.pl = pl;
    this.beat = findInput('beat');
    this.beat.addEventListener('input', () => {
      this.#stop();
      this.#drawPasses();
    });
    find('play').addEventListener('click', () => (this.#timer === undefined ? this.#play() : this.#stop()));
    onLanguage(() => this.#stop());
    new ResizeObserver(() => this.#drawPasses()).observe(/** @type {Element} */ (find('passes').closest('section')));
  }

  /** Computes both passes of a row and shows them. @param {PassRow} row */
  setRow(row) {
    this.#stop();
    const { mask, values, aloneValues } = row;
    const T = mask.length;
    // With goBackwards, the kernel returns the outputs in the order in which it visits the positions: last position first.
    const naive = this.pl.rnn(asSequence(values), { ...scalarCell, goBackwards: true }).sequence.data.reverse();
    const backward = this.pl.bidirectional(asSequence(values), {
      forward: scalarCell,
      backward: scalarCell,
      mergeMode: 'none',
      mask,
    });
    const alone = this.pl.rnn(asSequence(aloneValues), { ...scalarCell, goBackwards: true }).sequence.data.reverse();
    const all = Array.from({ length: T }, (_, i) => T - 1 - i);
    let n = 0;
    this.#wanted = mask.map((counts) => (counts ? alone[n++] : null));
    this.#row = row;
    this.#passes = [
      { name: say('naive'), order: all, states: naive },
      {
        name: say('aligned'),
        order: all.filter((t) => mask[t]),
        states: /** @type {NonNullable<typeof backward.backwardSequence>} */ (backward.backwardSequence).data,
      },
    ];
    this.beat.max = String(T);
    this.beat.value = String(T);
    this.#drawPasses();
    this.#showStates();
  }

  #play() {
    if (Number(this.beat.value) >= Number(this.beat.max)) this.beat.value = '0';
    find('play').textContent = say('pause');
    this.#timer = setInterval(() => {
      this.beat.stepUp();
      this.#drawPasses();
      if (Number(this.beat.value) >= Number(this.beat.max)) this.#stop();
    }, STEP_MS);
    this.#drawPasses();
  }

  #stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    find('play').textContent = say('play');
  }

  #drawPasses() {
    if (!this.#row) return;
    const { tokens, mask } = this.#row;
    const beat = Number(this.beat.value);
    const shown = shownPositions(mask);
    const room = contentWidth(/** @type {HTMLElement} */ (find('passes').closest('section')));
    const width = Math.max(LEAST_WIDTH, Math.min(MOST_WIDTH, Math.floor(room / shown.length)));
    const figures = this.#passes.map((pass) => {
      const visited = shown.filter(({ t }) => pass.order.includes(t)).reverse();
      // Each token is isolated in a <bdi>: otherwise tokens of right-to-left scripts would reverse the order of the list.
      const read = visited.flatMap(({ t, hidden }, i) => [i ? ' → ' : '', hidden ? '…' : make('bdi', '', tokens[t])]);
      const order = make('span', 'hint', say('order'), ' ', ...read);
      order.dir = 'ltr';
      const caption = make('figcaption', '', make('b', '', pass.name), ' ', order);
      return make('figure', '', caption, this.#drawPass(pass, { beat, shown, width }));
    });
    find('passes').replaceChildren(...figures);
    this.#scrollToStep(beat, shown, width);
  }

  /**
   * Scrolls a drawing that is wider than its container to the next step of the naive pass, or back to its first step when all are done.
   * @param {number} beat @param {Shown[]} shown @param {number} width
   */
  #scrollToStep(beat, shown, width) {
    const { order } = this.#passes[0];
    const place = /** @type {HTMLElement} */ (find('passes').parentElement);
    const t = order[Math.min(beat, order.length) % order.length];
    const at = Math.max(0, shown.filter((position) => position.t <= t).length - 1);
    place.scrollLeft = (at + 0.5) * width - place.clientWidth / 2;
  }

  /** Draws one pass. @param {Pass} pass @param {{ beat: number, shown: Shown[], width: number }} view  beat: number of steps that are done */
  #drawPass({ order, states }, { beat, shown, width: step }) {
    const { tokens, mask } = /** @type {PassRow} */ (this.#row);
    const radius = Math.min(MOST_RADIUS, step / 2 - 2);
    // Numbers that are wider than a position are drawn vertically.
    const upright = step < NUMBER_WIDTH;
    const [width, height] = [shown.length * step, TOP + radius + (upright ? UPRIGHT_BOTTOM : BOTTOM)];
    const places = new Map(shown.map(({ t }, i) => [t, i * step + step / 2]));
    const svg = makeSvg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' });
    const done = order.slice(0, beat);
    const drawn = done.filter((t) => places.has(t));
    drawn.slice(1).forEach((t, i) => {
      const [from, to] = /** @type {[number, number]} */ ([places.get(drawn[i]), places.get(t)]);
      const top = TOP - radius - Math.min(38, 10 + (from - to) / 14);
      const y = TOP - radius - 3;
      svg.append(makeSvg('path', { class: 'arc', d: `M ${from} ${y} Q ${(from + to) / 2} ${top - 8} ${to + 3} ${y}` }));
      svg.append(makeSvg('path', { class: 'tip', d: `M ${to} ${y + 2} l 2 -8 l 6 5 z` }));
    });
    for (const { t, hidden } of shown) {
      const x = /** @type {number} */ (places.get(t));
      if (hidden) {
        svg.append(makeSvg('text', { x, y: TOP + 6, class: 'gap' }, `+${hidden}`));
        continue;
      }
      const visited = done.includes(t);
      const state = visited ? (this.#matchesAlone(states, t) ? 'same' : 'differs') : 'waits';
      const now = done.at(-1) === t && beat < order.length ? ' now' : '';
      const group = makeSvg('g', { class: `${state}${now}${mask[t] ? '' : ' pad'}` });
      group.append(makeSvg('circle', { cx: x, cy: TOP, r: radius }));
      const token = mask[t] ? shorten(tokens[t]) : '0';
      const size = Math.min(17, Math.round(1.1 * radius), (2 * radius - 4) / (CHARACTER_WIDTH * [...token].length));
      group.append(makeSvg('text', { x, y: TOP + size / 3, class: 'token', 'font-size': size }, token));
      if (visited) {
        const y = TOP + radius + 20;
        const turned = upright ? { transform: `rotate(-90 ${x} ${y + 12})`, y: y + 16 } : { y };
        group.append(makeSvg('text', { x, class: 'state', ...turned }, formatFixed(states[t])));
      }
      svg.append(group);
    }
    return svg;
  }

  /** The state at position t has the same bits as in the text without padding. @param {Float32Array} states @param {number} t */
  #matchesAlone(states, t) {
    return Object.is(states[t], this.#wanted[t]);
  }

  #showStates() {
    const { tokens, mask } = /** @type {PassRow} */ (this.#row);
    const kept = mask.map((_, t) => t).filter((t) => mask[t]);
    const wanted = /** @type {number[]} */ (this.#wanted);
    const rows = [
      tableRow(
        say('alone'),
        kept.map((t) => formatFixed(wanted[t])),
      ),
    ];
    const worst = this.#passes.map(({ name, states }) => {
      const differences = kept.map((t) => states[t] - wanted[t]);
      const cells = differences.map((difference, i) =>
        make('span', this.#matchesAlone(states, kept[i]) ? 'same' : 'differs', formatDifference(difference)),
      );
      rows.push(tableRow(say('difference', { name }), cells));
      return formatDifference(Math.max(...differences.map(Math.abs)));
    });
    // Where the naive pass happens to be right, the page says why.
    const behind = mask.lastIndexOf(0) > mask.indexOf(1);
    const why = worst[0] !== '0' || !mask.includes(0) ? '' : ` ${say(behind ? 'worstZero' : 'worstFront')}`;
    find('worst').textContent = say('worst', { naive: worst[0], aligned: worst[1] }) + why;
    find('states').replaceChildren(tableHead(['', ...kept.map((t) => make('bdi', '', tokens[t]))]), make('tbody', '', ...rows));
  }
}
