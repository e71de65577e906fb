/**
 * Draws the backward pass of a recurrent layer twice: naive, which starts at the last position, and aligned, which starts at the last
 * position that is not padding. The layer has one unit, h[t] = tanh(x[t] + h[t + 1] / 2), so that every number can be checked by hand;
 * padless's recurrent kernel computes it.
 */
import { find, findInput, make, makeSvg, tableHead, tableRow } from './elements.js';
import { onLanguage, say } from './language.js';
import { asSequence, formatFixed } from './numbers.js';

/** Milliseconds a step while the animation plays. */
const STEP_MS = 450;
const [WIDTH, RADIUS, TOP, BOTTOM] = [58, 19, 62, 34];

const scalarCell = /** @type {const} */ ({
  cell: 'SimpleRNN',
  kernel: { data: [1], shape: [1, 1] },
  recurrentKernel: { data: [0.5], shape: [1, 1] },
});

/** One feature of a padded text: values of the row, aloneValues of the text without padding. @typedef {{ tokens: string[], mask: number[], values: Float32Array, aloneValues: Float32Array }} PassRow */
/** @typedef {{ name: string, order: number[], states: Float32Array }} Pass  order: of the positions, as the pass visits them */

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
    const { tokens } = this.#row;
    const beat = Number(this.beat.value);
    const figures = this.#passes.map((pass) => {
      const read = pass.order.map((t) => tokens[t]).join(' → ');
      const caption = make('figcaption', '', make('b', '', pass.name), ' ', make('bdi', 'hint', say('order', { order: read })));
      return make('figure', '', caption, this.#drawPass(pass, beat));
    });
    find('passes').replaceChildren(...figures);
  }

  /** Draws one pass. @param {Pass} pass @param {number} beat  number of steps that are done */
  #drawPass({ order, states }, beat) {
    const { tokens, mask } = /** @type {PassRow} */ (this.#row);
    const [width, height] = [tokens.length * WIDTH, TOP + RADIUS + BOTTOM];
    const x = (/** @type {number} */ t) => t * WIDTH + WIDTH / 2;
    const svg = makeSvg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, 'aria-hidden': 'true' });
    const done = order.slice(0, beat);
    done.slice(1).forEach((t, i) => {
      const [from, to] = [x(done[i]), x(t)];
      const top = TOP - RADIUS - Math.min(38, 10 + (from - to) / 14);
      const y = TOP - RADIUS - 3;
      svg.append(makeSvg('path', { class: 'arc', d: `M ${from} ${y} Q ${(from + to) / 2} ${top - 8} ${to + 3} ${y}` }));
      svg.append(makeSvg('path', { class: 'tip', d: `M ${to} ${y + 2} l 2 -8 l 6 5 z` }));
    });
    tokens.forEach((token, t) => {
      const visited = done.includes(t);
      const state = visited ? (mask[t] ? (this.#matchesAlone(states, t) ? 'same' : 'differs') : 'differs') : 'waits';
      const now = done.at(-1) === t && beat < order.length ? ' now' : '';
      const group = makeSvg('g', { class: `${state}${now}${mask[t] ? '' : ' pad'}` });
      group.append(makeSvg('circle', { cx: x(t), cy: TOP, r: RADIUS }));
      group.append(makeSvg('text', { x: x(t), y: TOP + 6, class: 'token' }, mask[t] ? token : '0'));
      if (visited) group.append(makeSvg('text', { x: x(t), y: TOP + RADIUS + 20, class: 'state' }, formatFixed(states[t])));
      svg.append(group);
    });
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
    find('worst').textContent = say('worst', { naive: worst[0], aligned: worst[1] });
    find('states').replaceChildren(tableHead(['', ...kept.map((t) => tokens[t])]), make('tbody', '', ...rows));
  }
}
