/** The page: which language is this text, at every keystroke. */
import { loadModel } from 'padless';

const examples = [
  ['de', 'Guten Morgen, wie geht es Ihnen heute?'],
  ['ru', 'Сегодня очень хорошая погода, пойдём гулять.'],
  ['el', 'Καλημέρα, τι κάνετε σήμερα;'],
  ['ar', 'صباح الخير، كيف حالك اليوم؟'],
  ['hi', 'नमस्ते, आज आप कैसे हैं?'],
  ['zh-Hans', '这本书非常有意思，我们明天再谈。'],
  ['ja', 'おはようございます。今日はいい天気ですね。'],
  ['ko', '안녕하세요, 오늘 날씨가 정말 좋네요.'],
  ['th', 'สวัสดีครับ วันนี้อากาศดีมาก'],
  ['ka', 'დილა მშვიდობისა, როგორ ხართ დღეს?'],
];
const SHOWN_TOKENS = 64;

/** @param {string} id @returns {any} */
const $ = (id) => document.getElementById(id);
const names = new Intl.DisplayNames(['en'], { type: 'language' });
const percent = new Intl.NumberFormat('en', { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });

/**
 * @param {string} tag
 * @param {string} [className]
 * @param {string} [text]
 */
function element(tag, className = '', text = '') {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

/** @param {Record<string, number>} scores */
function showAnswer(scores) {
  const best = Object.entries(scores)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 5);
  const list = document.createElement('ol');
  for (const [label, score] of best) {
    const item = list.appendChild(element('li'));
    item.dataset.label = label;
    item.appendChild(element('span', 'bar')).style.width = `${100 * score}%`;
    item.append(element('span', '', names.of(label) ?? label), element('span', '', percent.format(score)));
  }
  $('answer').replaceChildren(list);
}

/** @param {string} message @param {string} className */
const say = (message, className) => $('answer').replaceChildren(element('p', className, message));

/**
 * @param {import('padless').Model} model
 * @param {string} text
 */
function showReading(model, text) {
  const { text: reader } = model;
  if (!reader) return;
  const { ids, offsets, truncated } = reader.encode(text);
  const spare = Number($('padding').value);
  const cells = [];
  for (let t = 0; t < Math.min(ids.length, SHOWN_TOKENS); t++) {
    cells.push({ token: text.slice(offsets[2 * t], offsets[2 * t + 1]).replace(/\s/, '\u2423'), id: ids[t], mask: 1 });
  }
  for (let t = 0; t < spare; t++) cells.push({ token: '', id: reader.pad, mask: 0 });
  $('tokens').replaceChildren(
    ...cells.map(({ token, id, mask }) => {
      const cell = element('div', mask ? 'token' : 'token pad');
      cell.append(element('b', '', token), element('span', '', String(id)), element('span', '', String(mask)));
      return cell;
    }),
  );
  const shown = ids.length > SHOWN_TOKENS ? `, the first ${SHOWN_TOKENS} shown` : '';
  $('reading').textContent =
    `${ids.length} characters${truncated ? ' (the text is longer, the rest is cut)' : ''}${shown}, then ${spare} steps of padding: ` +
    'the character, its id, its mask.';
  $('steps').textContent = String(spare);
  const [{ data }] = model.run([[...ids, ...Array(spare).fill(reader.pad)]]);
  const bits = new Uint32Array(Float32Array.of(Math.max(...data)).buffer)[0];
  $('bits').textContent = bits.toString(16).padStart(8, '0');
}

/** @param {import('padless').Model} model */
function update(model) {
  const text = $('text').value;
  const start = performance.now();
  const { scores, tokens } = model.predict(text);
  const milliseconds = performance.now() - start;
  if (tokens === 0) say('Type something, or take an example.', 'hint');
  else showAnswer(scores ?? {});
  $('time').textContent = `The last answer took ${milliseconds.toFixed(1)} ms.`;
  showReading(model, text);
}

try {
  const model = await loadModel(new URL('./models/langid/langid.safetensors', import.meta.url));
  for (const [label, text] of examples) {
    const button = element('button', '', names.of(label) ?? label);
    button.setAttribute('type', 'button');
    button.dataset.label = label;
    button.addEventListener('click', () => {
      $('text').value = text;
      update(model);
    });
    $('examples').append(button);
  }
  $('build').textContent = `Kernels: ${model.simd === 'relaxed' ? 'relaxed SIMD' : 'fixed-order SIMD'}.`;
  $('size').textContent = `${Math.round(model.fileBytes / 1000)} kB`;
  $('text').addEventListener('input', () => update(model));
  $('padding').addEventListener('input', () => showReading(model, $('text').value));
  update(model);
} catch (error) {
  say(error instanceof Error ? error.message : String(error), 'error');
  throw error;
}
