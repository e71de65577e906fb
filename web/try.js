/**
 * Try: one of the page's models, an answer for the text at every keystroke, what it took, where in the text it comes from, and what the
 * model got.
 */
import { attach } from 'padless/dom';
import { answerNodes } from './answer.js';
import { find, make, tokensOf } from './elements.js';
import { heatOf, heatText } from './heat.js';
import { format, onLanguage, percent, say, size } from './language.js';
import { Plot } from './plot.js';
import { load, shipped } from './shipped.js';
import { Under } from './under.js';

/** Tokens shown of a long text. */
const SHOWN = 64;
/** Steps of a batch are a multiple of this, in the picture. */
const ROUND = 8;
/** Of a text with more tokens, what is more than the answer waits until the typing pauses: so many milliseconds. */
const MANY = 100;
const PAUSE = 200;
/** Who listens hears the answer when the typing rests, in milliseconds; of many words, the first ones. */
const REST = 1000;
const SAID = 12;

/**
 * @param {string} token @param {number} id @param {number} mask
 */
export function cell(token, id, mask) {
  return make('li', mask ? '' : 'pad', make('bdi', '', token), make('span', 'id', String(id)), make('span', 'mask', String(mask)));
}

/** @typedef {import('./answer.js').Prediction} Prediction */
/** @typedef {import('padless').Model} Model */
/** @typedef {{ answer: Prediction, text: string }} Last */

/** Address of the panel -> the model it names. @param {string} hash */
const chosenBy = (hash) => {
  const [, id = 'langid'] = /^#try\/(\w+)$/.exec(hash) ?? [];
  return Object.hasOwn(shipped, id) ? id : 'langid';
};

export class Try {
  /** A key of `shipped`. */
  #id = 'langid';
  /** @type {Model | null} */
  #model = null;
  /** It could not be had. */
  #failed = false;
  /** The last answer and its text. @type {Last | null} */
  #last = null;
  /** @type {ReturnType<typeof attach> | null} */
  #typing = null;
  #box = /** @type {HTMLTextAreaElement} */ (find('text'));
  #under = new Under(this.#box);
  #plot = new Plot(/** @type {SVGElement} */ (/** @type {Element} */ (find('plot-bars'))), find('plot-text'));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #rest;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pause;

  /**
   * @param {object} on
   * @param {(error: unknown) => void} on.error  null: all is well
   * @param {(id: string) => void} on.loaded  a model is there
   */
  constructor(on) {
    this.on = on;
    const radios = /** @type {HTMLInputElement[]} */ ([...find('models').querySelectorAll('input')]);
    for (const radio of radios) {
      radio.addEventListener('change', () => {
        history.replaceState(null, '', `#${this.address(radio.value)}`);
        void this.choose(radio.value);
      });
      // Asked for again, it is tried again.
      radio.addEventListener('click', () => {
        if (this.#failed && radio.value === this.#id) void this.choose(radio.value);
      });
    }
    const fromAddress = () => {
      const id = chosenBy(location.hash);
      for (const radio of radios) radio.checked = radio.value === id;
      if (id !== this.#id || !this.#model) void this.choose(id);
    };
    addEventListener('hashchange', () => {
      // Another panel's says nothing about the model.
      if (/^#try\b/.test(location.hash)) fromAddress();
    });
    onLanguage(() => this.#say());
    fromAddress();
  }

  /** Of this panel with its model. */
  address(id = this.#id) {
    return id === 'langid' ? 'try' : `try/${id}`;
  }

  /** @param {string} id */
  async choose(id) {
    this.#typing?.detach();
    clearTimeout(this.#rest);
    clearTimeout(this.#pause);
    this.#id = id;
    this.#model = null;
    this.#failed = false;
    this.#last = null;
    this.on.error(null);
    this.#under.show('', []);
    this.#say();
    for (const hidden of ['heat', 'reads', 'plot', 'cut', 'card']) find(hidden).hidden = true;
    find('time').textContent = '';
    find('about').textContent = '';
    try {
      const model = await load(id);
      // Somebody may have chosen another one meanwhile.
      if (this.#id !== id || this.#model) return;
      this.#model = model;
      this.on.error(null);
      this.#attach(model);
      this.#say();
      this.on.loaded(id);
    } catch (error) {
      if (this.#id !== id) return;
      this.#failed = true;
      this.#say();
      this.on.error(error);
    }
  }

  /** @param {Model} model */
  #attach(model) {
    this.#plot.clear();
    this.#typing = attach(this.#box, model, {
      onAnswer: (answer, { text, ms }) => {
        this.#last = { answer, text };
        try {
          if (text.trim() !== '') {
            find('time').textContent = `${ms.toFixed(1)} ms`;
            find('plot').hidden = false;
            this.#plot.add(ms);
          }
          this.#show();
          this.on.error(null);
        } catch (error) {
          this.on.error(error);
        }
        clearTimeout(this.#rest);
        this.#rest = setTimeout(() => this.#speakOut(), REST);
      },
      onError: this.on.error,
    });
  }

  /** What does not depend on the text, in the language of the page. */
  #say() {
    const { question, about, reads, examples, nameOf } = shipped[this.#id];
    const model = this.#model;
    find('question').textContent = say(question);
    find('heat-title').textContent = say('heatTitle', { tokens: say(reads) });
    const buttons = examples.map(([label, example]) => {
      const button = make('button', '', label ? nameOf(label) : example);
      button.setAttribute('type', 'button');
      if (label) button.dataset.label = label;
      button.addEventListener('click', () => {
        this.#box.value = example;
        this.#typing?.refresh();
      });
      return button;
    });
    const at = [...find('examples').children].indexOf(/** @type {Element} */ (document.activeElement));
    find('examples').replaceChildren(...buttons);
    if (at >= 0) buttons[at]?.focus();
    if (!model) {
      find('answer').replaceChildren(make('p', 'hint', say(this.#failed ? 'noModel' : 'loading')));
      return;
    }
    find('about').textContent = say(about, {
      labels: model.outputs[0].labels?.length ?? 0,
      parameters: format(model.parameters),
      size: size(model.fileBytes),
      build: model.simd,
    });
    find('card').setAttribute('href', `models/${this.#id}/README.md`);
    find('card').hidden = false;
    this.#show();
    this.#plot.show();
  }

  #show() {
    if (!this.#last || !this.#model) return;
    const { answer, text } = this.#last;
    const { nameOf, colourOf, reads } = shipped[this.#id];
    const empty = text.trim() === '';
    clearTimeout(this.#pause);
    for (const id of ['heat', 'reads']) if (empty) find(id).hidden = true;
    find('answer').replaceChildren(
      ...(empty ? [make('p', 'hint', say('empty'))] : answerNodes(answer, { text, nameOf, colourOf })),
    );
    this.#under.show(
      text,
      colourOf && answer.tags ? answer.tags.map(({ label, start, end }) => ({ start, end, colour: colourOf(label) })) : [],
    );
    find('cut').hidden = empty || !answer.truncated;
    find('cut').textContent = say('cut', { maxlen: this.#model.text?.maxlen ?? 0, tokens: say(reads) });
    if (empty) {
      find('time').textContent = '';
      return;
    }
    const details = () => {
      this.#showHeat();
      this.#showTokens();
    };
    if (answer.tokens > MANY) this.#pause = setTimeout(details, PAUSE);
    else details();
  }

  #showHeat() {
    const model = /** @type {Model} */ (this.#model);
    const { text, answer } = /** @type {Last} */ (this.#last);
    const { nameOf, reads } = shipped[this.#id];
    const labels = model.outputs[0].labels ?? [];
    const scores = labels.map((label) => answer.scores?.[label] ?? 0);
    const heat = answer.tokens > 0 && answer.scores ? heatOf(model, text, scores) : null;
    find('heat').hidden = heat === null;
    if (!heat || !model.text) return;
    const [first, second] = heat.labels.map((k) => nameOf(labels[k]));
    const sum = heat.shares.reduce((all, share) => all + share, 0);
    const number = (/** @type {number} */ value) => format(value, { maximumFractionDigits: 2 });
    find('heat-key').textContent = say('heat', { first, second });
    find('heat-text').replaceChildren(heatText(text, model.text.encode(text).offsets, heat.shares, reads === 'words'));
    find('heat-sum').textContent = say('heatSum', {
      ...{ sum: number(sum), bias: number(heat.bias), total: number(sum + heat.bias) },
      ...{ p: first, q: second, token: say(reads === 'words' ? 'word' : 'character') },
    });
  }

  #showTokens() {
    const { text: vectorizer } = /** @type {Model} */ (this.#model);
    const { text } = /** @type {Last} */ (this.#last);
    const { reads } = shipped[this.#id];
    if (!vectorizer) return;
    const { ids: all, tokens } = tokensOf(text, vectorizer, SHOWN);
    const steps = ROUND * Math.floor(all.length / ROUND + 1);
    const { ids, mask } = vectorizer.encodeBatch([text], { minLength: steps });
    const cells = tokens.map((token, i) => cell(token, ids[i], mask[i]));
    for (let i = all.length; i < steps; i++) cells.push(cell('·', ids[i], mask[i]));
    find('reads').hidden = false;
    find('tokens').classList.toggle('of-words', reads === 'words');
    find('tokens').replaceChildren(...cells);
    find('reads-hint').textContent = say('readsHint', { steps, token: say(reads === 'words' ? 'word' : 'character') });
    find('more').textContent = all.length > SHOWN ? say('more', { shown: SHOWN, all: all.length }) : '';
  }

  #speakOut() {
    const { text = '', answer } = this.#last ?? {};
    const { label, score, tags } = answer ?? {};
    const { nameOf } = shipped[this.#id];
    if (text.trim() === '') find('heard').textContent = '';
    else if (tags)
      find('heard').textContent = tags
        .slice(0, SAID)
        .map(({ label: tag, start, end }) => say('heardTag', { word: text.slice(start, end), name: nameOf(tag) }))
        .join(', ');
    else if (label && score !== undefined)
      find('heard').textContent = say('heard', { name: nameOf(label), score: percent(score, 0) });
  }
}
