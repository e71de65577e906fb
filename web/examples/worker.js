/** Answers the lines of a file in as many workers as the machine has cores; worker.html is its page. */
import { loadModel } from 'padless/worker';

const get = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const greetings = [
  'Good morning, how are you?',
  'Guten Morgen, wie geht es dir?',
  'Bonjour, comment allez-vous ?',
  'Buenos días, ¿qué tal?',
];
const sample = () => Array.from({ length: 10_000 }, (_, i) => `${greetings[i % greetings.length]} (${i})`);

const loading = loadModel(new URL('../models/langid/langid.safetensors', import.meta.url), {
  workers: navigator.hardwareConcurrency,
});
/** @type {AbortController | null} */
let running = null;

/** @param {string[]} texts */
async function answer(texts) {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  get('cancel').disabled = false;
  get('progress').max = texts.length;
  try {
    const model = await loading;
    const start = performance.now();
    const answers = await model.predict(texts, { signal: mine.signal, onProgress: ({ done }) => (get('progress').value = done) });
    get('status').textContent = `${texts.length} texts in ${((performance.now() - start) / 1000).toFixed(1)} s`;
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const { label = '?' } of answers) counts.set(label, (counts.get(label) ?? 0) + 1);
    get('found').replaceChildren();
    for (const [label, count] of [...counts].sort(([, a], [, b]) => b - a)) {
      const row = get('found').insertRow();
      row.insertCell().textContent = label;
      row.insertCell().textContent = String(count);
    }
  } catch (error) {
    if (!mine.signal.aborted) get('status').textContent = String(error);
    else if (running === mine) get('status').textContent = 'Cancelled.';
  }
  if (running === mine) get('cancel').disabled = true;
}

get('file').addEventListener('change', async () => {
  const [file] = get('file').files;
  if (file) await answer((await file.text()).split('\n').filter((/** @type {string} */ line) => line.trim() !== ''));
});
get('sample').addEventListener('click', () => answer(sample()));
get('cancel').addEventListener('click', () => running?.abort());
