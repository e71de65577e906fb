/**
 * A small bar chart of the milliseconds that the last answers took.
 */
import { makeSvg } from './elements.js';
import { say } from './language.js';

/** Maximum number of answers shown; older ones are dropped. */
const KEPT = 60;
const [WIDTH, HEIGHT] = [240, 40];

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

export class Plot {
  /** @type {number[]} */
  #values = [];

  /** @param {SVGElement} svg @param {HTMLElement} caption */
  constructor(svg, caption) {
    this.svg = svg;
    this.caption = caption;
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute('preserveAspectRatio', 'none');
  }

  /** @param {number} milliseconds */
  add(milliseconds) {
    this.#values = [...this.#values, milliseconds].slice(-KEPT);
    this.drawBars();
  }

  clear() {
    this.#values = [];
  }

  drawBars() {
    const values = this.#values;
    if (values.length === 0) return;
    const most = Math.max(...values);
    const x = (/** @type {number} */ i) => (WIDTH * (KEPT - values.length + i + 0.5)) / KEPT;
    const bars = values.map((value, i) => {
      const height = Math.max(1.5, (HEIGHT * value) / (most || 1));
      return makeSvg('rect', { x: x(i) - 1.4, y: HEIGHT - height, width: 2.8, height, rx: 0.8 });
    });
    this.svg.replaceChildren(...bars);
    this.caption.textContent = say('plot', { n: values.length, middle: median(values).toFixed(1), most: most.toFixed(1) });
  }
}
