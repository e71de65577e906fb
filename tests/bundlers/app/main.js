/** A page that uses padless in each way that a bundler may get wrong. The answers are in globalThis.answers when the title is "done". */
import { createModel, loadModel } from 'padless';
import { attach } from 'padless/dom';
import { loadModel as loadInWorker } from 'padless/worker';

const text = 'Guten Morgen';
const architecture = {
  class_name: 'Sequential',
  config: {
    name: 's',
    layers: [
      { class_name: 'InputLayer', config: { batch_shape: [null, 2], name: 'x' } },
      { class_name: 'LayerNormalization', config: { name: 'norm', center: false, scale: false, epsilon: 0 } },
    ],
  },
};

/** @type {Record<string, (url: URL) => Promise<unknown>>} */
const ways = {
  page: async (url) => (await loadModel(url)).predict(text).label,
  // A layer that padless imports only when a model has it.
  rare: async () => [...(await createModel({ architecture, weights: () => new Map() })).run([[1, 3]])[0].data].join(' '),
  worker: async (url) => (await (await loadInWorker(url)).predict(text)).label,
  dom: async (url) => {
    const model = await loadModel(url);
    const element = /** @type {HTMLTextAreaElement} */ (document.querySelector('textarea'));
    return new Promise((resolve, reject) =>
      attach(element, model, { worker: true, onError: reject, onAnswer: ({ label }) => resolve(label) }),
    );
  },
  // A worker of the page's own that imports padless.
  own: (url) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./own.js', import.meta.url), { type: 'module' });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message || 'own.js could not be run'));
      worker.postMessage(url.href);
    }),
  // Minifiers rename classes.
  error: (url) =>
    loadModel(url)
      .then((model) => model.predict(/** @type {any} */ (5)))
      .catch((error) => error.name),
};

/** @param {URL} url  of the model */
export async function main(url) {
  /** @type {Record<string, unknown>} */
  const answers = {};
  for (const [name, ask] of Object.entries(ways))
    answers[name] = await ask(url).catch((error) => `${error?.name}: ${error?.message}`);
  /** @type {any} */ (globalThis).answers = answers;
  document.title = 'done';
}
