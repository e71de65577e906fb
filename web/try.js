/**
 * Try: an answer for the text at every keystroke, what it took, where in the text it comes from, and what the model got.
 */
import { attach } from 'padless/dom';
import { answerNodes } from './answer.js';
import { find, make, tokensOf } from './elements.js';
import { heatOf, heatText } from './heat.js';
import { format, languageName, onLanguage, percent, say } from './language.js';
import { Plot } from './plot.js';

/** Tokens shown of a long text. */
const SHOWN = 64;
/** Steps of a batch are a multiple of this, in the picture. */
const ROUND = 8;
/** Of a text with more tokens, what is more than the answer waits until the typing pauses: so many milliseconds. */
const MANY = 100;
const PAUSE = 200;
/** Who listens hears the answer when the typing rests, in milliseconds. */
const REST = 1000;

/** A text in each of ten scripts, by the model's label. */
const examples = [
  ['de', 'Guten Morgen, wie geht es Ihnen heute?'],
  ['ru', 'Все люди рождаются свободными и равными в своём достоинстве и правах.'],
  ['el', 'Καλημέρα, πώς είστε σήμερα;'],
  ['ar', 'صباح الخير، كيف حالك اليوم؟'],
  ['hi', 'सुप्रभात, आज आप कैसे हैं?'],
  ['zh-Hans', '这个国家的人们说汉语，他们从小学习书写。'],
  ['ja', 'おはようございます。今日はお元気ですか？'],
  ['ko', '좋은 아침입니다. 오늘 기분이 어떠세요?'],
  ['th', 'สวัสดีตอนเช้า วันนี้คุณเป็นอย่างไรบ้าง'],
  ['ka', 'დილა მშვიდობისა, როგორ ხართ დღეს?'],
];

/**
 * @param {string} token @param {number} id @param {number} mask
 */
export function cell(token, id, mask) {
  return make('li', mask ? '' : 'pad', make('bdi', '', token), make('span', 'id', String(id)), make('span', 'mask', String(mask)));
}

/** @typedef {import('./answer.js').Prediction} Prediction */

/**
 * @param {import('padless').Model} model
 * @param {(error: unknown) => void} onError  null: all is well
 */
export function startTry(model, onError) {
  const box = /** @type {HTMLTextAreaElement} */ (find('text'));
  const plot = new Plot(/** @type {SVGElement} */ (/** @type {Element} */ (find('plot-bars'))), find('plot-text'));
  const labels = model.outputs[0].labels ?? [];
  /** The last answer and its text. @type {{ answer: Prediction, text: string } | null} */
  let last = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let rest;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pause;

  const showHeat = () => {
    const { text, answer } = /** @type {NonNullable<typeof last>} */ (last);
    const scores = labels.map((label) => answer.scores?.[label] ?? 0);
    const heat = answer.tokens > 0 ? heatOf(model, text, scores) : null;
    find('heat').hidden = heat === null;
    if (!heat || !model.text) return;
    const [first, second] = heat.labels.map((k) => languageName(labels[k]));
    const sum = heat.shares.reduce((all, share) => all + share, 0);
    const number = (/** @type {number} */ value) => format(value, { maximumFractionDigits: 2 });
    find('heat-key').textContent = say('heat', { first, second });
    find('heat-text').replaceChildren(heatText(text, model.text.encode(text).offsets, heat.shares));
    find('heat-sum').textContent = say('heatSum', {
      ...{ sum: number(sum), bias: number(heat.bias), total: number(sum + heat.bias) },
      ...{ p: first, q: second },
    });
  };

  const showTokens = () => {
    const { text } = /** @type {NonNullable<typeof last>} */ (last);
    if (!model.text) return;
    const { ids: all, tokens } = tokensOf(text, model.text, SHOWN);
    const steps = ROUND * Math.floor(all.length / ROUND + 1);
    const { ids, mask } = model.text.encodeBatch([text], { minLength: steps });
    const cells = tokens.map((token, i) => cell(token, ids[i], mask[i]));
    for (let i = all.length; i < steps; i++) cells.push(cell('·', ids[i], mask[i]));
    find('reads').hidden = false;
    find('tokens').replaceChildren(...cells);
    find('reads-hint').textContent = say('readsHint', { steps });
    find('more').textContent = all.length > SHOWN ? say('more', { shown: SHOWN, all: all.length }) : '';
  };

  const show = () => {
    if (!last) return;
    const { answer, text } = last;
    const empty = text.trim() === '';
    clearTimeout(pause);
    for (const id of ['heat', 'reads']) if (empty) find(id).hidden = true;
    find('answer').replaceChildren(
      ...(empty ? [make('p', 'hint', say('empty'))] : answerNodes(answer, { text, nameOf: languageName })),
    );
    find('cut').hidden = empty || !answer.truncated;
    find('cut').textContent = say('cut', { maxlen: model.text?.maxlen ?? 0 });
    if (empty) {
      find('time').textContent = '';
      return;
    }
    const details = () => {
      showHeat();
      showTokens();
    };
    if (answer.tokens > MANY) pause = setTimeout(details, PAUSE);
    else details();
  };

  const speakOut = () => {
    const { label, score } = last?.answer ?? {};
    const silent = !label || score === undefined || last?.text.trim() === '';
    find('heard').textContent = silent ? '' : say('heard', { name: languageName(label), score: percent(score, 0) });
  };

  const typing = attach(box, model, {
    onAnswer(answer, { text, ms }) {
      last = { answer, text };
      try {
        if (text.trim() !== '') {
          find('time').textContent = `${ms.toFixed(1)} ms`;
          find('plot').hidden = false;
          plot.add(ms);
        }
        show();
        onError(null);
      } catch (error) {
        onError(error);
      }
      clearTimeout(rest);
      rest = setTimeout(speakOut, REST);
    },
    onError,
  });

  const buttons = examples.map(([label, example]) => {
    const button = make('button', '');
    button.setAttribute('type', 'button');
    button.dataset.label = label;
    button.addEventListener('click', () => {
      box.value = example;
      typing.refresh();
    });
    return button;
  });
  find('examples').replaceChildren(...buttons);
  const name = () => {
    for (const button of buttons) button.textContent = languageName(button.dataset.label ?? '');
  };
  name();
  onLanguage(() => {
    name();
    show();
    plot.show();
  });
}
