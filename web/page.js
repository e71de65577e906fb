/**
 * The page: a language for the text at every keystroke, and the same bits however much padding there is.
 */
import { loadModel } from 'padless';

/** Tokens shown of a long text. */
const SHOWN = 64;

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

const names = new Intl.DisplayNames(['en'], { type: 'language' });
const percent = new Intl.NumberFormat('en', { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** @param {string} id @returns {HTMLElement} */
function find(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {...(Node | string)} children
 */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

const text = /** @type {HTMLTextAreaElement} */ (find('text'));
const steps = /** @type {HTMLInputElement} */ (find('steps'));

/** @param {unknown} error */
function showError(error) {
  find('error').textContent = `Something went wrong: ${error instanceof Error ? error.message : String(error)}`;
  find('error').hidden = false;
}

/** A float32's bits as 8 hex digits. @param {number} value */
function bitsOf(value) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return view.getUint32(0).toString(16).padStart(8, '0');
}

/** What a cell shows of a token: something to see for white space too. @param {string} token */
function visible(token) {
  if (token === '\n') return '↵';
  if (/^\s$/u.test(token)) return '␣';
  if (/^\p{M}/u.test(token)) return `◌${token}`;
  return /^[\p{C}]/u.test(token) ? '\ufffd' : token;
}

/** @param {string} token @param {number} id @param {0 | 1} mask */
function cell(token, id, mask) {
  return make('li', mask ? '' : 'pad', make('bdi', '', token), make('span', 'id', String(id)), make('span', 'mask', String(mask)));
}

/** @param {import('padless').Model} model */
function showAnswer(model) {
  const start = performance.now();
  const { scores, truncated } = model.predict(text.value);
  const took = performance.now() - start;
  find('time').textContent = `${took.toFixed(1)} ms`;
  const top = Object.entries(scores ?? {})
    .sort(([, a], [, b]) => b - a)
    .slice(0, 5);
  const list = make('ol', '');
  for (const [label, score] of top) {
    const fill = make('span', '');
    fill.style.width = `${100 * score}%`;
    const bar = make('span', 'bar', fill);
    bar.setAttribute('aria-hidden', 'true');
    const item = make('li', '', make('span', 'name', names.of(label) ?? label), bar, make('span', 'score', percent.format(score)));
    item.dataset.label = label;
    list.append(item);
  }
  find('answer').replaceChildren(list);
  find('cut').hidden = !truncated;
  find('cut').textContent = `The model reads the first ${model.text?.maxlen} characters; the rest is left out.`;
}

/** @param {import('padless').Model} model */
function showPadding(model) {
  if (!model.text) return;
  const { value } = text;
  const { ids, offsets } = model.text.encode(value);
  const padding = Number(steps.value);
  const [{ data: plain }] = model.run([ids]);
  const [{ data: padded }] = model.run([[...ids, ...new Array(padding).fill(0)]]);
  const best = plain.indexOf(Math.max(...plain));
  const [without, bits] = [bitsOf(plain[best]), bitsOf(padded[best])];
  find('count').textContent = steps.value;
  find('bits-without').textContent = without;
  find('bits').textContent = bits;
  find('same').textContent = bits === without ? 'the same' : 'different';
  find('same').classList.toggle('differs', bits !== without);
  // Letters with marks on them normalise together: tokens with the same offsets are their code points in turn.
  let nth = 0;
  const cells = Array.from(ids.subarray(0, SHOWN), (id, i) => {
    nth = i > 0 && offsets[2 * i] === offsets[2 * i - 2] ? nth + 1 : 0;
    const source = value.slice(offsets[2 * i], offsets[2 * i + 1]);
    return cell(visible([...source.normalize('NFC')][nth] ?? source), id, 1);
  });
  for (let i = 0; i < padding; i++) cells.push(cell('·', 0, 0));
  find('tokens').replaceChildren(...cells);
  find('more').textContent = ids.length > SHOWN ? `The first ${SHOWN} of ${ids.length} tokens are shown.` : '';
}

/** @param {import('padless').Model} model */
function show(model) {
  try {
    const empty = text.value.trim() === '';
    find('padding').hidden = empty;
    if (empty) {
      find('answer').replaceChildren(make('p', 'hint', 'Type or paste a few words, or choose an example.'));
      find('time').textContent = '';
      find('cut').hidden = true;
    } else {
      showAnswer(model);
      showPadding(model);
    }
    find('error').hidden = true;
  } catch (error) {
    showError(error);
  }
}

for (const [label, example] of examples) {
  const button = make('button', '', names.of(label) ?? label);
  button.setAttribute('type', 'button');
  button.dataset.label = label;
  button.addEventListener('click', () => {
    text.value = example;
    text.dispatchEvent(new Event('input'));
  });
  find('examples').append(button);
}

try {
  const model = await loadModel(new URL('models/langid/langid.safetensors', document.baseURI));
  text.addEventListener('input', () => show(model));
  steps.addEventListener('input', () => show(model));
  find('about').textContent =
    `${model.outputs[0].labels?.length} languages, ${model.parameters.toLocaleString('en')} weights, ` +
    `${Math.round(model.fileBytes / 1000)} kB, WebAssembly SIMD (${model.simd}).`;
  show(model);
} catch (error) {
  find('answer').replaceChildren(make('p', 'hint', 'The model could not be loaded.'));
  showError(error);
}
