/**
 * The section "Try": one of the page's models answers at every keystroke. Below the answer are the time, the contribution of each token, and the
 * ids and mask that the model got.
 */
import { attach } from 'padless/dom';
import { answerNodes, doubtOf, nameNodes } from './answer.js';
import { find, make } from './elements.js';
import { bindText, onNear, replaceText } from './fields.js';
import { heatOf, heatText } from './heat.js';
import { Highlights } from './highlights.js';
import { format, onLanguage, percent, say, size } from './language.js';
import { Plot } from './plot.js';
import { loadShipped, shipped } from './shipped.js';
import { onState, setState, state, takeOver } from './state.js';
import { shownPositions, stepsOf, tokenCell, tokenGap, tokensOf } from './tokens.js';

/** Maximum number of tokens shown. */
const SHOWN_TOKENS = 64;
/** The shown row is padded to a multiple of this many steps. */
const BATCH_MULTIPLE = 8;
/** For a text of more than MANY_TOKENS, the details below the answer wait until the user has not typed for DETAILS_MS milliseconds. */
const MANY_TOKENS = 100;
const DETAILS_MS = 200;
/** A screen reader announces the answer when the user has not typed for ANNOUNCE_MS milliseconds; of tagged words, at most ANNOUNCED_WORDS. */
const ANNOUNCE_MS = 1000;
const ANNOUNCED_WORDS = 12;

/** @typedef {import('./answer.js').Prediction} Prediction */
/** @typedef {import('padless').Model} Model */
/** @typedef {{ answer: Prediction, text: string }} Last */

/** The answer of a model's first output. @param {Prediction} answer @returns {import('./answer.js').Answer} */
const mainAnswer = (answer) => Object.values(answer.outputs ?? {})[0] ?? answer;

/** How many characters or words of a truncated text a model reads. @param {Model} model @param {string} text */
function tokensRead({ text: reader }, text) {
  // The n-grams of a character are several ids.
  return reader?.unit === 'ngrams' ? (reader.encode(text).offsets.at(-1) ?? 0) : (reader?.maxlen ?? 0);
}

export class Try {
  /** The chosen model: a key of `shipped`. @type {string} */
  #id;
  /** @type {Model | null} */
  #model = null;
  /** The chosen model could not be loaded. */
  #failed = false;
  #loading = false;
  /** The last answer and its text. @type {Last | null} */
  #last = null;
  /** @type {ReturnType<typeof attach> | null} */
  #typing = null;
  #box = /** @type {HTMLTextAreaElement} */ (find('text'));
  #highlights = new Highlights(this.#box);
  #plot = new Plot(/** @type {SVGElement} */ (/** @type {Element} */ (find('plot-bars'))), find('plot-text'));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #announceTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #detailsTimer;

  /** The text that the last example replaced. @type {string | null} */
  #before = null;

  /**
   * @param {object} on
   * @param {(error: unknown, retry?: () => void) => void} on.error  called with null when there is no error
   * @param {() => unknown} on.loaded  called when a model has been loaded
   */
  constructor(on) {
    this.on = on;
    const radios = /** @type {HTMLInputElement[]} */ ([...find('models').querySelectorAll('input')]);
    // A choice that the user made before this script ran is kept.
    const chosen = radios.find((radio) => radio.checked && !radio.defaultChecked);
    if (chosen) takeOver('model', chosen.value);
    this.#id = state().model;
    for (const radio of radios) {
      radio.addEventListener('change', () => setState({ model: radio.value }));
      // A click on a model that failed to load tries again. It fires no change event, because the radio button is checked already.
      radio.addEventListener('click', () => {
        if (this.#failed && radio.value === this.#id) void this.#chooseModel(radio.value);
      });
    }
    const showChoice = () => {
      for (const radio of radios) radio.checked = radio.value === state().model;
    };
    onState(({ model }) => {
      showChoice();
      if (model !== undefined) void this.#chooseModel(model);
    });
    bindText(this.#box, () => this.#typing?.refresh());
    this.#box.addEventListener('input', () => this.#forgetUndo());
    find('undo').addEventListener('click', () => this.#undoExample());
    onLanguage(() => this.#showLabels());
    showChoice();
    this.#showLabels();
    onNear(find('try'), (near) => {
      if (near && !this.#model && !this.#failed && !this.#loading) void this.#chooseModel(this.#id);
    });
  }

  /** @param {string} example */
  #showExample(example) {
    const before = this.#before ?? this.#box.value;
    replaceText(this.#box, example);
    this.#typing?.refresh();
    this.#before = before;
    find('undo').hidden = before === example;
  }

  #undoExample() {
    const before = this.#before ?? '';
    const focused = document.activeElement === find('undo');
    replaceText(this.#box, before);
    this.#typing?.refresh();
    this.#forgetUndo();
    if (focused) this.#box.focus({ preventScroll: true });
  }

  /** Once the user types, the text before the example cannot be restored. */
  #forgetUndo() {
    this.#before = null;
    find('undo').hidden = true;
  }

  /** Loads a model and connects it to the box. @param {string} id  a key of `shipped` */
  async #chooseModel(id) {
    this.#typing?.detach();
    clearTimeout(this.#announceTimer);
    clearTimeout(this.#detailsTimer);
    this.#id = id;
    this.#model = null;
    this.#failed = false;
    this.#loading = true;
    this.#last = null;
    this.on.error(null);
    this.#highlights.highlight('', []);
    this.#showLabels();
    for (const hidden of ['heat', 'reads', 'plot', 'cut', 'card']) find(hidden).hidden = true;
    find('time').textContent = '';
    find('about').textContent = '';
    try {
      const model = await loadShipped(id);
      // The user may have chosen another model meanwhile.
      if (this.#id !== id || this.#model) return;
      this.#model = model;
      this.#loading = false;
      this.on.error(null);
      this.#attach(model);
      this.#showLabels();
      this.on.loaded();
    } catch (error) {
      if (this.#id !== id) return;
      this.#failed = true;
      this.#loading = false;
      this.#showLabels();
      this.on.error(error, () => void this.#chooseModel(id));
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
          this.#showAnswer();
          this.on.error(null);
        } catch (error) {
          this.#fail(error);
        }
        clearTimeout(this.#announceTimer);
        this.#announceTimer = setTimeout(() => this.#announce(), ANNOUNCE_MS);
      },
      onError: (error) => this.#fail(error),
    });
  }

  /** Shows an error in place of the answer, which belongs to an earlier text. @param {unknown} error */
  #fail(error) {
    this.#last = null;
    this.#highlights.highlight('', []);
    clearTimeout(this.#announceTimer);
    clearTimeout(this.#detailsTimer);
    for (const id of ['heat', 'reads', 'cut']) find(id).hidden = true;
    find('time').textContent = '';
    find('answer').replaceChildren(make('p', 'hint', say('noAnswer')));
    this.on.error(error);
  }

  /** Shows what does not depend on the text, in the current language, and then the last answer. */
  #showLabels() {
    const { question, about, reads, examples, nameOf } = shipped[this.#id];
    const model = this.#model;
    find('question').textContent = say(question);
    find('heat-title').textContent = say('heatTitle', { tokens: say(reads) });
    const buttons = examples.map(([label, example]) => {
      const button = make('button', '', label ? nameOf(label) : example);
      button.setAttribute('type', 'button');
      if (label) button.dataset.label = label;
      button.addEventListener('click', () => this.#showExample(example));
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
    this.#showAnswer();
    this.#plot.drawBars();
  }

  #showAnswer() {
    if (!this.#last || !this.#model) return;
    const { answer, text } = this.#last;
    const { nameOf, shortOf, colourOf, reads } = shipped[this.#id];
    const empty = text.trim() === '';
    const main = mainAnswer(answer);
    clearTimeout(this.#detailsTimer);
    for (const id of ['heat', 'reads']) if (empty) find(id).hidden = true;
    find('answer').replaceChildren(
      ...(empty ? [make('p', 'hint', say('empty'))] : answerNodes(main, { text, nameOf, shortOf, colourOf })),
      ...(empty ? [] : nameNodes(text, answer.outputs?.names?.spans ?? [])),
    );
    this.#highlights.highlight(
      text,
      colourOf && main.tags ? main.tags.map(({ label, start, end }) => ({ start, end, colour: colourOf(label) })) : [],
    );
    find('cut').hidden = empty || !answer.truncated;
    if (answer.truncated) find('cut').textContent = say('cut', { maxlen: tokensRead(this.#model, text), tokens: say(reads) });
    if (empty) {
      find('time').textContent = '';
      return;
    }
    const details = () => {
      this.#showHeat();
      this.#showTokens();
    };
    if (answer.tokens > MANY_TOKENS) this.#detailsTimer = setTimeout(details, DETAILS_MS);
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
    const grams = model.text.unit === 'ngrams';
    const number = (/** @type {number} */ value) => format(value, { maximumFractionDigits: 2 });
    find('heat-key').textContent = say('heat', { first, second });
    find('heat-text').replaceChildren(heatText(text, model.text.encode(text).offsets, heat.shares, reads === 'words'));
    find('heat-sum').textContent = say(grams ? 'heatSumGrams' : 'heatSum', {
      ...{ sum: number(sum), bias: number(heat.bias), total: number(sum + heat.bias) },
      ...{ p: first, q: second, token: say(grams ? 'ngram' : reads === 'words' ? 'word' : 'character') },
    });
  }

  #showTokens() {
    const { text: vectorizer } = /** @type {Model} */ (this.#model);
    const { text } = /** @type {Last} */ (this.#last);
    const { reads } = shipped[this.#id];
    if (!vectorizer) return;
    const { ids: all, tokens } = tokensOf(text, vectorizer, SHOWN_TOKENS);
    const steps = BATCH_MULTIPLE * Math.floor(all.length / BATCH_MULTIPLE + 1);
    const { ids, mask } = vectorizer.encodeBatch([text], { minLength: steps });
    const padded = stepsOf(ids, vectorizer.width);
    const cells = tokens.map((token, i) => tokenCell(token, padded[i], mask[i]));
    if (all.length > SHOWN_TOKENS) cells.push(tokenGap(all.length - SHOWN_TOKENS));
    for (const { t, hidden } of shownPositions(mask.subarray(0, steps)).filter((position) => position.t >= all.length))
      cells.push(hidden ? tokenGap(hidden) : tokenCell('·', padded[t], mask[t]));
    find('reads').hidden = false;
    find('tokens').classList.toggle('of-words', reads === 'words');
    find('tokens').replaceChildren(...cells);
    const token = vectorizer.unit === 'ngrams' ? 'ngram' : reads === 'words' ? 'word' : 'character';
    find('reads-hint').textContent =
      say('readsHint', { steps, token: say(token) }) + (token === 'ngram' ? ` ${say('readsGrams')}` : '');
    find('more').textContent = all.length > SHOWN_TOKENS ? say('more', { shown: SHOWN_TOKENS, all: all.length }) : '';
  }

  #announce() {
    const { text = '', answer } = this.#last ?? {};
    const { label, score, tags } = answer ? mainAnswer(answer) : {};
    const { nameOf } = shipped[this.#id];
    if (text.trim() === '') find('heard').textContent = '';
    else if (tags)
      find('heard').textContent = tags
        .slice(0, ANNOUNCED_WORDS)
        .map(({ label: tag, start, end }) => say('heardTag', { word: text.slice(start, end), name: nameOf(tag) }))
        .join(', ');
    else if (label && score !== undefined) {
      const doubt = doubtOf(mainAnswer(/** @type {Last} */ (this.#last).answer));
      const heard = say('heard', { name: nameOf(label), score: percent(score, 0) });
      find('heard').textContent = doubt ? `${say(doubt)} ${heard}` : heard;
    }
  }
}
