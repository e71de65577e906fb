/**
 * Your model: a file is dropped or chosen, read in a worker of the page, and typed into.
 */
import { loadModel } from 'padless';
import { attach } from 'padless/dom';
import { answerNodes } from './answer.js';
import { bestOf, find, findInput, make } from './elements.js';
import { filesOf, prepareReader, readModel } from './files.js';
import { format, onLanguage, say } from './language.js';

/** @typedef {import('padless').Model} Model */
/** @typedef {ReturnType<Model['run']>} Tensors */

/** Steps of a sequence that are shown. */
const SHOWN = 12;
/** Values of a step that are shown. */
const WIDTH = 8;

/** After so many milliseconds more is said of what takes long. */
const LONG = 4000;

/** Packages that read other people's files, and which. */
const readers = { fflate: ['.keras'], h5wasm: ['.keras', '.h5'] };

/** Raw outputs: a vector as bars, a sequence as rows. @param {Tensors} tensors @param {Model} model */
function tensorNodes(tensors, model) {
  return tensors.flatMap(({ name, shape, data }, i) => {
    const K = shape[shape.length - 1];
    const title = make('h4', '', say('values', { name, shape: `[${shape.join(', ')}]` }));
    const labels = model.outputs[i].labels;
    if (shape.length === 2) {
      const scores = Object.fromEntries(Array.from(data, (value, k) => [labels?.[k] ?? String(k), value]));
      return [title, ...answerNodes({ scores }, { text: '' })];
    }
    const rows = Array.from({ length: Math.min(SHOWN, data.length / K) }, (_, t) => {
      const step = data.subarray(t * K, (t + 1) * K);
      const values = Array.from(step.subarray(0, WIDTH), (value) => value.toFixed(4));
      return `${String(t).padStart(3)}  ${values.join('  ')}${K > WIDTH ? '  …' : ''}${labels ? `  ${labels[bestOf(step)]}` : ''}`;
    });
    const block = make('pre', '', rows.join('\n'));
    block.tabIndex = 0;
    return [title, block];
  });
}

/** @param {string} text */
const idsOf = (text) => (text.match(/-?\d+/g) ?? []).map(Number);

/** What is open, and what listens to its box. */
export function startYours() {
  const box = /** @type {HTMLTextAreaElement} */ (find('yours-text'));
  const drop = find('drop');
  const panel = find('yours');
  /** @type {{ name: string, model: Model } | null} */
  let open = null;
  /** @type {import('padless/dom').Typing | null} */
  let typing = null;
  /** @type {string[]} */
  let missing = [];
  /** Of the files that are being read. @type {AbortController | null} */
  let reading = null;

  /** @param {unknown} error */
  const fail = (error) => {
    find('yours-error').hidden = error === null;
    find('yours-error').textContent = error === null ? '' : error instanceof Error ? error.message : String(error);
  };

  const showMissing = () => {
    find('missing').hidden = missing.length === 0;
    const kinds = new Set(missing.flatMap((name) => readers[/** @type {keyof typeof readers} */ (name)]));
    find('missing').textContent = say('missing', { names: missing.join(', '), kinds: [...kinds].join(', ') });
  };

  const describe = () => {
    showMissing();
    if (!open) return;
    const { name, model } = open;
    const [input] = model.inputs;
    const one = model.inputs.length === 1 && input.ids;
    find('yours-model').hidden = false;
    find('yours-name').textContent = name;
    find('yours-facts').textContent = say('facts', {
      parameters: format(model.parameters),
      inputs: say(model.text ? 'inputText' : one ? 'inputIds' : 'inputValues'),
      build: model.simd,
    });
    const reads = model.readsPadding;
    find('yours-padding').textContent = reads.length ? say('padReads', { layers: reads.join(', ') }) : say('padSame');
    find('yours-box').hidden = !one;
    find('yours-label').textContent = say(model.text ? 'typeText' : 'typeIds');
    find('yours-hint').hidden = Boolean(model.text);
    const shapes = model.inputs.map((each) => `${each.name} [${each.shape.map((length) => length ?? 'T').join(', ')}]`);
    find('yours-hint').textContent = one
      ? say('idsHint', { most: input.vocabulary - 1 })
      : say('noBox', { inputs: shapes.join(', ') });
  };

  const listen = () => {
    typing?.detach();
    typing = null;
    box.value = '';
    find('yours-answer').replaceChildren();
    find('yours-time').textContent = '';
    if (!open || find('yours-box').hidden) return;
    const { model } = open;
    /** @type {any} */
    const answering = model.text
      ? model
      : { predict: (/** @type {string} */ text) => (text.trim() ? model.run([idsOf(text)]) : []) };
    typing = attach(box, answering, {
      onAnswer(answer, { text, ms }) {
        fail(null);
        const nodes = model.text ? answerNodes(answer, { text }) : tensorNodes(/** @type {any} */ (answer), model);
        find('yours-answer').replaceChildren(...(text === '' ? [] : nodes));
        find('yours-time').textContent = text === '' ? '' : `${ms.toFixed(1)} ms`;
      },
      onError: fail,
    });
    box.focus();
  };

  const settle = () => {
    reading = null;
    find('yours-progress').hidden = true;
    const focused = document.activeElement === find('cancel');
    find('cancel').hidden = true;
    // The focus does not go away with its button.
    if (focused) (find('yours-box').offsetParent ? box : find('files')).focus();
  };

  /** @param {File[]} files */
  const take = async (files) => {
    if (files.length === 0) return;
    // What was dropped last counts.
    reading?.abort();
    const mine = (reading = new AbortController());
    fail(null);
    const names = files.map(({ name }) => name);
    const values = { name: names.slice(0, 3).join(', ') };
    find('yours-status').textContent = say('reading', values);
    find('yours-progress').hidden = false;
    find('cancel').hidden = false;
    const timer = setTimeout(() => (find('yours-status').textContent = say('stillReading', values)), LONG);
    try {
      const found = await readModel(files, mine.signal);
      if (!found) throw new Error(say('noFiles', { names: names.slice(0, 10).join(', ') }));
      const { name } = found;
      const model = await loadModel(found.bytes);
      mine.signal.throwIfAborted();
      settle();
      open = { name, model };
      describe();
      listen();
      find('yours-status').textContent = say('read', { name });
    } catch (error) {
      if (reading !== mine) return;
      settle();
      find('yours-status').textContent = mine.signal.aborted ? say('cancelled', values) : '';
      if (!mine.signal.aborted) fail(/no padless metadata/.test(String(error)) ? say('state') : error);
    } finally {
      clearTimeout(timer);
    }
  };

  find('cancel').addEventListener('click', () => reading?.abort());
  addEventListener('keydown', ({ key, isComposing }) => {
    if (key === 'Escape' && !isComposing && !panel.hidden) reading?.abort();
  });

  for (const id of ['files', 'folder'])
    findInput(id).addEventListener('change', ({ target }) => {
      const input = /** @type {HTMLInputElement} */ (target);
      void take([...(input.files ?? [])]);
      // So that the same file can be chosen again.
      input.value = '';
    });
  // A file that misses its place must not take the page away.
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => event.preventDefault());
  panel.addEventListener('dragover', () => drop.classList.add('over'));
  panel.addEventListener('dragleave', () => drop.classList.remove('over'));
  panel.addEventListener('drop', async (event) => {
    drop.classList.remove('over');
    await take(await filesOf(event.dataTransfer));
  });

  find('save').addEventListener('click', () => {
    if (!open) return;
    find('yours-status').textContent = say('saved');
    const url = URL.createObjectURL(new Blob([open.model.save()]));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${open.name.replace(/\.[^.]*$/, '')}.safetensors`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  });
  onLanguage(() => {
    describe();
    typing?.refresh();
  });

  let looked = false;
  return {
    /** The panel is seen: fetches the importer before it is needed, and looks whether the packages that it takes are there. */
    async open() {
      if (looked) return;
      looked = true;
      prepareReader();
      const names = Object.keys(readers);
      const there = await Promise.all(
        names.map((name) =>
          fetch(import.meta.resolve(name), { method: 'HEAD' }).then(
            ({ ok }) => ok,
            () => true,
          ),
        ),
      );
      missing = names.filter((_, i) => !there[i]);
      showMissing();
    },
  };
}
